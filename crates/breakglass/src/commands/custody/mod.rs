//! `custody`: the key box. It works with no network, no server and no sign-in, unless a depository is one.

mod acknowledge;
pub(crate) mod counting;
pub(crate) mod desk;
mod generate;
pub(crate) mod key_secrets;
mod list;
mod new_set;
mod open;
pub(crate) mod opening;
mod pin;
mod record_opening;
mod rehearse;
mod replacing;
mod replicate;
pub(crate) mod retire;
mod seal;
pub(crate) mod sealing;
pub(crate) mod shares;
mod sheet;
pub(crate) mod shown;

use std::io;
use std::path::PathBuf;

use breakglass_adapters::disk::is_want_of_room;
use breakglass_custody::approval::REASON_CHARS_MAX;
use breakglass_custody::key_set::{RecoverError, SetId};
use breakglass_custody::password::PasswordError;
use breakglass_custody::quorum::QuorumError;
use breakglass_custody::sealed::{OpenError, SealError};
use breakglass_custody::sealing_key::SplitKeyError;
use breakglass_custody::secret::SecretError;
use breakglass_custody::signed::SignedError;
use breakglass_sheets::SheetError;
use clap::Subcommand;

use self::desk::{DeskError, MAKE_ROOM};
use crate::codes::ErrorCode;
use crate::exit::Exit;
use crate::failure::{Coded, Failure};
use crate::terminal::TerminalError;
use crate::wiring::World;

/// Keep the secrets of the emergency accounts: shares, sealed documents, openings
///
/// What is sealed is opened by several custodians together and by nobody alone, this program included. It works without a
/// network and without the tenant: with the shares, a sealed document and this program, or with other people's programs as
/// each sheet says.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

macro_rules! whats {
    ($($what:ident in $module:ident),+ $(,)?) => {
        #[derive(Debug, Subcommand)]
        enum What {
            $($what(Box<$module::Arguments>),)+
        }

        impl Arguments {
            pub(super) fn run(&self, world: &World) -> Result<Exit, Failure> {
                match &self.what {
                    $(What::$what(arguments) => arguments.run(world),)+
                }
            }
        }
    };
}

whats! {
    Generate in generate,
    NewSet in new_set,
    Acknowledge in acknowledge,
    Rehearse in rehearse,
    Seal in seal,
    Open in open,
    Sheet in sheet,
    RecordOpening in record_opening,
    Retire in retire,
    Replicate in replicate,
    List in list,
}

