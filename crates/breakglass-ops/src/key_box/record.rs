//! What is remembered of the sets of shares: entries that are added and never changed, and how things stand by them.
//!
//! The life of a set is [`breakglass_custody::succession`]; here each share has a holder as well, and what a custodian says
//! of a share counts only for the one that was given to them. Beside the sets of the custodians stand those of the reserve,
//! whose shares are held outside: each secret is sealed to both, so that whoever is left of the custodians has a way that
//! takes no fewer people.
//! **Invariant:** the holders of a set are different people, so that a quorum of shares is one of people. An entry that
//! cannot follow the ones before it is refused and changes nothing. A set counts only as the operator signed it.

use std::collections::BTreeSet;

use breakglass_custody::fingerprint::Fingerprint;
use breakglass_custody::key_set::{KeySet, SetId};
use breakglass_custody::name::Name;
use breakglass_custody::signed::SignedError;
use breakglass_custody::signed_set::SignedSet;
use breakglass_custody::succession::{SealableError, SetEvent, SetStanding, Spent, Succession, SuccessionError};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::journal::{LineError, check_line};
use crate::ports::{Store, StoreError};

/// The stream of the entries.
pub const STREAM: &str = "custody/sets";

/// One entry. Sets are named by the fingerprints of their recipients.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "camelCase", deny_unknown_fields)]
pub enum Entry {
    /// A set was made, and is the next one: of the custodians, or of the reserve.
    Made {
        /// What is public of it, as the operator signed it.
        set: String,
        /// Who is given which share: that of number 1 first.
        holders: Vec<Name>,
        /// Whether its shares are held outside, for when the custodians are not enough.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        is_reserve: bool,
        /// When.
        at: Timestamp,
    },
    /// The holder has the share and can read it.
    Acknowledged {
        /// The set.
        set: Fingerprint,
        /// The share, from 1.
        share: u8,
        /// Who says so.
        person: Name,
        /// When.
        at: Timestamp,
    },
    /// Shares were put together and gave the key.
    Rehearsed {
        /// The set.
        set: Fingerprint,
        /// The shares, from 1.
        shares: BTreeSet<u8>,
        /// When.
        at: Timestamp,
    },
    /// From here on a secret may be sealed to it.
    Sealed {
        /// The set.
        set: Fingerprint,
        /// When.
        at: Timestamp,
    },
    /// Its key was recovered to open something.
    Opened {
        /// The set.
        set: Fingerprint,
        /// When.
        at: Timestamp,
    },
    /// It has to be replaced: a custodian left, or a share is lost.
    Retired {
        /// The set.
        set: Fingerprint,
        /// Why.
        reason: String,
        /// When.
        at: Timestamp,
    },
    /// Nothing that counts is sealed to it; its shares are to be destroyed.
    Died {
        /// The set.
        set: Fingerprint,
        /// When.
        at: Timestamp,
    },
}

