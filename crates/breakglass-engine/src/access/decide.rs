//! The decision: a few masks intersected, once for what is sure and once for what may be.

use std::hint::black_box;

use super::compile::{GRANT_OUTCOMES, LocationMasks, PairMasks};
use super::demand::{GrantSituation, Outcome, OutcomeRange};
use super::situation::Situation;
use super::{Access, Masks};

/// Which policies apply to a sign-in, and what comes of it. Bits are in the order of the policies; the masks are
/// reused between decisions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decision {
    /// Policies whose conditions all hold, whatever their state.
    pub sure: Vec<u64>,
    /// Policies whose conditions may all hold, the sure ones included.
    pub may: Vec<u64>,
    /// What comes of the policies in force.
    pub outcome: OutcomeRange,
}

/// A row of a table, as an array of `W` words; zeros where there is none.
#[inline]
fn row<const W: usize>(table: &[u64], index: usize) -> &[u64; W] {
    table.as_chunks::<W>().0.get(index).unwrap_or(const { &[0; W] })
}

#[inline(always)]
fn both<const W: usize>(one: &[u64; W], other: &[u64; W]) -> [u64; W] {
    std::array::from_fn(|at| word(one, at) & word(other, at))
}

#[inline(always)]
fn word<const W: usize>(row: &[u64; W], at: usize) -> u64 {
    row.get(at).copied().unwrap_or_default()
}

/// The rows that a sign-in picks, apart from the user's.
struct Rows<'a> {
    tables: [&'a Masks; 3],
    at: [usize; 3],
    /// A row of its own where the device is not part of the client side.
    device: Option<&'a Masks>,
    location: &'a LocationMasks,
    address: usize,
    country: usize,
}

impl Rows<'_> {
    /// The intersection of one side of the rows.
    #[inline(always)]
    fn intersect<const W: usize>(&self, side: fn(&Masks) -> &[u64], pairs: fn(&PairMasks) -> &[u64]) -> [u64; W] {
        let [target, client_side, risks] = self.tables.map(side);
        let [target_at, client_side_at, risks_at] = self.at;
        let mask = both(row::<W>(target, target_at), row(client_side, client_side_at));
        let mask = both(&mask, row(risks, risks_at));
        let mask = self.device.map_or(mask, |device| both(&mask, row(side(device), 0)));
        let (address, country) = (pairs(&self.location.address_pairs), pairs(&self.location.country_pairs));
        let [include_address, exclude_address] = [0, 1].map(|half| row::<W>(address, self.address * 2 + half));
        let [include_country, exclude_country] = [0, 1].map(|half| row::<W>(country, self.country * 2 + half));
        std::array::from_fn(|at| {
            let included = word(include_address, at) | word(include_country, at);
            word(&mask, at) & included & !(word(exclude_address, at) | word(exclude_country, at))
        })
    }
}

/// The worst outcome that one of the policies of a mask leads to. The three rows are read without a branch between
/// them: which of them is met is as good as random.
#[inline(always)]
fn worst_of<const W: usize>(mask: &[u64; W], table: &[u64], grant: GrantSituation) -> Outcome {
    let first = grant.index() * GRANT_OUTCOMES.len();
    let rows: [&[u64; W]; 3] = [row(table, first), row(table, first + 1), row(table, first + 2)];
    let [challenge, unsatisfiable, blocked] =
        rows.map(|row| u8::from(both(mask, row).iter().fold(0, |all, word| all | word) != 0));
    match challenge.max(unsatisfiable * 2).max(blocked * 3) {
        0 => Outcome::Allowed,
        1 => Outcome::Challenge,
        2 => Outcome::Unsatisfiable,
        _ => Outcome::Blocked,
    }
}

/// Runs a function that is generic over the number of words.
macro_rules! by_width {
    ($words:expr, $object:expr, $function:ident ( $($argument:expr),* )) => {
        match $words {
            1 => $object.$function::<1>($($argument),*),
            2 => $object.$function::<2>($($argument),*),
            4 => $object.$function::<4>($($argument),*),
            8 => $object.$function::<8>($($argument),*),
            _ => $object.$function::<16>($($argument),*),
        }
    };
}
pub(crate) use by_width;

