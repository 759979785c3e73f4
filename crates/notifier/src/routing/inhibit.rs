use assurance_metrics_model::{Labels, Matcher};

/// While an alert that matches `source` fires, those that match `target` and agree with it on the labels `equal`
/// are kept quiet.
#[derive(Clone, Debug)]
pub struct InhibitRule {
    /// All of them must match the alert that inhibits.
    pub source: Vec<Matcher>,
    /// All of them must match the alert that is kept quiet.
    pub target: Vec<Matcher>,
    /// Labels whose values must be the same on both; absent and empty are the same.
    pub equal: Vec<String>,
}

impl InhibitRule {
    /// Whether an alert that fires with the labels `source` keeps one with the labels `target` quiet. Where the
    /// target matches both sides, a source that matches both sides does not count: so no alert inhibits itself,
    /// and no two inhibit each other.
    pub fn inhibits(&self, source: &Labels, target: &Labels) -> bool {
        self.as_target(target).is_some_and(|side| side.is_inhibited_by(source))
    }

    /// What this rule asks of sources for this alert; `None` where it is none of its targets.
    pub fn as_target<'a>(&'a self, labels: &'a Labels) -> Option<InhibitTarget<'a>> {
        all(&self.target, labels).then(|| InhibitTarget {
            rule: self,
            labels,
            both: all(&self.source, labels),
        })
    }

    /// Whether an alert can be a source.
    pub fn is_source(&self, labels: &Labels) -> bool {
        all(&self.source, labels)
    }
}

/// An alert a rule may keep quiet.
#[derive(Clone, Copy, Debug)]
pub struct InhibitTarget<'a> {
    rule: &'a InhibitRule,
    labels: &'a Labels,
    /// It matches the source side, too.
    both: bool,
}

impl InhibitTarget<'_> {
    /// Whether an alert that fires with these labels keeps this one quiet.
    pub fn is_inhibited_by(&self, source: &Labels) -> bool {
        let rule = self.rule;
        all(&rule.source, source)
            && rule.equal.iter().all(|name| source.get_or_empty(name) == self.labels.get_or_empty(name))
            && !(self.both && all(&rule.target, source))
    }
}

fn all(matchers: &[Matcher], labels: &Labels) -> bool {
    matchers.iter().all(|matcher| matcher.matches_labels(labels))
}
