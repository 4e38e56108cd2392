//! Holds every answer of Graph against Graph's own schema: which type it is of, which properties that type has, of
//! which types these are, which members an enumeration has, and what is never null or left out.
//!
//! The schema is not ours to copy: it is read from `../shared/spec/graph-schema`, and where that is missing nothing is
//! held against it.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value};

/// Names in `@odata.context` that lead to a type; below one that ends in a navigation property the schema goes on.
const CONTEXTS: &[(&str, &str)] = &[
    ("applications", "application"),
    ("auditLogs/directoryAudits", "directoryAudit"),
    ("auditLogs/signIns", "signIn"),
    ("administrativeUnits", "administrativeUnit"),
    ("$ref", "$ref"),
    ("appRoleAssignments", "appRoleAssignment"),
    ("oauth2PermissionGrants", "oAuth2PermissionGrant"),
    ("devices", "device"),
    ("directoryObjects", "directoryObject"),
    ("directoryRoleTemplates", "directoryRoleTemplate"),
    ("directoryRoles", "directoryRole"),
    ("domains", "domain"),
    ("groups", "group"),
    ("identity/conditionalAccess/authenticationContextClassReferences", "authenticationContextClassReference"),
    ("identity/conditionalAccess/namedLocations", "namedLocation"),
    ("identity/conditionalAccess/policies", "conditionalAccessPolicy"),
    ("identity/conditionalAccess/templates", "conditionalAccessTemplate"),
    ("identityProtection/riskDetections", "riskDetection"),
    ("identityProtection/riskyUsers", "riskyUser"),
    ("organization", "organization"),
    ("policies/authenticationMethodsPolicy", "authenticationMethodsPolicy"),
    ("policies/authenticationMethodsPolicy/authenticationMethodConfigurations", "authenticationMethodConfiguration"),
    ("policies/authenticationStrengthPolicies", "authenticationStrengthPolicy"),
    ("policies/roleManagementPolicies", "unifiedRoleManagementPolicy"),
    ("policies/roleManagementPolicyAssignments", "unifiedRoleManagementPolicyAssignment"),
    ("policies/identitySecurityDefaultsEnforcementPolicy", "identitySecurityDefaultsEnforcementPolicy"),
    ("reports/authenticationMethods/userRegistrationDetails", "userRegistrationDetails"),
    ("roleManagement/directory/roleAssignmentApprovals", "approval"),
    ("roleManagement/directory/roleAssignmentScheduleInstances", "unifiedRoleAssignmentScheduleInstance"),
    ("roleManagement/directory/roleAssignmentScheduleRequests", "unifiedRoleAssignmentScheduleRequest"),
    ("roleManagement/directory/roleAssignmentSchedules", "unifiedRoleAssignmentSchedule"),
    ("roleManagement/directory/roleAssignments", "unifiedRoleAssignment"),
    ("roleManagement/directory/roleDefinitions", "unifiedRoleDefinition"),
    ("roleManagement/directory/roleEligibilityScheduleInstances", "unifiedRoleEligibilityScheduleInstance"),
    ("roleManagement/directory/roleEligibilityScheduleRequests", "unifiedRoleEligibilityScheduleRequest"),
    ("roleManagement/directory/roleEligibilitySchedules", "unifiedRoleEligibilitySchedule"),
    ("servicePrincipals", "servicePrincipal"),
    ("subscribedSkus", "subscribedSku"),
    ("subscriptions", "subscription"),
    ("users", "user"),
];

/// Collections below `users('…')/authentication/`.
const METHODS: &[(&str, &str)] = &[
    ("methods", "authenticationMethod"),
    ("passwordMethods", "passwordAuthenticationMethod"),
    ("phoneMethods", "phoneAuthenticationMethod"),
    ("softwareOathMethods", "softwareOathAuthenticationMethod"),
    ("microsoftAuthenticatorMethods", "microsoftAuthenticatorAuthenticationMethod"),
    ("fido2Methods", "fido2AuthenticationMethod"),
    ("temporaryAccessPassMethods", "temporaryAccessPassAuthenticationMethod"),
    ("emailMethods", "emailAuthenticationMethod"),
    ("operations", "longRunningOperation"),
    ("requirements", "strongAuthenticationRequirements"),
];

/// Collections below one object.
const RELATIONS: &[(&str, &str)] =
    &[("history", "riskyUserHistoryItem"), ("rules", "unifiedRoleManagementPolicyRule"), ("steps", "approvalStep")];

