//! The safe for `tests/peers`: one request in JSON a line, one answer a line, so that other people's programs can be
//! compared with it. Secrets go in and out as they are; it is no way to keep one.
//!
//! Requests: `split` and `combine` are SLIP-0039 alone; `seal` makes a set and seals a password to it; `sign` signs members
//! of a document; `open` opens one; `share` seals a share for a custodian's own key. Each brings a `seed` where it
//! needs randomness. An answer has `refused` where there is none.

use std::error::Error;
use std::io::{BufRead as _, Write as _};

use breakglass_custody::document::{Account, CredentialKind, Document, EnvelopeId, Label};
use breakglass_custody::fingerprint::Fingerprint;
use breakglass_custody::password::Password;
use breakglass_custody::quorum::Quorum;
use breakglass_custody::recipient::Recipient;
use breakglass_custody::sealed::{seal, seal_share};
use breakglass_custody::sealing_key::{SealingKey, SplitKey};
use breakglass_custody::signed_set::SignedSet;
use breakglass_custody::signing::{SIGNING_SEED_BYTES, SigningKey};
use breakglass_custody::slip39::{Share, combine, split};
use ed25519_dalek::Signer as _;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

type Failed = Box<dyn Error>;

/// The seed of the operator's key of these tests.
const OPERATOR_SEED: [u8; SIGNING_SEED_BYTES] = [7; SIGNING_SEED_BYTES];

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "camelCase", deny_unknown_fields)]
enum Request {
    Split { secret: String, threshold: u8, count: u8, seed: u64 },
    Combine { shares: Vec<String> },
    Seal { password: String, threshold: u8, count: u8, seed: u64 },
    Sign { members: Map<String, Value> },
    Open { document: String, operator: String, shares: Vec<String> },
    Share { words: String, custodian: String },
}

fn main() -> Result<(), Failed> {
    let mut output = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let request = serde_json::from_str(&line?)?;
        let answer = answered(request).unwrap_or_else(|error| json!({"refused": error.to_string()}));
        writeln!(output, "{answer}")?;
        output.flush()?;
    }
    Ok(())
}

fn answered(request: Request) -> Result<Value, Failed> {
    match request {
        Request::Split { secret, threshold, count, seed } => {
            let shares = split(&bytes(&secret)?, Quorum::new(threshold, count)?, stream(seed))?;
            Ok(json!({"shares": words(&shares)}))
        }
        Request::Combine { shares } => {
            let shares = read(&shares)?;
            let secret = combine(&shares.iter().collect::<Vec<_>>(), b"")?;
            Ok(json!({"secret": digits(&secret)}))
        }
        Request::Seal { password, threshold, count, seed } => sealed(password, Quorum::new(threshold, count)?, seed),
        Request::Sign { members } => signed(members),
        Request::Open { document, operator, shares } => {
            let document = Document::read(&document)?.confirmed(Fingerprint::read(&operator)?)?;
            let password = document.label().set.recover(&read(&shares)?)?.open(&document)?;
            Ok(password.with_plaintext(|text| json!({"password": text})))
        }
        Request::Share { words, custodian } => {
            Ok(json!({"sealed": seal_share(&Share::read(1, &words)?, &Recipient::read(&custodian)?)?}))
        }
    }
}

fn operator() -> SigningKey {
    SigningKey::of_seed(Zeroizing::new(OPERATOR_SEED))
}

fn sealed(password: String, quorum: Quorum, seed: u64) -> Result<Value, Failed> {
    let mut fill = stream(seed);
    let SplitKey { set, shares } = SealingKey::generate(&mut fill)?.split(quorum, &mut fill)?;
    let label = Label {
        envelope: EnvelopeId::generate(&mut fill)?,
        set: set.clone(),
        reserve: None,
        account: Account { id: "1".to_owned(), user_principal_name: "emergency-1@contoso.example".to_owned() },
        credential: CredentialKind::Password,
        version: 1,
        sealed_on: "2026-11-27T03:00:00Z".parse()?,
    };
    let signed = SignedSet::sign(&set, label.sealed_on, &operator())?;
    let document = seal(&Password::of_text(password), &label, &signed, &operator())?;
    let fingerprint = operator().public().fingerprint().to_string();
    Ok(json!({"document": document.text(), "operator": fingerprint, "shares": words(&shares)}))
}

/// Signs members of a document that others made, as the operator would who had been told to.
fn signed(mut members: Map<String, Value>) -> Result<Value, Failed> {
    let format = members.get("format").and_then(Value::as_str).ok_or("no form")?.to_owned();
    members.insert("operator".to_owned(), Value::from(operator().public().to_string()));
    members.sort_keys();
    let message = format!("{format}\n{}", serde_json::to_string(&members)?);
    let signature = ed25519_dalek::SigningKey::from_bytes(&OPERATOR_SEED).sign(message.as_bytes()).to_bytes();
    members.insert("signature".to_owned(), Value::from(digits(&signature)));
    let fingerprint = operator().public().fingerprint().to_string();
    Ok(json!({"document": serde_json::to_string(&members)?, "operator": fingerprint}))
}

fn words(shares: &[Share]) -> Vec<String> {
    shares.iter().map(|share| share.with_words(str::to_owned)).collect()
}

fn read(texts: &[String]) -> Result<Vec<Share>, Failed> {
    Ok((1..).zip(texts).map(|(number, text)| Share::read(number, text)).collect::<Result<_, _>>()?)
}

/// Bytes that are as good as random, from a seed: SHA-256 of the seed and a number.
fn stream(seed: u64) -> impl FnMut(&mut [u8]) -> Result<(), Failed> {
    let mut number = 0_u64;
    move |bytes: &mut [u8]| {
        for part in bytes.chunks_mut(32) {
            let digest = Sha256::digest([seed.to_be_bytes(), number.to_be_bytes()].concat());
            number += 1;
            for (byte, random) in part.iter_mut().zip(digest) {
                *byte = random;
            }
        }
        Ok(())
    }
}

fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(digits: &str) -> Result<Vec<u8>, Failed> {
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| Ok(u8::from_str_radix(std::str::from_utf8(pair)?, 16)?)).collect()
}
