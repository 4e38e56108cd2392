//! Cuts a text into records as it is read.
//!
//! A record is an object at the top of the text, in a list, or in the list `records` or `value` of an object. Brackets,
//! commas, colons and line ends inside texts are looked at; whether a record is JSON in every other way its reader says.
//! Once the first object was a whole line, every line counts as one record, so that one broken line costs only itself.
//! Elsewhere a broken record costs everything up to the next line.
//!
//! **Limits:** [`RECORD_BYTES_MAX`], [`RECORD_DEPTH_MAX`]. **Source:** RFC 8259; NDJSON; what storage accounts, Event
//! Hubs and Graph write.

use std::io::{self, Read};

/// Bytes of the longest record; a longer one is a fault.
pub const RECORD_BYTES_MAX: usize = 4 << 20;
/// Deepest nesting of a record.
const RECORD_DEPTH_MAX: u32 = 120;
/// Size of the buffer at the start.
const BUFFER_BYTES: usize = 1 << 20;
/// Names of lists that hold records.
const LIST_NAMES: [&[u8]; 2] = [b"records", b"value"];
/// With such a name at its beginning an object may be one around a list.
const WRAPPER_BEGINNINGS: [&[u8]; 3] = [b"\"records\"", b"\"value\"", b"\"@odata."];

/// What comes next in a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'b> {
    /// A record.
    Record {
        /// As it stands there.
        bytes: &'b [u8],
        /// Its line.
        line: u64,
    },
    /// Something that is none.
    Fault {
        /// Its line.
        line: u64,
        /// What is wrong.
        what: String,
    },
}

/// Where in a text the splitter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Context {
    /// In a list of records.
    List,
    /// In the list of an object around it.
    WrappedList,
}

/// The splitter.
#[derive(Debug)]
pub(super) struct Splitter<R> {
    reader: R,
    buffer: Vec<u8>,
    at: usize,
    filled: usize,
    /// Line of the position, from one.
    line: u64,
    bytes_before: u64,
    is_at_end: bool,
    /// Why nothing more can be read, once.
    broken: Option<io::Error>,
    context: Vec<Context>,
    /// Whether every line is a record; unknown before the first.
    are_lines: Option<bool>,
}

/// What is to be done with the bytes at the position.
enum Found {
    /// A record of so many bytes.
    Record(usize),
    /// An object around a list that begins behind so many bytes.
    Wrapper(usize),
    /// A fault, in words.
    Fault(String),
}

