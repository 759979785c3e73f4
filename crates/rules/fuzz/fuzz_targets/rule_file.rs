//! Any text as a rule file: it is read, or refused with problems that can be shown, each at a place within it.
#![no_main]

use assurance_diagnostics::Source;
use assurance_rules::RuleFile;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let source = Source::new("rules.yml", text);
    match RuleFile::parse(&source) {
        Ok(file) => {
            for rule in file.groups.iter().flat_map(|group| &group.rules) {
                assert!(rule.line() <= text.lines().count().max(1), "line {}", rule.line());
                assert!(!rule.name().is_empty());
            }
        }
        Err(problems) => {
            assert!(!problems.is_empty());
            for problem in problems {
                assert!(!problem.to_string().is_empty());
                if let Some(span) = &problem.span {
                    assert!(span.end <= text.len() && span.start <= span.end, "{problem}");
                }
            }
        }
    }
});
