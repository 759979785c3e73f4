//! What expressions mean, in whatever way they are evaluated; and how they fail.
#![expect(clippy::disallowed_methods, reason = "tests read the project's fixtures")]

mod corpus;
mod errors;
mod generate;
mod language;
mod limits;
mod outlines;
mod parse_hostile;
mod parse_oracle;
mod parse_print;
mod parse_trees;
mod parse_words;
mod properties;
mod reference;
mod shape;
