//! A form as it is posted to the authority, wiped after use.
//!
//! **Source:** the URL standard, `application/x-www-form-urlencoded`.

use crate::http::Gathered;
use bytes::Bytes;

/// A form.
pub(super) struct Form(Gathered);

impl Form {
    /// With its first members.
    pub(super) fn new(members: &[(&str, &str)]) -> Self {
        let mut form = Self(Gathered::default());
        for (name, value) in members {
            form.push(name, value);
        }
        form
    }

    /// One more member.
    pub(super) fn push(&mut self, name: &str, value: &str) {
        if self.0.len() > 0 {
            self.0.push(b"&");
        }
        self.escaped(name);
        self.0.push(b"=");
        self.escaped(value);
    }

    fn escaped(&mut self, text: &str) {
        escape(&mut self.0, text);
    }

    pub(super) fn into_body(self) -> Bytes {
        self.0.into_shared()
    }

    /// As the query of an address that somebody is shown: there is no secret in it then.
    pub(super) fn into_query(self) -> String {
        String::from_utf8(self.0.into_plain()).unwrap_or_default()
    }
}

/// Whether text repeats a secret of a form that was posted.
pub(super) fn repeats(body: &[u8], text: &str) -> bool {
    // Each byte is escaped by itself, so what is in the text is in the text when it is escaped.
    let mut said = Gathered::default();
    escape(&mut said, text);
    let members = body.split(|byte| *byte == b'&').filter_map(|member| {
        let at = member.iter().position(|byte| *byte == b'=')?;
        let (name, value) = member.split_at_checked(at)?;
        SECRETS.contains(&name).then_some(value.get(1..)?)
    });
    let mut secrets = members.filter(|value| !value.is_empty());
    secrets.any(|value| said.bytes().windows(value.len()).any(|part| part == value))
}

/// The members that nobody may see.
const SECRETS: [&[u8]; 7] =
    [b"client_secret", b"client_assertion", b"code", b"code_verifier", b"device_code", b"password", b"refresh_token"];

fn escape(into: &mut Gathered, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => into.push(&[byte]),
            _ => into.push(&[b'%', hex(byte >> 4), hex(byte & 15)]),
        }
    }
}

fn hex(nibble: u8) -> u8 {
    match nibble {
        0..=9 => b'0' + nibble,
        _ => b'A' + nibble - 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_escaped() {
        let form = Form::new(&[("client_secret", "a+b&c=d %é~"), ("x", "")]);
        let body = form.into_body();
        for (text, expected) in
            [("it was a+b&c=d %é~!", true), ("a+b&c=d %é~", true), ("a+b", false), ("x", false), ("", false)]
        {
            assert_eq!(repeats(&body, text), expected, "{text}");
        }
        let form = Form::new(&[("client_secret", "a+b&c=d %é~"), ("x", "")]);
        assert_eq!(form.into_query(), "client_secret=a%2Bb%26c%3Dd%20%25%C3%A9~&x=");
    }
}
