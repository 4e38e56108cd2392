//! Which contacts have shown that they are reached: a test went through the channel, and somebody said the code that was in it.
//!
//! That a provider has taken a message is no proof that anybody reads it. The code is drawn anew for each contact of each test,
//! and is known to whoever reads the message and to the process that waits for it, and to nobody else.
//! **Limits:** [`TESTED_DAYS_MAX`].

use std::collections::BTreeMap;

use breakglass_custody::name::Name;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::ladder::Route;
use crate::journal::check_line;
use crate::ports::{Random, RandomError, Store, StoreError};

/// The stream of the entries.
pub const STREAM: &str = "alert/tests";

/// Days after which a contact is to be tested again.
pub const TESTED_DAYS_MAX: i64 = 90;

/// Digits of a code.
const CODE_DIGITS: usize = 6;

/// What came of a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "camelCase", deny_unknown_fields)]
pub enum Entry {
    /// Somebody said the code.
    Confirmed {
        /// By which channel it came.
        channel: Name,
        /// To whom.
        recipient: Name,
        /// Seconds from sending to saying.
        seconds: u64,
        /// When.
        at: Timestamp,
    },
    /// Nobody said it, or it was not taken.
    Unconfirmed {
        /// By which channel it should have come.
        channel: Name,
        /// To whom.
        recipient: Name,
        /// Why.
        why: String,
        /// When.
        at: Timestamp,
    },
}

/// A code: digits, each as likely as any other.
///
/// # Errors
/// There is no chance.
pub fn code(random: &dyn Random) -> Result<String, RandomError> {
    let mut code = String::with_capacity(CODE_DIGITS);
    while code.len() < CODE_DIGITS {
        let mut byte = [0];
        random.fill(&mut byte)?;
        // Of 256 the last six would make some digits likelier.
        if let [byte @ 0..=249] = byte {
            code.push(char::from(b'0' + byte % 10));
        }
    }
    Ok(code)
}

/// Writes down what came of a test.
///
/// # Errors
/// The place is of no use, or somebody else has written one at the same time.
pub fn note(store: &dyn Store, entry: &Entry) -> Result<(), StoreError> {
    let length = store.entries(STREAM)?.len();
    let unusable = |why: String| StoreError::Unusable { place: STREAM.to_owned(), why };
    let value = serde_json::to_value(entry).map_err(|error| unusable(error.to_string()))?;
    check_line((STREAM, length), &value).map_err(|error| unusable(error.to_string()))?;
    store.append(STREAM, length, &value)
}

/// Contacts that have not shown that they are reached, each with the reason for people.
///
/// # Errors
/// The place is not readable.
pub fn untested(store: &dyn Store, routes: &[Route], now: Timestamp) -> Result<Vec<String>, StoreError> {
    let mut last: BTreeMap<(Name, Name), Entry> = BTreeMap::new();
    for value in store.entries(STREAM)? {
        // What is not understood shows nothing.
        let Ok(entry) = serde_json::from_value::<Entry>(value) else { continue };
        let (Entry::Confirmed { channel, recipient, .. } | Entry::Unconfirmed { channel, recipient, .. }) = &entry;
        last.insert((channel.clone(), recipient.clone()), entry);
    }
    let why = |route: &Route| {
        let Route { channel, recipient, .. } = route;
        let why = match last.get(&(channel.clone(), recipient.clone())) {
            None => "was never tested".to_owned(),
            Some(Entry::Unconfirmed { why, .. }) => format!("was not reached by the last test: {why}"),
            Some(Entry::Confirmed { at, .. }) if is_old(*at, now) => {
                format!("was tested more than {TESTED_DAYS_MAX} days ago")
            }
            Some(Entry::Confirmed { .. }) => return None,
        };
        Some(format!("`{recipient}` by `{channel}` {why}"))
    };
    Ok(routes.iter().filter_map(why).collect())
}

/// Whether it is that long ago, or in a time to come, of which nobody knows how long ago it is.
fn is_old(at: Timestamp, now: Timestamp) -> bool {
    let passed = now.duration_since(at);
    passed > SignedDuration::from_hours(24 * TESTED_DAYS_MAX) || passed < SignedDuration::from_hours(-1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::InMemoryStore;

    fn route(channel: &str, recipient: &str) -> Route {
        Route { channel: Name::read(channel).unwrap(), recipient: Name::read(recipient).unwrap(), from_step: 0 }
    }

    #[test]
    fn what_was_not_confirmed_lately_is_said() {
        let now: Timestamp = "2026-11-28T03:00:00Z".parse().unwrap();
        let days = |days: i64| now - SignedDuration::from_hours(24 * days);
        let store = InMemoryStore::default();
        let routes = [route("post", "eva"), route("post", "ada"), route("hook", "eva"), route("text", "eva")];
        let confirmed = |channel: &str, recipient: &str, at| {
            let Route { channel, recipient, .. } = route(channel, recipient);
            note(&store, &Entry::Confirmed { channel, recipient, seconds: 9, at }).unwrap();
        };
        confirmed("post", "eva", days(89));
        confirmed("post", "ada", days(91));
        confirmed("text", "eva", days(-1));
        confirmed("hook", "eva", days(1));
        let Route { channel, recipient, .. } = route("hook", "eva");
        note(&store, &Entry::Unconfirmed { channel, recipient, why: "nobody said it".to_owned(), at: now }).unwrap();
        assert_eq!(
            untested(&store, &routes, now).unwrap(),
            [
                "`ada` by `post` was tested more than 90 days ago",
                "`eva` by `hook` was not reached by the last test: nobody said it",
                "`eva` by `text` was tested more than 90 days ago",
            ]
        );
        assert_eq!(untested(&store, &[route("post", "bram")], now).unwrap(), ["`bram` by `post` was never tested"]);
    }

    #[test]
    fn a_code_is_of_digits_and_leaves_out_what_would_make_some_likelier() {
        struct Played(std::sync::Mutex<Vec<u8>>);
        impl Random for Played {
            fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
                buffer[0] = self.0.lock().unwrap().remove(0);
                Ok(())
            }
        }
        let played = Played(std::sync::Mutex::new(vec![250, 0, 255, 9, 10, 249, 251, 15, 17]));
        assert_eq!(code(&played).unwrap(), "090957");
    }
}
