//! The record of rotations: what may follow what, and what it says at the edges that the enumeration does not reach.

use breakglass_custody::name::{NAME_CHARS_MAX, Name};
use breakglass_ops::rotation::machine::{Answer, Outcome, Rotation, Step, Stop};
use breakglass_ops::rotation::record::{Course, Entry, QUIESCENCE_HOURS_USUAL, RecordError, Standing};
use jiff::{SignedDuration, Timestamp};

fn id(text: &str) -> Name {
    Name::read(text).unwrap()
}

fn hour(hour: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH.checked_add(SignedDuration::from_hours(hour)).unwrap()
}

/// An entry as `sending new 3`: what, which candidate, at which hour.
fn entry(text: &str) -> Entry {
    let mut words = text.split(' ');
    let (what, candidate, at) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap_or("0"));
    let (candidate, at) = (id(candidate), hour(at.parse().unwrap()));
    match what {
        "begun" => Entry::Begun { by: None, at },
        "prepared" => Entry::Prepared { candidate, at },
        "sending" => Entry::Sending { candidate, at },
        "refused" => Entry::Refused { candidate, at },
        "probing" => Entry::Probing { candidate, at },
        "proved" => Entry::Proved { candidate, changed_at: None, is_answered: false, at },
        "answered" => Entry::Proved { candidate, changed_at: None, is_answered: true, at },
        "revoked" => Entry::Revoked { at },
        "settled" => Entry::Settled { candidate, at },
        "opened" => Entry::Opened { candidate, at },
        "destroyed" => Entry::Destroyed { candidate, at },
        other => panic!("{other}"),
    }
}

const OLD: [&str; 2] = ["prepared old", "settled old"];

fn course(entries: &[&str]) -> Result<Course, RecordError> {
    let entries: Vec<Entry> = OLD.iter().chain(entries).map(|text| entry(text)).collect();
    Course::of(&entries)
}

#[test]
fn an_entry_that_cannot_follow_is_refused_and_changes_nothing() {
    let sent = ["begun -", "prepared new", "sending new"];
    // Rotations that are only begun, or never proved, bring nothing nearer to its end.
    let begun = ["begun -", "prepared new", "begun -", "begun -", "prepared a", "sending a", "begun -"];
    let two = ["proved a", "prepared b", "sending b", "proved b"];
    let gone = [begun.as_slice(), &two, &["destroyed new"]].concat();
    let refused = [sent.as_slice(), &["refused new"]].concat();
    let cases: [(&[&str], &str, RecordError); 23] = [
        (&begun, "destroyed new", RecordError::Needed(id("new"))),
        (&[], "sending new", RecordError::Unknown(id("new"))),
        (&[], "proved new", RecordError::Unknown(id("new"))),
        (&[], "refused new", RecordError::Unknown(id("new"))),
        (&[], "settled new", RecordError::Unknown(id("new"))),
        (&[], "opened new", RecordError::Unknown(id("new"))),
        (&[], "destroyed new", RecordError::Unknown(id("new"))),
        // Prepared once more it would look as if it had never been sent.
        (&sent, "prepared new", RecordError::Twice(id("new"))),
        (&sent, "settled new", RecordError::Unproved(id("new"))),
        (&sent, "settled old", RecordError::Unproved(id("old"))),
        (&sent, "destroyed new", RecordError::Needed(id("new"))),
        (&sent, "destroyed old", RecordError::Needed(id("old"))),
        (&["begun -", "prepared new", "opened new"], "sending new", RecordError::Opened(id("new"))),
        // A refusal of what counts, or of what may have been carried out before, would hide that it may count.
        (&[], "sending old", RecordError::OutOfTurn(id("old"))),
        (&[], "refused old", RecordError::OutOfTurn(id("old"))),
        (&sent, "sending new", RecordError::OutOfTurn(id("new"))),
        (&refused, "sending new", RecordError::OutOfTurn(id("new"))),
        (&refused, "refused new", RecordError::OutOfTurn(id("new"))),
        (&refused, "settled new", RecordError::Unproved(id("new"))),
        (&gone, "sending new", RecordError::Gone(id("new"))),
        (&gone, "proved new", RecordError::Gone(id("new"))),
        (&gone, "settled new", RecordError::Gone(id("new"))),
        (&gone, "prepared new", RecordError::Twice(id("new"))),
    ];
    for (before, text, error) in cases {
        let mut course = course(before).unwrap();
        let was = course.clone();
        assert_eq!(course.take(&entry(text)), Err(error), "{text}");
        assert_eq!(course, was, "{text}");
    }
}

