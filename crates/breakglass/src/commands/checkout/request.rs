//! `checkout request`: somebody asks, with a reason.

use std::path::PathBuf;

use breakglass_adapters::clock::SystemClock;
use breakglass_adapters::random::SystemRandom;
use breakglass_custody::approval::{Request, SignedRequest};
use breakglass_custody::document::{Document, EnvelopeId};
use breakglass_ops::checkout::record::{
    self, Entry, OUT_HOURS_MAX, OUT_HOURS_USUAL, REQUEST_HOURS_MAX, REQUEST_HOURS_USUAL,
};
use breakglass_ops::checkout::stream::note;
use breakglass_ops::journal::catch_up;
use breakglass_ops::ports::{Clock as _, Random as _};
use jiff::SignedDuration;

use super::agreed::own_key;
use super::{CheckoutFailure, with_key};
use crate::commands::custody::CustodyFailure;
use crate::commands::custody::desk::{Desk, DeskError, Place, name_of};
use crate::commands::custody::opening::Candidates;
use crate::commands::custody::retire::reason;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::day_and_time;
use crate::wiring::World;

/// Ask that the password of an account is opened, or another document of it
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The account whose password is opened: its sign-in name or id
    #[arg(long, value_name = "UPN|ID", required_unless_present = "document", conflicts_with = "document")]
    account: Option<String>,

    /// The document: its name, as `custody list` shows it; for the PIN of a security key, or the private key of a certificate
    #[arg(long, value_name = "NAME")]
    document: Option<String>,

    /// The id of whoever asks
    #[arg(long, value_name = "ID")]
    person: String,

    /// Why, in as many words as it takes; they need no quotes
    #[arg(long, value_name = "TEXT", required = true, num_args = 1..)]
    reason: Vec<String>,

    /// Hours until which it can be agreed to and opened
    #[arg(long, value_name = "HOURS", default_value_t = REQUEST_HOURS_USUAL, value_parser = clap::value_parser!(i64).range(1..=REQUEST_HOURS_MAX))]
    expires_in: i64,

    /// Hours for which it may be out
    #[arg(long, value_name = "HOURS", default_value_t = OUT_HOURS_USUAL, value_parser = clap::value_parser!(i64).range(1..=OUT_HOURS_MAX))]
    out: i64,

    /// The file with the key of whoever asks [default: ID.key]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,

    #[command(flatten)]
    place: Place,
}

impl Arguments {
    fn document(&self, desk: &Desk, world: &World) -> Result<Document, Failure> {
        let Some(account) = &self.account else {
            return Ok(desk.document(&name_of(self.document.as_deref().unwrap_or_default())?)?);
        };
        let candidates = Candidates::of(desk, account, world)?;
        candidates.counts(desk)?;
        Ok(candidates.into_first())
    }

    pub(super) fn run(&self, world: &World) -> Result<Exit, Failure> {
        let reason = reason(&self.reason)?;
        let desk = self.place.desk(world)?;
        let (person, name) = with_key(&desk, &self.person)?;
        let store = desk.store()?;
        let document = self.document(&desk, world)?;
        let key = own_key(&person, self.key.as_deref())?;
        let (label, now) = (document.label(), SystemClock.now());
        let expires = now.checked_add(SignedDuration::from_hours(self.expires_in));
        let expires = expires.map_err(|error| CustodyFailure::NotNoted(error.to_string()))?;
        let id = EnvelopeId::generate(|buffer: &mut [u8]| SystemRandom.fill(buffer)).map_err(DeskError::from)?;
        let request = Request {
            id,
            account: label.account.clone(),
            document: label.envelope,
            person: person.id.clone(),
            reason: reason.clone(),
            asked_on: now,
            expires_on: expires,
            out_hours: u16::try_from(self.out).unwrap_or(u16::MAX),
        };
        let signed = SignedRequest::sign(&request, &key);
        let signed = signed.map_err(|source| CheckoutFailure::Signed { person: person.id.clone(), source })?;
        let entry = Entry::Requested(record::Request {
            request: name_of(&id.to_string())?,
            person: name,
            document: name_of(&label.envelope.to_string())?,
            reason,
            at: now,
            expires_at: expires,
            out_hours: self.out,
        });
        note(&store, &label.account.id, &entry, Some(signed.text())).map_err(CheckoutFailure::from)?;
        catch_up(&store, now).map_err(CheckoutFailure::from)?;
        let account = &label.account.user_principal_name;
        let (name, until) = (&person.name, day_and_time(expires));
        world.tell(&format!("{name} asks for {} of `{account}`, until {until}.", label.credential));
        for other in desk.config.people().iter().filter(|other| other.id != person.id && other.key.is_some()) {
            let phone = other.phone.as_ref().map(|phone| format!(", {phone}")).unwrap_or_default();
            world.tell(&format!(
                "  {}{phone} can agree: breakglass checkout approve --account {account} --person {}",
                other.name, other.id
            ));
        }
        Ok(Exit::Good)
    }
}
