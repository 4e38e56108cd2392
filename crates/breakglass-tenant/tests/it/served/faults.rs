//! Faults of signing in: each is switched on, seen by a client, and switched off.

use serde_json::{Value, json};

use super::world::{ADMIN, Browser, Served, nothing};

const ADA: (&str, &str) = ("ada@contoso.onmicrosoft.com", "Ada-Passw0rd");
const FAY: (&str, &str) = ("fay@fabrikam.com", "Fay-Passw0rd");
const SYD: (&str, &str) = ("syd@contoso.com", "Syd-Passw0rd");
const DEV: (&str, &str) = ("dev@contoso.com", "Dev-Passw0rd");
const RAE: (&str, &str) = ("rae@contoso.com", "Rae-Passw0rd");
const PLACE: &str = "x-breakglass-place";
const DEVICE: &str = "x-breakglass-device";

#[test]
fn what_is_out_of_order_proves_nothing_and_other_methods_do() {
    let served = Served::new("mfa");
    for (fault, is_out) in [
        ("mfa-outage", [true, true, false]),
        ("telephony-outage", [false, true, false]),
        ("push-outage", [true, false, false]),
    ] {
        served.on(fault, nothing());
        assert_eq!(served.faults(), [fault]);
        for (method, is_out) in ["push", "sms", "oath"].into_iter().zip(is_out) {
            let mut browser = Browser::of(&served);
            let page = browser.sign_in(ADA);
            let asks = browser.go_on(&page, &[("do", "choose"), ("method", method)]);
            assert_eq!(asks.body.contains("AADSTS500121"), is_out, "{fault} {method}: {}", asks.body);
        }
        served.off(fault);
    }
    served.on("mfa-outage", nothing());
    let mut browser = Browser::of(&served);
    let page = browser.sign_in(ADA);
    assert!(page.body.contains("AADSTS500121") && !page.body.contains("We texted"), "{}", page.body);
    assert_eq!(served.newest_record(ADA.0)["status"]["errorCode"], json!(500_121));
    let asks = browser.go_on(&page, &[("do", "choose"), ("method", "oath")]);
    let back = browser.go_on(&asks, &[("do", "verify"), ("otc", "287082")]);
    assert!(back.header("location").is_some_and(|to| to.contains("code=")), "{}", back.body);
}

#[test]
fn a_message_that_was_sent_before_the_outage_is_not_checked_during_it() {
    let served = Served::new("mfa-between");
    let mut browser = Browser::of(&served);
    let page = browser.sign_in(ADA);
    let asks = browser.go_on(&page, &[("do", "choose"), ("method", "sms")]);
    let (_, outbox) = served.backstage("GET", &["outbox"], Value::Null);
    let text = outbox["value"][0]["text"].as_str().unwrap();
    let code: String = text.chars().filter(char::is_ascii_digit).collect();
    served.on("telephony-outage", nothing());
    let refused = browser.go_on(&asks, &[("do", "verify"), ("otc", &code)]);
    assert!(refused.body.contains("AADSTS500121"), "{}", refused.body);
}

#[test]
fn federated_and_synchronised_users_need_what_checks_their_passwords() {
    let served = Served::new("premises");
    let codes = || [FAY, SYD, ADMIN].map(|who| served.code(&[], who));
    assert_eq!(codes(), [0, 0, 0]);
    for (fault, settings, expected) in [
        ("federation-down", json!({}), [40_010, 0, 0]),
        ("on-premises-down", json!({}), [40_010, 0, 0]),
        ("on-premises-down", json!({ "signIn": "passwordHashSync" }), [40_010, 0, 0]),
        ("on-premises-down", json!({ "signIn": "passThrough" }), [40_010, 80_001, 0]),
    ] {
        served.on(fault, settings.clone());
        assert_eq!(codes(), expected, "{fault} {settings}");
        served.off(fault);
    }
    served.on("on-premises-down", json!({ "signIn": "passThrough" }));
    // Nobody can tell that this is wrong, so that it counts for nothing.
    for number in 0..12 {
        assert_eq!(served.code(&[], (SYD.0, &format!("wrong-{number}"))), 80_001);
    }
    assert_eq!(served.newest_record(SYD.0)["status"]["errorCode"], json!(80_001));
    served.off("on-premises-down");
    assert_eq!(codes(), [0, 0, 0]);
}

