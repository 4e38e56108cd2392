//! Splits a JSON document of any size into its elements, as it is read.
//!
//! The splitter checks what lies between the elements (brackets, commas, colons, the end of the document) and
//! finds where an element ends; whether the element itself is JSON is for its reader to say. An element is
//! handed out as a slice of the splitter's own buffer, which grows only for an element that it does not hold.
//!
//! **Limits:** [`ELEMENT_BYTES_MAX`], [`KEY_BYTES_MAX`], [`DEPTH_MAX`]. **Source:** RFC 8259; NDJSON.

use std::io::{self, Read};

use crate::scan::plain_length;

/// Longest element; a longer one is an error.
pub const ELEMENT_BYTES_MAX: usize = 256 << 20;
/// Longest name at the top level of a document.
pub const KEY_BYTES_MAX: usize = 4 << 10;
/// Deepest nesting inside one element; `serde_json` follows no deeper either.
pub const DEPTH_MAX: u32 = 127;
/// Size of the buffer at the start, and so of one read.
const BUFFER_BYTES: usize = 1 << 20;
/// How far the first value is looked at to tell one object from a file of one object a line.
const LOOK_AHEAD_BYTES: usize = BUFFER_BYTES;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A place in a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Line, from one.
    pub line: u64,
    /// Bytes before it, after decoding to UTF-8.
    pub byte: u64,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}, byte {}", self.line, self.byte)
    }
}

/// Why a document cannot be split.
#[derive(Debug, thiserror::Error)]
pub enum SplitError {
    /// The bytes cannot be read.
    #[error("cannot be read")]
    Io(#[source] io::Error),
    /// The document ends in the middle.
    #[error("the text ends in the middle of {inside} ({place})")]
    CutOff {
        /// What is open.
        inside: &'static str,
        /// Where it ends.
        place: Place,
    },
    /// A byte that JSON does not have here.
    #[error("{found} where {expected} should be ({place})")]
    Unexpected {
        /// What is there.
        found: String,
        /// What should be.
        expected: &'static str,
        /// Where.
        place: Place,
    },
    /// Brackets are nested deeper than anything that Graph writes.
    #[error("an element is nested deeper than {DEPTH_MAX} levels ({place})")]
    TooDeep {
        /// The bracket that is one too many.
        place: Place,
    },
    /// Something is larger than its limit.
    #[error("{what} ({place})")]
    TooLarge {
        /// What, and its limit.
        what: &'static str,
        /// Where it begins.
        place: Place,
    },
}

/// What a document is at its top level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Nothing but white space.
    Empty,
    /// A list.
    Array,
    /// One object.
    Object,
    /// Several objects, one a line.
    Lines,
    /// Several objects, apart by white space.
    Values,
    /// One text, number or word.
    Scalar,
}

/// Where in an object or list a splitter is.
#[derive(Debug, Default)]
pub struct Members {
    is_behind_first: bool,
}

/// The splitter; `place` tells of the element that was given last.
#[derive(Debug)]
pub struct Elements<R> {
    reader: R,
    buffer: Vec<u8>,
    at: usize,
    filled: usize,
    last: usize,
    /// The place of what was given last, where it is no longer in the buffer.
    last_place: Option<Place>,
    bytes_before: u64,
    lines_before: u64,
    is_at_end: bool,
}

/// What the buffer is kept for while more is read.
#[derive(Clone, Copy)]
enum Keep {
    /// Everything from the position on.
    Token,
    /// Nothing: the bytes before the position are done with, and so are those after it.
    Nothing,
}

impl<R: Read> Elements<R> {
    /// Starts at the beginning of a document; a byte order mark is passed over.
    ///
    /// # Errors
    /// When the first bytes cannot be read.
    pub fn new(reader: R) -> Result<Self, SplitError> {
        let mut elements = Self {
            reader,
            buffer: vec![0; BUFFER_BYTES],
            at: 0,
            filled: 0,
            last: 0,
            last_place: None,
            bytes_before: 0,
            lines_before: 0,
            is_at_end: false,
        };
        while elements.filled < BYTE_ORDER_MARK.len() && elements.fill(Keep::Token)? {}
        if elements.rest().starts_with(BYTE_ORDER_MARK) {
            elements.at = BYTE_ORDER_MARK.len();
        }
        Ok(elements)
    }

    fn rest(&self) -> &[u8] {
        self.buffer.get(self.at..self.filled).unwrap_or_default()
    }

