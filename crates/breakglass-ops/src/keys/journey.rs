//! Registering a security key that is plugged in, and taking one out of the tenant, over ports.
//!
//! The key makes a credential with options of the tenant's; its id is written down, and then it is sent. A journey that was
//! stopped anywhere after that is settled by the next: the tenant has a method with that id, or its options have timed out
//! and it never will.
//! **Invariant:** no credential is sent that is not written down; the account itself is never signed in. The PIN goes to
//! the key and nowhere else.
//! **Limits:** [`LATE_MINUTES`], [`LOOK_SECONDS`], and those of [`super::record`].

use std::borrow::Cow;
use std::time::Duration;

use breakglass_custody::password::Password;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::options::{Options, aa_guid, credential, is_method};
use super::record::{Course, Entry, EntryError, check_id};
use crate::journal::{LineError, check_line};
use crate::ports::{
    Clock, Directory, DirectoryError, GraphRequest, Method as Verb, Repeat, SecurityKey, SecurityKeyError, SignedInAs,
    Store, StoreError,
};
use breakglass_custody::name::Name;

/// Minutes after its options have timed out in which a credential that was taken may still not be seen: copies of the
/// directory learn of it one after the other, and clocks differ. Entra publishes no bound; this is an assumption.
pub const LATE_MINUTES: i64 = 15;

/// Seconds before each look whether a credential was taken that nobody confirmed.
pub const LOOK_SECONDS: [u64; 3] = [0, 5, 15];

/// Where the records of keys are kept, and behind it the id of the account.
pub const STREAM: &str = "keys/";

/// A passkey that the tenant has for an account.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Method {
    /// Its id.
    pub id: String,
    /// Its name.
    pub display_name: Option<String>,
    /// The model, by its number.
    pub aa_guid: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// When it was registered.
    pub created_date_time: Option<String>,
}

#[derive(Deserialize)]
struct Page {
    value: Vec<Method>,
    #[serde(rename = "@odata.nextLink")]
    next_link: Option<String>,
}

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The tenant is asked which passkeys the account has.
    Look,
    /// The key makes a credential: somebody has to touch it.
    Touch,
    /// The tenant is sent the credential.
    Send,
    /// It is looked whether the tenant has taken it.
    Confirm,
}

/// Why a key is not registered, or not removed.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The account itself is signed in.
    #[error("`{0}` is signed in, and somebody else has to register keys of an emergency account or take them away")]
    Oneself(String),
    /// Nobody is, or it cannot be told who.
    #[error("it cannot be told who is signed in")]
    NotSignedIn(#[source] DirectoryError),
    /// What was written down makes no sense.
    #[error("what is remembered of the keys of `{account}` cannot be used: {why}")]
    Record {
        /// The account.
        account: String,
        /// Why.
        why: String,
    },
    /// It cannot be written down.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The ledger could not take it.
    #[error(transparent)]
    Line(#[from] LineError),
    /// It cannot be done with this key as things stand.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// The tenant did not answer, or said no: nothing has changed.
    #[error("the tenant did not {what}")]
    Directory {
        /// What it was to do.
        what: &'static str,
        /// What it said.
        #[source]
        source: DirectoryError,
    },
    /// The options make no sense.
    #[error("what the tenant wants the key to make is not understood: {0}")]
    Options(String),
    /// The key does not do it.
    #[error(transparent)]
    SecurityKey(#[from] SecurityKeyError),
    /// It may be registered.
    #[error(
        "it is not known whether the tenant has the key `{key}`: the same again finds out, at the latest after {until}; until \
         then the account may have a key that nobody should lose"
    )]
    Undecided {
        /// Which.
        key: Name,
        /// When it is certain that it has not.
        until: Timestamp,
    },
    /// It is the last.
    #[error("`{0}` is the last key with which somebody can sign in as this account")]
    Last(Name),
}

/// A key that is in the tenant. Whether it signs in is not proved by this: a drill proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// Its method.
    pub method: String,
    /// Whether it was there already, from a journey that was stopped.
    pub was_there: bool,
}

/// How the tenant and what is written down differ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// What the tenant has and is not written down: somebody else's key, for all that anybody knows.
    pub unknown: Vec<Method>,
    /// What is written down as registered and is not in the tenant.
    pub missing: Vec<Name>,
}

/// Compares what is written down with what the tenant has.
#[must_use]
pub fn difference(course: &Course, methods: &[Method]) -> Difference {
    let is_known = |method: &&Method| {
        course.keys().any(|key| {
            let attempt = key.attempt.as_ref().is_some_and(|(credential, _)| is_method(&method.id, credential));
            attempt || key.noted.method.as_deref() == Some(method.id.as_str())
        })
    };
    let is_there = |id: &str| methods.iter().any(|method| method.id == id);
    let missing = course.keys().filter(|key| key.noted.method.as_deref().is_some_and(|id| !is_there(id)));
    Difference {
        unknown: methods.iter().filter(|method| !is_known(method)).cloned().collect(),
        missing: missing.map(|key| key.noted.key.clone()).collect(),
    }
}

