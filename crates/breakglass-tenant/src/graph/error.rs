//! Errors in Graph's shape.

use jiff::Timestamp;
use serde_json::json;

use crate::call::Reply;
use crate::random::NoRandomness;
use crate::secret::SecretError;
use crate::state::StateError;

/// An error of Graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GraphError {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    /// Where to begin again, if the error says so.
    pub(crate) location: Option<String>,
}

impl GraphError {
    pub(crate) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), location: None }
    }

    /// What was sent is not what is taken.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "Request_BadRequest", message)
    }

    /// The caller may not.
    pub(crate) fn denied() -> Self {
        Self::new(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
    }

    /// There is no such object.
    pub(crate) fn not_found(id: &str) -> Self {
        let id: String = id.chars().take(200).collect();
        let message =
            format!("Resource '{id}' does not exist or one of its queried reference-property objects are not present.");
        Self::new(404, "Request_ResourceNotFound", message)
    }

    /// There is nothing at the address.
    pub(crate) fn no_segment(segment: &str) -> Self {
        let segment: String = segment.chars().take(200).collect();
        Self::new(400, "BadRequest", format!("Resource not found for the segment '{segment}'."))
    }

    /// The address does not take the method.
    pub(crate) fn method() -> Self {
        Self::new(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
    }

    /// As an answer.
    pub(crate) fn reply(&self, (request_id, client_request_id, now): (&str, &str, Timestamp)) -> Reply {
        let date = now.strftime("%Y-%m-%dT%H:%M:%S").to_string();
        let reply = Reply::json(
            self.status,
            json!({ "error": {
                "code": self.code,
                "message": self.message,
                "innerError": { "date": date, "request-id": request_id, "client-request-id": client_request_id },
            } }),
        );
        match &self.location {
            Some(location) => reply.with("location", location.clone()),
            None => reply,
        }
    }
}

impl From<StateError> for GraphError {
    fn from(_: StateError) -> Self {
        Self::new(500, "InternalServerError", "The tenant cannot keep the change; its disk may be full.")
    }
}

impl From<NoRandomness> for GraphError {
    fn from(error: NoRandomness) -> Self {
        Self::new(500, "InternalServerError", error.to_string())
    }
}

impl From<SecretError> for GraphError {
    fn from(error: SecretError) -> Self {
        Self::bad_request(error.to_string())
    }
}
