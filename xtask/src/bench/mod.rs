//! `cargo xtask bench ingest|store|query|rules|backfill`: side by side with a real Prometheus, and a VictoriaMetrics where
//! one is installed, in one run on one machine.
//!
//! Processor time is what is compared: latencies carry whatever else the machine does. A ratio below 1 is ours.

pub(crate) mod backfill;
mod exposition;
mod fill;
mod governance;
mod ingest;
mod load;
mod options;
mod query;
mod rules;
mod side;
mod store;
mod table;
mod unit;

use self::options::Options;

/// Reads the command line, and runs.
pub(crate) fn command(what: &str, args: &[&str]) -> Result<(), String> {
    let options = |numbers: &[&str]| Options::read(what, args, numbers);
    match what {
        "ingest" => ingest::run(&options(&["targets", "series", "interval", "warm", "seconds"])?),
        "sizes" => store::sizes(&options(&["days"])?),
        "restart" => store::restart(&options(&["series", "samples"])?),
        "store" => {
            let options = options(&["days", "series", "samples"])?;
            // What one misses is no reason not to look at the other.
            let (sizes, restart) = (store::sizes(&options), store::restart(&options));
            sizes.and(restart)
        }
        "query" => query::run(&options(&["days"])?),
        _ => {
            let options = options(&["window"])?;
            unit::run(&options).and_then(|()| rules::run(&options))
        }
    }
}
