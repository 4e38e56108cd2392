//! Rotations as they are carried out, with real sealing and real shares: whatever fails, and wherever the process is killed,
//! the password that the tenant knows can be opened with enough shares.

use std::collections::BTreeSet;
use std::future::Future;
use std::panic::{self, AssertUnwindSafe};
use std::pin::pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use breakglass_custody::document::{Account, Document};
use breakglass_custody::name::Name;
use breakglass_custody::password::Password;
use breakglass_custody::quorum::Quorum;
use breakglass_custody::sealing_key::{SealingKey, SplitKey};
use breakglass_custody::signed_set::SignedSet;
use breakglass_custody::signing::SigningKey;
use breakglass_ops::ports::{
    Clock, Depository, DepositoryError, Directory, DirectoryError, GraphAnswer, GraphRequest, InMemoryDepository,
    InMemoryStore, Proof, Proving, Random, RandomError, Refusal, SignedIn, SignedInAs, Store, StoreError,
};
use breakglass_ops::rotation::journey::{Rotated, RotationError, Rotator, Sealing, course_of};
use breakglass_ops::rotation::machine::Stop;
use breakglass_testkit::is_full;
use jiff::Timestamp;
use serde_json::Value;

const ACCOUNT: &str = "00000000-0000-4000-8000-0000000000a1";
const OPERATOR: &str = "00000000-0000-4000-8000-0000000000a2";
/// The password that counts before, which is sealed already.
const OLD: &str = "Old-Passw0rd";
/// Runs of one case until it has to be at its end.
const RUN_COUNT_MAX: usize = 6;

/// What goes wrong with an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// It is done, and nobody is told.
    LostDone,
    /// It is not done, and nobody is told.
    LostUndone,
    /// It is done as the next run begins, and nobody is told.
    Late,
    /// It is not done, and that is said.
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

struct World {
    split: SplitKey,
    set: SignedSet,
    operator: SigningKey,
    account: Account,
    depository: InMemoryDepository,
    store: InMemoryStore,
    /// The password that the tenant knows.
    knows: Mutex<String>,
    late: Mutex<Vec<String>>,
    events: Mutex<usize>,
    faults: Vec<(usize, Fault)>,
    seed: Mutex<u64>,
    signed_in: &'static str,
}

impl World {
    fn new(faults: &[(usize, Fault)]) -> Self {
        let seed = Mutex::new(0x9e37_79b9_7f4a_7c15);
        let fill = |buffer: &mut [u8]| drawn(&seed, buffer);
        let split = SealingKey::generate(fill).unwrap().split(Quorum::new(2, 3).unwrap(), fill).unwrap();
        let operator = SigningKey::generate(fill).unwrap();
        let set = SignedSet::sign(&split.set, Timestamp::UNIX_EPOCH, &operator).unwrap();
        let account =
            Account { id: ACCOUNT.to_owned(), user_principal_name: "emergency@contoso.onmicrosoft.com".to_owned() };
        Self {
            split,
            set,
            operator,
            account,
            depository: InMemoryDepository::default(),
            store: InMemoryStore::default(),
            knows: Mutex::new(OLD.to_owned()),
            late: Mutex::default(),
            events: Mutex::default(),
            faults: faults.to_vec(),
            seed,
            signed_in: OPERATOR,
        }
    }

    /// Counts an event, and says what goes wrong with it.
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

    fn rotate(&self) -> Option<Result<Rotated, RotationError>> {
        // What was on its way arrives, in the order in which it was sent.
        for late in std::mem::take(&mut *self.late.lock().unwrap()) {
            *self.knows.lock().unwrap() = late;
        }
        self.holds();
        let rotator = Rotator {
            directory: self,
            proving: self,
            depository: self,
            store: self,
            clock: self,
            random: self,
            tell: &|_| {},
            is_despite_unproved: false,
            is_application_allowed: false,
        };
        let sealing = Sealing { account: &self.account, set: &self.set, reserve: None, operator: &self.operator };
        match panic::catch_unwind(AssertUnwindSafe(|| run(rotator.rotate(sealing)))) {
            Ok(ended) => Some(ended),
            Err(payload) if payload.is::<Killed>() => None,
            Err(payload) => panic::resume_unwind(payload),
        }
    }

    /// Everything that two of three shares open.
    fn opened(&self) -> BTreeSet<String> {
        let key = self.split.set.recover(&self.split.shares[1..]).unwrap();
        let open = |name: &Name| {
            let text = run(self.depository.read(name)).unwrap().unwrap();
            let document = Document::read(&text).unwrap().confirmed(self.operator.public().fingerprint()).unwrap();
            key.open(&document).unwrap().with_plaintext(str::to_owned)
        };
        run(self.depository.names()).unwrap().iter().map(open).chain([OLD.to_owned()]).collect()
    }

