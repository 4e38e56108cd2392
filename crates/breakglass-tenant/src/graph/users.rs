//! `/users` and `/me`.

use breakglass_model::snapshot::Resource;
use breakglass_model::well_known::PRIVILEGED_AUTHENTICATION_ADMINISTRATOR;
use serde_json::{Value, json};

use super::error::GraphError;
use super::groups::{is_owned_by, is_role_assignable};
use super::list::{Shape, listed, selected};
use super::modified::modified;
use super::password_reset::PASSWORD_METHOD;
use super::roles::leaves_another_administrator;
use super::scoped::is_restricted;
use super::{Request, delta, properties};
use crate::call::Reply;
use crate::clock::written;
use crate::ids::roles::{HELPDESK_ADMINISTRATOR, USER_ADMINISTRATOR};
use crate::random;
use crate::secret::is_acceptable;
use crate::sign_in::{groups_of, roles_at, roles_of};
use crate::state::{Change, Object, PASSWORD, Secret, text};

/// What an answer has of a user unless it is asked otherwise.
const DEFAULT_PROPERTIES: &[&str] = &[
    "businessPhones",
    "displayName",
    "givenName",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
    "id",
];
/// Properties that no answer ever has.
pub(super) const HIDDEN: &[&str] = &["passwordProfile", "authenticationMethods", "password"];

pub(super) const SHAPE: Shape = Shape {
    resource: Resource::Users,
    context: "users",
    default_properties: DEFAULT_PROPERTIES,
    hidden: HIDDEN,
    count_default: 100,
    count_max: 999,
};

/// Answers a request below `/users`.
pub(super) fn answer(request: &Request<'_>, rest: &[&str]) -> Result<Reply, GraphError> {
    match (request.call.method.as_str(), rest) {
        ("GET", []) => {
            request.caller.needs(
                &[
                    "User.Read.All",
                    "User.ReadWrite.All",
                    "Directory.Read.All",
                    "Directory.ReadWrite.All",
                    "User.ReadBasic.All",
                ],
                &[],
            )?;
            listed(request, &SHAPE)
        }
        ("POST", []) => create(request),
        ("GET", [segment]) if delta::is_asked(segment) => delta::answer(request, &delta::USERS),
        (_, [name, rest @ ..]) => one(request, name, rest),
        _ => Err(GraphError::method()),
    }
}

/// Answers a request below `/me`.
pub(super) fn me(request: &Request<'_>, rest: &[&str]) -> Result<Reply, GraphError> {
    if !request.caller.is_user {
        let message = "/me request is only valid with delegated authentication flow.";
        return Err(GraphError::new(400, "BadRequest", message));
    }
    if let ("GET", []) = (request.call.method.as_str(), rest) {
        request.caller.needs(
            &["User.Read", "User.ReadWrite", "User.Read.All", "User.ReadWrite.All", "Directory.Read.All"],
            &[],
        )?;
        return shown(request, &request.caller.id);
    }
    one(request, &request.caller.id, rest)
}

fn one(request: &Request<'_>, name: &str, rest: &[&str]) -> Result<Reply, GraphError> {
    match (request.call.method.as_str(), rest) {
        ("GET", []) => {
            let is_own = request.caller.is_user && id(request, name)?.eq_ignore_ascii_case(&request.caller.id);
            let own = if is_own { &["User.Read", "User.ReadWrite"][..] } else { &[] };
            let all = [
                "User.Read.All",
                "User.ReadWrite.All",
                "Directory.Read.All",
                "Directory.ReadWrite.All",
                "User.ReadBasic.All",
            ];
            let wanted: Vec<&str> = own.iter().chain(&all).copied().collect();
            request.caller.needs(&wanted, &[])?;
            shown(request, name)
        }
        ("PATCH", []) => super::user_update::update(request, name),
        ("DELETE", []) => delete(request, name),
        ("POST", ["revokeSignInSessions" | "microsoft.graph.revokeSignInSessions"]) => revoke(request, name),
        ("POST", ["changePassword" | "microsoft.graph.changePassword"]) => {
            super::password_reset::change_own(request, &id(request, name)?)
        }
        (_, ["authentication", rest @ ..]) => super::authentication::answer(request, &id(request, name)?, rest),
        (_, [segment, ..]) => {
            let memberships = super::membership::answer(request, &id(request, name)?, rest);
            memberships.unwrap_or_else(|| Err(GraphError::no_segment(segment)))
        }
        _ => Err(GraphError::method()),
    }
}

/// The id of a user of an id or a sign-in name.
pub(super) fn id(request: &Request<'_>, name: &str) -> Result<String, GraphError> {
    let directory = request.tenant.state.read();
    let user = directory.user(name).ok_or_else(|| GraphError::not_found(name))?;
    Ok(text(user, "id").unwrap_or_default().to_owned())
}

