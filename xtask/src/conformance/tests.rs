use super::*;

const SCRIPT: &str = "\
load 1m
  m 1 2
  h {{count:1}}

eval instant at 0 m
  m 1

eval instant at 1m m
  m 3

eval instant at 0 quantile(2, m)
  expect no_warn
  {} +Inf

eval instant at 0 h
  h {{count:1}}
";

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary directory");
    for (name, text) in files {
        fs_err::write(folder.path().join(name), text).expect("written");
    }
    folder
}

fn reports() -> Vec<Report> {
    let folder =
        folder(&[("b.test", SCRIPT), ("a.test", "eval instant at 0 1 + 1\n  2\n"), ("c.txt", "no script")]);
    let scripts = read(&folder.path().to_string_lossy()).expect("reads");
    let reports = scripts.iter().map(|script| Report {
        file: script.name.to_string(),
        classes: class::classes(script),
        outcome: run(script, &mut Tsdb::new(Place::Memory), &Options::default()),
    });
    reports.collect()
}

const TABLE: &str = "\
file                          evals values strict
a.test                            1      1      1
b.test                            4      3      2
                              evals values strict
float                             4      3      2
native-histogram                  1      1      1
all                               5      4      3
";

#[test]
fn the_table_counts_by_file_and_by_class() {
    assert_eq!(table::render(&reports()), TABLE);
}

#[test]
fn each_failure_is_told_with_its_line_expression_and_reason() {
    let told = table::failures(&reports());
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines[..2], ["b.test:8: float, values: m", "    m is 2 instead of 3"]);
    assert_eq!(lines[2], "b.test:11: float, annotations: quantile(2, m)");
    assert!(lines[3].starts_with("    no warning is expected, but there is"), "{}", lines[3]);
    assert_eq!(lines.len(), 4);
}

#[test]
fn the_page_tells_the_cause_of_each_failure_or_is_not_written() {
    let why = [("b.test:8:", "It is a test."), ("no warning is expected", "Warnings are given.")];
    let page = doc::page(&reports(), &why).expect("all have a cause");
    assert!(page.contains("| float | 4 | 3 | 2 |\n"), "{page}");
    let told = "\nIt is a test.\n\n- b.test:8 `m`\n\nWarnings are given.\n\n- b.test:11 `quantile(2, m)`\n";
    assert!(page.ends_with(told), "{page}");
    let error = doc::page(&reports(), &why[..1]).expect_err("one has none");
    assert!(error.contains("b.test:11: quantile(2, m): no warning is expected"), "{error}");
    assert!(!error.contains("b.test:8"), "{error}");
    let page = doc::page(&reports()[..1], &[]).expect("nothing fails");
    assert!(page.ends_with("\nNothing.\n"), "{page}");
}

#[test]
fn it_succeeds_if_all_is_right_or_enough_is() {
    let folder = folder(&[("b.test", SCRIPT)]);
    let wish = |more: &[&str]| {
        let mut args = vec![folder.path().to_string_lossy().into_owned()];
        args.extend(more.iter().map(ToString::to_string));
        Wish::of(&args).expect("understood")
    };
    for store in ["memory", "tsdb"] {
        assert_eq!(conformance(&wish(&["--store", store])), Ok(false));
        assert_eq!(conformance(&wish(&["--store", store, "--at-least", "3"])), Ok(true));
        assert_eq!(conformance(&wish(&["--store", store, "--at-least", "4"])), Ok(false));
    }
    fs_err::write(folder.path().join("b.test"), "eval instant at 0 1\n  1\n").expect("written");
    assert_eq!(conformance(&wish(&[])), Ok(true));
    fs_err::write(folder.path().join("b.test"), "eval\n").expect("written");
    assert!(conformance(&wish(&[])).expect_err("no script").starts_with("b.test:1:"));
}

#[test]
fn a_folder_without_scripts_is_refused() {
    assert!(read(&folder(&[("a.txt", "")]).path().to_string_lossy()).is_err());
}

#[test]
fn what_is_not_understood_on_the_command_line_is_said() {
    for (args, said) in [
        (vec![], "usage:"),
        (vec!["a", "b"], "b is one folder too many"),
        (vec!["a", "--at-least", "many"], "--at-least needs a number"),
        (vec!["a", "--store", "disk"], "--store is memory, tsdb or durable"),
        (vec!["a", "--binary"], "--binary needs the path"),
        (vec!["a", "--store", "memory", "--write-doc"], "the page tells of the evaluator's own store"),
        (vec!["a", "--loud"], "there is no option --loud"),
    ] {
        let args: Vec<String> = args.into_iter().map(str::to_owned).collect();
        let error = Wish::of(&args).expect_err("refused");
        assert!(error.starts_with(said), "{error}");
    }
}
