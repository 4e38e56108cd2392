//! People, groups, roles, devices, locations and settings of a random tenant.

#![expect(clippy::indexing_slicing, reason = "members of objects that were made here are set by their names")]

use serde_json::{Value, json};

use super::{Manner, Names, document, kept, member, methods, policies, rules};
use crate::tenants::random::Random;
use crate::tenants::{absent, object};

pub(super) const GLOBAL: &str = "62e90394-69f5-4237-9190-012177145e10";
pub(super) const PRIVILEGED_ROLE: &str = "e8611ab8-c189-46e8-94e1-60213ab1f814";
pub(super) const PRIVILEGED_AUTHENTICATION: &str = "7be44c8a-adaf-4e2a-84d6-ab2649e08a13";
pub(super) const SECURITY: &str = "194ae4cb-b126-40b2-bd5b-6091b380977d";
pub(super) const CONDITIONAL_ACCESS: &str = "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9";
const USER: &str = "fe930be7-5e62-47db-91af-98c3a49a38b1";
const HELPDESK: &str = "729827e3-9c14-49f7-bb1b-9608f156bbb8";
const PASSWORD: &str = "966707d0-3269-4727-9be2-8c3a10f19b9d";
const AUTHENTICATION: &str = "c4e39bd9-1100-46d3-8c65-fb160da0071f";
const DIRECTORY_READERS: &str = "88d8e3e3-8f55-4a1e-953a-9b9898b8876b";
/// A role that the tenant made itself.
const CUSTOM: &str = "role-custom";
/// The id under which the tenant lists a built-in role.
const OWN_ID: &str = "role-own-global";

pub(super) fn how_many(random: &mut Random, manner: Manner) -> usize {
    match manner {
        Manner::Plenty => random.pick(&[2, 3, 4, 4, 5]),
        Manner::Activation | Manner::Resets | Manner::Repair => random.pick(&[2, 3, 4, 4]),
        Manner::Custody => random.pick(&[1, 2, 2, 3]),
        Manner::Conditions | Manner::Factors => random.pick(&[1, 2, 2, 3]),
    }
}

/// One person's part in the tenant.
struct Part {
    id: String,
    role: &'static str,
    is_eligible: bool,
    /// Whether the role comes through the group.
    through_group: bool,
}

pub(super) fn tenant(random: &mut Random, names: &mut Names) -> Value {
    let parts: Vec<Part> =
        names.people.clone().into_iter().enumerate().map(|(at, id)| part(random, names, at, id)).collect();
    names.roles = parts.iter().map(|part| part.role).filter(|role| !role.is_empty()).collect();
    let users: Vec<Value> = names.people.clone().iter().map(|id| user(random, names, id)).collect();
    let (mut assignments, mut instances, mut eligibilities) = (Vec::new(), Vec::new(), Vec::new());
    for part in &parts {
        let Some(given) = given(random, part) else { continue };
        match (part.is_eligible, random.below(3)) {
            (true, _) => eligibilities.push(timed(random, given)),
            (false, 0) => instances.push(timed(random, given)),
            (false, _) => assignments.push(given),
        }
    }
    if random.chance(12) {
        let who = random.pick(&names.people);
        let role = random.pick(&[CUSTOM, DIRECTORY_READERS, HELPDESK, GLOBAL]);
        let scope = random.pick(&["/", "/administrativeUnits/unit"]);
        let more = json!({ "principalId": who, "roleDefinitionId": role, "directoryScopeId": scope });
        if random.chance(50) { eligibilities.push(more) } else { assignments.push(more) }
    }
    let definitions = json!([
        { "id": OWN_ID, "templateId": GLOBAL, "isBuiltIn": true },
        { "id": CUSTOM, "templateId": CUSTOM, "isBuiltIn": false },
    ]);
    let groups = groups(random, names, &parts);
    let devices = devices(random, names);
    let locations = Value::Array(names.locations.iter().map(|id| location(random, names, id)).collect());
    let policies = policies::policies(random, names);
    document(vec![
        ("format", json!("breakglass-snapshot/1")),
        ("tenantId", json!("11111111-aaaa-4aaa-8aaa-111111111111")),
        ("takenAt", json!("2026-03-01T00:00:00Z")),
        ("source", json!("file")),
        ("organization", organization(random)),
        ("users", Value::Array(users)),
        ("domains", kept(random.wild(5), domains(random))),
        ("groups", kept(random.wild(5), groups)),
        ("devices", devices),
        ("administrativeUnits", kept(random.wild(10), units(random, names))),
        ("roleDefinitions", definitions),
        ("roleAssignments", kept(random.wild(4), Value::Array(assignments))),
        ("roleAssignmentScheduleInstances", kept(random.wild(10), Value::Array(instances))),
        ("roleEligibilityScheduleInstances", kept(random.wild(4), Value::Array(eligibilities))),
        ("roleManagementPolicies", kept(random.wild(8), rules::policies(random, names))),
        ("conditionalAccessPolicies", kept(random.wild(4), policies)),
        ("namedLocations", kept(random.wild(5), locations)),
        ("authenticationStrengthPolicies", kept(random.wild(10), policies::strengths(random))),
        ("authenticationMethodsPolicy", kept(random.wild(6), methods::policy(random, names))),
        ("identitySecurityDefaultsEnforcementPolicy", security_defaults(random)),
        ("federationConfigurations", federation(random)),
        ("perUserMfaStates", per_user_states(random, names)),
    ])
}

