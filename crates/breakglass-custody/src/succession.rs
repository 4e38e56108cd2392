//! The succession of sets of shares: which one is sealed to, which is next, and which are needed no more.
//!
//! A set is made, and each custodian is given a share. They acknowledge it, and rehearse until every share has opened in
//! somebody's hands; until then nothing is sealed to the set. One set is *current*; the *next* one is made ready while
//! nothing is urgent, and takes over when the current one was opened or a custodian left. A set from which another took over
//! is *former*: what was sealed to it may still count. When nothing does any more it is *dead*.
//!
//! **Invariant:** what may be sealed to has never been opened, and every share of it was acknowledged and rehearsed after
//! that. A set that may not be sealed to any more never may again. An event that cannot follow the ones before it is refused
//! and changes nothing.
//! **Leaves out:** who the custodians are, and that they are different persons: shares are counted here. Nor does it know
//! what is sealed to which set; whoever calls a set dead knows.
//! **Limit:** [`SET_COUNT_MAX`].

use std::collections::BTreeSet;

use crate::fingerprint::Fingerprint;
use crate::key_set::{KeySet, RecoverError, SetId};
use crate::slip39::Share;

/// Sets of one succession: a year of nights on each of which a set is opened, and more.
pub const SET_COUNT_MAX: usize = 1_000;

/// Something that happened to a set, which is named by the fingerprint of its recipient: two sets may have one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetEvent {
    /// It was made, and is the next one.
    Made(KeySet),
    /// The custodian has the share with this number, can read it, and it says that it is of this set.
    Acknowledged {
        /// The set.
        set: Fingerprint,
        /// The share, from 1.
        share: u8,
    },
    /// The custodians' shares with these numbers gave the key.
    Rehearsed {
        /// The set.
        set: Fingerprint,
        /// The shares, from 1.
        shares: BTreeSet<u8>,
    },
    /// A secret was sealed to it.
    Sealed(Fingerprint),
    /// Its key was recovered to open something.
    Opened(Fingerprint),
    /// A custodian left, or a share is lost: it has to be replaced.
    Retired(Fingerprint),
    /// Nothing that counts is sealed to it, and its shares are destroyed.
    Died(Fingerprint),
}

impl SetEvent {
    /// That a custodian has acknowledged this share, which is looked at as far as one share alone can be.
    ///
    /// # Errors
    /// It is of another set, or can be none of this one.
    pub fn acknowledged(set: &KeySet, share: &Share) -> Result<Self, RecoverError> {
        set.look_at(1, share)?;
        Ok(Self::Acknowledged { set: set.recipient.fingerprint(), share: number(share) })
    }

    /// That these shares were rehearsed: they give the key of the set, which is gone when this returns.
    ///
    /// # Errors
    /// As [`KeySet::rehearse`].
    pub fn rehearsed(set: &KeySet, shares: &[Share]) -> Result<Self, RecoverError> {
        set.rehearse(shares)?;
        Ok(Self::Rehearsed { set: set.recipient.fingerprint(), shares: shares.iter().map(number).collect() })
    }
}

fn number(share: &Share) -> u8 {
    share.header().member.saturating_add(1)
}

/// How a set stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetStanding {
    /// Made, and nothing was sealed to it yet.
    Next,
    /// The one that was sealed to last.
    Current,
    /// Another took over, and what was sealed to it may count.
    Former,
    /// Nothing is sealed to it that counts.
    Dead,
}

/// Why nothing is sealed to a set any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Spent {
    /// Its key was there, on some machine.
    Opened,
    /// A custodian left, or a share is lost.
    Retired,
}

/// Why nothing can be sealed now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealableError {
    /// There is no set that may be sealed to, and none on its way.
    #[error(
        "there is no set of shares to seal to: those that there were have been opened or replaced; make a new one and \
         deliver its shares"
    )]
    None,
    /// The next one is not ready.
    #[error("the next set of shares `{set}` is not ready: {}", missing(.unacknowledged, .unrehearsed))]
    NotReady {
        /// The next set.
        set: SetId,
        /// Shares that no custodian has acknowledged, from 1.
        unacknowledged: Vec<u8>,
        /// Shares that have not opened in a rehearsal since they were acknowledged; those above among them.
        unrehearsed: Vec<u8>,
    },
}

fn missing(unacknowledged: &[u8], unrehearsed: &[u8]) -> String {
    let list = |shares: &[u8]| shares.iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
    let rehearse = format!("shares to be rehearsed: {}", list(unrehearsed));
    if unacknowledged.is_empty() {
        return rehearse;
    }
    format!("shares to be delivered and acknowledged: {}; {rehearse}", list(unacknowledged))
}

