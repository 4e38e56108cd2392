//! What applications were granted: app roles of resources, for themselves, and delegated permissions, in the name of users.
//! Tokens and Graph read the same here.
//!
//! Assignments of app roles stand in a list of their own, as Graph has them, or at the service principal, in which a seed
//! may name the resource and the role by `resourceAppId` and `appRoleValue`.
//!
//! **Source:** the permissions reference (ids of the permissions of Microsoft Graph). The id of a permission that
//! [`GRAPH_ROLES`] and [`GRAPH_SCOPES`] do not have is worked out of its name, and is not Microsoft's.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use breakglass_engine::access::surfaces::MICROSOFT_GRAPH;
use breakglass_model::snapshot::Resource;
use serde_json::{Value, json};

use crate::state::{Directory, Object, text};

/// Application permissions of Microsoft Graph.
pub(crate) const GRAPH_ROLES: &[(&str, &str)] = &[
    ("AccessReview.Read.All", "d07a8cc0-3d51-4b77-b3b0-32704d1f69fa"),
    ("AdministrativeUnit.Read.All", "134fd756-38ce-4afd-ba33-e9623dbe66c2"),
    ("AdministrativeUnit.ReadWrite.All", "5eb59dd3-1da2-4329-8733-9dabdc435916"),
    ("Agreement.Read.All", "2f3e6f8c-093b-4c57-a58b-ba5ce494a169"),
    ("AppRoleAssignment.ReadWrite.All", "06b708a9-e830-4db3-a914-8e69da51d44f"),
    ("Application.Read.All", "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30"),
    ("Application.ReadWrite.All", "1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9"),
    ("AuditLog.Read.All", "b0afded3-3588-46d8-8b3d-9842eff778da"),
    ("AuthenticationContext.Read.All", "381f742f-e1f8-4309-b4ab-e3d91ae4c5c1"),
    ("AuthenticationContext.ReadWrite.All", "a88eef72-fed0-4bf7-a2a9-f19df33f8b83"),
    ("DelegatedPermissionGrant.ReadWrite.All", "8e8e4742-1d95-4f68-9d56-6ee75648c72a"),
    ("Device.Read.All", "7438b122-aefc-4978-80ed-43db9fcc7715"),
    ("Directory.Read.All", "7ab1d382-f21e-4acd-a863-ba3e13f7da61"),
    ("Directory.ReadWrite.All", "19dbc75e-c2e2-444c-a770-ec69d8559fc7"),
    ("Domain.Read.All", "dbb9058a-0e50-45d7-ae91-66909b5d4664"),
    ("Group.Read.All", "5b567255-7703-4780-807c-7be8301ae99b"),
    ("Group.ReadWrite.All", "62a82d76-70ea-41e2-9197-370581804d09"),
    ("GroupMember.Read.All", "98830695-27a2-44f7-8c18-0c3ebc9698f6"),
    ("GroupMember.ReadWrite.All", "dbaae8cf-10b5-4b86-a4a1-f871c94c6695"),
    ("IdentityRiskEvent.Read.All", "6e472fd1-ad78-48da-a0f0-97ab2c6b769e"),
    ("IdentityRiskEvent.ReadWrite.All", "db06fb33-1953-4b7b-a2ac-f1e2c854f7ae"),
    ("IdentityRiskyUser.Read.All", "dc5007c0-2d7d-4c42-879c-2dab87571379"),
    ("IdentityRiskyUser.ReadWrite.All", "656f6061-f9fe-4807-9708-6a2e0934df76"),
    ("LifecycleWorkflows.Read.All", "7c67316a-232a-4b84-be22-cea2c0906404"),
    ("Organization.Read.All", "498476ce-e0fe-48b0-b801-37ba7e2685c6"),
    ("Organization.ReadWrite.All", "292d869f-3427-49a8-9dab-8c70152b74e9"),
    ("Policy.Read.All", "246dd0d5-5bd0-4def-940b-0421030a5b68"),
    ("Policy.Read.AuthenticationMethod", "8e3bc81b-d2f3-4b7b-838c-32c88218d2f0"),
    ("Policy.Read.ConditionalAccess", "37730810-e9ba-4e46-b07e-8ca78d182097"),
    ("Policy.ReadWrite.AuthenticationMethod", "29c18626-4985-4dcd-85c0-193eef327366"),
    ("Policy.ReadWrite.ConditionalAccess", "01c0a623-fc9b-48e9-b794-0756f8e8f067"),
    ("Policy.ReadWrite.SecurityDefaults", "1c6e93a6-28e2-4cbb-9f64-1a46a821124d"),
    ("PrivilegedAccess.Read.AzureAD", "4cdc2547-9148-4295-8d11-be0db1391d6b"),
    ("PrivilegedAccess.ReadWrite.AzureAD", "854d9ab1-6657-4ec8-be45-823027bcd009"),
    ("Reports.Read.All", "230c1aed-a721-4c5d-9cb4-a90514e508ef"),
    ("RoleAssignmentSchedule.Read.Directory", "d5fe8ce8-684c-4c83-a52c-46e882ce4be1"),
    ("RoleAssignmentSchedule.ReadWrite.Directory", "dd199f4a-f148-40a4-a2ec-f0069cc799ec"),
    ("RoleEligibilitySchedule.Read.Directory", "ff278e11-4a33-4d0c-83d2-d01dc58929a5"),
    ("RoleEligibilitySchedule.ReadWrite.Directory", "fee28b28-e1f3-4841-818e-2704dc62245f"),
    ("RoleManagement.Read.All", "c7fbd983-d9aa-4fa7-84b8-17382c103bc4"),
    ("RoleManagement.Read.Directory", "483bed4a-2ad3-4361-a73b-c83ccdbdc53c"),
    ("RoleManagement.ReadWrite.Directory", "9e3f62cf-ca93-4989-b6ce-bf83c28f9fe8"),
    ("RoleManagementPolicy.Read.Directory", "fdc4c997-9942-4479-bfcb-75a36d1138df"),
    ("RoleManagementPolicy.ReadWrite.Directory", "31e08e0a-d3f7-4ca2-ac39-7343fb83e8ad"),
    ("User-LifeCycleInfo.Read.All", "8556a004-db57-4d7a-8b82-97a13428e96f"),
    ("User-LifeCycleInfo.ReadWrite.All", "925f1248-0f97-47b9-8ec8-538c54e01325"),
    ("User-PasswordProfile.ReadWrite.All", "cc117bb9-00cf-4eb8-b580-ea2a878fe8f7"),
    ("User.DeleteRestore.All", "eccc023d-eccf-4e7b-9683-8813ab36cecc"),
    ("User.EnableDisableAccount.All", "3011c876-62b7-4ada-afa2-506cbbecc68c"),
    ("User.Read.All", "df021288-bdef-4463-88db-98f22de89214"),
    ("User.ReadWrite.All", "741f803b-c850-494e-b5df-cde7c675a1ca"),
    ("User.RevokeSessions.All", "77f3a031-c388-4f99-b373-dc68676a979e"),
    ("UserAuthenticationMethod.Read.All", "38d9df27-64da-44fd-b7c5-a6fbac20248f"),
    ("UserAuthenticationMethod.ReadWrite.All", "50483e42-d915-4231-9639-7fdb7fd190e5"),
];
/// Delegated permissions of Microsoft Graph.
const GRAPH_SCOPES: &[(&str, &str)] = &[
    ("AccessReview.Read.All", "ebfcd32b-babb-40f4-a14b-42706e83bd28"),
    ("AdministrativeUnit.Read.All", "3361d15d-be43-4de6-b441-3c746d05163d"),
    ("AdministrativeUnit.ReadWrite.All", "7b8a2d34-6b3f-4542-a343-54651608ad81"),
    ("Agreement.Read.All", "af2819c9-df71-4dd3-ade7-4d7c9dc653b7"),
    ("AppRoleAssignment.ReadWrite.All", "84bccea3-f856-4a8a-967b-dbe0a3d53a64"),
    ("Application.Read.All", "c79f8feb-a9db-4090-85f9-90d820caa0eb"),
    ("Application.ReadWrite.All", "bdfbf15f-ee85-4955-8675-146e8e5296b5"),
    ("AuditLog.Read.All", "e4c9e354-4dc5-45b8-9e7c-e1393b0b1a20"),
    ("AuthenticationContext.Read.All", "57b030f1-8c35-469c-b0d9-e4a077debe70"),
    ("AuthenticationContext.ReadWrite.All", "ba6d575a-1344-4516-b777-1404f5593057"),
    ("DelegatedPermissionGrant.ReadWrite.All", "41ce6ca6-6826-4807-84f1-1c82854f7ee5"),
    ("Device.Read.All", "951183d1-1a61-466f-a6d1-1fde911bfd95"),
    ("Directory.AccessAsUser.All", "0e263e50-5827-48a4-b97c-d940288653c7"),
    ("Directory.Read.All", "06da0dbc-49e2-44d2-8312-53f166ab848a"),
    ("Directory.ReadWrite.All", "c5366453-9fb0-48a5-a156-24f0c49a4b84"),
    ("Domain.Read.All", "2f9ee017-59c1-4f1d-9472-bd5529a7b311"),
    ("Group.Read.All", "5f8c59db-677d-491f-a6b8-5f174b11ec1d"),
    ("Group.ReadWrite.All", "4e46008b-f24c-477d-8fff-7bb4ec7aafe0"),
    ("GroupMember.Read.All", "bc024368-1153-4739-b217-4326f2e966d0"),
    ("GroupMember.ReadWrite.All", "f81125ac-d3b7-4573-a3b2-7099cc39df9e"),
    ("IdentityRiskEvent.Read.All", "8f6a01e7-0391-4ee5-aa22-a3af122cef27"),
    ("IdentityRiskEvent.ReadWrite.All", "9e4862a5-b68f-479e-848a-4e07e25c9916"),
    ("IdentityRiskyUser.Read.All", "d04bb851-cb7c-4146-97c7-ca3e71baf56c"),
    ("IdentityRiskyUser.ReadWrite.All", "e0a7cdbb-08b0-4697-8264-0069786e9674"),
    ("LifecycleWorkflows.Read.All", "9bcb9916-765a-42af-bf77-02282e26b01a"),
    ("Organization.Read.All", "4908d5b9-3fb2-4b1e-9336-1888b7937185"),
    ("Organization.ReadWrite.All", "46ca0847-7e6b-426e-9775-ea810a948356"),
    ("Policy.Read.All", "572fea84-0151-49b2-9301-11cb16974376"),
    ("Policy.Read.ConditionalAccess", "633e0fce-8c58-4cfb-9495-12bbd5a24f7c"),
    ("Policy.ReadWrite.AuthenticationMethod", "7e823077-d88e-468f-a337-e18f1f0e6c7c"),
    ("Policy.ReadWrite.ConditionalAccess", "ad902697-1014-4ef5-81ef-2b4301988e8c"),
    ("Policy.ReadWrite.SecurityDefaults", "0b2a744c-2abf-4f1e-ad7e-17a087e2be99"),
    ("PrivilegedAccess.Read.AzureAD", "b3a539c9-59cb-4ad5-825a-041ddbdc2bdb"),
    ("PrivilegedAccess.ReadWrite.AzureAD", "3c3c74f5-cdaa-4a97-b7e0-4e788bfcfb37"),
    ("Reports.Read.All", "02e97553-ed7b-43d0-ab3c-f8bace0d040c"),
    ("RoleAssignmentSchedule.Read.Directory", "344a729c-0285-42c6-9014-f12b9b8d6129"),
    ("RoleAssignmentSchedule.ReadWrite.Directory", "8c026be3-8e26-4774-9372-8d5d6f21daff"),
    ("RoleEligibilitySchedule.Read.Directory", "eb0788c2-6d4e-4658-8c9e-c0fb8053f03d"),
    ("RoleEligibilitySchedule.ReadWrite.Directory", "62ade113-f8e0-4bf9-a6ba-5acb31db32fd"),
    ("RoleManagement.Read.All", "48fec646-b2ba-4019-8681-8eb31435aded"),
    ("RoleManagement.Read.Directory", "741c54c3-0c1e-44a1-818b-3f97ab4e8c83"),
    ("RoleManagement.ReadWrite.Directory", "d01b97e9-cbc0-49fe-810a-750afd5527a3"),
    ("RoleManagementPolicy.Read.Directory", "3de2cdbe-0ff5-47d5-bdee-7f45b4749ead"),
    ("RoleManagementPolicy.ReadWrite.Directory", "1ff1be21-34eb-448c-9ac9-ce1f506b2a68"),
    ("User-PasswordProfile.ReadWrite.All", "56760768-b641-451f-8906-e1b8ab31bca7"),
    ("User.DeleteRestore.All", "4bb440cd-2cf2-4f90-8004-aa2acd2537c5"),
    ("User.EnableDisableAccount.All", "f92e74e7-2563-467f-9dd0-902688cb5863"),
    ("User.Read", "e1fe6dd8-ba31-4d61-89e7-88639da4683d"),
    ("User.Read.All", "a154be20-db9c-4678-8ab7-66f6cc099a59"),
    ("User.ReadBasic.All", "b340eb25-3456-403f-be2f-af7a0d370277"),
    ("User.ReadWrite", "b4e74841-8e56-480b-be8b-910348b18b4c"),
    ("User.ReadWrite.All", "204e0828-b5ca-4ad8-b9f3-f32a958e7cc4"),
    ("UserAuthenticationMethod.Read", "1f6b61c5-2f65-4135-9c9f-31c0f8d32b52"),
    ("UserAuthenticationMethod.Read.All", "aec28ec7-4d02-4e8c-b864-50163aea77eb"),
    ("UserAuthenticationMethod.ReadWrite", "48971fc1-70d7-4245-af77-0beb29b53ee2"),
    ("UserAuthenticationMethod.ReadWrite.All", "b7887744-6746-4312-813d-72daeaee7e2d"),
    ("email", "64a6cdd6-aab1-4aaf-94b8-3cc8405e90d0"),
    ("offline_access", "7427e0e9-2fba-42fe-b0c0-848c9e6a8182"),
    ("openid", "37f7f235-527c-4136-accd-4a02d197296e"),
    ("profile", "14dad69e-099b-42c9-810b-d002981feec1"),
];
/// The same of which no public list at hand has the id: it is worked out of the name.
const SCOPES_WITHOUT_ID: [&str; 4] = [
    "Policy.Read.AuthenticationMethod",
    "User-LifeCycleInfo.Read.All",
    "User-LifeCycleInfo.ReadWrite.All",
    "User.RevokeSessions.All",
];
/// The role of whoever is assigned to an application that has none.
pub(crate) const DEFAULT_ACCESS: &str = "00000000-0000-0000-0000-000000000000";