/// The tenant itself, with its certificate authorities.
fn organization(random: &mut Random) -> Value {
    let authority = |end: &str| json!({ "displayName": "Authority", "expirationDateTime": end });
    let authorities = match random.below(20) {
        0 => absent(),
        1 => json!([]),
        2 => {
            json!([{ "certificateAuthorities": [authority("2030-01-01T00:00:00Z"), authority("2025-01-01T00:00:00Z")] }])
        }
        3 => json!([{ "certificateAuthorities": [authority("some day")] }]),
        _ => json!([{ "certificateAuthorities": [authority("2030-01-01T00:00:00Z")] }]),
    };
    object([
        ("id", json!("11111111-aaaa-4aaa-8aaa-111111111111")),
        ("displayName", json!("Contoso")),
        ("certificateBasedAuthConfiguration", authorities),
    ])
}

fn part(random: &mut Random, names: &Names, at: usize, id: String) -> Part {
    let roles: &[&'static str] = match (names.manner, at) {
        (Manner::Plenty, _) => {
            &[GLOBAL, GLOBAL, GLOBAL, GLOBAL, GLOBAL, GLOBAL, PRIVILEGED_ROLE, PRIVILEGED_AUTHENTICATION]
        }
        (_, 0) | (Manner::Custody | Manner::Conditions | Manner::Factors, _) => {
            &[GLOBAL, GLOBAL, GLOBAL, PRIVILEGED_ROLE]
        }
        (Manner::Activation, _) => {
            &[GLOBAL, GLOBAL, GLOBAL, PRIVILEGED_ROLE, "", "", PRIVILEGED_AUTHENTICATION, HELPDESK]
        }
        (Manner::Resets, _) => &[
            PRIVILEGED_AUTHENTICATION,
            PRIVILEGED_AUTHENTICATION,
            GLOBAL,
            GLOBAL,
            AUTHENTICATION,
            HELPDESK,
            USER,
            PASSWORD,
            "",
        ],
        (Manner::Repair, 1) => &[CONDITIONAL_ACCESS, SECURITY],
        (Manner::Repair, _) => &[CONDITIONAL_ACCESS, CONDITIONAL_ACCESS, SECURITY, GLOBAL, GLOBAL],
    };
    let eligible = match names.manner {
        Manner::Activation => 70,
        Manner::Resets => 25,
        Manner::Repair => 12,
        Manner::Plenty | Manner::Conditions | Manner::Factors => 6,
        Manner::Custody => 12,
    };
    Part { id, role: random.pick(roles), is_eligible: random.chance(eligible), through_group: random.chance(12) }
}

fn given(random: &mut Random, part: &Part) -> Option<Value> {
    if part.role.is_empty() {
        return None;
    }
    let role = if part.role == GLOBAL && random.chance(15) { OWN_ID } else { part.role };
    let scope = match random.below(30) {
        0 => json!("/administrativeUnits/unit"),
        1 => absent(),
        2 => Value::Null,
        _ => json!("/"),
    };
    let principal = if part.through_group { "admins" } else { part.id.as_str() };
    Some(object([("principalId", json!(principal)), ("roleDefinitionId", json!(role)), ("directoryScopeId", scope)]))
}

