//! Where somebody can be, and what nature can do there: the places and the risks that policies tell apart.
//!
//! **Source:** `docs/concepts/lockout.md`, section 4, places and nature.

use std::collections::BTreeSet;
use std::sync::Arc;

use breakglass_model::named_location::{LocationCoverage, NamedLocation};
use breakglass_model::policy::RiskLevel;

use super::Judge;
use crate::access::identity_protection::risk_policies;
use crate::access::locations::{Countries, CountryRow, Signature};
use crate::access::{Access, Compiled, INSIDER_RISKS, Masks, RISKS, is_by_position};
use crate::lockout::component::{Component, Kind};
use crate::lockout::need::quiet;
use crate::lockout::settings::{LockoutSettings, Mode};

/// Levels of sign-in and user risk once it is no longer quiet; the first is the one while it is.
const RISK_LEVELS: [RiskLevel; 4] = [RiskLevel::None, RiskLevel::Low, RiskLevel::Medium, RiskLevel::High];

/// Where somebody can be.
#[derive(Debug, Clone)]
pub(in crate::lockout) struct Place {
    /// `elsewhere`, or the ids of the named locations, joined.
    pub(in crate::lockout) id: String,
    /// In words.
    pub(in crate::lockout) words: String,
    pub(super) needs: Vec<u32>,
    /// Per set of quiet risks, the policies whose place and risks are met, whatever nature chooses: in each country
    /// that it may lie in where that is possible, in all of them at once where it is promised.
    pub(super) met: Vec<Arc<[Masks]>>,
}

impl Judge<'_> {
    /// Every place that policies tell apart.
    pub(super) fn add_places(&mut self, settings: &LockoutSettings) {
        let compiled = self.access.compiled();
        let locations = self.access.snapshot().named_locations.items();
        let named = self.named_locations();
        let by_position = named.iter().filter_map(|index| locations.get(*index)).filter(|one| is_by_position(one));
        self.unknowns.extend(by_position.map(|location| {
            format!(
                "whether somebody counts as being in `{}`: that is told by the position that Microsoft Authenticator shares",
                location.name()
            )
        }));
        let other = [Countries::OTHER];
        let elsewhere = Component::new(Kind::Network, "elsewhere");
        let outside = if settings.fallible.contains(&elsewhere) { vec![elsewhere] } else { Vec::new() };
        let is_outside_left = !compiled.addresses.covers_everything();
        let mut found = Vec::new();
        if is_outside_left {
            found.push(("elsewhere".to_owned(), "from anywhere".to_owned(), outside, 0, other.to_vec()));
        }
        let everywhere: Vec<CountryRow> = (Countries::UNKNOWN..)
            .take(compiled.countries.row_count().saturating_sub(Countries::UNKNOWN as usize))
            .collect();
        let component = |index: &usize| locations.get(*index).map(|at| Component::new(Kind::Network, at.id.as_str()));
        for (signature, members) in (0..).zip(&compiled.addresses.members) {
            if members.is_empty() {
                continue;
            }
            let of: Vec<_> = members.iter().filter_map(|index| locations.get(*index)).collect();
            let ids: Vec<&str> = of.iter().map(|location| location.id.as_str()).collect();
            let known = of.iter().find_map(|location| settings.network_countries.get(location.id.as_str()));
            let countries = known.map_or(everywhere.clone(), |code| vec![compiled.countries.row(code)]);
            let needs: Vec<Component> =
                members.iter().filter(|index| named.contains(index)).filter_map(component).collect();
            let words: Vec<String> = of.iter().map(|location| format!("`{}`", location.name())).collect();
            found.push((ids.join("+"), format!("from {}", words.join(" and ")), needs, signature, countries));
        }
        let rows = if is_outside_left { compiled.countries.row_count() } else { 0 };
        for row in 0..rows {
            let Some(code) = compiled.countries.code(row) else { continue };
            let has = |index: &usize| {
                let coverage = locations.get(*index).map(|location| &location.coverage);
                matches!(coverage, Some(LocationCoverage::Countries { countries, .. })
                    if countries.iter().any(|own| own.eq_ignore_ascii_case(code)))
            };
            let needs: Vec<Component> = named.iter().filter(|index| has(index)).filter_map(component).collect();
            let row = CountryRow::try_from(row).unwrap_or(Countries::OTHER);
            found.push((code.to_owned(), format!("from {code}"), needs, 0, vec![row]));
        }
        let natures = natures(self.access);
        let mut seen = BTreeSet::new();
        for (id, words, needs, address, countries) in found {
            let mut masks: Vec<Masks> = Vec::new();
            for country in countries {
                let here = location_masks(self.access.compiled(), address, country);
                if !masks.iter().any(|known| known.sure == here.sure && known.may == here.may) {
                    masks.push(here);
                }
            }
            let marks: Vec<_> = masks.iter().map(|masks| (masks.sure.clone(), masks.may.clone())).collect();
            if seen.insert((marks, needs.clone())) {
                let mut needs: Vec<u32> = needs.into_iter().map(|one| self.intern_shared(one)).collect();
                needs.sort_unstable();
                let met = natures.iter().map(|nature| self.whatever_nature_does(&masks, nature).into()).collect();
                self.places.push(Place { id, words, needs, met });
            }
        }
    }

    /// Of Identity Protection's own risk policies it is not known what they demand of whom at which risk: where it is
    /// promised, nobody may be at risk.
    pub(super) fn heed_own_risk_policies(&mut self) {
        let now = self.access.settings().now;
        for policy in risk_policies(self.access.snapshot(), now) {
            self.unknowns.insert(format!(
                "what `{}`, a policy of Identity Protection's own, demands of whom at which risk",
                policy.name
            ));
            if self.mode == Mode::Promised {
                self.always_quiet |= if policy.of_sign_ins { quiet::SIGN_IN } else { 0 };
                self.always_quiet |= if policy.of_users { quiet::USER } else { 0 };
            }
        }
    }

    /// Which policies in force apply at some place, and which at every place even with all risks quiet.
    pub(super) fn sum_places_up(&mut self) {
        let words = self.access.compiled().words;
        let (mut somewhere, mut everywhere) = (vec![0_u64; words], vec![u64::MAX; words]);
        for place in &self.places {
            for masks in place.met.iter().flat_map(|met| met.iter()) {
                somewhere.iter_mut().zip(self.side(masks)).for_each(|(all, here)| *all |= here);
            }
            for masks in place.met.get(usize::from(quiet::ALL)).into_iter().flat_map(|met| met.iter()) {
                everywhere.iter_mut().zip(self.side(masks)).for_each(|(all, here)| *all &= here);
            }
        }
        let enabled = self.side(&self.access.compiled().enabled);
        somewhere.iter_mut().zip(enabled).for_each(|(here, enabled)| *here &= enabled);
        (self.somewhere, self.everywhere) = (somewhere, everywhere);
    }

    /// The policies whose place and risks are met by something that nature chooses.
    fn whatever_nature_does(&self, countries: &[Masks], nature: &Masks) -> Vec<Masks> {
        let each = countries.iter().map(|country| {
            let both = |side: fn(&Masks) -> &Vec<u64>| -> Vec<u64> {
                side(country).iter().zip(side(nature)).map(|(country, nature)| country & nature).collect()
            };
            Masks { sure: both(|masks| &masks.sure), may: both(|masks| &masks.may) }
        });
        match self.mode {
            // In which country it lies is not known: it may be any of them.
            Mode::Possible => each.collect(),
            Mode::Promised => {
                let both = |mut one: Masks, other: Masks| {
                    one.sure.iter_mut().zip(&other.sure).for_each(|(one, other)| *one |= other);
                    one.may.iter_mut().zip(&other.may).for_each(|(one, other)| *one |= other);
                    one
                };
                each.reduce(both).into_iter().collect()
            }
        }
    }

    /// Locations that a policy in force names, by index.
    fn named_locations(&self) -> BTreeSet<usize> {
        let compiled = self.access.compiled();
        let locations = self.access.snapshot().named_locations.items();
        let mut named = BTreeSet::new();
        for (index, policy) in self.access.policies().iter().enumerate() {
            let Some(condition) = &policy.conditions.locations else { continue };
            if self.mode.takes(compiled.enabled.truth((0, compiled.words), index).negated()) {
                continue;
            }
            for name in condition.include_locations.iter().chain(&condition.exclude_locations) {
                let is_named = |location: &NamedLocation| match name.as_str() {
                    "AllTrusted" => matches!(
                        location.coverage,
                        LocationCoverage::IpRanges { is_trusted: true, .. }
                            | LocationCoverage::CompliantNetwork { is_trusted: true }
                    ),
                    id => location.id.as_str() == id,
                };
                let found = locations.iter().enumerate().filter(|(_, location)| is_named(location));
                named.extend(found.map(|(index, _)| index));
            }
        }
        named
    }
}

