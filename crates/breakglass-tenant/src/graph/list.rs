//! Collections: filtered, ordered, in pages, with the properties that are asked for.

use breakglass_model::snapshot::Resource;
use serde_json::{Value, json};

use super::Request;
use super::error::GraphError;
use crate::call::Reply;
use crate::odata::{ODataError, PageLimits, QueryOptions, page};
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

impl From<ODataError> for GraphError {
    fn from(error: ODataError) -> Self {
        Self::new(400, error.code(), error.to_string())
    }
}

/// The collection of a resource.
pub(super) fn listed(request: &Request<'_>, shape: &Shape) -> Result<Reply, GraphError> {
    let directory = request.tenant.state.read();
    let objects: Vec<Object> = directory.all(shape.resource).map(|object| visible(shape, object)).collect();
    drop(directory);
    let limits = PageLimits { count_default: shape.count_default, count_max: shape.count_max };
    paged(request, (shape.context, shape.default_properties), (&limits, objects))
}

/// A collection that is no resource of its own, in its order.
pub(super) fn page_of(
    request: &Request<'_>,
    (context, count): (&str, usize),
    objects: Vec<Object>,
) -> Result<Reply, GraphError> {
    let limits = PageLimits { count_default: count, count_max: 1_000 };
    paged(request, (context, &[]), (&limits, objects))
}

/// One object, with the properties that are asked for.
pub(super) fn selected(request: &Request<'_>, shape: &Shape, object: &Object) -> Result<Object, GraphError> {
    let options = QueryOptions::parse(&request.call.query)?;
    Ok(options.selected(&visible(shape, object), shape.default_properties))
}

fn visible(shape: &Shape, object: &Object) -> Object {
    let is_shown = |name: &str| !shape.hidden.contains(&name);
    object.iter().filter(|(name, _)| is_shown(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn paged(
    request: &Request<'_>,
    (context, default_properties): (&str, &[&str]),
    (limits, objects): (&PageLimits, Vec<Object>),
) -> Result<Reply, GraphError> {
    let options = QueryOptions::parse(&request.call.query)?;
    let page = page(&objects, &options, limits)?;
    let value: Vec<Value> =
        page.value.iter().map(|object| Value::Object(options.selected(object, default_properties))).collect();
    let mut body = json!({ "@odata.context": request.context(context) });
    if let Some(members) = body.as_object_mut() {
        if let Some(count) = page.count {
            members.insert("@odata.count".to_owned(), json!(count));
        }
        if let Some(query) = &page.next_query {
            let address = format!("{}{}?{query}", request.tenant.addresses.base, request.call.path);
            members.insert("@odata.nextLink".to_owned(), json!(address));
        }
        members.insert("value".to_owned(), Value::Array(value));
    }
    Ok(Reply::json(200, body))
}