#[test]
fn quiescence_counts_from_the_last_outcome_and_not_from_the_first_request() {
    // Written down at hour 1, sent again and again by a machine that slept, answered at hour 9.
    let proved = course(&["begun - 1", "prepared new 1", "sending new 1", "proved new 9"]).unwrap();
    let hours = QUIESCENCE_HOURS_USUAL;
    assert_eq!(proved.settleable(hours, hour(9 + i64::from(hours) - 1)), None);
    assert_eq!(proved.settleable(hours, hour(9 + i64::from(hours))), Some(&id("new")));
    assert_eq!(proved.settleable(0, hour(9)), Some(&id("new")));
    assert_eq!(proved.settleable(u16::MAX, hour(10)), None);
    // A clock that runs backwards shortens nothing.
    let back = course(&["begun - 9", "prepared new 9", "sending new 9", "proved new 1"]).unwrap();
    assert_eq!(back.settleable(hours, hour(i64::from(hours) + 8)), None);
    assert_eq!(course(&[]).unwrap().settleable(0, hour(9)), None, "nothing is proved");
}

#[test]
fn what_could_have_come_in_between_is_told_until_a_rotation_that_nothing_can_disturb() {
    let hours = i64::from(QUIESCENCE_HOURS_USUAL);
    let rival = |entries: &[&str]| course(entries).unwrap().rival(QUIESCENCE_HOURS_USUAL).cloned();
    let first = ["prepared one 0", "sending one 0"];
    let second = |hour: i64| ["prepared", "sending", "proved"].map(|what| format!("{what} two {hour}"));
    let with = |before: &[&str], hour: i64| {
        let second = second(hour);
        rival(&before.iter().copied().chain(second.iter().map(String::as_str)).collect::<Vec<_>>())
    };
    assert_eq!(with(&first, 1), Some(id("one")), "it was sent, and nobody knows what became of it");
    // Whoever sent it may have gone on for an hour.
    assert_eq!(with(&first, hours), Some(id("one")));
    assert_eq!(with(&first, hours + 1), None);
    assert_eq!(with(&[first.as_slice(), &["refused one 0"]].concat(), 1), None, "it was refused");
    assert_eq!(
        with(&[first.as_slice(), &["proved one 0"]].concat(), 1),
        Some(id("one")),
        "one of its requests was lost"
    );
    assert_eq!(with(&[first.as_slice(), &["answered one 0"]].concat(), 1), None, "none of its requests is under way");
    assert_eq!(rival(&first), None, "nothing is proved");
}

#[test]
fn a_machine_that_slept_sends_nothing_more_and_sign_ins_have_a_budget() {
    let mut course = course(&[]).unwrap();
    let mut rotation = before_sending(&mut course);
    course.take(&entry("sending new 5")).unwrap();
    rotation.on(&Outcome::Good);
    assert_eq!(rotation.clone().next(&course, hour(6)), Step::Send(id("new")));
    let late = hour(6).checked_add(SignedDuration::from_secs(1)).unwrap();
    assert_eq!(rotation.next(&course, late), Step::Prove(id("new")));
    for _ in 0..3 {
        course.take(&entry("probing new 6")).unwrap();
    }
    assert_eq!((course.probe_count(hour(6)), course.probe_count(hour(7))), (3, 0));
    course.take(&entry("proved new 6")).unwrap();
    assert_eq!(course.probe_count(hour(6)), 0);
}

