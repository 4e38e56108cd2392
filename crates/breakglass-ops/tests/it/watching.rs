//! Sign-ins of emergency accounts, taken in from logs that come late, twice, out of order and in parts, by watchers that are
//! stopped anywhere: a referee that only looks through what was kept finds every one of them told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use breakglass_custody::name::Name;
use breakglass_model::sign_in_record::SignInRecord;
use breakglass_ops::ports::{
    Batch, Behind, Clock, Delivery, DeliveryState, InMemoryWatch, KeptDelivery, KeptEvent, Lent, MovedCursor, Store,
    StoreError, Tried, WatchStore,
};
use breakglass_ops::watching::answering::{AnswerError, answer};
use breakglass_ops::watching::event::{Event, EventId, NoEvent, Reached};
use breakglass_ops::watching::incident::{Because, Class, Entry, EntryError, GROUPED_SECONDS, Incident, Via};
use breakglass_ops::watching::ladder::{Ladder, Route};
use breakglass_ops::watching::message::{EVENT_COUNT_MAX, Message};
use breakglass_ops::watching::taking::{PREFIX, Watcher, incidents};
use breakglass_testkit::{is_full, seed_for};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const ACCOUNTS: [&str; 2] = ["00000000-0000-4000-8000-0000000000b1", "00000000-0000-4000-8000-0000000000b2"];

const START: &str = "2026-11-28T03:00:00Z";

fn name(text: &str) -> Name {
    Name::read(text).unwrap()
}

fn second(seconds: i64) -> Timestamp {
    START.parse::<Timestamp>().unwrap() + SignedDuration::from_secs(seconds)
}

fn ladder() -> Ladder {
    let route = |channel: &str, recipient: &str, from_step| Route {
        channel: name(channel),
        recipient: name(recipient),
        from_step,
    };
    let routes =
        vec![route("mail", "eva", 0), route("mail", "max", 1), route("sms", "max", 1), route("hook", "soc", 0)];
    Ladder { routes, wait_seconds: 300 }
}

fn record(id: &str, account: &str, code: i64, more: &Value) -> Value {
    let mut record = json!({
        "id": id, "userId": account, "createdDateTime": START, "status": { "errorCode": code },
        "userPrincipalName": "bg@contoso.onmicrosoft.com",
    });
    record.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    record
}

fn read(record: &Value) -> Result<Event, NoEvent> {
    let text = record.to_string();
    Event::of_sign_in(&SignInRecord::from_json(text.as_bytes()).unwrap(), None, |account| ACCOUNTS.contains(&account))
}

fn event(id: &str, account: usize, code: i64) -> Event {
    read(&record(id, ACCOUNTS[account], code, &json!({}))).unwrap()
}

#[test]
fn an_event_is_of_an_account_by_its_id() {
    let capital = ACCOUNTS[0].to_ascii_uppercase();
    let cases = [
        (record("a", &capital, 0, &json!({})), Ok(Reached::Token)),
        (record("a", &capital, 50_126, &json!({})), Ok(Reached::Nothing)),
        (record("a", &capital, 50_076, &json!({})), Ok(Reached::Credential)),
        (record("a", &capital, 50_053, &json!({})), Ok(Reached::Unsaid)),
        (record("a", &capital, 1, &json!({ "status": null })), Ok(Reached::Unsaid)),
        (record("a", "00000000-0000-4000-8000-000000000001", 0, &json!({})), Err(NoEvent::Other)),
        // Only the name is an emergency account's: it can be changed, and says nothing.
        (record("a", "bg@contoso.onmicrosoft.com", 50_126, &json!({})), Err(NoEvent::Unresolved)),
        (record("a", "", 50_126, &json!({ "userPrincipalName": "" })), Err(NoEvent::Unresolved)),
        (record("", ACCOUNTS[0], 0, &json!({})), Err(NoEvent::Incomplete)),
        (record("a", ACCOUNTS[0], 0, &json!({ "createdDateTime": null })), Err(NoEvent::Incomplete)),
        (json!({ "category": "AuditLogs", "properties": { "id": "a", "userId": ACCOUNTS[0] } }), Err(NoEvent::Other)),
    ];
    for (record, expected) in cases {
        assert_eq!(read(&record).map(|event| event.reached), expected, "{record}");
    }
    for (category, expected) in [("SignInLogs", true), ("NonInteractiveUserSignInLogs", false)] {
        let properties = record("a", ACCOUNTS[0], 0, &json!({}));
        let wrapped = json!({ "category": category, "time": START, "properties": properties });
        assert_eq!(read(&wrapped).unwrap().is_interactive, Some(expected));
    }
}

