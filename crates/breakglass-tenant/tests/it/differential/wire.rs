//! How requests reach the tenant: within this process, or over HTTPS.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use breakglass_tenant::HashWork;
use breakglass_tenant::call::{Body, Call, Reply};
use breakglass_tenant::clock::Clock;
use breakglass_tenant::tenant::{Addresses, Tenant};
use jiff::{SignedDuration, Timestamp};

use super::tenants::{NOW, Small};
use crate::served::world::Served;

/// A clock that goes on only when it is told to.
#[derive(Debug)]
pub(super) struct Hands(Mutex<Timestamp>);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

impl Hands {
    /// The next half minute, in which codes of authenticator apps are others.
    pub(super) fn next_step(&self) -> u64 {
        let mut now = self.0.lock().unwrap();
        *now = now.checked_add(SignedDuration::from_secs(30)).unwrap();
        u64::try_from(now.as_second()).unwrap() / 30
    }
}

/// A tenant that requests can be sent to.
pub(super) struct Wire {
    how: How,
    pub(super) clock: Arc<Hands>,
    /// What opens the back stage.
    pub(super) backstage: String,
    /// The host and port under which browsers use passkeys.
    pub(super) localhost: String,
}

enum How {
    InProcess(Box<Tenant>),
    OverHttps(Box<Served>),
}

/// An answer as it is looked at.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) text: String,
}

impl Wire {
    /// A tenant in a folder of this process.
    pub(super) fn in_process(name: &str, small: &Small) -> Self {
        let (folder, clock) = (folder(name), begun());
        let addresses = Addresses { base: "https://127.0.0.1:1".to_owned(), manager: "https://127.0.0.1:2".to_owned() };
        seeded(&folder, small, (&addresses, &clock));
        let tenant = Tenant::open(&folder, addresses, Arc::<Hands>::clone(&clock)).unwrap();
        // What is set on the way is hashed as what was seeded.
        let tenant = tenant.with_hash_work(HashWork::Little);
        let localhost = "localhost:1".to_owned();
        Self { how: How::InProcess(Box::new(tenant)), clock, backstage: token(&folder), localhost }
    }

    /// One that is served on free ports.
    pub(super) fn over_https(name: &str, small: &Small) -> Self {
        let (folder, clock) = (folder(&format!("{name}-https")), begun());
        let addresses = Addresses { base: String::new(), manager: String::new() };
        seeded(&folder, small, (&addresses, &clock));
        let served = Served::of(folder.clone(), Arc::<Hands>::clone(&clock));
        let localhost = served.localhost();
        Self { how: How::OverHttps(Box::new(served)), clock, backstage: token(&folder), localhost }
    }

    /// Sends a request; nothing where the connection is closed without an answer.
    pub(super) fn send(&self, call: Call, is_for_manager: bool) -> Option<Answer> {
        match &self.how {
            How::InProcess(tenant) => {
                let Reply { status, headers, body, is_cut, .. } =
                    if is_for_manager { tenant.answer_manager(&call) } else { tenant.answer(&call) };
                let text = match body {
                    Body::Nothing => String::new(),
                    Body::Json(value) => value.to_string(),
                    Body::Page(text) | Body::Text(text) => text,
                };
                let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
                (!is_cut).then_some(Answer { status, headers, text })
            }
            How::OverHttps(served) => {
                let path = if call.query.is_empty() { call.path } else { format!("{}?{}", call.path, call.query) };
                let place = call.remote.to_string();
                let mut headers: Vec<(&str, &str)> = vec![("x-breakglass-place", &place)];
                headers.extend(call.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())));
                let body = String::from_utf8(call.body).unwrap();
                let what = (call.method.as_str(), path.as_str());
                let sent = if is_for_manager {
                    served.send_to_manager(what, &headers, &body)
                } else {
                    served.send(what, &headers, &body)
                };
                let answer = sent.ok()?;
                let lines = answer.head.lines().filter_map(|line| line.split_once(": "));
                let headers = lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
                Some(Answer { status: answer.status, headers, text: answer.body })
            }
        }
    }
}

fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    drop(std::fs::remove_dir_all(&folder));
    folder
}

fn begun() -> Arc<Hands> {
    Arc::new(Hands(Mutex::new(NOW.parse().unwrap())))
}

fn token(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("backstage-token")).unwrap().trim().to_owned()
}

/// Seeds a tenant with hashes of little work: thousands of passwords are checked here, and what is checked is who gets in.
fn seeded(folder: &Path, small: &Small, (addresses, clock): (&Addresses, &Arc<Hands>)) {
    let tenant = Tenant::open(folder, addresses.clone(), Arc::<Hands>::clone(clock)).unwrap();
    tenant.with_hash_work(HashWork::Little).seed(small.json.to_string().as_bytes()).unwrap();
}
