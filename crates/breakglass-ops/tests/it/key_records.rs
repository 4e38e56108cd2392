//! Records of security keys and certificates: what may follow what, what is due, and a referee that only looks through the
//! entries.

use breakglass_custody::document::CredentialKind;
use breakglass_custody::name::Name;
use breakglass_custody::succession::Spent;
use breakglass_ops::keys::certificates::RENEW_DAYS;
use breakglass_ops::keys::due::{DRILL_DAYS_MAX, Due, Why};
use breakglass_ops::keys::record::{Course, Entry, EntryError, KEY_COUNT_MAX, METHOD_CHARS_MAX, Noted, TEXT_CHARS_MAX};
use breakglass_ops::keys::sealing::{Sealed, Sealing};
use breakglass_testkit::{is_full, seed_for};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

fn name(text: &str) -> Name {
    Name::read(text).unwrap()
}

/// So many days after the first.
fn day(days: i64) -> Timestamp {
    "2026-11-27T03:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_hours(24 * days)
}

fn noted(key: &str, place: &str, at: i64) -> Noted {
    Noted {
        key: name(key),
        model: Some("Key 5".to_owned()),
        aa_guid: None,
        place: name(place),
        held_by: name("ada"),
        pin_held_by: name("bram"),
        method: None,
        at: day(at),
    }
}

/// What is said of a key on a day, in a word.
fn entry(text: &str) -> Entry {
    let words: Vec<&str> = text.split(' ').collect();
    let (at, key) = (day(words[0].parse().unwrap()), name(words[1]));
    let place = |at: usize| words.get(at).copied().unwrap_or("safe");
    match words[2] {
        "noted" => Entry::Noted(noted(words[1], place(3), words[0].parse().unwrap())),
        "by-hand" => {
            let method = Some(format!("method-of-{key}"));
            Entry::Noted(Noted { method, ..noted(words[1], place(3), words[0].parse().unwrap()) })
        }
        "registering" => Entry::Registering {
            key,
            credential: "AAEC".to_owned(),
            aa_guid: "00000000-0000-0000-0000-000000000000".to_owned(),
            until: at + SignedDuration::from_mins(5),
            at,
        },
        "refused" => Entry::NotRegistered { key, at },
        "registered" => Entry::Registered { method: format!("method-of-{key}"), key, at },
        "moved" => Entry::Moved { key, place: name(place(3)), held_by: name("bram"), at },
        "drilled" => Entry::Drilled { key, at },
        "used" => Entry::Used { key, at },
        "pin" => Entry::PinChanged { key, pin_held_by: name(place(3)), at },
        "sealed" => Entry::PinSealed { key, document: name(place(3)), at },
        "issued" => {
            let until = at + SignedDuration::from_hours(24 * words[3].parse::<i64>().unwrap());
            Entry::CertificateIssued { certificate: key, until, document: words.get(4).map(|text| name(text)), at }
        }
        "certificate-used" => Entry::CertificateUsed { certificate: key, at },
        "revoked" => Entry::CertificateRevoked { certificate: key, at },
        "lost" => Entry::Lost { key, at },
        "removed" => Entry::Removed { key, at },
        other => panic!("{other}"),
    }
}

fn course(entries: &str) -> Course {
    let entries: Vec<Entry> = entries.split(", ").filter(|text| !text.is_empty()).map(entry).collect();
    Course::of(&entries).unwrap_or_else(|error| panic!("{entries:?}: {error}"))
}

fn words(due: &Due) -> String {
    match due {
        Due::FewKeys(count) => format!("few {count}"),
        Due::Decide(key) => format!("decide {key}"),
        Due::Remove(key) => format!("remove {key}"),
        Due::Pin(key) => format!("pin {key}"),
        Due::Replace(sealed, Spent::Opened) => format!("replace {}, opened", of(sealed)),
        Due::Replace(sealed, Spent::Retired) => format!("replace {}, retired", of(sealed)),
        Due::Issue(certificate, Why::Used) => format!("issue {certificate}, used"),
        Due::Issue(certificate, Why::Ended(_)) => format!("issue {certificate}, ended"),
        Due::Issue(certificate, Why::Ends(_)) => format!("issue {certificate}, ends"),
        Due::Revoke(certificate) => format!("revoke {certificate}"),
        Due::Find(sealed, document) => format!("find {document} with {}", of(sealed)),
        Due::Drill(key, _) => format!("drill {key}"),
        Due::OnePerson(key, person) => format!("person {key} {person}"),
        Due::OnePlace(place) => format!("place {place}"),
        Due::Register(key) => format!("register {key}"),
    }
}

