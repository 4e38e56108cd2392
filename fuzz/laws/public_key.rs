//! What the readers of keys, fingerprints and names of sets promise of any text: what they take, they write in one way,
//! and take again as the same.

use breakglass_custody::fingerprint::Fingerprint;
use breakglass_custody::key_set::SetId;
use breakglass_custody::recipient::Recipient;
use breakglass_custody::signing::SigningPublicKey;

/// Checks it for some text.
pub(crate) fn hold(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(recipient) = Recipient::read(text) {
        assert_eq!(recipient.to_string(), text, "a recipient has one text");
    }
    if let Ok(key) = SigningPublicKey::read(text) {
        assert_eq!(key.to_string(), text, "a key has one text");
    }
    if let Ok(set) = SetId::read(text) {
        assert_eq!(set.to_string(), text, "a set has one name");
    }
    if let Ok(fingerprint) = Fingerprint::read(text) {
        assert_eq!(Fingerprint::read(&fingerprint.to_string()), Ok(fingerprint));
    }
}
