//! Deleting an account whose place another has taken: whatever is lost, refused or stale, and wherever the process is killed,
//! it is never said to be deleted where it is there, nor the other way round, and the same again comes to its end.

use std::collections::VecDeque;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use breakglass_custody::document::Account;
use breakglass_ops::key_box::accounts::{Entry, Replacement, STREAM, note, replaced, replacements};
use breakglass_ops::key_box::deleting::{DELETE_AGAIN_SECONDS, DeletingError, Presence, delete_replaced, presence};
use breakglass_ops::ports::{
    Clock, Directory, DirectoryError, GraphAnswer, GraphRequest, InMemoryStore, Method, Refusal, Repeat, SignedIn,
    Store, StoreError,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::readings::ready;

const OLD: &str = "00000000-0000-4000-8000-0000000000a1";
const NEW: &str = "00000000-0000-4000-8000-0000000000a3";

/// What becomes of a request to delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    Answered,
    LostDone,
    LostUndone,
    /// It is carried out as the next run begins.
    Late,
    Refused(u16),
    BrokenDone(u16),
    Unsent,
}

/// What becomes of a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    Answered,
    /// A copy has it still.
    Stale,
    Refused(u16),
    Lost,
}

struct Killed;

fn killed() -> ! {
    panic::resume_unwind(Box::new(Killed))
}

/// A tenant that has the old account, the record, and a process that may be killed.
struct World {
    store: InMemoryStore,
    is_there: Mutex<bool>,
    is_late: Mutex<bool>,
    /// What becomes of the next ones; behind its end everything is answered.
    sents: Mutex<VecDeque<Sent>>,
    looks: Mutex<VecDeque<Look>>,
    /// Requests to delete that came so far.
    count: Mutex<usize>,
    slept_seconds: Mutex<u64>,
    events: Mutex<usize>,
    /// The event at which the process is killed, and whether that is after it was done.
    killed_at: Option<(usize, bool)>,
}

impl World {
    fn new(sents: &[Sent], looks: &[Look]) -> Self {
        Self {
            store: InMemoryStore::default(),
            is_there: Mutex::new(true),
            is_late: Mutex::default(),
            sents: Mutex::new(sents.iter().copied().collect()),
            looks: Mutex::new(looks.iter().copied().collect()),
            count: Mutex::default(),
            slept_seconds: Mutex::default(),
            events: Mutex::default(),
            killed_at: None,
        }
    }

    /// Does something that others can see, if the process is not killed before; it may be killed after it.
    fn event<T>(&self, does: impl FnOnce() -> T) -> T {
        let at = *self.events.lock().unwrap();
        *self.events.lock().unwrap() += 1;
        if self.killed_at == Some((at, false)) {
            killed();
        }
        let done = does();
        if self.killed_at == Some((at, true)) {
            killed();
        }
        done
    }

    fn is_there(&self) -> bool {
        *self.is_there.lock().unwrap()
    }

    fn old() -> Account {
        Account { id: OLD.to_owned(), user_principal_name: "bg1@contoso.com".to_owned() }
    }

    /// One run, as the command does it: it looks at what was begun, and goes on where that is not done.
    fn run(&self) -> Option<Result<(), DeletingError>> {
        if std::mem::take(&mut *self.is_late.lock().unwrap()) {
            *self.is_there.lock().unwrap() = false;
        }
        let begun = replacements(&self.store).unwrap();
        let run = || {
            if begun.iter().any(|one| one.is_deleted) {
                return Ok(());
            }
            if !begun.is_empty() && ready(presence(self, OLD)) == Presence::Gone {
                let entry = Entry::Deleted { account: OLD.to_owned(), at: self.now() };
                return note(self, &entry).map_err(DeletingError::NotNoted);
            }
            ready(delete_replaced((self, self, self), (&Self::old(), NEW)))
        };
        match panic::catch_unwind(AssertUnwindSafe(run)) {
            Ok(ended) => Some(ended),
            Err(payload) if payload.is::<Killed>() => None,
            Err(payload) => panic::resume_unwind(payload),
        }
    }