#[test]
fn sessions_are_due_to_be_ended_until_they_are() {
    let rotated = ["begun -", "prepared new", "sending new", "proved new"];
    let due = |more: &[&str]| course(&[rotated.as_slice(), more].concat()).unwrap().is_revocation_due();
    assert!(!course(&[]).unwrap().is_revocation_due());
    assert!(!course(&rotated[..3]).unwrap().is_revocation_due(), "it may not be set");
    assert!(due(&[]));
    // A day later it is settled, and nobody has ended them.
    assert!(due(&["settled new"]));
    assert!(!due(&["revoked -"]));
    assert!(!due(&["revoked -", "settled new"]));
    // A drill with what counts changes nothing; another password does.
    assert!(!due(&["revoked -", "settled new", "proved new"]));
    assert!(due(&["revoked -", "settled new", "proved old"]));
    let course = course(&[rotated.as_slice(), &["settled new"]].concat()).unwrap();
    assert_eq!(Rotation::finish(&course).unwrap().next(&course, hour(0)), Step::Revoke);
}

#[test]
fn a_refused_attempt_leaves_the_one_before_it_proved() {
    let before = ["begun -", "prepared new", "sending new", "proved new", "begun -", "prepared other", "sending other"];
    assert_eq!(course(&before).unwrap().proved(), None, "either may count");
    let course = course(&[before.as_slice(), &["refused other"]].concat()).unwrap();
    assert_eq!(course.proved(), Some(&id("new")));
}

#[test]
fn what_counts_again_after_it_was_superseded_is_superseded_again() {
    let entries = [
        ["begun -", "prepared new", "sending new", "proved new", "settled new"].as_slice(),
        // A request that arrived late brought the old one back.
        &["proved old", "settled old"],
        &["begun -", "prepared other", "sending other", "proved other", "settled other"],
    ];
    let mut course = course(&entries.concat()).unwrap();
    let standings = ["old", "new", "other"].map(|name| course.standing(&id(name)).unwrap());
    assert_eq!(standings, [Standing::Superseded, Standing::Superseded, Standing::Settled]);
    assert_eq!(course.may_count().collect::<Vec<_>>(), [&id("other")]);
    // The new one went two rotations earlier than the old one did.
    let mut rotate = |name: &str| {
        for what in ["begun", "prepared", "sending", "proved"] {
            course.take(&entry(&format!("{what} {name}"))).unwrap();
        }
        course.destroyable().cloned().collect::<Vec<_>>()
    };
    assert_eq!(rotate("x"), [id("new")]);
    assert_eq!(rotate("y"), [id("new"), id("old")]);
}

#[test]
fn what_was_proved_again_and_never_settled_does_not_count_for_ever() {
    let entries = [
        ["begun -", "prepared new", "sending new", "proved new", "settled new"].as_slice(),
        // It came back for a while.
        &["proved old", "begun -", "prepared other", "sending other", "proved other"],
    ];
    let mut course = course(&entries.concat()).unwrap();
    assert_eq!(course.may_count().collect::<Vec<_>>(), [&id("old"), &id("other"), &id("new")]);
    course.take(&entry("settled other")).unwrap();
    assert_eq!(course.standing(&id("old")), Some(Standing::Superseded));
    assert_eq!(course.may_count().collect::<Vec<_>>(), [&id("other")]);
}

/// A machine that has got to where it writes down that it will send.
fn before_sending(course: &mut Course) -> Rotation {
    let mut rotation = Rotation::begin(course);
    rotation.on(&Outcome::Good);
    rotation.on(&Outcome::Prepared(id("new")));
    course.take(&entry("prepared new")).unwrap();
    rotation.on(&Outcome::Good);
    rotation
}

