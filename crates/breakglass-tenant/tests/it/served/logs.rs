//! The logs: how long they are kept, how they are delivered, and what is exported of them.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use breakglass_tenant::clock::Clock;
use breakglass_tenant::retention;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::world::{ADMIN, Answer, Served, nothing};

const RAE: (&str, &str) = ("rae@contoso.com", "Rae-Passw0rd");

/// What Graph answers the administrator.
fn asked(served: &Served, path: &str) -> Answer {
    let token = served.password(&[], ADMIN)["access_token"].as_str().unwrap().to_owned();
    served.send(("GET", &path.replace(' ', "%20")), &[("authorization", &format!("Bearer {token}"))], "").unwrap()
}

fn list(served: &Served, path: &str) -> Vec<Value> {
    let answer = asked(served, path);
    answer.json()["value"].as_array().unwrap_or_else(|| panic!("{path}: {}", answer.body)).clone()
}

/// Records of sign-ins of a user that Graph shows.
fn shown(served: &Served, of: &str) -> Vec<Value> {
    list(served, &format!("/v1.0/auditLogs/signIns?$filter=userPrincipalName eq '{of}'"))
}

#[test]
fn a_list_has_sign_ins_that_somebody_made_unless_it_is_asked_for_others() {
    let served = Served::new("kinds-of-sign-ins");
    let token = served.password(&[], RAE)["refresh_token"].as_str().unwrap().to_owned();
    assert_eq!(served.refreshed(&token).status, 200);
    let of = |version: &str, filter: &str| {
        list(&served, &format!("/{version}/auditLogs/signIns?$filter=userPrincipalName eq '{}'{filter}", RAE.0))
    };
    let made = of("beta", "");
    assert_eq!(made.len(), 1);
    assert_eq!(made[0]["signInEventTypes"], json!(["interactiveUser"]));
    assert_eq!(of("v1.0", "").len(), 1);
    assert!(of("v1.0", "")[0].get("signInEventTypes").is_none());
    assert!(of("beta", " and isInteractive eq false").is_empty(), "that is no filter by kind");
    let carried = of("beta", " and signInEventTypes/any(t: t eq 'nonInteractiveUser')");
    assert_eq!(carried.len(), 1);
    assert_eq!(
        (&carried[0]["isInteractive"], &carried[0]["incomingTokenType"]),
        (&json!(false), &json!("refreshToken"))
    );
    assert_eq!(of("beta", " and signInEventTypes/any(t: t ne 'servicePrincipal')").len(), 2);
    assert!(of("beta", " and signInEventTypes/any(t: t eq 'managedIdentity')").is_empty());
    // One record is there for whoever knows its id.
    let id = carried[0]["id"].as_str().unwrap();
    assert_eq!(asked(&served, &format!("/v1.0/auditLogs/signIns/{id}")).json()["id"], json!(id));
    let refused = asked(&served, "/v1.0/auditLogs/signIns?$filter=signInEventTypes/any(t: t eq 'nonInteractiveUser')");
    assert_eq!(refused.status, 400);
    assert!(refused.body.contains("signInEventTypes"), "{}", refused.body);
}

#[test]
fn beta_tells_how_somebody_signed_in() {
    let served = Served::new("how-somebody-signs-in");
    assert_eq!(served.code(&[], RAE), 0);
    assert_eq!(served.code(&[], (RAE.0, "wrong")), 50_126);
    let path = format!("/beta/auditLogs/signIns?$filter=userPrincipalName eq '{}'", RAE.0);
    let records = list(&served, &path);
    let step = |at: usize| &records[at]["authenticationDetails"][0];
    assert_eq!((&step(0)["authenticationMethod"], &step(0)["succeeded"]), (&json!("Password"), &json!(false)));
    assert_eq!((&step(1)["authenticationMethod"], &step(1)["succeeded"]), (&json!("Password"), &json!(true)));
    for record in &records {
        assert_eq!(record["authenticationProtocol"], json!("ropc"));
        assert_eq!(record["authenticationRequirement"], json!("singleFactorAuthentication"));
        assert_eq!((&record["mfaDetail"], &record["userType"]), (&Value::Null, &json!("member")));
    }
    assert_eq!(records[1]["authenticationMethodsUsed"], json!(["Password"]));
    let narrow = &shown(&served, RAE.0)[0];
    for name in ["authenticationProtocol", "authenticationDetails", "mfaDetail", "authenticationRequirement"] {
        assert!(narrow.get(name).is_none(), "{name}");
    }
}

