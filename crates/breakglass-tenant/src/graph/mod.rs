//! Microsoft Graph, as far as real clients and the product need it, the same under `/v1.0` and `/beta`.
//!
//! One resource is one file and one line in [`RESOURCES`].

mod applications;
mod approvals;
pub(crate) mod audit;
mod authentication;
mod batch;
pub(crate) mod caller;
mod conditional_access;
mod contexts;
mod deleted;
mod delta;
mod devices;
mod directory_objects;
mod directory_roles;
pub(crate) mod error;
mod etags;
mod expand;
mod fido2;
mod grants;
mod groups;
mod keys;
mod list;
mod location_shape;
mod membership;
mod method_configurations;
mod modified;
mod names;
mod organization;
mod owners;
mod passes;
mod password_reset;
mod per_user_mfa;
mod pim;
mod policy_check;
mod policy_shape;
mod properties;
mod records;
mod relations;
mod reports;
pub(crate) mod risk;
mod role_policies;
mod roles;
mod schedules;
mod scoped;
mod shape;
mod strengths;
mod subscriptions;
mod templates;
mod throttle;
mod units;
mod user_update;
mod users;
mod what_if;

use std::cell::RefCell;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use breakglass_engine::access::surfaces::MICROSOFT_GRAPH;
use serde_json::{Value, json};

use self::caller::{Caller, Refusal};
use self::error::GraphError;
pub(crate) use self::throttle::Requests;
use crate::audit::{Activity, CORE_DIRECTORY, record};
use crate::call::{Body, Call, Reply};
use crate::faults;
use crate::ids::Audience;
use crate::random;
use crate::state::{Log, Object, Writing};
use crate::tenant::Tenant;

/// Bytes of the largest body.
const BODY_BYTES_MAX: usize = 4 << 20;

type Handler = fn(&Request<'_>, &[&str]) -> Result<Reply, GraphError>;

/// What there is, by the first part of the path.
const RESOURCES: &[(&str, Handler)] = &[
    ("applications", applications::applications),
    ("auditLogs", audit::answer),
    ("administrativeUnits", units::answer),
    ("devices", devices::answer),
    ("directory", directory),
    ("directoryObjects", directory_objects::answer),
    ("directoryRoleTemplates", directory_roles::templates),
    ("directoryRoles", directory_roles::answer),
    ("domains", organization::domains),
    ("groups", groups::answer),
    ("identity", conditional_access::answer),
    ("identityProtection", risk::answer),
    ("me", users::me),
    ("oauth2PermissionGrants", grants::answer),
    ("organization", organization::organization),
    ("policies", organization::policies),
    ("reports", reports::answer),
    ("roleManagement", roles::answer),
    ("servicePrincipals", applications::service_principals),
    ("subscribedSkus", organization::skus),
    ("subscriptions", subscriptions::answer),
    ("users", users::answer),
];

/// Answers a request below `/directory`.
fn directory(request: &Request<'_>, rest: &[&str]) -> Result<Reply, GraphError> {
    match rest {
        ["administrativeUnits", rest @ ..] => units::answer(request, rest),
        ["deletedItems", rest @ ..] => deleted::answer(request, rest),
        other => Err(GraphError::no_segment(other.first().unwrap_or(&""))),
    }
}

/// A request to Graph.
pub(super) struct Request<'a> {
    tenant: &'a Tenant,
    call: &'a Call,
    caller: &'a Caller,
    /// `v1.0` or `beta`.
    version: &'a str,
    /// Whether a collection is to be counted, not shown.
    is_count: bool,
    /// What it changes, until the answer is worked out.
    pending: RefCell<Option<Writing<'a>>>,
}

impl<'a> Request<'a> {
    /// The JSON object in the body.
    fn object(&self) -> Result<Object, GraphError> {
        match serde_json::from_slice(&self.call.body) {
            Ok(Value::Object(object)) => Ok(object),
            _ => Err(GraphError::bad_request(
                "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.",
            )),
        }
    }

    /// Address of the metadata of an answer.
    fn context(&self, of: &str) -> String {
        format!("{}/{}/$metadata#{of}", self.tenant.addresses.base, self.version)
    }

    /// One object as an answer.
    fn entity(&self, status: u16, (of, mut object): (&str, Object)) -> Reply {
        let mut all = Object::new();
        all.insert("@odata.context".to_owned(), Value::String(self.context(&format!("{of}/$entity"))));
        all.append(&mut object);
        Reply::json(status, Value::Object(all))
    }

    /// Writes a record of what was done into the directory audit, in the transaction that does it.
    fn audit(&self, activity: &str, category: &str, targets: Value) -> Result<(), GraphError> {
        self.audit_of(CORE_DIRECTORY, (activity, category), targets)
    }

