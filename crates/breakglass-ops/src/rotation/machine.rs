//! What to do next, so that a rotation goes on wherever it was stopped. A pure machine: it says what is to be done, is told
//! what came of it, and does nothing itself.
//!
//! **Invariant:** nothing is sent before it is sealed, durable, read back and noted; nothing that was ever sent is given up
//! by what somebody did not answer or refused; the same password is sent again only while this process has it and nobody
//! has opened it.
//! **Limits:** [`SEND_COUNT_MAX`], [`PROOF_COUNT_MAX`], [`POLICY_COUNT_MAX`], [`super::record::UNPROVED_COUNT_MAX`].

use breakglass_custody::name::Name;
use jiff::{SignedDuration, Timestamp};

use super::record::{Course, Entry, SENDING_MINUTES_MAX, UNPROVED_COUNT_MAX};

/// Times that one candidate is sent at most.
pub const SEND_COUNT_MAX: u8 = 3;

/// Sign-ins that are tried to prove a candidate: ten that fail lock the account for a minute, and each sets off an alarm.
pub const PROOF_COUNT_MAX: u8 = 5;

/// Candidates of one rotation that the directory's policy for passwords may refuse.
pub const POLICY_COUNT_MAX: u8 = 3;

/// What is to be done next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Write an entry down, durably.
    Note(Entry),
    /// Draw a password, seal it, make the document durable, read it back and check it.
    Prepare,
    /// Send the password of a candidate to the directory.
    Send(Name),
    /// Sign in with it.
    Prove(Name),
    /// End the sessions of the account.
    Revoke,
    /// It is done, but for the time in which something late may arrive.
    Done,
    /// Somebody has to look.
    Stop(Stop),
}

/// Why a rotation does not go on by itself. Whatever it is, each candidate that may count is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum Stop {
    /// No document could be made that can be opened.
    #[error("the new password could not be sealed and read back; nothing was sent, and what counted before still does")]
    NotPrepared,
    /// The directory refused, for certain and before anything was carried out.
    #[error("the tenant refused to set the password; nothing was changed, and what counted before still does")]
    Refused,
    /// Its policy refused every candidate.
    #[error(
        "the tenant's policy for passwords refused {POLICY_COUNT_MAX} passwords; nothing was changed, and what counted before still does"
    )]
    Policy,
    /// No sign-in proves it.
    #[error(
        "no sign-in has proved the new password, and it is not known whether it was set: keep every sealed document; \
         the same again draws another"
    )]
    Unproved,
    /// There are too many that nobody has signed in with.
    #[error(
        "{UNPROVED_COUNT_MAX} passwords were sent, and no sign-in has proved one of them: find out why nobody can sign in before \
         another is sent"
    )]
    ManyUnproved,
    /// Custodians have opened the document before its password was sent.
    #[error(
        "the document with the new password was opened before that was set; it is not set, what counted before still does, \
         and the same again draws another"
    )]
    Opened,
    /// What is done cannot be written down.
    #[error("what was done cannot be written down; nothing is sent that is not")]
    NotNoted,
    /// Sessions are not ended.
    #[error("the new password counts; sessions that were begun with the old one are not ended")]
    NotRevoked,
}

/// How the directory answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer {
    /// It is set.
    Yes,
    /// It may be set, or be set later.
    Perhaps,
    /// Its policy for passwords does not take this one.
    NotByPolicy,
    /// It does not do it.
    No,
}

/// What came of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is done: an entry is written, sessions are ended.
    Good,
    /// It is not, or not for certain.
    Bad,
    /// An entry is not written, since the disk takes no more: trying it again at once is no use.
    NoRoom,
    /// A document is there, and was read back.
    Prepared(Name),
    /// Somebody signed in; when the password was changed last, as the directory said then.
    Proved(Option<Timestamp>),
    /// How the directory answered.
    Answered(Answer),
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Phase {
    Begin,
    Prepare,
    NotePrepared(Name),
    NoteSending(Name),
    Send(Name),
    NoteRefused(Name, Option<Stop>),
    Prove(Name),
    NoteProved(Name, Option<Timestamp>),
    Revoke,
    NoteRevoked,
    Done,
    Stop(Stop),
}

/// A rotation in one process.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rotation {
    phase: Phase,
    send_count: u8,
    proof_count: u8,
    policy_count: u8,
    /// Whether each request with the candidate was answered.
    is_answered: bool,
}

impl Rotation {
    /// Begins one, or goes on after one that was stopped: of what that one sent nobody has the password any more, so that a
    /// new candidate is drawn, unless one is proved and only what follows is left.
    #[must_use]
    pub fn begin(course: &Course) -> Self {
        let phase = if course.sent_since().len() >= UNPROVED_COUNT_MAX {
            Phase::Stop(Stop::ManyUnproved)
        } else {
            Phase::Begin
        };
        Self::at(phase)
    }

    /// Begins one although as many as may be were sent without a proof: somebody has looked, and wants another all the same.
    /// Each of those before stays sealed.
    #[must_use]
    pub const fn begin_despite_unproved() -> Self {
        Self::at(Phase::Begin)
    }

    /// Goes on with what follows a proof, where a rotation was stopped between the two; `None` if nothing is left.
    #[must_use]
    pub fn finish(course: &Course) -> Option<Self> {
        course.is_revocation_due().then(|| Self::at(Phase::Revoke))
    }