impl Access<'_> {
    /// The outcome alone.
    #[must_use]
    pub fn outcome(&self, situation: &Situation) -> OutcomeRange {
        by_width!(self.compiled.words, self, outcome_in(situation))
    }

    fn outcome_in<const W: usize>(&self, situation: &Situation) -> OutcomeRange {
        let (sure, may) = self.masks::<W>(situation);
        self.weigh(&sure, &may, situation.grant)
    }

    /// Which policies apply, and the outcome.
    pub fn decide(&self, situation: &Situation, decision: &mut Decision) {
        by_width!(self.compiled.words, self, decide_in(situation, decision));
    }

    fn decide_in<const W: usize>(&self, situation: &Situation, decision: &mut Decision) {
        let (sure, may) = self.masks::<W>(situation);
        decision.outcome = self.weigh(&sure, &may, situation.grant);
        decision.sure.clear();
        decision.sure.extend_from_slice(&sure);
        decision.may.clear();
        decision.may.extend_from_slice(&may);
    }

    /// The masks of everything but the user.
    #[inline(always)]
    pub(crate) fn masks_but_user<const W: usize>(&self, situation: &Situation) -> ([u64; W], [u64; W]) {
        let compiled = &self.compiled;
        let special = situation.special.as_deref();
        let device = special.map(|_| self.device_masks(situation));
        let (target, target_row) = self.target_row(situation);
        let (client_side, client_side_row) = match special {
            None => (&compiled.unregistered_client_side, situation.client_side_row()),
            Some(special) => match &special.client_side {
                Some(masks) => (masks, 0),
                None => (&compiled.client_side, situation.client_side_row()),
            },
        };
        let rows = Rows {
            tables: [target, client_side, &compiled.risks],
            at: [target_row, client_side_row, situation.risks_row()],
            device,
            location: &compiled.location,
            address: situation.address as usize,
            country: situation.country as usize,
        };
        let sure = rows.intersect::<W>(|table| &table.sure, |pairs| &pairs.sure);
        let is_certain = self.is_rest_certain && special.is_none() && self.targets.is_certain(situation.target);
        let may = if is_certain { sure } else { rows.intersect::<W>(|table| &table.may, |pairs| &pairs.may) };
        (sure, may)
    }

    #[inline(always)]
    fn masks<const W: usize>(&self, situation: &Situation) -> ([u64; W], [u64; W]) {
        let (identity, at) = self.identity_row(situation);
        // The one row that is seldom in the nearest cache: asked for first, it is there when it is needed.
        black_box(row::<W>(&identity.sure, at).first().copied());
        let (sure, may) = self.masks_but_user::<W>(situation);
        let own_sure = both(&sure, row::<W>(&identity.sure, at));
        // Where nothing is in doubt, the second table is not even fetched.
        if situation.special.is_none() && self.classes.table().are_certain && sure == may {
            return (own_sure, own_sure);
        }
        (own_sure, both(&may, row::<W>(&identity.may, at)))
    }

    #[inline(always)]
    fn weigh<const W: usize>(&self, sure: &[u64; W], may: &[u64; W], grant: GrantSituation) -> OutcomeRange {
        let best = worst_of(sure, &self.compiled.grants.best, grant);
        let is_certain = self.are_grants_certain && sure == may;
        let worst = if is_certain {
            best
        } else if self.may_have_more_policies {
            Outcome::Blocked
        } else {
            worst_of(may, &self.compiled.grants.worst, grant)
        };
        OutcomeRange { best, worst }
    }

    /// Indices of the policies of a mask that are in force, or report-only.
    pub fn in_state<'m>(&'m self, mask: &'m [u64], state: PolicyState) -> impl Iterator<Item = usize> + 'm {
        let table = match state {
            PolicyState::Enabled => &self.compiled.enabled.may,
            PolicyState::ReportOnly => &self.compiled.report_only.sure,
        };
        mask.iter()
            .zip(table)
            .enumerate()
            .flat_map(|(word, (mask, state))| bits(mask & state).map(move |bit| word * 64 + bit))
    }

    /// What is still demanded by the policies in force that apply for sure, as indices into
    /// [`Access::control_names`], ascending.
    pub fn unmet(&self, decision: &Decision, grant: GrantSituation, unmet: &mut Vec<u16>) {
        unmet.clear();
        let grants = &self.compiled.grants;
        let Some(by_demand) = grants.unmet.get(grant.index()) else { return };
        for ((_, policies), controls) in grants.demands.iter().zip(by_demand) {
            if !controls.is_empty() && decision.sure.iter().zip(policies).any(|(sure, policies)| sure & policies != 0) {
                unmet.extend_from_slice(controls);
            }
        }
        unmet.sort_unstable();
        unmet.dedup();
    }

    /// Whether the state of every policy is known.
    #[must_use]
    pub fn states_are_certain(&self) -> bool {
        self.compiled.enabled.sure == self.compiled.enabled.may
    }

    /// Names of all controls that some policy in force demands, in the order of their bytes.
    #[must_use]
    pub fn control_names(&self) -> &[String] {
        &self.compiled.grants.control_names
    }

    /// Policies that apply for sure and are surely in force, or report-only; and those that may.
    #[must_use]
    pub fn applied(&self, decision: &Decision) -> Applied {
        let enabled = &self.compiled.enabled;
        let mask = |one: &[u64], other: &[u64]| -> Vec<u64> {
            one.iter().zip(other).map(|(one, other)| one & other).collect()
        };
        let report_only = &self.compiled.report_only.sure;
        let surely: Vec<u64> = enabled.sure.iter().zip(report_only).map(|(enabled, report)| enabled | report).collect();
        let perhaps: Vec<u64> = enabled.may.iter().zip(report_only).map(|(enabled, report)| enabled | report).collect();
        let sure = mask(&decision.sure, &surely);
        let unknown = mask(&decision.may, &perhaps).iter().zip(&sure).map(|(may, sure)| may & !sure).collect();
        Applied { enabled: mask(&sure, &enabled.sure), report_only: mask(&sure, report_only), unknown }
    }
}

/// Masks of the policies of a decision, by what they do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// In force, and apply.
    pub enabled: Vec<u64>,
    /// Report-only, and would apply.
    pub report_only: Vec<u64>,
    /// May apply.
    pub unknown: Vec<u64>,
}

/// Whether a policy acts or only reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyState {
    /// In force (or perhaps, where its state is unknown).
    Enabled,
    /// Report-only.
    ReportOnly,
}

/// The set bits of a word, ascending.
pub fn bits(mut word: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = word.trailing_zeros() as usize;
        (word != 0).then(|| {
            word &= word - 1;
            bit
        })
    })
}
