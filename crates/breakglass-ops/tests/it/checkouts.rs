//! Check-outs: every order of entries of a few people, against somebody who only counts.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use breakglass_custody::approval::REASON_CHARS_MAX;
use breakglass_custody::fingerprint::Fingerprint;
use breakglass_custody::name::Name;
use breakglass_ops::checkout::record::{CLOCK_MINUTES_BACK_MAX, Course, Entry, EntryError, Request, Standing};
use breakglass_ops::checkout::stream::{CheckoutStreamError, Kept, SharesUsed, course_of, note, note_opening};
use breakglass_ops::ports::{InMemoryStore, Store, StoreError};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

fn name(text: &str) -> Name {
    Name::read(text).unwrap()
}

/// So many hours after the first.
fn hour(hours: i64) -> Timestamp {
    "2026-11-27T03:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_hours(hours)
}

fn request(of: &str, person: &str, at: i64) -> Request {
    Request {
        request: name(of),
        person: name(person),
        document: name("document"),
        reason: "nobody gets in".to_owned(),
        at: hour(at),
        expires_at: hour(at + 4),
        out_hours: 2,
    }
}

fn requested(of: &str, person: &str, at: i64) -> Entry {
    Entry::Requested(request(of, person, at))
}

fn approved(person: &str, at: i64) -> Entry {
    Entry::Approved { request: name("r"), person: name(person), at: hour(at) }
}

fn opened(at: i64) -> Entry {
    Entry::Opened { request: name("r"), document: name("document"), at: hour(at) }
}

#[test]
fn two_people_open_once_and_return() {
    let mut course = Course::default();
    let standings = [
        (requested("r", "ada", 0), Standing::Requested(1)),
        (approved("bram", 1), Standing::Approved),
        (opened(2), Standing::Out),
    ];
    for (at, (entry, standing)) in standings.into_iter().enumerate() {
        course.add(&entry).unwrap();
        assert_eq!(course.standing(hour(i64::try_from(at).unwrap())), standing);
    }
    assert_eq!(course.standing(hour(4)), Standing::Overdue);
    assert_eq!(course.out(), Some((&request("r", "ada", 0), hour(2))));
    assert_eq!(course.add(&opened(4)), Err(EntryError::Opened(hour(2))));
    assert_eq!(
        course.add(&requested("s", "bram", 9)),
        Err(EntryError::Out { request: name("r"), since: hour(2) }),
        "what is out does not expire"
    );
    course.add(&Entry::Returned { request: name("r"), person: name("ada"), at: hour(9) }).unwrap();
    assert_eq!((course.standing(hour(9)), course.is_opened(&name("document"))), (Standing::Free, true));
    assert_eq!(course.add(&requested("r", "ada", 10)), Err(EntryError::UnderWay(name("r"))), "no name comes twice");
    course.add(&requested("s", "ada", 10)).unwrap();
    assert_eq!(course.request_at(hour(13)).unwrap().request, name("s"));
    assert_eq!((course.standing(hour(14)), course.request_at(hour(14))), (Standing::Free, None), "it has expired");
}

#[test]
fn what_cannot_follow_is_refused_and_says_why() {
    let asked = Course::of(&[requested("r", "ada", 0)]).unwrap();
    let other = Entry::Opened { request: name("r"), document: name("another"), at: hour(2) };
    let late = EntryError::Expired { request: name("r"), at: hour(4) };
    for (entries, entry, error) in [
        (vec![], approved("ada", 1), EntryError::OwnRequest(name("ada"))),
        (vec![approved("bram", 1)], approved("bram", 2), EntryError::Again(name("bram"))),
        (vec![], opened(1), EntryError::FewPeople { count: 1 }),
        (vec![], approved("bram", 4), late.clone()),
        (vec![approved("bram", 1)], opened(4), late),
        (
            vec![approved("bram", 1)],
            other,
            EntryError::OtherDocument { wanted: name("document"), found: name("another") },
        ),
        (vec![approved("bram", 2)], opened(1), EntryError::SetBack { request: name("r"), seen_at: hour(2) }),
        (vec![], requested("s", "bram", 3), EntryError::UnderWay(name("r"))),
        (
            vec![],
            Entry::Returned { request: name("r"), person: name("ada"), at: hour(1) },
            EntryError::NotOpened(name("r")),
        ),
        (
            vec![Entry::Refused { request: name("r"), person: name("bram"), at: hour(1) }],
            approved("cleo", 2),
            EntryError::NoRequest(name("r")),
        ),
    ] {
        let mut course = asked.clone();
        entries.iter().for_each(|entry| course.add(entry).unwrap());
        let before = course.clone();
        assert_eq!(course.add(&entry), Err(error), "{entry:?}");
        assert_eq!(course, before);
    }
}

