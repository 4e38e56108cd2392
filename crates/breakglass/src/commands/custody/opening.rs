//! Opening a document with shares: what `custody open`, `checkout open` and `drill` have in common.

use std::collections::BTreeSet;

use breakglass_adapters::clock::SystemClock;
use breakglass_adapters::sqlite_store::SqliteStore;
use breakglass_custody::document::{Account, CredentialKind, Document};
use breakglass_custody::key_set::{KeySet, OpenedKey};
use breakglass_custody::password::Password;
use breakglass_custody::sealed::OpenError;
use breakglass_custody::secret::Secret;
use breakglass_custody::slip39::Share;
use breakglass_custody::succession::Spent;
use breakglass_ops::checkout::record as checkout;
use breakglass_ops::checkout::stream::{self, CheckoutStreamError, SharesUsed};
use breakglass_ops::key_box::accounts::replaced;
use breakglass_ops::key_box::record::{Entry, KeyBox};
use breakglass_ops::ports::Clock as _;
use breakglass_ops::rotation::journey::{course_of, note};
use breakglass_ops::rotation::record;

use super::CustodyFailure;
use super::desk::{Desk, DeskError, name_of};
use super::key_secrets::{called, sealed_of};
use super::shares::ShareArguments;
use super::shown::{Spelling, show, show_private_key};
use crate::commands::checkout::CheckoutFailure;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::day_and_time;
use crate::terminal::PrivateScreen;
use crate::wiring::World;

/// How likely a document is the one to open, the likeliest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// The last that somebody signed in with.
    Current,
    /// It was sent, and may count.
    MayCount,
    /// Nothing is remembered here that could tell.
    Unknown,
    /// It is in no record here.
    Unrecorded,
    /// It was never sent, was refused, or counted before.
    Other,
}

/// The documents of an account in the order in which they are to be tried; there is one at least.
pub(crate) struct Candidates {
    first: Document,
    rank: Rank,
    others: Vec<(Rank, Document)>,
}

impl Candidates {
    /// Those of its passwords that can be had: what somebody signed in with last, then what was sent and may count, then the
    /// others; the newest first.
    pub(crate) fn of(desk: &Desk, account: &str, world: &World) -> Result<Self, Failure> {
        let is_password = |document: &Document| document.label().credential == CredentialKind::Password;
        let found = desk.documents_found(world)?.into_iter().filter(|document| is_of(document, account));
        let found: Vec<Document> = found.filter(is_password).collect();
        // A state that is damaged keeps nobody out.
        let store = desk.has_state().then(|| desk.store().map_err(|error| world.complain(&error.into())));
        let store = store.and_then(Result::ok);
        let id = newest_of(&found, store.as_ref(), world).map(|account| account.id.clone());
        let mut ranked: Vec<(Rank, Document)> = Vec::new();
        for document in found.into_iter().filter(|document| Some(&document.label().account.id) == id.as_ref()) {
            ranked.push((rank(store.as_ref(), &document, world)?, document));
        }
        let key = |(rank, document): &(Rank, Document)| {
            let label = document.label();
            // Where nothing is remembered, versions may have begun anew since.
            let version = if *rank == Rank::Unknown { 0 } else { label.version };
            (*rank, std::cmp::Reverse((version, label.sealed_on)))
        };
        ranked.sort_by_key(key);
        let mut ranked = ranked.into_iter();
        let (rank, first) = ranked
            .next()
            .ok_or_else(|| CustodyFailure::Which(format!("no password of `{account}` is in the depositories")))?;
        Ok(Self { first, rank, others: ranked.collect() })
    }

