//! One way, played by the product itself: sealed for real, and carried out by an embedded tenant in this process, without a
//! socket between the two.

use std::borrow::Cow;
use std::collections::{BTreeSet, VecDeque};
use std::future::Future;
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::pin::pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use breakglass_adapters::random::SystemRandom;
use breakglass_custody::document::{Account, CredentialKind, Document, EnvelopeId, Label};
use breakglass_custody::name::Name;
use breakglass_custody::password::Password;
use breakglass_custody::quorum::Quorum;
use breakglass_custody::sealed::seal;
use breakglass_custody::sealing_key::{SealingKey, SplitKey};
use breakglass_custody::signed_set::SignedSet;
use breakglass_custody::signing::SigningKey;
use breakglass_custody::slip39::Share;
use breakglass_ops::ports::{
    Clock, Depository, DepositoryError, Directory, DirectoryError, GraphAnswer, GraphRequest, InMemoryDepository,
    InMemoryStore, Method, Proof, Proving, Random as _, Refusal, SignedIn, SignedInAs, Store, StoreError,
};
use breakglass_ops::rotation::journey::{Rotator, Sealing, course_of, note};
use breakglass_ops::rotation::record::{Entry, PROBE_MINUTES, QUIESCENCE_HOURS_USUAL};
use breakglass_ops::rotation::settling::{Settling, destroy_superseded, settle};
use breakglass_tenant::HashWork;
use breakglass_tenant::call::{Body, Call, Reply};
use breakglass_tenant::tenant::{Addresses, Tenant};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::world::{TENANT, WRITER, WRITER_SECRET, other, seed};
use super::ways::{EPOCH_HOURS, End, Event, Fare, Number};
use crate::served::written;

/// Seconds that pass before a password is changed, so that each change has a time of its own.
const CHANGE_SECONDS: i64 = 2;

/// Times that the directory is asked after a proof when the password was changed.
const CHANGE_COUNT_MAX: u8 = 3;

/// Longer than an account is locked after wrong passwords, seconds.
const LOCK_SECONDS: i64 = 7_200;

/// The one clock of everybody.
#[derive(Debug)]
struct Hands(AtomicI64);

impl Hands {
    fn pass(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }

    fn at(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

impl breakglass_tenant::clock::Clock for Hands {
    fn now(&self) -> Timestamp {
        self.at()
    }
}

/// A tenant with many accounts, and a key of which the custodians have shares.
pub(super) struct Company {
    tenant: Tenant,
    hands: Arc<Hands>,
    folder: PathBuf,
    split: SplitKey,
    set: SignedSet,
    operator: SigningKey,
    token: Mutex<String>,
}

impl Company {
    pub(super) fn new(name: &str, accounts: usize) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("key-box-ends-{name}"));
        drop(std::fs::remove_dir_all(&folder));
        let began: Timestamp = "2026-11-27T03:00:00Z".parse().unwrap();
        let hands = Arc::new(Hands(AtomicI64::new(began.as_second())));
        let [base, manager] = [1, 2].map(|port| format!("https://127.0.0.1:{port}"));
        let tenant = Tenant::open(&folder, Addresses { base, manager }, Arc::clone(&hands) as _).unwrap();
        let mut tenant = tenant.with_hash_work(HashWork::Little);
        tenant.seed(seed(accounts).to_string().as_bytes()).unwrap();
        let fill = |buffer: &mut [u8]| SystemRandom.fill(buffer);
        let split = SealingKey::generate(fill).unwrap().split(Quorum::new(2, 3).unwrap(), fill).unwrap();
        let operator = SigningKey::generate(fill).unwrap();
        let set = SignedSet::sign(&split.set, began, &operator).unwrap();
        Self { tenant, hands, folder, split, set, operator, token: Mutex::default() }
    }

    fn asked(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let (method, path, query, body) = (method.to_owned(), path.to_owned(), query.to_owned(), body.into());
        self.tenant.answer(&Call { method, path, query, headers, body, remote: [127, 0, 0, 1].into() })
    }

