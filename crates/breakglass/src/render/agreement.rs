//! The tenant's own What If beside ours, as text and as a document.

use std::collections::BTreeSet;

use breakglass_engine::access::{Access, Trit};
use breakglass_engine::agreement::{Difference, Kind, Sample, WayQuestion};
use breakglass_ops::comparing::{Comparison, Found};
use serde_json::{Value, json};

use super::numbers::grouped;
use super::paint::{Paint, Style};
use super::what_if::applies_json;
use super::{counted, fitted, visible};

/// Name and version of the document.
const DOCUMENT: &str = "breakglass-agreement/1";

/// Refused questions that are told before the rest is counted.
const REFUSED_SHOWN_COUNT_MAX: usize = 5;

/// What was asked.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Asked<'a> {
    /// A sample of everything that policies tell apart.
    Sample(&'a Sample),
    /// The sign-ins on which ways in rest, and whether these are all the ways that matter.
    Ways { ways: &'a [WayQuestion], is_every_way: bool },
}

impl Asked<'_> {
    /// Whether there is more that could have been asked, and was not.
    fn is_short(self) -> bool {
        match self {
            Self::Sample(_) => false,
            Self::Ways { ways, is_every_way } => !is_every_way || ways.iter().any(|way| way.body.is_none()),
        }
    }

    /// What is compared, in a sentence.
    fn sentence(self, comparison: &Comparison) -> String {
        let answered = comparison.answered.len();
        match self {
            Self::Sample(sample) => {
                let policies = match sample.policy_count {
                    1 => "1 policy".to_owned(),
                    count => format!("{count} policies"),
                };
                let told = sample.reached(answered_first(comparison));
                format!(
                    "{} of {} sign-ins were put to the tenant's own What If. They tell apart {} of the {} things that \
                     {policies} in force or report-only can tell apart.",
                    grouped(answered as u64),
                    grouped(sample.questions.len() as u64),
                    grouped(told as u64),
                    grouped(sample.goal_count as u64),
                )
            }
            Self::Ways { ways, is_every_way } => {
                let asked = ways.iter().filter(|way| way.body.is_some()).count();
                let rest = ways.len() - asked;
                let rest = match rest {
                    0 => String::new(),
                    rest => format!("; about {} it cannot be asked", counted(rest, "other sign-in")),
                };
                let others = if is_every_way { "" } else { " There are more ways than these." };
                format!(
                    "The ways in rest on {}, and {answered} of them were put to the tenant's own What If{rest}.{others}",
                    counted(ways.len(), "sign-in")
                )
            }
        }
    }
}

/// How many questions were answered without a gap.
fn answered_first(comparison: &Comparison) -> usize {
    let places: BTreeSet<usize> = comparison.answered.iter().map(|(place, _)| *place).collect();
    (0..).take_while(|place| places.contains(place)).count()
}

/// The comparison for a terminal.
pub(crate) fn text(
    access: &Access<'_>,
    asked: Asked<'_>,
    (questions, comparison): (&[Value], &Comparison),
    (columns, paint): (usize, Paint),
) -> String {
    let (title, style) = heading(comparison, asked.is_short());
    let mut text = paint.apply(style, title);
    text.push_str("\n\n");
    text.push_str(&fitted(&asked.sentence(comparison), "", "", columns));
    if let Asked::Sample(sample) = asked {
        let values = sample.values.iter().filter(|(_, count)| *count > 1);
        let values: Vec<String> =
            values.map(|(dimension, count)| format!("{} {}", grouped(*count as u64), dimension.words())).collect();
        if !values.is_empty() {
            text.push_str(&fitted(&format!("Told apart are {}.", values.join(", ")), "", "", columns));
        }
        if !sample.never.is_empty() {
            let names: Vec<String> = sample.never.iter().map(|at| name_of(access, *at)).collect();
            let line = format!("No sign-in can be asked about to which these apply: {}.", names.join(", "));
            text.push_str(&fitted(&line, "", "", columns));
        }
    }
    let agreed: usize = comparison.answered.iter().map(|(_, one)| one.agreed).sum();
    let kept = match comparison.kept_count {
        0 => String::new(),
        count => format!(", and {} from before", counted(count, "answer")),
    };
    let requests = counted(comparison.request_count, "request");
    text.push_str(&fitted(
        &format!("About single policies both say the same {} times. It took {requests}{kept}.", grouped(agreed as u64)),
        "",
        "",
        columns,
    ));
    for one in &comparison.found {
        text.push('\n');
        text.push_str(&found(access, questions, one, columns));
    }
    text.push_str(&doubts(access, comparison, columns));
    text
}

