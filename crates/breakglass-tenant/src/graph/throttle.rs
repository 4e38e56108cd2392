//! Limits of Graph's own, where the fault `graph-limits` has them in force, and the headers that tell of them.
//!
//! They count by the tenant's clock and begin again when it is started: a real tenant forgets within minutes, too.
//!
//! **Source:** "Microsoft Graph service-specific throttling limits": Identity Protection and Conditional Access together
//! take one request a second of a tenant, and their 429 has no `Retry-After`; reports take five in ten seconds of an
//! application; the cost of requests to the directory, and `x-ms-throttle-scope`, `x-ms-throttle-information`.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::Request;
use super::error::GraphError;
use crate::call::Reply;
use crate::faults;

/// Applications whose requests are counted at a time; the oldest are forgotten.
const APPLICATION_COUNT_MAX: usize = 1_000;

/// A group of resources with a limit of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Service {
    ConditionalAccess,
    Reports,
}

impl Service {
    /// Which one a path is of.
    fn of(parts: &[&str]) -> Option<Self> {
        match parts {
            ["identityProtection", ..] | ["identity", "conditionalAccess", ..] => Some(Self::ConditionalAccess),
            ["auditLogs", ..] => Some(Self::Reports),
            _ => None,
        }
    }

    /// How many requests in how many seconds.
    const fn limit(self) -> (usize, i64) {
        match self {
            Self::ConditionalAccess => (1, 1),
            Self::Reports => (5, 10),
        }
    }
}

/// When requests came, by whose limit they count against.
#[derive(Debug, Default)]
pub(crate) struct Requests(Mutex<BTreeMap<String, VecDeque<Timestamp>>>);

impl Requests {
    /// Counts a request, or gives the seconds after which there is place for it.
    fn count(&self, key: &str, (most, seconds): (usize, i64), now: Timestamp) -> Result<(), i64> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= APPLICATION_COUNT_MAX && !all.contains_key(key) {
            all.clear();
        }
        let times = all.entry(key.to_owned()).or_default();
        let window = SignedDuration::from_secs(seconds);
        // A clock that was moved back leaves times that have not come.
        times.retain(|at| *at <= now && now.duration_since(*at) < window);
        match times.front() {
            Some(first) if times.len() >= most => Err((window - now.duration_since(*first)).as_secs().max(1)),
            _ => {
                times.push_back(now);
                Ok(())
            }
        }
    }
}

/// The answer to a request that is one too many; `None` if it is not.
pub(super) fn throttled(request: &Request<'_>, parts: &[&str], ids: (&str, &str, Timestamp)) -> Option<Reply> {
    let tenant = request.tenant;
    let service = Service::of(parts).filter(|_| faults::has_limits(&tenant.state.read()))?;
    let (scope, key) = match service {
        Service::ConditionalAccess => ("Tenant", String::new()),
        Service::Reports => ("Tenant_Application", request.caller.app_id.to_ascii_lowercase()),
    };
    let wait = tenant.requests.count(&key, service.limit(), tenant.clock.now()).err()?;
    let error = GraphError::new(429, "TooManyRequests", "Too many requests. Please retry again later.");
    let scope = format!("{scope}/ReadWrite/{}/{}", request.caller.app_id, tenant.id);
    let reply = error.reply(ids).with("x-ms-throttle-scope", scope);
    let reply = reply.with("x-ms-throttle-information", "ResourceUnitLimitExceeded");
    Some(if service == Service::Reports { reply.with("retry-after", wait.to_string()) } else { reply })
}

/// What a request to the directory costs.
pub(super) fn resource_units(method: &str, parts: &[&str], query: &str) -> Option<u64> {
    let base = match (method, parts) {
        ("GET", ["applications" | "users"]) => 2,
        ("GET", ["users", _, "memberOf" | "transitiveMemberOf"] | ["me", "memberOf" | "transitiveMemberOf"]) => 2,
        ("GET", ["groups", _, "members"] | ["subscribedSkus"]) => 3,
        ("GET", ["groups", _, "transitiveMembers"]) => 5,
        ("POST", ["directoryObjects", "getByIds"]) => 3,
        ("POST", [.., "checkMemberGroups" | "checkMemberObjects"]) => 4,
        ("POST", [.., "getMemberGroups" | "getMemberObjects"]) => 2,
        (_, [first, ..]) if is_of_directory(first) => 1,
        _ => return None,
    };
    let has = |option: &str| query.contains(&format!("${option}=")) || query.contains(&format!("%24{option}="));
    let top = query.split("top=").nth(1).and_then(|rest| rest.split('&').next()?.parse::<u64>().ok());
    let less = u64::from(has("select")) + u64::from(top.is_some_and(|top| top < 20));
    Some((base + u64::from(has("expand"))).saturating_sub(less).max(1))
}

fn is_of_directory(first: &str) -> bool {
    matches!(
        first,
        "administrativeUnits"
            | "applications"
            | "directory"
            | "directoryObjects"
            | "directoryRoleTemplates"
            | "directoryRoles"
            | "domains"
            | "groups"
            | "me"
            | "organization"
            | "servicePrincipals"
            | "subscribedSkus"
            | "users"
    )
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::{Requests, resource_units};

    #[test]
    fn a_window_moves_with_the_clock() {
        let begun: Timestamp = "2026-11-26T09:00:00Z".parse().unwrap();
        let requests = Requests::default();
        let at = |seconds: i64| begun.checked_add(SignedDuration::from_secs(seconds)).unwrap();
        let count = |key: &str, seconds: i64| requests.count(key, (2, 10), at(seconds));
        assert_eq!((count("a", 0), count("a", 4), count("a", 5)), (Ok(()), Ok(()), Err(5)));
        assert_eq!(count("b", 5), Ok(()), "each has its own");
        assert_eq!((count("a", 10), count("a", 11)), (Ok(()), Err(3)));
        assert_eq!(count("a", -100), Ok(()), "the clock was moved back");
    }

    #[test]
    fn a_request_costs_what_is_documented() {
        for (method, path, query, expected) in [
            ("GET", "users", "", Some(2)),
            ("GET", "users", "$select=id", Some(1)),
            ("GET", "users", "$select=id&$top=5", Some(1)),
            ("GET", "users", "$expand=manager", Some(3)),
            ("GET", "groups/x/transitiveMembers", "%24select=id", Some(4)),
            ("GET", "users/x", "", Some(1)),
            ("POST", "users", "", Some(1)),
            ("POST", "me/checkMemberGroups", "", Some(4)),
            ("GET", "auditLogs/signIns", "", None),
        ] {
            let parts: Vec<&str> = path.split('/').collect();
            assert_eq!(resource_units(method, &parts, query), expected, "{method} {path}?{query}");
        }
    }
}
