//! The sign-in records of the shared data sets, replayed over tenants that have the people and policies they name:
//! one as Graph writes it, one as a diagnostic setting does.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use breakglass_testkit::shared_data;
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_breakglass");

/// A folder of this test's own.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("recorded-sign-ins").join(name);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// A policy about everybody and everything, with a condition on the risk of the sign-in if one is given.
fn policy(id: &str, state: &str, risk: Option<&str>, control: &str) -> Value {
    json!({
        "id": id, "displayName": format!("Policy {id}"), "state": state,
        "conditions": {
            "users": { "includeUsers": ["All"] },
            "applications": { "includeApplications": ["All"] },
            "clientAppTypes": ["all"],
            "signInRiskLevels": risk.map_or_else(Vec::new, |risk| vec![risk]),
        },
        "grantControls": { "operator": "OR", "builtInControls": [control] },
    })
}

fn tenant(folder: &Path, user: &str, policies: &[Value]) -> PathBuf {
    let tenant = json!({
        "format": "breakglass-snapshot/1", "tenantId": "11111111-2222-3333-4444-555555555555",
        "takenAt": "2026-03-01T00:00:00Z", "source": "file",
        "users": [{
            "id": user, "userPrincipalName": "somebody@contoso.com", "accountEnabled": true, "userType": "Member",
        }],
        "groups": [], "roleDefinitions": [], "roleAssignmentScheduleInstances": [],
        "roleAssignments": [{
            "principalId": user, "roleDefinitionId": "62e90394-69f5-4237-9190-012177145e10", "directoryScopeId": "/",
        }],
        "namedLocations": [], "authenticationStrengthPolicies": [], "servicePrincipals": [],
        "conditionalAccessPolicies": policies,
    });
    let path = folder.join("tenant.json");
    fs::write(&path, tenant.to_string()).unwrap();
    path
}

/// The document of a command over one log, and its exit code.
fn replayed(command: &[&str], tenant: &Path, log: &Path) -> (Value, Option<i32>) {
    let mut process = Command::new(BINARY);
    process.args(command).arg("--snapshot").arg(tenant).arg("--replay").arg(log).args(["--format", "json"]);
    let output = process.output().unwrap();
    let document = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)));
    (document, output.status.code())
}

/// The folder of the data sets; `None`, said, where they are not beside the workspace.
fn data() -> Option<PathBuf> {
    let data = shared_data().map(|shared| shared.join("data/conditional-access"));
    if data.is_none() {
        println!("skipped: the sign-in records are not in a folder beside the workspace");
    }
    data
}

#[test]
fn a_record_of_the_documentation_of_graph() {
    let Some(data) = data() else { return };
    let folder = folder("graph");
    let log = data.join("microsoft-graph-docs-examples/signIns.json");
    let ids = ["de7e60eb-ed89-4d73-8205-2227def6b7c9", "6701123a-b4c6-48af-8565-565c8bf7cabc"];
    let user = "26be570a-ae82-4189-b4e2-a37c6808512d";
    let judged = |state: &str| {
        let policies = [policy(ids[0], "disabled", None, "mfa"), policy(ids[1], state, Some("medium"), "block")];
        let (report, code) = replayed(&["what-if"], &tenant(&folder, user, &policies), &log);
        (report["results"]["agree"].clone(), report["results"]["disagree"].clone(), code)
    };
    // The record says of both that they were not enabled.
    assert_eq!(judged("disabled"), (json!(2), json!(0), Some(0)));
    assert_eq!(judged("enabled"), (json!(1), json!(1), Some(1)));
}

#[test]
fn a_record_of_a_diagnostic_setting() {
    let Some(data) = data() else { return };
    let folder = folder("diagnostic");
    let shape = fs::read_to_string(data.join("diagnostic-settings-shape/shape.json")).unwrap();
    let shape: Value = serde_json::from_str(&shape).unwrap();
    let log = folder.join("log.ndjson");
    fs::write(&log, format!("{}\n", shape["example"])).unwrap();
    let user = "2ce85a15-0000-465d-b916-d2eac620a717";
    let id = "c98e6c3d-0000-42ea-a927-773b6f12a0c2";
    let blocking = tenant(&folder, user, &[policy(id, "enabled", None, "block")]);
    let (report, code) = replayed(&["what-if"], &blocking, &log);
    assert_eq!((&report["results"]["agree"], code), (&json!(1), Some(0)), "{report:#}");
    // Without the policy that blocked it.
    let (report, _) = replayed(&["guard", "--remove-policy", id], &blocking, &log);
    let effects = &report["replay"]["effects"];
    assert_eq!(effects["relieved"], json!(1), "{effects:#}");
}
