//! What the language of device filters promises: the canonical rule means the same, and what is said of a device
//! that is half known holds for every device that it may be.

use std::collections::BTreeSet;

use breakglass_engine::access::device_filter::{
    DEVICE_FILTER_RULE_LENGTH_CHARS_MAX, DeviceFacts, DeviceFilter, DeviceProperty, PartialDevice,
};

/// Checks it for one rule.
pub(crate) fn hold(bytes: &[u8]) {
    let Ok(rule) = std::str::from_utf8(bytes) else { return };
    let filter = match DeviceFilter::parse(rule) {
        Ok(filter) => filter,
        Err(error) => {
            assert!(error.column() >= 1 && error.column() <= rule.chars().count() + 1, "{error}");
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let canonical = filter.to_string();
    if canonical.chars().count() <= DEVICE_FILTER_RULE_LENGTH_CHARS_MAX {
        assert_eq!(DeviceFilter::parse(&canonical).as_ref(), Ok(&filter), "{canonical}");
    }
    let named = filter.properties();
    assert!(!named.is_empty(), "{canonical}");
    let devices = devices();
    for device in &devices {
        let whole = PartialDevice::from(device.clone());
        assert_eq!(filter.truth(&whole), Some(filter.matches(device)), "{canonical} of {device:?}");
        for other in &devices {
            let unknown = differences(device, other);
            let half_known = PartialDevice { facts: device.clone(), unknown };
            if let Some(truth) = filter.truth(&half_known) {
                assert_eq!(filter.matches(device), truth, "{canonical} of {half_known:?}");
                assert_eq!(filter.matches(other), truth, "{canonical} of {half_known:?} if it is {other:?}");
            }
        }
    }
}

/// The properties in which two devices differ.
fn differences(one: &DeviceFacts, other: &DeviceFacts) -> BTreeSet<DeviceProperty> {
    let all: Vec<DeviceProperty> = DeviceProperty::all().collect();
    all.into_iter().filter(|property| value(one, *property) != value(other, *property)).collect()
}

fn value(device: &DeviceFacts, property: DeviceProperty) -> Vec<String> {
    let text = |text: &Option<String>| text.iter().cloned().collect();
    match property {
        DeviceProperty::DeviceId => text(&device.device_id),
        DeviceProperty::DisplayName => text(&device.display_name),
        DeviceProperty::DeviceOwnership => text(&device.ownership),
        DeviceProperty::EnrollmentProfileName => text(&device.enrollment_profile_name),
        DeviceProperty::IsCompliant => device.is_compliant.iter().map(ToString::to_string).collect(),
        DeviceProperty::Manufacturer => text(&device.manufacturer),
        DeviceProperty::MdmAppId => text(&device.mdm_app_id),
        DeviceProperty::Model => text(&device.model),
        DeviceProperty::OperatingSystem => text(&device.operating_system),
        DeviceProperty::OperatingSystemVersion => text(&device.operating_system_version),
        DeviceProperty::PhysicalIds => device.physical_ids.clone(),
        DeviceProperty::ProfileType => text(&device.profile_type),
        DeviceProperty::SystemLabels => device.system_labels.clone(),
        DeviceProperty::TrustType => text(&device.trust_type),
        DeviceProperty::ExtensionAttribute(number) => text(&device.extension_attributes[number.index()]),
    }
}

fn devices() -> Vec<DeviceFacts> {
    let text = |text: &str| Some(text.to_owned());
    let mut workstation = DeviceFacts {
        device_id: text("d1"),
        display_name: text("PAW-01"),
        enrollment_profile_name: text("Kiosk"),
        is_compliant: Some(true),
        manufacturer: text("Contoso"),
        mdm_app_id: text("0000000A-0000-0000-C000-000000000000"),
        model: text("Surface"),
        operating_system: text("Windows"),
        operating_system_version: text("10.0.22631"),
        ownership: text("Company"),
        physical_ids: vec!["[ZTDId]:1".to_owned(), "[OrderId]:PAW".to_owned()],
        profile_type: text("SecureVM"),
        system_labels: vec!["CloudPC".to_owned()],
        trust_type: text("EntraID"),
        ..DeviceFacts::default()
    };
    workstation.extension_attributes[0] = text("SAW");
    workstation.extension_attributes[14] = text("straße");
    let mut phone = DeviceFacts {
        display_name: text(""),
        is_compliant: Some(false),
        operating_system: text("iOS"),
        ownership: text("Personal"),
        trust_type: text("Workplace"),
        ..DeviceFacts::default()
    };
    phone.extension_attributes[0] = text("SAW");
    let hybrid = DeviceFacts { trust_type: text("Hybrid Azure AD joined"), ..workstation.clone() };
    let unmanaged = DeviceFacts { is_compliant: None, mdm_app_id: None, ..workstation.clone() };
    vec![DeviceFacts::default(), workstation, phone, hybrid, unmanaged]
}
