//! Where somebody can be: every address at which a named location begins or ends, and every country.

#![expect(
    clippy::indexing_slicing,
    reason = "people, tools, devices, points and facts are numbered by the tables they lie in"
)]

use std::collections::{BTreeMap, BTreeSet};

use breakglass_model::named_location::{IpNetwork, LocationCoverage, NamedLocation};
use breakglass_model::policy::ConditionalAccessPolicy;
use breakglass_model::snapshot::Snapshot;

use super::{LockoutReferee, LockoutSettings, Mode};
use crate::referee::{Answer, is_enforced, is_in_force};

/// An address, and the countries that it may lie in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Point {
    pub(super) address: u128,
    /// `None` is a country that is not known.
    pub(super) countries: Vec<Option<String>>,
    /// Named locations that it is in: by address, or for an address in none, by country.
    pub(super) locations: Vec<usize>,
}

fn ranges(location: &NamedLocation) -> &[IpNetwork] {
    match &location.coverage {
        LocationCoverage::IpRanges { ranges, .. } => ranges,
        _ => &[],
    }
}

fn named_countries(location: &NamedLocation) -> &[String] {
    match &location.coverage {
        LocationCoverage::Countries { countries, .. } => countries,
        _ => &[],
    }
}

/// A country that none of these is.
fn another(named: &BTreeSet<String>) -> String {
    let codes = (b'A'..=b'Z').flat_map(|one| (b'A'..=b'Z').map(move |two| format!("{}{}", one as char, two as char)));
    codes.into_iter().find(|code| !named.contains(code)).unwrap_or_default()
}

pub(super) fn points(snapshot: &Snapshot, settings: &LockoutSettings) -> Vec<Point> {
    let locations = snapshot.named_locations.items();
    let named: BTreeSet<String> = locations.iter().flat_map(named_countries).cloned().collect();
    let unnamed = another(&named);
    let anywhere: Vec<Option<String>> = named.iter().cloned().map(Some).chain([Some(unnamed.clone()), None]).collect();
    let mut addresses: BTreeSet<u128> = locations
        .iter()
        .flat_map(ranges)
        .flat_map(|range| [range.first, range.last, range.first.wrapping_sub(1), range.last.wrapping_add(1)])
        .collect();
    // 192.88.99.7 and 2001:db8:ffff::7
    addresses.extend([0xffff_c058_6307, 0x2001_0db8_ffff_0000_0000_0000_0000_0007]);
    let with_address = |address: u128| -> Vec<usize> {
        let has = |location: &NamedLocation| ranges(location).iter().any(|range| range.contains(address));
        (0..locations.len()).filter(|at| has(&locations[*at])).collect()
    };
    let mut points = BTreeSet::new();
    let mut outside = None;
    for address in addresses {
        let locations = with_address(address);
        if locations.is_empty() {
            outside = Some(address);
        } else {
            let countries = countries(snapshot, settings, &locations).unwrap_or_else(|| anywhere.clone());
            points.insert(Point { address, countries, locations });
        }
    }
    for country in outside.iter().flat_map(|_| named.iter().cloned().chain([unnamed.clone()])) {
        let has = |location: &NamedLocation| named_countries(location).contains(&country);
        let locations = (0..locations.len()).filter(|at| has(&locations[*at])).collect();
        points.insert(Point { address: outside.unwrap_or_default(), countries: vec![Some(country)], locations });
    }
    points.into_iter().collect()
}

/// The countries in which the configuration says that an address in these locations lies.
fn countries(snapshot: &Snapshot, settings: &LockoutSettings, locations: &[usize]) -> Option<Vec<Option<String>>> {
    let said: &BTreeMap<String, String> = &settings.countries;
    let items = snapshot.named_locations.items();
    let countries: BTreeSet<Option<String>> = locations
        .iter()
        .filter_map(|at| said.get(items[*at].id.as_str()))
        .map(|country| Some(country.to_ascii_uppercase()))
        .collect();
    (!countries.is_empty()).then(|| countries.into_iter().collect())
}

impl LockoutReferee<'_> {
    /// The networks that a point needs.
    pub(super) fn networks(&self, point: &Point, mode: Mode) -> Vec<String> {
        let items = self.snapshot.named_locations.items();
        let needed = point.locations.iter().filter(|at| self.is_named(&items[**at], mode));
        needed.map(|at| format!("net:{}", items[*at].id)).collect()
    }

    /// Whether an enabled policy names a location, or `AllTrusted` does.
    fn is_named(&self, location: &NamedLocation, mode: Mode) -> bool {
        let is_trusted = matches!(location.coverage, LocationCoverage::IpRanges { is_trusted: true, .. });
        let names = |policy: &ConditionalAccessPolicy| {
            let locations = policy.conditions.locations.iter();
            let mut named = locations.flat_map(|own| own.include_locations.iter().chain(&own.exclude_locations));
            named.any(|name| name == location.id.as_str() || (name == "AllTrusted" && is_trusted))
        };
        self.snapshot.conditional_access_policies.items().iter().any(|policy| {
            let is_enabled: Answer = is_enforced(policy).and(is_in_force(policy));
            mode.fears(is_enabled) && names(policy)
        })
    }
}
