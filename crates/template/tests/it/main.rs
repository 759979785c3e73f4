//! Templates against fixtures, their errors as people read them, and what must hold for any of them.

mod errors;
mod fixtures;
mod properties;
