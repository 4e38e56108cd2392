//! Rotations with a folder on a disk that forgets: wherever the power is lost, what the tenant knows is on the disk, and two
//! of three shares open it.

use std::collections::BTreeSet;
use std::future::Future;
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use breakglass_adapters::folder_depository::FolderDepository;
use breakglass_adapters::random::SystemRandom;
use breakglass_custody::document::{Account, CredentialKind, Document, EnvelopeId, Label};
use breakglass_custody::name::Name;
use breakglass_custody::password::Password;
use breakglass_custody::quorum::Quorum;
use breakglass_custody::sealed::seal;
use breakglass_custody::sealing_key::{SealingKey, SplitKey};
use breakglass_custody::signed_set::SignedSet;
use breakglass_custody::signing::SigningKey;
use breakglass_ops::ports::{
    Clock, Depository as _, Directory, DirectoryError, GraphAnswer, GraphRequest, InMemoryStore, Proof, Proving,
    Random as _, SignedIn, SignedInAs, Store, StoreError,
};
use breakglass_ops::rotation::journey::{Rotator, Sealing, course_of, note};
use breakglass_ops::rotation::record::Entry;
use breakglass_ops::rotation::settling::destroy_superseded;
use jiff::Timestamp;
use serde_json::Value;

use crate::forgetful_disk::{Careless, Forgetful};

const ACCOUNT: &str = "00000000-0000-4000-8000-0000000000a1";
/// Rotations one after the other: the first document goes with the last.
const ROTATIONS: usize = 3;

struct PowerIsLost;

struct World<'k> {
    keys: &'k Keys,
    /// Counts what is done by anybody, and crashes.
    disk: Forgetful,
    store: InMemoryStore,
    knows: Mutex<String>,
}

/// What custodians and the operator have.
struct Keys {
    split: SplitKey,
    set: SignedSet,
    operator: SigningKey,
    account: Account,
}

impl Keys {
    fn new() -> Self {
        let fill = |buffer: &mut [u8]| SystemRandom.fill(buffer);
        let split = SealingKey::generate(fill).unwrap().split(Quorum::new(2, 3).unwrap(), fill).unwrap();
        let operator = SigningKey::generate(fill).unwrap();
        let set = SignedSet::sign(&split.set, Timestamp::UNIX_EPOCH, &operator).unwrap();
        let user_principal_name = "emergency@contoso.onmicrosoft.com".to_owned();
        Self { split, set, operator, account: Account { id: ACCOUNT.to_owned(), user_principal_name } }
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("nothing here waits"),
    }
}

fn folder(disk: &Forgetful) -> FolderDepository<Forgetful> {
    FolderDepository::on(PathBuf::from("safe"), disk.clone())
}

impl<'k> World<'k> {
    /// One password is sealed, on a disk that is as it should be, and counts.
    fn new(keys: &'k Keys, careless: Careless, calls: usize) -> Self {
        let fill = |buffer: &mut [u8]| SystemRandom.fill(buffer);
        let before = Password::generate(20, fill).unwrap();
        let label = Label {
            envelope: EnvelopeId::generate(fill).unwrap(),
            set: keys.split.set.clone(),
            reserve: None,
            account: keys.account.clone(),
            credential: CredentialKind::Password,
            version: 1,
            sealed_on: Timestamp::UNIX_EPOCH,
        };
        let document = seal(&before, &label, &keys.set, &keys.operator).unwrap();
        let candidate = Name::read(&label.envelope.to_string()).unwrap();
        let careful = Forgetful::new(Careless::No, usize::MAX);
        run(folder(&careful).keep(&candidate, document.text())).unwrap();
        let store = InMemoryStore::default();
        let at = Timestamp::UNIX_EPOCH;
        let entries = [Entry::Prepared { candidate: candidate.clone(), at }, Entry::Settled { candidate, at }];
        note(&store, ACCOUNT, &entries).unwrap();
        let knows = Mutex::new(before.with_plaintext(str::to_owned));
        Self { keys, disk: careful.goes_on(calls).with_care(careless), store, knows }
    }

    /// Something happens, or the power is lost.
    fn goes(&self) {
        if !self.disk.is_there() {
            panic::resume_unwind(Box::new(PowerIsLost));
        }
    }

    /// Some rotations, each settled and with what is superseded destroyed; whether they came to their end.
    fn rotates(&self, count: usize) -> bool {
        let ended = panic::catch_unwind(AssertUnwindSafe(|| (0..count).all(|_| self.rotates_once())));
        ended.unwrap_or_else(|payload| if payload.is::<PowerIsLost>() { false } else { panic::resume_unwind(payload) })
    }

    fn rotates_once(&self) -> bool {
        let (keys, depository) = (self.keys, folder(&self.disk));
        let rotator = Rotator {
            directory: self,
            proving: self,
            depository: &depository,
            store: self,
            clock: self,
            random: &SystemRandom,
            tell: &|_| {},
            is_despite_unproved: false,
            is_application_allowed: true,
        };
        let sealing = Sealing { account: &keys.account, set: &keys.set, reserve: None, operator: &keys.operator };
        let Ok(rotated) = run(rotator.rotate(sealing)) else { return false };
        let settled = Entry::Settled { candidate: rotated.document, at: Timestamp::UNIX_EPOCH };
        note(self, ACCOUNT, &[settled]).is_ok()
            && run(destroy_superseded((&depository, self), ACCOUNT, Timestamp::UNIX_EPOCH)).is_ok()
    }