fn shown(request: &Request<'_>, name: &str) -> Result<Reply, GraphError> {
    let directory = request.tenant.state.read();
    let user = directory.user(name).cloned().ok_or_else(|| GraphError::not_found(name))?;
    drop(directory);
    Ok(request.entity(200, ("users", selected(request, &SHAPE, &user)?)))
}

fn create(request: &Request<'_>) -> Result<Reply, GraphError> {
    request.caller.needs(&["User.ReadWrite.All", "Directory.ReadWrite.All"], &[USER_ADMINISTRATOR])?;
    let body = request.object()?;
    properties::USER.check_new(&body)?;
    let required = |name: &str| {
        let found = text(&body, name).filter(|text| !text.trim().is_empty());
        found.ok_or_else(|| invalid("A value is required for property", name))
    };
    let (upn, name, nickname) = (required("userPrincipalName")?, required("displayName")?, required("mailNickname")?);
    check_name(request, upn)?;
    let is_enabled = body.get("accountEnabled").and_then(Value::as_bool);
    is_enabled.ok_or_else(|| invalid("A value is required for property", "accountEnabled"))?;
    let profile = body.get("passwordProfile").and_then(Value::as_object);
    let password = profile.and_then(|profile| text(profile, "password"));
    let password = password.ok_or_else(|| invalid("A value is required for property", "passwordProfile"))?;
    check_password(password, (upn, name))?;
    let hashed = request.tenant.hashed(password)?;
    let id = random::uuid()?;
    let mut user = properties::USER.writable(&body);
    let profile = without_password(profile);
    let given = [
        ("id", json!(id)),
        ("createdDateTime", json!(written(request.tenant.clock.now()))),
        ("userType", body.get("userType").cloned().unwrap_or_else(|| json!("Member"))),
        ("mailNickname", json!(nickname)),
        ("businessPhones", body.get("businessPhones").cloned().unwrap_or_else(|| json!([]))),
        ("passwordProfile", profile),
        (
            "authenticationMethods",
            json!([{
                "@odata.type": "#microsoft.graph.passwordAuthenticationMethod", "id": PASSWORD_METHOD,
            }]),
        ),
    ];
    user.extend(given.into_iter().map(|(name, value)| (name.to_owned(), value)));
    let secret = Secret { owner: id.clone(), id: PASSWORD.to_owned(), hashed, until: None };
    let upn = upn.to_owned();
    let created = request.write(|directory| -> Result<_, GraphError> {
        if directory.user(&upn).is_some() {
            return Err(GraphError::new(
                400,
                "Request_BadRequest",
                "Another object with the same value for property userPrincipalName already exists.",
            ));
        }
        Ok((vec![Change::Put(Resource::Users, user.clone()), Change::PutSecret(secret)], user))
    })?;
    request.audit(
        "Add user",
        "UserManagement",
        json!([{ "id": id, "type": "User", "userPrincipalName": upn,
            "modifiedProperties": modified(&Object::new(), &created, HIDDEN) }]),
    )?;
    let mut shown = with_properties(&created, DEFAULT_PROPERTIES);
    super::shape::mend(Resource::Users, request.version, &mut shown);
    Ok(request.entity(201, ("users", shown)))
}

fn delete(request: &Request<'_>, name: &str) -> Result<Reply, GraphError> {
    let target = id(request, name)?;
    request.needs_over(
        &target,
        &["User.DeleteRestore.All", "User.ReadWrite.All", "Directory.ReadWrite.All"],
        &[USER_ADMINISTRATOR, PRIVILEGED_AUTHENTICATION_ADMINISTRATOR],
    )?;
    protected(request, &target)?;
    let now = request.tenant.clock.now();
    let upn = request.write(|directory| -> Result<_, GraphError> {
        let mut user =
            directory.object(Resource::Users, &target).cloned().ok_or_else(|| GraphError::not_found(name))?;
        leaves_another_administrator(directory, &target, now)?;
        let upn = text(&user, "userPrincipalName").unwrap_or_default().to_owned();
        user.insert("deletedDateTime".to_owned(), json!(written(now)));
        Ok((vec![Change::Remove(Resource::Users, target.clone()), Change::Put(Resource::DeletedUsers, user)], upn))
    })?;
    request.audit(
        "Delete user",
        "UserManagement",
        json!([{ "id": target, "type": "User", "userPrincipalName": upn, "modifiedProperties": [] }]),
    )?;
    Ok(Reply::empty(204))
}

