//! Tiny tenants, with their cuts worked out by hand.

use serde_json::{Value, json};

use super::{Custody, Depository, Envelope, Goal, Horizon, LockoutReferee, LockoutSettings, Mode, Question, Share};
use super::{Stage, Surface};
use crate::tenants::snapshot_of;

const GLOBAL: &str = "62e90394-69f5-4237-9190-012177145e10";
const AUTHENTICATION: &str = "7be44c8a-adaf-4e2a-84d6-ab2649e08a13";
const CONDITIONAL_ACCESS: &str = "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9";
const HELPDESK: &str = "729827e3-9c14-49f7-bb1b-9608f156bbb8";

fn settings() -> LockoutSettings {
    LockoutSettings {
        now: "2026-11-22T00:00:00Z".parse().unwrap(),
        surfaces: Vec::new(),
        password_hash_sync: None,
        countries: std::collections::BTreeMap::new(),
        mandatory_mfa_postponed_until: None,
    }
}

fn user(id: &str, methods: &Value) -> Value {
    json!({
        "id": id, "userPrincipalName": format!("{id}@contoso.onmicrosoft.com"), "userType": "Member",
        "accountEnabled": true, "onPremisesSyncEnabled": null, "isManagementRestricted": false,
        "authenticationMethods": methods,
    })
}

fn phone() -> Value {
    json!([{ "@odata.type": "#microsoft.graph.phoneAuthenticationMethod", "id": "p", "phoneType": "mobile" }])
}

fn passkey() -> Value {
    json!([{ "@odata.type": "#microsoft.graph.fido2AuthenticationMethod", "id": "k", "aaGuid": "model" }])
}

fn holds(who: &str, role: &str) -> Value {
    json!({ "principalId": who, "roleDefinitionId": role, "directoryScopeId": "/" })
}

fn enabled(id: &str) -> Value {
    json!({ "id": id, "state": "enabled", "includeTargets": [{ "targetType": "group", "id": "all_users" }],
            "excludeTargets": [], "keyRestrictions": null })
}

/// A tenant with all its lists, and these members instead of the empty ones.
fn tenant(members: Value) -> Value {
    let mut tenant = json!({
        "tenantId": "tenant", "domains": [], "users": [], "groups": [], "devices": [], "administrativeUnits": [],
        "roleDefinitions": [], "roleAssignments": [], "roleAssignmentScheduleInstances": [],
        "roleEligibilityScheduleInstances": [], "roleManagementPolicies": [], "conditionalAccessPolicies": [],
        "namedLocations": [], "authenticationStrengthPolicies": [],
        "authenticationMethodsPolicy": { "authenticationMethodConfigurations":
            [enabled("Fido2"), enabled("Sms"), enabled("Voice"), enabled("TemporaryAccessPass")] },
        "identitySecurityDefaultsEnforcementPolicy": { "isEnabled": false },
    });
    for (name, value) in members.as_object().unwrap() {
        tenant[name] = value.clone();
    }
    tenant
}

/// A policy for everybody but some, with these conditions, that demands this.
fn policy(conditions: Value, controls: Value) -> Value {
    let mut policy = json!({
        "id": "policy", "state": "enabled",
        "conditions": {
            "users": { "includeUsers": ["All"] }, "applications": { "includeApplications": ["All"] },
            "clientAppTypes": ["all"],
        },
        "grantControls": { "operator": "OR", "builtInControls": controls },
    });
    for (name, value) in conditions.as_object().unwrap() {
        policy["conditions"][name] = value.clone();
    }
    policy
}

fn headquarters() -> Value {
    json!([{ "@odata.type": "#microsoft.graph.ipNamedLocation", "id": "hq", "isTrusted": true,
             "ipRanges": [{ "cidrAddress": "198.51.100.0/24" }] }])
}

fn rules(rules: &[&str], context: Option<&str>, approvers: Option<Value>) -> Value {
    let approval = match approvers {
        None => json!({ "isApprovalRequired": false, "approvalStages": [] }),
        Some(stages) => json!({ "isApprovalRequired": true, "approvalStages": stages }),
    };
    json!([{ "id": "own", "roleDefinitionId": GLOBAL, "rules": [
        { "id": "Enablement_EndUser_Assignment", "enabledRules": rules },
        { "id": "AuthenticationContext_EndUser_Assignment", "isEnabled": context.is_some(), "claimValue": context },
        { "id": "Approval_EndUser_Assignment", "setting": approval },
    ] }])
}

