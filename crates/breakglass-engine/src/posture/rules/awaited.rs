//! Rules about the watcher (BG06xx) and about custody (BG07xx), whose evidence no snapshot holds.
//!
//! They have their codes and texts already. Until the watcher or custody is configured they do not apply; once one is
//! configured and its records are not at hand, they cannot tell.
//!
//! **Source:** requirements W1 to W7 and P2 to P6; the posture rules' sections on monitoring and custody.

use super::super::{Case, Finding, Rule, Severity, Status, finding};

/// What has to be configured.
#[derive(Clone, Copy)]
pub(super) enum Part {
    /// The watcher.
    Watcher,
    /// Custody.
    Custody,
}

/// One such rule.
pub(super) struct Awaited {
    pub(super) code: &'static str,
    pub(super) title: &'static str,
    pub(super) requirements: &'static [&'static str],
    pub(super) severity: Severity,
    pub(super) part: Part,
    pub(super) explanation: &'static str,
}

impl Rule for Awaited {
    fn code(&self) -> &'static str {
        self.code
    }

    fn title(&self) -> &'static str {
        self.title
    }

    fn requirements(&self) -> &'static [&'static str] {
        self.requirements
    }

    fn severity(&self) -> Severity {
        self.severity
    }

    fn explanation(&self) -> &'static str {
        self.explanation
    }

    fn check(&self, case: &Case<'_>) -> Vec<Finding> {
        vec![without_records(self, case, self.part)]
    }
}

/// The finding of a rule that needs the records of a part.
pub(super) fn without_records(rule: &dyn Rule, case: &Case<'_>, part: Part) -> Finding {
    let settings = case.settings;
    let (status, message) = match part {
        Part::Watcher if settings.watcher_is_configured => {
            (Status::Unknown, "It cannot be told: a watcher is configured, and its records were not read.")
        }
        Part::Watcher => (Status::NotApplicable, "No watcher is configured, so there is nothing to judge."),
        Part::Custody if settings.custody_is_configured => {
            (Status::Unknown, "It cannot be told: custody is configured, and its records were not read.")
        }
        Part::Custody => (Status::NotApplicable, "Custody is not configured, so there is nothing to judge."),
    };
    finding(rule, status, message)
}
