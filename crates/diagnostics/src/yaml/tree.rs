use std::collections::HashMap;
use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag};

use super::{Flaw, MAX_BYTES, MAX_DEPTH};

/// A document, or why it is none.
pub(crate) type Loaded = Result<Tree, Flaw>;

/// The nodes of one document; children stand behind their parents.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    pub(super) nodes: Vec<Node>,
    /// The top node, or `None` in an empty document.
    pub(super) root: Option<NodeId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NodeId(usize);

#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) span: Range<usize>,
    pub(super) kind: Kind,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Scalar { value: String, style: ScalarStyle, tag: Option<ScalarTag> },
    Sequence(Vec<NodeId>),
    Mapping(Vec<(NodeId, NodeId)>),
    Alias(NodeId),
}

/// The tags a scalar may carry; others have no meaning in any file read here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ScalarTag {
    Str,
    Int,
    Float,
    Bool,
    Null,
}

impl Tree {
    pub(super) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }

    /// The node itself, or what it is an alias of.
    pub(super) fn resolve(&self, id: NodeId) -> NodeId {
        match self.node(id).kind {
            // An alias never points at an alias: an anchor names a node with content.
            Kind::Alias(target) => target,
            _ => id,
        }
    }

    /// Whether a node, or what it is an alias of, is a scalar.
    pub(super) fn is_scalar(&self, id: NodeId) -> bool {
        matches!(self.node(self.resolve(id)).kind, Kind::Scalar { .. })
    }

    /// The text of a scalar key.
    pub(super) fn key_text(&self, id: NodeId) -> Option<&str> {
        match &self.node(self.resolve(id)).kind {
            Kind::Scalar { value, .. } => Some(value),
            _ => None,
        }
    }

    /// Whether a key is the merge key `<<`, which is only special when it is not quoted.
    pub(super) fn is_merge(&self, key: NodeId) -> bool {
        match &self.node(key).kind {
            Kind::Scalar { value, style, tag } => {
                value == "<<" && *style == ScalarStyle::Plain && tag.is_none()
            }
            _ => false,
        }
    }
}

/// A list or mapping that has begun and not ended.
struct Open {
    id: NodeId,
    anchor: usize,
    /// A mapping's key that waits for its value.
    key: Option<NodeId>,
    /// Where each key of a mapping was first given.
    seen: HashMap<String, Range<usize>>,
}

struct Builder<'a> {
    text: &'a str,
    offsets: Offsets,
    nodes: Vec<Node>,
    open: Vec<Open>,
    anchors: HashMap<usize, NodeId>,
    root: Option<NodeId>,
}

/// Reads the tree of a text.
pub(crate) fn load(text: &str) -> Loaded {
    if text.len() > MAX_BYTES {
        let message =
            format!("file of {} bytes is too large; at most {MAX_BYTES} bytes are read", text.len());
        return Err(Flaw::new(0..0, message).help("split the file into several"));
    }
    // A zero byte would end the text for the scanner: what follows would be dropped without a word.
    let forbidden = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}');
    if let Some((at, c)) = text.char_indices().find(|(_, c)| forbidden(*c)) {
        let message = format!("control character U+{:04X} is not allowed in YAML", u32::from(c));
        return Err(Flaw::new(at..at + c.len_utf8(), message)
            .help("remove it, or write it as an escape between double quotes"));
    }
    let bom = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut builder = Builder {
        text,
        offsets: Offsets::new(text, bom),
        nodes: Vec::new(),
        open: Vec::new(),
        anchors: HashMap::new(),
        root: None,
    };
    let mut documents = 0;
    // After an error the parser gives the same one for ever, so it must be left at the first; the bound holds
    // even if it should ever repeat an event. A byte begins at most a collection, a key and an absent value.
    let most = text.len().saturating_mul(4) + 16;
    for (count, event) in Parser::new_from_str(&text[bom..]).enumerate() {
        let (event, span) = event.map_err(|e| builder.scan_flaw(&e))?;
        if count > most {
            return Err(Flaw::new(builder.span(span), "the YAML reader does not come to an end here"));
        }
        if let Event::DocumentStart(_) = event {
            documents += 1;
            if documents > 1 {
                return Err(Flaw::new(
                    builder.span(span),
                    "a second document begins here, but the file must hold only one",
                )
                .help("move it to a file of its own"));
            }
        }
        builder.event(event, span)?;
    }
    Ok(Tree { nodes: builder.nodes, root: builder.root })
}

