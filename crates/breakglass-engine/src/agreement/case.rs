//! A difference as a small case without names, to be shown to others or kept as a test.
//!
//! The case is a snapshot with one policy, one person, and the locations and groups that the policy names, beside the
//! question and both answers. The policy is left whole: about half of one nobody can ask the tenant. The question has
//! been made as small as the tenant still answers it in the same way; whoever asks it does that.
//!
//! **Invariant:** a case that says that it reproduces was read again, and our answer was the same.

use breakglass_model::policy::ConditionalAccessPolicy;
use breakglass_model::sign_in::WhatIfRequest;
use serde_json::{Value, json};

use super::answer::Difference;
use crate::access::{Access, AccessSettings, Reason, Trit};
use crate::anonymous::{About, Names, place_address, put, read, snapshot_of};

/// A case.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// `breakglass-snapshot/1`.
    pub snapshot: Value,
    /// The body for `evaluate`.
    pub request: Value,
    /// What the tenant answers: `policyApplies` and `analysisReasons`.
    pub theirs: Value,
    /// What we answer, in the same form; `policyApplies` is null where we could not tell.
    pub ours: Value,
    /// Whether we give the same answer to the case. If not, more of the tenant matters than a case holds.
    pub reproduces: bool,
}

impl Case {
    /// As it stands in a report.
    #[must_use]
    pub fn to_value(&self) -> Value {
        json!({ "request": self.request, "theirs": self.theirs, "ours": self.ours, "snapshot": self.snapshot,
            "reproduces": self.reproduces })
    }
}

/// Makes a case of a difference and the question that showed it; `None` if the question cannot be read again.
#[must_use]
pub fn case(access: &Access<'_>, question: &Value, difference: &Difference) -> Option<Case> {
    let policy = access.policies().get(difference.policy)?;
    let text = question.to_string();
    let request = WhatIfRequest::from_json(text.as_bytes()).ok()?;
    let situation = access.situation(&request).ok()?;
    let context = request.sign_in_context.as_ref();
    let about = About {
        person: situation.user,
        principal: request.sign_in_identity.service_principal_id.as_deref(),
        applications: context
            .and_then(|one| one.include_applications.as_deref())
            .into_iter()
            .flatten()
            .map(AsRef::as_ref)
            .collect(),
        at: None,
    };
    let mut names = Names::default();
    let mut snapshot = snapshot_of(access, policy, &about, &mut names);
    let mut written = without_names(question, &mut names);
    let address = request.sign_in_conditions.as_ref().and_then(|conditions| conditions.ip_address.as_deref());
    let mut placed = json!({});
    place_address(access, (address, policy), (&mut snapshot, &mut placed), &mut names);
    if let (Some(conditions), Some(address)) = (written.get_mut("signInConditions"), placed.get("ipAddress")) {
        put(conditions, "ipAddress", address.clone());
    }
    let reproduces = is_found(&snapshot, &written, (difference.ours, difference.our_reason), access.settings());
    Some(Case {
        snapshot,
        request: written,
        theirs: json!({ "policyApplies": difference.applies, "analysisReasons": difference.reasons }),
        ours: json!({ "policyApplies": truth(difference.ours), "analysisReasons": difference.our_reason.name() }),
        reproduces,
    })
}

fn truth(applies: Trit) -> Value {
    match applies {
        Trit::Yes => json!(true),
        Trit::No => json!(false),
        Trit::Unknown => Value::Null,
    }
}

/// The question with other names.
fn without_names(question: &Value, names: &mut Names) -> Value {
    let mut written = question.clone();
    let mut rename = |pointer: &str, name: &mut dyn FnMut(&mut Names, &str) -> String| {
        let Some(value) = written.pointer_mut(pointer) else { return };
        let items: Vec<&mut Value> = match value {
            Value::Array(list) => list.iter_mut().collect(),
            one => vec![one],
        };
        for item in items {
            if let Some(text) = item.as_str() {
                *item = json!(name(names, text));
            }
        }
    };
    rename("/signInIdentity/userId", &mut |names, id| names.of("user", id));
    rename("/signInIdentity/servicePrincipalId", &mut |names, id| names.of("principal", id));
    rename("/signInIdentity/externalTenantId", &mut |names, id| names.tenant(id, None));
    rename("/signInContext/includeApplications", &mut |names, id| names.application(id));
    rename("/signInConditions/deviceInfo/deviceId", &mut |names, id| names.of("device", id));
    rename("/signInConditions/deviceInfo/displayName", &mut |names, id| names.of("device-name", id));
    rename("/signInConditions/deviceInfo/physicalIds", &mut |names, id| names.of("physical", id));
    written
}

/// Whether we answer a case so.
#[must_use]
pub fn is_found(
    snapshot: &Value,
    request: &Value,
    (applies, reason): (Trit, Reason),
    settings: &AccessSettings,
) -> bool {
    let Some(snapshot) = read(snapshot) else { return false };
    let Ok(access) = Access::compile(&snapshot, settings) else { return false };
    let text = request.to_string();
    let Ok(request) = WhatIfRequest::from_json(text.as_bytes()) else { return false };
    let Ok(situation) = access.situation(&request) else { return false };
    let is_it = |policy: &ConditionalAccessPolicy| !policy.is_deleted;
    access.policies().iter().position(is_it).is_some_and(|at| {
        let ours = access.analyse_policy(at, &situation);
        (ours.applies, ours.reason) == (applies, reason)
    })
}
