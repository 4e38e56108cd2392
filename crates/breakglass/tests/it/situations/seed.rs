//! The company of the situations: a handful of people, two emergency accounts, and what each situation puts besides.

use breakglass_ops::reading::{RELATED, SOURCES};
use serde_json::{Value, json};

use super::sign_in::{Person, Proof};

pub(super) const TENANT: &str = "6c1b0e0e-54a2-4d39-9d0f-b4ea6f1a5505";
pub(super) const READER: &str = "7a6f2f3c-58e1-4f36-9a60-0e54b1a7d003";
pub(super) const READER_SECRET: &str = "reader~secret~1";
const GRAPH: &str = "00000003-0000-0000-c000-000000000000";

pub(super) const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";
pub(super) const PRIVILEGED_AUTHENTICATION_ADMINISTRATOR: &str = "7be44c8a-adaf-4e2a-84d6-ab2649e08a13";
pub(super) const CONDITIONAL_ACCESS_ADMINISTRATOR: &str = "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9";

/// The everyday Global Administrator.
pub(super) const ADA: Person<'_> = Person::new("ada@contoso.com", "Ada-Walks-Home-1", Proof::App);
/// A second administrator; each situation gives a role to him.
pub(super) const BRAM: Person<'_> = Person::new("bram@contoso.com", "Bram-Rows-Far-2", Proof::App);
/// The emergency accounts, which are cloud-only.
pub(super) const FIRST: Person<'_> =
    Person::new("emergency-access-1@contoso.onmicrosoft.com", "Sealed-In-The-First-Safe-1", Proof::Nothing);
pub(super) const SECOND: Person<'_> =
    Person::new("emergency-access-2@contoso.onmicrosoft.com", "Sealed-In-The-Second-Safe-2", Proof::Nothing);

/// The group that policies exclude.
pub(super) const GROUP: &str = "Emergency access - excluded from Conditional Access";

/// An id of two digits, which every kind of object has for itself.
pub(super) fn id(digits: &str) -> String {
    format!("00000000-0000-4000-8000-0000000000{digits}")
}

pub(super) const ADA_ID: &str = "a1";
pub(super) const BRAM_ID: &str = "a2";
pub(super) const FIRST_ID: &str = "a8";
pub(super) const SECOND_ID: &str = "a9";
pub(super) const GROUP_ID: &str = "b1";

/// What a tenant begins with.
pub(super) struct Seed(pub(super) Value);

impl Seed {
    /// Contoso without anybody.
    pub(super) fn contoso() -> Self {
        let permissions = SOURCES.iter().flat_map(|source| source.permissions);
        let related = RELATED.iter().flat_map(|(_, _, permissions)| *permissions);
        let mut permissions: Vec<&str> = permissions.chain(related).copied().collect();
        permissions.sort_unstable();
        permissions.dedup();
        let roles: Vec<Value> =
            permissions.iter().map(|name| json!({ "resourceAppId": GRAPH, "appRoleValue": name })).collect();
        Self(json!({
            "format": "breakglass-snapshot/1", "tenantId": TENANT, "takenAt": "2026-11-20T08:00:00Z", "source": "file",
            "domains": [domain("contoso.onmicrosoft.com", "Managed", true), domain("contoso.com", "Managed", false)],
            "users": [], "groups": [], "conditionalAccessPolicies": [], "namedLocations": [], "roleAssignments": [],
            "administrativeUnits": [],
            "applications": [{ "id": id("c1"), "appId": READER, "displayName": "Breakglass reader",
                "passwordCredentials": [{ "keyId": id("c3"), "secretText": READER_SECRET,
                                          "endDateTime": "2099-01-01T00:00:00Z" }] }],
            "servicePrincipals": [{ "id": id("c2"), "appId": READER, "displayName": "Breakglass reader",
                "accountEnabled": true, "servicePrincipalType": "Application", "appRoleAssignments": roles }],
        }))
    }

    /// Puts an object into a list.
    pub(super) fn with(mut self, list: &str, object: Value) -> Self {
        self.0[list].as_array_mut().unwrap().push(object);
        self
    }

    /// Somebody of an id, with a display name, roles and methods.
    pub(super) fn user(self, digits: &str, person: &Person<'_>, (name, methods): (&str, Value)) -> Self {
        let methods: Vec<Value> = methods
            .as_array()
            .unwrap()
            .iter()
            .enumerate()
            .map(|(at, method)| {
                let mut method = method.clone();
                method["id"] = json!(format!("method-{at}-of-{digits}"));
                method
            })
            .collect();
        self.with(
            "users",
            json!({
                "id": id(digits), "displayName": name, "accountEnabled": true, "userPrincipalName": person.name,
                "mailNickname": person.name.split('@').next(), "userType": "Member",
                "passwordPolicies": "DisablePasswordExpiration", "passwordProfile": { "password": person.password },
                "authenticationMethods": methods,
            }),
        )
    }

    /// Gives a role over the whole tenant.
    pub(super) fn role(self, digits: &str, role: &str) -> Self {
        let count = self.0["roleAssignments"].as_array().unwrap().len();
        let object = json!({ "id": id(&format!("e{count}")), "principalId": id(digits), "roleDefinitionId": role,
                             "directoryScopeId": "/" });
        self.with("roleAssignments", object)
    }

    /// Both emergency accounts, with what they sign in with besides their passwords, and their group.
    pub(super) fn emergency(self, methods: [Value; 2]) -> Self {
        let [first, second] = methods;
        let group = json!({
            "id": id(GROUP_ID), "displayName": GROUP, "mailNickname": "emergency", "mailEnabled": false,
            "securityEnabled": true, "groupTypes": [], "isAssignableToRole": true,
            "members": [{ "id": id(FIRST_ID) }, { "id": id(SECOND_ID) }],
        });
        self.user(FIRST_ID, &FIRST, ("Emergency access 1", first))
            .user(SECOND_ID, &SECOND, ("Emergency access 2", second))
            .role(FIRST_ID, GLOBAL_ADMINISTRATOR)
            .role(SECOND_ID, GLOBAL_ADMINISTRATOR)
            .with("groups", group)
    }
}

/// A domain.
pub(super) fn domain(name: &str, authentication: &str, is_initial: bool) -> Value {
    json!({ "id": name, "isInitial": is_initial, "isDefault": is_initial, "isVerified": true, "isAdminManaged": true,
            "isRoot": true, "authenticationType": authentication })
}

/// A policy for everybody and everything, that excludes groups.
pub(super) fn policy((digits, name, state): (&str, &str, &str), excluded: &[&str], grant: &str) -> Value {
    let excluded: Vec<String> = excluded.iter().map(|digits| id(digits)).collect();
    json!({
        "id": id(digits), "displayName": name, "state": state, "createdDateTime": "2026-01-01T00:00:00Z",
        "conditions": { "clientAppTypes": ["all"], "applications": { "includeApplications": ["All"] },
                        "users": { "includeUsers": ["All"], "excludeGroups": excluded } },
        "grantControls": { "operator": "OR", "builtInControls": [grant] },
    })
}

/// The accounts and the group, as a configuration declares them.
pub(super) fn declared() -> String {
    let account = |person: &Person<'_>, name: &str| {
        format!("[[account]]\nuser_principal_name = \"{}\"\ndisplay_name = \"{name}\"\n", person.name)
    };
    format!(
        "[exclusion]\ngroup = \"{GROUP}\"\n{}{}",
        account(&FIRST, "Emergency access 1"),
        account(&SECOND, "Emergency access 2")
    )
}