    fn token(&self, form: &[(&str, &str)]) -> Value {
        let kind = [("content-type", "application/x-www-form-urlencoded")];
        let reply = self.asked("POST", &format!("/{TENANT}/oauth2/v2.0/token"), &kind, &written(form));
        let Body::Json(value) = reply.body else { panic!("{reply:?}") };
        value
    }

    /// Graph, as the one who rotates.
    fn graph(&self, method: Method, path: &str, body: &str) -> Reply {
        for _ in 0..2 {
            let token = format!("Bearer {}", self.token.lock().unwrap());
            let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
            let reply = self.asked(method.as_str(), path, &headers, body);
            if reply.status != 401 {
                return reply;
            }
            let scope = ("scope", "https://graph.microsoft.com/.default");
            let secret = [("client_id", WRITER), ("client_secret", WRITER_SECRET), scope];
            let answer = self.token(&[secret.as_slice(), &[("grant_type", "client_credentials")]].concat());
            *self.token.lock().unwrap() =
                answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
        }
        panic!("the one who rotates is not let in")
    }

    /// Whether somebody is let in with a password.
    fn lets_in(&self, name: &str, password: &str) -> bool {
        let form = [("username", name), ("password", password), ("scope", "openid")];
        let form = [form.as_slice(), &[("client_id", WRITER), ("grant_type", "password")]].concat();
        let mut answer = self.token(&form).to_string();
        if answer.contains("AADSTS50053") {
            // Too many were wrong before; the lock ends by itself.
            self.hands.pass(LOCK_SECONDS);
            answer = self.token(&form).to_string();
        }
        let is_in = answer.contains("\"access_token\"");
        assert!(is_in || answer.contains("AADSTS50126"), "{answer}");
        is_in
    }
}

impl Drop for Company {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

struct Killed;

/// A request that arrives when nobody waits for it any more.
struct Late {
    number: Number,
    path: String,
    body: String,
}

/// An account of the company, to which happens what is on a way.
struct Player<'c> {
    company: &'c Company,
    account: Account,
    store: InMemoryStore,
    depository: InMemoryDepository,
    left: Mutex<VecDeque<Event>>,
    /// Names of documents, in the order in which they were sealed.
    names: Mutex<Vec<Name>>,
    under_way: Mutex<Option<Late>>,
    late: Mutex<BTreeSet<Number>>,
    /// After a sign-in that was right: how often the time of the change is asked for without an answer.
    undated: Mutex<Option<u8>>,
    /// After a document that was kept, or not, without a word: what clears it away does not get through either.
    is_away: Mutex<bool>,
}

/// What came of a way.
pub(super) struct Played {
    pub(super) end: End,
    pub(super) sign_ins: usize,
}

/// Plays a way with one of the accounts, opens every document with enough shares, and signs in with each.
pub(super) fn played(company: &Company, number: usize, way: &[Event]) -> Played {
    let player = Player::new(company, number);
    *player.left.lock().unwrap() = way.iter().copied().collect();
    while let Some(event) = player.next() {
        player.happens(event);
    }
    player.ended(number)
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("nothing here waits"),
    }
}

impl<'c> Player<'c> {
    fn new(company: &'c Company, number: usize) -> Self {
        let (id, user_principal_name, before) = other(number);
        let account = Account { id, user_principal_name };
        let (store, depository) = (InMemoryStore::default(), InMemoryDepository::default());
        let fill = |buffer: &mut [u8]| SystemRandom.fill(buffer);
        let label = Label {
            envelope: EnvelopeId::generate(fill).unwrap(),
            set: company.split.set.clone(),
            reserve: None,
            account: account.clone(),
            credential: CredentialKind::Password,
            version: 1,
            sealed_on: company.hands.at(),
        };
        let document = seal(&Password::of_text(before), &label, &company.set, &company.operator).unwrap();
        let candidate = Name::read(&label.envelope.to_string()).unwrap();
        run(depository.keep(&candidate, document.text())).unwrap();
        let at = company.hands.at();
        let entries =
            [Entry::Prepared { candidate: candidate.clone(), at }, Entry::Settled { candidate: candidate.clone(), at }];
        note(&store, &account.id, &entries).unwrap();
        Self {
            company,
            account,
            store,
            depository,
            left: Mutex::default(),
            names: Mutex::new(vec![candidate]),
            under_way: Mutex::default(),
            late: Mutex::default(),
            undated: Mutex::default(),
            is_away: Mutex::default(),
        }
    }

