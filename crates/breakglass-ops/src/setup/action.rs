//! One change of a tenant: what it does, the request that does it, what that needs, and what takes it back.
//!
//! An action names what it was made from, so that whoever carries it out can see that it is still so, and can see
//! that it is done. **Invariant:** the request follows from the action alone; a plan whose requests say anything else has
//! been edited and is refused. No action deletes, disables or demotes anybody who was there before.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use breakglass_model::well_known::GLOBAL_ADMINISTRATOR;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::ports::Method;

/// An object: by its id, or one that an earlier step makes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Ref {
    /// Its id.
    Id(String),
    /// What the step of this key makes.
    MadeBy(String),
}

impl Ref {
    /// Its id, if it is known.
    #[must_use]
    pub fn id<'a>(&'a self, made: &'a BTreeMap<String, String>) -> Option<&'a str> {
        match self {
            Self::Id(id) => Some(id),
            Self::MadeBy(key) => made.get(key).map(String::as_str),
        }
    }

    /// Its id, or a mark in braces that says which id belongs there.
    #[must_use]
    pub fn shown<'a>(&'a self, made: &'a BTreeMap<String, String>) -> Cow<'a, str> {
        match (self.id(made), self) {
            (Some(id), _) => Cow::Borrowed(id),
            (None, Self::MadeBy(key)) => Cow::Owned(format!("{{id of {key}}}")),
            (None, Self::Id(id)) => Cow::Borrowed(id),
        }
    }
}

/// An object with the name to show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// Which.
    #[serde(flatten)]
    pub object: Ref,
    /// Its name.
    pub name: String,
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.name)
    }
}

/// One change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Action {
    /// Makes the group that carries the exclusion.
    CreateGroup {
        /// Its name.
        display_name: String,
        /// By which it is found again; it is the plan's own.
        mail_nickname: String,
        /// Whether it can be assigned to roles, which protects it. It cannot be changed later.
        is_assignable_to_role: bool,
    },
    /// Makes an emergency access account, enabled, with a password that somebody keeps.
    CreateAccount {
        /// Its sign-in name.
        user_principal_name: String,
        /// Its name.
        display_name: String,
    },
    /// Changes properties of an account that exists.
    UpdateAccount {
        /// The account.
        account: Named,
        /// What is set.
        set: Map<String, Value>,
        /// What was there.
        was: Map<String, Value>,
    },
    /// Makes an account Global Administrator: active, without an end, direct, for the whole tenant.
    AssignGlobalAdministrator {
        /// The account.
        account: Named,
        /// The role's id in this tenant.
        role_definition_id: String,
    },
    /// Puts an account into the group.
    AddMember {
        /// The group.
        group: Named,
        /// The account.
        member: Named,
    },
    /// Takes somebody out of the group who does not belong there.
    RemoveMember {
        /// The group.
        group: Named,
        /// Who.
        member: Named,
    },
    /// Makes a unit whose members only its own administrators manage.
    CreateRestrictedUnit {
        /// Its name.
        display_name: String,
    },
    /// Puts the group into the unit.
    AddToUnit {
        /// The unit.
        unit: Named,
        /// The group.
        group: Named,
    },
    /// Excludes the group from a Conditional Access policy.
    ExcludeGroup {
        /// The policy.
        policy: Named,
        /// The group.
        group: Named,
        /// The policy as it was read, without what changes by itself.
        was: Value,
    },
    /// Leaves the group out of what nudges people to register methods.
    ExcludeFromCampaign {
        /// The group.
        group: Named,
        /// `registrationEnforcement` as it was read.
        was: Value,
    },
    /// Lets the group use passkeys.
    AllowPasskeys {
        /// The group.
        group: Named,
        /// The configuration of the method as it was read.
        was: Value,
    },

    /// Takes a group back that a plan has made.
    DeleteGroup {
        /// The group.
        group: Named,
    },
    /// Takes an account back that a plan has made; it lies in the bin for 30 days.
    DeleteAccount {
        /// The account.
        account: Named,
    },
    /// Takes a unit back that a plan has made.
    DeleteUnit {
        /// The unit.
        unit: Named,
    },
    /// Takes an assignment back that a plan has made.
    Unassign {
        /// The account.
        account: Named,
        /// The assignment.
        assignment: String,
    },
    /// Takes the group out of the unit.
    RemoveFromUnit {
        /// The unit.
        unit: Named,
        /// The group.
        group: Named,
    },
    /// Takes the exclusion of the group out of a policy again.
    IncludeGroup {
        /// The policy.
        policy: Named,
        /// The group.
        group: Named,
        /// The policy as the plan left it.
        was: Value,
    },
    /// Writes back what nudges people to register methods.
    RestoreCampaign {
        /// `registrationEnforcement` as it is to be.
        to: Value,
        /// As the plan left it.
        was: Value,
    },
    /// Writes back whom passkeys are for.
    RestorePasskeys {
        /// The configuration as it is to be.
        to: Value,
        /// As the plan left it.
        was: Value,
    },
}

