//! Who is found by a filter, and what the filter is in canonical form.

use breakglass_tenant::odata::Filter;

use super::{names, users};

const ALL: &str = "ann bob cleo";

/// Filter, and who is found.
const FOUND: &[(&str, &str)] = &[
    // Text, without regard to case.
    ("displayName eq 'Ann Admin'", "ann"),
    ("displayName eq 'ANN ADMIN'", "ann"),
    ("displayname EQ 'ann admin'", "ann"),
    ("displayName eq 'CLÉO'", "cleo"),
    ("displayName eq 'bob O''Brien'", "bob"),
    ("displayName eq 'bob'", ""),
    ("displayName eq ''", ""),
    ("'Member' eq userType", "ann cleo"),
    ("displayName gt 'B'", "bob cleo"),
    ("displayName ge 'BOB O''BRIEN'", "bob cleo"),
    ("displayName lt 'b'", "ann"),
    ("'b' gt displayName", "ann"),
    ("displayName le 'cléo'", ALL),
    ("userPrincipalName eq 'ann@contoso.com'", "ann"),
    ("id eq 'a0000000-0000-4000-8000-000000000001'", "ann"),
    ("id eq a0000000-0000-4000-8000-000000000001", "ann"),
    ("id eq A0000000-0000-4000-8000-000000000001", "ann"),
    ("userType eq microsoft.graph.userType'guest'", "bob"),
    // What az and the examples of Graph's documentation ask.
    ("startswith(displayName,'ann')", "ann"),
    ("startsWith(displayName, 'B') or startswith (mail,'CLEO')", "bob cleo"),
    ("displayName eq 'Ann Admin' and mailNickname eq 'ann'", "ann"),
    ("endsWith(mail,'@contoso.com')", "ann"),
    ("contains(displayName,'o')", "bob cleo"),
    ("contains(displayName,'')", ALL),
    ("startswith(displayName,'a') eq true", "ann"),
    ("startswith(displayName,'a') eq false", "bob cleo"),
    ("accountEnabled eq true", "ann"),
    ("accountEnabled eq False", "bob"),
    ("userType in ('Guest', 'member')", ALL),
    ("companyName in (null,'Microsoft')", "ann cleo"),
    ("mailNickname in ('bob')", "bob"),
    ("assignedLicenses/any(s:s/skuId eq 184efa21-98c3-4e5d-95ab-d07053a96e67)", "ann cleo"),
    ("assignedLicenses/any (s: s/skuId eq '184efa21-98c3-4e5d-95ab-d07053a96e67')", "ann cleo"),
    ("assignedLicenses/$count eq 0", "bob"),
    ("assignedLicenses/$count ge 2", "cleo"),
    ("0 lt assignedLicenses/$count", "ann cleo"),
    ("assignedLicenses/$count in (0,2)", "bob cleo"),
    ("nothing/$count eq 0", ALL),
    ("businessPhones/any(p:startswith(p, '+44'))", "ann"),
    ("NOT businessPhones/any(p:p eq '030')", "ann bob"),
    ("NOT(businessPhones/any(p:p eq '030'))", "ann bob"),
    ("companyName ne null and NOT(companyName eq 'Microsoft')", "bob"),
    ("not(endswith(mail, 'contoso.com'))", "cleo"),
    ("not(userType in ('Member'))", "bob"),
    ("scenarios has 'secureFoundation'", "ann"),
    ("scenarios has microsoft.graph.conditionalAccessTemplateScenarios'zeroTrust, securefoundation'", "ann"),
    ("scenarios has 'secure'", ""),
    ("not (scenarios has 'zeroTrust')", "bob"),
    ("contains(manager/microsoft.graph.user/displayName, 'dora')", "ann"),
    // Dates are instants.
    ("createdDateTime ge 2026-01-02", "bob cleo"),
    ("createdDateTime eq 2026-01-02", "cleo"),
    ("createdDateTime eq 2026-01-02T00:00:00Z", "cleo"),
    ("createdDateTime eq 2026-01-02T01:00:00+01:00", "cleo"),
    ("createdDateTime gt 2026-01-02T03:04:05.1234566Z", "bob"),
    ("createdDateTime gt 2026-01-02T03:04:05.1234567Z", ""),
    ("createdDateTime lt 2026-01-02T00:00Z", "ann"),
    ("createdDateTime ge 2026-01-01T12:00:00Z and createdDateTime le 2026-01-02T00:00:00Z", "cleo"),
    ("2026-01-02 gt createdDateTime", "ann"),
    ("employeeHireDate ge 1900-01-01", "ann"),
    // Numbers.
    ("badge eq 7", "ann"),
    ("badge eq 7.0", "ann"),
    ("badge gt 9007199254740992", "bob"),
    ("badge eq 9007199254740993", "bob"),
    ("share lt 1", "ann"),
    ("share eq 2.0", "bob"),
    ("share eq 5e-1", "ann"),
    ("badge ge -1", "ann bob"),
    // Null and missing.
    ("mail eq null", "bob"),
    ("mail ne null", "ann cleo"),
    ("null ne mail", "ann cleo"),
    ("companyName eq null", "cleo"),
    ("companyName ne 'Microsoft'", "bob cleo"),
    ("companyName gt ''", "ann bob"),
    ("companyName le 'zzz'", "ann bob"),
    ("companyName gt null", ""),
    ("companyName ge null", "cleo"),
    ("manager eq null", "bob"),
    ("manager ne null", "ann cleo"),
    ("manager/displayName eq 'dora'", "ann cleo"),
    ("onPremisesExtensionAttributes/extensionAttribute1 eq 'saw'", "ann"),
    ("onPremisesExtensionAttributes/extensionAttribute2 eq null", ALL),
    ("nothing/at/all eq null", ALL),
    ("not startswith(mail,'x')", "ann cleo"),
    ("startswith(mail,'x') or startswith(mail,'a')", "ann"),
    ("startswith(mail,'x') or userType eq 'Guest'", "bob"),
    ("not (startswith(mail,'x') and userType eq 'Guest')", "ann cleo"),
    ("not (startswith(mail,'x') and userType eq 'Member')", ALL),
    ("accountEnabled", "ann"),
    ("not accountEnabled", "bob"),
    ("not accountEnabled eq true", "bob"),
    ("not accountEnabled eq false", "ann"),
    ("not (accountEnabled eq true)", "bob cleo"),
    ("not not accountEnabled", "ann"),
    // Lambdas.
    ("assignedLicenses/any()", "ann cleo"),
    ("not assignedLicenses/any()", "bob"),
    ("nothing/any()", ""),
    ("nothing/any(x:x eq 1)", ""),
    ("nothing/all(x:x eq 1)", ALL),
    ("businessPhones/all(p:startswith(p,'+'))", "ann bob"),
    ("assignedLicenses/any(l:l/disabledPlans/any(p:p eq 2e2ddb96-6af9-4b1d-a3f0-d6ecfd22edb2))", "ann"),
    ("assignedLicenses/any(l:l/disabledPlans/any(p:p eq 'x' or l/skuId ne null))", "ann"),
    ("assignedLicenses/any(l:l/disabledPlans/$count eq 0)", "cleo"),
    ("assignedLicenses/any(l:not l/disabledPlans/any())", "cleo"),
    ("memberOf/any(m:m/id eq 'g1')", "ann"),
    ("memberOf/any(m:m/microsoft.graph.group/displayName eq 'reader')", ""),
    ("memberOf/any(m:m/securityEnabled)", "ann"),
    ("microsoft.graph.user/userType eq 'Guest'", "bob"),
    ("manager/microsoft.graph.orgContact/id eq 'o'", "cleo"),
    ("memberOf/all(m:m/securityEnabled)", "bob"),
    ("memberOf/any(x:x/displayName eq 'everybody') or memberOf/any(x:x/id eq 'r1')", "ann cleo"),
    // Precedence.
    ("userType eq 'Guest' or userType eq 'Member' and accountEnabled eq true", "ann bob"),
    ("(userType eq 'Guest' or userType eq 'Member') and accountEnabled eq true", "ann"),
    ("not accountEnabled or userType eq 'Guest' and mail ne null", "bob"),
    ("badge gt 7 eq true", "bob"),
    ("true eq badge gt 7", "bob"),
    ("badge gt 7 eq false", "ann cleo"),
    ("(badge eq 7) lt true", "bob cleo"),
    ("((((userType))) eq ('Guest'))", "bob"),
    ("not userType in ('Guest')", "ann cleo"),
];

