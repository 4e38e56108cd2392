//! The members of an object of which it is not known yet what it is.

use super::elements::{ELEMENT_BYTES_MAX, Place, SplitError};

/// The place of an object that is the whole document.
pub(super) const TOP: Place = Place { line: 1, byte: 0 };

/// The members of an object that was not recognised yet, as they were written.
#[derive(Default)]
pub(super) struct Kept {
    json: Vec<u8>,
    /// Ends of each name and value in `json`.
    ends: Vec<(usize, usize)>,
}

impl Kept {
    pub(super) fn push(&mut self, key: &[u8], value: &[u8]) -> Result<(), SplitError> {
        if self.json.len() + key.len() + value.len() > ELEMENT_BYTES_MAX {
            return Err(SplitError::TooLarge { what: "an object is larger than 256 MiB", place: TOP });
        }
        self.json.push(if self.json.is_empty() { b'{' } else { b',' });
        self.json.extend_from_slice(key);
        let name_end = self.json.len();
        self.json.push(b':');
        self.json.extend_from_slice(value);
        self.ends.push((name_end, self.json.len()));
        Ok(())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (String, &[u8])> {
        let starts = std::iter::once(0).chain(self.ends.iter().map(|(_, end)| *end));
        starts.zip(&self.ends).map(|(start, (name_end, end))| {
            let name = self.json.get(start + 1..*name_end).and_then(text_of).unwrap_or_default();
            (name, self.json.get(name_end + 1..*end).unwrap_or_default())
        })
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.iter().find(|(own, _)| own == name).and_then(|(_, json)| text_of(json))
    }

    /// Whether nothing yet says that this is one object of Graph.
    pub(super) fn is_of_no_object(&self) -> bool {
        !self.iter().any(|(name, _)| matches!(name.as_str(), "id" | "displayName" | "appId") || name.starts_with('@'))
    }

    pub(super) fn into_json(mut self) -> Vec<u8> {
        if self.json.is_empty() {
            self.json.push(b'{');
        }
        self.json.push(b'}');
        self.json
    }
}

/// A JSON text; `None` for anything else.
pub(super) fn text_of(json: &[u8]) -> Option<String> {
    serde_json::from_slice(json).ok()
}
