//! Graph's sign-in log, read by a watcher: late, in pages, throttled, cut off, with garbage in it, by a clock that jumps. What
//! stands in it at last is what was kept.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use breakglass_custody::name::Name;
use breakglass_ops::ports::{
    Directory, DirectoryError, EventSource as _, GraphAnswer, GraphRequest, InMemoryWatch, Refusal, SignedIn,
    SignedInAs, Store as _, WatchStore as _,
};
use breakglass_ops::watching::event::Reached;
use breakglass_ops::watching::ladder::Ladder;
use breakglass_ops::watching::polling::poll;
use breakglass_ops::watching::sources::graph_sign_ins::{
    FIRST_DAYS, GraphSignIns, LOOK_BACK_HOURS, SWEEP_HOURS, Watched,
};
use breakglass_ops::watching::taking::{PREFIX, Watcher};
use breakglass_testkit::{is_full, seed_for};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::readings::{Hand, ready};
use crate::watching::Numbers;

const ACCOUNT: &str = "00000000-0000-4000-8000-0000000000b1";
const NAME: &str = "o'bg@contoso.onmicrosoft.com";

fn name(text: &str) -> Name {
    Name::read(text).unwrap()
}

/// One sign-in: when it happened, from when on the log shows it, and what it says.
#[derive(Debug, Clone)]
struct Row {
    at: Timestamp,
    shown_at: Timestamp,
    kind: &'static str,
    record: Value,
}

/// A tenant whose log is asked as Graph's is.
struct Log {
    rows: Mutex<Vec<Row>>,
    now: Mutex<Timestamp>,
    /// Records of a page.
    page: usize,
    /// What fails next, and how.
    faults: Mutex<Vec<u16>>,
    asked: Mutex<Vec<String>>,
}

impl Log {
    fn new(now: Timestamp, page: usize) -> Self {
        let (rows, faults, asked) = Default::default();
        Self { rows, now: Mutex::new(now), page, faults, asked }
    }

    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }

    /// The answer to a question, which is read as it was written and no further.
    fn answer(&self, target: &str) -> Value {
        let decoded = decoded(target);
        let (question, skip) = decoded.split_once("&$skiptoken=").unwrap_or((&decoded, "0"));
        let from = question.split("createdDateTime ge ").nth(1).unwrap().split(' ').next().unwrap();
        let from: Timestamp = from.parse().unwrap();
        let kind = question.split("t eq '").nth(1).unwrap().split('\'').next().unwrap();
        let by_id = question.contains(&format!("userId eq '{ACCOUNT}'"));
        let by_name = question.contains(&format!("userPrincipalName eq '{}'", NAME.replace('\'', "''")));
        assert!(by_id != by_name, "{question}");
        let rows = self.rows.lock().unwrap();
        let is_found = |row: &&Row| {
            let is_who = if by_id { row.record["userId"] == ACCOUNT } else { row.record["userPrincipalName"] == NAME };
            row.shown_at <= self.now() && row.at >= from && row.kind == kind && is_who
        };
        let mut found: Vec<&Row> = rows.iter().filter(is_found).collect();
        found.sort_by_key(|row| std::cmp::Reverse(row.at));
        let skip: usize = skip.parse().unwrap();
        let page: Vec<Value> = found.iter().skip(skip).take(self.page).map(|row| row.record.clone()).collect();
        let mut answer = json!({ "value": page });
        if skip + self.page < found.len() {
            let link = format!("https://graph.example{question}&$skiptoken={}", skip + self.page);
            answer["@odata.nextLink"] = json!(link);
        }
        answer
    }
}

fn decoded(target: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = target.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next().unwrap(), rest.next().unwrap()];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}

#[async_trait]
impl Directory for Log {
    async fn send(&self, request: &GraphRequest<'_>) -> Result<GraphAnswer, DirectoryError> {
        self.asked.lock().unwrap().push(decoded(&request.target));
        match self.faults.lock().unwrap().pop() {
            None | Some(0) => {}
            Some(1) => return Err(DirectoryError::Lost { why: "cut off".to_owned() }),
            Some(2) => {
                let body = b"{\"value\": [".to_vec();
                return Ok(GraphAnswer { status: 200, body, date: Some(self.now()), request_id: None });
            }
            Some(status) => {
                let (code, message) = ("Fault".to_owned(), "a test".to_owned());
                return Err(DirectoryError::Refused(Refusal { status, code, message, request_id: None }));
            }
        }
        let body = self.answer(&request.target).to_string().into_bytes();
        Ok(GraphAnswer { status: 200, body, date: Some(self.now()), request_id: None })
    }

