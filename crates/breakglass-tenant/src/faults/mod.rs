//! Failures that somebody switches on to see who still gets in: listed, cleared, and kept over a restart.
//!
//! A fault is a name, for some kinds with whom or what it is about behind a colon, and a few settings. It changes what
//! clients see where the real thing would: methods where they are asked for proof, risk where the engine decides, a
//! network where requests come in. What the tenant does not have cannot fail, and has no name here.
//!
//! **Limits:** [`FAULT_COUNT_MAX`]; those of the settings stand in `settings.rs`.

mod effects;
mod settings;

use breakglass_model::snapshot::Resource;
use serde_json::{Value, json};

pub(crate) use self::effects::{
    Delivery, all_risks, answer_in_place, delivered, delivery_of_logs, has_limits, is_compliance_unknown, is_out,
    is_pim_answering, is_token_service_down, is_unreachable, moved_seconds, passwords_are_checked, risk_of,
};
use crate::clock::written;
use crate::state::{Change, Directory, Object, Shelf, StateError, text};
use crate::tenant::Tenant;

/// Faults that are on at a time.
const FAULT_COUNT_MAX: usize = 1_000;
/// Characters of a name that an error repeats.
const SHOWN_CHARS_MAX: usize = 100;

/// A kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    MfaOutage,
    TelephonyOutage,
    PushOutage,
    FederationDown,
    OnPremisesDown,
    IntuneDown,
    TokenServiceDown,
    Graph429,
    Graph503,
    GraphLimits,
    Slow,
    CutAfterWrite,
    LogLag,
    LogLate,
    LogDuplicates,
    PimDown,
    Clock,
    Risk,
    Network,
}

/// What a kind is about, behind its colon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    None,
    User,
    Location,
}

/// Each kind: its name, what it is about.
const KINDS: [(Kind, &str, Subject); 19] = [
    (Kind::MfaOutage, "mfa-outage", Subject::None),
    (Kind::TelephonyOutage, "telephony-outage", Subject::None),
    (Kind::PushOutage, "push-outage", Subject::None),
    (Kind::FederationDown, "federation-down", Subject::None),
    (Kind::OnPremisesDown, "on-premises-down", Subject::None),
    (Kind::IntuneDown, "intune-down", Subject::None),
    (Kind::TokenServiceDown, "token-service-down", Subject::None),
    (Kind::Graph429, "graph-429", Subject::None),
    (Kind::Graph503, "graph-503", Subject::None),
    (Kind::GraphLimits, "graph-limits", Subject::None),
    (Kind::Slow, "slow", Subject::None),
    (Kind::CutAfterWrite, "cut-after-write", Subject::None),
    (Kind::LogLag, "log-lag", Subject::None),
    (Kind::LogLate, "log-late", Subject::None),
    (Kind::LogDuplicates, "log-duplicates", Subject::None),
    (Kind::PimDown, "pim-down", Subject::None),
    (Kind::Clock, "clock", Subject::None),
    (Kind::Risk, "risk", Subject::User),
    (Kind::Network, "network", Subject::Location),
];
/// Faults of which one answer would have to be two.
const CONTRADICTIONS: [(Kind, Kind); 1] = [(Kind::Graph429, Kind::Graph503)];

impl Kind {
    fn name(self) -> &'static str {
        KINDS.iter().find(|(kind, ..)| *kind == self).map_or("", |(_, name, _)| name)
    }
}

