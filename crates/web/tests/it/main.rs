//! What clients read, in the shapes of Prometheus 3.5; what people read; and who is let in.

mod api;
mod guard;
mod page;
mod stage;
