//! `custody list`: sets, documents, and what is to be done.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use breakglass_custody::document::{CredentialKind, Document, Label};
use breakglass_custody::key_set::KeySet;
use breakglass_custody::name::Name;
use breakglass_custody::succession::{SetStanding, Spent};
use breakglass_ops::checkout::record as checkout;
use breakglass_ops::checkout::stream::{self, CheckoutStreamError};
use breakglass_ops::drill::record::{DRILL_DAYS_MAX, Due, Surface};
use breakglass_ops::drill::stream as drill;
use breakglass_ops::key_box::accounts::{replaced, replacements};
use breakglass_ops::key_box::record::{HeldSet, KeyBox};
use breakglass_ops::ports::Store;
use breakglass_ops::rotation::journey::course_of;
use breakglass_ops::rotation::record::{Course, QUIESCENCE_HOURS_USUAL, Standing};
use jiff::Timestamp;

use super::CustodyFailure;
use super::desk::{DOCUMENTS, Desk, DeskError, Place, courses, name_of};
use super::key_secrets::{self, key_courses};
use super::replacing::{is_replaced, unseen_deletions};
use super::replicate::{Lack, lacking};
use crate::commands::drill::DrillFailure;
use crate::config::DocumentPlace;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::deliver;
use crate::render::custody::{DocumentLine, Listing, SetLine, ShareLine, json, text};
use crate::render::day_and_time;
use crate::wiring::World;

/// How a document stands that another machine has sealed, or a rotation that was stopped.
pub(super) const UNRECORDED: &str = "not in the record";

/// How one stands whose password may be the one.
const MAY_COUNT: &str = "may count";

/// Show the sets of shares, the sealed documents, and what is to be done
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// How it is shown
    #[arg(long, value_enum, default_value_t = ListFormat::Text)]
    format: ListFormat,

    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum ListFormat {
    /// For people
    Text,
    /// `breakglass-custody/1`
    Json,
}

impl Arguments {
    pub(super) fn run(&self, world: &World) -> Result<Exit, Failure> {
        let desk = self.place.desk(world)?;
        let listing = listing(&desk, world)?;
        let shown = match self.format {
            ListFormat::Text => text(&listing, (world.stdout.columns, world.stdout.paint)),
            ListFormat::Json => json(&listing),
        };
        deliver(world, None, &shown)?;
        Ok(if listing.to_do.is_empty() { Exit::Good } else { Exit::Found })
    }
}

/// What is listed where nothing is remembered, or the operator's key is away: no document can be relied on, and those that lie
/// there are named all the same.
fn of_strangers(desk: &Desk, lost: Option<&DeskError>, world: &World) -> Listing {
    let mut strangers = Vec::new();
    for depository in desk.depositories().iter() {
        match desk.runtime.block_on(depository.names()) {
            Ok(names) => strangers.extend(names.iter().map(|name| format!("{name}, in {}", depository.place()))),
            Err(error) => world.note(&error.to_string()),
        }
    }
    let mut to_do = Vec::new();
    if let Some(lost) = lost {
        to_do.push(format!("bring the operator's key from where it was: {lost}"));
    }
    if !strangers.is_empty() {
        let state = desk.state.display();
        to_do.push(format!(
            "bring back what was remembered of these documents: `breakglass state restore`, and `operator.key`; there is none of it in \
             `{state}`. In an emergency none of it is needed: `breakglass custody open --account UPN --operator FINGERPRINT`, with the \
             fingerprint from any sheet"
        ));
    }
    if to_do.is_empty() {
        to_do.push("make a set of shares: `breakglass custody new-set`".to_owned());
    }
    Listing { operator: None, sets: Vec::new(), documents: Vec::new(), strangers, to_do }
}

