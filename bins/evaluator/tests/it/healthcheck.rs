use crate::process::{evaluator, run};
use crate::start::{RULES, configuration, folder, serve};

#[test]
fn healthcheck_says_by_its_exit_code_whether_the_server_answers() {
    let folder = folder(&configuration("127.0.0.1:9"), RULES);
    let mut server = serve(folder.path(), &[]);
    let address = format!("--web.listen-address={}", server.address);
    let ask = |more: &[&str]| run(evaluator().args(["healthcheck", &address]).args(more), folder.path(), "");

    let healthy = ask(&[]);
    assert_eq!((healthy.code, healthy.stderr.as_str()), (Some(0), ""));
    assert_eq!(ask(&["--ready"]).code, Some(0));

    server.process.signal("TERM");
    server.process.wait();
    let gone = ask(&[]);
    assert_eq!(gone.code, Some(4), "{gone:?}");
    assert!(gone.stderr.contains(&server.address), "{}", gone.stderr);
}
