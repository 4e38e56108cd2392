//! What single facts of a tenant do to its single points of failure: what is promised beside what is possible.
//!
//! Ada is the only administrator. A component that fails her alone is named; one that need not be there is not.

use std::collections::BTreeSet;

use breakglass_engine::access::{Access, AccessSettings};
use breakglass_engine::lockout::goal::{Goal, Question, Stage};
use breakglass_engine::lockout::settings::{LockoutSettings, Mode};
use breakglass_engine::lockout::{analyse, minimal_cuts_of};
use serde_json::{Value, json};

use crate::support::snapshot;

const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";

/// A tenant in which a policy asks everybody for multifactor authentication.
fn tenant() -> Value {
    let configuration = |id: &str| {
        json!({ "id": id, "state": "enabled", "excludeTargets": [], "keyRestrictions": null,
            "includeTargets": [{ "targetType": "group", "id": "all_users", "authenticationMode": "any" }],
            "authenticationModeConfiguration":
                { "x509CertificateAuthenticationDefaultMode": "x509CertificateMultiFactor", "rules": [] } })
    };
    let configurations =
        ["Fido2", "MicrosoftAuthenticator", "X509Certificate", "TemporaryAccessPass"].map(configuration);
    let assignment = |end: Value| {
        json!({ "principalId": "ada", "roleDefinitionId": GLOBAL_ADMINISTRATOR, "directoryScopeId": "/",
            "startDateTime": null, "endDateTime": end })
    };
    json!({
        "format": "breakglass-snapshot/1",
        "organization": { "id": "t", "certificateBasedAuthConfiguration": [
            { "certificateAuthorities": [{ "issuer": "Contoso", "expirationDateTime": "2036-01-01T00:00:00Z" }] }] },
        "domains": [{ "id": "contoso.onmicrosoft.com", "authenticationType": "Managed" }],
        "users": [{ "id": "ada", "userPrincipalName": "ada@contoso.onmicrosoft.com", "accountEnabled": true,
            "userType": "Member", "onPremisesSyncEnabled": null,
            "authenticationMethods": [{ "@odata.type": "#microsoft.graph.fido2AuthenticationMethod", "id": "key" }] }],
        "groups": [], "devices": [], "servicePrincipals": [], "administrativeUnits": [], "roleDefinitions": [],
        "roleAssignments": [assignment(Value::Null)], "roleAssignmentScheduleInstances": [assignment(Value::Null)],
        "roleEligibilityScheduleInstances": [], "roleManagementPolicies": [],
        "namedLocations": [
            { "@odata.type": "#microsoft.graph.countryNamedLocation", "id": "de", "displayName": "Germany",
                "countriesAndRegions": ["DE"], "countryLookupMethod": "clientIpAddress" }],
        "conditionalAccessPolicies": [{ "id": "mfa", "displayName": "MFA", "state": "enabled",
            "conditions": { "users": { "includeUsers": ["All"] }, "applications": { "includeApplications": ["All"] } },
            "grantControls": { "operator": "OR", "builtInControls": ["mfa"] } }],
        "authenticationStrengthPolicies": [],
        "authenticationMethodsPolicy":
            { "id": "authenticationMethodsPolicy", "authenticationMethodConfigurations": configurations },
        "identitySecurityDefaultsEnforcementPolicy": { "isEnabled": false },
        "identityProtectionPolicies": [], "perUserMfaStates": [],
    })
}

/// Sets what stands at each JSON pointer; null takes a member out.
fn with(changes: &[(&str, Value)]) -> Value {
    let mut tenant = tenant();
    for (place, value) in changes {
        let (parent, name) = place.rsplit_once('/').unwrap();
        match (tenant.pointer_mut(parent).unwrap(), value) {
            (Value::Object(object), Value::Null) => {
                object.remove(name);
            }
            (Value::Object(object), value) => {
                object.insert(name.to_owned(), value.clone());
            }
            (Value::Array(list), value) => list[name.parse::<usize>().unwrap()] = value.clone(),
            (other, _) => panic!("{place}: {other}"),
        }
    }
    tenant
}

