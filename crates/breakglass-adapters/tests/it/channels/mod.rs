//! Channels: what each of them sends to a server, and what it makes of each answer.

mod http_peers;
mod mail_peers;
mod syslog_peers;

use std::path::PathBuf;
use std::sync::Arc;

use breakglass_adapters::http::Authorities;
use breakglass_custody::name::Name;
use breakglass_ops::ports::{DeliveryKey, Untaken};
use breakglass_ops::watching::message::Message;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::PrivateKeyDer;
use serde_json::json;

use crate::support::Folder;

/// A name as an adversary would choose it: markup of each channel, ends of lines, control characters.
const HOSTILE: &str =
    "<!channel> *x* [a](https://e.example) {{DATE(2026)}} |=\\ \"&'\r\nBcc: e@e.example\r\n.\r\n\u{202e}\u{200b}\0";

/// How such a name begins as it is shown.
const HOSTILE_SHOWN: &str = "<!channel> *x* [a](https://e.example) {{DATE(2026)}} |=\\ \"&'\\r\\nBcc: e@e";

/// Which delivery it is, in the words of a provider.
const KEY: &str = "breakglass_incident-7_2_post_eva_1";

fn name(text: &str) -> Name {
    Name::read(text).unwrap()
}

fn key(recipient: &str) -> DeliveryKey {
    let (channel, recipient) = (name("post"), name(recipient));
    DeliveryKey { incident: "incident/7".to_owned(), alert: 2, channel, recipient, step: 1 }
}

/// An alert that somebody is in, of an account and by a client with this name.
fn message(hostile: &str) -> Message {
    serde_json::from_value(json!({
        "incident": 7,
        "alert": 2,
        "because": "signedIn",
        "step": 1,
        "account": "11111111-2222-4333-8444-555555555555",
        "userPrincipalName": hostile,
        "openedAt": "2026-11-28T02:58:10Z",
        "at": "2026-11-28T03:01:00Z",
        "newCount": 1,
        "newly": "token",
        "furthest": "token",
        "events": [{
            "id": "e1",
            "account": "11111111-2222-4333-8444-555555555555",
            "at": "2026-11-28T03:00:05Z",
            "reached": "token",
            "errorCode": 0,
            "isInteractive": true,
            "userPrincipalName": hostile,
            "appDisplayName": hostile,
            "ipAddress": hostile,
            "country": hostile,
        }],
    }))
    .unwrap()
}

/// What came of a delivery: in a word, why, and the seconds that a provider wants to be left alone.
fn outcome(result: Result<(), Untaken>) -> (&'static str, String, Option<i64>) {
    match result {
        Ok(()) => ("taken", String::new(), None),
        Err(Untaken::Refused { why }) => ("refused", why, None),
        Err(Untaken::Later { why, retry_after_seconds }) => ("later", why, retry_after_seconds),
    }
}

/// A server's certificate for this machine by its number, whoever trusts it, and the files of both its halves.
struct Certified {
    authorities: Authorities,
    config: Arc<ServerConfig>,
    certificate: PathBuf,
    key: PathBuf,
}

fn certified(folder: &Folder, file: &str) -> Certified {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let certificate = folder.write(&format!("{file}.pem"), made.cert.pem());
    let key = folder.write(&format!("{file}.key"), made.signing_key.serialize_pem());
    let secret = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let config = ServerConfig::builder_with_provider(default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], secret)
        .unwrap();
    let authorities = Authorities::from_pem_files(&[&certificate]).unwrap();
    Certified { authorities, config: Arc::new(config), certificate, key }
}
