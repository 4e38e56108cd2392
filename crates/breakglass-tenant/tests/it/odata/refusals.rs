//! What is refused, and in which words.

use breakglass_tenant::odata::{
    ErrorCode, FILTER_BYTES_MAX, FILTER_NESTING_DEPTH_MAX, FILTER_STEP_COUNT_MAX, FILTER_TERM_COUNT_MAX, Filter,
    IN_ELEMENT_COUNT_MAX, LAMBDA_DEPTH_MAX, PATH_SEGMENT_COUNT_MAX,
};

use serde_json::json;

use super::users;

/// A filter that is refused for itself, and a part of the message.
const REFUSED: &[(&str, &str)] = &[
    ("", "Expression expected at position 0"),
    ("   ", "Expression expected at position 3"),
    ("displayName", ""),
    ("displayName eq", "Expression expected at position 14 in 'displayName eq'."),
    ("eq 'a'", "Syntax error at position 3"),
    ("displayName eq 'a", "There is an unterminated string literal at position 15"),
    ("displayName eq 'a' displayName", "Syntax error at position 19"),
    ("displayName eq 'a'and true", "character 'a' is not valid at position 18"),
    ("displayName equals 'a'", "Syntax error at position 12"),
    ("displayName = 'a'", "character '=' is not valid at position 12"),
    ("displayName eq \"a\"", "character '\"' is not valid at position 15"),
    ("displayName eq a", "with a literal on one side at position 0"),
    ("a eq b", "with a literal on one side"),
    ("a eq b/$count", "with a literal on one side"),
    ("1 eq 1", "two literals"),
    ("true", "no condition"),
    ("false or a", "no condition"),
    ("null", "no condition"),
    ("'a'", "no condition"),
    ("1", "no condition"),
    ("a/$count", "no condition"),
    ("not 1", "no condition"),
    ("not", "Expression expected"),
    ("a and", "Expression expected at position 5"),
    ("a or or b", "Syntax error"),
    ("and a", "Syntax error"),
    ("(a", "')' expected at position 2"),
    ("a)", "Syntax error at position 1"),
    ("()", "Syntax error at position 1"),
    ("a eq 1 b eq 2", "Syntax error at position 7"),
    ("a, b", "Syntax error at position 1"),
    ("tolower(a) eq 'b'", "An unknown function with name 'tolower' was found at position 0"),
    ("substringof('a',b)", "unknown function"),
    ("and(a)", "unknown function"),
    ("startswith('a',b)", "needs a property first"),
    ("startswith(a)", "',' expected"),
    ("startswith(a,b)", "Syntax error"),
    ("startswith(a,1)", "needs a text second at position 13"),
    ("startswith(a,'b','c')", "')' expected"),
    ("startswith(a/$count,'b')", "needs a property first"),
    ("startswith(a/any(),'b')", "needs a property first"),
    ("contains(contains(a,'b'),'c')", "',' expected"),
    ("a in ()", "Syntax error"),
    ("a in 'b'", "'(' expected"),
    ("a in b", "'(' expected"),
    ("a in ('b',)", "Syntax error"),
    ("a in ('b' 'c')", "',' expected"),
    ("a in ('b'", "',' expected"),
    ("(a eq 1) in (true)", "needs a property or a count"),
    ("1 in (1)", "two literals"),
    ("a has 1", "member of an enumeration"),
    ("a has b", "Syntax error"),
    ("a has 'b,'", "member of an enumeration"),
    ("a has 'b c'", "member of an enumeration"),
    ("1 has 'a'", "needs a property"),
    ("a add 1 eq 2", "Syntax error at position 2"),
    ("-a eq 1", "is no number"),
    ("a eq +1", "not valid"),
    ("a eq 1.", "'1.' is no number, date or GUID at position 5"),
    ("a eq 5L", "is no number"),
    ("a eq 99999999999999999999", "is no number"),
    ("a eq 2026-13-01", "is no number, date"),
    ("a eq 2026-01-01T00:00:00", "is no number, date"),
    ("a eq 2026-01-01T00:00:00 02:00", "is no number, date"),
    ("a eq datetime'2026-01-01'", "unknown type 'datetime'"),
    ("a eq guid'72f988bf-86f1-41af-91ab-2d7cd011db47'", "unknown type 'guid'"),
    ("a eq other.type'b'", "unknown type 'other.type'"),
    ("a eq 72f988bf-86f1-41af-91ab-2d7cd011db4", "is no number, date or GUID"),
    ("a eq a2f988bf-86f1-41af-91ab-2d7cd011db47x", "is no number, date or GUID"),
    ("a eq @p", "character '@' is not valid"),
    ("@odata.type eq 'a'", "character '@' is not valid"),
    ("$it eq 'a'", "only '$count' may begin with '$'"),
    ("$count eq 1", "Syntax error at position 0"),
    ("a/$count/b eq 1", "Syntax error"),
    ("a/", "Expression expected"),
    ("a//b eq 1", "Syntax error at position 2"),
    ("a/1 eq 1", "Syntax error at position 2"),
    ("/a eq 1", "Syntax error at position 0"),
    ("a.b eq 1", "no name of a property or type"),
    ("a/microsoft.graph.user eq null", "ends in a type"),
    ("a/microsoft.graph.user/$count eq 1", "ends in a type"),
    ("isof(a)", "unknown function"),
    ("a/any(b)", "':' expected"),
    ("a/any(b:)", "Syntax error"),
    ("a/any(b:b eq 1", "')' expected"),
    ("a/any(:b eq 1)", "Syntax error"),
    ("a/any('b':b eq 1)", "Syntax error"),
    ("a/all()", "Syntax error"),
    ("a/any", ""),
    ("a/any(b:b/c) eq 1", "incompatible types"),
    ("a/any(b:c eq 1)", "begins with its variable"),
    ("a/any(b:a/any(c:c eq 1))", "begins with its variable"),
    ("a/any(b:b/c/any(b:b eq 1))", "has already been declared"),
    ("a/any(b:b eq 1)/c eq 1", "Syntax error"),
    ("a/filter(b:b eq 1)", "Syntax error"),
    ("createdDateTime ge '2026-01-01'", "Found operand types 'Edm.DateTimeOffset' and 'Edm.String'"),
    ("createdDateTime in ('2026-01-01')", "'Edm.DateTimeOffset' and 'Edm.String'"),
    ("a/$count eq '1'", "'Edm.Int64' and 'Edm.String' for operator kind 'Equal'"),
    ("a/$count eq null", "'Edm.Int64' and '<null>'"),
    ("(a eq 1) eq 1", "'Edm.Boolean' and 'Edm.Int64'"),
    ("(a eq 1) eq null", "'Edm.Boolean' and '<null>'"),
    ("((a eq 1) eq true) eq true", "a compared condition"),
    ("a eq 1 eq true eq true", "a compared condition"),
    ("(a eq 1) eq (b eq 2)", "with a literal on one side"),
    ("id gt 72f988bf-86f1-41af-91ab-2d7cd011db47", "for operator kind 'GreaterThan'"),
    ("a lt microsoft.graph.b'c'", "for operator kind 'LessThan'"),
    ("a eq 'b' \u{0}", "is not valid"),
    ("ä eq 'b'", "character 'ä' is not valid at position 0"),
];

