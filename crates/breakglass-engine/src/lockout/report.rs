//! What the analysis says: orders, cuts, ways in, scenarios, dates and suggestions, with names and causes.
//!
//! **Invariant:** everything is in an order of its own (cuts by size, then by the ids of their components; ways as
//! they were found, by a deterministic search), so that the same tenant gives the same report.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::component::Component;
use super::goal::{Goal, Horizon, Surface};

/// The report on one goal and one horizon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockoutReport {
    /// What has to be reached.
    pub goal: Goal,
    /// How long after the last sign-in.
    pub horizon: Horizon,
    /// What is held up, in words.
    pub assumptions: Vec<String>,
    /// Of those of the configuration, the ones that nothing depends on.
    pub idle_assumptions: Vec<Component>,
    /// Ways without anybody changing a policy first.
    pub direct: Answer,
    /// Ways where somebody may take policies away first.
    pub after_repair: Order,
    /// The order with the last step at one surface alone.
    pub surfaces: Vec<(Surface, Order)>,
    /// The order of the other goals.
    pub goals: Vec<(Goal, Order)>,
    /// What was played through.
    pub scenarios: Vec<ScenarioResult>,
    /// Dates within the year to come from which on the order is another.
    pub dated: Vec<DatedOrder>,
    /// Dates of that year that were not looked at, since there are too many.
    pub dates_left_out: Option<DatesLeftOut>,
    /// Facts that the snapshot does not tell, each with what it keeps from being promised.
    pub unknowns: Vec<String>,
    /// Single changes that raise the order, the best first.
    pub suggestions: Vec<Suggestion>,
    /// Single changes that might raise it and were not tried, since there are too many.
    pub untried_change_count: usize,
    /// Everybody who gets in as things are.
    pub people: GettingIn,
    /// Every component that the report names.
    pub components: BTreeMap<Component, ComponentWords>,
}

/// How many failures it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Order {
    /// Size of the smallest cut of what is promised; `None` if there is none up to `searched_to`.
    pub proved: Option<usize>,
    /// The same of what is possible.
    pub possible: Option<usize>,
    /// All cuts up to this size were found; `None` if the limit of nodes was met before the first size.
    pub searched_to: Option<usize>,
    /// Whether there is no cut of any greater size than those found.
    pub is_exhausted: bool,
}

/// Cuts and ways.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// The order.
    pub order: Order,
    /// Minimal cuts up to the size that was searched.
    pub cuts: Vec<Cut>,
    /// Whether there are more cuts than are listed.
    pub are_cuts_truncated: bool,
    /// Minimal ways in: enough of them that no set of failures smaller than the order hits them all.
    pub ways: Vec<Way>,
    /// Whether there are (or may be) more ways than are listed.
    pub are_ways_truncated: bool,
}

/// Kinds of people whose ways are told.
pub const TOLD_KIND_COUNT_MAX: usize = 40;

/// Everybody of whom it is promised that they get in while nothing fails, by themselves or helped by others.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GettingIn {
    /// How many people.
    pub person_count: usize,
    /// People who are alike told together, the most first: all of them, however many.
    pub kinds: Vec<KindOfPeople>,
}

/// People who hold the same roles, have methods of the same kinds, and meet the same policies: whatever one of them
/// needs to get in, each of the others needs of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindOfPeople {
    /// Who, by id and name, in the order of the names.
    pub people: Vec<(String, String)>,
    /// Of how many of them, the first in that order, the ways are told: of all where few people get in, of one where
    /// there are many, of none beyond [`TOLD_KIND_COUNT_MAX`] kinds.
    pub told_person_count: usize,
    /// Minimal ways of these people: each by itself, or where there is none, one with the help of others.
    pub ways: Vec<Way>,
    /// Whether one of these has more ways than are listed.
    pub are_ways_truncated: bool,
}

/// A smallest set of failures that leaves no way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// What fails, by id.
    pub elements: Vec<Component>,
    /// Policies and settings that make its elements necessary.
    pub because: Vec<Cause>,
    /// Whether it is a cut however the unknown facts are.
    pub certainty: Certainty,
}

/// How sure a cut is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certainty {
    /// It leaves no way even if every unknown fact is as good as it can be.
    Proved,
    /// It leaves no way that could be promised.
    Possible,
}

/// Why something is needed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// A Conditional Access policy.
    Policy {
        /// Its id.
        id: String,
        /// Its name.
        name: String,
    },
    /// A setting outside Conditional Access, in words.
    Setting(&'static str),
}

