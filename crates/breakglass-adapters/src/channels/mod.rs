//! Ways to tell somebody, one file each: the port [`Channel`](breakglass_ops::ports::Channel).
//!
//! What a log says is in none of them anything but text: it comes by [`breakglass_ops::watching::words`], where what acts on
//! the text around it is made visible, and each channel takes from it what its own markup would make of it.
//! **Invariant:** no error has a secret in it, nor an address that is one, nor what a server answered to a secret.

use std::collections::BTreeMap;

use breakglass_custody::name::Name;
use breakglass_ops::ports::Untaken;

mod connection;
mod letter;
pub mod mail;
pub mod mailbox;
pub mod pager_duty;
pub mod posting;
pub mod slack;
pub mod sms;
pub mod standard_webhook;
pub mod syslog;
pub mod teams;

pub use connection::ConnectionError;

/// Somebody has to mend it.
fn refused(why: impl Into<String>) -> Untaken {
    Untaken::Refused { why: why.into() }
}

/// It may be taken another time, or was.
fn later(why: impl Into<String>) -> Untaken {
    Untaken::Later { why: why.into(), retry_after_seconds: None }
}

/// Where a recipient is reached.
fn contact<'c, T>(contacts: &'c BTreeMap<Name, T>, recipient: &Name) -> Result<&'c T, Untaken> {
    contacts.get(recipient).ok_or_else(|| {
        refused(format!("`{recipient}` has no address by this channel: the configuration has to name one in a contact"))
    })
}
