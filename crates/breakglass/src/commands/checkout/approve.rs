//! `checkout approve`: somebody else agrees.

use std::path::PathBuf;

use breakglass_adapters::clock::SystemClock;
use breakglass_custody::approval::Approval;
use breakglass_ops::checkout::record::{Entry, PERSON_COUNT_MIN};
use breakglass_ops::checkout::stream::{course_of, note};
use breakglass_ops::journal::catch_up;
use breakglass_ops::ports::Clock as _;

use super::agreed::{account_asked, own_key, still_counts, under_way};
use super::{CheckoutFailure, with_key};
use crate::commands::custody::desk::{Place, name_of};
use crate::commands::custody::key_secrets::{called, sealed_of};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::{day_and_time, visible};
use crate::wiring::World;

/// Agree that a document of an account is opened
///
/// What is agreed to is shown first: who asks, for what, why, and until when.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The account: its sign-in name or id
    #[arg(long, value_name = "UPN|ID")]
    account: String,

    /// The id of whoever agrees, who is not the one who asks
    #[arg(long, value_name = "ID")]
    person: String,

    /// The file with the key of whoever agrees [default: ID.key]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,

    /// Do not ask
    #[arg(long)]
    yes: bool,

    #[command(flatten)]
    place: Place,
}

impl Arguments {
    pub(super) fn run(&self, world: &World) -> Result<Exit, Failure> {
        let desk = self.place.desk(world)?;
        let (person, name) = with_key(&desk, &self.person)?;
        let store = desk.store()?;
        let account = account_asked(&desk, &store, (&self.account, SystemClock.now()), world)?;
        let now = SystemClock.now();
        let found = under_way(&desk, &store, &account.id, now)?;
        let asked = found.request.request();
        still_counts(&store, asked)?;
        let id = name_of(&asked.id.to_string())?;
        // What cannot follow is refused before anybody types a passphrase.
        let approved = |at| Entry::Approved { request: id.clone(), person: name.clone(), at };
        let follows =
            |entry: &Entry| found.course.clone().add(entry).map_err(|error| CheckoutFailure::Stream(error.into()));
        follows(&approved(now))?;
        let requester = name_of(&asked.person)?;
        let document = desk.document(&name_of(&asked.document.to_string())?)?;
        let label = document.label();
        let what = sealed_of(&desk, label).map_or_else(|| label.credential.to_string(), |sealed| called(&sealed));
        world.tell(&format!(
            "{} asks for {what} of `{}`,\nfrom {} until {}, because:\n\n  {}\n",
            desk.called(&requester),
            visible(&account.user_principal_name),
            day_and_time(asked.asked_on),
            day_and_time(asked.expires_on),
            visible(&asked.reason)
        ));
        if !self.yes && !world.agrees("Agree? Only `yes` does:") {
            world.note("nobody agreed, and nothing was written down");
            return Ok(Exit::NotStarted);
        }
        still_counts(&store, asked)?;
        let key = own_key(&person, self.key.as_deref())?;
        // However long somebody has thought, or looked for the passphrase.
        let now = SystemClock.now();
        let entry = approved(now);
        follows(&entry)?;
        still_counts(&store, asked)?;
        let approval = Approval::sign((&found.request, found.leaf), &person.id, now, &key);
        let approval = approval.map_err(|source| CheckoutFailure::Signed { person: person.id.clone(), source })?;
        approval.counts_for(&found.request, found.leaf).map_err(CheckoutFailure::from)?;
        note(&store, &account.id, &entry, Some(approval.text())).map_err(CheckoutFailure::from)?;
        catch_up(&store, now).map_err(CheckoutFailure::from)?;
        let (course, _) = course_of(&store, &account.id).map_err(CheckoutFailure::from)?;
        let count = course.people().count();
        world.tell(&format!("{} agrees: {count} people, of {PERSON_COUNT_MIN} that are needed.", person.name));
        if count >= PERSON_COUNT_MIN {
            world.note(&format!(
                "next: `breakglass checkout open --account {}`, with the custodians",
                account.user_principal_name
            ));
        }
        Ok(Exit::Good)
    }
}
