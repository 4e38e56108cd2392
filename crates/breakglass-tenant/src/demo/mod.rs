//! The company of `--seed demo`: Contoso, 200 accounts in Utrecht and Antwerp, made up but for its Conditional Access
//! policies, which are a public baseline.
//!
//! It is the same company each time, down to the ids. Its passwords are known to everybody.

mod accounts;
mod baseline;
mod people;

use aws_lc_rs::digest;
use serde_json::{Value, json};

use self::accounts::Accounts;
use crate::random::uuid_of;

/// The id of the tenant.
pub const TENANT: &str = "5c0ffee0-1d2e-4a3b-8c4d-5e6f7a8b9c0d";
/// The domain that every tenant has.
pub(crate) const INITIAL_DOMAIN: &str = "contoso.onmicrosoft.com";
/// The domain of people's addresses.
pub(crate) const DOMAIN: &str = "contoso.com";

/// The password of the first emergency account.
pub const FIRST_EMERGENCY_PASSWORD: &str = "Only-For-Trying-Things-Out-1";
/// The password of the second.
pub const SECOND_EMERGENCY_PASSWORD: &str = "Only-For-Trying-Things-Out-2";
/// The password of every administrator.
pub const ADMINISTRATORS_PASSWORD: &str = "Only-For-Administrators-3";
/// The password of everybody else who has one.
pub const EMPLOYEES_PASSWORD: &str = "Only-For-Employees-4";
/// The secret of the application that reads users and logs.
pub const APPLICATION_SECRET: &str = "only~for~trying~things~out~5";
/// The key of every authenticator app that makes codes, in base 32.
pub const AUTHENTICATOR_KEY: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

/// When the company is as it is.
const TAKEN_AT: &str = "2026-11-01T06:00:00Z";
/// When its accounts were made, where it does not matter.
const MADE_AT: &str = "2024-06-03T07:30:00Z";

/// The company as a seed, with its secrets.
pub(crate) fn seed() -> Value {
    let people = people::people();
    let accounts = Accounts::of(&people);
    let groups = baseline::groups(&people, &accounts);
    let users = people.into_iter().map(|person| person.user).chain(accounts.users).collect::<Vec<_>>();
    json!({
        "format": "breakglass-snapshot/1", "tenantId": TENANT, "takenAt": TAKEN_AT, "source": "embedded",
        "organization": {
            "id": TENANT, "displayName": "Contoso", "countryLetterCode": "NL", "city": "Utrecht",
            "onPremisesSyncEnabled": true, "onPremisesLastSyncDateTime": TAKEN_AT,
            "verifiedDomains": [
                { "name": INITIAL_DOMAIN, "isInitial": true, "isDefault": false },
                { "name": DOMAIN, "isInitial": false, "isDefault": true },
            ],
        },
        "domains": [domain(INITIAL_DOMAIN), domain(DOMAIN)],
        "subscribedSkus": [licence(TENANT, people::EMPLOYEE_COUNT)],
        "users": users,
        "groups": groups,
        "devices": [],
        "administrativeUnits": [],
        "applications": applications(),
        "servicePrincipals": service_principals(),
        "roleAssignments": accounts.role_assignments,
        "roleEligibilityScheduleInstances": accounts.eligibilities,
        "conditionalAccessPolicies": baseline::policies(),
        "namedLocations": baseline::named_locations(),
        "authenticationMethodsPolicy": methods_policy(),
        "identitySecurityDefaultsEnforcementPolicy": {
            "id": "00000000-0000-0000-0000-000000000005", "displayName": "Security Defaults", "isEnabled": false,
        },
    })
}

/// Somebody to sign in as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    /// The sign-in name.
    pub name: String,
    /// Who that is.
    pub who: &'static str,
    /// The password.
    pub password: &'static str,
}

/// A few of the company's accounts, to begin with.
#[must_use]
pub fn sign_ins() -> Vec<SignIn> {
    let people = people::people();
    let accounts = Accounts::of(&people);
    let first = |ids: &[String]| {
        let user = accounts
            .users
            .iter()
            .find(|user| user.get("id").and_then(Value::as_str) == ids.first().map(String::as_str));
        name_of(user)
    };
    vec![
        SignIn {
            name: first(&accounts.emergency),
            who: "emergency access, Global Administrator",
            password: FIRST_EMERGENCY_PASSWORD,
        },
        SignIn {
            name: first(&accounts.administrators),
            who: "Global Administrator, with an authenticator app",
            password: ADMINISTRATORS_PASSWORD,
        },
        SignIn {
            name: name_of(people.first().map(|person| &person.user)),
            who: "Chief Executive Officer, with notifications",
            password: EMPLOYEES_PASSWORD,
        },
    ]
}

fn name_of(user: Option<&Value>) -> String {
    user.and_then(|user| user.get("userPrincipalName")?.as_str()).unwrap_or_default().to_owned()
}

/// An id that is the same each time.
fn id(kind: &str, number: usize) -> String {
    let digest = digest::digest(&digest::SHA256, format!("contoso/{kind}/{number}").as_bytes());
    let first = digest.as_ref().iter().take(16).fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
    uuid_of(first)
}

fn domain(name: &str) -> Value {
    let is_initial = name == INITIAL_DOMAIN;
    json!({
        "id": name, "isInitial": is_initial, "isDefault": !is_initial, "isVerified": true, "isAdminManaged": true,
        "isRoot": true, "authenticationType": "Managed",
    })
}

/// Microsoft 365 E5, as far as it is about sign-ins.
const E5: &str = "06ebc4ee-1bb5-47dd-8120-11324bc54e06";

