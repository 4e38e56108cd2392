//! `keys`: which security keys and certificates an account has, where they are, what is due, and how a key gets into the tenant.

mod certificate;
mod list;
mod shown;

use std::path::PathBuf;

use breakglass_adapters::clock::SystemClock;
use breakglass_adapters::security_key::PluggedSecurityKey;
use breakglass_adapters::sqlite_store::SqliteStore;
use breakglass_custody::name::Name;
use breakglass_custody::password::Password;
use breakglass_ops::keys::journey::{self, KeyError, Method, PluggedIn, Registrar, Step};
use breakglass_ops::keys::record::{Course, Entry, Noted};
use breakglass_ops::ports::{Clock as _, Directory as _, GraphRequest, SecurityKey as _, StoreError};
use clap::Subcommand;
use jiff::Timestamp;
use serde_json::Value;

use super::custody::desk::{Desk, enter};
use crate::codes::ErrorCode;
use crate::exit::Exit;
use crate::failure::{Coded, Failure};
use crate::live::{Live, LiveError};
use crate::state::state_of;
use crate::subject::{SubjectArguments, folder_of};
use crate::wiring::World;

pub(crate) use self::certificate::CODES as CERTIFICATE_CODES;
use self::list::Known;
pub(crate) use self::shown::due as due_text;

/// What whoever signs in has to be allowed.
const PERMISSIONS: [&str; 2] = ["User.Read.All", "UserAuthenticationMethod.ReadWrite.All"];

/// Security keys and certificates of the accounts: where they are, what is due, and how keys get into the tenant
///
/// What is written down stays in the folder of the state and is never changed: `note` begins with a key, the other verbs
/// add what happened to it. `register` has the key that is plugged in make a passkey and registers it in the tenant, as the
/// person who signs in.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show every account of the configuration with its keys and certificates, and what is to be done
    ///
    /// An account needs two keys. It ends with exit code 1 if anything is due.
    List(list::List),
    /// Write down that an account has a key
    Note(NoteKey),
    /// Register a key that is written down and plugged in
    Register(Register),
    /// Take a key out of the tenant and off the list
    Remove(Remove),
    /// Write down that somebody signed in with a key, to try it
    Drilled(OneKey),
    /// Write down that a key was needed
    Used(OneKey),
    /// Write down that a key has another PIN
    PinChanged(PinChanged),
    /// Write down that a key lies elsewhere, or that somebody else can take it
    Moved(Moved),
    /// Write down that nobody knows where a key is
    Lost(OneKey),
    /// Certificates of an authority that is used once
    Certificate(certificate::Arguments),
}

#[derive(Debug, clap::Args)]
struct Place {
    /// The configuration [default: breakglass.toml of this folder]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// The folder of the state [default: .breakglass beside the configuration]
    #[arg(long, value_name = "FOLDER")]
    state: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct Which {
    /// The account: its object id, or its sign-in name, by which the record of what is sealed knows it, or else the tenant
    #[arg(long, value_name = "ACCOUNT")]
    account: String,

    /// The key: the serial number that is printed on it, in small letters
    #[arg(long, value_name = "KEY", value_parser = name)]
    key: Name,

    #[command(flatten)]
    place: Place,
}

#[derive(Debug, clap::Args)]
struct OneKey {
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, clap::Args)]
struct NoteKey {
    #[command(flatten)]
    which: Which,

    /// Where it lies: small letters, digits and hyphens
    #[arg(long, value_name = "PLACE", value_parser = name)]
    at: Name,

    /// Who can take it from there
    #[arg(long, value_name = "PERSON", value_parser = name)]
    held_by: Name,

    /// Who has its PIN; best somebody else
    #[arg(long, value_name = "PERSON", value_parser = name)]
    pin_held_by: Name,

    /// The model, as the maker calls it
    #[arg(long, value_name = "TEXT")]
    model: Option<String>,

