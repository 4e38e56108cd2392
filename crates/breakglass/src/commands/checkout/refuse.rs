//! `checkout refuse`: somebody does not agree, or whoever asked needs it no more.

use breakglass_adapters::clock::SystemClock;
use breakglass_ops::checkout::journey::request_of;
use breakglass_ops::checkout::record::Entry;
use breakglass_ops::checkout::stream::{course_of, note};
use breakglass_ops::journal::catch_up;
use breakglass_ops::ports::Clock as _;

use super::CheckoutFailure;
use super::agreed::account_asked;
use crate::commands::custody::desk::{Place, name_of};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::wiring::World;

/// Do not agree, or take back what was asked for
///
/// Nobody signs it: the name is written down as told.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The account: its sign-in name or id
    #[arg(long, value_name = "UPN|ID")]
    account: String,

    /// The id of whoever refuses, or asked
    #[arg(long, value_name = "ID")]
    person: String,

    #[command(flatten)]
    place: Place,
}

impl Arguments {
    pub(super) fn run(&self, world: &World) -> Result<Exit, Failure> {
        let desk = self.place.desk(world)?;
        let person = desk.person(&self.person)?;
        let store = desk.store()?;
        let account = account_asked(&desk, &store, (&self.account, SystemClock.now()), world)?;
        let now = SystemClock.now();
        let (course, _) = course_of(&store, &account.id).map_err(CheckoutFailure::from)?;
        let request = request_of(&course, &self.account, now).map_err(CheckoutFailure::from)?.request.clone();
        let entry = Entry::Refused { request, person: name_of(&person.id)?, at: now };
        note(&store, &account.id, &entry, None).map_err(CheckoutFailure::from)?;
        catch_up(&store, now).map_err(CheckoutFailure::from)?;
        world.tell(&format!("What was asked for of `{}` is over.", account.user_principal_name));
        Ok(Exit::Good)
    }
}