fn listing(desk: &Desk, world: &World) -> Result<Listing, Failure> {
    if !desk.has_state() {
        return Ok(of_strangers(desk, None, world));
    }
    let store = desk.store()?;
    let operator = match desk.operator() {
        Ok(operator) => operator,
        Err(DeskError::NoOperator(path)) => {
            let lost = Desk::has_sets(&store)?.then_some(DeskError::LostOperator(path));
            return Ok(of_strangers(desk, lost.as_ref(), world));
        }
        Err(error) => return Err(error.into()),
    };
    let key_box = desk.key_box(&store)?;
    let deleted: BTreeSet<String> = replaced(&store).map_err(DeskError::from)?.into_iter().filter_map(gone).collect();
    // Why there are none was said; what counts and is not found is said below.
    let mut documents = desk.documents_found(world).unwrap_or_default();
    documents.sort_by_key(|document| {
        let label = document.label();
        (label.account.user_principal_name.clone(), Reverse((label.version, label.sealed_on)))
    });
    let sets = key_box.sets().iter().map(|held| set_line(desk, &key_box, held)).collect();
    let (others, documents): (Vec<_>, Vec<_>) =
        documents.into_iter().partition(|document| document.label().credential != CredentialKind::Password);
    let lines = documents
        .iter()
        .map(|document| document_line(&store, (document, &deleted), (&key_box, world.now)))
        .collect::<Result<Vec<_>, _>>()?;
    let other_lines = others
        .iter()
        .map(|document| key_secrets::document_line(&store, (document, &deleted), (&key_box, world.now)))
        .collect::<Result<Vec<_>, _>>()?;
    let left_behind = left_behind(desk);
    let missing = missing(&store, (&documents, &deleted), left_behind.as_deref())?;
    // Of what cannot be found nobody knows whose it is.
    let declared = desk.config.wanted(None).accounts.into_iter().map(|account| account.name);
    let replacements = replacements(&store).map_err(DeskError::from)?;
    let declared: Vec<String> = declared.filter(|name| !is_replaced(name, &replacements, &lines)).collect();
    let unsealed = if missing.is_empty() { unsealed(&declared, &lines, &other_lines) } else { Vec::new() };
    let mut to_do = to_do(&key_box, &lines, unsealed);
    to_do.extend(missing);
    to_do.extend(lacking_copies(desk, (&documents, &lines), (&others, &other_lines))?);
    to_do.extend(unseen_deletions(&replacements, &documents));
    to_do.extend(key_secrets::to_do(&store, (&others, &deleted), (&key_box, world.now))?);
    to_do.extend(secrets_left_behind(&store, (&others, &deleted), left_behind.as_deref())?);
    for (document, line) in documents.iter().zip(&lines).filter(|(_, line)| line.is_current && !line.is_opened) {
        if let Some(spent) = spent(&key_box, document.label()) {
            let why = match spent {
                Spent::Opened => "its set of shares was opened for another document, and the key was there",
                Spent::Retired => "its set of shares is retired",
            };
            to_do.push(format!("`breakglass rotate --account {}`: {why}", line.account));
        }
    }
    let all = documents.iter().zip(&lines).chain(others.iter().zip(&other_lines));
    to_do.extend(reserve_to_do(desk, &key_box, &all.collect::<Vec<_>>()));
    to_do.extend(lines.iter().chain(&other_lines).filter(|line| line.stands == UNRECORDED).map(|line| {
        format!(
            "find out where `{}` of {} was sealed, which is in no record here; if what is in it was never set, its set is \
             retired by `breakglass custody retire --destroyed --never-set {}`",
            line.document, line.account, line.document
        )
    }));
    to_do.extend(settlings_due(&store, (&documents, &deleted), world.now)?);
    to_do.extend(openings_without_a_reason(&store)?);
    to_do.extend(overdue(&store, (&lines, &other_lines, &deleted), world.now)?);
    to_do.extend(drills_due(desk, &store, (&lines, world.now))?);
    let mut lines: Vec<DocumentLine> = lines.into_iter().chain(other_lines).collect();
    lines.sort_by(|one, other| one.account.cmp(&other.account));
    let strangers = Vec::new();
    Ok(Listing { operator: Some(operator.to_string()), sets, documents: lines, strangers, to_do })
}

fn set_line(desk: &Desk, key_box: &KeyBox, held: &HeldSet) -> SetLine {
    let standing = key_box.standing(held.fingerprint());
    let stands = match standing {
        Some((SetStanding::Next, _)) => "next",
        Some((SetStanding::Current, None)) => "current",
        Some((SetStanding::Current | SetStanding::Former, Some(Spent::Opened))) => "opened, kept until nothing counts",
        Some((SetStanding::Current | SetStanding::Former, Some(Spent::Retired))) => {
            "retired, kept until nothing counts"
        }
        Some((SetStanding::Former, None)) => "former, kept until nothing counts",
        Some((SetStanding::Dead, _)) | None => "dead, destroy the shares",
    };
    let shares = (1..=held.set().quorum.count()).map(|number| ShareLine {
        number,
        holder: held.holder(number).map(|holder| desk.called(holder)).unwrap_or_default(),
        is_acknowledged: held.acknowledged.contains(&number),
        is_rehearsed: held.rehearsed.contains(&number),
    });
    SetLine {
        set: held.set().id.to_string(),
        fingerprint: held.fingerprint().to_string(),
        recipient: held.set().recipient.to_string(),
        opens: held.set().quorum.to_string(),
        stands: if held.is_reserve { format!("reserve, {stands}") } else { stands.to_owned() },
        is_reserve: held.is_reserve,
        shares: shares.collect(),
        rehearsed_at: held.rehearsed_at,
    }
}

