//! What is counted, what is told of groups and units, authentication contexts, templates and locations.

use serde_json::{Value, json};

use super::world::{World, id};

const CONTEXTS: &str = "/identity/conditionalAccess/authenticationContextClassReferences";

#[test]
fn what_there_is_can_be_counted() {
    let world = World::new("counted");
    let token = world.user("ga");
    let group = json!({ "displayName": "G", "mailNickname": "g", "mailEnabled": false, "securityEnabled": true,
        "members@odata.bind": [format!("{}/v1.0/directoryObjects/{}", world.base(), id("anna"))] });
    let group = world.graph(&token, ("POST", "/groups"), Some(group)).json()["id"].as_str().unwrap().to_owned();
    let eventual = [("consistencylevel", "eventual")];
    let count = |path: &str| world.graph_with(&token, ("GET", path), (&eventual, None));
    for (path, expected) in [
        ("/users/$count".to_owned(), "9"),
        ("/users/$count?$filter=startsWith(displayName,'ga')".to_owned(), "2"),
        ("/users/$count?$filter=displayName ne 'ga'".to_owned(), "8"),
        ("/users/$count?$search=\"displayName:anna\"".to_owned(), "1"),
        ("/groups/$count".to_owned(), "1"),
        (format!("/groups/{group}/members/$count"), "1"),
        (format!("/users/{}/memberOf/$count", id("anna")), "1"),
        ("/beta/applications/$count".to_owned(), "0"),
        ("/identity/conditionalAccess/policies/$count".to_owned(), "0"),
    ] {
        let answer = count(&path);
        assert_eq!((answer.status, answer.text.as_str()), (200, expected), "{path}");
    }
    for path in ["/users/$count", "/groups/$count", &format!("/groups/{group}/members/$count")] {
        assert_eq!(world.graph(&token, ("GET", path), None).status, 400, "{path} without the header");
    }
    assert_eq!(world.graph(&token, ("GET", "/identity/conditionalAccess/policies/$count"), None).text, "0");
    for path in [
        "/users/$count?$top=1",
        "/users/$count?$select=id",
        "/users/$count?$filter=displayName eq",
        "/me/$count",
        &format!("/users/{}/$count", id("anna")),
        "/$count",
    ] {
        assert_eq!(count(path).status, 400, "{path}");
    }
    assert!(world.graph(&token, ("POST", "/users/$count"), Some(json!({}))).status >= 400);
    let batch = json!({ "requests": [
        { "id": "1", "method": "GET", "url": "/users/$count", "headers": { "ConsistencyLevel": "eventual" } }] });
    let batch = world.send(
        "POST",
        "/v1.0/$batch",
        (
            &[("authorization", &format!("Bearer {token}")), ("content-type", "application/json")],
            batch.to_string().as_bytes(),
        ),
    );
    assert_eq!(batch.json()["responses"][0]["body"], "9");
}

/// What a delta tells on its only page, and where it goes on.
fn told(world: &World, token: &str, from: &str) -> (Vec<Value>, String) {
    let path = from.trim_start_matches(&world.base()).trim_start_matches("/v1.0").to_owned();
    let answer = world.graph(token, ("GET", &path), None);
    assert_eq!(answer.status, 200, "{}", answer.text);
    (answer.list(), answer.json()["@odata.deltaLink"].as_str().unwrap().to_owned())
}

