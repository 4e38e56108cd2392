//! What is remembered of the rotations of one account: entries that are added and never changed, and how things stand by
//! them.
//!
//! **Invariant:** an entry that cannot follow the ones before it is refused and changes nothing, so that no record that was
//! damaged lets a document be destroyed that may count.
//! **Limit:** [`UNPROVED_COUNT_MAX`].

use std::collections::{BTreeMap, BTreeSet};

use breakglass_custody::name::Name;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Hours after the last request in which one that was sent may still be carried out, unless it is set otherwise. Entra
/// publishes no bound: this is an assumption, and reports name it.
pub const QUIESCENCE_HOURS_USUAL: u16 = 24;

/// Candidates that are sent one after the other without a sign-in that proves one, at most: then somebody has to look first.
pub const UNPROVED_COUNT_MAX: usize = 3;

/// Minutes after the entry that says so in which a process still sends a candidate: a machine that slept in between does not.
pub const SENDING_MINUTES_MAX: i64 = 60;

/// Minutes for which a sign-in that failed counts against the budget of an account.
pub const PROBE_MINUTES: i64 = 10;

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "camelCase", deny_unknown_fields)]
pub enum Entry {
    /// A rotation begins.
    Begun {
        /// The id of the person whose token it is done with; older entries do not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
        /// When.
        at: Timestamp,
    },
    /// A candidate is sealed, durable, and was read back.
    Prepared {
        /// Which.
        candidate: Name,
        /// When.
        at: Timestamp,
    },
    /// A candidate is about to be sent: from here on the directory may know it.
    Sending {
        /// Which.
        candidate: Name,
        /// When.
        at: Timestamp,
    },
    /// The directory refused the only request that was sent with it: it does not know it.
    Refused {
        /// Which.
        candidate: Name,
        /// When.
        at: Timestamp,
    },
    /// A sign-in with it is about to be tried: if it fails, it is this one that the alarm and the lockout are about.
    Probing {
        /// Which.
        candidate: Name,
        /// When.
        at: Timestamp,
    },
    /// Somebody signed in with it.
    Proved {
        /// Which.
        candidate: Name,
        /// When the password was changed last, as the directory said after the sign-in; `None` where it did not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        changed_at: Option<Timestamp>,
        /// Whether every request with it was answered, so that none of them is under way any more.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        is_answered: bool,
        /// When.
        at: Timestamp,
    },
    /// Sessions that were begun with earlier ones are ended.
    Revoked {
        /// When.
        at: Timestamp,
    },
    /// Nothing that was sent before may arrive any more, and nothing says that the password was changed since.
    Settled {
        /// Which.
        candidate: Name,
        /// When.
        at: Timestamp,
    },
    /// Its document was opened by custodians.
    Opened {
        /// Which.
        candidate: Name,
        /// When.
        at: Timestamp,
    },
    /// Its document is destroyed.
    Destroyed {
        /// Which.
        candidate: Name,
        /// When.
        at: Timestamp,
    },
}

/// How a candidate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// Sealed, and never sent.
    Prepared,
    /// Sent: the directory may know it, or come to know it.
    Sent,
    /// Refused: the directory does not know it.
    Refused,
    /// Somebody signed in with it, and something sent before may still arrive.
    Proved,
    /// The one that counts.
    Settled,
    /// It was one that could count, and another was settled after it.
    Superseded,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Candidate {
    standing: Standing,
    /// When it was to be sent first.
    sent_at: Option<Timestamp>,
    /// Whether none of its requests is under way any more.
    is_answered: bool,
    /// How many rotations had been proved when it was prepared.
    rotation: usize,
    /// How many rotations had been proved when another was settled in its place.
    superseded_in: Option<usize>,
}

