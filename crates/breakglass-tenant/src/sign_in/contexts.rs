//! Authentication contexts: what a client asks of a sign-in beyond what the resource does, because it was challenged to.
//!
//! **Source:** "Developer guide to Conditional Access authentication context": a token has a context in `acrs` if the
//! policies that are about it are met.

use jiff::Timestamp;
use serde_json::Value;

use super::decide::{self, Decided};
use super::{Attempt, Target};
use crate::ids::Audience;
use crate::state::{Directory, Object};

/// Decides a sign-in of a user whose proof was right: about the resource, then about the application itself where it is used,
/// then about each context.
pub(crate) fn decide(directory: &Directory, user: &Object, attempt: &Attempt<'_>, now: Timestamp) -> Decided {
    let mut decided = decide::decide(directory, user, attempt, now);
    // A client asks for them with a token; what somebody does on a page is none.
    let contexts = if attempt.user_action.is_some() { &[][..] } else { attempt.contexts };
    let own =
        Target { audience: Audience::Other, app_id: attempt.client.app_id.clone(), name: attempt.client.name.clone() };
    let is_besides = attempt.targets_client && attempt.user_action.is_none() && own.app_id != attempt.target.app_id;
    let of_client = is_besides.then(|| Attempt { target: &own, ..attempt.clone() });
    let of_contexts = contexts.iter().map(|context| Attempt { context: Some(context), ..attempt.clone() });
    for about in of_client.into_iter().chain(of_contexts) {
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
