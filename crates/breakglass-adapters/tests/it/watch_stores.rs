//! What the watcher remembers: the contract of the port `WatchStore`, held by every implementation, and what a file adds.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;
use std::thread;

use breakglass_adapters::sqlite_store::{FILE_NAME, SqliteStore};
use breakglass_custody::name::Name;
use breakglass_model::sign_in_record::SignInRecord;
use breakglass_ops::ports::{
    Batch, Behind, Delivery, DeliveryKey, DeliveryState, ExpectedIncident, InMemoryWatch, KeptDelivery, KeptEvent,
    Lent, MovedCursor, NewEvent, Store as _, StoreError, Tried, WatchStore,
};
use breakglass_ops::watching::event::{Event, Reached};
use serde_json::{Value, json};

use crate::kept::folder;

const ACCOUNT: &str = "00000000-0000-4000-8000-0000000000b1";

fn name(text: &str) -> Name {
    Name::read(text).unwrap()
}

fn event(id: &str, code: i64) -> Event {
    let record = json!({
        "id": id, "userId": ACCOUNT, "createdDateTime": "2026-11-28T03:00:00Z", "status": { "errorCode": code },
    });
    let text = record.to_string();
    Event::of_sign_in(&SignInRecord::from_json(text.as_bytes()).unwrap(), Some(true), |_| true).unwrap()
}

fn kept(id: &str, code: i64, number: u64) -> KeptEvent {
    KeptEvent { event: event(id, code), incident: "incident/1".to_owned(), number }
}

fn new(kept: KeptEvent) -> NewEvent {
    NewEvent { kept, replaces: None }
}

fn delivery(alert: u32, channel: &str, recipient: &str) -> Delivery {
    let key = DeliveryKey {
        incident: "incident/1".to_owned(),
        alert,
        channel: name(channel),
        recipient: name(recipient),
        step: 0,
    };
    Delivery { key, message: json!({ "said": "ü\n\"'" }) }
}

fn expected(length: usize, last: u64) -> ExpectedIncident {
    ExpectedIncident { incident: "incident/1".to_owned(), length, last }
}

fn first() -> Batch {
    Batch {
        cursor: Some(MovedCursor { source: name("graph"), before: None, after: json!({ "at": 1 }) }),
        expected: vec![expected(0, 0)],
        events: vec![new(kept("a", 50_126, 1)), new(kept("b", 50_076, 2))],
        entries: vec![("incident/1".to_owned(), 0, json!("opened")), ("incident/1".to_owned(), 1, json!("alerted"))],
        deliveries: vec![delivery(1, "mail", "max"), delivery(1, "mail", "eva"), delivery(1, "hook", "soc")],
    }
}

/// Everything that is there.
fn all(store: &dyn WatchStore) -> (Vec<Value>, Option<Value>, Vec<KeptEvent>, Vec<KeptDelivery>) {
    let events = store.events("incident/1", 0, usize::MAX).unwrap();
    let cursor = store.cursor(&name("graph")).unwrap();
    (store.entries("incident/1").unwrap(), cursor, events, store.deliveries("incident/1").unwrap())
}

