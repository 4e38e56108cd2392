//! A rotation over ports: what [`super::machine`] says is done, noted and told.
//!
//! **Invariant:** the password is in this process alone, for as long as the journey, and in no note, error or entry. The
//! tenant is changed by the person who is signed in, who is never the account itself.
//! **Limits:** those of [`super::machine`], [`PROOF_SECONDS`].

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;

use breakglass_custody::document::{Account, CredentialKind, Document, EnvelopeId, Label};
use breakglass_custody::name::Name;
use breakglass_custody::password::{LENGTH_CHARS_USUAL, Password};
use breakglass_custody::sealed::{SealTo, seal};
use breakglass_custody::signed_set::SignedSet;
use breakglass_custody::signing::SigningKey;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::correlation::correlation_id;
use super::leave::CLOCK_SECONDS_MAX;
use super::machine::{Answer, Outcome, Rotation, Step, Stop};
use super::record::{Course, Entry, PROBE_MINUTES};
use super::settling::last_change;
use crate::ports::{
    Clock, Depository, Directory, DirectoryError, GraphRequest, Method, Proof, Proving, Random, Repeat, SecretValue,
    SignedInAs, Store, StoreError,
};

/// Seconds before each sign-in that is to prove a password: copies of the directory learn of it one after the other.
pub const PROOF_SECONDS: [u64; 5] = [0, 5, 15, 30, 60];

/// Times that the directory is asked after a proof when the password was changed, and seconds before each but the first.
const CHANGE_COUNT_MAX: usize = 3;
const CHANGE_SECONDS: u64 = 5;

/// Sign-ins within [`PROBE_MINUTES`] that failed, over all runs, after which none is tried: the directory locks an account
/// after ten, for everybody.
pub const PROBE_COUNT_MAX: usize = 8;

/// Where the password is in the body of a request.
const PASSWORD: &str = "/passwordProfile/password";

/// Where the records of rotations are kept, and behind it the id of the account.
pub const STREAM: &str = "rotation/";

/// What Graph says where the policy for passwords does not take one, in lower case.
///
/// **Source:** answers of Graph to `PATCH /users/{id}`: "The specified password does not comply with password complexity
/// requirements".
const BY_POLICY: &str = "password complexity";

/// What a rotation is made with.
#[derive(Clone, Copy)]
pub struct Rotator<'a> {
    /// The tenant, as the person who is signed in.
    pub directory: &'a dyn Directory,
    /// Whoever signs in with the new password.
    pub proving: &'a dyn Proving,
    /// Where sealed documents are kept.
    pub depository: &'a dyn Depository,
    /// What was done so far.
    pub store: &'a dyn Store,
    /// The time.
    pub clock: &'a dyn Clock,
    /// Randomness.
    pub random: &'a dyn Random,
    /// Who is told what is done next.
    pub tell: &'a (dyn Fn(&Step) + Sync),
    /// Whether another is sent although [`UNPROVED_COUNT_MAX`](super::record::UNPROVED_COUNT_MAX) were sent without a proof.
    pub is_despite_unproved: bool,
    /// Whether an application may do it, because somebody has declared that; without that, a person has to be signed in.
    pub is_application_allowed: bool,
}

/// Whose password it is, and to whom it is sealed.
#[derive(Clone, Copy)]
pub struct Sealing<'a> {
    /// The account.
    pub account: &'a Account,
    /// The set of shares that opens it. Whoever calls knows that it may be sealed to.
    pub set: &'a SignedSet,
    /// The reserve that opens it as well, if there is one.
    pub reserve: Option<&'a SignedSet>,
    /// The operator's key.
    pub operator: &'a SigningKey,
}

/// Why a rotation does not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    /// The account itself is signed in.
    #[error("`{0}` is signed in, and an account does not rotate its own password: nobody could go on if it were lost")]
    Oneself(String),
    /// No person is signed in.
    #[error("the application `{0}` is signed in, and a password is changed by a person who answers for it")]
    Application(String),
    /// Nobody is, or it cannot be told who.
    #[error("it cannot be told who is signed in")]
    NotSignedIn(#[source] DirectoryError),
    /// What was done before is not to be read, or makes no sense.
    #[error("what is remembered of the rotations of `{account}` cannot be used: {why}")]
    Record {
        /// The account.
        account: String,
        /// Why.
        why: String,
    },
    /// It stopped.
    #[error("{stop}")]
    Stopped {
        /// Where.
        stop: Stop,
        /// What was said by whoever did not do it, in words without secrets.
        why: Vec<String>,
    },
}

/// How a rotation ended well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// The document that is to be opened from now on.
    pub document: Name,
}

