//! The state on disk: SQLite, one transaction for each change.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use breakglass_model::snapshot::Resource;
use breakglass_model::strength::Modes;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{Change, Log, Object, Secret, Session, Shelf, Shown, activity, id_of};
use crate::export::DeliveryError;
use crate::jwt::{SigningKey, TokenError};
use crate::keys::DatedKey;
use crate::secret::Hashed;

/// Name of the file.
pub(super) const FILE_NAME: &str = "tenant.sqlite";
/// How long a change waits for another process to finish its own, milliseconds.
const BUSY_WAIT_MS: u64 = 5_000;
/// What the column `flow` has for a session that a device code began.
const DEVICE_CODE: &str = "deviceCode";
/// What it has for one of a page in the browser.
const SINGLE_PAGE: &str = "singlePage";
/// What it has besides for one of an application that proved itself.
const CONFIDENTIAL: &str = "confidential";
/// The form of the tables.
const VERSION: i64 = 3;

const TABLES: &str = "
    CREATE TABLE object (resource TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (resource, id));
    CREATE TABLE secret (owner TEXT NOT NULL, id TEXT NOT NULL, hash TEXT NOT NULL, until TEXT,
        PRIMARY KEY (owner, id));
    CREATE TABLE session (digest TEXT PRIMARY KEY, user TEXT NOT NULL, client TEXT NOT NULL, modes TEXT NOT NULL,
        flow TEXT NOT NULL, authenticated TEXT NOT NULL, begun TEXT NOT NULL, until TEXT NOT NULL);
    CREATE TABLE signing_key (number INTEGER PRIMARY KEY, pkcs8 BLOB NOT NULL, made TEXT NOT NULL);
    CREATE TABLE record (number INTEGER PRIMARY KEY, log TEXT NOT NULL, body TEXT NOT NULL);
    CREATE INDEX record_by_log ON record (log, number);
";
/// What version 2 has besides.
const TABLES_OF_2: &str = "
    CREATE TABLE thing (shelf TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (shelf, name));
";

/// What version 3 has besides: when the user last showed anything, where that was after the first time.
const TABLES_OF_3: &str = "
    ALTER TABLE session ADD COLUMN shown_last TEXT;
    ALTER TABLE session ADD COLUMN scope TEXT NOT NULL DEFAULT '';
";

