//! `checkout approve`: somebody else agrees.

use std::path::PathBuf;

use breakglass_adapters::clock::SystemClock;
use breakglass_custody::approval::{Approval, SignedRequest};
use breakglass_custody::signing::SigningKey;
use breakglass_ops::checkout::journey::{Agreeing, Found, Signatures};
use breakglass_ops::checkout::record::PERSON_COUNT_MIN;
use breakglass_ops::journal::catch_up;
use breakglass_ops::ports::Clock as _;
use jiff::Timestamp;

use super::agreed::{Known, account_asked, check_outs, own_key};
use super::{CheckoutFailure, with_key};
use crate::commands::custody::desk::{Place, name_of};
use crate::commands::custody::key_secrets::{called, sealed_of};
use crate::config::Person;
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
        let enter = |at| catch_up(&store, at);
        let known = Known { desk: &desk, account: &account };
        let asked = Asked { known, person: &person, arguments: self, world };
        let Some(course) = check_outs(&store, &account, &enter).agree(&name, &asked)? else {
            world.note("nobody agreed, and nothing was written down");
            return Ok(Exit::NotStarted);
        };
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

/// Whoever is asked whether they agree.
struct Asked<'a> {
    known: Known<'a>,
    person: &'a Person,
    arguments: &'a Arguments,
    world: &'a World,
}

impl Signatures for Asked<'_> {
    type Signed = SignedRequest;
    type Error = Failure;

    fn confirm(&self, found: &Found) -> Result<SignedRequest, Failure> {
        self.known.confirm(found)
    }
}

impl Agreeing for Asked<'_> {
    type Key = SigningKey;

    fn is_agreed(&self, _: &Found, signed: &SignedRequest) -> Result<bool, Failure> {
        let (desk, world, asked) = (self.known.desk, self.world, signed.request());
        let requester = name_of(&asked.person)?;
        let document = desk.document(&name_of(&asked.document.to_string())?)?;
        let label = document.label();
        let what = sealed_of(desk, label).map_or_else(|| label.credential.to_string(), |sealed| called(&sealed));
        world.tell(&format!(
            "{} asks for {what} of `{}`,\nfrom {} until {}, because:\n\n  {}\n",
            desk.called(&requester),
            visible(&self.known.account.user_principal_name),
            day_and_time(asked.asked_on),
            day_and_time(asked.expires_on),
            visible(&asked.reason)
        ));
        Ok(self.arguments.yes || world.agrees("Agree? Only `yes` does:"))
    }

    fn key(&self) -> Result<SigningKey, Failure> {
        own_key(self.person, self.arguments.key.as_deref())
    }

    fn sign(&self, found: &Found, signed: &SignedRequest, key: &SigningKey, at: Timestamp) -> Result<String, Failure> {
        let approval = Approval::sign((signed, found.leaf), &self.person.id, at, key);
        let failed = |source| CheckoutFailure::Signed { person: self.person.id.clone(), source };
        let approval = approval.map_err(failed)?;
        approval.counts_for(signed, found.leaf).map_err(CheckoutFailure::from)?;
        Ok(approval.text().to_owned())
    }
}
