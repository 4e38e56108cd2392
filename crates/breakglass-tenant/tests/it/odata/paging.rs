//! Pages, their order, their tokens, and how objects are shown.

use breakglass_tenant::odata::{PageLimits, QueryOptions, matching, page, shape};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Object, USERS, names, users};

fn parsed(query: &str) -> QueryOptions {
    QueryOptions::parse(query).unwrap_or_else(|error| panic!("{query}: {error}"))
}

#[test]
fn who_stands_where() {
    let users = users();
    for (query, found) in [
        ("", "ann bob cleo"),
        ("$orderby=displayName", "ann bob cleo"),
        ("$orderby=displayName desc", "cleo bob ann"),
        ("$orderby=createdDateTime", "ann cleo bob"),
        ("$orderby=createdDateTime desc", "bob cleo ann"),
        ("$orderby=companyName", "cleo bob ann"),
        ("$orderby=companyName desc", "ann bob cleo"),
        ("$orderby=badge desc", "bob ann cleo"),
        ("$orderby=accountEnabled", "cleo bob ann"),
        ("$orderby=userType,displayName desc", "bob cleo ann"),
        ("$orderby=userType desc,displayName", "ann cleo bob"),
        ("$orderby=manager/displayName", "bob ann cleo"),
        ("$orderby=nothing", "ann bob cleo"),
        ("$orderby=mail desc&$filter=userType eq 'Member'", "cleo ann"),
        ("$search=\"userType:m\"&$filter=accountEnabled eq true", "ann"),
        ("$top=2", "ann bob"),
    ] {
        assert_eq!(names(&page(&users, &parsed(query), &USERS).unwrap().value), found, "{query}");
    }
}

/// Pages, order and selection have no part in what is counted.
#[test]
fn who_is_counted() {
    let users = users();
    for (query, found) in [
        ("", "ann bob cleo"),
        ("$top=1&$orderby=displayName desc&$skip=1&$select=id", "ann bob cleo"),
        ("$filter=userType eq 'Member'", "ann cleo"),
        ("$filter=userType eq 'Member'&$search=\"mail:cleo\"", "cleo"),
    ] {
        assert_eq!(names(matching(&users, &parsed(query)).unwrap()), found, "{query}");
    }
    assert!(matching(&users, &parsed("$filter=badge eq '7'")).is_err());
}

#[test]
fn what_is_refused() {
    let users = users();
    for (query, code, part) in [
        (
            "$top=0",
            "Request_UnsupportedQuery",
            "Invalid page size specified: '0'. Must be between 1 and 999 inclusive.",
        ),
        ("$top=1000", "Request_UnsupportedQuery", "Invalid page size specified: '1000'."),
        ("$skip=1", "Request_BadRequest", "'$skip' is not supported by the service."),
        ("$expand=owners", "BadRequest", "'owners' cannot be expanded"),
        ("$skiptoken=abc", "Request_BadRequest", "'$skiptoken' is not valid"),
        ("$orderby=businessPhones", "BadRequest", "A value of type 'Collection' has no place in an order"),
        ("$orderby=manager", "BadRequest", "A value of type 'Edm.ComplexType'"),
        ("$orderby=displayName/a", "BadRequest", "Nothing can be ordered by 'displayName/a'"),
        ("$filter=badge eq '7'", "BadRequest", "incompatible"),
        ("$filter=mailNickname eq 'nobody'&$search=\"badge:7\"", "Request_UnsupportedQuery", "cannot be searched"),
    ] {
        let error = page(&users, &parsed(query), &USERS).unwrap_err();
        assert_eq!(error.code().as_str(), code, "{query}");
        assert!(error.message().contains(part), "{query}: {error}");
    }
    let mixed: Vec<Object> =
        [json!({"a": 1}), json!({"a": "b"})].iter().map(|value| value.as_object().unwrap().clone()).collect();
    assert!(page(&mixed, &parsed("$orderby=a"), &USERS).is_err());
    assert!(page(&mixed, &parsed("$orderby=a desc"), &USERS).is_err());
}