fn gone((account, is_deleted): (String, bool)) -> Option<String> {
    is_deleted.then_some(account)
}

/// The folder beside the state, where documents were kept until others were declared, if it is none of those.
fn left_behind(desk: &Desk) -> Option<PathBuf> {
    let folders = desk.config.document_places(&desk.folder).into_iter().map(|place| match place {
        DocumentPlace::Folder(folder) => Some(folder),
        DocumentPlace::Vault(_) => None,
    });
    undeclared(&desk.state.join(DOCUMENTS), &folders.collect::<Vec<_>>())
}

/// A folder that is there, unless it is one of those that are declared, or none is.
fn undeclared(usual: &Path, declared: &[Option<PathBuf>]) -> Option<PathBuf> {
    let usual = fs::canonicalize(usual).ok().filter(|usual| usual.is_dir())?;
    let is_usual = |folder: &PathBuf| fs::canonicalize(folder).is_ok_and(|folder| folder == usual);
    let is_declared = declared.is_empty() || declared.iter().flatten().any(is_usual);
    (!is_declared).then_some(usual)
}

/// Where a document lies besides, for whoever looks for it; nothing if that is not known.
fn lies_in(left_behind: Option<&Path>, document: &Name) -> Option<String> {
    let folder = left_behind.filter(|folder| folder.join(format!("{document}.txt")).is_file())?;
    let folder = folder.display();
    Some(format!("it is in `{folder}`, which is no depository any more: copy it from there into each that is declared"))
}

/// PINs and private keys that count, whose documents lie where documents are looked for no more.
fn secrets_left_behind(
    store: &dyn Store,
    (documents, deleted): (&[Document], &BTreeSet<String>),
    left_behind: Option<&Path>,
) -> Result<Vec<String>, Failure> {
    let found = envelopes(documents);
    let is_deleted = |id: &str| deleted.iter().any(|gone| gone.eq_ignore_ascii_case(id));
    let mut to_do = Vec::new();
    for (_, course) in key_courses(store)?.iter().filter(|(id, _)| !is_deleted(id)) {
        for (name, _) in course.counting().filter(|(name, _)| !found.contains(name.as_str())) {
            to_do.extend(lies_in(left_behind, name).map(|lies| format!("bring the document `{name}`: {lies}")));
        }
    }
    Ok(to_do)
}

fn envelopes(documents: &[Document]) -> BTreeSet<String> {
    documents.iter().map(|document| document.label().envelope.to_string()).collect()
}

/// Documents that count, or may, and that no depository has that answers.
fn missing(
    store: &dyn Store,
    (documents, deleted): (&[Document], &BTreeSet<String>),
    left_behind: Option<&Path>,
) -> Result<Vec<String>, Failure> {
    let found = envelopes(documents);
    let mut to_do = Vec::new();
    for (id, course) in courses(store)?.iter().filter(|(id, _)| !deleted.contains(id)) {
        let of_it = documents.iter().find(|document| document.label().account.id == *id);
        let account = of_it.map_or(id, |document| &document.label().account.user_principal_name);
        for name in course.may_count().filter(|name| !found.contains(name.as_str())) {
            let counts = if course.current() == Some(name) { "counts" } else { "may count" };
            let lies = lies_in(left_behind, name).map(|lies| format!("; {lies}")).unwrap_or_default();
            to_do.push(format!(
                "bring the document `{name}` of {account} from where it lies: it {counts}, and no depository that answers has \
                 it{lies}"
            ));
        }
    }
    Ok(to_do)
}

/// Depositories that have no whole copy of what counts, or may.
fn lacking_copies(
    desk: &Desk,
    (documents, lines): (&[Document], &[DocumentLine]),
    (others, other_lines): (&[Document], &[DocumentLine]),
) -> Result<Vec<String>, DeskError> {
    let depositories = desk.depositories();
    let all = documents.iter().zip(lines).chain(others.iter().zip(other_lines));
    let mut to_do = Vec::new();
    for (document, line) in all.filter(|(_, line)| line.is_current || line.stands == MAY_COUNT) {
        for (depository, lack) in lacking(desk, &depositories, document)? {
            let what = match lack {
                Lack::Missing => "is missing",
                Lack::Damaged => "is damaged",
                Lack::Other => "is another document",
            };
            to_do.push(format!(
                "`breakglass custody replicate`: `{}` of {} {what} in {}, and another depository has it whole",
                line.document,
                line.account,
                depository.place()
            ));
        }
    }
    Ok(to_do)
}

