//! Notifications as HTTP requests to Alertmanager and webhooks.
