//! The binary as scripts and people see it: exit codes, messages, files.

mod backend;
mod command;
mod days;
mod kills;
mod refusals;
mod running;
mod simulated;
mod units;
