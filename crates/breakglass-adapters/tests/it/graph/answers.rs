//! Answers, refusals, and answers that are none.

use std::time::Duration;

use breakglass_ops::ports::{Directory as _, DirectoryError, GraphRequest, Method};
use serde_json::{Value, json};

use super::world::{Played, Step, World, answer, answer_with, sending};

fn get(target: &str) -> GraphRequest<'_> {
    GraphRequest::get(target)
}

#[tokio::test]
async fn an_answer_comes_back_as_it_is() {
    let head = "HTTP/1.1 200 OK\r\ndate: Thu, 26 Nov 2026 03:00:07 GMT\r\nrequest-id: r-1\r\ncontent-length: 9\r\n\r\n";
    let played = Played::graph([Step::Raw(format!("{head}{{\"a\":[1]}}").into_bytes())]).await;
    let world = World::new();
    let mut request = get("/v1.0/users?$top=999&$filter=startswith(displayName,'a b')");
    request.is_eventual = true;
    let answered = played.client(&world).send(&request).await.unwrap();
    assert_eq!(answered.json::<Value>().unwrap(), json!({ "a": [1] }));
    assert_eq!(answered.date.unwrap().to_string(), "2026-11-26T03:00:07Z");
    assert_eq!((answered.status, answered.request_id.as_deref()), (200, Some("r-1")));
    let asked = played.asked();
    assert_eq!(asked[0].line, "GET /v1.0/users?$top=999&$filter=startswith(displayName,%27a%20b%27) HTTP/1.1");
    assert_eq!(asked[0].header("authorization"), Some("Bearer hush-token-1"));
    assert_eq!(asked[0].header("consistencylevel"), Some("eventual"));
    assert_eq!(asked[0].header("user-agent"), Some(concat!("breakglass/", env!("CARGO_PKG_VERSION"))));
    assert_eq!(asked[0].header("client-request-id").unwrap().len(), 36);
    assert_eq!(asked[0].header("cookie"), None);
}

#[tokio::test]
async fn every_method_is_sent() {
    let played = Played::graph([]).await;
    let world = World::new();
    let client = played.client(&world);
    for method in [Method::Post, Method::Patch, Method::Put, Method::Delete] {
        client.send(&sending(method, "/v1.0/x", json!({ "a": 1 }))).await.unwrap();
        let asked = played.asked();
        let last = asked.last().unwrap();
        assert_eq!(last.line, format!("{method} /v1.0/x HTTP/1.1"));
        assert_eq!((last.body.as_str(), last.header("content-type")), ("{\"a\":1}", Some("application/json")));
    }
}

#[tokio::test]
async fn refusals_keep_graphs_words() {
    let words =
        r#"{"error":{"code":"Request_ResourceNotFound","message":"Not there.","innerError":{"request-id":"r"}}}"#;
    let played = Played::graph([answer(404, words), answer(403, "<html>Blocked by proxy</html>")]).await;
    let world = World::new();
    let client = played.client(&world);
    let error = client.send(&get("/v1.0/users/1")).await.unwrap_err();
    assert!(error.is_not_found());
    assert_eq!(error.to_string(), "the tenant answered 404 Request_ResourceNotFound: Not there.");
    let DirectoryError::Refused(refused) = client.send(&get("/v1.0/users/1")).await.unwrap_err() else { panic!() };
    assert_eq!((refused.status, refused.code.as_str()), (403, ""));
    assert!(refused.message.contains("a proxy"), "{refused}");
}

#[tokio::test]
async fn a_redirect_is_a_refusal_and_followed_by_nobody() {
    let elsewhere = Played::graph([]).await;
    for status in [301, 302, 307, 308] {
        let played = Played::graph([answer_with(status, "location", &elsewhere.origin())]).await;
        let world = World::new();
        let error = played.client(&world).send(&get("/v1.0/users")).await.unwrap_err();
        assert_eq!(error.status(), Some(status), "{error}");
    }
    assert!(elsewhere.seen().is_empty());
}

