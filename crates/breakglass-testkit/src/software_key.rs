//! A security key in software, at the level of USB packets: somebody else's authenticator (the passkey crates of 1Password)
//! behind the packets and the PIN of CTAP 2.1, which are written here from the specification.
//!
//! It is touched at once, by somebody who is recognised where the PIN was shown.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::cipher::{
    AES_256, DecryptingKey, DecryptionContext, EncryptingKey, EncryptionContext, UnboundCipherKey,
};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::{hkdf, hmac};
use ciborium::{Value, cbor};
use passkey_authenticator::{Authenticator, UiHint, UserCheck, UserValidationMethod};
use passkey_crypto::AvailableBackend;
use passkey_types::Passkey;
use passkey_types::ctap2::{Aaguid, Ctap2Error, get_assertion, make_credential};

/// A packet of USB HID.
pub type Packet = [u8; 64];

/// The number of its model.
pub const AA_GUID: [u8; 16] = [0xbb; 16];
const CHANNEL: [u8; 4] = [1, 2, 3, 4];
const TRIES: u8 = 8;

struct Owner;

#[async_trait]
impl UserValidationMethod for Owner {
    type PasskeyItem = Passkey;

    async fn check_user<'a>(
        &self,
        hint: UiHint<'a, Passkey>,
        presence: bool,
        verification: bool,
    ) -> Result<UserCheck, Ctap2Error> {
        match hint {
            UiHint::InformExcludedCredentialFound(_) => Err(Ctap2Error::CredentialExcluded),
            _ => Ok(UserCheck { presence, verification }),
        }
    }

    fn is_presence_enabled(&self) -> bool {
        true
    }

    fn is_verification_enabled(&self) -> Option<bool> {
        Some(true)
    }
}

/// How a key differs from the usual one.
#[derive(Debug, Clone)]
pub struct Model {
    /// PIN protocols, the one that it likes best first; with none it is as old as CTAP 2.0.
    pub protocols: Vec<u8>,
    /// Whether tokens are asked for with what they may do.
    pub has_permissions: bool,
    /// Its PIN; `None` if none is set.
    pub pin: Option<&'static str>,
    /// How often it says that it waits to be touched.
    pub busy_count: usize,
    /// The status with which it answers whoever wants a credential, besides 0.
    pub refuses_with: u8,
}

impl Default for Model {
    fn default() -> Self {
        Self { protocols: vec![2, 1], has_permissions: true, pin: Some("4711-x"), busy_count: 2, refuses_with: 0 }
    }
}

/// A security key.
pub struct SoftwareKey {
    model: Model,
    passkey: Option<Passkey>,
    agreement: PrivateKey,
    token: [u8; 32],
    tries: u8,
    coming: Option<(usize, Vec<u8>)>,
}

/// What a key says when it is used to sign in.
#[derive(Debug, Clone)]
pub struct Used {
    /// The id of the credential.
    pub credential: Vec<u8>,
    /// The authenticator data.
    pub authenticator_data: Vec<u8>,
    /// The signature.
    pub signature: Vec<u8>,
    /// Whose it is.
    pub user: Vec<u8>,
}

impl SoftwareKey {
    /// A new one, with nothing on it.
    ///
    /// # Panics
    /// There is no randomness.
    #[must_use]
    pub fn new(model: Model) -> Self {
        let agreement = PrivateKey::generate(&ECDH_P256);
        let agreement = agreement.unwrap_or_else(|_| unreachable!("there is randomness"));
        Self { model, passkey: None, agreement, token: [0x5a; 32], tries: TRIES, coming: None }
    }

    /// Takes a packet, and gives what comes back.
    pub fn packet(&mut self, packet: &Packet) -> Vec<Packet> {
        let [a, b, c, d, command, high, low, rest @ ..] = packet;
        let channel = [*a, *b, *c, *d];
        if command & 0x80 == 0 {
            let Some((length, mut data)) = self.coming.take() else { return Vec::new() };
            data.extend_from_slice(packet.get(5..).unwrap_or_default());
            return self.whole(length, data);
        }
        match command & 0x7f {
            0x06 => {
                let nonce = rest.get(..8).unwrap_or_default();
                packets(channel, 0x06, &[nonce, &CHANNEL, &[2, 5, 4, 3, 0x04]].concat())
            }
            0x10 => self.whole(usize::from(u16::from_be_bytes([*high, *low])), rest.to_vec()),
            0x11 => Vec::new(),
            _ => packets(channel, 0x3f, &[1]),
        }
    }