    fn origin(&self) -> String {
        "https://graph.example".to_owned()
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

fn row(id: &str, (at, shown_at): (Timestamp, Timestamp), kind: &'static str, code: i64) -> Row {
    let record = json!({
        "id": id, "userId": ACCOUNT, "userPrincipalName": NAME, "createdDateTime": at, "status": { "errorCode": code },
        "signInEventTypes": [kind],
    });
    Row { at, shown_at, kind, record }
}

fn watched() -> Vec<Watched> {
    vec![Watched { id: ACCOUNT.to_owned(), user_principal_name: Some(NAME.to_owned()) }]
}

fn hours(count: i64) -> SignedDuration {
    SignedDuration::from_hours(count)
}

#[test]
fn each_log_is_asked_for_by_the_accounts_and_once_an_hour_for_a_day() {
    let hand = Hand::new();
    let now = breakglass_ops::ports::Clock::now(&hand);
    let (log, store) = (Log::new(now, 10), InMemoryWatch::new(now));
    let ladder = Ladder { routes: Vec::new(), wait_seconds: 300 };
    let watcher = Watcher::new(&store, &hand, &ladder);
    let source = GraphSignIns::new(name("graph-sign-ins"), &log, watched());
    let read = || {
        let polled = ready(poll(&source, (&store, &watcher), &hand));
        assert!(polled.is_whole && polled.error.is_none(), "{polled:?}");
        std::mem::take(&mut *log.asked.lock().unwrap())
    };
    let from = |asked: &str| -> Timestamp {
        asked.split("createdDateTime ge ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap()
    };
    let asked = read();
    let kinds: Vec<&str> =
        asked.iter().map(|one| one.split("t eq '").nth(1).unwrap().split('\'').next().unwrap()).collect();
    assert_eq!(kinds, ["interactiveUser", "nonInteractiveUser", "interactiveUser"]);
    assert!(asked[2].contains("userPrincipalName eq 'o''bg@contoso.onmicrosoft.com'"), "{asked:?}");
    assert_eq!(from(&asked[0]), now - hours(24 * FIRST_DAYS - 1));
    let mut expected = Vec::new();
    // The sweep goes back a day from the last one, and not from the last reading: what was not there a day after it happened was
    // there before the last sweep.
    for (seconds, swept) in [(10, None), (3_600, None), (10, Some(now)), (10, None)] {
        let before = log.now();
        let (before, back) = swept.map_or((before, LOOK_BACK_HOURS), |swept| (swept, SWEEP_HOURS));
        *log.now.lock().unwrap() += SignedDuration::from_secs(seconds);
        // This machine's clock is somewhere else.
        hand.turn(-86_400);
        expected.push((from(&read()[0]), before - hours(back)));
    }
    for (found, wanted) in expected {
        assert_eq!(found, wanted);
    }
}

#[test]
fn what_is_garbage_is_told_once_and_the_rest_is_watched() {
    let hand = Hand::new();
    let now = breakglass_ops::ports::Clock::now(&hand);
    let (log, store) = (Log::new(now, 10), InMemoryWatch::new(now));
    let ladder = Ladder { routes: Vec::new(), wait_seconds: 300 };
    let watcher = Watcher::new(&store, &hand, &ladder);
    let source = GraphSignIns::new(name("graph-sign-ins"), &log, watched());
    let good = row("good", (now, now), "interactiveUser", 0);
    let mut unresolved = row("by-name", (now, now), "interactiveUser", 50_126);
    unresolved.record["userId"] = json!("00000000-0000-0000-0000-000000000000");
    let broken = |change: &dyn Fn(&mut Value)| {
        let mut row = good.clone();
        change(&mut row.record);
        row
    };
    *log.rows.lock().unwrap() = vec![
        good.clone(),
        unresolved,
        broken(&|record| record["id"] = json!("")),
        broken(&|record| record["createdDateTime"] = json!("soon")),
        broken(&|record| record["status"] = json!({ "errorCode": "many" })),
        broken(&|record| record["userDisplayName"] = json!("<script>\u{1b}[31m")),
    ];
    let polled = ready(poll(&source, (&store, &watcher), &hand));
    assert!(!polled.is_whole && polled.error.is_none(), "{polled:?}");
    assert!((1..=3).contains(&polled.findings.len()), "{:?}", polled.findings);
    assert_eq!(polled.taken.new_count, 2, "{polled:?}");
    let kept = store.events("incident/1", 0, 9).unwrap();
    let mut reached: Vec<Reached> = kept.iter().map(|kept| kept.event.reached).collect();
    reached.sort();
    assert_eq!(reached, [Reached::Nothing, Reached::Token]);
    // A cursor that makes no sense is told, and everything is read anew.
    let answer = ready(source.read(Some(&json!({ "until": 7 })), now)).unwrap();
    assert!(answer.findings[0].contains("read anew"), "{:?}", answer.findings);
}

#[derive(Debug, Default)]
struct Counts {
    rows: usize,
    late: usize,
    failures: usize,
    pages: usize,
}

fn played(numbers: &mut Numbers, counts: &mut Counts) {
    let hand = Hand::new();
    let begin = breakglass_ops::ports::Clock::now(&hand);
    let (log, store) = (Log::new(begin, 1 + numbers.below(4)), InMemoryWatch::new(begin));
    let ladder = Ladder { routes: Vec::new(), wait_seconds: 300 };
    let source = GraphSignIns::new(name("graph-sign-ins"), &log, watched());
    let mut wanted: BTreeMap<String, Reached> = BTreeMap::new();
    let mut watcher = Watcher::new(&store, &hand, &ladder);
    // The first reading begins by this machine's clock, and no other does.
    assert!(ready(poll(&source, (&store, &watcher), &hand)).is_whole);
    for round in 0..60 {
        // Time passes: a poll each ten seconds, or the machine slept.
        let seconds = [10, 10, 10, 600, 7_000, 40_000][numbers.below(6)];
        let now = log.now() + SignedDuration::from_secs(seconds);
        *log.now.lock().unwrap() = now;
        hand.turn([10, -90_000, 400_000][numbers.below(3)]);
        for at in 0..numbers.below(4) {
            // The last 20 hours may still be written into it.
            let late = [0, 60, 7_000, 70_000][numbers.below(4)];
            counts.late += usize::from(late > 7_000 - 1);
            let happened = now - SignedDuration::from_secs(i64::from(late));
            let code = [0, 50_126, 50_076][numbers.below(3)];
            let kind = ["interactiveUser", "nonInteractiveUser"][numbers.below(2)];
            let id = format!("r{round}-{at}");
            wanted.insert(id.clone(), Reached::of_code(Some(code)));
            log.rows.lock().unwrap().push(row(&id, (happened, now), kind, code));
            counts.rows += 1;
        }
        let faults = (0..6).map(|_| [0, 0, 0, 0, 1, 2, 429, 503, 400][numbers.below(9)]).collect();
        *log.faults.lock().unwrap() = faults;
        let polled = ready(poll(&source, (&store, &watcher), &hand));
        if polled.error.is_some() {
            counts.failures += 1;
            watcher = Watcher::new(&store, &hand, &ladder);
        }
    }
    // A quiet day at the end, in which nothing fails.
    log.faults.lock().unwrap().clear();
    for _ in 0..6 {
        *log.now.lock().unwrap() += SignedDuration::from_secs(1_000);
        let polled = ready(poll(&source, (&store, &watcher), &hand));
        assert!(polled.error.is_none(), "{polled:?}");
    }
    counts.pages += log.asked.lock().unwrap().len();
    let mut kept: BTreeMap<String, Reached> = BTreeMap::new();
    for stream in store.streams(PREFIX).unwrap() {
        for one in store.events(&stream, 0, usize::MAX).unwrap() {
            kept.insert(one.event.id.as_str().to_owned(), one.event.reached);
        }
    }
    assert_eq!(kept, wanted);
}

#[test]
fn what_stands_in_the_log_at_last_was_kept_by_seed() {
    let mut numbers = Numbers(seed_for("what_stands_in_the_log_at_last_was_kept_by_seed"));
    let rounds = if is_full() { 2_000 } else { 100 };
    let mut counts = Counts::default();
    for _ in 0..rounds {
        played(&mut numbers, &mut counts);
    }
    println!("{rounds} logs: {counts:?}");
    assert!(counts.rows > 20 * rounds && counts.late > rounds && counts.failures > rounds, "{counts:?}");
}
