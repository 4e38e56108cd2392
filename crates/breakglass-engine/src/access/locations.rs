//! Where a sign-in comes from: addresses and countries turned into small numbers, once.
//!
//! All address ranges of all named locations cut the address space into intervals; every interval has the set of
//! locations that contain it, and equal sets share a number, the *signature*. IPv4 addresses (IPv4-mapped ones
//! included) are compared with IPv4 ranges only.

use std::collections::BTreeMap;
use std::net::IpAddr;

use breakglass_model::named_location::{IpNetwork, LocationCoverage, NamedLocation, address_number};

const IPV4_FIRST: u128 = 0xffff_0000_0000;
const IPV4_LAST: u128 = 0xffff_ffff_ffff;

/// Lower bits of an IPv4 address; the upper ones are where its interval is searched.
const V4_LOWER_BITS: u32 = 20;

/// Which IP locations contain an address, as a number; 0 is none of them.
pub type Signature = u32;

/// Row of a country; see [`Countries`].
pub type CountryRow = u32;

/// The address space, cut by all ranges.
#[derive(Debug, Clone)]
pub struct AddressMap {
    v4_starts: Vec<u32>,
    v4_signatures: Vec<Signature>,
    /// For each value of the upper bits of an IPv4 address, how many intervals begin before it: where a search
    /// for an address begins, and behind the last one where it ends.
    v4_before: Vec<u32>,
    v6_starts: Vec<u128>,
    v6_signatures: Vec<Signature>,
    /// Per signature, the indices of the locations that contain it, ascending.
    pub members: Vec<Vec<usize>>,
}

impl AddressMap {
    /// Cuts the address space by the ranges of all locations.
    #[must_use]
    pub fn of(locations: &[NamedLocation]) -> Self {
        let mut v4 = Vec::new();
        let mut v6 = Vec::new();
        for (index, location) in locations.iter().enumerate() {
            let LocationCoverage::IpRanges { ranges, .. } = &location.coverage else { continue };
            for range in ranges {
                let is_v4 = range.first >= IPV4_FIRST && range.last <= IPV4_LAST;
                if is_v4 { v4.push((*range, index)) } else { v6.push((*range, index)) }
            }
        }
        let mut known = BTreeMap::from([(Vec::new(), 0)]);
        let (v4_wide, v4_signatures) = intervals(&v4, &mut known);
        let (v6_starts, v6_signatures) = intervals(&v6, &mut known);
        let mut members = vec![Vec::new(); known.len()];
        for (set, signature) in known {
            if let Some(slot) = members.get_mut(signature as usize) {
                *slot = set;
            }
        }
        #[expect(clippy::cast_possible_truncation, reason = "the low 32 bits are the IPv4 address")]
        let v4_starts: Vec<u32> = v4_wide.into_iter().map(|start| start as u32).collect();
        let before = |upper: u64| v4_starts.partition_point(|start| u64::from(*start) < upper << V4_LOWER_BITS);
        let v4_before =
            (0..=1 << (u32::BITS - V4_LOWER_BITS)).map(|upper| u32::try_from(before(upper)).unwrap_or(u32::MAX));
        let v4_before = v4_before.collect();
        Self { v4_starts, v4_signatures, v4_before, v6_starts, v6_signatures, members }
    }

    /// Whether every address there is lies in some location.
    #[must_use]
    pub(crate) fn covers_everything(&self) -> bool {
        let is_whole = |first: bool, signatures: &[Signature]| first && signatures.iter().all(|one| *one != 0);
        let v4 = is_whole(self.v4_starts.first() == Some(&0), &self.v4_signatures);
        v4 && is_whole(self.v6_starts.first() == Some(&0), &self.v6_signatures)
    }

    /// The signature of an address.
    #[must_use]
    pub fn signature(&self, address: IpAddr) -> Signature {
        let number = address_number(address);
        if (IPV4_FIRST..=IPV4_LAST).contains(&number) {
            #[expect(clippy::cast_possible_truncation, reason = "the low 32 bits are the IPv4 address")]
            self.v4_signature(number as u32)
        } else {
            at(&self.v6_signatures, self.v6_starts.partition_point(|start| *start <= number))
        }
    }

    /// The signature of an address as text; `None` when it is none. A plain IPv4 address is read here, everything
    /// else by the standard library.
    #[must_use]
    pub fn signature_of(&self, text: &str) -> Option<Signature> {
        match plain_ipv4(text.as_bytes()) {
            Some(number) => Some(self.v4_signature(number)),
            None => text.parse().ok().map(|address| self.signature(address)),
        }
    }

