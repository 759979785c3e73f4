//! Reads parameters and bodies as FastAPI and pydantic do, constraint by constraint; but where pydantic would
//! take `"yes"` for a boolean or `"60"` for a number, only JSON's own are taken.

use assurance_metrics_model::{Duration, Timestamp};
use assurance_simulator::{
    ExportRequest, MAX_OVERRIDE_TTL, MIN_OVERRIDE_REASON_CHARS, MIN_OVERRIDE_TTL, Mode, SwitchRequest,
};
use serde_json::{Map, Value, json};

use crate::errors::{Failure, Problem};

/// Entries answered when no limit is given.
const DEFAULT_LIMIT: usize = 100;
/// Most entries of one answer.
const MAX_LIMIT: usize = 1000;

/// The parameters of `GET …/audit`. Of a parameter given twice the last counts; unknown ones are ignored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AuditQuery {
    pub(crate) limit: usize,
    pub(crate) event_type: Option<String>,
}

impl AuditQuery {
    pub(crate) fn new(pairs: Vec<(String, String)>) -> Result<Self, Failure> {
        let mut query = Self { limit: DEFAULT_LIMIT, event_type: None };
        let mut limit = None;
        for (name, value) in pairs {
            match name.as_str() {
                "limit" => limit = Some(value),
                "event_type" => query.event_type = Some(value),
                _ => {}
            }
        }
        if let Some(text) = limit {
            query.limit = read_limit(&text)?;
        }
        Ok(query)
    }
}

fn read_limit(text: &str) -> Result<usize, Failure> {
    let problem = |kind, msg: String, ctx| {
        let loc = vec!["query".into(), "limit".into()];
        Err(Failure::invalid(Problem { kind, loc, msg, input: text.into(), ctx }))
    };
    let Ok(limit) = text.trim().parse::<i64>() else {
        let msg = "Input should be a valid integer, unable to parse string as an integer";
        return problem("int_parsing", msg.to_owned(), None);
    };
    match usize::try_from(limit) {
        Ok(limit @ 1..=MAX_LIMIT) => Ok(limit),
        Ok(1..) => {
            let msg = format!("Input should be less than or equal to {MAX_LIMIT}");
            problem("less_than_equal", msg, Some(json!({ "le": MAX_LIMIT })))
        }
        _ => {
            let msg = "Input should be greater than or equal to 1";
            problem("greater_than_equal", msg.to_owned(), Some(json!({ "ge": 1 })))
        }
    }
}

/// A JSON body whose fields are read one by one.
pub(crate) struct Body {
    fields: Map<String, Value>,
}

impl Body {
    pub(crate) fn new(bytes: &[u8]) -> Result<Self, Failure> {
        let problem = |kind, at: Option<usize>, msg: &str, input, ctx| {
            let loc = std::iter::once("body".into()).chain(at.map(Value::from)).collect();
            Err(Failure::invalid(Problem { kind, loc, msg: msg.to_owned(), input, ctx }))
        };
        match serde_json::from_slice(bytes) {
            Ok(Value::Object(fields)) => Ok(Self { fields }),
            Ok(other) => {
                let msg = "Input should be a valid dictionary or object to extract fields from";
                problem("model_attributes_type", None, msg, other, None)
            }
            Err(_) if bytes.is_empty() => problem("missing", None, "Field required", Value::Null, None),
            Err(source) => {
                let ctx = json!({ "error": source.to_string() });
                problem("json_invalid", Some(source.column()), "JSON decode error", json!({}), Some(ctx))
            }
        }
    }

    /// An absent body is an empty one, where every field has a default.
    pub(crate) fn or_defaults(bytes: &[u8]) -> Result<Self, Failure> {
        if bytes.is_empty() { Ok(Self { fields: Map::new() }) } else { Self::new(bytes) }
    }

    fn given(&self, name: &str) -> Option<&Value> {
        self.fields.get(name).filter(|value| !value.is_null())
    }

    fn text(&self, name: &str) -> Result<Option<String>, Failure> {
        match self.given(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(other) => Err(wrong(name, "string_type", "Input should be a valid string", other, None)),
        }
    }

    fn flag(&self, name: &str, default: bool) -> Result<bool, Failure> {
        match self.given(name) {
            None => Ok(default),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(other) => Err(wrong(name, "bool_type", "Input should be a valid boolean", other, None)),
        }
    }

    pub(crate) fn target(&self) -> Result<Mode, Failure> {
        let Some(given) = self.fields.get("target_mode") else {
            let whole = Value::Object(self.fields.clone());
            return Err(wrong("target_mode", "missing", "Field required", &whole, None));
        };
        serde_json::from_value(given.clone()).map_err(|_source| {
            let expected = "'online', 'offline', 'sovereign' or 'quarantine'";
            let msg = format!("Input should be {expected}");
            wrong("target_mode", "enum", &msg, given, Some(json!({ "expected": expected })))
        })
    }

