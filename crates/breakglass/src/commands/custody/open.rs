//! `custody open`: the shares open a document, with or without everything else.

use std::fs;
use std::path::{Path, PathBuf};

use breakglass_custody::document::Document;
use breakglass_custody::fingerprint::Fingerprint;
use breakglass_custody::key_set::KeySet;
use breakglass_custody::signed::SIGNED_BYTES_MAX;

use super::CustodyFailure;
use super::desk::{Desk, Place, confirmed, name_of};
use super::opening::{OpeningShares, current_of, note_opened, open_and_show};
use super::shown::Spelling;
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
    share: OpeningShares,

    #[command(flatten)]
    place: Place,
}

fn fingerprint(text: &str) -> Result<Fingerprint, String> {
    Fingerprint::read(text).map_err(|error| error.to_string())
}

impl Arguments {
    pub(super) fn run(&self, world: &World) -> Result<Exit, Failure> {
        let desk = self.place.desk(world)?;
        let document = self.document(&desk, world)?;
        let mut remember = |set: &KeySet| remember(&desk, (&document, set), world);
        open_and_show(&document, (&self.share, self.spell), &mut remember, world)?;
        Ok(Exit::Good)
    }

    fn document(&self, desk: &Desk, world: &World) -> Result<Document, Failure> {
        if let Some(account) = &self.account {
            return current_of(desk, account, world);
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

/// Writes down that a document was opened, where the state is. That it cannot be is no reason to keep somebody out.
fn remember(desk: &Desk, (document, set): (&Document, &KeySet), world: &World) -> Result<(), Failure> {
    let label = document.label();
    let reserve = if *set == label.set { "" } else { " --reserve" };
    let afterwards = || {
        world.note(&format!(
            "this opening is not written down: afterwards run `breakglass custody record-opening --document {}{reserve} \
             --person … --person … --reason …` where the state is, then `breakglass rotate`",
            label.envelope
        ));
    };
    if !desk.has_state() {
        afterwards();
        return Ok(());
    }
    let noted = desk.store().and_then(|store| {
        note_opened(desk, &store, (document, set))?;
        desk.enter(&store, world);
        Ok(())
    });
    if let Err(error) = noted {
        world.complain(&Failure::from(error));
        afterwards();
    }
    Ok(())
}