#[test]
fn who_comes_to_a_group_or_a_unit_and_goes_is_told() {
    let world = World::new("members-delta");
    let token = world.user("ga");
    let reference = |who: &str| json!({ "@odata.id": format!("{}/v1.0/directoryObjects/{}", world.base(), id(who)) });
    let user = |who: &str| json!({ "@odata.type": "#microsoft.graph.user", "id": id(who) });
    for (list, body, is_kept) in [
        (
            "/groups",
            json!({ "displayName": "G", "mailNickname": "g", "mailEnabled": false, "securityEnabled": true }),
            true,
        ),
        ("/directory/administrativeUnits", json!({ "displayName": "U" }), false),
    ] {
        let own = world.graph(&token, ("POST", list), Some(body)).json()["id"].as_str().unwrap().to_owned();
        let members = format!("{list}/{own}/members");
        assert_eq!(world.graph(&token, ("POST", &format!("{members}/$ref")), Some(reference("anna"))).status, 204);
        let (all, link) = told(&world, &token, &format!("{list}/delta"));
        assert_eq!((all.len(), &all[0]["members@delta"]), (1, &json!([user("anna")])), "{list}");
        let (_, names) = told(&world, &token, &format!("{list}/delta?$select=displayName"));
        assert_eq!(world.graph(&token, ("POST", &format!("{members}/$ref")), Some(reference("bert"))).status, 204);
        let gone = format!("{members}/{}/$ref", id("anna"));
        assert_eq!(world.graph(&token, ("DELETE", &gone), None).status, 204);
        let (changed, link) = told(&world, &token, &link);
        let mut removed = user("anna");
        removed["@removed"] = json!({ "reason": "deleted" });
        assert_eq!(changed[0]["members@delta"], json!([removed, user("bert")]), "{list}");
        assert_eq!(told(&world, &token, &names).0[0].get("members@delta"), None, "it was not selected");
        let rename = json!({ "displayName": "Another" });
        assert_eq!(world.graph(&token, ("PATCH", &format!("{list}/{own}")), Some(rename)).status, 204);
        let (changed, link) = told(&world, &token, &link);
        assert_eq!((&changed[0]["displayName"], changed[0].get("members@delta")), (&json!("Another"), None), "{list}");
        assert_eq!(world.graph(&token, ("DELETE", &format!("{list}/{own}")), None).status, 204);
        let reason = if is_kept { "changed" } else { "deleted" };
        assert_eq!(told(&world, &token, &link).0, [json!({ "id": own, "@removed": { "reason": reason } })]);
    }
    for path in ["/groups/delta", "/directory/administrativeUnits/delta"] {
        assert_eq!(world.graph(&token, ("GET", &format!("{path}?$filter=displayName eq 'a'")), None).status, 400);
        assert_eq!(world.graph(&token, ("GET", &format!("{path}?$deltatoken=AAAA")), None).status, 410);
    }
}

#[test]
fn authentication_contexts_are_made_published_and_used() {
    let world = World::new("contexts");
    let (token, reader) = (world.user("ca"), world.user("reader"));
    let c1 = format!("{CONTEXTS}/c1");
    assert_eq!(world.graph(&reader, ("GET", &c1), None).status, 404);
    let change = |token: &str, path: &str, body: Value| world.graph(token, ("PATCH", path), Some(body)).status;
    assert_eq!(change(&reader, &c1, json!({})), 403);
    assert_eq!(change(&world.user("anna"), &c1, json!({})), 403);
    assert_eq!(change(&token, &c1, json!({})), 204);
    let made = world.graph(&reader, ("GET", &c1), None).json();
    assert_eq!((&made["id"], &made["isAvailable"], &made["displayName"]), (&json!("c1"), &json!(false), &Value::Null));
    assert_eq!(change(&token, &c1, json!({ "displayName": "Medium", "isAvailable": true })), 204);
    assert_eq!(world.list(&reader, &format!("{CONTEXTS}?$filter=isAvailable eq true")).len(), 1);
    for (id, body) in [
        ("c0", json!({})),
        ("c100", json!({})),
        ("p1", json!({})),
        ("c2", json!({ "isAvailable": "yes" })),
        ("c2", json!({ "displayName": 7 })),
        ("c2", json!({ "color": "red" })),
        ("c2", json!({ "id": "c3" })),
    ] {
        assert_eq!(change(&token, &format!("{CONTEXTS}/{id}"), body.clone()), 400, "{id} {body}");
    }
    let second = json!({ "id": "c2", "displayName": "High" });
    assert_eq!(world.graph(&token, ("POST", CONTEXTS), Some(second.clone())).status, 201);
    assert_eq!(world.graph(&token, ("POST", CONTEXTS), Some(second)).status, 400);
    assert_eq!(world.graph(&token, ("DELETE", &c1), None).status, 400, "it is published");
    assert_eq!(change(&token, &c1, json!({ "isAvailable": false })), 204);
    let policy = json!({ "displayName": "c1", "state": "disabled", "conditions": { "clientAppTypes": ["all"],
        "users": { "includeUsers": ["All"] }, "applications": { "includeAuthenticationContextClassReferences": ["c1"] } },
        "grantControls": { "operator": "OR", "builtInControls": ["mfa"] } });
    let policy = world.graph(&token, ("POST", "/identity/conditionalAccess/policies"), Some(policy));
    let policy = format!("/identity/conditionalAccess/policies/{}", policy.json()["id"].as_str().unwrap());
    assert_eq!(world.graph(&token, ("DELETE", &c1), None).status, 400, "a policy is about it");
    assert_eq!(world.graph(&token, ("DELETE", &policy), None).status, 204);
    assert_eq!(world.graph(&token, ("DELETE", &c1), None).status, 204);
    assert_eq!(world.graph(&token, ("DELETE", &c1), None).status, 404);
    let audited = world.audited(&world.user("ga"));
    for (verb, count) in [("Add", 2), ("Update", 2), ("Delete", 1)] {
        let activity = format!("{verb} AuthenticationContextClassReference");
        assert_eq!(audited.iter().filter(|known| **known == activity).count(), count, "{activity}");
    }
}