/// A way in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// Who reaches the goal: a user's id, or a service principal's.
    pub user: String,
    /// Its name.
    pub name: String,
    /// What has to be up, by id.
    pub needs: Vec<Component>,
    /// How the last session is begun.
    pub context: WayContext,
    /// What is done, in order.
    pub steps: Vec<String>,
    /// The sessions that are begun on the way, the last one last.
    pub sessions: Vec<WaySession>,
    /// Per component that a policy or setting makes necessary, which ones.
    pub because: BTreeMap<Component, Vec<Cause>>,
}

/// A session that is begun on a way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaySession {
    /// Whose, by id.
    pub user: String,
    /// By name.
    pub name: String,
    /// Template id of the role that was activated for it.
    pub role: Option<&'static str>,
    /// Id of the tool.
    pub tool: String,
    /// As in [`WayContext`].
    pub location: String,
    /// As in [`WayContext`].
    pub device: String,
    /// As in [`WayContext`].
    pub combination: String,
}

/// How a session is begun.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WayContext {
    /// Id of the tool.
    pub tool: String,
    /// `elsewhere`, or the ids of the named locations.
    pub location: String,
    /// `unmanaged on <platform>`, or the id of a device.
    pub device: String,
    /// Authentication combination, as Graph writes it.
    pub combination: String,
}

impl WayContext {
    /// The combination in words: `password + text message`.
    #[must_use]
    pub fn combination_words(&self) -> String {
        combination_words(&self.combination)
    }
}

/// A combination of methods, as Graph writes it, in words.
pub(super) fn combination_words(combination: &str) -> String {
    let modes: Vec<&str> = combination.split(',').filter(|mode| !mode.is_empty()).map(mode_words).collect();
    modes.join(" + ")
}

fn mode_words(mode: &str) -> &str {
    match mode.trim() {
        "fido2" => "passkey",
        "sms" => "text message",
        "voice" => "call",
        "windowsHelloForBusiness" => "Windows Hello",
        "microsoftAuthenticatorPush" => "Authenticator push",
        "deviceBasedPush" => "Authenticator sign-in",
        "softwareOath" => "one-time code",
        "hardwareOath" => "hardware token",
        "x509CertificateMultiFactor" => "certificate",
        "x509CertificateSingleFactor" => "certificate (one factor)",
        "temporaryAccessPassOneTime" | "temporaryAccessPassMultiUse" => "temporary access pass",
        "federatedMultiFactor" => "federated sign-in with MFA",
        "federatedSingleFactor" => "federated sign-in",
        "unknown" => "an unknown method",
        other => other,
    }
}

/// Something that was played through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScenarioResult {
    /// Its id.
    pub id: String,
    /// What it is, in words.
    pub title: String,
    /// What failed in it.
    pub failed: Vec<Component>,
    /// What changed in it, if something did.
    pub delta: Option<String>,
    /// Whether something fails in it that this tenant has, or something changes: else it says nothing that a way is
    /// left, or none.
    pub applies: bool,
    /// Whether a promised way is left.
    pub survives: bool,
    /// The way that is left, an index into the answer's ways where it is among them.
    pub way: Option<usize>,
    /// Whose way that is, in words.
    pub by: Option<String>,
    /// How many more failures it then takes; `None` if none up to the size searched.
    pub order_left: Order,
    /// What has to be said about it.
    pub note: Option<String>,
}

/// From a date on, the order is another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatedOrder {
    /// From when.
    pub from: Timestamp,
    /// What happens then, in words.
    pub because: Vec<String>,
    /// The order from then on.
    pub order: Order,
}

/// Dates that were not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatesLeftOut {
    /// The first of them.
    pub from: Timestamp,
    /// How many they are.
    pub count: usize,
}

/// One change that raises the order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// What to do, in words.
    pub change: String,
    /// The order before and after.
    pub order: (Option<usize>, Option<usize>),
    /// Cuts of that size that are left.
    pub cuts_at_order: usize,
    /// What protection it weakens, in words; `None` if none.
    pub weakens: Option<String>,
    /// The change as `guard` takes it, where it is one of a policy or a group.
    pub edit: Option<ProposedEdit>,
    /// The line that has `guard` try it, for whoever knows where the tenant and the document lie.
    pub verify: Option<String>,
}

/// A change as a document: what Graph takes as the body of a `PATCH`, with the id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposedEdit {
    /// What it changes.
    pub kind: EditKind,
    /// The document.
    pub body: serde_json::Value,
}

/// What a document changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EditKind {
    /// A Conditional Access policy.
    Policy,
    /// A group.
    Group,
}

/// A component in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComponentWords {
    /// Its name.
    pub name: String,
    /// What its failure is.
    pub fails_when: String,
    /// Its failure as a clause, where `<name> is <fails_when>` is none.
    pub clause: Option<String>,
    /// The person it belongs to, if it belongs to one.
    pub user: Option<String>,
}
