//! How the accounts stand to each Conditional Access policy: what the rules of section D ask before they judge.
//!
//! A policy is looked at through its users condition alone, since an excluded account is outside a policy whatever
//! its other conditions say. What the account can give in return is judged credential by credential, on a device
//! that nobody manages.
//!
//! **Invariant:** an account is out of a policy only if the snapshot proves it; a policy with a part that this
//! version does not know is judged only for accounts that are surely out of it.
//! **Source:** the users and groups documentation of Conditional Access; the managed policies documentation.

use std::collections::BTreeMap;

use breakglass_model::authentication_method::AuthenticationMethod;
use breakglass_model::ids::GroupId;
use breakglass_model::object::ObjectKey;
use breakglass_model::policy::{ConditionalAccessPolicy, UnknownKind};
use breakglass_model::role::management_rules;
use breakglass_model::snapshot::because;
use breakglass_model::strength::{MULTIFACTOR_COMBINATIONS, Modes, PHISHING_RESISTANT_COMBINATIONS, built_in_strength};
use breakglass_model::tenant::GraphObject;
use breakglass_model::user::User;
use breakglass_model::well_known::{
    CONDITIONAL_ACCESS_ADMINISTRATOR, GLOBAL_ADMINISTRATOR, PRIVILEGED_AUTHENTICATION_ADMINISTRATOR,
    PRIVILEGED_ROLE_ADMINISTRATOR, SECURITY_ADMINISTRATOR,
};
use serde_json::{Value, json};

use super::super::{Case, Finding, Fix, ObjectReference, Rule, Status, finding};
use super::account::{fix, names};
use super::role_holding::says_no_pim;
use crate::access::Trit;
use crate::access::demand::{Control, Demand};
use crate::access::membership::Reach;
use crate::access::person::{self, Methods};

/// Phrases that a message spells out before it counts the rest.
const PHRASE_COUNT_MAX: usize = 5;

/// Whether a policy acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Force {
    /// It is enforced.
    Enforced,
    /// Its state, or how far it is rolled out, is not known to this version.
    PerhapsEnforced,
    /// It reports and demands nothing.
    ReportOnly,
    /// It is switched off.
    Disabled,
}

/// A policy that can apply to a person who signs in, and its place among all policies.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate<'a> {
    pub(super) index: usize,
    pub(super) policy: &'a ConditionalAccessPolicy,
    pub(super) force: Force,
}

impl Candidate<'_> {
    /// Whether it is in force, or may be.
    pub(super) fn is_enforced(&self) -> bool {
        matches!(self.force, Force::Enforced | Force::PerhapsEnforced)
    }
}

/// A policy that is about something else than a person who signs in to something, and what that is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Skipped<'a> {
    pub(super) candidate: Candidate<'a>,
    pub(super) about: &'static str,
}

/// What a policy is about that only some actions ask for.
pub(super) const ABOUT_CONTEXTS: &str = "authentication contexts that recovery does not use";

/// Sorts the policies: those that the rules judge, and those that they skip. Deleted policies are neither.
pub(super) fn policies<'a>(case: &Case<'a>) -> (Vec<Candidate<'a>>, Vec<Skipped<'a>>) {
    let (mut candidates, mut skipped) = (Vec::new(), Vec::new());
    let compiled = case.access.compiled();
    let place = (0, compiled.words);
    for (index, policy) in case.access.policies().iter().enumerate().filter(|(_, policy)| !policy.is_deleted) {
        let force = match (compiled.enabled.truth(place, index), compiled.report_only.truth(place, index)) {
            (Trit::Yes, _) => Force::Enforced,
            (Trit::Unknown, _) => Force::PerhapsEnforced,
            (Trit::No, Trit::No) => Force::Disabled,
            (Trit::No, _) => Force::ReportOnly,
        };
        let candidate = Candidate { index, policy, force };
        match skipped_as(case, policy) {
            Some(about) => skipped.push(Skipped { candidate, about }),
            None => candidates.push(candidate),
        }
    }
    (candidates, skipped)
}

