//! `cargo xtask conformance promql DIR`: the query engine against a folder of Prometheus's `.test` files.
//!
//! A program of its own and no part of xtask, which knows none of the project's crates.

mod causes;
mod class;
mod doc;
mod server;
mod table;
#[cfg(test)]
mod tests;
mod wish;

/// The evaluator's own store, as the project's own scripts run over it.
#[expect(dead_code, reason = "the project's own scripts run over a log alone as well")]
#[path = "../../../crates/promqltest/tests/it/stores.rs"]
mod stores;

/// What xtask has for its neighbours: only some of it is needed here.
#[expect(dead_code, reason = "the differential run and the benchmarks use the rest")]
#[path = "../peers"]
mod peers {
    pub(crate) mod http;
    pub(crate) mod process;
    pub(crate) mod usage;
}

use std::num::NonZero;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};

use assurance_promql::Options;
use assurance_promqltest::{MemoryStore, Outcome, Script, Store, run, run_on};
use class::Class;
use peers::process::scratch;
use server::Server;
use stores::{Place, Tsdb};
use table::Score;
use wish::{Subject, Wish};

/// A script and what came of it.
struct Report {
    file: String,
    /// One an evaluation.
    classes: Vec<Class>,
    outcome: Outcome,
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match Wish::of(&args).and_then(|wish| conformance(&wish)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            complain(&message);
            ExitCode::from(2)
        }
    }
}

/// Whether the folder's scripts go as well as was wished.
fn conformance(wish: &Wish) -> Result<bool, String> {
    let scripts = read(&wish.folder)?;
    let outcomes = match &wish.subject {
        Subject::Memory => in_process(&scripts, &mut MemoryStore::default()),
        Subject::Tsdb => in_process(&scripts, &mut Tsdb::new(Place::Memory)),
        Subject::Durable => {
            let mut store = Tsdb::new(Place::Segments);
            let outcomes = in_process(&scripts, &mut store);
            if store.segments() == 0 {
                return Err("no day of the last script was sealed: files were not put to the test".to_owned());
            }
            outcomes
        }
        Subject::Server(binary) => over_http(&scripts, binary)?,
    };
    let reports: Vec<Report> = scripts
        .iter()
        .zip(outcomes)
        .map(|(script, outcome)| Report {
            file: script.name.to_string(),
            classes: class::classes(script),
            outcome,
        })
        .collect();
    show(&table::render(&reports));
    if wish.verbose {
        show(&table::failures(&reports));
    }
    if wish.write_doc {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference/conformance.md");
        let folder = path.parent().unwrap_or(&path);
        fs_err::create_dir_all(folder).map_err(|error| error.to_string())?;
        let page = doc::page(&reports, causes::CAUSES)?;
        fs_err::write(&path, page).map_err(|error| error.to_string())?;
    }
    let mut total = Score::default();
    let mut unloaded = 0;
    for report in &reports {
        report.outcome.verdicts.iter().for_each(|verdict| total.add(verdict));
        unloaded += report.outcome.loads.len();
    }
    Ok(match wish.at_least {
        Some(wanted) => total.values >= wanted,
        None => total.strict == total.evals && unloaded == 0,
    })
}

fn in_process(scripts: &[Script], store: &mut dyn Store) -> Vec<Outcome> {
    scripts.iter().map(|script| run(script, store, &Options::default())).collect()
}

/// Runs scripts over servers, as many at once as there are processors.
fn over_http(scripts: &[Script], binary: &str) -> Result<Vec<Outcome>, String> {
    let folder = scratch("conformance")?;
    let next = AtomicUsize::new(0);
    let workers = std::thread::available_parallelism().map_or(1, NonZero::get);
    let work = &|worker: usize| {
        let mut server = Server::new(binary, &folder.join(worker.to_string()));
        let mut outcomes = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(script) = scripts.get(at) else { return outcomes };
            outcomes.push((at, run_on(script, &mut server)));
        }
    };
    let mut outcomes: Vec<(usize, Outcome)> = Vec::new();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|worker| scope.spawn(move || work(worker))).collect();
        for worker in workers {
            outcomes.extend(worker.join().map_err(|_panic| "a worker panicked")?);
        }
        Ok::<(), String>(())
    })?;
    outcomes.sort_by_key(|(at, _)| *at);
    Ok(outcomes.into_iter().map(|(_, outcome)| outcome).collect())
}

/// The scripts of a folder, by name.
fn read(folder: &str) -> Result<Vec<Script>, String> {
    let mut names = Vec::new();
    for entry in fs_err::read_dir(folder).map_err(|error| error.to_string())? {
        let name = entry.map_err(|error| error.to_string())?.file_name().to_string_lossy().into_owned();
        if Path::new(&name).extension().is_some_and(|extension| extension == "test") {
            names.push(name);
        }
    }
    if names.is_empty() {
        return Err(format!("{folder} holds no .test files"));
    }
    names.sort();
    let scripts = names.iter().map(|name| {
        let text = fs_err::read_to_string(Path::new(folder).join(name)).map_err(|error| error.to_string())?;
        Script::parse(name, &text).map_err(|error| error.to_string())
    });
    scripts.collect()
}

#[expect(clippy::print_stdout, reason = "the table is what the program is for")]
fn show(text: &str) {
    print!("{text}");
}

#[expect(clippy::print_stderr, reason = "a command-line tool talks on stderr")]
fn complain(message: &str) {
    eprintln!("{message}");
}
