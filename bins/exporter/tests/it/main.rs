//! The binary as scripts and people see it: exit codes, messages, files.

mod backend;
mod command;
mod days;
mod keys;
mod kills;
mod log;
mod random_kills;
mod refusals;
mod retention;
mod running;
mod simulated;
mod units;
