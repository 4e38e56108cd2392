//! Collections: filtered, ordered, in pages, with the properties that are asked for.

use breakglass_model::snapshot::Resource;
use serde_json::{Value, json};

use super::Request;
use super::error::GraphError;
use crate::call::Reply;
use crate::odata::{ODataError, PageLimits, QueryOptions, page, shape, window};
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
    let directory = request.tenant.state.read();
    let objects: Vec<Object> = if options.takes_all_in_order() {
        // Of what stands on other pages nothing is shown but that it is there.
        let (start, size) = window(&options, &shape.limits())?;
        let here = start..start.saturating_add(size);
        let seen = |(place, object)| if here.contains(&place) { visible(shape, object) } else { Object::new() };
        directory.all(shape.resource).enumerate().map(seen).collect()
    } else {
        directory.all(shape.resource).map(|object| visible(shape, object)).collect()
    };
    drop(directory);
    let is_eventual =
        request.call.header("consistencylevel").is_some_and(|level| level.eq_ignore_ascii_case("eventual"));
    let is_counted = if shape.is_of_directory() { options.check_consistency(is_eventual)? } else { options.count() };
    paged(request, (&options, is_counted), (&shape.limits(), &objects))
}

/// A collection that is no resource of its own, in its order.
pub(super) fn page_of(
    request: &Request<'_>,
    (context, count): (&str, usize),
    objects: Vec<Object>,
) -> Result<Reply, GraphError> {
    let options = QueryOptions::parse(&request.call.query)?;
    let limits = PageLimits {
        collection: context,
        top_default: count,
        top_max: COUNT_MAX,
        allows_skip: false,
        default_properties: None,
        relations: &[],
        expanded_max: EXPANDED_COUNT_MAX,
    };
    paged(request, (&options, options.count()), (&limits, &objects))
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
    Ok(shape(&visible(of, object), &options, &of.limits())?)
}

fn visible(shape: &Shape, object: &Object) -> Object {
    let is_shown = |name: &str| !shape.hidden.contains(&name);
    let mut seen: Object =
        object.iter().filter(|(name, _)| is_shown(name)).map(|(name, value)| (name.clone(), value.clone())).collect();
    // What an object of a resource has by default is there, if only as null.
    for name in shape.default_properties {
        seen.entry(*name).or_insert(Value::Null);
    }
    seen
}

fn paged(
    request: &Request<'_>,
    (options, is_counted): (&QueryOptions, bool),
    (limits, objects): (&PageLimits<'_>, &[Object]),
) -> Result<Reply, GraphError> {
    let page = page(objects, options, limits)?;
    let mut body = Object::new();
    body.insert("@odata.context".to_owned(), json!(request.context(limits.collection)));
    if let Some(count) = page.count.filter(|_| is_counted) {
        body.insert("@odata.count".to_owned(), json!(count));
    }
    if let Some(token) = &page.next {
        let address = format!("{}{}?{}", request.tenant.addresses.base, request.call.path, options.next_query(token));
        body.insert("@odata.nextLink".to_owned(), json!(address));
    }
    body.insert("value".to_owned(), page.value.into_iter().map(Value::Object).collect());
    Ok(Reply::json(200, Value::Object(body)))
}
