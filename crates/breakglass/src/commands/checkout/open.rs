//! `checkout open`: the custodians open what two people have agreed to.

use breakglass_adapters::clock::SystemClock;
use breakglass_adapters::sqlite_store::SqliteStore;
use breakglass_custody::document::CredentialKind;
use breakglass_custody::succession::Spent;
use breakglass_ops::checkout::record::Entry;
use breakglass_ops::checkout::stream::course_of;
use breakglass_ops::ports::Clock as _;

use super::CheckoutFailure;
use super::agreed::{account_asked, still_counts, under_way};
use crate::commands::custody::CustodyFailure;
use crate::commands::custody::desk::{Desk, Place, name_of};
use crate::commands::custody::key_secrets::{next_step, sealed_of};
use crate::commands::custody::opening::{Around, Candidates, OpeningShares, Used, note_opening, open_and_show};
use crate::commands::custody::shown::Spelling;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::wiring::World;

/// Open what two people have agreed to, with the shares of the custodians
///
/// Once, before the request expires. It is written down before anything is shown, with the names of those whose shares it
/// took. What was sealed is shown at the terminal, or written to standard output where that is none.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The account: its sign-in name or id
    #[arg(long, value_name = "UPN|ID")]
    account: String,

    /// Spell it for reading aloud
    #[arg(long, value_name = "LANGUAGE")]
    spell: Option<Spelling>,

    #[command(flatten)]
    share: OpeningShares,

    #[command(flatten)]
    place: Place,
}

impl Arguments {
    pub(super) fn run(&self, world: &World) -> Result<Exit, Failure> {
        let desk = self.place.desk(world)?;
        let store = desk.store()?;
        let account = account_asked(&desk, &store, (&self.account, SystemClock.now()), world)?;
        let found = under_way(&desk, &store, &account.id, SystemClock.now())?;
        let asked = found.request.request();
        still_counts(&store, asked)?;
        let (request, name) = (name_of(&asked.id.to_string())?, name_of(&asked.document.to_string())?);
        let opened = |at| Entry::Opened { request: request.clone(), document: name.clone(), at };
        // Before anybody types a share.
        let mut course = found.course.clone();
        course.add(&opened(SystemClock.now())).map_err(|error| CheckoutFailure::Stream(error.into()))?;
        let document = desk.document(&name)?;
        let label = document.label();
        if label.credential == CredentialKind::Password {
            Candidates::of(&desk, &account.id, world)?.tell_others(&document, world);
        }
        let mut remember = |used: &Used<'_>| -> Result<(), Failure> {
            let noted = note_opening(&desk, &store, (&document, used), |_| opened(SystemClock.now()));
            noted.map_err(|why| half_noted((&desk, &store), used, why))?;
            // The request is used up: that the ledger does not take it now keeps nobody from what was opened by it.
            desk.enter(&store, world);
            // The key was there, and that stays written down.
            still_counts(&store, asked)
        };
        // Somebody may have rotated, refused or opened it meanwhile.
        let may_open = || {
            still_counts(&store, asked)?;
            let (mut course, _) = course_of(&store, &account.id).map_err(CheckoutFailure::from)?;
            let follows = course.add(&opened(SystemClock.now()));
            Ok(follows.map_err(|error| CheckoutFailure::Stream(error.into()))?)
        };
        let around = Around { may_open: &may_open, remember: &mut remember };
        open_and_show((&desk, &document), (&self.share, self.spell), around, world)?;
        world.note(&format!(
            "when it is done: `breakglass checkout return --account {} --person {}`, within {} h; then {}",
            account.user_principal_name,
            asked.person,
            asked.out_hours,
            next_step(label, sealed_of(&desk, label).as_ref())
        ));
        Ok(Exit::Good)
    }
}

/// Why an opening is not written down. Unless the record is known to lack that the key was there, something is.
fn half_noted((desk, store): (&Desk, &SqliteStore), used: &Used<'_>, why: Failure) -> Failure {
    let fingerprint = used.set.recipient.fingerprint();
    let is_as_before = desk
        .key_box(store)
        .is_ok_and(|key_box| !matches!(key_box.standing(fingerprint), Some((_, Some(Spent::Opened)))));
    if is_as_before { why } else { CustodyFailure::HalfNoted { set: used.set.id.clone(), why }.into() }
}