#[test]
fn requests_that_are_none_are_refused() {
    let long = "x".repeat(REASON_CHARS_MAX + 1);
    type Change = fn(&mut Request);
    let cases: [(Change, EntryError); 6] = [
        (|one| one.reason = " \n".to_owned(), EntryError::Reason),
        (|one| one.expires_at = one.at, EntryError::Times),
        (|one| one.expires_at = one.at + SignedDuration::from_hours(73), EntryError::Times),
        (|one| one.out_hours = 0, EntryError::Times),
        (|one| one.out_hours = 73, EntryError::Times),
        (|one| one.expires_at = one.at - SignedDuration::from_hours(1), EntryError::Times),
    ];
    for (change, error) in cases {
        let mut asked = request("r", "ada", 0);
        change(&mut asked);
        assert_eq!(Course::default().add(&Entry::Requested(asked)), Err(error));
    }
    let mut asked = request("r", "ada", 0);
    asked.reason = long;
    assert_eq!(Course::default().add(&Entry::Requested(asked)), Err(EntryError::Reason));
}

#[test]
fn what_was_opened_offline_is_recorded_afterwards() {
    let offline = |people: &[&str], opened: i64| Entry::OpenedOffline {
        document: name("document"),
        people: people.iter().map(|person| name(person)).collect(),
        reason: "no network".to_owned(),
        opened_at: hour(opened),
        at: hour(5),
    };
    assert_eq!(Course::default().add(&offline(&["ada"], 1)), Err(EntryError::Nobody));
    assert_eq!(Course::default().add(&offline(&["ada", "ada"], 1)), Err(EntryError::Nobody), "one person twice is one");
    assert_eq!(Course::default().add(&offline(&["ada", "bram"], 6)), Err(EntryError::Times));
    let mut course = Course::of(&[requested("r", "ada", 4)]).unwrap();
    course.add(&offline(&["ada", "bram"], 1)).unwrap();
    assert!(course.is_opened(&name("document")));
    assert_eq!(course.standing(hour(5)), Standing::Requested(1), "what is under way stays so");
}

#[test]
fn an_opening_that_this_program_has_seen_waits_for_its_reason() {
    let opened = |document: &str, reason: &str, opened_at: i64| Entry::OpenedOffline {
        document: name(document),
        people: [name("ada"), name("bram")].into(),
        reason: reason.to_owned(),
        opened_at: hour(opened_at),
        at: hour(9),
    };
    // What is added; and of what nobody has said why then.
    type Case = ((&'static str, &'static str, i64), &'static [(&'static str, i64)]);
    let cases: [Case; 9] = [
        (("one", "", 1), &[("one", 1)]),
        (("other", "locked out", 1), &[("one", 1)]),
        (("one", "", 2), &[("one", 1), ("one", 2)]),
        // Another opening of the same document has a reason of its own, and so has a drill.
        (("one", "locked out", 3), &[("one", 1), ("one", 2)]),
        (("one", "drill", 4), &[("one", 1), ("one", 2)]),
        (("other", "", 2), &[("one", 1), ("one", 2), ("other", 2)]),
        (("one", "locked out", 2), &[("one", 1), ("other", 2)]),
        (("other", "a test", 2), &[("one", 1)]),
        (("one", "nobody was sure", 1), &[]),
    ];
    let mut course = Course::default();
    for ((document, reason, at), left) in cases {
        course.add(&opened(document, reason, at)).unwrap();
        let left: Vec<(Name, Timestamp)> = left.iter().map(|(document, at)| (name(document), hour(*at))).collect();
        let found: Vec<_> = course.unexplained().map(|(document, at)| (document.clone(), at)).collect();
        assert_eq!(found, left, "{document} {reason} {at}");
    }
    assert!(course.is_opened(&name("one")));
    assert_eq!(course.add(&opened("one", " ", 1)), Err(EntryError::Reason));
}