#[test]
fn what_is_known_of_a_sign_in_never_becomes_less() {
    let poor = event("a", 0, 50_076);
    let rich = read(&record("A", ACCOUNTS[0], 0, &json!({ "ipAddress": "192.0.2.7", "appDisplayName": "Azure CLI" })))
        .unwrap();
    for (first, second) in [(&poor, &rich), (&rich, &poor)] {
        let both = first.with(second);
        assert_eq!((both.reached, both.error_code), (Reached::Token, Some(0)));
        assert_eq!(both.ip_address.as_deref(), Some("192.0.2.7"));
        assert_eq!(both.with(&poor), both);
        assert_eq!(both.with(&rich), both);
    }
}

/// Entries in short: `alert 1 2 token` is alert 1 up to sign-in 2, at which somebody got that far.
fn entry(text: &str) -> Entry {
    let words: Vec<&str> = text.split(' ').collect();
    let number = |at: usize| words[at].parse::<u64>().unwrap();
    let at = second(0);
    match words[0] {
        "open" => Entry::Opened { account: ACCOUNTS[0].to_owned(), user_principal_name: None, at },
        "alert" => Entry::Alerted {
            number: u32::try_from(number(1)).unwrap(),
            because: Because::SignedIn,
            covers: number(2),
            newly: words.get(3).map(|word| serde_json::from_value(json!(word)).unwrap()),
            step: 0,
            at,
        },
        "ack" => Entry::Acknowledged { by: name("eva"), via: Via::Command, covers: number(1), at },
        "drill" => Entry::Classified {
            class: Class::Drill,
            by: name("eva"),
            covers: number(1),
            reason: words[2..].join(" "),
            at,
        },
        "sealed" => Entry::Resealed { covers: number(1), at },
        "close" => Entry::Closed { by: name("eva"), post_mortem: words[1..].join(" "), at },
        other => panic!("{other}"),
    }
}

#[test]
fn an_incident_takes_what_can_follow_and_closes_only_when_all_is_said() {
    let cases: [(&str, Option<EntryError>); 17] = [
        ("alert 1 1 token", Some(EntryError::Order)),
        ("open, open", Some(EntryError::Order)),
        ("open, alert 2 1 token", Some(EntryError::Alert)),
        ("open, alert 1 0", Some(EntryError::Alert)),
        ("open, alert 1 1", Some(EntryError::Alert)),
        ("open, alert 1 2 nothing, alert 2 1 nothing", Some(EntryError::Alert)),
        ("open, alert 1 2 nothing, alert 2 2 nothing", Some(EntryError::Alert)),
        ("open, alert 1 2 nothing, alert 2 2, ack 2", None),
        ("open, ack 1", Some(EntryError::NotTold)),
        ("open, alert 1 2 nothing, ack 3", Some(EntryError::NotTold)),
        ("open, alert 1 1 nothing, close over", Some(EntryError::NotClassified)),
        ("open, alert 1 1 nothing, drill 1 x, alert 2 2 nothing, close over", Some(EntryError::NotClassified)),
        ("open, alert 1 1 nothing, drill 1 x, close over, ack 1", Some(EntryError::Closed)),
        ("open, alert 1 1 credential, drill 1 x, close over", Some(EntryError::NotResealed)),
        // Another right password after the new one was sealed.
        ("open, alert 1 1 token, sealed 1, alert 2 2 credential, drill 2 x, close over", Some(EntryError::NotResealed)),
        ("open, alert 1 1 token, drill 1 x, sealed 1, close over", None),
        ("open, alert 1 2 nothing, drill 2 x, drill 1 y", Some(EntryError::Less)),
    ];
    for (text, expected) in cases {
        let entries: Vec<Entry> = text.split(", ").map(entry).collect();
        assert_eq!(Incident::of(&entries).err(), expected, "{text}");
    }
    let good: Vec<Entry> = ["open", "alert 1 1 nothing"].map(entry).to_vec();
    for text in ["drill 1  ", "close "] {
        let last = if text.starts_with('d') { vec![entry(text)] } else { vec![entry("drill 1 x"), entry(text)] };
        assert_eq!(Incident::of(good.iter().chain(&last)).err(), Some(EntryError::Text), "{text}");
    }
}

