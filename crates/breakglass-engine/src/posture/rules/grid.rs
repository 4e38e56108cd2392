//! The What If grid: every account at every tool that an administrator would recover the tenant with, through every
//! client, on every platform, from every place, at every risk and on every kind of device.
//!
//! Places that no policy tells apart are one place, so the grid stays small and loses nothing. Clients that cannot
//! be prompted (legacy protocols) are not in it: no recovery tool is one of them. Besides Conditional Access, the
//! two demands that know no exclusion are taken into account: mandatory multifactor authentication and security
//! defaults.
//!
//! **Limits:** [`GRID_SITUATION_COUNT_MAX`] situations per account. **Invariant:** a situation counts as open only
//! if every policy that may apply is known to be met.
//! **Source:** the mandatory multifactor authentication and security defaults documentation.

use std::collections::BTreeMap;
use std::fmt;

use breakglass_model::named_location::LocationCoverage;
use breakglass_model::object::ObjectKey;
use breakglass_model::sign_in::{DeviceInfo, SignInConditions, SignInIdentity, WhatIfRequest};

use super::super::Case;
use super::scope;
use crate::access::beside::mandatory_mfa;
use crate::access::demand::{Control, Demand, GrantSituation, Outcome, OutcomeRange};
use crate::access::locations::{Countries, CountryRow, Signature};
use crate::access::person::{self, Methods};
use crate::access::surfaces::{SURFACES, Surface};
use crate::access::{Decision, Situation, Target, Trit};

/// Situations that are worked out for one account; a grid with more of them is cut, and says so.
pub(in crate::posture) const GRID_SITUATION_COUNT_MAX: usize = 1 << 20;
/// Examples that are kept, each of another cause.
const EXAMPLE_COUNT_MAX: usize = 3;

const CLIENTS: [(&str, &str); 2] = [("browser", "in a browser"), ("mobileAppsAndDesktopClients", "in an application")];
const PLATFORMS: [(&str, &str); 6] = [
    ("windows", "on Windows"),
    ("macOS", "on macOS"),
    ("linux", "on Linux"),
    ("android", "on Android"),
    ("iOS", "on iOS"),
    ("unknownFutureValue", "on an unknown platform"),
];
const RISKS: [&str; 4] = ["none", "low", "medium", "high"];
/// Device states: words, compliance, trust type.
const DEVICES: [(&str, Option<bool>, Option<&str>); 3] = [
    ("an unregistered device", None, None),
    ("a compliant device", Some(true), Some("AzureAD")),
    ("a hybrid joined device", None, Some("ServerAD")),
];

/// What keeps an account out, or may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::posture) enum Cause {
    /// A policy, by its index.
    Policy(usize),
    /// Mandatory multifactor authentication.
    MandatoryMfa,
    /// Security defaults.
    SecurityDefaults,
}

/// How many situations end how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::posture) struct Counts {
    /// The account does not get in.
    pub(in crate::posture) blocked: u64,
    /// Could not tell.
    pub(in crate::posture) unknown: u64,
    /// It gets in with what it has besides the password.
    pub(in crate::posture) needed: u64,
    /// It gets in with the password.
    pub(in crate::posture) allowed: u64,
}

impl Counts {
    /// All of them.
    pub(in crate::posture) const fn total(&self) -> u64 {
        self.blocked + self.unknown + self.needed + self.allowed
    }

    /// Whether every situation lets the account in.
    pub(in crate::posture) const fn is_open(&self) -> bool {
        self.blocked == 0 && self.unknown == 0
    }

    fn add(&mut self, other: &Self) {
        self.blocked += other.blocked;
        self.unknown += other.unknown;
        self.needed += other.needed;
        self.allowed += other.allowed;
    }
}

/// A situation in words, with what decided it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::posture) struct Example {
    /// What decided.
    pub(in crate::posture) cause: Cause,
    /// The situation.
    pub(in crate::posture) words: String,
}

