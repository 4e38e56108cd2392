//! How long ago somebody showed something, and whether that is too long: what session controls make of a session.
//!
//! **Source:** "Configure adaptive session lifetime policies": sign-in frequency in hours or days, every time with five
//! minutes' tolerance, and for the second factor alone; the strictest of several policies holds.

use breakglass_engine::access::session::{SessionControl, SignInFrequency, strictest};
use breakglass_model::policy::ConditionalAccessPolicy;
use jiff::{SignedDuration, Timestamp};

use crate::state::Shown;

/// Seconds in which somebody is not asked again who is to be asked every time.
const EVERY_TIME_SECONDS: i64 = 300;
/// The code of a sign-in that is too long ago.
pub(crate) const TOO_LONG_AGO: u32 = 70_043;
/// The code of a second proof that is too long ago.
const PROOF_TOO_LONG_AGO: u32 = 50_078;

/// What the session controls of policies that apply make of a session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Session {
    /// The code with which somebody is asked again.
    pub(super) too_long_ago: Option<u32>,
    /// Whether the browser stays signed in, whatever the person wants.
    pub(super) keeps: Option<bool>,
}

/// Asks the policies that apply; with `has_mfa` whether a second proof was shown.
pub(super) fn session<'p>(
    policies: impl IntoIterator<Item = &'p ConditionalAccessPolicy>,
    (shown, has_mfa, now): (Shown, bool, Timestamp),
) -> Session {
    let mut session = Session::default();
    for control in strictest(policies).into_keys() {
        match control {
            SessionControl::SignInFrequency { frequency, is_secondary_only: false } => {
                if is_over(frequency, shown.first, now) {
                    session.too_long_ago = Some(TOO_LONG_AGO);
                }
            }
            SessionControl::SignInFrequency { frequency, .. } => {
                if has_mfa && is_over(frequency, shown.last, now) {
                    session.too_long_ago = session.too_long_ago.or(Some(PROOF_TOO_LONG_AGO));
                }
            }
            SessionControl::PersistentBrowser { is_always } => session.keeps = Some(is_always),
            SessionControl::Other { .. } => {}
        }
    }
    session
}

fn is_over(frequency: SignInFrequency, shown: Timestamp, now: Timestamp) -> bool {
    let longest = match frequency {
        SignInFrequency::EveryTime => SignedDuration::from_secs(EVERY_TIME_SECONDS),
        SignInFrequency::Hours(hours) => SignedDuration::from_secs(
            i64::try_from(hours).unwrap_or(i64::MAX).saturating_mul(3_600).min(SignedDuration::MAX.as_secs()),
        ),
    };
    now.duration_since(shown) > longest
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_strictest_control_asks_again_and_of_the_second_proof_apart() {
        let policy = |frequency: serde_json::Value| -> ConditionalAccessPolicy {
            let source = json!({ "id": "p", "displayName": "p", "state": "enabled", "conditions": {},
                                 "sessionControls": { "signInFrequency": frequency } });
            ConditionalAccessPolicy::from_value(source, "p").unwrap()
        };
        let hours = |value: u64, of: &str| {
            policy(json!({ "isEnabled": true, "type": "hours", "value": value, "frequencyInterval": "timeBased",
                           "authenticationType": of }))
        };
        let both = "primaryAndSecondaryAuthentication";
        let every = policy(json!({ "isEnabled": true, "frequencyInterval": "everyTime", "authenticationType": both }));
        let at = |seconds: i64| Timestamp::from_second(1_800_000_000 + seconds).unwrap();
        let shown = Shown { first: at(0), last: at(1_800) };
        let cases = [
            (vec![hours(1, both)], 3_600, None),
            (vec![hours(1, both)], 3_601, Some(70_043)),
            (vec![hours(12, both), hours(1, both)], 3_601, Some(70_043)),
            (vec![hours(1, "secondaryAuthentication")], 5_400, None),
            (vec![hours(1, "secondaryAuthentication")], 5_401, Some(50_078)),
            (vec![hours(1, "secondaryAuthentication"), hours(1, both)], 9_000, Some(70_043)),
            (vec![every.clone()], 300, None),
            (vec![every], 301, Some(70_043)),
            (vec![hours(u64::MAX, both)], 1_000_000, None),
            (Vec::new(), 1_000_000, None),
        ];
        for (policies, now, expected) in cases {
            assert_eq!(session(&policies, (shown, true, at(now))).too_long_ago, expected, "{now}");
        }
        let second = [hours(1, "secondaryAuthentication")];
        assert_eq!(session(&second, (shown, false, at(9_000))).too_long_ago, None, "nothing to ask for again");
    }
}