    /// Its method in the tenant, if it was registered by hand; `keys list --live` shows those that are not written down
    #[arg(long, value_name = "ID")]
    method: Option<String>,
}

#[derive(Debug, clap::Args)]
struct Moved {
    #[command(flatten)]
    which: Which,

    /// Where it lies now
    #[arg(long, value_name = "PLACE", value_parser = name)]
    to: Name,

    /// Who can take it from there
    #[arg(long, value_name = "PERSON", value_parser = name)]
    held_by: Name,
}

#[derive(Debug, clap::Args)]
struct PinChanged {
    #[command(flatten)]
    which: Which,

    /// Who has the PIN now
    #[arg(long, value_name = "PERSON", value_parser = name)]
    pin_held_by: Name,
}

#[derive(Debug, clap::Args)]
struct Register {
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, clap::Args)]
struct Remove {
    #[command(flatten)]
    which: Which,

    /// Even if it is the last with which somebody can sign in
    #[arg(long)]
    even_the_last: bool,
}

pub(super) fn name(text: &str) -> Result<Name, String> {
    Name::read(text).map_err(|error| error.to_string())
}

/// Why nothing is registered, removed or written down.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeysFailure {
    /// The journey ended so.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// There is no place for it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no such account.
    #[error("the tenant has no account `{0}`")]
    NoAccount(String),
    /// Nobody says the PIN.
    #[error("nobody says the PIN of the key")]
    NoPin,
}

pub(crate) const CODES: &[ErrorCode] = &[
    ErrorCode {
        code: "BG4041",
        title: "this cannot be done with the key as things stand",
        explanation: "What was asked does not fit what is written down: the key or the certificate is not known, is known \
                      already, is lost or revoked, is registered or is not, is the last one, or the account is not there. \
                      `breakglass keys list` shows how things stand. Nothing was changed.",
    },
    ErrorCode {
        code: "BG4042",
        title: "the tenant did not do it",
        explanation: "Graph was not reached, did not answer or said no, for the reason below the message. It needs the \
                      permission `UserAuthenticationMethod.ReadWrite.All`, of a person the role Privileged Authentication \
                      Administrator, and that the methods policy lets security keys of this model be registered. An \
                      emergency account does not register its own. The same command goes on.",
    },
    ErrorCode {
        code: "BG4043",
        title: "the security key did not do it",
        explanation: "No key is plugged in, or several, or the key refuses: a wrong PIN (after eight it locks itself for \
                      good), no PIN, nobody touched it, no room left, or a passkey of this account on it already. On Linux \
                      the rules of udev have to let you use it. The tenant was not changed. A passkey that was made and not \
                      sent stays on the key and is worth nothing.",
    },
    ErrorCode {
        code: "BG4044",
        title: "it is not known whether the key is registered",
        explanation: "The answer of the tenant was lost. The id of the passkey is written down, so that the same command finds \
                      out; after the time in the message it is certain. Keep the key safe until then.",
    },
    ErrorCode {
        code: "BG4045",
        title: "what is known of the keys cannot be read or written",
        explanation: "The folder of the state cannot be used, or its entries make no sense: it is full, not writable, of a \
                      later version, or somebody else works with it. Nothing is sent that is not written down first.",
    },
    ErrorCode {
        code: "BG4046",
        title: "nobody says the PIN",
        explanation: "The PIN of the key is asked for at the terminal, where it is not shown, or is the first line of standard \
                      input. It is no argument of a command, since others can see those.",
    },
];

