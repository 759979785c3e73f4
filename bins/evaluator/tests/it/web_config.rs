//! A web configuration is served, followed while the server runs, and known to `healthcheck`.

use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;

use crate::process::{Process, evaluator, eventually, expect, run};
use crate::start::{RULES, Running, USERS, configuration, folder, serve, write};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("signed")
}

/// A certificate for this machine, and its key.
fn signed_by(authority: &Authority, name: &str) -> (String, String) {
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
    (params.signed_by(&key, authority).expect("signed").pem(), key.serialize_pem())
}

fn write_pair(folder: &Path, name: &str, (certificate, key): &(String, String)) {
    write(folder.join(format!("{name}.pem")), certificate);
    write(folder.join(format!("{name}-key.pem")), key);
}

/// A server with this web configuration.
fn secured(web: &str, prepare: impl FnOnce(&Path)) -> (TempDir, Running) {
    let folder = folder(&configuration("127.0.0.1:9"), RULES);
    write(folder.path().join("web.yml"), web);
    prepare(folder.path());
    let server = serve(folder.path(), &["--web.config.file=web.yml"]);
    (folder, server)
}

/// How `healthcheck --ready` with these flags ends.
fn ask(folder: &TempDir, server: &Running, flags: &[&str]) -> Option<i32> {
    let address = format!("--web.listen-address={}", server.address);
    run(evaluator().args(["healthcheck", "--ready", &address]).args(flags), folder.path(), "").code
}

const TLS: &str = "tls_server_config: {cert_file: server.pem, key_file: server-key.pem}\n";
const MUTUAL: &str = "tls_server_config: {cert_file: server.pem, key_file: server-key.pem, \
    client_auth_type: RequireAndVerifyClientCert, client_ca_file: clients.pem}\n";

#[test]
fn a_certificate_is_checked_against_the_authority_given() {
    let (ours, other) = (authority(), authority());
    let (folder, server) = secured(TLS, |folder| {
        write_pair(folder, "server", &signed_by(&ours, "127.0.0.1"));
        write(folder.join("ca.pem"), &ours.pem());
        write(folder.join("other.pem"), &other.pem());
    });
    assert_eq!(ask(&folder, &server, &["--tls.ca-file=ca.pem"]), Some(0));
    assert_eq!(ask(&folder, &server, &["--tls.ca-file=other.pem"]), Some(4));
    assert_eq!(ask(&folder, &server, &["--tls.ca-file=ca.pem", "--tls.server-name=watch.example"]), Some(4));
    assert_eq!(ask(&folder, &server, &["--web.config.file=web.yml"]), Some(0));
    assert_eq!(ask(&folder, &server, &["--tls.ca-file=absent.pem"]), Some(2));
}

#[test]
fn a_server_may_ask_for_a_certificate_of_its_clients() {
    let (ours, other) = (authority(), authority());
    let (folder, server) = secured(MUTUAL, |folder| {
        write_pair(folder, "server", &signed_by(&ours, "127.0.0.1"));
        write_pair(folder, "client", &signed_by(&ours, "probe"));
        write_pair(folder, "stranger", &signed_by(&other, "probe"));
        write(folder.join("clients.pem"), &ours.pem());
    });
    let ca = "--tls.ca-file=clients.pem";
    assert_eq!(ask(&folder, &server, &[ca]), Some(4));
    for (name, code) in [("client", Some(0)), ("stranger", Some(4))] {
        let certificate = format!("--tls.cert-file={name}.pem");
        let key = format!("--tls.key-file={name}-key.pem");
        assert_eq!(ask(&folder, &server, &[ca, &certificate, &key]), code, "{name}");
        let by_config = ["--web.config.file=web.yml", &certificate, &key];
        assert_eq!(ask(&folder, &server, &by_config), code, "{name}");
    }
    assert_eq!(ask(&folder, &server, &[ca, "--tls.cert-file=client.pem"]), Some(2), "no key");
}