fn skipped_as(case: &Case<'_>, policy: &ConditionalAccessPolicy) -> Option<&'static str> {
    let conditions = &policy.conditions;
    if !policy.targets_people() {
        let agents = conditions.client_applications.as_ref().is_some_and(|clients| {
            !clients.include_agent_id_service_principals.is_empty() && clients.include_service_principals.is_empty()
        });
        let is_about_agents = agents || conditions.rest.keys().any(|name| name.starts_with("agent"));
        return Some(match conditions.client_applications {
            _ if is_about_agents => "agent identities",
            Some(_) => "workload identities",
            None => "nobody",
        });
    }
    let applications = conditions.applications.as_ref()?;
    let contexts = &applications.include_authentication_context_class_references;
    let is_about_contexts_only = !contexts.is_empty()
        && applications.include_applications.iter().all(|name| name == "None")
        && applications.include_user_actions.is_empty();
    let is_needed = contexts.iter().any(|context| is_recovery_context(case, context));
    (is_about_contexts_only && !is_needed).then_some(ABOUT_CONTEXTS)
}

/// Roles that somebody activates to repair a tenant.
const RECOVERY_ROLES: [&str; 5] = [
    GLOBAL_ADMINISTRATOR,
    PRIVILEGED_ROLE_ADMINISTRATOR,
    PRIVILEGED_AUTHENTICATION_ADMINISTRATOR,
    CONDITIONAL_ACCESS_ADMINISTRATOR,
    SECURITY_ADMINISTRATOR,
];

/// Whether recovery needs an authentication context: the configuration says so, or the activation of a role asks for
/// it. A rule of which the export does not say whose it is, whether it is on or what it asks for counts.
fn is_recovery_context(case: &Case<'_>, context: &str) -> bool {
    let is_demanded = |rule: &Value| {
        let is_this = rule.get("id").and_then(Value::as_str).map(|id| id == "AuthenticationContext_EndUser_Assignment");
        let is_asked = match rule.get("claimValue") {
            Some(claim) => claim == context && is_this != Some(false),
            None => is_this == Some(true),
        };
        is_asked && rule.get("isEnabled") != Some(&Value::Bool(false))
    };
    let is_configured = case.settings.recovery_authentication_contexts.iter().any(|one| one == context);
    is_configured || recovery_policies(case).filter_map(management_rules).flatten().any(is_demanded)
}

/// Why the activation of a role may ask for an authentication context that is not seen.
pub(super) fn activation_doubt(case: &Case<'_>) -> Option<String> {
    let policies = &case.snapshot.role_management_policies;
    if let Some(why) = policies.why().filter(|why| !says_no_pim(why)) {
        return Some(format!("`roleManagementPolicies` are not all there{}", because(why)));
    }
    let is_bare = recovery_policies(case).any(|policy| management_rules(policy).is_none());
    is_bare.then(|| "the rules of one of `roleManagementPolicies` are not in the export".to_owned())
}

/// The management policies of the roles that repair a tenant, and those that do not say whose they are.
fn recovery_policies<'c>(case: &'c Case<'_>) -> impl Iterator<Item = &'c GraphObject> {
    let roles = case.access.classes().roles();
    case.snapshot.role_management_policies.items().iter().filter(move |policy| {
        policy.text("roleDefinitionId").is_none_or(|role| RECOVERY_ROLES.contains(&roles.template(role)))
    })
}

/// What a policy means to one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stand {
    /// The account is not in scope.
    Out,
    /// In scope, and nothing is demanded: session controls only.
    Nothing {
        /// Why it is in scope.
        because: String,
    },
    /// In scope, and each credential of the account meets the demand.
    Met {
        /// Why it is in scope.
        because: String,
    },
    /// In scope, and some credentials of the account meet the demand and some do not.
    MetByOne {
        /// Why it is in scope.
        because: String,
    },
    /// In scope, and no credential of the account meets the demand.
    Unmet {
        /// Why it is in scope.
        because: String,
    },
    /// Could not tell.
    Unknown {
        /// Why not.
        why: String,
    },
}

