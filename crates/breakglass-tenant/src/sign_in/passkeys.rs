//! Passkeys of users: the public keys that are kept, what the tenant's policy says about them, and how one is used.
//!
//! A passkey is an entry of the user's `authenticationMethods`, as Graph shows it, and one on the shelf of passkeys
//! that has the public key. Without the latter it is known and cannot be used.
//!
//! **Invariant:** a sign counter that goes on is kept before the sign-in does.
//! **Source:** the resource types `fido2AuthenticationMethod` and `fido2AuthenticationMethodConfiguration`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use breakglass_model::snapshot::Resource;
use serde_json::{Value, json};

use crate::clock::written;
use crate::sign_in::methods::{self, Kind};
use crate::state::{Change, Directory, Object, Shelf, StateError, Writing, text};
use crate::tenant::Tenant;
use crate::webauthn::{self, ALGORITHMS, Assertion, Expected, PublicKey, Registered, WebauthnError};

/// The id of the relying party: browsers take no address in its place.
pub(crate) const RP_ID: &str = "localhost";
/// The type of the method.
pub(crate) const ODATA_TYPE: &str = "#microsoft.graph.fido2AuthenticationMethod";
/// Passkeys that a user may have.
pub(crate) const PASSKEY_COUNT_MAX: usize = 10;
/// Bytes of the longest user handle (Web Authentication, section 5.4.3).
const USER_HANDLE_BYTES_MAX: usize = 64;
/// Characters of the longest name of a passkey.
const NAME_CHARS_MAX: usize = 30;
/// Milliseconds in which the browser is to have an answer.
const TIMEOUT_MS: u64 = 300_000;

/// A passkey that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Passkey {
    /// The credential id, in base64url.
    pub(crate) credential: String,
    pub(crate) user: String,
    /// The id of the method.
    pub(crate) method: String,
    /// As COSE, in base64url.
    public_key: String,
    sign_count: u32,
}

impl Passkey {
    /// A passkey that was made.
    pub(crate) fn made(user: &str, registered: &Registered) -> Self {
        let credential = URL_SAFE_NO_PAD.encode(&registered.credential_id);
        let public_key = URL_SAFE_NO_PAD.encode(&registered.public_key);
        let (user, method) = (user.to_owned(), credential.clone());
        Self { credential, user, method, public_key, sign_count: registered.sign_count }
    }

    /// A passkey whose parts are known already, each in base64url; `None` where they are malformed.
    pub(crate) fn known((user, method): (&str, &str), credential: &str, public_key: &str) -> Option<Self> {
        let (id, key) = (decoded(credential)?, decoded(public_key)?);
        PublicKey::read(&key).ok()?;
        let is_good = (1..=webauthn::CREDENTIAL_ID_BYTES_MAX).contains(&id.len());
        is_good.then(|| Self {
            credential: URL_SAFE_NO_PAD.encode(id),
            user: user.to_owned(),
            method: method.to_owned(),
            public_key: URL_SAFE_NO_PAD.encode(key),
            sign_count: 0,
        })
    }

    fn read(credential: &str, thing: &Object) -> Option<Self> {
        Some(Self {
            credential: credential.to_owned(),
            user: text(thing, "userId")?.to_owned(),
            method: text(thing, "methodId")?.to_owned(),
            public_key: text(thing, "publicKey")?.to_owned(),
            sign_count: u32::try_from(thing.get("signCount")?.as_u64()?).ok()?,
        })
    }

    /// The change that keeps it.
    pub(crate) fn kept(&self) -> Change {
        let thing = json!({
            "userId": self.user, "methodId": self.method, "publicKey": self.public_key, "signCount": self.sign_count,
        });
        let thing = thing.as_object().cloned().unwrap_or_default();
        Change::Shelve(Shelf::Passkeys, self.credential.clone(), thing)
    }
}

/// Bytes that were written in base64url, with or without padding.
pub(crate) fn decoded(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()
}

/// The passkeys of a user that can be used.
pub(crate) fn of_user(directory: &Directory, user: &Object) -> Vec<Passkey> {
    let id = text(user, "id").unwrap_or_default();
    let all = directory.all_shelved(Shelf::Passkeys).filter_map(|(name, thing)| Passkey::read(name, thing));
    all.filter(|passkey| passkey.user.eq_ignore_ascii_case(id) && is_usable(directory, user, passkey)).collect()
}

