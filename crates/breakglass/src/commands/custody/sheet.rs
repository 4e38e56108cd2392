//! `custody sheet`: what lies in safes and in custodians' drawers.
//!
//! **Invariant:** what counts, or may, and is not on a sheet is named on it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use breakglass_adapters::clock::SystemClock;
use breakglass_adapters::sqlite_store::SqliteStore;
use breakglass_adapters::whole_file;
use breakglass_custody::document::{Account, CredentialKind, Document};
use breakglass_custody::key_set::KeySet;
use breakglass_custody::name::Name;
use breakglass_custody::signed_set::SignedSet;
use breakglass_custody::slip39::Share;
use breakglass_engine::posture::Profile;
use breakglass_ops::journal::catch_up;
use breakglass_ops::key_box::accounts::replaced;
use breakglass_ops::key_box::record::{HeldSet, KeyBox};
use breakglass_ops::keys::journey::course_of as keys_of;
use breakglass_ops::keys::record::Course as KeysCourse;
use breakglass_ops::ports::Clock as _;
use breakglass_ops::rotation::journey::course_of;
use breakglass_ops::rotation::record::Standing;
use breakglass_sheets::cover_sheet::{CoverSheet, Documents};
use breakglass_sheets::document_sheet::DocumentSheet;
use breakglass_sheets::runbook::Runbook;
use breakglass_sheets::share_sheet::ShareSheet;
use breakglass_sheets::{
    Absence, AbsentDocument, Checkpoint, Custodian, DocumentStanding, OnRecord, Paper, SealedDocument, SecondFactor,
    SecondFactors, Tenant,
};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use zeroize::Zeroizing;

use super::CustodyFailure;
use super::desk::{Desk, DeskError, Place, courses, name_of};
use super::key_secrets::key_courses;
use super::shares::ShareArguments;
use crate::config::{DocumentPlace, Person, PersonKind};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::wiring::World;

/// Who is told, if nobody is declared.
const REPORT_TO_USUAL: &str = "the head of IT";

/// Where every document is that may count, whatever machine works.
const COVER_PLACE: &str = "on the cover in the safe";

/// Make a sheet to print: a cover for the safe, documents for custodians, a runbook for 3 a.m., or a custodian's own
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// The cover for a safe: the set, who holds which share, the sealed documents, a log to fill in by hand
    Cover {
        /// Which safe
        #[arg(long, value_name = "NAME", default_value = "the safe")]
        safe: String,
        #[command(flatten)]
        common: Common,
    },
    /// The sealed documents, and how they are opened: for each custodian, to lie with their share, anew after each rotation
    Documents {
        #[command(flatten)]
        common: Common,
    },
    /// One page for somebody who is locked out: whom to call, what to do, what not to do
    Runbook {
        /// What the accounts prove themselves with besides the password, and where it lies [default: their security keys and
        /// certificates, as the record has them]
        #[arg(long, value_name = "TEXT")]
        second_factor: Option<String>,
        /// Where the documents are, on paper or on a computer that needs nothing of the tenant; may be given several times
        /// [default: the cover in the safe, and the depositories]
        #[arg(long, value_name = "PLACE")]
        documents_at: Vec<String>,
        #[command(flatten)]
        common: Common,
    },
    /// A custodian's own sheet again, with the documents that are sealed to its set since; they hand in their share for it
    Share {
        #[command(flatten)]
        share: ShareArguments,
        #[command(flatten)]
        common: Common,
    },
}

#[derive(Debug, clap::Args)]
struct Common {
    /// The set [default: the one that opens what counts, else the one that is to be made ready]
    #[arg(long, value_name = "SET")]
    set: Option<String>,

    /// The file, which must not be there yet, in a folder that is
    #[arg(long, value_name = "FILE")]
    output: PathBuf,

    /// What it is printed on
    #[arg(long, value_enum, default_value_t = PaperName::A4)]
    paper: PaperName,

    #[command(flatten)]
    place: Place,
}

/// A size of paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum PaperName {
    /// 210 by 297 millimetres
    A4,
    /// 8.5 by 11 inches
    Letter,
}

