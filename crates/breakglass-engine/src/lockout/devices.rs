//! On what somebody can sign in: any unmanaged device of a platform, and the registered devices of the user.
//!
//! **Source:** `docs/concepts/lockout.md`, section 4; the device resource. Operating systems are told by the names
//! that devices register with (from memory).

use std::collections::{BTreeMap, BTreeSet};

use breakglass_model::device::Device;
use breakglass_model::policy::{ConditionalAccessGrantControl, ConditionalAccessPolicy, ConditionalAccessPolicyState};
use breakglass_model::property::Property;
use breakglass_model::sign_in::SignInConditions;

use super::component::{Component, INTUNE_COMPLIANCE, Kind};
use super::judge::{DeviceContext, Judge, Registered};
use super::settings::Mode;
use crate::access::device_filter::{DeviceFacts, DeviceProperty, ExtensionAttributeNumber, PartialDevice};
use crate::access::{Access, Situation};

/// Platforms of unmanaged devices, as a sign-in names them and in words.
const PLATFORMS: [(&str, &str); 6] = [
    ("windows", "Windows"),
    ("macOS", "macOS"),
    ("linux", "Linux"),
    ("android", "Android"),
    ("iOS", "iOS"),
    ("unknownFutureValue", "an unknown platform"),
];

/// Any device that is not managed.
pub(super) const UNMANAGED: &str = "unmanaged";

/// Which devices belong to whom.
#[derive(Debug, Default)]
pub(super) struct Devices {
    /// Per user id, in lower case, the devices.
    of_user: BTreeMap<String, Vec<usize>>,
    /// Devices of which the export does not say whose they are.
    of_somebody: Vec<usize>,
}

impl Devices {
    /// The devices that are a user's for sure.
    pub(super) fn of_user<'d>(&self, devices: &'d [Device], user: &str) -> Vec<&'d Device> {
        let own = self.of_user.get(&user.to_ascii_lowercase()).into_iter().flatten();
        own.filter_map(|index| devices.get(*index)).collect()
    }

    /// Looks the owners up.
    pub(super) fn of(devices: &[Device]) -> Self {
        let mut found = Self::default();
        for (index, device) in devices.iter().enumerate() {
            if device.registered_owners.is_absent() && device.registered_users.is_absent() {
                found.of_somebody.push(index);
            }
            let lists = [device.registered_owners.value(), device.registered_users.value()];
            let ids = lists.into_iter().flatten().flatten();
            let ids = ids.filter_map(|written| written.get("id").unwrap_or(written).as_str());
            for id in ids.map(str::to_ascii_lowercase).collect::<BTreeSet<_>>() {
                found.of_user.entry(id).or_default().push(index);
            }
        }
        found
    }
}

/// Whether a policy that may be in force asks what a device is.
pub(super) fn asks_of_devices(access: &Access<'_>) -> bool {
    use ConditionalAccessGrantControl::{CompliantDevice, DomainJoinedDevice};
    let is_asked = |policy: &ConditionalAccessPolicy| {
        let grant = policy.grant_controls.as_ref();
        grant.is_some_and(|grant| {
            grant.built_in_controls.iter().any(|one| matches!(one, CompliantDevice | DomainJoinedDevice))
        }) || policy.conditions.devices.is_some()
    };
    let may_be_in_force = |policy: &&ConditionalAccessPolicy| {
        matches!(policy.state, ConditionalAccessPolicyState::Enabled | ConditionalAccessPolicyState::Unknown(_))
    };
    access.policies().iter().filter(may_be_in_force).any(is_asked)
}

