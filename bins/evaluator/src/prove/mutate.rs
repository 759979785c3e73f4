//! `prove mutate`: which small changes of the rules nothing notices.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use assurance_diagnostics::Source;
use assurance_prover::mutate::{Baseline, Fate, Mutant, Trial, mutants};
use assurance_rules::unit_test::{self, Options};
use assurance_rules::{Group, Rule};
use assurance_runtime::setup;
use serde_json::{Value, json};

use super::Mutate;
use super::load::Loaded;
use crate::args::Output;
use crate::exit;
use crate::wire::fail;

/// One mutant, where it is from, and what became of it.
struct Weighed {
    group: usize,
    rule: usize,
    mutant: Mutant,
    fate: Option<Fate>,
}

/// A file of unit tests, and from where it names its rules.
struct TestFile {
    source: Source,
    folder: String,
}

pub(super) fn run(args: &Mutate, loaded: &Loaded) -> ExitCode {
    let tests = match tests(args, loaded) {
        Ok(tests) => tests,
        Err(code) => return code,
    };
    let notices = |file: &str, text: &str| notice(&tests, &loaded.groups, file, text);
    let trial = Trial {
        intents: &loaded.intents.intents,
        environment: &loaded.intents.environment,
        groups: &loaded.groups,
        contract: &loaded.contract,
        birth: loaded.birth,
        routing: loaded.routing.clone(),
        worlds: args.rules.timelines,
        seed: args.rules.seed,
        tests: &notices,
    };
    let baseline = Baseline::of(&trial);
    let mut all: Vec<Weighed> = Vec::new();
    for (group, of_group) in loaded.groups.iter().enumerate() {
        for (rule, made) in of_group.rules.iter().enumerate() {
            let Rule::Alerting(made) = made else { continue };
            let wanted = loaded.intents.intents.iter().any(|intent| intent.alert == made.alert);
            if wanted || args.rules.only.is_empty() {
                all.extend(mutants(made).into_iter().map(|mutant| Weighed {
                    group,
                    rule,
                    mutant,
                    fate: None,
                }));
            }
        }
    }
    weigh(&baseline, &mut all, args.rules.cores());
    let score = Score::of(&all);
    match args.rules.output {
        Output::Text => tell(loaded, &all, &score),
        Output::Json => print(loaded, &all, &score),
    }
    let fails = match args.min_score {
        Some(least) => score.percent() < least,
        None => score.survived > 0,
    };
    if fails { ExitCode::from(exit::FINDINGS) } else { ExitCode::SUCCESS }
}

fn weigh(baseline: &Baseline<'_>, all: &mut [Weighed], cores: usize) {
    let next = AtomicUsize::new(0);
    let fates = Mutex::new(Vec::with_capacity(all.len()));
    let mutants: &[Weighed] = all;
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(weighed) = mutants.get(index) else { return };
                    let fate = baseline.weigh(weighed.group, weighed.rule, &weighed.mutant);
                    if let Ok(mut fates) = fates.lock() {
                        fates.push((index, fate));
                    }
                }
            });
        }
    });
    for (index, fate) in fates.into_inner().unwrap_or_default() {
        all[index].fate = Some(fate);
    }
}

