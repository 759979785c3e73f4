//! The binary as users start it: its processes, sockets, signals and exit codes, and real neighbours.

mod about;
mod alertmanager;
mod check;
mod clients;
mod demo;
mod differential;
mod healthcheck;
mod lint;
mod moving;
mod net;
mod notify;
mod pack;
mod peers;
mod process;
mod query;
mod reload;
mod remote_write;
mod routes;
mod rule_tests;
mod serve;
mod shapes;
mod soak;
mod start;
mod storage;
mod tsdb;
mod web_config;