fn what_is_kept_is_whole(store: &dyn WatchStore) {
    assert_eq!(store.cursor(&name("graph")).unwrap(), None);
    assert_eq!(store.event(&event("a", 0).id).unwrap(), None);
    assert_eq!(store.behind("incident/1", 0).unwrap(), Behind::default());
    store.keep(&first()).unwrap();
    let before = all(store);
    assert_eq!(before.1, Some(json!({ "at": 1 })));
    let keys: Vec<String> =
        before.3.iter().map(|one| format!("{} {}", one.delivery.key.channel, one.delivery.key.recipient)).collect();
    assert_eq!(keys, ["hook soc", "mail eva", "mail max"]);
    assert!(before.3.iter().all(|one| (one.state, one.attempt_count) == (DeliveryState::Pending, 0)));
    assert_eq!(before.3[0].delivery, delivery(1, "hook", "soc"));
    assert_eq!(store.event(&event("b", 0).id).unwrap(), Some(kept("b", 50_076, 2)));
    assert_eq!(store.events("incident/1", 1, 5).unwrap(), [kept("b", 50_076, 2)]);
    assert_eq!(store.events("incident/1", 0, 1).unwrap(), [kept("a", 50_126, 1)]);
    let behind = |after| store.behind("incident/1", after).unwrap();
    assert_eq!(behind(0), Behind { count: 2, last: Some(2), furthest: Some(Reached::Credential) });
    assert_eq!(behind(2), Behind::default());
    // Somebody has come between: each part alone keeps all the rest from being kept.
    let good = Batch {
        cursor: Some(MovedCursor {
            source: name("graph"),
            before: Some(json!({ "at": 1 })),
            after: json!({ "at": 2 }),
        }),
        expected: vec![expected(2, 2)],
        events: vec![NewEvent { kept: kept("a", 0, 3), replaces: Some(kept("a", 50_126, 1)) }],
        entries: vec![("incident/1".to_owned(), 2, json!("alerted"))],
        deliveries: vec![delivery(2, "mail", "eva")],
    };
    let moved = |before: Option<Value>| MovedCursor { source: name("graph"), before, after: json!(0) };
    let bad: [(&str, Batch); 9] = [
        ("it has an entry more", Batch { expected: vec![expected(1, 2)], ..good.clone() }),
        ("it has a sign-in more", Batch { expected: vec![expected(2, 1)], ..good.clone() }),
        ("no cursor", Batch { cursor: Some(moved(None)), ..good.clone() }),
        ("another cursor", Batch { cursor: Some(moved(Some(json!(7)))), ..good.clone() }),
        ("it is there", Batch { events: vec![new(kept("a", 0, 3))], ..good.clone() }),
        (
            "it is not so any more",
            Batch {
                events: vec![NewEvent { kept: kept("a", 0, 3), replaces: Some(kept("a", 50_053, 1)) }],
                ..good.clone()
            },
        ),
        ("the number is taken", Batch { events: vec![new(kept("c", 0, 2))], ..good.clone() }),
        ("an entry is there", Batch { entries: vec![("incident/1".to_owned(), 1, json!("x"))], ..good.clone() }),
        (
            "it is delivered",
            Batch { deliveries: vec![delivery(3, "mail", "eva"), delivery(1, "hook", "soc")], ..good.clone() },
        ),
    ];
    for (what, batch) in bad {
        assert!(matches!(store.keep(&batch), Err(StoreError::Conflict { .. })), "{what}");
        assert_eq!(all(store), before, "{what}");
    }
    store.keep(&good).unwrap();
    assert_eq!(behind(2), Behind { count: 1, last: Some(3), furthest: Some(Reached::Token) });
    assert_eq!(store.events("incident/1", 0, 9).unwrap(), [kept("b", 50_076, 2), kept("a", 0, 3)]);
    assert_eq!(store.cursor(&name("graph")).unwrap(), Some(json!({ "at": 2 })));
    store.keep(&Batch::default()).unwrap();
}

