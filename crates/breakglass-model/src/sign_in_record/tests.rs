use serde_json::{Value, json};

use super::words::{CLIENT_APP_WORDS, METHOD_WORDS, PLATFORM_WORDS, TRUST_TYPE_WORDS};
use super::*;

fn read(value: &Value) -> String {
    format!("{:?}", SignInRecord::from_json(value.to_string().as_bytes()).unwrap())
}

fn properties() -> Value {
    json!({
        "id": "r1",
        "createdDateTime": "2026-01-24T05:10:08.6816663+00:00",
        "userId": "u1",
        "userPrincipalName": "a@contoso.com",
        "appId": "app",
        "resourceId": "resource",
        "ipAddress": "203.0.113.4",
        "clientAppUsed": "Browser",
        "status": { "errorCode": 53003 },
        "location": { "city": "Utrecht", "countryOrRegion": "NL", "geoCoordinates": { "latitude": 52.1 } },
        "deviceDetail": { "deviceId": "", "operatingSystem": "Windows 10" },
        "appliedConditionalAccessPolicies": [{
            "id": "p1", "result": "failure", "enforcedGrantControls": ["Block"],
            "conditionsSatisfied": 23, "conditionsNotSatisfied": "location,time"
        }],
        "authenticationDetails": [{ "authenticationMethod": "Password", "succeeded": true, "StatusSequence": 0 }],
        "mfaDetail": {},
        "somethingElse": { "userId": "not this" },
    })
}

#[test]
fn the_two_forms_of_a_record_say_the_same() {
    let envelope = json!({
        "time": "2026-01-24T05:10:08Z", "resourceId": "/tenants/t/providers/Microsoft.aadiam", "category": "SignInLogs",
        "resultType": "0", "callerIpAddress": "192.0.2.1", "location": "DE", "Level": 4, "properties": properties(),
    });
    let text = envelope.to_string();
    let inside = SignInRecord::from_json(text.as_bytes()).unwrap();
    assert!(inside.is_sign_in());
    let alone = SignInRecord { category: None, ..inside };
    assert_eq!(format!("{alone:?}"), read(&properties()));
}

#[test]
fn what_the_properties_lack_the_envelope_says() {
    let text = json!({
        "time": "2026-01-24T05:10:08Z", "resultType": 50126, "callerIpAddress": "192.0.2.1", "location": "DE",
        "resourceId": "/tenants/t", "category": "AuditLogs", "properties": { "userId": "u" },
    });
    let text = text.to_string();
    let record = SignInRecord::from_json(text.as_bytes()).unwrap();
    assert_eq!((record.ip_address.as_deref(), record.country.as_deref()), (Some("192.0.2.1"), Some("DE")));
    assert_eq!((record.error_code, record.resource_id.as_deref()), (Some(50126), None));
    assert!(record.ended_before_conditional_access() && !record.is_sign_in());
    assert_eq!(record.created_date_time.unwrap().to_string(), "2026-01-24T05:10:08Z");
}

#[test]
fn names_may_be_cased_in_any_way() {
    let text = properties().to_string();
    let shouted = ["userId", "appliedConditionalAccessPolicies", "result", "operatingSystem", "errorCode"]
        .iter()
        .fold(text.clone(), |text, name| text.replace(&format!("\"{name}\""), &format!("\"{}\"", name.to_uppercase())));
    assert_ne!(shouted, text);
    assert_eq!(SignInRecord::from_json(shouted.as_bytes()).unwrap(), SignInRecord::from_json(text.as_bytes()).unwrap());
}

#[test]
fn what_is_not_there_is_absent() {
    let record = SignInRecord::from_json(b"{\"userId\":null,\"deviceDetail\":null}").unwrap();
    assert_eq!(record, SignInRecord::default());
    assert_eq!(record.who(), None);
    assert_eq!(record.platform(), Stated::Absent);
    assert_eq!(record.client_app_type(), Stated::Absent);
    assert_eq!(record.transfer_method(), Stated::Absent);
    assert_eq!(record.mfa(), RecordedMfa::Unsaid);
    assert!(!record.is_unregistered_device());
}

