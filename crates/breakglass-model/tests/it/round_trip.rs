//! What this code does not know is kept: nothing that an export says of a policy, location, role or group is lost.

use breakglass_model::snapshot::Snapshot;
use serde_json::{Value, json};

use crate::support::snapshot;

fn one(resource: &str, object: &Value) -> Snapshot {
    snapshot(&[("x.json", &json!({ "format": "breakglass-snapshot/1", resource: [object] }).to_string())])
}

#[test]
fn a_policy_keeps_its_json() {
    let policy = json!({ "id": "p", "displayName": "P", "state": "someday", "conditions": { "users": { "includeUsers": ["All"],
        "newUsers": [1] }, "moonPhases": ["full"] }, "grantControls": null, "new": { "a": [null, 1.5] } });
    assert_eq!(one("conditionalAccessPolicies", &policy).conditional_access_policies.items()[0].source, policy);
}

#[test]
fn what_is_new_in_a_condition_or_control_is_named_wherever_it_stands() {
    let filter = json!({ "mode": "include", "rule": "x" });
    let guests = json!({ "guestOrExternalUserTypes": "internalGuest", "externalTenants": { "membershipKind": "all" } });
    let policy = json!({ "id": "p", "state": "enabled", "conditions": {
        "users": { "includeGuestsOrExternalUsers": guests, "excludeGuestsOrExternalUsers": guests },
        "applications": { "applicationFilter": filter }, "clientApplications": { "servicePrincipalFilter": filter },
        "platforms": {}, "locations": {}, "devices": { "deviceFilter": filter }, "authenticationFlows": {} },
        "grantControls": { "operator": "OR", "builtInControls": [], "authenticationStrength": null },
        "sessionControls": {} });
    let unknowns =
        |policy: &Value| one("conditionalAccessPolicies", policy).conditional_access_policies.items()[0].unknowns.len();
    assert_eq!(unknowns(&policy), 0);
    for place in [
        "/conditions",
        "/conditions/users",
        "/conditions/users/includeGuestsOrExternalUsers",
        "/conditions/users/includeGuestsOrExternalUsers/externalTenants",
        "/conditions/users/excludeGuestsOrExternalUsers",
        "/conditions/users/excludeGuestsOrExternalUsers/externalTenants",
        "/conditions/applications",
        "/conditions/applications/applicationFilter",
        "/conditions/clientApplications",
        "/conditions/clientApplications/servicePrincipalFilter",
        "/conditions/platforms",
        "/conditions/locations",
        "/conditions/devices",
        "/conditions/devices/deviceFilter",
        "/conditions/authenticationFlows",
        "/grantControls",
        "/sessionControls",
    ] {
        let mut newer = policy.clone();
        newer.pointer_mut(place).unwrap()["new"] = json!(true);
        assert_eq!(unknowns(&newer), 1, "{place}");
    }
}

#[test]
fn a_location_keeps_its_json() {
    let location = json!({ "@odata.type": "#microsoft.graph.moonNamedLocation", "id": "n", "displayName": "Moon", "craters": [7] });
    assert_eq!(one("namedLocations", &location).named_locations.items()[0].source, location);
}

#[test]
fn a_group_comes_out_as_it_went_in() {
    let group = json!({ "id": "g", "displayName": "G", "securityEnabled": true, "isAssignableToRole": null,
        "membershipRule": "user.department -eq \"IT\"", "members": [{ "@odata.type": "#microsoft.graph.user", "id": "u" }, "v"],
        "owners": [], "groupTypes": ["DynamicMembership"], "new": { "a": 1 } });
    let snapshot = one("groups", &group);
    assert_eq!(snapshot.group_json(&snapshot.groups.items()[0]), group);
}

#[test]
fn an_administrative_unit_comes_out_as_it_went_in() {
    let unit =
        json!({ "id": "a", "displayName": "A", "isMemberManagementRestricted": true, "members": ["u"], "new": [1] });
    let snapshot = one("administrativeUnits", &unit);
    assert_eq!(snapshot.administrative_unit_json(&snapshot.administrative_units.items()[0]), unit);
}

#[test]
fn roles_and_the_others_keep_what_is_new() {
    let role = json!({ "id": "r", "isBuiltIn": true, "new": 1 });
    assert_eq!(one("roleDefinitions", &role).role_definitions.items()[0].rest["new"], 1);
    let assignment = json!({ "principalId": "u", "roleDefinitionId": "r", "new": 1 });
    assert_eq!(one("roleAssignments", &assignment).role_assignments.items()[0].rest["new"], 1);
    let sku = json!({ "skuId": "s", "new": { "a": 1 } });
    assert_eq!(Value::Object(one("subscribedSkus", &sku).subscribed_skus.items()[0].0.clone()), sku);
    let domain = json!({ "id": "contoso.com", "new": 1 });
    assert_eq!(one("domains", &domain).domains.items()[0].rest["new"], 1);
}
