//! What the product remembers, in one SQLite file: the port [`Store`].
//!
//! The file is only its owner's. Forms of earlier versions are brought up to this one as the file is opened, in one
//! transaction; a file of a later version is refused. Writers wait for each other at most [`BUSY_SECONDS_MAX`].
//!
//! **Durability:** what [`Store::append`] has taken is there after a loss of power, if the disk keeps what it says it keeps.
//! That is SQLite's own promise for a write-ahead log (`journal_mode=WAL`) that is made durable at each commit
//! (`synchronous=FULL`, and `fullfsync` where the system's usual call leaves it in the disk's cache); a file that cannot have
//! these is not used. That SQLite calls the disk when it says so is relied on: it writes past our port for one. What a disk may
//! have made of the bytes that were not durable yet, of the log and of the file, is tried in `tests/it/torn_logs.rs`.
//! **Source:** <https://www.sqlite.org/pragma.html#pragma_synchronous>, <https://www.sqlite.org/wal.html>,
//! <https://www.sqlite.org/pragma.html#pragma_fullfsync>.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use breakglass_ops::ports::{Store, StoreError};
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, Transaction, TransactionBehavior};
use serde_json::Value;

use crate::disk::{Disk as _, RealDisk, is_want_of_room};
use crate::file_parts::{private, private_folder, sync_folder};
use crate::sqlite_watch::FORM_OF_WATCH;

/// Seconds that somebody waits for another who writes.
pub const BUSY_SECONDS_MAX: u64 = 10;

/// Bytes of one entry.
pub const ENTRY_BYTES_MAX: usize = 1 << 20;

/// Bytes that SQLite makes room for as it opens a file: the index of its log.
const INDEX_BYTES: usize = 32 << 10;

/// What SQLite calls `synchronous=FULL`.
const SYNCHRONOUS_FULL: i64 = 2;

/// Name of the file in its folder.
pub const FILE_NAME: &str = "state.db";

/// What brings a file from one form to the next; the form of a file is its `user_version`.
const FORMS: &[&str] = &[
    "CREATE TABLE entries (
        stream TEXT NOT NULL,
        at INTEGER NOT NULL,
        entry TEXT NOT NULL,
        PRIMARY KEY (stream, at)
    ) STRICT, WITHOUT ROWID;",
    FORM_OF_WATCH,
];

/// A store in a file.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Mutex<Connection>,
    path: PathBuf,
}

