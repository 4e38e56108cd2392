//! The tenant as it is against the arrangement as it is to be: what is in the way, or what has to be done.
//!
//! A pure function. The order is one in which nothing is weaker at any moment than before: first the group, the accounts,
//! their role and membership, then the exclusions, and only at the end who does not belong into the group. A unit with
//! restricted management protects the group before it is excluded, unless somebody has to leave the group: what is in such
//! a unit not even a Global Administrator changes.

use std::collections::BTreeSet;

use breakglass_engine::access::POLICY_COUNT_MAX;
use breakglass_model::group::Group;
use breakglass_model::object::ObjectKey;
use breakglass_model::property::Property;
use breakglass_model::role::RoleAssignment;
use breakglass_model::snapshot::{Listing, Snapshot};
use breakglass_model::tenant::MethodTarget;
use breakglass_model::user::{User, UserType};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::action::{Action, Named, ROLE, Ref};
use super::bodies::lasting;
use super::keys::keys_by_hand;
use super::name::name_fault;
use super::needs::{changes, needs_exclusion, nickname, spoken};
use super::objection::Objection;
use super::plan::{ByHand, Head, Plan, digest};
use super::wanted::{ACCOUNT_COUNT_MIN, Protection, Wanted, WantedAccount};
use crate::licences::is_free;

/// What is wrong with a declaration whatever the tenant is like.
#[must_use]
pub fn objections_to(wanted: &Wanted) -> Vec<Objection> {
    let mut objections = Vec::new();
    if wanted.accounts.len() < ACCOUNT_COUNT_MIN {
        objections.push(Objection::TooFewAccounts { declared: wanted.accounts.len() });
    }
    let mut seen = BTreeSet::new();
    let twice = wanted.accounts.iter().filter(|account| !seen.insert(account.name.to_lowercase()));
    objections.extend(twice.map(|account| Objection::Twice(account.name.clone())));
    objections
}

/// Makes a plan, with no step if everything is as it is to be.
///
/// # Errors
/// Everything that is in the way, at once.
pub fn plan(snapshot: &Snapshot, wanted: &Wanted, at: Timestamp) -> Result<Plan, Vec<Objection>> {
    let objections = objections_to(wanted);
    let mut draft = Draft { snapshot, wanted, at, actions: Vec::new(), by_hand: Vec::new(), objections };
    draft.look();
    let accounts = draft.accounts();
    let group = draft.group();
    if let Some(group) = &group {
        draft.carried_by(group, &accounts);
    }
    let Draft { actions, by_hand, objections, .. } = draft;
    if !objections.is_empty() {
        return Err(objections);
    }
    let organization = snapshot.organization.as_present();
    let policies = snapshot.conditional_access_policies.items().iter();
    let head = Head {
        tenant_id: snapshot.tenant_id.as_ref().map(ToString::to_string).unwrap_or_default(),
        tenant_name: organization.and_then(|one| one.display_name.clone()).unwrap_or_default(),
        made_at: at,
        accounts: accounts.iter().map(|account| account.name.clone()).collect(),
        policies: policies.map(|policy| (policy.id.to_string(), digest(&lasting(&policy.source)))).collect(),
        takes_back: None,
    };
    Ok(Plan::new(head, actions, by_hand))
}

pub(super) struct Draft<'d> {
    pub(super) snapshot: &'d Snapshot,
    pub(super) wanted: &'d Wanted,
    pub(super) at: Timestamp,
    pub(super) actions: Vec<(Action, String)>,
    pub(super) by_hand: Vec<ByHand>,
    pub(super) objections: Vec<Objection>,
}

/// An account of the arrangement: one that is there, or one that a step makes.
pub(super) struct Account {
    object: Ref,
    name: String,
    pub(super) key: Option<ObjectKey>,
}

impl Account {
    pub(super) fn named(&self) -> Named {
        Named { object: self.object.clone(), name: self.name.clone() }
    }
}

/// The group: one that is there, or one that a step makes.
pub(super) struct Carrier<'d> {
    pub(super) named: Named,
    pub(super) found: Option<&'d Group>,
}

impl<'d> Draft<'d> {
    pub(super) fn act(&mut self, action: Action, because: &str) {
        self.actions.push((action, because.to_owned()));
    }

