//! A tenant, asked and changed by requests of Microsoft Graph.
//!
//! The port speaks requests and not duties, so that a plan can show exactly what will be sent, and a test can fail each
//! request in each way. What an implementation promises:
//! - a request is sent with a token of the tenant to the Graph of its cloud, and to nobody else: a `nextLink` that leads
//!   elsewhere is [`DirectoryError::NotSent`];
//! - [`Repeat::Safe`] is sent again after a throttled, lost or failed answer, within a limit; [`Repeat::IfUndone`] only
//!   if the tenant has certainly not carried it out;
//! - [`DirectoryError::Lost`] is every request that may have been carried out, and none other is;
//! - everything that waits has a time-out.
//!
//! **Source:** "Use the Microsoft Graph API", "Microsoft Graph error responses and resource types", "Microsoft Graph
//! throttling guidance", read 2026-11-26.

use std::borrow::Cow;
use std::fmt;

use async_trait::async_trait;
use breakglass_custody::password::Password;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A method of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Reads.
    Get,
    /// Creates, or acts.
    Post,
    /// Changes what is named.
    Patch,
    /// Replaces.
    Put,
    /// Deletes.
    Delete,
}

impl Method {
    /// As it is sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// When a request may be sent again by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// Whenever no answer came: twice is as good as once.
    Safe,
    /// Only if it was certainly not carried out: never sent, or refused by throttling.
    IfUndone,
}

/// A password on its way into a request.
#[derive(Debug, Clone, Copy)]
pub struct SecretValue<'a> {
    /// Where in the body it belongs, as a JSON pointer; the objects on the way are there.
    pub pointer: &'static str,
    /// What belongs there.
    pub password: &'a Password,
}

/// A request to Microsoft Graph.
#[derive(Debug, Clone)]
pub struct GraphRequest<'a> {
    /// The method.
    pub method: Method,
    /// Path and query from the version on, as `/v1.0/users?$top=999`, or a whole `@odata.nextLink`.
    pub target: Cow<'a, str>,
    /// The body, without secrets.
    pub body: Option<Cow<'a, Value>>,
    /// What is put into the body as it is sent.
    pub secret: Option<SecretValue<'a>>,
    /// Whether it is an advanced query, with the header `ConsistencyLevel: eventual`.
    pub is_eventual: bool,
    /// When it may be sent again.
    pub repeat: Repeat,
}

impl<'a> GraphRequest<'a> {
    /// Reads.
    pub fn get(target: impl Into<Cow<'a, str>>) -> Self {
        Self {
            method: Method::Get,
            target: target.into(),
            body: None,
            secret: None,
            is_eventual: false,
            repeat: Repeat::Safe,
        }
    }

    /// Sends a body, once.
    pub fn with_body(method: Method, target: impl Into<Cow<'a, str>>, body: Cow<'a, Value>) -> Self {
        Self { method, body: Some(body), repeat: Repeat::IfUndone, ..Self::get(target) }
    }
}

/// An answer that says yes.
#[derive(Debug, Clone)]
pub struct GraphAnswer {
    /// The status, 200 to 299.
    pub status: u16,
    /// The body as it came.
    pub body: Vec<u8>,
    /// What the tenant's clock said, from the header `Date`.
    pub date: Option<Timestamp>,
    /// Microsoft's name of the request, for whoever asks them.
    pub request_id: Option<String>,
}

impl GraphAnswer {
    /// The body as a value of `T`.
    ///
    /// # Errors
    /// It is not JSON, or not that.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, DirectoryError> {
        serde_json::from_slice(&self.body).map_err(|error| DirectoryError::Malformed { why: error.to_string() })
    }
}

/// An answer that says no, in Graph's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The status, 300 to 599.
    pub status: u16,
    /// Graph's code, as `Authorization_RequestDenied`; empty if the answer has none.
    pub code: String,
    /// Graph's sentence.
    pub message: String,
    /// Microsoft's name of the request.
    pub request_id: Option<String>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, code, message, .. } = self;
        match (code.is_empty(), message.is_empty()) {
            (true, true) => write!(f, "{status}"),
            (false, true) => write!(f, "{status} {code}"),
            (true, false) => write!(f, "{status}: {message}"),
            (false, false) => write!(f, "{status} {code}: {message}"),
        }
    }
}

/// Why there is no answer, or none that says yes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    /// Nobody is signed in, or not any more.
    #[error("the sign-in failed: {why}")]
    NotSignedIn {
        /// The reason, for people.
        why: String,
    },
    /// The request never reached the tenant.
    #[error("the tenant cannot be reached: {why}")]
    NotSent {
        /// The reason, for people.
        why: String,
    },
    /// The request was sent, and there is no whole answer: it may have been carried out.
    #[error("no answer came: {why}")]
    Lost {
        /// The reason, for people.
        why: String,
    },
    /// The tenant said no.
    #[error("the tenant answered {0}")]
    Refused(Refusal),
    /// The answer says yes and is not what was asked for.
    #[error("the answer is not understood: {why}")]
    Malformed {
        /// The reason, for people.
        why: String,
    },
}

impl DirectoryError {
    /// The status of a refusal.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        if let Self::Refused(refusal) = self { Some(refusal.status) } else { None }
    }

    /// Whether the object that was named is not there.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(404)
    }

    /// Whether the request may have been carried out.
    #[must_use]
    pub fn may_be_done(&self) -> bool {
        match self {
            Self::Lost { .. } | Self::Malformed { .. } => true,
            // What breaks while it is carried out may be done.
            Self::Refused(refusal) => refusal.status >= 500,
            Self::NotSignedIn { .. } | Self::NotSent { .. } => false,
        }
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignedInAs {
    /// A person.
    User {
        /// The object id.
        id: String,
        /// The name they sign in with.
        user_principal_name: String,
    },
    /// An application as itself.
    Application {
        /// Its application id.
        app_id: String,
    },
}

/// What the token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// Who asks.
    pub who: SignedInAs,
    /// The tenant's id.
    pub tenant_id: String,
    /// The application that the token was issued to.
    pub app_id: String,
    /// The permissions, as `Policy.Read.All`, sorted: delegated ones of a person, app roles of an application.
    pub permissions: Vec<String>,
    /// Template ids of the roles that a person holds, sorted.
    pub role_template_ids: Vec<String>,
}

/// A tenant behind Microsoft Graph.
#[async_trait]
pub trait Directory: Send + Sync {
    /// Sends a request and waits for the answer.
    ///
    /// # Errors
    /// Every answer that does not say yes, and every answer that did not come.
    async fn send(&self, request: &GraphRequest<'_>) -> Result<GraphAnswer, DirectoryError>;

    /// Where the tenant's Graph is, as `https://graph.microsoft.com`, for bodies that name objects by their address.
    fn origin(&self) -> String;

    /// Who is signed in, signing in first if nobody is.
    ///
    /// # Errors
    /// The sign-in failed.
    async fn signed_in(&self) -> Result<SignedIn, DirectoryError>;
}
