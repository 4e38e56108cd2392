//! What the documentation says, as data.

mod referee;

use super::*;

fn parsed(rule: &str) -> DeviceFilter {
    DeviceFilter::parse(rule).unwrap_or_else(|error| panic!("{rule}: {error}"))
}

fn extension(number: u8) -> DeviceProperty {
    DeviceProperty::ExtensionAttribute(ExtensionAttributeNumber::new(number).unwrap())
}

/// A device that is compliant, so that nothing is hidden, with one property set to a value.
fn device_with(property: DeviceProperty, value: &str) -> DeviceFacts {
    let mut device = DeviceFacts { is_compliant: Some(true), ..DeviceFacts::default() };
    set(&mut device, property, value);
    device
}

fn set(device: &mut DeviceFacts, property: DeviceProperty, value: &str) {
    let text = Some(value.to_owned());
    match property {
        DeviceProperty::DeviceId => device.device_id = text,
        DeviceProperty::DisplayName => device.display_name = text,
        DeviceProperty::DeviceOwnership => device.ownership = text,
        DeviceProperty::EnrollmentProfileName => device.enrollment_profile_name = text,
        DeviceProperty::IsCompliant => device.is_compliant = Some(value == "True"),
        DeviceProperty::Manufacturer => device.manufacturer = text,
        DeviceProperty::MdmAppId => device.mdm_app_id = text,
        DeviceProperty::Model => device.model = text,
        DeviceProperty::OperatingSystem => device.operating_system = text,
        DeviceProperty::OperatingSystemVersion => device.operating_system_version = text,
        DeviceProperty::PhysicalIds => device.physical_ids = vec!["another".to_owned(), value.to_owned()],
        DeviceProperty::ProfileType => device.profile_type = text,
        DeviceProperty::SystemLabels => device.system_labels = vec![value.to_owned(), "another".to_owned()],
        DeviceProperty::TrustType => device.trust_type = text,
        DeviceProperty::ExtensionAttribute(number) => device.extension_attributes[number.index()] = text,
    }
}

fn rule_of(property: DeviceProperty, operator: DeviceOperator, text: &str) -> String {
    let (open, close) = if operator.takes_list() { ("[\"neither\", ", "]") } else { ("", "") };
    format!("device.{property} {operator} {open}\"{text}\"{close}")
}

