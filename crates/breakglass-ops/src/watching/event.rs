//! What a log says of an emergency account: a sign-in, or a try.
//!
//! A record is about an account by the object id, which nobody can change; the name is kept to be shown. The same sign-in is
//! told more than once: by several logs, again where a risk was found later, again with what came of its second factor. The
//! id is the same each time, and what says more takes the place of what said less.
//! **Limits:** [`TEXT_CHARS_MAX`].
//! **Source:** "signIn resource type"; "Sign-in log schema in Azure Monitor"; "Microsoft Entra authentication and
//! authorization error codes", read 2026-11-28.

use breakglass_model::sign_in_record::{SignInRecord, Who};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Characters of the longest text of a record that is kept; more is cut off.
pub const TEXT_CHARS_MAX: usize = 256;

/// How far somebody got; each is further than the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Reached {
    /// Wherever it was: a rotation of ours proved the new password by it, as it had written down before.
    Own,
    /// Nowhere: the password was wrong, or none was given.
    Nothing,
    /// Not in; whether the password was right, the record does not say.
    Unsaid,
    /// The password or key was right, and something behind it stopped the sign-in or interrupted it.
    Credential,
    /// In: a token was issued.
    Token,
}

/// Error codes of a sign-in that nobody was near to: no such account, no password, a wrong one, nobody signed in.
const NOTHING: [i64; 4] = [50_034, 50_056, 50_058, 50_126];

/// Error codes that are said when the first factor was right: what is demanded next, or keeps out, stands behind it.
const CREDENTIAL: [i64; 25] = [
    50_005, 50_055, 50_072, 50_074, 50_076, 50_079, 50_097, 50_105, 50_125, 50_129, 50_131, 50_140, 50_144, 50_158,
    53_000, 53_001, 53_002, 53_003, 53_004, 53_010, 53_011, 65_001, 65_004, 500_121, 530_032,
];

impl Reached {
    /// How far a sign-in got, by its error code.
    #[must_use]
    pub fn of_code(code: Option<i64>) -> Self {
        match code {
            Some(0) => Self::Token,
            Some(code) if NOTHING.contains(&code) => Self::Nothing,
            Some(code) if CREDENTIAL.contains(&code) => Self::Credential,
            // A code that is not in the list, or none at all, may be of a sign-in that was good.
            Some(_) | None => Self::Unsaid,
        }
    }
}

/// Which sign-in: Entra's own id of it, by which it is known in every log.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(String);

impl EventId {
    /// That id as it stands.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A sign-in by an emergency account, or a try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Event {
    /// Which.
    pub id: EventId,
    /// The object id of the account, in small letters.
    pub account: String,
    /// When it happened, as Entra says.
    pub at: Timestamp,
    /// How far it got.
    pub reached: Reached,
    /// Entra's code; 0 is success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<i64>,
    /// Whether somebody sat there; `false` where a token was renewed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_interactive: Option<bool>,
    /// Under which id a client has sent it, if it has chosen one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// The sign-in name, as it was then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_principal_name: Option<String>,
    /// The client, by its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_display_name: Option<String>,
    /// The client, by its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
    /// Whence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_address: Option<String>,
    /// The country of the address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
}

/// Why a record is no event of an account that is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoEvent {
    /// It is about somebody else, or about something else than a sign-in.
    Other,
    /// It is about nobody who is named by an id: who it was has to be found out by the name.
    Unresolved,
    /// It is about an account that is watched, and lacks its id or its time: nobody can keep it, and somebody has to know.
    Incomplete,
}

impl Event {
    /// What a record of a sign-in says of one of the accounts, which are object ids in small letters. Whether somebody sat
    /// there, whoever asked for the record knows, where the record itself does not say of which log it is.
    ///
    /// # Errors
    /// It says nothing of any of them, or not enough.
    pub fn of_sign_in(
        record: &SignInRecord<'_>,
        is_interactive: Option<bool>,
        is_watched: impl Fn(&str) -> bool,
    ) -> Result<Self, NoEvent> {
        if !record.is_sign_in() {
            return Err(NoEvent::Other);
        }
        let account = match record.who() {
            Some(Who::User(user)) if !user.contains('@') => user.to_ascii_lowercase(),
            Some(Who::User(_)) | None => return Err(NoEvent::Unresolved),
            Some(Who::ServicePrincipal(_)) => return Err(NoEvent::Other),
        };
        if !is_watched(&account) {
            return Err(NoEvent::Other);
        }
        Self::about(record, is_interactive, account)
    }

    /// What a record says that is resolved to nobody, and has the name of an account.
    ///
    /// # Errors
    /// It has no id or no time.
    pub fn of_name(record: &SignInRecord<'_>, is_interactive: Option<bool>, account: &str) -> Result<Self, NoEvent> {
        Self::about(record, is_interactive, account.to_owned())
    }

    fn about(record: &SignInRecord<'_>, is_interactive: Option<bool>, account: String) -> Result<Self, NoEvent> {
        let id = record.id.as_deref().filter(|id| !id.is_empty() && id.chars().count() <= TEXT_CHARS_MAX);
        let (Some(id), Some(at)) = (id, record.created_date_time) else { return Err(NoEvent::Incomplete) };
        Ok(Self {
            id: EventId(id.to_ascii_lowercase()),
            account,
            at,
            reached: Reached::of_code(record.error_code),
            error_code: record.error_code,
            is_interactive: is_of_interactive_log(record).or(is_interactive),
            correlation_id: kept(record.correlation_id.as_deref()),
            user_principal_name: kept(record.user_principal_name.as_deref()),
            app_display_name: kept(record.app_display_name.as_deref()),
            app_id: kept(record.app_id.as_deref()),
            ip_address: kept(record.ip_address.as_deref()),
            country: kept(record.country.as_deref()),
        })
    }

    /// What is known of a sign-in of which both tell: of each thing what says more. It never comes to less than either.
    #[must_use]
    pub fn with(&self, other: &Self) -> Self {
        let is_further = other.reached > self.reached;
        let (further, nearer) = if is_further { (other, self) } else { (self, other) };
        let text = |of: fn(&Self) -> &Option<String>| of(further).clone().or_else(|| of(nearer).clone());
        Self {
            id: self.id.clone(),
            account: self.account.clone(),
            at: self.at.min(other.at),
            reached: further.reached,
            error_code: further.error_code.or(nearer.error_code),
            is_interactive: further.is_interactive.or(nearer.is_interactive),
            correlation_id: text(|event| &event.correlation_id),
            user_principal_name: text(|event| &event.user_principal_name),
            app_display_name: text(|event| &event.app_display_name),
            app_id: text(|event| &event.app_id),
            ip_address: text(|event| &event.ip_address),
            country: text(|event| &event.country),
        }
    }
}

/// Whether somebody sat there, by the kind of log.
fn is_of_interactive_log(record: &SignInRecord<'_>) -> Option<bool> {
    Some(match record.category.as_deref()? {
        "SignInLogs" => true,
        "NonInteractiveUserSignInLogs" => false,
        _ => return None,
    })
}

/// A text that is not empty, cut to what is kept.
fn kept(text: Option<&str>) -> Option<String> {
    let text = text.filter(|text| !text.is_empty())?;
    Some(text.chars().take(TEXT_CHARS_MAX).collect())
}
