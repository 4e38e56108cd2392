//! What two versions of an object differ in, in an administrator's words.
//!
//! Graph's JSON is compared member by member, so that what this version has no words for is told by its path.
//! **Limits:** [`NAMES_SHOWN_MAX`], [`TEXT_SHOWN_CHARS_MAX`]; what is beyond is counted.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::group::Member;
use crate::named_location::NamedLocation;
use crate::object::ObjectKey;
use crate::policy::{ConditionalAccessPolicy, KNOWN_AFTER_APPLY, NOT_MAPPED, awaited, known_after_apply};
use crate::property::{is_annotation, is_vacant};
use crate::snapshot::Snapshot;
use crate::well_known::built_in_role;

/// Names of one list that are shown.
pub(super) const NAMES_SHOWN_MAX: usize = 5;
/// Characters of a text that are shown.
const TEXT_SHOWN_CHARS_MAX: usize = 120;

/// Paths that have words, in the order in which they are told.
const WORDS: &[(&str, &str)] = &[
    ("state", "state"),
    ("displayName", "name"),
    ("conditions.users.includeUsers", "included users"),
    ("conditions.users.excludeUsers", "excluded users"),
    ("conditions.users.includeGroups", "included groups"),
    ("conditions.users.excludeGroups", "excluded groups"),
    ("conditions.users.includeRoles", "included roles"),
    ("conditions.users.excludeRoles", "excluded roles"),
    ("conditions.users.includeGuestsOrExternalUsers.guestOrExternalUserTypes", "included guests and external users"),
    ("conditions.users.includeGuestsOrExternalUsers.externalTenants.membershipKind", "included external tenants"),
    ("conditions.users.includeGuestsOrExternalUsers.externalTenants.members", "included external tenants"),
    ("conditions.users.excludeGuestsOrExternalUsers.guestOrExternalUserTypes", "excluded guests and external users"),
    ("conditions.users.excludeGuestsOrExternalUsers.externalTenants.membershipKind", "excluded external tenants"),
    ("conditions.users.excludeGuestsOrExternalUsers.externalTenants.members", "excluded external tenants"),
    ("conditions.clientApplications.includeServicePrincipals", "included service principals"),
    ("conditions.clientApplications.excludeServicePrincipals", "excluded service principals"),
    ("conditions.applications.includeApplications", "included resources"),
    ("conditions.applications.excludeApplications", "excluded resources"),
    ("conditions.applications.includeUserActions", "user actions"),
    ("conditions.applications.includeAuthenticationContextClassReferences", "authentication contexts"),
    ("conditions.applications.applicationFilter.mode", "mode of the resource filter"),
    ("conditions.applications.applicationFilter.rule", "rule of the resource filter"),
    ("conditions.clientAppTypes", "client applications"),
    ("conditions.platforms.includePlatforms", "included platforms"),
    ("conditions.platforms.excludePlatforms", "excluded platforms"),
    ("conditions.locations.includeLocations", "included locations"),
    ("conditions.locations.excludeLocations", "excluded locations"),
    ("conditions.devices.deviceFilter.mode", "mode of the device filter"),
    ("conditions.devices.deviceFilter.rule", "rule of the device filter"),
    ("conditions.signInRiskLevels", "sign-in risk"),
    ("conditions.userRiskLevels", "user risk"),
    ("conditions.servicePrincipalRiskLevels", "service principal risk"),
    ("conditions.insiderRiskLevels", "insider risk"),
    ("conditions.authenticationFlows.transferMethods", "authentication flows"),
    ("grantControls.operator", "grant controls are joined by"),
    ("grantControls.builtInControls", "grant controls"),
    ("grantControls.authenticationStrength", "authentication strength"),
    ("grantControls.customAuthenticationFactors", "custom controls"),
    ("grantControls.termsOfUse", "terms of use"),
    ("isTrusted", "trusted"),
    ("ipRanges", "address ranges"),
    ("countriesAndRegions", "countries"),
    ("includeUnknownCountriesAndRegions", "unknown countries"),
    ("countryLookupMethod", "country found by"),
];

