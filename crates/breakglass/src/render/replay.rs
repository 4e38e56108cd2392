//! `what-if --replay`: how our decisions compare with the recorded ones, for people and as `breakglass-replay/1`.

use breakglass_engine::access::recorded::Condition;
use breakglass_engine::replay::case::case;
use breakglass_engine::replay::{Counts, Difference, Group, Replay, Tally};
use serde_json::{Value, json};

use super::numbers::{counted, grouped};
use super::{fitted, visible};
use crate::commands::logs::ReadLogs;

/// Name of the format.
const FORMAT: &str = "breakglass-replay/1";
/// Disagreements that carry a case; making one means trying what can be left out.
pub(crate) const CASE_COUNT_MAX: usize = 200;
/// Disagreements and reasons that a page shows.
pub(crate) const SHOWN_COUNT_MAX: usize = 40;

/// The document.
pub(crate) fn document(replay: &Replay<'_>, read: &ReadLogs<Tally>) -> Value {
    let tally = &read.sum;
    let mut cases = 0;
    let (mut disagree, mut conditions_disagree) = (Vec::new(), Vec::new());
    for (difference, group) in by_count(tally) {
        let made = group.first.as_ref().filter(|_| cases < CASE_COUNT_MAX);
        let made = made.and_then(|(_, bytes)| case(replay, difference, bytes));
        cases += usize::from(made.is_some());
        let example = made.map_or(Value::Null, |case| case.to_value());
        let policy = replay.access().policies().get(difference.policy());
        let (id, name) = policy.map_or(("", ""), |policy| (policy.id.as_str(), policy.name()));
        match difference {
            Difference::Result { recorded, ours, because, .. } => disagree.push(json!({
                "policy": id, "policyName": name, "recorded": recorded.name(), "ours": ours.to_string(),
                "count": group.count, "because": because.words(), "example": example,
            })),
            Difference::Condition { condition, recorded, .. } => conditions_disagree.push(json!({
                "policy": id, "policyName": name, "condition": condition.name(), "recorded": satisfied(*recorded),
                "ours": satisfied(!*recorded), "count": group.count, "example": example,
            })),
        }
    }
    let unknown: Vec<Value> =
        whys(tally).into_iter().map(|(why, count)| json!({ "why": why, "count": count })).collect();
    let strange = tally.strange.iter().map(
        |((fact, word), count)| json!({ "why": format!("not known: {}", fact.words()), "word": word, "count": count }),
    );
    json!({
        "format": FORMAT,
        "records": tally.records,
        "malformed": read.malformed,
        "judged": tally.judged,
        "agree": tally.agree,
        "from": tally.times.map(|(first, _)| first.to_string()),
        "to": tally.times.map(|(_, last)| last.to_string()),
        "youngerThanSnapshot": tally.younger_than_snapshot,
        "results": counts(&tally.results),
        "policies": policies(replay, tally),
        "conditions": conditions(tally),
        "disagree": disagree,
        "conditionsDisagree": conditions_disagree,
        "disagreeFolded": tally.differences_folded,
        "unknown": unknown,
        "strangeWords": strange.collect::<Vec<_>>(),
        "strangeWordsFolded": tally.strange_folded,
    })
}

const fn satisfied(is: bool) -> &'static str {
    if is { "satisfied" } else { "notSatisfied" }
}

/// The disagreements, those of results first, the most frequent first.
fn by_count(tally: &Tally) -> Vec<(&Difference, &Group)> {
    let mut all: Vec<_> = tally.differences.iter().collect();
    let is_condition = |difference: &Difference| matches!(difference, Difference::Condition { .. });
    all.sort_by_key(|(difference, group)| (is_condition(difference), std::cmp::Reverse(group.count)));
    all
}

/// Why something could not be told, the most frequent first.
fn whys(tally: &Tally) -> Vec<(String, u64)> {
    let mut whys: Vec<(String, u64)> = tally.unknown.iter().map(|(why, count)| (why.words(), *count)).collect();
    whys.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    whys
}

fn counts(counts: &Counts) -> Value {
    json!({ "agree": counts.agree, "disagree": counts.disagree, "unknown": counts.unknown })
}

fn policies(replay: &Replay<'_>, tally: &Tally) -> Vec<Value> {
    let counted = replay.access().policies().iter().zip(&tally.policies);
    counted
        .filter(|(_, own)| **own != Counts::default())
        .map(|(policy, own)| {
            json!({ "policy": policy.id.as_str(), "policyName": policy.name(),
                "agree": own.agree, "disagree": own.disagree, "unknown": own.unknown })
        })
        .collect()
}

fn conditions(tally: &Tally) -> Vec<Value> {
    let named = Condition::ALL.iter().zip(&tally.conditions);
    named
        .filter(|(_, own)| **own != Counts::default())
        .map(|(condition, own)| {
            json!({ "condition": condition.name(),
                "agree": own.agree, "disagree": own.disagree, "unknown": own.unknown })
        })
        .collect()
}