#[test]
fn no_device_is_compliant_while_intune_is_down() {
    let served = Served::new("intune");
    for id in ["00000000-0000-4000-8000-0000000000f1", "00000000-0000-4000-8000-0000000000F2"] {
        assert_eq!(served.code(&[(DEVICE, id)], DEV), 0, "{id}");
    }
    let on_device = [(DEVICE, "00000000-0000-4000-8000-0000000000f2")];
    assert_eq!(served.newest_record(DEV.0)["deviceDetail"]["displayName"], json!("DEV-LAPTOP"));
    assert_eq!(served.code(&[], DEV), 53_000);
    served.on("intune-down", nothing());
    assert_eq!(served.code(&on_device, DEV), 53_000);
    assert_eq!(served.newest_record(DEV.0)["deviceDetail"]["isCompliant"], json!(false));
    assert_eq!(served.code(&[], ADMIN), 0);
    served.off("intune-down");
    assert_eq!(served.code(&on_device, DEV), 0);
    let unknown = served.password(&[(DEVICE, "not-there")], DEV);
    assert_eq!(unknown["error"]["code"], json!("BadRequest"), "{unknown}");
}

#[test]
fn risk_is_weighed_by_the_policies() {
    let served = Served::new("risk");
    let name = format!("risk:{}", RAE.0);
    assert_eq!(served.code(&[], RAE), 0);
    for (settings, expected) in [
        (json!({}), 53_003),
        (json!({ "userRisk": "high" }), 53_003),
        (json!({ "userRisk": "medium" }), 0),
        (json!({ "signInRisk": "high" }), 50_076),
        (json!({ "signInRisk": "low" }), 0),
    ] {
        served.on(&name, settings.clone());
        assert_eq!(served.code(&[], RAE), expected, "{settings}");
        assert_eq!(served.code(&[], ADMIN), 0, "{settings}");
    }
    let record = served.newest_record(RAE.0);
    assert_eq!((&record["riskLevelDuringSignIn"], &record["riskState"]), (&json!("low"), &json!("atRisk")));
    assert_eq!(served.faults(), [name.as_str()], "settings of one that is on are changed");
    served.off("risk:00000000-0000-4000-8000-0000000000a6");
    assert_eq!(served.code(&[], RAE), 0);
}

#[test]
fn nobody_is_answered_in_a_network_that_is_down() {
    let served = Served::new("network");
    let office = [(PLACE, "203.0.113.9")];
    for name in ["network:Head office", "network:00000000-0000-4000-8000-00000000000b"] {
        assert_eq!(served.code(&office, ADMIN), 0);
        served.on(name, nothing());
        let page = ("GET", "/organizations/v2.0/.well-known/openid-configuration");
        assert!(served.send(page, &office, "").is_err());
        assert!(served.send(page, &[(PLACE, "203.0.112.255")], "").is_ok());
        assert_eq!(served.code(&[], ADMIN), 0);
        served.off("network:Head office");
    }
}

#[test]
fn sessions_are_carried_on_while_nobody_can_begin_one() {
    let served = Served::new("tokens");
    let refresh = served.password(&[], ADMIN)["refresh_token"].as_str().unwrap().to_owned();
    let mut browser = Browser::of(&served);
    let page = browser.authorize();
    served.on("token-service-down", nothing());
    assert_eq!(served.code(&[], ADMIN), 90_033);
    let carried = served.refreshed(&refresh);
    assert_eq!(carried.status, 200, "{}", carried.body);
    let half_way = browser.go_on(&page, &[("login", ADMIN.0), ("passwd", ADMIN.1)]);
    assert!(half_way.body.contains("AADSTS90033"), "{}", half_way.body);
    let again = browser.authorize();
    assert!(again.header("location").is_some_and(|to| to.contains("error=temporarily_unavailable")), "{}", again.head);
    let device = [("client_id", "04b07795-8ddb-461a-bbee-02f9e1bf7b46"), ("scope", "openid")];
    let device =
        served.send(("POST", "/organizations/oauth2/v2.0/devicecode"), &[], &super::world::written(&device)).unwrap();
    assert_eq!((device.status, &device.json()["error_codes"]), (503, &json!([90_033])));
    served.off("token-service-down");
    assert_eq!(served.code(&[], ADMIN), 0);
}

