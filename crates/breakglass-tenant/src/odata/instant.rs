//! Dates and times in the two forms that OData writes bare: `2026-11-26` and `2026-11-26T03:00:00Z`.

use jiff::Timestamp;

/// The instant that the text names, if it is one of the two forms and exists. A date alone is its first moment in UTC.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let has_digits =
        |range: std::ops::Range<usize>| bytes.get(range).is_some_and(|digits| digits.iter().all(u8::is_ascii_digit));
    let stands = |at: usize, byte: u8| bytes.get(at) == Some(&byte);
    let has_date = has_digits(0..4) && stands(4, b'-') && has_digits(5..7) && stands(7, b'-') && has_digits(8..10);
    if !has_date {
        return None;
    }
    if bytes.len() == 10 {
        return format!("{text}T00:00:00Z").parse().ok();
    }
    if !(stands(10, b'T') && has_digits(11..13) && stands(13, b':') && has_digits(14..16)) {
        return None;
    }
    let mut rest = text.get(16..)?;
    let mut seconds = ":00";
    if rest.starts_with(':') {
        if !has_digits(17..19) {
            return None;
        }
        seconds = rest.get(..3)?;
        rest = rest.get(3..)?;
    }
    let mut fraction = "";
    if let Some(after) = rest.strip_prefix('.') {
        let count = after.bytes().take_while(u8::is_ascii_digit).count();
        if count == 0 || count > 9 || seconds.is_empty() {
            return None;
        }
        fraction = rest.get(..=count)?;
        rest = rest.get(count + 1..)?;
    }
    let zone = rest.as_bytes();
    let is_offset = zone.len() == 6
        && matches!(zone.first(), Some(b'+' | b'-'))
        && zone.get(3) == Some(&b':')
        && [1, 2, 4, 5].iter().all(|at| zone.get(*at).is_some_and(u8::is_ascii_digit));
    if rest != "Z" && !is_offset {
        return None;
    }
    format!("{}{seconds}{fraction}{rest}", text.get(..16)?).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_an_instant() {
        for (text, instant) in [
            ("2026-11-26", Some("2026-11-26T00:00:00Z")),
            ("2026-11-26T03:04Z", Some("2026-11-26T03:04:00Z")),
            ("2026-11-26T03:04:05Z", Some("2026-11-26T03:04:05Z")),
            ("2026-11-26T03:04:05.1234567Z", Some("2026-11-26T03:04:05.1234567Z")),
            ("2026-11-26T03:04:05+02:00", Some("2026-11-26T01:04:05Z")),
            ("0001-01-01T00:00:00Z", Some("0001-01-01T00:00:00Z")),
            ("2024-02-29", Some("2024-02-29T00:00:00Z")),
            ("2026-02-29", None),
            ("2026-13-01", None),
            ("2026-11-26T25:00:00Z", None),
            ("2026-11-26T03:04:05", None),
            ("2026-11-26T03:04:05.Z", None),
            ("2026-11-26T03:04:05.1234567890Z", None),
            ("2026-11-26T03:04:5Z", None),
            ("2026-11-26T03Z", None),
            ("2026-11-26t03:04:05z", None),
            ("2026-11-26T03:04:05Z ", None),
            ("2026-11-26T03:04:05[UTC]", None),
            ("2026-11-26T03:04:05+0200", None),
            ("20261126", None),
            ("2026-1-1", None),
            ("2026-11-2é", None),
            ("", None),
        ] {
            assert_eq!(parse(text).map(|instant| instant.to_string()).as_deref(), instant, "{text}");
        }
    }
}
