//! The logs: how long they are kept, how they are delivered, and what is exported of them.

use std::fs;
use std::path::Path;
use std::thread;

use serde_json::{Value, json};

use super::world::{ADMIN, Served, nothing};

const RAE: (&str, &str) = ("rae@contoso.com", "Rae-Passw0rd");

/// Records of sign-ins of a user that Graph shows.
fn shown(served: &Served, of: &str) -> Vec<Value> {
    let token = served.password(&[], ADMIN)["access_token"].as_str().unwrap().to_owned();
    let bearer = format!("Bearer {token}");
    let path = format!("/v1.0/auditLogs/signIns?$filter=userPrincipalName%20eq%20'{of}'");
    let answer = served.send(("GET", &path), &[("authorization", &bearer)], "").unwrap().json();
    answer["value"].as_array().unwrap().clone()
}

#[test]
fn records_are_shown_for_as_many_days_as_the_licence_says() {
    for (name, licence, days) in
        [("untold", Value::Null, 30), ("p1", json!("AAD_PREMIUM"), 30), ("p2", json!("AAD_PREMIUM_P2"), 30)]
    {
        let served = licensed(&format!("retention-{name}"), &licence);
        assert_eq!(served.code(&[], RAE), 0);
        assert_eq!(shown(&served, RAE.0).len(), 1, "{name}");
        served.on("clock", json!({ "by": format!("{days}d") }));
        assert_eq!(shown(&served, RAE.0).len(), 1, "{name}");
        served.on("clock", json!({ "by": format!("{}s", days * 86_400 + 1) }));
        assert_eq!(shown(&served, RAE.0).len(), 0, "{name}");
    }
}

/// A tenant with a licence; without any where it is `false`, and as it is seeded where it is null.
fn licensed(name: &str, licence: &Value) -> Served {
    Served::seeded(name, |seed| {
        if licence.is_string() {
            seed["subscribedSkus"] = json!([{
                "id": "sku", "skuId": "06ebc4ee-1bb5-47dd-8120-11324bc54e06", "skuPartNumber": "X",
                "capabilityStatus": "Enabled", "servicePlans": [{ "servicePlanName": licence }],
            }]);
        } else if !licence.is_null() {
            seed["subscribedSkus"] = json!([]);
        }
    })
}

#[test]
fn without_a_licence_sign_ins_are_not_shown_and_changes_for_seven_days() {
    for (name, licence) in [("none", json!(false)), ("other", json!("INTUNE_A"))] {
        let served = licensed(&format!("licence-{name}"), &licence);
        let get = |path: &str| {
            let token = served.password(&[], ADMIN)["access_token"].as_str().unwrap().to_owned();
            served.send(("GET", path), &[("authorization", &format!("Bearer {token}"))], "").unwrap()
        };
        let refused = get("/v1.0/auditLogs/signIns");
        let code = &refused.json()["error"]["code"];
        assert_eq!((refused.status, code), (403, &json!("Authentication_RequestFromNonPremiumTenantOrB2CTenant")));
        let token = served.password(&[], ADMIN)["access_token"].as_str().unwrap().to_owned();
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let changed = served.send(("PATCH", "/v1.0/users/rae@contoso.com"), &headers, "{\"jobTitle\":\"x\"}").unwrap();
        assert_eq!(changed.status, 204, "{}", changed.body);
        let count = || get("/v1.0/auditLogs/directoryAudits").json()["value"].as_array().unwrap().len();
        assert_eq!(count(), 1, "{name}");
        served.on("clock", json!({ "by": "7d" }));
        assert_eq!(count(), 1, "{name}");
        served.on("clock", json!({ "by": "604801s" }));
        assert_eq!(count(), 0, "{name}");
    }
}

