//! Named locations.
//!
//! **Source:** <https://learn.microsoft.com/graph/api/resources/namedlocation>.

use serde::Deserialize;
use serde_json::Value;

use crate::graph_enum::graph_enum;
use crate::ids::NamedLocationId;
use crate::policy::known_after_apply;
use crate::property::null_is_default;

graph_enum!(
    /// How the country of a sign-in is found (`countryLookupMethodType`).
    CountryLookupMethod {
        ClientIpAddress = "clientIpAddress",
        AuthenticatorAppGps = "authenticatorAppGps",
    }
);

/// One named location, with the JSON it was read from.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedLocation {
    /// Its id; a location without one is named `file#index` by the reader.
    pub id: NamedLocationId,
    /// Name to show.
    pub display_name: String,
    /// What it covers.
    pub coverage: LocationCoverage,
    /// The location's own JSON.
    pub source: Value,
}

/// What a named location covers.
#[derive(Debug, Clone, PartialEq)]
pub enum LocationCoverage {
    /// Address ranges, as they were written (CIDR, v4 or v6).
    IpRanges {
        /// Ranges in CIDR notation.
        ranges: Vec<IpNetwork>,
        /// Whether `AllTrusted` covers it.
        is_trusted: bool,
    },
    /// Countries.
    Countries {
        /// Two-letter codes, upper case.
        countries: Vec<String>,
        /// Whether addresses of no known country count.
        include_unknown: bool,
        /// How the country is found.
        lookup: CountryLookupMethod,
    },
    /// Reached through Global Secure Access; no request can say so.
    CompliantNetwork {
        /// Whether `AllTrusted` covers it.
        is_trusted: bool,
    },
    /// A type that this version does not know, as it was written.
    Unknown(String),
}

/// An address range: the network address and the length of its prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct IpNetwork {
    /// First address, as a 128-bit number; IPv4 as `::ffff:a.b.c.d`.
    pub first: u128,
    /// Last address.
    pub last: u128,
}

/// An address as the number that [`IpNetwork`] uses; IPv4 and IPv4-mapped IPv6 are the same address.
#[must_use]
pub fn address_number(address: std::net::IpAddr) -> u128 {
    match address {
        std::net::IpAddr::V4(v4) => u128::from(v4.to_ipv6_mapped()),
        std::net::IpAddr::V6(v6) => u128::from(v6),
    }
}

