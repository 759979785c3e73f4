//! Text to tokens, one at a time, so that a hostile text is left at its first fault.

use crate::ast::{AggregateOp, BinaryOp};

use super::message::{Fault, quoted_char, syntax};

/// What a token is. Its text is cut out of the expression by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    End,
    /// No token, but the reason why the text cannot be read any further.
    Fault,
    Comma,
    LeftParen,
    RightParen,
    LeftBrace,
    RightBrace,
    LeftBracket,
    RightBracket,
    Colon,
    At,
    /// `=`
    Equal,
    /// `=~`
    Matches,
    /// `!~`
    MatchesNot,
    Operator(BinaryOp),
    Number,
    Duration,
    String,
    /// A name, which may have a meaning of its own.
    Word(Word),
    /// A name with colons, which can only be a metric's.
    Metric,
}

/// What a name means where the grammar gives it a meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    Plain,
    Operator(BinaryOp),
    Aggregate(AggregateOp),
    Anchored,
    Bool,
    By,
    End,
    Fill,
    FillLeft,
    FillRight,
    GroupLeft,
    GroupRight,
    Ignoring,
    MaxOf,
    MinOf,
    Offset,
    On,
    Range,
    Smoothed,
    Start,
    Step,
    Without,
}

/// A token and its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Longest word with a meaning: `count_values`.
const LONGEST_WORD: usize = 12;

/// The meaning of a word, in any case; `None` for `inf` and `nan`, which are numbers.
pub(super) fn meaning(word: &str) -> Option<Word> {
    if word.len() > LONGEST_WORD {
        return Some(Word::Plain);
    }
    let mut buffer = [0; LONGEST_WORD];
    let lower = &mut buffer[..word.len()];
    lower.copy_from_slice(word.as_bytes());
    lower.make_ascii_lowercase();
    Some(match &*lower {
        b"inf" | b"nan" => return None,
        b"and" => Word::Operator(BinaryOp::And),
        b"or" => Word::Operator(BinaryOp::Or),
        b"unless" => Word::Operator(BinaryOp::Unless),
        b"atan2" => Word::Operator(BinaryOp::Atan2),
        b"anchored" => Word::Anchored,
        b"bool" => Word::Bool,
        b"by" => Word::By,
        b"end" => Word::End,
        b"fill" => Word::Fill,
        b"fill_left" => Word::FillLeft,
        b"fill_right" => Word::FillRight,
        b"group_left" => Word::GroupLeft,
        b"group_right" => Word::GroupRight,
        b"ignoring" => Word::Ignoring,
        b"max_of" => Word::MaxOf,
        b"min_of" => Word::MinOf,
        b"offset" => Word::Offset,
        b"on" => Word::On,
        b"range" => Word::Range,
        b"smoothed" => Word::Smoothed,
        b"start" => Word::Start,
        b"step" => Word::Step,
        b"without" => Word::Without,
        other => {
            let op = AggregateOp::ALL.into_iter().find(|op| op.as_str().as_bytes() == other);
            op.map_or(Word::Plain, Word::Aggregate)
        }
    })
}