impl Judge<'_> {
    /// Any unmanaged device, one for each platform that policies tell apart.
    pub(super) fn unmanaged(&mut self, client: &str) -> Vec<DeviceContext> {
        let mut contexts: Vec<DeviceContext> = Vec::new();
        for (platform, words) in PLATFORMS {
            let Some(situation) = self.situation(client, platform) else { continue };
            let class = self.device_class(&situation);
            if !contexts.iter().any(|known| known.class == class) {
                let id = format!("{UNMANAGED} on {words}").into();
                contexts.push(DeviceContext { class, needs: Vec::new(), id, registered: None });
            }
        }
        // One kind of unmanaged device is any.
        if let [only] = contexts.as_mut_slice() {
            only.id = UNMANAGED.into();
        }
        contexts
    }

    fn situation(&self, client: &str, platform: &str) -> Option<Situation> {
        let conditions = SignInConditions {
            device_platform: Some(platform.into()),
            client_app_type: Some(client.into()),
            sign_in_risk_level: Some("none".into()),
            user_risk_level: Some("none".into()),
            insider_risk_level: Some("none".into()),
            ..SignInConditions::default()
        };
        let mut situation = self.access.under(&conditions).ok()?;
        let none = PartialDevice::default();
        self.access.set_device(&mut situation, &none);
        Some(situation)
    }

    /// Devices that users may have, where not all devices were exported: registered and compliant or not, on every
    /// platform, and of whatever other properties. There may be any number of them, so that they never all fail.
    pub(super) fn devices_not_exported(&mut self, client: &str) -> Vec<DeviceContext> {
        let mut contexts: Vec<DeviceContext> = Vec::new();
        if self.access.snapshot().devices.is_complete() || self.mode == Mode::Promised {
            return contexts;
        }
        let unknown = DeviceProperty::all().filter(|property| *property != DeviceProperty::IsCompliant);
        let unknown: BTreeSet<DeviceProperty> = unknown.collect();
        for (platform, _) in PLATFORMS {
            for is_compliant in [false, true] {
                let Some(mut situation) = self.situation(client, platform) else { continue };
                let facts = DeviceFacts { is_compliant: Some(is_compliant), ..DeviceFacts::default() };
                self.access.set_device(&mut situation, &PartialDevice { facts, unknown: unknown.clone() });
                situation.grant.is_hybrid_joined = true;
                let class = self.device_class(&situation);
                if contexts.iter().any(|known| known.class == class) {
                    continue;
                }
                let needs = is_compliant.then(|| Component::fixed(INTUNE_COMPLIANCE)).into_iter().collect();
                let registered = Some(Registered { platform: None, is_not_exported: true });
                contexts.push(DeviceContext { class, needs, id: "not in the snapshot".into(), registered });
            }
        }
        contexts
    }

    /// The registered devices of a user.
    pub(super) fn own_devices(&mut self, devices: &Devices, user: &str, client: &str) -> Vec<DeviceContext> {
        let listed = self.access.snapshot().devices.items();
        let own = devices.of_user.get(&user.to_ascii_lowercase()).into_iter().flatten();
        let perhaps = if self.mode == Mode::Possible { devices.of_somebody.as_slice() } else { &[] };
        if !devices.of_somebody.is_empty() {
            self.unknowns.insert(
                "who uses some of the devices is not in the snapshot (expand `registeredOwners` of `devices`)"
                    .to_owned(),
            );
        }
        let mut contexts = Vec::new();
        for device in own.chain(perhaps).filter_map(|index| listed.get(*index)) {
            let is_enabled = match device.account_enabled {
                Property::Value(is_enabled) => is_enabled.into(),
                Property::Null | Property::Absent => crate::access::Trit::Unknown,
            };
            if is_enabled == crate::access::Trit::Unknown {
                self.unknowns.insert(format!("`accountEnabled` of the device `{}` is not in the snapshot", device.id));
            }
            if self.mode.takes(is_enabled) {
                contexts.extend(self.on_device(device, client));
            }
        }
        contexts
    }

    /// A device as it is, and one that is compliant as if it were not.
    fn on_device(&mut self, device: &Device, client: &str) -> Vec<DeviceContext> {
        let component = Component::new(Kind::Device, device.id.as_str());
        let platform = platform(device.operating_system.value().map_or("", String::as_str));
        let is_compliant = match device.is_compliant {
            Property::Value(is_compliant) => is_compliant.into(),
            Property::Null => crate::access::Trit::No,
            Property::Absent => crate::access::Trit::Unknown,
        };
        if is_compliant == crate::access::Trit::Unknown {
            self.unknowns.insert(format!("`isCompliant` of the device `{}` is not in the snapshot", device.id));
        }
        let is_joined_unknown = device.trust_type.is_absent();
        if is_joined_unknown {
            self.unknowns.insert(format!("`trustType` of the device `{}` is not in the snapshot", device.id));
        }
        let mut contexts = Vec::new();
        for as_compliant in [false, true] {
            if as_compliant && !self.mode.takes(is_compliant) {
                continue;
            }
            let Some(mut situation) = self.situation(client, platform) else { continue };
            self.access.set_device(&mut situation, &facts(device, as_compliant));
            // One that may be joined on premises as well counts as if it were, where that is possible.
            if is_joined_unknown && self.mode == Mode::Possible {
                situation.grant.is_hybrid_joined = true;
            }
            let compliance = as_compliant.then(|| Component::fixed(INTUNE_COMPLIANCE));
            contexts.push(DeviceContext {
                class: self.device_class(&situation),
                needs: std::iter::once(component.clone()).chain(compliance).collect(),
                id: device.id.as_str().into(),
                registered: Some(Registered {
                    platform: device.operating_system.value().map(|_| platform),
                    is_not_exported: false,
                }),
            });
        }
        contexts
    }
}

