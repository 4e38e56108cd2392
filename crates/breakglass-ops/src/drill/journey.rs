//! A drill over ports: each surface is tried, what came of it is noted, and an elevation is taken back.
//!
//! **Invariant:** a step is noted before it is done and again when it is. What stands elevated is taken back before anything
//! else is done, whether or not it can be noted, and whether or not somebody wants to stop; what a drill that was stopped
//! may have left is taken back by the next. An elevation that stood before is left alone.
//! **Invariant:** a password that was refused once is not tried again.
//! **Limits:** [`SEEN_SECONDS`], those of [`super::record`].

use std::collections::BTreeSet;
use std::time::Duration;

use breakglass_custody::document::Account;
use breakglass_custody::name::Name;
use breakglass_custody::password::Password;
use jiff::Timestamp;

use super::record::{Begun, Course, Elevation, Entry, Outcome, SeenBy, Surface, Tried, Vantage, WHY_CHARS_MAX};
use super::stream::{DrillStreamError, course_of, note};
use crate::ports::{Attempt, Clock, NotElevated, Store, Surfaces};

/// Seconds before each look at whether an elevation is there, or is gone: copies of what Azure knows of roles learn of it one
/// after the other.
pub const SEEN_SECONDS: [u64; 4] = [0, 5, 15, 30];

/// What a drill is made with.
#[derive(Clone, Copy)]
pub struct Driller<'a> {
    /// What is tried.
    pub surfaces: &'a dyn Surfaces,
    /// What was done so far.
    pub store: &'a dyn Store,
    /// The time.
    pub clock: &'a dyn Clock,
    /// Who is told what is done next.
    pub tell: &'a (dyn Fn(Step) + Sync),
    /// Whether somebody wants to stop; it is asked between steps.
    pub is_stopped: &'a (dyn Fn() -> bool + Sync),
}

/// Whose password is tried, by whom, and what for.
#[derive(Clone, Copy)]
pub struct Drilled<'a> {
    /// The account.
    pub account: &'a Account,
    /// The document that was opened.
    pub document: &'a Name,
    /// What was in it.
    pub password: &'a Password,
    /// Who is there.
    pub people: &'a BTreeSet<Name>,
    /// The custodians and people whom the configuration knows.
    pub staff: &'a BTreeSet<Name>,
    /// What is to be tried.
    pub surfaces: &'a BTreeSet<Surface>,
    /// From where.
    pub from: Vantage,
    /// Why.
    pub reason: &'a str,
}

/// What is done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// What an earlier drill may have left is taken back.
    LowerEarlier,
    /// It was.
    LoweredEarlier,
    /// A surface is tried.
    Try(Surface),
    /// The account is elevated.
    Elevate,
    /// The elevation is taken back.
    Lower,
}

/// Why a drill stopped before its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// Somebody wanted it.
    #[error("interrupted")]
    Interrupted,
    /// Something cannot be noted.
    #[error("what was done cannot be written down: {0}")]
    NotNoted(String),
}

/// What a drill came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// When it began.
    pub begun_at: Timestamp,
    /// When it was over, or stopped.
    pub ended_at: Timestamp,
    /// What was seen, in the order in which it was tried.
    pub seen: Vec<Tried>,
    /// Whether the account stands elevated by this drill or an earlier one, as far as is noted.
    pub elevation: Elevation,
    /// Why what an earlier drill left is not taken back; `None` if it is, or nothing was left.
    pub left_by_earlier: Option<String>,
    /// Why it stopped; `None` if it came to its end.
    pub stop: Option<Stop>,
}

impl Report {
    /// The worst of what was seen; unknown if something was not tried.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let stopped = if self.stop.is_some() { Outcome::Unknown } else { Outcome::Good };
        let elevated = if self.elevation == Elevation::None { Outcome::Good } else { Outcome::Bad };
        self.seen.iter().map(|tried| tried.outcome).chain([stopped, elevated]).max().unwrap_or(Outcome::Unknown)
    }
}

/// A drill under way.
struct Journey<'a> {
    driller: Driller<'a>,
    drilled: Drilled<'a>,
    course: Course,
    length: usize,
    seen: Vec<Tried>,
    left_by_earlier: Option<String>,
    /// What was said when the password was refused.
    refused: Option<String>,
    stop: Option<Stop>,
}

