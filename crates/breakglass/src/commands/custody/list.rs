//! `custody list`: sets, documents, and what is to be done.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use breakglass_custody::document::{CredentialKind, Document};
use breakglass_custody::name::Name;
use breakglass_custody::succession::{SetStanding, Spent};
use breakglass_ops::checkout::record as checkout;
use breakglass_ops::checkout::stream::{self, CheckoutStreamError};
use breakglass_ops::drill::record::{DRILL_DAYS_MAX, Due, Surface};
use breakglass_ops::drill::stream as drill;
use breakglass_ops::key_box::accounts::replaced;
use breakglass_ops::key_box::record::{HeldSet, KeyBox};
use breakglass_ops::ports::Store;
use breakglass_ops::rotation::journey::course_of;
use breakglass_ops::rotation::record::Standing;
use jiff::Timestamp;

use super::CustodyFailure;
use super::desk::{Desk, DeskError, Place, courses, name_of};
use super::key_secrets;
use crate::commands::drill::DrillFailure;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::deliver;
use crate::render::custody::{DocumentLine, Listing, SetLine, ShareLine, json, text};
use crate::wiring::World;

/// How a document stands that another machine has sealed, or a rotation that was stopped.
pub(super) const UNRECORDED: &str = "not in the record";

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

fn listing(desk: &Desk, world: &World) -> Result<Listing, Failure> {
    if !desk.has_state() {
        let to_do = vec!["make a set of shares: `breakglass custody new-set`".to_owned()];
        return Ok(Listing { operator: None, sets: Vec::new(), documents: Vec::new(), to_do });
    }
    let store = desk.store()?;
    let operator = match desk.operator() {
        Ok(operator) => operator,
        Err(DeskError::NoOperator(path)) => {
            let to_do = vec![if Desk::has_sets(&store)? {
                format!("bring the operator's key from where it was: {}", DeskError::LostOperator(path))
            } else {
                "make a set of shares: `breakglass custody new-set`".to_owned()
            }];
            return Ok(Listing { operator: None, sets: Vec::new(), documents: Vec::new(), to_do });
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
        .map(|document| document_line(&store, (document, &deleted), world.now))
        .collect::<Result<Vec<_>, _>>()?;
    let other_lines = others
        .iter()
        .map(|document| key_secrets::document_line(&store, (document, &deleted), (&key_box, world.now)))
        .collect::<Result<Vec<_>, _>>()?;
    let missing = missing(&store, (&documents, &deleted))?;
    // Of what cannot be found nobody knows whose it is.
    let unsealed = if missing.is_empty() { unsealed(desk, &lines) } else { Vec::new() };
    let mut to_do = to_do(&key_box, &lines, &unsealed);
    to_do.extend(missing);
    to_do.extend(key_secrets::to_do(&store, (&others, &deleted), (&key_box, world.now))?);
    for (document, line) in documents.iter().zip(&lines).filter(|(_, line)| line.is_current && !line.is_opened) {
        if let Some((_, Some(spent))) = key_box.standing(document.label().set.recipient.fingerprint()) {
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
    to_do.extend(openings_without_a_reason(&store)?);
    to_do.extend(overdue(lines.iter().chain(&other_lines)));
    to_do.extend(drills_due(desk, &store, (&lines, world.now))?);
    let mut lines: Vec<DocumentLine> = lines.into_iter().chain(other_lines).collect();
    lines.sort_by(|one, other| one.account.cmp(&other.account));
    Ok(Listing { operator: Some(operator.to_string()), sets, documents: lines, to_do })
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

/// Documents that count, or may, and that no depository has that answers.
fn missing(store: &dyn Store, (documents, deleted): (&[Document], &BTreeSet<String>)) -> Result<Vec<String>, Failure> {
    let found: BTreeSet<String> = documents.iter().map(|document| document.label().envelope.to_string()).collect();
    let mut to_do = Vec::new();
    for (id, course) in courses(store)?.iter().filter(|(id, _)| !deleted.contains(id)) {
        let of_it = documents.iter().find(|document| document.label().account.id == *id);
        let account = of_it.map_or(id, |document| &document.label().account.user_principal_name);
        for name in course.may_count().filter(|name| !found.contains(name.as_str())) {
            let counts = if course.current() == Some(name) { "counts" } else { "may count" };
            to_do.push(format!(
                "bring the document `{name}` of {account} from where it lies: it {counts}, and no depository that answers has it"
            ));
        }
    }
    Ok(to_do)
}

fn document_line(
    store: &dyn Store,
    (document, deleted): (&Document, &BTreeSet<String>),
    now: Timestamp,
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
        _ if is_current => "counts",
        Some(Standing::Sent) => "may count",
        Some(Standing::Proved | Standing::Settled) => "counted before",
        Some(Standing::Superseded) => "superseded",
        Some(Standing::Refused) => "refused, never counted",
        Some(Standing::Prepared) => "prepared, never sent",
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

/// What is out for too long.
fn overdue<'l>(lines: impl Iterator<Item = &'l DocumentLine>) -> impl Iterator<Item = String> {
    let overdue = lines.filter(|line| line.check_out.as_deref() == Some("overdue"));
    overdue.map(|line| format!("`breakglass checkout return --account {} --person …`: it is overdue", line.account))
}

/// Accounts of the configuration of which nothing is sealed.
fn unsealed(desk: &Desk, documents: &[DocumentLine]) -> Vec<String> {
    let is_of = |document: &DocumentLine, name: &str| {
        document.account_id.eq_ignore_ascii_case(name) || document.account.eq_ignore_ascii_case(name)
    };
    let declared = desk.config.wanted(None).accounts.into_iter().map(|account| account.name);
    declared.filter(|name| !documents.iter().any(|document| document.is_current && is_of(document, name))).collect()
}

fn to_do(key_box: &KeyBox, documents: &[DocumentLine], unsealed: &[String]) -> Vec<String> {
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
    for account in unsealed {
        to_do.push(format!("`breakglass rotate --account {account}`: it has no sealed password"));
    }
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

/// Openings that this machine has seen, and of which nobody has said why.
fn openings_without_a_reason(store: &dyn Store) -> Result<Vec<String>, Failure> {
    let noted = |error: CheckoutStreamError| Failure::from(CustodyFailure::NotNoted(error.to_string()));
    let mut to_do = Vec::new();
    for name in store.streams(stream::PREFIX).map_err(DeskError::from)? {
        let account = name.strip_prefix(stream::PREFIX).unwrap_or_default();
        let (out, _) = stream::course_of(store, account).map_err(noted)?;
        to_do.extend(out.unexplained().map(|document| {
            format!(
                "`breakglass custody record-opening --document {document} --person … --person … --reason …`: it was opened, and \
                 nobody has said why"
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