    fn v4_signature(&self, number: u32) -> Signature {
        let upper = (number >> V4_LOWER_BITS) as usize;
        let [first, end] = [upper, upper + 1].map(|at| self.v4_before.get(at).map_or(0, |before| *before as usize));
        let begun =
            self.v4_starts.get(first..end).unwrap_or_default().iter().take_while(|start| **start <= number).count();
        at(&self.v4_signatures, first + begun)
    }
}

/// Reads four decimal numbers with dots between them, without leading zeros.
fn plain_ipv4(text: &[u8]) -> Option<u32> {
    let (mut number, mut part, mut digits, mut dots) = (0_u32, 0_u32, 0_u32, 0_u32);
    for byte in text {
        if *byte == b'.' {
            if digits == 0 || dots == 3 {
                return None;
            }
            number = number << 8 | part;
            (part, digits, dots) = (0, 0, dots + 1);
        } else {
            let digit = u32::from(byte.wrapping_sub(b'0'));
            part = part * 10 + digit;
            if digit > 9 || part > 255 || (digits == 1 && part < 10) {
                return None;
            }
            digits += 1;
        }
    }
    (dots == 3 && digits > 0).then_some(number << 8 | part)
}

/// The signature of the interval that begins before a partition point.
fn at(signatures: &[Signature], point: usize) -> Signature {
    point.checked_sub(1).and_then(|index| signatures.get(index)).copied().unwrap_or_default()
}

fn intervals(
    ranges: &[(IpNetwork, usize)],
    known: &mut BTreeMap<Vec<usize>, Signature>,
) -> (Vec<u128>, Vec<Signature>) {
    let mut events: BTreeMap<u128, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
    for (range, index) in ranges {
        events.entry(range.first).or_default().0.push(*index);
        if let Some(after) = range.last.checked_add(1) {
            events.entry(after).or_default().1.push(*index);
        }
    }
    let mut open: BTreeMap<usize, usize> = BTreeMap::new();
    let (mut starts, mut signatures) = (Vec::new(), Vec::new());
    for (start, (begin, end)) in events {
        for index in end {
            if let Some(count) = open.get_mut(&index) {
                *count -= 1;
                if *count == 0 {
                    open.remove(&index);
                }
            }
        }
        for index in begin {
            *open.entry(index).or_default() += 1;
        }
        // An interval that begins at the first IPv4 address after the last one is none.
        let next = u32::try_from(known.len()).unwrap_or(u32::MAX);
        let signature = *known.entry(open.keys().copied().collect()).or_insert(next);
        if start <= IPV4_LAST || !ranges.iter().all(|(range, _)| range.last <= IPV4_LAST && range.first >= IPV4_FIRST) {
            starts.push(start);
            signatures.push(signature);
        }
    }
    (starts, signatures)
}

/// Countries that some location names, and three rows beside them.
#[derive(Debug, Clone)]
pub struct Countries {
    codes: Vec<[u8; 2]>,
    rows: Vec<CountryRow>,
}

impl Countries {
    /// Row of a sign-in of which neither address nor country is known.
    pub const NONE: CountryRow = 0;
    /// Row of a sign-in from an unknown country.
    pub const UNKNOWN: CountryRow = 1;
    /// Row of every country that no location names.
    pub const OTHER: CountryRow = 2;
    const FIRST: CountryRow = 3;

    /// Collects the countries of all locations. Codes that are not two letters stay countries that no sign-in has.
    #[must_use]
    pub fn of(locations: &[NamedLocation]) -> Self {
        let mut codes: Vec<[u8; 2]> = Vec::new();
        for location in locations {
            if let LocationCoverage::Countries { countries, .. } = &location.coverage {
                codes.extend(countries.iter().filter_map(|code| <[u8; 2]>::try_from(code.as_bytes()).ok()));
            }
        }
        codes.sort_unstable();
        codes.dedup();
        let mut rows = vec![Self::OTHER; 26 * 26];
        for (row, code) in (Self::FIRST..).zip(&codes) {
            if let Some(slot) = letters(*code).and_then(|index| rows.get_mut(index)) {
                *slot = row;
            }
        }
        Self { codes, rows }
    }

    /// Row of a two-letter code, in any case; anything else is a country that no location names.
    #[must_use]
    pub fn row(&self, code: &str) -> CountryRow {
        let code: Option<[u8; 2]> = code.as_bytes().try_into().ok();
        let index = code.and_then(|code| letters(code.map(|letter| letter.to_ascii_uppercase())));
        index.and_then(|index| self.rows.get(index)).copied().unwrap_or(Self::OTHER)
    }

