use std::collections::BTreeMap;

use assurance_diagnostics::{Diagnostic, Source, yaml};
use assurance_metrics_model::{Labels, is_legacy_label_name};
use serde::Deserialize;

use crate::TargetGroup;

/// The label that names the file a target was read from.
const META_FILEPATH: &str = "__meta_filepath";

/// One file of a [`FileSd`](crate::FileSd), as the edge found it.
#[derive(Clone, Debug, PartialEq)]
pub struct DiscoveredFile {
    /// Its path.
    pub path: String,
    /// What it lists, or why that cannot be told: then the groups read last stay.
    pub groups: Result<Vec<TargetGroup>, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    #[serde(default)]
    targets: Option<Vec<String>>,
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
}

/// Reads a file that lists targets, YAML or JSON (which YAML contains).
///
/// # Errors
/// With place and remedy, if the file is not a list of groups with `targets` and `labels`.
///
/// ```
/// use assurance_diagnostics::Source;
/// let source = Source::new("backends.yml", "- targets: ['backend:8000']\n  labels: {layer: governance}\n");
/// let groups = assurance_scrape::parse_file_sd(&source)?;
/// assert_eq!(groups[0].targets, ["backend:8000"]);
/// assert_eq!(groups[0].labels.get("__meta_filepath"), Some("backends.yml"));
/// # Ok::<(), assurance_diagnostics::Diagnostic>(())
/// ```
pub fn parse_file_sd(source: &Source) -> Result<Vec<TargetGroup>, Diagnostic> {
    let groups: Option<Vec<Group>> = yaml::parse(source)?;
    let mut out = Vec::new();
    for (index, group) in groups.unwrap_or_default().into_iter().enumerate() {
        let mut labels = vec![(META_FILEPATH.to_owned(), source.name().to_owned())];
        for (name, value) in group.labels.unwrap_or_default() {
            if !is_legacy_label_name(&name) {
                let path = [index.into(), "labels".into(), name.as_str().into()];
                let span = yaml::locate_key(source, &path);
                return Err(Diagnostic::error(source, span, format!("{name:?} is no label name")).with_help(
                    "label names consist of letters, digits and _, and do not begin with a digit",
                ));
            }
            labels.push((name, value));
        }
        out.push(TargetGroup {
            labels: Labels::from_pairs(labels),
            targets: group.targets.unwrap_or_default(),
            source: format!("{}:{index}", source.name()),
        });
    }
    Ok(out)
}