/// An assignment of an app role.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Assignment {
    /// As Graph has it.
    pub(crate) object: Object,
    /// The name of the role in tokens; `None` where it is not known.
    pub(crate) value: Option<String>,
    /// The `appId` of the resource, where it is known.
    pub(crate) resource_app: Option<String>,
    /// Where it stands at the service principal; `None` if it is in the list of all.
    pub(crate) nested: Option<usize>,
}

impl Assignment {
    /// Whether one of its ids is this one.
    pub(crate) fn is(&self, name: &str, id: &str) -> bool {
        text(&self.object, name).is_some_and(|known| known.eq_ignore_ascii_case(id))
    }
}

/// Every assignment of an app role.
pub(crate) fn assignments(directory: &Directory) -> Vec<Assignment> {
    let listed = directory.all(Resource::AppRoleAssignments).map(|one| assignment(directory, (one, None), None));
    let nested = directory.all(Resource::ServicePrincipals).flat_map(|principal| nested(directory, principal));
    listed.chain(nested).collect()
}

fn nested<'d>(directory: &'d Directory, principal: &'d Object) -> impl Iterator<Item = Assignment> {
    let own = principal.get("appRoleAssignments").and_then(Value::as_array).into_iter().flatten();
    let own = own.filter_map(Value::as_object).enumerate();
    own.map(move |(at, one)| assignment(directory, (one, Some(at)), text(principal, "id")))
}