impl From<PaperName> for Paper {
    fn from(name: PaperName) -> Self {
        match name {
            PaperName::A4 => Self::A4,
            PaperName::Letter => Self::Letter,
        }
    }
}

impl Arguments {
    pub(super) fn run(&self, world: &World) -> Result<Exit, Failure> {
        let (What::Cover { common, .. }
        | What::Documents { common }
        | What::Runbook { common, .. }
        | What::Share { common, .. }) = &self.what;
        let desk = common.place.desk(world)?;
        let store = desk.store()?;
        let key_box = desk.key_box(&store)?;
        let all = desk.documents()?;
        let (held, accounts) = set_for_sheets((&desk, &store), &all, (&key_box, common.set.as_deref()), world)?;
        let filed = Filed::of(&store, &held, (&accounts, all))?;
        filed.tell_missing(world);
        let (documents, absent) = (filed.here.as_slice(), filed.absent.as_slice());
        let custodians = custodians(&desk, &held);
        let (tenant, made_on) = (tenant(&desk, &accounts), date(SystemClock.now()));
        let pdf = match &self.what {
            What::Cover { safe, .. } => {
                let journal =
                    catch_up(&store, SystemClock.now()).map_err(crate::commands::checkout::CheckoutFailure::from)?;
                let origin = desk.ledger_origin();
                let checkpoint = Checkpoint { origin, size: journal.size(), root: *journal.root().bytes() };
                CoverSheet {
                    tenant: &tenant,
                    safe,
                    set: &held.signed,
                    custodians: &custodians,
                    accounts: &accounts,
                    documents,
                    absent,
                    detail: Documents::Full,
                    checkpoint: Some(&checkpoint),
                    made_on,
                }
                .pdf(common.paper.into())
            }
            What::Documents { .. } => DocumentSheet {
                tenant: &tenant,
                set: &held.signed,
                is_reserve: held.is_reserve,
                accounts: &accounts,
                documents,
                absent,
                made_on,
            }
            .pdf(common.paper.into()),
            What::Runbook { second_factor, documents_at, .. } => {
                let outside = reserve_of(&desk, &key_box, documents);
                let usual = places(&desk);
                let group = desk.config.wanted(None).group;
                let on_record = if second_factor.is_none() { on_record(&desk, &store, &accounts)? } else { Vec::new() };
                Runbook {
                    tenant: &tenant,
                    set: &held.signed,
                    custodians: &custodians,
                    reserve: outside.as_ref().map(|(held, holders)| (&held.signed, holders.as_slice())),
                    accounts: &accounts,
                    folder: &folder(&desk),
                    documents_at: if documents_at.is_empty() { &usual } else { documents_at },
                    second_factors: second_factor
                        .as_deref()
                        .map_or(SecondFactors::OnRecord(&on_record), SecondFactors::Told),
                    exclusion_group: Some(&group),
                    report_to: &report_to(&desk),
                    made_on,
                }
                .pdf(common.paper.into())
            }
            What::Share { share, .. } => {
                return share_again((&desk, &held), share, &filed, common, world);
            }
        };
        let pdf = pdf.map_err(CustodyFailure::Sheet)?;
        write_new(&common.output, &pdf)?;
        world.tell(&format!("The sheet is in `{}`.", common.output.display()));
        match &self.what {
            What::Runbook { .. } => Ok(Exit::Good),
            What::Documents { .. } => {
                world.note(
                    "print it for everybody who has a share of the set, to lie with it: the one that was printed last goes before all \
                     others",
                );
                Ok(filed.exit(world))
            }
            _ => Ok(filed.exit(world)),
        }
    }
}

/// Makes the sheet again of whoever hands in their share for it.
fn share_again(
    (desk, held): (&Desk, &HeldSet),
    share: &ShareArguments,
    filed: &Filed,
    common: &Common,
    world: &World,
) -> Result<Exit, Failure> {
    let shares = share.read(held.set(), 1, &format!("The set {}.", held.set().id), world)?;
    let share = shares.first().ok_or(CustodyFailure::Which("no share".to_owned()))?;
    breakglass_custody::succession::SetEvent::acknowledged(held.set(), share).map_err(CustodyFailure::Recover)?;
    let holder = held.holder(share.header().member + 1);
    let holder = holder.map(|holder| desk.person(holder.as_str())).transpose()?;
    let holder = holder.ok_or(CustodyFailure::Which("nobody holds this share".to_owned()))?;
    let of = (&held.signed, share, held.is_reserve);
    let sheet = share_sheet(desk, &holder, of, filed, (common.paper, SystemClock.now()))?;
    write_new(&common.output, &sheet)?;
    world.tell(&format!("The sheet of {} is in `{}`; print it, and delete it.", holder.name, common.output.display()));
    Ok(filed.exit(world))
}

