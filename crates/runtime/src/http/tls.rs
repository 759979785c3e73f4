use std::sync::Arc;

use assurance_scrape::{Credential, TlsConfig, TlsVersion};
use hyper_rustls::{ConfigBuilderExt as _, FixedServerNameResolver};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme, SupportedProtocolVersion};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};

use super::client::{ClientErrorKind, secret};

#[expect(clippy::needless_pass_by_value, reason = "errors and texts alike, without a borrow at each call")]
fn unusable(what: &str, reason: impl ToString) -> ClientErrorKind {
    ClientErrorKind::Credential { what: what.to_owned(), reason: reason.to_string() }
}

pub(super) fn client_config(tls: &TlsConfig) -> Result<ClientConfig, ClientErrorKind> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&versions(tls)?)
        .map_err(|source| unusable("the TLS versions", source))?;
    let builder = if tls.insecure_skip_verify {
        builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
    } else if let Some(ca) = &tls.ca {
        builder.with_root_certificates(roots(ca)?)
    } else {
        builder.with_native_roots().map_err(|source| unusable("the system's certificates", source))?
    };
    match (&tls.cert, &tls.key) {
        (Some(cert), Some(key)) => {
            let chain = certificates(&secret(cert, "the client certificate")?, "the client certificate")?;
            let key = PrivateKeyDer::from_pem_slice(secret(key, "the client key")?.as_bytes())
                .map_err(|source| unusable("the client key", source))?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|source| unusable("the client certificate and key", source))
        }
        (None, None) => Ok(builder.with_no_client_auth()),
        _ => Err(unusable("the client certificate", "certificate and key go together; give both or none")),
    }
}

fn versions(tls: &TlsConfig) -> Result<Vec<&'static SupportedProtocolVersion>, ClientErrorKind> {
    let number = |version: TlsVersion| match version {
        TlsVersion::Tls12 => 2,
        TlsVersion::Tls13 => 3,
    };
    let (min, max) = (tls.min_version.map_or(2, number), tls.max_version.map_or(3, number));
    let all = [(2, &rustls::version::TLS12), (3, &rustls::version::TLS13)];
    let chosen: Vec<_> = all.into_iter().filter(|(n, _)| (min..=max).contains(n)).map(|(_, v)| v).collect();
    if chosen.is_empty() {
        return Err(unusable("the TLS versions", "the oldest accepted is newer than the newest accepted"));
    }
    Ok(chosen)
}

fn roots(ca: &Credential) -> Result<RootCertStore, ClientErrorKind> {
    let mut store = RootCertStore::empty();
    for certificate in certificates(&secret(ca, "the CA certificate")?, "the CA certificate")? {
        store.add(certificate).map_err(|source| unusable("the CA certificate", source))?;
    }
    Ok(store)
}

fn certificates(pem: &str, what: &str) -> Result<Vec<CertificateDer<'static>>, ClientErrorKind> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match all {
        Ok(all) if all.is_empty() => Err(unusable(what, "it has no PEM certificate in it")),
        Ok(all) => Ok(all),
        Err(source) => Err(unusable(what, source)),
    }
}

pub(super) fn fixed_name(name: &str) -> Result<FixedServerNameResolver, ClientErrorKind> {
    let name = ServerName::try_from(name.to_owned()).map_err(|source| unusable("server_name", source))?;
    Ok(FixedServerNameResolver::new(name))
}

/// Takes any certificate, as `insecure_skip_verify` asks; the handshake's signatures are still checked.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