impl Coded for KeysFailure {
    fn code(&self) -> &'static str {
        match self {
            Self::NoAccount(_) | Self::Key(KeyError::Entry(_) | KeyError::Last(_) | KeyError::Line(_)) => "BG4041",
            Self::Key(
                KeyError::Oneself(_) | KeyError::NotSignedIn(_) | KeyError::Directory { .. } | KeyError::Options(_),
            ) => "BG4042",
            Self::Key(KeyError::SecurityKey(_)) => "BG4043",
            Self::Key(KeyError::Undecided { .. }) => "BG4044",
            Self::Key(KeyError::Record { .. } | KeyError::Store(_)) | Self::Store(_) => "BG4045",
            Self::NoPin => "BG4046",
        }
    }

    fn help(&self) -> Option<String> {
        Some(match self.code() {
            "BG4041" => "`breakglass keys list` shows how things stand".to_owned(),
            "BG4042" => "`breakglass doctor` looks at the sign-in and its permissions".to_owned(),
            "BG4043" => "mend that and run the same again; the tenant was not changed".to_owned(),
            "BG4044" => "run the same again; keep the key safe until then".to_owned(),
            "BG4045" => "look after the folder of the state; `breakglass state backup` makes a copy".to_owned(),
            _ => "run it at a terminal, or hand the PIN over on standard input".to_owned(),
        })
    }

    fn exit(&self) -> Exit {
        if matches!(self, Self::Key(KeyError::Undecided { .. })) { Exit::Partial } else { Exit::NotStarted }
    }
}

impl Place {
    /// Whether anything is remembered.
    fn has_state(&self) -> bool {
        SqliteStore::is_in(&state_of(self.state.as_deref(), self.config.as_deref()))
    }

    fn store(&self) -> Result<SqliteStore, KeysFailure> {
        Ok(SqliteStore::open(&state_of(self.state.as_deref(), self.config.as_deref()))?)
    }

    /// That these are people of the configuration, if it has any: one who is mistyped would count as another.
    fn has<const COUNT: usize>(&self, people: [&Name; COUNT], world: &World) -> Result<(), Failure> {
        let desk = self.desk(world)?;
        if desk.config.people().is_empty() {
            return Ok(());
        }
        people.into_iter().try_for_each(|person| Ok(desk.person(person.as_str()).map(drop)?))
    }

    /// What is known of sealed documents here.
    fn desk(&self, world: &World) -> Result<Desk, Failure> {
        let (config, folder) = SubjectArguments::config_or_usual(self.config.as_deref(), world)?;
        let state = state_of(self.state.as_deref(), self.config.as_deref());
        Ok(Desk::new(config, folder, state)?)
    }

    /// The tenant, and the port of its sign-in page where it is none of the usual.
    fn live(&self, world: &World) -> Result<(Live, Option<u16>), Failure> {
        let found = SubjectArguments::config_of(self.config.as_deref(), world)?;
        let (config, name) = found.ok_or(LiveError::NoTenant)?;
        let folder = folder_of(&name);
        let login = config.connection(&folder).origins.map(|(login, _)| login);
        let port = login.and_then(|login| login.rsplit_once(':')?.1.trim_end_matches('/').parse().ok());
        Ok((Live::connect(&config, &folder, &PERMISSIONS, world)?, port))
    }
}

/// A text is an object id.
pub(super) fn is_id(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.bytes().all(|letter| letter == b'-' || letter.is_ascii_hexdigit())
}

/// The id of an account by its sign-in name, as the tenant says.
fn id_in_tenant(name: &str, live: &Live) -> Result<String, KeysFailure> {
    let none = || KeysFailure::NoAccount(name.to_owned());
    if name.contains(['/', '?', '#', '%', ' ']) {
        return Err(none());
    }
    let request = GraphRequest::get(format!("/v1.0/users/{name}?$select=id"));
    let answer = live.runtime.block_on(live.directory.send(&request));
    let failed = |source| KeyError::Directory { what: "say who the account is", source };
    let answer: Value = match answer.and_then(|answer| answer.json()) {
        Ok(answer) => answer,
        Err(error) if error.is_not_found() => return Err(none()),
        Err(error) => return Err(KeysFailure::Key(failed(error))),
    };
    let id = answer.get("id").and_then(Value::as_str).filter(|id| is_id(id));
    Ok(id.ok_or_else(none)?.to_ascii_lowercase())
}

