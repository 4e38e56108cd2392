//! The company's Conditional Access: a public baseline, and what the company did to it.
//!
//! - Its two offices are trusted locations, and are left out where the baseline asks for the country: an address has no
//!   country here, and whoever runs the tenant sits in Utrecht (addresses 127.0.0.0/8 and ::1 are of that office).
//! - Policies that ask for devices stay in report-only: the company has just begun to manage devices.
//!
//! **Source:** `demo/NOTICE` beside `src`.

use serde_json::{Value, json};

use super::accounts::{Accounts, helpdesk_group};
use super::people::Person;
use super::{MADE_AT, id};

const POLICIES: &str = include_str!("../../demo/policies.json");
const GROUPS: &str = include_str!("../../demo/groups.json");
const NAMED_LOCATIONS: &str = include_str!("../../demo/namedLocations.json");

/// Beginnings of the names of policies that are in report-only here.
const REPORT_ONLY: [&str; 3] = ["CA204-", "CA205-", "CA208-"];
/// Beginnings of the names of those that let the offices pass.
const BUT_OFFICES: [&str; 2] = ["CA001-", "CA301-"];

fn list(text: &str) -> Vec<Value> {
    serde_json::from_str(text).unwrap_or_default()
}

fn name(object: &Value) -> &str {
    object.get("displayName").and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn policies() -> Vec<Value> {
    let mut policies = list(POLICIES);
    for policy in &mut policies {
        let is_one_of = |names: &[&str]| names.iter().any(|start| name(policy).starts_with(start));
        let (is_report_only, leaves_out_offices) = (is_one_of(&REPORT_ONLY), is_one_of(&BUT_OFFICES));
        if is_report_only && let Some(state) = policy.get_mut("state") {
            *state = json!("enabledForReportingButNotEnforced");
        }
        if leaves_out_offices
            && let Some(excluded) =
                policy.pointer_mut("/conditions/locations/excludeLocations").and_then(Value::as_array_mut)
        {
            excluded.extend([json!(id("office", 1)), json!(id("office", 2))]);
        }
    }
    policies
}

pub(super) fn named_locations() -> Vec<Value> {
    let office = |number: usize, name: &str, ranges: &[&str]| {
        let range = |range: &&str| {
            let kind = if range.contains(':') { "iPv6CidrRange" } else { "iPv4CidrRange" };
            json!({ "@odata.type": format!("#microsoft.graph.{kind}"), "cidrAddress": range })
        };
        json!({
            "@odata.type": "#microsoft.graph.ipNamedLocation", "id": id("office", number), "displayName": name,
            "isTrusted": true, "ipRanges": ranges.iter().map(range).collect::<Vec<_>>(), "createdDateTime": MADE_AT,
            "modifiedDateTime": MADE_AT,
        })
    };
    let mut locations = list(NAMED_LOCATIONS);
    locations.push(office(1, "Office Utrecht", &["192.0.2.0/24", "127.0.0.0/8", "::1/128"]));
    locations.push(office(2, "Office Antwerp", &["198.51.100.0/24"]));
    locations
}

/// The groups of the baseline with the company's people in them, one group for each department, and the service desk.
pub(super) fn groups(people: &[Person], accounts: &Accounts) -> Vec<Value> {
    let everybody: Vec<String> = people.iter().map(|person| person.id.clone()).collect();
    let mut groups = list(GROUPS);
    for group in &mut groups {
        let members: &[String] = match name(group) {
            "APP_Microsoft365_E5" => &everybody,
            "CA-BreakGlassAccounts - Exclude" => &accounts.emergency,
            // A scanner has no second factor.
            "CA-ServiceAccounts" | "CA300-ServiceAccounts-IdentityProtection-AnyApp-AnyPlatform-MFA - Exclude" => {
                &accounts.services
            }
            _ => &[],
        };
        let members = references(members);
        if let Some(group) = group.as_object_mut() {
            group.insert("members".to_owned(), members);
        }
    }
    let mut departments: Vec<&str> = people.iter().map(|person| person.department).collect();
    departments.dedup();
    for (number, department) in departments.into_iter().enumerate() {
        let of_it = people.iter().filter(|person| person.department == department);
        let members: Vec<String> = of_it.map(|person| person.id.clone()).collect();
        let leader = members.first().cloned();
        let names = (format!("All {department}"), super::people::letters(department));
        groups.push(group(id("department", number), names, (&members, leader.as_slice())));
    }
    let names = ("Role - Helpdesk Administrators".to_owned(), "role-helpdesk".to_owned());
    let owner = accounts.administrators.first().cloned();
    let mut helpdesk = group(helpdesk_group(), names, (&accounts.helpdesk, owner.as_slice()));
    if let Some(helpdesk) = helpdesk.as_object_mut() {
        helpdesk.insert("isAssignableToRole".to_owned(), json!(true));
    }
    groups.push(helpdesk);
    groups
}

fn group(id: String, (name, nickname): (String, String), (members, owners): (&[String], &[String])) -> Value {
    json!({
        "id": id, "displayName": name, "mailNickname": nickname, "mailEnabled": false, "securityEnabled": true,
        "groupTypes": [], "isAssignableToRole": Value::Null, "createdDateTime": MADE_AT, "description": Value::Null,
        "membershipRule": Value::Null, "members": references(members), "owners": references(owners),
    })
}

fn references(ids: &[String]) -> Value {
    ids.iter().map(|id| json!({ "@odata.type": "#microsoft.graph.user", "id": id })).collect()
}
