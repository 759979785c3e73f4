//! Starting processes, watching what they say, and waiting, always with an end.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Long enough for a machine that does ten other things; reached only where something is broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(150);

const LOOK_EVERY: Duration = Duration::from_millis(25);

/// Looks until there is something, or fails saying what did not happen and what was there instead.
#[expect(clippy::disallowed_methods, reason = "another process is waited for, and it has no bell to ring")]
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Result<T, String>) -> T {
    let started = std::time::Instant::now();
    loop {
        match look() {
            Ok(found) => return found,
            Err(instead) => assert!(started.elapsed() < PATIENCE, "{what} did not happen: {instead}"),
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

#[expect(clippy::disallowed_methods, reason = "another process lives meanwhile")]
pub(crate) fn pause(span: Duration) {
    std::thread::sleep(span);
}

/// `Ok` if it holds, else what was there instead.
pub(crate) fn expect(holds: bool, instead: impl Into<String>) -> Result<(), String> {
    if holds { Ok(()) } else { Err(instead.into()) }
}

/// A process whose words are kept, killed when the test is over.
pub(crate) struct Process {
    child: Child,
    said: Arc<Mutex<String>>,
}

impl Process {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let said = Arc::new(Mutex::new(String::new()));
        keep(child.stdout.take().expect("piped"), &said);
        keep(child.stderr.take().expect("piped"), &said);
        Self { child, said }
    }

    /// All it wrote so far, both streams.
    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What follows `before` in the first line that has it, up to a blank or quote.
    pub(crate) fn wait_for(&mut self, before: &str) -> String {
        eventually(&format!("a line with {before:?}"), || {
            let said = self.said();
            let ended = self.child.try_wait().expect("it is our child");
            assert!(ended.is_none(), "it ended with {ended:?} and said:\n{said}");
            // Only whole lines: half a port is another port.
            let whole = said.rfind('\n').map_or("", |end| &said[..end]);
            let rest = whole.split_once(before).map(|(_, rest)| rest).ok_or(said.clone())?;
            Ok(rest.split(|c: char| c.is_whitespace() || c == '"').next().unwrap_or_default().to_owned())
        })
    }

    pub(crate) fn signal(&self, name: &str) {
        let command = format!("kill -{name} {}", self.child.id());
        let status = Command::new("sh").args(["-c", &command]).status().expect("sh starts");
        assert!(status.success(), "{command}");
    }

    /// Ends it without a word, and returns once it is gone.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it is our child");
        self.child.wait().expect("it is our child");
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("it is our child").is_none()
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        eventually("the end of the process", || {
            self.child.try_wait().expect("it is our child").ok_or_else(|| self.said())
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn keep(stream: impl Read + Send + 'static, said: &Arc<Mutex<String>>) {
    let said = Arc::clone(said);
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
            said.push_str(&line);
            said.push('\n');
        }
    });
}

pub(crate) fn evaluator() -> Command {
    Command::new(env!("CARGO_BIN_EXE_assurance-evaluator"))
}

/// What came of a command that ends by itself.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// All of it, for a snapshot.
    pub(crate) fn shown(&self) -> String {
        let code = self.code.map_or("none".to_owned(), |code| code.to_string());
        format!("exit code: {code}\n--- stdout\n{}--- stderr\n{}", self.stdout, self.stderr)
    }
}

/// Runs a command in a folder with a text on its standard input, and ends it if it does not end.
pub(crate) fn run(command: &mut Command, folder: &Path, input: &str) -> Ran {
    let mut child = command
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
    let mut stdin = child.stdin.take().expect("piped");
    // A command that refuses its arguments reads nothing.
    let _unread = stdin.write_all(input.as_bytes());
    drop(stdin);
    let (stdout, stderr) = (Arc::default(), Arc::default());
    keep(child.stdout.take().expect("piped"), &stdout);
    keep(child.stderr.take().expect("piped"), &stderr);
    let mut process = Process { child, said: Arc::clone(&stderr) };
    let code = process.wait().code();
    // The readers hold the other references until the streams end.
    eventually("the end of its output", || {
        expect(Arc::strong_count(&stdout) == 1 && Arc::strong_count(&stderr) == 2, "still open")
    });
    let text = |kept: &Mutex<String>| kept.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ran { code, stdout: text(&stdout), stderr: text(&stderr) }
}
