//! A security key in software, on a wire of USB packets, is registered in a served tenant by our client over HTTPS; somebody
//! signs in with it; it is taken out again.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use breakglass_adapters::clock::SystemClock;
use breakglass_adapters::graph::sign_in::{DeviceCode, Prompt, Way};
use breakglass_adapters::graph::{Cloud, GraphClient, Limits, Settings, Surroundings};
use breakglass_adapters::http::{Authorities, Proxies, SecretText};
use breakglass_adapters::random::SystemRandom;
use breakglass_adapters::security_key::{Packet, PluggedSecurityKey, Wire};
use breakglass_custody::name::Name;
use breakglass_custody::password::Password;
use breakglass_ops::keys::due::Due;
use breakglass_ops::keys::journey::{KeyError, PluggedIn, Registered, Registrar, course_of, difference, note};
use breakglass_ops::keys::record::{Entry, Noted};
use breakglass_ops::keys::sealing::Sealing;
use breakglass_ops::ports::{
    Clock as _, Directory, DirectoryError, GraphAnswer, GraphRequest, InMemoryStore, Method, SecurityKeyError, SignedIn,
};
use breakglass_tenant::profile::Profile;
use breakglass_tenant::tls;
use breakglass_testkit::software_key::{Model, SoftwareKey};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::keys::{Answers, options};
use super::sign_in::{Entry as SignIn, Person, Proof};
use super::stage::Stage;

const TENANT: &str = "6c1b0e0e-54a2-4d39-9d0f-b4ea6f1a5507";
const GRAPH: &str = "00000003-0000-0000-c000-000000000000";
const REGISTRAR: &str = "7a6f2f3c-58e1-4f36-9a60-0e54b1a7d009";
const REGISTRAR_SECRET: &str = "keys~secret~1";
const ACCOUNT: &str = "00000000-0000-4000-8000-0000000000a1";
const ACCOUNT_NAME: &str = "emergency-access-1@contoso.onmicrosoft.com";
const PIN: &str = "4711-x";
/// What is said where a passkey is not one of the tenant's.
const NOT_A_PASSKEY: u64 = 500_121;

fn seed() -> Value {
    let service = "00000000-0000-4000-8000-0000000000c1";
    let may = |value: &str| json!({ "resourceAppId": GRAPH, "appRoleValue": value });
    json!({
        "format": "breakglass-snapshot/1", "tenantId": TENANT, "takenAt": "2026-11-20T08:00:00Z", "source": "file",
        "users": [{
            "id": ACCOUNT, "displayName": "Emergency access 1", "accountEnabled": true,
            "userPrincipalName": ACCOUNT_NAME, "passwordProfile": { "password": "Gl@ss-Hammer-1" },
        }],
        "groups": [], "conditionalAccessPolicies": [], "namedLocations": [], "roleAssignments": [],
        "authenticationMethodsPolicy": { "authenticationMethodConfigurations": [{ "id": "Fido2", "state": "enabled" }] },
        "applications": [{
            "id": "00000000-0000-4000-8000-0000000000b1", "appId": REGISTRAR, "displayName": "Registrar",
            "passwordCredentials": [{ "keyId": "00000000-0000-4000-8000-0000000000b9", "secretText": REGISTRAR_SECRET,
                                      "endDateTime": "2099-01-01T00:00:00Z" }],
        }],
        "servicePrincipals": [{
            "id": service, "appId": REGISTRAR, "displayName": "Registrar", "accountEnabled": true,
            "servicePrincipalType": "Application",
            "appRoleAssignments": [may("UserAuthenticationMethod.ReadWrite.All"), may("User.Read.All")],
        }],
    })
}

/// The wire to a key in software.
struct Plugged {
    key: Arc<Mutex<SoftwareKey>>,
    coming: VecDeque<Packet>,
}

impl Wire for Plugged {
    fn send(&mut self, packet: &Packet) -> Result<(), String> {
        self.coming.extend(self.key.lock().unwrap().packet(packet));
        Ok(())
    }

    fn receive(&mut self, _: Duration) -> Result<Option<Packet>, String> {
        Ok(self.coming.pop_front())
    }
}

/// A key in somebody's hand: plugged into this machine, or used in a browser.
#[derive(Clone)]
struct InHand(Arc<Mutex<SoftwareKey>>);

