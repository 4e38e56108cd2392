//! Bytes as hexadecimal digits in small letters, for what is public: keys, signatures, fingerprints.

/// The digits.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// The bytes, of exactly so many digits in small letters.
pub(crate) fn of_hex<const BYTES: usize>(text: &str) -> Option<[u8; BYTES]> {
    if text.len() != 2 * BYTES || text.bytes().any(|letter| letter.is_ascii_uppercase()) {
        return None;
    }
    let mut bytes = [0; BYTES];
    let mut digits = text.chars();
    for byte in &mut bytes {
        let (high, low) = (digits.next()?.to_digit(16)?, digits.next()?.to_digit(16)?);
        *byte = u8::try_from(high * 16 + low).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_nothing_else() {
        assert_eq!(to_hex(&[0, 0x9a, 0xff]), "009aff");
        assert_eq!(of_hex(&to_hex(&[0, 0x9a, 0xff])), Some([0, 0x9a, 0xff]));
        for text in ["", "00", "009af", "009aff0", "009aFF", "00 aff", "+09aff", "äaff"] {
            assert_eq!(of_hex::<3>(text), None, "{text}");
        }
    }
}
