//! Posture: is the emergency access of this tenant arranged so that it will work?
//!
//! Each rule is one file in [`rules`] with a stable code `BG####`. A rule looks at a [`Case`] and gives findings;
//! a finding says what, where and what to do. A rule that lacks data gives `unknown` with the reason, never
//! `pass`.
//!
//! **Source:** `docs/reference/rules.md`, generated from the rules themselves.

pub mod accounts;
pub mod rules;

use std::fmt;

use breakglass_model::object::ObjectKey;
use breakglass_model::snapshot::Snapshot;
use jiff::Timestamp;
use serde_json::Value;

use crate::access::Access;
use accounts::Accounts;

/// How authentication of the emergency accounts is judged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Profile {
    /// As the classic course: a password alone; any MFA method is a finding.
    Classic,
    /// As Microsoft today: a phishing-resistant method that satisfies mandatory MFA.
    #[default]
    Current,
}

impl Profile {
    /// Its name in reports and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Classic => "classic",
            Self::Current => "current",
        }
    }
}

/// How bad a finding is, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Emergency access does not work, or would not when needed.
    Critical,
    /// A likely failure takes it away.
    High,
    /// It works, but not as it should.
    Medium,
    /// A nicety.
    Low,
    /// Nothing to do.
    Info,
}

impl Severity {
    /// Every severity, worst first.
    pub const ALL: [Self; 5] = [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Info];

    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::Info => "info",
        }
    }
}

/// What a rule found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// The rule is broken.
    Fail,
    /// The data that the rule needs is missing.
    Unknown,
    /// The rule is kept.
    Pass,
    /// The rule asks about something this tenant does not have.
    NotApplicable,
}

impl Status {
    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Unknown => "unknown",
            Self::Pass => "pass",
            Self::NotApplicable => "notApplicable",
        }
    }
}

/// Kind of an object that a finding names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ObjectKind {
    /// A user.
    User,
    /// A group.
    Group,
    /// A Conditional Access policy.
    Policy,
    /// A named location.
    NamedLocation,
    /// A directory role.
    Role,
    /// A service principal or application.
    ServicePrincipal,
    /// An administrative unit.
    AdministrativeUnit,
    /// A domain.
    Domain,
    /// A tenant-wide setting.
    Setting,
}

impl ObjectKind {
    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Policy => "policy",
            Self::NamedLocation => "namedLocation",
            Self::Role => "role",
            Self::ServicePrincipal => "servicePrincipal",
            Self::AdministrativeUnit => "administrativeUnit",
            Self::Domain => "domain",
            Self::Setting => "setting",
        }
    }
}

/// An object that a finding names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectReference {
    /// What it is.
    pub kind: ObjectKind,
    /// Its Graph id.
    pub id: String,
    /// Its name, or the id again.
    pub name: String,
}