/// The id of an account; the record or the tenant is asked where a name was given.
fn id_of(account: &str, place: &Place, live: Option<&Live>, world: &World) -> Result<String, Failure> {
    if is_id(account) {
        return Ok(account.to_ascii_lowercase());
    }
    if let Some(live) = live {
        return Ok(id_in_tenant(account, live)?);
    }
    // What is written down at night does not wait for a sign-in, if the record knows who it is.
    if let Some(id) = Known::of(place, world)?.id_of(account) {
        return Ok(id);
    }
    Ok(id_in_tenant(account, &place.live(world)?.0)?)
}

/// Writes an entry about an account down, and says what is due then.
fn note(
    (account, place): (&str, &Place),
    entry: impl FnOnce(Timestamp) -> Entry,
    world: &World,
) -> Result<Exit, Failure> {
    let store = place.store()?;
    let id = id_of(account, place, None, world)?;
    let now = SystemClock.now();
    let course = journey::note(&store, &id, &entry(now)).map_err(KeysFailure::from)?;
    tell_due((&course, &id), (place, &store), world)?;
    Ok(Exit::Good)
}

fn tell_due(
    (course, id): (&Course, &str),
    (place, store): (&Place, &SqliteStore),
    world: &World,
) -> Result<(), Failure> {
    // Where nothing is sealed, nobody looks for documents.
    let known = if course.is_nothing_sealed() { Known::default() } else { Known::of(place, world)? };
    for due in known.due(store, (id, course), SystemClock.now()) {
        world.note(&shown::due(&due));
    }
    Ok(())
}

impl Which {
    fn id(&self, live: Option<&Live>, world: &World) -> Result<String, Failure> {
        id_of(&self.account, &self.place, live, world)
    }

    fn note(&self, entry: impl FnOnce(Name, Timestamp) -> Entry, world: &World) -> Result<Exit, Failure> {
        note((&self.account, &self.place), |at| entry(self.key.clone(), at), world)
    }
}

impl What {
    /// Where something is written down.
    const fn place(&self) -> Option<&Place> {
        let which = match self {
            Self::List(_) => return None,
            Self::Certificate(arguments) => return Some(arguments.place()),
            Self::Note(note) => &note.which,
            Self::Register(register) => &register.which,
            Self::Remove(remove) => &remove.which,
            Self::Drilled(one) | Self::Used(one) | Self::Lost(one) => &one.which,
            Self::PinChanged(changed) => &changed.which,
            Self::Moved(moved) => &moved.which,
        };
        Some(&which.place)
    }
}

impl Arguments {
    pub(super) fn run(&self, world: &World) -> Result<Exit, Failure> {
        let ended = self.done(world);
        // Whatever came of it, what was written down goes into the ledger.
        let place = self.what.place().filter(|place| place.has_state());
        if let Some(store) = place.and_then(|place| place.store().ok()) {
            enter(&store, world);
        }
        ended
    }

    fn done(&self, world: &World) -> Result<Exit, Failure> {
        match &self.what {
            What::List(list) => list.run(world),
            What::Note(noted) => noted.run(world),
            What::Register(register) => register.run(world),
            What::Remove(remove) => remove.run(world),
            What::Drilled(one) => one.which.note(|key, at| Entry::Drilled { key, at }, world),
            What::Used(one) => one.which.note(|key, at| Entry::Used { key, at }, world),
            What::Lost(one) => one.which.note(|key, at| Entry::Lost { key, at }, world),
            What::Moved(moved) => {
                let (place, held_by) = (moved.to.clone(), moved.held_by.clone());
                moved.which.place.has([&held_by], world)?;
                moved.which.note(|key, at| Entry::Moved { key, place, held_by, at }, world)
            }
            What::PinChanged(changed) => {
                let pin_held_by = changed.pin_held_by.clone();
                changed.which.place.has([&pin_held_by], world)?;
                changed.which.note(|key, at| Entry::PinChanged { key, pin_held_by, at }, world)
            }
            What::Certificate(arguments) => arguments.run(world),
        }
    }
}

