//! The page where a password is changed that has to be.
//!
//! **Invariant:** nobody whose password has to be changed gets past this page with the old one.
//! **Source:** the resource type `passwordProfile`; what a password has to be is what Graph demands as well.

use breakglass_model::snapshot::Resource;
use serde_json::{Value, json};

use super::error::StsError;
use super::flows::{PasswordChange, Person, Visit};
use super::pages::{Page, error, form, hidden};
use super::visit::{ADDRESS, FAILURE_COUNT_MAX, Step, failed, refused, shown_text};
use crate::audit::{self, Activity, CORE_DIRECTORY};
use crate::call::{Reply, member};
use crate::clock::written;
use crate::graph::risk;
use crate::secret::is_acceptable;
use crate::sign_in::first_factor::{self, demands};
use crate::sign_in::proof::is_multifactor;
use crate::sign_in::{Decided, Given};
use crate::state::{Change, Object, PASSWORD, Shown, StateError, text};

/// Why a password was not changed.
enum NotChanged {
    /// The old one is wrong, or the account is closed or locked: a failed sign-in.
    Refused(StsError),
    /// The new one will not do.
    Unfit(&'static str),
    /// It cannot be kept.
    State,
}

impl From<StateError> for NotChanged {
    fn from(_: StateError) -> Self {
        Self::State
    }
}

impl Step<'_> {
    /// The password was right, and has to be changed.
    pub(super) fn password_to_change(&self, id: &str, mut visit: Visit, user: &Object) -> Reply {
        let error = StsError::of(50_055);
        let name = text(user, "userPrincipalName").unwrap_or_default();
        let attempt = self.attempt(&visit);
        if !self.log(Some(user), (name, &attempt, &Decided::unasked()), Some(&error)) {
            return failed();
        }
        let is_after = demands(user, "forceChangePasswordNextSignInWithMfa");
        visit.change = Some(if is_after { PasswordChange::AfterMfa } else { PasswordChange::Now });
        visit.person = Some(Person {
            user: text(user, "id").unwrap_or_default().to_owned(),
            modes: breakglass_model::strength::Modes::PASSWORD,
            shown: Shown::at(self.tenant.clock.now()),
            gives: Given::default(),
        });
        if is_after {
            return self.next(id, visit);
        }
        self.keep(id, visit, |_, id, _| Self::change_page(id, None))
    }

    /// The page that asks for the old password and the new one, twice.
    pub(super) fn change_page(id: &str, wrong: Option<&str>) -> Reply {
        let field = |name: &str, label: &str, kind: &str| {
            format!(
                "<label for=\"{name}\">{label}</label><input id=\"{name}\" name=\"{name}\" type=\"password\" \
                 autocomplete=\"{kind}-password\" required>"
            )
        };
        let fields = format!(
            "{}{}<p>You need to change your password because it has expired, or was set by somebody else.</p>{}{}{}\
             <p class=\"note\">At least 8 characters, of three of these kinds: small letters, capital letters, digits, \
             others. Your name may not be in it.</p>",
            error(wrong),
            hidden("ctx", id),
            field("oldpasswd", "Current password", "current"),
            field("newpasswd", "New password", "new"),
            field("confirmpasswd", "Confirm password", "new"),
        );
        Page::new("Update your password", form((ADDRESS, "change", "Change password"), &fields)).reply(200)
    }

    /// The form of that page was sent.
    pub(super) fn password_changed(&self, id: &str, mut visit: Visit, sent: &[(String, String)]) -> Reply {
        let (Some(change), Some(person)) = (visit.change, visit.person.clone()) else { return failed() };
        if change == PasswordChange::AfterMfa && !is_multifactor(person.modes) {
            return self.next(id, visit);
        }
        let Some(user) = self.tenant.state.read().object(Resource::Users, &person.user).cloned() else {
            return refused(&StsError::of(50_034));
        };
        match self.changed(&user, sent, is_multifactor(person.modes)) {
            Ok(()) => {}
            Err(NotChanged::State) => return failed(),
            Err(NotChanged::Unfit(why)) => {
                return self.keep(id, visit, |_, id, _| Self::change_page(id, Some(why)));
            }
            Err(NotChanged::Refused(error)) => return self.change_refused(id, visit, (&user, &error)),
        }
        visit.change = None;
        // What was shown before ended with the old password.
        let gives = Given { new_password: true, ..person.gives };
        visit.person = Some(Person { shown: Shown::at(self.tenant.clock.now()), gives, ..person });
        self.next(id, visit)
    }

