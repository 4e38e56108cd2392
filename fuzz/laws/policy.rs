//! What policies promise: each keeps the JSON it was read from, and any set of them can be compiled and asked.

use breakglass_model::policy::ConditionalAccessPolicy;
use breakglass_model::sign_in::WhatIfRequest;
use serde_json::Value;

use super::answers;

/// Policies of one input; the rest is not looked at.
const POLICIES_MAX: usize = 70;

/// Checks it for one policy, or a list of them.
pub(crate) fn hold(bytes: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else { return };
    let written = match value {
        Value::Array(policies) => policies,
        policy => vec![policy],
    };
    let mut policies = Vec::new();
    for source in written.into_iter().take(POLICIES_MAX) {
        let policy = match ConditionalAccessPolicy::from_value(source.clone(), "stand-in") {
            Ok(policy) => policy,
            Err(error) => {
                assert!(!error.to_string().is_empty());
                return;
            }
        };
        assert_eq!(policy.source, source);
        assert_eq!(ConditionalAccessPolicy::from_value(policy.source.clone(), "stand-in").ok(), Some(policy));
        policies.push(serde_json::to_vec(&source).expect("a value is writable"));
    }
    let Some(snapshot) = answers::tenant(&policies) else { return };
    let access = answers::compiled(&snapshot);
    let mut situations = Vec::new();
    for body in include_str!("sign_ins.ndjson").lines() {
        let request = WhatIfRequest::from_json(body.as_bytes()).expect("the sign-ins are readable");
        situations.extend(answers::hold(&access, &request));
    }
    let counts = access.count_outcomes(&situations);
    for (situation, count) in situations.iter().zip(counts) {
        let mut single = [0_u64; 5];
        for user in snapshot.users.items() {
            let outcome = access.outcome(&access.by_user(situation.clone(), user.key));
            single[outcome.known().map_or(4, |known| known as usize)] += 1;
        }
        assert_eq!([count.allowed, count.challenge, count.unsatisfiable, count.blocked, count.unknown], single);
    }
}