/// What is remembered of the keys of an account, and how many entries that is.
///
/// # Errors
/// It cannot be read, or makes no sense.
pub fn course_of(store: &dyn Store, account: &str) -> Result<(Course, usize), KeyError> {
    let record = |why: String| KeyError::Record { account: account.to_owned(), why };
    let entries = store.entries(&stream_of(account))?;
    let parsed: Result<Vec<Entry>, _> = entries.iter().map(Entry::deserialize).collect();
    let course = Course::of(&parsed.map_err(|error| record(error.to_string()))?);
    Ok((course.map_err(|error| record(error.to_string()))?, entries.len()))
}

/// Writes an entry down, if it can follow those that are there; the keys as they stand then.
///
/// # Errors
/// It cannot follow, or cannot be kept. Nothing has changed then.
pub fn note(store: &dyn Store, account: &str, entry: &Entry) -> Result<Course, KeyError> {
    let (mut course, length) = course_of(store, account)?;
    course.add(entry)?;
    let record = |why: String| KeyError::Record { account: account.to_owned(), why };
    let value = serde_json::to_value(entry).map_err(|error| record(error.to_string()))?;
    check_line((&stream_of(account), length), &value)?;
    store.append(&stream_of(account), length, &value)?;
    Ok(course)
}

fn stream_of(account: &str) -> String {
    format!("{STREAM}{}", account.to_ascii_lowercase())
}

/// What keys are registered and removed with.
#[derive(Clone, Copy)]
pub struct Registrar<'a> {
    /// The tenant, as the person who is signed in.
    pub directory: &'a dyn Directory,
    /// What was done so far.
    pub store: &'a dyn Store,
    /// The time.
    pub clock: &'a dyn Clock,
    /// Who is told what is done next.
    pub tell: &'a (dyn Fn(Step) + Sync),
}

/// A key that is plugged in.
#[derive(Clone, Copy)]
pub struct PluggedIn<'a> {
    /// The key.
    pub security_key: &'a dyn SecurityKey,
    /// Its PIN.
    pub pin: &'a Password,
    /// The port of the sign-in page, where it is none of the usual.
    pub port: Option<u16>,
}