/// The single points of failure, promised and possible; `nobody` where nobody gets in as it is.
fn single_points(tenant: &Value, at: &str) -> [BTreeSet<String>; 2] {
    let snapshot = snapshot(tenant);
    let access = Access::compile(&snapshot, &AccessSettings::at(at.parse().unwrap())).unwrap();
    let question = Question { goal: Goal::FullRepair, surface: None, stage: Stage::Direct };
    let settings = LockoutSettings { max_order: 1, ..LockoutSettings::default() };
    [Mode::Promised, Mode::Possible].map(|mode| {
        let (cuts, _) = minimal_cuts_of(&access, &settings, mode, question);
        let one = |cut: &Vec<_>| cut.first().map_or("nobody".to_owned(), ToString::to_string);
        cuts.iter().map(one).collect()
    })
}

/// Checks that these are single points, promised and possible, of all those that `of` lists.
fn check(changes: &[(&str, Value)], of: &[&str], expected: [&[&str]; 2]) {
    check_at("2026-11-26T00:00:00Z", changes, of, expected);
}

fn check_at(at: &str, changes: &[(&str, Value)], of: &[&str], expected: [&[&str]; 2]) {
    let found = single_points(&with(changes), at);
    let found =
        found.each_ref().map(|points| of.iter().copied().filter(|point| points.contains(*point)).collect::<Vec<_>>());
    assert_eq!(found.each_ref().map(Vec::as_slice), expected, "{changes:?}");
}

const METHODS: &str = "/users/0/authenticationMethods";
const TARGET: &str = "/authenticationMethodsPolicy/authenticationMethodConfigurations/1/includeTargets/0";
const CERTIFICATES: &str =
    "/authenticationMethodsPolicy/authenticationMethodConfigurations/2/authenticationModeConfiguration";

/// Ada's only method besides the password, with these members.
fn only_method(kind: &str, members: Value) -> (&'static str, Value) {
    let mut method = json!({ "@odata.type": format!("#microsoft.graph.{kind}AuthenticationMethod"), "id": "own" });
    method.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    (METHODS, json!([method]))
}

#[test]
fn authenticator_answers_what_its_targets_allow_and_what_it_is_registered_for() {
    let app = |more: Value| only_method("microsoftAuthenticator", more);
    let old = only_method("passwordlessMicrosoftAuthenticator", json!({}));
    let registered = app(json!({ "device": { "id": "phone" } }));
    let mode = |mode: &str| (format!("{TARGET}/authenticationMode"), json!(mode));
    let of = &["nobody", "password:ada"][..];
    for (app, allowed, expected) in [
        // Phone sign-in needs no password.
        (&registered, "any", [&[][..], &[]]),
        (&registered, "deviceBasedPush", [&[], &[]]),
        (&registered, "push", [&["password:ada"], &["password:ada"]]),
        (&registered, "someday", [&["nobody"], &[]]),
        // Not registered for it, and not told.
        (&app(json!({ "device": null })), "any", [&["password:ada"], &["password:ada"]]),
        (&app(json!({})), "any", [&["password:ada"], &[]]),
        (&app(json!({})), "deviceBasedPush", [&["nobody"], &[]]),
        (&app(json!({ "device": null })), "deviceBasedPush", [&["nobody"], &["nobody"]]),
        // The old type is phone sign-in and nothing else.
        (&old, "any", [&[], &[]]),
        (&old, "push", [&["nobody"], &["nobody"]]),
    ] {
        let (place, allowed) = mode(allowed);
        check(&[app.clone(), (&place, allowed)], of, expected);
    }
    // Two targets that differ.
    let targets = "/authenticationMethodsPolicy/authenticationMethodConfigurations/1/includeTargets";
    let differing = json!([{ "id": "all_users", "authenticationMode": "push" },
        { "id": "all_users", "authenticationMode": "any" }]);
    check(&[registered, (targets, differing)], of, [&["password:ada"], &[]]);
}

#[test]
fn certificates_are_as_many_factors_as_the_tenant_says() {
    let certificate =
        (METHODS, json!([{ "@odata.type": "#microsoft.graph.x509CertificateAuthenticationMethod", "id": "c" }]));
    let modes = |default: &str, rules: Value| json!({ "x509CertificateAuthenticationDefaultMode": format!("x509Certificate{default}Factor"), "rules": rules });
    let rule = |mode: &str| json!([{ "x509CertificateAuthenticationMode": format!("x509Certificate{mode}Factor") }]);
    for (modes, expected) in [
        (modes("Multi", json!([])), [&[][..], &[]]),
        (modes("Multi", rule("Multi")), [&[], &[]]),
        // One factor, and the password is the other.
        (modes("Single", json!([])), [&["password:ada"], &["password:ada"]]),
        (modes("Single", rule("Multi")), [&["password:ada"], &[]]),
        (modes("Multi", rule("Single")), [&["password:ada"], &[]]),
        (Value::Null, [&["password:ada"], &[]]),
    ] {
        check(&[certificate.clone(), (CERTIFICATES, modes)], &["nobody", "password:ada"], expected);
    }
}

