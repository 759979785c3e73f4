use crate::process::{evaluator, run};
use crate::start::{RULES, USERS, configuration, folder, serve, write};

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

#[test]
fn a_server_that_asks_for_a_password_is_alive_and_a_stranger_that_does_is_not() {
    let folder = folder(&configuration("127.0.0.1:9"), RULES);
    write(folder.path().join("web.yml"), USERS);
    let server = serve(folder.path(), &["--web.config.file=web.yml"]);
    let address = format!("--web.listen-address={}", server.address);
    let ask = |more: &[&str]| run(evaluator().args(["healthcheck", &address]).args(more), folder.path(), "");

    assert_eq!(ask(&["--web.config.file=web.yml"]).code, Some(0));
    assert_eq!(ask(&[]).code, Some(4), "without the configuration a 401 is unexpected");
    assert_eq!(
        ask(&["--web.config.file=web.yml", "--ready"]).code,
        Some(4),
        "whether it is ready is not known"
    );
    assert_eq!(ask(&["--web.config.file=absent.yml"]).code, Some(2));
}

#[test]
fn a_server_that_speaks_tls_is_asked_in_tls() {
    let folder = folder(&configuration("127.0.0.1:9"), RULES);
    let own = rcgen::generate_simple_self_signed(["assurance.example".to_owned()]).unwrap();
    write(folder.path().join("cert.pem"), &own.cert.pem());
    write(folder.path().join("key.pem"), &own.signing_key.serialize_pem());
    write(folder.path().join("web.yml"), "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n");
    let server = serve(folder.path(), &["--web.config.file=web.yml"]);
    let address = format!("--web.listen-address={}", server.address);
    let ask = |more: &[&str]| run(evaluator().args(["healthcheck", &address]).args(more), folder.path(), "");

    assert_eq!(ask(&["--web.config.file=web.yml", "--ready"]).code, Some(0));
    assert_eq!(ask(&[]).code, Some(4), "plain HTTP is not answered");
}
