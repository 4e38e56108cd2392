//! What is split is not the secret itself but the secret behind four rounds of a cipher with a passphrase.
//!
//! With an empty passphrase, which is all that the product ever uses, it hides nothing; other tools do it all the same,
//! so that we have to. A wrong passphrase is not noticed: it gives another secret.
//! **Source:** SLIP-0039, "Encryption of the master secret".

use pbkdf2::pbkdf2_hmac;
use sha2::Sha256;
use zeroize::Zeroizing;

/// Rounds of PBKDF2 in one round of the cipher, for an iteration exponent of 0; each exponent doubles them.
const ITERATION_COUNT: u32 = 2_500;

/// Numbers of the rounds, in the order of encryption.
const ROUNDS: [u8; 4] = [0, 1, 2, 3];

/// What the rounds hang on besides the secret.
#[derive(Clone, Copy)]
pub(super) struct Settings<'a> {
    /// The passphrase.
    pub(super) passphrase: &'a [u8],
    /// The iteration exponent, at most 15.
    pub(super) iteration_exponent: u8,
    /// The identifier, where it goes into the salt: for shares that are not extendable.
    pub(super) identifier: Option<u16>,
}

/// Behind the cipher.
pub(super) fn encrypted(secret: &[u8], settings: Settings<'_>) -> Zeroizing<Vec<u8>> {
    rounds(secret, settings, ROUNDS)
}

/// Before the cipher.
pub(super) fn decrypted(secret: &[u8], settings: Settings<'_>) -> Zeroizing<Vec<u8>> {
    let [first, second, third, fourth] = ROUNDS;
    rounds(secret, settings, [fourth, third, second, first])
}

fn rounds(secret: &[u8], settings: Settings<'_>, order: [u8; 4]) -> Zeroizing<Vec<u8>> {
    let (left, right) = secret.split_at(secret.len() / 2);
    let (mut left, mut right) = (Zeroizing::new(left.to_vec()), Zeroizing::new(right.to_vec()));
    for round in order {
        let mixed = mixed(round, &right, settings);
        for (byte, mixed) in left.iter_mut().zip(mixed.iter()) {
            *byte ^= mixed;
        }
        std::mem::swap(&mut left, &mut right);
    }
    let mut joined = Zeroizing::new(Vec::with_capacity(secret.len()));
    joined.extend_from_slice(&right);
    joined.extend_from_slice(&left);
    joined
}

/// The function of one round.
fn mixed(round: u8, right: &[u8], settings: Settings<'_>) -> Zeroizing<Vec<u8>> {
    let mut key = Zeroizing::new(Vec::with_capacity(1 + settings.passphrase.len()));
    key.push(round);
    key.extend_from_slice(settings.passphrase);
    let mut salt = Zeroizing::new(Vec::with_capacity(8 + right.len()));
    if let Some(identifier) = settings.identifier {
        salt.extend_from_slice(b"shamir");
        salt.extend_from_slice(&identifier.to_be_bytes());
    }
    salt.extend_from_slice(right);
    let mut output = Zeroizing::new(vec![0; right.len()]);
    let iterations = ITERATION_COUNT << settings.iteration_exponent.min(15);
    pbkdf2_hmac::<Sha256>(&key, &salt, iterations, &mut output);
    output
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encrypted_is_decrypted_again() {
        for (identifier, iteration_exponent) in [(None, 0), (Some(7_945), 0), (Some(0), 1)] {
            let settings = Settings { passphrase: b"TREZOR", iteration_exponent, identifier };
            let hidden = encrypted(b"ABCDEFGHIJKLMNOP", settings);
            assert_ne!(hidden.as_slice(), b"ABCDEFGHIJKLMNOP");
            assert_eq!(decrypted(&hidden, settings).as_slice(), b"ABCDEFGHIJKLMNOP");
            let other = Settings { passphrase: b"", ..settings };
            assert_ne!(decrypted(&hidden, other).as_slice(), b"ABCDEFGHIJKLMNOP");
        }
    }
}