    fn next(&self) -> Option<Event> {
        self.left.lock().unwrap().pop_front()
    }

    /// Something that is no step of a process.
    fn happens(&self, event: Event) {
        let (store, account, now) = (&self.store, self.account.id.as_str(), self.company.hands.at());
        match event {
            Event::Begins => self.rotates(),
            Event::Arrives => {
                let Late { number, path, body } = self.under_way.lock().unwrap().take().unwrap();
                self.changes(&path, &body);
                self.late.lock().unwrap().insert(number);
            }
            Event::Vanishes => drop(self.under_way.lock().unwrap().take().unwrap()),
            Event::Opens(number) => {
                let candidate = self.names.lock().unwrap()[usize::from(number)].clone();
                note(store, account, &[Entry::Opened { candidate, at: now }]).unwrap();
            }
            Event::Waits => self.company.hands.pass(EPOCH_HOURS * 3_600),
            Event::Settles => {
                let settled = run(settle((self, store, self), account, QUIESCENCE_HOURS_USUAL)).unwrap();
                assert!(matches!(settled, Settling::Settled(_)), "{settled:?}");
            }
            Event::Destroys => {
                let destroyed = run(destroy_superseded((&self.depository, store), account, now)).unwrap();
                assert!(!destroyed.gone.is_empty());
            }
            Event::Steps(_) | Event::KilledBefore | Event::KilledAfter(_) => panic!("no process runs for {event:?}"),
        }
    }

    /// A process, to its end or until it is killed.
    fn rotates(&self) {
        // The sign-ins of the one before it count against the budget no more.
        self.company.hands.pass(PROBE_MINUTES * 60 + 1);
        // What happens before its first step.
        self.stepped(false);
        let company = self.company;
        let rotator = Rotator {
            directory: self,
            proving: self,
            depository: self,
            store: self,
            clock: self,
            random: &SystemRandom,
            tell: &|_| {},
            is_despite_unproved: false,
            is_application_allowed: true,
        };
        let sealing = Sealing { account: &self.account, set: &company.set, reserve: None, operator: &company.operator };
        if let Err(payload) = panic::catch_unwind(AssertUnwindSafe(|| drop(run(rotator.rotate(sealing)))))
            && !payload.is::<Killed>()
        {
            panic::resume_unwind(payload);
        }
    }

    /// A step of the process: how it fares, and whether somebody is killed then.
    fn step(&self) -> (Fare, bool) {
        match self.next() {
            Some(Event::Steps(fare)) => (fare, false),
            Some(Event::KilledAfter(fare)) => (fare, true),
            Some(Event::KilledBefore) => panic::resume_unwind(Box::new(Killed)),
            other => panic!("a process goes on, and the way has {other:?}"),
        }
    }

    /// After a step: it is killed, or something happens beside it.
    fn stepped(&self, is_killed: bool) {
        if is_killed {
            panic::resume_unwind(Box::new(Killed));
        }
        loop {
            let mut left = self.left.lock().unwrap();
            let Some(Event::Arrives | Event::Vanishes | Event::Opens(_)) = left.front() else { return };
            let event = left.pop_front().unwrap();
            drop(left);
            self.happens(event);
        }
    }

    /// Sets the password at the tenant.
    fn changes(&self, path: &str, body: &str) {
        self.company.hands.pass(CHANGE_SECONDS);
        let reply = self.company.graph(Method::Patch, path, body);
        assert_eq!(reply.status, 204, "{reply:?}");
    }

