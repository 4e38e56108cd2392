//! Which rules of Microsoft's own are in force beside what the tenant arranges.
//!
//! **Source:** the mandatory multifactor authentication documentation (admin portals at sign-in; create, update and delete
//! on Azure Resource Manager since 1 October 2025); the course of 2023 that says 24 hours for refresh tokens, and the page on
//! token lifetimes that says 90 days.

/// Microsoft's own rules, once and now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Profile {
    /// A password is enough for the portals and Azure Resource Manager, and refresh tokens are good for a day.
    Classic,
    /// Multifactor authentication is demanded there, and refresh tokens are good for 90 days.
    #[default]
    Current,
}

impl Profile {
    /// Whether multifactor authentication is demanded beside all policies.
    pub(crate) fn has_mandatory_mfa(self) -> bool {
        self == Self::Current
    }

    /// Hours for which a refresh token is good.
    pub(crate) const fn refresh_token_hours(self) -> i64 {
        match self {
            Self::Classic => 24,
            Self::Current => 90 * 24,
        }
    }
}
