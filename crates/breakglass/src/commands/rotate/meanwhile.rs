//! Who is known to get in while an account is rotated, or after it is gone.

use std::collections::BTreeSet;

use breakglass_adapters::clock::SystemClock;
use breakglass_custody::document::Account;
use breakglass_engine::access::Access;
use breakglass_engine::lockout::Analysis;
use breakglass_engine::lockout::goal::{Goal, Horizon, Question, Stage};
use breakglass_model::user::User;
use breakglass_ops::drill::record::{Outcome, Surface};
use breakglass_ops::drill::stream as drill;
use breakglass_ops::key_box::accounts::replacements;
use breakglass_ops::ports::{Clock as _, Store};
use breakglass_ops::rotation::journey::course_of;
use breakglass_ops::rotation::leave::{Leave, Other, Refusal, leave, objection};
use breakglass_ops::rotation::record::Course;
use jiff::Timestamp;

use super::replace::is_named;
use super::{RotateFailure, Tools};
use crate::commands::custody::counting::unrecorded;
use crate::commands::custody::desk::DeskError;
use crate::commands::drill::DrillFailure;
use crate::commands::lockout::AnalysisArguments;
use crate::failure::Failure;
use crate::subject::{Subject, SubjectError};
use crate::wiring::World;

/// Whether another account is known to get in meanwhile.
pub(super) fn may(tools: &Tools, subject: &Subject, account: &Account, world: &World) -> Result<Leave, Failure> {
    let (course, _) = course_of(&tools.store, &account.id).map_err(DeskError::from)?;
    let others = others(tools, subject, account, world)?;
    let read_at: Timestamp = subject.snapshot.taken_at.unwrap_or(subject.now);
    match leave(is_first(tools, account, &course, world)?, &others, (read_at, SystemClock.now())) {
        Ok(leave) => Ok(leave),
        Err(refusal) => {
            match &refusal {
                Refusal::NoneUsable(objections) => {
                    objections.iter().for_each(|objection| world.note(&objection.to_string()));
                }
                Refusal::Alone => tell_missing(tools, subject, world)?,
                Refusal::Stale(_) => {}
            }
            Err(RotateFailure::Leave(refusal).into())
        }
    }
}

/// Whether no sealed password of the account may count: none by the record, and no depository has one that is in no record, as
/// where the state was lost.
fn is_first(tools: &Tools, account: &Account, course: &Course, world: &World) -> Result<bool, Failure> {
    if course.current().is_some() {
        return Ok(false);
    }
    let found = unrecorded(&tools.desk, (&account.id, course), world)?;
    if let Some(document) = &found {
        world.note(&format!(
            "the document `{}` of `{}` is in no record here, and its password may be the one that counts",
            document.label().envelope,
            account.user_principal_name
        ));
    }
    Ok(found.is_none())
}

/// Accounts that are declared, and that the tenant does not have, as they are named. One whose place another has taken is not to
/// come back.
pub(super) fn missing(tools: &Tools, subject: &Subject) -> Result<Vec<String>, Failure> {
    let present = accounts_of(subject);
    let replaced = replacements(&tools.store).map_err(DeskError::from)?;
    let is_there = |name: &String| present.iter().any(|one| is_named(one, name));
    let is_replaced = |name: &String| replaced.iter().any(|one| one.is_named(name));
    let (declared, _) = tools.desk.config.account_names();
    Ok(declared.into_iter().filter(|name| !is_there(name) && !is_replaced(name)).collect())
}

fn tell_missing(tools: &Tools, subject: &Subject, world: &World) -> Result<(), Failure> {
    for name in missing(tools, subject)? {
        world.note(&format!(
            "`{name}` is declared, and the tenant has no such account: restore it there (Users, Deleted users) within 30 days"
        ));
    }
    Ok(())
}

