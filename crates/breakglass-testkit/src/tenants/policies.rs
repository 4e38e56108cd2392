//! Conditional Access policies of a random tenant.

use breakglass_model::well_known::MFA_TRUSTED_IPS;
use serde_json::{Value, json};

use super::directory::{CUSTOM_ROLE, Names, ROLES};
use super::random::Random;
use super::{absent, apps, object, rules};

pub(super) const RISK_LEVELS: [&str; 5] = ["low", "medium", "high", "hidden", "none"];
pub(super) const CONTEXTS: [&str; 3] = ["c1", "c2", "c99"];
pub(super) const PLATFORMS: [&str; 6] = ["android", "iOS", "windows", "windowsPhone", "macOS", "linux"];
pub(super) const CLIENT_APPS: [&str; 5] =
    ["browser", "mobileAppsAndDesktopClients", "exchangeActiveSync", "easSupported", "other"];
pub(super) const EXTERNAL_TYPES: [&str; 6] = [
    "internalGuest",
    "b2bCollaborationGuest",
    "b2bCollaborationMember",
    "b2bDirectConnectUser",
    "otherExternalUser",
    "serviceProvider",
];
pub(super) const TRANSFER_METHODS: [&str; 2] = ["deviceCodeFlow", "authenticationTransfer"];
pub(super) const INSIDER_LEVELS: [&str; 3] = ["minor", "moderate", "elevated"];
pub(super) const PARTNERS: [&str; 2] = ["tenant-partner", "tenant-supplier"];

pub(super) fn policy(random: &mut Random, number: usize, names: &Names) -> Value {
    let state = match random.below(30) {
        0 if random.is_wild() => "sleeping",
        0 | 1 => "disabled",
        2..=6 => "enabledForReportingButNotEnforced",
        _ => "enabled",
    };
    let partial = random.wild(2);
    let conditions = if random.wild(2) { random.pick(&[absent(), Value::Null]) } else { conditions(random, names) };
    object([
        ("id", json!(format!("policy-{number}"))),
        ("displayName", json!(format!("Policy {number}"))),
        ("state", json!(state)),
        (
            "deletedDateTime",
            if random.chance(2) { json!("2026-02-01T00:00:00Z") } else { random.pick(&[absent(), Value::Null]) },
        ),
        ("conditions", conditions),
        ("grantControls", grant_controls(random)),
        ("sessionControls", session_controls(random)),
        ("partialEnablementStrategy", if partial { json!({ "percent": 10 }) } else { absent() }),
    ])
}

fn conditions(random: &mut Random, names: &Names) -> Value {
    let (users, clients) = match random.below(100) {
        0..=9 => (json!({ "includeUsers": ["None"] }), client_applications(random, names)),
        10..=12 => {
            let users = if random.wild(30) { absent() } else { Value::Null };
            (users, random.pick(&[absent(), Value::Null]))
        }
        _ => {
            let vacant = json!({ "includeServicePrincipals": [], "excludeServicePrincipals": [] });
            (users(random, names), random.pick(&[absent(), Value::Null, Value::Null, vacant]))
        }
    };
    let applications = applications(random);
    // Many policies say nothing more, so that several of them apply together.
    if random.chance(45) {
        return object([
            ("users", users),
            ("clientApplications", clients),
            ("applications", applications),
            ("clientAppTypes", json!(["all"])),
        ]);
    }
    let agent_risk = if random.wild(4) { json!("high") } else { absent() };
    object([
        ("users", users),
        ("clientApplications", clients),
        ("applications", applications),
        ("clientAppTypes", client_app_types(random)),
        ("platforms", platforms(random)),
        ("locations", locations(random, names)),
        ("devices", devices(random)),
        ("signInRiskLevels", risk_levels(random, 14)),
        ("userRiskLevels", risk_levels(random, 14)),
        ("servicePrincipalRiskLevels", risk_levels(random, 5)),
        ("insiderRiskLevels", flags(random, &INSIDER_LEVELS)),
        ("authenticationFlows", authentication_flows(random)),
        ("times", if random.wild(6) { json!({ "all": true }) } else { random.vacant() }),
        ("agentIdRiskLevels", agent_risk),
    ])
}

