//! What is remembered of the check-outs of one account: entries that are added and never changed.
//!
//! **Invariant:** people are counted, and not keys, entries or sessions: whoever asked and whoever approved are
//! [`PERSON_COUNT_MIN`] different people at least. One check-out of an account is under way at a time; each is opened once,
//! before it expires, for the document that was named.
//! **Invariant:** an entry that cannot follow the ones before it is refused and changes nothing.
//! **Invariant:** entries follow each other as they stand, whatever their times: a clock that once was wrong stops nobody. No
//! request stands longer because a clock was set back. How old one is, is judged by the latest time since it was asked for;
//! and where the clock is more than [`CLOCK_MINUTES_BACK_MAX`] behind that, nobody can tell: what was not opened is over, and
//! what is out is overdue.
//! **Limits:** [`REASON_CHARS_MAX`], [`REQUEST_HOURS_MAX`], [`OUT_HOURS_MAX`], [`CLOCK_MINUTES_BACK_MAX`].

use std::collections::BTreeSet;

use breakglass_custody::approval::REASON_CHARS_MAX;
use breakglass_custody::name::Name;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// People who have to agree, whoever asks among them.
pub const PERSON_COUNT_MIN: usize = 2;

/// Hours for which a request stands, unless it says otherwise.
pub const REQUEST_HOURS_USUAL: i64 = 4;

/// Hours for which a request can stand at most.
pub const REQUEST_HOURS_MAX: i64 = 72;

/// Hours after which what was opened is overdue, unless the request says otherwise.
pub const OUT_HOURS_USUAL: i64 = 8;

/// Hours for which something can be out at most.
pub const OUT_HOURS_MAX: i64 = 72;

/// Minutes that a clock may be behind what it showed before, while a request is under way: as far as clocks are corrected
/// without anybody setting them.
pub const CLOCK_MINUTES_BACK_MAX: i64 = 5;

/// What somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// Its name, drawn at random.
    pub request: Name,
    /// Who asks.
    pub person: Name,
    /// The sealed document that is to be opened.
    pub document: Name,
    /// Why.
    pub reason: String,
    /// When it was asked for.
    pub at: Timestamp,
    /// Until when it can be approved and opened.
    pub expires_at: Timestamp,
    /// For how many hours it may be out.
    pub out_hours: i64,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "camelCase", deny_unknown_fields)]
pub enum Entry {
    /// Somebody asks.
    Requested(Request),
    /// Somebody agrees.
    Approved {
        /// To what.
        request: Name,
        /// Who.
        person: Name,
        /// When.
        at: Timestamp,
    },
    /// Somebody does not, or whoever asked needs it no more: it is over.
    Refused {
        /// What.
        request: Name,
        /// Who.
        person: Name,
        /// When.
        at: Timestamp,
    },
    /// The document was opened.
    Opened {
        /// By which request.
        request: Name,
        /// The document.
        document: Name,
        /// When.
        at: Timestamp,
    },
    /// Whoever had it is done: nobody uses it any more, and it is to be rotated.
    Returned {
        /// By which request.
        request: Name,
        /// Who.
        person: Name,
        /// When.
        at: Timestamp,
    },
    /// Enough shares were put together without a check-out: somebody says so afterwards, or this program has seen it.
    OpenedOffline {
        /// The document.
        document: Name,
        /// Who was there.
        people: BTreeSet<Name>,
        /// Why; nothing where it was opened here and nobody has said so yet.
        reason: String,
        /// When it was opened.
        opened_at: Timestamp,
        /// When it is recorded.
        at: Timestamp,
    },
}

/// Why an entry cannot follow those that are there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// Another request is under way.
    #[error("the request `{0}` for this account is under way; refuse it, or wait until it expires")]
    UnderWay(Name),
    /// By another request something is out, which ends with its return alone.
    #[error(
        "by the request `{request}` for this account something is out since {}; return it first",
        .since.strftime("%-d %B %Y, %H:%M UTC")
    )]
    Out {
        /// Which.
        request: Name,
        /// Since when.
        since: Timestamp,
    },
    /// There is no such request under way.
    #[error("there is no request `{0}` under way for this account")]
    NoRequest(Name),
    /// It has expired.
    #[error("the request `{request}` expired on {}; ask again", .at.strftime("%-d %B %Y, %H:%M UTC"))]
    Expired {
        /// Which.
        request: Name,
        /// When.
        at: Timestamp,
    },
    /// The clock was set back since it was asked for.
    #[error(
        "the clock was set back while the request `{request}` was under way: it showed {} before, and nobody can tell \
         whether the request has expired; see that the clock is right, and ask again",
        .seen_at.strftime("%-d %B %Y, %H:%M UTC")
    )]
    SetBack {
        /// Which.
        request: Name,
        /// What it showed before.
        seen_at: Timestamp,
    },
    /// Whoever asked cannot approve.
    #[error("`{0}` asked for it: somebody else has to approve")]
    OwnRequest(Name),
    /// That person has approved.
    #[error("`{0}` has approved it already; a person counts once, with however many keys")]
    Again(Name),
    /// Too few agree.
    #[error("{count} of {PERSON_COUNT_MIN} people agree so far")]
    FewPeople {
        /// How many do.
        count: usize,
    },
    /// It is out.
    #[error("it was opened on {}, and a request is good for once", .0.strftime("%-d %B %Y, %H:%M UTC"))]
    Opened(Timestamp),
    /// It is not out.
    #[error("nothing was opened by the request `{0}`")]
    NotOpened(Name),
    /// Another document was opened.
    #[error("the request is about the document `{wanted}`, and not `{found}`")]
    OtherDocument {
        /// The one that was asked for.
        wanted: Name,
        /// The one that was opened.
        found: Name,
    },
    /// A reason is missing or too long.
    #[error("a reason has 1 to {REASON_CHARS_MAX} characters")]
    Reason,
    /// Its times cannot be.
    #[error(
        "a request stands for at most {REQUEST_HOURS_MAX} hours and is out for 1 to {OUT_HOURS_MAX}, and nothing is recorded \
         before it happens"
    )]
    Times,
    /// Nobody was there.
    #[error("shares of at least {PERSON_COUNT_MIN} people open a document: say who they were")]
    Nobody,
}

