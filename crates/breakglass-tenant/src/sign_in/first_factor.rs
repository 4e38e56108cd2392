//! The first proof: a password, or a temporary access pass in its place; and whether the account is open at all.

use breakglass_model::snapshot::Resource;
use breakglass_model::strength::Modes;
use serde_json::Value;
use std::net::IpAddr;

use crate::clock::written;
use crate::faults;
use crate::login::error::StsError;
use crate::secret::Hashed;
use crate::sign_in::methods;
use crate::state::{Change, Directory, Object, PASSWORD, Secret, StateError, text};
use crate::tenant::Tenant;

/// How the id of a temporary access pass that is good once begins among the secrets.
pub(crate) const PASS_ONE_TIME: &str = "pass-once:";
/// How that of one begins that is good many times.
pub(crate) const PASS_MULTI_USE: &str = "pass:";

/// What is said of a pass that is good once, after it was used: it stays on the list.
///
/// **Source:** "temporaryAccessPassAuthenticationMethod", `methodUsabilityReason`.
pub(crate) const ONE_TIME_USED: &str = "OneTimeUsed";

/// What the text in the password field of a user proves.
///
/// # Errors
/// That it proves nothing, or that the account is locked or closed. A closed account is told only to whoever knows the
/// password.
pub(crate) fn shown(
    tenant: &Tenant,
    user: &Object,
    (password, place, takes_pass): (&str, IpAddr, bool),
) -> Result<Modes, StsError> {
    let now = tenant.clock.now();
    let id = text(user, "id").unwrap_or_default();
    if tenant.lockout.is_locked(id, place, now) {
        return Err(StsError::of(50_053));
    }
    let secrets: Vec<Secret> = tenant.state.read().secrets(id).to_vec();
    let mut passes = secrets.iter().filter(|secret| takes_pass && is_pass(secret));
    let pass = passes.find(|secret| secret.hashed.is(password));
    let takes_passes = methods::may_use(&tenant.state.read(), user, "TemporaryAccessPass");
    let pass = pass.filter(|_| takes_passes);
    let checked = faults::passwords_are_checked(&tenant.state.read(), user);
    let is_own = |secret: &Secret| secret.id == PASSWORD && secret.hashed.is(password);
    let has_password = checked.is_ok() && secrets.iter().any(is_own);
    if pass.is_none() {
        // Nobody can tell whether it is right.
        checked?;
    }
    // Others may have been tried meanwhile: hashes take their time.
    if tenant.lockout.is_locked(id, place, now) {
        return Err(StsError::of(50_053));
    }
    if pass.is_none() && !has_password {
        if !tenant.lockout.failed(id, place, (password, now)) {
            return Err(StsError::of(50_053));
        }
        let is_none_set = !secrets.iter().any(|secret| secret.id == PASSWORD);
        return Err(StsError::of(if is_none_set { 50_056 } else { 50_126 }));
    }
    is_open(user)?;
    let Some(pass) = pass.filter(|_| !has_password) else {
        tenant.lockout.succeeded(id, place);
        return is_lasting(&tenant.state.read(), user, now).map(|()| Modes::PASSWORD);
    };
    let listed = user.get("authenticationMethods").and_then(Value::as_array).into_iter().flatten();
    let own = listed.filter(|one| one.get("id").and_then(Value::as_str).is_some_and(|id| pass.id.ends_with(id)));
    let mut begins = own.filter_map(|one| one.get("startDateTime")?.as_str()?.parse::<jiff::Timestamp>().ok());
    if begins.any(|from| now < from) {
        return Err(StsError::of(130_503));
    }
    if pass.until.is_some_and(|until| until <= now) {
        return Err(StsError::of(130_504));
    }
    tenant.lockout.succeeded(id, place);
    if !pass.id.starts_with(PASS_ONE_TIME) {
        return Ok(Modes::TEMPORARY_ACCESS_PASS_MULTI_USE);
    }
    // Of two who use it at a time the second finds it gone.
    let (owner, pass_id) = (id.to_owned(), pass.id.clone());
    let is_first = tenant.state.write(|directory| -> Result<_, StateError> {
        let is_there = directory.secrets(&owner).iter().any(|secret| secret.id == pass_id);
        let used = directory.object(Resource::Users, &owner).filter(|_| is_there).map(|user| with_used(user, &pass_id));
        let changes = used.map(|user| Change::Put(Resource::Users, user)).into_iter();
        Ok((changes.chain([Change::RemoveSecret(owner, pass_id)]).collect(), is_there))
    });
    match is_first {
        Ok(true) => Ok(Modes::TEMPORARY_ACCESS_PASS_ONE_TIME),
        Ok(false) | Err(_) => Err(StsError::of(130_503)),
    }
}

