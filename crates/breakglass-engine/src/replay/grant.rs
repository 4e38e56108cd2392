//! What a policy's demand came to in a recorded sign-in, from what the record shows was given.
//!
//! The record shows multifactor authentication, methods and the device; terms of use, custom controls and changes of
//! passwords are nowhere in it, and may have been met or not.

use breakglass_model::policy::ConditionalAccessPolicy;
use breakglass_model::strength::Modes;
use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use crate::access::demand::{Control, Demand, GrantSituation, Outcome, OutcomeRange, PlatformKind};
use crate::access::person::{Methods, control_is_met};
use crate::access::recorded::{Evidence, Fact, Recorded};
use crate::access::{Access, Trit};

/// Outcomes that are kept.
const CACHED_COUNT_MAX: usize = 1 << 14;
/// Prompts of one sign-in that are tried as met and as not, each for itself.
const OPEN_PROMPT_COUNT_MAX: usize = 6;
/// Prompts of a tenant that are told apart.
const PROMPT_COUNT_MAX: usize = 64;

/// Prompts that a record may not show to have been met, each with a number.
#[derive(Debug, Default)]
pub(super) struct Prompts(Vec<Control>);

impl Prompts {
    /// Those of several states of a tenant.
    pub(super) fn of(states: &[&Access<'_>]) -> Self {
        let demands = states.iter().flat_map(|access| access.compiled().demands());
        let mut prompts: Vec<Control> =
            demands.flat_map(Demand::controls).filter(|control| is_prompt(control)).cloned().collect();
        prompts.sort_unstable();
        prompts.dedup();
        prompts.truncate(PROMPT_COUNT_MAX);
        Self(prompts)
    }

    fn bit(&self, control: &Control) -> Option<u64> {
        self.0.binary_search(control).ok().map(|number| 1 << number)
    }
}

/// Whether a record may leave open if a control was met, whatever else it tells.
fn is_prompt(control: &Control) -> bool {
    matches!(
        control,
        Control::AuthenticationStrength(_)
            | Control::PasswordChange
            | Control::RiskRemediation
            | Control::TermsOfUse(_)
            | Control::Custom(_)
    )
}

/// What a record shows, and of each prompt that is told apart whether it was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Given {
    evidence: Evidence,
    /// The prompts of which it is told, by their numbers.
    told: u64,
    /// Those of them that were met.
    met: u64,
}

impl From<Evidence> for Given {
    fn from(evidence: Evidence) -> Self {
        Self { evidence, told: 0, met: 0 }
    }
}

impl Given {
    /// Whether a prompt was met, where that is told apart.
    fn prompt(&self, control: &Control, prompts: &Prompts) -> Option<Trit> {
        let bit = prompts.bit(control).filter(|bit| self.told & bit != 0)?;
        Some((self.met & bit != 0).into())
    }
}

/// What a demand came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Weighed {
    /// Between what was met if everything that may have been was, and what was met for sure.
    pub(super) range: OutcomeRange,
    /// What is asked for at the best, where that is a challenge.
    pub(super) asked_at_best: Vec<String>,
    /// What is asked for at the worst, where that is a challenge.
    pub(super) asked_at_worst: Vec<String>,
}

/// Demands that were weighed before: sign-ins differ in few ways.
#[derive(Debug, Default)]
pub struct GrantCache {
    known: HashMap<(usize, Given), Weighed, FxBuildHasher>,
}

impl GrantCache {
    /// What the demand of a policy came to.
    pub(super) fn weigh(
        &mut self,
        access: &Access<'_>,
        policy: usize,
        (given, prompts): (&Given, &Prompts),
    ) -> &Weighed {
        // Success does not change what a demand comes to.
        let evidence = Evidence { succeeded: Trit::Unknown, ..given.evidence };
        let key = (policy, Given { evidence, ..*given });
        if self.known.len() >= CACHED_COUNT_MAX {
            self.known.clear();
        }
        self.known.entry(key).or_insert_with(|| weigh(access, policy, (given, prompts)))
    }

