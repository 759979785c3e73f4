//! The file operations that must survive a crash, as one small trait with a double that crashes at any of them.
