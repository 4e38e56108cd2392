//! What answering What If bodies promises: whatever they say of the sign-in, there is an answer or a reason why not.

use std::cell::LazyCell;

use breakglass_engine::access::Access;
use breakglass_model::sign_in::WhatIfRequest;
use serde_json::Value;

use super::answers;

thread_local! {
    static ACCESS: LazyCell<Access<'static>> = LazyCell::new(access);
}

/// The small tenant with policies of every kind, compiled once and kept as long as the program runs.
fn access() -> Access<'static> {
    let policies: Vec<Value> = serde_json::from_str(include_str!("policies.json")).expect("the policies are readable");
    let policies: Vec<Vec<u8>> = policies.iter().map(|policy| policy.to_string().into_bytes()).collect();
    answers::compiled(Box::leak(Box::new(answers::tenant(&policies).expect("the policies are taken"))))
}

/// Checks it for bodies of one line each.
pub(crate) fn hold(bytes: &[u8]) {
    ACCESS.with(|access| {
        for body in bytes.split(|byte| *byte == b'\n') {
            if let Ok(request) = WhatIfRequest::from_json(body) {
                answers::hold(access, &request);
            }
        }
    });
}
