use std::collections::BTreeMap;
use std::path::Path;

use assurance_diagnostics::{Diagnostic, Source, yaml};
use http::{HeaderName, HeaderValue};
use serde::Deserialize;

/// `web-config.yml`, as Prometheus's exporter-toolkit defines it: TLS, headers, users.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct WebConfig {
    /// How TLS is spoken; plain HTTP without it.
    pub tls: Option<ServerTls>,
    /// Headers set on every answer.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// User names and bcrypt hashes; everybody is let in where there are none.
    pub users: BTreeMap<String, String>,
}

/// `tls_server_config`
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerTls {
    /// The certificate chain, PEM.
    pub cert_file: String,
    /// The private key, PEM.
    pub key_file: String,
    /// Whether clients show certificates.
    pub client_auth: ClientAuth,
    /// Certificates of those that sign clients', PEM.
    pub client_ca_file: Option<String>,
    /// Whether TLS 1.2 is refused.
    pub min_tls13: bool,
}

/// `client_auth_type`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuth {
    /// `NoClientCert`
    None,
    /// `VerifyClientCertIfGiven`
    IfGiven,
    /// `RequireAndVerifyClientCert`
    Required,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    tls_server_config: Option<RawTls>,
    http_server_config: Option<RawHttp>,
    basic_auth_users: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTls {
    cert_file: Option<String>,
    key_file: Option<String>,
    client_auth_type: Option<String>,
    client_ca_file: Option<String>,
    min_version: Option<String>,
    max_version: Option<String>,
    /// Known, and not done: the library chooses.
    cipher_suites: Option<Vec<String>>,
    curve_preferences: Option<Vec<String>>,
    prefer_server_cipher_suites: Option<yaml::Bool>,
    client_allowed_sans: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHttp {
    /// Known; HTTP/1.1 is what is spoken.
    #[expect(dead_code, reason = "read so that it is no unknown key")]
    http2: Option<yaml::Bool>,
    headers: Option<BTreeMap<String, String>>,
}

impl WebConfig {
    /// Reads `web-config.yml`; paths in it are seen from `directory`.
    ///
    /// # Errors
    /// The first thing wrong, with its place and remedy.
    pub fn parse(source: &Source, directory: &Path) -> Result<Self, Diagnostic> {
        let raw: Option<Raw> = yaml::parse(source)?;
        let Some(raw) = raw else { return Ok(Self::default()) };
        let users = raw.basic_auth_users.unwrap_or_default();
        for (name, hash) in &users {
            if !(hash.starts_with("$2") && hash.len() == 60) {
                return Err(problem(
                    source,
                    &["basic_auth_users", name],
                    format!("the password of {name:?} is no bcrypt hash"),
                )
                .with_hidden_line()
                .with_help("hash it, for instance with `htpasswd -nBC 10 \"\" | tr -d ':\\n'`"));
            }
        }
        let mut headers = Vec::new();
        let raw_headers = raw.http_server_config.and_then(|http| http.headers).unwrap_or_default();
        for (name, value) in &raw_headers {
            let (Ok(key), Ok(content)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) else {
                return Err(problem(
                    source,
                    &["http_server_config", "headers", name],
                    format!("{name:?} cannot be sent as a header"),
                )
                .with_help("names are letters, digits and dashes; values have no line breaks"));
            };
            headers.push((key, content));
        }
        let tls = raw.tls_server_config.map(|tls| server_tls(source, tls, directory)).transpose()?;
        Ok(Self { tls, headers, users })
    }
}

fn problem(source: &Source, path: &[&str], message: impl Into<Box<str>>) -> Diagnostic {
    let path: Vec<yaml::PathSegment> = path.iter().map(|part| yaml::PathSegment::from(*part)).collect();
    Diagnostic::error(source, yaml::locate(source, &path), message)
}

fn server_tls(source: &Source, raw: RawTls, directory: &Path) -> Result<ServerTls, Diagnostic> {
    let at = |key| ["tls_server_config", key];
    let refuse = |key: &'static str| {
        Err(problem(source, &at(key), format!("{key} is not done: the TLS library chooses"))
            .with_help("remove the key"))
    };
    if raw.cipher_suites.is_some() {
        return refuse("cipher_suites");
    }
    if raw.curve_preferences.is_some() {
        return refuse("curve_preferences");
    }
    if raw.prefer_server_cipher_suites.is_some() {
        return refuse("prefer_server_cipher_suites");
    }
    if raw.client_allowed_sans.is_some() {
        return Err(problem(source, &at("client_allowed_sans"), "client_allowed_sans is not done")
            .with_help(
                "let a CA of its own sign the clients that may come in, and name it in client_ca_file",
            ));
    }
    let resolve = |path: String| directory.join(path).to_string_lossy().into_owned();
    let (Some(cert_file), Some(key_file)) = (raw.cert_file, raw.key_file) else {
        return Err(problem(source, &["tls_server_config"], "cert_file and key_file are both needed"));
    };
    let client_auth = match raw.client_auth_type.as_deref() {
        None | Some("" | "NoClientCert") => ClientAuth::None,
        Some("VerifyClientCertIfGiven") => ClientAuth::IfGiven,
        Some("RequireAndVerifyClientCert") => ClientAuth::Required,
        Some(other) => {
            return Err(problem(
                source,
                &at("client_auth_type"),
                format!("client_auth_type {other:?} is not done"),
            )
            .with_help("use NoClientCert, VerifyClientCertIfGiven or RequireAndVerifyClientCert"));
        }
    };
    if client_auth != ClientAuth::None && raw.client_ca_file.is_none() {
        return Err(problem(source, &at("client_auth_type"), "client certificates need client_ca_file"));
    }
    for (key, version) in [("min_version", &raw.min_version), ("max_version", &raw.max_version)] {
        if !matches!(version.as_deref(), None | Some("TLS12" | "TLS13")) {
            return Err(problem(
                source,
                &at(key),
                format!("{key} must be TLS12 or TLS13; older versions are broken"),
            ));
        }
    }
    if raw.max_version.as_deref() == Some("TLS12") {
        return Err(
            problem(source, &at("max_version"), "TLS 1.3 cannot be switched off").with_help("remove the key")
        );
    }
    Ok(ServerTls {
        cert_file: resolve(cert_file),
        key_file: resolve(key_file),
        client_auth,
        client_ca_file: raw.client_ca_file.map(resolve),
        min_tls13: raw.min_version.as_deref() == Some("TLS13"),
    })
}
