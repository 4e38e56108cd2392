//! Interned ids of directory objects: a million users and their group memberships fit in little memory and are
//! compared as numbers.

use std::hash::{BuildHasher, BuildHasherDefault};

use hashbrown::HashTable;
use rustc_hash::FxHasher;

/// Bytes of all ids of one snapshot together; beyond it reading fails.
pub const OBJECT_ID_BYTES_MAX: usize = u32::MAX as usize;

/// A directory object of one snapshot; a number that means nothing outside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey(u32);

impl ObjectKey {
    /// The key as an index into a table over all objects.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// All ids of directory objects that a snapshot mentions.
///
/// Nearly all ids are written as GUIDs; these are found by their 128 bits, in one place of one table. That is a way
/// to find them and nothing else: ids are kept and given as they were written, and any other text is an id too.
#[derive(Debug, Clone, Default)]
pub struct ObjectTable {
    ids: String,
    ends: Vec<u32>,
    guids: GuidTable,
    others: HashTable<Slot>,
}

/// There are more bytes of ids than [`OBJECT_ID_BYTES_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the ids of all objects together are longer than {OBJECT_ID_BYTES_MAX} bytes")]
pub struct ObjectTableFull;

impl ObjectTable {
    /// How many different ids there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The id behind a key of this table; empty for a key of another one.
    #[must_use]
    pub fn id(&self, key: ObjectKey) -> &str {
        text_of(&self.ids, &self.ends, key.0)
    }

    /// The key of an id, if the snapshot mentions it.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<ObjectKey> {
        let found = match Guid::read(id) {
            Some(guid) => self.guids.find(guid),
            None => self.find_other(id),
        };
        found.map(ObjectKey)
    }

    fn find_other(&self, id: &str) -> Option<u32> {
        let hash = text_hash(id);
        let tag = tag(hash);
        let is_same = |slot: &Slot| slot.tag == tag && text_of(&self.ids, &self.ends, slot.key) == id;
        self.others.find(hash, is_same).map(|slot| slot.key)
    }

    /// The key of an id, made if there is none yet.
    ///
    /// # Errors
    /// When the table is full.
    pub fn intern(&mut self, id: &str) -> Result<ObjectKey, ObjectTableFull> {
        match Guid::read(id) {
            Some(guid) => self.intern_guid(guid, id),
            None => self.intern_other(id),
        }
    }

    /// The keys of many ids. They are looked up one close behind the other, so that the waits for memory overlap.
    ///
    /// # Errors
    /// When the table is full.
    pub fn intern_all(&mut self, ids: &[&str]) -> Result<Vec<ObjectKey>, ObjectTableFull> {
        let guids: Vec<Option<Guid>> = ids.iter().map(|id| Guid::read(id)).collect();
        let found: Vec<Option<u32>> = guids.iter().map(|guid| guid.and_then(|guid| self.guids.find(guid))).collect();
        let entries = ids.iter().zip(guids).zip(found);
        entries
            .map(|((id, guid), found)| match (found, guid) {
                (Some(key), _) => Ok(ObjectKey(key)),
                (None, Some(guid)) => self.intern_guid(guid, id),
                (None, None) => self.intern_other(id),
            })
            .collect()
    }

    fn intern_guid(&mut self, guid: Guid, id: &str) -> Result<ObjectKey, ObjectTableFull> {
        if let Some(key) = self.guids.find(guid) {
            return Ok(ObjectKey(key));
        }
        let key = self.push(id)?;
        self.guids.insert(guid, key);
        Ok(ObjectKey(key))
    }

    fn intern_other(&mut self, id: &str) -> Result<ObjectKey, ObjectTableFull> {
        if let Some(key) = self.find_other(id) {
            return Ok(ObjectKey(key));
        }
        let key = self.push(id)?;
        let (ids, ends) = (&self.ids, &self.ends);
        let hash = text_hash(id);
        let slot = Slot { key, tag: tag(hash) };
        self.others.insert_unique(hash, slot, |slot| text_hash(text_of(ids, ends, slot.key)));
        Ok(ObjectKey(key))
    }

    fn push(&mut self, id: &str) -> Result<u32, ObjectTableFull> {
        let key = u32::try_from(self.ends.len()).ok().filter(|key| *key != NO_KEY).ok_or(ObjectTableFull)?;
        let end = u32::try_from(self.ids.len() + id.len()).map_err(|_| ObjectTableFull)?;
        self.ids.push_str(id);
        self.ends.push(end);
        Ok(key)
    }