#[test]
fn records_come_later_out_of_order_or_twice() {
    let served = Served::new("delivery");
    for _ in 0..4 {
        assert_eq!(served.code(&[], RAE), 0);
    }
    let count = || shown(&served, RAE.0).len();
    assert_eq!(count(), 4);
    served.on("log-lag", json!({ "seconds": 60 }));
    assert_eq!(count(), 0);
    served.on("clock", json!({ "by": "59s" }));
    assert_eq!(count(), 0);
    served.on("clock", json!({ "by": "60s" }));
    assert_eq!(count(), 4);
    served.on("log-late", json!({ "seconds": 60 }));
    let seen = shown(&served, RAE.0);
    assert_eq!(seen.len(), 2);
    served.on("clock", json!({ "by": "2m" }));
    let all = shown(&served, RAE.0);
    assert_eq!(all.len(), 4);
    assert!(all[0] != seen[0] || all[1] != seen[1], "what came late stands among what was there");
    served.on("log-duplicates", nothing());
    let twice = shown(&served, RAE.0);
    assert_eq!(twice.len(), 8);
    assert!(twice.chunks(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(served.backstage("DELETE", &["faults"], Value::Null).0, 204);
    assert_eq!(count(), 4);
}

/// The lines of all files below a folder.
fn lines(folder: &Path) -> Vec<Value> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(lines(&path));
        } else {
            found.extend(fs::read_to_string(&path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()));
        }
    }
    found
}

#[test]
fn logs_are_exported_as_azure_monitor_writes_them() {
    let served = Served::new("export").exporting();
    let token = served.password(&[], ADMIN);
    assert_eq!(served.code(&[], (RAE.0, "wrong")), 50_126);
    assert_eq!(served.refreshed(token["refresh_token"].as_str().unwrap()).status, 200);
    let bearer = format!("Bearer {}", token["access_token"].as_str().unwrap());
    let user = format!("/v1.0/users/{}", RAE.0);
    let headers = [("authorization", bearer.as_str())];
    assert_eq!(served.send(("PATCH", &user), &headers, "{\"jobTitle\":\"x\"}").unwrap().status, 204);
    let of = |category: &str| {
        let folder = served.exported().join(format!("insights-logs-{}", category.to_lowercase()));
        let lines = lines(&folder);
        assert!(lines.iter().all(|line| line["category"] == json!(category)), "{category}");
        lines
    };
    let sign_ins = of("SignInLogs");
    let told: Vec<(&Value, &Value)> =
        sign_ins.iter().map(|line| (&line["resultType"], &line["properties"]["userPrincipalName"])).collect();
    assert_eq!(told, [(&json!("0"), &json!(ADMIN.0)), (&json!("50126"), &json!(RAE.0))]);
    assert_eq!(sign_ins[0]["time"], json!("1970-01-01T00:00:59.0000000Z"));
    assert!(sign_ins[1]["resultDescription"].as_str().unwrap().contains("invalid username or password"));
    assert_eq!(of("NonInteractiveUserSignInLogs").len(), 1);
    assert_eq!(of("AuditLogs")[0]["operationName"], json!("Update user"));
}

#[test]
fn whoever_signs_in_with_others_at_a_time_is_logged_once() {
    let served = Served::new("at-a-time").exporting();
    let token = served.password(&[], RAE)["refresh_token"].as_str().unwrap().to_owned();
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| (0..5).for_each(|_| assert_eq!(served.refreshed(&token).status, 200)));
        }
    });
    let ids = |records: Vec<Value>| {
        let mut ids: Vec<String> = records.iter().map(|record| record["id"].as_str().unwrap().to_owned()).collect();
        ids.sort();
        ids
    };
    let mut kept = ids(shown(&served, RAE.0));
    let exported = lines(&served.exported()).into_iter().map(|line| line["properties"].clone());
    let exported = ids(exported.filter(|record| record["userPrincipalName"] == json!(RAE.0)).collect());
    assert_eq!(kept, exported);
    kept.dedup();
    assert_eq!(kept.len(), 1 + 16 * 5);
}
