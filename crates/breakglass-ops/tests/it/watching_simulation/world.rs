//! A world in which days go badly: a tenant's Graph that is slow, throttles, loses and cuts its answers while more is written
//! into its log; the clock of this machine, which jumps; providers that refuse, hang, or take and do not say so; a store behind
//! which the watcher is killed.
//!
//! A transaction of the store is whole, so that whoever is killed between any two statements was killed before a call of the
//! store took effect, or after it did; from then on nothing that it calls does anything.

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use breakglass_custody::name::Name;
use breakglass_ops::ports::{
    Batch, Behind, Channel, Clock, DELIVER_SECONDS_MAX, DeliveryKey, Directory, DirectoryError, GraphAnswer,
    GraphRequest, InMemoryWatch, KeptDelivery, KeptEvent, Lent, Random, RandomError, Refusal, SignedIn, SignedInAs,
    Store, StoreError, Tried, Untaken, WatchStore,
};
use breakglass_ops::watching::event::EventId;
use breakglass_ops::watching::message::Message;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::log::{INTERACTIVE, Log, Telling};
use super::{Counts, Numbers};

const ORIGIN: &str = "https://graph.example";

/// Hours by which this machine's clock is wrong at most.
const WRONG_HOURS_MAX: i64 = 6;

/// What was kept, in its place among all that was kept and taken.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) order: u64,
    pub(crate) batch: Batch,
}

/// What a provider has taken.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) order: u64,
    pub(crate) key: DeliveryKey,
    /// By which the provider knows what comes twice.
    pub(crate) idempotency_key: String,
    pub(crate) message: Message,
}

/// What came of a world.
pub(crate) struct Ended {
    pub(crate) kept: Vec<Kept>,
    pub(crate) taken: Vec<Taken>,
    pub(crate) counts: Counts,
}

pub(crate) struct World {
    pub(crate) log: Log,
    state: Mutex<State>,
}

struct State {
    /// By Graph's clock.
    now: Timestamp,
    /// Seconds by which this machine's clock is ahead of it.
    ahead: i64,
    numbers: Numbers,
    is_quiet: bool,
    /// Records of a page.
    page: usize,
    /// When the first question of a poll was answered, and whether a reading began with it.
    begun: Option<(Timestamp, bool)>,
    order: u64,
    kept: Vec<Kept>,
    taken: Vec<Taken>,
    counts: Counts,
}

impl World {
    pub(crate) fn new(log: Log, mut numbers: Numbers, now: Timestamp) -> Self {
        let page = 15 + numbers.below(30);
        let (kept, taken, counts) = Default::default();
        let (ahead, is_quiet, begun, order) = (0, false, None, 0);
        let state = State { now, ahead, numbers, is_quiet, page, begun, order, kept, taken, counts };
        Self { log, state: Mutex::new(state) }
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.lock().unwrap())
    }

    /// Graph's time.
    pub(crate) fn graph_now(&self) -> Timestamp {
        self.with(|state| state.now)
    }

    /// Time passes, everywhere.
    pub(crate) fn pass(&self, seconds: i64) {
        self.with(|state| state.pass(seconds));
    }

    /// This machine's clock is set to another time.
    pub(crate) fn jump(&self) {
        self.with(State::jump);
    }

    /// Nothing fails any more.
    pub(crate) fn calm_down(&self) {
        self.with(|state| state.is_quiet = true);
    }

    /// A poll begins.
    pub(crate) fn begin_poll(&self) {
        self.with(|state| state.begun = None);
    }

    /// When a reading began, if the poll that began last began one with its first question.
    pub(crate) fn reading_began(&self) -> Option<Timestamp> {
        self.with(|state| state.begun.filter(|(_, is_first)| *is_first).map(|(at, _)| at))
    }

    pub(crate) fn count(&self, what: &'static str) {
        self.with(|state| state.counts.add(what, 1));
    }

    pub(crate) fn ended(&self) -> Ended {
        self.with(|state| Ended {
            kept: std::mem::take(&mut state.kept),
            taken: std::mem::take(&mut state.taken),
            counts: std::mem::take(&mut state.counts),
        })
    }

    /// The page that a question is answered with, as the log stands.
    fn page(&self, (question, target): (&Question, &str), (now, count): (Timestamp, usize)) -> Value {
        let is_found = |telling: &&Telling| {
            let is_one = |(property, value): &(String, String)| telling.record[property.as_str()] == value.as_str();
            telling.is_shown(now)
                && telling.at >= question.from
                && telling.kind == question.kind
                && question.whom.iter().any(is_one)
        };
        let mut found: Vec<&Telling> = self.log.tellings.iter().filter(is_found).collect();
        found.sort_by(|one, other| (other.at, &other.id).cmp(&(one.at, &one.id)));
        let count = count.min(question.top);
        let page: Vec<&Value> = found.iter().skip(question.skip).take(count).map(|telling| &telling.record).collect();
        let mut answer = json!({ "@odata.context": "a test", "value": page });
        if question.skip + count < found.len() {
            let first = target.split("&$skiptoken=").next().unwrap().trim_start_matches(ORIGIN);
            answer["@odata.nextLink"] = json!(format!("{ORIGIN}{first}&$skiptoken={}", question.skip + count));
        }
        answer
    }
}

