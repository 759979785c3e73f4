//! A unit-test file as YAML has it: the format of `promtool test rules`, and `within`.

use std::collections::BTreeMap;

use assurance_diagnostics::yaml::deserialize_bool;
use serde::{Deserialize, Deserializer};

use crate::file::Text;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(default, deserialize_with = "or_nothing")]
    pub(super) rule_files: Vec<String>,
    pub(super) evaluation_interval: Option<Text>,
    #[serde(default, deserialize_with = "or_nothing")]
    pub(super) group_eval_order: Vec<String>,
    #[serde(default, deserialize_with = "deserialize_bool")]
    pub(super) fuzzy_compare: bool,
    #[serde(default, deserialize_with = "or_nothing")]
    pub(super) tests: Vec<Test>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Test {
    pub(super) name: Option<Text>,
    pub(super) interval: Option<Text>,
    #[serde(default, deserialize_with = "or_nothing")]
    pub(super) input_series: Vec<Series>,
    #[serde(default, deserialize_with = "or_nothing")]
    pub(super) alert_rule_test: Vec<AlertTest>,
    #[serde(default, deserialize_with = "or_nothing")]
    pub(super) promql_expr_test: Vec<QueryTest>,
    #[serde(default, deserialize_with = "or_nothing")]
    pub(super) external_labels: BTreeMap<String, Text>,
    pub(super) external_url: Option<Text>,
    pub(super) start_timestamp: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Series {
    pub(super) series: String,
    pub(super) values: Text,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AlertTest {
    pub(super) eval_time: Text,
    #[serde(default, deserialize_with = "or_nothing")]
    pub(super) alertname: String,
    /// Ours: how much later than `eval_time` the alerts may be as expected.
    pub(super) within: Option<Text>,
    #[serde(default, deserialize_with = "or_nothing")]
    pub(super) exp_alerts: Vec<Alert>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Alert {
    #[serde(default, deserialize_with = "or_nothing")]
    pub(super) exp_labels: BTreeMap<String, Text>,
    #[serde(default, deserialize_with = "or_nothing")]
    pub(super) exp_annotations: BTreeMap<String, Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct QueryTest {
    pub(super) expr: Text,
    pub(super) eval_time: Text,
    #[serde(default, deserialize_with = "or_nothing")]
    pub(super) exp_samples: Vec<Sample>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sample {
    #[serde(default)]
    pub(super) labels: Text,
    pub(super) value: Option<Text>,
    pub(super) histogram: Option<Text>,
}

/// A key without a value is the same as no key.
fn or_nothing<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}
