//! The referee of the lockout analysis: a naive simulator of a small tenant under failures.
//!
//! It takes every address at which a named location begins or ends, every country, platform, device, method and level
//! of risk as it is, asks the plain referee which policies apply to each sign-in, and derives who reaches what by
//! going through all rules until nothing changes, for each set of components that are up. Nothing is folded, ordered
//! by usefulness or searched for; the cuts are read off the table of all sets.
//!
//! **Invariant:** no code is shared with the analysis that it judges, only the snapshot's types; whether a policy
//! applies is what [`crate::referee`] says.
//! **Source:** `docs/concepts/lockout.md`.

mod beside;
mod build;
mod cuts;
mod demands;
mod methods;
mod people;
mod places;
mod roles;
mod sign_ins;
mod simulator;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use breakglass_model::snapshot::Snapshot;
use jiff::Timestamp;

use crate::referee::{Answer, RefereeSurface};

pub use cuts::{COMPONENT_COUNT_MAX, TooManyComponents};
pub use simulator::Simulator;

/// What is to hold whatever the unknown facts are, or what may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// Whatever they are.
    Promised,
    /// If each is as good as it can be.
    Possible,
}

impl Mode {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Promised, Self::Possible];

    /// Whether something that helps counts.
    fn has(self, help: Answer) -> bool {
        match self {
            Self::Promised => help == Answer::Yes,
            Self::Possible => help != Answer::No,
        }
    }

    /// Whether something that hinders counts.
    fn fears(self, hindrance: Answer) -> bool {
        match self {
            Self::Promised => hindrance != Answer::No,
            Self::Possible => hindrance == Answer::Yes,
        }
    }
}

/// What somebody must be able to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Goal {
    /// Repair whatever is broken.
    FullRepair,
    /// Make somebody Global Administrator.
    AssignGa,
    /// Give an administrator new credentials.
    ResetAdmin,
    /// Change Conditional Access policies.
    EditCa,
}

impl Goal {
    /// Every goal.
    pub const ALL: [Self; 4] = [Self::FullRepair, Self::AssignGa, Self::ResetAdmin, Self::EditCa];

    /// Its name on the command line and in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FullRepair => "full-repair",
            Self::AssignGa => "assign-ga",
            Self::ResetAdmin => "reset-admin",
            Self::EditCa => "edit-ca",
        }
    }
}

/// A door of the tenant at which the last step is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Surface {
    /// The Entra admin center.
    Portal,
    /// Microsoft Graph.
    Graph,
    /// Azure Resource Manager.
    Azure,
    /// The Microsoft 365 admin center.
    M365,
}

impl Surface {
    /// Every surface.
    pub const ALL: [Self; 4] = [Self::Portal, Self::Graph, Self::Azure, Self::M365];

    /// Its name on the command line and in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Portal => "portal",
            Self::Graph => "graph",
            Self::Azure => "azure",
            Self::M365 => "m365",
        }
    }
}

/// Whether somebody may take policies away first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Nobody.
    Direct,
    /// Whoever reaches `edit-ca` directly.
    AfterRepair,
}

/// How long after the last sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Horizon {
    /// Sessions may be open.
    Now,
    /// Open sessions must pass the policies again.
    Hour,
    /// No session is left.
    Day,
}

impl Horizon {
    /// Its name on the command line and in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::Hour => "1h",
            Self::Day => "24h",
        }
    }
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Question {
    /// Promised or possible.
    pub mode: Mode,
    /// What has to be reached.
    pub goal: Goal,
    /// The only surface of the last step; `None` for the tools of the goal.
    pub surface: Option<Surface>,
    /// With or without a repair.
    pub stage: Stage,
    /// How soon.
    pub horizon: Horizon,
}

impl Question {
    /// The headline: full repair, directly, with no session left.
    #[must_use]
    pub const fn headline(mode: Mode) -> Self {
        Self { mode, goal: Goal::FullRepair, surface: None, stage: Stage::Direct, horizon: Horizon::Day }
    }
}

