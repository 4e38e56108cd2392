//! An incident: everything that happens with one emergency account until somebody has said what it was.
//!
//! What is remembered of it are entries that are added and never changed; they are part of the ledger. The sign-ins
//! themselves stand beside it, numbered from 1: an entry says up to which of them it goes.
//! **Invariant:** an entry that cannot follow the ones before it is refused and changes nothing. Nothing closes itself. What
//! somebody answered, said or closed goes up to a sign-in, and mutes none that is told later: an alert begins again for it,
//! and before an incident is closed all of it has been classified; a sign-in of ours ([`Reached::Own`]) is told, and goes along
//! with what was said before. A new password is demanded where the old one was right.
//! **Limits:** [`TEXT_CHARS_MAX`], [`CLOCK_MINUTES_AHEAD_MAX`].
//! **Source:** "Manage emergency access accounts in Microsoft Entra ID": whether it was a drill, an emergency or misuse.

use breakglass_custody::name::Name;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::event::Reached;

/// Characters of the longest text that somebody says of an incident.
pub const TEXT_CHARS_MAX: usize = 4_000;

/// Minutes by which an alert may be ahead of the clock: as far as clocks are corrected without anybody setting them. One that
/// is further ahead says nothing of when the next is due, which it is then.
pub const CLOCK_MINUTES_AHEAD_MAX: i64 = 5;

/// Seconds after the last alert, until which tries that got no further than others before are only counted: before the first
/// alert about more of them, before the second, and so on; the last holds for all that follow.
pub const GROUPED_SECONDS: [i64; 4] = [60, 300, 900, 3_600];

/// Why an alert is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Because {
    /// The incident begins.
    Opened,
    /// Somebody is in.
    SignedIn,
    /// Somebody got further than anybody before.
    Further,
    /// There were more tries that got no further, counted since the last alert.
    MoreTries,
    /// A rotation of ours has signed in, and nobody else.
    Own,
    /// Nobody has answered.
    Unanswered,
    /// Nothing has happened: somebody finds out who is reached.
    Test,
}

/// How an answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Via {
    /// Somebody typed it where the state is: nobody further is alerted.
    Command,
    /// By the link in a message, which whoever reads the mailbox may have followed: that person is not reminded any more,
    /// and the others are.
    Link,
}

/// What it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Class {
    /// A rehearsal.
    Drill,
    /// An emergency.
    Real,
    /// An attack, or a use that nobody had a right to.
    Misuse,
}

/// What happens to an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Entry {
    /// It begins.
    Opened {
        /// The object id of the account.
        account: String,
        /// Its sign-in name, as the record says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user_principal_name: Option<String>,
        /// When it was seen.
        at: Timestamp,
    },
    /// An alert is to be sent by every channel.
    Alerted {
        /// Which of the incident, from 1.
        number: u32,
        /// Why.
        because: Because,
        /// Up to which sign-in.
        covers: u64,
        /// How far somebody got at those of which it tells first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        newly: Option<Reached>,
        /// On which step of the ladder, from 0.
        step: u16,
        /// When.
        at: Timestamp,
    },
    /// Somebody answers.
    Acknowledged {
        /// Who.
        by: Name,
        /// How.
        via: Via,
        /// The last sign-in that was told of in the alert that is answered.
        covers: u64,
        /// When.
        at: Timestamp,
    },
    /// Somebody says what it was.
    Classified {
        /// What.
        class: Class,
        /// Who says so.
        by: Name,
        /// Up to which sign-in.
        covers: u64,
        /// In words.
        reason: String,
        /// When.
        at: Timestamp,
    },
    /// The account has another password, sealed and proved.
    Resealed {
        /// The last sign-in before it.
        covers: u64,
        /// When.
        at: Timestamp,
    },
    /// It is over.
    Closed {
        /// Who says so.
        by: Name,
        /// What happened, why, and what is done about it.
        post_mortem: String,
        /// When.
        at: Timestamp,
    },
}

