use saphyr_parser::ScalarStyle;

/// Where each byte of a scalar's value stands in the text it was read from.
pub(super) struct Map {
    /// For each byte of the value, the first byte of the source that made it.
    starts: Vec<usize>,
    /// For each byte of the value, the byte behind what made it.
    ends: Vec<usize>,
    /// The byte behind the last character of the value, before any closing quote.
    last: usize,
}

impl Map {
    pub(super) fn start(&self, offset: usize) -> usize {
        self.starts.get(offset).copied().unwrap_or(self.last)
    }

    pub(super) fn end(&self, offset: usize) -> usize {
        match offset.checked_sub(1) {
            None => self.start(0),
            Some(before) => self.ends.get(before).copied().unwrap_or(self.last),
        }
    }
}

/// Reads `raw` and `value` side by side. Every character is compared on the way, so the answer is either
/// right or `None`.
///
/// `indent` is what stands before each line of a block.
pub(super) fn offsets(raw: &str, value: &str, style: ScalarStyle, indent: usize) -> Option<Map> {
    let mut walk = Walk { raw, at: 0, value, map: Map { starts: Vec::new(), ends: Vec::new(), last: 0 } };
    match style {
        ScalarStyle::Literal | ScalarStyle::Folded => walk.block(indent)?,
        ScalarStyle::SingleQuoted => {
            walk.raw = raw.strip_suffix('\'')?;
            walk.at = 1;
            walk.flow(style)?;
        }
        ScalarStyle::DoubleQuoted => {
            walk.raw = raw.strip_suffix('"')?;
            walk.at = 1;
            walk.flow(style)?;
        }
        ScalarStyle::Plain => walk.flow(style)?,
    }
    let mut map = walk.map;
    map.last = map.ends.last().copied().unwrap_or(walk.at);
    Some(map)
}

struct Walk<'a> {
    raw: &'a str,
    at: usize,
    value: &'a str,
    map: Map,
}

impl Walk<'_> {
    fn rest(&self) -> &str {
        &self.raw[self.at..]
    }

    fn value_rest(&self) -> &str {
        &self.value[self.map.starts.len()..]
    }

    /// The next character of the value is `c`, made by the next `len` bytes of the source.
    fn take(&mut self, c: char, len: usize) -> Option<()> {
        self.value_rest().starts_with(c).then_some(())?;
        self.note(c.len_utf8(), len);
        self.at += len;
        Some(())
    }

    /// The next `bytes` of the value were made by the next `len` bytes of the source.
    fn note(&mut self, bytes: usize, len: usize) {
        let filled = self.map.starts.len() + bytes;
        self.map.starts.resize(filled, self.at);
        self.map.ends.resize(filled, self.at + len);
    }

    /// A line break with all blanks and empty lines around it; gives how many breaks there were.
    fn breaks(&mut self) -> (usize, usize) {
        let run = self.rest().len() - self.rest().trim_start_matches([' ', '\t', '\r', '\n']).len();
        (self.rest()[..run].matches('\n').count(), run)
    }

    /// Plain and quoted scalars.
    fn flow(&mut self, style: ScalarStyle) -> Option<()> {
        while let Some(c) = self.rest().chars().next() {
            let (breaks, run) = self.breaks();
            if breaks > 0 {
                // One break folds into a blank; of several, the first only separates.
                let made = if breaks == 1 { " ".to_owned() } else { "\n".repeat(breaks - 1) };
                if !self.value_rest().starts_with(&made) {
                    return None;
                }
                self.note(made.len(), run);
                self.at += run;
                continue;
            }
            match (style, c) {
                (ScalarStyle::SingleQuoted, '\'') => self.take('\'', 2)?,
                (ScalarStyle::DoubleQuoted, '\\') => {
                    let made = match self.rest().chars().nth(1)? {
                        same @ ('"' | '\\' | '/' | ' ') => same,
                        'n' => '\n',
                        't' => '\t',
                        _ => return None,
                    };
                    self.take(made, 2)?;
                }
                (_, c) => self.take(c, c.len_utf8())?,
            }
        }
        self.value_rest().is_empty().then_some(())
    }

    /// Literal and folded blocks, from the first character that is no blank line's.
    fn block(&mut self, indent: usize) -> Option<()> {
        let empty = self.value.len() - self.value.trim_start_matches('\n').len();
        self.note(empty, 0);
        while let Some(c) = self.rest().chars().next() {
            match c {
                '\n' => self.line_break(1, indent),
                '\r' if self.rest().starts_with("\r\n") => self.line_break(2, indent),
                c => self.take(c, c.len_utf8())?,
            }
        }
        // The source ends at the last character; what is left of the value is its final line breaks.
        self.value_rest().bytes().all(|b| b == b'\n').then_some(())
    }

    /// A line break inside of a block: itself, a blank where it folds, or nothing where it only separates.
    fn line_break(&mut self, len: usize, indent: usize) {
        let next = self.rest().trim_start_matches([' ', '\r', '\n']).chars().next();
        let mut coming = self.value_rest().chars();
        let folds = coming.next() == Some(' ') && coming.next() == next;
        if folds || self.value_rest().starts_with('\n') {
            self.note(1, len);
        }
        self.at += len;
        let blanks = self.rest().len() - self.rest().trim_start_matches(' ').len();
        self.at += blanks.min(indent);
    }
}
