use std::path::{Path, PathBuf};
use std::process::Command;

use assurance_disk::{Disk, WallClock};
use assurance_evidence::audit::{self, Options, Severity};
use assurance_tlog::sha256;

use crate::backend::Backend;
use crate::command::{Ran, days_ago, entry, exporter, init, names, ran, read};
use crate::server::Server;

/// An archive with a sealed day, and a witness that knows its log.
struct Pair {
    root: tempfile::TempDir,
    dir: PathBuf,
    state: PathBuf,
    log: String,
    backend: Backend,
}

const ORIGIN: &str = "assurance/evidence";

impl Pair {
    fn new() -> Self {
        let root = tempfile::tempdir().expect("a directory");
        let (dir, state) = (root.path().join("evidence"), root.path().join("witness"));
        init(&dir);
        let backend = Backend::start();
        backend.write(&entry(1, days_ago(0, 1)));
        let log = read(dir.join("log/vkey")).trim_end().to_owned();
        let pair = Self { root, dir, state, log, backend };
        let key = pair.root.path().join("witness.key");
        let made = ran(exporter().args(["keygen", "--witness", "--name", "witness.example/w1"]).arg(&key));
        assert_eq!(made.code, Some(0), "{}", made.stderr);
        let policy = format!("log {}\nwitness w1 {}quorum w1\n", pair.log, made.stdout);
        fs_err::write(pair.policy(), policy).expect("written");
        let created = ran(pair.witness().arg("--init"));
        assert_eq!((created.code, created.stdout), (Some(0), made.stdout), "{}", created.stderr);
        pair
    }

    fn policy(&self) -> PathBuf {
        self.root.path().join("policy")
    }

    fn witness(&self) -> Command {
        let mut command = exporter();
        command.arg("witness").arg("--dir").arg(&self.state).args(["--log", &self.log]);
        command.arg("--key").arg(self.root.path().join("witness.key"));
        command
    }

    fn asking(&self, command: &str, dir: &Path, url: &str) -> Command {
        let mut asking = exporter();
        asking.arg(command).arg("--dir").arg(dir).arg("--policy").arg(self.policy());
        asking.arg("--witness").arg(format!("w1={url}"));
        asking
    }

    fn run(&self, url: &str) -> Ran {
        ran(self.asking("run", &self.dir, url).args(["--backend", &self.backend.url, "--grace", "0"]))
    }

    /// One more leaf, so that there is a checkpoint that no witness has seen.
    fn hold(&self, dir: &Path, id: &str) {
        let mut hold = exporter();
        hold.args([
            "hold",
            "add",
            "--id",
            id,
            "--from",
            "2026-01-02",
            "--reason",
            "a case",
            "--by",
            "counsel",
        ]);
        let held = ran(hold.arg("--dir").arg(dir));
        assert_eq!(held.code, Some(0), "{}", held.stderr);
    }

    /// What an auditor with the policy says of the signatures.
    fn audited(&self) -> Option<Severity> {
        let mut options = Options::at(WallClock.now());
        options.policy = Some(read(self.policy()).parse().expect("a policy"));
        let disk = Disk::open(&self.dir).expect("opened");
        let report = audit::verify(&disk, &options, &mut |_| {}).expect("readable");
        report.severity()
    }
}

#[test]
fn a_witness_signs_and_when_it_is_away_that_is_told_and_made_up_for() {
    let pair = Pair::new();
    let mut witness = Server::start(&mut pair.witness());
    let run = pair.run(&witness.url());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stderr.contains("witness w1 signed 1 leaves"), "{}", run.stderr);
    assert_eq!(names(&pair.dir.join("log/cosignatures")).len(), 1);
    assert_eq!(pair.audited(), None);
    let monitored = witness.get(&format!("/{}/checkpoint", sha256(ORIGIN.as_bytes()).to_hex()), "");
    assert_eq!(monitored.status, 200);
    assert!(monitored.text().starts_with(&format!("{ORIGIN}\n1\n")), "{}", monitored.text());
    assert_eq!(monitored.text().matches('\u{2014}').count(), 2);

    // Killed, as a power cut would.
    assert_eq!(witness.stop("KILL"), None);
    pair.hold(&pair.dir, "one");
    let url = witness.url();
    for asked in [
        pair.run(&url),
        ran(&mut pair.asking("seal", &pair.dir, &url)),
        ran(&mut pair.asking("cosign", &pair.dir, &url)),
    ] {
        assert_eq!(asked.code, Some(8), "{}", asked.stderr);
        assert!(asked.stderr.contains("witness w1 did not sign"), "{}", asked.stderr);
        assert!(asked.stderr.contains("1 checkpoints wait"), "{}", asked.stderr);
    }
    assert_eq!(pair.audited(), Some(Severity::Unwitnessed));

    let mut witness = Server::start(&mut pair.witness());
    assert!(witness.said.iter().any(|line| line.ends_with("1 leaves were signed")), "{:?}", witness.said);
    let healed = ran(&mut pair.asking("cosign", &pair.dir, &witness.url()));
    assert_eq!(healed.code, Some(0), "{}", healed.stderr);
    assert_eq!(names(&pair.dir.join("log/cosignatures")).len(), 2);
    assert_eq!(pair.audited(), None);
    let metrics = witness.get("/metrics", "").text();
    assert!(metrics.contains("evidence_witness_requests_total{status=\"200\"} 1\n"), "{metrics}");
    assert!(metrics.contains("evidence_witness_log_size{origin=\"assurance/evidence\"} 2\n"), "{metrics}");
    assert_eq!(witness.stop("TERM"), Some(0));
    // Nobody is asked for what is there.
    let again = ran(&mut pair.asking("cosign", &pair.dir, &url));
    assert_eq!((again.code, again.stderr.as_str()), (Some(0), ""));
}

