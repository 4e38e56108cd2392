//! Authentication strengths: which combinations of methods satisfy a demand.
//!
//! **Source:** <https://learn.microsoft.com/graph/api/resources/authenticationstrengthpolicy>; the combinations
//! of the built-in strengths are those of the evaluate documentation's second and third example.

use std::fmt;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::ids::AuthenticationStrengthId;
use crate::property::{Property, says_something};

/// A set of authentication method modes used together (`authenticationMethodModes`, flags), such as
/// `password,sms`; the empty set is no authentication at all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Modes(u32);

const MODE_NAMES: [(&str, u32); 17] = [
    ("password", 1),
    ("voice", 2),
    ("hardwareOath", 4),
    ("softwareOath", 8),
    ("sms", 16),
    ("fido2", 32),
    ("windowsHelloForBusiness", 64),
    ("microsoftAuthenticatorPush", 128),
    ("deviceBasedPush", 256),
    ("temporaryAccessPassOneTime", 512),
    ("temporaryAccessPassMultiUse", 1024),
    ("email", 2048),
    ("x509CertificateSingleFactor", 4096),
    ("x509CertificateMultiFactor", 8192),
    ("federatedSingleFactor", 16384),
    ("federatedMultiFactor", 32768),
    ("qrCodePin", 1 << 20),
];

impl Modes {
    /// Password.
    pub const PASSWORD: Self = Self(1);
    /// Voice call.
    pub const VOICE: Self = Self(2);
    /// Hardware OATH token.
    pub const HARDWARE_OATH: Self = Self(4);
    /// Software OATH token.
    pub const SOFTWARE_OATH: Self = Self(8);
    /// Text message.
    pub const SMS: Self = Self(16);
    /// Passkey (FIDO2).
    pub const FIDO2: Self = Self(32);
    /// Windows Hello for Business and platform credentials.
    pub const WINDOWS_HELLO_FOR_BUSINESS: Self = Self(64);
    /// Microsoft Authenticator notification.
    pub const MICROSOFT_AUTHENTICATOR_PUSH: Self = Self(128);
    /// Microsoft Authenticator phone sign-in.
    pub const DEVICE_BASED_PUSH: Self = Self(256);
    /// Temporary access pass, one use.
    pub const TEMPORARY_ACCESS_PASS_ONE_TIME: Self = Self(512);
    /// Temporary access pass, many uses.
    pub const TEMPORARY_ACCESS_PASS_MULTI_USE: Self = Self(1024);
    /// Certificate as a single factor.
    pub const X509_CERTIFICATE_SINGLE_FACTOR: Self = Self(4096);
    /// Certificate as multiple factors.
    pub const X509_CERTIFICATE_MULTI_FACTOR: Self = Self(8192);
    /// Federated sign-in, one factor.
    pub const FEDERATED_SINGLE_FACTOR: Self = Self(16384);
    /// Federated sign-in, multiple factors.
    pub const FEDERATED_MULTI_FACTOR: Self = Self(32768);

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What of this set is also in the other.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether every mode of `other` is in this set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Its modes, one by one, in Graph's order.
    pub fn members(self) -> impl Iterator<Item = Self> {
        MODE_NAMES.iter().map(|(_, bit)| Self(*bit)).filter(move |mode| self.contains(*mode))
    }

    /// Whether nothing is in the set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Reads Graph's flags text, such as `password,sms`.
    ///
    /// # Errors
    /// The member that is not known.
    pub fn from_graph(text: &str) -> Result<Self, String> {
        let mut modes = Self::default();
        for member in text.split(',').map(str::trim) {
            match MODE_NAMES.iter().find(|(name, _)| *name == member) {
                Some((_, bit)) => modes.0 |= bit,
                None => return Err(member.to_owned()),
            }
        }
        Ok(modes)
    }
}

