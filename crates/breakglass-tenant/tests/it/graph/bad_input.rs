//! What nobody should send: forged tokens, tricks in paths and queries, bodies that are too large or no JSON.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::world::{World, id};

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn read(part: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[test]
fn a_token_that_was_not_issued_for_this_is_refused() {
    let world = World::new("forged");
    let good = world.user("anna");
    let parts: Vec<&str> = good.split('.').collect();
    let (header, claims) = (read(parts[0]), read(parts[1]));
    let mut of_admin = claims.clone();
    of_admin["oid"] = json!(id("ga"));
    let mut forever = claims.clone();
    forever["exp"] = json!(4_102_444_800_i64);
    let with_algorithm = |algorithm: &str| {
        let mut header = header.clone();
        header["alg"] = json!(algorithm);
        header
    };
    // The public key is known to everybody; as a secret of HMAC it signs nothing.
    let keys = world.send("GET", "/common/discovery/v2.0/keys", (&[], b"")).json();
    let modulus = keys["keys"][0]["n"].as_str().unwrap().to_owned();
    let confused = |key: &[u8]| {
        let signed = format!("{}.{}", part(&with_algorithm("HS256")), part(&of_admin));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref()))
    };
    let mut with_own_key = header.clone();
    with_own_key["jwk"] = keys["keys"][0].clone();
    with_own_key["kid"] = json!("another");
    let id_token = world.id_token("anna");
    for (what, token) in [
        ("nothing", String::new()),
        ("no algorithm", format!("{}.{}.", part(&with_algorithm("none")), part(&of_admin))),
        ("no algorithm, in another case", format!("{}.{}.", part(&with_algorithm("NoNe")), part(&of_admin))),
        ("no algorithm, and the signature", format!("{}.{}.{}", part(&with_algorithm("none")), parts[1], parts[2])),
        ("the modulus as a secret", confused(modulus.as_bytes())),
        ("the bytes of the modulus as a secret", confused(&URL_SAFE_NO_PAD.decode(&modulus).unwrap())),
        ("an empty secret", confused(b"\0")),
        ("a key of its own", format!("{}.{}.{}", part(&with_own_key), parts[1], parts[2])),
        ("somebody else's id", format!("{}.{}.{}", parts[0], part(&of_admin), parts[2])),
        ("a longer life", format!("{}.{}.{}", parts[0], part(&forever), parts[2])),
        ("no signature", format!("{}.{}", parts[0], parts[1])),
        ("five parts", format!("{good}.a.b")),
        ("another resource", world.user_for("ga", "https://management.core.windows.net//.default")),
        ("a token that says who somebody is", id_token),
        ("no token", "AAAA".to_owned()),
        ("a very long one", "A".repeat(60_000)),
    ] {
        let refused = world.graph(&token, ("GET", "/me"), None);
        assert_eq!((refused.status, refused.code().as_str()), (401, "InvalidAuthenticationToken"), "{what}");
        assert!(refused.header("www-authenticate").unwrap().starts_with("Bearer "), "{what}");
        assert!(token.len() < 20 || !refused.text.contains(&token), "{what} is repeated");
    }
    assert_eq!(world.graph(&good, ("GET", "/me"), None).status, 200);
    world.later(3_601);
    assert_eq!(world.graph(&good, ("GET", "/me"), None).status, 401, "its time is over");
}

