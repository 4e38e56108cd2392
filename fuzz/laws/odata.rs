//! What the query options promise of any query: an answer and no panic, a canonical filter that means the same, pages
//! that put together are the whole, objects that are there and nothing but what the filter lets through.

use breakglass_tenant::odata::{
    FILTER_BYTES_MAX, Filter, ODataError, PageLimits, QUERY_BYTES_MAX, QUERY_PARAMETER_COUNT_MAX, QueryOptions, page,
    shape,
};
use serde_json::{Map, Value};

type Object = Map<String, Value>;

const LIMITS: PageLimits<'static> = PageLimits {
    collection: "/users",
    top_default: 2,
    top_max: 999,
    allows_skip: true,
    default_properties: Some(&["id", "displayName"]),
    relations: &["memberOf", "manager"],
    expanded_max: 1,
};

fn objects() -> Vec<Object> {
    serde_json::from_str(include_str!("../../crates/breakglass-tenant/tests/it/odata/users.json"))
        .expect("the users are readable")
}

/// Checks it for one query.
pub(crate) fn hold(bytes: &[u8]) {
    let Ok(query) = std::str::from_utf8(bytes) else { return };
    // A query is also tried as the text of a filter, so that the fuzzer need not learn to encode.
    if let Some(filter) = sound(Filter::parse(query)) {
        hold_filter(&filter);
    }
    let Some(options) = sound(QueryOptions::parse(query)) else { return };
    if let Some(filter) = options.filter() {
        hold_filter(filter);
    }
    let is_advanced = options.is_advanced();
    for is_eventual in [false, true] {
        let counts = sound(options.check_consistency(is_eventual));
        assert!(is_advanced || counts != Some(true));
        assert!(is_eventual || counts != Some(true));
    }
    assert!(options.check_properties(|_| None).is_ok());
    let objects = objects();
    for object in &objects {
        sound(shape(object, &options, &LIMITS));
    }
    hold_pages(&options, &objects);
}

/// The value; an error has Graph's form.
fn sound<T>(result: Result<T, ODataError>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(error) => {
            assert!(!error.message().is_empty() && error.message().chars().count() < 1024, "{error}");
            assert!(!error.code().as_str().is_empty());
            None
        }
    }
}

fn hold_filter(filter: &Filter) {
    let canonical = filter.to_string();
    if canonical.len() > FILTER_BYTES_MAX {
        return;
    }
    let again = Filter::parse(&canonical).unwrap_or_else(|error| panic!("{canonical}: {error}"));
    assert_eq!(again.to_string(), canonical);
    assert_eq!(again.advanced_operators(), filter.advanced_operators(), "{canonical}");
    assert_eq!(again.properties(), filter.properties(), "{canonical}");
    for object in &objects() {
        let (one, other) = (sound(filter.matches(object)), sound(again.matches(object)));
        assert_eq!(one, other, "{canonical} of {object:?}");
    }
    assert_eq!(sound(filter.matches(&Object::new())), sound(again.matches(&Object::new())));
}

fn hold_pages(options: &QueryOptions, objects: &[Object]) {
    let Some(first) = sound(page(objects, options, &LIMITS)) else { return };
    if options.skip_token().is_some() {
        return;
    }
    let all = |object: &&Object| match (options.filter(), options.search()) {
        (None, None) => true,
        (filter, search) => {
            filter.is_none_or(|filter| filter.matches(object) == Ok(true))
                && search.is_none_or(|search| search.matches(object) == Ok(true))
        }
    };
    let expected = objects.iter().filter(all).count();
    assert_eq!(first.count, options.count().then_some(expected));
    let mut shown = first.value.len();
    let mut next = first.next;
    while let Some(token) = next {
        let query = options.next_query(&token);
        // A query that is full has no room for a token.
        if query.len() > QUERY_BYTES_MAX || query.split('&').count() > QUERY_PARAMETER_COUNT_MAX {
            return;
        }
        let following = QueryOptions::parse(&query).unwrap_or_else(|error| panic!("{query}: {error}"));
        let page = page(objects, &following, &LIMITS).unwrap_or_else(|error| panic!("{query}: {error}"));
        assert!(!page.value.is_empty() && page.count.is_none(), "{query}");
        shown += page.value.len();
        next = page.next;
    }
    assert_eq!(shown, expected.saturating_sub(options.skip().unwrap_or(0)));
}
