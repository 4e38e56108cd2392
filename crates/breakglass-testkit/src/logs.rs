//! Sign-in records for a random tenant, as Entra would write them: decided by the plain referee, and put into the words
//! that people read.
//!
//! A record is made of facts; what the log has no field for (the risk of the user, properties of a device, whether
//! terms of use were accepted) is decided with all the same. A result that the referee cannot tell is one of those that
//! are possible.
//!
//! **Invariant:** the same seed gives the same record.

mod words;

use breakglass_model::policy::ConditionalAccessPolicy;
use breakglass_model::sign_in::WhatIfRequest;
use breakglass_model::snapshot::Snapshot;
use breakglass_model::strength::{Combination, Modes, built_in_strength};
use serde_json::{Map, Value, json};

use crate::referee::{PossibleResults, Referee, RefereeSurface};
use crate::tenants::random::Random;
use crate::tenants::{RandomTenant, TAKEN_AT};
use words::{condition_flag, flags_number, word_for};

/// The form of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordForm {
    /// Graph v1.0, which has few fields.
    V1,
    /// Graph beta.
    Beta,
    /// A diagnostic setting.
    Diagnostic,
}

impl RecordForm {
    /// Every form.
    pub const ALL: [Self; 3] = [Self::V1, Self::Beta, Self::Diagnostic];
}

/// A record, and what is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct RandomRecord {
    /// As it would be written.
    pub json: Value,
    /// What was decided, as a What If body.
    pub request: Value,
    /// What was satisfied, by the names of the referee.
    pub satisfied: Vec<String>,
    /// What may be recorded for each policy.
    pub possible: Vec<PossibleResults>,
}

impl RandomRecord {
    /// The properties of the sign-in, inside whatever envelope there is.
    #[expect(clippy::indexing_slicing, reason = "of an object, which is what a record is, it never panics")]
    pub fn properties(&mut self) -> &mut Value {
        if self.json.get("properties").is_some() { &mut self.json["properties"] } else { &mut self.json }
    }
}

/// How somebody proved who it was.
struct Proof {
    modes: Modes,
    is_mfa: bool,
    steps: Value,
    details: Option<&'static str>,
}

/// A record of a tenant; `None` where the tenant has nobody to sign in.
#[must_use]
pub fn random_record(
    tenant: &RandomTenant,
    surfaces: &[RefereeSurface],
    form: RecordForm,
    seed: u64,
) -> Option<RandomRecord> {
    let mut random = Random::new(seed ^ 0x51c4_10c5);
    let snapshot = &tenant.snapshot;
    let who = who(snapshot, &mut random)?;
    let target = target(&mut random);
    let mut conditions = Map::new();
    let mut properties = Map::new();
    who_signs_in(&who, &mut properties);
    client_side(&mut random, form, (&mut conditions, &mut properties));
    place(&mut random, (&mut conditions, &mut properties));
    risks(&mut random, (&mut conditions, &mut properties));
    device(&mut random, (&mut conditions, &mut properties));
    let request = json!({
        "signInIdentity": who.identity,
        "signInContext": { "includeApplications": target.applications },
        "signInConditions": conditions,
    });
    let proof = proof(&mut random);
    let satisfied = satisfied(snapshot, &proof, &mut random);
    let names: Vec<&str> = satisfied.iter().map(String::as_str).collect();
    let referee = Referee { snapshot, surfaces, now: TAKEN_AT, satisfied: &names, is_unlocated: false };
    let body = request.to_string();
    let possible = referee.results(&WhatIfRequest::from_json(body.as_bytes()).ok()?).ok()?;
    properties.insert("appId".into(), json!(target.client));
    properties.insert("appDisplayName".into(), json!(format!("Client {}", target.client)));
    properties.insert("resourceId".into(), json!(target.resource));
    properties.insert("createdDateTime".into(), json!("2026-02-20T10:00:00.1234567Z"));
    let json = written(form, properties, (&target, &proof, &possible), &mut random);
    Some(RandomRecord { json, request, satisfied, possible })
}

struct Person {
    identity: Value,
    is_service_principal: bool,
    guest: Option<(&'static str, &'static str, String)>,
}

