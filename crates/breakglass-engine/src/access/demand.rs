//! What a policy demands once it applies, and what meets it.
//!
//! A *challenge* is a demand that a prompt can meet; a demand that this device or client cannot meet at all is
//! *unsatisfiable*; a *block* stands alone.
//!
//! **Source:** the grant controls documentation; legacy clients cannot meet any grant control.

use std::fmt;

use breakglass_model::policy::{ConditionalAccessGrantControl, ConditionalAccessPolicy, GrantOperator, UnknownKind};
use breakglass_model::snapshot::Snapshot;
use breakglass_model::strength::{Combination, CombinationConfiguration, Modes, built_in_strength};

/// One thing that a policy can ask for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Control {
    /// Approved client application (retired in March 2026).
    ApprovedApplication,
    /// Application protection policy.
    CompliantApplication,
    /// Compliant device.
    CompliantDevice,
    /// Hybrid joined device.
    DomainJoinedDevice,
    /// Multifactor authentication.
    Mfa,
    /// New password.
    PasswordChange,
    /// Risk remediated.
    RiskRemediation,
    /// Authentication strength, by id.
    AuthenticationStrength(String),
    /// Terms of use, by id.
    TermsOfUse(String),
    /// Custom control, by id.
    Custom(String),
    /// A control that this version does not know.
    Unknown(String),
}

impl fmt::Display for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ApprovedApplication => f.write_str("approvedApplication"),
            Self::CompliantApplication => f.write_str("compliantApplication"),
            Self::CompliantDevice => f.write_str("compliantDevice"),
            Self::DomainJoinedDevice => f.write_str("domainJoinedDevice"),
            Self::Mfa => f.write_str("mfa"),
            Self::PasswordChange => f.write_str("passwordChange"),
            Self::RiskRemediation => f.write_str("riskRemediation"),
            Self::AuthenticationStrength(id) => write!(f, "authenticationStrength:{id}"),
            Self::TermsOfUse(id) => write!(f, "termsOfUse:{id}"),
            Self::Custom(id) => write!(f, "custom:{id}"),
            Self::Unknown(name) => f.write_str(name),
        }
    }
}

/// What a policy demands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Demand {
    /// Nothing: session controls only, or no grant control.
    Nothing,
    /// It blocks.
    Block,
    /// All of these.
    All(Vec<Control>),
    /// Any of these.
    Any(Vec<Control>),
    /// Something that this version does not know, with the reason.
    Unknown(String),
}

impl Demand {
    /// Reads a policy's grant controls.
    #[must_use]
    pub fn of(policy: &ConditionalAccessPolicy) -> Self {
        use ConditionalAccessGrantControl as C;
        // A block stands alone, whatever it is joined with.
        if policy.grant_controls.as_ref().is_some_and(|grant| grant.built_in_controls.contains(&C::Block)) {
            return Self::Block;
        }
        if let Some(part) = policy.unknowns.iter().find(|part| part.kind == UnknownKind::Demand) {
            return Self::Unknown(part.to_string());
        }
        let Some(grant) = &policy.grant_controls else { return Self::Nothing };
        let mut controls = Vec::new();
        for control in &grant.built_in_controls {
            controls.push(match control {
                C::Block => continue,
                C::Mfa => Control::Mfa,
                C::CompliantDevice => Control::CompliantDevice,
                C::DomainJoinedDevice => Control::DomainJoinedDevice,
                C::ApprovedApplication => Control::ApprovedApplication,
                C::CompliantApplication => Control::CompliantApplication,
                C::PasswordChange => Control::PasswordChange,
                C::RiskRemediation => Control::RiskRemediation,
                C::Unknown(name) => Control::Unknown(name.to_string()),
            });
        }
        if let Some(strength) = grant.authentication_strength.as_ref().filter(|strength| strength.is_configured()) {
            let id = strength.id.as_ref().map_or_else(|| format!("of {}", policy.id), ToString::to_string);
            controls.push(Control::AuthenticationStrength(id));
        }
        controls.extend(grant.terms_of_use.iter().cloned().map(Control::TermsOfUse));
        controls.extend(grant.custom_authentication_factors.iter().cloned().map(Control::Custom));
        controls.sort();
        controls.dedup();
        match (controls.is_empty(), &grant.operator) {
            (true, _) => Self::Nothing,
            (false, Some(GrantOperator::And)) => Self::All(controls),
            (false, _) => Self::Any(controls),
        }
    }

    /// The controls it names.
    #[must_use]
    pub fn controls(&self) -> &[Control] {
        match self {
            Self::All(controls) | Self::Any(controls) => controls,
            Self::Nothing | Self::Block | Self::Unknown(_) => &[],
        }
    }
}

/// Worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Outcome {
    /// Nothing is demanded, or everything is met.
    #[default]
    Allowed,
    /// A person can be prompted for what is missing.
    Challenge,
    /// This device or client cannot give what is demanded.
    Unsatisfiable,
    /// A block control applies.
    Blocked,
}

