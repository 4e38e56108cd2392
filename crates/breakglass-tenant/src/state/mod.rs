//! What the tenant knows: Graph's objects by resource, secrets, open sessions. In memory for reading; every change is
//! in the database before it is seen.
//!
//! **Invariant:** a change is whole or not there, with the records of the directory audit that tell of it, after a crash
//! as well.

mod activity;
mod database;
mod notices;
mod records;
mod shelf;
mod writing;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Mutex, OnceLock, RwLock, RwLockReadGuard};

use breakglass_model::snapshot::{Resource, SnapshotBuilder};
use breakglass_model::strength::Modes;
use jiff::Timestamp;
use serde_json::{Map, Value};
use tokio::sync::Notify;

use self::database::Database;
pub use self::database::StateError;
pub(crate) use self::records::Wanted;
pub(crate) use self::shelf::{Revision, Shelf};
pub(crate) use self::writing::Writing;
use crate::export::files::Files;
use crate::export::{Destination as _, Exported};
use crate::jwt::SigningKey;
use crate::keys::DatedKey;
use crate::secret::Hashed;

/// A Graph object.
pub(crate) type Object = Map<String, Value>;

/// What is checked when somebody or something proves who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Secret {
    /// Whose: the id of a user or an application.
    pub(crate) owner: String,
    /// Its own id; `password` for a user's.
    pub(crate) id: String,
    pub(crate) hashed: Hashed,
    /// Until when it is good.
    pub(crate) until: Option<Timestamp>,
}

/// The id of a user's password among the secrets.
pub(crate) const PASSWORD: &str = "password";

/// When somebody showed what they showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shown {
    /// The first proof.
    pub(crate) first: Timestamp,
    /// The last one.
    pub(crate) last: Timestamp,
}

impl Shown {
    /// Everything at one instant.
    pub(crate) const fn at(instant: Timestamp) -> Self {
        Self { first: instant, last: instant }
    }
}

/// A session that a refresh token carries on, or a browser's cookie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) user: String,
    /// The application; empty for a browser.
    pub(crate) client: String,
    /// What the user showed.
    pub(crate) modes: Modes,
    /// Whether it was begun by a code that was typed in on another device.
    pub(crate) is_device_code: bool,
    /// Whether it is one of a page in the browser, whose end stands.
    pub(crate) is_single_page: bool,
    /// Whether the application proved itself when it was begun, and has to do so to carry it on.
    pub(crate) is_confidential: bool,
    /// What was asked for, which is asked for again where a client does not say.
    pub(crate) scope: String,
    /// When the user showed it.
    pub(crate) shown: Shown,
    /// When this token was issued.
    pub(crate) begun: Timestamp,
    pub(crate) until: Timestamp,
}

/// Everything, as it is read.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    objects: BTreeMap<Resource, BTreeMap<String, Object>>,
    /// What every user's sign-in is decided by, worked out when it is needed; forgotten when it may be another.
    pub(crate) of_everybody: OnceLock<SnapshotBuilder>,
    /// Ids of users by sign-in name in lower case.
    users_by_name: BTreeMap<String, String>,
    secrets: BTreeMap<String, Vec<Secret>>,
    /// By the SHA-256 of the refresh token, in hexadecimal digits.
    sessions: BTreeMap<String, Session>,
    /// The same digests by when their time is over.
    session_ends: BTreeSet<(Timestamp, String)>,
    shelves: BTreeMap<Shelf, BTreeMap<String, Object>>,
    /// What was changed since the state was opened.
    revisions: BTreeMap<(Resource, String), (u64, Revision)>,
    /// Who came to groups and units, or went, since then.
    member_revisions: BTreeMap<(Resource, String), shelf::MemberRevisions>,
    revision: u64,
    /// Tells the numbers of these changes from those after another start.
    epoch: String,
    /// How often a notification was queued since then.
    notices: u64,
}

impl Directory {
    /// An object by its id, in any case.
    pub(crate) fn object(&self, resource: Resource, id: &str) -> Option<&Object> {
        self.objects.get(&resource)?.get(&id.to_ascii_lowercase())
    }

    /// All objects of a resource, by id.
    pub(crate) fn all(&self, resource: Resource) -> impl Iterator<Item = &Object> {
        self.objects.get(&resource).into_iter().flat_map(BTreeMap::values)
    }

    /// How many objects of a resource there are.
    pub(crate) fn count(&self, resource: Resource) -> usize {
        self.objects.get(&resource).map_or(0, BTreeMap::len)
    }

    /// The only object of a resource that has but one.
    pub(crate) fn single(&self, resource: Resource) -> Option<&Object> {
        self.all(resource).next()
    }

