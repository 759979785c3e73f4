use assurance_exposition::{Entry, Sample};
use assurance_metrics_model::Metadata;
use hashbrown::HashMap;

/// A family's metadata is forgotten when this many successful scrapes did not mention it (as in Prometheus's
/// scrape cache), so that the table holds at most the families of that many bodies.
const KEPT_SCRAPES: u64 = 10;

/// What a target last said of its metric families.
#[derive(Debug, Default)]
pub(crate) struct MetadataTable {
    families: HashMap<String, Known>,
    scrape: u64,
}

#[derive(Debug, Default)]
struct Known {
    metadata: Metadata,
    seen: u64,
}

impl MetadataTable {
    /// Takes what a line says of a family; gives back a sample.
    pub(crate) fn take<'a>(&mut self, entry: Entry<'a>) -> Option<Sample<'a>> {
        match entry {
            Entry::Sample(sample) => return Some(sample),
            Entry::Type { name, metric_type } => self.family(&name).metric_type = metric_type,
            Entry::Help { name, text } => set(&mut self.family(&name).help, &text),
            Entry::Unit { name, unit } => set(&mut self.family(&name).unit, &unit),
            _ => {}
        }
        None
    }

    fn family(&mut self, name: &str) -> &mut Metadata {
        let known = self.families.entry_ref(name).or_default();
        known.seen = self.scrape;
        &mut known.metadata
    }

    /// A scrape succeeded: forgets what has not been mentioned for long.
    pub(crate) fn finish_scrape(&mut self) {
        let scrape = self.scrape;
        if self.families.values().any(|known| known.seen + KEPT_SCRAPES < scrape) {
            self.families.retain(|_, known| known.seen + KEPT_SCRAPES >= scrape);
        }
        self.scrape += 1;
    }

    /// Families in order of their names.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Metadata)> {
        let mut all: Vec<_> = self.families.iter().map(|(n, k)| (n.as_str(), &k.metadata)).collect();
        all.sort_unstable_by_key(|(name, _)| *name);
        all.into_iter()
    }
}

fn set(held: &mut String, said: &str) {
    if held != said {
        said.clone_into(held);
    }
}
