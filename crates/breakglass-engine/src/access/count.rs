//! Every user of a tenant in up to 64 situations at once, put into outcome classes and counted.
//!
//! Per situation the policies that apply apart from the user are one mask; turned on its side, each policy has one
//! word over the situations for each outcome. A user class then is the union of the words of its policies, eight
//! policies at a time from a table (64 where nothing is in doubt); counts are kept in bit planes, so that 64 of them
//! grow with a few operations.

use super::decide::by_width;
use super::situation::Situation;
use super::{Access, compile::GRANT_OUTCOMES};

/// Situations that are counted at once.
pub const SITUATION_COUNT_MAX: usize = 64;

/// How many users a situation leads to each outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OutcomeCounts {
    /// Nothing is demanded.
    pub allowed: u64,
    /// A prompt is demanded.
    pub challenge: u64,
    /// Something is demanded that the device or client cannot give.
    pub unsatisfiable: u64,
    /// A policy blocks.
    pub blocked: u64,
    /// Could not tell.
    pub unknown: u64,
}

/// One word over the situations per outcome: challenge, unsatisfiable, blocked.
type Lanes = [u64; 3];

/// For eight policies, what each of the 256 sets of them leads to.
type Table = [Lanes; 256];

/// Counters of 64 situations in bit planes: bit `s` of plane `p` is bit `p` of the counter of situation `s`.
#[derive(Debug, Clone)]
struct Planes([u64; PLANE_COUNT]);

/// Bits of a counter: as many as a number of users has, and those of eight of them.
const PLANE_COUNT: usize = 36;

impl Planes {
    const fn new() -> Self {
        Self([0; PLANE_COUNT])
    }

    /// Adds `1 << first` to the counters of each of eight sets of situations: the eight are summed apart, then
    /// their sum of four bits is added once.
    fn add_eight(&mut self, sets: [u64; 8], first: usize) {
        let [a, b, c, d, e, f, g, h] = sets;
        let ((abc, two_a), (def, two_b)) = (full_add(a, b, c), full_add(d, e, f));
        let (most, two_c) = full_add(abc, def, g);
        let (one, two_d) = full_add(most, h, 0);
        let (twos, four_a) = full_add(two_a, two_b, two_c);
        let (two, four_b) = full_add(twos, two_d, 0);
        let mut carry = 0;
        let sum = [one, two, four_a ^ four_b, four_a & four_b];
        let (low, high) =
            self.0.get_mut(first..).unwrap_or_default().split_at_mut_checked(sum.len()).unwrap_or_default();
        for (plane, bit) in low.iter_mut().zip(sum) {
            (*plane, carry) = full_add(*plane, bit, carry);
        }
        for plane in high {
            if carry == 0 {
                break;
            }
            (*plane, carry) = full_add(*plane, carry, 0);
        }
    }

    fn count(&self, situation: usize) -> u64 {
        self.0.iter().enumerate().map(|(plane, word)| (word >> situation & 1) << plane).sum()
    }
}

/// Adds three bits at each of 64 places: the sum, and the carry.
#[inline]
const fn full_add(a: u64, b: u64, c: u64) -> (u64, u64) {
    let either = a ^ b;
    (either ^ c, (a & b) | (either & c))
}

