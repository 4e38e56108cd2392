//! What the record of rotations promises of any entries: it is written as it was read, an entry that is refused changes
//! nothing, and nothing is destroyed that may count.

use breakglass_custody::name::Name;
use breakglass_ops::rotation::machine::{Rotation, Step};
use breakglass_ops::rotation::record::{Course, Entry, UNPROVED_COUNT_MAX};
use jiff::Timestamp;

/// Entries that are looked at.
const ENTRY_COUNT_MAX: usize = 200;

/// Checks it for some text, one entry a line; or, behind a zero, for entries of which each is two bytes.
pub(crate) fn hold(bytes: &[u8]) {
    match bytes.split_first() {
        Some((0, made)) => {
            hold_entries(made.chunks_exact(2).take(ENTRY_COUNT_MAX).map(|pair| made_of(pair[0], pair[1])));
        }
        _ => {
            let Ok(text) = std::str::from_utf8(bytes) else { return };
            let entries = text.lines().take(ENTRY_COUNT_MAX).filter_map(|line| serde_json::from_str(line).ok());
            hold_entries(entries);
        }
    }
}

fn made_of(what: u8, which: u8) -> Entry {
    let candidate = Name::read(&(which % 5).to_string()).expect("a digit is a name");
    let at = Timestamp::from_second(i64::from(which / 5) * 3_600).expect("it is near 1970");
    match what % 11 {
        0 => Entry::Begun { by: None, at },
        1 => Entry::Prepared { candidate, at },
        2 => Entry::Sending { candidate, at },
        3 => Entry::Refused { candidate, at },
        4 => Entry::Proved { candidate, changed_at: Some(at), is_answered: false, at },
        8 => Entry::Proved { candidate, changed_at: None, is_answered: true, at },
        9 => Entry::Probing { candidate, at },
        5 => Entry::Revoked { at },
        6 => Entry::Settled { candidate, at },
        7 => Entry::Opened { candidate, at },
        _ => Entry::Destroyed { candidate, at },
    }
}

fn hold_entries(entries: impl Iterator<Item = Entry>) {
    let mut course = Course::default();
    let mut destroyed: Vec<Name> = Vec::new();
    for entry in entries {
        let text = serde_json::to_string(&entry).expect("it is written");
        assert_eq!(serde_json::from_str::<Entry>(&text).expect("what was written is read"), entry);
        let was = course.clone();
        let may_count: Vec<Name> = was.may_count().cloned().collect();
        if let Err(error) = course.take(&entry) {
            assert_eq!(course, was, "it was refused");
            assert!(!error.to_string().chars().any(char::is_control));
            continue;
        }
        if let Entry::Destroyed { candidate, .. } = &entry {
            assert!(!may_count.contains(candidate), "it may count");
            destroyed.push(candidate.clone());
        }
        hold_course(&course, &destroyed);
    }
}

fn hold_course(course: &Course, destroyed: &[Name]) {
    for candidate in course.may_count() {
        assert!(!destroyed.contains(candidate), "what may count is destroyed");
        assert!(!course.destroyable().any(|other| other == candidate), "what may count may be destroyed");
    }
    assert!(course.proved().is_none() || course.proved() == course.current());
    assert!(course.current().is_none_or(|current| course.may_count().any(|other| other == current)));
    let step = Rotation::begin(course).next(course, Timestamp::UNIX_EPOCH);
    assert_eq!(matches!(step, Step::Stop(_)), course.sent_since().len() >= UNPROVED_COUNT_MAX);
}