/// Why an entry cannot follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// It begins twice, or with something else.
    #[error("an incident begins once, and with its opening")]
    Order,
    /// It is closed.
    #[error("the incident is closed")]
    Closed,
    /// Alerts are numbered without a gap, and never go up to less than before.
    #[error("the alert does not follow the one before it")]
    Alert,
    /// It goes up to sign-ins of which nobody was told.
    #[error("nobody was alerted of all these sign-ins yet")]
    NotTold,
    /// It goes up to less than what was said before.
    #[error("somebody has said more already")]
    Less,
    /// Nobody has said what it was.
    #[error("nobody has said of all its sign-ins what they were")]
    NotClassified,
    /// The password was right, and is still the one that counts.
    #[error("the password was right, and was not changed since: rotate the account first")]
    NotResealed,
    /// A text is missing or too long.
    #[error("a text of 1 to {TEXT_CHARS_MAX} characters is needed")]
    Text,
}

/// The last alert of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alert {
    /// Which, from 1.
    pub number: u32,
    /// Why.
    pub because: Because,
    /// Up to which sign-in.
    pub covers: u64,
    /// On which step of the ladder.
    pub step: u16,
    /// When.
    pub at: Timestamp,
}

/// How an incident stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Incident {
    account: String,
    user_principal_name: Option<String>,
    opened_at: Option<Timestamp>,
    alert: Option<Alert>,
    furthest: Option<Reached>,
    grouped_count: usize,
    answers: Vec<(Name, Via, u64)>,
    classified: Option<(Class, u64)>,
    resealed: u64,
    /// Up to which sign-in an alert has told when it last told of one with the right password.
    credential: u64,
    is_closed: bool,
}

fn is_text(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= TEXT_CHARS_MAX
}

