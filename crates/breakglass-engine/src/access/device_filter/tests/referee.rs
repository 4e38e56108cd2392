//! Properties of the device filter language, against a naive referee that shares none of its code.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::*;
use super::{extension, parsed, set};

/// A rule as the referee sees it.
#[derive(Debug, Clone)]
enum Told {
    Compare(DeviceProperty, DeviceOperator, Vec<String>),
    Not(Box<Told>),
    And(Box<Told>, Box<Told>),
    Or(Box<Told>, Box<Told>),
}

const VALUES: [&str; 16] = [
    "Windows",
    "windows",
    "WIN",
    "dows",
    "",
    "O'Brien",
    "a\"b",
    "it''s",
    "AzureAD",
    "EntraID",
    "ServerAD",
    "Workplace",
    "Company",
    "é",
    "True",
    "SAW",
];

fn any_value() -> impl Strategy<Value = String> {
    proptest::sample::select(VALUES.as_slice()).prop_map(str::to_owned)
}

fn any_property() -> impl Strategy<Value = DeviceProperty> {
    proptest::sample::select(DeviceProperty::all().collect::<Vec<_>>())
}

fn any_told() -> impl Strategy<Value = Told> {
    let compare = (any_property(), any::<prop::sample::Index>(), prop::collection::vec(any_value(), 1..4)).prop_map(
        |(property, operator, mut texts)| {
            let operator = *operator.get(property.operators());
            if !operator.takes_list() {
                texts.truncate(1);
            }
            if property == DeviceProperty::IsCompliant {
                texts = vec![if texts[0].len() > 5 { "True" } else { "False" }.to_owned()];
            }
            Told::Compare(property, operator, texts)
        },
    );
    compare.prop_recursive(5, 24, 2, |inner| {
        let pair = (inner.clone(), inner.clone());
        prop_oneof![
            inner.prop_map(|told| Told::Not(Box::new(told))),
            pair.clone().prop_map(|(left, right)| Told::And(Box::new(left), Box::new(right))),
            pair.prop_map(|(left, right)| Told::Or(Box::new(left), Box::new(right))),
        ]
    })
}

fn any_facts() -> impl Strategy<Value = DeviceFacts> {
    let spellings = ["Hybrid Azure AD joined", "Azure AD registered", "EntraID", "serverad", "AzureAd"];
    let given = prop::collection::vec((any_property(), any_value()), 0..12);
    let trust_type = prop::option::of(proptest::sample::select(spellings.to_vec()));
    (given, trust_type, any::<[bool; 2]>()).prop_map(|(given, trust_type, [is_registered, is_intune])| {
        let mut facts = DeviceFacts::default();
        for (property, value) in given.iter().filter(|_| is_registered) {
            set(&mut facts, *property, value);
        }
        if let (Some(spelling), true) = (trust_type, is_registered) {
            set(&mut facts, DeviceProperty::TrustType, spelling);
        }
        if is_registered && is_intune {
            set(&mut facts, DeviceProperty::MdmAppId, MICROSOFT_INTUNE_MDM_APP_ID);
        }
        facts
    })
}

/// The rule in some style: words with or without hyphen and in any case, parentheses everywhere.
fn written(told: &Told, style: &mut u64) -> String {
    let mut coin = || {
        *style = style.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        style.leading_zeros().is_multiple_of(2)
    };
    let (hyphen, loud, single) = (if coin() { "-" } else { "" }, coin(), coin());
    let word = |word: &str| {
        let word = format!("{hyphen}{}", word.trim_start_matches('-'));
        if loud { word.to_uppercase() } else { word }
    };
    match told {
        Told::Compare(property, operator, texts) => {
            let text = |text: &String| match single {
                true => format!("'{}'", text.replace('\'', "''")),
                false => format!("\"{}\"", text.replace('\'', "''").replace('"', "`\"")),
            };
            let texts = texts.iter().map(text).collect::<Vec<_>>().join(",");
            let value = if operator.takes_list() { format!("[{texts}]") } else { texts };
            format!(
                "{} {} {value}",
                word(&format!("device.{property}")).trim_start_matches('-'),
                word(operator.as_str())
            )
        }
        Told::Not(inner) => format!("{} ({})", word("not"), written(inner, style)),
        Told::And(left, right) => {
            let (left, and) = (written(left, style), word("and"));
            format!("({left}) {and} ({})", written(right, style))
        }
        Told::Or(left, right) => {
            let (left, or) = (written(left, style), word("or"));
            format!("({left}) {or} {}", written(right, style))
        }
    }
}

