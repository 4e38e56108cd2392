//! Conditional Access policies and authentication strengths.

#![expect(clippy::indexing_slicing, reason = "members of objects that were made here are set by their names")]

use serde_json::{Value, json};

use super::directory::{CONDITIONAL_ACCESS, GLOBAL, PRIVILEGED_AUTHENTICATION, SECURITY};
use super::methods::MODELS;
use super::{Manner, Names};
use crate::tenants::random::Random;
use crate::tenants::{absent, object};

const PORTAL: &str = "c44b4083-3bb0-49c1-b47d-974e53cbdf3c";
const POWERSHELL: &str = "14d82eec-204b-4c2f-b7e8-296a70dab67e";
const EXPLORER: &str = "de8bc8b5-d9f9-48b1-a8ad-b748da725064";
const RESOURCE_MANAGER: &str = "797f4846-ba00-4fd7-ba43-dac1f8f63013";
const GRAPH: &str = "00000003-0000-0000-c000-000000000000";
const PLATFORMS: [&str; 5] = ["android", "iOS", "windows", "macOS", "linux"];

pub(super) fn policies(random: &mut Random, names: &Names) -> Value {
    let count = match names.manner {
        Manner::Plenty => random.pick(&[0, 0, 0, 1, 1]),
        Manner::Activation => random.pick(&[0, 1, 1, 2]),
        Manner::Resets => random.pick(&[1, 1, 1, 2]),
        Manner::Custody => random.pick(&[0, 0, 1]),
        Manner::Conditions => random.pick(&[1, 1, 2, 2]),
        Manner::Factors => random.pick(&[1, 1, 2]),
        Manner::Repair => random.pick(&[0, 0, 1, 2]),
    };
    let mut policies: Vec<Value> = (0..count).map(|at| policy(random, names, at)).collect();
    if names.manner == Manner::Repair && random.chance(75) {
        policies.push(removable(random, names));
    }
    Value::Array(policies)
}

/// A policy that shuts administrators out, but not those who can take it away.
fn removable(random: &mut Random, names: &Names) -> Value {
    let mut users = random.pick(&[json!({ "includeUsers": ["All"] }), json!({ "includeRoles": [GLOBAL] })]);
    users["excludeRoles"] = json!([CONDITIONAL_ACCESS, SECURITY]);
    if random.chance(20) {
        users["excludeUsers"] = json!([random.pick(&names.people)]);
    }
    let control = random.pick(&["block", "block", "mfa", "compliantDevice"]);
    json!({
        "id": "removable", "displayName": "Removable", "state": "enabled",
        "conditions": { "users": users, "applications": { "includeApplications": ["All"] }, "clientAppTypes": ["all"] },
        "grantControls": { "operator": "OR", "builtInControls": [control] },
    })
}

fn policy(random: &mut Random, names: &Names, at: usize) -> Value {
    let state = match random.below(20) {
        0 => "disabled",
        1 => "enabledForReportingButNotEnforced",
        2 if random.is_wild() => "sleeping",
        _ => "enabled",
    };
    // Such a policy is about everybody and everything, so that its conditions are what matters.
    let is_wide = matches!(names.manner, Manner::Conditions | Manner::Factors);
    let everybody = json!({ "includeUsers": ["All"] });
    let everything = json!({ "includeApplications": ["All"] });
    let mut conditions = object([
        ("users", if is_wide && random.chance(85) { everybody } else { users(random, names) }),
        ("applications", if is_wide && random.chance(90) { everything } else { applications(random) }),
        (
            "clientAppTypes",
            json!([random.pick(&["all", "all", "all", "all", "browser", "mobileAppsAndDesktopClients"])]),
        ),
    ]);
    let count = match names.manner {
        Manner::Resets | Manner::Plenty => random.pick(&[0, 0, 1, 1]),
        Manner::Activation | Manner::Custody | Manner::Repair => random.pick(&[0, 1, 1, 2]),
        Manner::Conditions => random.pick(&[1, 1, 1, 2]),
        Manner::Factors => random.pick(&[0, 0, 0, 1]),
    };
    for _ in 0..count {
        condition(random, names, &mut conditions);
    }
    let is_narrow = conditions.as_object().is_some_and(|members| members.len() > 3);
    if random.wild(3) {
        conditions["moonPhase"] = json!("full");
    }
    json!({
        "id": format!("p{at}"), "displayName": format!("Policy {at}"), "state": state, "conditions": conditions,
        "grantControls": grant(random, names, is_narrow), "sessionControls": session(random),
    })
}

