//! A security key that is plugged in, over USB: CTAP2 with a PIN.
//!
//! Two commands are spoken: what the key is, and make a credential. The key is asked with both PIN protocols that there
//! are; the PIN is in the form in which it was typed, so that one with letters beyond ASCII has to be typed composed.
//! **Limits:** [`WHOLE_SECONDS`], [`ANSWER_SECONDS`], [`BUSY_COUNT_MAX`], [`MESSAGE_BYTES_MAX`]. A key is shown as many
//! credentials that it must not have as it takes at once.
//! **Source:** Client to Authenticator Protocol (CTAP) 2.1, sections 6.1, 6.4 and 6.5.

mod cbor;
mod pin;
mod usb;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use breakglass_custody::password::Password;
use breakglass_ops::ports::{MadeCredential, MakeCredential, SecurityKey, SecurityKeyError};
use ciborium::Value;

use self::cbor::{bytes, command, member, named, read, written};
use self::pin::{Agreed, PinHash, Token, pin_hash};
pub use self::wire::{ANSWER_SECONDS, BUSY_COUNT_MAX, MESSAGE_BYTES_MAX, PACKET_BYTES, Packet, Wire};
use self::wire::{Channel, Status, unusable};

/// Seconds after which a key is given up, whatever it does.
pub const WHOLE_SECONDS: u64 = 150;

const MAKE_CREDENTIAL: u8 = 1;
const GET_INFO: u8 = 4;
const CLIENT_PIN: u8 = 6;
/// Subcommands of `CLIENT_PIN`.
const GET_RETRIES: i64 = 1;
const GET_KEY_AGREEMENT: i64 = 2;
const GET_TOKEN: i64 = 5;
const GET_TOKEN_WITH_PERMISSIONS: i64 = 9;
/// The permission to make credentials.
const MAY_MAKE: i64 = 1;
/// Somebody touched the key, was recognised, and a credential was made.
const FLAGS: u8 = 0x01 | 0x04 | 0x40;
/// Bytes of authenticator data before the id of the credential.
const HEAD_BYTES: usize = 55;

type Open = dyn Fn() -> Result<(String, Box<dyn Wire>), SecurityKeyError> + Send + Sync;

/// The security key that is plugged in. It is looked for anew each time.
#[derive(Clone)]
pub struct PluggedSecurityKey(Arc<Open>);

impl PluggedSecurityKey {
    /// The only one that is plugged in over USB.
    #[must_use]
    pub fn usb() -> Self {
        Self(Arc::new(usb::only))
    }

    /// One that is opened in another way, with its name.
    #[must_use]
    pub fn opened_by(
        open: impl Fn() -> Result<(String, Box<dyn Wire>), SecurityKeyError> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(open))
    }

    /// Does what waits for the key where nothing else waits.
    async fn with<T: Send + 'static>(
        &self,
        act: impl FnOnce(String, Channel) -> Result<T, SecurityKeyError> + Send + 'static,
    ) -> Result<T, SecurityKeyError> {
        let open = Arc::clone(&self.0);
        let acted = tokio::task::spawn_blocking(move || {
            let (name, wire) = open()?;
            let mut nonce = [0; 8];
            SystemRandom::new().fill(&mut nonce).map_err(|_| unusable("the system gives no randomness"))?;
            act(name, Channel::open(wire, nonce)?)
        });
        let acted = tokio::time::timeout(Duration::from_secs(WHOLE_SECONDS), acted).await;
        acted.map_err(|_| unusable("it takes too long"))?.map_err(|_| unusable("talking to it broke off"))?
    }
}

#[async_trait]
impl SecurityKey for PluggedSecurityKey {
    async fn name(&self) -> Result<String, SecurityKeyError> {
        self.with(|name, _| Ok(name)).await
    }

    async fn make(&self, request: &MakeCredential, pin: &Password) -> Result<MadeCredential, SecurityKeyError> {
        let (request, hash) = (request.clone(), pin_hash(pin));
        self.with(move |_, mut channel| make(&mut channel, &request, &hash)).await
    }
}

