use breakglass_model::sign_in::WhatIfRequest;
use serde_json::{Value, json};

use super::super::device_filter::matches;
use super::check;

/// What a rule says of a device: `Some` of its truth, `None` for a faulty rule.
fn judged(rule: &str, device: &Value) -> Option<bool> {
    let text = json!({ "signInConditions": { "deviceInfo": device } }).to_string();
    let request = WhatIfRequest::from_json(text.as_bytes()).unwrap();
    matches(rule, request.sign_in_conditions.unwrap().device_info.as_ref())
}

#[test]
fn comparisons() {
    let device = json!({
        "deviceId": "D-1", "displayName": "Front Desk", "manufacturer": "Contoso", "model": "Model T",
        "operatingSystem": "Windows", "operatingSystemVersion": "10.0.1", "ownership": "Company",
        "profileType": "RegisteredDevice", "mdmAppId": "0000000A-0000-0000-c000-000000000000",
        "enrollmentProfileName": "kiosk", "isCompliant": false, "trustType": "EntraID",
        "physicalIds": ["[OrderId]:1"], "systemLabels": ["Cloud", "AzureResource"], "extensionAttribute1": "SAW",
    });
    for (rule, on_device, on_nothing) in [
        ("device.deviceId -eq \"d-1\"", true, false),
        ("device.deviceId -in [\"x\", \"D-1\"]", true, false),
        ("device.deviceId -notIn [\"x\"]", true, true),
        ("device.mdmAppId -ne \"0000000a-0000-0000-c000-000000000000\"", false, true),
        ("device.deviceOwnership -eq \"Company\"", true, false),
        ("device.isCompliant -eq False", true, false),
        ("device.isCompliant -ne True", true, true),
        ("device.isCompliant -eq true", false, false),
        ("device.profileType -ne \"Printer\"", true, true),
        ("device.trustType -eq \"AzureAD\"", true, false),
        ("device.trustType -eq \"EntraID\"", true, false),
        ("device.trustType -ne \"ServerAD\"", true, true),
        ("device.physicalIds -contains \"[orderid]:1\"", true, false),
        ("device.physicalIds -contains \"OrderId\"", false, false),
        ("device.systemLabels -notContains \"AzureResource\"", false, true),
        ("device.systemLabels -notContains \"Azure\"", true, true),
        ("device.displayName -startsWith \"front\"", true, false),
        ("device.displayName -notStartsWith \"front\"", false, true),
        ("device.displayName -endsWith \"DESK\"", true, false),
        ("device.displayName -notEndsWith \"x\"", true, true),
        ("device.model -contains \"del t\"", true, false),
        ("device.model -notContains \"del\"", false, true),
        ("device.manufacturer -CONTAINS \"toso\"", true, false),
        ("device.operatingSystem -in [\"iOS\",\"windows\"]", true, false),
        ("device.operatingSystemVersion -startsWith \"10.\"", true, false),
        ("device.enrollmentProfileName -eq \"Kiosk\"", true, false),
        ("device.extensionAttribute1 -eq \"saw\"", true, false),
        ("device.extensionAttribute2 -eq \"saw\"", false, false),
        ("device.extensionAttribute15 -ne \"saw\"", true, true),
    ] {
        assert_eq!(judged(rule, &device), Some(on_device), "{rule}");
        assert_eq!(judged(rule, &Value::Null), Some(on_nothing), "{rule} on an unregistered device");
        assert_eq!(judged(rule, &json!({})), Some(on_nothing), "{rule} on a device of which nothing is said");
    }
}

#[test]
fn connectives() {
    let device = json!({ "model": "T", "operatingSystem": "Windows" });
    let (yes, no) = ("device.model -eq \"T\"", "device.model -eq \"X\"");
    for (rule, expected) in [
        (format!("{yes} -and {no}"), false),
        (format!("{no} -and {yes}"), false),
        (format!("{yes} -or {no}"), true),
        (format!("{no} AND {no} or {yes}"), true),
        (format!("{yes} -or {yes} -and {no}"), true),
        (format!("({yes} -or {yes}) -and {no}"), false),
        (format!("-not {no}"), true),
        (format!("not({no} -or {yes})"), false),
        (format!("-not {no} -and {yes}"), true),
        (format!("-NOT {yes} -Or {yes}"), true),
        (format!("  ( ( {yes} ) )  "), true),
        ("-not (device.manufacturer -eq \"x\")".to_owned(), true),
    ] {
        assert_eq!(judged(&rule, &device), Some(expected), "{rule}");
    }
}

