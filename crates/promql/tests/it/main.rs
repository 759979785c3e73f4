//! What expressions mean, in whatever way they are evaluated; and how they fail.

mod errors;