#[test]
fn a_clock_that_is_moved_moves_everything() {
    let served = Served::new("clock");
    let token = served.password(&[], ADMIN);
    let bearer = format!("Bearer {}", token["access_token"].as_str().unwrap());
    let me = || served.send(("GET", "/v1.0/me"), &[("authorization", &bearer)], "").unwrap().status;
    let refresh = token["refresh_token"].as_str().unwrap();
    assert_eq!(me(), 200);
    served.on("clock", json!({ "by": "61m" }));
    assert_eq!(me(), 401);
    assert_eq!(served.refreshed(refresh).status, 200);
    served.on("clock", json!({ "by": "91d" }));
    assert_eq!(served.refreshed(refresh).json()["error_codes"], json!([700_082]));
    let served = served.restarted();
    assert_eq!(served.newest_record(ADMIN.0)["createdDateTime"], json!("1970-04-02T00:00:59Z"));
    served.off("clock");
    assert_eq!(served.newest_record(ADMIN.0)["createdDateTime"], json!("1970-01-01T00:00:59Z"));
}

#[test]
fn faults_are_listed_kept_and_cleared() {
    let served = Served::new("listed");
    served.on("slow", json!({ "seconds": 1 }));
    served.on("mfa-outage", nothing());
    served.on("network:Head office", nothing());
    let all = ["mfa-outage", "network:Head office", "slow"];
    assert_eq!(served.faults(), all);
    let served = served.restarted();
    assert_eq!(served.faults(), all);
    assert_eq!(served.tenant.faults(), all);
    assert_eq!(served.backstage("DELETE", &["faults"], Value::Null), (204, Value::Null));
    assert!(served.faults().is_empty());
    assert!(served.restarted().faults().is_empty());
}

#[test]
fn what_cannot_be_switched_is_refused_with_the_reason() {
    let served = Served::new("refused");
    served.on("graph-429", json!({ "retryAfterSeconds": 5 }));
    for (name, settings, status, reason) in [
        ("mfa-outrage", json!({}), 400, "there is no fault"),
        ("", json!({}), 404, ""),
        ("pim-down", json!({ "seconds": 3 }), 400, "has no setting"),
        ("risk", json!({}), 400, "`risk:USER`"),
        ("risk:", json!({}), 400, "`risk:USER`"),
        ("risk:nobody@contoso.com", json!({}), 404, "there is no user"),
        ("network", json!({}), 400, "`network:LOCATION`"),
        ("network:Home country", json!({}), 404, "no named location"),
        ("mfa-outage:ada", json!({}), 400, "the whole tenant"),
        ("mfa-outage", json!({ "seconds": 3 }), 400, "has no setting"),
        ("slow", json!({ "seconds": 121 }), 400, "from 1 to 120"),
        ("clock", json!({}), 400, "`3h`"),
        ("risk:rae@contoso.com", json!({ "userRisk": "none", "signInRisk": "none" }), 400, "switch the fault off"),
        ("risk:rae@contoso.com", json!({ "userRisk": "extreme" }), 400, "one of"),
        ("graph-503", json!({}), 409, "`graph-429` is on"),
        ("graph-429", json!([]), 400, "object"),
    ] {
        let parts: &[&str] = if name.is_empty() { &["faults", "a", "b"] } else { &["faults", name] };
        let (answered, body) = served.backstage("PUT", parts, settings);
        let message = body["error"]["message"].as_str().unwrap();
        assert!(answered == status && message.contains(reason), "{name}: {answered} {message}");
    }
    let (status, body) = served.backstage("DELETE", &["faults", "slow"], Value::Null);
    assert!(status == 404 && body["error"]["message"].as_str().unwrap().contains("not on"), "{body}");
    assert_eq!(served.faults(), ["graph-429"]);
    let without = served.send(("PUT", "/.breakglass/faults/slow"), &[], "{}").unwrap();
    assert_eq!(without.status, 403);
}

#[test]
fn nobody_asks_behind_the_scenes_from_another_machine() {
    let served = Served::new("faults-elsewhere");
    let token = std::fs::read_to_string(served.folder().join("backstage-token")).unwrap();
    let bearer = format!("Bearer {}", token.trim());
    let ask = |headers: &[(&str, &str)]| {
        let headers = [&[("authorization", bearer.as_str())], headers].concat();
        served.send(("GET", "/.breakglass/faults"), &headers, "").unwrap().status
    };
    assert_eq!((ask(&[]), ask(&[("x-breakglass-place", "203.0.113.7")])), (200, 403));
}

#[cfg(unix)]
#[test]
fn the_database_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let served = Served::new("faults-database");
    let mut count = 0;
    for name in ["tenant.sqlite", "tenant.sqlite-wal", "tenant.sqlite-shm"] {
        if let Ok(metadata) = std::fs::metadata(served.folder().join(name)) {
            assert_eq!(metadata.permissions().mode() & 0o077, 0, "{name}");
            count += 1;
        }
    }
    assert!(count >= 2, "it is open");
}
