//! Looks for a world in which an alert does not keep its promise.
//!
//! **In scope:** what happens in one world as plain data ([`timeline`]); an intent with its rules, metrics and
//! environment ([`claim`]); what a scrape shows ([`expose`]), what the rules make of it ([`fast`], and through the
//! real machinery [`replay`]), and whether that keeps the promise ([`judge`]); random worlds in which things go
//! wrong together ([`generate`]), every world of a small scope ([`exhaustive`]), the search through either
//! ([`search`]) and the way from what it finds to the simplest world that is as wrong ([`shrink`]); what that looks
//! like as a drawing and as promtool's unit test ([`render`]); rules that are a little wrong on purpose
//! ([`mutate`]).
//!
//! **Out of scope:** reading files, threads and progress bars (whoever asks has them), what the intents say
//! (`policy`), how alerts are routed (`notifier`, by a closure in the claim).
//!
//! ```
//! use std::ops::ControlFlow;
//!
//! use assurance_diagnostics::Source;
//! use assurance_policy::intents::Intents;
//! use assurance_prover::assume::assume;
//! use assurance_prover::claim::Claim;
//! use assurance_prover::fast::Engine;
//! use assurance_prover::generate::Generator;
//! use assurance_prover::judge::VerdictKind;
//! use assurance_prover::search::{Seeded, search};
//! use assurance_rules::RuleFile;
//!
//! let intents = Intents::parse(&Source::new("intents.yml", "\
//! version: 1
//! intents:
//! - id: DOOR
//!   alert: DoorForced
//!   violation: {kind: event, metric: door_forced_total}
//!   detect_within: 130s
//! "))?;
//! let rules = RuleFile::parse(&Source::new("rules.yml", "\
//! groups:
//! - name: doors
//!   rules:
//!   - alert: DoorForced
//!     expr: increase(door_forced_total[5m]) > 0
//! ")).map_err(|problems| problems[0].clone())?;
//! // Nobody wrote down what the service shows: it is taken from what is said of it.
//! let contract = assume(&rules.groups, &intents)?;
//! let claim = Claim::new(&intents.intents[0], &intents.environment, &rules.groups, &contract)?;
//!
//! let generator = Generator::new(&claim);
//! let worlds = Seeded { generator: &generator, seed: 1 };
//! let found = search(&claim, &worlds, 0..100, &mut Engine::new(&claim), &mut |_| ControlFlow::Continue(()));
//! // An event right after the process was first seen, or right after it restarted, is no increase.
//! assert!(found.of(VerdictKind::Missed).is_some());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **Invariants.** The same seed and number give the same world, and the same search the same findings, on any
//! number of cores. The fast engine says what the whole path shows, but where it says that it cannot
//! ([`claim::Claim::needs_full`]). What is shrunk has a verdict of the same kind. A violation is unobservable only
//! where no scrape that succeeds in time reads anything else because of it.

pub mod assume;
pub mod budget;
pub mod claim;
pub mod exhaustive;
pub mod expose;
pub mod fast;
pub mod generate;
pub mod judge;
pub mod mutate;
pub mod render;
pub mod replay;
pub mod search;
pub mod shrink;
#[cfg(feature = "proptest")]
pub mod strategies;
pub mod timeline;