/// How one account stands to one policy.
pub(super) fn stand(case: &Case<'_>, candidate: &Candidate<'_>, account: ObjectKey) -> Stand {
    let standing = case.access.classes().standing(candidate.index, Some(account));
    let because = standing.because;
    match standing.in_scope {
        Trit::No => return Stand::Out,
        Trit::Unknown => return Stand::Unknown { why: because },
        Trit::Yes => {}
    }
    let unknowns = candidate.policy.unknowns.iter();
    if let Some(part) = unknowns.into_iter().find(|part| part.kind == UnknownKind::Condition) {
        return Stand::Unknown { why: format!("condition {part}") };
    }
    let nothing = Demand::Nothing;
    let demand = case.access.compiled().demands().get(candidate.index).unwrap_or(&nothing);
    if *demand == Demand::Nothing {
        return Stand::Nothing { because };
    }
    if let Demand::Unknown(why) = demand {
        return Stand::Unknown { why: why.clone() };
    }
    let (each, some) = is_met(case, candidate.policy, demand, account);
    let stand = match (each, some) {
        (Trit::Yes, _) => Stand::Met { because },
        (_, Trit::No) => Stand::Unmet { because },
        (Trit::No, Trit::Yes) => Stand::MetByOne { because },
        _ => Stand::Unknown { why: unknown_credential(case, candidate.policy, demand, account) },
    };
    match (candidate.force, &stand) {
        (Force::PerhapsEnforced, Stand::Unmet { .. } | Stand::MetByOne { .. }) => {
            let whys = candidate.policy.unknowns.iter().filter(|part| part.kind == UnknownKind::State);
            let whys: Vec<String> = whys.map(ToString::to_string).collect();
            Stand::Unknown { why: whys.join("; ") }
        }
        _ => stand,
    }
}

/// The methods of an account; unknown ones where the snapshot does not have the account.
pub(super) fn methods(case: &Case<'_>, account: ObjectKey) -> Methods {
    case.snapshot.user(account).map_or_else(Methods::unknown, Methods::of)
}

/// The credentials that an account is meant to sign in with: its phishing-resistant methods, else its other second
/// factors. A password cannot be taken away and so is no credential of its own.
fn credentials(user: &User) -> Vec<&AuthenticationMethod> {
    let registered = user.detail().authentication_methods.value().map_or(&[][..], Vec::as_slice);
    let that_meet = |combinations: &[Modes]| -> Vec<&AuthenticationMethod> {
        let meets = |method: &&AuthenticationMethod| {
            !Modes::PASSWORD.contains(method.modes())
                && Methods::of_methods(std::slice::from_ref(*method)).meet(combinations) == Trit::Yes
        };
        registered.iter().filter(meets).collect()
    };
    let resistant = that_meet(PHISHING_RESISTANT_COMBINATIONS);
    if resistant.is_empty() { that_meet(MULTIFACTOR_COMBINATIONS) } else { resistant }
}

/// Whether each credential of an account meets a demand, and whether some combination of its methods does.
fn is_met(case: &Case<'_>, policy: &ConditionalAccessPolicy, demand: &Demand, account: ObjectKey) -> (Trit, Trit) {
    let some = person::demand_is_met(case.snapshot, policy, demand, &methods(case, account));
    let credentials = case.snapshot.user(account).map(credentials).unwrap_or_default();
    let each = credentials.into_iter().map(|credential| {
        let methods = Methods::of_methods(std::slice::from_ref(credential));
        person::demand_is_met(case.snapshot, policy, demand, &methods)
    });
    (each.min().unwrap_or(some), some)
}

fn unknown_credential(
    case: &Case<'_>,
    policy: &ConditionalAccessPolicy,
    demand: &Demand,
    account: ObjectKey,
) -> String {
    let methods = methods(case, account);
    if !methods.is_known {
        return format!("the authentication methods of `{}` are not in the snapshot", case.snapshot.name(account));
    }
    let unsure = |control: &&Control| person::control_is_met(case.snapshot, policy, control, &methods) == Trit::Unknown;
    match demand.controls().iter().find(unsure) {
        Some(control) => format!("whether the account meets {} is not known", control_words(case, policy, control)),
        None => "whether the account meets it is not known".into(),
    }
}