    /// What every plan has to know, and what no plan gets past.
    fn look(&mut self) {
        let snapshot = self.snapshot;
        self.must_know("users", &snapshot.users);
        self.must_know("groups", &snapshot.groups);
        self.must_know("domains", &snapshot.domains);
        self.must_know("roleAssignments", &snapshot.role_assignments);
        self.must_know("conditionalAccessPolicies", &snapshot.conditional_access_policies);
        self.must_know(
            "identitySecurityDefaultsEnforcementPolicy",
            &snapshot.identity_security_defaults_enforcement_policy,
        );
        let policy_count = snapshot.conditional_access_policies.items().len();
        if policy_count > POLICY_COUNT_MAX {
            self.objections.push(Objection::ManyPolicies(policy_count));
        }
        let defaults = snapshot.identity_security_defaults_enforcement_policy.as_present();
        if defaults.and_then(|defaults| defaults.flag("isEnabled")) == Some(true) {
            self.objections.push(Objection::SecurityDefaults);
        }
    }

    pub(super) fn must_know<T>(&mut self, resource: &str, list: &Listing<T>) {
        if let Err(why) = list.get() {
            self.objections.push(Objection::Unread { resource: resource.to_owned(), why: why.to_owned() });
        }
    }

    fn accounts(&mut self) -> Vec<Account> {
        let wanted = self.wanted;
        let mut seen = BTreeSet::new();
        let mut accounts = Vec::new();
        for declared in &wanted.accounts {
            let account = match self.snapshot.find_user(&declared.name) {
                Some(user) => self.kept(user),
                None => self.made(declared),
            };
            let Some(account) = account else { continue };
            if !seen.insert(account.name.to_lowercase()) {
                let twice = Objection::Twice(account.name);
                if !self.objections.contains(&twice) {
                    self.objections.push(twice);
                }
                continue;
            }
            accounts.push(account);
        }
        accounts
    }

    /// An account that is there, with what has to be changed of it.
    fn kept(&mut self, user: &User) -> Option<Account> {
        let id = self.snapshot.id(user.key).to_string();
        let name = user.user_principal_name.as_deref().unwrap_or(&id).to_owned();
        let unfit = |why: &str| Objection::Unfit { account: name.clone(), why: why.to_owned() };
        if user.user_type == Property::Value(UserType::Guest) {
            self.objections.push(unfit("it is a guest, and depends on another tenant"));
        }
        if user.on_premises_sync_enabled == Property::Value(true) {
            self.objections.push(unfit("it is synchronised from on premises, and falls with that"));
        }
        if let Some((_, domain)) = name.split_once('@')
            && self.is_federated(domain)
        {
            self.objections.push(Objection::Federated { account: name.clone(), domain: domain.to_owned() });
        }
        if let Some((_, domain)) = name.split_once('@')
            && self.is_other_than_initial(domain)
        {
            self.by_hand.push(ByHand::new(
                format!("give `{name}` a sign-in name in the tenant's initial domain"),
                format!("it goes with `{domain}` if somebody federates or removes that"),
            ));
        }
        let account = Account { object: Ref::Id(id), name, key: Some(user.key) };
        let (set, was, because) = changes(user);
        if !set.is_empty() {
            self.act(Action::UpdateAccount { account: account.named(), set, was }, &because);
        }
        Some(account)
    }

    /// An account that is to be made.
    fn made(&mut self, declared: &WantedAccount) -> Option<Account> {
        // It may well be among those that were not read, which is an objection already.
        if !self.snapshot.users.is_complete() {
            return None;
        }
        let name = declared.name.clone();
        let fault = name_fault(&name);
        let Some((local, domain)) = name.split_once('@').filter(|_| fault.is_none()) else {
            let why = fault.unwrap_or("has no @").to_owned();
            self.objections.push(Objection::NoName { account: name, why });
            return None;
        };
        if let Some(why) = self.against_name(local) {
            self.objections.push(Objection::Name { account: name.clone(), why });
        }
        let is_same = |one: &str| one.eq_ignore_ascii_case(domain);
        let domains = self.snapshot.domains.items();
        let known = domains.iter().find(|one| is_same(&one.id) && one.is_verified != Property::Value(false));
        if known.is_none() && self.snapshot.domains.is_complete() {
            self.objections.push(Objection::NoDomain { account: name.clone(), domain: domain.to_owned() });
        }
        if self.is_federated(domain) {
            self.objections.push(Objection::Federated { account: name.clone(), domain: domain.to_owned() });
        } else if known.is_some_and(|known| known.is_initial == Property::Value(false)) {
            self.objections.push(Objection::NotInitial { account: name.clone(), domain: domain.to_owned() });
        }
        // Entra puts the id before the name of a user in the bin.
        let is_name = |user: &&User| {
            let other = user.user_principal_name.as_deref().unwrap_or_default();
            let suffix = other.get(other.len().saturating_sub(name.len())..);
            suffix.is_some_and(|suffix| suffix.eq_ignore_ascii_case(&name))
        };
        if self.snapshot.deleted_users.items().iter().any(|user| is_name(&user)) {
            self.objections.push(Objection::InBin(name.clone()));
        }
        let display_name = declared.display_name.clone().unwrap_or_else(|| spoken(local));
        let action = Action::CreateAccount { user_principal_name: name.clone(), display_name };
        let account = Account { object: Ref::MadeBy(action.key()), name, key: None };
        self.act(action, "it is declared and does not exist");
        Some(account)
    }