/// Whether a method of a user can be used: its key is known, and the policy lets its model in.
pub(crate) fn is_usable_method(directory: &Directory, user: &Object, method: &str) -> bool {
    of_user(directory, user).iter().any(|passkey| passkey.method == method)
}

fn is_usable(directory: &Directory, user: &Object, passkey: &Passkey) -> bool {
    let listed = user.get("authenticationMethods").and_then(Value::as_array).into_iter().flatten();
    let listed = listed.filter_map(Value::as_object).filter(|method| text(method, "@odata.type") == Some(ODATA_TYPE));
    let mut own = listed.filter(|method| text(method, "id") == Some(&passkey.method));
    let policy = Fido2Policy::of(directory);
    own.any(|method| policy.lets_in(method)) && methods::is_allowed(directory, user, Kind::Passkey)
}

/// What the authentication methods policy says about passkeys (`fido2AuthenticationMethodConfiguration`).
pub(crate) struct Fido2Policy<'d>(Option<&'d Object>);

impl<'d> Fido2Policy<'d> {
    pub(crate) fn of(directory: &'d Directory) -> Self {
        Self(methods::configuration(directory, "Fido2"))
    }

    fn says(&self, name: &str) -> Option<bool> {
        self.0.and_then(|own| own.get(name)).and_then(Value::as_bool)
    }

    /// Whether passkeys are used at all; a policy that does not say allows it.
    pub(crate) fn is_enabled(&self) -> bool {
        self.0.and_then(|own| text(own, "state")) != Some("disabled")
    }

    /// Whether a new one may be made. Nothing here knows the roots of the makers, so that where their attestation is
    /// enforced none may.
    ///
    /// # Errors
    /// What keeps it from being made, as a sentence.
    pub(crate) fn takes_new(&self) -> Result<(), &'static str> {
        if !self.is_enabled() {
            return Err("The authentication methods policy has passkeys (FIDO2) switched off.");
        }
        if self.says("isSelfServiceRegistrationAllowed") == Some(false) {
            return Err("The authentication methods policy does not let passkeys (FIDO2) be set up.");
        }
        let is_asked = |profile: &Object| text(profile, "attestationEnforcement") != Some("disabled");
        if self.says("isAttestationEnforced") == Some(true) || self.profiles().any(is_asked) {
            return Err("The authentication methods policy enforces attestation, and this tenant knows no root of a \
                        maker of authenticators: it cannot verify any.");
        }
        Ok(())
    }

    fn profiles(&self) -> impl Iterator<Item = &'d Object> {
        let listed = self.0.and_then(|own| own.get("passkeyProfiles")).and_then(Value::as_array);
        listed.into_iter().flatten().filter_map(Value::as_object)
    }

    /// Whether a passkey, as Graph has the method, is let in: by its model, and by whether it is synchronised.
    ///
    /// Where there are passkey profiles each of them has to, as nobody works out here which of them are whose.
    pub(crate) fn lets_in(&self, method: &Object) -> bool {
        if self.profiles().next().is_none() {
            return is_let_in(self.0.and_then(|own| own.get("keyRestrictions")), method);
        }
        let has_type = |profile: &Object| match text(profile, "passkeyTypes") {
            None => true,
            Some(types) => {
                text(method, "passkeyType").is_some_and(|own| types.split(',').any(|known| known.trim() == own))
            }
        };
        self.profiles().all(|profile| has_type(profile) && is_let_in(profile.get("keyRestrictions"), method))
    }
}

/// Whether `keyRestrictions` let a method in. What is not known of either is not let in.
fn is_let_in(restrictions: Option<&Value>, method: &Object) -> bool {
    let Some(restrictions) = restrictions.and_then(Value::as_object) else { return true };
    if restrictions.get("isEnforced").and_then(Value::as_bool) == Some(false) {
        return true;
    }
    let Some(aaguid) = text(method, "aaGuid") else { return false };
    let listed = restrictions.get("aaGuids").and_then(Value::as_array).into_iter().flatten();
    let is_listed = listed.filter_map(Value::as_str).any(|known| known.eq_ignore_ascii_case(aaguid));
    match text(restrictions, "enforcementType") {
        Some("block") => !is_listed,
        Some("allow") => is_listed,
        _ => false,
    }
}

/// The user handle of a user: the id, as text.
fn user_handle(user: &str) -> &[u8] {
    user.as_bytes()
}