#[test]
fn tokens_belong_to_one_query() {
    let users = users();
    let first = page(&users, &parsed("$top=1&$count=true&$select=mailNickname"), &USERS).unwrap();
    assert_eq!((names(&first.value).as_str(), first.count), ("ann", Some(3)));
    let token = first.next.unwrap().to_string();
    let second = format!("$select=mailNickname&$top=1&count=true&$skiptoken={token}");
    let second = page(&users, &parsed(&second), &USERS).unwrap();
    assert_eq!((names(&second.value).as_str(), second.count), ("bob", None));

    let mut wrong: Vec<String> = [
        "$top=2&$count=true&$select=mailNickname",
        "$top=1&$count=true",
        "",
        "$top=1&$count=true&$select=mailNickname&$filter=accountEnabled",
    ]
    .iter()
    .map(|query| format!("{query}&$skiptoken={token}"))
    .collect();
    let same = "$top=1&$count=true&$select=mailNickname";
    for at in 0..token.len() {
        let mut changed: Vec<char> = token.chars().collect();
        changed[at] = if changed[at] == 'A' { 'B' } else { 'A' };
        wrong.push(format!("{same}&$skiptoken={}", changed.iter().collect::<String>()));
        let part: String = token.chars().take(at.max(1)).collect();
        wrong.push(format!("{same}&$skiptoken={part}"));
    }
    wrong.push(format!("{same}&$skiptoken={token}A"));
    wrong.push(format!("{same}&$skiptoken={token}%3D"));
    for query in wrong {
        let error = page(&users, &parsed(&query), &USERS).unwrap_err();
        assert_eq!(error.code().as_str(), "Request_BadRequest", "{query}");
    }
    let other = PageLimits { collection: "/roles", ..USERS };
    assert!(page(&users, &parsed(&format!("{same}&$skiptoken={token}")), &other).is_err());
}

/// A page after an object went: what is left of it, and no error.
#[test]
fn a_page_past_the_end_is_empty() {
    let users = users();
    let token = page(&users, &parsed("$top=2"), &USERS).unwrap().next.unwrap();
    let last = page(&users[..1], &parsed(&format!("$top=2&$skiptoken={token}")), &USERS).unwrap();
    assert!(last.value.is_empty() && last.next.is_none());
}

#[test]
fn skip_counts_before_the_first_page() {
    let users = users();
    let limits = PageLimits { allows_skip: true, top_default: 1, ..USERS };
    let first = page(&users, &parsed("$skip=1"), &limits).unwrap();
    assert_eq!(names(&first.value), "bob");
    let next = parsed(&parsed("$skip=1").next_query(&first.next.unwrap()));
    let second = page(&users, &next, &limits).unwrap();
    assert_eq!((names(&second.value).as_str(), second.next), ("cleo", None));
    assert!(page(&users, &parsed("$skip=9"), &limits).unwrap().value.is_empty());
}

#[test]
fn the_query_of_the_next_page() {
    let users = users();
    for (query, next) in [
        ("$top=1", "$top=1&$skiptoken="),
        ("top=1&x=a%26b&filter=id ne 'a b'", "$top=1&x=a%26b&$filter=id%20ne%20'a%20b'&$skiptoken="),
        ("$top=1&$count=true", "$top=1&$count=true&$skiptoken="),
    ] {
        let options = parsed(query);
        let token = page(&users, &options, &USERS).unwrap().next.unwrap();
        assert_eq!(options.next_query(&token), format!("{next}{token}"), "{query}");
        let again = parsed(&options.next_query(&token));
        assert_eq!(names(&page(&users, &again, &USERS).unwrap().value), "bob", "{query}");
        assert_eq!(again.next_query(&token), options.next_query(&token), "{query}");
    }
}