/// Types of which Graph returns a few properties unless it is asked for more.
const PARTLY_SHOWN: &[&str] =
    &["user", "group", "application", "servicePrincipal", "device", "organization", "directoryObject"];

/// What beta has and the reduced schema has not: real answers have it.
const NEWER: &[&str] =
    &["addIns", "agentContext", "agents", "blockSensitiveActions", "lockedOut", "partialEnablementStrategy", "times"];
/// Types that the reduced schema leaves out.
const LEFT_OUT: [&str; 12] = [
    "$ref",
    "userRegistrationDetails",
    "authenticationContext",
    "longRunningOperation",
    "passwordResetResponse",
    "updateAllowedCombinationsResult",
    "compliantNetworkNamedLocation",
    "subscription",
    "approval",
    "approvalStep",
    "groupMembers",
    "singleUser",
];

/// One version of the schema.
struct Version {
    types: Map<String, Value>,
    enums: Map<String, Value>,
}

/// The schema of both versions.
pub(super) struct Schema {
    versions: BTreeMap<&'static str, Version>,
}

impl Schema {
    /// The schema, where it is there.
    pub(super) fn read() -> Option<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/spec/graph-schema");
        let part = |name: String, list: &str| -> Option<Map<String, Value>> {
            let whole: Value = serde_json::from_slice(&std::fs::read(folder.join(name)).ok()?).unwrap();
            Some(whole[list].as_object().unwrap().clone())
        };
        let version = |name: &'static str| {
            let types = part(format!("{name}-types.json"), "types")?;
            Some((name, Version { types, enums: part(format!("{name}-enums.json"), "enums")? }))
        };
        Some(Self { versions: [version("v1.0")?, version("beta")?].into() })
    }

    /// What is wrong with an answer of Graph; nothing, if it is as it should be.
    pub(super) fn faults(&self, (version, status): (&str, u16), (query, body): (&str, &Value)) -> Vec<String> {
        let mut faults = Vec::new();
        if status >= 400 {
            error(body, &mut faults);
            return faults;
        }
        let Some(object) = body.as_object() else { return vec!["an answer is an object".to_owned()] };
        if let Some(responses) = object.get("responses").and_then(Value::as_array) {
            for one in responses {
                let status = u16::try_from(one["status"].as_u64().unwrap()).unwrap();
                if let Some(body) = one.get("body") {
                    // Which query it had is not known here; what was left out is not held against it.
                    faults.extend(self.faults((version, status), ("$select=", body)));
                }
            }
            return faults;
        }
        let Some(context) = object.get("@odata.context").and_then(Value::as_str) else {
            return vec![format!("there is no context: {body}")];
        };
        let Some((_, of)) = context.split_once("/$metadata#") else { return vec![format!("the context {context}")] };
        let is_beta = version == "beta";
        let walk = Walk { version: &self.versions[version], is_beta, is_selected: query.contains("select=") };
        walk.answer(of, object, &mut faults);
        faults
    }
}

/// An error, in Graph's shape.
fn error(body: &Value, faults: &mut Vec<String>) {
    let error = &body["error"];
    for name in ["code", "message"] {
        if error[name].as_str().is_none_or(str::is_empty) {
            faults.push(format!("the error has no {name}: {body}"));
        }
    }
    for name in ["date", "request-id", "client-request-id"] {
        if error["innerError"][name].as_str().is_none_or(str::is_empty) {
            faults.push(format!("the error has no innerError/{name}: {body}"));
        }
    }
}

struct Walk<'s> {
    version: &'s Version,
    is_beta: bool,
    is_selected: bool,
}

