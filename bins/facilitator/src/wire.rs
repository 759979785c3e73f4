//! The parts put together: files and embedded scenarios in, documents out.

use std::fmt;
use std::io;

use assurance_diagnostics::{Diagnostic, Source, suggest};
use assurance_policy::Pack;
use assurance_tabletop::{RehearsalError, Report, Scenario, scenarios, to_junit};

use crate::args::{Format, Rehearse};

/// Longest scenario file that is read; a day's worth of steps and injects is a tenth of it.
const MAX_SCENARIO_BYTES: u64 = 1 << 20;

/// What is printed, and whether all is as claimed.
pub(crate) struct Done {
    pub(crate) text: String,
    pub(crate) holds: bool,
}

/// Why nothing can be printed.
pub(crate) enum Failure {
    Flaws(Vec<Diagnostic>),
    Unknown { id: String },
    TooLong { file: String },
    Read { file: String, source: io::Error },
    Write { file: String, source: io::Error },
    Rehearsal { id: String, source: RehearsalError },
}

impl Failure {
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Flaws(_) | Self::Unknown { .. } | Self::TooLong { .. } | Self::Rehearsal { .. } => 2,
            Self::Read { .. } | Self::Write { .. } => 5,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flaws(flaws) => {
                flaws.iter().try_for_each(|flaw| writeln!(f, "{flaw}"))?;
                let (n, s) = (flaws.len(), if flaws.len() == 1 { "" } else { "s" });
                write!(f, "error: the scenario has {n} flaw{s}")
            }
            Self::Unknown { id } => {
                let ids: Vec<&str> = ids().collect();
                write!(f, "error: there is no scenario `{id}`; ")?;
                match suggest(id, ids.iter().copied()) {
                    Some(near) => write!(f, "did you mean `{near}`?"),
                    None => write!(f, "there are {}, and files that end in .yml", ids.join(", ")),
                }
            }
            Self::TooLong { file } => {
                write!(f, "error: {file} is longer than {MAX_SCENARIO_BYTES} bytes; is it a scenario?")
            }
            Self::Read { file, source } => write!(f, "error: cannot read {file}: {source}"),
            Self::Write { file, source } => write!(f, "error: cannot write {file}: {source}"),
            Self::Rehearsal { id, source } => write!(f, "error: cannot rehearse {id}: {source}"),
        }
    }
}

fn ids() -> impl Iterator<Item = &'static str> {
    scenarios().iter().map(|(name, _)| name.trim_end_matches(".yml"))
}

fn pack() -> Result<Pack, Failure> {
    assurance_policy::pack().map_err(Failure::Flaws)
}

fn load(wanted: &str, pack: &Pack) -> Result<Scenario, Failure> {
    let embedded = scenarios().iter().find(|(name, _)| name.trim_end_matches(".yml") == wanted);
    let source = match embedded {
        Some((name, text)) => Source::new(*name, *text),
        None if wanted.ends_with(".yml") || wanted.ends_with(".yaml") => {
            let failed = |source| Failure::Read { file: wanted.to_owned(), source };
            if fs_err::metadata(wanted).map_err(failed)?.len() > MAX_SCENARIO_BYTES {
                return Err(Failure::TooLong { file: wanted.to_owned() });
            }
            Source::new(wanted, fs_err::read_to_string(wanted).map_err(failed)?)
        }
        None => return Err(Failure::Unknown { id: wanted.to_owned() }),
    };
    Scenario::parse(&source, pack).map_err(Failure::Flaws)
}

/// The embedded scenarios, one a line.
pub(crate) fn list(format: Format) -> Result<Done, Failure> {
    let pack = pack()?;
    let all = ids().map(|id| load(id, &pack)).collect::<Result<Vec<_>, _>>()?;
    let text = match format {
        Format::Text => all.iter().map(|s| format!("{}\t{}\n", s.id, s.title)).collect(),
        Format::Json => {
            let list: Vec<_> =
                all.iter().map(|s| serde_json::json!({"id": s.id, "title": s.title})).collect();
            format!("{}\n", serde_json::Value::from(list))
        }
    };
    Ok(Done { text, holds: true })
}

/// One scenario, answers included.
pub(crate) fn show(wanted: &str) -> Result<Done, Failure> {
    Ok(Done { text: load(wanted, &pack()?)?.to_markdown(), holds: true })
}

/// Runs what is asked for, and writes the JUnit file before anything is printed.
pub(crate) fn rehearse(args: &Rehearse) -> Result<Done, Failure> {
    let pack = pack()?;
    let wanted: Vec<&str> = match &args.scenario {
        Some(one) => vec![one],
        None => ids().collect(),
    };
    let mut reports: Vec<Report> = Vec::new();
    for one in wanted {
        let scenario = load(one, &pack)?;
        let report = assurance_tabletop::rehearse(&scenario, &pack, args.seed)
            .map_err(|source| Failure::Rehearsal { id: scenario.id.clone(), source })?;
        reports.push(report);
    }
    if let Some(path) = &args.junit {
        fs_err::write(path, to_junit(&reports))
            .map_err(|source| Failure::Write { file: path.display().to_string(), source })?;
    }
    let text = match (args.output, args.all) {
        (Format::Text, _) => {
            let pages: Vec<String> = reports.iter().map(Report::to_markdown).collect();
            pages.join("\n")
        }
        (Format::Json, false) => reports.iter().map(Report::to_json).collect(),
        (Format::Json, true) => {
            let pages: Vec<String> = reports.iter().map(|r| r.to_json().trim_end().to_owned()).collect();
            format!("[{}]\n", pages.join(",\n"))
        }
    };
    Ok(Done { text, holds: reports.iter().all(|report| report.holds) })
}
