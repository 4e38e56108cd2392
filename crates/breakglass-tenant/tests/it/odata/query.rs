//! Whole queries: their options, their encoding, and what directory objects ask of them.

use breakglass_tenant::odata::{
    EXPAND_COUNT_MAX, ORDER_BY_KEY_COUNT_MAX, QUERY_BYTES_MAX, QUERY_PARAMETER_COUNT_MAX, QueryOptions,
    SELECT_PATH_COUNT_MAX,
};

/// A line for each option that is there.
fn told(query: &str) -> String {
    let options = QueryOptions::parse(query).unwrap_or_else(|error| panic!("{query}: {error}"));
    let mut told = Vec::new();
    told.extend(options.filter().map(|filter| format!("filter {filter}")));
    told.extend(options.select().map(|select| format!("select {}", select.properties().join(","))));
    told.extend(options.expand().iter().map(|expand| {
        let select = expand.select().map(|select| select.properties().join(","));
        format!("expand {}{}", expand.relation(), select.map(|select| format!("({select})")).unwrap_or_default())
    }));
    told.extend(options.order_by().map(|order_by| format!("orderby {}", order_by.properties().join(","))));
    told.extend(options.search().map(|search| format!("search {}", search.properties().join(","))));
    told.extend(options.top().map(|top| format!("top {top}")));
    told.extend(options.skip().map(|skip| format!("skip {skip}")));
    told.extend(options.count().then(|| "count".to_owned()));
    told.extend(options.skip_token().map(|token| format!("skiptoken {token}")));
    told.extend(options.delta_token().map(|token| format!("deltatoken {token}")));
    told.join("; ")
}

#[test]
fn options_that_are_read() {
    for (query, expected) in [
        ("", ""),
        ("&&", ""),
        ("$top=5", "top 5"),
        ("%24top=5", "top 5"),
        ("top=5", "top 5"),
        ("$Top=5", "top 5"),
        ("$filter=startswith(displayName%2C+'J')", "filter startswith(displayName,'J')"),
        ("%24filter=userPrincipalName%20eq%20%27ann%40contoso.com%27", "filter userPrincipalName eq 'ann@contoso.com'"),
        ("$filter=a eq 'b=c'", "filter a eq 'b=c'"),
        ("$filter=a eq 'b%26c%2Bd'", "filter a eq 'b&c+d'"),
        ("$filter=a eq 2026-01-01T00:00:00%2B02:00", "filter a eq 2026-01-01T00:00:00+02:00"),
        ("$select=id, displayName,a/b,a/c", "select id,displayName,a"),
        ("$expand=members($select=id,displayName),owners", "expand members(id,displayName); expand owners"),
        ("$expand=manager( $select = id )", "expand manager(id)"),
        ("$expand=manager(select=id)", "expand manager(id)"),
        ("$expand=policy($expand=rules, effectiveRules)", "expand policy"),
        ("$orderBy=displayName desc,createdDateTime ASC,id", "orderby displayName,createdDateTime,id"),
        ("$search=\"displayName:a\" OR \"mail:b\"", "search displayName,mail"),
        ("$count=true", "count"),
        ("$count=false", ""),
        ("$skipToken=abc&$top=1", "top 1; skiptoken abc"),
        ("$skip=0", "skip 0"),
        ("$deltatoken=latest", "deltatoken latest"),
        ("api-version=1.0&other&$top=1&x=%26", "top 1"),
    ] {
        assert_eq!(told(query), expected, "{query}");
    }
}

