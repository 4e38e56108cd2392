//! `rotate --replace-account`: another account takes the place of one, which is deleted when nothing needs it any more.
//!
//! **Invariant:** the old one goes last. Before that the new one is as it was declared, its password is sealed and proved by
//! a sign-in, and without the old one two accounts at least are left that are known to get in.

use std::collections::BTreeSet;

use breakglass_adapters::clock::SystemClock;
use breakglass_custody::document::Account;
use breakglass_ops::journal::catch_up;
use breakglass_ops::key_box::accounts::{Entry, note, replaced};
use breakglass_ops::ports::{Clock as _, Directory as _, DirectoryError, GraphRequest, Method};
use breakglass_ops::rotation::journey::course_of;
use breakglass_ops::rotation::leave::{Other, objection};
use breakglass_ops::setup::{self, Wanted};

use super::meanwhile::{account_of, may, others, usable, users_of};
use super::{Arguments, RotateFailure, Tools, restricted, who};
use crate::commands::checkout::CheckoutFailure;
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

/// What Graph answers where there is no such user.
const NOT_FOUND: u16 = 404;

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
        let entry = Entry::Replaced { account: old.id.clone(), by: new.id.clone(), at: SystemClock.now() };
        note(&tools.store, &entry).map_err(|error| CustodyFailure::NotNoted(error.to_string()))?;
        let request = GraphRequest { method: Method::Delete, ..GraphRequest::get(format!("/v1.0/users/{}", old.id)) };
        let deleted = tools.live.runtime.block_on(tools.live.directory.send(&request));
        catch_up(&tools.store, SystemClock.now()).map_err(CheckoutFailure::from)?;
        deleted.map_err(|source| RotateFailure::NotDeleted {
            account: old.user_principal_name.clone(),
            new: new.user_principal_name.clone(),
            source: Box::new(source),
        })?;
        let entry = Entry::Deleted { account: old.id.clone(), at: SystemClock.now() };
        note(&tools.store, &entry).map_err(|error| CustodyFailure::NotNoted(error.to_string()))?;
        tools.desk.enter(&tools.store, world);
        world.tell(&format!("`{}` is deleted; the tenant can restore it for 30 days.", old.user_principal_name));
        world.note(
            "take it out of the configuration, below `[[account]]`; `breakglass check --live` then judges what is left",
        );
        Ok(Exit::Good)
    }
}

/// Writes down what the tenant has deleted though nobody was told: who was stopped in between, or deleted it by hand and has made
/// another of the same name since. One that is deleted and has no successor can be restored as it was.
pub(super) fn note_gone(tools: &Tools, subject: &Subject, world: &World) -> Result<(), Failure> {
    let replaced = replaced(&tools.store).map_err(DeskError::from)?;
    let mut gone: BTreeSet<String> =
        replaced.iter().filter(|(_, is_deleted)| !**is_deleted).map(|(account, _)| account.clone()).collect();
    let present: Vec<Account> = users_of(subject).into_iter().map(|user| account_of(subject, user)).collect();
    for document in tools.desk.documents_found(world)? {
        let Account { id, user_principal_name } = &document.label().account;
        let is_there = present.iter().any(|one| one.id.eq_ignore_ascii_case(id));
        let has_successor = present.iter().any(|one| one.user_principal_name.eq_ignore_ascii_case(user_principal_name));
        if !is_there && has_successor && replaced.get(id) != Some(&true) {
            gone.insert(id.clone());
        }
    }
    for account in gone {
        let request = GraphRequest::get(format!("/v1.0/users/{account}?$select=id"));
        let found = tools.live.runtime.block_on(tools.live.directory.send(&request));
        if matches!(&found, Err(DirectoryError::Refused(refusal)) if refusal.status == NOT_FOUND) {
            let entry = Entry::Deleted { account: account.clone(), at: SystemClock.now() };
            note(&tools.store, &entry).map_err(|error| CustodyFailure::NotNoted(error.to_string()))?;
            world.note(&format!(
                "the tenant has no account with the id {account} any more: what is sealed of it counts no more"
            ));
        }
    }
    Ok(())
}

/// Whether the new account is all that was declared, and enough are left without the old one.
fn complete(subject: &Subject, wanted: &Wanted, (old, new): (&Account, &Account)) -> Result<(), RotateFailure> {
    if old.id == new.id {
        return Err(not_yet((old, new), "they are one account"));
    }
    let left = users_of(subject).into_iter().filter(|user| account_of(subject, user).id != old.id).count();
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
