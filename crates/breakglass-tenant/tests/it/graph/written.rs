//! What is written to users, groups and applications: what nobody writes, what is from on premises, what has another
//! shape, and what the audit tells of it.

use serde_json::{Value, json};

use super::world::{World, id};

fn made(world: &World, token: &str, (list, body): (&str, Value)) -> String {
    let made = world.graph(token, ("POST", list), Some(body));
    assert_eq!(made.status, 201, "{}", made.text);
    format!("{list}/{}", made.json()["id"].as_str().unwrap())
}

fn group() -> Value {
    json!({ "displayName": "G", "mailNickname": "g", "mailEnabled": false, "securityEnabled": true })
}

#[test]
fn what_is_read_only_is_not_written() {
    let world = World::new("read-only");
    let ga = world.user("ga");
    let anna = format!("/users/{}", id("anna"));
    let group = made(&world, &ga, ("/groups", group()));
    let app = made(&world, &ga, ("/applications", json!({ "displayName": "A" })));
    let other = "00000000-0000-4000-8000-0000000000ff";
    for (path, body) in [
        (&anna, json!({ "id": other })),
        (&anna, json!({ "signInSessionsValidFromDateTime": "2020-01-01T00:00:00Z" })),
        (&anna, json!({ "onPremisesSyncEnabled": true })),
        (&anna, json!({ "assignedPlans": [{ "service": "x" }] })),
        (&anna, json!({ "createdDateTime": "2020-01-01T00:00:00Z" })),
        (&anna, json!({ "jobTitle": "Baker", "proxyAddresses": ["SMTP:a@contoso.com"] })),
        (&group, json!({ "id": other })),
        (&group, json!({ "mail": "g@contoso.com" })),
        (&group, json!({ "onPremisesSyncEnabled": true })),
        (&app, json!({ "appId": other })),
        (&app, json!({ "publisherDomain": "contoso.com" })),
        (&app, json!({ "createdDateTime": "2020-01-01T00:00:00Z" })),
    ] {
        let refused = world.graph(&ga, ("PATCH", path), Some(body.clone()));
        assert_eq!((refused.status, refused.code().as_str()), (400, "Request_BadRequest"), "{body}");
        assert!(refused.text.contains("is read-only and cannot be set."), "{}", refused.text);
    }
    let job = world.graph(&ga, ("GET", &format!("{anna}?$select=jobTitle")), None).json();
    assert_eq!(job["jobTitle"], Value::Null, "nothing of it was written");
    let same = json!({ "id": id("anna"), "onPremisesSyncEnabled": null, "assignedPlans": [], "jobTitle": "Baker" });
    assert_eq!(world.graph(&ga, ("PATCH", &anna), Some(same)).status, 204, "what is there already is no change");
    let body = json!({ "displayName": "B", "appId": other });
    assert_eq!(world.graph(&ga, ("POST", "/applications"), Some(body)).status, 400, "nor when it is made");
}

#[test]
fn what_may_not_be_empty_is_not_emptied() {
    let world = World::new("empty");
    let ga = world.user("ga");
    let anna = format!("/users/{}", id("anna"));
    let group = made(&world, &ga, ("/groups", group()));
    let app = made(&world, &ga, ("/applications", json!({ "displayName": "A" })));
    for (path, body) in [
        (&anna, json!({ "displayName": "" })),
        (&anna, json!({ "displayName": null })),
        (&anna, json!({ "accountEnabled": null })),
        (&anna, json!({ "mailNickname": "" })),
        (&anna, json!({ "mailNickname": null })),
        (&anna, json!({ "userPrincipalName": null })),
        (&anna, json!({ "passwordProfile": null })),
        (&group, json!({ "displayName": "" })),
        (&group, json!({ "displayName": null })),
        (&group, json!({ "mailNickname": " " })),
        (&app, json!({ "displayName": null })),
        (&app, json!({ "displayName": "" })),
    ] {
        let refused = world.graph(&ga, ("PATCH", path), Some(body.clone()));
        assert_eq!((refused.status, refused.code().as_str()), (400, "Request_BadRequest"), "{body}");
    }
}

