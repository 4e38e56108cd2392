//! What a small case has of a tenant: one policy, one person, and the locations and groups that the policy names, with
//! other names.
//!
//! Ids, sign-in names and addresses are replaced by others, the same by the same; roles, countries, the applications of
//! the table of surfaces, and the text of a device filter stay as they are.

use std::collections::BTreeMap;

use breakglass_model::named_location::{LocationCoverage, NamedLocation, address_number};
use breakglass_model::object::ObjectKey;
use breakglass_model::policy::ConditionalAccessPolicy;
use breakglass_model::property::Property;
use breakglass_model::snapshot::read::{Origin, read_document};
use breakglass_model::snapshot::{Snapshot, SnapshotBuilder};
use breakglass_model::user::User;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::access::Access;
use crate::access::membership::Reach;
use crate::access::surfaces::surface;

/// The tenant of every case.
const TENANT: &str = "tenant-1";
/// An address inside the locations of a case, and one outside.
const ADDRESS_INSIDE: &str = "198.51.100.1";
const ADDRESS_OUTSIDE: &str = "203.0.113.1";

/// Whom and what a case is about.
#[derive(Debug, Default)]
pub(crate) struct About<'a> {
    /// The user who signs in.
    pub(crate) person: Option<ObjectKey>,
    /// The service principal that does, by id.
    pub(crate) principal: Option<&'a str>,
    /// Applications that it is about.
    pub(crate) applications: Vec<&'a str>,
    /// When, if the snapshot does not say when it was taken.
    pub(crate) at: Option<Timestamp>,
}

/// Reads a case's snapshot again.
pub(crate) fn read(snapshot: &Value) -> Option<Snapshot> {
    let mut builder = SnapshotBuilder::default();
    let text = snapshot.to_string();
    read_document(&mut builder, text.as_bytes(), &Origin { file_name: "snapshot.json", folders: &[] }).ok()?;
    Some(builder.finish())
}

/// Other names for ids, the same for the same.
#[derive(Debug, Default)]
pub(crate) struct Names {
    given: BTreeMap<(&'static str, String), String>,
    counts: BTreeMap<&'static str, usize>,
}

impl Names {
    pub(crate) fn of(&mut self, kind: &'static str, id: &str) -> String {
        let count = self.counts.entry(kind).or_default();
        let name = self.given.entry((kind, id.to_ascii_lowercase())).or_insert_with(|| {
            *count += 1;
            format!("{kind}-{count}")
        });
        name.clone()
    }

    /// An application: the words for groups of them and those that every tenant has keep their names.
    pub(crate) fn application(&mut self, id: &str) -> String {
        const WORDS: [&str; 5] = ["All", "None", "Office365", "MicrosoftAdminPortals", "AllAgentIdResources"];
        if id.is_empty() || WORDS.contains(&id) || surface(id).is_some() {
            return id.to_owned();
        }
        self.of("app", id)
    }

    pub(crate) fn tenant(&mut self, id: &str, own: Option<&str>) -> String {
        if own.is_some_and(|own| own.eq_ignore_ascii_case(id)) { TENANT.to_owned() } else { self.of("partner", id) }
    }
}

/// The snapshot of a case: what the policy names, as far as it concerns the person.
pub(crate) fn snapshot_of(
    access: &Access<'_>,
    policy: &ConditionalAccessPolicy,
    about: &About<'_>,
    names: &mut Names,
) -> Value {
    let tenant = access.snapshot();
    let person = about.person;
    let user = person.and_then(|key| tenant.user(key));
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
        "servicePrincipals": principals_of(tenant, about, names),
    });
    if let Some(at) = tenant.taken_at.or(about.at) {
        put(&mut snapshot, "takenAt", json!(at.to_string()));
    }
    snapshot
}

pub(crate) fn put(object: &mut Value, name: &str, value: Value) {
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

/// The service principal that signed in, and those behind the applications that it is about.
fn principals_of(tenant: &Snapshot, about: &About<'_>, names: &mut Names) -> Vec<Value> {
    let own = tenant.tenant_id.as_ref().map(ToString::to_string);
    let mut written = Vec::new();
    for principal in tenant.service_principals.items() {
        let app = principal.app_id.as_ref().map(|app| app.as_str());
        let is_meant =
            about.principal == Some(principal.id.as_str()) || app.is_some_and(|app| about.applications.contains(&app));
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

/// Gives the sign-in an address of the documentation's, and every location ranges that have it or not as before.
pub(crate) fn place_address(
    access: &Access<'_>,
    (address, policy): (Option<&str>, &ConditionalAccessPolicy),
    (snapshot, written): (&mut Value, &mut Value),
    names: &mut Names,
) {
    let address = address.and_then(|text| text.parse().ok()).map(address_number);
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