#[test]
fn filters_that_are_refused() {
    for (text, part) in REFUSED {
        // Without a part of the message it is the objects that show it.
        match Filter::parse(text) {
            Err(error) => {
                assert!(!part.is_empty() && error.message().contains(part), "{text}: {error}");
                assert!(error.message().starts_with("Invalid filter clause: "), "{text}: {error}");
                assert_ne!(error.code(), ErrorCode::RequestBadRequest, "{text}");
            }
            Ok(filter) => assert!(part.is_empty(), "{text} is {filter}"),
        }
    }
}

/// A filter that some object does not go with, and a part of the message.
const INCOMPATIBLE: &[(&str, &str)] = &[
    ("displayName", "neither true nor false at position 0"),
    ("not displayName", "neither true nor false at position 4"),
    ("displayName eq 1", "'Edm.String' and 'Edm.Int64' for operator kind 'Equal' at position 0"),
    ("displayName eq true", "'Edm.String' and 'Edm.Boolean'"),
    ("displayName ge 2026-01-01", "'Edm.String' and 'Edm.DateTimeOffset'"),
    ("accountEnabled eq 'true'", "'Edm.Boolean' and 'Edm.String'"),
    ("accountEnabled ne 1", "'Edm.Boolean' and 'Edm.Int64'"),
    ("badge eq '7'", "'Edm.Int64' and 'Edm.String'"),
    ("share eq '7'", "'Edm.Double' and 'Edm.String'"),
    ("badge in (7,'7')", "'Edm.Int64' and 'Edm.String'"),
    ("businessPhones eq '030'", "'Collection' and 'Edm.String'"),
    ("businessPhones eq null", "'Collection' and '<null>'"),
    ("businessPhones ne '030'", "'Collection' and 'Edm.String'"),
    ("startswith(businessPhones,'0')", "No function signature for the function with name 'startswith'"),
    ("contains(badge,'7')", "No function signature"),
    ("manager eq 'd'", "'Edm.ComplexType' and 'Edm.String'"),
    ("assignedLicenses/skuId eq 'a'", "is a collection: 'any' or 'all' is expected"),
    ("displayName/any()", "A collection is expected"),
    ("displayName/$count eq 0", "A collection is expected"),
    ("manager/any(m:m eq 1)", "A collection is expected"),
    ("displayName/first eq 'a'", "A value of type 'Edm.String' has no properties"),
    ("badge has 'a'", "for operator kind 'Has'"),
    ("businessPhones/any(p:p eq 1)", "'Edm.String' and 'Edm.Int64'"),
    ("assignedLicenses/any(l:l eq 'a')", "'Edm.ComplexType'"),
    ("assignedLicenses/any(l:l)", "neither true nor false"),
    // Neither side hides the other.
    ("mailNickname eq 'ann' or badge eq '7'", "'Edm.Int64' and 'Edm.String'"),
    ("badge eq '7' or mailNickname eq 'ann'", "'Edm.Int64' and 'Edm.String'"),
    ("mailNickname eq 'nobody' and badge eq '7'", "'Edm.Int64' and 'Edm.String'"),
    ("businessPhones/any(p:p eq '+44 1' or p eq 1)", "'Edm.String' and 'Edm.Int64'"),
];

