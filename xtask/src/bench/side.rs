//! Who stands side by side.

use std::path::{Path, PathBuf};

use super::options::Options;
use super::table::Spread;
use crate::peers::process::{
    Peer, evaluator, evaluator_binary, prometheus, target_folder, version, victoria_metrics,
};
use crate::peers::usage::{load_average, machine};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Ours,
    Prometheus,
    Victoria,
}

pub(super) const OURS: &str = "ours";
pub(super) const PROMETHEUS: &str = "Prometheus";
pub(super) const VICTORIA: &str = "VictoriaMetrics";

/// A configuration under which nothing happens by itself.
pub(super) const IDLE: &str = "global: {}\n";

impl Side {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ours => OURS,
            Self::Prometheus => PROMETHEUS,
            Self::Victoria => VICTORIA,
        }
    }

    /// Where it keeps its samples, of the folder it was started in.
    pub(super) fn data(self, folder: &Path) -> PathBuf {
        folder.join(if self == Self::Ours { "evaluator-data" } else { "data" })
    }
}

/// The programs that run, ours first.
#[derive(Clone, Debug)]
pub(super) struct Sides {
    pub(super) all: Vec<Side>,
    ours: PathBuf,
    prometheus: String,
    victoria: String,
}

impl Sides {
    /// Those that are there; says which, on what machine.
    #[expect(clippy::print_stdout, reason = "the head of every table")]
    pub(super) fn find(options: &Options) -> Result<Self, String> {
        println!("{}", machine());
        println!("load average {} at the start: of what follows, only ratios count", load_average());
        let ours = evaluator_binary(options.ours.as_deref())?;
        println!("{}", version(&ours.display().to_string())?);
        let mut all = vec![Side::Ours];
        for (side, binary) in [(Side::Prometheus, &options.prometheus), (Side::Victoria, &options.victoria)] {
            if options.is_alone {
                continue;
            }
            match version(binary) {
                Ok(version) => {
                    println!("{version}");
                    all.push(side);
                }
                Err(error) => println!("without {}: {error}", side.name()),
            }
        }
        let (prometheus, victoria) = (options.prometheus.clone(), options.victoria.clone());
        Ok(Self { all, ours, prometheus, victoria })
    }

    pub(super) fn names(&self) -> Vec<&'static str> {
        self.all.iter().map(|side| side.name()).collect()
    }

    /// Starts one in a folder of its own, ready to be scraping and to be written to.
    pub(super) fn start(&self, side: Side, folder: &Path, configuration: &str) -> Result<Peer, String> {
        fs_err::create_dir_all(folder).map_err(|error| error.to_string())?;
        let flags = ["--web.enable-remote-write-receiver"];
        match side {
            Side::Ours => evaluator(&self.ours, folder, configuration, &flags),
            Side::Prometheus => {
                let flags = [flags[0], "--query.timeout=10m"];
                prometheus(&self.prometheus, folder, configuration, &flags)
            }
            Side::Victoria => victoria_metrics(&self.victoria, folder, configuration),
        }
    }

    /// The values that some sides have, one a side.
    pub(super) fn values(&self, value: impl Fn(Side) -> Option<Spread>) -> Vec<Option<Spread>> {
        self.all.iter().map(|side| value(*side)).collect()
    }
}

/// Where inputs that take minutes to make are kept from run to run.
pub(super) fn kept(name: &str) -> Result<PathBuf, String> {
    Ok(target_folder()?.join("peers").join(name))
}

/// The value of the only sample of an answer.
pub(super) fn number(peer: &Peer, query: &str) -> Result<Option<f64>, String> {
    number_at(peer, query, None)
}

/// The same at a time in seconds.
pub(super) fn number_at(peer: &Peer, query: &str, at: Option<i64>) -> Result<Option<f64>, String> {
    let at = at.map(|at| at.to_string());
    let mut fields = vec![("query", query)];
    fields.extend(at.as_deref().map(|at| ("time", at)));
    let body = peer.client().form("/api/v1/query", &fields)?.body;
    let answer: serde_json::Value = serde_json::from_slice(&body)
        .map_err(|error| format!("{query}: no JSON: {error}: {}", String::from_utf8_lossy(&body)))?;
    let value = answer["data"]["result"][0]["value"][1].as_str();
    Ok(value.and_then(|text| text.parse().ok()))
}