impl Walk<'_> {
    fn answer(&self, of: &str, object: &Map<String, Value>, faults: &mut Vec<String>) {
        let (of, is_entity) = match of.strip_suffix("/$entity") {
            Some(of) => (of, true),
            None => (of.strip_suffix("/$delta").unwrap_or(of), false),
        };
        let plain = Map::from_iter(
            object.iter().filter(|(name, _)| !name.starts_with('@')).map(|(n, v)| (n.clone(), v.clone())),
        );
        if of.starts_with("Edm.") || of.starts_with("Collection(") {
            return self.value(of, &object["value"], of, faults);
        }
        if let Some(name) = of.strip_prefix("microsoft.graph.") {
            return self.object(name, &plain, of, faults);
        }
        let Some(type_name) = type_of(of) else {
            faults.push(format!("the context `{of}` is not known to the test"));
            return;
        };
        let is_single = is_entity || !object.contains_key("value");
        if is_single {
            let mut whole = plain;
            whole.extend(object.get("@odata.type").map(|kind| ("@odata.type".to_owned(), kind.clone())));
            return self.object(type_name, &whole, of, faults);
        }
        for name in ["@odata.nextLink", "@odata.deltaLink"] {
            if object.get(name).is_some_and(|link| !link.as_str().is_some_and(|link| link.starts_with("https://"))) {
                faults.push(format!("{of}: {name} is no address"));
            }
        }
        if object.get("@odata.count").is_some_and(|count| !count.is_u64()) {
            faults.push(format!("{of}: @odata.count is no number"));
        }
        let Some(list) = object["value"].as_array() else {
            faults.push(format!("{of}: value is no list"));
            return;
        };
        for (at, one) in list.iter().enumerate() {
            let place = format!("{of}[{at}]");
            match one.as_object() {
                Some(one) if one.contains_key("@removed") => {}
                Some(one) => self.object(type_name, one, &place, faults),
                None => faults.push(format!("{place} is no object")),
            }
        }
    }

    /// The properties and relations of a type, with those of the types it is derived from.
    fn members(&self, name: &str) -> Option<(BTreeMap<String, Value>, Vec<String>)> {
        let (mut properties, mut relations, mut of) = (BTreeMap::new(), Vec::new(), Some(name.to_owned()));
        while let Some(name) = of {
            let known = self.version.types.get(&name)?;
            for (name, property) in known["properties"].as_object().into_iter().flatten() {
                properties.entry(name.clone()).or_insert_with(|| property.clone());
            }
            relations.extend(known["navigation"].as_object().into_iter().flatten().map(|(name, _)| name.clone()));
            of = known["baseType"].as_str().map(str::to_owned);
        }
        if self.version.types[name]["kind"] == "entity" {
            properties
                .entry("id".to_owned())
                .or_insert_with(|| serde_json::json!({ "type": "Edm.String", "nullable": false }));
        }
        Some((properties, relations))
    }

    fn is_derived(&self, name: &str, from: &str) -> bool {
        let mut of = Some(name);
        while let Some(name) = of {
            if name == from {
                return true;
            }
            of = self.version.types.get(name).and_then(|known| known["baseType"].as_str());
        }
        false
    }

    fn object(&self, declared: &str, object: &Map<String, Value>, place: &str, faults: &mut Vec<String>) {
        let written = object.get("@odata.type").and_then(Value::as_str);
        let written = written.map(|written| written.trim_start_matches("#microsoft.graph."));
        let name = written.unwrap_or(declared);
        if LEFT_OUT.contains(&name) {
            return;
        }
        let Some((properties, relations)) = self.members(name) else {
            faults.push(format!("{place}: the type `{name}` is not in the schema"));
            return;
        };
        if !self.is_derived(name, declared) {
            faults.push(format!("{place}: a `{name}` is no `{declared}`"));
        }
        let is_abstract = self.version.types[name]["abstract"] == true || name == "directoryObject";
        if is_abstract && written.is_none() {
            faults.push(format!("{place}: of `{name}` there is nothing without @odata.type"));
        }
        for (member, value) in object {
            match properties.get(member) {
                // Annotations, of OData and of ours.
                _ if member.contains('@') || member.contains('.') => {}
                Some(property) if value.is_null() && property["nullable"] == false => {
                    faults.push(format!("{place}: {member} of `{name}` is never null"));
                }
                Some(_) if value.is_null() => {}
                Some(property) => {
                    let declared = property["type"].as_str().unwrap();
                    self.value(declared, value, &format!("{place}/{member}"), faults);
                }
                None if relations.contains(member) => {}
                None if self.is_beta && NEWER.contains(&member.as_str()) => {}
                None => faults.push(format!("{place}: a `{name}` has no `{member}`")),
            }
        }
        if self.is_selected || PARTLY_SHOWN.contains(&name) {
            return;
        }
        for (member, property) in &properties {
            if property["nullable"] == false && !object.contains_key(member) {
                faults.push(format!("{place}: `{member}` of `{name}` is not there"));
            }
        }
    }

    fn value(&self, declared: &str, value: &Value, place: &str, faults: &mut Vec<String>) {
        if let Some(element) = declared.strip_prefix("Collection(").and_then(|rest| rest.strip_suffix(')')) {
            let Some(list) = value.as_array() else {
                faults.push(format!("{place} is no list: {value}"));
                return;
            };
            for (at, one) in list.iter().enumerate() {
                self.value(element, one, &format!("{place}[{at}]"), faults);
            }
            return;
        }
        let declared = declared.trim_start_matches("microsoft.graph.");
        let is_good = match declared {
            "Edm.String" | "Edm.Binary" | "Edm.Stream" => value.is_string(),
            "Edm.Boolean" => value.is_boolean(),
            "Edm.Int16" | "Edm.Int32" | "Edm.Int64" | "Edm.Byte" => value.is_i64(),
            "Edm.Double" | "Edm.Single" | "Edm.Decimal" => value.is_number(),
            "Edm.Guid" => value.as_str().is_some_and(is_guid),
            "Edm.DateTimeOffset" => {
                value.as_str().is_some_and(|text| text.ends_with('Z') && text.parse::<jiff::Timestamp>().is_ok())
            }
            "Edm.Duration" => value.as_str().is_some_and(|text| text.starts_with('P')),
            "Edm.Date" | "Edm.TimeOfDay" => value.is_string(),
            name => match (self.version.enums.get(name), value) {
                (Some(known), Value::String(text)) => is_member(known, text),
                (Some(_), _) => false,
                (None, Value::Object(object)) => return self.object(name, object, place, faults),
                (None, _) => false,
            },
        };
        if !is_good {
            faults.push(format!("{place} is no `{declared}`: {value}"));
        }
    }
}

