//! Applications at the token endpoint: how they prove themselves, what they may, who may use them, and what Conditional
//! Access says of them as themselves.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::logs::lines;
use super::world::{ADMIN, Answer, Browser, Served, written};

const RAE: (&str, &str) = ("rae@contoso.com", "Rae-Passw0rd");
const DESK: &str = "7a6f2f3c-58e1-4f36-9a60-0e54b1a7d001";
const DESK_PRINCIPAL: &str = "00000000-0000-4000-8000-0000000000c1";
const DESK_SECRET: &str = "desk~secret~1";
const PROGRAM: &str = "7a6f2f3c-58e1-4f36-9a60-0e54b1a7d002";
const PROGRAM_PRINCIPAL: &str = "00000000-0000-4000-8000-0000000000c2";
const GRAPH: &str = "https://graph.microsoft.com/.default";
const BACK: &str = "https://desk.contoso.com/back";

/// A tenant with a server that has a secret, and a program that has none.
fn world(name: &str, change: impl FnOnce(&mut Value)) -> Served {
    Served::seeded(name, |seed| {
        seed["applications"] = json!([
            { "id": "00000000-0000-4000-8000-0000000000b1", "appId": DESK, "displayName": "Desk",
              "identifierUris": ["api://desk.contoso.com"], "web": { "redirectUris": [BACK] },
              "passwordCredentials": [{ "keyId": "00000000-0000-4000-8000-0000000000b9", "secretText": DESK_SECRET,
                                        "endDateTime": "2099-01-01T00:00:00Z" }] },
            { "id": "00000000-0000-4000-8000-0000000000b2", "appId": PROGRAM, "displayName": "Program",
              "isFallbackPublicClient": true, "publicClient": { "redirectUris": ["http://localhost"] } },
        ]);
        seed["servicePrincipals"] = json!([
            { "id": DESK_PRINCIPAL, "appId": DESK, "displayName": "Desk", "servicePrincipalType": "Application",
              "accountEnabled": true },
            { "id": PROGRAM_PRINCIPAL, "appId": PROGRAM, "displayName": "Program", "accountEnabled": true,
              "servicePrincipalType": "Application" },
        ]);
        change(seed);
    })
}

fn program<'a>((name, password): (&'a str, &'a str), scope: &'a str) -> [(&'a str, &'a str); 5] {
    let who = [("username", name), ("password", password)];
    [("client_id", PROGRAM), ("grant_type", "password"), ("scope", scope), who[0], who[1]]
}

fn as_itself(served: &Served, place: &str, scope: &str) -> Answer {
    let form =
        [("client_id", DESK), ("client_secret", DESK_SECRET), ("grant_type", "client_credentials"), ("scope", scope)];
    served.token(&[("x-breakglass-place", place)], &form)
}

fn code(answer: &Answer) -> u64 {
    if answer.status == 200 { 0 } else { answer.json()["error_codes"][0].as_u64().unwrap() }
}

