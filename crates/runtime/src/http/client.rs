use std::time::Duration as StdDuration;

use assurance_scrape::{Auth, Credential, HttpConfig};
use base64::Engine as _;
use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, LOCATION, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Body as _;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::{decode, tls};

/// How long a connection may take to be made; what a request may take is given with it.
const CONNECT_TIMEOUT: StdDuration = StdDuration::from_secs(10);

/// Idle connections close after this, sooner than most servers close theirs.
const IDLE_TIMEOUT: StdDuration = StdDuration::from_secs(50);

/// What a connection reads at once, and keeps for as long as it is open: without it hundreds of KiB each. A
/// head that is longer is refused.
const MAX_BUFFER_BYTES: usize = 32 << 10;

/// Memory is made for a body at once up to here.
const MAX_PROMISED_BYTES: u64 = 1 << 20;

/// Redirects followed for one request, as browsers and Go do.
const MAX_REDIRECTS: usize = 10;

/// What we say we are.
const AGENT: &str = concat!("assurance/", env!("CARGO_PKG_VERSION"));

/// Bounds of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// From the first byte sent to the last one read.
    pub timeout: StdDuration,
    /// Bytes of the body, decompressed.
    pub body: u64,
}

/// A whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, decompressed.
    pub body: Vec<u8>,
}

impl Response {
    /// A header as text, or `None` where it is absent or no text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as text, for messages: what is no UTF-8 is replaced.
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }
}

/// A request that brought no whole answer.
#[derive(Debug, thiserror::Error)]
#[error("{method} {url}: {kind}")]
pub struct ClientError {
    /// The request's method.
    pub method: Method,
    /// Where it went, without credentials.
    pub url: String,
    /// What failed.
    pub kind: ClientErrorKind,
}

/// What failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientErrorKind {
    /// The URL is none, or not of a scheme we speak.
    #[error("not a URL of http or https")]
    Url,
    /// A header cannot be sent.
    #[error(
        "header {name:?} cannot be sent: names are letters, digits and dashes, values have no line breaks"
    )]
    Header {
        /// Its name.
        name: String,
    },
    /// A credential or certificate cannot be used.
    #[error("{what} cannot be used: {reason}")]
    Credential {
        /// Which one.
        what: String,
        /// Why.
        reason: String,
    },
    /// No connection, or it broke.
    #[error("{reason}")]
    Transport {
        /// The chain of causes.
        reason: String,
        /// Whether no connection was made at all.
        connect: bool,
    },
    /// The time was up.
    #[error("no whole answer within {}s", timeout.as_secs_f64())]
    Timeout {
        /// How long was waited.
        timeout: StdDuration,
    },
    /// The body is longer than its limit.
    #[error("the body is longer than {limit} bytes")]
    BodyTooLong {
        /// The limit.
        limit: u64,
    },
    /// The body is compressed in a way we did not ask for, or broken.
    #[error("the body cannot be decompressed: {reason}")]
    Encoding {
        /// Why.
        reason: String,
    },
    /// A redirect that is not followed.
    #[error("{status} to {location:?} is not followed: {reason}")]
    Redirect {
        /// The status.
        status: u16,
        /// Where it leads.
        location: String,
        /// Why not.
        reason: &'static str,
    },
}

/// An HTTP/1.1 client for one set of credentials and TLS settings. Connections are kept and reused; cloning
/// shares them.
#[derive(Clone, Debug)]
pub struct Client {
    inner: HyperClient<HttpsConnector<HttpConnector>, Full<Bytes>>,
    config: HttpConfig,
    compression: bool,
}

impl Client {
    /// A client with these credentials and TLS settings. Certificates in files are read now, passwords and
    /// tokens at every request, so that a rotated one works at once.
    ///
    /// # Errors
    /// If a certificate or key cannot be read or used.
    pub fn new(config: HttpConfig) -> Result<Self, ClientError> {
        let failed = |kind| ClientError { method: Method::GET, url: String::new(), kind };
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let builder = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config(tls::client_config(&config.tls).map_err(failed)?)
            .https_or_http();
        let builder = match &config.tls.server_name {
            Some(name) => builder.with_server_name_resolver(tls::fixed_name(name).map_err(failed)?),
            None => builder,
        };
        let inner = HyperClient::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .http1_max_buf_size(MAX_BUFFER_BYTES)
            .build(builder.enable_http1().wrap_connector(http));
        Ok(Self { inner, config, compression: true })
    }