/// Why an entry cannot follow the ones before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// It is about a candidate that was never prepared.
    #[error(
        "the record speaks of the document `{0}`, and does not say that it was sealed; look for entries that are missing"
    )]
    Unknown(Name),
    /// A candidate is prepared a second time.
    #[error("the record says twice that the document `{0}` was sealed; two documents cannot have one name")]
    Twice(Name),
    /// What is said of it cannot be at that point: only what was prepared is sent, once, and only what was sent is refused.
    #[error(
        "the record says of the document `{0}` what cannot be at that point; entries are missing, or were moved or changed"
    )]
    OutOfTurn(Name),
    /// Its document is destroyed.
    #[error("the record says that the document `{0}` was destroyed, and speaks of it afterwards")]
    Gone(Name),
    /// Its document was opened, and it is sent.
    #[error("the document `{0}` was opened, and a password that somebody has seen is not set")]
    Opened(Name),
    /// It is settled and not proved, or something was sent since.
    #[error(
        "nobody has signed in with the password in `{0}` since the last one was sent, so that it is not the one that counts"
    )]
    Unproved(Name),
    /// It is destroyed and may count.
    #[error(
        "the password in the document `{0}` may be the one that counts, and the document is not destroyed; keep every copy"
    )]
    Needed(Name),
}

/// How the rotations of an account stand.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Course {
    candidates: BTreeMap<Name, Candidate>,
    opened: BTreeSet<Name>,
    destroyed: BTreeSet<Name>,
    /// Rotations that came to a proof. One that was only begun brings nothing nearer to its destruction.
    rotations: usize,
    proved: Option<Name>,
    proved_at: Option<Timestamp>,
    /// When the password was changed last, as the directory said after the proof.
    changed_at: Option<Timestamp>,
    /// Sign-ins since the last proof.
    probes: Vec<Timestamp>,
    settled: Option<Name>,
    /// After the last request, at the latest when its outcome was written down: requests are repeated without an entry of
    /// their own.
    last_request_by: Option<Timestamp>,
    /// What was sent since the last proof, and not refused.
    sent_since: BTreeSet<Name>,
    is_revocation_due: bool,
}

impl Course {
    /// Which secret of the account the next candidate is, counted from 1.
    #[must_use]
    pub fn version(&self) -> u32 {
        u32::try_from(self.candidates.len()).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// How they stand by these entries.
    ///
    /// # Errors
    /// The first entry that cannot follow the ones before it.
    pub fn of<'e>(entries: impl IntoIterator<Item = &'e Entry>) -> Result<Self, RecordError> {
        let mut course = Self::default();
        entries.into_iter().try_for_each(|entry| course.take(entry))?;
        Ok(course)
    }

    /// One entry more.
    ///
    /// # Errors
    /// It cannot follow the ones before it; nothing is changed.
    pub fn take(&mut self, entry: &Entry) -> Result<(), RecordError> {
        match entry {
            Entry::Begun { .. } => {}
            Entry::Prepared { candidate, .. } => self.prepare(candidate)?,
            Entry::Sending { candidate, at } => {
                self.is_there(candidate)?;
                if self.is_opened(candidate) {
                    return Err(RecordError::Opened(candidate.clone()));
                }
                self.is(candidate, Standing::Prepared)?;
                self.stand(candidate, Standing::Sent, *at);
                self.candidates.entry(candidate.clone()).and_modify(|one| one.sent_at = Some(*at));
                self.sent_since.insert(candidate.clone());
            }
            Entry::Refused { candidate, at } => {
                self.is_there(candidate)?;
                self.is(candidate, Standing::Sent)?;
                self.stand(candidate, Standing::Refused, *at);
                self.sent_since.remove(candidate);
            }
            Entry::Probing { candidate, at } => {
                self.is_there(candidate)?;
                self.probes.push(*at);
            }
            Entry::Proved { candidate, changed_at, is_answered, at } => {
                self.is_there(candidate)?;
                self.rotations += usize::from(self.current() != Some(candidate));
                self.is_revocation_due |= !self.sent_since.is_empty() || self.current() != Some(candidate);
                self.stand(candidate, Standing::Proved, *at);
                self.candidates.entry(candidate.clone()).and_modify(|one| one.is_answered |= is_answered);
                self.proved = Some(candidate.clone());
                (self.proved_at, self.changed_at) = (Some(*at), *changed_at);
                self.sent_since.clear();
                self.probes.clear();
            }
            Entry::Revoked { .. } => self.is_revocation_due = false,
            Entry::Settled { candidate, .. } => self.settle(candidate)?,
            Entry::Opened { candidate, .. } => {
                self.is_there(candidate)?;
                self.opened.insert(candidate.clone());
            }
            Entry::Destroyed { candidate, .. } => {
                self.is_there(candidate)?;
                if !self.destroyable().any(|id| id == candidate) {
                    return Err(RecordError::Needed(candidate.clone()));
                }
                self.destroyed.insert(candidate.clone());
            }
        }
        Ok(())
    }

