//! What goes wrong, and when: requests, entries of the store and passwords are events, counted over all calls of `apply`.

use std::collections::BTreeMap;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Mutex;

use async_trait::async_trait;
use breakglass_custody::password::Password;
use breakglass_ops::ports::{
    Directory, DirectoryError, GraphAnswer, GraphRequest, InMemoryStore, Method, Passwords, PasswordsError, Refusal,
    SignedIn, Store, StoreError,
};
use breakglass_ops::setup::plan::Plan;
use breakglass_ops::setup::{Applied, Applier, ApplyError};
use breakglass_testkit::is_full;
use serde_json::Value;

use super::referee::Referee;
use super::world::{SECOND, SECOND_PASSWORD, World, pause, run};

/// What can happen, by which the faults differ that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    SignIn,
    Read,
    Write,
    Entry,
    Password,
}

impl Kind {
    /// Whether a fault is tried in this form of the test: every one in the long form; in the usual one every one of what
    /// changes the tenant, and of the rest every third, so that each place and each fault has its turn.
    pub(super) fn is_tried(self, at: usize, fault: usize) -> bool {
        is_full() || self == Self::Write || (at + fault).is_multiple_of(3)
    }
}

/// What goes wrong with an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is carried out, and the answer does not come; of an entry: it is kept, and an error says that it is not.
    LostDone,
    /// It is not carried out, and no answer comes; of an entry: it is not kept.
    LostUndone,
    /// It is not carried out, and the answer has this status.
    Refused(u16),
    /// It is carried out, and the answer has this status.
    BrokenDone(u16),
    /// Nobody is signed in any more.
    NotSignedIn,
    /// It is never sent.
    NotSent,
    /// It is carried out, and the answer is cut off.
    Truncated,
    /// The process is killed before it.
    KilledBefore,
    /// The process is killed after it.
    KilledAfter,
}

impl Kind {
    /// Every fault that is another than the others for such an event. Of what changes nothing it is the same whether the
    /// process is killed before or after, and whether it was carried out; and who is killed with an answer in hand, good
    /// or bad, has done no more than who is killed before it comes.
    pub(super) const fn faults(self) -> &'static [Fault] {
        use Fault::{
            BrokenDone, KilledAfter, KilledBefore, LostDone, LostUndone, NotSent, NotSignedIn, Refused, Truncated,
        };
        match self {
            Self::SignIn => &[NotSignedIn, NotSent, KilledBefore],
            Self::Read => {
                &[LostUndone, NotSent, NotSignedIn, Refused(403), Refused(429), Refused(503), Truncated, KilledBefore]
            }
            Self::Write => &[
                LostDone,
                LostUndone,
                Refused(403),
                Refused(429),
                Refused(503),
                BrokenDone(504),
                Truncated,
                NotSent,
                NotSignedIn,
                KilledBefore,
                KilledAfter,
            ],
            Self::Entry => &[LostDone, LostUndone, KilledBefore, KilledAfter],
            Self::Password => &[LostDone, LostUndone, KilledBefore, KilledAfter],
        }
    }
}

/// Whoever is killed unwinds with it.
struct Killed;

/// How a call of `apply` ended.
pub(super) enum Ended {
    Whole(Applied),
    Stopped(ApplyError),
    Killed,
}

#[derive(Default)]
struct Course {
    events: Vec<Kind>,
    /// The words of each event, to tell what went wrong.
    words: Vec<String>,
    passwords: BTreeMap<String, Vec<String>>,
}

/// One run: a tenant, a store, somebody who keeps passwords, and what goes wrong.
pub(super) struct Script<'w> {
    pub(super) world: &'w World,
    pub(super) referee: Option<&'w Referee>,
    pub(super) store: InMemoryStore,
    faults: Vec<(usize, Fault)>,
    course: Mutex<Course>,
}

impl<'w> Script<'w> {
    pub(super) fn new(world: &'w World, referee: Option<&'w Referee>, faults: &[(usize, Fault)]) -> Self {
        let (store, course) = (InMemoryStore::default(), Mutex::default());
        Self { world, referee, store, faults: faults.to_vec(), course }
    }

    /// Calls `apply` once.
    pub(super) fn apply(&self, plan: &Plan) -> Ended {
        let applier =
            Applier { directory: self, clock: &*self.world.clock, store: self, passwords: self, tell: &|_, _| {} };
        match panic::catch_unwind(AssertUnwindSafe(|| run(applier.apply(plan)))) {
            Ok(Ok(applied)) => Ended::Whole(applied),
            Ok(Err(error)) => Ended::Stopped(error),
            Err(payload) if payload.is::<Killed>() => Ended::Killed,
            Err(payload) => panic::resume_unwind(payload),
        }
    }

    pub(super) fn events(&self) -> Vec<Kind> {
        self.course.lock().unwrap().events.clone()
    }

    /// What happened, one event a line.
    pub(super) fn told(&self) -> String {
        let course = self.course.lock().unwrap();
        let lines = course.words.iter().enumerate().map(|(at, words)| {
            let fault = self.faults.iter().find(|(when, _)| *when == at);
            fault.map_or_else(|| format!("{at}: {words}\n"), |(_, fault)| format!("{at}: {words} <- {fault:?}\n"))
        });
        lines.collect()
    }

