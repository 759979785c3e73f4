//! What is asked on the command line.

const USAGE: &str = "\
usage: cargo xtask conformance [promql] DIR [OPTIONS]

  --verbose              each failure with its line, expression and reason
  --at-least N           succeed if N evaluations give the right values, whatever the others do
  --store memory|tsdb|durable
                         what is evaluated over: the simplest store there is, the evaluator's own in memory, or the
                         same with files: what every `load` gives is sealed, closed and opened again
  --binary PATH          ask this evaluator over HTTP instead; it is started anew at each `clear`
  --write-doc            write docs/reference/conformance.md";

/// What the scripts are run on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// The engine over the simplest store.
    Memory,
    /// The engine over the evaluator's store, in memory.
    Tsdb,
    /// The same with files.
    Durable,
    /// This evaluator, over HTTP.
    Server(String),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) folder: String,
    pub(crate) verbose: bool,
    pub(crate) at_least: Option<usize>,
    pub(crate) subject: Subject,
    pub(crate) write_doc: bool,
}

impl Wish {
    pub(crate) fn of(args: &[String]) -> Result<Self, String> {
        let mut wish = Self {
            folder: String::new(),
            verbose: false,
            at_least: None,
            subject: Subject::Tsdb,
            write_doc: false,
        };
        let mut args = args.iter().map(String::as_str);
        while let Some(arg) = args.next() {
            let refused = |what: &str| Err(format!("{what}\n\n{USAGE}"));
            match arg {
                "--verbose" => wish.verbose = true,
                "--write-doc" => wish.write_doc = true,
                "--at-least" => match args.next().map(str::parse) {
                    Some(Ok(count)) => wish.at_least = Some(count),
                    _ => return refused("--at-least needs a number of evaluations"),
                },
                "--store" => match args.next() {
                    Some("memory") => wish.subject = Subject::Memory,
                    Some("tsdb") => wish.subject = Subject::Tsdb,
                    Some("durable") => wish.subject = Subject::Durable,
                    _ => return refused("--store is memory, tsdb or durable"),
                },
                "--binary" => match args.next() {
                    Some(binary) => wish.subject = Subject::Server(binary.to_owned()),
                    None => return refused("--binary needs the path of an evaluator"),
                },
                option if option.starts_with('-') => {
                    return refused(&format!("there is no option {option}"));
                }
                folder if wish.folder.is_empty() => folder.clone_into(&mut wish.folder),
                more => return refused(&format!("{more} is one folder too many")),
            }
        }
        if wish.write_doc && wish.subject != Subject::Tsdb {
            return Err(format!(
                "the page tells of the evaluator's own store, so --write-doc stands alone\n\n{USAGE}"
            ));
        }
        if wish.folder.is_empty() { Err(USAGE.to_owned()) } else { Ok(wish) }
    }
}
