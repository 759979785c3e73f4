//! What PromQL asks of native histograms: quantiles, fractions, variances, and what is below or above a value.
//!
//! Within a bucket, observations are taken to be spread evenly: on a logarithmic scale in exponential buckets,
//! on a linear one in custom buckets and in the zero bucket.

mod fraction;
mod interpolate;
mod quantile;
mod trim;
mod variance;

#[cfg(test)]
mod tests;

pub(crate) use fraction::fraction;
pub(crate) use quantile::{NanObservations, quantile};
pub(crate) use trim::{trim_lower, trim_upper};
pub(crate) use variance::variance;