fn users(random: &mut Random, names: &Names) -> Value {
    let roles = [GLOBAL, GLOBAL, CONDITIONAL_ACCESS, PRIVILEGED_AUTHENTICATION];
    let someone = |random: &mut Random| json!([random.pick(&names.people)]);
    let mut users = match random.below(10) {
        0..=5 => json!({ "includeUsers": ["All"] }),
        6 | 7 => json!({ "includeUsers": [], "includeRoles": [random.pick(&roles)] }),
        8 => json!({ "includeUsers": someone(random) }),
        _ => json!({ "includeUsers": [], "includeGroups": [random.pick(&names.groups)] }),
    };
    match random.below(10) {
        0..=3 => users["excludeUsers"] = someone(random),
        4 => users["excludeGroups"] = json!([random.pick(&names.groups)]),
        5 if random.chance(50) => users["excludeRoles"] = json!([random.pick(&roles)]),
        _ => {}
    }
    match names.manner {
        Manner::Repair if random.chance(75) => users["excludeRoles"] = json!([CONDITIONAL_ACCESS, SECURITY]),
        // Everybody but a few, so that some ways are left as they are.
        Manner::Plenty | Manner::Resets if random.chance(60) => {
            users["excludeUsers"] = json!(random.some(&names.people, 3))
        }
        _ => {}
    }
    users
}

fn applications(random: &mut Random) -> Value {
    match random.below(14) {
        0 => json!({ "includeApplications": ["MicrosoftAdminPortals"] }),
        1 => json!({ "includeApplications": [RESOURCE_MANAGER] }),
        2 => {
            json!({ "includeApplications": ["All"], "excludeApplications": [random.pick(&[PORTAL, POWERSHELL, EXPLORER])] })
        }
        3 => json!({ "includeApplications": [random.pick(&[GRAPH, POWERSHELL, PORTAL])] }),
        4 | 5 => json!({ "includeApplications": [], "includeAuthenticationContextClassReferences": ["c1"] }),
        _ => json!({ "includeApplications": ["All"] }),
    }
}

fn condition(random: &mut Random, names: &Names, conditions: &mut Value) {
    match random.below(12) {
        0..=4 => conditions["locations"] = locations(random, names),
        5 => conditions["signInRiskLevels"] = json!(random.some(&["low", "medium", "high"], 2)),
        6 => conditions["userRiskLevels"] = json!(random.some(&["medium", "high", "none"], 2)),
        7 if random.chance(50) => {
            conditions["insiderRiskLevels"] = json!(random.pick(&["minor", "elevated", "minor,moderate"]))
        }
        8 | 9 => {
            let excluded = random.some(&PLATFORMS, 2);
            conditions["platforms"] = if random.chance(60) {
                json!({ "includePlatforms": ["all"], "excludePlatforms": excluded })
            } else {
                json!({ "includePlatforms": excluded, "excludePlatforms": [] })
            };
        }
        10 if names.has_devices => {
            let rule = random.pick(&[
                "device.isCompliant -eq True",
                "device.model -eq \"SAW\"",
                "device.trustType -eq \"ServerAD\"",
                "device.isCompliant -ne True -or device.model -startsWith \"Sur\"",
            ]);
            let mode = random.pick(&["include", "exclude", "exclude"]);
            conditions["devices"] = json!({ "deviceFilter": { "mode": mode, "rule": rule } });
        }
        11 => conditions["authenticationFlows"] = json!({ "transferMethods": "deviceCodeFlow" }),
        _ => {}
    }
}

fn locations(random: &mut Random, names: &Names) -> Value {
    let location = if names.locations.is_empty() { "AllTrusted".to_owned() } else { random.pick(&names.locations) };
    match random.below(6) {
        0 | 1 => json!({ "includeLocations": ["All"], "excludeLocations": ["AllTrusted"] }),
        2 | 3 => json!({ "includeLocations": ["All"], "excludeLocations": [location] }),
        4 => json!({ "includeLocations": [location], "excludeLocations": [] }),
        _ => json!({ "includeLocations": ["All"], "excludeLocations": random.some(&names.locations, 2) }),
    }
}

