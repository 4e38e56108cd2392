//! A file of mail on this machine, which any program that reads mail opens: for a demonstration, and as a second copy.
//!
//! Letters are added one behind the other (mbox, in the form `mboxrd`), under a lock, and are on the disk when they count as
//! delivered. Half a letter of somebody who was stopped is ended before the next begins.
//! **Source:** RFC 4155, appendix A (separators); "mbox" of qmail's manual pages (`mboxrd`: each line that begins with `From `,
//! behind any number of `>`, gets one more).
//! **Limit:** [`MBOX_BYTES_MAX`].

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use breakglass_custody::name::Name;
use breakglass_ops::ports::{Channel, DeliveryKey, Untaken};
use breakglass_ops::watching::message::Message;
use jiff::Timestamp;
use lettre::message::Mailbox;

use super::letter::{address, letter};
use super::mail::{MailError, addresses};
use super::{contact, later, refused};
use crate::file_parts::{private, sync_folder};

/// Bytes of the largest file.
pub const MBOX_BYTES_MAX: u64 = 64 << 20;

/// Whom the letters are from.
const FROM: &str = "breakglass@breakglass.invalid";

/// What stands between two letters: the end of a line, and a line with nothing in it.
const BETWEEN: &[u8] = b"\n\n";

/// A file of mail.
pub struct MboxFile {
    name: Name,
    path: PathBuf,
    from: Mailbox,
    contacts: BTreeMap<Name, Mailbox>,
}

impl MboxFile {
    /// The file at a path, in a folder that is there; it is made with the first letter. Nothing is written yet.
    ///
    /// # Errors
    /// The address of somebody is none.
    pub fn new(name: Name, path: PathBuf, contacts: &BTreeMap<Name, String>) -> Result<Self, MailError> {
        let from = address(FROM).ok_or_else(|| MailError::From(FROM.to_owned()))?;
        Ok(Self { name, path, from, contacts: addresses(contacts)? })
    }

    fn append(&self, entry: &[u8]) -> io::Result<()> {
        let mut file = private(OpenOptions::new().read(true).append(true).create(true)).open(&self.path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(io::ErrorKind::WouldBlock.into()),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let before = file.metadata()?.len();
        let mut bytes = missing(&mut file, before)?;
        bytes.extend_from_slice(entry);
        let added = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if before.saturating_add(added) > MBOX_BYTES_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let written = file.write_all(&bytes).and_then(|()| file.sync_data());
        if written.is_err() {
            // If half a letter stays, the next one ends it.
            let _ = file.set_len(before);
        }
        written?;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        sync_folder(folder.unwrap_or(Path::new(".")))
    }

    fn unwritten(&self, error: &io::Error) -> Untaken {
        use io::ErrorKind as Kind;
        let path = self.path.display();
        match error.kind() {
            Kind::WouldBlock => later(format!("somebody else writes to `{path}`")),
            Kind::FileTooLarge => {
                refused(format!("`{path}` would have more than {MBOX_BYTES_MAX} bytes: move it somewhere else"))
            }
            Kind::NotFound | Kind::NotADirectory | Kind::IsADirectory | Kind::PermissionDenied => {
                refused(format!("`{path}` cannot be written: {error}"))
            }
            _ => later(format!("`{path}` cannot be written: {error}")),
        }
    }
}

#[async_trait]
impl Channel for MboxFile {
    fn name(&self) -> &Name {
        &self.name
    }

    async fn deliver(&self, key: &DeliveryKey, message: &Message) -> Result<(), Untaken> {
        let to = contact(&self.contacts, &key.recipient)?;
        let letter = letter((&self.from, to), key, message)?;
        self.append(&entry(message.at, &letter)).map_err(|error| self.unwritten(&error))
    }
}

/// What is missing between the end of a file and the next letter.
fn missing(file: &mut File, length: u64) -> io::Result<Vec<u8>> {
    if length == 0 {
        return Ok(Vec::new());
    }
    let mut end = Vec::new();
    file.seek(SeekFrom::Start(length.saturating_sub(2)))?;
    file.take(2).read_to_end(&mut end)?;
    let there = if end == BETWEEN { 2 } else { usize::from(end.ends_with(b"\n")) };
    Ok(BETWEEN.get(there..).unwrap_or_default().to_vec())
}

/// A letter as it stands in the file.
fn entry(at: Timestamp, letter: &[u8]) -> Vec<u8> {
    let mut entry = format!("From {FROM} {}\n", at.strftime("%a %b %e %H:%M:%S %Y"));
    for line in String::from_utf8_lossy(letter).lines() {
        if line.trim_start_matches('>').starts_with("From ") {
            entry.push('>');
        }
        entry.push_str(line);
        entry.push('\n');
    }
    entry.push('\n');
    entry.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_would_begin_a_letter_does_not() {
        let at = "2026-11-08T03:01:00Z".parse().unwrap();
        let entry = String::from_utf8(entry(at, b"To: a\r\n\r\nFrom b\r\n>From c\r\n From d\r\nFromage\r\n")).unwrap();
        assert_eq!(
            entry,
            "From breakglass@breakglass.invalid Sun Nov  8 03:01:00 2026\n\
             To: a\n\n>From b\n>>From c\n From d\nFromage\n\n"
        );
    }
}