/// A fault is not switched.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FaultError {
    #[error("there is no fault `{0}`; there are {names}", names = names())]
    Unknown(String),
    #[error("`{0}` is about {1}: write it as `{0}:{2}`")]
    NeedsSubject(&'static str, &'static str, &'static str),
    #[error("`{0}` is about the whole tenant: leave out what stands behind the colon")]
    NoSubject(&'static str),
    #[error("there is no user `{0}`")]
    NoUser(String),
    #[error("there is no named location `{0}` of address ranges; name it by its id or its display name")]
    NoLocation(String),
    #[error("`{0}` has no setting `{1}`")]
    NoSetting(&'static str, String),
    #[error("the setting `{0}` is {1}")]
    Setting(&'static str, String),
    #[error("`{0}` is on, and one request is not answered in two ways: switch it off first")]
    Contradiction(&'static str),
    #[error("`{0}` is not on")]
    NotOn(String),
    #[error("{FAULT_COUNT_MAX} faults are on, and that is as many as there can be: clear some")]
    TooMany,
    #[error(transparent)]
    State(#[from] StateError),
}

impl FaultError {
    /// The status of the answer that tells it.
    pub(crate) const fn status(&self) -> u16 {
        match self {
            Self::NoUser(_) | Self::NoLocation(_) | Self::NotOn(_) => 404,
            Self::Contradiction(_) => 409,
            Self::State(_) => 500,
            _ => 400,
        }
    }
}

fn names() -> String {
    let names = KINDS.iter().map(|(_, name, subject)| match subject {
        Subject::None => format!("`{name}`"),
        Subject::User => format!("`{name}:USER`"),
        Subject::Location => format!("`{name}:LOCATION`"),
    });
    names.collect::<Vec<_>>().join(", ")
}

fn shown(name: &str) -> String {
    name.chars().take(SHOWN_CHARS_MAX).collect()
}

/// The kind of a name, under which name it is kept, and how it is shown.
fn named(directory: &Directory, name: &str) -> Result<(Kind, String, String), FaultError> {
    let (word, subject) = name.split_once(':').map_or((name, None), |(word, subject)| (word, Some(subject.trim())));
    let known = KINDS.iter().find(|(_, known, _)| *known == word);
    let Some((kind, word, about)) = known else { return Err(FaultError::Unknown(shown(name))) };
    let subject = subject.filter(|subject| !subject.is_empty());
    match (about, subject) {
        (Subject::None, None) => Ok((*kind, (*word).to_owned(), (*word).to_owned())),
        (Subject::None, Some(_)) => Err(FaultError::NoSubject(word)),
        (Subject::User, None) => Err(FaultError::NeedsSubject(word, "one user", "USER")),
        (Subject::Location, None) => Err(FaultError::NeedsSubject(word, "one named location", "LOCATION")),
        (Subject::User, Some(subject)) => {
            let user = directory.user(subject).ok_or_else(|| FaultError::NoUser(shown(subject)))?;
            let id = text(user, "id").unwrap_or_default().to_ascii_lowercase();
            let upn = text(user, "userPrincipalName").unwrap_or(subject);
            Ok((*kind, format!("{word}:{id}"), format!("{word}:{upn}")))
        }
        (Subject::Location, Some(subject)) => {
            let is_it = |location: &&Object| {
                let is_called = |property: &str| text(location, property).is_some_and(|own| own == subject);
                (is_called("id") || is_called("displayName")) && location.contains_key("ipRanges")
            };
            let found = directory.all(Resource::NamedLocations).find(is_it);
            let found = found.ok_or_else(|| FaultError::NoLocation(shown(subject)))?;
            let id = text(found, "id").unwrap_or_default().to_ascii_lowercase();
            Ok((*kind, format!("{word}:{id}"), format!("{word}:{}", text(found, "displayName").unwrap_or(subject))))
        }
    }
}

/// Switches a fault on, or gives one that is on other settings.
pub(crate) fn switch_on(tenant: &Tenant, name: &str, given: &Object) -> Result<Object, FaultError> {
    let since = written(tenant.clock.now());
    let fault = tenant.state.write(|directory| -> Result<_, FaultError> {
        let (kind, key, shown) = named(directory, name)?;
        let settings = settings::checked(kind, given)?;
        for (one, other) in CONTRADICTIONS {
            let against = if kind == one { Some(other) } else { (kind == other).then_some(one) };
            if let Some(against) = against.filter(|against| effects::settings(directory, *against).is_some()) {
                return Err(FaultError::Contradiction(against.name()));
            }
        }
        if directory.all_shelved(Shelf::Faults).count() >= FAULT_COUNT_MAX
            && directory.shelved(Shelf::Faults, &key).is_none()
        {
            return Err(FaultError::TooMany);
        }
        let fault = json!({ "name": shown, "settings": settings, "since": since });
        let fault = fault.as_object().cloned().unwrap_or_default();
        Ok((vec![Change::Shelve(Shelf::Faults, key, fault.clone())], fault))
    })?;
    set_clock(tenant);
    Ok(fault)
}

/// Switches a fault off.
pub(crate) fn switch_off(tenant: &Tenant, name: &str) -> Result<(), FaultError> {
    tenant.state.write(|directory| {
        // What it was about may be gone since: then it is known by the name under which it is listed.
        let listed =
            directory.all_shelved(Shelf::Faults).find(|(key, fault)| *key == name || text(fault, "name") == Some(name));
        let key = match listed {
            Some((key, _)) => key.to_owned(),
            None => named(directory, name)?.1,
        };
        match directory.shelved(Shelf::Faults, &key) {
            Some(_) => Ok((vec![Change::Unshelve(Shelf::Faults, key)], ())),
            None => Err(FaultError::NotOn(shown(name))),
        }
    })?;
    set_clock(tenant);
    Ok(())
}

/// Switches all faults off.
pub(crate) fn clear(tenant: &Tenant) -> Result<(), FaultError> {
    tenant.state.write(|directory| -> Result<_, FaultError> {
        let keys = directory.all_shelved(Shelf::Faults).map(|(key, _)| key.to_owned());
        Ok((keys.map(|key| Change::Unshelve(Shelf::Faults, key)).collect(), ()))
    })?;
    set_clock(tenant);
    Ok(())
}

/// The faults that are on.
pub(crate) fn listed(directory: &Directory) -> Vec<Value> {
    directory.all_shelved(Shelf::Faults).map(|(_, fault)| Value::Object(fault.clone())).collect()
}

fn set_clock(tenant: &Tenant) {
    tenant.clock.move_by(moved_seconds(&tenant.state.read()));
}
