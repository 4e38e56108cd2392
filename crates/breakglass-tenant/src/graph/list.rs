//! Collections: filtered, ordered, in pages, with the properties that are asked for.

use breakglass_model::snapshot::Resource;
use serde_json::{Value, json};

use super::audit::{READERS as SIGN_IN_READERS, needs_premium};
use super::error::GraphError;
use super::properties::{GROUP, USER};
use super::shape::{SIGN_IN_ACTIVITY, is_mended, mend};
use super::{Request, expand, names};
use crate::call::{Body, Reply};
use crate::odata::{
    ODataError, Page, PageLimits, QueryOptions, matching, page, page_in_order, page_with, shape, shape_with, window,
};
use crate::state::{Directory, Object, text};

/// How a resource is shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) resource: Resource,
    /// Its name in `@odata.context`.
    pub(super) context: &'static str,
    /// What is shown unless it is asked otherwise; everything, if this is empty.
    pub(super) default_properties: &'static [&'static str],
    /// What is never shown.
    pub(super) hidden: &'static [&'static str],
    pub(super) count_default: usize,
    pub(super) count_max: usize,
}

impl Shape {
    /// Whether it is a resource of the directory, whose advanced queries want a header.
    const fn is_of_directory(&self) -> bool {
        matches!(
            self.resource,
            Resource::Users
                | Resource::Groups
                | Resource::Applications
                | Resource::ServicePrincipals
                | Resource::Devices
        )
    }

    fn limits(&self) -> PageLimits<'static> {
        PageLimits {
            collection: self.context,
            top_default: self.count_default,
            top_max: self.count_max,
            allows_skip: false,
            default_properties: (!self.default_properties.is_empty()).then_some(self.default_properties),
            relations: expand::relations_of(self.resource),
            expanded_max: EXPANDED_COUNT_MAX,
        }
    }
}

/// Related objects that one answer carries of each object.
const EXPANDED_COUNT_MAX: usize = 20;

impl From<ODataError> for GraphError {
    fn from(error: ODataError) -> Self {
        Self::new(ODataError::STATUS, error.code().as_str(), error.message())
    }
}

/// The collection of a resource.
pub(super) fn listed(request: &Request<'_>, shape: &Shape) -> Result<Reply, GraphError> {
    let options = QueryOptions::parse(&request.call.query)?;
    let has_activity = wants_activity(request, shape, &options)?;
    if options.takes_all_in_order() {
        return all_in_order(request, shape, (&options, has_activity));
    }
    let directory = request.tenant.state.read();
    // What is sought by properties that are shown as they are kept is sought in what is kept.
    let is_as_kept = |name: &&str| {
        !is_mended(shape.resource, name) && !shape.hidden.iter().any(|hidden| hidden.eq_ignore_ascii_case(name))
    };
    let is_sought_in_kept = options.sought_properties().iter().all(is_as_kept);
    let mut objects: Vec<Object> = Vec::new();
    for object in directory.all(shape.resource) {
        if is_sought_in_kept && !options.lets_through(object)? {
            continue;
        }
        let mut seen = visible(request, shape, object);
        add_activity(&directory, has_activity, &mut seen);
        add_empty(shape, &options, &mut seen);
        if is_sought_in_kept || options.lets_through(&seen)? {
            objects.push(seen);
        }
    }
    drop(directory);
    let is_counted = is_counted(request, shape, &options)?;
    paged(request, (&options, is_counted), (&shape.limits(), Some(shape.resource), &objects))
}

