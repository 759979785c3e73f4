use std::path::PathBuf;

use assurance_metrics_model::Duration;
use assurance_tlog::note::VerifierKey;
use clap::Args;

use super::{Directory, base_url};

/// Where witnesses are, and how long they may take.
#[derive(Args)]
pub(crate) struct Ask {
    /// Where a witness of the policy is reached, instead of where the policy says; may be repeated
    #[arg(long = "witness", value_name = "NAME=URL", value_parser = named)]
    pub(crate) witnesses: Vec<(String, String)>,
    /// How long to wait for each witness
    #[arg(long, value_name = "DURATION", default_value = "10s")]
    pub(crate) witness_timeout: Duration,
    /// A file with the certificates to trust when witnesses are asked, in PEM, instead of the usual ones
    #[arg(long, value_name = "PATH")]
    pub(crate) witness_ca_file: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Cosign {
    #[command(flatten)]
    pub(crate) directory: Directory,
    /// The tlog-policy file that names the witnesses, and how many of them must sign
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: PathBuf,
    #[command(flatten)]
    pub(crate) ask: Ask,
}

/// What a server listens on.
#[derive(Args)]
pub(crate) struct Listen {
    /// The address to listen on; port 0 for a free one
    #[arg(long = "web.listen-address", value_name = "ADDRESS", default_value = "127.0.0.1:9101")]
    pub(crate) address: String,
    /// A file with TLS certificates and users, as Prometheus's exporters read it
    #[arg(long = "web.config.file", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Witness {
    /// The directory with what it remembers
    #[arg(long, value_name = "STATE")]
    pub(crate) dir: PathBuf,
    /// The file with its key; `keygen --witness` makes one
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// The key of a log to cosign; may be repeated, also for one log that changed its key
    #[arg(long = "log", value_name = "VKEY")]
    pub(crate) logs: Vec<VerifierKey>,
    /// A tlog-policy file: cosign its logs
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Creates its memory of these logs and ends: once in the life of the key, and once for each log that comes later
    #[arg(long)]
    pub(crate) init: bool,
    #[command(flatten)]
    pub(crate) listen: Listen,
}

/// What metrics are taken from.
#[derive(Args)]
pub(crate) struct Look {
    #[command(flatten)]
    pub(crate) directory: Directory,
    /// A tlog-policy file: tell how many checkpoints its witnesses have not signed
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) look: Look,
    #[command(flatten)]
    pub(crate) listen: Listen,
}

#[derive(Args)]
pub(crate) struct Metrics {
    #[command(flatten)]
    pub(crate) look: Look,
    /// The file to write, whose name must end in .prom for node_exporter to read it
    #[arg(long, value_name = "FILE")]
    pub(crate) textfile: PathBuf,
}

fn named(text: &str) -> Result<(String, String), String> {
    let (name, url) =
        text.split_once('=').ok_or("write NAME=URL, with the name that the policy gives the witness")?;
    Ok((name.to_owned(), base_url(url)?))
}
