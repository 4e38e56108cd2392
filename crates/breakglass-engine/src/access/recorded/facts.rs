//! What a record says of a sign-in and of each condition of each policy, and what it lacks.

use breakglass_model::object::ObjectKey;
use breakglass_model::sign_in_record::{RecordedMethods, Stated};
use breakglass_model::strength::Modes;

use crate::access::compile::POLICY_COUNT_MAX;
use crate::access::demand::PlatformKind;
use crate::access::trit::Trit;

/// Words of the widest mask.
pub(super) const WORDS_MAX: usize = POLICY_COUNT_MAX / 64;

/// One bit a policy.
pub type Bits = [u64; WORDS_MAX];

/// The conditions of a policy, in the order in which the first that is not met is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the variants are the conditions by their names")]
pub enum Condition {
    Users,
    Application,
    DevicePlatform,
    Devices,
    ClientApps,
    Location,
    SignInRisk,
    UserRisk,
    ServicePrincipalRisk,
    InsiderRisk,
    AuthenticationFlow,
    /// Conditions that this version does not know.
    Others,
}

impl Condition {
    /// Every condition.
    pub const ALL: [Self; 12] = [
        Self::Users,
        Self::Application,
        Self::DevicePlatform,
        Self::Devices,
        Self::ClientApps,
        Self::Location,
        Self::SignInRisk,
        Self::UserRisk,
        Self::ServicePrincipalRisk,
        Self::InsiderRisk,
        Self::AuthenticationFlow,
        Self::Others,
    ];

    /// Its name, that of the reason in `analysisReasons` where it has one.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Application => "application",
            Self::DevicePlatform => "devicePlatform",
            Self::Devices => "devices",
            Self::ClientApps => "clientApps",
            Self::Location => "location",
            Self::SignInRisk => "signInRisk",
            Self::UserRisk => "userRisk",
            Self::ServicePrincipalRisk => "servicePrincipalRisk",
            Self::InsiderRisk => "insiderRisk",
            Self::AuthenticationFlow => "authenticationFlow",
            Self::Others => "otherConditions",
        }
    }

    /// Its bits in the `conditionsSatisfied` of a record; none where a record has no word for it.
    #[must_use]
    pub const fn recorded_bits(self) -> u32 {
        match self {
            Self::Users => 2 | 8_192,
            Self::Application => 1,
            Self::DevicePlatform => 4,
            Self::Devices => 256,
            Self::ClientApps => 16,
            Self::Location => 8,
            Self::SignInRisk => 32,
            Self::UserRisk => 64,
            Self::ServicePrincipalRisk => 16_384,
            Self::InsiderRisk => 65_536,
            Self::AuthenticationFlow => 32_768,
            Self::Others => 0,
        }
    }
}

/// A fact that a policy can ask for and a record can lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the variants say what is lacking, and `words` how it is called")]
pub enum Fact {
    Resource,
    Audiences,
    AuthenticationContexts,
    UserAction,
    Platform,
    Device,
    Compliance,
    TrustType,
    DeviceProperties,
    ClientApp,
    Address,
    Country,
    SignInRisk,
    UserRisk,
    ServicePrincipalRisk,
    InsiderRisk,
    TransferMethod,
    Mfa,
    Methods,
    Prompts,
}

impl Fact {
    /// What the record does not say, to follow "the record does not say".
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Resource => "to which resource the sign-in was (`resourceId`)",
            Self::Audiences => {
                "which audiences of Microsoft Graph Conditional Access evaluated (`conditionalAccessAudiences`)"
            }
            Self::AuthenticationContexts => {
                "which authentication contexts were asked for (`authenticationContextClassReferences`)"
            }
            Self::UserAction => "whether the sign-in was for a user action",
            Self::Platform => "the platform (`deviceDetail.operatingSystem`)",
            Self::Device => "whether the device is registered (`deviceDetail.deviceId`)",
            Self::Compliance => "whether the device is compliant (`deviceDetail.isCompliant`)",
            Self::TrustType => "how the device is joined (`deviceDetail.trustType`)",
            Self::DeviceProperties => "the properties of the device that a device filter asks for",
            Self::ClientApp => "the kind of client application (`clientAppUsed`)",
            Self::Address => "the address (`ipAddress`)",
            Self::Country => "the country (`location.countryOrRegion`)",
            Self::SignInRisk => "the sign-in risk (`riskLevelDuringSignIn`)",
            Self::UserRisk => "the user's risk at that time",
            Self::ServicePrincipalRisk => "the service principal's risk at that time",
            Self::InsiderRisk => "the insider risk",
            Self::TransferMethod => "the authentication flow (`originalTransferMethod`)",
            Self::Mfa => "whether multifactor authentication was done",
            Self::Methods => "which authentication methods were used",
            Self::Prompts => "whether terms of use, a custom control or a password change were met",
        }
    }

    const fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// Why no policy can be judged for a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unjudged {
    /// It is of another log.
    NotASignIn,
    /// It names nobody.
    Nobody,
    /// The user is not there.
    UnknownUser,
    /// The service principal is not there.
    UnknownServicePrincipal,
    /// The first factor failed, or the account is closed.
    BeforeConditionalAccess,
    /// It has no results of policies.
    NoPolicies,
}