#[test]
fn who_is_found() {
    let users = users();
    for (text, found) in FOUND {
        let filter = Filter::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let matching = |filter: &Filter| {
            let matching =
                users.iter().filter(|user| filter.matches(user).unwrap_or_else(|error| panic!("{text}: {error}")));
            names(matching)
        };
        assert_eq!(matching(&filter), *found, "{text}");
        let canonical = filter.to_string();
        let again = Filter::parse(&canonical).unwrap_or_else(|error| panic!("{canonical}: {error}"));
        assert_eq!(matching(&again), *found, "{canonical}");
        assert_eq!(again.to_string(), canonical);
    }
}

#[test]
fn canonical_filters() {
    for (text, canonical) in [
        ("'x'  EQ  displayName", "displayName eq 'x'"),
        ("5 LT badge", "badge gt 5"),
        ("not(a eq 1)", "not (a eq 1)"),
        ("NOT(startsWith(a, 'it''s'))", "not startswith(a,'it''s')"),
        ("(a and b) or (c and (d or e))", "a and b or c and (d or e)"),
        ("(a or b) or c", "(a or b) or c"),
        ("x/Any(Y : Y/b In (1 , null))", "x/any(Y:Y/b in (1,null))"),
        ("x/all(y:y)", "x/all(y:y)"),
        ("(a gt 1) eq TRUE", "a gt 1 eq true"),
        ("(a eq 1) gt true", "(a eq 1) gt true"),
        ("(a or b) eq true", "(a or b) eq true"),
        ("a has microsoft.graph.b'c , d'", "a has 'c,d'"),
        ("a/$count Ge 1", "a/$count ge 1"),
        ("a eq microsoft.graph.b'c'", "a eq microsoft.graph.b'c'"),
    ] {
        assert_eq!(Filter::parse(text).map(|filter| filter.to_string()).as_deref(), Ok(canonical), "{text}");
    }
}

