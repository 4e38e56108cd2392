//! A disagreement as a small case without names, to be kept as a test.
//!
//! The case is a snapshot with one policy, one person, and the locations and groups that the policy names, beside one
//! record. Whatever can be left out without losing the disagreement is, by trying: members of the record and of the
//! policy. Ids, sign-in names, addresses and device names are replaced by others, the same by the same; roles,
//! countries, the applications of the table of surfaces, and the text of a device filter stay as they are.
//!
//! **Invariant:** a case that says that it reproduces was read again, and the same disagreement was found.

use std::collections::BTreeMap;

use breakglass_model::named_location::{LocationCoverage, NamedLocation, address_number};
use breakglass_model::object::ObjectKey;
use breakglass_model::policy::ConditionalAccessPolicy;
use breakglass_model::property::Property;
use breakglass_model::sign_in_record::{SignInRecord, Who};
use breakglass_model::snapshot::read::{Origin, read_document};
use breakglass_model::snapshot::{Snapshot, SnapshotBuilder};
use breakglass_model::user::User;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Difference, Replay};
use crate::access::membership::Reach;
use crate::access::recorded::{Recorded, Recording};
use crate::access::surfaces::surface;
use crate::access::{Access, AccessSettings};

/// Tries of leaving something out; what is left then stays.
pub const TRY_COUNT_MAX: usize = 400;

/// The tenant of every case.
const TENANT: &str = "tenant-1";
/// An address inside the locations of a case, and one outside.
const ADDRESS_INSIDE: &str = "198.51.100.1";
const ADDRESS_OUTSIDE: &str = "203.0.113.1";

/// A case.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// `breakglass-snapshot/1`.
    pub snapshot: Value,
    /// Graph's `signIn`.
    pub record: Value,
    /// Whether the same disagreement is found in it. If not, more of the tenant matters than a case holds.
    pub reproduces: bool,
}

impl Case {
    /// As it stands in a report.
    #[must_use]
    pub fn to_value(&self) -> Value {
        json!({ "record": self.record, "snapshot": self.snapshot, "reproduces": self.reproduces })
    }
}

/// Makes a case of a disagreement and the record that showed it; `None` when the record cannot be read again.
#[must_use]
pub fn case(replay: &Replay<'_>, difference: &Difference, record: &[u8]) -> Option<Case> {
    let record = SignInRecord::from_json(record).ok()?;
    let access = replay.access();
    let policy = access.policies().get(difference.policy())?;
    let mut recorded = Recorded::default();
    Recording::of(access).read(&record, &mut recorded).ok()?;
    let mut names = Names::default();
    let snapshot = snapshot_of(access, policy, (&record, &recorded), &mut names);
    let mut written = record_of(&record, policy, &mut names);
    let mut case = Case { snapshot, record: Value::Null, reproduces: false };
    place_address(access, (&record, policy), (&mut case.snapshot, &mut written), &mut names);
    case.record = written;
    let wanted = difference.of_first();
    let settings = *access.settings();
    case.reproduces = is_found(&case.snapshot, &case.record, &wanted, &settings);
    if case.reproduces {
        shrink(&mut case, &wanted, &settings);
    }
    Some(case)
}

/// Whether a disagreement is found in a case.
#[must_use]
pub fn is_found(snapshot: &Value, record: &Value, wanted: &Difference, settings: &AccessSettings) -> bool {
    let Some(snapshot) = read(snapshot) else { return false };
    let Ok(access) = Access::compile(&snapshot, settings) else { return false };
    let text = record.to_string();
    let Ok(record) = SignInRecord::from_json(text.as_bytes()) else { return false };
    Replay::of(&access).compare_once(&record, wanted)
}

fn read(snapshot: &Value) -> Option<Snapshot> {
    let mut builder = SnapshotBuilder::default();
    let text = snapshot.to_string();
    read_document(&mut builder, text.as_bytes(), &Origin { file_name: "snapshot.json", folders: &[] }).ok()?;
    Some(builder.finish())
}

/// Other names for ids, the same for the same.
#[derive(Debug, Default)]
struct Names {
    given: BTreeMap<(&'static str, String), String>,
    counts: BTreeMap<&'static str, usize>,
}

impl Names {
    fn of(&mut self, kind: &'static str, id: &str) -> String {
        let count = self.counts.entry(kind).or_default();
        let name = self.given.entry((kind, id.to_ascii_lowercase())).or_insert_with(|| {
            *count += 1;
            format!("{kind}-{count}")
        });
        name.clone()
    }

