//! A plain second reading of SLIP-0039, that shares no code with the one it judges: words as text, bits as truth values,
//! fields without tables, Newton's form of a polynomial instead of Lagrange's, and the checksum as what a polynomial is
//! at three points. Only PBKDF2 and HMAC come from the same library.

use std::sync::LazyLock;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// The words, in order.
static LIST: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| include_str!("../../src/slip39/words.txt").lines().collect());

/// The words, in order.
pub(crate) fn list() -> &'static [&'static str] {
    &LIST
}

/// A product of two polynomials over GF(2), modulo a third.
fn times(left: u32, right: u32, modulus: u32) -> u32 {
    let degree = 31 - modulus.leading_zeros();
    let mut product = 0;
    for place in (0..degree).rev() {
        product <<= 1;
        if product >> degree & 1 == 1 {
            product ^= modulus;
        }
        if right >> place & 1 == 1 {
            product ^= left;
        }
    }
    product
}

/// The field of the checksum, and that of the shares.
const GF1024: u32 = 0b100_0000_1001;
const GF256: u32 = 0b1_0001_1011;

/// Whether a polynomial with these coefficients is 1 at the three roots of the code.
fn is_code_word(customization: &[u8], words: &[u32]) -> bool {
    let a = 2;
    let roots = [a, times(a, a, GF1024), times(times(a, a, GF1024), a, GF1024)];
    let customization = customization.iter().map(|byte| u32::from(*byte));
    let coefficients: Vec<u32> = std::iter::once(1).chain(customization).chain(words.iter().copied()).collect();
    roots.iter().all(|root| coefficients.iter().fold(0, |sum, next| times(sum, *root, GF1024) ^ next) == 1)
}

/// The three words that make it one: the remainder of a division by (x - a)(x - a²)(x - a³).
pub(crate) fn checksum(is_extendable: bool, words: &[u32]) -> [u32; 3] {
    let a = 2;
    let mut divisor = vec![1];
    let mut root = 1;
    for _ in 0..3 {
        root = times(root, a, GF1024);
        let mut next = vec![0; divisor.len() + 1];
        for (place, value) in divisor.iter().enumerate() {
            next[place] ^= value;
            next[place + 1] ^= times(*value, root, GF1024);
        }
        divisor = next;
    }
    let customization = customization(is_extendable).iter().map(|byte| u32::from(*byte));
    let mut rest: Vec<u32> = std::iter::once(1).chain(customization).chain(words.iter().copied()).collect();
    rest.extend([0; 3]);
    for place in 0..rest.len() - 3 {
        let lead = rest[place];
        for (offset, value) in divisor.iter().enumerate() {
            rest[place + offset] ^= times(lead, *value, GF1024);
        }
    }
    let end = rest.len();
    [rest[end - 3], rest[end - 2], rest[end - 1] ^ 1]
}

fn customization(is_extendable: bool) -> &'static [u8] {
    if is_extendable { b"shamir_extendable" } else { b"shamir" }
}

/// What stands in a share: the fields of four bits or more, in order, and the value.
pub(crate) struct Read {
    /// Identifier, extendable, exponent, group, groups needed, groups, member, members needed.
    pub(crate) fields: [u32; 8],
    pub(crate) value: Vec<u8>,
}

const FIELD_BITS: [usize; 8] = [15, 1, 4, 4, 4, 4, 4, 4];

/// Reads a share; `None` for whatever is wrong with it.
pub(crate) fn read(text: &str) -> Option<Read> {
    let list = list();
    let place = |word: &str| list.iter().position(|listed| *listed == word).map(|place| u32::try_from(place).unwrap());
    let words: Vec<u32> = text.split_whitespace().map(place).collect::<Option<_>>()?;
    if words.len() < 20 || words.len() > 59 {
        return None;
    }
    let mut bits: Vec<bool> =
        words.iter().flat_map(|word| (0..10).rev().map(move |bit| word >> bit & 1 == 1)).collect();
    if !is_code_word(customization(bits[15]), &words) {
        return None;
    }
    bits.truncate(bits.len() - 30);
    let number = |bits: &[bool]| bits.iter().fold(0, |sum, bit| sum * 2 + u32::from(*bit));
    let mut fields = [0; 8];
    let mut rest = bits.as_slice();
    for (field, width) in fields.iter_mut().zip(FIELD_BITS) {
        *field = number(&rest[..width]);
        rest = &rest[width..];
    }
    for at in [4, 5, 7] {
        fields[at] += 1;
    }
    let unused = rest.len() % 16;
    if unused > 8 || rest[..unused].iter().any(|bit| *bit) || fields[4] > fields[5] {
        return None;
    }
    let value = rest[unused..].chunks(8).map(|bits| u8::try_from(number(bits)).unwrap()).collect();
    Some(Read { fields, value })
}