#[test]
fn what_is_shown() {
    let object = json!({
        "@odata.type": "#microsoft.graph.user",
        "id": "u",
        "displayName": "Ann",
        "mail": null,
        "conditions": {"users": {"includeUsers": ["All"], "excludeUsers": []}, "platforms": null},
        "licenses@odata.context": "c",
        "licenses": [{"skuId": "s", "plans": [1]}, {"skuId": "t"}],
        "memberOf": [{"@odata.type": "#microsoft.graph.group", "id": "g", "displayName": "G"}, {"id": "h", "mail": "h@x"}],
        "memberOf@odata.nextLink": "x",
        "manager": {"id": "m", "displayName": "Dora"}
    });
    let object = object.as_object().unwrap();
    let limits = PageLimits { default_properties: Some(&["id", "displayName"]), ..USERS };
    let kind = "\"@odata.type\":\"#microsoft.graph.user\"";
    for (query, shown) in [
        ("", r#""id":"u","displayName":"Ann""#),
        ("$select=mail", r#""mail":null"#),
        ("$select=DISPLAYNAME", r#""displayName":"Ann""#),
        ("$select=displayName,id,nothing", r#""id":"u","displayName":"Ann""#),
        ("$select=conditions/users/includeUsers", r#""conditions":{"users":{"includeUsers":["All"]}}"#),
        (
            "$select=conditions/platforms,conditions/users/excludeUsers",
            r#""conditions":{"users":{"excludeUsers":[]},"platforms":null}"#,
        ),
        (
            "$select=conditions/platforms,conditions",
            r#""conditions":{"users":{"includeUsers":["All"],"excludeUsers":[]},"platforms":null}"#,
        ),
        ("$select=licenses/skuId", r#""licenses@odata.context":"c","licenses":[{"skuId":"s"},{"skuId":"t"}]"#),
        ("$select=id/x", r#""id":"u""#),
        ("$select=id&$expand=manager", r#""id":"u","manager":{"id":"m","displayName":"Dora"}"#),
        ("$select=id&$expand=manager($select=id)", r#""id":"u","manager":{"id":"m"}"#),
        (
            "$select=id&$expand=memberof($select=id),manager($select=displayName)",
            r##""id":"u","memberOf":[{"@odata.type":"#microsoft.graph.group","id":"g"},{"id":"h"}],"manager":{"displayName":"Dora"}"##,
        ),
        ("$select=memberOf", r#""memberOf@odata.nextLink":"x""#),
    ] {
        let found = Value::Object(shape(object, &parsed(query), &limits).unwrap()).to_string();
        assert_eq!(found, format!("{{{kind},{shown}}}"), "{query}");
    }
    let all = shape(object, &parsed("$select=*"), &limits).unwrap();
    assert_eq!(all.len(), object.len() - 2, "all but the two relations");
    let one = PageLimits { expanded_max: 1, ..limits };
    let shown = shape(object, &parsed("$expand=memberOf"), &one).unwrap();
    assert_eq!(shown["memberOf"].as_array().unwrap().len(), 1);
    assert!(shape(object, &parsed("$expand=owners"), &limits).is_err());
}

proptest! {
    /// Pages put together are the whole list, in the order of the keys, and everybody is on one of them.
    #[test]
    fn pages_are_the_whole(
        rows in prop::collection::vec((0..4_u8, prop::option::of(0..3_i64), any::<bool>()), 0..30),
        size in 1..7_usize,
        is_descending in any::<bool>(),
    ) {
        let objects: Vec<Object> = rows
            .iter()
            .enumerate()
            .map(|(at, (name, rank, is_in))| {
                let value = json!({"at": at, "name": format!("n{name}"), "rank": rank, "isIn": is_in});
                value.as_object().unwrap().clone()
            })
            .collect();
        let direction = if is_descending { " desc" } else { "" };
        let query = format!("$filter=isIn&$count=true&$orderby=rank{direction},name&$top={size}");
        let mut options = parsed(&query);
        let mut found: Vec<Object> = Vec::new();
        let mut count = None;
        loop {
            let page = page(&objects, &options, &USERS).unwrap();
            count = count.or(page.count);
            prop_assert!(page.value.len() == size || page.next.is_none());
            found.extend(page.value);
            let Some(token) = page.next else { break };
            options = parsed(&options.next_query(&token));
        }
        let mut expected: Vec<&Object> = objects.iter().filter(|object| object["isIn"] == true).collect();
        expected.sort_by_key(|object| {
            let rank = object["rank"].as_i64().map_or(-1, |rank| rank);
            (if is_descending { -rank } else { rank }, object["name"].to_string())
        });
        prop_assert_eq!(count, Some(expected.len()));
        prop_assert_eq!(found.iter().collect::<Vec<_>>(), expected);
    }
}
