//! The project's own scripts, over two stores; and what the notation refuses.

mod notation;
mod scripts;