impl State {
    fn pass(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
    }

    fn jump(&mut self) {
        let most = WRONG_HOURS_MAX * 3_600;
        self.ahead = self.numbers.seconds(2 * most) - most;
        self.counts.add("jumps", 1);
    }

    /// What goes wrong with a question, if something does.
    fn fault(&mut self, question: &Question) -> Option<Result<GraphAnswer, DirectoryError>> {
        if self.is_quiet {
            return None;
        }
        if self.numbers.below(50) == 0 {
            self.jump();
        }
        let refused = |status: u16, code: &str| {
            let (code, message) = (code.to_owned(), "a test".to_owned());
            Some(Err(DirectoryError::Refused(Refusal { status, code, message, request_id: None })))
        };
        let (what, fault) = match self.numbers.below(30) {
            0 => ("429 without Retry-After", refused(429, "TooManyRequests")),
            // Whoever keeps the port waits as long as it is told to, and is answered then.
            1 => {
                let seconds = 10 + self.numbers.seconds(110);
                self.pass(seconds);
                ("429 with Retry-After", None)
            }
            2 => ("503", refused(503, "ServiceUnavailable")),
            3 => ("lost answers", Some(Err(DirectoryError::Lost { why: "cut off".to_owned() }))),
            4 => ("malformed pages", Some(Ok(answered(b"{\"value\": [{\"id\": ".to_vec(), self.now)))),
            5 if question.skip > 0 => ("expired links", refused(400, "BadRequest")),
            _ => return None,
        };
        self.counts.add(what, 1);
        fault
    }

    fn take(&mut self, key: &DeliveryKey, message: &Message) {
        let is_again = self.taken.iter().any(|taken| taken.key == *key);
        self.counts.add("taken twice", usize::from(is_again));
        self.order += 1;
        let (key, idempotency_key, message) = (key.clone(), key.idempotency_key(), message.clone());
        self.taken.push(Taken { order: self.order, key, idempotency_key, message });
    }
}

/// An answer that says yes.
pub(crate) fn answered(body: Vec<u8>, date: Timestamp) -> GraphAnswer {
    GraphAnswer { status: 200, body, date: Some(date), request_id: None }
}

/// A target without its percents.
pub(crate) fn decoded(target: &str) -> String {
    let mut parts = target.split('%');
    let mut bytes = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at(2);
        bytes.push(u8::from_str_radix(digits, 16).unwrap());
        bytes.extend(rest.bytes());
    }
    String::from_utf8(bytes).unwrap()
}

/// A question about sign-ins, as Graph reads it; what it does not know, it does not let pass.
struct Question {
    from: Timestamp,
    kind: String,
    /// Properties and their values, of which one has to be so.
    whom: Vec<(String, String)>,
    top: usize,
    skip: usize,
}

