//! Exports of real tenants and tools, read as they are.

use std::fs;

use breakglass_adapters::{read_snapshot, read_snapshot_stream};
use serde_json::{Value, json};

use crate::support::{own_data, reference_data, sentence};

#[test]
fn a_published_baseline_is_read() {
    let loaded = read_snapshot(&own_data("j0eyv-ConditionalAccessBaseline")).unwrap();
    let snapshot = &loaded.snapshot;
    assert_eq!(snapshot.conditional_access_policies.get().map(Vec::len), Ok(36));
    assert_eq!(snapshot.named_locations.get().map(Vec::len), Ok(3));
    // 36 were exported, two of them twice under two names.
    assert_eq!(snapshot.groups.get().map(Vec::len), Ok(34));
    assert_eq!(loaded.notes.len(), 2, "{:?}", loaded.notes);
    assert!(snapshot.groups.items().iter().all(|group| group.members.is_none()));
    assert_eq!(snapshot.users.get(), Err("not in the snapshot"));
    let unrecognised: Vec<_> = loaded.unrecognised.iter().map(|seen| seen.file.as_str()).collect();
    assert_eq!(unrecognised, ["migrationTable.json"]);
}

#[test]
fn nothing_of_a_real_policy_location_or_group_is_lost() {
    let folder = own_data("j0eyv-ConditionalAccessBaseline");
    let snapshot = read_snapshot(&folder).unwrap().snapshot;
    let values = |file: &str| -> Vec<Value> {
        let text = fs::read_to_string(folder.join(file)).unwrap();
        serde_json::from_str::<Value>(&text).unwrap()["value"].as_array().unwrap().clone()
    };
    let policies: Vec<Value> =
        snapshot.conditional_access_policies.items().iter().map(|policy| policy.source.clone()).collect();
    assert_eq!(policies, values("policies.json"));
    let locations: Vec<Value> =
        snapshot.named_locations.items().iter().map(|location| location.source.clone()).collect();
    assert_eq!(locations, values("namedLocations.json"));
    for exported in values("groups.json") {
        let read: Vec<Value> = snapshot.groups.items().iter().map(|group| snapshot.group_json(group)).collect();
        let same = read.iter().find(|group| group["id"] == exported["id"]).unwrap();
        for (name, value) in exported.as_object().unwrap().iter().filter(|(name, _)| *name != "displayName") {
            assert_eq!(same.get(name), Some(value), "{name}");
        }
    }
}

#[test]
fn the_sample_tenant_of_scubagear_is_read() {
    let loaded = read_snapshot(&own_data("cisagov-ScubaGear-sample-tenant")).unwrap();
    assert_eq!(loaded.snapshot.conditional_access_policies.get().map(Vec::len), Ok(7));
    assert!(loaded.snapshot.users.is_partial());
    assert_eq!(loaded.snapshot.users.items().len(), 3);
    assert_eq!(loaded.snapshot.domains.get().map(Vec::len), Ok(1));
    let unrecognised: Vec<_> = loaded.unrecognised.iter().map(|seen| seen.file.as_str()).collect();
    assert_eq!(unrecognised, ["cap-snippets.json"]);
}

#[test]
fn policies_that_were_written_for_terraform_are_read() {
    let folder = own_data("microsoft-ConditionalAccessforZeroTrustResources-terraform");
    let snapshot = read_snapshot(&folder).unwrap().snapshot;
    let policies = snapshot.conditional_access_policies.get().unwrap();
    assert_eq!(policies.len(), 17);
    assert_eq!(policies[16].id.as_str(), "policies.json#16");
}

#[test]
fn the_documentation_s_examples_are_read_and_its_sign_ins_are_not() {
    let Some(folder) = reference_data("microsoft-graph-docs-examples") else { return };
    let loaded = read_snapshot(&folder).unwrap();
    assert_eq!(loaded.snapshot.conditional_access_policies.get().map(Vec::len), Ok(11));
    let unrecognised: Vec<_> = loaded.unrecognised.iter().map(|seen| (seen.file.as_str(), seen.why.as_str())).collect();
    assert_eq!(unrecognised, [("signIns.json", "a sign-in log")]);
}

#[test]
fn test_plans_and_logs_are_no_snapshots() {
    for set in ["cisagov-ScubaGear-aad-functional-tests", "diagnostic-settings-shape", "expected-cases.json"] {
        let Some(path) = reference_data(set) else { return };
        let error = read_snapshot(&path).unwrap_err();
        assert_eq!(error.code(), "BG1005", "{}", sentence(&error));
    }
}

#[test]
fn the_tenants_of_the_expected_cases_are_read() {
    let Some(path) = reference_data("expected-cases.json") else { return };
    let text = fs::read_to_string(path).unwrap();
    let cases: Value = serde_json::from_str(&text).unwrap();
    let cases = cases["cases"].as_array().unwrap();
    for case in cases {
        let list = |name: &str| case["tenant"].get(name).cloned().unwrap_or_else(|| json!([]));
        let own = json!({ "format": "breakglass-snapshot/1", "conditionalAccessPolicies": case["policies"],
            "namedLocations": list("namedLocations"), "users": list("users"), "groups": list("groups") });
        let loaded = read_snapshot_stream(own.to_string().as_bytes());
        let loaded = loaded.unwrap_or_else(|error| panic!("{}: {}", case["id"], sentence(&error)));
        let policies = loaded.snapshot.conditional_access_policies.get().unwrap();
        assert_eq!(Some(policies.len()), case["policies"].as_array().map(Vec::len), "{}", case["id"]);
    }
    assert_eq!(cases.len(), 41);
}
