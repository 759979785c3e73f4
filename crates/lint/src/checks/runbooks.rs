use std::collections::BTreeSet;
use std::ops::Range;

use super::Bench;
use crate::catalog;
use crate::found::{Found, words};
use crate::links::{Link, Page, links};

/// Words by which an annotation, a line or a file is known as a runbook.
const WORDS: [&str; 2] = ["runbook", "playbook"];

/// Files that list runbooks and are none themselves.
const INDEXES: [&str; 2] = ["readme.md", "index.md"];

pub(super) fn check(bench: &Bench<'_>, found: &mut Found) {
    let mut used: BTreeSet<(String, Option<String>)> = BTreeSet::new();
    for (subject, alert) in bench.alerts() {
        let mut any = false;
        for (name, template) in &alert.annotations {
            let text = template.text();
            let named = is_runbook(name);
            any |= named && !text.trim().is_empty() || mentions(text);
            for link in links(text).into_iter().filter(|link| !link.file.is_empty()) {
                let line = line_around(text, &link.place);
                if !named && !is_runbook(line) && !is_runbook(&link.file) {
                    continue;
                }
                any = true;
                used.insert((link.file.clone(), link.anchor.clone()));
                let Some(pages) = bench.pages else { continue };
                let at = subject.template("annotations", name, &link.place);
                if let Some((check, said)) = dead(pages, &link) {
                    found.rule(check, subject, at, said);
                }
            }
        }
        if !any {
            let message = format!("{} names no runbook", alert.alert);
            found.rule(&catalog::RUNBOOK_NONE, subject, subject.name(), words(message, "", ""));
        }
    }
    let Some(pages) = bench.pages else { return };
    for page in pages {
        inside(pages, page, found);
        if bench.alerts().next().is_some() {
            unreferenced(page, &used, found);
        }
    }
}

fn is_runbook(text: &str) -> bool {
    let lower = text.to_lowercase();
    WORDS.iter().any(|word| lower.contains(word))
}

/// A link to a runbook that is no Markdown file here.
fn mentions(text: &str) -> bool {
    let words = text.split_whitespace();
    words.into_iter().any(|word| word.contains("://") && is_runbook(word))
}

fn line_around<'t>(text: &'t str, place: &Range<usize>) -> &'t str {
    let start = text[..place.start].rfind('\n').map_or(0, |n| n + 1);
    let end = text[place.end..].find('\n').map_or(text.len(), |n| place.end + n);
    &text[start..end]
}

fn dead(pages: &[Page], link: &Link) -> Option<(&'static crate::Check, crate::found::Words)> {
    let here: Vec<&Page> = pages.iter().filter(|page| page.file == link.file).collect();
    if here.is_empty() {
        let near = assurance_diagnostics::suggest(&link.file, pages.iter().map(|p| p.file.as_str()));
        let help = near.map(|near| format!("did you mean `{near}`?")).unwrap_or_default();
        let message = format!("there is no runbook {}", link.file);
        return Some((&catalog::RUNBOOK_DEAD_FILE, words(message, "", help)));
    }
    let anchor = link.anchor.as_ref()?;
    if here.iter().any(|page| page.has_anchor(anchor)) {
        return None;
    }
    let near = here.iter().find_map(|page| page.near(anchor));
    let help = near.map(|near| format!("did you mean `#{near}`?")).unwrap_or_default();
    let message = format!("no heading of {} gives #{anchor}", link.file);
    Some((&catalog::RUNBOOK_DEAD_ANCHOR, words(message, "the link opens at the top of the page", help)))
}

/// Links from one runbook to another.
fn inside(pages: &[Page], page: &Page, found: &mut Found) {
    let text = page.source.text();
    for link in links(text) {
        let own = link.file.is_empty();
        // Other documents than the ones given are not known here.
        if !own && !pages.iter().any(|p| p.file == link.file) {
            continue;
        }
        let full = Link { file: if own { page.file.clone() } else { link.file.clone() }, ..link };
        if let Some((check, said)) = dead(pages, &full) {
            found.push(check, &page.source, Some(full.place), said);
        }
    }
}

/// Runbooks that no alert leads to.
fn unreferenced(page: &Page, used: &BTreeSet<(String, Option<String>)>, found: &mut Found) {
    if INDEXES.contains(&page.file.to_lowercase().as_str()) {
        return;
    }
    let anchors: Vec<&Option<String>> =
        used.iter().filter(|(file, _)| *file == page.file).map(|(_, anchor)| anchor).collect();
    if anchors.is_empty() {
        let at = page.headings.first().map(|heading| heading.place.clone());
        let message = format!("no alert leads to {}", page.file);
        found.push(&catalog::RUNBOOK_UNREFERENCED, &page.source, at, words(message, "", ""));
        return;
    }
    // A page of several runbooks: each has a heading of its own.
    let several: Vec<_> = page.headings.iter().filter(|h| is_runbook(&h.text) && h.level > 1).collect();
    if several.len() < 2 || anchors.contains(&&None) {
        return;
    }
    for heading in several {
        let leads = |anchor: &&&Option<String>| {
            anchor.as_ref().is_some_and(|a| heading.anchor == *a || heading.anchor.ends_with(a.as_str()))
        };
        if !anchors.iter().any(|anchor| leads(&anchor)) {
            let message = format!("no alert leads to {:?}", heading.text);
            let at = Some(heading.place.clone());
            found.push(&catalog::RUNBOOK_UNREFERENCED, &page.source, at, words(message, "", ""));
        }
    }
}
