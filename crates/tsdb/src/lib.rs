//! Samples in time: an in-memory head with interned labels and an inverted index, readable while written.
