use std::collections::{BTreeMap, BTreeSet};

use breakglass_engine::lockout::custody::{Custody, Depository, Envelope, Holds, Share};
use breakglass_engine::posture::Profile;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Verdict::{Bad, Good, Look, Unknown};
use super::*;
use crate::ports::{DirectoryError, Refusal, SignedIn, SignedInAs};
use crate::reading::{RELATED, SOURCES};
use crate::setup::WRITING_PERMISSIONS;

const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";
const GLOBAL_READER: &str = "f2ef992c-3afb-46b9-b7cf-a126ee74c451";

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

fn refused() -> DirectoryError {
    let (code, message) = ("Authorization_RequestDenied".to_owned(), "Insufficient privileges.".to_owned());
    DirectoryError::Refused(Refusal { status: 403, code, message, request_id: None })
}

fn person(permissions: &[&str], roles: &[&str]) -> SignedIn {
    let texts = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
    SignedIn {
        who: SignedInAs::User { id: "anna".to_owned(), user_principal_name: "anna@contoso.com".to_owned() },
        tenant_id: "t".to_owned(),
        app_id: "a".to_owned(),
        permissions: texts(permissions),
        role_template_ids: texts(roles),
    }
}

fn application(permissions: &[&str]) -> SignedIn {
    SignedIn { who: SignedInAs::Application { app_id: "a".to_owned() }, ..person(permissions, &[]) }
}

fn consent(found: &SignedIn) -> Consent<'_> {
    Consent {
        login: "https://login",
        graph: "https://graph",
        tenant: &found.tenant_id,
        app_id: &found.app_id,
        is_for_people: matches!(found.who, SignedInAs::User { .. }),
    }
}

fn all_reading() -> Vec<&'static str> {
    let lists = SOURCES.iter().flat_map(|source| source.permissions);
    let related = RELATED.iter().flat_map(|(_, _, permissions)| *permissions);
    lists.chain(related).copied().collect::<BTreeSet<_>>().into_iter().collect()
}

fn of<'l>(lines: &'l [Line], topic: &str) -> Vec<&'l Line> {
    lines.iter().filter(|line| line.topic == topic).collect()
}

#[test]
fn a_clock_is_wrong_only_by_more_than_the_way_took() {
    for (before, after, tenant, ahead, verdict) in [
        (0, 0, 0, 0, Good),
        (0, 40, 20, 0, Good),
        (1, 1, 0, 0, Good),
        (0, 2, 12, -10, Good),
        (40, 41, 0, 39, Look),
        (0, 1, 31, -30, Look),
        (0, 1, 301, -300, Bad),
        (302, 303, 0, 301, Bad),
    ] {
        let clocks = Clocks { before: at(before), after: at(after), tenant: at(tenant) };
        assert_eq!(clocks.seconds_ahead(), ahead, "{clocks:?}");
        assert_eq!(clock(Some(clocks)).verdict, verdict, "{clocks:?}");
    }
    assert_eq!(clock(None).verdict, Unknown);
}

#[test]
fn a_licence_gives_what_its_enabled_plans_give() {
    let sku = |capability: &str, plan: &str, provisioning: &str| {
        json!({ "value": [{ "capabilityStatus": capability,
                 "servicePlans": [{ "servicePlanName": plan, "provisioningStatus": provisioning }] }] })
    };
    for (answer, verdict, says) in [
        (Ok(sku("Enabled", "AAD_PREMIUM_P2", "Success")), Good, "P2"),
        (Ok(sku("Warning", "AAD_PREMIUM", "Success")), Good, "P1"),
        (Ok(sku("Suspended", "AAD_PREMIUM_P2", "Success")), Look, "Free"),
        (Ok(sku("Enabled", "AAD_PREMIUM_P2", "Disabled")), Look, "Free"),
        (Ok(json!({ "value": [] })), Look, "Free"),
        (Ok(json!({})), Unknown, "no list"),
        (Err(refused()), Unknown, "403"),
    ] {
        let line = licence(&answer);
        assert_eq!(line.verdict, verdict, "{line:?}");
        assert!(line.what.contains(says), "{line:?}");
    }
}

#[test]
fn security_defaults_that_are_on_are_bad() {
    for (answer, verdict) in [
        (Ok(json!({ "isEnabled": true })), Bad),
        (Ok(json!({ "isEnabled": false })), Good),
        (Ok(json!({})), Unknown),
        (Err(refused()), Unknown),
    ] {
        assert_eq!(security_defaults(&answer, Profile::Current).verdict, verdict, "{answer:?}");
    }
}