#[test]
fn what_was_kept_before_shares_were_is_read() {
    let old = r#"{"entry":{"state":"opened","request":"r","document":"document","at":"2026-11-27T03:00:00Z"}}"#;
    let kept: Kept = serde_json::from_str(old).unwrap();
    assert_eq!(kept, Kept { entry: opened(0), signed: None, shares: None });
    assert_eq!(serde_json::to_string(&kept).unwrap(), old);
    let set = "0000-0000-0000-0000-0000-0000-0000-0000";
    let new = old.replace(
        "\"}}",
        &format!(
            "\"}},\"shares\":{{\"set\":\"{set}\",\"isReserve\":true,\"shares\":[1,3],\"holders\":[\"ada\",\"cleo\"]}}}}"
        ),
    );
    let (shares, holders) = ([1, 3].into(), [name("ada"), name("cleo")].into());
    let shares = SharesUsed { set: Fingerprint::read(set).unwrap(), is_reserve: true, shares, holders };
    assert_eq!(serde_json::from_str::<Kept>(&new).unwrap(), Kept { shares: Some(shares), ..kept });
}

/// A store that forgets what is added from a certain entry on, as if the process were killed there.
struct Killed<'s>(&'s InMemoryStore, AtomicUsize);

impl Store for Killed<'_> {
    fn append(&self, stream: &str, at: usize, entry: &Value) -> Result<(), StoreError> {
        let is_over = self.1.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_err();
        if is_over { Err(StoreError::Conflict { stream: stream.to_owned() }) } else { self.0.append(stream, at, entry) }
    }

    fn entries(&self, stream: &str) -> Result<Vec<Value>, StoreError> {
        self.0.entries(stream)
    }

    fn streams(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.0.streams(prefix)
    }
}

#[test]
fn whoever_is_stopped_in_an_opening_has_said_that_the_key_was_there() {
    for left in 0..=2 {
        let kept = InMemoryStore::default();
        note(&kept, "a", &requested("r", "ada", 0), None).unwrap();
        note(&kept, "a", &approved("bram", 1), None).unwrap();
        let killed = Killed(&kept, AtomicUsize::new(left));
        let noted = note_opening::<CheckoutStreamError>(&killed, "a", || {
            killed.append("custody/sets", 0, &json!("opened"))?;
            Ok((opened(2), None))
        });
        assert_eq!(noted.is_ok(), left == 2);
        let is_opened = course_of(&kept, "a").unwrap().0.is_opened(&name("document"));
        let has_key = !kept.entries("custody/sets").unwrap().is_empty();
        assert_eq!((has_key, is_opened), (left >= 1, left == 2));
    }
}

#[test]
fn a_clock_that_once_was_wrong_stops_nobody_and_prolongs_nothing() {
    let minutes = |minutes: i64| hour(1) + SignedDuration::from_mins(minutes);
    // A year ahead, once; and nobody has done anything since.
    let year = 24 * 365;
    let mut course = Course::of(&[requested("r", "ada", year)]).unwrap();
    assert_eq!(course.standing(hour(year)), Standing::Requested(1));
    assert_eq!((course.standing(hour(0)), course.request_at(hour(0))), (Standing::Free, None), "it is over");
    assert_eq!(course.add(&approved("bram", 0)), Err(EntryError::SetBack { request: name("r"), seen_at: hour(year) }));
    course.add(&requested("s", "ada", 0)).unwrap();
    course.add(&Entry::Approved { request: name("s"), person: name("bram"), at: hour(1) }).unwrap();
    assert_eq!(course.standing(hour(1)), Standing::Approved);
    // Within a few minutes it is judged by the latest time that was seen.
    let asked = Request { expires_at: minutes(2), ..request("t", "ada", 0) };
    let agreed = |at: i64| Entry::Approved { request: name("t"), person: name("bram"), at: minutes(at) };
    let opened = |at: i64| Entry::Opened { request: name("t"), document: name("document"), at: minutes(at) };
    let agreed = Course::of(&[Entry::Requested(asked), agreed(1)]).unwrap();
    agreed.clone().add(&opened(1 - CLOCK_MINUTES_BACK_MAX)).unwrap();
    let set_back = Err(EntryError::SetBack { request: name("t"), seen_at: minutes(1) });
    assert_eq!(agreed.clone().add(&opened(-CLOCK_MINUTES_BACK_MAX)), set_back);
    assert!(matches!(agreed.clone().add(&opened(2)), Err(EntryError::Expired { .. })));
    // What is out is overdue where nobody can tell, and is returned at any time.
    let mut out = agreed;
    out.add(&opened(1)).unwrap();
    assert_eq!((out.standing(minutes(1)), out.standing(hour(0))), (Standing::Out, Standing::Overdue));
    out.add(&Entry::Returned { request: name("t"), person: name("ada"), at: hour(0) }).unwrap();
    assert_eq!(out.standing(hour(0)), Standing::Free);
}

