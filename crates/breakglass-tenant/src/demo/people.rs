//! The people of the company: names, departments, what they prove themselves with.
//!
//! Those of Utrecht come from the company's Active Directory. Antwerp was bought later, and its accounts have always been
//! in the cloud.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::{AUTHENTICATOR_KEY, DOMAIN, E5, EMPLOYEES_PASSWORD, MADE_AT, TAKEN_AT, id};

/// How many people work for the company.
pub(super) const EMPLOYEE_COUNT: usize = 176;

/// Name; who leads it; what the others are; how many of it are in Utrecht, and in Antwerp.
const DEPARTMENTS: [(&str, &str, &[&str], usize, usize); 10] = [
    ("Management", "Chief Executive Officer", &["Executive Assistant", "Programme Director", "Director"], 5, 1),
    ("Finance", "Chief Financial Officer", &["Controller", "Accountant", "Payroll Officer"], 12, 3),
    ("Human Resources", "Head of Human Resources", &["Recruiter", "Business Partner"], 6, 2),
    ("Sales", "Sales Director", &["Account Manager", "Sales Engineer", "Inside Sales"], 18, 14),
    ("Marketing", "Head of Marketing", &["Copywriter", "Campaign Manager", "Designer"], 9, 3),
    ("Engineering", "Head of Engineering", &["Software Engineer", "Hardware Engineer", "Test Engineer"], 26, 12),
    ("Operations", "Operations Manager", &["Planner", "Warehouse Lead", "Technician"], 18, 10),
    ("IT", "Head of IT", &["System Administrator", "Service Desk Agent", "Security Engineer"], 12, 2),
    ("Legal", "General Counsel", &["Legal Counsel"], 4, 0),
    ("Customer Service", "Customer Service Manager", &["Customer Service Agent"], 10, 9),
];

const FIRST_NAMES: [&str; 44] = [
    "Emma", "Daan", "Sophie", "Lucas", "Julia", "Sem", "Mila", "Bram", "Tess", "Finn", "Sara", "Lotte", "Thijs",
    "Anna", "Ruben", "Eva", "Jasper", "Noor", "Koen", "Femke", "Wout", "Elise", "Pieter", "Marieke", "Jan", "Ingrid",
    "Youssef", "Fatima", "Mehmet", "Aylin", "Sanjay", "Priya", "Marta", "Tomasz", "Chloe", "Mathis", "Louise", "Arne",
    "Nele", "Stijn", "Hanne", "Joris", "Katrien", "Dirk",
];

const LAST_NAMES: [&str; 44] = [
    "de Vries",
    "Jansen",
    "van den Berg",
    "Bakker",
    "Visser",
    "Smit",
    "Meijer",
    "de Boer",
    "Mulder",
    "Bos",
    "Vos",
    "Peters",
    "Hendriks",
    "van Leeuwen",
    "Dekker",
    "Brouwer",
    "de Wit",
    "Dijkstra",
    "Smits",
    "de Graaf",
    "van der Meer",
    "Kok",
    "Jacobs",
    "Vermeulen",
    "Peeters",
    "Maes",
    "Willems",
    "Claes",
    "Goossens",
    "Wouters",
    "De Smet",
    "Dubois",
    "Lambert",
    "Aydin",
    "El Amrani",
    "Yilmaz",
    "Sharma",
    "Kowalski",
    "Nowak",
    "Silva",
    "Moreau",
    "Janssens",
    "Mertens",
    "Verhoeven",
];

/// Somebody who works for the company.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub(super) id: String,
    pub(super) first_name: &'static str,
    pub(super) last_name: &'static str,
    pub(super) department: &'static str,
    /// As Graph has it, with the secrets.
    pub(super) user: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Office {
    Utrecht,
    Antwerp,
}

/// Everybody, by department and office.
pub(super) fn people() -> Vec<Person> {
    let mut people = Vec::new();
    for (department, leader, others, utrecht, antwerp) in DEPARTMENTS {
        for place in 0..utrecht + antwerp {
            let office = if place < utrecht { Office::Utrecht } else { Office::Antwerp };
            let title = if place == 0 { leader } else { nth(others, place) };
            people.push(person(people.len(), (department, title), office));
        }
    }
    people
}

