//! A tenant: what it knows, the keys that sign its tokens, its clock, and where it is reached.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use breakglass_model::snapshot::Resource;
use serde_json::json;

use crate::call::{Call, Reply};
use crate::clock::{Clock, MovedClock};
use crate::graph::Requests;
use crate::keys::Keys;
use crate::login::flows::Flows;
use crate::profile::Profile;
use crate::random::{self, NoRandomness};
use crate::secret::{HashWork, Hashed, SecretError};
use crate::sign_in::lockout::SmartLockout;
use crate::state::{Object, State, StateError, text};
use crate::{admin, cross_origin, faults, graph, login, manager};

/// The header by which a client on this machine says on which device it is, by one of its ids.
pub const DEVICE_HEADER: &str = "x-breakglass-device";

/// Name of the file that is locked while the tenant is open.
const LOCK_FILE: &str = "lock";

/// Where a tenant is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    /// The login endpoints and Microsoft Graph, as `https://127.0.0.1:8443`, without a slash at the end.
    pub base: String,
    /// Azure Resource Manager: another origin than that.
    pub manager: String,
}

impl Addresses {
    /// The origin of the sign-in pages at `localhost`, the one where browsers use passkeys; without a slash at the end.
    #[must_use]
    pub fn localhost(&self) -> String {
        let port =
            self.base.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok()).filter(|port| *port != 443);
        port.map_or_else(|| "https://localhost".to_owned(), |port| format!("https://localhost:{port}"))
    }
}

/// A tenant cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Its folder cannot be made.
    #[error("the folder of the tenant cannot be made")]
    Folder(#[source] std::io::Error),
    /// The file that lets somebody look behind the scenes cannot be read or written.
    #[error("the file `{}` of the tenant cannot be read or written", admin::TOKEN_FILE)]
    Token(#[source] std::io::Error),
    /// Its state cannot be used.
    #[error("the state of the tenant cannot be used")]
    State(#[from] StateError),
    /// Another process serves it.
    #[error(
        "another process has the tenant in {0} open: what two of them change, neither would see of the other. End the \
         other one, or take another folder"
    )]
    InUse(PathBuf),
    /// There is nothing random to make ids of.
    #[error(transparent)]
    Random(#[from] NoRandomness),
}

/// A tenant.
#[derive(Debug)]
pub struct Tenant {
    pub(crate) state: State,
    pub(crate) keys: Keys,
    pub(crate) clock: MovedClock,
    pub(crate) addresses: Addresses,
    /// What it is kept in.
    pub(crate) folder: PathBuf,
    pub(crate) lockout: SmartLockout,
    pub(crate) flows: Flows,
    /// Requests to Graph, for its limits.
    pub(crate) requests: Requests,
    /// The digest of the token of whoever may look behind the scenes.
    pub(crate) backstage: String,
    pub(crate) id: String,
    pub(crate) profile: Profile,
    /// Whether clients on this machine may come without TLS.
    pub(crate) allows_loopback_http: bool,
    pub(crate) hash_work: HashWork,
    /// Held as long as it is open; the system lets go of it when the process ends, however it ends.
    _lock: File,
}

/// The lock of a folder, of which one process has it at a time.
fn locked(folder: &Path) -> Result<File, OpenError> {
    let mut options = File::options();
    options.write(true).create(true).truncate(false);
    let lock = options.open(folder.join(LOCK_FILE)).map_err(OpenError::Folder)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(folder.to_owned())),
        Err(TryLockError::Error(error)) => Err(OpenError::Folder(error)),
    }
}

impl Tenant {
    /// Opens the tenant in a folder, or begins one there that has nothing but an organization.
    ///
    /// # Errors
    /// When the folder or what is in it cannot be used.
    pub fn open(folder: &Path, addresses: Addresses, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        fs::create_dir_all(folder).map_err(OpenError::Folder)?;
        let lock = locked(folder)?;
        let state = State::open(folder)?;
        let clock = MovedClock::of(clock);
        clock.move_by(faults::moved_seconds(&state.read()));
        let keys = Keys::open(&state, clock.now())?;
        let id = state.read().single(Resource::Organization).and_then(|one| text(one, "id")).map(str::to_owned);
        let id = match id {
            Some(id) => id,
            None => random::uuid()?,
        };
        let backstage = admin::token(folder)?;
        Ok(Self {
            state,
            keys,
            clock,
            addresses,
            folder: folder.to_owned(),
            lockout: SmartLockout::default(),
            flows: Flows::default(),
            requests: Requests::default(),
            backstage,
            id,
            profile: Profile::default(),
            allows_loopback_http: false,
            hash_work: HashWork::default(),
            _lock: lock,
        })
    }

    /// With other rules of Microsoft's.
    #[must_use]
    pub fn with_profile(self, profile: Profile) -> Self {
        Self { profile, ..self }
    }