/// A control in words.
fn control_words(case: &Case<'_>, policy: &ConditionalAccessPolicy, control: &Control) -> String {
    match control {
        Control::Mfa => "multifactor authentication".into(),
        Control::CompliantDevice => "a compliant device".into(),
        Control::DomainJoinedDevice => "a hybrid joined device".into(),
        Control::ApprovedApplication => "an approved application".into(),
        Control::CompliantApplication => "an application protection policy".into(),
        Control::PasswordChange => "a new password".into(),
        Control::RiskRemediation => "that the risk is remediated".into(),
        Control::AuthenticationStrength(id) => {
            let own = policy.grant_controls.as_ref().and_then(|grant| grant.authentication_strength.as_ref());
            let known = own.into_iter().chain(case.snapshot.authentication_strength_policies.items());
            let same = known.filter(|strength| strength.id.as_ref().is_some_and(|own| own.as_str() == id));
            let name = same.filter_map(|strength| strength.display_name.as_deref()).next();
            let name = name.or_else(|| built_in_strength(id).map(|strength| strength.display_name)).unwrap_or(id);
            format!("authentication strength `{name}`")
        }
        Control::TermsOfUse(id) => format!("acceptance of terms of use `{id}`"),
        Control::Custom(id) => format!("custom control `{id}`"),
        Control::Unknown(name) => format!("control `{name}` (not known to this version)"),
    }
}

/// What a policy does to whoever is in scope, in words: `blocks`, `demands a compliant device`.
pub(super) fn demand_words(case: &Case<'_>, candidate: &Candidate<'_>) -> String {
    let each = |controls: &[Control]| -> Vec<String> {
        controls.iter().map(|control| control_words(case, candidate.policy, control)).collect()
    };
    match case.access.compiled().demands().get(candidate.index) {
        None | Some(Demand::Nothing) => "has session controls only".into(),
        Some(Demand::Block) => "blocks".into(),
        Some(Demand::All(controls)) => format!("demands {}", each(controls).join(" and ")),
        Some(Demand::Any(controls)) => format!("demands {}", each(controls).join(" or ")),
        Some(Demand::Unknown(why)) => format!("demands something unknown: {why}"),
    }
}

/// Phrases joined by commas, the first few spelled out.
pub(super) fn listed(all: &[String]) -> String {
    let (shown, rest) = all.split_at(all.len().min(PHRASE_COUNT_MAX));
    match (shown, rest.len()) {
        ([], _) => "none".into(),
        ([one], 0) => one.clone(),
        ([first @ .., last], 0) => format!("{} and {last}", first.join(", ")),
        (shown, more) => format!("{} and {more} more", shown.join(", ")),
    }
}

/// `1 policy`, `2 policies`.
pub(super) fn counted(count: usize, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}

/// Names of accounts, for messages.
pub(super) fn account_names(case: &Case<'_>, accounts: &[ObjectKey]) -> String {
    names(accounts.iter().map(|key| case.snapshot.name(*key)))
}

/// References to accounts.
pub(super) fn account_references(case: &Case<'_>, accounts: &[ObjectKey]) -> Vec<ObjectReference> {
    accounts.iter().map(|key| case.user(*key)).collect()
}

/// The finding of a rule that has no policies to judge by.
pub(super) fn no_policies(rule: &dyn Rule, case: &Case<'_>) -> Option<Finding> {
    let policies = &case.snapshot.conditional_access_policies;
    let why = policies.why().filter(|_| policies.as_present().is_none())?;
    Some(finding(rule, Status::Unknown, format!("The Conditional Access policies could not be read: {why}.")))
}

