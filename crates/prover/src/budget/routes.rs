use std::sync::Arc;

use assurance_metrics_model::Labels;
use assurance_notifier::routing::Routing;

use crate::claim::{Notified, Routing as Told};

/// Who is told by a routing tree, and how soon: a new group waits for its `group_wait`.
pub fn routed(routing: &Routing) -> Told {
    let routing = routing.clone();
    Told(Arc::new(move |labels: &Labels| {
        let told = routing.find(labels).into_iter().map(|route| {
            let receiver = routing.receivers.iter().find(|receiver| receiver.name == route.receiver);
            let integrations = receiver.map(|receiver| receiver.integrations.as_slice()).unwrap_or_default();
            let integrations: Vec<&str> = integrations.iter().map(|i| i.description.as_str()).collect();
            Notified::new(&route.receiver, &integrations, route.group_wait)
        });
        told.collect()
    }))
}
