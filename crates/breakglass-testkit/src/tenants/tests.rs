use std::collections::BTreeMap;

use breakglass_model::sign_in::WhatIfRequest;

use super::{TAKEN_AT, random_request, random_tenant, sample_surfaces};
use crate::referee::what_if;

/// Pairs of a tenant and a sign-in that are counted.
const PAIRS: u64 = 2_000;
/// How often each outcome must occur among them.
const OUTCOME_COUNT_MIN: u32 = 60;
/// How often each reason, control and feature must occur.
const COUNT_MIN: u32 = 10;

const REASONS: [&str; 17] = [
    "notSet",
    "notEnoughInformation",
    "policyNotEnabled",
    "emptyPolicy",
    "users",
    "workloadIdentities",
    "application",
    "userActions",
    "authenticationContext",
    "devicePlatform",
    "devices",
    "clientApps",
    "location",
    "signInRisk",
    "userRisk",
    "insiderRisk",
    "authenticationFlow",
];

/// Texts in tenants and requests that show that a feature occurs.
const FEATURES: [&str; 70] = [
    "#EXT#",
    "\"userType\":null",
    "\"userType\":\"Robot\"",
    "\"creationType\":\"Invitation\"",
    "\"membershipRule\"",
    "\"isAssignableToRole\"",
    "group-gone",
    "\"missing\":[{",
    "\"isBuiltIn\":false",
    "/administrativeUnits/",
    "\"appScopeId\"",
    "\"endDateTime\":\"2026-02",
    "ManagedIdentity",
    "compliantNetworkNamedLocation",
    "moonNamedLocation",
    "authenticatorAppGps",
    "\"includeUnknownCountriesAndRegions\":true",
    "\"cidrAddress\":\"2001:db8::/32\"",
    "\"AllTrusted\"",
    "\"00000000-0000-0000-0000-000000000000\"",
    "\"sleeping\"",
    "partialEnablementStrategy",
    "\"deletedDateTime\":\"2026",
    "GuestsOrExternalUsers\"",
    "\"enumerated\"",
    "visitorFromMars",
    "ServicePrincipalsInMyTenant",
    "servicePrincipalFilter\":{\"mode",
    "includeAgentIdServicePrincipals\":[\"All",
    "agentIdRiskLevels",
    "includeAgentUsers",
    "urn:user:registersecurityinfo",
    "urn:user:registerdevice",
    "includeAuthenticationContextClassReferences\":[\"c",
    "\"Office365\"",
    "\"MicrosoftAdminPortals\"",
    "AllAgentIdResources",
    "applicationFilter\":{\"mode\":\"exclude",
    "telepathy",
    "toaster",
    "\"times\":{\"all",
    "\"includeDevices\"",
    "\"mode\":\"sideways\"",
    "device.model -eq \\\"X\\\"",
    "extensionAttribute15 ",
    "-notIn",
    "apocalyptic",
    "unheardOf",
    "retinaScan",
    "palmReadings",
    "\"operator\":\"XOR\"",
    "\"operator\":null",
    "strength-own",
    "\"displayName\":\"Strength of no id",
    "\"requirementsSatisfied\"",
    "\"displayName\":\"Own combinations",
    "\"moodRing\":{",
    "\"moodRing\":null",
    "\"conditions\":null",
    "terms-0",
    "factor-0",
    "\"riskRemediation\"",
    "registerSecurityInformation",
    "registerOrJoinDevices",
    "authContext",
    "\"signInContext\":null",
    "servicePrincipalSignIn",
    "\"externalTenantId\":\"tenant-partner\"",
    "\"devicePlatform\":\"\"",
    "\"signInConditions\":null",
];

#[derive(Default)]
struct Counts(BTreeMap<String, u32>);

impl Counts {
    fn count(&mut self, what: &str) {
        *self.0.entry(what.to_owned()).or_default() += 1;
    }

    fn require(&self, what: &str, least: u32) {
        let count = self.0.get(what).copied().unwrap_or_default();
        assert!(count >= least, "{what} occurs {count} times");
    }
}

#[test]
fn everything_occurs_often_enough() {
    let seed = crate::seed_for("everything_occurs_often_enough");
    let surfaces = sample_surfaces();
    let mut counts = Counts::default();
    for pair in 0..PAIRS {
        let tenant = random_tenant(seed.wrapping_add(pair));
        let text = random_request(&tenant, seed.wrapping_mul(3).wrapping_add(pair));
        for feature in FEATURES.iter().filter(|feature| tenant.json.contains(**feature) || text.contains(**feature)) {
            counts.count(feature);
        }
        let request = WhatIfRequest::from_json(text.as_bytes()).unwrap();
        match what_if(&tenant.snapshot, &request, &surfaces, TAKEN_AT) {
            Err(_) => counts.count("error"),
            Ok(answer) => {
                counts.count(answer.outcome);
                for (_, _, reason) in &answer.policies {
                    counts.count(reason);
                }
                for control in &answer.controls {
                    counts.count(control);
                }
                if !answer.report_only.is_empty() {
                    counts.count("reportOnly");
                }
            }
        }
    }
    for outcome in ["allowed", "challenge", "blocked", "unsatisfiable", "unknown", "error"] {
        counts.require(outcome, OUTCOME_COUNT_MIN);
    }
    for what in REASONS.iter().chain(&FEATURES) {
        counts.require(what, COUNT_MIN);
    }
    for control in [
        "mfa",
        "compliantDevice",
        "domainJoinedDevice",
        "approvedApplication",
        "compliantApplication",
        "passwordChange",
        "riskRemediation",
        "authenticationStrength:strength-own",
        "termsOfUse:terms-0",
        "custom:factor-0",
        "reportOnly",
    ] {
        counts.require(control, COUNT_MIN);
    }
}

#[test]
fn a_seed_gives_the_same_bytes() {
    for seed in 0..20 {
        let (first, second) = (random_tenant(seed), random_tenant(seed));
        assert_eq!(first.json, second.json);
        assert_eq!(random_request(&first, seed), random_request(&second, seed));
        assert_ne!(first.json, random_tenant(seed + 1).json);
    }
}

#[test]
fn splitmix_gives_the_published_numbers() {
    let mut random = super::random::Random::new(1_234_567);
    let found: Vec<u64> = (0..3).map(|_| random.bits()).collect();
    assert_eq!(found, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
}
