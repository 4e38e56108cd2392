//! A security key in software behind packets of USB: what it is asked, what it says, and what it must not say.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use breakglass_adapters::security_key::{BUSY_COUNT_MAX, Packet, PluggedSecurityKey, Wire};
use breakglass_custody::password::Password;
use breakglass_ops::ports::{MadeCredential, MakeCredential, SecurityKey as _, SecurityKeyError};
use breakglass_testkit::software_key::{AA_GUID, Model, SoftwareKey};
use ciborium::Value;

/// What is changed of the packets that come from the key.
type Spoil = fn(usize, &mut Packet);

/// The wire to a key in software.
struct Plugged {
    key: Arc<Mutex<SoftwareKey>>,
    coming: VecDeque<Packet>,
    spoil: Spoil,
    count: usize,
}

impl Wire for Plugged {
    fn send(&mut self, packet: &Packet) -> Result<(), String> {
        let answers = self.key.lock().unwrap().packet(packet);
        for mut answer in answers {
            (self.spoil)(self.count, &mut answer);
            self.count += 1;
            self.coming.push_back(answer);
        }
        Ok(())
    }

    fn receive(&mut self, _: Duration) -> Result<Option<Packet>, String> {
        Ok(self.coming.pop_front())
    }
}

fn plugged(key: &Arc<Mutex<SoftwareKey>>, spoil: Spoil) -> PluggedSecurityKey {
    let key = Arc::clone(key);
    PluggedSecurityKey::opened_by(move || {
        let wire = Plugged { key: Arc::clone(&key), coming: VecDeque::new(), spoil, count: 0 };
        Ok(("Software key".to_owned(), Box::new(wire)))
    })
}

fn request() -> MakeCredential {
    MakeCredential {
        client_data_hash: [7; 32],
        rp_id: "login.microsoft.com".to_owned(),
        rp_name: "Microsoft".to_owned(),
        user_id: b"OBJECT".to_vec(),
        user_name: "emergency-access-1@contoso.onmicrosoft.com".to_owned(),
        user_display_name: "Emergency access 1".to_owned(),
        algorithms: vec![-7, -257],
        excluded: Vec::new(),
    }
}

fn make(key: &PluggedSecurityKey, request: &MakeCredential, pin: &str) -> Result<MadeCredential, SecurityKeyError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(key.make(request, &Password::of_text(pin.to_owned())))
}

/// What comes of a key of a model, with a PIN.
fn of_model(model: Model, pin: &str) -> Result<MadeCredential, SecurityKeyError> {
    let key = Arc::new(Mutex::new(SoftwareKey::new(model)));
    make(&plugged(&key, |_, _| {}), &request(), pin)
}

const PIN: &str = "4711-x";

#[test]
fn keys_of_every_age_make_a_credential() {
    for (protocols, has_permissions) in
        [(vec![2, 1], true), (vec![1], true), (vec![2], false), (vec![1], false), (vec![], false), (vec![9, 1], true)]
    {
        let model = Model { protocols: protocols.clone(), has_permissions, ..Model::default() };
        let made = of_model(model, PIN).unwrap_or_else(|error| panic!("{protocols:?} {has_permissions}: {error}"));
        assert_eq!(made.aa_guid, AA_GUID);
        let object: Value = ciborium::from_reader(&made.attestation_object[..]).unwrap();
        let names: Vec<&str> = object.as_map().unwrap().iter().map(|(name, _)| name.as_text().unwrap()).collect();
        assert_eq!(names, ["fmt", "attStmt", "authData"], "in the order of CTAP2");
        let data = object.as_map().unwrap()[2].1.as_bytes().unwrap();
        assert!(data.windows(made.credential_id.len()).any(|part| part == made.credential_id));
        assert_eq!(data[32] & 0x45, 0x45, "touched, recognised, and a credential in it");
    }
}

#[test]
fn a_credential_is_used_and_made_once() {
    let key = Arc::new(Mutex::new(SoftwareKey::new(Model::default())));
    let plug = plugged(&key, |_, _| {});
    let made = make(&plug, &request(), PIN).unwrap();
    let used = key.lock().unwrap().used("login.microsoft.com", [1; 32]).unwrap();
    assert_eq!((&used.credential, &used.user[..]), (&made.credential_id, &b"OBJECT"[..]));
    assert!(key.lock().unwrap().used("evil.example", [1; 32]).is_none());
    let excluded = vec![vec![1, 2, 3], made.credential_id];
    assert_eq!(make(&plug, &MakeCredential { excluded, ..request() }, PIN), Err(SecurityKeyError::Excluded));
    let other = MakeCredential { algorithms: vec![-65_535], ..request() };
    assert!(matches!(make(&plug, &other, PIN), Err(SecurityKeyError::Refused(why)) if why.contains("algorithms")));
}