/// Paths whose value is written as flags, or as a list by some.
const FLAGS: [&str; 4] = [
    "conditions.users.includeGuestsOrExternalUsers.guestOrExternalUserTypes",
    "conditions.users.excludeGuestsOrExternalUsers.guestOrExternalUserTypes",
    "conditions.insiderRiskLevels",
    "conditions.authenticationFlows.transferMethods",
];

/// Members that change with every write or say nothing about sign-ins.
const PASSED_OVER: [&str; 6] =
    ["id", "createdDateTime", "modifiedDateTime", "description", KNOWN_AFTER_APPLY, NOT_MAPPED];

/// The snapshots in which names are looked up, the first that knows one tells it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names<'a>(pub(super) &'a [&'a Snapshot]);

impl Names<'_> {
    fn find<'b>(&'b self, name: impl Fn(&'b Snapshot) -> Option<&'b str>) -> Option<&'b str> {
        self.0.iter().find_map(|snapshot| name(snapshot).filter(|name| !name.is_empty()))
    }

    fn object<'b>(&'b self, id: &'b str) -> &'b str {
        self.find(|snapshot| snapshot.objects.find(id).map(|key| snapshot.name(key))).unwrap_or(id)
    }

    /// The name of a role, by the id of its template or its own.
    pub(super) fn role<'b>(&'b self, id: &'b str) -> &'b str {
        let defined = |snapshot: &'b Snapshot| {
            let definitions = snapshot.role_definitions.items().iter();
            let is_it = |template: Option<&str>, own: &str| own == id || template == Some(id);
            let mut found =
                definitions.filter(|role| is_it(role.template_id.as_ref().map(AsRef::as_ref), role.id.as_str()));
            found.find_map(|role| role.display_name.as_deref())
        };
        built_in_role(id).map(|role| role.name).or_else(|| self.find(defined)).unwrap_or(id)
    }

    fn location<'b>(&'b self, id: &'b str) -> &'b str {
        let named = |snapshot: &'b Snapshot| {
            let mut locations = snapshot.named_locations.items().iter();
            locations.find(|location| location.id.as_str() == id).map(NamedLocation::name)
        };
        self.find(named).unwrap_or(id)
    }

    fn application<'b>(&'b self, id: &'b str) -> &'b str {
        let named = |snapshot: &'b Snapshot| {
            let mut principals = snapshot.service_principals.items().iter();
            let principal =
                principals.find(|principal| principal.app_id.as_ref().is_some_and(|app| app.as_str() == id));
            principal.and_then(|principal| principal.display_name.as_deref())
        };
        self.find(named).unwrap_or(id)
    }

    fn strength<'b>(&'b self, strength: &'b Value) -> Option<&'b str> {
        let text = |name: &str| strength.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let id = text("id");
        let named = |snapshot: &'b Snapshot| {
            let mut strengths = snapshot.authentication_strength_policies.items().iter();
            let strength = strengths.find(|known| known.id.as_ref().map(AsRef::as_ref) == id);
            strength.and_then(|strength| strength.display_name.as_deref())
        };
        text("displayName").or_else(|| id.and_then(|_| self.find(named))).or(id)
    }

    /// The name of an item of the list at a path.
    fn item(&self, path: &str, item: &Value) -> String {
        let Some(text) = item.as_str() else {
            let cidr = item.get("cidrAddress").and_then(Value::as_str).map(str::to_owned);
            return cidr.unwrap_or_else(|| shortened(&item.to_string()));
        };
        let name = match path.rsplit('.').next().unwrap_or_default() {
            "includeUsers"
            | "excludeUsers"
            | "includeGroups"
            | "excludeGroups"
            | "includeServicePrincipals"
            | "excludeServicePrincipals" => self.object(text),
            "includeRoles" | "excludeRoles" => self.role(text),
            "includeLocations" | "excludeLocations" => self.location(text),
            "includeApplications" | "excludeApplications" => self.application(text),
            _ => text,
        };
        shortened(name)
    }
}

