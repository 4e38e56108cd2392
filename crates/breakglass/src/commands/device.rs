//! A device in words: one of the snapshot, or properties of Graph's `deviceInfo`.

use std::borrow::Cow;

use breakglass_model::device::Device;
use breakglass_model::property::Property;
use breakglass_model::sign_in::{DeviceInfo, DeviceInfoDetail};
use breakglass_model::snapshot::Snapshot;

/// Reads what `--device` says.
///
/// # Errors
/// What is neither a device of the snapshot nor a property.
pub(super) fn device_info(snapshot: &Snapshot, words: &[String]) -> Result<DeviceInfo<'static>, String> {
    let mut info = DeviceInfo::default();
    for word in words {
        match word.split_once('=') {
            Some((name, value)) => set(&mut info, name.trim(), value.trim())?,
            None => info = of_device(find(snapshot, word)?),
        }
    }
    Ok(info)
}

fn find<'s>(snapshot: &'s Snapshot, name: &str) -> Result<&'s Device, String> {
    let is_text = |property: &Property<String>| property.value().is_some_and(|text| text.eq_ignore_ascii_case(name));
    let is_named = |device: &&Device| {
        device.id.as_str().eq_ignore_ascii_case(name) || is_text(&device.device_id) || is_text(&device.display_name)
    };
    let found = snapshot.devices.items().iter().find(is_named);
    found.ok_or_else(|| match snapshot.devices.why() {
        Some(why) => format!("device `{name}` cannot be looked up: {why}"),
        None => format!("device `{name}` is not in the snapshot"),
    })
}

fn of_device(device: &Device) -> DeviceInfo<'static> {
    let text = |property: &Property<String>| property.value().cloned();
    let mut detail = DeviceInfoDetail {
        device_id: text(&device.device_id),
        display_name: text(&device.display_name),
        enrollment_profile_name: text(&device.enrollment_profile_name),
        manufacturer: text(&device.manufacturer),
        mdm_app_id: text(&device.mdm_app_id),
        model: text(&device.model),
        operating_system: text(&device.operating_system),
        operating_system_version: text(&device.operating_system_version),
        ownership: text(&device.device_ownership),
        profile_type: text(&device.profile_type),
        physical_ids: device.physical_ids.clone(),
        system_labels: device.system_labels.clone(),
        ..DeviceInfoDetail::default()
    };
    if let Some(attributes) = device.extension_attributes.value() {
        let values = attributes.iter().filter_map(|(name, value)| Some((name.clone(), value.clone()?)));
        detail.extension_attributes = values.collect();
    }
    DeviceInfo {
        is_compliant: device.is_compliant.value().copied(),
        trust_type: text(&device.trust_type).map(Cow::Owned),
        detail: Some(Box::new(detail)),
    }
}

fn set(info: &mut DeviceInfo<'static>, name: &str, value: &str) -> Result<(), String> {
    if name == "isCompliant" {
        info.is_compliant = Some(value.parse().map_err(|_| format!("`isCompliant` is true or false, not `{value}`"))?);
        return Ok(());
    }
    let value = value.to_owned();
    if name == "trustType" {
        info.trust_type = Some(Cow::Owned(value));
        return Ok(());
    }
    let detail = info.detail.get_or_insert_default();
    let text = match name {
        "deviceId" => &mut detail.device_id,
        "displayName" => &mut detail.display_name,
        "enrollmentProfileName" => &mut detail.enrollment_profile_name,
        "manufacturer" => &mut detail.manufacturer,
        "mdmAppId" => &mut detail.mdm_app_id,
        "model" => &mut detail.model,
        "operatingSystem" => &mut detail.operating_system,
        "operatingSystemVersion" => &mut detail.operating_system_version,
        "ownership" | "deviceOwnership" => &mut detail.ownership,
        "profileType" => &mut detail.profile_type,
        "physicalIds" => {
            detail.physical_ids.push(value);
            return Ok(());
        }
        "systemLabels" => {
            detail.system_labels.push(value);
            return Ok(());
        }
        name if is_extension_attribute(name) => {
            detail.extension_attributes.insert(name.to_owned(), value);
            return Ok(());
        }
        _ => return Err(format!("`{name}` is not a property of `deviceInfo`")),
    };
    *text = Some(value);
    Ok(())
}

fn is_extension_attribute(name: &str) -> bool {
    let number = name.strip_prefix("extensionAttribute").and_then(|number| number.parse::<u8>().ok());
    number.is_some_and(|number| (1..=15).contains(&number))
}
