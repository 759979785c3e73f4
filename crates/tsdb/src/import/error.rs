use std::io;

use assurance_metrics_model::AppendError;
use assurance_storage::StorageError;

use crate::faults::Fault;

/// Why an import cannot go on.
#[derive(Debug, thiserror::Error)]
#[error("cannot import: {kind}")]
#[non_exhaustive]
pub struct ImportError {
    /// Why.
    #[source]
    pub kind: ImportErrorKind,
}

/// Why an import cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportErrorKind {
    /// There are more series than the store may have.
    #[error("more than {limit} series; import the input in parts, or raise the store's limit")]
    TooManySeries {
        /// The limit.
        limit: usize,
    },
    /// A series has no labels.
    #[error("a series has no labels")]
    NoLabels,
    /// A segment cannot be written.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The samples of days that are not over cannot be written to the log.
    #[error("{0}")]
    Log(Fault),
    /// A sample of a day that is not over is not taken.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// Samples cannot be packed.
    #[error(transparent)]
    Pack(io::Error),
}

impl From<ImportErrorKind> for ImportError {
    fn from(kind: ImportErrorKind) -> Self {
        Self { kind }
    }
}

impl From<io::Error> for ImportError {
    fn from(error: io::Error) -> Self {
        Self { kind: ImportErrorKind::Pack(error) }
    }
}
