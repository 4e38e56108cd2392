//! `/users/delta`, `/groups/delta` and `/directory/administrativeUnits/delta`: all of them in pages, and from then on what
//! was changed; of groups and units also who came and went.
//!
//! A link is good until the tenant is started again; then Graph's own answer to one that is too old sends the client
//! back to the beginning. A change is told at least once.
//!
//! **Source:** "Use delta query to track changes in Microsoft Graph data"; "group: delta" (`members@delta`).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use breakglass_model::snapshot::Resource;
use serde_json::{Value, json};

use super::Request;
use super::error::GraphError;
use super::list::{Shape, shown_of};
use super::{groups, units, users};
use crate::call::{Reply, encoded, pairs};
use crate::odata::QueryOptions;
use crate::sign_in::member_id;
use crate::state::{Directory, Object, Revision, Shelf, text};

/// Objects of one page, unless the client prefers another number.
const PAGE_COUNT: usize = 100;
/// Objects of the largest page.
const PAGE_COUNT_MAX: usize = 999;
/// The token of whoever wants nothing of what is there already.
const LATEST: &str = "latest";

/// What changes are told of.
pub(super) struct Of {
    shape: &'static Shape,
    permissions: &'static [&'static str],
    has_members: bool,
    /// Whether something that is gone can be restored.
    is_restorable: fn(&Directory, &str) -> bool,
}

pub(super) const USERS: Of = Of {
    shape: &users::SHAPE,
    permissions: &["User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
    has_members: false,
    is_restorable: |directory, id| directory.object(Resource::DeletedUsers, id).is_some(),
};
pub(super) const GROUPS: Of = Of {
    shape: &groups::SHAPE,
    permissions: groups::READ,
    has_members: true,
    is_restorable: |directory, id| directory.shelved(Shelf::DeletedGroups, id).is_some(),
};
pub(super) const UNITS: Of =
    Of { shape: &units::SHAPE, permissions: units::READ, has_members: true, is_restorable: |_, _| false };

/// Whether a part of a path asks for changes.
pub(super) fn is_asked(segment: &str) -> bool {
    matches!(segment, "delta" | "delta()" | "microsoft.graph.delta" | "microsoft.graph.delta()")
}

/// Where a client is.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    /// The change that it knows; `None` if it knows none of them.
    since: Option<u64>,
    /// The change that it knows when it is through with these pages.
    until: u64,
    /// The object that it saw last.
    last: String,
}

impl Place {
    fn written(&self, (collection, epoch): (&str, &str)) -> String {
        let since = self.since.map_or_else(|| "-".to_owned(), |since| since.to_string());
        URL_SAFE_NO_PAD.encode(format!("{collection}|{epoch}|{since}|{}|{}", self.until, self.last))
    }

    fn read(token: &str, (collection, epoch): (&str, &str)) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
        let mut parts = text.splitn(5, '|');
        let is_ours = parts.next()? == collection && parts.next()? == epoch;
        let since = match parts.next()? {
            "-" => None,
            since => Some(since.parse().ok()?),
        };
        let place = Self { since, until: parts.next()?.parse().ok()?, last: parts.next()?.to_owned() };
        is_ours.then_some(place)
    }
}

/// The collection that a token is of; `None` where it is no token.
fn collection_of(token: &str) -> Option<String> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    text.split_once('|').map(|(collection, _)| collection.to_owned())
}

/// Answers what changes there are.
pub(super) fn answer(request: &Request<'_>, of: &Of) -> Result<Reply, GraphError> {
    request.caller.needs(of.permissions, &[])?;
    let options = QueryOptions::parse(&request.call.query)?;
    refuse_others(&options)?;
    let directory = request.tenant.state.read();
    let (epoch, revision) = (directory.epoch(), directory.revision());
    let mark = (of.shape.context, epoch);
    let token = options.skip_token().or(options.delta_token().filter(|token| *token != LATEST));
    if token.and_then(collection_of).is_some_and(|other| other != of.shape.context) {
        return Err(GraphError::bad_request("The token is one of another collection."));
    }
    let place = match (options.skip_token(), options.delta_token()) {
        (None, None) => Place { since: None, until: revision, last: String::new() },
        (None, Some(LATEST)) => Place { since: Some(revision), until: revision, last: String::new() },
        (Some(token), _) => Place::read(token, mark).ok_or_else(|| start_again(request))?,
        (None, Some(token)) => {
            let known = Place::read(token, mark).ok_or_else(|| start_again(request))?;
            Place { since: Some(known.until), until: revision, last: String::new() }
        }
    };
    let count = preferred(request);
    let mut found = entries(&directory, of.shape.resource, &place);
    let rest = found.split_off(found.len().min(count));
    let mut value = Vec::new();
    for (id, revision) in &found {
        value.push(entry(request, (&directory, of), ((id, *revision), (place.since, &options)))?);
    }
    let last = found.last().map_or_else(|| place.last.clone(), |(id, _)| id.clone());
    let (name, parameter, next) = if rest.is_empty() {
        ("@odata.deltaLink", "$deltatoken", Place { last: String::new(), ..place })
    } else {
        ("@odata.nextLink", "$skiptoken", Place { last, ..place })
    };
    let link = format!(
        "{}{}?{}{parameter}={}",
        request.tenant.addresses.base,
        request.call.path,
        kept_query(request),
        next.written(mark)
    );
    let context = request.context(&format!("{}/$delta", of.shape.context));
    Ok(Reply::json(200, json!({ "@odata.context": context, name: link, "value": value })))
}

