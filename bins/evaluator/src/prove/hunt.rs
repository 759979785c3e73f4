//! The search for counterexamples on all cores. What is found depends on the seed alone.

use std::io::{IsTerminal as _, Write as _};
use std::ops::ControlFlow;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use assurance_prover::claim::Claim;
use assurance_prover::exhaustive::{Exhaustive, Scope};
use assurance_prover::fast::{Engine, Run};
use assurance_prover::generate::Generator;
use assurance_prover::judge::{Notice, VerdictKind};
use assurance_prover::render::Counterexample;
use assurance_prover::replay::{FullPath, disagreement, replay};
use assurance_prover::search::{Evaluate, Finding, Findings, Seeded, Worlds, search};
use assurance_prover::timeline::Timeline;

use super::Rules;
use super::load::Loaded;

/// Worlds that a core takes at once: small enough that no core waits long for another.
const CHUNK: u64 = 2000;

/// How often the bar is drawn.
const REDRAW: Duration = Duration::from_millis(200);

/// What became of one claim.
pub(super) struct Report {
    pub(super) random: Findings,
    /// The scope in words, and what was found in it.
    pub(super) exhaustive: Option<(String, Findings)>,
    /// One for each kind, as simple as it could be made, worst first.
    pub(super) counterexamples: Vec<Counterexample>,
    /// Worlds in which the whole pipeline was seen to agree.
    pub(super) compared: u64,
}

impl Report {
    /// Kinds of verdicts that were found.
    pub(super) fn kinds(&self) -> impl Iterator<Item = VerdictKind> {
        VerdictKind::ALL.into_iter().filter(|kind| self.count(*kind) > 0)
    }

    /// Worlds with a verdict of a kind.
    pub(super) fn count(&self, kind: VerdictKind) -> u64 {
        let scope = self.exhaustive.as_ref().map_or(0, |(_, found)| found.counts[kind.index()]);
        self.random.counts[kind.index()] + scope
    }
}

pub(super) fn hunt(args: &Rules, loaded: &Loaded, claim: &Claim) -> Result<Report, String> {
    let generator = Generator::new(claim);
    let seeded = Seeded { generator: &generator, seed: args.seed };
    let name = claim.intent.id.as_str();
    let random = on_all_cores(args.cores(), loaded, claim, &seeded, args.timelines, name)?;
    let exhaustive = match args.exhaustive {
        true => {
            let worlds = Exhaustive::new(claim, Scope::new(args.grid.as_millis().max(1)));
            let name = format!("{name}, every world");
            let found = on_all_cores(args.cores(), loaded, claim, &worlds, worlds.len(), &name)?;
            Some((worlds.describe(), found))
        }
        false => None,
    };
    let compared = compare(args, claim, &generator)?;
    let mut report = Report { random, exhaustive, counterexamples: Vec::new(), compared };
    report.counterexamples = counterexamples(loaded, claim, &report)?;
    Ok(report)
}

/// The simplest worlds that were found, one for each way to be wrong.
fn counterexamples(loaded: &Loaded, claim: &Claim, report: &Report) -> Result<Vec<Counterexample>, String> {
    let mut path = Path::of(loaded, claim);
    let all = [report.exhaustive.as_ref().map(|(_, found)| found), Some(&report.random)];
    let mut ways: Vec<Finding> = Vec::new();
    for finding in all.into_iter().flatten().flat_map(|findings| findings.distinct(claim, &mut path)) {
        let is_same = |other: &Finding| {
            other.verdict.kind == finding.verdict.kind
                && other.timeline.ingredients() == finding.timeline.ingredients()
        };
        if finding.verdict.kind.is_counterexample() && !ways.iter().any(is_same) {
            ways.push(finding);
        }
    }
    ways.sort_by_key(|finding| finding.verdict.kind);
    let mut all = Vec::with_capacity(ways.len());
    for Finding { verdict, timeline, .. } in ways {
        let found = Counterexample::find(&loaded.groups, claim, &timeline, verdict.kind);
        all.push(found.map_err(|error| error.to_string())?.ok_or_else(|| {
            let id = &claim.intent.id;
            format!("{id}: the fast engine finds {verdict}, and the whole path does not; please report this world:\n{timeline}")
        })?);
    }
    Ok(all)
}

/// The fast engine, or the whole path for rules that need it.
enum Path<'c> {
    Fast(Box<Engine<'c>>),
    Full(Box<FullPath<'c>>),
}

impl<'c> Path<'c> {
    fn of(loaded: &Loaded, claim: &'c Claim) -> Self {
        match claim.needs_full {
            None => Self::Fast(Box::new(Engine::new(claim))),
            Some(_) => Self::Full(Box::new(FullPath::new(claim, &loaded.groups))),
        }
    }

    /// Why a world could not be run.
    fn fault(&self) -> Option<String> {
        match self {
            Self::Fast(_) => None,
            Self::Full(path) => path.fault().map(ToString::to_string),
        }
    }
}

impl Evaluate for Path<'_> {
    fn run(&mut self, timeline: &Timeline) -> (&Run, Option<&[Notice]>) {
        match self {
            Self::Fast(engine) => Evaluate::run(&mut **engine, timeline),
            Self::Full(path) => path.run(timeline),
        }
    }
}