    /// The range of outcomes alone.
    pub(super) fn outcome(&mut self, access: &Access<'_>, policy: usize, evidence: &Evidence) -> OutcomeRange {
        self.weigh(access, policy, (&Given::from(*evidence), &Prompts::default())).range
    }
}

fn weigh(access: &Access<'_>, policy: usize, (given, prompts): (&Given, &Prompts)) -> Weighed {
    let (Some(demand), Some(configured)) = (access.compiled().demands().get(policy), access.policies().get(policy))
    else {
        let range = OutcomeRange { best: Outcome::Allowed, worst: Outcome::Blocked };
        return Weighed { range, ..Weighed::default() };
    };
    let (sure, may) = satisfied(access, (configured, demand), (given, prompts));
    let asked = |situation: GrantSituation, satisfied: &[Control]| -> Vec<String> {
        situation.unmet(demand, satisfied).into_iter().map(Control::to_string).collect()
    };
    let mut weighed: Option<Weighed> = None;
    for situation in situations(&given.evidence) {
        let range =
            OutcomeRange { best: situation.demand(demand, &may).best, worst: situation.demand(demand, &sure).worst };
        let own = weighed.get_or_insert_with(|| Weighed {
            range: OutcomeRange { best: Outcome::Blocked, worst: Outcome::Allowed },
            ..Weighed::default()
        });
        if range.best < own.range.best {
            own.range.best = range.best;
            own.asked_at_best = asked(situation, &may);
        }
        if range.worst > own.range.worst {
            own.range.worst = range.worst;
            own.asked_at_worst = asked(situation, &sure);
        }
    }
    weighed.unwrap_or_default()
}

/// The controls of a demand that were met for sure, and those that may have been.
fn satisfied(
    access: &Access<'_>,
    (policy, demand): (&ConditionalAccessPolicy, &Demand),
    (given, prompts): (&Given, &Prompts),
) -> (Vec<Control>, Vec<Control>) {
    let evidence = &given.evidence;
    let (mut sure, mut may) = (Vec::new(), Vec::new());
    for control in demand.controls() {
        let truth = match control {
            Control::Mfa => evidence.mfa,
            Control::AuthenticationStrength(_) => match strength(access, policy, control, evidence) {
                Trit::Unknown => given.prompt(control, prompts).unwrap_or(evidence.strengths),
                told => told,
            },
            Control::PasswordChange | Control::RiskRemediation | Control::TermsOfUse(_) | Control::Custom(_) => {
                given.prompt(control, prompts).unwrap_or(evidence.prompts)
            }
            // The device and the client are part of the situation.
            _ => Trit::No,
        };
        if truth != Trit::No {
            may.push(control.clone());
        }
        if truth == Trit::Yes {
            sure.push(control.clone());
        }
    }
    (sure, may)
}

/// Whether the methods that were used meet a strength.
fn strength(access: &Access<'_>, policy: &ConditionalAccessPolicy, control: &Control, evidence: &Evidence) -> Trit {
    let used = evidence.methods;
    let methods = Methods {
        modes: used.modes,
        is_known: true,
        has_unknown: used.has_others,
        passkey_models: if used.modes.contains(Modes::FIDO2) { vec![None] } else { Vec::new() },
    };
    control_is_met(access.snapshot(), policy, control, &methods)
}

/// Every situation of device and client that the evidence allows.
fn situations(evidence: &Evidence) -> impl Iterator<Item = GrantSituation> {
    let fits = |truth: Trit, is: bool| truth.known().is_none_or(|known| known == is);
    let evidence = *evidence;
    GrantSituation::all().filter(move |situation| {
        fits(evidence.is_compliant, situation.is_compliant)
            && fits(evidence.is_hybrid_joined, situation.is_hybrid_joined)
            && fits(evidence.is_legacy_client, situation.is_legacy_client)
            && fits(evidence.is_device_code, situation.is_device_code)
            && match evidence.platform {
                Some(platform) => situation.platform == platform,
                None => situation.platform != PlatformKind::Unsaid,
            }
    })
}

