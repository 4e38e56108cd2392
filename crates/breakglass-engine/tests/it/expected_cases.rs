//! The shared set of expected cases: What If answers from the documentation, device filters, low-privilege scopes,
//! report-only results, and the exclusion posture of another tool's tests.
//!
//! Each case goes through the adapter that the set describes: a list that a case omits is empty and complete, its
//! user is an ordinary enabled member, a policy without an id is `case#index`, and a named location that it mentions
//! without defining is a trusted range that does not contain the address. Where the set is not there, every case
//! says so and ends.

use std::collections::{BTreeMap, BTreeSet};

use breakglass_engine::access::demand::{Control, Outcome, OutcomeRange};
use breakglass_engine::access::device_filter::{DeviceFacts, DeviceFilter};
use breakglass_engine::access::person::Methods;
use breakglass_engine::access::surfaces::{MandatoryMfaPhase, surface};
use breakglass_engine::access::{Access, AccessSettings, Decision, ScopeRequest, Situation, Target, Trit};
use breakglass_engine::posture::accounts::{Accounts, Declared};
use breakglass_engine::posture::rules::RULES;
use breakglass_engine::posture::{Case, PostureSettings, Profile, Status};
use breakglass_model::sign_in::WhatIfRequest;
use breakglass_model::snapshot::{Resource, Snapshot};
use breakglass_testkit::tenants::random_tenant;
use breakglass_testkit::{seed_for, shared_data};
use serde_json::{Map, Value, json};

use crate::support::{line, now, of_rule, report, snapshot};

const PASSWORD: &str = "#microsoft.graph.passwordAuthenticationMethod";
const EXCHANGE_ONLINE: &str = "00000002-0000-0ff1-ce00-000000000000";

fn cases() -> Option<Vec<Value>> {
    let file = shared_data()?.join("data/conditional-access/expected-cases.json");
    let set: Value = serde_json::from_slice(&std::fs::read(file).ok()?).unwrap();
    Some(set["cases"].as_array().unwrap().clone())
}

fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value[name].as_str()
}

/// The adapter: a whole tenant from what a case mentions.
fn tenant(case: &Value) -> Snapshot {
    let id = text(case, "id").unwrap();
    let mut lists: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    let given = |name: &str| case["tenant"][name].as_array().cloned().unwrap_or_default();
    let mut users: BTreeMap<String, Value> = BTreeMap::new();
    let mut add_user = |id: &str| {
        let methods = json!([{ "@odata.type": PASSWORD }]);
        users.insert(
            id.to_owned(),
            json!({ "id": id, "userPrincipalName": format!("{id}@contoso.com"), "userType": "Member",
            "accountEnabled": true, "onPremisesSyncEnabled": null, "authenticationMethods": methods }),
        );
    };
    let groups = given("groups");
    let is_group = |id: &str| groups.iter().any(|group| group["id"] == id);
    let members = groups.iter().flat_map(|group| group["members"].as_array().into_iter().flatten());
    members.filter_map(Value::as_str).filter(|id| !is_group(id)).for_each(&mut add_user);
    text(&case["signIn"]["signInIdentity"], "userId").into_iter().for_each(&mut add_user);
    let configured = case["signIn"]["configured"].as_array().cloned().unwrap_or_default();
    for one in &configured {
        match (text(one, "type").unwrap(), text(one, "id").unwrap()) {
            ("user", id) => add_user(id),
            // A configured group that the case does not define has members that nobody knows.
            (_, id) if !is_group(id) => lists.entry("groups").or_default().push(json!({ "id": id })),
            _ => {}
        }
    }
    for user in given("users") {
        let id = text(&user, "id").unwrap().to_owned();
        add_user(&id);
        for role in user["roles"].as_array().into_iter().flatten() {
            let assignment = json!({ "principalId": id, "roleDefinitionId": role, "directoryScopeId": "/" });
            lists.entry("roleAssignments").or_default().push(assignment);
        }
        for assignment in user["roleAssignments"].as_array().into_iter().flatten() {
            let mut assignment = assignment.clone();
            assignment["principalId"] = json!(id);
            lists.entry("roleAssignments").or_default().push(assignment);
        }
        for role in user["roleEligibility"].as_array().into_iter().flatten() {
            let eligibility = json!({ "principalId": id, "roleDefinitionId": role, "directoryScopeId": "/" });
            lists.entry("roleEligibilityScheduleInstances").or_default().push(eligibility);
        }
    }
    let mut policies = case["policies"].as_array().cloned().unwrap_or_default();
    for (index, policy) in policies.iter_mut().enumerate().filter(|(_, policy)| policy["id"].is_null()) {
        policy["id"] = json!(format!("{id}#{index}"));
    }
    let mut locations = given("namedLocations");
    for name in undefined_locations(&policies, &locations) {
        locations.push(json!({ "@odata.type": "#microsoft.graph.ipNamedLocation", "id": name, "isTrusted": true,
            "ipRanges": [{ "cidrAddress": "198.18.0.0/15" }] }));
    }
    lists.entry("groups").or_default().extend(groups);
    lists.insert("users", users.into_values().collect());
    lists.insert("conditionalAccessPolicies", policies);
    lists.insert("namedLocations", locations);
    let mut document = Map::from_iter([("format".to_owned(), json!("breakglass-snapshot/1"))]);
    for resource in Resource::ALL.iter().filter(|resource| !resource.is_singleton()) {
        let list = lists.remove(resource.name()).unwrap_or_default();
        document.insert(resource.name().to_owned(), list.into());
    }
    snapshot(&document.into())
}