/// The assignments of a principal.
pub(crate) fn assignments_of(directory: &Directory, principal: &str) -> Vec<Assignment> {
    let is_theirs = |one: &&Object| text(one, "principalId").is_some_and(|id| id.eq_ignore_ascii_case(principal));
    let listed = directory.all(Resource::AppRoleAssignments).filter(is_theirs);
    let listed = listed.map(|one| assignment(directory, (one, None), None));
    let owner = directory.object(Resource::ServicePrincipals, principal);
    listed.chain(owner.into_iter().flat_map(|owner| nested(directory, owner))).collect()
}

/// The names of the app roles that somebody or something has of a resource, for a token.
pub(crate) fn role_values(directory: &Directory, principal: &str, resource_app: &str) -> Vec<String> {
    let all = assignments_of(directory, principal).into_iter();
    let of_resource =
        all.filter(|one| one.resource_app.as_ref().is_some_and(|app| app.eq_ignore_ascii_case(resource_app)));
    let mut values: Vec<String> = of_resource.filter_map(|one| one.value).collect();
    values.sort_unstable();
    values.dedup();
    values
}

/// Whether a delegated grant is one for Microsoft Graph. A seed may leave out the resource.
pub(crate) fn is_for_graph(directory: &Directory, grant: &Object) -> bool {
    let resource = text(grant, "resourceId").and_then(|id| directory.object(Resource::ServicePrincipals, id));
    resource.is_none_or(|resource| is_app(resource, MICROSOFT_GRAPH))
}