/// What a sheet has of documents.
#[derive(Debug, Default)]
pub(super) struct Filed {
    /// Those that are sealed to its set, in the order in which they are opened, without those of which the record says that the
    /// password counts no more.
    here: Vec<SealedDocument>,
    /// Those that may count, and are sealed to another set or were not found.
    absent: Vec<AbsentDocument>,
}

impl Filed {
    fn of(store: &SqliteStore, held: &HeldSet, (accounts, all): (&[Account], Vec<Document>)) -> Result<Self, Failure> {
        let deleted = replaced(store).map_err(DeskError::from)?;
        let mut filed = Self { here: Vec::new(), absent: missing(store, (&all, &deleted))? };
        for document in all {
            let label = document.label();
            let Some(standing) = standing(store, &document)? else { continue };
            if deleted.get(&label.account.id) == Some(&true) {
                continue;
            }
            if label.is_sealed_to(held.set()) {
                filed.here.push(SealedDocument { document, standing });
            } else if standing.may_count() {
                filed.absent.push(AbsentDocument {
                    document: label.envelope.to_string(),
                    account: label.account.clone(),
                    credential: label.credential,
                    standing,
                    absence: Absence::OtherSet(label.set.id.clone()),
                });
            }
        }
        let place = |account: &Account| accounts.iter().position(|one| one.id == account.id).unwrap_or(accounts.len());
        filed.here.sort_by_cached_key(|one| {
            let label = one.document.label();
            let kind = match label.credential {
                CredentialKind::Password => 0_u8,
                CredentialKind::Passkey => 1,
                CredentialKind::Certificate => 2,
            };
            let newest = Reverse((label.version, label.sealed_on));
            (place(&label.account), label.account.id.clone(), kind, one.standing, newest)
        });
        filed.absent.sort_by_cached_key(|one| (place(&one.account), one.account.id.clone(), one.standing));
        Ok(filed)
    }

    /// Says what could not be found.
    fn tell_missing(&self, world: &World) {
        for AbsentDocument { document, account, standing, .. } in self.missing() {
            let counts = if *standing == DocumentStanding::Counts { "counts" } else { "may count" };
            let name = &account.user_principal_name;
            world.note(&format!("the document `{document}` of `{name}` {counts}, and no depository has it"));
        }
    }

    /// How a command ends that has made a sheet with them.
    fn exit(&self, world: &World) -> Exit {
        if self.missing().next().is_none() {
            return Exit::Good;
        }
        world.note("the sheet says what is missing on it: bring that, and make the sheet anew");
        Exit::Partial
    }

    fn missing(&self) -> impl Iterator<Item = &AbsentDocument> {
        self.absent.iter().filter(|one| one.absence == Absence::NotFound)
    }
}

/// How a document stands by the record; nothing if its password counts no more.
fn standing(store: &SqliteStore, document: &Document) -> Result<Option<DocumentStanding>, Failure> {
    let label = document.label();
    let name = name_of(&label.envelope.to_string())?;
    if label.credential != CredentialKind::Password {
        let (course, _) = keys_of(store, &label.account.id).map_err(DeskError::from)?;
        return Ok(Some(match course.sealed_in(&name) {
            Some(sealed) if course.document_of(sealed) == Some(&name) => DocumentStanding::Counts,
            Some(_) => DocumentStanding::Past,
            None => DocumentStanding::Unrecorded,
        }));
    }
    let (course, _) = course_of(store, &label.account.id).map_err(DeskError::from)?;
    Ok(match course.standing(&name) {
        Some(Standing::Superseded | Standing::Refused) => None,
        _ if course.current() == Some(&name) => Some(DocumentStanding::Counts),
        Some(Standing::Sent | Standing::Proved | Standing::Settled) => Some(DocumentStanding::MayCount),
        Some(Standing::Prepared) => Some(DocumentStanding::Unsent),
        None => Some(DocumentStanding::Unrecorded),
    })
}

