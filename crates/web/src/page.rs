//! The status page: what is wrong, since when, what cannot be seen, who was told. Without scripts.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use assurance_metrics_model::{Duration, Labels, Timestamp};
use assurance_notifier::Outcome;
use assurance_pipeline::Pipeline;
use assurance_rules::{AlertState, Health as RuleHealth, Phase, RuleStatus};
use assurance_scrape::Health;
use axum::extract::{OriginalUri, State};
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};

/// The alert that fires always, to show that the way to people is open.
const WATCHDOG: &str = "Watchdog";

/// Notifications shown, newest first.
const MAX_NOTIFICATIONS: usize = 20;

const STYLE: &str = include_str!("style.css");

pub(crate) async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "max-age=3600")], STYLE)
        .into_response()
}

pub(crate) async fn status(
    State(state): State<Arc<crate::State>>,
    OriginalUri(uri): OriginalUri,
) -> Html<String> {
    let now = state.now();
    let series = state.store.series_count();
    Html(render(&state.pipeline(), now, series, &base(uri.path())))
}

/// What links within the service begin with, on a page at this path: nested, the page may lack the last slash.
fn base(path: &str) -> String {
    match path.rsplit_once('/') {
        Some((_, "")) | None => String::new(),
        Some((_, last)) => format!("./{last}/"),
    }
}

/// Everything that a page must not take for markup.
struct Text<T>(T);

impl<T: std::fmt::Display> std::fmt::Display for Text<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for c in self.0.to_string().chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c => write!(f, "{c}")?,
            }
        }
        Ok(())
    }
}

/// What the page shows, gathered once.
struct View<'a> {
    firing: Vec<&'a AlertState>,
    pending: Vec<(&'a AlertState, Duration)>,
    watchdog: bool,
    rules: Vec<(String, RuleStatus<'a>)>,
}

impl<'a> View<'a> {
    fn new(pipeline: &'a Pipeline) -> Self {
        let mut view = View { firing: Vec::new(), pending: Vec::new(), watchdog: false, rules: Vec::new() };
        for group in pipeline.rules().groups() {
            for rule in group.rules {
                for alert in &rule.alerts {
                    let is_watchdog = rule.rule.name() == WATCHDOG;
                    match alert.phase {
                        Phase::Firing if is_watchdog => view.watchdog = true,
                        Phase::Firing => view.firing.push(alert),
                        Phase::Pending => view.pending.push((alert, hold(&rule))),
                        Phase::Inactive => {}
                    }
                }
                view.rules.push((group.group.name.clone(), rule));
            }
        }
        view.firing.sort_by_key(|alert| (severity_rank(&alert.labels), alert.starts_at()));
        view
    }

    fn count(&self, severity: &str) -> usize {
        self.firing.iter().filter(|a| a.labels.get_or_empty("severity") == severity).count()
    }
}

fn hold(rule: &RuleStatus<'_>) -> Duration {
    match rule.rule {
        assurance_rules::Rule::Alerting(rule) => rule.hold,
        assurance_rules::Rule::Recording(_) => Duration::ZERO,
    }
}

fn severity_rank(labels: &Labels) -> usize {
    let known = ["critical", "warning", "info"];
    known.iter().position(|s| *s == labels.get_or_empty("severity")).unwrap_or(known.len())
}

fn render(pipeline: &Pipeline, now: Timestamp, series: usize, base: &str) -> String {
    let view = View::new(pipeline);
    let scrape = pipeline.scrape();
    let unseen =
        scrape.targets().filter(|t| t.health.health != Health::Up).count() + scrape.invalid_targets().count();
    let blind: Vec<_> =
        view.rules.iter().filter(|(_, r)| r.no_match() || r.health != RuleHealth::Ok).collect();
    let cannot_see = unseen + blind.len();
    let mut out = String::from(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>assurance</title>\n\
         <meta name=\"viewport\" content=\"width=device-width\"><meta http-equiv=\"refresh\" content=\"15\">\n",
    );
    line(
        &mut out,
        format_args!("<link rel=\"stylesheet\" href=\"{}static/style.css\"></head><body>", Text(base)),
    );
    header_line(&mut out, &view, cannot_see, untold(pipeline), now);
    out.push_str("<main>\n");
    storage(&mut out, pipeline);
    firing(&mut out, &view, cannot_see, now);
    pending(&mut out, &view, now);
    blind_spots(&mut out, pipeline, &blind, now);
    targets(&mut out, pipeline, now);
    rules(&mut out, &view);
    notifications(&mut out, pipeline);
    out.push_str("</main>\n");
    line(
        &mut out,
        format_args!(
            "<footer>assurance {} · {series} series · up since {} · <a href=\"{base}metrics\">metrics</a> · <a href=\"{base}api/v1/alerts\">API</a></footer>\n</body></html>",
            env!("CARGO_PKG_VERSION"),
            pipeline.started(),
            base = Text(base),
        ),
    );
    out
}

/// Receivers whose newest notification did not arrive.
fn untold(pipeline: &Pipeline) -> usize {
    let mut newest = BTreeMap::new();
    for record in pipeline.notifier().history() {
        newest.insert(&record.receiver, matches!(record.outcome, Outcome::Delivered));
    }
    newest.values().filter(|arrived| !**arrived).count()
}

/// Writing to a string cannot fail.
fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _infallible = out.write_fmt(text);
    out.push('\n');
}

