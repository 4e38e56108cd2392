//! What is sealed to a set and may count: whether its shares are needed.
//!
//! **Invariant:** it begins with the record and not with what is found, so that a place that is away hides nothing: each
//! document that may count was read, else nobody can tell.

use std::collections::BTreeMap;

use breakglass_custody::name::Name;
use breakglass_ops::key_box::accounts::replaced;
use breakglass_ops::key_box::record::HeldSet;
use breakglass_ops::ports::Store;
use breakglass_ops::rotation::record::Standing;

use super::CustodyFailure;
use super::desk::{Desk, DeskError, courses, name_of};
use super::key_secrets::key_courses;
use crate::failure::Failure;

/// Refuses a set to which a document is sealed that may count, or may for all that can be told; `never_set` are documents in
/// no record of which somebody says that what is in them was never set.
pub(super) fn nothing_counts(
    desk: &Desk,
    store: &dyn Store,
    (held, never_set): (&HeldSet, &[Name]),
) -> Result<(), Failure> {
    let deleted = replaced(store).map_err(DeskError::from)?;
    let is_left = |id: &String| deleted.get(id) != Some(&true);
    let courses: Vec<_> = courses(store)?.into_iter().filter(|(id, _)| is_left(id)).collect();
    // Their records have ids in small letters.
    let is_gone = |id: &String| deleted.iter().any(|(gone, is_gone)| *is_gone && gone.eq_ignore_ascii_case(id));
    let keys: Vec<_> = key_courses(store)?.into_iter().filter(|(id, _)| !is_gone(id)).collect();
    let found = desk
        .documents()
        .map_err(|error| CustodyFailure::Untold { set: held.set().id.clone(), source: Box::new(error) })?;
    // Whether each document is sealed to the set.
    let mut sealed: BTreeMap<Name, bool> = BTreeMap::new();
    for document in found.iter().filter(|document| is_left(&document.label().account.id)) {
        sealed.insert(name_of(&document.label().envelope.to_string())?, document.label().is_sealed_to(held.set()));
    }
    let (mut counting, mut missing): (Vec<Name>, Vec<Name>) = (Vec::new(), Vec::new());
    let passwords = courses.iter().flat_map(|(_, course)| course.may_count());
    let others = keys.iter().flat_map(|(_, course)| course.counting().map(|(document, _)| document));
    for name in passwords.chain(others) {
        match sealed.get(name) {
            Some(true) => counting.push(name.clone()),
            Some(false) => {}
            None => missing.push(name.clone()),
        }
    }
    // Where none was sent, whoever sealed one by hand may have set its password.
    let may_be_set = |name: &Name| {
        let mut of_it = courses.iter().filter(|(_, course)| course.standing(name) == Some(Standing::Prepared));
        of_it.any(|(_, course)| course.may_count().next().is_none())
    };
    let by_hand = sealed.iter().filter(|(name, is_sealed)| **is_sealed && may_be_set(name));
    counting.extend(by_hand.map(|(name, _)| name.clone()));
    let is_recorded = |name: &Name| {
        courses.iter().any(|(_, course)| course.standing(name).is_some())
            || keys.iter().any(|(_, course)| course.sealed_in(name).is_some())
    };
    if let Some(name) = never_set.iter().find(|name| is_recorded(name)) {
        return Err(CustodyFailure::Recorded(name.to_string()).into());
    }
    // Of one that is in no record nobody knows.
    let is_unknown =
        |(name, is_sealed): &(&Name, &bool)| **is_sealed && !is_recorded(name) && !never_set.contains(name);
    let unrecorded: Vec<Name> = sealed.iter().filter(is_unknown).map(|(name, _)| name.clone()).collect();
    let names = |names: &[Name]| names.iter().map(Name::as_str).collect::<Vec<_>>().join(", ");
    if !counting.is_empty() {
        let why = format!("sealed to `{}` and may count: {}", held.set().id, names(&counting));
        return Err(CustodyFailure::NotNoted(why).into());
    }
    if !unrecorded.is_empty() {
        return Err(CustodyFailure::Unrecorded { set: held.set().id.clone(), documents: names(&unrecorded) }.into());
    }
    if !missing.is_empty() {
        return Err(CustodyFailure::Missing { set: held.set().id.clone(), documents: names(&missing) }.into());
    }
    Ok(())
}