    /// What the rules for names say against the part before the `@`.
    fn against_name(&self, local: &str) -> Option<String> {
        let local = local.to_lowercase();
        let parts = &self.wanted.wanted_name_parts;
        if self.wanted.forbidden_names.contains(&local) {
            return Some("its name is generic, one of the first that attackers try".to_owned());
        }
        let is_wanted = parts.is_empty() || parts.iter().any(|part| local.contains(part.as_str()));
        (!is_wanted).then(|| format!("its name has none of the parts that are wanted: {}", parts.join(", ")))
    }

    fn is_other_than_initial(&self, domain: &str) -> bool {
        let mut of_name = self.snapshot.domains.items().iter().filter(|one| one.id.eq_ignore_ascii_case(domain));
        of_name.any(|one| one.is_initial == Property::Value(false))
    }

    fn is_federated(&self, domain: &str) -> bool {
        let domains = self.snapshot.domains.items().iter();
        let mut of_name = domains.filter(|one| one.id.eq_ignore_ascii_case(domain));
        of_name.any(|one| one.authentication_type.value().is_some_and(|kind| kind == "Federated"))
    }

    /// The group, made if no group has the name.
    fn group(&mut self) -> Option<Carrier<'d>> {
        let (snapshot, wanted) = (self.snapshot, self.wanted);
        let groups = snapshot.groups.items();
        let by_id = snapshot.objects.find(&wanted.group).and_then(|key| snapshot.group(key));
        let by_name = |group: &&Group| group.display_name.as_deref() == Some(&wanted.group);
        let found: Vec<&Group> = by_id.map_or_else(|| groups.iter().filter(by_name).collect(), |group| vec![group]);
        match found.as_slice() {
            [] => {
                if is_free(&snapshot.subscribed_skus) {
                    self.objections.push(Objection::NoPremium(wanted.protection.words()));
                }
                Some(self.made_group())
            }
            [group] => self.kept_group(group),
            many => {
                self.objections.push(Objection::ManyGroups { group: wanted.group.clone(), count: many.len() });
                None
            }
        }
    }

    fn made_group(&mut self) -> Carrier<'d> {
        let name = self.wanted.group.clone();
        if name.chars().count() > GROUP_NAME_CHARS_MAX {
            self.objections.push(Objection::LongName(GROUP_NAME_CHARS_MAX));
        }
        let is_assignable_to_role = self.wanted.protection == Protection::RoleAssignable;
        let action =
            Action::CreateGroup { display_name: name.clone(), mail_nickname: nickname(&name), is_assignable_to_role };
        let named = Named { object: Ref::MadeBy(action.key()), name };
        // Accounts follow the group, so that a tenant without a licence for it is left as it was.
        self.actions.insert(0, (action, "no group carries the exclusion yet".to_owned()));
        Carrier { named, found: None }
    }

    fn kept_group(&mut self, group: &'d Group) -> Option<Carrier<'d>> {
        let id = self.snapshot.id(group.key).to_string();
        let name = group.display_name.as_deref().unwrap_or(&id).to_owned();
        let unprotected = |why: &str| Objection::Unprotected { group: name.clone(), why: why.to_owned() };
        let is_assignable = group.is_assignable_to_role.value().copied();
        let is_restricted = self.is_in_restricted_unit(group.key);
        if group.is_dynamic() {
            self.objections.push(unprotected("its members follow a rule, which decides who is excluded"));
        }
        match &self.wanted.protection {
            Protection::RoleAssignable if is_assignable != Some(true) => self
                .objections
                .push(unprotected("whether a group can be assigned to roles is decided when it is made")),
            Protection::RoleAssignable if is_restricted => self.objections.push(unprotected(
                "it is in a unit with restricted management as well, which freezes the members of a role-assignable group",
            )),
            Protection::RestrictedUnit { .. } if is_assignable == Some(true) => self.objections.push(unprotected(
                "it can be assigned to roles, and in a unit with restricted management its members would be frozen",
            )),
            _ => {}
        }
        if group.members.is_none() {
            let resource = format!("groups/{id}/members");
            self.objections.push(Objection::Unread { resource, why: "its members were not read".to_owned() });
        }
        Some(Carrier { named: Named { object: Ref::Id(id), name }, found: Some(group) })
    }

    pub(super) fn is_in_restricted_unit(&self, group: ObjectKey) -> bool {
        self.snapshot.restricted_units_of(group).next().is_some()
    }

    pub(super) fn roles(&mut self, accounts: &[Account]) {
        let role = self.role_id();
        for account in accounts {
            let held = account.key.map_or(Held::Not, |key| self.held(key, &role));
            match held {
                Held::Permanently => {}
                Held::Not => {
                    let action = Action::AssignGlobalAdministrator {
                        account: account.named(),
                        role_definition_id: role.clone(),
                    };
                    self.act(action, "it does not hold the role directly, for the whole tenant");
                }
                Held::Until(end) => {
                    let action = Action::LiftEnd { account: account.named(), role_definition_id: role.clone(), end };
                    self.act(action, "on that day the account can repair nothing any more");
                }
            }
        }
    }

    fn role_id(&self) -> String {
        let roles = self.snapshot.role_definitions.items().iter();
        let mut found = roles.filter(|role| role.template_id.as_ref().is_some_and(|id| id.as_str() == ROLE));
        found.next().map_or_else(|| ROLE.to_owned(), |role| role.id.to_string())
    }

    /// How an account holds the role, with what the schedules say of its end.
    fn held(&self, account: ObjectKey, role: &str) -> Held {
        let id = self.snapshot.id(account);
        let is_own = |assignment: &&RoleAssignment| {
            assignment.principal_id == id
                && matches!(assignment.role_definition_id.as_str(), one if one == role || one == ROLE)
                && assignment.is_tenant_wide()
                && assignment.is_scope_known()
        };
        let plain = self.snapshot.role_assignments.items().iter().filter(is_own);
        let scheduled = self.snapshot.role_assignment_schedule_instances.items().iter().filter(is_own);
        let mut held = Held::Not;
        for assignment in plain.chain(scheduled) {
            let is_activated = assignment.assignment_type.as_deref() == Some("Activated");
            let is_through_group = assignment.member_type.as_deref().is_some_and(|kind| kind != "Direct");
            // What the tenant lists is in force, whatever our clock says.
            if is_activated || is_through_group {
                continue;
            }
            match assignment.end_date_time.value().filter(|end| !end.starts_with(NO_END)) {
                Some(end) => held = Held::Until(end.clone()),
                None if held == Held::Not => held = Held::Permanently,
                None => {}
            }
        }
        held
    }

    pub(super) fn exclusions(&mut self, group: &Carrier<'_>) {
        let snapshot = self.snapshot;
        for policy in snapshot.conditional_access_policies.items() {
            let Some(because) = needs_exclusion(policy, self.wanted.reach) else { continue };
            let id = match &group.named.object {
                Ref::Id(id) => id.as_str(),
                Ref::MadeBy(_) => "",
            };
            let users = policy.conditions.users.as_ref();
            let is_excluded = users.is_some_and(|users| users.exclude_groups.iter().any(|group| group.as_str() == id));
            if is_excluded {
                continue;
            }
            if policy.source.pointer("/conditions/users").is_none_or(|users| !users.is_object()) {
                let resource = format!("conditionalAccess/policies/{}", policy.id);
                let why = "whom it is about was not read".to_owned();
                self.objections.push(Objection::Unread { resource, why });
                continue;
            }
            let named = Named { object: Ref::Id(policy.id.to_string()), name: policy.display_name.clone() };
            let was = lasting(&policy.source);
            self.act(Action::ExcludeGroup { policy: named, group: group.named.clone(), was }, because);
        }
    }

    /// The campaign that nudges whoever signs in to register a method.
    pub(super) fn campaign(&mut self, group: &Carrier<'_>) {
        let policy = self.snapshot.authentication_methods_policy.as_present();
        let Some(enforcement) = policy.and_then(|policy| policy.rest.get("registrationEnforcement")) else { return };
        let campaign = enforcement.get("authenticationMethodsRegistrationCampaign");
        let state = campaign.and_then(|campaign| campaign.get("state")).and_then(Value::as_str);
        if matches!(state, None | Some("disabled")) || is_target(campaign, "excludeTargets", &group.named.object) {
            return;
        }
        let was = lasting(enforcement);
        let action = Action::ExcludeFromCampaign { group: group.named.clone(), was };
        self.act(action, "it interrupts sign-ins to have a method registered");
    }

    pub(super) fn passkeys(&mut self, group: &Carrier<'_>) {
        let policy = self.snapshot.authentication_methods_policy.as_present();
        let configuration = policy.and_then(|policy| policy.configuration("Fido2"));
        let Some(configuration) = configuration else {
            let why = self.snapshot.authentication_methods_policy.why().unwrap_or("it has no passkeys").to_owned();
            self.objections.push(Objection::Unread { resource: "authenticationMethodsPolicy".to_owned(), why });
            return;
        };
        let targets = |list: &Property<Vec<MethodTarget>>| -> Vec<String> {
            list.value().into_iter().flatten().map(|target| target.id.clone()).collect()
        };
        let included = targets(&configuration.include_targets);
        let is_group = |id: &String| group.named.object == Ref::Id(id.clone());
        if targets(&configuration.exclude_targets).iter().any(is_group) {
            self.by_hand.push(ByHand::new(
                format!("take group {} out of the excluded targets of passkeys (FIDO2)", group.named),
                "whoever is in it cannot use a security key",
            ));
        }
        let is_included = included.iter().any(|id| id == "all_users" || is_group(id));
        if configuration.state.as_deref() == Some("enabled") && is_included {
            return;
        }
        let mut was = configuration.rest.clone();
        was.insert("state".to_owned(), json!(configuration.state));
        let target = |target: &MethodTarget| {
            let mut whole: Map<String, Value> = target.rest.clone().into_iter().collect();
            whole.insert("id".to_owned(), json!(target.id));
            whole.insert("targetType".to_owned(), json!(target.target_type));
            Value::Object(whole)
        };
        let targets = configuration.include_targets.value().into_iter().flatten();
        was.insert("includeTargets".to_owned(), targets.map(target).collect());
        let was = lasting(&Value::Object(was.into_iter().collect()));
        let action = Action::AllowPasskeys { group: group.named.clone(), was };
        self.act(action, "the accounts sign in with security keys, and the tenant does not let them");
    }

    /// What no request of Graph does: keys that somebody holds, and what is left of Identity Protection's own policies.
    pub(super) fn by_hand(&mut self, accounts: &[Account]) {
        if self.wanted.has_passkeys {
            let user = |account: &Account| account.key.and_then(|key| self.snapshot.user(key));
            let accounts: Vec<_> = accounts.iter().map(|account| (account.name.as_str(), user(account))).collect();
            self.by_hand.extend(keys_by_hand(self.snapshot, &accounts, self.at));
        }
        self.by_hand.push(ByHand::new(
            format!(
                "exclude `{}` from the multifactor authentication registration policy, if that is on (Entra admin center, \
                 Protection, Identity Protection, Multifactor authentication registration policy)",
                self.wanted.group
            ),
            "Graph neither shows nor changes that policy",
        ));
    }
}

/// Characters of the name of a group. **Source:** "group resource type", `displayName`.
const GROUP_NAME_CHARS_MAX: usize = 256;

/// How an end begins that stands for none.
const NO_END: &str = "9999-";

#[derive(Debug, Clone, PartialEq, Eq)]
enum Held {
    Not,
    Permanently,
    Until(String),
}

fn is_target(of: Option<&Value>, list: &str, group: &Ref) -> bool {
    let Ref::Id(id) = group else { return false };
    let targets = of.and_then(|of| of.get(list)).and_then(Value::as_array).into_iter().flatten();
    targets.into_iter().any(|target| target.get("id").and_then(Value::as_str) == Some(id))
}
