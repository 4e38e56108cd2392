//! One-time passwords by time, as authenticator apps make them: HMAC-SHA-1, 30 seconds, 6 digits.
//!
//! **Source:** RFC 6238, RFC 4226, RFC 4648 (base 32).

use std::fmt;

use aws_lc_rs::{constant_time, hmac};
use jiff::Timestamp;
use zeroize::{Zeroize as _, Zeroizing};

use crate::random::{self, NoRandomness};

/// Seconds for which a password is good.
const STEP_SECONDS: i64 = 30;
/// Steps by which the clock of an authenticator may be off.
const STEP_LEEWAY: i64 = 1;
/// Bytes of the longest key.
const KEY_BYTES_MAX: usize = 128;
/// Bytes of the shortest key.
const KEY_BYTES_MIN: usize = 10;
/// Bytes of a key that is made here: those of a SHA-1 (RFC 4226 section 4).
const KEY_BYTES: usize = 20;
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A key, written in base 32; it is wiped when it is dropped.
pub(crate) struct Base32(Vec<u8>);

impl fmt::Debug for Base32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Base32")
    }
}

impl Drop for Base32 {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Base32 {
    /// A new key.
    pub(crate) fn generate() -> Result<Self, NoRandomness> {
        Ok(Self(Zeroizing::new(random::bytes::<KEY_BYTES>()?).to_vec()))
    }

    /// A key of these bytes.
    #[cfg(test)]
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    /// Reads a key; spaces, case and padding do not matter.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0_u32);
        for letter in text.bytes().filter(|letter| !letter.is_ascii_whitespace() && *letter != b'=') {
            let letter = letter.to_ascii_uppercase();
            let value = ALPHABET.iter().position(|known| *known == letter)?;
            bits = (bits << 5 | u32::try_from(value).ok()?) & 0xfff;
            count += 5;
            if count >= 8 {
                count -= 8;
                bytes.push(u8::try_from(bits >> count & 0xff).ok()?);
            }
        }
        let key = Self(bytes);
        (KEY_BYTES_MIN..=KEY_BYTES_MAX).contains(&key.0.len()).then_some(key)
    }

    /// As it is read again.
    pub(crate) fn to_text(&self) -> String {
        let (mut text, mut bits, mut count) = (String::new(), 0_u32, 0_u32);
        let mut put = |bits: u32| text.push(char::from(*ALPHABET.get((bits & 31) as usize).unwrap_or(&b'A')));
        for byte in &self.0 {
            bits = (bits << 8 | u32::from(*byte)) & 0xfff;
            count += 8;
            while count >= 5 {
                count -= 5;
                put(bits >> count);
            }
        }
        if count > 0 {
            put(bits << (5 - count));
        }
        text
    }

    /// The password of a step.
    fn password(&self, step: i64) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let tag = tag.as_ref();
        let offset = usize::from(tag.last().copied().unwrap_or_default() & 0xf);
        let word = tag.get(offset..).and_then(|rest| rest.first_chunk()).copied().unwrap_or_default();
        format!("{:06}", (u32::from_be_bytes(word) & 0x7fff_ffff) % 1_000_000)
    }

    /// The step whose password this is, near an instant.
    pub(crate) fn step_of(&self, password: &str, now: Timestamp) -> Option<i64> {
        let step = now.as_second().div_euclid(STEP_SECONDS);
        let password = password.trim().as_bytes();
        let is = |step: &i64| constant_time::verify_slices_are_equal(self.password(*step).as_bytes(), password).is_ok();
        (step - STEP_LEEWAY..=step + STEP_LEEWAY).find(is)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::Base32;

    #[test]
    fn the_passwords_are_those_of_rfc_6238() {
        let key = Base32::of(b"12345678901234567890");
        assert_eq!(key.to_text(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        // The RFC has eight digits; the last six are these.
        for (second, password) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
        ] {
            let now = Timestamp::from_second(second).unwrap();
            assert_eq!(key.step_of(password, now), Some(second / 30), "{second}");
            let later = Timestamp::from_second(second + 90).unwrap();
            assert_eq!(key.step_of(password, later), None, "{second}");
        }
    }

    #[test]
    fn keys_read_what_they_write() {
        for length in 10..=40 {
            let bytes: Vec<u8> = (0..length).map(|byte: u8| byte.wrapping_mul(37)).collect();
            let key = Base32::of(&bytes);
            assert_eq!(Base32::read(&key.to_text()).unwrap().to_text(), key.to_text(), "{length}");
            assert_eq!(Base32::read(&key.to_text()).unwrap().0, bytes);
        }
        for wrong in ["", "ABCDEFGH", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJ1", &"A".repeat(400)] {
            assert!(Base32::read(wrong).is_none(), "{wrong}");
        }
        assert!(Base32::read("gezd gnbv gy3t qojq gezd gnbv gy3t qojq ==").is_some());
    }
}
