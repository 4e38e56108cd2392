//! `ledger witness`: what another machine runs, so that nobody signs two pasts unnoticed.

use std::fs;
use std::path::PathBuf;

use breakglass_adapters::key_file::KeyUse;
use breakglass_adapters::witness_folder::WitnessFolder;
use breakglass_ledger::checkpoint::Checkpoint;
use breakglass_ledger::log::check;
use breakglass_ledger::note::PublicKey;
use breakglass_ledger::tree::Tree;
use breakglass_ops::journal::{NotWitnessed, REQUEST_BYTES_MAX, Shown, WitnessRequest, Witnessed, witness};

use super::exported::{self, Found};
use super::failure::LedgerFailure;
use super::keys::{NewKey, key};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::deliver;
use crate::render::ledger::entries;
use crate::text_file::read_text;
use crate::wiring::World;

/// What the key of a witness is called unless it is named.
const NAME_USUAL: &str = "breakglass-witness";

#[derive(Debug, clap::Args)]
pub(super) struct WitnessArguments {
    /// The folder in which this witness remembers what it saw, with its key
    #[arg(long, value_name = "FOLDER")]
    folder: PathBuf,

    /// The public key of the ledger, as it was given to you by another way
    #[arg(long, value_name = "KEY", value_parser = super::public_key)]
    key: PublicKey,

    /// The ledger, as it was exported
    #[arg(long, value_name = "PATH", required_unless_present = "request", conflicts_with = "request")]
    log: Option<PathBuf>,

    /// The checkpoint to be signed, where the export has none of it
    #[arg(long, value_name = "FILE", requires = "log")]
    checkpoint: Option<PathBuf>,

    /// A checkpoint with a proof, instead of the whole ledger: what `checkpoint --since` writes
    #[arg(long, value_name = "FILE")]
    request: Option<PathBuf>,

    /// Where the signed checkpoint goes [default: standard output]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// What the key of this witness is called, if it is made now
    #[arg(long, value_name = "NAME", default_value = NAME_USUAL)]
    name: String,

    /// Encrypt the key with a passphrase, if it is made now
    #[arg(long)]
    passphrase: bool,
}

impl WitnessArguments {
    pub(super) fn run(&self, world: &World) -> Result<Exit, Failure> {
        let witnessed = match &self.request {
            Some(path) => {
                let text = read_text(path, REQUEST_BYTES_MAX as u64).map_err(LedgerFailure::Unread)?;
                let request = WitnessRequest::read(&text);
                let request = request.map_err(|source| LedgerFailure::NoRequest { path: path.clone(), source })?;
                self.sign(&request.note, Shown::Proof { old: request.old, proof: &request.proof }, world)?
            }
            None => {
                let (tree, note) = self.log(world)?;
                self.sign(&note, Shown::Log(&tree), world)?
            }
        };
        deliver(world, self.output.as_deref(), &witnessed.note)?;
        let now = entries(witnessed.now.size);
        world.note(&match witnessed.before {
            None => format!(
                "this ledger was never seen here: its {now} are believed as they are. Compare the root {} with what somebody \
                 tells you by another way",
                witnessed.now.root
            ),
            Some(before) if before == witnessed.now => format!("the ledger is as it was: {now}"),
            Some(before) => format!("the ledger only grew, from {} to {now}", entries(before.size)),
        });
        Ok(Exit::Good)
    }

    fn sign(&self, note: &str, shown: Shown<'_>, world: &World) -> Result<Witnessed, LedgerFailure> {
        let unwritten = |source| LedgerFailure::Unwritten { path: self.folder.clone(), source };
        fs::create_dir_all(&self.folder).map_err(unwritten)?;
        let new = NewKey {
            name: &|| Ok(self.name.clone()),
            is_encrypted: self.passphrase,
            advice: "give its public key to whoever checks the ledger",
        };
        let own = key(&self.folder.join("witness.key"), KeyUse::Witness, &new, world)?;
        let memory = WitnessFolder::new(self.folder.clone());
        Ok(witness(&memory, (&own, world.now), &self.key, note, shown)?)
    }

    /// The log, and the checkpoint of it that is to be signed: the one that was named, or the last one that the log signed.
    fn log(&self, world: &World) -> Result<(Tree, String), LedgerFailure> {
        let path = self.log.clone().unwrap_or_default();
        let exported = exported::read(&path)?;
        let tree = exported.tree.map_err(|fault| NotWitnessed::NotTheLog(vec![fault]))?;
        let given = match &self.checkpoint {
            Some(path) => vec![exported::checkpoint(path)?],
            None => exported.checkpoints,
        };
        let Some(last) = given.last().cloned() else {
            let why = "it has no checkpoint, and none was given".to_owned();
            return Err(LedgerFailure::NoExport { path, why });
        };
        let mut signed: Vec<(Checkpoint, Found)> = Vec::new();
        for found in given {
            match Checkpoint::read(&found.note, &self.key) {
                Ok((checkpoint, _)) => signed.push((checkpoint, found)),
                Err(error) => world.note(&format!("`{}` is passed over: {error}", found.name)),
            }
        }
        let checkpoints: Vec<Checkpoint> = signed.iter().map(|(checkpoint, _)| checkpoint.clone()).collect();
        let longest = signed.into_iter().max_by_key(|(checkpoint, _)| checkpoint.size());
        // One that the log has not signed is refused with the reason.
        let Some((longest, found)) = longest else { return Ok((tree, last.note)) };
        // Where the last is another past than what was seen, both are kept as evidence: that comes first.
        match check(&tree, &checkpoints) {
            Err(faults) if check(&tree, &[longest]).is_ok() => Err(NotWitnessed::NotTheLog(faults).into()),
            _ => Ok((tree, found.note)),
        }
    }
}