/// Where in the text the next token starts, and what is open there.
#[derive(Debug)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    /// Where each open parenthesis stands.
    parens: Vec<usize>,
    /// Where the open brace stands: inside, words have no meaning.
    brace: Option<usize>,
    /// Where the open bracket stands: inside, `:` is no part of a name.
    bracket: Option<usize>,
    /// Whether there was a number since.
    counted: bool,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0, parens: Vec::new(), brace: None, bracket: None, counted: false }
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn eat(&mut self, wanted: u8) -> bool {
        let found = self.text.as_bytes().get(self.at) == Some(&wanted);
        self.at += usize::from(found);
        found
    }

    fn eat_while(&mut self, wanted: impl Fn(u8) -> bool) {
        let rest = &self.text.as_bytes()[self.at..];
        self.at += rest.iter().position(|b| !wanted(*b)).unwrap_or(rest.len());
    }

    fn skip_blanks(&mut self) {
        loop {
            self.eat_while(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r'));
            if self.text.as_bytes().get(self.at) != Some(&b'#') {
                return;
            }
            self.eat_while(|b| !matches!(b, b'\n' | b'\r'));
        }
    }

    /// The text from the next token on.
    pub(super) fn rest(&self) -> &'a str {
        let mut ahead = Lexer {
            text: self.text,
            at: self.at,
            parens: Vec::new(),
            brace: None,
            bracket: None,
            counted: false,
        };
        ahead.skip_blanks();
        &self.text[ahead.at..]
    }

    /// The next token.
    pub(super) fn next(&mut self) -> Result<Token, Fault> {
        self.skip_blanks();
        let start = self.at;
        let Some(first) = self.peek() else {
            return self.end();
        };
        self.at += first.len_utf8();
        let kind = if self.brace.is_some() {
            self.inside_braces(start, first)?
        } else {
            self.outside_braces(start, first)?
        };
        Ok(Token { kind, start, end: self.at })
    }

    /// The end of the text; what is still open is a fault, and is shown where it was opened.
    fn end(&self) -> Result<Token, Fault> {
        if let Some(at) = self.bracket.filter(|_| !self.counted) {
            return Err(syntax(at..at + 1, "unexpected end of input in duration expression"));
        }
        if let Some(at) = self.brace {
            return Err(syntax(at..at + 1, "unexpected end of input inside braces"));
        }
        if let Some(at) = self.parens.last() {
            return Err(syntax(*at..*at + 1, "unclosed left parenthesis"));
        }
        if let Some(at) = self.bracket {
            return Err(syntax(at..at + 1, "unclosed left bracket"));
        }
        // What is missing, is missing after the last word, not after blanks and comments.
        let at = self.text.trim_end().len();
        Ok(Token { kind: Kind::End, start: at, end: at })
    }

    fn inside_braces(&mut self, start: usize, first: char) -> Result<Kind, Fault> {
        Ok(match first {
            ',' => Kind::Comma,
            '}' => {
                self.brace = None;
                Kind::RightBrace
            }
            '=' => {
                if self.eat(b'~') {
                    Kind::Matches
                } else {
                    Kind::Equal
                }
            }
            '!' if self.eat(b'~') => Kind::MatchesNot,
            '!' if self.eat(b'=') => Kind::Operator(BinaryOp::Ne),
            '!' => return Err(self.stray("unexpected character after '!' inside braces")),
            '"' | '\'' | '`' => self.string(start, first)?,
            'a'..='z' | 'A'..='Z' | '_' => {
                self.eat_while(is_word);
                Kind::Word(Word::Plain)
            }
            '{' => return Err(syntax(start..self.at, "unexpected left brace '{'")),
            _ => {
                let message = format!("unexpected character inside braces: {}", quoted_char(first));
                return Err(syntax(start..self.at, message));
            }
        })
    }

    fn outside_braces(&mut self, start: usize, first: char) -> Result<Kind, Fault> {
        let next_is_digit = self.next_is(|b| b.is_ascii_digit());
        Ok(match first {
            '"' | '\'' | '`' | '{' if self.bracket.is_some() => return Err(self.odd_in_bracket(start, first)),
            ',' => Kind::Comma,
            '@' => Kind::At,
            '+' => Kind::Operator(BinaryOp::Add),
            '-' => Kind::Operator(BinaryOp::Sub),
            '*' => Kind::Operator(BinaryOp::Mul),
            '/' => Kind::Operator(BinaryOp::Div),
            '%' => Kind::Operator(BinaryOp::Mod),
            '^' => Kind::Operator(BinaryOp::Pow),
            '=' if self.eat(b'=') => Kind::Operator(BinaryOp::Eq),
            '=' if self.peek() == Some('~') => {
                return Err(self.stray("unexpected character after '='"));
            }
            '=' => Kind::Equal,
            '!' if self.eat(b'=') => Kind::Operator(BinaryOp::Ne),
            '!' => return Err(self.stray("unexpected character after '!'")),
            '<' if self.eat(b'=') => Kind::Operator(BinaryOp::Le),
            '<' if self.eat(b'/') => Kind::Operator(BinaryOp::TrimUpper),
            '<' => Kind::Operator(BinaryOp::Lt),
            '>' if self.eat(b'=') => Kind::Operator(BinaryOp::Ge),
            '>' if self.eat(b'/') => Kind::Operator(BinaryOp::TrimLower),
            '>' => Kind::Operator(BinaryOp::Gt),
            '(' => {
                self.parens.push(start);
                Kind::LeftParen
            }
            ')' => {
                if self.parens.pop().is_none() {
                    return Err(syntax(start..self.at, "unexpected right parenthesis ')'"));
                }
                Kind::RightParen
            }
            '{' => {
                self.brace = Some(start);
                Kind::LeftBrace
            }
            '[' if self.bracket.is_some() => {
                return Err(syntax(start..self.at, "unexpected left bracket '['"));
            }
            '[' => {
                self.bracket = Some(start);
                self.counted = false;
                Kind::LeftBracket
            }
            ']' if self.bracket.take().is_some() => Kind::RightBracket,
            ']' => return Err(syntax(start..self.at, "unexpected right bracket ']'")),
            '"' | '\'' | '`' => self.string(start, first)?,
            '0'..='9' => self.number(start)?,
            '.' if next_is_digit => self.number(start)?,
            ':' if self.bracket.is_some() => Kind::Colon,
            'a'..='z' | 'A'..='Z' | '_' | ':' => self.word(start, first)?,
            _ if self.bracket.is_some() => return Err(self.odd_in_bracket(start, first)),
            _ => {
                let message = format!("unexpected character: {}", quoted_char(first));
                return Err(syntax(start..self.at, message));
            }
        })
    }

    /// What starts with `first` is no length.
    fn odd_in_bracket(&self, start: usize, first: char) -> Fault {
        let c = quoted_char(first);
        let message = if self.counted {
            format!("unexpected character: {c}, expected ':'")
        } else {
            format!("unexpected character in duration expression: {c}")
        };
        syntax(start..self.at, message)
    }

    /// `before`, and the character that stands after it.
    fn stray(&self, before: &str) -> Fault {
        match self.peek() {
            Some(c) => {
                let span = self.at..self.at + c.len_utf8();
                syntax(span, format!("{before}: {}", quoted_char(c)))
            }
            None => syntax(self.at - 1..self.at, format!("{before}: end of input")),
        }
    }

    fn word(&mut self, start: usize, first: char) -> Result<Kind, Fault> {
        let in_bracket = self.bracket.is_some();
        self.eat_while(|b| is_word(b) || (b == b':' && !in_bracket));
        let word = &self.text[start..self.at];
        if word.contains(':') {
            return Ok(Kind::Metric);
        }
        match meaning(word) {
            Some(word @ (Word::Step | Word::Range | Word::MinOf | Word::MaxOf)) => Ok(Kind::Word(word)),
            Some(word) if !in_bracket => Ok(Kind::Word(word)),
            None if !in_bracket => Ok(Kind::Number),
            _ => Err(self.odd_in_bracket(start, first)),
        }
    }

    /// A text in quotes, whose escapes are well formed.
    fn string(&mut self, start: usize, quote: char) -> Result<Kind, Fault> {
        let opening = start..start + 1;
        loop {
            let at = self.at;
            let Some(c) = self.peek() else {
                let message =
                    if quote == '`' { "unterminated raw string" } else { "unterminated quoted string" };
                return Err(syntax(opening, message));
            };
            self.at += c.len_utf8();
            match c {
                c if c == quote => return Ok(Kind::String),
                '\n' if quote != '`' => return Err(syntax(opening, "unterminated quoted string")),
                '\\' if quote != '`' => self.escape(at, quote)?,
                _ => {}
            }
        }
    }

    /// What follows a backslash at `start`.
    fn escape(&mut self, start: usize, quote: char) -> Result<(), Fault> {
        let Some(c) = self.peek() else {
            return Err(syntax(start..self.at, "escape sequence not terminated"));
        };
        let (digits, radix, largest) = match c {
            'a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '\\' => (0, 0, 0),
            c if c == quote => (0, 0, 0),
            '0'..='7' => (3, 8, 255),
            'x' => (2, 16, 255),
            'u' => (4, 16, 0x10_FFFF),
            'U' => (8, 16, 0x10_FFFF),
            c => {
                let span = start..self.at + c.len_utf8();
                return Err(syntax(span, format!("unknown escape sequence U+{:04X} '{c}'", u32::from(c))));
            }
        };
        self.at += usize::from(radix != 8);
        let mut value: u32 = 0;
        for _ in 0..digits {
            let Some(c) = self.peek() else {
                return Err(syntax(start..self.at, "escape sequence not terminated"));
            };
            let Some(digit) = c.to_digit(radix) else {
                let span = start..self.at + c.len_utf8();
                let message = format!("illegal character U+{:04X} '{c}' in escape sequence", u32::from(c));
                return Err(syntax(span, message));
            };
            value = value.saturating_mul(radix).saturating_add(digit);
            self.at += 1;
        }
        if value > largest || (0xD800..0xE000).contains(&value) {
            return Err(syntax(start..self.at, "escape sequence is an invalid Unicode code point"));
        }
        Ok(())
    }

    /// A number or a duration; whether it is a good one is seen when it is read.
    fn number(&mut self, start: usize) -> Result<Kind, Fault> {
        self.at = start;
        self.counted |= self.bracket.is_some();
        let is_number = self.scan_number();
        if is_number && !self.next_is(is_word) {
            return Ok(Kind::Number);
        }
        if is_number && self.scan_units() {
            return Ok(Kind::Duration);
        }
        let read = &self.text[start..self.at];
        let message = format!("bad number or duration syntax: {read:?}");
        self.eat_while(|b| is_word(b) || b == b'.');
        Err(syntax(start..self.at, message))
    }

    /// Goes over a number, and over the fault if it is none.
    fn scan_number(&mut self) -> bool {
        let is_hex = matches!(&self.text.as_bytes()[self.at..], [b'0', b'x' | b'X', ..]);
        if is_hex {
            self.at += 2;
            self.eat_while(|b| b.is_ascii_hexdigit() || b == b'_');
            return !self.next_is(|b| b == b'.');
        }
        self.eat_while(|b| b.is_ascii_digit() || b == b'_');
        if self.eat(b'.') {
            self.eat_while(|b| b.is_ascii_digit() || b == b'_');
            if self.eat(b'.') {
                return false;
            }
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _either = self.eat(b'+') || self.eat(b'-');
            if !self.next_is(|b| b.is_ascii_digit()) {
                return false;
            }
            self.eat_while(|b| b.is_ascii_digit() || b == b'_');
        }
        true
    }

    /// Goes over units and digits in turn, such as the `h30m` of `1h30m`, and over the fault if they are none.
    fn scan_units(&mut self) -> bool {
        if !self.eat_any(b"smhdwy") {
            return false;
        }
        // `ms`; whether the unit is one at all is seen when it is read.
        self.eat(b's');
        while self.next_is(|b| b.is_ascii_digit()) {
            self.eat_while(|b| b.is_ascii_digit());
            if !self.eat_any(b"smhdw") {
                return false;
            }
            self.eat(b's');
        }
        let ends = !self.next_is(is_word);
        self.at += usize::from(!ends);
        ends
    }

    fn next_is(&self, wanted: impl Fn(u8) -> bool) -> bool {
        self.text.as_bytes().get(self.at).is_some_and(|b| wanted(*b))
    }

    fn eat_any(&mut self, wanted: &[u8]) -> bool {
        let found = self.next_is(|b| wanted.contains(&b));
        self.at += usize::from(found);
        found
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