#[test]
fn operators_that_are_advanced() {
    for (text, operators) in [
        ("a eq 1", &[][..]),
        ("a in (1,2) or startswith(b,'c') or d/any(e:e eq 'f') or g has 'h'", &[]),
        ("a ne 1", &["ne"]),
        ("not a", &["not"]),
        ("endswith(a,'b')", &["endsWith"]),
        ("a/$count eq 1", &["$count"]),
        ("a/$count in (1,2)", &["$count"]),
        ("a/any(b:not endswith(b,'c') and not b)", &["not", "endsWith"]),
        ("(a ne 1) eq true", &["ne"]),
    ] {
        assert_eq!(Filter::parse(text).unwrap().advanced_operators(), operators, "{text}");
    }
}

#[test]
fn properties_that_are_named() {
    for (text, properties) in [
        ("a eq 1 or A eq 2 or a/b eq 3", &["a", "A"][..]),
        ("a/any(b:b/c eq 1) and (d ne 1) eq true", &["a", "d"]),
        (
            "e/$count eq 1 and contains(f,'g') and h in (1) and i has 'j' and k/any() and not l",
            &["e", "f", "h", "i", "k", "l"],
        ),
        ("microsoft.graph.user/userType eq 'Guest'", &["userType"]),
    ] {
        assert_eq!(Filter::parse(text).unwrap().properties(), properties, "{text}");
    }
}
