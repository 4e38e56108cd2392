//! Whether a sign-in is one of ours: the proof of a password that a rotation has set.
//!
//! A rotation writes down that it will sign in, and under which id the log will have it, before it does. What the log has under
//! that id, of that account, at about that time, is told as ours; it is told all the same.
//! **Limits:** [`OWN_MINUTES_MAX`].

use jiff::SignedDuration;

use super::event::Event;
use crate::ports::{Store, StoreError};
use crate::rotation::correlation::correlation_id;
use crate::rotation::journey::stream_of;
use crate::rotation::record::Entry;

/// Minutes between what we wrote down and what the log says, by two clocks.
pub const OWN_MINUTES_MAX: i64 = 30;

/// Whether a rotation has announced it.
///
/// # Errors
/// The record is not readable.
pub fn is_own(store: &dyn Store, event: &Event) -> Result<bool, StoreError> {
    let Some(id) = event.correlation_id.as_deref() else { return Ok(false) };
    let is_it = |(index, value): (usize, serde_json::Value)| {
        let Ok(Entry::Probing { candidate, at }) = serde_json::from_value(value) else { return false };
        let is_then = at.duration_until(event.at).abs() <= SignedDuration::from_mins(OWN_MINUTES_MAX);
        is_then && correlation_id(&candidate, index).eq_ignore_ascii_case(id)
    };
    Ok(store.entries(&stream_of(&event.account))?.into_iter().enumerate().any(is_it))
}
