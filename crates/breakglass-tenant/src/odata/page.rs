//! A page of objects, and the token of the next one.

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::error::ODataError;
use super::expand::refused;
use super::query::QueryOptions;
use super::select::Select;

/// How much of the digest stands in a token, in bytes.
const DIGEST_BYTES: usize = 16;

/// What a collection has to do with pages. The caller knows it; there is no schema here.
#[derive(Debug, Clone, Copy)]
pub struct PageLimits<'a> {
    /// What is paged, as `/users`. A token is good for one of them alone.
    pub collection: &'a str,
    /// How many objects a page has without `$top`.
    pub top_default: usize,
    /// The largest `$top`.
    pub top_max: usize,
    /// Whether `$skip` is served.
    pub allows_skip: bool,
    /// The properties that are shown without `$select`; `None` for all.
    pub default_properties: Option<&'a [&'a str]>,
    /// The names of relations. They are shown only if they are expanded, and nothing else can be.
    pub relations: &'a [&'a str],
    /// How many related objects are shown at most.
    pub expanded_max: usize,
}

/// The objects of one page.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The objects as they are shown.
    pub value: Vec<Map<String, Value>>,
    /// What asks for the next page; `None` on the last.
    pub next: Option<SkipToken>,
    /// How many objects the query describes, on the first page of a query with `$count=true`.
    pub count: Option<usize>,
}

/// Where a page begins, and in which query. Clients hand it back as it is.
///
/// A token that was changed, or that belongs to another query or collection, is refused. It is no secret: who reads
/// this program can make one, and gains nothing that `$top` does not give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkipToken(String);

impl SkipToken {
    /// The value of `$skiptoken`, which needs no encoding.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The token of a place, whatever the collection counts places by.
    pub(crate) fn new(position: usize, options: &QueryOptions, collection: &str) -> Self {
        let position = u64::try_from(position).unwrap_or(u64::MAX).to_be_bytes();
        let mut hash = Context::new(&SHA256);
        hash.update(&position);
        hash.update(&collection.len().to_be_bytes());
        hash.update(collection.as_bytes());
        options.digest(&mut hash);
        let bytes: Vec<u8> = position.iter().chain(hash.finish().as_ref().iter().take(DIGEST_BYTES)).copied().collect();
        Self(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The position that a token of this query and collection names.
    fn position(token: &str, options: &QueryOptions, collection: &str) -> Result<usize, ODataError> {
        let bytes = URL_SAFE_NO_PAD.decode(token).unwrap_or_default();
        let position = bytes.first_chunk().copied().map(u64::from_be_bytes);
        let position = position.and_then(|position| usize::try_from(position).ok());
        position
            .filter(|position| Self::new(*position, options, collection).as_str() == token)
            .ok_or_else(|| ODataError::request("The specified '$skiptoken' is not valid for this request."))
    }
}

impl fmt::Display for SkipToken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// The page of the objects that the query asks for. The objects come in the order that the collection has by itself,
/// with every property and with the relations that [`QueryOptions::expand`] and the filter name.
///
/// # Errors
/// The query asks for what the collection does not have, compares what cannot be compared, or has a token of
/// another query.
pub fn page<'a>(
    objects: impl IntoIterator<Item = &'a Map<String, Value>>,
    options: &QueryOptions,
    limits: &PageLimits<'_>,
) -> Result<Page, ODataError> {
    page_with(objects, options, (limits, &carried))
}

/// What an object is related to, by the name of the relation as [`PageLimits::relations`] has it; `None` where the object
/// says nothing about it. Only what is shown is asked for.
pub type Related<'r> = &'r dyn Fn(&Map<String, Value>, &str) -> Option<Value>;

/// The same, where objects do not carry what they are related to.
///
/// # Errors
/// As [`page()`].
pub fn page_with<'a>(
    objects: impl IntoIterator<Item = &'a Map<String, Value>>,
    options: &QueryOptions,
    (limits, related): (&PageLimits<'_>, Related<'_>),
) -> Result<Page, ODataError> {
    let (start, size) = window(options, limits)?;
    let mut found = matching(objects, options)?;
    if let Some(order_by) = options.order_by() {
        order_by.sort(&mut found)?;
    }
    let count = (options.count() && options.skip_token().is_none()).then_some(found.len());
    let end = start.saturating_add(size);
    let next = (end < found.len()).then(|| SkipToken::new(end, options, limits.collection));
    let shown = found.into_iter().skip(start).take(size);
    Ok(Page { value: shown.map(|object| show(object, options, (limits, related))).collect(), next, count })
}

