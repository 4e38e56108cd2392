//! The proxy that the door names, and none that the environment names.

use breakglass_adapters::graph::sign_in::Way;
use breakglass_adapters::graph::{Cloud, GraphClient, SettingsError};
use breakglass_adapters::http::{Proxies, SecretText};
use breakglass_ops::ports::{Directory as _, DirectoryError, GraphRequest};

use super::world::{Played, SECRET, Step, World};

fn client(
    world: &World,
    played: &Played,
    (graph, proxy, no_proxy): (&str, &str, &str),
) -> Result<GraphClient, SettingsError> {
    let mut settings = played.settings(world, Way::ClientSecret(SecretText::new(SECRET.to_owned())));
    settings.cloud = Cloud::custom_with_loopback_http(&played.origin(), graph).unwrap();
    let https = Some(SecretText::new(proxy.to_owned()));
    settings.proxies = Proxies { https, no_proxy: no_proxy.to_owned() };
    GraphClient::new(settings, world.surroundings())
}

#[tokio::test]
async fn what_is_secured_goes_through_the_proxy() {
    let refuses = Step::Raw(b"HTTP/1.1 407 No\r\ncontent-length: 0\r\n\r\n".to_vec());
    let proxy = Played::graph(vec![refuses; 3]).await;
    let played = Played::graph([]).await;
    let world = World::new();
    let at = format!("http://somebody:hush@{}", proxy.address);
    let client = client(&world, &played, ("https://graph.contoso.example", &at, "")).unwrap();
    let error = client.send(&GraphRequest::get("/v1.0/users")).await.unwrap_err();
    assert!(matches!(error, DirectoryError::NotSent { .. }), "{error}");
    assert!(!format!("{error} {error:?}").contains("hush"), "{error}");
    let way = format!("there is no connection to `graph.contoso.example` by the proxy `{}`: ", proxy.address);
    assert!(error.to_string().contains(&way), "{error}");
    let seen = proxy.seen();
    assert_eq!(seen[0].line, "CONNECT graph.contoso.example:443 HTTP/1.1");
    assert_eq!(seen[0].header("proxy-authorization"), Some("Basic c29tZWJvZHk6aHVzaA=="));
    assert!(seen.iter().all(|seen| seen.header("authorization").is_none()), "the token is not for the proxy");
}

#[tokio::test]
async fn what_is_named_goes_past_the_proxy() {
    let proxy = Played::graph([]).await;
    let played = Played::graph([]).await;
    let world = World::new();
    let at = format!("http://{}", proxy.address);
    // Nothing listens there in TLS, which is told without having asked the proxy.
    let graph = format!("https://{}", played.address);
    let client = client(&world, &played, (&graph, &at, "127.0.0.1")).unwrap();
    let error = client.send(&GraphRequest::get("/v1.0/users")).await.unwrap_err();
    assert!(matches!(error, DirectoryError::NotSent { .. }), "{error}");
    assert!(error.to_string().contains("unless NO_PROXY names it"), "{error}");
    assert!(proxy.seen().is_empty());
}

#[tokio::test]
async fn an_address_that_is_none_is_refused_without_being_told() {
    let played = Played::graph([]).await;
    let world = World::new();
    for wrong in ["", "hush", "socks5://hush:1", "http://", "http://hush:hush:hush"] {
        let error = client(&world, &played, (&played.origin(), wrong, "")).err().unwrap();
        assert!(!format!("{error} {error:?}").contains("hush"), "{error:?}");
    }
}