    fn is_there(&self, candidate: &Name) -> Result<(), RecordError> {
        if self.destroyed.contains(candidate) {
            return Err(RecordError::Gone(candidate.clone()));
        }
        let is_known = self.candidates.contains_key(candidate);
        if is_known { Ok(()) } else { Err(RecordError::Unknown(candidate.clone())) }
    }

    fn is(&self, candidate: &Name, standing: Standing) -> Result<(), RecordError> {
        let is_so = self.standing(candidate) == Some(standing);
        if is_so { Ok(()) } else { Err(RecordError::OutOfTurn(candidate.clone())) }
    }

    fn prepare(&mut self, candidate: &Name) -> Result<(), RecordError> {
        if self.candidates.contains_key(candidate) {
            return Err(RecordError::Twice(candidate.clone()));
        }
        let prepared = Candidate {
            standing: Standing::Prepared,
            sent_at: None,
            is_answered: false,
            rotation: self.rotations,
            superseded_in: None,
        };
        self.candidates.insert(candidate.clone(), prepared);
        Ok(())
    }

    fn stand(&mut self, candidate: &Name, standing: Standing, at: Timestamp) {
        self.last_request_by = self.last_request_by.max(Some(at));
        if let Some(candidate) = self.candidates.get_mut(candidate) {
            // Whatever it was before, it may count again.
            (candidate.standing, candidate.superseded_in) = (standing, None);
        }
    }

    fn settle(&mut self, settled: &Name) -> Result<(), RecordError> {
        self.is_there(settled)?;
        // The password that was there before there was a record, or that somebody has set by hand, is the one that counts because
        // somebody says so.
        let is_only = self.settled.is_none() && !self.unsettled().any(|other| other != settled);
        let is_first = is_only && matches!(self.standing(settled), Some(Standing::Prepared | Standing::Sent));
        if self.proved() != Some(settled) && !is_first {
            return Err(RecordError::Unproved(settled.clone()));
        }
        for (id, candidate) in &mut self.candidates {
            if id == settled {
                (candidate.standing, candidate.superseded_in) = (Standing::Settled, None);
            } else if candidate.superseded_in.is_none() {
                (candidate.standing, candidate.superseded_in) = (Standing::Superseded, Some(self.rotations));
            }
        }
        self.settled = Some(settled.clone());
        self.proved = None;
        self.sent_since.remove(settled);
        Ok(())
    }

    /// How a candidate stands.
    #[must_use]
    pub fn standing(&self, candidate: &Name) -> Option<Standing> {
        self.candidates.get(candidate).map(|candidate| candidate.standing)
    }

    /// Candidates that were sent and are not settled: the directory may know each of them, or come to know it.
    pub fn unsettled(&self) -> impl Iterator<Item = &Name> {
        let is_unsettled = |standing| matches!(standing, Standing::Sent | Standing::Proved);
        self.candidates.iter().filter(move |(_, one)| is_unsettled(one.standing)).map(|(id, _)| id)
    }

    /// Candidates one of which the directory knows: those that were sent and are not settled, and the one that is. Each of
    /// them has to stay sealed.
    pub fn may_count(&self) -> impl Iterator<Item = &Name> {
        let settled = self.settled.iter().filter(|id| self.standing(id) == Some(Standing::Settled));
        self.unsettled().chain(settled)
    }

    /// The one to open first in an emergency: the last that somebody signed in with, else the one that counted before. If
    /// it does not work, another of [`Self::may_count`] does.
    #[must_use]
    pub fn current(&self) -> Option<&Name> {
        self.proved.as_ref().or(self.settled.as_ref())
    }

    /// The candidate that is proved, not settled yet, and the last that was sent and not refused: if another was sent since,
    /// either may count.
    #[must_use]
    pub fn proved(&self) -> Option<&Name> {
        self.proved.as_ref().filter(|_| self.sent_since.is_empty())
    }

    /// When somebody signed in last with the password that counts, if nothing was sent since.
    #[must_use]
    pub fn proved_at(&self) -> Option<Timestamp> {
        self.proved_at.filter(|_| self.sent_since.is_empty())
    }

