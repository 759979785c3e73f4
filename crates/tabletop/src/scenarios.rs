/// Names of files and their texts.
const EMBEDDED: &[(&str, &str)] = &[("TABLETOP-001.yml", include_str!("../scenarios/TABLETOP-001.yml"))];

/// The scenarios that come with this crate: names of files, and texts.
pub fn scenarios() -> &'static [(&'static str, &'static str)] {
    EMBEDDED
}
