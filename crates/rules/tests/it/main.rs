//! Rule files as they are read and refused, and groups as they are evaluated.

mod alerts;
mod bench;
mod embed;
mod files;
mod promtool;
mod recording;
mod reference;
mod state;
mod unit_tests;
