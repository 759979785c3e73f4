//! Answers Prometheus's HTTP API over samples from a file: `answer FILE`, a line each, `series value millis`.
//!
//! For comparisons with a neighbour over one data set. A value `stale` is a stale marker. Prints its URL when
//! all is loaded, and answers until it is killed.
#![expect(clippy::print_stdout, reason = "the URL is its output")]

use std::collections::HashMap;
use std::io::BufRead as _;
use std::sync::{Arc, Mutex};

use assurance_exposition::{Format, parse};
use assurance_metrics_model::{Appender as _, Labels, SeriesRef, Timestamp, stale_nan};
use assurance_pipeline::{Config, Pipeline};
use assurance_runtime::server::{Server, WebConfig};
use assurance_tsdb::Store;
use tokio::sync::watch;

type Fault = Box<dyn std::error::Error>;

/// Samples that are committed together.
const BATCH: usize = 100_000;

#[tokio::main]
async fn main() -> Result<(), Fault> {
    let path = std::env::args().nth(1).ok_or("usage: answer FILE")?;
    let mut config = assurance_tsdb::Config::default();
    config.retention = assurance_metrics_model::Duration::from_secs(36_500 * 86_400);
    let store = Arc::new(Store::new(config));
    let newest = load(&store, &path)?;
    let pipeline = Arc::new(Mutex::new(Pipeline::new(Config::default(), Arc::clone(&store), newest)));
    let state = assurance_web::State::new(pipeline, store, Arc::new(move || newest));
    let server = Server::bind("127.0.0.1:0", &WebConfig::default()).await?;
    println!("{}", server.url());
    let (_stop, stopped) = watch::channel(false);
    server.serve(assurance_web::router(state), stopped).await;
    Ok(())
}

/// Loads the file; the newest time in it.
fn load(store: &Store, path: &str) -> Result<Timestamp, Fault> {
    let mut series: HashMap<String, (Labels, Option<SeriesRef>)> = HashMap::new();
    let mut newest = Timestamp::EPOCH;
    let mut appender = store.appender();
    for line in std::io::BufReader::new(fs_err::File::open(path)?).lines() {
        let line = line?;
        let mut parts = line.rsplitn(3, ' ');
        let (Some(at), Some(value), Some(name)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(format!("{line:?} is not `series value millis`").into());
        };
        let at = Timestamp::from_millis(at.parse()?);
        let value = if value == "stale" { stale_nan() } else { value.parse()? };
        let entry = match series.get_mut(name) {
            Some(entry) => entry,
            None => series.entry(name.to_owned()).or_insert((labels(name)?, None)),
        };
        entry.1 = Some(appender.append(entry.1, &entry.0, at, value.into())?);
        newest = newest.max(at);
        if appender.len() >= BATCH {
            appender.commit();
            appender = store.appender();
        }
    }
    appender.commit();
    Ok(newest)
}

/// The labels that `name{label="value"}` stands for.
fn labels(series: &str) -> Result<Labels, Fault> {
    let parsed = parse(format!("{series} 0\n").as_bytes(), Format::Text);
    let sample = parsed.families.iter().flat_map(|f| &f.samples).next();
    Ok(sample.ok_or_else(|| format!("{series:?} is no series: {:?}", parsed.errors))?.labels.clone())
}
