//! `/identity/conditionalAccess`: policies and named locations.

use breakglass_model::named_location::NamedLocation;
use breakglass_model::policy::ConditionalAccessPolicy;
use breakglass_model::snapshot::Resource;
use breakglass_model::well_known::{CONDITIONAL_ACCESS_ADMINISTRATOR, SECURITY_ADMINISTRATOR};
use serde_json::{Value, json};

use super::Request;
use super::deleted::{is_kept, to_shelf};
use super::error::GraphError;
use super::list::{Shape, listed, listed_of, selected};
use super::shape::mend;
use crate::call::Reply;
use crate::ids::roles::{GLOBAL_READER, SECURITY_READER};
use crate::random;
use crate::state::{Change, Directory, Object, Shelf, text};

pub(super) const READERS: [&str; 4] =
    [SECURITY_READER, GLOBAL_READER, CONDITIONAL_ACCESS_ADMINISTRATOR, SECURITY_ADMINISTRATOR];
pub(super) const WRITERS: [&str; 2] = [CONDITIONAL_ACCESS_ADMINISTRATOR, SECURITY_ADMINISTRATOR];

/// Lists of a policy's conditions that are empty where they are not given.
const USERS: [&str; 6] =
    ["includeUsers", "excludeUsers", "includeGroups", "excludeGroups", "includeRoles", "excludeRoles"];
const APPLICATIONS: [&str; 4] =
    ["includeApplications", "excludeApplications", "includeUserActions", "includeAuthenticationContextClassReferences"];

/// Lists of other conditions, where these are given.
const PARTS: [(&str, &[&str]); 3] = [
    ("platforms", &["includePlatforms", "excludePlatforms"]),
    ("locations", &["includeLocations", "excludeLocations"]),
    ("clientApplications", &["includeServicePrincipals", "excludeServicePrincipals"]),
];

/// Answers a request below `/identity`.
pub(super) fn answer(request: &Request<'_>, rest: &[&str]) -> Result<Reply, GraphError> {
    if let ["conditionalAccess", "evaluate" | "microsoft.graph.evaluate"] = rest {
        return if request.call.method == "POST" {
            super::what_if::evaluate(request)
        } else {
            Err(GraphError::method())
        };
    }
    match rest {
        ["conditionalAccess", "templates", rest @ ..] => return super::templates::answer(request, rest),
        ["conditionalAccess", "authenticationContextClassReferences", rest @ ..] => {
            return super::contexts::answer(request, rest);
        }
        _ => {}
    }
    if let ["conditionalAccess", "authenticationStrength", "policies", rest @ ..] = rest {
        return super::strengths::answer(request, rest);
    }
    if let ["conditionalAccess", "deletedItems", "policies", rest @ ..] = rest {
        return deleted(request, rest);
    }
    let ["conditionalAccess", kind @ ("policies" | "namedLocations"), rest @ ..] = rest else {
        return Err(GraphError::no_segment(rest.last().unwrap_or(&"")));
    };
    let of = Of::named(kind);
    match request.call.method.as_str() {
        "GET" => request.caller.needs(&["Policy.Read.All", "Policy.Read.ConditionalAccess"], &READERS)?,
        _ => request.caller.needs(&["Policy.ReadWrite.ConditionalAccess"], &WRITERS)?,
    }
    match (request.call.method.as_str(), rest) {
        ("GET", []) => listed(request, &of.shape),
        ("POST", []) => create(request, &of),
        ("GET", [id]) => {
            let directory = request.tenant.state.read();
            let found = directory.object(of.shape.resource, id).ok_or_else(|| no_policy(id))?;
            Ok(request.entity(200, (of.shape.context, selected(request, &of.shape, found)?)))
        }
        ("PATCH", [id]) => update(request, &of, id),
        ("DELETE", [id]) => delete(request, &of, id),
        (_, [_, segment, ..]) => Err(GraphError::no_segment(segment)),
        _ => Err(GraphError::method()),
    }
}

/// Policies, or named locations.
struct Of {
    shape: Shape,
    /// Word for the audit.
    word: &'static str,
    /// Whether what is written can be one.
    check: fn(&Object) -> Result<(), GraphError>,
}