fn of(sealed: &Sealed) -> String {
    match sealed {
        Sealed::Pin(key) => format!("PIN of {key}"),
        Sealed::Certificate(certificate) => format!("key of {certificate}"),
    }
}

/// Who may know what is sealed, as the names of documents say in these tests.
fn sealing(document: &Name) -> Sealing {
    match document.as_str().split('-').next().unwrap() {
        "opened" => Sealing::Spent(Spent::Opened),
        "retired" => Sealing::Spent(Spent::Retired),
        "gone" => Sealing::Untold,
        _ => Sealing::Shut,
    }
}

fn due(course: &Course, at: i64) -> String {
    course.due(day(at), sealing).iter().map(words).collect::<Vec<_>>().join(", ")
}

const BOTH: &str = "0 k1 by-hand safe, 0 k2 by-hand bank, 1 k1 drilled, 1 k2 drilled";

#[test]
fn what_is_due_follows_from_what_was_written_down() {
    for (entries, at, wanted) in [
        ("", 0, "few 0"),
        ("0 k1 noted", 0, "few 0, register k1"),
        ("0 k1 by-hand", 0, "few 1, drill k1"),
        (BOTH, 1, ""),
        (BOTH, 1 + DRILL_DAYS_MAX, ""),
        (BOTH, 2 + DRILL_DAYS_MAX, "drill k1, drill k2"),
        ("0 k1 by-hand safe, 0 k2 by-hand safe, 1 k1 drilled, 1 k2 drilled", 1, "place safe"),
        (&format!("{BOTH}, 2 k2 moved safe"), 2, "person k2 bram, place safe"),
        (&format!("{BOTH}, 2 k1 pin ada"), 2, "drill k1, person k1 ada"),
        (&format!("{BOTH}, 2 k1 used"), 2, "pin k1"),
        (&format!("{BOTH}, 2 k1 used, 3 k1 pin bram"), 3, "drill k1"),
        (&format!("{BOTH}, 2 k1 used, 3 k1 pin bram, 4 k1 drilled"), 4, ""),
        (&format!("{BOTH}, 2 k1 used, 3 k1 drilled"), 3, "pin k1"),
        (&format!("{BOTH}, 2 k1 lost"), 2, "few 1, remove k1"),
        (&format!("{BOTH}, 2 k1 lost, 3 k1 removed"), 3, "few 1"),
        ("0 k1 noted, 1 k1 registering", 1, "few 0, decide k1"),
        ("0 k1 noted, 1 k1 registering, 1 k1 refused", 1, "few 0, register k1"),
        ("0 k1 noted, 1 k1 registering, 1 k1 registered", 1, "few 1, drill k1"),
        ("0 k1 noted, 1 k1 registering, 1 k1 lost", 1, "few 0, decide k1"),
        ("0 k1 noted, 1 k1 registering, 1 k1 lost, 2 k1 registered", 2, "few 0, remove k1"),
    ] {
        assert_eq!(due(&course(entries), at), wanted, "{entries}");
    }
}

