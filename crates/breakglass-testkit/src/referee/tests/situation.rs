use serde_json::{Value, json};

use super::check;

/// A table of (condition, values of one property of the request with what is expected; null = not given).
fn table(condition: &str, property: &str, no: &str, cases: &[(Value, &[(Value, &str)])]) {
    for (configured, values) in cases {
        for (value, expected) in *values {
            let expected = if *expected == "no" { no } else { expected };
            let conditions = json!({ condition: configured });
            check(&json!({}), &conditions, &json!({ "signInConditions": { property: value } }), expected);
        }
    }
}

#[test]
fn platforms() {
    let all = json!({ "includePlatforms": ["all"] });
    let all_but = json!({ "includePlatforms": ["all"], "excludePlatforms": ["android", "iOS", "all"] });
    let known = json!({ "includePlatforms": ["all"], "excludePlatforms": ["windows", "macOS"] });
    let windows = json!({ "includePlatforms": ["windows"] });
    let unknown = json!({ "includePlatforms": ["toaster", "windows"] });
    let without_unknown = json!({ "includePlatforms": ["all"], "excludePlatforms": ["toaster", "windows"] });
    let only_excluded = json!({ "includePlatforms": [], "excludePlatforms": ["windows"] });
    table(
        "platforms",
        "devicePlatform",
        "devicePlatform",
        &[
            (all, &[(Value::Null, "yes"), (json!(""), "yes"), (json!("linux"), "yes")]),
            (all_but, &[(Value::Null, "yes"), (json!(""), "no"), (json!("windows"), "no")]),
            (known, &[(Value::Null, "yes"), (json!("unknownFutureValue"), "yes"), (json!("windows"), "no")]),
            (windows, &[(Value::Null, "no"), (json!(""), "no"), (json!("windows"), "yes"), (json!("iOS"), "no")]),
            (
                unknown,
                &[(Value::Null, "no"), (json!(""), "unknown"), (json!("windows"), "yes"), (json!("iOS"), "unknown")],
            ),
            (
                without_unknown,
                &[(Value::Null, "yes"), (json!(""), "unknown"), (json!("windows"), "no"), (json!("iOS"), "unknown")],
            ),
            (only_excluded, &[(json!("windows"), "yes"), (Value::Null, "yes")]),
        ],
    );
}

#[test]
fn client_applications() {
    let given = |expected: [&'static str; 6]| {
        [
            Value::Null,
            json!("all"),
            json!("browser"),
            json!("exchangeActiveSync"),
            json!("easSupported"),
            json!("other"),
        ]
        .into_iter()
        .zip(expected)
        .collect::<Vec<_>>()
    };
    for (configured, expected) in [
        (json!([]), ["yes", "yes", "yes", "yes", "yes", "yes"]),
        (json!(["all"]), ["yes", "yes", "yes", "yes", "yes", "yes"]),
        (json!(["browser"]), ["yes", "yes", "yes", "no", "no", "no"]),
        (json!(["mobileAppsAndDesktopClients", "other"]), ["yes", "yes", "no", "no", "no", "yes"]),
        (json!(["exchangeActiveSync"]), ["yes", "yes", "no", "yes", "yes", "no"]),
        (json!(["easSupported"]), ["yes", "yes", "no", "unknown", "yes", "no"]),
        (json!(["telepathy"]), ["yes", "yes", "unknown", "unknown", "unknown", "unknown"]),
        (json!(["telepathy", "browser"]), ["yes", "yes", "yes", "unknown", "unknown", "unknown"]),
    ] {
        table("clientAppTypes", "clientAppType", "clientApps", &[(configured, &given(expected))]);
    }
}

