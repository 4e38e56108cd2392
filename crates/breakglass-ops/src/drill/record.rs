//! What is remembered of the drills of one account: entries that are added and never changed, and how things stand by them.
//!
//! Each step is written down before it is done and again when it is, so that whoever is stopped leaves what is true: what was
//! tried, what was seen, and that an elevation may stand.
//! **Invariant:** an entry that cannot follow the ones before it is refused and changes nothing. A surface stands as it was
//! seen in the last drill that tried it and came to its end, whatever that drill was for besides; what is not known is not
//! good. That an account gets in from outside is known by a drill from there alone. An elevation is good only if it was seen,
//! and seen to be gone again. Entries follow each other as they stand, whatever their times: a clock that once was wrong stops
//! no drill. One that ended in a time to come says nothing of when the next is due, which it is then.
//! **Limits:** [`REASON_CHARS_MAX`], [`WHY_CHARS_MAX`], [`CLOCK_MINUTES_AHEAD_MAX`].
//! **Source:** "Manage emergency access accounts in Microsoft Entra ID": validated every 90 days at least, and after a change
//! of staff. Requirement X7: verified by a real sign-in from outside the corporate network.

use std::collections::{BTreeMap, BTreeSet};

use breakglass_custody::approval::REASON_CHARS_MAX;
use breakglass_custody::name::Name;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Days after which a drill is due again.
pub const DRILL_DAYS_MAX: i64 = 90;

/// Minutes by which the end of a drill may be ahead of the clock: as far as clocks are corrected without anybody setting them.
pub const CLOCK_MINUTES_AHEAD_MAX: i64 = 5;

/// People who have to be there.
pub const PERSON_COUNT_MIN: usize = 2;

/// Characters of the longest reason that is kept of what was seen; more is cut off.
pub const WHY_CHARS_MAX: usize = 1_000;

/// What is tried in a drill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Surface {
    /// Microsoft Graph, by the password.
    #[serde(rename = "microsoft-graph")]
    MicrosoftGraph,
    /// Azure Resource Manager, by the password.
    #[serde(rename = "azure-resource-manager")]
    AzureResourceManager,
    /// Elevation to User Access Administrator of all of Azure, and back.
    #[serde(rename = "azure-elevation")]
    AzureElevation,
    /// The Microsoft Entra admin center, by a person.
    #[serde(rename = "entra-admin-center")]
    EntraAdminCenter,
    /// The Azure portal, by a person.
    #[serde(rename = "azure-portal")]
    AzurePortal,
    /// The Microsoft 365 admin center, by a person.
    #[serde(rename = "microsoft-365-admin-center")]
    Microsoft365AdminCenter,
}

impl Surface {
    /// Each, in the order in which they are tried.
    pub const ALL: [Self; 6] = [
        Self::MicrosoftGraph,
        Self::AzureResourceManager,
        Self::AzureElevation,
        Self::EntraAdminCenter,
        Self::AzurePortal,
        Self::Microsoft365AdminCenter,
    ];

    /// Its name, in records and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::MicrosoftGraph => "microsoft-graph",
            Self::AzureResourceManager => "azure-resource-manager",
            Self::AzureElevation => "azure-elevation",
            Self::EntraAdminCenter => "entra-admin-center",
            Self::AzurePortal => "azure-portal",
            Self::Microsoft365AdminCenter => "microsoft-365-admin-center",
        }
    }

    /// Whether a person has to look: no program signs in to a portal.
    #[must_use]
    pub const fn is_portal(self) -> bool {
        matches!(self, Self::EntraAdminCenter | Self::AzurePortal | Self::Microsoft365AdminCenter)
    }

    /// Whether it is of Azure, which some tenants do not have.
    #[must_use]
    pub const fn is_azure(self) -> bool {
        matches!(self, Self::AzureResourceManager | Self::AzureElevation | Self::AzurePortal)
    }
}

/// From where a drill is done, as somebody who is there says: a policy that keeps others out of the tenant may let in whoever
/// is inside the networks that it trusts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Vantage {
    /// From outside the networks that policies trust, as whoever repairs a tenant at night.
    Outside,
    /// From inside one of them.
    Inside,
    /// Nobody said it; older entries do not.
    #[default]
    Unknown,
}

impl Vantage {
    /// Each.
    pub const ALL: [Self; 3] = [Self::Outside, Self::Inside, Self::Unknown];

