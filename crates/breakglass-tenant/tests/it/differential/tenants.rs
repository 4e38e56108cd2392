//! Small random tenants of which everything is known and everything can be played.

use std::collections::BTreeMap;

use breakglass_model::snapshot::Snapshot;
use breakglass_testkit::tenants::random::Random;
use breakglass_testkit::tenants::snapshot_of;
use serde_json::{Value, json};

use crate::served::authenticator::SoftwareKey;

/// When everything happens.
pub(super) const NOW: &str = "2026-11-22T00:00:00Z";
/// What is held up, since nothing here takes it away.
pub(super) const ASSUMED: [&str; 8] = [
    "policy:tap-enabled",
    "policy:method:Fido2",
    "policy:method:MicrosoftAuthenticator",
    "policy:method:SoftwareOath",
    "policy:method:Sms",
    "policy:method:TemporaryAccessPass",
    "policy:method:Voice",
    "onprem:sync",
];
/// The key of every authenticator app.
pub(super) const APP_KEY: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
/// The application that makes accounts fail.
pub(super) const BREAKER: (&str, &str) = ("7a6f2f3c-58e1-4f36-9a60-0e54b1a7b001", "breaker-of-accounts-1");
pub(super) const GLOBAL: &str = "62e90394-69f5-4237-9190-012177145e10";
pub(super) const PRIVILEGED_ROLE: &str = "e8611ab8-c189-46e8-94e1-60213ab1f814";
const READERS: &str = "88d8e3e3-8f55-4a1e-953a-9b9898b8876b";
const FEDERATED: &str = "fed.example";

/// How somebody proves more than a password.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    #[default]
    App,
    Text,
    Push,
    Pass,
    Passkey,
}

#[derive(Debug, Clone)]
pub(super) struct Method {
    pub(super) id: String,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone)]
