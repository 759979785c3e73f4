//! scrape, store, rules and notifier as one deterministic machine, driven by whoever owns the clock.
