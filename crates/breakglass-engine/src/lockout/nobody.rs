//! Whether anybody is known who could reach a goal at all.
//!
//! Every tenant has somebody who can repair it, so a snapshot that names nobody is most likely not whole. What it gives
//! is no order, neither 0 nor any other.

use super::compile::role_name;
use super::goal::Goal;
use super::people::People;
use super::settings::{LockoutSettings, Mode};
use crate::access::Access;

/// Nobody is known to hold a role that is enough for a goal, active or eligible.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("nobody in the snapshot is known who could {}: {} would be needed", .goal.words(), role_names(*.goal))]
pub struct Nobody {
    /// The goal.
    pub goal: Goal,
    /// What the snapshot does not tell of who holds a role, in words; empty if it tells everything.
    pub unknowns: Vec<String>,
}

fn role_names(goal: Goal) -> String {
    let names: Vec<&str> = goal.roles().iter().map(|role| role_name(role)).collect();
    names.join(" or ")
}

/// Looks whether somebody is known who could reach a goal, by a role that is held now.
///
/// # Errors
/// When nobody is. Applications, where they count as ways, are not looked at: then there is no error.
pub fn somebody(access: &Access<'_>, settings: &LockoutSettings, goal: Goal) -> Result<(), Nobody> {
    if settings.with_applications {
        return Ok(());
    }
    let people = People::of(access, &settings.supposed, Mode::Promised);
    // Whoever is only named may hold a role and is not known to do anything.
    let is_known = |(user, _): (_, _)| !access.snapshot().is_only_named(user);
    if goal.roles().iter().any(|role| people.holders(role).any(is_known)) {
        return Ok(());
    }
    Err(Nobody { goal, unknowns: people.unknowns.into_iter().collect() })
}
