//! Elevation to Azure and back: who may, what is seen of it, and what is recorded.

use breakglass_tenant::profile::Profile;
use serde_json::{Value, json};

use super::world::{ADMIN, AZURE_CLI, Answer, Served};

const RAE: (&str, &str) = ("rae@contoso.com", "Rae-Passw0rd");
const BELOW: &str = "/providers/Microsoft.Authorization";
const ELEVATE: &str = "/providers/Microsoft.Authorization/elevateAccess?api-version=2016-07-01";
const ALL: &str = "/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01";

fn token(served: &Served, who: (&str, &str)) -> String {
    let form = [
        ("client_id", AZURE_CLI),
        ("grant_type", "password"),
        ("scope", "https://management.azure.com/.default"),
        ("username", who.0),
        ("password", who.1),
    ];
    format!("Bearer {}", served.token(&[], &form).json()["access_token"].as_str().unwrap())
}

fn asked(served: &Served, bearer: &str, what: (&str, &str)) -> Answer {
    served.send_to_manager(what, &[("authorization", bearer)], "").unwrap()
}

/// Activities of the audit that are about elevation, the newest first.
fn records(served: &Served) -> Vec<Value> {
    let bearer = format!("Bearer {}", served.password(&[], ADMIN)["access_token"].as_str().unwrap());
    let all = served.send(("GET", "/v1.0/auditLogs/directoryAudits"), &[("authorization", &bearer)], "").unwrap();
    let all = all.json()["value"].as_array().unwrap().clone();
    all.into_iter().filter(|one| one["loggedByService"] == "Azure RBAC (Elevated Access)").collect()
}

#[test]
fn a_global_administrator_elevates_and_takes_it_back() {
    let served = Served::new("elevation").restarted_with(Profile::Classic);
    let admin = token(&served, ADMIN);
    let list = |served: &Served| asked(served, &admin, ("GET", ALL)).json()["value"].as_array().unwrap().clone();
    assert_eq!(list(&served), Vec::<Value>::new());
    for _ in 0..2 {
        assert_eq!(asked(&served, &admin, ("POST", ELEVATE)).status, 200);
    }
    let served = served.restarted_with(Profile::Classic);
    let found = list(&served);
    assert_eq!(found.len(), 1, "twice is once");
    let (name, properties) = (found[0]["name"].as_str().unwrap(), &found[0]["properties"]);
    assert_eq!(properties["scope"], json!("/"));
    let role = properties["roleDefinitionId"].as_str().unwrap();
    assert!(role.ends_with("/18d7d88d-d35e-4fb5-a5c3-7773c20a72d9"), "{role}");
    let principal = properties["principalId"].as_str().unwrap();
    for (filter, count) in [
        ("atScope()".to_owned(), 1),
        (format!("principalId%20eq%20'{principal}'"), 1),
        ("principalId%20eq%20'nobody'".to_owned(), 0),
    ] {
        let answer = asked(&served, &admin, ("GET", &format!("{ALL}&$filter={filter}"))).json();
        assert_eq!(answer["value"].as_array().unwrap().len(), count, "{filter}");
    }
    assert_eq!(asked(&served, &admin, ("GET", &format!("{ALL}&$filter=color%20eq%201"))).status, 400);
    let one = format!("{BELOW}/roleAssignments/{name}?api-version=2022-04-01");
    assert_eq!(asked(&served, &admin, ("GET", &one)).json()["name"], json!(name));
    let other = format!("{BELOW}/roleAssignments/00000000-0000-4000-8000-000000000000?api-version=2022-04-01");
    assert_eq!(asked(&served, &admin, ("DELETE", &other)).status, 204);
    assert_eq!(asked(&served, &admin, ("DELETE", &one)).status, 200);
    assert_eq!(list(&served), Vec::<Value>::new());
    assert_eq!(asked(&served, &admin, ("DELETE", &one)).status, 403, "whoever is not elevated removes nothing");
    let names: Vec<Value> = records(&served).iter().map(|one| one["activityDisplayName"].clone()).collect();
    let expected = [
        "The role assignment of User Access Administrator has been removed from the user",
        "User has elevated their access to User Access Administrator for their Azure Resources",
    ];
    assert_eq!(names, expected);
    assert!(records(&served).iter().all(|one| one["targetResources"][0]["id"] == principal));
}

#[test]
fn nobody_else_does() {
    let served = Served::new("elevation-others").restarted_with(Profile::Classic);
    let (admin, rae) = (token(&served, ADMIN), token(&served, RAE));
    assert_eq!(asked(&served, &rae, ("POST", ELEVATE)).status, 403);
    assert_eq!(asked(&served, &admin, ("POST", ELEVATE)).status, 200);
    assert_eq!(asked(&served, &rae, ("GET", ALL)).json()["value"], json!([]));
    let name = asked(&served, &admin, ("GET", ALL)).json()["value"][0]["name"].as_str().unwrap().to_owned();
    let one = format!("{BELOW}/roleAssignments/{name}?api-version=2022-04-01");
    assert_eq!(asked(&served, &rae, ("GET", &one)).status, 404);
    assert_eq!(asked(&served, &rae, ("DELETE", &one)).status, 403);
    for (method, path, status) in
        [("POST", "/providers/Microsoft.Authorization/elevateAccess", 400), ("GET", ELEVATE, 405), ("PUT", ALL, 405)]
    {
        assert_eq!(asked(&served, &admin, (method, path)).status, status, "{method} {path}");
    }
    assert_eq!(records(&served).len(), 1);
}

#[test]
fn a_password_alone_does_not_elevate_in_the_current_profile() {
    let served = Served::new("elevation-current");
    let admin = token(&served, ADMIN);
    let answer = asked(&served, &admin, ("POST", ELEVATE));
    assert_eq!((answer.status, &answer.json()["error"]["code"]), (401, &json!("RequestDisallowedByAzure")));
    assert_eq!(asked(&served, &admin, ("GET", ALL)).json()["value"], json!([]));
    assert!(records(&served).is_empty());
}