#[test]
fn the_log_is_as_late_as_its_newest_record_at_most() {
    let record = |second: i64, user: &str| {
        Ok(json!({ "value": [{ "createdDateTime": at(second).to_string(), "userId": user }] }))
    };
    let anna = person(&[], &[]);
    for (newest, who, verdict, says) in [
        (record(5, "anna"), &anna, Good, "it is this very sign-in"),
        (record(-60, "anna"), &anna, Good, "this sign-in is not the newest"),
        (record(-7_200, "bob"), &anna, Look, "2 hours old"),
        (record(5, "bob"), &application(&[]), Good, "an application's own sign-in"),
        (Ok(json!({ "value": [] })), &anna, Unknown, "no record"),
        (Err(refused()), &anna, Unknown, "403"),
    ] {
        let seen = LogsSeen { began_at: at(0), asked_at: at(10), newest };
        let line = logs(&seen, who);
        assert_eq!(line.verdict, verdict, "{line:?}");
        assert!(line.what.contains(says), "{line:?}");
    }
}

#[test]
fn an_application_that_writes_what_counts_is_bad() {
    for (permissions, verdict) in [
        (&["Policy.Read.All"][..], Good),
        (&["Policy.Read.All", "Sites.ReadWrite.All"], Look),
        (&["Policy.ReadWrite.ConditionalAccess"], Bad),
        (&["RoleManagement.ReadWrite.Directory"], Bad),
        (&["User-PasswordProfile.ReadWrite.All"], Bad),
        (&["AppRoleAssignment.ReadWrite.All"], Bad),
    ] {
        let lines = signed_in(&application(permissions), None);
        assert_eq!(lines.iter().map(|line| line.verdict).collect::<Vec<_>>(), [verdict], "{permissions:?}");
    }
}

#[test]
fn a_person_has_roles_and_a_way_to_sign_in() {
    let azure_cli = SignedIn { app_id: AZURE_CLI.to_owned(), ..person(&[], &[GLOBAL_ADMINISTRATOR]) };
    for (found, verdicts) in [
        (person(&[], &[GLOBAL_ADMINISTRATOR]), vec![Good, Good]),
        (person(&[], &[GLOBAL_READER]), vec![Good, Look]),
        (person(&[], &[]), vec![Good, Look]),
        (azure_cli, vec![Good, Good, Look]),
    ] {
        let lines = signed_in(&found, None);
        assert_eq!(lines.iter().map(|line| line.verdict).collect::<Vec<_>>(), verdicts, "{lines:?}");
    }
}

#[test]
fn with_every_permission_nothing_is_to_consent_to() {
    let mut all = all_reading();
    all.extend(WRITING_PERMISSIONS);
    let found = person(&all, &[]);
    let lines = permissions(&found, consent(&found));
    assert!(lines.iter().all(|line| line.verdict == Good), "{lines:?}");
    assert_eq!((of(&lines, "reading").len(), of(&lines, "writing").len()), (1, 1));
    let reader = application(&all_reading());
    let lines = permissions(&reader, consent(&reader));
    assert_eq!(lines.len(), 1, "an application is not asked to write: {lines:?}");
}

#[test]
fn each_missing_permission_says_what_suffers() {
    let all = all_reading();
    for gone in &all {
        // What is for all of the directory, or of its groups, stands in for others.
        let held: Vec<&str> = all.iter().copied().filter(|name| name != gone && !stands_in(name, gone)).collect();
        let found = application(&held);
        let lines = permissions(&found, consent(&found));
        let line = lines.iter().find(|line| line.what.starts_with(&format!("`{gone}`")));
        let line = line.unwrap_or_else(|| panic!("{gone}: {lines:?}"));
        let sources = SOURCES.iter().filter(|source| source.permissions.contains(gone));
        let related = RELATED.iter().filter(|(_, _, permissions)| permissions.contains(gone));
        let names = sources.map(|source| source.resource.name()).chain(related.map(|(what, _, _)| *what));
        for name in names {
            assert!(line.so_what.contains(name), "{gone} {name}: {line:?}");
        }
        assert_eq!(of(&lines, "consent").len(), 1);
    }
}

fn stands_in(held: &str, gone: &str) -> bool {
    let others: &[&str] = match held {
        "Directory.Read.All" => return true,
        "RoleManagement.Read.Directory" => return gone.starts_with("Role"),
        "Group.Read.All" => &["GroupMember.Read.All"],
        _ => &[],
    };
    others.contains(&gone)
}

