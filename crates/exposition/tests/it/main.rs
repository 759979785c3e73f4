//! Bodies read and refused, written and read again, and compared with another reader's view of them.

mod bodies;
mod encoding;
mod errors;
mod findings;
mod formats;
mod history;
mod properties;
mod rival;
mod series;