#[test]
fn faults_are_named() {
    for (text, part) in [
        ("[]", "a record as an object"),
        ("{\"userId\":7}", "a string was expected"),
        ("{\"userId\":\"a\",\"USERID\":\"b\"}", "`userid` is given twice"),
        ("{\"status\":{\"errorCode\":\"x\"}}", "`errorcode` is no number"),
        ("{\"deviceDetail\":{\"isCompliant\":\"perhaps\"}}", "`iscompliant` is no flag"),
        ("{\"userId\":\"a", "breaks off"),
        ("{\"userId\":\"a\"} x", "this is not JSON"),
        ("{\"userId\":nothing}", "this is not JSON"),
    ] {
        let error = SignInRecord::from_json(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(part), "{text}: {error}");
    }
}

#[test]
fn a_complaint_repeats_nothing_of_the_record() {
    let inner =
        json!({ "userPrincipalName": "ada@contoso.com", "ipAddress": "198.51.100.7", "rest": "x".repeat(3_000) });
    let written = inner.to_string();
    for record in [
        json!({ "properties": written }),
        json!({ "deviceDetail": written }),
        json!({ "appliedConditionalAccessPolicies": [written] }),
        json!({ "status": { "errorCode": written } }),
        json!(written),
    ] {
        let error = SignInRecord::from_json(record.to_string().as_bytes()).unwrap_err().to_string();
        assert!(error.chars().count() < 200 && error.contains("column"), "{error}");
        assert!(!["ada", "198", "xxx"].iter().any(|part| error.contains(part)), "{error}");
    }
}

#[test]
fn limits_hold() {
    let with =
        |count: usize| json!({ "appliedConditionalAccessPolicies": vec![json!({ "id": "p" }); count] }).to_string();
    SignInRecord::from_json(with(APPLIED_POLICY_COUNT_MAX).as_bytes()).unwrap();
    let error = SignInRecord::from_json(with(APPLIED_POLICY_COUNT_MAX + 1).as_bytes()).unwrap_err();
    assert!(error.to_string().contains("more than 4096 elements"), "{error}");
    let long = |length: usize| format!("{{\"id\":\"{}\"}}", "x".repeat(length - 9));
    SignInRecord::from_json(long(SIGN_IN_RECORD_BYTES_MAX).as_bytes()).unwrap();
    let error = SignInRecord::from_json(long(SIGN_IN_RECORD_BYTES_MAX + 1).as_bytes()).unwrap_err();
    assert!(matches!(error, SignInRecordError::TooLong { length } if length == SIGN_IN_RECORD_BYTES_MAX + 1));
}

#[test]
fn every_word_of_a_table_has_one_meaning() {
    let lower = |words: Vec<&str>| {
        let mut words: Vec<String> = words.iter().map(|word| word.to_ascii_lowercase()).collect();
        words.sort();
        words
    };
    let client = lower(CLIENT_APP_WORDS.iter().map(|(word, ..)| *word).collect());
    assert!(client.windows(2).all(|pair| pair[0] != pair[1]), "{client:?}");
    let method = lower(METHOD_WORDS.iter().map(|(word, ..)| *word).collect());
    assert!(method.windows(2).all(|pair| pair[0] != pair[1]), "{method:?}");
    for (at, (word, member, _)) in PLATFORM_WORDS.iter().enumerate() {
        assert!(words::platform(&format!("{word} 17")).known().is_some());
        // A longer word stands before the shorter one that it begins with.
        let earlier = PLATFORM_WORDS.iter().take(at).find(|(before, ..)| word.starts_with(before));
        assert!(earlier.is_none_or(|(_, same, _)| same == member), "{word}");
    }
    for (word, member, _) in TRUST_TYPE_WORDS {
        assert_eq!(words::trust_type(&word.to_ascii_uppercase()), Stated::Known(*member));
    }
}