#[test]
fn a_wider_permission_gives_a_narrower_one() {
    let is_missing = |held: &str, wanted: &str| {
        let found = application(&[held]);
        let lines = permissions(&found, consent(&found));
        lines.iter().any(|line| line.what.starts_with(&format!("`{wanted}`")))
    };
    for (held, wanted, is_given) in [
        ("Directory.Read.All", "User.Read.All", true),
        ("Directory.Read.All", "Policy.Read.All", false),
        ("Directory.ReadWrite.All", "Group.Read.All", true),
        ("RoleManagement.ReadWrite.Directory", "RoleManagementPolicy.Read.Directory", true),
        ("RoleManagementPolicy.Read.Directory", "RoleManagement.Read.Directory", false),
        ("User.ReadWrite.All", "User.Read.All", true),
        ("GroupMember.Read.All", "Group.Read.All", false),
        ("Policy.ReadWrite.ConditionalAccess", "Policy.Read.All", false),
    ] {
        assert_eq!(!is_missing(held, wanted), is_given, "{held} {wanted}");
    }
}

#[test]
fn consent_is_a_link_for_the_application_and_the_tenant() {
    let link = |found: &SignedIn| {
        let lines = permissions(found, consent(found));
        of(&lines, "consent").first().and_then(|line| line.do_this.clone()).unwrap()
    };
    let of_person = link(&person(&[], &[]));
    assert!(of_person.contains("https://login/t/v2.0/adminconsent?client_id=a&"), "{of_person}");
    assert!(of_person.contains("https://graph/Policy.Read.All"), "{of_person}");
    assert!(!of_person.contains("ReadWrite"), "what is written with is not missing: {of_person}");
    assert!(link(&application(&[])).ends_with("https://login/t/adminconsent?client_id=a"));
    let azure_cli = SignedIn { app_id: AZURE_CLI.to_owned(), ..person(&[], &[]) };
    assert!(link(&azure_cli).contains("sign_in"));
    assert!(unconsented("AADSTS65001: nobody has consented", consent(&azure_cli)).is_some());
    assert!(unconsented("AADSTS50126: the password", consent(&azure_cli)).is_none());
}

#[test]
fn a_sign_in_for_reading_lacks_nothing() {
    let reader = person(&all_reading(), &[]);
    let lines = permissions(&reader, consent(&reader));
    let writing = of(&lines, "writing");
    let [line] = writing.as_slice() else { panic!("{lines:?}") };
    assert_eq!((line.verdict, of(&lines, "consent").len()), (Good, 0), "{lines:?}");
    assert!(line.what.contains("is for reading") && line.so_what.contains("nothing but `apply`"), "{line:?}");
    let link = line.do_this.as_deref().unwrap();
    assert!(link.contains("https://graph/Policy.ReadWrite.ConditionalAccess"), "{link}");
}

#[test]
fn an_application_is_called_by_its_name() {
    let what = |found: &SignedIn, told: Option<&str>| signed_in(found, told).first().unwrap().what.clone();
    let azure_cli = SignedIn { app_id: AZURE_CLI.to_owned(), ..person(&[], &[]) };
    assert!(
        what(&azure_cli, None).ends_with("by the application `Azure CLI` (`04b07795-8ddb-461a-bbee-02f9e1bf7b46`)")
    );
    assert!(what(&person(&[], &[]), Some("Payroll")).ends_with("`Payroll` (`a`)"));
    assert!(what(&application(&[]), None).starts_with("the application `a` is signed in"));
}

#[test]
fn a_role_that_ends_is_bad() {
    let role = |more: Value| {
        let mut one = json!({ "roleDefinitionId": GLOBAL_ADMINISTRATOR, "directoryScopeId": "/" });
        one.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Ok(json!({ "value": [one] }))
    };
    let end = "2027-01-01T00:00:00Z";
    for (roles, verdict, says) in [
        (
            role(json!({ "assignmentType": "Assigned", "memberType": "Direct", "endDateTime": null })),
            Good,
            "without an end",
        ),
        (role(json!({})), Good, "without an end"),
        (role(json!({ "assignmentType": "Assigned", "memberType": "Direct", "endDateTime": end })), Bad, end),
        (role(json!({ "assignmentType": "Activated", "endDateTime": end })), Bad, "activated"),
        (role(json!({ "memberType": "Group" })), Look, "through a group"),
        (role(json!({ "directoryScopeId": "/administrativeUnits/1" })), Bad, "is not Global Administrator"),
        (Ok(json!({ "value": [] })), Bad, "is not Global Administrator"),
        (Ok(json!({})), Unknown, "cannot be told"),
        (Err(refused()), Unknown, "cannot be told"),
    ] {
        let there = Ok(Some(json!({ "id": "1" })));
        let line = super::role(&AccountSeen { roles, ..seen(there, Ok(Value::Null)) }).unwrap();
        assert_eq!(line.verdict, verdict, "{line:?}");
        assert!(line.what.contains(says), "{line:?}");
    }
    assert_eq!(super::role(&seen(Ok(None), Ok(Value::Null))), None, "nobody is there to have a role");
}