/// What is still to be told, by id.
fn entries(directory: &Directory, resource: Resource, place: &Place) -> Vec<(String, Revision)> {
    let is_ahead = |id: &str| id > place.last.as_str();
    match place.since {
        None => {
            let ids = directory.all(resource).filter_map(|one| text(one, "id")).map(str::to_ascii_lowercase);
            ids.filter(|id| is_ahead(id)).map(|id| (id, Revision::Put)).collect()
        }
        Some(since) => {
            let changed = directory.changed_since(resource, since).into_iter();
            changed.filter(|(id, _)| is_ahead(id)).map(|(id, what)| (id.to_owned(), what)).collect()
        }
    }
}

fn entry(
    request: &Request<'_>,
    (directory, of): (&Directory, &Of),
    ((id, revision), (since, options)): ((&str, Revision), (Option<u64>, &QueryOptions)),
) -> Result<Value, GraphError> {
    let found = directory.object(of.shape.resource, id).filter(|_| revision == Revision::Put);
    if let Some(found) = found {
        let mut shown = shown_of(request, of.shape, (found, options))?;
        // Whatever is selected, it says of what it is.
        shown.insert("id".to_owned(), json!(id));
        let wants_members = options.select().is_none_or(|select| select.properties().contains(&"members"));
        if of.has_members && wants_members {
            let members = members(directory, (of.shape.resource, found, id), since);
            if since.is_none() || !members.is_empty() {
                shown.insert("members@delta".to_owned(), Value::Array(members));
            }
        }
        return Ok(Value::Object(shown));
    }
    // What can be restored is not gone for good.
    let reason = if (of.is_restorable)(directory, id) { "changed" } else { "deleted" };
    Ok(json!({ "id": id, "@removed": { "reason": reason } }))
}

/// The members of an object, or those that came and went since a change.
fn members(directory: &Directory, (resource, found, id): (Resource, &Object, &str), since: Option<u64>) -> Vec<Value> {
    let Some(since) = since else {
        let members = found.get("members").and_then(Value::as_array).into_iter().flatten();
        return members.map(|one| json!({ "@odata.type": one.get("@odata.type"), "id": member_id(one) })).collect();
    };
    let changed = directory.members_changed_since((resource, id), since).into_iter();
    let told = changed.map(|(member, kind, what)| match what {
        Revision::Put => json!({ "@odata.type": kind, "id": member }),
        Revision::Removed => json!({ "@odata.type": kind, "id": member, "@removed": { "reason": "deleted" } }),
    });
    told.collect()
}

/// A delta has a selection, and no other option.
fn refuse_others(options: &QueryOptions) -> Result<(), GraphError> {
    let has_others = options.filter().is_some()
        || options.order_by().is_some()
        || options.search().is_some()
        || options.top().is_some()
        || options.skip().is_some()
        || options.count()
        || !options.expand().is_empty();
    if has_others {
        let message =
            "A delta query takes $select; $filter, $orderby, $search, $top, $skip, $count and $expand are not served.";
        return Err(GraphError::new(400, "Request_UnsupportedQuery", message));
    }
    Ok(())
}

/// How many the client wants on a page.
fn preferred(request: &Request<'_>) -> usize {
    let header = request.call.header("prefer").unwrap_or_default();
    let wanted = header.split(',').find_map(|part| part.trim().strip_prefix("odata.maxpagesize="));
    wanted.and_then(|count| count.parse().ok()).unwrap_or(PAGE_COUNT).clamp(1, PAGE_COUNT_MAX)
}

/// The query without its tokens, ready for one more member.
fn kept_query(request: &Request<'_>) -> String {
    let members = pairs(&request.call.query).unwrap_or_default().into_iter();
    let kept = members.filter(|(name, _)| !name.trim_start_matches('$').to_lowercase().ends_with("token"));
    kept.map(|(name, value)| format!("{}={}&", encoded(&name).replace("%24", "$"), encoded(&value))).collect()
}

fn start_again(request: &Request<'_>) -> GraphError {
    let message = "The sync state generation is not found; continue from the address in Location.";
    let location = format!("{}{}?{}", request.tenant.addresses.base, request.call.path, kept_query(request));
    let location = location.trim_end_matches(['?', '&']).to_owned();
    GraphError { location: Some(location), ..GraphError::new(410, "syncStateNotFound", message) }
}

#[cfg(test)]
mod tests {
    use super::{Place, collection_of};

    #[test]
    fn a_place_is_read_as_it_was_written_and_only_there() {
        for since in [None, Some(0), Some(7)] {
            let place = Place { since, until: 9, last: "a|b".to_owned() };
            let token = place.written(("users", "e"));
            assert_eq!(Place::read(&token, ("users", "e")), Some(place.clone()));
            assert_eq!(Place::read(&token, ("users", "f")), None);
            assert_eq!(Place::read(&token, ("groups", "e")), None);
            assert_eq!(collection_of(&token).as_deref(), Some("users"));
        }
        for bad in ["", "%", "AAAA", "ZXwxfDI"] {
            assert_eq!(Place::read(bad, ("users", "e")), None, "{bad}");
        }
    }
}