impl Builder<'_> {
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Flaw> {
        let span = self.span(span);
        match event {
            Event::Scalar(value, style, anchor, tag) => {
                let place = if style == ScalarStyle::Plain && value.is_empty() {
                    span.start..span.start
                } else {
                    self.trim(span.clone(), style, anchor != 0 || tag.is_some())
                };
                let tag = tag.map(|t| scalar_tag(&t, &span)).transpose()?;
                let id = self.push(place, Kind::Scalar { value: value.into_owned(), style, tag });
                self.anchors.insert(anchor, id);
                self.place(id)
            }
            Event::SequenceStart(anchor, tag) => {
                collection_tag(tag.as_deref(), "seq", &span)?;
                self.begin(span, Kind::Sequence(Vec::new()), anchor)
            }
            Event::MappingStart(anchor, tag) => {
                collection_tag(tag.as_deref(), "map", &span)?;
                self.begin(span, Kind::Mapping(Vec::new()), anchor)
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(&span),
            Event::Alias(anchor) => {
                let target = self.anchors.get(&anchor).copied().ok_or_else(|| {
                    let inside = self.open.iter().any(|o| o.anchor == anchor);
                    Flaw::new(
                        span.clone(),
                        if inside { "alias inside of its own anchor" } else { "alias of an unknown anchor" },
                    )
                    .help("define the anchor with `&name` before this line")
                })?;
                let id = self.push(span, Kind::Alias(target));
                self.place(id)
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
        }
    }

    fn push(&mut self, span: Range<usize>, kind: Kind) -> NodeId {
        self.nodes.push(Node { span, kind });
        NodeId(self.nodes.len() - 1)
    }

    fn begin(&mut self, span: Range<usize>, kind: Kind, anchor: usize) -> Result<(), Flaw> {
        if self.open.len() >= MAX_DEPTH {
            return Err(too_deep(span));
        }
        let id = self.push(span, kind);
        self.place(id)?;
        self.open.push(Open { id, anchor, key: None, seen: HashMap::new() });
        Ok(())
    }

    fn end(&mut self, span: &Range<usize>) -> Result<(), Flaw> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        self.anchors.insert(open.anchor, open.id);
        let ends = match &self.nodes[open.id.0].kind {
            Kind::Sequence(items) => items.first().copied().zip(items.last().copied()),
            Kind::Mapping(pairs) => pairs.first().map(|(key, _)| *key).zip(pairs.last().map(|(_, v)| *v)),
            Kind::Scalar { .. } | Kind::Alias(_) => None,
        };
        let mut whole = self.nodes[open.id.0].span.clone();
        if matches!(self.text.get(span.clone()), Some("]" | "}")) {
            whole.end = span.end.max(whole.start);
        } else if let Some((first, last)) = ends {
            // Without brackets the node is what stands in it, without a tag or an anchor before it; where the
            // parser sees its end, the next thing has begun.
            whole.start = self.nodes[first.0].span.start.max(whole.start);
            whole.end = self.nodes[last.0].span.end.max(whole.start);
        }
        self.nodes[open.id.0].span = whole;
        Ok(())
    }

    /// Hands a node to the list or mapping it stands in.
    fn place(&mut self, id: NodeId) -> Result<(), Flaw> {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(id);
            return Ok(());
        };
        let key = open.key.take();
        match &mut self.nodes[open.id.0].kind {
            Kind::Sequence(items) => items.push(id),
            Kind::Mapping(pairs) => match key {
                Some(key) => pairs.push((key, id)),
                None => return self.take_key(id),
            },
            Kind::Scalar { .. } | Kind::Alias(_) => {}
        }
        Ok(())
    }

    fn take_key(&mut self, id: NodeId) -> Result<(), Flaw> {
        let target = match self.nodes[id.0].kind {
            Kind::Alias(target) => target,
            _ => id,
        };
        let span = self.nodes[id.0].span.clone();
        let Kind::Scalar { value, .. } = &self.nodes[target.0].kind else {
            return Err(Flaw::new(span, "a key must be plain text, not a list or a mapping")
                .help("put the value between quotes if it begins with `{` or `[`"));
        };
        let value = value.clone();
        let Some(open) = self.open.last_mut() else { return Ok(()) };
        if let Some(first) = open.seen.get(&value) {
            let line = self.text[..first.start].bytes().filter(|b| *b == b'\n').count() + 1;
            let mut flaw = Flaw::new(span, format!("duplicate key `{value}`"));
            flaw.label = Some(format!("first given in line {line}"));
            return Err(flaw.help("remove one of the two; only one could take effect"));
        }
        open.seen.insert(value, span);
        open.key = Some(id);
        Ok(())
    }

    fn span(&self, span: Span) -> Range<usize> {
        let start = self.offsets.byte(span.start.index());
        start..self.offsets.byte(span.end.index()).max(start)
    }

    /// Only the value: the scanner's places of scalars include the tag and the anchor before it, and for
    /// blocks the line breaks behind them, and for quoted text the comment behind it.
    fn trim(&self, span: Range<usize>, style: ScalarStyle, decorated: bool) -> Range<usize> {
        let mut text = &self.text[span.clone()];
        let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        if block {
            text = text.trim_end_matches(['\n', '\r']);
            return span.start..span.start + text.len();
        }
        while decorated && text.starts_with(['!', '&']) {
            let word = text.find(char::is_whitespace).unwrap_or(text.len());
            text = text[word..].trim_start();
        }
        let end = span.start + self.text[span.clone()].trim_end().len();
        if let Some(length) = quoted(text, style) {
            let start = span.end - text.len();
            return start..start + length;
        }
        end.saturating_sub(text.trim_end().len()).max(span.start)..end
    }

    /// Explains what the scanner or parser stumbled over.
    fn scan_flaw(&self, error: &ScanError) -> Flaw {
        let at = self.offsets.byte(error.marker().index());
        if let Some(tab) = self.indenting_tab(at) {
            return Flaw::new(tab..tab + 1, "a tab cannot indent YAML").help("use spaces");
        }
        let end = self.text[at..].chars().next().filter(|c| *c != '\n').map_or(at, |c| at + c.len_utf8());
        let info = error.info();
        if info.contains("recursion limit") {
            return too_deep(at..end);
        }
        let line_start = self.text[..at].rfind('\n').map_or(0, |n| n + 1);
        let help = if info.contains("unknown anchor") {
            "define the anchor with `&name` before this line"
        } else if info.contains("quoted scalar") {
            "close the quote"
        } else if self.flow_is_open(at) {
            "close the bracket"
        } else if info.contains("unexpected character") {
            "put a value that begins with this character between quotes"
        } else if info.contains("mapping values") && self.text[line_start..at].contains(": ") {
            "put a value that contains `: ` between quotes, or in a `|` block"
        } else {
            "check the indentation and the quotes of this line and the one before it"
        };
        Flaw::new(at..end, info.to_lowercase()).help(help)
    }

    /// A tab in the indentation of the line at `at`, or of the one below.
    fn indenting_tab(&self, at: usize) -> Option<usize> {
        let mut start = self.text[..at].rfind('\n').map_or(0, |n| n + 1);
        for line in self.text[start..].split_inclusive('\n').take(2) {
            let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
            if let Some(tab) = line[..indent].find('\t') {
                return Some(start + tab);
            }
            start += line.len();
        }
        None
    }

    /// Whether the text ended inside of `[` or `{`.
    fn flow_is_open(&self, at: usize) -> bool {
        let bracket = |o: &Open| self.text[self.nodes[o.id.0].span.start..].starts_with(['[', '{']);
        self.text[at..].trim().is_empty() && self.open.last().is_some_and(bracket)
    }
}

