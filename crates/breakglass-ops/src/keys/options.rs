//! What Graph says that a credential is to be made with, and what is sent back.
//!
//! **Source:** "fido2AuthenticationMethod: creationOptions" and "Create fido2AuthenticationMethod" of Microsoft Graph, read
//! 2026-11-27; Web Authentication Level 2, sections 5.4 and 5.8.1.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::ports::{MadeCredential, MakeCredential};

/// Characters of the longest name of a method that Entra takes.
pub(super) const DISPLAY_NAME_CHARS_MAX: usize = 30;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    challenge_timeout_date_time: Timestamp,
    public_key: PublicKey,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PublicKey {
    challenge: String,
    rp: RelyingParty,
    user: User,
    pub_key_cred_params: Vec<Parameter>,
    #[serde(default)]
    exclude_credentials: Vec<Described>,
}

#[derive(Deserialize)]
struct RelyingParty {
    id: String,
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct User {
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    display_name: String,
}

#[derive(Deserialize)]
struct Parameter {
    alg: i64,
}

#[derive(Deserialize)]
struct Described {
    id: String,
}

/// What a security key is asked, and what is sent when it has answered.
#[derive(Debug)]
pub(super) struct Options {
    /// What the key is asked.
    pub(super) request: MakeCredential,
    /// Until when the tenant takes the answer.
    pub(super) until: Timestamp,
    client_data: String,
}

impl Options {
    /// Reads Graph's answer. `port` is that of the sign-in page where it is none of the usual.
    pub(super) fn read(answer: &Value, port: Option<u16>) -> Result<Self, String> {
        let answer: Answer = Answer::deserialize(answer).map_err(|error| error.to_string())?;
        let options = answer.public_key;
        let bytes = |what: &str, text: &str| {
            URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).map_err(|_| format!("its {what} is not in base64url"))
        };
        bytes("challenge", &options.challenge)?;
        let origin = match port {
            Some(port) => format!("https://{}:{port}", options.rp.id),
            None => format!("https://{}", options.rp.id),
        };
        // The order of the members is that of the specification.
        let client_data = format!(
            r#"{{"type":"webauthn.create","challenge":{},"origin":{},"crossOrigin":false}}"#,
            Value::String(options.challenge),
            Value::String(origin)
        );
        let request = MakeCredential {
            client_data_hash: Sha256::digest(client_data.as_bytes()).into(),
            rp_id: options.rp.id,
            rp_name: options.rp.name,
            user_id: bytes("user", &options.user.id)?,
            user_name: options.user.name,
            user_display_name: options.user.display_name,
            algorithms: options.pub_key_cred_params.iter().map(|parameter| parameter.alg).collect(),
            excluded: options.exclude_credentials.iter().flat_map(|known| decodings(&known.id)).collect(),
        };
        if request.algorithms.is_empty() {
            return Err("it names no algorithm".to_owned());
        }
        Ok(Self { request, until: answer.challenge_timeout_date_time, client_data })
    }

    /// The body that registers what was made.
    pub(super) fn body(&self, made: &MadeCredential, display_name: &str) -> Value {
        json!({
            "displayName": display_name.chars().take(DISPLAY_NAME_CHARS_MAX).collect::<String>(),
            "publicKeyCredential": {
                "id": credential(made),
                "response": {
                    "clientDataJSON": URL_SAFE_NO_PAD.encode(&self.client_data),
                    "attestationObject": URL_SAFE_NO_PAD.encode(&made.attestation_object),
                },
            },
        })
    }
}

/// The id of a credential, as text.
pub(super) fn credential(made: &MadeCredential) -> String {
    URL_SAFE_NO_PAD.encode(&made.credential_id)
}

/// Whether a method of the tenant is this credential. Entra's ids have the number of the characters of padding behind them.
pub(super) fn is_method(method: &str, credential: &str) -> bool {
    let padding = (4 - credential.len() % 4) % 4;
    method == credential || method.strip_suffix(&padding.to_string()) == Some(credential)
}

/// What an id may mean: with or without a number of padding behind it, which is a letter of base64url as well.
fn decodings(id: &str) -> Vec<Vec<u8>> {
    let id = id.trim_end_matches('=');
    let short = id.strip_suffix(['0', '1', '2']);
    [Some(id), short].into_iter().flatten().filter_map(|text| URL_SAFE_NO_PAD.decode(text).ok()).collect()
}

/// The number of a model, as Graph writes it.
pub(super) fn aa_guid(bytes: &[u8; 16]) -> String {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|range| hex.get(range).unwrap_or_default().to_owned());
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> Value {
        json!({
            "challengeTimeoutDateTime": "2026-11-27T03:05:00Z",
            "publicKey": {
                "challenge": "AAEC", "rp": { "id": "login.microsoft.com", "name": "Microsoft" },
                "user": { "id": "dXNlcg", "name": "emergency-1@contoso.onmicrosoft.com", "displayName": "Emergency 1" },
                "pubKeyCredParams": [{ "type": "public-key", "alg": -7 }, { "type": "public-key", "alg": -257 }],
                "excludeCredentials": [{ "type": "public-key", "id": "AAEC0" }], "extensions": { "hmacCreateSecret": true },
            },
        })
    }

    #[test]
    fn options_become_what_a_key_is_asked() {
        let options = Options::read(&answer(), None).unwrap();
        let wanted = r#"{"type":"webauthn.create","challenge":"AAEC","origin":"https://login.microsoft.com","crossOrigin":false}"#;
        assert_eq!(options.client_data, wanted);
        assert_eq!(options.request.client_data_hash, <[u8; 32]>::from(Sha256::digest(wanted)));
        assert_eq!((&options.request.user_id[..], &options.request.algorithms[..]), (&b"user"[..], &[-7, -257][..]));
        assert_eq!(options.request.excluded, [[0, 1, 2]], "the number of padding is taken away");
        let options = Options::read(&answer(), Some(8443)).unwrap();
        assert!(options.client_data.contains(r#""origin":"https://login.microsoft.com:8443","#));
        let made = MadeCredential { credential_id: vec![1; 4], aa_guid: [0; 16], attestation_object: vec![0xa0] };
        let body = options.body(&made, &"x".repeat(40));
        assert_eq!(body["displayName"].as_str().unwrap().len(), DISPLAY_NAME_CHARS_MAX);
        assert_eq!(body["publicKeyCredential"]["response"]["attestationObject"], "oA");
    }

    #[test]
    fn options_that_are_none_are_refused() {
        for (member, value, why) in [
            ("challenge", json!("!"), "challenge"),
            ("challenge", json!(1), "string"),
            ("user", json!({ "id": "!" }), "user"),
            ("pubKeyCredParams", json!([]), "algorithm"),
            ("rp", json!({}), "`id`"),
        ] {
            let mut changed = answer();
            changed["publicKey"][member] = value;
            let error = Options::read(&changed, None).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
        assert!(Options::read(&json!({}), None).is_err());
    }

    #[test]
    fn ids_are_told_apart_with_and_without_their_padding() {
        for (method, credential, is_same) in [
            ("AAEC", "AAEC", true),
            ("AAEC0", "AAEC", true),
            ("AAE1", "AAE", true),
            ("AA2", "AA", true),
            ("AAE2", "AAE", false),
            ("AAEC1", "AAEC", false),
            ("AAECAA", "AAEC", false),
            ("", "AAEC", false),
        ] {
            assert_eq!(is_method(method, credential), is_same, "{method} {credential}");
        }
        assert_eq!(aa_guid(&[0xab; 16]), "abababab-abab-abab-abab-abababababab");
    }
}
