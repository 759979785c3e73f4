//! Targets, relabelling, schedule, limits, staleness and counter birth, as a machine without sockets or clock.