impl Outcome {
    /// Every outcome, best first.
    pub const ALL: [Self; 4] = [Self::Allowed, Self::Challenge, Self::Unsatisfiable, Self::Blocked];

    /// Its name in answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Challenge => "challenge",
            Self::Unsatisfiable => "unsatisfiable",
            Self::Blocked => "blocked",
        }
    }
}

/// An outcome between two bounds; equal bounds are a known one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OutcomeRange {
    /// The best it can be.
    pub best: Outcome,
    /// The worst it can be.
    pub worst: Outcome,
}

impl OutcomeRange {
    /// A known outcome.
    #[must_use]
    pub const fn exactly(outcome: Outcome) -> Self {
        Self { best: outcome, worst: outcome }
    }

    /// The outcome, if it is known.
    #[must_use]
    pub fn known(self) -> Option<Outcome> {
        (self.best == self.worst).then_some(self.best)
    }

    /// The outcome's name in answers, `unknown` included.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.known().map_or("unknown", Outcome::name)
    }

    /// Both must pass.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { best: self.best.max(other.best), worst: self.worst.max(other.worst) }
    }

    /// One must pass.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self { best: self.best.min(other.best), worst: self.worst.min(other.worst) }
    }
}

/// Kind of platform, as far as it decides a grant control.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum PlatformKind {
    /// Android or iOS, where applications can be managed.
    Mobile,
    /// Any other.
    Desktop,
    /// The request does not say.
    #[default]
    Unsaid,
}

/// What decides whether a control is met, apart from the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct GrantSituation {
    /// The device meets its management's rules.
    pub is_compliant: bool,
    /// The device is hybrid joined.
    pub is_hybrid_joined: bool,
    /// The client cannot be prompted.
    pub is_legacy_client: bool,
    /// The sign-in comes by device code: the device is not the one that asks.
    pub is_device_code: bool,
    /// Platform.
    pub platform: PlatformKind,
}

impl GrantSituation {
    /// How many different situations there are.
    pub const COUNT: usize = 48;

    /// Its index below [`Self::COUNT`].
    #[must_use]
    pub fn index(self) -> usize {
        let platform = match self.platform {
            PlatformKind::Mobile => 0,
            PlatformKind::Desktop => 1,
            PlatformKind::Unsaid => 2,
        };
        usize::from(self.is_compliant)
            + 2 * usize::from(self.is_hybrid_joined)
            + 4 * usize::from(self.is_legacy_client)
            + 8 * usize::from(self.is_device_code)
            + 16 * platform
    }

    /// Every situation, in the order of its index.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..Self::COUNT).map(|index| Self {
            is_compliant: index & 1 != 0,
            is_hybrid_joined: index & 2 != 0,
            is_legacy_client: index & 4 != 0,
            is_device_code: index & 8 != 0,
            platform: match index / 16 {
                0 => PlatformKind::Mobile,
                1 => PlatformKind::Desktop,
                _ => PlatformKind::Unsaid,
            },
        })
    }

    /// How one control stands. `satisfied` names what was already given, such as `mfa`.
    #[must_use]
    pub fn control(self, control: &Control, satisfied: &[Control]) -> OutcomeRange {
        if self.is_legacy_client {
            return OutcomeRange::exactly(Outcome::Unsatisfiable);
        }
        if satisfied.contains(control) {
            return OutcomeRange::exactly(Outcome::Allowed);
        }
        match control {
            Control::Mfa
            | Control::AuthenticationStrength(_)
            | Control::PasswordChange
            | Control::RiskRemediation
            | Control::TermsOfUse(_)
            | Control::Custom(_) => OutcomeRange::exactly(Outcome::Challenge),
            Control::CompliantDevice => self.device(self.is_compliant),
            Control::DomainJoinedDevice => self.device(self.is_hybrid_joined),
            Control::ApprovedApplication | Control::CompliantApplication => match self.platform {
                PlatformKind::Desktop => OutcomeRange::exactly(Outcome::Unsatisfiable),
                PlatformKind::Mobile | PlatformKind::Unsaid => {
                    OutcomeRange { best: Outcome::Allowed, worst: Outcome::Unsatisfiable }
                }
            },
            Control::Unknown(_) => OutcomeRange { best: Outcome::Allowed, worst: Outcome::Unsatisfiable },
        }
    }

    fn device(self, is_met: bool) -> OutcomeRange {
        let outcome = if is_met && !self.is_device_code { Outcome::Allowed } else { Outcome::Unsatisfiable };
        OutcomeRange::exactly(outcome)
    }

    /// How a whole demand stands.
    #[must_use]
    pub fn demand(self, demand: &Demand, satisfied: &[Control]) -> OutcomeRange {
        let each = |controls: &[Control]| -> Vec<OutcomeRange> {
            controls.iter().map(|control| self.control(control, satisfied)).collect()
        };
        match demand {
            Demand::Nothing => OutcomeRange::exactly(Outcome::Allowed),
            Demand::Block => OutcomeRange::exactly(Outcome::Blocked),
            Demand::Unknown(_) => OutcomeRange { best: Outcome::Allowed, worst: Outcome::Blocked },
            Demand::All(controls) => {
                let range = each(controls).into_iter().fold(OutcomeRange::default(), OutcomeRange::and);
                Self::may_block(range, controls)
            }
            Demand::Any(controls) => {
                let range = each(controls).into_iter().reduce(OutcomeRange::or).unwrap_or_default();
                Self::may_block(range, controls)
            }
        }
    }

    /// A control that this version does not know may be another way to block.
    fn may_block(range: OutcomeRange, controls: &[Control]) -> OutcomeRange {
        let has_unknown = controls.iter().any(|control| matches!(control, Control::Unknown(_)));
        if has_unknown { OutcomeRange { worst: Outcome::Blocked, ..range } } else { range }
    }

    /// What is still demanded: of *all*, every unmet control; of *any*, those that can be prompted for, or all of
    /// them where none can.
    #[must_use]
    pub fn unmet<'d>(self, demand: &'d Demand, satisfied: &[Control]) -> Vec<&'d Control> {
        let is_met = |control: &&Control| self.control(control, satisfied).worst == Outcome::Allowed;
        match demand {
            Demand::Nothing | Demand::Block | Demand::Unknown(_) => Vec::new(),
            Demand::All(controls) => controls.iter().filter(|control| !is_met(control)).collect(),
            Demand::Any(controls) if controls.iter().any(|control| is_met(&control)) => Vec::new(),
            Demand::Any(controls) => {
                let can_prompt = |control: &&Control| self.control(control, satisfied).worst == Outcome::Challenge;
                let promptable: Vec<&Control> = controls.iter().filter(can_prompt).collect();
                if promptable.is_empty() { controls.iter().collect() } else { promptable }
            }
        }
    }
}