/// The behaviour table of the filter documentation: rule, registered device or none, compliant or
/// not, and whether the filter matches.
#[test]
fn documented_behaviour() {
    let cases = [
        ("devfilter-01, -11", r#"device.operatingSystem -eq "Windows""#, None, false),
        ("devfilter-02, -12", r#"device.operatingSystem -eq "Windows""#, Some(false), true),
        ("devfilter-03, -13", r#"device.extensionAttribute1 -eq "SAW""#, Some(true), true),
        ("devfilter-06, -16", r#"device.extensionAttribute1 -ne "SAW""#, None, true),
        ("devfilter-07, -17", r#"device.operatingSystem -ne "iOS""#, Some(false), true),
        ("devfilter-08, -18", r#"device.operatingSystem -ne "Windows""#, Some(false), false),
    ];
    for (case, rule, registered, expected) in cases {
        let mut device = DeviceFacts { is_compliant: registered, ..DeviceFacts::default() };
        if registered.is_some() {
            set(&mut device, DeviceProperty::DeviceId, "d1");
            set(&mut device, DeviceProperty::TrustType, "Workplace");
            set(&mut device, DeviceProperty::OperatingSystem, "Windows");
            set(&mut device, extension(1), "SAW");
        }
        assert_eq!(parsed(rule).matches(&device), expected, "{case}: {rule}");
    }
}

/// The example column of the documentation, and rules of published policies.
#[test]
fn documented_examples_parse_to_their_canonical_form() {
    let cases = [
        (r#"(device.deviceid -eq "aaaa-0000")"#, r#"device.deviceId -eq "aaaa-0000""#),
        (r#"(device.displayName -contains "ABC")"#, r#"device.displayName -contains "ABC""#),
        (r#"(device.isCompliant -eq "True")"#, "device.isCompliant -eq True"),
        (r#"(device.mdmAppId -in ["0000-aaaa"])"#, r#"device.mdmAppId -in ["0000-aaaa"]"#),
        (r#"(device.model -notContains "Surface")"#, r#"device.model -notContains "Surface""#),
        (r#"device.model -in ["a","b" , 'c']"#, r#"device.model -in ["a", "b", "c"]"#),
        (r#"device.physicalIds -contains "[ZTDId]:value""#, r#"device.physicalIds -contains "[ZTDId]:value""#),
        (
            r#"device.trustType -ne "ServerAD" -or device.isCompliant -ne True"#,
            r#"device.trustType -ne "ServerAD" -or device.isCompliant -ne True"#,
        ),
        (
            r#"(device.systemLabels -contains "CloudPC" and device.trustType -eq "AzureAD") -or (device.model -eq "x")"#,
            r#"device.systemLabels -contains "CloudPC" -and device.trustType -eq "AzureAD" -or device.model -eq "x""#,
        ),
        ("\tDEVICE.ISCOMPLIANT EQ false\r\n", "device.isCompliant -eq False"),
        (
            r#"device.model -endsWith"x"-OR device.model ne'y'"#,
            r#"device.model -endsWith "x" -or device.model -ne "y""#,
        ),
        ("device.model -eq ''", r#"device.model -eq """#),
    ];
    for (rule, canonical) in cases {
        assert_eq!(parsed(rule).to_string(), canonical, "{rule}");
        assert_eq!(parsed(canonical), parsed(rule), "{rule}");
    }
}

#[test]
fn precedence_is_not_and_or() {
    let cases = [
        ("A -or B -and C", "A -or B -and C"),
        ("A -or (B -and C)", "A -or B -and C"),
        ("(A -or B) -and C", "(A -or B) -and C"),
        ("-not A -and B", "-not A -and B"),
        ("(-not A) -and B", "-not A -and B"),
        ("-not (A -and B)", "-not (A -and B)"),
        ("not (not (A))", "-not (-not A)"),
        ("((A or B) or (C))", "A -or B -or C"),
        ("A and (B and (A and C))", "A -and B -and A -and C"),
        ("(A) -and ((B -or C) -and A)", "A -and (B -or C) -and A"),
    ];
    let comparison = |letter: char| match letter {
        'A'..='C' => format!("device.model -eq \"{letter}\""),
        other => other.to_string(),
    };
    let spelled = |rule: &str| rule.chars().map(comparison).collect::<String>();
    for (rule, canonical) in cases {
        assert_eq!(parsed(&spelled(rule)).to_string(), spelled(canonical), "{rule}");
    }
}

#[test]
fn texts_are_unescaped() {
    let cases = [
        (r#""Scott's""#, "Scott's"),
        (r#""Scott''s""#, "Scott's"),
        ("'Scott''s'", "Scott's"),
        ("\"say `\"hi`\"\"", "say \"hi\""),
        ("'say \"hi\"'", "say \"hi\""),
        (r#""back\slash""#, r"back\slash"),
        (r#"" -or device.model -eq ""#, " -or device.model -eq "),
        ("''''", "'"),
        (r#""Zoë ✓""#, "Zoë ✓"),
    ];
    for (written, value) in cases {
        let filter = parsed(&format!("device.model -eq {written}"));
        assert!(filter.matches(&device_with(DeviceProperty::Model, value)), "{written}");
        assert!(!filter.matches(&device_with(DeviceProperty::Model, "other")), "{written}");
        assert_eq!(parsed(&filter.to_string()), filter, "{written}");
    }
}

/// Every operator with every property: a value that fits, one that does not, and null.
#[test]
fn every_operator_with_every_property() {
    let mut allowed = 0;
    for property in DeviceProperty::all() {
        for operator in DeviceOperator::ALL {
            let rule = rule_of(property, operator, "True");
            let Ok(filter) = DeviceFilter::parse(&rule) else { continue };
            allowed += 1;
            let negative = operator.as_str() == "-ne" || operator.as_str().starts_with("-not");
            let null = match property {
                DeviceProperty::IsCompliant => DeviceFacts::default(),
                _ => DeviceFacts { is_compliant: Some(true), ..DeviceFacts::default() },
            };
            assert_eq!(filter.matches(&device_with(property, "True")), !negative, "{rule}");
            assert_eq!(filter.matches(&device_with(property, "False")), negative, "{rule}");
            assert_eq!(filter.matches(&null), negative, "{rule} of null");
            assert_eq!(filter.matches(&DeviceFacts::default()), negative, "{rule} of an unregistered device");
            assert_eq!(filter.properties(), BTreeSet::from([property]), "{rule}");
        }
    }
    // deviceId, mdmAppId: 4 each; 4 closed sets and 2 collections: 2 each; 6 texts and 15
    // extension attributes: 10 each.
    assert_eq!(allowed, 2 * 4 + 6 * 2 + 21 * 10);
}

#[test]
fn operators_a_property_does_not_have_are_an_error_of_their_own() {
    for property in DeviceProperty::all() {
        for operator in DeviceOperator::ALL {
            if property.operators().contains(&operator) {
                continue;
            }
            let column = format!("device.{property} ").len() + 1;
            let error = DeviceFilterError::OperatorNotAllowed { column, operator, property };
            assert_eq!(DeviceFilter::parse(&rule_of(property, operator, "True")), Err(error));
        }
    }
}

#[test]
fn texts_compare_without_case_and_as_the_operator_says() {
    use DeviceOperator::{Contains, EndsWith, Eq, In, StartsWith};
    let cases = [
        (Eq, "windows", true),
        (Eq, "Window", false),
        (Eq, "", false),
        (In, "WINDOWS", true),
        (In, "Wind", false),
        (StartsWith, "wIN", true),
        (StartsWith, "dows", false),
        (StartsWith, "", true),
        (EndsWith, "DOWS", true),
        (EndsWith, "Win", false),
        (Contains, "NDO", true),
        (Contains, "nod", false),
        (Contains, "Windows 11", false),
    ];
    let opposite = |operator| DeviceOperator::ALL[DeviceOperator::ALL.iter().position(|o| *o == operator).unwrap() + 1];
    let device = device_with(DeviceProperty::OperatingSystem, "Windows");
    for (operator, text, expected) in cases {
        let rule = rule_of(DeviceProperty::OperatingSystem, operator, text);
        assert_eq!(parsed(&rule).matches(&device), expected, "{rule}");
        let rule = rule_of(DeviceProperty::OperatingSystem, opposite(operator), text);
        assert_eq!(parsed(&rule).matches(&device), !expected, "{rule}");
    }
}

#[test]
fn case_folds_beyond_ascii_and_keeps_prefixes() {
    let cases = [
        ("ΟΔΟΣ", "-startsWith", "οδοσ"),
        ("ΟΔΟΣΑ", "-startsWith", "ΟΔΟΣ"),
        ("straße", "-eq", "STRAßE"),
        ("straße", "-ne", "strase"),
    ];
    for (value, operator, text) in cases {
        let rule = format!("device.model {operator} \"{text}\"");
        assert!(parsed(&rule).matches(&device_with(DeviceProperty::Model, value)), "{rule} of {value}");
    }
}

#[test]
fn collections_contain_whole_elements() {
    let device = DeviceFacts {
        physical_ids: vec!["[ZTDId]:1".to_owned(), "[OrderId]:PAW".to_owned()],
        ..DeviceFacts::default()
    };
    for (text, expected) in [("[OrderId]:PAW", true), ("[orderid]:paw", true), ("[OrderId]", false), ("", false)] {
        assert_eq!(parsed(&format!("device.physicalIds -contains \"{text}\"")).matches(&device), expected, "{text}");
        let negative = parsed(&format!("device.physicalIds -notContains \"{text}\""));
        assert_eq!(negative.matches(&device), !expected, "{text}");
    }
}

#[test]
fn trust_types_in_every_spelling() {
    let cases = [
        ("AzureAD", ["AzureAd", "entraid", "Azure AD joined", "Microsoft Entra joined"].as_slice()),
        ("EntraID", &["AzureAD", "EntraID", "azure ad joined"]),
        ("ServerAD", &["serverad", "Hybrid Azure AD joined", "Microsoft Entra hybrid joined"]),
        ("Workplace", &["workplace", "Azure AD registered", "Microsoft Entra registered"]),
    ];
    for (word, spellings) in cases {
        let filter = parsed(&format!("device.trustType -eq \"{word}\""));
        for spelling in spellings {
            let device = device_with(DeviceProperty::TrustType, spelling);
            assert!(filter.matches(&device), "{spelling} is {word}");
            assert_eq!(device.is_hybrid_joined(), word == "ServerAD", "{spelling}");
        }
        for other in ["", "Azure AD", "Domain Joined"] {
            assert!(!filter.matches(&device_with(DeviceProperty::TrustType, other)), "{other} is not {word}");
        }
    }
    assert!(!DeviceFacts::default().is_hybrid_joined());
    // A rule in the words of the log is a rule that never matches, as in the directory.
    let log_words = parsed(r#"device.trustType -eq "Azure AD joined""#);
    assert!(!log_words.matches(&device_with(DeviceProperty::TrustType, "Azure AD joined")));
}

#[test]
fn extension_attributes_are_seen_only_on_managed_devices() {
    let intune = Some(MICROSOFT_INTUNE_MDM_APP_ID.to_uppercase());
    let other = Some("54b943f8-d761-4f8d-951e-9cea1846db5a".to_owned());
    let text = |text: &str| Some(text.to_owned());
    let cases = [
        (None, None, None, false),
        (Some(false), text("Workplace"), None, false),
        (Some(false), text("EntraID"), other, false),
        (Some(true), text("Workplace"), None, true),
        (Some(false), text("ServerAD"), None, true),
        (None, text("Hybrid Azure AD joined"), None, true),
        (None, text("AzureAD"), intune, true),
    ];
    for (is_compliant, trust_type, mdm_app_id, is_seen) in cases {
        let mut device = DeviceFacts { is_compliant, trust_type, mdm_app_id, ..DeviceFacts::default() };
        set(&mut device, extension(15), "SAW");
        assert_eq!(parsed(r#"device.extensionAttribute15 -eq "saw""#).matches(&device), is_seen, "{device:?}");
        assert_eq!(parsed(r#"device.extensionAttribute15 -ne "saw""#).matches(&device), !is_seen, "{device:?}");
    }
}

#[test]
fn unknown_is_neither_null_nor_false() {
    let windows = r#"device.operatingSystem -eq "Windows""#;
    let saw = r#"device.extensionAttribute1 -eq "SAW""#;
    let not_saw = r#"device.extensionAttribute1 -ne "SAW""#;
    let (os, compliant, trust, mdm) = (
        DeviceProperty::OperatingSystem,
        DeviceProperty::IsCompliant,
        DeviceProperty::TrustType,
        DeviceProperty::MdmAppId,
    );
    let cases: Vec<(String, Vec<DeviceProperty>, Option<bool>)> = vec![
        (windows.to_owned(), vec![], Some(true)),
        (windows.to_owned(), vec![os], None),
        (windows.to_owned(), vec![compliant, trust, mdm], Some(true)),
        (format!("-not {windows}"), vec![os], None),
        (format!("{windows} -or device.isCompliant -eq False"), vec![os], Some(true)),
        (format!("{windows} -or device.isCompliant -eq True"), vec![os], None),
        (format!("{windows} -and device.isCompliant -eq True"), vec![os], Some(false)),
        (format!("{windows} -and device.isCompliant -eq False"), vec![os], None),
        // Nobody can see the attribute of this unmanaged device, so not knowing it does no harm.
        (saw.to_owned(), vec![extension(1)], Some(false)),
        (not_saw.to_owned(), vec![extension(1)], Some(true)),
        (saw.to_owned(), vec![mdm], None),
        (saw.to_owned(), vec![compliant, extension(1)], None),
        (not_saw.to_owned(), vec![trust], None),
        // Seen or hidden, it is not this.
        (r#"device.extensionAttribute1 -eq "PAW""#.to_owned(), vec![mdm], Some(false)),
        (r#"device.extensionAttribute1 -notIn ["PAW"]"#.to_owned(), vec![mdm, trust], Some(true)),
    ];
    let mut facts = DeviceFacts { is_compliant: Some(false), ..DeviceFacts::default() };
    set(&mut facts, os, "Windows");
    set(&mut facts, trust, "Workplace");
    set(&mut facts, extension(1), "SAW");
    for (rule, unknown, expected) in cases {
        let device = PartialDevice { facts: facts.clone(), unknown: unknown.into_iter().collect() };
        assert_eq!(parsed(&rule).truth(&device), expected, "{rule} without {:?}", device.unknown);
    }
}

#[test]
fn one_reason_to_see_an_extension_attribute_is_enough() {
    let mut device = PartialDevice::from(device_with(extension(1), "SAW"));
    device.unknown = BTreeSet::from([DeviceProperty::TrustType, DeviceProperty::MdmAppId]);
    let filter = parsed(r#"device.extensionAttribute1 -eq "SAW""#);
    assert_eq!(filter.truth(&device), Some(true));
    device.unknown.insert(extension(1));
    assert_eq!(filter.truth(&device), None);
}

#[test]
fn refusals_say_what_and_where() {
    let cases = [
        ("", "expected `(`, `-not` or a property such as `device.model` at character 1, found the end of the rule"),
        ("  ()", "expected `(`, `-not` or a property such as `device.model` at character 4, found `)`"),
        (
            "user.city -eq \"x\"",
            "expected `(`, `-not` or a property such as `device.model` at character 1, found `user.city`",
        ),
        (
            "-not -not device.model -eq \"x\"",
            "expected `(`, `-not` or a property such as `device.model` at character 6, found `-not`",
        ),
        ("device.model \"x\"", "expected an operator such as `-eq` at character 14, found `\"x\"`"),
        ("device.model", "expected an operator such as `-eq` at character 13, found the end of the rule"),
        ("device.model -eq Surface", "expected a text in double quotation marks at character 18, found `Surface`"),
        ("device.model -ne null", "expected a text in double quotation marks at character 18, found `null`"),
        ("device.model -eq “x”", "expected a text in double quotation marks at character 18, found `“x”`"),
        ("device.model -eq [\"x\"]", "expected a text in double quotation marks at character 18, found `[`"),
        ("device.model -in \"x\"", "expected a list such as `[\"one\", \"two\"]` at character 18, found `\"x\"`"),
        (
            "device.model -in []",
            "expected a text in double quotation marks as part of the list at character 19, found `]`",
        ),
        ("device.model -in [\"x\" \"y\"]", "expected `,` or `]` at character 23, found `\"y\"`"),
        ("device.model -in [\"x\"", "expected `,` or `]` at character 22, found the end of the rule"),
        ("device.isCompliant -eq \"yes\"", "expected `True` or `False` at character 24, found `\"yes\"`"),
        ("device.isCompliant -eq", "expected `True` or `False` at character 23, found the end of the rule"),
        ("device.model -eq \"x\")", "expected `-and`, `-or` or the end of the rule at character 21, found `)`"),
        ("(device.model -eq \"x\"", "expected `-and`, `-or` or `)` at character 22, found the end of the rule"),
        ("device.model -eq \"x", "the text that starts at character 18 has no closing quotation mark"),
        ("device.model -eq \"x`\"", "the text that starts at character 18 has no closing quotation mark"),
        (
            "device.model -eq \"a`b\"",
            "the backtick at character 20 escapes nothing; it may only stand before a double quotation mark",
        ),
        (
            "(device.deviceId -contains \"x\")",
            "`-contains` at character 18 cannot be used with `device.deviceId`; expected one of `-eq`, `-ne`, `-in`, `-notIn`",
        ),
        (
            "device.trustType == \"x\"",
            "`==` at character 18 is not an operator; expected one of `-eq`, `-ne` for `device.trustType`",
        ),
        (
            "device.systemLabels --contains \"x\"",
            "`--contains` at character 21 is not an operator; expected one of `-contains`, `-notContains` for `device.systemLabels`",
        ),
    ];
    for (rule, message) in cases {
        let error = DeviceFilter::parse(rule).expect_err(rule);
        assert_eq!(error.to_string(), message, "{rule}");
    }
}

#[test]
fn unknown_properties_are_named_and_shortened() {
    for name in ["extensionAttribute0", "extensionAttribute16", "extensionAttribute01", "ownership", ""] {
        let error = DeviceFilterError::UnknownProperty { column: 2, name: name.to_owned() };
        assert!(error.to_string().contains("`deviceId`, `displayName`"), "{error}");
        assert_eq!(DeviceFilter::parse(&format!("(device.{name} -eq \"x\")")), Err(error));
    }
    let long = DeviceFilter::parse(&format!("device.{}", "\u{1b}".repeat(100))).unwrap_err();
    let shown = format!("{}…", "\u{fffd}".repeat(40));
    assert_eq!(long, DeviceFilterError::UnknownProperty { column: 1, name: shown });
}

#[test]
fn every_property_is_found_by_its_name() {
    assert_eq!(DeviceProperty::all().count(), 29);
    for property in DeviceProperty::all() {
        assert_eq!(DeviceProperty::from_name(&property.to_string().to_uppercase()), Some(property));
    }
    assert_eq!(
        [0, 1, 15, 16].map(|number| ExtensionAttributeNumber::new(number).is_some()),
        [false, true, true, false]
    );
}

#[test]
fn length_is_counted_in_characters() {
    let of_length = |length: usize| {
        let frame = r#"device.model -eq """#;
        format!("device.model -eq \"{}\"", "é".repeat(length - frame.len()))
    };
    assert_eq!(of_length(3072).chars().count(), DEVICE_FILTER_RULE_LENGTH_CHARS_MAX);
    parsed(&of_length(3072));
    let error = DeviceFilter::parse(&of_length(3073)).unwrap_err();
    assert_eq!(error, DeviceFilterError::TooLong { length_chars: 3073 });
    assert_eq!(error.column(), 3073);
    assert_eq!(error.to_string(), "device filter rule has 3073 characters, more than the 3072 allowed");
}

/// A rule may be legal only because it spares its hyphens; its canonical form is then too long.
#[test]
fn a_canonical_rule_can_outgrow_the_limit() {
    let spare = ["device.model eq\"x\""; 140].join("or ");
    assert!(spare.len() <= DEVICE_FILTER_RULE_LENGTH_CHARS_MAX);
    let canonical = parsed(&spare).to_string();
    let error = DeviceFilterError::TooLong { length_chars: canonical.len() };
    assert_eq!(DeviceFilter::parse(&canonical), Err(error));
}

#[test]
fn nesting_is_bounded() {
    let nested =
        |open: &str, depth: usize| format!("{}device.model -eq \"x\"{}", open.repeat(depth), ")".repeat(depth));
    assert_eq!(parsed(&nested("(", DEVICE_FILTER_NESTING_DEPTH_MAX)).to_string(), "device.model -eq \"x\"");
    let deepest = parsed(&nested("-not (", DEVICE_FILTER_NESTING_DEPTH_MAX));
    assert_eq!(parsed(&deepest.to_string()), deepest);
    assert!(deepest.matches(&device_with(DeviceProperty::Model, "x")));
    for (rule, column) in
        [(nested("(", 65), 65), (nested("(", 1500), 65), ("(".repeat(3072), 65), (nested("-not (", 400), 6 * 65)]
    {
        assert_eq!(DeviceFilter::parse(&rule), Err(DeviceFilterError::TooDeep { column }));
    }
    // Not deep, only long.
    let wide = ["(device.model -eq \"x\")"; 100].join(" -or ");
    assert!(parsed(&wide).matches(&device_with(DeviceProperty::Model, "x")));
}
