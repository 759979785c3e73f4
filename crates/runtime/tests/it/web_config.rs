use std::path::Path;

use assurance_diagnostics::Source;
use assurance_runtime::server::WebConfig;

#[test]
fn what_is_wrong_with_a_web_configuration_is_said_with_its_place() {
    let bad = [
        "tls_server_confg: {}\n",
        "tls_server_config:\n  cert_file: a.pem\n",
        "tls_server_config: {cert_file: a, key_file: b, client_auth_type: RequireAnyClientCert}\n",
        "tls_server_config: {cert_file: a, key_file: b, client_auth_type: RequireAndVerifyClientCert}\n",
        "tls_server_config: {cert_file: a, key_file: b, min_version: TLS10}\n",
        "tls_server_config: {cert_file: a, key_file: b, max_version: TLS12}\n",
        "tls_server_config:\n  cert_file: a\n  key_file: b\n  cipher_suites: [TLS_AES_128_GCM_SHA256]\n",
        "basic_auth_users:\n  alice: hunter2\n",
        "basic_auth_users:\n  alice: x\n  alice: y\n",
        "http_server_config:\n  headers:\n    'Bad Name': x\n",
        "tls_server_config: [\n",
    ];
    let said: Vec<String> = bad
        .iter()
        .map(|text| {
            let error =
                WebConfig::parse(&Source::new("web-config.yml", *text), Path::new("")).expect_err(text);
            error.to_string()
        })
        .collect();
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn an_empty_web_configuration_asks_for_nothing() {
    let web = WebConfig::parse(&Source::new("web-config.yml", ""), Path::new("")).expect("valid");
    assert!(web.tls.is_none() && web.users.is_empty() && web.headers.is_empty());
}
