//! `checkout`: two people agree before a sealed document is opened.

pub(crate) mod agreed;
mod approve;
mod open;
mod refuse;
mod request;
mod returning;

use breakglass_custody::approval::ApprovalError;
use breakglass_custody::name::Name;
use breakglass_custody::signed::SignedError;
use breakglass_ops::checkout::journey::CheckoutError;
use breakglass_ops::checkout::record::EntryError;
use breakglass_ops::checkout::stream::CheckoutStreamError;
use breakglass_ops::journal::JournalError;
use breakglass_ops::ports::StoreError;
use clap::Subcommand;

use super::custody::desk::{Desk, DeskError};
use super::drill::DrillFailure;
use crate::codes::ErrorCode;
use crate::config::Person;
use crate::exit::Exit;
use crate::failure::{Coded, Failure};
use crate::wiring::World;

/// Open a sealed document when two people have agreed
///
/// Somebody asks, with a reason, and signs; somebody else agrees, and signs; then the custodians hand in their shares, once,
/// before the request expires. Afterwards it is returned, and the password is changed. Shares enforce, and no approval opens
/// anything: what two people agreed to is governed and recorded here. In an emergency `custody open` asks nobody.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Request(Box<request::Arguments>),
    Approve(Box<approve::Arguments>),
    Refuse(Box<refuse::Arguments>),
    Open(Box<open::Arguments>),
    Return(Box<returning::Arguments>),
}

impl Arguments {
    pub(super) fn run(&self, world: &World) -> Result<Exit, Failure> {
        match &self.what {
            What::Request(arguments) => arguments.run(world),
            What::Approve(arguments) => arguments.run(world),
            What::Refuse(arguments) => arguments.run(world),
            What::Open(arguments) => arguments.run(world),
            What::Return(arguments) => arguments.run(world),
        }
    }
}

/// Why a check-out does not go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckoutFailure {
    /// It cannot follow what happened, is about what counts no more, or is not written down.
    #[error(transparent)]
    Journey(#[from] CheckoutError),
    /// What was signed is not what was signed, or by somebody else.
    #[error("what `{person}` signed cannot be relied on")]
    Signed {
        person: String,
        #[source]
        source: SignedError,
    },
    /// An approval does not count.
    #[error(transparent)]
    Approval(#[from] ApprovalError),
    /// Somebody has no key.
    #[error("the configuration has no key of `{0}`, so that nobody can tell what `{0}` signed")]
    NoKey(String),
    /// The key in the file is not theirs.
    #[error("the key in `{file}` is not the one that the configuration has for `{person}`")]
    OtherKey { file: String, person: String },
    /// What was signed and what is remembered differ.
    #[error(
        "entry {number} of the check-outs of `{account}` is not what was signed for it: somebody changed the state"
    )]
    Differs { account: String, number: usize },
}

pub(crate) const CODES: &[ErrorCode] = &[
    ErrorCode {
        code: "BG4071",
        title: "the check-out does not go on",
        explanation: "A check-out is asked for, agreed to by somebody else, opened once before it expires, and returned; one of \
                      an account is under way at a time. People are counted, and not keys or entries: whoever asked cannot \
                      agree as well, and whoever agrees counts once. The message says what does not fit. Nothing was opened, or \
                      it was changed meanwhile and is not shown. If everything is locked and nobody can agree, `breakglass custody \
                      open` opens with the shares alone.",
    },
    ErrorCode {
        code: "BG4072",
        title: "a signature of a check-out does not count",
        explanation: "Requests and approvals are signed with the keys that the configuration has below `[[custody.custodian]]` \
                      and `[[custody.person]]`. One was signed with another key, or is not as it was signed, or the state says \
                      something else than what was signed. Find out who changed it before anything is opened.",
    },
];

impl Coded for CheckoutFailure {
    fn code(&self) -> &'static str {
        match self {
            Self::Signed { .. } | Self::NoKey(_) | Self::OtherKey { .. } | Self::Differs { .. } => "BG4072",
            _ => "BG4071",
        }
    }

    fn help(&self) -> Option<String> {
        Some(match self {
            Self::NoKey(id) => format!(
                "`breakglass custody generate signing-key --person {id}` makes one, and says what goes into the configuration"
            ),
            Self::OtherKey { .. } => "give the file with --key".to_owned(),
            Self::Journey(CheckoutError::Nothing(_)) => "`breakglass checkout request` asks for it".to_owned(),
            Self::Journey(CheckoutError::Stream(CheckoutStreamError::Entry(
                EntryError::Expired { .. } | EntryError::SetBack { .. },
            ))) => "`breakglass checkout request` asks for it anew, with --expires-in for longer; nothing was opened. If nobody can \
                     agree in time, `breakglass custody open` opens with the shares alone"
                .to_owned(),
            Self::Journey(CheckoutError::Changed { account, .. }) => format!(
                "`breakglass checkout refuse --account {account} --person …` ends the request; then ask anew. A drill is begun anew. No \
                 share was put together for it"
            ),
            Self::Journey(CheckoutError::ChangedMeanwhile { account, .. }) => format!(
                "the key was there, so that nothing is sealed to its set any more: `breakglass custody list` says what is to be done. \
                 `breakglass checkout refuse --account {account} --person …` ends the request, if there is one; then ask anew"
            ),
            Self::Journey(CheckoutError::Stream(CheckoutStreamError::Entry(EntryError::FewPeople { .. }))) => {
                "somebody else than who asked has to agree: `breakglass checkout approve`".to_owned()
            }
            Self::Journey(CheckoutError::Stream(CheckoutStreamError::Entry(EntryError::UnderWay(_)))) => {
                "`breakglass checkout refuse` ends it".to_owned()
            }
            Self::Journey(CheckoutError::Stream(CheckoutStreamError::Entry(EntryError::Out { .. }))) => {
                "`breakglass checkout return` ends it".to_owned()
            }
            Self::Journey(
                CheckoutError::Stream(CheckoutStreamError::Store(StoreError::Full { .. }))
                | CheckoutError::Journal(JournalError::Store(StoreError::Full { .. })),
            ) => {
                "make room on the disk, then the same again; the ledger takes what it misses with the next command. In an \
                 emergency it can wait: `breakglass custody open` opens with the shares alone"
                    .to_owned()
            }
            _ => "`breakglass custody list` shows how things stand; this has changed nothing".to_owned(),
        })
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Journey(CheckoutError::ChangedMeanwhile { .. }) => Exit::Partial,
            _ => Exit::NotStarted,
        }
    }
}

impl From<CheckoutStreamError> for CheckoutFailure {
    fn from(error: CheckoutStreamError) -> Self {
        Self::Journey(error.into())
    }
}

impl From<JournalError> for CheckoutFailure {
    fn from(error: JournalError) -> Self {
        Self::Journey(error.into())
    }
}

impl From<CheckoutStreamError> for Failure {
    fn from(error: CheckoutStreamError) -> Self {
        CheckoutFailure::from(error).into()
    }
}

impl From<CheckoutError> for Failure {
    fn from(error: CheckoutError) -> Self {
        match error {
            CheckoutError::Rotation(source) => DeskError::from(source).into(),
            CheckoutError::Out(out) => DrillFailure::from(out).into(),
            other => CheckoutFailure::from(other).into(),
        }
    }
}

/// Somebody of the configuration who has a key.
fn with_key(desk: &Desk, id: &str) -> Result<(Person, Name), Failure> {
    let person = desk.person(id)?;
    let name = super::custody::desk::name_of(id)?;
    if person.key.is_none() {
        return Err(CheckoutFailure::NoKey(person.id).into());
    }
    Ok((person, name))
}
