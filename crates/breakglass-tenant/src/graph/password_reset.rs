//! `resetPassword` of the method that is a user's password, and the operation that it leaves behind.
//!
//! **Source:** "authenticationMethod: resetPassword" (an administrator, for somebody else, never an application; the user
//! changes it at the next sign-in), "longRunningOperation: get".

use breakglass_model::snapshot::Resource;
use breakglass_model::well_known::PRIVILEGED_AUTHENTICATION_ADMINISTRATOR;
use serde_json::{Value, json};

use super::Request;
use super::authentication::{READ, WRITE};
use super::error::GraphError;
use super::schedules::object;
use super::users::{check_password, protected};
use crate::call::Reply;
use crate::clock::written;
use crate::ids::roles::AUTHENTICATION_ADMINISTRATOR;
use crate::random;
use crate::sign_in::first_factor::with_password;
use crate::state::{Change, Directory, Object, PASSWORD, Secret, Shelf, text};

/// The id of the method that is a password: of each user the same.
pub(super) const PASSWORD_METHOD: &str = "28c10230-6103-485e-b985-444c60001490";
/// Operations that are kept of one user, the newest ones.
const OPERATION_COUNT_MAX: usize = 20;
const ROLES: [&str; 2] = [AUTHENTICATION_ADMINISTRATOR, PRIVILEGED_AUTHENTICATION_ADMINISTRATOR];

/// A user whose password is set here.
fn with_own_password(directory: &Directory, user: &str) -> Result<Object, GraphError> {
    let found = directory.object(Resource::Users, user).cloned().ok_or_else(|| GraphError::not_found(user))?;
    if found.get("onPremisesSyncEnabled").and_then(Value::as_bool) == Some(true) {
        let message = "The user is synchronised, and nothing writes passwords back: change it on premises.";
        return Err(GraphError::bad_request(message));
    }
    Ok(found)
}

/// Gives a user another password.
pub(super) fn reset(request: &Request<'_>, user: &str, method: &str) -> Result<Reply, GraphError> {
    if !request.caller.is_user || request.caller.id.eq_ignore_ascii_case(user) {
        return Err(GraphError::denied());
    }
    request.needs_over(user, &WRITE, &ROLES)?;
    protected(request, user)?;
    if !method.eq_ignore_ascii_case(PASSWORD_METHOD) {
        return Err(GraphError::not_found(method));
    }
    let body = if request.call.body.is_empty() { Object::new() } else { request.object()? };
    if let Some(other) = body.keys().find(|name| *name != "newPassword" && !name.contains('@')) {
        let other: String = other.chars().take(100).collect();
        return Err(GraphError::bad_request(format!("The parameter '{other}' is not known.")));
    }
    let given = match body.get("newPassword") {
        None | Some(Value::Null) => None,
        Some(password) => {
            let password = password.as_str();
            Some(password.ok_or_else(|| GraphError::bad_request("The parameter 'newPassword' is a text."))?.to_owned())
        }
    };
    let made = if given.is_none() { Some(format!("{}aA1!", random::token()?)) } else { None };
    let password = given.or_else(|| made.clone()).unwrap_or_default();
    let (id, now) = (random::uuid()?, written(request.tenant.clock.now()));
    let hashed = request.tenant.hashed(&password)?;
    let at = request.tenant.clock.now();
    let upn = request.write(|directory| -> Result<_, GraphError> {
        let mut changed = with_own_password(directory, user)?;
        let upn = text(&changed, "userPrincipalName").unwrap_or_default().to_owned();
        check_password(&password, (&upn, text(&changed, "displayName").unwrap_or_default()))?;
        changed.insert("passwordProfile".to_owned(), json!({ "forceChangePasswordNextSignIn": true }));
        let secret = with_password(&mut changed, hashed, at);
        let operation = object(json!({
            "id": id, "userId": user, "createdDateTime": now, "lastActionDateTime": now, "status": "succeeded",
            "statusDetail": Value::Null, "resourceLocation": Value::Null,
        }));
        let kept = directory.all_shelved(Shelf::PasswordOperations);
        let mut kept: Vec<(&str, &str)> = kept
            .filter(|(_, one)| text(one, "userId").is_some_and(|of| of.eq_ignore_ascii_case(user)))
            .map(|(name, one)| (text(one, "createdDateTime").unwrap_or_default(), name))
            .collect();
        kept.sort_unstable();
        let old = kept.len().saturating_sub(OPERATION_COUNT_MAX - 1);
        let old =
            kept.into_iter().take(old).map(|(_, name)| Change::Unshelve(Shelf::PasswordOperations, name.to_owned()));
        let changes =
            [Change::Put(Resource::Users, changed), secret, Change::shelve(Shelf::PasswordOperations, operation)];
        Ok((changes.into_iter().chain(old).collect(), upn))
    })?;
    let target = json!([{ "id": user, "type": "User", "userPrincipalName": upn, "modifiedProperties": [] }]);
    request.audit("Reset user password", "UserManagement", target)?;
    request.commit()?;
    request.tenant.lockout.unlock(user);
    let base = &request.tenant.addresses.base;
    let location = format!("{base}/{}/users/{user}/authentication/operations/{id}", request.version);
    let mut answer = object(json!({ "@odata.context": request.context("microsoft.graph.passwordResetResponse") }));
    answer.extend(made.map(|made| ("newPassword".to_owned(), json!(made))));
    Ok(Reply::json(202, Value::Object(answer)).with("location", location))
}