fn timed(random: &mut Random, mut given: Value) -> Value {
    // Far enough from the instants at which tenants are judged.
    let start =
        random.pick(&["2020-01-01T00:00:00Z"; 9].into_iter().chain(["2030-01-01T00:00:00Z"]).collect::<Vec<_>>());
    given["startDateTime"] = json!(start);
    given["endDateTime"] = random.pick(&[Value::Null, json!("2031-01-01T00:00:00Z"), json!("2031-01-01T00:00:00Z")]);
    if random.chance(5) {
        given["endDateTime"] = json!("2021-01-01T00:00:00Z");
    }
    given
}

fn user(random: &mut Random, names: &Names, id: &str) -> Value {
    let is_cloud = random.chance(93);
    let domain = match random.below(10) {
        0..=4 => "contoso.onmicrosoft.com",
        5..=7 => "contoso.example",
        8 if !is_cloud || random.chance(15) => "fed.example",
        9 if random.is_wild() => "elsewhere.example",
        _ => "contoso.example",
    };
    let (name, kind) = match random.below(30) {
        0 => (format!("{id}_partner.example#EXT#@contoso.onmicrosoft.com"), json!("Guest")),
        1 if random.is_wild() => (format!("{id}@{domain}"), absent()),
        _ => (format!("{id}@{domain}"), json!("Member")),
    };
    let synchronised = if is_cloud {
        random.pick(&[Value::Null, Value::Null, json!(false), json!(false), Value::Null])
    } else if random.wild(20) {
        absent()
    } else {
        json!(true)
    };
    let enabled = match random.below(40) {
        0 => json!(false),
        1 if random.is_wild() => absent(),
        _ => json!(true),
    };
    let restricted =
        random.pick(&[absent(), absent(), json!(false), json!(false), json!(false), Value::Null, json!(true)]);
    object([
        ("id", json!(id)),
        ("userPrincipalName", json!(name)),
        ("userType", kind),
        ("accountEnabled", enabled),
        ("onPremisesSyncEnabled", synchronised),
        ("isManagementRestricted", restricted),
        ("authenticationMethods", methods::methods(random, names)),
    ])
}

fn groups(random: &mut Random, names: &Names, parts: &[Part]) -> Value {
    let admins = parts.iter().filter(|part| part.through_group).map(|part| member("user", &part.id));
    // A group in the group, and one that is a member of itself.
    let (outer, inner): (Vec<Value>, Vec<Value>) = admins.partition(|_| random.chance(70));
    let nested = !inner.is_empty();
    let owner: Vec<Value> =
        if random.chance(10) { vec![member("user", &random.pick(&names.people))] } else { Vec::new() };
    let outer: Vec<Value> = outer.into_iter().chain(nested.then(|| member("group", "inner"))).collect();
    let mut groups = vec![
        object([
            ("id", json!("admins")),
            ("isAssignableToRole", random.pick(&[json!(true), json!(true), json!(true), absent()])),
            ("members", Value::Array(outer)),
            ("owners", kept(random.wild(10), Value::Array(owner))),
        ]),
        json!({ "id": "inner", "isAssignableToRole": false, "members": inner, "owners": [] }),
    ];
    for id in &names.groups {
        let members: Vec<Value> =
            names.people.iter().filter(|_| random.chance(50)).map(|person| member("user", person)).collect();
        let members = kept(random.wild(10), Value::Array(members));
        groups.push(object([
            ("id", json!(id)),
            ("isAssignableToRole", random.pick(&[Value::Null, json!(false)])),
            ("members", members),
            ("owners", json!([])),
        ]));
    }
    Value::Array(groups)
}

fn units(random: &mut Random, names: &Names) -> Value {
    if random.chance(85) {
        return json!([]);
    }
    let members: Vec<Value> = names.people.iter().filter(|_| random.chance(40)).map(|id| member("user", id)).collect();
    let restricted = random.pick(&[json!(true), json!(true), json!(false), Value::Null]);
    json!([{ "id": "unit", "isMemberManagementRestricted": restricted, "members": members }])
}

