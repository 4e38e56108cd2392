//! What a change to a tenant may do to its minimal cuts and what it may not, on random tenants: the engine against
//! itself.

use std::collections::{BTreeMap, BTreeSet};

use breakglass_model::well_known::GLOBAL_ADMINISTRATOR;
use breakglass_testkit::lockout_laws::questions;
use breakglass_testkit::lockout_referee::{Mode, Question};
use breakglass_testkit::lockout_tenants::{LockoutTenant, lockout_tenant};
use breakglass_testkit::tenants::random::Random;
use breakglass_testkit::{is_full, seed_for};
use serde_json::{Value, json};

use crate::bridge::{cuts, referee_surfaces};
use crate::support::snapshot;

/// Tenants of a run.
const TENANT_COUNT: u64 = 200;
/// Tenants of the long form.
const TENANT_COUNT_FULL: u64 = 2_000;

/// Minimal cuts, each by the ids of its components.
type Cuts = BTreeSet<BTreeSet<String>>;

fn minimal(tenant: &LockoutTenant, question: Question) -> Cuts {
    cuts(tenant, question).into_iter().map(|cut| cut.into_iter().collect()).collect()
}

/// Whether each of these sets of failures leaves nobody a way, too, where the minimal cuts are those.
fn are_cuts(sets: &Cuts, minimal: &Cuts) -> bool {
    sets.iter().all(|set| minimal.iter().any(|cut| cut.is_subset(set)))
}

/// Size of the smallest; a tenant without a cut is above every other.
fn order(cuts: &Cuts) -> usize {
    cuts.iter().map(BTreeSet::len).min().unwrap_or(usize::MAX)
}

fn document(tenant: &LockoutTenant) -> Value {
    serde_json::from_str(&tenant.json).unwrap()
}

/// The tenant with another document.
fn with(tenant: &LockoutTenant, document: &Value) -> LockoutTenant {
    LockoutTenant { json: document.to_string(), snapshot: snapshot(document), ..tenant.clone() }
}

/// Appends to a list; false where the export does not have it, so that it would turn up with what is appended.
fn append(document: &mut Value, list: &str, member: Value) -> bool {
    let list = document.get_mut(list).and_then(Value::as_array_mut);
    list.map(|list| list.push(member)).is_some()
}

fn ids(document: &Value, list: &str) -> Vec<String> {
    let members = document[list].as_array().into_iter().flatten();
    members.filter_map(|member| member["id"].as_str()).map(str::to_owned).collect()
}

/// How often a law was tried, and how often the cuts were others afterwards.
#[derive(Debug, Default)]
struct Tried {
    tenants: u64,
    questions: u64,
    changed: u64,
    orders_changed: u64,
}

/// Tries a law: `change` makes the tenants that are compared with the one that is drawn, `holds` says of the cuts
/// before and after whether they may be so.
fn for_all(
    law: &str,
    change: impl Fn(&LockoutTenant, &mut Random) -> Option<LockoutTenant>,
    is_asked: impl Fn(Question) -> bool,
    holds: impl Fn(&Cuts, &Cuts) -> bool,
) -> Tried {
    let first = seed_for(law);
    let surfaces = referee_surfaces();
    let mut tried = Tried::default();
    for seed in (0..if is_full() { TENANT_COUNT_FULL } else { TENANT_COUNT }).map(|at| first.wrapping_add(at)) {
        let before = lockout_tenant(seed, &surfaces);
        let Some(after) = change(&before, &mut Random::new(seed ^ 0x00c4_a26e)) else { continue };
        tried.tenants += 1;
        for question in questions(seed).into_iter().filter(|question| is_asked(*question)) {
            let cuts = [minimal(&before, question), minimal(&after, question)];
            tried.questions += 1;
            tried.changed += u64::from(cuts[0] != cuts[1]);
            tried.orders_changed += u64::from(order(&cuts[0]) != order(&cuts[1]));
            assert!(
                holds(&cuts[0], &cuts[1]),
                "{law}, seed {seed}: {question:?}\nbefore {:?}\nafter  {:?}\n{}\n{}",
                cuts[0],
                cuts[1],
                before.json,
                after.json
            );
        }
    }
    println!("{law}: {tried:?}");
    tried
}

