//! The tenant itself: organization, domains, service principals, the methods policy and other resources of which
//! few properties are asked.

use serde::Deserialize;
use serde_json::Value;

use crate::ids::{AppId, ServicePrincipalId};
use crate::policy::Rest;
use crate::property::{Property, null_is_default};

/// `organization`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Organization {
    /// Tenant id.
    pub id: Option<String>,
    /// Name to show.
    pub display_name: Option<String>,
    /// Whether directory synchronisation is on.
    pub on_premises_sync_enabled: Property<bool>,
    /// Everything else.
    #[serde(flatten)]
    pub rest: Rest,
}

/// `domain`; its id is its name.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Domain {
    /// Domain name.
    pub id: String,
    /// `Managed` or `Federated`.
    #[serde(default)]
    pub authentication_type: Property<String>,
    /// The first `*.onmicrosoft.com` domain.
    #[serde(default)]
    pub is_initial: Property<bool>,
    /// Domain of new users.
    #[serde(default)]
    pub is_default: Property<bool>,
    /// Whether ownership was proved.
    #[serde(default)]
    pub is_verified: Property<bool>,
    /// Everything else.
    #[serde(flatten)]
    pub rest: Rest,
}

/// `servicePrincipal`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServicePrincipal {
    /// Object id in this tenant.
    pub id: ServicePrincipalId,
    /// Application id.
    #[serde(default)]
    pub app_id: Option<AppId>,
    /// Name to show.
    #[serde(default)]
    pub display_name: Option<String>,
    /// Whether it may sign in.
    #[serde(default)]
    pub account_enabled: Property<bool>,
    /// Tenant that owns the application.
    #[serde(default)]
    pub app_owner_organization_id: Property<String>,
    /// `Application`, `ManagedIdentity`, …
    #[serde(default)]
    pub service_principal_type: Property<String>,
    /// Granted application permissions: our short form or Graph's own; absent where they were not expanded.
    #[serde(default)]
    pub app_role_assignments: Property<Vec<Rest>>,
    /// Everything else.
    #[serde(flatten)]
    pub rest: Rest,
}

/// `authenticationMethodsPolicy`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AuthenticationMethodsPolicy {
    /// Per method: state, targets, restrictions.
    #[serde(deserialize_with = "null_is_default")]
    pub authentication_method_configurations: Vec<AuthenticationMethodConfiguration>,
    /// `preMigration`, `migrationInProgress`, `migrationComplete`.
    pub policy_migration_state: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub rest: Rest,
}

impl AuthenticationMethodsPolicy {
    /// The configuration of a method, by its id without regard to case (`Fido2`, `X509Certificate`).
    #[must_use]
    pub fn configuration(&self, id: &str) -> Option<&AuthenticationMethodConfiguration> {
        self.authentication_method_configurations.iter().find(|configuration| configuration.id.eq_ignore_ascii_case(id))
    }
}

/// `authenticationMethodConfiguration`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AuthenticationMethodConfiguration {
    /// `Fido2`, `MicrosoftAuthenticator`, `Sms`, …
    #[serde(deserialize_with = "null_is_default")]
    pub id: String,
    /// `enabled` or `disabled`.
    pub state: Option<String>,
    /// Who may use it.
    pub include_targets: Property<Vec<MethodTarget>>,
    /// Who may not.
    pub exclude_targets: Property<Vec<MethodTarget>>,
    /// Whether security keys must be attested (fido2).
    pub is_attestation_enforced: Property<bool>,
    /// Allowed or blocked authenticator models (fido2).
    pub key_restrictions: Property<KeyRestrictions>,
    /// Everything else.
    #[serde(flatten)]
    pub rest: Rest,
}

/// A target of a method configuration; `all_users` is everybody.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MethodTarget {
    /// `group` or `user`.
    pub target_type: Option<String>,
    /// Object id, or `all_users`.
    #[serde(deserialize_with = "null_is_default")]
    pub id: String,
    /// Everything else.
    #[serde(flatten)]
    pub rest: Rest,
}

/// `fido2KeyRestrictions`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct KeyRestrictions {
    /// Whether they hold.
    pub is_enforced: Option<bool>,
    /// `allow` or `block`.
    pub enforcement_type: Option<String>,
    /// Authenticator models.
    #[serde(rename = "aaGuids")]
    pub aaguids: Property<Vec<String>>,
}

/// An object of a resource of which few properties are asked; it is Graph's own JSON.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct GraphObject(pub Rest);

impl GraphObject {
    /// A text property.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// A boolean property.
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<bool> {
        self.0.get(name).and_then(Value::as_bool)
    }

    /// A list property; empty where there is none.
    #[must_use]
    pub fn list(&self, name: &str) -> &[Value] {
        self.0.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// A property at a path of names, such as `["prepaidUnits", "enabled"]`.
    #[must_use]
    pub fn at(&self, path: &[&str]) -> Option<&Value> {
        let (first, others) = path.split_first()?;
        others.iter().try_fold(self.0.get(*first)?, |value, name| value.get(name))
    }
}