#[test]
fn a_filter_is_a_filter_and_nothing_more() {
    let world = World::new("injection");
    let token = world.user("ga");
    let count = |filter: &str| {
        let escaped = filter.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
        let answer = world.graph(&token, ("GET", &format!("/users?$filter={escaped}")), None);
        if answer.status == 200 { Ok(answer.list().len()) } else { Err(answer.status) }
    };
    assert_eq!(count("displayName eq 'anna'"), Ok(1));
    // A quote is doubled in a text; then it is part of the text.
    assert_eq!(count("displayName eq 'anna'' or ''1'' eq ''1'"), Ok(0));
    assert_eq!(count("displayName eq 'x'') or (''a'' eq ''a'"), Ok(0));
    for filter in [
        "displayName eq 'anna' or 1 eq 1",
        "displayName eq 'anna' or true",
        "displayName eq 'anna' or 'a' eq 'a'",
        "displayName eq 'anna'; drop table object",
        "displayName eq 'anna' -- ",
        "displayName eq 'anna'/*",
        "displayName eq 'anna",
        "displayName eq anna",
        "displayName eq 'anna')",
        "((((displayName eq 'anna'",
        "passwordProfile/password eq 'Correct-Horse-7'",
        "startswith(passwordProfile/password,'C')",
        "authenticationMethods/any(m:m/id eq 'x')",
        "displayName eq 'anna'\u{0}",
        "displayName",
        "eq",
        "not",
    ] {
        let found = count(filter);
        assert!(found.is_err_and(|status| status == 400) || found == Ok(0), "{filter}: {found:?}");
    }
    for query in [
        "$filter=",
        "$select=id,",
        "$top=0",
        "$top=-1",
        "$top=1e3",
        "$top=1000",
        "$skip=1",
        "$format=xml",
        "$apply=x",
        "$count=maybe",
        "$expand=friends",
        "$skiptoken=AAAA",
        "$filter=id eq 'a'&$filter=id eq 'b'",
        "$orderby=passwordProfile desc, ",
    ] {
        let answer = world.graph(&token, ("GET", &format!("/users?{query}")), None);
        assert_eq!(answer.status, 400, "{query}: {}", answer.text);
    }
}

#[test]
fn what_is_hidden_is_not_found_by_asking_for_it() {
    let world = World::new("hidden");
    let token = world.user("ga");
    for query in [
        "$select=passwordProfile",
        "$select=passwordProfile,id,authenticationMethods",
        "$select=*",
        "$filter=passwordProfile ne null&$count=true",
        "$orderby=passwordProfile",
        "$search=\"passwordProfile:Correct\"",
    ] {
        let headers = [("consistencylevel", "eventual")];
        let answer = world.graph_with(&token, ("GET", &format!("/users?{query}")), (&headers, None));
        assert!(!answer.text.contains("Correct-Horse") && !answer.text.contains("argon2"), "{query}");
        assert!(!answer.text.contains("forceChangePassword"), "{query}");
    }
}

#[test]
fn tricks_in_a_path_lead_nowhere() {
    let world = World::new("paths");
    let token = world.user("ga");
    let authorization = format!("Bearer {token}");
    for path in [
        "/v1.0/users/../users",
        "/v1.0//users",
        "/v1.0/users/%2e%2e/groups",
        "/v1.0/users/%2f",
        "/v1.0/users/a%2fb",
        "/v1.0/users/%00",
        "/v1.0/users/%ff",
        "/v1.0/users/%",
        "/v1.0/users/'%20or%20'1'%20eq%20'1",
        "/v1.0/users/*",
        "/v1.0/users(",
        "/v1.0/$metadata/../users",
        "/v1.0/.breakglass/outbox",
        "/v2.0/users",
        "/v1.0",
        "/v1.0/USERS",
    ] {
        let answer = world.send("GET", path, (&[("authorization", &authorization)], b""));
        assert!((400..500).contains(&answer.status), "{path}: {} {}", answer.status, answer.text);
        assert!(!answer.text.contains("userPrincipalName"), "{path}");
    }
    for method in ["PUT", "OPTIONS", "TRACE", "PROPFIND", "DELETE"] {
        let answer = world.send(method, "/v1.0/users", (&[("authorization", &authorization)], b""));
        assert!((400..500).contains(&answer.status), "{method}: {}", answer.status);
    }
}

