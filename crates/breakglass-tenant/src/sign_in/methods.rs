//! The methods with which a user can prove more than a password, and the proof itself.
//!
//! A code of an authenticator app is computed. Text messages and notifications go to the tenant's outbox, where whoever
//! plays the user reads them; a notification is answered there.
//!
//! **Source:** the resource types `softwareOathAuthenticationMethod`, `phoneAuthenticationMethod`,
//! `microsoftAuthenticatorAuthenticationMethod`, `fido2AuthenticationMethod`; the authentication methods policy.

use breakglass_model::snapshot::Resource;
use breakglass_model::strength::Modes;
use serde_json::{Value, json};

use crate::clock::written;
use crate::random::{self, NoRandomness};
use crate::sign_in::groups_of;
use crate::state::{Change, Directory, Log, Object, Shelf, StateError, text};
use crate::tenant::Tenant;

/// A kind of method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Passkey,
    Push,
    Oath,
    Sms,
}

/// Kind, Graph's type, its mode, its entry in the authentication methods policy; the one that Entra prefers first.
const KINDS: [(Kind, &str, Modes, &str); 4] = [
    (Kind::Passkey, "#microsoft.graph.fido2AuthenticationMethod", Modes::FIDO2, "Fido2"),
    (
        Kind::Push,
        "#microsoft.graph.microsoftAuthenticatorAuthenticationMethod",
        Modes::MICROSOFT_AUTHENTICATOR_PUSH,
        "MicrosoftAuthenticator",
    ),
    (Kind::Oath, "#microsoft.graph.softwareOathAuthenticationMethod", Modes::SOFTWARE_OATH, "SoftwareOath"),
    (Kind::Sms, "#microsoft.graph.phoneAuthenticationMethod", Modes::SMS, "Sms"),
];

impl Kind {
    /// The mode that it proves.
    pub(crate) fn mode(self) -> Modes {
        KINDS.iter().find(|(kind, ..)| *kind == self).map_or(Modes::PASSWORD, |(_, _, mode, _)| *mode)
    }
}

/// A method of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Method {
    pub(crate) id: String,
    pub(crate) kind: Kind,
    /// Where a code goes, as far as it is shown.
    pub(crate) hint: String,
}

/// The methods of a user that the tenant's policy lets the user sign in with, the preferred kind first.
pub(crate) fn methods(directory: &Directory, user: &Object) -> Vec<Method> {
    let listed = user.get("authenticationMethods").and_then(Value::as_array).into_iter().flatten();
    let listed: Vec<&Object> = listed.filter_map(Value::as_object).collect();
    let mut methods = Vec::new();
    for (kind, odata_type, _, policy) in KINDS {
        let mut own = listed.iter().filter(|method| text(method, "@odata.type") == Some(odata_type)).peekable();
        // Whom a policy is about takes looking through the groups, which is spared where there is nothing to use.
        if own.peek().is_none() || !may_use(directory, user, policy) {
            continue;
        }
        for method in own {
            let hint = match kind {
                Kind::Sms => hidden(text(method, "phoneNumber").unwrap_or_default()),
                _ => text(method, "displayName").unwrap_or_default().to_owned(),
            };
            let id = text(method, "id").unwrap_or(odata_type).to_owned();
            // Of phones only those take messages that are said to be mobile.
            let takes_messages = text(method, "phoneType").is_none_or(|kind| kind != "office");
            if kind != Kind::Sms || takes_messages {
                methods.push(Method { id, kind, hint });
            }
        }
    }
    methods
}

/// Whether the tenant's policy lets a user use a kind of method.
pub(crate) fn is_allowed(directory: &Directory, user: &Object, kind: Kind) -> bool {
    KINDS.iter().filter(|(known, ..)| *known == kind).all(|(.., policy)| may_use(directory, user, policy))
}

/// Types of methods that are no second proof.
const FIRST: [&str; 3] = [
    "#microsoft.graph.passwordAuthenticationMethod",
    "#microsoft.graph.temporaryAccessPassAuthenticationMethod",
    "#microsoft.graph.emailAuthenticationMethod",
];

/// Whether a user has no method for a second proof: none but those that the policy does not let it use. One of a kind
/// that is not known here counts as one.
pub(crate) fn is_bare(directory: &Directory, user: &Object) -> bool {
    let mut listed = user.get("authenticationMethods").and_then(Value::as_array).into_iter().flatten();
    listed.all(|method| {
        let odata_type = method.get("@odata.type").and_then(Value::as_str).unwrap_or_default();
        let known = KINDS.iter().find(|(_, known, ..)| *known == odata_type);
        FIRST.contains(&odata_type) || known.is_some_and(|(.., policy)| !may_use(directory, user, policy))
    })
}

/// The configuration of a kind of method in the authentication methods policy.
pub(crate) fn configuration<'d>(directory: &'d Directory, id: &str) -> Option<&'d Object> {
    let policy = directory.single(Resource::AuthenticationMethodsPolicy)?;
    let listed = policy.get("authenticationMethodConfigurations")?.as_array()?;
    let mut listed = listed.iter().filter_map(Value::as_object);
    listed.find(|one| text(one, "id").is_some_and(|known| known.eq_ignore_ascii_case(id)))
}

