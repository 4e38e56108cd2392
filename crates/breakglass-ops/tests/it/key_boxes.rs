//! The key box: who holds which share, what may follow what, and two who write at once.

use breakglass_custody::fingerprint::Fingerprint;
use breakglass_custody::name::Name;
use breakglass_custody::quorum::Quorum;
use breakglass_custody::sealing_key::SealingKey;
use breakglass_custody::signed_set::SignedSet;
use breakglass_custody::signing::SigningKey;
use breakglass_custody::succession::{SealableError, SetStanding, Spent};
use breakglass_ops::key_box::record::{Entry, KeyBox, KeyBoxError, STREAM};
use breakglass_ops::ports::{InMemoryStore, Store as _, StoreError};
use jiff::Timestamp;
use serde_json::json;

fn drawn(seed: u8) -> impl FnMut(&mut [u8]) -> Result<(), ()> + Copy {
    let mut state = u64::from(seed) + 1;
    move |bytes: &mut [u8]| {
        for byte in bytes {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = u8::try_from(state >> 56).unwrap();
        }
        Ok(())
    }
}

fn operator() -> SigningKey {
    SigningKey::generate(drawn(200)).unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn set(seed: u8, by: &SigningKey) -> SignedSet {
    let key = SealingKey::generate(drawn(seed)).unwrap();
    let split = key.split(Quorum::new(2, 3).unwrap(), drawn(seed + 1)).unwrap();
    SignedSet::sign(&split.set, at(0), by).unwrap()
}

fn name(text: &str) -> Name {
    Name::read(text).unwrap()
}

fn made(set: &SignedSet, holders: &[&str]) -> Entry {
    Entry::Made {
        set: set.text().to_owned(),
        holders: holders.iter().map(|one| name(one)).collect(),
        is_reserve: false,
        at: at(1),
    }
}

fn acknowledged(set: Fingerprint, share: u8, person: &str) -> Entry {
    Entry::Acknowledged { set, share, person: name(person), at: at(2) }
}

fn rehearsed(set: Fingerprint, shares: &[u8]) -> Entry {
    Entry::Rehearsed { set, shares: shares.iter().copied().collect(), at: at(3) }
}

const PEOPLE: [&str; 3] = ["eva", "max", "ida"];

/// What makes a set ready.
fn readied(set: &SignedSet) -> Vec<Entry> {
    let of = set.set().recipient.fingerprint();
    let told = (1..).zip(PEOPLE).map(|(share, person)| acknowledged(of, share, person));
    [made(set, &PEOPLE)].into_iter().chain(told).chain([rehearsed(of, &[1, 2, 3])]).collect()
}

#[test]
fn a_set_lives_from_its_making_to_its_end() {
    let (store, operator) = (InMemoryStore::default(), operator());
    let (first, second) = (set(1, &operator), set(3, &operator));
    let [one, two] = [&first, &second].map(|set| set.set().recipient.fingerprint());
    let mut key_box = KeyBox::empty(operator.public().fingerprint());
    assert!(matches!(key_box.sealable(), Err(SealableError::None)));
    for entry in readied(&first) {
        assert!(key_box.sealable().is_err(), "nothing before all is ready");
        key_box.note(&store, &entry).unwrap();
    }
    assert_eq!(key_box.sealable().unwrap().fingerprint(), one);
    key_box.note(&store, &Entry::Sealed { set: one, at: at(4) }).unwrap();
    readied(&second).iter().for_each(|entry| key_box.note(&store, entry).unwrap());
    assert_eq!(key_box.sealable().unwrap().fingerprint(), one, "the current one, as long as it was not opened");
    key_box.note(&store, &Entry::Opened { set: one, at: at(5) }).unwrap();
    assert_eq!(key_box.sealable().unwrap().fingerprint(), two);
    let again = key_box.note(&store, &Entry::Sealed { set: one, at: at(6) });
    assert!(matches!(again, Err(KeyBoxError::Succession(_))), "an opened one is never sealed to again");
    key_box.note(&store, &Entry::Sealed { set: two, at: at(6) }).unwrap();
    assert_eq!(key_box.standing(one), Some((SetStanding::Former, Some(Spent::Opened))));
    key_box.note(&store, &Entry::Died { set: one, at: at(7) }).unwrap();
    let read = KeyBox::of(&store, operator.public().fingerprint()).unwrap();
    assert_eq!(read.sets(), key_box.sets());
    assert_eq!(read.standing(one), Some((SetStanding::Dead, Some(Spent::Opened))));
    let held = read.set(two).unwrap();
    assert_eq!((held.holder(2), held.holder(0), held.holder(4)), (Some(&name("max")), None, None));
    assert_eq!((held.acknowledged.len(), held.rehearsed_at), (3, Some(at(3))));
}

#[test]
fn a_reserve_follows_its_own_sets_and_none_of_the_custodians() {
    let (store, operator) = (InMemoryStore::default(), operator());
    let (first, reserve, second) = (set(1, &operator), set(5, &operator), set(7, &operator));
    let [one, kept, two] = [&first, &reserve, &second].map(|set| set.set().recipient.fingerprint());
    let mut key_box = KeyBox::empty(operator.public().fingerprint());
    let of_reserve = |set: &SignedSet| {
        let mut entries = readied(set);
        if let Entry::Made { is_reserve, .. } = &mut entries[0] {
            *is_reserve = true;
        }
        entries
    };
    readied(&first).iter().for_each(|entry| key_box.note(&store, entry).unwrap());
    assert!(matches!(key_box.reserve(), Err(SealableError::None)));
    of_reserve(&reserve).iter().for_each(|entry| key_box.note(&store, entry).unwrap());
    assert!(matches!(key_box.note(&store, &made(&reserve, &PEOPLE)), Err(KeyBoxError::SameName(_))), "one key, twice");
    for set in [one, kept] {
        key_box.note(&store, &Entry::Sealed { set, at: at(4) }).unwrap();
    }
    key_box.note(&store, &Entry::Opened { set: one, at: at(5) }).unwrap();
    assert_eq!(key_box.reserve().unwrap().fingerprint(), kept, "what the custodians opened leaves it as it is");
    readied(&second).iter().for_each(|entry| key_box.note(&store, entry).unwrap());
    assert_eq!(key_box.sealable().unwrap().fingerprint(), two);
    key_box.note(&store, &Entry::Opened { set: kept, at: at(6) }).unwrap();
    assert!(key_box.reserve().is_err() && key_box.sealable().is_ok());
    let again = key_box.note(&store, &Entry::Sealed { set: kept, at: at(7) });
    assert!(matches!(again, Err(KeyBoxError::Succession(_))), "an opened one is never sealed to again");
    let read = KeyBox::of(&store, operator.public().fingerprint()).unwrap();
    assert_eq!(read.sets(), key_box.sets());
    assert_eq!(read.standing(kept), Some((SetStanding::Current, Some(Spent::Opened))));
}

#[test]
fn shares_are_of_different_people_and_each_speaks_of_their_own() {
    let (store, operator) = (InMemoryStore::default(), operator());
    let set = set(1, &operator);
    let of = set.set().recipient.fingerprint();
    let mut key_box = KeyBox::empty(operator.public().fingerprint());
    for (holders, told) in [
        (&["eva", "max"][..], "has 3 shares, and 2 people are to hold them"),
        (&["eva", "max", "ida", "ole"], "has 3 shares, and 4 people"),
        (&["eva", "max", "eva"], "`eva` would hold two shares"),
    ] {
        let refused = key_box.note(&store, &made(&set, holders)).unwrap_err().to_string();
        assert!(refused.contains(told), "{refused}");
    }
    assert!(key_box.sets().is_empty() && store.entries(STREAM).unwrap().is_empty(), "nothing has changed");
    key_box.note(&store, &made(&set, &PEOPLE)).unwrap();
    for (entry, told) in [
        (acknowledged(of, 1, "max"), "was given to `eva`, and not to `max`"),
        (acknowledged(of, 4, "max"), "has no share 4"),
        (rehearsed(of, &[1, 2]), "no custodian has acknowledged the share 1"),
        (rehearsed(of, &[1]), "open nothing"),
        (made(&set, &PEOPLE), "is there already"),
    ] {
        let refused = key_box.note(&store, &entry).unwrap_err().to_string();
        assert!(refused.contains(told), "{refused}");
    }
    assert_eq!(store.entries(STREAM).unwrap().len(), 1);
}

#[test]
fn a_set_of_somebody_else_s_is_none() {
    let (store, operator) = (InMemoryStore::default(), operator());
    let stranger = SigningKey::generate(drawn(77)).unwrap();
    let set = set(1, &stranger);
    let mut key_box = KeyBox::empty(operator.public().fingerprint());
    assert!(matches!(key_box.note(&store, &made(&set, &PEOPLE)), Err(KeyBoxError::Set(_))));
    // Nor if it stands in the record.
    store.append(STREAM, 0, &serde_json::to_value(made(&set, &PEOPLE)).unwrap()).unwrap();
    let refused = KeyBox::of(&store, operator.public().fingerprint()).unwrap_err().to_string();
    assert!(refused.contains("entry 1") && refused.contains("was to sign it"), "{refused}");
}

#[test]
fn of_two_who_write_at_once_one_is_refused() {
    let (store, operator) = (InMemoryStore::default(), operator());
    let mut ours = KeyBox::empty(operator.public().fingerprint());
    let mut theirs = ours.clone();
    ours.note(&store, &made(&set(1, &operator), &PEOPLE)).unwrap();
    let refused = theirs.note(&store, &made(&set(3, &operator), &PEOPLE));
    assert!(matches!(refused, Err(KeyBoxError::Store(StoreError::Conflict { .. }))));
    assert!(theirs.sets().is_empty());
}

#[test]
fn what_is_damaged_is_named_by_its_place() {
    let operator = operator();
    let whole: Vec<_> = readied(&set(1, &operator)).iter().map(|entry| serde_json::to_value(entry).unwrap()).collect();
    let damaged = [json!({ "state": "made" }), json!({ "state": "lost", "at": "2027-01-15T08:00:00Z" }), json!(7)];
    for (place, wrong) in (1..=whole.len()).flat_map(|place| damaged.iter().map(move |wrong| (place, wrong))) {
        let store = InMemoryStore::default();
        let entries = whole.iter().take(place - 1).chain([wrong]);
        entries.enumerate().for_each(|(at, entry)| store.append(STREAM, at, entry).unwrap());
        let refused = KeyBox::of(&store, operator.public().fingerprint()).unwrap_err();
        assert!(matches!(refused, KeyBoxError::Damaged { number, .. } if number == place), "{refused}");
    }
    // One that is missing shows in what follows it, or leaves the set unready.
    for missing in 0..whole.len() {
        let store = InMemoryStore::default();
        let left = whole.iter().enumerate().filter(|(at, _)| *at != missing).map(|(_, entry)| entry);
        left.enumerate().for_each(|(at, entry)| store.append(STREAM, at, entry).unwrap());
        let read = KeyBox::of(&store, operator.public().fingerprint());
        assert!(read.is_err() || read.unwrap().sealable().is_err(), "without entry {}", missing + 1);
    }
}