fn is_app(principal: &Object, app: &str) -> bool {
    text(principal, "appId").is_some_and(|known| known.eq_ignore_ascii_case(app))
}

/// An assignment that is kept, at which place of whose list.
pub(crate) fn assignment(
    directory: &Directory,
    (kept, nested): (&Object, Option<usize>),
    owner: Option<&str>,
) -> Assignment {
    let principal = text(kept, "principalId").or(owner).unwrap_or_default();
    let by_app = |app: &str| directory.all(Resource::ServicePrincipals).find(|one| is_app(one, app));
    let by_id = text(kept, "resourceId").and_then(|id| directory.object(Resource::ServicePrincipals, id));
    let resource = by_id.or_else(|| text(kept, "resourceAppId").and_then(by_app));
    let app = resource.and_then(|one| text(one, "appId")).or_else(|| text(kept, "resourceAppId"));
    let resource_id = text(kept, "resourceId").or_else(|| resource.and_then(|one| text(one, "id"))).or(app);
    let roles = || resource.and_then(|one| one.get("appRoles")?.as_array()).into_iter().flatten();
    let other = |(name, wanted): (&str, &str), sought: &str| {
        let role = roles().find(|role| {
            role.get(name).and_then(Value::as_str).is_some_and(|known| known.eq_ignore_ascii_case(wanted))
        });
        role.and_then(|role| role.get(sought)?.as_str()).map(str::to_owned)
    };
    let role_id = text(kept, "appRoleId").map(str::to_owned).or_else(|| {
        let value = text(kept, "appRoleValue")?;
        other(("value", value), "id").or_else(|| Some(role_id(value)))
    });
    let role_id = role_id.unwrap_or_else(|| DEFAULT_ACCESS.to_owned());
    let value = text(kept, "appRoleValue").map(str::to_owned).or_else(|| other(("id", &role_id), "value"));
    let of_graph = || GRAPH_ROLES.iter().find(|(_, id)| id.eq_ignore_ascii_case(&role_id));
    let value =
        value.or_else(|| of_graph().filter(|_| app == Some(MICROSOFT_GRAPH)).map(|(name, _)| (*name).to_owned()));
    let (kind, name) = principal_of(directory, principal);
    let id = text(kept, "id")
        .map_or_else(|| assignment_id((principal, resource_id.unwrap_or_default(), &role_id)), str::to_owned);
    let object = json!({
        "id": id, "deletedDateTime": Value::Null, "appRoleId": role_id, "createdDateTime": text(kept, "createdDateTime"),
        "principalDisplayName": name, "principalId": principal, "principalType": kind,
        "resourceDisplayName": resource.and_then(|one| text(one, "displayName")), "resourceId": resource_id,
    });
    let resource_app = app.map(str::to_owned);
    Assignment { object: object.as_object().cloned().unwrap_or_default(), value, resource_app, nested }
}