fn users(random: &mut Random, names: &Names) -> Value {
    let included: Vec<String> = match random.below(20) {
        0 | 1 => Vec::new(),
        2 => vec!["GuestsOrExternalUsers".to_owned()],
        3 | 4 => random.some(&names.users, 4),
        5 => vec![random.pick(&["user-gone", "None"]).to_owned()],
        _ => vec!["All".to_owned()],
    };
    let excluded: Vec<String> = match random.below(20) {
        0 => vec!["GuestsOrExternalUsers".to_owned()],
        1 | 2 => random.some(&names.users, 2),
        _ => Vec::new(),
    };
    let unknown = if random.wild(1) { json!(["agent-0"]) } else { absent() };
    object([
        ("includeUsers", list(random, included)),
        ("excludeUsers", list(random, excluded)),
        ("includeGroups", groups(random, names, 25)),
        ("excludeGroups", groups(random, names, 14)),
        ("includeRoles", roles(random, 25)),
        ("excludeRoles", roles(random, 7)),
        ("includeGuestsOrExternalUsers", guests(random, 15)),
        ("excludeGuestsOrExternalUsers", guests(random, 6)),
        ("includeAgentUsers", unknown),
    ])
}

/// A list; an empty one is written in any of the usual ways.
fn list(random: &mut Random, items: Vec<String>) -> Value {
    if items.is_empty() { random.vacant() } else { json!(items) }
}

fn groups(random: &mut Random, names: &Names, percent: usize) -> Value {
    if !random.chance(percent) {
        return random.vacant();
    }
    let mut groups = random.some(&names.groups, 2);
    if random.chance(10) {
        groups.push("group-gone".to_owned());
    }
    json!(groups)
}

fn roles(random: &mut Random, percent: usize) -> Value {
    if !random.chance(percent) {
        return random.vacant();
    }
    let mut roles = random.some(&ROLES, 2);
    if random.chance(15) {
        roles.push(CUSTOM_ROLE);
    }
    json!(roles)
}

fn guests(random: &mut Random, percent: usize) -> Value {
    if !random.chance(percent) {
        return random.pick(&[absent(), Value::Null]);
    }
    let mut types = random.some(&EXTERNAL_TYPES, 4);
    if random.wild(10) {
        types.push("visitorFromMars");
    }
    let tenants = match random.below(8) {
        0 | 1 => json!({
            "@odata.type": "#microsoft.graph.conditionalAccessEnumeratedExternalTenants",
            "membershipKind": "enumerated",
            "members": random.some(&PARTNERS, 1),
        }),
        2 if random.is_wild() => json!({ "membershipKind": "unknownFutureValue" }),
        2 | 3 => Value::Null,
        4 => absent(),
        _ => json!({ "membershipKind": "all" }),
    };
    object([("guestOrExternalUserTypes", json!(types.join(","))), ("externalTenants", tenants)])
}

fn client_applications(random: &mut Random, names: &Names) -> Value {
    let included: Vec<String> = match random.below(8) {
        0 => Vec::new(),
        1..=4 => vec!["ServicePrincipalsInMyTenant".to_owned()],
        5 => vec!["principal-gone".to_owned()],
        _ => random.some(&names.service_principals, 2),
    };
    let excluded = if random.chance(25) { random.some(&names.service_principals, 2) } else { Vec::new() };
    let filter = if random.wild(12) { attribute_filter(random) } else { random.pick(&[absent(), Value::Null]) };
    let agents = if random.wild(8) { json!(["All"]) } else { random.vacant() };
    object([
        ("includeServicePrincipals", list(random, included)),
        ("excludeServicePrincipals", list(random, excluded)),
        ("servicePrincipalFilter", filter),
        ("includeAgentIdServicePrincipals", agents),
    ])
}

/// A filter over custom security attributes, which no snapshot tells.
fn attribute_filter(random: &mut Random) -> Value {
    json!({ "mode": random.pick(&["include", "exclude"]), "rule": "CustomSecurityAttribute.Ops_Kind -eq \"x\"" })
}