    /// Refuses the first if by the record its password does not count: whoever names the account alone means the one that
    /// does, and an opening for nothing costs a set of shares.
    pub(crate) fn counts(&self, desk: &Desk) -> Result<(), Failure> {
        if matches!(self.rank, Rank::Current | Rank::Unknown) {
            return Ok(());
        }
        let account = &self.first.label().account;
        let (course, _) = course_of(&desk.store()?, &account.id).map_err(DeskError::from)?;
        let found = name_of(&self.first.label().envelope.to_string())?;
        // Where nobody has signed in with any of them yet it is the last that was sent.
        let later = course.may_count().find(|name| course.sent_at(name) > course.sent_at(&found));
        let missing = course.current().or(later);
        if missing.is_none() && self.rank == Rank::MayCount {
            return Ok(());
        }
        let missing = missing.map(ToString::to_string).unwrap_or_default();
        let (account, found) = (account.user_principal_name.clone(), found.to_string());
        Err(CustodyFailure::NotCounting { account, found, missing }.into())
    }

    /// Says which others may count, for whoever is not let in with the password of this one.
    pub(crate) fn tell_others(&self, opening: &Document, world: &World) {
        let all =
            std::iter::once((Rank::Current, &self.first)).chain(self.others.iter().map(|(rank, one)| (*rank, one)));
        for (_, other) in all.filter(|(rank, other)| *rank != Rank::Other && other.label() != opening.label()) {
            let label = other.label();
            world.note(&format!(
                "if its password is not let in, another may count: `breakglass custody open --document {}`, version {} of {}, \
                 sealed to the set {}",
                label.envelope,
                label.version,
                day_and_time(label.sealed_on),
                label.set.id
            ));
        }
    }

    /// The one to open first.
    pub(crate) fn into_first(self) -> Document {
        self.first
    }

    /// The same, which is looked at.
    pub(crate) const fn first(&self) -> &Document {
        &self.first
    }
}

fn rank(store: Option<&SqliteStore>, document: &Document, world: &World) -> Result<Rank, Failure> {
    let Some(store) = store else { return Ok(Rank::Unknown) };
    let name = name_of(&document.label().envelope.to_string())?;
    let read = course_of(store, &document.label().account.id).map(|(course, _)| course).map_err(DeskError::from);
    Ok(match read {
        Ok(course) if course.current() == Some(&name) => Rank::Current,
        Ok(course) if course.may_count().any(|one| *one == name) => Rank::MayCount,
        Ok(course) if course.standing(&name).is_some() => Rank::Other,
        Ok(_) => Rank::Unrecorded,
        Err(error) => {
            world.complain(&error.into());
            Rank::Unknown
        }
    })
}

/// The account that documents of one name are about. If it was made anew, they are of several, of which the last counts: those
/// that are known to be deleted are passed over, and of the others it is the one of which something was sealed last.
fn newest_of<'d>(found: &'d [Document], store: Option<&SqliteStore>, world: &World) -> Option<&'d Account> {
    let deleted = store.map(|store| replaced(store).map_err(|error| world.complain(&DeskError::from(error).into())));
    let deleted = deleted.and_then(Result::ok).unwrap_or_default();
    let is_gone = |document: &&Document| deleted.get(&document.label().account.id) == Some(&true);
    let newest = |all: &mut dyn Iterator<Item = &'d Document>| all.max_by_key(|document| document.label().sealed_on);
    let left = newest(&mut found.iter().filter(|document| !is_gone(document)));
    let account = &left.or_else(|| newest(&mut found.iter()))?.label().account;
    let others: BTreeSet<&str> = found.iter().map(|document| document.label().account.id.as_str()).collect();
    for other in others.into_iter().filter(|other| *other != account.id) {
        world.note(&format!(
            "`{}` is the account with the id {}: something was sealed for another of that name before, {other}, and `--account {other}` \
             means that one",
            account.user_principal_name, account.id
        ));
    }
    Some(account)
}

/// Whether a document is of an account, by its sign-in name or id.
fn is_of(document: &Document, account: &str) -> bool {
    let named = &document.label().account;
    named.id.eq_ignore_ascii_case(account) || named.user_principal_name.eq_ignore_ascii_case(account)
}