    /// Forgets every id that was first mentioned after there were so many, the newest first. Keys of forgotten ids
    /// mean nothing any more.
    pub(crate) fn truncate(&mut self, len: usize) {
        while self.ends.len() > len {
            let Some(at) = self.ends.len().checked_sub(1) else { return };
            let Ok(key) = u32::try_from(at) else { return };
            let id = text_of(&self.ids, &self.ends, key).to_owned();
            match Guid::read(&id) {
                Some(guid) => self.guids.remove(guid),
                None => {
                    if let Ok(slot) = self.others.find_entry(text_hash(&id), |slot| slot.key == key) {
                        slot.remove();
                    }
                }
            }
            self.ends.pop();
            self.ids.truncate(self.ids.len().saturating_sub(id.len()));
        }
    }

    /// Every key, in the order of first mention.
    pub fn keys(&self) -> impl Iterator<Item = ObjectKey> + use<> {
        (0..u32::try_from(self.ends.len()).unwrap_or(u32::MAX)).map(ObjectKey)
    }
}

/// The same ids in the same order; how they are found does not count.
impl PartialEq for ObjectTable {
    fn eq(&self, other: &Self) -> bool {
        self.ids == other.ids && self.ends == other.ends
    }
}

fn text_of<'a>(ids: &'a str, ends: &[u32], key: u32) -> &'a str {
    let at = key as usize;
    let start = match at.checked_sub(1) {
        None => 0,
        Some(before) => ends.get(before).copied().unwrap_or_default(),
    };
    let end = ends.get(at).copied().unwrap_or(start);
    ids.get(start as usize..end as usize).unwrap_or_default()
}

/// An entry of the table of ids that are no GUIDs.
#[derive(Debug, Clone, Copy)]
struct Slot {
    key: u32,
    tag: u32,
}

fn text_hash(id: &str) -> u64 {
    BuildHasherDefault::<FxHasher>::default().hash_one(id)
}

#[expect(clippy::cast_possible_truncation, reason = "the upper half of the hash is kept as a tag")]
fn tag(hash: u64) -> u32 {
    (hash >> 20) as u32
}

/// The 128 bits of an id that is written as a GUID, in lower case and with hyphens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Guid {
    high: u64,
    low: u64,
}

const ONES: u64 = u64::MAX / 255;

impl Guid {
    /// Reads `01234567-89ab-cdef-0123-456789abcdef`; every other spelling is left to be a text, so that an id and
    /// its bits say the same.
    fn read(id: &str) -> Option<Self> {
        let bytes: &[u8; 36] = id.as_bytes().try_into().ok()?;
        let [
            a @ ..,
            b'-',
            b0,
            b1,
            b2,
            b3,
            b'-',
            c0,
            c1,
            c2,
            c3,
            b'-',
            d0,
            d1,
            d2,
            d3,
            b'-',
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
        ] = bytes
        else {
            return None;
        };
        let [.., e0, e1, e2, e3, f0, f1, f2, f3, f4, f5, f6, f7] = bytes;
        let words = [
            *a,
            [*b0, *b1, *b2, *b3, *c0, *c1, *c2, *c3],
            [*d0, *d1, *d2, *d3, *e0, *e1, *e2, *e3],
            [*f0, *f1, *f2, *f3, *f4, *f5, *f6, *f7],
        ];
        let [first, second, third, fourth] = words.map(|word| digits(u64::from_le_bytes(word)));
        Some(Self { high: (first? << 32) | second?, low: (third? << 32) | fourth? })
    }

    /// Mixes the bits: both halves are multiplied into 128 bits and folded.
    #[expect(clippy::cast_possible_truncation, reason = "both halves of the product are used")]
    const fn hash(self) -> u64 {
        let product =
            ((self.high ^ 0x9e37_79b9_7f4a_7c15) as u128).wrapping_mul((self.low ^ 0xd1b5_4a32_d192_ed03) as u128);
        (product as u64) ^ ((product >> 64) as u64)
    }
}

