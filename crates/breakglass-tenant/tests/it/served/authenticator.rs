//! An authenticator in software with the browser's part around it, by others than us: the passkey crates of 1Password.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use passkey_authenticator::{Authenticator, UiHint, UserCheck, UserValidationMethod};
use passkey_client::{Client, DefaultClientData};

use passkey_crypto::AvailableBackend;
use passkey_types::Passkey;
use passkey_types::ctap2::{Aaguid, Ctap2Error};
use passkey_types::webauthn::{CredentialCreationOptions, CredentialRequestOptions};
use serde_json::{Value, json};
use url::Url;

use super::world::{Answer, Browser};

/// Somebody who touches the authenticator, and is recognised.
struct Owner;

#[async_trait::async_trait]
impl UserValidationMethod for Owner {
    type PasskeyItem = Passkey;

    async fn check_user<'a>(
        &self,
        _: UiHint<'a, Passkey>,
        presence: bool,
        verification: bool,
    ) -> Result<UserCheck, Ctap2Error> {
        Ok(UserCheck { presence, verification })
    }

    fn is_presence_enabled(&self) -> bool {
        true
    }

    fn is_verification_enabled(&self) -> Option<bool> {
        Some(true)
    }
}

/// An authenticator that holds one passkey.
#[derive(Clone)]
pub(crate) struct SoftwareKey {
    pub(super) passkey: Option<Passkey>,
    aaguid: Aaguid,
}

/// What a browser sends in a form.
pub(crate) type Sent = Vec<(&'static str, String)>;

impl SoftwareKey {
    pub(crate) fn new() -> Self {
        Self { passkey: None, aaguid: Aaguid::new_empty() }
    }

    /// Makes a passkey: the response as Graph takes it.
    pub(super) fn make(&mut self, origin: &str, options: &Value) -> Value {
        let request = CredentialCreationOptions { public_key: serde_json::from_value(options.clone()).unwrap() };
        let origin = Url::parse(origin).unwrap();
        let mut authenticator = Authenticator::new(self.aaguid, None, Owner, AvailableBackend);
        authenticator.set_make_credentials_with_signature_counter(true);
        let mut client = Client::new(authenticator).allows_insecure_localhost(true);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let made = runtime.block_on(client.register(&origin, request, DefaultClientData)).unwrap();
        self.passkey.clone_from(client.authenticator().store());
        json!({
            "id": made.id,
            "response": {
                "clientDataJSON": URL_SAFE_NO_PAD.encode(&*made.response.client_data_json),
                "attestationObject": URL_SAFE_NO_PAD.encode(&*made.response.attestation_object),
            },
        })
    }

    /// The same, as a page sends it.
    pub(super) fn make_for_page(&mut self, browser: &Browser<'_>, page: &Answer) -> Sent {
        let made = self.make(&browser.origin(), &options(page));
        let part = |name: &str| made["response"][name].as_str().unwrap().to_owned();
        vec![
            ("do", "create".to_owned()),
            ("credential", made["id"].as_str().unwrap().to_owned()),
            ("clientDataJSON", part("clientDataJSON")),
            ("attestationObject", part("attestationObject")),
        ]
    }

    /// Uses the passkey: the form as a page sends it.
    pub(crate) fn sign(&mut self, origin: &str, options: &Value) -> Sent {
        let request = CredentialRequestOptions { public_key: serde_json::from_value(options.clone()).unwrap() };
        let origin = Url::parse(origin).unwrap();
        let authenticator = Authenticator::new(self.aaguid, self.passkey.take(), Owner, AvailableBackend);
        let mut client = Client::new(authenticator).allows_insecure_localhost(true);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let used = runtime.block_on(client.authenticate(&origin, request, DefaultClientData)).unwrap();
        self.passkey.clone_from(client.authenticator().store());
        let response = used.response;
        let handle = response.user_handle.map(|handle| URL_SAFE_NO_PAD.encode(&*handle)).unwrap_or_default();
        vec![
            ("do", "use".to_owned()),
            ("credential", used.id),
            ("clientDataJSON", URL_SAFE_NO_PAD.encode(&*response.client_data_json)),
            ("authenticatorData", URL_SAFE_NO_PAD.encode(&*response.authenticator_data)),
            ("signature", URL_SAFE_NO_PAD.encode(&*response.signature)),
            ("userHandle", handle),
        ]
    }

    /// Answers a page that asks for a passkey.
    pub(super) fn answer(&mut self, browser: &mut Browser<'_>, page: &Answer) -> Answer {
        let sent = self.sign(&browser.origin(), &options(page));
        go_on(browser, page, &sent)
    }

    /// A method of a user that is seeded with a passkey that this authenticator makes.
    pub(crate) fn seeded(&mut self, user: &str) -> Value {
        let options = json!({
            "challenge": "AAAA", "rp": { "id": "localhost", "name": "Microsoft" },
            "user": { "id": URL_SAFE_NO_PAD.encode(user), "name": user, "displayName": user },
            "pubKeyCredParams": [{ "type": "public-key", "alg": -7 }],
        });
        let made = self.make("https://localhost:1", &options);
        let object = URL_SAFE_NO_PAD.decode(made["response"]["attestationObject"].as_str().unwrap()).unwrap();
        let id = URL_SAFE_NO_PAD.decode(made["id"].as_str().unwrap()).unwrap();
        // The key stands behind the id, at the end.
        let at = object.windows(id.len()).rposition(|part| part == id).unwrap() + id.len();
        json!({
            "@odata.type": "#microsoft.graph.fido2AuthenticationMethod", "id": format!("passkey-of-{user}"),
            "displayName": "Software key", "passkeyType": "synced", "aaGuid": "00000000-0000-0000-0000-000000000000",
            "credentialId": made["id"], "publicKey": URL_SAFE_NO_PAD.encode(&object[at..]),
        })
    }
}

/// The options that a page hands to the browser.
pub(super) fn options(page: &Answer) -> Value {
    options_in(&page.body)
}

/// The same of the text of a page.
pub(crate) fn options_in(page: &str) -> Value {
    let (_, rest) = page.split_once("data-options=\"").unwrap_or_else(|| panic!("{page}"));
    let text = rest.split('"').next().unwrap().replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&");
    serde_json::from_str(&text).unwrap()
}

/// Sends what a browser sends.
pub(super) fn go_on(browser: &mut Browser<'_>, page: &Answer, sent: &Sent) -> Answer {
    let form: Vec<(&str, &str)> = sent.iter().map(|(name, value)| (*name, value.as_str())).collect();
    browser.go_on(page, &form)
}