fn heading(comparison: &Comparison, is_short: bool) -> (&'static str, Style) {
    if comparison.has(Kind::Applies) {
        ("Microsoft's What If and ours differ.", Style::Bad)
    } else if is_short || !comparison.is_whole() || comparison.answered.is_empty() {
        ("Microsoft's What If and ours agree as far as it could be told.", Style::Doubtful)
    } else {
        ("Microsoft's What If and ours agree.", Style::Good)
    }
}

fn name_of(access: &Access<'_>, policy: usize) -> String {
    let name = access.policies().get(policy).map(|policy| policy.display_name.clone()).unwrap_or_default();
    format!("`{}`", visible(&name))
}

fn applies_words(applies: bool) -> &'static str {
    if applies { "applies" } else { "does not apply" }
}

fn found(access: &Access<'_>, questions: &[Value], one: &Found, columns: usize) -> String {
    let Difference { kind, policy, applies, reasons, ours, our_reason, because, known } = &one.difference;
    let name = name_of(access, *policy);
    let reason = if reasons.is_empty() { String::new() } else { format!(" ({})", visible(reasons)) };
    let theirs = format!("{}{reason}", applies_words(*applies));
    let line = match (kind, ours) {
        (Kind::Untold, _) => format!("{name}: Microsoft says that it {theirs}; we could not tell: {because}."),
        (Kind::Reason, _) => format!(
            "{name} does not apply, both say, for different reasons: Microsoft says {}, we {} ({because}).",
            visible(reasons),
            our_reason.name()
        ),
        (Kind::Applies, ours) => format!(
            "{name}: Microsoft says that it {theirs}; we say that it {} ({because}).",
            applies_words(*ours == Trit::Yes)
        ),
    };
    let mut text = fitted(&visible(&line), "• ", "  ", columns);
    let asked = questions.get(one.question).map(|question| in_words(access, question)).unwrap_or_default();
    let count = counted(one.count, "answer");
    text.push_str(&fitted(&format!("In {count}; the first is about {asked}."), "  ", "  ", columns));
    if let Some(known) = known {
        text.push_str(&fitted(&format!("{known}."), "  ", "  ", columns));
    }
    if one.case.is_some() {
        let line = "With `--format json` it is a case without names, to be shown to others.";
        text.push_str(&fitted(line, "  ", "  ", columns));
    }
    text
}

/// A question in words.
fn in_words(access: &Access<'_>, question: &Value) -> String {
    let at = |pointer: &str| question.pointer(pointer).and_then(Value::as_str);
    let snapshot = access.snapshot();
    let who = match (at("/signInIdentity/userId"), at("/signInIdentity/servicePrincipalId")) {
        (Some(id), _) => {
            let user = snapshot.find_user(id).or_else(|| snapshot.objects.find(id).and_then(|key| snapshot.user(key)));
            user.and_then(|user| user.user_principal_name.clone())
                .map_or_else(|| id.to_owned(), |name| name.to_string())
        }
        (None, Some(id)) => format!("the service principal {id}"),
        (None, None) => "nobody".to_owned(),
    };
    let app =
        at("/signInContext/includeApplications/0").map(|id| match breakglass_engine::access::surfaces::surface(id) {
            Some(surface) => surface.name.to_owned(),
            None => format!("the application {id}"),
        });
    let context =
        at("/signInContext/authenticationContextValue").map(|name| format!("the authentication context {name}"));
    let action = at("/signInContext/userAction").map(|name| format!("the user action {name}"));
    let to = app.or(context).or(action).unwrap_or_else(|| "nothing".to_owned());
    let conditions = question.get("signInConditions").and_then(Value::as_object);
    let facts =
        conditions.into_iter().flatten().filter(|(_, value)| *value != "none").map(|(name, value)| match value {
            Value::String(text) => format!("{name} {text}"),
            other => format!("{name} {other}"),
        });
    let facts: Vec<String> = facts.collect();
    visible(&format!("`{who}` to {to}, {}", facts.join(", "))).into_owned()
}

