//! Serves a router on a socket, within limits.

mod auth;
mod connection;
mod live;
mod tls;
mod web_config;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

pub use web_config::{ClientAuth, ServerTls, WebConfig};

use live::{Live, Secured};

/// Connections served at once; more wait in the operating system's backlog. 256 connections with 16 KiB of
/// buffers each are 4 MiB.
pub const MAX_CONNECTIONS: usize = 256;

/// How long the head of a request may take, and a kept connection may rest before its next one: a client that
/// sends a byte now and then cannot hold a place.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the body of a request may take, whatever its pace.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// How long one request may take from its head to its answer: longer than any query may run.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a TLS handshake may take.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

/// Bytes that the head of a request may have, at most 64 headers among them.
pub const MAX_HEAD_BYTES: usize = 8 << 10;

/// How long requests under way may go on after a stop was asked for.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// A server that cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}; is another process using it?")]
    Listen {
        /// The address.
        address: String,
        /// Why.
        source: std::io::Error,
    },
    /// The certificate or key cannot be used.
    #[error("{what} cannot be used: {reason}")]
    Tls {
        /// Which file.
        what: String,
        /// Why.
        reason: String,
    },
}

/// A socket that is listened on.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    live: Arc<Live>,
}

/// Has a running server read its web configuration anew, without waiting for it to notice a change.
#[derive(Clone)]
pub struct WebReloader(Arc<Live>);

impl WebReloader {
    /// Reads it; the log says what became of it. Nothing happens where there is no file.
    pub fn reload(&self) {
        self.0.look(true);
    }
}

impl std::fmt::Debug for WebReloader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebReloader")
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Server {
    /// Listens on an address (`127.0.0.1:9090`; port 0 for a free one), with TLS and users as the web
    /// configuration says.
    ///
    /// # Errors
    /// If the address is taken or none, or a certificate cannot be used.
    pub async fn bind(address: &str, web: &WebConfig) -> Result<Self, ServerError> {
        let listen = |source| ServerError::Listen { address: address.to_owned(), source };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let live = Arc::new(Live::new(Secured::new(web)?, web));
        let address = listener.local_addr().map_err(listen)?;
        Ok(Self { listener, address, live })
    }

    /// Reads the web configuration that it was bound with from this file whenever that, or a file that it
    /// names, changes. What is wrong with the new content is logged, and the old one stays in force.
    pub fn watch(&self, path: &Path) {
        self.live.watch(path);
    }

    /// For those who are told that the file changed.
    pub fn web_reloader(&self) -> WebReloader {
        WebReloader(Arc::clone(&self.live))
    }

    /// The address that is listened on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of the root: `http://127.0.0.1:9090`.
    pub fn url(&self) -> String {
        let scheme = if self.live.current().tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Serves until `stop` turns true, then lets requests under way finish within [`DRAIN_TIMEOUT`].
    pub async fn serve(self, router: Router, stop: watch::Receiver<bool>) {
        let (_never_another, routers) = watch::channel(router);
        self.serve_changing(routers, stop).await;
    }

    /// As [`Server::serve`], each request answered by the router that is there when it comes: who is not ready yet
    /// says so, and goes on with the same socket.
    pub async fn serve_changing(self, routers: watch::Receiver<Router>, mut stop: watch::Receiver<bool>) {
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let drain = GracefulShutdown::new();
        let shared = Arc::new(connection::Shared { routers, live: Arc::clone(&self.live) });
        let keeping_up = tokio::spawn(self.live.keep_up());
        loop {
            let place = tokio::select! {
                place = Arc::clone(&places).acquire_owned() => place,
                _ = stop.wait_for(|stop| *stop) => break,
            };
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                _ = stop.wait_for(|stop| *stop) => break,
            };
            match accepted {
                Ok((stream, _peer)) => {
                    let watcher = drain.watcher();
                    let shared = Arc::clone(&shared);
                    tokio::spawn(async move {
                        connection::serve(stream, &shared, watcher).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    // Out of file descriptors, or the peer is gone already: neither is a reason to stop.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
        keeping_up.abort();
        drop(self.listener);
        if tokio::time::timeout(DRAIN_TIMEOUT, drain.shutdown()).await.is_err() {
            tracing::warn!("requests still under way after {}s are cut off", DRAIN_TIMEOUT.as_secs());
        }
    }
}