/// What a strength asks of single combinations besides, by the policy's own copy or the listed strength; `None`
/// where neither says. A built-in strength asks nothing.
pub(crate) fn strength_configurations<'a>(
    snapshot: &'a Snapshot,
    policy: &'a ConditionalAccessPolicy,
    id: &str,
) -> Option<&'a [CombinationConfiguration]> {
    let own = policy.grant_controls.as_ref().and_then(|grant| grant.authentication_strength.as_ref());
    let listed = snapshot.authentication_strength_policies.items().iter();
    let listed = listed.filter(|strength| strength.id.as_ref().is_some_and(|own| own.as_str() == id));
    let described = own.into_iter().chain(listed).filter_map(|strength| strength.combination_configurations.known());
    let mut described = described.map(|written| written.map_or(&[][..], Vec::as_slice)).peekable();
    let first = described.peek().copied();
    let first = first.or_else(|| built_in_strength(id).map(|_| &[][..]));
    described.find(|written| !written.is_empty()).or(first)
}

/// Whether a strength allows a combination that this version cannot read.
pub(crate) fn has_unread_combination(snapshot: &Snapshot, policy: &ConditionalAccessPolicy, id: &str) -> bool {
    let own = policy.grant_controls.as_ref().and_then(|grant| grant.authentication_strength.as_ref());
    let listed = snapshot.authentication_strength_policies.items().iter();
    let listed = listed.filter(|strength| strength.id.as_ref().is_some_and(|own| own.as_str() == id));
    let described = own.into_iter().chain(listed).filter_map(|strength| strength.allowed_combinations.as_ref());
    described.flatten().any(|combination| matches!(combination, Combination::Unknown(_)))
}

/// The combinations that satisfy a strength, or why that cannot be told.
///
/// # Errors
/// When neither the policy, nor the snapshot, nor the built-in table has the strength's combinations.
pub fn strength_combinations(
    snapshot: &Snapshot,
    policy: &ConditionalAccessPolicy,
    id: &str,
) -> Result<Vec<Modes>, String> {
    let own = policy.grant_controls.as_ref().and_then(|grant| grant.authentication_strength.as_ref());
    let own = own.and_then(|strength| strength.allowed_combinations.as_deref());
    let listed = snapshot.authentication_strength_policies.items().iter();
    let listed = listed.filter(|strength| strength.id.as_ref().is_some_and(|own| own.as_str() == id));
    let listed = listed.filter_map(|strength| strength.allowed_combinations.as_deref()).next();
    if let Some(combinations) = own.or(listed) {
        return Ok(combinations
            .iter()
            .filter_map(|combination| match combination {
                Combination::Known(modes) => Some(*modes),
                Combination::Unknown(_) => None,
            })
            .collect());
    }
    match built_in_strength(id) {
        Some(strength) => Ok(strength.allowed_combinations.to_vec()),
        None => Err(format!("authentication strength `{id}` is not in the snapshot")),
    }
}
