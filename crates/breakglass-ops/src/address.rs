//! Text as part of an address.

/// What is not plain, written in percent.
///
/// **Source:** RFC 3986, section 2.3: unreserved characters; `@` and `'` are allowed in paths and queries too.
pub(crate) fn encoded(text: &str) -> String {
    let mut written = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~@'".contains(&byte) {
            written.push(char::from(byte));
        } else {
            written.push_str(&format!("%{byte:02X}"));
        }
    }
    written
}
