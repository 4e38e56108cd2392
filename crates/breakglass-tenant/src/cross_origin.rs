//! Requests from pages of other origins: single-page applications that sign people in and call Graph.
//!
//! What they may read is what anybody may ask without a cookie: discovery, keys, tokens, Graph. The pages on which people
//! sign in, and what lies behind the scenes, are for no other origin.
//!
//! **Source:** the Fetch standard, section 3.2 (CORS protocol); Microsoft's endpoints answer `*`.

use crate::call::{Call, Reply};

/// Seconds for which a browser need not ask again.
const MAX_AGE_SECONDS: u32 = 3_600;
/// Bytes of the longest list of headers that is given back.
const HEADERS_BYTES_MAX: usize = 4_096;
/// Headers of an answer that the page may read.
const EXPOSED: &str = "request-id, client-request-id, x-ms-request-id, retry-after, location, etag, www-authenticate";

/// A request from a page of another origin, to what it may read.
pub(crate) struct Asked<'c> {
    headers: &'c str,
}

/// Whether a request is one.
pub(crate) fn asked(call: &Call) -> Option<Asked<'_>> {
    call.header("origin")?;
    let path = call.path.as_str();
    let is_graph = path.starts_with("/v1.0/") || path.starts_with("/beta/") || path == "/oidc/userinfo";
    let ends = ["/token", "/devicecode", "/keys", "/openid-configuration", "/discovery/instance"];
    let is_login = !path.starts_with("/.breakglass") && ends.iter().any(|end| path.ends_with(end));
    let headers = call.header("access-control-request-headers").unwrap_or_default();
    (is_graph || is_login).then_some(Asked { headers })
}

impl Asked<'_> {
    /// The answer to a browser that asks whether the page may ask.
    pub(crate) fn preflight(&self) -> Reply {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_, ".contains(&byte);
        let headers = if self.headers.len() <= HEADERS_BYTES_MAX && self.headers.bytes().all(is_plain) {
            self.headers
        } else {
            ""
        };
        Reply::empty(204)
            .with("access-control-allow-origin", "*")
            .with("access-control-allow-methods", "GET, POST, PATCH, PUT, DELETE, OPTIONS")
            .with("access-control-allow-headers", headers)
            .with("access-control-max-age", MAX_AGE_SECONDS.to_string())
    }

    /// An answer that the page may read.
    pub(crate) fn answered(&self, reply: Reply) -> Reply {
        reply.with("access-control-allow-origin", "*").with("access-control-expose-headers", EXPOSED)
    }
}
