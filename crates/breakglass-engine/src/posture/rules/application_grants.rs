//! Which applications hold a permission that can take an account over, and of which that is not known.
//!
//! A permission counts if its holder can make itself, or an account it controls, able to sign in as anybody: by
//! writing methods or passwords, by giving roles, directly or through a group that has one, or by giving itself or an
//! application that it controls one of the other permissions.
//!
//! **Invariant:** an application whose permissions are not in the snapshot, or one whose permission cannot be named,
//! is a doubt; applications of Microsoft's own are neither found nor doubted.
//! **Source:** the permissions reference of Microsoft Graph; the ids are those that public tools list for the
//! permissions, and an id that is not among them is looked up in `appRoles` of the resource.

use std::collections::BTreeSet;

use breakglass_model::policy::Rest;
use breakglass_model::tenant::ServicePrincipal;
use breakglass_model::well_known::{MICROSOFT_SERVICES_TENANT, WINDOWS_AZURE_ACTIVE_DIRECTORY};
use serde_json::Value;

use super::super::{Case, ObjectKind, ObjectReference};
use crate::access::surfaces::{MICROSOFT_GRAPH, surface};

/// The permission that also lets an application change the members of role-assignable groups.
pub(super) const ROLE_MANAGEMENT: &str = "RoleManagement.ReadWrite.Directory";

/// Permissions that take accounts over: name, id where public tools agree on one.
const PERMISSIONS: [(&str, Option<&str>); 17] = [
    // They write what somebody signs in with.
    ("UserAuthenticationMethod.ReadWrite.All", Some("50483e42-d915-4231-9639-7fdb7fd190e5")),
    ("UserAuthMethod-TAP.ReadWrite.All", Some("627169a8-8c15-451c-861a-5b80e383de5c")),
    ("UserAuthMethod-Passkey.ReadWrite.All", Some("0400e371-7db1-4338-a269-96069eb65227")),
    ("UserAuthMethod-Password.ReadWrite.All", None),
    ("UserAuthMethod-QR.ReadWrite.All", None),
    ("UserAuthMethod-Phone.ReadWrite.All", None),
    ("UserAuthMethod-Email.ReadWrite.All", None),
    ("User-PasswordProfile.ReadWrite.All", Some("cc117bb9-00cf-4eb8-b580-ea2a878fe8f7")),
    // They give roles, for good, for a time or to be activated.
    (ROLE_MANAGEMENT, Some("9e3f62cf-ca93-4989-b6ce-bf83c28f9fe8")),
    ("RoleAssignmentSchedule.ReadWrite.Directory", Some("dd199f4a-f148-40a4-a2ec-f0069cc799ec")),
    ("RoleEligibilitySchedule.ReadWrite.Directory", Some("fee28b28-e1f3-4841-818e-2704dc62245f")),
    ("PrivilegedAccess.ReadWrite.AzureAD", Some("854d9ab1-6657-4ec8-be45-823027bcd009")),
    // They put somebody into a group that has a role; other group permissions do not reach such groups.
    ("PrivilegedAccess.ReadWrite.AzureADGroup", Some("2f6817f8-7b12-4f0f-bc18-eeaf60705a9e")),
    ("PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup", Some("41202f2c-f7ab-45be-b001-85c9728b9d69")),
    ("PrivilegedEligibilitySchedule.ReadWrite.AzureADGroup", Some("618b6020-bca8-4de6-99f6-ef445fa4d857")),
    // They give the application any of these, or a secret of an application that has one.
    ("AppRoleAssignment.ReadWrite.All", Some("06b708a9-e830-4db3-a914-8e69da51d44f")),
    ("Application.ReadWrite.All", Some("1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9")),
];

/// Whether an application with a permission of this name can take accounts over.
#[must_use]
pub fn takes_accounts_over(permission: &str) -> bool {
    PERMISSIONS.iter().any(|(name, _)| *name == permission)
}

/// The id that stands for access without a permission of its own.
const DEFAULT_ACCESS: &str = "00000000-0000-0000-0000-000000000000";

