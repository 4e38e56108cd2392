//! `PATCH /users`: what of a user is changed, and by whom.
//!
//! **Source:** "Update user"; "Privileged roles and permissions", who can perform sensitive actions.

use breakglass_model::snapshot::Resource;
use breakglass_model::well_known::PRIVILEGED_AUTHENTICATION_ADMINISTRATOR;
use serde_json::{Value, json};

use super::error::GraphError;
use super::modified::modified;
use super::users::{HIDDEN, check_name, check_password, id, protected, without_password};
use super::{Request, properties};
use crate::call::Reply;
use crate::ids::roles::{HELPDESK_ADMINISTRATOR, PASSWORD_ADMINISTRATOR, USER_ADMINISTRATOR};
use crate::sign_in::first_factor::with_password;
use crate::state::{Change, Object, text};

/// Properties that of an administrator are changed by whoever stands above, beside the password. `userType` is none of
/// them.
const SENSITIVE: [&str; 6] =
    ["accountEnabled", "businessPhones", "mobilePhone", "onPremisesImmutableId", "otherMails", "userPrincipalName"];

/// Changes a user.
pub(super) fn update(request: &Request<'_>, name: &str) -> Result<Reply, GraphError> {
    let body = request.object()?;
    properties::USER.check(&body)?;
    let target = id(request, name)?;
    let profile = body.get("passwordProfile").and_then(Value::as_object);
    let password = profile.and_then(|profile| text(profile, "password"));
    may_update(request, &target, &body)?;
    if let Some(upn) = text(&body, "userPrincipalName") {
        check_name(request, upn)?;
    }
    let hashed = password.map(|password| {
        check_password(password, ("", ""))?;
        Ok::<_, GraphError>(request.tenant.hashed(password)?)
    });
    let hashed = hashed.transpose()?;
    let now = request.tenant.clock.now();
    let (known, user) = request.write(|directory| -> Result<_, GraphError> {
        let known = directory.object(Resource::Users, &target).cloned().ok_or_else(|| GraphError::not_found(name))?;
        properties::USER.check_change(&known, &body)?;
        let other = text(&body, "userPrincipalName").and_then(|upn| directory.user(upn));
        if other.is_some_and(|other| text(other, "id") != text(&known, "id")) {
            return Err(GraphError::bad_request(
                "Another object with the same value for property userPrincipalName already exists.",
            ));
        }
        let mut user = known.clone();
        let written = properties::USER.writable(&body);
        user.extend(written.into_iter().filter(|(name, _)| !HIDDEN.contains(&name.as_str())));
        let mut changes = Vec::new();
        if profile.is_some() {
            user.insert("passwordProfile".to_owned(), without_password(profile));
        }
        if let Some(hashed) = hashed {
            changes.push(with_password(&mut user, hashed, now));
        }
        changes.push(Change::Put(Resource::Users, user.clone()));
        Ok((changes, (known, user)))
    })?;
    let activity = if profile.is_some() { "Reset user password" } else { "Update user" };
    let upn = text(&user, "userPrincipalName");
    request.audit(
        activity,
        "UserManagement",
        json!([{ "id": target, "type": "User", "userPrincipalName": upn,
            "modifiedProperties": modified(&known, &user, HIDDEN) }]),
    )?;
    if password.is_some() {
        request.commit()?;
        request.tenant.lockout.unlock(&target);
    }
    Ok(Reply::empty(204))
}

/// Whether the caller may change these properties of a user.
fn may_update(request: &Request<'_>, target: &str, body: &Object) -> Result<(), GraphError> {
    if body.get("passwordProfile").is_some_and(Value::is_object) {
        let roles = [
            USER_ADMINISTRATOR,
            HELPDESK_ADMINISTRATOR,
            PASSWORD_ADMINISTRATOR,
            PRIVILEGED_AUTHENTICATION_ADMINISTRATOR,
        ];
        let permissions = ["User-PasswordProfile.ReadWrite.All", "User.ReadWrite.All", "Directory.ReadWrite.All"];
        request.needs_over(target, &permissions, &roles)?;
        protected(request, target)?;
    }
    if body.keys().any(|name| name != "passwordProfile") {
        let is_switch = body.keys().all(|name| name == "accountEnabled");
        let all = ["User.ReadWrite.All", "Directory.ReadWrite.All", "User.EnableDisableAccount.All"];
        let permissions = if is_switch { &all[..] } else { &all[..2] };
        request.needs_over(target, permissions, &[USER_ADMINISTRATOR, PRIVILEGED_AUTHENTICATION_ADMINISTRATOR])?;
        if body.keys().any(|name| SENSITIVE.contains(&name.as_str())) {
            protected(request, target)?;
        }
    }
    Ok(())
}