/// How things stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nothing is under way.
    Free,
    /// It is asked for, and so many people agree.
    Requested(usize),
    /// Enough people agree.
    Approved,
    /// It was opened, and is not returned.
    Out,
    /// It is out for longer than was agreed.
    Overdue,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct UnderWay {
    request: Request,
    people: BTreeSet<Name>,
    opened_at: Option<Timestamp>,
    /// The latest time that a clock has shown since it was asked for.
    seen_at: Timestamp,
}

impl UnderWay {
    fn is_over(&self, at: Timestamp) -> bool {
        self.why_over(at).is_some()
    }

    /// Why it is over although nobody has ended it.
    fn why_over(&self, at: Timestamp) -> Option<EntryError> {
        let request = || self.request.request.clone();
        match self.opened_at {
            Some(_) => None,
            None if self.is_set_back(at) => Some(EntryError::SetBack { request: request(), seen_at: self.seen_at }),
            None if self.judged(at) >= self.request.expires_at => {
                Some(EntryError::Expired { request: request(), at: self.request.expires_at })
            }
            None => None,
        }
    }

    fn is_set_back(&self, at: Timestamp) -> bool {
        at.duration_until(self.seen_at) > SignedDuration::from_mins(CLOCK_MINUTES_BACK_MAX)
    }

    /// The time by which it is judged how old it is.
    fn judged(&self, at: Timestamp) -> Timestamp {
        self.seen_at.max(at)
    }
}

/// How the check-outs of one account stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Course {
    under_way: Option<UnderWay>,
    /// Names of requests that there were: none comes twice.
    known: BTreeSet<Name>,
    /// Documents that were opened, by whatever way, in this order.
    opened: Vec<Name>,
    /// Openings of which nobody has said why: of which document, and when.
    unexplained: BTreeSet<(Name, Timestamp)>,
}

impl Course {
    /// How things stand by entries, in their order.
    ///
    /// # Errors
    /// One cannot follow the ones before it.
    pub fn of(entries: &[Entry]) -> Result<Self, EntryError> {
        let mut course = Self::default();
        entries.iter().try_for_each(|entry| course.add(entry))?;
        Ok(course)
    }

    /// Adds an entry.
    ///
    /// # Errors
    /// It cannot follow those that are there. Nothing has changed then.
    pub fn add(&mut self, entry: &Entry) -> Result<(), EntryError> {
        let at = moment(entry);
        match entry {
            Entry::Requested(request) => self.request(request)?,
            Entry::Approved { request, person, .. } => self.approve(request, person, at)?,
            Entry::Refused { request, .. } => {
                let found = self.found(request, at)?;
                if let Some(opened) = found.opened_at {
                    return Err(EntryError::Opened(opened));
                }
                self.under_way = None;
            }
            Entry::Opened { request, document, .. } => self.open(request, document, at)?,
            Entry::Returned { request, .. } => {
                if self.found(request, at)?.opened_at.is_none() {
                    return Err(EntryError::NotOpened(request.clone()));
                }
                self.under_way = None;
            }
            Entry::OpenedOffline { document, people, reason, opened_at, .. } => {
                if !reason.is_empty() {
                    check_reason(reason)?;
                }
                if people.len() < PERSON_COUNT_MIN {
                    return Err(EntryError::Nobody);
                }
                if *opened_at > at {
                    return Err(EntryError::Times);
                }
                self.opened.push(document.clone());
                // A reason is that of one opening, and of no other that there was of the same document.
                let opening = (document.clone(), *opened_at);
                if reason.is_empty() {
                    self.unexplained.insert(opening);
                } else {
                    self.unexplained.remove(&opening);
                }
            }
        }
        if let Some(found) = &mut self.under_way {
            found.seen_at = found.judged(at);
        }
        Ok(())
    }