/// Reads eight hexadecimal digits in lower case at once, one a byte, into 32 bits.
const fn digits(word: u64) -> Option<u64> {
    let nibbles = (word & (ONES * 0x0f)) + ((word >> 6) & ONES) * 9;
    // The digits that the nibbles are written with must be those that are there.
    let above_nine = ((nibbles + ONES * 6) >> 4) & ONES;
    if nibbles & (ONES * 0xf0) != 0 || nibbles + ONES * 0x30 + above_nine * 39 != word {
        return None;
    }
    let pairs = (nibbles | (nibbles >> 4)) & 0x00ff_00ff_00ff_00ff;
    let quads = (pairs | (pairs >> 8)) & 0x0000_ffff_0000_ffff;
    Some((quads | (quads >> 16)) & 0xffff_ffff)
}

/// The key that no object has: an empty place of the table.
const NO_KEY: u32 = u32::MAX;
/// Places of the smallest table.
const PLACES_MIN: usize = 64;

/// Keys by GUID: one array, searched from the place that the hash gives up to the next empty one.
#[derive(Debug, Clone, Default)]
struct GuidTable {
    places: Vec<(Guid, u32)>,
    filled: usize,
}

impl GuidTable {
    #[expect(clippy::cast_possible_truncation, reason = "the table is never longer than the address space")]
    fn find(&self, guid: Guid) -> Option<u32> {
        let mask = self.places.len().checked_sub(1)?;
        let mut at = guid.hash() as usize & mask;
        loop {
            match self.places.get(at) {
                Some((own, key)) if *own == guid && *key != NO_KEY => return Some(*key),
                Some((_, key)) if *key != NO_KEY => at = (at + 1) & mask,
                _ => return None,
            }
        }
    }

    /// Adds a GUID that is not there yet.
    fn insert(&mut self, guid: Guid, key: u32) {
        if (self.filled + 1) * 4 > self.places.len() * 3 {
            let longer = vec![(Guid { high: 0, low: 0 }, NO_KEY); (self.places.len() * 2).max(PLACES_MIN)];
            for (guid, key) in std::mem::replace(&mut self.places, longer) {
                if key != NO_KEY {
                    self.put(guid, key);
                }
            }
        }
        self.put(guid, key);
        self.filled += 1;
    }

    /// Takes a GUID out and moves up what lies behind it, so that no search meets a gap.
    #[expect(clippy::cast_possible_truncation, reason = "the table is never longer than the address space")]
    fn remove(&mut self, guid: Guid) {
        let Some(mask) = self.places.len().checked_sub(1) else { return };
        let home = |guid: Guid| guid.hash() as usize & mask;
        let mut gap = home(guid);
        loop {
            match self.places.get(gap) {
                Some((own, key)) if *key != NO_KEY && *own == guid => break,
                Some((_, key)) if *key != NO_KEY => gap = (gap + 1) & mask,
                _ => return,
            }
        }
        let mut at = gap;
        loop {
            at = (at + 1) & mask;
            let Some(place) = self.places.get(at).copied().filter(|(_, key)| *key != NO_KEY) else { break };
            // One that belongs behind the gap, going round, stays where it is.
            let is_behind_gap = (home(place.0).wrapping_sub(gap + 1) & mask) < (at.wrapping_sub(gap) & mask);
            if !is_behind_gap {
                if let Some(slot) = self.places.get_mut(gap) {
                    *slot = place;
                }
                gap = at;
            }
        }
        if let Some(slot) = self.places.get_mut(gap) {
            slot.1 = NO_KEY;
        }
        self.filled = self.filled.saturating_sub(1);
    }

