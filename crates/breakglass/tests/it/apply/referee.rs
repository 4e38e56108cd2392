//! What holds at every moment, and in the end: read from the tenant, and from nothing that `apply` says.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use breakglass_ops::setup;
use breakglass_ops::setup::plan::digest;
use serde_json::{Value, json};

use super::script::Script;
use super::world::{FIRST, GLOBAL_ADMINISTRATOR, GROUP, OPERATOR, SECOND, Scene, World};

/// A tenant as far as a plan may touch it.
pub(super) struct State {
    /// Policies by id, without the dates.
    pub(super) policies: BTreeMap<String, Value>,
    pub(super) users: BTreeMap<String, Value>,
    /// Groups by id, with the ids of their members.
    pub(super) groups: BTreeMap<String, (Value, BTreeSet<String>)>,
    pub(super) units: BTreeMap<String, (Value, BTreeSet<String>)>,
    /// Who holds which role, and where.
    pub(super) assignments: BTreeSet<(String, String, String)>,
    pub(super) methods: Value,
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

/// With the members of every object in one order.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(object) => {
            let members: BTreeMap<String, Value> = object.into_iter().map(|(name, one)| (name, sorted(one))).collect();
            members.into_iter().collect()
        }
        Value::Array(list) => list.into_iter().map(sorted).collect(),
        other => other,
    }
}

fn undated(mut policy: Value) -> Value {
    let object = policy.as_object_mut().unwrap();
    object.retain(|name, value| !name.ends_with("DateTime") && !name.contains("@odata") && !value.is_null());
    policy
}

impl State {
    pub(super) fn of(world: &World) -> Self {
        let by_id = |target: &str| world.list(target).into_iter().map(|one| (text(&one, "id"), sorted(one)));
        let with_members = |kind: &str, (id, one): (String, Value)| {
            let members = world.list(&format!("/v1.0/{kind}/{id}/members?$select=id&$top=999"));
            let members = members.iter().map(|member| text(member, "id")).collect();
            (id, (one, members))
        };
        let users = "/v1.0/users?$select=id,userPrincipalName,accountEnabled,passwordPolicies,mobilePhone&$top=999";
        let groups = "/v1.0/groups?$select=id,displayName,isAssignableToRole&$top=999";
        let units = "/v1.0/directory/administrativeUnits";
        let policies = by_id("/beta/identity/conditionalAccess/policies");
        let assignments = world.list("/v1.0/roleManagement/directory/roleAssignments");
        let assignments = assignments.iter();
        let mut methods = world.get("/v1.0/policies/authenticationMethodsPolicy").unwrap();
        methods.as_object_mut().unwrap().retain(|name, _| !name.ends_with("DateTime") && !name.contains("@odata"));
        Self {
            policies: policies.map(|(id, policy)| (id, undated(policy))).collect(),
            users: by_id(users).collect(),
            groups: by_id(groups).map(|one| with_members("groups", one)).collect(),
            units: by_id(units).map(|one| with_members("directory/administrativeUnits", one)).collect(),
            assignments: assignments
                .map(|one| (text(one, "principalId"), text(one, "roleDefinitionId"), text(one, "directoryScopeId")))
                .collect(),
            methods: sorted(methods),
        }
    }

    fn user(&self, name: &str) -> Option<&str> {
        let mut users = self.users.iter();
        users.find(|(_, user)| text(user, "userPrincipalName") == name).map(|(id, _)| id.as_str())
    }

    /// Ids of groups with the name.
    pub(super) fn carriers(&self) -> Vec<&str> {
        let named = |(_, (group, _)): &(&String, &(Value, BTreeSet<String>))| text(group, "displayName") == GROUP;
        self.groups.iter().filter(named).map(|(id, _)| id.as_str()).collect()
    }

    /// What is the same whatever ids the tenant gives.
    pub(super) fn digest(&self) -> String {
        let whole = json!([
            self.policies,
            self.users,
            self.groups,
            self.units,
            self.assignments.iter().map(|(who, role, at)| json!([who, role, at])).collect::<Vec<_>>(),
            self.methods,
        ]);
        let mut text = whole.to_string();
        let names = self.users.iter().map(|(id, user)| (id, user["userPrincipalName"].to_string()));
        let groups = self.groups.iter().map(|(id, (group, _))| (id, group["displayName"].to_string()));
        let units = self.units.iter().map(|(id, (unit, _))| (id, unit["displayName"].to_string()));
        for (id, name) in names.chain(groups).chain(units) {
            text = text.replace(id.as_str(), name.trim_matches('"'));
        }
        digest(&Value::from(text))
    }
}

/// Who knows how a tenant was, and what may become of it.
pub(super) struct Referee {
    scene: Scene,
    first: State,
    /// Ends that were looked at.
    ends: Mutex<BTreeSet<String>>,
}

impl Referee {
    pub(super) fn new(scene: Scene, world: &World) -> Self {
        Self { scene, first: State::of(world), ends: Mutex::default() }
    }

