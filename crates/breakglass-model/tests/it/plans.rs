//! Terraform plans, as data.

use breakglass_model::named_location::LocationCoverage;
use breakglass_model::policy::ConditionalAccessPolicy;
use breakglass_model::proposal::{Proposal, ProposalError};
use breakglass_model::snapshot::Snapshot;
use serde_json::{Value, json};

use crate::proposals::{cases, check, read_snapshot, strings};

fn proposal(case: &Value) -> Result<Proposal, ProposalError> {
    let mut proposal = Proposal::default();
    proposal.read_terraform_plan(case["plan"].to_string().as_bytes(), "plan.json")?;
    Ok(proposal)
}

fn named<'a>(snapshot: &'a Snapshot, name: &str) -> &'a ConditionalAccessPolicy {
    let policies = snapshot.conditional_access_policies.items();
    policies.iter().rev().find(|policy| policy.display_name == name).unwrap()
}

#[test]
fn plans_are_read_as_their_providers_write_them() {
    for (name, case) in cases("plans") {
        check(&name, &case, proposal(&case));
        let Ok(proposal) = proposal(&case) else { continue };
        assert_eq!(proposal.notes(), strings(&case, "notes"), "{name}");
        assert_eq!(proposal.unknowns(), strings(&case, "unlooked"), "{name}");
        let mut snapshot = read_snapshot(&case["snapshot"]);
        if snapshot.with_proposal(&proposal).is_err() {
            continue;
        }
        if let Some(count) = case["policies"].as_u64() {
            assert_eq!(snapshot.conditional_access_policies.items().len() as u64, count, "{name}");
        }
        for (policy, expected) in case["unknowns"].as_object().into_iter().flatten() {
            let unknowns: Vec<String> = named(&snapshot, policy).unknowns.iter().map(ToString::to_string).collect();
            assert_eq!(json!(unknowns), *expected, "{name}");
        }
        if case.get("aboutAnybody").is_some() {
            let anybody = strings(&case, "aboutAnybody");
            for policy in snapshot.conditional_access_policies.items() {
                let users = policy.conditions.users.as_ref().unwrap();
                let expected = anybody.contains(&policy.display_name) && policy.id.as_str().contains("plan.json");
                assert_eq!(users.not_exported.is_some(), expected, "{name}: {}", policy.id);
            }
        }
        for policy in strings(&case, "withoutLocations") {
            assert_eq!(named(&snapshot, &policy).conditions.locations, None, "{name}");
        }
        for location in strings(&case, "unknownLocations") {
            let location =
                snapshot.named_locations.items().iter().find(|known| known.display_name == location).unwrap();
            assert!(matches!(location.coverage, LocationCoverage::Unknown(_)), "{name}");
        }
    }
}

#[test]
fn a_policy_says_again_what_a_plan_did_not_know() {
    let case = cases("plans").into_iter().find(|(name, _)| name == "exclusion-known-after-apply").unwrap().1;
    let mut snapshot = read_snapshot(&case["snapshot"]);
    snapshot.with_proposal(&proposal(&case).unwrap()).unwrap();
    let policy = named(&snapshot, "Block legacy authentication");
    let again = ConditionalAccessPolicy::from_value(policy.source.clone(), "x").unwrap();
    assert_eq!(again, *policy);
}
