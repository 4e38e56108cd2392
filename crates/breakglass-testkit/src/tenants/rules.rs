//! Device filter rules, mostly right ones.

use super::random::Random;

const TEXT_PROPERTIES: [&str; 8] = [
    "displayName",
    "enrollmentProfileName",
    "manufacturer",
    "model",
    "operatingSystem",
    "operatingSystemVersion",
    "extensionAttribute1",
    "extensionAttribute15",
];
const TEXT_OPERATORS: [&str; 8] =
    ["-eq", "-ne", "-startsWith", "-notStartsWith", "-endsWith", "-notEndsWith", "-contains", "-notContains"];

/// Values of text properties; requests give the same ones in other letter cases.
pub(super) const TEXTS: [&str; 6] = ["SAW", "Windows", "iOS", "10.0.19045", "Surface Pro", "W"];
pub(super) const DEVICE_IDS: [&str; 3] = ["device-0", "device-1", "Device-2"];
pub(super) const MANAGERS: [&str; 2] = ["0000000a-0000-0000-c000-000000000000", "other-manager"];
pub(super) const OWNERSHIPS: [&str; 2] = ["Company", "Personal"];
pub(super) const PROFILES: [&str; 3] = ["RegisteredDevice", "SecureVM", "Printer"];
pub(super) const TRUST_TYPES: [&str; 5] = ["AzureAD", "EntraID", "ServerAD", "Workplace", "azuread"];
pub(super) const LABELS: [&str; 3] = ["AzureResource", "M365Managed", "[OrderId]:179887111881"];

/// Rules with a fault of grammar, property, operator or value.
const FAULTY: [&str; 16] = [
    "",
    "   ",
    "device.model",
    "device.model -eq",
    "device.model -eq \"X",
    "device.model -like \"X\"",
    "device.color -eq \"red\"",
    "device.extensionAttribute16 -eq \"x\"",
    "user.department -eq \"IT\"",
    "(device.model -eq \"X\"",
    "device.model -eq \"X\")",
    "device.model -eq \"X\" -and",
    "device.model -eq \"X\" device.model -eq \"Y\"",
    "device.isCompliant -startsWith \"T\"",
    "device.deviceId -contains \"d\"",
    "device.model -eq \"X\" -or device.trustType -in [\"AzureAD\"]",
];

pub(super) fn rule(random: &mut Random) -> String {
    if random.wild(20) {
        return match random.below(8) {
            0 => too_long(),
            _ => random.pick(&FAULTY).to_owned(),
        };
    }
    expression(random, 0)
}

/// A rule that would be right if it were not longer than Entra accepts.
fn too_long() -> String {
    let mut rule = String::from("device.model -eq \"x\"");
    while rule.len() <= 3_072 {
        rule.push_str(" -or device.model -eq \"x\"");
    }
    rule
}

fn expression(random: &mut Random, depth: usize) -> String {
    let mut text = factor(random, depth);
    while random.chance(30) {
        let connective = random.pick(&["-and", "-or", "and", "or", "-AND", "-Or"]);
        text = format!("{text} {connective} {}", factor(random, depth));
    }
    text
}

fn factor(random: &mut Random, depth: usize) -> String {
    let negation = if random.chance(15) { random.pick(&["-not ", "not ", "-Not "]) } else { "" };
    if depth < 3 && random.chance(20) {
        let space = random.pick(&["", " "]);
        return format!("{negation}({space}{}{space})", expression(random, depth + 1));
    }
    format!("{negation}{}", comparison(random))
}

fn comparison(random: &mut Random) -> String {
    let equality = random.pick(&["-eq", "-ne", "-Eq", "-NE"]);
    match random.below(14) {
        0 => format!("device.isCompliant {equality} {}", random.pick(&["True", "False", "true", "false"])),
        1 | 2 => format!("device.trustType {equality} \"{}\"", random.pick(&TRUST_TYPES)),
        3 => format!("device.deviceOwnership {equality} \"{}\"", random.pick(&OWNERSHIPS)),
        4 => format!("device.profileType {equality} \"{}\"", random.pick(&PROFILES)),
        5 => format!("device.deviceId {equality} \"{}\"", random.pick(&DEVICE_IDS)),
        6 => format!("device.mdmAppId {}", listed(random, &MANAGERS)),
        7 => format!("device.deviceId {}", listed(random, &DEVICE_IDS)),
        8 => {
            let property = random.pick(&["physicalIds", "systemLabels"]);
            let operator = random.pick(&["-contains", "-notContains"]);
            format!("device.{property} {operator} \"{}\"", random.pick(&LABELS))
        }
        9 => format!("device.{} {}", random.pick(&TEXT_PROPERTIES), listed(random, &TEXTS)),
        _ => {
            let property = random.pick(&TEXT_PROPERTIES);
            let operator = random.pick(&TEXT_OPERATORS);
            format!("device.{property} {operator} \"{}\"", random.pick(&TEXTS))
        }
    }
}

fn listed(random: &mut Random, values: &[&str]) -> String {
    let operator = random.pick(&["-in", "-notIn", "-IN", "-notin"]);
    let values: Vec<String> = random.some(values, 3).iter().map(|value| format!("\"{value}\"")).collect();
    format!("{operator} [{}]", values.join(random.pick(&[",", ", "])))
}
