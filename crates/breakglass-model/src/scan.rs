//! A borrowed scan over one JSON object: the quick way in for bulk objects and What If bodies.
//!
//! It accepts a strict subset of JSON: strings without escapes, `true`, `false`, `null`, objects and arrays;
//! numbers only where they are read over. Whatever it does not accept gives `None`, and the caller reads the
//! same bytes again with `serde_json`, which then accepts them or names the fault. So the scan may give up at
//! any time, but **what it accepts, `serde_json` accepts with the same meaning** (a fuzz target and a property
//! test hold it to that).

/// Depth of nesting that [`Scan::skip`] follows before it gives up.
const DEPTH_MAX: usize = 64;

/// A position in the bytes of one JSON value.
#[derive(Debug, Clone)]
pub struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scan<'a> {
    /// Starts at the first byte.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    #[inline]
    fn take(&mut self, byte: u8) -> Option<()> {
        if self.peek() == Some(byte) {
            self.at += 1;
            return Some(());
        }
        self.space();
        (self.peek() == Some(byte)).then(|| self.at += 1)
    }

    /// How many bytes were read.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.at
    }

    /// Whether only white space is left.
    #[must_use]
    pub fn is_at_end(mut self) -> bool {
        self.space();
        self.at == self.bytes.len()
    }

    /// Enters an object; then [`Scan::key`] gives its names until it gives `Some(None)`.
    pub fn object(&mut self) -> Option<Members> {
        self.take(b'{')?;
        Some(Members { first: true })
    }

    /// Enters an array; then [`Scan::element`] says whether there is another element.
    pub fn array(&mut self) -> Option<Members> {
        self.take(b'[')?;
        Some(Members { first: true })
    }

    /// The next name of an object, `Some(None)` at its end.
    #[inline]
    pub fn key(&mut self, members: &mut Members) -> Option<Option<&'a [u8]>> {
        if !self.next_member(members, b'}')? {
            return Some(None);
        }
        let name = self.raw_text()?;
        self.take(b':')?;
        Some(Some(name))
    }

    /// Whether an array has another element.
    #[inline]
    pub fn element(&mut self, members: &mut Members) -> Option<bool> {
        self.next_member(members, b']')
    }

    #[inline]
    fn next_member(&mut self, members: &mut Members, end: u8) -> Option<bool> {
        if !matches!(self.peek(), Some(b',' | b'"')) {
            self.space();
        }
        if self.peek() == Some(end) {
            self.at += 1;
            return Some(false);
        }
        if members.first {
            members.first = false;
        } else {
            self.take(b',')?;
        }
        Some(true)
    }

    /// A string without escapes, as bytes that were not yet looked at as UTF-8.
    #[inline]
    fn raw_text(&mut self) -> Option<&'a [u8]> {
        self.take(b'"')?;
        let start = self.at;
        let rest = self.bytes.get(start..)?;
        let length = plain_length(rest);
        if *rest.get(length)? != b'"' {
            return None;
        }
        self.at = start + length + 1;
        rest.get(..length)
    }

    /// A string.
    #[inline]
    pub fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.raw_text()?).ok()
    }

    /// A string or null.
    #[inline]
    pub fn text_or_null(&mut self) -> Option<Option<&'a str>> {
        if self.word(b"null") { Some(None) } else { self.text().map(Some) }
    }

    /// A boolean or null.
    pub fn flag_or_null(&mut self) -> Option<Option<bool>> {
        if self.word(b"true") {
            Some(Some(true))
        } else if self.word(b"false") {
            Some(Some(false))
        } else if self.word(b"null") {
            Some(None)
        } else {
            None
        }
    }

    /// Takes `null` if it comes next.
    pub fn null(&mut self) -> bool {
        self.word(b"null")
    }

    #[inline]
    fn word(&mut self, word: &[u8]) -> bool {
        self.space();
        let found = self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(word));
        if found {
            self.at += word.len();
        }
        found
    }

    /// Reads over a value made of strings, words, objects and arrays; numbers make it give up.
    pub fn skip(&mut self) -> Option<()> {
        self.skip_nested(0)
    }

    fn skip_nested(&mut self, depth: usize) -> Option<()> {
        if depth > DEPTH_MAX {
            return None;
        }
        self.space();
        match self.peek()? {
            b'"' => self.text().map(|_| ()),
            b'{' => {
                let mut members = self.object()?;
                while let Some(name) = self.key(&mut members)? {
                    std::str::from_utf8(name).ok()?;
                    self.skip_nested(depth + 1)?;
                }
                Some(())
            }
            b'[' => {
                let mut members = self.array()?;
                while self.element(&mut members)? {
                    self.skip_nested(depth + 1)?;
                }
                Some(())
            }
            _ => self.flag_or_null().map(|_| ()),
        }
    }
}

