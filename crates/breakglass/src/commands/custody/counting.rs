//! What is sealed to a set and may count: whether its shares are needed.
//!
//! **Invariant:** it begins with the record and not with what is found, so that a place that is away hides nothing: each
//! document that may count was read, else nobody can tell.

use std::collections::{BTreeMap, BTreeSet};

use breakglass_custody::document::{CredentialKind, Document};
use breakglass_custody::key_set::SetId;
use breakglass_custody::name::Name;
use breakglass_ops::key_box::accounts::replaced;
use breakglass_ops::key_box::record::HeldSet;
use breakglass_ops::ports::Store;
use breakglass_ops::rotation::record::{Course, Standing};

use super::CustodyFailure;
use super::desk::{Desk, DeskError, courses, name_of};
use super::key_secrets::{key_courses, next_step, sealed_of};
use crate::failure::{Coded, Failure};
use crate::wiring::World;

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

/// A sealed password of an account that is in no record here, as where the state was lost: it may be the one that counts.
pub(crate) fn unrecorded(
    desk: &Desk,
    (account, course): (&str, &Course),
    world: &World,
) -> Result<Option<Document>, DeskError> {
    for document in desk.documents_found(world)? {
        let label = document.label();
        let is_of_it = label.credential == CredentialKind::Password && label.account.id.eq_ignore_ascii_case(account);
        if is_of_it && course.standing(&name_of(&label.envelope.to_string())?).is_none() {
            return Ok(Some(document));
        }
    }
    Ok(None)
}

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
    let (mut counting, mut missing): (BTreeSet<&Name>, Vec<Name>) = (BTreeSet::new(), Vec::new());
    let passwords = courses.iter().flat_map(|(_, course)| course.may_count());
    let others = keys.iter().flat_map(|(_, course)| course.counting().map(|(document, _)| document));
    for name in passwords.chain(others) {
        match sealed.get(name) {
            Some(true) => drop(counting.insert(name)),
            Some(false) => {}
            None => missing.push(name.clone()),
        }
    }
    let is_counting = |name: &Name| courses.iter().any(|(_, course)| may_count(course, name));
    counting.extend(sealed.iter().filter(|(name, is_sealed)| **is_sealed && is_counting(name)).map(|(name, _)| name));
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
        let is_one =
            |document: &&Document| counting.iter().any(|name| document.label().envelope.to_string() == name.as_str());
        let counting = found.iter().filter(is_one).map(|document| Counting::of(desk, document)).collect();
        return Err(Alive { set: held.set().id.clone(), counting }.into());
    }
    if !unrecorded.is_empty() {
        return Err(CustodyFailure::Unrecorded { set: held.set().id.clone(), documents: names(&unrecorded) }.into());
    }
    if !missing.is_empty() {
        return Err(CustodyFailure::Missing { set: held.set().id.clone(), documents: names(&missing) }.into());
    }
    Ok(())
}

impl Counting {
    fn of(desk: &Desk, document: &Document) -> Self {
        let label = document.label();
        let account = &label.account.user_principal_name;
        let step = match label.credential {
            CredentialKind::Password => {
                format!(
                    "`breakglass rotate --account {account}`, until `breakglass custody list` says that it is superseded"
                )
            }
            CredentialKind::Passkey | CredentialKind::Certificate => next_step(label, sealed_of(desk, label).as_ref()),
        };
        let (kind, name) = (label.credential, label.envelope);
        Self { what: format!("{kind} of `{account}`, the document `{name}`, is sealed to it and may count"), step }
    }
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
