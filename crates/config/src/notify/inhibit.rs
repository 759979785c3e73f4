use std::collections::BTreeMap;

use assurance_metrics_model::{MatchOp, Matcher, is_legacy_label_name};
use assurance_notifier::routing::{InhibitRule, MAX_INHIBIT_RULES, parse_matchers};

use super::raw;
use crate::findings::{Findings, Place};

/// `inhibit_rules`
pub(crate) fn rules(
    findings: &mut Findings<'_>,
    place: &Place,
    list: Vec<Option<raw::InhibitRule>>,
) -> Vec<InhibitRule> {
    if list.len() > MAX_INHIBIT_RULES {
        findings.error(
            place,
            format!("there are {} inhibition rules", list.len()),
            format!("at most {MAX_INHIBIT_RULES} are taken; matchers with =~ can say several in one"),
        );
        return Vec::new();
    }
    let list = list.into_iter().enumerate();
    list.map(|(index, raw)| rule(findings, &place.at(index), &raw.unwrap_or_default())).collect()
}

fn rule(findings: &mut Findings<'_>, place: &Place, raw: &raw::InhibitRule) -> InhibitRule {
    findings.not_done(place, &raw.refused(), &[]);
    let side = |findings: &mut Findings<'_>, keys: [&str; 3], from: Written<'_>| {
        matchers(findings, place, keys, from)
    };
    let source = side(
        findings,
        ["source_match", "source_match_re", "source_matchers"],
        Written {
            equal: raw.source_match.as_ref(),
            regex: raw.source_match_re.as_ref(),
            texts: raw.source_matchers.as_deref(),
        },
    );
    let target = side(
        findings,
        ["target_match", "target_match_re", "target_matchers"],
        Written {
            equal: raw.target_match.as_ref(),
            regex: raw.target_match_re.as_ref(),
            texts: raw.target_matchers.as_deref(),
        },
    );
    for (key, matchers, other) in [("source", &source, "target"), ("target", &target, "source")] {
        if matchers.is_empty() && raw.refused().is_empty() {
            findings.warn(
                place,
                format!("the rule's {key} matches every alert"),
                format!("add {key}_matchers; as it is, only alerts that do not match the {other} matter"),
            );
        }
    }
    let equal = raw.equal.clone().unwrap_or_default();
    let at = place.at("equal");
    for (index, name) in equal.iter().enumerate() {
        label(findings, &at.at(index), name);
    }
    InhibitRule { source, target, equal }
}

/// Matchers in the three ways in which they can be written.
#[derive(Clone, Copy)]
pub(crate) struct Written<'a> {
    pub(crate) equal: Option<&'a BTreeMap<String, Option<String>>>,
    pub(crate) regex: Option<&'a BTreeMap<String, Option<String>>>,
    pub(crate) texts: Option<&'a [String]>,
}

/// All of them, sorted as Alertmanager sorts them.
pub(crate) fn matchers(
    findings: &mut Findings<'_>,
    place: &Place,
    [equal_key, regex_key, texts_key]: [&str; 3],
    from: Written<'_>,
) -> Vec<Matcher> {
    let mut out = Vec::new();
    for (name, value) in from.equal.into_iter().flatten() {
        old_name(findings, &place.at(equal_key).at(name.as_str()), name);
        out.push(Matcher::equal(name, value.as_deref().unwrap_or_default()));
    }
    for (name, value) in from.regex.into_iter().flatten() {
        let place = place.at(regex_key).at(name.as_str());
        old_name(findings, &place, name);
        let Some(value) = value else {
            findings.key_error(
                &place,
                format!("there is no regular expression for {name}"),
                "write one; .* matches every value",
            );
            continue;
        };
        match Matcher::new(name, MatchOp::Regex, value) {
            Ok(matcher) => out.push(matcher),
            Err(error) => findings.error(
                &place,
                format!("the regular expression is wrong: {}", error.reason),
                "it is matched against the whole value",
            ),
        }
    }
    out.extend(texts(findings, &place.at(texts_key), from.texts.unwrap_or_default()));
    out.sort_by(|a, b| (a.name(), a.value(), a.op() as u8).cmp(&(b.name(), b.value(), b.op() as u8)));
    out
}

/// A list of texts with matchers.
pub(crate) fn texts(findings: &mut Findings<'_>, place: &Place, list: &[String]) -> Vec<Matcher> {
    let mut out = Vec::new();
    for (index, text) in list.iter().enumerate() {
        match parse_matchers(text) {
            Ok(matchers) => out.extend(matchers),
            Err(error) => findings.error_within(
                &place.at(index),
                error.at,
                error.reason,
                "write matchers such as severity=\"critical\" or team=~\"a|b\", separated by commas",
            ),
        }
    }
    out
}

fn old_name(findings: &mut Findings<'_>, place: &Place, name: &str) {
    if !is_legacy_label_name(name) {
        findings.key_error(
            place,
            format!("{name:?} is no label name"),
            "label names consist of letters, digits and _, and do not begin with a digit; matchers takes others in quotes",
        );
    }
}

/// The name of a label in a list: any text but none.
pub(crate) fn label(findings: &mut Findings<'_>, place: &Place, name: &str) {
    if name.is_empty() {
        findings.error(place, "a label name cannot be empty", "write a name, or remove the dash");
    }
}
