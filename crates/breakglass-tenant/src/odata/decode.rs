//! Percent-encoding: queries as they come, and queries as we write them.

use super::error::ODataError;

/// The text that was encoded; a plus is a blank.
pub(super) fn decode(encoded: &str) -> Result<String, ODataError> {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => match (rest.next().and_then(digit), rest.next().and_then(digit)) {
                (Some(high), Some(low)) => high << 4 | low,
                _ => return Err(malformed("a percent sign is not followed by two hexadecimal digits")),
            },
            _ => byte,
        });
    }
    String::from_utf8(bytes).map_err(|_| malformed("it is not UTF-8"))
}

fn malformed(reason: &str) -> ODataError {
    ODataError::bad(format!("The query specified in the URI is not valid. Its encoding is malformed: {reason}."))
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Appends the text in a form that [`decode`] reads back, with Graph's `$`, `,` and quotes left as they are.
pub(super) fn encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~$,'()/:@*".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_decoded() {
        for (encoded, text) in [
            ("", Some("")),
            ("a+b", Some("a b")),
            ("a%2Bb", Some("a+b")),
            ("%24filter", Some("$filter")),
            ("%c3%9F", Some("ß")),
            ("ß", Some("ß")),
            ("%2524", Some("%24")),
            ("%", None),
            ("%2", None),
            ("%2g", None),
            ("%+1", None),
            ("%ff", None),
        ] {
            assert_eq!(decode(encoded).ok().as_deref(), text, "{encoded}");
        }
    }

    #[test]
    fn what_is_encoded_is_read_back() {
        for text in ["", "a b", "a+b&c=d#e", "displayName eq 'Zoë'", "100%", "\u{0}\n\"\\"] {
            let mut encoded = String::new();
            encode(text, &mut encoded);
            assert_eq!(decode(&encoded).as_deref(), Ok(text));
            assert!(!encoded.contains(['&', '=', '#', '+', ' ']), "{encoded}");
        }
    }
}