fn grant(random: &mut Random, names: &Names, is_narrow: bool) -> Value {
    let operator = json!(random.pick(&["OR", "OR", "AND"]));
    let built_in = |controls: &[&str]| json!({ "operator": operator, "builtInControls": controls });
    let block = match (names.manner, is_narrow) {
        (Manner::Resets, true) => 25,
        (Manner::Conditions, true) => 60,
        (_, true) => 50,
        (_, false) => 8,
    };
    if random.chance(block) {
        return built_in(&["block"]);
    }
    let among = if names.manner == Manner::Factors { 14 } else { 20 };
    match random.below(among) {
        0..=6 => built_in(&["mfa"]),
        7 => built_in(&["mfa", random.pick(&["compliantDevice", "domainJoinedDevice", "approvedApplication"])]),
        8 if names.has_devices => built_in(&["compliantDevice"]),
        9 if names.has_devices => built_in(&["domainJoinedDevice", "compliantDevice"]),
        10 | 11 => json!({ "operator": operator, "builtInControls": random.pick(&[json!([]), json!(["mfa"])]),
                      "termsOfUse": ["terms"] }),
        12 => json!({ "operator": operator, "builtInControls": random.pick(&[json!([]), json!(["mfa"])]),
                      "customAuthenticationFactors": ["duo"], "termsOfUse": random.pick(&[json!([]), json!(["terms"])]) }),
        13 | 14 => {
            json!({ "operator": operator, "builtInControls": random.pick(&[json!([]), json!(["compliantDevice"])]),
                      "authenticationStrength": { "id": strength(random) } })
        }
        15 if random.is_wild() => built_in(&["mfa", "clairvoyance"]),
        16 if random.is_wild() => {
            random.pick(&[Value::Null, json!({ "builtInControls": ["mfa"], "termsOfUse": ["terms"] })])
        }
        17 => built_in(&[random.pick(&["passwordChange", "riskRemediation", "compliantApplication"])]),
        _ => built_in(&["mfa"]),
    }
}

/// How soon somebody signs in again, seldom; it matters to sessions that are open.
fn session(random: &mut Random) -> Value {
    if !random.chance(10) {
        return Value::Null;
    }
    let interval = json!("timeBased");
    let frequency = random.pick(&[
        json!({ "isEnabled": true, "frequencyInterval": "everyTime", "type": null, "value": null }),
        json!({ "isEnabled": true, "frequencyInterval": interval, "type": "hours", "value": 1 }),
        json!({ "isEnabled": true, "frequencyInterval": interval, "type": "hours", "value": 4 }),
        json!({ "isEnabled": true, "frequencyInterval": interval, "type": "days", "value": 1 }),
        json!({ "isEnabled": false, "frequencyInterval": "everyTime", "type": null, "value": null }),
    ]);
    json!({ "signInFrequency": frequency })
}

fn strength(random: &mut Random) -> &'static str {
    random.pick(&[
        "00000000-0000-0000-0000-000000000002",
        "00000000-0000-0000-0000-000000000004",
        "strength-own",
        "strength-own",
        "strength-password",
    ])
}

pub(super) fn strengths(random: &mut Random) -> Value {
    let applies = if random.wild(20) { absent() } else { json!(["fido2"]) };
    let restriction = object([
        ("@odata.type", json!("#microsoft.graph.fido2CombinationConfiguration")),
        ("id", json!("restriction")),
        ("appliesToCombinations", applies),
        ("allowedAAGUIDs", json!([random.pick(&MODELS)])),
    ]);
    let configurations = match random.below(4) {
        0 => json!([restriction]),
        1 if random.is_wild() => absent(),
        _ => json!([]),
    };
    let combinations = random.pick(&[
        json!(["fido2", "temporaryAccessPassOneTime"]),
        json!(["fido2", "password,sms", "sms,federatedSingleFactor", "windowsHelloForBusiness"]),
        json!(["password,softwareOath", "deviceBasedPush", "x509CertificateMultiFactor"]),
    ]);
    json!([
        object([
            ("id", json!("strength-own")),
            ("displayName", json!("Own")),
            ("allowedCombinations", combinations),
            ("combinationConfigurations", configurations),
        ]),
        { "id": "strength-password", "displayName": "Anything", "combinationConfigurations": [],
          "allowedCombinations": random.pick(&[json!(["password", "fido2"]), json!(["password", "levitation"])]) },
    ])
}