impl Registrar<'_> {
    /// The passkeys that the tenant has for an account.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn methods(&self, account: &str) -> Result<Vec<Method>, KeyError> {
        let failed = |source| KeyError::Directory { what: "say which passkeys the account has", source };
        let request = GraphRequest::get(methods_of(account));
        let answer = self.directory.send(&request).await.map_err(failed)?;
        let page: Page = answer.json().map_err(failed)?;
        if page.next_link.is_some() {
            let why = "an account has more passkeys than fit into one answer".to_owned();
            return Err(failed(DirectoryError::Malformed { why }));
        }
        Ok(page.value)
    }

    /// Finds out how journeys ended that were stopped, and writes it down.
    ///
    /// # Errors
    /// The tenant does not answer, or it cannot be written down.
    pub async fn settle(&self, account: &str) -> Result<Course, KeyError> {
        (self.tell)(Step::Look);
        let (mut course, _) = course_of(self.store, account)?;
        let open: Vec<_> =
            course.keys().filter_map(|key| Some((key.noted.key.clone(), key.attempt.clone()?))).collect();
        if open.is_empty() {
            return Ok(course);
        }
        let asked_at = self.clock.now();
        let methods = self.methods(account).await?;
        for (key, (credential, until)) in open {
            let at = self.clock.now();
            let entry = match methods.iter().find(|method| is_method(&method.id, &credential)) {
                Some(method) => Entry::Registered { key, method: method.id.clone(), at },
                None if asked_at > late(until) => Entry::NotRegistered { key, at },
                None => continue,
            };
            course = note(self.store, account, &entry)?;
        }
        Ok(course)
    }

    /// Registers a key that is written down and plugged in, or finds out that it is registered.
    ///
    /// # Errors
    /// Whatever it is, the same again goes on.
    pub async fn register(&self, account: &str, key: &Name, plugged: PluggedIn<'_>) -> Result<Registered, KeyError> {
        self.is_somebody_else(account).await?;
        let before = course_of(self.store, account)?.0;
        let course = self.settle(account).await?;
        let found = course.key(key).ok_or_else(|| EntryError::Unknown(key.clone()))?;
        if let Some((_, until)) = &found.attempt {
            return Err(KeyError::Undecided { key: key.clone(), until: late(*until) });
        }
        if let Some(method) = &found.noted.method {
            let was_undecided = before.key(key).is_some_and(|key| key.attempt.is_some());
            let method = method.clone();
            let known = EntryError::Registered(key.clone());
            return if was_undecided { Ok(Registered { method, was_there: true }) } else { Err(known.into()) };
        }
        let options = self.options(account, plugged.port).await?;
        (self.tell)(Step::Touch);
        let made = plugged.security_key.make(&options.request, plugged.pin).await?;
        let (credential, aa_guid, at) = (credential(&made), aa_guid(&made.aa_guid), self.clock.now());
        let (until, key) = (options.until, key.clone());
        let name = found.noted.model.as_deref().map_or_else(|| key.to_string(), |model| format!("{model} {key}"));
        let sending = Entry::Registering { key: key.clone(), credential: credential.clone(), aa_guid, until, at };
        note(self.store, account, &sending)?;
        self.send(account, (&key, &credential, until), &options.body(&made, &name)).await
    }

    async fn options(&self, account: &str, port: Option<u16>) -> Result<Options, KeyError> {
        let request = GraphRequest::get(format!("{}/creationOptions()", methods_of(account)));
        let failed = |source| KeyError::Directory { what: "say what a key is to make", source };
        let answer = self.directory.send(&request).await.map_err(failed)?;
        let value: Value = answer.json().map_err(failed)?;
        Options::read(&value, port).map_err(KeyError::Options)
    }

    async fn send(
        &self,
        account: &str,
        (key, credential, until): (&Name, &str, Timestamp),
        body: &Value,
    ) -> Result<Registered, KeyError> {
        (self.tell)(Step::Send);
        let request = GraphRequest::with_body(Verb::Post, methods_of(account), Cow::Borrowed(body));
        let answer = self.directory.send(&request).await.and_then(|answer| answer.json::<Method>());
        let method = match answer {
            Ok(method) => method.id,
            Err(source) if source.may_be_done() => match self.confirmed(account, credential).await {
                Some(method) => method,
                None => return Err(KeyError::Undecided { key: key.clone(), until: late(until) }),
            },
            Err(source) => {
                note(self.store, account, &Entry::NotRegistered { key: key.clone(), at: self.clock.now() })?;
                return Err(KeyError::Directory { what: "take the key", source });
            }
        };
        let entry = Entry::Registered { key: key.clone(), method: method.clone(), at: self.clock.now() };
        note(self.store, account, &entry)?;
        Ok(Registered { method, was_there: false })
    }

    /// The method that a credential has become, where nobody has confirmed it.
    async fn confirmed(&self, account: &str, credential: &str) -> Option<String> {
        for seconds in LOOK_SECONDS {
            self.clock.sleep(Duration::from_secs(seconds)).await;
            (self.tell)(Step::Confirm);
            let Ok(methods) = self.methods(account).await else { continue };
            if let Some(method) = methods.into_iter().find(|method| is_method(&method.id, credential)) {
                return Some(method.id);
            }
        }
        None
    }

    /// Takes a key out of the tenant and off the list. One that is not in the tenant any more is taken off the list.
    ///
    /// # Errors
    /// It is the last and `is_last_too` is not said, or the tenant does not do it. The same again goes on.
    pub async fn remove(&self, account: &str, key: &Name, is_last_too: bool) -> Result<(), KeyError> {
        self.is_somebody_else(account).await?;
        let course = self.settle(account).await?;
        let found = course.key(key).ok_or_else(|| EntryError::Unknown(key.clone()))?;
        if let Some((_, until)) = &found.attempt {
            return Err(KeyError::Undecided { key: key.clone(), until: late(*until) });
        }
        let is_last = found.is_usable() && course.keys().filter(|key| key.is_usable()).count() == 1;
        if is_last && !is_last_too {
            return Err(KeyError::Last(key.clone()));
        }
        if let Some(method) = &found.noted.method {
            self.remove_method(account, method).await?;
        }
        note(self.store, account, &Entry::Removed { key: key.clone(), at: self.clock.now() })?;
        Ok(())
    }

    /// Takes a method out of the tenant, whatever it is. It is no error if it is gone.
    ///
    /// # Errors
    /// It is no id, or the tenant does not do it.
    pub async fn remove_method(&self, account: &str, method: &str) -> Result<(), KeyError> {
        check_id(method)?;
        (self.tell)(Step::Send);
        let target = format!("{}/{method}", methods_of(account));
        let request = GraphRequest { method: Verb::Delete, repeat: Repeat::Safe, ..GraphRequest::get(target) };
        match self.directory.send(&request).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_not_found() => Ok(()),
            Err(source) => Err(KeyError::Directory { what: "take the key out", source }),
        }
    }

    async fn is_somebody_else(&self, account: &str) -> Result<(), KeyError> {
        let signed_in = self.directory.signed_in().await.map_err(KeyError::NotSignedIn)?;
        match signed_in.who {
            SignedInAs::User { id, user_principal_name } if id.eq_ignore_ascii_case(account) => {
                Err(KeyError::Oneself(user_principal_name))
            }
            SignedInAs::User { .. } | SignedInAs::Application { .. } => Ok(()),
        }
    }
}

fn methods_of(account: &str) -> String {
    format!("/v1.0/users/{account}/authentication/fido2Methods")
}

/// When it is certain that a credential was not taken that nobody has seen.
fn late(until: Timestamp) -> Timestamp {
    until.checked_add(SignedDuration::from_mins(LATE_MINUTES)).unwrap_or(until)
}
