//! What the analysis is told beside the tenant.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;

use breakglass_model::authentication_method::AuthenticationMethod;
use breakglass_model::object::ObjectKey;
use jiff::Timestamp;

use super::component::Component;
use super::custody::Custody;
use super::goal::Horizon;
use super::pattern::ComponentPattern;

/// Largest size of cuts that are looked for where nothing else is said.
pub const MAX_ORDER_DEFAULT: usize = 5;
/// Largest size that may be asked for.
pub const MAX_ORDER_MAX: usize = 16;
/// Nodes of the search tree for one answer; beyond it the answer says how far it searched.
pub const NODE_COUNT_MAX: u64 = 200_000;
/// Cuts that are listed.
pub const CUT_COUNT_MAX: usize = 1_000;
/// Ways that are listed.
pub const WAY_COUNT_MAX: usize = 400;

/// How passwords of synchronised users are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnPremisesAuthentication {
    /// Password hashes are synchronised; the cloud checks.
    PasswordHash,
    /// Agents on premises check.
    PassThrough,
}

/// A scenario of the user's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnScenario {
    /// Its id.
    pub id: String,
    /// What it is, in words.
    pub title: String,
    /// Components that fail, or kinds of them, such as `net:*`.
    pub failed: Vec<ComponentPattern>,
}

/// What is supposed beside the tenant as it is, to see what it would do.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Supposed {
    /// Methods that users have besides.
    pub methods: BTreeMap<ObjectKey, Vec<AuthenticationMethod>>,
    /// Roles (template ids) that users hold actively.
    pub active: BTreeSet<(ObjectKey, String)>,
    /// Whether there is one more emergency account, with a passkey and out of every policy.
    pub has_spare_account: bool,
    /// Kinds of methods, by the ids of their configurations, that the methods policy lets everybody use.
    pub switched_on: BTreeSet<&'static str>,
    /// People who approve the activation of a role (template id) besides.
    pub approvers: BTreeSet<(&'static str, ObjectKey)>,
    /// Shares of which somebody else keeps a copy: the number of the envelope, and of the share in it, from 1.
    pub copies: BTreeSet<(usize, usize)>,
}

/// Settings of the analysis.
#[derive(Debug, Clone)]
pub struct LockoutSettings {
    /// How long after the last sign-in.
    pub horizon: Horizon,
    /// Largest size of cuts that are looked for.
    pub max_order: usize,
    /// Nodes of the search tree.
    pub node_count_max: u64,
    /// Whether applications with repair permissions count as ways.
    pub with_applications: bool,
    /// Components that are held up.
    pub assumed: BTreeSet<Component>,
    /// Assumptions that can fail all the same, of [`ASSUMPTIONS`].
    pub fallible: BTreeSet<Component>,
    /// How secrets are kept.
    pub custody: Custody,
    /// How passwords of synchronised users are checked, if that is known.
    pub on_premises: Option<OnPremisesAuthentication>,
    /// Country in which the addresses of a named location lie, by the location's id.
    pub network_countries: BTreeMap<String, String>,
    /// Until when the tenant postponed mandatory multifactor authentication.
    pub mandatory_mfa_postponed_until: Option<Timestamp>,
    /// The emergency accounts.
    pub accounts: Vec<ObjectKey>,
    /// Of declared emergency accounts that could not be found for sure: which, and why.
    pub unresolved_accounts: Vec<String>,
    /// Scenarios of the user's own.
    pub scenarios: Vec<OwnScenario>,
    /// What is supposed beside the tenant as it is.
    pub supposed: Supposed,
    /// Processors that may be used at once; the answer is the same for any number.
    pub processors: NonZeroUsize,
}

impl Default for LockoutSettings {
    fn default() -> Self {
        Self {
            horizon: Horizon::Day,
            max_order: MAX_ORDER_DEFAULT,
            node_count_max: NODE_COUNT_MAX,
            with_applications: false,
            assumed: BTreeSet::new(),
            fallible: BTreeSet::new(),
            custody: Custody::default(),
            on_premises: None,
            network_countries: BTreeMap::new(),
            mandatory_mfa_postponed_until: None,
            accounts: Vec::new(),
            unresolved_accounts: Vec::new(),
            scenarios: Vec::new(),
            supposed: Supposed::default(),
            processors: NonZeroUsize::MIN,
        }
    }
}

/// What is held up unless it is asked for, by id.
pub const ASSUMPTIONS: [&str; 2] = ["svc:fido-verify", "net:elsewhere"];

/// Which facts count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// What is not known counts against it.
    Promised,
    /// What is not known counts for it.
    Possible,
}

impl Mode {
    /// Whether a three-valued fact counts as so.
    #[must_use]
    pub fn takes(self, truth: crate::access::Trit) -> bool {
        match self {
            Self::Promised => truth == crate::access::Trit::Yes,
            Self::Possible => truth != crate::access::Trit::No,
        }
    }
}
