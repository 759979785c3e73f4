//! Every endpoint, once: what the router answers is what the reference says.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::Router;
use axum::routing::{MethodFilter, MethodRouter, on};

use crate::{
    admin, alertmanager, api, federate, own, page, query, remote_write, state::State, status, tsdb_status,
};

/// One endpoint.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Endpoint {
    /// Its path, with `{name}` where a part varies.
    pub path: &'static str,
    /// The methods it takes; `HEAD` goes with `GET`.
    pub methods: &'static [Method],
    /// The parameters it reads, of the URL and of a form.
    pub parameters: &'static [&'static str],
    /// The version of this project that first had it.
    pub since: &'static str,
    /// What it gives, and where it differs from Prometheus.
    pub note: &'static str,
    route: fn(MethodFilter) -> MethodRouter<Arc<State>>,
}

/// The methods that endpoints take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Method {
    /// Reads; `HEAD` too.
    Get,
    /// Reads with a form, or changes.
    Post,
    /// As `Post`, where Prometheus takes both.
    Put,
    /// Ends what has a name.
    Delete,
}

impl Method {
    /// As HTTP writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }

    const fn filter(self) -> MethodFilter {
        match self {
            Self::Get => MethodFilter::GET,
            Self::Post => MethodFilter::POST,
            Self::Put => MethodFilter::PUT,
            Self::Delete => MethodFilter::DELETE,
        }
    }
}

const READ: &[Method] = &[Method::Get];
const ASK: &[Method] = &[Method::Get, Method::Post];
const WRITE: &[Method] = &[Method::Post];
const END: &[Method] = &[Method::Get, Method::Delete];
const CHANGE: &[Method] = &[Method::Post, Method::Put];
const SERIES: &[&str] = &["match[]", "start", "end", "limit"];

const fn row(
    path: &'static str,
    methods: &'static [Method],
    parameters: &'static [&'static str],
    note: &'static str,
    route: fn(MethodFilter) -> MethodRouter<Arc<State>>,
) -> Endpoint {
    Endpoint { path, methods, parameters, since: "0.1", note, route }
}

