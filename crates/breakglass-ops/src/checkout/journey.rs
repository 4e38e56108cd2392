//! A check-out over ports: what is looked at and what is written down when somebody agrees, when custodians open, and when a
//! drill does, in the one order that there is.
//!
//! Between two steps people think, look for a passphrase, or type the words of their shares, for as long as they like. What held
//! before such a pause is looked at again behind it.
//! **Invariant:** behind a pause nobody agrees to a request that is over, or that is for a document of which the record says that
//! it counts no more, and no key is recovered for one.
//! **Invariant:** what was opened is handed out only if its document still counted after it was written down that the key was
//! there, and if the opening is written down.

use std::collections::BTreeSet;

use breakglass_custody::approval::LEAF_BYTES;
use breakglass_custody::document::Account;
use breakglass_custody::name::Name;
use jiff::Timestamp;

use super::record::{Course, Entry, Request, Standing};
use super::stream::{CheckoutStreamError, Kept, SharesUsed, course_by, course_of, kept, note, note_opening, stream_of};
use crate::journal::{Journal, JournalError};
use crate::ports::{Clock, Store};
use crate::rotation::journey::{RotationError, course_of as rotation_of};

/// Why of a drill's opening, as it is written down.
const DRILL: &str = "drill";

/// Something of an account is out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "something of `{account}` is out since {}, by the request of `{person}`, and nobody else opens it meanwhile",
    .since.strftime("%-d %B %Y, %H:%M UTC")
)]
pub struct Out {
    /// The account, by its sign-in name.
    pub account: String,
    /// Who asked for it.
    pub person: Name,
    /// Since when.
    pub since: Timestamp,
}

/// Why a check-out does not go on.
#[derive(Debug, thiserror::Error)]
pub enum CheckoutError {
    /// It cannot follow what happened, or is not written down.
    #[error(transparent)]
    Stream(#[from] CheckoutStreamError),
    /// The ledger cannot be written, or was changed.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The record of rotations is of no use.
    #[error(transparent)]
    Rotation(#[from] RotationError),
    /// Nothing is under way.
    #[error("nothing is asked for of `{0}`")]
    Nothing(String),
    /// The ledger was brought up to date and has not got it.
    #[error("entry {number} of the check-outs of `{account}` is not in the ledger")]
    NotEntered {
        /// The account.
        account: String,
        /// Which entry, from 1.
        number: usize,
    },
    /// The password was changed since it was asked for, or since shares were asked for.
    #[error(
        "`{asked}` was asked for, and the password of `{account}` was changed since: `{now}` is the document that counts"
    )]
    Changed {
        /// The account, by its sign-in name.
        account: String,
        /// The document that was asked for.
        asked: Name,
        /// The one that counts.
        now: Name,
    },
    /// It was changed while the key was there already.
    #[error(
        "the password of `{account}` was changed while the shares were put together: `{now}` is the document that counts, and what \
         was opened is not shown"
    )]
    ChangedMeanwhile {
        /// The account, by its sign-in name.
        account: String,
        /// The document that counts.
        now: Name,
    },
    /// It is out, and a drill waits.
    #[error(transparent)]
    Out(#[from] Out),
}

impl CheckoutError {
    /// The same where the key was there by then.
    fn behind_the_key(self) -> Self {
        match self {
            Self::Changed { account, now, .. } => Self::ChangedMeanwhile { account, now },
            other => other,
        }
    }
}

/// What is under way for an account, as it is remembered.
#[derive(Debug, Clone)]
pub struct Found {
    /// The request.
    pub request: Request,
    /// How the check-outs of the account stand.
    pub course: Course,
    /// Every entry of the account.
    pub entries: Vec<Kept>,
    /// Where the request is among them, from 0.
    pub place: usize,
    /// The hash of its entry in the ledger.
    pub leaf: [u8; LEAF_BYTES],
}

/// Whoever looks at what was signed for a request.
pub trait Signatures {
    /// The request as it was signed.
    type Signed;
    /// Why it does not go on.
    type Error: From<CheckoutError> + From<CheckoutStreamError>;

    /// Looks at everything that was signed for a request.
    ///
    /// # Errors
    /// Something is not as it was signed, or was signed by somebody else.
    fn confirm(&self, found: &Found) -> Result<Self::Signed, Self::Error>;
}

/// Whoever agrees.
pub trait Agreeing: Signatures {
    /// The key that they sign with.
    type Key;

    /// Shows what is asked for, and asks whether they agree. It lasts as long as they think.
    ///
    /// # Errors
    /// It cannot be shown.
    fn is_agreed(&self, found: &Found, signed: &Self::Signed) -> Result<bool, Self::Error>;

