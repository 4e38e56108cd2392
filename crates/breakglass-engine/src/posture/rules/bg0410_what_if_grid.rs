//! BG0410: every recovery tool opens to every account, from anywhere, on anything.
//!
//! **Source:** requirement X7: verified by What If for each policy, and by a test sign-in from outside.

use breakglass_model::object::ObjectKey;

use super::super::{Case, Finding, Fix, Profile, Rule, Severity, Status, finding};
use super::account::nobody;
use super::grid::{AccountGrid, Cause, GRID_SITUATION_COUNT_MAX, Grid};
use super::scope;

pub(super) struct WhatIfGrid;

impl Rule for WhatIfGrid {
    fn code(&self) -> &'static str {
        "BG0410"
    }

    fn title(&self) -> &'static str {
        "Every recovery tool opens to the emergency accounts from anywhere"
    }

    fn requirements(&self) -> &'static [&'static str] {
        &["X7", "X4", "A6"]
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn explanation(&self) -> &'static str {
        "\
**What it means.** For each emergency account, the sign-in to each tool that an administrator would recover the \
tenant with (portals, command lines, Microsoft Graph) was worked out: in a browser and in an application, on every \
platform, from every place that policies tell apart, at every sign-in and user risk, on an unregistered, a compliant \
and a hybrid joined device. None of these situations is closed.

**Why it matters.** It is the question itself. A rule about exclusions can be kept to the letter and the portal be \
closed all the same, because mandatory multifactor authentication and security defaults know no exclusion (E1, E2).

**How it is judged.** A situation is *blocked* if a policy blocks, or demands what the account or the device cannot \
give, or if the tool demands multifactor authentication that the account has no method for; *needed* if it gets in \
with what it has besides the password; *allowed* if the password is enough. One blocked situation fails, high. \
Under the profile `classic`, situations that only mandatory multifactor authentication closes are a note: the \
classic course wants no second factor, and BG0502 says what that costs. A policy that may apply gives `unknown`. \
Clients that cannot be prompted are not tried, since no recovery tool is one.

**What to do.** Follow BG0401, BG0501 and BG0502. Then make a test sign-in from outside the office.

**Source:** requirements X4, X7; Microsoft, *The Conditional Access What If tool*; *Planning for mandatory \
multifactor authentication* (3 April 2026); *Security defaults*. Graph's own `evaluate` was not asked."
    }

    fn check(&self, case: &Case<'_>) -> Vec<Finding> {
        if let Some(finding) = nobody(self, case).or_else(|| scope::no_policies(self, case)) {
            return vec![finding];
        }
        let grid = Grid::of(case);
        let mut findings = Vec::new();
        for (accounts, shared) in grid.shared() {
            findings.extend(self.closed(case, &accounts, shared));
            findings.extend(self.unsure(case, &accounts, shared));
        }
        if grid.is_cut {
            let message = format!(
                "The grid ({}) has more than {GRID_SITUATION_COUNT_MAX} situations; the rest was not worked out.",
                grid.axes
            );
            findings.push(finding(self, Status::Unknown, message));
        }
        findings.extend(scope::partial_policies(self, case));
        if findings.is_empty() {
            findings.push(self.open(case, &grid));
        }
        findings
    }
}

impl WhatIfGrid {
    /// The situations that are closed to some accounts alike.
    fn closed(&self, case: &Case<'_>, accounts: &[ObjectKey], grid: &AccountGrid) -> Option<Finding> {
        let counts = grid.counts();
        if counts.blocked == 0 {
            return None;
        }
        let policy = |cause: &Cause| match cause {
            Cause::Policy(index) => case.access.policies().get(*index),
            Cause::MandatoryMfa | Cause::SecurityDefaults => None,
        };
        let words = |cause: &Cause| {
            policy(cause).map_or_else(|| cause.to_string(), |policy| format!("policy `{}`", policy.name()))
        };
        let causes: Vec<String> =
            grid.blocked_by.iter().map(|(cause, count)| format!("{count} by {}", words(cause))).collect();
        let example = grid.examples.first().map_or("", |example| example.words.as_str());
        let tools = grid.tools.iter().filter(|tool| tool.counts.blocked == tool.counts.total());
        let shut: Vec<String> = tools.map(|tool| tool.tool.name.to_owned()).collect();
        let shut = if shut.is_empty() { String::new() } else { format!(" Shut altogether: {}.", scope::listed(&shut)) };
        let message = format!(
            "{} cannot sign in, in {} of {} situations: {}. For example: {example}.{shut}",
            scope::account_names(case, accounts),
            counts.blocked,
            counts.total(),
            scope::listed(&causes)
        );
        let mut about = scope::account_references(case, accounts);
        about.extend(grid.blocked_by.keys().filter_map(policy).map(Case::policy));
        let is_beside = |cause: &Cause| policy(cause).is_none();
        if case.settings.profile == Profile::Classic
            && grid.blocked_by.keys().all(|cause| *cause == Cause::MandatoryMfa)
        {
            return Some(finding(self, Status::Pass, message).at(Severity::Info).about(about));
        }
        let fix = match (grid.blocked_by.keys().any(is_beside), grid.blocked_by.keys().all(is_beside)) {
            (true, true) => "Register a passkey or a certificate for each account.",
            (true, false) => {
                "Exclude the accounts from the policies that are named, and register a passkey or a certificate for each."
            }
            (false, _) => "Exclude the accounts from the policies that are named.",
        };
        Some(finding(self, Status::Fail, message).about(about).fixed_by(Fix::text(fix)))
    }

    /// The situations that could not be told, of some accounts alike.
    fn unsure(&self, case: &Case<'_>, accounts: &[ObjectKey], grid: &AccountGrid) -> Option<Finding> {
        let counts = grid.counts();
        let names = scope::account_names(case, accounts);
        let message = match (counts.total(), counts.unknown) {
            (0, _) => format!("The snapshot does not have {names}, so nothing was worked out."),
            (_, 0) => return None,
            (total, unknown) => format!(
                "Whether {names} can sign in cannot be told in {unknown} of {total} situations: {}.",
                grid.whys.join("; ")
            ),
        };
        Some(finding(self, Status::Unknown, message).about(scope::account_references(case, accounts)))
    }

    fn open(&self, case: &Case<'_>, grid: &Grid) -> Finding {
        let each = grid.shared().into_iter().map(|(accounts, shared)| {
            let counts = shared.counts();
            format!(
                "{}: the password is enough in {} of {} situations, and what they have besides in all the others",
                scope::account_names(case, &accounts),
                counts.allowed,
                counts.total()
            )
        });
        let each: Vec<String> = each.collect();
        let message = format!("{}. The grid: {}.", each.join("; "), grid.axes);
        finding(self, Status::Pass, message).about(scope::account_references(case, &case.accounts.keys))
    }
}
