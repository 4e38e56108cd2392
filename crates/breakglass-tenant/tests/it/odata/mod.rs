//! Tests of the query options.

use breakglass_tenant::odata::PageLimits;
use serde_json::{Map, Value};

mod filter;
mod paging;
mod query;
mod referee;
mod refusals;
mod search;

type Object = Map<String, Value>;

/// A few users, each known by `mailNickname`.
fn users() -> Vec<Object> {
    serde_json::from_str(include_str!("users.json")).unwrap()
}

/// What pages of `/users` are like.
const USERS: PageLimits<'static> = PageLimits {
    collection: "/users",
    top_default: 100,
    top_max: 999,
    allows_skip: false,
    default_properties: None,
    relations: &["memberOf", "manager"],
    expanded_max: 20,
};

/// Who is meant, as one word.
fn names<'a>(objects: impl IntoIterator<Item = &'a Object>) -> String {
    let names: Vec<&str> = objects.into_iter().filter_map(|object| object["mailNickname"].as_str()).collect();
    names.join(" ")
}
