//! Which rules of Microsoft's own are in force beside what the tenant arranges.
//!
//! **Source:** the mandatory multifactor authentication documentation (admin portals at sign-in; create, update and delete
//! on Azure Resource Manager since 1 October 2025); the course of 2023 that says 24 hours for refresh tokens, and the page on
//! token lifetimes that says 90 days.

use jiff::SignedDuration;

/// Microsoft's own rules, once and now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Profile {
    /// A password is enough for the portals and Azure Resource Manager, refresh tokens are good for a day, and access tokens
    /// for their hour whatever happens meanwhile.
    Classic,
    /// Multifactor authentication is demanded there, refresh tokens are good for 90 days, and access is evaluated
    /// continuously where a client asks for it.
    #[default]
    Current,
}

impl Profile {
    /// Whether multifactor authentication is demanded beside all policies.
    pub(crate) fn has_mandatory_mfa(self) -> bool {
        self == Self::Current
    }

    /// Whether clients that answer challenges of continuous access evaluation get tokens that last longer and are looked at
    /// again at each request.
    pub(crate) fn has_watched_tokens(self) -> bool {
        self == Self::Current
    }

    /// For how long a refresh token is good.
    pub(crate) const fn refresh_token_lasts(self) -> SignedDuration {
        match self {
            Self::Classic => SignedDuration::from_hours(24),
            Self::Current => SignedDuration::from_hours(90 * 24),
        }
    }
}