/// Which policies' location condition an address and a country meet.
fn location_masks(compiled: &Compiled, address: Signature, country: CountryRow) -> Masks {
    let words = compiled.words;
    let location = &compiled.location;
    // Nobody can be promised to have, or to share, a position.
    let country_pairs = location.unlocated_country_pairs.as_ref().unwrap_or(&location.country_pairs);
    let side = |address_pairs: &[u64], country_pairs: &[u64]| -> Vec<u64> {
        let at = |pairs: &[u64], row: u32, half: usize, word: usize| {
            pairs.get((row as usize * 2 + half) * words + word).copied().unwrap_or_default()
        };
        (0..words)
            .map(|word| {
                let both = |half| at(address_pairs, address, half, word) | at(country_pairs, country, half, word);
                both(0) & !both(1)
            })
            .collect()
    };
    Masks {
        sure: side(&location.address_pairs.sure, &country_pairs.sure),
        may: side(&location.address_pairs.may, &country_pairs.may),
    }
}

/// Per set of quiet risks, the policies whose risks are met by something that nature can choose.
fn natures(access: &Access<'_>) -> Vec<Masks> {
    let compiled = access.compiled();
    let words = compiled.words;
    (0..=quiet::ALL)
        .map(|kept_quiet| {
            let count = |bit: u8, all: usize| if kept_quiet & bit != 0 { 1 } else { all };
            let level = |level: &RiskLevel| RISKS.iter().position(|row| row == level);
            let levels = |bit: u8| RISK_LEVELS.iter().take(count(bit, RISK_LEVELS.len())).filter_map(level);
            let mut met = Masks::with_rows(1, words);
            for sign_in in levels(quiet::SIGN_IN) {
                for user in levels(quiet::USER) {
                    for insider in 0..count(quiet::INSIDER, INSIDER_RISKS.len()) {
                        let [sign_in, user, insider] =
                            [sign_in, user, insider].map(|row| u8::try_from(row).unwrap_or(u8::MAX));
                        let row = Compiled::risks_row(sign_in, user, insider);
                        let add = |met: &mut [u64], table: &[u64]| {
                            let here = table.get(row * words..(row + 1) * words).unwrap_or_default();
                            met.iter_mut().zip(here).for_each(|(met, here)| *met |= here);
                        };
                        add(&mut met.sure, &compiled.risks.sure);
                        add(&mut met.may, &compiled.risks.may);
                    }
                }
            }
            met
        })
        .collect()
}
