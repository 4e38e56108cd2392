//! `custody record-opening`: what was opened elsewhere is written down afterwards.

use std::collections::BTreeSet;

use breakglass_adapters::clock::SystemClock;
use breakglass_adapters::sqlite_store::SqliteStore;
use breakglass_custody::name::Name;
use breakglass_ops::checkout::record::{Entry, PERSON_COUNT_MIN};
use breakglass_ops::checkout::stream::{Unexplained, unexplained};
use breakglass_ops::ports::Clock as _;
use jiff::Timestamp;

use super::CustodyFailure;
use super::desk::{Place, name_of};
use super::key_secrets::{called, next_step, sealed_of};
use super::opening::note_told_opening;
use super::retire::reason;
use crate::commands::checkout::CheckoutFailure;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::day_and_time;
use crate::subject::instant_argument;
use crate::wiring::World;

/// Write down an opening that this machine has not seen, or why it was
///
/// Enough shares were put together somewhere else, without a network or with other people's programs; or this machine has
/// seen it and nobody has said why. From then on its set is never sealed to again, and what was sealed is to be changed. Nobody
/// signs it: the names are written down as told.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The name of the document, as it stands in it and on each sheet
    #[arg(long, value_name = "NAME")]
    document: String,

    /// The id of somebody who was there; at least two
    #[arg(long, value_name = "ID", required = true)]
    person: Vec<String>,

    /// It was opened with shares of the reserve
    #[arg(long)]
    reserve: bool,

    /// Why it was opened, in as many words as it takes; they need no quotes
    #[arg(long, value_name = "TEXT", required = true, num_args = 1..)]
    reason: Vec<String>,

    /// When, as 2026-11-27T03:00:00Z [default: when this machine has seen it, else what somebody says, else now]
    #[arg(long, value_name = "TIME", value_parser = instant_argument)]
    opened_at: Option<Timestamp>,

    #[command(flatten)]
    place: Place,
}

impl Arguments {
    pub(super) fn run(&self, world: &World) -> Result<Exit, Failure> {
        let reason = reason(&self.reason)?;
        let desk = self.place.desk(world)?;
        let store = desk.store()?;
        let name = name_of(&self.document)?;
        let people: BTreeSet<_> = self.person.iter().map(|id| name_of(id)).collect::<Result<_, _>>()?;
        if people.len() < PERSON_COUNT_MIN {
            return Err(CustodyFailure::FewPeople.into());
        }
        for person in &people {
            desk.person(person.as_str())?;
        }
        let document = desk.document(&name)?;
        let label = document.label();
        if self.reserve && label.reserve.is_none() {
            return Err(CustodyFailure::NoReserve(self.document.clone()).into());
        }
        let at = SystemClock.now();
        let (opened_at, is_reserve) = self.when(&store, (&label.account.id, &name), at, world)?;
        let set = label.reserve.as_ref().filter(|_| is_reserve).unwrap_or(&label.set);
        if opened_at > at {
            return Err(CustodyFailure::Ahead(opened_at).into());
        }
        if opened_at < label.sealed_on {
            let sealed_on = day_and_time(label.sealed_on);
            world.note(&format!("look whether the time is right: by the clocks of then it was sealed on {sealed_on}, and this is written down now"));
        }
        let account = &label.account;
        let entry = Entry::OpenedOffline { document: name.clone(), people, reason, opened_at, at };
        note_told_opening(&desk, &store, (&document, set), entry)?;
        desk.enter(&store, world);
        if let [others @ .., last] = waiting(&store, (&account.id, &name))?.as_slice() {
            world.note(&format!(
                "{} of the openings of `{name}` that this machine has seen {} a reason still: the same again gives it to that of {}",
                others.len() + 1,
                if others.is_empty() { "waits for" } else { "wait for" },
                day_and_time(last.opened_at)
            ));
        }
        let (sealed, name) = (sealed_of(&desk, label), &account.user_principal_name);
        let what = match &sealed {
            Some(sealed) => called(sealed),
            None => label.credential.to_string(),
        };
        world.tell(&format!("It is written down that {what} of `{name}` was opened."));
        world.note(&format!("next: {}", next_step(label, sealed.as_ref())));
        Ok(Exit::Good)
    }

    /// When it was opened, and whether with shares of the reserve: as this machine has seen it without knowing why, or as
    /// somebody says.
    fn when(
        &self,
        store: &SqliteStore,
        (account, document): (&str, &Name),
        now: Timestamp,
        world: &World,
    ) -> Result<(Timestamp, bool), Failure> {
        let mut seen = waiting(store, (account, document))?;
        // Whoever says that it was the reserve does not speak of another opening.
        seen.retain(|one| one.is_reserve || !self.reserve);
        if let Some(opened_at) = self.opened_at {
            let is_seen = seen.iter().find(|one| one.opened_at == opened_at);
            return Ok((opened_at, is_seen.map_or(self.reserve, |one| one.is_reserve)));
        }
        if let Some(one) = seen.pop() {
            let shares = if one.is_reserve { ", with shares of the reserve" } else { "" };
            world.note(&format!(
                "it is the opening of {}{shares}, which this machine has seen",
                day_and_time(one.opened_at)
            ));
            return Ok((one.opened_at, one.is_reserve));
        }
        let answer = world.answer("When was it opened, as 2026-11-27T03:00:00Z? Enter for now:");
        let opened_at = match answer.as_deref().map(str::trim) {
            Some("") => {
                world.note("it is written down as opened now; --opened-at gives another time");
                now
            }
            Some(text) => text.parse().map_err(|_| CustodyFailure::NoTime(text.to_owned()))?,
            None => return Err(CustodyFailure::NoOpening(self.document.clone()).into()),
        };
        Ok((opened_at, self.reserve))
    }
}

/// The openings of a document of which nobody has said why, as this machine has seen them: the latest last.
fn waiting(store: &SqliteStore, (account, document): (&str, &Name)) -> Result<Vec<Unexplained>, Failure> {
    let mut seen = unexplained(store, account).map_err(CheckoutFailure::from)?;
    seen.retain(|one| one.document == *document);
    Ok(seen)
}