fn cuts_of(tenant: &Value, custody: &Custody, settings: &LockoutSettings, question: Question) -> Vec<String> {
    let snapshot = snapshot_of(tenant).unwrap();
    let simulator = LockoutReferee::new(&snapshot, custody, settings).ask(question);
    simulator.minimal_cuts().unwrap().iter().map(|cut| cut.join(" ")).collect()
}

/// Both modes find these cuts for the headline.
fn check(tenant: &Value, custody: &Custody, expected: &[&str]) {
    for mode in Mode::ALL {
        assert_eq!(cuts_of(tenant, custody, &settings(), Question::headline(mode)), expected, "{mode:?}");
    }
}

/// Two accounts with a password each, whose shares lie with the same three custodians; two shares open it.
#[test]
fn two_passwords_in_two_of_three() {
    let tenant = tenant(json!({
        "users": [user("a", &json!([])), user("b", &json!([]))],
        "roleAssignments": [holds("a", GLOBAL), holds("b", GLOBAL)],
    }));
    let share = |who: &str| Share { custodian: Some(who.to_owned()), ..Share::default() };
    let envelope = |account: &str| Envelope {
        account: account.to_owned(),
        method: None,
        threshold: 2,
        shares: ["x", "y", "z"].map(share).to_vec(),
    };
    let custodians = ["x", "y", "z"].map(|id| (id.to_owned(), None)).into();
    let custody = Custody { custodians, envelopes: vec![envelope("a"), envelope("b")], ..Custody::default() };
    let found = cuts_of(&tenant, &custody, &settings(), Question::headline(Mode::Promised));
    let of_size = |size: usize| found.iter().filter(|cut| cut.split(' ').count() == size).collect::<Vec<_>>();
    // Either account is a way of its own: one failure for each account, or two custodians for both.
    assert_eq!(
        of_size(2),
        [
            "account:a account:b",
            "account:a password:b",
            "account:b password:a",
            "custodian:x custodian:y",
            "custodian:x custodian:z",
            "custodian:y custodian:z",
            "password:a password:b",
        ]
    );
    // One account by one failure (2), the other by two of its shares that are not both lost with their custodians
    // (3 pairs of places, 3 ways for each), either way around: 2 * 9 * 2. And one custodian with one further share of
    // each account at the other places: 3 custodians, 2 places for each account: 3 * 2 * 2.
    assert_eq!(of_size(3).len(), 36 + 12);
    // Two shares of each account without any custodian: 3 * 3. A custodian for one account and a share of the other
    // at its place is the custodian for both, so nothing else is minimal.
    assert_eq!((of_size(4).len(), found.len()), (9, 7 + 48 + 9));
}

/// Everybody needs multifactor authentication, and the only second factor is a phone.
#[test]
fn multifactor_by_phone() {
    let tenant = tenant(json!({
        "users": [user("a", &phone())],
        "roleAssignments": [holds("a", GLOBAL)],
        "conditionalAccessPolicies": [policy(json!({}), json!(["mfa"]))],
    }));
    // Text and calls need the same phone and the same service, each a setting of its own.
    let expected =
        ["account:a", "method:a#p", "password:a", "svc:mfa-telephony", "policy:method:Sms policy:method:Voice"];
    check(&tenant, &Custody::default(), &expected);
}

/// Blocked everywhere but in the trusted network.
#[test]
fn trusted_network() {
    let locations = json!({ "includeLocations": ["All"], "excludeLocations": ["AllTrusted"] });
    let tenant = tenant(json!({
        "users": [user("a", &json!([]))],
        "roleAssignments": [holds("a", GLOBAL)],
        "namedLocations": headquarters(),
        "conditionalAccessPolicies": [policy(json!({ "locations": locations }), json!(["block"]))],
    }));
    check(&tenant, &Custody::default(), &["account:a", "net:hq", "password:a"]);
}

