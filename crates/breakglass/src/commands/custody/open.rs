//! `custody open`: the shares open a document, with or without everything else.

use std::fs;
use std::path::{Path, PathBuf};

use breakglass_adapters::clock::SystemClock;
use breakglass_adapters::sqlite_store::SqliteStore;
use breakglass_custody::document::Document;
use breakglass_custody::fingerprint::Fingerprint;
use breakglass_custody::name::Name;
use breakglass_custody::signed::SIGNED_BYTES_MAX;
use breakglass_ops::key_box::record::Entry;
use breakglass_ops::ports::Clock as _;
use breakglass_ops::rotation::journey::{course_of, note};
use breakglass_ops::rotation::record;

use super::CustodyFailure;
use super::desk::{Desk, DeskError, Place, confirmed, name_of};
use super::shares::ShareArguments;
use super::shown::{Spelling, show};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::text_file::read_text;
use crate::wiring::World;

/// Open a sealed document with the shares of its custodians
///
/// For an emergency: it asks nobody whether it may, since whoever has enough shares can open with other people's programs as
/// well. When there is time, `checkout` has two people agree first. What was opened is written down if the state is on this
/// machine; otherwise `custody record-opening` writes it down afterwards. The password is shown at the terminal, or written
/// to standard output where that is none.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The document: a file with its text, or its name in a depository
    #[arg(long, value_name = "FILE|NAME")]
    document: Option<String>,

    /// The account whose document is opened: its sign-in name or id
    #[arg(long, value_name = "UPN|ID", conflicts_with = "document")]
    account: Option<String>,

    /// The fingerprint of the operator's key, from a sheet [default: what this machine knows]
    #[arg(long, value_name = "FINGERPRINT", value_parser = fingerprint)]
    operator: Option<Fingerprint>,

    /// Spell it for reading aloud
    #[arg(long, value_name = "LANGUAGE")]
    spell: Option<Spelling>,

    #[command(flatten)]
    share: ShareArguments,

    #[command(flatten)]
    place: Place,
}

fn fingerprint(text: &str) -> Result<Fingerprint, String> {
    Fingerprint::read(text).map_err(|error| error.to_string())
}

impl Arguments {
    pub(super) fn run(&self, world: &World) -> Result<Exit, Failure> {
        let desk = self.place.desk(world)?;
        let document = self.document(&desk)?;
        open(
            (&desk, &document),
            (&self.share, self.spell),
            &mut |name| remember(&desk, &document, name, world),
            world,
        )?;
        Ok(Exit::Good)
    }

    fn document(&self, desk: &Desk) -> Result<Document, Failure> {
        if let Some(account) = &self.account {
            return Ok(current_of(desk, account)?);
        }
        let Some(named) = &self.document else {
            return Err(CustodyFailure::Which("give --account or --document".to_owned()).into());
        };
        let path = Path::new(named);
        if path.is_file() {
            let operator = self.operator.map_or_else(|| desk.operator(), Ok)?;
            let text = read_document(path)?;
            return Ok(confirmed(named, &text, operator)?);
        }
        Ok(desk.document(&name_of(named)?)?)
    }
}

fn read_document(path: &Path) -> Result<String, Failure> {
    let path: PathBuf = path.to_path_buf();
    let failed = |error: crate::text_file::TextError| CustodyFailure::Which(format!("`{}`: {error}", path.display()));
    // A sheet's text may have been broken into lines.
    let bytes_max = 2 * SIGNED_BYTES_MAX as u64;
    if fs::metadata(&path).is_err() {
        return Err(CustodyFailure::Which(format!("`{}` is not there", path.display())).into());
    }
    Ok(read_text(&path, bytes_max).map_err(failed)?)
}

/// The document to open first for an account: the last that somebody signed in with, else the newest that there is.
pub(crate) fn current_of(desk: &Desk, account: &str) -> Result<Document, Failure> {
    let documents = desk.documents()?;
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
pub(crate) fn open(
    (desk, document): (&Desk, &Document),
    (shares, spelling): (&ShareArguments, Option<Spelling>),
    remember: &mut dyn FnMut(&Name) -> Result<(), Failure>,
    world: &World,
) -> Result<(), Failure> {
    let label = document.label();
    let (set, account) = (&label.set, &label.account.user_principal_name);
    let what = format!(
        "Opening {} of {account}, version {}.\nIt is sealed to the set {}, of which {} open.",
        label.credential, label.version, set.id, set.quorum
    );
    let shares = shares.read(usize::from(set.quorum.threshold()), &what, world)?;
    let key = set.recover(&shares).map_err(CustodyFailure::Recover)?;
    drop(shares);
    let password = key.open(document).map_err(CustodyFailure::Open)?;
    drop(key);
    remember(&name_of(&label.envelope.to_string())?)?;
    let head = format!(
        "The password of {account}, sealed on {}.\nType it at the sign-in; do not copy it anywhere.",
        label.sealed_on
    );
    show(&password, &head, spelling, world).map_err(DeskError::from)?;
    let _ = desk;
    Ok(())
}

/// Writes down that a document was opened, where the state is. That it cannot be is no reason to keep somebody out.
fn remember(desk: &Desk, document: &Document, name: &Name, world: &World) -> Result<(), Failure> {
    let afterwards = || {
        world.note(&format!(
            "this opening is not written down: afterwards run `breakglass custody record-opening --document {name} --person … \
             --person … --reason …` where the state is, then `breakglass rotate`"
        ));
    };
    if !desk.has_state() {
        afterwards();
        return Ok(());
    }
    let noted = desk.store().and_then(|store| note_opened(desk, &store, document));
    if let Err(error) = noted {
        world.complain(&Failure::from(error));
        afterwards();
    }
    Ok(())
}

/// That the set of a document is opened, and the document.
pub(crate) fn note_opened(desk: &Desk, store: &SqliteStore, document: &Document) -> Result<(), DeskError> {
    let (label, at) = (document.label(), SystemClock.now());
    let mut key_box = desk.key_box(store)?;
    key_box.note(store, &Entry::Opened { set: label.set.recipient.fingerprint(), at })?;
    let candidate = name_of(&label.envelope.to_string())?;
    let (course, _) = course_of(store, &label.account.id)?;
    if course.standing(&candidate).is_some() {
        note(store, &label.account.id, &[record::Entry::Opened { candidate, at }])?;
    }
    Ok(())
}