#[test]
fn the_classic_profile_is_not_told_to_get_keys() {
    let there = || Ok(Some(json!({ "id": "1", "accountEnabled": true })));
    let methods = |kind: &str| {
        Ok(json!({ "value": [{ "@odata.type": format!("#microsoft.graph.{kind}AuthenticationMethod") }] }))
    };
    for (kind, demands) in [("password", true), ("password", false), ("softwareOath", true)] {
        let remedy = |profile| account(&seen(there(), methods(kind)), profile, demands).do_this.unwrap();
        assert!(!remedy(Profile::Classic).contains("passkey"), "{kind}");
        assert!(remedy(Profile::Current).contains("passkey"), "{kind}");
    }
    let on = Ok(json!({ "isEnabled": true }));
    assert!(!security_defaults(&on, Profile::Classic).do_this.unwrap().contains("passkey"));
}

fn seen(user: Result<Option<Value>, DirectoryError>, methods: Result<Value, DirectoryError>) -> AccountSeen {
    AccountSeen { name: "e1".to_owned(), user, methods, roles: Ok(Value::Null) }
}

#[test]
fn an_account_gets_in_by_what_it_has() {
    let there = || Ok(Some(json!({ "id": "1", "accountEnabled": true })));
    let methods = |kinds: &[&str]| {
        let of = |kind: &&str| json!({ "@odata.type": format!("#microsoft.graph.{kind}AuthenticationMethod") });
        Ok(json!({ "value": kinds.iter().map(of).collect::<Vec<_>>() }))
    };
    let password = || seen(there(), methods(&["password"]));
    for (account_seen, profile, demands, verdict, says) in [
        (seen(there(), methods(&["password", "fido2"])), Profile::Current, true, Good, "every door"),
        (seen(there(), methods(&["password", "softwareOath"])), Profile::Current, true, Look, "Graph open"),
        (password(), Profile::Current, true, Bad, "Microsoft Graph opens"),
        (password(), Profile::Classic, true, Look, "Closed, whatever policies exclude: Azure portal"),
        (password(), Profile::Classic, false, Look, "every door"),
        (seen(there(), methods(&["email"])), Profile::Current, true, Bad, "Microsoft Graph opens"),
        (seen(Ok(None), Ok(Value::Null)), Profile::Current, true, Look, "nobody"),
        (
            seen(Ok(Some(json!({ "accountEnabled": false }))), methods(&["fido2"])),
            Profile::Current,
            true,
            Bad,
            "nobody",
        ),
        (seen(Err(refused()), Err(refused())), Profile::Current, true, Unknown, "cannot be told"),
        (seen(there(), Err(refused())), Profile::Current, true, Unknown, "cannot be told"),
        (seen(there(), Ok(json!({}))), Profile::Current, true, Unknown, "cannot be told"),
    ] {
        let line = account(&account_seen, profile, demands);
        assert_eq!(line.verdict, verdict, "{line:?}");
        assert!(line.so_what.contains(says), "{line:?}");
    }
}

#[test]
fn what_is_kept_behind_the_tenant_must_not_be_needed() {
    let share = |custodian: Option<&str>, depository: Option<&str>| Share {
        custodian: custodian.map(str::to_owned),
        safe: None,
        depository: depository.map(str::to_owned),
    };
    let custody = |signs_in: &[&str], threshold| Custody {
        depositories: BTreeMap::from([(
            "vault".to_owned(),
            Depository {
                name: "Vault".to_owned(),
                signs_in: signs_in.iter().map(|user| (*user).to_owned()).collect(),
                ..Depository::default()
            },
        )]),
        envelopes: vec![Envelope {
            account: "e1".to_owned(),
            holds: Holds::Password,
            threshold,
            shares: vec![share(Some("eva"), None), share(None, Some("vault"))],
        }],
        ..Custody::default()
    };
    let users = |found: Result<bool, DirectoryError>| BTreeMap::from([("eva".to_owned(), found)]);
    for (custody, users, verdict) in [
        (Custody::default(), BTreeMap::new(), Look),
        (custody(&[], 2), BTreeMap::new(), Good),
        (custody(&["eva"], 2), users(Ok(true)), Bad),
        (custody(&["eva"], 1), users(Ok(true)), Look),
        (custody(&["eva"], 2), users(Ok(false)), Look),
        (custody(&["eva"], 2), users(Err(refused())), Unknown),
        (custody(&["eva"], 2), BTreeMap::new(), Unknown),
    ] {
        let lines = depositories(&custody, &users);
        assert_eq!(lines.iter().map(|line| line.verdict).collect::<Vec<_>>(), [verdict], "{lines:?}");
    }
}
