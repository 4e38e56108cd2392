//! The ledger, kept: every entry of the streams in which the duties remember what they did, once, as a line of a log.
//!
//! The log is a stream of the same store. Whoever has its lines and a checkpoint from elsewhere checks them with nothing of
//! ours; here they are held against the streams as well, so that an entry that somebody changed in the database shows, and
//! the place of it.
//! **Invariant:** a line that is in the log is never changed or taken out, each entry is in it at most once, and the lines of
//! a stream stand in the order of its entries, whoever else is at work and wherever it stops.
//! **Source:** docs/decisions/0012-the-ledger.md.

mod checkpoints;
mod entered;
mod line;
mod request;
mod witnessing;

pub use checkpoints::{KeptCheckpoint, KeptError, STREAM_CHECKPOINTS, SigningError, checkpoints, sign_checkpoint};
pub use entered::{CONFLICT_COUNT_MAX, Journal, JournalError, JournalFault, Looked, PREFIXES, STREAM, catch_up, look};
pub use line::{FORMAT, Line, LineError, check_line};
pub use request::{REQUEST_BYTES_MAX, WitnessRequest, WitnessRequestError};
pub use witnessing::{ATTEMPT_COUNT_MAX, NotWitnessed, RefusedCheckpoint, Shown, Witnessed, witness};