fn a_delivery_is_one_worker_s_at_a_time(store: &dyn WatchStore) {
    let (mail, hook) = (name("mail"), name("hook"));
    let again = |seconds: i64| Tried::Again { seconds, why: "451 busy".to_owned() };
    let of = |lent: &Lent| (lent.delivery.key.recipient.to_string(), lent.attempt);
    let first = store.lend(&mail, 600).unwrap().unwrap();
    let second = store.lend(&mail, 600).unwrap().unwrap();
    assert_eq!((of(&first), of(&second)), (("eva".to_owned(), 1), ("max".to_owned(), 1)));
    assert!(first.since <= first.now);
    // The next alert to eva.
    let third = store.lend(&mail, 600).unwrap().unwrap();
    assert_eq!((of(&third), third.delivery.key.alert), (("eva".to_owned(), 1), 2));
    assert!(store.lend(&mail, 600).unwrap().is_none());
    // One channel waits for no other.
    let other = store.lend(&hook, 0).unwrap().unwrap();
    let taken = store.lend(&hook, 600).unwrap().unwrap();
    assert_eq!((other.attempt, taken.attempt), (1, 2));
    // Whoever comes back late changes nothing.
    assert!(!store.tried(&other, &Tried::Delivered).unwrap());
    assert!(store.tried(&taken, &again(0)).unwrap());
    assert!(!store.tried(&taken, &Tried::Delivered).unwrap());
    let last = store.lend(&hook, 600).unwrap().unwrap();
    assert_eq!(last.attempt, 3);
    assert!(store.tried(&last, &Tried::Delivered).unwrap());
    assert!(!store.tried(&last, &Tried::Expired { why: "late".to_owned() }).unwrap());
    // It is tried again later, or not at all.
    assert!(store.tried(&first, &again(3_600)).unwrap());
    assert!(store.tried(&second, &Tried::Expired { why: "a week".to_owned() }).unwrap());
    assert!(store.lend(&mail, 600).unwrap().is_none() && store.lend(&hook, 600).unwrap().is_none());
    let states: Vec<(String, DeliveryState, u32, Option<String>)> = store
        .deliveries("incident/1")
        .unwrap()
        .into_iter()
        .map(|one| (one.delivery.key.recipient.to_string(), one.state, one.attempt_count, one.why))
        .collect();
    let expected = [
        ("soc", DeliveryState::Delivered, 3, None),
        ("eva", DeliveryState::Pending, 1, Some("451 busy")),
        ("max", DeliveryState::Expired, 1, Some("a week")),
        ("eva", DeliveryState::Pending, 1, None),
    ];
    assert_eq!(states, expected.map(|(to, state, count, why)| (to.to_owned(), state, count, why.map(str::to_owned))));
}

#[test]
fn every_watch_store_keeps_the_contract() {
    let memory = InMemoryWatch::new("2026-11-28T03:00:00Z".parse().unwrap());
    what_is_kept_is_whole(&memory);
    a_delivery_is_one_worker_s_at_a_time(&memory);
    let folder = folder("watch");
    let store = SqliteStore::open(&folder).unwrap();
    what_is_kept_is_whole(&store);
    // Opened again, everything is there.
    let again = SqliteStore::open(&folder).unwrap();
    assert_eq!(all(&again), all(&store));
    a_delivery_is_one_worker_s_at_a_time(&again);
    assert_eq!(all(&again), all(&store));
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn of_many_workers_each_has_another_delivery() {
    let folder = folder("workers");
    let store = SqliteStore::open(&folder).unwrap();
    let deliveries = (1..=40).map(|alert| delivery(alert, "mail", "eva")).collect();
    store.keep(&Batch { deliveries, ..Batch::default() }).unwrap();
    let stores: Vec<Arc<SqliteStore>> = (0..4).map(|_| Arc::new(SqliteStore::open(&folder).unwrap())).collect();
    let workers: Vec<_> = stores
        .iter()
        .map(|store| {
            let store = Arc::clone(store);
            thread::spawn(move || {
                let lent = std::iter::from_fn(|| store.lend(&name("mail"), 600).unwrap());
                lent.map(|lent| lent.delivery.key.alert).collect::<Vec<_>>()
            })
        })
        .collect();
    let had: Vec<u32> = workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect();
    assert_eq!(had.len(), 40);
    assert_eq!(had.into_iter().collect::<BTreeSet<_>>(), (1..=40).collect());
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_file_of_an_earlier_form_is_brought_up_and_keeps_what_it_has() {
    let folder = folder("forms");
    let store = SqliteStore::open(&folder).unwrap();
    store.append("a", 0, &json!("kept")).unwrap();
    drop(store);
    let connection = rusqlite::Connection::open(folder.join(FILE_NAME)).unwrap();
    connection
        .execute_batch("DROP TABLE cursors; DROP TABLE events; DROP TABLE deliveries; PRAGMA user_version = 1;")
        .unwrap();
    drop(connection);
    let store = SqliteStore::open(&folder).unwrap();
    store.keep(&first()).unwrap();
    assert_eq!(store.entries("a").unwrap(), [json!("kept")]);
    fs::remove_dir_all(folder).unwrap();
}
