use assurance_simulator::{AuditRefusal, Refusal};
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;

/// An answer that is no success, in FastAPI's shape.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    status: StatusCode,
    detail: Detail,
}

#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
enum Detail {
    Text(String),
    Problems([Box<Problem>; 1]),
}

#[derive(Debug, Serialize)]
struct Body {
    detail: Detail,
}

/// One violated constraint, as pydantic reports it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Problem {
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    /// Where: `query` or `body`, then the field.
    pub(crate) loc: Vec<Value>,
    pub(crate) msg: String,
    pub(crate) input: Value,
    /// The constraint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ctx: Option<Value>,
}

impl Failure {
    fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: Detail::Text(detail.into()) }
    }

    /// The first violated constraint. FastAPI lists all of them; whoever repairs one asks again.
    pub(crate) fn invalid(problem: Problem) -> Self {
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, detail: Detail::Problems([Box::new(problem)]) }
    }

    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not Found")
    }

    pub(crate) fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
    }

    pub(crate) fn not_authenticated() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Not authenticated")
    }

    pub(crate) fn bad_token() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Could not validate credentials")
    }

    /// What a proxy in front answers while the process is down.
    pub(crate) fn down() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
    }
}

impl From<AuditRefusal> for Failure {
    fn from(refusal: AuditRefusal) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, refusal.to_string())
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Down => Self::down(),
            Refusal::Audit(inner) => inner.into(),
            Refusal::AuditFull => Self::new(StatusCode::INSUFFICIENT_STORAGE, refusal.to_string()),
            Refusal::RolledBack { .. } => Self::new(StatusCode::INTERNAL_SERVER_ERROR, refusal.to_string()),
            other => Self::new(StatusCode::BAD_REQUEST, other.to_string()),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(Body { detail: self.detail })).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