impl fmt::Display for Modes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        for (name, bit) in MODE_NAMES {
            if self.0 & bit != 0 {
                if !first {
                    f.write_str(",")?;
                }
                f.write_str(name)?;
                first = false;
            }
        }
        Ok(())
    }
}

/// One allowed combination of a strength, or one that this version does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Combination {
    /// Modes that together satisfy the strength.
    Known(Modes),
    /// A combination with an unknown member, as it was written.
    Unknown(Box<str>),
}

impl<'de> Deserialize<'de> for Combination {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(match Modes::from_graph(&text) {
            Ok(modes) => Self::Known(modes),
            Err(_) => Self::Unknown(text.into()),
        })
    }
}

/// `authenticationStrengthPolicy`, whole or (inside a policy) only its id.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthenticationStrengthPolicy {
    /// Its id; exporters write null members where there is no strength.
    #[serde(default)]
    pub id: Option<AuthenticationStrengthId>,
    /// Its name.
    #[serde(default)]
    pub display_name: Option<String>,
    /// Combinations, any of which satisfies it; absent where only the id was exported.
    #[serde(default)]
    pub allowed_combinations: Option<Vec<Combination>>,
    /// Restrictions of single combinations, such as allowed AAGUIDs; absent where they were not expanded.
    #[serde(default)]
    pub combination_configurations: Property<Vec<CombinationConfiguration>>,
    /// Everything else.
    #[serde(flatten)]
    pub rest: crate::policy::Rest,
}

impl AuthenticationStrengthPolicy {
    /// Whether a strength is really meant: exporters write an object of nulls where there is none.
    #[must_use]
    pub fn is_configured(&self) -> bool {
        self.id.is_some()
            || self.display_name.as_ref().is_some_and(|name| !name.is_empty())
            || self.allowed_combinations.as_ref().is_some_and(|list| !list.is_empty())
            || self.combination_configurations.value().is_some_and(|list| !list.is_empty())
            || self.rest.iter().any(|(name, value)| says_something(name, value) && value != "")
    }

    /// Whether nothing says which strength is meant: neither an id nor combinations.
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        self.id.is_none() && self.allowed_combinations.as_ref().is_none_or(Vec::is_empty)
    }
}

/// `authenticationCombinationConfiguration`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CombinationConfiguration {
    /// `#microsoft.graph.fido2CombinationConfiguration` or the certificate one.
    #[serde(default, rename = "@odata.type")]
    pub odata_type: Option<String>,
    /// The combinations it restricts.
    #[serde(default)]
    pub applies_to_combinations: Property<Vec<String>>,
    /// Allowed authenticator models (fido2).
    #[serde(default, rename = "allowedAAGUIDs")]
    pub allowed_aaguids: Property<Vec<String>>,
    /// Everything else, among it allowed certificate issuers.
    #[serde(flatten)]
    pub rest: serde_json::Map<String, Value>,
}

impl CombinationConfiguration {
    /// Whether it restricts a combination; `None` where the export does not say which ones it restricts.
    #[must_use]
    pub fn restricts(&self, combination: Modes) -> Option<bool> {
        let written = self.applies_to_combinations.known()?.map_or(&[][..], Vec::as_slice);
        Some(written.iter().filter_map(|text| Modes::from_graph(text).ok()).any(|modes| modes == combination))
    }
}

/// A built-in strength.
#[derive(Debug, Clone, Copy)]
pub struct BuiltInStrength {
    /// Its id, the same in every tenant.
    pub id: &'static str,
    /// Its English name.
    pub display_name: &'static str,
    /// Its combinations.
    pub allowed_combinations: &'static [Modes],
}

/// Id of the built-in strength that the control `mfa` is equivalent to.
pub const MULTIFACTOR_STRENGTH_ID: &str = "00000000-0000-0000-0000-000000000002";
/// Id of the built-in passwordless strength (from memory).
pub const PASSWORDLESS_STRENGTH_ID: &str = "00000000-0000-0000-0000-000000000003";
/// Id of the built-in phishing-resistant strength (from memory).
pub const PHISHING_RESISTANT_STRENGTH_ID: &str = "00000000-0000-0000-0000-000000000004";