impl SqliteStore {
    /// Opens the store in a folder, which is made if it is not there.
    ///
    /// # Errors
    /// The folder cannot be made, or the file is no store of this version or an earlier one.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(FILE_NAME);
        let failed = |error: io::Error| refused_by_system(&path, &error);
        private_folder(folder).map_err(failed)?;
        // Never one that is there: whoever closes a file drops every lock that the process has on it, also those of another
        // connection, whose last entries would be lost then (SQLite, "How To Corrupt An SQLite Database File", section 2.2).
        let is_new = match private(OpenOptions::new().create_new(true).append(true)).open(&path) {
            Ok(_) => true,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
            Err(error) => return Err(failed(error)),
        };
        if is_new {
            sync_folder(folder).map_err(failed)?;
        }
        let connection = connected(&path).map_err(|error| refused_by_sqlite(&path, &error))?;
        let store = Self { connection: Mutex::new(connection), path: path.clone() };
        store.bring_up()?;
        Ok(store)
    }

    /// Whether a folder has a store.
    #[must_use]
    pub fn is_in(folder: &Path) -> bool {
        folder.join(FILE_NAME).is_file()
    }

    /// Writes a whole copy into a file that is not there yet; it is complete or not there at all.
    ///
    /// # Errors
    /// The file is there already, or cannot be written.
    pub fn back_up(&self, to: &Path) -> Result<(), StoreError> {
        let unusable = |why: String| StoreError::Unusable { place: to.display().to_string(), why };
        if to.exists() {
            return Err(unusable("it is there already, and nothing is overwritten".to_owned()));
        }
        let partial = with_ending(to, "partial");
        // One that an earlier attempt left behind is worth nothing.
        let _ = fs::remove_file(&partial);
        private(OpenOptions::new().create_new(true).write(true))
            .open(&partial)
            .map_err(|error| refused_by_system(to, &error))?;
        let name = partial.display().to_string();
        let copied = self.with(|connection| connection.execute("VACUUM INTO ?1", [&name]).map(|_| ()));
        copied.map_err(|error| {
            // Half a copy is worth nothing either, and takes room where there may be none.
            let _ = fs::remove_file(&partial);
            match error {
                // It is written to, and the state only read.
                StoreError::Full { .. } => StoreError::Full { place: to.display().to_string() },
                error => error,
            }
        })?;
        let finish = || -> io::Result<()> {
            fs::File::open(&partial)?.sync_all()?;
            fs::rename(&partial, to)?;
            sync_folder(to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")))
        };
        finish().map_err(|error| refused_by_system(to, &error))
    }

    /// Puts a copy into the place of the store in a folder that has none, after it was looked at.
    ///
    /// # Errors
    /// There is a store already, or the copy is damaged or of a later version.
    pub fn restore(from: &Path, folder: &Path) -> Result<(), StoreError> {
        let path = folder.join(FILE_NAME);
        let there = |why: String| StoreError::Unusable { place: path.display().to_string(), why };
        let copy = |why: String| StoreError::Unusable { place: from.display().to_string(), why };
        if path.exists() {
            return Err(there("there is a state already; move it away first".to_owned()));
        }
        let is_new = !folder.exists();
        private_folder(folder).map_err(|error| there(error.to_string()))?;
        let put = Self::put_back(from, &path, (&there, &copy));
        if put.is_err() && is_new {
            // Only if nothing is in it.
            let _ = fs::remove_dir(folder);
        }
        put
    }

    fn put_back(
        from: &Path,
        path: &Path,
        (there, copy): (&dyn Fn(String) -> StoreError, &dyn Fn(String) -> StoreError),
    ) -> Result<(), StoreError> {
        let partial = with_ending(path, "partial");
        let take = || -> io::Result<()> {
            let bytes = fs::read(from)?;
            let mut file = private(OpenOptions::new().create(true).truncate(true).write(true)).open(&partial)?;
            io::Write::write_all(&mut file, &bytes)?;
            file.sync_all()
        };
        take().map_err(|error| copy(error.to_string()))?;
        let looked = (|| -> Result<(), String> {
            let connection = connected(&partial).map_err(|error| error.to_string())?;
            let found: String = connection
                .query_row("PRAGMA integrity_check", [], |row| row.get(0))
                .map_err(|error| error.to_string())?;
            if found != "ok" {
                return Err(format!("it is damaged: {found}"));
            }
            let form = form_of(&connection).map_err(|error| error.to_string())?;
            if form == 0 || form > FORMS.len() {
                Err(format!("it is no state of this version, but of form {form}"))
            } else {
                Ok(())
            }
        })();
        let left = if looked.is_ok() {
            ["partial-wal", "partial-shm"].as_slice()
        } else {
            &["partial", "partial-wal", "partial-shm"]
        };
        for ending in left {
            let _ = fs::remove_file(with_ending(path, ending));
        }
        looked.map_err(copy)?;
        let finish = || -> io::Result<()> {
            fs::rename(&partial, path)?;
            path.parent().map_or(Ok(()), sync_folder)
        };
        finish().map_err(|error| there(error.to_string()))
    }

    fn bring_up(&self) -> Result<(), StoreError> {
        let later = self.with(|connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let form = form_of(&transaction)?;
            if form > FORMS.len() {
                return Ok(Some(form));
            }
            for step in FORMS.iter().skip(form) {
                transaction.execute_batch(step)?;
            }
            transaction.pragma_update(None, "user_version", FORMS.len())?;
            transaction.commit()?;
            Ok(None)
        })?;
        match later {
            None => Ok(()),
            Some(form) => {
                Err(self.unusable(format!("it is of form {form}, and this version knows forms up to {}", FORMS.len())))
            }
        }
    }

    pub(crate) fn unusable(&self, why: String) -> StoreError {
        StoreError::Unusable { place: self.path.display().to_string(), why }
    }

    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        work(&mut connection).map_err(|error| refused_by_sqlite(&self.path, &error))
    }
}