/// The referee: looks the property up, and spells out every operator, negative ones as "for all".
fn refereed(told: &Told, device: &DeviceFacts) -> bool {
    let (property, operator, texts) = match told {
        Told::Not(inner) => return !refereed(inner, device),
        Told::And(left, right) => return refereed(left, device) && refereed(right, device),
        Told::Or(left, right) => return refereed(left, device) || refereed(right, device),
        Told::Compare(property, operator, texts) => (*property, *operator, texts),
    };
    let trust = device.trust_type.as_ref().map(|written| match written.to_lowercase().as_str() {
        "entraid" | "azuread" => "azuread".to_owned(),
        "hybrid azure ad joined" => "serverad".to_owned(),
        "azure ad registered" => "workplace".to_owned(),
        other => other.to_owned(),
    });
    let hidden = device.is_compliant != Some(true)
        && trust.as_deref() != Some("serverad")
        && device.mdm_app_id.as_deref() != Some(MICROSOFT_INTUNE_MDM_APP_ID);
    let values: Vec<String> = match property {
        DeviceProperty::TrustType => trust.into_iter().collect(),
        DeviceProperty::ExtensionAttribute(_) if hidden => vec![],
        other => device.values(other).into_iter().map(str::to_lowercase).collect(),
    };
    let texts: Vec<String> = texts.iter().map(|text| text.to_lowercase()).collect();
    let text = match (property, texts[0].as_str()) {
        (DeviceProperty::TrustType, "entraid") => "azuread",
        (_, text) => text,
    };
    let collection = matches!(property, DeviceProperty::PhysicalIds | DeviceProperty::SystemLabels);
    let has = |value: &String| if collection { value == text } else { value.contains(text) };
    match operator {
        DeviceOperator::Eq => values.iter().any(|value| value == text),
        DeviceOperator::Ne => values.iter().all(|value| value != text),
        DeviceOperator::In => values.iter().any(|value| texts.contains(value)),
        DeviceOperator::NotIn => values.iter().all(|value| !texts.contains(value)),
        DeviceOperator::StartsWith => values.iter().any(|value| value.starts_with(text)),
        DeviceOperator::NotStartsWith => values.iter().all(|value| !value.starts_with(text)),
        DeviceOperator::EndsWith => values.iter().any(|value| value.ends_with(text)),
        DeviceOperator::NotEndsWith => values.iter().all(|value| !value.ends_with(text)),
        DeviceOperator::Contains => values.iter().any(has),
        DeviceOperator::NotContains => values.iter().all(|value| !has(value)),
    }
}

/// A device that agrees with `known` except on `unknown`, where it is `other`.
fn completed(known: &DeviceFacts, other: &DeviceFacts, unknown: &BTreeSet<DeviceProperty>) -> DeviceFacts {
    let mut facts = known.clone();
    macro_rules! take {
        ($($property:ident => $field:ident),* $(,)?) => {
            $(if unknown.contains(&DeviceProperty::$property) { facts.$field = other.$field.clone(); })*
        };
    }
    take!(
        DeviceId => device_id, DisplayName => display_name, DeviceOwnership => ownership,
        EnrollmentProfileName => enrollment_profile_name, IsCompliant => is_compliant, Manufacturer => manufacturer,
        MdmAppId => mdm_app_id, Model => model, OperatingSystem => operating_system,
        OperatingSystemVersion => operating_system_version, PhysicalIds => physical_ids, ProfileType => profile_type,
        SystemLabels => system_labels, TrustType => trust_type,
    );
    for (index, value) in other.extension_attributes.iter().enumerate() {
        if unknown.contains(&extension(u8::try_from(index).unwrap() + 1)) {
            facts.extension_attributes[index] = value.clone();
        }
    }
    facts
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_the_referee(told in any_told(), mut style in any::<u64>(), device in any_facts()) {
        let rule = written(&told, &mut style);
        prop_assume!(rule.chars().count() <= DEVICE_FILTER_RULE_LENGTH_CHARS_MAX);
        let expected = refereed(&told, &device);
        prop_assert_eq!(parsed(&rule).matches(&device), expected, "{}", rule);
        prop_assert_eq!(parsed(&rule).truth(&PartialDevice::from(device)), Some(expected), "{}", rule);
    }

    #[test]
    fn canonical_rules_parse_back(told in any_told(), mut style in any::<u64>()) {
        let rule = written(&told, &mut style);
        prop_assume!(rule.chars().count() <= DEVICE_FILTER_RULE_LENGTH_CHARS_MAX);
        let filter = parsed(&rule);
        let canonical = filter.to_string();
        prop_assume!(canonical.chars().count() <= DEVICE_FILTER_RULE_LENGTH_CHARS_MAX);
        prop_assert_eq!(parsed(&canonical).to_string(), canonical.clone());
        prop_assert_eq!(parsed(&canonical), filter, "{}", canonical);
    }

    #[test]
    fn what_is_said_of_a_partial_device_holds_however_it_is_completed(
        told in any_told(), mut style in any::<u64>(), facts in any_facts(), other in any_facts(),
        unknown in prop::collection::btree_set(any_property(), 0..12),
    ) {
        let rule = written(&told, &mut style);
        prop_assume!(rule.chars().count() <= DEVICE_FILTER_RULE_LENGTH_CHARS_MAX);
        let filter = parsed(&rule);
        let complete = completed(&facts, &other, &unknown);
        let truth = filter.truth(&PartialDevice { facts, unknown });
        prop_assert!(truth.is_none() || truth == Some(filter.matches(&complete)), "{} says {:?}", rule, truth);
    }

    #[test]
    fn no_text_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        refused_within(&String::from_utf8_lossy(&bytes))?;
    }

    #[test]
    fn no_mix_of_lexemes_makes_it_panic(pieces in prop::collection::vec(proptest::sample::select(vec![
        "(", ")", "[", "]", ",", " ", "\"", "'", "`", "-", "-not ", " and ", " -or ", "device.model", "device.isCompliant",
        "device.extensionAttribute9", " -eq ", " -in ", "\"x\"", "'é'", "True", "null", "\n",
    ]), 0..60)) {
        refused_within(&pieces.concat())?;
    }
}

/// Either a filter that prints and evaluates, or an error that points into the rule.
fn refused_within(rule: &str) -> Result<(), TestCaseError> {
    match DeviceFilter::parse(rule) {
        Ok(filter) => {
            let device = PartialDevice { unknown: filter.properties(), ..PartialDevice::default() };
            prop_assert!(filter.truth(&device) != Some(!filter.matches(&device.facts)));
            prop_assert_eq!(parsed(&filter.to_string()), filter);
        }
        Err(error) => prop_assert!((1..=rule.chars().count() + 1).contains(&error.column()), "{}: {}", rule, error),
    }
    Ok(())
}
