//! The accounts that are nobody's desk: of administrators, for emergencies, of services, of guests; and the roles.
//!
//! Administrators have an account of their own for it, in the cloud, beside the one that they read mail with.

use serde_json::{Value, json};

use super::people::{Person, codes, letters, passkey, password};
use super::{
    ADMINISTRATORS_PASSWORD, EMPLOYEES_PASSWORD, FIRST_EMERGENCY_PASSWORD, INITIAL_DOMAIN, MADE_AT,
    SECOND_EMERGENCY_PASSWORD, id,
};
use crate::ids::roles::{HELPDESK_ADMINISTRATOR, USER_ADMINISTRATOR};

const GLOBAL_ADMINISTRATOR: &str = breakglass_model::well_known::GLOBAL_ADMINISTRATOR;

/// The role that each administrator holds all the time.
const ADMINISTRATORS: [(&str, &str); 12] = [
    ("Global Administrator", GLOBAL_ADMINISTRATOR),
    ("Global Administrator", GLOBAL_ADMINISTRATOR),
    ("Privileged Role Administrator", "e8611ab8-c189-46e8-94e1-60213ab1f814"),
    ("Privileged Authentication Administrator", "7be44c8a-adaf-4e2a-84d6-ab2649e08a13"),
    ("Conditional Access Administrator", "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9"),
    ("Security Administrator", "194ae4cb-b126-40b2-bd5b-6091b380977d"),
    ("Exchange Administrator", "29232cdf-9323-42fd-ade2-1d097af3e4de"),
    ("SharePoint Administrator", "f28a1f50-f6e7-4571-818b-6a12f2af6b6c"),
    ("Intune Administrator", "3a2c62db-5318-420d-8d74-23affee5d9d5"),
    ("User Administrator", USER_ADMINISTRATOR),
    ("Helpdesk Administrator", HELPDESK_ADMINISTRATOR),
    ("Helpdesk Administrator", HELPDESK_ADMINISTRATOR),
];
/// Which of them may become Global Administrator for a while.
const ELIGIBLE: [usize; 2] = [2, 3];

const SERVICES: [(&str, &str); 3] =
    [("svc-scan-to-mail", "Scan to mail"), ("svc-meeting-rooms", "Meeting rooms"), ("svc-door-access", "Door access")];

const GUESTS: [(&str, &str); 6] = [
    ("Megan Bowen", "fabrikam.com"),
    ("Alex Wilber", "fabrikam.com"),
    ("Isaiah Langer", "adatum.com"),
    ("Lidia Holloway", "adatum.com"),
    ("Nestor Wilke", "wingtiptoys.com"),
    ("Grady Archie", "northwindtraders.com"),
];

/// The accounts, and what they may.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    pub(super) users: Vec<Value>,
    pub(super) role_assignments: Vec<Value>,
    pub(super) eligibilities: Vec<Value>,
    /// Ids.
    pub(super) emergency: Vec<String>,
    pub(super) administrators: Vec<String>,
    pub(super) helpdesk: Vec<String>,
    pub(super) services: Vec<String>,
}

impl Accounts {
    /// Of a company of these people.
    pub(super) fn of(people: &[Person]) -> Self {
        let mut accounts = Self::default();
        accounts.add_emergency();
        accounts.add_administrators(people);
        accounts.add_services();
        accounts.add_guests();
        accounts
    }

    fn add_emergency(&mut self) {
        let first = vec![password(), codes(id("emergency codes", 1))];
        let second = vec![password(), passkey(id("emergency passkey", 2), "In the safe in Antwerp")];
        let all = [(1, FIRST_EMERGENCY_PASSWORD, first), (2, SECOND_EMERGENCY_PASSWORD, second)];
        for (number, secret, methods) in all {
            let name = format!("emergency-access-{number}");
            let user =
                account(&id("emergency", number), (&format!("Emergency access {number}"), &name), (secret, methods));
            self.assign(&user, GLOBAL_ADMINISTRATOR);
            self.emergency.push(id("emergency", number));
            self.users.push(user);
        }
    }

