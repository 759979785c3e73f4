//! The project's own scripts, over two stores; and what the notation refuses.

mod comparing;
mod notation;
mod scripts;
mod stores;
