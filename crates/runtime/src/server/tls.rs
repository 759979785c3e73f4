use std::sync::Arc;

use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use super::ServerError;
use super::web_config::{ClientAuth, ServerTls};

#[expect(clippy::needless_pass_by_value, reason = "errors and texts alike, without a borrow at each call")]
fn unusable(what: &str, reason: impl ToString) -> ServerError {
    ServerError::Tls { what: what.to_owned(), reason: reason.to_string() }
}

pub(super) fn acceptor(tls: &ServerTls) -> Result<TlsAcceptor, ServerError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions: &[_] = if tls.min_tls13 {
        &[&rustls::version::TLS13]
    } else {
        &[&rustls::version::TLS12, &rustls::version::TLS13]
    };
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .map_err(|source| unusable("the TLS versions", source))?;
    let builder = match (&tls.client_auth, &tls.client_ca_file) {
        (ClientAuth::None, _) => builder.with_no_client_auth(),
        (_, None) => return Err(unusable("client_auth_type", "it needs client_ca_file")),
        (auth, Some(ca)) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(ca)? {
                roots.add(certificate).map_err(|source| unusable(ca, source))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let verifier = match auth {
                ClientAuth::IfGiven => verifier.allow_unauthenticated(),
                ClientAuth::Required | ClientAuth::None => verifier,
            };
            builder.with_client_cert_verifier(verifier.build().map_err(|source| unusable(ca, source))?)
        }
    };
    let key = PrivateKeyDer::from_pem_slice(&read(&tls.key_file)?)
        .map_err(|source| unusable(&tls.key_file, source))?;
    let mut config = builder
        .with_single_cert(certificates(&tls.cert_file)?, key)
        .map_err(|source| unusable(&tls.cert_file, source))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn read(path: &str) -> Result<Vec<u8>, ServerError> {
    fs_err::read(path).map_err(|source| unusable(path, source))
}

fn certificates(path: &str) -> Result<Vec<CertificateDer<'static>>, ServerError> {
    let pem = read(path)?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match all {
        Ok(all) if all.is_empty() => Err(unusable(path, "it has no PEM certificate in it")),
        Ok(all) => Ok(all),
        Err(source) => Err(unusable(path, source)),
    }
}