#[test]
fn what_custodians_opened_is_not_sent_and_not_sent_again() {
    let mut opened = course(&[]).unwrap();
    let mut rotation = before_sending(&mut opened);
    let sending = entry("sending new");
    assert_eq!(rotation.next(&opened, hour(0)), Step::Note(sending.clone()));
    let mut sent = opened.clone();
    opened.take(&entry("opened new")).unwrap();
    assert_eq!(rotation.clone().next(&opened, hour(0)), Step::Stop(Stop::Opened));
    // Between the note and the request.
    sent.take(&sending).unwrap();
    rotation.on(&Outcome::Good);
    assert_eq!(rotation.next(&sent, hour(0)), Step::Send(id("new")));
    let before = sent.clone();
    sent.take(&entry("opened new")).unwrap();
    assert_eq!(rotation.clone().next(&sent, hour(0)), Step::Stop(Stop::Opened));
    // Between the request and its repetition: the first may have been carried out.
    rotation.on(&Outcome::Answered(Answer::Perhaps));
    assert_eq!(rotation.next(&before, hour(0)), Step::Send(id("new")));
    assert_eq!(rotation.next(&sent, hour(0)), Step::Prove(id("new")));
}

#[test]
fn whoever_has_no_room_to_write_down_a_sign_in_stops_at_once() {
    let mut sent = course(&[]).unwrap();
    let mut rotation = before_sending(&mut sent);
    sent.take(&entry("sending new")).unwrap();
    rotation.on(&Outcome::Good);
    rotation.on(&Outcome::Answered(Answer::Yes));
    assert_eq!(rotation.next(&sent, hour(0)), Step::Prove(id("new")));
    // A copy of the directory may not know it yet.
    rotation.on(&Outcome::Bad);
    assert_eq!(rotation.next(&sent, hour(0)), Step::Prove(id("new")));
    rotation.on(&Outcome::NoRoom);
    assert_eq!(rotation.next(&sent, hour(0)), Step::Stop(Stop::NotNoted));
}

#[test]
fn after_three_without_a_proof_another_is_begun_only_by_whoever_knows_why() {
    let sent = |name: &str| ["prepared", "sending"].map(|what| format!("{what} {name}"));
    let entries: Vec<String> = ["a", "b", "c"].into_iter().flat_map(sent).collect();
    let texts: Vec<&str> = entries.iter().map(String::as_str).collect();
    let many = course(&texts).unwrap();
    assert_eq!(Rotation::begin(&many).next(&many, hour(0)), Step::Stop(Stop::ManyUnproved));
    let begun = Step::Note(Entry::Begun { by: None, at: hour(0) });
    assert_eq!(Rotation::begin_despite_unproved().next(&many, hour(0)), begun);
    let two = course(&texts[..4]).unwrap();
    assert_eq!(Rotation::begin(&two).next(&two, hour(0)), begun);
    let proved = course(&[texts.as_slice(), &["proved b"]].concat()).unwrap();
    assert_eq!(Rotation::begin(&proved).next(&proved, hour(0)), begun, "one of them is proved");
    assert_eq!(proved.may_count().count(), 4, "each stays sealed");
}

#[test]
fn names_of_candidates_have_a_largest_length_and_no_signs() {
    let longest = "x".repeat(NAME_CHARS_MAX);
    assert!(Name::read(&longest).is_ok());
    for text in ["", "two words", "\u{9b}2J", "a/b", "\u{e4}", &"x".repeat(NAME_CHARS_MAX + 1)] {
        assert!(Name::read(text).is_err(), "{text:?}");
        let json = serde_json::json!({ "state": "opened", "candidate": text, "at": "2026-11-27T03:00:00Z" });
        assert!(serde_json::from_value::<Entry>(json).is_err(), "{text:?}");
    }
    let entry = entry("sending new 3");
    let json = serde_json::to_string(&entry).unwrap();
    assert_eq!(json, r#"{"state":"sending","candidate":"new","at":"1970-01-01T03:00:00Z"}"#);
    assert_eq!(serde_json::from_str::<Entry>(&json).unwrap(), entry);
}