#[test]
fn excluding_a_user_never_lowers_the_order_by_seed() {
    let exclude = |tenant: &LockoutTenant, random: &mut Random| {
        let mut document = document(tenant);
        let people = ids(&document, "users");
        let policies = document.get_mut("conditionalAccessPolicies")?.as_array_mut()?;
        let at = random.below(policies.len());
        let users = policies.get_mut(at)?.pointer_mut("/conditions/users")?.as_object_mut()?;
        let excluded = users.entry("excludeUsers").or_insert_with(|| json!([]));
        excluded.as_array_mut()?.push(json!(people.get(random.below(people.len()))?));
        Some(with(tenant, &document))
    };
    let tried = for_all(
        "excluding_a_user_never_lowers_the_order",
        exclude,
        |_| true,
        |before, after| are_cuts(after, before) && order(after) >= order(before),
    );
    assert!(tried.orders_changed > 0, "it never mattered");
}

#[test]
fn adding_a_policy_never_raises_the_order_by_seed() {
    let surfaces = referee_surfaces();
    let add = |tenant: &LockoutTenant, random: &mut Random| {
        let mut document = document(tenant);
        // Another tenant of the same small world, whose people, groups and locations have the same ids.
        let others = self::document(&lockout_tenant(tenant.seed.wrapping_add(1 << 32), &surfaces));
        let others = others["conditionalAccessPolicies"].as_array()?.clone();
        let mut policy = others.get(random.below(others.len()))?.clone();
        policy["id"] = json!("added");
        policy["state"] = json!("enabled");
        append(&mut document, "conditionalAccessPolicies", policy).then(|| with(tenant, &document))
    };
    let tried = for_all(
        "adding_a_policy_never_raises_the_order",
        add,
        |_| true,
        |before, after| are_cuts(before, after) && order(after) <= order(before),
    );
    assert!(tried.orders_changed > 0, "it never mattered");
}

/// Lists whose objects get other ids.
const RENAMED: [&str; 6] =
    ["users", "groups", "devices", "administrativeUnits", "namedLocations", "conditionalAccessPolicies"];

/// New ids, so that what came first comes last.
fn new_ids(document: &Value) -> BTreeMap<String, String> {
    let mut all: BTreeSet<String> = RENAMED.iter().flat_map(|list| ids(document, list)).collect();
    let users = document["users"].as_array().into_iter().flatten();
    let methods = users.flat_map(|user| user["authenticationMethods"].as_array().into_iter().flatten());
    all.extend(methods.filter_map(|method| method["id"].as_str()).map(str::to_owned));
    all.extend(["terms", "duo"].map(str::to_owned));
    let count = all.len();
    (1..).zip(all).map(|(at, id): (usize, String)| (id, format!("renamed-{:03}", count - at))).collect()
}

