//! A witness at work: it looks, remembers, and only then signs.
//!
//! **Invariant:** what is signed was remembered before, in place of what it was compared with. Of two that look at two pasts
//! at once, one begins again and sees what the other remembered.

use breakglass_ledger::checkpoint::Checkpoint;
use breakglass_ledger::hash::Hash;
use breakglass_ledger::log::{LogFault, check};
use breakglass_ledger::note::{NoteError, PublicKey, SecretKey};
use breakglass_ledger::tree::Tree;
use breakglass_ledger::witness::{Seen, WitnessRefusal, accept};
use jiff::Timestamp;

use crate::ports::{WitnessMemory, WitnessMemoryError};

/// How often somebody else may be faster.
pub const ATTEMPT_COUNT_MAX: usize = 16;

/// What a witness is shown.
#[derive(Debug, Clone, Copy)]
pub enum Shown<'a> {
    /// The whole log, of which the checkpoint is one.
    Log(&'a Tree),
    /// A proof that the log grew from so many entries.
    Proof {
        /// Entries from which it grew.
        old: u64,
        /// The proof.
        proof: &'a [Hash],
    },
}

/// A checkpoint that the witness has signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witnessed {
    /// The checkpoint, signed by the log and by the witness.
    pub note: String,
    /// What is remembered now.
    pub now: Seen,
    /// What was remembered before; `None` if the log was never seen, so that this one was believed.
    pub before: Option<Seen>,
}

/// Why a witness has signed nothing.
#[derive(Debug, thiserror::Error)]
pub enum NotWitnessed {
    /// Nothing can be remembered.
    #[error(transparent)]
    Memory(#[from] WitnessMemoryError),
    /// What is remembered is none of the log's.
    #[error("what is remembered of this log is no checkpoint that it signed: it was changed, and nothing is signed")]
    Damaged(#[source] WitnessRefusal),
    /// The entries are not those of the checkpoint.
    #[error("the entries are not those that the checkpoint was signed of: {}", .0.first().map(ToString::to_string).unwrap_or_default())]
    NotTheLog(Vec<LogFault>),
    /// The proof begins elsewhere.
    #[error("the proof begins at {old} entries, and {seen} were seen; one that begins there is needed")]
    OtherStart {
        /// Entries at which it begins.
        old: u64,
        /// Entries that were seen.
        seen: u64,
    },
    /// The checkpoint does not follow the one that is remembered, or is none.
    #[error("the checkpoint is not signed: {}", .0.refusal)]
    Refused(Box<RefusedCheckpoint>),
    /// Others are always faster.
    #[error("others are witnessing the same log all the time; run it again")]
    Busy,
    /// The key cannot sign.
    #[error(transparent)]
    Key(#[from] NoteError),
}

/// A checkpoint that was not signed, beside the one that is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedCheckpoint {
    /// Why.
    pub refusal: WitnessRefusal,
    /// What is remembered.
    pub seen: Option<Seen>,
    /// What was shown, if the log has signed it.
    pub shown: Option<Seen>,
    /// Where both are kept, if the log has signed both and they do not go together. One that is older only is no evidence.
    pub evidence: Option<String>,
}

/// Looks at a checkpoint of a log, remembers it, and signs it.
///
/// # Errors
/// It does not follow what is remembered, or nothing can be remembered; nothing was signed.
pub fn witness(
    memory: &dyn WitnessMemory,
    (key, now): (&SecretKey, Timestamp),
    log: &PublicKey,
    note: &str,
    shown: Shown<'_>,
) -> Result<Witnessed, NotWitnessed> {
    let name = log.to_string();
    for _ in 0..ATTEMPT_COUNT_MAX {
        let remembered = memory.remembered(&name)?;
        let before = remembered.as_deref().map(|note| seen_of(note, log).map_err(NotWitnessed::Damaged)).transpose()?;
        let refused = |refusal| refused(memory, log, (remembered.as_deref(), note), refusal);
        let (checkpoint, _) = Checkpoint::read(note, log).map_err(|refusal| refused(refusal.into()))?;
        let found = seen(&checkpoint);
        let proof = match shown {
            Shown::Log(tree) => {
                check(tree, &[checkpoint]).map_err(NotWitnessed::NotTheLog)?;
                let proof = before.and_then(|before| tree.consistency(before.size, found.size));
                proof.unwrap_or_default()
            }
            Shown::Proof { old, proof } => {
                let seen = before.map_or(0, |before| before.size);
                if old != seen && found.size > seen {
                    return Err(NotWitnessed::OtherStart { old, seen });
                }
                proof.to_vec()
            }
        };
        let accepted = accept(before, note, log, &proof).map_err(refused)?;
        // It is written anew where it is the same: whoever wrote it may not have come to its end.
        if memory.exchange(&name, remembered.as_deref(), accepted.note())? {
            return Ok(Witnessed { note: accepted.cosigned(key, now)?, now: accepted.seen, before });
        }
    }
    Err(NotWitnessed::Busy)
}

fn seen_of(note: &str, log: &PublicKey) -> Result<Seen, WitnessRefusal> {
    let (checkpoint, _) = Checkpoint::read(note, log)?;
    Ok(seen(&checkpoint))
}

const fn seen(checkpoint: &Checkpoint) -> Seen {
    Seen { size: checkpoint.size(), root: checkpoint.root() }
}

/// The refusal, with both checkpoints kept if the log has signed both and they do not go together.
fn refused(
    memory: &dyn WitnessMemory,
    log: &PublicKey,
    (remembered, note): (Option<&str>, &str),
    refusal: WitnessRefusal,
) -> NotWitnessed {
    let signed = |note: &str| accept(None, note, log, &[]).ok();
    let (seen, shown) = (remembered.and_then(signed), signed(note));
    let evidence = match (&seen, &shown) {
        _ if matches!(refusal, WitnessRefusal::Older { .. }) => None,
        (Some(seen), Some(shown)) => match memory.keep_evidence(&log.to_string(), seen.note(), shown.note()) {
            Ok(place) => Some(place),
            Err(error) => return error.into(),
        },
        _ => None,
    };
    let [seen, shown] = [seen, shown].map(|accepted| accepted.map(|accepted| accepted.seen));
    NotWitnessed::Refused(Box::new(RefusedCheckpoint { refusal, seen, shown, evidence }))
}
