//! Whether the intents would notice if a rule were wrong.

mod file;
mod mutants;
mod trial;

pub use file::rule_file;
pub use mutants::{MAX_MUTANTS, Mutant, MutantKind, mutants};
pub use trial::{Baseline, Fate, Tests, Trial};
