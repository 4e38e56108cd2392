//! Collections: filtered, ordered, in pages, with the properties that are asked for.

use breakglass_model::snapshot::Resource;
use serde_json::{Value, json};

use super::error::GraphError;
use super::shape::mend;
use super::{Request, properties};
use crate::call::{Body, Reply};
use crate::odata::{ODataError, Page, PageLimits, QueryOptions, matching, page, shape, window};
use crate::state::Object;

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
            relations: &[],
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
    check_names(shape, &options)?;
    let directory = request.tenant.state.read();
    let objects: Vec<Object> = if options.takes_all_in_order() {
        // Of what stands on other pages nothing is shown but that it is there.
        let (start, size) = window(&options, &shape.limits())?;
        let here = start..start.saturating_add(size);
        let seen =
            |(place, object)| if here.contains(&place) { visible(request, shape, object) } else { Object::new() };
        directory.all(shape.resource).enumerate().map(seen).collect()
    } else {
        directory.all(shape.resource).map(|object| visible(request, shape, object)).collect()
    };
    drop(directory);
    // To count is an advanced query by itself.
    let is_counted = if shape.is_of_directory() && !request.is_count {
        options.check_consistency(is_eventual(request))?
    } else {
        options.count()
    };
    paged(request, (&options, is_counted), (&shape.limits(), &objects))
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
    paged(request, (&options, options.count()), (&limits_of((context, count, relations)), &objects))
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
    let found = directory.object(shape.resource, id).ok_or_else(|| GraphError::not_found(id))?;
    Ok(request.entity(200, (shape.context, selected(request, shape, found)?)))
}

/// One object, with the properties that are asked for.
pub(super) fn selected(request: &Request<'_>, of: &Shape, object: &Object) -> Result<Object, GraphError> {
    let options = QueryOptions::parse(&request.call.query)?;
    shown_of(request, of, (object, &options))
}

/// Refuses names that a type does not have, where its properties are known here.
fn check_names(shape: &Shape, options: &QueryOptions) -> Result<(), GraphError> {
    let properties = match shape.resource {
        Resource::Users => &properties::USER,
        Resource::Groups => &properties::GROUP,
        Resource::Applications => &properties::APPLICATION,
        Resource::ServicePrincipals => &properties::SERVICE_PRINCIPAL,
        _ => return Ok(()),
    };
    let name = format!("microsoft.graph.{}", properties.name());
    Ok(options.check_properties(&name, |name| properties.is_known(name))?)
}

/// The same for options that were read already.
pub(super) fn shown_of(
    request: &Request<'_>,
    of: &Shape,
    (object, options): (&Object, &QueryOptions),
) -> Result<Object, GraphError> {
    check_names(of, options)?;
    check_nested(options)?;
    Ok(shape(&visible(request, of, object), options, &of.limits())?)
}

/// Objects that are worked out, as the collection of a resource.
pub(super) fn listed_of(request: &Request<'_>, shape: &Shape, objects: &[Object]) -> Result<Reply, GraphError> {
    let options = QueryOptions::parse(&request.call.query)?;
    paged(request, (&options, options.count()), (&shape.limits(), objects))
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
    (limits, objects): (&PageLimits<'_>, &[Object]),
) -> Result<Reply, GraphError> {
    check_nested(options)?;
    if request.is_count {
        return counted(request, options, (limits.collection, objects));
    }
    let page = page(objects, options, limits)?;
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
    (collection, objects): (&str, &[Object]),
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
    Ok(Reply::of(200, Body::Text(matching(objects, options)?.len().to_string())))
}