impl Driller<'_> {
    /// Tries every surface, in the order of [`Surface::ALL`].
    ///
    /// # Errors
    /// It was not begun, and nothing was tried: what is remembered cannot be used, or it cannot be noted.
    pub async fn drill(&self, drilled: Drilled<'_>) -> Result<Report, DrillStreamError> {
        let (mut course, mut length) = course_of(self.store, &drilled.account.id)?;
        let begun_at = self.clock.now();
        let begun = Begun {
            document: drilled.document.clone(),
            people: drilled.people.clone(),
            staff: drilled.staff.clone(),
            surfaces: drilled.surfaces.clone(),
            from: drilled.from,
            reason: drilled.reason.to_owned(),
            at: begun_at,
        };
        note(self.store, &drilled.account.id, (&mut course, &mut length), &Entry::Begun(begun))?;
        let (seen, left_by_earlier, refused, stop) = (Vec::new(), None, None, None);
        let mut journey = Journey { driller: *self, drilled, course, length, seen, left_by_earlier, refused, stop };
        journey.go().await;
        Ok(Report {
            begun_at,
            ended_at: self.clock.now(),
            seen: journey.seen,
            elevation: journey.course.elevation(),
            left_by_earlier: journey.left_by_earlier,
            stop: journey.stop,
        })
    }
}