/// Tries worlds `0..count`, each core a piece at a time.
pub(super) fn on_all_cores(
    cores: usize,
    loaded: &Loaded,
    claim: &Claim,
    worlds: &(dyn Worlds + Sync),
    count: u64,
    name: &str,
) -> Result<Findings, String> {
    let (next, all) = (AtomicU64::new(0), Mutex::new((Findings::default(), None)));
    let bar = Bar::new(name, count);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                let mut path = Path::of(loaded, claim);
                loop {
                    let from = next.fetch_add(CHUNK, Ordering::Relaxed);
                    if from >= count {
                        return;
                    }
                    let range = from..(from + CHUNK).min(count);
                    let mut progress = |tried: u64| {
                        bar.step(tried);
                        ControlFlow::Continue(())
                    };
                    let found = search(claim, worlds, range, &mut path, &mut progress);
                    if let Ok(mut all) = all.lock() {
                        all.0.merge(found);
                        all.1 = all.1.take().or_else(|| path.fault());
                    }
                }
            });
        }
    });
    bar.clear();
    match all.into_inner() {
        Ok((findings, None)) => Ok(findings),
        Ok((_, Some(fault))) => Err(format!("{name}: {fault}")),
        Err(_poisoned) => Err(format!("{name}: a search did not end")),
    }
}

/// Lets random worlds also happen in the whole pipeline.
fn compare(args: &Rules, claim: &Claim, generator: &Generator<'_>) -> Result<u64, String> {
    let count = if claim.needs_full.is_some() { 0 } else { args.check_against_pipeline };
    let (next, wrong) = (AtomicU64::new(0), Mutex::new(None));
    let bar = Bar::new(&format!("{}, against the pipeline", claim.intent.id), count);
    std::thread::scope(|scope| {
        for _ in 0..args.cores() {
            scope.spawn(|| {
                let mut engine = Engine::new(claim);
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= count || wrong.lock().is_ok_and(|wrong| wrong.is_some()) {
                        return;
                    }
                    let timeline = generator.timeline(args.seed, index);
                    let found = match replay(claim, &timeline) {
                        Ok(replay) => disagreement(&timeline, engine.run(&timeline), &replay)
                            .map(|found| found.describe(claim)),
                        Err(error) => Some(error.to_string()),
                    };
                    if let (Some(found), Ok(mut wrong)) = (found, wrong.lock()) {
                        wrong.get_or_insert(format!("world {index}: {found}"));
                    }
                    bar.step(1);
                }
            });
        }
    });
    bar.clear();
    match wrong.into_inner() {
        Ok(None) => Ok(count),
        Ok(Some(found)) => Err(format!("the fast engine and the pipeline differ: {found}")),
        Err(_poisoned) => Err("a comparison did not end".to_owned()),
    }
}

/// How far it is, and how fast, where somebody watches.
struct Bar {
    name: String,
    count: u64,
    done: AtomicU64,
    began: Instant,
    drawn: Mutex<Instant>,
    is_seen: bool,
}

impl Bar {
    #[expect(clippy::disallowed_methods, reason = "the rate is for whoever watches; nothing depends on it")]
    fn new(name: &str, count: u64) -> Self {
        let now = Instant::now();
        let is_seen = std::io::stderr().is_terminal();
        Self {
            name: name.to_owned(),
            count,
            done: AtomicU64::new(0),
            began: now,
            drawn: Mutex::new(now),
            is_seen,
        }
    }

    #[expect(clippy::disallowed_methods, reason = "the rate is for whoever watches; nothing depends on it")]
    fn step(&self, more: u64) {
        let done = self.done.fetch_add(more, Ordering::Relaxed) + more;
        if !self.is_seen {
            return;
        }
        let Ok(mut drawn) = self.drawn.try_lock() else { return };
        if drawn.elapsed() < REDRAW {
            return;
        }
        *drawn = Instant::now();
        #[expect(clippy::cast_precision_loss, reason = "a rate for the eye")]
        let rate = done as f64 / self.began.elapsed().as_secs_f64().max(0.001);
        let percent = done * 100 / self.count.max(1);
        // A terminal that went away loses a bar and nothing else.
        let _unseen = write!(
            std::io::stderr(),
            "\r{}: {percent:>3} % of {} worlds, {rate:.0} a second\u{1b}[K",
            self.name,
            self.count
        );
    }

    fn clear(&self) {
        if self.is_seen {
            let _unseen = write!(std::io::stderr(), "\r\u{1b}[K");
        }
    }
}
