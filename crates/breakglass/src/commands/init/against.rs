//! What speaks against an account as an emergency access account, as far as a snapshot knows.
//!
//! **Invariant:** nothing here keeps anybody from taking an account over; whoever does so is told.

use breakglass_engine::access::{Access, AccessSettings};
use breakglass_engine::posture::accounts::{Accounts, Declared};
use breakglass_engine::posture::{Case, ObjectKind, PostureSettings, Status, judge};
use breakglass_model::property::Property;
use breakglass_model::snapshot::Snapshot;
use breakglass_model::user::User;
use jiff::Timestamp;

use super::given::generic;
use crate::render::counted;
use crate::subject::SubjectError;

/// Rules whose findings say that an account is somebody's, or something's, and not for emergencies.
const RULES: [&str; 6] = ["BG0201", "BG0202", "BG0203", "BG0205", "BG0206", "BG0304"];

/// A sign-in within so many days may be one of everyday work.
const SIGN_IN_DAYS_RECENT: i64 = 30;

/// How names of service accounts begin.
const SERVICE_NAMES: [&str; 6] = ["svc", "service", "srv", "sync_", "adsync", "aadconnect"];

/// What speaks against each account, in their order, a sentence each.
///
/// # Errors
/// The policies cannot be compiled.
pub(super) fn against(
    snapshot: &Snapshot,
    accounts: &[&str],
    now: Timestamp,
) -> Result<Vec<Vec<String>>, SubjectError> {
    let access = Access::compile(snapshot, &AccessSettings::at(now))?;
    let declared: Vec<Declared> =
        accounts.iter().map(|name| Declared { name: (*name).to_owned(), origin: "--account".to_owned() }).collect();
    let report = judge(&Case {
        snapshot,
        access: &access,
        accounts: &Accounts::resolve(snapshot, &declared),
        settings: &PostureSettings::default(),
        now,
    });
    let of_rules = || report.findings.iter().filter(|finding| RULES.contains(&finding.rule));
    let of_account = |name: &&str| {
        let Some(user) = snapshot.find_user(name) else { return Vec::new() };
        let id = snapshot.objects.id(user.key);
        let is_about = |one: &&breakglass_engine::posture::Finding| {
            one.objects.iter().any(|object| object.kind == ObjectKind::User && object.id == id)
        };
        let mut found = own_words(user, now);
        // What BG0205 says of methods BG0304 says as well, and more of it.
        let failed = of_rules().filter(is_about).filter(|one| one.status == Status::Fail);
        found.extend(failed.filter(|one| !one.message.contains("BG0304")).map(|one| one.message.clone()));
        let unknown = of_rules().filter(is_about).filter(|one| one.status == Status::Unknown);
        let mut unknown: Vec<&str> = unknown.map(|one| one.rule).collect();
        unknown.dedup();
        if !unknown.is_empty() {
            found.push(format!(
                "Whether more speaks against it cannot be told: {} lack data, and `check --live` says which.",
                unknown.join(", ")
            ));
        }
        found
    };
    Ok(accounts.iter().map(of_account).collect())
}

/// What no rule looks at, since a drill or an unusual name breaks none.
fn own_words(user: &User, now: Timestamp) -> Vec<String> {
    let name = user.name();
    let detail = user.detail();
    let mut found = Vec::new();
    match &detail.sign_in_activity {
        Property::Value(activity) => {
            let times = [
                &activity.last_successful_sign_in_date_time,
                &activity.last_sign_in_date_time,
                &activity.last_non_interactive_sign_in_date_time,
            ];
            let times = times.into_iter().flatten().filter_map(|at| at.parse::<Timestamp>().ok());
            let days = times.max().map(|last| now.duration_since(last).as_hours() / 24);
            if let Some(days @ ..=SIGN_IN_DAYS_RECENT) = days {
                let when = match days {
                    ..=0 => "today (perhaps for this reading)".to_owned(),
                    days => format!("{} ago", counted(usize::try_from(days).unwrap_or_default(), "day")),
                };
                found.push(format!(
                    "`{name}` signed in {when}. If that was no drill, it is somebody's everyday account, or a program's."
                ));
            }
        }
        Property::Absent => found.push(format!("When `{name}` signed in last was not read.")),
        Property::Null => {}
    }
    let local = name.to_lowercase();
    if SERVICE_NAMES.iter().any(|start| local.starts_with(start)) {
        found.push(format!(
            "`{name}` is called as a service account is. What signs in with it stops when it is changed."
        ));
    } else if let Some(generic) = generic(name).filter(|generic| !local.starts_with(&format!("{generic}@"))) {
        found.push(format!("`{name}` has a generic name, `{generic}` with a number, which attackers try first."));
    }
    if let Property::Value(licences) = &detail.assigned_licenses
        && !licences.is_empty()
    {
        let licences = counted(licences.len(), "licence");
        found.push(format!("`{name}` has {licences}, as somebody's everyday account has."));
    }
    found
}

#[cfg(test)]
mod tests {
    use breakglass_model::snapshot::SnapshotBuilder;
    use breakglass_model::snapshot::read::{Origin, read_document};
    use serde_json::json;

    use super::*;

    fn said(user: serde_json::Value) -> String {
        let document = json!({ "format": "breakglass-snapshot/1", "tenantId": "t", "users": [user], "groups": [],
                               "conditionalAccessPolicies": [], "roleAssignments": [], "roleDefinitions": [] });
        let mut builder = SnapshotBuilder::default();
        let text = document.to_string();
        read_document(&mut builder, text.as_bytes(), &Origin { file_name: "tenant.json", folders: &[] }).unwrap();
        let now = "2026-11-27T08:00:00Z".parse().unwrap();
        against(&builder.finish(), &["u1"], now).unwrap().concat().join("\n")
    }

    #[test]
    fn an_everyday_account_is_not_taken_over_without_a_word() {
        let everyday = said(json!({ "id": "u1", "userPrincipalName": "anna@contoso.com", "accountEnabled": true,
            "userType": "Guest", "assignedLicenses": [{ "skuId": "e5" }],
            "assignedPlans": [{ "service": "exchange", "capabilityStatus": "Enabled" }],
            "signInActivity": { "lastSuccessfulSignInDateTime": "2026-11-24T08:00:00Z" }, "mobilePhone": "+1 5",
            "authenticationMethods": [{ "@odata.type": "#microsoft.graph.phoneAuthenticationMethod" }] }));
        for part in ["signed in 3 days ago", "1 licence,", "mailbox", "mobilePhone", "one person", "guest"] {
            assert!(everyday.contains(part), "{part}: {everyday}");
        }
        let service = said(json!({ "id": "u1", "userPrincipalName": "svc-backup@contoso.com" }));
        assert!(service.contains("service account") && service.contains("was not read"), "{service}");
        let generic = said(json!({ "id": "u1", "userPrincipalName": "backup@contoso.com" }));
        assert!(generic.contains("generic name"), "{generic}");
    }

    #[test]
    fn nothing_speaks_against_an_account_that_lies_in_the_safe() {
        let quiet = said(json!({ "id": "u1", "userPrincipalName": "break-glass-1@contoso.onmicrosoft.com",
            "accountEnabled": true, "userType": "Member", "onPremisesSyncEnabled": null, "assignedLicenses": [],
            "assignedPlans": [], "signInActivity": { "lastSuccessfulSignInDateTime": "2026-09-01T08:00:00Z" },
            "authenticationMethods": [{ "@odata.type": "#microsoft.graph.passwordAuthenticationMethod" }] }));
        assert!(!quiet.contains("break-glass-1"), "{quiet}");
    }
}
