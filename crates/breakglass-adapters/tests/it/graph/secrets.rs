//! What must be seen in requests and nowhere else.

use breakglass_adapters::graph::sign_in::{ClientCertificate, Way};
use breakglass_adapters::http::{Proxies, SecretText};
use breakglass_custody::password::Password;
use breakglass_ops::ports::{Directory as _, GraphRequest, Method, Repeat, SecretValue};
use serde_json::json;

use super::world::{Played, SECRET, Step, World, answer, sending};

#[tokio::test]
async fn a_password_is_in_the_body_and_in_no_error() {
    let password = Password::of_text("hush \"password\" \\ é".to_owned());
    let body = json!({ "displayName": "x", "passwordProfile": { "forceChangePasswordNextSignIn": false } });
    let mut request = sending(Method::Post, "/v1.0/users", body.clone());
    request.secret = Some(SecretValue { pointer: "/passwordProfile/password", password: &password });
    request.repeat = Repeat::Safe;
    assert!(!format!("{request:?}").contains("hush"));
    let echoed = json!({ "error": { "code": "Echo", "message": "hush \"password\" \\ é is too weak" } }).to_string();
    let bearer = json!({ "error": { "code": "hush-token-1", "message": "" } }).to_string();
    let steps = [answer(503, ""), answer(400, &echoed), answer(400, &bearer), answer(400, "hush \"password\" \\ é")];
    let played = Played::graph(steps).await;
    let world = World::new();
    let client = played.client(&world);
    for _ in 0..3 {
        let error = client.send(&request).await.unwrap_err();
        let told = format!("{error} {error:?}");
        assert!(told.contains("repeats a secret") && !told.contains("hush"), "{told}");
    }
    for seen in played.asked() {
        let sent: serde_json::Value = serde_json::from_str(&seen.body).unwrap();
        assert_eq!(sent["passwordProfile"]["password"], "hush \"password\" \\ é", "repeated as it was");
    }
    // What was handed in has no password in it afterwards.
    assert_eq!(request.body.unwrap().into_owned(), body);
}

#[tokio::test]
async fn a_password_without_a_place_goes_nowhere() {
    let password = Password::of_text("hush".to_owned());
    let mut request = sending(Method::Patch, "/v1.0/users/1", json!({}));
    request.secret = Some(SecretValue { pointer: "/passwordProfile/password", password: &password });
    let played = Played::graph([]).await;
    let world = World::new();
    let error = played.client(&world).send(&request).await.unwrap_err();
    assert_eq!(error.to_string(), "the tenant cannot be reached: the place of the password is not in the body");
    assert!(played.seen().is_empty());
}

#[test]
fn values_do_not_show_what_is_in_them() {
    let hush = || SecretText::new("hush".to_owned());
    let proxies = Proxies { https: Some(hush()), no_proxy: String::new() };
    for text in [format!("{proxies:?}"), format!("{:?}", Way::ClientSecret(hush())), format!("{:?}", hush())] {
        assert!(!text.contains("hush"), "{text}");
    }
    let error = ClientCertificate::from_pem(b"hush").unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hush"));
}

#[tokio::test]
async fn no_way_of_breaking_tells_a_secret() {
    let world = World::new();
    let close = || Step::Close;
    for (graph, authority) in [
        (vec![close(); 9], vec![]),
        (vec![], vec![close(); 9]),
        (vec![answer(400, "{\"error\":{\"code\":\"x\"}}")], vec![]),
        (vec![], vec![answer(400, "{\"error\":\"x\",\"error_description\":\"y\"}")]),
        (
            vec![],
            vec![answer(401, &json!({ "error": SECRET, "error_description": SECRET, "trace_id": SECRET }).to_string())],
        ),
        (vec![Step::Raw(b"HTTP/1.1 400 X\r\nrequest-id: hush-token-1\r\ncontent-length: 0\r\n\r\n".to_vec())], vec![]),
        (vec![], vec![answer(200, "{\"access_token\":\"hush-token-9\",\"expires_in\":\"hush\"}")]),
    ] {
        let played = Played::both(graph, authority).await;
        let client = played.client(&world);
        let error = client.send(&GraphRequest::get("/v1.0/users")).await.unwrap_err();
        let told = format!("{error} {error:?}");
        assert!(!told.contains("hush") && !told.contains(SECRET), "{told}");
    }
    assert!(world.shown.texts.lock().unwrap().is_empty());
}