/// Why an entry cannot follow those that are there, or they cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum KeyBoxError {
    /// They cannot be read, or are damaged.
    #[error("what is remembered of the sets of shares cannot be used: entry {number}: {why}")]
    Damaged {
        /// Which entry, from 1.
        number: usize,
        /// Why.
        why: String,
    },
    /// The set was signed by somebody else, or is not as it was signed.
    #[error(transparent)]
    Set(#[from] SignedError),
    /// It cannot follow.
    #[error(transparent)]
    Succession(#[from] SuccessionError),
    /// There are more or fewer holders than shares.
    #[error("the set `{set}` has {shares} shares, and {holders} people are to hold them: each share needs one person")]
    HolderCount {
        /// The set.
        set: SetId,
        /// Its shares.
        shares: u8,
        /// Holders that were named.
        holders: usize,
    },
    /// A set of the custodians and one of the reserve could be taken for each other.
    #[error("a set of the custodians and one of the reserve would both be called `{0}`; make it again")]
    SameName(SetId),
    /// One person would hold two shares.
    #[error("`{0}` would hold two shares of one set, and would count as two people; each share needs another person")]
    SamePerson(Name),
    /// Somebody speaks of a share that is another's.
    #[error("share {share} of the set `{set}` was given to `{holder}`, and not to `{person}`")]
    OtherHolder {
        /// The set.
        set: SetId,
        /// The share.
        share: u8,
        /// Who was given it.
        holder: Name,
        /// Who speaks of it.
        person: Name,
    },
    /// The ledger could not take it.
    #[error(transparent)]
    Line(#[from] LineError),
    /// It is not written down, or cannot be looked up.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A set with those who hold its shares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldSet {
    /// What is public of it.
    pub signed: SignedSet,
    /// Who was given which share: that of number 1 first.
    pub holders: Vec<Name>,
    /// Whether they are held outside.
    pub is_reserve: bool,
    /// Shares that were acknowledged.
    pub acknowledged: BTreeSet<u8>,
    /// When shares were put together last, in a rehearsal that gave the key.
    pub rehearsed_at: Option<Timestamp>,
    /// Shares that were among them at some time.
    pub rehearsed: BTreeSet<u8>,
}

impl Entry {
    /// The set that it speaks of; `None` of one that is only made.
    const fn set(&self) -> Option<Fingerprint> {
        match self {
            Self::Made { .. } => None,
            Self::Acknowledged { set, .. }
            | Self::Rehearsed { set, .. }
            | Self::Sealed { set, .. }
            | Self::Opened { set, .. }
            | Self::Retired { set, .. }
            | Self::Died { set, .. } => Some(*set),
        }
    }
}

impl HeldSet {
    /// What is public of it.
    #[must_use]
    pub const fn set(&self) -> &KeySet {
        self.signed.set()
    }

    /// Its fingerprint.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.set().recipient.fingerprint()
    }

    /// Who was given a share.
    #[must_use]
    pub fn holder(&self, share: u8) -> Option<&Name> {
        usize::from(share).checked_sub(1).and_then(|place| self.holders.get(place))
    }
}

/// The sets of a tenant, as they stand.
#[derive(Debug, Clone)]
pub struct KeyBox {
    operator: Fingerprint,
    sets: Vec<HeldSet>,
    /// The sets of the custodians.
    succession: Succession,
    /// The sets of the reserve, which follow each other on their own: an opening by the custodians leaves it as it is.
    reserve: Succession,
    length: usize,
}

impl KeyBox {
    /// With no set; those that are signed by this operator can be made.
    #[must_use]
    pub fn empty(operator: Fingerprint) -> Self {
        let (succession, reserve) = (Succession::default(), Succession::default());
        Self { operator, sets: Vec::new(), succession, reserve, length: 0 }
    }

    /// How the sets stand by what is remembered.
    ///
    /// # Errors
    /// It cannot be read, is damaged, or a set is not signed by this operator.
    pub fn of(store: &dyn Store, operator: Fingerprint) -> Result<Self, KeyBoxError> {
        let mut key_box = Self::empty(operator);
        for (number, value) in (1..).zip(store.entries(STREAM)?) {
            let damaged = |why: String| KeyBoxError::Damaged { number, why };
            let entry: Entry = serde_json::from_value(value).map_err(|error| damaged(error.to_string()))?;
            key_box.take(&entry).map_err(|error| damaged(error.to_string()))?;
        }
        Ok(key_box)
    }

    /// One entry more.
    ///
    /// # Errors
    /// It cannot follow those that are there; nothing is changed.
    pub fn take(&mut self, entry: &Entry) -> Result<(), KeyBoxError> {
        let event = match entry {
            Entry::Made { set, holders, is_reserve, .. } => {
                let signed = SignedSet::read(set)?.confirmed(self.operator)?;
                check_holders(&signed, holders)?;
                // A document names one of each, and shares say by the name which of the two they are of.
                let of_others = |held: &&HeldSet| held.is_reserve != *is_reserve;
                let is_alike =
                    |held: &HeldSet| held.set().id == signed.set().id || held.set().recipient == signed.set().recipient;
                if self.sets.iter().filter(of_others).any(is_alike) {
                    return Err(KeyBoxError::SameName(signed.set().id.clone()));
                }
                self.succession_of(*is_reserve).take(&SetEvent::Made(signed.set().clone()))?;
                let (acknowledged, holders, is_reserve) = (BTreeSet::new(), holders.clone(), *is_reserve);
                self.sets.push(HeldSet {
                    signed,
                    holders,
                    is_reserve,
                    acknowledged,
                    rehearsed_at: None,
                    rehearsed: BTreeSet::new(),
                });
                self.length += 1;
                return Ok(());
            }
            Entry::Acknowledged { set, share, person, .. } => {
                let held = self.set(*set)?;
                if let Some(holder) = held.holder(*share).filter(|holder| *holder != person) {
                    let (holder, person) = (holder.clone(), person.clone());
                    return Err(KeyBoxError::OtherHolder { set: held.set().id.clone(), share: *share, holder, person });
                }
                SetEvent::Acknowledged { set: *set, share: *share }
            }
            Entry::Rehearsed { set, shares, .. } => SetEvent::Rehearsed { set: *set, shares: shares.clone() },
            Entry::Sealed { set, .. } => SetEvent::Sealed(*set),
            Entry::Opened { set, .. } => SetEvent::Opened(*set),
            Entry::Retired { set, .. } => SetEvent::Retired(*set),
            Entry::Died { set, .. } => SetEvent::Died(*set),
        };
        let is_reserve = entry.set().is_some_and(|set| self.set(set).is_ok_and(|held| held.is_reserve));
        self.succession_of(is_reserve).take(&event)?;
        if let Some(held) = self.held_mut(&event) {
            match entry {
                Entry::Acknowledged { share, .. } => {
                    held.acknowledged.insert(*share);
                }
                Entry::Rehearsed { at, shares, .. } => {
                    held.rehearsed_at = Some(*at);
                    held.rehearsed.extend(shares);
                }
                _ => {}
            }
        }
        self.length += 1;
        Ok(())
    }

    const fn succession_of(&mut self, is_reserve: bool) -> &mut Succession {
        if is_reserve { &mut self.reserve } else { &mut self.succession }
    }

    fn held_mut(&mut self, event: &SetEvent) -> Option<&mut HeldSet> {
        let (SetEvent::Acknowledged { set, .. } | SetEvent::Rehearsed { set, .. }) = event else { return None };
        self.sets.iter_mut().find(|held| held.fingerprint() == *set)
    }

    /// Writes an entry down, and counts it.
    ///
    /// # Errors
    /// It cannot follow those that are there, or somebody else has written one at the same time. Nothing is changed.
    pub fn note(&mut self, store: &dyn Store, entry: &Entry) -> Result<(), KeyBoxError> {
        let mut next = self.clone();
        next.take(entry)?;
        let value = serde_json::to_value(entry)
            .map_err(|error| KeyBoxError::Damaged { number: self.length + 1, why: error.to_string() })?;
        check_line((STREAM, self.length), &value)?;
        store.append(STREAM, self.length, &value)?;
        *self = next;
        Ok(())
    }

    /// All sets, in the order in which they were made.
    #[must_use]
    pub fn sets(&self) -> &[HeldSet] {
        &self.sets
    }

    /// A set by its fingerprint.
    ///
    /// # Errors
    /// There is none.
    pub fn set(&self, fingerprint: Fingerprint) -> Result<&HeldSet, KeyBoxError> {
        let found = self.sets.iter().find(|held| held.fingerprint() == fingerprint);
        Ok(found.ok_or(SuccessionError::Unknown(fingerprint))?)
    }

    /// The set to seal to now.
    ///
    /// # Errors
    /// There is none, with what has to be done to have one.
    pub fn sealable(&self) -> Result<&HeldSet, SealableError> {
        let wanted = self.succession.sealable()?.recipient.fingerprint();
        self.set(wanted).map_err(|_| SealableError::None)
    }

    /// The reserve to seal to as well.
    ///
    /// # Errors
    /// There is none, with what has to be done to have one.
    pub fn reserve(&self) -> Result<&HeldSet, SealableError> {
        let wanted = self.reserve.sealable()?.recipient.fingerprint();
        self.set(wanted).map_err(|_| SealableError::None)
    }

    /// The next set of the custodians, with nothing wrong if it is ready to be sealed to.
    #[must_use]
    pub fn next(&self) -> Option<(&HeldSet, Result<(), SealableError>)> {
        self.held(self.succession.next()?)
    }

    /// The next set of the reserve, with nothing wrong if it is ready to be sealed to.
    #[must_use]
    pub fn next_reserve(&self) -> Option<(&HeldSet, Result<(), SealableError>)> {
        self.held(self.reserve.next()?)
    }

    fn held(
        &self,
        (set, ready): (&KeySet, Result<(), SealableError>),
    ) -> Option<(&HeldSet, Result<(), SealableError>)> {
        self.set(set.recipient.fingerprint()).ok().map(|held| (held, ready))
    }

    /// How a set stands, and why nothing is sealed to it any more, if that is so.
    #[must_use]
    pub fn standing(&self, set: Fingerprint) -> Option<(SetStanding, Option<Spent>)> {
        self.succession.standing(set).or_else(|| self.reserve.standing(set))
    }
}

fn check_holders(signed: &SignedSet, holders: &[Name]) -> Result<(), KeyBoxError> {
    let (set, shares) = (signed.set().id.clone(), signed.set().quorum.count());
    if holders.len() != usize::from(shares) {
        return Err(KeyBoxError::HolderCount { set, shares, holders: holders.len() });
    }
    let mut seen = BTreeSet::new();
    holders.iter().try_for_each(
        |holder| {
            if seen.insert(holder) { Ok(()) } else { Err(KeyBoxError::SamePerson(holder.clone())) }
        },
    )
}