fn undefined_locations(policies: &[Value], defined: &[Value]) -> BTreeSet<String> {
    let lists = policies.iter().flat_map(|policy| {
        let locations = &policy["conditions"]["locations"];
        [&locations["includeLocations"], &locations["excludeLocations"]]
    });
    let names = lists.filter_map(Value::as_array).flatten().filter_map(Value::as_str);
    let is_defined = |name: &str| defined.iter().any(|location| location["id"] == name);
    names.filter(|name| !matches!(*name, "All" | "AllTrusted") && !is_defined(name)).map(str::to_owned).collect()
}

/// The body for `evaluate` in a case's sign-in, without what the set says beside it.
fn situation(access: &Access<'_>, sign_in: &Value) -> Situation {
    let members = ["signInIdentity", "signInContext", "signInConditions", "appliedPoliciesOnly"];
    let body: Map<String, Value> =
        members.iter().filter_map(|name| Some(((*name).to_owned(), sign_in.get(*name)?.clone()))).collect();
    let bytes = serde_json::to_vec(&body).unwrap();
    access.situation(&WhatIfRequest::from_json(&bytes).unwrap()).unwrap()
}

/// What a case says was satisfied already.
fn satisfied(sign_in: &Value) -> Vec<Control> {
    let names = sign_in["satisfied"].as_array().into_iter().flatten().filter_map(Value::as_str);
    names.map(|name| if name == "mfa" { Control::Mfa } else { panic!("`{name}` is not in the adapter") }).collect()
}

/// `granted` is allowed, since only policies in force are in the outcome; `denied` cannot be satisfied.
fn outcome_word(range: OutcomeRange) -> &'static str {
    match range.known() {
        Some(Outcome::Allowed) => "granted",
        Some(Outcome::Unsatisfiable) => "denied",
        Some(Outcome::Blocked) => "blocked",
        Some(Outcome::Challenge) => "challenge",
        None => "unknown",
    }
}

/// The case with this id, if the set is there. Names the case either way.
fn case(id: &str) -> Option<Value> {
    let Some(cases) = cases() else {
        println!("expected case {id}: skipped, the shared set is not beside the workspace");
        return None;
    };
    println!("expected case {id}");
    Some(cases.into_iter().find(|case| case["id"] == id).unwrap_or_else(|| panic!("no case {id} in the set")))
}

