//! `rotate --replace-account`: another account takes the place of one, which is deleted when nothing needs it any more.
//!
//! **Invariant:** the old one goes last. Before that the new one is as it was declared, its password is sealed and proved by
//! a sign-in, and without the old one two accounts at least are left that are known to get in. Nobody is told to bring back one
//! whose place another has.

use std::collections::BTreeSet;

use breakglass_adapters::clock::SystemClock;
use breakglass_custody::document::Account;
use breakglass_ops::key_box::accounts::{Entry, Replacement, note, replaced, replacements};
use breakglass_ops::key_box::deleting::{DeletingError, Presence, delete_replaced, presence};
use breakglass_ops::ports::Clock as _;
use breakglass_ops::rotation::journey::course_of;
use breakglass_ops::rotation::leave::{Other, objection};
use breakglass_ops::setup::{self, Wanted};

use super::meanwhile::{accounts_of, may, others, usable};
use super::{Arguments, RotateFailure, Tools, restricted, who};
use crate::commands::custody::CustodyFailure;
use crate::commands::custody::desk::DeskError;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::{fitted, visible};
use crate::subject::Subject;
use crate::wiring::World;

/// What deleting a user asks for.
///
/// **Source:** "Delete a user" of Graph's reference.
pub(super) const PERMISSION: &str = "User.ReadWrite.All";

/// Accounts that there are at every moment.
const ACCOUNT_COUNT_MIN: usize = 2;

impl Arguments {
    /// Has `new` take the place of `old`.
    pub(super) fn replace(
        &self,
        tools: &Tools,
        (subject, wanted): (&Subject, &Wanted),
        (old, new): (&Account, &str),
        world: &World,
    ) -> Result<Exit, Failure> {
        let new = tools.account(subject, new)?;
        restricted(subject, &new)?;
        complete(subject, wanted, (old, &new))?;
        // Before anything is begun: with the new one there are to be enough.
        let (of_new, beside): (Vec<Other>, Vec<Other>) =
            others(tools, subject, old, world)?.into_iter().partition(|one| one.name == new.user_principal_name);
        enough(old, 1 + usable(&beside, world))?;
        let who = who(tools, old)?;
        let text = format!(
            "`{}` is deleted by `{who}`, after `{}` has a sealed password and is known to get in.",
            old.user_principal_name, new.user_principal_name
        );
        world.tell(&format!("\n{}", fitted(&visible(&text), "", "", world.stderr.columns).trim_end()));
        if !self.yes && !world.agrees("Do it? Only `yes` does:") {
            return Err(RotateFailure::NotAgreed(old.user_principal_name.clone()).into());
        }
        let (course, _) = course_of(&tools.store, &new.id).map_err(DeskError::from)?;
        // Its rotation may have been stopped after the proof.
        tools.finish(&new, world)?;
        let is_opened = course.current().is_some_and(|document| course.is_opened(document));
        let is_known = of_new.iter().any(|new| objection(new, SystemClock.now()).is_none());
        if is_opened || !is_known {
            may(tools, subject, &new, world)?;
            super::who(tools, &new)?;
            self.rotate(tools, &new, world)?;
        }
        // What was true before may not be any more.
        let (subject, wanted) = tools.read(world)?;
        complete(&subject, &wanted, (old, &new))?;
        let left = others(tools, &subject, old, world)?;
        let of_new: Vec<Other> = left.iter().filter(|one| one.name == new.user_principal_name).cloned().collect();
        if usable(&of_new, world) == 0 {
            return Err(not_yet((old, &new), "it is not known to get in").into());
        }
        enough(old, usable(&left, world))?;
        let deleting = delete_replaced((&tools.live.directory, &tools.store, &SystemClock), (old, &new.id));
        let deleted = tools.live.runtime.block_on(deleting);
        tools.desk.enter(&tools.store, world);
        deleted.map_err(|error| not_deleted(error, (old, &new)))?;
        world.note(&format!("the tenant keeps `{}` among its deleted users for 30 days", old.user_principal_name));
        tell_done((&old.user_principal_name, &new.user_principal_name), world);
        Ok(Exit::Good)
    }

    /// Says that it is done where the account that is named is deleted, and the other has its place: whoever was stopped on the
    /// way there runs the same again. `None` where it is not so, or the account is there again; `gone` are those that were just
    /// found to be deleted, and that a copy of the directory may list still.
    pub(super) fn already_done(
        &self,
        tools: &Tools,
        (subject, gone): (&Subject, &BTreeSet<String>),
        named: &str,
        world: &World,
    ) -> Result<Option<Exit>, Failure> {
        let Some(found) = replacement(tools, named)?.filter(|one| one.is_deleted) else { return Ok(None) };
        let present = accounts_of(subject);
        if present.iter().any(|one| is_named(one, named) && !gone.contains(&one.id)) {
            return Ok(None);
        }
        // The record is of then, and somebody may have restored it and declared it no more.
        if tools.live.runtime.block_on(presence(&tools.live.directory, &found.account)) == Presence::There {
            return Ok(None);
        }
        let failure = absent(tools, &present, named)?;
        let (RotateFailure::Replaced { .. }, Some(new)) = (&failure, &self.replace_account) else {
            return Err(failure.into());
        };
        let new = tools.account(subject, new)?;
        if new.id != found.by {
            return Err(failure.into());
        }
        // Whoever was stopped may have written it down, and not into the ledger.
        tools.desk.enter(&tools.store, world);
        let old = found.name.as_ref().unwrap_or(&found.account);
        tell_done((old, &new.user_principal_name), world);
        Ok(Some(Exit::Good))
    }
}

