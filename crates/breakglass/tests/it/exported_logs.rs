//! Logs that an embedded tenant exports, read by `what-if --replay`: what it decided is decided again from its files.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use breakglass_tenant::call::{Body, Call};
use breakglass_tenant::clock::Clock;
use breakglass_tenant::tenant::{Addresses, Tenant};
use jiff::Timestamp;
use serde_json::{Value, json};

#[derive(Debug)]
struct Standing;

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        "2026-11-20T08:59:30Z".parse().unwrap()
    }
}

const OFFICE: &str = "203.0.113.7";
const ELSEWHERE: &str = "198.51.100.7";

fn seed() -> Value {
    let user = |id: &str| {
        json!({
            "id": id, "displayName": id, "accountEnabled": true, "userType": "Member",
            "userPrincipalName": format!("{id}@contoso.onmicrosoft.com"),
            "passwordProfile": { "password": "A-Password-0f-All" }, "authenticationMethods": [],
        })
    };
    let policy = |name: &str, state: &str, conditions: Value, control: &str| {
        let mut all = json!({
            "clientAppTypes": ["all"], "applications": { "includeApplications": ["All"] },
            "users": { "includeUsers": ["All"], "excludeUsers": ["emergency"] },
        });
        all.as_object_mut().unwrap().extend(conditions.as_object().unwrap().clone());
        json!({
            "id": name, "displayName": name, "state": state, "conditions": all,
            "grantControls": { "operator": "OR", "builtInControls": [control] },
        })
    };
    let users = ["emergency", "ada", "bob"].map(user);
    let ada = json!({ "users": { "includeUsers": ["ada"] } });
    let away = json!({ "locations": { "includeLocations": ["All"], "excludeLocations": ["office"] } });
    json!({
        "format": "breakglass-snapshot/1", "tenantId": "6c1b0e0e-54a2-4d39-9d0f-b4ea6f1a5502",
        "takenAt": "2026-11-20T08:00:00Z", "source": "embedded",
        "users": users, "groups": [], "roleAssignments": [],
        "namedLocations": [{
            "@odata.type": "#microsoft.graph.ipNamedLocation", "id": "office", "displayName": "Office", "isTrusted": true,
            "ipRanges": [{ "@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "203.0.113.0/24" }],
        }],
        "conditionalAccessPolicies": [
            policy("mfa", "enabled", ada, "mfa"),
            policy("office-only", "enabled", away.clone(), "block"),
            policy("office-only-later", "enabledForReportingButNotEnforced", away, "block"),
            policy("off", "disabled", json!({}), "block"),
        ],
    })
}

fn sign_in(tenant: &Tenant, name: &str, password: &str, place: &str) -> Value {
    let form = format!(
        "client_id=04b07795-8ddb-461a-bbee-02f9e1bf7b46&grant_type=password&scope=openid+offline_access+User.Read\
         &username={name}%40contoso.onmicrosoft.com&password={password}"
    );
    posted(tenant, &form, place)
}

fn posted(tenant: &Tenant, form: &str, place: &str) -> Value {
    let call = Call {
        method: "POST".to_owned(),
        path: "/organizations/oauth2/v2.0/token".to_owned(),
        query: String::new(),
        headers: vec![("user-agent".to_owned(), "python (Linux)".to_owned())],
        body: form.as_bytes().to_vec(),
        remote: place.parse::<IpAddr>().unwrap(),
    };
    match tenant.answer(&call).body {
        Body::Json(answer) => answer,
        other => panic!("{other:?}"),
    }
}

/// What `what-if` says of the logs in a folder.
fn replayed(snapshot: &Path, logs: &Path) -> (Option<i32>, Value) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_breakglass"));
    command.args(["what-if", "--format", "json", "--snapshot"]).arg(snapshot).arg("--replay").arg(logs);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let answer = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"));
    (output.status.code(), answer)
}

#[test]
fn what_a_tenant_exports_is_decided_again_in_the_same_way() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("exported-logs");
    drop(fs::remove_dir_all(&folder));
    fs::create_dir_all(&folder).unwrap();
    let (snapshot, logs) = (folder.join("seed.json"), folder.join("logs"));
    fs::write(&snapshot, seed().to_string()).unwrap();
    let addresses = Addresses { base: "https://127.0.0.1:1".to_owned(), manager: "https://127.0.0.1:2".to_owned() };
    let mut tenant = Tenant::open(&folder.join("box"), addresses, Arc::new(Standing)).unwrap();
    tenant.seed(seed().to_string().as_bytes()).unwrap();
    let tenant = tenant.with_export(&logs);
    let good = "A-Password-0f-All";
    let mut refresh = String::new();
    for (name, password, place, code) in [
        ("emergency", good, ELSEWHERE, 0),
        ("emergency", "wrong", ELSEWHERE, 50_126),
        ("ada", good, OFFICE, 50_076),
        ("ada", good, ELSEWHERE, 53_003),
        ("bob", good, ELSEWHERE, 53_003),
        ("bob", good, OFFICE, 0),
    ] {
        let answer = sign_in(&tenant, name, password, place);
        assert_eq!(answer["error_codes"][0].as_i64().unwrap_or(0), code, "{name} {place}: {answer}");
        refresh = answer["refresh_token"].as_str().unwrap_or_default().to_owned();
    }
    let form = format!(
        "client_id=04b07795-8ddb-461a-bbee-02f9e1bf7b46&grant_type=refresh_token&scope=User.Read&refresh_token={refresh}"
    );
    assert_eq!(posted(&tenant, &form, ELSEWHERE)["error_codes"], json!([53_003]));
    let (exit, answer) = replayed(&snapshot, &logs);
    assert_eq!(answer["disagree"], json!([]), "{answer:#}");
    assert_eq!((&answer["records"], &answer["agree"]), (&json!(7), &json!(6)), "{answer:#}");
    // The wrong password was never a matter of policies.
    let whys = answer["unknown"].as_array().unwrap().iter().map(|unknown| unknown["why"].as_str().unwrap());
    let expected = ["the sign-in ended before Conditional Access was asked"];
    assert_eq!((exit, whys.collect::<Vec<_>>()), (Some(0), expected.to_vec()), "{answer:#}");
}
