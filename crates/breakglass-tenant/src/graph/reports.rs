//! `/reports/authenticationMethods/userRegistrationDetails`: what each user has registered to prove more than a password.
//!
//! Nobody resets a forgotten password by themselves here, so that whatever is about that is false.
//! **Source:** "userRegistrationDetails resource type", "List userRegistrationDetails"; the names of methods that stand in no
//! example are from memory.

use breakglass_model::snapshot::Resource;
use breakglass_model::well_known::SECURITY_ADMINISTRATOR;
use serde_json::{Value, json};

use super::Request;
use super::error::GraphError;
use super::list::{expanded, worked_out};
use super::schedules::object;
use crate::call::Reply;
use crate::clock::written;
use crate::ids::roles::{GLOBAL_READER, REPORTS_READER, SECURITY_READER};
use crate::sign_in::methods::{Kind, is_bare, methods};
use crate::sign_in::roles_of;
use crate::state::{Directory, Object, text};

const CONTEXT: &str = "reports/authenticationMethods/userRegistrationDetails";
const READERS: &[&str] = &[REPORTS_READER, SECURITY_READER, SECURITY_ADMINISTRATOR, GLOBAL_READER];

/// Types of methods, each with its name here and with that as what is asked for by default.
const METHODS: [(&str, &str, &str); 7] = [
    ("fido2", "passKeyDeviceBound", ""),
    ("microsoftAuthenticator", "microsoftAuthenticatorPush", "push"),
    ("softwareOath", "softwareOneTimePasscode", "oath"),
    ("hardwareOath", "hardwareOneTimePasscode", "oath"),
    ("phone", "mobilePhone", "sms"),
    ("windowsHelloForBusiness", "windowsHelloForBusiness", ""),
    ("email", "email", ""),
];

/// Answers a request below `/reports`.
pub(super) fn answer(request: &Request<'_>, rest: &[&str]) -> Result<Reply, GraphError> {
    let ["authenticationMethods", "userRegistrationDetails", rest @ ..] = rest else {
        return Err(GraphError::no_segment(rest.last().unwrap_or(&"")));
    };
    request.caller.needs(&["AuditLog.Read.All"], READERS)?;
    match (request.call.method.as_str(), rest) {
        ("GET", []) => {
            let directory = request.tenant.state.read();
            let users = directory.all(Resource::Users);
            worked_out(request, CONTEXT, (directory.count(Resource::Users), users), &|user| {
                details(request, &directory, user)
            })
        }
        ("GET", [id]) => {
            let directory = request.tenant.state.read();
            let user = directory.object(Resource::Users, id).ok_or_else(|| GraphError::not_found(id))?;
            let found = details(request, &directory, user);
            Ok(request.entity(200, (CONTEXT, expanded(request, (CONTEXT, &[]), &found)?)))
        }
        _ => Err(GraphError::method()),
    }
}

/// What a user has registered.
fn registered(user: &Object) -> Vec<&'static (&'static str, &'static str, &'static str)> {
    let listed = user.get("authenticationMethods").and_then(Value::as_array).into_iter().flatten();
    let types: Vec<&str> = listed.filter_map(|method| method.get("@odata.type")?.as_str()).collect();
    let has = |name: &str| types.iter().any(|kind| *kind == format!("#microsoft.graph.{name}AuthenticationMethod"));
    METHODS.iter().filter(|(name, ..)| has(name)).collect()
}

/// Whether a user has registered a second proof.
pub(super) fn is_mfa_registered(user: &Object) -> bool {
    registered(user).iter().any(|(name, ..)| *name != "email")
}

fn details(request: &Request<'_>, directory: &Directory, user: &Object) -> Object {
    let id = text(user, "id").unwrap_or_default();
    let now = request.tenant.clock.now();
    let registered = registered(user);
    let proofs = || registered.iter().filter(|(name, ..)| *name != "email");
    let preferred = proofs().map(|(.., preferred)| *preferred).find(|preferred| !preferred.is_empty());
    // What may be used is what the policy lets them use.
    let usable = methods(directory, user);
    let is_guest = text(user, "userType").is_some_and(|kind| kind.eq_ignore_ascii_case("guest"));
    object(json!({
        "id": id, "userPrincipalName": text(user, "userPrincipalName"), "userDisplayName": text(user, "displayName"),
        "userType": if is_guest { "guest" } else { "member" }, "isAdmin": !roles_of(directory, id, now).is_empty(),
        "isMfaRegistered": is_mfa_registered(user), "isMfaCapable": !is_bare(directory, user) && !usable.is_empty(),
        "isPasswordlessCapable": usable.iter().any(|method| method.kind == Kind::Passkey),
        "isSsprRegistered": false, "isSsprEnabled": false, "isSsprCapable": false,
        "isSystemPreferredAuthenticationMethodEnabled": false, "systemPreferredAuthenticationMethods": [],
        "userPreferredMethodForSecondaryAuthentication": preferred.unwrap_or("none"),
        "methodsRegistered": registered.iter().map(|(_, name, _)| *name).collect::<Vec<_>>(),
        "lastUpdatedDateTime": written(now),
    }))
}
