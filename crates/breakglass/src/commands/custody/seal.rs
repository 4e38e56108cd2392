//! `custody seal`: a password that is in force, or the PIN of a security key, sealed by hand.

use breakglass_adapters::clock::SystemClock;
use breakglass_adapters::random::SystemRandom;
use breakglass_adapters::sqlite_store::SqliteStore;
use breakglass_custody::document::Account;
use breakglass_custody::name::Name;
use breakglass_custody::password::{LENGTH_CHARS_USUAL, Password};
use breakglass_ops::ports::{Clock as _, Random as _};
use breakglass_ops::rotation::journey::{course_of, note};
use breakglass_ops::rotation::record::{self, Standing};

use super::CustodyFailure;
use super::counting::unrecorded;
use super::desk::{Desk, DeskError, Place};
use super::sealing::{Sealer, note_to_print};
use super::shown::{Spelling, show};
use crate::commands::keys::{is_id, name};
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
    #[arg(long, value_name = "KEY", value_parser = name, conflicts_with = "generate")]
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

impl Arguments {
    pub(super) fn run(&self, world: &World) -> Result<Exit, Failure> {
        let desk = self.place.desk(world)?;
        let account = Account { id: self.id.clone(), user_principal_name: self.account.clone() };
        if let Some(key) = &self.pin_of {
            return super::pin::seal(&desk, key, &account, world);
        }
        let store = desk.store()?;
        let mut sealer = Sealer::new(&desk, &store, world)?;
        if let Some(candidate) = self.left_unsaid(&store, world)? {
            desk.enter(&store, world);
            world.tell(&format!("The password of `{}` is sealed in the document `{candidate}`.", self.account));
            note_to_print(world);
            return Ok(Exit::Good);
        }
        let (course, _) = course_of(&store, &self.id).map_err(DeskError::from)?;
        // What was prepared here before and got no further is no hindrance: whoever was stopped does the same again.
        if course.may_count().next().is_some() {
            return Err(self.sealed_already(&desk, world)?.into());
        }
        if let Some(document) = unrecorded(&desk, (&self.id, &course), world)? {
            let document = document.label().envelope.to_string();
            return Err(CustodyFailure::SealedElsewhere { account: self.account.clone(), document }.into());
        }
        let declared = desk.config.declared("");
        let is_named = |name: &str| self.id.eq_ignore_ascii_case(name) || self.account.eq_ignore_ascii_case(name);
        if !declared.is_empty() && !declared.iter().any(|one| is_named(&one.name)) {
            world.note(&format!("`{}` is none of the accounts of the configuration", self.account));
        }
        let password = self.password()?;
        let (candidate, at) = sealer.seal_password(&password, &account, course.version())?;
        let prepared = record::Entry::Prepared { candidate: candidate.clone(), at };
        note(&store, &self.id, &[record::Entry::Begun { by: None, at }, prepared]).map_err(DeskError::from)?;
        let ended = self.set((&store, &candidate), &password, world);
        if let Ok((Some(entry), _)) = &ended {
            note(&store, &self.id, std::slice::from_ref(entry)).map_err(DeskError::from)?;
        }
        desk.enter(&store, world);
        let (entry, exit) = ended?;
        if !matches!(entry, Some(record::Entry::Refused { .. })) {
            world.tell(&format!("The password of `{}` is sealed in the document `{candidate}`.", self.account));
            note_to_print(world);
        }
        Ok(exit)
    }

    /// Why nothing is sealed where something is: the account has it, or another one whose id this is.
    fn sealed_already(&self, desk: &Desk, world: &World) -> Result<CustodyFailure, Failure> {
        let found = desk.documents_found(world)?;
        let of_id = found.iter().map(|document| &document.label().account);
        let mut of_id = of_id.filter(|account| account.id.eq_ignore_ascii_case(&self.id)).peekable();
        let owner = of_id.peek().map(|account| account.user_principal_name.clone());
        let is_own = of_id.any(|account| account.user_principal_name.eq_ignore_ascii_case(&self.account));
        Ok(match owner {
            Some(owner) if !is_own => {
                CustodyFailure::OthersId { id: self.id.clone(), account: self.account.clone(), owner }
            }
            _ => CustodyFailure::Sealed(self.account.clone()),
        })
    }

    /// Asks of a password that was shown here before, and of which nobody has said whether it is set. The document, if it is.
    fn left_unsaid(&self, store: &SqliteStore, world: &World) -> Result<Option<Name>, Failure> {
        let (course, _) = course_of(store, &self.id).map_err(DeskError::from)?;
        let all: Vec<&Name> = course.may_count().collect();
        let [candidate] = all[..] else { return Ok(None) };
        if course.standing(candidate) != Some(Standing::Sent) {
            return Ok(None);
        }
        let question = format!(
            "The password in the document `{candidate}` was shown before, and nobody has said whether it is set. `yes`, or `no` if it \
             is not and will not be:"
        );
        let (candidate, at) = (candidate.clone(), SystemClock.now());
        let (entry, found) = match world.answer(&question).as_deref() {
            Some("yes") => (record::Entry::Settled { candidate: candidate.clone(), at }, Some(candidate)),
            Some("no") => (record::Entry::Refused { candidate, at }, None),
            _ => return Ok(None),
        };
        note(store, &self.id, &[entry]).map_err(DeskError::from)?;
        Ok(found)
    }

    /// Has somebody set it, and gives what is true then. It may count from the moment at which somebody has it, which is written
    /// down before; it counts when they say that it is set.
    fn set(
        &self,
        (store, candidate): (&SqliteStore, &Name),
        password: &Password,
        world: &World,
    ) -> Result<(Option<record::Entry>, Exit), Failure> {
        let settled = || record::Entry::Settled { candidate: candidate.clone(), at: SystemClock.now() };
        if !self.generate {
            return Ok((Some(settled()), Exit::Good));
        }
        let sending = record::Entry::Sending { candidate: candidate.clone(), at: SystemClock.now() };
        note(store, &self.id, &[sending]).map_err(DeskError::from)?;
        let head = format!("The password of {}. Set it now; it is shown this once.", self.account);
        show(password, &head, self.spell, world).map_err(CustodyFailure::NotShown)?;
        // A program that was given it sets it.
        if !world.stdout.is_terminal {
            return Ok((Some(settled()), Exit::Good));
        }
        let question = format!("Is it set for {}? `yes`, or `no` if it is not and will not be:", self.account);
        Ok(match world.answer(&question).as_deref() {
            Some("yes") => (Some(settled()), Exit::Good),
            Some("no") => {
                world.note("it counts for nothing then; the same again makes another");
                let refused = record::Entry::Refused { candidate: candidate.clone(), at: SystemClock.now() };
                (Some(refused), Exit::NotStarted)
            }
            _ => {
                world.note(&format!(
                    "nobody has said whether it is set, so that it may count: `breakglass rotate --account {}` sets one that does",
                    self.account
                ));
                (None, Exit::Unknown)
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
