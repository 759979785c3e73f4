use assurance_metrics_model::Duration;

/// What a receiver speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReceiverKind {
    /// Alertmanager's HTTP API, version 2.
    Alertmanager,
    /// A webhook that reads Alertmanager's webhook body, version 4.
    Webhook,
}

/// Someone who is told of alerts. Credentials and TLS settings are the sender's, found by [`Receiver::name`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Receiver {
    /// Unique among the receivers; shown in the history and in metrics.
    pub name: String,
    /// What it speaks.
    pub kind: ReceiverKind,
    /// A webhook's whole URL; for an Alertmanager scheme, host, port and path prefix, without `/api/v2`.
    pub url: String,
    /// How long one delivery may take.
    pub timeout: Duration,
}

impl Receiver {
    /// A receiver with Prometheus's default timeout of ten seconds.
    pub fn new(name: &str, kind: ReceiverKind, url: &str) -> Self {
        Self { name: name.to_owned(), kind, url: url.to_owned(), timeout: Duration::from_secs(10) }
    }
}
