//! `/users/{id}/authentication`: the methods with which a user signs in.
//!
//! **Invariant:** no answer has a secret, but the one that creates a temporary access pass.
//! **Source:** the authentication methods reference; the shape of each method is that of its type.

use breakglass_model::snapshot::Resource;
use breakglass_model::well_known::PRIVILEGED_AUTHENTICATION_ADMINISTRATOR;
use serde_json::{Value, json};

use super::error::GraphError;
use super::list::{expanded, page_of};
use super::{Request, fido2, passes, password_reset, per_user_mfa};
use crate::call::Reply;
use crate::clock::written;
use crate::ids::roles::{AUTHENTICATION_ADMINISTRATOR, GLOBAL_READER};
use crate::random;
use crate::secret::Hashed;
use crate::sign_in::first_factor::{PASS_MULTI_USE, PASS_ONE_TIME};
use crate::sign_in::passkeys;
use crate::state::{Change, Object, Secret, text};
use crate::totp::Base32;

pub(super) const READ: [&str; 2] = ["UserAuthenticationMethod.Read.All", "UserAuthenticationMethod.ReadWrite.All"];
pub(super) const WRITE: [&str; 1] = ["UserAuthenticationMethod.ReadWrite.All"];
/// Methods of one page.
const PAGE_COUNT: usize = 100;
/// Ids of phones: of each kind a user has one.
const PHONES: [(&str, &str); 3] = [
    ("mobile", "3179e48a-750b-4051-897c-87b9720928f7"),
    ("alternateMobile", "b6332ec1-7057-4abe-9331-3d72feddfe41"),
    ("office", "e37fc753-ff3b-4958-9484-eaa9425c82bc"),
];

/// The collection of each type.
const COLLECTIONS: [(&str, &str); 7] = [
    ("passwordMethods", "#microsoft.graph.passwordAuthenticationMethod"),
    ("phoneMethods", "#microsoft.graph.phoneAuthenticationMethod"),
    ("softwareOathMethods", "#microsoft.graph.softwareOathAuthenticationMethod"),
    ("microsoftAuthenticatorMethods", "#microsoft.graph.microsoftAuthenticatorAuthenticationMethod"),
    ("fido2Methods", "#microsoft.graph.fido2AuthenticationMethod"),
    ("temporaryAccessPassMethods", passes::ODATA_TYPE),
    ("emailMethods", "#microsoft.graph.emailAuthenticationMethod"),
];

/// Answers a request below the `authentication` of a user.
pub(super) fn answer(request: &Request<'_>, user: &str, rest: &[&str]) -> Result<Reply, GraphError> {
    let [collection, rest @ ..] = rest else { return Err(GraphError::no_segment("authentication")) };
    if *collection == "fido2Methods"
        && let Some(reply) = fido2::answer(request, user, rest)
    {
        return reply;
    }
    match (request.call.method.as_str(), *collection, rest) {
        (_, "requirements", []) if request.version == "beta" => return per_user_mfa::answer(request, user),
        ("GET", "operations", [id]) => return password_reset::operation(request, user, id),
        ("POST", "methods" | "passwordMethods", [id, "resetPassword" | "microsoft.graph.resetPassword"]) => {
            return password_reset::reset(request, user, id);
        }
        _ => {}
    }
    let odata_type = match (*collection, COLLECTIONS.iter().find(|(name, _)| name == collection)) {
        ("methods", _) => None,
        (_, Some((_, odata_type))) => Some(*odata_type),
        (other, None) => return Err(GraphError::no_segment(other)),
    };
    let roles = [AUTHENTICATION_ADMINISTRATOR, PRIVILEGED_AUTHENTICATION_ADMINISTRATOR];
    let is_own = request.caller.is_user && request.caller.id.eq_ignore_ascii_case(user);
    let is_read = request.call.method == "GET";
    let permissions: &[&str] = if is_read { &READ } else { &WRITE };
    if is_read {
        let readers = [AUTHENTICATION_ADMINISTRATOR, PRIVILEGED_AUTHENTICATION_ADMINISTRATOR, GLOBAL_READER];
        request.caller.needs(permissions, if is_own { &[] } else { &readers })?;
    } else {
        request.needs_over(user, permissions, &roles)?;
        super::users::protected(request, user)?;
    }
    let context = format!("users('{user}')/authentication/{collection}");
    match (request.call.method.as_str(), rest) {
        ("GET", []) => {
            let shown = methods(request, user, odata_type)?;
            page_of(request, (&context, PAGE_COUNT), shown)
        }
        ("GET", [id]) => {
            let mut known = methods(request, user, odata_type)?.into_iter();
            let method = known.find(|method| text(method, "id").is_some_and(|known| known.eq_ignore_ascii_case(id)));
            let method = method.ok_or_else(|| GraphError::not_found(id))?;
            Ok(request.entity(200, (&context, expanded(request, (&context, &[]), &method)?)))
        }
        ("POST", []) => create(request, user, (odata_type.unwrap_or_default(), &context)),
        ("PATCH", [id]) if *collection == "phoneMethods" => change_phone(request, user, id),
        ("DELETE", [id]) => delete(request, user, (odata_type, id)),
        (_, [_, segment, ..]) => Err(GraphError::no_segment(segment)),
        _ => Err(GraphError::method()),
    }
}

