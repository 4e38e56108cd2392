//! Every user of a tenant in up to 64 situations at once, put into outcome classes and counted.
//!
//! Per situation the policies that apply apart from the user are one mask; turned on its side, each policy has one
//! word over the situations for each outcome. A user class then is the union of the words of its policies, eight
//! policies at a time from a table (sixteen where nothing is in doubt); counts are kept in bit planes, so that 64 of them grow with a few operations.

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
        let sizes = self.classes.sizes();
        if best == worst && self.classes.are_certain && !self.may_have_more_policies {
            let counted = self.classes.sixteens.count(sizes, &best);
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
        let rows = self.classes.masks.sure.chunks_exact(W).zip(self.classes.masks.may.chunks_exact(W));
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

/// The rows of all classes once more, sixteen policies at a time: of the 65,536 sets that there could be, a tenant
/// has some dozens, so that what each leads to fits into the nearest cache.
#[derive(Debug, Default)]
pub(crate) struct Sixteens {
    /// Per sixteen policies, the sets of them that some class has.
    sets: Vec<Vec<u16>>,
    /// Per class, a place in each of these lists.
    places: Vec<u16>,
}

impl Sixteens {
    #[expect(clippy::cast_possible_truncation, reason = "a place is below 65,536: each set of sixteen is there once")]
    pub(crate) fn of(rows: &[u64], words: usize) -> Self {
        let count = words * 4;
        let mut sixteens = Self { sets: vec![Vec::new(); count], places: vec![0; rows.len() * 4] };
        let mut place_of: Vec<Option<u16>> = Vec::new();
        for (at, sets) in sixteens.sets.iter_mut().enumerate() {
            place_of.clear();
            place_of.resize(1 << u16::BITS, None);
            let words = rows.iter().skip(at / 4).step_by(words);
            for (word, place) in words.zip(sixteens.places.iter_mut().skip(at).step_by(count)) {
                let set = (word >> (at % 4 * 16)) as u16;
                let Some(known) = place_of.get_mut(usize::from(set)) else { continue };
                *place = *known.get_or_insert_with(|| {
                    sets.push(set);
                    (sets.len() - 1) as u16
                });
            }
        }
        sixteens
    }

    fn count(&self, sizes: &[u32], lanes: &[Lanes]) -> Counted {
        let tables = tables(lanes);
        let pairs = tables.as_chunks::<2>().0.iter();
        let of_set = |set: &u16, pair: &[Table; 2]| {
            let [low, high] = set.to_le_bytes().map(usize::from);
            let [first, second] = pair;
            join(&first.get(low).copied().unwrap_or_default(), &second.get(high).copied().unwrap_or_default())
        };
        let tables = self.sets.iter().zip(pairs).map(|(sets, pair)| sets.iter().map(|set| of_set(set, pair)).collect());
        let tables: Vec<Vec<Lanes>> = tables.collect();
        let mut counted = Counted::new();
        for (places, size) in self.places.chunks_exact(tables.len().max(1)).zip(sizes) {
            let each = places.iter().zip(&tables).filter_map(|(place, table)| table.get(usize::from(*place)));
            let all = each.fold(Lanes::default(), |all, lanes| join(&all, lanes));
            if *size != 0 {
                counted.add(all, *size);
            }
        }
        counted.finish()
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