/// What a key says of itself.
struct Info {
    protocol: u8,
    has_permissions: bool,
    /// Credentials that it can be shown at once.
    list_count_max: usize,
}

fn info(channel: &mut Channel) -> Result<Info, SecurityKeyError> {
    let answer = read(&channel.call(&[GET_INFO]).map_err(refusal)?)?;
    let options = member(&answer, 4).and_then(Value::as_map).map(Vec::as_slice).unwrap_or_default();
    let option =
        |name: &str| options.iter().find(|(key, _)| key.as_text() == Some(name)).and_then(|(_, on)| on.as_bool());
    match option("clientPin") {
        Some(true) => {}
        Some(false) => return Err(SecurityKeyError::NoPin),
        None => return Err(unusable("it takes no PIN, and one without is no proof of who holds it")),
    }
    if option("rk") != Some(true) {
        return Err(unusable("it keeps no credentials of its own, which Entra demands"));
    }
    let numbers = |value: &Value| -> Vec<i128> {
        value.as_array().into_iter().flatten().filter_map(|one| Some(one.as_integer()?.into())).collect()
    };
    let protocols = member(&answer, 6).map(numbers).unwrap_or_default();
    // The key says which it likes best; one that says nothing is older than the question.
    let known = protocols.iter().find(|protocol| matches!(protocol, 1 | 2)).copied();
    let protocol = match (known, protocols.is_empty()) {
        (Some(2), _) => 2,
        (Some(_), _) | (None, true) => 1,
        (None, false) => return Err(unusable("it takes PINs in a way that is not known here")),
    };
    let most = member(&answer, 7).and_then(Value::as_integer).and_then(|count| usize::try_from(i128::from(count)).ok());
    let has_permissions = option("pinUvAuthToken") == Some(true);
    Ok(Info { protocol, has_permissions, list_count_max: most.unwrap_or(1) })
}

fn make(channel: &mut Channel, request: &MakeCredential, hash: &PinHash) -> Result<MadeCredential, SecurityKeyError> {
    let info = info(channel)?;
    let token = token(channel, &info, request, hash)?;
    let auth = token.authenticated(&request.client_data_hash);
    let answer = channel.call(&make_command(&info, request, auth)?).map_err(refusal)?;
    made(&read(&answer)?, &request.rp_id)
}

fn make_command(info: &Info, request: &MakeCredential, auth: Vec<u8>) -> Result<Vec<u8>, SecurityKeyError> {
    let kind = || ("type", Value::from("public-key"));
    let algorithms = request.algorithms.iter().map(|number| named(vec![("alg", Value::from(*number)), kind()]));
    let excluded = request.excluded.iter().take(info.list_count_max);
    let excluded: Vec<Value> = excluded.map(|id| named(vec![("id", Value::Bytes(id.clone())), kind()])).collect();
    let rp = vec![("id", Value::from(request.rp_id.as_str())), ("name", Value::from(request.rp_name.as_str()))];
    let user = vec![
        ("id", Value::Bytes(request.user_id.clone())),
        ("name", Value::from(request.user_name.as_str())),
        ("displayName", Value::from(request.user_display_name.as_str())),
    ];
    let mut parameters = vec![
        (1, Value::Bytes(request.client_data_hash.to_vec())),
        (2, named(rp)),
        (3, named(user)),
        (4, Value::Array(algorithms.collect())),
        (5, Value::Array(excluded)),
        (7, named(vec![("rk", Value::Bool(true))])),
        (8, Value::Bytes(auth)),
        (9, Value::from(info.protocol)),
    ];
    parameters.retain(|(number, value)| *number != 5 || value.as_array().is_some_and(|list| !list.is_empty()));
    command(MAKE_CREDENTIAL, parameters)
}