/// An entry of a list that begins again when it ends.
fn nth(list: &[&'static str], number: usize) -> &'static str {
    list.iter().cycle().nth(number % list.len().max(1)).copied().unwrap_or_default()
}

fn person(number: usize, (department, title): (&'static str, &'static str), office: Office) -> Person {
    let id = id("person", number);
    let first_name = nth(&FIRST_NAMES, number);
    // Never the same two names twice.
    let last_name = nth(&LAST_NAMES, number * 7 + number / FIRST_NAMES.len() * 3);
    let name = letters(first_name) + "." + &letters(last_name);
    let address = format!("{name}@{DOMAIN}");
    let (city, country, language, dial) = match office {
        Office::Utrecht => ("Utrecht", "NL", "nl-NL", "+31 30 555"),
        Office::Antwerp => ("Antwerp", "BE", "nl-BE", "+32 3 555"),
    };
    let mut user = object(json!({
        "id": id, "displayName": format!("{first_name} {last_name}"), "givenName": first_name, "surname": last_name,
        "userPrincipalName": address, "mail": address, "mailNickname": name, "accountEnabled": true,
        "userType": "Member", "companyName": "Contoso", "department": department, "jobTitle": title,
        "employeeId": format!("{:05}", 10_000 + number), "officeLocation": city, "city": city, "country": country,
        "usageLocation": country, "preferredLanguage": language, "businessPhones": [format!("{dial} {number:04}")],
        "mobilePhone": mobile(number), "createdDateTime": MADE_AT, "assignedLicenses": [{ "skuId": E5, "disabledPlans": [] }],
        "passwordProfile": { "password": EMPLOYEES_PASSWORD, "forceChangePasswordNextSignIn": false },
        "authenticationMethods": methods(number),
    }));
    if office == Office::Utrecht {
        user.extend(object(synchronised(&id, &name)));
    }
    Person { id, first_name, last_name, department, user: Value::Object(user) }
}

fn mobile(number: usize) -> String {
    format!("+31 6 5550{number:04}")
}

/// What an account has that comes from Active Directory.
fn synchronised(id: &str, name: &str) -> Value {
    // The name of an account may have twenty letters there.
    let short: String = name.chars().take(20).collect();
    json!({
        "onPremisesSyncEnabled": true, "onPremisesLastSyncDateTime": TAKEN_AT, "onPremisesDomainName": "corp.contoso.com",
        "onPremisesSamAccountName": short, "onPremisesUserPrincipalName": format!("{name}@{DOMAIN}"),
        "onPremisesImmutableId": STANDARD.encode(id.bytes().take(16).collect::<Vec<u8>>()),
        "passwordPolicies": "DisablePasswordExpiration",
    })
}

/// What somebody proves themselves with: most a notification, some a passkey as well, a few a text message only, and
/// who has just begun nothing but the password.
fn methods(number: usize) -> Vec<Value> {
    let mut methods = vec![password()];
    match number % 16 {
        15 => methods.push(json!({
            "@odata.type": "#microsoft.graph.phoneAuthenticationMethod", "id": id("phone", number),
            "phoneNumber": mobile(number), "phoneType": "mobile", "smsSignInState": "notAllowedByPolicy",
        })),
        14 if number > 100 => {}
        rest => {
            if rest % 4 == 0 {
                methods.push(passkey(id("passkey", number), "YubiKey 5 NFC"));
            }
            methods.push(json!({
                "@odata.type": "#microsoft.graph.microsoftAuthenticatorAuthenticationMethod",
                "id": id("authenticator", number), "displayName": nth(&["iPhone 16", "Pixel 9", "Galaxy S24"], number),
                "deviceTag": "SoftwareTokenActivated", "phoneAppVersion": "6.8.31", "createdDateTime": MADE_AT,
            }));
        }
    }
    methods
}

pub(super) fn password() -> Value {
    json!({
        "@odata.type": "#microsoft.graph.passwordAuthenticationMethod", "id": "28c10230-6103-485e-b985-444c60001490",
        "createdDateTime": MADE_AT,
    })
}

pub(super) fn passkey(id: String, name: &str) -> Value {
    json!({
        "@odata.type": "#microsoft.graph.fido2AuthenticationMethod", "id": id, "displayName": name,
        "model": "YubiKey 5 Series with NFC", "aaGuid": "fa2b99dc-9e39-4257-8f92-4a30d23c4118",
        "attestationLevel": "attested", "createdDateTime": MADE_AT,
    })
}

/// An authenticator app that makes codes.
pub(super) fn codes(id: String) -> Value {
    json!({
        "@odata.type": "#microsoft.graph.softwareOathAuthenticationMethod", "id": id, "secretKey": AUTHENTICATOR_KEY,
        "createdDateTime": MADE_AT,
    })
}

/// A name as it stands in an address.
pub(super) fn letters(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphabetic).map(|letter| letter.to_ascii_lowercase()).collect()
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}