/// All endpoints, in the order of the reference.
pub const ENDPOINTS: &[Endpoint] = &[
    row(
        "/api/v1/query",
        ASK,
        &["query", "time", "timeout", "lookback_delta", "limit", "stats"],
        "An expression at one instant.",
        |m| on(m, query::instant),
    ),
    row(
        "/api/v1/query_range",
        ASK,
        &["query", "start", "end", "step", "timeout", "lookback_delta", "limit", "stats"],
        "An expression at every step; at most 11,001 of them.",
        |m| on(m, query::range),
    ),
    row(
        "/api/v1/query_exemplars",
        ASK,
        &["query", "start", "end"],
        "Always `[]`: exemplars are read and not kept.",
        |m| on(m, api::exemplars),
    ),
    row("/api/v1/format_query", ASK, &["query"], "An expression as it is written well.", |m| {
        on(m, query::format)
    }),
    row("/api/v1/parse_query", ASK, &["query"], "The tree of an expression.", |m| on(m, query::parse)),
    row("/api/v1/labels", ASK, SERIES, "Names of labels.", |m| on(m, api::labels)),
    row(
        "/api/v1/label/{name}/values",
        READ,
        SERIES,
        "Values of a label; names that are no identifiers are written `U__…`.",
        |m| on(m, api::label_values),
    ),
    row("/api/v1/series", ASK, SERIES, "Label sets; `match[]` is needed.", |m| on(m, api::series)),
    row(
        "/api/v1/metadata",
        READ,
        &["metric", "limit", "limit_per_metric"],
        "Types, help texts and units, by metric.",
        |m| on(m, api::metadata),
    ),
    row(
        "/api/v1/targets",
        READ,
        &["state", "scrapePool"],
        "Targets, and those that relabelling dropped.",
        |m| on(m, status::targets),
    ),
    row(
        "/api/v1/targets/metadata",
        READ,
        &["match_target", "metric", "limit"],
        "Types, help texts and units, by target.",
        |m| on(m, api::target_metadata),
    ),
    row("/api/v1/scrape_pools", READ, &[], "Names of scrape jobs.", |m| on(m, status::scrape_pools)),
    row(
        "/api/v1/rules",
        READ,
        &[
            "type",
            "rule_name[]",
            "rule_group[]",
            "file[]",
            "match[]",
            "exclude_alerts",
            "group_limit",
            "group_next_token",
        ],
        "Rules by group. Beyond Prometheus: `matched`, how many series a rule's selectors found.",
        |m| on(m, status::rules),
    ),
    row("/api/v1/alerts", READ, &[], "Alerts that are pending or firing.", |m| on(m, status::alerts)),
    row("/api/v1/alertmanagers", READ, &[], "Alertmanagers that are told.", |m| on(m, status::alertmanagers)),
    row(
        "/api/v1/status/buildinfo",
        READ,
        &[],
        "`version` is Prometheus's whose API this is; `applicationVersion` is our own. There are no `features`.",
        |m| on(m, own::build_info),
    ),
    row("/api/v1/status/runtimeinfo", READ, &[], "The process; Go's own settings are empty.", |m| {
        on(m, own::runtime_info)
    }),
    row("/api/v1/status/flags", READ, &[], "Flags and their values; secrets are hidden.", |m| {
        on(m, own::flags)
    }),
    row("/api/v1/status/config", READ, &[], "The configuration in force; secrets are hidden.", |m| {
        on(m, own::config)
    }),
    row("/api/v1/status/tsdb", READ, &["limit"], "What takes room in the store.", |m| {
        on(m, tsdb_status::tsdb)
    }),
    row(
        "/api/v1/status/walreplay",
        READ,
        &[],
        "Numbers of the log files read at the start; answered meanwhile too.",
        |m| on(m, own::wal_replay),
    ),
    row("/api/v1/notifications", READ, &[], "Always `[]`; the status page says what is wrong.", |m| {
        on(m, own::notifications)
    }),
    row("/api/v1/notifications/live", READ, &[], "204: there is no stream.", |m| {
        on(m, own::notifications_live)
    }),
    row(
        "/api/v1/admin/tsdb/snapshot",
        CHANGE,
        &["skip_head"],
        "Copies the samples to `snapshots/NAME` below `--storage.tsdb.path`; needs `--web.enable-admin-api`.",
        |m| on(m, admin::snapshot),
    ),
    row(
        "/api/v1/write",
        WRITE,
        &[],
        "Takes remote-write messages of version 1; needs `--web.enable-remote-write-receiver`.",
        |m| on(m, remote_write::write),
    ),
    row(
        "/api/v2/status",
        READ,
        &[],
        "That alerts are routed here; all below `/api/v2` needs `--notify.config`, and is 403 without.",
        |m| on(m, alertmanager::status),
    ),
    row("/api/v2/receivers", READ, &[], "Names of receivers.", |m| on(m, alertmanager::receivers)),
    row(
        "/api/v2/alerts",
        READ,
        &["filter", "receiver", "active", "silenced", "inhibited", "muted", "unprocessed"],
        "Alerts that fire, and why nobody is told of them. Beyond Alertmanager: `acknowledged`, `escalation`. \
         None are taken: they come from rules.",
        |m| on(m, alertmanager::alerts),
    ),
    row(
        "/api/v2/alerts/groups",
        READ,
        &["filter", "receiver", "active", "silenced", "inhibited", "muted", "unprocessed"],
        "The same by group. Beyond Alertmanager: `groupKey`, `nextLook`, `lastTold`.",
        |m| on(m, alertmanager::groups),
    ),
    row(
        "/api/v2/silences",
        ASK,
        &["filter"],
        "Silences; `POST` makes one, or changes the one that `id` names.",
        |m| on(m, alertmanager::silences),
    ),
    row("/api/v2/silence/{id}", END, &[], "One silence; `DELETE` ends it.", |m| on(m, alertmanager::silence)),
    row(
        "/api/v2/acknowledgements",
        WRITE,
        &[],
        "Notes that `by` has taken the alert of a `fingerprint`, or all that fires of a `groupKey`, with a \
         `comment`: steps of its chain that wait for that are not told. Not in Alertmanager.",
        |m| on(m, alertmanager::acknowledge),
    ),
    row(
        "/federate",
        READ,
        &["match[]"],
        "The newest samples with their times, in the text format, external labels added.",
        |m| on(m, federate::federate),
    ),
    row("/metrics", READ, &[], "Metrics of the server itself, in either text format.", |m| {
        on(m, own::metrics)
    }),
    row("/-/healthy", READ, &[], "200 while the process lives.", |m| on(m, own::healthy)),
    row(
        "/-/ready",
        READ,
        &[],
        "200 where it serves; 503 before, as all but `healthy` and `walreplay`.",
        |m| on(m, own::ready),
    ),
    row("/-/reload", CHANGE, &[], "Reads the configuration anew; needs `--web.enable-lifecycle`.", |m| {
        on(m, own::reload)
    }),
    row("/-/quit", CHANGE, &[], "Ends the process; needs `--web.enable-lifecycle`.", |m| on(m, own::quit)),
    row("/graph", READ, &["g0.expr"], "Leads to the answer to an expression: the source of alerts.", |m| {
        on(m, query::graph)
    }),
    row("/", READ, &[], "The status page.", |m| on(m, page::status)),
    row("/static/style.css", READ, &[], "Its looks.", |m| on(m, page::style)),
];