/// The page of a query that takes every object in the order of the collection: of so many the objects of this page, which
/// begins where [`window`] says.
///
/// # Errors
/// As [`page()`].
pub fn page_in_order<'a>(
    (total, here): (usize, impl IntoIterator<Item = &'a Map<String, Value>>),
    options: &QueryOptions,
    (limits, related): (&PageLimits<'_>, Related<'_>),
) -> Result<Page, ODataError> {
    let (start, size) = window(options, limits)?;
    let end = start.saturating_add(size);
    let value = here.into_iter().take(size).map(|object| show(object, options, (limits, related))).collect();
    let next = (end < total).then(|| SkipToken::new(end, options, limits.collection));
    let count = (options.count() && options.skip_token().is_none()).then_some(total);
    Ok(Page { value, next, count })
}

/// Where the page that a query asks for begins, and how many objects it has at most.
///
/// # Errors
/// The query asks for what the collection does not have, or has a token of another query.
pub fn window(options: &QueryOptions, limits: &PageLimits<'_>) -> Result<(usize, usize), ODataError> {
    check_expand(options, limits)?;
    let size = page_size(options, limits)?;
    if options.skip().is_some() && !limits.allows_skip {
        return Err(ODataError::request("'$skip' is not supported by the service."));
    }
    let start = match options.skip_token() {
        Some(token) => SkipToken::position(token, options, limits.collection)?,
        None => options.skip().unwrap_or(0),
    };
    Ok((start, size))
}

/// The objects that filter and search let through, in the order they came in: what `/users/$count` counts.
///
/// # Errors
/// The query compares what cannot be compared.
pub fn matching<'a>(
    objects: impl IntoIterator<Item = &'a Map<String, Value>>,
    options: &QueryOptions,
) -> Result<Vec<&'a Map<String, Value>>, ODataError> {
    let mut found = Vec::new();
    for object in objects {
        if options.lets_through(object)? {
            found.push(object);
        }
    }
    Ok(found)
}

/// One object as it is shown: `$select` and `$expand` of the query, and no other option.
///
/// # Errors
/// The query expands what is no relation.
pub fn shape(
    object: &Map<String, Value>,
    options: &QueryOptions,
    limits: &PageLimits<'_>,
) -> Result<Map<String, Value>, ODataError> {
    shape_with(object, options, (limits, &carried))
}

/// The same, where the object does not carry what it is related to.
///
/// # Errors
/// As [`shape`].
pub fn shape_with(
    object: &Map<String, Value>,
    options: &QueryOptions,
    (limits, related): (&PageLimits<'_>, Related<'_>),
) -> Result<Map<String, Value>, ODataError> {
    check_expand(options, limits)?;
    Ok(show(object, options, (limits, related)))
}

/// What an object itself has under the name of a relation.
fn carried(object: &Map<String, Value>, relation: &str) -> Option<Value> {
    object.iter().find(|(name, _)| name.eq_ignore_ascii_case(relation)).map(|(_, related)| related.clone())
}

fn page_size(options: &QueryOptions, limits: &PageLimits<'_>) -> Result<usize, ODataError> {
    let max = limits.top_max;
    match options.top() {
        None => Ok(limits.top_default.max(1)),
        Some(top) if (1..=max).contains(&top) => Ok(top),
        Some(top) => Err(ODataError::unsupported(format!(
            "Invalid page size specified: '{top}'. Must be between 1 and {max} inclusive."
        ))),
    }
}

fn check_expand(options: &QueryOptions, limits: &PageLimits<'_>) -> Result<(), ODataError> {
    let is_relation = |name: &str| limits.relations.iter().any(|relation| relation.eq_ignore_ascii_case(name));
    match options.expand().iter().find(|expand| !is_relation(expand.relation())) {
        Some(expand) => Err(refused(&format!("'{}' cannot be expanded", expand.relation()))),
        None => Ok(()),
    }
}

fn show(
    object: &Map<String, Value>,
    options: &QueryOptions,
    (limits, related): (&PageLimits<'_>, Related<'_>),
) -> Map<String, Value> {
    let relation = |name: &str| limits.relations.iter().find(|relation| relation.eq_ignore_ascii_case(name));
    let mut shown = match (options.select(), limits.default_properties) {
        (Some(select), _) => select.apply(object),
        (None, Some(names)) => Select::of_names(names).apply(object),
        (None, None) => object.clone(),
    };
    shown.retain(|name, _| relation(name).is_none());
    for expand in options.expand() {
        let Some(name) = relation(expand.relation()) else { continue };
        if let Some(found) = related(object, name) {
            shown.insert((*name).to_owned(), expand.apply(&found, limits.expanded_max));
        }
    }
    shown
}