/// The grid of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::posture) struct AccountGrid {
    /// Per tool, how its situations end.
    pub(in crate::posture) tools: Vec<ToolCounts>,
    /// Per cause, how many situations it closes.
    pub(in crate::posture) blocked_by: BTreeMap<Cause, u64>,
    /// Closed situations, one per cause.
    pub(in crate::posture) examples: Vec<Example>,
    /// Why situations are unknown, once each.
    pub(in crate::posture) whys: Vec<String>,
}

impl AccountGrid {
    /// How all situations end.
    pub(in crate::posture) fn counts(&self) -> Counts {
        let mut all = Counts::default();
        self.tools.iter().for_each(|tool| all.add(&tool.counts));
        all
    }
}

/// How the situations at one tool end.
#[derive(Debug, Clone)]
pub(in crate::posture) struct ToolCounts {
    /// The tool.
    pub(in crate::posture) tool: &'static Surface,
    /// Its situations.
    pub(in crate::posture) counts: Counts,
}

impl PartialEq for ToolCounts {
    fn eq(&self, other: &Self) -> bool {
        self.tool.app_id == other.tool.app_id && self.counts == other.counts
    }
}

impl Eq for ToolCounts {}

/// The grid of all accounts.
#[derive(Debug, Clone)]
pub(in crate::posture) struct Grid {
    /// One per account.
    pub(in crate::posture) accounts: Vec<(ObjectKey, AccountGrid)>,
    /// How it was made up, in words.
    pub(in crate::posture) axes: String,
    /// Whether situations were left out.
    pub(in crate::posture) is_cut: bool,
}

impl Grid {
    /// The different grids, each with the accounts that share it, in the order of the accounts.
    pub(in crate::posture) fn shared(&self) -> Vec<(Vec<ObjectKey>, &AccountGrid)> {
        let mut shared: Vec<(Vec<ObjectKey>, &AccountGrid)> = Vec::new();
        for (account, grid) in &self.accounts {
            match shared.iter_mut().find(|(_, known)| *known == grid) {
                Some((accounts, _)) => accounts.push(*account),
                None => shared.push((vec![*account], grid)),
            }
        }
        shared
    }
}

/// A place that policies tell apart from others.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    words: String,
    address: Signature,
    country: CountryRow,
}

/// A sign-in of nobody to nothing, and its words.
struct Base {
    situation: Situation,
    words: [String; 4],
}

impl Grid {
    /// Works the grid out.
    pub(in crate::posture) fn of(case: &Case<'_>) -> Self {
        let tools: Vec<&'static Surface> = SURFACES.iter().filter(|surface| surface.is_recovery).collect();
        let targets: Vec<Target> = tools.iter().map(|tool| Target::Application(tool.app_id.into())).collect();
        let places = places(case);
        let bases = bases(case);
        let axes = format!(
            "{} tools, {} kinds of client, {} platforms, {}, {} combinations of risk, {} device states",
            tools.len(),
            CLIENTS.len(),
            PLATFORMS.len(),
            scope::counted(places.len(), "place that policies tell apart", "places that policies tell apart"),
            RISKS.len() * RISKS.len(),
            DEVICES.len()
        );
        let situations = bases.len() * places.len();
        let is_cut = situations * tools.len() > GRID_SITUATION_COUNT_MAX;
        let fitting = GRID_SITUATION_COUNT_MAX / tools.len().max(1);
        let accounts = case.accounts.keys.iter().map(|account| {
            let mut judge = Judge::of(case, *account);
            let mut grid = AccountGrid {
                tools: tools.iter().map(|tool| ToolCounts { tool, counts: Counts::default() }).collect(),
                blocked_by: BTreeMap::new(),
                examples: Vec::new(),
                whys: Vec::new(),
            };
            let all = bases.iter().flat_map(|base| places.iter().map(move |place| (base, place)));
            let is_there = case.snapshot.user(*account).is_some() || !case.snapshot.users.is_complete();
            for (base, place) in all.take(if is_there { fitting } else { 0 }) {
                let mut situation = case.access.by_user(base.situation.clone(), *account);
                (situation.address, situation.country) = (place.address, place.country);
                grid.enter(&mut judge, &targets, &situation, (base, place));
            }
            (*account, grid)
        });
        Self { accounts: accounts.collect(), axes, is_cut }
    }
}