/// The finding that some policies may be missing, if the snapshot says so.
pub(super) fn partial_policies(rule: &dyn Rule, case: &Case<'_>) -> Option<Finding> {
    let policies = &case.snapshot.conditional_access_policies;
    let why = policies.why().filter(|_| policies.is_partial())?;
    Some(finding(rule, Status::Unknown, format!("Some Conditional Access policies are not in the snapshot: {why}.")))
}

/// The finding that some policies cannot be looked into, if the export has neither their conditions nor their users.
pub(super) fn unsaid_policies(rule: &dyn Rule, case: &Case<'_>) -> Option<Finding> {
    let judged = case.access.policies().iter().filter(|policy| !policy.is_deleted);
    let unsaid: Vec<String> = judged.filter_map(unsaid_exclusion).collect();
    let message = format!("Not every policy can be looked into: {}.", listed(&unsaid));
    (!unsaid.is_empty()).then(|| finding(rule, Status::Unknown, message))
}

/// The groups that policies exclude, each walked once.
#[derive(Debug, Default)]
pub(super) struct ExcludedGroups {
    by_id: BTreeMap<GroupId, ExcludedGroup>,
}

/// A group that some policy excludes.
#[derive(Debug)]
pub(super) struct ExcludedGroup {
    /// The group.
    pub(super) key: ObjectKey,
    /// Everybody in it.
    pub(super) reach: Reach,
    /// The emergency accounts among them.
    pub(super) accounts: Vec<ObjectKey>,
}

/// How an account is excluded from one policy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Carriers {
    /// Excluded groups that have the account in them.
    pub(super) groups: Vec<GroupId>,
    /// Whether the account's own id is excluded.
    pub(super) is_by_id: bool,
    /// Whether a role or a kind of guest does it, and nothing else.
    pub(super) is_by_class: bool,
}

