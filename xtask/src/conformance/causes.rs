//! Why evaluations fail that fail: what docs/reference/conformance.md tells of them.

/// Where a cause applies.
pub(crate) enum Place {
    /// One evaluation: its file and line.
    Line(&'static str, usize),
    /// All failures whose expression has this part.
    Expression(&'static str),
    /// All failures whose reason has this part.
    Reason(&'static str),
}

/// The first that applies is told.
pub(crate) const CAUSES: &[(Place, &str)] = &[];
