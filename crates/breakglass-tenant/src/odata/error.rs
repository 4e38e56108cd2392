//! What Graph answers to a query that it does not serve.

use std::fmt;

/// How much of the user's own text an error repeats, in characters.
const EXCERPT_CHARS_MAX: usize = 256;

/// The `code` of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorCode {
    /// `Request_UnsupportedQuery`: the directory understands the query and does not serve it.
    UnsupportedQuery,
    /// `Request_BadRequest`: the directory does not understand the query.
    RequestBadRequest,
    /// `BadRequest`: the query is not OData.
    BadRequest,
}

impl ErrorCode {
    /// The code in Graph's spelling.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnsupportedQuery => "Request_UnsupportedQuery",
            Self::RequestBadRequest => "Request_BadRequest",
            Self::BadRequest => "BadRequest",
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// A query that is refused, in Graph's manner. Its `Display` is the message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ODataError {
    code: ErrorCode,
    message: String,
}

impl ODataError {
    /// The status of the answer: every one of these is the client's fault.
    pub const STATUS: u16 = 400;

    /// The `code` of the answer.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// The `message` of the answer.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    pub(super) fn unsupported(message: impl Into<String>) -> Self {
        Self { code: ErrorCode::UnsupportedQuery, message: message.into() }
    }

    pub(super) fn request(message: impl Into<String>) -> Self {
        Self { code: ErrorCode::RequestBadRequest, message: message.into() }
    }

    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self { code: ErrorCode::BadRequest, message: message.into() }
    }

    /// A name that a type does not have; what is wrong is told by the words that errors of the option begin with.
    pub(super) fn no_property(prefix: &str, (name, of): (String, String)) -> Self {
        Self::bad(format!("{prefix}Could not find a property named '{}' on type '{of}'.", excerpt(&name)))
    }

    /// An operator that is served only as an advanced query.
    pub(super) fn advanced_only(operator: &str) -> Self {
        Self::unsupported(format!(
            "Operator '{operator}' is not supported because the required parameters might be missing. Try adding \
             $count=true query parameter and ConsistencyLevel:eventual header. Refer to \
             https://aka.ms/graph-docs/advanced-queries for more information"
        ))
    }
}

/// What is wrong with the text of an option, and where: a position is in characters, from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) position: usize,
    pub(super) reason: String,
    pub(super) code: ErrorCode,
}

impl Fault {
    pub(super) fn new(position: usize, reason: impl Into<String>) -> Self {
        Self { position, reason: reason.into(), code: ErrorCode::BadRequest }
    }

    /// Something that OData has and the directory does not serve.
    pub(super) fn unsupported(position: usize, reason: impl Into<String>) -> Self {
        Self { position, reason: reason.into(), code: ErrorCode::UnsupportedQuery }
    }

    /// The error, which names the option by `prefix` and repeats its `text`.
    pub(super) fn of(self, prefix: &str, text: &str) -> ODataError {
        let Self { position, reason, code } = self;
        ODataError { code, message: format!("{prefix}{reason} at position {position} in '{}'.", excerpt(text)) }
    }
}

/// The text, or as much of it as an error repeats.
pub(super) fn excerpt(text: &str) -> String {
    match text.char_indices().nth(EXCERPT_CHARS_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
