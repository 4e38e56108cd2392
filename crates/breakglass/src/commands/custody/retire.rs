//! `custody retire`: a set has to be replaced.

use breakglass_adapters::clock::SystemClock;
use breakglass_custody::approval::REASON_CHARS_MAX;
use breakglass_ops::key_box::record::Entry;
use breakglass_ops::ports::Clock as _;

use super::CustodyFailure;
use super::counting::nothing_counts;
use super::desk::{DeskError, Place, name_of};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::wiring::World;

/// Have a set of shares replaced: a custodian left, or a share is lost
///
/// Nothing is sealed to it any more. What is sealed to it already still opens with its shares, until `rotate` has sealed
/// another password to the next set; the shares are kept until then.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The set [default: the next one, else the one that is sealed to]
    #[arg(long, value_name = "SET")]
    set: Option<String>,

    /// Why, in as many words as it takes; they need no quotes
    #[arg(long, value_name = "TEXT", required = true, num_args = 1..)]
    reason: Vec<String>,

    /// Nothing that counts is sealed to it any more, and its shares are destroyed
    #[arg(long)]
    destroyed: bool,

    /// A document in no record of this machine of which somebody knows that its password was never set, or that what is in it
    /// counts no more, so that it keeps no set alive; may be given several times
    #[arg(long, value_name = "NAME", requires = "destroyed")]
    never_set: Vec<String>,

    #[command(flatten)]
    place: Place,
}

/// A reason on one line, within its limit. It comes in words: whoever types it at night may leave the quotes out.
pub(crate) fn reason(words: &[String]) -> Result<String, CustodyFailure> {
    let text = words.join(" ");
    let is_line = !text.trim().is_empty() && !text.chars().any(char::is_control);
    let is_short = text.chars().count() <= REASON_CHARS_MAX;
    if is_line && is_short { Ok(text) } else { Err(CustodyFailure::Reason) }
}

impl Arguments {
    pub(super) fn run(&self, world: &World) -> Result<Exit, Failure> {
        let reason = reason(&self.reason)?;
        let desk = self.place.desk(world)?;
        let store = desk.store()?;
        let mut key_box = desk.key_box(&store)?;
        let held = desk.meant(&key_box, self.set.as_deref())?.clone();
        let (set, at) = (held.fingerprint(), SystemClock.now());
        if self.destroyed {
            let never_set = self.never_set.iter().map(|name| name_of(name)).collect::<Result<Vec<_>, _>>()?;
            nothing_counts(&desk, &store, (&held, &never_set))?;
        }
        let told = match self.never_set.as_slice() {
            [] => reason,
            names => format!("{reason} (never set, as told: {})", names.join(", ")),
        };
        // What is only told is written down before the set dies by it.
        if !self.destroyed || !self.never_set.is_empty() {
            key_box.note(&store, &Entry::Retired { set, reason: told, at }).map_err(DeskError::from)?;
        }
        if self.destroyed {
            key_box.note(&store, &Entry::Died { set, at }).map_err(DeskError::from)?;
        }
        desk.enter(&store, world);
        if self.destroyed {
            world.tell(&format!("The set `{}` is dead.", held.set().id));
        } else {
            world.tell(&format!(
                "From now on nothing more is sealed to the set `{}`. What is sealed to it already still opens with its shares: they \
                 are kept until `breakglass custody list` says that they are to be destroyed.",
                held.set().id
            ));
            let reserve = if held.is_reserve { " --reserve" } else { "" };
            world.note(&format!(
                "next: `breakglass custody new-set{reserve}`, then `breakglass rotate` for each account that is sealed to it"
            ));
        }
        Ok(Exit::Good)
    }
}
