//! Random changes of random tenants: what a proposal makes of a snapshot is what reading a file with the changes
//! written into it gives, and taking it back gives the snapshot of before.

use breakglass_model::proposal::{Proposal, ProposalKind, ProposalPlace, Proposed};
use breakglass_testkit::tenants::{random_tenant, snapshot_of};
use breakglass_testkit::{is_full, seed_for};
use serde_json::{Map, Value, json};

use crate::proposals::{same, told};

/// A small generator; its numbers are of no account elsewhere.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % end.max(1) as u64).unwrap()
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

fn list(document: &Value, name: &str) -> Vec<Value> {
    document[name].as_array().cloned().unwrap_or_default()
}

fn place_of(list: &[Value], object: &Value) -> Option<usize> {
    list.iter().position(|known| known["id"] == object["id"])
}

/// `PATCH`, written down plainly: one level after the other.
fn patched(known: &Value, new: &Value) -> Value {
    let (Some(known), Some(new)) = (known.as_object(), new.as_object()) else { return new.clone() };
    let mut members: Map<String, Value> = known.clone();
    for (name, value) in new {
        let old = known.get(name).cloned().unwrap_or(Value::Null);
        let is_object = old.is_object() && value.is_object() && name != "authenticationStrength";
        let is_other =
            value.get("@odata.type").is_some_and(|kind| old.get("@odata.type").is_some_and(|old| old != kind));
        members.insert(name.clone(), if is_object && !is_other { patched(&old, value) } else { value.clone() });
    }
    Value::Object(members)
}

fn says_everything(policy: &Value) -> bool {
    let conditions = &policy["conditions"];
    policy.get("state").is_some()
        && conditions.get("applications").is_some()
        && (conditions.get("users").is_some() || conditions.get("clientApplications").is_some())
        && (policy.get("grantControls").is_some() || policy.get("sessionControls").is_some())
}

/// Writes a list into a tenant; one that was not there becomes one of which only this is known.
fn write(document: &mut Value, name: &str, list: Vec<Value>) {
    if document.get(name).is_none() {
        let mut missing = document["missing"].as_array().cloned().unwrap_or_default();
        if !missing.iter().any(|entry| entry["resource"] == name) {
            missing.push(json!({ "resource": name, "why": "not in the snapshot" }));
        }
        document["missing"] = Value::Array(missing);
    }
    document[name] = Value::Array(list);
}

/// Whether a policy has its users taken away and is about no workload identities either.
fn is_about_nobody(policy: &Value, result: &Value) -> bool {
    fn says_nothing(value: &Value) -> bool {
        match value {
            Value::Object(members) => members.iter().all(|(name, value)| name.contains('@') || says_nothing(value)),
            Value::Array(items) => items.is_empty(),
            other => other.is_null(),
        }
    }
    let has_null = policy["conditions"].get("users").is_some_and(Value::is_null);
    has_null && says_nothing(&result["conditions"]["clientApplications"])
}

fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_object().is_some_and(Map::is_empty)
}

/// Whether nobody of the tenant, of any kind, has the id of a proposed member, where every list is whole.
fn is_nobody(document: &Value, member: &Value) -> bool {
    let id = id_of(member);
    let kind = member["@odata.type"].as_str().unwrap_or_default();
    let is_whole = |name: &str| {
        let missing = list(document, "missing");
        document.get(name).is_some_and(|list| !list.is_null()) && !missing.iter().any(|entry| entry["resource"] == name)
    };
    let lists = ["users", "groups", "servicePrincipals", "administrativeUnits", "devices"];
    let has = |name: &&str| list(document, name).iter().any(|known| known["id"] == *id);
    if lists.iter().any(has) {
        return false;
    }
    match kind.rsplit('.').next().unwrap_or_default() {
        "user" => is_whole("users"),
        "group" => is_whole("groups"),
        "device" | "servicePrincipal" => false,
        _ => lists.iter().filter(|name| **name != "administrativeUnits").all(|name| is_whole(name)),
    }
}

/// Changes, and the tenant with them written in; `None` where one of them is refused.
struct Changes {
    proposal: Proposal,
    after: Option<Value>,
}

impl Changes {
    fn read(&mut self, object: &Value, kind: ProposalKind) {
        let result = self.proposal.read(object.to_string().as_bytes(), "p.json", kind);
        result.unwrap_or_else(|error| panic!("{error}: {object}"));
    }

    fn write(&mut self, name: &str, list: Vec<Value>) {
        if let Some(after) = &mut self.after {
            write(after, name, list);
        }
    }