fn too_deep(span: Range<usize>) -> Flaw {
    Flaw::new(span, format!("nested more than {MAX_DEPTH} levels deep"))
}

fn scalar_tag(tag: &Tag, span: &Range<usize>) -> Result<ScalarTag, Flaw> {
    if tag.handle.is_empty() && tag.suffix == "!" || tag.handle == "!" && tag.suffix.is_empty() {
        return Ok(ScalarTag::Str);
    }
    if tag.is_yaml_core_schema() {
        match tag.suffix.as_str() {
            "str" => return Ok(ScalarTag::Str),
            "int" => return Ok(ScalarTag::Int),
            "float" => return Ok(ScalarTag::Float),
            "bool" => return Ok(ScalarTag::Bool),
            "null" => return Ok(ScalarTag::Null),
            _ => {}
        }
    }
    Err(unknown_tag(tag, span))
}

fn collection_tag(tag: Option<&Tag>, own: &str, span: &Range<usize>) -> Result<(), Flaw> {
    match tag {
        Some(tag) if !(tag.is_yaml_core_schema() && tag.suffix == own) => Err(unknown_tag(tag, span)),
        _ => Ok(()),
    }
}

fn unknown_tag(tag: &Tag, span: &Range<usize>) -> Flaw {
    let name = if tag.is_yaml_core_schema() { format!("!!{}", tag.suffix) } else { tag.to_string() };
    Flaw::new(span.clone(), format!("tag `{name}` has no meaning here")).help("remove the tag")
}

/// From the scanner's positions, which count characters, to bytes.
struct Offsets {
    bom: usize,
    len: usize,
    /// The byte of each character; `None` where text is ASCII and both are the same.
    chars: Option<Vec<u32>>,
}

impl Offsets {
    fn new(text: &str, bom: usize) -> Self {
        let rest = &text[bom..];
        let chars = (!rest.is_ascii())
            .then(|| rest.char_indices().map(|(at, _)| u32::try_from(at).unwrap_or(u32::MAX)).collect());
        Self { bom, len: text.len(), chars }
    }

    fn byte(&self, index: usize) -> usize {
        let at = match &self.chars {
            None => index,
            Some(chars) => chars.get(index).map_or(self.len, |at| *at as usize),
        };
        at.saturating_add(self.bom).min(self.len)
    }
}

/// How long the quoted text is that something begins with, both quotes among it.
fn quoted(text: &str, style: ScalarStyle) -> Option<usize> {
    let (quote, escape) = match style {
        ScalarStyle::SingleQuoted => (b'\'', None),
        ScalarStyle::DoubleQuoted => (b'"', Some(b'\\')),
        _ => return None,
    };
    let bytes = text.as_bytes();
    let mut at = usize::from(bytes.first() == Some(&quote));
    while at > 0 && at < bytes.len() {
        if Some(bytes[at]) == escape {
            at += 2;
        } else if bytes[at] != quote {
            at += 1;
        } else if escape.is_none() && bytes.get(at + 1) == Some(&quote) {
            // A quote inside of single quotes is written twice.
            at += 2;
        } else {
            return Some(at + 1);
        }
    }
    None
}