/// Whether the authentication methods policy lets a user sign in with methods of a kind: its configuration is enabled,
/// includes the user and does not exclude it. A kind that the policy does not have is let.
pub(crate) fn may_use(directory: &Directory, user: &Object, id: &str) -> bool {
    let Some(own) = configuration(directory, id) else { return true };
    let user_id = text(user, "id").unwrap_or_default();
    let groups = groups_of(directory, user_id);
    let is_about = |target: &Value| {
        let whom = target.get("id").and_then(Value::as_str).unwrap_or_default().to_lowercase();
        whom == ALL_USERS || whom == user_id.to_lowercase() || groups.contains(&whom)
    };
    let targets = |name: &str| own.get(name).and_then(Value::as_array);
    text(own, "state") != Some("disabled")
        && targets("includeTargets").is_none_or(|included| included.iter().any(is_about))
        && !targets("excludeTargets").into_iter().flatten().any(is_about)
}

/// The target that stands for everybody.
const ALL_USERS: &str = "all_users";

/// A telephone number of which the last two digits are shown.
fn hidden(number: &str) -> String {
    let digits: Vec<char> = number.chars().filter(char::is_ascii_digit).collect();
    let last: String = digits.iter().rev().take(2).rev().collect();
    format!("{}{last}", "X".repeat(digits.len().saturating_sub(2)))
}

/// What was sent to a user and waits for the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sent {
    /// Its id in the outbox.
    pub(crate) id: String,
    /// The code of a text message, or the number that a notification is answered with.
    pub(crate) code: String,
}

/// Why nothing was sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    #[error(transparent)]
    Random(#[from] NoRandomness),
    #[error(transparent)]
    State(#[from] StateError),
}

/// Sends a text message or a notification into the outbox.
pub(crate) fn send(tenant: &Tenant, user: &Object, (method, app): (&Method, &str)) -> Result<Sent, SendError> {
    let number = u32::from_be_bytes(random::bytes()?);
    let (channel, code, message) = match method.kind {
        Kind::Sms => {
            let code = format!("{:06}", number % 1_000_000);
            let message = format!("Use verification code {code} for {app} authentication.");
            ("sms", code, message)
        }
        // The number is shown where the user signs in, and is never in the notification.
        _ => (
            "push",
            format!("{:02}", number % 90 + 10),
            format!("Approve sign-in? Enter the number shown to sign in to {app}."),
        ),
    };
    let id = random::uuid()?;
    let to = user.get("authenticationMethods").and_then(Value::as_array).into_iter().flatten();
    let to = to
        .filter(|one| one.get("id").and_then(Value::as_str) == Some(&method.id))
        .find_map(|one| ["phoneNumber", "displayName"].iter().find_map(|name| one.get(name)?.as_str()));
    let record = json!({
        "id": id, "at": written(tenant.clock.now()), "channel": channel, "to": to.unwrap_or_default(), "text": message,
        "userId": text(user, "id"), "userPrincipalName": text(user, "userPrincipalName"),
    });
    tenant.state.log(Log::Outbox, &record.as_object().cloned().unwrap_or_default())?;
    Ok(Sent { id, code })
}

/// Whether a code is of an authenticator app of the user; each is good once.
pub(crate) fn is_code_of_app(tenant: &Tenant, user: &str, (method, code): (&Method, &str)) -> bool {
    let now = tenant.clock.now();
    let directory = tenant.state.read();
    let secret = directory.secrets(user).iter().find(|secret| secret.id == method.id);
    let step = secret.and_then(|secret| secret.hashed.authenticator()).and_then(|key| key.step_of(code, now));
    drop(directory);
    step.is_some_and(|step| is_first_use(tenant, (user, &method.id), step))
}

/// Whether the code of a step of an authenticator, or of a later one, was not used before; then it is now, and that is
/// kept before anybody gets in with it.
pub(crate) fn is_first_use(tenant: &Tenant, (user, method): (&str, &str), step: i64) -> bool {
    let name = format!("{user}#{method}");
    let used = tenant.state.write(|directory| -> Result<_, StateError> {
        let last = directory.shelved(Shelf::UsedCodes, &name).and_then(|used| used.get("step")?.as_i64());
        if last.is_some_and(|last| step <= last) {
            return Ok((Vec::new(), false));
        }
        let used = json!({ "step": step }).as_object().cloned().unwrap_or_default();
        Ok((vec![Change::Shelve(Shelf::UsedCodes, name, used)], true))
    });
    used.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::hidden;

    #[test]
    fn of_a_number_two_digits_are_shown() {
        for (number, shown) in [("+1 2065551212", "XXXXXXXXX12"), ("7", "7"), ("", "")] {
            assert_eq!(hidden(number), shown);
        }
    }
}
