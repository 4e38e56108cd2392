//! What is sent again, after how long, and what is not.

use std::time::Duration;

use breakglass_ops::ports::{Directory as _, DirectoryError, GraphRequest, Method, Repeat};
use serde_json::json;

use super::world::{Played, Step, World, answer, answer_with, sending, token};

/// A step each time anew.
type MadeStep = fn() -> Step;

fn create() -> GraphRequest<'static> {
    sending(Method::Post, "/v1.0/users", json!({ "displayName": "x" }))
}

fn repeatable() -> GraphRequest<'static> {
    GraphRequest { repeat: Repeat::Safe, ..create() }
}

#[tokio::test]
async fn throttling_is_waited_for_by_everybody() {
    for (name, request) in
        [("read", GraphRequest::get("/v1.0/users")), ("create", create()), ("repeatable", repeatable())]
    {
        let steps = [answer_with(429, "retry-after", "7"), answer(429, ""), answer(429, ""), answer(200, "{}")];
        let played = Played::graph(steps).await;
        let world = World::new();
        played.client(&world).send(&request).await.unwrap();
        assert_eq!(world.time.waits(), [7_000, 2_000, 4_000], "{name}");
        let asked = played.asked();
        assert_eq!(asked.len(), 4);
        let ids: Vec<_> = asked.iter().map(|seen| seen.header("client-request-id").unwrap()).collect();
        assert!(ids.iter().all(|id| *id == ids[0]), "it is one request: {ids:?}");
    }
}

#[tokio::test]
async fn a_date_is_waited_for_by_the_servers_clock() {
    let head =
        "HTTP/1.1 429 X\r\ncontent-length: 0\r\nconnection: close\r\nretry-after: Thu, 26 Nov 2026 05:00:09 GMT\r\n";
    let skewed = format!("{head}date: Thu, 26 Nov 2026 05:00:00 GMT\r\n\r\n");
    let played = Played::graph([Step::Raw(skewed.into_bytes())]).await;
    let world = World::new();
    played.client(&world).send(&create()).await.unwrap();
    assert_eq!(world.time.waits(), [9_000]);
}

