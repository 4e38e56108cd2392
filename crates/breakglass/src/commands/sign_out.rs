//! `sign-out`: nobody is remembered any more.

use std::path::PathBuf;

use crate::codes::ErrorCode;
use crate::config::SignInName;
use crate::exit::Exit;
use crate::failure::{Coded, Failure};
use crate::live::{Live, LiveError};
use crate::subject::{SubjectArguments, folder_of};
use crate::wiring::World;

/// Forget who is signed in
///
/// The sign-in of a person is remembered on this machine, encrypted, for each tenant and application. This forgets it, so
/// that the next command signs in anew, as the same person or another. Sessions in the tenant are not ended by it.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The configuration [default: breakglass.toml of this folder]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// The sign-in is remembered still.
#[derive(Debug, thiserror::Error)]
#[error("the sign-in is not forgotten: {0}")]
pub(crate) struct NotForgotten(String);

pub(crate) const CODES: &[ErrorCode] = &[ErrorCode {
    code: "BG2008",
    title: "the sign-in is not forgotten",
    explanation: "The file that remembers it cannot be deleted, or the store that has its key cannot be reached. Delete the \
                  file that is named; without its key it is of no use to anybody.",
}];

impl Coded for NotForgotten {
    fn code(&self) -> &'static str {
        "BG2008"
    }

    fn help(&self) -> Option<String> {
        Some("delete the file that is named".to_owned())
    }
}

impl Arguments {
    pub(super) fn run(&self, world: &World) -> Result<Exit, Failure> {
        let found = SubjectArguments::config_of(self.config.as_deref(), world)?;
        let (config, name) = found.ok_or(LiveError::NoTenant)?;
        let folder = folder_of(&name);
        match config.connection(&folder).sign_in {
            SignInName::AzureCli => {
                world.note("the Azure CLI keeps its own sign-in: `az logout` ends it");
                return Ok(Exit::Good);
            }
            SignInName::ClientSecret | SignInName::ClientCertificate => {
                world.note("an application signs in, of which nothing is remembered");
                return Ok(Exit::Good);
            }
            SignInName::DeviceCode | SignInName::Browser => {}
        }
        let live = Live::connect(&config, &folder, &[], world)?;
        live.runtime.block_on(live.directory.forget()).map_err(NotForgotten)?;
        world.note("nobody is remembered for this tenant and application; the next command signs in");
        Ok(Exit::Good)
    }
}
