//! The directory of a random tenant: users, groups, roles, service principals, locations.

use breakglass_model::well_known::{
    CONDITIONAL_ACCESS_ADMINISTRATOR, GLOBAL_ADMINISTRATOR, MICROSOFT_SERVICES_TENANT, SECURITY_ADMINISTRATOR,
};
use serde_json::{Value, json};

use super::random::Random;
use super::{TAKEN_AT, TENANT_ID, absent, apps, object, policies};

/// What the policies of one tenant may name.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) users: Vec<String>,
    pub(super) groups: Vec<String>,
    pub(super) service_principals: Vec<String>,
    pub(super) locations: Vec<String>,
}

/// Built-in roles, by template id.
pub(super) const ROLES: [&str; 3] = [GLOBAL_ADMINISTRATOR, SECURITY_ADMINISTRATOR, CONDITIONAL_ACCESS_ADMINISTRATOR];
/// A role that the tenant made itself.
pub(super) const CUSTOM_ROLE: &str = "role-custom";

fn named(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{prefix}{number}")).collect()
}

pub(super) fn tenant(random: &mut Random) -> Value {
    random.turn_wild(45);
    let names = Names {
        users: named("user-", random.between(2, 10)),
        groups: named("group-", random.between(1, 7)),
        service_principals: named("principal-", random.between(1, 4)),
        locations: named("location-", random.between(1, 6)),
    };
    lists(random, &names)
}

fn lists(random: &mut Random, names: &Names) -> Value {
    let users = names.users.iter().map(|id| user(random, id)).collect();
    let groups = names.groups.iter().map(|id| group(random, id, names)).collect();
    let principals = names.service_principals.iter().map(|id| service_principal(random, id)).collect();
    let locations = names.locations.iter().map(|id| location(random, id)).collect();
    let policies = (0..random.between(1, 12)).map(|number| policies::policy(random, number, names)).collect();
    let definitions = role_definitions(random);
    let assignments = (0..random.below(5)).map(|_| assignment(random, names)).collect();
    let instances = (0..random.below(5)).map(|_| instance(random, names)).collect();
    let eligibilities = (0..random.below(3)).map(|_| instance(random, names)).collect();
    let mut missing = Vec::new();
    let mut kept = |resource: &'static str, percent_missing: usize, list: Vec<Value>| {
        let is_missing = random.wild(percent_missing);
        let is_partial = random.wild(2);
        if is_partial || (is_missing && random.chance(50)) {
            missing.push(json!({ "resource": resource, "why": "403 Forbidden" }));
        }
        if is_missing { absent() } else { Value::Array(list) }
    };
    let members = [
        ("format", json!("breakglass-snapshot/1")),
        ("tenantId", json!(TENANT_ID)),
        ("takenAt", json!(TAKEN_AT.to_string())),
        ("source", json!("file")),
        ("users", kept("users", 7, users)),
        ("groups", kept("groups", 8, groups)),
        ("servicePrincipals", kept("servicePrincipals", 12, principals)),
        ("roleDefinitions", kept("roleDefinitions", 30, definitions)),
        ("roleAssignments", kept("roleAssignments", 25, assignments)),
        ("roleAssignmentScheduleInstances", kept("roleAssignmentScheduleInstances", 50, instances)),
        ("roleEligibilityScheduleInstances", kept("roleEligibilityScheduleInstances", 50, eligibilities)),
        ("conditionalAccessPolicies", kept("conditionalAccessPolicies", 2, policies)),
        ("namedLocations", kept("namedLocations", 10, locations)),
    ];
    let mut document = object(members);
    if let (Value::Object(document), false) = (&mut document, missing.is_empty()) {
        document.insert("missing".to_owned(), Value::Array(missing));
    }
    document
}

