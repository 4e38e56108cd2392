//! Administrative units, and what a restricted one keeps out.

use serde_json::{Value, json};

use super::world::{USER_ADMINISTRATOR, World, id};

fn unit(world: &World, token: &str, body: Value) -> String {
    let made = world.graph(token, ("POST", "/directory/administrativeUnits"), Some(body));
    assert_eq!(made.status, 201, "{}", made.text);
    made.json()["id"].as_str().unwrap().to_owned()
}

fn reference(world: &World, name: &str) -> Value {
    json!({ "@odata.id": format!("{}/v1.0/directoryObjects/{}", world.base(), id(name)) })
}

fn assignment(who: &str, unit: &str) -> Value {
    json!({ "principalId": id(who), "roleDefinitionId": USER_ADMINISTRATOR,
        "directoryScopeId": format!("/administrativeUnits/{unit}") })
}

#[test]
fn whoever_administers_a_unit_administers_its_members_alone() {
    let world = World::new("unit");
    let (admin, bert) = (world.user("roleadmin"), world.user("bert"));
    let made = unit(&world, &admin, json!({ "displayName": "Utrecht" }));
    let members = format!("/directory/administrativeUnits/{made}/members");
    let change = |who: &str| {
        let path = format!("/users/{}", id(who));
        world.graph(&bert, ("PATCH", &path), Some(json!({ "jobTitle": "Baker" }))).status
    };
    assert_eq!(world.graph(&admin, ("POST", &format!("{members}/$ref")), Some(reference(&world, "anna"))).status, 204);
    assert_eq!(world.graph(&admin, ("POST", &format!("{members}/$ref")), Some(reference(&world, "anna"))).status, 400);
    assert_eq!(change("anna"), 403);
    let assigned =
        world.graph(&admin, ("POST", "/roleManagement/directory/roleAssignments"), Some(assignment("bert", &made)));
    assert_eq!(assigned.status, 201, "{}", assigned.text);
    assert_eq!((change("anna"), change("reader")), (204, 403));
    let password = json!({ "passwordProfile": { "password": "Another-Horse-8" } });
    let reset =
        |who: &str| world.graph(&bert, ("PATCH", &format!("/users/{}", id(who))), Some(password.clone())).status;
    world.graph(&admin, ("POST", &format!("{members}/$ref")), Some(reference(&world, "ga")));
    assert_eq!((reset("anna"), reset("ga")), (204, 403), "an administrator is not reset by an administrator of a unit");
    assert_eq!(world.list(&admin, &members).len(), 2);
    let of = world.list(&admin, &format!("/users/{}/memberOf/microsoft.graph.administrativeUnit", id("anna")));
    assert_eq!(of[0]["id"], json!(made));
    assert_eq!(world.graph(&admin, ("DELETE", &format!("{members}/{}/$ref", id("anna"))), None).status, 204);
    assert_eq!(change("anna"), 403);
    assert_eq!(world.graph(&admin, ("DELETE", &format!("/directory/administrativeUnits/{made}")), None).status, 204);
    let audited = world.audited(&world.user("ga"));
    for activity in ["Add administrative unit", "Add member to administrative unit", "Delete administrative unit"] {
        assert!(audited.iter().any(|known| known == activity), "{activity} is not in {audited:?}");
    }
}

#[test]
fn a_restricted_unit_keeps_everybody_out_but_its_own_administrators() {
    let apps: [(&str, &[&str]); 1] =
        [("all", &["User.ReadWrite.All", "Directory.ReadWrite.All", "UserAuthenticationMethod.ReadWrite.All"])];
    let world = World::with("restricted", &apps, Value::Null);
    let (ga, app) = (world.user("ga"), world.app(0));
    let made = unit(&world, &ga, json!({ "displayName": "Emergency", "isMemberManagementRestricted": true }));
    let anna = format!("/users/{}", id("anna"));
    let before = world.graph(&ga, ("PATCH", &anna), Some(json!({ "jobTitle": "Baker" })));
    assert_eq!(before.status, 204);
    let members = format!("/administrativeUnits/{made}/members/$ref");
    assert_eq!(world.graph(&ga, ("POST", &members), Some(reference(&world, "anna"))).status, 204);
    for (method, path, body) in [
        ("PATCH", anna.clone(), json!({ "jobTitle": "Butcher" })),
        ("PATCH", anna.clone(), json!({ "accountEnabled": false })),
        ("PATCH", anna.clone(), json!({ "passwordProfile": { "password": "Another-Horse-8" } })),
        ("DELETE", anna.clone(), Value::Null),
        ("POST", format!("{anna}/revokeSignInSessions"), json!({})),
        ("POST", format!("{anna}/authentication/temporaryAccessPassMethods"), json!({})),
        ("GET", format!("{anna}/authentication/fido2Methods/creationOptions"), Value::Null),
        ("POST", format!("{anna}/authentication/fido2Methods"), json!({})),
    ] {
        for token in [&ga, &app] {
            let refused = world.graph(token, (method, &path), Some(body.clone()));
            assert!(
                refused.status == 403 && refused.text.contains("restricted management"),
                "{path}: {}",
                refused.text
            );
        }
    }
    assert_eq!(world.graph(&ga, ("GET", &anna), None).status, 200, "reading is not restricted");
    // The way out that Entra leaves: a role in the unit, which is seen.
    let assigned =
        world.graph(&ga, ("POST", "/roleManagement/directory/roleAssignments"), Some(assignment("ga", &made)));
    assert_eq!(assigned.status, 201, "{}", assigned.text);
    assert_eq!(world.graph(&ga, ("PATCH", &anna), Some(json!({ "jobTitle": "Butcher" }))).status, 204);
    assert_eq!(world.graph(&app, ("PATCH", &anna), Some(json!({ "jobTitle": "Butcher" }))).status, 403);
}

#[test]
fn what_a_unit_cannot_be_is_refused() {
    let world = World::new("unit-refused");
    let (admin, anna) = (world.user("roleadmin"), world.user("anna"));
    for body in [
        json!({}),
        json!({ "displayName": " " }),
        json!({ "displayName": 7 }),
        json!({ "displayName": "A", "isMemberManagementRestricted": "yes" }),
        json!({ "displayName": "A", "members": [] }),
        json!({ "displayName": "A", "id": "x" }),
    ] {
        let refused = world.graph(&admin, ("POST", "/directory/administrativeUnits"), Some(body.clone()));
        assert_eq!(refused.status, 400, "{body}: {}", refused.text);
    }
    assert_eq!(
        world.graph(&anna, ("POST", "/directory/administrativeUnits"), Some(json!({ "displayName": "A" }))).status,
        403
    );
    let made = unit(&world, &admin, json!({ "displayName": "A" }));
    let path = format!("/directory/administrativeUnits/{made}");
    assert_eq!(
        world.graph(&admin, ("PATCH", &path), Some(json!({ "isMemberManagementRestricted": true }))).status,
        400
    );
    assert_eq!(world.graph(&admin, ("PATCH", &path), Some(json!({ "description": "of A" }))).status, 204);
    assert_eq!(world.graph(&admin, ("GET", &path), None).json()["description"], "of A");
    let nobody =
        json!({ "@odata.id": format!("{}/v1.0/directoryObjects/00000000-0000-4000-8000-00000000ffff", world.base()) });
    assert_eq!(world.graph(&admin, ("POST", &format!("{path}/members/$ref")), Some(nobody)).status, 404);
    assert_eq!(world.graph(&admin, ("DELETE", &format!("{path}/members/{}/$ref", id("anna"))), None).status, 404);
}