    fn request(&mut self, request: &Request) -> Result<(), EntryError> {
        if let Some(other) = self.under_way.as_ref().filter(|other| !other.is_over(request.at)) {
            let name = other.request.request.clone();
            return Err(match other.opened_at {
                Some(since) => EntryError::Out { request: name, since },
                None => EntryError::UnderWay(name),
            });
        }
        check_reason(&request.reason)?;
        let stands = request.at.duration_until(request.expires_at);
        let is_short = stands > SignedDuration::ZERO && stands <= SignedDuration::from_hours(REQUEST_HOURS_MAX);
        if !is_short || !(1..=OUT_HOURS_MAX).contains(&request.out_hours) {
            return Err(EntryError::Times);
        }
        if !self.known.insert(request.request.clone()) {
            return Err(EntryError::UnderWay(request.request.clone()));
        }
        let people = [request.person.clone()].into();
        self.under_way = Some(UnderWay { request: request.clone(), people, opened_at: None, seen_at: request.at });
        Ok(())
    }

    fn found(&mut self, request: &Name, at: Timestamp) -> Result<&mut UnderWay, EntryError> {
        let found = self.under_way.as_mut().filter(|found| found.request.request == *request);
        let found = found.ok_or_else(|| EntryError::NoRequest(request.clone()))?;
        match found.why_over(at) {
            Some(why) => Err(why),
            None => Ok(found),
        }
    }

    fn approve(&mut self, request: &Name, person: &Name, at: Timestamp) -> Result<(), EntryError> {
        let found = self.found(request, at)?;
        if let Some(opened) = found.opened_at {
            return Err(EntryError::Opened(opened));
        }
        if found.request.person == *person {
            return Err(EntryError::OwnRequest(person.clone()));
        }
        if found.people.insert(person.clone()) { Ok(()) } else { Err(EntryError::Again(person.clone())) }
    }

    fn open(&mut self, request: &Name, document: &Name, at: Timestamp) -> Result<(), EntryError> {
        let found = self.found(request, at)?;
        if let Some(opened) = found.opened_at {
            return Err(EntryError::Opened(opened));
        }
        if found.people.len() < PERSON_COUNT_MIN {
            return Err(EntryError::FewPeople { count: found.people.len() });
        }
        if found.request.document != *document {
            let wanted = found.request.document.clone();
            return Err(EntryError::OtherDocument { wanted, found: document.clone() });
        }
        found.opened_at = Some(at);
        self.opened.push(document.clone());
        Ok(())
    }

    /// How things stand at a time.
    #[must_use]
    pub fn standing(&self, at: Timestamp) -> Standing {
        let Some(found) = self.under_way.as_ref().filter(|found| !found.is_over(at)) else { return Standing::Free };
        match found.opened_at {
            Some(opened)
                if found.is_set_back(at)
                    || opened.duration_until(found.judged(at))
                        >= SignedDuration::from_hours(found.request.out_hours) =>
            {
                Standing::Overdue
            }
            Some(_) => Standing::Out,
            None if found.people.len() >= PERSON_COUNT_MIN => Standing::Approved,
            None => Standing::Requested(found.people.len()),
        }
    }

    /// The request that is under way at a time.
    #[must_use]
    pub fn request_at(&self, at: Timestamp) -> Option<&Request> {
        self.under_way.as_ref().filter(|found| !found.is_over(at)).map(|found| &found.request)
    }

    /// Why the last request is over at a time although nobody has ended it: it has expired, or nobody can tell whether it has.
    #[must_use]
    pub fn why_over(&self, at: Timestamp) -> Option<EntryError> {
        self.under_way.as_ref().and_then(|found| found.why_over(at))
    }

    /// Who agrees to the request that is under way, whoever asked among them.
    pub fn people(&self) -> impl Iterator<Item = &Name> {
        self.under_way.iter().flat_map(|found| &found.people)
    }

    /// What is out, by which request and since when: it stays so until it is returned, whatever the clock says.
    #[must_use]
    pub fn out(&self) -> Option<(&Request, Timestamp)> {
        self.under_way.as_ref().and_then(|found| Some((&found.request, found.opened_at?)))
    }

    /// Openings without a check-out of which nobody has said why: of which document, and when; those of one document in the
    /// order of their times.
    pub fn unexplained(&self) -> impl Iterator<Item = (&Name, Timestamp)> {
        self.unexplained.iter().map(|(document, opened_at)| (document, *opened_at))
    }

    /// Whether a document was ever opened: what is in it is to be replaced, and it is never sent to the directory.
    #[must_use]
    pub fn is_opened(&self, document: &Name) -> bool {
        self.opened.contains(document)
    }
}

const fn moment(entry: &Entry) -> Timestamp {
    match entry {
        Entry::Requested(request) => request.at,
        Entry::Approved { at, .. }
        | Entry::Refused { at, .. }
        | Entry::Opened { at, .. }
        | Entry::Returned { at, .. }
        | Entry::OpenedOffline { at, .. } => *at,
    }
}

fn check_reason(reason: &str) -> Result<(), EntryError> {
    let count = reason.trim().chars().count();
    if (1..=REASON_CHARS_MAX).contains(&count) { Ok(()) } else { Err(EntryError::Reason) }
}