/// Gives whoever calls another password in place of the one that they know.
///
/// **Source:** "user: changePassword": delegated alone, for oneself; a wrong password counts for smart lockout.
pub(super) fn change_own(request: &Request<'_>, user: &str) -> Result<Reply, GraphError> {
    request.caller.needs(&["Directory.AccessAsUser.All"], &[])?;
    if !request.caller.is_user || !request.caller.id.eq_ignore_ascii_case(user) {
        return Err(GraphError::denied());
    }
    let body = request.object()?;
    let given = |name: &str| {
        text(&body, name).ok_or_else(|| GraphError::bad_request(format!("The parameter '{name}' is a text.")))
    };
    let (current, new) = (given("currentPassword")?, given("newPassword")?);
    let (tenant, place, at) = (request.tenant, request.call.remote, request.tenant.clock.now());
    let wrong = || GraphError::bad_request("The specified password does not match the current password of the user.");
    if tenant.lockout.is_locked(user, place, at) {
        return Err(wrong());
    }
    let secrets = tenant.state.read().secrets(user).to_vec();
    let known = secrets.into_iter().find(|secret| secret.id == PASSWORD && secret.hashed.is(current));
    let Some(known) = known else {
        tenant.lockout.failed(user, place, (current, at));
        return Err(wrong());
    };
    if known.hashed.is(new) {
        return Err(GraphError::bad_request("The new password has to be another one than the current password."));
    }
    let hashed = tenant.hashed(new)?;
    let upn = request.write(|directory| -> Result<_, GraphError> {
        let mut changed = with_own_password(directory, user)?;
        // Somebody else has changed it meanwhile.
        let is_same = |secret: &Secret| secret.id == PASSWORD && secret.hashed.is_same(&known.hashed);
        if !directory.secrets(user).iter().any(is_same) {
            return Err(wrong());
        }
        let upn = text(&changed, "userPrincipalName").unwrap_or_default().to_owned();
        check_password(new, (&upn, text(&changed, "displayName").unwrap_or_default()))?;
        changed.insert("passwordProfile".to_owned(), json!({ "forceChangePasswordNextSignIn": false }));
        let secret = with_password(&mut changed, hashed, at);
        Ok((vec![Change::Put(Resource::Users, changed), secret], upn))
    })?;
    let target = json!([{ "id": user, "type": "User", "userPrincipalName": upn, "modifiedProperties": [] }]);
    request.audit("Change user password", "UserManagement", target)?;
    Ok(Reply::empty(204))
}

/// What became of a reset.
pub(super) fn operation(request: &Request<'_>, user: &str, id: &str) -> Result<Reply, GraphError> {
    request.caller.needs(&READ, &ROLES)?;
    let found = request.tenant.state.read().shelved(Shelf::PasswordOperations, id).cloned();
    let found = found.filter(|one| text(one, "userId").is_some_and(|of| of.eq_ignore_ascii_case(user)));
    let mut found = found.ok_or_else(|| GraphError::not_found(id))?;
    found.remove("userId");
    Ok(request.entity(200, (&format!("users('{user}')/authentication/operations"), found)))
}