/// The kind and the name of a principal, as assignments have them.
fn principal_of<'d>(directory: &'d Directory, id: &str) -> (&'static str, Option<&'d str>) {
    let kinds =
        [(Resource::Users, "User"), (Resource::Groups, "Group"), (Resource::ServicePrincipals, "ServicePrincipal")];
    let found = kinds.iter().find_map(|(resource, kind)| Some((*kind, directory.object(*resource, id)?)));
    found.map_or(("ServicePrincipal", None), |(kind, object)| (kind, text(object, "displayName")))
}

/// The id of an assignment, which is the same for the same three.
pub(crate) fn assignment_id((principal, resource, role): (&str, &str, &str)) -> String {
    let whole = format!("{principal}|{resource}|{role}").to_ascii_lowercase();
    URL_SAFE_NO_PAD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, whole.as_bytes()))
}

/// The id of an application permission of Microsoft Graph.
fn role_id(name: &str) -> String {
    let known = GRAPH_ROLES.iter().find(|(known, _)| *known == name).map(|(_, id)| (*id).to_owned());
    known.unwrap_or_else(|| id_of_name(&format!("app role {name}")))
}

/// An id that is the same for the same name.
fn id_of_name(name: &str) -> String {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, name.as_bytes());
    let digits: String = hash.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let part = |range: std::ops::Range<usize>| digits.get(range).unwrap_or_default().to_owned();
    format!("{}-{}-8{}-8{}-{}", part(0..8), part(8..12), part(13..16), part(17..20), part(20..32))
}

