//! `custody acknowledge`: a custodian has their share and can read it.

use breakglass_adapters::clock::SystemClock;
use breakglass_custody::succession::SetEvent;
use breakglass_ops::key_box::record::Entry;
use breakglass_ops::ports::Clock as _;

use super::CustodyFailure;
use super::desk::{DeskError, Place, name_of};
use super::shares::ShareArguments;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::wiring::World;

/// Say that a custodian has their share and can read it
///
/// The holder hands in their share; one share alone opens nothing. It is held against the set as far as one share can be,
/// and is in no memory afterwards.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The id of the custodian
    #[arg(long, value_name = "ID")]
    person: String,

    /// The set [default: the next one, else the one that is sealed to]
    #[arg(long, value_name = "SET")]
    set: Option<String>,

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
        let person = name_of(&self.person)?;
        let what = format!("The set {}, for {}.", held.set().id, desk.called(&person));
        for share in self.share.read(held.set(), 1, &what, world)? {
            let event = SetEvent::acknowledged(held.set(), &share).map_err(CustodyFailure::Recover)?;
            let SetEvent::Acknowledged { set, share: number } = event else { continue };
            let entry = Entry::Acknowledged { set, share: number, person: person.clone(), at: SystemClock.now() };
            key_box.note(&store, &entry).map_err(DeskError::from)?;
            world.tell(&format!("{} has share {number} of the set `{}`.", desk.called(&person), held.set().id));
        }
        desk.enter(&store, world);
        Ok(Exit::Good)
    }
}
