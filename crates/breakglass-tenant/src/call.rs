//! A request and an answer, as far as the tenant looks at them: the HTTP server makes and sends them.

use std::net::IpAddr;

use serde_json::Value;

/// A request.
#[derive(Debug, Clone)]
pub struct Call {
    /// `GET`, `POST` and so on.
    pub method: String,
    /// The path as it was sent, without the query.
    pub path: String,
    /// What stands behind the question mark.
    pub query: String,
    /// Headers, names in lower case, in the order in which they came.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// Whose address it came from.
    pub remote: IpAddr,
}

impl Call {
    /// The first header of a name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The parts of the path, decoded once; `None` where the path has escapes that stand for no text, or a part that is
    /// empty, is `.` or `..`, or has a slash or a control character in it.
    #[must_use]
    pub fn segments(&self) -> Option<Vec<String>> {
        let parts = self.path.trim_start_matches('/').trim_end_matches('/');
        if parts.is_empty() {
            return Some(Vec::new());
        }
        let decode = |part: &str| {
            let decoded = decoded(part, false)?;
            let is_unusual = |one: char| one == '/' || one.is_control();
            let is_trick = decoded.is_empty() || decoded == "." || decoded == ".." || decoded.contains(is_unusual);
            (!is_trick).then_some(decoded)
        };
        parts.split('/').map(decode).collect()
    }

    /// The members of a form in the body; `None` where it is none.
    #[must_use]
    pub fn form(&self) -> Option<Vec<(String, String)>> {
        pairs(std::str::from_utf8(&self.body).ok()?)
    }
}

/// Members that one form or query may have.
const MEMBER_COUNT_MAX: usize = 200;

/// The members of a form or a query.
pub(crate) fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let members: Vec<&str> = text.split('&').filter(|member| !member.is_empty()).collect();
    if members.len() > MEMBER_COUNT_MAX {
        return None;
    }
    let pair = |member: &&str| {
        let (name, value) = member.split_once('=').unwrap_or((member, ""));
        Some((decoded(name, true)?, decoded(value, true)?))
    };
    members.iter().map(pair).collect()
}

/// The first member of a name.
pub(crate) fn member<'p>(pairs: &'p [(String, String)], name: &str) -> Option<&'p str> {
    pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// The first name that stands more than once.
pub(crate) fn repeated(pairs: &[(String, String)]) -> Option<&str> {
    let mut names: Vec<&str> = pairs.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    names.windows(2).find_map(|two| match two {
        [one, other] if one == other => Some(*one),
        _ => None,
    })
}

/// Text as a member of a form or a query.
pub(crate) fn encoded(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            written.push(char::from(byte));
        } else {
            written.push_str(&format!("%{byte:02X}"));
        }
    }
    written
}

/// Members as a query.
pub(crate) fn written(pairs: &[(String, String)]) -> String {
    let members = pairs.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
    members.collect::<Vec<_>>().join("&")
}

/// Text without its escapes; `None` where they stand for no text.
pub(crate) fn decoded(text: &str, is_form: bool) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digit = |byte: u8| (byte as char).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                digit(rest.next()?)? << 4 | digit(rest.next()?)?
            }
            b'+' if is_form => b' ',
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// Headers beside the usual ones.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Body,
    /// Seconds for which it is kept back.
    pub delay_seconds: u64,
    /// Whether the connection is closed in its place.
    pub is_cut: bool,
}

/// What an answer carries.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// Nothing.
    Nothing,
    /// JSON.
    Json(Value),
    /// A page.
    Page(String),
    /// Plain text.
    Text(String),
}

impl Reply {
    /// JSON with a status.
    pub(crate) fn json(status: u16, value: Value) -> Self {
        Self::of(status, Body::Json(value))
    }

    /// Nothing, with a status.
    pub(crate) const fn empty(status: u16) -> Self {
        Self::of(status, Body::Nothing)
    }

    /// A body with a status.
    pub(crate) const fn of(status: u16, body: Body) -> Self {
        Self { status, headers: Vec::new(), body, delay_seconds: 0, is_cut: false }
    }

    /// A connection that is closed without an answer.
    pub(crate) fn cut() -> Self {
        Self { is_cut: true, ..Self::of(503, Body::Nothing) }
    }

    /// With one more header.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::{Call, decoded, pairs};

    fn segments(path: &str) -> Option<Vec<String>> {
        let call = Call {
            method: "GET".to_owned(),
            path: path.to_owned(),
            query: String::new(),
            headers: Vec::new(),
            body: Vec::new(),
            remote: [127, 0, 0, 1].into(),
        };
        call.segments()
    }

    #[test]
    fn paths_are_parts_and_tricks_are_none() {
        assert_eq!(segments("/v1.0/users/a%40b").unwrap(), ["v1.0", "users", "a@b"]);
        assert_eq!(segments("/").unwrap(), [""; 0]);
        assert_eq!(segments("/a/%252e%252e").unwrap(), ["a", "%2e%2e"], "it is decoded once");
        for trick in ["/a//b", "/a/../b", "/a/%2e%2e/b", "/a/%2Fb", "/a/%zz", "/a/%c3", "/a/%", "/a/b%00", "/a/%0d%0a"]
        {
            assert_eq!(segments(trick), None, "{trick}");
        }
    }

    #[test]
    fn forms_are_decoded() {
        let form = pairs("a=b+c&d=%24e%3D&f").unwrap();
        let expected = [("a", "b c"), ("d", "$e="), ("f", "")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(form, expected);
        assert_eq!(decoded("a+b", false).unwrap(), "a+b");
        assert_eq!(pairs("a=%f"), None);
        assert_eq!(pairs(&"a&".repeat(201)), None);
    }
}