/// Combinations that resist phishing: no code or prompt that a person could pass on.
pub const PHISHING_RESISTANT_COMBINATIONS: &[Modes] =
    &[Modes::WINDOWS_HELLO_FOR_BUSINESS, Modes::FIDO2, Modes::X509_CERTIFICATE_MULTI_FACTOR];

/// Combinations that count as multifactor authentication.
pub const MULTIFACTOR_COMBINATIONS: &[Modes] = &[
    Modes::WINDOWS_HELLO_FOR_BUSINESS,
    Modes::FIDO2,
    Modes::X509_CERTIFICATE_MULTI_FACTOR,
    Modes::DEVICE_BASED_PUSH,
    Modes::TEMPORARY_ACCESS_PASS_ONE_TIME,
    Modes::TEMPORARY_ACCESS_PASS_MULTI_USE,
    Modes::PASSWORD.with(Modes::MICROSOFT_AUTHENTICATOR_PUSH),
    Modes::PASSWORD.with(Modes::SOFTWARE_OATH),
    Modes::PASSWORD.with(Modes::HARDWARE_OATH),
    Modes::PASSWORD.with(Modes::X509_CERTIFICATE_SINGLE_FACTOR),
    Modes::PASSWORD.with(Modes::X509_CERTIFICATE_MULTI_FACTOR),
    Modes::PASSWORD.with(Modes::SMS),
    Modes::PASSWORD.with(Modes::VOICE),
    Modes::FEDERATED_MULTI_FACTOR,
    Modes::MICROSOFT_AUTHENTICATOR_PUSH.with(Modes::FEDERATED_SINGLE_FACTOR),
    Modes::SOFTWARE_OATH.with(Modes::FEDERATED_SINGLE_FACTOR),
    Modes::HARDWARE_OATH.with(Modes::FEDERATED_SINGLE_FACTOR),
    Modes::SMS.with(Modes::FEDERATED_SINGLE_FACTOR),
    Modes::VOICE.with(Modes::FEDERATED_SINGLE_FACTOR),
];

/// The built-in strengths, which an export need not contain.
pub const BUILT_IN_STRENGTHS: &[BuiltInStrength] = &[
    BuiltInStrength {
        id: MULTIFACTOR_STRENGTH_ID,
        display_name: "Multifactor authentication",
        allowed_combinations: MULTIFACTOR_COMBINATIONS,
    },
    BuiltInStrength {
        id: PASSWORDLESS_STRENGTH_ID,
        display_name: "Passwordless MFA",
        allowed_combinations: &[
            Modes::WINDOWS_HELLO_FOR_BUSINESS,
            Modes::FIDO2,
            Modes::X509_CERTIFICATE_MULTI_FACTOR,
            Modes::DEVICE_BASED_PUSH,
        ],
    },
    BuiltInStrength {
        id: PHISHING_RESISTANT_STRENGTH_ID,
        display_name: "Phishing-resistant MFA",
        allowed_combinations: PHISHING_RESISTANT_COMBINATIONS,
    },
];

/// The built-in strength of this id.
#[must_use]
pub fn built_in_strength(id: &str) -> Option<&'static BuiltInStrength> {
    BUILT_IN_STRENGTHS.iter().find(|strength| strength.id == id)
}

#[cfg(test)]
mod tests {
    use super::Modes;

    #[test]
    fn modes_read_what_they_print() {
        for text in ["password", "password,sms", "fido2", "softwareOath,federatedSingleFactor"] {
            let modes = Modes::from_graph(text).unwrap();
            assert_eq!(Modes::from_graph(&modes.to_string()).unwrap(), modes);
        }
        assert_eq!(Modes::from_graph("password,telepathy"), Err("telepathy".to_owned()));
    }
}
