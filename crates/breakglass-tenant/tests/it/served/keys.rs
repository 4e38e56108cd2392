//! The keys that sign tokens follow each other, in time and at once.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::world::{ADMIN, Served};

fn published(served: &Served) -> Vec<String> {
    let answer = served.send(("GET", "/common/discovery/v2.0/keys"), &[], "").unwrap().json();
    answer["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

fn token(served: &Served) -> String {
    served.password(&[], ADMIN)["access_token"].as_str().unwrap().to_owned()
}

fn signer(token: &str) -> String {
    let header: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap()).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

fn status(served: &Served, token: &str) -> u16 {
    served.send(("GET", "/v1.0/me"), &[("authorization", &format!("Bearer {token}"))], "").unwrap().status
}

#[test]
fn the_next_key_is_published_a_day_before_it_signs_and_the_last_one_stays_for_two() {
    let served = Served::new("keys-in-time");
    let at = |served: &Served, by: &str| {
        served.on("clock", json!({ "by": by }));
        (published(served), signer(&token(served)))
    };
    let first = signer(&token(&served));
    for (by, count, is_first) in [
        ("58d", 1, true),
        ("59d", 2, true),
        ("1434h", 2, true),
        ("60d", 2, false),
        ("1487h", 2, false),
        ("62d", 1, false),
    ] {
        let (known, now) = at(&served, by);
        assert_eq!((known.len(), now == first), (count, is_first), "after {by}");
        assert!(known.contains(&now), "after {by}");
    }
    let (before, served) = (published(&served), served.restarted());
    assert_eq!(published(&served), before, "they are kept");
}

#[test]
fn a_key_that_is_replaced_at_once_is_verified_for_a_while() {
    let served = Served::new("keys-at-once");
    let old = token(&served);
    let (status_of_it, made) = served.backstage("POST", &["keys"], Value::Null);
    assert_eq!(status_of_it, 201);
    let new = token(&served);
    assert_eq!(signer(&new), made["kid"].as_str().unwrap());
    assert_ne!(signer(&new), signer(&old));
    assert_eq!((published(&served).len(), status(&served, &old), status(&served, &new)), (2, 200, 200));
    let served = served.restarted();
    assert_eq!((published(&served).len(), status(&served, &old), signer(&token(&served))), (2, 200, signer(&new)));
}