fn devices(random: &mut Random, names: &Names) -> Value {
    if !names.has_devices {
        return json!([]);
    }
    let count = random.between(1, 2);
    let devices = (0..count).map(|at| {
        let owner = random.pick(&names.people);
        let owners = if random.wild(10) { absent() } else { json!([member("user", &owner)]) };
        let users = random.pick(&[json!([]), json!([]), absent(), Value::Null]);
        let enabled = if random.chance(5) { json!(false) } else { json!(true) };
        let compliant = random.pick(&[json!(true), json!(true), json!(false), Value::Null]);
        let compliant = if random.wild(10) { absent() } else { compliant };
        let trust = json!(random.pick(&["AzureAd", "ServerAd", "ServerAd", "Workplace"]));
        let trust = if random.wild(10) { absent() } else { trust };
        object([
            ("id", json!(format!("d{at}"))),
            ("deviceId", json!(format!("device-{at}"))),
            ("displayName", json!(format!("Device {at}"))),
            ("accountEnabled", enabled),
            ("isCompliant", compliant),
            ("isManaged", json!(true)),
            ("trustType", trust),
            (
                "operatingSystem",
                json!(random.pick(&["Windows", "Windows", "MacMDM", "iOS", "Android", "Linux", "BeOS"])),
            ),
            ("model", json!(random.pick(&["SAW", "Surface Pro"]))),
            ("registeredOwners", owners),
            ("registeredUsers", users),
        ])
    });
    Value::Array(devices.collect())
}

const RANGES: [&str; 6] =
    ["198.51.100.0/24", "198.51.100.0/29", "203.0.113.7/32", "2001:db8::/32", "198.51.100.4/30", "0.0.0.0/0"];

fn location(random: &mut Random, names: &Names, id: &str) -> Value {
    let trusted = random.pick(&[json!(true), json!(true), json!(true), json!(false)]);
    // A network whose country is not known matters where policies ask for both.
    let is_country = names.manner == Manner::Conditions && id != "l0" && random.chance(50);
    match random.below(if random.is_wild() { 11 } else { 10 }) {
        _ if is_country => country(random, id),
        0..=6 => {
            let count = random.between(1, 2);
            let ranges: Vec<Value> = (0..count)
                .map(|_| {
                    let among = if random.chance(3) { RANGES.len() } else { RANGES.len() - 1 };
                    json!({ "cidrAddress": RANGES.get(random.below(among)) })
                })
                .collect();
            json!({ "@odata.type": "#microsoft.graph.ipNamedLocation", "id": id, "isTrusted": trusted, "ipRanges": ranges })
        }
        7..=9 => country(random, id),
        _ => json!({ "@odata.type": "#microsoft.graph.compliantNetworkNamedLocation", "id": id, "isTrusted": trusted }),
    }
}

fn country(random: &mut Random, id: &str) -> Value {
    json!({
        "@odata.type": "#microsoft.graph.countryNamedLocation", "id": id,
        "countriesAndRegions": random.some(&["DE", "US", "KP"], 2),
        "includeUnknownCountriesAndRegions": random.chance(30),
        "countryLookupMethod": if random.chance(12) { "authenticatorAppGps" } else { "clientIpAddress" },
    })
}

fn domains(random: &mut Random) -> Value {
    let managed = if random.wild(10) { absent() } else { json!("Managed") };
    json!([
        { "id": "contoso.onmicrosoft.com", "authenticationType": "Managed", "isInitial": true },
        object([("id", json!("contoso.example")), ("authenticationType", managed)]),
        { "id": "fed.example", "authenticationType": "Federated" },
    ])
}

fn federation(random: &mut Random) -> Value {
    let behaviour =
        random.pick(&["acceptIfMfaDoneByFederatedIdp", "enforceMfaByFederatedIdp", "rejectMfaByFederatedIdp"]);
    match random.below(3) {
        0 => absent(),
        1 => json!([]),
        _ => json!([{ "id": "federation", "domainId": "fed.example", "federatedIdpMfaBehavior": behaviour }]),
    }
}

fn security_defaults(random: &mut Random) -> Value {
    match random.below(20) {
        0 => json!({ "isEnabled": true }),
        1 if random.is_wild() => absent(),
        2 if random.is_wild() => json!({}),
        _ => json!({ "isEnabled": false }),
    }
}

fn per_user_states(random: &mut Random, names: &Names) -> Value {
    if random.chance(80) {
        return random.pick(&[absent(), json!([])]);
    }
    let states = names.people.iter().map(|id| {
        let state = random.pick(&["disabled", "disabled", "enabled", "enforced"]);
        json!({ "id": id, "perUserMfaState": if random.wild(5) { "resting" } else { state } })
    });
    Value::Array(states.collect())
}
