//! `custody seal`: a password that is in force, or the PIN of a security key, sealed by hand.

use breakglass_adapters::clock::SystemClock;
use breakglass_adapters::random::SystemRandom;
use breakglass_custody::document::{Account, CredentialKind, Document, EnvelopeId, Label};
use breakglass_custody::name::Name;
use breakglass_custody::password::{LENGTH_CHARS_USUAL, Password};
use breakglass_custody::sealed;
use breakglass_ops::ports::{Clock as _, Depository as _, Random as _};
use breakglass_ops::rotation::journey::{course_of, note};
use breakglass_ops::rotation::record;

use super::CustodyFailure;
use super::desk::{Desk, DeskError, Place, confirmed, name_of};
use super::shown::{Spelling, show};
use crate::commands::keys::is_id;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::passphrase::asked;
use crate::terminal::TerminalError;
use crate::wiring::World;

/// Seal the first password of an account by hand, or the PIN of a security key
///
/// For a password that is in force already, or that is set by hand in the portal: with `--generate` somebody is asked whether
/// it is set, and only then it counts. One that is typed has 16 characters at least, capital and small letters, digits and
/// signs. What replaces it later is made, sealed, set
/// and proved by `rotate`. With `--pin-of` it is the PIN of a key that `keys note` has written down: it is asked for, or is the
/// first line of standard input.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The sign-in name of the account
    #[arg(long, value_name = "UPN")]
    account: String,

    /// The object id of the account
    #[arg(long, value_name = "ID", value_parser = object_id)]
    id: String,

    /// Seal the PIN of this security key of the account
    #[arg(long, value_name = "KEY", value_parser = pin_of, conflicts_with = "generate")]
    pin_of: Option<Name>,

    /// Make the password, and show it once when it is sealed
    #[arg(long)]
    generate: bool,

    /// Spell it for reading aloud
    #[arg(long, value_name = "LANGUAGE", requires = "generate")]
    spell: Option<Spelling>,

    #[command(flatten)]
    place: Place,
}

fn object_id(text: &str) -> Result<String, String> {
    if is_id(text) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err("expected an object id, as the tenant shows it".to_owned())
    }
}

fn pin_of(text: &str) -> Result<Name, String> {
    Name::read(text).map_err(|error| error.to_string())
}

impl Arguments {
    pub(super) fn run(&self, world: &World) -> Result<Exit, Failure> {
        let desk = self.place.desk(world)?;
        if let Some(key) = &self.pin_of {
            let account = Account { id: self.id.clone(), user_principal_name: self.account.clone() };
            return super::pin::seal(&desk, key, &account, world);
        }
        let store = desk.store()?;
        let operator = desk.operator_key()?;
        let mut key_box = desk.key_box(&store)?;
        let sets = desk.sealable(&key_box, world)?;
        let (course, _) = course_of(&store, &self.id).map_err(DeskError::from)?;
        // What was prepared here before and got no further is no hindrance: whoever was stopped does the same again.
        if course.may_count().next().is_some() {
            return Err(CustodyFailure::Sealed(self.account.clone()).into());
        }
        let declared = desk.config.declared("");
        let is_named = |name: &str| self.id.eq_ignore_ascii_case(name) || self.account.eq_ignore_ascii_case(name);
        if !declared.is_empty() && !declared.iter().any(|one| is_named(&one.name)) {
            world.note(&format!("`{}` is none of the accounts of the configuration", self.account));
        }
        let password = self.password()?;
        let fill = |buffer: &mut [u8]| SystemRandom.fill(buffer);
        let now = SystemClock.now();
        let label = Label {
            envelope: EnvelopeId::generate(fill).map_err(DeskError::from)?,
            set: sets.set.set().clone(),
            reserve: sets.reserve.as_ref().map(|held| held.set().clone()),
            account: Account { id: self.id.clone(), user_principal_name: self.account.clone() },
            credential: CredentialKind::Password,
            version: course.version(),
            sealed_on: now,
        };
        Desk::note_sealing(&mut key_box, &store, &sets)?;
        let document = sealed::seal(&password, &label, sets.signed(), &operator).map_err(CustodyFailure::Seal)?;
        keep(&desk, &document)?;
        let candidate = name_of(&label.envelope.to_string())?;
        let prepared = record::Entry::Prepared { candidate: candidate.clone(), at: now };
        note(&store, &self.id, &[record::Entry::Begun { by: None, at: now }, prepared]).map_err(DeskError::from)?;
        let ended = self.set(&candidate, &password, world);
        if let Ok((Some(entry), _)) = &ended {
            note(&store, &self.id, std::slice::from_ref(entry)).map_err(DeskError::from)?;
        }
        desk.enter(&store, world);
        let (entry, exit) = ended?;
        if entry.is_some() {
            world.tell(&format!("The password of `{}` is sealed in the document `{candidate}`.", self.account));
        }
        Ok(exit)
    }

    /// Has somebody set it, and gives what is true then: it counts only when somebody has it and says that it is set.
    fn set(
        &self,
        candidate: &Name,
        password: &Password,
        world: &World,
    ) -> Result<(Option<record::Entry>, Exit), Failure> {
        let settled = || record::Entry::Settled { candidate: candidate.clone(), at: SystemClock.now() };
        if !self.generate {
            return Ok((Some(settled()), Exit::Good));
        }
        let head = format!("The password of {}. Set it now; it is shown this once.", self.account);
        show(password, &head, self.spell, world).map_err(DeskError::from)?;
        // A program that was given it sets it.
        if !world.stdout.is_terminal {
            return Ok((Some(settled()), Exit::Good));
        }
        let question = format!("Is it set for {}? `yes`, or `no` if it is not and will not be:", self.account);
        Ok(match world.answer(&question).as_deref() {
            Some("yes") => (Some(settled()), Exit::Good),
            Some("no") => {
                world.note("it counts for nothing then; the same again makes another");
                (None, Exit::NotStarted)
            }
            _ => {
                world.note(&format!(
                    "nobody has said whether it is set, so that it may count: `breakglass rotate --account {}` sets one that does",
                    self.account
                ));
                (Some(record::Entry::Sending { candidate: candidate.clone(), at: SystemClock.now() }), Exit::Unknown)
            }
        })
    }

    fn password(&self) -> Result<Password, Failure> {
        if self.generate {
            let made = Password::generate(LENGTH_CHARS_USUAL, |buffer| SystemRandom.fill(buffer));
            return Ok(made.map_err(CustodyFailure::Password)?);
        }
        let typed = asked(&format!("The password of {}: ", self.account))
            .map_err(|error| DeskError::from(TerminalError::Io(error)))?;
        let password = Password::of_text(typed.as_str().to_owned());
        let lacks = password.shortcomings();
        if lacks.is_empty() {
            return Ok(password);
        }
        let lacks = lacks.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        Err(CustodyFailure::Weak(lacks).into())
    }
}

/// Keeps a document in every depository, and reads it back.
pub(super) fn keep(desk: &Desk, document: &Document) -> Result<(), DeskError> {
    let name = name_of(&document.label().envelope.to_string())?;
    desk.runtime.block_on(desk.depositories().keep(&name, document.text()))?;
    let kept = desk.document(&name)?;
    confirmed(name.as_str(), kept.text(), desk.operator()?).map(drop)
}