    /// An application: the words for groups of them and those that every tenant has keep their names.
    fn application(&mut self, id: &str) -> String {
        const WORDS: [&str; 5] = ["All", "None", "Office365", "MicrosoftAdminPortals", "AllAgentIdResources"];
        if id.is_empty() || WORDS.contains(&id) || surface(id).is_some() {
            return id.to_owned();
        }
        self.of("app", id)
    }

    fn tenant(&mut self, id: &str, own: Option<&str>) -> String {
        if own.is_some_and(|own| own.eq_ignore_ascii_case(id)) { TENANT.to_owned() } else { self.of("partner", id) }
    }
}

/// The snapshot of a case: what the policy names, as far as it concerns the person.
fn snapshot_of(
    access: &Access<'_>,
    policy: &ConditionalAccessPolicy,
    (record, recorded): (&SignInRecord<'_>, &Recorded),
    names: &mut Names,
) -> Value {
    let tenant = access.snapshot();
    let user = recorded.user.and_then(|key| tenant.user(key));
    let person = recorded.user;
    let mut groups = Vec::new();
    let named =
        policy.conditions.users.iter().flat_map(|users| users.include_groups.iter().chain(&users.exclude_groups));
    for id in named {
        let members: Vec<Value> = match (tenant.objects.find(id.as_str()), person) {
            (Some(group), Some(person)) if Reach::of_group(tenant, group).users.contains(&person) => {
                vec![
                    json!({ "@odata.type": "#microsoft.graph.user", "id": names.of("user", tenant.objects.id(person)) }),
                ]
            }
            _ => Vec::new(),
        };
        groups.push(json!({ "id": names.of("group", id.as_str()), "members": members }));
    }
    let policy = policy_of(access, policy, names);
    let mut snapshot = json!({
        "format": "breakglass-snapshot/1",
        "tenantId": TENANT,
        "users": user.map(|user| vec![user_of(tenant, user, names)]).unwrap_or_default(),
        "groups": groups,
        "roleAssignments": roles_of(access, person, names),
        "conditionalAccessPolicies": [policy],
        "namedLocations": [],
        "servicePrincipals": principals_of(tenant, record, names),
    });
    if let Some(at) = tenant.taken_at.or(record.created_date_time) {
        put(&mut snapshot, "takenAt", json!(at.to_string()));
    }
    snapshot
}

fn put(object: &mut Value, name: &str, value: Value) {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}

fn user_of(tenant: &Snapshot, user: &User, names: &mut Names) -> Value {
    let id = names.of("user", tenant.objects.id(user.key));
    let mut written = json!({ "id": id, "userPrincipalName": format!("{id}@example.com"), "accountEnabled": true });
    if let Some(kind) = user.user_type.value() {
        put(&mut written, "userType", json!(kind.as_str()));
    }
    let name = user.user_principal_name.as_deref().unwrap_or_default();
    if name.contains("#EXT#") {
        put(&mut written, "userPrincipalName", json!(format!("{id}#EXT#@example.com")));
    }
    written
}

/// The tenant-wide roles that the person holds, directly or through a group.
fn roles_of(access: &Access<'_>, person: Option<ObjectKey>, names: &mut Names) -> Vec<Value> {
    let Some(person) = person else { return Vec::new() };
    let tenant = access.snapshot();
    let holds = |principals: &[ObjectKey]| {
        principals.iter().any(|principal| {
            *principal == person
                || (tenant.group(*principal).is_some() && Reach::of_group(tenant, *principal).users.contains(&person))
        })
    };
    let roles = access.classes().roles().all().filter(|(_, principals)| holds(principals)).map(|(role, _)| role);
    let id = names.of("user", tenant.objects.id(person));
    roles
        .map(|role| json!({ "id": format!("{role}-1"), "principalId": id, "roleDefinitionId": role, "directoryScopeId": "/" }))
        .collect()
}

/// The service principal that signed in, and those behind the applications of the record.
fn principals_of(tenant: &Snapshot, record: &SignInRecord<'_>, names: &mut Names) -> Vec<Value> {
    let own = tenant.tenant_id.as_ref().map(ToString::to_string);
    let audiences = record.conditional_access_audiences.iter().flatten().map(AsRef::as_ref);
    let applications: Vec<&str> =
        audiences.chain(record.app_id.as_deref()).chain(record.resource_id.as_deref()).collect();
    let signed_in = match record.who() {
        Some(Who::ServicePrincipal(id)) => Some(id),
        _ => None,
    };
    let mut written = Vec::new();
    for principal in tenant.service_principals.items() {
        let app = principal.app_id.as_ref().map(|app| app.as_str());
        let is_meant = signed_in == Some(principal.id.as_str()) || app.is_some_and(|app| applications.contains(&app));
        if !is_meant {
            continue;
        }
        let mut one = json!({ "id": names.of("principal", principal.id.as_str()) });
        if let Some(app) = app {
            put(&mut one, "appId", json!(names.application(app)));
        }
        for (name, property) in [
            ("servicePrincipalType", &principal.service_principal_type),
            ("appOwnerOrganizationId", &principal.app_owner_organization_id),
        ] {
            match property {
                Property::Absent => {}
                Property::Null => put(&mut one, name, Value::Null),
                Property::Value(text) if name == "servicePrincipalType" => put(&mut one, name, json!(text)),
                Property::Value(text) => {
                    let is_microsoft = text == breakglass_model::well_known::MICROSOFT_SERVICES_TENANT;
                    let owner = if is_microsoft { text.clone() } else { names.tenant(text, own.as_deref()) };
                    put(&mut one, name, json!(owner));
                }
            }
        }
        written.push(one);
    }
    written
}

/// The policy with other names.
fn policy_of(access: &Access<'_>, policy: &ConditionalAccessPolicy, names: &mut Names) -> Value {
    let own = access.snapshot().tenant_id.as_ref().map(ToString::to_string);
    let mut written = policy.source.clone();
    put(&mut written, "id", json!("policy-1"));
    put(&mut written, "displayName", json!("Policy 1"));
    for name in ["description", "createdDateTime", "modifiedDateTime", "templateId"] {
        written.as_object_mut().and_then(|members| members.shift_remove(name));
    }
    let mut rename = |path: &str, name: &mut dyn FnMut(&mut Names, &str) -> String| {
        let list = written.pointer_mut(path).and_then(Value::as_array_mut);
        for item in list.into_iter().flatten() {
            if let Some(text) = item.as_str() {
                *item = json!(name(names, text));
            }
        }
    };
    let mut user = |names: &mut Names, id: &str| match id {
        "All" | "None" | "GuestsOrExternalUsers" => id.to_owned(),
        id => names.of("user", id),
    };
    for side in ["include", "exclude"] {
        rename(&format!("/conditions/users/{side}Users"), &mut user);
        rename(&format!("/conditions/users/{side}Groups"), &mut |names, id| names.of("group", id));
        rename(&format!("/conditions/applications/{side}Applications"), &mut |names, id| names.application(id));
        rename(&format!("/conditions/locations/{side}Locations"), &mut location_name);
        rename(&format!("/conditions/clientApplications/{side}ServicePrincipals"), &mut |names, id| match id {
            "ServicePrincipalsInMyTenant" => id.to_owned(),
            id => names.of("principal", id),
        });
        rename(&format!("/conditions/users/{side}GuestsOrExternalUsers/externalTenants/members"), &mut |names, id| {
            names.tenant(id, own.as_deref())
        });
    }
    rename("/grantControls/termsOfUse", &mut |names, id| names.of("terms", id));
    rename("/grantControls/customAuthenticationFactors", &mut |names, id| names.of("factor", id));
    written
}

fn location_name(names: &mut Names, id: &str) -> String {
    match id {
        "All" | "AllTrusted" | breakglass_model::well_known::MFA_TRUSTED_IPS => id.to_owned(),
        id => names.of("location", id),
    }
}

/// Gives the record an address of the documentation's, and every location ranges that have it or not as before.
fn place_address(
    access: &Access<'_>,
    (record, policy): (&SignInRecord<'_>, &ConditionalAccessPolicy),
    (snapshot, written): (&mut Value, &mut Value),
    names: &mut Names,
) {
    let address = record.ip_address.as_deref().and_then(|text| text.parse().ok()).map(address_number);
    if address.is_some() {
        put(written, "ipAddress", json!(ADDRESS_INSIDE));
    }
    let named: Vec<&String> = policy
        .conditions
        .locations
        .iter()
        .flat_map(|locations| locations.include_locations.iter().chain(&locations.exclude_locations))
        .collect();
    let is_named = |location: &&NamedLocation| {
        named.iter().any(|name| name.as_str() == location.id.as_str() || name.as_str() == "AllTrusted")
    };
    let locations = access.snapshot().named_locations.items().iter().filter(is_named);
    let locations: Vec<Value> =
        locations.map(|location| location_of(location, &names.of("location", location.id.as_str()), address)).collect();
    put(snapshot, "namedLocations", json!(locations));
}

fn location_of(location: &NamedLocation, id: &str, address: Option<u128>) -> Value {
    match &location.coverage {
        LocationCoverage::IpRanges { ranges, is_trusted } => {
            let has = |address: u128| ranges.iter().any(|range| range.first <= address && address <= range.last);
            let one = if address.is_some_and(has) { ADDRESS_INSIDE } else { ADDRESS_OUTSIDE };
            json!({ "@odata.type": "#microsoft.graph.ipNamedLocation", "id": id, "displayName": id,
                "isTrusted": is_trusted,
                "ipRanges": [{ "@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": format!("{one}/32") }] })
        }
        LocationCoverage::Countries { countries, include_unknown, .. } => {
            json!({ "@odata.type": "#microsoft.graph.countryNamedLocation", "id": id, "displayName": id,
                "countriesAndRegions": countries, "includeUnknownCountriesAndRegions": include_unknown })
        }
        LocationCoverage::CompliantNetwork { is_trusted } => {
            json!({ "@odata.type": "#microsoft.graph.compliantNetworkNamedLocation", "id": id, "displayName": id,
                "isTrusted": is_trusted })
        }
        LocationCoverage::Unknown(kind) => json!({ "@odata.type": kind, "id": id, "displayName": id }),
    }
}

/// The record in Graph's form, with other names and the one policy.
fn record_of(record: &SignInRecord<'_>, policy: &ConditionalAccessPolicy, names: &mut Names) -> Value {
    let mut written = Map::new();
    let mut text = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            written.insert(name.to_owned(), json!(value));
        }
    };
    match record.who() {
        Some(Who::User(id)) if id.contains('@') => {
            text("userPrincipalName", Some(format!("{}@example.com", names.of("user", id))));
        }
        Some(Who::User(id)) => text("userId", Some(names.of("user", id))),
        Some(Who::ServicePrincipal(id)) => text("servicePrincipalId", Some(names.of("principal", id))),
        None => {}
    }
    let own = |value: &Option<std::borrow::Cow<'_, str>>| value.as_deref().map(str::to_owned);
    text("createdDateTime", record.created_date_time.map(|at: Timestamp| at.to_string()));
    text("appId", record.app_id.as_deref().map(|id| names.application(id)));
    text("resourceId", record.resource_id.as_deref().map(|id| names.application(id)));
    text("userType", own(&record.user_type));
    text("crossTenantAccessType", own(&record.cross_tenant_access_type));
    let resource_tenant = record.resource_tenant_id.as_deref();
    text("homeTenantId", record.home_tenant_id.as_deref().map(|id| names.tenant(id, resource_tenant)));
    text("clientAppUsed", own(&record.client_app_used));
    text("riskLevelDuringSignIn", own(&record.risk_level_during_sign_in));
    text("authenticationRequirement", own(&record.authentication_requirement));
    text("authenticationProtocol", own(&record.authentication_protocol));
    text("originalTransferMethod", own(&record.original_transfer_method));
    let mut written = Value::Object(written);
    if let Some(country) = &record.country {
        put(&mut written, "location", json!({ "countryOrRegion": country }));
    }
    if let Some(list) = &record.conditional_access_audiences {
        let list: Vec<String> = list.iter().map(|id| names.application(id)).collect();
        put(&mut written, "conditionalAccessAudiences", json!(list));
    }
    if let Some(list) = &record.authentication_contexts {
        let list: Vec<Value> = list.iter().map(|id| json!({ "id": id })).collect();
        put(&mut written, "authenticationContextClassReferences", json!(list));
    }
    put_device(record, names, &mut written);
    put_outcome(record, policy, &mut written);
    written
}

fn put_device(record: &SignInRecord<'_>, names: &mut Names, written: &mut Value) {
    let Some(device) = &record.device else { return };
    let mut one = json!({});
    if let Some(id) = device.device_id.as_deref() {
        put(&mut one, "deviceId", json!(if id.is_empty() { String::new() } else { names.of("device", id) }));
    }
    let texts = [("operatingSystem", &device.operating_system), ("trustType", &device.trust_type)];
    for (name, value) in texts.into_iter().filter_map(|(name, value)| value.as_ref().map(|value| (name, value))) {
        put(&mut one, name, json!(value));
    }
    if let Some(is_compliant) = device.is_compliant {
        put(&mut one, "isCompliant", json!(is_compliant));
    }
    put(written, "deviceDetail", one);
}

fn put_outcome(record: &SignInRecord<'_>, policy: &ConditionalAccessPolicy, written: &mut Value) {
    let mut status = json!({});
    if let Some(code) = record.error_code {
        put(&mut status, "errorCode", json!(code));
    }
    if let Some(details) = &record.additional_details {
        put(&mut status, "additionalDetails", json!(details));
    }
    put(written, "status", status);
    if let Some(steps) = &record.authentication_steps {
        let steps: Vec<Value> = steps
            .iter()
            .map(|step| {
                json!({ "authenticationMethod": step.method, "authenticationMethodDetail": step.method_detail,
                    "authenticationStepRequirement": step.requirement,
                    "authenticationStepResultDetail": step.result_detail, "succeeded": step.succeeded })
            })
            .collect();
        put(written, "authenticationDetails", json!(steps));
    }
    let is_policy = |id: &str| id.eq_ignore_ascii_case(policy.id.as_str());
    let entries = record.applied_policies.iter().flatten();
    let entries: Vec<Value> = entries
        .filter(|entry| entry.id.as_deref().is_some_and(is_policy))
        .map(|entry| {
            let mut one = json!({ "id": "policy-1", "result": entry.result });
            for (name, value) in [
                ("conditionsSatisfied", entry.conditions_satisfied),
                ("conditionsNotSatisfied", entry.conditions_not_satisfied),
            ] {
                if let Some(value) = value {
                    put(&mut one, name, json!(value.to_text()));
                }
            }
            one
        })
        .collect();
    put(written, "appliedConditionalAccessPolicies", json!(entries));
}

/// Leaves out whatever can be, first of the record and then of the snapshot, until nothing more can be.
fn shrink(case: &mut Case, wanted: &Difference, settings: &AccessSettings) {
    let mut tries = 0;
    loop {
        let mut is_smaller = false;
        for half in [Half::Record, Half::Snapshot] {
            let mut paths = Vec::new();
            list_paths(half.of(case), &mut String::new(), &mut paths);
            for path in paths.iter().filter(|path| !half.keeps(path)) {
                if tries == TRY_COUNT_MAX {
                    return;
                }
                let mut smaller = case.clone();
                if !remove(half.of_mut(&mut smaller), path) {
                    continue;
                }
                tries += 1;
                if is_found(&smaller.snapshot, &smaller.record, wanted, settings) {
                    *case = smaller;
                    is_smaller = true;
                }
            }
        }
        if !is_smaller {
            return;
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Half {
    Record,
    Snapshot,
}

impl Half {
    const fn of(self, case: &Case) -> &Value {
        match self {
            Self::Record => &case.record,
            Self::Snapshot => &case.snapshot,
        }
    }

    const fn of_mut(self, case: &mut Case) -> &mut Value {
        match self {
            Self::Record => &mut case.record,
            Self::Snapshot => &mut case.snapshot,
        }
    }

    /// What makes a case readable stays, and so do the lists of a snapshot: one that is missing is not empty.
    fn keeps(self, path: &str) -> bool {
        self == Self::Snapshot
            && (path.matches('/').count() == 1
                || path == "/conditionalAccessPolicies/0"
                || path.ends_with("/id")
                || path.ends_with("/displayName")
                || path.ends_with("/state"))
    }
}

/// Every member and element, by its path; what holds others stands before them.
fn list_paths(value: &Value, path: &mut String, paths: &mut Vec<String>) {
    let length = path.len();
    let mut below = |name: &str, value: &Value| {
        path.push('/');
        path.push_str(&name.replace('~', "~0").replace('/', "~1"));
        paths.push(path.clone());
        list_paths(value, path, paths);
        path.truncate(length);
    };
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| below(name, value)),
        // From the end, so that a removal moves none of those before it.
        Value::Array(list) => {
            list.iter().enumerate().rev().for_each(|(at, value)| below(&at.to_string(), value));
        }
        _ => {}
    }
}

fn remove(value: &mut Value, path: &str) -> bool {
    let Some((parent, name)) = path.rsplit_once('/') else { return false };
    let name = name.replace("~1", "/").replace("~0", "~");
    match value.pointer_mut(parent) {
        Some(Value::Object(members)) => members.shift_remove(&name).is_some(),
        Some(Value::Array(list)) => match name.parse::<usize>() {
            Ok(at) if at < list.len() => {
                list.remove(at);
                true
            }
            _ => false,
        },
        _ => false,
    }
}