    /// That what is said and written down is so.
    fn holds(&self, ended: Option<&Result<(), DeletingError>>, case: &str) {
        let is_noted = replaced(&self.store).unwrap().get(OLD) == Some(&true);
        assert!(!is_noted || !self.is_there(), "{case}: it is noted, and not so");
        match ended {
            Some(Ok(())) => assert!(is_noted, "{case}: it is done, and not noted"),
            Some(Err(DeletingError::Undone(_) | DeletingError::NotBegun(_))) => {
                assert!(self.is_there() && !*self.is_late.lock().unwrap(), "{case}: it is not undone");
            }
            Some(Err(DeletingError::NotNoted(_))) => assert!(!self.is_there() && !is_noted, "{case}"),
            Some(Err(DeletingError::Unknown(_))) | None => assert!(!is_noted, "{case}: it is noted, and not known"),
        }
    }
}

fn refused(status: u16) -> DirectoryError {
    let (code, message) = ("Played".to_owned(), "it is played".to_owned());
    DirectoryError::Refused(Refusal { status, code, message, request_id: None })
}

fn lost() -> DirectoryError {
    DirectoryError::Lost { why: "it is played".to_owned() }
}

#[async_trait]
impl Clock for World {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    async fn sleep(&self, duration: Duration) {
        *self.slept_seconds.lock().unwrap() += duration.as_secs();
    }
}

impl Store for World {
    fn append(&self, stream: &str, at: usize, entry: &Value) -> Result<(), StoreError> {
        self.event(|| self.store.append(stream, at, entry))
    }

    fn entries(&self, stream: &str) -> Result<Vec<Value>, StoreError> {
        self.store.entries(stream)
    }

    fn streams(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.store.streams(prefix)
    }
}

impl World {
    fn delete(&self, sent: Sent) -> Result<(), DirectoryError> {
        let is_noted = replacements(&self.store).unwrap().iter().any(|one| one.account == OLD && one.by == NEW);
        assert!(is_noted, "it is sent, and not written down");
        *self.count.lock().unwrap() += 1;
        match sent {
            Sent::Refused(status) => return Err(refused(status)),
            Sent::Unsent => return Err(DirectoryError::NotSent { why: "it is played".to_owned() }),
            Sent::LostUndone => return Err(lost()),
            Sent::Late => {
                *self.is_late.lock().unwrap() = true;
                return Err(lost());
            }
            Sent::Answered | Sent::LostDone | Sent::BrokenDone(_) => {}
        }
        let was_there = std::mem::take(&mut *self.is_there.lock().unwrap());
        match sent {
            Sent::LostDone => Err(lost()),
            Sent::BrokenDone(status) => Err(refused(status)),
            _ if was_there => Ok(()),
            _ => Err(refused(404)),
        }
    }

    fn look(&self, look: Look) -> Result<(), DirectoryError> {
        match look {
            Look::Refused(status) => Err(refused(status)),
            Look::Lost => Err(lost()),
            Look::Stale => Ok(()),
            Look::Answered if self.is_there() => Ok(()),
            Look::Answered => Err(refused(404)),
        }
    }
}

#[async_trait]
impl Directory for World {
    async fn send(&self, request: &GraphRequest<'_>) -> Result<GraphAnswer, DirectoryError> {
        match (request.method, &*request.target) {
            (Method::Delete, target) if target == format!("/v1.0/users/{OLD}") => {
                assert_eq!(request.repeat, Repeat::IfUndone, "nobody would know how often it was sent");
                let sent = self.sents.lock().unwrap().pop_front().unwrap_or(Sent::Answered);
                self.event(|| self.delete(sent))?;
            }
            (Method::Get, target) if target == format!("/v1.0/users/{OLD}?$select=id") => {
                let look = self.looks.lock().unwrap().pop_front().unwrap_or(Look::Answered);
                self.look(look)?;
            }
            (method, target) => panic!("{method} {target}"),
        }
        Ok(GraphAnswer { status: 204, body: Vec::new(), date: None, request_id: None })
    }

    fn origin(&self) -> String {
        "https://graph.microsoft.com".to_owned()
    }

    async fn signed_in(&self) -> Result<SignedIn, DirectoryError> {
        Err(DirectoryError::NotSignedIn { why: "nobody asks".to_owned() })
    }
}