#[test]
fn shapes_are_looked_at_however_deep() {
    let world = World::new("shapes");
    let ga = world.user("ga");
    let anna = format!("/users/{}", id("anna"));
    let group = made(&world, &ga, ("/groups", group()));
    let app = made(&world, &ga, ("/applications", json!({ "displayName": "A" })));
    for (path, body) in [
        (&app, json!({ "web": "https://a" })),
        (&app, json!({ "web": { "redirectUris": "https://a" } })),
        (&app, json!({ "web": { "color": "red" } })),
        (&app, json!({ "web": { "implicitGrantSettings": { "enableIdTokenIssuance": "yes" } } })),
        (&app, json!({ "spa": { "redirectUris": [1] } })),
        (&app, json!({ "api": { "requestedAccessTokenVersion": "2" } })),
        (&app, json!({ "requiredResourceAccess": [{ "resourceAppId": "x", "resourceAccess": [{ "id": "x" }] }] })),
        (
            &app,
            json!({ "keyCredentials": [{ "type": "AsymmetricX509Cert", "usage": "Verify", "key": "no base 64!" }] }),
        ),
        (&app, json!({ "passwordCredentials": [{ "displayName": "new" }] })),
        (&app, json!({ "appRoles": [{ "id": "not an id" }] })),
        (&anna, json!({ "passwordProfile": { "forceChangePasswordNextSignIn": "no" } })),
        (&anna, json!({ "passwordProfile": { "password": 7 } })),
        (&anna, json!({ "identities": [{ "signInType": 7 }] })),
        (&anna, json!({ "onPremisesExtensionAttributes": { "extensionAttribute16": "x" } })),
        (&anna, json!({ "employeeOrgData": [] })),
        (&group, json!({ "assignedLabels": [{ "labelId": 7 }] })),
        (&group, json!({ "groupTypes": "Unified" })),
        (&anna, json!({ "userType": "Robot" })),
        (&app, json!({ "signInAudience": "Everybody" })),
    ] {
        let refused = world.graph(&ga, ("PATCH", path), Some(body.clone()));
        assert_eq!((refused.status, refused.code().as_str()), (400, "Request_BadRequest"), "{body}");
    }
    let good = json!({ "web": { "redirectUris": ["https://a"], "implicitGrantSettings": { "enableIdTokenIssuance": true } },
        "keyCredentials": [{ "type": "AsymmetricX509Cert", "usage": "Verify", "key": "bm8gYmFzZQ==" }],
        "api": { "requestedAccessTokenVersion": 2 }, "passwordCredentials": [] });
    let done = world.graph(&ga, ("PATCH", &app), Some(good));
    assert_eq!(done.status, 204, "{}", done.text);
}

#[test]
fn a_group_is_no_member_of_itself() {
    let world = World::new("self-member");
    let ga = world.user("ga");
    let path = made(&world, &ga, ("/groups", group()));
    let own = path.trim_start_matches("/groups/");
    let reference = format!("{}/v1.0/directoryObjects/{own}", world.base());
    let added = world.graph(&ga, ("POST", &format!("{path}/members/$ref")), Some(json!({ "@odata.id": reference })));
    assert_eq!((added.status, added.code().as_str()), (400, "Request_BadRequest"), "{}", added.text);
    let bound = json!({ "members@odata.bind": [reference] });
    assert_eq!(world.graph(&ga, ("PATCH", &path), Some(bound)).status, 400);
    assert!(world.list(&ga, &format!("{path}/members")).is_empty());
}

#[test]
fn what_comes_from_on_premises_is_changed_there() {
    let user = json!({ "id": id("bert"), "displayName": "bert", "accountEnabled": true, "mailNickname": "bert",
        "userPrincipalName": "bert@contoso.onmicrosoft.com", "onPremisesSyncEnabled": true,
        "passwordProfile": { "password": super::world::PASSWORD } });
    let admin = json!({ "id": id("ga"), "displayName": "ga", "accountEnabled": true, "mailNickname": "ga",
        "userPrincipalName": "ga@contoso.onmicrosoft.com", "passwordProfile": { "password": super::world::PASSWORD } });
    let group = json!({ "id": "00000000-0000-4000-8000-0000000000e1", "displayName": "G", "mailNickname": "g",
        "mailEnabled": false, "securityEnabled": true, "onPremisesSyncEnabled": true, "members": [] });
    let world = World::with("premises", &[], json!({ "users": [user, admin], "groups": [group] }));
    let ga = world.user("ga");
    let bert = format!("/users/{}", id("bert"));
    let group = "/groups/00000000-0000-4000-8000-0000000000e1".to_owned();
    for (path, body) in [
        (&bert, json!({ "displayName": "Bert" })),
        (&bert, json!({ "mobilePhone": "1" })),
        (&bert, json!({ "userPrincipalName": "bertje@contoso.onmicrosoft.com" })),
        (&bert, json!({ "usageLocation": "NL", "department": "IT" })),
        (&bert, json!({ "passwordProfile": { "password": "Another-Horse-8" } })),
        (&group, json!({ "displayName": "H" })),
    ] {
        let refused = world.graph(&ga, ("PATCH", path), Some(body.clone()));
        assert_eq!((refused.status, refused.code().as_str()), (400, "Request_BadRequest"), "{body}");
        assert!(refused.text.contains("on-premises mastered Directory Sync objects"), "{}", refused.text);
    }
    let member = json!({ "@odata.id": format!("{}/v1.0/directoryObjects/{}", world.base(), id("ga")) });
    assert_eq!(world.graph(&ga, ("POST", &format!("{group}/members/$ref")), Some(member)).status, 400);
    world.user("bert");
    let cloud = json!({ "usageLocation": "NL", "displayName": "bert", "accountEnabled": false });
    assert_eq!(world.graph(&ga, ("PATCH", &bert), Some(cloud)).status, 204, "these are of the cloud, or no change");
    assert_eq!(world.refused("bert"), 50_057);
}