/// Every delegated permission that an action may need, sorted.
pub const WRITING_PERMISSIONS: [&str; 9] = [
    "AdministrativeUnit.ReadWrite.All",
    "Application.Read.All",
    "Group.ReadWrite.All",
    "Policy.Read.All",
    "Policy.ReadWrite.AuthenticationMethod",
    "Policy.ReadWrite.ConditionalAccess",
    "RoleManagement.ReadWrite.Directory",
    "User-PasswordProfile.ReadWrite.All",
    "User.ReadWrite.All",
];

/// The request of an action.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedRequest {
    /// The method.
    pub method: String,
    /// Path from the version on.
    pub url: String,
    /// The body, without the password.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub body: Option<Value>,
}

/// Where the password stands in the body of a request that makes an account.
pub(super) const PASSWORD: &str = "/passwordProfile/password";
/// What stands there in a plan.
const PASSWORD_MARK: &str = "{generated when it is applied}";

/// The path of the policy about authentication methods.
pub(super) const METHODS_POLICY: &str = "/v1.0/policies/authenticationMethodsPolicy";
/// The path of its configuration for passkeys.
pub(super) const PASSKEYS: &str = "/v1.0/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/fido2";
/// The path of Conditional Access policies; of beta, since v1.0 refuses policies with conditions in preview.
pub(super) const POLICIES: &str = "/beta/identity/conditionalAccess/policies";
const ASSIGNMENTS: &str = "/v1.0/roleManagement/directory/roleAssignments";
const UNITS: &str = "/v1.0/directory/administrativeUnits";

