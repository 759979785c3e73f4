//! Alerts on their way to a human: batching, resending, retrying, with bounded queues.
