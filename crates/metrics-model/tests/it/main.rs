//! The vocabulary: what prints reads back, what is sorted stays sorted, what matches matches.

mod columns;
mod histogram_properties;
mod histograms;
mod labels;
mod matchers;
mod time;
mod values;