/// Writes a share.
pub(crate) fn write(share: &Read) -> String {
    let mut bits = Vec::new();
    for (at, (field, width)) in share.fields.iter().zip(FIELD_BITS).enumerate() {
        let field = if [4, 5, 7].contains(&at) { field - 1 } else { *field };
        bits.extend((0..width).rev().map(|bit| field >> bit & 1 == 1));
    }
    bits.extend(std::iter::repeat_n(false, (10 - share.value.len() * 8 % 10) % 10));
    bits.extend(share.value.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1)));
    let words = bits.chunks(10).map(|bits| bits.iter().fold(0, |sum, bit| sum * 2 + u32::from(*bit)));
    let mut words: Vec<u32> = words.collect();
    words.extend(checksum(share.fields[1] == 1, &words));
    let list = list();
    words.iter().map(|word| list[usize::try_from(*word).unwrap()]).collect::<Vec<_>>().join(" ")
}

/// What divided by `right` is; the quotient is searched for.
fn divided(left: u32, right: u32) -> u32 {
    (0..256).find(|quotient| times(*quotient, right, GF256) == left).unwrap()
}

/// Newton's divided differences for one byte, and what the polynomial is at a place.
fn newton(points: &[(u32, u32)], at: u32) -> u32 {
    let mut coefficients: Vec<u32> = points.iter().map(|point| point.1).collect();
    for order in 1..points.len() {
        for place in (order..points.len()).rev() {
            let above = coefficients[place] ^ coefficients[place - 1];
            coefficients[place] = divided(above, points[place].0 ^ points[place - order].0);
        }
    }
    let newest_first = coefficients.iter().zip(points).rev();
    newest_first.fold(0, |sum, (coefficient, point)| times(sum, at ^ point.0, GF256) ^ coefficient)
}

fn at(points: &[(u32, &[u8])], place: u32) -> Vec<u8> {
    let byte = |number: usize| -> Vec<(u32, u32)> { points.iter().map(|(x, y)| (*x, u32::from(y[number]))).collect() };
    (0..points[0].1.len()).map(|number| u8::try_from(newton(&byte(number), place)).unwrap()).collect()
}

fn secret(points: &[(u32, &[u8])], need: u32) -> Option<Vec<u8>> {
    if points.len() != usize::try_from(need).unwrap() {
        return None;
    }
    if need == 1 {
        return Some(points[0].1.to_vec());
    }
    let (secret, digest) = (at(points, 255), at(points, 254));
    let mut mac = Hmac::<Sha256>::new_from_slice(&digest[4..]).unwrap();
    mac.update(&secret);
    (mac.finalize().into_bytes()[..4] == digest[..4]).then_some(secret)
}

/// The secret of some shares; `None` for whatever is wrong with them.
pub(crate) fn combined(texts: &[String], passphrase: &[u8]) -> Option<Vec<u8>> {
    let shares: Vec<Read> = texts.iter().map(|text| read(text)).collect::<Option<_>>()?;
    let first = shares.first()?;
    let common = |share: &Read| {
        ([share.fields[0], share.fields[1], share.fields[2], share.fields[4], share.fields[5]], share.value.len())
    };
    if shares.iter().any(|share| common(share) != common(first)) {
        return None;
    }
    let mut groups: Vec<(u32, Vec<u8>)> = Vec::new();
    for group in 0..16 {
        let members: Vec<&Read> = shares.iter().filter(|share| share.fields[3] == group).collect();
        let Some(one) = members.first() else { continue };
        let mut numbers: Vec<u32> = members.iter().map(|share| share.fields[6]).collect();
        numbers.sort_unstable();
        numbers.dedup();
        if numbers.len() != members.len() || members.iter().any(|share| share.fields[7] != one.fields[7]) {
            return None;
        }
        let points: Vec<(u32, &[u8])> = members.iter().map(|share| (share.fields[6], share.value.as_slice())).collect();
        groups.push((group, secret(&points, one.fields[7])?));
    }
    let points: Vec<(u32, &[u8])> = groups.iter().map(|(group, value)| (*group, value.as_slice())).collect();
    let hidden = secret(&points, first.fields[4])?;
    Some(before_the_cipher(&hidden, first, passphrase))
}

fn before_the_cipher(hidden: &[u8], share: &Read, passphrase: &[u8]) -> Vec<u8> {
    let half = hidden.len() / 2;
    let (mut left, mut right) = (hidden[..half].to_vec(), hidden[half..].to_vec());
    let salt = if share.fields[1] == 1 {
        Vec::new()
    } else {
        [b"shamir".as_slice(), &share.fields[0].to_be_bytes()[2..]].concat()
    };
    for round in [3_u8, 2, 1, 0] {
        let mut mixed = vec![0; half];
        let (key, salt) = ([&[round], passphrase].concat(), [salt.as_slice(), &right].concat());
        pbkdf2::pbkdf2_hmac::<Sha256>(&key, &salt, 2_500 << share.fields[2], &mut mixed);
        let next = left.iter().zip(&mixed).map(|(byte, mixed)| byte ^ mixed).collect();
        left = std::mem::replace(&mut right, next);
    }
    [right, left].concat()
}
