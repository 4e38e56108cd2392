//! The marked PIN of a security key that is registered. The key is one in software, on a wire of USB packets: the command itself
//! looks for keys on USB alone, so that its journey is gone here, and of the command only what comes before the key.

use std::collections::VecDeque;
use std::error::Error;
use std::fs;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use breakglass_adapters::clock::SystemClock;
use breakglass_adapters::security_key::{Packet, PluggedSecurityKey, Wire};
use breakglass_custody::name::Name;
use breakglass_custody::password::Password;
use breakglass_ops::keys::journey::{PluggedIn, Registrar, Step};
use breakglass_tenant::profile::Profile;
use breakglass_testkit::software_key::{Model, SoftwareKey};
use serde_json::{Value, json};

use super::marked::{Marked, found_anywhere};
use super::sampled::client_of;
use super::world::{FIRST, WRITER_SECRET, World, seed};

const PIN: &str = "Zq7~marked~PIN~4";
const WRONG_PIN: &str = "Xw4~marked~PIN~5";

/// What a key answers that has no room left.
const FULL: u8 = 0x28;

/// A tenant that takes security keys, from an application that may register them.
fn company() -> Value {
    let mut seed = seed(0);
    let fido2 = json!({ "id": "Fido2", "state": "enabled" });
    seed["authenticationMethodsPolicy"] = json!({ "authenticationMethodConfigurations": [fido2] });
    let roles = seed["servicePrincipals"][0]["appRoleAssignments"].as_array_mut().unwrap();
    let mut role = roles[0].clone();
    role["appRoleValue"] = json!("UserAuthenticationMethod.ReadWrite.All");
    roles.push(role);
    seed
}

/// The wire to a key, and what went over it in either direction.
struct Plugged {
    key: Arc<Mutex<SoftwareKey>>,
    coming: VecDeque<Packet>,
    sent: Arc<Mutex<Vec<u8>>>,
}

impl Plugged {
    /// Keeps what is in a packet behind its head, so that a message is whole.
    fn keep(&self, packet: &Packet) {
        let is_first = packet[4] & 0x80 != 0;
        self.sent.lock().unwrap().extend_from_slice(&packet[if is_first { 7 } else { 5 }..]);
    }
}

impl Wire for Plugged {
    fn send(&mut self, packet: &Packet) -> Result<(), String> {
        self.keep(packet);
        let coming = self.key.lock().unwrap().packet(packet);
        coming.iter().for_each(|packet| self.keep(packet));
        self.coming.extend(coming);
        Ok(())
    }

    fn receive(&mut self, _: Duration) -> Result<Option<Packet>, String> {
        Ok(self.coming.pop_front())
    }
}

/// An error with all that it was caused by, for people and for whoever looks for faults.
fn told(error: &(dyn Error + 'static)) -> String {
    let (mut said, mut cause) = (String::new(), Some(error));
    while let Some(error) = cause {
        said.push_str(&format!("{error}\n{error:?}\n"));
        cause = error.source();
    }
    said
}

/// Registers a key, as the command does once it has the PIN; whether it is in the tenant, and all that is said of it.
fn registers(world: &World, (name, key): (&str, &Arc<Mutex<SoftwareKey>>), pin: &str) -> (bool, String) {
    let sent = Arc::new(Mutex::new(Vec::new()));
    let wire = {
        let (key, sent) = (Arc::clone(key), Arc::clone(&sent));
        move || Plugged { key: Arc::clone(&key), coming: VecDeque::new(), sent: Arc::clone(&sent) }
    };
    let security_key = PluggedSecurityKey::opened_by(move || Ok(("Software key".to_owned(), Box::new(wire()))));
    let (client, store, steps) = (client_of(world), world.store(), Mutex::new(String::new()));
    let tell = |step: Step| steps.lock().unwrap().push_str(&format!("{step:?}\n"));
    let registrar = Registrar { directory: &client, store: &store, clock: &SystemClock, tell: &tell };
    let pin = Password::of_text(pin.to_owned());
    let plugged = PluggedIn { security_key: &security_key, pin: &pin, port: Some(world.at.port()) };
    let ended = world.runtime.block_on(registrar.register(FIRST.0, &Name::read(name).unwrap(), plugged));
    let said = match &ended {
        Ok(registered) => format!("{registered:?}"),
        Err(error) => told(error),
    };
    // With the files it is looked through.
    let path = world.folder.join("wire");
    let mut wired = fs::read(&path).unwrap_or_default();
    wired.extend_from_slice(&sent.lock().unwrap());
    fs::write(path, wired).unwrap();
    (ended.is_ok(), format!("{said}\n{pin:?}\n{}", steps.into_inner().unwrap()))
}

#[test]
fn the_marked_pin_of_a_key_that_is_registered_goes_nowhere() {
    let world = World::of("marked-register", &company(), Profile::default());
    let newest = Model { pin: Some(PIN), ..Model::default() };
    let oldest = Model { protocols: Vec::new(), has_permissions: false, ..newest.clone() };
    let full = Model { refuses_with: FULL, ..newest.clone() };
    let mut said = String::new();
    for (name, model, pins) in [
        ("newest", newest, &[(WRONG_PIN, false), (PIN, true), (PIN, false)][..]),
        ("oldest", oldest, &[(WRONG_PIN, false), (PIN, true)][..]),
        ("full", full, &[(PIN, false)][..]),
    ] {
        let note = ["keys", "note", "--account", FIRST.0, "--key", name, "--at", "safe", "--held-by", "ada"];
        world.ends(0, &[&note[..], &["--pin-held-by", "bram", "--model", "Software key"]].concat(), "");
        let key = Arc::new(Mutex::new(SoftwareKey::new(model)));
        for (pin, is_taken) in pins {
            let (is_registered, more) = registers(&world, (name, &key), pin);
            assert_eq!(is_registered, *is_taken, "{name}: {more}");
            said.push_str(&more);
        }
    }
    assert!(said.contains("the PIN is wrong") && said.contains("no room"), "{said}");
    fs::write(world.folder.join("said"), said).unwrap();

    // The command itself, with the PIN handed to it, as far as it goes without a key.
    let nobody = ["keys", "register", "--account", "nobody@contoso.onmicrosoft.com", "--key", "full"];
    assert!(world.ends(2, &nobody, PIN).err.contains("BG4041"));
    world.ends(0, &["keys", "drilled", "--account", FIRST.0, "--key", "newest"], "");
    world.run(&["keys", "list", "--format", "json"], "");
    world.ends(0, &["ledger", "export", "exported"], "");
    world.ends(0, &["state", "backup", "copy.db"], "");

    let half = digest(&SHA256, PIN.as_bytes());
    let counts = found_anywhere(
        &world,
        vec![
            Marked::password("the PIN", PIN),
            Marked::password("the PIN that is wrong", WRONG_PIN),
            Marked::bytes("half of the hash of the PIN", &half.as_ref()[..16]),
            Marked::password("the secret of the application", WRITER_SECRET),
        ],
    );
    // The secret of the application, each time that it signs in.
    assert!(counts.allowed > 5 && counts.exchanges > 12 && counts.files > 5, "{counts:?}");
}
