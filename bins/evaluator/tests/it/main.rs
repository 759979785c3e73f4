//! The binary as users start it: its processes, sockets, signals and exit codes, and real neighbours.

mod check;
mod demo;
mod healthcheck;
mod net;
mod peers;
mod process;
mod reload;
mod serve;
mod start;
mod web_config;
