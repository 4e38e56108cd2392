//! `ledger`: the record of what was done, shown, checked, signed, and witnessed by somebody else.

mod exported;
mod failure;
mod keys;
mod verify;
mod witness;

use std::path::{Path, PathBuf};

use breakglass_adapters::key_file::KeyUse;
use breakglass_adapters::sqlite_store::SqliteStore;
use breakglass_adapters::whole_file::write_new;
use breakglass_ledger::checkpoint::Checkpoint;
use breakglass_ledger::note::PublicKey;
use breakglass_ops::journal::{Looked, WitnessRequest, catch_up, checkpoints, look, sign_checkpoint};
use clap::{Subcommand, ValueEnum};

pub(crate) use failure::CODES;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::deliver;
use crate::render::ledger::{json, text};
use crate::state::state_of;
use crate::subject::SubjectArguments;
use crate::wiring::World;
use failure::LedgerFailure;
use keys::{NewKey, key};
use verify::VerifyArguments;
use witness::WitnessArguments;

/// Name of the file with the key of the ledger, in the folder of the state.
pub(super) const KEY_NAME: &str = "ledger.key";

/// Show, check and sign the record of what was done, or witness that of somebody else
///
/// Everything that is done with the emergency accounts is an entry of the ledger: a log in which nobody changes, removes or
/// adds an entry unnoticed, as long as a later checkpoint of it is kept somewhere else. A checkpoint says how many entries
/// there are and what they hash to, signed. A witness is another machine that signs checkpoints of a log that only grew.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show the entries
    Show {
        /// Only entries of streams whose names begin so, as `rotation/` does
        #[arg(long, value_name = "NAME")]
        stream: Option<String>,

        /// The form of the answer
        #[arg(long, value_enum, default_value_t = Form::Text)]
        format: Form,

        #[command(flatten)]
        place: Place,
    },
    /// Check that nothing was changed, removed, added or moved
    ///
    /// Computes every hash anew from what stands in the ledger, and holds it against the checkpoints: those kept beside it,
    /// and those that were kept elsewhere. Without one from elsewhere it cannot show that entries and checkpoints were
    /// removed together. It ends with exit code 1 if something is wrong, and 3 if nobody vouches for an entry.
    Verify(VerifyArguments),
    /// Write the ledger with its checkpoints and its public key into a new folder
    Export {
        /// The folder, which must not be there yet; or a file `….ndjson` for the entries alone
        path: PathBuf,

        #[command(flatten)]
        place: Place,
    },
    /// Sign how many entries there are and what they hash to
    ///
    /// The first time a key is made, and its public key is shown: keep it, and every checkpoint, where this machine is not.
    Checkpoint(CheckpointArguments),
    /// Sign the checkpoint of somebody else's ledger, if it only grew since it was seen last
    ///
    /// What was seen is remembered before anything is signed; the same again is signed again. A ledger that was changed or
    /// forked is refused with exit code 1, and both checkpoints are kept. A checkpoint that is older than what was seen is
    /// refused with exit code 2: it may be an honest one from before, or the ledger was cut off.
    Witness(WitnessArguments),
}

#[derive(Debug, clap::Args)]
struct CheckpointArguments {
    /// The file for the checkpoint, which must not be there yet [default: standard output]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// With the proof that the ledger grew from so many entries, for a witness that has seen these
    #[arg(long, value_name = "ENTRIES")]
    since: Option<u64>,

    /// What the key is called, if it is made now [default: breakglass/ and the tenant of the configuration]
    #[arg(long)]
    name: Option<String>,

