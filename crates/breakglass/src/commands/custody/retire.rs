//! `custody retire`: a set has to be replaced.

use std::collections::BTreeSet;

use breakglass_adapters::clock::SystemClock;
use breakglass_custody::approval::REASON_CHARS_MAX;
use breakglass_custody::document::CredentialKind;
use breakglass_custody::key_set::SetId;
use breakglass_custody::name::Name;
use breakglass_ops::key_box::accounts::replaced;
use breakglass_ops::key_box::record::{Entry, HeldSet};
use breakglass_ops::ports::{Clock as _, Store};
use breakglass_ops::rotation::record::{Course, Standing};

use super::CustodyFailure;
use super::counting::nothing_counts;
use super::desk::{Desk, DeskError, Place, courses, name_of};
use super::key_secrets::{key_courses, next_step, sealed_of};
use crate::exit::Exit;
use crate::failure::{Coded, Failure};
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

    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,

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

/// Something is sealed to the set that may count.
#[derive(Debug, thiserror::Error)]
#[error("the set `{set}` is not dead yet: {}", .counting.iter().map(|one| one.what.as_str()).collect::<Vec<_>>().join("; "))]
struct Alive {
    set: SetId,
    counting: Vec<Counting>,
}

/// A document that is sealed to it and may count.
#[derive(Debug)]
struct Counting {
    /// Which, of whom.
    what: String,
    /// What makes it count no more.
    step: String,
}

impl Coded for Alive {
    fn code(&self) -> &'static str {
        "BG4055"
    }

    fn help(&self) -> Option<String> {
        // Two passwords of one account are one rotation.
        let steps: BTreeSet<&str> = self.counting.iter().map(|one| one.step.as_str()).collect();
        let steps: Vec<&str> = steps.into_iter().collect();
        Some(format!("keep the shares. First {}; then the same again. Nothing was changed", steps.join(", ")))
    }
}

/// A reason on one line, within its limit.
pub(crate) fn reason(text: &str) -> Result<String, CustodyFailure> {
    let is_line = !text.trim().is_empty() && !text.chars().any(char::is_control);
    let is_short = text.chars().count() <= REASON_CHARS_MAX;
    if is_line && is_short { Ok(text.to_owned()) } else { Err(CustodyFailure::Reason) }
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
            nothing_counts(&desk, &store, (&held, &never_set))
                .map_err(|refused| alive(&desk, &store, &held, refused))?;
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
            world.tell(&format!("Nothing is sealed to the set `{}` any more.", held.set().id));
            let reserve = if held.is_reserve { " --reserve" } else { "" };
            world.note(&format!(
                "next: `breakglass custody new-set{reserve}`, then `breakglass rotate` for each account that is sealed to it"
            ));
        }
        Ok(Exit::Good)
    }
}

/// Why a set is refused that is said to be dead: what is sealed to it and may count, with what to do; else what was said.
fn alive(desk: &Desk, store: &dyn Store, held: &HeldSet, refused: Failure) -> Failure {
    match counting(desk, store, held) {
        Ok(counting) if !counting.is_empty() => Alive { set: held.set().id.clone(), counting }.into(),
        _ => refused,
    }
}

/// Documents that can be had, are sealed to a set, and may count.
fn counting(desk: &Desk, store: &dyn Store, held: &HeldSet) -> Result<Vec<Counting>, DeskError> {
    let (deleted, courses, keys) = (replaced(store)?, courses(store)?, key_courses(store)?);
    let is_gone = |id: &str| deleted.iter().any(|(gone, is_gone)| *is_gone && gone.eq_ignore_ascii_case(id));
    let mut found = Vec::new();
    for document in desk.documents()? {
        let label = document.label();
        if is_gone(&label.account.id) || !label.is_sealed_to(held.set()) {
            continue;
        }
        let name = name_of(&label.envelope.to_string())?;
        let is_password_counting = courses.iter().any(|(_, course)| may_count(course, &name));
        let is_other_counting = keys.iter().any(|(_, course)| course.counting().any(|(one, _)| *one == name));
        if !is_password_counting && !is_other_counting {
            continue;
        }
        let account = &label.account.user_principal_name;
        let step = match label.credential {
            CredentialKind::Password => {
                format!(
                    "`breakglass rotate --account {account}`, until `breakglass custody list` says that it is superseded"
                )
            }
            CredentialKind::Passkey | CredentialKind::Certificate => next_step(label, sealed_of(desk, label).as_ref()),
        };
        let what = format!("{} of `{account}`, the document `{name}`, is sealed to it and may count", label.credential);
        found.push(Counting { what, step });
    }
    Ok(found)
}

/// Whether a password may count: by the record, or since whoever sealed it by hand may have set it where none was sent.
fn may_count(course: &Course, name: &Name) -> bool {
    let is_by_hand = course.standing(name) == Some(Standing::Prepared) && course.may_count().next().is_none();
    is_by_hand || course.may_count().any(|one| one == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_dead_says_what_keeps_it_and_what_to_do() {
        let one = |document: &str, step: &str| Counting {
            what: format!("the password of `bg1`, the document `{document}`, is sealed to it and may count"),
            step: step.to_owned(),
        };
        let set = SetId::read("academic-acid").unwrap();
        let alive =
            Alive { set, counting: vec![one("a", "`rotate bg1`"), one("b", "`rotate bg1`"), one("c", "`issue`")] };
        let said = alive.to_string();
        assert!(
            said.starts_with("the set `academic-acid` is not dead yet: the password of `bg1`, the document `a`, is")
        );
        assert!(said.contains("the document `b`") && said.contains("the document `c`"), "{said}");
        let help = alive.help().unwrap();
        assert!(help.contains("First `issue`, `rotate bg1`; then the same again"), "{help}");
    }

    #[test]
    fn a_password_that_was_sealed_by_hand_may_count_until_one_was_sent() {
        use breakglass_ops::rotation::record::Entry;
        let at = jiff::Timestamp::UNIX_EPOCH;
        let [first, second] = ["first", "second"].map(|text| Name::read(text).unwrap());
        let prepared = |candidate: &Name| Entry::Prepared { candidate: candidate.clone(), at };
        let mut course = Course::of(&[prepared(&first), prepared(&second)]).unwrap();
        assert!(may_count(&course, &first) && may_count(&course, &second));
        course.take(&Entry::Sending { candidate: second.clone(), at }).unwrap();
        assert!(!may_count(&course, &first) && may_count(&course, &second));
    }
}