impl Action {
    /// The request that does it, with the ids that are known.
    #[must_use]
    pub fn request(&self, made: &BTreeMap<String, String>) -> PlannedRequest {
        let of = |method: Method, url: String, body: Option<Value>| PlannedRequest {
            method: method.as_str().to_owned(),
            url,
            body,
        };
        let id = |named: &Named| named.object.shown(made).into_owned();
        let reference =
            |named: &Named| json!({ "@odata.id": format!("{{graph}}/v1.0/directoryObjects/{}", id(named)) });
        match self {
            Self::CreateGroup { display_name, mail_nickname, is_assignable_to_role } => {
                let body = group_body(display_name, mail_nickname, *is_assignable_to_role);
                of(Method::Post, "/v1.0/groups".to_owned(), Some(body))
            }
            Self::CreateAccount { user_principal_name, display_name } => {
                of(Method::Post, "/v1.0/users".to_owned(), Some(account_body(user_principal_name, display_name)))
            }
            Self::UpdateAccount { account, set, .. } => {
                of(Method::Patch, format!("/v1.0/users/{}", id(account)), Some(Value::Object(set.clone())))
            }
            Self::AssignGlobalAdministrator { account, role_definition_id } => {
                let body = json!({
                    "principalId": id(account), "roleDefinitionId": role_definition_id, "directoryScopeId": "/",
                });
                of(Method::Post, ASSIGNMENTS.to_owned(), Some(body))
            }
            Self::AddMember { group, member } => {
                of(Method::Post, format!("/v1.0/groups/{}/members/$ref", id(group)), Some(reference(member)))
            }
            Self::RemoveMember { group, member } => {
                of(Method::Delete, format!("/v1.0/groups/{}/members/{}/$ref", id(group), id(member)), None)
            }
            Self::CreateRestrictedUnit { display_name } => {
                let body = json!({ "displayName": display_name, "isMemberManagementRestricted": true });
                of(Method::Post, UNITS.to_owned(), Some(body))
            }
            Self::AddToUnit { unit, group } => {
                of(Method::Post, format!("{UNITS}/{}/members/$ref", id(unit)), Some(reference(group)))
            }
            Self::ExcludeGroup { policy, group, was } => {
                of(Method::Patch, format!("{POLICIES}/{}", id(policy)), Some(users_with(was, &id(group))))
            }
            Self::ExcludeFromCampaign { group, was } => {
                let body = json!({ "registrationEnforcement": campaign_without(was, &id(group)) });
                of(Method::Patch, METHODS_POLICY.to_owned(), Some(body))
            }
            Self::AllowPasskeys { group, was } => {
                of(Method::Patch, PASSKEYS.to_owned(), Some(passkeys_with(was, &id(group))))
            }
            Self::DeleteGroup { group } => of(Method::Delete, format!("/v1.0/groups/{}", id(group)), None),
            Self::DeleteAccount { account } => of(Method::Delete, format!("/v1.0/users/{}", id(account)), None),
            Self::DeleteUnit { unit } => of(Method::Delete, format!("{UNITS}/{}", id(unit)), None),
            Self::Unassign { assignment, .. } => of(Method::Delete, format!("{ASSIGNMENTS}/{assignment}"), None),
            Self::RemoveFromUnit { unit, group } => {
                of(Method::Delete, format!("{UNITS}/{}/members/{}/$ref", id(unit), id(group)), None)
            }
            Self::IncludeGroup { policy, group, was } => {
                of(Method::Patch, format!("{POLICIES}/{}", id(policy)), Some(users_without(was, &id(group))))
            }
            Self::RestoreCampaign { to, .. } => {
                of(Method::Patch, METHODS_POLICY.to_owned(), Some(json!({ "registrationEnforcement": to })))
            }
            Self::RestorePasskeys { to, .. } => of(Method::Patch, PASSKEYS.to_owned(), Some(targets_of(to))),
        }
    }