/// Why a command of custody does not do what it should.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CustodyFailure {
    /// There is no such password.
    #[error(transparent)]
    Password(PasswordError),
    /// Nobody is declared who could hold a share.
    #[error("the configuration names nobody who holds a share: it has no `[[custody.{0}]]`")]
    NoHolder(&'static str),
    /// No set can have so many shares.
    #[error(transparent)]
    Quorum(QuorumError),
    /// The key is not split.
    #[error(transparent)]
    Split(SplitKeyError),
    /// What was signed did not come out as it went in.
    #[error(transparent)]
    Signed(SignedError),
    /// A share is not encrypted.
    #[error("a share cannot be encrypted to its holder's key")]
    Share(#[source] SealError),
    /// A folder cannot be made.
    #[error("the folder `{}` cannot be made", path.display())]
    Folder {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// A file cannot be made.
    #[error("`{}` cannot be written", path.display())]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// A sheet is not made.
    #[error(transparent)]
    Sheet(SheetError),
    /// The shares do not open.
    #[error(transparent)]
    Recover(RecoverError),
    /// The document does not open.
    #[error(transparent)]
    Open(OpenError),
    /// Nothing is sealed.
    #[error(transparent)]
    Seal(SealError),
    /// Nobody said which document.
    #[error("it is not said which document: {0}")]
    Which(String),
    /// What is found does not count by the record.
    #[error(
        "no depository that answers has the document of `{account}` that is to be opened first{}; the best that is there is \
         `{found}`, and by the record its password is an older one, or was never set",
        if .missing.is_empty() { String::new() } else { format!(" (`{missing}`)") }
    )]
    NotCounting {
        /// The account.
        account: String,
        /// What is found.
        found: String,
        /// Documents that may count.
        missing: String,
    },
    /// It has no reserve.
    #[error("the document `{0}` is sealed to no reserve: only shares of its custodians open it")]
    NoReserve(String),
    /// It is still to come.
    #[error(
        "by the clock of this machine {0} is still to come: leave --opened-at out, or give the time at which it was opened"
    )]
    Ahead(jiff::Timestamp),
    /// Nobody says when it was.
    #[error("this machine has seen no opening of `{0}` that waits for a reason, and nobody says when it was")]
    NoOpening(String),
    /// It is no time.
    #[error("`{0}` is no time: give it as 2026-11-27T03:00:00Z")]
    NoTime(String),
    /// What counts is sealed to more than one set.
    #[error("the accounts are sealed to more than one set of shares, and a sheet is of one: {0}")]
    Several(String),
    /// They are declared as something else.
    #[error("`{person}` is not declared below `[[custody.{section}]]`, and gets no share of this set")]
    Holds { person: String, section: &'static str },
    /// The account has sealed passwords.
    #[error("`{0}` has passwords that are sealed: another one is sealed as it is set, and never before")]
    Sealed(String),
    /// The id is another's.
    #[error("by the sealed documents `{id}` is the id of `{owner}`, and not of `{account}`")]
    OthersId { id: String, account: String, owner: String },
    /// A document of it is in no record here.
    #[error(
        "the document `{document}` of `{account}` is in no record here, as where the state was lost, and its password may be the one \
         that counts"
    )]
    SealedElsewhere { account: String, document: String },
    /// A reason is missing or too long.
    #[error("a reason has 1 to {REASON_CHARS_MAX} characters on one line")]
    Reason,
    /// Two people at least have to be named.
    #[error("shares of at least two people open a document: name each of them with --person")]
    FewPeople,
    /// A place of documents is away, or one of them is damaged.
    #[error(
        "it cannot be told whether something that counts is sealed to `{set}`, since not every document can be read"
    )]
    Untold {
        set: SetId,
        #[source]
        source: Box<DeskError>,
    },
    /// Documents that may count are nowhere.
    #[error(
        "it cannot be told whether something that counts is sealed to `{set}`: by the record these documents may count, and no \
         depository has them: {documents}"
    )]
    Missing { set: SetId, documents: String },
    /// Documents are in no record.
    #[error(
        "it cannot be told whether something that counts is sealed to `{set}`: these documents are in no record here: {documents}"
    )]
    Unrecorded { set: SetId, documents: String },
    /// A document is in the record, which knows better.
    #[error("the record knows the document `{0}`, and nobody is asked whether what is in it counts")]
    Recorded(String),
    /// A password that somebody chose is not good enough.
    #[error("the password is none to rely on: it has {0}")]
    Weak(String),
    /// What is to be sealed is none.
    #[error(transparent)]
    Secret(SecretError),
    /// The PIN was typed twice, and differently.
    #[error("the PIN was not the same both times, and was not sealed")]
    TwoPins,
    /// What cannot be written down.
    #[error("it cannot be written down: {0}")]
    NotNoted(String),
    /// The key was there, and what it opened is shown to nobody.
    #[error(
        "the shares were together, and the opening could not be written down to its end, so that nothing was shown; from now on \
         the set `{set}` counts as opened"
    )]
    HalfNoted {
        set: SetId,
        #[source]
        why: Failure,
    },
    /// It is opened, and whoever opened it may not have all of it.
    #[error("it was opened, and could not be shown to its end")]
    NotShown(#[source] TerminalError),
}