#[test]
fn queries_that_are_refused() {
    for (query, part) in [
        ("$filter=a eq 1&$filter=b eq 2", "Query option '$filter' was specified more than once"),
        ("$top=1&top=2", "'$top' was specified more than once"),
        ("$top=1&%24TOP=2", "'$top' was specified more than once"),
        ("$apply=a", "The query parameter '$apply' is not supported."),
        ("$format=json", "The query parameter '$format' is not supported."),
        ("$=1", "The query parameter '$' is not supported."),
        ("$$top=1", "The query parameter '$$top' is not supported."),
        ("%2524top=1", ""),
        ("$filter", "The value for OData query '$filter' cannot be empty."),
        ("$filter=", "cannot be empty"),
        ("$select=+", "cannot be empty"),
        ("$skiptoken=", "cannot be empty"),
        ("$filter=a eq", "Invalid filter clause"),
        ("$filter=%ff", "not UTF-8"),
        ("$filter=a%2", "two hexadecimal digits"),
        ("x=%zz", "two hexadecimal digits"),
        ("$top=-1", "requires a non-negative integer value"),
        ("$top=1.0", "requires a non-negative integer value"),
        ("$top=%2B1", "requires a non-negative integer value"),
        ("$top=2147483648", "requires a non-negative integer value"),
        ("$skip=a", "Invalid value 'a' for $skip"),
        ("$count=True", "Valid values are 'true' and 'false'"),
        ("$count=1", "Valid values are"),
        ("$select=a,,b", "'' is no property"),
        ("$select=a b", "'a b' is no property"),
        ("$select=a/*", "is no property"),
        ("$select=microsoft.graph.user/id", "is no property"),
        ("$select=a/b/c/d/e/f/g/h/i", "is no property"),
        ("$expand=*", "'*' is no relation"),
        ("$expand=members/$ref", "is no relation"),
        ("$expand=members,Members", "'Members' is named twice"),
        ("$expand=members($filter=a eq 1)", "the options '$filter=a eq 1' are not supported"),
        ("$expand=manager($levels=max;$select=id)", "are not supported"),
        ("$expand=members($select=id;$top=1)", "are not supported"),
        ("$expand=members()", "are not supported"),
        ("$expand=policy($expand=)", "are not supported"),
        ("$expand=policy($expand=rules($select=id))", "are not supported"),
        ("$expand=policy($expand=rules;$select=id)", "are not supported"),
        ("$expand=members($select=)", "is no property"),
        ("$expand=members($select=id", "parentheses"),
        ("$expand=members)", "parentheses"),
        ("$expand=members($select=id)x", "parentheses"),
        ("$orderby=a up", "Syntax error in 'a up'"),
        ("$orderby=a desc b", "Syntax error"),
        ("$orderby=a,", "Syntax error in ''"),
        ("$orderby=a/$count", "Syntax error"),
        ("$orderby=desc(a)", "Syntax error"),
    ] {
        match QueryOptions::parse(query) {
            Err(error) => assert!(!part.is_empty() && error.message().contains(part), "{query}: {error}"),
            Ok(_) => assert!(part.is_empty(), "{query}"),
        }
    }
}

#[test]
fn limits() {
    let long = |count: usize| format!("x={}", "a".repeat(count - 2));
    let parameters = |count: usize| vec!["x=1"; count].join("&");
    let selected = |count: usize| format!("$select={}", vec!["a"; count].join(","));
    let expanded = |count: usize| {
        let relations: Vec<String> = (0..count).map(|at| format!("r{at}")).collect();
        format!("$expand={}", relations.join(","))
    };
    let ordered = |count: usize| format!("$orderby={}", vec!["a"; count].join(","));
    let cases: [(&dyn Fn(usize) -> String, usize); 5] = [
        (&long, QUERY_BYTES_MAX),
        (&parameters, QUERY_PARAMETER_COUNT_MAX),
        (&selected, SELECT_PATH_COUNT_MAX),
        (&expanded, EXPAND_COUNT_MAX),
        (&ordered, ORDER_BY_KEY_COUNT_MAX),
    ];
    for (make, max) in cases {
        assert!(QueryOptions::parse(&make(max)).is_ok());
        let error = QueryOptions::parse(&make(max + 1)).unwrap_err();
        assert!(error.message().contains("Max allowed: "), "{error}");
    }
}

