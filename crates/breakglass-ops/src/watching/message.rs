//! What is said in an alert: plain facts, which each channel puts into its own form.
//!
//! **Invariant:** it is made once, when the alert is due, and is the same at each try and in each channel. There is no
//! secret in it. Text that came from a log is as it came; whoever renders it makes it harmless.
//! **Limits:** [`EVENT_COUNT_MAX`].

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::event::{Event, Reached};
use super::incident::Because;

/// Sign-ins that are told one by one; more are counted.
pub const EVENT_COUNT_MAX: usize = 10;

/// An alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Message {
    /// The number of the incident.
    pub incident: u64,
    /// Which alert of it, from 1.
    pub alert: u32,
    /// Why.
    pub because: Because,
    /// On which step of the ladder, from 0.
    pub step: u16,
    /// The object id of the account.
    pub account: String,
    /// Its sign-in name, as the log says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_principal_name: Option<String>,
    /// When the incident began.
    pub opened_at: Timestamp,
    /// When the alert was made.
    pub at: Timestamp,
    /// Sign-ins of which nobody was told before.
    pub new_count: u64,
    /// How far somebody got at those.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newly: Option<Reached>,
    /// How far somebody got in the incident.
    pub furthest: Reached,
    /// The last of the sign-ins of which nobody was told before, or of all if everything was told; the newest first.
    pub events: Vec<Event>,
    /// What whoever gets a test says back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}