#[test]
fn what_is_sealed_is_due_when_others_may_know_it_or_nobody_can_tell() {
    for (entries, at, wanted) in [
        ("2 k1 sealed shut-1", 2, ""),
        ("2 k1 sealed opened-1", 2, "replace PIN of k1, opened"),
        ("2 k1 sealed retired-1", 2, "replace PIN of k1, retired"),
        ("2 k1 sealed gone-1", 2, "find gone-1 with PIN of k1"),
        // The same PIN in another document is known to whoever opened the first.
        ("2 k1 sealed opened-1, 3 k1 sealed shut-1", 3, "replace PIN of k1, opened"),
        ("2 k1 sealed opened-1, 3 k1 sealed opened-2", 3, "replace PIN of k1, opened"),
        ("2 k1 sealed opened-1, 3 k1 pin bram", 3, "drill k1"),
        ("2 k1 sealed opened-1, 3 k1 pin bram, 4 k1 drilled, 4 k1 sealed shut-1", 4, ""),
        ("2 k1 sealed opened-1, 3 k1 drilled", 3, "replace PIN of k1, opened"),
        ("2 k1 sealed opened-1, 2 k1 used", 2, "replace PIN of k1, opened, pin k1"),
        ("2 k1 sealed opened-1, 3 k1 lost", 3, "few 1, remove k1"),
        ("2 k1 sealed opened-1, 3 k1 removed", 3, "few 1"),
        ("2 c1 issued 365", 2, ""),
        ("2 c1 issued 365 shut-1", 2, ""),
        ("2 c1 issued 365 opened-1", 2, "replace key of c1, opened"),
        ("2 c1 issued 365 retired-1", 2, "replace key of c1, retired"),
        ("2 c1 issued 365 gone-1", 2, "find gone-1 with key of c1"),
        ("2 c1 issued 40", 2 + 40 - RENEW_DAYS - 1, ""),
        ("2 c1 issued 40", 2 + 40 - RENEW_DAYS, "issue c1, ends"),
        ("2 c1 issued 40", 41, "issue c1, ends"),
        ("2 c1 issued 40", 42, "issue c1, ended"),
        ("2 c1 issued 365, 3 c1 certificate-used", 3, "issue c1, used"),
        ("2 c1 issued 365 opened-1, 3 c1 certificate-used, 4 c2 issued 365", 4, "revoke c1"),
        ("2 c1 issued 365, 3 c1 certificate-used, 4 c2 issued 365, 5 c1 revoked", 5, ""),
        ("2 c1 issued 365, 4 c2 issued 365 opened-1", 4, "replace key of c2, opened, revoke c1"),
        // What was issued by mistake takes no other's place.
        ("2 c1 issued 365, 4 c2 issued 365, 5 c2 revoked", 5, ""),
        ("2 c1 issued 365 opened-1, 3 c1 certificate-used, 4 c1 revoked", 4, ""),
    ] {
        assert_eq!(due(&course(&format!("{BOTH}, {entries}")), at), wanted, "{entries}");
    }
}

#[test]
fn a_document_counts_as_long_as_what_is_sealed_in_it_does() {
    for (entries, counting) in [
        ("2 k1 sealed a", "a: PIN of k1"),
        ("2 k1 sealed a, 2 k2 sealed b", "a: PIN of k1, b: PIN of k2"),
        ("2 k1 sealed a, 3 k1 sealed b", "b: PIN of k1"),
        ("2 k1 sealed a, 3 k1 pin bram", ""),
        ("2 k1 sealed a, 3 k1 removed", ""),
        ("2 k1 sealed a, 3 k1 removed, 4 k1 noted", ""),
        ("2 k1 sealed a, 3 k1 lost", "a: PIN of k1"),
        ("2 k1 sealed a, 3 k1 used", "a: PIN of k1"),
        ("2 c1 issued 365", ""),
        ("2 c1 issued 365 a, 3 c2 issued 365 b", "a: key of c1, b: key of c2"),
        ("2 c1 issued 365 a, 3 c1 certificate-used", "a: key of c1"),
        ("2 c1 issued 365 a, 3 c1 revoked", ""),
    ] {
        let course = course(&format!("{BOTH}, {entries}"));
        let found = course.counting().map(|(document, sealed)| format!("{document}: {}", of(sealed)));
        assert_eq!(found.collect::<Vec<_>>().join(", "), counting, "{entries}");
        assert_eq!(course.is_nothing_sealed(), course.sealed_in(&name("a")).is_none(), "{entries}");
    }
    let course =
        course(&format!("{BOTH}, 2 k1 sealed a, 2 k2 sealed b, 2 c1 issued 365 c, 2 c2 issued 365, 3 k1 removed"));
    let next = [CredentialKind::Passkey, CredentialKind::Certificate].map(|kind| course.next_version(kind));
    assert_eq!(next, [3, 2], "none has the number of another");
}