fn who(snapshot: &Snapshot, random: &mut Random) -> Option<Person> {
    let principals = snapshot.service_principals.items();
    if random.chance(6) && !principals.is_empty() {
        let principal = principals.get(random.below(principals.len()))?;
        let identity = json!({ "servicePrincipalId": principal.id.as_str() });
        return Some(Person { identity, is_service_principal: true, guest: None });
    }
    let users = snapshot.users.items();
    let user = users.get(random.below(users.len()))?;
    let id = snapshot.objects.id(user.key);
    if !random.chance(12) {
        return Some(Person { identity: json!({ "userId": id }), is_service_principal: false, guest: None });
    }
    let (access, user_type, kind) = random.pick(&[
        ("b2bCollaboration", "guest", "b2bCollaborationGuest"),
        ("b2bCollaboration", "Member", "b2bCollaborationMember"),
        ("b2bDirectConnect", "guest", "b2bDirectConnectUser"),
        ("serviceProvider", "member", "serviceProvider"),
    ]);
    let home = random.pick(&["tenant-partner", "tenant-else", "aaaa1111-0000-4000-8000-000000000001"]).to_owned();
    let identity = json!({ "userId": id, "externalUserType": kind, "externalTenantId": home });
    Some(Person { identity, is_service_principal: false, guest: Some((access, user_type, home)) })
}

fn who_signs_in(who: &Person, properties: &mut Map<String, Value>) {
    let id = |name: &str| who.identity.get(name).cloned().unwrap_or_default();
    properties.insert("userId".into(), if who.is_service_principal { json!("") } else { id("userId") });
    let principal = if who.is_service_principal { id("servicePrincipalId") } else { json!("") };
    properties.insert("servicePrincipalId".into(), principal);
    let (access, user_type, home) = who.guest.clone().unwrap_or(("none", "member", "home".to_owned()));
    properties.insert("crossTenantAccessType".into(), json!(access));
    properties.insert("userType".into(), json!(user_type));
    properties.insert("homeTenantId".into(), json!(home));
}

struct Signed {
    applications: Vec<&'static str>,
    audiences: Vec<&'static str>,
    client: &'static str,
    resource: &'static str,
}

/// To what: what Conditional Access evaluates, and how the log names it.
fn target(random: &mut Random) -> Signed {
    use crate::tenants::apps;
    const CLIENT: &str = "client-app";
    let plain = [apps::RESOURCE_MANAGER, apps::EXCHANGE, apps::SHAREPOINT, apps::OWN, apps::FOREIGN, apps::UNLISTED];
    if random.chance(15) {
        return Signed {
            applications: vec![apps::PORTAL],
            audiences: vec![apps::RESOURCE_MANAGER],
            client: apps::PORTAL,
            resource: apps::RESOURCE_MANAGER,
        };
    }
    let one = random.pick(&plain);
    let mut applications = vec![one];
    // A token of Microsoft Graph is for another service as well, which v1.0 does not say.
    let is_graph = random.chance(20);
    if is_graph {
        applications.push(apps::GRAPH);
    }
    let resource = if is_graph { apps::GRAPH } else { one };
    Signed { audiences: applications.clone(), applications, client: CLIENT, resource }
}

type Halves<'m> = (&'m mut Map<String, Value>, &'m mut Map<String, Value>);

fn client_side(random: &mut Random, form: RecordForm, (conditions, properties): Halves<'_>) {
    let platform = random.pick(&["android", "iOS", "windows", "windowsPhone", "macOS", "linux", "unknownFutureValue"]);
    conditions.insert("devicePlatform".into(), json!(platform));
    let system = word_for(
        breakglass_model::sign_in_record::words::PLATFORM_WORDS
            .iter()
            .map(|(word, member, _)| (*word, if member.is_empty() { "unknownFutureValue" } else { member })),
        platform,
        random,
    );
    properties
        .insert("deviceDetail".into(), json!({ "operatingSystem": format!("{system} 17.1"), "browser": "Edge 1" }));
    let client = random.pick(&["browser", "browser", "mobileAppsAndDesktopClients", "exchangeActiveSync", "other"]);
    conditions.insert("clientAppType".into(), json!(client));
    let table = breakglass_model::sign_in_record::words::CLIENT_APP_WORDS.iter();
    let word = word_for(table.map(|(word, member, _)| (*word, member.as_str())), client, random);
    properties.insert("clientAppUsed".into(), json!(word));
    let flow = random.pick(&["none", "none", "deviceCodeFlow", "authenticationTransfer"]);
    conditions.insert("authenticationFlow".into(), json!({ "transferMethod": flow }));
    if form != RecordForm::V1 {
        let is_by_protocol = flow == "deviceCodeFlow" && random.chance(50);
        properties.insert("originalTransferMethod".into(), json!(if is_by_protocol { "none" } else { flow }));
        let protocol = if flow == "deviceCodeFlow" { "deviceCode" } else { "oAuth2" };
        properties.insert("authenticationProtocol".into(), json!(protocol));
    }
}