impl Question {
    fn read(target: &str) -> Self {
        let text = decoded(target.trim_start_matches(ORIGIN));
        let (path, query) = text.split_once('?').unwrap();
        assert_eq!(path, "/beta/auditLogs/signIns");
        // Without a filter it is only what somebody sat at.
        let (kind, whom) = (INTERACTIVE.to_owned(), Vec::new());
        let mut question = Self { from: Timestamp::MIN, kind, whom, top: 1_000, skip: 0 };
        for option in query.split('&') {
            match option.split_once('=').unwrap() {
                ("$filter", filter) => filter.splitn(3, " and ").for_each(|clause| question.add(clause)),
                ("$top", number) => question.top = number.parse().unwrap(),
                ("$skiptoken", number) => question.skip = number.parse().unwrap(),
                other => panic!("{other:?}"),
            }
        }
        assert!((1..=1_000).contains(&question.top) && !question.whom.is_empty(), "{text}");
        question
    }

    fn add(&mut self, clause: &str) {
        let within = |text: &str, before: &str, after: &str| {
            text.strip_prefix(before).and_then(|rest| rest.strip_suffix(after)).map(str::to_owned)
        };
        if let Some(from) = within(clause, "createdDateTime ge ", "") {
            self.from = from.parse().unwrap();
        } else if let Some(kind) = within(clause, "signInEventTypes/any(t: t eq '", "')") {
            self.kind = kind;
        } else {
            let list = within(clause, "(", ")").unwrap_or_else(|| panic!("{clause}"));
            self.whom.extend(list.split(" or ").map(|one| {
                let (property, value) = one.split_once(" eq ").unwrap();
                (property.to_owned(), within(value, "'", "'").unwrap().replace("''", "'"))
            }));
        }
    }

    /// Whether a reading begins with it.
    fn is_first(&self) -> bool {
        self.skip == 0 && self.kind == INTERACTIVE && self.whom.iter().all(|(property, _)| property == "userId")
    }
}

#[async_trait]
impl Directory for World {
    async fn send(&self, request: &GraphRequest<'_>) -> Result<GraphAnswer, DirectoryError> {
        let question = Question::read(&request.target);
        self.with(|state| {
            let seconds = state.numbers.seconds(3);
            state.pass(seconds);
            if let Some(fault) = state.fault(&question) {
                return fault;
            }
            state.begun = state.begun.or(Some((state.now, question.is_first())));
            let page = self.page((&question, &request.target), (state.now, state.page));
            Ok(answered(page.to_string().into_bytes(), state.now))
        })
    }

    fn origin(&self) -> String {
        ORIGIN.to_owned()
    }

    async fn signed_in(&self) -> Result<SignedIn, DirectoryError> {
        let app_id = "a test".to_owned();
        Ok(SignedIn {
            who: SignedInAs::Application { app_id: app_id.clone() },
            tenant_id: "a tenant".to_owned(),
            app_id,
            permissions: Vec::new(),
            role_template_ids: Vec::new(),
        })
    }
}

/// This machine's clock, and its database's.
#[async_trait]
impl Clock for World {
    fn now(&self) -> Timestamp {
        self.with(|state| state.now + SignedDuration::from_secs(state.ahead))
    }

    async fn sleep(&self, duration: Duration) {
        self.pass(i64::try_from(duration.as_secs()).unwrap());
    }
}

impl Random for World {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
        self.with(|state| buffer.iter_mut().for_each(|byte| *byte = state.numbers.draw().to_le_bytes()[0]));
        Ok(())
    }
}

/// A way to tell somebody.
pub(crate) struct Way<'w> {
    pub(crate) name: Name,
    pub(crate) world: &'w World,
}