/// The delegated permissions of Microsoft Graph by name, each with its id.
fn scopes() -> Vec<(&'static str, String)> {
    let known = GRAPH_SCOPES.iter().map(|(name, id)| (*name, (*id).to_owned()));
    let others = SCOPES_WITHOUT_ID.iter().map(|name| (*name, id_of_name(&format!("scope {name}"))));
    let mut all: Vec<(&str, String)> = known.chain(others).collect();
    all.sort_unstable();
    all
}

/// The service principal of Microsoft Graph with an id, which has the app roles that it usually has and those that are named.
pub(crate) fn graph_principal(id: &str, names: &[&str]) -> Object {
    let others: BTreeSet<&str> =
        names.iter().copied().filter(|name| !GRAPH_ROLES.iter().any(|(known, _)| known == name)).collect();
    let all = GRAPH_ROLES.iter().map(|(name, _)| *name).chain(others);
    let role = |name: &str| {
        json!({ "id": role_id(name), "value": name, "displayName": name, "description": name, "isEnabled": true,
            "allowedMemberTypes": ["Application"], "origin": "Application" })
    };
    let scope = |(name, id): (&str, String)| {
        json!({ "id": id, "value": name, "type": "User", "isEnabled": true, "adminConsentDisplayName": name,
            "adminConsentDescription": name, "userConsentDisplayName": name, "userConsentDescription": name })
    };
    let principal = json!({
        "id": id, "appId": MICROSOFT_GRAPH, "displayName": "Microsoft Graph", "appDisplayName": "Microsoft Graph",
        "servicePrincipalType": "Application", "accountEnabled": true,
        "servicePrincipalNames": [MICROSOFT_GRAPH, "https://graph.microsoft.com"],
        "appOwnerOrganizationId": MICROSOFT_TENANT, "appRoles": all.map(role).collect::<Vec<_>>(),
        "oauth2PermissionScopes": scopes().into_iter().map(scope).collect::<Vec<_>>(),
    });
    principal.as_object().cloned().unwrap_or_default()
}

/// The tenant that Microsoft's own applications are of.
const MICROSOFT_TENANT: &str = "f8cdef31-a31e-4b4a-93e4-5f571e91255a";

#[cfg(test)]
mod tests {
    use super::{BTreeSet, GRAPH_ROLES, role_id, scopes};

    #[test]
    fn each_permission_has_an_id_of_its_own() {
        let known = GRAPH_ROLES.iter().map(|(_, id)| (*id).to_owned()).chain(scopes().into_iter().map(|(_, id)| id));
        let made = ["Sites.Read.All", "Mail.Send"].map(role_id);
        let all: Vec<String> = known.chain(made).collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
        for id in all {
            let lengths: Vec<usize> = id.split('-').map(str::len).collect();
            assert_eq!(lengths, [8, 4, 4, 4, 12], "{id}");
        }
        assert_eq!(role_id("Mail.Send"), role_id("Mail.Send"));
    }
}
