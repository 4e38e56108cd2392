//! Passwords of new accounts: shown once on the terminal, or sealed into files that only the holders of keys open.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use age::x25519::Recipient;
use breakglass_adapters::random::SystemRandom;
use breakglass_custody::password::{LENGTH_CHARS_USUAL, Password};
use breakglass_ops::ports::{Passwords, PasswordsError, Random as _};

use crate::codes::ErrorCode;
use crate::failure::Coded;
use crate::render::{fitted, visible};
use crate::wiring::World;

/// Whoever gets the passwords of new accounts.
#[derive(Debug, clap::Args)]
pub(crate) struct PasswordArguments {
    /// Write the password of each new account into a file of this folder, encrypted, instead of showing it once
    #[arg(long, value_name = "FOLDER", requires = "recipient")]
    passwords_to: Option<PathBuf>,

    /// A public key of age (`age1…`) that the passwords are encrypted to; may be given several times
    #[arg(long, value_name = "KEY", value_parser = recipient, requires = "passwords_to")]
    recipient: Vec<Recipient>,

    /// Make each new account with a password that nobody has; `breakglass rotate` then gives it the first that is sealed
    #[arg(long, conflicts_with = "passwords_to")]
    password_by_rotation: bool,
}

pub(super) fn recipient(text: &str) -> Result<Recipient, String> {
    Recipient::from_str(text).map_err(|why| format!("it is no public key of age: {why}"))
}

/// Nobody would get the passwords.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoKeeper {
    /// Nobody sees them.
    #[error("accounts are to be made, and nobody would see their passwords")]
    NoTerminal,
}

pub(crate) const CODES: &[ErrorCode] = &[ErrorCode {
    code: "BG4016",
    title: "nobody would see the passwords of new accounts",
    explanation: "The plan makes accounts. Their passwords are shown once, on a terminal, or written into files that are \
                  encrypted with age: give `--passwords-to FOLDER --recipient age1…`, or run it at a terminal. With \
                  `--password-by-rotation` nobody has them, and `breakglass rotate` gives each account the first that is \
                  sealed. Nothing was changed.",
}];

impl Coded for NoKeeper {
    fn code(&self) -> &'static str {
        "BG4016"
    }

    fn help(&self) -> Option<String> {
        Some("give --passwords-to FOLDER --recipient age1…, or run it at a terminal".to_owned())
    }
}

impl PasswordArguments {
    /// Who keeps the passwords; with no account to be made, nobody has to.
    pub(super) fn keeper(&self, is_needed: bool, world: &World) -> Result<Box<dyn Passwords>, NoKeeper> {
        match &self.passwords_to {
            _ if self.password_by_rotation => Ok(Box::new(Nobodys(world.clone()))),
            Some(folder) => Ok(Box::new(Sealed {
                folder: folder.clone(),
                recipients: self.recipient.clone(),
                world: world.clone(),
            })),
            None if is_needed && !world.stderr.is_terminal => Err(NoKeeper::NoTerminal),
            None => Ok(Box::new(Shown(world.clone()))),
        }
    }
}

fn generated(account: &str) -> Result<Password, PasswordsError> {
    let made = Password::generate(LENGTH_CHARS_USUAL, |buffer| SystemRandom.fill(buffer));
    made.map_err(|error| PasswordsError { account: account.to_owned(), why: error.to_string() })
}

/// Gives each account a password that is gone with the request: who may rotate it gives it the first that counts.
struct Nobodys(World);

impl Passwords for Nobodys {
    fn prepare(&self, account: &str, _: bool) -> Result<Password, PasswordsError> {
        self.0.note(&format!("nobody has the password of {account}; next: `breakglass rotate --account {account}`"));
        generated(account)
    }
}

/// Shows each password once.
struct Shown(World);

impl Passwords for Shown {
    fn prepare(&self, account: &str, is_again: bool) -> Result<Password, PasswordsError> {
        let password = generated(account)?;
        let filled = |text: &str| fitted(&visible(text), "  ", "  ", self.0.stderr.columns);
        let head =
            filled(&format!("The password with which {account} is made now. It is shown this once; write it down:"));
        let keep = if is_again {
            "Keep those that were shown for it before as well, until the step is done: only then is it certain which one is \
             the account's."
        } else {
            "If this is stopped before the step is done, keep it: it may be the account's."
        };
        password.with_plaintext(|text| self.0.tell(&format!("\n{head}\n    {text}\n\n{}", filled(keep))));
        Ok(password)
    }
}

/// Writes each password into a file that is encrypted to keys.
struct Sealed {
    folder: PathBuf,
    recipients: Vec<Recipient>,
    world: World,
}

impl Passwords for Sealed {
    fn prepare(&self, account: &str, is_again: bool) -> Result<Password, PasswordsError> {
        let password = generated(account)?;
        let failed = |why: String| PasswordsError { account: account.to_owned(), why };
        let path = self.free_path(account);
        let sealed = password.with_plaintext(|text| seal(text, &self.recipients)).map_err(&failed)?;
        let write = || -> std::io::Result<()> {
            fs::create_dir_all(&self.folder)?;
            let mut options = fs::OpenOptions::new();
            options.write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let mut file = options.open(&path)?;
            file.write_all(&sealed)?;
            file.sync_all()?;
            if cfg!(unix) { fs::File::open(&self.folder)?.sync_all() } else { Ok(()) }
        };
        write().map_err(|error| failed(format!("`{}` cannot be written: {error}", path.display())))?;
        let before = if is_again { "; keep what was written for it before until the step is done" } else { "" };
        self.world.note(&format!("the password of `{account}` is in `{}`{before}", path.display()));
        Ok(password)
    }
}

impl Sealed {
    /// A name that no file has: what was sealed before is never overwritten, since it may be the one that is in force.
    fn free_path(&self, account: &str) -> PathBuf {
        let safe: String = account
            .chars()
            .map(|letter| if letter.is_ascii_alphanumeric() || "@.-_".contains(letter) { letter } else { '_' })
            .collect();
        let numbered = |number: usize| match number {
            1 => self.folder.join(format!("{safe}.age")),
            number => self.folder.join(format!("{safe}.{number}.age")),
        };
        (1..).map(numbered).find(|path| !path.exists()).unwrap_or_else(|| Path::new(&safe).to_path_buf())
    }
}

/// The text, encrypted to every key, as age writes it for mail and paper.
pub(super) fn seal(text: &str, recipients: &[Recipient]) -> Result<Vec<u8>, String> {
    let keys = recipients.iter().map(|key| key as &dyn age::Recipient);
    let encryptor = age::Encryptor::with_recipients(keys).map_err(|error| error.to_string())?;
    let mut sealed = Vec::new();
    let armored = age::armor::ArmoredWriter::wrap_output(&mut sealed, age::armor::Format::AsciiArmor);
    let mut writer = armored.and_then(|armored| encryptor.wrap_output(armored)).map_err(|error| error.to_string())?;
    writer.write_all(text.as_bytes()).map_err(|error| error.to_string())?;
    let armored = writer.finish().map_err(|error| error.to_string())?;
    armored.finish().map_err(|error| error.to_string())?;
    Ok(sealed)
}
