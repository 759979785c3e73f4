//! What a person sees of a flawed file, and where every value is found again.

mod differential;
mod locate;
mod parse;
mod render;
mod suggest;
