//! A timeline as lines of characters.

use std::fmt::Write as _;

use assurance_metrics_model::{Duration, Timestamp};

/// Columns of a drawing.
pub const WIDTH: usize = 100;

/// Columns of the names on the left.
const GUTTER: usize = 16;

/// Columns of the drawing itself.
const PLOT: i64 = 83;

/// Milliseconds a column may stand for.
const SCALES: [i64; 20] = [
    100, 200, 500, 1_000, 2_000, 3_000, 5_000, 6_000, 10_000, 15_000, 20_000, 30_000, 60_000, 120_000,
    180_000, 300_000, 600_000, 1_200_000, 1_800_000, 3_600_000,
];

/// What is drawn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chart {
    /// From when times are counted.
    pub start: Timestamp,
    /// The instant at the left.
    pub from: Timestamp,
    /// The instant at the right.
    pub until: Timestamp,
    /// The rows, from the top.
    pub rows: Vec<Row>,
    /// What the characters mean.
    pub legend: Vec<String>,
}

/// A row of a chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What it shows; on a line of its own where it is longer than the margin.
    pub name: String,
    /// What is in it.
    pub content: Content,
}

/// What a row shows.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Characters at instants. Where two share a column, the later in this list counts.
    Marks(Vec<(Timestamp, char)>),
    /// A state from each instant on, until the next.
    States(Vec<(Timestamp, char)>),
    /// Values from each instant on, written where they change; `None` is no value.
    Values(Vec<(Timestamp, Option<String>)>),
    /// A note below an instant.
    Note(Timestamp, String),
}

impl Chart {
    /// As lines of at most [`WIDTH`] columns.
    pub fn text(&self) -> String {
        let scale = self.scale();
        let mut out = self.axis(scale);
        for row in &self.rows {
            let cells = match &row.content {
                Content::Marks(marks) => self.marks(marks, scale),
                Content::States(states) => self.states(states, scale),
                Content::Values(values) => self.values(values, scale),
                Content::Note(at, note) => self.note(*at, note, scale),
            };
            // Writing to a String cannot fail.
            let _infallible = if row.name.chars().count() < GUTTER {
                write!(out, "{:<GUTTER$}", row.name)
            } else {
                let name: String = row.name.chars().take(WIDTH).collect();
                write!(out, "{}\n{:GUTTER$}", name.trim_end(), "")
            };
            out.extend(cells);
            out.truncate(out.trim_end().len());
            out.push('\n');
        }
        let mut line = String::new();
        for word in &self.legend {
            if line.chars().count() + word.chars().count() > PLOT as usize {
                // Writing to a String cannot fail.
                let _infallible = writeln!(out, "{:GUTTER$}{}", "", line.trim_end());
                line.clear();
            }
            line.push_str(word);
            line.push_str("   ");
        }
        if !line.is_empty() {
            let _infallible = writeln!(out, "{:GUTTER$}{}", "", line.trim_end());
        }
        out
    }

    /// What one column stands for.
    pub fn column(&self) -> Duration {
        Duration::from_millis(self.scale())
    }

    fn scale(&self) -> i64 {
        let span = (self.until - self.from).as_millis().max(1);
        let fits = |scale: &&i64| span / **scale < PLOT;
        SCALES.iter().find(fits).copied().unwrap_or(span / PLOT + 1)
    }

    fn place(&self, at: Timestamp, scale: i64) -> Option<usize> {
        let column = (at - self.from).as_millis().div_euclid(scale);
        usize::try_from(column).ok().filter(|column| *column < PLOT as usize && at <= self.until)
    }

    fn blank() -> Vec<char> {
        vec![' '; PLOT as usize]
    }

    fn axis(&self, scale: i64) -> String {
        // A label needs some ten columns.
        let apart = SCALES.iter().copied().find(|apart| apart / scale >= 10 && apart % scale == 0);
        let apart = apart.unwrap_or(scale * 10);
        let (mut labels, mut ticks) = (Self::blank(), Self::blank());
        let first = (self.from - self.start).as_millis();
        let mut from_start = first - first.rem_euclid(apart);
        while let Some(column) = self.place(self.start + Duration::from_millis(from_start.max(first)), scale)
        {
            if from_start >= first {
                ticks[column] = '|';
                let label = Duration::from_millis(from_start).to_string();
                if column + label.len() <= labels.len() {
                    put(&mut labels, column, &label);
                }
            }
            from_start += apart;
        }
        let line = |cells: Vec<char>| {
            let text: String = cells.into_iter().collect();
            format!("{:GUTTER$}{}\n", "", text.trim_end())
        };
        line(labels) + &line(ticks)
    }