#[test]
fn windows_hello_works_on_its_own_device() {
    let hello = |more: Value| only_method("windowsHelloForBusiness", more);
    let device = |id: &str, name: &str, system: &str| {
        json!({ "id": id, "displayName": name, "operatingSystem": system, "accountEnabled": true, "isCompliant": false,
            "trustType": "AzureAd", "registeredOwners": [{ "id": "ada" }], "registeredUsers": [] })
    };
    let devices = |all: &[Value]| ("/devices", json!(all));
    let (laptop, phone) = (device("laptop", "LAPTOP-ADA", "Windows"), device("phone", "LAPTOP-ADA", "iOS"));
    let other = device("other", "laptop-ada", "Windows");
    let mut disabled = laptop.clone();
    disabled["accountEnabled"] = json!(false);
    let of = &["nobody", "device:laptop", "device:phone"][..];
    for (hello, devices, expected) in [
        (
            hello(json!({ "device": { "id": "laptop" } })),
            devices(&[laptop.clone(), phone.clone()]),
            [&["device:laptop"][..], &["device:laptop"]],
        ),
        (
            hello(json!({ "device": { "id": "gone" } })),
            devices(std::slice::from_ref(&laptop)),
            [&["nobody"], &["nobody"]],
        ),
        // By its name, among those on Windows.
        (
            hello(json!({ "displayName": "laptop-ada" })),
            devices(&[laptop.clone(), phone.clone()]),
            [&["device:laptop"], &["device:laptop"]],
        ),
        (hello(json!({ "displayName": "LAPTOP-ADA" })), devices(&[laptop.clone(), other]), [&["nobody"], &[]]),
        (hello(json!({})), devices(&[laptop.clone(), phone.clone()]), [&["nobody"], &["device:laptop"]]),
        // The one that it is on is known, and disabled.
        (
            hello(json!({ "displayName": "LAPTOP-ADA" })),
            devices(&[disabled, device("spare", "SPARE", "Windows")]),
            [&["nobody"], &["nobody"]],
        ),
        (hello(json!({ "displayName": "LAPTOP-ADA" })), devices(&[phone]), [&["nobody"], &["nobody"]]),
    ] {
        check(&[hello, devices], of, expected);
    }
}

#[test]
fn what_is_not_known_of_a_method_counts_once_for_each() {
    let unknown = |id: &str| json!({ "@odata.type": "#microsoft.graph.telepathyAuthenticationMethod", "id": id });
    let of = &["nobody", "method:ada#one", "method:ada#two"][..];
    check(&[(METHODS, json!([unknown("one")]))], of, [&["nobody"], &["method:ada#one"]]);
    check(&[(METHODS, json!([unknown("one"), unknown("two")]))], of, [&["nobody"], &[]]);
    // An authority that has expired refuses certificates, whatever else is not known.
    let certificate = json!([{ "@odata.type": "#microsoft.graph.x509CertificateAuthenticationMethod", "id": "c" }]);
    let end = "/organization/certificateBasedAuthConfiguration/0/certificateAuthorities/0/expirationDateTime";
    let no_policy = ("/authenticationMethodsPolicy", Value::Null);
    let methods = (METHODS, certificate);
    check(&[methods.clone(), no_policy.clone()], &["nobody"], [&["nobody"], &[]]);
    check(&[methods, no_policy, (end, json!("2026-01-01T00:00:00Z"))], &["nobody"], [&["nobody"], &["nobody"]]);
}

#[test]
fn nobody_is_promised_to_share_a_position() {
    let only_germany = json!({ "id": "de-only", "displayName": "Only Germany", "state": "enabled",
        "conditions": { "users": { "includeUsers": ["All"] }, "applications": { "includeApplications": ["All"] },
            "locations": { "includeLocations": ["All"], "excludeLocations": ["de"] } },
        "grantControls": { "operator": "OR", "builtInControls": ["block"] } });
    let policy = ("/conditionalAccessPolicies/0", only_germany);
    let lookup = |method: &str| ("/namedLocations/0/countryLookupMethod", json!(method));
    let of = &["nobody", "net:de"][..];
    check(&[policy.clone(), lookup("clientIpAddress")], of, [&["net:de"], &["net:de"]]);
    check(&[policy.clone(), lookup("authenticatorAppGps")], of, [&["nobody"], &[]]);
    check(&[policy, lookup("carrierPigeon")], of, [&["nobody"], &[]]);
}

