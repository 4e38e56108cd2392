//! `custody seal --pin-of`: the PIN of a security key, sealed as a password is.

use breakglass_custody::document::Account;
use breakglass_custody::name::Name;
use breakglass_custody::secret::Secret;
use breakglass_ops::keys::journey::course_of;
use breakglass_ops::keys::record::{Entry, EntryError};

use super::CustodyFailure;
use super::desk::Desk;
use super::sealing::{Sealer, note_to_print};
use crate::commands::keys::{KeysFailure, typed_pin};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::wiring::World;

/// Asks for the PIN that a key has, and seals it.
pub(super) fn seal(desk: &Desk, key: &Name, account: &Account, world: &World) -> Result<Exit, Failure> {
    let store = desk.store()?;
    let (course, _) = course_of(&store, &account.id).map_err(KeysFailure::from)?;
    let refused = |error: EntryError| KeysFailure::Key(error.into());
    let found = course.key(key).ok_or_else(|| refused(EntryError::Unknown(key.clone())))?;
    if found.is_lost {
        return Err(refused(EntryError::Lost(key.clone())).into());
    }
    let mut sealer = Sealer::new(desk, &store, world)?;
    let secret = pin(key, world)?;
    let sealed = sealer.seal(&secret, account, |document, at| Entry::PinSealed { key: key.clone(), document, at });
    drop(secret);
    desk.enter(&store, world);
    let (document, _) = sealed?;
    world.tell(&format!("The PIN of the key `{key}` is sealed in the document `{document}`."));
    world.note(&format!(
        "whoever gives it another PIN writes that down with `breakglass keys pin-changed --account {} --key {key} --pin-held-by …`, \
         and seals it again",
        account.id
    ));
    note_to_print(world);
    Ok(Exit::Good)
}

/// The PIN, typed twice where somebody types it: after eight wrong ones the key locks itself.
fn pin(key: &Name, world: &World) -> Result<Secret, Failure> {
    let asked = |question: &str| -> Result<Secret, Failure> {
        Ok(Secret::pin(typed_pin(question, world)?).map_err(CustodyFailure::Secret)?)
    };
    let pin = asked(&format!("PIN of the security key `{key}`:"))?;
    if world.can_ask() && !pin.is_same(&asked("The same once more:")?) {
        return Err(CustodyFailure::TwoPins.into());
    }
    Ok(pin)
}