    /// A client without credentials, trusting the system's certificates.
    ///
    /// # Errors
    /// If the system's certificates cannot be read.
    pub fn plain() -> Result<Self, ClientError> {
        Self::new(HttpConfig::default())
    }

    /// Whether compressed bodies are asked for; they are by default.
    #[must_use]
    pub const fn with_compression(mut self, compression: bool) -> Self {
        self.compression = compression;
        self
    }

    /// `GET`
    ///
    /// # Errors
    /// If no whole answer came within the limits; an answer of any status is no error.
    pub async fn get(
        &self,
        url: &str,
        headers: &[(String, String)],
        limits: Limits,
    ) -> Result<Response, ClientError> {
        self.send(Method::GET, url, headers, Bytes::new(), limits).await
    }

    /// `POST`
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn post(
        &self,
        url: &str,
        headers: &[(String, String)],
        body: Bytes,
        limits: Limits,
    ) -> Result<Response, ClientError> {
        self.send(Method::POST, url, headers, body, limits).await
    }

    async fn send(
        &self,
        method: Method,
        url: &str,
        headers: &[(String, String)],
        body: Bytes,
        limits: Limits,
    ) -> Result<Response, ClientError> {
        let work = self.follow(&method, url, headers, body, limits);
        let result = match tokio::time::timeout(limits.timeout, work).await {
            Ok(result) => result,
            Err(_elapsed) => Err(ClientErrorKind::Timeout { timeout: limits.timeout }),
        };
        result.map_err(|kind| ClientError { method, url: without_credentials(url), kind })
    }

    async fn follow(
        &self,
        method: &Method,
        url: &str,
        headers: &[(String, String)],
        body: Bytes,
        limits: Limits,
    ) -> Result<Response, ClientErrorKind> {
        let mut uri: Uri = url.parse().map_err(|_source| ClientErrorKind::Url)?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.authority().is_none() {
            return Err(ClientErrorKind::Url);
        }
        let headers = self.headers(&uri, headers)?;
        for _ in 0..=MAX_REDIRECTS {
            let mut request = Request::builder().method(method).uri(uri.clone());
            if let Some(all) = request.headers_mut() {
                all.clone_from(&headers);
            }
            let request = request.body(Full::new(body.clone())).map_err(|_source| ClientErrorKind::Url)?;
            let response = self.inner.request(request).await.map_err(|error| ClientErrorKind::Transport {
                reason: chain(&error),
                connect: error.is_connect(),
            })?;
            match redirect(response.status(), response.headers()) {
                Some(location) if self.config.follow_redirects && *method == Method::GET => {
                    uri = same_origin(&uri, response.status(), location)?;
                }
                _ => return read(response, limits.body).await,
            }
        }
        Err(ClientErrorKind::Redirect {
            status: 302,
            location: uri.to_string(),
            reason: "too many redirects",
        })
    }

    fn headers(&self, uri: &Uri, given: &[(String, String)]) -> Result<HeaderMap, ClientErrorKind> {
        let mut headers = HeaderMap::new();
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        if self.compression {
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        }
        let mut add = |name: &str, value: &str, secret: bool| {
            let refused = || ClientErrorKind::Header { name: name.to_owned() };
            let key = HeaderName::try_from(name).map_err(|_source| refused())?;
            let mut value = HeaderValue::try_from(value).map_err(|_source| refused())?;
            value.set_sensitive(secret);
            headers.insert(key, value);
            Ok::<(), ClientErrorKind>(())
        };
        for (name, value) in given {
            add(name, value, false)?;
        }
        for (name, value) in &self.config.headers {
            add(name, &secret(value, name)?, true)?;
        }
        if let Some(auth) = &self.config.auth {
            add(AUTHORIZATION.as_str(), &authorization(auth)?, true)?;
        } else if let Some((user, _)) = uri.authority().and_then(|a| a.as_str().rsplit_once('@')) {
            add(AUTHORIZATION.as_str(), &format!("Basic {}", base64(user)), true)?;
        }
        Ok(headers)
    }
}