pub(super) struct Person {
    pub(super) id: String,
    pub(super) upn: String,
    pub(super) password: String,
    pub(super) methods: Vec<Method>,
    /// Ids of registered devices, each with its operating system.
    pub(super) devices: Vec<(String, &'static str)>,
    pub(super) role: &'static str,
    /// Whether the role has to be activated.
    pub(super) is_eligible: bool,
}

/// A tenant, and what can fail in it.
pub(super) struct Small {
    pub(super) json: Value,
    pub(super) snapshot: Snapshot,
    pub(super) people: Vec<Person>,
    pub(super) components: Vec<String>,
    /// What holds the passkeys, by the ids of the methods.
    pub(super) keys: BTreeMap<String, SoftwareKey>,
    pub(super) has_platforms: bool,
    pub(super) addresses: Vec<&'static str>,
}

/// Addresses of which every location has some: one in none, and one in each part of each.
const ELSEWHERE: &str = "192.0.2.77";
const RANGES: [(&str, &[&str]); 4] = [
    ("198.51.100.0/24", &["198.51.100.200"]),
    ("198.51.100.0/29", &["198.51.100.2", "198.51.100.200"]),
    ("203.0.113.7/32", &["203.0.113.7"]),
    ("2001:db8::/32", &["2001:db8::5"]),
];

pub(super) fn small_tenant(seed: u64) -> Small {
    let mut random = Random::new(seed);
    let random = &mut random;
    let mut people: Vec<Person> = (0..random.pick(&[1, 2, 2, 3])).map(|at| person(random, at)).collect();
    let (mut keys, mut users) = (BTreeMap::new(), Vec::new());
    for person in &people {
        let methods: Vec<Value> = person.methods.iter().map(|one| method(one, &person.id, &mut keys)).collect();
        users.push(user(person, &methods));
    }
    let locations: Vec<(String, usize, bool)> = (0..random.pick(&[0, 1, 1, 2]))
        .map(|at| (format!("l{at}"), random.below(RANGES.len()), random.chance(70)))
        .collect();
    let devices = devices(random, &mut people);
    let policies: Vec<Value> = {
        let locations: Vec<String> = locations.iter().map(|(id, ..)| id.clone()).collect();
        let count = random.pick(&[0, 1, 1, 2, 2, 3]);
        (0..count).map(|at| policy(random, (&people, &locations, !devices.is_empty()), at)).collect()
    };
    let has_defaults = policies.is_empty() && random.chance(40);
    let text = Value::Array(policies.clone()).to_string();
    let members: Vec<Value> = people
        .iter()
        .filter(|_| random.chance(50))
        .map(|one| json!({ "@odata.type": "#microsoft.graph.user", "id": one.id }))
        .collect();
    let (is_through_group, assignments) = assignments(random, &people);
    let admins: Vec<Value> =
        is_through_group.iter().map(|id| json!({ "@odata.type": "#microsoft.graph.user", "id": id })).collect();
    let mut addresses = vec![ELSEWHERE];
    locations.iter().for_each(|(_, range, _)| addresses.extend(RANGES.get(*range).map_or(&[][..], |(_, all)| *all)));
    addresses.sort_unstable();
    addresses.dedup();
    let json = json!({
        "format": "breakglass-snapshot/1", "tenantId": "11111111-aaaa-4aaa-8aaa-111111111111",
        "takenAt": NOW, "source": "file",
        "organization": { "id": "11111111-aaaa-4aaa-8aaa-111111111111", "displayName": "Contoso" },
        "users": users,
        "domains": [
            { "id": "contoso.onmicrosoft.com", "authenticationType": "Managed", "isInitial": true, "isVerified": true },
            { "id": FEDERATED, "authenticationType": "Federated", "isVerified": true },
        ],
        "groups": [
            { "id": "g0", "displayName": "Some", "members": members, "owners": [], "isAssignableToRole": null },
            { "id": "admins", "displayName": "Administrators", "members": admins, "owners": [], "isAssignableToRole": true },
        ],
        "devices": devices,
        "administrativeUnits": [],
        "applications": [{ "id": "breaker", "appId": BREAKER.0, "displayName": "Breaker",
            "passwordCredentials": [{ "secretText": BREAKER.1 }],
            "requiredResourceAccess": [] }],
        "servicePrincipals": [{ "id": "breaker-sp", "appId": BREAKER.0, "displayName": "Breaker", "accountEnabled": true,
            "appRoleAssignments": [{ "resourceAppId": "00000003-0000-0000-c000-000000000000",
                "appRoleValue": "User.ReadWrite.All" }, { "resourceAppId": "00000003-0000-0000-c000-000000000000",
                "appRoleValue": "UserAuthenticationMethod.ReadWrite.All" },
                { "resourceAppId": "00000003-0000-0000-c000-000000000000",
                "appRoleValue": "RoleManagement.ReadWrite.Directory" }] }],
        "roleAssignments": assignments,
        "roleAssignmentScheduleInstances": [],
        "roleEligibilityScheduleInstances": eligibilities(&people),
        "roleManagementPolicies": [role_policy(random)],
        "conditionalAccessPolicies": policies,
        "namedLocations": locations.iter().map(location).collect::<Vec<_>>(),
        "authenticationStrengthPolicies": [{
            "id": "strength-own", "displayName": "Own", "combinationConfigurations": [],
            "allowedCombinations": random.pick(&[
                json!(["password,softwareOath", "temporaryAccessPassMultiUse"]),
                json!(["fido2", "password,sms"]),
            ]),
        }],
        "authenticationMethodsPolicy": methods_policy(random),
        "identitySecurityDefaultsEnforcementPolicy": { "isEnabled": has_defaults },
        "federationConfigurations": [{ "id": "f", "domainId": FEDERATED, "federatedIdpMfaBehavior": "rejectMfaByFederatedIdp" }],
        "identityProtectionPolicies": [],
        "perUserMfaStates": per_user_states(random, &people),
    });
    let snapshot = snapshot_of(&json).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    let components = components(&people, &locations, &text);
    Small { snapshot, components, keys, has_platforms: text.contains("platforms"), addresses, people, json }
}

fn person(random: &mut Random, at: usize) -> Person {
    let id = format!("u{at}");
    let is_federated = random.chance(15);
    let domain = if is_federated { FEDERATED } else { "contoso.onmicrosoft.com" };
    let count = random.pick(&[0, 0, 1, 1, 1, 2]);
    let mut methods: Vec<Method> = (0..count)
        .map(|at| Method {
            id: format!("{id}-m{at}"),
            kind: random.pick(&[Kind::App, Kind::App, Kind::Text, Kind::Push, Kind::Pass]),
        })
        .collect();
    if random.chance(30) {
        methods.push(Method { id: format!("passkey-of-{id}"), kind: Kind::Passkey });
    }
    let role = if at == 0 { GLOBAL } else { random.pick(&[GLOBAL, GLOBAL, PRIVILEGED_ROLE, READERS]) };
    Person {
        upn: format!("{id}@{domain}"),
        password: format!("Glass-Hammer-{at}!"),
        methods,
        devices: Vec::new(),
        role,
        is_eligible: role == GLOBAL && random.chance(20),
        id,
    }
}

impl Person {
    pub(super) fn is_federated(&self) -> bool {
        self.upn.ends_with(FEDERATED)
    }
}

fn user(person: &Person, methods: &[Value]) -> Value {
    json!({
        "id": person.id, "userPrincipalName": person.upn, "displayName": person.id, "userType": "Member",
        "accountEnabled": true, "onPremisesSyncEnabled": person.is_federated(), "isManagementRestricted": false,
        "passwordProfile": { "password": person.password }, "authenticationMethods": methods,
    })
}

fn method(method: &Method, user: &str, keys: &mut BTreeMap<String, SoftwareKey>) -> Value {
    let of = |kind: &str| format!("#microsoft.graph.{kind}AuthenticationMethod");
    match method.kind {
        Kind::App => json!({ "@odata.type": of("softwareOath"), "id": method.id, "secretKey": APP_KEY }),
        Kind::Text => {
            json!({ "@odata.type": of("phone"), "id": method.id, "phoneType": "mobile", "phoneNumber": "+1 2065550100" })
        }
        Kind::Push => {
            json!({ "@odata.type": of("microsoftAuthenticator"), "id": method.id, "displayName": "Phone", "device": null })
        }
        Kind::Passkey => keys.entry(method.id.clone()).or_insert_with(SoftwareKey::new).seeded(user),
        Kind::Pass => json!({
            "@odata.type": of("temporaryAccessPass"), "id": method.id, "temporaryAccessPass": pass(method),
            "isUsable": true, "isUsableOnce": false, "startDateTime": "2026-11-20T00:00:00Z",
            "lifetimeInMinutes": 43_200,
        }),
    }
}

/// The pass of a method.
pub(super) fn pass(method: &Method) -> String {
    format!("Pass-of-{}", method.id)
}

fn devices(random: &mut Random, people: &mut [Person]) -> Vec<Value> {
    if !random.chance(30) {
        return Vec::new();
    }
    let count = random.between(1, 2);
    (0..count)
        .map(|at| {
            let owner = random.below(people.len());
            let system = random.pick(&["Windows", "MacMDM", "iOS", "Android", "Linux"]);
            let id = format!("d{at}");
            let owner = people.get_mut(owner).unwrap();
            owner.devices.push((id.clone(), system));
            json!({
                "id": id, "deviceId": format!("device-{at}"), "displayName": format!("Device {at}"),
                "accountEnabled": true, "isCompliant": random.chance(70), "isManaged": true,
                "trustType": random.pick(&["AzureAd", "ServerAd"]), "operatingSystem": system, "model": "SAW",
                "registeredOwners": [{ "@odata.type": "#microsoft.graph.user", "id": owner.id }], "registeredUsers": [],
            })
        })
        .collect()
}

/// Who holds the administrators' role through the group, and all assignments.
fn assignments(random: &mut Random, people: &[Person]) -> (Vec<String>, Vec<Value>) {
    let mut through = Vec::new();
    let mut list = vec![json!({ "id": "ra-breaker", "principalId": "breaker-sp", "roleDefinitionId": GLOBAL,
                                "directoryScopeId": "/" })];
    for person in people.iter().filter(|person| !person.is_eligible) {
        if person.role == GLOBAL && random.chance(20) {
            through.push(person.id.clone());
        } else {
            list.push(json!({ "id": format!("ra-{}", person.id), "principalId": person.id,
                              "roleDefinitionId": person.role, "directoryScopeId": "/" }));
        }
    }
    if !through.is_empty() {
        list.push(
            json!({ "id": "ra-admins", "principalId": "admins", "roleDefinitionId": GLOBAL, "directoryScopeId": "/" }),
        );
    }
    (through, list)
}

fn eligibilities(people: &[Person]) -> Value {
    let eligible = people.iter().filter(|person| person.is_eligible);
    let instance = |person: &Person| {
        json!({ "id": format!("re-{}", person.id), "principalId": person.id, "roleDefinitionId": GLOBAL,
                "directoryScopeId": "/", "memberType": "Direct", "startDateTime": "2026-01-01T00:00:00Z",
                "endDateTime": null, "roleEligibilityScheduleId": format!("re-{}", person.id) })
    };
    eligible.map(instance).collect()
}

/// What whoever activates the role has to do besides.
fn role_policy(random: &mut Random) -> Value {
    let of = |kind: &str| format!("#microsoft.graph.unifiedRoleManagementPolicy{kind}Rule");
    let enabled =
        random.pick(&[json!([]), json!(["Justification"]), json!(["MultiFactorAuthentication", "Justification"])]);
    json!({
        "id": "rules-of-global", "scopeId": "/", "scopeType": "DirectoryRole", "roleDefinitionId": GLOBAL,
        "rules": [
            { "@odata.type": of("Enablement"), "id": "Enablement_EndUser_Assignment", "enabledRules": enabled },
            { "@odata.type": of("AuthenticationContext"), "id": "AuthenticationContext_EndUser_Assignment",
              "isEnabled": false, "claimValue": "" },
            { "@odata.type": of("Approval"), "id": "Approval_EndUser_Assignment",
              "setting": { "isApprovalRequired": false, "approvalStages": [] } },
        ],
    })
}

fn location((id, range, is_trusted): &(String, usize, bool)) -> Value {
    json!({
        "@odata.type": "#microsoft.graph.ipNamedLocation", "id": id, "displayName": id, "isTrusted": is_trusted,
        "ipRanges": [{ "cidrAddress": RANGES.get(*range).map(|(range, _)| *range) }],
    })
}

fn methods_policy(random: &mut Random) -> Value {
    let mut configuration = |id: &str, off: usize| {
        let state = if random.chance(off) { "disabled" } else { "enabled" };
        let target = if random.chance(12) { "g0" } else { "all_users" };
        let excluded = if random.chance(8) { json!([{ "targetType": "group", "id": "g0" }]) } else { json!([]) };
        let mode = (id == "MicrosoftAuthenticator").then_some("push");
        let mut target = json!({ "targetType": "group", "id": target });
        if let Some(mode) = mode {
            target["authenticationMode"] = json!(mode);
        }
        let mut own = json!({ "id": id, "state": state, "includeTargets": [target], "excludeTargets": excluded });
        if id == "Fido2" {
            own["keyRestrictions"] = json!({ "isEnforced": false, "enforcementType": "block", "aaGuids": [] });
        }
        own
    };
    let configurations = [
        configuration("Fido2", 8),
        configuration("MicrosoftAuthenticator", 8),
        configuration("SoftwareOath", 8),
        configuration("HardwareOath", 8),
        configuration("Sms", 8),
        configuration("Voice", 100),
        configuration("TemporaryAccessPass", 8),
        configuration("X509Certificate", 100),
    ];
    json!({ "id": "authenticationMethodsPolicy", "authenticationMethodConfigurations": configurations })
}

fn per_user_states(random: &mut Random, people: &[Person]) -> Value {
    let is_used = random.chance(15);
    let states = people.iter().map(|person| {
        let state = if is_used { random.pick(&["disabled", "enabled", "enforced"]) } else { "disabled" };
        json!({ "id": person.id, "perUserMfaState": state })
    });
    states.collect()
}

type Named<'a> = (&'a [Person], &'a [String], bool);

fn policy(random: &mut Random, named: Named<'_>, at: usize) -> Value {
    let (people, _, has_devices) = named;
    let someone = |random: &mut Random| json!([people.get(random.below(people.len())).map(|one| one.id.clone())]);
    let mut users = match random.below(8) {
        0..=4 => json!({ "includeUsers": ["All"] }),
        5 => json!({ "includeUsers": [], "includeRoles": [random.pick(&[GLOBAL, PRIVILEGED_ROLE])] }),
        6 => json!({ "includeUsers": someone(random) }),
        _ => json!({ "includeUsers": [], "includeGroups": ["g0"] }),
    };
    match random.below(8) {
        0..=2 => users["excludeUsers"] = someone(random),
        3 => users["excludeGroups"] = json!(["g0"]),
        4 => users["excludeRoles"] = json!([PRIVILEGED_ROLE]),
        _ => {}
    }
    let clients = random.pick(&["all", "all", "all", "browser", "mobileAppsAndDesktopClients"]);
    let applications = match random.below(12) {
        0 => json!({ "includeApplications": ["MicrosoftAdminPortals"] }),
        1 => json!({ "includeApplications": ["797f4846-ba00-4fd7-ba43-dac1f8f63013"] }),
        _ => json!({ "includeApplications": ["All"] }),
    };
    let mut conditions = json!({ "users": users, "applications": applications, "clientAppTypes": [clients] });
    let count = random.pick(&[0, 0, 1, 1, 2]);
    (0..count).for_each(|_| condition(random, named, &mut conditions));
    let is_narrow = count > 0;
    let state =
        random.pick(&["enabled", "enabled", "enabled", "enabled", "disabled", "enabledForReportingButNotEnforced"]);
    json!({
        "id": format!("p{at}"), "displayName": format!("Policy {at}"), "state": state, "conditions": conditions,
        "grantControls": grant(random, is_narrow, has_devices), "sessionControls": null,
    })
}

fn condition(random: &mut Random, (_, locations, has_devices): Named<'_>, conditions: &mut Value) {
    match random.below(10) {
        0..=4 => {
            let one = if locations.is_empty() { "AllTrusted".to_owned() } else { random.pick(locations) };
            conditions["locations"] = match random.below(3) {
                0 => json!({ "includeLocations": ["All"], "excludeLocations": ["AllTrusted"] }),
                1 => json!({ "includeLocations": ["All"], "excludeLocations": [one] }),
                _ => json!({ "includeLocations": [one], "excludeLocations": [] }),
            };
        }
        5 => conditions["signInRiskLevels"] = json!(random.some(&["low", "medium", "high"], 2)),
        6 => conditions["userRiskLevels"] = json!(random.some(&["low", "medium", "high"], 2)),
        7 => {
            let some = random.some(&["android", "iOS", "windows", "macOS", "linux"], 2);
            conditions["platforms"] = if random.chance(50) {
                json!({ "includePlatforms": ["all"], "excludePlatforms": some })
            } else {
                json!({ "includePlatforms": some, "excludePlatforms": [] })
            };
        }
        8 if has_devices => {
            let rule = random.pick(&["device.trustType -eq \"ServerAD\"", "device.model -eq \"SAW\""]);
            let mode = random.pick(&["include", "exclude"]);
            conditions["devices"] = json!({ "deviceFilter": { "mode": mode, "rule": rule } });
        }
        9 => conditions["authenticationFlows"] = json!({ "transferMethods": "deviceCodeFlow" }),
        _ => {}
    }
}

fn grant(random: &mut Random, is_narrow: bool, has_devices: bool) -> Value {
    let operator = json!(random.pick(&["OR", "OR", "AND"]));
    let controls = |controls: &[&str]| json!({ "operator": operator, "builtInControls": controls });
    if random.chance(if is_narrow { 45 } else { 6 }) {
        return controls(&["block"]);
    }
    match random.below(8) {
        0 if has_devices => controls(&["compliantDevice"]),
        1 if has_devices => controls(&["mfa", "compliantDevice"]),
        2 if has_devices => controls(&["domainJoinedDevice", "compliantDevice"]),
        3 | 4 => {
            let strength = random.pick(&[
                "00000000-0000-0000-0000-000000000002",
                "00000000-0000-0000-0000-000000000004",
                "strength-own",
            ]);
            json!({ "operator": operator, "builtInControls": [], "authenticationStrength": { "id": strength } })
        }
        _ => controls(&["mfa"]),
    }
}

/// What can fail, whether or not the engine thinks that it matters.
fn components(people: &[Person], locations: &[(String, usize, bool)], policies: &str) -> Vec<String> {
    let mut components = Vec::new();
    for person in people {
        components.push(format!("account:{}", person.id));
        components.push(format!("password:{}", person.id));
        components.extend(person.methods.iter().map(|method| format!("method:{}#{}", person.id, method.id)));
        components.extend(person.devices.iter().map(|(device, _)| format!("device:{device}")));
        for (condition, risk) in [("signInRiskLevels", "signin-risk"), ("userRiskLevels", "user-risk")] {
            if policies.contains(condition) {
                components.push(format!("quiet:{risk}:{}", person.id));
            }
        }
    }
    let has = |kind: Kind| people.iter().flat_map(|person| &person.methods).any(|method| method.kind == kind);
    components.extend(has(Kind::Text).then(|| "svc:mfa-telephony".to_owned()));
    components.extend(has(Kind::Push).then(|| "svc:authenticator-push".to_owned()));
    if people.iter().any(|person| !person.devices.is_empty()) {
        components.push("svc:intune-compliance".to_owned());
    }
    if people.iter().any(|person| person.is_eligible) {
        components.push("svc:pim".to_owned());
    }
    if people.iter().any(Person::is_federated) {
        components.push(format!("idp:{FEDERATED}"));
        components.push("onprem:ad".to_owned());
    }
    let is_named = |id: &str| policies.contains(&format!("\"{id}\"")) || policies.contains("AllTrusted");
    components.extend(locations.iter().filter(|(id, ..)| is_named(id)).map(|(id, ..)| format!("net:{id}")));
    components
}