fn user(random: &mut Random, id: &str) -> Value {
    let name = match random.below(6) {
        0 => absent(),
        1 => json!(format!("{id}_partner.example#EXT#@contoso.onmicrosoft.com")),
        _ => json!(format!("{id}@contoso.example")),
    };
    let user_type = match random.below(12) {
        0 => absent(),
        1 => Value::Null,
        2 => json!("Robot"),
        3..=5 => json!("Guest"),
        _ => json!("Member"),
    };
    let creation_type = random.pick(&[absent(), absent(), Value::Null, json!("Invitation"), json!("LocalAccount")]);
    let state = random.pick(&[absent(), absent(), Value::Null, Value::Null, json!("Accepted")]);
    object([
        ("id", json!(id)),
        ("userPrincipalName", name),
        ("displayName", random.often(30, "Somebody")),
        ("accountEnabled", random.often(50, true)),
        ("userType", user_type),
        ("creationType", creation_type),
        ("externalUserState", state),
    ])
}

fn group(random: &mut Random, id: &str, names: &Names) -> Value {
    let count = random.below(5);
    let members: Vec<Value> = (0..count).map(|_| member(random, names)).collect();
    let members = if random.wild(15) { absent() } else { Value::Array(members) };
    object([
        ("id", json!(id)),
        ("displayName", random.often(30, "Some people")),
        ("securityEnabled", random.often(50, true)),
        ("isAssignableToRole", random.often(20, true)),
        ("membershipRule", random.often(15, "user.department -eq \"IT\"")),
        ("members", members),
    ])
}

/// A member by id or as an object; a third are groups, the group itself among them.
fn member(random: &mut Random, names: &Names) -> Value {
    let (id, kind) = match random.below(20) {
        0 => ("user-gone".to_owned(), "user"),
        1 if random.is_wild() => ("group-gone".to_owned(), "group"),
        2 => (random.pick(&names.service_principals), "servicePrincipal"),
        3 => ("device-0".to_owned(), "device"),
        4..=10 => (random.pick(&names.groups), "group"),
        _ => (random.pick(&names.users), "user"),
    };
    match random.below(4) {
        0 => json!(id),
        1 => json!({ "id": id }),
        _ => json!({ "@odata.type": format!("#microsoft.graph.{kind}"), "id": id }),
    }
}

fn service_principal(random: &mut Random, id: &str) -> Value {
    let owner = match random.below(8) {
        0 => absent(),
        1 => Value::Null,
        2 => json!(MICROSOFT_SERVICES_TENANT),
        3 | 4 => json!("22222222-bbbb-4bbb-8bbb-222222222222"),
        _ => json!(TENANT_ID),
    };
    let kind = match random.below(6) {
        0 => absent(),
        1 => json!("ManagedIdentity"),
        _ => json!("Application"),
    };
    object([
        ("id", json!(id)),
        ("appId", json!(random.pick(&[apps::OWN, apps::FOREIGN, apps::GRAPH, apps::OWN]))),
        ("appOwnerOrganizationId", owner),
        ("servicePrincipalType", kind),
    ])
}

/// Each built-in role under its template id, under an id of the tenant, or not at all; and the tenant's own role.
fn role_definitions(random: &mut Random) -> Vec<Value> {
    let mut definitions = Vec::new();
    for template in ROLES {
        match random.below(3) {
            0 => {}
            1 => definitions.push(object([
                ("id", json!(template)),
                ("templateId", random.pick(&[absent(), Value::Null, json!(template)])),
                ("isBuiltIn", random.often(70, true)),
            ])),
            _ => definitions.push(object([
                ("id", json!(own_id(template))),
                ("templateId", json!(template)),
                ("isBuiltIn", random.often(70, true)),
            ])),
        }
    }
    if random.chance(60) {
        definitions.push(json!({ "id": CUSTOM_ROLE, "templateId": CUSTOM_ROLE, "isBuiltIn": false }));
    }
    definitions
}

/// The id that a tenant may have for a built-in role.
fn own_id(template: &str) -> String {
    format!("role-{template}")
}

