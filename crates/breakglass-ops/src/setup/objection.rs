//! Why no plan is made.

use breakglass_engine::access::POLICY_COUNT_MAX;

use super::wanted::ACCOUNT_COUNT_MIN;

/// Why no plan is made: what is in the way, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Objection {
    /// There would be one account, or none.
    #[error("{}, and there have to be at least {ACCOUNT_COUNT_MIN}", declared_count(*.declared))]
    TooFewAccounts {
        /// How many there are.
        declared: usize,
    },
    /// Two declarations are of one account.
    #[error("account `{0}` is declared twice")]
    Twice(String),
    /// A name that is declared is no sign-in name, and no user has it.
    #[error("`{account}` is no user of the tenant, and none can be made of it: it {why}")]
    NoName {
        /// As it is declared.
        account: String,
        /// What is wrong with it.
        why: String,
    },
    /// The name of the group is too long.
    #[error("the name of the group has more than {0} characters")]
    LongName(usize),
    /// Another unit has the name of the one that is to be made.
    #[error(
        "an administrative unit is called `{0}`, and its management is not restricted, which is decided when it is made"
    )]
    UnitTaken(String),
    /// The domain of a name is not one of the tenant.
    #[error("`{account}` is to be made in `{domain}`, which is no verified domain of the tenant")]
    NoDomain {
        /// The account.
        account: String,
        /// Its domain.
        domain: String,
    },
    /// The domain is not the tenant's own.
    #[error("`{account}` is to be made in `{domain}`, and goes with that domain if somebody federates or removes it")]
    NotInitial {
        /// The account.
        account: String,
        /// Its domain.
        domain: String,
    },
    /// The domain is federated.
    #[error("`{account}` would sign in at the identity provider of the federated domain `{domain}`")]
    Federated {
        /// The account.
        account: String,
        /// Its domain.
        domain: String,
    },
    /// The name is in the bin.
    #[error("a deleted user with the name `{0}` is in the bin")]
    InBin(String),
    /// An account that exists cannot be an emergency account.
    #[error("`{account}` cannot be an emergency access account: {why}")]
    Unfit {
        /// The account.
        account: String,
        /// Why not.
        why: String,
    },
    /// The group exists and is not protected in the way that is wanted.
    #[error("group `{group}` is not protected and cannot be made so: {why}")]
    Unprotected {
        /// The group.
        group: String,
        /// Why not.
        why: String,
    },
    /// Nobody can change the members of the group where it is.
    #[error(
        "the members of group `{group}` have to change, and it is in the unit `{unit}` with restricted management, where nobody does that"
    )]
    Frozen {
        /// The group.
        group: String,
        /// The unit.
        unit: String,
    },
    /// The configuration's own rules for names speak against a name.
    #[error("`{account}` is to be made, and {why}")]
    Name {
        /// The account.
        account: String,
        /// What is against it.
        why: String,
    },
    /// Several groups have the name.
    #[error("{count} groups are called `{group}`")]
    ManyGroups {
        /// The name.
        group: String,
        /// How many there are.
        count: usize,
    },
    /// There are more policies than are evaluated.
    #[error(
        "the tenant has {0} Conditional Access policies; at most {POLICY_COUNT_MAX} are evaluated (Entra allows 240)"
    )]
    ManyPolicies(usize),
    /// Security defaults are on.
    #[error("security defaults are on, from which nobody can be excluded")]
    SecurityDefaults,
    /// Entra ID Free has nothing that could carry the exclusion.
    #[error("the tenant has Entra ID Free: {0} needs Entra ID P1")]
    NoPremium(&'static str),
    /// What has to be known is missing.
    #[error("the tenant's `{resource}` could not be read: {why}")]
    Unread {
        /// The list.
        resource: String,
        /// Why.
        why: String,
    },
}

fn declared_count(count: usize) -> String {
    match count {
        0 => "no emergency account is declared".to_owned(),
        1 => "one emergency account is declared".to_owned(),
        count => format!("{count} emergency accounts are declared"),
    }
}

impl Objection {
    /// Whether nothing can be told, rather than something be wrong.
    #[must_use]
    pub const fn is_doubt(&self) -> bool {
        matches!(self, Self::Unread { .. })
    }

    /// What to do.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::TooFewAccounts { declared } => format!(
                "declare {}: an [[account]] with a `user_principal_name` in the configuration; `breakglass init` proposes names",
                if *declared == 0 { "two" } else { "a second one" }
            ),
            Self::Twice(_) => "take one of the two [[account]] out of the configuration".to_owned(),
            Self::NoName { .. } => {
                "write the whole sign-in name, as `emergency-access-1@contoso.onmicrosoft.com`".to_owned()
            }
            Self::LongName(_) => "give a shorter name in `[exclusion] group`".to_owned(),
            Self::UnitTaken(_) => {
                "give another name in `[exclusion] unit`, under which a unit is made; that one stays as it is"
                    .to_owned()
            }
            Self::NoDomain { .. } | Self::NotInitial { .. } | Self::Federated { .. } => {
                "use the tenant's initial domain, which ends with `.onmicrosoft.com`".to_owned()
            }
            Self::InBin(name) => format!(
                "restore it (Entra admin center, Deleted users), or delete it for good, or choose another name than `{name}`"
            ),
            Self::Unfit { .. } => "declare another account; it is made if no user has its name".to_owned(),
            Self::Unprotected { .. } => {
                "give another name in `[exclusion] group`, under which a new group is made; the old one stays as it is"
                    .to_owned()
            }
            Self::Frozen { unit, .. } => format!(
                "take the group out of the unit `{unit}` (Entra admin center, Roles & admins, Admin units), plan and apply: the \
                 plan puts it back in the end"
            ),
            Self::Name { .. } => "choose another name, or change `[naming]` of the configuration".to_owned(),
            Self::ManyGroups { .. } => "give the id of the right one in `[exclusion] group`".to_owned(),
            Self::ManyPolicies(_) => "delete policies that nobody needs, then plan again".to_owned(),
            Self::SecurityDefaults => {
                "the accounts need a method that satisfies multifactor authentication now. To use Conditional Access \
                 instead (Entra ID P1), create its policies first, then turn security defaults off, then plan again"
                    .to_owned()
            }
            Self::NoPremium(_) => {
                "get Entra ID P1 (a trial will do), then run `breakglass plan --live` again. Without it there is no \
                 Conditional Access to be excluded from: make the accounts in the Entra admin center as Global \
                 Administrators for good, then run `breakglass check --live`"
                    .to_owned()
            }
            Self::Unread { resource, .. } => {
                format!(
                    "sign in as somebody who may read `{resource}` (`breakglass doctor` says what is missing); of an \
                     export, export that as well"
                )
            }
        }
    }
}
