//! Audit events, collection cursors, day files and their checksums, with gaps recorded as gaps.