#[test]
fn words_are_told() {
    use ConditionalAccessDevicePlatform as Platform;
    for (word, platform) in [
        ("Windows 10", Platform::Windows),
        ("Windows10", Platform::Windows),
        ("WindowsPhone 8", Platform::WindowsPhone),
        ("MacOs", Platform::MacOs),
        ("Ios 17.5.1", Platform::IOs),
        ("Android 14", Platform::Android),
        ("Linux", Platform::Linux),
        ("ChromeOS", Platform::Unknown("".into())),
    ] {
        assert_eq!(words::platform(word), Stated::Known(platform), "{word}");
    }
    assert_eq!(words::platform("Amiga"), Stated::Strange("Amiga".to_owned()));
    assert_eq!(words::client_app_type("imap4"), Stated::Known(ConditionalAccessClientApp::Other));
    assert_eq!(words::client_app_type("Unknown"), Stated::Strange("Unknown".to_owned()));
    assert_eq!(words::risk_level("hidden"), Stated::Known(RiskLevel::Hidden));
    assert_eq!(words::transfer_method("none", "deviceCode"), Stated::Known(TransferMethod::DeviceCodeFlow));
    assert_eq!(words::transfer_method("none", "oAuth2"), Stated::Known(TransferMethod::None));
    assert_eq!(words::transfer_method("", "oAuth2"), Stated::Absent);
    let external = words::external_user_type("b2bCollaboration", "Guest");
    assert_eq!(external, Some(GuestOrExternalUserType::B2bCollaborationGuest));
    assert_eq!(words::external_user_type("b2bCollaboration", ""), None);
    let written = RecordedConditions::from_text("users, location,nothing");
    assert_eq!((written, written.to_text()), (RecordedConditions(10), "users,location".to_owned()));
}

#[test]
fn who_signed_in_is_told() {
    let who = |value: Value| {
        let text = value.to_string();
        SignInRecord::from_json(text.as_bytes()).unwrap().who().map(|who| format!("{who:?}"))
    };
    let nobody = "00000000-0000-0000-0000-000000000000";
    assert_eq!(who(json!({ "userId": "u", "servicePrincipalId": "s" })).unwrap(), "User(\"u\")");
    assert_eq!(who(json!({ "userId": "", "servicePrincipalId": "s" })).unwrap(), "ServicePrincipal(\"s\")");
    assert_eq!(who(json!({ "userId": nobody, "userPrincipalName": "a@b.c" })).unwrap(), "User(\"a@b.c\")");
    assert_eq!(who(json!({ "userId": nobody, "userPrincipalName": "opaque" })), None);
}

#[test]
fn multifactor_authentication_is_told() {
    let step = |method: &str, requirement: &str, succeeded: Value| json!({ "authenticationMethod": method, "authenticationStepRequirement": requirement, "succeeded": succeeded });
    let single = "singleFactorAuthentication";
    let multi = "multiFactorAuthentication";
    let password = || step("Password", "Primary authentication", json!(true));
    for (expected, record) in [
        (RecordedMfa::Done, json!({ "authenticationRequirement": multi, "status": { "errorCode": 0 } })),
        (RecordedMfa::Unsaid, json!({ "authenticationRequirement": multi, "status": { "errorCode": 53003 } })),
        (RecordedMfa::Unsaid, json!({ "authenticationRequirement": multi })),
        (RecordedMfa::NotDone, json!({ "authenticationRequirement": multi, "status": { "errorCode": 50076 } })),
        (RecordedMfa::Unsaid, json!({ "authenticationRequirement": single })),
        (RecordedMfa::NotDone, json!({ "authenticationRequirement": single, "authenticationDetails": [password()] })),
        (
            RecordedMfa::Unsaid,
            json!({ "authenticationRequirement": single,
                "authenticationDetails": [step("Previously satisfied", "Primary authentication", json!(true))] }),
        ),
        (
            RecordedMfa::Done,
            json!({ "authenticationRequirement": single,
                "authenticationDetails": [step("Windows Hello for Business", "Primary authentication", json!(true))] }),
        ),
        (
            RecordedMfa::Done,
            json!({ "authenticationDetails": [password(), step("Text message", "Multifactor authentication", json!(true))] }),
        ),
        (
            RecordedMfa::NotDone,
            json!({ "authenticationDetails": [password(), step("Text message", "Multifactor authentication", json!(false))] }),
        ),
        (
            RecordedMfa::Done,
            json!({ "status": { "additionalDetails": "MFA requirement satisfied by claim in the token" } }),
        ),
    ] {
        let text = record.to_string();
        assert_eq!(SignInRecord::from_json(text.as_bytes()).unwrap().mfa(), expected, "{text}");
    }
}