#[test]
fn a_demand_that_was_left_out_is_unknown() {
    let grant = "/conditionalAccessPolicies/0/grantControls";
    let of = &["nobody"][..];
    check(&[(grant, json!({ "operator": "OR", "builtInControls": [] }))], of, [&["nobody"], &[]]);
    let nothing = json!({ "operator": "OR", "builtInControls": [], "authenticationStrength": null });
    check(&[(grant, nothing)], of, [&[], &[]]);
    let block = json!({ "operator": "OR", "builtInControls": ["block"] });
    let users = "/conditionalAccessPolicies/0/conditions/users";
    check(
        &[(grant, block.clone()), (users, json!({ "includeUsers": [], "includeGroups": [] }))],
        of,
        [&["nobody"], &[]],
    );
    let nobody = json!({ "includeUsers": [], "includeGroups": [], "includeRoles": [] });
    check(&[(grant, block), (users, nobody)], of, [&[], &[]]);
}

#[test]
fn what_may_be_an_activation_is_not_promised_as_a_role() {
    let eligible = json!([{ "principalId": "ada", "roleDefinitionId": GLOBAL_ADMINISTRATOR, "directoryScopeId": "/",
        "startDateTime": null, "endDateTime": null }]);
    let plain = json!([{ "principalId": "ada", "roleDefinitionId": GLOBAL_ADMINISTRATOR, "directoryScopeId": "/" }]);
    let (eligible, plain) = (("/roleEligibilityScheduleInstances", eligible), ("/roleAssignments", plain));
    let missing = ("/roleAssignmentScheduleInstances", Value::Null);
    let of = &["nobody"][..];
    check(&[plain.clone(), missing.clone()], of, [&[], &[]]);
    check(&[plain.clone(), eligible.clone()], of, [&[], &[]]);
    // The rules of activation are not exported either, so that none is promised.
    check(&[plain, eligible, missing], of, [&["nobody"], &[]]);
}

#[test]
fn identity_protections_own_risk_policies_count_until_they_were_retired() {
    let policy = json!([{ "displayName": "User risk policy", "isEnabled": true }]);
    let policies = ("/identityProtectionPolicies", policy);
    let of = &["quiet:user-risk:ada", "quiet:signin-risk:ada"][..];
    check_at("2026-09-30T00:00:00Z", std::slice::from_ref(&policies), of, [&["quiet:user-risk:ada"], &[]]);
    check_at("2026-10-01T00:00:00Z", &[policies], of, [&[], &[]]);
}

#[test]
fn a_certificate_authority_ends_on_the_second() {
    let authority = |issuer: &str, end: &str| json!({ "issuer": issuer, "expirationDateTime": end });
    let place = "/organization/certificateBasedAuthConfiguration/0/certificateAuthorities";
    let tenant = with(&[
        only_method("x509Certificate", json!({})),
        (place, json!([authority("A", "2027-02-01T00:00:00Z"), authority("B", "2027-05-01T00:00:00Z")])),
    ]);
    let snapshot = snapshot(&tenant);
    let order = |at: &str| {
        let access = Access::compile(&snapshot, &AccessSettings::at(at.parse().unwrap())).unwrap();
        let report = analyse(&access, &LockoutSettings::default(), Goal::FullRepair, &[]).unwrap();
        let dated = report.dated.iter().map(|one| (one.from.to_string(), one.because.join("; "), one.order.proved));
        (report.direct.order.proved, dated.collect::<Vec<_>>())
    };
    let ends = |name: &str| format!("the certificate authority `{name}` expires");
    assert_eq!(order("2027-01-31T23:59:59Z"), (Some(1), vec![("2027-02-01T00:00:00Z".to_owned(), ends("A"), Some(0))]));
    for at in ["2027-02-01T00:00:00Z", "2027-02-01T10:00:00Z", "2027-02-02T00:00:00Z"] {
        assert_eq!(order(at).0, Some(0), "{at}");
    }
}