impl IpNetwork {
    /// Reads `192.0.2.0/24` or `2001:db8::/32`; an address alone is a range of one. Bits beyond the prefix are
    /// taken as zero, as Entra does (inferred).
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: std::net::IpAddr =
            address.trim().parse().map_err(|_| format!("`{text}` is not an address range"))?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => width,
            Some(prefix) => prefix
                .trim()
                .parse::<u32>()
                .ok()
                .filter(|bits| *bits <= width)
                .ok_or_else(|| format!("`{text}` has a prefix that is not between 0 and {width}"))?,
        };
        let host_bits = width - prefix;
        let mask = if host_bits == 128 { u128::MAX } else { (1_u128 << host_bits) - 1 };
        let number = address_number(address);
        Ok(Self { first: number & !mask, last: number | mask })
    }

    /// Whether the range has the address.
    #[must_use]
    pub const fn contains(&self, number: u128) -> bool {
        self.first <= number && number <= self.last
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    #[serde(default, rename = "@odata.type")]
    odata_type: Option<String>,
    #[serde(default)]
    id: Option<NamedLocationId>,
    #[serde(default, deserialize_with = "null_is_default")]
    display_name: String,
    #[serde(default)]
    is_trusted: Option<bool>,
    #[serde(default)]
    ip_ranges: Option<Vec<WrittenRange>>,
    #[serde(default)]
    countries_and_regions: Option<Vec<String>>,
    #[serde(default)]
    include_unknown_countries_and_regions: Option<bool>,
    #[serde(default)]
    country_lookup_method: Option<CountryLookupMethod>,
    #[serde(default)]
    compliant_network_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WrittenRange {
    cidr_address: Cidr,
}

/// A range, read where the JSON path is known.
struct Cidr(IpNetwork);

impl<'de> Deserialize<'de> for Cidr {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        IpNetwork::parse(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

impl NamedLocation {
    /// Reads one location; `name` stands in for an id that the export does not have.
    ///
    /// # Errors
    /// What `serde_json` says, with the path inside the location: wrong types and addresses that are none.
    pub fn from_value(source: Value, name: &str) -> Result<Self, serde_path_to_error::Error<serde_json::Error>> {
        let written: Written = serde_path_to_error::deserialize(&source)?;
        let kind = written.odata_type.as_deref().unwrap_or_default();
        let kind = kind.trim_start_matches('#').trim_start_matches("microsoft.graph.");
        let is_trusted = written.is_trusted.unwrap_or(false);
        let coverage = if known_after_apply(&source).next().is_some() {
            LocationCoverage::Unknown("known only after the plan is applied".to_owned())
        } else if let Some(ranges) = written.ip_ranges {
            LocationCoverage::IpRanges {
                ranges: ranges.into_iter().map(|range| range.cidr_address.0).collect(),
                is_trusted,
            }
        } else if let Some(countries) = written.countries_and_regions {
            LocationCoverage::Countries {
                countries: countries.iter().map(|code| code.to_ascii_uppercase()).collect(),
                include_unknown: written.include_unknown_countries_and_regions.unwrap_or(false),
                lookup: written.country_lookup_method.unwrap_or(CountryLookupMethod::ClientIpAddress),
            }
        } else if kind == "compliantNetworkNamedLocation" || written.compliant_network_type.is_some() {
            LocationCoverage::CompliantNetwork { is_trusted }
        } else {
            LocationCoverage::Unknown(kind.to_owned())
        };
        Ok(Self {
            id: written.id.unwrap_or_else(|| NamedLocationId::from(name)),
            display_name: written.display_name,
            coverage,
            source,
        })
    }

    /// Whether `AllTrusted` covers it, or may once its plan is applied or its type is known.
    #[must_use]
    pub fn may_be_trusted(&self) -> bool {
        match self.source.get("isTrusted") {
            Some(Value::Bool(true)) => true,
            Some(_) => known_after_apply(&self.source).any(|path| path == "isTrusted"),
            None => known_after_apply(&self.source).next().is_some(),
        }
    }

    /// The name to show: the display name, or the id where there is none.
    #[must_use]
    pub fn name(&self) -> &str {
        if self.display_name.is_empty() { self.id.as_str() } else { &self.display_name }
    }
}

#[cfg(test)]
mod tests {
    use super::{IpNetwork, address_number};

    #[test]
    fn ranges_hold_their_addresses_and_no_others() {
        for (range, inside, outside) in [
            ("198.51.100.0/24", "198.51.100.255", "198.51.101.0"),
            ("203.0.113.7", "203.0.113.7", "203.0.113.8"),
            ("0.0.0.0/0", "255.255.255.255", "2001:db8::1"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
            ("198.51.100.77/24", "198.51.100.1", "198.51.99.1"),
            ("198.51.100.0/24", "::ffff:198.51.100.9", "::198.51.100.9"),
        ] {
            let network = IpNetwork::parse(range).unwrap();
            assert!(network.contains(address_number(inside.parse().unwrap())), "{range} has {inside}");
            assert!(!network.contains(address_number(outside.parse().unwrap())), "{range} has not {outside}");
        }
    }

    #[test]
    fn what_is_no_range_is_said() {
        for text in ["", "HQ", "198.51.100.0/33", "2001:db8::/129", "198.51.100/24", "198.51.100.0/-1", "/24"] {
            assert!(IpNetwork::parse(text).unwrap_err().contains(text));
        }
    }
}