    /// A user by id or sign-in name.
    pub(crate) fn user(&self, name: &str) -> Option<&Object> {
        let id = self.users_by_name.get(&name.to_lowercase()).map_or(name, String::as_str);
        self.object(Resource::Users, id)
    }

    /// A user by sign-in name alone.
    pub(crate) fn user_by_name(&self, name: &str) -> Option<&Object> {
        self.object(Resource::Users, self.users_by_name.get(&name.to_lowercase())?)
    }

    /// A device by one of its ids.
    pub(crate) fn device(&self, id: &str) -> Option<&Object> {
        let is_it = |device: &&Object| text(device, "deviceId").is_some_and(|own| own.eq_ignore_ascii_case(id));
        self.object(Resource::Devices, id).or_else(|| self.all(Resource::Devices).find(is_it))
    }

    /// Every refresh token and cookie whose time is over.
    pub(crate) fn sessions_over(&self, now: Timestamp) -> Vec<String> {
        let over = self.session_ends.iter().take_while(|(until, _)| *until <= now);
        over.map(|(_, digest)| digest.clone()).collect()
    }

    /// The secrets of somebody.
    pub(crate) fn secrets(&self, owner: &str) -> &[Secret] {
        self.secrets.get(&owner.to_ascii_lowercase()).map_or(&[], Vec::as_slice)
    }

    /// The session of a refresh token.
    pub(crate) fn session(&self, digest: &str) -> Option<&Session> {
        self.sessions.get(digest)
    }

    fn apply(&mut self, change: Change) {
        match change {
            Change::Put(resource, object) => {
                let Some(id) = id_of(&object) else { return };
                self.forget_of_everybody(resource);
                let old = self.remove(resource, &id);
                self.note((resource, &id), Revision::Put);
                self.note_members((resource, &id), old.as_ref(), &object);
                if resource == Resource::Users
                    && let Some(name) = text(&object, "userPrincipalName")
                {
                    self.users_by_name.insert(name.to_lowercase(), id.clone());
                }
                self.objects.entry(resource).or_default().insert(id, object);
            }
            Change::Remove(resource, id) => {
                let id = id.to_ascii_lowercase();
                self.forget_of_everybody(resource);
                drop(self.remove(resource, &id));
                self.note((resource, &id), Revision::Removed);
            }
            Change::Shelve(shelf, name, object) => {
                self.notices += u64::from(shelf == Shelf::ChangeNotifications);
                self.shelves.entry(shelf).or_default().insert(shelf.key(&name), object);
            }
            Change::Unshelve(shelf, name) => {
                if let Some(objects) = self.shelves.get_mut(&shelf) {
                    objects.remove(&shelf.key(&name));
                }
            }
            Change::PutSecret(secret) => {
                let secrets = self.secrets.entry(secret.owner.to_ascii_lowercase()).or_default();
                secrets.retain(|known| known.id != secret.id);
                secrets.push(secret);
            }
            Change::RemoveSecrets(owner) => {
                self.secrets.remove(&owner.to_ascii_lowercase());
            }
            Change::RemoveSecret(owner, id) => {
                if let Some(secrets) = self.secrets.get_mut(&owner.to_ascii_lowercase()) {
                    secrets.retain(|known| known.id != id);
                }
            }
            Change::PutSession(digest, session) => {
                let until = session.until;
                if let Some(known) = self.sessions.insert(digest.clone(), session) {
                    self.session_ends.remove(&(known.until, digest.clone()));
                }
                self.session_ends.insert((until, digest));
            }
            Change::RemoveSession(digest) => {
                if let Some(known) = self.sessions.remove(&digest) {
                    self.session_ends.remove(&(known.until, digest));
                }
            }
        }
    }

    fn forget_of_everybody(&mut self, resource: Resource) {
        if !matches!(resource, Resource::Users | Resource::Groups | Resource::Devices) {
            self.of_everybody = OnceLock::new();
        }
    }

    fn remove(&mut self, resource: Resource, id: &str) -> Option<Object> {
        let removed = self.objects.get_mut(&resource).and_then(|objects| objects.remove(id));
        if resource == Resource::Users
            && let Some(name) = removed.as_ref().and_then(|user| text(user, "userPrincipalName"))
        {
            self.users_by_name.remove(&name.to_lowercase());
        }
        removed
    }
}

/// One change of the state.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    /// An object is new, or another.
    Put(Resource, Object),
    /// An object is gone.
    Remove(Resource, String),
    /// The same of what is no resource of a snapshot, under a name; its id, where it has one.
    Shelve(Shelf, String, Object),
    Unshelve(Shelf, String),
    PutSecret(Secret),
    RemoveSecrets(String),
    /// One of the secrets of an owner.
    RemoveSecret(String, String),
    PutSession(String, Session),
    RemoveSession(String),
}

/// A record of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Log {
    SignIns,
    DirectoryAudits,
    /// Text messages and notifications that were sent.
    Outbox,
}

