//! What a comparison prints.

use std::fmt;

/// The middle of some measurements, and how far they reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spread {
    pub(super) median: f64,
    least: f64,
    most: f64,
}

impl Spread {
    pub(super) fn of(values: &[f64]) -> Self {
        let mut values = values.to_vec();
        values.sort_by(f64::total_cmp);
        let at = |at: usize| values.get(at).copied().unwrap_or(f64::NAN);
        Self { median: at(values.len() / 2), least: at(0), most: at(values.len().saturating_sub(1)) }
    }
}

impl Spread {
    /// As [`Spread::of`], around what was measured over all of the time: for what is counted in coarse ticks.
    pub(super) fn around(whole: f64, parts: &[f64]) -> Self {
        Self { median: whole, ..Self::of(parts) }
    }
}

impl From<f64> for Spread {
    fn from(value: f64) -> Self {
        Self::of(&[value])
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&figure(self.median))?;
        if self.least < self.most {
            write!(f, " ({}–{})", figure(self.least), figure(self.most))?;
        }
        Ok(())
    }
}

/// As many digits as there is something behind.
fn figure(value: f64) -> String {
    let digits = match value.abs() {
        100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        _ => 3,
    };
    format!("{value:.digits$}")
}

/// What a row aims at.
#[derive(Clone, Copy, Debug)]
pub(super) enum Goal {
    /// At most this times what the side of this name has.
    Times(f64, &'static str),
    /// At most this, in the row's unit.
    AtMost(f64),
}

/// One measurement, of all sides in the same unit.
#[derive(Clone, Debug)]
struct Row {
    what: String,
    values: Vec<Option<Spread>>,
    goals: Vec<Goal>,
    note: String,
}

/// Measurements of several sides, ours first; the others' columns have the ratios, below 1 where ours is less.
#[derive(Clone, Debug)]
pub(super) struct Table {
    title: String,
    sides: Vec<&'static str>,
    rows: Vec<Row>,
    /// Whether goals are held to.
    is_judged: bool,
}

impl Table {
    pub(super) fn new(title: &str, sides: &[&'static str]) -> Self {
        Self { title: title.to_owned(), sides: sides.to_vec(), rows: Vec::new(), is_judged: true }
    }

    /// The same without goals, where what is measured is too small for them.
    pub(super) fn unjudged_if(mut self, is_quick: bool) -> Self {
        self.is_judged = !is_quick;
        self
    }

    /// A row; a side that has no value is `None`.
    pub(super) fn row(&mut self, what: &str, values: Vec<Option<Spread>>, goals: &[Goal], note: &str) {
        self.rows.push(Row { what: what.to_owned(), values, goals: goals.to_vec(), note: note.to_owned() });
    }

    /// The goals that are missed, each in a few words. A goal against a side that is not there is none.
    pub(super) fn missed(&self) -> Vec<String> {
        let mut missed = Vec::new();
        for row in &self.rows {
            for (side, name) in self.sides.iter().enumerate() {
                if let Some((value, goal)) = self.judged(row, side).filter(|(value, goal)| value > goal) {
                    let of = if side == 0 { String::new() } else { format!(" of {name}'s") };
                    missed.push(format!("{}: {}{of}, aimed at {goal}", row.what, figure(value)));
                }
            }
        }
        missed
    }

    /// What is held to a goal in a side's column, and the goal.
    fn judged(&self, row: &Row, side: usize) -> Option<(f64, f64)> {
        let value = |side: usize| row.values.get(side).copied().flatten().map(|spread| spread.median);
        row.goals.iter().filter(|_| self.is_judged).find_map(|goal| match goal {
            Goal::AtMost(most) if side == 0 => Some((value(0)?, *most)),
            Goal::Times(most, name) if side > 0 && self.sides[side] == *name => {
                Some((value(0)? / value(side)?, *most))
            }
            _ => None,
        })
    }

    fn cells(&self, row: &Row) -> Vec<String> {
        let mut cells = vec![row.what.clone()];
        let verdict = |side: usize| {
            self.judged(row, side).map_or_else(String::new, |(value, goal)| {
                format!(" [≤ {goal} {}]", if value <= goal { "ok" } else { "MISSED" })
            })
        };
        for side in 0..self.sides.len() {
            let spread = row.values.get(side).copied().flatten();
            let value = spread.map_or_else(|| "-".to_owned(), |spread| spread.to_string());
            if side == 0 {
                cells.push(value + &verdict(0));
                continue;
            }
            let ours = row.values.first().copied().flatten();
            let ratio = ours.zip(spread).map(|(ours, theirs)| ours.median / theirs.median);
            cells.push(value);
            cells.push(ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.3}")) + &verdict(side));
        }
        cells.push(row.note.clone());
        cells
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut head = vec![self.title.clone()];
        for (side, name) in self.sides.iter().enumerate() {
            head.push((*name).to_owned());
            if side > 0 {
                head.push("ratio".to_owned());
            }
        }
        head.push(String::new());
        let lines: Vec<Vec<String>> =
            std::iter::once(head).chain(self.rows.iter().map(|r| self.cells(r))).collect();
        let width = |at: usize| lines.iter().map(|line| line[at].chars().count()).max().unwrap_or_default();
        let widths: Vec<usize> = (0..lines[0].len()).map(width).collect();
        for line in &lines {
            let padded: Vec<String> =
                line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
            writeln!(f, "{}", padded.join("  ").trim_end())?;
        }
        Ok(())
    }
}

/// Ends a benchmark: an error that names every goal missed and whatever else is not as it should be.
pub(super) fn verdict(bench: &str, faults: &[String]) -> Result<(), String> {
    if faults.is_empty() { Ok(()) } else { Err(format!("bench {bench}: {}", faults.join("; "))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(ours: f64, victoria: Option<f64>) -> Table {
        let mut table = Table::new("CPU", &["ours", "Prometheus", "VictoriaMetrics"]);
        let values = vec![Some(Spread::of(&[ours, 9.0, 0.5])), Some(10.0.into()), victoria.map(Spread::from)];
        let goals = [Goal::Times(0.1, "Prometheus"), Goal::Times(0.6, "VictoriaMetrics"), Goal::AtMost(1.2)];
        table.row("h1", values, &goals, "noted");
        table
    }

    #[test]
    fn every_goal_that_is_missed_is_named() {
        assert_eq!(table(1.0, Some(2.0)).missed(), [""; 0]);
        assert_eq!(
            table(1.5, Some(2.0)).missed(),
            [
                "h1: 1.50, aimed at 1.2",
                "h1: 0.150 of Prometheus's, aimed at 0.1",
                "h1: 0.750 of VictoriaMetrics's, aimed at 0.6"
            ]
        );
        assert_eq!(table(1.5, Some(2.0)).unjudged_if(true).missed(), [""; 0]);
        assert_eq!(table(1.0, None).missed(), [""; 0], "who is not there sets no goal");
    }

    #[test]
    fn a_row_shows_spread_ratio_and_verdict() {
        let text = table(1.5, None).to_string();
        let row: Vec<&str> =
            text.lines().nth(1).unwrap_or_default().split("  ").filter(|c| !c.is_empty()).collect();
        assert_eq!(
            row.iter().map(|cell| cell.trim()).collect::<Vec<_>>(),
            ["h1", "1.50 (0.500–9.00) [≤ 1.2 MISSED]", "10.0", "0.150 [≤ 0.1 MISSED]", "-", "-", "noted"]
        );
    }
}
