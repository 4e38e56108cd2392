//! Continuous access evaluation: tokens that last a day, of clients that answer challenges, and what ends them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use breakglass_tenant::profile::Profile;
use serde_json::{Value, json};

use super::world::{ADMIN, Answer, Served, password_form};

const RAE: (&str, &str) = ("rae@contoso.com", "Rae-Passw0rd");
const CAPABLE: &str = r#"{"access_token":{"xms_cc":{"values":["CP1"]}}}"#;

fn tokens(served: &Served, (name, password): (&str, &str), claims: &str) -> Value {
    let mut form =
        password_form((name, password), "https://graph.microsoft.com/.default openid offline_access").to_vec();
    form.extend((!claims.is_empty()).then_some(("claims", claims)));
    served.token(&[], &form).json()
}

fn me(served: &Served, tokens: &Value, place: &str) -> Answer {
    let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    served.send(("GET", "/v1.0/me"), &[("authorization", &bearer), ("x-breakglass-place", place)], "").unwrap()
}

/// What a refused client is told to ask for.
fn challenge(answer: &Answer) -> Value {
    assert_eq!((answer.status, answer.json()["error"]["code"].as_str()), (401, Some("InvalidAuthenticationToken")));
    let header = answer.header("www-authenticate").unwrap();
    assert!(header.contains("error=\"insufficient_claims\""), "{header}");
    let (_, claims) = header.split_once("claims=\"").unwrap();
    serde_json::from_slice(&URL_SAFE.decode(claims.split('"').next().unwrap()).unwrap()).unwrap()
}

/// Does something as the administrator.
fn administer(served: &Served, (method, path): (&str, &str), body: &str) {
    let bearer = format!("Bearer {}", tokens(served, ADMIN, "")["access_token"].as_str().unwrap());
    let answer = served.send((method, path), &[("authorization", &bearer)], body).unwrap();
    assert!(answer.status < 300, "{}", answer.body);
}

#[test]
fn a_revoked_session_ends_the_tokens_of_those_who_answer_challenges_and_no_others() {
    let served = Served::new("continuous-revoked");
    let (plain, watched) = (tokens(&served, RAE, ""), tokens(&served, RAE, CAPABLE));
    assert_eq!((plain["expires_in"].as_i64(), watched["expires_in"].as_i64()), (Some(3_600), Some(86_400)));
    served.on("clock", json!({ "by": "10m" }));
    administer(&served, ("POST", "/v1.0/users/rae@contoso.com/revokeSignInSessions"), "");
    assert_eq!(me(&served, &plain, "127.0.0.1").status, 200, "it lasts for its hour");
    assert_eq!(
        challenge(&me(&served, &watched, "127.0.0.1")),
        json!({ "access_token": { "nbf": { "essential": true, "value": "659" } } })
    );
    let refresh = served.refreshed(watched["refresh_token"].as_str().unwrap()).json();
    assert_eq!(refresh["error_codes"], json!([50_173]));
    assert_eq!(me(&served, &tokens(&served, RAE, CAPABLE), "127.0.0.1").status, 200, "who signs in again is in again");
}

#[test]
fn a_revocation_of_the_same_second_ends_what_was_before_it_and_nothing_after() {
    let served = Served::new("continuous-second");
    let before = tokens(&served, RAE, CAPABLE);
    administer(&served, ("POST", "/v1.0/users/rae@contoso.com/revokeSignInSessions"), "");
    let after = tokens(&served, RAE, CAPABLE);
    challenge(&me(&served, &before, "127.0.0.1"));
    assert_eq!(me(&served, &after, "127.0.0.1").status, 200, "it is dated a second later");
}

#[test]
fn an_account_that_is_disabled_deleted_or_at_risk_is_out_at_once() {
    let served = Served::new("continuous-account");
    let watched = tokens(&served, RAE, CAPABLE);
    let is_out = |served: &Served| me(served, &watched, "127.0.0.1").status == 401;
    assert!(!is_out(&served));
    administer(&served, ("PATCH", "/v1.0/users/rae@contoso.com"), r#"{"accountEnabled":false}"#);
    assert!(is_out(&served));
    administer(&served, ("PATCH", "/v1.0/users/rae@contoso.com"), r#"{"accountEnabled":true}"#);
    assert!(!is_out(&served));
    served.on("risk:rae@contoso.com", json!({ "userRisk": "medium" }));
    assert!(!is_out(&served));
    served.on("risk:rae@contoso.com", json!({ "userRisk": "high" }));
    assert!(is_out(&served));
    served.off("risk:rae@contoso.com");
    administer(&served, ("DELETE", "/v1.0/users/rae@contoso.com"), "");
    assert!(is_out(&served));
}

#[test]
fn whoever_moves_to_where_a_policy_blocks_is_challenged_there() {
    let served = Served::seeded("continuous-place", |seed| {
        seed["conditionalAccessPolicies"].as_array_mut().unwrap().push(json!({
            "id": "00000000-0000-4000-8000-0000000000d9", "displayName": "Not from the head office", "state": "enabled",
            "conditions": { "clientAppTypes": ["all"], "applications": { "includeApplications": ["All"] },
                "users": { "includeUsers": ["All"] },
                "locations": { "includeLocations": ["00000000-0000-4000-8000-00000000000b"], "excludeLocations": [] } },
            "grantControls": { "operator": "OR", "builtInControls": ["block"] },
        }));
    });
    let (plain, watched) = (tokens(&served, RAE, ""), tokens(&served, RAE, CAPABLE));
    assert_eq!(me(&served, &watched, "198.51.100.1").status, 200, "elsewhere nothing blocks");
    assert_eq!(me(&served, &plain, "203.0.113.7").status, 200, "nobody looks at it again");
    assert_eq!(
        challenge(&me(&served, &watched, "203.0.113.7")),
        json!({ "access_token": { "xms_rp_ipaddr": { "essential": true, "value": "203.0.113.7" } } })
    );
    assert_eq!(me(&served, &watched, "127.0.0.1").status, 200, "and back again");
}

#[test]
fn in_the_classic_profile_nobody_is_looked_at_again() {
    let served = Served::new("continuous-classic").restarted_with(Profile::Classic);
    let capable = tokens(&served, RAE, CAPABLE);
    assert_eq!(capable["expires_in"], 3_600);
    administer(&served, ("PATCH", "/v1.0/users/rae@contoso.com"), r#"{"accountEnabled":false}"#);
    assert_eq!(me(&served, &capable, "127.0.0.1").status, 200);
}
