//! `state`: what the product remembers, backed up and put back.

use std::path::{Path, PathBuf};

use breakglass_adapters::sqlite_store::SqliteStore;
use breakglass_ops::ports::StoreError;
use clap::Subcommand;

use crate::codes::ErrorCode;
use crate::exit::Exit;
use crate::failure::{Coded, Failure};
use crate::state::state_folder;
use crate::wiring::World;

/// Back up what the product remembers, or put it back
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Write a whole copy of the state into a file
    Backup {
        /// The file, which must not be there yet
        file: PathBuf,
        #[command(flatten)]
        place: Place,
    },
    /// Put a copy into the place of a state that is not there
    Restore {
        /// The file that a backup has written
        file: PathBuf,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Debug, clap::Args)]
struct Place {
    /// The folder of the state [default: .breakglass of this folder]
    #[arg(long, value_name = "FOLDER")]
    state: Option<PathBuf>,
}

impl Place {
    fn folder(&self) -> PathBuf {
        state_folder(self.state.as_deref(), Path::new(""))
    }
}

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
                world.note(&format!("the state is in `{}`", file.display()));
            }
            What::Restore { file, place } => {
                SqliteStore::restore(file, &place.folder()).map_err(StateFailure)?;
                world.note(&format!("the state is in `{}` again", place.folder().display()));
            }
        }
        Ok(Exit::Good)
    }
}