#[test]
fn the_audit_has_what_was_and_what_is() {
    let world = World::new("modified");
    let ga = world.user("ga");
    let told = |path: &str, body: Value| {
        assert_eq!(world.graph(&ga, ("PATCH", path), Some(body.clone())).status, 204, "{body}");
        let records = world.list(&ga, "/auditLogs/directoryAudits");
        let of = |one: &Value| (one["displayName"].clone(), one["oldValue"].clone(), one["newValue"].clone());
        let listed = records[0]["targetResources"][0]["modifiedProperties"].as_array().unwrap();
        listed.iter().map(of).collect::<Vec<_>>()
    };
    let line = |name: &str, old: &str, new: &str| (json!(name), json!(old), json!(new));
    let anna = format!("/users/{}", id("anna"));
    let first = told(&anna, json!({ "jobTitle": "Baker", "displayName": "anna", "accountEnabled": true }));
    assert_eq!(first[0], line("JobTitle", "[]", "[\"Baker\"]"));
    assert_eq!(first[1], (json!("Included Updated Properties"), Value::Null, json!("\"JobTitle\"")));
    assert_eq!(first.len(), 2, "what stayed the same is not among them");
    let second = told(&anna, json!({ "jobTitle": "Butcher", "passwordProfile": { "password": "Another-Horse-8" } }));
    assert!(second.contains(&line("JobTitle", "[\"Baker\"]", "[\"Butcher\"]")), "{second:?}");
    assert!(!format!("{second:?}").contains("Horse"));
    let group = made(&world, &ga, ("/groups", group()));
    assert_eq!(told(&group, json!({ "description": "D" }))[0], line("Description", "[]", "[\"D\"]"));
    let app = made(&world, &ga, ("/applications", json!({ "displayName": "A" })));
    assert_eq!(told(&app, json!({ "displayName": "B" }))[0], line("DisplayName", "[\"A\"]", "[\"B\"]"));
}

#[test]
fn the_audit_tells_who_came_and_who_went() {
    let world = World::new("came-and-went");
    let ga = world.user("ga");
    let told = |method: &str, path: &str, body: Option<Value>| {
        assert_eq!(world.graph(&ga, (method, path), body).status / 100, 2, "{path}");
        let record = world.list(&ga, "/auditLogs/directoryAudits")[0].clone();
        let of = |one: &Value| (one["displayName"].clone(), one["oldValue"].clone(), one["newValue"].clone());
        record["targetResources"][0]["modifiedProperties"].as_array().unwrap().iter().map(of).collect::<Vec<_>>()
    };
    let reference = json!({ "@odata.id": format!("{}/v1.0/directoryObjects/{}", world.base(), id("anna")) });
    let group = made(&world, &ga, ("/groups", group()));
    let (name, value) = (json!("Group.DisplayName"), json!("\"G\""));
    let came = told("POST", &format!("{group}/members/$ref"), Some(reference));
    assert!(came.contains(&(name.clone(), Value::Null, value.clone())), "{came:?}");
    let went = told("DELETE", &format!("{group}/members/{}/$ref", id("anna")), None);
    assert!(went.contains(&(name, value, Value::Null)), "{went:?}");
    let role = json!({ "principalId": id("anna"), "roleDefinitionId": super::world::USER_ADMINISTRATOR,
        "directoryScopeId": "/" });
    let assignments = "/roleManagement/directory/roleAssignments";
    let (name, value) = (json!("Role.DisplayName"), json!("\"User Administrator\""));
    assert_eq!(told("POST", assignments, Some(role)), [(name.clone(), Value::Null, value.clone())]);
    let own = world.list(&ga, &format!("{assignments}?$filter=principalId eq '{}'", id("anna")))[0]["id"].clone();
    assert_eq!(told("DELETE", &format!("{assignments}/{}", own.as_str().unwrap()), None), [(name, value, Value::Null)]);
}

