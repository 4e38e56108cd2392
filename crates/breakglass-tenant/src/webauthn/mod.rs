//! Passkeys as a relying party checks them: what an authenticator and a browser say when a passkey is made or used.
//!
//! Bytes in, a verdict out; nothing here is kept or waits. The clock, the challenges that were given out and the
//! passkeys that are registered are the caller's.
//!
//! **Limits:** [`CLIENT_DATA_BYTES_MAX`], [`ATTESTATION_BYTES_MAX`], [`AUTHENTICATOR_DATA_BYTES_MAX`],
//! [`CREDENTIAL_ID_BYTES_MAX`], [`SIGNATURE_BYTES_MAX`], and how deep CBOR may be.
//! **Source:** Web Authentication Level 2 (W3C), sections 6.1, 7.1, 7.2, 8.2 and 8.7; RFC 9053 (COSE); RFC 8949 (CBOR).

mod attestation;
mod authenticator_data;
mod cbor;
mod client_data;
mod key;

use aws_lc_rs::digest;

use self::attestation::Attestation;
use self::authenticator_data::AuthenticatorData;
use self::client_data::Ceremony;
pub use self::client_data::challenge_of;
pub use self::key::PublicKey;

/// Bytes of the longest client data.
pub const CLIENT_DATA_BYTES_MAX: usize = 8 << 10;
/// Bytes of the longest attestation object.
pub const ATTESTATION_BYTES_MAX: usize = 64 << 10;
/// Bytes of the longest authenticator data.
pub const AUTHENTICATOR_DATA_BYTES_MAX: usize = 16 << 10;
/// Bytes of the longest credential id (Level 3, section 7.1).
pub const CREDENTIAL_ID_BYTES_MAX: usize = 1_023;
/// Bytes of the longest signature: that of the longest RSA key.
pub const SIGNATURE_BYTES_MAX: usize = 1_024;

/// COSE numbers of the algorithms that are taken, the preferred first: ES256, EdDSA, RS256.
pub const ALGORITHMS: [i64; 3] = [-7, -8, -257];

/// What was asked for, as it has to come back.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The bytes of the challenge.
    pub challenge: &'a [u8],
    /// The origin of the page, as `https://localhost:8443`.
    pub origin: &'a str,
    /// The relying party's id.
    pub rp_id: &'a str,
}

/// A passkey that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// Its credential id.
    pub credential_id: Vec<u8>,
    /// The model of the authenticator; all zeros where it does not say.
    pub aaguid: [u8; 16],
    /// The public key, as COSE.
    pub public_key: Vec<u8>,
    /// How often it has signed, if it counts; else 0.
    pub sign_count: u32,
    /// Whether it may leave the device, as a passkey that is synchronised does.
    pub is_backup_eligible: bool,
}

/// Why a passkey is not taken. No case says what it was compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WebauthnError {
    /// The client data is no such JSON, or too long.
    #[error("the client data is malformed")]
    ClientData,
    /// It was made for another step than this: a registration for a sign-in, or the other way round.
    #[error("the client data is of another ceremony")]
    Ceremony,
    /// It does not answer this challenge.
    #[error("the challenge is another one")]
    Challenge,
    /// A page of another origin, or a frame inside one, asked for it.
    #[error("the origin is not that of the sign-in page")]
    Origin,
    /// The authenticator data is malformed, too long, or has something behind it.
    #[error("the authenticator data is malformed")]
    AuthenticatorData,
    /// The passkey is of another relying party.
    #[error("the passkey is of another relying party")]
    RelyingParty,
    /// Nobody touched the authenticator.
    #[error("the user was not present")]
    UserNotPresent,
    /// The authenticator did not check who touched it.
    #[error("the user was not verified")]
    UserNotVerified,
    /// The public key is malformed, or of an algorithm that is not taken.
    #[error("the public key is malformed, or of an algorithm other than ES256, EdDSA and RS256")]
    PublicKey,
    /// The attestation object is malformed or too long.
    #[error("the attestation object is malformed")]
    Malformed,
    /// The attestation is of a format that is not checked here.
    #[error("the attestation is of a format other than `none` and self attestation of `packed`")]
    Attestation,
    /// The signature is wrong.
    #[error("the signature is wrong")]
    Signature,
    /// The authenticator has signed less often than before: there may be two of it.
    #[error("the sign counter went backwards: the authenticator may have been copied")]
    Counter,
}

/// Checks what came back when a passkey was made (Level 2, section 7.1).
///
/// # Errors
/// What of it is not as it has to be. Attestation of the makers is refused, as their roots are not known here.
pub fn registered(expected: &Expected<'_>, client_data: &[u8], object: &[u8]) -> Result<Registered, WebauthnError> {
    client_data::check(expected, Ceremony::Create, client_data)?;
    let attestation = Attestation::read(object)?;
    let data = AuthenticatorData::read(&attestation.authenticator_data)?;
    data.check(expected.rp_id)?;
    let credential = data.credential.ok_or(WebauthnError::AuthenticatorData)?;
    let key = PublicKey::read(credential.public_key)?;
    attestation.check(&key, digest::digest(&digest::SHA256, client_data).as_ref())?;
    Ok(Registered {
        credential_id: credential.id.to_vec(),
        aaguid: *credential.aaguid,
        public_key: credential.public_key.to_vec(),
        sign_count: data.sign_count,
        is_backup_eligible: data.is_backup_eligible(),
    })
}

/// What came back when a passkey was used.
#[derive(Debug, Clone, Copy)]
pub struct Assertion<'a> {
    /// The client data, as JSON.
    pub client_data: &'a [u8],
    /// The authenticator data.
    pub authenticator_data: &'a [u8],
    /// The signature over both.
    pub signature: &'a [u8],
}

/// Checks what came back when a passkey was used (Level 2, section 7.2), and gives its sign counter.
///
/// # Errors
/// What of it is not as it has to be; that the counter has not gone backwards is asked of [`counted`].
pub fn asserted(expected: &Expected<'_>, key: &PublicKey, assertion: Assertion<'_>) -> Result<u32, WebauthnError> {
    client_data::check(expected, Ceremony::Get, assertion.client_data)?;
    let data = AuthenticatorData::read(assertion.authenticator_data)?;
    data.check(expected.rp_id)?;
    let hash = digest::digest(&digest::SHA256, assertion.client_data);
    key.verify(&[assertion.authenticator_data, hash.as_ref()].concat(), assertion.signature)?;
    Ok(data.sign_count)
}

/// Takes the next count of an authenticator that counted so far (Level 2, section 7.2 step 21).
///
/// # Errors
/// When it counts, and has not gone on.
pub const fn counted(before: u32, now: u32) -> Result<u32, WebauthnError> {
    if (before == 0 && now == 0) || now > before { Ok(now) } else { Err(WebauthnError::Counter) }
}
