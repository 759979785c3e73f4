//! The room that waits: clock, sockets, TLS, files and signals around the machines.
