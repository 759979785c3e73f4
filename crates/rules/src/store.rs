use assurance_metrics_model::{AppendError, Labels, Queryable, Timestamp, Value};

/// Where rules read and write.
///
/// A later rule of a group reads what an earlier one has written in the same evaluation, so that writing must
/// be visible to the next [`RuleStore::queryable`] at once: each call of [`RuleStore::append_all`] is one
/// transaction of the store below.
pub trait RuleStore {
    /// The store as it can be read now.
    fn queryable(&self) -> &dyn Queryable;

    /// Writes samples and makes them visible. Samples that are refused do not keep the others back; their
    /// errors are given.
    fn append_all(
        &mut self,
        now: Timestamp,
        samples: &mut dyn Iterator<Item = (Labels, Timestamp, Value)>,
    ) -> Vec<AppendError>;
}
