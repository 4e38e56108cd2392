//! A tenant: what it knows, the keys that sign its tokens, its clock, and where it is reached.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use breakglass_model::snapshot::Resource;
use serde_json::json;

use crate::call::{Call, Reply};
use crate::clock::Clock;
use crate::jwt::SigningKey;
use crate::login::flows::Flows;
use crate::random::{self, NoRandomness};
use crate::sign_in::lockout::SmartLockout;
use crate::state::{Object, State, StateError, text};
use crate::{admin, graph, login, manager};

/// Where a tenant is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    /// The login endpoints and Microsoft Graph, as `https://127.0.0.1:8443`, without a slash at the end.
    pub base: String,
    /// Azure Resource Manager: another origin than that.
    pub manager: String,
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
    /// There is nothing random to make ids of.
    #[error(transparent)]
    Random(#[from] NoRandomness),
}

/// A tenant.
#[derive(Debug)]
pub struct Tenant {
    pub(crate) state: State,
    pub(crate) keys: Vec<SigningKey>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) addresses: Addresses,
    pub(crate) lockout: SmartLockout,
    pub(crate) flows: Flows,
    /// The digest of the token of whoever may look behind the scenes.
    pub(crate) backstage: String,
    pub(crate) id: String,
}

impl Tenant {
    /// Opens the tenant in a folder, or begins one there that has nothing but an organization.
    ///
    /// # Errors
    /// When the folder or what is in it cannot be used.
    pub fn open(folder: &Path, addresses: Addresses, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        fs::create_dir_all(folder).map_err(OpenError::Folder)?;
        let state = State::open(folder)?;
        let keys = state.signing_keys(clock.now())?;
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
            lockout: SmartLockout::default(),
            flows: Flows::default(),
            backstage,
            id,
        })
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

    /// Answers a request to the login endpoints or Graph.
    #[must_use]
    pub fn answer(&self, call: &Call) -> Reply {
        let Some(segments) = call.segments() else {
            return Reply::json(400, json!({ "error": { "code": "BadRequest", "message": "The path is malformed." } }));
        };
        let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        match parts.as_slice() {
            [admin::ROOT, ..] => admin::answer(self, call, &parts),
            ["v1.0" | "beta", ..] => graph::answer(self, call, &parts),
            ["tenants" | "subscriptions" | "metadata", ..] => manager::answer(self, call, &parts),
            _ => login::answer(self, call, &parts),
        }
    }

    /// Answers a request to Azure Resource Manager.
    #[must_use]
    pub fn answer_manager(&self, call: &Call) -> Reply {
        let segments = call.segments().unwrap_or_default();
        let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        manager::answer(self, call, &parts)
    }

    /// The names of its domains, the initial one first.
    pub(crate) fn domains(&self) -> Vec<String> {
        let directory = self.state.read();
        let is_initial = |domain: &&Object| domain.get("isInitial").and_then(serde_json::Value::as_bool) == Some(true);
        let (first, rest): (Vec<&Object>, Vec<&Object>) = directory.all(Resource::Domains).partition(is_initial);
        first.into_iter().chain(rest).filter_map(|domain| text(domain, "id")).map(str::to_lowercase).collect()
    }

    /// Whether a part of a path stands for this tenant.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        name.eq_ignore_ascii_case(&self.id) || self.domains().contains(&name.to_lowercase())
    }
}