#[test]
fn what_cannot_follow_is_refused_and_changes_nothing() {
    for (entries, last, wanted) in [
        ("", "0 k1 drilled", EntryError::Unknown(name("k1"))),
        ("", "0 k1 removed", EntryError::Unknown(name("k1"))),
        ("0 k1 noted", "0 k1 noted", EntryError::Known(name("k1"))),
        ("1 k1 noted", "0 k2 noted", EntryError::Times),
        ("0 k1 noted", "0 k1 drilled", EntryError::NotRegistered(name("k1"))),
        ("0 k1 noted", "0 k1 used", EntryError::NotRegistered(name("k1"))),
        ("0 k1 noted", "0 k1 registered", EntryError::NoAttempt(name("k1"))),
        ("0 k1 noted", "0 k1 refused", EntryError::NoAttempt(name("k1"))),
        ("0 k1 by-hand", "0 k1 registering", EntryError::Registered(name("k1"))),
        ("0 k1 noted, 0 k1 registering", "0 k1 registering", EntryError::Undecided(name("k1"))),
        ("0 k1 noted, 0 k1 registering", "0 k1 removed", EntryError::Undecided(name("k1"))),
        ("0 k1 noted, 0 k1 lost", "0 k1 registering", EntryError::Lost(name("k1"))),
        ("0 k1 by-hand, 0 k1 lost", "0 k1 drilled", EntryError::Lost(name("k1"))),
        ("0 k1 by-hand, 0 k1 lost", "0 k1 moved bank", EntryError::Lost(name("k1"))),
        ("0 k1 by-hand, 0 k1 lost", "0 k1 lost", EntryError::Lost(name("k1"))),
        ("", "0 k1 sealed a", EntryError::Unknown(name("k1"))),
        ("0 k1 noted, 0 k1 removed", "0 k1 sealed a", EntryError::Unknown(name("k1"))),
        ("0 k1 noted, 0 k1 lost", "0 k1 sealed a", EntryError::Lost(name("k1"))),
        ("0 k1 noted, 0 k1 sealed a, 0 k1 pin carl", "0 k1 sealed a", EntryError::Document(name("a"))),
        ("0 k1 noted, 0 k1 sealed a", "0 c1 issued 365 a", EntryError::Document(name("a"))),
        ("0 c1 issued 365", "0 c1 issued 365", EntryError::KnownCertificate(name("c1"))),
        ("0 c1 issued 365, 0 c1 revoked", "0 c1 issued 365", EntryError::KnownCertificate(name("c1"))),
        ("", "0 c1 issued 0", EntryError::Times),
        ("", "0 c1 certificate-used", EntryError::UnknownCertificate(name("c1"))),
        ("", "0 c1 revoked", EntryError::UnknownCertificate(name("c1"))),
        ("0 c1 issued 365, 0 c1 revoked", "0 c1 certificate-used", EntryError::Revoked(name("c1"))),
        ("0 c1 issued 365, 0 c1 revoked", "0 c1 revoked", EntryError::Revoked(name("c1"))),
    ] {
        let before = course(entries);
        let mut after = before.clone();
        assert_eq!(after.add(&entry(last)), Err(wanted), "{entries}, {last}");
        assert_eq!(after, before, "{entries}, {last}");
    }
    // A key that was removed may come back, and one method is one key's.
    assert_eq!(due(&course("0 k1 by-hand, 1 k1 removed, 2 k1 noted"), 2), "few 0, register k1");
    let method = Some("method-of-k1".to_owned());
    let twice = Entry::Noted(Noted { method, ..noted("k2", "bank", 0) });
    assert_eq!(course("0 k1 by-hand").add(&twice), Err(EntryError::Method(name("k2"))));
}

#[test]
fn limits_are_where_they_are_named() {
    let mut course = Course::default();
    for number in 0..KEY_COUNT_MAX {
        course.add(&Entry::Noted(noted(&format!("k{number}"), "safe", 0))).unwrap();
    }
    assert_eq!(course.add(&Entry::Noted(noted("more", "safe", 0))), Err(EntryError::Many));
    let with = |model: &str, method: &str| {
        let (model, method) = (Some(model.to_owned()), Some(method.to_owned()));
        Course::of(&[Entry::Noted(Noted { model, method, ..noted("k1", "safe", 0) })]).map(|_| ())
    };
    assert_eq!(with(&"\u{e4}".repeat(TEXT_CHARS_MAX), &"x".repeat(METHOD_CHARS_MAX)), Ok(()));
    for (model, method) in [
        ("x".repeat(TEXT_CHARS_MAX + 1), "x".to_owned()),
        (String::new(), "x".to_owned()),
        ("two\nlines".to_owned(), "x".to_owned()),
        ("x".to_owned(), "x".repeat(METHOD_CHARS_MAX + 1)),
        ("x".to_owned(), String::new()),
        ("x".to_owned(), "a/b".to_owned()),
        ("x".to_owned(), "\u{e4}".to_owned()),
    ] {
        assert_eq!(with(&model, &method), Err(EntryError::Text), "{model} {method}");
    }
}