/// What the system says of a file, as a store says it.
fn refused_by_system(path: &Path, error: &io::Error) -> StoreError {
    let place = path.display().to_string();
    if is_want_of_room(error) {
        StoreError::Full { place }
    } else if matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem) {
        StoreError::NotWritable { place }
    } else {
        StoreError::Unusable { place, why: error.to_string() }
    }
}

/// What SQLite says of its file, as a store says it. Where it has no room for the index of its log it calls that an error of
/// the disk, so that the disk is asked then.
///
/// **Source:** <https://www.sqlite.org/rescode.html>, `SQLITE_FULL` and `SQLITE_IOERR_SHMSIZE`.
fn refused_by_sqlite(path: &Path, error: &rusqlite::Error) -> StoreError {
    let place = path.display().to_string();
    let asked = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => return StoreError::Full { place },
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => return StoreError::NotWritable { place },
        Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) => path.parent().and_then(refusal_of),
        _ => None,
    };
    match asked.map(|asked| refused_by_system(path, &asked)) {
        Some(known @ (StoreError::Full { .. } | StoreError::NotWritable { .. })) => known,
        _ => StoreError::Unusable { place, why: error.to_string() },
    }
}

/// Why a folder does not take what SQLite writes there as it opens a file. Nothing is left of what is tried; where it cannot be
/// tried, it is not said.
fn refusal_of(folder: &Path) -> Option<io::Error> {
    RealDisk.write_unnamed(folder, &[0; INDEX_BYTES]).err()
}

fn connected(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(BUSY_SECONDS_MAX))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // What was taken is there after a loss of power, too.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    is_durable(&connection)?;
    Ok(connection)
}

/// That what was asked for is so: SQLite answers a journal that it cannot have with another one, and not with an error.
fn is_durable(connection: &Connection) -> rusqlite::Result<()> {
    let journal: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    let synchronous: i64 = connection.pragma_query_value(None, "synchronous", |row| row.get(0))?;
    if journal == "wal" && synchronous >= SYNCHRONOUS_FULL {
        return Ok(());
    }
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN);
    let why = "what is written to it would not outlast a loss of power; put it on a disk of this machine".to_owned();
    Err(rusqlite::Error::SqliteFailure(code, Some(why)))
}

fn form_of(connection: &Connection) -> rusqlite::Result<usize> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

/// Adds an entry within a transaction; `false` if the stream has another number of entries.
pub(crate) fn append_within(
    transaction: &Transaction<'_>,
    (stream, at): (&str, usize),
    text: &str,
) -> rusqlite::Result<bool> {
    let last: Option<i64> = transaction
        .query_row("SELECT max(at) FROM entries WHERE stream = ?1", [stream], |row| row.get(0))
        .optional()?
        .flatten();
    let next = last.map_or(0, |last| last + 1);
    if usize::try_from(next).ok() != Some(at) {
        return Ok(false);
    }
    let values = rusqlite::params![stream, next, text];
    transaction.execute("INSERT INTO entries (stream, at, entry) VALUES (?1, ?2, ?3)", values)?;
    Ok(true)
}

impl SqliteStore {
    /// An entry as it is written, if it is not too long.
    pub(crate) fn text_of(&self, stream: &str, entry: &Value) -> Result<String, StoreError> {
        let text = entry.to_string();
        if text.len() > ENTRY_BYTES_MAX {
            return Err(self.unusable(format!("an entry of `{stream}` has more than {ENTRY_BYTES_MAX} bytes")));
        }
        Ok(text)
    }
}

