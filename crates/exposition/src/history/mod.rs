//! Samples of long spans of time as a stream of lines, in and out: what moves from one store to another.

mod dump;
mod input;
mod line;
mod reader;
mod table;
mod writer;

pub use reader::{History, HistoryError, HistoryFormat, HistoryNotes, HistorySample, NanMeans, Noted};
pub use writer::{HistoryWriter, Unsayable};