fn tell_done((old, new): (&str, &str), world: &World) {
    world.tell(&format!("`{old}` is deleted, and `{new}` is in its place."));
    world.note(&format!(
        "take `{old}` out of the configuration, below `[[account]]`; `breakglass check --live` then judges what is left"
    ));
}

fn not_deleted(error: DeletingError, (old, new): (&Account, &Account)) -> Failure {
    let (account, new) = (old.user_principal_name.clone(), new.user_principal_name.clone());
    match error {
        DeletingError::NotBegun(error) => CustodyFailure::NotNoted(error.to_string()).into(),
        DeletingError::Undone(source) => RotateFailure::NotDeleted { account, new, source: Box::new(source) }.into(),
        DeletingError::Unknown(source) => RotateFailure::MaybeDeleted { account, new, source: Box::new(source) }.into(),
        DeletingError::NotNoted(source) => RotateFailure::DeletedNotNoted { account, source: Box::new(source) }.into(),
    }
}

/// Whether an account is meant by a sign-in name or id.
pub(super) fn is_named(account: &Account, named: &str) -> bool {
    account.id.eq_ignore_ascii_case(named) || account.user_principal_name.eq_ignore_ascii_case(named)
}

/// What is remembered of an account whose place another has taken: of several of one name, of the last.
fn replacement(tools: &Tools, named: &str) -> Result<Option<Replacement>, Failure> {
    let all = replacements(&tools.store).map_err(DeskError::from)?;
    Ok(all.into_iter().rev().find(|one| one.is_named(named)))
}

/// Why an account is not among those that are there, though it is declared or was: that it is deleted is said where the tenant
/// says so now.
pub(super) fn absent(tools: &Tools, present: &[Account], named: &str) -> Result<RotateFailure, Failure> {
    let Some(found) = replacement(tools, named)? else { return Ok(RotateFailure::NotThere(named.to_owned())) };
    let account = named.to_owned();
    if tools.live.runtime.block_on(presence(&tools.live.directory, &found.account)) != Presence::Gone {
        return Ok(RotateFailure::Untold(account));
    }
    let by = present.iter().find(|one| one.id == found.by).map(|one| one.user_principal_name.clone());
    Ok(RotateFailure::Replaced { account, by: by.unwrap_or(found.by) })
}

/// Writes down what the tenant has deleted though nobody was told, and gives the ids: who was stopped in between, or deleted it by
/// hand and has made another of the same name since. One that is deleted and has no successor can be restored as it was.
pub(super) fn note_gone(tools: &Tools, subject: &Subject, world: &World) -> Result<BTreeSet<String>, Failure> {
    let replaced = replaced(&tools.store).map_err(DeskError::from)?;
    let begun = |account: &String| replaced.get(account) == Some(&false);
    let mut sought: BTreeSet<String> = replaced.keys().filter(|account| begun(account)).cloned().collect();
    let present = accounts_of(subject);
    for document in tools.desk.documents_found(world)? {
        let Account { id, user_principal_name } = &document.label().account;
        let is_there = present.iter().any(|one| one.id.eq_ignore_ascii_case(id));
        let has_successor = present.iter().any(|one| one.user_principal_name.eq_ignore_ascii_case(user_principal_name));
        if !is_there && has_successor && replaced.get(id) != Some(&true) {
            sought.insert(id.clone());
        }
    }
    let mut gone = BTreeSet::new();
    for account in sought {
        match tools.live.runtime.block_on(presence(&tools.live.directory, &account)) {
            Presence::Gone => {
                let entry = Entry::Deleted { account: account.clone(), at: SystemClock.now() };
                note(&tools.store, &entry).map_err(|error| CustodyFailure::NotNoted(error.to_string()))?;
                world.note(&format!(
                    "the tenant has no account with the id {account} any more: what is sealed of it counts no more"
                ));
                gone.insert(account);
            }
            Presence::Unknown(why) if begun(&account) => {
                world.note(&format!("whether the account with the id {account} is deleted cannot be told: {why}"));
            }
            Presence::There | Presence::Unknown(_) => {}
        }
    }
    if !gone.is_empty() {
        // Whatever comes of the rest.
        tools.desk.enter(&tools.store, world);
    }
    Ok(gone)
}

/// Whether the new account is all that was declared, and enough are left without the old one.
fn complete(subject: &Subject, wanted: &Wanted, (old, new): (&Account, &Account)) -> Result<(), RotateFailure> {
    if old.id == new.id {
        return Err(not_yet((old, new), "they are one account"));
    }
    let left = accounts_of(subject).into_iter().filter(|one| one.id != old.id).count();
    if left < ACCOUNT_COUNT_MIN {
        let why = "there would be fewer than two accounts; declare and make a third one first";
        return Err(not_yet((old, new), why));
    }
    match setup::plan(&subject.snapshot, wanted, subject.now) {
        Ok(plan) if plan.steps.is_empty() => Ok(()),
        Ok(plan) => Err(not_yet((old, new), &format!("{} steps of `breakglass plan` are not done", plan.steps.len()))),
        Err(_) => Err(not_yet((old, new), "no plan can be made; `breakglass plan` says why")),
    }
}

/// Whether enough accounts that are known to get in are left without the old one.
fn enough(old: &Account, usable: usize) -> Result<(), RotateFailure> {
    let is_enough = usable >= ACCOUNT_COUNT_MIN;
    if is_enough { Ok(()) } else { Err(RotateFailure::FewUsable { old: old.user_principal_name.clone(), usable }) }
}

fn not_yet((old, new): (&Account, &Account), why: &str) -> RotateFailure {
    RotateFailure::NotComplete {
        old: old.user_principal_name.clone(),
        new: new.user_principal_name.clone(),
        why: why.to_owned(),
    }
}
