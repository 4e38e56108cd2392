//! Why nobody is signed in, in words for people.
//!
//! **Source:** "Microsoft Entra authentication and authorization error codes"; RFC 6749, section 5.2.

use std::fmt;

use breakglass_ops::ports::DirectoryError;
use serde::Deserialize;
use serde_json::Value;

use crate::graph::refusal::{HIDDEN, plain};

/// Characters of the longest sentence that is given back.
const SENTENCE_CHARS_MAX: usize = 600;
/// Characters of the longest id.
const ID_CHARS_MAX: usize = 100;

/// Why there is no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignInError {
    /// The authority was not reached.
    #[error("{0}")]
    Unreachable(String),
    /// The authority says no.
    #[error("{0}")]
    Refused(Box<EntraRefusal>),
    /// Nobody signed in while there was time.
    #[error("nobody signed in within {seconds} seconds: begin again")]
    TimedOut {
        /// How long there was.
        seconds: u64,
    },
    /// Somebody declined.
    #[error("the sign-in was declined")]
    Declined,
    /// The authority's answer is none.
    #[error("the authority's answer is not understood: {0}")]
    Malformed(String),
    /// The Azure CLI gives no token.
    #[error("the Azure CLI gives no token: {0}")]
    AzureCli(String),
    /// Something on this machine fails.
    #[error("{0}")]
    Local(String),
}

impl From<SignInError> for DirectoryError {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::Unreachable(why) => Self::NotSent { why },
            error => Self::NotSignedIn { why: error.to_string() },
        }
    }
}

/// A refusal of Entra's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntraRefusal {
    /// OAuth's word, as `invalid_grant`.
    pub error: String,
    /// Entra's number, as 50126 of AADSTS50126.
    pub code: Option<u32>,
    /// The first line of what Entra says, without the code.
    pub sentence: String,
    /// What kind of action would help, as `basic_action`.
    pub suberror: Option<String>,
    /// What the next sign-in has to fulfil, as JSON.
    pub claims: Option<String>,
    /// Entra's name of what happened.
    pub trace_id: Option<String>,
    /// Entra's name of the sign-in.
    pub correlation_id: Option<String>,
}

impl fmt::Display for EntraRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "AADSTS{code}")?,
            None => write!(f, "`{}`", self.error)?,
        }
        if !self.sentence.is_empty() {
            write!(f, ": {}", self.sentence)?;
        }
        if let Some(hint) = self.hint() {
            write!(f, "; {hint}")?;
        }
        match (&self.trace_id, &self.correlation_id) {
            (Some(trace), Some(correlation)) => write!(f, " (trace {trace}, correlation {correlation})"),
            (Some(id), None) | (None, Some(id)) => write!(f, " (trace {id})"),
            (None, None) => Ok(()),
        }
    }
}

/// A refusal as it is sent.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Sent {
    error: String,
    error_description: String,
    error_codes: Vec<Value>,
    suberror: Option<String>,
    claims: Option<String>,
    trace_id: Option<String>,
    correlation_id: Option<String>,
}

impl EntraRefusal {
    /// Reads one; `None` where an answer is none. Text that repeats a secret is not given back.
    pub(super) fn of_body(body: &[u8], repeats: &dyn Fn(&str) -> bool) -> Option<Self> {
        let mut sent: Sent = serde_json::from_slice(body).ok()?;
        if sent.error.is_empty() {
            return None;
        }
        for text in [&mut sent.error, &mut sent.error_description] {
            if repeats(text) {
                HIDDEN.clone_into(text);
            }
        }
        for text in [&mut sent.suberror, &mut sent.claims, &mut sent.trace_id, &mut sent.correlation_id] {
            text.take_if(|text| repeats(text));
        }
        let listed = sent.error_codes.iter().find_map(Value::as_u64).and_then(|code| u32::try_from(code).ok());
        let id = |id: Option<String>| id.map(|id| plain(&id, ID_CHARS_MAX)).filter(|id| !id.is_empty());
        Some(Self {
            suberror: id(sent.suberror),
            // What is sent back again has to be an object, and not half of one.
            claims: sent.claims.filter(|claims| serde_json::from_str::<Value>(claims).is_ok_and(|it| it.is_object())),
            trace_id: id(sent.trace_id),
            correlation_id: id(sent.correlation_id),
            ..Self::of_words(&sent.error, &sent.error_description, listed)
        })
    }