/// What two versions of a policy differ in; of a new one what it says, of a removed one its state.
pub(super) fn policy_details(
    before: Option<&ConditionalAccessPolicy>,
    after: Option<&ConditionalAccessPolicy>,
    names: &Names<'_>,
) -> Vec<String> {
    let Some(after) = after else {
        return before.map(|before| format!("it was {}", state_words(before.state.as_str()))).into_iter().collect();
    };
    let mut lines = compared(before.map(|before| &before.source), &after.source, names);
    let (was_unknown, is_unknown) = (before.map(unknowns).unwrap_or_default(), unknowns(after));
    let told = |words: &str, parts: &[String], others: &[String]| -> Vec<String> {
        parts.iter().filter(|part| !others.contains(part)).map(|part| format!("{words}: {part}")).collect()
    };
    lines.extend(told("cannot be told", &is_unknown, &was_unknown));
    lines.extend(told("no longer so", &was_unknown, &is_unknown));
    lines
}

/// What of a policy cannot be told, and why.
fn unknowns(policy: &ConditionalAccessPolicy) -> Vec<String> {
    let mut unknowns: Vec<String> = policy.unknowns.iter().map(ToString::to_string).collect();
    let users = policy.conditions.users.as_ref().and_then(|users| users.not_exported);
    // Who is included may not be known without any part of the policy that is unknown.
    if let Some(path) = users.filter(|_| awaited(&policy.source).next().is_none()) {
        unknowns.push(format!("`{path}` is not in the export"));
    }
    unknowns
}

/// What two versions of a named location differ in; of a new one what it says.
pub(super) fn location_details(before: Option<&NamedLocation>, after: Option<&NamedLocation>) -> Vec<String> {
    let Some(after) = after else { return Vec::new() };
    let awaited: Vec<&str> = known_after_apply(&after.source).collect();
    let mut known = after.source.clone();
    if let Some(members) = known.as_object_mut() {
        for path in &awaited {
            match before.and_then(|before| before.source.get(*path)) {
                Some(was) => drop(members.insert((*path).to_owned(), was.clone())),
                None => drop(members.shift_remove(*path)),
            }
        }
    }
    let mut lines = compared(before.map(|before| &before.source), &known, &Names(&[]));
    let told = |path: &&str| format!("cannot be told: `{path}` is known only after the plan is applied");
    lines.extend(awaited.iter().map(told));
    if lines.is_empty() && before.is_some_and(|before| before.coverage != after.coverage) {
        lines.push("what it covers is different".to_owned());
    }
    lines
}

/// What two lists of members differ in; `None` is a list that is not known.
pub(super) fn members_details(before: Option<&[Member]>, after: Option<&[Member]>, names: &Names<'_>) -> Vec<String> {
    let keys = |list: &[Member]| list.iter().map(|member| member.key).collect::<BTreeSet<ObjectKey>>();
    let name = |key: &ObjectKey| names.0.first().map_or("", |snapshot| snapshot.name(*key)).to_owned();
    match (before, after) {
        (None, None) => vec!["its members are not known, before and after".to_owned()],
        (Some(_), None) => vec!["its members cannot be told any more".to_owned()],
        (None, Some(after)) => vec![format!("its members are known now: {}", after.len())],
        (Some(before), Some(after)) => {
            let (before, after) = (keys(before), keys(after));
            let added: Vec<String> = after.difference(&before).map(name).collect();
            let removed: Vec<String> = before.difference(&after).map(name).collect();
            line_of_lists("members", &added, &removed).into_iter().collect()
        }
    }
}

/// `excluded groups +1 (…), -2 (…)`; nothing where the lists are the same.
pub(super) fn line_of_lists(label: &str, added: &[String], removed: &[String]) -> Option<String> {
    let part = |sign: char, names: &[String]| {
        let mut shown: Vec<String> = names.iter().take(NAMES_SHOWN_MAX).map(|name| format!("`{name}`")).collect();
        if names.len() > NAMES_SHOWN_MAX {
            shown.push(format!("{} more", names.len() - NAMES_SHOWN_MAX));
        }
        format!("{sign}{} ({})", names.len(), shown.join(", "))
    };
    let parts: Vec<String> = [('+', added), ('-', removed)]
        .into_iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(sign, names)| part(sign, names))
        .collect();
    (!parts.is_empty()).then(|| format!("{label} {}", parts.join(", ")))
}