/// The same where every object is there: of those on other pages nothing is looked at.
fn all_in_order(
    request: &Request<'_>,
    shape: &Shape,
    (options, has_activity): (&QueryOptions, bool),
) -> Result<Reply, GraphError> {
    let limits = shape.limits();
    let (start, size) = window(options, &limits)?;
    let (total, here) = {
        let directory = request.tenant.state.read();
        let size = if request.is_count { 0 } else { size };
        let here = directory.all(shape.resource).skip(start).take(size);
        let seen = here.map(|object| {
            let mut seen = visible(request, shape, object);
            add_activity(&directory, has_activity, &mut seen);
            add_empty(shape, options, &mut seen);
            seen
        });
        let here: Vec<Object> = seen.collect();
        (directory.count(shape.resource), here)
    };
    let is_counted = is_counted(request, shape, options)?;
    check_nested(options)?;
    may_expand(request, shape.resource, options)?;
    if request.is_count {
        return counted(request, options, (shape.context, || Ok(total)));
    }
    let related = |object: &Object, relation: &str| expand::related(request, shape.resource, (object, relation));
    let page = page_in_order((total, &here), options, (&limits, &related))?;
    Ok(answered(request, (options, is_counted), (shape.context, page)))
}

/// Whether it is asked for when users signed in last.
///
/// **Source:** "signInActivity": the permission `AuditLog.Read.All`, and a licence of P1 or P2.
fn wants_activity(request: &Request<'_>, shape: &Shape, options: &QueryOptions) -> Result<bool, GraphError> {
    let selected = options.select().map(|select| select.properties()).unwrap_or_default();
    let ordered = options.order_by().map(|order| order.properties()).unwrap_or_default();
    let mut named = options.sought_properties().into_iter().chain(selected).chain(ordered);
    if shape.resource != Resource::Users || !named.any(|name| name.eq_ignore_ascii_case(SIGN_IN_ACTIVITY)) {
        return Ok(false);
    }
    request.caller.needs(&["AuditLog.Read.All"], &SIGN_IN_READERS)?;
    needs_premium(&request.tenant.state.read())?;
    Ok(true)
}

fn add_activity(directory: &Directory, is_wanted: bool, user: &mut Object) {
    let activity = text(user, "id").filter(|_| is_wanted).and_then(|id| directory.sign_in_activity(id));
    if let Some(activity) = activity {
        user.insert(SIGN_IN_ACTIVITY.to_owned(), Value::Object(activity));
    }
}

/// What is asked for of a user or a group and has no value is shown empty and not left out: whoever asked for it knows then
/// that there is none. When somebody signed in last is left out where they never did.
fn add_empty(shape: &Shape, options: &QueryOptions, seen: &mut Object) {
    let properties = match shape.resource {
        Resource::Users => &USER,
        Resource::Groups => &GROUP,
        _ => return,
    };
    let selected = options.select().map(|select| select.properties()).unwrap_or_default();
    let is_hidden = |name: &str| shape.hidden.contains(&name) || name == SIGN_IN_ACTIVITY;
    let empty = selected.into_iter().filter_map(|name| properties.empty(name)).filter(|(name, _)| !is_hidden(name));
    for (name, value) in empty {
        seen.entry(name).or_insert(value);
    }
}

/// Objects that are worked out of others, as a collection: of those on other pages none, where none is sought.
pub(super) fn worked_out<'o>(
    request: &Request<'_>,
    collection: &str,
    (total, of): (usize, impl Iterator<Item = &'o Object>),
    make: &dyn Fn(&Object) -> Object,
) -> Result<Reply, GraphError> {
    let options = QueryOptions::parse(&request.call.query)?;
    let limits = limits_of((collection, COUNT_MAX, &[]));
    if !options.takes_all_in_order() || request.is_count {
        let all: Vec<Object> = of.map(make).collect();
        return paged(request, (&options, options.count()), (&limits, None, &all));
    }
    let (start, size) = window(&options, &limits)?;
    let here: Vec<Object> = of.skip(start).take(size).map(make).collect();
    let page = page_in_order((total, &here), &options, (&limits, &|_, _| None))?;
    Ok(answered(request, (&options, options.count()), (collection, page)))
}

/// Whether the objects are counted with the page. To count is an advanced query by itself.
fn is_counted(request: &Request<'_>, shape: &Shape, options: &QueryOptions) -> Result<bool, GraphError> {
    if shape.is_of_directory() && !request.is_count {
        return Ok(options.check_consistency(is_eventual(request))?);
    }
    Ok(options.count())
}