/// The account of which something is sealed, whatever it is.
pub(crate) fn account_of(desk: &Desk, account: &str, world: &World) -> Result<Account, Failure> {
    let found: Vec<Document> =
        desk.documents_found(world)?.into_iter().filter(|document| is_of(document, account)).collect();
    let store = desk.has_state().then(|| desk.store()).transpose()?;
    let none = || CustodyFailure::Which(format!("no document of `{account}` is in the depositories"));
    Ok(newest_of(&found, store.as_ref(), world).ok_or_else(none)?.clone())
}

/// What was opened.
pub(crate) enum Opened {
    /// A password.
    Password(Password),
    /// What is sealed besides.
    Secret(Secret),
}

impl Opened {
    fn of(key: &OpenedKey, document: &Document) -> Result<Self, OpenError> {
        match document.label().credential {
            CredentialKind::Password => key.open(document).map(Self::Password),
            CredentialKind::Passkey | CredentialKind::Certificate => key.open_secret(document).map(Self::Secret),
        }
    }
}

/// Shares that have opened a document: of which set, and which.
#[derive(Debug, Clone)]
pub(crate) struct Used {
    /// The set.
    pub(crate) set: KeySet,
    /// The shares, from 1.
    shares: BTreeSet<u8>,
}

impl Used {
    fn of(set: &KeySet, shares: &[Share]) -> Self {
        let shares = shares.iter().map(|share| share.header().member.saturating_add(1)).collect();
        Self { set: set.clone(), shares }
    }
}

/// Has the shares of a document handed in. Whether what comes of them can be shown is looked at first.
pub(crate) fn hand_in(
    (desk, document): (&Desk, &Document),
    shares: &OpeningShares,
    world: &World,
) -> Result<Vec<Share>, Failure> {
    let label = document.label();
    if label.credential == CredentialKind::Certificate && world.stdout.is_terminal {
        world.note(
            "it is longer than a screen: to have it in a file, end this and run it with `> account.pem`, in a folder that nobody \
             else reads",
        );
    }
    // Before a set of shares is spent on it.
    if world.stdout.is_terminal {
        PrivateScreen::check("show it on", world).map_err(DeskError::from)?;
    }
    let set = match (&label.reserve, shares.reserve) {
        (None, true) => return Err(CustodyFailure::NoReserve(label.envelope.to_string()).into()),
        (Some(reserve), true) => reserve,
        (_, false) => &label.set,
    };
    warn_of_next(desk, shares.reserve, world);
    let called = if shares.reserve { "reserve" } else { "set" };
    let what = format!(
        "Opening {} of {}, version {}.\nIt is sealed to the {called} {}, of which {} open.",
        label.credential, label.account.user_principal_name, label.version, set.id, set.quorum
    );
    shares.share.read(set, usize::from(set.quorum.threshold()), &what, world)
}

/// Recovers the key and opens the document with it. Whoever has called has that written down, with the set whose key it was,
/// before anybody has what was sealed.
pub(crate) fn recover(document: &Document, shares: Vec<Share>) -> Result<(Opened, Used), Failure> {
    // From files it may be those of the other set, without anybody having said so.
    let set = document.label().set_of(&shares);
    let key = set.recover(&shares).map_err(CustodyFailure::Recover)?;
    let used = Used::of(set, &shares);
    drop(shares);
    let opened = Opened::of(&key, document).map_err(CustodyFailure::Open)?;
    Ok((opened, used))
}