#[test]
fn comparisons_that_are_refused() {
    let users = users();
    for (text, part) in INCOMPATIBLE {
        let filter = Filter::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let error = users.iter().find_map(|user| filter.matches(user).err()).unwrap_or_else(|| panic!("{text}"));
        assert!(error.message().contains(part), "{text}: {error}");
        assert_eq!(error.code(), ErrorCode::BadRequest);
        assert!(error.message().ends_with(&format!(" in '{text}'.")), "{error}");
    }
}

#[test]
fn codes_tell_what_is_not_odata_from_what_is_not_served() {
    for (text, code) in [
        ("a eq", "BadRequest"),
        ("a eq b", "Request_UnsupportedQuery"),
        ("1 eq 2", "Request_UnsupportedQuery"),
        ("a/microsoft.graph.user eq null", "Request_UnsupportedQuery"),
    ] {
        assert_eq!(Filter::parse(text).unwrap_err().code().as_str(), code, "{text}");
    }
}

#[test]
fn limits_of_filters() {
    let nested = |count: usize| format!("{}a{}", "(".repeat(count), ")".repeat(count));
    let negated = |count: usize| format!("{}a", "not ".repeat(count));
    let terms = |count: usize| vec!["a eq 1"; count].join(" or ");
    let listed = |count: usize| format!("a in ({})", vec!["1"; count].join(","));
    let deep = |count: usize| format!("{} eq 1", vec!["a"; count].join("/"));
    let long = |count: usize| format!("a eq '{}'", "é".repeat(count));
    let lambdas = |count: usize| {
        let opened: String = (1..count).map(|at| format!("x{at}:x{at}/a/any(")).collect();
        format!("a/any({opened}z:z eq 1{}", ")".repeat(count))
    };
    let bytes = (FILTER_BYTES_MAX - "a eq ''".len()) / 2;
    let cases: [(&dyn Fn(usize) -> String, usize); 7] = [
        (&nested, FILTER_NESTING_DEPTH_MAX),
        (&negated, FILTER_NESTING_DEPTH_MAX),
        (&terms, FILTER_TERM_COUNT_MAX),
        (&listed, IN_ELEMENT_COUNT_MAX),
        (&deep, PATH_SEGMENT_COUNT_MAX),
        (&lambdas, LAMBDA_DEPTH_MAX),
        (&long, bytes),
    ];
    for (make, max) in cases {
        let text = make(max);
        assert!(Filter::parse(&text).is_ok(), "{text}");
        let text = make(max + 1);
        let error = Filter::parse(&text).unwrap_err();
        assert!(error.message().contains("Max allowed: "), "{error}");
        assert!(error.message().chars().count() < 512, "{error}");
    }
}

/// Lambdas inside each other ask each element for each element; somewhere that ends.
#[test]
fn the_steps_of_a_filter_are_bounded() {
    // One step for each pair of elements, one for each element, one for the row and one for the filter.
    let filter = Filter::parse("rows/any(x:x/a/any(y:x/a/any(z:z eq 1)))").unwrap();
    let object = |count: usize| {
        let value = json!({"rows": [{"a": vec![0; count]}]});
        value.as_object().unwrap().clone()
    };
    let steps = |count: usize| 2 + count + count * count;
    let max = (1..).take_while(|count| steps(*count) <= FILTER_STEP_COUNT_MAX).last().unwrap();
    assert_eq!(filter.matches(&object(max)), Ok(false));
    let error = filter.matches(&object(max + 1)).unwrap_err();
    assert_eq!(error.code(), ErrorCode::UnsupportedQuery);
    assert!(error.message().contains("Max allowed: "), "{error}");
}
