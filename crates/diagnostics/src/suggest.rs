/// The candidate that was probably meant: the nearest by edit distance, where a third of the letters (and at
/// least one) may differ. `None` where nothing is near, or `wrong` is itself a candidate.
///
/// ```
/// use assurance_diagnostics::suggest;
///
/// assert_eq!(suggest("scrape_intervall", ["scrape_interval", "scrape_timeout"]), Some("scrape_interval"));
/// assert_eq!(suggest("colour", ["expr", "for"]), None);
/// ```
pub fn suggest<'a>(wrong: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong: Vec<char> = wrong.chars().take(MAX_CHARS + 1).collect();
    if wrong.len() > MAX_CHARS {
        return None;
    }
    let allowed = (wrong.len() / 3).max(1);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let chars: Vec<char> = candidate.chars().take(MAX_CHARS + 1).collect();
        if chars.len() > MAX_CHARS {
            continue;
        }
        let distance = distance(&wrong, &chars);
        if distance == 0 {
            return None;
        }
        if distance <= allowed && best.is_none_or(|(d, _)| distance < d) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Longer names are compared with nobody: the distance is quadratic, and nobody misspells 64 letters.
const MAX_CHARS: usize = 64;

/// Edits between two names: a letter added, removed, replaced, or two neighbours swapped (optimal string
/// alignment).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let replaced = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before[j - 2] + 1);
            }
            row[j] = least;
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}