/// A collection that is no resource of its own, in its order.
pub(super) fn page_of(
    request: &Request<'_>,
    (context, count): (&str, usize),
    objects: Vec<Object>,
) -> Result<Reply, GraphError> {
    related_of(request, (context, count, &[]), objects)
}

/// The same of objects with relations, which are shown only if they are expanded.
pub(super) fn related_of(
    request: &Request<'_>,
    (context, count, relations): (&str, usize, &[&str]),
    objects: Vec<Object>,
) -> Result<Reply, GraphError> {
    let options = QueryOptions::parse(&request.call.query)?;
    paged(request, (&options, options.count()), (&limits_of((context, count, relations)), None, &objects))
}

/// One object with relations.
pub(super) fn expanded(
    request: &Request<'_>,
    (context, relations): (&str, &[&str]),
    object: &Object,
) -> Result<Object, GraphError> {
    let options = QueryOptions::parse(&request.call.query)?;
    check_nested(&options)?;
    Ok(shape(object, &options, &limits_of((context, 1, relations)))?)
}

pub(super) const fn limits_of<'l>((context, count, relations): (&'l str, usize, &'l [&'l str])) -> PageLimits<'l> {
    PageLimits {
        collection: context,
        top_default: count,
        top_max: COUNT_MAX,
        allows_skip: false,
        default_properties: None,
        relations,
        expanded_max: EXPANDED_COUNT_MAX,
    }
}

/// Objects of one page of what is no resource of its own.
const COUNT_MAX: usize = 1_000;

/// One object of a resource by its id.
pub(super) fn shown(request: &Request<'_>, shape: &Shape, id: &str) -> Result<Reply, GraphError> {
    let directory = request.tenant.state.read();
    let found = directory.object(shape.resource, id).cloned().ok_or_else(|| GraphError::not_found(id))?;
    drop(directory);
    Ok(request.entity(200, (shape.context, selected(request, shape, &found)?)))
}

/// One object, with the properties that are asked for. Whoever asks does not hold the lock of the state: what is expanded is
/// read from there.
pub(super) fn selected(request: &Request<'_>, of: &Shape, object: &Object) -> Result<Object, GraphError> {
    let options = QueryOptions::parse(&request.call.query)?;
    if !wants_activity(request, of, &options)? {
        return shown_of(request, of, (object, &options));
    }
    let mut object = object.clone();
    add_activity(&request.tenant.state.read(), true, &mut object);
    shown_of(request, of, (&object, &options))
}

/// The same for options that were read already.
pub(super) fn shown_of(
    request: &Request<'_>,
    of: &Shape,
    (object, options): (&Object, &QueryOptions),
) -> Result<Object, GraphError> {
    check_nested(options)?;
    may_expand(request, of.resource, options)?;
    let related = |object: &Object, relation: &str| expand::related(request, of.resource, (object, relation));
    let mut seen = visible(request, of, object);
    add_empty(of, options, &mut seen);
    Ok(shape_with(&seen, options, (&of.limits(), &related))?)
}

/// Objects that are worked out, as the collection of a resource.
pub(super) fn listed_of(request: &Request<'_>, shape: &Shape, objects: &[Object]) -> Result<Reply, GraphError> {
    let options = QueryOptions::parse(&request.call.query)?;
    paged(request, (&options, options.count()), (&shape.limits(), Some(shape.resource), objects))
}

fn visible(request: &Request<'_>, shape: &Shape, object: &Object) -> Object {
    let is_shown = |name: &str| !shape.hidden.contains(&name);
    let mut seen: Object =
        object.iter().filter(|(name, _)| is_shown(name)).map(|(name, value)| (name.clone(), value.clone())).collect();
    // What an object of a resource has by default is there, if only as null.
    for name in shape.default_properties {
        seen.entry(*name).or_insert(Value::Null);
    }
    mend(shape.resource, request.version, &mut seen);
    seen
}

