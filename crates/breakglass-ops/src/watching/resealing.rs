//! Whether the password of an account was changed since somebody knew it.
//!
//! Both times are the directory's: of the sign-in, and of the last change of the password as it was read after a proof. No clock
//! of this machine is asked, which may be wrong by more than lies between the two.

use jiff::Timestamp;

use super::event::Reached;
use crate::ports::{StoreError, WatchStore};

/// Sign-ins that are read at once.
const PAGE_COUNT: usize = 1_000;

/// When somebody had the right password or key last, at the first `covers` sign-ins of an incident.
///
/// # Errors
/// The place is not readable.
pub fn right_at(store: &dyn WatchStore, stream: &str, covers: u64) -> Result<Option<Timestamp>, StoreError> {
    let (mut after, mut last) = (0, None);
    loop {
        let page = store.events(stream, after, PAGE_COUNT)?;
        let right = page.iter().filter(|kept| kept.number <= covers && kept.event.reached >= Reached::Credential);
        last = last.max(right.map(|kept| kept.event.at).max());
        match page.last().filter(|kept| kept.number < covers) {
            Some(kept) => after = kept.number,
            None => return Ok(last),
        }
    }
}

/// Whether a change of the password that was sealed and proved came after that. What is not known counts as no.
#[must_use]
pub fn is_resealed(right_at: Option<Timestamp>, changed_at: Option<Timestamp>) -> bool {
    match (right_at, changed_at) {
        (Some(right_at), Some(changed_at)) => changed_at > right_at,
        _ => false,
    }
}