    /// Reads what a browser brings back.
    pub(super) fn of_words(error: &str, description: &str, listed: Option<u32>) -> Self {
        let first = description.lines().next().unwrap_or_default();
        // On one line the ids come behind the sentence.
        let first = first.split(" Trace ID:").next().unwrap_or_default();
        let coded = first.strip_prefix("AADSTS").and_then(|rest| rest.split_once(':'));
        let (code, sentence) = match coded {
            Some((code, sentence)) => (code.parse().ok(), sentence),
            None => (None, first),
        };
        Self {
            error: plain(error, ID_CHARS_MAX),
            code: code.or(listed),
            sentence: plain(sentence, SENTENCE_CHARS_MAX),
            suberror: None,
            claims: None,
            trace_id: None,
            correlation_id: None,
        }
    }

    /// What to do about it.
    fn hint(&self) -> Option<&'static str> {
        Some(match self.code? {
            50_034 => "look whether the name is right, and of this tenant",
            50_053 => "the account is locked for a while, or the address is one of an attacker's",
            50_055 => "the password has to be changed first, in a browser",
            50_076 | 50_079 | 50_158 => "sign in with a browser or a device code, which can ask for a second factor",
            50_105 => "an administrator has to assign you to the application",
            53_000..=53_004 => "a Conditional Access policy keeps you out: sign in from where and with what it allows",
            65_001 => "an administrator has to consent to the permissions of the application",
            50_173 | 70_043 | 700_082 | 700_084 => "the earlier sign-in has ended: sign in again",
            90_002 => "look whether the tenant's id or domain is right, and the cloud",
            700_016 => "look whether the application's id and the tenant are right",
            700_024 => "look whether the clock of this machine is right",
            700_027 => "upload the certificate to the application, or look whether it has ended",
            7_000_112 => "an administrator has to enable the application again",
            7_000_215 => "give the secret's value, and not its id",
            7_000_218 => "allow public client flows in the application's registration",
            7_000_222 => "the secret has ended: make a new one for the application",
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_body(body: &[u8]) -> Option<EntraRefusal> {
        EntraRefusal::of_body(body, &|text| text.contains("hush"))
    }

    #[test]
    fn a_secret_that_is_repeated_is_not_given_back() {
        let body = r#"{"error":"hush","error_description":"AADSTS1: hush","suberror":"hush","claims":"{\"hush\":1}",
            "trace_id":"hush","correlation_id":"hush","error_codes":[7]}"#;
        let refused = of_body(body.as_bytes()).unwrap();
        assert!(!format!("{refused} {refused:?}").contains("hush"), "{refused:?}");
        assert_eq!(refused.to_string(), format!("AADSTS7: {HIDDEN}"));
    }

    #[test]
    fn entras_words_become_ours() {
        let body = r#"{"error":"invalid_grant","error_description":"AADSTS50126: Error validating credentials due to invalid username or password. Trace ID: t1 Correlation ID: c1 Timestamp: 2026-11-26 03:00:00Z","error_codes":[50126],"trace_id":"t1","correlation_id":"c1"}"#;
        let refused = of_body(body.as_bytes()).unwrap();
        assert_eq!(
            refused.to_string(),
            "AADSTS50126: Error validating credentials due to invalid username or password. (trace t1, correlation c1)"
        );
        let body = "{\"error\":\"interaction_required\",\"error_description\":\"AADSTS50076: More is needed.\\r\\nTrace ID: t\",\"suberror\":\"basic_action\",\"claims\":\"{\\\"access_token\\\":{}}\"}";
        let refused = of_body(body.as_bytes()).unwrap();
        assert_eq!((refused.code, refused.suberror.as_deref()), (Some(50_076), Some("basic_action")));
        assert_eq!(refused.claims.as_deref(), Some("{\"access_token\":{}}"));
        assert!(refused.to_string().starts_with("AADSTS50076: More is needed.; sign in with a browser"));
    }

    #[test]
    fn what_is_no_refusal_of_entras_is_none() {
        for body in ["", "<html>", "{}", "[]", r#"{"error":{}}"#, r#"{"error":""}"#] {
            assert_eq!(of_body(body.as_bytes()), None, "{body}");
        }
        let bare = of_body(br#"{"error":"access_denied","claims":"nonsense"}"#).unwrap();
        assert_eq!((bare.to_string().as_str(), bare.claims), ("`access_denied`", None));
    }
}