/// The platform of an operating system's name.
pub(super) fn platform(operating_system: &str) -> &'static str {
    let name = operating_system.to_ascii_lowercase();
    let is = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    if is(&["windows"]) {
        "windows"
    } else if is(&["mac"]) {
        "macOS"
    } else if is(&["linux"]) {
        "linux"
    } else if is(&["android"]) {
        "android"
    } else if is(&["ios", "ipados", "iphone", "ipad"]) {
        "iOS"
    } else {
        "unknownFutureValue"
    }
}

/// What the directory says of a device, and what it does not.
fn facts(device: &Device, is_compliant: bool) -> PartialDevice {
    let mut unknown = BTreeSet::new();
    let mut text = |property: DeviceProperty, written: &Property<String>| -> Option<String> {
        if written.is_absent() {
            unknown.insert(property);
        }
        written.value().cloned()
    };
    let mut facts = DeviceFacts {
        device_id: text(DeviceProperty::DeviceId, &device.device_id),
        display_name: text(DeviceProperty::DisplayName, &device.display_name),
        ownership: text(DeviceProperty::DeviceOwnership, &device.device_ownership),
        enrollment_profile_name: text(DeviceProperty::EnrollmentProfileName, &device.enrollment_profile_name),
        manufacturer: text(DeviceProperty::Manufacturer, &device.manufacturer),
        mdm_app_id: text(DeviceProperty::MdmAppId, &device.mdm_app_id),
        model: text(DeviceProperty::Model, &device.model),
        operating_system: text(DeviceProperty::OperatingSystem, &device.operating_system),
        operating_system_version: text(DeviceProperty::OperatingSystemVersion, &device.operating_system_version),
        profile_type: text(DeviceProperty::ProfileType, &device.profile_type),
        trust_type: text(DeviceProperty::TrustType, &device.trust_type),
        is_compliant: Some(is_compliant),
        physical_ids: device.physical_ids.clone(),
        system_labels: device.system_labels.clone(),
        ..DeviceFacts::default()
    };
    let attributes = device.extension_attributes.value();
    for (number, slot) in (1_u8..).zip(facts.extension_attributes.iter_mut()) {
        *slot = attributes.and_then(|all| all.get(&format!("extensionAttribute{number}")).cloned().flatten());
        if device.extension_attributes.is_absent() {
            unknown.extend(ExtensionAttributeNumber::new(number).map(DeviceProperty::ExtensionAttribute));
        }
    }
    PartialDevice { facts, unknown }
}

#[cfg(test)]
mod tests {
    use super::platform;

    #[test]
    fn operating_systems_are_platforms() {
        for (name, expected) in [
            ("Windows", "windows"),
            ("MacMDM", "macOS"),
            ("AndroidEnterprise", "android"),
            ("IPhone", "iOS"),
            ("iPadOS", "iOS"),
            ("Linux", "linux"),
            ("", "unknownFutureValue"),
            ("ChromeOS", "unknownFutureValue"),
        ] {
            assert_eq!(platform(name), expected, "{name}");
        }
    }
}