    fn whole(&mut self, length: usize, mut data: Vec<u8>) -> Vec<Packet> {
        if data.len() < length {
            self.coming = Some((length, data));
            return Vec::new();
        }
        data.truncate(length);
        let answer = match self.command(&data) {
            Ok(value) => [vec![0], bytes(&value)].concat(),
            Err(status) => vec![status],
        };
        let busy = if data.first() == Some(&1) { self.model.busy_count } else { 0 };
        let waits = (0..busy).flat_map(|_| packets(CHANNEL, 0x3b, &[2]));
        // Somebody else's packet comes between.
        let strange = packets([9; 4], 0x10, &[0x2e]);
        waits.chain(strange).chain(packets(CHANNEL, 0x10, &answer)).collect()
    }

    fn command(&mut self, data: &[u8]) -> Result<Value, u8> {
        let (number, parameters) = data.split_first().ok_or(0x03)?;
        match number {
            4 => Ok(self.info()),
            6 => self.client_pin(&read(parameters)?),
            1 => self.make(parameters),
            _ => Err(0x01),
        }
    }

    fn info(&self) -> Value {
        let mut options = vec![("rk", true), ("up", true), ("clientPin", self.model.pin.is_some())];
        if self.model.has_permissions {
            options.push(("pinUvAuthToken", true));
        }
        let options = options.into_iter().map(|(name, is_on)| (Value::from(name), Value::Bool(is_on))).collect();
        let mut info = vec![
            (Value::from(1), Value::Array(vec![Value::from("FIDO_2_0")])),
            (Value::from(3), Value::Bytes(AA_GUID.to_vec())),
            (Value::from(4), Value::Map(options)),
            (Value::from(5), Value::from(1_200)),
        ];
        if !self.model.protocols.is_empty() {
            let protocols = self.model.protocols.iter().map(|protocol| Value::from(*protocol)).collect();
            info.push((Value::from(6), Value::Array(protocols)));
        }
        info.push((Value::from(7), Value::from(8)));
        Value::Map(info)
    }

    fn client_pin(&mut self, asked: &Value) -> Result<Value, u8> {
        let number = |name: i64| member(asked, name).and_then(Value::as_integer).map(i128::from);
        match number(2) {
            Some(1) => Ok(Value::Map(vec![(Value::from(3), Value::from(self.tries))])),
            Some(2) => {
                let public = self.agreement.compute_public_key().map_err(|_| 0x7f)?;
                let point = public.as_ref();
                let half =
                    |range| Value::Bytes(point.get::<std::ops::Range<usize>>(range).unwrap_or_default().to_vec());
                let key = cbor!({ 1 => 2, 3 => -25, -1 => 1, -2 => half(1..33), -3 => half(33..65) });
                Ok(Value::Map(vec![(Value::from(1), key.map_err(|_| 0x7f)?)]))
            }
            Some(5) if !self.model.has_permissions => self.give_token(asked),
            // The permission to make credentials, for the relying party that is named.
            Some(9) if number(9) == Some(1) && member(asked, 10).is_some_and(Value::is_text) => self.give_token(asked),
            _ => Err(0x3e),
        }
    }

    fn give_token(&mut self, asked: &Value) -> Result<Value, u8> {
        let protocol = member(asked, 1).and_then(Value::as_integer).map(i128::from).ok_or(0x14)?;
        if !self.model.protocols.is_empty() && !self.model.protocols.iter().any(|known| i128::from(*known) == protocol)
        {
            return Err(0x02);
        }
        let key = self.shared(protocol, member(asked, 3).ok_or(0x14)?).ok_or(0x02)?;
        let sealed = member(asked, 6).and_then(Value::as_bytes).ok_or(0x14)?;
        let (iv, sealed) =
            if protocol == 2 { sealed.split_at_checked(16).ok_or(0x02)? } else { (&[0; 16][..], &sealed[..]) };
        let mut hash = sealed.to_vec();
        let iv: [u8; 16] = iv.try_into().map_err(|_| 0x02)?;
        let cipher = UnboundCipherKey::new(&AES_256, &key).and_then(DecryptingKey::cbc).map_err(|_| 0x02)?;
        cipher.decrypt(&mut hash, DecryptionContext::Iv128(FixedLength::from(iv))).map_err(|_| 0x02)?;
        let pin = self.model.pin.ok_or(0x35)?;
        if self.tries == 0 {
            return Err(0x32);
        }
        self.tries -= 1;
        if digest(&SHA256, pin.as_bytes()).as_ref().get(..16) != Some(&hash[..]) {
            return Err(if self.tries == 0 { 0x32 } else { 0x31 });
        }
        self.tries = TRIES;
        let iv = if protocol == 2 { [0x77; 16] } else { [0; 16] };
        let mut token = self.token;
        let cipher = UnboundCipherKey::new(&AES_256, &key).and_then(EncryptingKey::cbc).map_err(|_| 0x02)?;
        cipher.less_safe_encrypt(&mut token, EncryptionContext::Iv128(FixedLength::from(iv))).map_err(|_| 0x02)?;
        let token = if protocol == 2 { [&iv[..], &token].concat() } else { token.to_vec() };
        Ok(Value::Map(vec![(Value::from(2), Value::Bytes(token))]))
    }