impl AccountGrid {
    fn enter(&mut self, judge: &mut Judge<'_, '_>, targets: &[Target], situation: &Situation, words: (&Base, &Place)) {
        let (base, place) = words;
        for (ToolCounts { tool, counts }, target) in self.tools.iter_mut().zip(targets) {
            let end = judge.judge(&judge.case.access.to_target(situation.clone(), target), tool);
            match end {
                End::Allowed => counts.allowed += 1,
                End::Needed => counts.needed += 1,
                End::Unknown(why) => {
                    counts.unknown += 1;
                    if self.whys.len() < EXAMPLE_COUNT_MAX && !self.whys.contains(&why) {
                        self.whys.push(why);
                    }
                }
                End::Blocked(cause) => {
                    counts.blocked += 1;
                    *self.blocked_by.entry(cause).or_default() += 1;
                    let is_new = self.examples.iter().all(|example| example.cause != cause);
                    if is_new && self.examples.len() < EXAMPLE_COUNT_MAX {
                        let [client, platform, risk, device] = &base.words;
                        let words = format!("{}, {client} {platform}, {}{risk}, with {device}", tool.name, place.words);
                        self.examples.push(Example { cause, words });
                    }
                }
            }
        }
    }
}

/// How a situation ends.
enum End {
    Allowed,
    Needed,
    Blocked(Cause),
    Unknown(String),
}

/// Judges the situations of one account.
struct Judge<'c, 'a> {
    case: &'c Case<'a>,
    methods: Methods,
    met: BTreeMap<(usize, usize), Trit>,
    decision: Decision,
    security_defaults: Trit,
}

impl<'c, 'a> Judge<'c, 'a> {
    fn of(case: &'c Case<'a>, account: ObjectKey) -> Self {
        let (methods, met) = (scope::methods(case, account), BTreeMap::new());
        let security_defaults = case.access.security_defaults();
        Self { case, methods, met, decision: Decision::default(), security_defaults }
    }

    fn judge(&mut self, situation: &Situation, tool: &Surface) -> End {
        let by_policies = if self.case.access.outcome(situation) == OutcomeRange::exactly(Outcome::Allowed) {
            End::Allowed
        } else {
            self.policies(situation)
        };
        let mandatory = mandatory_mfa(tool, self.case.now, self.case.settings.mandatory_mfa_postponed_until);
        // The accounts are administrators, of whom security defaults demand it everywhere.
        let beside = [(mandatory.into(), Cause::MandatoryMfa), (self.security_defaults, Cause::SecurityDefaults)];
        beside.into_iter().fold(by_policies, |end, (is_demanded, cause)| self.with_mfa(end, is_demanded, cause))
    }

    /// What the policies in force make of it.
    fn policies(&mut self, situation: &Situation) -> End {
        let mut decision = std::mem::take(&mut self.decision);
        self.case.access.decide(situation, &mut decision);
        let enabled = &self.case.access.compiled().enabled;
        let mut end = End::Allowed;
        for (word, (may, enabled_may)) in decision.may.iter().zip(&enabled.may).enumerate() {
            let sure = decision.sure.get(word).copied().unwrap_or_default()
                & enabled.sure.get(word).copied().unwrap_or_default();
            for bit in crate::access::bits(may & enabled_may) {
                let policy = word * 64 + bit;
                let demands_nothing = self.case.access.compiled().demands().get(policy) == Some(&Demand::Nothing);
                let met = self.is_met(policy, situation.grant);
                end = match (met, sure >> bit & 1 == 1, end) {
                    (_, _, End::Blocked(cause)) => End::Blocked(cause),
                    (Trit::No, true, _) => End::Blocked(Cause::Policy(policy)),
                    (Trit::No, false, _) | (Trit::Unknown, _, _) => End::Unknown(self.why(policy, situation)),
                    (Trit::Yes, _, End::Allowed) if !demands_nothing => End::Needed,
                    (Trit::Yes, _, end) => end,
                };
            }
        }
        self.decision = decision;
        end
    }