/// The clock of everybody.
struct Hands(AtomicI64);

#[async_trait]
impl Clock for Hands {
    fn now(&self) -> Timestamp {
        second(self.0.load(Ordering::SeqCst))
    }

    async fn sleep(&self, _: Duration) {}
}

/// Calls `run` with a store, a clock and a watcher.
fn watched<T>(run: impl FnOnce(&InMemoryWatch, &Hands, &Watcher<'_>) -> T) -> T {
    let (store, hands, ladder) = (InMemoryWatch::new(second(0)), Hands(AtomicI64::new(0)), ladder());
    run(&store, &hands, &Watcher::new(&store, &hands, &ladder))
}

fn because(store: &dyn WatchStore, stream: &str) -> Vec<(Because, u64, u16)> {
    let entries = store.entries(stream).unwrap().into_iter();
    let alerts = entries.filter_map(|value| match serde_json::from_value(value).unwrap() {
        Entry::Alerted { because, covers, step, .. } => Some((because, covers, step)),
        _ => None,
    });
    alerts.collect()
}

#[test]
fn who_gets_in_is_told_at_once_and_what_fails_is_counted() {
    watched(|store, hands, watcher| {
        let at = |seconds: i64| hands.0.store(seconds, Ordering::SeqCst);
        watcher.take(&[event("a", 0, 50_126), event("b", 0, 50_126)], None).unwrap();
        // The same again, and more of the same.
        watcher.take(&[event("b", 0, 50_126), event("c", 0, 50_126)], None).unwrap();
        at(GROUPED_SECONDS[0] - 1);
        watcher.tick().unwrap();
        assert_eq!(because(store, "incident/1"), [(Because::Opened, 2, 0)]);
        at(GROUPED_SECONDS[0]);
        watcher.tick().unwrap();
        watcher.take(&[event("d", 0, 50_076)], None).unwrap();
        watcher.take(&[event("e", 0, 0), event("f", 1, 50_126)], None).unwrap();
        watcher.take(&[event("e", 0, 0)], None).unwrap();
        // It was interrupted first, and then somebody was in by it.
        let taken = watcher.take(&[event("d", 0, 0)], None).unwrap();
        assert_eq!((taken.new_count, taken.raised_count, taken.alert_count), (0, 1, 1));
        let expected = [
            (Because::Opened, 2, 0),
            (Because::MoreTries, 3, 0),
            (Because::Further, 4, 0),
            (Because::SignedIn, 5, 0),
            (Because::SignedIn, 6, 0),
        ];
        assert_eq!(because(store, "incident/1"), expected);
        assert_eq!(because(store, "incident/2"), [(Because::Opened, 1, 0)]);
        assert_eq!(store.event(&event("d", 0, 0).id).unwrap().unwrap().number, 6);
        // Nobody answers.
        at(GROUPED_SECONDS[0] + 300);
        watcher.tick().unwrap();
        assert_eq!(because(store, "incident/1").last(), Some(&(Because::Unanswered, 6, 1)));
        let of_last = store.deliveries("incident/1").unwrap();
        let of_last = of_last.iter().filter(|kept| kept.delivery.key.alert == 6);
        let told: Vec<String> =
            of_last.map(|kept| format!("{} {}", kept.delivery.key.channel, kept.delivery.key.recipient)).collect();
        assert_eq!(told, ["hook soc", "mail eva", "mail max", "sms max"]);
    });
}

#[test]
fn a_message_says_what_is_new_and_counts_the_rest() {
    watched(|store, hands, watcher| {
        let many: Vec<Event> = (0..25).map(|at| event(&format!("e{at:02}"), 0, 50_126)).collect();
        watcher.take(&many, None).unwrap();
        let message = |alert: u32| -> Message {
            let all = store.deliveries("incident/1").unwrap();
            let mut of_it = all.iter().filter(|kept| kept.delivery.key.alert == alert);
            serde_json::from_value(of_it.next().unwrap().delivery.message.clone()).unwrap()
        };
        let first = message(1);
        assert_eq!((first.new_count, first.events.len()), (25, EVENT_COUNT_MAX));
        assert_eq!((first.events[0].id.as_str(), first.newly), ("e24", Some(Reached::Nothing)));
        watcher.take(&[event("in", 0, 0), event("e03", 0, 50_076)], None).unwrap();
        let second = message(2);
        let ids: Vec<&str> = second.events.iter().map(|event| event.id.as_str()).collect();
        assert_eq!((second.new_count, ids), (2, vec!["in", "e03"]));
        assert_eq!((second.because, second.furthest), (Because::SignedIn, Reached::Token));
        hands.0.store(300, Ordering::SeqCst);
        watcher.tick().unwrap();
        let third = message(3);
        assert_eq!((third.new_count, third.newly, third.events.len()), (0, None, EVENT_COUNT_MAX));
        assert_eq!(third.events[0].id.as_str(), "in");
    });
}

#[test]
fn a_source_goes_on_where_somebody_else_left_it() {
    watched(|store, _, watcher| {
        let moved = |before: Option<&str>, after: &str| {
            Some(MovedCursor { source: name("graph"), before: before.map(|text| json!(text)), after: json!(after) })
        };
        watcher.take(&[event("a", 0, 0)], moved(None, "one")).unwrap();
        watcher.take(&[event("b", 0, 0)], moved(None, "two")).unwrap();
        assert_eq!(store.cursor(&name("graph")).unwrap(), Some(json!("one")));
        assert_eq!(because(store, "incident/1").len(), 2);
        watcher.take(&[], moved(Some("one"), "three")).unwrap();
        assert_eq!(store.cursor(&name("graph")).unwrap(), Some(json!("three")));
    });
}

#[test]
fn an_incident_that_makes_no_sense_is_named_and_keeps_nobody_from_being_told() {
    watched(|store, _, watcher| {
        watcher.take(&[event("a", 0, 0)], None).unwrap();
        store.append("incident/1", 2, &json!({ "state": "nonsense" })).unwrap();
        let taken = watcher.take(&[event("b", 0, 0)], None).unwrap();
        assert_eq!(taken.damaged.len(), 1);
        assert_eq!(taken.damaged[0].stream, "incident/1");
        assert_eq!(because(store, "incident/2"), [(Because::Opened, 1, 0)]);
    });
}

#[test]
fn a_clock_that_was_far_ahead_keeps_no_alert_back() {
    watched(|store, hands, watcher| {
        hands.0.store(86_400 * 365, Ordering::SeqCst);
        watcher.take(&[event("a", 0, 50_126)], None).unwrap();
        hands.0.store(0, Ordering::SeqCst);
        watcher.take(&[event("b", 0, 50_126)], None).unwrap();
        assert_eq!(because(store, "incident/1"), [(Because::Opened, 1, 0), (Because::MoreTries, 2, 0)]);
    });
}

/// A store of which some calls fail: nothing was kept, or it was and nobody knows; or somebody else comes first.
struct Frail<'s> {
    store: &'s InMemoryWatch,
    numbers: Mutex<Numbers>,
    /// Whether somebody else is at work, to whom nothing happens.
    is_rival: AtomicBool,
    kept: Mutex<Vec<Batch>>,
}