fn applications(random: &mut Random) -> Value {
    match random.below(24) {
        0 => return json!({ "includeUserActions": ["urn:user:registersecurityinfo"] }),
        1 => return json!({ "includeUserActions": ["urn:user:registerdevice"], "includeApplications": [] }),
        2 | 3 => return json!({ "includeAuthenticationContextClassReferences": random.some(&CONTEXTS, 2) }),
        _ => {}
    }
    let included = match random.below(18) {
        0 => vec![random.pick(&["Office365", "MicrosoftAdminPortals"])],
        1 => vec!["None"],
        2 => random.some(&["Office365", "MicrosoftAdminPortals", apps::EXCHANGE], 2),
        3 | 4 => random.some(&apps::ALL, 3),
        5 if random.wild(25) => vec!["AllAgentIdResources"],
        _ => vec!["All"],
    };
    let excluded = match random.below(14) {
        0 => vec![random.pick(&["Office365", "MicrosoftAdminPortals"])],
        1 | 2 => random.some(&apps::ALL, 2),
        _ => Vec::new(),
    };
    let filter = if random.wild(6) {
        attribute_filter(random)
    } else {
        random.pick(&[absent(), Value::Null, json!({ "mode": null, "rule": null })])
    };
    object([
        ("includeApplications", json!(included)),
        ("excludeApplications", if excluded.is_empty() { random.vacant() } else { json!(excluded) }),
        ("includeUserActions", random.vacant()),
        ("includeAuthenticationContextClassReferences", random.vacant()),
        ("applicationFilter", filter),
    ])
}

fn client_app_types(random: &mut Random) -> Value {
    match random.below(10) {
        0 => random.vacant(),
        1 | 2 => {
            let mut types = random.some(&CLIENT_APPS, 3);
            if random.wild(20) {
                types.push("telepathy");
            }
            json!(types)
        }
        _ => json!(["all"]),
    }
}

fn platforms(random: &mut Random) -> Value {
    if !random.chance(22) {
        return random.pick(&[
            absent(),
            Value::Null,
            json!({ "includePlatforms": [], "excludePlatforms": [] }),
            json!({ "includePlatforms": null, "excludePlatforms": ["android"] }),
        ]);
    }
    let mut included = if random.chance(50) { vec!["all"] } else { random.some(&PLATFORMS, 3) };
    if random.wild(15) {
        included.push("toaster");
    }
    let mut excluded = if random.chance(50) { random.some(&PLATFORMS, 3) } else { Vec::new() };
    if random.wild(8) {
        excluded.push("fridge");
    }
    json!({ "includePlatforms": included, "excludePlatforms": excluded })
}

fn locations(random: &mut Random, names: &Names) -> Value {
    if !random.chance(28) {
        return random.pick(&[
            absent(),
            Value::Null,
            json!({ "includeLocations": [], "excludeLocations": [] }),
            json!({ "includeLocations": [], "excludeLocations": ["AllTrusted"] }),
        ]);
    }
    let entries = |random: &mut Random| {
        let mut entries = random.some(&names.locations, 2);
        if random.chance(10) {
            entries.push("location-gone".to_owned());
        }
        entries
    };
    let included = match random.below(8) {
        0..=3 => vec!["All".to_owned()],
        4 => vec!["AllTrusted".to_owned()],
        5 if random.is_wild() => vec![MFA_TRUSTED_IPS.to_owned()],
        _ => entries(random),
    };
    let excluded = match random.below(8) {
        0 | 1 => vec!["AllTrusted".to_owned()],
        2..=4 => entries(random),
        5 if random.is_wild() => vec![MFA_TRUSTED_IPS.to_owned()],
        _ => Vec::new(),
    };
    json!({ "includeLocations": included, "excludeLocations": excluded })
}

fn devices(random: &mut Random) -> Value {
    if random.wild(2) {
        return json!({ "includeDevices": ["All"], "excludeDevices": ["Compliant"], "deviceFilter": null });
    }
    if !random.chance(18) {
        return random.pick(&[absent(), Value::Null, json!({ "deviceFilter": { "mode": null, "rule": null } })]);
    }
    let mode = match random.below(20) {
        0 if random.is_wild() => Value::Null,
        1 if random.is_wild() => json!("sideways"),
        2..=9 => json!("exclude"),
        _ => json!("include"),
    };
    json!({ "deviceFilter": { "mode": mode, "rule": rules::rule(random) } })
}

