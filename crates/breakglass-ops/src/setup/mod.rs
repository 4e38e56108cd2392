//! The arrangement: the accounts, their role, the group and the exclusions, by plan and apply.

pub mod action;
mod apply;
mod compare;
mod objection;
mod observe;
pub mod plan;
mod undo;
mod wanted;

pub use self::action::WRITING_PERMISSIONS;
pub(crate) use self::apply::grants;
pub use self::apply::{Applied, Applier, ApplyError, SEND_COUNT_MAX, VISIBLE_SECONDS_MAX, undo_of};
pub use self::compare::plan;
pub use self::objection::Objection;
pub use self::wanted::{ACCOUNT_COUNT_MIN, Protection, Reach, Wanted, WantedAccount};