/// The options with which a browser makes a passkey (`PublicKeyCredentialCreationOptions`); binary parts in base64url.
pub(crate) fn creation_options(directory: &Directory, user: &Object, challenge: &[u8]) -> Option<Value> {
    let id = text(user, "id").filter(|id| user_handle(id).len() <= USER_HANDLE_BYTES_MAX)?;
    let name = text(user, "userPrincipalName").unwrap_or(id);
    let parameters = ALGORITHMS.map(|algorithm| json!({ "type": "public-key", "alg": algorithm }));
    let known = of_user(directory, user).into_iter().map(|passkey| described(&passkey)).collect::<Vec<_>>();
    Some(json!({
        "challenge": URL_SAFE_NO_PAD.encode(challenge),
        "timeout": TIMEOUT_MS,
        "attestation": "none",
        "rp": { "id": RP_ID, "name": "Microsoft" },
        "user": {
            "id": URL_SAFE_NO_PAD.encode(user_handle(id)), "name": name,
            "displayName": text(user, "displayName").unwrap_or(name),
        },
        "pubKeyCredParams": parameters,
        "excludeCredentials": known,
        "authenticatorSelection": {
            "residentKey": "required", "requireResidentKey": true, "userVerification": "required",
        },
        "extensions": {},
    }))
}

/// The options with which a browser uses a passkey (`PublicKeyCredentialRequestOptions`): one of these, or, where there
/// are none, any that it knows for the relying party.
pub(crate) fn request_options(challenge: &[u8], passkeys: &[Passkey]) -> Value {
    let mut options = json!({
        "challenge": URL_SAFE_NO_PAD.encode(challenge), "timeout": TIMEOUT_MS, "rpId": RP_ID,
        "userVerification": "required",
    });
    let known: Vec<Value> = passkeys.iter().map(described).collect();
    if let Some(members) = options.as_object_mut().filter(|_| !known.is_empty()) {
        members.insert("allowCredentials".to_owned(), Value::Array(known));
    }
    options
}

fn described(passkey: &Passkey) -> Value {
    json!({ "type": "public-key", "id": passkey.credential })
}