    /// Some policies of another tenant, whole or in part; and perhaps one is removed.
    fn policies(&mut self, random: &mut Random, document: &Value, other: &Value) {
        let mut policies = list(document, "conditionalAccessPolicies");
        let count = policies.len();
        let removed = random.below(count.max(1) * 2);
        let mut is_changed = removed < count;
        for mut policy in list(other, "conditionalAccessPolicies") {
            let known = place_of(&policies, &policy);
            if random.chance(50) || known == Some(removed) {
                continue;
            }
            if known.is_some() && random.chance(50) {
                let members = policy.as_object_mut().unwrap();
                members.retain(|name, _| name == "id" || random.chance(40));
            }
            self.read(&policy, ProposalKind::Policy);
            is_changed = true;
            let part = known.filter(|_| !says_everything(&policy));
            let result = part.map_or_else(|| policy.clone(), |at| patched(&policies[at], &policy));
            if is_about_nobody(&policy, &result) {
                self.after = None;
            }
            match known {
                Some(at) if says_everything(&policy) => policies[at] = policy,
                Some(at) => policies[at] = patched(&policies[at], &policy),
                None if policy.get("state").is_none() || is_nothing(&policy["conditions"]) => self.after = None,
                None => policies.push(policy),
            }
        }
        if removed < count {
            let gone = policies.remove(removed);
            let is_named = random.chance(50) && gone["deletedDateTime"].is_null();
            let name = if is_named { &gone["displayName"] } else { &gone["id"] };
            let named = Proposed::PolicyRemoved(name.as_str().unwrap().to_owned());
            self.proposal.push(ProposalPlace::new("--remove-policy", ""), named).unwrap();
        }
        if is_changed {
            self.write("conditionalAccessPolicies", policies);
        }
    }

    /// Some groups of another tenant: new ones, and other members of those that are there.
    fn groups(&mut self, random: &mut Random, document: &Value, other: &Value) {
        let (mut groups, mut is_changed) = (list(document, "groups"), false);
        let (mut proposed, mut named) = (Vec::new(), Vec::new());
        for mut group in list(other, "groups") {
            // Several groups of a random tenant have one name, by which one that is new might be found.
            group.as_object_mut().unwrap().remove("displayName");
            if random.chance(60) {
                continue;
            }
            is_changed = true;
            proposed.push(group["id"].clone());
            let known = place_of(&groups, &group).map(|at| list(&groups[at], "members")).unwrap_or_default();
            let is_known = |member: &Value| known.iter().any(|known| id_of(known) == id_of(member));
            named.extend(list(&group, "members").into_iter().filter(|member| !is_known(member)));
            let Some(at) = place_of(&groups, &group) else {
                self.read(&group, ProposalKind::Group);
                groups.push(group);
                continue;
            };
            let members = list(&group, "members");
            self.read(&json!({ "id": group["id"], "members": members }), ProposalKind::Group);
            if groups[at].get("membershipRule").is_some_and(|rule| !rule.is_null()) {
                self.after = None;
            }
            groups[at]["members"] = Value::Array(once_each(members));
        }
        named.retain(|member| !proposed.contains(id_of(member)));
        if named.iter().any(|member| is_nobody(document, member)) {
            self.after = None;
        }
        if is_changed {
            self.write("groups", groups);
        }
    }
}

fn id_of(member: &Value) -> &Value {
    member.get("id").unwrap_or(member)
}

fn once_each(members: Vec<Value>) -> Vec<Value> {
    let mut once: Vec<Value> = Vec::new();
    for member in members {
        if !once.iter().any(|known| id_of(known) == id_of(&member)) {
            once.push(member);
        }
    }
    once
}

#[test]
fn a_proposal_is_the_file_with_the_changes_written_in_seed() {
    let seed = seed_for("random proposals");
    let rounds = if is_full() { 20_000 } else { 300 };
    let (mut applied_count, mut refused_count, mut changed_count) = (0, 0, 0);
    for round in 0..rounds {
        let mut random = Random(seed.wrapping_add(round));
        let name = format!("round {round}");
        let tenant = random_tenant(seed.wrapping_add(round));
        let other = random_tenant(seed.wrapping_add(round).wrapping_mul(31).wrapping_add(7));
        let document: Value = serde_json::from_str(&tenant.json).unwrap();
        let other: Value = serde_json::from_str(&other.json).unwrap();
        let mut changes = Changes { proposal: Proposal::default(), after: Some(document.clone()) };
        changes.policies(&mut random, &document, &other);
        changes.groups(&mut random, &document, &other);
        let Changes { proposal, after } = changes;
        let before = tenant.snapshot.clone();
        let mut snapshot = tenant.snapshot;
        match (snapshot.with_proposal(&proposal), after) {
            (Ok(applied), Some(after)) => {
                same(&told(&snapshot), &told(&snapshot_of(&after).unwrap()), &name);
                changed_count += usize::from(snapshot != before);
                snapshot.undo(applied);
                applied_count += 1;
            }
            (Err(_), None) => refused_count += 1,
            (Ok(applied), None) => panic!("{name}: {applied:#?} was to be refused"),
            (Err(error), Some(_)) => panic!("{name}: {error}"),
        }
        assert_eq!(snapshot, before, "{name}");
    }
    println!("{applied_count} applied, {changed_count} of them changed something, {refused_count} refused");
    assert!(changed_count > 0 && refused_count > 0);
}