    /// Opens everything and signs in with it: exactly one is let in, and the record names it among those that may count.
    fn ended(&self, number: usize) -> Played {
        let company = self.company;
        let pair = [(0, 1), (1, 2), (2, 0)][number % 3];
        let share = |at: usize| company.split.shares[at].with_words(|words| Share::read(at, words).unwrap());
        let shares = [share(pair.0), share(pair.1)];
        let key = company.split.set.recover(&shares).unwrap();
        let names = self.names.lock().unwrap().clone();
        let (mut sealed, mut right, mut sign_ins) = (BTreeSet::new(), Vec::new(), 0);
        for (at, name) in (0..).zip(&names) {
            let Some(text) = run(self.depository.read(name)).unwrap() else { continue };
            sealed.insert(at);
            let document = Document::read(&text).unwrap().confirmed(company.operator.public().fingerprint()).unwrap();
            let opened = key.open(&document).unwrap();
            sign_ins += 1;
            if opened.with_plaintext(|password| company.lets_in(&self.account.user_principal_name, password)) {
                right.push(at);
            }
        }
        let (course, _) = course_of(&self.store, &self.account.id).unwrap();
        let [knows] = right[..] else { panic!("{right:?} are let in of {sealed:?}: {course:?}") };
        let name = &names[usize::from(knows)];
        assert!(course.may_count().any(|other| other == name), "the record does not name what counts: {course:?}");
        let end = End::of((knows, &course), &names, (&sealed, &self.late.lock().unwrap()));
        // Nothing is under way, and never will be: what is settled then has to be what counts.
        company.hands.pass(EPOCH_HOURS * 3_600);
        let settled = settle((self, &self.store, self), &self.account.id, QUIESCENCE_HOURS_USUAL);
        let settled = run(settled).unwrap();
        assert!(!matches!(&settled, Settling::Settled(other) if other != name), "another is settled than what counts");
        Played { end, sign_ins }
    }
}

#[async_trait]
impl Clock for Player<'_> {
    fn now(&self) -> Timestamp {
        self.company.hands.at()
    }

    async fn sleep(&self, _: Duration) {}
}

fn lost() -> DirectoryError {
    DirectoryError::Lost { why: "it is played".to_owned() }
}

fn refused(status: u16, message: &str) -> DirectoryError {
    let (code, message) = ("Played".to_owned(), message.to_owned());
    DirectoryError::Refused(Refusal { status, code, message, request_id: None })
}

#[async_trait]
impl Directory for Player<'_> {
    async fn send(&self, request: &GraphRequest<'_>) -> Result<GraphAnswer, DirectoryError> {
        let path = request.target.as_ref();
        let mut body = request.body.clone().map_or(Value::Null, Cow::into_owned);
        let answer = |reply: Reply| {
            assert!((200..300).contains(&reply.status), "{reply:?}");
            let body = if let Body::Json(value) = reply.body { value.to_string().into_bytes() } else { Vec::new() };
            Ok(GraphAnswer { status: reply.status, body, date: Some(self.company.hands.at()), request_id: None })
        };
        if request.method == Method::Get {
            let asked = self.undated.lock().unwrap().take();
            if let Some(left) = asked.filter(|left| *left > 0) {
                *self.undated.lock().unwrap() = (left > 1).then_some(left - 1);
                if left == 1 {
                    self.stepped(false);
                }
                return Err(lost());
            }
            let reply = self.company.graph(Method::Get, path, "");
            if asked.is_some() {
                self.stepped(false);
            }
            return answer(reply);
        }
        let (fare, is_killed) = self.step();
        let Some(secret) = &request.secret else {
            let done = matches!(fare, Fare::Done).then(|| self.company.graph(request.method, path, &body.to_string()));
            self.stepped(is_killed);
            return done.map_or_else(|| Err(refused(403, "It is played.")), answer);
        };
        let (parent, member) = secret.pointer.rsplit_once('/').unwrap();
        body.pointer_mut(parent).unwrap()[member] = secret.password.with_plaintext(|text| json!(text));
        let body = body.to_string();
        match fare {
            Fare::Done | Fare::DoneUntold => self.changes(path, &body),
            Fare::UnderWay => {
                let number = Number::try_from(self.names.lock().unwrap().len() - 1).unwrap();
                *self.under_way.lock().unwrap() = Some(Late { number, path: path.to_owned(), body });
            }
            _ => {}
        }
        self.stepped(is_killed);
        match fare {
            Fare::Done => Ok(GraphAnswer { status: 204, body: Vec::new(), date: None, request_id: None }),
            Fare::Refused => Err(refused(403, "It is played.")),
            Fare::RefusedByPolicy => Err(refused(400, "The password does not comply with password complexity.")),
            _ => Err(lost()),
        }
    }

    fn origin(&self) -> String {
        "https://graph.microsoft.com".to_owned()
    }

    async fn signed_in(&self) -> Result<SignedIn, DirectoryError> {
        Ok(SignedIn {
            who: SignedInAs::Application { app_id: WRITER.to_owned() },
            tenant_id: TENANT.to_owned(),
            app_id: WRITER.to_owned(),
            permissions: Vec::new(),
            role_template_ids: Vec::new(),
        })
    }
}