    fn shared(&self, protocol: i128, theirs: &Value) -> Option<[u8; 32]> {
        let half = |number| member(theirs, number)?.as_bytes();
        let point = [&[4_u8][..], half(-2)?, half(-3)?].concat();
        agree(&self.agreement, UnparsedPublicKey::new(&ECDH_P256, point), (), |shared| {
            let mut key = [0; 32];
            if protocol == 2 {
                let pseudorandom = hkdf::Salt::new(hkdf::HKDF_SHA256, &[0; 32]).extract(shared);
                let info = [&b"CTAP2 AES key"[..]];
                pseudorandom.expand(&info, hkdf::HKDF_SHA256).and_then(|okm| okm.fill(&mut key)).map_err(|_| ())?;
            } else {
                key.copy_from_slice(digest(&SHA256, shared).as_ref());
            }
            Ok(key)
        })
        .ok()
    }

    fn make(&mut self, parameters: &[u8]) -> Result<Value, u8> {
        if self.model.refuses_with != 0 {
            return Err(self.model.refuses_with);
        }
        let mut request: make_credential::Request = ciborium::from_reader(parameters).map_err(|_| 0x12)?;
        let shown = request.pin_auth.take().ok_or(0x36)?;
        let protocol = request.pin_protocol.take().ok_or(0x14)?;
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &self.token), &request.client_data_hash);
        let length = if protocol == 2 { 32 } else { 16 };
        if tag.as_ref().get(..length) != Some(&shown[..]) {
            return Err(0x33);
        }
        request.options.uv = true;
        let kept = self.passkey.clone();
        let mut authenticator = self.authenticator();
        let made = run(authenticator.make_credential(request));
        self.passkey = authenticator.store().clone().or(kept);
        read(&written(&made.map_err(u8::from)?)?)
    }

    fn authenticator(&mut self) -> Authenticator<Option<Passkey>, Owner, AvailableBackend> {
        Authenticator::new(Aaguid::from(AA_GUID), self.passkey.take(), Owner, AvailableBackend)
    }

    /// Uses the credential, as a browser asks it to; `None` if there is none for this relying party.
    pub fn used(&mut self, rp_id: &str, client_data_hash: [u8; 32]) -> Option<Used> {
        let request = get_assertion::Request {
            rp_id: rp_id.to_owned(),
            client_data_hash: client_data_hash.to_vec().into(),
            allow_list: None,
            extensions: None,
            options: get_assertion::Options { up: true, uv: true },
            pin_auth: None,
            pin_protocol: None,
        };
        // The store behind it does not ask whose the credential is.
        let kept = self.passkey.clone().filter(|passkey| passkey.rp_id == rp_id)?;
        let mut authenticator = self.authenticator();
        let used = run(authenticator.get_assertion(request));
        self.passkey = authenticator.store().clone().or(Some(kept));
        let used = used.ok()?;
        Some(Used {
            credential: used.credential?.id.to_vec(),
            authenticator_data: used.auth_data.to_vec(),
            signature: used.signature.to_vec(),
            user: used.user?.id.to_vec(),
        })
    }
}

/// Goes on until it is over: nothing here waits for anything.
fn run<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
}

fn read(bytes: &[u8]) -> Result<Value, u8> {
    ciborium::from_reader(bytes).map_err(|_| 0x12)
}

fn written(value: &make_credential::Response) -> Result<Vec<u8>, u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).map_err(|_| 0x7f)?;
    Ok(bytes)
}

fn bytes(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    // A vector takes everything.
    drop(ciborium::into_writer(value, &mut bytes));
    bytes
}

fn member(map: &Value, number: i64) -> Option<&Value> {
    map.as_map()?.iter().find(|(name, _)| name.as_integer() == Some(number.into())).map(|(_, value)| value)
}

/// A message as packets.
fn packets(channel: [u8; 4], command: u8, data: &[u8]) -> Vec<Packet> {
    let length = u16::try_from(data.len()).unwrap_or(u16::MAX).to_be_bytes();
    let (first, rest) = data.split_at(data.len().min(57));
    let mut packets = vec![[&channel[..], &[command | 0x80], &length, first].concat()];
    packets.extend(rest.chunks(59).zip(0_u8..).map(|(part, number)| [&channel[..], &[number], part].concat()));
    let whole = |bytes: Vec<u8>| {
        let mut packet = [0; 64];
        packet.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        packet
    };
    packets.into_iter().map(whole).collect()
}
