//! `/applications` and `/servicePrincipals`.

use breakglass_model::snapshot::Resource;
use serde_json::{Value, json};

use super::deleted::to_shelf;
use super::error::GraphError;
use super::list::{Shape, listed, shown};
use super::relations::{self, Form};
use super::{Request, membership, owners, properties};
use crate::call::Reply;
use crate::clock::written;
use crate::ids::roles::{APPLICATION_ADMINISTRATOR, CLOUD_APPLICATION_ADMINISTRATOR};
use crate::random;
use crate::secret::Hashed;
use crate::state::{Change, Object, Secret, Shelf, text};

const READ: &[&str] =
    &["Application.Read.All", "Application.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];
const WRITE: &[&str] = &["Application.ReadWrite.All", "Directory.ReadWrite.All"];
const WRITERS: &[&str] = &[APPLICATION_ADMINISTRATOR, CLOUD_APPLICATION_ADMINISTRATOR];
/// Days for which a secret is good unless it is said otherwise.
const SECRET_DAYS: i64 = 730;

const APPLICATIONS: Shape = Shape {
    resource: Resource::Applications,
    context: "applications",
    default_properties: &[],
    hidden: &["owners"],
    count_default: 100,
    count_max: 999,
};
const SERVICE_PRINCIPALS: Shape = Shape {
    resource: Resource::ServicePrincipals,
    context: "servicePrincipals",
    hidden: &["appRoleAssignments", "owners"],
    ..APPLICATIONS
};

/// Answers a request below `/applications`.
pub(super) fn applications(request: &Request<'_>, rest: &[&str]) -> Result<Reply, GraphError> {
    match (request.call.method.as_str(), rest) {
        ("POST", []) => create_application(request),
        ("POST", [id, "addPassword" | "microsoft.graph.addPassword"]) => add_password(request, id),
        ("POST", [id, "removePassword" | "microsoft.graph.removePassword"]) => remove_password(request, id),
        _ => common(request, &APPLICATIONS, rest),
    }
}

/// Answers a request below `/servicePrincipals`.
pub(super) fn service_principals(request: &Request<'_>, rest: &[&str]) -> Result<Reply, GraphError> {
    match (request.call.method.as_str(), rest) {
        ("POST", []) => create_principal(request),
        _ => common(request, &SERVICE_PRINCIPALS, rest),
    }
}

fn common(request: &Request<'_>, shape: &Shape, rest: &[&str]) -> Result<Reply, GraphError> {
    match (request.call.method.as_str(), rest) {
        ("GET", []) => {
            request.caller.needs(READ, &[])?;
            listed(request, shape)
        }
        ("GET", [id]) => {
            request.caller.needs(READ, &[])?;
            shown(request, shape, id)
        }
        ("GET", [id, "owners", form @ ..]) if Form::of(form).is_some() => {
            request.caller.needs(READ, &[])?;
            let directory = request.tenant.state.read();
            directory.object(shape.resource, id).ok_or_else(|| GraphError::not_found(id))?;
            let owners = relations::listed(&directory, (shape.resource, id), "owners");
            drop(directory);
            relations::page(request, Form::of(form).unwrap_or(Form::Objects), owners)
        }
        ("POST", [id, "owners", "$ref"]) => {
            may_change(request, shape, id)?;
            owners::add(request, shape, id)
        }
        ("DELETE", [id, "owners", owner, "$ref"]) => {
            may_change(request, shape, id)?;
            owners::remove(request, shape, (id, owner))
        }
        ("PATCH", [id]) => {
            may_change(request, shape, id)?;
            let body = request.object()?;
            match shape.resource {
                Resource::Applications => properties::APPLICATION.check(&body)?,
                _ => properties::SERVICE_PRINCIPAL.check(&body)?,
            }
            let object = request.tenant.state.write(|directory| -> Result<_, GraphError> {
                let mut object =
                    directory.object(shape.resource, id).cloned().ok_or_else(|| GraphError::not_found(id))?;
                let is_fixed = |name: &str| matches!(name, "id" | "appId" | "createdDateTime" | "passwordCredentials");
                object.extend(body.into_iter().filter(|(name, _)| !is_fixed(name)));
                Ok((vec![Change::Put(shape.resource, object.clone())], object))
            })?;
            audit(request, "Update application", &object)?;
            Ok(Reply::empty(204))
        }
        ("DELETE", [id]) => {
            may_change(request, shape, id)?;
            let now = request.tenant.clock.now();
            let object = request.tenant.state.write(|directory| -> Result<_, GraphError> {
                let object = directory.object(shape.resource, id).cloned().ok_or_else(|| GraphError::not_found(id))?;
                let changes = if shape.resource == Resource::Applications {
                    // Its secrets stay: it may be restored.
                    to_shelf((shape.resource, Shelf::DeletedApplications), object.clone(), now)
                } else {
                    vec![Change::Remove(shape.resource, (*id).to_owned()), Change::RemoveSecrets((*id).to_owned())]
                };
                Ok((changes, object))
            })?;
            audit(request, "Delete application", &object)?;
            Ok(Reply::empty(204))
        }
        (_, [id, segment, ..]) => {
            let is_principal = shape.resource == Resource::ServicePrincipals;
            let is_there = request.tenant.state.read().object(shape.resource, id).is_some();
            let rest = rest.get(1..).unwrap_or_default();
            let related = if is_principal && is_there { membership::answer(request, id, rest) } else { None };
            related.unwrap_or_else(|| Err(GraphError::no_segment(segment)))
        }
        _ => Err(GraphError::method()),
    }
}

/// Whoever administers applications may change one, and so may its owners.
fn may_change(request: &Request<'_>, shape: &Shape, id: &str) -> Result<(), GraphError> {
    let roles = if owners::is_owner(request, shape, id) { &[] } else { WRITERS };
    request.caller.needs(WRITE, roles)
}

fn create_application(request: &Request<'_>) -> Result<Reply, GraphError> {
    request.caller.needs(WRITE, WRITERS)?;
    let mut app = request.object()?;
    properties::APPLICATION.check(&app)?;
    text(&app, "displayName").filter(|name| !name.is_empty()).ok_or_else(|| required("displayName"))?;
    let given = [
        ("id", json!(random::uuid()?)),
        ("appId", json!(random::uuid()?)),
        ("createdDateTime", json!(written(request.tenant.clock.now()))),
        ("signInAudience", app.get("signInAudience").cloned().unwrap_or_else(|| json!("AzureADMyOrg"))),
        ("passwordCredentials", json!([])),
        ("keyCredentials", app.get("keyCredentials").cloned().unwrap_or_else(|| json!([]))),
    ];
    app.extend(given.into_iter().map(|(name, value)| (name.to_owned(), value)));
    let put = vec![Change::Put(Resource::Applications, app.clone())];
    request.tenant.state.write(|_| Ok::<_, GraphError>((put, ())))?;
    audit(request, "Add application", &app)?;
    Ok(request.entity(201, ("applications", app)))
}

fn create_principal(request: &Request<'_>) -> Result<Reply, GraphError> {
    request.caller.needs(WRITE, WRITERS)?;
    let mut principal = request.object()?;
    properties::SERVICE_PRINCIPAL.check(&principal)?;
    let app_id = text(&principal, "appId").map(str::to_owned).ok_or_else(|| required("appId"))?;
    let id = random::uuid()?;
    let principal = request.tenant.state.write(|directory| -> Result<_, GraphError> {
        let is_it = |one: &&Object| text(one, "appId").is_some_and(|known| known.eq_ignore_ascii_case(&app_id));
        if directory.all(Resource::ServicePrincipals).any(|one| is_it(&one)) {
            return Err(GraphError::new(409, "Request_MultipleObjectsWithSameKeyValue", "The service principal cannot be created, updated, or restored because the service principal name is already in use."));
        }
        let app = directory.all(Resource::Applications).find(is_it);
        let app = app.ok_or_else(|| GraphError::bad_request(format!("The appId '{app_id}' of the service principal does not reference a valid application object.")))?;
        let given = [
            ("id", json!(id)),
            ("displayName", app.get("displayName").cloned().unwrap_or(Value::Null)),
            ("servicePrincipalType", json!("Application")),
            ("servicePrincipalNames", json!([app_id])),
            ("accountEnabled", json!(true)),
            ("appOwnerOrganizationId", json!(request.tenant.id())),
        ];
        principal.extend(given.into_iter().map(|(name, value)| (name.to_owned(), value)));
        Ok((vec![Change::Put(Resource::ServicePrincipals, principal.clone())], principal))
    })?;
    audit(request, "Add service principal", &principal)?;
    Ok(request.entity(201, ("servicePrincipals", principal)))
}

fn add_password(request: &Request<'_>, id: &str) -> Result<Reply, GraphError> {
    may_change(request, &APPLICATIONS, id)?;
    let body = if request.call.body.is_empty() { Object::new() } else { request.object()? };
    let given = body.get("passwordCredential").and_then(Value::as_object).cloned().unwrap_or_default();
    let now = request.tenant.clock.now();
    let usual = now.checked_add(jiff::SignedDuration::from_hours(24 * SECRET_DAYS)).unwrap_or(now);
    let until = text(&given, "endDateTime").and_then(|text| text.parse::<jiff::Timestamp>().ok()).unwrap_or(usual);
    let (key_id, secret) = (random::uuid()?, random::token()?);
    let hint: String = secret.chars().take(3).collect();
    let credential = json!({
        "customKeyIdentifier": Value::Null, "displayName": given.get("displayName"), "endDateTime": written(until),
        "hint": hint, "keyId": key_id, "secretText": Value::Null, "startDateTime": written(now),
    });
    let kept = Secret { owner: id.to_owned(), id: key_id, hashed: Hashed::of(&secret)?, until: Some(until) };
    let app = request.tenant.state.write(|directory| -> Result<_, GraphError> {
        let mut app = directory.object(Resource::Applications, id).cloned().ok_or_else(|| GraphError::not_found(id))?;
        match app.get_mut("passwordCredentials").and_then(Value::as_array_mut) {
            Some(list) => list.push(credential.clone()),
            None => drop(app.insert("passwordCredentials".to_owned(), json!([credential]))),
        }
        Ok((vec![Change::Put(Resource::Applications, app.clone()), Change::PutSecret(kept)], app))
    })?;
    audit(request, "Update application – Certificates and secrets management", &app)?;
    let mut shown = credential.as_object().cloned().unwrap_or_default();
    shown.insert("secretText".to_owned(), json!(secret));
    shown.insert("@odata.context".to_owned(), json!(request.context("microsoft.graph.passwordCredential")));
    Ok(Reply::json(200, Value::Object(shown)))
}

fn remove_password(request: &Request<'_>, id: &str) -> Result<Reply, GraphError> {
    may_change(request, &APPLICATIONS, id)?;
    let body = request.object()?;
    let key_id = text(&body, "keyId").ok_or_else(|| required("keyId"))?.to_owned();
    let app = request.tenant.state.write(|directory| -> Result<_, GraphError> {
        let mut app = directory.object(Resource::Applications, id).cloned().ok_or_else(|| GraphError::not_found(id))?;
        let list = app.get_mut("passwordCredentials").and_then(Value::as_array_mut);
        let list = list.ok_or_else(|| GraphError::not_found(&key_id))?;
        let before = list.len();
        list.retain(|known| known.get("keyId").and_then(Value::as_str) != Some(&key_id));
        if list.len() == before {
            return Err(GraphError::bad_request(format!("No password credential found with keyId '{key_id}'.")));
        }
        // The others stay: they are put back.
        let others = directory.secrets(id).iter().filter(|secret| secret.id != key_id).cloned();
        let mut changes = vec![Change::Put(Resource::Applications, app.clone()), Change::RemoveSecrets(id.to_owned())];
        changes.extend(others.map(Change::PutSecret));
        Ok((changes, app))
    })?;
    audit(request, "Update application – Certificates and secrets management", &app)?;
    Ok(Reply::empty(204))
}

fn audit(request: &Request<'_>, activity: &str, object: &Object) -> Result<(), GraphError> {
    let target = json!([{
        "id": text(object, "id"), "type": "Application", "displayName": text(object, "displayName"),
        "modifiedProperties": [],
    }]);
    request.audit(activity, "ApplicationManagement", target)
}

fn required(property: &str) -> GraphError {
    GraphError::bad_request(format!("A value is required for property '{property}'."))
}
