//! `keys list`: every account with its keys and certificates, also those that have none.

use std::collections::BTreeSet;

use breakglass_adapters::clock::SystemClock;
use breakglass_adapters::sqlite_store::SqliteStore;
use breakglass_custody::document::{Account, Document};
use breakglass_ops::key_box::record::KeyBox;
use breakglass_ops::keys::due::Due;
use breakglass_ops::keys::journey::{self, Difference, Method};
use breakglass_ops::keys::record::Course;
use breakglass_ops::ports::{Clock as _, Store as _};
use jiff::Timestamp;

use super::{KeysFailure, Place, is_id, methods, shown};
use crate::commands::custody::key_secrets::sealing;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::live::Live;
use crate::output::deliver;
use crate::wiring::World;

#[derive(Debug, clap::Args)]
pub(super) struct List {
    /// Compare with the passkeys that the tenant has
    #[arg(long)]
    live: bool,

    /// How it is shown
    #[arg(long, value_enum, default_value_t = ListFormat::Text)]
    format: ListFormat,

    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum ListFormat {
    /// For people
    Text,
    /// `breakglass-keys/1`
    Json,
}

/// One account with what is known of its keys.
pub(super) struct AccountKeys {
    /// Its object id, if it is known.
    pub(super) id: Option<String>,
    /// What people call it, if that is known.
    pub(super) name: Option<String>,
    /// Its keys.
    pub(super) course: Course,
    /// What is to be done.
    pub(super) due: Vec<Due>,
    /// Whether keys of another id in the record may be its own.
    pub(super) is_unmatched: bool,
    /// How that differs from the tenant; nothing if it was not asked.
    pub(super) difference: Difference,
}

impl AccountKeys {
    fn is_good(&self) -> bool {
        let is_same = self.difference.unknown.is_empty() && self.difference.missing.is_empty();
        self.due.is_empty() && is_same && !self.is_unmatched
    }
}

/// The sealed documents, as somebody who has the state and the configuration knows them: whose they are, and how their sets
/// stand.
#[derive(Default)]
pub(super) struct Known {
    documents: Vec<Document>,
    key_box: Option<KeyBox>,
}

impl Known {
    /// What cannot be read is not known.
    pub(super) fn of(place: &Place, world: &World) -> Result<Self, Failure> {
        let desk = place.desk(world)?;
        if desk.operator().is_err() {
            return Ok(Self::default());
        }
        let documents = desk.documents_found(world).unwrap_or_default();
        let key_box = match desk.has_state().then(|| desk.store().and_then(|store| desk.key_box(&store))) {
            Some(Ok(key_box)) => Some(key_box),
            Some(Err(error)) => {
                world.complain(&error.into());
                None
            }
            None => None,
        };
        Ok(Self { documents, key_box })
    }

    fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.documents.iter().map(|document| &document.label().account)
    }

    /// The id of an account with a sign-in name.
    pub(super) fn id_of(&self, name: &str) -> Option<String> {
        let found = self.accounts().find(|account| account.user_principal_name.eq_ignore_ascii_case(name));
        found.map(|account| account.id.to_ascii_lowercase()).filter(|id| is_id(id))
    }

    fn name_of(&self, id: &str) -> Option<String> {
        let found = self.accounts().find(|account| account.id.eq_ignore_ascii_case(id));
        found.map(|account| account.user_principal_name.clone())
    }

    /// What is to be done for an account, with what is known of what is sealed.
    pub(super) fn due(&self, store: &SqliteStore, (id, course): (&str, &Course), now: Timestamp) -> Vec<Due> {
        course.due(now, |name| sealing((store, self.key_box.as_ref()), (id, name), &self.documents))
    }
}

/// An account of the configuration.
struct Declared {
    id: Option<String>,
    name: Option<String>,
}

impl List {
    pub(super) fn run(&self, world: &World) -> Result<Exit, Failure> {
        let store = self.place.store()?;
        let live = if self.live { Some(self.place.live(world)?.0) } else { None };
        let known = Known::of(&self.place, world)?;
        let declared = self.declared(&known, live.as_ref(), world)?;
        let accounts = accounts((&store, SystemClock.now()), live.as_ref(), (&known, &declared))?;
        match self.format {
            ListFormat::Json => deliver(world, None, &shown::json(&accounts))?,
            ListFormat::Text if accounts.is_empty() => {
                world.note("no account is declared and no key is written down; `breakglass keys note` does that");
            }
            ListFormat::Text => deliver(world, None, &accounts.iter().map(shown::account).collect::<String>())?,
        }
        Ok(if accounts.iter().all(AccountKeys::is_good) { Exit::Good } else { Exit::Found })
    }

    /// The accounts of the configuration, with their ids as far as somebody knows them.
    fn declared(&self, known: &Known, live: Option<&Live>, world: &World) -> Result<Vec<Declared>, Failure> {
        let mut all = Vec::new();
        for account in self.place.desk(world)?.config.wanted(None).accounts {
            if is_id(&account.name) {
                let id = account.name.to_ascii_lowercase();
                let name = known.name_of(&id).or(account.display_name);
                all.push(Declared { id: Some(id), name });
                continue;
            }
            let asked = live.map(|live| super::id_in_tenant(&account.name, live)).transpose()?;
            all.push(Declared { id: asked.or_else(|| known.id_of(&account.name)), name: Some(account.name) });
        }
        Ok(all)
    }
}

fn accounts(
    (store, now): (&SqliteStore, Timestamp),
    live: Option<&Live>,
    (known, declared): (&Known, &[Declared]),
) -> Result<Vec<AccountKeys>, KeysFailure> {
    let streams = store.streams(journey::STREAM)?;
    let recorded: BTreeSet<String> =
        streams.iter().filter_map(|stream| stream.strip_prefix(journey::STREAM)).map(str::to_owned).collect();
    let is_declared = |id: &String| declared.iter().any(|one| one.id.as_ref() == Some(id));
    let others: Vec<&String> = recorded.iter().filter(|id| !is_declared(id)).collect();
    let mut all = Vec::new();
    for one in declared {
        let course = match &one.id {
            Some(id) => journey::course_of(store, id)?.0,
            None => Course::default(),
        };
        let (id, name) = (one.id.clone(), one.name.clone());
        let is_unmatched = id.is_none() && !others.is_empty();
        // Whether it has too few is not known then.
        let due =
            if is_unmatched { Vec::new() } else { known.due(store, (id.as_deref().unwrap_or_default(), &course), now) };
        let difference = compared(live, store, (id.as_deref(), &course))?;
        all.push(AccountKeys { id, name, course, due, is_unmatched, difference });
    }
    for id in others {
        let (course, _) = journey::course_of(store, id)?;
        let due = known.due(store, (id, &course), now);
        let difference = compared(live, store, (Some(id), &course))?;
        let name = known.name_of(id);
        all.push(AccountKeys { id: Some(id.clone()), name, course, due, is_unmatched: false, difference });
    }
    Ok(all)
}

fn compared(
    live: Option<&Live>,
    store: &SqliteStore,
    (id, course): (Option<&str>, &Course),
) -> Result<Difference, KeysFailure> {
    let (Some(live), Some(id)) = (live, id) else { return Ok(Difference::default()) };
    let found: Vec<Method> = methods(live, store, id)?;
    Ok(journey::difference(course, &found))
}