#[test]
fn risks() {
    for (condition, property, no) in [
        ("signInRiskLevels", "signInRiskLevel", "signInRisk"),
        ("userRiskLevels", "userRiskLevel", "userRisk"),
        ("servicePrincipalRiskLevels", "servicePrincipalRiskLevel", "signInRisk"),
    ] {
        table(
            condition,
            property,
            no,
            &[
                (json!([]), &[(Value::Null, "yes"), (json!("high"), "yes"), (json!("hidden"), "yes")]),
                (
                    json!(["medium", "high"]),
                    &[(Value::Null, "no"), (json!("high"), "yes"), (json!("low"), "no"), (json!("none"), "no")],
                ),
                (json!(["hidden"]), &[(Value::Null, "no"), (json!("hidden"), "no"), (json!("high"), "no")]),
                (json!(["none"]), &[(json!("none"), "yes"), (json!("hidden"), "no"), (Value::Null, "no")]),
                (
                    json!(["apocalyptic", "low"]),
                    &[
                        (json!("low"), "yes"),
                        (json!("high"), "unknown"),
                        (json!("none"), "no"),
                        (json!("hidden"), "no"),
                        (Value::Null, "no"),
                    ],
                ),
            ],
        );
    }
}

#[test]
fn insider_risk() {
    table(
        "insiderRiskLevels",
        "insiderRiskLevel",
        "insiderRisk",
        &[
            (json!(""), &[(Value::Null, "yes"), (json!("minor"), "yes")]),
            (json!("none"), &[(Value::Null, "yes"), (json!("minor"), "yes")]),
            (
                json!("minor,moderate"),
                &[(Value::Null, "no"), (json!("minor"), "yes"), (json!("elevated"), "no"), (json!("none"), "no")],
            ),
            (json!(["minor", "none"]), &[(json!("none"), "yes"), (json!("minor"), "yes"), (Value::Null, "no")]),
            (json!("extreme"), &[(json!("minor"), "unknown"), (json!("none"), "no"), (Value::Null, "no")]),
        ],
    );
}

#[test]
fn authentication_flows() {
    for (methods, given, expected) in [
        (json!("none"), Value::Null, "yes"),
        (json!(""), json!("deviceCodeFlow"), "yes"),
        (json!("deviceCodeFlow"), Value::Null, "authenticationFlow"),
        (json!("deviceCodeFlow"), json!("none"), "authenticationFlow"),
        (json!("deviceCodeFlow"), json!("deviceCodeFlow"), "yes"),
        (json!("deviceCodeFlow"), json!("authenticationTransfer"), "authenticationFlow"),
        (json!("deviceCodeFlow,authenticationTransfer"), json!("authenticationTransfer"), "yes"),
        (json!("pigeonPost"), json!("deviceCodeFlow"), "unknown"),
        (json!("pigeonPost"), Value::Null, "authenticationFlow"),
    ] {
        let conditions = json!({ "authenticationFlows": { "transferMethods": methods } });
        let said = json!({ "signInConditions": { "authenticationFlow": { "transferMethod": given } } });
        check(&json!({}), &conditions, &said, expected);
    }
}

/// Signing in with an address and a country, either of them perhaps not given.
type From = (Option<&'static str>, Option<&'static str>);

fn locations(tenant: &Value, cases: &[(&[&str], &[&str], From, &str)]) {
    for (included, excluded, (address, country), expected) in cases {
        let conditions = json!({ "locations": { "includeLocations": included, "excludeLocations": excluded } });
        let said = json!({ "signInConditions": { "ipAddress": address, "country": country } });
        check(tenant, &conditions, &said, expected);
    }
}

const OFFICE: From = (Some("198.51.100.7"), Some("US"));
const AWAY: From = (Some("203.0.113.1"), Some("DE"));
const OFFICE_V6: From = (Some("2001:db8::7"), None);
const MAPPED: From = (Some("::ffff:198.51.100.7"), None);
const ONLY_COUNTRY: From = (None, Some("us"));
const NOWHERE: From = (None, None);