    /// The same, of the service that did it.
    fn audit_of(
        &self,
        service: &'static str,
        (activity, category): (&str, &str),
        targets: Value,
    ) -> Result<(), GraphError> {
        let directory = self.tenant.state.read();
        let user = directory.object(breakglass_model::snapshot::Resource::Users, &self.caller.id);
        let upn = user.and_then(|user| crate::state::text(user, "userPrincipalName")).map(str::to_owned);
        drop(directory);
        let initiated = if self.caller.is_user {
            json!({ "app": Value::Null, "user": { "id": self.caller.id, "userPrincipalName": upn,
                "ipAddress": self.call.remote.to_string() } })
        } else {
            json!({ "user": Value::Null, "app": { "appId": self.caller.app_id, "servicePrincipalId": self.caller.id } })
        };
        let activity = Activity { name: activity, category, service, reason: "" };
        let record = record(self.tenant.clock.now(), activity, (initiated, targets))?;
        match self.pending.borrow_mut().as_mut() {
            Some(pending) => pending.tell(record),
            None => self.tenant.state.log(Log::DirectoryAudits, &record)?,
        }
        Ok(())
    }

    /// Keeps what is to be changed until the answer is worked out.
    fn hold(&self, writing: Writing<'a>) {
        self.pending.replace(Some(writing));
    }

    /// Makes what is to be changed, with its records, so that what follows reads it.
    fn commit(&self) -> Result<(), GraphError> {
        let pending = self.pending.take();
        Ok(pending.map_or(Ok(()), Writing::commit)?)
    }
}

/// Answers a request.
pub(crate) fn answer(tenant: &Tenant, call: &Call, parts: &[&str]) -> Reply {
    let request_id = random::uuid().unwrap_or_default();
    let of_client = call.header("client-request-id").unwrap_or(&request_id).to_owned();
    let now = tenant.clock.now();
    // The requests of a batch fail each by itself.
    let is_batch = matches!(parts, [_, "$batch"]);
    let in_place = faults::answer_in_place(&tenant.state.read()).filter(|_| !is_batch);
    if let Some((error, after)) = in_place {
        let reply = error.reply((&request_id, &of_client, now));
        let reply = reply.with("request-id", request_id).with("client-request-id", of_client);
        return after.into_iter().fold(reply, |reply, seconds| reply.with("retry-after", seconds.to_string()));
    }
    let ids = (request_id.as_str(), of_client.as_str(), now);
    let answered = match caller::of(tenant, call, Audience::Graph) {
        Err(refusal) => Ok(unauthorized(tenant, refusal, (&request_id, &of_client, now))),
        Ok(_) if call.body.len() > BODY_BYTES_MAX => {
            Err(GraphError::new(413, "RequestEntityTooLarge", "The body is too large."))
        }
        Ok(caller) => routed(tenant, call, (&caller, parts), ids),
    };
    let reply = answered.unwrap_or_else(|error| error.reply((&request_id, &of_client, now)));
    reply.with("request-id", request_id).with("client-request-id", of_client)
}

/// Answers a request of a caller who is known.
fn routed(
    tenant: &Tenant,
    call: &Call,
    (caller, parts): (&Caller, &[&str]),
    ids: (&str, &str, jiff::Timestamp),
) -> Result<Reply, GraphError> {
    let resolved = keys::resolved(&tenant.state.read(), parts)?;
    let parts: &[&str] = &resolved.iter().map(String::as_str).collect::<Vec<_>>();
    let [version, first, rest @ ..] = parts else { return Err(GraphError::no_segment("")) };
    let (rest, is_count) = match rest {
        [rest @ .., "$count"] if call.method == "GET" => (rest, true),
        rest => (rest, false),
    };
    let request = Request { tenant, call, caller, version, is_count, pending: RefCell::new(None) };
    if *first == "$batch" {
        return batch::answer(&request, rest);
    }
    if let Some(reply) = throttle::throttled(&request, parts.get(1..).unwrap_or_default(), ids) {
        return Ok(reply);
    }
    let handler = RESOURCES.iter().find(|(name, _)| name == first).map(|(_, handler)| handler);
    // Before the answer is worked out: a change in between makes the tag an old one, never the answer.
    let tag = request.tag_asked_for();
    // Of a handler that fails nothing is kept.
    let reply = handler.ok_or_else(|| GraphError::no_segment(first))?(&request, rest)?;
    names::check_answer(&request, &reply)?;
    request.commit()?;
    let reply = match tag {
        Some(tag) => etags::tagged(&request, (tag, reply)),
        None => reply,
    };
    // What is no collection has nothing to count.
    let is_counted = matches!(reply.body, Body::Text(_));
    if is_count != is_counted {
        return Err(GraphError::no_segment("$count"));
    }
    let units = throttle::resource_units(&call.method, parts.get(1..).unwrap_or_default(), &call.query);
    Ok(units.into_iter().fold(reply, |reply, units| reply.with("x-ms-resource-unit", units.to_string())))
}

fn unauthorized(tenant: &Tenant, refusal: Refusal, ids: (&str, &str, jiff::Timestamp)) -> Reply {
    let error = GraphError::new(401, "InvalidAuthenticationToken", refusal.sentence());
    let address = format!("{}/common/oauth2/authorize", tenant.addresses.base);
    let challenge = match refusal {
        Refusal::Challenged(challenge) => {
            format!(", error=\"insufficient_claims\", claims=\"{}\"", URL_SAFE.encode(challenge.claims().to_string()))
        }
        _ => String::new(),
    };
    error.reply(ids).with(
        "www-authenticate",
        format!("Bearer realm=\"\", authorization_uri=\"{address}\", client_id=\"{MICROSOFT_GRAPH}\"{challenge}"),
    )
}
