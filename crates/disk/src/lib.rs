//! The storage trait on a real file system, and the wall clock for those who need nothing else.
