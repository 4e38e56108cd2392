//! One line of the log: an entry, with the stream and the place that it is from, and when it was entered.
//!
//! **Invariant:** there is one way to write a line. What was written in another is not read, so that no two lines say the
//! same.
//! **Limit:** `ENTRY_BYTES_MAX` of the ledger.

use breakglass_ledger::log::ENTRY_BYTES_MAX;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Name and version of a line.
pub const FORMAT: &str = "breakglass-entry/1";

/// A time that is as long as any when it is written: years of four digits, and every digit of a second.
const LONGEST: Timestamp = Timestamp::constant(999_999_999, 999_999_999);

/// Why there is no line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// It is too long.
    #[error("it would have {0} bytes in the ledger, and a line has at most {ENTRY_BYTES_MAX}")]
    Long(usize),
    /// It is none.
    #[error("it is no entry of the form {FORMAT}")]
    Form,
    /// It says what a line says, and not as a line is written.
    #[error("it is not written as lines are: its members are in one order, and nothing stands between them")]
    Spelling,
}

/// A line as it is written, its members in this order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    format: String,
    /// When it was put into the ledger.
    pub at: Timestamp,
    /// The stream that the entry is from.
    pub stream: String,
    /// Its place in the stream, from 0.
    pub index: u64,
    /// The entry. Its members are sorted by name, to any depth.
    pub entry: Value,
}

impl Line {
    /// A line of an entry.
    #[must_use]
    pub fn new(at: Timestamp, (stream, index): (&str, u64), entry: &Value) -> Self {
        Self { format: FORMAT.to_owned(), at, stream: stream.to_owned(), index, entry: sorted(entry) }
    }

    /// Reads one, exactly as [`Self::written`] writes it.
    ///
    /// # Errors
    /// It is none, or is written in another way.
    pub fn read(text: &str) -> Result<Self, LineError> {
        if text.len() > ENTRY_BYTES_MAX {
            return Err(LineError::Long(text.len()));
        }
        let line: Self = serde_json::from_str(text).map_err(|_| LineError::Form)?;
        if line.format != FORMAT {
            return Err(LineError::Form);
        }
        let again = Self::new(line.at, (&line.stream, line.index), &line.entry).written()?;
        if again == text { Ok(line) } else { Err(LineError::Spelling) }
    }

    /// Its text: JSON without a space, and without control characters, which are written as escapes.
    ///
    /// # Errors
    /// It is longer than a line.
    pub fn written(&self) -> Result<String, LineError> {
        let text = serde_json::to_string(self).map_err(|_| LineError::Form)?;
        // JSON lets some of them stand, and a line of a log has none.
        let text = if text.contains(char::is_control) { text.chars().map(escaped).collect() } else { text };
        if text.len() > ENTRY_BYTES_MAX { Err(LineError::Long(text.len())) } else { Ok(text) }
    }
}

/// Refuses an entry that could not be put into the ledger, before it is added to a stream: behind one that cannot, no other
/// entry gets into it.
///
/// # Errors
/// Its line would be too long.
pub fn check_line((stream, index): (&str, usize), entry: &Value) -> Result<(), LineError> {
    // No time is longer than this one.
    Line::new(LONGEST, (stream, index as u64), entry).written().map(drop)
}

fn escaped(letter: char) -> String {
    if letter.is_control() { format!("\\u{:04x}", u32::from(letter)) } else { letter.to_string() }
}

/// The same with the members of every object in the order of their names.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<(&String, &Value)> = members.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            let members = members.into_iter().map(|(name, value)| (name.clone(), sorted(value)));
            Value::Object(members.collect::<Map<String, Value>>())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at() -> Timestamp {
        "2026-11-27T03:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_line_is_written_in_one_way() {
        let entry =
            json!({ "state": "sealed\n", "candidate": { "b": [1, { "z": 0, "a": "\u{85}\u{7f}é" }], "a": null } });
        let line = Line::new(at(), ("rotation/a", 3), &entry);
        let text = line.written().unwrap();
        let expected = r#"{"format":"breakglass-entry/1","at":"2026-11-27T03:00:00Z","stream":"rotation/a","index":3,"entry":{"candidate":{"a":null,"b":[1,{"a":"\u0085\u007fé","z":0}]},"state":"sealed\n"}}"#;
        assert_eq!(text, expected);
        assert_eq!(Line::read(&text), Ok(line));
        assert!(breakglass_ledger::log::entry(text.as_bytes()).is_ok());
    }

    #[test]
    fn what_is_written_otherwise_is_no_line() {
        let text = Line::new(at(), ("rotation/a", 3), &json!({ "a": 1, "b": "é" })).written().unwrap();
        let cases = [
            (text.replace(r#""a":1"#, r#""a": 1"#), LineError::Spelling),
            (text.replace(r#""a":1,"#, r#""a":2,"a":1,"#), LineError::Spelling),
            (text.replace('é', r"\u00e9"), LineError::Spelling),
            (text.replace("03:00:00Z", "03:00:00.0Z"), LineError::Spelling),
            (text.replace(r#"{"a":1,"b":"é"}"#, r#"{"b":"é","a":1}"#), LineError::Spelling),
            (text.replace("entry/1", "entry/2"), LineError::Form),
            (text.replace(r#""index":3"#, r#""index":-3"#), LineError::Form),
            (text.replace(r#""index":3,"#, ""), LineError::Form),
            (text.replace(r#""index":3,"#, r#""index":3,"more":0,"#), LineError::Form),
            (String::new(), LineError::Form),
            ("[]".to_owned(), LineError::Form),
        ];
        for (text, expected) in cases {
            assert_eq!(Line::read(&text), Err(expected), "{text}");
        }
    }

    #[test]
    fn what_is_let_into_a_stream_is_let_into_the_ledger_at_any_time() {
        let check = |length: usize| check_line(("drill/a", 0), &json!("x".repeat(length)));
        let longest = (0..ENTRY_BYTES_MAX).rev().find(|length| check(*length).is_ok()).unwrap();
        assert!(matches!(check(longest + 1), Err(LineError::Long(_))));
        for at in ["2026-11-27T03:00:00Z", "2026-11-27T03:00:00.123456789Z", "9999-12-30T21:59:59.999999999Z"] {
            let line = Line::new(at.parse().unwrap(), ("drill/a", 0), &json!("x".repeat(longest)));
            assert!(line.written().is_ok(), "{at}");
        }
    }

    #[test]
    fn a_line_has_a_largest_length() {
        let line = |length: usize| Line::new(at(), ("drill/a", 0), &json!("x".repeat(length)));
        let around = line(0).written().unwrap().len();
        let longest = line(ENTRY_BYTES_MAX - around).written().unwrap();
        assert_eq!(longest.len(), ENTRY_BYTES_MAX);
        assert!(Line::read(&longest).is_ok());
        assert_eq!(line(ENTRY_BYTES_MAX - around + 1).written(), Err(LineError::Long(ENTRY_BYTES_MAX + 1)));
        assert_eq!(Line::read(&format!("{longest} ")), Err(LineError::Long(ENTRY_BYTES_MAX + 1)));
    }
}