    /// What does not hold on a disk that is found.
    fn fault(&self, found: &Forgetful) -> Option<String> {
        let depository = folder(found);
        let key = self.keys.split.set.recover(&self.keys.split.shares[1..]).unwrap();
        let mut opened = BTreeSet::new();
        let (course, _) = course_of(&self.store, ACCOUNT).unwrap();
        for name in course.may_count() {
            let text = match run(depository.read(name)) {
                Ok(Some(text)) => text,
                other => return Some(format!("what may count is not there: {other:?}")),
            };
            let document = Document::read(&text).map_err(|error| error.to_string());
            let document = document
                .and_then(|one| one.confirmed(self.keys.operator.public().fingerprint()).map_err(|e| e.to_string()));
            match document {
                Ok(document) => opened.insert(key.open(&document).unwrap().with_plaintext(str::to_owned)),
                Err(error) => return Some(format!("what may count does not open: {error}")),
            };
        }
        let is_there = opened.contains(&*self.knows.lock().unwrap());
        (!is_there).then(|| "nobody can open what the tenant knows".to_owned())
    }

    /// The same with another disk.
    fn on(&self, disk: Forgetful) -> World<'k> {
        let store = InMemoryStore::default();
        for stream in self.store.streams("").unwrap() {
            for (at, entry) in self.store.entries(&stream).unwrap().iter().enumerate() {
                store.append(&stream, at, entry).unwrap();
            }
        }
        World { keys: self.keys, disk, store, knows: Mutex::new(self.knows.lock().unwrap().clone()) }
    }
}

impl Store for World<'_> {
    fn append(&self, stream: &str, at: usize, entry: &Value) -> Result<(), StoreError> {
        self.goes();
        self.store.append(stream, at, entry)
    }

    fn entries(&self, stream: &str) -> Result<Vec<Value>, StoreError> {
        self.store.entries(stream)
    }

    fn streams(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.store.streams(prefix)
    }
}

#[async_trait]
impl Clock for World<'_> {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    async fn sleep(&self, _: Duration) {}
}

#[async_trait]
impl Directory for World<'_> {
    async fn send(&self, request: &GraphRequest<'_>) -> Result<GraphAnswer, DirectoryError> {
        self.goes();
        if let Some(secret) = request.secret {
            *self.knows.lock().unwrap() = secret.password.with_plaintext(str::to_owned);
        }
        Ok(GraphAnswer { status: 204, body: Vec::new(), date: None, request_id: None })
    }

    fn origin(&self) -> String {
        "https://graph.microsoft.com".to_owned()
    }

    async fn signed_in(&self) -> Result<SignedIn, DirectoryError> {
        Ok(SignedIn {
            who: SignedInAs::Application { app_id: "a".to_owned() },
            tenant_id: "t".to_owned(),
            app_id: "a".to_owned(),
            permissions: Vec::new(),
            role_template_ids: Vec::new(),
        })
    }
}

#[async_trait]
impl Proving for World<'_> {
    async fn prove(&self, _: &str, password: &Password, _: &str) -> Proof {
        self.goes();
        let is_right = password.with_plaintext(|text| *self.knows.lock().unwrap() == text);
        if is_right { Proof::Right } else { Proof::Wrong { why: "it is another".to_owned() } }
    }
}

/// Losses of power, disks that were looked at, and what did not hold on the first that is wrong.
fn every_crash(keys: &Keys, careless: Careless) -> (usize, usize, Option<String>) {
    let mut count = 0;
    for calls in 0.. {
        let world = World::new(keys, careless, calls);
        let is_whole = world.rotates(ROTATIONS);
        for found in world.disk.crashed() {
            count += 1;
            let after = world.on(found.clone());
            // As it is found; and after another rotation, which has to come to its end.
            let fault = after.fault(&found).or_else(|| {
                let has_ended = after.rotates(1);
                if has_ended { after.fault(&found) } else { Some("it does not go on".to_owned()) }
            });
            if let Some(fault) = fault {
                return (calls, count, Some(format!("after {calls} effects: {fault}")));
            }
        }
        if is_whole {
            return (calls, count, None);
        }
    }
    unreachable!("rotations end")
}

#[test]
fn wherever_the_power_is_lost_what_the_tenant_knows_is_on_the_disk_and_opens() {
    let keys = Keys::new();
    let (losses, count, fault) = every_crash(&keys, Careless::No);
    assert_eq!(fault, None);
    println!("{ROTATIONS} rotations, {losses} losses of power, {count} disks");
    assert!(losses > 40, "{losses}");
    for careless in Careless::EACH {
        let (_, count, fault) = every_crash(&keys, careless);
        println!("{careless:?}: {fault:?}, on disk {count}");
        // Half a document of which nothing was sent is in nobody's way here; that it is found out is seen to elsewhere.
        assert_eq!(fault.is_some(), careless != Careless::Rename, "{careless:?}");
    }
}