/// Why an event cannot follow the ones before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SuccessionError {
    /// There never was such a set.
    #[error("no set of shares has the recipient with the fingerprint `{0}`")]
    Unknown(Fingerprint),
    /// It was made before.
    #[error("the set `{0}` is there already; two sets cannot have one key")]
    Twice(SetId),
    /// There is a next one already.
    #[error("the set `{0}` is the next one already; make it ready, or retire it before another is made")]
    NextThere(SetId),
    /// It is dead.
    #[error("the set `{0}` is dead: nothing that counts is sealed to it, and its shares are to be destroyed")]
    Dead(SetId),
    /// It has no such share.
    #[error("the set `{set}` has no share {share}")]
    NoShare {
        /// The set.
        set: SetId,
        /// The share.
        share: u8,
    },
    /// Too few shares for a rehearsal.
    #[error("{have} shares of the set `{set}` open nothing, {need} do")]
    TooFew {
        /// The set.
        set: SetId,
        /// Shares that there were.
        have: usize,
        /// Shares that are needed.
        need: u8,
    },
    /// A share was rehearsed that nobody has acknowledged.
    #[error(
        "no custodian has acknowledged the share {share} of the set `{set}`: it may be a copy that whoever made it kept; \
         have it acknowledged, and rehearse again"
    )]
    Unacknowledged {
        /// The set.
        set: SetId,
        /// The share.
        share: u8,
    },
    /// It is not the one to seal to.
    #[error("the set `{0}` is not the one to seal to now")]
    NotSealable(SetId),
    /// What is sealed to it may count.
    #[error("the set `{0}` is still needed; seal everything that counts to another one first")]
    Needed(SetId),
    /// There are too many.
    #[error("there are {SET_COUNT_MAX} sets, and no more are kept account of")]
    Many,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Life {
    set: KeySet,
    name: Fingerprint,
    standing: SetStanding,
    spent: Option<Spent>,
    acknowledged: BTreeSet<u8>,
    rehearsed: BTreeSet<u8>,
}

impl Life {
    fn new(set: &KeySet) -> Self {
        Self {
            set: set.clone(),
            name: set.recipient.fingerprint(),
            standing: SetStanding::Next,
            spent: None,
            acknowledged: BTreeSet::new(),
            rehearsed: BTreeSet::new(),
        }
    }

    fn id(&self) -> SetId {
        self.set.id.clone()
    }

    fn has_share(&self, share: u8) -> Result<(), SuccessionError> {
        let is_there = (1..=self.set.quorum.count()).contains(&share);
        if is_there { Ok(()) } else { Err(SuccessionError::NoShare { set: self.id(), share }) }
    }

    fn is_alive(&self) -> Result<(), SuccessionError> {
        if self.standing == SetStanding::Dead { Err(SuccessionError::Dead(self.id())) } else { Ok(()) }
    }

    /// That every share was acknowledged, and has opened since.
    fn is_ready(&self) -> Result<(), SealableError> {
        let all = || 1..=self.set.quorum.count();
        let without = |some: &BTreeSet<u8>| all().filter(|share| !some.contains(share)).collect::<Vec<u8>>();
        let (unacknowledged, unrehearsed) = (without(&self.acknowledged), without(&self.rehearsed));
        if unacknowledged.is_empty() && unrehearsed.is_empty() {
            Ok(())
        } else {
            Err(SealableError::NotReady { set: self.id(), unacknowledged, unrehearsed })
        }
    }

    fn acknowledge(&mut self, share: u8) -> Result<(), SuccessionError> {
        self.is_alive()?;
        self.has_share(share)?;
        self.acknowledged.insert(share);
        Ok(())
    }

    fn rehearse(&mut self, shares: &BTreeSet<u8>) -> Result<(), SuccessionError> {
        self.is_alive()?;
        shares.iter().try_for_each(|share| self.has_share(*share))?;
        let need = self.set.quorum.threshold();
        if shares.len() < usize::from(need) {
            return Err(SuccessionError::TooFew { set: self.id(), have: shares.len(), need });
        }
        if let Some(share) = shares.difference(&self.acknowledged).next() {
            return Err(SuccessionError::Unacknowledged { set: self.id(), share: *share });
        }
        self.rehearsed.extend(shares);
        Ok(())
    }

    fn spend(&mut self, why: Spent) {
        // That it was opened weighs more than that somebody left.
        if self.spent != Some(Spent::Opened) {
            self.spent = Some(why);
        }
        // Nothing was ever sealed to it.
        if self.standing == SetStanding::Next {
            self.standing = SetStanding::Dead;
        }
    }
}