/// Numbers that follow from a seed.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    /// The next, from 0 up to an end.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}

impl Store for Frail<'_> {
    fn append(&self, stream: &str, at: usize, entry: &Value) -> Result<(), StoreError> {
        self.store.append(stream, at, entry)
    }

    fn entries(&self, stream: &str) -> Result<Vec<Value>, StoreError> {
        self.store.entries(stream)
    }

    fn streams(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.store.streams(prefix)
    }
}

impl WatchStore for Frail<'_> {
    fn keep(&self, batch: &Batch) -> Result<(), StoreError> {
        let killed = || StoreError::Unusable { place: "a test".to_owned(), why: "killed".to_owned() };
        let chance = self.numbers.lock().unwrap().below(8);
        match chance {
            _ if self.is_rival.load(Ordering::SeqCst) => {}
            0 => return Err(killed()),
            2 => {
                self.is_rival.store(true, Ordering::SeqCst);
                let (hands, ladder, at) = (Hands(AtomicI64::new(0)), ladder(), self.kept.lock().unwrap().len());
                let other = event(&format!("rival-{at}"), at % 2, [0, 50_126, 50_076][at % 3]);
                Watcher::new(self, &hands, &ladder).take(&[other], None).unwrap();
                self.is_rival.store(false, Ordering::SeqCst);
            }
            _ => {}
        }
        self.store.keep(batch)?;
        self.kept.lock().unwrap().push(batch.clone());
        if chance == 1 && !self.is_rival.load(Ordering::SeqCst) { Err(killed()) } else { Ok(()) }
    }

    fn cursor(&self, source: &Name) -> Result<Option<Value>, StoreError> {
        self.store.cursor(source)
    }

    fn event(&self, id: &EventId) -> Result<Option<KeptEvent>, StoreError> {
        self.store.event(id)
    }

    fn events(&self, incident: &str, after: u64, count_max: usize) -> Result<Vec<KeptEvent>, StoreError> {
        self.store.events(incident, after, count_max)
    }

    fn behind(&self, incident: &str, after: u64) -> Result<Behind, StoreError> {
        self.store.behind(incident, after)
    }

    fn lend(&self, channel: &Name, seconds: i64) -> Result<Option<Lent>, StoreError> {
        self.store.lend(channel, seconds)
    }

    fn tried(&self, lent: &Lent, tried: &Tried) -> Result<bool, StoreError> {
        self.store.tried(lent, tried)
    }

    fn deliveries(&self, incident: &str) -> Result<Vec<KeptDelivery>, StoreError> {
        self.store.deliveries(incident)
    }
}