/// When an entry was made.
fn moment(entry: &Entry) -> Timestamp {
    match entry {
        Entry::Requested(asked) => asked.at,
        Entry::Approved { at, .. }
        | Entry::Refused { at, .. }
        | Entry::Opened { at, .. }
        | Entry::Returned { at, .. }
        | Entry::OpenedOffline { at, .. } => *at,
    }
}

/// Whoever only counts: what was let through has to be of two people, once for each request, in time.
fn fault(entries: &[Entry]) -> Option<String> {
    for (at, entry) in entries.iter().enumerate() {
        let Entry::Opened { request, at: opened, .. } = entry else { continue };
        let before = &entries[..at];
        let begun =
            before.iter().position(|one| matches!(one, Entry::Requested(asked) if asked.request == *request))?;
        let Entry::Requested(asked) = &before[begun] else { return None };
        // The latest that any clock has shown since it was asked for.
        let latest = before[begun..].iter().map(moment).max()?;
        if latest.max(*opened) >= asked.expires_at
            || *opened < latest - SignedDuration::from_mins(CLOCK_MINUTES_BACK_MAX)
        {
            return Some(format!("a clock that was set back prolongs it: {entries:?}"));
        }
        let people: BTreeSet<&Name> = before
            .iter()
            .filter_map(|one| match one {
                Entry::Approved { request: of, person, at } if of == request && *at < asked.expires_at => Some(person),
                _ => None,
            })
            .chain([&asked.person])
            .collect();
        let is_refused = before.iter().any(|one| matches!(one, Entry::Refused { request: of, .. } if of == request));
        let again =
            before.iter().filter(|one| matches!(one, Entry::Opened { request: of, .. } if of == request)).count();
        let out = before.iter().fold(0_i32, |out, one| match one {
            Entry::Opened { .. } => out + 1,
            Entry::Returned { .. } => out - 1,
            _ => out,
        });
        if people.len() < 2 || is_refused || again > 0 || out > 0 || *opened >= asked.expires_at {
            return Some(format!("{entries:?}"));
        }
    }
    None
}

#[test]
fn every_order_of_a_few_entries_lets_only_two_people_open() {
    // Each step is at the same hour, or after the request has expired.
    let (count, openings) = orders(9, &[0, 5]);
    println!("{count} orders, with {openings} openings");
    // The same with a clock that is set back, by whole hours.
    let (count, openings) = orders(6, &[0, 5, -1, -5]);
    println!("{count} orders with a clock that is set back, with {openings} openings");
}

/// Orders that are let through, of so many entries at most, each so many hours after the one before it; and openings in them.
fn orders(length: usize, later: &[i64]) -> (usize, usize) {
    let moves: Vec<Box<dyn Fn(i64) -> Entry>> = vec![
        Box::new(|at| requested("r", "ada", at)),
        Box::new(|at| requested("s", "bram", at)),
        Box::new(|at| approved("ada", at)),
        Box::new(|at| approved("bram", at)),
        Box::new(|at| Entry::Approved { request: name("s"), person: name("ada"), at: hour(at) }),
        Box::new(opened),
        Box::new(|at| Entry::Opened { request: name("s"), document: name("document"), at: hour(at) }),
        Box::new(|at| Entry::Refused { request: name("r"), person: name("bram"), at: hour(at) }),
        Box::new(|at| Entry::Returned { request: name("r"), person: name("ada"), at: hour(at) }),
    ];
    let mut orders = vec![(Vec::new(), Course::default(), 0)];
    let (mut count, mut openings) = (0, 0);
    for _ in 0..length {
        let mut longer = Vec::new();
        for (entries, course, at) in orders {
            for one in &moves {
                for later in later {
                    let entry = one(at + later);
                    let mut course = course.clone();
                    if course.add(&entry).is_err() {
                        continue;
                    }
                    let entries: Vec<Entry> = [entries.as_slice(), &[entry]].concat();
                    assert_eq!(fault(&entries), None);
                    assert_eq!(Course::of(&entries).unwrap(), course);
                    count += 1;
                    openings += entries.iter().filter(|one| matches!(one, Entry::Opened { .. })).count();
                    longer.push((entries, course, at + later));
                }
            }
        }
        orders = longer;
    }
    assert!(openings > 0);
    (count, openings)
}
