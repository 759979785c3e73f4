//! A rule file as YAML has it, before its values mean anything.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

/// The shapes, once with `deny_unknown_fields` and once without: serde decides it for each type.
macro_rules! shapes {
    ($($unknown:meta)?) => {
        #[derive(Debug, Default, Deserialize)]
        $(#[$unknown])?
        pub(in crate::file) struct File {
            #[serde(default)]
            pub(in crate::file) groups: Option<Vec<Option<Group>>>,
        }

        #[derive(Debug, Deserialize)]
        $(#[$unknown])?
        pub(in crate::file) struct Group {
            pub(in crate::file) name: Option<Text>,
            pub(in crate::file) interval: Option<Text>,
            pub(in crate::file) query_offset: Option<Text>,
            pub(in crate::file) limit: Option<i64>,
            #[serde(default)]
            pub(in crate::file) labels: Option<BTreeMap<String, Text>>,
            #[serde(default)]
            pub(in crate::file) rules: Option<Vec<Option<Rule>>>,
        }

        #[derive(Debug, Deserialize)]
        $(#[$unknown])?
        pub(in crate::file) struct Rule {
            pub(in crate::file) record: Option<Text>,
            pub(in crate::file) alert: Option<Text>,
            pub(in crate::file) expr: Option<Text>,
            #[serde(rename = "for")]
            pub(in crate::file) hold: Option<Text>,
            pub(in crate::file) keep_firing_for: Option<Text>,
            #[serde(default)]
            pub(in crate::file) labels: Option<BTreeMap<String, Text>>,
            #[serde(default)]
            pub(in crate::file) annotations: Option<BTreeMap<String, Text>>,
        }
    };
}

shapes!(serde(deny_unknown_fields));

/// The same shapes, in which unknown keys are passed over.
pub(super) mod lenient {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::Text;

    shapes!();

    impl From<File> for super::File {
        fn from(file: File) -> Self {
            let groups = file.groups.map(|groups| groups.into_iter().map(|g| g.map(Into::into)).collect());
            Self { groups }
        }
    }

    impl From<Group> for super::Group {
        fn from(group: Group) -> Self {
            let Group { name, interval, query_offset, limit, labels, rules } = group;
            let rules = rules.map(|rules| rules.into_iter().map(|r| r.map(Into::into)).collect());
            Self { name, interval, query_offset, limit, labels, rules }
        }
    }

    impl From<Rule> for super::Rule {
        fn from(rule: Rule) -> Self {
            let Rule { record, alert, expr, hold, keep_firing_for, labels, annotations } = rule;
            Self { record, alert, expr, hold, keep_firing_for, labels, annotations }
        }
    }
}

/// Any scalar as the text it was written as, like Go's reader gives it; nothing is the empty text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Text(pub(crate) String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Option::<String>::deserialize(deserializer)?.unwrap_or_default()))
    }
}
