use assurance_metrics_model::{Duration, Timestamp};
use assurance_policy::intents::AbsenceForm;
use assurance_simulator::{Fate, Passage, Surroundings};

use crate::claim::Claim;
use crate::timeline::Timeline;

/// The processes of a timeline and the network before them.
#[derive(Debug)]
pub(super) struct World<'a> {
    claim: &'a Claim,
    timeline: &'a Timeline,
    urls: Vec<String>,
}

impl<'a> World<'a> {
    pub(super) fn new(claim: &'a Claim, timeline: &'a Timeline) -> Self {
        let urls = claim.jobs.iter().map(|job| format!("http://{}{}", job.instance, job.metrics_path));
        Self { claim, timeline, urls: urls.collect() }
    }

    fn millis(&self, at: Timestamp) -> i64 {
        (at - self.claim.origin).as_millis()
    }

    fn absence(&self, at: i64) -> Option<AbsenceForm> {
        let now = |absence: &&crate::timeline::Absence| absence.span.contains(at);
        self.timeline.absences.iter().find(now).map(|absence| absence.form)
    }
}

impl Surroundings for World<'_> {
    fn page(&mut self, url: &str, at: Timestamp) -> Option<String> {
        let job = self.urls.iter().position(|known| known == url)?;
        let at = self.millis(at);
        let steady = self.claim.jobs[job].collects.is_some();
        let down = self.timeline.is_down(at) && !steady;
        if down || self.absence(at) == Some(AbsenceForm::Down) {
            return None;
        }
        Some(super::page::page(self.claim, self.timeline, job, at))
    }

    fn passage(&mut self, _job: &str, due: Timestamp) -> Passage {
        let slot = self.millis(due);
        let begins = self.timeline.begins(slot);
        let fate = match self.absence(begins) {
            _ if self.timeline.lost.binary_search(&slot).is_ok() => Fate::Refused,
            Some(AbsenceForm::Garbage) => Fate::Garbage,
            Some(AbsenceForm::Empty) => Fate::Empty,
            _ => Fate::Whole,
        };
        // A failure is known at once: how long it takes until a request is given up is no part of a timeline.
        Passage { delay: Duration::from_millis(begins - slot), latency: Duration::ZERO, fate }
    }
}