impl Unjudged {
    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::NotASignIn => "the record is of another log than that of sign-ins",
            Self::Nobody => "the record names neither a user nor a service principal",
            Self::UnknownUser => "the user of the record is not in the snapshot",
            Self::UnknownServicePrincipal => "the service principal of the record is not in the snapshot",
            Self::BeforeConditionalAccess => "the sign-in ended before Conditional Access was asked",
            Self::NoPolicies => {
                "the record has no results of policies: whoever exported it may not be allowed to read them"
            }
        }
    }
}

/// What decides grant controls, as far as a record tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Evidence {
    /// The device meets its management's rules.
    pub is_compliant: Trit,
    /// The device is hybrid joined.
    pub is_hybrid_joined: Trit,
    /// The client cannot be prompted.
    pub is_legacy_client: Trit,
    /// The sign-in came by device code.
    pub is_device_code: Trit,
    /// The platform; `None` when the record does not say.
    pub platform: Option<PlatformKind>,
    /// Multifactor authentication was done.
    pub mfa: Trit,
    /// Methods that were used, and whether there may have been others.
    pub methods: RecordedMethods,
    /// Authentication strengths of which the methods do not tell were met.
    pub strengths: Trit,
    /// Terms of use were accepted, custom controls passed, passwords changed. No record says so.
    pub prompts: Trit,
    /// Whether the sign-in succeeded, and with it everything that was in force.
    pub succeeded: Trit,
}

/// A record against every policy of one tenant; reused between records.
#[derive(Debug, Clone)]
pub struct Recorded {
    pub(super) rows: [(Bits, Bits); Condition::ALL.len()],
    /// Policies whose conditions all hold, whatever their state.
    pub sure: Bits,
    /// Policies whose conditions may all hold.
    pub may: Bits,
    /// What decides the grant controls.
    pub evidence: Evidence,
    /// Who signed in, if it is a user whom the snapshot mentions.
    pub user: Option<ObjectKey>,
    pub(super) lacking: u32,
    pub(super) strange: u32,
}

impl Default for Recorded {
    fn default() -> Self {
        let unknown = Trit::Unknown;
        Self {
            rows: [([0; WORDS_MAX], [0; WORDS_MAX]); Condition::ALL.len()],
            sure: [0; WORDS_MAX],
            may: [0; WORDS_MAX],
            evidence: Evidence {
                is_compliant: unknown,
                is_hybrid_joined: unknown,
                is_legacy_client: unknown,
                is_device_code: unknown,
                platform: None,
                mfa: unknown,
                methods: RecordedMethods { modes: Modes::default(), has_others: true },
                strengths: unknown,
                prompts: unknown,
                succeeded: unknown,
            },
            user: None,
            lacking: 0,
            strange: 0,
        }
    }
}

fn bit_of(bits: &Bits, policy: usize) -> bool {
    bits.get(policy / 64).is_some_and(|word| word & (1 << (policy % 64)) != 0)
}

impl Recorded {
    /// How one condition of a policy stands.
    #[must_use]
    pub fn condition(&self, condition: Condition, policy: usize) -> Trit {
        let Some((sure, may)) = self.rows.get(condition as usize) else { return Trit::Unknown };
        match (bit_of(sure, policy), bit_of(may, policy)) {
            (true, _) => Trit::Yes,
            (false, true) => Trit::Unknown,
            (false, false) => Trit::No,
        }
    }

    /// Whether all conditions of a policy hold.
    #[must_use]
    pub fn holds(&self, policy: usize) -> Trit {
        match (bit_of(&self.sure, policy), bit_of(&self.may, policy)) {
            (true, _) => Trit::Yes,
            (false, true) => Trit::Unknown,
            (false, false) => Trit::No,
        }
    }

    /// Whether the record lacks a fact.
    #[must_use]
    pub const fn lacks(&self, fact: Fact) -> bool {
        self.lacking & fact.bit() != 0
    }

    /// Whether the record says a fact in a word that no table has.
    #[must_use]
    pub const fn is_strange(&self, fact: Fact) -> bool {
        self.strange & fact.bit() != 0
    }

    /// The first lacking fact of some that a condition depends on.
    #[must_use]
    pub fn lacking_for(&self, condition: Condition) -> Option<Fact> {
        let facts: &[Fact] = match condition {
            Condition::Users | Condition::Others => &[],
            Condition::Application => {
                &[Fact::Resource, Fact::Audiences, Fact::AuthenticationContexts, Fact::UserAction]
            }
            Condition::DevicePlatform => &[Fact::Platform],
            Condition::Devices => &[Fact::Device, Fact::Compliance, Fact::TrustType, Fact::DeviceProperties],
            Condition::ClientApps => &[Fact::ClientApp],
            Condition::Location => &[Fact::Address, Fact::Country],
            Condition::SignInRisk => &[Fact::SignInRisk],
            Condition::UserRisk => &[Fact::UserRisk],
            Condition::ServicePrincipalRisk => &[Fact::ServicePrincipalRisk],
            Condition::InsiderRisk => &[Fact::InsiderRisk],
            Condition::AuthenticationFlow => &[Fact::TransferMethod],
        };
        facts.iter().copied().find(|fact| self.lacks(*fact))
    }

    pub(super) fn lack(&mut self, fact: Fact) {
        self.lacking |= fact.bit();
    }

    /// Notes what a record says of a fact, and gives the member if there is one.
    pub(super) fn stated<T>(&mut self, fact: Fact, stated: Stated<T>) -> Option<T> {
        match stated {
            Stated::Known(value) => return Some(value),
            Stated::Absent => {}
            Stated::Strange(_) => self.strange |= fact.bit(),
        }
        self.lack(fact);
        None
    }
}