#[test]
fn a_wrong_pin_says_how_many_are_left_and_nothing_else() {
    let key = Arc::new(Mutex::new(SoftwareKey::new(Model::default())));
    let plug = plugged(&key, |_, _| {});
    for left in (1..8).rev() {
        let error = make(&plug, &request(), "secret-0815").unwrap_err();
        assert_eq!(error, SecurityKeyError::WrongPin { left });
        assert!(!format!("{error} {error:?}").contains("0815"));
    }
    assert_eq!(make(&plug, &request(), "secret-0815"), Err(SecurityKeyError::Blocked));
    assert_eq!(make(&plug, &request(), PIN), Err(SecurityKeyError::Blocked), "nor is the right one taken then");
    let none = of_model(Model { pin: None, ..Model::default() }, PIN);
    assert_eq!(none, Err(SecurityKeyError::NoPin));
}

#[test]
fn what_a_key_says_is_said() {
    for (status, wanted) in [
        (0x27, SecurityKeyError::NotTouched),
        (0x2f, SecurityKeyError::NotTouched),
        (0x28, SecurityKeyError::Full),
        (0x34, SecurityKeyError::Blocked),
        (0x7f, SecurityKeyError::Refused("error 0x7f of CTAP2".to_owned())),
    ] {
        assert_eq!(of_model(Model { refuses_with: status, ..Model::default() }, PIN), Err(wanted));
    }
    let strange = of_model(Model { protocols: vec![9], ..Model::default() }, PIN);
    assert!(matches!(strange, Err(SecurityKeyError::Unusable(why)) if why.contains("not known")));
    let most = usize::try_from(BUSY_COUNT_MAX).unwrap();
    assert!(of_model(Model { busy_count: most, ..Model::default() }, PIN).is_ok());
    let longer = Model { busy_count: most + 1, ..Model::default() };
    assert_eq!(of_model(longer, PIN), Err(SecurityKeyError::NotTouched), "nobody waits for ever");
}

#[test]
fn there_is_one_key_or_none_is_used() {
    let none = PluggedSecurityKey::opened_by(|| Err(SecurityKeyError::Count(2)));
    assert_eq!(make(&none, &request(), PIN), Err(SecurityKeyError::Count(2)));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let key = Arc::new(Mutex::new(SoftwareKey::new(Model::default())));
    assert_eq!(runtime.block_on(plugged(&key, |_, _| {}).name()).unwrap(), "Software key");
    // Whatever is plugged in where this runs, it is looked for and nothing breaks.
    match runtime.block_on(PluggedSecurityKey::usb().name()) {
        Ok(name) => println!("a key is plugged in: {name}"),
        Err(error) => println!("no key is used: {error}"),
    }
}

#[test]
fn a_key_that_says_something_else_is_not_believed() {
    let spoils: [(&str, Spoil); 5] = [
        ("it calls itself by no nonce", |at, packet| packet[7] ^= u8::from(at == 0)),
        ("it is too old", |at, packet| packet[23] &= !(4 * u8::from(at == 0))),
        ("its packets are out of order", |_, packet| packet[4] = if packet[4] == 1 { 2 } else { packet[4] }),
        ("its answer is longer than any", |_, packet| packet[5] |= if packet[4] == 0x90 { 0xf0 } else { 0 }),
        ("it is on another channel", |at, packet| packet[0] ^= u8::from(at > 0)),
    ];
    for (what, spoil) in spoils {
        let key = Arc::new(Mutex::new(SoftwareKey::new(Model::default())));
        let error = make(&plugged(&key, spoil), &request(), PIN).unwrap_err();
        assert!(matches!(error, SecurityKeyError::Unusable(_)), "{what}: {error}");
    }
}

/// Every byte that comes from a key, changed one at a time: nothing breaks, and what is taken is a credential for Entra.
#[test]
fn every_byte_of_a_key_may_lie() {
    struct Lying {
        inner: Plugged,
        at: usize,
        with: u8,
        seen: usize,
    }
    impl Wire for Lying {
        fn send(&mut self, packet: &Packet) -> Result<(), String> {
            self.inner.send(packet)
        }

        fn receive(&mut self, within: Duration) -> Result<Option<Packet>, String> {
            let mut packet = self.inner.receive(within)?;
            if let Some(byte) = packet.as_mut().and_then(|packet| packet.get_mut(self.at.wrapping_sub(self.seen))) {
                *byte ^= self.with;
            }
            self.seen += if packet.is_some() { 64 } else { 0 };
            Ok(packet)
        }
    }
    let (mut taken, mut refused) = (0, 0);
    for at in (0..64 * 14).step_by(3) {
        for with in [0x01, 0x80] {
            let key = Arc::new(Mutex::new(SoftwareKey::new(Model { busy_count: 0, ..Model::default() })));
            let open = PluggedSecurityKey::opened_by(move || {
                let inner = Plugged { key: Arc::clone(&key), coming: VecDeque::new(), spoil: |_, _| {}, count: 0 };
                Ok((String::new(), Box::new(Lying { inner, at, with, seen: 0 })))
            });
            if make(&open, &request(), PIN).is_ok() { taken += 1 } else { refused += 1 }
        }
    }
    println!("answers of a key with a byte that lies: {refused} refused, {taken} taken");
    assert!(refused > 100);
}
