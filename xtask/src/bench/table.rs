//! What a comparison prints.

/// One line: what was measured, theirs, ours, in the same unit, and the ratio that is aimed at.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) theirs: f64,
    pub(crate) ours: f64,
    pub(crate) goal: Option<f64>,
    pub(crate) note: String,
}

/// A table with ratios to Prometheus, and whether every goal is reached.
pub(crate) fn print(title: &str, unit: &str, rows: &[Row]) -> (String, Vec<String>) {
    print_beside("Prometheus", title, unit, rows)
}

/// A table with ratios to somebody, and whether every goal is reached.
pub(crate) fn print_beside(who: &str, title: &str, unit: &str, rows: &[Row]) -> (String, Vec<String>) {
    let width = rows.iter().map(|row| row.what.chars().count()).max().unwrap_or_default();
    let mut out = format!("{title}\n{:width$}  {who:>15} {:>12} {:>7} {:>6}\n", "", "ours", "ratio", "goal");
    let mut missed = Vec::new();
    for row in rows {
        let ratio = row.ours / row.theirs;
        let goal = row.goal.map_or_else(String::new, |goal| format!("{goal}"));
        let reached = row.goal.is_none_or(|goal| ratio <= goal);
        if !reached {
            missed.push(format!("{} {ratio:.3}", row.what));
        }
        let padding = " ".repeat(width - row.what.chars().count());
        out.push_str(&format!(
            "{}{padding}  {:>15} {:>12} {ratio:>7.3} {goal:>6}{} {}\n",
            row.what,
            figure(row.theirs, unit),
            figure(row.ours, unit),
            if reached { "  " } else { " !" },
            row.note
        ));
    }
    (out, missed)
}

fn figure(value: f64, unit: &str) -> String {
    let digits = if value >= 100.0 {
        0
    } else if value >= 1.0 {
        2
    } else {
        3
    };
    format!("{value:.digits$} {unit}")
}

/// The middle one.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_that_is_missed_is_named() {
        let row =
            |ours| Row { what: "h1".to_owned(), theirs: 10.0, ours, goal: Some(0.1), note: String::new() };
        assert_eq!(print("", "ms", &[row(1.0)]).1, [""; 0]);
        assert_eq!(print("", "ms", &[row(1.5)]).1, ["h1 0.150"]);
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), 2.0);
    }
}
