use assurance_scrape::{Auth, Credential, HttpConfig, Secret, TlsConfig, TlsVersion};

use crate::findings::{Findings, Place};
use crate::raw;
use crate::scalar::Hidden;

/// Headers that are made by other keys or by the request itself (Prometheus `ReservedHeaders`).
const RESERVED_HEADERS: [&str; 15] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "user-agent",
    "x-prometheus-scrape-timeout-seconds",
];

/// How an HTTP client behaves, from the keys of a mapping.
pub(crate) fn http(findings: &mut Findings<'_>, place: &Place, raw: raw::Client) -> HttpConfig {
    let mut http = HttpConfig::default();
    if raw.proxy_url.is_some_and(|url| !url.is_empty()) {
        findings.unsupported(&place.at("proxy_url"), "proxy_url is not supported", NO_PROXY);
    }
    if raw.proxy_from_environment.is_some_and(|it| it.0) {
        findings.unsupported(
            &place.at("proxy_from_environment"),
            "proxy_from_environment is not supported",
            NO_PROXY,
        );
    }
    let mut ways = Vec::new();
    if let Some(basic) = raw.basic_auth {
        ways.push(("basic_auth", place.at("basic_auth")));
        http.auth = basic_auth(findings, &place.at("basic_auth"), basic);
    }
    if let Some(authorization) = raw.authorization {
        ways.push(("authorization", place.at("authorization")));
        http.auth = bearer(findings, &place.at("authorization"), authorization);
    }
    let token = credential(
        findings,
        place,
        ("bearer_token", raw.bearer_token),
        ("bearer_token_file", raw.bearer_token_file),
    );
    if let Some(credentials) = token {
        // An excerpt would show the token itself, so the finding points at the mapping around it.
        let (key, at) = match credentials {
            Credential::Inline(_) => ("bearer_token", place.clone()),
            Credential::File(_) => ("bearer_token_file", place.at("bearer_token_file")),
        };
        let help = "use authorization with credentials or credentials_file";
        findings.warn(&at, format!("{key} is deprecated"), help);
        ways.push((key, at));
        http.auth = Some(Auth::Authorization { scheme: "Bearer".to_owned(), credentials });
    }
    if let [(first, _), .., (last, at)] = &ways[..] {
        findings.key_error(
            at,
            format!("{last} stands beside {first}"),
            "a request can be authorised in one way only; remove one of them",
        );
    }
    if let Some(tls) = raw.tls_config {
        http.tls = tls_config(findings, &place.at("tls_config"), tls);
    }
    http.follow_redirects = raw.follow_redirects.is_none_or(|it| it.0);
    for (name, header) in raw.http_headers.unwrap_or_default() {
        let place = place.at("http_headers").at(name.as_str());
        if RESERVED_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
            findings.key_error(
                &place,
                format!("header {name} cannot be set"),
                "it is made by another key or by the request itself",
            );
        }
        if !is_header_name(&name) {
            findings.key_error(
                &place,
                format!("{name:?} is no header name"),
                "header names consist of letters, digits and -",
            );
        }
        let header = header.unwrap_or_default();
        let values =
            header.values.unwrap_or_default().into_iter().map(|v| Credential::Inline(Secret::new(v)));
        let secrets =
            header.secrets.unwrap_or_default().into_iter().filter_map(|s| s.0).map(Credential::Inline);
        let mut all: Vec<Credential> = values.chain(secrets).collect();
        all.extend(header.files.unwrap_or_default().iter().map(|f| Credential::File(findings.path(f))));
        http.headers.extend(all.into_iter().map(|value| (name.clone(), value)));
    }
    http
}

const NO_PROXY: &str =
    "requests are made without a proxy; remove the key, or run this where no proxy is needed";

fn is_header_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