/// Documents that count by the record, or may, and are not among these.
fn missing(
    store: &SqliteStore,
    (found, deleted): (&[Document], &BTreeMap<String, bool>),
) -> Result<Vec<AbsentDocument>, Failure> {
    let names: BTreeSet<String> = found.iter().map(|document| document.label().envelope.to_string()).collect();
    let named = |id: &str| {
        let of_it = found.iter().map(|document| &document.label().account).find(|account| account.id == *id);
        of_it.cloned().unwrap_or_else(|| Account { id: id.to_owned(), user_principal_name: id.to_owned() })
    };
    let is_there = |id: &str| deleted.get(id) != Some(&true);
    let absent = |id: &str, name: &Name, (credential, standing): (CredentialKind, DocumentStanding)| AbsentDocument {
        document: name.to_string(),
        account: named(id),
        credential,
        standing,
        absence: Absence::NotFound,
    };
    let mut all = Vec::new();
    for (id, course) in courses(store)?.iter().filter(|(id, _)| is_there(id)) {
        for name in course.may_count().filter(|name| !names.contains(name.as_str())) {
            let counts = course.current() == Some(name);
            let standing = if counts { DocumentStanding::Counts } else { DocumentStanding::MayCount };
            all.push(absent(id, name, (CredentialKind::Password, standing)));
        }
    }
    for (id, course) in key_courses(store)?.iter().filter(|(id, _)| is_there(id)) {
        let gone = course.counting().filter(|(name, _)| !names.contains(name.as_str()));
        all.extend(gone.map(|(name, sealed)| absent(id, name, (sealed.kind(), DocumentStanding::Counts))));
    }
    Ok(all)
}

/// The sheet of a custodian.
pub(super) fn share_sheet(
    desk: &Desk,
    holder: &Person,
    (set, share, is_reserve): (&SignedSet, &Share, bool),
    filed: &Filed,
    (paper, now): (PaperName, Timestamp),
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let number = share.header().member + 1;
    let accounts = accounts(desk, &desk.store()?, &desk.documents()?)?;
    let custodian =
        Custodian { name: holder.name.clone(), site: holder.site.clone(), phone: holder.phone.clone(), share: number };
    let sheet = ShareSheet {
        tenant: &tenant(desk, &accounts),
        set,
        share,
        custodian: &custodian,
        is_reserve,
        accounts: &accounts,
        documents: &filed.here,
        absent: &filed.absent,
        report_to: &report_to(desk),
        made_on: date(now),
    };
    Ok(sheet.pdf(paper.into()).map_err(CustodyFailure::Sheet)?)
}

/// The reserve that opens the passwords that are sealed to the set, as long as nothing is sealed that of what is sealed next, with who has
/// its shares.
fn reserve_of(desk: &Desk, key_box: &KeyBox, documents: &[SealedDocument]) -> Option<(HeldSet, Vec<Custodian>)> {
    let all = documents.iter().map(|one| &one.document);
    let passwords = all.filter(|document| document.label().credential == CredentialKind::Password);
    let newest = passwords.max_by_key(|document| document.label().sealed_on);
    let held = match newest.map(|document| &document.label().reserve) {
        Some(named) => key_box.set(named.as_ref()?.recipient.fingerprint()).ok()?,
        None => key_box.reserve().ok()?,
    };
    Some((held.clone(), custodians(desk, held)))
}

/// The folder of the configuration, as it is called on this machine wherever somebody stands.
fn folder(desk: &Desk) -> String {
    let folder = if desk.folder.as_os_str().is_empty() { Path::new(".") } else { desk.folder.as_path() };
    let whole = std::path::absolute(folder).unwrap_or_else(|_| folder.to_path_buf());
    whole.display().to_string()
}

