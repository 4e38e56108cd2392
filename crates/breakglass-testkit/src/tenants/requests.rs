//! What If bodies for a random tenant.

use breakglass_model::snapshot::Snapshot;
use serde_json::{Map, Value, json};

use super::policies::{
    CLIENT_APPS, CONTEXTS, EXTERNAL_TYPES, INSIDER_LEVELS, PARTNERS, PLATFORMS, RISK_LEVELS, TRANSFER_METHODS,
};
use super::random::Random;
use super::rules::{DEVICE_IDS, LABELS, MANAGERS, OWNERSHIPS, PROFILES, TEXTS, TRUST_TYPES};
use super::{absent, apps, object};

const ADDRESSES: [&str; 9] = [
    "198.51.100.3",
    "198.51.100.200",
    "203.0.113.7",
    "203.0.113.8",
    "192.0.2.1",
    "2001:db8::1",
    "2001:db8:1::5",
    "2001:db9::1",
    "::ffff:198.51.100.3",
];

pub(super) fn request(snapshot: &Snapshot, random: &mut Random) -> Value {
    let identity = if random.chance(9) { service_principal(snapshot, random) } else { user(snapshot, random) };
    let mut conditions = conditions(random);
    if random.chance(2) {
        spoil(&mut conditions, random);
    }
    let conditions = match random.below(20) {
        0 => absent(),
        1 => Value::Null,
        _ => conditions,
    };
    object([
        ("signInIdentity", identity),
        ("signInContext", context(random)),
        ("signInConditions", conditions),
        ("appliedPoliciesOnly", random.pick(&[absent(), json!(true), json!(false), Value::Null])),
    ])
}

fn user(snapshot: &Snapshot, random: &mut Random) -> Value {
    let users = snapshot.users.items();
    let known = users.get(random.below(users.len()));
    let id = match (random.below(40), known) {
        (0, _) => "user-nobody".to_owned(),
        (1, Some(user)) => snapshot.objects.id(user.key).to_ascii_uppercase(),
        (2 | 3, Some(user)) => match &user.user_principal_name {
            Some(name) => name.to_ascii_uppercase(),
            None => snapshot.objects.id(user.key).to_owned(),
        },
        (_, Some(user)) => snapshot.objects.id(user.key).to_owned(),
        (_, None) => format!("user-{}", random.below(11)),
    };
    let kinds = match random.below(12) {
        0 | 1 => json!(random.some(&EXTERNAL_TYPES, 2).join(",")),
        2 => json!("none"),
        3 => Value::Null,
        _ => absent(),
    };
    object([
        ("@odata.type", random.often(90, "#microsoft.graph.userSignIn")),
        ("userId", json!(id)),
        ("externalUserType", kinds),
        ("externalTenantId", random.pick(&[absent(), absent(), Value::Null, json!(PARTNERS[0]), json!("tenant-else")])),
    ])
}

fn service_principal(snapshot: &Snapshot, random: &mut Random) -> Value {
    let principals = snapshot.service_principals.items();
    let known = principals.get(random.below(principals.len()));
    let id = match known {
        Some(principal) if !random.chance(4) => principal.id.as_str().to_owned(),
        _ => format!("principal-{}", random.below(5)),
    };
    object([
        ("@odata.type", random.often(90, "#microsoft.graph.servicePrincipalSignIn")),
        ("servicePrincipalId", json!(id)),
    ])
}

fn context(random: &mut Random) -> Value {
    match random.below(26) {
        0 => absent(),
        1 => Value::Null,
        2 => json!({
            "@odata.type": "#microsoft.graph.userActionContext",
            "userAction": "registerSecurityInformation",
        }),
        3 => json!({ "@odata.type": "#microsoft.graph.userActionContext", "userAction": "registerOrJoinDevices" }),
        4 => json!({
            "@odata.type": "#microsoft.graph.authContext",
            "authenticationContextValue": random.pick(&CONTEXTS),
        }),
        5 => json!({
            "@odata.type": "#microsoft.graph.applicationContext",
            "includeApplications": [random.pick(&["Office365", "MicrosoftAdminPortals"])],
        }),
        6 => json!({ "@odata.type": "#microsoft.graph.applicationContext", "includeApplications": [] }),
        _ => {
            let most = if random.chance(20) { 3 } else { 1 };
            object([
                ("@odata.type", random.often(90, "#microsoft.graph.applicationContext")),
                ("includeApplications", json!(random.some(&apps::ALL, most))),
            ])
        }
    }
}

