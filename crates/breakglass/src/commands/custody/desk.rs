//! What the commands of custody work at: the configuration, the state, the operator's key, the places of documents.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use breakglass_adapters::clock::SystemClock;
use breakglass_adapters::disk::is_want_of_room;
use breakglass_adapters::folder_depository::{Expected, FolderDepository};
use breakglass_adapters::http::{Authorities, AuthoritiesError, SecretText};
use breakglass_adapters::key_file::{self, KeyFileError, KeyUse};
use breakglass_adapters::random::SystemRandom;
use breakglass_adapters::sqlite_store::SqliteStore;
use breakglass_adapters::vault_depository::{VaultDepository, VaultSettings, VaultSettingsError};
use breakglass_custody::NoRandomness;
use breakglass_custody::document::Document;
use breakglass_custody::fingerprint::Fingerprint;
use breakglass_custody::name::{Name, NameError};
use breakglass_custody::sealed::SealTo;
use breakglass_custody::signed::SignedError;
use breakglass_custody::signing::{SigningKey, SigningPublicKey};
use breakglass_custody::succession::SealableError;
use breakglass_ops::journal::catch_up;
use breakglass_ops::key_box::depositories::{Depositories, Unusable};
use breakglass_ops::key_box::record::{Entry, HeldSet, KeyBox, KeyBoxError, STREAM};
use breakglass_ops::keys::journey::KeyError;
use breakglass_ops::keys::record as keys;
use breakglass_ops::ports::{Clock as _, Depository, DepositoryError, Random as _, Store, StoreError};
use breakglass_ops::rotation::journey::{self, RotationError, course_of};
use breakglass_ops::rotation::record::Course;
use tokio::runtime::Runtime;

use super::super::checkout::CheckoutFailure;
use super::key_secrets::key_courses;
use crate::codes::ErrorCode;
use crate::config::{Config, DocumentPlace, Person, PersonKind, VaultPlace};
use crate::exit::Exit;
use crate::failure::{Coded, Failure};
use crate::live::{LiveError, proxies};
use crate::passphrase;
use crate::state::state_folder;
use crate::subject::SubjectArguments;
use crate::terminal::{self, TerminalError};
use crate::wiring::{self, World};

/// Name of the file with the operator's key, in the folder of the state.
pub(crate) const OPERATOR_KEY: &str = "operator.key";

/// Name of the folder for documents, in the folder of the state, where no other is declared.
pub(crate) const DOCUMENTS: &str = "documents";

/// What to do where a file could not be written for want of room, and nothing is left of it.
pub(crate) const MAKE_ROOM: &str = "make room on the disk, then the same again; nothing was changed";

/// Where things are.
#[derive(Debug, clap::Args)]
pub(crate) struct Place {
    /// The configuration [default: breakglass.toml of this folder]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// The folder that remembers what was done [default: .breakglass beside the configuration]
    #[arg(long, value_name = "FOLDER")]
    state: Option<PathBuf>,
}