    /// Encrypt the key with a passphrase, if it is made now
    #[arg(long)]
    passphrase: bool,

    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Form {
    /// For reading in a terminal
    Text,
    /// One document
    Json,
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

impl Place {
    fn folder(&self) -> PathBuf {
        state_of(self.state.as_deref(), self.config.as_deref())
    }

    /// The record, if there is one.
    fn store(&self) -> Result<SqliteStore, LedgerFailure> {
        let folder = self.folder();
        if SqliteStore::is_in(&folder) { Ok(SqliteStore::open(&folder)?) } else { Err(LedgerFailure::Nothing(folder)) }
    }
}

fn public_key(text: &str) -> Result<PublicKey, String> {
    PublicKey::read(text).map_err(|error| error.to_string())
}

impl Arguments {
    pub(super) fn run(&self, world: &World) -> Result<Exit, Failure> {
        match &self.what {
            What::Show { stream, format, place } => {
                let store = place.store()?;
                let Looked { journal, missing } = look(&store).map_err(LedgerFailure::Journal)?;
                let stream = stream.as_deref().unwrap_or_default();
                let document = match format {
                    Form::Text => text((&journal, missing.len()), stream, (world.stdout.columns, world.stdout.paint)),
                    Form::Json => json(&journal, stream),
                };
                deliver(world, None, &document)?;
                Ok(Exit::Good)
            }
            What::Verify(arguments) => arguments.run(world),
            What::Export { path, place } => {
                let store = place.store()?;
                let journal = catch_up(&store, world.now).map_err(LedgerFailure::Journal)?;
                let kept = checkpoints(&store).map_err(LedgerFailure::Kept)?;
                let key = place.folder().join(KEY_NAME);
                let key = if key.exists() { Some(keys::public(&key)?) } else { None };
                exported::write(path, &journal, &kept, key.as_ref())?;
                world.note(&format!("the ledger is in `{}`: {} entries", path.display(), journal.size()));
                Ok(Exit::Good)
            }
            What::Checkpoint(arguments) => arguments.run(world),
            What::Witness(arguments) => arguments.run(world),
        }
    }
}

fn unwritten(path: &Path) -> impl FnOnce(std::io::Error) -> LedgerFailure {
    let path = path.to_path_buf();
    move |source| LedgerFailure::Unwritten { path, source }
}

impl CheckpointArguments {
    fn run(&self, world: &World) -> Result<Exit, Failure> {
        let store = self.place.store()?;
        if let Some(path) = self.output.as_ref().filter(|path| path.exists()) {
            // Before anything is signed.
            return Err(unwritten(path)(std::io::ErrorKind::AlreadyExists.into()).into());
        }
        let found = SubjectArguments::config_of(self.place.config.as_deref(), world)?;
        let tenant = found.as_ref().and_then(|(config, _)| config.tenant_id());
        let name = || {
            let named = self.name.clone().or_else(|| tenant.map(|tenant| format!("breakglass/{tenant}")));
            named.ok_or(LedgerFailure::NoName)
        };
        let new = NewKey {
            name: &name,
            is_encrypted: self.passphrase,
            advice: "keep its public key where this machine is not, since a ledger is checked with it",
        };
        let journal = catch_up(&store, world.now).map_err(LedgerFailure::Journal)?;
        let key = key(&self.place.folder().join(KEY_NAME), KeyUse::Ledger, &new, world)?;
        let note = sign_checkpoint(&store, &journal, &key, world.now).map_err(LedgerFailure::Signing)?;
        let (checkpoint, _) = Checkpoint::read(&note, key.public())
            .map_err(|source| LedgerFailure::Signing(breakglass_ops::journal::SigningError::Key(source)))?;
        let document = match self.since {
            None => note,
            Some(old) => {
                // Somebody else may have signed more meanwhile.
                let journal = look(&store).map_err(LedgerFailure::Journal)?.journal;
                let proof = journal.tree().consistency(old, checkpoint.size());
                let proof = proof.ok_or(LedgerFailure::Since { old, size: checkpoint.size() })?;
                WitnessRequest { old, proof, note }.written()
            }
        };
        match &self.output {
            Some(path) => write_new(path, document.as_bytes()).map_err(unwritten(path))?,
            None => deliver(world, None, &document)?,
        }
        world.note(&format!("{} entries are signed; keep the checkpoint where this machine is not", checkpoint.size()));
        Ok(Exit::Good)
    }
}
