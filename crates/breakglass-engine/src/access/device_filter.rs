//! Filter for devices: the rule language of `conditions.devices.deviceFilter.rule`.
//!
//! Input: a rule of at most [`DEVICE_FILTER_RULE_LENGTH_CHARS_MAX`] characters and what is known
//! of a device. Output: whether the rule matches, or `None` where that depends on a property
//! nobody told us. Whether the policy then applies is the business of the filter's `mode`.
//!
//! ```text
//! rule       := term ( -or term )*                 -or binds weakest, then -and, then -not
//! term       := factor ( -and factor )*
//! factor     := [ -not ] ( "(" rule ")" | comparison )
//! comparison := device.property -operator value
//! value      := "text" | 'text' | True | False | [ "text" , "text" ]
//! ```
//!
//! Words are compared without case, and their hyphen may be left out. In a text, `` `" `` stands
//! for a double quote and `''` for a single one; a backtick has no other use.
//! A null property never meets a positive operator and always meets a negative one, so every
//! property of an unregistered device (all null) behaves as documented.
//!
//! **Invariant:** a parsed rule uses only operators that its properties have, and nests no deeper
//! than [`DEVICE_FILTER_NESTING_DEPTH_MAX`]. What the documentation leaves open (`null` as a value,
//! typographic quotes, a lone backtick, the group-only operators) is refused and never guessed.
//!
//! **Source:** Microsoft Entra, "Conditional Access: Filter for devices" (properties, operators,
//! null behaviour, extension attributes, length) and "Manage rules for dynamic membership groups"
//! (syntax, precedence, escapes, case); Microsoft Graph, `deviceInfo` (names of the facts).

mod parse;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;

pub use parse::DeviceFilterError;

/// The longest rule that Conditional Access stores, in characters.
pub const DEVICE_FILTER_RULE_LENGTH_CHARS_MAX: usize = 3072;

/// The most parentheses that may be open at one place of a rule. Ours: Microsoft names no number,
/// and a rule that people wrote uses three or four.
pub const DEVICE_FILTER_NESTING_DEPTH_MAX: usize = 64;

/// How many extension attributes a device has.
pub const EXTENSION_ATTRIBUTE_COUNT: usize = 15;

/// `mdmAppId` of a device that Microsoft Intune manages.
const MICROSOFT_INTUNE_MDM_APP_ID: &str = "0000000a-0000-0000-c000-000000000000";

/// Spellings of `trustType` outside of filters, each with the filter's word. `EntraID` is what
/// the `evaluate` API takes; the others are how sign-in logs and the admin center put it, and the
/// filter documentation (2021 and 2025 wording) explains its own words with them.
const TRUST_TYPE_SPELLINGS: [(&str, &str); 7] = [
    ("EntraID", "AzureAD"),
    ("Azure AD joined", "AzureAD"),
    ("Microsoft Entra joined", "AzureAD"),
    ("Hybrid Azure AD joined", "ServerAD"),
    ("Microsoft Entra hybrid joined", "ServerAD"),
    ("Azure AD registered", "Workplace"),
    ("Microsoft Entra registered", "Workplace"),
];

/// A parsed device filter rule. Its `Display` is the canonical rule: Microsoft's spelling of every
/// word, and parentheses only where they matter. The canonical rule parses back to the same
/// filter, unless spelling the words out takes it over the length limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceFilter {
    rule: Node,
}

impl DeviceFilter {
    /// Parses a rule as Conditional Access stores it.
    ///
    /// # Errors
    /// The first thing in the rule that is not in the language, and where it stands.
    pub fn parse(rule: &str) -> Result<Self, DeviceFilterError> {
        parse::parse(rule).map(|rule| Self { rule })
    }

    /// Whether the rule matches a device of which everything is known.
    #[must_use]
    pub fn matches(&self, device: &DeviceFacts) -> bool {
        self.rule.truth(device, &BTreeSet::new()) == Some(true)
    }

    /// Whether the rule matches a device of which some properties are unknown; `None` if that
    /// depends on them. Kleene's three-valued logic: never wrong, though it does not see that
    /// `x -or -not x` holds for every `x`.
    #[must_use]
    pub fn truth(&self, device: &PartialDevice) -> Option<bool> {
        self.rule.truth(&device.facts, &device.unknown)
    }

