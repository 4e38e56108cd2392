//! Reads documents that are written in a test.

use breakglass_model::snapshot::read::{Origin, ReadError, Recognised, read_document};
use breakglass_model::snapshot::{Snapshot, SnapshotBuilder};

/// Gives a document in pieces of a few bytes, as a slow pipe would.
pub(crate) struct Dripping<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) piece: usize,
}

impl std::io::Read for Dripping<'_> {
    fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
        let count = self.piece.min(self.bytes.len()).min(room.len());
        room[..count].copy_from_slice(&self.bytes[..count]);
        self.bytes = &self.bytes[count..];
        Ok(count)
    }
}

/// Splits `Identity/Conditional/policies.json` into folders and name, and reads the text as that file.
pub(crate) fn read_into(builder: &mut SnapshotBuilder, path: &str, text: &str) -> Result<Recognised, ReadError> {
    let mut folders: Vec<String> = path.split('/').map(str::to_owned).collect();
    let file_name = folders.pop().unwrap();
    read_document(builder, text.as_bytes(), &Origin { file_name: &file_name, folders: &folders })
}

pub(crate) fn recognise(path: &str, text: &str) -> Result<Recognised, ReadError> {
    read_into(&mut SnapshotBuilder::default(), path, text)
}

/// Reads several files into one snapshot.
pub(crate) fn snapshot(files: &[(&str, &str)]) -> Snapshot {
    let mut builder = SnapshotBuilder::default();
    for (path, text) in files {
        read_into(&mut builder, path, text).unwrap_or_else(|error| panic!("{path}: {error}"));
    }
    builder.finish()
}

/// The error of a document, as somebody sees it.
pub(crate) fn fault(path: &str, text: &str) -> String {
    match recognise(path, text) {
        Ok(recognised) => panic!("{path} {text} was read as {recognised:?}"),
        Err(error) => error.to_string(),
    }
}