/// The state cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The database refuses.
    #[error("the tenant's database cannot be used")]
    Database(#[from] rusqlite::Error),
    /// The file of the database cannot be made, or kept from others.
    #[error("the tenant's database cannot be opened")]
    File(#[source] std::io::Error),
    /// It is of another version.
    #[error("the tenant's database has the form {found}; this version knows the form {VERSION}")]
    Version {
        /// Which.
        found: i64,
    },
    /// What it holds is not what was put there.
    #[error("the tenant's database holds what is not understood: {what}")]
    Malformed {
        /// What.
        what: String,
    },
    /// A record cannot be exported.
    #[error("a record of a log cannot be exported")]
    Export(#[from] DeliveryError),
    /// A signing key cannot be made or read.
    #[error("the tenant's signing key cannot be used")]
    Key(#[from] TokenError),
}

#[derive(Debug)]
pub(super) struct Database {
    connection: Mutex<Connection>,
    /// Records that somebody waits for. Whoever has the connection next writes all of them in one transaction.
    records: Mutex<Vec<Arc<Entry>>>,
}

/// A record that is to be written.
#[derive(Debug)]
struct Entry {
    log: Log,
    body: String,
    /// Whoever signed in, and the record, where it is one of a sign-in.
    signed_in: Option<(String, Object)>,
    is_in: AtomicBool,
}

impl Database {
    pub(super) fn open(folder: &Path) -> Result<Self, StateError> {
        let connection = Connection::open(private(&folder.join(FILE_NAME))?)?;
        connection.busy_timeout(std::time::Duration::from_millis(BUSY_WAIT_MS))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        match found {
            0 => connection.execute_batch(&format!(
                "BEGIN IMMEDIATE; {TABLES}{TABLES_OF_2}{TABLES_OF_3} PRAGMA user_version = {VERSION}; COMMIT;"
            ))?,
            1 => connection.execute_batch(&format!(
                "BEGIN IMMEDIATE; {TABLES_OF_2}{TABLES_OF_3} PRAGMA user_version = {VERSION}; COMMIT;"
            ))?,
            2 => connection
                .execute_batch(&format!("BEGIN IMMEDIATE; {TABLES_OF_3} PRAGMA user_version = {VERSION}; COMMIT;"))?,
            VERSION => {}
            found => return Err(StateError::Version { found }),
        }
        // An index is no other form: whoever does not know it keeps it up to date all the same.
        connection.execute_batch(super::records::INDEX)?;
        Ok(Self { connection: Mutex::new(connection), records: Mutex::default() })
    }

    pub(super) fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Everything that was ever put and not removed, as the changes that put it.
    pub(super) fn everything(&self) -> Result<Vec<Change>, StateError> {
        let connection = self.connection();
        let mut changes = Vec::new();
        let mut objects = connection.prepare("SELECT resource, body FROM object")?;
        for row in objects.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))? {
            let (resource, body) = row?;
            let known = Resource::from_name(&resource).ok_or_else(|| malformed(&resource))?;
            changes.push(Change::Put(known, object(&body)?));
        }
        let mut secrets = connection.prepare("SELECT owner, id, hash, until FROM secret")?;
        let columns = |row: &rusqlite::Row<'_>| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?, row.get(3)?))
        };
        for row in secrets.query_map([], columns)? {
            let (owner, id, hash, until): (_, _, _, Option<String>) = row?;
            let until = until.as_deref().map(instant).transpose()?;
            changes.push(Change::PutSecret(Secret { owner, id, hashed: Hashed::kept(hash), until }));
        }
        let mut sessions = connection.prepare(
            "SELECT digest, user, client, modes, flow, authenticated, coalesce(shown_last, authenticated), begun, \
             until, scope FROM session",
        )?;
        let columns = |row: &rusqlite::Row<'_>| -> rusqlite::Result<[String; 10]> {
            let text = |column: usize| row.get::<_, String>(column);
            Ok([text(0)?, text(1)?, text(2)?, text(3)?, text(4)?, text(5)?, text(6)?, text(7)?, text(8)?, text(9)?])
        };
        for row in sessions.query_map([], columns)? {
            let [digest, user, client, modes, flow, first, last, begun, until, scope] = row?;
            let is = |word: &str| flow.split(' ').any(|known| known == word);
            let session = Session {
                user,
                client,
                modes: Modes::from_graph(&modes).map_err(|mode| malformed(&mode))?,
                is_device_code: is(DEVICE_CODE),
                is_single_page: is(SINGLE_PAGE),
                is_confidential: is(CONFIDENTIAL),
                scope,
                shown: Shown { first: instant(&first)?, last: instant(&last)? },
                begun: instant(&begun)?,
                until: instant(&until)?,
            };
            changes.push(Change::PutSession(digest, session));
        }
        changes.extend(shelved(&connection)?);
        Ok(changes)
    }

    /// Makes changes and writes the records of the directory audit that tell of them: everything or nothing.
    pub(super) fn commit(&self, changes: &[Change], audits: &[Object]) -> Result<(), StateError> {
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        for change in changes {
            make(&transaction, change)?;
        }
        for record in audits {
            record_in(&transaction, Log::DirectoryAudits, &serde_json::Value::Object(record.clone()).to_string())?;
        }
        Ok(transaction.commit()?)
    }

    pub(super) fn log(&self, log: Log, record: &Object) -> Result<(), StateError> {
        let body = serde_json::Value::Object(record.clone()).to_string();
        let signed_in = activity::user_of(log, record).map(|user| (user.to_owned(), record.clone()));
        let own = Arc::new(Entry { log, body, signed_in, is_in: AtomicBool::new(false) });
        let waiting = || self.records.lock().unwrap_or_else(PoisonError::into_inner);
        waiting().push(Arc::clone(&own));
        let mut connection = self.connection();
        if own.is_in.load(Ordering::Acquire) {
            return Ok(());
        }
        let mut all = std::mem::take(&mut *waiting());
        if !all.iter().any(|one| Arc::ptr_eq(one, &own)) {
            all.push(Arc::clone(&own));
        }
        // One that cannot be written fails alone: then each is written by whoever waits for it.
        insert(&mut connection, &all).or_else(|_| insert(&mut connection, &[own]))
    }

    pub(super) fn newest_number(&self) -> Result<i64, StateError> {
        Ok(self.connection().query_row("SELECT COALESCE(MAX(number), 0) FROM record", [], |row| row.get(0))?)
    }

    pub(super) fn records_after(&self, number: i64, count_max: usize) -> Result<Vec<(i64, Log, Object)>, StateError> {
        let connection = self.connection();
        let sql = "SELECT number, log, body FROM record WHERE number > ?1 ORDER BY number LIMIT ?2";
        let mut records = connection.prepare_cached(sql)?;
        let count = i64::try_from(count_max).unwrap_or(i64::MAX);
        let columns = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?));
        let rows = records.query_map(params![number, count], columns)?;
        let understood = |row: rusqlite::Result<(i64, String, String)>| {
            let (number, log, body) = row?;
            let known = [Log::SignIns, Log::DirectoryAudits, Log::Outbox].into_iter().find(|known| name(*known) == log);
            Ok((number, known.ok_or_else(|| malformed(&log))?, object(&body)?))
        };
        rows.map(understood).collect()
    }

    pub(super) fn signing_keys(&self) -> Result<Vec<DatedKey>, StateError> {
        let connection = self.connection();
        let mut kept = connection.prepare("SELECT pkcs8, made FROM signing_key ORDER BY number DESC")?;
        let columns = |row: &rusqlite::Row<'_>| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, String>(1)?));
        let kept = kept.query_map([], columns)?.collect::<Result<Vec<_>, _>>()?;
        let key =
            |(der, from): &(Vec<u8>, String)| Ok(DatedKey { key: SigningKey::from_pkcs8(der)?, from: instant(from)? });
        kept.iter().map(key).collect()
    }

    /// The column `made` has from when on the key signs.
    pub(super) fn keep_signing_key(&self, key: &SigningKey, from: Timestamp) -> Result<(), StateError> {
        let made = params![key.to_pkcs8()?, from.to_string()];
        self.connection().execute("INSERT INTO signing_key (pkcs8, made) VALUES (?1, ?2)", made)?;
        Ok(())
    }
}