    pub(crate) fn switch(&self) -> Result<SwitchRequest, Failure> {
        let override_reason = self.text("override_reason")?;
        if let Some(reason) =
            override_reason.as_ref().filter(|r| r.chars().count() < MIN_OVERRIDE_REASON_CHARS)
        {
            let msg = format!("String should have at least {MIN_OVERRIDE_REASON_CHARS} characters");
            return Err(wrong(
                "override_reason",
                "string_too_short",
                &msg,
                &Value::from(reason.as_str()),
                Some(json!({ "min_length": MIN_OVERRIDE_REASON_CHARS })),
            ));
        }
        Ok(SwitchRequest {
            target: self.target()?,
            force: self.flag("force", false)?,
            reason: self.text("reason")?,
            bundle_id: self.text("bundle_id")?,
            override_reason,
            override_ttl: self.override_ttl()?,
            override_token: self.text("override_token")?,
        })
    }

    fn override_ttl(&self) -> Result<Duration, Failure> {
        const NAME: &str = "override_duration_seconds";
        let Some(given) = self.given(NAME) else { return Ok(Duration::from_secs(3600)) };
        let Some(secs) = given.as_i64() else {
            return Err(wrong(NAME, "int_type", "Input should be a valid integer", given, None));
        };
        let ttl = Duration::from_secs(secs);
        let (min, max) = (MIN_OVERRIDE_TTL.as_millis() / 1000, MAX_OVERRIDE_TTL.as_millis() / 1000);
        if ttl < MIN_OVERRIDE_TTL {
            let msg = format!("Input should be greater than or equal to {min}");
            return Err(wrong(NAME, "greater_than_equal", &msg, given, Some(json!({ "ge": min }))));
        }
        if ttl > MAX_OVERRIDE_TTL {
            let msg = format!("Input should be less than or equal to {max}");
            return Err(wrong(NAME, "less_than_equal", &msg, given, Some(json!({ "le": max }))));
        }
        Ok(ttl)
    }

    pub(crate) fn export(&self) -> Result<ExportRequest, Failure> {
        let event_types = match self.given("event_types") {
            None => None,
            Some(list) => Some(serde_json::from_value(list.clone()).map_err(|_source| {
                wrong("event_types", "list_type", "Input should be a valid list of strings", list, None)
            })?),
        };
        Ok(ExportRequest {
            from: self.instant("start_time")?,
            until: self.instant("end_time")?,
            event_types,
            include_hash: self.flag("include_hash", true)?,
        })
    }

    fn instant(&self, name: &str) -> Result<Option<Timestamp>, Failure> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        read_instant(&text).map(Some).ok_or_else(|| {
            wrong(
                name,
                "datetime_from_date_parsing",
                "Input should be a valid datetime in UTC, such as 2025-12-25T14:15:23",
                &Value::from(text),
                None,
            )
        })
    }
}

fn wrong(name: &str, kind: &'static str, msg: &str, input: &Value, ctx: Option<Value>) -> Failure {
    let loc = vec!["body".into(), name.into()];
    Failure::invalid(Problem { kind, loc, msg: msg.to_owned(), input: input.clone(), ctx })
}

/// `2025-12-25T14:15:23[.fraction][Z]`, to the millisecond, always UTC.
fn read_instant(text: &str) -> Option<Timestamp> {
    let text = text.strip_suffix('Z').unwrap_or(text);
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let (date, clock) = whole.split_once(['T', ' '])?;
    let mut date = date.split('-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let mut clock = clock.split(':').map(|part| part.parse::<i64>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    let millis: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    let in_range = (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..60).contains(&second)
        && fraction.bytes().all(|b| b.is_ascii_digit());
    if date.next().is_some() || clock.next().is_some() || !in_range {
        return None;
    }
    // Days since the epoch, years counted from March (Howard Hinnant's days_from_civil).
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Some(Timestamp::from_millis((days * 86_400 + hour * 3600 + minute * 60 + second) * 1000 + millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_with_and_without_zone_are_utc() {
        for (text, millis) in [
            ("1970-01-01T00:00:00", 0),
            ("2025-12-25T14:15:23", 1_766_672_123_000),
            ("2025-12-25T14:15:23.456789Z", 1_766_672_123_456),
            ("2024-02-29 23:59:59.5", 1_709_251_199_500),
        ] {
            assert_eq!(read_instant(text), Some(Timestamp::from_millis(millis)), "{text}");
        }
        for text in
            ["", "2025-12-25", "2025-13-01T00:00:00", "2025-12-25T14:15", "2025-12-25T14:15:23+01:00", "x"]
        {
            assert_eq!(read_instant(text), None, "{text}");
        }
    }
}
