//! `/applications` and `/servicePrincipals`.

use breakglass_model::snapshot::Resource;
use serde_json::{Value, json};

use super::deleted::to_shelf;
use super::error::GraphError;
use super::list::{Shape, listed, shown};
use super::modified::modified;
use super::relations::{self, Form};
use super::shape::mend;
use super::{Request, membership, owners, properties};
use crate::call::Reply;
use crate::clock::written;
use crate::ids::roles::{APPLICATION_ADMINISTRATOR, CLOUD_APPLICATION_ADMINISTRATOR};
use crate::random;
use crate::state::{Change, Directory, Object, Secret, Shelf, text};

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
            update(request, shape, id)
        }
        ("DELETE", [id]) => {
            may_change(request, shape, id)?;
            let now = request.tenant.clock.now();
            let (object, of_app) = request.write(|directory| -> Result<_, GraphError> {
                let object = directory.object(shape.resource, id).cloned().ok_or_else(|| GraphError::not_found(id))?;
                let mut of_app = None;
                let changes = if shape.resource == Resource::Applications {
                    // Its secrets stay: it may be restored. Its service principal goes with it, and does not come back by
                    // itself.
                    let mut changes = to_shelf((shape.resource, Shelf::DeletedApplications), object.clone(), now);
                    let principal = directory.all(Resource::ServicePrincipals).find(|one| is_of_same_app(one, &object));
                    of_app = principal.cloned();
                    changes.extend(of_app.iter().flat_map(|one| to_shelf(PRINCIPALS_SHELF, one.clone(), now)));
                    changes
                } else {
                    to_shelf(PRINCIPALS_SHELF, object.clone(), now)
                };
                Ok((changes, (object, of_app)))
            })?;
            let activity =
                if shape.resource == Resource::Applications { "Delete application" } else { REMOVE_PRINCIPAL };
            audit(request, activity, &object)?;
            of_app.iter().try_for_each(|principal| audit(request, REMOVE_PRINCIPAL, principal))?;
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

fn update(request: &Request<'_>, shape: &Shape, id: &str) -> Result<Reply, GraphError> {
    let body = request.object()?;
    let properties = match shape.resource {
        Resource::Applications => &properties::APPLICATION,
        _ => &properties::SERVICE_PRINCIPAL,
    };
    properties.check(&body)?;
    check_addresses(&body)?;
    let (known, object) = request.write(|directory| -> Result<_, GraphError> {
        let known = directory.object(shape.resource, id).cloned().ok_or_else(|| GraphError::not_found(id))?;
        properties.check_change(&known, &body)?;
        if body.get("appId").is_some_and(|app_id| Some(app_id) != known.get("appId")) {
            return Err(GraphError::bad_request("Property 'appId' is read-only and cannot be set."));
        }
        check_passwords(&known, &body)?;
        let mut object = known.clone();
        object.extend(properties.writable(&body).into_iter().filter(|(name, _)| name != "passwordCredentials"));
        Ok((vec![Change::Put(shape.resource, object.clone())], (known, object)))
    })?;
    let told = target(&object, modified(&known, &object, shape.hidden));
    request.audit(&format!("Update {}", word(shape)), "ApplicationManagement", told)?;
    Ok(Reply::empty(204))
}

/// Refuses other secrets than those that are there: they are made and removed by actions.
fn check_passwords(known: &Object, body: &Object) -> Result<(), GraphError> {
    let ids = |of: &Object| -> Vec<String> {
        let listed = of.get("passwordCredentials").and_then(Value::as_array).into_iter().flatten();
        let mut ids: Vec<String> =
            listed.map(|one| one.get("keyId").and_then(Value::as_str).unwrap_or_default().to_lowercase()).collect();
        ids.sort_unstable();
        ids
    };
    if body.contains_key("passwordCredentials") && ids(body) != ids(known) {
        return Err(GraphError::bad_request("New password credentials must be generated with service actions."));
    }
    Ok(())
}

/// Where service principals are, and where they are when they are deleted.
const PRINCIPALS_SHELF: (Resource, Shelf) = (Resource::ServicePrincipals, Shelf::DeletedServicePrincipals);

/// What the audit calls the end of a service principal.
const REMOVE_PRINCIPAL: &str = "Remove service principal";

const fn word(shape: &Shape) -> &'static str {
    match shape.resource {
        Resource::Applications => "application",
        _ => "service principal",
    }
}

/// Whether a service principal stands for an application.
fn is_of_same_app(principal: &Object, app: &Object) -> bool {
    let of = |object| text(object, "appId").map(str::to_ascii_lowercase);
    of(principal).is_some() && of(principal) == of(app)
}

/// Refuses a second service principal of an application.
pub(super) fn is_first_of_its_app(directory: &Directory, app_id: &str) -> Result<(), GraphError> {
    let is_it = |one: &Object| text(one, "appId").is_some_and(|known| known.eq_ignore_ascii_case(app_id));
    if directory.all(Resource::ServicePrincipals).any(is_it) {
        let message = "The service principal cannot be created, updated, or restored because the service principal \
                       name is already in use.";
        return Err(GraphError::new(409, "Request_MultipleObjectsWithSameKeyValue", message));
    }
    Ok(())
}

/// Whoever administers applications may change one, and so may its owners.
fn may_change(request: &Request<'_>, shape: &Shape, id: &str) -> Result<(), GraphError> {
    let roles = if owners::is_owner(request, shape, id) { &[] } else { WRITERS };
    request.caller.needs(WRITE, roles)
}

