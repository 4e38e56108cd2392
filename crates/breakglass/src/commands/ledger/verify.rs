//! `ledger verify`: what a ledger is, as far as anybody vouches for it.

use std::path::{Path, PathBuf};

use breakglass_ledger::checkpoint::Checkpoint;
use breakglass_ledger::hash::Hash;
use breakglass_ledger::log::{LogFault, Vouched, check, tree_of};
use breakglass_ledger::note::PublicKey;
use breakglass_ledger::tree::Tree;
use breakglass_ops::journal::{JournalError, STREAM, checkpoints, look};
use breakglass_ops::ports::Store as _;
use serde_json::Value;

use super::exported::{self, Found};
use super::failure::LedgerFailure;
use super::{Form, KEY_NAME, Place, keys};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::deliver;
use crate::render::ledger::{Verified, Witness, verified_json, verified_text};
use crate::wiring::World;

#[derive(Debug, clap::Args)]
pub(super) struct VerifyArguments {
    /// A ledger that was exported, a folder or the file with its entries [default: the one of the state]
    path: Option<PathBuf>,

    /// A checkpoint that was kept elsewhere; may be given several times
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,

    /// How many entries there were and their root hash, as they stand on a cover: `15:8ypO…=`; may be given several times
    #[arg(long, value_name = "ENTRIES:HASH", value_parser = root)]
    root: Vec<Root>,

    /// The public key of the ledger, as it was written down elsewhere [default: that of the state]
    #[arg(long, value_name = "KEY", value_parser = super::public_key)]
    key: Option<PublicKey>,

    /// The public key of a witness that has to have signed; may be given several times
    #[arg(long, value_name = "KEY", value_parser = super::public_key)]
    witness: Vec<PublicKey>,

    /// The form of the answer
    #[arg(long, value_enum, default_value_t = Form::Text)]
    format: Form,

    #[command(flatten)]
    place: Place,
}

/// Entries and the root over them, on paper.
#[derive(Debug, Clone, Copy)]
struct Root {
    size: u64,
    hash: Hash,
}

fn root(text: &str) -> Result<Root, &'static str> {
    let read = text
        .split_once(':')
        .and_then(|(size, hash)| Some(Root { size: size.trim().parse().ok()?, hash: Hash::read(hash.trim())? }));
    read.ok_or("expected the number of entries, a colon, and 44 characters of Base64, as they stand on a cover")
}

/// What is looked at.
struct Subject {
    name: String,
    tree: Result<Tree, LogFault>,
    /// Checkpoints that are kept beside it.
    beside: Vec<Found>,
    /// What is wrong with it by itself.
    faults: Vec<String>,
    /// Entries of the record that are not in it yet.
    missing: Option<usize>,
}

impl VerifyArguments {
    pub(super) fn run(&self, world: &World) -> Result<Exit, Failure> {
        let subject = match &self.path {
            Some(path) => {
                let exported = exported::read(path)?;
                let (tree, beside) = (exported.tree, exported.checkpoints);
                Subject { name: path.display().to_string(), tree, beside, faults: Vec::new(), missing: None }
            }
            None => self.of_state()?,
        };
        let elsewhere = self.checkpoint.iter().map(|path| exported::checkpoint(path)).collect::<Result<Vec<_>, _>>()?;
        let key = match &self.key {
            Some(key) => Some(key.clone()),
            None => self.key_of_state()?,
        };
        let verified = self.judge(subject, &elsewhere, key.as_ref());
        let document = match self.format {
            Form::Text => verified_text(&verified, (world.stdout.columns, world.stdout.paint)),
            Form::Json => verified_json(&verified),
        };
        deliver(world, None, &document)?;
        Ok(if !verified.faults.is_empty() {
            Exit::Found
        } else if verified.unknowns.is_empty() && verified.unsigned == 0 {
            Exit::Good
        } else {
            Exit::Unknown
        })
    }

    fn key_of_state(&self) -> Result<Option<PublicKey>, LedgerFailure> {
        let path = self.place.folder().join(KEY_NAME);
        if path.exists() { keys::public(&path).map(Some) } else { Ok(None) }
    }

    fn of_state(&self) -> Result<Subject, LedgerFailure> {
        let store = self.place.store()?;
        let name = self.place.folder().display().to_string();
        let mut faults = Vec::new();
        let beside = match checkpoints(&store) {
            Ok(kept) => {
                (1..).zip(kept).map(|(number, kept)| Found { name: numbered(number), note: kept.note }).collect()
            }
            Err(breakglass_ops::journal::KeptError::Store(error)) => return Err(error.into()),
            Err(damaged) => {
                faults.push(damaged.to_string());
                Vec::new()
            }
        };
        match look(&store) {
            Ok(looked) => {
                let missing = Some(looked.missing.len());
                Ok(Subject { name, tree: Ok(looked.journal.tree().clone()), beside, faults, missing })
            }
            Err(JournalError::Faults(found)) => {
                faults.extend(found.iter().map(ToString::to_string));
                // What stands there is held against the checkpoints all the same.
                let lines = store.entries(STREAM)?;
                let line = |line: &Value| format!("{}\n", line.as_str().unwrap_or_default());
                let text: String = lines.iter().map(line).collect();
                Ok(Subject { name, tree: tree_of(text.as_bytes()), beside, faults, missing: None })
            }
            Err(error) => Err(error.into()),
        }
    }