    /// When the password was changed last, as the directory said after that sign-in.
    #[must_use]
    pub fn changed_at(&self) -> Option<Timestamp> {
        self.changed_at.filter(|_| self.sent_since.is_empty())
    }

    /// What was sent since the last proof, and not refused.
    #[must_use]
    pub const fn sent_since(&self) -> &BTreeSet<Name> {
        &self.sent_since
    }

    /// When a candidate was to be sent first.
    #[must_use]
    pub fn sent_at(&self, candidate: &Name) -> Option<Timestamp> {
        self.candidates.get(candidate)?.sent_at
    }

    /// Sign-ins since the last proof that count against the budget at a time.
    #[must_use]
    pub fn probe_count(&self, at: Timestamp) -> usize {
        let counts = |probe: &&Timestamp| probe.duration_until(at).abs() < SignedDuration::from_mins(PROBE_MINUTES);
        self.probes.iter().filter(counts).count()
    }

    /// The candidate that is proved, if by the assumption that is set nothing that was sent may arrive any more and none of
    /// the others could have arrived after it. Before it is written down as settled, the directory has to say that the
    /// password was not changed since the proof.
    #[must_use]
    pub fn settleable(&self, quiescence_hours: u16, at: Timestamp) -> Option<&Name> {
        let is_quiet = self.quiet_at(quiescence_hours).is_some_and(|quiet_at| quiet_at <= at);
        self.proved().filter(|_| is_quiet && self.rival(quiescence_hours).is_none())
    }

    /// Another candidate that could still be carried out when the one that is proved was sent: it may have come after it,
    /// and a copy of the directory that did not know it may have given the proof. No clock tells the two apart; a rotation
    /// that is begun when nothing is under way any more settles it.
    #[must_use]
    pub fn rival(&self, quiescence_hours: u16) -> Option<&Name> {
        let proved = self.proved()?;
        let sent_at = self.sent_at(proved)?;
        let quiet =
            SignedDuration::from_hours(i64::from(quiescence_hours)) + SignedDuration::from_mins(SENDING_MINUTES_MAX);
        let may_come = |other: &Candidate| {
            let is_late = |at: Timestamp| at.checked_add(quiet).is_ok_and(|quiet_at| quiet_at > sent_at);
            matches!(other.standing, Standing::Sent | Standing::Proved)
                && !other.is_answered
                && other.sent_at.is_none_or(is_late)
        };
        let others = self.candidates.iter().filter(|(other, _)| *other != proved);
        others.filter(|(_, other)| may_come(other)).map(|(other, _)| other).next()
    }

    /// From when on, by the assumption that is set, nothing that was sent may arrive any more; `None` if nothing was.
    #[must_use]
    pub fn quiet_at(&self, quiescence_hours: u16) -> Option<Timestamp> {
        let quiescence = SignedDuration::from_hours(i64::from(quiescence_hours));
        self.last_request_by.and_then(|by| by.checked_add(quiescence).ok())
    }

    /// Candidates whose documents were to be destroyed.
    pub fn destroyed(&self) -> impl Iterator<Item = &Name> {
        self.destroyed.iter()
    }

    /// Whether sessions are to be ended that were begun with an earlier password, and nothing stands in the way.
    #[must_use]
    pub fn is_revocation_due(&self) -> bool {
        self.is_revocation_due && self.sent_since.is_empty()
    }

    /// Whether custodians have opened a candidate's document: it is never sent again.
    #[must_use]
    pub fn is_opened(&self, candidate: &Name) -> bool {
        self.opened.contains(candidate)
    }

    /// Candidates whose documents may be destroyed: what was superseded two rotations ago, and what was prepared two
    /// rotations ago and never sent. That the directory refused one is no reason.
    pub fn destroyable(&self) -> impl Iterator<Item = &Name> {
        let may_go = |candidate: &Candidate| match candidate.standing {
            Standing::Superseded => candidate.superseded_in.is_some_and(|at| at + 2 <= self.rotations),
            // Never with the directory, and whoever drew it is gone.
            Standing::Prepared => candidate.rotation + 2 <= self.rotations,
            Standing::Sent | Standing::Refused | Standing::Proved | Standing::Settled => false,
        };
        let left = self.candidates.iter().filter(|(id, _)| !self.destroyed.contains(*id));
        left.filter(move |(_, candidate)| may_go(candidate)).map(|(id, _)| id)
    }
}