    fn why(&self, policy: usize, situation: &Situation) -> String {
        let analysis = self.case.access.analyse_policy(policy, situation);
        let name = self.case.access.policies().get(policy).map_or("", |policy| policy.name());
        match analysis.unknown.first() {
            Some(why) => format!("policy `{name}`: {why}"),
            None if !self.methods.is_known => format!("policy `{name}`: the account's methods are not in the snapshot"),
            None => format!("policy `{name}`: whether the account can give what it demands"),
        }
    }

    /// Whether the account can meet a policy's demand on a device.
    fn is_met(&mut self, policy: usize, grant: GrantSituation) -> Trit {
        if let Some(met) = self.met.get(&(policy, grant.index())) {
            return *met;
        }
        let access = self.case.access;
        let met = match (access.policies().get(policy), access.compiled().demands().get(policy)) {
            (Some(written), Some(demand)) => {
                let each = |controls: &[Control]| -> Vec<Trit> {
                    controls
                        .iter()
                        .map(|control| match control {
                            Control::CompliantDevice | Control::DomainJoinedDevice => {
                                (grant.control(control, &[]) == OutcomeRange::exactly(Outcome::Allowed)).into()
                            }
                            control => person::control_is_met(self.case.snapshot, written, control, &self.methods),
                        })
                        .collect()
                };
                match demand {
                    Demand::All(controls) => each(controls).into_iter().min().unwrap_or(Trit::Yes),
                    Demand::Any(controls) => each(controls).into_iter().max().unwrap_or(Trit::Yes),
                    Demand::Nothing => Trit::Yes,
                    Demand::Block => Trit::No,
                    Demand::Unknown(_) => Trit::Unknown,
                }
            }
            _ => Trit::Unknown,
        };
        self.met.insert((policy, grant.index()), met);
        met
    }

    /// With a demand for multifactor authentication that knows no exclusion.
    fn with_mfa(&self, end: End, is_demanded: Trit, cause: Cause) -> End {
        match (end, is_demanded, self.methods.meet_mfa()) {
            (End::Blocked(cause), _, _) => End::Blocked(cause),
            (_, Trit::Yes, Trit::No) => End::Blocked(cause),
            (end, Trit::No, _) | (end @ (End::Unknown(_) | End::Needed), _, Trit::Yes) => end,
            (End::Allowed, Trit::Yes, Trit::Yes) => End::Needed,
            // The account could give it, so whether it is asked makes no difference to getting in.
            (End::Allowed, Trit::Unknown, Trit::Yes) => End::Needed,
            (End::Unknown(why), _, _) => End::Unknown(why),
            (_, Trit::Unknown, _) => End::Unknown(format!("whether {cause} are on is not in the snapshot")),
            (_, Trit::Yes, Trit::Unknown) => {
                End::Unknown("whether the account can do multifactor authentication is not in the snapshot".into())
            }
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Policy(index) => write!(f, "policy {index}"),
            Self::MandatoryMfa => f.write_str("mandatory multifactor authentication (which knows no exclusion)"),
            Self::SecurityDefaults => f.write_str("security defaults"),
        }
    }
}

