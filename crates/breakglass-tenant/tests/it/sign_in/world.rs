//! A tenant, a clock that is moved by hand, and a browser.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use breakglass_tenant::HashWork;
use breakglass_tenant::call::{Body, Call, Reply};
use breakglass_tenant::clock::Clock;
use breakglass_tenant::seed::SeedError;
use breakglass_tenant::tenant::{Addresses, Tenant};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

pub(super) const PUBLIC: &str = "7a6f2f3c-58e1-4f36-9a60-0e54b1a7a002";
pub(super) const WEB: &str = "7a6f2f3c-58e1-4f36-9a60-0e54b1a7a003";
const SEED: &str = include_str!("tenant.json");

#[derive(Debug)]
struct Hands(Mutex<Timestamp>);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// A tenant in a folder of its own.
pub(super) struct World {
    pub(super) tenant: Tenant,
    clock: Arc<Hands>,
    folder: PathBuf,
}

impl World {
    /// At 1970-01-01T00:00:59Z, of which RFC 6238 knows the codes.
    pub(super) fn new(name: &str) -> Self {
        Self::seeded(name, |tenant| tenant.seed(SEED.as_bytes()))
    }

    /// The company of the demo, at the same instant.
    pub(super) fn demo(name: &str) -> Self {
        Self::seeded(name, Tenant::seed_demo)
    }

    fn seeded(name: &str, seed: impl FnOnce(&mut Tenant) -> Result<(), SeedError>) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("sign-in-{name}"));
        drop(std::fs::remove_dir_all(&folder));
        let clock = Arc::new(Hands(Mutex::new(Timestamp::from_second(59).unwrap())));
        let mut tenant =
            Tenant::open(&folder, addresses(), Arc::<Hands>::clone(&clock)).unwrap().with_hash_work(HashWork::Little);
        seed(&mut tenant).unwrap();
        Self { tenant, clock, folder }
    }

    /// As it is after the server was stopped and started again.
    pub(super) fn restarted(self) -> Self {
        let Self { tenant, clock, folder } = self;
        drop(tenant);
        let tenant =
            Tenant::open(&folder, addresses(), Arc::<Hands>::clone(&clock)).unwrap().with_hash_work(HashWork::Little);
        Self { tenant, clock, folder }
    }

    pub(super) fn later(&self, seconds: i64) {
        let mut now = self.clock.0.lock().unwrap();
        *now = now.checked_add(SignedDuration::from_secs(seconds)).unwrap();
    }

    pub(super) fn token(&self, form: &[(&str, &str)]) -> Value {
        Browser::default().send(self, ("POST", "/common/oauth2/v2.0/token"), form).json()
    }
}

fn addresses() -> Addresses {
    Addresses { base: "https://127.0.0.1:1".to_owned(), manager: "https://127.0.0.1:2".to_owned() }
}

/// A browser with its cookies.
#[derive(Debug, Default, Clone)]
pub(super) struct Browser {
    cookies: Vec<(String, String)>,
    /// Where it is; `None` is on this machine.
    place: Option<IpAddr>,
    /// The token that it shows.
    token: Option<String>,
}

/// An answer as it is looked at.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) text: String,
    pub(super) location: String,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    /// The value of a hidden field.
    pub(super) fn field(&self, name: &str) -> String {
        let start = format!("name=\"{name}\" value=\"");
        let (_, rest) = self.text.split_once(&start).unwrap_or_else(|| panic!("no {name} in {}", self.text));
        rest.split('"').next().unwrap().to_owned()
    }

    /// A member of the query of the address that it leads to.
    pub(super) fn query(&self, name: &str) -> String {
        let (_, query) = self.location.split_once('?').unwrap_or_else(|| panic!("{} leads nowhere", self.text));
        let found = query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")));
        found.unwrap_or_else(|| panic!("no {name} in {query}")).to_owned()
    }
}

impl Browser {
    pub(super) fn at(place: &str) -> Self {
        Self { place: Some(place.parse().unwrap()), ..Self::default() }
    }

    pub(super) fn showing(token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..Self::default() }
    }

    pub(super) fn send(&mut self, world: &World, (method, path): (&str, &str), form: &[(&str, &str)]) -> Answer {
        let encoded =
            form.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect::<Vec<_>>().join("&");
        let (query, body) = if method == "GET" { (encoded, String::new()) } else { (String::new(), encoded) };
        let cookies = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        let token = self.token.iter().map(|token| ("authorization".to_owned(), format!("Bearer {token}")));
        let call = Call {
            method: method.to_owned(),
            path: path.to_owned(),
            query,
            headers: [("cookie".to_owned(), cookies)].into_iter().chain(token).collect(),
            body: body.into_bytes(),
            remote: self.place.unwrap_or([127, 0, 0, 1].into()),
        };
        let Reply { status, headers, body, .. } = world.tenant.answer(&call);
        for (_, cookie) in headers.iter().filter(|(name, _)| *name == "set-cookie") {
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            self.cookies.push((name.to_owned(), value.to_owned()));
        }
        let location = headers.iter().find(|(name, _)| *name == "location");
        let text = match body {
            Body::Nothing => String::new(),
            Body::Json(value) => value.to_string(),
            Body::Page(page) | Body::Text(page) => page,
        };
        Answer { status, text, location: location.map(|(_, address)| address.clone()).unwrap_or_default() }
    }

    /// Asks for a code for an application, with a challenge whose verifier is fifty times the letter v.
    pub(super) fn authorize(&mut self, world: &World, more: &[(&str, &str)]) -> Answer {
        let mut form = vec![
            ("client_id", PUBLIC),
            ("response_type", "code"),
            ("redirect_uri", "http://localhost:4000"),
            ("scope", "openid offline_access User.Read"),
            ("state", "s"),
            ("nonce", "n"),
            ("code_challenge", VERIFIER),
            ("code_challenge_method", "plain"),
        ];
        form.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
        form.extend(more.iter().filter(|(_, value)| !value.is_empty()));
        self.send(world, ("GET", "/common/oauth2/v2.0/authorize"), &form)
    }

    /// Sends the first page.
    pub(super) fn sign_in(&mut self, world: &World, page: &Answer, (name, password): (&str, &str)) -> Answer {
        let name = if name.contains('@') { name.to_owned() } else { format!("{name}@contoso.onmicrosoft.com") };
        let form = [("ctx", page.field("ctx")), ("login", name), ("passwd", password.to_owned())];
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.send(world, ("POST", "/common/login"), &form)
    }

    /// Sends another page.
    pub(super) fn go_on(&mut self, world: &World, page: &Answer, more: &[(&str, &str)]) -> Answer {
        let id = page.field("ctx");
        let form: Vec<(&str, &str)> = [("ctx", id.as_str())].into_iter().chain(more.iter().copied()).collect();
        self.send(world, ("POST", "/common/login"), &form)
    }
}

pub(super) const VERIFIER: &str = "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv";

/// The form that redeems a code.
pub(super) fn redeeming(code: &str) -> Vec<(&str, &str)> {
    vec![
        ("client_id", PUBLIC),
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", "http://localhost:4000"),
        ("code_verifier", VERIFIER),
    ]
}

fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}
