//! What is remembered of the rotations of one account: entries that are added and never changed, and how things stand by
//! them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Hours after the last request in which one that was sent may still be carried out, unless it is set otherwise. Entra
/// publishes no bound: this is an assumption, and reports name it.
pub const QUIESCENCE_HOURS_USUAL: u16 = 24;

/// Candidates that may be the one that the directory knows, at most: beyond that somebody has to look first.
pub const OPEN_COUNT_MAX: usize = 3;

/// Name of a candidate: that of its sealed document, which is drawn at random and says nothing of the password.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CandidateId(pub String);

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "camelCase", deny_unknown_fields)]
pub enum Entry {
    /// A rotation begins.
    Begun {
        /// When.
        at: Timestamp,
    },
    /// A candidate is sealed, durable, and was read back.
    Prepared {
        /// Which.
        candidate: CandidateId,
        /// When.
        at: Timestamp,
    },
    /// A candidate is about to be sent: from here on the directory may know it.
    Sending {
        /// Which.
        candidate: CandidateId,
        /// When.
        at: Timestamp,
    },
    /// The directory refused the only request that was sent with it: it does not know it.
    Refused {
        /// Which.
        candidate: CandidateId,
        /// When.
        at: Timestamp,
    },
    /// Somebody signed in with it.
    Proved {
        /// Which.
        candidate: CandidateId,
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
        candidate: CandidateId,
        /// When.
        at: Timestamp,
    },
    /// Its document was opened by custodians.
    Opened {
        /// Which.
        candidate: CandidateId,
        /// When.
        at: Timestamp,
    },
    /// Its document is destroyed.
    Destroyed {
        /// Which.
        candidate: CandidateId,
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
    /// In which rotation it was prepared, from 1.
    rotation: usize,
    /// In which rotation another was settled in its place.
    superseded_in: Option<usize>,
}

/// How the rotations of an account stand.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Course {
    candidates: BTreeMap<CandidateId, Candidate>,
    opened: BTreeSet<CandidateId>,
    destroyed: BTreeSet<CandidateId>,
    rotations: usize,
    proved: Option<CandidateId>,
    settled: Option<CandidateId>,
    last_sent_at: Option<Timestamp>,
    /// Whether anything was sent since the last proof.
    is_sent_since: bool,
    is_revoked: bool,
}

impl Course {
    /// How they stand by these entries.
    #[must_use]
    pub fn of<'e>(entries: impl IntoIterator<Item = &'e Entry>) -> Self {
        let mut course = Self::default();
        entries.into_iter().for_each(|entry| course.take(entry));
        course
    }

    /// One entry more.
    pub fn take(&mut self, entry: &Entry) {
        match entry {
            Entry::Begun { .. } => self.rotations += 1,
            Entry::Prepared { candidate, .. } => {
                let rotation = self.rotations;
                let prepared = Candidate { standing: Standing::Prepared, rotation, superseded_in: None };
                self.candidates.insert(candidate.clone(), prepared);
            }
            Entry::Sending { candidate, at } => {
                self.stand(candidate, Standing::Sent);
                self.last_sent_at = self.last_sent_at.max(Some(*at));
                self.is_sent_since = true;
                self.is_revoked = false;
            }
            Entry::Refused { candidate, .. } => self.stand(candidate, Standing::Refused),
            Entry::Proved { candidate, .. } => {
                self.stand(candidate, Standing::Proved);
                self.proved = Some(candidate.clone());
                self.is_sent_since = false;
            }
            Entry::Revoked { .. } => self.is_revoked = true,
            Entry::Settled { candidate, .. } => self.settle(candidate),
            Entry::Opened { candidate, .. } => {
                self.opened.insert(candidate.clone());
            }
            Entry::Destroyed { candidate, .. } => {
                self.destroyed.insert(candidate.clone());
            }
        }
    }

    fn stand(&mut self, candidate: &CandidateId, standing: Standing) {
        if let Some(candidate) = self.candidates.get_mut(candidate) {
            candidate.standing = standing;
        }
    }

    fn settle(&mut self, settled: &CandidateId) {
        for (id, candidate) in &mut self.candidates {
            if id == settled {
                candidate.standing = Standing::Settled;
            } else if candidate.superseded_in.is_none() {
                candidate.standing = Standing::Superseded;
                candidate.superseded_in = Some(self.rotations);
            }
        }
        self.settled = Some(settled.clone());
        self.proved = None;
    }

    /// How a candidate stands.
    #[must_use]
    pub fn standing(&self, candidate: &CandidateId) -> Option<Standing> {
        self.candidates.get(candidate).map(|candidate| candidate.standing)
    }

    /// Candidates that the directory may know, or come to know: each of them has to stay sealed.
    pub fn open(&self) -> impl Iterator<Item = &CandidateId> {
        let is_open = |standing| matches!(standing, Standing::Sent | Standing::Proved);
        self.candidates.iter().filter(move |(_, one)| is_open(one.standing)).map(|(id, _)| id)
    }

    /// The one to open in an emergency: the last that somebody signed in with, else the one that counted before.
    #[must_use]
    pub fn current(&self) -> Option<&CandidateId> {
        self.proved.as_ref().or(self.settled.as_ref())
    }

    /// The candidate that is proved, not settled yet, and the last that was sent: if another was sent since, either may
    /// count.
    #[must_use]
    pub fn proved(&self) -> Option<&CandidateId> {
        self.proved.as_ref().filter(|_| !self.is_sent_since)
    }

    /// Whether sessions are ended since the last request.
    #[must_use]
    pub const fn is_revoked(&self) -> bool {
        self.is_revoked
    }

    /// Whether custodians have opened a candidate's document: it is never sent again.
    #[must_use]
    pub fn is_opened(&self, candidate: &CandidateId) -> bool {
        self.opened.contains(candidate)
    }

    /// When nothing that was sent may arrive any more, by the assumption that is set.
    #[must_use]
    pub fn quiet_at(&self, quiescence: SignedDuration) -> Option<Timestamp> {
        self.last_sent_at.and_then(|at| at.checked_add(quiescence).ok())
    }

    /// Candidates whose documents may be destroyed: what was superseded two rotations ago, and what was prepared two
    /// rotations ago and never sent. That the directory refused one is no reason.
    pub fn destroyable(&self) -> impl Iterator<Item = &CandidateId> {
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