    /// Their key. It lasts as long as they look for its passphrase.
    ///
    /// # Errors
    /// It is not to be had, or is not theirs.
    fn key(&self) -> Result<Self::Key, Self::Error>;

    /// Signs that they agree at a time.
    ///
    /// # Errors
    /// It cannot be signed, or would not count.
    fn sign(&self, found: &Found, signed: &Self::Signed, key: &Self::Key, at: Timestamp)
    -> Result<String, Self::Error>;
}

/// Whoever opens.
pub trait Opening: Signatures {
    /// The shares.
    type Shares;
    /// What was opened.
    type Opened;

    /// Has the shares handed in. It lasts as long as people type.
    ///
    /// # Errors
    /// There is no such document, or no such shares.
    fn hand_in(&self, found: &Found, signed: &Self::Signed) -> Result<Self::Shares, Self::Error>;

    /// Puts the shares together and opens the document: from here on the key was there.
    ///
    /// # Errors
    /// They do not open it.
    fn recover(&self, shares: Self::Shares) -> Result<Self::Opened, Self::Error>;

    /// Writes down that the key was there; whose shares it took, where that is known.
    ///
    /// # Errors
    /// It cannot be written down.
    fn note_key(&self, opened: &Self::Opened) -> Result<Option<SharesUsed>, Self::Error>;
}

/// A document that was opened, which is written down.
#[derive(Debug)]
pub struct Done<O> {
    /// By which request.
    pub request: Request,
    /// What is to be shown now, and was not before.
    pub opened: O,
    /// Whether the ledger has taken it: what it misses it takes with the next command.
    pub entered: Result<(), CheckoutError>,
}

/// The request that is under way at a time.
///
/// # Errors
/// None is: why the last one is over, if nobody has ended it.
pub fn request_of<'c>(course: &'c Course, account: &str, at: Timestamp) -> Result<&'c Request, CheckoutError> {
    course.request_at(at).ok_or_else(|| match course.why_over(at) {
        Some(why) => CheckoutStreamError::from(why).into(),
        None => CheckoutError::Nothing(account.to_owned()),
    })
}

/// The check-outs of an account, and with what they are gone on with.
#[derive(Clone, Copy)]
pub struct CheckOuts<'a> {
    /// What was done so far.
    pub store: &'a dyn Store,
    /// The time.
    pub clock: &'a dyn Clock,
    /// The account.
    pub account: &'a Account,
    /// Brings the ledger up to date at a time, and gives it.
    pub enter: &'a dyn Fn(Timestamp) -> Result<Journal, JournalError>,
}