/// How a run ends, in a word.
fn word(ended: &Result<(), DeletingError>) -> &'static str {
    match ended {
        Ok(()) => "deleted",
        Err(DeletingError::NotBegun(_)) => "not begun",
        Err(DeletingError::Undone(_)) => "not deleted",
        Err(DeletingError::Unknown(_)) => "unknown",
        Err(DeletingError::NotNoted(_)) => "not noted",
    }
}

#[test]
fn what_came_of_a_deletion_is_looked_at_and_unknown_is_not_rounded() {
    use {Look as L, Sent as S};
    // What becomes of requests and looks; how it ends; requests that are sent, and seconds that are waited.
    type Case = (Vec<Sent>, Vec<Look>, &'static str, usize, u64);
    let waits: u64 = DELETE_AGAIN_SECONDS.iter().sum();
    let most = 1 + DELETE_AGAIN_SECONDS.len();
    let stale = vec![L::Stale; most];
    let cases: Vec<Case> = vec![
        (vec![S::Answered], vec![], "deleted", 1, 0),
        (vec![S::LostDone], vec![], "deleted", 1, 0),
        (vec![S::BrokenDone(503)], vec![], "deleted", 1, 0),
        (vec![S::LostUndone], vec![], "deleted", 2, DELETE_AGAIN_SECONDS[0]),
        (vec![S::Refused(500)], vec![], "deleted", 2, DELETE_AGAIN_SECONDS[0]),
        // Sure, and nothing is asked again.
        (vec![S::Refused(403)], vec![L::Lost], "not deleted", 1, 0),
        (vec![S::Refused(429)], vec![], "not deleted", 1, 0),
        (vec![S::Unsent], vec![], "not deleted", 1, 0),
        // A copy knows nothing of it yet: the next request is not found, and the next look tells.
        (vec![S::LostDone], vec![L::Stale], "deleted", 2, DELETE_AGAIN_SECONDS[0]),
        (vec![S::LostDone], vec![L::Stale, L::Stale], "deleted", 3, DELETE_AGAIN_SECONDS[..2].iter().sum()),
        (vec![S::LostDone], stale, "unknown", most, waits),
        // It is there, and what was sent may still be carried out.
        (vec![S::LostUndone; most], vec![], "unknown", most, waits),
        (vec![S::Late; most], vec![], "unknown", most, waits),
        // A refusal after one that may be done tells nothing.
        (vec![S::LostUndone, S::Refused(403), S::Unsent, S::Refused(429)], vec![], "unknown", most, waits),
        // It is there by one answer, and not by the other.
        (vec![S::Refused(404)], vec![], "deleted", 2, DELETE_AGAIN_SECONDS[0]),
        (vec![S::Refused(404); most], vec![], "unknown", most, waits),
        // Nobody answers the look.
        (vec![S::LostDone], vec![L::Lost], "unknown", 1, 0),
        (vec![S::LostUndone], vec![L::Refused(403)], "unknown", 1, 0),
        (vec![S::LostDone], vec![L::Stale, L::Refused(503)], "unknown", 2, DELETE_AGAIN_SECONDS[0]),
    ];
    for (sents, looks, end, count, seconds) in cases {
        let case = format!("{sents:?} {looks:?}");
        let world = World::new(&sents, &looks);
        let ended = world.run().unwrap();
        assert_eq!(word(&ended), end, "{case}");
        assert_eq!((*world.count.lock().unwrap(), *world.slept_seconds.lock().unwrap()), (count, seconds), "{case}");
        world.holds(Some(&ended), &case);
        // The same again, with nothing in its way.
        world.sents.lock().unwrap().clear();
        world.looks.lock().unwrap().clear();
        let again = world.run().unwrap();
        assert_eq!(word(&again), "deleted", "{case}");
        world.holds(Some(&again), &case);
    }
}

#[test]
fn every_answer_and_every_kill_leaves_what_is_so_in_the_record() {
    const SENTS: [Sent; 8] = [
        Sent::Answered,
        Sent::LostDone,
        Sent::LostUndone,
        Sent::Late,
        Sent::Refused(403),
        Sent::Refused(404),
        Sent::BrokenDone(502),
        Sent::Unsent,
    ];
    const LOOKS: [Look; 3] = [Look::Answered, Look::Stale, Look::Lost];
    let (mut count, mut kills) = (0, 0);
    let pairs = || SENTS.into_iter().flat_map(|sent| LOOKS.map(|look| (sent, look)));
    for ((first, one), (second, other)) in pairs().flat_map(|pair| pairs().map(move |next| (pair, next))) {
        let case = format!("{first:?} {one:?} {second:?} {other:?}");
        // The second holds for all that follow.
        let sents = [first, second, second, second];
        let looks = [one, other, other, other];
        let world = World::new(&sents, &looks);
        let ended = world.run().unwrap();
        world.holds(Some(&ended), &case);
        let events = *world.events.lock().unwrap();
        for killed_at in (0..events).flat_map(|at| [(at, false), (at, true)]) {
            let case = format!("{case} {killed_at:?}");
            let mut world = World::new(&sents, &looks);
            world.killed_at = Some(killed_at);
            assert!(world.run().is_none(), "{case}");
            // Killed after the last entry it is written down.
            if killed_at != (events - 1, true) {
                world.holds(None, &case);
            }
            kills += 1;
            world.killed_at = None;
            world.sents.lock().unwrap().clear();
            world.looks.lock().unwrap().clear();
            let again = world.run().unwrap();
            assert_eq!(word(&again), "deleted", "{case}");
            world.holds(Some(&again), &case);
        }
        count += 1;
    }
    println!("{count} pairs of answers, killed {kills} times");
    assert!(count == 576 && kills > 4 * count);
}

#[test]
fn who_took_the_place_of_whom_is_remembered_by_name_and_id() {
    let store = InMemoryStore::default();
    let entries = [
        json!({ "state": "deleted", "account": "a", "at": "2026-11-27T03:00:00Z" }),
        // As it was written before names were.
        json!({ "state": "replaced", "account": "b", "by": "c", "at": "2026-11-27T03:00:00Z" }),
        json!({ "state": "replaced", "account": OLD, "name": "bg1@contoso.com", "by": "c", "at": "2026-11-27T03:00:00Z" }),
        json!({ "state": "deleted", "account": OLD, "at": "2026-11-27T03:00:00Z" }),
    ];
    for (at, entry) in entries.iter().enumerate() {
        store.append(STREAM, at, entry).unwrap();
    }
    let replacement = |account: &str, name: Option<&str>, by: &str, is_deleted| Replacement {
        account: account.to_owned(),
        name: name.map(str::to_owned),
        by: by.to_owned(),
        is_deleted,
    };
    let b = replacement("b", None, "c", false);
    let name = Some("bg1@contoso.com");
    assert_eq!(replacements(&store).unwrap(), [b.clone(), replacement(OLD, name, "c", true)]);
    let states = |store: &InMemoryStore| replaced(store).unwrap().into_values().collect::<Vec<_>>();
    assert_eq!(states(&store), [true, true, false], "the old one, a, b");
    let old = &replacements(&store).unwrap()[1];
    for (named, is_it) in [
        (OLD, true),
        (&*OLD.to_uppercase(), true),
        ("BG1@contoso.com", true),
        ("bg2@contoso.com", false),
        ("c", false),
        ("", false),
    ] {
        assert_eq!(old.is_named(named), is_it, "{named}");
    }
    assert!(b.is_named("B") && !b.is_named("c"));
    // It was restored, and another is to have its place: it is not deleted any more.
    let again = json!({ "state": "replaced", "account": OLD, "name": "bg1@contoso.com", "by": "d", "at": "2026-11-28T03:00:00Z" });
    store.append(STREAM, entries.len(), &again).unwrap();
    assert_eq!(replacements(&store).unwrap(), [b, replacement(OLD, name, "d", false)]);
    assert_eq!(replaced(&store).unwrap().get(OLD), Some(&false));
    store.append(STREAM, entries.len() + 1, &json!({ "state": "gone" })).unwrap();
    assert!(replacements(&store).is_err() && replaced(&store).is_err());
}