/// What became of the sets that open a document, where its password is to be changed for that: the key of one of them was there,
/// or its own is retired.
fn spent(key_box: &KeyBox, label: &Label) -> Option<Spent> {
    let of = |set: &KeySet| key_box.standing(set.recipient.fingerprint()).and_then(|(_, spent)| spent);
    if label.sets().any(|set| of(set) == Some(Spent::Opened)) { Some(Spent::Opened) } else { of(&label.set) }
}

fn document_line(
    store: &dyn Store,
    (document, deleted): (&Document, &BTreeSet<String>),
    (key_box, now): (&KeyBox, Timestamp),
) -> Result<DocumentLine, Failure> {
    let label = document.label();
    let name = name_of(&label.envelope.to_string())?;
    let (course, _) = course_of(store, &label.account.id).map_err(DeskError::from)?;
    let out = stream::course_of(store, &label.account.id);
    let (out, _) = out.map_err(|error| CustodyFailure::NotNoted(error.to_string()))?;
    let is_gone = deleted.contains(&label.account.id);
    let is_current = course.current() == Some(&name) && !is_gone;
    let is_opened = course.is_opened(&name) || out.is_opened(&name);
    let stands = match course.standing(&name) {
        _ if is_gone => "its account is deleted",
        _ if is_current && is_opened => "counts, opened: rotate",
        _ if is_current && spent(key_box, label) == Some(Spent::Opened) => "counts; its key was there: rotate",
        _ if is_current => "counts",
        Some(standing) => beside_current(standing),
        None => UNRECORDED,
    };
    let is_asked = out.request_at(now).is_some_and(|request| request.document == name);
    let check_out = if is_asked { check_out(out.standing(now)) } else { None };
    Ok(DocumentLine {
        document: name.to_string(),
        account: label.account.user_principal_name.clone(),
        account_id: label.account.id.clone(),
        credential: label.credential,
        secret_of: None,
        version: label.version,
        set: label.set.id.to_string(),
        reserve: label.reserve.as_ref().map(|reserve| reserve.id.to_string()),
        sealed_on: label.sealed_on,
        stands: stands.to_owned(),
        is_current,
        is_opened,
        check_out,
    })
}

/// How a password stands that is not the one to open first. Nothing that may count is said to be past: until the one that
/// counts is settled, what was sent before it may still arrive.
const fn beside_current(standing: Standing) -> &'static str {
    match standing {
        Standing::Sent | Standing::Proved | Standing::Settled => MAY_COUNT,
        Standing::Superseded => "superseded",
        Standing::Refused => "refused, never counted",
        Standing::Prepared => "prepared, never sent",
    }
}

/// How a check-out stands, in words.
pub(super) fn check_out(standing: checkout::Standing) -> Option<String> {
    match standing {
        checkout::Standing::Overdue => Some("overdue".to_owned()),
        checkout::Standing::Out => Some("out".to_owned()),
        checkout::Standing::Approved => Some("approved".to_owned()),
        checkout::Standing::Requested(count) => Some(format!("asked for, {count} agree")),
        checkout::Standing::Free => None,
    }
}

/// What is out for too long, also where no depository has its document.
fn overdue(
    store: &dyn Store,
    (lines, others, deleted): (&[DocumentLine], &[DocumentLine], &BTreeSet<String>),
    now: Timestamp,
) -> Result<Vec<String>, Failure> {
    let ids = stream::overdue(store, now).map_err(|error| CustodyFailure::NotNoted(error.to_string()))?;
    let said = |id: String| {
        // The name of one that is deleted may be another's by now.
        let of_it = lines.iter().chain(others).find(|line| line.account_id == id && !deleted.contains(&id));
        let account = of_it.map_or(id.as_str(), |line| line.account.as_str());
        format!("`breakglass checkout return --account {account} --person …`: it is overdue")
    };
    Ok(ids.into_iter().map(said).collect())
}

