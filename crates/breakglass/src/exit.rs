//! Exit codes: what scripts depend on. Fixed; none is ever given another meaning.

use std::process::ExitCode;

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

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Good => 0,
            Exit::Found => 1,
            Exit::NotStarted => 2,
            Exit::Unknown => 3,
            Exit::Partial => 4,
        })
    }
}
