//! Exit codes: what scripts depend on. Fixed; none is ever given another meaning.

use std::process::ExitCode;

use breakglass_engine::guard::Verdict;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Judged, nothing to report.
    Good,
    /// Judged, and found something.
    Found,
    /// Usage, unreadable or malformed input: nothing was judged, nothing was changed.
    NotStarted,
    /// Judged, but data that the answer needs is missing.
    Unknown,
    /// Stopped part-way.
    Partial,
}

impl Exit {
    /// What the system is told.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Good => 0,
            Self::Found => 1,
            Self::NotStarted => 2,
            Self::Unknown => 3,
            Self::Partial => 4,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

impl From<Verdict> for Exit {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Same | Verdict::Better => Self::Good,
            Verdict::Lower | Verdict::BelowFloor | Verdict::LockedOut => Self::Found,
            Verdict::Unknown => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Exit, Verdict};

    #[test]
    fn a_verdict_has_its_exit() {
        let exits = Verdict::ALL.map(|verdict| (verdict.name(), Exit::from(verdict)));
        let expected = [
            ("same", Exit::Good),
            ("better", Exit::Good),
            ("lower", Exit::Found),
            ("below-floor", Exit::Found),
            ("locked-out", Exit::Found),
            ("unknown", Exit::Unknown),
        ];
        assert_eq!(exits, expected);
    }
}