#[test]
fn a_password_is_read_from_a_file() {
    let (folder, server) = secured(USERS, |folder| {
        write(folder.join("right"), "correct horse\n");
        write(folder.join("wrong"), "battery staple\n");
    });
    let user = "--basic-auth.username=admin";
    assert_eq!(ask(&folder, &server, &[user, "--basic-auth.password-file=right"]), Some(0));
    assert_eq!(ask(&folder, &server, &[user, "--basic-auth.password-file=wrong"]), Some(4));
    let by_config = ["--web.config.file=web.yml", user, "--basic-auth.password-file=wrong"];
    assert_eq!(ask(&folder, &server, &by_config), Some(4), "a password that is refused is no life sign");
    assert_eq!(ask(&folder, &server, &[]), Some(4));
}

#[test]
fn a_new_certificate_is_served_without_a_restart_and_a_broken_one_is_not() {
    let (old, new) = (authority(), authority());
    let (folder, server) = secured(TLS, |folder| {
        write_pair(folder, "server", &signed_by(&old, "127.0.0.1"));
        write(folder.join("old.pem"), &old.pem());
        write(folder.join("new.pem"), &new.pem());
    });
    assert_eq!(ask(&folder, &server, &["--tls.ca-file=old.pem"]), Some(0));

    let renewed = signed_by(&new, "127.0.0.1");
    // Half of a pair is no pair.
    write(folder.path().join("server.pem"), &renewed.0);
    said(&server.process, "the old one stays in force");
    assert_eq!(ask(&folder, &server, &["--tls.ca-file=old.pem"]), Some(0));

    write_pair(folder.path(), "server", &renewed);
    eventually("the new certificate", || {
        let code = ask(&folder, &server, &["--tls.ca-file=new.pem"]);
        expect(code == Some(0), format!("{code:?}\n{}", server.process.said()))
    });
    assert_eq!(ask(&folder, &server, &["--tls.ca-file=old.pem"]), Some(4));
}

#[test]
fn a_new_password_counts_without_a_restart_and_protection_is_never_lost() {
    let (folder, server) = secured(USERS, |folder| {
        write(folder.join("old"), "correct horse");
        write_pair(folder, "server", &signed_by(&authority(), "127.0.0.1"));
        write(folder.join("new"), "battery staple");
    });
    let code = |password: &str| {
        let flag = format!("--basic-auth.password-file={password}");
        ask(&folder, &server, &["--basic-auth.username=admin", &flag])
    };
    assert_eq!((code("old"), code("new")), (Some(0), Some(4)));

    let file = folder.path().join("web.yml");
    for (n, broken) in
        ["basic_auth_users: {admin: plain}\n", "{", "", "tls_server_config: {}\n", TLS].iter().enumerate()
    {
        write(&file, broken);
        eventually("a word on each broken one", || {
            let said = server.process.said().matches("the old one stays in force").count();
            expect(said == n + 1, format!("{said} after {broken:?}\n{}", server.process.said()))
        });
        assert_eq!(
            (code("old"), code("new"), ask(&folder, &server, &[])),
            (Some(0), Some(4), Some(4)),
            "{broken:?}"
        );
    }

    let hash = bcrypt::hash("battery staple", 4).unwrap();
    write(&file, &format!("basic_auth_users: {{admin: {hash}}}\n"));
    eventually("the new password", || expect(code("new") == Some(0), server.process.said()));
    assert_eq!(code("old"), Some(4));
}

#[test]
fn a_signal_has_the_web_configuration_read_anew() {
    let (_folder, server) = secured(USERS, |_| {});
    server.process.signal("HUP");
    said(&server.process, "web configuration read anew");
    said(&server.process, "configuration reloaded");
}

fn said(process: &Process, words: &str) {
    eventually(words, || expect(process.said().contains(words), process.said()));
}
