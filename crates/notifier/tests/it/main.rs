//! What the notifier promises, and that no order of failures breaks it.

mod deliveries;
mod dispatch;
mod notifications;
mod properties;
mod routing;