fn check(id: &str) {
    let Some(case) = case(id) else { return };
    let (sign_in, expected) = (&case["signIn"], case["expect"].as_object().unwrap());
    if sign_in["posture"] == "emergencyAccessExcludedEverywhere" {
        return check_posture(&case);
    }
    if !sign_in["requestedScopes"].is_null() {
        return check_scopes(&case);
    }
    if expected.contains_key("appliedPolicies") {
        return check_property();
    }
    let snapshot = tenant(&case);
    let access = Access::compile(&snapshot, &AccessSettings::at(now())).unwrap();
    let situation = situation(&access, sign_in);
    let satisfied = satisfied(sign_in);
    let applies = |index: usize| access.analyse_policy(index, &situation).applies;
    let index_of = |id: &str| access.policies().iter().position(|policy| policy.id.as_str() == id).unwrap();
    for (name, wanted) in expected {
        match name.as_str() {
            "policyApplies" => assert_eq!(applies(0), Trit::from(wanted.as_bool().unwrap()), "{id}: policyApplies"),
            "filterMatches" => {
                let rule = text(&case["policies"][0]["conditions"]["devices"]["deviceFilter"], "rule").unwrap();
                let filter = DeviceFilter::parse(rule).unwrap();
                let facts = device_facts(&sign_in["signInConditions"]["deviceInfo"]);
                assert_eq!(json!(filter.matches(&facts)), *wanted, "{id}: filterMatches");
            }
            "analysisReasons" if expected.contains_key("applied_contains") => {
                for policy in expected["applied_contains"].as_array().unwrap() {
                    let analysis = access.analyse_policy(index_of(policy.as_str().unwrap()), &situation);
                    assert_eq!(json!(analysis.reason.name()), *wanted, "{id}: reason of {policy}");
                }
            }
            "analysisReasons" => {
                assert_eq!(json!(access.analyse_policy(0, &situation).reason.name()), *wanted, "{id}: reason");
            }
            "applied_contains" | "not_applied" => {
                for policy in wanted.as_array().unwrap() {
                    let index = index_of(policy.as_str().unwrap());
                    assert_eq!(applies(index), Trit::from(name == "applied_contains"), "{id}: {policy} {name}");
                }
            }
            "outcome" | "caOutcome" => {
                let (range, _) = access.outcome_with(&situation, &satisfied);
                assert_eq!(json!(outcome_word(range)), *wanted, "{id}: {name}");
            }
            "error" => {
                let (_, code) = access.outcome_with(&situation, &satisfied);
                assert_eq!(json!(code), *wanted, "{id}: error");
            }
            "appliedResult" => {
                assert_eq!(json!(access.applied_result(0, &situation, &satisfied).name()), *wanted, "{id}: result");
            }
            "allOf" => assert_eq!(unmet(&access, &situation), strings(wanted), "{id}: what is demanded"),
            "platformOutcome" => check_platform(&snapshot, sign_in, wanted.as_str().unwrap()),
            other => panic!("{id}: `{other}` is not in the adapter"),
        }
    }
}

