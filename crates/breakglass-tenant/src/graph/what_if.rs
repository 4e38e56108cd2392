//! `POST /identity/conditionalAccess/evaluate`: which policies a sign-in that did not happen would meet, by the engine
//! that decides those that do.
//!
//! **Source:** "conditionalAccessRoot: evaluate"; `conditional-access.md`, section 8.

use breakglass_engine::access::{Access, AccessSettings, Trit};
use breakglass_model::sign_in::WhatIfRequest;
use breakglass_model::snapshot::Resource;
use serde_json::{Value, json};

use super::Request;
use super::error::GraphError;
use super::shape::mend;
use crate::call::Reply;
use crate::sign_in::snapshot;
use crate::state::text;

/// Answers a question.
pub(super) fn evaluate(request: &Request<'_>) -> Result<Reply, GraphError> {
    let permissions = ["Policy.Read.ConditionalAccess", "Policy.Read.All", "Policy.ReadWrite.ConditionalAccess"];
    request.caller.needs(&permissions, &super::conditional_access::READERS)?;
    let refused = |message: String| GraphError::new(400, "BadRequest", message);
    let asked = WhatIfRequest::from_json(&request.call.body).map_err(|error| refused(error.to_string()))?;
    let directory = request.tenant.state.read();
    let snapshot = match (&asked.sign_in_identity.user_id, &asked.sign_in_identity.service_principal_id) {
        (Some(id), _) => {
            let user = directory.user(id).ok_or_else(|| GraphError::not_found(id))?;
            snapshot::around(&directory, user)
        }
        (None, Some(id)) => snapshot::around_principal(&directory, id),
        (None, None) => return Err(refused("The signInIdentity needs userId or servicePrincipalId.".to_owned())),
    };
    drop(directory);
    let snapshot = snapshot.map_err(|_| unjudged())?;
    let access = Access::compile(&snapshot, &AccessSettings::at(request.tenant.clock.now())).map_err(|_| unjudged())?;
    let situation = access.situation(&asked).map_err(|error| refused(error.to_string()))?;
    let mut list = Vec::new();
    for analysis in access.analyse(&situation) {
        if asked.applied_policies_only == Some(true) && analysis.applies != Trit::Yes {
            continue;
        }
        let directory = request.tenant.state.read();
        let policy = access.policies().get(analysis.policy);
        let kept = policy.and_then(|policy| directory.object(Resource::ConditionalAccessPolicies, policy.id.as_str()));
        let Some(mut shown) = kept.cloned() else { continue };
        drop(directory);
        mend(Resource::ConditionalAccessPolicies, request.version, &mut shown);
        if text(&shown, "id").is_none() {
            continue;
        }
        // What cannot be told is said to be so: it is neither a yes nor a no for a reason.
        let reason = match analysis.applies {
            Trit::Unknown => "notEnoughInformation",
            Trit::Yes | Trit::No => analysis.reason.name(),
        };
        shown.insert("policyApplies".to_owned(), json!(analysis.applies == Trit::Yes));
        shown.insert("analysisReasons".to_owned(), json!(reason));
        list.push(Value::Object(shown));
    }
    let context = request.context("Collection(microsoft.graph.whatIfAnalysisResult)");
    Ok(Reply::json(200, json!({ "@odata.context": context, "value": list })))
}

fn unjudged() -> GraphError {
    GraphError::new(500, "InternalServerError", "The policies of the tenant cannot be evaluated.")
}
