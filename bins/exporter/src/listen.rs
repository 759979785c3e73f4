//! Listens until a signal comes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use assurance_runtime::server::{Server, ServerError, WebConfig};
use assurance_runtime::signals::{Asked, Signals};
use axum::Router;
use axum::body::Body;
use axum::http::{Response, StatusCode, header};
use tokio::sync::{Notify, watch};

use crate::args::Listen;
use crate::talk::{Exit, say};

/// By which a server is ended from inside, when it can do nothing right any more.
#[derive(Clone, Default)]
pub(crate) struct Failure(Arc<(AtomicBool, Notify)>);

impl Failure {
    /// Ends the server.
    pub(crate) fn tell(&self, error: &dyn std::fmt::Display) {
        say(format_args!("error: {error}"));
        self.0.0.store(true, Ordering::SeqCst);
        self.0.1.notify_one();
    }
}

/// Serves until SIGTERM or SIGINT, or until it failed.
pub(crate) async fn until_stopped(listen: &Listen, router: Router, failure: &Failure) -> Exit {
    let web = match &listen.config {
        None => WebConfig::default(),
        Some(path) => match WebConfig::load(path) {
            Ok(web) => web,
            Err(message) => return failed(Exit::Usage, &message),
        },
    };
    let mut signals = match Signals::new() {
        Ok(signals) => signals,
        Err(error) => return failed(Exit::Storage, &format_args!("signals cannot be received: {error}")),
    };
    let server = match Server::bind(&listen.address, &web).await {
        Ok(server) => server,
        Err(error @ ServerError::Tls { .. }) => return failed(Exit::Usage, &error),
        Err(error) => return failed(Exit::Storage, &error),
    };
    if let Some(path) = &listen.config {
        server.watch(path);
    }
    let reloader = server.web_reloader();
    say(format_args!("listening on {}", server.url()));
    let (stop, stopped) = watch::channel(false);
    let serving = tokio::spawn(server.serve(router, stopped));
    loop {
        tokio::select! {
            asked = signals.next() => match asked {
                Asked::Stop => break,
                Asked::Reload => reloader.reload(),
            },
            () = failure.0.1.notified() => break,
        }
    }
    stop.send_replace(true);
    // It ends by itself, with the requests under way.
    if let Err(error) = serving.await {
        return failed(Exit::Storage, &error);
    }
    if failure.0.0.load(Ordering::SeqCst) { Exit::Storage } else { Exit::Done }
}

fn failed(exit: Exit, error: &dyn std::fmt::Display) -> Exit {
    say(format_args!("error: {error}"));
    exit
}

/// An answer in one piece.
pub(crate) fn answer(status: u16, content_type: &'static str, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    response
}

/// Text for people.
pub(crate) const TEXT: &str = "text/plain; charset=utf-8";