fn paged(
    request: &Request<'_>,
    (options, is_counted): (&QueryOptions, bool),
    (limits, resource, objects): (&PageLimits<'_>, Option<Resource>, &[Object]),
) -> Result<Reply, GraphError> {
    check_nested(options)?;
    if let Some(resource) = resource {
        may_expand(request, resource, options)?;
    }
    if request.is_count {
        return counted(request, options, (limits.collection, || Ok(matching(objects, options)?.len())));
    }
    let page = match resource {
        Some(resource) => {
            let related = |object: &Object, relation: &str| expand::related(request, resource, (object, relation));
            page_with(objects, options, (limits, &related))?
        }
        None => page(objects, options, limits)?,
    };
    Ok(answered(request, (options, is_counted), (limits.collection, page)))
}

/// A page as an answer.
pub(super) fn answered(
    request: &Request<'_>,
    (options, is_counted): (&QueryOptions, bool),
    (collection, page): (&str, Page),
) -> Reply {
    let mut body = Object::new();
    body.insert("@odata.context".to_owned(), json!(request.context(collection)));
    if let Some(count) = page.count.filter(|_| is_counted) {
        body.insert("@odata.count".to_owned(), json!(count));
    }
    if let Some(token) = &page.next {
        let address = format!("{}{}?{}", request.tenant.addresses.base, request.call.path, options.next_query(token));
        body.insert("@odata.nextLink".to_owned(), json!(address));
    }
    body.insert("value".to_owned(), page.value.into_iter().map(Value::Object).collect());
    Reply::json(200, Value::Object(body))
}

/// What can be expanded of an object that is expanded itself; whoever lists such objects sees to it.
const NESTED: [(&str, &[&str]); 1] = [("policy", &["rules", "effectiveRules"])];

/// Whether the caller may see what is to be expanded.
fn may_expand(request: &Request<'_>, resource: Resource, options: &QueryOptions) -> Result<(), GraphError> {
    options.expand().iter().try_for_each(|expand| expand::may_see(request, resource, expand.relation()))
}

fn check_nested(options: &QueryOptions) -> Result<(), GraphError> {
    for expand in options.expand() {
        let known = NESTED.iter().find(|(relation, _)| relation.eq_ignore_ascii_case(expand.relation()));
        let known = known.map_or(&[][..], |(_, known)| known);
        let mut others = expand.nested().iter();
        if let Some(other) = others.find(|name| !known.iter().any(|known| known.eq_ignore_ascii_case(name))) {
            let message = format!("Parsing OData Select and Expand failed: '{other}' cannot be expanded.");
            return Err(GraphError::new(400, "BadRequest", message));
        }
    }
    Ok(())
}

fn is_eventual(request: &Request<'_>) -> bool {
    request.call.header("consistencylevel").is_some_and(|level| level.eq_ignore_ascii_case("eventual"))
}

/// How many objects a collection has that a filter and a search let through.
///
/// **Source:** "Advanced query capabilities on Microsoft Entra ID objects": the segment `$count` of a collection of the
/// directory wants the header.
fn counted(
    request: &Request<'_>,
    options: &QueryOptions,
    (collection, count): (&str, impl FnOnce() -> Result<usize, GraphError>),
) -> Result<Reply, GraphError> {
    const OF_DIRECTORY: [&str; 7] =
        ["administrativeUnits", "applications", "devices", "directoryObjects", "groups", "servicePrincipals", "users"];
    if OF_DIRECTORY.contains(&collection) && !is_eventual(request) {
        let message = "$count is not currently supported without the header 'ConsistencyLevel: eventual'.";
        return Err(GraphError::bad_request(message));
    }
    let has_others = options.top().is_some()
        || options.skip().is_some()
        || options.order_by().is_some()
        || options.select().is_some()
        || !options.expand().is_empty();
    if has_others {
        return Err(GraphError::bad_request("What is counted takes $filter and $search, and no other option."));
    }
    names::check(request, options, collection)?;
    Ok(Reply::of(200, Body::Text(count()?.to_string())))
}