impl Store for SqliteStore {
    fn append(&self, stream: &str, at: usize, entry: &Value) -> Result<(), StoreError> {
        let text = self.text_of(stream, entry)?;
        let is_next = self.with(|connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let is_next = append_within(&transaction, (stream, at), &text)?;
            transaction.commit()?;
            Ok(is_next)
        })?;
        if is_next { Ok(()) } else { Err(StoreError::Conflict { stream: stream.to_owned() }) }
    }

    fn entries(&self, stream: &str) -> Result<Vec<Value>, StoreError> {
        let texts = self.with(|connection| {
            let mut statement = connection.prepare("SELECT entry FROM entries WHERE stream = ?1 ORDER BY at")?;
            let rows = statement.query_map([stream], |row| row.get::<_, String>(0))?;
            rows.collect::<rusqlite::Result<Vec<String>>>()
        })?;
        let parsed = |text: String| {
            serde_json::from_str(&text).map_err(|error| self.unusable(format!("an entry of `{stream}`: {error}")))
        };
        texts.into_iter().map(parsed).collect()
    }

    fn streams(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let all = self.with(|connection| {
            let mut statement = connection.prepare("SELECT DISTINCT stream FROM entries ORDER BY stream")?;
            let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
            rows.collect::<rusqlite::Result<Vec<String>>>()
        })?;
        Ok(all.into_iter().filter(|stream| stream.starts_with(prefix)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_made_durable_at_each_commit() {
        let folder = std::env::temp_dir().join(format!("breakglass-durable-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        let store = SqliteStore::open(&folder).unwrap();
        let values = |store: &SqliteStore| {
            let value =
                |connection: &Connection, name: &str| connection.pragma_query_value(None, name, |row| row.get(0));
            let read = |connection: &mut Connection| -> rusqlite::Result<[i64; 3]> {
                let numbers = ["synchronous", "fullfsync", "checkpoint_fullfsync"].map(|name| value(connection, name));
                let [synchronous, full, checkpoint] = numbers;
                Ok([synchronous?, full?, checkpoint?])
            };
            store.with(read).unwrap()
        };
        let journal = |store: &SqliteStore| {
            let read =
                |one: &mut Connection| one.pragma_query_value(None, "journal_mode", |row| row.get::<_, String>(0));
            store.with(read).unwrap()
        };
        // As it is made, and as it is opened again.
        for store in [store, SqliteStore::open(&folder).unwrap()] {
            assert_eq!(values(&store), [SYNCHRONOUS_FULL, 1, 1]);
            assert_eq!(journal(&store), "wal");
        }
        // One in memory has no log that is written ahead.
        let connection = Connection::open_in_memory().unwrap();
        assert!(is_durable(&connection).unwrap_err().to_string().contains("loss of power"));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn want_of_room_is_told_from_a_disk_that_fails() {
        let failed = |code| rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
        let is_full = |error: StoreError| matches!(error, StoreError::Full { .. });
        // There is room here.
        let path = std::env::temp_dir().join(FILE_NAME);
        for (code, wanted) in [
            (rusqlite::ffi::SQLITE_FULL, true),
            (rusqlite::ffi::SQLITE_IOERR_SHMSIZE, false),
            (rusqlite::ffi::SQLITE_CANTOPEN, false),
            (rusqlite::ffi::SQLITE_BUSY, false),
        ] {
            assert_eq!(is_full(refused_by_sqlite(&path, &failed(code))), wanted, "{code}");
        }
        for (kind, wanted) in [
            (io::ErrorKind::StorageFull, true),
            (io::ErrorKind::QuotaExceeded, true),
            (io::ErrorKind::PermissionDenied, false),
        ] {
            assert_eq!(is_full(refused_by_system(&path, &kind.into())), wanted, "{kind}");
        }
        let said = refused_by_sqlite(&path, &failed(rusqlite::ffi::SQLITE_FULL)).to_string();
        assert!(said.contains("no room is left on the disk") && said.contains("make room there"), "{said}");
    }
}