impl Incident {
    /// How it stands by these entries.
    ///
    /// # Errors
    /// The first entry that cannot follow the ones before it.
    pub fn of<'e>(entries: impl IntoIterator<Item = &'e Entry>) -> Result<Self, EntryError> {
        let mut incident = Self::default();
        entries.into_iter().try_for_each(|entry| incident.add(entry))?;
        Ok(incident)
    }

    /// One entry more.
    ///
    /// # Errors
    /// It cannot follow the ones before it; nothing is changed.
    pub fn add(&mut self, entry: &Entry) -> Result<(), EntryError> {
        if self.is_closed {
            return Err(EntryError::Closed);
        }
        if matches!(entry, Entry::Opened { .. }) == self.opened_at.is_some() {
            return Err(EntryError::Order);
        }
        match entry {
            Entry::Opened { account, user_principal_name, at } => {
                self.account.clone_from(account);
                self.user_principal_name.clone_from(user_principal_name);
                self.opened_at = Some(*at);
            }
            Entry::Alerted { number, because, covers, newly, step, at } => {
                let is_next = *number == self.alert.map_or(1, |last| last.number.saturating_add(1));
                if !is_next || *covers == 0 || *covers < self.covered() || newly.is_some() != (*covers > self.covered())
                {
                    return Err(EntryError::Alert);
                }
                if *newly >= Some(Reached::Credential) {
                    self.credential = *covers;
                }
                if *because == Because::Own {
                    self.go_along(*covers);
                }
                self.grouped_count += usize::from(*because == Because::MoreTries);
                self.furthest = self.furthest.max(*newly);
                self.alert = Some(Alert { number: *number, because: *because, covers: *covers, step: *step, at: *at });
            }
            Entry::Acknowledged { by, via, covers, .. } => {
                self.is_told(*covers)?;
                self.answers.push((by.clone(), *via, *covers));
            }
            Entry::Classified { class, covers, reason, .. } => {
                self.is_told(*covers)?;
                if self.classified.is_some_and(|(_, before)| before > *covers) {
                    return Err(EntryError::Less);
                }
                if !is_text(reason) {
                    return Err(EntryError::Text);
                }
                self.classified = Some((*class, *covers));
            }
            Entry::Resealed { covers, .. } => {
                self.is_told(*covers)?;
                self.resealed = self.resealed.max(*covers);
            }
            Entry::Closed { post_mortem, .. } => {
                if self.classified.is_none_or(|(_, covers)| covers < self.covered()) {
                    return Err(EntryError::NotClassified);
                }
                if self.is_reseal_due() {
                    return Err(EntryError::NotResealed);
                }
                if !is_text(post_mortem) {
                    return Err(EntryError::Text);
                }
                self.is_closed = true;
            }
        }
        Ok(())
    }

    /// What was said of everything so far holds of sign-ins of ours as well, of which nobody has to say anything.
    fn go_along(&mut self, to: u64) {
        let so_far = self.covered();
        let answers = self.answers.iter_mut().map(|(_, _, covers)| covers);
        let classified = self.classified.iter_mut().map(|(_, covers)| covers);
        answers.chain(classified).filter(|covers| so_far > 0 && **covers >= so_far).for_each(|covers| *covers = to);
    }

    fn is_told(&self, covers: u64) -> Result<(), EntryError> {
        if covers > 0 && covers <= self.covered() { Ok(()) } else { Err(EntryError::NotTold) }
    }

    /// The object id of the account.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The sign-in name of the account, as the first record said.
    #[must_use]
    pub fn user_principal_name(&self) -> Option<&str> {
        self.user_principal_name.as_deref()
    }

    /// When it began.
    #[must_use]
    pub const fn opened_at(&self) -> Option<Timestamp> {
        self.opened_at
    }

    /// The last alert.
    #[must_use]
    pub const fn alert(&self) -> Option<Alert> {
        self.alert
    }

    /// How far somebody got, as far as alerts have told.
    #[must_use]
    pub const fn furthest(&self) -> Option<Reached> {
        self.furthest
    }

    /// Up to which sign-in alerts have told.
    #[must_use]
    pub fn covered(&self) -> u64 {
        self.alert.map_or(0, |alert| alert.covers)
    }

    /// What it was, as somebody has said of all of it.
    #[must_use]
    pub fn class(&self) -> Option<Class> {
        self.classified.filter(|(_, covers)| *covers >= self.covered()).map(|(class, _)| class)
    }

    /// Whether somebody has answered the last alert where the state is.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        self.answers.iter().any(|(_, via, covers)| *via == Via::Command && *covers >= self.covered())
    }

    /// Whether somebody has answered the last alert, in any way.
    #[must_use]
    pub fn is_answered_by(&self, person: &Name) -> bool {
        self.answers.iter().any(|(by, _, covers)| by == person && *covers >= self.covered())
    }

    /// Whether the password was right at a sign-in since which it was not changed.
    #[must_use]
    pub const fn is_reseal_due(&self) -> bool {
        self.credential > self.resealed
    }

    /// Whether it is over.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Why an alert is due, when there are `count` sign-ins, and at those of which nobody was told yet somebody got so far.
    #[must_use]
    pub fn alert_due(
        &self,
        (count, newly): (u64, Option<Reached>),
        ladder_seconds: i64,
        now: Timestamp,
    ) -> Option<Because> {
        if self.is_closed {
            return None;
        }
        let Some(last) = self.alert else { return (count > 0).then_some(Because::Opened) };
        if count > last.covers {
            match newly {
                Some(Reached::Own) => return Some(Because::Own),
                Some(Reached::Token) => return Some(Because::SignedIn),
                Some(newly) if Some(newly) > self.furthest => return Some(Because::Further),
                _ => {}
            }
            let wait = GROUPED_SECONDS.get(self.grouped_count).or(GROUPED_SECONDS.last());
            if is_over(last.at, wait.copied().unwrap_or(0), now) {
                return Some(Because::MoreTries);
            }
        }
        (!self.is_answered() && is_over(last.at, ladder_seconds, now)).then_some(Because::Unanswered)
    }
}

/// Whether so many seconds have passed; a time that is far ahead of the clock says that nobody knows, and they have.
fn is_over(since: Timestamp, seconds: i64, now: Timestamp) -> bool {
    let ahead = SignedDuration::from_mins(CLOCK_MINUTES_AHEAD_MAX);
    let passed = now.duration_since(since);
    passed >= SignedDuration::from_secs(seconds) || passed < -ahead
}