impl<R: Read> Splitter<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            reader,
            buffer: vec![0; BUFFER_BYTES],
            at: 0,
            filled: 0,
            line: 1,
            bytes_before: 0,
            is_at_end: false,
            broken: None,
            context: Vec::new(),
            are_lines: None,
        }
    }

    /// Bytes up to the position.
    pub(super) const fn bytes_read(&self) -> u64 {
        self.bytes_before + self.at as u64
    }

    /// Whether the text is empty or begins as records do.
    pub(super) fn begins_as_log(&mut self) -> bool {
        matches!(self.peek(), None | Some(b'{' | b'['))
    }

    fn rest(&self) -> &[u8] {
        self.buffer.get(self.at..self.filled).unwrap_or_default()
    }

    /// Reads more behind the position, which moves to the front; `false` when there is no more.
    fn fill(&mut self) -> bool {
        if self.is_at_end {
            return false;
        }
        self.bytes_before += self.at as u64;
        self.buffer.copy_within(self.at..self.filled, 0);
        self.filled -= self.at;
        self.at = 0;
        if self.filled == self.buffer.len() {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        loop {
            let room = self.buffer.get_mut(self.filled..).unwrap_or_default();
            match self.reader.read(room) {
                Ok(0) => break,
                Ok(count) => {
                    self.filled += count;
                    return true;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.broken = Some(error);
                    break;
                }
            }
        }
        self.is_at_end = true;
        false
    }

    /// Moves behind so many bytes.
    fn pass(&mut self, count: usize) {
        let passed = self.rest().get(..count).unwrap_or_else(|| self.rest());
        self.line += memchr::memchr_iter(b'\n', passed).count() as u64;
        self.at = (self.at + count).min(self.filled);
    }

    /// The next byte that is neither white space nor a comma between records.
    fn peek(&mut self) -> Option<u8> {
        loop {
            let is_between = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b',');
            let between = self.rest().iter().take_while(is_between).count();
            let found = self.rest().get(between).copied();
            self.pass(between);
            if found.is_some() || !self.fill() {
                return found;
            }
        }
    }

    /// Moves to the beginning of the next line.
    fn pass_line(&mut self) {
        loop {
            match memchr::memchr(b'\n', self.rest()) {
                Some(end) => return self.pass(end + 1),
                None => self.pass(self.filled - self.at),
            }
            if !self.fill() {
                return;
            }
        }
    }

    /// The next record or fault; `None` at the end.
    pub(super) fn next(&mut self) -> Option<Piece<'_>> {
        loop {
            let next = self.peek();
            let line = self.line;
            match (next, self.context.last().copied()) {
                (None, context) => {
                    let what = match (self.broken.take(), context) {
                        (Some(error), _) => format!("the file cannot be read any further: {error}"),
                        (None, Some(_)) => "the text ends in the middle of a list".to_owned(),
                        (None, None) => return None,
                    };
                    self.context.clear();
                    return Some(Piece::Fault { line, what });
                }
                (Some(b'['), None) => {
                    self.context.push(Context::List);
                    self.pass(1);
                }
                (Some(b']'), Some(Context::List)) => {
                    self.context.pop();
                    self.pass(1);
                }
                (Some(b']'), Some(Context::WrappedList)) => {
                    self.context.pop();
                    self.pass(1);
                    if let Err(what) = self.pass_wrapper_end() {
                        self.pass_line();
                        return Some(Piece::Fault { line, what });
                    }
                }
                (Some(b'{'), _) => match self.object() {
                    Found::Record(length) => {
                        let start = self.at;
                        self.pass(length);
                        let bytes = self.buffer.get(start..start + length).unwrap_or_default();
                        return Some(Piece::Record { bytes, line });
                    }
                    Found::Wrapper(length) => {
                        self.context.push(Context::WrappedList);
                        self.pass(length);
                    }
                    Found::Fault(what) => {
                        self.pass_line();
                        return Some(Piece::Fault { line, what });
                    }
                },
                (Some(byte), _) => {
                    let what = format!("{} where a record should begin", shown(byte));
                    self.pass_line();
                    return Some(Piece::Fault { line, what });
                }
            }
        }
    }

    /// What the object at the position is.
    fn object(&mut self) -> Found {
        if self.are_lines == Some(true)
            && self.context.is_empty()
            && let Some(found) = self.line()
        {
            return found;
        }
        let mut walk = Walk::of_value();
        let end = loop {
            match walk.on(self.rest()) {
                Step::End(length) if length <= RECORD_BYTES_MAX => break Ok(length),
                Step::End(_) => break Err(too_long()),
                Step::More if walk.at > RECORD_BYTES_MAX => break Err(too_long()),
                Step::More => {
                    if !self.fill() {
                        break Err("the text ends in the middle of a record".to_owned());
                    }
                }
                Step::Wrong(what) => break Err(what.to_owned()),
            }
        };
        let own = end.as_ref().map_or(self.rest(), |length| self.rest().get(..*length).unwrap_or_default());
        // Of an object that is broken or too long the list may be there all the same.
        if (end.is_err() || may_be_wrapper(own))
            && let Some(list) = list_in(own)
        {
            return Found::Wrapper(list);
        }
        let length = match end {
            Ok(length) => length,
            Err(what) => return Found::Fault(what),
        };
        if self.context.is_empty() && self.are_lines.is_none() {
            let is_one_line = memchr::memchr(b'\n', own).is_none();
            self.are_lines = Some(is_one_line && self.is_line_end(length));
        }
        Found::Record(length)
    }

    /// Whether only white space or the end stands between the bytes and the end of their line.
    fn is_line_end(&self, length: usize) -> bool {
        let behind = self.rest().get(length..).unwrap_or_default();
        let next = behind.iter().find(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b','));
        next.is_none_or(|byte| *byte == b'\n')
    }

    /// The line at the position, as a record or an object around a list; `None` when an object of several lines begins
    /// here all the same.
    fn line(&mut self) -> Option<Found> {
        let mut searched = 0;
        let length = loop {
            let rest = self.rest();
            if let Some(found) = memchr::memchr(b'\n', rest.get(searched..).unwrap_or_default()) {
                break searched + found;
            }
            searched = rest.len();
            if searched > RECORD_BYTES_MAX || !self.fill() {
                break searched;
            }
        };
        let line = self.rest().get(..length).unwrap_or_default();
        let record = trimmed(line);
        if may_be_wrapper(record)
            && let Some(list) = list_in(record)
        {
            return Some(Found::Wrapper(list));
        }
        if record == b"{" {
            return None;
        }
        let is_whole = record.len() <= RECORD_BYTES_MAX;
        Some(if is_whole { Found::Record(record.len()) } else { Found::Fault(too_long()) })
    }

    /// Passes over what an object has behind its list.
    fn pass_wrapper_end(&mut self) -> Result<(), String> {
        let mut walk = Walk::behind_member();
        loop {
            match walk.on(self.rest()) {
                Step::End(length) => {
                    self.pass(length);
                    return Ok(());
                }
                Step::More if walk.at > RECORD_BYTES_MAX => return Err("the object around the list has no end".into()),
                Step::More => {
                    if !self.fill() {
                        return Err("the text ends in the middle of the object around the list".to_owned());
                    }
                }
                Step::Wrong(what) => return Err(what.to_owned()),
            }
        }
    }
}