/// A user whose pass was used, which says so from then on.
fn with_used(user: &Object, pass: &str) -> Object {
    let mut user = user.clone();
    let listed = user.get_mut("authenticationMethods").and_then(Value::as_array_mut);
    for method in listed.into_iter().flatten().filter_map(Value::as_object_mut) {
        if text(method, "id").is_some_and(|id| pass.strip_prefix(PASS_ONE_TIME) == Some(id)) {
            method.insert("methodUsabilityReason".to_owned(), Value::String(ONE_TIME_USED.to_owned()));
        }
    }
    user
}

/// The change that gives a user a new password, at an instant: it ends what was begun with the old one, which the object
/// of the user says from then on.
pub(crate) fn with_password(user: &mut Object, hashed: Hashed, at: jiff::Timestamp) -> Change {
    user.insert("signInSessionsValidFromDateTime".to_owned(), Value::String(at.to_string()));
    user.insert("lastPasswordChangeDateTime".to_owned(), Value::String(written(at)));
    let owner = text(user, "id").unwrap_or_default().to_owned();
    Change::PutSecret(Secret { owner, id: PASSWORD.to_owned(), hashed, until: None })
}

fn is_pass(secret: &Secret) -> bool {
    secret.id.starts_with(PASS_ONE_TIME) || secret.id.starts_with(PASS_MULTI_USE)
}

/// Whether an account may be signed in to.
pub(crate) fn is_open(user: &Object) -> Result<(), StsError> {
    let is_disabled = user.get("accountEnabled").and_then(Value::as_bool) == Some(false);
    if is_disabled { Err(StsError::of(50_057)) } else { Ok(()) }
}

/// Whether the password need not be changed first.
fn is_lasting(directory: &Directory, user: &Object, now: jiff::Timestamp) -> Result<(), StsError> {
    let flags = ["forceChangePasswordNextSignIn", "forceChangePasswordNextSignInWithMfa"];
    let is_over = flags.iter().any(|flag| demands(user, flag)) || has_expired(directory, user, now);
    if is_over { Err(StsError::of(50_055)) } else { Ok(()) }
}

/// Whether a password is older than its domain allows. Of synchronised users it never is, nor of those whose
/// `passwordPolicies` say so, in a domain that says nothing, or where nobody knows how old it is.
///
/// **Source:** "Set password policies": `passwordValidityPeriodInDays` of the domain, 2147483647 for never;
/// `DisablePasswordExpiration`.
fn has_expired(directory: &Directory, user: &Object, now: jiff::Timestamp) -> bool {
    let policies = text(user, "passwordPolicies").unwrap_or_default();
    let is_synchronised = user.get("onPremisesSyncEnabled").and_then(Value::as_bool) == Some(true);
    if is_synchronised || policies.split(',').any(|policy| policy.trim() == "DisablePasswordExpiration") {
        return false;
    }
    let domain = text(user, "userPrincipalName").and_then(|name| name.rsplit_once('@')).map(|(_, domain)| domain);
    let domain = domain.and_then(|domain| directory.object(Resource::Domains, domain));
    let days = domain.and_then(|domain| domain.get("passwordValidityPeriodInDays")).and_then(Value::as_i64);
    let set = ["lastPasswordChangeDateTime", "createdDateTime"].iter().find_map(|name| text(user, name));
    let set = set.and_then(|set| set.parse::<jiff::Timestamp>().ok());
    let Some((days, set)) = days.filter(|days| *days < NEVER_DAYS).zip(set) else { return false };
    now.duration_since(set).as_hours() >= days.saturating_mul(24)
}

/// Days after which passwords expire that never do.
const NEVER_DAYS: i64 = 2_147_483_647;

/// Whether the `passwordProfile` of a user has a flag set.
pub(crate) fn demands(user: &Object, flag: &str) -> bool {
    user.get("passwordProfile").and_then(|profile| profile.get(flag)).and_then(Value::as_bool) == Some(true)
}