pub(crate) fn licence(tenant: &str, consumed: usize) -> Value {
    json!({
        "id": format!("{tenant}_{E5}"), "skuId": E5, "skuPartNumber": "SPE_E5", "capabilityStatus": "Enabled",
        "appliesTo": "User", "consumedUnits": consumed,
        "prepaidUnits": { "enabled": 200, "suspended": 0, "warning": 0, "lockedOut": 0 },
        "servicePlans": [{
            "servicePlanId": "eec0eb4f-6444-4f95-aba0-50c24d67f998", "servicePlanName": "AAD_PREMIUM_P2",
            "provisioningStatus": "Success", "appliesTo": "User",
        }],
    })
}

/// A program on people's devices, and one on a server that reads users and logs.
fn applications() -> Value {
    json!([
        {
            "id": id("application", 1), "appId": id("client", 1), "displayName": "Contoso Expenses",
            "signInAudience": "AzureADMyOrg", "isFallbackPublicClient": true,
            "publicClient": { "redirectUris": ["http://localhost"] }, "createdDateTime": MADE_AT,
        },
        {
            "id": id("application", 2), "appId": id("client", 2), "displayName": "Contoso Service Desk",
            "signInAudience": "AzureADMyOrg", "createdDateTime": MADE_AT,
            "passwordCredentials": [{
                "keyId": id("secret", 2), "secretText": APPLICATION_SECRET, "displayName": "production",
                "startDateTime": MADE_AT, "endDateTime": "2099-01-01T00:00:00Z",
            }],
        },
    ])
}

fn service_principals() -> Value {
    const GRAPH: &str = "00000003-0000-0000-c000-000000000000";
    let permissions = ["User.Read.All", "Group.Read.All", "AuditLog.Read.All", "Policy.Read.All"];
    let granted = permissions.map(|permission| json!({ "resourceAppId": GRAPH, "appRoleValue": permission }));
    let of = |number: usize, name: &str, granted: &[Value]| {
        json!({
            "id": id("service principal", number), "appId": id("client", number), "displayName": name,
            "servicePrincipalType": "Application", "accountEnabled": true, "appOwnerOrganizationId": TENANT,
            "appRoleAssignments": granted,
        })
    };
    json!([of(1, "Contoso Expenses", &[]), of(2, "Contoso Service Desk", &granted)])
}

/// Which methods may be used, by whom.
pub(crate) fn methods_policy() -> Value {
    let method = |kind: &str, id: &str, state: &str| {
        json!({
            "@odata.type": format!("#microsoft.graph.{kind}AuthenticationMethodConfiguration"), "id": id,
            "state": state, "excludeTargets": [],
            "includeTargets": [{ "targetType": "group", "id": "all_users", "isRegistrationRequired": false }],
        })
    };
    json!({
        "id": "authenticationMethodsPolicy", "displayName": "Authentication Methods Policy",
        "policyMigrationState": "migrationComplete",
        "authenticationMethodConfigurations": [
            method("fido2", "Fido2", "enabled"),
            method("microsoftAuthenticator", "MicrosoftAuthenticator", "enabled"),
            method("sms", "Sms", "enabled"),
            method("temporaryAccessPass", "TemporaryAccessPass", "enabled"),
            method("softwareOath", "SoftwareOath", "enabled"),
            method("voice", "Voice", "disabled"),
            method("email", "Email", "enabled"),
            method("x509Certificate", "X509Certificate", "disabled"),
        ],
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::seed;

    /// Every `id` of the objects in a list.
    fn ids(list: &Value) -> impl Iterator<Item = &str> {
        list.as_array().unwrap().iter().map(|object| object["id"].as_str().unwrap())
    }

    #[test]
    fn it_is_the_same_company_each_time_and_every_id_is_of_one_object() {
        let company = seed();
        assert_eq!(company, seed());
        let lists: Vec<&Value> = company.as_object().unwrap().values().filter(|list| list.is_array()).collect();
        let all: Vec<&str> = lists.into_iter().flat_map(ids).collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
        let names: BTreeSet<String> = company["users"]
            .as_array()
            .unwrap()
            .iter()
            .map(|user| user["userPrincipalName"].as_str().unwrap().to_lowercase())
            .collect();
        assert_eq!(names.len(), 200);
    }

    #[test]
    fn whatever_policies_and_groups_name_is_there() {
        let company = seed();
        let known: BTreeSet<&str> =
            ["users", "groups", "namedLocations"].iter().flat_map(|list| ids(&company[*list])).collect();
        let mut count = 0;
        let mut is_known = |id: &Value| {
            let id = id.as_str().or_else(|| id["id"].as_str()).unwrap();
            assert!(matches!(id, "All" | "AllTrusted" | "None") || known.contains(id), "{id}");
            count += 1;
        };
        for policy in company["conditionalAccessPolicies"].as_array().unwrap() {
            let (users, locations) = (&policy["conditions"]["users"], &policy["conditions"]["locations"]);
            for list in ["includeUsers", "excludeUsers", "includeGroups", "excludeGroups"] {
                users[list].as_array().unwrap().iter().for_each(&mut is_known);
            }
            for list in ["includeLocations", "excludeLocations"] {
                locations[list].as_array().into_iter().flatten().for_each(&mut is_known);
            }
        }
        for group in company["groups"].as_array().unwrap() {
            for list in ["members", "owners"] {
                group[list].as_array().into_iter().flatten().for_each(&mut is_known);
            }
        }
        for list in ["roleAssignments", "roleEligibilityScheduleInstances"] {
            company[list].as_array().unwrap().iter().map(|one| &one["principalId"]).for_each(&mut is_known);
        }
        assert!(count > 400, "{count}");
    }
}
