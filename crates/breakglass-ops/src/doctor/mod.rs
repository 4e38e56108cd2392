//! What will and will not work with a live tenant, one observation a line: what is, what follows, what to do.
//!
//! [`ask`] asks the tenant and keeps each answer or the reason that there is none; everything else here judges what came
//! of it and asks nobody. Nothing is changed.
//!
//! **Invariant:** what was not answered is [`Verdict::Unknown`] and never good.

mod ask;
mod doors;
mod measured;
mod permissions;

pub use self::ask::{ACCOUNT_COUNT_MAX, AccountSeen, Asked, LogsSeen, application_name, ask};
pub use self::doors::{account, depositories, role};
pub use self::measured::{Clocks, SKEW_SECONDS_BAD, SKEW_SECONDS_LOOK, clock, licence, logs, security_defaults};
pub use self::permissions::{AZURE_CLI, Consent, permissions, signed_in, unconsented};

/// What an observation means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Something will not work.
    Bad,
    /// It was not answered.
    Unknown,
    /// It works, and somebody should know what it costs.
    Look,
    /// It works.
    Good,
}

impl Verdict {
    /// Every verdict, the worst first.
    pub const ALL: [Self; 4] = [Self::Bad, Self::Unknown, Self::Look, Self::Good];

    /// Its name in documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bad => "bad",
            Self::Unknown => "unknown",
            Self::Look => "look",
            Self::Good => "good",
        }
    }
}

/// An observation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What it is about, in a word or two.
    pub topic: &'static str,
    /// What it means.
    pub verdict: Verdict,
    /// What is.
    pub what: String,
    /// What follows from it.
    pub so_what: String,
    /// What to do; nothing if there is nothing to do.
    pub do_this: Option<String>,
}

impl Line {
    /// An observation with nothing to do.
    pub fn new(topic: &'static str, verdict: Verdict, what: impl Into<String>, so_what: impl Into<String>) -> Self {
        Self { topic, verdict, what: what.into(), so_what: so_what.into(), do_this: None }
    }

    /// The same with something to do.
    #[must_use]
    pub fn with_remedy(self, do_this: impl Into<String>) -> Self {
        Self { do_this: Some(do_this.into()), ..self }
    }
}

/// `1 minute`, `3 minutes`.
fn counted(count: impl Into<i64>, noun: &str) -> String {
    let count = count.into();
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// Names as they are listed in a sentence.
fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
