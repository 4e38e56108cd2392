//! Security keys on USB, by the system's HID devices.
//!
//! **Source:** CTAP 2.1, section 11.2.8.1 (usage page and usage of security keys).

use std::time::Duration;

use breakglass_ops::ports::SecurityKeyError;
use hidapi::{DeviceInfo, HidApi, HidDevice};

use super::wire::{PACKET_BYTES, Packet, Wire};

/// The usage page of security keys.
const FIDO: u16 = 0xf1d0;
/// The usage of those that speak CTAP.
const CTAP: u16 = 1;

struct Usb(HidDevice);

impl Wire for Usb {
    fn send(&mut self, packet: &Packet) -> Result<(), String> {
        // The number of the report stands before it, and keys have only one.
        let report = [&[0][..], packet].concat();
        let sent = self.0.write(&report).map_err(|error| error.to_string())?;
        if sent > PACKET_BYTES.saturating_sub(1) { Ok(()) } else { Err("it took half of a packet".to_owned()) }
    }

    fn receive(&mut self, within: Duration) -> Result<Option<Packet>, String> {
        let mut packet = [0; PACKET_BYTES];
        let milliseconds = i32::try_from(within.as_millis()).unwrap_or(i32::MAX);
        let count = self.0.read_timeout(&mut packet, milliseconds).map_err(|error| error.to_string())?;
        Ok((count > 0).then_some(packet))
    }
}

/// The only key that is plugged in, and what it calls itself.
pub(super) fn only() -> Result<(String, Box<dyn Wire>), SecurityKeyError> {
    let unusable = |error: hidapi::HidError| SecurityKeyError::Unusable(format!("{error}; {MAY}"));
    let api = HidApi::new().map_err(unusable)?;
    let is_key = |device: &&DeviceInfo| device.usage_page() == FIDO && device.usage() == CTAP;
    let keys: Vec<&DeviceInfo> = api.device_list().filter(is_key).collect();
    let [key] = keys.as_slice() else { return Err(SecurityKeyError::Count(keys.len())) };
    let words = [key.manufacturer_string(), key.product_string()];
    let name = words.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let device = key.open_device(&api).map_err(unusable)?;
    Ok((name, Box::new(Usb(device))))
}

/// What is usually amiss.
const MAY: &str = "on Linux the rules of udev have to let you use security keys, as those of libfido2 do; on Windows an \
                   administrator has to run this";
