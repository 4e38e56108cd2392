//! `custody open`: the shares open a document, with or without everything else.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use breakglass_adapters::clock::SystemClock;
use breakglass_custody::document::Document;
use breakglass_custody::fingerprint::Fingerprint;
use breakglass_custody::name::Name;
use breakglass_custody::signed::SIGNED_BYTES_MAX;
use breakglass_ops::checkout::record::Entry;
use breakglass_ops::checkout::stream::SharesUsed;
use breakglass_ops::ports::Clock as _;

use super::CustodyFailure;
use super::desk::{Desk, Place, confirmed, name_of};
use super::key_secrets::{next_step, sealed_of};
use super::opening::{Candidates, OpeningShares, Used, hand_in, note_opening, recover, show_opened, warn_of_check_out};
use super::retire::reason;
use super::shown::Spelling;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::text_file::read_text;
use crate::wiring::World;

/// Open a sealed document with the shares of its custodians
///
/// For an emergency: it asks nobody whether it may, since whoever has enough shares can open with other people's programs as
/// well. When there is time, `checkout` has two people agree first. What was opened is written down if the state is on this
/// machine, with the time and the names of those whose shares it took; otherwise `custody record-opening` writes it down
/// afterwards. What was sealed is shown at the terminal, or written to standard output where that is none. With `--account` it
/// is the password that counts; the PIN of a security key and the private key of a certificate are opened by the name of their
/// document, which `custody list` shows.
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

    /// Why it is opened, in as many words as it takes, which need no quotes; it is written down with the names of those whose
    /// shares it took. Without it somebody says so afterwards
    #[arg(long, value_name = "TEXT", num_args = 1..)]
    reason: Option<Vec<String>>,

    /// Spell it for reading aloud
    #[arg(long, value_name = "LANGUAGE")]
    spell: Option<Spelling>,

    #[command(flatten)]
    share: OpeningShares,

    #[command(flatten)]
    place: Place,
}

/// How a PDF begins.
const PDF_HEAD: &[u8; 5] = b"%PDF-";

fn fingerprint(text: &str) -> Result<Fingerprint, String> {
    Fingerprint::read(text).map_err(|error| error.to_string())
}

impl Arguments {
    pub(super) fn run(&self, world: &World) -> Result<Exit, Failure> {
        let mut desk = self.place.desk(world)?;
        desk.given_operator = self.operator;
        let reason = self.reason.as_deref().map(reason).transpose()?;
        let document = self.document(&desk, world)?;
        warn_of_check_out(&desk, &document, world);
        let shares = hand_in((&desk, &document), &self.share, world)?;
        let (opened, used) = recover(&document, shares)?;
        remember(&desk, (&document, &used), reason.as_deref(), world);
        show_opened((&desk, &document), (opened, self.spell), world)?;
        Ok(Exit::Good)
    }

    fn document(&self, desk: &Desk, world: &World) -> Result<Document, Failure> {
        if let Some(account) = &self.account {
            let candidates = Candidates::of(desk, account, world)?;
            candidates.counts(desk)?;
            candidates.tell_others(candidates.first(), world);
            return Ok(candidates.into_first());
        }
        let Some(named) = &self.document else {
            return Err(CustodyFailure::Which("give --account or --document".to_owned()).into());
        };
        let path = Path::new(named);
        if path.is_file() {
            let operator = desk.operator()?;
            let text = read_document(path)?;
            return Ok(confirmed(named, &text, operator)?);
        }
        let name = Name::read(named).map_err(|_| {
            CustodyFailure::Which(format!("there is no file `{named}`, and no document in a depository is called so"))
        })?;
        Ok(desk.document(&name)?)
    }
}

fn read_document(path: &Path) -> Result<String, Failure> {
    let path: PathBuf = path.to_path_buf();
    let failed = |error: crate::text_file::TextError| CustodyFailure::Which(format!("`{}`: {error}", path.display()));
    // A sheet's text may have been broken into lines.
    let bytes_max = 2 * SIGNED_BYTES_MAX as u64;
    if is_pdf(&path) {
        return Err(CustodyFailure::Which(format!(
            "`{}` is a PDF: open it, copy the text of one document into a file, from its first line to its last, and give that",
            path.display()
        ))
        .into());
    }
    Ok(read_text(&path, bytes_max).map_err(failed)?)
}

/// Whether a file is a PDF, as our sheets are.
fn is_pdf(path: &Path) -> bool {
    let mut head = [0; PDF_HEAD.len()];
    fs::File::open(path).and_then(|mut file| file.read_exact(&mut head)).is_ok() && head == *PDF_HEAD
}

/// Writes down that a document was opened and whose shares it took, where the state is. That it cannot be is no reason to keep
/// somebody out.
fn remember(desk: &Desk, (document, used): (&Document, &Used), reason: Option<&str>, world: &World) {
    let label = document.label();
    let reserve = if used.set == label.set { "" } else { " --reserve" };
    let command = format!(
        "`breakglass custody record-opening --document {}{reserve} --person … --person … --reason …`",
        label.envelope
    );
    let afterwards = || {
        world.note(&format!(
            "this opening is not written down: afterwards run {command} where the state is; then {}",
            next_step(label, sealed_of(desk, label).as_ref())
        ));
    };
    if !desk.has_state() {
        afterwards();
        return;
    }
    let at = SystemClock.now();
    let entry = |shares: &SharesUsed| -> Result<Entry, Failure> {
        Ok(Entry::OpenedOffline {
            document: name_of(&label.envelope.to_string())?,
            people: shares.holders.clone(),
            reason: reason.unwrap_or_default().to_owned(),
            opened_at: at,
            at,
        })
    };
    let noted = desk.store().map_err(Failure::from).and_then(|store| {
        note_opening(desk, &store, (document, used), entry)?;
        desk.enter(&store, world);
        Ok(())
    });
    match noted {
        Ok(()) if reason.is_none() => {
            world.note(&format!("it is not written down why: afterwards run {command}"));
        }
        Ok(()) => {}
        Err(failure) => {
            world.complain(&failure);
            afterwards();
        }
    }
}