#[test]
fn locations_by_address_and_country() {
    let ranges = json!([{ "cidrAddress": "198.51.100.0/24" }, { "cidrAddress": "2001:db8::/64" }]);
    let tenant = json!({ "namedLocations": [
        { "id": "hq", "isTrusted": true, "ipRanges": ranges },
        { "id": "branch", "ipRanges": [{ "cidrAddress": "203.0.113.0/30" }] },
        { "id": "us", "countriesAndRegions": ["us"] },
        { "id": "us-or-unknown", "countriesAndRegions": ["US"], "includeUnknownCountriesAndRegions": true },
        { "id": "de-gps", "countriesAndRegions": ["DE"], "countryLookupMethod": "authenticatorAppGps" },
    ] });
    let no = "location";
    locations(
        &tenant,
        &[
            (&["All"], &[], NOWHERE, "yes"),
            (&["All"], &["AllTrusted"], OFFICE, no),
            (&["All"], &["AllTrusted"], AWAY, "yes"),
            (&["All"], &["AllTrusted"], NOWHERE, "yes"),
            (&["AllTrusted"], &[], OFFICE, "yes"),
            (&["AllTrusted"], &[], OFFICE_V6, "yes"),
            (&["AllTrusted"], &[], MAPPED, "yes"),
            (&["AllTrusted"], &[], AWAY, no),
            (&["AllTrusted"], &[], ONLY_COUNTRY, no),
            (&["hq"], &[], OFFICE, "yes"),
            (&["hq"], &[], ONLY_COUNTRY, no),
            (&["hq"], &[], (Some("198.51.100.0"), None), "yes"),
            (&["hq"], &[], (Some("198.51.100.255"), None), "yes"),
            (&["hq"], &[], (Some("198.51.101.0"), None), no),
            (&["branch"], &[], AWAY, "yes"),
            (&["branch", "hq"], &["hq"], OFFICE, no),
            (&["us"], &[], OFFICE, "yes"),
            (&["us"], &[], AWAY, no),
            (&["us"], &[], ONLY_COUNTRY, "yes"),
            (&["us"], &[], OFFICE_V6, no),
            (&["us"], &[], NOWHERE, no),
            (&["us-or-unknown"], &[], OFFICE_V6, "yes"),
            (&["us-or-unknown"], &[], AWAY, no),
            (&["us-or-unknown"], &[], NOWHERE, no),
            (&["de-gps"], &[], AWAY, "yes"),
            (&["gone"], &[], OFFICE, no),
            (&["All"], &["gone"], OFFICE, "yes"),
            (&["all"], &[], OFFICE, no),
            (&["00000000-0000-0000-0000-000000000000"], &[], OFFICE, "unknown"),
            (&["All"], &["00000000-0000-0000-0000-000000000000"], AWAY, "unknown"),
            (&["00000000-0000-0000-0000-000000000000"], &[], NOWHERE, no),
            (&[], &["hq"], OFFICE, "yes"),
        ],
    );
}

#[test]
fn locations_that_cannot_be_told() {
    let missing = json!({ "namedLocations": null });
    locations(
        &missing,
        &[
            (&["hq"], &[], OFFICE, "unknown"),
            (&["AllTrusted"], &[], OFFICE, "unknown"),
            (&["All"], &["AllTrusted"], OFFICE, "unknown"),
            (&["All"], &[], OFFICE, "yes"),
            (&["hq"], &[], NOWHERE, "location"),
        ],
    );
    let strange = json!({ "namedLocations": [
        { "id": "gsa", "@odata.type": "#microsoft.graph.compliantNetworkNamedLocation", "isTrusted": true },
        { "id": "moon", "@odata.type": "#microsoft.graph.moonNamedLocation" },
    ] });
    locations(
        &strange,
        &[
            (&["gsa"], &[], OFFICE, "unknown"),
            (&["moon"], &[], OFFICE, "unknown"),
            (&["AllTrusted"], &[], OFFICE, "unknown"),
            (&["AllTrusted"], &[], ONLY_COUNTRY, "unknown"),
            (&["AllTrusted", "gsa"], &[], NOWHERE, "location"),
        ],
    );
    let partial = json!({
        "namedLocations": [{ "id": "hq", "isTrusted": true, "ipRanges": [{ "cidrAddress": "198.51.100.0/24" }] }],
        "missing": [{ "resource": "namedLocations", "why": "one page of many" }],
    });
    locations(
        &partial,
        &[
            (&["hq"], &[], OFFICE, "yes"),
            (&["hq"], &[], AWAY, "location"),
            (&["other"], &[], AWAY, "unknown"),
            (&["AllTrusted"], &[], AWAY, "unknown"),
            (&["AllTrusted"], &[], OFFICE, "yes"),
        ],
    );
}
