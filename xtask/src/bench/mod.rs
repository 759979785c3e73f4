//! `cargo xtask bench query|rules|ingest|backfill`: side by side with a real Prometheus, in one run on one machine.
//!
//! Processor time is what is compared: latencies carry whatever else the machine does. A ratio below 1 is ours.

pub(crate) mod backfill;
mod exposition;
mod governance;
pub(crate) mod ingest;
mod query;
mod rules;
mod table;
mod unit;

use std::path::PathBuf;

/// Which programs stand side by side.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    pub(crate) prometheus: String,
    pub(crate) promtool: String,
    /// Our evaluator, built if none is named.
    pub(crate) ours: Option<PathBuf>,
    /// Days of data that queries go over.
    pub(crate) days: i64,
    /// Seconds that rules are watched.
    pub(crate) window: u64,
}

/// Reads the command line: `[--binary PATH] [--promtool PATH] [--ours PATH] [--days N] [--window SECONDS]`.
pub(crate) fn command(what: &str, args: &[&str]) -> Result<(), String> {
    let mut wish = Wish {
        prometheus: "prometheus".to_owned(),
        promtool: "promtool".to_owned(),
        ours: None,
        days: 90,
        window: 60,
    };
    for pair in args.chunks(2) {
        let [name, value] = pair else { return Err(format!("{} needs a value", pair[0])) };
        let number = || value.parse::<u32>().map_err(|_bad| format!("{name} {value}: write a number"));
        match *name {
            "--binary" => wish.prometheus = (*value).to_owned(),
            "--promtool" => wish.promtool = (*value).to_owned(),
            "--ours" => wish.ours = Some(PathBuf::from(value)),
            "--days" => wish.days = i64::from(number()?),
            "--window" => wish.window = u64::from(number()?),
            _ => return Err(format!("{name} is no option of bench {what}")),
        }
    }
    match what {
        "query" => query::run(&wish),
        _ => unit::run(&wish).and_then(|()| rules::run(&wish)),
    }
}