/// Writes records in the order in which they came, all or none.
fn insert(connection: &mut Connection, entries: &[Arc<Entry>]) -> Result<(), StateError> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    for entry in entries {
        record_in(&transaction, entry.log, &entry.body)?;
        if let Some((user, record)) = &entry.signed_in {
            let sql = "SELECT body FROM thing WHERE shelf = ?1 AND name = ?2";
            let at = params![Shelf::SignInActivity.name(), Shelf::SignInActivity.key(user)];
            let known = transaction.prepare_cached(sql)?.query_row(at, |row| row.get::<_, String>(0)).optional()?;
            let known = known.as_deref().map(object).transpose()?;
            let activity = activity::after(known.as_ref(), user, record);
            make(&transaction, &Change::shelve(Shelf::SignInActivity, activity))?;
        }
    }
    transaction.commit()?;
    entries.iter().for_each(|entry| entry.is_in.store(true, Ordering::Release));
    Ok(())
}

fn record_in(transaction: &Connection, log: Log, body: &str) -> Result<(), StateError> {
    let sql = "INSERT INTO record (log, body) VALUES (?1, ?2)";
    transaction.prepare_cached(sql)?.execute(params![name(log), body])?;
    Ok(())
}

/// A file that only its owner may read, as it has signing keys and the keys of authenticator apps; what SQLite puts beside
/// it has the same rights.
fn private(path: &Path) -> Result<&Path, StateError> {
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).map_err(StateError::File)?;
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600)).map_err(StateError::File)?;
    drop(file);
    Ok(path)
}

/// What is kept that is no resource of a snapshot.
fn shelved(connection: &Connection) -> Result<Vec<Change>, StateError> {
    let mut kept = connection.prepare("SELECT shelf, name, body FROM thing")?;
    let columns =
        |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?));
    let mut shelved = Vec::new();
    for row in kept.query_map([], columns)? {
        let (shelf, name, body) = row?;
        let known = Shelf::from_name(&shelf).ok_or_else(|| malformed(&shelf))?;
        shelved.push(Change::Shelve(known, name, object(&body)?));
    }
    Ok(shelved)
}