    /// The properties that the rule names. An extension attribute is seen or hidden by
    /// `isCompliant`, `trustType` and `mdmAppId` too; these are not listed for that alone.
    #[must_use]
    pub fn properties(&self) -> BTreeSet<DeviceProperty> {
        let mut named = BTreeSet::new();
        self.rule.collect_properties(&mut named);
        named
    }
}

impl fmt::Display for DeviceFilter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rule.fmt(out)
    }
}

/// What the directory says of a device, in the words of Graph's `deviceInfo`. The default is an
/// unregistered device: every property is null.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeviceFacts {
    /// `deviceId`, not the object id.
    pub device_id: Option<String>,
    /// `displayName`.
    pub display_name: Option<String>,
    /// `enrollmentProfileName`, set by Intune at enrolment.
    pub enrollment_profile_name: Option<String>,
    /// `isCompliant`.
    pub is_compliant: Option<bool>,
    /// `manufacturer`.
    pub manufacturer: Option<String>,
    /// `mdmAppId`: which service manages the device.
    pub mdm_app_id: Option<String>,
    /// `model`.
    pub model: Option<String>,
    /// `operatingSystem`.
    pub operating_system: Option<String>,
    /// `operatingSystemVersion`.
    pub operating_system_version: Option<String>,
    /// `ownership` here, `deviceOwnership` in rules: `Company` or `Personal`.
    pub ownership: Option<String>,
    /// `physicalIds`; empty is null.
    pub physical_ids: Vec<String>,
    /// `profileType`.
    pub profile_type: Option<String>,
    /// `systemLabels`; empty is null.
    pub system_labels: Vec<String>,
    /// `trustType`, in the spelling of filters, of `evaluate` or of sign-in logs.
    pub trust_type: Option<String>,
    /// `extensionAttribute1` to `extensionAttribute15`, the first at index 0, as the directory has
    /// them; whether a rule may see them is decided here.
    pub extension_attributes: [Option<String>; EXTENSION_ATTRIBUTE_COUNT],
}

impl DeviceFacts {
    /// Whether the device is Microsoft Entra hybrid joined (`ServerAD`).
    #[must_use]
    pub fn is_hybrid_joined(&self) -> bool {
        let trust_type = self.trust_type.as_deref();
        trust_type.is_some_and(|written| trust_type_of_filters(written) == "ServerAD")
    }

    fn is_managed_by_intune(&self) -> bool {
        let mdm_app_id = self.mdm_app_id.as_deref();
        mdm_app_id.is_some_and(|id| id.eq_ignore_ascii_case(MICROSOFT_INTUNE_MDM_APP_ID))
    }

    /// The values of a property: none if it is null, several only for a collection.
    fn values(&self, property: DeviceProperty) -> Vec<&str> {
        match property {
            DeviceProperty::DeviceId => one(&self.device_id),
            DeviceProperty::DisplayName => one(&self.display_name),
            DeviceProperty::DeviceOwnership => one(&self.ownership),
            DeviceProperty::EnrollmentProfileName => one(&self.enrollment_profile_name),
            DeviceProperty::IsCompliant => self.is_compliant.map(boolean_literal).into_iter().collect(),
            DeviceProperty::Manufacturer => one(&self.manufacturer),
            DeviceProperty::MdmAppId => one(&self.mdm_app_id),
            DeviceProperty::Model => one(&self.model),
            DeviceProperty::OperatingSystem => one(&self.operating_system),
            DeviceProperty::OperatingSystemVersion => one(&self.operating_system_version),
            DeviceProperty::PhysicalIds => self.physical_ids.iter().map(String::as_str).collect(),
            DeviceProperty::ProfileType => one(&self.profile_type),
            DeviceProperty::SystemLabels => self.system_labels.iter().map(String::as_str).collect(),
            DeviceProperty::TrustType => self.trust_type.as_deref().map(trust_type_of_filters).into_iter().collect(),
            DeviceProperty::ExtensionAttribute(number) => {
                self.extension_attributes.get(number.index()).map(one).unwrap_or_default()
            }
        }
    }
}

