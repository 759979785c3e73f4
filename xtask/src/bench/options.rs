//! What the command line of a benchmark says.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// Programs and numbers.
#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) prometheus: String,
    pub(super) promtool: String,
    pub(super) victoria: String,
    /// Our evaluator, built if none is named.
    pub(super) ours: Option<PathBuf>,
    /// Whether nobody else runs.
    pub(super) is_alone: bool,
    /// Whether seconds must do: everything small, and no goal held to.
    pub(super) is_quick: bool,
    numbers: BTreeMap<String, usize>,
}

impl Options {
    /// Reads `[--quick] [--alone] [--binary PATH] [--promtool PATH] [--victoria PATH] [--ours PATH]` and those of
    /// `numbers`, each of which takes one above 0.
    pub(super) fn read(what: &str, args: &[&str], numbers: &[&str]) -> Result<Self, String> {
        let mut options = Self {
            prometheus: "prometheus".to_owned(),
            promtool: "promtool".to_owned(),
            victoria: "victoria-metrics".to_owned(),
            ours: None,
            is_alone: false,
            is_quick: false,
            numbers: BTreeMap::new(),
        };
        let mut args = args.iter();
        while let Some(name) = args.next() {
            let mut value = || args.next().copied().ok_or_else(|| format!("{name} needs a value"));
            match *name {
                "--quick" => options.is_quick = true,
                "--alone" => options.is_alone = true,
                "--binary" => options.prometheus = value()?.to_owned(),
                "--promtool" => options.promtool = value()?.to_owned(),
                "--victoria" => options.victoria = value()?.to_owned(),
                "--ours" => options.ours = Some(PathBuf::from(value()?)),
                _ => {
                    let known = name.strip_prefix("--").filter(|name| numbers.contains(name));
                    let known = known.ok_or_else(|| format!("{name} is no option of bench {what}"))?;
                    let value = value()?;
                    let number = value.parse().ok().filter(|number| *number > 0);
                    let number = number.ok_or_else(|| format!("{name} {value}: write a number above 0"))?;
                    options.numbers.insert(known.to_owned(), number);
                }
            }
        }
        Ok(options)
    }

    /// A number that was given.
    pub(super) fn given(&self, name: &str) -> Option<usize> {
        self.numbers.get(name).copied()
    }

    /// A number, or what it is otherwise: by default, and where seconds must do.
    pub(super) fn number(&self, name: &str, default: usize, quick: usize) -> usize {
        self.given(name).unwrap_or(if self.is_quick { quick } else { default })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_and_mistakes_named() {
        let read = |args: &[&str]| Options::read("query", args, &["days"]);
        let options = read(&["--quick", "--days", "7", "--ours", "x"]).unwrap();
        assert_eq!((options.number("days", 90, 2), options.is_quick, options.is_alone), (7, true, false));
        assert_eq!(options.ours, Some(PathBuf::from("x")));
        assert_eq!(read(&["--quick"]).unwrap().number("days", 90, 2), 2);
        assert_eq!(read(&[]).unwrap().number("days", 90, 2), 90);
        for (args, fault) in [
            (&["--days"][..], "--days needs a value"),
            (&["--days", "0"], "--days 0: write a number above 0"),
            (&["--window", "1"], "--window is no option of bench query"),
            (&["days"], "days is no option of bench query"),
        ] {
            assert_eq!(read(args).unwrap_err(), fault);
        }
    }
}
