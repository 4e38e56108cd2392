//! Yes, no and unknown.

/// A three-valued answer. Its order is that of certainty towards yes, so that *any of* is the greatest and
/// *all of* the least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Answer {
    /// Certainly not.
    No,
    /// Cannot be told.
    Unknown,
    /// Certainly.
    Yes,
}

impl Answer {
    pub(crate) const fn of(truth: bool) -> Self {
        if truth { Self::Yes } else { Self::No }
    }

    /// What it means that something is not in a list: nothing unless the list is complete.
    pub(crate) const fn of_absence<T>(complete_list: Result<&T, &str>) -> Self {
        if complete_list.is_ok() { Self::No } else { Self::Unknown }
    }

    /// Yes if any is yes, else unknown if any is unknown; no of none.
    pub(crate) fn any(answers: impl IntoIterator<Item = Self>) -> Self {
        answers.into_iter().max().unwrap_or(Self::No)
    }

    /// No if either is no, else unknown if either is unknown.
    pub(crate) fn and(self, other: Self) -> Self {
        self.min(other)
    }

    pub(crate) const fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Unknown => Self::Unknown,
            Self::Yes => Self::No,
        }
    }

    /// Included and not excluded.
    pub(crate) fn without(self, excluded: Self) -> Self {
        self.and(excluded.not())
    }

    pub(crate) const fn known(self) -> Option<bool> {
        match self {
            Self::No => Some(false),
            Self::Unknown => None,
            Self::Yes => Some(true),
        }
    }
}