/// All sets that there were, in the order in which they were made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Succession {
    lives: Vec<Life>,
}

impl Succession {
    /// How the sets stand by these events.
    ///
    /// # Errors
    /// The first event that cannot follow the ones before it.
    pub fn of<'e>(events: impl IntoIterator<Item = &'e SetEvent>) -> Result<Self, SuccessionError> {
        let mut succession = Self::default();
        events.into_iter().try_for_each(|event| succession.take(event))?;
        Ok(succession)
    }

    /// One event more.
    ///
    /// # Errors
    /// It cannot follow the ones before it; nothing is changed.
    pub fn take(&mut self, event: &SetEvent) -> Result<(), SuccessionError> {
        match event {
            SetEvent::Made(set) => self.make(set),
            SetEvent::Acknowledged { set, share } => self.life(*set)?.acknowledge(*share),
            SetEvent::Rehearsed { set, shares } => self.life(*set)?.rehearse(shares),
            SetEvent::Sealed(set) => self.seal(*set),
            // What happened to a dead set is not refused: somebody had its shares still.
            SetEvent::Opened(set) => self.life(*set).map(|life| life.spend(Spent::Opened)),
            SetEvent::Retired(set) => self.life(*set).map(|life| life.spend(Spent::Retired)),
            SetEvent::Died(set) => {
                let life = self.life(*set)?;
                if life.standing == SetStanding::Former {
                    life.standing = SetStanding::Dead;
                    return Ok(());
                }
                life.is_alive()?;
                Err(SuccessionError::Needed(life.id()))
            }
        }
    }

    fn make(&mut self, set: &KeySet) -> Result<(), SuccessionError> {
        let life = Life::new(set);
        if self.lives.iter().any(|other| other.name == life.name) {
            return Err(SuccessionError::Twice(life.id()));
        }
        if let Some(next) = self.with(SetStanding::Next) {
            return Err(SuccessionError::NextThere(next.id()));
        }
        if self.lives.len() >= SET_COUNT_MAX {
            return Err(SuccessionError::Many);
        }
        self.lives.push(life);
        Ok(())
    }

    fn seal(&mut self, name: Fingerprint) -> Result<(), SuccessionError> {
        let sealable = self.sealable().is_ok_and(|set| set.recipient.fingerprint() == name);
        let life = self.life(name)?;
        if !sealable {
            return Err(SuccessionError::NotSealable(life.id()));
        }
        for life in &mut self.lives {
            if life.name == name {
                life.standing = SetStanding::Current;
            } else if life.standing == SetStanding::Current {
                life.standing = SetStanding::Former;
            }
        }
        Ok(())
    }

    /// The set to seal to now: the current one, until it was opened or a custodian left; then the next one, as soon as every
    /// share of it was acknowledged and rehearsed.
    ///
    /// # Errors
    /// There is none, with what has to be done to have one.
    pub fn sealable(&self) -> Result<&KeySet, SealableError> {
        if let Some(current) = self.with(SetStanding::Current).filter(|life| life.spent.is_none()) {
            return Ok(&current.set);
        }
        let next = self.with(SetStanding::Next).ok_or(SealableError::None)?;
        next.is_ready()?;
        Ok(&next.set)
    }

    /// The next set, with nothing wrong if it is ready to be sealed to.
    #[must_use]
    pub fn next(&self) -> Option<(&KeySet, Result<(), SealableError>)> {
        self.with(SetStanding::Next).map(|life| (&life.set, life.is_ready()))
    }

    /// Sets whose shares have to be kept because what counts may be sealed to them.
    pub fn needed(&self) -> impl Iterator<Item = &KeySet> {
        let is_needed = |life: &&Life| matches!(life.standing, SetStanding::Current | SetStanding::Former);
        self.lives.iter().filter(is_needed).map(|life| &life.set)
    }

    /// How a set stands, and why nothing is sealed to it any more, if that is so.
    #[must_use]
    pub fn standing(&self, set: Fingerprint) -> Option<(SetStanding, Option<Spent>)> {
        self.lives.iter().find(|life| life.name == set).map(|life| (life.standing, life.spent))
    }

    fn with(&self, standing: SetStanding) -> Option<&Life> {
        self.lives.iter().find(|life| life.standing == standing)
    }

    fn life(&mut self, set: Fingerprint) -> Result<&mut Life, SuccessionError> {
        self.lives.iter_mut().find(|life| life.name == set).ok_or(SuccessionError::Unknown(set))
    }
}