    fn change_refused(&self, id: &str, mut visit: Visit, (user, error): (&Object, &StsError)) -> Reply {
        let name = text(user, "userPrincipalName").unwrap_or_default();
        let attempt = self.attempt(&visit);
        if !self.log(Some(user), (name, &attempt, &Decided::unasked()), Some(error)) {
            return failed();
        }
        visit.failures += 1;
        if visit.failures >= FAILURE_COUNT_MAX || error.code != 50_126 {
            return refused(error);
        }
        let wrong = shown_text(error);
        self.keep(id, visit, |_, id, _| Self::change_page(id, Some(&wrong)))
    }

    /// Changes the password, if the old one is right and the new one will do; with `is_secured` after a second proof, which
    /// ends what an administrator has said of a risk.
    fn changed(&self, user: &Object, sent: &[(String, String)], is_secured: bool) -> Result<(), NotChanged> {
        let (tenant, place, now) = (self.tenant, self.call.remote, self.tenant.clock.now());
        let id = text(user, "id").unwrap_or_default();
        let given = |name: &str| member(sent, name).unwrap_or_default();
        let (old, new) = (given("oldpasswd"), given("newpasswd"));
        if tenant.lockout.is_locked(id, place, now) {
            return Err(NotChanged::Refused(StsError::of(50_053)));
        }
        let known = tenant.state.read().secrets(id).iter().find(|secret| secret.id == PASSWORD).cloned();
        let Some(known) = known.filter(|known| known.hashed.is(old)) else {
            let is_guess = tenant.lockout.failed(id, place, (old, now));
            return Err(NotChanged::Refused(StsError::of(if is_guess { 50_126 } else { 50_053 })));
        };
        first_factor::is_open(user).map_err(NotChanged::Refused)?;
        if new != given("confirmpasswd") {
            return Err(NotChanged::Unfit("The new password and its confirmation are not the same."));
        }
        if known.hashed.is(new) {
            return Err(NotChanged::Unfit("The new password has to be another one than the current password."));
        }
        let name = |property: &str| text(user, property).unwrap_or_default();
        if !is_acceptable(new, (name("userPrincipalName"), name("displayName"))) {
            return Err(NotChanged::Unfit("The new password is too short, too simple, or has your name in it."));
        }
        let hashed = tenant.hashed(new).map_err(|_| NotChanged::Unfit("The new password is too long."))?;
        tenant.lockout.succeeded(id, place);
        let activity =
            Activity { name: "Change user password", category: "UserManagement", service: CORE_DIRECTORY, reason: "" };
        let record = audit::record_of_own(now, user, (activity, place)).map_err(|_| NotChanged::State)?;
        let (mut writing, ()) = tenant.state.begin(|directory| {
            let still = directory.secrets(id).iter().find(|secret| secret.id == PASSWORD);
            let is_same = still.is_some_and(|still| still.hashed.is_same(&known.hashed));
            let changed = directory.object(Resource::Users, id).cloned().filter(|_| is_same);
            // Somebody else has changed it meanwhile.
            let mut changed = changed.ok_or_else(|| NotChanged::Refused(StsError::of(50_126)))?;
            let profile = changed.entry("passwordProfile").or_insert_with(|| json!({}));
            if let Some(profile) = profile.as_object_mut() {
                for flag in ["forceChangePasswordNextSignIn", "forceChangePasswordNextSignInWithMfa"] {
                    profile.insert(flag.to_owned(), Value::Bool(false));
                }
            }
            let secret = first_factor::with_password(&mut changed, hashed, now);
            let mut changes = vec![Change::Put(Resource::Users, changed), secret];
            if is_secured {
                changes.extend(risk::remediated(directory, id, &written(now)).map_err(|_| NotChanged::State)?);
            }
            Ok::<_, NotChanged>((changes, ()))
        })?;
        writing.tell(record);
        Ok(writing.commit()?)
    }
}