fn one(value: &Option<String>) -> Vec<&str> {
    value.as_deref().into_iter().collect()
}

/// A device of which some properties are unknown, which is not the same as null: an export may
/// lack a column, a sign-in log has no `mdmAppId`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartialDevice {
    /// What is known. The values of properties in `unknown` are not looked at.
    pub facts: DeviceFacts,
    /// The properties that nobody told us.
    pub unknown: BTreeSet<DeviceProperty>,
}

impl From<DeviceFacts> for PartialDevice {
    fn from(facts: DeviceFacts) -> Self {
        Self { facts, unknown: BTreeSet::new() }
    }
}

/// The number of an extension attribute, 1 to 15.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExtensionAttributeNumber(u8);

impl ExtensionAttributeNumber {
    /// The number, or `None` outside 1 to 15.
    #[must_use]
    pub fn new(number: u8) -> Option<Self> {
        (number >= 1 && usize::from(number) <= EXTENSION_ATTRIBUTE_COUNT).then_some(Self(number))
    }

    /// Where the attribute stands in [`DeviceFacts::extension_attributes`].
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0).saturating_sub(1)
    }
}

/// A property that rules may name, in the order of the documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the variants are the documented names themselves")]
pub enum DeviceProperty {
    DeviceId,
    DisplayName,
    DeviceOwnership,
    EnrollmentProfileName,
    IsCompliant,
    Manufacturer,
    MdmAppId,
    Model,
    OperatingSystem,
    OperatingSystemVersion,
    PhysicalIds,
    ProfileType,
    SystemLabels,
    TrustType,
    ExtensionAttribute(ExtensionAttributeNumber),
}

const NAMED_PROPERTIES: [(DeviceProperty, &str); 14] = [
    (DeviceProperty::DeviceId, "deviceId"),
    (DeviceProperty::DisplayName, "displayName"),
    (DeviceProperty::DeviceOwnership, "deviceOwnership"),
    (DeviceProperty::EnrollmentProfileName, "enrollmentProfileName"),
    (DeviceProperty::IsCompliant, "isCompliant"),
    (DeviceProperty::Manufacturer, "manufacturer"),
    (DeviceProperty::MdmAppId, "mdmAppId"),
    (DeviceProperty::Model, "model"),
    (DeviceProperty::OperatingSystem, "operatingSystem"),
    (DeviceProperty::OperatingSystemVersion, "operatingSystemVersion"),
    (DeviceProperty::PhysicalIds, "physicalIds"),
    (DeviceProperty::ProfileType, "profileType"),
    (DeviceProperty::SystemLabels, "systemLabels"),
    (DeviceProperty::TrustType, "trustType"),
];

impl DeviceProperty {
    /// Every property, in order.
    pub fn all() -> impl Iterator<Item = Self> {
        let extensions = (1..=u8::MAX).map_while(ExtensionAttributeNumber::new);
        let named = NAMED_PROPERTIES.into_iter().map(|(property, _)| property);
        named.chain(extensions.map(Self::ExtensionAttribute))
    }

    /// The property of this name (without `device.`), whatever its case: Microsoft's own examples
    /// write `device.deviceid`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|property| property.to_string().eq_ignore_ascii_case(name))
    }

    /// The operators that rules may use with this property.
    #[must_use]
    pub fn operators(self) -> &'static [DeviceOperator] {
        use DeviceOperator::{Contains, Eq, In, Ne, NotContains, NotIn};
        match self {
            Self::DeviceId | Self::MdmAppId => &[Eq, Ne, In, NotIn],
            Self::DeviceOwnership | Self::IsCompliant | Self::ProfileType | Self::TrustType => &[Eq, Ne],
            Self::PhysicalIds | Self::SystemLabels => &[Contains, NotContains],
            Self::DisplayName
            | Self::EnrollmentProfileName
            | Self::Manufacturer
            | Self::Model
            | Self::OperatingSystem
            | Self::OperatingSystemVersion
            | Self::ExtensionAttribute(_) => &DeviceOperator::ALL,
        }
    }
}