impl Of {
    fn named(kind: &str) -> Self {
        let shape = |resource, context| Shape {
            resource,
            context,
            default_properties: &[],
            hidden: &[],
            count_default: 1_000,
            count_max: 1_000,
        };
        match kind {
            "policies" => Self {
                shape: shape(Resource::ConditionalAccessPolicies, "identity/conditionalAccess/policies"),
                word: "conditional access policy",
                check: check_policy,
            },
            _ => Self {
                shape: shape(Resource::NamedLocations, "identity/conditionalAccess/namedLocations"),
                word: "named location",
                check: check_location,
            },
        }
    }
}

fn create(request: &Request<'_>, of: &Of) -> Result<Reply, GraphError> {
    let mut object = request.object()?;
    let id = random::uuid()?;
    object.insert("id".to_owned(), json!(id));
    object.insert("createdDateTime".to_owned(), json!(precise(request)));
    object.insert("modifiedDateTime".to_owned(), Value::Null);
    object.remove("@odata.context");
    (of.check)(&object)?;
    if of.shape.resource == Resource::ConditionalAccessPolicies {
        fill(&mut object);
    }
    mend(of.shape.resource, request.version, &mut object);
    let put = vec![Change::Put(of.shape.resource, object.clone())];
    request.tenant.state.write(|directory| {
        not_beside_defaults(directory, &object)?;
        Ok::<_, GraphError>((put, ()))
    })?;
    audit(request, &format!("Add {}", of.word), &object)?;
    Ok(request.entity(201, (of.shape.context, object)))
}

fn update(request: &Request<'_>, of: &Of, id: &str) -> Result<Reply, GraphError> {
    let body = request.object()?;
    let modified = precise(request);
    let object = request.tenant.state.write(|directory| -> Result<_, GraphError> {
        let mut object = directory.object(of.shape.resource, id).cloned().ok_or_else(|| no_policy(id))?;
        for (name, value) in body.into_iter().filter(|(name, _)| !matches!(name.as_str(), "id" | "createdDateTime")) {
            match (object.get_mut(&name), value) {
                // Conditions are merged one by one; what stands in one of them is replaced as a whole.
                (Some(Value::Object(known)), Value::Object(given)) if name == "conditions" => known.extend(given),
                (_, value) => drop(object.insert(name, value)),
            }
        }
        object.insert("modifiedDateTime".to_owned(), json!(modified));
        (of.check)(&object)?;
        if of.shape.resource == Resource::ConditionalAccessPolicies {
            fill(&mut object);
        }
        not_beside_defaults(directory, &object)?;
        Ok((vec![Change::Put(of.shape.resource, object.clone())], object))
    })?;
    audit(request, &format!("Update {}", of.word), &object)?;
    Ok(Reply::empty(204))
}

fn delete(request: &Request<'_>, of: &Of, id: &str) -> Result<Reply, GraphError> {
    let now = request.tenant.clock.now();
    let object = request.tenant.state.write(|directory| -> Result<_, GraphError> {
        let object = directory.object(of.shape.resource, id).cloned().ok_or_else(|| no_policy(id))?;
        let named = of.shape.resource == Resource::NamedLocations
            && directory.all(Resource::ConditionalAccessPolicies).any(|policy| names_location(policy, id));
        if named || object.get("isTrusted").and_then(Value::as_bool) == Some(true) {
            let message = "1074: The named location is trusted or used by a policy, and cannot be deleted.";
            return Err(GraphError::new(400, "BadRequest", message));
        }
        let changes = match of.shape.resource {
            Resource::ConditionalAccessPolicies => {
                to_shelf((of.shape.resource, Shelf::DeletedPolicies), object.clone(), now)
            }
            resource => vec![Change::Remove(resource, id.to_owned())],
        };
        Ok((changes, object))
    })?;
    audit(request, &format!("Delete {}", of.word), &object)?;
    Ok(Reply::empty(204))
}

/// A policy is not in force beside security defaults.
fn not_beside_defaults(directory: &Directory, policy: &Object) -> Result<(), GraphError> {
    let defaults = directory.single(Resource::IdentitySecurityDefaultsEnforcementPolicy);
    let is_on = defaults.and_then(|defaults| defaults.get("isEnabled")).and_then(Value::as_bool) == Some(true);
    if is_on && text(policy, "state") == Some("enabled") {
        return Err(refused(
            "Security Defaults is enabled in the tenant. You must disable Security defaults before enabling a Conditional Access policy.",
        ));
    }
    Ok(())
}