fn revoke(request: &Request<'_>, name: &str) -> Result<Reply, GraphError> {
    let target = id(request, name)?;
    request.needs_over(
        &target,
        &["User.RevokeSessions.All", "User.ReadWrite.All", "Directory.ReadWrite.All"],
        &[USER_ADMINISTRATOR, HELPDESK_ADMINISTRATOR, PRIVILEGED_AUTHENTICATION_ADMINISTRATOR],
    )?;
    protected(request, &target)?;
    let from = request.tenant.clock.now();
    let told = request.write(|directory| -> Result<_, GraphError> {
        let known = directory.object(Resource::Users, &target).ok_or_else(|| GraphError::not_found(name))?;
        let mut user = known.clone();
        user.insert("signInSessionsValidFromDateTime".to_owned(), json!(from.to_string()));
        let told = modified(known, &user, HIDDEN);
        Ok((vec![Change::Put(Resource::Users, user)], told))
    })?;
    request.audit(
        "Update StsRefreshTokenValidFrom Timestamp",
        "UserManagement",
        json!([{ "id": target, "type": "User", "modifiedProperties": told }]),
    )?;
    Ok(Reply::json(200, json!({ "@odata.context": request.context("Edm.Boolean"), "value": true })))
}

/// Only who stands above them touches an administrator's credentials and account, be it deleted or not: whoever holds a
/// role for the whole tenant or over a unit that is for its own administrators, and whoever is in a group that can be
/// assigned to roles, or owns one.
///
/// **Source:** "Privileged roles and permissions", who can perform sensitive actions. Of the roles that its table lets a
/// User Administrator stand over none is told apart here: all take who stands over every administrator.
pub(super) fn protected(request: &Request<'_>, target: &str) -> Result<(), GraphError> {
    let (directory, now) = (request.tenant.state.read(), request.tenant.clock.now());
    let in_unit = |unit: &Object| {
        let scope = format!("/administrativeUnits/{}", text(unit, "id").unwrap_or_default());
        !roles_at(&directory, (target, &scope), now).is_empty()
    };
    let in_restricted = |unit: &Object| is_restricted(unit) && in_unit(unit);
    let has_role = !roles_of(&directory, target, now).is_empty()
        || directory.all(Resource::AdministrativeUnits).any(in_restricted);
    let groups = groups_of(&directory, target);
    let mut groups = groups.iter().filter_map(|group| directory.object(Resource::Groups, group));
    let in_assignable = groups.any(is_role_assignable);
    let owns = |group: &Object| is_role_assignable(group) && is_owned_by(group, target);
    let owns_assignable = directory.all(Resource::Groups).any(owns);
    let is_free = !has_role && !in_assignable && !owns_assignable;
    drop(directory);
    if is_free || request.stands_over(target, &[PRIVILEGED_AUTHENTICATION_ADMINISTRATOR]) {
        Ok(())
    } else {
        Err(GraphError::denied())
    }
}

/// Characters of a sign-in name before and behind the `@`.
const LOCAL_CHARS_MAX: usize = 64;
const DOMAIN_CHARS_MAX: usize = 48;

/// A sign-in name is of a domain of the tenant, and no longer than Entra takes it.
pub(super) fn check_name(request: &Request<'_>, upn: &str) -> Result<(), GraphError> {
    let (local, domain) =
        upn.split_once('@').ok_or_else(|| invalid("Invalid value specified for property", "userPrincipalName"))?;
    if local.len() > LOCAL_CHARS_MAX || domain.len() > DOMAIN_CHARS_MAX {
        return Err(invalid("Invalid value specified for property", "userPrincipalName"));
    }
    if local.is_empty()
        || local.contains(char::is_whitespace)
        || !request.tenant.domains().contains(&domain.to_lowercase())
    {
        return Err(GraphError::bad_request(
            "The domain portion of the userPrincipalName property is invalid. You must use one of the verified domain names in your organization.",
        ));
    }
    Ok(())
}

/// The length and the kinds of characters that Entra demands.
pub(super) fn check_password(password: &str, names: (&str, &str)) -> Result<(), GraphError> {
    if is_acceptable(password, names) {
        return Ok(());
    }
    Err(GraphError::bad_request(
        "The specified password does not comply with password complexity requirements. Please provide a different password.",
    ))
}

/// What is kept of the profile of a password.
pub(super) fn without_password(profile: Option<&Object>) -> Value {
    let mut profile = profile.cloned().unwrap_or_default();
    profile.remove("password");
    Value::Object(profile)
}

fn with_properties(object: &Object, names: &[&str]) -> Object {
    names.iter().map(|name| ((*name).to_owned(), object.get(*name).cloned().unwrap_or(Value::Null))).collect()
}

/// What is wrong with a property of a user.
pub(super) fn invalid(what: &str, property: &str) -> GraphError {
    GraphError::bad_request(format!("{what} '{property}'."))
}