/// Why a passkey is not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PasskeyError {
    /// It is no passkey of anybody's, or not of whoever signs in.
    #[error("the passkey is not one of the user's that can be used")]
    Unknown,
    /// What was made or signed is not as it has to be.
    #[error(transparent)]
    Webauthn(#[from] WebauthnError),
    /// The policy does not take it.
    #[error("{0}")]
    Policy(&'static str),
    /// It is somebody's already.
    #[error("the passkey is registered already")]
    Registered,
    /// It is right, and the account is closed.
    #[error("the account is disabled")]
    Closed,
    /// There are too many.
    #[error("the user has {PASSKEY_COUNT_MAX} passkeys, and may not have more")]
    TooMany,
    /// It cannot be kept.
    #[error("the tenant cannot keep the change; its disk may be full")]
    State(#[from] StateError),
}

/// What a browser sends when a passkey was used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Used<'a> {
    /// The credential id, in base64url.
    pub(crate) credential: &'a str,
    pub(crate) assertion: Assertion<'a>,
    /// The handle of the user that the authenticator keeps beside the passkey, where it sends it.
    pub(crate) user_handle: Option<&'a [u8]>,
}

/// A passkey that was not taken, with the id of the user whose it is.
pub(crate) type NotUsed = (Option<String>, PasskeyError);

/// The user whose passkey was used. Where it is known who signs in it has to be theirs; else the authenticator has to
/// say whose it is, too.
pub(crate) fn used(
    tenant: &Tenant,
    who: Option<&str>,
    (challenge, used): (&[u8], Used<'_>),
) -> Result<Object, NotUsed> {
    let origin = tenant.addresses.localhost();
    let expected = Expected { challenge, origin: &origin, rp_id: RP_ID };
    let found = {
        let directory = tenant.state.read();
        let thing = directory.shelved(Shelf::Passkeys, used.credential);
        let passkey = thing.and_then(|thing| Passkey::read(used.credential, thing));
        passkey.and_then(|passkey| {
            let user = directory.object(Resource::Users, &passkey.user).cloned()?;
            is_usable(&directory, &user, &passkey).then_some((passkey, user))
        })
    };
    let Some((passkey, user)) = found else { return Err((None, PasskeyError::Unknown)) };
    let is_theirs = who.is_none_or(|who| who.eq_ignore_ascii_case(&passkey.user));
    let is_named = used.user_handle.map_or(who.is_some(), |handle| handle == user_handle(&passkey.user));
    if !is_theirs || !is_named {
        return Err((Some(passkey.user), PasskeyError::Unknown));
    }
    match counted(tenant, &passkey, (&expected, used.assertion)) {
        Ok(()) => Ok(user),
        Err(error) => Err((Some(passkey.user), error)),
    }
}

/// Checks what was signed, and keeps the counter; of two that come at a time the second is held against the first's.
fn counted(tenant: &Tenant, passkey: &Passkey, signed: (&Expected<'_>, Assertion<'_>)) -> Result<(), PasskeyError> {
    let (expected, assertion) = signed;
    let key = decoded(&passkey.public_key).ok_or(WebauthnError::PublicKey)?;
    let count = webauthn::asserted(expected, &PublicKey::read(&key)?, assertion)?;
    tenant.state.write(|directory| {
        let thing = directory.shelved(Shelf::Passkeys, &passkey.credential);
        let now = thing.and_then(|thing| Passkey::read(&passkey.credential, thing)).ok_or(PasskeyError::Unknown)?;
        let sign_count = webauthn::counted(now.sign_count, count)?;
        Ok::<_, PasskeyError>((vec![Passkey { sign_count, ..now }.kept()], ()))
    })
}

/// Checks what came back when a passkey was made for a user; gives the changes that keep it, and the method as Graph has
/// it. Whoever commits them tells of it.
pub(crate) fn register<'t>(
    tenant: &'t Tenant,
    (user, name): (&str, &str),
    (challenge, client_data, object): (&[u8], &[u8], &[u8]),
) -> Result<(Writing<'t>, Object), PasskeyError> {
    let origin = tenant.addresses.localhost();
    let expected = Expected { challenge, origin: &origin, rp_id: RP_ID };
    let made = webauthn::registered(&expected, client_data, object)?;
    let aaguid = uuid_written(&made.aaguid);
    let passkey = Passkey::made(user, &made);
    let name: String = name.chars().filter(|letter| !letter.is_control()).take(NAME_CHARS_MAX).collect();
    let method = json!({
        "@odata.type": ODATA_TYPE,
        "id": passkey.method,
        "displayName": if name.trim().is_empty() { "Passkey" } else { name.trim() },
        "createdDateTime": written(tenant.clock.now()),
        "aaGuid": aaguid,
        "model": "",
        "attestationCertificates": [],
        "attestationLevel": "notAttested",
        "passkeyType": if made.is_backup_eligible { "synced" } else { "deviceBound" },
    });
    let method = method.as_object().cloned().unwrap_or_default();
    tenant.state.begin(|directory| {
        let policy = Fido2Policy::of(directory);
        policy.takes_new().map_err(PasskeyError::Policy)?;
        if !policy.lets_in(&method) {
            return Err(PasskeyError::Policy(
                "The key restrictions of the authentication methods policy do not let this model of authenticator in.",
            ));
        }
        if directory.shelved(Shelf::Passkeys, &passkey.credential).is_some() {
            return Err(PasskeyError::Registered);
        }
        let mut changed = directory.object(Resource::Users, user).cloned().ok_or(PasskeyError::Unknown)?;
        let list = changed.entry("authenticationMethods").or_insert_with(|| json!([]));
        let list = list.as_array_mut().ok_or(PasskeyError::Unknown)?;
        let is_passkey = |one: &&Value| one.get("@odata.type").and_then(Value::as_str) == Some(ODATA_TYPE);
        if list.iter().filter(is_passkey).count() >= PASSKEY_COUNT_MAX {
            return Err(PasskeyError::TooMany);
        }
        list.push(Value::Object(method.clone()));
        Ok((vec![Change::Put(Resource::Users, changed), passkey.kept()], method))
    })
}

/// The changes by which the key of a method that is gone goes, too.
pub(crate) fn forgotten(directory: &Directory, (user, method): (&str, &str)) -> Vec<Change> {
    let all = directory.all_shelved(Shelf::Passkeys).filter_map(|(name, thing)| Passkey::read(name, thing));
    let own = all.filter(|passkey| passkey.user.eq_ignore_ascii_case(user) && passkey.method == method);
    own.map(|passkey| Change::Unshelve(Shelf::Passkeys, passkey.credential)).collect()
}

/// An AAGUID as it is written.
fn uuid_written(bytes: &[u8; 16]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}
