//! What a witness remembers, as files of a folder: the port [`WitnessMemory`].
//!
//! For each log there is one small file with its public key and the last checkpoint. It is written under another name, made
//! durable, renamed, and the name is made durable, while a file beside it is locked: whoever comes in between is told so.
//! **Invariant:** a file that is damaged is never taken for a log that was never seen.
//! **Limit:** [`SEEN_BYTES_MAX`].

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use breakglass_ledger::note::{KEY_BYTES_MAX, NOTE_BYTES_MAX};
use breakglass_ops::ports::{WitnessMemory, WitnessMemoryError};

use crate::file_parts::{private, private_folder, sync_folder};
use crate::lock_file::{LockError, LockFile};

/// What the first line of a file begins with.
const HEAD: &str = "breakglass-witness/1 ";

/// Bytes of the largest file of a log: its first line, and a checkpoint.
pub const SEEN_BYTES_MAX: usize = HEAD.len() + KEY_BYTES_MAX + 1 + NOTE_BYTES_MAX;

/// Name of the file that is locked.
const LOCK: &str = "lock";

/// Name of the folder with checkpoints that do not go together.
const EVIDENCE: &str = "evidence";

/// Bytes of a digest that files are named by.
const NAME_BYTES: usize = 8;

/// A folder in which a witness remembers.
#[derive(Debug, Clone)]
pub struct WitnessFolder(PathBuf);

impl WitnessFolder {
    /// The folder, which is made as the first log is remembered.
    #[must_use]
    pub const fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    fn path(&self, log: &str) -> PathBuf {
        self.0.join(format!("{}.seen", short(&[log])))
    }

    fn exchanged(&self, log: &str, was: Option<&str>, now: &str) -> io::Result<bool> {
        make_folder(&self.0)?;
        // From here on nobody else writes, as long as it is held.
        let _lock = LockFile::take(&self.0.join(LOCK)).map_err(|error| match error {
            LockError::Held => io::Error::other("another witness is at work in it; run it again"),
            LockError::Io(error) => error,
        })?;
        if read(&self.path(log), log)?.as_deref() != was {
            return Ok(false);
        }
        let path = self.path(log);
        write_durably(&path, &path.with_extension("partial"), &written(log, now))?;
        Ok(true)
    }

    fn kept(&self, seen: &str, refused: &str) -> io::Result<PathBuf> {
        let folder = self.0.join(EVIDENCE);
        make_folder(&folder)?;
        let path = folder.join(format!("{}.txt", short(&[seen, refused])));
        if !path.exists() {
            // Several may do this at once, and none waits for another.
            let partial = path.with_extension(format!("{}.partial", std::process::id()));
            write_durably(&path, &partial, &format!("seen:\n{seen}\nrefused:\n{refused}"))?;
        }
        Ok(path)
    }
}

impl WitnessMemory for WitnessFolder {
    fn remembered(&self, log: &str) -> Result<Option<String>, WitnessMemoryError> {
        let path = self.path(log);
        read(&path, log).map_err(|error| unusable(&path, &error))
    }

    fn exchange(&self, log: &str, was: Option<&str>, now: &str) -> Result<bool, WitnessMemoryError> {
        self.exchanged(log, was, now).map_err(|error| unusable(&self.0, &error))
    }

    fn keep_evidence(&self, _: &str, seen: &str, refused: &str) -> Result<String, WitnessMemoryError> {
        let kept = self.kept(seen, refused).map_err(|error| unusable(&self.0.join(EVIDENCE), &error))?;
        Ok(kept.display().to_string())
    }
}

fn unusable(path: &Path, error: &io::Error) -> WitnessMemoryError {
    WitnessMemoryError { place: path.display().to_string(), why: error.to_string() }
}

/// Makes a folder that only its owner enters, if there is none, durably.
fn make_folder(folder: &Path) -> io::Result<()> {
    let is_new = !folder.exists();
    private_folder(folder)?;
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if is_new { sync_folder(parent) } else { Ok(()) }
}

/// Puts a file into the place of another, whole and durable, by way of a name of which nobody else has need.
fn write_durably(path: &Path, partial: &Path, text: &str) -> io::Result<()> {
    let mut file = private(OpenOptions::new().write(true).create(true).truncate(true)).open(partial)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(partial, path)?;
    sync_folder(path.parent().unwrap_or(Path::new(".")))
}

fn written(log: &str, note: &str) -> String {
    format!("{HEAD}{log}\n{note}")
}

fn read(path: &Path, log: &str) -> io::Result<Option<String>> {
    let damaged =
        |why: &str| io::Error::other(format!("{why}; it was damaged or changed, and what was seen is not known"));
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(SEEN_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > SEEN_BYTES_MAX {
        return Err(damaged("it is too long"));
    }
    let text = String::from_utf8(bytes).map_err(|_| damaged("it is no text"))?;
    let rest = text.strip_prefix(HEAD).and_then(|rest| rest.strip_prefix(log)).and_then(|rest| rest.strip_prefix('\n'));
    rest.map(|note| Some(note.to_owned())).ok_or_else(|| damaged("it does not begin as it has to for this log"))
}

/// A name for texts: the first digits of their digest.
fn short(texts: &[&str]) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    for text in texts {
        context.update(&(text.len() as u64).to_be_bytes());
        context.update(text.as_bytes());
    }
    context.finish().as_ref().iter().take(NAME_BYTES).map(|byte| format!("{byte:02x}")).collect()
}