#[async_trait]
impl Proving for Player<'_> {
    async fn prove(&self, name: &str, password: &Password, _: &str) -> Proof {
        let (fare, is_killed) = self.step();
        if matches!(fare, Fare::Done | Fare::DoneUndated) {
            let is_in = password.with_plaintext(|text| self.company.lets_in(name, text));
            assert!(is_in, "the tenant knows another than the one that is proved");
        }
        if fare == Fare::Undone || is_killed {
            self.stepped(is_killed);
            return Proof::Wrong { why: "it is played".to_owned() };
        }
        // The step is at its end when the time of the change was asked for.
        let is_undated = matches!(fare, Fare::DoneUndated | Fare::StaleUndated);
        *self.undated.lock().unwrap() = Some(if is_undated { CHANGE_COUNT_MAX } else { 0 });
        Proof::Right
    }
}

#[async_trait]
impl Depository for Player<'_> {
    fn place(&self) -> String {
        "a test".to_owned()
    }

    async fn keep(&self, name: &Name, text: &str) -> Result<(), DepositoryError> {
        let (fare, is_killed) = self.step();
        if fare != Fare::Undone {
            self.depository.keep(name, text).await?;
            self.names.lock().unwrap().push(name.clone());
        }
        if fare == Fare::Done && !is_killed {
            // The step is at its end as it was read back.
            return Ok(());
        }
        self.stepped(is_killed);
        *self.is_away.lock().unwrap() = true;
        Err(DepositoryError::Unanswered { place: self.place(), why: "it is played".to_owned() })
    }

    async fn read(&self, name: &Name) -> Result<Option<String>, DepositoryError> {
        let found = self.depository.read(name).await;
        self.stepped(false);
        found
    }

    async fn names(&self) -> Result<Vec<Name>, DepositoryError> {
        self.depository.names().await
    }

    async fn destroy(&self, name: &Name) -> Result<(), DepositoryError> {
        if std::mem::take(&mut *self.is_away.lock().unwrap()) {
            return Err(DepositoryError::Unanswered { place: self.place(), why: "it is played".to_owned() });
        }
        self.depository.destroy(name).await
    }
}

impl Store for Player<'_> {
    fn append(&self, stream: &str, at: usize, entry: &Value) -> Result<(), StoreError> {
        if entry["state"] == "probing" {
            // It is the beginning of a sign-in, and no step of its own.
            return self.store.append(stream, at, entry);
        }
        let (fare, is_killed) = self.step();
        if fare != Fare::Undone {
            self.store.append(stream, at, entry)?;
        }
        self.stepped(is_killed);
        match fare {
            Fare::Done => Ok(()),
            _ => Err(StoreError::Unusable { place: "a test".to_owned(), why: "it is played".to_owned() }),
        }
    }

    fn entries(&self, stream: &str) -> Result<Vec<Value>, StoreError> {
        self.store.entries(stream)
    }

    fn streams(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.store.streams(prefix)
    }
}
