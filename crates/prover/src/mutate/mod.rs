//! Whether the intents would notice if a rule were wrong.

mod mutants;

pub use mutants::{MAX_MUTANTS, Mutant, MutantKind, mutants};
