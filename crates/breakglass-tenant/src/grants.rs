//! What applications were granted: app roles of resources, for themselves, and delegated permissions, in the name of users.
//! Tokens and Graph read the same here.
//!
//! Assignments of app roles stand in a list of their own, as Graph has them, or at the service principal, in which a seed
//! may name the resource and the role by `resourceAppId` and `appRoleValue`.
//!
//! **Source:** the permissions reference (ids of the permissions of Microsoft Graph). The id of a permission that
//! [`GRAPH_ROLES`] does not have is worked out of its name, and is not Microsoft's.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use breakglass_engine::access::surfaces::MICROSOFT_GRAPH;
use breakglass_model::snapshot::Resource;
use serde_json::{Value, json};

use crate::state::{Directory, Object, text};

/// Application permissions of Microsoft Graph.
pub(crate) const GRAPH_ROLES: [(&str, &str); 29] = [
    ("AdministrativeUnit.Read.All", "134fd756-38ce-4afd-ba33-e9623dbe66c2"),
    ("AdministrativeUnit.ReadWrite.All", "5eb59dd3-1da2-4329-8733-9dabdc435916"),
    ("AppRoleAssignment.ReadWrite.All", "06b708a9-e830-4db3-a914-8e69da51d44f"),
    ("Application.Read.All", "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30"),
    ("Application.ReadWrite.All", "1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9"),
    ("AuditLog.Read.All", "b0afded3-3588-46d8-8b3d-9842eff778da"),
    ("Device.Read.All", "7438b122-aefc-4978-80ed-43db9fcc7715"),
    ("Directory.Read.All", "7ab1d382-f21e-4acd-a863-ba3e13f7da61"),
    ("Directory.ReadWrite.All", "19dbc75e-c2e2-444c-a770-ec69d8559fc7"),
    ("Domain.Read.All", "dbb9058a-0e50-45d7-ae91-66909b5d4664"),
    ("Group.Read.All", "5b567255-7703-4780-807c-7be8301ae99b"),
    ("Group.ReadWrite.All", "62a82d76-70ea-41e2-9197-370581804d09"),
    ("GroupMember.Read.All", "98830695-27a2-44f7-8c18-0c3ebc9698f6"),
    ("GroupMember.ReadWrite.All", "dbaae8cf-10b5-4b86-a4a1-f871c94c6695"),
    ("IdentityRiskEvent.Read.All", "6e472fd1-ad78-48da-a0f0-97ab2c6b769e"),
    ("IdentityRiskyUser.Read.All", "dc5007c0-2d7d-4c42-879c-2dab87571379"),
    ("IdentityRiskyUser.ReadWrite.All", "656f6061-f9fe-4807-9708-6a2e0934df76"),
    ("Organization.Read.All", "498476ce-e0fe-48b0-b801-37ba7e2685c6"),
    ("Policy.Read.All", "246dd0d5-5bd0-4def-940b-0421030a5b68"),
    ("Policy.Read.ConditionalAccess", "37730810-e9ba-4e46-b07e-8ca78d182097"),
    ("Policy.ReadWrite.ConditionalAccess", "01c0a623-fc9b-48e9-b794-0756f8e8f067"),
    ("Reports.Read.All", "230c1aed-a721-4c5d-9cb4-a90514e508ef"),
    ("RoleManagement.Read.All", "c7fbd983-d9aa-4fa7-84b8-17382c103bc4"),
    ("RoleManagement.Read.Directory", "483bed4a-2ad3-4361-a73b-c83ccdbdc53c"),
    ("RoleManagement.ReadWrite.Directory", "9e3f62cf-ca93-4989-b6ce-bf83c28f9fe8"),
    ("User.Read.All", "df021288-bdef-4463-88db-98f22de89214"),
    ("User.ReadWrite.All", "741f803b-c850-494e-b5df-cde7c675a1ca"),
    ("UserAuthenticationMethod.Read.All", "38d9df27-64da-44fd-b7c5-a6fbac20248f"),
    ("UserAuthenticationMethod.ReadWrite.All", "50483e42-d915-4231-9639-7fdb7fd190e5"),
];
/// Delegated permissions of Microsoft Graph, where a client may want to know their ids.
const GRAPH_SCOPES: [(&str, &str); 7] = [
    ("Directory.AccessAsUser.All", "0e263e50-5827-48a4-b97c-d940288653c7"),
    ("User.Read", "e1fe6dd8-ba31-4d61-89e7-88639da4683d"),
    ("User.Read.All", "a154be20-db9c-4678-8ab7-66f6cc099a59"),
    ("email", "64a6cdd6-aab1-4aaf-94b8-3cc8405e90d0"),
    ("offline_access", "7427e0e9-2fba-42fe-b0c0-848c9e6a8182"),
    ("openid", "37f7f235-527c-4136-accd-4a02d197296e"),
    ("profile", "14dad69e-099b-42c9-810b-d002981feec1"),
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
    known.unwrap_or_else(|| {
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, format!("app role {name}").as_bytes());
        let digits: String = hash.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let part = |range: std::ops::Range<usize>| digits.get(range).unwrap_or_default().to_owned();
        format!("{}-{}-8{}-8{}-{}", part(0..8), part(8..12), part(13..16), part(17..20), part(20..32))
    })
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
    let scope = |(name, id): &(&str, &str)| {
        json!({ "id": id, "value": name, "type": "User", "isEnabled": true, "adminConsentDisplayName": name,
            "adminConsentDescription": name, "userConsentDisplayName": name, "userConsentDescription": name })
    };
    let principal = json!({
        "id": id, "appId": MICROSOFT_GRAPH, "displayName": "Microsoft Graph", "appDisplayName": "Microsoft Graph",
        "servicePrincipalType": "Application", "accountEnabled": true,
        "servicePrincipalNames": [MICROSOFT_GRAPH, "https://graph.microsoft.com"],
        "appOwnerOrganizationId": MICROSOFT_TENANT, "appRoles": all.map(role).collect::<Vec<_>>(),
        "oauth2PermissionScopes": GRAPH_SCOPES.iter().map(scope).collect::<Vec<_>>(),
    });
    principal.as_object().cloned().unwrap_or_default()
}

/// The tenant that Microsoft's own applications are of.
const MICROSOFT_TENANT: &str = "f8cdef31-a31e-4b4a-93e4-5f571e91255a";

#[cfg(test)]
mod tests {
    use super::{BTreeSet, GRAPH_ROLES, GRAPH_SCOPES, role_id};

    #[test]
    fn each_permission_has_an_id_of_its_own() {
        let known = GRAPH_ROLES.iter().chain(&GRAPH_SCOPES).map(|(_, id)| (*id).to_owned());
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