impl CheckOuts<'_> {
    /// What is under way at a time. The ledger is brought up to date behind the look, so that it has all that was seen.
    ///
    /// # Errors
    /// Nothing is, or what is remembered is of no use.
    pub fn under_way(&self, at: Timestamp) -> Result<Found, CheckoutError> {
        let id = &self.account.id;
        let entries = kept(self.store, id)?;
        let course = course_by(id, &entries)?;
        let name = &self.account.user_principal_name;
        let nothing = || CheckoutError::Nothing(name.clone());
        let request = request_of(&course, name, at)?.clone();
        let is_it = |one: &Kept| matches!(&one.entry, Entry::Requested(asked) if asked.request == request.request);
        let place = entries.iter().position(is_it).ok_or_else(nothing)?;
        let leaf = (self.enter)(at)?.leaf_of(&stream_of(id), place as u64);
        let leaf = leaf.ok_or_else(|| CheckoutError::NotEntered { account: id.clone(), number: place + 1 })?;
        Ok(Found { request, course, entries, place, leaf })
    }

    /// Somebody agrees; how things stand then, or nothing if they did not.
    ///
    /// # Errors
    /// It does not go on. Nothing is written down then, or only the ledger is behind.
    pub fn agree<A: Agreeing>(&self, person: &Name, by: &A) -> Result<Option<Course>, A::Error> {
        let now = self.clock.now();
        let found = self.under_way(now)?;
        let signed = by.confirm(&found)?;
        let document = &found.request.document;
        let approved = |at| Entry::Approved { request: found.request.request.clone(), person: person.clone(), at };
        self.follows(found.course.clone(), document, &approved(now))?;
        if !by.is_agreed(&found, &signed)? {
            return Ok(None);
        }
        // Before anybody looks for a passphrase, and behind that.
        self.still_follows(document, &approved(self.clock.now()))?;
        let key = by.key()?;
        let at = self.clock.now();
        self.still_follows(document, &approved(at))?;
        let text = by.sign(&found, &signed, &key, at)?;
        note(self.store, &self.account.id, &approved(at), Some(text.as_str()))?;
        (self.enter)(at).map_err(CheckoutError::from)?;
        Ok(Some(course_of(self.store, &self.account.id)?.0))
    }

    /// The custodians open: by which request, and what they opened, which is to be shown now and was not before.
    ///
    /// # Errors
    /// It does not go on, and nothing is to be shown. If the key was there by then, that is written down.
    pub fn open<O: Opening>(&self, by: &O) -> Result<Done<O::Opened>, O::Error> {
        let now = self.clock.now();
        let found = self.under_way(now)?;
        let signed = by.confirm(&found)?;
        let document = &found.request.document;
        let opened = |at| Entry::Opened { request: found.request.request.clone(), document: document.clone(), at };
        // Before anybody types a share, and behind that, so that no set is spent on what counts no more.
        self.follows(found.course.clone(), document, &opened(now))?;
        let shares = by.hand_in(&found, &signed)?;
        self.still_follows(document, &opened(self.clock.now()))?;
        let recovered = by.recover(shares)?;
        let note_key = || -> Result<_, O::Error> {
            let shares = by.note_key(&recovered)?;
            self.still_counts(document).map_err(CheckoutError::behind_the_key)?;
            Ok((opened(self.clock.now()), shares))
        };
        note_opening(self.store, &self.account.id, note_key)?;
        let entered = (self.enter)(self.clock.now()).map(drop).map_err(CheckoutError::from);
        Ok(Done { request: found.request, opened: recovered, entered })
    }

    /// That a drill may open a document now: nothing of the account is out, and it counts.
    ///
    /// # Errors
    /// Something is out, or it was changed; or what is remembered is of no use.
    pub fn may_drill(&self, document: &Name) -> Result<(), CheckoutError> {
        let (course, _) = course_of(self.store, &self.account.id)?;
        self.is_in(&course)?;
        self.still_counts(document)
    }

    /// How the opening of a drill is written down, once it is written down that the key was there: by the request for that
    /// document to which enough people agree, which it uses up, else as one that nobody was asked for.
    ///
    /// # Errors
    /// As [`Self::may_drill`]; or what was signed for the request does not count.
    pub fn drill_entry<S: Signatures>(
        &self,
        by: &S,
        document: &Name,
        people: &BTreeSet<Name>,
    ) -> Result<Entry, S::Error> {
        let at = self.clock.now();
        let (course, _) = course_of(self.store, &self.account.id)?;
        self.is_in(&course)?;
        self.still_counts(document).map_err(CheckoutError::behind_the_key)?;
        let document = document.clone();
        let agreed = course.request_at(at).filter(|request| request.document == document);
        match agreed.filter(|_| course.standing(at) == Standing::Approved) {
            Some(request) => {
                by.confirm(&self.under_way(at)?)?;
                Ok(Entry::Opened { request: request.request.clone(), document, at })
            }
            None => {
                let (people, reason) = (people.clone(), DRILL.to_owned());
                Ok(Entry::OpenedOffline { document, people, reason, opened_at: at, at })
            }
        }
    }

    fn is_in(&self, course: &Course) -> Result<(), CheckoutError> {
        let Some((request, since)) = course.out() else { return Ok(()) };
        let account = self.account.user_principal_name.clone();
        Err(Out { account, person: request.person.clone(), since }.into())
    }

    fn still_follows(&self, document: &Name, entry: &Entry) -> Result<(), CheckoutError> {
        let (course, _) = course_of(self.store, &self.account.id)?;
        self.follows(course, document, entry)
    }

    /// That an entry can follow, and that its document counts.
    fn follows(&self, mut course: Course, document: &Name, entry: &Entry) -> Result<(), CheckoutError> {
        course.add(entry).map_err(CheckoutStreamError::from)?;
        self.still_counts(document)
    }

    /// That a document is still the one to be opened first: nobody is to agree, or to give shares, for a password that counts no
    /// more.
    fn still_counts(&self, document: &Name) -> Result<(), CheckoutError> {
        let (course, _) = rotation_of(self.store, &self.account.id)?;
        match course.current() {
            // What is no password is in no record of rotations.
            Some(now) if now != document && course.standing(document).is_some() => {
                let account = self.account.user_principal_name.clone();
                Err(CheckoutError::Changed { account, asked: document.clone(), now: now.clone() })
            }
            _ => Ok(()),
        }
    }
}
