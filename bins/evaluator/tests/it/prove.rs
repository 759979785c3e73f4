//! `prove` as people and programs use it, and every command of its guide.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails, in helper functions too")]

use std::path::Path;
use std::process::{Command, Output};

use crate::peers::installed;

/// The evaluator.
const fn binary() -> &'static str {
    env!("CARGO_BIN_EXE_assurance-evaluator")
}

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/prover");

fn prove(folder: &Path, args: &[&str]) -> Output {
    Command::new(binary()).arg("prove").args(args).current_dir(folder).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// A copy of the fixtures in a folder that may be written to.
fn doors() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["rules.yml", "repaired.yml", "intents.yml", "contract.yml"] {
        fs_err::copy(Path::new(FIXTURES).join(name), folder.path().join(name)).unwrap();
    }
    folder
}

const FORCED: [&str; 8] = [
    "rules.yml",
    "--intents",
    "intents.yml",
    "--contract",
    "contract.yml",
    "--only",
    "FORCED",
    "--timelines",
];

#[test]
fn the_same_seed_says_the_same_on_any_number_of_cores() {
    let folder = doors();
    let on = |cores: &str| {
        let output =
            prove(folder.path(), &[&["rules"], &FORCED[..], &["2500", "-j", cores, "-o", "json"]].concat());
        assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
        stdout(&output)
    };
    let one = on("1");
    assert_eq!(one, on("3"));
    let document: serde_json::Value = serde_json::from_str(&one).unwrap();
    assert_eq!(document["holds"], false);
    assert_eq!(document["claims"][0]["random"]["timelines"], 2500);
    assert_eq!(document["claims"][0]["counterexamples"][0]["verdict"], "MISSED");
}

#[test]
fn only_what_is_denied_fails_and_mistakes_are_named() {
    let folder = doors();
    let with = |more: &[&str]| prove(folder.path(), &[&["rules"], &FORCED[..], &["500"], more].concat());
    assert_eq!(with(&[]).status.code(), Some(1));
    assert_eq!(with(&["--deny", "identity"]).status.code(), Some(0));
    let wrong = with(&["--deny", "mist"]);
    assert_eq!(wrong.status.code(), Some(2));
    let unknown =
        prove(folder.path(), &["rules", "rules.yml", "--intents", "intents.yml", "--only", "FORCE"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("did you mean \"FORCED\"?"));
    let none = prove(folder.path(), &["rules", "rules.yml"]);
    assert_eq!(none.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&none.stderr).contains("--intents"));
}

#[test]
fn what_was_saved_is_replayed_and_never_overwritten() {
    let folder = doors();
    let save = || {
        let args = [&["rules"], &FORCED[..], &["500", "--save-counterexamples", "found/here"]].concat();
        assert_eq!(prove(folder.path(), &args).status.code(), Some(1));
        let mut files: Vec<(String, String)> = fs_err::read_dir(folder.path().join("found/here"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| {
                (
                    path.file_name().unwrap().to_string_lossy().into_owned(),
                    fs_err::read_to_string(path).unwrap(),
                )
            })
            .collect();
        files.sort();
        files
    };
    let first = save();
    assert!(first.iter().any(|(name, _)| name == "FORCED-missed.yml"), "{first:?}");
    assert!(first.iter().all(|(_, text)| text.contains("rule_files: ['../../rules.yml']")));
    assert_eq!(save(), first, "the same content is the same file");
    let missed = folder.path().join("found/here/FORCED-missed.yml");
    fs_err::write(&missed, "mine").unwrap();
    let again = save();
    assert_eq!(fs_err::read_to_string(&missed).unwrap(), "mine");
    assert!(again.len() > first.len(), "the test is written under another name");

    let found = folder.path().join("found.yml");
    fs_err::write(&found, &first.iter().find(|(name, _)| name == "FORCED-missed.yml").unwrap().1).unwrap();
    let args = [
        "rules",
        "rules.yml",
        "--intents",
        "intents.yml",
        "--contract",
        "contract.yml",
        "--only",
        "FORCED",
        "--replay",
        "found.yml",
    ];
    let replayed = prove(folder.path(), &args);
    assert_eq!(replayed.status.code(), Some(1));
    assert!(stdout(&replayed).contains("MISSED"), "{}", stdout(&replayed));
}

#[test]
fn the_fast_engine_is_held_against_the_pipeline_on_request() {
    let folder = doors();
    let args = [&["rules"], &FORCED[..], &["10", "--check-against-pipeline", "40"]].concat();
    let output = prove(folder.path(), &args);
    assert!(
        stdout(&output).contains("40 of them in the whole pipeline too: 0 differences"),
        "{}",
        stdout(&output)
    );
}

#[test]
fn a_change_that_nothing_notices_is_listed() {
    let folder = doors();
    let args = [
        "mutate",
        "repaired.yml",
        "--intents",
        "intents.yml",
        "--contract",
        "contract.yml",
        "--only",
        "FORCED",
        "--only",
        "SEAL",
        "--timelines",
        "400",
        "-o",
        "json",
    ];
    let output = prove(folder.path(), &args);
    let document: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    let mutants = document["mutants"].as_array().unwrap();
    assert!(mutants.len() > 10, "{document:#}");
    assert!(document["noticed"].as_u64().unwrap() * 2 > mutants.len() as u64, "{document:#}");
    let survives = document["survived"].as_u64().unwrap() > 0;
    assert_eq!(output.status.code(), Some(i32::from(survives)));
}

#[test]
fn the_budget_says_where_more_is_promised_than_can_be_kept() {
    let folder = doors();
    let args = [
        "budget",
        "repaired.yml",
        "--intents",
        "intents.yml",
        "--contract",
        "contract.yml",
        "--only",
        "FORCED",
        "--only",
        "SEAL",
        "--timelines",
        "200",
        "-o",
        "json",
    ];
    let output = prove(folder.path(), &args);
    let document: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    for alert in document["alerts"].as_array().unwrap() {
        let (best, worst) = (alert["best_ms"].as_i64().unwrap(), alert["worst_ms"].as_i64().unwrap());
        assert!(best < worst, "{alert:#}");
        let keepable = worst <= alert["promised_ms"].as_i64().unwrap();
        assert_eq!(alert["keepable"], keepable, "{alert:#}");
    }
}

/// All commands of the guide, one after the other, in an empty folder.
#[test]
fn the_guide_works() {
    let guide = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guide/prove.md");
    let text = fs_err::read_to_string(guide).unwrap();
    let has_promtool = installed("promtool");
    let folder = tempfile::tempdir().unwrap();
    let bin = Path::new(binary()).parent().unwrap();
    let mut said = Vec::new();
    for block in text.split("```sh\n").skip(1) {
        let commands = block.split("```").next().unwrap();
        if commands.contains("promtool ") && !has_promtool {
            continue;
        }
        let commands = format!("PATH='{}':\"$PATH\"\n{commands}", bin.display());
        let output =
            Command::new("sh").args(["-euc", &commands]).current_dir(folder.path()).output().unwrap();
        let out = stdout(&output);
        assert!(
            output.status.success(),
            "{commands}\nsays\n{out}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        said.push(out);
    }
    let all = said.join("\n");
    for expected in
        ["MISSED", "exit code 1", "FRAUD-missed.yml", "1 claims, no counterexample", "exhaustive for scope"]
    {
        assert!(all.contains(expected), "the guide promises {expected:?}:\n{all}");
    }
    if has_promtool {
        assert!(all.contains("promtool agrees"), "{all}");
    }
}