/// What is to be done for accounts of the configuration of which no password is sealed that counts; `others` is what is sealed
/// besides passwords.
///
/// A document has the name that its account had when it was sealed, and its id, which stays. So an account is known by any name
/// that some document of its id has; one that has none of them may be new, or renamed, and both are said.
fn unsealed(declared: &[String], documents: &[DocumentLine], others: &[DocumentLine]) -> Vec<String> {
    let is_named = |line: &DocumentLine, name: &str| {
        line.account_id.eq_ignore_ascii_case(name) || line.account.eq_ignore_ascii_case(name)
    };
    let is_of = |line: &DocumentLine, name: &str| {
        let mut of_its_id =
            documents.iter().chain(others).filter(|other| other.account_id.eq_ignore_ascii_case(&line.account_id));
        of_its_id.any(|other| is_named(other, name))
    };
    let counting = || documents.iter().filter(|line| line.is_current);
    let strangers = counting().filter(|line| !declared.iter().any(|name| is_of(line, name)));
    let strangers: Vec<String> = strangers.map(|line| format!("`{}` ({})", line.account, line.account_id)).collect();
    let renamed = match strangers.as_slice() {
        [] => String::new(),
        names => format!(
            "; a password is sealed for {}, which the configuration does not name: if the account was renamed, it opens by that name \
             or id until it is rotated, and declared by its id it is known whatever it is called",
            names.join(", ")
        ),
    };
    let unsealed = declared.iter().filter(|name| !counting().any(|line| is_of(line, name)));
    let said = |name: &String| {
        let is_sealed = documents.iter().any(|line| is_of(line, name));
        let none = if is_sealed { "no sealed password of it is in the record" } else { "it has no sealed password" };
        format!("`breakglass rotate --account {name}`: {none}{renamed}")
    };
    unsealed.map(said).collect()
}

fn to_do(key_box: &KeyBox, documents: &[DocumentLine], unsealed: Vec<String>) -> Vec<String> {
    let mut to_do = Vec::new();
    match key_box.next() {
        Some((held, Err(missing))) => {
            to_do.push(format!("{missing}: `breakglass custody rehearse --set {}`", held.set().id))
        }
        Some((_, Ok(()))) => {}
        None => {
            let what = if key_box.sealable().is_ok() {
                "a next set of shares, for after an opening"
            } else {
                "a set of shares"
            };
            to_do.push(format!("make {what}: `breakglass custody new-set`"));
        }
    }
    to_do.extend(unsealed);
    for document in documents.iter().filter(|document| document.is_current) {
        if document.is_opened {
            to_do.push(format!("`breakglass rotate --account {}`: its password was opened", document.account));
        }
    }
    to_do
}

/// What is to be done for a reserve that is declared or was made.
fn reserve_to_do(desk: &Desk, key_box: &KeyBox, documents: &[(&Document, &DocumentLine)]) -> Vec<String> {
    let has_sets = key_box.sets().iter().any(|held| held.is_reserve);
    if !has_sets && !desk.has_reserve() {
        return Vec::new();
    }
    if let Some((held, Err(missing))) = key_box.next_reserve() {
        return vec![format!("{missing}: `breakglass custody rehearse --set {}`", held.set().id)];
    }
    let Ok(reserve) = key_box.reserve() else {
        return vec![
            "make a reserve, whose shares are held outside: `breakglass custody new-set --reserve`".to_owned(),
        ];
    };
    let is_without = |(document, line): &&(&Document, &DocumentLine)| {
        line.is_current && !line.is_opened && document.label().reserve.as_ref() != Some(reserve.set())
    };
    let without = documents.iter().filter(is_without);
    without
        .map(|(_, line)| {
            let what = match line.credential {
                CredentialKind::Password => format!("`breakglass rotate --account {}`", line.account),
                CredentialKind::Passkey => format!(
                    "`breakglass custody seal --pin-of {} --account {} --id {}`",
                    line.secret_of.as_deref().unwrap_or("…"),
                    line.account,
                    line.account_id
                ),
                CredentialKind::Certificate => {
                    format!("`breakglass keys certificate issue --seal` for {}", line.account)
                }
            };
            format!("{what}: it is not sealed to the reserve `{}`", reserve.set().id)
        })
        .collect()
}

/// Accounts of which it can be told by now which password counts, and nobody has asked.
fn settlings_due(
    store: &dyn Store,
    (documents, deleted): (&[Document], &BTreeSet<String>),
    now: Timestamp,
) -> Result<Vec<String>, Failure> {
    let mut to_do = Vec::new();
    for (id, course) in courses(store)?.iter().filter(|(id, _)| !deleted.contains(id)) {
        let of_it = documents.iter().find(|document| document.label().account.id == *id);
        let account = of_it.map_or(id, |document| &document.label().account.user_principal_name);
        to_do.extend(settling_due(account, course, now));
    }
    Ok(to_do)
}

