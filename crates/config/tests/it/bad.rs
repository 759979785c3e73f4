use crate::fixtures::{names, source};

/// Every bad file is refused, and what is said of it names file, line, cause and remedy.
#[test]
fn every_fault_is_told_with_place_and_remedy() {
    let names = names("config/bad");
    assert!(names.len() >= 20, "{names:?}");
    for name in names {
        let problems = assurance_config::load(&source("config/bad", &name), "").expect_err(&name);
        for problem in &problems {
            assert!(problem.line().is_some(), "{name}: no line in {problem}");
            assert!(problem.help.is_some(), "{name}: no remedy in {problem}");
        }
        let told: String = problems.iter().map(ToString::to_string).collect();
        assert!(!told.contains("never-shown"), "{name} shows a secret");
        insta::assert_snapshot!(name.trim_end_matches(".yml"), told);
    }
}