#[test]
fn entries_are_read_as_they_were_written() {
    let all = format!(
        "{BOTH}, 2 k3 noted, 2 k3 registering, 2 k3 refused, 3 k3 registering, 3 k3 registered, 4 k1 used, \
                       4 k1 pin carl, 4 k1 moved vault, 4 k1 sealed a, 5 k2 lost, 5 k2 removed, 6 c1 issued 365, \
                       6 c2 issued 365 b, 7 c1 certificate-used, 7 c1 revoked"
    );
    for text in all.split(", ") {
        let entry = entry(text);
        let value = serde_json::to_value(&entry).unwrap();
        assert_eq!(serde_json::from_value::<Entry>(value.clone()).unwrap(), entry);
        assert!(value["state"].is_string() && value["at"].is_string(), "{value}");
    }
    let mut more = serde_json::to_value(entry("0 k1 lost")).unwrap();
    more["why"] = json!("stolen");
    assert!(serde_json::from_value::<Entry>(more).is_err(), "what nobody has a meaning for is not passed over");
}

/// Somebody who keeps the entries and nothing else, and looks through all of them for each question.
#[derive(Default)]
struct Referee(Vec<Entry>);

impl Referee {
    /// The entries about a key since it was last written down; none if it is not there.
    fn life(&self, key: &Name) -> Vec<&Entry> {
        let about = |entry: &&Entry| format!("{entry:?}").contains(&format!("key: Name(\"{key}\")"));
        let all: Vec<&Entry> = self.0.iter().filter(about).collect();
        let begin = all.iter().rposition(|entry| matches!(entry, Entry::Noted(_)));
        let life = begin.map(|begin| all[begin..].to_vec()).unwrap_or_default();
        if life.iter().any(|entry| matches!(entry, Entry::Removed { .. })) { Vec::new() } else { life }
    }

    fn is_lost(life: &[&Entry]) -> bool {
        life.iter().any(|entry| matches!(entry, Entry::Lost { .. }))
    }

    fn method(life: &[&Entry]) -> bool {
        life.iter().any(|entry| match entry {
            Entry::Noted(noted) => noted.method.is_some(),
            Entry::Registered { .. } => true,
            _ => false,
        })
    }

    fn is_trying(life: &[&Entry]) -> bool {
        let outcome = life.iter().rfind(|entry| {
            matches!(entry, Entry::Registering { .. } | Entry::NotRegistered { .. } | Entry::Registered { .. })
        });
        matches!(outcome, Some(Entry::Registering { .. }))
    }

    fn may(&self, entry: &Entry, key: &Name) -> bool {
        let life = self.life(key);
        let (is_there, is_lost) = (!life.is_empty(), Self::is_lost(&life));
        let (has_method, is_trying) = (Self::method(&life), Self::is_trying(&life));
        self.0.last().is_none_or(|last| last.at() <= entry.at())
            && match entry {
                Entry::Noted(_) => !is_there,
                Entry::Registering { .. } => is_there && !is_lost && !has_method && !is_trying,
                Entry::NotRegistered { .. } | Entry::Registered { .. } => is_trying,
                Entry::Moved { .. } | Entry::PinChanged { .. } | Entry::Lost { .. } => is_there && !is_lost,
                Entry::PinSealed { document, .. } => is_there && !is_lost && self.is_new(document),
                Entry::CertificateIssued { .. } | Entry::CertificateUsed { .. } | Entry::CertificateRevoked { .. } => {
                    unreachable!("none is drawn")
                }
                Entry::Drilled { .. } | Entry::Used { .. } => has_method && !is_lost,
                Entry::Removed { .. } => is_there && !is_trying,
            }
    }

    fn is_new(&self, name: &Name) -> bool {
        !self.0.iter().any(|entry| matches!(entry, Entry::PinSealed { document, .. } if document == name))
    }

