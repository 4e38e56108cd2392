//! Arithmetic in GF(2^8), modulo x^8 + x^4 + x^3 + x + 1, in a time that does not hang on the values.
//!
//! **Invariant:** no table and no branch; each bit becomes a mask. `black_box` keeps the compiler from making a branch
//! of a mask again.
//! **Source:** SLIP-0039, "Shamir's secret sharing"; the field is that of AES (FIPS 197, section 4.2).

use std::hint::black_box;

/// x^8 of the polynomial, without its highest term.
const REDUCTION: u8 = 0x1b;

/// All bits set where the lowest one of `bit` is, and none elsewhere.
fn mask(bit: u8) -> u8 {
    black_box(0_u8.wrapping_sub(bit & 1))
}

/// The product.
pub(super) fn product(left: u8, right: u8) -> u8 {
    let mut sum = 0;
    let mut shifted = left;
    for place in 0..8 {
        sum ^= shifted & mask(right >> place);
        shifted = (shifted << 1) ^ (REDUCTION & mask(shifted >> 7));
    }
    sum
}

/// What multiplied with `value` is 1; 0 for 0.
pub(super) fn inverse(value: u8) -> u8 {
    // It is value^254, and 254 is the sum of 2 to 128.
    let mut square = value;
    let mut power = 1;
    for _ in 0..7 {
        square = product(square, square);
        power = product(power, square);
    }
    power
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same on whole polynomials: multiplied out, then divided by hand.
    fn by_hand(left: u8, right: u8) -> u8 {
        let mut long = 0_u32;
        for place in 0..8 {
            if right & (1 << place) != 0 {
                long ^= u32::from(left) << place;
            }
        }
        for place in (8..16).rev() {
            if long & (1 << place) != 0 {
                long ^= 0x11b << (place - 8);
            }
        }
        u8::try_from(long).unwrap()
    }

    #[test]
    fn every_product_is_the_one_by_hand() {
        for left in 0..=255 {
            for right in 0..=255 {
                assert_eq!(product(left, right), by_hand(left, right), "{left} {right}");
            }
        }
        // FIPS 197, section 4.2.
        assert_eq!(product(0x57, 0x83), 0xc1);
    }

    #[test]
    fn what_is_not_zero_has_an_inverse() {
        for value in 1..=255 {
            assert_eq!(product(value, inverse(value)), 1);
        }
        assert_eq!(inverse(0), 0);
    }
}
