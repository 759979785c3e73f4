//! Reading a line from left to right: numbers, counts, quoted texts.

/// Text, and how far it is read.
pub(crate) struct Scanner<'a> {
    text: &'a str,
    /// The byte that comes next.
    pub(crate) at: usize,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub(crate) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub(crate) fn is_done(&self) -> bool {
        self.at == self.text.len()
    }

    pub(crate) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Takes `token` if it is what comes.
    pub(crate) fn eat(&mut self, token: &str) -> bool {
        let comes = self.rest().starts_with(token);
        if comes {
            self.at += token.len();
        }
        comes
    }

    /// Takes characters as long as they are wanted.
    pub(crate) fn take_while(&mut self, mut wanted: impl FnMut(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c| !wanted(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// Takes blanks; whether there were some.
    pub(crate) fn skip_blanks(&mut self) -> bool {
        !self.take_while(char::is_whitespace).is_empty()
    }

    /// What comes up to the next blank, for messages.
    pub(crate) fn word(&self) -> &'a str {
        self.rest().split(char::is_whitespace).next().unwrap_or_default()
    }

    /// Takes a number of things.
    pub(crate) fn count(&mut self) -> Option<usize> {
        let begin = self.at;
        let digits = self.take_while(|c| c.is_ascii_digit());
        let count = digits.parse().ok();
        if count.is_none() {
            self.at = begin;
        }
        count
    }

    /// Takes a whole number with or without a sign.
    pub(crate) fn integer(&mut self) -> Option<i32> {
        let begin = self.at;
        let _sign = self.eat("-") || self.eat("+");
        self.take_while(|c| c.is_ascii_digit());
        let number = self.text[begin..self.at].parse().ok();
        if number.is_none() {
            self.at = begin;
        }
        number
    }

    /// Takes a number with or without a sign.
    pub(crate) fn signed(&mut self) -> Option<f64> {
        let begin = self.at;
        let negative = self.eat("-");
        let _positive = !negative && self.eat("+");
        match self.unsigned() {
            Some(number) => Some(if negative { -number } else { number }),
            None => {
                self.at = begin;
                None
            }
        }
    }

    /// Takes a number without a sign: `1`, `.5`, `1e-3`, `Inf`, `NaN`.
    ///
    /// There are no hexadecimal ones here: `0x2` is a 0 and two more.
    pub(crate) fn unsigned(&mut self) -> Option<f64> {
        let rest = self.rest();
        for (name, value) in [("infinity", f64::INFINITY), ("inf", f64::INFINITY), ("nan", f64::NAN)] {
            if rest.get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name)) {
                self.at += name.len();
                return Some(value);
            }
        }
        let begin = self.at;
        self.take_while(|c| c.is_ascii_digit());
        if self.eat(".") {
            self.take_while(|c| c.is_ascii_digit());
        }
        let mantissa = self.at;
        if self.eat("e") || self.eat("E") {
            let _sign = self.eat("-") || self.eat("+");
            if self.take_while(|c| c.is_ascii_digit()).is_empty() {
                // It is the letter of something else.
                self.at = mantissa;
            }
        }
        let number = self.text[begin..self.at].parse().ok();
        if number.is_none() {
            self.at = begin;
        }
        number
    }

    /// Takes a text in double, single or back quotes.
    ///
    /// # Errors
    /// What was expected instead.
    pub(crate) fn quoted(&mut self) -> Result<String, &'static str> {
        let Some(quote @ ('"' | '\'' | '`')) = self.peek() else { return Err("a quoted text") };
        self.at += 1;
        if quote == '`' {
            let text = self.take_while(|c| c != '`').to_owned();
            return if self.eat("`") { Ok(text) } else { Err("a closing back quote") };
        }
        let mut bytes = Vec::new();
        loop {
            let Some(c) = self.peek() else { return Err("a closing quote") };
            self.at += c.len_utf8();
            match c {
                c if c == quote => break,
                '\\' => self.escape(&mut bytes)?,
                c => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        String::from_utf8(bytes).map_err(|_source| "a text of UTF-8")
    }

    /// What stands for a character that cannot or need not be written, behind a backslash.
    fn escape(&mut self, bytes: &mut Vec<u8>) -> Result<(), &'static str> {
        const EXPECTED: &str = "an escape such as \\n, \\\" or \\u00e9 behind the backslash";
        let letter = self.peek().ok_or(EXPECTED)?;
        self.at += letter.len_utf8();
        let plain = match letter {
            'a' => 7,
            'b' => 8,
            'f' => 12,
            'n' => b'\n',
            'r' => b'\r',
            't' => b'\t',
            'v' => 11,
            '\\' => b'\\',
            '\'' => b'\'',
            '"' => b'"',
            'x' | 'u' | 'U' | '0'..='7' => {
                let (digits, radix) = match letter {
                    'x' => (2, 16),
                    'u' => (4, 16),
                    'U' => (8, 16),
                    _ => {
                        self.at -= 1;
                        (3, 8)
                    }
                };
                let text = self.rest().get(..digits).ok_or(EXPECTED)?;
                let code = u32::from_str_radix(text, radix).map_err(|_source| EXPECTED)?;
                self.at += digits;
                if matches!(letter, 'u' | 'U') {
                    let c = char::from_u32(code).ok_or(EXPECTED)?;
                    bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                    return Ok(());
                }
                u8::try_from(code).map_err(|_source| EXPECTED)?
            }
            _ => return Err(EXPECTED),
        };
        bytes.push(plain);
        Ok(())
    }
}

/// Reads a line that is one number, as Go does: `12`, `0x1f`, `010` (which is 8), `1_000`, `-1e3`, `+Inf`.
pub(crate) fn number(text: &str) -> Option<f64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.starts_with(['-', '+']) {
        return None;
    }
    let lower = digits.to_ascii_lowercase();
    let whole = |digits: &str, radix| i64::from_str_radix(&digits.replace('_', ""), radix).ok();
    let prefixed = [("0x", 16), ("0o", 8), ("0b", 2)]
        .iter()
        .find_map(|(prefix, radix)| lower.strip_prefix(prefix).and_then(|digits| whole(digits, *radix)));
    let octal = lower.strip_prefix('0').and_then(|digits| whole(digits, 8));
    #[expect(clippy::cast_precision_loss, reason = "Go rounds here as well")]
    let value = match prefixed.or(octal) {
        Some(value) => value as f64,
        None => digits.parse().ok().or_else(|| whole(&lower, 10).map(|value| value as f64))?,
    };
    Some(if negative { -value } else { value })
}
