//! What the head of a request says: HEAD in place of GET, and where a client claims to be.

use super::world::{ADMIN, Served};

#[test]
fn head_is_answered_as_get_is_without_the_body() {
    let served = Served::new("head");
    let token = served.password(&[], ADMIN);
    let bearer = format!("Bearer {}", token["access_token"].as_str().unwrap());
    let headers = [("authorization", bearer.as_str())];
    for path in [
        "/common/v2.0/.well-known/openid-configuration",
        "/common/discovery/v2.0/keys",
        "/devicelogin",
        "/v1.0/users",
        "/v1.0/users/nobody@contoso.com",
        "/nothing/here",
    ] {
        let (get, head) = (served.send(("GET", path), &headers, ""), served.send(("HEAD", path), &headers, ""));
        let (get, head) = (get.unwrap(), head.unwrap());
        assert_eq!((head.status, head.body.as_str()), (get.status, ""), "{path}");
        for name in ["content-type", "content-length"] {
            assert!(get.header(name).is_some(), "{path}");
            assert_eq!(head.header(name), get.header(name), "{path}: {name}");
        }
    }
    let manager = served.send_to_manager(("HEAD", "/metadata/endpoints?api-version=2022-09-01"), &[], "").unwrap();
    assert_eq!((manager.status, manager.body.as_str()), (200, ""));
}

#[test]
fn a_place_that_is_no_address_is_refused() {
    let served = Served::new("place");
    let status = |place: &str| {
        let headers = [("x-breakglass-place", place)];
        served.send(("GET", "/common/discovery/v2.0/keys"), &headers, "").unwrap().status
    };
    for (place, expected) in [
        ("203.0.113.7", 200),
        ("2001:db8::7", 200),
        ("", 400),
        ("junk", 400),
        ("203.0.113.7/24", 400),
        ("203.0.113.7, 203.0.113.8", 400),
        ("203.0.113.7:443", 400),
        ("\u{e9}", 400),
    ] {
        assert_eq!(status(place), expected, "{place}");
    }
    let headers = [("x-breakglass-place", "junk")];
    assert_eq!(served.send_to_manager(("GET", "/metadata/endpoints"), &headers, "").unwrap().status, 400);
}