/// What is remembered of the rotations of an account.
///
/// # Errors
/// It cannot be read, or makes no sense.
pub fn course_of(store: &dyn Store, account: &str) -> Result<(Course, usize), RotationError> {
    let record = |why: String| RotationError::Record { account: account.to_owned(), why };
    let entries = store.entries(&stream_of(account)).map_err(|error| record(error.to_string()))?;
    let read = |value: &Value| serde_json::from_value::<Entry>(value.clone());
    let parsed: Result<Vec<Entry>, _> = entries.iter().map(read).collect();
    let parsed = parsed.map_err(|error| record(error.to_string()))?;
    let course = Course::of(&parsed).map_err(|error| record(error.to_string()))?;
    Ok((course, entries.len()))
}

/// Writes an entry down in the record of an account, after those that are there.
///
/// # Errors
/// It cannot follow them, or somebody else has written one at the same time. Nothing is changed.
pub fn note(store: &dyn Store, account: &str, entries: &[Entry]) -> Result<(), RotationError> {
    let record = |why: String| RotationError::Record { account: account.to_owned(), why };
    let (mut course, length) = course_of(store, account)?;
    for entry in entries {
        course.take(entry).map_err(|error| record(error.to_string()))?;
    }
    for (at, entry) in (length..).zip(entries) {
        let value = serde_json::to_value(entry).map_err(|error| record(error.to_string()))?;
        store.append(&stream_of(account), at, &value).map_err(|error| record(error.to_string()))?;
    }
    Ok(())
}

/// Where the record of an account is kept.
#[must_use]
pub fn stream_of(account: &str) -> String {
    format!("{STREAM}{account}")
}

/// A journey under way.
struct Journey<'a> {
    rotator: Rotator<'a>,
    account: &'a Account,
    /// `None` where only what follows a proof is left.
    sealing: Option<Sealing<'a>>,
    /// The id of whoever is signed in.
    by: String,
    course: Course,
    length: usize,
    /// The candidate of this process and its password.
    own: Option<(Name, Password)>,
    /// What was sent and not proved when the last sign-in began.
    sent_before: BTreeSet<Name>,
    proof_count: usize,
    why: Vec<String>,
}

impl Rotator<'_> {
    /// Gives the account another password, or goes on after a rotation that was stopped.
    ///
    /// # Errors
    /// Nothing is lost, whatever it is: every password that may count is sealed. The same again goes on.
    pub async fn rotate(&self, sealing: Sealing<'_>) -> Result<Rotated, RotationError> {
        let journey = self.journey(sealing.account, Some(sealing)).await?;
        let begin = || match self.is_despite_unproved {
            true => Rotation::begin_despite_unproved(),
            false => Rotation::begin(&journey.course),
        };
        let machine = Rotation::finish(&journey.course).unwrap_or_else(begin);
        journey.go(machine).await
    }

    /// Ends the sessions of an account whose rotation was stopped after its proof: nothing is sealed or set for it. `None`
    /// if nothing is left to be done.
    ///
    /// # Errors
    /// They are not ended; the same again goes on.
    pub async fn finish(&self, account: &Account) -> Result<Option<Rotated>, RotationError> {
        let journey = self.journey(account, None).await?;
        match Rotation::finish(&journey.course) {
            Some(machine) => journey.go(machine).await.map(Some),
            None => Ok(None),
        }
    }

    /// Who is signed in, if they may rotate the account.
    ///
    /// # Errors
    /// It is the account itself, an application that may not, or cannot be told.
    pub async fn who(&self, account: &Account) -> Result<SignedInAs, RotationError> {
        match self.directory.signed_in().await.map_err(RotationError::NotSignedIn)?.who {
            SignedInAs::User { id, user_principal_name } if id.eq_ignore_ascii_case(&account.id) => {
                Err(RotationError::Oneself(user_principal_name))
            }
            SignedInAs::Application { app_id } if !self.is_application_allowed => {
                Err(RotationError::Application(app_id))
            }
            who => Ok(who),
        }
    }

    /// What is remembered of an account, and who goes on with it.
    async fn journey<'s>(
        &'s self,
        account: &'s Account,
        sealing: Option<Sealing<'s>>,
    ) -> Result<Journey<'s>, RotationError> {
        let by = match self.who(account).await? {
            SignedInAs::User { id, .. } => id,
            SignedInAs::Application { app_id } => app_id,
        };
        let (course, length) = course_of(self.store, &account.id)?;
        let (own, sent_before, proof_count, why) = (None, BTreeSet::new(), 0, Vec::new());
        let rotator = *self;
        Ok(Journey { rotator, account, sealing, by, course, length, own, sent_before, proof_count, why })
    }
}