impl fmt::Display for DeviceProperty {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::ExtensionAttribute(number) = self {
            return write!(out, "extensionAttribute{}", number.0);
        }
        let name = NAMED_PROPERTIES.iter().find(|(property, _)| property == self);
        out.write_str(name.map_or("", |(_, name)| name))
    }
}

/// How a rule compares a property with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the variants are the documented names themselves")]
pub enum DeviceOperator {
    Eq,
    Ne,
    StartsWith,
    NotStartsWith,
    EndsWith,
    NotEndsWith,
    Contains,
    NotContains,
    In,
    NotIn,
}

impl DeviceOperator {
    /// Every operator, in the order of the documentation.
    pub const ALL: [Self; 10] = [
        Self::Eq,
        Self::Ne,
        Self::StartsWith,
        Self::NotStartsWith,
        Self::EndsWith,
        Self::NotEndsWith,
        Self::Contains,
        Self::NotContains,
        Self::In,
        Self::NotIn,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "-eq",
            Self::Ne => "-ne",
            Self::StartsWith => "-startsWith",
            Self::NotStartsWith => "-notStartsWith",
            Self::EndsWith => "-endsWith",
            Self::NotEndsWith => "-notEndsWith",
            Self::Contains => "-contains",
            Self::NotContains => "-notContains",
            Self::In => "-in",
            Self::NotIn => "-notIn",
        }
    }

    fn is_negative(self) -> bool {
        matches!(self, Self::Ne | Self::NotStartsWith | Self::NotEndsWith | Self::NotContains | Self::NotIn)
    }

    fn takes_list(self) -> bool {
        matches!(self, Self::In | Self::NotIn)
    }
}

impl fmt::Display for DeviceOperator {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// A rule or a part of one. `Any` and `All` have at least two members, none of their own kind.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    Any(Vec<Node>),
    All(Vec<Node>),
    Not(Box<Node>),
    Comparison(Comparison),
}

impl Node {
    fn truth(&self, device: &DeviceFacts, unknown: &BTreeSet<DeviceProperty>) -> Option<bool> {
        match self {
            Self::Any(parts) => kleene_any(parts.iter().map(|part| part.truth(device, unknown))),
            Self::All(parts) => kleene_any(parts.iter().map(|part| part.truth(device, unknown).map(|truth| !truth)))
                .map(|failed| !failed),
            Self::Not(inner) => inner.truth(device, unknown).map(|truth| !truth),
            Self::Comparison(comparison) => comparison.truth(device, unknown),
        }
    }

    fn collect_properties(&self, named: &mut BTreeSet<DeviceProperty>) {
        match self {
            Self::Any(parts) | Self::All(parts) => {
                for part in parts {
                    part.collect_properties(named);
                }
            }
            Self::Not(inner) => inner.collect_properties(named),
            Self::Comparison(comparison) => {
                named.insert(comparison.property);
            }
        }
    }

    /// Writes parts joined by a word, those that bind weaker than the word in parentheses.
    fn fmt_joined(parts: &[Node], word: &str, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, part) in parts.iter().enumerate() {
            if position > 0 {
                write!(out, " {word} ")?;
            }
            match part {
                Self::Any(_) => write!(out, "({part})")?,
                _ => write!(out, "{part}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Node {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any(parts) => Self::fmt_joined(parts, "-or", out),
            Self::All(parts) => Self::fmt_joined(parts, "-and", out),
            Self::Not(inner) => match **inner {
                Self::Comparison(_) => write!(out, "-not {inner}"),
                _ => write!(out, "-not ({inner})"),
            },
            Self::Comparison(comparison) => comparison.fmt(out),
        }
    }
}

/// `device.property -operator value`. Of several operands, one that fits is enough.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Comparison {
    property: DeviceProperty,
    operator: DeviceOperator,
    operands: Vec<Operand>,
}

