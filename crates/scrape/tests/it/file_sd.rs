use assurance_diagnostics::Source;
use assurance_metrics_model::{Duration, Timestamp};
use assurance_scrape::{DiscoveredFile, FileSd, JobConfig, Manager, Output, TargetGroup, parse_file_sd};

use crate::rig::{Rig, START, group, job};

fn file_job() -> JobConfig {
    let mut job = job();
    job.static_targets.clear();
    job.file_sd = vec![FileSd::new(vec!["sd/*.yml".to_owned()])];
    job
}

fn file(path: &str, targets: &[&str]) -> DiscoveredFile {
    DiscoveredFile { path: path.to_owned(), groups: Ok(vec![group(targets)]) }
}

fn urls(manager: &Manager) -> Vec<String> {
    manager.targets().map(|t| t.url.to_owned()).collect()
}

#[test]
fn files_are_asked_for_at_once_and_every_refresh() {
    let mut rig = Rig::new(file_job());
    assert_eq!(rig.manager.poll_timeout(), Some(START));
    let mut asked: Vec<Timestamp> = Vec::new();
    for _ in 0..3 {
        let (_, outputs) = rig.wake();
        let [Output::ReadFiles(read)] = &outputs[..] else { panic!("files are due: {outputs:?}") };
        assert_eq!((&*read.job, read.index, &read.patterns[..]), ("j", 0, &["sd/*.yml".to_owned()][..]));
        asked.push(rig.now);
    }
    assert_eq!(asked, [START, START + Duration::from_minutes(5), START + Duration::from_minutes(10)]);
}

#[test]
fn what_cannot_be_read_keeps_its_targets_and_what_is_gone_goes() {
    let mut rig = Rig::new(file_job());
    rig.wake();
    rig.manager.handle_file_sd(rig.now, "j", 0, Ok(vec![file("a.yml", &["a:1"]), file("b.yml", &["b:1"])]));
    assert_eq!(urls(&rig.manager), ["http://a:1/metrics", "http://b:1/metrics"]);

    let broken = DiscoveredFile { path: "a.yml".to_owned(), groups: Err("permission denied".to_owned()) };
    rig.manager.handle_file_sd(rig.now, "j", 0, Ok(vec![broken]));
    assert_eq!(urls(&rig.manager), ["http://a:1/metrics"]);
    let status = rig.manager.jobs().next().expect("one job");
    assert_eq!(status.file_errors, [("a.yml", "permission denied")]);

    rig.manager.handle_file_sd(rig.now, "j", 0, Err("no such directory".to_owned()));
    assert_eq!(urls(&rig.manager), ["http://a:1/metrics"]);
    let status = rig.manager.jobs().next().expect("one job");
    assert!(status.file_errors.contains(&("sd/*.yml", "no such directory")));

    rig.manager.handle_file_sd(rig.now, "j", 0, Ok(vec![]));
    assert_eq!(urls(&rig.manager), Vec::<String>::new());
    assert_eq!(rig.manager.jobs().next().map(|j| j.file_errors.len()), Some(0));
}

#[test]
fn targets_that_stay_keep_phase_and_health() {
    let mut rig = Rig::new(file_job());
    rig.wake();
    rig.manager.handle_file_sd(rig.now, "j", 0, Ok(vec![file("a.yml", &["t:1"])]));
    rig.body("a 1\n");
    let before = rig.manager.targets().next().map(|t| (t.target, t.next_scrape, t.series));
    rig.manager.handle_file_sd(rig.now, "j", 0, Ok(vec![file("other.yml", &["t:1", "u:1"])]));
    assert_eq!(rig.manager.targets().next().map(|t| (t.target, t.next_scrape, t.series)), before);
    assert_eq!(rig.manager.targets().count(), 2);
    assert_eq!(rig.values("a"), [Some(1.0)]);
}

#[test]
fn answers_for_jobs_that_went_are_ignored() {
    let mut rig = Rig::new(file_job());
    rig.manager.handle_file_sd(rig.now, "gone", 0, Ok(vec![file("a.yml", &["a:1"])]));
    rig.manager.handle_file_sd(rig.now, "j", 7, Ok(vec![file("a.yml", &["a:1"])]));
    assert_eq!(rig.manager.targets().count(), 0);
}

#[test]
fn yaml_and_json_are_read() {
    let yaml = Source::new("sd/a.yml", "- targets: ['a:1', b:2]\n  labels:\n    env: prod\n- targets: []\n");
    let groups = parse_file_sd(&yaml).expect("it is valid");
    assert_eq!(groups[0].targets, ["a:1", "b:2"]);
    assert_eq!(groups[0].labels.to_string(), r#"{__meta_filepath="sd/a.yml",env="prod"}"#);
    assert_eq!((groups.len(), groups[1].source.as_str()), (2, "sd/a.yml:1"));
    let json = Source::new("a.json", "[{\"targets\": [\"a:1\"], \"labels\": {\"env\": \"prod\"}}]");
    assert_eq!(parse_file_sd(&json).expect("it is valid")[0].targets, ["a:1"]);
    assert_eq!(
        parse_file_sd(&Source::new("e.yml", "")).expect("empty is no target"),
        Vec::<TargetGroup>::new()
    );
}

#[test]
fn faults_name_their_place() {
    let unknown = parse_file_sd(&Source::new("a.yml", "- target: ['a:1']\n")).expect_err("no such key");
    let want = "\
error: unknown field `target`
 --> a.yml:1:3
  |
1 | - target: ['a:1']
  |   ^^^^^^
  |
  = help: did you mean `targets`?
";
    assert_eq!(unknown.to_string(), want);
    let name = parse_file_sd(&Source::new("a.yml", "- targets: ['a:1']\n  labels:\n    my-env: x\n"))
        .expect_err("no label name");
    let want = "\
error: \"my-env\" is no label name
 --> a.yml:3:5
  |
3 |     my-env: x
  |     ^^^^^^
  |
  = help: label names consist of letters, digits and _, and do not begin with a digit
";
    assert_eq!(name.to_string(), want);
}