/// Why the key box cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeskError {
    /// There is no operator's key on this machine.
    #[error("there is no key of the operator in `{}`", .0.display())]
    NoOperator(PathBuf),
    /// The one with which sets were signed is gone.
    #[error("sets of shares were signed with the operator's key, and it is not in `{}`", .0.display())]
    LostOperator(PathBuf),
    /// It is another than the one that is pinned.
    #[error("the key of the operator in `{}` has the fingerprint `{found}`, and the configuration wants `{wanted}`", path.display())]
    OtherOperator { path: PathBuf, found: Fingerprint, wanted: Fingerprint },
    /// A file with a key is of no use.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// There is no randomness.
    #[error(transparent)]
    Random(#[from] NoRandomness),
    /// What is remembered is of no use.
    #[error(transparent)]
    KeyBox(#[from] KeyBoxError),
    /// Nothing can be sealed now.
    #[error(transparent)]
    Sealable(#[from] SealableError),
    /// The state is of no use.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The record of an account is of no use.
    #[error(transparent)]
    Record(#[from] RotationError),
    /// That of its keys.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// A depository is of no use.
    #[error("the depository `{id}` cannot be used")]
    Depository {
        id: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A vault needs a token.
    #[error("it is a vault, and the variable BREAKGLASS_VAULT_TOKEN is not set")]
    NoToken,
    /// A depository did not do it.
    #[error(transparent)]
    Documents(#[from] DepositoryError),
    /// A document is none.
    #[error("`{name}` is no document that can be relied on")]
    Document {
        name: String,
        #[source]
        source: SignedError,
    },
    /// Under its name lies another one.
    #[error("what lies in {place} under the name `{name}` is another document: `{found}`, of `{account}`")]
    Misplaced { name: String, place: String, found: String, account: String },
    /// There is no such document.
    #[error("there is no document `{name}` in {place}")]
    NoDocument { name: String, place: String },
    /// There is no such set.
    #[error(
        "there is no set of shares `{0}` here: a set is named by the first two words of its shares, or by its fingerprint"
    )]
    NoSet(String),
    /// Somebody is not declared.
    #[error("`{id}` is no custodian and no person of the configuration; {}", if .known.is_empty() { "it names nobody".to_owned() } else { format!("there are: {}", .known) })]
    Unknown { id: String, known: String },
    /// Somebody's id is no name.
    #[error("`{id}` cannot be the id of somebody who holds a share or agrees")]
    PersonName {
        id: String,
        #[source]
        source: NameError,
    },
    /// The terminal is of no use.
    #[error(transparent)]
    Terminal(#[from] TerminalError),
}

pub(crate) const CODES: &[ErrorCode] = &[
    ErrorCode {
        code: "BG4051",
        title: "the key box cannot be used",
        explanation: "The key box is what this machine knows of the sets of shares: the state (`.breakglass` beside the \
                      configuration), the operator's key in it, and the depositories. One of them is missing, damaged, or \
                      says what cannot be; the message says which. Nothing was changed. To open something in an emergency \
                      none of them is needed: `breakglass custody open --document FILE` works with a sheet's document and \
                      the shares.",
    },
    ErrorCode {
        code: "BG4052",
        title: "nothing can be sealed now",
        explanation: "A secret is sealed only to a set of shares that was never opened, whose every share is acknowledged by \
                      its holder and has opened in a rehearsal. `breakglass custody list` says what is missing; `breakglass \
                      custody new-set` makes the next set. What is sealed already stays as it is.",
    },
];

impl Coded for DeskError {
    fn code(&self) -> &'static str {
        match self {
            Self::Sealable(_) => "BG4052",
            _ => "BG4051",
        }
    }

    fn help(&self) -> Option<String> {
        Some(match self {
            Self::NoOperator(_) => {
                "to open a document, give `--operator` with the fingerprint that stands on every sheet. To seal, bring the state \
                 from where it is, with `breakglass state restore`, and `operator.key`; `breakglass custody new-set` makes one with \
                 the first set of shares"
            }
            Self::LostOperator(_) => {
                "bring it from where it was, as `operator.key`: another key signs nothing of those sets. If it is lost for \
                 good, begin with a state of its own (--state), make a set of shares there, and rotate"
            }
            Self::OtherOperator { .. } => {
                "find out whose key it is before anything is sealed; `[custody] operator` has the fingerprint that stands on \
                 every sheet"
            }
            Self::Sealable(_) => "`breakglass custody list` says what is missing",
            Self::Unknown { known, .. } if known.is_empty() => {
                "run it in the folder of breakglass.toml, or name that file with --config; people are declared there, below \
                 `[[custody.custodian]]` or `[[custody.person]]`"
            }
            Self::Misplaced { .. } => {
                "somebody has copied or renamed it: put it back under its own name, and bring the one that is meant from a sheet or \
                 another depository"
            }
            Self::Unknown { .. } => "declare them below `[[custody.custodian]]` or `[[custody.person]]`",
            Self::PersonName { .. } => {
                "give the id as it stands below `[[custody.custodian]]` or `[[custody.person]]`"
            }
            Self::Terminal(TerminalError::None(_)) => "run it at a terminal, or name files with --share",
            Self::NoSet(_) => "`breakglass custody list` shows the sets that there are",
            Self::NoDocument { .. } => "`breakglass custody list` shows the documents that there are",
            Self::KeyBox(KeyBoxError::Store(StoreError::Conflict { .. })) | Self::Store(StoreError::Conflict { .. }) => {
                "somebody else did something at the same time: look with `breakglass custody list`, then the same again"
            }
            Self::Key(KeyFileError::Io { source, .. }) if is_want_of_room(source) => MAKE_ROOM,
            Self::Store(StoreError::Full { .. }) | Self::KeyBox(KeyBoxError::Store(StoreError::Full { .. })) => {
                "make room on the disk, then the same again; what was written before is kept. In an emergency it can wait: \
                 `breakglass custody open` opens with the shares, and says what could not be written down"
            }
            Self::Store(StoreError::NotWritable { .. }) | Self::KeyBox(KeyBoxError::Store(StoreError::NotWritable { .. })) => {
                "run it as the owner of the state, who also reads by it; or copy its folder, which tells what was so then, and name the \
                 copy with --state. In an emergency none of it is needed: `breakglass custody open --document FILE --operator \
                 FINGERPRINT`, both from any sheet, opens without it from another folder"
            }
            Self::Store(_) | Self::KeyBox(KeyBoxError::Store(_)) => {
                "make room on the disk if it is full, or bring the state back with `breakglass state restore`. In an emergency none \
                 of it is needed: `breakglass custody open --document FILE --operator FINGERPRINT`, the document from the cover \
                 in the safe and the fingerprint from any sheet, opens without it from another folder"
            }
            Self::Documents(_) | Self::Depository { .. } | Self::NoToken => {
                "where one place does not answer, another, the cover in the safe or a sheet of documents has it: `breakglass custody \
                 open --document FILE`"
            }
            _ => "the reason is in the message; nothing was changed",
        }
        .to_owned())
    }

    fn exit(&self) -> Exit {
        Exit::NotStarted
    }
}

/// The sets that something is sealed to.
#[derive(Debug)]
pub(crate) struct Sealable {
    /// That of the custodians.
    pub(crate) set: HeldSet,
    /// The reserve, if there is one.
    pub(crate) reserve: Option<HeldSet>,
}

impl Sealable {
    /// Those of a key box; the reserve is none that is not ready.
    pub(crate) fn of(key_box: &KeyBox) -> Result<Self, DeskError> {
        Ok(Self { set: key_box.sealable()?.clone(), reserve: key_box.reserve().ok().cloned() })
    }

    /// As the operator signed them.
    pub(crate) fn signed(&self) -> SealTo<'_> {
        SealTo { set: &self.set.signed, reserve: self.reserve.as_ref().map(|held| &held.signed) }
    }

    /// Their names.
    pub(crate) fn names(&self) -> String {
        let also = self.reserve.as_ref().map(|held| format!(" and the reserve `{}`", held.set().id));
        format!("the set `{}`{}", self.set.set().id, also.unwrap_or_default())
    }
}

/// The key box as this machine has it.
pub(crate) struct Desk {
    /// The configuration, or the usual values.
    pub(crate) config: Config,
    /// The folder that its paths are from.
    pub(crate) folder: PathBuf,
    /// The folder of the state.
    pub(crate) state: PathBuf,
    /// The fingerprint of the operator's key that somebody has from a sheet: it goes before what this machine knows.
    pub(crate) given_operator: Option<Fingerprint>,
    /// What waits.
    pub(crate) runtime: Runtime,
}

impl Place {
    /// Reads the configuration, and touches nothing else.
    pub(crate) fn desk(&self, world: &World) -> Result<Desk, Failure> {
        let (config, folder) = SubjectArguments::config_or_usual(self.config.as_deref(), world)?;
        let state = state_folder(self.state.as_deref(), &folder);
        Ok(Desk::new(config, folder, state)?)
    }

    /// The configuration with its name, if there is one.
    pub(crate) fn config(&self, world: &World) -> Result<Option<(Config, String)>, Failure> {
        SubjectArguments::config_of(self.config.as_deref(), world)
    }

    /// The words that say again where things are.
    pub(crate) fn words(&self) -> String {
        let word = |name: &str, path: &Option<PathBuf>| {
            path.as_ref().map(|path| format!(" --{name} {}", path.display())).unwrap_or_default()
        };
        format!("{}{}", word("config", &self.config), word("state", &self.state))
    }
}

impl Desk {
    /// With a configuration, the folder that its paths are from, and that of the state.
    pub(crate) fn new(config: Config, folder: PathBuf, state: PathBuf) -> Result<Self, LiveError> {
        let runtime = terminal::runtime().map_err(LiveError::Runtime)?;
        Ok(Self { config, folder, state, given_operator: None, runtime })
    }

    /// What is remembered.
    pub(crate) fn store(&self) -> Result<SqliteStore, DeskError> {
        Ok(SqliteStore::open(&self.state)?)
    }

    /// Takes what was done into the ledger. That it cannot be undoes nothing: the next command tries again.
    #[expect(clippy::unused_self, reason = "whoever has a store has it from here")]
    pub(crate) fn enter(&self, store: &SqliteStore, world: &World) {
        enter(store, world);
    }

    /// Whether anything is.
    pub(crate) fn has_state(&self) -> bool {
        SqliteStore::is_in(&self.state)
    }

    fn operator_path(&self) -> PathBuf {
        self.state.join(OPERATOR_KEY)
    }

    /// The fingerprint of the operator's key: the pinned one, else that of the key on this machine.
    pub(crate) fn operator(&self) -> Result<Fingerprint, DeskError> {
        if let Some(given) = self.given_operator {
            return Ok(given);
        }
        let path = self.operator_path();
        let pinned = self.config.operator();
        if !path.exists() {
            return pinned.ok_or(DeskError::NoOperator(path));
        }
        let damaged = |why| KeyFileError::Damaged { path: path.clone(), why };
        let public = key_file::public_of(&path)?.public;
        let found = SigningPublicKey::read(&public).map_err(|_| damaged("its public key is none"))?.fingerprint();
        match pinned {
            Some(wanted) if wanted != found => Err(DeskError::OtherOperator { path, found, wanted }),
            _ => Ok(found),
        }
    }

    /// The operator's key.
    pub(crate) fn operator_key(&self) -> Result<SigningKey, DeskError> {
        let path = self.operator_path();
        if !path.exists() {
            return Err(DeskError::NoOperator(path));
        }
        self.operator()?;
        signing_key(&path, KeyUse::Operator)
    }

    /// The same; one is made where none is, in which no set was ever signed.
    pub(crate) fn operator_key_or_new(&self, has_passphrase: bool, world: &World) -> Result<SigningKey, DeskError> {
        let path = self.operator_path();
        if path.exists() || self.config.operator().is_some() {
            return self.operator_key();
        }
        // The folder is made with the state.
        if Self::has_sets(&self.store()?)? {
            return Err(DeskError::LostOperator(path));
        }
        let key = new_signing_key(&path, KeyUse::Operator, has_passphrase)?;
        let fingerprint = key.public().fingerprint();
        world.note(&format!(
            "the operator's key is made: `{}`. Pin its fingerprint in the configuration: [custody] operator = \"{fingerprint}\"",
            path.display()
        ));
        Ok(key)
    }

    /// Whether sets were ever made here.
    pub(crate) fn has_sets(store: &SqliteStore) -> Result<bool, DeskError> {
        Ok(!store.entries(STREAM)?.is_empty())
    }

    /// How the sets stand.
    pub(crate) fn key_box(&self, store: &SqliteStore) -> Result<KeyBox, DeskError> {
        Ok(KeyBox::of(store, self.operator()?)?)
    }

    /// Where documents are kept.
    pub(crate) fn depositories(&self) -> Depositories {
        let mut all: Vec<Box<dyn Depository>> = Vec::new();
        let expected = self.expected();
        for place in self.config.document_places(&self.folder) {
            all.push(match place {
                DocumentPlace::Folder(folder) => Box::new(FolderDepository::declared(whole(folder), expected.clone())),
                DocumentPlace::Vault(vault) => match self.vault(vault.clone()) {
                    Ok(vault) => Box::new(vault),
                    Err(error) => Box::new(Unusable { place: vault.id, why: with_causes(&error) }),
                },
            });
        }
        if all.is_empty() {
            all.push(Box::new(FolderDepository::new(whole(self.state.join(DOCUMENTS)))));
        }
        Depositories::new(all)
    }

    /// What lies in every folder that is declared, by what is remembered.
    fn expected(&self) -> Expected {
        if !self.has_state() {
            return Expected::OneOf(BTreeSet::new());
        }
        let (courses, keys) = match self.store().and_then(|store| Ok((courses(&store)?, key_courses(&store)?))) {
            Ok(found) => found,
            Err(error) => return Expected::Unknown(with_causes(&error)),
        };
        let is_nothing = |(_, course): &(String, keys::Course)| course.is_nothing_sealed();
        if courses.iter().all(|(_, course)| course.version() == 1) && keys.iter().all(is_nothing) {
            return Expected::Nothing;
        }
        let passwords = courses.iter().flat_map(|(_, course)| course.may_count());
        let others = keys.iter().flat_map(|(_, course)| course.counting().map(|(document, _)| document));
        Expected::OneOf(passwords.chain(others).cloned().collect())
    }

    fn vault(&self, vault: VaultPlace) -> Result<VaultDepository, DeskError> {
        let id = vault.id.clone();
        let token = wiring::vault_token().ok_or(DeskError::NoToken)?;
        let authorities = Authorities::from_pem_files(&vault.authorities);
        let of_authorities =
            |source: AuthoritiesError| DeskError::Depository { id: id.clone(), source: Box::new(source) };
        let settings = VaultSettings {
            address: vault.address,
            mount: vault.mount,
            folder: vault.path,
            namespace: vault.namespace,
            token: SecretText::new(token),
            proxies: proxies(&self.config.connection(&self.folder)),
            authorities: authorities.map_err(of_authorities)?,
        };
        let made = VaultDepository::new(settings);
        made.map_err(|source: VaultSettingsError| DeskError::Depository { id: id.clone(), source: Box::new(source) })
    }

    /// A document by its name, as the operator signed it: the first good copy that a depository has.
    pub(crate) fn document(&self, name: &Name) -> Result<Document, DeskError> {
        let (depositories, operator) = (self.depositories(), self.operator()?);
        let mut refusal = None;
        for depository in depositories.iter() {
            let found = match self.runtime.block_on(depository.read(name)) {
                Ok(Some(text)) => confirmed(&format!("{}/{name}", depository.place()), &text, operator)
                    .and_then(|document| in_its_place(name, document, &depository.place())),
                Ok(None) => continue,
                Err(error) => Err(error.into()),
            };
            match found {
                Ok(document) => return Ok(document),
                Err(error) => refusal = refusal.or(Some(error)),
            }
        }
        Err(refusal.unwrap_or_else(|| DeskError::NoDocument { name: name.to_string(), place: depositories.place() }))
    }

    /// Every document that is kept, as the operator signed it: all of them, or an error.
    pub(crate) fn documents(&self) -> Result<Vec<Document>, DeskError> {
        let names = self.runtime.block_on(self.depositories().names())?;
        names.iter().map(|name| self.document(name)).collect()
    }

    /// The documents that can be had, as the operator signed them. A place that does not answer and a document that is
    /// damaged are told, and keep nobody from the others; if no place answers, there is nothing.
    pub(crate) fn documents_found(&self, world: &World) -> Result<Vec<Document>, DeskError> {
        let (mut names, mut refusal, mut is_any) = (BTreeSet::new(), None, false);
        for depository in self.depositories().iter() {
            match self.runtime.block_on(depository.names()) {
                Ok(found) => {
                    is_any = true;
                    names.extend(found);
                }
                Err(error) => {
                    world.note(&error.to_string());
                    refusal = refusal.or(Some(error));
                }
            }
        }
        if let Some(error) = refusal.filter(|_| !is_any) {
            return Err(error.into());
        }
        if !names.is_empty() {
            // Without it none can be relied on.
            self.operator()?;
        }
        let mut documents = Vec::new();
        for name in &names {
            match self.document(name) {
                Ok(document) => documents.push(document),
                Err(error) => world.note(&with_causes(&error)),
            }
        }
        Ok(documents)
    }

    /// Somebody of the configuration.
    pub(crate) fn person(&self, id: &str) -> Result<Person, DeskError> {
        let mut people = self.config.people();
        let known = people.iter().map(|one| one.id.clone()).collect::<Vec<_>>().join(", ");
        let at = people.iter().position(|one| one.id == id);
        at.map(|at| people.swap_remove(at)).ok_or_else(|| DeskError::Unknown { id: id.to_owned(), known })
    }

    /// Ids of everybody of the configuration.
    pub(crate) fn staff(&self) -> Result<BTreeSet<Name>, DeskError> {
        self.config.people().iter().map(|one| name_of(&one.id)).collect()
    }

    /// What somebody is called, with the id behind it.
    pub(crate) fn called(&self, id: &Name) -> String {
        match self.person(id.as_str()) {
            Ok(person) if person.name != person.id => format!("{} ({id})", person.name),
            _ => id.to_string(),
        }
    }

    /// The name under which the record of this tenant is signed.
    pub(crate) fn ledger_origin(&self) -> String {
        format!("breakglass/{}", self.config.tenant_id().unwrap_or("tenant"))
    }

    /// Notes that something is about to be sealed to these sets.
    pub(crate) fn note_sealing(key_box: &mut KeyBox, store: &SqliteStore, sets: &Sealable) -> Result<(), DeskError> {
        for held in std::iter::once(&sets.set).chain(&sets.reserve) {
            key_box.note(store, &Entry::Sealed { set: held.fingerprint(), at: SystemClock.now() })?;
        }
        Ok(())
    }

    /// To what is sealed now. A reserve that is declared and not ready keeps nobody from it, and is told.
    pub(crate) fn sealable(&self, key_box: &KeyBox, world: &World) -> Result<Sealable, DeskError> {
        if let Err(why) = key_box.reserve()
            && self.has_reserve()
        {
            world.note(&format!("it is not sealed to the reserve that is held outside: {why}"));
        }
        Sealable::of(key_box)
    }

    /// Whether a reserve is declared.
    pub(crate) fn has_reserve(&self) -> bool {
        self.config.people().iter().any(|person| person.kind == PersonKind::Reserve)
    }

    /// The set that is meant: the named one, else the next, else the one to seal to.
    pub(crate) fn meant<'b>(&self, key_box: &'b KeyBox, named: Option<&str>) -> Result<&'b HeldSet, DeskError> {
        let by_name = |held: &&HeldSet| {
            let fingerprint = held.fingerprint().to_string();
            named.is_some_and(|named| held.set().id.to_string() == named || fingerprint == named)
        };
        match named {
            Some(named) => {
                let found = key_box.sets().iter().rev().find(by_name);
                found.ok_or_else(|| DeskError::NoSet(named.to_owned()))
            }
            // What is to be made ready is meant first.
            None => match key_box.next().or_else(|| key_box.next_reserve().filter(|(_, ready)| ready.is_err())) {
                Some((held, _)) => Ok(held),
                None => Ok(key_box.sealable()?),
            },
        }
    }
}