/// Where in an object or array a scan is.
#[derive(Debug, Clone)]
pub struct Members {
    first: bool,
}

const ONES: u64 = u64::MAX / 255;
const HIGHS: u64 = ONES * 128;

/// Length of the run of bytes before a quotation mark, a backslash or a control character: eight at a time.
#[inline]
pub(crate) fn plain_length(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut length = 0_usize;
    for word in words {
        let word = u64::from_le_bytes(*word);
        let quote = word ^ (ONES * b'"' as u64);
        let backslash = word ^ (ONES * b'\\' as u64);
        let found = (quote.wrapping_sub(ONES) & !quote)
            | (backslash.wrapping_sub(ONES) & !backslash)
            | (word.wrapping_sub(ONES * 0x20) & !word);
        let found = found & HIGHS;
        if found != 0 {
            return length.wrapping_add((found.trailing_zeros() / 8) as usize);
        }
        length = length.wrapping_add(8);
    }
    let is_plain = |byte: &u8| *byte != b'"' && *byte != b'\\' && *byte >= 0x20;
    length + rest.iter().take_while(|byte| is_plain(byte)).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Scan, plain_length};

    proptest! {
        #[test]
        fn plain_length_is_that_of_the_naive_count(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let naive = bytes.iter().take_while(|b| **b != b'"' && **b != b'\\' && **b >= 0x20).count();
            prop_assert_eq!(plain_length(&bytes), naive);
        }

        #[test]
        fn what_is_skipped_is_json(text in "[\\[\\]{}\",: a-c\\\\tfnulrse0-9]{0,40}") {
            let mut scan = Scan::new(text.as_bytes());
            if scan.skip().is_some() && scan.is_at_end() {
                prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{}", text);
            }
        }
    }

    #[test]
    fn an_object_is_read_in_order() {
        let mut scan = Scan::new(br#" { "a" : "x" , "b":null,"c":[true,{"d":[]}] } "#);
        let mut members = scan.object().unwrap();
        assert_eq!(scan.key(&mut members), Some(Some(b"a".as_slice())));
        assert_eq!(scan.text(), Some("x"));
        assert_eq!(scan.key(&mut members), Some(Some(b"b".as_slice())));
        assert_eq!(scan.text_or_null(), Some(None));
        assert_eq!(scan.key(&mut members), Some(Some(b"c".as_slice())));
        assert_eq!(scan.skip(), Some(()));
        assert_eq!(scan.key(&mut members), Some(None));
        assert!(scan.is_at_end());
    }

    #[test]
    fn faults_make_it_give_up() {
        for text in [
            r#"{"a":1}"#,
            r#"{"a":"\n"}"#,
            r#"{"a" "b"}"#,
            r#"{"a":"b",}"#,
            r#"{,"a":"b"}"#,
            "[tru]",
            "[\"a\u{1}\"]",
            "{",
            "[",
        ] {
            assert!(Scan::new(text.as_bytes()).skip().is_none(), "{text}");
        }
    }
}