impl InHand {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(SoftwareKey::new(Model::default()))))
    }

    fn plugged(&self) -> PluggedSecurityKey {
        let key = Arc::clone(&self.0);
        PluggedSecurityKey::opened_by(move || {
            let wire = Plugged { key: Arc::clone(&key), coming: VecDeque::new() };
            Ok(("Software key".to_owned(), Box::new(wire)))
        })
    }
}

impl Answers for InHand {
    fn answer(&self, origin: &str, page: &str) -> Vec<(&'static str, String)> {
        let options = options(page);
        let client = json!({ "type": "webauthn.get", "challenge": options["challenge"], "origin": origin,
                             "crossOrigin": false });
        let client = client.to_string();
        let hash = digest(&SHA256, client.as_bytes()).as_ref().try_into().unwrap();
        let used = self.0.lock().unwrap().used(options["rpId"].as_str().unwrap(), hash).unwrap();
        vec![
            ("do", "use".to_owned()),
            ("credential", URL_SAFE_NO_PAD.encode(used.credential)),
            ("clientDataJSON", URL_SAFE_NO_PAD.encode(client)),
            ("authenticatorData", URL_SAFE_NO_PAD.encode(used.authenticator_data)),
            ("signature", URL_SAFE_NO_PAD.encode(used.signature)),
            ("userHandle", URL_SAFE_NO_PAD.encode(used.user)),
        ]
    }
}

struct Nobody;

impl Prompt for Nobody {
    fn open(&self, address: &str) {
        panic!("{address}");
    }

    fn enter_code(&self, code: &DeviceCode<'_>) {
        panic!("{}", code.code);
    }

    fn note(&self, text: &str) {
        panic!("{text}");
    }
}

/// Our client, whose answers to a POST may be lost on the way back.
struct Lossy {
    client: GraphClient,
    loses: AtomicBool,
}

#[async_trait]
impl Directory for Lossy {
    async fn send(&self, request: &GraphRequest<'_>) -> Result<GraphAnswer, DirectoryError> {
        let answer = self.client.send(request).await;
        if request.method == Method::Post && self.loses.load(Ordering::Relaxed) {
            return Err(DirectoryError::Lost { why: "it is played".to_owned() });
        }
        answer
    }

    fn origin(&self) -> String {
        self.client.origin()
    }

    async fn signed_in(&self) -> Result<SignedIn, DirectoryError> {
        self.client.signed_in().await
    }
}

struct World {
    stage: Stage,
    runtime: Runtime,
    directory: Lossy,
    store: InMemoryStore,
}

fn name(text: &str) -> Name {
    Name::read(text).unwrap()
}

impl World {
    fn new(test: &str) -> Self {
        let stage = Stage::new(test, &seed(), Profile::default());
        let settings = Settings {
            cloud: Cloud::custom(&stage.origin(), &stage.origin()).unwrap(),
            tenant: TENANT.to_owned(),
            client_id: REGISTRAR.to_owned(),
            way: Way::ClientSecret(SecretText::new(REGISTRAR_SECRET.to_owned())),
            permissions: Vec::new(),
            proxies: Proxies::default(),
            authorities: Authorities::from_pem_files(&[stage.folder().join(tls::AUTHORITY_FILE)]).unwrap(),
            cache: None,
            limits: Limits::default(),
        };
        let surroundings =
            Surroundings { clock: Arc::new(SystemClock), random: Arc::new(SystemRandom), prompt: Arc::new(Nobody) };
        let client = GraphClient::new(settings, surroundings).unwrap();
        let directory = Lossy { client, loses: AtomicBool::new(false) };
        Self { stage, runtime: Runtime::new().unwrap(), directory, store: InMemoryStore::default() }
    }

    fn note(&self, store: &InMemoryStore, key: &str) {
        let noted = Noted {
            key: name(key),
            model: Some("Software key".to_owned()),
            aa_guid: None,
            place: name("safe"),
            held_by: name("ada"),
            pin_held_by: name("bram"),
            method: None,
            at: SystemClock.now(),
        };
        note(store, ACCOUNT, &Entry::Noted(noted)).unwrap();
    }