fn conditions(random: &mut Random) -> Value {
    let mut said = Map::new();
    let mut say = |random: &mut Random, name: &str, percent: usize, value: Value| {
        if random.chance(percent) {
            said.insert(name.to_owned(), value);
        } else if random.chance(10) {
            said.insert(name.to_owned(), Value::Null);
        }
    };
    let platform = match random.below(20) {
        0 => "unknownFutureValue",
        1 => "",
        _ => random.pick(&PLATFORMS),
    };
    say(random, "devicePlatform", 75, json!(platform));
    let client_app = match random.below(20) {
        0 => "all",
        1..=10 => "browser",
        11..=15 => "mobileAppsAndDesktopClients",
        _ => random.pick(&CLIENT_APPS),
    };
    say(random, "clientAppType", 75, json!(client_app));
    for name in ["signInRiskLevel", "userRiskLevel", "servicePrincipalRiskLevel"] {
        let level = random.pick(&RISK_LEVELS);
        say(random, name, 60, json!(level));
    }
    let insider = if random.chance(20) { "none" } else { random.pick(&INSIDER_LEVELS) };
    say(random, "insiderRiskLevel", 50, json!(insider));
    let country = random.pick(&["US", "DE", "KP", "de", "FR"]);
    say(random, "country", 60, json!(country));
    let address = random.pick(&ADDRESSES);
    say(random, "ipAddress", 75, json!(address));
    let method = random.pick(&["none", "deviceCodeFlow", TRANSFER_METHODS[1], "deviceCodeFlow"]);
    let flow = random.pick(&[json!({ "transferMethod": method }), json!({ "transferMethod": method }), json!({})]);
    say(random, "authenticationFlow", 40, flow);
    let device = device(random);
    say(random, "deviceInfo", 65, device);
    Value::Object(said)
}

fn device(random: &mut Random) -> Value {
    let mut device = Map::new();
    let mut say = |random: &mut Random, name: &str, percent: usize, values: &[Value]| {
        if random.chance(percent) {
            device.insert(name.to_owned(), random.pick(values));
        }
    };
    let texts = |values: &[&str]| values.iter().map(|value| json!(value)).collect::<Vec<_>>();
    say(random, "isCompliant", 70, &[json!(true), json!(true), json!(false), Value::Null]);
    say(random, "trustType", 60, &texts(&TRUST_TYPES));
    if random.chance(45) {
        return Value::Object(device);
    }
    say(random, "deviceId", 50, &texts(&DEVICE_IDS));
    say(random, "mdmAppId", 40, &texts(&MANAGERS));
    say(random, "ownership", 40, &texts(&OWNERSHIPS));
    say(random, "profileType", 40, &texts(&PROFILES));
    let mut spelled = texts(&TEXTS);
    spelled.extend([json!("saw"), json!("WINDOWS 11"), json!("my saw box"), Value::Null]);
    for name in [
        "displayName",
        "enrollmentProfileName",
        "manufacturer",
        "model",
        "operatingSystem",
        "operatingSystemVersion",
        "extensionAttribute1",
        "extensionAttribute15",
    ] {
        say(random, name, 40, &spelled);
    }
    for name in ["physicalIds", "systemLabels"] {
        let labels = random.some(&LABELS, 2);
        say(random, name, 40, &[json!(labels), json!(["azureRESOURCE"]), json!([]), Value::Null]);
    }
    Value::Object(device)
}

/// Puts a value that Graph does not know into one condition.
fn spoil(conditions: &mut Value, random: &mut Random) {
    const FAULTS: [(&str, &str); 10] = [
        ("devicePlatform", "beos"),
        ("devicePlatform", "all"),
        ("clientAppType", "telnet"),
        ("clientAppType", "unknownFutureValue"),
        ("signInRiskLevel", "severe"),
        ("userRiskLevel", "High"),
        ("servicePrincipalRiskLevel", "unknownFutureValue"),
        ("insiderRiskLevel", "huge"),
        ("ipAddress", "198.51.100"),
        ("ipAddress", "198.51.100.3/32"),
    ];
    let (name, value) = random.pick(&FAULTS);
    if let Value::Object(members) = conditions {
        members.insert(name.to_owned(), json!(value));
    }
}
