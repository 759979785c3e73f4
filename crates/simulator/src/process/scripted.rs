use std::collections::BTreeMap;
use std::sync::Arc;

use assurance_metrics_model::Timestamp;

use super::{Passage, Surroundings};

/// What a process shows from an instant on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It is down: connections are refused.
    Down,
    /// A page.
    Page(Arc<str>),
}

/// Processes that show pages by a script, and a network that does what a table says.
#[derive(Clone, Debug, Default)]
pub struct Scripted {
    pages: BTreeMap<String, Vec<(Timestamp, State)>>,
    passages: BTreeMap<Timestamp, Passage>,
}

impl Scripted {
    /// Nobody answers anywhere, and every scrape is at once.
    pub fn new() -> Self {
        Self::default()
    }

    /// From an instant on, the process at this URL is so. Of two for one instant the later call counts.
    pub fn set(&mut self, url: &str, from: Timestamp, state: State) {
        let script = self.pages.entry(url.to_owned()).or_default();
        let at = script.partition_point(|(other, _)| *other <= from);
        script.insert(at, (from, state));
    }

    /// What becomes of scrapes that are due at this instant.
    pub fn pass(&mut self, due: Timestamp, passage: Passage) {
        self.passages.insert(due, passage);
    }
}

impl Surroundings for Scripted {
    fn page(&mut self, url: &str, at: Timestamp) -> Option<String> {
        let script = self.pages.get(url)?;
        let now = script.partition_point(|(from, _)| *from <= at).checked_sub(1)?;
        match &script[now].1 {
            State::Down => None,
            State::Page(page) => Some(page.to_string()),
        }
    }

    fn passage(&mut self, _job: &str, due: Timestamp) -> Passage {
        self.passages.get(&due).copied().unwrap_or_default()
    }
}
