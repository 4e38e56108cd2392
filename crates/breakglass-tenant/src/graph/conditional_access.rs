//! `/identity/conditionalAccess`: policies and named locations.

use breakglass_model::named_location::NamedLocation;
use breakglass_model::snapshot::Resource;
use breakglass_model::well_known::{CONDITIONAL_ACCESS_ADMINISTRATOR, SECURITY_ADMINISTRATOR};
use serde_json::{Value, json};

use super::deleted::{is_kept, to_shelf};
use super::error::GraphError;
use super::list::{Shape, listed, listed_of, selected};
use super::modified::modified_whole;
use super::shape::mend;
use super::{Request, location_shape, policy_check};
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

/// What nobody writes of a policy or a named location; to write what is there already is no change.
const READ_ONLY: [&str; 4] = ["createdDateTime", "deletedDateTime", "id", "modifiedDateTime"];

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
    /// Whether a body is written as one is, for a new one or for one that there is.
    check_shape: fn(Option<&Object>, &Object) -> Result<(), GraphError>,
    /// Whether what is written can be one, in place of what there was.
    check: fn(&Directory, Option<&Object>, &Object) -> Result<(), GraphError>,
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
                check_shape: policy_check::check_shape,
                check: policy_check::check,
            },
            _ => Self {
                shape: shape(Resource::NamedLocations, "identity/conditionalAccess/namedLocations"),
                word: "named location",
                check_shape: location_shape::check,
                check: |_, _, location| check_location(location),
            },
        }
    }
}

fn create(request: &Request<'_>, of: &Of) -> Result<Reply, GraphError> {
    let mut object = request.object()?;
    bind_strength(&mut object)?;
    (of.check_shape)(None, &object)?;
    let id = random::uuid()?;
    object.insert("id".to_owned(), json!(id));
    object.insert("createdDateTime".to_owned(), json!(precise(request)));
    object.insert("modifiedDateTime".to_owned(), Value::Null);
    object.remove("@odata.context");
    if of.shape.resource == Resource::ConditionalAccessPolicies {
        fill(&mut object);
        fill_controls(&mut object);
    }
    let whole = object.clone();
    mend(of.shape.resource, request.version, &mut object);
    let put = vec![Change::Put(of.shape.resource, object.clone())];
    request.write(|directory| {
        (of.check)(directory, None, &whole)?;
        not_beside_defaults(directory, &object)?;
        Ok::<_, GraphError>((put, ()))
    })?;
    audit(request, &format!("Add {}", of.word), (None, Some(&object)))?;
    Ok(request.entity(201, (of.shape.context, object)))
}

/// A strength that the grant controls bind by its address, in place of naming it.
fn bind_strength(policy: &mut Object) -> Result<(), GraphError> {
    let Some(grant) = policy.get_mut("grantControls").and_then(Value::as_object_mut) else { return Ok(()) };
    let Some(address) = grant.remove("authenticationStrength@odata.bind") else { return Ok(()) };
    let id = address.as_str().and_then(|address| address.trim_end_matches([')', '\'', '/']).rsplit(['/', '\'']).next());
    let id = id.filter(|id| !id.is_empty()).ok_or_else(|| {
        GraphError::bad_request("'authenticationStrength@odata.bind' is the address of an authentication strength.")
    })?;
    grant.insert("authenticationStrength".to_owned(), json!({ "id": id }));
    Ok(())
}

fn update(request: &Request<'_>, of: &Of, id: &str) -> Result<Reply, GraphError> {
    let mut body = request.object()?;
    bind_strength(&mut body)?;
    let modified = precise(request);
    if of.shape.resource == Resource::ConditionalAccessPolicies {
        fill_controls(&mut body);
    }
    let (known, object) = request.write(|directory| -> Result<_, GraphError> {
        let known = directory.object(of.shape.resource, id).cloned().ok_or_else(|| no_policy(id))?;
        (of.check_shape)(Some(&known), &body)?;
        let mut object = known.clone();
        for (name, value) in body.into_iter().filter(|(name, _)| name != "@odata.context") {
            let is_fixed = READ_ONLY.contains(&name.as_str());
            if is_fixed && known.get(&name).unwrap_or(&Value::Null) != &value {
                return Err(refused(format!("Property '{name}' is read-only and cannot be set.")));
            }
            match (object.get_mut(&name), value) {
                // Conditions are merged one by one; what stands in one of them is replaced as a whole.
                (Some(Value::Object(known)), Value::Object(given)) if name == "conditions" => known.extend(given),
                (_, value) => drop(object.insert(name, value)),
            }
        }
        object.insert("modifiedDateTime".to_owned(), json!(modified));
        (of.check)(directory, Some(&known), &object)?;
        if of.shape.resource == Resource::ConditionalAccessPolicies {
            fill(&mut object);
        }
        not_beside_defaults(directory, &object)?;
        Ok((vec![Change::Put(of.shape.resource, object.clone())], (known, object)))
    })?;
    audit(request, &format!("Update {}", of.word), (Some(&known), Some(&object)))?;
    Ok(Reply::empty(204))
}

fn delete(request: &Request<'_>, of: &Of, id: &str) -> Result<Reply, GraphError> {
    let now = request.tenant.clock.now();
    let object = request.write(|directory| -> Result<_, GraphError> {
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
    audit(request, &format!("Delete {}", of.word), (Some(&object), None))?;
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
            request.write(|_| Ok::<_, GraphError>((changes, ())))?;
            audit(request, "Hard delete conditional access policy", (Some(&policy), None))?;
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
            request.write(|_| Ok::<_, GraphError>((changes, ())))?;
            audit(request, "Restore conditional access policy", (None, Some(&policy)))?;
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

fn audit(
    request: &Request<'_>,
    activity: &str,
    (old, new): (Option<&Object>, Option<&Object>),
) -> Result<(), GraphError> {
    let Some(object) = new.or(old) else { return Ok(()) };
    let kind = match text(object, "@odata.type") {
        Some(_) => "NamedLocation",
        None => "ConditionalAccessPolicy",
    };
    let target = json!([{
        "id": text(object, "id"), "type": "Policy", "displayName": text(object, "displayName"),
        "modifiedProperties": modified_whole(kind, old, new),
    }]);
    request.audit(activity, "Policy", target)
}

fn no_policy(id: &str) -> GraphError {
    GraphError { code: "NotFound", ..GraphError::not_found(id) }
}

fn refused(message: impl Into<String>) -> GraphError {
    GraphError::new(400, "BadRequest", message)
}

fn check_location(object: &Object) -> Result<(), GraphError> {
    let kind = text(object, "@odata.type").unwrap_or_default();
    if !matches!(kind, "#microsoft.graph.ipNamedLocation" | "#microsoft.graph.countryNamedLocation") {
        return Err(refused("1042: A named location needs '@odata.type'."));
    }
    let location = NamedLocation::from_value(Value::Object(object.clone()), "namedLocation");
    location.map(drop).map_err(|error| refused(format!("1042: The named location is malformed: {error}")))
}

/// What Graph takes as null of the controls that somebody writes. Of a policy that was seeded without it, nobody knows
/// what it is.
fn fill_controls(written: &mut Object) {
    let Some(grant) = written.get_mut("grantControls").and_then(Value::as_object_mut) else { return };
    for list in ["builtInControls", "customAuthenticationFactors", "termsOfUse"] {
        grant.entry(list).or_insert_with(|| json!([]));
    }
    grant.entry("authenticationStrength").or_insert(Value::Null);
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