/// What two versions differ in, or what a new object says.
fn compared(before: Option<&Value>, after: &Value, names: &Names<'_>) -> Vec<String> {
    let mut comparison = Comparison { names, is_new: before.is_none(), lines: Vec::new() };
    comparison.walk("", before.unwrap_or(&Value::Null), after);
    comparison.lines.sort();
    comparison.lines.into_iter().map(|(_, line)| line).collect()
}

struct Comparison<'a> {
    names: &'a Names<'a>,
    /// Whether there was nothing before; what it is called is told elsewhere then.
    is_new: bool,
    /// Lines by where their path stands in [`WORDS`].
    lines: Vec<(usize, String)>,
}

impl Comparison<'_> {
    fn walk(&mut self, path: &str, before: &Value, after: &Value) {
        if before == after || (is_vacant(before) && is_vacant(after)) {
            return;
        }
        if FLAGS.contains(&path) {
            self.lists(path, &flags(before), &flags(after));
            return;
        }
        if path == "grantControls.authenticationStrength" && before.get("id") != after.get("id") {
            let name = |strength| self.names.strength(strength).map_or_else(|| "none".to_owned(), quoted);
            self.line_of_values(path, &name(before), &name(after));
            return;
        }
        match (before, after) {
            (Value::Object(_) | Value::Null, Value::Object(_) | Value::Null) => self.members(path, before, after),
            (Value::Array(before), Value::Array(after)) => self.lists(path, before, after),
            (Value::Array(before), Value::Null) => self.lists(path, before, &[]),
            (Value::Null, Value::Array(after)) => self.lists(path, &[], after),
            _ => self.line_of_values(path, &shown(path, before), &shown(path, after)),
        }
    }

    fn line_of_values(&mut self, path: &str, before: &str, after: &str) {
        match (self.is_new, path) {
            (true, "displayName") => {}
            (true, "state") => self.lines.push((0, after.to_owned())),
            (true, _) => self.line(path, &format!(" {after}")),
            (false, _) => self.line(path, &format!(" {before} -> {after}")),
        }
    }

    fn members(&mut self, path: &str, before: &Value, after: &Value) {
        let members = |value: &Value| value.as_object().cloned().unwrap_or_default();
        let (before, after) = (members(before), members(after));
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        for name in names {
            if is_annotation(name) || PASSED_OVER.contains(&name.as_str()) {
                continue;
            }
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            self.walk(&path, before.get(name).unwrap_or(&Value::Null), after.get(name).unwrap_or(&Value::Null));
        }
    }

    fn lists(&mut self, path: &str, before: &[Value], after: &[Value]) {
        let not_in = |list: &[Value], other: &[Value]| -> Vec<String> {
            list.iter().filter(|item| !other.contains(item)).map(|item| self.names.item(path, item)).collect()
        };
        let (added, removed) = (not_in(after, before), not_in(before, after));
        // Without a label it begins with the space that follows one.
        if let Some(line) = line_of_lists("", &added, &removed) {
            self.line(path, &line);
        }
    }

    fn line(&mut self, path: &str, rest: &str) {
        let known = WORDS.iter().position(|(known, _)| *known == path);
        let label =
            known.and_then(|at| WORDS.get(at)).map_or_else(|| format!("`{path}`"), |(_, words)| (*words).to_owned());
        self.lines.push((known.unwrap_or(WORDS.len()), format!("{label}{rest}")));
    }
}

fn flags(value: &Value) -> Vec<Value> {
    match value {
        Value::String(text) => {
            text.split(',').map(str::trim).filter(|flag| !flag.is_empty()).map(Value::from).collect()
        }
        Value::Array(items) => items.clone(),
        _ => Vec::new(),
    }
}

fn shown(path: &str, value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(state) if path == "state" => state_words(state).to_owned(),
        Value::String(text) => quoted(text),
        other => shortened(&other.to_string()),
    }
}

