//! `custody generate`: a password, or a key that somebody signs with.

use std::path::PathBuf;

use breakglass_adapters::key_file::KeyUse;
use breakglass_adapters::random::SystemRandom;
use breakglass_custody::password::{LENGTH_CHARS_MAX, LENGTH_CHARS_MIN, LENGTH_CHARS_USUAL, Password, PasswordError};
use breakglass_ops::ports::Random as _;

use super::CustodyFailure;
use super::desk::{DeskError, name_of, new_signing_key};
use super::shown::{Spelling, show};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::deliver;
use crate::wiring::World;

/// Make a password, or a key to sign requests and approvals with
///
/// A password is drawn uniformly from all that have capital and small letters, digits and special characters, of 64
/// characters that are not mistaken for each other on paper. It is shown and kept nowhere; to seal it in the same step use
/// `custody seal --generate`, and to change an account's `rotate`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// A password, shown at the terminal or written to standard output
    Password {
        /// Characters
        #[arg(long, value_name = "COUNT", default_value_t = LENGTH_CHARS_USUAL, value_parser = length)]
        length: usize,

        /// Spell it for reading aloud
        #[arg(long, value_name = "LANGUAGE")]
        spell: Option<Spelling>,
    },
    /// A key that a person signs requests and approvals with; its public half goes into the configuration
    SigningKey {
        /// The id of the person, as in the configuration
        #[arg(long, value_name = "ID")]
        person: String,

        /// The file for the key, which must not be there yet [default: ID.key]
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,

        /// Encrypt it with a passphrase, which is asked for
        #[arg(long)]
        passphrase: bool,
    },
}

fn length(text: &str) -> Result<usize, String> {
    let count = text.parse().ok().filter(|count| (LENGTH_CHARS_MIN..=LENGTH_CHARS_MAX).contains(count));
    count.ok_or_else(|| PasswordError::Length(text.parse().unwrap_or_default()).to_string())
}

impl Arguments {
    pub(super) fn run(&self, world: &World) -> Result<Exit, Failure> {
        match &self.what {
            What::Password { length, spell } => {
                let made = Password::generate(*length, |buffer| SystemRandom.fill(buffer));
                let password = made.map_err(CustodyFailure::Password)?;
                show(&password, "A new password. It is kept nowhere.", *spell, world).map_err(DeskError::from)?;
            }
            What::SigningKey { person, output, passphrase } => {
                let id = name_of(person)?;
                let path = output.clone().unwrap_or_else(|| PathBuf::from(format!("{id}.key")));
                let key = new_signing_key(&path, KeyUse::Person, *passphrase)?;
                world.note(&format!(
                    "the key of `{id}` is in `{}`, for `{id}` alone; below `[[custody.custodian]]` or \
                     `[[custody.person]]` with id = \"{id}\" goes key = \"…\", which follows",
                    path.display()
                ));
                deliver(world, None, &format!("{}\n", key.public()))?;
            }
        }
        Ok(Exit::Good)
    }
}
