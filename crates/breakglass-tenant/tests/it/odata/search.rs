//! Who is found by a search.

use breakglass_tenant::odata::{SEARCH_CLAUSE_COUNT_MAX, SEARCH_NESTING_DEPTH_MAX, Search};

use super::{names, users};

#[test]
fn who_is_found() {
    let users = users();
    for (text, found) in [
        (r#""displayName:ann""#, "ann"),
        (r#""displayName:ADMIN an""#, "ann"),
        (r#""displayName:dmin""#, ""),
        (r#""displayname:Cléo""#, "cleo"),
        (r#""mail:CLEO@""#, "cleo"),
        (r#""mail:fabrikam""#, ""),
        (r#""displayName:ann" OR "mail:cleo""#, "ann cleo"),
        (r#""displayName:ann" AND "mail:cleo""#, ""),
        (r#""displayName:bob" OR "displayName:ann" AND "mail:cleo""#, "bob"),
        (r#"("displayName:bob" OR "displayName:ann") AND "userType:mem""#, "ann"),
        (r#"( "displayName:bob"OR("mail:cleo") )"#, "bob cleo"),
        (r#""displayName:O'Brien""#, "bob"),
        (r#""displayName:o\"brien""#, ""),
        (r#""businessPhones:+49""#, "ann"),
        (r#""nothing:a""#, ""),
        (r#""userPrincipalName: bob@contoso.com ""#, "bob"),
    ] {
        let search = Search::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(names(users.iter().filter(|user| search.matches(user).unwrap())), found, "{text}");
    }
}

#[test]
fn what_is_refused() {
    for (text, part) in [
        ("displayName:ann", "character 'd' is not valid at position 0"),
        ("", "a clause is expected at position 0"),
        (r#""ann""#, "Unrecognized query argument"),
        (r#"":ann""#, "Unrecognized query argument"),
        (r#""displayName:""#, "Unrecognized query argument"),
        (r#""display name:ann""#, "Unrecognized query argument"),
        (r#""displayName:ann"#, "unterminated"),
        (r#""displayName:a\nn""#, "a backslash stands before"),
        (r#""displayName:ann" "mail:a""#, "is not valid at position 18"),
        (r#""displayName:ann" and "mail:a""#, "character 'a' is not valid"),
        (r#""displayName:ann" ORDER "mail:a""#, "character 'O' is not valid"),
        (r#""displayName:ann" OR"#, "a clause is expected"),
        (r#"("displayName:ann""#, "is expected"),
        (r#""displayName:ann")"#, "character ')' is not valid"),
        (r#"NOT "displayName:ann""#, "character 'N' is not valid"),
    ] {
        let error = Search::parse(text).unwrap_err();
        assert!(error.message().contains(part), "{text}: {error}");
    }
    for text in [r#""badge:7""#, r#""displayName:nobody" AND "accountEnabled:true""#, r#""assignedLicenses:a""#] {
        let search = Search::parse(text).unwrap();
        assert!(users().iter().any(|user| search.matches(user).is_err()), "{text}");
    }
}

#[test]
fn limits() {
    let clauses = |count: usize| vec![r#""a:b""#; count].join(" OR ");
    let nested = |count: usize| format!(r#"{}"a:b"{}"#, "(".repeat(count), ")".repeat(count));
    let cases: [(&dyn Fn(usize) -> String, usize); 2] =
        [(&clauses, SEARCH_CLAUSE_COUNT_MAX), (&nested, SEARCH_NESTING_DEPTH_MAX)];
    for (make, max) in cases {
        assert!(Search::parse(&make(max)).is_ok());
        assert!(Search::parse(&make(max + 1)).unwrap_err().message().contains("Max allowed: "));
    }
}