#[test]
fn a_body_that_is_too_large_or_no_object_is_refused() {
    let world = World::new("bodies");
    let token = world.user("ga");
    let authorization = format!("Bearer {token}");
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    let large = vec![b' '; (4 << 20) + 1];
    assert_eq!(world.send("POST", "/v1.0/users", (&headers, &large)).status, 413);
    let deep = format!("{{\"displayName\":{}", "[".repeat(100_000));
    for body in ["", "null", "[]", "7", "\"a\"", "{", "{\"a\":}", "{\"displayName\":\"\u{0}\"}", &deep] {
        let answer = world.send("POST", "/v1.0/users", (&headers, body.as_bytes()));
        assert_eq!(answer.status, 400, "{}", body.chars().take(40).collect::<String>());
    }
    assert_eq!(world.send("POST", "/v1.0/users", (&headers, b"{\"displayName\":\"\xff\"}")).status, 400);
    let many = json!({ "requests": vec![json!({ "id": "1", "method": "GET", "url": "/me" }); 21] });
    assert_eq!(world.graph(&token, ("POST", "/$batch"), Some(many)).status, 400);
    let nested = json!({ "requests": [{ "id": "1", "method": "POST", "url": "/$batch", "body": { "requests": [] } },
        { "id": "2", "method": "GET", "url": "/../v1.0/me" }, { "id": "3", "method": "GET", "url": "/users/%2e%2e" }] });
    let answer = world.graph(&token, ("POST", "/$batch"), Some(nested));
    let all = answer.json()["responses"].as_array().unwrap().clone();
    assert!(all.iter().all(|one| one["status"] == 400), "{}", answer.text);
}

#[test]
fn what_a_type_does_not_have_is_neither_written_nor_asked_for() {
    let world = World::new("properties");
    let token = world.user("ga");
    let anna = format!("/users/{}", id("anna"));
    let group = |more: Value| {
        let mut body =
            json!({ "displayName": "G", "mailNickname": "g", "mailEnabled": false, "securityEnabled": true });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        world.graph(&token, ("POST", "/groups"), Some(body))
    };
    for body in [
        json!({ "color": "red" }),
        json!({ "accountEnabled": "false" }),
        json!({ "businessPhones": [1] }),
        json!({ "userPrincipalName": "anna@evil.example" }),
        json!({ "userPrincipalName": "anna" }),
        json!({ "userPrincipalName": null }),
        json!({ "memberOf": [] }),
    ] {
        assert_eq!(world.graph(&token, ("PATCH", &anna), Some(body.clone())).status, 400, "{body}");
    }
    let reference = |id: &str| format!("{}/v1.0/directoryObjects/{id}", world.base());
    let inner = group(json!({})).json()["id"].as_str().unwrap().to_owned();
    for body in [
        json!({ "color": "red" }),
        json!({ "securityEnabled": "yes" }),
        json!({ "members": [] }),
        json!({ "isAssignableToRole": true, "members@odata.bind": [reference(&inner)] }),
        json!({ "isAssignableToRole": true, "groupTypes": ["DynamicMembership"] }),
        json!({ "groupTypes": ["DynamicMembership"], "members@odata.bind": [reference(&id("anna"))] }),
        json!({ "members@odata.bind": vec![reference(&id("anna")); 21] }),
        json!({ "members@odata.bind": "anna" }),
    ] {
        assert_eq!(group(body.clone()).status, 400, "{body}");
    }
    let roles = group(json!({ "isAssignableToRole": true, "members@odata.bind": [reference(&id("anna"))] }));
    assert_eq!(roles.status, 201, "{}", roles.text);
    let roles = format!("/groups/{}", roles.json()["id"].as_str().unwrap());
    for body in [
        json!({ "members@odata.bind": [reference(&inner)] }),
        json!({ "groupTypes": ["DynamicMembership"] }),
        json!({ "isAssignableToRole": false }),
    ] {
        assert_eq!(world.graph(&token, ("PATCH", &roles), Some(body.clone())).status, 400, "{body}");
    }
    assert_eq!(
        world.graph(&token, ("POST", "/applications"), Some(json!({ "displayName": "A", "color": 1 }))).status,
        400
    );
    for query in ["$select=color", "$filter=color eq 'red'", "$orderby=color"] {
        for list in ["/users", "/groups", "/applications", "/servicePrincipals"] {
            let answer = world.graph(&token, ("GET", &format!("{list}?{query}")), None);
            assert_eq!(answer.status, 400, "{list}?{query}: {}", answer.text);
        }
    }
    assert_eq!(world.graph(&token, ("GET", &format!("{anna}?$select=color")), None).status, 400);
    assert_eq!(world.graph(&token, ("GET", &format!("{anna}?$select=id,displayName,USERTYPE")), None).status, 200);
}