    /// That the password that counts, and each that may still come to count, can be opened.
    fn holds(&self) {
        let opened = self.opened();
        let late = self.late.lock().unwrap().clone();
        let knows = self.knows.lock().unwrap().clone();
        for password in late.into_iter().chain([knows]) {
            assert!(opened.contains(&password), "nobody can open what the tenant knows: {:?}", self.faults);
        }
    }
}

fn drawn(seed: &Mutex<u64>, buffer: &mut [u8]) -> Result<(), RandomError> {
    let mut state = seed.lock().unwrap();
    for byte in buffer {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *byte = (*state >> 24) as u8;
    }
    Ok(())
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

impl Random for World {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
        drawn(&self.seed, buffer)
    }
}

#[async_trait]
impl Clock for World {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    async fn sleep(&self, _: Duration) {}
}

#[async_trait]
impl Directory for World {
    async fn send(&self, request: &GraphRequest<'_>) -> Result<GraphAnswer, DirectoryError> {
        let fault = self.event();
        let lost = || Err(DirectoryError::Lost { why: "it is played".to_owned() });
        let new = request.secret.map(|secret| secret.password.with_plaintext(str::to_owned));
        let take = || {
            if let Some(new) = &new {
                *self.knows.lock().unwrap() = new.clone();
            }
            self.holds();
        };
        let message = "It is played.".to_owned();
        match fault {
            Some(Fault::LostUndone) => return lost(),
            Some(Fault::Late) => {
                self.late.lock().unwrap().extend(new);
                self.holds();
                return lost();
            }
            Some(Fault::Refused) => {
                let refusal = Refusal { status: 403, code: "No".to_owned(), message, request_id: None };
                return Err(DirectoryError::Refused(refusal));
            }
            _ => take(),
        }
        match fault {
            Some(Fault::LostDone) => lost(),
            Some(Fault::KilledAfter) => killed(),
            _ => Ok(GraphAnswer { status: 204, body: Vec::new(), date: None, request_id: None }),
        }
    }

    fn origin(&self) -> String {
        "https://graph.microsoft.com".to_owned()
    }

    async fn signed_in(&self) -> Result<SignedIn, DirectoryError> {
        Ok(SignedIn {
            who: SignedInAs::User { id: self.signed_in.to_owned(), user_principal_name: "ada@contoso.com".to_owned() },
            tenant_id: "t".to_owned(),
            app_id: "a".to_owned(),
            permissions: Vec::new(),
            role_template_ids: Vec::new(),
        })
    }
}

#[async_trait]
impl Proving for World {
    async fn prove(&self, _: &str, password: &Password, _: &str) -> Proof {
        let why = "it is played".to_owned();
        match self.event() {
            None | Some(Fault::Late) => {}
            Some(Fault::KilledAfter) => killed(),
            // A stale copy refuses what is right.
            Some(Fault::Refused) => return Proof::Wrong { why },
            Some(_) => return Proof::Unknown { why },
        }
        if password.with_plaintext(|text| *self.knows.lock().unwrap() == text) {
            Proof::Right
        } else {
            Proof::Wrong { why }
        }
    }
}

#[async_trait]
impl Depository for World {
    fn place(&self) -> String {
        "a test".to_owned()
    }

    async fn keep(&self, name: &Name, text: &str) -> Result<(), DepositoryError> {
        let fault = self.event();
        let (place, why) = (self.place(), "it is played".to_owned());
        match fault {
            Some(Fault::LostUndone | Fault::Late) => return Err(DepositoryError::Unanswered { place, why }),
            Some(Fault::Refused) => return Err(DepositoryError::Refused { place, why }),
            _ => self.depository.keep(name, text).await?,
        }
        match fault {
            Some(Fault::LostDone) => Err(DepositoryError::Unanswered { place, why }),
            Some(Fault::KilledAfter) => killed(),
            _ => Ok(()),
        }
    }

    async fn read(&self, name: &Name) -> Result<Option<String>, DepositoryError> {
        let (place, why) = (self.place(), "it is played".to_owned());
        match self.event() {
            Some(Fault::LostUndone | Fault::LostDone) => Err(DepositoryError::Unanswered { place, why }),
            Some(Fault::Refused) => Ok(None),
            // Another document is there in its place.
            Some(Fault::Late) => Ok(Some("{}".to_owned())),
            Some(Fault::KilledAfter) => killed(),
            _ => self.depository.read(name).await,
        }
    }

    async fn names(&self) -> Result<Vec<Name>, DepositoryError> {
        let (place, why) = (self.place(), "it is played".to_owned());
        match self.event() {
            Some(Fault::LostUndone | Fault::LostDone | Fault::Late) => Err(DepositoryError::Unanswered { place, why }),
            Some(Fault::Refused) => Err(DepositoryError::Refused { place, why }),
            Some(Fault::KilledAfter) => killed(),
            _ => self.depository.names().await,
        }
    }