#[test]
fn templates_are_read_and_become_policies() {
    let world = World::new("templates");
    let (token, path) = (world.user("ca"), "/identity/conditionalAccess/templates");
    for version in ["", "/beta"] {
        let all = world.list(&token, &format!("{version}{path}"));
        assert_eq!(all.len(), 4);
        let own = all[0]["id"].as_str().unwrap();
        assert_eq!(
            world.graph(&token, ("GET", &format!("{version}{path}/{own}")), None).json()["name"],
            all[0]["name"]
        );
    }
    let of_admins = world.list(&token, &format!("{path}?$filter=scenarios has 'protectAdmins'&$select=id,name"));
    assert_eq!((of_admins.len(), of_admins[0].get("details")), (2, None));
    for template in world.list(&token, path) {
        let mut body = template["details"].clone();
        body["displayName"] = template["name"].clone();
        body["state"] = json!("disabled");
        let excluded = body["conditions"]["users"]["excludeUsers"].as_array_mut().unwrap();
        excluded.retain(|one| one != "Current administrator will be excluded");
        excluded.push(json!(id("ca")));
        let made = world.graph(&token, ("POST", "/identity/conditionalAccess/policies"), Some(body));
        assert_eq!(made.status, 201, "{}: {}", template["name"], made.text);
    }
    assert_eq!(world.graph(&token, ("GET", &format!("{path}/nothing")), None).status, 404);
    assert_eq!(world.graph(&token, ("POST", path), Some(json!({}))).status, 405);
    assert_eq!(world.graph(&world.user("anna"), ("GET", path), None).status, 403);
}

#[test]
fn locations_of_each_kind_come_and_go() {
    let world = World::new("locations");
    let (token, path) = (world.user("ca"), "/identity/conditionalAccess/namedLocations");
    let ip = json!({ "@odata.type": "#microsoft.graph.ipNamedLocation", "displayName": "Office", "isTrusted": true,
        "ipRanges": [{ "@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "192.0.2.0/24" },
            { "@odata.type": "#microsoft.graph.iPv6CidrRange", "cidrAddress": "2001:db8::/32" }] });
    let country = json!({ "@odata.type": "#microsoft.graph.countryNamedLocation", "displayName": "Home",
        "countriesAndRegions": ["NL", "BE"], "includeUnknownCountriesAndRegions": true,
        "countryLookupMethod": "authenticatorAppGps" });
    for (body, change) in [
        (ip.clone(), json!({ "@odata.type": "#microsoft.graph.ipNamedLocation", "isTrusted": false })),
        (country.clone(), json!({ "@odata.type": "#microsoft.graph.countryNamedLocation", "displayName": "Away" })),
    ] {
        let made = world.graph(&token, ("POST", path), Some(body.clone()));
        assert_eq!(made.status, 201, "{}", made.text);
        let made = made.json();
        for (name, value) in body.as_object().unwrap() {
            assert_eq!(&made[name], value, "{name}");
        }
        let own = format!("{path}/{}", made["id"].as_str().unwrap());
        assert_eq!(world.graph(&token, ("PATCH", &own), Some(change)).status, 204);
        let other = if body["ipRanges"].is_array() { "country" } else { "ip" };
        for wrong in [
            json!({ "color": "red" }),
            json!({ "isTrusted": "yes" }),
            json!({ "@odata.type": format!("#microsoft.graph.{other}NamedLocation") }),
            json!({ if other == "ip" { "ipRanges" } else { "countriesAndRegions" }: [] }),
        ] {
            assert_eq!(world.graph(&token, ("PATCH", &own), Some(wrong.clone())).status, 400, "{wrong}");
        }
        assert_eq!(world.graph(&token, ("DELETE", &own), None).status, 204);
    }
    for (name, value) in [
        ("ipRanges", json!([{ "cidrAddress": "nowhere" }])),
        ("@odata.type", json!("#microsoft.graph.compliantNetworkNamedLocation")),
        ("@odata.type", Value::Null),
        ("color", json!("red")),
        ("countriesAndRegions", json!(["NL"])),
        ("ipRanges", json!([{ "cidrAddress": "192.0.2.0/24", "color": "red" }])),
        ("isTrusted", json!("yes")),
    ] {
        let mut bad = ip.clone();
        bad[name] = value;
        assert_eq!(world.graph(&token, ("POST", path), Some(bad.clone())).status, 400, "{bad}");
    }
}
