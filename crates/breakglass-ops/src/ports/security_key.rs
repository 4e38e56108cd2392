//! A security key that is plugged in.

use async_trait::async_trait;
use breakglass_custody::password::Password;

/// What a security key is asked to make a credential with: what Graph's options say, and a browser would hand on.
///
/// **Source:** CTAP 2.1, section 6.1 (authenticatorMakeCredential); Web Authentication Level 2, section 5.4.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MakeCredential {
    /// SHA-256 of the client data.
    pub client_data_hash: [u8; 32],
    /// The relying party's id, as `login.microsoft.com`.
    pub rp_id: String,
    /// Its name, for people.
    pub rp_name: String,
    /// The user, by the number that the relying party gave them.
    pub user_id: Vec<u8>,
    /// The user's sign-in name.
    pub user_name: String,
    /// The user's name, for people.
    pub user_display_name: String,
    /// Numbers of algorithms, the preferred first (COSE).
    pub algorithms: Vec<i64>,
    /// Ids of credentials: a key that has one of them makes no other.
    pub excluded: Vec<Vec<u8>>,
}

/// A credential that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeCredential {
    /// Its id.
    pub credential_id: Vec<u8>,
    /// The number of the key's model.
    pub aa_guid: [u8; 16],
    /// The attestation object, as CBOR with the members `fmt`, `attStmt` and `authData`.
    pub attestation_object: Vec<u8>,
}

/// Why a security key makes no credential. No case has anything of the PIN in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecurityKeyError {
    /// There is none, or more than one.
    #[error("{0} security keys are plugged in; plug in the one that is meant, and no other")]
    Count(usize),
    /// It is there and cannot be talked to.
    #[error("the security key cannot be used: {0}")]
    Unusable(String),
    /// It has no PIN.
    #[error("the security key has no PIN; set one first, with the maker's program or the system's settings")]
    NoPin,
    /// The PIN is wrong.
    #[error("the PIN is wrong, and {left} tries are left before the key locks itself for good")]
    WrongPin {
        /// How many, as the key says.
        left: u8,
    },
    /// It takes no more tries.
    #[error("the security key takes no more PINs: take it out and put it in again, or it is locked for good")]
    Blocked,
    /// Nobody touched it.
    #[error("nobody touched the security key in time")]
    NotTouched,
    /// It has a credential of this account.
    #[error("the security key is registered for this account already")]
    Excluded,
    /// It has no room.
    #[error("the security key has no room for another credential")]
    Full,
    /// It says no.
    #[error("the security key says no: {0}")]
    Refused(String),
}

/// A security key that is plugged in.
#[async_trait]
pub trait SecurityKey: Send + Sync {
    /// What the key calls itself, for people.
    ///
    /// # Errors
    /// There is none, or it does not answer.
    async fn name(&self) -> Result<String, SecurityKeyError>;

    /// Makes a credential that stays on the key, after somebody was recognised by the PIN and touched it.
    ///
    /// # Errors
    /// It did not. Whatever it is, no credential that the tenant knows has changed.
    async fn make(&self, request: &MakeCredential, pin: &Password) -> Result<MadeCredential, SecurityKeyError>;
}