    /// Delegated permissions that the request needs, as Graph documents the least of them.
    ///
    /// **Source:** the permissions tables of the pages of Graph's reference, and for the group "Use Microsoft Entra groups
    /// to manage role assignments"; read 2026-11-26.
    #[must_use]
    pub fn permissions(&self) -> &'static [&'static str] {
        match self {
            Self::CreateGroup { is_assignable_to_role: true, .. } => {
                &["Group.ReadWrite.All", "RoleManagement.ReadWrite.Directory"]
            }
            Self::CreateGroup { .. } => &["Group.ReadWrite.All"],
            Self::AddMember { .. } | Self::RemoveMember { .. } | Self::DeleteGroup { .. } => {
                &["Group.ReadWrite.All", "RoleManagement.ReadWrite.Directory"]
            }
            Self::CreateAccount { .. } => &["User-PasswordProfile.ReadWrite.All", "User.ReadWrite.All"],
            Self::UpdateAccount { .. } | Self::DeleteAccount { .. } => &["User.ReadWrite.All"],
            Self::AssignGlobalAdministrator { .. } | Self::Unassign { .. } => &["RoleManagement.ReadWrite.Directory"],
            Self::CreateRestrictedUnit { .. }
            | Self::AddToUnit { .. }
            | Self::DeleteUnit { .. }
            | Self::RemoveFromUnit { .. } => &["AdministrativeUnit.ReadWrite.All"],
            Self::ExcludeGroup { .. } | Self::IncludeGroup { .. } => {
                &["Application.Read.All", "Policy.Read.All", "Policy.ReadWrite.ConditionalAccess"]
            }
            Self::ExcludeFromCampaign { .. }
            | Self::AllowPasskeys { .. }
            | Self::RestoreCampaign { .. }
            | Self::RestorePasskeys { .. } => &["Policy.ReadWrite.AuthenticationMethod"],
        }
    }

    /// Whether it is there only to take something back.
    #[must_use]
    pub const fn is_undo(&self) -> bool {
        matches!(
            self,
            Self::DeleteGroup { .. }
                | Self::DeleteAccount { .. }
                | Self::DeleteUnit { .. }
                | Self::Unassign { .. }
                | Self::RemoveFromUnit { .. }
                | Self::IncludeGroup { .. }
                | Self::RestoreCampaign { .. }
                | Self::RestorePasskeys { .. }
        )
    }

    /// What it does, as a sentence without its stop.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::CreateGroup { display_name, is_assignable_to_role: true, .. } => {
                format!("create group `{display_name}`, which can be assigned to roles")
            }
            Self::CreateGroup { display_name, .. } => format!("create group `{display_name}`"),
            Self::CreateAccount { user_principal_name, .. } => {
                format!("create account `{user_principal_name}`: enabled, with a password that does not expire")
            }
            Self::UpdateAccount { account, set, .. } => {
                let names: Vec<String> = set.iter().map(|(name, value)| format!("{name} to {value}")).collect();
                format!("change account {account}: {}", names.join(", "))
            }
            Self::AssignGlobalAdministrator { account, .. } => {
                format!("make {account} Global Administrator: active, without an end, for the whole tenant")
            }
            Self::AddMember { group, member } => format!("add {member} to group {group}"),
            Self::RemoveMember { group, member } => format!("remove {member} from group {group}"),
            Self::CreateRestrictedUnit { display_name } => {
                format!("create administrative unit `{display_name}` with restricted management")
            }
            Self::AddToUnit { unit, group } => format!("put group {group} into administrative unit {unit}"),
            Self::ExcludeGroup { policy, group, .. } => format!("exclude group {group} from policy {policy}"),
            Self::ExcludeFromCampaign { group, .. } => {
                format!("exclude group {group} from the registration campaign")
            }
            Self::AllowPasskeys { group, .. } => format!("let group {group} use passkeys (FIDO2)"),
            Self::DeleteGroup { group } => format!("delete group {group}"),
            Self::DeleteAccount { account } => {
                format!("delete account {account}; it can be restored for 30 days")
            }
            Self::DeleteUnit { unit } => format!("delete administrative unit {unit}"),
            Self::Unassign { account, .. } => format!("take the role Global Administrator from {account}"),
            Self::RemoveFromUnit { unit, group } => format!("take group {group} out of administrative unit {unit}"),
            Self::IncludeGroup { policy, group, .. } => {
                format!("take the exclusion of group {group} out of policy {policy}")
            }
            Self::RestoreCampaign { .. } => "write the registration campaign back".to_owned(),
            Self::RestorePasskeys { .. } => "write back whom passkeys are for".to_owned(),
        }
    }

    /// A name that no other step of a plan has, and that is the same whenever the plan is made.
    #[must_use]
    pub fn key(&self) -> String {
        let name = |verb: &str, named: &Named| format!("{verb}:{}", named.name);
        match self {
            Self::CreateGroup { .. } => "create-group".to_owned(),
            Self::CreateAccount { user_principal_name, .. } => format!("create-account:{user_principal_name}"),
            Self::UpdateAccount { account, .. } => name("update-account", account),
            Self::AssignGlobalAdministrator { account, .. } => name("assign-role", account),
            Self::AddMember { member, .. } => name("add-member", member),
            Self::RemoveMember { member, .. } => name("remove-member", member),
            Self::CreateRestrictedUnit { .. } => "create-unit".to_owned(),
            Self::AddToUnit { .. } => "add-to-unit".to_owned(),
            // Two policies may have one name.
            Self::ExcludeGroup { policy, .. } => format!("exclude:{}", policy.object.shown(&BTreeMap::new())),
            Self::IncludeGroup { policy, .. } => format!("include:{}", policy.object.shown(&BTreeMap::new())),
            Self::ExcludeFromCampaign { .. } => "exclude-from-campaign".to_owned(),
            Self::AllowPasskeys { .. } => "allow-passkeys".to_owned(),
            Self::DeleteGroup { .. } => "delete-group".to_owned(),
            Self::DeleteAccount { account } => name("delete-account", account),
            Self::DeleteUnit { .. } => "delete-unit".to_owned(),
            Self::Unassign { account, .. } => name("unassign-role", account),
            Self::RemoveFromUnit { .. } => "remove-from-unit".to_owned(),
            Self::RestoreCampaign { .. } => "restore-campaign".to_owned(),
            Self::RestorePasskeys { .. } => "restore-passkeys".to_owned(),
        }
    }

    /// What takes it back, once it was done; `made` has what it made. `None` where nothing has to be.
    #[must_use]
    pub fn undo(&self, made: &BTreeMap<String, String>) -> Option<Self> {
        let known = |named: &Named| {
            Some(Named { object: Ref::Id(named.object.id(made)?.to_owned()), name: named.name.clone() })
        };
        let own = |name: &str| Some(Named { object: Ref::Id(made.get(&self.key())?.clone()), name: name.to_owned() });
        Some(match self {
            Self::CreateGroup { display_name, .. } => Self::DeleteGroup { group: own(display_name)? },
            Self::CreateAccount { user_principal_name, .. } => {
                Self::DeleteAccount { account: own(user_principal_name)? }
            }
            Self::UpdateAccount { account, set, was } => {
                Self::UpdateAccount { account: known(account)?, set: was.clone(), was: set.clone() }
            }
            Self::AssignGlobalAdministrator { account, .. } => {
                Self::Unassign { account: known(account)?, assignment: made.get(&self.key())?.clone() }
            }
            Self::AddMember { group, member } => Self::RemoveMember { group: known(group)?, member: known(member)? },
            Self::RemoveMember { group, member } => Self::AddMember { group: known(group)?, member: known(member)? },
            Self::CreateRestrictedUnit { display_name } => Self::DeleteUnit { unit: own(display_name)? },
            Self::AddToUnit { unit, group } => Self::RemoveFromUnit { unit: known(unit)?, group: known(group)? },
            Self::ExcludeGroup { policy, group, was } => {
                let group = known(group)?;
                let left = excluded(was, group.object.id(made)?);
                Self::IncludeGroup { policy: policy.clone(), group, was: left }
            }
            Self::ExcludeFromCampaign { group, was } => {
                let left = campaign_without(was, group.object.id(made)?);
                Self::RestoreCampaign { to: was.clone(), was: left }
            }
            Self::AllowPasskeys { group, was } => {
                let left = passkeys_allowed(was, group.object.id(made)?);
                Self::RestorePasskeys { to: was.clone(), was: left }
            }
            _ => return None,
        })
    }
}

