//! Authentication contexts: what a client asks of a sign-in beyond what the resource does, because it was challenged to.
//!
//! **Source:** "Developer guide to Conditional Access authentication context": a token has a context in `acrs` if the
//! policies that are about it are met.

use jiff::Timestamp;
use serde_json::Value;

use super::Attempt;
use super::decide::{self, Decided};
use crate::state::{Directory, Object};

/// Decides a sign-in of a user whose proof was right: about the resource, then about each context.
pub(crate) fn decide(directory: &Directory, user: &Object, attempt: &Attempt<'_>, now: Timestamp) -> Decided {
    let mut decided = decide::decide(directory, user, attempt, now);
    // A client asks for them with a token; what somebody does on a page is none.
    let contexts = if attempt.user_action.is_some() { &[][..] } else { attempt.contexts };
    for context in contexts {
        let about = Attempt { context: Some(context), ..attempt.clone() };
        let met = decide::decide(directory, user, &about, now);
        let both = decided.applied.iter().cloned().zip(met.applied.iter().cloned());
        let applied = both.map(|(one, other)| if is_in_force(&one) { one } else { other }).collect();
        let status = stronger(decided.status, met.status);
        let mut providers = decided.providers.clone();
        providers.extend(met.providers.iter().filter(|word| !decided.providers.contains(word)));
        // What the resource demands is told first.
        let first = if decided.refused.is_some() { decided } else { met };
        decided = Decided { applied, status, providers, ..first };
    }
    decided
}

/// Whether a policy applied.
fn is_in_force(applied: &Value) -> bool {
    applied
        .get("result")
        .and_then(Value::as_str)
        .is_some_and(|result| !result.ends_with("NotApplied") && result != "notApplied")
}

/// What became of a sign-in of which this became about one thing, and that about another.
fn stronger(one: &'static str, other: &'static str) -> &'static str {
    if one == "failure" || other == "notApplied" { one } else { other }
}
