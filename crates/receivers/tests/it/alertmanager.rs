//! A script played to a real Alertmanager and to our machine: the same messages at the same times.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use assurance_metrics_model::{Duration as Span, Labels, Matcher, Timestamp};
use assurance_notifier::dispatch::{Dispatch, NewSilence};
use assurance_notifier::routing::{
    GroupBy, InhibitRule, Integration, IntegrationKind, ReceiverDefinition, Route, Routing,
};
use assurance_notifier::{Alert, Config, Notifier, Receiver};
use serde_json::{Value, json};

/// How far apart the same message may be: Alertmanager's own work, on a machine with other things to do. All looks
/// at groups are half a second or more away from whatever the script changes.
const TOLERANCE: Duration = Duration::from_millis(900);

const LENGTH: Duration = Duration::from_secs(16);

const PROGRAM: &str = "prometheus-alertmanager";

/// Milliseconds from the beginning, and an alert: since when it fires, until when, if that is known.
struct Line(i64, &'static str, i64, Option<i64>);

const SCRIPT: [Line; 13] = [
    Line(0, "A/1", 0, None),
    Line(0, "C/1/severity=critical", 0, None),
    Line(0, "Down/1", 0, None),
    Line(0, "Lost/1", 0, None),
    Line(0, "Lost/2", 0, None),
    Line(0, "Quiet/1", 0, None),
    Line(2_000, "A/2", 2_000, None),
    Line(4_000, "A/1", 0, Some(4_000)),
    Line(4_000, "C/1/severity=critical", 0, Some(4_000)),
    Line(6_000, "A/2", 2_000, Some(6_000)),
    // It has been firing for a minute: nobody waits for others.
    Line(7_500, "E/1", -60_000, None),
    // It is over before anybody looks.
    Line(8_000, "F/1", 8_000, Some(8_100)),
    Line(10_000, "Down/1", 0, Some(10_000)),
];

/// When the silence of `Quiet` ends.
const SPEAKS: i64 = 6_200;

fn configuration(hook: &str) -> String {
    format!(
        "route:
  receiver: team
  group_by: [alertname]
  group_wait: 1s
  group_interval: 2s
  repeat_interval: 5s
  routes:
    - matchers: ['severity=\"critical\"']
      receiver: pager
      continue: true
    - matchers: ['severity=\"critical\"']
      receiver: log
      group_by: ['...']
receivers:
  - name: team
    webhook_configs: [{{url: '{hook}', send_resolved: true}}]
  - name: pager
    webhook_configs: [{{url: '{hook}', send_resolved: false}}]
  - name: log
    webhook_configs: [{{url: '{hook}', send_resolved: true}}]
inhibit_rules:
  - source_matchers: ['alertname=Down']
    target_matchers: ['alertname=Lost']
    equal: [instance]
"
    )
}

fn routing() -> Routing {
    let mut root = Route::new("team");
    root.group_by = GroupBy::Labels(vec!["alertname".to_owned()]);
    (root.group_wait, root.group_interval) = (Span::from_secs(1), Span::from_secs(2));
    root.repeat_interval = Span::from_secs(5);
    let critical = root.inherit(vec![Matcher::equal("severity", "critical")]);
    root.routes.push(Route { receiver: "pager".to_owned(), continues: true, ..critical.clone() });
    root.routes.push(Route { receiver: "log".to_owned(), group_by: GroupBy::All, ..critical });
    let receiver = |name: &str, send_resolved| ReceiverDefinition {
        name: name.to_owned(),
        integrations: vec![Integration {
            kind: IntegrationKind::Webhook,
            index: 0,
            description: "webhook".to_owned(),
            send_resolved,
        }],
    };
    Routing {
        root,
        receivers: vec![receiver("team", true), receiver("pager", false), receiver("log", true)],
        inhibit_rules: vec![InhibitRule {
            source: vec![Matcher::equal("alertname", "Down")],
            target: vec![Matcher::equal("alertname", "Lost")],
            equal: vec!["instance".to_owned()],
        }],
        time_intervals: Vec::new(),
        resolve_timeout: Span::from_minutes(5),
    }
}

fn labels(name: &str) -> Labels {
    let mut labels = Labels::empty().to_builder();
    for (place, part) in name.split('/').enumerate() {
        match (place, part.split_once('=')) {
            (0, _) => labels.set("alertname", part),
            (_, Some((name, value))) => labels.set(name, value),
            (_, None) => labels.set("instance", part),
        };
    }
    labels.build()
}

fn alert(line: &Line, start: Timestamp) -> Alert {
    let Line(_, name, since, until) = line;
    let at = |millis: i64| start + Span::from_millis(millis);
    let mut alert = Alert::firing(labels(name), at(*since));
    alert.annotations.insert("summary".to_owned(), "something is wrong".to_owned());
    alert.generator_url = "http://127.0.0.1:9090/graph".to_owned();
    match until {
        Some(until) => alert.resolved(at(*until)),
        None => Alert { ends_at: at(3_600_000), ..alert },
    }
}

/// Messages in the order in which they came, by receiver and group, with milliseconds from the beginning.
type Messages = BTreeMap<String, Vec<(i64, Value)>>;

fn file(messages: &mut Messages, at: i64, mut body: Value) {
    let key =
        format!("{} {}", body["receiver"].as_str().unwrap_or(""), body["groupKey"].as_str().unwrap_or(""));
    // Ours alone, or of the place.
    for ours in ["reason", "externalURL"] {
        body.as_object_mut().expect("an object").remove(ours);
    }
    let alerts = body["alerts"].as_array_mut().expect("a list");
    for alert in alerts {
        for time in ["startsAt", "endsAt"] {
            let text = alert[time].as_str().expect("a time").trim_end_matches('Z');
            let text =
                if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text };
            alert[time] = Value::from(text);
        }
    }
    messages.entry(key).or_default().push((at, body));
}

