//! Sealing keys as marked secrets: what two holders put together, which nobody ever has but the process that opens.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bech32::{Bech32, Hrp};
use breakglass_adapters::random::SystemRandom;
use breakglass_custody::key_set::KeySet;
use breakglass_custody::quorum::Quorum;
use breakglass_custody::sealing_key::SealingKey;
use breakglass_custody::slip39::{Share, combine};
use breakglass_ops::ports::Random as _;
use zeroize::Zeroizing;

use super::marked::{Marked, forms_of, forms_of_bytes};
use super::world::World;

/// Shares that open each set.
const THRESHOLD: usize = 2;

/// Bytes of half a key: half of one is too much as well.
const HALF_BYTES: usize = 16;

/// What the first shares of a set give.
fn secret_of(shares: &[String]) -> Zeroizing<Vec<u8>> {
    let read: Vec<Share> =
        (1..).zip(&shares[..THRESHOLD]).map(|(number, words)| Share::read(number, words).unwrap()).collect();
    combine(&read.iter().collect::<Vec<_>>(), b"").unwrap()
}

/// The identity of age that a secret is, as age writes it.
fn identity_of(secret: &[u8]) -> String {
    bech32::encode_upper::<Bech32>(Hrp::parse("AGE-SECRET-KEY-").unwrap(), secret).unwrap()
}

impl Marked {
    /// The sealing key that shares of a set give: as age writes it, without what stands before it, and its bytes.
    fn sealing_key(what: &str, shares: &[String], set: &KeySet) -> Self {
        let secret = secret_of(shares);
        let text = identity_of(&secret);
        let identity: age::x25519::Identity = text.parse().unwrap();
        assert_eq!(identity.to_public().to_string(), set.recipient.to_string(), "{what} is another");
        let (_, data) = text.rsplit_once('1').unwrap();
        let mut forms = Vec::new();
        for text in [text.as_str(), data] {
            forms.extend(forms_of(text));
            forms.extend(forms_of(&text.to_lowercase()));
        }
        forms.extend(forms_of_bytes(&secret));
        secret.chunks(HALF_BYTES).for_each(|half| forms.extend(forms_of_bytes(half)));
        Self::of(what, forms)
    }
}

/// The sealing keys of all sets of a world, of which the shares are given in the order in which they were made.
pub(super) fn sealing_keys(world: &World, shares: &[&[String]]) -> Vec<Marked> {
    let sets = world.sets();
    assert_eq!(sets.len(), shares.len(), "shares of each set");
    let key = |(number, (set, shares)): (usize, (&KeySet, &[String]))| {
        Marked::sealing_key(&format!("the sealing key of set {number}"), shares, set)
    };
    sets.iter().zip(shares.iter().copied()).enumerate().map(key).collect()
}

#[test]
fn every_form_of_a_sealing_key_is_found() {
    let fill = |buffer: &mut [u8]| SystemRandom.fill(buffer);
    let split = SealingKey::generate(fill).unwrap().split(Quorum::new(2, 3).unwrap(), fill).unwrap();
    let words: Vec<String> = split.shares.iter().map(|share| share.with_words(str::to_owned)).collect();
    let marked = Marked::sealing_key("it", &words, &split.set);
    // The same key, from another share.
    let secret = secret_of(&words[1..]);
    let text = identity_of(&secret);
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    for shown in [
        format!("# created: today\n{text}\n"),
        text.to_lowercase(),
        text.replacen("AGE-SECRET-KEY-1", "key: ", 1),
        STANDARD.encode(format!("a{text}")),
        hex.to_uppercase(),
        format!("{}…", hex.get(..2 * HALF_BYTES).unwrap()),
        STANDARD.encode([&b"ab"[..], &secret].concat()),
        URL_SAFE_NO_PAD.encode(&secret[HALF_BYTES..]),
    ] {
        assert!(marked.is_in(shown.as_bytes()), "{shown}");
    }
    assert!(marked.is_in(&secret) && marked.is_in(&[&[0; 3][..], &secret[..HALF_BYTES]].concat()));
    // Who it is sealed to is no secret.
    assert!(!marked.is_in(split.set.recipient.to_string().as_bytes()));
}