/// What the record has of second factors, for each of these accounts.
fn on_record(desk: &Desk, store: &SqliteStore, accounts: &[Account]) -> Result<Vec<OnRecord>, Failure> {
    let courses = key_courses(store)?;
    let now = SystemClock.now();
    let is_of = |id: &str, account: &Account| account.id.eq_ignore_ascii_case(id);
    let is_nobodys = |(id, _): &(String, KeysCourse)| !accounts.iter().any(|account| is_of(id, account));
    let is_any_left = courses.iter().any(is_nobodys);
    let is_wanted = desk.config.posture_settings().profile == Profile::Current;
    let of = |account: &Account| {
        let course = courses.iter().find(|(id, _)| is_of(id, account)).map(|(_, course)| course);
        let has = course.map(|course| second_factors(desk, course, now)).unwrap_or_default();
        let is_untold = match course {
            Some(course) => course.keys().any(|key| key.attempt.is_some()),
            // As long as nothing is sealed it may be known by its name alone, and its keys by its id.
            None => is_any_left && account.id.contains('@'),
        };
        if !has.is_empty() {
            OnRecord::Has(has)
        } else if is_untold {
            OnRecord::Untold
        } else if is_wanted {
            OnRecord::Lacks
        } else {
            OnRecord::Has(Vec::new())
        }
    };
    Ok(accounts.iter().map(of).collect())
}

/// What somebody can sign in with, as far as it is written down.
fn second_factors(desk: &Desk, course: &KeysCourse, now: Timestamp) -> Vec<SecondFactor> {
    let keys = course.keys().filter(|key| key.is_usable()).map(|key| {
        let noted = &key.noted;
        SecondFactor::Key {
            name: format!("{} {}", noted.model.as_deref().unwrap_or("key"), noted.key),
            place: noted.place.to_string(),
            held_by: reached(desk, &noted.held_by),
            pin_held_by: reached(desk, &noted.pin_held_by),
            pin_document: key.pin_sealed_in.last().map(Name::to_string),
        }
    });
    let good = course.certificates().iter().filter(|one| one.revoked_at.is_none() && now < one.until);
    let certificates = good.map(|one| SecondFactor::Certificate {
        name: one.certificate.to_string(),
        document: one.document.as_ref().map(Name::to_string),
    });
    keys.chain(certificates).collect()
}

/// What somebody is called, with a telephone number unless they have a share: it stands with that.
fn reached(desk: &Desk, id: &Name) -> String {
    match desk.person(id.as_str()) {
        Ok(Person { name, phone: Some(phone), kind, .. }) if kind != PersonKind::Custodian => format!("{name} {phone}"),
        Ok(person) => person.name,
        Err(_) => id.to_string(),
    }
}

/// Where documents are, for somebody who stands somewhere else: first where no machine is needed.
fn places(desk: &Desk) -> Vec<String> {
    let declared = desk.config.document_places(&desk.folder);
    let is_here = |place: Option<&DocumentPlace>| !matches!(place, Some(DocumentPlace::Vault(_)));
    let all = desk.depositories();
    let named = all.iter().enumerate().map(|(at, depository)| match depository.place() {
        place if is_here(declared.get(at)) => format!("{place}, on the machine with breakglass"),
        place => place,
    });
    std::iter::once(COVER_PLACE.to_owned()).chain(named).collect()
}

/// The document of each account that is to be opened first: by the record, and where it knows nothing the newest.
fn first_documents<'d>(
    (desk, store): (&Desk, &SqliteStore),
    all: &'d [Document],
) -> Result<Vec<&'d Document>, Failure> {
    let mut first = Vec::new();
    for account in accounts(desk, store, all)? {
        let is_password = |document: &&Document| document.label().credential == CredentialKind::Password;
        let of = || all.iter().filter(is_password).filter(|document| document.label().account.id == account.id);
        let (course, _) = course_of(store, &account.id).map_err(DeskError::from)?;
        first.extend(match course.current() {
            Some(current) => of().find(|document| document.label().envelope.to_string() == current.as_str()),
            None => of().max_by_key(|document| (document.label().version, document.label().sealed_on)),
        });
    }
    Ok(first)
}

