//! Faults of Microsoft Graph.

use breakglass_tenant::call::Call;
use serde_json::json;

use super::world::{ADMIN, Answer, Served, nothing};

struct Client<'s> {
    served: &'s Served,
    bearer: String,
}

impl<'s> Client<'s> {
    fn of(served: &'s Served) -> Self {
        let token = served.password(&[], ADMIN);
        Self { served, bearer: format!("Bearer {}", token["access_token"].as_str().unwrap()) }
    }

    fn send(&self, what: (&str, &str), body: &str) -> std::io::Result<Answer> {
        let headers = [("authorization", self.bearer.as_str()), ("content-type", "application/json")];
        self.served.send(what, &headers, body)
    }
}

#[test]
fn throttling_says_when_to_come_back_or_does_not() {
    let served = Served::new("throttled");
    let client = Client::of(&served);
    for (settings, after) in [(json!({}), None), (json!({ "retryAfterSeconds": 7 }), Some("7"))] {
        served.on("graph-429", settings);
        let answer = client.send(("GET", "/v1.0/users"), "").unwrap();
        assert_eq!((answer.status, answer.header("retry-after")), (429, after));
        assert_eq!(answer.json()["error"]["code"], json!("TooManyRequests"));
        assert!(answer.header("request-id").is_some());
        let batch = json!({ "requests": [{ "id": "1", "method": "GET", "url": "/users" }] }).to_string();
        let batch = client.send(("POST", "/v1.0/$batch"), &batch).unwrap();
        let one = &batch.json()["responses"][0];
        assert_eq!((batch.status, &one["status"], one["headers"]["retry-after"].as_str()), (200, &json!(429), after));
    }
    assert_eq!(served.code(&[], ADMIN), 0, "the login endpoints are not Graph");
    served.off("graph-429");
    served.on("graph-503", nothing());
    let answer = client.send(("GET", "/beta/users"), "").unwrap();
    assert_eq!((answer.status, &answer.json()["error"]["code"]), (503, &json!("ServiceUnavailable")));
    served.off("graph-503");
    assert_eq!(client.send(("GET", "/v1.0/users"), "").unwrap().status, 200);
}

#[test]
fn late_answers_are_the_same_answers() {
    let served = Served::new("slow");
    let client = Client::of(&served);
    served.on("slow", json!({ "seconds": 42 }));
    let call = |path: &str| Call {
        method: "GET".to_owned(),
        path: path.to_owned(),
        query: String::new(),
        headers: vec![("authorization".to_owned(), client.bearer.clone())],
        body: Vec::new(),
        remote: [127, 0, 0, 1].into(),
    };
    let graph = served.tenant.answer(&call("/v1.0/users"));
    assert_eq!((graph.status, graph.delay_seconds, graph.is_cut), (200, 42, false));
    assert_eq!(served.tenant.answer(&call("/common/v2.0/.well-known/openid-configuration")).delay_seconds, 0);
    served.on("slow", json!({ "seconds": 1 }));
    assert_eq!(client.send(("GET", "/v1.0/users"), "").unwrap().status, 200);
}

#[test]
fn what_was_written_stays_though_the_answer_never_comes() {
    let served = Served::new("cut");
    let client = Client::of(&served);
    served.on("cut-after-write", nothing());
    let user = json!({
        "displayName": "New", "mailNickname": "new", "userPrincipalName": "new@contoso.com", "accountEnabled": true,
        "passwordProfile": { "password": "Never-Seen-Before-1" },
    });
    let user = user.to_string();
    assert!(client.send(("POST", "/v1.0/users"), &user).is_err());
    assert_eq!(client.send(("GET", "/v1.0/users/new@contoso.com"), "").unwrap().status, 200);
    let again = client.send(("POST", "/v1.0/users"), &user).unwrap();
    assert_eq!(again.status, 400, "what is refused is answered: {}", again.body);
    assert!(client.send(("PATCH", "/v1.0/users/new@contoso.com"), "{\"jobTitle\":\"x\"}").is_err());
    let read = json!({ "ids": [] }).to_string();
    assert!(client.send(("POST", "/v1.0/directoryObjects/getByIds"), &read).is_ok());
    let batch = |all: &[(&str, &str)]| {
        let all = all.iter().enumerate().map(|(at, (method, url))| {
            json!({ "id": at.to_string(), "method": method, "url": url, "body": { "ids": [] },
                "headers": { "content-type": "application/json" } })
        });
        let body = json!({ "requests": all.collect::<Vec<_>>() }).to_string();
        client.send(("POST", "/v1.0/$batch"), &body).map(|answer| answer.status)
    };
    let reads = [("GET", "/users?$top=1"), ("get", "/me"), ("POST", "/directoryObjects/getByIds")];
    assert_eq!(batch(&reads).unwrap(), 200);
    let refused = ("DELETE", "/users/nobody@contoso.com");
    assert_eq!(batch(&[reads[0], refused]).unwrap(), 200, "nothing was written");
    assert!(batch(&[reads[0], ("POST", "/me/revokeSignInSessions")]).is_err());
    served.off("cut-after-write");
    assert_eq!(client.send(("DELETE", "/v1.0/users/new@contoso.com"), "").unwrap().status, 204);
}