    /// How many rows there are.
    #[must_use]
    pub fn row_count(&self) -> usize {
        self.codes.len() + Self::FIRST as usize
    }

    /// The code of a row, if it is that of a country.
    #[must_use]
    pub fn code(&self, row: usize) -> Option<&str> {
        let code = self.codes.get(row.checked_sub(Self::FIRST as usize)?)?;
        std::str::from_utf8(code).ok()
    }
}

fn letters(code: [u8; 2]) -> Option<usize> {
    let [first, second] = code;
    (first.is_ascii_uppercase() && second.is_ascii_uppercase())
        .then(|| usize::from(first - b'A') * 26 + usize::from(second - b'A'))
}

#[cfg(test)]
mod tests {
    use breakglass_model::named_location::NamedLocation;
    use proptest::prelude::*;
    use serde_json::json;

    use super::AddressMap;

    fn location(index: usize, ranges: &[String]) -> NamedLocation {
        let ranges: Vec<_> = ranges.iter().map(|range| json!({ "cidrAddress": range })).collect();
        NamedLocation::from_value(json!({ "id": format!("l{index}"), "ipRanges": ranges }), "l").unwrap()
    }

    fn address() -> impl Strategy<Value = std::net::IpAddr> {
        prop_oneof![
            (0_u32..64).prop_map(|n| std::net::Ipv4Addr::from(0xc633_6400 | n).into()),
            Just(std::net::Ipv4Addr::BROADCAST.into()),
            (0_u128..64).prop_map(|n| std::net::Ipv6Addr::from(0x2001_0db8_u128 << 96 | n).into()),
            (0_u128..8).prop_map(|n| std::net::Ipv6Addr::from((0xffff_u128 << 32) + (1 << 32) - 4 + n).into()),
        ]
    }

    fn range() -> impl Strategy<Value = String> {
        (address(), 0_u32..=12).prop_map(|(address, host_bits)| {
            let width = if address.is_ipv4() { 32 } else { 128 };
            format!("{address}/{}", width - host_bits)
        })
    }

    proptest! {
        #[test]
        fn plain_addresses_are_read_as_the_standard_library_reads_them(
            text in prop_oneof!["[0-9]{1,3}(\\.[0-9]{1,3}){3}", "[0-9.]{0,16}", "(25[0-9]|[0-9]{1,2})(\\.[0-9a]{1,4}){2,4}"],
        ) {
            let standard = text.parse::<std::net::Ipv4Addr>().ok().map(u32::from);
            prop_assert_eq!(super::plain_ipv4(text.as_bytes()), standard, "{}", text);
        }

        #[test]
        fn signatures_are_the_locations_that_contain_the_address(
            lists in proptest::collection::vec(proptest::collection::vec(range(), 0..4), 0..4),
            address in address(),
        ) {
            let locations: Vec<_> = lists.iter().enumerate().map(|(i, ranges)| location(i, ranges)).collect();
            let map = AddressMap::of(&locations);
            let naive: Vec<usize> = lists
                .iter()
                .enumerate()
                .filter(|(_, ranges)| ranges.iter().any(|range| naive_contains(range, address)))
                .map(|(index, _)| index)
                .collect();
            prop_assert_eq!(&map.members[map.signature(address) as usize], &naive);
            prop_assert_eq!(map.signature_of(&address.to_string()), Some(map.signature(address)));
        }
    }

    /// Compares bit by bit within one family; an IPv4-mapped address is an IPv4 one.
    fn naive_contains(range: &str, address: std::net::IpAddr) -> bool {
        let (network, prefix) = range.split_once('/').unwrap();
        let mut prefix: usize = prefix.parse().unwrap();
        let bits = |address: std::net::IpAddr| -> Vec<bool> {
            let octets = match address.to_canonical() {
                std::net::IpAddr::V4(v4) => v4.octets().to_vec(),
                std::net::IpAddr::V6(v6) => v6.octets().to_vec(),
            };
            octets.iter().flat_map(|octet| (0..8).rev().map(move |bit| octet & (1 << bit) != 0)).collect()
        };
        let network: std::net::IpAddr = network.parse().unwrap();
        if network.is_ipv6() && network.to_canonical().is_ipv4() {
            if prefix < 96 {
                return false;
            }
            prefix -= 96;
        }
        let (network, address) = (bits(network), bits(address));
        network.len() == address.len() && network[..prefix] == address[..prefix]
    }
}