impl ExcludedGroups {
    /// Walks the excluded groups of some policies.
    pub(super) fn of(case: &Case<'_>, candidates: &[Candidate<'_>]) -> Self {
        let mut by_id = BTreeMap::new();
        for users in candidates.iter().filter_map(|candidate| candidate.policy.conditions.users.as_ref()) {
            for id in &users.exclude_groups {
                if let Some(key) = case.snapshot.objects.find(id.as_str())
                    && !by_id.contains_key(id)
                {
                    let reach = Reach::of_group(case.snapshot, key);
                    let mut accounts = reach.users.clone();
                    accounts.retain(|user| case.accounts.keys.contains(user));
                    by_id.insert(id.clone(), ExcludedGroup { key, reach, accounts });
                }
            }
        }
        Self { by_id }
    }

    /// An excluded group; `None` when the snapshot does not mention it.
    pub(super) fn group(&self, id: &GroupId) -> Option<&ExcludedGroup> {
        self.by_id.get(id)
    }

    /// How an account is excluded from a policy; `None` when it is not, as far as is known.
    pub(super) fn carriers(&self, case: &Case<'_>, candidate: &Candidate<'_>, account: ObjectKey) -> Option<Carriers> {
        let users = candidate.policy.conditions.users.as_ref()?;
        let has = |id: &&GroupId| self.group(id).is_some_and(|group| group.accounts.contains(&account));
        let groups: Vec<GroupId> = users.exclude_groups.iter().filter(has).cloned().collect();
        let id = case.snapshot.objects.id(account);
        let is_by_id = users.exclude_users.iter().any(|name| name == id);
        let standing = case.access.classes().standing(candidate.index, Some(account));
        let is_excluded = standing.is_excluded && standing.in_scope == Trit::No;
        let is_by_class = is_excluded && groups.is_empty() && !is_by_id;
        is_excluded.then_some(Carriers { groups, is_by_id, is_by_class })
    }

    /// Why some excluded group may have an account in it, if the snapshot cannot tell.
    pub(super) fn doubt(&self, case: &Case<'_>, candidates: &[Candidate<'_>]) -> Option<String> {
        let users = || candidates.iter().filter_map(|candidate| candidate.policy.conditions.users.as_ref());
        let unread = users().flat_map(|users| &users.exclude_groups).find_map(|id| match self.group(id) {
            Some(group) => group.reach.unknown.clone(),
            None => case.snapshot.groups.why().map(|why| format!("the groups could not be read: {why}")),
        });
        unread.or_else(|| candidates.iter().find_map(|candidate| unsaid_exclusion(candidate.policy)))
    }

    /// Whether a principal of which only the id is declared (a group whose members are not known, say) is excluded
    /// by that id: everybody in it is then outside the policy.
    pub(super) fn has_id(&self, case: &Case<'_>, candidate: &Candidate<'_>, id: &str) -> bool {
        let Some(users) = candidate.policy.conditions.users.as_ref() else { return false };
        let key = case.snapshot.objects.find(id);
        users.exclude_users.iter().any(|name| name == id)
            || users.exclude_groups.iter().any(|group| {
                group.as_str() == id
                    || self.group(group).is_some_and(|group| key.is_some_and(|key| group.reach.groups.contains(&key)))
            })
    }

    /// The groups through which an account is excluded from some policy, the one of most policies first.
    pub(super) fn carrying(&self, candidates: &[Candidate<'_>]) -> Vec<GroupId> {
        let mut counts: BTreeMap<&GroupId, usize> = BTreeMap::new();
        for users in candidates.iter().filter_map(|candidate| candidate.policy.conditions.users.as_ref()) {
            for id in &users.exclude_groups {
                if self.group(id).is_some_and(|group| !group.accounts.is_empty()) {
                    *counts.entry(id).or_default() += 1;
                }
            }
        }
        let mut carrying: Vec<(&GroupId, usize)> = counts.into_iter().collect();
        carrying.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        carrying.into_iter().map(|(id, _)| id.clone()).collect()
    }

    /// What to do so that a policy leaves the accounts out: the group that other policies exclude, else their ids.
    pub(super) fn fix(&self, case: &Case<'_>, candidates: &[Candidate<'_>], policy: &ConditionalAccessPolicy) -> Fix {
        let group = self.carrying(candidates).into_iter().next();
        let mut users = policy.source.pointer("/conditions/users").cloned().unwrap_or_else(|| json!({}));
        let name = policy.name();
        let (list, ids, text) = match &group {
            Some(id) => {
                let key = case.snapshot.objects.find(id.as_str());
                let group = key.map_or(id.as_str(), |key| case.snapshot.name(key));
                let text = format!("Exclude group `{group}` from policy `{name}`, as other policies do.");
                ("excludeGroups", vec![id.to_string()], text)
            }
            None => {
                let ids = case.accounts.keys.iter().map(|key| case.snapshot.objects.id(*key).to_owned()).collect();
                let text = format!(
                    "Exclude the emergency accounts from policy `{name}`, best by one role-assignable group that has \
                     only them."
                );
                ("excludeUsers", ids, text)
            }
        };
        add_to_list(&mut users, list, ids);
        let url = format!("/v1.0/identity/conditionalAccess/policies/{}", policy.id);
        fix(text, "PATCH", url, Some(json!({ "conditions": { "users": users } })))
    }
}

/// Adds ids to a list of a users condition and takes out what Graph does not take back.
fn add_to_list(users: &mut Value, list: &str, ids: Vec<String>) {
    let Value::Object(members) = users else { return };
    members.retain(|name, value| !name.contains('@') && !value.is_null());
    let slot = members.entry(list).or_insert_with(|| json!([]));
    if let Value::Array(items) = slot {
        for id in ids {
            if !items.iter().any(|item| *item == id) {
                items.push(id.into());
            }
        }
    }
}

/// Why whom a policy excludes is not known, if the export does not have its users.
pub(super) fn unsaid_exclusion(policy: &ConditionalAccessPolicy) -> Option<String> {
    let path = policy.conditions.users.as_ref()?.not_exported?;
    let has_users = policy.source.pointer("/conditions/users").is_some_and(serde_json::Value::is_object);
    (!has_users).then(|| format!("`{path}` of policy `{}` is not in the export", policy.name()))
}
