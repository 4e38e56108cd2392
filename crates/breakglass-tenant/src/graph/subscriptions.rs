//! `/subscriptions`: who wants to be told that a user or a group was changed.
//!
//! Notifications go to this machine alone, over HTTPS with a certificate that the tenant's own authority vouches for, or,
//! as Graph would not, over HTTP.
//!
//! **Limits:** those of Graph: [`MINUTES_MAX`], [`CLIENT_STATE_CHARS_MAX`], [`COUNT_MAX`], [`APPLICATION_COUNT_MAX`].
//! **Source:** "subscription resource type", "Create subscription", "List subscriptions" and "Receive change notifications
//! through webhooks". That `created` is refused for users and groups, and the codes of errors, are
//! what its users report.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::Request;
use super::error::GraphError;
use super::list::page_of;
use super::schedules::object;
use crate::call::Reply;
use crate::outgoing::Address;
use crate::random;
use crate::state::{Change, Directory, Object, Shelf, text};
use crate::subscriptions::{is_over, validated};

/// Minutes for which a subscription to users or groups lasts at most.
const MINUTES_MAX: i64 = 41_760;
/// Characters of `clientState`.
const CLIENT_STATE_CHARS_MAX: usize = 128;
/// Subscriptions in the tenant.
const COUNT_MAX: usize = 1_000;
/// Subscriptions of one application.
const APPLICATION_COUNT_MAX: usize = 100;
/// What may be in a request that makes one.
const GIVEN: [&str; 7] = [
    "changeType",
    "clientState",
    "expirationDateTime",
    "includeResourceData",
    "latestSupportedTlsVersion",
    "notificationUrl",
    "resource",
];

