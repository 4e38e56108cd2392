//! `checkout open`: the custodians open what two people have agreed to.

use std::cell::RefCell;

use breakglass_adapters::clock::SystemClock;
use breakglass_adapters::sqlite_store::SqliteStore;
use breakglass_custody::approval::SignedRequest;
use breakglass_custody::document::{CredentialKind, Document};
use breakglass_custody::key_set::KeySet;
use breakglass_custody::slip39::Share;
use breakglass_ops::checkout::journey::{Found, Opening, Signatures};
use breakglass_ops::checkout::stream::SharesUsed;
use breakglass_ops::journal::catch_up;
use breakglass_ops::ports::Clock as _;

use super::CheckoutFailure;
use super::agreed::{Known, account_asked, check_outs};
use crate::commands::custody::desk::Place;
use crate::commands::custody::key_secrets::{next_step, sealed_of};
use crate::commands::custody::opening::{
    Candidates, Opened, OpeningShares, Used, half_noted, hand_in, note_used, recover, show_opened,
};
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
        let enter = |at| catch_up(&store, at);
        let known = Known { desk: &desk, account: &account };
        let opening = ByShares { known, store: &store, shares: &self.share, recovered: RefCell::default(), world };
        let done =
            check_outs(&store, &account, &enter).open(&opening).map_err(|why| match opening.recovered.take() {
                Some(set) => half_noted((&desk, &store), &set, why),
                None => why,
            })?;
        // The request is used up: that the ledger does not take it now keeps nobody from what was opened by it.
        if let Err(error) = done.entered {
            world.complain(&CheckoutFailure::from(error).into());
        }
        let (asked, (document, opened, _)) = (done.request, done.opened);
        show_opened((&desk, &document), (opened, self.spell), world)?;
        let label = document.label();
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

/// The custodians, who open with their shares.
struct ByShares<'a> {
    known: Known<'a>,
    store: &'a SqliteStore,
    shares: &'a OpeningShares,
    /// The set whose key was there.
    recovered: RefCell<Option<KeySet>>,
    world: &'a World,
}

impl Signatures for ByShares<'_> {
    type Signed = SignedRequest;
    type Error = Failure;

    fn confirm(&self, found: &Found) -> Result<SignedRequest, Failure> {
        self.known.confirm(found)
    }
}

impl Opening for ByShares<'_> {
    type Shares = (Document, Vec<Share>);
    type Opened = (Document, Opened, Used);

    fn hand_in(&self, found: &Found, _: &SignedRequest) -> Result<Self::Shares, Failure> {
        let desk = self.known.desk;
        let document = desk.document(&found.request.document)?;
        if document.label().credential == CredentialKind::Password {
            Candidates::of(desk, &self.known.account.id, self.world)?.tell_others(&document, self.world);
        }
        let shares = hand_in((desk, &document), self.shares, self.world)?;
        Ok((document, shares))
    }

    fn recover(&self, (document, shares): Self::Shares) -> Result<Self::Opened, Failure> {
        let (opened, used) = recover(&document, shares)?;
        self.recovered.replace(Some(used.set.clone()));
        Ok((document, opened, used))
    }

    fn note_key(&self, (document, _, used): &Self::Opened) -> Result<Option<SharesUsed>, Failure> {
        Ok(Some(note_used(self.known.desk, self.store, (document, used))?))
    }
}
