use assurance_metrics_model::Labels;

/// Why a rule could not be evaluated. The rule's health says so until an evaluation succeeds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// The expression failed.
    #[error("{reason}")]
    Query {
        /// What the engine says.
        reason: String,
    },
    /// The expression gives a range or a string.
    #[error("rule result is not a vector or scalar")]
    NotAVector,
    /// Two elements of the result cannot be told apart.
    #[error("vector contains metrics with the same labelset after applying rule labels: {labels}")]
    SameLabels {
        /// The labels that two elements have.
        labels: Labels,
    },
    /// The group's `limit` is crossed.
    #[error("exceeded limit of {limit} with {given} {what}")]
    Limit {
        /// The group's limit.
        limit: usize,
        /// How many there were.
        given: usize,
        /// `series` or `alerts`.
        what: &'static str,
    },
    /// More alerts than one rule may have.
    #[error("{given} alerts of one rule are more than {limit}; aggregate its expression")]
    TooManyAlerts {
        /// The limit.
        limit: usize,
        /// How many there were.
        given: usize,
    },
    /// The results could not be written.
    #[error("{refused} of {given} results were not stored: {first}")]
    Append {
        /// How many were refused.
        refused: usize,
        /// How many there were.
        given: usize,
        /// Why the first of them was.
        first: assurance_metrics_model::AppendError,
    },
}
