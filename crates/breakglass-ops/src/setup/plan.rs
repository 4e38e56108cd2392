//! A plan: what is to be changed, in order, as a file that somebody reads before it is carried out.
//!
//! **Invariant:** a plan that is loaded is the one that was written: its digest covers everything, and each request is
//! the one that follows from its action. **Limits:** [`PLAN_BYTES_MAX`].

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::action::{Action, PlannedRequest};

/// Name and version of the document.
pub const FORMAT: &str = "breakglass-plan/1";

/// Bytes of the largest plan.
pub const PLAN_BYTES_MAX: u64 = 64 << 20;

/// Why a file is no plan that can be carried out.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// It is not of the form.
    #[error("it is no plan of the form `{FORMAT}`")]
    Malformed(#[source] serde_json::Error),
    /// It is of another version.
    #[error("it is a plan of the form `{0}`, and this version carries out `{FORMAT}`")]
    Version(String),
    /// It is not as it was written.
    #[error("it was changed after it was written: {0}")]
    Edited(String),
}

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Its name within the plan.
    pub key: String,
    /// What it does.
    pub does: String,
    /// Why it is needed.
    pub because: String,
    /// Permissions that it needs.
    pub permissions: Vec<String>,
    /// What will be sent.
    pub request: PlannedRequest,
    /// The change itself.
    pub change: Action,
}

/// Something that no request of Graph does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ByHand {
    /// What is to be done, and where.
    pub does: String,
    /// Why.
    pub because: String,
    /// Whether what was declared is not reached without it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_due: bool,
}

impl ByHand {
    /// Something that is good to have, or that nobody can look at from here.
    pub(super) fn new(does: String, because: impl Into<String>) -> Self {
        Self { does, because: because.into(), is_due: false }
    }

    /// Something without which what was declared is not reached.
    pub(super) fn due(does: String, because: impl Into<String>) -> Self {
        Self { is_due: true, ..Self::new(does, because) }
    }
}

/// A plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Plan {
    /// [`FORMAT`].
    pub format: String,
    /// The tenant.
    pub tenant_id: String,
    /// Its name.
    pub tenant_name: String,
    /// When the tenant was read.
    pub made_at: Timestamp,
    /// Sign-in names of the accounts as they are to be.
    pub accounts: Vec<String>,
    /// Digest of each policy that was there, by its id: a plan is not carried out on others.
    pub policies: BTreeMap<String, String>,
    /// What is done, in order.
    pub steps: Vec<Step>,
    /// What has to be done by hand.
    pub by_hand: Vec<ByHand>,
    /// Digest of the plan that this one takes back, if it takes one back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub takes_back: Option<String>,
    /// Digest of everything else, in hexadecimal.
    pub digest: String,
}

impl Plan {
    /// A plan of these actions, each with its reason.
    #[must_use]
    pub fn new(head: Head, actions: Vec<(Action, String)>, by_hand: Vec<ByHand>) -> Self {
        let none = BTreeMap::new();
        let step = |(change, because): (Action, String)| Step {
            key: change.key(),
            does: change.sentence(),
            because,
            permissions: change.permissions().iter().map(|name| (*name).to_owned()).collect(),
            request: change.request(&none),
            change,
        };
        let mut plan = Self {
            format: FORMAT.to_owned(),
            tenant_id: head.tenant_id,
            tenant_name: head.tenant_name,
            made_at: head.made_at,
            accounts: head.accounts,
            policies: head.policies,
            steps: actions.into_iter().map(step).collect(),
            by_hand,
            takes_back: head.takes_back,
            digest: String::new(),
        };
        plan.digest = plan.own_digest();
        plan
    }

    /// Whether what was declared is reached: nothing is to be sent, and nothing is due by hand.
    #[must_use]
    pub fn is_reached(&self) -> bool {
        self.steps.is_empty() && !self.by_hand.iter().any(|one| one.is_due)
    }

    /// Reads a plan.
    ///
    /// # Errors
    /// It is none, or it was changed by somebody.
    pub fn read(bytes: &[u8]) -> Result<Self, PlanError> {
        let value: Value = serde_json::from_slice(bytes).map_err(PlanError::Malformed)?;
        if let Some(format) = value.get("format").and_then(Value::as_str).filter(|format| *format != FORMAT) {
            return Err(PlanError::Version(format.to_owned()));
        }
        let plan: Self = serde_json::from_value(value).map_err(PlanError::Malformed)?;
        let again = Self::new(
            Head {
                tenant_id: plan.tenant_id.clone(),
                tenant_name: plan.tenant_name.clone(),
                made_at: plan.made_at,
                accounts: plan.accounts.clone(),
                policies: plan.policies.clone(),
                takes_back: plan.takes_back.clone(),
            },
            plan.steps.iter().map(|step| (step.change.clone(), step.because.clone())).collect(),
            plan.by_hand.clone(),
        );
        let mut keys = BTreeSet::new();
        if let Some(step) = plan.steps.iter().find(|step| !keys.insert(step.key.as_str())) {
            return Err(PlanError::Edited(format!("there are two steps `{}`", step.key)));
        }
        let differs = plan.steps.iter().zip(&again.steps).find(|(one, other)| one != other);
        if let Some((step, _)) = differs {
            return Err(PlanError::Edited(format!("step `{}` does not do what it says", step.key)));
        }
        if plan.digest != again.digest {
            return Err(PlanError::Edited("its digest is not that of what it says".to_owned()));
        }
        Ok(plan)
    }

    /// The document.
    #[must_use]
    pub fn document(&self) -> String {
        let value = serde_json::to_value(self).unwrap_or_default();
        format!("{value:#}\n")
    }

    /// Every permission that a step needs, sorted.
    #[must_use]
    pub fn permissions(&self) -> BTreeSet<&str> {
        self.steps.iter().flat_map(|step| step.permissions.iter().map(String::as_str)).collect()
    }

    fn own_digest(&self) -> String {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        if let Some(object) = value.as_object_mut() {
            object.remove("digest");
        }
        digest(&value)
    }
}

/// What a plan is for.
#[derive(Debug, Clone)]
pub struct Head {
    /// The tenant.
    pub tenant_id: String,
    /// Its name.
    pub tenant_name: String,
    /// When the tenant was read.
    pub made_at: Timestamp,
    /// Sign-in names of the accounts as they are to be.
    pub accounts: Vec<String>,
    /// Digest of each policy.
    pub policies: BTreeMap<String, String>,
    /// Digest of the plan that is taken back, if one is.
    pub takes_back: Option<String>,
}

/// SHA-256 of a value whatever the order of its members, in hexadecimal.
#[must_use]
pub fn digest(value: &Value) -> String {
    let mut text = String::new();
    canonical(value, &mut text);
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn canonical(value: &Value, text: &mut String) {
    match value {
        Value::Object(object) => {
            let sorted: BTreeMap<&String, &Value> = object.iter().collect();
            text.push('{');
            for (name, value) in sorted {
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                canonical(value, text);
                text.push(',');
            }
            text.push('}');
        }
        Value::Array(list) => {
            text.push('[');
            for value in list {
                canonical(value, text);
                text.push(',');
            }
            text.push(']');
        }
        other => text.push_str(&other.to_string()),
    }
}