fn strings(list: &Value) -> BTreeSet<String> {
    list.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

fn unmet(access: &Access<'_>, situation: &Situation) -> BTreeSet<String> {
    let (mut decision, mut unmet) = (Decision::default(), Vec::new());
    access.decide(situation, &mut decision);
    access.unmet(&decision, situation.grant, &mut unmet);
    unmet.iter().map(|index| access.control_names()[usize::from(*index)].clone()).collect()
}

fn device_facts(device: &Value) -> DeviceFacts {
    let text = |name: &str| device[name].as_str().map(str::to_owned);
    let mut facts = DeviceFacts {
        device_id: text("deviceId"),
        is_compliant: device["isCompliant"].as_bool(),
        trust_type: text("trustType"),
        operating_system: text("operatingSystem"),
        ..DeviceFacts::default()
    };
    facts.extension_attributes[0] = text("extensionAttribute1");
    facts
}

/// Beside Conditional Access: what the portal demands of somebody who has a password only.
fn check_platform(snapshot: &Snapshot, sign_in: &Value, wanted: &str) {
    assert_eq!(sign_in["credential"], "password", "the adapter knows passwords only");
    let user = snapshot.find_user(text(&sign_in["signInIdentity"], "userId").unwrap()).unwrap();
    let app = sign_in["signInContext"]["includeApplications"][0].as_str().unwrap();
    let is_demanded = surface(app).unwrap().mandatory_mfa == Some(MandatoryMfaPhase::SignIn);
    let can = Methods::of(user).meet_mfa();
    assert!(wanted.starts_with("mandatoryMfaRequired") && is_demanded && can == Trit::No, "{wanted}: {app}, {can:?}");
}

/// Scopes so low that they once let a sign-in pass: before and after the enforcement.
fn check_scopes(case: &Value) {
    let id = text(case, "id").unwrap();
    let scopes: Vec<String> = strings(&case["signIn"]["requestedScopes"]).into_iter().collect();
    // The set writes the resource of a scope before a colon.
    let resource = scopes.iter().find_map(|scope| scope.split_once(':')).map(|(resource, _)| {
        assert_eq!(resource, "SharePoint", "{id}: the adapter knows no other resource");
        "00000003-0000-0ff1-ce00-000000000000".into()
    });
    let target = ScopeRequest { resource, scopes }.target();
    let snapshot = tenant(case);
    let expected = &case["expect"];
    for (at, name) in
        [("2026-02-01T00:00:00Z", "mfaRequired_before_2026_03"), ("2026-07-01T00:00:00Z", "mfaRequired_after")]
    {
        let access = Access::compile(&snapshot, &AccessSettings::at(at.parse().unwrap())).unwrap();
        let situation = access.to_target(access.nobody(), &target);
        let is_demanded = access.outcome(&situation) == OutcomeRange::exactly(Outcome::Challenge);
        assert_eq!(json!(is_demanded), expected[name], "{id}: {name}");
    }
    if let Some(audience) = text(expected, "enforcementAudience_after") {
        assert_eq!((&target, audience), (&Target::LowPrivilegeScopes, "00000002-0000-0000-c000-000000000000"), "{id}");
    }
}

/// Exclusion posture: BG0401 under the profile `classic`; every configured principal is judged.
fn check_posture(case: &Value) {
    let id = text(case, "id").unwrap();
    let configured = case["signIn"]["configured"].as_array().unwrap();
    let accounts: Vec<&str> = configured.iter().map(|one| text(one, "id").unwrap()).collect();
    let settings = PostureSettings { profile: Profile::Classic, ..PostureSettings::default() };
    let report = report(&tenant(case), &accounts, &settings, now());
    let findings = of_rule(&report, "BG0401");
    let passes = findings.iter().all(|finding| finding.status == Status::Pass);
    let lines: Vec<String> = findings.iter().map(|finding| line(finding)).collect();
    assert_eq!(json!(passes), case["expect"]["pass"], "{id}: {lines:?}");
}

/// Property over any tenant: an account that BG0401 passes under `classic` meets no policy in force at an Exchange
/// ActiveSync sign-in to Exchange Online.
fn check_property() {
    let seed = seed_for("maester-MT.1034");
    let settings = PostureSettings { profile: Profile::Classic, ..PostureSettings::default() };
    let rule = RULES.iter().find(|rule| rule.code() == "BG0401").unwrap();
    let (mut held, mut others) = (0, 0);
    for round in 0..150 {
        let tenant = random_tenant(seed.wrapping_add(round));
        let access = Access::compile(&tenant.snapshot, &AccessSettings::at(now())).unwrap();
        for user in tenant.snapshot.users.items() {
            let id = tenant.snapshot.objects.id(user.key);
            let declared = Declared { name: id.to_owned(), origin: "the test".to_owned() };
            let accounts = Accounts::resolve(&tenant.snapshot, &[declared]);
            let (snapshot, settings) = (&tenant.snapshot, &settings);
            let case = Case { snapshot, access: &access, accounts: &accounts, settings, now: now() };
            if rule.check(&case).iter().any(|finding| finding.status != Status::Pass) {
                others += 1;
                continue;
            }
            held += 1;
            let sign_in = json!({ "signInIdentity": { "userId": id }, "signInContext": { "includeApplications": [EXCHANGE_ONLINE] },
                "signInConditions": { "clientAppType": "exchangeActiveSync" } });
            let mut decision = Decision::default();
            access.decide(&situation(&access, &sign_in), &mut decision);
            let applied = access.applied(&decision);
            assert!(applied.enabled.iter().all(|word| *word == 0), "round {round}, user {id}: {}", tenant.json);
        }
    }
    println!("{held} users pass and meet no policy, {others} do not pass");
    assert!(held > 0 && others > 0, "the random tenants show both sides");
}

macro_rules! cases {
    ($($function:ident: $id:literal,)+) => {
        $(#[test] fn $function() { check($id); })+

        #[test]
        fn every_case_of_the_set_is_run() {
            let listed = BTreeSet::from([$($id),+]);
            let Some(cases) = cases() else { return println!("skipped: the shared set is not beside the workspace") };
            let there: BTreeSet<&str> = cases.iter().map(|case| case["id"].as_str().unwrap()).collect();
            assert_eq!(listed, there);
        }
    };
}

cases! {
    whatif_doc_1: "whatif-doc-1",
    whatif_doc_3: "whatif-doc-3",
    whatif_doc_4: "whatif-doc-4",
    evaluate_doc_1: "evaluate-doc-1",
    evaluate_doc_2: "evaluate-doc-2",
    devfilter_01_include_pos: "devfilter-01-include-pos",
    devfilter_02_include_pos: "devfilter-02-include-pos",
    devfilter_03_include_pos: "devfilter-03-include-pos",
    devfilter_06_include_neg: "devfilter-06-include-neg",
    devfilter_07_include_neg: "devfilter-07-include-neg",
    devfilter_08_include_neg: "devfilter-08-include-neg",
    devfilter_11_exclude_pos: "devfilter-11-exclude-pos",
    devfilter_12_exclude_pos: "devfilter-12-exclude-pos",
    devfilter_13_exclude_pos: "devfilter-13-exclude-pos",
    devfilter_16_exclude_neg: "devfilter-16-exclude-neg",
    devfilter_17_exclude_neg: "devfilter-17-exclude-neg",
    devfilter_18_exclude_neg: "devfilter-18-exclude-neg",
    lowpriv_1: "lowpriv-1",
    lowpriv_3: "lowpriv-3",
    lowpriv_4: "lowpriv-4",
    combine_1: "combine-1",
    combine_2_block_wins: "combine-2-block-wins",
    combine_4_and_inside: "combine-4-and-inside",
    exclude_wins_user: "exclude-wins-user",
    exclude_wins_nested_group: "exclude-wins-nested-group",
    au_scoped_role_does_not_count: "au-scoped-role-does-not-count",
    eligible_role_does_not_count: "eligible-role-does-not-count",
    ro_interrupted: "ro-interrupted",
    ro_success_mfa_claim: "ro-success-mfa-claim",
    ro_not_applied: "ro-not-applied",
    loc_unknown_country: "loc-unknown-country",
    loc_alltrusted_excluded: "loc-alltrusted-excluded",
    maester_ea_01: "maester-ea-01",
    maester_ea_02: "maester-ea-02",
    maester_ea_03: "maester-ea-03",
    maester_ea_06: "maester-ea-06",
    maester_ea_07: "maester-ea-07",
    maester_ea_08: "maester-ea-08",
    maester_mt_1034: "maester-MT.1034",
    course_scenario_2: "course-scenario-2",
    course_scenario_2_fixed: "course-scenario-2-fixed",
}
