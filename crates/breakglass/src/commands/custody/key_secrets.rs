//! What is sealed besides passwords, the PINs of security keys and the private keys of certificates, as the records of keys
//! know it.
//!
//! **Invariant:** it begins with the records and not with what is found: what counts and is nowhere is said, and not taken for
//! shut.

use std::collections::BTreeSet;

use breakglass_custody::document::{CredentialKind, Document, Label};
use breakglass_custody::name::Name;
use breakglass_custody::succession::Spent;
use breakglass_ops::checkout::stream;
use breakglass_ops::key_box::record::KeyBox;
use breakglass_ops::keys::due::Due;
use breakglass_ops::keys::journey::{self, course_of};
use breakglass_ops::keys::record::Course;
use breakglass_ops::keys::sealing::{Sealed, Sealing};
use breakglass_ops::ports::Store;
use jiff::Timestamp;

use super::CustodyFailure;
use super::desk::{Desk, DeskError, name_of};
use crate::commands::keys::due_text;
use crate::failure::Failure;
use crate::render::custody::DocumentLine;

/// How the keys stand of every account that has a record of them, with its id.
pub(crate) fn key_courses(store: &dyn Store) -> Result<Vec<(String, Course)>, DeskError> {
    let streams = store.streams(journey::STREAM)?;
    let accounts = streams.iter().filter_map(|stream| stream.strip_prefix(journey::STREAM));
    accounts.map(|account| Ok((account.to_owned(), course_of(store, account)?.0))).collect()
}

/// What is sealed in a document of this kind by the record, where that is to be had.
pub(crate) fn sealed_of(desk: &Desk, label: &Label) -> Option<Sealed> {
    if !desk.has_state() {
        return None;
    }
    let (course, _) = course_of(&desk.store().ok()?, &label.account.id).ok()?;
    course.sealed_in(&name_of(&label.envelope.to_string()).ok()?).cloned()
}

/// What it is, for people.
pub(crate) fn called(sealed: &Sealed) -> String {
    match sealed {
        Sealed::Pin(key) => format!("the PIN of the key `{key}`"),
        Sealed::Certificate(certificate) => format!("the private key of the certificate `{certificate}`"),
    }
}

/// What is to be done once somebody has seen what is in a document.
pub(crate) fn next_step(label: &Label, sealed: Option<&Sealed>) -> String {
    let (account, name) = (&label.account.id, &label.account.user_principal_name);
    let of = |option: &str| match sealed {
        Some(sealed) => format!("--account {account} --{option} {}", sealed.owner()),
        None => format!("--account {account} --{option} …"),
    };
    match label.credential {
        CredentialKind::Password => format!("`breakglass rotate --account {name}`"),
        CredentialKind::Passkey => format!(
            "give the key another PIN, `breakglass keys pin-changed {0} --pin-held-by …`, then sign in with it and `breakglass keys \
             drilled {0}`",
            of("key")
        ),
        CredentialKind::Certificate => format!(
            "`breakglass keys certificate issue`, then revoke this one in the tenant and `breakglass keys certificate revoked {}`",
            of("certificate")
        ),
    }
}

/// Who may know what is sealed in a document of an account, by what is remembered and what is found.
pub(crate) fn sealing(
    (store, key_box): (&dyn Store, Option<&KeyBox>),
    (account, name): (&str, &Name),
    found: &[Document],
) -> Sealing {
    let document = found.iter().find(|document| document.label().envelope.to_string() == name.as_str());
    let label = document.map(Document::label);
    // What cannot be read has nobody said to be shut.
    let Ok((out, _)) = stream::course_of(store, label.map_or(account, |label| &label.account.id)) else {
        return Sealing::Untold;
    };
    Sealing::of(label, key_box, out.is_opened(name))
}

/// The line of such a document.
pub(super) fn document_line(
    store: &dyn Store,
    (document, deleted): (&Document, &BTreeSet<String>),
    (key_box, now): (&KeyBox, Timestamp),
) -> Result<DocumentLine, Failure> {
    let label = document.label();
    let name = name_of(&label.envelope.to_string())?;
    let (course, _) = course_of(store, &label.account.id).map_err(DeskError::from)?;
    let out = stream::course_of(store, &label.account.id);
    let (out, _) = out.map_err(|error| CustodyFailure::NotNoted(error.to_string()))?;
    let (is_gone, sealed) = (deleted.contains(&label.account.id), course.sealed_in(&name));
    let is_current = !is_gone && sealed.and_then(|sealed| course.document_of(sealed)) == Some(&name);
    let is_opened = Sealing::of(Some(label), Some(key_box), out.is_opened(&name)) == Sealing::Spent(Spent::Opened);
    let stands = match sealed {
        _ if is_gone => "its account is deleted",
        None => super::list::UNRECORDED,
        Some(Sealed::Pin(_)) if is_current && is_opened => "counts, opened: give it another PIN",
        Some(Sealed::Certificate(_)) if is_current && is_opened => "counts, opened: issue anew",
        Some(_) if is_current => "counts",
        Some(_) => "counts no more",
    };
    let is_out = out.request_at(now).is_some_and(|request| request.document == name);
    Ok(DocumentLine {
        document: name.to_string(),
        account: label.account.user_principal_name.clone(),
        account_id: label.account.id.clone(),
        credential: label.credential,
        secret_of: sealed.map(|sealed| sealed.owner().to_string()),
        version: label.version,
        set: label.set.id.to_string(),
        reserve: label.reserve.as_ref().map(|reserve| reserve.id.to_string()),
        sealed_on: label.sealed_on,
        stands: stands.to_owned(),
        is_current,
        is_opened,
        check_out: if is_out { super::list::check_out(out.standing(now)) } else { None },
    })
}

/// What is to be done with what is sealed, of every account that is there.
pub(super) fn to_do(
    store: &dyn Store,
    (documents, deleted): (&[Document], &BTreeSet<String>),
    (key_box, now): (&KeyBox, Timestamp),
) -> Result<Vec<String>, Failure> {
    let is_deleted = |id: &str| deleted.iter().any(|gone| gone.eq_ignore_ascii_case(id));
    let mut to_do = Vec::new();
    for (id, course) in key_courses(store)?.iter().filter(|(id, _)| !is_deleted(id)) {
        let of_it = documents.iter().find(|document| document.label().account.id.eq_ignore_ascii_case(id));
        let account = of_it.map_or(id, |document| &document.label().account.user_principal_name);
        let due = course.due(now, |name| sealing((store, Some(key_box)), (id, name), documents));
        let is_sealed = |due: &&Due| matches!(due, Due::Replace(..) | Due::Find(..));
        to_do.extend(due.iter().filter(is_sealed).map(|due| format!("{account}: {}", due_text(due))));
    }
    Ok(to_do)
}