/// The only holder is eligible, and somebody without any role approves.
#[test]
fn activation_with_approval() {
    let stages = json!([{ "primaryApprovers": [{ "userId": "a" }, { "userId": "b" }] }]);
    let tenant = tenant(json!({
        "users": [user("a", &json!([])), user("b", &passkey())],
        "roleEligibilityScheduleInstances": [holds("a", GLOBAL)],
        "roleManagementPolicies": rules(&["Justification"], None, Some(stages)),
    }));
    // Nobody approves their own activation. The approver has a password, which does at Graph PowerShell, or a key.
    let expected =
        ["account:a", "account:b", "password:a", "svc:pim", "method:b#k password:b", "password:b policy:method:Fido2"];
    check(&tenant, &Custody::default(), &expected);
}

/// Activation wants a second factor, the last step does not: with the key alone it is the key that is needed.
#[test]
fn activation_with_multifactor() {
    let tenant = tenant(json!({
        "users": [user("a", &passkey())],
        "roleEligibilityScheduleInstances": [holds("a", GLOBAL)],
        "roleManagementPolicies": rules(&["MultiFactorAuthentication"], None, None),
    }));
    check(&tenant, &Custody::default(), &["account:a", "method:a#k", "policy:method:Fido2", "svc:pim"]);
}

/// Activation asks for an authentication context, and a policy for that context blocks outside the network.
#[test]
fn activation_with_context() {
    let mut blocks =
        policy(json!({ "locations": { "includeLocations": ["All"], "excludeLocations": ["hq"] } }), json!(["block"]));
    blocks["conditions"]["applications"] = json!({ "includeAuthenticationContextClassReferences": ["c1"] });
    let tenant = tenant(json!({
        "users": [user("a", &json!([]))],
        "roleEligibilityScheduleInstances": [holds("a", GLOBAL)],
        "roleManagementPolicies": rules(&[], Some("c1"), None),
        "namedLocations": headquarters(),
        "conditionalAccessPolicies": [blocks],
    }));
    check(&tenant, &Custody::default(), &["account:a", "net:hq", "password:a", "svc:pim"]);
}

/// The Global Administrator has no second factor, which the policy wants of everybody but the one who issues passes.
#[test]
fn a_pass_that_somebody_issues() {
    let users = json!({ "includeUsers": ["All"], "excludeUsers": ["b"] });
    let tenant = tenant(json!({
        "users": [user("a", &json!([])), user("b", &json!([]))],
        "roleAssignments": [holds("a", GLOBAL), holds("b", AUTHENTICATION)],
        "conditionalAccessPolicies": [policy(json!({ "users": users }), json!(["mfa"]))],
    }));
    // `a` could give `b` a new password, but only after `b` has issued the pass.
    check(&tenant, &Custody::default(), &["account:a", "account:b", "password:b", "policy:tap-enabled"]);
}

/// The help desk reaches nobody with a role, and everybody without one.
#[test]
fn who_resets_whom() {
    let stages = json!([{ "primaryApprovers": [{ "userId": "b" }] }]);
    let tenant = tenant(json!({
        "users": [user("a", &json!([])), user("b", &json!([])), user("c", &json!([]))],
        "roleAssignments": [holds("c", HELPDESK)],
        "roleEligibilityScheduleInstances": [holds("a", GLOBAL)],
        "roleManagementPolicies": rules(&[], None, Some(stages)),
    }));
    let expected = ["account:a", "account:b", "password:a", "svc:pim", "account:c password:b", "password:b password:c"];
    check(&tenant, &Custody::default(), &expected);
}

/// A policy for the role bites once the role is active, not before.
#[test]
fn a_policy_for_the_role_bites_after_activation() {
    let conditions = json!({
        "users": { "includeRoles": [GLOBAL] },
        "locations": { "includeLocations": ["All"], "excludeLocations": ["hq"] },
    });
    let mut tenant = tenant(json!({
        "users": [user("a", &json!([]))],
        "roleEligibilityScheduleInstances": [holds("a", GLOBAL)],
        "roleManagementPolicies": rules(&[], None, None),
        "namedLocations": headquarters(),
        "conditionalAccessPolicies": [policy(conditions, json!(["block"]))],
    }));
    check(&tenant, &Custody::default(), &["account:a", "net:hq", "password:a", "svc:pim"]);
    tenant["conditionalAccessPolicies"][0]["conditions"]["locations"] = Value::Null;
    check(&tenant, &Custody::default(), &[""]);
}