fn ours(start: Timestamp) -> Messages {
    let mut dispatch = Dispatch::new(routing(), None, start);
    let hooks =
        ["team", "pager", "log"].map(|name| Receiver::routed(name, "webhook[0]", "http://127.0.0.1:9/"));
    let mut notifier = Notifier::new(Config::new(hooks.into()));
    let silence = NewSilence {
        id: None,
        matchers: vec![Matcher::equal("alertname", "Quiet")],
        starts_at: start,
        ends_at: start + Span::from_millis(SPEAKS),
        created_by: "ops".to_owned(),
        comment: "planned".to_owned(),
    };
    dispatch.handle_silence(start, silence).expect("it makes sense");
    let mut messages = Messages::new();
    let mut run = |dispatch: &mut Dispatch, until: Timestamp| {
        while let Some(now) = dispatch.poll_timeout().filter(|at| *at <= until) {
            dispatch.handle_timeout(now);
            while let Some(told) = dispatch.poll_output(now) {
                let plan = Arc::clone(dispatch.plan());
                let receiver = plan.routing().receiver(&told.receiver).expect("it is in the routing");
                notifier.handle_notification(
                    now,
                    Arc::new(told.clone()),
                    &receiver.integrations[told.integration],
                );
                let delivery = notifier.poll_output(now).expect("a delivery for each notification");
                let request = assurance_receivers::request(&delivery, "").expect("a request");
                let body = serde_json::from_slice(request.body()).expect("JSON");
                file(&mut messages, (now - start).as_millis(), body);
                notifier.handle_delivery(now, delivery.id, Ok(()));
            }
        }
    };
    for line in &SCRIPT {
        let now = start + Span::from_millis(line.0);
        run(&mut dispatch, now);
        assert_eq!(dispatch.handle_alerts(now, &[alert(line, start)]), []);
    }
    run(&mut dispatch, start + Span::from(LENGTH));
    messages
}

struct Alertmanager {
    child: Child,
    address: String,
    /// Its files.
    _folder: tempfile::TempDir,
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[expect(clippy::disallowed_methods, reason = "another process is waited for")]
fn wait(span: Duration) {
    std::thread::sleep(span);
}

#[expect(clippy::disallowed_methods, reason = "another process lives by the clock")]
fn clock() -> (Instant, i64) {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    (Instant::now(), i64::try_from(since.as_millis()).expect("before the year 292,277,026"))
}

impl Alertmanager {
    fn start(hook: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = folder.path().join("alertmanager.yml");
        fs_err::write(&config, configuration(hook)).expect("written");
        let free = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = free.local_addr().expect("bound").to_string();
        drop(free);
        let child = Command::new(PROGRAM)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--cluster.listen-address=")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let started = Self { child, address, _folder: folder };
        let (begin, _) = clock();
        while TcpStream::connect(&started.address).is_err() {
            assert!(begin.elapsed() < Duration::from_secs(60), "it does not listen");
            wait(Duration::from_millis(50));
        }
        started
    }

