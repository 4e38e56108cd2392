//! What a suggestion promises comes true once it is carried out, on random tenants: roles made permanent, and
//! policies.

use std::collections::BTreeMap;

use breakglass_engine::access::{Access, AccessSettings};
use breakglass_engine::lockout::goal::{Goal, Question, Stage};
use breakglass_engine::lockout::report::Suggestion;
use breakglass_engine::lockout::settings::Mode;
use breakglass_engine::lockout::{analyse, minimal_cuts_of};
use breakglass_model::well_known::built_in_role;
use breakglass_testkit::lockout_referee::Horizon;
use breakglass_testkit::lockout_tenants::{LockoutTenant, lockout_tenant};
use breakglass_testkit::{is_full, seed_for};
use serde_json::{Value, json};

use crate::bridge::{referee_surfaces, settings};
use crate::support::snapshot;

/// Tenants of a run, and of its long form.
const TENANT_COUNTS: [u64; 2] = [300, 3_000];

/// The order of a tenant, and how many cuts of that size it has.
fn order_of(tenant: &LockoutTenant, document: &Value) -> (Option<usize>, usize) {
    let snapshot = snapshot(document);
    let access = Access::compile(&snapshot, &AccessSettings::at(tenant.settings.now)).unwrap();
    let question = Question { goal: Goal::FullRepair, surface: None, stage: Stage::Direct };
    let settings = settings(tenant, Horizon::Day);
    let (cuts, _) = minimal_cuts_of(&access, &settings, Mode::Promised, question);
    let order = cuts.first().map(Vec::len);
    (order, cuts.iter().filter(|cut| Some(cut.len()) == order).count())
}

/// The tenant with an eligible role made permanent, if that is what is suggested.
fn made_permanent(document: &Value, change: &str) -> Option<Value> {
    let (role, rest) = change.strip_prefix("make ")?.split_once(" permanent for `")?;
    let (name, _) = rest.split_once('`')?;
    let users = document["users"].as_array()?;
    let is_called = |user: &&Value| user["userPrincipalName"] == name || user["id"] == name;
    let user = users.iter().find(is_called)?["id"].as_str()?;
    let eligible = document["roleEligibilityScheduleInstances"].as_array()?;
    let is_role = |id: &str| built_in_role(id).is_some_and(|known| known.name == role);
    let template = eligible.iter().filter_map(|one| one["roleDefinitionId"].as_str()).find(|id| is_role(id))?;
    let permanent = json!({ "id": "supposed", "principalId": user, "roleDefinitionId": template,
        "directoryScopeId": "/", "startDateTime": null, "endDateTime": null, "assignmentType": "Assigned" });
    let mut document = document.clone();
    for list in ["roleAssignments", "roleAssignmentScheduleInstances"] {
        document.get_mut(list)?.as_array_mut()?.push(permanent.clone());
    }
    Some(document)
}

/// The tenant with a policy changed, if that is what is suggested.
fn with_policy_changed(document: &Value, suggestion: &Suggestion) -> Option<Value> {
    let body = &suggestion.edit.as_ref()?.body;
    let mut document = document.clone();
    let policies = document["conditionalAccessPolicies"].as_array_mut()?;
    let policy = policies.iter_mut().find(|policy| policy["id"] == body["id"])?;
    if let Some(state) = body.get("state") {
        policy["state"] = state.clone();
    }
    for (list, members) in body.pointer("/conditions/users").and_then(Value::as_object).into_iter().flatten() {
        policy["conditions"]["users"][list] = members.clone();
    }
    Some(document)
}

#[test]
fn what_is_promised_comes_true() {
    let first = seed_for("suggestions that are carried out");
    let surfaces = referee_surfaces();
    let mut done: BTreeMap<&str, u64> = BTreeMap::new();
    let mut wrong = Vec::new();
    for seed in (0..TENANT_COUNTS[usize::from(is_full())]).map(|at| first.wrapping_add(at)) {
        let tenant = lockout_tenant(seed, &surfaces);
        let document: Value = serde_json::from_str(&tenant.json).unwrap();
        let access = Access::compile(&tenant.snapshot, &AccessSettings::at(tenant.settings.now)).unwrap();
        let settings = settings(&tenant, Horizon::Day);
        let Ok(report) = analyse(&access, &settings, Goal::FullRepair, &[]) else { continue };
        for one in &report.suggestions {
            let permanent = made_permanent(&document, &one.change).map(|changed| ("permanent roles", changed));
            let policy = || with_policy_changed(&document, one).map(|changed| ("policies", changed));
            let Some((kind, changed)) = permanent.or_else(policy) else { continue };
            *done.entry(kind).or_default() += 1;
            let found = order_of(&tenant, &changed);
            if found != (one.order.1, one.cuts_at_order) {
                wrong.push(format!(
                    "seed {seed}: {} promises {:?}, {}; {found:?}",
                    one.change, one.order.1, one.cuts_at_order
                ));
            }
        }
    }
    println!("carried out: {done:?}");
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong[..wrong.len().min(12)].join("\n"));
    assert!(done.len() == 2 && done.values().all(|count| *count > 20), "{done:?}");
}
