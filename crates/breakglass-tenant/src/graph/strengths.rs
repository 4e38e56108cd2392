//! Authentication strengths, below `/policies/authenticationStrengthPolicies` and
//! `/identity/conditionalAccess/authenticationStrength/policies`: the three that every tenant has, and its own.
//!
//! **Source:** "authenticationStrengthPolicy" and its methods. Dates and descriptions of the built-in ones are from memory.

use breakglass_model::snapshot::Resource;
use breakglass_model::strength::{BUILT_IN_STRENGTHS, MULTIFACTOR_COMBINATIONS, Modes};
use breakglass_model::well_known::{CONDITIONAL_ACCESS_ADMINISTRATOR, SECURITY_ADMINISTRATOR};
use serde_json::{Value, json};

use super::Request;
use super::error::GraphError;
use super::list::{Shape, listed_of, selected};
use super::modified::modified;
use super::schedules::object;
use crate::call::Reply;
use crate::clock::written;
use crate::random;
use crate::state::{Change, Directory, Object, text};

const READ: &[&str] = &["Policy.Read.AuthenticationMethod", "Policy.Read.All", "Policy.ReadWrite.AuthenticationMethod"];
const WRITE: &[&str] = &["Policy.ReadWrite.AuthenticationMethod", "Policy.ReadWrite.ConditionalAccess"];
const WRITERS: &[&str] =
    &[CONDITIONAL_ACCESS_ADMINISTRATOR, SECURITY_ADMINISTRATOR, "0526716b-113d-4c15-b2c8-68e3c22b9f80"];
/// Strengths that a tenant may make of its own.
const CUSTOM_COUNT_MAX: usize = 15;
const SHAPE: Shape = Shape {
    resource: Resource::AuthenticationStrengthPolicies,
    context: "policies/authenticationStrengthPolicies",
    default_properties: &[],
    hidden: &[],
    count_default: 100,
    count_max: 999,
};

/// Answers a request below either address.
pub(super) fn answer(request: &Request<'_>, rest: &[&str]) -> Result<Reply, GraphError> {
    match request.call.method.as_str() {
        "GET" => request.caller.needs(READ, &[])?,
        _ => request.caller.needs(WRITE, WRITERS)?,
    }
    match (request.call.method.as_str(), rest) {
        ("GET", []) => {
            let all = all(&request.tenant.state.read());
            listed_of(request, &SHAPE, &all)
        }
        ("GET", [id]) => {
            let found = find(&request.tenant.state.read(), id)?;
            Ok(request.entity(200, (SHAPE.context, selected(request, &SHAPE, &found)?)))
        }
        ("POST", []) => create(request),
        ("PATCH", [id]) => update(request, id),
        ("DELETE", [id]) => delete(request, id),
        ("POST", [id, "updateAllowedCombinations" | "microsoft.graph.updateAllowedCombinations"]) => {
            replace_combinations(request, id)
        }
        (_, [_, segment, ..]) => Err(GraphError::no_segment(segment)),
        _ => Err(GraphError::method()),
    }
}

/// Every strength, the built-in ones first.
fn all(directory: &Directory) -> Vec<Object> {
    let own: Vec<Object> = directory.all(Resource::AuthenticationStrengthPolicies).map(whole).collect();
    let is_own = |id: &str| own.iter().any(|known| text(known, "id") == Some(id));
    let built_in = BUILT_IN_STRENGTHS.iter().filter(|strength| !is_own(strength.id)).map(|strength| {
        let combinations: Vec<String> = strength.allowed_combinations.iter().map(ToString::to_string).collect();
        whole(&object(json!({
            "id": strength.id, "displayName": strength.display_name, "description": Value::Null,
            "policyType": "builtIn", "allowedCombinations": combinations,
        })))
    });
    built_in.collect::<Vec<_>>().into_iter().chain(own.iter().cloned()).collect()
}

/// A strength with everything that Graph has of one.
fn whole(known: &Object) -> Object {
    const MADE_AT: &str = "2021-12-01T00:00:00Z";
    let listed = known.get("allowedCombinations").and_then(Value::as_array).into_iter().flatten();
    let is_mfa = |one: &Value| one.as_str().is_some_and(is_multifactor);
    let requirement = if listed.into_iter().all(is_mfa) { "mfa" } else { "none" };
    let mut whole = object(json!({
        "createdDateTime": MADE_AT, "modifiedDateTime": MADE_AT, "policyType": "custom",
        "requirementsSatisfied": requirement, "allowedCombinations": [], "displayName": "",
    }));
    whole.extend(known.clone());
    whole
}

fn is_multifactor(combination: &str) -> bool {
    Modes::from_graph(combination)
        .is_ok_and(|modes| MULTIFACTOR_COMBINATIONS.iter().any(|known| modes.contains(*known)))
}

fn find(directory: &Directory, id: &str) -> Result<Object, GraphError> {
    let mut all = all(directory).into_iter();
    let found = all.find(|known| text(known, "id").is_some_and(|known| known.eq_ignore_ascii_case(id)));
    found.ok_or_else(|| GraphError::not_found(id))
}

/// Whether there is a strength of an id.
pub(super) fn is_there(directory: &Directory, id: &str) -> bool {
    find(directory, id).is_ok()
}