    fn post(&self, path: &str, body: &Value) {
        let body = body.to_string();
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

/// What was posted, and when.
type Came = Mutex<Vec<(Instant, Value)>>;

/// Takes what is posted, with the time.
fn listen() -> (String, Arc<Came>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("bound"));
    let came: Arc<Came> = Arc::default();
    let all = Arc::clone(&came);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let came = Arc::clone(&all);
            std::thread::spawn(move || take(&stream, &came));
        }
    });
    (url, came)
}

fn take(stream: &TcpStream, came: &Came) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).map_or(true, |read| read == 0) {
                return;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().expect("a number");
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let (at, _) = clock();
        let mut body = vec![0; length];
        reader.read_exact(&mut body).expect("a body");
        let body = serde_json::from_slice(&body).expect("JSON");
        came.lock().expect("nobody panics").push((at, body));
        let mut writer = stream;
        writer.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").expect("answered");
    }
}

#[test]
fn a_script_is_told_as_alertmanager_tells_it() {
    let found = Command::new("sh").args(["-c", &format!("command -v {PROGRAM}")]).output();
    if !found.expect("sh starts").status.success() {
        // Written past the harness, which hides what passing tests print.
        writeln!(std::io::stderr(), "skipped: {PROGRAM} is not installed").expect("a line");
        return;
    }
    // A machine that is busy elsewhere delays Alertmanager; a difference comes back every time.
    let mut last = Ok(());
    for _attempt in 0..3 {
        let (start, theirs) = theirs();
        last = compare(&ours(start), &theirs);
        if last.is_ok() {
            return;
        }
    }
    assert_eq!(last, Ok(()));
}

fn theirs() -> (Timestamp, Messages) {
    let (hook, came) = listen();
    let manager = Alertmanager::start(&hook);
    // Let it settle, then begin with a second.
    let (_, now) = clock();
    wait(Duration::from_millis(u64::try_from(2_000 - now % 1_000).expect("positive")));
    let (begin, now) = clock();
    let start = Timestamp::from_millis(now - now % 1_000);
    let text = |millis: i64| (start + Span::from_millis(millis)).to_string();
    let matcher = json!({"name": "alertname", "value": "Quiet", "isRegex": false});
    manager.post(
        "/api/v2/silences",
        &json!({"matchers": [matcher], "startsAt": text(0), "endsAt": text(SPEAKS), "createdBy": "ops", "comment": "planned"}),
    );
    for line in &SCRIPT {
        let due = Duration::from_millis(u64::try_from(line.0).expect("positive"));
        wait(due.saturating_sub(begin.elapsed()));
        let alert = alert(line, start);
        let names: BTreeMap<&str, &str> = alert.labels.iter().collect();
        manager.post(
            "/api/v2/alerts",
            &json!([{
                "labels": names, "annotations": alert.annotations, "generatorURL": alert.generator_url,
                "startsAt": alert.starts_at.to_string(), "endsAt": alert.ends_at.to_string(),
            }]),
        );
    }
    wait(LENGTH.saturating_sub(begin.elapsed()));
    let mut theirs = Messages::new();
    for (at, body) in came.lock().expect("nobody panics").iter() {
        let at = at.duration_since(begin).as_millis();
        file(&mut theirs, i64::try_from(at).expect("short"), body.clone());
    }
    (start, theirs)
}

fn compare(ours: &Messages, theirs: &Messages) -> Result<(), String> {
    let keys = |all: &Messages| all.keys().cloned().collect::<Vec<_>>();
    if keys(ours) != keys(theirs) {
        return Err(format!("groups {:?} and {:?}", keys(ours), keys(theirs)));
    }
    let mut compared = 0;
    for (key, ours) in ours {
        let theirs = &theirs[key];
        let times = |all: &[(i64, Value)]| all.iter().map(|(at, _)| *at).collect::<Vec<_>>();
        let both = format!("{key}: {:?} and {:?}", times(ours), times(theirs));
        if ours.len() != theirs.len() {
            return Err(both);
        }
        for ((our_time, our_body), (their_time, their_body)) in ours.iter().zip(theirs) {
            if our_body != their_body {
                return Err(format!("{both}\n{our_body:#}\n{their_body:#}"));
            }
            if Duration::from_millis((their_time - our_time).unsigned_abs()) > TOLERANCE {
                return Err(both);
            }
            compared += 1;
        }
    }
    assert!(compared >= 15, "the script says more than {compared} messages");
    Ok(())
}