fn authorization(auth: &Auth) -> Result<String, ClientErrorKind> {
    Ok(match auth {
        Auth::Basic { username, password } => {
            let password = password.as_ref().map(|p| secret(p, "password")).transpose()?.unwrap_or_default();
            format!("Basic {}", base64(&format!("{}:{password}", secret(username, "username")?)))
        }
        Auth::Authorization { scheme, credentials } => {
            format!("{scheme} {}", secret(credentials, "credentials")?)
        }
        other => {
            let what = "this kind of authentication".to_owned();
            return Err(ClientErrorKind::Credential { what, reason: format!("{other:?} is not spoken") });
        }
    })
}

fn base64(text: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(text)
}

pub(super) fn secret(credential: &Credential, what: &str) -> Result<String, ClientErrorKind> {
    match credential {
        Credential::Inline(secret) => Ok(secret.expose().to_owned()),
        Credential::File(path) => match fs_err::read_to_string(path) {
            Ok(text) => Ok(text.trim().to_owned()),
            Err(source) => {
                Err(ClientErrorKind::Credential { what: what.to_owned(), reason: source.to_string() })
            }
        },
    }
}

async fn read(
    response: http::Response<hyper::body::Incoming>,
    limit: u64,
) -> Result<Response, ClientErrorKind> {
    let (parts, mut body) = response.into_parts();
    let too_long = || ClientErrorKind::BodyTooLong { limit };
    // What is promised is not believed past what most bodies have.
    let promised = body.size_hint().exact().unwrap_or(0).min(limit).min(MAX_PROMISED_BYTES);
    let mut bytes = Vec::with_capacity(usize::try_from(promised).unwrap_or(0));
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|error| ClientErrorKind::Transport { reason: chain(&error), connect: false })?;
        if let Some(data) = frame.data_ref() {
            // A compressed body longer than the limit cannot be shorter when decompressed, but for bytes that
            // compression added; both forms are held to the limit.
            if (bytes.len() + data.len()) as u64 > limit {
                return Err(too_long());
            }
            bytes.extend_from_slice(data);
        }
    }
    let body = match parts.headers.get(CONTENT_ENCODING).map(HeaderValue::as_bytes) {
        None | Some(b"identity" | b"") => bytes,
        Some(b"gzip" | b"x-gzip") => decode::gunzip(&bytes, limit).map_err(|error| match error {
            decode::GunzipError::TooLong => too_long(),
            decode::GunzipError::Broken(reason) => ClientErrorKind::Encoding { reason },
        })?,
        Some(other) => {
            let reason = format!("{:?} was not asked for", String::from_utf8_lossy(other));
            return Err(ClientErrorKind::Encoding { reason });
        }
    };
    Ok(Response { status: parts.status.as_u16(), headers: parts.headers, body })
}

fn redirect(status: StatusCode, headers: &HeaderMap) -> Option<&str> {
    let moves = matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308);
    headers.get(LOCATION).filter(|_| moves)?.to_str().ok()
}

/// Where a redirect leads, as long as it stays at the same origin: credentials go nowhere else.
fn same_origin(from: &Uri, status: StatusCode, location: &str) -> Result<Uri, ClientErrorKind> {
    let refused =
        |reason| ClientErrorKind::Redirect { status: status.as_u16(), location: location.to_owned(), reason };
    let to: Uri = location.parse().map_err(|_source| refused("it is no URL"))?;
    if to.scheme().is_some_and(|scheme| Some(scheme) != from.scheme())
        || to.authority().is_some_and(|authority| Some(authority) != from.authority())
    {
        return Err(refused("it leads to another origin; configure that URL instead"));
    }
    let path = to.path_and_query().map_or("/", |p| p.as_str());
    let absolute = if path.starts_with('/') {
        path.to_owned()
    } else {
        let base = from.path().rsplit_once('/').map_or("", |(base, _)| base);
        format!("{base}/{path}")
    };
    let mut parts = from.clone().into_parts();
    parts.path_and_query = Some(absolute.parse().map_err(|_source| refused("it is no URL"))?);
    Uri::from_parts(parts).map_err(|_source| refused("it is no URL"))
}

/// An error and what caused it, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let said = source.to_string();
        if !text.ends_with(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        next = source.source();
    }
    text
}

fn without_credentials(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
            let host = rest[..end].rsplit_once('@').map_or(&rest[..end], |(_, host)| host);
            format!("{scheme}://{host}{}", &rest[end..])
        }
        None => url.to_owned(),
    }
}