/// What the snapshot says about the permissions of applications.
#[derive(Debug, Default)]
pub(super) struct Grants {
    /// Applications with such a permission, each pair once.
    pub(super) found: BTreeSet<(ObjectReference, &'static str)>,
    /// Applications of which some permissions are not known, by name, and why.
    pub(super) doubts: BTreeSet<(String, &'static str)>,
    /// Whether the snapshot says what any application may do.
    pub(super) is_listed: bool,
}

const LIST_ABSENT: &str = "`appRoleAssignments` are not in the export";
const ROLE_UNNAMED: &str = "it has a permission that cannot be named (export the resource with its `appRoles`)";

/// Reads the permissions of all applications.
pub(super) fn grants(case: &Case<'_>) -> Grants {
    let snapshot = case.snapshot;
    let is_whole = snapshot.app_role_assignments.is_complete();
    let mut grants = Grants { is_listed: is_whole, ..Grants::default() };
    for principal in snapshot.service_principals.items() {
        let id = principal.id.as_str();
        match principal.app_role_assignments.known() {
            Some(own) => {
                grants.is_listed = true;
                own.into_iter().flatten().for_each(|one| grants.take(case, (id, None), one));
            }
            None if is_whole => {}
            None => grants.doubt(case, (id, None), LIST_ABSENT),
        }
    }
    for assignment in snapshot.app_role_assignments.items() {
        if let Some(id) = assignment.text("principalId") {
            let is_person = matches!(assignment.text("principalType"), Some("User" | "Group"));
            if !is_person {
                grants.take(case, (id, assignment.text("principalDisplayName")), &assignment.0);
            }
        } else {
            grants.doubts.insert(("without an id".to_owned(), ROLE_UNNAMED));
        }
    }
    grants
}

impl Grants {
    fn take(&mut self, case: &Case<'_>, whose: (&str, Option<&str>), assignment: &Rest) {
        match permission(case, assignment) {
            Permission::TakesOver(permission) => {
                self.found.extend(application(case, whose).map(|about| (about, permission)));
            }
            Permission::Harmless => {}
            Permission::Unnamed => self.doubt(case, whose, ROLE_UNNAMED),
        }
    }

    fn doubt(&mut self, case: &Case<'_>, whose: (&str, Option<&str>), why: &'static str) {
        self.doubts.extend(application(case, whose).map(|about| (about.name, why)));
    }
}

/// A reference to an application, unless it is one of Microsoft's.
fn application(case: &Case<'_>, (id, name): (&str, Option<&str>)) -> Option<ObjectReference> {
    let principal = find(case, id);
    let owner = principal.and_then(|principal| principal.app_owner_organization_id.value());
    let app = principal.and_then(|principal| principal.app_id.as_ref());
    // Nobody else can register an application with an id of Microsoft's.
    let is_known = owner.is_none() && app.is_some_and(|app| surface(app.as_str()).is_some());
    if is_known || owner.is_some_and(|owner| owner == MICROSOFT_SERVICES_TENANT) {
        return None;
    }
    let name = principal.and_then(|principal| principal.display_name.as_deref()).or(name).unwrap_or(id);
    Some(ObjectReference { kind: ObjectKind::ServicePrincipal, id: id.to_owned(), name: name.to_owned() })
}

fn find<'c>(case: &Case<'c>, id: &str) -> Option<&'c ServicePrincipal> {
    case.snapshot.objects.find(id).and_then(|key| case.snapshot.service_principal(key))
}

/// What an assignment gives.
enum Permission {
    TakesOver(&'static str),
    Harmless,
    /// It cannot be told from the snapshot what it is.
    Unnamed,
}

/// The permission that an assignment gives: our short form or Graph's own.
fn permission(case: &Case<'_>, assignment: &Rest) -> Permission {
    let text = |name: &str| assignment.get(name).and_then(Value::as_str);
    let by_name = |value: &str| match PERMISSIONS.iter().find(|(name, _)| *name == value) {
        Some((name, _)) => Permission::TakesOver(name),
        None => Permission::Harmless,
    };
    if let Some(value) = text("appRoleValue") {
        return by_name(value);
    }
    let Some(id) = text("appRoleId") else { return Permission::Unnamed };
    if let Some((name, _)) = PERMISSIONS.iter().find(|(_, known)| *known == Some(id)) {
        return Permission::TakesOver(name);
    }
    if id == DEFAULT_ACCESS {
        return Permission::Harmless;
    }
    let Some(resource) = text("resourceId").and_then(|id| find(case, id)) else { return Permission::Unnamed };
    let roles = resource.rest.get("appRoles").and_then(Value::as_array);
    let role = roles.into_iter().flatten().find(|role| role.get("id").and_then(Value::as_str) == Some(id));
    let guarded = [MICROSOFT_GRAPH, WINDOWS_AZURE_ACTIVE_DIRECTORY];
    match (role.and_then(|role| role.get("value")?.as_str()), &resource.app_id) {
        (Some(value), _) => by_name(value),
        // Only the directory's own interfaces have permissions over accounts.
        (None, Some(app)) if !guarded.contains(&app.as_str()) => Permission::Harmless,
        (None, _) => Permission::Unnamed,
    }
}