/// Policies that were deleted, for thirty days.
fn deleted(request: &Request<'_>, rest: &[&str]) -> Result<Reply, GraphError> {
    let now = request.tenant.clock.now();
    match request.call.method.as_str() {
        "GET" => request.caller.needs(&["Policy.Read.All", "Policy.Read.ConditionalAccess"], &READERS)?,
        _ => request.caller.needs(&["Policy.ReadWrite.ConditionalAccess"], &WRITERS)?,
    }
    let shape = Of::named("policies").shape;
    let find = |id: &str| {
        let found = request.tenant.state.read().shelved(Shelf::DeletedPolicies, id).cloned();
        found.filter(|policy| is_kept(policy, now)).ok_or_else(|| no_policy(id))
    };
    match (request.call.method.as_str(), rest) {
        ("GET", []) => {
            let directory = request.tenant.state.read();
            let kept = directory
                .all_shelved(Shelf::DeletedPolicies)
                .map(|(_, policy)| policy)
                .filter(|policy| is_kept(policy, now));
            let kept: Vec<Object> = kept.map(|policy| mended(request, policy)).collect();
            drop(directory);
            listed_of(request, &shape, &kept)
        }
        ("GET", [id]) => Ok(request.entity(200, (shape.context, selected(request, &shape, &find(id)?)?))),
        ("DELETE", [id]) => {
            let policy = find(id)?;
            let changes = vec![Change::Unshelve(Shelf::DeletedPolicies, (*id).to_owned())];
            request.tenant.state.write(|_| Ok::<_, GraphError>((changes, ())))?;
            audit(request, "Hard delete conditional access policy", &policy)?;
            Ok(Reply::empty(204))
        }
        ("POST", [id, "restore" | "microsoft.graph.restore"]) => {
            let mut policy = find(id)?;
            policy.insert("deletedDateTime".to_owned(), Value::Null);
            // It comes back in force as it was; Entra restores it so.
            let changes = vec![
                Change::Unshelve(Shelf::DeletedPolicies, (*id).to_owned()),
                Change::Put(shape.resource, policy.clone()),
            ];
            request.tenant.state.write(|_| Ok::<_, GraphError>((changes, ())))?;
            audit(request, "Restore conditional access policy", &policy)?;
            Ok(request.entity(200, (shape.context, mended(request, &policy))))
        }
        (_, [_, segment, ..]) => Err(GraphError::no_segment(segment)),
        _ => Err(GraphError::method()),
    }
}

fn mended(request: &Request<'_>, policy: &Object) -> Object {
    let mut whole = policy.clone();
    mend(Resource::ConditionalAccessPolicies, request.version, &mut whole);
    whole
}

fn names_location(policy: &Object, id: &str) -> bool {
    let locations = policy.get("conditions").and_then(|conditions| conditions.get("locations"));
    let lists = ["includeLocations", "excludeLocations"].into_iter();
    let names = lists.filter_map(|list| locations?.get(list)?.as_array()).flatten();
    names.filter_map(Value::as_str).any(|name| name.eq_ignore_ascii_case(id))
}

/// Seven digits of a second, as Graph writes it here.
fn precise(request: &Request<'_>) -> String {
    let now = request.tenant.clock.now();
    let ticks = now.subsec_nanosecond() / 100;
    format!("{}.{ticks:07}Z", now.strftime("%Y-%m-%dT%H:%M:%S"))
}

fn audit(request: &Request<'_>, activity: &str, object: &Object) -> Result<(), GraphError> {
    let target = json!([{
        "id": text(object, "id"), "type": "Policy", "displayName": text(object, "displayName"), "modifiedProperties": [],
    }]);
    request.audit(activity, "Policy", target)
}

fn no_policy(id: &str) -> GraphError {
    GraphError { code: "NotFound", ..GraphError::not_found(id) }
}

fn refused(message: impl Into<String>) -> GraphError {
    GraphError::new(400, "BadRequest", message)
}