pub(crate) fn routes() -> Router<Arc<State>> {
    let mut router = Router::new();
    for endpoint in ENDPOINTS {
        let filters = endpoint.methods.iter().map(|method| method.filter());
        if let Some(filter) = filters.reduce(MethodFilter::or) {
            router = router.route(endpoint.path, (endpoint.route)(filter));
        }
    }
    router
}

/// The reference of the HTTP API, as Markdown: `docs/reference/http-api.md`.
pub fn reference() -> String {
    let mut out = REFERENCE_HEAD.to_owned();
    for endpoint in ENDPOINTS {
        let methods: Vec<_> = endpoint.methods.iter().map(|m| m.as_str()).collect();
        let parameters: Vec<_> = endpoint.parameters.iter().map(|p| format!("`{p}`")).collect();
        // Writing to a `String` cannot fail.
        let _infallible = writeln!(
            out,
            "| `{}` | {} | {} | {} | {} |",
            endpoint.path,
            methods.join(", "),
            parameters.join(", "),
            endpoint.since,
            endpoint.note
        );
    }
    out.push_str(REFERENCE_FOOT);
    out
}

const REFERENCE_HEAD: &str = "\
# HTTP API

<!-- Written from the table in crates/web/src/routes.rs: WRITE_REFERENCE=1 cargo test -p assurance-web reference -->

What is answered, in the shapes of Prometheus 3.5.

| path | methods | parameters | since | what it gives |
|---|---|---|---|---|
";

const REFERENCE_FOOT: &str = "
## What all of them have in common

- Answers below `/api/v1` are `{\"status\": \"success\", \"data\": …}`, with `warnings` and `infos` where there are any, or `{\"status\": \"error\", \"errorType\": …, \"error\": …}`.
- `errorType` is `bad_data` (400), `execution` (422), `timeout` (503), `internal` or `unavailable` (both 500).
- Answers below `/api/v2` are Alertmanager's: the data itself, or the error as a text in JSON.
- A path that does not exist is 404, a method that an endpoint does not take is 405, both in plain text.
- Lists are never null.
- Times are seconds with a fraction or RFC 3339; durations are seconds or Prometheus's (`5m`).
- Parameters of the URL and of a form (`application/x-www-form-urlencoded`, in a `POST`) both count; the form's come first.
- `limit` cuts, and a warning says so; 0 is no limit.
- `HEAD` is answered wherever `GET` is, and `OPTIONS` below `/api/v1` with 204.
- Answers are compressed with gzip where `Accept-Encoding` allows it.
- `--web.cors.origin` says which pages of other origins may read below `/api/v1`: none by default, where Prometheus allows all.
- A request under a name that is not the server's own is 421; `--web.external-url` names it.
- Changes are taken from programs and from pages of the server's own origin only.

## Limits

- A query may run for 30 seconds, or for `timeout` where that is less; then it ends, and so it does when its client leaves.
- Four queries run at once; more wait.
- The query part of a URL has at most 32 KiB, the body of a request 1 MiB (a remote-write message 16 MiB, and 64 MiB decompressed), a request at most 256 `match[]`.
";