/// The unit tests: those that are named, or the pack's.
fn tests(args: &Mutate, loaded: &Loaded) -> Result<Vec<TestFile>, ExitCode> {
    if args.tests.is_empty() && loaded.is_pack {
        let tests = assurance_policy::rule_tests().iter().map(|(name, text)| TestFile {
            source: Source::new(*name, *text),
            folder: name.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned(),
        });
        return Ok(tests.collect());
    }
    let read = |path: &std::path::PathBuf| {
        let source =
            setup::read_source(path).map_err(|error| fail(exit::CONFIGURATION, &error.to_string()))?;
        let folder = path.parent().map(|folder| folder.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(TestFile { source, folder })
    };
    args.tests.iter().map(read).collect()
}

/// What the tests say of a changed rule file, if they notice.
fn notice(tests: &[TestFile], groups: &[Group], changed: &str, text: &str) -> Option<String> {
    tests.iter().find_map(|test| {
        let load = |pattern: &str| {
            let path = Path::new(&test.folder).join(pattern);
            let name = path.to_string_lossy().into_owned();
            if is_same(&path, changed) {
                return Ok(vec![Source::new(name, text)]);
            }
            let known =
                groups.iter().filter(|group| is_same(&path, &group.file)).cloned().collect::<Vec<_>>();
            Ok(vec![Source::new(name, assurance_prover::mutate::rule_file(&known))])
        };
        let options = Options { group_intervals: false, ..Options::default() };
        match unit_test::run(&test.source, &load, &options) {
            Ok(report) => {
                let failed = report.tests.iter().find(|test| !test.failures.is_empty())?;
                Some(format!("{}: {}", report.file, failed.name))
            }
            // A file of tests that names no rules of ours says nothing of them.
            Err(_) => None,
        }
    })
}

fn is_same(path: &Path, file: &str) -> bool {
    let file = Path::new(file);
    path == file || fs_err::canonicalize(path).is_ok_and(|a| fs_err::canonicalize(file).is_ok_and(|b| a == b))
}

struct Score {
    noticed: usize,
    survived: usize,
    equivalent: usize,
}

impl Score {
    fn of(all: &[Weighed]) -> Self {
        let count = |wanted: fn(&Fate) -> bool| {
            all.iter().filter_map(|w| w.fate.as_ref()).filter(|f| wanted(f)).count()
        };
        Self {
            noticed: count(|fate| matches!(fate, Fate::Noticed { .. })),
            survived: count(|fate| matches!(fate, Fate::Survived)),
            equivalent: count(|fate| matches!(fate, Fate::Equivalent)),
        }
    }

    /// Of those that change anything, the share that is noticed; all of none.
    #[expect(clippy::cast_precision_loss, reason = "there are some hundred")]
    fn percent(&self) -> f64 {
        let all = self.noticed + self.survived;
        if all == 0 { 100.0 } else { self.noticed as f64 * 100.0 / all as f64 }
    }
}

fn place(loaded: &Loaded, weighed: &Weighed) -> String {
    let group = &loaded.groups[weighed.group];
    let rule = &group.rules[weighed.rule];
    format!("{}:{} {}", group.file, rule.line(), rule.name())
}

#[expect(clippy::print_stdout, reason = "it is the result")]
fn tell(loaded: &Loaded, all: &[Weighed], score: &Score) {
    for (heading, wanted) in [
        ("survived: alerts fire otherwise, and no intent and no test minds", Fate::Survived),
        ("equivalent: alerts fire as before, in every world that was tried", Fate::Equivalent),
    ] {
        let mut of_this = all.iter().filter(|weighed| weighed.fate.as_ref() == Some(&wanted)).peekable();
        if of_this.peek().is_some() {
            println!("{heading}");
        }
        for weighed in of_this {
            println!(
                "  {}: {}: {}",
                place(loaded, weighed),
                weighed.mutant.kind.as_str(),
                weighed.mutant.change
            );
        }
    }
    println!(
        "{} of {} changes are noticed ({:.1} %), {} survive; {} change nothing",
        score.noticed,
        score.noticed + score.survived,
        score.percent(),
        score.survived,
        score.equivalent
    );
}

#[expect(clippy::print_stdout, reason = "it is the result")]
fn print(loaded: &Loaded, all: &[Weighed], score: &Score) {
    let mutant = |weighed: &Weighed| -> Value {
        let (fate, by) = match &weighed.fate {
            Some(Fate::Noticed { by }) => ("noticed", Some(by.as_str())),
            Some(Fate::Equivalent) => ("equivalent", None),
            _ => ("survived", None),
        };
        json!({
            "rule": place(loaded, weighed),
            "kind": weighed.mutant.kind.as_str(),
            "change": weighed.mutant.change,
            "fate": fate,
            "by": by,
        })
    };
    let document = json!({
        "v": 1,
        "noticed": score.noticed,
        "survived": score.survived,
        "equivalent": score.equivalent,
        "percent": score.percent(),
        "mutants": all.iter().map(mutant).collect::<Vec<_>>(),
    });
    println!("{document:#}");
}
