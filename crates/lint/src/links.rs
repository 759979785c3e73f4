//! Links to runbooks, and the headings that they may lead to.

use std::collections::BTreeMap;
use std::ops::Range;

use assurance_diagnostics::Source;

/// A runbook file and its anchors.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) source: Source,
    /// The last part of its path, by which links find it.
    pub(crate) file: String,
    pub(crate) headings: Vec<Heading>,
}

/// A heading and the anchor that GitHub makes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Heading {
    pub(crate) level: usize,
    pub(crate) text: String,
    pub(crate) anchor: String,
    pub(crate) place: Range<usize>,
}

/// A link in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    /// The last part of the path; empty for a place in the same file.
    pub(crate) file: String,
    pub(crate) anchor: Option<String>,
    pub(crate) place: Range<usize>,
}

impl Page {
    pub(crate) fn read(source: &Source) -> Self {
        let file = source.name().rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
        Self { source: source.clone(), file, headings: headings(source.text()) }
    }

    pub(crate) fn has_anchor(&self, anchor: &str) -> bool {
        let named = |attribute: &str| self.source.text().contains(&format!("{attribute}=\"{anchor}\""));
        self.headings.iter().any(|h| h.anchor == anchor) || named("id") || named("name")
    }

    /// The anchor that was probably meant.
    pub(crate) fn near(&self, anchor: &str) -> Option<&str> {
        let anchors = || self.headings.iter().map(|h| h.anchor.as_str());
        anchors()
            .find(|known| known.ends_with(anchor) || known.starts_with(anchor))
            .or_else(|| assurance_diagnostics::suggest(anchor, anchors()))
    }
}

fn headings(text: &str) -> Vec<Heading> {
    let mut out = Vec::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut fence: Option<&str> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let trimmed = line.trim();
        let mark = ["```", "~~~"].into_iter().find(|mark| trimmed.starts_with(mark));
        match (fence, mark) {
            (None, Some(mark)) => fence = Some(mark),
            (Some(open), Some(mark)) if open == mark => fence = None,
            _ => {}
        }
        let level = trimmed.len() - trimmed.trim_start_matches('#').len();
        if fence.is_some()
            || mark.is_some()
            || !(1..=6).contains(&level)
            || !trimmed[level..].starts_with(' ')
        {
            continue;
        }
        let heading = trimmed[level..].trim().trim_end_matches('#').trim_end();
        let plain = slug(heading);
        let count = seen.entry(plain.clone()).or_insert(0);
        let anchor = if *count == 0 { plain } else { format!("{plain}-{count}") };
        *count += 1;
        let place = start..start + line.trim_end().len();
        out.push(Heading { level, text: heading.to_owned(), anchor, place });
    }
    out
}

/// GitHub's anchor of a heading: lower case, blanks become hyphens, and only letters, digits, `-` and `_` stay.
pub(crate) fn slug(heading: &str) -> String {
    let mut text = String::new();
    let mut rest = heading;
    // Of a link only its words count.
    while let Some(open) = rest.find('[') {
        let link = rest[open..].find("](").and_then(|mid| {
            let close = rest[open + mid..].find(')')?;
            Some((open + mid, open + mid + close + 1))
        });
        let Some((mid, end)) = link else { break };
        text.push_str(&rest[..open]);
        text.push_str(&rest[open + 1..mid]);
        rest = &rest[end..];
    }
    text.push_str(rest);
    let lower = text.to_lowercase();
    let kept = lower.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// Links to Markdown files, and to places in the same file by `](#…)`.
pub(crate) fn links(text: &str) -> Vec<Link> {
    let mut out = Vec::new();
    for (at, _) in text.match_indices(".md") {
        let end = at + 3;
        let outside = |c: char| c.is_whitespace() || "()[]<>\"'`{},".contains(c);
        let start =
            text[..at].rfind(outside).map_or(0, |n| n + text[n..].chars().next().map_or(1, char::len_utf8));
        let rest = &text[end..];
        // `.mdx` and the like are other files.
        if rest.starts_with(|c: char| c.is_alphanumeric()) {
            continue;
        }
        let mut stop = end;
        let mut anchor = None;
        if let Some(fragment) = rest.strip_prefix('#') {
            let len = fragment
                .find(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_' | '%')))
                .unwrap_or(fragment.len());
            anchor = Some(fragment[..len].to_owned());
            stop = end + 1 + len;
        }
        let file = text[start..end].rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
        if file.len() > 3 {
            out.push(Link { file, anchor, place: start..stop });
        }
    }
    for (at, _) in text.match_indices("](#") {
        let start = at + 2;
        let end = text[start..].find(')').map_or(text.len(), |n| start + n);
        let anchor = Some(text[start + 1..end].to_owned());
        out.push(Link { file: String::new(), anchor, place: start..end });
    }
    out.sort_by_key(|link| link.place.start);
    out
}

#[cfg(test)]
mod tests {
    use proptest::strategy::Strategy as _;

    use super::*;

    #[test]
    fn anchors_are_those_of_github() {
        for (heading, anchor) in [
            ("Runbook 1: Owner Override Active", "runbook-1-owner-override-active"),
            ("What to do?", "what-to-do"),
            ("`up` == 0 & more", "up--0--more"),
            ("See [the guide](guide.md)", "see-the-guide"),
            ("Über_alles", "über_alles"),
        ] {
            assert_eq!(slug(heading), anchor);
        }
        let text = "# A\n```\n# no heading\n```\n## B ##\n## B\n#not\n";
        let found: Vec<_> = headings(text).into_iter().map(|h| (h.level, h.anchor)).collect();
        assert_eq!(found, [(1, "a".to_owned()), (2, "b".to_owned()), (2, "b-1".to_owned())]);
    }

    #[test]
    fn links_are_found_in_any_text() {
        let text = "**Runbook:** docs/RUNBOOKS.md#owner-override.\nor [x](https://host/a/b.md) and [y](#there), not a.mdx";
        let found: Vec<_> = links(text).into_iter().map(|l| (l.file, l.anchor)).collect();
        assert_eq!(
            found,
            [
                ("RUNBOOKS.md".to_owned(), Some("owner-override".to_owned())),
                ("b.md".to_owned(), None),
                (String::new(), Some("there".to_owned())),
            ]
        );
    }

    proptest::proptest! {
        #[test]
        fn every_place_lies_in_its_page(parts in proptest::collection::vec(
            proptest::prop_oneof![
                "\\PC{0,4}",
                proptest::sample::select(vec![".md", "#", "](#", "\n", "```", "## ", "a", "/", ")", "[x]("])
                    .prop_map(str::to_owned),
            ], 0..24)) {
            let text = parts.concat();
            for link in links(&text) {
                assert!(text.get(link.place).is_some());
            }
            for heading in headings(&text) {
                assert!(text.get(heading.place).is_some());
            }
        }
    }
}