impl Access<'_> {
    /// Counts, for each of at most [`SITUATION_COUNT_MAX`] situations (further ones are not looked at), how many
    /// listed users it leads to each outcome. Who signs in in a situation does not matter, only the rest of it;
    /// situations of service principals count as those of users.
    #[must_use]
    pub fn count_outcomes(&self, situations: &[Situation]) -> Vec<OutcomeCounts> {
        let situations = situations.get(..SITUATION_COUNT_MAX).unwrap_or(situations);
        by_width!(self.compiled.words, self, count_in(situations))
    }

    fn count_in<const W: usize>(&self, situations: &[Situation]) -> Vec<OutcomeCounts> {
        let mut best = vec![Lanes::default(); W * 64];
        let mut worst = best.clone();
        for (index, situation) in situations.iter().enumerate() {
            let (sure, may) = self.masks_but_user::<W>(situation);
            let first = situation.grant.index() * GRANT_OUTCOMES.len();
            for (lanes, mask, grants) in
                [(&mut best, &sure, &self.compiled.grants.best), (&mut worst, &may, &self.compiled.grants.worst)]
            {
                for lane in 0..GRANT_OUTCOMES.len() {
                    let row = grants.get((first + lane) * W..(first + lane + 1) * W).unwrap_or_default();
                    for (word, (mask, grant)) in mask.iter().zip(row).enumerate() {
                        for bit in super::bits(mask & grant) {
                            let slot = lanes.get_mut(word * 64 + bit).and_then(|lanes| lanes.get_mut(lane));
                            slot.into_iter().for_each(|slot| *slot |= 1 << index);
                        }
                    }
                }
            }
        }
        let table = self.classes.table();
        let (sizes, sets) = (&table.sizes, &table.sets);
        if best == worst && table.are_certain && !self.may_have_more_policies {
            let counted = sets.count(sizes, &best);
            return (0..situations.len()).map(|situation| counted.certain(situation)).collect();
        }
        self.count_uncertain::<W>(situations.len(), sizes, (&tables(&best), &tables(&worst)))
    }

    /// The general case: best and worst outcome of each class, side by side.
    fn count_uncertain<const W: usize>(
        &self,
        situation_count: usize,
        sizes: &[u32],
        tables: (&[Table], &[Table]),
    ) -> Vec<OutcomeCounts> {
        let mut counts = vec![OutcomeCounts::default(); situation_count];
        let masks = &self.classes.table().masks;
        let rows = masks.sure.chunks_exact(W).zip(masks.may.chunks_exact(W));
        for ((sure, may), size) in rows.zip(sizes) {
            let (best, worst) = (lanes_of(tables.0, sure), lanes_of(tables.1, may));
            for (situation, count) in counts.iter_mut().enumerate() {
                let worst =
                    if self.may_have_more_policies { GRANT_OUTCOMES.len() } else { outcome_at(&worst, situation) };
                let slot = match (outcome_at(&best, situation), worst) {
                    (best, worst) if best != worst => &mut count.unknown,
                    (0, _) => &mut count.allowed,
                    (1, _) => &mut count.challenge,
                    (2, _) => &mut count.unsatisfiable,
                    _ => &mut count.blocked,
                };
                *slot += u64::from(*size);
            }
        }
        counts
    }
}

/// Index of the worst outcome of a situation: 0 allowed, then the lanes.
fn outcome_at(lanes: &Lanes, situation: usize) -> usize {
    (0..lanes.len())
        .rev()
        .find(|lane| lanes.get(*lane).is_some_and(|word| word >> situation & 1 != 0))
        .map_or(0, |lane| lane + 1)
}

/// The counters of one side, one set of planes per lane.
struct Counted {
    planes: [Planes; 3],
    /// Per bit of a class's size, lanes that wait until there are eight.
    waiting: [(usize, [Lanes; 8]); u32::BITS as usize],
    users: u64,
}

impl Counted {
    const fn new() -> Self {
        Self { planes: [const { Planes::new() }; 3], waiting: [(0, [[0; 3]; 8]); u32::BITS as usize], users: 0 }
    }

    /// Adds a class: each situation at its worst outcome only.
    #[inline]
    fn add(&mut self, lanes: Lanes, size: u32) {
        let [challenge, unsatisfiable, blocked] = lanes;
        let lanes = [challenge & !unsatisfiable & !blocked, unsatisfiable & !blocked, blocked];
        self.users += u64::from(size);
        for bit in super::bits(size.into()) {
            let Some((filled, eight)) = self.waiting.get_mut(bit) else { continue };
            if let Some(slot) = eight.get_mut(*filled) {
                *slot = lanes;
            }
            *filled += 1;
            if *filled == eight.len() {
                self.flush(bit);
            }
        }
    }

    fn flush(&mut self, bit: usize) {
        let Some((filled, eight)) = self.waiting.get_mut(bit) else { return };
        for (lane, planes) in self.planes.iter_mut().enumerate() {
            planes.add_eight(eight.map(|lanes| lanes.get(lane).copied().unwrap_or_default()), bit);
        }
        (*filled, *eight) = (0, [Lanes::default(); 8]);
    }

    fn finish(mut self) -> Self {
        (0..self.waiting.len()).for_each(|bit| self.flush(bit));
        self
    }

    fn certain(&self, situation: usize) -> OutcomeCounts {
        let [challenge, unsatisfiable, blocked] = self.planes.each_ref().map(|planes| planes.count(situation));
        let allowed = self.users - challenge - unsatisfiable - blocked;
        OutcomeCounts { allowed, challenge, unsatisfiable, blocked, unknown: 0 }
    }
}

/// The rows of all classes once more, as places in lists of what occurs: of the sets that sixteen policies could make a
/// tenant has some dozens, and of those that 64 could make fewer than it has classes. What each leads to is worked out
/// once, so that a class costs one look-up a word.
#[derive(Debug, Default)]
pub(crate) struct Sets {
    /// Per sixteen policies, the sets of them that some class has.
    sixteens: Vec<Vec<u16>>,
    /// Per word, the sets of 64 policies that some class has, as places in four lists of the above.
    words: Vec<Vec<[u16; 4]>>,
    /// Per class, a place in each list of words.
    places: Vec<u32>,
}

