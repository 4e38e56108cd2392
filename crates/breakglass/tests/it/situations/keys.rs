//! What people hold in their hands: an authenticator app, and a security key with a passkey.
//!
//! **Source:** RFC 6238; Web Authentication Level 3, sections 6.1 and 7.2; RFC 9053 section 7.1 (the key as COSE).

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// The key of every authenticator app here, and the same in base 32.
const APP_KEY: (&[u8], &str) = (b"12345678901234567890", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
/// Seconds for which a code is shown.
pub(super) const CODE_SECONDS: i64 = 30;
/// Whoever touched the key was recognised by it.
const PRESENT_AND_VERIFIED: u8 = 0b101;

/// An authenticator app, as a seed has it.
pub(super) fn app() -> Value {
    json!({ "@odata.type": "#microsoft.graph.softwareOathAuthenticationMethod", "secretKey": APP_KEY.1 })
}

/// The code that the app shows at a second.
pub(super) fn code_at(second: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, APP_KEY.0);
    let tag = hmac::sign(&key, &second.div_euclid(CODE_SECONDS).to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag[19] & 0xf);
    let word = u32::from_be_bytes(tag[offset..offset + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", word % 1_000_000)
}

/// What answers a page that asks for a passkey.
pub(super) trait Answers {
    /// The form as a browser at `origin` sends it.
    fn answer(&self, origin: &str, page: &str) -> Vec<(&'static str, String)>;
}

/// A security key that holds one passkey.
pub(super) struct SecurityKey {
    pair: EcdsaKeyPair,
    /// What the passkey is called, which is as good as any other name.
    id: String,
    /// The id of whose passkey it is, as text.
    owner: String,
}

impl SecurityKey {
    /// A new one, for a user.
    pub(super) fn of(owner: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        Self { pair, id: URL_SAFE_NO_PAD.encode(format!("passkey of {owner}")), owner: owner.to_owned() }
    }

    /// The passkey, as a seed has it.
    pub(super) fn seeded(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        let (x, y) = (&point[1..33], &point[33..]);
        // A map of five: EC2, ES256, the curve P-256, and the two coordinates of 32 bytes.
        let cose = [&[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32], x, &[0x22, 0x58, 32], y].concat();
        json!({
            "@odata.type": "#microsoft.graph.fido2AuthenticationMethod", "displayName": "Security key",
            "passkeyType": "deviceBound", "aaGuid": "00000000-0000-0000-0000-000000000000",
            "model": "Security key", "credentialId": self.id, "publicKey": URL_SAFE_NO_PAD.encode(cose),
        })
    }
}

impl Answers for SecurityKey {
    fn answer(&self, origin: &str, page: &str) -> Vec<(&'static str, String)> {
        let options = options(page);
        let client = json!({ "type": "webauthn.get", "challenge": options["challenge"], "origin": origin,
                             "crossOrigin": false });
        let client = client.to_string();
        let hash = |bytes: &[u8]| digest(&SHA256, bytes).as_ref().to_vec();
        let authenticator = [hash(b"localhost"), vec![PRESENT_AND_VERIFIED, 0, 0, 0, 0]].concat();
        let signed = [authenticator.as_slice(), &hash(client.as_bytes())].concat();
        let signature = self.pair.sign(&SystemRandom::new(), &signed).unwrap();
        vec![
            ("do", "use".to_owned()),
            ("credential", self.id.clone()),
            ("clientDataJSON", URL_SAFE_NO_PAD.encode(client)),
            ("authenticatorData", URL_SAFE_NO_PAD.encode(authenticator)),
            ("signature", URL_SAFE_NO_PAD.encode(signature)),
            ("userHandle", URL_SAFE_NO_PAD.encode(&self.owner)),
        ]
    }
}

/// What a page hands to the browser.
pub(super) fn options(page: &str) -> Value {
    let (_, rest) = page.split_once("data-options=\"").unwrap_or_else(|| panic!("{page}"));
    let text = rest.split('"').next().unwrap().replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&");
    serde_json::from_str(&text).unwrap()
}
