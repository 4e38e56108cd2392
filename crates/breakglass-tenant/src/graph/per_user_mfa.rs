//! `/users/{id}/authentication/requirements`, in beta alone: whether multifactor authentication is switched on for a user.
//!
//! **Source:** "Get authentication method states", "Update authentication method states" (per-user MFA: the permissions are
//! those of policies), "strongAuthenticationRequirements resource type" (who has registered a method goes from `enabled`
//! to `enforced`); `Get-EntraBetaUserAuthenticationRequirement` for the roles. The record of the audit and its property are
//! as rules of detection for Entra look for them.

use breakglass_model::snapshot::Resource;
use serde_json::{Value, json};

use super::Request;
use super::authentication::user_of;
use super::error::GraphError;
use super::organization::AUTHENTICATION_POLICY_ADMINISTRATOR;
use super::reports::is_mfa_registered;
use crate::call::Reply;
use crate::ids::roles::GLOBAL_READER;
use crate::state::{Change, Directory, Object, text};

/// The states, in the order of the numbers that records of the audit have for them.
const STATES: [&str; 3] = [DISABLED, "enabled", "enforced"];
const DISABLED: &str = "disabled";
const STATE: &str = "perUserMfaState";

/// Answers a request about a user.
pub(super) fn answer(request: &Request<'_>, user: &str) -> Result<Reply, GraphError> {
    match request.call.method.as_str() {
        "GET" => {
            request.caller.needs(&["Policy.Read.All"], &[GLOBAL_READER, AUTHENTICATION_POLICY_ADMINISTRATOR])?;
            user_of(request, user)?;
            let context = request.context(&format!("users('{user}')/authentication/requirements"));
            let state = state_of(&request.tenant.state.read(), user);
            Ok(Reply::json(200, json!({ "@odata.context": context, STATE: state })))
        }
        "PATCH" => update(request, user),
        _ => Err(GraphError::method()),
    }
}

/// The state of a user, of whom most have none kept.
fn state_of(directory: &Directory, user: &str) -> String {
    let known = directory.object(Resource::PerUserMfaStates, user);
    known.and_then(|known| text(known, STATE)).unwrap_or(DISABLED).to_owned()
}

fn update(request: &Request<'_>, user: &str) -> Result<Reply, GraphError> {
    let permissions = ["Policy.ReadWrite.AuthenticationMethod"];
    request.needs_over(user, &permissions, &[AUTHENTICATION_POLICY_ADMINISTRATOR])?;
    let asked = asked_for(&request.object()?)?;
    let (upn, before, after) = request.write(|directory| -> Result<_, GraphError> {
        let known = directory.object(Resource::Users, user).ok_or_else(|| GraphError::not_found(user))?;
        let before = state_of(directory, user);
        let after = if asked == "enabled" && is_mfa_registered(known) { "enforced" } else { asked };
        let kept = json!({ "id": text(known, "id"), STATE: after });
        let kept = kept.as_object().cloned().unwrap_or_default();
        let upn = known.get("userPrincipalName").cloned();
        Ok((vec![Change::Put(Resource::PerUserMfaStates, kept)], (upn, before, after)))
    })?;
    let changed = json!([
        { "displayName": "StrongAuthenticationRequirement", "oldValue": recorded(&before), "newValue": recorded(after) },
        { "displayName": "Included Updated Properties", "oldValue": Value::Null,
            "newValue": "\"StrongAuthenticationRequirement\"" },
    ]);
    let target = json!([{ "id": user, "type": "User", "userPrincipalName": upn, "modifiedProperties": changed }]);
    request.audit("Update user", "UserManagement", target)?;
    Ok(Reply::empty(204))
}

/// The state that a body asks for; it has nothing else.
fn asked_for(body: &Object) -> Result<&'static str, GraphError> {
    if let Some(other) = body.keys().find(|name| *name != STATE && !name.contains('@')) {
        let other: String = other.chars().take(100).collect();
        let message = format!("There is no '{other}' in 'microsoft.graph.strongAuthenticationRequirements'.");
        return Err(GraphError::bad_request(message));
    }
    let asked = STATES.into_iter().find(|state| text(body, STATE) == Some(*state));
    asked.ok_or_else(|| {
        let message = format!("Invalid value specified for property '{STATE}': it is one of {}.", STATES.join(", "));
        GraphError::bad_request(message)
    })
}

/// A state as the audit has it.
fn recorded(state: &str) -> String {
    match STATES.iter().position(|known| *known == state) {
        Some(number) => json!([{ "RelyingParty": "*", "State": number }]).to_string(),
        None => json!([]).to_string(),
    }
}
