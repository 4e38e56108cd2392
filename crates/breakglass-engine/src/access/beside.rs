//! What stands beside Conditional Access: security defaults and mandatory MFA, which no exclusion reaches, and accounts
//! that cannot sign in at all.
//!
//! **Source:** the security defaults documentation (administrator roles always, everybody on Azure Resource
//! Manager and the portals; legacy clients are blocked) and the mandatory MFA documentation (by client
//! application; Microsoft Graph is not among them, workload identities neither).

use breakglass_model::object::ObjectKey;
use breakglass_model::user::User;
use breakglass_model::well_known::ADMINISTRATOR_ROLES;
use jiff::Timestamp;

use super::demand::Outcome;
use super::membership;
use super::scope::UserSet;
use super::surfaces::{AZURE_RESOURCE_MANAGER, MandatoryMfaPhase, Surface};
use super::targets::Target;
use super::{Access, Situation, Trit};

/// Begin of mandatory MFA for the portals: 15 October 2024.
pub const MANDATORY_MFA_SIGN_IN_FROM: Timestamp = Timestamp::constant(1_728_950_400, 0);
/// Begin of mandatory MFA for writes on Azure Resource Manager: 1 October 2025.
pub const MANDATORY_MFA_WRITES_FROM: Timestamp = Timestamp::constant(1_759_276_800, 0);
/// Latest end of a postponement: 1 July 2026.
pub const MANDATORY_MFA_POSTPONED_UNTIL_MAX: Timestamp = Timestamp::constant(1_782_864_000, 0);

/// Why an account cannot sign in at all, whatever the policies say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClosedAccount {
    /// `accountEnabled` is false.
    Disabled,
    /// It was deleted.
    Deleted,
}

impl ClosedAccount {
    /// Its name in answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Disabled => "accountDisabled",
            Self::Deleted => "accountDeleted",
        }
    }

    /// Whether an account is closed.
    #[must_use]
    pub fn of(user: &User) -> Option<Self> {
        let deleted = user.detail.as_ref().and_then(|detail| detail.deleted_date_time.value());
        match (deleted, user.account_enabled.value()) {
            (Some(_), _) => Some(Self::Deleted),
            (None, Some(false)) => Some(Self::Disabled),
            _ => None,
        }
    }
}

impl Access<'_> {
    /// The users that cannot sign in at all.
    #[must_use]
    pub fn closed_accounts(&self) -> UserSet {
        let mut closed = UserSet::with_room(self.snapshot.objects.len());
        for user in self.snapshot.users.items().iter().filter(|user| ClosedAccount::of(user).is_some()) {
            closed.insert(user.key.index());
        }
        closed
    }

    /// Whether security defaults are on; `Unknown` when the snapshot does not say.
    #[must_use]
    pub fn security_defaults(&self) -> Trit {
        let policy = self.snapshot.identity_security_defaults_enforcement_policy.as_present();
        policy.and_then(|policy| policy.flag("isEnabled")).into()
    }

    /// Whether security defaults demand MFA of this sign-in for sure. Risk, which they ask too, is not looked at:
    /// they decide it themselves.
    #[must_use]
    pub fn security_defaults_demand(&self, situation: &Situation) -> bool {
        if self.security_defaults() != Trit::Yes {
            return false;
        }
        let manager = self.targets.row(&Target::Application(AZURE_RESOURCE_MANAGER.into()));
        let portals =
            super::surfaces::SURFACES.iter().filter(|surface| surface.resources.contains(&AZURE_RESOURCE_MANAGER));
        let is_manager = situation.target == manager
            || portals.into_iter().any(|surface| self.targets.application(surface.app_id) == situation.target);
        is_manager || situation.user.is_some_and(|user| self.is_administrator(user))
    }

    /// Whether a user actively holds one of the roles that security defaults treat as administrators.
    #[must_use]
    pub fn is_administrator(&self, user: ObjectKey) -> bool {
        ADMINISTRATOR_ROLES.iter().any(|role| {
            let principals = self.classes.roles().principals(role);
            principals.iter().any(|key| *key == user || membership::path(self.snapshot, *key, user).is_some())
        })
    }

    /// What security defaults make of a sign-in by a client that cannot be prompted.
    #[must_use]
    pub fn security_defaults_outcome(&self, situation: &Situation) -> Outcome {
        match (self.security_defaults(), situation.grant.is_legacy_client) {
            (Trit::Yes, true) => Outcome::Blocked,
            (Trit::Yes, false) if self.security_defaults_demand(situation) => Outcome::Challenge,
            _ => Outcome::Allowed,
        }
    }
}

/// Whether Microsoft demands MFA at a surface at an instant, given until when the tenant postponed it.
#[must_use]
pub fn mandatory_mfa(surface: &Surface, now: Timestamp, postponed_until: Option<Timestamp>) -> bool {
    match surface.mandatory_mfa {
        None => false,
        Some(MandatoryMfaPhase::SignIn) => now >= MANDATORY_MFA_SIGN_IN_FROM,
        Some(MandatoryMfaPhase::ResourceManagerWrites) => {
            let postponed = postponed_until.map(|until| until.min(MANDATORY_MFA_POSTPONED_UNTIL_MAX));
            now >= postponed.map_or(MANDATORY_MFA_WRITES_FROM, |until| until.max(MANDATORY_MFA_WRITES_FROM))
        }
    }
}