    #[expect(clippy::cast_possible_truncation, reason = "the table is never longer than the address space")]
    fn put(&mut self, guid: Guid, key: u32) {
        let mask = self.places.len().saturating_sub(1);
        let mut at = guid.hash() as usize & mask;
        while let Some(place) = self.places.get_mut(at) {
            if place.1 == NO_KEY {
                *place = (guid, key);
                return;
            }
            at = (at + 1) & mask;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Guid, ObjectTable, digits};

    fn written(number: u128) -> String {
        let part = |from: u32, bits: u32| (number >> from) & ((1 << bits) - 1);
        let (a, b, c, d, e) = (part(96, 32), part(80, 16), part(64, 16), part(48, 16), part(0, 48));
        format!("{a:08x}-{b:04x}-{c:04x}-{d:04x}-{e:012x}")
    }

    fn check(ids: &[String]) {
        let mut table = ObjectTable::default();
        let keys: Vec<_> = ids.iter().map(|id| table.intern(id).unwrap()).collect();
        for (id, key) in ids.iter().zip(&keys) {
            assert_eq!(table.id(*key), id);
            assert_eq!(table.find(id), Some(*key));
            assert_eq!(table.intern(id).unwrap(), *key);
        }
        let names: Vec<&str> = ids.iter().map(String::as_str).collect();
        assert_eq!(table.intern_all(&names).unwrap(), keys);
        assert_eq!(table.len(), ids.len());
        assert_eq!(table.find("object-10000"), None);
        assert_eq!(table.find("ffffffff-0000-0000-0000-000000000000"), None);
    }

    #[test]
    fn ids_come_back() {
        check(&(0..10_000).map(|n| format!("object-{n}")).collect::<Vec<_>>());
        check(&(0..10_000).map(|n| format!("00000000-0000-0000-0000-{n:012x}")).collect::<Vec<_>>());
        check(&(0..10_000).map(|n| format!("{:08x}-0000-4000-8000-{n:012}", n * 7)).collect::<Vec<_>>());
    }

    #[test]
    fn many_new_ids_at_once_are_made_once_each() {
        let mut table = ObjectTable::default();
        let id = "0f0e0d0c-0b0a-4908-8706-050403020100";
        let keys = table.intern_all(&[id, "x", id, "x"]).unwrap();
        assert_eq!((keys[0], keys[1], table.len()), (keys[2], keys[3], 2));
    }

    #[test]
    fn only_one_spelling_of_a_guid_is_packed() {
        let id = "0123abcd-4567-89ef-fedc-ba9876543210";
        assert!(Guid::read(id).is_some());
        let mut table = ObjectTable::default();
        let key = table.intern(id).unwrap();
        for other in
            [id.to_uppercase(), id.replace('-', ""), format!("{{{id}}}"), id.replace('b', "g"), id.replace('-', ":")]
        {
            assert_eq!(Guid::read(&other), None, "{other}");
            assert_eq!(table.find(&other), None, "{other}");
            assert_ne!(table.intern(&other).unwrap(), key, "{other}");
        }
    }

    #[test]
    fn digits_are_those_of_lower_case() {
        for byte in 0..=u8::MAX {
            for at in 0..8 {
                let mut word = *b"0123cdef";
                word[at] = byte;
                let is_digit = matches!(byte, b'0'..=b'9' | b'a'..=b'f');
                assert_eq!(digits(u64::from_le_bytes(word)).is_some(), is_digit, "{word:?}");
            }
        }
    }

    /// Ids that share places of a small table, and others.
    fn crowded() -> impl Strategy<Value = Vec<String>> {
        proptest::collection::vec(prop_oneof![(0_u128..200).prop_map(written), "[a-z]{1,3}"], 0..300)
    }

    proptest! {
        #[test]
        fn forgotten_ids_are_gone_and_the_others_are_found(ids in crowded(), kept in 0_usize..300) {
            let mut table = ObjectTable::default();
            for id in &ids {
                table.intern(id).unwrap();
            }
            let all: Vec<String> = table.keys().map(|key| table.id(key).to_owned()).collect();
            let kept = kept.min(all.len());
            table.truncate(kept);
            prop_assert_eq!(table.len(), kept);
            for (at, id) in all.iter().enumerate() {
                prop_assert_eq!(table.find(id).map(super::ObjectKey::index), (at < kept).then_some(at), "{}", id);
            }
            for id in &all {
                table.intern(id).unwrap();
            }
            let again: Vec<String> = table.keys().map(|key| table.id(key).to_owned()).collect();
            prop_assert_eq!(again, all);
        }

        #[test]
        fn the_bits_of_a_guid_are_its_digits(number in any::<u128>()) {
            let id = written(number);
            let guid = Guid::read(&id).unwrap();
            // Every digit has its own four bits, wherever they lie.
            let bits = guid.high.count_ones() + guid.low.count_ones();
            prop_assert_eq!(bits, number.count_ones());
        }

        #[test]
        fn a_changed_digit_is_another_guid(number in any::<u128>(), at in 0_usize..36, digit in "[0-9a-f]") {
            let id = written(number);
            let mut changed = id.clone();
            changed.replace_range(at..=at, &digit);
            prop_assert_eq!(Guid::read(&id) == Guid::read(&changed), id == changed);
        }
    }
}