    /// How many ends were different.
    pub(super) fn end_count(&self) -> usize {
        self.ends.lock().unwrap().len()
    }

    /// What does not hold between two requests; `prepared` are accounts for which there is a password.
    pub(super) fn fault(&self, world: &World, prepared: &BTreeSet<String>) -> Option<String> {
        let now = State::of(world);
        let carriers = now.carriers();
        if carriers.len() > 1 {
            return Some(format!("{} groups are called `{GROUP}`", carriers.len()));
        }
        let own = carriers.first().copied();
        self.policies(&now, own).or_else(|| self.people(&now, own, prepared)).or_else(|| self.methods(&now, own))
    }

    /// No policy is weaker by more than the exclusion of the one group.
    fn policies(&self, now: &State, own: Option<&str>) -> Option<String> {
        if !now.policies.keys().eq(self.first.policies.keys()) {
            return Some("a policy is new or gone".to_owned());
        }
        now.policies.iter().find_map(|(id, policy)| {
            let mut was = self.first.policies[id].clone();
            let mut is = policy.clone();
            let without = |policy: &mut Value| {
                let users = policy["conditions"]["users"].as_object_mut().unwrap();
                let groups = users.remove("excludeGroups").unwrap_or_default();
                groups.as_array().cloned().unwrap_or_default()
            };
            let (before, mut after) = (without(&mut was), without(&mut is));
            after.retain(|group| before.contains(group) || group.as_str() != own);
            (was != is || before != after)
                .then(|| format!("policy `{}` is another: {policy}", text(policy, "displayName")))
        })
    }

    /// Whoever could sign in still can, nobody else came, and whoever is in the group belongs there or was there.
    fn people(&self, now: &State, own: Option<&str>, prepared: &BTreeSet<String>) -> Option<String> {
        for (id, user) in &self.first.users {
            let is_there = now.users.get(id).is_some_and(|one| one["accountEnabled"] == true);
            if user["accountEnabled"] == true && !is_there {
                return Some(format!("{} cannot sign in any more", text(user, "userPrincipalName")));
            }
        }
        if let Some(lost) = self.first.assignments.difference(&now.assignments).next() {
            return Some(format!("{lost:?} is gone"));
        }
        for (id, user) in now.users.iter().filter(|(id, _)| !self.first.users.contains_key(*id)) {
            let name = text(user, "userPrincipalName");
            if !prepared.contains(&name) {
                return Some(format!("{name} ({id}) has a password that nobody has"));
            }
        }
        let more = now.assignments.difference(&self.first.assignments);
        for (who, role, at) in more {
            if now.user(SECOND) != Some(who) || role != GLOBAL_ADMINISTRATOR || at != "/" {
                return Some(format!("{who} holds {role} at {at}"));
            }
        }
        let own = own?;
        let before = self.first.groups.get(own).map(|(_, members)| members.clone()).unwrap_or_default();
        let belongs =
            |id: &String| [FIRST.0, SECOND].iter().any(|name| now.user(name) == Some(id)) || before.contains(id);
        let stranger = now.groups[own].1.iter().find(|id| !belongs(id))?;
        Some(format!("{stranger} is in the group"))
    }

    /// Passkeys are for whom they were for and the group, and nothing else of the policy changes but the campaign.
    fn methods(&self, now: &State, own: Option<&str>) -> Option<String> {
        let without = |methods: &Value| {
            let mut methods = methods.clone();
            let campaign = "/registrationEnforcement/authenticationMethodsRegistrationCampaign/excludeTargets";
            for list in [campaign, "/authenticationMethodConfigurations/0/includeTargets"] {
                let targets = methods.pointer_mut(list).unwrap().as_array_mut().unwrap();
                targets.retain(|target| target["id"].as_str() != own);
                for target in targets {
                    target.as_object_mut().unwrap().retain(|name, _| !name.contains("@odata"));
                }
            }
            *methods.pointer_mut("/authenticationMethodConfigurations/0/state").unwrap() = Value::Null;
            methods
        };
        let (was, is) = (without(&self.first.methods), without(&now.methods));
        (was != is).then(|| format!("the methods policy is another: {is} and was {was}"))
    }

    /// What does not hold once everything is done.
    pub(super) fn fault_at_end(&self, script: &Script<'_>) -> Option<String> {
        let world = script.world;
        for who in [OPERATOR, FIRST, (SECOND, script.second_password().as_str())] {
            // The operator is excluded from what asks for more than a password, the others by the group.
            if let Err(why) = world.signs_in(who) {
                return Some(format!("{} does not get in: {why}", who.0));
            }
        }
        if !self.ends.lock().unwrap().insert(State::of(world).digest()) {
            return None;
        }
        let left = setup::plan(&world.snapshot(), &self.scene.wanted(), world.now());
        match left {
            Ok(plan) if plan.steps.is_empty() => None,
            Ok(plan) => Some(format!("{} is left to do", plan.steps[0].key)),
            Err(objections) => Some(format!("{} is in the way", objections[0])),
        }
    }
}