/// What is to be done for an account whose password was proved so long ago that it can be settled.
fn settling_due(account: &str, course: &Course, now: Timestamp) -> Option<String> {
    let proved_at = course.proved_at().filter(|_| course.proved().is_some())?;
    let quiet_at = course.quiet_at(QUIESCENCE_HOURS_USUAL).filter(|quiet_at| *quiet_at <= now)?;
    let (proved_at, quiet_at) = (day_and_time(proved_at), day_and_time(quiet_at));
    Some(if course.rival(QUIESCENCE_HOURS_USUAL).is_some() {
        format!(
            "`breakglass rotate --account {account}`: which of its passwords counts cannot be told, since another was sent before the \
             one that was proved on {proved_at}; nothing of that is under way since {quiet_at}, and another rotation settles it"
        )
    } else if course.changed_at().is_none() {
        format!(
            "`breakglass rotate --account {account}`: the tenant did not say, after the proof of {proved_at}, when the password was \
             changed, so that it is never settled"
        )
    } else {
        format!(
            "`breakglass rotate --settle`: the password of {account} was proved on {proved_at}, and since {quiet_at} it can be settled"
        )
    })
}

/// Openings that this machine has seen, and of which nobody has said why.
fn openings_without_a_reason(store: &dyn Store) -> Result<Vec<String>, Failure> {
    let noted = |error: CheckoutStreamError| Failure::from(CustodyFailure::NotNoted(error.to_string()));
    let mut to_do = Vec::new();
    for name in store.streams(stream::PREFIX).map_err(DeskError::from)? {
        let account = name.strip_prefix(stream::PREFIX).unwrap_or_default();
        to_do.extend(stream::unexplained(store, account).map_err(noted)?.into_iter().map(|seen| {
            let reserve = if seen.is_reserve { " --reserve" } else { "" };
            format!(
                "`breakglass custody record-opening --document {}{reserve} --person … --person … --reason …`: it was opened on {}, and \
                 nobody has said why",
                seen.document,
                day_and_time(seen.opened_at)
            )
        }));
    }
    Ok(to_do)
}

/// Accounts of which a drill is due, and why.
fn drills_due(
    desk: &Desk,
    store: &dyn Store,
    (documents, now): (&[DocumentLine], Timestamp),
) -> Result<Vec<String>, Failure> {
    let (staff, wanted) = (desk.staff()?, desk.config.drill_surfaces());
    let names = |people: &BTreeSet<Name>| people.iter().map(Name::to_string).collect::<Vec<_>>().join(", ");
    let listed = |surfaces: &BTreeSet<Surface>| {
        if *surfaces == wanted {
            return "everything".to_owned();
        }
        surfaces.iter().map(|surface| surface.name()).collect::<Vec<_>>().join(", ")
    };
    let mut due = Vec::new();
    for document in documents.iter().filter(|document| document.is_current) {
        let (course, _) = drill::course_of(store, &document.account_id).map_err(DrillFailure::from)?;
        let Some(found) = course.due(now, &wanted, &staff) else { continue };
        let why = match found {
            Due::Elevated => {
                "a drill may have left it elevated to manage all of Azure, which the next takes back".to_owned()
            }
            Due::Stopped { begun_at } => format!("the one of {} has not come to its end", begun_at.strftime("%F")),
            Due::Never => "it was never drilled".to_owned(),
            Due::NotGood { surfaces } => format!("it did not get in when that was tried last: {}", listed(&surfaces)),
            Due::Untold { surfaces } => {
                format!("whether it gets in was not seen, or could not be told: {}", listed(&surfaces))
            }
            Due::Ahead { ended_at } => {
                format!("the last was on {} by a clock that was wrong, or this one is", ended_at.strftime("%F"))
            }
            Due::Old { ended_at } => {
                format!("the last was on {}, and one is due every {DRILL_DAYS_MAX} days", ended_at.strftime("%F"))
            }
            Due::NotOutside { surfaces } => format!(
                "no drill of the last {DRILL_DAYS_MAX} days is known to have shown that it gets in from outside the networks that \
                 policies trust, which one with `--from outside` does: {}",
                listed(&surfaces)
            ),
            Due::Staff { new, gone } => {
                let new = (!new.is_empty()).then(|| format!("new: {}", names(&new)));
                let gone = (!gone.is_empty()).then(|| format!("gone: {}", names(&gone)));
                let both = new.into_iter().chain(gone).collect::<Vec<_>>().join("; ");
                format!("people have changed since the last ({both})")
            }
        };
        due.push(format!("`breakglass drill --account {} --person … --person …`: {why}", document.account));
    }
    Ok(due)
}

