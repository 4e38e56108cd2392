//! `custody rehearse`: the shares open, and nothing is shown.

use std::collections::BTreeSet;

use breakglass_adapters::clock::SystemClock;
use breakglass_custody::document::Document;
use breakglass_custody::sealed;
use breakglass_custody::slip39::Share;
use breakglass_custody::succession::SetEvent;
use breakglass_ops::key_box::record::{Entry, HeldSet, KeyBox};
use breakglass_ops::ports::Clock as _;

use super::CustodyFailure;
use super::desk::{Desk, DeskError, Place};
use super::shares::ShareArguments;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::counted;
use crate::wiring::World;

/// Prove that the shares open, without showing anything
///
/// The holders hand in their shares; the key is recovered, held against the set, opens every document that is sealed to it,
/// and is gone. With all shares at once, every one of them is rehearsed; with fewer, those that were there.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The set [default: the next one, else the one that is sealed to]
    #[arg(long, value_name = "SET")]
    set: Option<String>,

    /// How many holders are here [default: all, if no file is named]
    #[arg(long, value_name = "COUNT")]
    count: Option<u8>,

    /// Every holder is here and hands in their own share, which acknowledges it as well
    #[arg(long)]
    acknowledge: bool,

    #[command(flatten)]
    share: ShareArguments,

    #[command(flatten)]
    place: Place,
}

impl Arguments {
    pub(super) fn run(&self, world: &World) -> Result<Exit, Failure> {
        let desk = self.place.desk(world)?;
        let store = desk.store()?;
        let mut key_box = desk.key_box(&store)?;
        let held = desk.meant(&key_box, self.set.as_deref())?.clone();
        let set = held.set();
        let count = usize::from(self.count.unwrap_or_else(|| set.quorum.count()));
        let what = format!("A rehearsal of the set {}, of which {} open.", set.id, set.quorum);
        let shares = self.share.read(set, count, &what, world)?;
        set.rehearse(&shares).map_err(CustodyFailure::Recover)?;
        let documents = documents_of(&desk, &held)?;
        if !documents.is_empty() {
            sealed::rehearse(&shares, &documents).map_err(CustodyFailure::Open)?;
        }
        let numbers: BTreeSet<u8> = shares.iter().map(number).collect();
        if self.acknowledge {
            acknowledge((&mut key_box, &held), &shares, &store)?;
        }
        drop(shares);
        let entry = Entry::Rehearsed { set: held.fingerprint(), shares: numbers.clone(), at: SystemClock.now() };
        key_box.note(&store, &entry).map_err(DeskError::from)?;
        desk.enter(&store, world);
        let also = match documents.len() {
            0 => String::new(),
            count => format!(
                ", and {} that {} sealed to it",
                counted(count, "document"),
                if count == 1 { "is" } else { "are" }
            ),
        };
        world.tell(&format!("{} open the set `{}`{also}. Nothing was shown.", counted(numbers.len(), "share"), set.id));
        match key_box.next().filter(|(next, _)| next.fingerprint() == held.fingerprint()) {
            Some((_, Err(missing))) => world.note(&missing.to_string()),
            Some((_, Ok(()))) => world.note("every share was acknowledged and rehearsed: the set can be sealed to"),
            None => {}
        }
        Ok(Exit::Good)
    }
}

fn number(share: &Share) -> u8 {
    share.header().member.saturating_add(1)
}

/// Documents that are sealed to a set.
fn documents_of(desk: &Desk, held: &HeldSet) -> Result<Vec<Document>, DeskError> {
    Ok(desk.documents()?.into_iter().filter(|document| document.label().is_sealed_to(held.set())).collect())
}

/// That each holder handed in their own.
fn acknowledge(
    (key_box, held): (&mut KeyBox, &HeldSet),
    shares: &[Share],
    store: &breakglass_adapters::sqlite_store::SqliteStore,
) -> Result<(), Failure> {
    for share in shares {
        let event = SetEvent::acknowledged(held.set(), share).map_err(CustodyFailure::Recover)?;
        let (SetEvent::Acknowledged { set, share }, Some(person)) = (event, held.holder(number(share))) else {
            continue;
        };
        if held.acknowledged.contains(&share) {
            continue;
        }
        let entry = Entry::Acknowledged { set, share, person: person.clone(), at: SystemClock.now() };
        key_box.note(store, &entry).map_err(DeskError::from)?;
    }
    Ok(())
}
