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
    /// What it is told.
    pub hears: Hears,
    /// Alerts in one notification at most; the rest is left out, and counted in the message. 0 for no limit.
    pub max_alerts: usize,
}

/// What a receiver is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hears {
    /// Every state of every alert, as it comes: someone else routes and groups it.
    Alerts,
    /// Notifications of its own that [`Dispatch`](crate::dispatch::Dispatch) makes.
    Notifications,
}

impl Receiver {
    /// A receiver with Prometheus's default timeout of ten seconds.
    pub fn new(name: &str, kind: ReceiverKind, url: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            url: url.to_owned(),
            timeout: Duration::from_secs(10),
            hears: Hears::Alerts,
            max_alerts: 0,
        }
    }

    /// A webhook that is told by routes: one integration of a receiver.
    pub fn routed(receiver: &str, integration: &str, url: &str) -> Self {
        let name = Self::routed_name(receiver, integration);
        Self { hears: Hears::Notifications, ..Self::new(&name, ReceiverKind::Webhook, url) }
    }

    /// The name of one integration of a receiver, such as `on-call/webhook[0]`.
    pub fn routed_name(receiver: &str, integration: &str) -> String {
        format!("{receiver}/{integration}")
    }
}