#[cfg(test)]
mod tests {
    use breakglass_ops::rotation::record::Entry;

    use super::*;

    const OLD: (&str, &str) = ("old@contoso.com", "00000000-0000-4000-8000-0000000000a1");
    const OTHER: (&str, &str) = ("bg2@contoso.com", "00000000-0000-4000-8000-0000000000A2");

    fn line((account, id): (&str, &str), is_current: bool) -> DocumentLine {
        DocumentLine {
            document: "document".to_owned(),
            account: account.to_owned(),
            account_id: id.to_owned(),
            credential: CredentialKind::Password,
            secret_of: None,
            version: 1,
            set: "set".to_owned(),
            reserve: None,
            sealed_on: Timestamp::UNIX_EPOCH,
            stands: String::new(),
            is_current,
            is_opened: false,
            check_out: None,
        }
    }

    #[test]
    fn an_account_is_known_by_its_id_whatever_it_is_called() {
        let new = ("new@contoso.com", OLD.1);
        let (old, other, past) = (line(OLD, true), line(OTHER, true), line(OLD, false));
        let (new_past, new_pin, other_id) = (line(new, false), line(new, true), OTHER.1.to_lowercase());
        // What is declared; passwords; what else is sealed; who has nothing that counts, and who may have been renamed.
        type Case<'c> = (&'c [&'c str], &'c [&'c DocumentLine], &'c [&'c DocumentLine], &'c [&'c str], &'c [&'c str]);
        let cases: [Case<'_>; 9] = [
            (&[OLD.0, OTHER.0], &[&old, &other], &[], &[], &[]),
            (&["OLD@contoso.com", &other_id], &[&old, &other], &[], &[], &[]),
            (&[OLD.1], &[&old], &[], &[], &[]),
            (&[OLD.0], &[], &[], &[OLD.0], &[]),
            (&[OLD.0], &[&past], &[], &[OLD.0], &[]),
            (&[new.0, OTHER.0], &[&old, &other], &[], &[new.0], &[OLD.0, OLD.1]),
            // Another document of its id has the new name.
            (&[new.0], &[&old, &new_past], &[], &[], &[]),
            (&[new.0], &[&old], &[&new_pin], &[], &[]),
            // A PIN is no password.
            (&[new.0], &[], &[&new_pin], &[new.0], &[]),
        ];
        for (number, (declared, documents, others, missing, strangers)) in cases.into_iter().enumerate() {
            let declared: Vec<String> = declared.iter().map(|&name| name.to_owned()).collect();
            let copies = |lines: &[&DocumentLine]| -> Vec<DocumentLine> {
                lines.iter().map(|one| line((&one.account, &one.account_id), one.is_current)).collect()
            };
            let said = unsealed(&declared, &copies(documents), &copies(others));
            assert_eq!(said.len(), missing.len(), "{number}: {said:?}");
            for (said, name) in said.iter().zip(missing) {
                // One that is sealed and does not count is there all the same.
                let is_sealed = documents.iter().any(|line| line.account == *name);
                let none =
                    if is_sealed { "no sealed password of it is in the record" } else { "it has no sealed password" };
                assert!(said.starts_with(&format!("`breakglass rotate --account {name}`: {none}")), "{number}: {said}");
                assert_eq!(said.contains("was renamed"), !strangers.is_empty(), "{number}: {said}");
                assert!(strangers.iter().all(|stranger| said.contains(stranger)), "{number}: {said}");
            }
        }
    }

    #[test]
    fn what_may_count_is_not_said_to_be_past() {
        let at: Timestamp = "2026-11-27T03:00:00Z".parse().unwrap();
        let hours = |hours: i64| at + jiff::SignedDuration::from_hours(hours);
        let [first, second, third] = ["first", "second", "third"].map(|text| Name::read(text).unwrap());
        let sent = |candidate: &Name| {
            [Entry::Prepared { candidate: candidate.clone(), at }, Entry::Sending { candidate: candidate.clone(), at }]
        };
        let proved =
            |candidate: &Name| Entry::Proved { candidate: candidate.clone(), changed_at: None, is_answered: true, at };
        let mut course = Course::default();
        let take = |course: &mut Course, entries: &[Entry]| {
            entries.iter().for_each(|entry| course.take(entry).unwrap());
        };
        take(&mut course, &[Entry::Prepared { candidate: first.clone(), at }]);
        take(&mut course, &[Entry::Settled { candidate: first.clone(), at }]);
        take(&mut course, &sent(&second));
        take(&mut course, &[proved(&second)]);
        take(&mut course, &sent(&third));
        take(&mut course, &[proved(&third)]);
        let said = |course: &Course, name: &Name| beside_current(course.standing(name).unwrap());
        for earlier in [&first, &second] {
            assert!(course.may_count().any(|name| name == earlier));
            assert_eq!(said(&course, earlier), "may count");
        }
        take(&mut course, &[Entry::Settled { candidate: third, at: hours(24) }]);
        for earlier in [&first, &second] {
            assert!(!course.may_count().any(|name| name == earlier));
            assert_eq!(said(&course, earlier), "superseded");
        }
    }

    #[test]
    fn what_was_promised_is_asked_for_when_it_is_possible() {
        let at: Timestamp = "2026-11-27T03:00:00Z".parse().unwrap();
        let later = |hours: i64| at + jiff::SignedDuration::from_hours(hours);
        let [first, second] = ["first", "second"].map(|text| Name::read(text).unwrap());
        let sent = |candidate: &Name| {
            [Entry::Prepared { candidate: candidate.clone(), at }, Entry::Sending { candidate: candidate.clone(), at }]
        };
        let proved = |changed_at| [Entry::Proved { candidate: second.clone(), changed_at, is_answered: true, at }];
        let settled = [Entry::Settled { candidate: second.clone(), at: later(24) }];
        let (lost, alone) = ([sent(&first), sent(&second)].concat(), sent(&second).to_vec());
        let whole = [&alone[..], &proved(Some(at))].concat();
        // The entries, hours later, and what is asked for.
        type Case<'c> = (&'c [Entry], i64, Option<&'c str>);
        let cases: [Case<'_>; 8] = [
            (&[], 24, None),
            (&alone, 24, None),
            (&whole, 23, None),
            (&whole, 24, Some("`breakglass rotate --settle`: the password of bg1 was proved on 27 November 2026")),
            (
                &[&alone[..], &proved(None)].concat(),
                24,
                Some("`breakglass rotate --account bg1`: the tenant did not say"),
            ),
            (&[&lost[..], &proved(Some(at))].concat(), 23, None),
            (
                &[&lost[..], &proved(Some(at))].concat(),
                24,
                Some("`breakglass rotate --account bg1`: which of its passwords"),
            ),
            (&[&whole[..], &settled].concat(), 48, None),
        ];
        for (number, (entries, hours, expected)) in cases.into_iter().enumerate() {
            let said = settling_due("bg1", &Course::of(entries).unwrap(), later(hours));
            let is_so = match expected {
                None => said.is_none(),
                Some(begins) => said.as_ref().is_some_and(|said| said.starts_with(begins)),
            };
            assert!(is_so, "{number}: {said:?}");
        }
    }

    #[test]
    fn a_folder_that_is_declared_no_more_is_named() {
        let folder = std::env::temp_dir().join(format!("breakglass-left-behind-{}", std::process::id()));
        let (usual, other) = (folder.join("state/documents"), folder.join("other"));
        assert_eq!(undeclared(&usual, &[Some(other.clone())]), None, "it is not there");
        fs::create_dir_all(&usual).unwrap();
        let roundabout = folder.join("state/../state/documents");
        let whole = fs::canonicalize(&usual).unwrap();
        let declared = |folder: &Path| Some(folder.to_path_buf());
        assert_eq!(undeclared(&usual, &[]), None, "it is the place of documents");
        assert_eq!(undeclared(&usual, &[declared(&other), declared(&roundabout)]), None, "it is declared");
        assert_eq!(undeclared(&usual, &[declared(&other), None]), Some(whole.clone()));
        let name = Name::read("one").unwrap();
        assert_eq!(lies_in(Some(&whole), &name), None, "the document is not in it");
        fs::write(usual.join("one.txt"), "text").unwrap();
        let lies = lies_in(Some(&whole), &name).unwrap();
        assert!(lies.contains(&whole.display().to_string()), "{lies}");
        assert_eq!(lies_in(None, &name), None);
        fs::remove_dir_all(&folder).unwrap();
    }
}