/// What happened, as the log has it at last: sign-ins of two emergency accounts and of others, each with what it is first told
/// as, and from which page on.
struct Log {
    first: Vec<Event>,
    last: Vec<Event>,
}

impl Log {
    fn new(numbers: &mut Numbers) -> Self {
        let codes = [50_126, 50_126, 50_126, 50_053, 50_076, 0];
        let (mut first, mut last) = (Vec::new(), Vec::new());
        for at in 0..20 + numbers.below(20) {
            let (id, account) = (format!("s{at}"), numbers.below(2));
            let code = codes[numbers.below(codes.len())];
            last.push(event(&id, account, code));
            // Before its second factor it was an interrupt.
            let is_interrupt = code == 0 && numbers.below(2) == 0;
            first.push(event(&id, account, if is_interrupt { 50_076 } else { code }));
        }
        Self { first, last }
    }

    /// What a source tells when so much has happened: late, twice, in no order, and each as it is known then.
    fn page(&self, until: usize, numbers: &mut Numbers) -> Vec<Event> {
        let from = until.saturating_sub(8);
        let mut page: Vec<Event> = Vec::new();
        for at in from..until.min(self.last.len()) {
            // What is a few pages old is told as it was at last.
            let is_late = at + 2 >= until && numbers.below(3) == 0;
            if !is_late {
                let of = if at + 4 < until || numbers.below(2) == 0 { &self.last } else { &self.first };
                page.push(of[at].clone());
            }
            if numbers.below(4) == 0 {
                page.push(self.first[at].clone());
            }
        }
        for at in (1..page.len()).rev() {
            page.swap(at, numbers.below(at + 1));
        }
        page
    }
}