fn rename(value: &mut Value, to: &BTreeMap<String, String>) {
    match value {
        Value::String(text) => {
            if let Some(new) = to.get(text) {
                new.clone_into(text);
            }
        }
        Value::Array(members) => members.iter_mut().for_each(|member| rename(member, to)),
        Value::Object(members) => members.values_mut().for_each(|member| rename(member, to)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn renamed(tenant: &LockoutTenant) -> LockoutTenant {
    let mut document = document(tenant);
    let to = new_ids(&document);
    rename(&mut document, &to);
    let new = |id: &String| to.get(id).unwrap_or(id).clone();
    let mut renamed = with(tenant, &document);
    for envelope in &mut renamed.custody.envelopes {
        envelope.account = new(&envelope.account);
        envelope.method = envelope.method.as_ref().map(new);
    }
    for depository in renamed.custody.depositories.values_mut() {
        depository.signs_in = depository.signs_in.iter().map(new).collect();
    }
    renamed.settings.countries = tenant.settings.countries.iter().map(|(id, code)| (new(id), code.clone())).collect();
    renamed
}

/// The id of a component with the new ids in it.
fn renamed_component(id: &str, to: &BTreeMap<String, String>) -> String {
    let parts = id.split_inclusive([':', '#']).map(|part| {
        let name = part.trim_end_matches([':', '#']);
        let end = part.strip_prefix(name).unwrap_or_default();
        format!("{}{end}", to.get(name).map_or(name, String::as_str))
    });
    parts.collect()
}

#[test]
fn renaming_every_object_renames_the_cuts_by_seed() {
    let first = seed_for("renaming_every_object_renames_the_cuts");
    let surfaces = referee_surfaces();
    let (mut questions_asked, mut moved, mut cuts_compared) = (0, 0, 0);
    let count = if is_full() { TENANT_COUNT_FULL } else { TENANT_COUNT };
    for seed in (0..count).map(|at| first.wrapping_add(at)) {
        let before = lockout_tenant(seed, &surfaces);
        let after = renamed(&before);
        let to = new_ids(&document(&before));
        for question in questions(seed) {
            let old = minimal(&before, question);
            let expected: Cuts =
                old.iter().map(|cut| cut.iter().map(|id| renamed_component(id, &to)).collect()).collect();
            let found = minimal(&after, question);
            assert_eq!(found, expected, "seed {seed}: {question:?}\n{}\n{}", before.json, after.json);
            questions_asked += 1;
            cuts_compared += found.len();
            moved += u64::from(found != old);
        }
    }
    println!("{count} tenants, {questions_asked} questions, {cuts_compared} cuts, renamed in {moved} questions");
    assert!(moved * 2 > questions_asked, "names must matter often");
}

/// A new person of whom everything is known.
fn person(is_enabled: bool) -> Value {
    json!({
        "id": "newcomer", "userPrincipalName": "newcomer@contoso.onmicrosoft.com", "userType": "Member",
        "accountEnabled": is_enabled, "onPremisesSyncEnabled": false, "isManagementRestricted": false,
        "authenticationMethods": [
            { "@odata.type": "#microsoft.graph.fido2AuthenticationMethod", "id": "newkey",
              "aaGuid": "90a3ccdf-635c-4729-a248-9b709135078f" },
        ],
    })
}

fn with_administrator(tenant: &LockoutTenant, is_enabled: bool, role: &str) -> Option<LockoutTenant> {
    let mut document = document(tenant);
    let assignment = json!({ "principalId": "newcomer", "roleDefinitionId": role, "directoryScopeId": "/" });
    let is_there =
        append(&mut document, "users", person(is_enabled)) && append(&mut document, "roleAssignments", assignment);
    is_there.then(|| with(tenant, &document))
}

#[test]
fn a_disabled_administrator_changes_no_cut_by_seed() {
    let tried = for_all(
        "a_disabled_administrator_changes_no_cut",
        |tenant, _| with_administrator(tenant, false, GLOBAL_ADMINISTRATOR),
        |_| true,
        |before, after| before == after,
    );
    assert!(tried.tenants > 100);
}

#[test]
fn an_administrator_who_is_needed_for_nothing_changes_no_cut_by_seed() {
    // Reports Reader. Where the list of roles is not all there, it may be that the newcomer holds another.
    let tried = for_all(
        "an_administrator_who_is_needed_for_nothing_changes_no_cut",
        |tenant, _| with_administrator(tenant, true, "4a5d8f65-41da-4de4-8968-e035b65339cf"),
        |question| question.mode == Mode::Promised,
        |before, after| before == after,
    );
    assert!(tried.tenants > 100);
}

#[test]
fn an_administrator_who_gets_in_does_change_cuts_by_seed() {
    // The control of the two laws above: the same newcomer, in a role that matters, is seen.
    let tried = for_all(
        "an_administrator_who_gets_in_does_change_cuts",
        |tenant, _| with_administrator(tenant, true, GLOBAL_ADMINISTRATOR),
        |question| question.mode == Mode::Possible,
        |before, after| order(after) >= order(before),
    );
    assert!(tried.changed > tried.questions / 4, "{tried:?}");
}

#[test]
fn what_nothing_asks_about_changes_no_cut_by_seed() {
    let add = |tenant: &LockoutTenant, random: &mut Random| {
        let mut document = document(tenant);
        let mut policy = document["conditionalAccessPolicies"][0].clone();
        if policy.is_object() {
            policy["id"] = json!("switched-off");
            policy["state"] = json!("disabled");
        }
        let facts = [
            ("groups", json!({ "id": "choir", "isAssignableToRole": false, "members": [], "owners": [] })),
            ("conditionalAccessPolicies", policy),
            (
                "devices",
                json!({ "id": "kiosk", "deviceId": "kiosk", "accountEnabled": false, "operatingSystem": "Windows",
                        "registeredOwners": [], "registeredUsers": [] }),
            ),
            ("administrativeUnits", json!({ "id": "empty", "isMemberManagementRestricted": true, "members": [] })),
            ("roleDefinitions", json!({ "id": "role-new", "templateId": "role-new", "isBuiltIn": false })),
        ];
        let (list, fact) = &facts[random.below(facts.len())];
        (fact.is_object() && append(&mut document, list, fact.clone())).then(|| with(tenant, &document))
    };
    let law = "what_nothing_asks_about_changes_no_cut";
    let tried = for_all(law, add, |_| true, |before, after| before == after);
    assert!(tried.tenants > 100);
}