#[tokio::test]
async fn a_storm_ends_somewhere() {
    let played =
        Played::graph(vec![answer(429, r#"{"error":{"code":"TooManyRequests","message":"Slow."}}"#); 50]).await;
    let world = World::new();
    let error = played.client(&world).send(&create()).await.unwrap_err();
    assert_eq!(error.to_string(), "the tenant answered 429 TooManyRequests: Slow.");
    assert!(!error.may_be_done());
    assert_eq!(played.asked().len(), 8);
    assert_eq!(world.time.waits(), [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 32_000]);
}

#[tokio::test]
async fn a_wait_that_is_too_long_is_told() {
    for (asked, sent) in [("120", 2), ("121", 1), ("99999999999999999999", 2)] {
        let played = Played::graph([answer_with(429, "retry-after", asked)]).await;
        let world = World::new();
        let answered = played.client(&world).send(&create()).await;
        assert_eq!(played.asked().len(), sent, "{asked}");
        assert_eq!(answered.is_ok(), sent == 2, "{asked}: what is no number of seconds is as none");
    }
}

#[tokio::test]
async fn what_breaks_is_repeated_only_where_twice_is_as_good_as_once() {
    let close: MadeStep = || Step::Close;
    let truncated: MadeStep = || Step::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{".to_vec());
    let steps: [(&str, MadeStep); 6] = [
        ("500", || answer(500, "")),
        ("502", || answer(502, "")),
        ("503", || answer_with(503, "retry-after", "3")),
        ("504", || answer(504, "")),
        ("closed", close),
        ("truncated", truncated),
    ];
    for (name, step) in steps {
        for request in [GraphRequest::get("/v1.0/users"), repeatable()] {
            let played = Played::graph([step()]).await;
            let world = World::new();
            played.client(&world).send(&request).await.unwrap();
            let expected = if name == "503" { 3_000 } else { 1_000 };
            assert_eq!((played.asked().len(), world.time.waits()), (2, vec![expected]), "{name}");
        }
        let played = Played::graph([step()]).await;
        let world = World::new();
        let error = played.client(&world).send(&create()).await.unwrap_err();
        assert!(error.may_be_done(), "{name}: {error}");
        assert_eq!((played.asked().len(), world.time.waits().len()), (1, 0), "{name}");
        let is_lost = matches!(error, DirectoryError::Lost { .. });
        assert_eq!(is_lost, ["closed", "truncated"].contains(&name), "{name}: {error}");
    }
}

#[tokio::test]
async fn what_may_be_done_is_never_called_undone_later() {
    let gone = || answer(400, r#"{"error":"invalid_client","error_description":"AADSTS7000215: No."}"#);
    let storm = |first: Step| std::iter::once(first).chain(vec![answer(429, ""); 20]).collect::<Vec<_>>();
    for (graph, authority, expected) in [
        (vec![Step::Close], vec![token("a", 0), gone()], "no answer came"),
        (vec![answer(500, "")], vec![token("a", 0), gone()], "the tenant answered 500"),
        (storm(Step::Close), vec![], "no answer came"),
        (storm(answer(503, "")), vec![], "the tenant answered 503"),
        (vec![answer(401, ""), Step::Close], vec![token("a", 0), token("b", 0), gone()], "no answer came"),
        // This answers what was asked.
        (vec![Step::Close, answer(404, "")], vec![], "the tenant answered 404"),
    ] {
        let played = Played::both(graph, authority).await;
        let world = World::new();
        let error = played.client(&world).send(&repeatable()).await.unwrap_err();
        assert!(error.to_string().starts_with(expected), "{error}");
        assert_eq!(error.may_be_done(), !error.is_not_found(), "{error}");
    }
}

#[tokio::test]
async fn a_connection_that_is_closed_unread_is_lost_all_the_same() {
    // Nobody on this side can tell that it was not read.
    let played = Played::graph([Step::CloseUnread]).await;
    let world = World::new();
    let error = played.client(&world).send(&create()).await.unwrap_err();
    assert!(matches!(error, DirectoryError::Lost { .. }), "{error}");
}

#[tokio::test]
async fn other_refusals_are_final() {
    for status in [400, 403, 404, 409, 412, 423, 501] {
        let played = Played::graph([answer(status, "")]).await;
        let world = World::new();
        let error = played.client(&world).send(&GraphRequest::get("/v1.0/users")).await.unwrap_err();
        assert_eq!((error.status(), played.asked().len()), (Some(status), 1));
    }
}

#[tokio::test]
async fn conditional_access_is_asked_once_a_second() {
    let played = Played::graph([]).await;
    let world = World::new();
    let client = played.client(&world);
    for path in ["/v1.0/identity/conditionalAccess/policies", "/beta/identityProtection/riskyUsers", "/v1.0/users"] {
        client.send(&GraphRequest::get(path)).await.unwrap();
    }
    world.time.pass(Duration::from_millis(300));
    client.send(&GraphRequest::get("/v1.0/identity/conditionalAccess/namedLocations")).await.unwrap();
    assert_eq!(world.time.waits(), [1_000, 700]);
}

#[tokio::test]
async fn the_logs_are_asked_five_times_in_ten_seconds() {
    let played = Played::graph([]).await;
    let world = World::new();
    let client = played.client(&world);
    for _ in 0..12 {
        client.send(&GraphRequest::get("/v1.0/auditLogs/signIns")).await.unwrap();
    }
    assert_eq!(world.time.waits(), [10_000, 10_000]);
}

#[tokio::test]
async fn many_at_once_wait_in_line() {
    let played = Played::graph([]).await;
    let world = World::new();
    let client = played.client(&world);
    let request = GraphRequest::get("/v1.0/identity/conditionalAccess/policies");
    let (one, two, three) = tokio::join!(client.send(&request), client.send(&request), client.send(&request));
    assert!(one.is_ok() && two.is_ok() && three.is_ok());
    assert_eq!(world.time.waits(), [1_000, 1_000]);
    assert_eq!(played.signed_in().len(), 1, "they share one sign-in");
}