fn header_line(out: &mut String, view: &View<'_>, blind: usize, untold: usize, now: Timestamp) {
    let (critical, warning) = (view.count("critical"), view.count("warning"));
    let other = view.firing.len() - critical - warning;
    let class = |wrong: usize, class: &'static str| if wrong > 0 { class } else { "quiet" };
    line(
        out,
        format_args!(
            "<header><b class=\"{}\">{critical} critical</b> <b class=\"{}\">{warning} warning</b> <span>{other} other</span> \
         <span>{} pending</span> <b class=\"{}\">cannot see: {blind}</b> \
         <b class=\"{}\">cannot tell: {untold}</b> <b class=\"{}\">heartbeat {}</b> <time>{}</time></header>",
            class(critical, "critical"),
            class(warning, "warning"),
            view.pending.len(),
            class(blind, "blind"),
            class(untold, "blind"),
            class(usize::from(!view.watchdog), "blind"),
            if view.watchdog { "beats" } else { "missing" },
            Timestamp::from_secs(now.as_millis().div_euclid(1000)),
        ),
    );
}

/// Only where something is wrong with it.
fn storage(out: &mut String, pipeline: &Pipeline) {
    let faults = pipeline.storage_faults();
    if faults.is_empty() {
        return;
    }
    out.push_str("<section><h1>Storage</h1>\n");
    for fault in &faults {
        line(out, format_args!("<p class=\"blind\">{}</p>", Text(fault)));
    }
    out.push_str("<p>Scraping, evaluation and notification go on.</p></section>\n");
}

fn firing(out: &mut String, view: &View<'_>, cannot_see: usize, now: Timestamp) {
    out.push_str("<section><h1>Firing</h1>\n");
    match (view.firing.is_empty(), cannot_see) {
        (false, _) => {}
        (true, 0) => out.push_str("<p>No alert fires.</p>\n"),
        (true, _) => out.push_str("<p class=\"blind\">No alert fires, but not everything can be seen.</p>\n"),
    }
    for alert in &view.firing {
        let severity = alert.labels.get_or_empty("severity");
        let annotation = |name: &str| alert.annotations.get(name).map_or("", String::as_str);
        line(
            out,
            format_args!(
                "<article class=\"{}\"><h2>{} <small>{}</small></h2><p>{}</p><p>{}</p><p>since {} ({})</p><p class=\"labels\">{}</p>{}</article>",
                Text(severity),
                Text(alert.labels.get_or_empty("alertname")),
                Text(severity),
                Text(annotation("summary")),
                Text(annotation("description")),
                alert.starts_at(),
                age(now - alert.starts_at()),
                Text(&alert.labels),
                link(annotation("runbook_url"), "runbook"),
            ),
        );
    }
    out.push_str("</section>\n");
}

fn pending(out: &mut String, view: &View<'_>, now: Timestamp) {
    if view.pending.is_empty() {
        return;
    }
    out.push_str("<section><h1>Pending</h1><ul>\n");
    for (alert, hold) in &view.pending {
        let left = (alert.active_at + *hold) - now;
        line(
            out,
            format_args!(
                "<li>{} since {}, fires in {}</li>",
                Text(&alert.labels),
                alert.active_at,
                age(left.max(Duration::ZERO))
            ),
        );
    }
    out.push_str("</ul></section>\n");
}

