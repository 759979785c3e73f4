use assurance_metrics_model::{Metadata, MetricType};
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
    pub(crate) fn set_type(&mut self, name: &str, metric_type: MetricType) {
        self.family(name).metric_type = metric_type;
    }

    pub(crate) fn set_help(&mut self, name: &str, help: &str) {
        let metadata = self.family(name);
        if metadata.help != help {
            help.clone_into(&mut metadata.help);
        }
    }

    pub(crate) fn set_unit(&mut self, name: &str, unit: &str) {
        let metadata = self.family(name);
        if metadata.unit != unit {
            unit.clone_into(&mut metadata.unit);
        }
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