fn claims(token: &Value) -> Value {
    let part = token["access_token"].as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn graph(served: &Served, token: &Value, (method, path): (&str, &str), body: &Value) -> Answer {
    let bearer = format!("Bearer {}", token["access_token"].as_str().unwrap());
    let body = if body.is_null() { String::new() } else { body.to_string() };
    served.send((method, path), &[("authorization", &bearer)], &body).unwrap()
}

/// Rae's session at the server, which redeems its code with its secret.
fn session(served: &Served) -> Value {
    let mut browser = Browser::of(served);
    let asked = [
        ("client_id", DESK),
        ("response_type", "code"),
        ("redirect_uri", BACK),
        ("scope", "https://graph.microsoft.com/.default offline_access openid"),
    ];
    let page = browser.send(("GET", &format!("/organizations/oauth2/v2.0/authorize?{}", written(&asked))), &[]);
    let back = browser.go_on(&page, &[("login", RAE.0), ("passwd", RAE.1)]);
    let location = back.header("location").unwrap_or_else(|| panic!("{}", back.body)).to_owned();
    let (_, rest) = location.split_once("code=").unwrap();
    let form = [
        ("grant_type", "authorization_code"),
        ("code", rest.split('&').next().unwrap()),
        ("redirect_uri", BACK),
        ("client_id", DESK),
        ("client_secret", DESK_SECRET),
    ];
    served.token(&[], &form).json()
}

#[test]
fn a_session_of_a_server_is_carried_on_by_the_server_alone() {
    let served = world("applications-refresh", |_| {});
    let tokens = session(&served);
    let token = tokens["refresh_token"].as_str().unwrap();
    let form = [("grant_type", "refresh_token"), ("refresh_token", token), ("scope", GRAPH)];
    let with = |more: &[(&'static str, &'static str)]| {
        let form: Vec<(&str, &str)> = form.iter().chain(more).copied().collect();
        served.token(&[], &form)
    };
    assert_eq!(code(&with(&[("client_id", DESK)])), 7_000_218);
    assert_eq!(code(&with(&[("client_id", DESK), ("client_secret", "guessed")])), 7_000_215);
    assert_eq!(code(&with(&[("client_id", PROGRAM)])), 70_000, "it is the server's");
    assert_eq!(code(&with(&[("client_id", DESK), ("client_secret", DESK_SECRET)])), 0);
    let served = served.restarted();
    let form: Vec<(&str, &str)> = form.iter().copied().chain([("client_id", DESK)]).collect();
    assert_eq!(code(&served.token(&[], &form)), 7_000_218, "and it is remembered");
}

#[test]
fn a_client_may_prove_itself_in_the_header() {
    let served = world("applications-basic", |_| {});
    let header = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
    let form = [("grant_type", "client_credentials"), ("scope", GRAPH)];
    let with = |header: &str, more: &[(&'static str, &'static str)]| {
        let form: Vec<(&str, &str)> = form.iter().chain(more).copied().collect();
        code(&served.token(&[("authorization", header)], &form))
    };
    let right = header(&format!("{DESK}:desk%7Esecret%7E1"));
    assert_eq!(with(&right, &[]), 0, "escaped as RFC 6749 has it");
    assert_eq!(with(&header(&format!("{DESK}:{DESK_SECRET}")), &[("client_id", DESK)]), 0);
    assert_eq!(with(&header(&format!("{DESK}:other")), &[]), 7_000_215);
    assert_eq!(with(&right, &[("client_id", PROGRAM)]), 90_100, "one request is of one client");
    assert_eq!(with(&right, &[("client_secret", DESK_SECRET)]), 90_100, "which proves itself in one way");
    assert_eq!(with("Basic ???", &[]), 90_100);
}

#[test]
fn a_disabled_application_signs_nobody_in() {
    let served = world("applications-disabled", |seed| {
        for principal in seed["servicePrincipals"].as_array_mut().unwrap() {
            principal["accountEnabled"] = json!(false);
        }
    });
    assert_eq!(code(&as_itself(&served, "127.0.0.1", GRAPH)), 7_000_112);
    assert_eq!(code(&served.token(&[], &program(RAE, GRAPH))), 7_000_112);
    assert_eq!(served.code(&[], RAE), 0, "another application does");
}

#[test]
fn where_assignment_is_required_the_assigned_get_in() {
    let assigned = "00000000-0000-4000-8000-0000000000a6";
    let served = world("applications-assigned", |seed| {
        seed["servicePrincipals"][1]["appRoleAssignmentRequired"] = json!(true);
        seed["appRoleAssignments"] = json!([{
            "id": "assigned", "principalId": assigned, "principalType": "User", "resourceId": PROGRAM_PRINCIPAL,
            "appRoleId": "00000000-0000-0000-0000-000000000000",
        }]);
    });
    assert_eq!(code(&served.token(&[], &program(RAE, GRAPH))), 0);
    assert_eq!(code(&served.token(&[], &program(ADMIN, GRAPH))), 50_105, "an administrator is no exception");
    assert_eq!(served.newest_record(ADMIN.0)["status"]["errorCode"], 0, "of the Azure CLI");
}

#[test]
fn what_a_program_asks_for_is_all_that_it_gets() {
    let served = world("applications-scopes", |_| {});
    let new = json!({ "accountEnabled": true, "displayName": "New", "mailNickname": "new",
                      "userPrincipalName": "new@contoso.com", "passwordProfile": { "password": "N3w-Passw0rd" } });
    let reads = served.token(&[], &program(ADMIN, "User.Read openid")).json();
    assert_eq!(claims(&reads)["scp"], "User.Read email openid profile");
    assert_eq!(graph(&served, &reads, ("GET", "/v1.0/me"), &Value::Null).status, 200);
    assert_eq!(graph(&served, &reads, ("POST", "/v1.0/users"), &new).status, 403);
    let writes = served.token(&[], &program(ADMIN, "https://graph.microsoft.com/User.ReadWrite.All")).json();
    assert_eq!(graph(&served, &writes, ("POST", "/v1.0/users"), &new).status, 201);
    for identity in ["openid", "openid offline_access"] {
        let who = served.token(&[], &program(ADMIN, identity)).json();
        assert_eq!(claims(&who)["scp"], "email openid profile", "{identity}");
    }
    // What a session is carried on for is what it was begun for.
    let session = served.token(&[], &program(ADMIN, "User.Read offline_access")).json();
    let token = session["refresh_token"].as_str().unwrap();
    let form = [("client_id", PROGRAM), ("grant_type", "refresh_token"), ("refresh_token", token)];
    assert_eq!(claims(&served.token(&[], &form).json())["scp"], "User.Read email openid profile");
    let served = served.restarted();
    assert_eq!(claims(&served.token(&[], &form).json())["scp"], "User.Read email openid profile");
    let all = served.token(&[], &program(ADMIN, GRAPH)).json();
    assert!(claims(&all)["scp"].as_str().unwrap().contains("Directory.AccessAsUser.All"));
}

#[test]
fn where_consent_is_recorded_nothing_else_is_given() {
    let served = world("applications-consent", |seed| {
        seed["oauth2PermissionGrants"] = json!([{
            "id": "grant", "clientId": PROGRAM_PRINCIPAL, "consentType": "AllPrincipals", "principalId": null,
            "resourceId": "00000000-0000-4000-8000-0000000000c9", "scope": "openid User.Read",
        }]);
    });
    let asked = |scope| served.token(&[], &program(RAE, scope));
    assert_eq!(claims(&asked(GRAPH).json())["scp"], "User.Read openid");
    assert_eq!(claims(&asked("User.Read").json())["scp"], "User.Read openid");
    let refused = asked("User.ReadWrite.All");
    assert_eq!((code(&refused), &refused.json()["suberror"]), (65_001, &json!("consent_required")));
}

#[test]
fn resources_that_the_tenant_has_not_get_no_token() {
    let served = world("applications-resources", |_| {});
    let asked = |scope: &str| as_itself(&served, "127.0.0.1", scope);
    for resource in ["api://nothing", "https://bogus.example", "00000000-0000-4000-8000-00000000dead"] {
        let answer = asked(&format!("{resource}/.default"));
        assert_eq!((code(&answer), &answer.json()["error"]), (500_011, &json!("invalid_resource")), "{resource}");
    }
    for (resource, audience) in [
        ("api://desk.contoso.com", "api://desk.contoso.com"),
        (DESK, DESK),
        ("https://vault.azure.net", "https://vault.azure.net"),
    ] {
        assert_eq!(claims(&asked(&format!("{resource}/.default")).json())["aud"], audience);
    }
    assert_eq!(code(&asked("User.Read")), 1_002_012, "an application has no permissions by name");
    let form = [("client_id", DESK), ("client_secret", DESK_SECRET), ("grant_type", "client_credentials")];
    assert_eq!(code(&served.token(&[], &form)), 900_144);
}

#[test]
fn an_application_as_itself_meets_conditional_access_and_is_in_the_log() {
    let served = world("applications-workload", |seed| {
        let policy = |id: &str, name: &str, clients: Value| {
            json!({
                "id": id, "displayName": name, "state": "enabled",
                "conditions": {
                    "clientAppTypes": ["all"], "applications": { "includeApplications": ["All"] },
                    "users": { "includeUsers": ["None"] }, "clientApplications": clients,
                    "locations": { "includeLocations": ["All"], "excludeLocations": ["AllTrusted"] },
                },
                "grantControls": { "operator": "OR", "builtInControls": ["block"] },
            })
        };
        let own = json!({ "includeServicePrincipals": ["ServicePrincipalsInMyTenant"] });
        let agents = json!({ "includeServicePrincipals": [], "includeAgentIdServicePrincipals": ["All"] });
        let policies = seed["conditionalAccessPolicies"].as_array_mut().unwrap();
        policies.push(policy("00000000-0000-4000-8000-0000000000d7", "Programs at the office", own));
        policies.push(policy("00000000-0000-4000-8000-0000000000d8", "No agents", agents));
    })
    .exporting();
    assert_eq!(code(&as_itself(&served, "203.0.113.7", GRAPH)), 0);
    let form =
        [("client_id", DESK), ("client_secret", "guessed"), ("grant_type", "client_credentials"), ("scope", GRAPH)];
    assert_eq!(code(&served.token(&[], &form)), 7_000_215);
    let refused = as_itself(&served, "198.51.100.9", GRAPH);
    assert_eq!(code(&refused), 53_003);
    assert!(refused.json()["claims"].as_str().unwrap().contains("0000000000d7"), "{}", refused.body);
    let token = served.password(&[], ADMIN);
    let filter = "signInEventTypes/any(t:t%20eq%20'servicePrincipal')";
    let records = graph(&served, &token, ("GET", &format!("/beta/auditLogs/signIns?$filter={filter}")), &Value::Null);
    let records = records.json()["value"].as_array().unwrap().clone();
    let told: Vec<_> = records.iter().map(|one| (&one["ipAddress"], &one["status"]["errorCode"])).collect();
    assert_eq!(
        told,
        [
            (&json!("198.51.100.9"), &json!(53_003)),
            (&json!("127.0.0.1"), &json!(7_000_215)),
            (&json!("203.0.113.7"), &json!(0))
        ]
    );
    assert_eq!(records[0]["servicePrincipalId"], DESK_PRINCIPAL);
    let applied = records[0]["appliedConditionalAccessPolicies"].as_array().unwrap();
    let result = |name: &str| &applied.iter().find(|one| one["displayName"] == name).unwrap()["result"];
    assert_eq!((result("Programs at the office"), result("No agents")), (&json!("failure"), &json!("notApplied")));
    let exported = lines(&served.exported().join("insights-logs-serviceprincipalsigninlogs"));
    assert_eq!(
        exported.iter().map(|line| &line["resultType"]).collect::<Vec<_>>(),
        [&json!("0"), &json!("7000215"), &json!("53003")]
    );
}

#[test]
fn a_policy_about_an_application_on_a_server_is_about_who_signs_in_to_it() {
    let served = world("applications-target", |seed| {
        seed["conditionalAccessPolicies"].as_array_mut().unwrap().push(json!({
            "id": "00000000-0000-4000-8000-0000000000dc", "displayName": "No desk", "state": "enabled",
            "conditions": { "clientAppTypes": ["all"], "applications": { "includeApplications": [DESK] },
                "users": { "includeUsers": ["All"] } },
            "grantControls": { "operator": "OR", "builtInControls": ["block"] },
        }));
    });
    let page = |scope: &str| {
        let mut browser = Browser::of(&served);
        let asked = [("client_id", DESK), ("response_type", "code"), ("redirect_uri", BACK), ("scope", scope)];
        let page = browser.send(("GET", &format!("/organizations/oauth2/v2.0/authorize?{}", written(&asked))), &[]);
        browser.go_on(&page, &[("login", RAE.0), ("passwd", RAE.1)])
    };
    assert!(page("openid profile").body.contains("AADSTS53003"));
    assert!(page(GRAPH).header("location").is_some(), "without an id token it is about Graph alone");
    assert_eq!(served.code(&[], RAE), 0);
}

#[test]
fn roles_and_groups_of_users_are_in_the_tokens_of_their_applications() {
    let role = "00000000-0000-4000-8000-0000000000cc";
    let served = world("applications-roles", |seed| {
        seed["servicePrincipals"][0]["appRoles"] = json!([
            { "id": role, "value": "Desk.Admin", "allowedMemberTypes": ["User"], "displayName": "Admin", "isEnabled": true },
        ]);
        seed["applications"][0]["groupMembershipClaims"] = json!("SecurityGroup");
        seed["groups"] = json!([{
            "id": "00000000-0000-4000-8000-0000000000ce", "displayName": "Desk", "securityEnabled": true,
            "groupTypes": [], "members": [{ "id": "00000000-0000-4000-8000-0000000000a6" }],
        }]);
        seed["appRoleAssignments"] = json!([{
            "id": "assigned", "principalId": "00000000-0000-4000-8000-0000000000ce", "principalType": "Group",
            "resourceId": DESK_PRINCIPAL, "appRoleId": role,
        }]);
    });
    let tokens = session(&served);
    let part = tokens["id_token"].as_str().unwrap().split('.').nth(1).unwrap();
    let id: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    assert_eq!(id["roles"], json!(["Desk.Admin"]));
    assert_eq!(id["groups"], json!(["00000000-0000-4000-8000-0000000000ce"]));
    assert_eq!(claims(&tokens)["roles"], Value::Null, "of Graph it has none");
    let own = served.token(&[], &program(RAE, "api://desk.contoso.com/.default")).json();
    assert_eq!(claims(&own)["roles"], json!(["Desk.Admin"]));
}

#[test]
fn pages_of_other_origins_read_what_needs_no_cookie() {
    let served = world("applications-origins", |_| {});
    let asked = [
        ("origin", "https://app.example"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization, content-type"),
    ];
    for path in ["/common/oauth2/v2.0/token", "/v1.0/me", "/common/v2.0/.well-known/openid-configuration"] {
        let answer = served.send(("OPTIONS", path), &asked, "").unwrap();
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, Some("*")), "{path}");
        assert_eq!(answer.header("access-control-allow-headers"), Some("authorization, content-type"));
        assert_eq!(answer.header("access-control-allow-credentials"), None);
    }
    let answer = served.token(&asked[..1], &program(RAE, GRAPH));
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, Some("*")));
    for path in ["/common/login", "/.breakglass/outbox", "/common/oauth2/v2.0/authorize", "/devicelogin"] {
        let answer = served.send(("OPTIONS", path), &asked, "").unwrap();
        assert_eq!(answer.header("access-control-allow-origin"), None, "{path}");
    }
}

#[test]
fn what_is_refused_for_want_of_consent_is_refused_on_the_page_and_in_the_log() {
    let served = world("applications-unconsented", |seed| {
        seed["oauth2PermissionGrants"] = json!([{
            "id": "grant", "clientId": DESK_PRINCIPAL, "consentType": "AllPrincipals", "principalId": null,
            "scope": "openid User.Read",
        }]);
    });
    let mut browser = Browser::of(&served);
    let asked = [
        ("client_id", DESK),
        ("response_type", "code"),
        ("redirect_uri", BACK),
        ("scope", "openid User.ReadWrite.All"),
    ];
    let page = browser.send(("GET", &format!("/organizations/oauth2/v2.0/authorize?{}", written(&asked))), &[]);
    let refused = browser.go_on(&page, &[("login", RAE.0), ("passwd", RAE.1)]);
    assert!(refused.body.contains("AADSTS65001"), "{}", refused.body);
    assert_eq!(served.newest_record(RAE.0)["status"]["errorCode"], 65_001);
}
