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

use super::bodies::{
    account_body, campaign_without, excluded, group_body, passkeys_allowed, passkeys_with, reassigned, targets_of,
    users_with, users_without,
};
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
    /// Lets an account's assignment of Global Administrator have no end.
    LiftEnd {
        /// The account.
        account: Named,
        /// The role's id in this tenant.
        role_definition_id: String,
        /// When it ends so far.
        end: String,
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
    /// Lets an assignment end again when it was to end.
    SetEnd {
        /// The account.
        account: Named,
        /// The role's id in this tenant.
        role_definition_id: String,
        /// When it is to end.
        end: String,
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

/// How the key of a step begins that makes an account.
pub(super) const CREATE_ACCOUNT: &str = "create-account:";

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

/// The path of the policy about authentication methods.
pub(super) const METHODS_POLICY: &str = "/v1.0/policies/authenticationMethodsPolicy";
/// The path of its configuration for passkeys.
pub(super) const PASSKEYS: &str = "/v1.0/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/fido2";
/// The path of Conditional Access policies; of beta, since v1.0 refuses policies with conditions in preview.
pub(super) const POLICIES: &str = "/beta/identity/conditionalAccess/policies";
const ASSIGNMENTS: &str = "/v1.0/roleManagement/directory/roleAssignments";
const ASSIGNMENT_REQUESTS: &str = "/v1.0/roleManagement/directory/roleAssignmentScheduleRequests";
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
            Self::LiftEnd { account, role_definition_id, .. } => {
                let body = reassigned(&id(account), role_definition_id, None);
                of(Method::Post, ASSIGNMENT_REQUESTS.to_owned(), Some(body))
            }
            Self::SetEnd { account, role_definition_id, end } => {
                let body = reassigned(&id(account), role_definition_id, Some(end));
                of(Method::Post, ASSIGNMENT_REQUESTS.to_owned(), Some(body))
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
            Self::AssignGlobalAdministrator { .. }
            | Self::LiftEnd { .. }
            | Self::SetEnd { .. }
            | Self::Unassign { .. } => &["RoleManagement.ReadWrite.Directory"],
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
                | Self::SetEnd { .. }
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
            Self::LiftEnd { account, end, .. } => {
                format!("let the assignment of Global Administrator to {account} have no end, which is {end} so far")
            }
            Self::SetEnd { account, end, .. } => {
                format!("let the assignment of Global Administrator to {account} end on {end}")
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
            Self::AllowPasskeys { group, was } => allowed(group, was),
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
            Self::CreateAccount { user_principal_name, .. } => format!("{CREATE_ACCOUNT}{user_principal_name}"),
            Self::UpdateAccount { account, .. } => name("update-account", account),
            Self::AssignGlobalAdministrator { account, .. } => name("assign-role", account),
            Self::LiftEnd { account, .. } => name("lift-end", account),
            Self::SetEnd { account, .. } => name("set-end", account),
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
            Self::LiftEnd { account, role_definition_id, end } => Self::SetEnd {
                account: known(account)?,
                role_definition_id: role_definition_id.clone(),
                end: end.clone(),
            },
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

/// The template id of Global Administrator, which is also its id in every tenant.
pub(super) const ROLE: &str = GLOBAL_ADMINISTRATOR;

/// Who may use passkeys with the step: where they were switched off, also those whom the policy names already.
fn allowed(group: &Named, was: &Value) -> String {
    if was.get("state").and_then(Value::as_str) == Some("enabled") {
        return format!("let group {group} use passkeys (FIDO2)");
    }
    let targets = was.get("includeTargets").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let is_all = |target: &Value| target.get("id").and_then(Value::as_str) == Some("all_users");
    match targets.len() {
        _ if targets.iter().any(is_all) => {
            format!(
                "switch passkeys (FIDO2) on for everybody, whom their policy names already, group {group} among them"
            )
        }
        0 => format!("switch passkeys (FIDO2) on for group {group}"),
        1 => format!("switch passkeys (FIDO2) on for group {group} and the one group that their policy names already"),
        count => {
            format!(
                "switch passkeys (FIDO2) on for group {group} and the {count} groups that their policy names already"
            )
        }
    }
}
