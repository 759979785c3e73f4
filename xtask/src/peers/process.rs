//! Neighbours as child processes, and what the kernel says they used.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::http::Client;

/// How long a server may take until it answers.
const START: Duration = Duration::from_secs(120);

/// A server that is killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) name: String,
    pub(crate) address: String,
    child: Child,
}

impl Peer {
    /// Starts a command and waits until `ready` answers 200. What it says goes to a file.
    pub(crate) fn start(
        name: &str,
        command: &mut Command,
        address: &str,
        ready: &str,
        log: &Path,
    ) -> Result<Self, String> {
        let file = fs_err::File::create(log).map_err(|error| error.to_string())?;
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(file.into_file())
            .spawn()
            .map_err(|error| format!("cannot start {name}: {error}"))?;
        let mut peer = Self { name: name.to_owned(), address: address.to_owned(), child };
        let mut client = Client::new(address);
        let deadline = now() + START;
        while !client.get(ready).is_ok_and(|r| r.status == 200) {
            let ended = peer.child.try_wait().is_ok_and(|status| status.is_some());
            if ended || now() > deadline {
                let said = fs_err::read_to_string(log).unwrap_or_default();
                return Err(format!("{name} does not become ready; it said:\n{said}"));
            }
            pause(Duration::from_millis(50));
        }
        Ok(peer)
    }

    /// Starts a command whose first line of output is its URL.
    pub(crate) fn start_announced(name: &str, command: &mut Command) -> Result<Self, String> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start {name}: {error}"))?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line).map_err(|error| error.to_string())?;
        }
        match line.trim().strip_prefix("http://") {
            Some(address) => Ok(Self { name: name.to_owned(), address: address.to_owned(), child }),
            None => Err(format!("{name} did not announce its URL: {line:?}")),
        }
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(&self.address)
    }

    /// Seconds of CPU used so far, by the process and its threads, in user and kernel mode.
    pub(crate) fn cpu(&self) -> Result<f64, String> {
        let path = format!("/proc/{}/stat", self.child.id());
        let stat = fs_err::read_to_string(path).map_err(|error| error.to_string())?;
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
        let tick = |at: usize| fields.get(at).and_then(|f| f.parse::<f64>().ok()).unwrap_or_default();
        // Fields 14 and 15 of proc(5), in ticks of 10 ms.
        Ok((tick(11) + tick(12)) / 100.0)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended already, which is as good.
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

/// A real Prometheus over a folder, with further flags.
pub(crate) fn prometheus(binary: &str, folder: &Path, config: &str, flags: &[&str]) -> Result<Peer, String> {
    let address = free_address()?;
    let file = folder.join("prometheus.yml");
    fs_err::write(&file, config).map_err(|error| error.to_string())?;
    let mut command = Command::new(binary);
    command
        .arg(format!("--config.file={}", file.display()))
        .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
        .arg(format!("--web.listen-address={address}"))
        .args(["--storage.tsdb.retention.time=100y", "--log.level=warn"])
        .args(flags);
    Peer::start("Prometheus", &mut command, &address, "/-/ready", &folder.join("prometheus.log"))
}

/// What `--version` says first.
pub(crate) fn version(binary: &str) -> Result<String, String> {
    let output = Command::new(binary)
        .arg("--version")
        .output()
        .map_err(|error| format!("cannot run {binary}: {error}; install it or name another with --binary"))?;
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// Builds a program of this repository as `cargo build` with these arguments does.
pub(crate) fn build(args: &[&str]) -> Result<(), String> {
    let status = Command::new(env!("CARGO")).args(["build", "--quiet"]).args(args).status();
    let status = status.map_err(|error| format!("cannot run cargo: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("cargo build {} failed", args.join(" "))) }
}

/// A loopback address that nobody listens on.
pub(crate) fn free_address() -> Result<String, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    Ok(listener.local_addr().map_err(|error| error.to_string())?.to_string())
}

/// An empty folder of this name below the target folder.
pub(crate) fn scratch(name: &str) -> Result<PathBuf, String> {
    let folder = target_folder()?.join("peers").join(name);
    if folder.exists() {
        fs_err::remove_dir_all(&folder).map_err(|error| error.to_string())?;
    }
    fs_err::create_dir_all(&folder).map_err(|error| error.to_string())?;
    Ok(folder)
}

/// Where cargo puts what it builds.
pub(crate) fn target_folder() -> Result<PathBuf, String> {
    let metadata =
        cargo_metadata::MetadataCommand::new().no_deps().exec().map_err(|error| error.to_string())?;
    Ok(metadata.target_directory.into_std_path_buf())
}

#[expect(clippy::disallowed_methods, reason = "measures real processes")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "waits for real processes")]
pub(crate) fn pause(time: Duration) {
    std::thread::sleep(time);
}