/// The page.
pub(crate) fn page(replay: &Replay<'_>, read: &ReadLogs<Tally>, columns: usize) -> String {
    let tally = &read.sum;
    let mut page = fitted(&sentence(read), "", "", columns);
    let differences = by_count(tally);
    if !differences.is_empty() {
        page.push_str("\nWhat disagrees:\n");
    }
    for (difference, group) in differences.iter().take(SHOWN_COUNT_MAX) {
        page.push_str(&fitted(&difference_words(replay, difference, group), "- ", "  ", columns));
    }
    if differences.len() > SHOWN_COUNT_MAX || tally.differences_folded > 0 {
        let rest = differences.len().saturating_sub(SHOWN_COUNT_MAX);
        page.push_str(&fitted(
            &format!("{rest} more kinds, and {} of further ones", counted(tally.differences_folded, "disagreement")),
            "- ",
            "  ",
            columns,
        ));
    }
    if !differences.is_empty() {
        page.push_str("`--format json` has a case without names for each, to be kept as a test.\n");
    }
    let whys = whys(tally);
    if !whys.is_empty() {
        page.push_str("\nWhat could not be told:\n");
    }
    for (why, count) in whys.iter().take(SHOWN_COUNT_MAX) {
        page.push_str(&fitted(&format!("{}: {why}", times(*count)), "- ", "  ", columns));
    }
    for ((fact, word), count) in &tally.strange {
        let words =
            format!("{}: `{}`, a word that is not known here, in {}", times(*count), visible(word), fact.words());
        page.push_str(&fitted(&words, "- ", "  ", columns));
    }
    page.push_str(&tables(replay, tally));
    page
}

fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{} times", grouped(count)) }
}

fn sentence(read: &ReadLogs<Tally>) -> String {
    let tally = &read.sum;
    let mut text = format!("{}, {} judged: ", counted(tally.records, "record"), grouped(tally.judged));
    let wrong = tally.judged - tally.agree;
    text.push_str(&match (tally.judged, wrong) {
        (0, _) => "nothing could be compared with what Microsoft recorded.".to_owned(),
        (_, 0) => "every result that can be told is the one that Microsoft recorded.".to_owned(),
        (_, wrong) => format!(
            "in {} every result that can be told is the one that Microsoft recorded, in {} it is not.",
            grouped(tally.agree),
            grouped(wrong)
        ),
    });
    let Counts { agree, disagree, unknown } = tally.results;
    text.push_str(&format!(
        " Of {}, {} agree, {} disagree and {} cannot be told.",
        counted(agree + disagree + unknown, "result"),
        grouped(agree),
        grouped(disagree),
        grouped(unknown)
    ));
    if read.malformed > 0 {
        text.push_str(&format!(
            " {} malformed.",
            if read.malformed == 1 {
                "1 more record is".to_owned()
            } else {
                format!("{} more records are", grouped(read.malformed))
            }
        ));
    }
    if tally.younger_than_snapshot > 0 {
        let verb = if tally.younger_than_snapshot == 1 { "is" } else { "are" };
        let count = grouped(tally.younger_than_snapshot);
        text.push_str(&format!(
            " {count} of the records {verb} younger than the snapshot: what was changed since, it does not have."
        ));
    }
    text
}

fn difference_words(replay: &Replay<'_>, difference: &Difference, group: &Group) -> String {
    let policy = replay.access().policies().get(difference.policy());
    let name = policy.map_or(String::new(), |policy| visible(policy.name()).into_owned());
    match difference {
        Difference::Result { recorded, ours, because, .. } => format!(
            "`{name}`: recorded {}, ours {}, {}: {}",
            recorded.name(),
            ours.to_string().replace('|', " or "),
            times(group.count),
            because.words()
        ),
        Difference::Condition { condition, recorded, .. } => format!(
            "`{name}`: the condition `{}` was recorded as {}, {}, and by our reckoning it is not so",
            condition.name(),
            if *recorded { "satisfied" } else { "not satisfied" },
            times(group.count)
        ),
    }
}

/// Agreement by policy and by condition.
fn tables(replay: &Replay<'_>, tally: &Tally) -> String {
    let mut text = String::new();
    let by_policy = replay.access().policies().iter().zip(&tally.policies);
    let by_policy: Vec<(String, &Counts)> =
        by_policy.map(|(policy, own)| (visible(policy.name()).into_owned(), own)).collect();
    let by_condition = Condition::ALL.iter().zip(&tally.conditions);
    let by_condition: Vec<(String, &Counts)> = by_condition.map(|(one, own)| (one.name().to_owned(), own)).collect();
    for (title, rows) in [("policy", by_policy), ("condition", by_condition)] {
        let rows: Vec<_> = rows.iter().filter(|(_, own)| **own != Counts::default()).collect();
        if rows.is_empty() {
            continue;
        }
        text.push_str(&format!("\n{:>10} {:>10} {:>10}  {title}\n", "agree", "disagree", "unknown"));
        for (name, own) in rows {
            let [agree, disagree, unknown] = [own.agree, own.disagree, own.unknown].map(grouped);
            text.push_str(&format!("{agree:>10} {disagree:>10} {unknown:>10}  {name}\n"));
        }
    }
    text
}