/// A strength of the tenant's own, to be changed.
fn own(directory: &Directory, id: &str) -> Result<Object, GraphError> {
    let found = find(directory, id)?;
    if text(&found, "policyType") == Some("builtIn") {
        return Err(refused("A built-in authentication strength cannot be changed."));
    }
    Ok(found)
}

fn combinations(body: &Object) -> Result<Value, GraphError> {
    let given = body.get("allowedCombinations").and_then(Value::as_array).filter(|all| !all.is_empty());
    let given = given.ok_or_else(|| refused("'allowedCombinations' is a list of combinations."))?;
    let is_known =
        |one: &Value| one.as_str().is_some_and(|text| Modes::from_graph(text).is_ok_and(|modes| !modes.is_empty()));
    if given.iter().all(is_known) { Ok(json!(given)) } else { Err(refused("A combination is none that there is.")) }
}

fn create(request: &Request<'_>) -> Result<Reply, GraphError> {
    let body = request.object()?;
    let name = text(&body, "displayName").filter(|name| !name.trim().is_empty() && name.chars().count() <= 30);
    let name = name.ok_or_else(|| refused("'displayName' has 1 to 30 characters."))?;
    let now = written(request.tenant.clock.now());
    let made = object(json!({
        "id": random::uuid()?, "displayName": name, "description": text(&body, "description"), "policyType": "custom",
        "createdDateTime": now, "modifiedDateTime": now, "allowedCombinations": combinations(&body)?,
    }));
    let made = request.write(|directory| -> Result<_, GraphError> {
        let known: Vec<&Object> = directory.all(Resource::AuthenticationStrengthPolicies).collect();
        if known.len() >= CUSTOM_COUNT_MAX {
            return Err(refused("The tenant has as many authentication strengths of its own as there may be."));
        }
        if known.iter().any(|one| text(one, "displayName") == text(&made, "displayName")) {
            return Err(refused("There is an authentication strength of this name."));
        }
        Ok((vec![Change::Put(Resource::AuthenticationStrengthPolicies, made.clone())], made))
    })?;
    audit(request, ("Create authentication strength", &made), Vec::new())?;
    Ok(request.entity(201, (SHAPE.context, whole(&made))))
}

fn update(request: &Request<'_>, id: &str) -> Result<Reply, GraphError> {
    let body = request.object()?;
    if body.keys().any(|name| !matches!(name.as_str(), "displayName" | "description" | "@odata.type")) {
        return Err(refused("Of an authentication strength the name and the description are changed here."));
    }
    let now = written(request.tenant.clock.now());
    changed(request, id, |strength| {
        for name in ["displayName", "description"] {
            if let Some(value) = body.get(name) {
                strength.insert(name.to_owned(), value.clone());
            }
        }
        strength.insert("modifiedDateTime".to_owned(), json!(now));
    })?;
    Ok(Reply::empty(204))
}

fn replace_combinations(request: &Request<'_>, id: &str) -> Result<Reply, GraphError> {
    let given = combinations(&request.object()?)?;
    let mut before = Value::Null;
    changed(request, id, |strength| {
        before = strength.insert("allowedCombinations".to_owned(), given.clone()).unwrap_or_default();
    })?;
    let context = request.context("microsoft.graph.updateAllowedCombinationsResult");
    let answer = json!({ "@odata.context": context, "previousCombinations": before, "currentCombinations": given,
        "conditionalAccessReferences": [], "additionalInformation": "" });
    Ok(Reply::json(200, answer))
}

fn changed(request: &Request<'_>, id: &str, change: impl FnOnce(&mut Object)) -> Result<(), GraphError> {
    let (known, made) = request.write(|directory| -> Result<_, GraphError> {
        let known = own(directory, id)?;
        let mut strength = known.clone();
        // What it amounts to follows from its combinations.
        strength.remove("requirementsSatisfied");
        change(&mut strength);
        Ok((vec![Change::Put(Resource::AuthenticationStrengthPolicies, strength.clone())], (known, strength)))
    })?;
    let differences = modified(&known, &made, &["requirementsSatisfied"]);
    audit(request, ("Update authentication strength", &made), differences)
}

fn delete(request: &Request<'_>, id: &str) -> Result<Reply, GraphError> {
    let made = request.write(|directory| -> Result<_, GraphError> {
        let strength = own(directory, id)?;
        let names = |policy: &&Object| {
            let named = policy.get("grantControls").and_then(|grant| grant.get("authenticationStrength")?.get("id"));
            named.and_then(Value::as_str).is_some_and(|known| known.eq_ignore_ascii_case(id))
        };
        if directory.all(Resource::ConditionalAccessPolicies).any(|policy| names(&policy)) {
            return Err(refused("The authentication strength is used by a Conditional Access policy."));
        }
        Ok((vec![Change::Remove(Resource::AuthenticationStrengthPolicies, id.to_owned())], strength))
    })?;
    audit(request, ("Delete authentication strength", &made), Vec::new())?;
    Ok(Reply::empty(204))
}

fn audit(request: &Request<'_>, (activity, strength): (&str, &Object), modified: Vec<Value>) -> Result<(), GraphError> {
    let target = json!([{ "id": text(strength, "id"), "type": "Policy", "displayName": text(strength, "displayName"),
        "modifiedProperties": modified }]);
    request.audit_of("Authentication Methods", (activity, "Policy"), target)
}

fn refused(message: &str) -> GraphError {
    GraphError::new(400, "BadRequest", message)
}
