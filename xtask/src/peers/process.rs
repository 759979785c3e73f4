//! Neighbours as child processes, and what the kernel says they used.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::http::Client;

/// How long a server may take until it answers.
const START: Duration = Duration::from_secs(120);

/// And until it has ended.
const END: Duration = Duration::from_secs(120);

/// How often is asked whether it answers, or has ended: as often as the kernel counts CPU.
const POLL: Duration = Duration::from_millis(10);

/// A server that is killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) address: String,
    /// Seconds from its start until it was ready, and the CPU used for it.
    pub(crate) ready: (f64, f64),
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
        let began = now();
        let file = fs_err::File::create(log).map_err(|error| error.to_string())?;
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(file.into_file())
            .spawn()
            .map_err(|error| format!("cannot start {name}: {error}"))?;
        let mut peer = Self { address: address.to_owned(), ready: (0.0, 0.0), child };
        let mut client = Client::new(address);
        let deadline = began + START;
        while !client.get(ready).is_ok_and(|r| r.status == 200) {
            let ended = peer.child.try_wait().is_ok_and(|status| status.is_some());
            if ended || now() > deadline {
                let said = fs_err::read_to_string(log).unwrap_or_default();
                return Err(format!("{name} does not become ready; it said:\n{said}"));
            }
            pause(POLL);
        }
        peer.ready = (began.elapsed().as_secs_f64(), peer.cpu()?);
        Ok(peer)
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(&self.address)
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it as an administrator does; seconds until it has ended.
    pub(crate) fn stop(mut self) -> Result<f64, String> {
        let began = now();
        let status = Command::new("kill").args(["-TERM", &self.id().to_string()]).status();
        if !status.is_ok_and(|status| status.success()) {
            return Err("cannot send a signal: kill failed".to_owned());
        }
        while began.elapsed() < END {
            if self.child.try_wait().map_err(|error| error.to_string())?.is_some() {
                return Ok(began.elapsed().as_secs_f64());
            }
            pause(POLL);
        }
        Err(format!("a server has not ended within {} s of SIGTERM", END.as_secs()))
    }

    /// Ends it as the kernel does when memory is short.
    pub(crate) fn kill(self) {
        drop(self);
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

/// A real single-node VictoriaMetrics over a folder, which shows what it has at once.
pub(crate) fn victoria_metrics(binary: &str, folder: &Path, config: &str) -> Result<Peer, String> {
    let address = free_address()?;
    let file = folder.join("victoria.yml");
    fs_err::write(&file, config).map_err(|error| error.to_string())?;
    let mut command = Command::new(binary);
    command
        .arg(format!("-promscrape.config={}", file.display()))
        .arg(format!("-storageDataPath={}", folder.join("data").display()))
        .arg(format!("-httpListenAddr={address}"))
        .args(["-retentionPeriod=100y", "-search.latencyOffset=0s", "-loggerLevel=WARN"]);
    Peer::start("VictoriaMetrics", &mut command, &address, "/health", &folder.join("victoria.log"))
}

/// Our evaluator over a folder, with further flags. Keeps what it gets for a hundred years, as the Prometheus
/// beside it does.
pub(crate) fn evaluator(binary: &Path, folder: &Path, config: &str, flags: &[&str]) -> Result<Peer, String> {
    let address = free_address()?;
    let file = folder.join("evaluator.yml");
    fs_err::write(&file, config).map_err(|error| error.to_string())?;
    let mut command = Command::new(binary);
    command
        .arg("serve")
        .arg(format!("--config.file={}", file.display()))
        .arg(format!("--storage.tsdb.path={}", folder.join("evaluator-data").display()))
        .arg(format!("--web.listen-address={address}"))
        .args(["--storage.tsdb.retention.time=100y", "--log.level=warn"])
        .args(flags);
    Peer::start("the evaluator", &mut command, &address, "/-/ready", &folder.join("evaluator.log"))
}

/// What `--version` says first. Debian's VictoriaMetrics says nothing: there the package is asked.
pub(crate) fn version(binary: &str) -> Result<String, String> {
    let output = Command::new(binary)
        .arg("--version")
        .output()
        .map_err(|error| format!("cannot run {binary}: {error}; install it or name another"))?;
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let line = text.lines().next().unwrap_or_default();
    if !line.is_empty() {
        return Ok(line.to_owned());
    }
    let package = Path::new(binary).file_name().unwrap_or_default();
    let asked = Command::new("dpkg-query").args(["-W", "-f", "${Package} ${Version}"]).arg(package).output();
    let said = asked.ok().filter(|output| output.status.success()).map(|output| output.stdout);
    Ok(said.map_or_else(
        || format!("{binary}, of unknown version"),
        |said| String::from_utf8_lossy(&said).into_owned(),
    ))
}

/// Our evaluator: the one named, or one built now in release mode.
pub(crate) fn evaluator_binary(named: Option<&Path>) -> Result<PathBuf, String> {
    if let Some(path) = named {
        return Ok(path.to_owned());
    }
    let build = ["build", "--quiet", "--release", "--package", "assurance-evaluator"];
    let status = Command::new(env!("CARGO")).args(build).status();
    let status = status.map_err(|error| format!("cannot run cargo: {error}"))?;
    if status.success() {
        Ok(target_folder()?.join("release/assurance-evaluator"))
    } else {
        Err(format!("cargo {} failed", build.join(" ")))
    }
}

/// A loopback address that nobody listens on.
fn free_address() -> Result<String, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    Ok(listener.local_addr().map_err(|error| error.to_string())?.to_string())
}

/// A folder that goes with whoever made it: to be made before the servers that use it.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl std::ops::Deref for Scratch {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next run.
        let _gone = fs_err::remove_dir_all(&self.0);
    }
}

/// An empty folder of this name below the target folder.
pub(crate) fn scratch(name: &str) -> Result<Scratch, String> {
    let folder = target_folder()?.join("peers").join(name);
    if folder.exists() {
        fs_err::remove_dir_all(&folder).map_err(|error| error.to_string())?;
    }
    fs_err::create_dir_all(&folder).map_err(|error| error.to_string())?;
    Ok(Scratch(folder))
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

/// Seconds since 1970.
#[expect(clippy::disallowed_methods, reason = "samples for a server that goes by the wall clock")]
pub(crate) fn wall_clock() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs().cast_signed())
}
