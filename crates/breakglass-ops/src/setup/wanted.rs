//! The arrangement as it is to be.

/// Accounts of an arrangement at least: one may be lost.
pub const ACCOUNT_COUNT_MIN: usize = 2;

/// An emergency access account as it is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedAccount {
    /// Its sign-in name, or the id of one that is there.
    pub name: String,
    /// The name to show, for one that is made; else it follows from the sign-in name.
    pub display_name: Option<String>,
}

/// What protects the group from whoever may edit groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Protection {
    /// It can be assigned to roles, which only Global and Privileged Role Administrators change.
    RoleAssignable,
    /// It is in an administrative unit with restricted management, and cannot be assigned to roles: the two together
    /// freeze the members.
    RestrictedUnit {
        /// The unit's name.
        name: String,
    },
}

impl Protection {
    /// What has to be made for it.
    pub(super) const fn words(&self) -> &'static str {
        match self {
            Self::RoleAssignable => "a group that can be assigned to roles",
            Self::RestrictedUnit { .. } => "a unit with restricted management",
        }
    }
}

/// Which policies exclude the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Every policy about users, whatever its state.
    EveryPolicy,
    /// Every policy that is on or only reports, is about users who may be members, and can refuse a sign-in.
    WhateverMayBlock,
}

/// The arrangement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Its accounts.
    pub accounts: Vec<WantedAccount>,
    /// Name or id of the group that carries the exclusion.
    pub group: String,
    /// What protects it.
    pub protection: Protection,
    /// Which policies exclude it.
    pub reach: Reach,
    /// Whether the accounts sign in with passkeys, which the tenant must let them.
    pub has_passkeys: bool,
    /// Names before the `@` that no account gets, in lower case.
    pub forbidden_names: Vec<String>,
    /// Parts of which each name has to have one, in lower case; none for whatever name.
    pub wanted_name_parts: Vec<String>,
}