/// How secrets are kept, as the configuration declares it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Custody {
    /// Site of each custodian, by the custodian's id.
    pub custodians: BTreeMap<String, Option<String>>,
    /// Site of each safe, by the safe's id.
    pub safes: BTreeMap<String, Option<String>>,
    /// Depositories, by id.
    pub depositories: BTreeMap<String, Depository>,
    /// Secrets in shares.
    pub envelopes: Vec<Envelope>,
}

/// A place on a computer that keeps shares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Depository {
    /// Where it is.
    pub site: Option<String>,
    /// Users of whom one has to sign in to the tenant to reach it, by id or sign-in name.
    pub signs_in: Vec<String>,
    /// What they sign in to; Microsoft Graph PowerShell where it is not said.
    pub application: Option<String>,
}

/// A secret in shares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The account, by id or sign-in name.
    pub account: String,
    /// The authentication method that is in it; `None` for the password.
    pub method: Option<String>,
    /// How many shares open it.
    pub threshold: usize,
    /// The shares.
    pub shares: Vec<Share>,
}

/// One share: all that is named is needed for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Share {
    /// Who keeps it.
    pub custodian: Option<String>,
    /// The safe it lies in.
    pub safe: Option<String>,
    /// The depository it lies in.
    pub depository: Option<String>,
}

/// What is known besides the snapshot and the custody.
#[derive(Debug, Clone)]
pub struct LockoutSettings {
    /// When.
    pub now: Timestamp,
    /// The keyword table.
    pub surfaces: Vec<RefereeSurface>,
    /// Whether passwords of synchronised users are checked in the cloud, where the configuration says.
    pub password_hash_sync: Option<bool>,
    /// In which country the addresses of a named location lie, by the location's id, where the configuration says.
    pub countries: BTreeMap<String, String>,
    /// Until when mandatory multifactor authentication at Azure Resource Manager is postponed.
    pub mandatory_mfa_postponed_until: Option<Timestamp>,
}

/// A tenant as the simulator sees it.
#[derive(Debug)]
pub struct LockoutReferee<'a> {
    snapshot: &'a Snapshot,
    custody: &'a Custody,
    settings: &'a LockoutSettings,
    people: Vec<people::Person<'a>>,
    tools: Vec<beside::Tool>,
    devices: Vec<sign_ins::DeviceChoice<'a>>,
    points: Vec<places::Point>,
    sign_ins: std::cell::RefCell<sign_ins::SignIns>,
}

impl<'a> LockoutReferee<'a> {
    /// Looks at a tenant. The account of an envelope that is not in the snapshot is nobody's.
    ///
    /// # Panics
    /// With more than 64 policies.
    #[must_use]
    pub fn new(snapshot: &'a Snapshot, custody: &'a Custody, settings: &'a LockoutSettings) -> Self {
        assert!(snapshot.conditional_access_policies.items().len() <= 64, "the simulator is for small tenants");
        Self {
            snapshot,
            custody,
            settings,
            people: people::people(snapshot),
            tools: beside::tools(custody),
            devices: sign_ins::devices(snapshot),
            points: places::points(snapshot, settings),
            sign_ins: std::cell::RefCell::default(),
        }
    }

    /// The simulator of one question.
    #[must_use]
    pub fn ask(&self, question: Question) -> Simulator {
        build::simulator(self, question)
    }

    /// The plain evaluator of policies on this tenant.
    fn policies<'s>(&'s self, snapshot: &'s Snapshot) -> crate::referee::Referee<'s> {
        let LockoutSettings { surfaces, now, .. } = &self.settings;
        crate::referee::Referee { snapshot, surfaces, now: *now, satisfied: &[], is_unlocated: true }
    }

    /// The same on the tenant as it is.
    fn referee(&self) -> crate::referee::Referee<'_> {
        self.policies(self.snapshot)
    }

    /// Who is meant by an id or a sign-in name.
    fn person(&self, name: &str) -> Option<usize> {
        let by_id = self.people.iter().position(|person| person.id == name);
        by_id.or_else(|| {
            self.people.iter().position(|person| {
                person.user.user_principal_name.as_deref().is_some_and(|upn| upn.eq_ignore_ascii_case(name))
            })
        })
    }
}