fn group_body(display_name: &str, mail_nickname: &str, is_assignable_to_role: bool) -> Value {
    let mut body = json!({
        "displayName": display_name,
        "description": "Emergency access accounts; excluded from Conditional Access. Members are changed by plan and apply alone.",
        "mailEnabled": false,
        "mailNickname": mail_nickname,
        "securityEnabled": true,
    });
    if let Some(body) = body.as_object_mut().filter(|_| is_assignable_to_role) {
        body.insert("isAssignableToRole".to_owned(), json!(true));
        body.insert("visibility".to_owned(), json!("Private"));
    }
    body
}

fn account_body(user_principal_name: &str, display_name: &str) -> Value {
    let nickname = user_principal_name.split('@').next().unwrap_or_default();
    json!({
        "accountEnabled": true,
        "displayName": display_name,
        "mailNickname": nickname,
        "userPrincipalName": user_principal_name,
        "passwordPolicies": "DisablePasswordExpiration",
        "passwordProfile": { "forceChangePasswordNextSignIn": false, "password": PASSWORD_MARK },
    })
}

/// A policy without what Graph changes by itself, and without what is null: Graph leaves that out in one answer and writes
/// it in another.
#[must_use]
pub fn lasting(policy: &Value) -> Value {
    match policy {
        Value::Object(object) => object
            .iter()
            .filter(|(name, value)| is_lasting(name) && !value.is_null())
            .map(|(name, value)| (name.clone(), lasting(value)))
            .collect(),
        Value::Array(list) => list.iter().map(lasting).collect(),
        other => other.clone(),
    }
}