/// Shows what was sealed.
pub(crate) fn show_opened(
    (desk, document): (&Desk, &Document),
    (opened, spelling): (Opened, Option<Spelling>),
    world: &World,
) -> Result<(), Failure> {
    let label = document.label();
    let what = match (sealed_of(desk, label), label.credential) {
        (Some(sealed), _) => called(&sealed),
        (None, CredentialKind::Password) => "the password".to_owned(),
        (None, CredentialKind::Passkey) => "the PIN of a security key".to_owned(),
        (None, CredentialKind::Certificate) => "the private key of a certificate".to_owned(),
    };
    let (name, sealed_on) = (&label.account.user_principal_name, day_and_time(label.sealed_on));
    let head = |to_do: &str| format!("This is {what} of {name}, sealed on {sealed_on}.\n{to_do}");
    let shown = match opened {
        Opened::Password(password) => {
            show(&password, &head("Type it at the sign-in; do not copy it anywhere."), spelling, world)
        }
        Opened::Secret(secret) if label.credential == CredentialKind::Passkey => {
            let pin = secret.with_plaintext(|pin| Password::of_text(pin.to_owned()));
            show(&pin, &head("Type it when the key asks for it; do not copy it anywhere."), spelling, world)
        }
        Opened::Secret(secret) => {
            let to_do = "Put it, with the certificate behind it, where the browser finds certificates; destroy every copy when it \
                         was used.";
            show_private_key(&secret, &head(to_do), world)
        }
    };
    Ok(shown.map_err(CustodyFailure::NotShown)?)
}

/// Says that something of the account is out already, or that enough people agree to a request: to an emergency it is told, and
/// keeps nobody out.
pub(crate) fn warn_of_check_out(desk: &Desk, document: &Document, world: &World) {
    if !desk.has_state() {
        return;
    }
    let account = &document.label().account;
    let read = desk.store().map_err(Failure::from);
    let course = match read.and_then(|store| stream::course_of(&store, &account.id).map_err(Failure::from)) {
        Ok((course, _)) => course,
        Err(error) => return world.complain(&error),
    };
    let (now, name) = (SystemClock.now(), &account.user_principal_name);
    if let Some((request, since)) = course.out() {
        let overdue = if course.standing(now) == checkout::Standing::Overdue { ", and overdue" } else { "" };
        world.note(&format!(
            "it is out since {}{overdue}, by the request of {}, for `{}` of `{name}`: somebody may be signed in with it. When that is \
             over: `breakglass checkout return --account {name} --person {}`",
            day_and_time(since),
            desk.called(&request.person),
            request.document,
            request.person
        ));
    } else if let Some(request) = course.request_at(now)
        && course.standing(now) == checkout::Standing::Approved
    {
        world.note(&format!(
            "enough people agree to the request of {} for `{}` of `{name}`: until {} `breakglass checkout open --account {name}` opens it \
             by that request, which this does not",
            desk.called(&request.person),
            request.document,
            day_and_time(request.expires_at)
        ));
    }
}