/// What keeps the comparison from being whole.
fn doubts(access: &Access<'_>, comparison: &Comparison, columns: usize) -> String {
    let mut lines = Vec::new();
    if comparison.left > 0 {
        lines.push(format!(
            "{} were not asked: the budget was spent. The same command within an hour goes on, or give it more with \
             `--budget`.",
            counted(comparison.left, "sign-in")
        ));
    }
    for (_, why) in comparison.refused.iter().take(REFUSED_SHOWN_COUNT_MAX) {
        lines.push(format!("A question was refused: {}.", visible(why).trim_end_matches('.')));
    }
    let rest = comparison.refused.len().saturating_sub(REFUSED_SHOWN_COUNT_MAX);
    if rest > 0 {
        lines.push(format!("{} more were refused.", counted(rest, "question")));
    }
    let not_read: BTreeSet<&str> =
        comparison.answered.iter().flat_map(|(_, one)| &one.not_read).map(String::as_str).collect();
    if !not_read.is_empty() {
        let ids: Vec<&str> = not_read.into_iter().collect();
        lines.push(format!(
            "The tenant answers about policies that were not read, so that it has changed meanwhile, or they could not be \
             read: {}.",
            visible(&ids.join(", "))
        ));
    }
    let silent: BTreeSet<usize> =
        comparison.answered.iter().flat_map(|(_, one)| one.not_answered.iter().copied()).collect();
    if !silent.is_empty() {
        let names: Vec<String> = silent.into_iter().map(|at| name_of(access, at)).collect();
        lines.push(format!("Of these policies the tenant says nothing: {}.", names.join(", ")));
    }
    lines.into_iter().map(|line| format!("\n{}", fitted(&line, "", "", columns))).collect()
}

/// The comparison for programs.
pub(crate) fn document(access: &Access<'_>, asked: Asked<'_>, comparison: &Comparison) -> String {
    let of = |at: usize| {
        let policy = access.policies().get(at);
        json!({ "id": policy.map(|policy| policy.id.to_string()),
            "displayName": policy.map(|policy| policy.display_name.clone()) })
    };
    let kind = |kind: Kind| match kind {
        Kind::Applies => "applies",
        Kind::Reason => "reason",
        Kind::Untold => "untold",
    };
    let found: Vec<Value> = comparison
        .found
        .iter()
        .map(|one| {
            let difference = &one.difference;
            json!({
                "kind": kind(difference.kind),
                "policy": of(difference.policy),
                "theirs": { "policyApplies": difference.applies, "analysisReasons": difference.reasons },
                "ours": { "policyApplies": applies_json(difference.ours), "analysisReasons": difference.our_reason.name(), "because": difference.because },
                "known": difference.known,
                "answers": one.count,
                "isSmall": one.is_small,
                "case": one.case.as_ref().map(breakglass_engine::agreement::case::Case::to_value),
            })
        })
        .collect();
    let agreed: usize = comparison.answered.iter().map(|(_, one)| one.agreed).sum();
    let (asked_count, never, told) = match asked {
        Asked::Sample(sample) => (
            sample.questions.len(),
            sample.never.iter().map(|at| of(*at)).collect(),
            json!({ "reached": sample.reached(answered_first(comparison)), "of": sample.goal_count }),
        ),
        Asked::Ways { ways, .. } => (ways.len(), Vec::new(), Value::Null),
    };
    let document = json!({
        "format": DOCUMENT,
        "about": match asked { Asked::Sample(_) => "sample", Asked::Ways { .. } => "ways" },
        "questions": asked_count,
        "answered": comparison.answered.len(),
        "left": comparison.left,
        "refused": comparison.refused.iter().map(|(_, why)| why.as_str()).collect::<Vec<_>>(),
        "requests": comparison.request_count,
        "toldApart": told,
        "neverApplies": never,
        "agreed": agreed,
        "differences": found,
    });
    format!("{document:#}\n")
}