fn create_application(request: &Request<'_>) -> Result<Reply, GraphError> {
    request.caller.needs(WRITE, WRITERS)?;
    let mut app = request.object()?;
    properties::APPLICATION.check_new(&app)?;
    check_passwords(&Object::new(), &app)?;
    check_addresses(&app)?;
    text(&app, "displayName").ok_or_else(|| required("displayName"))?;
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
    request.write(|_| Ok::<_, GraphError>((put, ())))?;
    audit_new(request, ("Add application", &APPLICATIONS), &app)?;
    mend(Resource::Applications, request.version, &mut app);
    Ok(request.entity(201, ("applications", app)))
}

fn create_principal(request: &Request<'_>) -> Result<Reply, GraphError> {
    request.caller.needs(WRITE, WRITERS)?;
    let mut principal = request.object()?;
    properties::SERVICE_PRINCIPAL.check_new(&principal)?;
    let app_id = text(&principal, "appId").map(str::to_owned).ok_or_else(|| required("appId"))?;
    let id = random::uuid()?;
    let principal = request.write(|directory| -> Result<_, GraphError> {
        let is_it = |one: &&Object| text(one, "appId").is_some_and(|known| known.eq_ignore_ascii_case(&app_id));
        is_first_of_its_app(directory, &app_id)?;
        let app = directory.all(Resource::Applications).find(is_it);
        let app = app.ok_or_else(|| {
            GraphError::bad_request(format!(
                "The appId '{app_id}' of the service principal does not reference a valid application object."
            ))
        })?;
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
    audit_new(request, ("Add service principal", &SERVICE_PRINCIPALS), &principal)?;
    Ok(request.entity(201, ("servicePrincipals", principal)))
}

/// Whether the addresses that a body names are such that answers may be sent there.
///
/// **Source:** "Redirect URI restrictions": HTTPS, or HTTP on this machine; other schemes for programs on devices alone; no
/// fragment.
fn check_addresses(body: &Object) -> Result<(), GraphError> {
    for list in ["web", "spa", "publicClient"] {
        let listed = body.get(list).and_then(|list| list.get("redirectUris")).and_then(Value::as_array);
        for address in listed.into_iter().flatten().filter_map(Value::as_str) {
            let (scheme, rest) = address.split_once(':').unwrap_or_default();
            let host = rest.trim_start_matches("//").split(['/', '?']).next().unwrap_or_default();
            let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
            let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
            let is_own = list == "publicClient"
                && !scheme.is_empty()
                && scheme.bytes().all(is_name)
                && !matches!(scheme, "javascript" | "data" | "vbscript" | "http" | "file");
            let is_good = match scheme {
                "https" => rest.starts_with("//") && !host.is_empty(),
                "http" => rest.starts_with("//") && matches!(host, "localhost" | "127.0.0.1"),
                _ => is_own,
            };
            if !is_good || address.contains(['#', ' ', '\\']) || address.len() > ADDRESS_BYTES_MAX {
                let shown: String = address.chars().take(100).collect();
                return Err(GraphError::bad_request(format!(
                    "The redirect URI '{shown}' of `{list}` is not valid: it has to begin with https, or with \
                     http://localhost, and have no fragment."
                )));
            }
        }
    }
    Ok(())
}

/// Bytes of the longest redirect address.
const ADDRESS_BYTES_MAX: usize = 256;

/// An instant that a body names; `None` if it does not.
fn instant(body: &Object, name: &str) -> Result<Option<jiff::Timestamp>, GraphError> {
    let given = body.get(name).filter(|given| !given.is_null());
    let read = |given: &Value| given.as_str().and_then(|text| text.parse().ok());
    given
        .map(|given| read(given).ok_or_else(|| GraphError::bad_request(format!("The `{name}` is no instant."))))
        .transpose()
}

fn add_password(request: &Request<'_>, id: &str) -> Result<Reply, GraphError> {
    may_change(request, &APPLICATIONS, id)?;
    let body = if request.call.body.is_empty() { Object::new() } else { request.object()? };
    let given = body.get("passwordCredential").and_then(Value::as_object).cloned().unwrap_or_default();
    let now = request.tenant.clock.now();
    let usual = now.checked_add(jiff::SignedDuration::from_hours(24 * SECRET_DAYS)).unwrap_or(now);
    let from = instant(&given, "startDateTime")?.unwrap_or(now);
    let until = instant(&given, "endDateTime")?.unwrap_or(usual);
    if until <= from.max(now) {
        return Err(GraphError::bad_request("The `endDateTime` has to be after the `startDateTime`, and to come."));
    }
    let (key_id, secret) = (random::uuid()?, random::token()?);
    let hint: String = secret.chars().take(3).collect();
    let credential = json!({
        "customKeyIdentifier": Value::Null, "displayName": given.get("displayName"), "endDateTime": written(until),
        "hint": hint, "keyId": key_id, "secretText": Value::Null, "startDateTime": written(from),
    });
    let kept = Secret { owner: id.to_owned(), id: key_id, hashed: request.tenant.hashed(&secret)?, until: Some(until) };
    let app = request.write(|directory| -> Result<_, GraphError> {
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
    let app = request.write(|directory| -> Result<_, GraphError> {
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
    request.audit(activity, "ApplicationManagement", target(object, Vec::new()))
}

fn audit_new(request: &Request<'_>, (activity, shape): (&str, &Shape), object: &Object) -> Result<(), GraphError> {
    let told = target(object, modified(&Object::new(), object, shape.hidden));
    request.audit(activity, "ApplicationManagement", told)
}

fn target(object: &Object, modified: Vec<Value>) -> Value {
    json!([{
        "id": text(object, "id"), "type": "Application", "displayName": text(object, "displayName"),
        "modifiedProperties": modified,
    }])
}

fn required(property: &str) -> GraphError {
    GraphError::bad_request(format!("A value is required for property '{property}'."))
}
