//! Registering a security key: whatever fails, and wherever the process is killed, no credential is in the tenant that is
//! not written down, and the same again comes to an end.

use std::future::Future;
use std::panic::{self, AssertUnwindSafe};
use std::pin::pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use breakglass_custody::name::Name;
use breakglass_custody::password::Password;
use breakglass_ops::keys::due::Due;
use breakglass_ops::keys::journey::{
    KeyError, LATE_MINUTES, Method, PluggedIn, Registered, Registrar, course_of, difference, note,
};
use breakglass_ops::keys::record::{Entry, EntryError, Noted};
use breakglass_ops::keys::sealing::Sealing;
use breakglass_ops::ports::{
    Clock, Directory, DirectoryError, GraphAnswer, GraphRequest, InMemoryStore, MadeCredential, MakeCredential,
    Method as Verb, Refusal, SecurityKey, SecurityKeyError, SignedIn, SignedInAs, Store, StoreError,
};
use breakglass_testkit::is_full;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const ACCOUNT: &str = "00000000-0000-4000-8000-0000000000a1";
const OPERATOR: &str = "00000000-0000-4000-8000-0000000000a2";
/// Runs of one case until it has to be at its end: the clock goes on between them.
const RUN_COUNT_MAX: usize = 8;

/// What goes wrong with an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    LostDone,
    LostUndone,
    /// It is done as the next run begins, and nobody is told.
    Late,
    Refused,
    KilledBefore,
    KilledAfter,
}

const FAULTS: [Fault; 6] =
    [Fault::LostDone, Fault::LostUndone, Fault::Late, Fault::Refused, Fault::KilledBefore, Fault::KilledAfter];

struct Killed;

fn killed() -> ! {
    panic::resume_unwind(Box::new(Killed))
}

#[derive(Default)]
struct World {
    store: InMemoryStore,
    /// Ids of the credentials that the tenant has, as it writes them.
    methods: Mutex<Vec<String>>,
    late: Mutex<Vec<String>>,
    now: Mutex<Timestamp>,
    events: Mutex<usize>,
    made: AtomicU8,
    faults: Vec<(usize, Fault)>,
    signed_in: Option<&'static str>,
}

fn name(text: &str) -> Name {
    Name::read(text).unwrap()
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
}

impl World {
    fn new(faults: &[(usize, Fault)]) -> Self {
        let world = Self { faults: faults.to_vec(), ..Self::default() };
        let (held_by, pin_held_by) = (name("ada"), name("bram"));
        let noted = Noted {
            key: name("k1"),
            model: None,
            aa_guid: None,
            place: name("safe"),
            held_by,
            pin_held_by,
            method: None,
            at: Timestamp::UNIX_EPOCH,
        };
        note(&world.store, ACCOUNT, &Entry::Noted(noted)).unwrap();
        world
    }

    fn event(&self) -> Option<Fault> {
        let mut events = self.events.lock().unwrap();
        let at = *events;
        *events += 1;
        drop(events);
        let fault = self.faults.iter().find(|(when, _)| *when == at).map(|(_, fault)| *fault);
        if fault == Some(Fault::KilledBefore) {
            killed();
        }
        fault
    }

    fn registrar(&self) -> Registrar<'_> {
        Registrar { directory: self, store: self, clock: self, tell: &|_| {} }
    }

    /// One run, after what was on its way has arrived.
    fn of<T>(&self, journey: impl Future<Output = T>) -> Option<T> {
        let late = std::mem::take(&mut *self.late.lock().unwrap());
        self.methods.lock().unwrap().extend(late);
        self.holds();
        let ended = panic::catch_unwind(AssertUnwindSafe(|| run(journey)));
        self.holds();
        match ended {
            Ok(ended) => Some(ended),
            Err(payload) if payload.is::<Killed>() => None,
            Err(payload) => panic::resume_unwind(payload),
        }
    }

    fn register(&self) -> Option<Result<Registered, KeyError>> {
        let pin = Password::of_text("4711".to_owned());
        let plugged = PluggedIn { security_key: self, pin: &pin, port: None };
        self.of(self.registrar().register(ACCOUNT, &name("k1"), plugged))
    }

    fn remove(&self, is_last_too: bool) -> Option<Result<(), KeyError>> {
        self.of(self.registrar().remove(ACCOUNT, &name("k1"), is_last_too))
    }

    /// That the tenant has nothing, and will have nothing, that is not written down.
    fn holds(&self) {
        let (course, _) = course_of(&self.store, ACCOUNT).unwrap();
        let methods = self.methods.lock().unwrap().clone();
        let late = self.late.lock().unwrap().clone();
        let all: Vec<Method> = methods.into_iter().chain(late).map(|id| method(&id)).collect();
        let unknown = difference(&course, &all).unknown;
        assert!(unknown.is_empty(), "{unknown:?} is not written down: {:?}", self.faults);
    }

    fn time_goes_on(&self, minutes: i64) {
        let mut now = self.now.lock().unwrap();
        *now += SignedDuration::from_mins(minutes);
    }
}

