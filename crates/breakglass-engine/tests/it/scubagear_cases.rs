//! ScubaGear's functional tests over its sample tenant, as questions to this engine.
//!
//! ScubaGear compares properties of policies; this engine decides sign-ins. So each case is put as the question that
//! the control asks, and the answer is compared with `ExpectedResult`:
//!
//! - 2.2 is *not checked* there, and nothing in a snapshot could tell: no rule about alerts may pass.
//! - 3.2: does every user, at every application, meet a policy that only multifactor authentication satisfies?
//! - 3.3: is the context shown to everybody who uses Authenticator? A reading of the methods policy that the product
//!   does not judge; the judgement is this test's own.
//! - 3.6: does every holder of the privileged roles meet a policy that only phishing-resistant methods satisfy?
//! - 3.7: is nobody let in from a device that nobody manages, and everybody from a compliant one?
//! - 3.9: is everybody blocked in the device code flow, and not without it?
//! - 7.1 and 7.2: how many users hold Global Administrator, alone and against the other privileged users?
//!
//! The export has privileged users only, so an ordinary user and one holder of each role are added to it. A policy
//! that a test patches and the sample does not have is appended.

use breakglass_engine::access::demand::{Control, Demand, Outcome, OutcomeRange, strength_combinations};
use breakglass_engine::access::surfaces::SURFACES;
use breakglass_engine::access::{Access, AccessSettings, Decision, bits};
use breakglass_engine::posture::{PostureSettings, Status};
use breakglass_model::object::ObjectKey;
use breakglass_model::sign_in::WhatIfRequest;
use breakglass_model::snapshot::{ObjectRow, Snapshot};
use breakglass_model::strength::{MULTIFACTOR_COMBINATIONS, Modes, PHISHING_RESISTANT_COMBINATIONS};
use breakglass_model::well_known::GLOBAL_ADMINISTRATOR;
use breakglass_testkit::shared_data;
use serde_json::{Value, json};

use crate::support::{now, of_rule, report, snapshot_of};

/// The roles that ScubaGear counts as privileged.
const PRIVILEGED_ROLES: [&str; 8] = [
    "62e90394-69f5-4237-9190-012177145e10",
    "e8611ab8-c189-46e8-94e1-60213ab1f814",
    "fe930be7-5e62-47db-91af-98c3a49a38b1",
    "f28a1f50-f6e7-4571-818b-6a12f2af6b6c",
    "29232cdf-9323-42fd-ade2-1d097af3e4de",
    "8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2",
    "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3",
    "158c047a-c907-4556-b7ef-446551a6b5f7",
];
const ORDINARY: &str = "an-ordinary-user";

/// The sample tenant while a test changes it.
struct Tenant {
    export: Value,
    policies: Vec<Value>,
}

fn read(path: &str) -> Option<Value> {
    let bytes = std::fs::read(shared_data()?.join("data/conditional-access").join(path)).ok()?;
    Some(serde_json::from_slice(&bytes).unwrap())
}

impl Tenant {
    fn sample() -> Option<Self> {
        let export = read("cisagov-ScubaGear-sample-tenant/tenant-snapshot.json")?;
        let policies = read("cisagov-ScubaGear-sample-tenant/policies.json")?;
        Some(Self { export, policies: policies["value"].as_array().unwrap().clone() })
    }

    fn apply(&mut self, precondition: &Value) {
        let splat = &precondition["Splat"];
        match precondition["Command"].as_str().unwrap() {
            "UpdateProviderExport" => {
                let updates = if splat["updates"].is_null() { &splat["Updates"] } else { &splat["updates"] };
                for (path, value) in updates.as_object().unwrap() {
                    match path.as_str() {
                        "conditional_access_policies" => self.policies = value.as_array().unwrap().clone(),
                        "privileged_users" => self.export["privileged_users"] = value.clone(),
                        "authentication_method[0].authentication_method_feature_settings" => {
                            self.export["authentication_method"][0]["authentication_method_feature_settings"] =
                                value.clone();
                        }
                        other => panic!("`{other}` is not in the adapter"),
                    }
                }
            }
            "UpdateCachedConditionalAccessPolicyByName" => {
                let name = splat["displayName"].as_str().unwrap();
                if !self.policies.iter().any(|policy| policy["displayName"] == name) {
                    let conditions = json!({ "clientAppTypes": ["all"] });
                    self.policies.push(
                        json!({ "id": name, "displayName": name, "conditions": conditions, "state": "disabled" }),
                    );
                }
                let policy = self.policies.iter_mut().find(|policy| policy["displayName"] == name).unwrap();
                for (path, value) in splat["updates"].as_object().unwrap() {
                    let slot = path.split('.').fold(&mut *policy, |object, name| &mut object[lower_camel(name)]);
                    merge(slot, value);
                }
            }
            other => panic!("`{other}` is not in the adapter"),
        }
    }

