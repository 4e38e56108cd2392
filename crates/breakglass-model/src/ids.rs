//! Identifiers of Graph objects, one type each, so that they never mix.
//!
//! Ids are opaque non-empty strings: they are compared byte for byte and never parsed as GUIDs.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

macro_rules! id {
    ($($(#[$meta:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(Box<str>);

        impl $name {
            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into_boxed_str())
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                if text.is_empty() {
                    return Err(serde::de::Error::custom("an id must not be empty"));
                }
                Ok(Self::from(text))
            }
        }
    )+};
}

id!(
    /// Id of a [user](https://learn.microsoft.com/graph/api/resources/user).
    UserId,
    /// Id of a [group](https://learn.microsoft.com/graph/api/resources/group).
    GroupId,
    /// Id of a service principal (the application's object in this tenant, not its `appId`).
    ServicePrincipalId,
    /// Id of any directory object: user, group, device, service principal.
    DirectoryObjectId,
    /// `appId` of an application, the same in every tenant.
    AppId,
    /// Id of a Conditional Access policy.
    PolicyId,
    /// Id of a named location, without the keywords `All` and `AllTrusted`.
    NamedLocationId,
    /// Template id of a directory role, the same in every tenant.
    RoleTemplateId,
    /// Id of an authentication strength policy.
    AuthenticationStrengthId,
    /// Id of an administrative unit.
    AdministrativeUnitId,
    /// Id of a device object.
    DeviceObjectId,
    /// Id of the tenant (`organization.id`).
    TenantId,
);