/// Every way in which the evidence that some demands depend on may stand, where it is open; `None` where more prompts
/// are open than are tried.
pub(super) fn ways<'d>(
    evidence: Evidence,
    prompts: &Prompts,
    demands: impl Iterator<Item = &'d Demand>,
) -> Option<Vec<Given>> {
    let mut matters = Matters::default();
    let mut open = 0;
    for control in demands.flat_map(Demand::controls) {
        matters.note(control);
        if is_prompt(control) {
            open |= prompts.bit(control)?;
        }
    }
    if open.count_ones() as usize > OPEN_PROMPT_COUNT_MAX {
        return None;
    }
    let mut ways = vec![evidence];
    let fields: [(bool, Field); 5] = [
        (matters.client, |evidence| &mut evidence.is_legacy_client),
        (matters.compliance, |evidence| &mut evidence.is_compliant),
        (matters.join, |evidence| &mut evidence.is_hybrid_joined),
        (matters.compliance || matters.join, |evidence| &mut evidence.is_device_code),
        (matters.mfa, |evidence| &mut evidence.mfa),
    ];
    for (does_matter, field) in fields {
        if does_matter && *field(&mut evidence.clone()) == Trit::Unknown {
            let set = |truth: Trit| {
                ways.iter().map(move |way| {
                    let mut way = *way;
                    *field(&mut way) = truth;
                    way
                })
            };
            ways = set(Trit::No).chain(set(Trit::Yes)).collect();
        }
    }
    if matters.platform && evidence.platform.is_none() {
        let on = |platform| ways.iter().map(move |way| Evidence { platform: Some(platform), ..*way });
        ways = on(PlatformKind::Mobile).chain(on(PlatformKind::Desktop)).collect();
    }
    // One may have been met and another not.
    let mut all = Vec::new();
    let mut met = open;
    loop {
        all.extend(ways.iter().map(|evidence| Given { evidence: *evidence, told: open, met }));
        if met == 0 {
            return Some(all);
        }
        met = (met - 1) & open;
    }
}

/// One part of the evidence.
type Field = fn(&mut Evidence) -> &mut Trit;

/// What some demands depend on.
#[derive(Debug, Default)]
struct Matters {
    client: bool,
    compliance: bool,
    join: bool,
    mfa: bool,
    platform: bool,
}

impl Matters {
    fn note(&mut self, control: &Control) {
        self.client = true;
        match control {
            Control::Mfa => self.mfa = true,
            Control::CompliantDevice => self.compliance = true,
            Control::DomainJoinedDevice => self.join = true,
            Control::ApprovedApplication | Control::CompliantApplication => self.platform = true,
            _ => {}
        }
    }
}

/// The first fact that a record lacks and a demand depends on.
pub(super) fn lacking(demand: &Demand, recorded: &Recorded) -> Option<Fact> {
    demand.controls().iter().find_map(|control| {
        let facts: &[Fact] = match control {
            Control::Mfa => &[Fact::Mfa, Fact::ClientApp],
            Control::AuthenticationStrength(_) => &[Fact::Methods, Fact::ClientApp],
            Control::PasswordChange | Control::RiskRemediation | Control::TermsOfUse(_) | Control::Custom(_) => {
                &[Fact::Prompts]
            }
            Control::CompliantDevice => &[Fact::Compliance, Fact::TransferMethod, Fact::ClientApp],
            Control::DomainJoinedDevice => &[Fact::TrustType, Fact::TransferMethod, Fact::ClientApp],
            Control::ApprovedApplication | Control::CompliantApplication => &[Fact::Platform],
            Control::Unknown(_) => &[],
        };
        facts.iter().copied().find(|fact| recorded.lacks(*fact))
    })
}
