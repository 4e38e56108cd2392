//! What a witness remembers, as files of a folder: the port [`WitnessMemory`].
//!
//! For each log there is one small file with its public key and the last checkpoint. It is written under another name, made
//! durable, renamed, and the name is made durable, while a file beside it is locked: whoever comes in between is told so.
//! **Invariant:** a file that is damaged is never taken for a log that was never seen.
//! **Limit:** [`SEEN_BYTES_MAX`].

use std::io;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use breakglass_ledger::note::{KEY_BYTES_MAX, NOTE_BYTES_MAX};
use breakglass_ops::ports::{WitnessMemory, WitnessMemoryError};

use crate::disk::{Disk, RealDisk};

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
pub struct WitnessFolder<D = RealDisk> {
    folder: PathBuf,
    disk: D,
}

impl WitnessFolder {
    /// The folder, which is made as the first log is remembered.
    #[must_use]
    pub const fn new(folder: PathBuf) -> Self {
        Self::on(folder, RealDisk)
    }
}

impl<D: Disk> WitnessFolder<D> {
    /// The same on another disk.
    pub const fn on(folder: PathBuf, disk: D) -> Self {
        Self { folder, disk }
    }

    fn path(&self, log: &str) -> PathBuf {
        self.folder.join(format!("{}.seen", short(&[log])))
    }

    fn exchanged(&self, log: &str, was: Option<&str>, now: &str) -> io::Result<bool> {
        self.disk.make_folder(&self.folder)?;
        let lock = self.disk.lock(&self.folder.join(LOCK)).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => io::Error::other("another witness is at work in it; run it again"),
            _ => error,
        })?;
        // From here on nobody else writes, until `lock` is dropped.
        let path = self.path(log);
        if self.read(&path, log)?.as_deref() != was {
            return Ok(false);
        }
        self.write_durably(&path, &path.with_extension("partial"), &written(log, now))?;
        drop(lock);
        Ok(true)
    }

    fn kept(&self, seen: &str, refused: &str) -> io::Result<PathBuf> {
        let folder = self.folder.join(EVIDENCE);
        self.disk.make_folder(&folder)?;
        let path = folder.join(format!("{}.txt", short(&[seen, refused])));
        match self.disk.read(&path, 1) {
            // Whoever wrote it may have been stopped before its name was durable.
            Ok(_) => self.disk.sync_folder(&folder)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // Several may do this at once, and none waits for another.
                let partial = path.with_extension(format!("{}.partial", std::process::id()));
                self.write_durably(&path, &partial, &format!("seen:\n{seen}\nrefused:\n{refused}"))?;
            }
            Err(error) => return Err(error),
        }
        Ok(path)
    }

    /// Puts a file into the place of another, whole and durable, by way of a name of which nobody else has need.
    fn write_durably(&self, path: &Path, partial: &Path, text: &str) -> io::Result<()> {
        self.disk.write(partial, text.as_bytes())?;
        self.disk.sync(partial)?;
        self.disk.rename(partial, path)?;
        self.disk.sync_folder(path.parent().unwrap_or(Path::new(".")))
    }

    fn read(&self, path: &Path, log: &str) -> io::Result<Option<String>> {
        let damaged =
            |why: &str| io::Error::other(format!("{why}; it was damaged or changed, and what was seen is not known"));
        let bytes = match self.disk.read(path, SEEN_BYTES_MAX as u64 + 1) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        if bytes.len() > SEEN_BYTES_MAX {
            return Err(damaged("it is too long"));
        }
        let text = String::from_utf8(bytes).map_err(|_| damaged("it is no text"))?;
        let rest =
            text.strip_prefix(HEAD).and_then(|rest| rest.strip_prefix(log)).and_then(|rest| rest.strip_prefix('\n'));
        rest.map(|note| Some(note.to_owned())).ok_or_else(|| damaged("it does not begin as it has to for this log"))
    }
}

impl<D: Disk> WitnessMemory for WitnessFolder<D> {
    fn remembered(&self, log: &str) -> Result<Option<String>, WitnessMemoryError> {
        let path = self.path(log);
        self.read(&path, log).map_err(|error| unusable(&path, &error))
    }

    fn exchange(&self, log: &str, was: Option<&str>, now: &str) -> Result<bool, WitnessMemoryError> {
        self.exchanged(log, was, now).map_err(|error| unusable(&self.folder, &error))
    }

    fn keep_evidence(&self, _: &str, seen: &str, refused: &str) -> Result<String, WitnessMemoryError> {
        let kept = self.kept(seen, refused).map_err(|error| unusable(&self.folder.join(EVIDENCE), &error))?;
        Ok(kept.display().to_string())
    }
}

fn unusable(path: &Path, error: &io::Error) -> WitnessMemoryError {
    WitnessMemoryError { place: path.display().to_string(), why: error.to_string() }
}

fn written(log: &str, note: &str) -> String {
    format!("{HEAD}{log}\n{note}")
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
