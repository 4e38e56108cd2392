//! Devices.
//!
//! **Source:** <https://learn.microsoft.com/graph/api/resources/device>.

use serde::Deserialize;

use crate::ids::DeviceObjectId;
use crate::property::{Property, null_is_default};

/// One device, read for what a device filter can ask.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Device {
    /// Object id.
    pub id: DeviceObjectId,
    /// Id by which sign-ins name it.
    #[serde(default)]
    pub device_id: Property<String>,
    /// Name to show.
    #[serde(default)]
    pub display_name: Property<String>,
    /// Whether it may be used.
    #[serde(default)]
    pub account_enabled: Property<bool>,
    /// Whether it meets its management's rules.
    #[serde(default)]
    pub is_compliant: Property<bool>,
    /// Whether it is managed.
    #[serde(default)]
    pub is_managed: Property<bool>,
    /// `AzureAd`, `ServerAd`, `Workplace`.
    #[serde(default)]
    pub trust_type: Property<String>,
    /// `Company`, `Personal`.
    #[serde(default)]
    pub device_ownership: Property<String>,
    /// Enrolment profile.
    #[serde(default)]
    pub enrollment_profile_name: Property<String>,
    /// Maker.
    #[serde(default)]
    pub manufacturer: Property<String>,
    /// Managing application.
    #[serde(default)]
    pub mdm_app_id: Property<String>,
    /// Model.
    #[serde(default)]
    pub model: Property<String>,
    /// Operating system.
    #[serde(default)]
    pub operating_system: Property<String>,
    /// Its version.
    #[serde(default)]
    pub operating_system_version: Property<String>,
    /// Profile.
    #[serde(default)]
    pub profile_type: Property<String>,
    /// Physical ids.
    #[serde(default, deserialize_with = "null_is_default")]
    pub physical_ids: Vec<String>,
    /// Labels.
    #[serde(default, deserialize_with = "null_is_default")]
    pub system_labels: Vec<String>,
    /// `extensionAttribute1` to `extensionAttribute15`.
    #[serde(default)]
    pub extension_attributes: Property<std::collections::BTreeMap<String, Option<String>>>,
    /// Who registered it, expanded: objects with an `id`, or bare ids.
    #[serde(default)]
    pub registered_owners: Property<Vec<serde_json::Value>>,
    /// Who uses it, expanded.
    #[serde(default)]
    pub registered_users: Property<Vec<serde_json::Value>>,
}