impl Comparison {
    fn truth(&self, device: &DeviceFacts, unknown: &BTreeSet<DeviceProperty>) -> Option<bool> {
        let is_known = !unknown.contains(&self.property);
        if !matches!(self.property, DeviceProperty::ExtensionAttribute(_)) {
            return is_known.then(|| self.holds(&device.values(self.property)));
        }
        let when_hidden = self.holds(&[]);
        let when_seen = is_known.then(|| self.holds(&device.values(self.property)));
        match extension_attributes_are_visible(device, unknown) {
            Some(false) => Some(when_hidden),
            Some(true) => when_seen,
            None => when_seen.filter(|seen| *seen == when_hidden),
        }
    }

    /// No value (null) fits no operand, so it fails a positive operator and meets a negative one.
    fn holds(&self, values: &[&str]) -> bool {
        let fits = values.iter().any(|value| {
            let value = fold_case(value);
            self.operands.iter().any(|operand| self.fits(&value, &operand.folded))
        });
        fits != self.operator.is_negative()
    }

    fn fits(&self, value: &str, operand: &str) -> bool {
        let is_collection = matches!(self.property, DeviceProperty::PhysicalIds | DeviceProperty::SystemLabels);
        match self.operator {
            DeviceOperator::StartsWith | DeviceOperator::NotStartsWith => value.starts_with(operand),
            DeviceOperator::EndsWith | DeviceOperator::NotEndsWith => value.ends_with(operand),
            DeviceOperator::Contains | DeviceOperator::NotContains if !is_collection => value.contains(operand),
            _ => value == operand,
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "device.{} {} ", self.property, self.operator)?;
        let written = self.operands.iter().map(|operand| match self.property {
            DeviceProperty::IsCompliant => operand.written.clone(),
            _ => format!("\"{}\"", operand.written.replace('"', "`\"").replace('\'', "''")),
        });
        let written = written.collect::<Vec<_>>().join(", ");
        if self.operator.takes_list() { write!(out, "[{written}]") } else { out.write_str(&written) }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Operand {
    written: String,
    folded: String,
}

impl Operand {
    fn new(property: DeviceProperty, written: String) -> Self {
        // A rule says `AzureAD`, or the same in the words of `evaluate`; what only logs say is no
        // value of a rule.
        let is_evaluate_word = property == DeviceProperty::TrustType && written.eq_ignore_ascii_case("EntraID");
        let folded = if is_evaluate_word { fold_case("AzureAD") } else { fold_case(&written) };
        Self { written, folded }
    }
}

/// Kleene's or: one `true` decides, whatever is unknown.
fn kleene_any(truths: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut known = Some(false);
    for truth in truths {
        match truth {
            Some(true) => return Some(true),
            Some(false) => {}
            None => known = None,
        }
    }
    known
}

/// Extension attributes are there only for a device that is compliant, hybrid joined or managed
/// by Intune; for any other they are null.
fn extension_attributes_are_visible(device: &DeviceFacts, unknown: &BTreeSet<DeviceProperty>) -> Option<bool> {
    let known = |property, fact: bool| (!unknown.contains(&property)).then_some(fact);
    let reasons = [
        known(DeviceProperty::IsCompliant, device.is_compliant == Some(true)),
        known(DeviceProperty::TrustType, device.is_hybrid_joined()),
        known(DeviceProperty::MdmAppId, device.is_managed_by_intune()),
    ];
    kleene_any(reasons.into_iter())
}

/// The filter's word for a trust type, in the filter's own case.
fn trust_type_of_filters(written: &str) -> &str {
    let same = |word: &&str| word.eq_ignore_ascii_case(written);
    let spelled = TRUST_TYPE_SPELLINGS.iter().find(|(spelling, _)| same(spelling));
    let word = spelled.map(|(_, word)| *word);
    word.or_else(|| ["AzureAD", "ServerAD", "Workplace"].into_iter().find(same)).unwrap_or(written)
}

fn boolean_literal(value: bool) -> &'static str {
    if value { "True" } else { "False" }
}

/// Folds case character by character, so that a prefix of a text folds to a prefix. A character
/// whose capital is several characters (`ß`) stays: only itself equals it.
fn fold_case(text: &str) -> String {
    let fold = |character: char| {
        let mut capitals = character.to_uppercase();
        match (capitals.next(), capitals.next()) {
            (Some(capital), None) => capital,
            _ => character,
        }
    };
    text.chars().map(fold).collect()
}