    fn registrar<'a>(&'a self, store: &'a InMemoryStore) -> Registrar<'a> {
        Registrar { directory: &self.directory, store, clock: &SystemClock, tell: &|_| {} }
    }

    fn register(&self, store: &InMemoryStore, key: &str, hand: &InHand, pin: &str) -> Result<Registered, KeyError> {
        let port = self.stage.localhost().split(':').nth(1).unwrap().parse().ok();
        let pin = Password::of_text(pin.to_owned());
        let plugged = PluggedIn { security_key: &hand.plugged(), pin: &pin, port };
        self.runtime.block_on(self.registrar(store).register(ACCOUNT, &name(key), plugged))
    }

    fn signs_in(&self, hand: &InHand) -> SignIn {
        self.stage.signs_in(&Person::new(ACCOUNT_NAME, "", Proof::Passkey(hand)))
    }
}

#[test]
fn a_key_is_registered_signs_in_and_is_taken_out() {
    let world = World::new("registered");
    let hand = InHand::new();
    world.note(&world.store, "k1");
    let wrong = world.register(&world.store, "k1", &hand, "0815-x").unwrap_err();
    assert!(matches!(wrong, KeyError::SecurityKey(SecurityKeyError::WrongPin { left: 7 })), "{wrong}");
    let registered = world.register(&world.store, "k1", &hand, PIN).unwrap();
    assert!(!registered.was_there);
    // It is proved by a sign-in, and by nothing else.
    let (course, _) = course_of(&world.store, ACCOUNT).unwrap();
    assert!(course.due(SystemClock.now(), |_| Sealing::Shut).contains(&Due::Drill(name("k1"), None)));
    assert!(matches!(world.signs_in(&hand), SignIn::In(_)));
    note(&world.store, ACCOUNT, &Entry::Drilled { key: name("k1"), at: SystemClock.now() }).unwrap();
    // What the tenant has is what is written down.
    let methods = world.runtime.block_on(world.registrar(&world.store).methods(ACCOUNT)).unwrap();
    let [method] = methods.as_slice() else { panic!("{methods:?}") };
    assert_eq!((&method.id, method.display_name.as_deref()), (&registered.method, Some("Software key k1")));
    assert_eq!(method.aa_guid.as_deref(), Some("bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb"));
    // The same key is not registered twice, under whatever name.
    world.note(&world.store, "k2");
    let again = world.register(&world.store, "k2", &hand, PIN).unwrap_err();
    assert!(matches!(again, KeyError::SecurityKey(SecurityKeyError::Excluded)), "{again}");
    let remove = |is_last_too| {
        let registrar = world.registrar(&world.store);
        world.runtime.block_on(registrar.remove(ACCOUNT, &name("k1"), is_last_too))
    };
    assert!(matches!(remove(false), Err(KeyError::Last(_))));
    remove(true).unwrap();
    assert!(matches!(world.signs_in(&hand), SignIn::Refused(NOT_A_PASSKEY)));
}

#[test]
fn a_key_of_somebody_else_is_told_and_one_whose_answer_was_lost_is_found() {
    let world = World::new("registered-lost");
    let (own, strange) = (InHand::new(), InHand::new());
    // Somebody else has a list of their own.
    let theirs = InMemoryStore::default();
    world.note(&theirs, "k9");
    let stranger = world.register(&theirs, "k9", &strange, PIN).unwrap();
    world.note(&world.store, "k1");
    world.directory.loses.store(true, Ordering::Relaxed);
    let found = world.register(&world.store, "k1", &own, PIN).unwrap();
    assert!(matches!(world.signs_in(&own), SignIn::In(_)));
    let methods = world.runtime.block_on(world.registrar(&world.store).methods(ACCOUNT)).unwrap();
    let (course, _) = course_of(&world.store, ACCOUNT).unwrap();
    let difference = difference(&course, &methods);
    let unknown: Vec<&str> = difference.unknown.iter().map(|method| method.id.as_str()).collect();
    assert_eq!((unknown, difference.missing.len()), (vec![stranger.method.as_str()], 0));
    assert!(methods.iter().any(|method| method.id == found.method));
    world.runtime.block_on(world.registrar(&world.store).remove_method(ACCOUNT, &stranger.method)).unwrap();
    assert!(matches!(world.signs_in(&strange), SignIn::Refused(NOT_A_PASSKEY)));
}