#[tokio::test]
async fn a_next_link_to_elsewhere_is_not_followed() {
    let elsewhere = Played::graph([]).await;
    let played = Played::graph([]).await;
    let world = World::new();
    let client = played.client(&world);
    let port = played.address.port();
    for target in [
        format!("{}/v1.0/users?$skiptoken=hush", elsewhere.origin()),
        format!("http://localhost:{port}/v1.0/users"),
        format!("https://127.0.0.1:{port}/v1.0/users"),
        format!("http://somebody@127.0.0.1:{port}/v1.0/users"),
        format!("http://127.0.0.1:{port}@evil.example/v1.0/users"),
        "https://graph.microsoft.com/v1.0/users".to_owned(),
        "file:///etc/passwd".to_owned(),
        "v1.0/users".to_owned(),
        String::new(),
    ] {
        let error = client.send(&get(&target)).await.unwrap_err();
        assert!(matches!(error, DirectoryError::NotSent { .. }), "{target}: {error}");
        assert!(!error.may_be_done() && !error.to_string().contains("hush"), "{error}");
    }
    assert!(played.seen().is_empty() && elsewhere.seen().is_empty(), "not even a token was asked for");
    // Paths stay on the origin whatever is in them.
    for (target, line) in
        [("//evil.example/x", "GET //evil.example/x"), ("/../x", "GET /x"), ("/v1.0\\@x", "GET /v1.0/@x")]
    {
        client.send(&get(target)).await.unwrap();
        assert_eq!(played.asked().last().unwrap().line, format!("{line} HTTP/1.1"));
    }
    let own = format!("{}/v1.0/users?$skiptoken=x", played.origin());
    client.send(&get(&own)).await.unwrap();
    assert_eq!(played.asked().last().unwrap().line, "GET /v1.0/users?$skiptoken=x HTTP/1.1");
}

#[tokio::test]
async fn an_answer_past_the_limit_is_not_taken() {
    let mut world = World::new();
    world.limits.transport.answer_bytes = 1_000;
    let chunked = |count: usize| {
        let body = "a".repeat(count);
        Step::Raw(
            format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{count:x}\r\n{body}\r\n0\r\n\r\n").into(),
        )
    };
    let steps = [answer(200, &"a".repeat(1_000)), answer(200, &"a".repeat(1_001)), chunked(1_000), chunked(1_001)];
    let played = Played::graph(steps).await;
    let client = played.client(&world);
    for (index, is_taken) in [true, false, true, false].into_iter().enumerate() {
        let answered = client.send(&get("/v1.0/users")).await;
        assert_eq!(answered.is_ok(), is_taken, "{index}");
        if let Err(error) = answered {
            assert_eq!(error.to_string(), "the answer is not understood: it is larger than 1000 bytes");
        }
    }
    assert_eq!(played.asked().len(), 4, "it would be as large again");
}

#[tokio::test]
async fn a_refusal_that_is_cut_off_is_still_one() {
    let played = Played::graph([Step::Raw(b"HTTP/1.1 403 No\r\ncontent-length: 900\r\n\r\n{\"error\"".to_vec())]).await;
    let world = World::new();
    let error = played.client(&world).send(&get("/v1.0/users")).await.unwrap_err();
    assert_eq!(error.status(), Some(403), "{error}");
}

#[tokio::test]
async fn json_that_is_something_else_is_malformed() {
    let played = Played::graph([answer(200, "<html>")]).await;
    let world = World::new();
    let answered = played.client(&world).send(&get("/v1.0/users")).await.unwrap();
    let error = answered.json::<Value>().unwrap_err();
    assert!(matches!(error, DirectoryError::Malformed { .. }) && error.may_be_done());
}

#[tokio::test]
async fn a_time_out_is_of_the_answer() {
    let mut world = World::new();
    world.limits.transport.piece = Duration::from_millis(100);
    world.limits.attempts = 2;
    let stalled = || Step::Stall(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{".to_vec());
    let played = Played::graph([stalled(), stalled(), Step::Stall(Vec::new())]).await;
    let client = played.client(&world);
    let error = client.send(&get("/v1.0/users")).await.unwrap_err();
    assert_eq!(error.to_string(), "no answer came: `127.0.0.1` took too long to answer");
    assert!(error.may_be_done());
    assert_eq!(played.asked().len(), 2, "reading is repeated");
    let request = sending(Method::Post, "/v1.0/users", json!({}));
    let error = client.send(&request).await.unwrap_err();
    assert!(matches!(error, DirectoryError::Lost { .. }), "{error}");
    assert_eq!(played.asked().len(), 3, "creating is not");
}