    fn snapshot(&self) -> Snapshot {
        let id = |role: &str| format!("holder-of-{role}");
        let user = |id: String| json!({ "id": id, "userPrincipalName": format!("{id}@contoso.com"), "userType": "Member", "accountEnabled": true });
        let users: Vec<Value> =
            PRIVILEGED_ROLES.iter().map(|role| user(id(role))).chain([user(ORDINARY.to_owned())]).collect();
        let assignment =
            |role: &&str| json!({ "principalId": id(role), "roleDefinitionId": role, "directoryScopeId": "/" });
        let assignments: Vec<Value> = PRIVILEGED_ROLES.iter().map(assignment).collect();
        let documents = [
            ("ProviderSettingsExport.json", self.export.clone()),
            ("conditionalAccessPolicies.json", json!({ "value": self.policies })),
            ("users.json", json!({ "value": users })),
            ("roleAssignments.json", json!({ "value": assignments })),
        ];
        snapshot_of(documents.map(|(name, value)| (name, serde_json::to_vec(&value).unwrap())))
    }
}

fn lower_camel(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

/// Puts a value in the place of another, object by object, with Graph's names.
fn merge(slot: &mut Value, value: &Value) {
    match value {
        Value::Object(members) => {
            if !slot.is_object() {
                *slot = json!({});
            }
            for (name, value) in members {
                merge(&mut slot[lower_camel(name)], value);
            }
        }
        other => *slot = other.clone(),
    }
}

/// Every user of interest at every application, on an unregistered device, as the request says besides.
fn every_sign_in(
    access: &Access<'_>,
    users: &[String],
    conditions: &Value,
    holds: impl Fn(&breakglass_engine::access::Situation) -> bool,
) -> bool {
    let apps = SURFACES.iter().map(|surface| surface.app_id).chain(["an-application-of-somebody-else"]);
    let apps: Vec<&str> = apps.collect();
    users.iter().all(|user| {
        apps.iter().all(|app| {
            let request = json!({ "signInIdentity": { "userId": user }, "signInContext": { "includeApplications": [app] },
                "signInConditions": conditions });
            let bytes = serde_json::to_vec(&request).unwrap();
            holds(&access.situation(&WhatIfRequest::from_json(&bytes).unwrap()).unwrap())
        })
    })
}

fn everybody() -> Vec<String> {
    let holders = PRIVILEGED_ROLES.iter().map(|role| format!("holder-of-{role}"));
    holders.chain([ORDINARY.to_owned()]).collect()
}

/// Whether a policy in force applies whose every alternative is one of some combinations.
fn demands_one_of(
    access: &Access<'_>,
    situation: &breakglass_engine::access::Situation,
    combinations: &[Modes],
) -> bool {
    let mut decision = Decision::default();
    access.decide(situation, &mut decision);
    let applied = access.applied(&decision);
    let applied =
        applied.enabled.iter().enumerate().flat_map(|(word, mask)| bits(*mask).map(move |bit| word * 64 + bit));
    let is_one = |policy: usize, control: &Control| match control {
        Control::Mfa => MULTIFACTOR_COMBINATIONS.iter().all(|modes| combinations.contains(modes)),
        Control::AuthenticationStrength(id) => {
            let allowed = strength_combinations(access.snapshot(), &access.policies()[policy], id).unwrap();
            !allowed.is_empty() && allowed.iter().all(|modes| combinations.contains(modes))
        }
        _ => false,
    };
    applied.into_iter().any(|policy| match &access.compiled().demands()[policy] {
        Demand::All(controls) => controls.iter().any(|control| is_one(policy, control)),
        Demand::Any(controls) => controls.iter().all(|control| is_one(policy, control)),
        Demand::Nothing | Demand::Block | Demand::Unknown(_) => false,
    })
}

/// Whether every sign-in in the browser is decided like this.
fn outcome_everywhere(access: &Access<'_>, conditions: &Value, is_wanted: fn(OutcomeRange) -> bool) -> bool {
    every_sign_in(access, &everybody(), conditions, |situation| is_wanted(access.outcome(situation)))
}

/// Users of the export who hold Global Administrator, and who hold something else privileged.
fn privileged_users(access: &Access<'_>) -> (usize, usize) {
    let roles = access.classes().roles();
    let of_export = |key: &ObjectKey| {
        let snapshot = access.snapshot();
        matches!(snapshot.row(*key), ObjectRow::User(_)) && !snapshot.objects.id(*key).starts_with("holder-of-")
    };
    let holders = |role: &str| -> Vec<ObjectKey> { roles.principals(role).iter().copied().filter(of_export).collect() };
    let global = holders(GLOBAL_ADMINISTRATOR);
    let mut others: Vec<ObjectKey> = PRIVILEGED_ROLES.iter().flat_map(|role| holders(role)).collect();
    others.sort();
    others.dedup();
    others.retain(|key| !global.contains(key));
    (global.len(), others.len())
}

/// What the Authenticator's settings say: application and place shown to everybody.
fn shows_context(snapshot: &Snapshot) -> bool {
    let policy = snapshot.authentication_methods_policy.as_present().unwrap();
    let Some(authenticator) = policy.configuration("MicrosoftAuthenticator") else { return true };
    if authenticator.state.as_deref() != Some("enabled") {
        return true;
    }
    let settings = &authenticator.rest["featureSettings"];
    ["displayAppInformationRequiredState", "displayLocationInformationRequiredState"].iter().all(|name| {
        let setting = &settings[*name];
        setting["state"] == "enabled" && setting["includeTarget"]["id"] == "all_users"
    })
}

fn answer(control: &str, tenant: &Tenant) -> bool {
    let snapshot = tenant.snapshot();
    let access = Access::compile(&snapshot, &AccessSettings::at(now())).unwrap();
    let browser = json!({ "devicePlatform": "windows", "clientAppType": "browser", "ipAddress": "203.0.113.9" });
    let with = |name: &str, value: Value| {
        let mut conditions = browser.clone();
        conditions[name] = value;
        conditions
    };
    let is_open = |range: OutcomeRange| matches!(range.known(), Some(Outcome::Allowed | Outcome::Challenge));
    match control {
        "MS.AAD.2.2v1" => {
            let report = report(&snapshot, &[ORDINARY], &PostureSettings::default(), now());
            let alerts = of_rule(&report, "BG0601");
            !alerts.is_empty() && alerts.iter().all(|finding| finding.status == Status::Pass)
        }
        "MS.AAD.3.2v2" => every_sign_in(&access, &everybody(), &browser, |situation| {
            demands_one_of(&access, situation, MULTIFACTOR_COMBINATIONS)
        }),
        "MS.AAD.3.3v2" => shows_context(&snapshot),
        "MS.AAD.3.6v1" => {
            let holders: Vec<String> = PRIVILEGED_ROLES.iter().map(|role| format!("holder-of-{role}")).collect();
            every_sign_in(&access, &holders, &browser, |situation| {
                demands_one_of(&access, situation, PHISHING_RESISTANT_COMBINATIONS)
            })
        }
        "MS.AAD.3.7v1" => {
            let compliant = with("deviceInfo", json!({ "isCompliant": true, "trustType": "AzureAD" }));
            let hybrid = with("deviceInfo", json!({ "trustType": "ServerAD" }));
            outcome_everywhere(&access, &browser, |range| range.known() == Some(Outcome::Unsatisfiable))
                && outcome_everywhere(&access, &compliant, is_open)
                && outcome_everywhere(&access, &hybrid, is_open)
        }
        "MS.AAD.3.9v1" => {
            let flow = with("authenticationFlow", json!({ "transferMethod": "deviceCodeFlow" }));
            outcome_everywhere(&access, &flow, |range| range.known() == Some(Outcome::Blocked))
                && outcome_everywhere(&access, &browser, is_open)
        }
        "MS.AAD.7.1v1" => (2..=8).contains(&privileged_users(&access).0),
        "MS.AAD.7.2v1" => {
            let (global, others) = privileged_users(&access);
            global <= 8 && global <= others
        }
        other => panic!("{other} has no question"),
    }
}

/// The tests of a plan: control, test.
fn tests() -> Option<Vec<(String, Value)>> {
    let plan = read("cisagov-ScubaGear-aad-functional-tests/tests.json")?;
    let of_control = |control: &Value| -> Vec<(String, Value)> {
        let id = control["PolicyId"].as_str().unwrap().to_owned();
        control["Tests"].as_array().unwrap().iter().map(|test| (id.clone(), test.clone())).collect()
    };
    Some(plan["TestPlan"].as_array().unwrap().iter().flat_map(of_control).collect())
}

fn is_in_scope(control: &str) -> bool {
    ["MS.AAD.2.", "MS.AAD.3.2", "MS.AAD.3.3", "MS.AAD.3.6", "MS.AAD.3.7", "MS.AAD.3.9", "MS.AAD.7.1", "MS.AAD.7.2"]
        .iter()
        .any(|prefix| control.starts_with(prefix))
}

fn check(description: &str) {
    let (Some(tests), Some(mut tenant)) = (tests(), Tenant::sample()) else {
        return println!("ScubaGear {description}: skipped, the shared set is not beside the workspace");
    };
    println!("ScubaGear {description}");
    let (control, test) = tests.into_iter().find(|(_, test)| test["TestDescription"] == description).unwrap();
    test["Preconditions"].as_array().unwrap().iter().for_each(|precondition| tenant.apply(precondition));
    assert_eq!(json!(answer(&control, &tenant)), test["ExpectedResult"], "{description}");
}

macro_rules! cases {
    ($($function:ident: $description:literal,)+) => {
        $(#[test] fn $function() { check($description); })+

        #[test]
        fn every_test_in_scope_is_run() {
            let Some(tests) = tests() else { return println!("skipped: the shared set is not beside the workspace") };
            let listed = [$($description),+];
            for (control, test) in tests.iter().filter(|(control, _)| is_in_scope(control)) {
                let description = test["TestDescription"].as_str().unwrap();
                assert!(listed.contains(&description), "{control}: `{description}` is not in the list");
            }
            assert_eq!(tests.iter().filter(|(control, _)| is_in_scope(control)).count(), listed.len());
        }
    };
}

cases! {
    ms_aad_2_2_not_checked: "MS.AAD.2.2v1 Not Checked",
    ms_aad_3_2_no_policies: "MS.AAD.3.2v2 Non-Compliant case - No MFA policies",
    ms_aad_3_2_built_in_control:
        "MS.AAD.3.2v2 Compliant case - Non specific MFA method is enforced via BuiltInControls",
    ms_aad_3_2_strength: "MS.AAD.3.2v2 Compliant case - Authentication Strength with Multifactor Authentication is enforced",
    ms_aad_3_2_custom_strength: "MS.AAD.3.2v2 Compliant case - Custom Authentication Strength passwordless MFA",
    ms_aad_3_3_disabled: "MS.AAD.3.3v2 Not-applicable case - MS Auth Disabled",
    ms_aad_3_3_hidden: "MS.AAD.3.3v2 Non-Compliant case - MS Auth App name and Geolocation disabled",
    ms_aad_3_3_shown: "MS.AAD.3.3v2 Compliant case - MS Auth Configured Correctly",
    ms_aad_3_6_bad_strength: "MS.AAD.3.6v1 Non-Compliant case - Bad Authentication Strength included",
    ms_aad_3_6_compliant: "MS.AAD.3.6v1 Compliant case",
    ms_aad_3_7_one_user:
        "MS.AAD.3.7v1 Non-Compliant case - require compliant or domain joined device only for specific user",
    ms_aad_3_7_everybody: "MS.AAD.3.7v1 Compliant case - require compliant or domain joined device for everyone",
    ms_aad_3_9_disabled: "MS.AAD.3.9v1 Non-Compliant case - Device code block disabled",
    ms_aad_3_9_enabled: "MS.AAD.3.9v1 Compliant case - Device code block enabled",
    ms_aad_7_1_too_many: "MS.AAD.7.1v1 Non-Compliant case - Too many Global Admins",
    ms_aad_7_1_too_few: "MS.AAD.7.1v1 Non-Compliant case - Too few Global Admins",
    ms_aad_7_1_compliant: "MS.AAD.7.1v1 Compliant case - Max number of Global Admins",
    ms_aad_7_2_too_many: "MS.AAD.7.2v1 Non-Compliant case - Too many Global Admins",
    ms_aad_7_2_more: "MS.AAD.7.2v1 Non-Compliant case - More Global Admins than other privileged roles",
    ms_aad_7_2_equal: "MS.AAD.7.2v1 Compliant case - Equal number of Global Admins and other privileged users",
    ms_aad_7_2_fewer: "MS.AAD.7.2v1 Compliant case - Less number of Global Admins than other privileged users",
}

/// The sample's own policies about risk, which the plan does not test: what controls 2.1 and 2.3 ask.
#[test]
fn the_sample_blocks_high_risk() {
    let Some(tenant) = Tenant::sample() else { return println!("skipped: the shared set is not beside the workspace") };
    let snapshot = tenant.snapshot();
    let access = Access::compile(&snapshot, &AccessSettings::at(now())).unwrap();
    let at = |user: &str, sign_in: &str| json!({ "devicePlatform": "windows", "clientAppType": "browser", "userRiskLevel": user, "signInRiskLevel": sign_in });
    for (conditions, outcome) in [
        (at("high", "none"), Outcome::Blocked),
        (at("none", "high"), Outcome::Blocked),
        (at("medium", "low"), Outcome::Challenge),
    ] {
        let holds = every_sign_in(&access, &everybody(), &conditions, |situation| {
            access.outcome(situation).known() == Some(outcome)
        });
        assert!(holds, "{conditions} is not {outcome:?}");
    }
}