/// What a run came to.
#[derive(Debug, Default)]
struct Counts {
    events: usize,
    alerts: usize,
    failures: usize,
    rivals: usize,
    at_once: usize,
    closed: usize,
}

/// Plays a log from start to end, and looks through what was kept.
fn played(numbers: Numbers, counts: &mut Counts) {
    let (store, hands, ladder) = (InMemoryWatch::new(second(0)), Hands(AtomicI64::new(0)), ladder());
    let mut numbers = numbers;
    let log = Log::new(&mut numbers);
    let frail = Frail {
        store: &store,
        numbers: Mutex::new(Numbers(numbers.0 ^ 0x5bd1_e995)),
        is_rival: AtomicBool::new(false),
        kept: Mutex::default(),
    };
    let mut watcher = Watcher::new(&frail, &hands, &ladder);
    let mut until = 0;
    while until < log.last.len() + 8 {
        // A clock that jumps, too.
        let seconds = [10, 10, 10, 60, 4_000, -30, -4_000][numbers.below(7)];
        hands.0.fetch_add(seconds, Ordering::SeqCst);
        let page = log.page(until, &mut numbers);
        let ended = if numbers.below(4) == 0 { watcher.tick() } else { watcher.take(&page, None) };
        match ended {
            // Whoever was killed begins again, with the same page or a later one.
            Err(_) => {
                counts.failures += 1;
                watcher = Watcher::new(&frail, &hands, &ladder);
            }
            Ok(_) => until += numbers.below(3),
        }
        if numbers.below(10) == 0 {
            counts.closed += answered(&store, numbers.below(3));
        }
    }
    // The sweep at the end finds whatever was late; then time passes.
    while watcher.take(&log.last, None).is_err() {}
    // Nobody comes any more of whom it could only be told later. Twice, since the first time may end within the minutes by which a
    // clock may be behind the last alert.
    frail.is_rival.store(true, Ordering::SeqCst);
    for _ in 0..2 {
        hands.0.fetch_add(10_000, Ordering::SeqCst);
        while watcher.tick().is_err() {}
    }
    let kept = frail.kept.into_inner().unwrap();
    counts.rivals += kept
        .iter()
        .flat_map(|batch| &batch.events)
        .filter(|new| new.kept.event.id.as_str().starts_with("rival"))
        .count();
    judge(&store, &log, &kept, counts);
}

/// What somebody says of an incident as it stands.
type Say<'s> = Box<dyn Fn(&Incident) -> Entry + 's>;

/// Somebody answers, says what it was, or closes an incident that is over: as often as that is taken.
fn answered(store: &InMemoryWatch, what: usize) -> usize {
    let (all, _) = incidents(store, |_| true).unwrap();
    let Some(open) = all.iter().find(|one| !one.incident.is_closed()) else { return 0 };
    let at = second(0);
    let by = || name("eva");
    let say: Vec<Say<'_>> = match what {
        0 => vec![Box::new(|one| Entry::Acknowledged { by: by(), via: Via::Command, covers: one.covered(), at })],
        1 => vec![Box::new(|one| Entry::Acknowledged { by: by(), via: Via::Link, covers: one.covered(), at })],
        _ => vec![
            Box::new(|one| Entry::Resealed { covers: one.covered(), at }),
            Box::new(|one| Entry::Classified {
                class: Class::Real,
                by: by(),
                covers: one.covered(),
                reason: "it was".to_owned(),
                at,
            }),
            Box::new(|_| Entry::Closed { by: by(), post_mortem: "it is over".to_owned(), at }),
        ],
    };
    let said = say.iter().map(|say| answer(store, open.number, say));
    said.filter(|said| match said {
        Ok(incident) => incident.is_closed(),
        // There are sign-ins of which nobody was told yet.
        Err(AnswerError::Entry(EntryError::NotTold)) => false,
        Err(error) => panic!("{error}"),
    })
    .count()
}

