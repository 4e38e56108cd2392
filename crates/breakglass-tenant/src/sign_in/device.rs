//! The device that a client says it is on, as the tenant knows it.

use std::borrow::Cow;

use breakglass_model::sign_in::{DeviceInfo, DeviceInfoDetail};
use serde_json::{Value, json};

use crate::call::Call;
use crate::faults;
use crate::state::{Object, text};
use crate::tenant::{DEVICE_HEADER, Tenant};

/// A device of the tenant that may be used.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Device {
    object: Object,
    is_compliant: bool,
}

impl Device {
    /// The device that a request says it is sent from. Whether it is compliant nobody can say while Intune is down, and
    /// then it counts as one that is not.
    pub(crate) fn of(tenant: &Tenant, call: &Call) -> Option<Self> {
        let directory = tenant.state.read();
        let object = directory.device(call.header(DEVICE_HEADER)?)?;
        let is = |name: &str| object.get(name).and_then(Value::as_bool);
        let is_compliant = is("isCompliant") == Some(true) && !faults::is_compliance_unknown(&directory);
        (is("accountEnabled") != Some(false)).then(|| Self { object: object.clone(), is_compliant })
    }

    fn own(&self, name: &str) -> Option<String> {
        text(&self.object, name).map(str::to_owned)
    }

    /// As the engine is asked about it.
    pub(super) fn info(&self) -> DeviceInfo<'static> {
        let detail = DeviceInfoDetail {
            device_id: self.own("deviceId"),
            display_name: self.own("displayName"),
            enrollment_profile_name: self.own("enrollmentProfileName"),
            manufacturer: self.own("manufacturer"),
            mdm_app_id: self.own("mdmAppId"),
            model: self.own("model"),
            operating_system: self.own("operatingSystem"),
            operating_system_version: self.own("operatingSystemVersion"),
            ownership: self.own("deviceOwnership"),
            profile_type: self.own("profileType"),
            ..DeviceInfoDetail::default()
        };
        DeviceInfo {
            is_compliant: Some(self.is_compliant),
            trust_type: self.own("trustType").map(Cow::Owned),
            detail: Some(Box::new(detail)),
        }
    }

    /// As the record of a sign-in has it.
    pub(super) fn recorded(&self, operating_system: &str, browser: &str) -> Value {
        let own = |name: &str| self.own(name).unwrap_or_default();
        let is_managed = self.object.get("isManaged").and_then(Value::as_bool).unwrap_or(false);
        let trust = match own("trustType").as_str() {
            "AzureAd" | "AzureAD" => "Azure AD joined".to_owned(),
            "ServerAd" | "ServerAD" => "Hybrid Azure AD joined".to_owned(),
            "Workplace" => "Azure AD registered".to_owned(),
            other => other.to_owned(),
        };
        json!({
            "deviceId": own("deviceId"), "displayName": own("displayName"), "operatingSystem": operating_system,
            "browser": browser, "isCompliant": self.is_compliant, "isManaged": is_managed, "trustType": trust,
        })
    }
}