/// Says what cannot be sealed to after the opening, where no other set is ready for it, or no other reserve. In an emergency it
/// is opened all the same.
fn warn_of_next(desk: &Desk, is_reserve: bool, world: &World) {
    if !desk.has_state() {
        return;
    }
    let key_box = desk.store().and_then(|store| desk.key_box(&store));
    let is_ready = key_box.is_ok_and(|key_box| {
        let next = if is_reserve { key_box.next_reserve() } else { key_box.next() };
        next.is_some_and(|(_, ready)| ready.is_ok())
    });
    if !is_ready {
        world.note(if is_reserve {
            "no other reserve is ready, and this one is sealed to no more once it was opened: until somebody has made the next \
             (`breakglass custody new-set --reserve`, then `rehearse --acknowledge`), passwords are sealed to the set of the \
             custodians alone"
        } else {
            "no other set of shares is ready, and this one is sealed to no more once it was opened: before the account is rotated \
             somebody has to make the next (`breakglass custody new-set`, then `rehearse --acknowledge`)"
        });
    }
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
/// passwords are in the order of the documents. `look` is asked about each document when the shares are there and no key is.
pub(crate) fn open_together(
    documents: &[Document],
    shares: &ShareArguments,
    look: &dyn Fn(&Document) -> Result<(), Failure>,
    remember: &mut dyn FnMut(&Document, &Used) -> Result<(), Failure>,
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
    let mut all_used: Vec<(usize, Used)> = Vec::new();
    let each = shares.read_each(&sets, &of_set, world)?;
    documents.iter().try_for_each(look)?;
    for (set, shares) in sets.iter().zip(each) {
        let key = set.recover(&shares).map_err(CustodyFailure::Recover)?;
        let used = Used::of(set, &shares);
        drop(shares);
        for (place, document) in documents.iter().enumerate().filter(|(_, document)| document.label().set == **set) {
            opened.push((place, key.open(document).map_err(CustodyFailure::Open)?));
            all_used.push((place, used.clone()));
        }
    }
    let mut remembered = Ok(());
    for (place, used) in &all_used {
        if let Some(document) = documents.get(*place) {
            // Each key was there, also where one of them cannot be written down.
            remembered = remembered.and(remember(document, used));
        }
    }
    remembered?;
    opened.sort_by_key(|(place, _)| *place);
    Ok(opened.into_iter().map(|(_, password)| password).collect())
}

/// Writes down that the key was there which shares have recovered; whose they are.
pub(crate) fn note_used(
    desk: &Desk,
    store: &SqliteStore,
    (document, used): (&Document, &Used),
) -> Result<SharesUsed, Failure> {
    let key_box = note_key(desk, store, (document, &used.set))?;
    let set = used.set.recipient.fingerprint();
    let held = key_box.set(set).ok();
    let holders = used.shares.iter().filter_map(|share| held.and_then(|held| held.holder(*share)).cloned());
    let is_reserve = used.set != document.label().set;
    Ok(SharesUsed { set, is_reserve, shares: used.shares.clone(), holders: holders.collect() })
}

/// Writes an opening down that this program has seen: first that the key was there, then what was opened with it, by `entry`.
pub(crate) fn note_opening(
    desk: &Desk,
    store: &SqliteStore,
    (document, used): (&Document, &Used),
    entry: impl FnOnce(&SharesUsed) -> Result<checkout::Entry, Failure>,
) -> Result<(), Failure> {
    let note_key = || -> Result<_, Failure> {
        let shares = note_used(desk, store, (document, used))?;
        Ok((entry(&shares)?, Some(shares)))
    };
    stream::note_opening(store, &document.label().account.id, note_key).map(drop)
}

/// Why an opening is not written down. Unless the record is known to lack that the key was there, something is.
pub(crate) fn half_noted((desk, store): (&Desk, &SqliteStore), set: &KeySet, why: Failure) -> Failure {
    let fingerprint = set.recipient.fingerprint();
    let is_as_before = desk
        .key_box(store)
        .is_ok_and(|key_box| !matches!(key_box.standing(fingerprint), Some((_, Some(Spent::Opened)))));
    // That it was changed meanwhile is said in its own words.
    let is_said = why.exit() == Exit::Partial;
    if is_as_before || is_said { why } else { CustodyFailure::HalfNoted { set: set.id.clone(), why }.into() }
}

/// Writes down what somebody says of an opening elsewhere, in the same order.
pub(crate) fn note_told_opening(
    desk: &Desk,
    store: &SqliteStore,
    opened: (&Document, &KeySet),
    entry: checkout::Entry,
) -> Result<(), Failure> {
    let account = &opened.0.label().account.id;
    // What cannot be is refused before anything is written down.
    let (mut course, _) = stream::course_of(store, account).map_err(CheckoutFailure::from)?;
    course.add(&entry).map_err(CheckoutStreamError::from)?;
    let note_key = || -> Result<_, Failure> {
        note_key(desk, store, opened)?;
        Ok((entry, None))
    };
    stream::note_opening(store, account, note_key).map(drop)
}

/// That the key of a set was there, and the document for which it was.
fn note_key(desk: &Desk, store: &SqliteStore, (document, set): (&Document, &KeySet)) -> Result<KeyBox, DeskError> {
    let (label, at) = (document.label(), SystemClock.now());
    let mut key_box = desk.key_box(store)?;
    key_box.note(store, &Entry::Opened { set: set.recipient.fingerprint(), at })?;
    let candidate = name_of(&label.envelope.to_string())?;
    let (course, _) = course_of(store, &label.account.id)?;
    if course.standing(&candidate).is_some() {
        note(store, &label.account.id, &[record::Entry::Opened { candidate, at }])?;
    }
    Ok(key_box)
}