impl Sets {
    pub(crate) fn of(rows: &[u64], words: usize) -> Self {
        let mut sets = Self { places: vec![0; rows.len()], ..Self::default() };
        for at in 0..words {
            let mut of_classes: Vec<(u64, usize)> =
                rows.iter().enumerate().skip(at).step_by(words).map(|(place, word)| (*word, place)).collect();
            of_classes.sort_unstable();
            let mut sixteens = [const { Interned::new() }; 4];
            let mut quads = Vec::new();
            for same in of_classes.chunk_by(|(one, _), (other, _)| one == other) {
                let Some((word, _)) = same.first() else { continue };
                for (_, place) in same {
                    if let Some(slot) = sets.places.get_mut(*place) {
                        *slot = u32::try_from(quads.len()).unwrap_or(u32::MAX);
                    }
                }
                let mut quarters = sixteens_of(*word).into_iter().zip(&mut sixteens);
                quads.push(std::array::from_fn(|_| quarters.next().map_or(0, |(set, known)| known.place(set))));
            }
            sets.words.push(quads);
            sets.sixteens.extend(sixteens.map(|interned| interned.sets));
        }
        sets
    }

    fn count(&self, sizes: &[u32], lanes: &[Lanes]) -> Counted {
        let union = |set: &u16, sixteen: &[Lanes]| {
            let members = super::bits((*set).into()).filter_map(|bit| sixteen.get(bit));
            members.fold(Lanes::default(), |all, lanes| join(&all, lanes))
        };
        let of_sixteens: Vec<Vec<Lanes>> = (self.sixteens.iter().zip(lanes.chunks(16)))
            .map(|(sets, sixteen)| sets.iter().map(|set| union(set, sixteen)).collect())
            .collect();
        let of_words: Vec<Vec<Lanes>> = (self.words.iter().zip(of_sixteens.chunks(4)))
            .map(|(quads, sixteens)| quads.iter().map(|quad| looked_up(quad, sixteens)).collect())
            .collect();
        let mut counted = Counted::new();
        for (places, size) in self.places.chunks_exact(of_words.len().max(1)).zip(sizes) {
            if *size != 0 {
                counted.add(looked_up(places, &of_words), *size);
            }
        }
        counted.finish()
    }
}

/// The union of what stands at each place of its list.
#[inline]
fn looked_up<P: Copy + TryInto<usize>>(places: &[P], lists: &[Vec<Lanes>]) -> Lanes {
    let each = places.iter().zip(lists).filter_map(|(place, list)| list.get((*place).try_into().ok()?));
    each.fold(Lanes::default(), |all, lanes| join(&all, lanes))
}

/// The sets of sixteen policies that a word consists of.
#[expect(clippy::cast_possible_truncation, reason = "sixteen bits at a time")]
fn sixteens_of(word: u64) -> [u16; 4] {
    std::array::from_fn(|at| (word >> (at * 16)) as u16)
}

/// Sets of sixteen policies, each once.
struct Interned {
    sets: Vec<u16>,
    /// Per set that there could be, its place.
    places: Vec<Option<u16>>,
}

impl Interned {
    const fn new() -> Self {
        Self { sets: Vec::new(), places: Vec::new() }
    }

    /// The place of a set in the list, to which it is added where it is new.
    fn place(&mut self, set: u16) -> u16 {
        self.places.resize(1 << u16::BITS, None);
        let next = u16::try_from(self.sets.len()).unwrap_or(u16::MAX);
        let Some(place) = self.places.get_mut(usize::from(set)) else { return next };
        *place.get_or_insert_with(|| {
            self.sets.push(set);
            next
        })
    }
}

/// One table per eight policies.
fn tables(lanes: &[Lanes]) -> Vec<Table> {
    lanes.chunks(8).map(table).collect()
}

/// Each set is the union of itself without its lowest member, and that member.
fn table(eight: &[Lanes]) -> Table {
    let mut table = [Lanes::default(); 256];
    for set in 1..table.len() {
        let lowest = eight.get(set.trailing_zeros() as usize).copied().unwrap_or_default();
        let others = table.get(set & (set - 1)).copied().unwrap_or_default();
        if let Some(slot) = table.get_mut(set) {
            *slot = join(&others, &lowest);
        }
    }
    table
}

fn join(one: &Lanes, other: &Lanes) -> Lanes {
    let [a, b, c] = one;
    let [d, e, f] = other;
    [a | d, b | e, c | f]
}

fn lanes_of(tables: &[Table], row: &[u64]) -> Lanes {
    let (words, _) = tables.as_chunks::<8>();
    let mut all = Lanes::default();
    for (word, tables) in row.iter().zip(words) {
        for (byte, table) in word.to_le_bytes().iter().zip(tables) {
            #[expect(clippy::indexing_slicing, reason = "a byte is below the 256 entries")]
            let lanes = &table[usize::from(*byte)];
            all = join(&all, lanes);
        }
    }
    all
}