    fn add_administrators(&mut self, people: &[Person]) {
        let staff = people.iter().filter(|person| person.department == "IT");
        for ((number, (role, template)), person) in ADMINISTRATORS.into_iter().enumerate().zip(staff) {
            let mut methods = vec![password(), codes(id("administrator codes", number))];
            if number % 2 == 0 {
                methods.push(passkey(id("administrator passkey", number), "YubiKey 5C NFC"));
            }
            let title = format!("{} {} (administrator)", person.first_name, person.last_name);
            let name = format!("adm.{}.{}", letters(person.first_name), letters(person.last_name));
            let own = id("administrator", number);
            let mut user = account(&own, (&title, &name), (ADMINISTRATORS_PASSWORD, methods));
            if let Some(user) = user.as_object_mut() {
                user.insert("jobTitle".to_owned(), json!(role));
            }
            if template == HELPDESK_ADMINISTRATOR {
                self.helpdesk.push(own.clone());
            } else {
                self.assign(&user, template);
            }
            if ELIGIBLE.contains(&number) {
                self.eligibilities.push(eligibility(&own, number));
            }
            self.administrators.push(own);
            self.users.push(user);
        }
        self.role_assignments.push(assignment(&helpdesk_group(), HELPDESK_ADMINISTRATOR, self.role_assignments.len()));
    }

    fn add_services(&mut self) {
        for (number, (name, title)) in SERVICES.into_iter().enumerate() {
            let own = id("service", number);
            self.users.push(account(&own, (title, name), (EMPLOYEES_PASSWORD, vec![password()])));
            self.services.push(own);
        }
        let mut user = account(
            &id("synchronisation", 1),
            ("On-Premises Directory Synchronization Service Account", "Sync_UTR-DC01_5c0ffee01d2e"),
            ("", Vec::new()),
        );
        if let Some(user) = user.as_object_mut() {
            user.remove("passwordProfile");
        }
        self.assign(&user, breakglass_model::well_known::DIRECTORY_SYNCHRONIZATION_ACCOUNTS);
        self.users.push(user);
    }

    fn add_guests(&mut self) {
        for (number, (title, home)) in GUESTS.into_iter().enumerate() {
            let local = title.to_lowercase().replace(' ', ".");
            self.users.push(json!({
                "id": id("guest", number), "displayName": title, "accountEnabled": true, "userType": "Guest",
                "userPrincipalName": format!("{local}_{home}#EXT#@{INITIAL_DOMAIN}"), "mail": format!("{local}@{home}"),
                "mailNickname": format!("{local}_{home}#EXT#"), "creationType": "Invitation",
                "externalUserState": "Accepted", "createdDateTime": MADE_AT, "businessPhones": [],
                "authenticationMethods": [],
            }));
        }
    }

    fn assign(&mut self, user: &Value, template: &str) {
        let principal = user.get("id").and_then(Value::as_str).unwrap_or_default();
        self.role_assignments.push(assignment(principal, template, self.role_assignments.len()));
    }
}

/// The id of the group that holds the role of the service desk.
pub(super) fn helpdesk_group() -> String {
    id("role group", 1)
}

/// An account that is in the cloud alone.
fn account(id: &str, (title, name): (&str, &str), (secret, methods): (&str, Vec<Value>)) -> Value {
    json!({
        "id": id, "displayName": title, "userPrincipalName": format!("{name}@{INITIAL_DOMAIN}"), "mailNickname": name,
        "accountEnabled": true, "userType": "Member", "createdDateTime": MADE_AT, "usageLocation": "NL",
        "businessPhones": [], "passwordPolicies": "DisablePasswordExpiration",
        "passwordProfile": { "password": secret, "forceChangePasswordNextSignIn": false },
        "authenticationMethods": methods,
    })
}

fn assignment(principal: &str, template: &str, number: usize) -> Value {
    json!({
        "id": id("role assignment", number), "principalId": principal, "roleDefinitionId": template,
        "directoryScopeId": "/", "appScopeId": Value::Null,
    })
}

fn eligibility(principal: &str, number: usize) -> Value {
    json!({
        "id": id("eligibility", number), "principalId": principal, "roleDefinitionId": GLOBAL_ADMINISTRATOR,
        "directoryScopeId": "/", "appScopeId": Value::Null, "memberType": "Direct", "startDateTime": MADE_AT,
        "endDateTime": Value::Null, "roleEligibilityScheduleId": id("eligibility schedule", number),
    })
}
