//! Gates before those parts of Graph that take very few requests.
//!
//! They hold for this process. Conditional Access and Identity Protection take one request a second from all applications
//! of a tenant together, and say no without saying for how long; so others may still be in the way. What is asked for
//! within a batch is not seen here.
//! **Source:** "Microsoft Graph service-specific throttling limits", Identity protection and conditional access, and
//! Identity and access reports, read 2026-11-26.

use std::collections::VecDeque;
use std::time::Duration;

use breakglass_ops::ports::Clock;
use jiff::Timestamp;
use tokio::sync::Mutex;

/// Which paths, below the version, are behind which gate: how many requests, in how many seconds.
const GATES: [(&[&str], usize, u64); 2] =
    [(&["identity/conditionalaccess", "identityprotection"], 1, 1), (&["auditlogs"], 5, 10)];

/// A gate that lets a number of requests through in a time.
struct Gate {
    prefixes: &'static [&'static str],
    count: usize,
    within: Duration,
    /// When the last ones went through, the oldest first.
    passed: Mutex<VecDeque<Timestamp>>,
}

/// All of them.
pub(super) struct Gates(Vec<Gate>);

impl Gates {
    pub(super) fn new() -> Self {
        let gate = |(prefixes, count, seconds)| Gate {
            prefixes,
            count,
            within: Duration::from_secs(seconds),
            passed: Mutex::new(VecDeque::new()),
        };
        Self(GATES.into_iter().map(gate).collect())
    }

    /// Waits until a request to a path may go. Who waits goes in order.
    pub(super) async fn pass(&self, path: &str, clock: &dyn Clock) {
        if let Some(gate) = self.0.iter().find(|gate| gate.is_before(path)) {
            gate.pass(clock).await;
        }
    }
}

impl Gate {
    /// Whether a path, as `/v1.0/auditLogs/signIns`, is behind it; Graph does not look at capitals.
    fn is_before(&self, path: &str) -> bool {
        let path = path.trim_start_matches('/').to_ascii_lowercase();
        let Some((_version, rest)) = path.split_once('/') else { return false };
        let is_below = |prefix: &&str| {
            rest.strip_prefix(*prefix).is_some_and(|below| below.is_empty() || below.starts_with(['/', '(']))
        };
        self.prefixes.iter().any(is_below)
    }

    async fn pass(&self, clock: &dyn Clock) {
        let mut passed = self.passed.lock().await;
        if passed.len() >= self.count
            && let Some(oldest) = passed.pop_front()
        {
            // A clock that was put back makes nobody wait longer than the time of the gate.
            let gone = Duration::try_from(clock.now().duration_since(oldest)).unwrap_or(Duration::ZERO);
            if let Some(left) = self.within.checked_sub(gone).filter(|left| !left.is_zero()) {
                clock.sleep(left).await;
            }
        }
        passed.push_back(clock.now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_paths_behind_each_gate() {
        let gates = Gates::new();
        let which = |path: &str| gates.0.iter().position(|gate| gate.is_before(path));
        for (path, expected) in [
            ("/v1.0/identity/conditionalAccess/policies", Some(0)),
            ("/beta/identity/CONDITIONALACCESS/namedLocations/1", Some(0)),
            ("/v1.0/identity/conditionalAccess", Some(0)),
            ("/v1.0/identityProtection/riskyUsers", Some(0)),
            ("/v1.0/auditLogs/signIns", Some(1)),
            ("/v1.0/auditLogs/directoryAudits('x')", Some(1)),
            ("/v1.0/identityProviders", None),
            ("/v1.0/identity/conditionalAccessed", None),
            ("/v1.0/users/auditLogs", None),
            ("/v1.0", None),
            ("/", None),
        ] {
            assert_eq!(which(path), expected, "{path}");
        }
    }
}
