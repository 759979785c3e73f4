use assurance_exposition::Sample;
use assurance_metrics_model::{Labels, LabelsBuilder, METRIC_NAME};

use crate::birth::Role;
use crate::relabel::relabel_builder;
use crate::{JobConfig, ScrapeFailure};

/// How much of a label name or series is shown in a message.
const SHOWN_BYTES: usize = 50;

/// Reads the labels of a series and applies the job's rules; `None` if they drop it.
pub(crate) fn read_series(
    job: &JobConfig,
    target: &Labels,
    sample: &Sample<'_>,
) -> Result<Option<(Labels, Role, u64)>, ScrapeFailure> {
    let exposed = sample.to_labels();
    let mut labels = exposed.to_builder();
    add_target_labels(job.honor_labels, target, sample, &exposed, &mut labels);
    if !relabel_builder(&mut labels, &job.metric_relabel) {
        return Ok(None);
    }
    let labels = labels.build();
    let name = labels.metric_name();
    if name.is_empty() {
        return Err(ScrapeFailure::NoName { series: shown(&exposed.to_string()) });
    }
    check_limits(job, &labels)?;
    let metric = sample.metric_name();
    let role = Role::of(&metric, sample.metric_type);
    let link = match role {
        Role::Counter | Role::Created => {
            exposed.without(&["le", "quantile"]).with(METRIC_NAME, Role::family(&metric)).fingerprint()
        }
        Role::ProcessStart | Role::Other => 0,
    };
    Ok(Some((labels, role, link)))
}

/// Prometheus `mutateSampleLabels`.
fn add_target_labels(
    honor_labels: bool,
    target: &Labels,
    sample: &Sample<'_>,
    exposed: &Labels,
    labels: &mut LabelsBuilder,
) {
    if honor_labels {
        // A label exposed as empty is honoured too: it keeps the target's away.
        let emptied: Vec<_> =
            sample.labels().filter(|(_, value)| value.is_empty()).map(|(name, _)| name).collect();
        for (name, value) in target {
            if exposed.get(name).is_none() && !emptied.iter().any(|n| n == name) {
                labels.set(name, value);
            }
        }
        return;
    }
    let mut conflicts: Vec<(&str, &str)> = Vec::new();
    for (name, value) in target {
        if let Some(theirs) = exposed.get(name) {
            conflicts.push((name, theirs));
        }
        labels.set(name, value);
    }
    conflicts.sort_by_key(|(name, _)| name.len());
    for (name, value) in conflicts {
        let mut renamed = format!("exported_{name}");
        while labels.get(&renamed).is_some() {
            renamed.insert_str(0, "exported_");
        }
        labels.set(&renamed, value);
    }
}

fn check_limits(job: &JobConfig, labels: &Labels) -> Result<(), ScrapeFailure> {
    let limits = &job.limits;
    let above = |count: usize, limit: u64| limit != 0 && count as u64 > limit;
    let metric = || shown(labels.metric_name());
    let count = labels.len();
    if above(count, limits.labels) {
        return Err(ScrapeFailure::Labels { metric: metric(), labels: count as u64, limit: limits.labels });
    }
    for (name, value) in labels {
        if above(name.len(), limits.label_name_length) {
            return Err(ScrapeFailure::LabelName {
                metric: metric(),
                start: shown(name),
                length: name.len() as u64,
                limit: limits.label_name_length,
            });
        }
        if above(value.len(), limits.label_value_length) {
            return Err(ScrapeFailure::LabelValue {
                metric: metric(),
                name: shown(name),
                length: value.len() as u64,
                limit: limits.label_value_length,
            });
        }
    }
    Ok(())
}

fn shown(text: &str) -> String {
    match text.char_indices().find(|(at, c)| at + c.len_utf8() > SHOWN_BYTES) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