/// What a state is called in sentences.
pub(super) fn state_words(state: &str) -> &str {
    match state {
        "enabledForReportingButNotEnforced" => "report-only",
        "unknownFutureValue" => "not known",
        other => other,
    }
}

fn quoted(text: &str) -> String {
    format!("`{}`", shortened(text))
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(TEXT_SHOWN_CHARS_MAX) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Names, compared, line_of_lists};

    #[test]
    fn every_kind_of_difference_has_words() {
        let policy = |inner: Value| json!({ "conditions": inner });
        let cases: [(Value, Value, &[&str]); 12] = [
            (
                json!({ "state": "enabledForReportingButNotEnforced" }),
                json!({ "state": "enabled" }),
                &["state report-only -> enabled"],
            ),
            (
                policy(json!({ "users": { "excludeGroups": ["a", "b"] } })),
                policy(json!({ "users": { "excludeGroups": ["b"] } })),
                &["excluded groups -1 (`a`)"],
            ),
            (
                policy(json!({ "users": { "includeUsers": ["a"] } })),
                policy(json!({ "users": { "includeUsers": ["All"] } })),
                &["included users +1 (`All`), -1 (`a`)"],
            ),
            (
                policy(json!({ "users": { "includeRoles": [] } })),
                policy(json!({ "users": { "includeRoles": ["62e90394-69f5-4237-9190-012177145e10"] } })),
                &["included roles +1 (`Global Administrator`)"],
            ),
            (policy(json!({ "platforms": null })), policy(json!({ "platforms": { "includePlatforms": [] } })), &[]),
            (policy(json!({ "clientAppTypes": ["a", "b"] })), policy(json!({ "clientAppTypes": ["b", "a"] })), &[]),
            (
                policy(json!({ "insiderRiskLevels": "minor, moderate" })),
                policy(json!({ "insiderRiskLevels": ["moderate"] })),
                &["insider risk -1 (`minor`)"],
            ),
            (
                json!({ "grantControls": { "operator": "OR", "builtInControls": ["mfa"] } }),
                json!({ "grantControls": null }),
                &["grant controls are joined by `OR` -> none", "grant controls -1 (`mfa`)"],
            ),
            (
                json!({ "grantControls": { "authenticationStrength": null } }),
                json!({ "grantControls": { "authenticationStrength": { "id": "s", "displayName": "Strong" } } }),
                &["authentication strength none -> `Strong`"],
            ),
            (
                policy(json!({ "moonPhases": ["full"] })),
                policy(json!({ "moonPhases": ["new"] })),
                &["`conditions.moonPhases` +1 (`new`), -1 (`full`)"],
            ),
            (
                json!({ "sessionControls": { "signInFrequency": { "value": 4 } } }),
                json!({ "sessionControls": { "signInFrequency": { "value": 1 } } }),
                &["`sessionControls.signInFrequency.value` 4 -> 1"],
            ),
            (
                json!({ "id": "p", "modifiedDateTime": "a", "state@odata.type": "b" }),
                json!({ "id": "q", "modifiedDateTime": "b" }),
                &[],
            ),
        ];
        for (before, after, expected) in cases {
            assert_eq!(compared(Some(&before), &after, &Names(&[])), expected, "{before} {after}");
        }
    }

    #[test]
    fn long_lists_and_long_texts_are_cut() {
        let names: Vec<String> = (0..6).map(|number| format!("n{number}")).collect();
        let line = line_of_lists("members", &names, &[]).unwrap();
        assert_eq!(line, "members +6 (`n0`, `n1`, `n2`, `n3`, `n4`, 1 more)");
        let line = line_of_lists("members", &names[..5], &[]).unwrap();
        assert_eq!(line, "members +5 (`n0`, `n1`, `n2`, `n3`, `n4`)");
        let lines = compared(
            Some(&json!({ "displayName": "é".repeat(120) })),
            &json!({ "displayName": "é".repeat(121) }),
            &Names(&[]),
        );
        assert_eq!(lines, [format!("name `{}` -> `{}…`", "é".repeat(120), "é".repeat(120))]);
    }
}
