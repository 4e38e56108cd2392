//! A tenant that is not there: nothing was sent, and that is known.

use std::time::Duration;

use breakglass_adapters::graph::sign_in::Way;
use breakglass_adapters::graph::{Cloud, GraphClient};
use breakglass_adapters::http::SecretText;
use breakglass_ops::ports::{Directory as _, DirectoryError, GraphRequest, Method};
use serde_json::json;
use tokio::net::TcpListener;

use super::world::{Played, SECRET, World, sending};

/// A client that signs in at one place and asks Graph at another.
fn client(played: &Played, graph: &str, world: &World) -> GraphClient {
    let mut settings = played.settings(world, Way::ClientSecret(SecretText::new(SECRET.to_owned())));
    settings.cloud = Cloud::custom_with_loopback_http(&played.origin(), graph).unwrap();
    GraphClient::new(settings, world.surroundings()).unwrap()
}

async fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn nobody_listens() {
    let played = Played::graph([]).await;
    let world = World::new();
    let graph = format!("http://127.0.0.1:{}", free_port().await);
    let request = sending(Method::Post, "/v1.0/users", json!({}));
    let error = client(&played, &graph, &world).send(&request).await.unwrap_err();
    assert!(matches!(error, DirectoryError::NotSent { .. }), "{error}");
    assert!(error.to_string().starts_with("the tenant cannot be reached: there is no connection to `127.0.0.1`: "));
    assert_eq!(world.time.waits(), [1_000, 2_000], "a connection is tried three times, whatever the request does");
}

#[tokio::test]
async fn the_authority_is_not_there() {
    let played = Played::graph([]).await;
    let world = World::new();
    let mut settings = played.settings(&world, Way::ClientSecret(SecretText::new(SECRET.to_owned())));
    let nobody = format!("http://127.0.0.1:{}", free_port().await);
    settings.cloud = Cloud::custom_with_loopback_http(&nobody, &played.origin()).unwrap();
    let client = GraphClient::new(settings, world.surroundings()).unwrap();
    let error = client.send(&GraphRequest::get("/v1.0/users")).await.unwrap_err();
    assert!(matches!(error, DirectoryError::NotSent { .. }), "{error}");
    assert!(matches!(client.signed_in().await, Err(DirectoryError::NotSent { .. })));
    assert!(played.seen().is_empty());
}

#[tokio::test]
async fn who_does_not_secure_the_connection_is_not_connected() {
    // It takes the connection and says nothing: the handshake is part of connecting.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let graph = format!("https://{}", listener.local_addr().unwrap());
    let held = tokio::spawn(async move {
        let mut all = Vec::new();
        while let Ok(taken) = listener.accept().await {
            all.push(taken);
        }
    });
    let played = Played::graph([]).await;
    let mut world = World::new();
    world.limits.transport.connect = Duration::from_millis(100);
    let request = sending(Method::Post, "/v1.0/users", json!({}));
    let error = client(&played, &graph, &world).send(&request).await.unwrap_err();
    assert_eq!(error.to_string(), "the tenant cannot be reached: `127.0.0.1` does not answer in time");
    assert!(matches!(error, DirectoryError::NotSent { .. }));
    held.abort();
    // It speaks HTTP in the clear.
    let plain = format!("https://{}", played.address);
    let error = client(&played, &plain, &world).send(&request).await.unwrap_err();
    assert!(matches!(error, DirectoryError::NotSent { .. }), "{error}");
}