    /// Its name, in records and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Outside => "outside",
            Self::Inside => "inside",
            Self::Unknown => "unknown",
        }
    }

    const fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }
}

/// What was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// The account gets in.
    Good,
    /// It cannot be told.
    Unknown,
    /// It does not.
    Bad,
}

/// Who saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SeenBy {
    /// This program.
    Program,
    /// Somebody who was asked.
    Person,
}

/// How a drill begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Begun {
    /// The document that was opened for it.
    pub document: Name,
    /// Who is there.
    pub people: BTreeSet<Name>,
    /// The custodians and people whom the configuration knows at that time.
    pub staff: BTreeSet<Name>,
    /// What is to be tried.
    pub surfaces: BTreeSet<Surface>,
    /// From where; not written where nobody said it.
    #[serde(default, skip_serializing_if = "Vantage::is_unknown")]
    pub from: Vantage,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// What was seen of a surface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Tried {
    /// Which.
    pub surface: Surface,
    /// What came of it.
    pub outcome: Outcome,
    /// What was said, without secrets; empty where it is good and nothing is to be said.
    pub why: String,
    /// Who saw it.
    pub seen_by: SeenBy,
    /// How long it took.
    pub milliseconds: u64,
    /// When it was seen.
    pub at: Timestamp,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "camelCase", deny_unknown_fields)]
pub enum Entry {
    /// A drill begins. One that was under way was stopped.
    Begun(Begun),
    /// A surface is about to be tried.
    Trying {
        /// Which.
        surface: Surface,
        /// When.
        at: Timestamp,
    },
    /// It was.
    Tried(Tried),
    /// Elevation is about to be asked for: from here on it may stand.
    Elevating {
        /// When.
        at: Timestamp,
    },
    /// It stands.
    Elevated {
        /// When it was seen.
        at: Timestamp,
    },
    /// None stands.
    Lowered {
        /// When that was seen.
        at: Timestamp,
    },
    /// The drill is over.
    Ended {
        /// When.
        at: Timestamp,
    },
}

/// Why an entry cannot follow those that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// No drill is.
    #[error("no drill is under way")]
    NotUnderWay,
    /// It is not of this drill, or was tried.
    #[error("`{}` is not to be tried now", .0.name())]
    OutOfTurn(Surface),
    /// Something is being tried.
    #[error("`{}` is being tried", .0.name())]
    Trying(Surface),
    /// An elevation stands or may stand, and it cannot be asked for or said to be good.
    #[error("an elevation of the account stands, or may stand: it has to be taken back first")]
    MayStand,
    /// None was asked for.
    #[error("no elevation was asked for")]
    NotElevated,
    /// Too few people, or nothing to try.
    #[error("a drill has at least {PERSON_COUNT_MIN} people and one surface")]
    Nobody,
    /// A reason is missing or too long.
    #[error("a reason has 1 to {REASON_CHARS_MAX} characters")]
    Reason,
}

/// Whether the account stands elevated by a drill.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Elevation {
    /// It does not.
    #[default]
    None,
    /// It was asked for, and what came of it is not known.
    Perhaps,
    /// It does.
    Stands,
}

/// How a surface was seen last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// What came of it.
    pub outcome: Outcome,
    /// How the drill began.
    pub begun: Begun,
    /// When it ended.
    pub ended_at: Timestamp,
}

/// Why a drill is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// An elevation stands or may stand since a drill.
    Elevated,
    /// One was begun and has not ended.
    Stopped {
        /// When it was begun.
        begun_at: Timestamp,
    },
    /// None has come to its end.
    Never,
    /// Surfaces that the account did not get into when they were tried last.
    NotGood {
        /// Which.
        surfaces: BTreeSet<Surface>,
    },
    /// Surfaces that were not tried, or of which it could not be told.
    Untold {
        /// Which.
        surfaces: BTreeSet<Surface>,
    },
    /// What was seen is [`DRILL_DAYS_MAX`] days old.
    Old {
        /// When the oldest was over.
        ended_at: Timestamp,
    },
    /// By the clock one ended in a time to come, so that nobody knows how old it is.
    Ahead {
        /// When it ended, by the clock of then.
        ended_at: Timestamp,
    },
    /// Surfaces that the account was not seen to get into from outside the networks that policies trust, in the last drill
    /// that tried it from there, or of which that is [`DRILL_DAYS_MAX`] days old.
    NotOutside {
        /// Which.
        surfaces: BTreeSet<Surface>,
    },
    /// Custodians or people of the configuration are others than they were then.
    Staff {
        /// Who is new.
        new: BTreeSet<Name>,
        /// Who is gone.
        gone: BTreeSet<Name>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct UnderWay {
    begun: Begun,
    trying: Option<Surface>,
    tried: BTreeMap<Surface, Outcome>,
    /// Whether an elevation was seen in this drill.
    was_elevated: bool,
}

/// How the drills of one account stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Course {
    under_way: Option<UnderWay>,
    elevation: Elevation,
    /// How each was seen last, of those that were tried.
    seen: BTreeMap<Surface, Seen>,
    /// The same, of drills from outside.
    seen_outside: BTreeMap<Surface, Seen>,
    has_ended: bool,
}