const USERS: &[&str] = &["User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];
const GROUPS: &[&str] = &["Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];

/// Answers a request below `/subscriptions`.
pub(super) fn answer(request: &Request<'_>, rest: &[&str]) -> Result<Reply, GraphError> {
    match (request.call.method.as_str(), rest) {
        ("GET", []) => {
            let now = request.tenant.clock.now();
            let directory = request.tenant.state.read();
            let all = directory.all_shelved(Shelf::Subscriptions).map(|(_, one)| one);
            let own = all.filter(|one| is_own(request, one) && !is_over(one, now));
            let own: Vec<Object> = own.filter(|one| may(request, one).is_ok()).map(without_state).collect();
            drop(directory);
            page_of(request, ("subscriptions", 100), own)
        }
        ("POST", []) => create(request),
        ("GET", [id]) => {
            let found = find(request, &request.tenant.state.read(), id)?;
            Ok(request.entity(200, ("subscriptions", without_state(&found))))
        }
        ("PATCH", [id]) => update(request, id),
        ("DELETE", [id]) => {
            request.write(|directory| -> Result<_, GraphError> {
                find(request, directory, id)?;
                let of = |notice: &Object| text(notice, "subscriptionId") == Some(&id.to_ascii_lowercase());
                let waiting = directory.all_shelved(Shelf::ChangeNotifications).filter(|(_, notice)| of(notice));
                let waiting = waiting.map(|(name, _)| Change::Unshelve(Shelf::ChangeNotifications, name.to_owned()));
                let gone = Change::Unshelve(Shelf::Subscriptions, (*id).to_owned());
                Ok((waiting.chain([gone]).collect(), ()))
            })?;
            Ok(Reply::empty(204))
        }
        (_, [_, segment, ..]) => Err(GraphError::no_segment(segment)),
        _ => Err(GraphError::method()),
    }
}

/// Whether the caller made it: the same application, and the same user if there is one.
fn is_own(request: &Request<'_>, subscription: &Object) -> bool {
    let is = |name: &str, own: &str| text(subscription, name).is_some_and(|known| known.eq_ignore_ascii_case(own));
    is("applicationId", &request.caller.app_id) && (!request.caller.is_user || is("creatorId", &request.caller.id))
}

/// A subscription of the caller's own that is not over.
fn find(request: &Request<'_>, directory: &Directory, id: &str) -> Result<Object, GraphError> {
    let now = request.tenant.clock.now();
    let found = directory.shelved(Shelf::Subscriptions, id);
    let found = found.filter(|one| is_own(request, one) && !is_over(one, now));
    let found = found.ok_or_else(|| {
        let id: String = id.chars().take(100).collect();
        GraphError::new(404, "ResourceNotFound", format!("The object was not found: there is no subscription '{id}'."))
    })?;
    may(request, found)?;
    Ok(found.clone())
}

/// Only who may read what a subscription is about has it.
fn may(request: &Request<'_>, subscription: &Object) -> Result<(), GraphError> {
    let resource = text(subscription, "resource").unwrap_or_default().trim_matches('/').to_ascii_lowercase();
    request.caller.needs(if resource.starts_with("groups") { GROUPS } else { USERS }, &[])
}

/// What only the answer that makes one shows is what proves that a notification is of the tenant.
fn without_state(subscription: &Object) -> Object {
    let mut shown = subscription.clone();
    shown.insert("clientState".to_owned(), Value::Null);
    shown
}

fn create(request: &Request<'_>) -> Result<Reply, GraphError> {
    let body = request.object()?;
    check_names(&body, &GIVEN)?;
    let required = |name: &str| {
        let found = text(&body, name).filter(|text| !text.trim().is_empty()).map(str::to_owned);
        found.ok_or_else(|| invalid(format!("'{name}' is a required property for subscription creation.")))
    };
    let change_type = change_type(&required("changeType")?)?;
    let resource = required("resource")?;
    check_resource(request, &resource)?;
    let until = expiration(request, &required("expirationDateTime")?)?;
    let client_state = match body.get("clientState") {
        None | Some(Value::Null) => None,
        Some(state) => {
            Some(state.as_str().filter(|state| state.chars().count() <= CLIENT_STATE_CHARS_MAX).ok_or_else(|| {
                invalid(format!("'clientState' is a text of at most {CLIENT_STATE_CHARS_MAX} characters."))
            })?)
        }
    };
    if !matches!(text(&body, "latestSupportedTlsVersion").unwrap_or("v1_2"), "v1_2" | "v1_3") {
        return Err(invalid("'latestSupportedTlsVersion' is 'v1_2' or 'v1_3'."));
    }
    if !matches!(body.get("includeResourceData"), None | Some(Value::Null | Value::Bool(false))) {
        return Err(invalid("'includeResourceData' is not supported for users and groups."));
    }
    let url = required("notificationUrl")?;
    let address = address(request, &url)?;
    has_place(request, &request.tenant.state.read())?;
    // Nothing is locked while somebody else is asked.
    validate(request, &address)?;
    let made = object(json!({
        "id": random::uuid()?, "resource": resource, "applicationId": request.caller.app_id,
        "changeType": change_type, "clientState": client_state, "notificationUrl": url,
        "notificationQueryOptions": Value::Null, "lifecycleNotificationUrl": Value::Null,
        "expirationDateTime": until, "creatorId": request.caller.id, "includeResourceData": Value::Null,
        "latestSupportedTlsVersion": text(&body, "latestSupportedTlsVersion").unwrap_or("v1_2"),
        "encryptionCertificate": Value::Null, "encryptionCertificateId": Value::Null,
        "notificationUrlAppId": Value::Null,
    }));
    request.write(|directory| -> Result<_, GraphError> {
        has_place(request, directory)?;
        Ok((vec![Change::shelve(Shelf::Subscriptions, made.clone())], ()))
    })?;
    Ok(request.entity(201, ("subscriptions", made)))
}

fn update(request: &Request<'_>, id: &str) -> Result<Reply, GraphError> {
    let body = request.object()?;
    check_names(&body, &["expirationDateTime", "notificationUrl"])?;
    find(request, &request.tenant.state.read(), id)?;
    let given = |name: &str| match body.get(name) {
        None => Ok(None),
        Some(value) => value.as_str().map(Some).ok_or_else(|| invalid(format!("'{name}' is a text."))),
    };
    let until = given("expirationDateTime")?.map(|until| expiration(request, until)).transpose()?;
    let url = given("notificationUrl")?;
    if until.is_none() && url.is_none() {
        return Err(invalid("A subscription is updated with 'expirationDateTime', 'notificationUrl' or both."));
    }
    if let Some(url) = url {
        validate(request, &address(request, url)?)?;
    }
    let made = request.write(|directory| -> Result<_, GraphError> {
        let mut made = find(request, directory, id)?;
        for (name, value) in [("expirationDateTime", until.as_deref()), ("notificationUrl", url)] {
            if let Some(value) = value {
                made.insert(name.to_owned(), json!(value));
            }
        }
        Ok((vec![Change::shelve(Shelf::Subscriptions, made.clone())], made))
    })?;
    Ok(request.entity(200, ("subscriptions", without_state(&made))))
}

/// Refuses what is not understood, and so would not be done.
fn check_names(body: &Object, known: &[&str]) -> Result<(), GraphError> {
    let mut others = body.keys().filter(|name| !name.starts_with('@') && !known.contains(&name.as_str()));
    match others.next().map(String::as_str) {
        None => Ok(()),
        Some("lifecycleNotificationUrl") => {
            let message = "Lifecycle notifications are not sent here; leave 'lifecycleNotificationUrl' out.";
            Err(GraphError::new(501, "NotImplemented", message))
        }
        Some(other) => {
            let other: String = other.chars().take(100).collect();
            Err(invalid(format!("The property '{other}' cannot be given.")))
        }
    }
}

fn change_type(given: &str) -> Result<String, GraphError> {
    let types: Vec<&str> = given.split(',').map(str::trim).collect();
    match types.iter().find(|known| !matches!(**known, "updated" | "deleted")) {
        None => Ok(types.join(",")),
        Some(other) => {
            let other: String = other.chars().take(100).collect();
            Err(invalid(format!("Invalid 'changeType' attribute: '{other}'.")))
        }
    }
}

/// `users`, `groups`, or one of these by its id.
fn check_resource(request: &Request<'_>, resource: &str) -> Result<(), GraphError> {
    use breakglass_model::snapshot::Resource;
    let unknown = || {
        let resource: String = resource.chars().take(100).collect();
        invalid(format!(
            "Resource '{resource}' is not one that is notified of here: 'users', 'groups', or one by its id."
        ))
    };
    let parts: Vec<&str> = resource.trim_matches('/').split('/').collect();
    let list = match parts.first().map(|list| list.to_ascii_lowercase()).as_deref() {
        Some("users") => Resource::Users,
        Some("groups") => Resource::Groups,
        _ => return Err(unknown()),
    };
    request.caller.needs(if list == Resource::Users { USERS } else { GROUPS }, &[])?;
    match parts.as_slice() {
        [_] => Ok(()),
        [_, id] => {
            let is_there = request.tenant.state.read().object(list, id).is_some();
            if is_there { Ok(()) } else { Err(GraphError::not_found(id)) }
        }
        _ => Err(unknown()),
    }
}

/// When a subscription ends, as it is kept.
fn expiration(request: &Request<'_>, given: &str) -> Result<String, GraphError> {
    let until: Timestamp =
        given.parse().map_err(|_| invalid("'expirationDateTime' is no date and time with its zone."))?;
    let now = request.tenant.clock.now();
    if until <= now {
        return Err(invalid("'expirationDateTime' is in the past."));
    }
    if until.duration_since(now) > SignedDuration::from_mins(MINUTES_MAX) {
        let message = format!("Subscription expiration can only be {MINUTES_MAX} minutes in the future.");
        return Err(GraphError::new(400, "ExtensionError", message));
    }
    Ok(until.strftime("%Y-%m-%dT%H:%M:%S%.fZ").to_string())
}

/// Where notifications go. Whoever comes from another machine is no reason to ask anything of this one.
fn address(request: &Request<'_>, url: &str) -> Result<Address, GraphError> {
    if Address::read(&request.tenant.addresses.base).is_none() {
        let message = "A tenant that is reached from other machines notifies nobody.";
        return Err(GraphError::new(501, "NotImplemented", message));
    }
    Address::read(url).ok_or_else(|| {
        invalid("'notificationUrl' is no address at which this tenant notifies anybody: it has to be on this machine, as 'https://127.0.0.1:9443/hook'.")
    })
}

fn validate(request: &Request<'_>, address: &Address) -> Result<(), GraphError> {
    validated(request.tenant, address).map_err(|error| {
        GraphError::new(400, "ValidationError", format!("Subscription validation request failed. {error}"))
    })
}

/// Refuses one more where there are as many as there can be.
fn has_place(request: &Request<'_>, directory: &Directory) -> Result<(), GraphError> {
    let now = request.tenant.clock.now();
    let all = || directory.all_shelved(Shelf::Subscriptions).map(|(_, one)| one).filter(|one| !is_over(one, now));
    let is_own = |one: &&Object| {
        text(one, "applicationId").is_some_and(|known| known.eq_ignore_ascii_case(&request.caller.app_id))
    };
    let reached = if all().count() >= COUNT_MAX {
        Some(("tenant", COUNT_MAX))
    } else {
        (all().filter(is_own).count() >= APPLICATION_COUNT_MAX).then_some(("application", APPLICATION_COUNT_MAX))
    };
    match reached {
        None => Ok(()),
        Some((whose, count)) => {
            let message = format!("The {whose} has {count} subscriptions, and that is as many as there can be.");
            Err(GraphError::new(403, "ExtensionError", message))
        }
    }
}

fn invalid(message: impl Into<String>) -> GraphError {
    GraphError::new(400, "InvalidRequest", message)
}