pub(crate) const CODES: &[ErrorCode] = &[
    ErrorCode {
        code: "BG4054",
        title: "the shares do not open it",
        explanation: "Shares of another set, of another account's document, too few, one of them twice, or one that was not made \
                      with the others. The message says which share; each sheet names its set with two words, and with every \
                      set goes the recipient that is printed on it. Only the right shares open, and whatever else was handed \
                      in opened nothing. What is sealed stays sealed.",
    },
    ErrorCode {
        code: "BG4055",
        title: "it cannot be done with the key box",
        explanation: "What was asked for cannot be: so many shares, such a password, a reason that is empty, a document that \
                      nobody named. The message says what; nothing was changed.",
    },
    ErrorCode {
        code: "BG4056",
        title: "it was opened, and not shown to its end",
        explanation: "The shares were together, and the opening is written down where the state is on this machine: its set is \
                      never sealed to again, and what was sealed is to be changed. The terminal, or whatever reads standard \
                      output, did not take all of it. The same command shows it again.",
    },
    ErrorCode {
        code: "BG4057",
        title: "a set of shares is made half-way",
        explanation: "Shares were written or shown, and the set is not in the record, or nobody knows whether it is. Nothing is \
                      ever sealed to a set that is not in the record: destroy what there is of it. The message says which files, \
                      or what to look for with `breakglass custody list`.",
    },
];

impl Coded for CustodyFailure {
    fn code(&self) -> &'static str {
        match self {
            Self::NotShown(_) | Self::HalfNoted { .. } => "BG4056",
            Self::Recover(_) | Self::Open(_) => "BG4054",
            _ => "BG4055",
        }
    }

    fn help(&self) -> Option<String> {
        Some(
            match self {
                Self::Recover(_) | Self::Open(_) => "look at the sheets: the set, and the number of each share",
                Self::NotCounting { .. } => {
                    "look for it where it lies besides, on a sheet or in another depository; one that you name with --document is \
                     opened all the same"
                }
                Self::NoReserve(_) => "leave --reserve out, and hand in shares of the set that the document names",
                Self::Which(_) => "`breakglass custody list` shows what there is",
                Self::Untold { .. } | Self::Missing { .. } => {
                    "keep the shares; bring every depository that there ever was, and the same again. `breakglass rotate` seals \
                     another password, after which the missing ones count no more"
                }
                Self::Unrecorded { .. } => {
                    "another machine may have sealed them: look there first. A rotation that was stopped before it sent anything \
                     leaves such a document; if that is known, name it with --never-set"
                }
                Self::Weak(_) => {
                    "set a better one for the account, and seal that: `breakglass custody generate password` makes one"
                }
                Self::Sealed(_) => "`breakglass rotate` sets another one",
                Self::OthersId { .. } => {
                    "look the account up in the tenant, and give its own id; if it was renamed, `breakglass rotate` sets another one"
                }
                Self::NoOpening(_) => "say it with --opened-at, as 2026-11-27T03:00:00Z",
                Self::SealedElsewhere { .. } => {
                    "bring the state back with `breakglass state restore`; or `breakglass rotate` sets another one, which is proved by a \
                     sign-in"
                }
                Self::Several(_) => "make one for each of the sets, with --set; when every account is rotated it is one set again",
                Self::NotShown(_) => {
                    "the same again shows it: `breakglass custody open --account …`; `breakglass custody list` says what is to be done \
                     after an opening"
                }
                Self::HalfNoted { .. } => {
                    "make room on the disk if it is full, then the same again: what two people have agreed to is not used up"
                }
                Self::Folder { source, .. } | Self::File { source, .. } if is_want_of_room(source) => MAKE_ROOM,
                Self::NoHolder(_) => "declare them there: `breakglass explain BG1102` shows how",
                Self::Quorum(_) => "declare more custodians, or ask for fewer shares to open",
                _ => "nothing was changed",
            }
            .to_owned(),
        )
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NotShown(_) | Self::HalfNoted { .. } => Exit::Partial,
            _ => Exit::NotStarted,
        }
    }
}