/// The state of a tenant.
#[derive(Debug)]
pub(crate) struct State {
    directory: RwLock<Directory>,
    /// One change at a time; whoever reads need not wait for the disk.
    writing: Mutex<()>,
    database: Database,
    /// Files that each record is written into as well, and the id of the tenant that they are about.
    files: Option<(Files, String)>,
    /// Something was logged.
    logged: Notify,
    /// Told when there are notifications to deliver.
    pub(crate) noticed: Notify,
}

impl State {
    /// Opens the state in a folder, or begins one there.
    pub(crate) fn open(folder: &Path) -> Result<Self, StateError> {
        let database = Database::open(folder)?;
        let mut directory = Directory::default();
        for change in database.everything()? {
            directory.apply(change);
        }
        directory.forget_revisions(crate::random::uuid().unwrap_or_default());
        Ok(Self {
            directory: RwLock::new(directory),
            writing: Mutex::new(()),
            database,
            files: None,
            logged: Notify::new(),
            noticed: Notify::new(),
        })
    }

    /// Writes each record of a log into files as well, as a diagnostic setting of a tenant does.
    pub(crate) fn export_to(&mut self, folder: &Path, tenant: &str) {
        self.files = Some((Files::new(folder, tenant), tenant.to_owned()));
    }

    /// What there is to read.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Directory> {
        // Nothing in here panics while it holds the lock; if it did, what was committed is still whole.
        self.directory.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Writes a record into a log. It is in its file as well, if there are files, before whoever caused it is answered.
    pub(crate) fn log(&self, log: Log, record: &Object) -> Result<(), StateError> {
        self.database.log(log, record)?;
        if let Some(user) = activity::user_of(log, record) {
            let mut directory = self.directory.write().unwrap_or_else(std::sync::PoisonError::into_inner);
            directory.note_sign_in(user, record);
        }
        self.tell_elsewhere(log, record)
    }

    /// Takes a record that is in its log to where logs are exported.
    fn tell_elsewhere(&self, log: Log, record: &Object) -> Result<(), StateError> {
        self.logged.notify_one();
        let Some((files, tenant)) = &self.files else { return Ok(()) };
        Ok(files.deliver(Exported::of(tenant, log, record).as_slice())?)
    }

    /// Waits until something is logged, or was since it was asked last. One may wait.
    pub(crate) async fn logged(&self) {
        self.logged.notified().await;
    }

    /// The number of the newest record of all logs; 0 if there is none.
    pub(crate) fn newest_number(&self) -> Result<i64, StateError> {
        self.database.newest_number()
    }

    /// Records of all logs behind one of them, in the order in which they were written.
    pub(crate) fn records_after(&self, number: i64, count_max: usize) -> Result<Vec<(i64, Log, Object)>, StateError> {
        self.database.records_after(number, count_max)
    }

    /// The records of a log, the newest first.
    pub(crate) fn records(&self, log: Log, count_max: usize) -> Result<Vec<Object>, StateError> {
        let records = self.records_like(&Wanted::all_of(log), count_max)?;
        Ok(records.into_iter().map(|(_, record)| record).collect())
    }

    /// Records that are wanted, the newest first, each with its number in all logs.
    pub(crate) fn records_like(&self, wanted: &Wanted<'_>, count_max: usize) -> Result<Vec<(i64, Object)>, StateError> {
        self.database.records_like(wanted, count_max)
    }

    /// When what a record tells happened, as it is written; `None` if there is no such record any more.
    pub(crate) fn record_time(&self, number: i64) -> Result<Option<String>, StateError> {
        self.database.record_time(number)
    }

    /// Deletes the oldest records of a log that are of before an instant, at most so many; how many there were. Records
    /// from a number on stay, and so does the newest record of all: numbers are never given out twice.
    pub(crate) fn forget_records(
        &self,
        (log, before): (Log, &str),
        from_number: Option<i64>,
        count_max: usize,
    ) -> Result<usize, StateError> {
        self.database.forget_records((log, before), from_number, count_max)
    }

    /// The keys that sign tokens.
    pub(crate) fn signing_keys(&self) -> Result<Vec<DatedKey>, StateError> {
        self.database.signing_keys()
    }

    /// Keeps one more.
    pub(crate) fn keep_signing_key(&self, key: &SigningKey, from: Timestamp) -> Result<(), StateError> {
        self.database.keep_signing_key(key, from)
    }
}

/// The id of an object, in lower case.
pub(crate) fn id_of(object: &Object) -> Option<String> {
    text(object, "id").map(str::to_ascii_lowercase)
}

/// A text of an object.
pub(crate) fn text<'o>(object: &'o Object, name: &str) -> Option<&'o str> {
    object.get(name)?.as_str()
}