    const fn at(phase: Phase) -> Self {
        Self { phase, send_count: 0, proof_count: 0, policy_count: 0, is_answered: true }
    }

    /// What is to be done at this time, as the record stands at this time: somebody may have opened the document meanwhile.
    #[must_use]
    pub fn next(&mut self, course: &Course, at: Timestamp) -> Step {
        let is_opened = |candidate: &Name| course.is_opened(candidate);
        let sending = SignedDuration::from_mins(SENDING_MINUTES_MAX);
        let is_late =
            |candidate: &Name| course.sent_at(candidate).is_some_and(|sent| sent.duration_until(at) > sending);
        match &self.phase {
            Phase::NoteSending(candidate) if is_opened(candidate) => self.phase = Phase::Stop(Stop::Opened),
            Phase::Send(candidate) if is_opened(candidate) => {
                let candidate = candidate.clone();
                self.phase = if self.send_count == 0 { Phase::Stop(Stop::Opened) } else { Phase::Prove(candidate) };
            }
            // Whoever comes later counts on it that nothing is sent any more.
            Phase::Send(candidate) if is_late(candidate) => self.phase = Phase::Prove(candidate.clone()),
            _ => {}
        }
        match &self.phase {
            Phase::Begin => Step::Note(Entry::Begun { by: None, at }),
            Phase::Prepare => Step::Prepare,
            Phase::NotePrepared(candidate) => Step::Note(Entry::Prepared { candidate: candidate.clone(), at }),
            Phase::NoteSending(candidate) => Step::Note(Entry::Sending { candidate: candidate.clone(), at }),
            Phase::Send(candidate) => Step::Send(candidate.clone()),
            Phase::NoteRefused(candidate, _) => Step::Note(Entry::Refused { candidate: candidate.clone(), at }),
            Phase::Prove(candidate) => Step::Prove(candidate.clone()),
            Phase::NoteProved(candidate, changed_at) => Step::Note(Entry::Proved {
                candidate: candidate.clone(),
                changed_at: *changed_at,
                is_answered: self.is_answered,
                at,
            }),
            Phase::Revoke => Step::Revoke,
            Phase::NoteRevoked => Step::Note(Entry::Revoked { at }),
            Phase::Done => Step::Done,
            Phase::Stop(stop) => Step::Stop(*stop),
        }
    }

    /// What came of it.
    pub fn on(&mut self, outcome: &Outcome) {
        let phase = std::mem::replace(&mut self.phase, Phase::Done);
        self.phase = match (phase, outcome) {
            (Phase::Begin, Outcome::Good) => Phase::Prepare,
            (Phase::Prepare, Outcome::Prepared(candidate)) => Phase::NotePrepared(candidate.clone()),
            (Phase::Prepare, _) => Phase::Stop(Stop::NotPrepared),
            (Phase::NotePrepared(candidate), Outcome::Good) => Phase::NoteSending(candidate),
            (Phase::NoteSending(candidate), Outcome::Good) => Phase::Send(candidate),
            (Phase::Send(candidate), Outcome::Answered(answer)) => self.answered(candidate, *answer),
            (Phase::Send(candidate), _) => self.answered(candidate, Answer::Perhaps),
            (Phase::NoteRefused(_, Some(stop)), Outcome::Good) => Phase::Stop(stop),
            (Phase::NoteRefused(_, None), Outcome::Good) => Phase::Prepare,
            (Phase::Prove(candidate), Outcome::Proved(changed_at)) => Phase::NoteProved(candidate, *changed_at),
            // Whoever cannot write down that they sign in does not, however long they wait.
            (Phase::Prove(_), Outcome::NoRoom) => Phase::Stop(Stop::NotNoted),
            (Phase::Prove(candidate), _) => {
                self.proof_count += 1;
                if self.proof_count < PROOF_COUNT_MAX { Phase::Prove(candidate) } else { Phase::Stop(Stop::Unproved) }
            }
            (Phase::NoteProved(..), Outcome::Good) => Phase::Revoke,
            (Phase::Revoke, Outcome::Good) => Phase::NoteRevoked,
            (Phase::Revoke, _) => Phase::Stop(Stop::NotRevoked),
            (Phase::NoteRevoked, Outcome::Good) | (Phase::Done, _) => Phase::Done,
            (Phase::Stop(stop), _) => Phase::Stop(stop),
            // An entry that is not written.
            _ => Phase::Stop(Stop::NotNoted),
        };
    }

    fn answered(&mut self, candidate: Name, answer: Answer) -> Phase {
        self.send_count += 1;
        self.is_answered &= answer != Answer::Perhaps;
        let is_first = self.send_count == 1;
        match answer {
            Answer::Yes => Phase::Prove(candidate),
            // After one that may have been carried out a refusal tells nothing: it may be refused because it is done.
            Answer::NotByPolicy if is_first => {
                (self.send_count, self.policy_count) = (0, self.policy_count + 1);
                let stop = (self.policy_count >= POLICY_COUNT_MAX).then_some(Stop::Policy);
                Phase::NoteRefused(candidate, stop)
            }
            Answer::No if is_first => Phase::NoteRefused(candidate, Some(Stop::Refused)),
            Answer::Perhaps if self.send_count < SEND_COUNT_MAX => Phase::Send(candidate),
            Answer::Perhaps | Answer::NotByPolicy | Answer::No => Phase::Prove(candidate),
        }
    }
}
