use breakglass_engine::access::{Access, AccessSettings};
use breakglass_engine::replay::forecast::{Forecast, ForecastScratch, ForecastTally};
use breakglass_model::sign_in_record::SignInRecord;
use breakglass_model::snapshot::read::{Origin, read_document};
use breakglass_model::snapshot::{Snapshot, SnapshotBuilder};
use serde_json::{Value, json};

use super::*;
use crate::commands::logs::ReadLogs;

fn snapshot(state: &str, control: &str) -> Snapshot {
    let users: Vec<Value> = (1..=14)
        .map(|number| {
            json!({ "id": format!("u{number}"), "userPrincipalName": format!("p{number}@contoso.com"), "userType": "Member" })
        })
        .collect();
    let roles: Vec<Value> = [1, 2]
        .iter()
        .map(|number| {
            json!({ "id": format!("r{number}"), "principalId": format!("u{number}"),
            "roleDefinitionId": "62e90394-69f5-4237-9190-012177145e10", "directoryScopeId": "/" })
        })
        .collect();
    let tenant = json!({
        "format": "breakglass-snapshot/1", "tenantId": "t", "users": users, "groups": [], "namedLocations": [],
        "servicePrincipals": [],
        "roleAssignments": roles,
        "conditionalAccessPolicies": [{
            "id": "p", "displayName": "New <policy>", "state": state,
            "conditions": { "users": { "includeUsers": ["All"] }, "applications": { "includeApplications": ["All"] },
                "clientAppTypes": ["browser"] },
            "grantControls": { "operator": "OR", "builtInControls": [control] },
        }],
    });
    let mut builder = SnapshotBuilder::default();
    let text = tenant.to_string();
    read_document(&mut builder, text.as_bytes(), &Origin { file_name: "snapshot.json", folders: &[] }).unwrap();
    builder.finish()
}

fn record(number: usize, client: &str) -> Value {
    json!({
        "userId": format!("u{}", number % 14 + 1), "userPrincipalName": format!("p{}@contoso.com", number % 14 + 1),
        "createdDateTime": format!("2026-{:02}-{:02}T08:00:00Z", 5 + number % 2, 1 + number % 29),
        "appId": "app", "appDisplayName": "Mail | calendar", "resourceId": "res",
        "conditionalAccessAudiences": ["res"], "clientAppUsed": client, "originalTransferMethod": "none",
        "ipAddress": "192.0.2.1", "location": { "countryOrRegion": "DE" }, "status": { "errorCode": 0 },
        "deviceDetail": { "deviceId": "", "operatingSystem": "Windows 11" },
        "authenticationRequirement": "singleFactorAuthentication",
        "authenticationDetails": [{ "authenticationMethod": "Password", "succeeded": true }],
        "appliedConditionalAccessPolicies": [{ "id": "p", "result": "reportOnlyFailure" }],
    })
}

fn shown(control: &str, records: &[Value], show: impl Fn(&Forecasted<'_>) -> String) -> String {
    let (before, after) = (snapshot("enabledForReportingButNotEnforced", control), snapshot("enabled", control));
    let settings = AccessSettings::at("2026-06-01T00:00:00Z".parse().unwrap());
    let (before, after) = (Access::compile(&before, &settings).unwrap(), Access::compile(&after, &settings).unwrap());
    let forecast = Forecast::of(&before, &after);
    let (mut scratch, mut sum) = (ForecastScratch::default(), ForecastTally::default());
    for (number, record) in (0..).zip(records) {
        let text = record.to_string();
        forecast.judge(&SignInRecord::from_json(text.as_bytes()).unwrap(), number, (&mut scratch, &mut sum));
    }
    show(&Forecasted { forecast, read: ReadLogs { sum, malformed: 0 } })
}

fn blocked() -> Vec<Value> {
    let browsers = (0..312).map(|number| record(number, "Browser"));
    let others = (0..10).map(|number| record(number, "Mobile Apps and Desktop clients"));
    browsers.chain(others).chain([record(3, "A toaster")]).collect()
}

#[test]
fn the_sentence_says_how_many_of_whom() {
    assert_eq!(
        shown("block", &blocked(), sentence),
        "In these 59 days with 323 records it would have blocked 312 sign-ins of 14 people, two of them administrators; \
         of 1 sign-in it cannot be told."
    );
    let asked: Vec<Value> = (0..4_105).map(|number| record(number, "Browser")).collect();
    assert_eq!(
        shown("mfa", &asked, sentence),
        "In these 59 days with 4,105 records it would have asked 4,105 times for MFA in 4,105 sign-ins of 14 people, two \
         of them administrators."
    );
    let unmet = [record(0, "Browser")];
    assert_eq!(
        shown("compliantDevice", &unmet, sentence),
        "On this one day with 1 record it would have demanded what the device or client cannot give in 1 sign-in of one \
         person, an administrator."
    );
    let none = [record(0, "Other clients")];
    assert_eq!(
        shown("block", &none, sentence),
        "On this one day with 1 record it would have changed nothing that can be told."
    );
    assert_eq!(shown("block", &[], sentence), "In these 0 records it would have changed nothing that can be told.");
}

#[test]
fn the_page_has_lists_examples_and_what_is_not_known() {
    let page = shown("block", &blocked(), |forecasted| text(forecasted, 100));
    for part in [
        "`New <policy>` was report-only in the log: in 312 of 323 sign-ins Microsoft made of it what is forecast here, in \
         10 not, and 1 cannot be told",
        "23             0         0         0  p1@contoso.com (administrator)",
        "and 4 more",
        "312             0         0         0  Mail | calendar",
        "- blocked: `p1@contoso.com` to `Mail | calendar` from `DE` with `Browser` at 2026-05-01T08:00:00Z",
        "- 1 sign-in: the record does not say the kind of client application (`clientAppUsed`)",
    ] {
        let flat = page.split_whitespace().collect::<Vec<_>>().join(" ");
        let part = part.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(&part), "{part}\n{page}");
    }
}

#[test]
fn markdown_holds_names_as_code() {
    let page = shown("block", &blocked(), markdown);
    for part in [
        "| `p1@contoso.com` (administrator) | 23 | 0 | 0 | 0 |",
        "| and 4 more | | | | |",
        "<code>Mail &#124; calendar</code>",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    assert!(!page.contains("New <policy> "), "{page}");
}

#[test]
fn json_has_everything() {
    let document: Value = shown("block", &blocked(), |forecasted| value(forecasted).to_string()).parse().unwrap();
    assert_eq!(document["effects"]["blocked"], 312);
    assert_eq!(document["effects"]["unchanged"], 10);
    assert_eq!(document["effects"]["unknown"], 1);
    assert_eq!(document["persons"]["top"].as_array().unwrap().len(), TOP_COUNT);
    assert_eq!(document["persons"]["more"], 14 - TOP_COUNT as u64);
    assert_eq!(document["persons"]["top"][0]["isAdministrator"], true);
    assert_eq!(document["applications"]["top"][0]["name"], "Mail | calendar");
    assert_eq!(document["reportOnly"][0]["disagree"], 10);
    assert_eq!(document["examples"].as_array().unwrap().len(), 3);
    assert_eq!(document["records"], 323);
}
