//! Paths that lead somewhere else if they are read twice, or not as they are written.

use super::{GRAPH, MANAGER, read, text, tokens_for};
use crate::served::world::Served;

#[test]
fn a_path_is_decoded_once_and_never_leads_back() {
    let served = Served::new("hostile-paths");
    let (graph, manager) = (tokens_for(&served, GRAPH), tokens_for(&served, MANAGER));
    let graph = text(&graph, "access_token");
    for (path, expected) in [
        ("/v1.0/me", 200),
        ("/v1.0/users/emergency%40contoso.onmicrosoft.com", 200),
        ("/v1.0/../v1.0/me", 400),
        ("/v1.0/./me", 400),
        ("/v1.0/%2e%2e/v1.0/me", 400),
        ("/v1.0/%2E/me", 400),
        ("/v1.0//me", 400),
        ("/v1.0%2fme", 400),
        ("/v1.0/users/%2fetc%2fpasswd", 400),
        ("/v1.0/users/..%2f..%2ftenant.sqlite", 400),
        ("/v1.0/me%00", 400),
        ("/v1.0/users/a%0d%0ab", 400),
        ("/v1.0/users/%ff%fe", 400),
        ("/v1.0/users/%c0%ae%c0%ae", 400),
        ("/v1.0/users/%", 400),
        ("/v1.0/users/%zz", 400),
        ("/v1.0/users/%252e%252e", 404),
        ("/v1.0/users/%252fme", 404),
        ("/v1.0/users/..%5c..%5ctenant.sqlite", 404),
        ("/v1.0/me;a=b", 400),
        ("/V1.0/me", 400),
        ("/.breakglass/../v1.0/me", 400),
    ] {
        let answer = read(&served, graph, path);
        assert_eq!(answer.status, expected, "{path}: {}", answer.body);
        assert!(!answer.body.contains("SQLite"), "{path}");
    }
    let bearer = format!("Bearer {}", text(&manager, "access_token"));
    for (path, expected) in [
        ("/tenants?api-version=2022-12-01", 200),
        ("/subscriptions/../tenants", 400),
        ("/subscriptions/%2e%2e/tenants", 400),
        ("/tenants%00", 400),
        ("/tenants%2f", 400),
        ("/%2574enants", 404),
    ] {
        let answer = served.send_to_manager(("GET", path), &[("authorization", &bearer)], "").unwrap();
        assert_eq!(answer.status, expected, "{path}: {}", answer.body);
    }
}

#[test]
fn the_door_behind_the_scenes_is_closed_however_it_is_written() {
    let served = Served::new("hostile-backstage");
    let graph = tokens_for(&served, GRAPH);
    for path in [
        "/.breakglass/outbox",
        "/%2ebreakglass/outbox",
        "/.breakglass%2foutbox",
        "/.breakglass/./outbox",
        "/.breakglass//outbox",
        "/v1.0/../.breakglass/outbox",
        "/.BREAKGLASS/outbox",
        "/.breakglass/faults",
        "https://127.0.0.1/.breakglass/outbox",
    ] {
        let answer = read(&served, text(&graph, "access_token"), path);
        assert!((400..=404).contains(&answer.status), "{path}: {} {}", answer.status, answer.body);
        assert!(!answer.body.contains("\"value\""), "{path}: {}", answer.body);
    }
}