impl Course {
    /// How things stand by entries, in their order.
    ///
    /// # Errors
    /// One cannot follow the ones before it.
    pub fn of<'e>(entries: impl IntoIterator<Item = &'e Entry>) -> Result<Self, EntryError> {
        let mut course = Self::default();
        entries.into_iter().try_for_each(|entry| course.add(entry))?;
        Ok(course)
    }

    /// Adds an entry.
    ///
    /// # Errors
    /// It cannot follow those that are there. Nothing has changed then.
    pub fn add(&mut self, entry: &Entry) -> Result<(), EntryError> {
        match entry {
            Entry::Begun(begun) => self.begin(begun)?,
            Entry::Trying { surface, .. } => {
                let drill = self.drill()?;
                if let Some(other) = drill.trying {
                    return Err(EntryError::Trying(other));
                }
                if !drill.begun.surfaces.contains(surface) || drill.tried.contains_key(surface) {
                    return Err(EntryError::OutOfTurn(*surface));
                }
                drill.trying = Some(*surface);
            }
            Entry::Tried(tried) => self.tried(tried)?,
            Entry::Elevating { .. } => {
                let elevation = self.elevation;
                if self.drill()?.trying != Some(Surface::AzureElevation) {
                    return Err(EntryError::OutOfTurn(Surface::AzureElevation));
                }
                if elevation != Elevation::None {
                    return Err(EntryError::MayStand);
                }
                self.elevation = Elevation::Perhaps;
            }
            Entry::Elevated { .. } => {
                if self.elevation != Elevation::Perhaps {
                    return Err(EntryError::NotElevated);
                }
                let drill = self.drill()?;
                if drill.trying != Some(Surface::AzureElevation) {
                    return Err(EntryError::OutOfTurn(Surface::AzureElevation));
                }
                drill.was_elevated = true;
                self.elevation = Elevation::Stands;
            }
            Entry::Lowered { .. } if self.elevation == Elevation::None => return Err(EntryError::NotElevated),
            Entry::Lowered { .. } => self.elevation = Elevation::None,
            Entry::Ended { at } => self.end(*at)?,
        }
        Ok(())
    }

    fn drill(&mut self) -> Result<&mut UnderWay, EntryError> {
        self.under_way.as_mut().ok_or(EntryError::NotUnderWay)
    }

    fn begin(&mut self, begun: &Begun) -> Result<(), EntryError> {
        if begun.people.len() < PERSON_COUNT_MIN || begun.surfaces.is_empty() {
            return Err(EntryError::Nobody);
        }
        if !(1..=REASON_CHARS_MAX).contains(&begun.reason.trim().chars().count()) {
            return Err(EntryError::Reason);
        }
        let (trying, tried, was_elevated) = (None, BTreeMap::new(), false);
        self.under_way = Some(UnderWay { begun: begun.clone(), trying, tried, was_elevated });
        Ok(())
    }

    fn tried(&mut self, tried: &Tried) -> Result<(), EntryError> {
        let elevation = self.elevation;
        let drill = self.drill()?;
        if drill.trying != Some(tried.surface) {
            return Err(EntryError::OutOfTurn(tried.surface));
        }
        if (tried.surface, tried.outcome) == (Surface::AzureElevation, Outcome::Good) {
            if elevation != Elevation::None {
                return Err(EntryError::MayStand);
            }
            if !drill.was_elevated {
                return Err(EntryError::NotElevated);
            }
        }
        drill.trying = None;
        drill.tried.insert(tried.surface, tried.outcome);
        Ok(())
    }

    fn end(&mut self, at: Timestamp) -> Result<(), EntryError> {
        let drill = self.under_way.as_ref().ok_or(EntryError::NotUnderWay)?;
        if let Some(surface) = drill.trying {
            return Err(EntryError::Trying(surface));
        }
        for surface in &drill.begun.surfaces {
            // What was to be tried and was not is not known.
            let outcome = drill.tried.get(surface).copied().unwrap_or(Outcome::Unknown);
            let seen = Seen { outcome, begun: drill.begun.clone(), ended_at: at };
            if drill.begun.from == Vantage::Outside {
                self.seen_outside.insert(*surface, seen.clone());
            }
            self.seen.insert(*surface, seen);
        }
        self.has_ended = true;
        self.under_way = None;
        Ok(())
    }

    /// How the drill began that is under way, or was stopped and has not been begun again.
    #[must_use]
    pub fn under_way(&self) -> Option<&Begun> {
        self.under_way.as_ref().map(|drill| &drill.begun)
    }

    /// Whether the account stands elevated by a drill.
    #[must_use]
    pub const fn elevation(&self) -> Elevation {
        self.elevation
    }

    /// How a surface was seen in the last drill that tried it and has ended.
    #[must_use]
    pub fn seen(&self, surface: Surface) -> Option<&Seen> {
        self.seen.get(&surface)
    }

    /// The same, of the last drill from outside the networks that policies trust.
    #[must_use]
    pub fn seen_outside(&self, surface: Surface) -> Option<&Seen> {
        self.seen_outside.get(&surface)
    }

    /// Why a drill is due at a time; `wanted` is what the account has to get into, and `staff` are the custodians and people
    /// whom the configuration knows then.
    ///
    /// Staff has changed if somebody of it was not known when a surface was seen, or somebody who was is known no more.
    #[must_use]
    pub fn due(&self, now: Timestamp, wanted: &BTreeSet<Surface>, staff: &BTreeSet<Name>) -> Option<Due> {
        if self.elevation != Elevation::None {
            return Some(Due::Elevated);
        }
        if let Some(begun) = self.under_way() {
            return Some(Due::Stopped { begun_at: begun.at });
        }
        if !self.has_ended {
            return Some(Due::Never);
        }
        let outcome = |surface: &Surface| self.seen(*surface).map_or(Outcome::Unknown, |seen| seen.outcome);
        let with = |wanted_outcome| -> BTreeSet<Surface> {
            wanted.iter().copied().filter(|surface| outcome(surface) == wanted_outcome).collect()
        };
        let (bad, unknown) = (with(Outcome::Bad), with(Outcome::Unknown));
        if !bad.is_empty() {
            return Some(Due::NotGood { surfaces: bad });
        }
        if !unknown.is_empty() {
            return Some(Due::Untold { surfaces: unknown });
        }
        let seen = || wanted.iter().filter_map(|surface| self.seen(*surface));
        let latest = seen().map(|seen| seen.ended_at).max()?;
        if now.duration_until(latest) > SignedDuration::from_mins(CLOCK_MINUTES_AHEAD_MAX) {
            return Some(Due::Ahead { ended_at: latest });
        }
        let oldest = seen().map(|seen| seen.ended_at).min()?;
        if oldest.duration_until(now) >= SignedDuration::from_hours(24 * DRILL_DAYS_MAX) {
            return Some(Due::Old { ended_at: oldest });
        }
        let not_outside = self.not_outside(now, wanted);
        if !not_outside.is_empty() {
            return Some(Due::NotOutside { surfaces: not_outside });
        }
        let less = |one: &BTreeSet<Name>, other: &BTreeSet<Name>| one.difference(other).cloned().collect();
        let other = seen().find(|seen| seen.begun.staff != *staff)?;
        Some(Due::Staff { new: less(staff, &other.begun.staff), gone: less(&other.begun.staff, staff) })
    }

    /// Those of which a drill from outside has not shown lately that the account gets in.
    fn not_outside(&self, now: Timestamp, wanted: &BTreeSet<Surface>) -> BTreeSet<Surface> {
        let is_fresh = |ended_at: Timestamp| {
            let age = ended_at.duration_until(now);
            // Of one that ended in a time to come nobody knows how old it is.
            age >= -SignedDuration::from_mins(CLOCK_MINUTES_AHEAD_MAX)
                && age < SignedDuration::from_hours(24 * DRILL_DAYS_MAX)
        };
        let is_shown = |seen: &Seen| seen.outcome == Outcome::Good && is_fresh(seen.ended_at);
        wanted.iter().copied().filter(|surface| !self.seen_outside(*surface).is_some_and(is_shown)).collect()
    }
}