#[async_trait]
impl Channel for Way<'_> {
    fn name(&self) -> &Name {
        &self.name
    }

    async fn deliver(&self, key: &DeliveryKey, message: &Message) -> Result<(), Untaken> {
        assert_eq!(key.channel, self.name);
        let later = |retry_after_seconds| Err(Untaken::Later { why: "a test".to_owned(), retry_after_seconds });
        self.world.with(|state| {
            let chance = if state.is_quiet { usize::MAX } else { state.numbers.below(12) };
            let (what, answer) = match chance {
                0 => ("refused", Err(Untaken::Refused { why: "a test".to_owned() })),
                1 => ("told to come later", later(Some(state.numbers.seconds(7_200)))),
                2 => {
                    state.pass(i64::try_from(DELIVER_SECONDS_MAX).unwrap());
                    ("hung", later(None))
                }
                3 => {
                    state.take(key, message);
                    ("taken and not said", later(None))
                }
                _ => {
                    state.take(key, message);
                    ("taken", Ok(()))
                }
            };
            state.counts.add(what, 1);
            answer
        })
    }
}

/// The store, as one watcher has it until it is killed.
pub(crate) struct Mortal<'w> {
    store: &'w InMemoryWatch,
    world: &'w World,
    /// Calls until then; `None` once it is.
    left: Mutex<Option<usize>>,
}

impl<'w> Mortal<'w> {
    pub(crate) fn new(store: &'w InMemoryWatch, world: &'w World, left: usize) -> Self {
        Self { store, world, left: Mutex::new(Some(left)) }
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.left.lock().unwrap().is_none()
    }

    fn call<T>(&self, work: impl FnOnce(&InMemoryWatch) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.store.set_clock(self.world.now());
        let killed = || StoreError::Unusable { place: "a test".to_owned(), why: "the watcher was killed".to_owned() };
        let mut left = self.left.lock().unwrap();
        let Some(count) = *left else { return Err(killed()) };
        *left = count.checked_sub(1);
        if count > 0 {
            return work(self.store);
        }
        if self.world.with(|state| state.numbers.below(2)) == 0 {
            self.world.count("killed before a call");
        } else {
            self.world.count("killed after a call");
            drop(work(self.store));
        }
        Err(killed())
    }
}

impl Store for Mortal<'_> {
    fn append(&self, stream: &str, at: usize, entry: &Value) -> Result<(), StoreError> {
        self.call(|store| store.append(stream, at, entry))
    }

    fn entries(&self, stream: &str) -> Result<Vec<Value>, StoreError> {
        self.call(|store| store.entries(stream))
    }

    fn streams(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.call(|store| store.streams(prefix))
    }
}

impl WatchStore for Mortal<'_> {
    fn keep(&self, batch: &Batch) -> Result<(), StoreError> {
        self.call(|store| {
            store.keep(batch)?;
            self.world.with(|state| {
                state.order += 1;
                state.kept.push(Kept { order: state.order, batch: batch.clone() });
            });
            Ok(())
        })
    }

    fn cursor(&self, source: &Name) -> Result<Option<Value>, StoreError> {
        self.call(|store| store.cursor(source))
    }

    fn event(&self, id: &EventId) -> Result<Option<KeptEvent>, StoreError> {
        self.call(|store| store.event(id))
    }

    fn events(&self, incident: &str, after: u64, count_max: usize) -> Result<Vec<KeptEvent>, StoreError> {
        self.call(|store| store.events(incident, after, count_max))
    }

    fn behind(&self, incident: &str, after: u64) -> Result<Behind, StoreError> {
        self.call(|store| store.behind(incident, after))
    }

    fn lend(&self, channel: &Name, seconds: i64) -> Result<Option<Lent>, StoreError> {
        self.call(|store| store.lend(channel, seconds))
    }

    fn tried(&self, lent: &Lent, tried: &Tried) -> Result<bool, StoreError> {
        self.call(|store| store.tried(lent, tried))
    }

    fn deliveries(&self, incident: &str) -> Result<Vec<KeptDelivery>, StoreError> {
        self.call(|store| store.deliveries(incident))
    }
}
