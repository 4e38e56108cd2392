//! Terms of use that policies ask users to accept, and who has.
//!
//! **Source:** "Terms of use" of Conditional Access: asked for once, and accepted for good here; agreements that expire or
//! are asked for on each device are not played.

use breakglass_model::snapshot::Resource;
use serde_json::{Value, json};

use crate::clock::written;
use crate::state::{Change, Directory, Shelf, text};

fn name(user: &str, agreement: &str) -> String {
    format!("{user}#{agreement}")
}

/// Whether a user has accepted an agreement.
pub(super) fn has_accepted(directory: &Directory, user: &str, agreement: &str) -> bool {
    directory.shelved(Shelf::AcceptedTerms, &name(user, agreement)).is_some()
}

/// The agreements (id, name) that policies ask of a user, without those that were accepted.
pub(crate) fn asked(directory: &Directory, policies: &[String], user: &str) -> Vec<(String, String)> {
    let policies = policies.iter().filter_map(|id| directory.object(Resource::ConditionalAccessPolicies, id));
    let grants = policies.filter_map(|policy| policy.get("grantControls")?.get("termsOfUse")?.as_array());
    let mut ids: Vec<&str> = grants.flatten().filter_map(Value::as_str).collect();
    ids.sort_unstable();
    ids.dedup();
    let open = ids.into_iter().filter(|id| !has_accepted(directory, user, id));
    let named = open.map(|id| {
        let agreement = directory.object(Resource::TermsOfUseAgreements, id);
        let name = agreement.and_then(|agreement| text(agreement, "displayName")).unwrap_or("Terms of use");
        (id.to_owned(), name.to_owned())
    });
    named.collect()
}

/// The change that keeps that a user has accepted an agreement.
pub(crate) fn accepted(user: &str, agreement: &str, now: jiff::Timestamp) -> Change {
    let kept =
        json!({ "userId": user, "agreementId": agreement, "recordedDateTime": written(now), "state": "accepted" });
    Change::Shelve(Shelf::AcceptedTerms, name(user, agreement), kept.as_object().cloned().unwrap_or_default())
}
