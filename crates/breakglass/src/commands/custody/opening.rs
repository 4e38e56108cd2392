//! Opening a document with shares: what `custody open`, `checkout open` and `drill` have in common.

use breakglass_adapters::clock::SystemClock;
use breakglass_adapters::sqlite_store::SqliteStore;
use breakglass_custody::document::Document;
use breakglass_custody::key_set::KeySet;
use breakglass_custody::password::Password;
use breakglass_ops::key_box::record::Entry;
use breakglass_ops::ports::Clock as _;
use breakglass_ops::rotation::journey::{course_of, note};
use breakglass_ops::rotation::record;

use super::CustodyFailure;
use super::desk::{Desk, DeskError, name_of};
use super::shares::ShareArguments;
use super::shown::{Spelling, show};
use crate::failure::Failure;
use crate::render::day_and_time;
use crate::wiring::World;

/// The document to open first for an account: the last that somebody signed in with, else the newest that there is.
pub(crate) fn current_of(desk: &Desk, account: &str, world: &World) -> Result<Document, Failure> {
    let documents = desk.documents_found(world)?;
    let is_of = |document: &&Document| {
        let named = &document.label().account;
        named.id.eq_ignore_ascii_case(account) || named.user_principal_name.eq_ignore_ascii_case(account)
    };
    let of_account: Vec<&Document> = documents.iter().filter(is_of).collect();
    let newest = of_account.iter().max_by_key(|document| document.label().version);
    let newest =
        newest.ok_or_else(|| CustodyFailure::Which(format!("no document of `{account}` is in the depositories")))?;
    if !desk.has_state() {
        return Ok((*newest).clone());
    }
    let id = &newest.label().account.id;
    let (course, _) = course_of(&desk.store()?, id).map_err(DeskError::from)?;
    let current = course.current().map(ToString::to_string);
    let found = of_account.iter().find(|document| current.as_deref() == Some(&document.label().envelope.to_string()));
    Ok((*found.unwrap_or(newest)).clone())
}

/// Recovers the key, has the opening written down, and shows what was sealed.
pub(crate) fn open_and_show(
    document: &Document,
    (shares, spelling): (&OpeningShares, Option<Spelling>),
    remember: &mut dyn FnMut(&KeySet) -> Result<(), Failure>,
    world: &World,
) -> Result<(), Failure> {
    let label = document.label();
    let password = open(document, shares, remember, world)?;
    let head = format!(
        "The password of {}, sealed on {}.\nType it at the sign-in; do not copy it anywhere.",
        label.account.user_principal_name,
        day_and_time(label.sealed_on)
    );
    Ok(show(&password, &head, spelling, world).map_err(DeskError::from)?)
}

/// Recovers the key, opens the document, and has that written down, with the set whose key it was, before anybody has what
/// was sealed.
fn open(
    document: &Document,
    shares: &OpeningShares,
    remember: &mut dyn FnMut(&KeySet) -> Result<(), Failure>,
    world: &World,
) -> Result<Password, Failure> {
    let label = document.label();
    let set = match (&label.reserve, shares.reserve) {
        (None, true) => return Err(CustodyFailure::NoReserve(label.envelope.to_string()).into()),
        (Some(reserve), true) => reserve,
        (_, false) => &label.set,
    };
    let called = if shares.reserve { "reserve" } else { "set" };
    let what = format!(
        "Opening {} of {}, version {}.\nIt is sealed to the {called} {}, of which {} open.",
        label.credential, label.account.user_principal_name, label.version, set.id, set.quorum
    );
    let shares = shares.share.read(set, usize::from(set.quorum.threshold()), &what, world)?;
    // From files it may be those of the other set, without anybody having said so.
    let set = label.set_of(&shares);
    let key = set.recover(&shares).map_err(CustodyFailure::Recover)?;
    drop(shares);
    let password = key.open(document).map_err(CustodyFailure::Open)?;
    drop(key);
    remember(set)?;
    Ok(password)
}

/// The shares that open one document.
#[derive(Debug, clap::Args)]
pub(crate) struct OpeningShares {
    /// They are those of the reserve, which is held outside
    #[arg(long)]
    reserve: bool,

    #[command(flatten)]
    share: ShareArguments,
}

/// Recovers the key of each set once, opens the documents, and has that written down before anybody has what was sealed; the
/// passwords are in the order of the documents.
pub(crate) fn open_together(
    documents: &[Document],
    shares: &ShareArguments,
    remember: &mut dyn FnMut(&Document) -> Result<(), Failure>,
    world: &World,
) -> Result<Vec<Password>, Failure> {
    let mut sets: Vec<&KeySet> = Vec::new();
    for document in documents {
        if !sets.contains(&&document.label().set) {
            sets.push(&document.label().set);
        }
    }
    let of_set = |set: &KeySet| {
        let of_it = documents.iter().filter(|document| document.label().set == *set);
        let names: Vec<&str> = of_it.map(|document| document.label().account.user_principal_name.as_str()).collect();
        format!("Opening {}.\nSealed to the set {}, of which {} open.", names.join(", "), set.id, set.quorum)
    };
    let mut opened: Vec<(usize, Password)> = Vec::new();
    for (set, shares) in sets.iter().zip(shares.read_each(&sets, &of_set, world)?) {
        let key = set.recover(&shares).map_err(CustodyFailure::Recover)?;
        drop(shares);
        for (place, document) in documents.iter().enumerate().filter(|(_, document)| document.label().set == **set) {
            opened.push((place, key.open(document).map_err(CustodyFailure::Open)?));
        }
    }
    documents.iter().try_for_each(remember)?;
    opened.sort_by_key(|(place, _)| *place);
    Ok(opened.into_iter().map(|(_, password)| password).collect())
}

/// That a set is opened, and the document for which it was.
pub(crate) fn note_opened(
    desk: &Desk,
    store: &SqliteStore,
    (document, set): (&Document, &KeySet),
) -> Result<(), DeskError> {
    let (label, at) = (document.label(), SystemClock.now());
    let mut key_box = desk.key_box(store)?;
    key_box.note(store, &Entry::Opened { set: set.recipient.fingerprint(), at })?;
    let candidate = name_of(&label.envelope.to_string())?;
    let (course, _) = course_of(store, &label.account.id)?;
    if course.standing(&candidate).is_some() {
        note(store, &label.account.id, &[record::Entry::Opened { candidate, at }])?;
    }
    Ok(())
}