/// What Entra demands of a policy: someone, something, and a control.
fn check_policy(object: &Object) -> Result<(), GraphError> {
    let policy = ConditionalAccessPolicy::from_value(Value::Object(object.clone()), "policy");
    let policy = policy.map_err(|error| refused(format!("1007: The policy is malformed: {error}")))?;
    if text(object, "displayName").is_none_or(|name| name.trim().is_empty()) {
        return Err(refused("1009: The policy needs a displayName."));
    }
    if let Some(part) = policy.unknowns.first() {
        return Err(refused(format!("1007: The policy has a part that is not known: {part}")));
    }
    let users = policy.conditions.users.as_ref();
    let has_users = users.is_some_and(|users| {
        !users.include_users.is_empty()
            || !users.include_groups.is_empty()
            || !users.include_roles.is_empty()
            || users.include_guests_or_external_users.is_some()
    });
    if !has_users && policy.conditions.client_applications.is_none() {
        return Err(refused("1011: The policy must name users, groups, roles or workload identities."));
    }
    let applications = object.get("conditions").and_then(|conditions| conditions.get("applications"));
    let is_something =
        |name: &str| applications.and_then(|of| of.get(name)?.as_array()).is_some_and(|all| !all.is_empty());
    if !APPLICATIONS.iter().any(|name| is_something(name)) {
        return Err(refused("1012: The policy must name applications, user actions or authentication contexts."));
    }
    let is_given = |name: &str| object.get(name).is_some_and(Value::is_object);
    if !is_given("grantControls") && !is_given("sessionControls") {
        return Err(refused("1032: The policy must have a grant control or a session control."));
    }
    Ok(())
}

fn check_location(object: &Object) -> Result<(), GraphError> {
    let kind = text(object, "@odata.type").unwrap_or_default();
    if !matches!(kind, "#microsoft.graph.ipNamedLocation" | "#microsoft.graph.countryNamedLocation") {
        return Err(refused("1042: A named location needs '@odata.type'."));
    }
    let location = NamedLocation::from_value(Value::Object(object.clone()), "namedLocation");
    location.map(drop).map_err(|error| refused(format!("1042: The named location is malformed: {error}")))
}

/// What Graph fills in where it is not given: empty lists, and nulls.
pub(super) fn fill(policy: &mut Object) {
    let names = ["templateId", "grantControls", "sessionControls"];
    for name in names {
        policy.entry(name).or_insert(Value::Null);
    }
    let Some(conditions) = policy.get_mut("conditions").and_then(Value::as_object_mut) else { return };
    for name in ["servicePrincipalRiskLevels", "signInRiskLevels", "userRiskLevels"] {
        // An export may have null where Graph has an empty list.
        if conditions.get(name).is_some_and(Value::is_null) {
            conditions.insert(name.to_owned(), json!([]));
        }
    }
    for name in ["userRiskLevels", "signInRiskLevels", "servicePrincipalRiskLevels", "clientAppTypes"] {
        conditions.entry(name).or_insert_with(|| json!([]));
    }
    for name in ["platforms", "locations", "devices", "clientApplications"] {
        conditions.entry(name).or_insert(Value::Null);
    }
    for (name, lists) in [("users", &USERS[..]), ("applications", &APPLICATIONS[..])] {
        let Some(part) = conditions.entry(name).or_insert_with(|| json!({})).as_object_mut() else { continue };
        for list in lists {
            part.entry(*list).or_insert_with(|| json!([]));
        }
    }
    for (name, lists) in PARTS {
        let Some(part) = conditions.get_mut(name).and_then(Value::as_object_mut) else { continue };
        for list in lists {
            part.entry(*list).or_insert_with(|| json!([]));
        }
    }
    for name in ["includeGuestsOrExternalUsers", "excludeGuestsOrExternalUsers"] {
        let guests = conditions.get_mut("users").and_then(|users| users.get_mut(name));
        let tenants = guests.and_then(|guests| guests.get_mut("externalTenants")).and_then(Value::as_object_mut);
        if let Some(tenants) = tenants {
            let kind = if tenants.contains_key("members") { "Enumerated" } else { "All" };
            let kind = json!(format!("#microsoft.graph.conditionalAccess{kind}ExternalTenants"));
            tenants.entry("@odata.type").or_insert(kind);
        }
    }
    if let Some(grant) = policy.get_mut("grantControls").and_then(Value::as_object_mut) {
        for list in ["builtInControls", "customAuthenticationFactors", "termsOfUse"] {
            grant.entry(list).or_insert_with(|| json!([]));
        }
    }
}