    fn due(&self, keys: &[Name], now: Timestamp) -> Vec<String> {
        let mut due = Vec::new();
        let (mut count, mut places) = (0, Vec::new());
        for key in keys {
            let life = self.life(key);
            if life.is_empty() {
                continue;
            }
            let last = |is: fn(&Entry) -> bool| life.iter().rposition(|entry| is(entry));
            let drilled = last(|entry| matches!(entry, Entry::Drilled { .. }));
            let used = last(|entry| matches!(entry, Entry::Used { .. }));
            let pin = last(|entry| matches!(entry, Entry::PinChanged { .. }));
            let (mut place, mut holder, mut keeper) = (name("x"), name("x"), name("x"));
            for entry in &life {
                match entry {
                    Entry::Noted(noted) => {
                        (place, holder, keeper) =
                            (noted.place.clone(), noted.held_by.clone(), noted.pin_held_by.clone());
                    }
                    Entry::Moved { place: to, held_by, .. } => (place, holder) = (to.clone(), held_by.clone()),
                    Entry::PinChanged { pin_held_by, .. } => keeper = pin_held_by.clone(),
                    _ => {}
                }
            }
            let (is_lost, has_method, is_trying) = (Self::is_lost(&life), Self::method(&life), Self::is_trying(&life));
            let is_old = |at: usize| (now.as_second() - life[at].at().as_second()) > DRILL_DAYS_MAX * 86_400;
            let sealed_since: Vec<Sealing> = life[pin.unwrap_or(0)..]
                .iter()
                .filter_map(|entry| match entry {
                    Entry::PinSealed { document, .. } => Some(sealing(document)),
                    _ => None,
                })
                .collect();
            if !is_lost && sealed_since.contains(&Sealing::Spent(Spent::Opened)) {
                due.push(format!("replace PIN of {key}, opened"));
            }
            if has_method && !is_lost {
                count += 1;
                places.push(place);
                if used > pin {
                    due.push(format!("pin {key}"));
                }
                if drilled.is_none() || drilled < pin || is_old(drilled.unwrap()) {
                    due.push(format!("drill {key}"));
                }
            }
            if is_trying {
                due.push(format!("decide {key}"));
            } else if is_lost {
                due.push(format!("remove {key}"));
            } else if !has_method {
                due.push(format!("register {key}"));
            }
            if !is_lost && holder == keeper {
                due.push(format!("person {key} {holder}"));
            }
        }
        if count < 2 {
            due.push(format!("few {count}"));
        } else if places.iter().all(|place| *place == places[0]) {
            due.push(format!("place {}", places[0]));
        }
        due.sort();
        due
    }
}

#[test]
fn the_referee_takes_the_same_entries_and_finds_the_same_due_by_seed() {
    let mut state = seed_for("the_referee_takes_the_same_entries_and_finds_the_same_due_by_seed");
    let mut below = |end: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % end
    };
    let keys = [name("k1"), name("k2"), name("k3")];
    let kinds = [
        "noted",
        "by-hand",
        "registering",
        "registering",
        "refused",
        "registered",
        "moved",
        "drilled",
        "drilled",
        "used",
        "pin",
        "sealed",
        "sealed",
        "lost",
        "removed",
    ];
    let (mut taken, mut refused, mut dues) = (0, 0, 0);
    for _ in 0..if is_full() { 5_000 } else { 500 } {
        let (mut course, mut referee, mut today) = (Course::default(), Referee::default(), 0_i64);
        for _ in 0..40 {
            // Now and then long after, and now and then before; never on one day, which the referee does not tell apart.
            today += [1, 1, 1, 40, 100][below(5)];
            let at = if below(20) == 0 { today - 30 } else { today };
            let key = &keys[below(keys.len())];
            let (kind, place) = (kinds[below(kinds.len())], ["safe", "bank", "ada"][below(3)]);
            let document = format!("{}-{}", ["opened", "shut"][below(2)], below(20));
            let place = if kind == "sealed" { document.as_str() } else { place };
            let entry = entry(&format!("{at} {key} {kind} {place}"));
            let before = course.clone();
            let is_taken = course.add(&entry).is_ok();
            assert_eq!(is_taken, referee.may(&entry, key), "{entry:?} after {:?}", referee.0);
            if is_taken {
                referee.0.push(entry);
                taken += 1;
            } else {
                assert_eq!(course, before);
                refused += 1;
            }
            let mut due: Vec<String> = course.due(day(today), sealing).iter().map(words).collect();
            due.sort();
            assert_eq!(due, referee.due(&keys, day(today)), "{:?}", referee.0);
            dues += due.len();
        }
    }
    println!("entries of keys: {taken} taken, {refused} refused; {dues} things due");
    assert!(taken > 1_000 && refused > 1_000);
}
