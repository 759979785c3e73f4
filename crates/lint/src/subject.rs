//! Rule files with the places of everything in them.

use std::ops::Range;

use assurance_diagnostics::yaml::{self, PathSegment};
use assurance_diagnostics::{Diagnostic, Source};
use assurance_promql::Span;
use assurance_rules::{AlertingRule, Group, Rule, RuleFile};

/// A rule file that could be read.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) source: Source,
    pub(crate) groups: Vec<Group>,
    pub(crate) warnings: Vec<Diagnostic>,
    comments: Vec<Range<usize>>,
}

impl File {
    pub(crate) fn read(source: &Source) -> Result<Self, Vec<Diagnostic>> {
        let file = RuleFile::parse(source)?;
        let comments = yaml::comments(source);
        Ok(Self { source: source.clone(), groups: file.groups, warnings: file.warnings, comments })
    }

    pub(crate) fn subjects(&self) -> impl Iterator<Item = Subject<'_>> {
        self.groups.iter().enumerate().flat_map(move |(g, group)| {
            group.rules.iter().enumerate().map(move |(r, rule)| {
                let path = vec!["groups".into(), g.into(), "rules".into(), r.into()];
                let region = yaml::locate(&self.source, &path).unwrap_or(0..0);
                let comments = self.comments_of(&region);
                Subject { source: &self.source, group, rule, path, region, comments }
            })
        })
    }

    /// The comments right above a rule, in it, and behind its last line.
    fn comments_of(&self, region: &Range<usize>) -> Vec<Range<usize>> {
        let text = self.source.text();
        let line = |at: usize| text[..at].rfind('\n').map_or(0, |n| n + 1);
        let end = text[region.end..].find('\n').map_or(text.len(), |n| region.end + n);
        let first_own = self.comments.partition_point(|c| c.start < line(region.start));
        let own = self.comments[first_own..].iter().take_while(|c| c.start < end);
        let mut all: Vec<Range<usize>> = own.cloned().collect();
        let mut first = line(region.start);
        for comment in self.comments[..first_own].iter().rev() {
            let start = line(comment.start);
            let alone = text[start..comment.start].trim().is_empty();
            if !alone
                || text[comment.end..first].trim() != ""
                || text[comment.end..first].matches('\n').count() > 1
            {
                break;
            }
            all.push(comment.clone());
            first = start;
        }
        all.sort_by_key(|comment| comment.start);
        all
    }
}

/// One rule and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) source: &'a Source,
    pub(crate) group: &'a Group,
    pub(crate) rule: &'a Rule,
    path: Vec<PathSegment>,
    /// From its first key to its last value.
    pub(crate) region: Range<usize>,
    /// Comments that belong to it.
    pub(crate) comments: Vec<Range<usize>>,
}

/// A text of an alert that people read.
#[derive(Clone, Debug)]
pub(crate) struct Prose<'a> {
    /// The annotation's name; `None` for a comment.
    pub(crate) annotation: Option<&'a str>,
    pub(crate) text: &'a str,
    /// Where a comment begins in the file.
    start: usize,
}

impl<'a> Subject<'a> {
    pub(crate) fn alert(&self) -> Option<&'a AlertingRule> {
        match self.rule {
            Rule::Alerting(rule) => Some(rule),
            Rule::Recording(_) => None,
        }
    }

    fn at(&self, steps: &[&str]) -> Vec<PathSegment> {
        self.path.iter().cloned().chain(steps.iter().map(|step| PathSegment::from(*step))).collect()
    }

    /// The value of a key of the rule, such as `for`.
    pub(crate) fn value(&self, steps: &[&str]) -> Option<Range<usize>> {
        yaml::locate(self.source, &self.at(steps))
    }

    /// The rule's name.
    pub(crate) fn name(&self) -> Option<Range<usize>> {
        self.value(&["alert"]).or_else(|| self.value(&["record"]))
    }

    /// A part of the expression.
    pub(crate) fn expr(&self, span: Span) -> Option<Range<usize>> {
        self.part_of_expr(&span.bytes())
    }

    /// As [`Self::expr`], by bytes.
    pub(crate) fn part_of_expr(&self, part: &Range<usize>) -> Option<Range<usize>> {
        yaml::locate_within(self.source, &self.at(&["expr"]), part.start, part.len())
    }

    /// A part of a label's or an annotation's template.
    pub(crate) fn template(&self, kind: &str, name: &str, part: &Range<usize>) -> Option<Range<usize>> {
        let own = yaml::locate_within(self.source, &self.at(&[kind, name]), part.start, part.len());
        // What is not the rule's own is its group's.
        own.or_else(|| {
            let mut path = self.path[..2].to_vec();
            path.extend([kind.into(), name.into()]);
            yaml::locate_within(self.source, &path, part.start, part.len())
        })
    }

    /// The interval of the rule's group.
    pub(crate) fn group_value(&self, key: &str) -> Option<Range<usize>> {
        let mut path = self.path[..2].to_vec();
        path.push(key.into());
        yaml::locate(self.source, &path)
    }

    /// A static label of an alert: `None` where there is none or where it is a template.
    pub(crate) fn label(&self, name: &str) -> Option<&'a str> {
        self.alert()?.labels.get(name).filter(|t| t.is_plain()).map(assurance_template::Template::text)
    }

    /// What the alert's author wrote for people: comments first, then annotations.
    pub(crate) fn prose(&self) -> Vec<Prose<'a>> {
        let text = self.source.text();
        let comments = self.comments.iter().map(|at| Prose {
            annotation: None,
            text: &text[at.clone()],
            start: at.start,
        });
        let annotations = self.alert().into_iter().flat_map(|alert| {
            alert.annotations.iter().map(|(name, template)| Prose {
                annotation: Some(name),
                text: template.text(),
                start: 0,
            })
        });
        comments.chain(annotations).collect()
    }

    /// Where a part of a text stands in the file.
    pub(crate) fn prose_part(&self, prose: &Prose<'_>, part: &Range<usize>) -> Option<Range<usize>> {
        match prose.annotation {
            Some(name) => self.template("annotations", name, part),
            None => Some(prose.start + part.start..prose.start + part.end),
        }
    }
}