fn is_member(known: &Value, text: &str) -> bool {
    let members = known["members"].as_array().unwrap();
    let is_one = |text: &str| members.iter().any(|member| member["name"] == text);
    if known["isFlags"] == true { text.split(',').all(|part| is_one(part.trim())) } else { is_one(text) }
}

fn is_guid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

/// The type that a context leads to.
fn type_of(of: &str) -> Option<&'static str> {
    if let Some((_, collection)) = of.split_once("/authentication/") {
        return METHODS.iter().find(|(name, _)| *name == collection).map(|(_, name)| *name);
    }
    if let Some((_, relation)) = of.split_once("')/") {
        return RELATIONS.iter().find(|(name, _)| *name == relation).map(|(_, name)| *name);
    }
    CONTEXTS.iter().find(|(name, _)| *name == of).map(|(_, name)| *name)
}

#[test]
fn the_schema_finds_what_is_wrong() {
    let Some(schema) = Schema::read() else { return };
    let context = |of: &str| format!("https://127.0.0.1/v1.0/$metadata#{of}");
    let of = |body: Value| schema.faults(("v1.0", 200), ("", &body));
    let good = serde_json::json!({ "@odata.context": context("domains/$entity"), "id": "a", "authenticationType": "Managed",
        "isAdminManaged": true, "isDefault": true, "isInitial": true, "isRoot": true, "isVerified": true,
        "supportedServices": [] });
    assert_eq!(of(good.clone()), [""; 0]);
    for (name, value) in [
        ("isRoot", serde_json::json!("yes")),
        ("isRoot", Value::Null),
        ("supportedServices", serde_json::json!("Email")),
        ("supportedServices", serde_json::json!([1])),
        ("color", serde_json::json!("red")),
        ("@odata.type", serde_json::json!("#microsoft.graph.user")),
    ] {
        let mut bad = good.clone();
        bad[name] = value;
        assert!(!of(bad.clone()).is_empty(), "{bad}");
    }
    let mut short = good;
    short.as_object_mut().unwrap().remove("isRoot");
    assert_eq!(of(short).len(), 1);
    for bad in [
        serde_json::json!({ "@odata.context": context("users"), "value": [{ "id": "a", "birthday": "yesterday" }] }),
        serde_json::json!({ "@odata.context": context("identityProtection/riskyUsers"), "value": [{ "id": "a", "riskLevel": "huge" }] }),
        serde_json::json!({ "@odata.context": context("directoryObjects"), "value": [{ "id": "a" }] }),
        serde_json::json!({ "@odata.context": context("nothing"), "value": [] }),
        serde_json::json!({ "value": [] }),
    ] {
        assert!(!of(bad.clone()).is_empty(), "{bad}");
    }
    assert_eq!(schema.faults(("v1.0", 404), ("", &serde_json::json!({ "error": { "code": "a" } }))).len(), 4);
}