impl fmt::Display for ObjectReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`", self.kind.name(), self.name)
    }
}

/// What to do about a finding.
#[derive(Debug, Clone, PartialEq)]
pub struct Fix {
    /// In words, an imperative sentence.
    pub text: String,
    /// As a Graph request, where one request does it.
    pub request: Option<FixRequest>,
}

impl Fix {
    /// A fix in words only.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), request: None }
    }
}

/// A Graph request that would repair a finding. It is shown, never sent.
#[derive(Debug, Clone, PartialEq)]
pub struct FixRequest {
    /// `PATCH`, `POST`, `DELETE`.
    pub method: &'static str,
    /// Path below the Graph endpoint, with the version: `/v1.0/…`.
    pub url: String,
    /// Body, if there is one.
    pub body: Option<Value>,
}

/// One result of a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Code of the rule.
    pub rule: &'static str,
    /// Title of the rule.
    pub title: &'static str,
    /// Rows of the requirements that the rule comes from.
    pub requirements: &'static [&'static str],
    /// How bad it is.
    pub severity: Severity,
    /// What was found.
    pub status: Status,
    /// One to three sentences: what is so, and why it matters.
    pub message: String,
    /// What it is about.
    pub objects: Vec<ObjectReference>,
    /// What to do.
    pub fix: Option<Fix>,
}

/// Everything a rule may look at.
#[derive(Clone, Copy)]
pub struct Case<'a> {
    /// The tenant.
    pub snapshot: &'a Snapshot,
    /// Its Conditional Access policies, compiled.
    pub access: &'a Access<'a>,
    /// Who the emergency accounts are.
    pub accounts: &'a Accounts,
    /// What the configuration says.
    pub settings: &'a PostureSettings,
    /// The instant of judgement.
    pub now: Timestamp,
}

impl Case<'_> {
    /// A reference to a user.
    #[must_use]
    pub fn user(&self, key: ObjectKey) -> ObjectReference {
        self.reference(ObjectKind::User, key)
    }

    /// A reference to a group.
    #[must_use]
    pub fn group(&self, key: ObjectKey) -> ObjectReference {
        self.reference(ObjectKind::Group, key)
    }

    fn reference(&self, kind: ObjectKind, key: ObjectKey) -> ObjectReference {
        ObjectReference { kind, id: self.snapshot.objects.id(key).to_owned(), name: self.snapshot.name(key).to_owned() }
    }

    /// A reference to a policy.
    #[must_use]
    pub fn policy(policy: &breakglass_model::policy::ConditionalAccessPolicy) -> ObjectReference {
        ObjectReference { kind: ObjectKind::Policy, id: policy.id.to_string(), name: policy.name().to_owned() }
    }
}

/// What the configuration says about the rules.
#[derive(Debug, Clone)]
pub struct PostureSettings {
    /// How authentication is judged.
    pub profile: Profile,
    /// Names that an emergency account must not have, in lower case; compared with the part before the `@`.
    pub forbidden_names: Vec<String>,
    /// Text that each name must have one of, in lower case; empty = anything goes.
    pub wanted_name_parts: Vec<String>,
    /// Whether each account must have a manager or owner recorded.
    pub owner_is_required: bool,
    /// Who answers for an account by the configuration: the name it is declared by, and the owner.
    pub owners: Vec<(String, String)>,
    /// Until when the tenant postponed mandatory MFA of Azure Resource Manager, if it did.
    pub mandatory_mfa_postponed_until: Option<Timestamp>,
    /// Days before its end at which a certificate is reported.
    pub certificate_days_left_min: i64,
    /// Whether a watcher is configured (rules BG06xx).
    pub watcher_is_configured: bool,
    /// Whether custody is configured (rules BG07xx).
    pub custody_is_configured: bool,
    /// Ids of groups and users that may be excluded from policies beside the emergency accounts.
    pub accepted_exclusions: Vec<String>,
    /// Authentication contexts (`c1`…) that recovery actions need, such as those of PIM.
    pub recovery_authentication_contexts: Vec<String>,
}

impl Default for PostureSettings {
    fn default() -> Self {
        Self {
            profile: Profile::Current,
            forbidden_names: ["admin", "administrator", "backup", "test", "root"].map(str::to_owned).to_vec(),
            wanted_name_parts: Vec::new(),
            owner_is_required: false,
            owners: Vec::new(),
            mandatory_mfa_postponed_until: None,
            certificate_days_left_min: 30,
            watcher_is_configured: false,
            custody_is_configured: false,
            accepted_exclusions: Vec::new(),
            recovery_authentication_contexts: Vec::new(),
        }
    }
}

/// A posture rule: one file, one line in [`rules::RULES`].
pub trait Rule: Sync {
    /// Its stable code, `BG####`.
    fn code(&self) -> &'static str;
    /// Its title: the state that should hold.
    fn title(&self) -> &'static str;
    /// Rows of the requirements.
    fn requirements(&self) -> &'static [&'static str];
    /// The severity of its worst finding, for the list of rules.
    fn severity(&self) -> Severity;
    /// What it means, why it matters, what to do: Markdown, for `explain` and the reference.
    fn explanation(&self) -> &'static str;
    /// Judges; at least one finding.
    fn check(&self, case: &Case<'_>) -> Vec<Finding>;
}

/// A finding under construction: rules say what they saw, the rest comes from the rule.
pub(crate) fn finding(rule: &dyn Rule, status: Status, message: impl Into<String>) -> Finding {
    Finding {
        rule: rule.code(),
        title: rule.title(),
        requirements: rule.requirements(),
        severity: rule.severity(),
        status,
        message: message.into(),
        objects: Vec::new(),
        fix: None,
    }
}

impl Finding {
    /// With the objects it is about.
    #[must_use]
    pub(crate) fn about(mut self, objects: Vec<ObjectReference>) -> Self {
        self.objects = objects;
        self
    }

    /// With what to do.
    #[must_use]
    pub(crate) fn fixed_by(mut self, fix: Fix) -> Self {
        self.fix = Some(fix);
        self
    }

    /// At another severity than the rule's own.
    #[must_use]
    pub(crate) fn at(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }
}

/// The judgement of a tenant.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Tenant id, if the snapshot has one.
    pub tenant_id: Option<String>,
    /// The profile it was judged by.
    pub profile: Profile,
    /// When the snapshot was taken.
    pub taken_at: Option<Timestamp>,
    /// The answer to "can we still get in?", one sentence.
    pub sentence: String,
    /// Every finding, in the order of the rules.
    pub findings: Vec<Finding>,
}

impl Report {
    /// How many findings have a status.
    #[must_use]
    pub fn count(&self, status: Status) -> usize {
        self.findings.iter().filter(|finding| finding.status == status).count()
    }
}

/// Judges a tenant by every rule.
#[must_use]
pub fn judge(case: &Case<'_>) -> Report {
    let findings: Vec<Finding> = rules::RULES.iter().flat_map(|rule| rule.check(case)).collect();
    Report {
        tenant_id: case.snapshot.tenant_id.as_ref().map(ToString::to_string),
        profile: case.settings.profile,
        taken_at: case.snapshot.taken_at,
        sentence: accounts::sentence(case, &findings),
        findings,
    }
}
