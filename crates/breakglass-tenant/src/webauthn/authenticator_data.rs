//! Authenticator data: what an authenticator says about itself, the user and the passkey.

use aws_lc_rs::{constant_time, digest};

use super::cbor::{Fields, item};
use super::{AUTHENTICATOR_DATA_BYTES_MAX, CREDENTIAL_ID_BYTES_MAX, WebauthnError};

const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 1 << 2;
const BACKUP_ELIGIBLE: u8 = 1 << 3;
const BACKED_UP: u8 = 1 << 4;
const HAS_CREDENTIAL: u8 = 1 << 6;
const HAS_EXTENSIONS: u8 = 1 << 7;

/// A passkey that is made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Credential<'d> {
    pub(super) aaguid: &'d [u8; 16],
    pub(super) id: &'d [u8],
    /// As COSE.
    pub(super) public_key: &'d [u8],
}

#[derive(Debug, Clone, Copy)]
pub(super) struct AuthenticatorData<'d> {
    rp_id_hash: &'d [u8; 32],
    flags: u8,
    pub(super) sign_count: u32,
    pub(super) credential: Option<Credential<'d>>,
}

impl<'d> AuthenticatorData<'d> {
    /// Reads all of it.
    pub(super) fn read(bytes: &'d [u8]) -> Result<Self, WebauthnError> {
        Self::of(bytes).ok_or(WebauthnError::AuthenticatorData)
    }

    fn of(bytes: &'d [u8]) -> Option<Self> {
        if bytes.len() > AUTHENTICATOR_DATA_BYTES_MAX {
            return None;
        }
        let (rp_id_hash, rest) = bytes.split_first_chunk()?;
        let ([flags], rest) = rest.split_first_chunk()?;
        let (count, mut rest) = rest.split_first_chunk()?;
        let mut credential = None;
        if flags & HAS_CREDENTIAL != 0 {
            let (read, behind) = Self::credential(rest)?;
            (credential, rest) = (Some(read), behind);
        }
        if flags & HAS_EXTENSIONS != 0 {
            let (extensions, behind) = item(rest)?;
            Fields::of(extensions)?;
            rest = behind;
        }
        // What is backed up could be.
        let is_sound = flags & BACKED_UP == 0 || flags & BACKUP_ELIGIBLE != 0;
        let sign_count = u32::from_be_bytes(*count);
        (rest.is_empty() && is_sound).then_some(Self { rp_id_hash, flags: *flags, sign_count, credential })
    }

    fn credential(bytes: &'d [u8]) -> Option<(Credential<'d>, &'d [u8])> {
        let (aaguid, rest) = bytes.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let length = usize::from(u16::from_be_bytes(*length));
        if length == 0 || length > CREDENTIAL_ID_BYTES_MAX {
            return None;
        }
        let (id, from_key) = rest.split_at_checked(length)?;
        let (_, rest) = item(from_key)?;
        let public_key = from_key.get(..from_key.len() - rest.len())?;
        Some((Credential { aaguid, id, public_key }, rest))
    }

    /// Whether the passkey is of a relying party, and the user was there and is the one.
    pub(super) fn check(&self, rp_id: &str) -> Result<(), WebauthnError> {
        let hash = digest::digest(&digest::SHA256, rp_id.as_bytes());
        constant_time::verify_slices_are_equal(hash.as_ref(), self.rp_id_hash)
            .map_err(|_| WebauthnError::RelyingParty)?;
        if self.flags & USER_PRESENT == 0 {
            return Err(WebauthnError::UserNotPresent);
        }
        if self.flags & USER_VERIFIED == 0 {
            return Err(WebauthnError::UserNotVerified);
        }
        Ok(())
    }

    pub(super) const fn is_backup_eligible(&self) -> bool {
        self.flags & BACKUP_ELIGIBLE != 0
    }
}