    fn judge(&self, subject: Subject, elsewhere: &[Found], key: Option<&PublicKey>) -> Verified {
        let Subject { name, tree, beside, mut faults, missing } = subject;
        let mut unknowns = Vec::new();
        let (tree, is_whole) = match tree {
            Ok(tree) => (tree, true),
            Err(fault) => {
                faults.push(fault.to_string());
                (Tree::default(), false)
            }
        };
        let mut signed = Vec::new();
        let mut witnesses: Vec<Witness> =
            self.witness.iter().map(|key| Witness { key: key.to_string(), last: None }).collect();
        match key {
            // What stands on paper needs no key.
            None if !self.root.is_empty() && beside.is_empty() && elsewhere.is_empty() => {}
            None => unknowns.push(
                "No public key of the ledger is known here, so that nothing says whose checkpoints these are. Give it with \
                 --key, as it was written down elsewhere."
                    .to_owned(),
            ),
            Some(key) => {
                for found in beside.iter().chain(elsewhere) {
                    match Checkpoint::read(&found.note, key) {
                        Err(error) => faults.push(format!("`{}` is no checkpoint of this ledger: {error}", found.name)),
                        Ok((checkpoint, note)) => {
                            for (witness, key) in witnesses.iter_mut().zip(&self.witness) {
                                let last = note.cosigned_by(key).ok().map(|at| (checkpoint.size(), at));
                                witness.last = witness.last.max(last);
                            }
                            signed.push(checkpoint);
                        }
                    }
                }
            }
        }
        if !signed.is_empty() {
            self.look_at_witnesses(&witnesses, tree.size(), (&mut faults, &mut unknowns));
        }
        if key.is_some() && signed.is_empty() && self.root.is_empty() && faults.is_empty() {
            unknowns.push("There is no checkpoint, so that nobody vouches for anything in it.".to_owned());
        }
        let vouched = match check(&tree, &signed) {
            Ok(vouched) => vouched,
            Err(found) => {
                // Of lines that cannot be read it is said already.
                faults.extend(found.iter().filter(|_| is_whole).map(ToString::to_string));
                Vouched { signed: 0, unsigned: tree.size() }
            }
        };
        let on_paper = if is_whole { self.on_paper(&tree, &mut faults) } else { 0 };
        let vouched = Vouched {
            signed: vouched.signed.max(on_paper),
            unsigned: vouched.unsigned.min(tree.size().saturating_sub(on_paper)),
        };
        Verified {
            name,
            key: key.map(ToString::to_string),
            size: tree.size(),
            root: tree.root(tree.size()).map(|root| root.to_string()),
            signed: vouched.signed,
            unsigned: vouched.unsigned,
            beside: beside.len(),
            elsewhere: elsewhere.len() + self.root.len(),
            missing,
            witnesses,
            faults,
            unknowns,
        }
    }

    /// Holds the tree against what stands on paper; up to which entry it agrees.
    fn on_paper(&self, tree: &Tree, faults: &mut Vec<String>) -> u64 {
        let mut agrees = 0;
        for Root { size, hash } in &self.root {
            match tree.root(*size) {
                Some(found) if found == *hash => agrees = agrees.max(*size),
                Some(_) => faults.push(format!(
                    "the first {size} entries are not those of the root that was given: one of them was changed, added, \
                     removed or moved"
                )),
                None => faults.push(format!(
                    "there were {size} entries, by the root that was given, and there are {}: entries were removed",
                    tree.size()
                )),
            }
        }
        agrees
    }

    /// What is wrong with what witnesses signed, and what cannot be told by it.
    fn look_at_witnesses(
        &self,
        witnesses: &[Witness],
        size: u64,
        (faults, unknowns): (&mut Vec<String>, &mut Vec<String>),
    ) {
        for (witness, key) in witnesses.iter().zip(&self.witness) {
            let name = key.name();
            match witness.last {
                None => faults.push(format!("no checkpoint that was given is signed by the witness `{name}`")),
                Some((signed, _)) if signed < size => unknowns.push(format!(
                    "The witness `{name}` has signed {signed} of the {size} entries, and nothing of the others."
                )),
                Some(_) => {}
            }
        }
    }
}

fn numbered(number: usize) -> String {
    Path::new("ledger").join("checkpoints").join(number.to_string()).display().to_string()
}