/// A secret from one of two keys: itself, or its file.
fn credential(
    findings: &mut Findings<'_>,
    place: &Place,
    (key, inline): (&str, Option<Hidden>),
    (file_key, file): (&str, Option<String>),
) -> Option<Credential> {
    let inline = inline.and_then(|hidden| hidden.0);
    let file = file.filter(|path| !path.is_empty());
    match (inline, file) {
        (Some(_), Some(_)) => {
            findings.key_error(
                &place.at(file_key),
                format!("{file_key} stands beside {key}"),
                "keep one of them, the file where others may read this configuration",
            );
            None
        }
        (Some(secret), None) => Some(Credential::Inline(secret)),
        (None, Some(path)) => Some(Credential::File(findings.path(&path))),
        (None, None) => None,
    }
}

fn basic_auth(findings: &mut Findings<'_>, place: &Place, raw: raw::BasicAuth) -> Option<Auth> {
    findings.not_done(place, &raw.refused(), &[]);
    let name = raw.username.map(|name| Hidden((!name.is_empty()).then(|| Secret::new(name))));
    let username = credential(findings, place, ("username", name), ("username_file", raw.username_file));
    let password =
        credential(findings, place, ("password", raw.password), ("password_file", raw.password_file));
    let username = username.unwrap_or_else(|| Credential::Inline(Secret::new("")));
    Some(Auth::Basic { username, password })
}

fn bearer(findings: &mut Findings<'_>, place: &Place, raw: raw::Authorization) -> Option<Auth> {
    findings.not_done(place, &raw.refused(), &[]);
    let scheme = raw.r#type.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
    let scheme = scheme.unwrap_or_else(|| "Bearer".to_owned());
    if scheme.eq_ignore_ascii_case("basic") {
        findings.error(
            &place.at("type"),
            "authorization cannot have the type basic",
            "use basic_auth with username and password_file",
        );
    }
    let credentials = credential(
        findings,
        place,
        ("credentials", raw.credentials),
        ("credentials_file", raw.credentials_file),
    )?;
    Some(Auth::Authorization { scheme, credentials })
}

pub(crate) fn tls_config(findings: &mut Findings<'_>, place: &Place, raw: raw::Tls) -> TlsConfig {
    findings.not_done(place, &raw.refused(), &[]);
    let public = |text: Option<String>| text.map(|t| Hidden((!t.is_empty()).then(|| Secret::new(t))));
    let mut tls = TlsConfig::default();
    tls.ca = credential(findings, place, ("ca", public(raw.ca)), ("ca_file", raw.ca_file));
    tls.cert = credential(findings, place, ("cert", public(raw.cert)), ("cert_file", raw.cert_file));
    tls.key = credential(findings, place, ("key", raw.key), ("key_file", raw.key_file));
    tls.server_name = raw.server_name.filter(|name| !name.is_empty());
    tls.insecure_skip_verify = raw.insecure_skip_verify.is_some_and(|it| it.0);
    match (&tls.cert, &tls.key) {
        (Some(_), None) => findings.key_error(
            place,
            "a client certificate without its key",
            "add key_file, or remove the certificate",
        ),
        (None, Some(_)) => findings.key_error(
            place,
            "a client key without its certificate",
            "add cert_file, or remove the key",
        ),
        _ => {}
    }
    tls.min_version = version(findings, place, "min_version", raw.min_version.as_deref());
    tls.max_version = version(findings, place, "max_version", raw.max_version.as_deref());
    if tls.max_version.is_some() && tls.min_version > tls.max_version {
        findings.error(
            &place.at("max_version"),
            "max_version is below min_version",
            "write the older version as min_version",
        );
    }
    tls
}

fn version(findings: &mut Findings<'_>, place: &Place, key: &str, text: Option<&str>) -> Option<TlsVersion> {
    let place = place.at(key);
    match (key, text?) {
        (_, "") => None,
        (_, "TLS12") => Some(TlsVersion::Tls12),
        (_, "TLS13") => Some(TlsVersion::Tls13),
        ("min_version", "TLS10" | "TLS11") => {
            findings.warn(&place, "TLS 1.0 and 1.1 are never spoken", "the oldest version is TLS12");
            None
        }
        (_, text) => {
            findings.error(
                &place,
                format!("{text:?} is no TLS version that is spoken"),
                "write TLS12 or TLS13",
            );
            None
        }
    }
}