    async fn destroy(&self, name: &Name) -> Result<(), DepositoryError> {
        let (place, why) = (self.place(), "it is played".to_owned());
        let fault = self.event();
        if matches!(fault, Some(Fault::LostUndone | Fault::Refused | Fault::Late)) {
            return Err(DepositoryError::Unanswered { place, why });
        }
        self.depository.destroy(name).await?;
        match fault {
            Some(Fault::LostDone) => Err(DepositoryError::Unanswered { place, why }),
            Some(Fault::KilledAfter) => killed(),
            _ => Ok(()),
        }
    }
}

impl Store for World {
    fn append(&self, stream: &str, at: usize, entry: &Value) -> Result<(), StoreError> {
        let unusable = || StoreError::Unusable { place: "a test".to_owned(), why: "it is played".to_owned() };
        let fault = self.event();
        if matches!(fault, Some(Fault::LostUndone | Fault::Refused | Fault::Late)) {
            return Err(unusable());
        }
        self.store.append(stream, at, entry)?;
        match fault {
            Some(Fault::LostDone) => Err(unusable()),
            Some(Fault::KilledAfter) => killed(),
            _ => Ok(()),
        }
    }

    fn entries(&self, stream: &str) -> Result<Vec<Value>, StoreError> {
        self.store.entries(stream)
    }

    fn streams(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.store.streams(prefix)
    }
}

/// One case to its end: it is run again until it says that it is done; events that there were, and runs.
fn case(faults: &[(usize, Fault)]) -> (usize, usize) {
    let world = World::new(faults);
    let mut last = None;
    for runs in 1..=RUN_COUNT_MAX {
        match world.rotate() {
            Some(Ok(rotated)) => {
                world.holds();
                let name = Name::read(&rotated.document.to_string()).unwrap();
                let text = run(world.depository.read(&name)).unwrap().unwrap();
                let document = Document::read(&text).unwrap().confirmed(world.operator.public().fingerprint()).unwrap();
                let key = world.split.set.recover(&world.split.shares[..2]).unwrap();
                let password = key.open(&document).unwrap().with_plaintext(str::to_owned);
                let knows = world.knows.lock().unwrap().clone();
                // What arrives after the proof is known to be possible: it is sealed, and looked for until all is quiet.
                let may_differ = faults.iter().any(|(_, fault)| *fault == Fault::Late);
                assert!(password == knows || may_differ, "{faults:?}: another password counts than the one to open");
                let (course, _) = course_of(&world.store, ACCOUNT).unwrap();
                assert_eq!(course.current(), Some(&rotated.document));
                return (*world.events.lock().unwrap(), runs);
            }
            Some(Err(error)) => {
                world.holds();
                last = Some(error.to_string());
            }
            None => world.holds(),
        }
    }
    panic!("{faults:?}: it does not come to its end: {last:?}");
}

#[test]
fn every_single_failure_on_the_way_loses_nothing_and_the_same_again_goes_on() {
    let (events, runs) = case(&[]);
    assert_eq!(runs, 1);
    let (mut count, mut most) = (0, 0);
    for at in 0..events {
        for fault in FAULTS {
            let (_, runs) = case(&[(at, fault)]);
            count += 1;
            most = most.max(runs);
        }
    }
    println!("{events} events, {count} cases with one failure, at most {most} runs");
    assert!(most > 1);
}

#[test]
fn every_two_failures_lose_nothing() {
    let (events, _) = case(&[]);
    let mut count = 0;
    // A failure makes the way longer.
    let last = events + 12;
    for first in 0..events {
        for second in first + 1..last {
            for (number, one) in FAULTS.into_iter().enumerate() {
                for (other_number, other) in FAULTS.into_iter().enumerate() {
                    if is_full() || (first + second + number + other_number) % 7 == 0 {
                        case(&[(first, one), (second, other)]);
                        count += 1;
                    }
                }
            }
        }
    }
    println!("{count} cases with two failures");
}

#[test]
fn an_account_does_not_rotate_itself() {
    let world = World { signed_in: ACCOUNT, ..World::new(&[]) };
    let error = world.rotate().unwrap().unwrap_err();
    assert!(matches!(error, RotationError::Oneself(_)), "{error}");
    assert_eq!((*world.events.lock().unwrap(), world.knows.lock().unwrap().as_str()), (0, OLD));
}

#[test]
fn what_stops_it_is_told_without_the_password() {
    for (at, stop) in [(2, Stop::NotPrepared), (6, Stop::Refused)] {
        let world = World::new(&[(at, Fault::Refused)]);
        let error = world.rotate().unwrap().unwrap_err();
        let RotationError::Stopped { stop: found, why } = &error else { panic!("{error}") };
        assert_eq!((*found, why.len()), (stop, 1), "{error}");
        let told = format!("{error} {error:?} {:?}", world.store);
        for password in world.opened() {
            assert!(!told.contains(&password), "{told}");
        }
    }
}