    fn marks(&self, marks: &[(Timestamp, char)], scale: i64) -> Vec<char> {
        let mut cells = Self::blank();
        for (at, mark) in marks {
            if let Some(column) = self.place(*at, scale) {
                cells[column] = *mark;
            }
        }
        cells
    }

    fn states(&self, states: &[(Timestamp, char)], scale: i64) -> Vec<char> {
        let end = self.place(self.until, scale).map_or(PLOT as usize, |column| column + 1);
        let mut cells = Self::blank();
        for (index, (at, state)) in states.iter().enumerate() {
            let first = self.place(*at, scale).unwrap_or(if *at < self.from { 0 } else { end });
            let last = match states.get(index + 1) {
                Some((next, _)) if *next < self.from => 0,
                Some((next, _)) => self.place(*next, scale).unwrap_or(end),
                None => end,
            };
            // A state that is shorter than a column is shown all the same.
            let last = last.max(first + usize::from(*at >= self.from)).min(end);
            for cell in cells.iter_mut().take(last).skip(first) {
                *cell = *state;
            }
        }
        cells
    }

    fn values(&self, values: &[(Timestamp, Option<String>)], scale: i64) -> Vec<char> {
        let mut cells = Self::blank();
        let mut before: Option<&str> = None;
        let mut free = 0;
        for (at, value) in values {
            let Some(column) = self.place(*at, scale) else { continue };
            match value.as_deref() {
                None => cells[column] = if column >= free { 'x' } else { cells[column] },
                Some(value) if before == Some(value) => {
                    if column >= free {
                        cells[column] = '"';
                    }
                }
                // A change that has no room left is still marked as one.
                Some(_) if column < free => cells[free.min(PLOT as usize - 1)] = '+',
                Some(value) => {
                    put(&mut cells, column, value);
                    free = column + value.chars().count() + 1;
                }
            }
            before = value.as_deref();
        }
        cells
    }

    fn note(&self, at: Timestamp, note: &str, scale: i64) -> Vec<char> {
        let mut cells = Self::blank();
        let Some(column) = self.place(at, scale) else {
            put(&mut cells, 0, &format!("{note} (at {})", at - self.start));
            return cells;
        };
        let text = format!("^ {note}");
        let length = text.chars().count();
        if column + length <= PLOT as usize {
            put(&mut cells, column, &text);
        } else {
            let text = format!("{note} ^");
            put(&mut cells, (column + 1).saturating_sub(text.chars().count()), &text);
        }
        cells
    }
}

/// Writes a text into cells, as far as they go.
fn put(cells: &mut [char], from: usize, text: &str) {
    for (cell, letter) in cells.iter_mut().skip(from).zip(text.chars()) {
        *cell = letter;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(1000 + secs)
    }

    fn row(name: &str, content: Content) -> Row {
        Row { name: name.to_owned(), content }
    }

    fn value(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    fn chart() -> Chart {
        Chart {
            start: at(0),
            from: at(0),
            until: at(240),
            rows: vec![
                row("process", Content::States(vec![(at(-50), '='), (at(61), ' '), (at(64), '=')])),
                row("events", Content::Marks(vec![(at(33), '*'), (at(66), '*')])),
                row("scrapes", Content::Marks((0..8).map(|n| (at(12 + 30 * n), 'o')).collect())),
                row(
                    "a name that is longer than the margin",
                    Content::Values(vec![
                        (at(12), value("0")),
                        (at(42), value("1")),
                        (at(72), None),
                        (at(102), value("1")),
                        (at(132), value("1")),
                        (at(162), value("1766672123.456")),
                        (at(192), value("7")),
                        (at(222), value("7")),
                    ]),
                ),
                row("alert", Content::States(vec![(at(0), '.'), (at(121), 'p'), (at(181), 'F')])),
                row("", Content::Note(at(163), "deadline 1".to_owned())),
                row("", Content::Note(at(233), "deadline 2".to_owned())),
                row("", Content::Note(at(500), "deadline 3".to_owned())),
            ],
            legend: vec!["* event".to_owned(), "o scrape".to_owned()],
        }
    }

    #[test]
    fn what_happened_stands_where_it_happened() {
        insta::assert_snapshot!(chart().text());
    }

    #[test]
    fn no_line_is_wider_than_it_may_be() {
        for span in [1, 90, 240, 3_600, 86_400, 8_000_000] {
            let chart = Chart { until: at(span), ..chart() };
            let text = chart.text();
            assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{span}:\n{text}");
            assert!(text.lines().all(|line| line == line.trim_end()), "{text}");
        }
    }
}