fn blind_spots(out: &mut String, pipeline: &Pipeline, blind: &[&(String, RuleStatus<'_>)], now: Timestamp) {
    out.push_str("<section><h1>Cannot see</h1><ul>\n");
    let before = out.len();
    for target in pipeline.scrape().targets().filter(|t| t.health.health != Health::Up) {
        if target.health.health == Health::Unknown {
            line(out, format_args!("<li>target {} has not been scraped yet</li>", Text(target.url)));
            continue;
        }
        let since = target.health.since.map_or_else(String::new, |at| format!(" for {}", age(now - at)));
        line(
            out,
            format_args!(
                "<li>target {} is down{since}: {}</li>",
                Text(target.url),
                Text(target.health.last_error.as_deref().unwrap_or("no reason given"))
            ),
        );
    }
    for target in pipeline.scrape().invalid_targets() {
        line(
            out,
            format_args!(
                "<li>target {} cannot be scraped: {}</li>",
                Text(target.discovered),
                Text(target.reason)
            ),
        );
    }
    for (group, rule) in blind {
        let why = match rule.last_error {
            Some(error) => error.to_string(),
            None if rule.health == RuleHealth::Unknown => "it has not been evaluated yet".to_owned(),
            None => "no series matches it now, so it cannot fire".to_owned(),
        };
        line(out, format_args!("<li>rule {} / {}: {}</li>", Text(group), Text(rule.rule.name()), Text(why)));
    }
    if out.len() == before {
        out.push_str("<li>Every target answers, and every rule has something to look at.</li>\n");
    }
    out.push_str("</ul></section>\n");
}

fn targets(out: &mut String, pipeline: &Pipeline, now: Timestamp) {
    out.push_str(
        "<section><h1>Targets</h1><table><tr><th>job<th>target<th>health<th>last scrape<th>series\n",
    );
    for target in pipeline.scrape().targets() {
        let health = target.health;
        let last =
            health.last_scrape.map_or_else(|| "never".to_owned(), |at| format!("{} ago", age(now - at)));
        line(
            out,
            format_args!(
                "<tr class=\"{0}\"><td>{1}<td>{2}<td>{0}<td>{last}<td>{3}",
                health.health.as_str(),
                Text(target.job),
                Text(target.url),
                target.series
            ),
        );
    }
    out.push_str("</table></section>\n");
}

fn rules(out: &mut String, view: &View<'_>) {
    out.push_str("<section><h1>Rules</h1><table><tr><th>group<th>rule<th>state<th>series matched\n");
    for (group, rule) in &view.rules {
        let state = if rule.health == RuleHealth::Err {
            "error"
        } else if rule.no_match() {
            "no match"
        } else if rule.rule.is_alerting() {
            rule.phase().as_str()
        } else {
            rule.health.as_str()
        };
        let matched: usize = rule.selectors.iter().map(|s| s.matched_now).sum();
        line(
            out,
            format_args!(
                "<tr class=\"{}\"><td>{}<td>{}<td>{state}<td>{matched}",
                state.replace(' ', "-"),
                Text(group),
                Text(rule.rule.name())
            ),
        );
    }
    out.push_str("</table></section>\n");
}

fn notifications(out: &mut String, pipeline: &Pipeline) {
    out.push_str("<section><h1>Notifications</h1><table><tr><th>at<th>receiver<th>alerts<th>outcome\n");
    for record in pipeline.notifier().history().rev().take(MAX_NOTIFICATIONS) {
        let alerts: Vec<String> = record.alerts.iter().map(|(n, s)| format!("{n} {}", s.as_str())).collect();
        let outcome = match &record.outcome {
            Outcome::Delivered => "delivered".to_owned(),
            Outcome::Retrying { reason, next_attempt } => {
                format!("failed, again at {next_attempt}: {reason}")
            }
            Outcome::Refused { reason } => format!("given up: {reason}"),
            Outcome::Undeliverable { to } => format!("undeliverable: nothing here delivers to {to}"),
            _ => "lost: the queue was full".to_owned(),
        };
        line(
            out,
            format_args!(
                "<tr><td>{}<td>{}<td>{}<td>{}",
                record.at,
                Text(&record.receiver),
                Text(alerts.join(", ")),
                Text(outcome)
            ),
        );
    }
    out.push_str("</table></section>\n");
}

/// A link, if it leads to a page and nowhere else.
fn link(url: &str, name: &str) -> String {
    let harmless = url.starts_with("https://") || url.starts_with("http://");
    if harmless {
        format!("<p><a rel=\"noreferrer\" href=\"{}\">{name}</a></p>", Text(url))
    } else {
        String::new()
    }
}

/// A span in whole seconds: nobody reads milliseconds in the night.
fn age(span: Duration) -> Duration {
    Duration::from_secs(span.as_millis() / 1000)
}
