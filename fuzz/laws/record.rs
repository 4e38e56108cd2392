//! What the records of drills, check-outs and security keys promise of any entries: each is written as it was read, and one
//! that is refused changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Debug, Display};

use breakglass_custody::name::Name;
use breakglass_ops::checkout::record as check_out;
use breakglass_ops::drill::record as drill;
use breakglass_ops::keys::record as key;
use breakglass_ops::keys::sealing::Sealing;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Entries that are looked at.
const ENTRY_COUNT_MAX: usize = 200;

/// The entries of a text, one a line; each is written as it was read.
fn entries<E: Serialize + DeserializeOwned + PartialEq + Debug>(bytes: &[u8]) -> Vec<E> {
    let Ok(text) = std::str::from_utf8(bytes) else { return Vec::new() };
    let lines = text.lines().take(ENTRY_COUNT_MAX);
    let entries: Vec<E> = lines.filter_map(|line| serde_json::from_str(line).ok()).collect();
    for entry in &entries {
        let text = serde_json::to_string(entry).expect("it is written");
        assert_eq!(&serde_json::from_str::<E>(&text).expect("what was written is read"), entry);
    }
    entries
}

/// Adds an entry to what is so far; whether it was taken.
fn add<C: Clone + PartialEq + Debug, E, X: Display>(
    course: &mut C,
    entry: &E,
    add: fn(&mut C, &E) -> Result<(), X>,
) -> bool {
    let was = course.clone();
    match add(course, entry) {
        Ok(()) => true,
        Err(error) => {
            assert_eq!(*course, was, "it was refused");
            assert!(!error.to_string().chars().any(char::is_control));
            false
        }
    }
}

/// Checks it for drills.
#[allow(dead_code, reason = "each target checks one of these")]
pub(crate) fn hold_drills(bytes: &[u8]) {
    let mut course = drill::Course::default();
    for entry in entries::<drill::Entry>(bytes) {
        let was = course.elevation();
        if !add(&mut course, &entry, drill::Course::add) {
            continue;
        }
        if let drill::Entry::Elevating { .. } = entry {
            assert_ne!(course.elevation(), drill::Elevation::None, "it may stand");
        }
        let is_lowered = matches!(entry, drill::Entry::Lowered { .. });
        let is_gone = was != drill::Elevation::None && course.elevation() == drill::Elevation::None;
        assert!(!is_gone || is_lowered, "an elevation is forgotten: {entry:?}");
    }
}

/// Checks it for check-outs: nothing is opened without two people, or twice.
#[allow(dead_code, reason = "each target checks one of these")]
pub(crate) fn hold_check_outs(bytes: &[u8]) {
    let mut course = check_out::Course::default();
    let mut people: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut opened = BTreeSet::new();
    for entry in entries::<check_out::Entry>(bytes) {
        if !add(&mut course, &entry, check_out::Course::add) {
            continue;
        }
        match &entry {
            check_out::Entry::Requested(asked) => {
                people.insert(asked.request.to_string(), [asked.person.to_string()].into());
            }
            check_out::Entry::Approved { request, person, .. } => {
                people.entry(request.to_string()).or_default().insert(person.to_string());
            }
            check_out::Entry::Opened { request, document, .. } => {
                let count = people.get(request.as_str()).map_or(0, BTreeSet::len);
                assert!(count >= check_out::PERSON_COUNT_MIN, "{count} people open");
                assert!(opened.insert(request.to_string()), "it is opened twice");
                assert!(course.is_opened(document));
            }
            check_out::Entry::OpenedOffline { document, .. } => assert!(course.is_opened(document)),
            check_out::Entry::Refused { .. } | check_out::Entry::Returned { .. } => {}
        }
    }
}

/// Checks it for keys: one that the tenant may know is there until it is known that the tenant does not know it; and a document
/// counts until something ends that, and is known ever after.
#[allow(dead_code, reason = "each target checks one of these")]
pub(crate) fn hold_keys(bytes: &[u8]) {
    let mut course = key::Course::default();
    for entry in entries::<key::Entry>(bytes) {
        let before: Vec<String> = course.keys().map(|key| key.noted.key.to_string()).collect();
        let counted: Vec<Name> = course.counting().map(|(document, _)| document.clone()).collect();
        if !add(&mut course, &entry, key::Course::add) {
            continue;
        }
        let after: Vec<String> = course.keys().map(|key| key.noted.key.to_string()).collect();
        assert!(after.len() <= key::KEY_COUNT_MAX);
        let is_removed = |name: &String| matches!(&entry, key::Entry::Removed { key, .. } if key.as_str() == *name);
        assert!(before.iter().all(|name| after.contains(name) || is_removed(name)), "a key is forgotten: {entry:?}");
        let ends = matches!(
            entry,
            key::Entry::PinChanged { .. }
                | key::Entry::PinSealed { .. }
                | key::Entry::Removed { .. }
                | key::Entry::CertificateRevoked { .. }
        );
        for document in &counted {
            assert!(course.sealed_in(document).is_some(), "a document is forgotten: {entry:?}");
            assert!(ends || course.counting().any(|(one, _)| one == document), "a document counts no more: {entry:?}");
        }
        // Whatever is due, it can be told.
        let _ = course.due(entry.at(), |_| Sealing::Untold);
    }
}
