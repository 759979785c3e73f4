//! Histories in which nobody did anything wrong.

use assurance_evidence::audit::{Report, Severity};

use crate::campaign::audit;
use crate::world::{Ending, World};

/// Lives through so many, and gives the number that raised an alarm.
pub(crate) fn run(histories: u64, say: &mut dyn FnMut(String)) -> u64 {
    let (mut days, mut leaves, mut purged, mut alarms) = (0, 0, 0, 0);
    for seed in 0..histories {
        let world = World::of(1_000_000 + seed, 1 + (seed % 12) as usize, Ending::Anywhere);
        // What the auditor kept from any time before must still be what the log has grown from.
        let kept = &world.past[(seed % world.past.len() as u64) as usize].files;
        let kept = kept.get("log/checkpoint").map(|text| String::from_utf8_lossy(text).into_owned());
        let report = audit(&world.files, kept.as_deref(), None, world.now);
        days += report.days;
        purged += report.purged_days;
        leaves += report.log.as_ref().map_or(0, |log| log.size);
        let wrong = false_alarms(&world, &report);
        if !wrong.is_empty() {
            alarms += 1;
            say(format!("lawful history {seed}: {wrong:?}"));
        }
    }
    say(format!(
        "{histories} lawful histories with {days} days ({purged} purged) and {leaves} leaves: {alarms} false alarms"
    ));
    alarms
}

/// What a report should not say of an archive that is as it was made.
fn false_alarms(world: &World, report: &Report) -> Vec<String> {
    let is_false = |finding: &&assurance_evidence::audit::Finding| match finding.severity {
        Severity::Integrity => true,
        Severity::Unwitnessed => world.is_witnessed,
        // The source may have lost events, and says so; nothing else is missing.
        Severity::Incomplete => finding.class.to_string() != "gap",
        _ => false,
    };
    report.findings.iter().filter(is_false).map(ToString::to_string).collect()
}