fn risk_levels(random: &mut Random, percent: usize) -> Value {
    if !random.chance(percent) {
        return random.vacant();
    }
    let mut levels = random.some(&RISK_LEVELS, 3);
    if random.wild(10) {
        levels.push("apocalyptic");
    }
    json!(levels)
}

/// A flags enumeration as text, or as the list that some exporters write.
fn flags(random: &mut Random, members: &[&'static str]) -> Value {
    let mut picked = match random.below(12) {
        0 => random.some(members, 2),
        1 => vec!["none"],
        _ => return random.pick(&[absent(), Value::Null, json!("")]),
    };
    if random.wild(10) {
        picked.push("unheardOf");
    }
    if random.chance(70) { json!(picked.join(",")) } else { json!(picked) }
}

fn authentication_flows(random: &mut Random) -> Value {
    match flags(random, &TRANSFER_METHODS) {
        methods if methods == absent() || methods.is_null() => methods,
        methods => json!({ "transferMethods": methods }),
    }
}

fn session_controls(random: &mut Random) -> Value {
    let frequency = json!({ "isEnabled": true, "value": 4 });
    match random.below(10) {
        0 | 1 => json!({ "signInFrequency": frequency, "persistentBrowser": null }),
        2 if random.wild(15) => json!({ "signInFrequency": frequency, "moodRing": { "isEnabled": true } }),
        3 => json!({ "@odata.type": "#microsoft.graph.conditionalAccessSessionControls", "moodRing": null }),
        4 => Value::Null,
        _ => absent(),
    }
}

fn grant_controls(random: &mut Random) -> Value {
    let built_in: Vec<&str> = match random.below(20) {
        0 if random.wild(50) => return absent(),
        0 => return Value::Null,
        1..=3 => vec!["block"],
        4..=7 => vec!["mfa"],
        8..=10 => vec![random.pick(&["compliantDevice", "domainJoinedDevice"])],
        11 => Vec::new(),
        12 => vec![random.pick(&["approvedApplication", "compliantApplication"])],
        13 if random.wild(30) => vec!["mfa", "retinaScan"],
        14 if random.wild(30) => vec!["retinaScan"],
        _ => random.some(
            &[
                "mfa",
                "compliantDevice",
                "domainJoinedDevice",
                "approvedApplication",
                "compliantApplication",
                "passwordChange",
                "riskRemediation",
            ],
            3,
        ),
    };
    let operator = match random.below(if random.is_wild() { 30 } else { 29 }) {
        0..=11 => json!("AND"),
        12..=26 => json!("OR"),
        27 => Value::Null,
        28 => absent(),
        _ => json!("XOR"),
    };
    let strength = match random.below(10) {
        0 => json!({ "id": "00000000-0000-0000-0000-000000000004" }),
        1 => json!({ "id": "strength-own", "allowedCombinations": ["fido2"] }),
        2 => json!({ "id": null, "displayName": null }),
        3 if random.wild(40) => random.pick(&[
            json!({ "displayName": "Strength of no id" }),
            json!({ "id": null, "requirementsSatisfied": "mfa" }),
            json!({ "displayName": "Own combinations", "allowedCombinations": ["fido2"] }),
        ]),
        _ => random.pick(&[absent(), Value::Null]),
    };
    let is_alone = built_in.first() == Some(&"block");
    let extra = |percent: usize, values: &[&str], random: &mut Random| {
        if !is_alone && random.chance(percent) { json!(random.some(values, 2)) } else { random.vacant() }
    };
    let terms = extra(10, &["terms-0", "terms-1"], random);
    let factors = extra(7, &["factor-0"], random);
    let unknown = if random.wild(2) { json!(["x"]) } else { absent() };
    let built_in = if built_in.is_empty() && random.wild(60) { absent() } else { json!(built_in) };
    object([
        ("operator", operator),
        ("builtInControls", built_in),
        ("authenticationStrength", if is_alone { Value::Null } else { strength }),
        ("termsOfUse", terms),
        ("customAuthenticationFactors", factors),
        ("palmReadings", unknown),
    ])
}