fn is_lasting(name: &str) -> bool {
    let is_annotation = name.contains("@odata.") && name != "@odata.type";
    !is_annotation && name != "modifiedDateTime" && name != "createdDateTime"
}

fn users_with(policy: &Value, group: &str) -> Value {
    users_of(&excluded(policy, group))
}

fn users_without(policy: &Value, group: &str) -> Value {
    users_of(&included(policy, group))
}

/// What is sent: the whole of `conditions.users`, since Graph replaces it as a whole.
fn users_of(policy: &Value) -> Value {
    json!({ "conditions": { "users": policy.pointer("/conditions/users").cloned().unwrap_or_default() } })
}

/// A policy with the group excluded, and nothing else changed.
#[must_use]
pub fn excluded(policy: &Value, group: &str) -> Value {
    let mut policy = policy.clone();
    if let Some(groups) = excluded_groups(&mut policy)
        && !groups.iter().any(|one| one.as_str() == Some(group))
    {
        groups.push(json!(group));
    }
    policy
}

/// A policy without the exclusion of the group, and nothing else changed.
pub(super) fn included(policy: &Value, group: &str) -> Value {
    let mut policy = policy.clone();
    if let Some(groups) = excluded_groups(&mut policy) {
        groups.retain(|one| one.as_str() != Some(group));
    }
    policy
}

fn excluded_groups(policy: &mut Value) -> Option<&mut Vec<Value>> {
    let users = policy.pointer_mut("/conditions/users")?.as_object_mut()?;
    let groups = users.entry("excludeGroups").or_insert_with(|| json!([]));
    if groups.is_null() {
        *groups = json!([]);
    }
    groups.as_array_mut()
}

/// The registration campaign with the group left out.
pub(super) fn campaign_without(enforcement: &Value, group: &str) -> Value {
    let mut enforcement = enforcement.clone();
    let campaign = enforcement.pointer_mut("/authenticationMethodsRegistrationCampaign").and_then(Value::as_object_mut);
    if let Some(campaign) = campaign {
        add_target(campaign, "excludeTargets", json!({ "id": group, "targetType": "group" }));
    }
    enforcement
}

/// The configuration of passkeys with the group taken in.
pub(super) fn passkeys_allowed(configuration: &Value, group: &str) -> Value {
    let mut configuration = configuration.clone();
    if let Some(object) = configuration.as_object_mut() {
        object.insert("state".to_owned(), json!("enabled"));
        let is_all = |target: &Value| target.get("id").and_then(Value::as_str) == Some("all_users");
        let includes = object.get("includeTargets").and_then(Value::as_array);
        if !includes.is_some_and(|targets| targets.iter().any(is_all)) {
            let target = json!({ "id": group, "targetType": "group", "isRegistrationRequired": false });
            add_target(object, "includeTargets", target);
        }
    }
    configuration
}

fn passkeys_with(configuration: &Value, group: &str) -> Value {
    targets_of(&passkeys_allowed(configuration, group))
}

/// What is sent of the configuration of passkeys.
fn targets_of(configuration: &Value) -> Value {
    let member = |name: &str| configuration.get(name).cloned().unwrap_or_default();
    json!({
        "@odata.type": "#microsoft.graph.fido2AuthenticationMethodConfiguration",
        "state": member("state"),
        "includeTargets": member("includeTargets"),
    })
}

fn add_target(object: &mut Map<String, Value>, list: &str, target: Value) {
    let targets = object.entry(list).or_insert_with(|| json!([]));
    if targets.is_null() {
        *targets = json!([]);
    }
    if let Some(targets) = targets.as_array_mut()
        && !targets.iter().any(|known| known.get("id") == target.get("id"))
    {
        targets.push(target);
    }
}

/// The template id of Global Administrator, which is also its id in every tenant.
pub(super) const ROLE: &str = GLOBAL_ADMINISTRATOR;