#[test]
fn pages_of_a_log_stay_where_they_are_while_it_grows() {
    let served = Served::new("pages-of-a-log");
    for _ in 0..5 {
        assert_eq!(served.code(&[], RAE), 0);
    }
    let id = |record: &Value| record["id"].as_str().unwrap().to_owned();
    let all: Vec<String> = shown(&served, RAE.0).iter().map(id).collect();
    assert_eq!(all.len(), 5);
    for (fault, times, size) in [(None, 1, 2), (Some("log-duplicates"), 2, 3)] {
        if let Some(fault) = fault {
            served.on(fault, nothing());
        }
        let mut path = format!(
            "/v1.0/auditLogs/signIns?$top={size}&$filter=userPrincipalName eq '{}' and createdDateTime ge 1970-01-01",
            RAE.0
        );
        let mut seen: Vec<String> = Vec::new();
        loop {
            let page = asked(&served, &path).json();
            let value = page["value"].as_array().unwrap();
            assert!(value.len() <= size, "{page}");
            seen.extend(value.iter().map(id));
            // The administrator's own sign-in is logged with each request, and so is this one.
            assert_eq!(served.code(&[], RAE), 0);
            let Some(next) = page["@odata.nextLink"].as_str() else { break };
            path = next.split_once("/v1.0").map(|(_, rest)| format!("/v1.0{rest}")).unwrap();
        }
        let count = seen.len() / times;
        let expected: Vec<String> = all.iter().flat_map(|id| std::iter::repeat_n(id.clone(), times)).collect();
        assert!(count >= 5, "{seen:?}");
        assert_eq!(seen[seen.len() - expected.len()..], expected, "{fault:?}");
    }
    let path = format!("/v1.0/auditLogs/signIns?$orderby=createdDateTime&$count=true&$filter=userId eq '{}'", "nobody");
    assert_eq!(asked(&served, &path).json()["@odata.count"], json!(0));
}

#[test]
fn a_moved_clock_destroys_nothing_and_old_records_are_deleted() {
    /// So many seconds after the usual tenant's clock stands.
    #[derive(Debug)]
    struct After(i64);
    impl Clock for After {
        fn now(&self) -> Timestamp {
            Timestamp::from_second(59 + self.0).unwrap()
        }
    }
    const MONTH: i64 = 31 * 86_400;
    let emptied = |served: &Served| while retention::pass(&served.tenant).unwrap() > 0 {};
    let served = Served::new("old-records");
    assert_eq!(served.code(&[], RAE), 0);
    served.on("clock", json!({ "by": "31d" }));
    emptied(&served);
    served.off("clock");
    assert_eq!(shown(&served, RAE.0).len(), 1, "the clock was moved forward and back again");
    served.on("clock", json!({ "by": "-31d" }));
    let folder = served.folder().to_owned();
    drop(served);
    let served = Served::of(folder, Arc::new(After(MONTH)));
    emptied(&served);
    assert_eq!(shown(&served, RAE.0).len(), 1, "the clock is moved back to when it is new");
    served.off("clock");
    emptied(&served);
    served.on("clock", json!({ "by": "-31d" }));
    assert_eq!(shown(&served, RAE.0).len(), 0, "it was deleted");
}

#[test]
fn answers_are_dated_by_the_tenants_clock() {
    let served = Served::new("dated");
    let date = || served.send(("GET", "/organizations/v2.0/.well-known/openid-configuration"), &[], "").unwrap();
    assert_eq!(date().header("date"), Some("Thu, 01 Jan 1970 00:00:59 GMT"));
    served.on("clock", json!({ "by": "3h" }));
    assert_eq!(date().header("date"), Some("Thu, 01 Jan 1970 03:00:59 GMT"));
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
pub(super) fn lines(folder: &Path) -> Vec<Value> {
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
    let all =
        "/beta/auditLogs/signIns?$filter=signInEventTypes/any(t: t eq 'interactiveUser' or t eq 'nonInteractiveUser')";
    let mut kept = ids(list(&served, &format!("{all} and userPrincipalName eq '{}'", RAE.0)));
    let exported = lines(&served.exported()).into_iter().map(|line| line["properties"].clone());
    let exported = ids(exported.filter(|record| record["userPrincipalName"] == json!(RAE.0)).collect());
    assert_eq!(kept, exported);
    kept.dedup();
    assert_eq!(kept.len(), 1 + 16 * 5);
}
