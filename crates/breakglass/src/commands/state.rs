//! `state`: what the product remembers, backed up and put back.

use std::path::PathBuf;

use breakglass_adapters::sqlite_store::SqliteStore;
use breakglass_ops::ports::StoreError;
use clap::Subcommand;

use super::custody::desk::{DOCUMENTS, OPERATOR_KEY};
use super::ledger::KEY_NAME as LEDGER_KEY;
use crate::codes::ErrorCode;
use crate::exit::Exit;
use crate::failure::{Coded, Failure};
use crate::state::state_of;
use crate::wiring::World;

/// Back up what the product remembers, or put it back
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Write a copy of everything that is remembered into a file
    ///
    /// It is the database of the state. Keys (`operator.key`, `ledger.key`) and the folder `documents` are not in it: copy them
    /// as well, the keys to where secrets are kept. What is there and not in the copy is named.
    Backup {
        /// The file, which must not be there yet
        file: PathBuf,
        #[command(flatten)]
        place: Place,
    },
    /// Put a copy into the place of a state that is not there
    ///
    /// Keys and sealed documents are not in a copy, and are brought from where they are kept. What is missing is named.
    Restore {
        /// The file that a backup has written
        file: PathBuf,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Debug, clap::Args)]
struct Place {
    /// The configuration, beside which the state is [default: breakglass.toml of this folder]
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
}

/// What lies beside the database and is in no copy of it, and what it is.
const BESIDE: [(&str, &str); 3] = [
    (OPERATOR_KEY, "the operator's key, a secret, which signs sets and documents"),
    (LEDGER_KEY, "the key of the ledger, a secret, which signs checkpoints"),
    (DOCUMENTS, "the sealed documents, unless the configuration names other places for them"),
];

/// Why the state is not copied.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct StateFailure(StoreError);

pub(crate) const CODES: &[ErrorCode] = &[ErrorCode {
    code: "BG4021",
    title: "the state cannot be copied",
    explanation: "A backup is written only into a file that is not there, and put back only where there is no state: nothing \
                  is overwritten. A copy that is damaged, or of a later version of the product, is refused and nothing is \
                  changed.",
}];

impl Coded for StateFailure {
    fn code(&self) -> &'static str {
        "BG4021"
    }

    fn help(&self) -> Option<String> {
        Some("the reason is in the message; nothing was overwritten".to_owned())
    }
}

impl Arguments {
    pub(super) fn run(&self, world: &World) -> Result<Exit, Failure> {
        match &self.what {
            What::Backup { file, place } => {
                if !SqliteStore::is_in(&place.folder()) {
                    let why = "there is no state, since nothing was done yet".to_owned();
                    let place = place.folder().display().to_string();
                    return Err(StateFailure(StoreError::Unusable { place, why }).into());
                }
                let store = SqliteStore::open(&place.folder()).map_err(StateFailure)?;
                store.back_up(file).map_err(StateFailure)?;
                world.note(&format!("what is remembered is in `{}`", file.display()));
                for (name, what) in BESIDE.iter().filter(|(name, _)| place.folder().join(name).exists()) {
                    let path = place.folder().join(name);
                    world.note(&format!("`{}` is not in it: {what}; copy it as well", path.display()));
                }
            }
            What::Restore { file, place } => {
                SqliteStore::restore(file, &place.folder()).map_err(StateFailure)?;
                world.note(&format!("what was remembered is in `{}` again", place.folder().display()));
                for (name, what) in BESIDE.iter().filter(|(name, _)| !place.folder().join(name).exists()) {
                    let path = place.folder().join(name);
                    world.note(&format!(
                        "`{}` is not there, and is in no copy: {what}; if there was one, bring it from where it is kept",
                        path.display()
                    ));
                }
            }
        }
        Ok(Exit::Good)
    }
}
