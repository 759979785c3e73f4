use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use crate::yaml::Loaded;

/// A text and the name its reader knows it by, usually the path as it was typed. Cheap to clone.
#[derive(Clone)]
pub struct Source(Arc<Inner>);

struct Inner {
    name: Arc<str>,
    text: Arc<str>,
    /// The YAML tree, built when first asked for and kept, since every `locate` needs it.
    yaml: OnceLock<Loaded>,
}

impl Source {
    /// A named text.
    pub fn new(name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> Self {
        Self(Arc::new(Inner { name: name.into(), text: text.into(), yaml: OnceLock::new() }))
    }

    /// The name, as it is printed.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The name, shared.
    pub fn shared_name(&self) -> Arc<str> {
        Arc::clone(&self.0.name)
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// The text, shared.
    pub fn shared_text(&self) -> Arc<str> {
        Arc::clone(&self.0.text)
    }

    pub(crate) fn yaml(&self) -> &Loaded {
        self.0.yaml.get_or_init(|| crate::yaml::load(self.text()))
    }

    /// The same span, moved inside the text and outwards to character boundaries.
    pub(crate) fn clamp(&self, span: &Range<usize>) -> Range<usize> {
        let text = self.text();
        let mut start = span.start.min(text.len());
        let mut end = span.end.clamp(start, text.len());
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        while !text.is_char_boundary(end) {
            end += 1;
        }
        start..end
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("name", &self.0.name)
            .field("bytes", &self.0.text.len())
            .finish_non_exhaustive()
    }
}

/// Equal in name and text.
impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name && self.0.text == other.0.text
    }
}

impl Eq for Source {}