/// A query over directory objects: what it comes to without and with `ConsistencyLevel: eventual`, where a word of a
/// refusal stands for it.
#[test]
fn queries_that_need_the_header() {
    for (query, is_advanced, without, with) in [
        ("", false, "uncounted", "uncounted"),
        ("$filter=a eq 1", false, "uncounted", "uncounted"),
        ("$orderby=a", false, "uncounted", "uncounted"),
        ("$count=false", false, "uncounted", "uncounted"),
        ("$count=true", true, "uncounted", "counted"),
        ("$count=true&$filter=a eq 1", true, "uncounted", "counted"),
        ("$search=\"a:b\"", true, "with $search", "uncounted"),
        ("$search=\"a:b\"&$count=true", true, "with $search", "counted"),
        ("$filter=a ne 1", true, "Operator 'ne' is", "Operator 'ne' is"),
        ("$filter=a ne 1&$count=true", true, "Operator 'ne' is", "counted"),
        ("$filter=not(a eq 1)&$count=true", true, "Operator 'not' is", "counted"),
        ("$filter=endswith(a,'b')&$count=true", true, "Operator 'endsWith' is", "counted"),
        ("$filter=a/$count eq 0&$count=true", true, "Operator '$count' is", "counted"),
        ("$filter=a eq 1&$orderby=a", true, "Sorting not supported", "Sorting not supported"),
        ("$filter=a eq 1&$orderby=a&$count=true", true, "Sorting not supported", "counted"),
        ("$filter=a in (1,2,3,4,5,6,7,8,9,10,11,12,13,14,15)", false, "uncounted", "uncounted"),
        (
            "$filter=a in (1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16)",
            false,
            "operators: 16. Max allowed: 15.",
            "Max allowed",
        ),
        ("$filter=a in (1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16)&$count=true", true, "Max allowed", "counted"),
        ("$expand=members", false, "uncounted", "uncounted"),
        ("$expand=members&$count=true", true, "uncounted", "$expand is not supported"),
    ] {
        let options = QueryOptions::parse(query).unwrap();
        assert_eq!(options.is_advanced(), is_advanced, "{query}");
        for (is_eventual, expected) in [(false, without), (true, with)] {
            let outcome = match options.check_consistency(is_eventual) {
                Ok(true) => "counted".to_owned(),
                Ok(false) => "uncounted".to_owned(),
                Err(error) => {
                    assert_eq!(error.code().as_str(), "Request_UnsupportedQuery");
                    error.to_string()
                }
            };
            assert!(
                outcome == expected || (outcome.contains(expected) && expected.contains(' ')),
                "{query}: {outcome}"
            );
        }
    }
}

#[test]
fn names_that_the_type_does_not_have() {
    for (query, refused) in [
        ("$filter=a eq 1 and A/x eq 2&$select=a/b&$orderby=a&$search=\"a:b\"", None),
        (
            "$filter=a eq 1 or b ne 'x'",
            Some("Invalid filter clause: Could not find a property named 'b' on type 'microsoft.graph.user'."),
        ),
        ("$filter=a/any(b:b/c eq 1)", None),
        (
            "$filter=a/any(b:b/d/any(c:c/e eq 1))",
            Some("Invalid filter clause: Could not find a property named 'e' on type 'microsoft.graph.user'."),
        ),
        ("$filter=microsoft.graph.group/a eq 1", None),
        (
            "$orderby=a/e desc",
            Some("Invalid $orderby clause: Could not find a property named 'e' on type 'microsoft.graph.user'."),
        ),
        (
            "$select=a,c",
            Some(
                "Parsing OData Select and Expand failed: Could not find a property named 'c' on type 'microsoft.graph.user'.",
            ),
        ),
        (
            "$orderby=d",
            Some("Invalid $orderby clause: Could not find a property named 'd' on type 'microsoft.graph.user'."),
        ),
        (
            "$search=\"e:x\"",
            Some("Invalid search clause: Could not find a property named 'e' on type 'microsoft.graph.user'."),
        ),
    ] {
        // A path begins with `a`, and has no `e` in it.
        let unknown = |path: &[&str]| {
            let mut names = path.iter().filter(|name| !name.contains('.'));
            let first = names.next().filter(|name| !name.eq_ignore_ascii_case("a"));
            let unknown = first.or_else(|| names.find(|name| **name == "e"));
            unknown.map(|name| ((*name).to_owned(), "microsoft.graph.user".to_owned()))
        };
        let options = QueryOptions::parse(query).unwrap();
        let error = options.check_properties(unknown).err();
        assert_eq!(error.as_ref().map(|error| error.message()), refused, "{query}");
    }
}
