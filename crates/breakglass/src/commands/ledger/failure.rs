//! Why something is not done with a ledger.

use std::io;
use std::path::PathBuf;

use breakglass_adapters::key_file::KeyFileError;
use breakglass_ledger::note::NoteError;
use breakglass_ledger::witness::{Seen, WitnessRefusal};
use breakglass_ops::journal::{
    JournalError, KeptError, NotWitnessed, RefusedCheckpoint, SigningError, WitnessRequestError,
};
use breakglass_ops::ports::{RandomError, StoreError};

use crate::codes::ErrorCode;
use crate::exit::Exit;
use crate::failure::Coded;
use crate::text_file::TextError;

/// Why something is not done with a ledger.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LedgerFailure {
    /// Nothing was done so far.
    #[error("there is no record in `{}`", .0.display())]
    Nothing(PathBuf),
    /// The record cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The ledger cannot be brought up to date, or does not agree with the record.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Checkpoints that were kept cannot be had.
    #[error(transparent)]
    Kept(#[from] KeptError),
    /// A key is not made or not used.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    /// A key is none for this.
    #[error("the key cannot be used")]
    Key(#[from] NoteError),
    /// Nothing says what a new key is called.
    #[error("nothing says what the key of this ledger is called")]
    NoName,
    /// No key is made.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// Nobody gave a passphrase.
    #[error("no passphrase was given")]
    Passphrase(#[source] io::Error),
    /// No checkpoint is signed.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// The ledger was never so long.
    #[error("the ledger has {size} entries, and nobody has seen {old} of it")]
    Since { old: u64, size: u64 },
    /// A file cannot be read.
    #[error(transparent)]
    Unread(#[from] TextError),
    /// What is there is nothing that was exported.
    #[error("`{}` is no ledger that was exported: {why}", path.display())]
    NoExport { path: PathBuf, why: String },
    /// A file is no request.
    #[error("`{}` cannot be used", path.display())]
    NoRequest {
        path: PathBuf,
        #[source]
        source: WitnessRequestError,
    },
    /// Nothing is written there.
    #[error("`{}` cannot be written", path.display())]
    Unwritten {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The checkpoint does not follow the one that was seen.
    #[error("{}", sentence(.0))]
    Refused(Box<RefusedCheckpoint>),
    /// The witness cannot do its work.
    #[error(transparent)]
    NotWitnessed(NotWitnessed),
}

fn sentence(refused: &RefusedCheckpoint) -> String {
    let said = |seen: Option<Seen>| match seen {
        Some(seen) => format!("{} entries with the root {}", seen.size, seen.root),
        None => "nothing".to_owned(),
    };
    let both = match (refused.seen, refused.shown) {
        (None, None) => String::new(),
        (seen, shown) => format!("; seen before: {}; signed and shown now: {}", said(seen), said(shown)),
    };
    format!("this checkpoint is not signed: {}{both}", refused.refusal)
}

fn is_older(refused: &RefusedCheckpoint) -> bool {
    matches!(refused.refusal, WitnessRefusal::Older { .. })
}

impl From<NotWitnessed> for LedgerFailure {
    fn from(error: NotWitnessed) -> Self {
        match error {
            NotWitnessed::Refused(refused) => Self::Refused(refused),
            other => Self::NotWitnessed(other),
        }
    }
}

pub(crate) const CODES: &[ErrorCode] = &[
    ErrorCode {
        code: "BG4032",
        title: "the ledger cannot be brought up to date",
        explanation: "The record cannot be read or written, an entry of it is too long for a ledger, or others write all the \
                      time. What is in the ledger stays in it; the next command puts in what is missing.",
    },
    ErrorCode {
        code: "BG4033",
        title: "the ledger and the record do not agree",
        explanation: "The ledger holds every entry of the record as it was. Where the record says something else now, or less, \
                      or where the ledger has lines that are none, somebody changed the database. The message names the first \
                      place. Copy the folder before anything else is done, hold the ledger against a checkpoint that was kept \
                      elsewhere (`breakglass ledger verify --checkpoint FILE`), and find out who could write there. Nothing is \
                      added to the ledger until they agree again.",
    },
    ErrorCode {
        code: "BG4034",
        title: "the key cannot be used",
        explanation: "The file with the key that signs is readable by others, damaged, of another use, or encrypted with a \
                      passphrase that was not given; or no name is known for a new one. The key of a ledger is called after \
                      the tenant, which `breakglass.toml` names; `--name` gives another name. No key is ever overwritten.",
    },
    ErrorCode {
        code: "BG4035",
        title: "no checkpoint is signed",
        explanation: "The ledger is not what was signed of it before, or a checkpoint that was kept is damaged or of another \
                      key. Signing over that would hide it. `breakglass ledger verify` names every place; compare with \
                      checkpoints that were kept elsewhere.",
    },
    ErrorCode {
        code: "BG4036",
        title: "there is no ledger, checkpoint or request",
        explanation: "The file or folder is not there or is something else. The folder of the state is `.breakglass` of this \
                      folder unless `--state` names another; where nothing was done yet, there is no ledger. If there should \
                      be one, somebody has removed it: hold a copy against the last checkpoint that was kept elsewhere. \
                      `breakglass ledger export` writes a folder with the entries, the checkpoints and the public key.",
    },
    ErrorCode {
        code: "BG4037",
        title: "the ledger or a checkpoint cannot be written there",
        explanation: "It is written only where nothing is yet, so that no earlier copy or checkpoint is lost: name another \
                      folder or file. If a folder was begun, what is there is not whole; remove it.",
    },
    ErrorCode {
        code: "BG4038",
        title: "the witness refuses the checkpoint",
        explanation: "The log was changed or forked since the witness saw it last, or the checkpoint is not signed by \
                      the log's key, or the entries are not those of the checkpoint. The message names what was seen and what \
                      is shown. Where the log has signed both, both are kept in the folder `evidence`: whoever has them can \
                      prove that two pasts were signed. Tell whoever answers for the log, by another way than its machine.",
    },
    ErrorCode {
        code: "BG4039",
        title: "the witness cannot remember",
        explanation: "What the witness has seen cannot be read or written, or is damaged, or another one is at work in the \
                      same folder. Nothing is signed that is not written down first. A damaged file is never taken for a log \
                      that was not seen yet: put it back from a copy, or compare the checkpoints by hand before you move it \
                      away.",
    },
    ErrorCode {
        code: "BG4040",
        title: "the checkpoint is older than what the witness knows",
        explanation: "The witness has seen more entries than this checkpoint has. That is so where an earlier export or request \
                      is shown again, and it is so where the log was cut off: an older checkpoint alone proves neither. It is \
                      not signed, what is remembered stays, and nothing is kept as evidence. Ask for a checkpoint of now; one \
                      that has fewer entries still says that the log was cut off.",
    },
];

impl Coded for LedgerFailure {
    fn code(&self) -> &'static str {
        match self {
            Self::Journal(JournalError::Faults(_)) => "BG4033",
            Self::Store(_) | Self::Journal(_) => "BG4032",
            Self::KeyFile(_) | Self::Key(_) | Self::NoName | Self::Random(_) | Self::Passphrase(_) => "BG4034",
            Self::Kept(_) | Self::Signing(_) => "BG4035",
            Self::Nothing(_)
            | Self::Unread(_)
            | Self::NoExport { .. }
            | Self::NoRequest { .. }
            | Self::Since { .. } => "BG4036",
            Self::Unwritten { .. } => "BG4037",
            Self::Refused(refused) if is_older(refused) => "BG4040",
            Self::Refused(_) | Self::NotWitnessed(NotWitnessed::NotTheLog(_)) => "BG4038",
            Self::NotWitnessed(_) => "BG4039",
        }
    }

    fn help(&self) -> Option<String> {
        Some(match self {
            Self::Nothing(_) => "name the folder of the state with --state".to_owned(),
            Self::Journal(JournalError::Faults(_)) => {
                "copy the folder before anything else is done; `breakglass ledger verify` names every place".to_owned()
            }
            Self::Store(_) | Self::Journal(_) => "mend that, then run the same command again".to_owned(),
            Self::NoName => "run it beside a breakglass.toml that names the tenant, or give --name".to_owned(),
            Self::KeyFile(_) | Self::Key(_) | Self::Random(_) | Self::Passphrase(_) => {
                "the reason is in the message; no key was overwritten".to_owned()
            }
            Self::Kept(_) | Self::Signing(_) => "`breakglass ledger verify` names every place".to_owned(),
            Self::Unread(_) | Self::NoExport { .. } | Self::NoRequest { .. } => {
                "`breakglass ledger export FOLDER` writes what is read here".to_owned()
            }
            Self::Since { .. } => {
                "a witness that has seen more has seen another ledger: compare the checkpoints".to_owned()
            }
            Self::Unwritten { .. } => "name one that is not there yet".to_owned(),
            Self::Refused(refused) if is_older(refused) => {
                "ask for a checkpoint of now; if it has fewer entries than were seen, the log was cut off".to_owned()
            }
            Self::Refused(refused) => match &refused.evidence {
                Some(place) => format!("both checkpoints are kept in `{place}`; tell whoever answers for the log"),
                None => "ask whoever answers for the log, by another way than its machine".to_owned(),
            },
            Self::NotWitnessed(NotWitnessed::OtherStart { seen, .. }) => {
                format!("`breakglass ledger checkpoint --since {seen}` makes one where the ledger is")
            }
            Self::NotWitnessed(_) => "nothing was signed; the reason is in the message".to_owned(),
        })
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Refused(refused) if is_older(refused) => Exit::NotStarted,
            Self::Journal(JournalError::Faults(_))
            | Self::Kept(KeptError::Damaged(_))
            | Self::Signing(SigningError::Faults(_) | SigningError::Other { .. })
            | Self::Signing(SigningError::Kept(KeptError::Damaged(_)))
            | Self::Refused(_)
            | Self::Since { .. }
            | Self::NotWitnessed(NotWitnessed::NotTheLog(_) | NotWitnessed::Damaged(_)) => Exit::Found,
            _ => Exit::NotStarted,
        }
    }
}
