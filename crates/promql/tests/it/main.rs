//! What expressions mean, in whatever way they are evaluated; and how they fail.

mod errors;
mod generate;
mod limits;
mod properties;