/// The set that a sheet is about, and the accounts whose password it opens: the named one, else the one that opens what counts;
/// as long as nothing is sealed, the one that is to be made ready, and all accounts.
fn set_for_sheets(
    (desk, store): (&Desk, &SqliteStore),
    all: &[Document],
    (key_box, named): (&KeyBox, Option<&str>),
    world: &World,
) -> Result<(HeldSet, Vec<Account>), Failure> {
    let first = first_documents((desk, store), all)?;
    let mut sets: Vec<&KeySet> = Vec::new();
    for document in &first {
        if !sets.contains(&&document.label().set) {
            sets.push(&document.label().set);
        }
    }
    if named.is_none() && sets.len() > 1 {
        let of = |set: &&KeySet| {
            let of_it = first.iter().filter(|document| document.label().set == **set);
            let names = of_it.map(|document| document.label().account.user_principal_name.as_str());
            format!("`{}` opens {}", set.id, names.collect::<Vec<_>>().join(" and "))
        };
        return Err(CustodyFailure::Several(sets.iter().map(of).collect::<Vec<_>>().join(", ")).into());
    }
    let held = match (named, sets.first()) {
        (None, Some(set)) => {
            key_box.set(set.recipient.fingerprint()).map_err(|_| DeskError::NoSet(set.id.to_string()))?
        }
        _ => desk.meant(key_box, named)?,
    };
    let of_it = first.iter().filter(|document| document.label().is_sealed_to(held.set()));
    let opened: Vec<Account> = of_it.map(|document| document.label().account.clone()).collect();
    if opened.is_empty() && !first.is_empty() {
        world.note(&format!("the set `{}` opens nothing that counts", held.set().id));
    }
    Ok((held.clone(), if opened.is_empty() { accounts(desk, store, all)? } else { opened }))
}

/// The accounts of the configuration in its order, and then those that documents are about; none that is deleted.
fn accounts(desk: &Desk, store: &SqliteStore, all: &[Document]) -> Result<Vec<Account>, Failure> {
    let mut found: Vec<Account> = Vec::new();
    let deleted = replaced(store).map_err(DeskError::from)?;
    for document in all {
        let account = &document.label().account;
        if deleted.get(&account.id) == Some(&true) {
            continue;
        }
        if !found.iter().any(|known| known.id == account.id) {
            found.push(account.clone());
        }
    }
    let mut ordered = Vec::new();
    for declared in desk.config.declared("") {
        let is_known = |known: &Account| {
            known.id.eq_ignore_ascii_case(&declared.name)
                || known.user_principal_name.eq_ignore_ascii_case(&declared.name)
        };
        ordered.push(match found.iter().position(is_known) {
            Some(place) => found.remove(place),
            None => Account { id: declared.name.clone(), user_principal_name: declared.name },
        });
    }
    Ok([ordered, found].concat())
}

fn custodians(desk: &Desk, held: &HeldSet) -> Vec<Custodian> {
    let numbered = (1..).zip(&held.holders);
    let of = |(share, holder): (u8, &breakglass_custody::name::Name)| match desk.person(holder.as_str()) {
        Ok(person) => Custodian { name: person.name, site: person.site, phone: person.phone, share },
        Err(_) => Custodian { name: holder.to_string(), site: None, phone: None, share },
    };
    numbered.map(of).collect()
}

/// The tenant: by the name in the configuration, else by the domain of its accounts.
fn tenant(desk: &Desk, accounts: &[Account]) -> Tenant {
    let connection = desk.config.connection(&desk.folder);
    let id = connection.tenant.clone().unwrap_or_else(|| "not in the configuration".to_owned());
    let domain = accounts.iter().find_map(|account| Some(account.user_principal_name.split_once('@')?.1.to_owned()));
    Tenant {
        name: connection.name.clone().or(domain).unwrap_or_else(|| "without a name".to_owned()),
        id,
        sign_in_address: connection.portal(),
    }
}

fn report_to(desk: &Desk) -> String {
    desk.config.report_to().unwrap_or_else(|| REPORT_TO_USUAL.to_owned())
}

fn date(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

/// A file that is not there yet and only its owner reads, whole or not at all, in a folder that is there.
fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let written = whole_file::write_new(path, bytes);
    Ok(written.map_err(|source| CustodyFailure::File { path: path.to_path_buf(), source })?)
}