fn make(transaction: &Connection, change: &Change) -> Result<(), StateError> {
    match change {
        Change::Put(resource, object) => {
            let id = id_of(object).ok_or_else(|| malformed("an object without an id"))?;
            let body = serde_json::Value::Object(object.clone()).to_string();
            let sql = "INSERT OR REPLACE INTO object (resource, id, body) VALUES (?1, ?2, ?3)";
            transaction.prepare_cached(sql)?.execute(params![resource.name(), id, body])?;
        }
        Change::Remove(resource, id) => {
            let sql = "DELETE FROM object WHERE resource = ?1 AND id = ?2";
            transaction.prepare_cached(sql)?.execute(params![resource.name(), id.to_ascii_lowercase()])?;
        }
        Change::PutSecret(secret) => {
            let sql = "INSERT OR REPLACE INTO secret (owner, id, hash, until) VALUES (?1, ?2, ?3, ?4)";
            let until = secret.until.map(|until| until.to_string());
            let owner = secret.owner.to_ascii_lowercase();
            transaction.prepare_cached(sql)?.execute(params![owner, secret.id, secret.hashed.to_keep(), until])?;
        }
        Change::RemoveSecrets(owner) => {
            transaction
                .prepare_cached("DELETE FROM secret WHERE owner = ?1")?
                .execute(params![owner.to_ascii_lowercase()])?;
        }
        Change::RemoveSecret(owner, id) => {
            let sql = "DELETE FROM secret WHERE owner = ?1 AND id = ?2";
            transaction.prepare_cached(sql)?.execute(params![owner.to_ascii_lowercase(), id])?;
        }
        Change::PutSession(digest, session) => {
            let sql = "INSERT OR REPLACE INTO session (digest, user, client, modes, flow, authenticated, begun, \
                       until, shown_last, scope) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
            let Session { user, client, modes, shown, begun, until, .. } = session;
            let flow = [
                (session.is_device_code, DEVICE_CODE),
                (session.is_single_page, SINGLE_PAGE),
                (session.is_confidential, CONFIDENTIAL),
            ];
            let flow = flow.iter().filter(|(is, _)| *is).map(|(_, word)| *word).collect::<Vec<_>>().join(" ");
            let [first, last, begun, until] = [&shown.first, &shown.last, begun, until].map(ToString::to_string);
            let columns =
                params![digest, user, client, modes.to_string(), flow, first, begun, until, last, session.scope];
            transaction.prepare_cached(sql)?.execute(columns)?;
        }
        Change::RemoveSession(digest) => {
            transaction.prepare_cached("DELETE FROM session WHERE digest = ?1")?.execute(params![digest])?;
        }
        Change::Shelve(shelf, name, object) => {
            if name.is_empty() {
                return Err(malformed("something without a name"));
            }
            let body = serde_json::Value::Object(object.clone()).to_string();
            let sql = "INSERT OR REPLACE INTO thing (shelf, name, body) VALUES (?1, ?2, ?3)";
            transaction.prepare_cached(sql)?.execute(params![shelf.name(), shelf.key(name), body])?;
        }
        Change::Unshelve(shelf, name) => {
            let sql = "DELETE FROM thing WHERE shelf = ?1 AND name = ?2";
            transaction.prepare_cached(sql)?.execute(params![shelf.name(), shelf.key(name)])?;
        }
    }
    Ok(())
}

pub(super) const fn name(log: Log) -> &'static str {
    match log {
        Log::SignIns => "signIns",
        Log::DirectoryAudits => "directoryAudits",
        Log::Outbox => "outbox",
    }
}

pub(super) fn object(body: &str) -> Result<Object, StateError> {
    serde_json::from_str(body).map_err(|error| malformed(&error.to_string()))
}

fn instant(text: &str) -> Result<Timestamp, StateError> {
    text.parse().map_err(|_| malformed(text))
}

fn malformed(what: &str) -> StateError {
    StateError::Malformed { what: what.to_owned() }
}