    /// Reads more behind what is kept; the position moves to the front. `false` at the end of the document.
    fn fill(&mut self, keep: Keep) -> Result<bool, SplitError> {
        if self.is_at_end {
            return Ok(false);
        }
        let from = match keep {
            Keep::Token => self.at,
            Keep::Nothing => self.filled,
        };
        if from > 0 {
            self.last_place = self.last_place.or_else(|| (self.last < from).then(|| self.place_of(self.last)));
            self.lines_before += lines_in(self.buffer.get(..from).unwrap_or_default());
            self.bytes_before += from as u64;
            self.buffer.copy_within(from..self.filled, 0);
            self.filled -= from;
            self.at = 0;
            self.last = self.last.saturating_sub(from);
        }
        if self.filled == self.buffer.len() {
            if self.buffer.len() >= ELEMENT_BYTES_MAX {
                return Err(self.too_large("an element is larger than 256 MiB"));
            }
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        loop {
            let room = self.buffer.get_mut(self.filled..).unwrap_or_default();
            match self.reader.read(room) {
                Ok(0) => {
                    self.is_at_end = true;
                    return Ok(false);
                }
                Ok(count) => {
                    self.filled += count;
                    return Ok(true);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(SplitError::Io(error)),
            }
        }
    }

    /// Where the element or the name that was given last begins.
    #[must_use]
    pub fn place(&self) -> Place {
        self.last_place.unwrap_or_else(|| self.place_of(self.last))
    }

    fn place_of(&self, at: usize) -> Place {
        Place {
            line: 1 + self.lines_before + lines_in(self.buffer.get(..at).unwrap_or_default()),
            byte: self.bytes_before + at as u64,
        }
    }

    fn unexpected(&self, expected: &'static str) -> SplitError {
        match self.buffer.get(self.at..self.filled).and_then(<[u8]>::first) {
            None => SplitError::CutOff { inside: "the document", place: self.place_of(self.filled) },
            Some(byte) => SplitError::Unexpected { found: shown(*byte), expected, place: self.place_of(self.at) },
        }
    }

    fn too_large(&self, what: &'static str) -> SplitError {
        SplitError::TooLarge { what, place: self.place_of(self.at) }
    }

    /// The next byte that is not white space.
    ///
    /// # Errors
    /// When the bytes cannot be read.
    pub fn peek(&mut self) -> Result<Option<u8>, SplitError> {
        loop {
            let rest = self.rest();
            let space = rest.iter().take_while(|byte| is_space(**byte)).count();
            let found = rest.get(space).copied();
            self.at += space;
            if found.is_some() || !self.fill(Keep::Nothing)? {
                return Ok(found);
            }
        }
    }

    fn take(&mut self, byte: u8, expected: &'static str) -> Result<(), SplitError> {
        if self.peek()? != Some(byte) {
            return Err(self.unexpected(expected));
        }
        self.at += 1;
        Ok(())
    }

    /// Tells what the document is; nothing is taken. A first object that is longer than the look-ahead counts as
    /// the only one, unless one object a line is expected.
    ///
    /// # Errors
    /// When the bytes cannot be read, or the first one is not that of a JSON value.
    pub fn shape(&mut self, expected: Expected) -> Result<Shape, SplitError> {
        match self.peek()? {
            None => return Ok(Shape::Empty),
            Some(b'[') => return Ok(Shape::Array),
            Some(b'{') => {}
            Some(b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n') => return Ok(Shape::Scalar),
            Some(_) => return Err(self.unexpected("a JSON value")),
        }
        let limit = match expected {
            Expected::Anything => LOOK_AHEAD_BYTES,
            Expected::Lines => ELEMENT_BYTES_MAX,
        };
        let Some(length) = self.value_length(limit)? else { return Ok(Shape::Object) };
        let is_one_line = memchr::memchr(b'\n', self.rest().get(..length).unwrap_or_default()).is_none();
        let mut behind = length;
        loop {
            let rest = self.rest().get(behind..).unwrap_or_default();
            let space = rest.iter().take_while(|byte| is_space(**byte)).count();
            let is_line_end = memchr::memchr(b'\n', rest.get(..space).unwrap_or_default()).is_some();
            match rest.get(space).copied() {
                Some(b'{') if is_one_line && is_line_end => return Ok(Shape::Lines),
                Some(b'{') => return Ok(Shape::Values),
                Some(_) => return Ok(Shape::Object),
                None if behind + space < LOOK_AHEAD_BYTES && self.fill(Keep::Token)? => behind = length,
                None if expected == Expected::Lines && is_one_line => return Ok(Shape::Lines),
                None => return Ok(Shape::Object),
            }
        }
    }

    /// Enters a list; then [`Elements::element`] gives its elements.
    ///
    /// # Errors
    /// When none begins here.
    pub fn array(&mut self) -> Result<Members, SplitError> {
        self.take(b'[', "a list")?;
        Ok(Members::default())
    }

    /// Enters an object; then [`Elements::key`] gives its names, and [`Elements::value`] or
    /// [`Elements::array`] takes the value behind each.
    ///
    /// # Errors
    /// When none begins here.
    pub fn object(&mut self) -> Result<Members, SplitError> {
        self.take(b'{', "an object")?;
        Ok(Members::default())
    }

    /// The next element of a list, `None` behind its end.
    ///
    /// # Errors
    /// When the bytes cannot be read, the punctuation is wrong, or the element is too large.
    pub fn element(&mut self, members: &mut Members) -> Result<Option<&[u8]>, SplitError> {
        if !self.next_member(members, b']')? {
            return Ok(None);
        }
        self.value().map(Some)
    }

    /// The first byte of the next element of a list, `None` at its end; nothing is taken.
    ///
    /// # Errors
    /// When the bytes cannot be read.
    pub fn peek_element(&mut self) -> Result<Option<u8>, SplitError> {
        Ok(self.peek()?.filter(|byte| *byte != b']'))
    }

    /// The next name of an object as it is written, with its quotation marks; `None` behind its end. The value
    /// behind it must be taken before the next name.
    ///
    /// # Errors
    /// When the bytes cannot be read, the punctuation is wrong, or the name is too long.
    pub fn key(&mut self, members: &mut Members) -> Result<Option<Vec<u8>>, SplitError> {
        if !self.next_member(members, b'}')? {
            return Ok(None);
        }
        if self.peek()? != Some(b'"') {
            return Err(self.unexpected("a name in quotation marks"));
        }
        let length = self.value_length(KEY_BYTES_MAX)?;
        let length = length.ok_or_else(|| self.too_large("a name is longer than 4 KiB"))?;
        let key = self.rest().get(..length).unwrap_or_default().to_vec();
        (self.last, self.last_place) = (self.at, None);
        self.at += length;
        self.take(b':', "a colon")?;
        Ok(Some(key))
    }

    fn next_member(&mut self, members: &mut Members, end: u8) -> Result<bool, SplitError> {
        let next = self.peek()?;
        if next == Some(end) {
            self.at += 1;
            return Ok(false);
        }
        if members.is_behind_first {
            self.take(b',', if end == b']' { "a comma or `]`" } else { "a comma or `}`" })?;
            if self.peek()? == Some(end) {
                return Err(self.unexpected("another element"));
            }
        }
        members.is_behind_first = true;
        Ok(true)
    }

    /// The value that begins here, whole.
    ///
    /// # Errors
    /// When the bytes cannot be read, there is no value, or it is too large.
    pub fn value(&mut self) -> Result<&[u8], SplitError> {
        if !matches!(self.peek()?, Some(b'{' | b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n')) {
            return Err(self.unexpected("a JSON value"));
        }
        let length = self.value_length(ELEMENT_BYTES_MAX)?;
        let length = length.ok_or_else(|| self.too_large("an element is larger than 256 MiB"))?;
        (self.last, self.last_place) = (self.at, None);
        self.at += length;
        Ok(self.buffer.get(self.last..self.at).unwrap_or_default())
    }

    /// The next line that is not blank, without its end and the space around it; `None` behind the last.
    ///
    /// # Errors
    /// When the bytes cannot be read or the line is too long.
    pub fn line(&mut self) -> Result<Option<&[u8]>, SplitError> {
        if self.peek()?.is_none() {
            return Ok(None);
        }
        let mut searched = 0;
        let length = loop {
            let rest = self.rest();
            if let Some(found) = memchr::memchr(b'\n', rest.get(searched..).unwrap_or_default()) {
                break searched + found;
            }
            searched = rest.len();
            if !self.fill(Keep::Token)? {
                break searched;
            }
        };
        (self.last, self.last_place) = (self.at, None);
        self.at += length;
        Ok(self.buffer.get(self.last..self.at).map(trim_json_end))
    }

    /// The next of several values apart by white space; `None` behind the last.
    ///
    /// # Errors
    /// Those of [`Elements::value`].
    pub fn next_value(&mut self) -> Result<Option<&[u8]>, SplitError> {
        if self.peek()?.is_none() { Ok(None) } else { self.value().map(Some) }
    }

    /// Checks that only white space is left.
    ///
    /// # Errors
    /// When there is something.
    pub fn end(&mut self) -> Result<(), SplitError> {
        match self.peek()? {
            None => Ok(()),
            Some(_) => Err(self.unexpected("the end of the document")),
        }
    }

    /// Length of the value at the position, which then lies wholly in the buffer; `None` when it is longer than
    /// the limit.
    fn value_length(&mut self, limit: usize) -> Result<Option<usize>, SplitError> {
        let mut walk = Walk::default();
        loop {
            match walk.on(self.rest()) {
                Step::End(length) => return Ok((length <= limit).then_some(length)),
                Step::Mismatch(length) => {
                    self.at += length;
                    return Err(self.unexpected("the bracket that closes the one that is open"));
                }
                Step::TooDeep(length) => {
                    return Err(SplitError::TooDeep { place: self.place_of(self.at + length) });
                }
                Step::More if walk.at > limit => return Ok(None),
                Step::More => {
                    if !self.fill(Keep::Token)? {
                        if walk.is_scalar() {
                            return Ok(Some(walk.at));
                        }
                        let inside = if walk.is_in_text { "a text" } else { "an object or a list" };
                        return Err(SplitError::CutOff { inside, place: self.place_of(self.filled) });
                    }
                }
            }
        }
    }
}

/// What a document is known to be beforehand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Any JSON document.
    Anything,
    /// One object a line.
    Lines,
}

/// A walk over the bytes of one value, which goes on where it stopped when there is more of it.
#[derive(Default)]
struct Walk {
    at: usize,
    depth: u32,
    /// One bit a level, set for an object.
    objects: u128,
    is_in_text: bool,
    is_begun: bool,
}

enum Step {
    /// The value has this many bytes.
    End(usize),
    /// The bracket there closes another kind.
    Mismatch(usize),
    /// The bracket there opens one level too many.
    TooDeep(usize),
    /// The bytes end before the value does.
    More,
}

impl Walk {
    const fn is_scalar(&self) -> bool {
        self.is_begun && self.depth == 0 && !self.is_in_text
    }

    fn on(&mut self, bytes: &[u8]) -> Step {
        if self.is_in_text && !self.text(bytes) {
            return Step::More;
        }
        loop {
            if self.is_begun && self.depth == 0 && self.is_closed(bytes) {
                return Step::End(self.at);
            }
            let Some(byte) = bytes.get(self.at).copied() else { return Step::More };
            self.is_begun = true;
            match byte {
                b'"' => {
                    self.at += 1;
                    self.is_in_text = true;
                    if !self.text(bytes) {
                        return Step::More;
                    }
                }
                b'{' | b'[' => {
                    if self.depth == DEPTH_MAX {
                        return Step::TooDeep(self.at);
                    }
                    self.depth += 1;
                    self.objects = (self.objects << 1) | u128::from(byte == b'{');
                    self.at += 1;
                }
                b'}' | b']' => {
                    if self.objects & 1 != u128::from(byte == b'}') {
                        return Step::Mismatch(self.at);
                    }
                    self.depth -= 1;
                    self.objects >>= 1;
                    self.at += 1;
                }
                _ => self.at += 1,
            }
        }
    }

    /// Whether the outermost value ends here: behind a bracket or quotation mark, or before a delimiter.
    fn is_closed(&self, bytes: &[u8]) -> bool {
        let before = self.at.checked_sub(1).and_then(|before| bytes.get(before));
        if matches!(before, Some(b'}' | b']' | b'"')) {
            return true;
        }
        bytes.get(self.at).is_some_and(|byte| is_space(*byte) || matches!(byte, b',' | b']' | b'}' | b':'))
    }

    /// Goes on inside a text; `true` behind its end.
    fn text(&mut self, bytes: &[u8]) -> bool {
        loop {
            let rest = bytes.get(self.at..).unwrap_or_default();
            let plain = plain_length(rest);
            match rest.get(plain) {
                Some(b'"') => {
                    self.at += plain + 1;
                    self.is_in_text = false;
                    return true;
                }
                // The byte behind a backslash must be there to be passed over.
                Some(b'\\') if rest.len() == plain + 1 => {
                    self.at += plain;
                    return false;
                }
                Some(b'\\') => self.at += plain + 2,
                Some(_) => self.at += plain + 1,
                None => {
                    self.at += plain;
                    return false;
                }
            }
        }
    }
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Without the white space at the end, of which JSON has four kinds: a form feed is none.
fn trim_json_end(mut line: &[u8]) -> &[u8] {
    while let [rest @ .., b' ' | b'\t' | b'\r' | b'\n'] = line {
        line = rest;
    }
    line
}

fn lines_in(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

fn shown(byte: u8) -> String {
    if byte.is_ascii_graphic() { format!("`{}`", char::from(byte)) } else { format!("the byte 0x{byte:02x}") }
}