impl Journey<'_> {
    async fn go(mut self, mut machine: Rotation) -> Result<Rotated, RotationError> {
        loop {
            let step = machine.next(&self.course, self.rotator.clock.now());
            (self.rotator.tell)(&step);
            let outcome = match &step {
                Step::Note(entry) => self.note(entry),
                Step::Prepare => self.prepare().await,
                Step::Send(candidate) => self.send(candidate).await,
                Step::Prove(candidate) => self.prove(candidate).await,
                Step::Revoke => self.revoke().await,
                Step::Done => {
                    let document = self.course.current().cloned();
                    let why = "nothing counts after a rotation that is done".to_owned();
                    return document
                        .map(|document| Rotated { document })
                        .ok_or(RotationError::Stopped { stop: Stop::NotNoted, why: vec![why] });
                }
                Step::Stop(stop) => return Err(RotationError::Stopped { stop: *stop, why: self.why }),
            };
            machine.on(&outcome);
            // Others may have noted something: that a document was opened, above all. Without knowing it nothing is done.
            (self.course, self.length) = match course_of(self.rotator.store, &self.account.id) {
                Ok(known) => known,
                Err(error) => {
                    self.why.push(error.to_string());
                    return Err(RotationError::Stopped { stop: Stop::NotNoted, why: self.why });
                }
            };
        }
    }

    fn failed(&mut self, why: impl ToString) -> Outcome {
        self.why.push(why.to_string());
        Outcome::Bad
    }

    fn note(&mut self, entry: &Entry) -> Outcome {
        let entry = &match entry {
            Entry::Begun { at, .. } => Entry::Begun { by: Some(self.by.clone()), at: *at },
            entry => entry.clone(),
        };
        // A sign-in proves nothing about what somebody else has begun to send meanwhile.
        if matches!(entry, Entry::Proved { .. }) && *self.course.sent_since() != self.sent_before {
            return self.failed("somebody else has begun to rotate the account meanwhile");
        }
        // Somebody else may have written what this cannot follow.
        if let Err(error) = self.course.clone().take(entry) {
            return self.failed(error);
        }
        let value = match serde_json::to_value(entry) {
            Ok(value) => value,
            Err(error) => return self.failed(error),
        };
        let kept = self.rotator.store.append(&stream_of(&self.account.id), self.length, &value);
        match kept {
            Ok(()) => Outcome::Good,
            Err(error @ StoreError::Full { .. }) => {
                self.why.push(error.to_string());
                Outcome::NoRoom
            }
            Err(error) => self.failed(error),
        }
    }

    /// Draws a password, seals it, keeps the document and reads it back.
    async fn prepare(&mut self) -> Outcome {
        match self.prepared().await {
            Ok((candidate, password)) => {
                self.own = Some((candidate.clone(), password));
                Outcome::Prepared(candidate)
            }
            Err(why) => self.failed(why),
        }
    }

    async fn prepared(&self) -> Result<(Name, Password), String> {
        let Some(Sealing { account, set, reserve, operator }) = self.sealing else {
            return Err("nothing is to be sealed".to_owned());
        };
        let words = |error: &dyn std::error::Error| error.to_string();
        let fill = |buffer: &mut [u8]| self.rotator.random.fill(buffer);
        // Where one place is away, nothing is kept in the others that would have to be cleared away again.
        self.rotator.depository.names().await.map_err(|error| words(&error))?;
        let password = Password::generate(LENGTH_CHARS_USUAL, fill).map_err(|error| words(&error))?;
        let label = Label {
            envelope: EnvelopeId::generate(fill).map_err(|error| words(&error))?,
            set: set.set().clone(),
            reserve: reserve.map(|reserve| reserve.set().clone()),
            account: account.clone(),
            credential: CredentialKind::Password,
            version: self.course.version(),
            sealed_on: self.rotator.clock.now(),
        };
        let document = seal(&password, &label, SealTo { set, reserve }, operator).map_err(|error| words(&error))?;
        let id = label.envelope.to_string();
        let name = Name::read(&id).map_err(|error| words(&error))?;
        let candidate = Name::read(&id).map_err(|error| words(&error))?;
        if let Err(why) = self.kept((&name, &document), operator).await {
            // It was neither noted nor sent: left behind it would only be a document of which nobody knows why it is there.
            return match self.rotator.depository.destroy(&name).await {
                Ok(()) => Err(why),
                Err(error) => {
                    Err(format!("{why}; the document `{name}`, which opens nothing, may be left behind: {error}"))
                }
            };
        }
        Ok((candidate, password))
    }

    /// Keeps a document and reads it back.
    async fn kept(&self, (name, document): (&Name, &Document), operator: &SigningKey) -> Result<(), String> {
        let words = |error: &dyn std::error::Error| error.to_string();
        self.rotator.depository.keep(name, document.text()).await.map_err(|error| words(&error))?;
        let kept = self.rotator.depository.read(name).await.map_err(|error| words(&error))?;
        let kept = kept.ok_or_else(|| "the sealed document is not read back".to_owned())?;
        let kept = Document::read(&kept).map_err(|error| words(&error))?;
        let kept = kept.confirmed(operator.public().fingerprint()).map_err(|error| words(&error))?;
        if kept == *document { Ok(()) } else { Err("another document is read back".to_owned()) }
    }

    async fn send(&mut self, candidate: &Name) -> Outcome {
        let Some((_, password)) = self.own.as_ref().filter(|(own, _)| own == candidate) else {
            return self.failed("the password is not in this process");
        };
        let body = json!({ "passwordProfile": { "forceChangePasswordNextSignIn": false } });
        let request = GraphRequest {
            secret: Some(SecretValue { pointer: PASSWORD, password }),
            repeat: Repeat::IfUndone,
            ..GraphRequest::with_body(Method::Patch, format!("/v1.0/users/{}", self.account.id), Cow::Owned(body))
        };
        let answer = match self.rotator.directory.send(&request).await {
            Ok(_) => return Outcome::Answered(Answer::Yes),
            Err(error) => error,
        };
        let kind = match &answer {
            error if error.may_be_done() => Answer::Perhaps,
            DirectoryError::Refused(refusal) if refusal.message.to_lowercase().contains(BY_POLICY) => {
                Answer::NotByPolicy
            }
            _ => Answer::No,
        };
        self.why.push(answer.to_string());
        Outcome::Answered(kind)
    }

    async fn prove(&mut self, candidate: &Name) -> Outcome {
        if self.own.as_ref().is_none_or(|(own, _)| own != candidate) {
            return self.failed("the password is not in this process");
        }
        let wait = PROOF_SECONDS.get(self.proof_count).or(PROOF_SECONDS.last()).copied().unwrap_or(0);
        self.proof_count += 1;
        self.rotator.clock.sleep(Duration::from_secs(wait)).await;
        let at = self.rotator.clock.now();
        if self.course.probe_count(at) >= PROBE_COUNT_MAX {
            return self.failed(format!(
                "{PROBE_COUNT_MAX} sign-ins within {PROBE_MINUTES} minutes came to nothing, and ten would lock the account"
            ));
        }
        // Before the alarm goes off.
        match self.note(&Entry::Probing { candidate: candidate.clone(), at }) {
            Outcome::Good => {}
            other => return other,
        }
        let correlation_id = correlation_id(candidate, self.length);
        self.length += 1;
        self.sent_before = self.course.sent_since().clone();
        let Some((_, password)) = &self.own else { return Outcome::Bad };
        match self.rotator.proving.prove(&self.account.user_principal_name, password, &correlation_id).await {
            Proof::Right => Outcome::Proved(self.changed_at(candidate).await),
            Proof::Wrong { why } | Proof::Unknown { why } => self.failed(why),
        }
    }

    /// When the directory says that the password was changed last. A copy that does not know the change yet is asked again;
    /// whoever settles the candidate waits for the same answer.
    async fn changed_at(&self, candidate: &Name) -> Option<Timestamp> {
        let sent_at = self.course.sent_at(candidate)?;
        for count in 0..CHANGE_COUNT_MAX {
            let wait = if count == 0 { 0 } else { CHANGE_SECONDS };
            self.rotator.clock.sleep(Duration::from_secs(wait)).await;
            let changed_at = last_change(self.rotator.directory, &self.account.id).await.ok().flatten();
            let is_of_it = |at: &Timestamp| at.duration_until(sent_at) < SignedDuration::from_secs(CLOCK_SECONDS_MAX);
            if let Some(changed_at) = changed_at.filter(is_of_it) {
                return Some(changed_at);
            }
        }
        None
    }

    async fn revoke(&mut self) -> Outcome {
        let target = format!("/v1.0/users/{}/revokeSignInSessions", self.account.id);
        let body = json!({});
        let request = GraphRequest {
            repeat: Repeat::Safe,
            ..GraphRequest::with_body(Method::Post, target, Cow::Borrowed(&body))
        };
        match self.rotator.directory.send(&request).await {
            Ok(_) => Outcome::Good,
            Err(error) => self.failed(error),
        }
    }
}