impl Journey<'_> {
    async fn go(&mut self) {
        if self.course.elevation() != Elevation::None {
            (self.driller.tell)(Step::LowerEarlier);
            match self.lower().await {
                Ok(()) => (self.driller.tell)(Step::LoweredEarlier),
                Err(why) => self.left_by_earlier = Some(why),
            }
        }
        let wanted = Surface::ALL.into_iter().filter(|surface| self.drilled.surfaces.contains(surface));
        for surface in wanted.collect::<Vec<_>>() {
            if self.stop.is_none() && (self.driller.is_stopped)() {
                self.stop = Some(Stop::Interrupted);
            }
            if self.stop.is_some() || !self.note(&Entry::Trying { surface, at: self.driller.clock.now() }) {
                return;
            }
            (self.driller.tell)(Step::Try(surface));
            self.surface(surface).await;
        }
        if self.stop.is_none() {
            self.note(&Entry::Ended { at: self.driller.clock.now() });
        }
    }

    /// Notes an entry. Once one could not be noted, none is: others would be of a drill that somebody else began.
    fn note(&mut self, entry: &Entry) -> bool {
        if matches!(self.stop, Some(Stop::NotNoted(_))) {
            return false;
        }
        let noted = note(self.driller.store, &self.drilled.account.id, (&mut self.course, &mut self.length), entry);
        if let Err(error) = &noted {
            self.stop = Some(Stop::NotNoted(error.to_string()));
        }
        noted.is_ok()
    }

    async fn surface(&mut self, surface: Surface) {
        let begun_at = self.driller.clock.now();
        let Drilled { account, password, .. } = self.drilled;
        let (outcome, why, seen_by) = match (&self.refused, surface) {
            (Some(said), _) if !surface.is_portal() => {
                (Outcome::Unknown, format!("not tried, since the password was refused before: {said}"), SeenBy::Program)
            }
            (_, Surface::AzureElevation) => {
                let (outcome, why) = self.elevation().await;
                (outcome, why, SeenBy::Program)
            }
            _ => {
                let attempt = self.driller.surfaces.sign_in(surface, account, password).await;
                self.judged(attempt)
            }
        };
        let at = self.driller.clock.now();
        let milliseconds = u64::try_from(begun_at.duration_until(at).as_millis()).unwrap_or(0);
        let why: String = why.chars().take(WHY_CHARS_MAX).collect();
        let tried = Tried { surface, outcome, why, seen_by, milliseconds, at };
        // It was seen, whether or not it can be noted.
        self.note(&Entry::Tried(tried.clone()));
        self.seen.push(tried);
    }

    fn judged(&mut self, attempt: Attempt) -> (Outcome, String, SeenBy) {
        if let Attempt::Wrong { why } = &attempt {
            self.refused = Some(why.clone());
        }
        match attempt {
            Attempt::In => (Outcome::Good, String::new(), SeenBy::Program),
            Attempt::SeenIn => (Outcome::Good, String::new(), SeenBy::Person),
            Attempt::SeenOut => (Outcome::Bad, "whoever tried did not get in".to_owned(), SeenBy::Person),
            Attempt::SecondProof { why } => {
                let why = format!(
                    "the password is right, and a second proof is asked for that a program does not have: {why}"
                );
                (Outcome::Unknown, why, SeenBy::Program)
            }
            Attempt::KeptOut { why } => (Outcome::Bad, format!("the account is kept out: {why}"), SeenBy::Program),
            Attempt::Wrong { why } => (Outcome::Bad, format!("the password was refused: {why}"), SeenBy::Program),
            Attempt::Unknown { why } => (Outcome::Unknown, why, SeenBy::Program),
        }
    }

    /// Elevates and takes it back.
    async fn elevation(&mut self) -> (Outcome, String) {
        let Drilled { account, password, .. } = self.drilled;
        if self.course.elevation() != Elevation::None {
            let why = self.left_by_earlier.clone().unwrap_or_default();
            return (Outcome::Bad, format!("the elevation of an earlier drill is not taken back: {why}"));
        }
        match self.driller.surfaces.is_elevated(account, password).await {
            Ok(false) => {}
            Ok(true) => {
                let why = "the account stands elevated already, and no drill did that; it was left as it is";
                return (Outcome::Unknown, why.to_owned());
            }
            Err(attempt) => {
                let (outcome, why, _) = self.judged(attempt);
                // What is no sign-in to Azure says nothing good of it.
                return (outcome.max(Outcome::Unknown), why);
            }
        }
        if !self.note(&Entry::Elevating { at: self.driller.clock.now() }) {
            return (Outcome::Unknown, "it was not tried, since it cannot be written down".to_owned());
        }
        (self.driller.tell)(Step::Elevate);
        match self.driller.surfaces.elevate(account, password).await {
            Ok(()) => self.elevated(None).await,
            Err(NotElevated::Perhaps { why }) => self.elevated(Some(why)).await,
            Err(NotElevated::Refused { why }) => {
                self.note(&Entry::Lowered { at: self.driller.clock.now() });
                (Outcome::Bad, format!("the account was not elevated: {why}"))
            }
            Err(NotElevated::NotAsked { why }) => {
                self.note(&Entry::Lowered { at: self.driller.clock.now() });
                (Outcome::Unknown, format!("the account was not elevated: {why}"))
            }
            Err(NotElevated::SecondProof { why }) => {
                self.note(&Entry::Lowered { at: self.driller.clock.now() });
                let why = format!("a second proof is asked for that a program does not have: {why}");
                (Outcome::Unknown, why)
            }
        }
    }

    /// What follows when elevation was asked for: it is looked at and taken back. `doubt` is why there was no answer.
    async fn elevated(&mut self, doubt: Option<String>) -> (Outcome, String) {
        if let Err(why) = self.seen(true).await {
            let answered = doubt.unwrap_or_else(|| "it was answered that it is elevated".to_owned());
            let why = format!("whether the account was elevated cannot be told: {answered}; {why}");
            return (Outcome::Unknown, why);
        }
        self.note(&Entry::Elevated { at: self.driller.clock.now() });
        (self.driller.tell)(Step::Lower);
        match self.lower().await {
            Ok(()) => (Outcome::Good, String::new()),
            Err(why) => (Outcome::Bad, format!("the account was elevated, and that is not taken back: {why}")),
        }
    }

    /// Takes an elevation back, looks whether it is gone, and notes that.
    async fn lower(&mut self) -> Result<(), String> {
        let Drilled { account, password, .. } = self.drilled;
        let lowered = self.driller.surfaces.lower(account, password).await;
        // What was not answered may be done.
        match self.seen(false).await {
            Ok(()) => {
                self.note(&Entry::Lowered { at: self.driller.clock.now() });
                Ok(())
            }
            Err(why) => Err(lowered.err().unwrap_or(why)),
        }
    }

    /// Waits until an elevation is there, or is gone.
    async fn seen(&mut self, is_there: bool) -> Result<(), String> {
        let Drilled { account, password, .. } = self.drilled;
        let mut why = String::new();
        for seconds in SEEN_SECONDS {
            self.driller.clock.sleep(Duration::from_secs(seconds)).await;
            match self.driller.surfaces.is_elevated(account, password).await {
                Ok(found) if found == is_there => return Ok(()),
                Ok(true) => why = "the role assignment is there still".to_owned(),
                Ok(false) => why = "no role assignment is seen".to_owned(),
                Err(attempt) => {
                    let (_, said, _) = self.judged(attempt);
                    why = said;
                    if self.refused.is_some() {
                        break;
                    }
                }
            }
        }
        Err(why)
    }
}