/// The Global Administrator is blocked; a Conditional Access Administrator can take the policy away first.
#[test]
fn after_a_repair() {
    let users = json!({ "includeUsers": ["a"] });
    let tenant = tenant(json!({
        "users": [user("a", &json!([])), user("c", &json!([]))],
        "roleAssignments": [holds("a", GLOBAL), holds("c", CONDITIONAL_ACCESS)],
        "conditionalAccessPolicies": [policy(json!({ "users": users }), json!(["block"]))],
    }));
    check(&tenant, &Custody::default(), &[""]);
    let question = Question { stage: Stage::AfterRepair, ..Question::headline(Mode::Promised) };
    let found = cuts_of(&tenant, &Custody::default(), &settings(), question);
    assert_eq!(found, ["account:a", "account:c", "password:a", "password:c"]);
    let question = Question { goal: Goal::EditCa, ..Question::headline(Mode::Promised) };
    let found = cuts_of(&tenant, &Custody::default(), &settings(), question);
    assert_eq!(found, ["account:c", "password:c"]);
}

/// A block at high risk needs Identity Protection to stay quiet; multifactor at any risk needs either.
#[test]
fn risk_that_may_be_reported() {
    let mut tenant = tenant(json!({
        "users": [user("a", &passkey())],
        "roleAssignments": [holds("a", GLOBAL)],
        "conditionalAccessPolicies": [policy(json!({ "signInRiskLevels": ["high"] }), json!(["block"]))],
    }));
    let expected = ["account:a", "quiet:signin-risk:a", "method:a#k password:a", "password:a policy:method:Fido2"];
    check(&tenant, &Custody::default(), &expected);
    tenant["conditionalAccessPolicies"] = json!([policy(json!({ "userRiskLevels": ["low", "high"] }), json!(["mfa"]))]);
    let expected = [
        "account:a",
        "method:a#k password:a",
        "method:a#k quiet:user-risk:a",
        "password:a policy:method:Fido2",
        "policy:method:Fido2 quiet:user-risk:a",
    ];
    check(&tenant, &Custody::default(), &expected);
}

/// One of two outside providers, or both of them.
#[test]
fn terms_and_custom_controls() {
    let mut either = policy(json!({}), json!([]));
    either["grantControls"] = json!({ "operator": "OR", "builtInControls": [], "termsOfUse": ["t"],
                                      "customAuthenticationFactors": ["duo"] });
    let mut tenant = tenant(json!({
        "users": [user("a", &json!([]))],
        "roleAssignments": [holds("a", GLOBAL)],
        "conditionalAccessPolicies": [either],
    }));
    check(&tenant, &Custody::default(), &["account:a", "password:a", "control:duo tou:t"]);
    tenant["conditionalAccessPolicies"][0]["grantControls"]["operator"] = json!("AND");
    check(&tenant, &Custody::default(), &["account:a", "control:duo", "password:a", "tou:t"]);
}

/// The share lies where one has to sign in first, as oneself: no way; as somebody else: that one's way.
#[test]
fn a_depository_that_is_reached_by_signing_in() {
    let tenant = tenant(json!({
        "users": [user("a", &json!([])), user("b", &json!([]))],
        "roleAssignments": [holds("a", GLOBAL)],
    }));
    let custody = |who: &str| Custody {
        depositories: [("vault".to_owned(), Depository { signs_in: vec![who.to_owned()], ..Depository::default() })]
            .into(),
        envelopes: vec![Envelope {
            account: "a".to_owned(),
            method: None,
            threshold: 1,
            shares: vec![Share { depository: Some("vault".to_owned()), ..Share::default() }],
        }],
        ..Custody::default()
    };
    check(&tenant, &custody("a"), &[""]);
    let expected = ["account:a", "account:b", "depository:vault", "password:a", "password:b", "share:a#1"];
    check(&tenant, &custody("b@contoso.onmicrosoft.com"), &expected);
}

/// Only a compliant device passes, and it is one by Intune's word.
#[test]
fn a_compliant_device() {
    let device = |owner: &str, is_compliant: bool| {
        json!([{ "id": "d", "accountEnabled": true, "isCompliant": is_compliant, "operatingSystem": "Windows",
                 "trustType": "AzureAd", "registeredOwners": [{ "id": owner }], "registeredUsers": [] }])
    };
    let tenant = |devices: Value| {
        tenant(json!({
            "users": [user("a", &json!([]))],
            "roleAssignments": [holds("a", GLOBAL)],
            "devices": devices,
            "conditionalAccessPolicies": [policy(json!({}), json!(["compliantDevice"]))],
        }))
    };
    let expected = ["account:a", "device:d", "password:a", "svc:intune-compliance"];
    check(&tenant(device("a", true)), &Custody::default(), &expected);
    check(&tenant(device("a", false)), &Custody::default(), &[""]);
    check(&tenant(device("b", true)), &Custody::default(), &[""]);
}