pub(super) fn user_of(request: &Request<'_>, user: &str) -> Result<Object, GraphError> {
    let directory = request.tenant.state.read();
    directory.object(Resource::Users, user).cloned().ok_or_else(|| GraphError::not_found(user))
}

fn methods(request: &Request<'_>, user: &str, odata_type: Option<&str>) -> Result<Vec<Object>, GraphError> {
    let directory = request.tenant.state.read();
    let user = directory.object(Resource::Users, user).ok_or_else(|| GraphError::not_found(user))?;
    let listed = user.get("authenticationMethods").and_then(Value::as_array).into_iter().flatten();
    let listed = listed.filter_map(Value::as_object);
    let wanted = listed.filter(|method| odata_type.is_none_or(|wanted| text(method, "@odata.type") == Some(wanted)));
    let mut wanted: Vec<Object> = wanted.cloned().collect();
    let now = request.tenant.clock.now();
    wanted.iter_mut().for_each(|method| passes::tell_state(&directory, user, (method, now)));
    Ok(wanted)
}

/// A method, as it is kept, with the secret that it is checked with and what only this answer shows.
pub(super) type Made = (Object, Option<Secret>, Vec<(&'static str, Value)>);

fn create(request: &Request<'_>, user: &str, (odata_type, context): (&str, &str)) -> Result<Reply, GraphError> {
    let body = request.object()?;
    let made: Made = match odata_type {
        passes::ODATA_TYPE => passes::made(request, user, &body)?,
        "#microsoft.graph.phoneAuthenticationMethod" => phone(&body)?,
        "#microsoft.graph.softwareOathAuthenticationMethod" => authenticator(user, &body)?,
        _ => return Err(GraphError::bad_request("Methods of this type are registered by the user, not by a request.")),
    };
    let (mut method, secret, shown) = made;
    method.insert("@odata.type".to_owned(), json!(odata_type));
    method.insert("createdDateTime".to_owned(), json!(written(request.tenant.clock.now())));
    let id = text(&method, "id").unwrap_or_default().to_owned();
    let is_pass = odata_type == passes::ODATA_TYPE;
    let kept = method.clone();
    request.write(|directory| -> Result<_, GraphError> {
        let mut changed =
            directory.object(Resource::Users, user).cloned().ok_or_else(|| GraphError::not_found(user))?;
        let list = changed.entry("authenticationMethods").or_insert_with(|| json!([]));
        let list =
            list.as_array_mut().ok_or_else(|| GraphError::bad_request("The methods of the user are no list."))?;
        let says = |one: &Value, name: &str| one.get(name).and_then(Value::as_str).map(str::to_owned);
        let mut changes = Vec::new();
        if is_pass {
            // A user has one pass; a new one takes its place.
            list.retain(|one| says(one, "@odata.type").as_deref() != Some(odata_type));
            let old = directory.secrets(user).iter().map(|secret| secret.id.clone());
            let old = old.filter(|id| id.starts_with(PASS_ONE_TIME) || id.starts_with(PASS_MULTI_USE));
            changes.extend(old.map(|id| Change::RemoveSecret(user.to_owned(), id)));
        } else if list.iter().any(|one| says(one, "id").as_deref() == Some(id.as_str())) {
            return Err(GraphError::bad_request("The user has a method of this kind already."));
        }
        list.push(Value::Object(kept));
        changes.push(Change::Put(Resource::Users, changed));
        changes.extend(secret.map(Change::PutSecret));
        Ok((changes, ()))
    })?;
    audit(request, user, "Admin registered security info")?;
    let directory = request.tenant.state.read();
    if let Some(user) = directory.object(Resource::Users, user) {
        passes::tell_state(&directory, user, (&mut method, request.tenant.clock.now()));
    }
    drop(directory);
    method.extend(shown.into_iter().map(|(name, value)| (name.to_owned(), value)));
    Ok(request.entity(201, (context, method)))
}

fn phone(body: &Object) -> Result<Made, GraphError> {
    let kind = text(body, "phoneType").and_then(|kind| PHONES.iter().find(|(known, _)| *known == kind));
    let (kind, id) =
        kind.ok_or_else(|| GraphError::bad_request("phoneType is `mobile`, `alternateMobile` or `office`."))?;
    let number = number_of(body)?;
    let method = json!({ "id": id, "phoneType": kind, "phoneNumber": number, "smsSignInState": "notAllowedByPolicy" });
    Ok((method.as_object().cloned().unwrap_or_default(), None, Vec::new()))
}

fn number_of(body: &Object) -> Result<&str, GraphError> {
    let number = text(body, "phoneNumber").unwrap_or_default();
    let is_number =
        number.starts_with('+') && number.len() <= 40 && number.bytes().filter(u8::is_ascii_digit).count() >= 7;
    let why = || GraphError::bad_request("phoneNumber is a number with its country code, as in `+1 2065551212`.");
    is_number.then_some(number).ok_or_else(why)
}

/// Gives a phone another number. What kind of phone it is does not change.
///
/// **Source:** "Update phoneAuthenticationMethod": 204; nobody does it to oneself.
fn change_phone(request: &Request<'_>, user: &str, id: &str) -> Result<Reply, GraphError> {
    let body = request.object()?;
    let known = PHONES.iter().find(|(_, known)| known.eq_ignore_ascii_case(id));
    let (kind, id) = *known.ok_or_else(|| GraphError::not_found(id))?;
    let is_known = |name: &str| name.contains('@') || matches!(name, "id" | "phoneNumber" | "phoneType");
    if let Some(other) = body.keys().find(|name| !is_known(name)) {
        let name: String = other.chars().take(100).collect();
        return Err(GraphError::bad_request(format!("Of a phone the number is changed, not '{name}'.")));
    }
    if body.get("phoneType").is_some_and(|given| given != kind) {
        return Err(GraphError::bad_request("The phoneType of a phone is not changed: add one and delete the other."));
    }
    let number = body.contains_key("phoneNumber").then(|| number_of(&body)).transpose()?;
    request.write(|directory| -> Result<_, GraphError> {
        let mut changed =
            directory.object(Resource::Users, user).cloned().ok_or_else(|| GraphError::not_found(user))?;
        let listed = changed.get_mut("authenticationMethods").and_then(Value::as_array_mut).into_iter().flatten();
        let mut phones = listed.filter_map(Value::as_object_mut);
        let phone = phones.find(|one| text(one, "id") == Some(id)).ok_or_else(|| GraphError::not_found(id))?;
        phone.extend(number.map(|number| ("phoneNumber".to_owned(), json!(number))));
        Ok((vec![Change::Put(Resource::Users, changed)], ()))
    })?;
    audit(request, user, "Admin updated security info")?;
    Ok(Reply::empty(204))
}

fn authenticator(user: &str, body: &Object) -> Result<Made, GraphError> {
    let key = text(body, "secretKey").and_then(Base32::read);
    let key = key.ok_or_else(|| GraphError::bad_request("secretKey is a key in base 32, of 10 to 128 bytes."))?;
    let id = random::uuid()?;
    let secret = Secret { owner: user.to_owned(), id: id.clone(), hashed: Hashed::of_authenticator(&key), until: None };
    let method = json!({ "id": id, "secretKey": Value::Null });
    Ok((method.as_object().cloned().unwrap_or_default(), Some(secret), Vec::new()))
}

fn delete(request: &Request<'_>, user: &str, (odata_type, id): (Option<&str>, &str)) -> Result<Reply, GraphError> {
    if !methods(request, user, odata_type)?.iter().any(|method| text(method, "id") == Some(id)) {
        return Err(GraphError::not_found(id));
    }
    if odata_type.is_none_or(|odata_type| odata_type.contains("password")) {
        return Err(GraphError::bad_request(
            "The password of a user is changed, not deleted; other methods are deleted in the collection of their type.",
        ));
    }
    request.write(|directory| -> Result<_, GraphError> {
        let mut changed =
            directory.object(Resource::Users, user).cloned().ok_or_else(|| GraphError::not_found(user))?;
        if let Some(list) = changed.get_mut("authenticationMethods").and_then(Value::as_array_mut) {
            list.retain(|one| one.get("id").and_then(Value::as_str) != Some(id));
        }
        let gone = ["", PASS_ONE_TIME, PASS_MULTI_USE].map(|kind| format!("{kind}{id}"));
        let secrets = gone.into_iter().map(|id| Change::RemoveSecret(user.to_owned(), id));
        let keys = passkeys::forgotten(directory, (user, id));
        Ok((secrets.chain(keys).chain([Change::Put(Resource::Users, changed)]).collect(), ()))
    })?;
    audit(request, user, "Admin deleted security info")?;
    Ok(Reply::empty(204))
}

pub(super) fn audit(request: &Request<'_>, user: &str, activity: &str) -> Result<(), GraphError> {
    let upn = user_of(request, user)?.get("userPrincipalName").cloned();
    let target = json!([{ "id": user, "type": "User", "userPrincipalName": upn, "modifiedProperties": [] }]);
    request.audit(activity, "UserManagement", target)
}
