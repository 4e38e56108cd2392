//! `/$batch`: up to twenty requests in one.

use serde_json::{Map, Value, json};

use super::Request;
use super::error::GraphError;
use crate::call::{Body, Call, Reply};

/// Requests of one batch.
const REQUEST_COUNT_MAX: usize = 20;

/// Answers a batch.
pub(super) fn answer(request: &Request<'_>, rest: &[&str]) -> Result<Reply, GraphError> {
    if request.call.method != "POST" || !rest.is_empty() {
        return Err(GraphError::method());
    }
    let body = request.object()?;
    let all = body.get("requests").and_then(Value::as_array);
    let all = all.ok_or_else(|| GraphError::bad_request("The batch needs 'requests'."))?;
    if all.is_empty() || all.len() > REQUEST_COUNT_MAX {
        let message = format!("The batch has {} requests; it takes from 1 to {REQUEST_COUNT_MAX}.", all.len());
        return Err(GraphError::bad_request(message));
    }
    // Nothing is done of a batch that is malformed.
    let mut ids: Vec<&str> = all.iter().filter_map(|one| one.get("id")?.as_str()).filter(|id| !id.is_empty()).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.len() < all.len() {
        return Err(GraphError::bad_request("Each request of a batch needs an 'id' of its own."));
    }
    let mut answered: Vec<(String, Value)> = Vec::new();
    for one in all {
        let id = one.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        let before = one.get("dependsOn").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let is_good = |wanted: &str| {
            let found = answered.iter().find(|(known, _)| known == wanted).map(|(_, reply)| reply);
            found.and_then(|reply| reply.get("status")?.as_u64()).is_some_and(|status| status < 400)
        };
        let reply = if before.into_iter().all(is_good) {
            single(request, one, &id)
        } else {
            let error = GraphError::new(424, "FailedDependency", "A request that this one depends on failed.");
            written(&id, error.reply(marks(request, &id)))
        };
        answered.push((id, reply));
    }
    let responses: Vec<Value> = answered.into_iter().map(|(_, reply)| reply).collect();
    Ok(Reply::json(200, json!({ "responses": responses })))
}

fn single(request: &Request<'_>, one: &Value, id: &str) -> Value {
    let text = |name: &str| one.get(name).and_then(Value::as_str).unwrap_or_default();
    let (path, query) = text("url").split_once('?').unwrap_or((text("url"), ""));
    let path = format!("/{}/{}", request.version, path.trim_start_matches('/'));
    let headers = one.get("headers").and_then(Value::as_object).into_iter().flatten();
    let headers = headers.filter_map(|(name, value)| Some((name.to_lowercase(), value.as_str()?.to_owned())));
    let authorization =
        request.call.header("authorization").map(|value| ("authorization".to_owned(), value.to_owned()));
    let call = Call {
        method: text("method").to_uppercase(),
        path,
        query: query.to_owned(),
        headers: authorization.into_iter().chain(headers).collect(),
        body: one.get("body").map(|body| body.to_string().into_bytes()).unwrap_or_default(),
        remote: request.call.remote,
    };
    // As it is decoded: an escape hides nothing.
    let segments = call.segments().filter(|segments| !segments.iter().any(|one| one.eq_ignore_ascii_case("$batch")));
    let reply = match &segments {
        Some(segments) => {
            let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
            super::answer(request.tenant, &call, &parts)
        }
        None => GraphError::new(400, "BadRequest", "The url is malformed.").reply(marks(request, id)),
    };
    written(id, reply)
}

/// What tells one answer from another, and when it was given.
fn marks<'r>(request: &Request<'_>, id: &'r str) -> (&'r str, &'r str, jiff::Timestamp) {
    (id, id, request.tenant.clock.now())
}

/// An answer as a member of the batch.
fn written(id: &str, reply: Reply) -> Value {
    let headers: Map<String, Value> =
        reply.headers.into_iter().map(|(name, value)| (name.to_owned(), Value::String(value))).collect();
    match reply.body {
        Body::Json(body) => json!({ "id": id, "status": reply.status, "headers": headers, "body": body }),
        Body::Text(text) => json!({ "id": id, "status": reply.status, "headers": headers, "body": text }),
        Body::Nothing | Body::Page(_) => json!({ "id": id, "status": reply.status, "headers": headers }),
    }
}