/// An address of the network may lie in a country that is blocked, unless the configuration says where it lies.
#[test]
fn the_country_of_a_network_is_not_known() {
    let locations = json!([headquarters()[0], {
        "@odata.type": "#microsoft.graph.countryNamedLocation", "id": "abroad", "countriesAndRegions": ["KP"],
    }]);
    let inside =
        policy(json!({ "locations": { "includeLocations": ["All"], "excludeLocations": ["hq"] } }), json!(["block"]));
    let mut abroad = policy(json!({ "locations": { "includeLocations": ["abroad"] } }), json!(["block"]));
    abroad["id"] = json!("abroad");
    let tenant = tenant(json!({
        "users": [user("a", &json!([]))],
        "roleAssignments": [holds("a", GLOBAL)],
        "namedLocations": locations,
        "conditionalAccessPolicies": [inside, abroad],
    }));
    let ask =
        |settings: &LockoutSettings, mode| cuts_of(&tenant, &Custody::default(), settings, Question::headline(mode));
    let open = ["account:a", "net:hq", "password:a"];
    assert_eq!(ask(&settings(), Mode::Promised), [""]);
    assert_eq!(ask(&settings(), Mode::Possible), open);
    let here = LockoutSettings { countries: [("hq".to_owned(), "de".to_owned())].into(), ..settings() };
    assert_eq!(ask(&here, Mode::Promised), open);
    let there = LockoutSettings { countries: [("hq".to_owned(), "KP".to_owned())].into(), ..settings() };
    assert_eq!(ask(&there, Mode::Possible), [""]);
}

/// At the portals Microsoft wants a second factor whatever the policies say.
#[test]
fn the_portals_want_a_second_factor() {
    let tenant = tenant(json!({
        "users": [user("a", &json!([])), user("b", &passkey())],
        "roleAssignments": [holds("a", GLOBAL), holds("b", GLOBAL)],
    }));
    // Ways: `b` with the key; or either with a pass that the other issues, at Graph PowerShell with a password, be it
    // one's own or one that the other has set.
    let expected = [
        "account:b",
        "account:a method:b#k",
        "account:a policy:method:Fido2",
        "method:b#k policy:tap-enabled",
        "policy:method:Fido2 policy:tap-enabled",
        "method:b#k password:a password:b",
        "password:a password:b policy:method:Fido2",
    ];
    for surface in [Surface::Portal, Surface::M365] {
        let question = Question { surface: Some(surface), ..Question::headline(Mode::Promised) };
        assert_eq!(cuts_of(&tenant, &Custody::default(), &settings(), question), expected);
    }
}

/// An open session does until policies and prompts are looked at again, and what is looked at is the place.
#[test]
fn sessions_that_are_open() {
    let locations = json!({ "includeLocations": ["All"], "excludeLocations": ["hq"] });
    let mut inside = policy(json!({ "locations": locations }), json!(["block"]));
    inside["id"] = json!("inside");
    let tenant = tenant(json!({
        "users": [user("a", &passkey())],
        "roleAssignments": [holds("a", GLOBAL)],
        "namedLocations": headquarters(),
        "conditionalAccessPolicies": [inside, policy(json!({}), json!(["mfa"]))],
    }));
    let ask = |horizon| {
        let question = Question { horizon, ..Question::headline(Mode::Promised) };
        cuts_of(&tenant, &Custody::default(), &settings(), question)
    };
    assert_eq!(ask(Horizon::Day), ["account:a", "method:a#k", "net:hq", "policy:method:Fido2"]);
    assert_eq!(ask(Horizon::Hour), ["account:a", "net:hq", "live:a method:a#k", "live:a policy:method:Fido2"]);
    assert_eq!(ask(Horizon::Now), ["account:a", "live:a method:a#k", "live:a net:hq", "live:a policy:method:Fido2"]);
}
