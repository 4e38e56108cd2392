//! What reading documents, signed sets, requests and approvals promises of any text: nothing that nobody signed, one text
//! for what somebody did, and from a key that opens it a password or a refusal.

use std::fmt::Debug;
use std::sync::LazyLock;

use breakglass_custody::approval::{Approval, SignedRequest};
use breakglass_custody::document::Document;
use breakglass_custody::key_set::OpenedKey;
use breakglass_custody::quorum::Quorum;
use breakglass_custody::sealing_key::{SealingKey, SplitKey};
use breakglass_custody::signed::{SIGNED_BYTES_MAX, SignedError, Unconfirmed};
use breakglass_custody::signed_set::SignedSet;
use breakglass_custody::signing::SigningKey;
use ed25519_dalek::Signer as _;
use serde_json::{Map, Value};

/// The seed of the key that signs what the fuzzer makes; nobody else has it, and it signs nothing else.
const SEED: [u8; 32] = *b"the fuzzer's own, and no other's";

/// The forms, each with the member that its signer is in.
const FORMATS: [(&str, &str); 4] = [
    ("breakglass-sealed/1", "operator"),
    ("breakglass-key-set/1", "operator"),
    ("breakglass-request/1", "signer"),
    ("breakglass-approval/1", "signer"),
];

/// A key to open with, and the set that it is of.
static KEY: LazyLock<OpenedKey> = LazyLock::new(|| {
    let mut next = 0_u64;
    let mut fill = move |bytes: &mut [u8]| {
        for byte in bytes {
            next = next.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = next.to_be_bytes()[0];
        }
        Ok::<(), ()>(())
    };
    let key = SealingKey::generate(&mut fill).expect("there is randomness");
    let quorum = Quorum::new(2, 3).expect("two of three");
    let SplitKey { set, shares } = key.split(quorum, &mut fill).expect("it is split");
    set.recover(&shares).expect("it is recovered")
});

/// Checks it for some text: as it is, and as members that somebody signs.
pub(crate) fn hold(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    hold_text(text);
    let Ok(members) = serde_json::from_str::<Map<String, Value>>(text) else { return };
    for (format, signer) in FORMATS {
        if let Some(signed) = signed_anew(members.clone(), (format, signer)) {
            let read = hold_text(&signed);
            assert_ne!(read, Some(SignedError::Signature), "it was signed");
        }
    }
}

fn hold_text(text: &str) -> Option<SignedError> {
    let mut refusal = None;
    if let Some(document) = hold_form(text, (Document::read, Document::text), &mut refusal)
        && let Ok(password) = KEY.open(&document)
    {
        assert_eq!(&document.label().set, KEY.set());
        password.with_plaintext(|plain| assert!((1..=256).contains(&plain.chars().count())));
    }
    hold_form(text, (SignedSet::read, SignedSet::text), &mut refusal);
    hold_form(text, (SignedRequest::read, SignedRequest::text), &mut refusal);
    hold_form(text, (Approval::read, Approval::text), &mut refusal);
    refusal
}

/// How a form is read, and its text.
type Form<T> = (fn(&str) -> Result<Unconfirmed<T>, SignedError>, fn(&T) -> &str);

fn hold_form<T: Debug + PartialEq>(
    text: &str,
    (read, text_of): Form<T>,
    refusal: &mut Option<SignedError>,
) -> Option<T> {
    match read(text) {
        Ok(read_once) => {
            assert!(text.len() <= SIGNED_BYTES_MAX);
            let fingerprint = read_once.signer().fingerprint();
            let signed = read_once.confirmed(fingerprint).expect("it is the one that signed");
            let again = read(text_of(&signed)).and_then(|again| again.confirmed(fingerprint));
            assert_eq!(again.as_ref(), Ok(&signed), "it has one text");
            Some(signed)
        }
        Err(error) => {
            is_plain(&error);
            if !matches!(error, SignedError::Format { .. }) {
                *refusal = Some(error);
            }
            None
        }
    }
}

/// That a message is one line that no terminal takes for a command.
fn is_plain(error: &SignedError) {
    assert!(!error.to_string().chars().any(char::is_control), "{error:?}");
}

/// Members as they are signed where somebody has a key: in order, with the name of the form in front. `None` where a text
/// of them would not be written as it was read.
fn signed_anew(mut members: Map<String, Value>, (format, signer): (&str, &str)) -> Option<String> {
    let key = ed25519_dalek::SigningKey::from_bytes(&SEED);
    let own = SigningKey::of_seed(zeroize::Zeroizing::new(SEED));
    members.insert("format".to_owned(), Value::from(format));
    members.insert(signer.to_owned(), Value::from(own.public().to_string()));
    members.remove("signature");
    members.sort_keys();
    if let Some(Value::Object(account)) = members.get_mut("account") {
        account.sort_keys();
    }
    // Numbers such as 2.0 are none of the form; a number that is has one text.
    let canonical = serde_json::to_string(&members).ok()?;
    let signature = key.sign(format!("{format}\n{canonical}").as_bytes()).to_bytes();
    let signature: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
    members.insert("signature".to_owned(), Value::from(signature));
    serde_json::to_string(&members).ok()
}