fn place(random: &mut Random, (conditions, properties): Halves<'_>) {
    let address = random.pick(&["198.51.100.3", "198.51.100.200", "203.0.113.7", "192.0.2.1", "2001:db8::1"]);
    let country = random.pick(&["US", "DE", "KP", "FR"]);
    conditions.insert("ipAddress".into(), json!(address));
    conditions.insert("country".into(), json!(country));
    properties.insert("ipAddress".into(), json!(address));
    properties.insert("location".into(), json!({ "city": "A town", "countryOrRegion": country }));
}

fn risks(random: &mut Random, (conditions, properties): Halves<'_>) {
    let levels = ["none", "none", "low", "medium", "high", "hidden"];
    let level = random.pick(&levels);
    conditions.insert("signInRiskLevel".into(), json!(level));
    properties.insert("riskLevelDuringSignIn".into(), json!(level));
    properties.insert("riskLevelAggregated".into(), json!(random.pick(&levels)));
    // The log has neither of these.
    conditions.insert("userRiskLevel".into(), json!(random.pick(&levels)));
    conditions.insert("insiderRiskLevel".into(), json!(random.pick(&["none", "minor", "moderate", "elevated"])));
}

fn device(random: &mut Random, (conditions, properties): Halves<'_>) {
    let Some(detail) = properties.get_mut("deviceDetail").and_then(Value::as_object_mut) else { return };
    if random.chance(50) {
        detail.insert("deviceId".into(), json!(""));
        if random.chance(50) {
            detail.insert("isCompliant".into(), Value::Null);
            detail.insert("trustType".into(), json!(random.pick(&["", ""])));
        }
        return;
    }
    let trust = random.pick(&["AzureAD", "ServerAD", "Workplace"]);
    let (is_compliant, name) = (random.chance(50), random.pick(&["SAW-1", "laptop"]));
    let mut info =
        json!({ "deviceId": "device-1", "displayName": name, "isCompliant": is_compliant, "trustType": trust });
    // Only the directory knows these.
    for (property, values) in [("model", ["Surface", "Virtual Machine"]), ("extensionAttribute1", ["SAW", "other"])] {
        if random.chance(50) {
            put(&mut info, property, json!(random.pick(&values)));
        }
    }
    conditions.insert("deviceInfo".into(), info);
    let table = breakglass_model::sign_in_record::words::TRUST_TYPE_WORDS.iter();
    let word = word_for(table.map(|(word, member, _)| (*word, *member)), trust, random);
    for (name, value) in [
        ("deviceId", json!("device-1")),
        ("displayName", json!(name)),
        ("isCompliant", json!(is_compliant)),
        ("trustType", json!(word)),
    ] {
        detail.insert(name.to_owned(), value);
    }
}

fn proof(random: &mut Random) -> Proof {
    let step = |method: &str, requirement: &str| json!({ "authenticationMethod": method, "authenticationStepRequirement": requirement, "succeeded": true });
    let password = step("Password", "Primary authentication");
    match random.below(5) {
        0 | 1 => Proof { modes: Modes::PASSWORD, is_mfa: false, steps: json!([password]), details: None },
        2 => Proof {
            modes: Modes::PASSWORD.with(Modes::SMS),
            is_mfa: true,
            steps: json!([password, step("Text message", "Multifactor authentication")]),
            details: None,
        },
        3 => Proof {
            modes: Modes::FIDO2,
            is_mfa: true,
            steps: json!([step("FIDO2 security key", "Primary authentication")]),
            details: None,
        },
        _ => Proof {
            modes: Modes::PASSWORD,
            is_mfa: true,
            steps: json!([step("Previously satisfied", "Primary authentication")]),
            details: Some("MFA requirement satisfied by claim in the token"),
        },
    }
}

/// What the proof satisfies, and what else may have been: neither terms nor custom controls are in a log.
fn satisfied(snapshot: &Snapshot, proof: &Proof, random: &mut Random) -> Vec<String> {
    let mut satisfied = Vec::new();
    if proof.is_mfa {
        satisfied.push("mfa".to_owned());
    }
    for policy in snapshot.conditional_access_policies.items() {
        let Some(grant) = &policy.grant_controls else { continue };
        for name in grant.terms_of_use.iter().map(|id| format!("termsOfUse:{id}")) {
            if random.chance(50) && !satisfied.contains(&name) {
                satisfied.push(name);
            }
        }
        if let Some(name) = strength_name(policy)
            && !satisfied.contains(&name)
            && meets_strength(snapshot, policy, proof).unwrap_or_else(|| random.chance(50))
        {
            satisfied.push(name);
        }
    }
    satisfied
}

