//! What an administrator asks for: copies of the samples.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;

use crate::answer::{Answer, ApiError, ErrorType};
use crate::params::Params;

/// A copy that was made.
#[derive(Debug, Serialize)]
pub(crate) struct Taken {
    /// Its directory below `snapshots`.
    name: String,
}

pub(crate) async fn snapshot(
    State(state): State<Arc<crate::State>>,
    params: Params,
) -> Result<Answer<Taken>, ApiError> {
    let Some(snapshot) = &state.snapshot else {
        let error = "admin APIs disabled".to_owned();
        return Err(ApiError { error_type: ErrorType::Unavailable, error });
    };
    match snapshot(!params.flag("skip_head")?).await {
        Ok(name) => Ok(Answer::new(Taken { name })),
        Err(reason) => {
            Err(ApiError { error_type: ErrorType::Internal, error: format!("create snapshot: {reason}") })
        }
    }
}
