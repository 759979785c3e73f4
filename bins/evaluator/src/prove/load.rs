//! Rules, intents, contract and routes as claims.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use assurance_diagnostics::{Diagnostic, Severity, suggest};
use assurance_policy::MetricContract;
use assurance_policy::intents::Intents;
use assurance_prover::assume::assume;
use assurance_prover::budget::routed;
use assurance_prover::claim::{Claim, CounterBirth, Routing};
use assurance_rules::{Group, RuleFile};
use assurance_runtime::setup;

use super::Rules;
use crate::args::Birth;
use crate::exit;
use crate::wire::fail;

/// What is to be proven.
pub(super) struct Loaded {
    /// All rules there are.
    pub(super) groups: Vec<Group>,
    pub(super) claims: Vec<Claim>,
    pub(super) intents: Intents,
    pub(super) contract: MetricContract,
    pub(super) birth: CounterBirth,
    pub(super) routing: Option<Routing>,
    /// Whether the rules are the pack's, which are no files.
    pub(super) is_pack: bool,
    /// Whether nobody said what the metrics are.
    pub(super) is_assumed: bool,
}

/// What stops the command, said already.
type Stopped = ExitCode;

#[expect(clippy::print_stderr, reason = "talk goes to stderr")]
fn wrong(found: &[Diagnostic]) -> Stopped {
    found.iter().for_each(|found| eprintln!("{found}"));
    ExitCode::from(exit::CONFIGURATION)
}

fn read(path: &Path) -> Result<assurance_diagnostics::Source, Stopped> {
    setup::read_source(path).map_err(|error| fail(exit::CONFIGURATION, &error.to_string()))
}

pub(super) fn load(args: &Rules) -> Result<Loaded, Stopped> {
    let is_pack = args.files.is_empty();
    let (groups, mut intents, contract) = if is_pack { pack()? } else { files(args)? };
    let is_assumed = contract.is_none();
    let contract = match contract {
        Some(contract) => contract,
        None => assume(&groups, &intents).map_err(|flaw| wrong(&[flaw]))?,
    };
    narrow(&mut intents, &args.only)?;
    let routing = routing(args, is_pack)?;
    let birth = match args.counter_birth {
        Birth::Zero => CounterBirth::Zero,
        Birth::Unknown => CounterBirth::Unknown,
    };
    let mut claims = Vec::with_capacity(intents.intents.len());
    for intent in &intents.intents {
        let claim = Claim::new(intent, &intents.environment, &groups, &contract)
            .map_err(|error| fail(exit::CONFIGURATION, &error.to_string()))?
            .with_birth(birth);
        claims.push(match &routing {
            Some(routing) => claim.with_routing(routing.clone()),
            None => claim,
        });
    }
    Ok(Loaded { groups, claims, intents, contract, birth, routing, is_pack, is_assumed })
}

type Parts = (Vec<Group>, Intents, Option<MetricContract>);

fn pack() -> Result<Parts, Stopped> {
    let pack = assurance_policy::pack().map_err(|found| wrong(&found))?;
    let intents = assurance_policy::pack_intents().map_err(|flaw| wrong(&[flaw]))?;
    Ok((pack.groups, intents, Some(pack.contract)))
}

fn files(args: &Rules) -> Result<Parts, Stopped> {
    let mut groups = Vec::new();
    for path in expand(&args.files)? {
        groups.extend(RuleFile::parse(&read(&path)?).map_err(|found| wrong(&errors(found)))?.groups);
    }
    if args.intents.is_empty() {
        let message = "what must the alerts catch? Name a file of intents with --intents";
        return Err(fail(exit::CONFIGURATION, message));
    }
    let mut intents: Option<Intents> = None;
    for path in &args.intents {
        let more = Intents::parse(&read(path)?).map_err(|flaw| wrong(&[flaw]))?;
        match &mut intents {
            None => intents = Some(more),
            Some(known) if known.environment == more.environment => known.intents.extend(more.intents),
            Some(_) => {
                let message = format!(
                    "{}: its environment is not that of the first file of intents; prove them one after the other",
                    path.display()
                );
                return Err(fail(exit::CONFIGURATION, &message));
            }
        }
    }
    let contract = match &args.contract {
        Some(path) => Some(MetricContract::parse(&read(path)?).map_err(|flaw| wrong(&[flaw]))?),
        None => None,
    };
    // There is at least one file.
    let intents = intents.unwrap_or_else(|| unreachable!("a file of intents was read"));
    Ok((groups, intents, contract))
}

fn errors(found: Vec<Diagnostic>) -> Vec<Diagnostic> {
    found.into_iter().filter(|found| found.severity == Severity::Error).collect()
}

fn expand(patterns: &[PathBuf]) -> Result<Vec<PathBuf>, Stopped> {
    let mut all = Vec::new();
    for pattern in patterns {
        let found = setup::expand(&pattern.to_string_lossy());
        let found = found.map_err(|error| fail(exit::CONFIGURATION, &error.to_string()))?;
        if found.is_empty() {
            return Err(fail(exit::CONFIGURATION, &format!("no file matches {}", pattern.display())));
        }
        all.extend(found.into_iter().map(PathBuf::from));
    }
    Ok(all)
}

fn narrow(intents: &mut Intents, only: &[String]) -> Result<(), Stopped> {
    if only.is_empty() {
        return Ok(());
    }
    for id in only {
        if intents.intent(id).is_none() {
            let known = intents.intents.iter().map(|intent| intent.id.as_str());
            let near = suggest(id, known).map(|near| format!("; did you mean {near:?}?")).unwrap_or_default();
            return Err(fail(exit::CONFIGURATION, &format!("there is no intent {id:?}{near}")));
        }
    }
    intents.intents.retain(|intent| only.contains(&intent.id));
    Ok(())
}

fn routing(args: &Rules, is_pack: bool) -> Result<Option<Routing>, Stopped> {
    let told = |tree: assurance_notifier::routing::Routing| Some(routed(&tree));
    match &args.notify_config {
        Some(path) => {
            let folder =
                path.parent().map(|folder| folder.to_string_lossy().into_owned()).unwrap_or_default();
            let notify = assurance_config::load_notify(&read(path)?, &folder);
            notify.map(|notify| told(notify.routing)).map_err(|found| wrong(&found))
        }
        None if is_pack => assurance_policy::routing().map(told).map_err(|found| wrong(&found)),
        None => Ok(None),
    }
}
