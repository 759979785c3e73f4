//! Exit codes that scripts rely on; the README has the whole list.

pub(crate) const FINDINGS: u8 = 1;
pub(crate) const CONFIGURATION: u8 = 2;
pub(crate) const LINT: u8 = 3;
pub(crate) const UNREACHABLE: u8 = 4;
pub(crate) const IO: u8 = 5;
pub(crate) const INTEGRITY: u8 = 6;
pub(crate) const INCOMPLETE: u8 = 7;
