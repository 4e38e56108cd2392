//! How a PIN is shown to a security key: encrypted, to a key that both have agreed on.
//!
//! **Invariant:** the PIN itself never leaves; half of its hash does, encrypted. Shared secrets and tokens are wiped.
//! **Source:** CTAP 2.1, sections 6.5.6 (protocol 1) and 6.5.7 (protocol 2).

use aws_lc_rs::agreement::{ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral};
use aws_lc_rs::cipher::{
    AES_256, DecryptingKey, DecryptionContext, EncryptingKey, EncryptionContext, UnboundCipherKey,
};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use aws_lc_rs::{hkdf, hmac};
use breakglass_custody::password::Password;
use breakglass_ops::ports::SecurityKeyError;
use ciborium::Value;
use zeroize::Zeroizing;

use super::cbor::{bytes, member};
use super::wire::unusable;

const BLOCK_BYTES: usize = 16;
/// Bytes of a token at most.
const TOKEN_BYTES_MAX: usize = 32;

/// Half of the hash of a PIN: what a key compares.
pub(super) type PinHash = Zeroizing<[u8; BLOCK_BYTES]>;

/// Half of the hash of a PIN.
pub(super) fn pin_hash(pin: &Password) -> PinHash {
    let mut half = Zeroizing::new([0; BLOCK_BYTES]);
    pin.with_plaintext(|text| {
        let whole = digest(&SHA256, text.as_bytes());
        half.iter_mut().zip(whole.as_ref()).for_each(|(to, from)| *to = *from);
    });
    half
}

/// What both sides have agreed on.
pub(super) struct Agreed {
    protocol: u8,
    /// Our half, as COSE.
    pub(super) ours: Value,
    aes: Zeroizing<[u8; 32]>,
}

impl Agreed {
    /// Agrees with the half that a key has given, as COSE.
    pub(super) fn with(protocol: u8, theirs: &Value) -> Result<Self, SecurityKeyError> {
        let failed = || unusable("its half of the shared secret is none");
        let coordinate = |number| bytes(member(theirs, number)?).filter(|half| half.len() == 32);
        let (x, y) = coordinate(-2).zip(coordinate(-3)).ok_or_else(failed)?;
        let point = [&[4_u8][..], x, y].concat();
        let own = EphemeralPrivateKey::generate(&ECDH_P256, &SystemRandom::new()).map_err(|_| failed())?;
        let public = own.compute_public_key().map_err(|_| failed())?;
        let ours = cose(public.as_ref()).ok_or_else(failed)?;
        let peer = UnparsedPublicKey::new(&ECDH_P256, point);
        let aes = agree_ephemeral(own, peer, failed(), |shared| derived(protocol, shared).ok_or_else(failed))?;
        Ok(Self { protocol, ours, aes })
    }

    /// Encrypts half of the hash of a PIN.
    pub(super) fn encrypted(&self, hash: &PinHash) -> Result<Vec<u8>, SecurityKeyError> {
        let failed = |_| unusable("the PIN cannot be encrypted for it");
        let mut iv = [0; BLOCK_BYTES];
        if self.protocol == 2 {
            SystemRandom::new().fill(&mut iv).map_err(failed)?;
        }
        let key = UnboundCipherKey::new(&AES_256, &self.aes[..]).map_err(failed)?;
        let mut block = **hash;
        let context = EncryptionContext::Iv128(FixedLength::from(iv));
        EncryptingKey::cbc(key).and_then(|key| key.less_safe_encrypt(&mut block, context)).map_err(failed)?;
        Ok(if self.protocol == 2 { [iv, block].concat() } else { block.to_vec() })
    }

    /// Decrypts the token that a right PIN is answered with.
    pub(super) fn token(&self, encrypted: &[u8]) -> Result<Token, SecurityKeyError> {
        let failed = || unusable("what it answers to the PIN is not understood");
        let (iv, sealed) = match self.protocol {
            2 => encrypted.split_at_checked(BLOCK_BYTES).ok_or_else(failed)?,
            _ => (&[0; BLOCK_BYTES][..], encrypted),
        };
        let mut token = Zeroizing::new(sealed.to_vec());
        let is_whole = !token.is_empty() && token.len().is_multiple_of(BLOCK_BYTES) && token.len() <= TOKEN_BYTES_MAX;
        if !is_whole {
            return Err(failed());
        }
        let iv: [u8; BLOCK_BYTES] = iv.try_into().map_err(|_| failed())?;
        let key = UnboundCipherKey::new(&AES_256, &self.aes[..]).map_err(|_| failed())?;
        let context = DecryptionContext::Iv128(FixedLength::from(iv));
        let key = DecryptingKey::cbc(key).map_err(|_| failed())?;
        key.decrypt(&mut token, context).map_err(|_| failed())?;
        Ok(Token { protocol: self.protocol, token })
    }
}

/// What shows that the PIN was right, for the next command.
pub(super) struct Token {
    protocol: u8,
    token: Zeroizing<Vec<u8>>,
}

impl Token {
    /// Authenticates a message.
    pub(super) fn authenticated(&self, message: &[u8]) -> Vec<u8> {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &self.token), message);
        let length = if self.protocol == 2 { 32 } else { 16 };
        tag.as_ref().iter().take(length).copied().collect()
    }
}

/// The key of the cipher, from the shared secret.
fn derived(protocol: u8, shared: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    let mut key = Zeroizing::new([0; 32]);
    if protocol == 2 {
        let pseudorandom = hkdf::Salt::new(hkdf::HKDF_SHA256, &[0; 32]).extract(shared);
        pseudorandom.expand(&[b"CTAP2 AES key"], hkdf::HKDF_SHA256).ok()?.fill(&mut key[..]).ok()?;
    } else {
        key.copy_from_slice(digest(&SHA256, shared).as_ref());
    }
    Some(key)
}

/// A point on P-256 as COSE, as the key agreement of PINs wants it (RFC 9053, section 7.1; ECDH-ES with HKDF-256).
fn cose(point: &[u8]) -> Option<Value> {
    let (x, y) = (point.get(1..33)?.to_vec(), point.get(33..65)?.to_vec());
    let number = |value: i64| Value::from(value);
    Some(Value::Map(vec![
        (number(1), number(2)),
        (number(3), number(-25)),
        (number(-1), number(1)),
        (number(-2), Value::Bytes(x)),
        (number(-3), Value::Bytes(y)),
    ]))
}