/// Looks through everything that was kept, in its order, and knows nothing of how it came there.
fn judge(store: &InMemoryWatch, log: &Log, kept: &[Batch], counts: &mut Counts) {
    let mut told: BTreeMap<String, (usize, KeptEvent)> = BTreeMap::new();
    for (at, batch) in kept.iter().enumerate() {
        for new in &batch.events {
            let id = new.kept.event.id.as_str();
            // What is only known better keeps its number, and is told of once.
            let is_same = |kept: &KeptEvent| (&kept.incident, kept.number) == (&new.kept.incident, new.kept.number);
            let first = told.get(id).filter(|(_, kept)| is_same(kept)).map_or(at, |(first, _)| *first);
            told.insert(id.to_owned(), (first, new.kept.clone()));
        }
    }
    for expected in &log.last {
        let (_, found) = told.get(expected.id.as_str()).unwrap_or_else(|| panic!("{expected:?} is missing"));
        assert_eq!((found.event.reached, &found.event.account), (expected.reached, &expected.account));
    }
    let channels: BTreeSet<Name> = ladder().routes.into_iter().map(|route| route.channel).collect();
    let by_channel = |delivery: &Delivery| delivery.key.channel.clone();
    for (at, found) in told.values() {
        counts.events += 1;
        let alerts = kept.iter().enumerate().skip(*at).flat_map(|(place, batch)| {
            let of_it = batch.entries.iter().filter(|(stream, ..)| *stream == found.incident);
            of_it.map(move |(_, _, entry)| (place, batch, serde_json::from_value::<Entry>(entry.clone()).unwrap()))
        });
        let mut telling = alerts.filter_map(|(place, batch, entry)| match entry {
            Entry::Alerted { number, covers, .. } if covers >= found.number => Some((place, batch, number)),
            _ => None,
        });
        let (place, batch, number) = telling.next().unwrap_or_else(|| panic!("nobody was told of {found:?}"));
        let of_it = batch.deliveries.iter().filter(|one| one.key.incident == found.incident && one.key.alert == number);
        assert_eq!(of_it.map(by_channel).collect::<BTreeSet<Name>>(), channels, "{found:?}");
        if found.event.reached == Reached::Token {
            let raised = kept[*at].events.iter().any(|new| {
                let is_it = new.kept.event.id == found.event.id;
                is_it && new.replaces.as_ref().is_none_or(|before| before.number != new.kept.number)
            });
            assert!(!raised || place == *at, "who is in is told at once: {found:?}");
            counts.at_once += usize::from(raised);
        }
    }
    // Numbers are given once, every incident makes sense, and every delivery is of an alert that is written down.
    let (all, damaged) = incidents(store, |_| true).unwrap();
    assert!(damaged.is_empty(), "{damaged:?}");
    for account in ACCOUNTS {
        let open = all.iter().filter(|one| one.incident.account() == account && !one.incident.is_closed());
        assert!(open.count() <= 1, "one incident of an account at a time");
    }
    for one in &all {
        let alerts = because(store, &one.stream());
        counts.alerts += alerts.len();
        let numbers: BTreeSet<u32> =
            store.deliveries(&one.stream()).unwrap().iter().map(|kept| kept.delivery.key.alert).collect();
        assert_eq!(numbers, (1..=u32::try_from(alerts.len()).unwrap()).collect(), "{}", one.stream());
        assert!(store.deliveries(&one.stream()).unwrap().iter().all(|kept| kept.state == DeliveryState::Pending));
    }
    assert_eq!(all.len(), store.streams(PREFIX).unwrap().len());
}

#[test]
fn every_sign_in_is_told_by_seed_whoever_is_stopped_and_whatever_comes_late() {
    let mut numbers = Numbers(seed_for("every_sign_in_is_told_by_seed_whoever_is_stopped_and_whatever_comes_late"));
    let rounds = if is_full() { 10_000 } else { 300 };
    let mut counts = Counts::default();
    for _ in 0..rounds {
        let seed = (numbers.below(1 << 31) as u64) << 31 | numbers.below(1 << 31) as u64;
        played(Numbers(seed), &mut counts);
    }
    println!("{rounds} logs: {counts:?}");
    assert!(counts.failures > rounds && counts.rivals > rounds && counts.at_once > rounds, "{counts:?}");
    assert!(counts.closed > rounds / 10, "{counts:?}");
}
