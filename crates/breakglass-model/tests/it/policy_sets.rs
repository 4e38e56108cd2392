//! Real policy sets, put into the names of an example tenant.

use breakglass_model::proposal::{ChangeAction, Mapping, NameMap, Proposal};
use breakglass_model::snapshot::{Resource, Snapshot};
use breakglass_testkit::shared_data;
use serde_json::{Value, json};

use crate::proposals::read_snapshot;

/// An example tenant with a group for emergency access accounts.
fn tenant() -> Snapshot {
    read_snapshot(&json!({ "format": "breakglass-snapshot/1",
        "users": [{ "id": "eea-1", "userPrincipalName": "eea-1@contoso.example" }],
        "groups": [
            { "id": "g-eea", "displayName": "Emergency access exclusions", "members": ["eea-1"] },
            { "id": "g-in", "displayName": "Internals", "members": ["eea-1"] }],
        "namedLocations": [{ "@odata.type": "#microsoft.graph.countryNamedLocation", "id": "n-nl", "displayName": "NL",
            "countriesAndRegions": ["NL"] }],
        "conditionalAccessPolicies": [] }))
}

/// Reads the files of a set and maps its names.
fn set(name: &str, files: &[&str], map: Value) -> Option<(Proposal, Mapping)> {
    let Some(folder) = shared_data() else {
        println!("the shared reference data is not there");
        return None;
    };
    let mut proposal = Proposal::default();
    for file in files {
        let bytes = std::fs::read(folder.join("data/conditional-access").join(name).join(file)).unwrap();
        proposal.read(&bytes, file, None).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    let map: NameMap = serde_json::from_value(map).unwrap();
    let mapping = proposal.map_names(&map, &tenant()).unwrap();
    Some((proposal, mapping))
}

/// Applies a set and checks how many policies it adds; then takes it back.
fn applied(proposal: &Proposal, policies: usize) -> Snapshot {
    let before = tenant();
    let mut snapshot = before.clone();
    let applied = snapshot.with_proposal(proposal).unwrap();
    let is_new_policy = |change: &&breakglass_model::proposal::AppliedChange| {
        change.resource == Resource::ConditionalAccessPolicies && change.action == ChangeAction::Added
    };
    assert_eq!(applied.iter().filter(is_new_policy).count(), policies);
    let after = snapshot.clone();
    snapshot.undo(applied);
    assert_eq!(snapshot, before);
    after
}

fn policies_excluding(snapshot: &Snapshot, group: &str) -> usize {
    let excludes = |policy: &&breakglass_model::policy::ConditionalAccessPolicy| {
        policy.conditions.users.iter().flat_map(|users| &users.exclude_groups).any(|id| id.as_str() == group)
    };
    snapshot.conditional_access_policies.items().iter().filter(excludes).count()
}

#[test]
fn the_baseline_with_its_groups_and_locations() {
    let map = json!({ "groups": { "CA-BreakGlassAccounts - Exclude": "Emergency access exclusions" } });
    let files = ["groups.json", "namedLocations.json", "policies.json"];
    let Some((proposal, mapping)) = set("j0eyv-ConditionalAccessBaseline", &files, map) else { return };
    assert!(mapping.unused.is_empty(), "{mapping:?}");
    let after = applied(&proposal, 36);
    assert_eq!(after.groups.items().len(), 2 + 33, "34 groups, two of them twice; one is the tenant's");
    assert!(policies_excluding(&after, "g-eea") > 25, "{}", policies_excluding(&after, "g-eea"));
    let unmapped: Vec<String> = mapping.unmapped.iter().map(ToString::to_string).collect();
    assert!(unmapped.len() < 5, "{unmapped:#?}");
}

#[test]
fn the_set_that_names_its_groups_by_expressions() {
    let map = json!({ "groups": {
        "${azuread_group.breakglass.id}": "g-eea",
        "${azuread_group.CA-Persona-Groups[\"Internals\"].id}": "Internals" } });
    let name = "microsoft-ConditionalAccessforZeroTrustResources-terraform";
    let Some((proposal, mapping)) = set(name, &["policies.json"], map) else { return };
    assert!(mapping.unused.is_empty(), "{mapping:?}");
    let after = applied(&proposal, 17);
    assert!(policies_excluding(&after, "g-eea") > 10, "{}", policies_excluding(&after, "g-eea"));
    assert!(mapping.unmapped.iter().any(|unmapped| unmapped.written.contains("CA-Persona-Groups-Exclusions")));
}

#[test]
fn the_sample_tenant_and_the_examples_of_the_documentation() {
    for (name, policies) in [("cisagov-ScubaGear-sample-tenant", 7), ("microsoft-graph-docs-examples", 11)] {
        let Some((proposal, mapping)) = set(name, &["policies.json"], json!({})) else { return };
        assert_eq!(mapping.mapped, 0);
        applied(&proposal, policies);
    }
}
