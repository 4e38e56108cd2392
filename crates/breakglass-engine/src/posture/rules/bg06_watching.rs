//! BG0601 to BG0604 and BG0606: the accounts are watched, and a change is noticed.

use super::super::Severity;
use super::awaited::{Awaited, Part};

pub(super) const SIGN_IN_ALERT: Awaited = Awaited {
    code: "BG0601",
    title: "Every sign-in of an emergency account raises an alert that reaches somebody",
    requirements: &["W1", "W2", "W3"],
    severity: Severity::Critical,
    part: Part::Watcher,
    explanation: "\
**What it means.** A rule on the accounts' object ids is switched on, sees interactive and non-interactive sign-ins, \
successful or not, runs every few minutes, and its alert has receivers that exist.

**Why it matters.** An emergency account is used in an emergency or by a thief. Without an alert nobody tells the two \
apart (situation E4). Rules on sign-in names break at a rename, and a rule that is switched off looks the same in a \
list.

**How it is judged.** By the watcher's own state and records. While no watcher is configured the rule does not apply; \
with one whose records were not read it is `unknown`.

**What to do.** Configure the watcher, and let a drill prove that the alert arrives.

**Source:** Microsoft, *Manage emergency access accounts* (4 June 2026): an alert of severity 0 on the object id.",
};

pub(super) const ALERT_PROVED: Awaited = Awaited {
    code: "BG0602",
    title: "A drill has proved the alert in the last 90 days",
    requirements: &["P6", "W1", "W2"],
    severity: Severity::Critical,
    part: Part::Watcher,
    explanation: "\
**What it means.** In the last 90 days somebody signed in with an emergency account on purpose, the alert arrived, and \
a person acknowledged it. The time it took is written down.

**Why it matters.** An alert that was never seen to arrive is a hope. Receivers leave, numbers change, exports stop \
(situations E1 and E4).

**How it is judged.** By the records of drills and incidents. While no watcher is configured the rule does not apply; \
with one whose records were not read it is `unknown`.

**What to do.** Sign in with each account as an announced drill, and repeat it at least every 90 days and after every change of staff.

**Source:** Microsoft, *Manage emergency access accounts* (4 June 2026): validate every 90 days.",
};

pub(super) const CHANGES_SEEN: Awaited = Awaited {
    code: "BG0603",
    title: "Changes to the arrangement raise an alert",
    requirements: &["W5", "X2"],
    severity: Severity::High,
    part: Part::Watcher,
    explanation: "\
**What it means.** An alert is raised when the password, a method, the role or a group of an emergency account \
changes, when the exclusion group changes, when a Conditional Access policy is made, changed or deleted, and when the \
export of logs is removed.

**Why it matters.** The arrangement is right on the day it is made. What undoes it is a later change by somebody who \
does not think of it, or by somebody who does (situations E2 and E4).

**How it is judged.** By the watcher's own state. While no watcher is configured the rule does not apply; with one \
whose records were not read it is `unknown`.

**What to do.** Configure the watcher for the audit log as well.

**Source:** requirement W5 of this product; published hunting queries of Microsoft Sentinel (2026).",
};

pub(super) const LOGS_EXPORTED: Awaited = Awaited {
    code: "BG0604",
    title: "The logs are exported and kept long enough",
    requirements: &["S5", "W4"],
    severity: Severity::High,
    part: Part::Watcher,
    explanation: "\
**What it means.** Interactive and non-interactive sign-ins and the audit log leave the directory as they are written, \
and are kept as long as your rules ask for.

**Why it matters.** The directory keeps sign-ins for 7 or 30 days. An intrusion is often found later than that, and \
the first question will be whether the emergency accounts were used (situation E4).

**How it is judged.** By the diagnostic settings that the watcher reads. While no watcher is configured the rule does \
not apply; with one whose records were not read it is `unknown`.

**What to do.** Export `SignInLogs`, `NonInteractiveUserSignInLogs` and `AuditLogs`.

**Source:** Microsoft, *Microsoft Entra data retention* (6 January 2026).",
};

pub(super) const DRIFT: Awaited = Awaited {
    code: "BG0606",
    title: "Nothing has drifted from the approved state",
    requirements: &["W5", "X2"],
    severity: Severity::High,
    part: Part::Watcher,
    explanation: "\
**What it means.** Since somebody last approved the state of things, no exclusion was removed, no policy added without \
one, no method or role taken from an account, and no account disabled.

**Why it matters.** Small changes add up to a lockout without anybody having decided it (situation E2).

**How it is judged.** By comparison with the approved baseline that the watcher keeps. While no watcher is configured \
the rule does not apply; with one whose records were not read it is `unknown`.

**What to do.** Look at each difference; undo it, or approve the new state.

**Source:** requirement W5 of this product.",
};