#[test]
fn faulty_rules_give_no_answer() {
    for rule in [
        "",
        "device.model",
        "device.model -eq",
        "device.model -eq \"X",
        "device.model eq \"X\"",
        "device.model -like \"X\"",
        "device.model -eq True",
        "device.model -in \"X\"",
        "device.model -eq [\"X\"]",
        "device.model -in []",
        "device.model -in [\"X\",]",
        "device.color -eq \"red\"",
        "device.extensionAttribute0 -eq \"x\"",
        "device.extensionAttribute16 -eq \"x\"",
        "device.extensionAttribute01 -eq \"x\"",
        "model -eq \"X\"",
        "(device.model -eq \"X\"",
        "device.model -eq \"X\")",
        "device.model -eq \"X\" -and",
        "-not",
        "-not -not device.model -eq \"X\"",
        "device.model -eq \"X\" device.model -eq \"X\"",
        "device.isCompliant -eq \"True\"",
        "device.isCompliant -contains True",
        "device.deviceId -contains \"x\"",
        "device.trustType -in [\"AzureAD\"]",
        "device.physicalIds -eq \"x\"",
    ] {
        assert_eq!(judged(rule, &json!({ "model": "X" })), None, "{rule}");
    }
    let nested = format!("{}device.model -eq \"X\"{}", "(".repeat(1_000), ")".repeat(1_000));
    assert_eq!(judged(&nested, &Value::Null), None);
}

#[test]
fn rules_have_a_longest() {
    let rule = |padding: usize| format!("device.model -eq \"{}\"", "ü".repeat(padding));
    assert_eq!(judged(&rule(3_053), &Value::Null), Some(false), "3072 characters");
    assert_eq!(judged(&rule(3_054), &Value::Null), None, "3073 characters");
}

#[test]
fn extension_attributes_show_on_managed_devices_only() {
    for (change, is_visible) in [
        (json!({}), false),
        (json!({ "isCompliant": false, "trustType": "Workplace", "mdmAppId": "other" }), false),
        (json!({ "isCompliant": true }), true),
        (json!({ "trustType": "ServerAD" }), true),
        (json!({ "mdmAppId": "0000000a-0000-0000-c000-000000000000" }), true),
    ] {
        let device = super::changed(json!({ "extensionAttribute1": "SAW" }), change.clone());
        assert_eq!(judged("device.extensionAttribute1 -eq \"SAW\"", &device), Some(is_visible), "{change}");
        assert_eq!(judged("device.extensionAttribute1 -ne \"SAW\"", &device), Some(!is_visible), "{change}");
    }
}

#[test]
fn modes() {
    let filter = |mode: Value, rule: &str| json!({ "devices": { "deviceFilter": { "mode": mode, "rule": rule } } });
    let rule = "device.model -eq \"T\"";
    for (condition, on_device, on_nothing) in [
        (filter(json!("include"), rule), "yes", "devices"),
        (filter(json!("exclude"), rule), "devices", "yes"),
        (filter(json!("sideways"), rule), "unknown", "unknown"),
        (filter(Value::Null, rule), "unknown", "unknown"),
        (filter(json!("include"), "("), "unknown", "unknown"),
        (filter(json!("exclude"), ""), "unknown", "unknown"),
        (filter(Value::Null, ""), "yes", "yes"),
        (json!({ "devices": { "deviceFilter": null } }), "yes", "yes"),
        (json!({ "devices": { "includeDevices": ["All"] } }), "unknown", "unknown"),
    ] {
        check(&json!({}), &condition, &json!({ "signInConditions": { "deviceInfo": { "model": "T" } } }), on_device);
        check(&json!({}), &condition, &json!({}), on_nothing);
    }
}