/// The other accounts, as far as they are known.
pub(super) fn others(
    tools: &Tools,
    subject: &Subject,
    account: &Account,
    world: &World,
) -> Result<Vec<Other>, Failure> {
    let with_way = accounts_with_ways(subject, world)?;
    let accounts = users_of(subject).into_iter().map(|user| (user, account_of(subject, user)));
    let others = accounts.filter(|(_, other)| other.id != account.id);
    others.map(|(user, other)| known((tools, world), user, other, &with_way)).collect()
}

/// How many of these are known to get in.
pub(super) fn usable(others: &[Other], world: &World) -> usize {
    let objections: Vec<_> = others.iter().map(|other| objection(other, SystemClock.now())).collect();
    objections.iter().flatten().for_each(|objection| world.note(&objection.to_string()));
    objections.iter().filter(|objection| objection.is_none()).count()
}

fn known(
    (tools, world): (&Tools, &World),
    user: &User,
    other: Account,
    with_way: &BTreeSet<String>,
) -> Result<Other, Failure> {
    let (course, _) = course_of(&tools.store, &other.id).map_err(DeskError::from)?;
    // Where the state was lost, a document may be left that is in no record.
    let is_sealed = course.version() > 1 || unrecorded(&tools.desk, (&other.id, &course), world)?.is_some();
    let drilled_at = drilled_at(&tools.store, &other.id, &course)?;
    Ok(Other {
        changed_at: user.detail().last_password_change_date_time.value().and_then(|text| text.parse().ok()),
        known_change: course.changed_at(),
        proved_at: course.proved_at().max(drilled_at),
        is_sealed,
        is_rotating: !course.sent_since().is_empty(),
        has_document: course.current().is_none_or(|document| tools.desk.document(document).is_ok()),
        has_way: with_way.contains(&other.id),
        name: other.user_principal_name,
    })
}

pub(super) fn users_of(subject: &Subject) -> Vec<&User> {
    subject.accounts.keys.iter().filter_map(|key| subject.snapshot.user(*key)).collect()
}

/// The accounts that are declared and there.
pub(super) fn accounts_of(subject: &Subject) -> Vec<Account> {
    users_of(subject).into_iter().map(|user| account_of(subject, user)).collect()
}

pub(super) fn account_of(subject: &Subject, user: &User) -> Account {
    let id = subject.snapshot.id(user.key).to_string();
    let name = user.user_principal_name.as_deref().unwrap_or(&id).to_owned();
    Account { user_principal_name: name, id }
}

/// Ids of the emergency accounts that get in by themselves to repair everything.
fn accounts_with_ways(subject: &Subject, world: &World) -> Result<BTreeSet<String>, Failure> {
    let access = Access::compile(&subject.snapshot, &subject.access).map_err(SubjectError::from)?;
    let settings = AnalysisArguments::default().settings(subject, Horizon::Day, world)?;
    let question = Question { goal: Goal::FullRepair, surface: None, stage: Stage::Direct };
    let mut analysis = Analysis::of_question(&access, &settings, question);
    let answer = analysis.answer(question);
    analysis.end();
    let alone = answer.ways.iter().filter(|way| way.sessions.iter().all(|session| session.user == way.user));
    Ok(alone.map(|way| way.user.clone()).collect())
}

/// When somebody signed in with the password that counts in a drill that has ended, if it was kept out nowhere since.
fn drilled_at(store: &dyn Store, account: &str, course: &Course) -> Result<Option<Timestamp>, Failure> {
    let (drills, _) = drill::course_of(store, account).map_err(DrillFailure::from)?;
    let seen = || Surface::ALL.into_iter().filter(|surface| !surface.is_portal()).filter_map(|one| drills.seen(one));
    if seen().any(|seen| seen.outcome == Outcome::Bad) {
        return Ok(None);
    }
    let good = seen().filter(|seen| seen.outcome == Outcome::Good && course.current() == Some(&seen.begun.document));
    Ok(good.map(|seen| seen.begun.at).max())
}
