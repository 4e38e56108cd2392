//! One part of a reading: objects, one a line, and after each page a mark that says how to go on.
//!
//! A mark is a line that begins with `#`, which no JSON does, and ends with `#`, so that half of one is none. What stands
//! behind the last mark was being written when somebody was stopped; `#void#` closes it, and it does not count.
//!
//! **Limits:** [`LINE_BYTES_MAX`].

use std::io::{self, BufRead, Read as _};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use crate::ports::{Parts, PartsError};

/// Bytes of the longest object.
pub(super) const LINE_BYTES_MAX: u64 = 64 << 20;

/// How far a part is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    /// Nothing of it was read.
    New,
    /// The next request is this one.
    Next(String),
    /// All of it was read.
    Done,
    /// It cannot be read, and why; what was read before that is there.
    Missing(String),
}

/// A part by its name.
#[derive(Clone, Copy)]
pub(crate) struct Part<'p> {
    parts: &'p dyn Parts,
    name: &'p str,
}

impl<'p> Part<'p> {
    pub(crate) fn of(parts: &'p dyn Parts, name: &'p str) -> Self {
        Self { parts, name }
    }

    /// Adds objects and how to go on after them.
    pub(crate) fn add<'l>(&self, objects: impl Iterator<Item = &'l RawValue>, then: &State) -> Result<(), PartsError> {
        let mut text = String::new();
        for object in objects {
            text.push_str(&in_one_line(object.get()));
            text.push('\n');
        }
        let mark = match then {
            State::New => "#void#".to_owned(),
            State::Next(target) => format!("#next {target}#"),
            State::Done => "#done#".to_owned(),
            State::Missing(why) => format!("#missing {}#", why.replace(['\n', '\r'], " ")),
        };
        text.push_str(&mark);
        text.push('\n');
        self.parts.append(self.name, text.as_bytes())
    }

    /// Adds one object and how to go on after it.
    pub(crate) fn add_one(&self, object: &impl Serialize, then: &State) -> Result<(), PartsError> {
        let line = to_raw_value(object).map_err(|error| self.error(error.into()))?;
        self.add(std::iter::once(&*line), then)
    }

    /// The last object, if there is one and it is of the form that is wanted.
    pub(crate) fn last<T: DeserializeOwned>(&self) -> Result<Option<T>, PartsError> {
        let mut last = None;
        self.each(&mut |line| {
            last = serde_json::from_str(line).ok();
            Ok(())
        })?;
        Ok(last)
    }

    /// How far it is. What was left by half is closed, so that more can be added.
    pub(crate) fn resume(&self) -> Result<State, PartsError> {
        let mut state = State::New;
        let is_whole = self.walk(&mut |_| Ok(()), &mut state)?;
        if !is_whole {
            self.parts.append(self.name, b"\n#void#\n")?;
        }
        Ok(state)
    }

    /// Shows every object that counts, in order, and says how far the part is.
    pub(crate) fn each(&self, show: &mut dyn FnMut(&str) -> Result<(), PartsError>) -> Result<State, PartsError> {
        let mut state = State::New;
        self.walk(show, &mut state)?;
        Ok(state)
    }

    /// Whether the part ends with a mark.
    fn walk(
        &self,
        show: &mut dyn FnMut(&str) -> Result<(), PartsError>,
        state: &mut State,
    ) -> Result<bool, PartsError> {
        let Some(mut lines) = self.parts.open(self.name)? else { return Ok(true) };
        let mut page: Vec<String> = Vec::new();
        let mut is_whole = true;
        while let Some(line) = next_line(&mut lines).map_err(|source| self.error(source))? {
            let Some(mark) = line.strip_prefix('#') else {
                is_whole = line.is_empty() && page.is_empty();
                if !line.is_empty() {
                    page.push(line);
                }
                continue;
            };
            is_whole = mark.ends_with('\n');
            let Some(mark) = mark.trim_end_matches('\n').strip_suffix('#') else {
                is_whole = false;
                continue;
            };
            if mark == "void" {
                page.clear();
                continue;
            }
            for object in page.drain(..) {
                show(object.trim_end())?;
            }
            *state = match mark.split_once(' ') {
                Some(("next", target)) => State::Next(target.to_owned()),
                Some(("missing", why)) => State::Missing(why.to_owned()),
                _ => State::Done,
            };
        }
        Ok(is_whole)
    }

    fn error(&self, source: io::Error) -> PartsError {
        PartsError { place: self.name.to_owned(), source }
    }
}

/// The next line with its end, if it has one.
fn next_line(lines: &mut dyn BufRead) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    lines.take(LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    if line == b"\n" {
        return Ok(Some(String::new()));
    }
    String::from_utf8(line).map(Some).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not text"))
}

/// The object without line breaks; Graph writes none.
fn in_one_line(raw: &str) -> std::borrow::Cow<'_, str> {
    if !raw.contains(['\n', '\r']) {
        return raw.into();
    }
    serde_json::from_str::<Value>(raw)
        .map_or_else(|_| raw.replace(['\n', '\r'], " ").into(), |value| value.to_string().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::InMemoryParts;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    fn objects(part: Part<'_>) -> (Vec<String>, State) {
        let mut found = Vec::new();
        let state = part
            .each(&mut |line| {
                found.push(line.to_owned());
                Ok(())
            })
            .unwrap();
        (found, state)
    }

    #[test]
    fn what_was_stopped_is_gone_on_with() {
        let parts = InMemoryParts::default();
        let part = Part::of(&parts, "users");
        assert_eq!(part.resume().unwrap(), State::New);
        let next = State::Next("/v1.0/users?$skiptoken=a b".to_owned());
        part.add([&*raw("{\"id\":\n1}"), &*raw("{\"id\":2}")].into_iter(), &next).unwrap();
        for torn in ["{\"id\":3}\n{\"i", "{\"id\":3}\n", "{\"id\":3}\n#nex", "{\"id\":3}\n#done"] {
            parts.append("users", torn.as_bytes()).unwrap();
            assert_eq!(objects(part).1, next, "{torn}");
            assert_eq!(part.resume().unwrap(), next, "{torn}");
            assert_eq!(part.resume().unwrap(), next, "{torn}");
        }
        part.add([&*raw("{\"id\":3}")].into_iter(), &State::Done).unwrap();
        let expected: Vec<String> = ["{\"id\":1}", "{\"id\":2}", "{\"id\":3}"].map(str::to_owned).to_vec();
        assert_eq!(objects(part), (expected, State::Done));
    }

    #[test]
    fn the_reason_stays_in_its_line() {
        let parts = InMemoryParts::default();
        let part = Part::of(&parts, "devices");
        part.add(std::iter::empty(), &State::Missing("403:\nno".to_owned())).unwrap();
        assert_eq!(part.resume().unwrap(), State::Missing("403: no".to_owned()));
    }
}
