//! Authentication methods of people, and the policy about them.

use serde_json::{Value, json};

use super::{Manner, Names};
use crate::tenants::random::Random;
use crate::tenants::{absent, object};

pub(super) const MODELS: [&str; 2] = ["90a3ccdf-635c-4729-a248-9b709135078f", "2fc0579f-8113-47ea-b116-bb5a8db9202a"];

/// Kinds that need no setting and no service beside them come more often, since they leave room for more people.
const KINDS: [&str; 14] = [
    "fido2",
    "fido2",
    "fido2",
    "windowsHelloForBusiness",
    "phone",
    "phone",
    "microsoftAuthenticator",
    "softwareOath",
    "hardwareOath",
    "x509Certificate",
    "temporaryAccessPass",
    "platformCredential",
    "email",
    "fido2",
];

pub(super) fn methods(random: &mut Random, names: &Names) -> Value {
    if random.wild(8) {
        return random.pick(&[absent(), Value::Null]);
    }
    let count = match names.manner {
        Manner::Plenty => random.pick(&[0, 0, 1]),
        Manner::Resets => random.pick(&[0, 0, 0, 1, 1]),
        Manner::Activation | Manner::Repair => random.pick(&[0, 0, 1, 1, 2]),
        Manner::Custody => random.pick(&[0, 0, 0, 1]),
        Manner::Conditions => random.pick(&[0, 0, 1]),
        Manner::Factors => random.pick(&[1, 1, 1, 2]),
    };
    Value::Array((0..count).map(|at| method(random, names, at)).collect())
}

fn method(random: &mut Random, names: &Names, at: usize) -> Value {
    let kind = match names.manner {
        _ if random.wild(6) => "telepathy",
        Manner::Plenty if random.chance(70) => "windowsHelloForBusiness",
        Manner::Factors if random.chance(40) => "phone",
        _ => random.pick(&KINDS),
    };
    let id = format!("m{at}");
    let odata_type = format!("#microsoft.graph.{kind}AuthenticationMethod");
    let (mut model, mut phone, mut once, mut usable) = (absent(), absent(), absent(), absent());
    let (mut name, mut device) = (absent(), absent());
    match kind {
        "microsoftAuthenticator" => device = random.pick(&[absent(), Value::Null, json!({ "id": "phone" })]),
        "windowsHelloForBusiness" | "platformCredential" => {
            name = random.pick(&[json!("Device 0"), json!("device 1"), json!("Device 0"), json!("Lost"), absent()]);
            device = random.pick(&[absent(), json!({ "id": "d0" }), json!({ "id": "d1" })]);
        }
        "fido2" => model = if random.wild(20) { absent() } else { json!(random.pick(&MODELS)) },
        "phone" => phone = json!(random.pick(&["mobile", "mobile", "alternateMobile", "office"])),
        "temporaryAccessPass" => {
            once = json!(random.chance(50));
            usable = if random.wild(20) { absent() } else { json!(random.chance(80)) };
        }
        _ => {}
    }
    object([
        ("@odata.type", json!(odata_type)),
        ("id", json!(id)),
        ("displayName", name),
        ("device", device),
        ("aaGuid", model),
        ("phoneType", phone),
        ("isUsableOnce", once),
        ("isUsable", usable),
    ])
}

const CONFIGURATIONS: [&str; 8] = [
    "Fido2",
    "X509Certificate",
    "MicrosoftAuthenticator",
    "SoftwareOath",
    "HardwareOath",
    "Sms",
    "Voice",
    "TemporaryAccessPass",
];

pub(super) fn policy(random: &mut Random, names: &Names) -> Value {
    let configurations: Vec<Value> = CONFIGURATIONS
        .iter()
        .filter_map(|id| {
            if random.wild(4) {
                return None;
            }
            // Text or calls alone are one setting less.
            let off = if matches!(*id, "Sms" | "Voice") { 45 } else { 8 };
            let state = if random.chance(off) { "disabled" } else { "enabled" };
            let restrictions = if *id == "Fido2" { restrictions(random) } else { absent() };
            let included = targets(random, names, true);
            let included = with_modes(random, id, included);
            let modes = match *id {
                "X509Certificate" => certificate_modes(random),
                _ => absent(),
            };
            Some(object([
                ("id", json!(id)),
                ("authenticationModeConfiguration", modes),
                ("state", json!(if random.wild(3) { "resting" } else { state })),
                ("includeTargets", included),
                ("excludeTargets", targets(random, names, false)),
                ("keyRestrictions", restrictions),
            ]))
        })
        .collect();
    json!({ "id": "authenticationMethodsPolicy", "authenticationMethodConfigurations": configurations })
}

/// What certificates are worth.
fn certificate_modes(random: &mut Random) -> Value {
    let mode = |random: &mut Random| {
        let modes = ["x509CertificateMultiFactor", "x509CertificateMultiFactor", "x509CertificateSingleFactor"];
        json!(random.pick(&modes))
    };
    if random.wild(4) {
        return absent();
    }
    let count = random.pick(&[0, 0, 0, 1, 2]);
    let rules: Vec<Value> = (0..count).map(|_| json!({ "x509CertificateAuthenticationMode": mode(random) })).collect();
    let rules = if random.wild(3) { absent() } else { json!(rules) };
    object([("x509CertificateAuthenticationDefaultMode", mode(random)), ("rules", rules)])
}

/// The targets with what each of them allows, where Microsoft Authenticator is meant; sometimes there is one more.
fn with_modes(random: &mut Random, id: &str, targets: Value) -> Value {
    let Value::Array(mut targets) = targets else { return targets };
    if id != "MicrosoftAuthenticator" {
        return Value::Array(targets);
    }
    if random.chance(15) {
        targets.push(json!({ "targetType": "group", "id": "all_users" }));
    }
    for target in &mut targets {
        if !random.wild(4) {
            target["authenticationMode"] = json!(random.pick(&["any", "any", "push", "deviceBasedPush"]));
        }
    }
    Value::Array(targets)
}

fn targets(random: &mut Random, names: &Names, is_including: bool) -> Value {
    let group = |random: &mut Random| json!([{ "targetType": "group", "id": random.pick(&names.groups) }]);
    if random.wild(3) {
        return absent();
    }
    match (is_including, random.chance(if is_including { 85 } else { 92 })) {
        (true, true) => json!([{ "targetType": "group", "id": "all_users" }]),
        (true, false) | (false, false) => group(random),
        (false, true) => json!([]),
    }
}

fn restrictions(random: &mut Random) -> Value {
    match random.below(6) {
        0 => json!({ "isEnforced": true, "enforcementType": "allow", "aaGuids": [random.pick(&MODELS)] }),
        1 => json!({ "isEnforced": true, "enforcementType": "block", "aaGuids": [random.pick(&MODELS)] }),
        2 if random.is_wild() => absent(),
        3 => Value::Null,
        _ => json!({ "isEnforced": false, "enforcementType": "block", "aaGuids": [] }),
    }
}