    /// With plain HTTP for clients on this machine, at the same addresses: for programs that speak no TLS, or trust no
    /// authority but their own. What is answered leads to HTTPS all the same.
    #[must_use]
    pub fn with_loopback_http(self) -> Self {
        Self { allows_loopback_http: true, ..self }
    }

    /// With so much work for each hash of a secret that is set from now on.
    #[must_use]
    pub fn with_hash_work(self, hash_work: HashWork) -> Self {
        Self { hash_work, ..self }
    }

    /// With its logs in files of a folder as well, as diagnostic settings write them.
    #[must_use]
    pub fn with_export(mut self, folder: &Path) -> Self {
        self.state.export_to(folder, &self.id);
        self
    }

    /// The id of the tenant.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether nothing was put into it so far.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.state.read().single(Resource::Organization).is_none()
    }

    /// Answers a request to the login endpoints or Graph; with what pages of other origins need to read it, where they
    /// may.
    #[must_use]
    pub fn answer(&self, call: &Call) -> Reply {
        match cross_origin::asked(call) {
            Some(asked) if call.method == "OPTIONS" => asked.preflight(),
            Some(asked) => asked.answered(self.answer_same(call)),
            None => self.answer_same(call),
        }
    }

    fn answer_same(&self, call: &Call) -> Reply {
        let Some(segments) = call.segments() else { return malformed_path() };
        let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        if let [admin::ROOT, ..] = parts.as_slice() {
            return admin::answer(self, call, &parts);
        }
        if let Some(reply) = self.elsewhere(call) {
            return reply;
        }
        match parts.as_slice() {
            ["v1.0" | "beta", ..] => {
                let reply = graph::answer(self, call, &parts);
                faults::delivered(&self.state.read(), call, reply)
            }
            ["tenants" | "subscriptions" | "metadata" | "providers", ..] => manager::answer(self, call, &parts),
            _ => login::answer(self, call, &parts),
        }
    }

    /// Answers a request to Azure Resource Manager.
    #[must_use]
    pub fn answer_manager(&self, call: &Call) -> Reply {
        if let Some(reply) = self.elsewhere(call) {
            return reply;
        }
        let Some(segments) = call.segments() else { return malformed_path() };
        let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        manager::answer(self, call, &parts)
    }

    /// The answer to whoever is where nothing is answered, or on a device that there is not.
    fn elsewhere(&self, call: &Call) -> Option<Reply> {
        let directory = self.state.read();
        if faults::is_unreachable(&directory, call.remote) {
            return Some(Reply::cut());
        }
        let device = call.header(DEVICE_HEADER).filter(|device| directory.device(device).is_none());
        device.map(|_| {
            let message = "The tenant has no device of the id that the request is sent from.";
            Reply::json(400, json!({ "error": { "code": "BadRequest", "message": message } }))
        })
    }

    /// The names of the faults that are on.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let name = |fault: &serde_json::Value| Some(fault.get("name")?.as_str()?.to_owned());
        faults::listed(&self.state.read()).iter().filter_map(name).collect()
    }

    /// The names of its domains, the initial one first.
    pub(crate) fn domains(&self) -> Vec<String> {
        let directory = self.state.read();
        let is_initial = |domain: &&Object| domain.get("isInitial").and_then(serde_json::Value::as_bool) == Some(true);
        let (first, rest): (Vec<&Object>, Vec<&Object>) = directory.all(Resource::Domains).partition(is_initial);
        first.into_iter().chain(rest).filter_map(|domain| text(domain, "id")).map(str::to_lowercase).collect()
    }

    /// The hash of a secret that is set now.
    pub(crate) fn hashed(&self, secret: &str) -> Result<Hashed, SecretError> {
        Hashed::of(secret, self.hash_work)
    }

    /// Whether a part of a path stands for this tenant.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        name.eq_ignore_ascii_case(&self.id) || self.domains().contains(&name.to_lowercase())
    }
}

fn malformed_path() -> Reply {
    Reply::json(400, json!({ "error": { "code": "BadRequest", "message": "The path is malformed." } }))
}

#[cfg(test)]
mod tests {
    use super::Addresses;

    #[test]
    fn localhost_has_the_port_of_the_address() {
        for (base, expected) in [
            ("https://127.0.0.1:8443", "https://localhost:8443"),
            ("https://[::1]:8443", "https://localhost:8443"),
            ("https://[::1]", "https://localhost"),
            ("https://127.0.0.1", "https://localhost"),
            ("https://127.0.0.1:443", "https://localhost"),
        ] {
            let addresses = Addresses { base: base.to_owned(), manager: String::new() };
            assert_eq!(addresses.localhost(), expected, "{base}");
        }
    }
}