    /// The password of the second account as whoever carries plans out knows it: the last that was prepared, or the one
    /// that it had from the beginning.
    pub(super) fn second_password(&self) -> String {
        let course = self.course.lock().unwrap();
        let last = course.passwords.get(SECOND).and_then(|passwords| passwords.last());
        last.map_or(SECOND_PASSWORD, String::as_str).to_owned()
    }

    /// Whether a password was prepared for the second account.
    pub(super) fn has_prepared(&self) -> bool {
        self.course.lock().unwrap().passwords.contains_key(SECOND)
    }

    /// Notes an event, and says what goes wrong with it.
    fn event(&self, kind: Kind, words: String) -> Option<Fault> {
        let mut course = self.course.lock().unwrap();
        let at = course.events.len();
        course.events.push(kind);
        course.words.push(words);
        let fault = self.faults.iter().find(|(when, _)| *when == at).map(|(_, fault)| *fault);
        drop(course);
        if fault == Some(Fault::KilledBefore) {
            killed();
        }
        fault
    }

    pub(super) fn carried_out(&self, request: &GraphRequest<'_>) -> Result<GraphAnswer, DirectoryError> {
        let answer = self.world.answer(request);
        if let Some(referee) = self.referee
            && request.method != Method::Get
        {
            let known = self.course.lock().unwrap().passwords.keys().cloned().collect();
            if let Some(fault) = referee.fault(self.world, &known) {
                panic!("{fault}\n{}", self.told());
            }
        }
        answer
    }
}

fn killed() {
    // No message: it is no panic of anybody's.
    panic::resume_unwind(Box::new(Killed));
}

fn refused(status: u16) -> DirectoryError {
    DirectoryError::Refused(Refusal {
        status,
        code: "Refused".to_owned(),
        message: "It is refused.".to_owned(),
        request_id: None,
    })
}

#[async_trait]
impl Directory for Script<'_> {
    async fn send(&self, request: &GraphRequest<'_>) -> Result<GraphAnswer, DirectoryError> {
        pause().await;
        let kind = if request.method == Method::Get { Kind::Read } else { Kind::Write };
        let why = || "it is played".to_owned();
        match self.event(kind, format!("{} {}", request.method, request.target)) {
            None | Some(Fault::KilledBefore) => self.carried_out(request),
            Some(Fault::LostUndone) => Err(DirectoryError::Lost { why: why() }),
            Some(Fault::Refused(status)) => Err(refused(status)),
            Some(Fault::NotSignedIn) => Err(DirectoryError::NotSignedIn { why: why() }),
            Some(Fault::NotSent) => Err(DirectoryError::NotSent { why: why() }),
            Some(fault) => {
                let answer = self.carried_out(request);
                match fault {
                    Fault::KilledAfter => killed(),
                    Fault::BrokenDone(status) => return Err(refused(status)),
                    Fault::Truncated => {
                        return answer.map(|mut answer| {
                            answer.body.truncate(answer.body.len() / 2);
                            answer
                        });
                    }
                    _ => {}
                }
                Err(DirectoryError::Lost { why: why() })
            }
        }
    }

    fn origin(&self) -> String {
        self.world.origin()
    }

    async fn signed_in(&self) -> Result<SignedIn, DirectoryError> {
        let why = "it is played".to_owned();
        match self.event(Kind::SignIn, "sign in".to_owned()) {
            Some(Fault::NotSignedIn) => Err(DirectoryError::NotSignedIn { why }),
            Some(Fault::NotSent) => Err(DirectoryError::NotSent { why }),
            _ => self.world.signed_in().await,
        }
    }
}

impl Store for Script<'_> {
    fn append(&self, stream: &str, at: usize, entry: &Value) -> Result<(), StoreError> {
        let fault = self.event(Kind::Entry, format!("keep {entry}"));
        let unusable = || StoreError::Unusable { place: "a test".to_owned(), why: "it is played".to_owned() };
        if fault == Some(Fault::LostUndone) {
            return Err(unusable());
        }
        self.store.append(stream, at, entry)?;
        match fault {
            Some(Fault::KilledAfter) => killed(),
            Some(Fault::LostDone) => return Err(unusable()),
            _ => {}
        }
        Ok(())
    }

    fn entries(&self, stream: &str) -> Result<Vec<Value>, StoreError> {
        self.store.entries(stream)
    }

    fn streams(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.store.streams(prefix)
    }
}

impl Passwords for Script<'_> {
    fn prepare(&self, account: &str, is_again: bool) -> Result<Password, PasswordsError> {
        let fault = self.event(Kind::Password, format!("password of {account}"));
        let error = || PasswordsError { account: account.to_owned(), why: "it is played".to_owned() };
        if fault == Some(Fault::LostUndone) {
            return Err(error());
        }
        let mut course = self.course.lock().unwrap();
        let kept = course.passwords.entry(account.to_owned()).or_default();
        assert!(is_again || kept.is_empty(), "nobody says that the earlier password of {account} is void");
        let text = format!("Kept-Qz7!wRtUvXy-{}", kept.len());
        kept.push(text.clone());
        drop(course);
        match fault {
            Some(Fault::KilledAfter) => killed(),
            Some(Fault::LostDone) => return Err(error()),
            _ => {}
        }
        Ok(Password::of_text(text))
    }
}