/// Every client, platform, risk and device, of nobody to nothing from nowhere.
fn bases(case: &Case<'_>) -> Vec<Base> {
    let mut bases = Vec::new();
    for (client, client_words) in CLIENTS {
        for (platform, platform_words) in PLATFORMS {
            for (device_words, is_compliant, trust_type) in DEVICES {
                for sign_in_risk in RISKS {
                    for user_risk in RISKS {
                        let device = DeviceInfo { is_compliant, trust_type: trust_type.map(Into::into), detail: None };
                        let conditions = SignInConditions {
                            device_platform: Some(platform.into()),
                            client_app_type: Some(client.into()),
                            sign_in_risk_level: Some(sign_in_risk.into()),
                            user_risk_level: Some(user_risk.into()),
                            device_info: Some(device),
                            ..SignInConditions::default()
                        };
                        let Some(situation) = situation(case, conditions) else { continue };
                        let risk = risk_words(sign_in_risk, user_risk);
                        let words = [client_words.into(), platform_words.into(), risk, device_words.into()];
                        bases.push(Base { situation, words });
                    }
                }
            }
        }
    }
    bases
}

fn situation(case: &Case<'_>, conditions: SignInConditions<'_>) -> Option<Situation> {
    let listed = case.accounts.keys.iter().find(|key| case.snapshot.user(**key).is_some());
    let account = listed.or_else(|| case.accounts.keys.first())?;
    let request = WhatIfRequest {
        sign_in_identity: SignInIdentity {
            user_id: Some(case.snapshot.objects.id(*account).into()),
            ..SignInIdentity::default()
        },
        sign_in_conditions: Some(conditions),
        ..WhatIfRequest::default()
    };
    case.access.situation(&request).ok()
}

fn risk_words(sign_in: &str, user: &str) -> String {
    match (sign_in, user) {
        ("none", "none") => String::new(),
        (sign_in, "none") => format!(", at {sign_in} sign-in risk"),
        ("none", user) => format!(", at {user} user risk"),
        (sign_in, user) => format!(", at {sign_in} sign-in risk and {user} user risk"),
    }
}

/// The places that policies tell apart: a named network each, no named network, and countries.
fn places(case: &Case<'_>) -> Vec<Place> {
    let compiled = case.access.compiled();
    let locations = case.snapshot.named_locations.items();
    let mut all = vec![
        Place { words: "from an address that no location names".into(), address: 0, country: Countries::OTHER },
        Place { words: "from an unknown country".into(), address: 0, country: Countries::UNKNOWN },
    ];
    for (signature, members) in (0..).zip(&compiled.addresses.members) {
        if let Some(location) = members.first().and_then(|index| locations.get(*index)) {
            let words = format!("from `{}`", location.name());
            all.push(Place { words, address: signature, country: Countries::OTHER });
        }
    }
    let has_countries =
        locations.iter().any(|location| matches!(location.coverage, LocationCoverage::Countries { .. }));
    let rows = if has_countries { 0..compiled.countries.row_count() } else { 0..0 };
    for row in rows {
        if let Some(code) = compiled.countries.code(row) {
            let country = u32::try_from(row).unwrap_or(Countries::OTHER);
            all.push(Place { words: format!("from `{code}`"), address: 0, country });
        }
    }
    let mut seen = Vec::new();
    all.retain(|place| {
        let marks = marks(case, place);
        let is_new = !seen.contains(&marks);
        if is_new {
            seen.push(marks);
        }
        is_new
    });
    all
}

/// Which policies include and exclude a place: places with the same marks are the same to every policy.
fn marks(case: &Case<'_>, place: &Place) -> Vec<u64> {
    let compiled = case.access.compiled();
    let words = compiled.words;
    let row = |list: &[u64], row: u32| list.get(row as usize * words..(row as usize + 1) * words).map(<[u64]>::to_vec);
    let location = &compiled.location;
    let (included, excluded) = (&location.include_by_address, &location.exclude_by_address);
    let (included_too, excluded_too) = (&location.include_by_country, &location.exclude_by_country);
    let mut marks = Vec::new();
    for (by_address, by_country) in [
        (&included.sure, &included_too.sure),
        (&included.may, &included_too.may),
        (&excluded.sure, &excluded_too.sure),
        (&excluded.may, &excluded_too.may),
    ] {
        let address = row(by_address, place.address).unwrap_or_default();
        let country = row(by_country, place.country).unwrap_or_default();
        marks.extend(address.iter().zip(&country).map(|(address, country)| address | country));
    }
    marks
}