fn method(id: &str) -> Method {
    serde_json::from_value(json!({ "id": id })).unwrap()
}

#[async_trait]
impl Clock for World {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }

    async fn sleep(&self, _: Duration) {}
}

impl Store for World {
    fn append(&self, stream: &str, at: usize, entry: &Value) -> Result<(), StoreError> {
        let fault = self.event();
        let failed = || Err(StoreError::Unusable { place: "memory".to_owned(), why: "it is played".to_owned() });
        match fault {
            Some(Fault::LostUndone | Fault::Refused | Fault::Late) => return failed(),
            Some(Fault::LostDone) => {
                self.store.append(stream, at, entry)?;
                return failed();
            }
            _ => {}
        }
        self.store.append(stream, at, entry)?;
        if fault == Some(Fault::KilledAfter) {
            killed();
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

#[async_trait]
impl SecurityKey for World {
    async fn name(&self) -> Result<String, SecurityKeyError> {
        Ok("a played key".to_owned())
    }

    async fn make(&self, request: &MakeCredential, pin: &Password) -> Result<MadeCredential, SecurityKeyError> {
        let fault = self.event();
        if matches!(fault, Some(Fault::LostUndone | Fault::Refused | Fault::Late)) {
            return Err(SecurityKeyError::NotTouched);
        }
        assert!(pin.is_same(&Password::of_text("4711".to_owned())));
        assert_eq!(request.rp_id, "login.microsoft.com");
        let made = self.made.fetch_add(1, Ordering::Relaxed) + 1;
        match fault {
            Some(Fault::KilledAfter) => killed(),
            Some(Fault::LostDone) => Err(SecurityKeyError::Unusable("it was taken out".to_owned())),
            _ => Ok(MadeCredential { credential_id: vec![made; 16], aa_guid: [7; 16], attestation_object: vec![0xa0] }),
        }
    }
}

impl World {
    /// The tenant does what it is asked to; `is_late` as the next run begins.
    fn answer(&self, request: &GraphRequest<'_>, is_late: bool) -> Result<Value, DirectoryError> {
        let until = (*self.now.lock().unwrap() + SignedDuration::from_mins(5)).to_string();
        let mut methods = self.methods.lock().unwrap();
        match request.method {
            Verb::Get if request.target.ends_with("creationOptions()") => Ok(json!({
                "challengeTimeoutDateTime": until,
                "publicKey": {
                    "challenge": "AAEC", "rp": { "id": "login.microsoft.com", "name": "Microsoft" },
                    "user": { "id": "dXNlcg", "name": "emergency-1", "displayName": "Emergency 1" },
                    "pubKeyCredParams": [{ "type": "public-key", "alg": -7 }],
                },
            })),
            Verb::Get => Ok(json!({ "value": methods.iter().map(|id| json!({ "id": id })).collect::<Vec<_>>() })),
            Verb::Post => {
                let body = request.body.as_deref().unwrap();
                // As Entra writes it: sixteen bytes have two characters of padding.
                let id = format!("{}2", body["publicKeyCredential"]["id"].as_str().unwrap());
                let to = if is_late { &mut *self.late.lock().unwrap() } else { &mut *methods };
                to.push(id.clone());
                Ok(json!({ "id": id }))
            }
            Verb::Delete => {
                let id = request.target.rsplit('/').next().unwrap();
                let at = methods.iter().position(|method| method == id).ok_or_else(|| refused(404))?;
                methods.remove(at);
                Ok(Value::Null)
            }
            other => panic!("{other}"),
        }
    }
}

fn refused(status: u16) -> DirectoryError {
    let (code, message) = ("Played".to_owned(), "it is played".to_owned());
    DirectoryError::Refused(Refusal { status, code, message, request_id: None })
}

#[async_trait]
impl Directory for World {
    async fn send(&self, request: &GraphRequest<'_>) -> Result<GraphAnswer, DirectoryError> {
        let fault = self.event();
        let lost = || Err(DirectoryError::Lost { why: "it is played".to_owned() });
        match fault {
            Some(Fault::LostUndone) => return lost(),
            Some(Fault::Refused) => return Err(refused(403)),
            // Nothing but a new method arrives late.
            Some(Fault::Late) => {
                if request.method == Verb::Post {
                    self.answer(request, true)?;
                }
                return lost();
            }
            _ => {}
        }
        let answer = self.answer(request, false);
        match fault {
            Some(Fault::KilledAfter) => killed(),
            Some(Fault::LostDone) => lost(),
            _ => {
                let body = answer?.to_string().into_bytes();
                Ok(GraphAnswer { status: 200, body, date: None, request_id: None })
            }
        }
    }

    fn origin(&self) -> String {
        "https://graph.microsoft.com".to_owned()
    }

    async fn signed_in(&self) -> Result<SignedIn, DirectoryError> {
        let id = self.signed_in.unwrap_or(OPERATOR).to_owned();
        Ok(SignedIn {
            who: SignedInAs::User { id, user_principal_name: "somebody@contoso.onmicrosoft.com".to_owned() },
            tenant_id: String::new(),
            app_id: String::new(),
            permissions: Vec::new(),
            role_template_ids: Vec::new(),
        })
    }
}

#[test]
fn a_key_is_registered_and_removed() {
    let world = World::new(&[]);
    let registered = world.register().unwrap().unwrap();
    assert_eq!(registered, Registered { method: "AQEBAQEBAQEBAQEBAQEBAQ2".to_owned(), was_there: false });
    assert_eq!(*world.methods.lock().unwrap(), [registered.method]);
    let (course, _) = course_of(&world.store, ACCOUNT).unwrap();
    let key = course.key(&name("k1")).unwrap();
    assert_eq!(key.noted.aa_guid.as_deref(), Some("07070707-0707-0707-0707-070707070707"));
    assert_eq!(
        course.due(world.now(), |_| Sealing::Shut),
        [Due::FewKeys(1), Due::Drill(name("k1"), None)],
        "it is not proved"
    );
    let again = world.register().unwrap().unwrap_err();
    assert!(matches!(again, KeyError::Entry(EntryError::Registered(_))), "{again}");
    let last = world.remove(false).unwrap().unwrap_err();
    assert!(matches!(last, KeyError::Last(_)), "{last}");
    world.remove(true).unwrap().unwrap();
    assert!(world.methods.lock().unwrap().is_empty());
    assert!(matches!(world.remove(true).unwrap(), Err(KeyError::Entry(EntryError::Unknown(_)))));
}

#[test]
fn the_account_itself_changes_nothing() {
    let world = World { signed_in: Some("00000000-0000-4000-8000-0000000000A1"), ..World::new(&[]) };
    assert!(matches!(world.register().unwrap(), Err(KeyError::Oneself(_))));
    assert!(matches!(world.remove(true).unwrap(), Err(KeyError::Oneself(_))));
    assert_eq!(*world.events.lock().unwrap(), 0);
}

#[test]
fn what_is_not_written_down_is_told() {
    let world = World::new(&[]);
    let method_id = world.register().unwrap().unwrap().method;
    let (course, _) = course_of(&world.store, ACCOUNT).unwrap();
    let found = difference(&course, &[method(&method_id), method("strange")]);
    assert_eq!(found.unknown, [method("strange")]);
    assert!(found.missing.is_empty());
    assert_eq!(difference(&course, &[]).missing, [name("k1")]);
    let refused = run(world.registrar().remove_method(ACCOUNT, "../../../users/other"));
    assert!(matches!(refused, Err(KeyError::Entry(EntryError::Text))));
}

/// Runs again until it is registered; the tenant's options time out on the way.
fn to_the_end(world: &World) -> usize {
    for count in 1..=RUN_COUNT_MAX {
        let is_over = match world.register() {
            None | Some(Err(KeyError::Undecided { .. })) => false,
            Some(Ok(_)) | Some(Err(KeyError::Entry(EntryError::Registered(_)))) => true,
            Some(Err(error)) => {
                let played = format!("{error:?}");
                assert!(played.contains("played") || played.contains("NotTouched") || played.contains("taken out"));
                false
            }
        };
        if is_over {
            let (course, _) = course_of(&world.store, ACCOUNT).unwrap();
            let key = course.key(&name("k1")).unwrap();
            assert!(world.methods.lock().unwrap().contains(key.noted.method.as_ref().unwrap()));
            return count;
        }
        world.time_goes_on(1);
        if count % 2 == 0 {
            world.time_goes_on(5 + LATE_MINUTES);
        }
    }
    panic!("it comes to no end: {:?}", world.faults);
}

#[test]
fn every_failure_and_every_kill_comes_to_an_end() {
    let whole = World::new(&[]);
    whole.register().unwrap().unwrap();
    let events = *whole.events.lock().unwrap();
    let (mut count, mut runs) = (0, 0);
    // With one thing that goes wrong, and with two.
    for first in 0..events + 2 {
        for fault in FAULTS {
            runs += to_the_end(&World::new(&[(first, fault)]));
            count += 1;
            let more = if is_full() { 12 } else { 5 };
            for second in first + 1..first + 1 + more {
                for other in FAULTS {
                    runs += to_the_end(&World::new(&[(first, fault), (second, other)]));
                    count += 1;
                }
            }
        }
    }
    println!("registrations with faults: {count}, in {runs} runs; one has {events} events");
    assert!(events >= 5);
}

#[test]
fn every_removal_comes_to_an_end() {
    let mut count = 0;
    for at in 0..4 {
        for fault in FAULTS {
            let begun = World::new(&[]);
            begun.register().unwrap().unwrap();
            let events = *begun.events.lock().unwrap();
            let world = World { faults: vec![(events + at, fault)], ..begun };
            let mut is_over = false;
            for _ in 0..3 {
                is_over |= matches!(world.remove(true), Some(Ok(()) | Err(KeyError::Entry(EntryError::Unknown(_)))));
            }
            assert!(is_over && world.methods.lock().unwrap().is_empty(), "{at} {fault:?}");
            assert_eq!(course_of(&world.store, ACCOUNT).unwrap().0.keys().count(), 0);
            count += 1;
        }
    }
    println!("removals with faults: {count}");
}

#[test]
fn what_is_undecided_is_decided_when_it_can_no_longer_be_taken() {
    let world = World::new(&[(3, Fault::LostUndone)]);
    let error = world.register().unwrap().unwrap_err();
    let until = *world.now.lock().unwrap() + SignedDuration::from_mins(5 + LATE_MINUTES);
    assert!(matches!(&error, KeyError::Undecided { until: at, .. } if *at == until), "{error}");
    assert!(matches!(world.register().unwrap(), Err(KeyError::Undecided { .. })), "not yet");
    assert!(matches!(world.remove(true).unwrap(), Err(KeyError::Undecided { .. })), "nor is it removed");
    world.time_goes_on(5 + LATE_MINUTES);
    assert!(matches!(world.register().unwrap(), Err(KeyError::Undecided { .. })), "nor at that moment");
    world.time_goes_on(1);
    let registered = world.register().unwrap().unwrap();
    assert!(!registered.was_there);
    // And where the answer alone was lost, the method is found.
    let world = World::new(&[(3, Fault::KilledAfter)]);
    assert!(world.register().is_none());
    assert!(world.register().unwrap().unwrap().was_there);
}
