use std::io::Read;

use crate::{AppendFile, Entry, LockGuard, Memory, Storage, StorageError};

/// What goes wrong at the chosen step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The machine stops before the step takes effect; every later call fails.
    Crash,
    /// The step fails with an input/output error and has no effect. Of a failed sync the kernel forgets the
    /// bytes: programs still read them, but they never reach the disk.
    Io,
    /// The step fails because the device is full and has no effect.
    NoSpace,
    /// An append writes the first half of its bytes and then finds the device full; elsewhere as `NoSpace`.
    ShortWrite,
}

/// When something goes wrong, and what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    at_step: u64,
    fault: Fault,
}

impl Plan {
    /// `fault` at the `at_step`-th step, counted from 1. Steps are what a kill can fall between: opening,
    /// appending, syncing and truncating are one step each, removing is two (the name goes, the directory is
    /// synced), publishing and replacing are four (written, synced, named, directory synced), and finding that
    /// a name is taken is one. Reading, listing and locking take no step.
    pub const fn new(at_step: u64, fault: Fault) -> Self {
        Self { at_step, fault }
    }
}

/// What a crash leaves of what was not yet durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Survival {
    /// Only what was synced: the least that is promised.
    Synced,
    /// Everything that was written, as when only the process is killed.
    Everything,
    /// Anything in between, chosen by the seed: prefixes of appended bytes, zeros in place of others,
    /// names that did and names that did not reach the directory.
    Torn(u64),
}

impl Survival {
    /// A number below `bound`, the same for the same seed and key (FNV-1a with a final mix).
    pub(crate) fn choose(self, key: &str, bound: u64) -> u64 {
        let Self::Torn(seed) = self else { return 0 };
        let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for byte in key.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        hash ^= hash >> 32;
        hash = hash.wrapping_mul(0xd6e8_feb8_6659_fd93);
        hash ^= hash >> 32;
        hash % bound.max(1)
    }

    pub(crate) fn keeps_name(self, name: &str) -> bool {
        match self {
            Self::Synced => false,
            Self::Everything => true,
            Self::Torn(_) => self.choose(&format!("{name} name"), 2) == 1,
        }
    }
}

/// Counts steps and stops at the planned one.
#[derive(Debug, Default)]
pub(crate) struct Control {
    steps: u64,
    plan: Option<Plan>,
    down: bool,
}

/// Why a step does not take effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The fault falls on this very step.
    Now(Fault),
    /// The machine crashed at an earlier step.
    Down,
}

impl Control {
    pub(crate) fn step(&mut self) -> Result<(), Stop> {
        if self.down {
            return Err(Stop::Down);
        }
        self.steps += 1;
        match self.plan {
            Some(Plan { at_step, fault }) if at_step == self.steps => {
                self.down = fault == Fault::Crash;
                Err(Stop::Now(fault))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn is_down(&self) -> bool {
        self.down
    }
}

/// A [`Storage`] that keeps a live and a durable image and fails, or stops for good, at a chosen step.
///
/// ```
/// use assurance_storage::{Crashing, Fault, Plan, Storage, Survival};
///
/// let storage = Crashing::new(Plan::new(3, Fault::Crash)); // opening, appending, then the sync
/// let mut file = storage.open_append("state/log")?;
/// file.append(b"not yet safe")?;
/// assert!(file.sync().is_err());
/// assert!(storage.after_crash(Survival::Synced).list("state")?.is_empty());
/// assert_eq!(storage.after_crash(Survival::Everything).read("state/log", 100)?, b"not yet safe");
/// # Ok::<(), assurance_storage::StorageError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Crashing {
    memory: Memory,
}

impl Crashing {
    /// No files, and a fault to come.
    pub fn new(plan: Plan) -> Self {
        Self { memory: Memory::with_control(Control { plan: Some(plan), ..Control::default() }) }
    }

    /// No files and no fault: for counting the steps of a run.
    pub fn counting() -> Self {
        Self { memory: Memory::with_control(Control::default()) }
    }

    /// A copy of the files of `memory`, all of them durable, and a fault to come.
    pub fn over(memory: &Memory, plan: Plan) -> Self {
        let control = Control { plan: Some(plan), ..Control::default() };
        Self { memory: memory.copy_with_control(control) }
    }

    /// Lets another fault come, at a step counted from the beginning as the first was. A machine that has
    /// crashed stays so.
    pub fn replan(&self, plan: Plan) {
        self.memory.control(|control| control.plan = Some(plan));
    }

    /// How many steps were taken so far.
    pub fn steps(&self) -> u64 {
        self.memory.control(|control| control.steps)
    }

    /// Whether the planned crash has come.
    pub fn has_crashed(&self) -> bool {
        self.memory.control(|control| control.down)
    }

    /// The files as a machine finds them that lost power now, without locks and without further faults.
    pub fn after_crash(&self, survival: Survival) -> Memory {
        self.memory.after_crash(survival)
    }
}

impl Storage for Crashing {
    fn open_append(&self, name: &str) -> Result<Box<dyn AppendFile>, StorageError> {
        self.memory.open_append(name)
    }

    fn publish(&self, name: &str, content: &mut dyn Read) -> Result<(), StorageError> {
        self.memory.publish(name, content)
    }

    fn replace(&self, name: &str, content: &[u8]) -> Result<(), StorageError> {
        self.memory.replace(name, content)
    }

    fn read(&self, name: &str, max_bytes: u64) -> Result<Vec<u8>, StorageError> {
        self.memory.read(name, max_bytes)
    }

    fn read_at(&self, name: &str, offset: u64, buffer: &mut [u8]) -> Result<usize, StorageError> {
        self.memory.read_at(name, offset, buffer)
    }

    fn list(&self, directory: &str) -> Result<Vec<Entry>, StorageError> {
        self.memory.list(directory)
    }

    fn remove(&self, name: &str) -> Result<(), StorageError> {
        self.memory.remove(name)
    }

    fn lock(&self, name: &str) -> Result<Box<dyn LockGuard>, StorageError> {
        self.memory.lock(name)
    }
}
