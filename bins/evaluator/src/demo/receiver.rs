//! A webhook receiver that keeps what it was sent, and shows it.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::Value;

type Inbox = Arc<Mutex<Vec<Value>>>;

/// `POST /page` takes a message; `GET /received` lists all.
pub(super) fn router() -> Router {
    Router::new().route("/page", post(take)).route("/received", get(list)).with_state(Inbox::default())
}

async fn take(State(inbox): State<Inbox>, Json(message): Json<Value>) -> StatusCode {
    inbox.lock().unwrap_or_else(PoisonError::into_inner).push(message);
    StatusCode::OK
}

async fn list(State(inbox): State<Inbox>) -> Json<Vec<Value>> {
    Json(inbox.lock().unwrap_or_else(PoisonError::into_inner).clone())
}