fn too_long() -> String {
    format!("the record is longer than {RECORD_BYTES_MAX} bytes")
}

/// Without the white space and the comma at the end.
fn trimmed(mut line: &[u8]) -> &[u8] {
    while let [rest @ .., b' ' | b'\t' | b'\r' | b'\n' | b','] = line {
        line = rest;
    }
    line
}

/// Whether an object begins as those around a list do.
fn may_be_wrapper(object: &[u8]) -> bool {
    let inside = object.get(1..).unwrap_or_default().trim_ascii_start();
    WRAPPER_BEGINNINGS.iter().any(|name| inside.starts_with(name))
}

/// Where in an object the elements of its list of records begin; `None` when it has no such list.
fn list_in(object: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        let space = |at: usize| {
            let rest = object.get(at..).unwrap_or_default();
            at + rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
        };
        at = space(at);
        let Step::End(name_length) = Walk::of_value().on(object.get(at..)?) else { return None };
        let name = object.get(at + 1..(at + name_length).checked_sub(1)?)?;
        at = space(at + name_length);
        (object.get(at) == Some(&b':')).then_some(())?;
        at = space(at + 1);
        if LIST_NAMES.contains(&name) && object.get(at) == Some(&b'[') {
            let first = object.get(space(at + 1));
            return matches!(first, Some(b'{' | b']')).then_some(at + 1);
        }
        let Step::End(value_length) = Walk::of_value().on(object.get(at..)?) else { return None };
        at = space(at + value_length);
        (object.get(at) == Some(&b',')).then_some(())?;
        at += 1;
    }
}

/// A walk over the bytes of one value, which goes on where it stopped when there is more of it.
struct Walk {
    at: usize,
    depth: u32,
    /// One bit a level, set for an object.
    objects: u128,
    expected: Expected,
}

/// What may come next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expected {
    Value,
    ValueOrEnd,
    Name,
    NameOrEnd,
    Colon,
    CommaOrEnd,
}

enum Step {
    /// The value has this many bytes.
    End(usize),
    /// The bytes end before the value does.
    More,
    /// This is no JSON.
    Wrong(&'static str),
}

impl Walk {
    const fn of_value() -> Self {
        Self { at: 0, depth: 0, objects: 0, expected: Expected::Value }
    }

    /// In an object, behind one of its members.
    const fn behind_member() -> Self {
        Self { at: 0, depth: 1, objects: 1, expected: Expected::CommaOrEnd }
    }