#[test]
fn of_what_is_new_the_audit_has_all_but_secrets() {
    let world = World::new("told-new");
    let ga = world.user("ga");
    let user = json!({ "userPrincipalName": "eva@contoso.onmicrosoft.com", "displayName": "K", "mailNickname": "eva",
        "accountEnabled": true, "passwordProfile": { "password": "Another-Horse-8" } });
    let mut named = group();
    named["displayName"] = json!("K");
    for (list, body) in [("/users", user), ("/groups", named), ("/administrativeUnits", json!({ "displayName": "K" }))]
    {
        made(&world, &ga, (list, body));
        let record = world.list(&ga, "/auditLogs/directoryAudits")[0]["targetResources"][0].clone();
        let line = json!({ "displayName": "DisplayName", "oldValue": "[]", "newValue": "[\"K\"]" });
        assert!(record["modifiedProperties"].as_array().unwrap().contains(&line), "{list}: {record}");
        assert!(!record.to_string().to_lowercase().contains("password"), "{list}: {record}");
    }
}

#[test]
fn other_changes_are_told_the_same_way() {
    let world = World::new("told-too");
    let ga = world.user("ga");
    let strength = json!({ "displayName": "K", "allowedCombinations": ["fido2"] });
    let context = json!({ "id": "c1", "displayName": "K", "isAvailable": false });
    let contexts = "/identity/conditionalAccess/authenticationContextClassReferences";
    for path in [
        made(&world, &ga, ("/administrativeUnits", json!({ "displayName": "K" }))),
        made(&world, &ga, ("/policies/authenticationStrengthPolicies", strength)),
        made(&world, &ga, (contexts, context)),
    ] {
        assert_eq!(world.graph(&ga, ("PATCH", &path), Some(json!({ "displayName": "L" }))).status, 204, "{path}");
        let record = world.list(&ga, "/auditLogs/directoryAudits")[0].clone();
        let changed = record["targetResources"][0]["modifiedProperties"][0].clone();
        let line = json!({ "displayName": "DisplayName", "oldValue": "[\"K\"]", "newValue": "[\"L\"]" });
        assert_eq!(changed, line, "{path}");
    }
}

#[test]
fn a_service_principal_goes_with_its_application_and_comes_back_by_itself() {
    let world = World::with("principals", &[("app", &["Application.Read.All"])], Value::Null);
    let ga = world.user("ga");
    let app = world.list(&ga, "/applications")[0]["id"].as_str().unwrap().to_owned();
    let principal = world.list(&ga, "/servicePrincipals")[0].clone();
    let own = principal["id"].as_str().unwrap().to_owned();
    assert_eq!(world.graph(&ga, ("DELETE", &format!("/applications/{app}")), None).status, 204);
    // Others are there whatever becomes of it, such as that of Microsoft Graph.
    let is_there = || world.list(&ga, "/servicePrincipals").iter().any(|one| one["id"] == json!(own));
    assert!(!is_there());
    let kept = world.list(&ga, "/directory/deletedItems/microsoft.graph.servicePrincipal");
    assert!(kept.len() == 1 && kept[0]["id"] == json!(own), "{kept:?}");
    let restore = |id: &str| world.graph(&ga, ("POST", &format!("/directory/deletedItems/{id}/restore")), None);
    assert_eq!(restore(&app).status, 200);
    assert!(!is_there(), "it takes a restore of its own");
    let again = json!({ "appId": principal["appId"] });
    let other = made(&world, &ga, ("/servicePrincipals", again));
    assert_eq!(restore(&own).code(), "Request_MultipleObjectsWithSameKeyValue");
    assert_eq!(world.graph(&ga, ("DELETE", &other), None).status, 204);
    assert_eq!(restore(&own).status, 200);
    assert_eq!(world.list(&world.app(0), "/applications").len(), 1, "with its permissions");
    let audited = world.audited(&ga);
    for activity in ["Delete application", "Remove service principal", "Restore service principal"] {
        assert!(audited.iter().any(|known| known == activity), "{activity} is not in {audited:?}");
    }
}
