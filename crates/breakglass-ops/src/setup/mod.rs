//! The arrangement: the accounts, their role, the group and the exclusions, by plan and apply.

pub mod action;
mod apply;
mod bodies;
mod compare;
mod course;
mod grants;
mod keys;
mod membership;
mod name;
mod needs;
mod objection;
mod observe;
pub mod plan;
mod undo;
mod wanted;

pub use self::action::WRITING_PERMISSIONS;
pub use self::apply::{Applied, Applier, ApplyError, SEND_COUNT_MAX, SETTLED_SECONDS_MAX, VISIBLE_SECONDS_MAX};
pub use self::compare::{objections_to, plan};
pub use self::course::{half_made, steps_over, undo_of};
pub(crate) use self::grants::grants;
pub use self::name::{LOCAL_CHARS_MAX, is_domain, name_fault};
pub use self::objection::Objection;
pub use self::wanted::{ACCOUNT_COUNT_MIN, Protection, Reach, Wanted, WantedAccount};