fn strength_name(policy: &ConditionalAccessPolicy) -> Option<String> {
    let id = policy.grant_controls.as_ref()?.authentication_strength.as_ref()?.id.as_ref()?;
    Some(format!("authenticationStrength:{id}"))
}

/// Whether a proof meets a strength; `None` where a log cannot tell. The same strength must be the same in every policy.
fn meets_strength(snapshot: &Snapshot, policy: &ConditionalAccessPolicy, proof: &Proof) -> Option<bool> {
    let own = policy.grant_controls.as_ref()?.authentication_strength.as_ref()?;
    let is_known = proof.details.is_none();
    let listed = snapshot.authentication_strength_policies.items().iter().find(|listed| listed.id == own.id);
    let written = own.allowed_combinations.as_ref().or(listed.and_then(|listed| listed.allowed_combinations.as_ref()));
    let combinations: Vec<Modes> = match written {
        Some(written) => {
            let known = written.iter().map(|combination| match combination {
                Combination::Known(modes) => Some(*modes),
                Combination::Unknown(_) => None,
            });
            known.collect::<Option<_>>()?
        }
        None => built_in_strength(own.id.as_ref()?.as_str())?.allowed_combinations.to_vec(),
    };
    let has_restrictions =
        [Some(own), listed].into_iter().flatten().any(|strength| strength.combination_configurations.value().is_some());
    (is_known && !has_restrictions).then(|| combinations.iter().any(|combination| proof.modes.contains(*combination)))
}

/// The record around the properties.
fn written(
    form: RecordForm,
    mut properties: Map<String, Value>,
    (target, proof, possible): (&Signed, &Proof, &[PossibleResults]),
    random: &mut Random,
) -> Value {
    let chosen: Vec<&str> = possible.iter().map(|policy| random.pick(&policy.results)).collect();
    let is_failure = chosen.contains(&"failure");
    let code = match (is_failure, proof.is_mfa) {
        (false, _) => 0,
        // Whether something was blocked or could not be given does not matter; that nobody was asked does.
        (true, false) if random.chance(50) => 50_076,
        (true, _) => 53_003,
    };
    properties.insert("status".into(), json!({ "errorCode": code, "additionalDetails": proof.details }));
    properties.insert("conditionalAccessStatus".into(), json!(if is_failure { "failure" } else { "success" }));
    let entries = possible.iter().zip(&chosen).map(|(policy, result)| {
        let mut entry =
            json!({ "id": policy.id, "displayName": "A policy", "result": result, "enforcedGrantControls": [] });
        if form != RecordForm::V1 {
            let flag = condition_flag(policy.reason);
            let (satisfied, not) = match policy.reason {
                "notSet" => ("application,users,devicePlatform,location,clientType", "none"),
                _ => ("none", flag),
            };
            let number = |text: &str| if form == RecordForm::Beta { json!(text) } else { json!(flags_number(text)) };
            put(&mut entry, "conditionsSatisfied", number(satisfied));
            put(&mut entry, "conditionsNotSatisfied", number(not));
        }
        entry
    });
    properties.insert("appliedConditionalAccessPolicies".into(), entries.collect());
    if form == RecordForm::V1 {
        // Where somebody came from v1.0 does not say; the fields stay, since it decides.
        return Value::Object(properties);
    }
    let requirement =
        if proof.is_mfa || code == 50_076 { "multiFactorAuthentication" } else { "singleFactorAuthentication" };
    properties.insert("authenticationRequirement".into(), json!(requirement));
    properties.insert("authenticationDetails".into(), proof.steps.clone());
    properties.insert("conditionalAccessAudiences".into(), json!(target.audiences));
    properties.insert("authenticationContextClassReferences".into(), json!([]));
    if form == RecordForm::Beta {
        return Value::Object(properties);
    }
    json!({
        "time": "2026-02-20T10:00:00Z", "resourceId": "/tenants/t/providers/Microsoft.aadiam", "category": "SignInLogs",
        "resultType": code.to_string(), "callerIpAddress": properties.get("ipAddress"), "Level": 4, "location": "XX",
        "properties": properties,
    })
}

fn put(object: &mut Value, name: &str, value: Value) {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}