    fn on(&mut self, bytes: &[u8]) -> Step {
        loop {
            let rest = bytes.get(self.at..).unwrap_or_default();
            let space = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count();
            self.at += space;
            let Some(byte) = rest.get(space).copied() else { return Step::More };
            let rest = rest.get(space..).unwrap_or_default();
            let length = match byte {
                b'"' if !matches!(self.expected, Expected::Colon | Expected::CommaOrEnd) => match text_length(rest) {
                    Ok(Some(length)) => length,
                    Ok(None) => return Step::More,
                    Err(what) => return Step::Wrong(what),
                },
                b'-' | b'0'..=b'9' | b't' | b'f' | b'n' if self.is_value_next() => {
                    let is_inside = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
                    let length = rest.iter().take_while(is_inside).count();
                    if length == rest.len() {
                        return Step::More;
                    }
                    length
                }
                _ => 1,
            };
            match self.take(byte) {
                Some(Step::More) | None => self.at += length,
                Some(Step::End(_)) => return Step::End(self.at + length),
                Some(wrong) => return wrong,
            }
        }
    }

    const fn is_value_next(&self) -> bool {
        matches!(self.expected, Expected::Value | Expected::ValueOrEnd)
    }

    /// Takes what begins with a byte; gives whether the value ends with it.
    fn take(&mut self, byte: u8) -> Option<Step> {
        use Expected::{Colon, CommaOrEnd, Name, NameOrEnd, Value, ValueOrEnd};
        let is_object = self.objects & 1 == 1;
        match (byte, self.expected) {
            (b'"', Name | NameOrEnd) => self.expected = Colon,
            (b':', Colon) => self.expected = Value,
            (b',', CommaOrEnd) => self.expected = if is_object { Name } else { Value },
            (b'{' | b'[', Value | ValueOrEnd) => {
                if self.depth == RECORD_DEPTH_MAX {
                    return Some(Step::Wrong("the record is nested too deep"));
                }
                self.depth += 1;
                self.objects = (self.objects << 1) | u128::from(byte == b'{');
                self.expected = if byte == b'{' { NameOrEnd } else { ValueOrEnd };
            }
            (b'}', NameOrEnd | CommaOrEnd) if is_object => return self.leave(),
            (b']', ValueOrEnd | CommaOrEnd) if !is_object => return self.leave(),
            (b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n', Value | ValueOrEnd) => {
                if self.depth == 0 {
                    return Some(Step::End(0));
                }
                self.expected = CommaOrEnd;
            }
            (_, Name | NameOrEnd) => return Some(Step::Wrong("the record breaks off where a name should be")),
            (_, Colon) => return Some(Step::Wrong("the record breaks off where a colon should be")),
            (_, Value | ValueOrEnd) => return Some(Step::Wrong("the record breaks off where a value should be")),
            (_, CommaOrEnd) => return Some(Step::Wrong("the record breaks off where a comma or its end should be")),
        }
        None
    }

    fn leave(&mut self) -> Option<Step> {
        self.depth -= 1;
        self.objects >>= 1;
        self.expected = Expected::CommaOrEnd;
        (self.depth == 0).then_some(Step::End(0))
    }
}

/// Length of the text at the front, with its quotation marks; `None` when it goes on behind the bytes.
fn text_length(bytes: &[u8]) -> Result<Option<usize>, &'static str> {
    let mut at = 1;
    loop {
        let Some(found) = memchr::memchr3(b'"', b'\\', b'\n', bytes.get(at..).unwrap_or_default()) else {
            return Ok(None);
        };
        at += found;
        match bytes.get(at) {
            Some(b'"') => return Ok(Some(at + 1)),
            Some(b'\n') => return Err("the line ends in the middle of a text"),
            _ if at + 1 >= bytes.len() => return Ok(None),
            _ => at += 2,
        }
    }
}

fn shown(byte: u8) -> String {
    if byte.is_ascii_graphic() { format!("`{}`", char::from(byte)) } else { format!("the byte 0x{byte:02x}") }
}

#[cfg(test)]
mod tests;