fn assignment(random: &mut Random, names: &Names) -> Value {
    let id = format!("assignment-{}", random.below(1_000_000));
    let id = random.often(70, id);
    let principal = match random.below(10) {
        0 => "user-gone".to_owned(),
        1..=3 => random.pick(&names.groups),
        4 => random.pick(&names.service_principals),
        _ => random.pick(&names.users),
    };
    let template = random.pick(&ROLES);
    let role = match random.below(6) {
        0 => CUSTOM_ROLE.to_owned(),
        1 | 2 => own_id(template),
        _ => template.to_owned(),
    };
    let scope = match random.below(8) {
        0 => json!("/administrativeUnits/unit-0"),
        1 => json!("/app-own"),
        2 => absent(),
        3 => Value::Null,
        _ => json!("/"),
    };
    object([
        ("id", id),
        ("principalId", json!(principal)),
        ("roleDefinitionId", json!(role)),
        ("directoryScopeId", scope),
        (
            "appScopeId",
            random.pick(&[
                absent(),
                absent(),
                absent(),
                Value::Null,
                json!("/"),
                json!("/"),
                absent(),
                json!("catalog-0"),
            ]),
        ),
    ])
}

/// An assignment with times around that of the snapshot.
fn instance(random: &mut Random, names: &Names) -> Value {
    let mut instance = assignment(random, names);
    const BEFORE: &str = "2026-02-01T00:00:00Z";
    const NOW: &str = "2026-03-01T00:00:00Z";
    const AFTER: &str = "2026-04-01T00:00:00Z";
    if let Value::Object(members) = &mut instance {
        let start = random.pick(&[Value::Null, json!(BEFORE), json!(BEFORE), json!(NOW), json!(AFTER)]);
        let end = random.pick(&[Value::Null, json!(AFTER), json!(AFTER), json!(NOW), json!(BEFORE)]);
        members.insert("startDateTime".to_owned(), start);
        members.insert("endDateTime".to_owned(), end);
        members.insert("assignmentType".to_owned(), json!(random.pick(&["Assigned", "Activated"])));
    }
    instance
}

/// Ranges that contain some of the addresses of the requests.
const RANGES: [&str; 8] = [
    "198.51.100.0/24",
    "198.51.100.0/29",
    "203.0.113.7/32",
    "0.0.0.0/0",
    "2001:db8::/32",
    "2001:db8:1::/48",
    "2001:db8::1/128",
    "192.0.2.77/25",
];

fn location(random: &mut Random, id: &str) -> Value {
    let trusted = random.pick(&[absent(), Value::Null, json!(false), json!(true), json!(true), json!(true)]);
    match random.below(if random.is_wild() { 12 } else { 10 }) {
        0..=5 => {
            let count = random.between(0, 3);
            let ranges: Vec<Value> = (0..count).map(|_| json!({ "cidrAddress": random.pick(&RANGES) })).collect();
            object([
                ("@odata.type", random.often(80, "#microsoft.graph.ipNamedLocation")),
                ("id", json!(id)),
                ("isTrusted", trusted),
                ("ipRanges", Value::Array(ranges)),
            ])
        }
        6..=9 => object([
            ("@odata.type", random.often(80, "#microsoft.graph.countryNamedLocation")),
            ("id", json!(id)),
            ("countriesAndRegions", json!(random.some(&["US", "DE", "KP", "de"], 2))),
            ("includeUnknownCountriesAndRegions", random.pick(&[absent(), json!(false), json!(true)])),
            ("countryLookupMethod", random.pick(&[absent(), json!("clientIpAddress"), json!("authenticatorAppGps")])),
        ]),
        10 => object([
            ("@odata.type", json!("#microsoft.graph.compliantNetworkNamedLocation")),
            ("id", json!(id)),
            ("isTrusted", trusted),
        ]),
        _ => json!({ "@odata.type": "#microsoft.graph.moonNamedLocation", "id": id }),
    }
}