impl NoteKey {
    fn run(&self, world: &World) -> Result<Exit, Failure> {
        self.which.place.has([&self.held_by, &self.pin_held_by], world)?;
        let noted = |key, at| {
            Entry::Noted(Noted {
                key,
                model: self.model.clone(),
                aa_guid: None,
                place: self.at.clone(),
                held_by: self.held_by.clone(),
                pin_held_by: self.pin_held_by.clone(),
                method: self.method.clone(),
                at,
            })
        };
        self.which.note(noted, world)
    }
}

/// A PIN as it is typed or handed in: of a key that is registered, and of one whose PIN is sealed.
pub(super) fn typed_pin(question: &str, world: &World) -> Result<String, KeysFailure> {
    world.secret(question).filter(|pin| !pin.is_empty()).ok_or(KeysFailure::NoPin)
}

fn registrar<'a>(live: &'a Live, store: &'a SqliteStore, tell: &'a (dyn Fn(Step) + Sync)) -> Registrar<'a> {
    Registrar { directory: &live.directory, store, clock: &SystemClock, tell }
}

fn methods(live: &Live, store: &SqliteStore, account: &str) -> Result<Vec<Method>, KeysFailure> {
    Ok(live.runtime.block_on(registrar(live, store, &|_| {}).methods(account))?)
}

impl Register {
    fn run(&self, world: &World) -> Result<Exit, Failure> {
        let which = &self.which;
        let store = which.place.store()?;
        let (live, port) = which.place.live(world)?;
        let id = which.id(Some(&live), world)?;
        let security_key = PluggedSecurityKey::usb();
        let name = live.runtime.block_on(security_key.name()).map_err(KeyError::from).map_err(KeysFailure::from)?;
        let question = format!("PIN of the security key `{}` ({name}):", which.key);
        let pin = Password::of_text(typed_pin(&question, world)?);
        let tell = |step| world.tell(shown::step(step));
        let plugged = PluggedIn { security_key: &security_key, pin: &pin, port };
        let registrar = registrar(&live, &store, &tell);
        let registered = live.runtime.block_on(registrar.register(&id, &which.key, plugged));
        let registered = registered.map_err(KeysFailure::from)?;
        let before = if registered.was_there { ", by a run that was stopped" } else { "" };
        world.tell(&format!("The key `{}` is registered{before}. Sign in with it now, and write it down:", which.key));
        world.tell(&format!("\n  breakglass keys drilled --account {id} --key {}\n", which.key));
        let (course, _) = journey::course_of(&store, &id).map_err(KeysFailure::from)?;
        tell_unknown(&course, methods(&live, &store, &id), world);
        tell_due((&course, &id), (&which.place, &store), world)?;
        Ok(Exit::Good)
    }
}

/// Says what the tenant has and is not written down, or that it cannot be told.
fn tell_unknown(course: &Course, methods: Result<Vec<Method>, KeysFailure>, world: &World) {
    match methods {
        Ok(methods) => {
            for method in journey::difference(course, &methods).unknown {
                world.note(&shown::unknown(&method));
            }
        }
        Err(error) => world.note(&format!("whether the account has other passkeys is not known: {error}")),
    }
}

impl Remove {
    fn run(&self, world: &World) -> Result<Exit, Failure> {
        let which = &self.which;
        let store = which.place.store()?;
        let (live, _) = which.place.live(world)?;
        let id = which.id(Some(&live), world)?;
        let registrar = registrar(&live, &store, &|_| {});
        let removed = live.runtime.block_on(registrar.remove(&id, &which.key, self.even_the_last));
        removed.map_err(KeysFailure::from)?;
        world.tell(&format!("The key `{}` is out of the tenant and off the list.", which.key));
        let (course, _) = journey::course_of(&store, &id).map_err(KeysFailure::from)?;
        tell_due((&course, &id), (&which.place, &store), world)?;
        Ok(Exit::Good)
    }
}