/// Takes what was done into the ledger. That it cannot be undoes nothing: the next command tries again.
pub(crate) fn enter(store: &SqliteStore, world: &World) {
    if let Err(error) = catch_up(store, SystemClock.now()) {
        world.complain(&CheckoutFailure::from(error).into());
    }
}

/// How the rotations stand of every account that has a record, with its id.
pub(crate) fn courses(store: &dyn Store) -> Result<Vec<(String, Course)>, DeskError> {
    let streams = store.streams(journey::STREAM)?;
    let accounts = streams.iter().filter_map(|stream| stream.strip_prefix(journey::STREAM));
    accounts.map(|account| Ok((account.to_owned(), course_of(store, account)?.0))).collect()
}

/// What went wrong, with the reasons below it.
fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source()).map(ToString::to_string);
    std::iter::once(error.to_string()).chain(causes).collect::<Vec<_>>().join(": ")
}

/// A path that means the same wherever somebody reads it.
fn whole(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

/// That a document lies under its own name: by another it would be taken for what it is not.
fn in_its_place(name: &Name, document: Document, place: &str) -> Result<Document, DeskError> {
    let label = document.label();
    let found = label.envelope.to_string();
    if found == name.as_str() {
        return Ok(document);
    }
    let (name, place, account) = (name.to_string(), place.to_owned(), label.account.user_principal_name.clone());
    Err(DeskError::Misplaced { name, place, found, account })
}

/// A document as the operator signed it.
pub(crate) fn confirmed(name: &str, text: &str, operator: Fingerprint) -> Result<Document, DeskError> {
    let read = Document::read(text).and_then(|document| document.confirmed(operator));
    read.map_err(|source| DeskError::Document { name: name.to_owned(), source })
}

/// The id of somebody, as a name.
pub(crate) fn name_of(id: &str) -> Result<Name, DeskError> {
    Name::read(id).map_err(|source| DeskError::PersonName { id: id.to_owned(), source })
}

/// The key in a file; its passphrase is asked for if it has one.
pub(crate) fn signing_key(path: &Path, of: KeyUse) -> Result<SigningKey, DeskError> {
    let question = format!("Passphrase of `{}`: ", path.display());
    Ok(SigningKey::of_seed(key_file::read(path, of, || passphrase::of_key(&question))?))
}

/// Makes a key and writes it into a file.
pub(crate) fn new_signing_key(path: &Path, of: KeyUse, has_passphrase: bool) -> Result<SigningKey, DeskError> {
    let key = SigningKey::generate(|buffer| SystemRandom.fill(buffer))?;
    let question = format!("A passphrase for `{}`: ", path.display());
    let passphrase = has_passphrase.then(|| passphrase::chosen(&question)).transpose().map_err(TerminalError::Io)?;
    let public = key.public().to_string();
    key.with_seed(|seed| key_file::write(path, of, &public, seed, passphrase.as_ref().map(|text| text.as_str())))?;
    Ok(key)
}