#[test]
fn a_log_that_was_rolled_back_or_forked_is_found_out() {
    let pair = Pair::new();
    let witness = Server::start(&mut pair.witness());
    let copy = pair.root.path().join("copy");
    let copied = Command::new("cp").arg("-a").args([&pair.dir, &copy]).status().expect("cp");
    assert!(copied.success());
    pair.hold(&pair.dir, "one");
    let signed = ran(&mut pair.asking("cosign", &pair.dir, &witness.url()));
    assert_eq!(signed.code, Some(0), "{}", signed.stderr);

    let rolled_back = ran(&mut pair.asking("cosign", &copy, &witness.url()));
    assert_eq!(rolled_back.code, Some(6), "{}", rolled_back.stderr);
    assert!(rolled_back.stderr.contains("rolled back"), "{}", rolled_back.stderr);
    assert_eq!(names(&pair.state.join("refused")), [""; 0]);
    for id in ["another", "and another"] {
        pair.hold(&copy, id);
        let forked = ran(&mut pair.asking("cosign", &copy, &witness.url()));
        assert_eq!(forked.code, Some(6), "{}", forked.stderr);
    }
    assert_eq!(names(&pair.state.join("refused")).len(), 2, "the forked checkpoints are kept");
    assert_eq!(names(&copy.join("log/cosignatures")), [""; 0]);
}

#[test]
fn what_is_no_request_is_refused_by_the_rules_of_the_protocol() {
    let pair = Pair::new();
    let witness = Server::start(&mut pair.witness());
    let checkpoint = read(pair.dir.join("log/checkpoint"));
    let request = |old: u64, note: &str| format!("old {old}\n\n{note}");
    let post = |body: &str| witness.post("/add-checkpoint", body.as_bytes());
    for (body, status) in [
        ("", 400),
        ("old 0\n", 400),
        (request(2, &checkpoint).as_str(), 400),
        (request(0, &checkpoint.replacen(ORIGIN, "elsewhere", 1)).as_str(), 404),
        (request(0, &checkpoint.replacen("\n1\n", "\n2\n", 1)).as_str(), 403),
        (request(1, &checkpoint).as_str(), 409),
        ("x".repeat(5_000_000).as_str(), 413),
    ] {
        let answer = post(body);
        assert_eq!(answer.status, status, "{}", answer.text());
        assert!(witness.post("/add-checkpoint", b"").status == 400, "it goes on");
    }
    let behind = post(&request(1, &checkpoint));
    assert_eq!((behind.header("content-type"), behind.text().as_str()), ("text/x.tlog.size", "0\n"));
    assert!(witness.says().contains("refused with 400"));
    assert_eq!(witness.get("/nothing/checkpoint", "").status, 404);
    assert_eq!(witness.get("/add-checkpoint", "").status, 405);
    assert_eq!(post(&request(0, &checkpoint)).status, 200);
}

#[test]
fn a_witness_without_its_memory_does_not_start() {
    let pair = Pair::new();
    let start = || ran(pair.witness().args(["--web.listen-address", "127.0.0.1:0"]));
    let records = pair.state.join("logs");
    let record = names(&records).remove(0);
    fs_err::remove_file(records.join(record)).unwrap();
    let forgotten = start();
    assert_eq!(forgotten.code, Some(6), "{}", forgotten.stderr);
    assert!(forgotten.stderr.contains("a fork could be cosigned"), "{}", forgotten.stderr);
    fs_err::remove_dir_all(&pair.state).unwrap();
    let gone = start();
    assert_eq!(gone.code, Some(2), "{}", gone.stderr);
    assert!(gone.stderr.contains("--init"), "{}", gone.stderr);
    // A log's key signs no cosignatures, and a witness's no checkpoints.
    let mut wrong = exporter();
    wrong.args(["witness", "--init", "--log", &pair.log]).arg("--dir").arg(&pair.state);
    let wrong = ran(wrong.arg("--key").arg(pair.dir.join("state/log.key")));
    assert_eq!(wrong.code, Some(2), "{}", wrong.stderr);
}