/// Shows the PIN, and gets what proves that it was right.
fn token(
    channel: &mut Channel,
    info: &Info,
    request: &MakeCredential,
    hash: &PinHash,
) -> Result<Token, SecurityKeyError> {
    let protocol = (1, Value::from(info.protocol));
    let ask = command(CLIENT_PIN, vec![protocol.clone(), (2, Value::from(GET_KEY_AGREEMENT))])?;
    let answer = read(&channel.call(&ask).map_err(refusal)?)?;
    let theirs = member(&answer, 1).ok_or_else(|| unusable("it gives no half of a shared secret"))?;
    let agreed = Agreed::with(info.protocol, theirs)?;
    let subcommand = if info.has_permissions { GET_TOKEN_WITH_PERMISSIONS } else { GET_TOKEN };
    let sealed = Value::Bytes(agreed.encrypted(hash)?);
    let mut parameters = vec![protocol, (2, Value::from(subcommand)), (3, agreed.ours.clone()), (6, sealed)];
    if info.has_permissions {
        parameters.extend([(9, Value::from(MAY_MAKE)), (10, Value::from(request.rp_id.as_str()))]);
    }
    let answer = match channel.call(&command(CLIENT_PIN, parameters)?) {
        Ok(answer) => read(&answer)?,
        Err(Status::Code(WRONG_PIN)) => return Err(SecurityKeyError::WrongPin { left: retries(channel)? }),
        Err(status) => return Err(refusal(status)),
    };
    let sealed = member(&answer, 2).and_then(bytes).ok_or_else(|| unusable("it does not answer to the PIN"))?;
    agreed.token(sealed)
}

fn retries(channel: &mut Channel) -> Result<u8, SecurityKeyError> {
    let ask = command(CLIENT_PIN, vec![(2, Value::from(GET_RETRIES))])?;
    let answer = read(&channel.call(&ask).map_err(refusal)?)?;
    let count = member(&answer, 3).and_then(Value::as_integer).and_then(|count| u8::try_from(i128::from(count)).ok());
    count.ok_or_else(|| unusable("it does not say how many tries are left"))
}

/// Turns the answer of a key into an attestation object, and looks whether it is one of what was asked.
fn made(answer: &Value, rp_id: &str) -> Result<MadeCredential, SecurityKeyError> {
    let missing = || unusable("its answer has no credential in it");
    let (format, statement) = member(answer, 1).zip(member(answer, 3)).ok_or_else(missing)?;
    let data = member(answer, 2).and_then(bytes).ok_or_else(missing)?;
    let (head, rest) = data.split_at_checked(HEAD_BYTES).ok_or_else(missing)?;
    if head.get(..32) != Some(digest(&SHA256, rp_id.as_bytes()).as_ref()) {
        return Err(unusable("it made a credential for somebody else than Entra"));
    }
    if head.get(32).is_none_or(|flags| flags & FLAGS != FLAGS) {
        return Err(unusable("it made a credential without the PIN, or without being touched"));
    }
    let length = head.get(53..55).and_then(|length| length.try_into().ok()).map(u16::from_be_bytes);
    let id = rest.get(..usize::from(length.ok_or_else(missing)?)).ok_or_else(missing)?;
    let aa_guid = head.get(37..53).and_then(|number| number.try_into().ok()).ok_or_else(missing)?;
    let object =
        named(vec![("fmt", format.clone()), ("attStmt", statement.clone()), ("authData", Value::Bytes(data.to_vec()))]);
    Ok(MadeCredential { credential_id: id.to_vec(), aa_guid, attestation_object: written(&object)? })
}

const WRONG_PIN: u8 = 0x31;

/// What a status of CTAP2 means (section 8.2).
fn refusal(status: Status) -> SecurityKeyError {
    let code = match status {
        Status::Broken(error) => return error,
        Status::Code(code) => code,
    };
    match code {
        0x19 => SecurityKeyError::Excluded,
        0x27 | 0x2d | 0x2f | 0x3a => SecurityKeyError::NotTouched,
        0x28 => SecurityKeyError::Full,
        0x32 | 0x34 => SecurityKeyError::Blocked,
        0x35 => SecurityKeyError::NoPin,
        0x26 => SecurityKeyError::Refused("it knows none of the algorithms that the tenant takes".to_owned()),
        0x37 => SecurityKeyError::Refused("its PIN is too short for it now; set a longer one".to_owned()),
        other => SecurityKeyError::Refused(format!("error {other:#04x} of CTAP2")),
    }
}
