//! Conditional Access: which policies apply to a sign-in, and what comes of it.
//!
//! [`Access::compile`] turns the policies of a snapshot into masks once; [`Access::situation`] turns a What If
//! request into small numbers; [`Access::decide`] intersects a few masks. Every answer is three-valued: what
//! applies for sure, what may apply, and so a range of outcomes whose two ends are equal when it is known.
//! [`Access::analyse`] explains: per policy the first condition that is not met, and the path that put the user
//! in or out.
//!
//! All sign-in semantics of the product are here: whoever else reads a policy's conditions does so to name them.
//!
//! **Invariant:** the compiled answer equals that of the plain evaluator in the test kit, on every pair of tenant
//! and sign-in that the property tests make.
//!
//! **Source:** the Conditional Access documentation and the examples of `evaluate`; where they leave room,
//! `docs/decisions/0005-conditional-access-semantics.md`.

mod analyse;
mod anywhere;
pub mod beside;
mod classes;
mod compile;
mod count;
mod decide;
pub mod demand;
pub mod device_filter;
mod doubt;
pub(crate) mod identity_protection;
pub mod locations;
pub(crate) mod managed;
pub mod membership;
pub(crate) mod permitted;
pub mod person;
pub mod recorded;
pub mod scope;
pub mod session;
mod situation;
pub mod surfaces;
mod targets;
mod trit;

pub use analyse::{Analysis, AppliedResult, Reason};
pub use anywhere::{Footprint, PossibleTarget};
pub use classes::UserClasses;
pub use compile::{Compiled, POLICY_COUNT_MAX};
pub use count::{OutcomeCounts, SITUATION_COUNT_MAX};
pub use decide::{Applied, Decision, PolicyState, bits};
pub use permitted::key_refused;
pub use situation::{REQUEST_APPLICATION_COUNT_MAX, ScopeRequest, Situation, SituationError};
pub use targets::{KEYWORDS, Target, TargetRow, Targets};
pub use trit::Trit;

use breakglass_model::policy::ConditionalAccessPolicy;
use breakglass_model::snapshot::Snapshot;
pub(crate) use compile::{INSIDER_RISKS, Masks, RISKS, is_by_position};
use jiff::Timestamp;

/// What the evaluation needs beside the snapshot.
#[derive(Debug, Clone, Copy)]
pub struct AccessSettings {
    /// The instant of the sign-in: role assignments count if they are current then.
    pub now: Timestamp,
    /// From when on sign-ins with low-privilege scopes meet policies about all resources that have exclusions.
    pub low_privilege_enforced_from: Timestamp,
}

/// Start of the enforcement that the documentation gives: 15 June 2026.
pub const LOW_PRIVILEGE_ENFORCED_FROM: Timestamp = Timestamp::constant(1_781_481_600, 0);

impl AccessSettings {
    /// The defaults, at an instant.
    #[must_use]
    pub const fn at(now: Timestamp) -> Self {
        Self { now, low_privilege_enforced_from: LOW_PRIVILEGE_ENFORCED_FROM }
    }
}

/// Why a snapshot's policies cannot be compiled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// There are too many.
    #[error("the snapshot has {count} policies; at most {POLICY_COUNT_MAX} are evaluated (Entra allows 240)")]
    TooManyPolicies {
        /// How many.
        count: usize,
    },
}

/// The policies of one tenant, compiled.
#[derive(Debug)]
pub struct Access<'a> {
    snapshot: &'a Snapshot,
    policies: &'a [ConditionalAccessPolicy],
    settings: AccessSettings,
    compiled: Compiled,
    classes: UserClasses<'a>,
    targets: Targets,
    /// Whether everything but classes and targets is certain.
    is_rest_certain: bool,
    /// Whether every policy's state and demand is known.
    are_grants_certain: bool,
    /// Whether there may be policies that the snapshot does not have.
    may_have_more_policies: bool,
}

impl<'a> Access<'a> {
    /// Compiles the policies of a snapshot.
    ///
    /// # Errors
    /// When there are more than [`POLICY_COUNT_MAX`] policies.
    pub fn compile(snapshot: &'a Snapshot, settings: &AccessSettings) -> Result<Self, AccessError> {
        Self::compile_with(snapshot, snapshot.conditional_access_policies.items(), settings)
    }

    /// Compiles other policies than those of the snapshot, as if they were the snapshot's: policies that somebody
    /// proposes, or the same ones in another state.
    ///
    /// # Errors
    /// When there are more than [`POLICY_COUNT_MAX`] policies.
    pub fn compile_with(
        snapshot: &'a Snapshot,
        policies: &'a [ConditionalAccessPolicy],
        settings: &AccessSettings,
    ) -> Result<Self, AccessError> {
        if policies.len() > POLICY_COUNT_MAX {
            return Err(AccessError::TooManyPolicies { count: policies.len() });
        }
        let compiled = compile::compile(snapshot, policies);
        let words = compiled.words;
        let is_enforced = (settings.now >= settings.low_privilege_enforced_from).into();
        let targets = Targets::of(snapshot, policies, words, is_enforced);
        let classes = UserClasses::of(snapshot, policies, words, settings.now);
        let is_rest_certain = compiled.are_conditions_certain();
        let may_have_more_policies = !snapshot.conditional_access_policies.is_complete();
        let are_grants_certain = !may_have_more_policies && compiled.grants.best == compiled.grants.worst;
        Ok(Self {
            snapshot,
            policies,
            settings: *settings,
            compiled,
            classes,
            targets,
            is_rest_certain,
            are_grants_certain,
            may_have_more_policies,
        })
    }

    /// The snapshot that was compiled.
    #[must_use]
    pub const fn snapshot(&self) -> &'a Snapshot {
        self.snapshot
    }

    /// The settings it was compiled with.
    #[must_use]
    pub const fn settings(&self) -> &AccessSettings {
        &self.settings
    }

    /// The policies, in the order of the bits.
    #[must_use]
    pub const fn policies(&self) -> &'a [ConditionalAccessPolicy] {
        self.policies
    }

    /// The users in their classes, and how they stand to each policy.
    #[must_use]
    pub const fn classes(&self) -> &UserClasses<'a> {
        &self.classes
    }

    /// The rows of what a sign-in may be to.
    pub(crate) const fn targets(&self) -> &Targets {
        &self.targets
    }

    /// Whether there may be policies that the snapshot does not have.
    #[must_use]
    pub const fn may_have_more(&self) -> bool {
        self.may_have_more_policies
    }

    /// What does not depend on who signs in and to what.
    #[must_use]
    pub const fn compiled(&self) -> &Compiled {
        &self.compiled
    }
}
