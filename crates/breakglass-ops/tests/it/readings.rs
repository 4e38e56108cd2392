//! Reading a tenant: whole, refused in part, and stopped after any request.

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use breakglass_model::snapshot::SnapshotBuilder;
use breakglass_model::snapshot::read::{Origin, read_document};
use breakglass_ops::ports::{
    Clock, Directory, DirectoryError, GraphAnswer, GraphRequest, InMemoryParts, Method, Parts, Refusal, SignedIn,
    SignedInAs,
};
use breakglass_ops::reading::{self, Finished, ReadError, Reader, Silent};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const TENANT: &str = "3f6c1f0a-5d42-4b0e-9a57-2c7f3d1e8b90";
const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";

/// Everything here answers at once.
pub(crate) fn ready<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return value;
        }
    }
}

pub(crate) struct Hand(Mutex<Timestamp>);

impl Hand {
    pub(crate) fn new() -> Self {
        Self(Mutex::new("2026-11-26T12:00:00Z".parse().unwrap()))
    }

    pub(crate) fn turn(&self, seconds: i64) {
        let mut now = self.0.lock().unwrap();
        *now += SignedDuration::from_secs(seconds);
    }
}

#[async_trait]
impl Clock for Hand {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    async fn sleep(&self, duration: Duration) {
        self.turn(i64::try_from(duration.as_secs()).unwrap());
    }
}

/// A tenant of two pages of users, a group inside a group, and lists that are refused.
#[derive(Default)]
struct Graph {
    /// Requests that are answered before the connection breaks; all of them, if there is none.
    left: Mutex<Option<usize>>,
    /// How often each request of a batch is throttled first.
    throttled: Mutex<usize>,
    asked: Mutex<Vec<String>>,
}

impl Graph {
    fn answer(&self, target: &str) -> Result<Value, (u16, &'static str)> {
        let path = target.split('?').next().unwrap();
        let list = |objects: Value| Ok(json!({ "@odata.context": "x", "value": objects }));
        let user = |id: &str| json!({ "id": id, "userPrincipalName": format!("{id}@contoso.com") });
        match path {
            "/v1.0/users" if target.contains("skiptoken") => list(json!([user("u3"), user("u4")])),
            "/v1.0/users" => {
                let next = "https://graph.example/v1.0/users?$skiptoken=2";
                Ok(json!({ "value": [user("u1"), user("u2")], "@odata.nextLink": next }))
            }
            "/v1.0/groups" => list(json!([
                { "id": "g1", "isAssignableToRole": true }, { "id": "g2" }, { "id": "g3", "displayName": "nobody asks" },
            ])),
            "/v1.0/groups/g1/members" => list(json!([{ "@odata.type": "#microsoft.graph.group", "id": "g2" }])),
            "/v1.0/groups/g2/members" => list(json!([{ "@odata.type": "#microsoft.graph.user", "id": "u3" }])),
            "/v1.0/groups/g1/owners" | "/v1.0/groups/g2/owners" => list(json!([])),
            "/v1.0/roleManagement/directory/roleAssignments" => list(json!([
                { "principalId": "g1", "roleDefinitionId": GLOBAL_ADMINISTRATOR, "directoryScopeId": "/" },
                { "principalId": "sp", "roleDefinitionId": GLOBAL_ADMINISTRATOR, "directoryScopeId": "/" },
            ])),
            "/v1.0/domains" => list(json!([{ "id": "f.com", "authenticationType": "Federated" }])),
            "/v1.0/domains/f.com/federationConfiguration" => {
                list(json!([{ "id": "f", "federatedIdpMfaBehavior": "rejectMfaByFederatedIdp" }]))
            }
            "/v1.0/users/u3/authentication/methods" => list(json!([
                { "@odata.type": "#microsoft.graph.microsoftAuthenticatorAuthenticationMethod", "id": "m" },
            ])),
            "/v1.0/users/u3/authentication/microsoftAuthenticatorMethods/m/device" => Err((404, "none")),
            "/beta/users/u3/authentication/requirements" => Ok(json!({ "perUserMfaState": "disabled" })),
            "/v1.0/users/u1" => Err((403, "no premium")),
            "/v1.0/users/u3" => {
                Ok(json!({ "id": "u3", "signInActivity": { "lastSignInDateTime": "2026-01-01T00:00:00Z" } }))
            }
            // Disabled users, as the fourth, are not in it.
            "/v1.0/reports/authenticationMethods/userRegistrationDetails" => {
                list(json!(["u1", "u2", "u3"].map(|id| json!({
                    "id": id, "userPrincipalName": format!("{id}@contoso.com"), "isAdmin": false,
                    "isMfaRegistered": true, "methodsRegistered": ["softwareOneTimePasscode"],
                    "lastUpdatedDateTime": "2026-11-26T03:00:00Z",
                }))))
            }
            "/v1.0/policies/authenticationMethodsPolicy" => Ok(json!({ "id": "authenticationMethodsPolicy" })),
            "/v1.0/devices" => Err((403, "no")),
            "/v1.0/users/$count" => Ok(json!(4)),
            _ if path.ends_with("/$count") => Err((403, "no")),
            _ => list(json!([])),
        }
    }

    fn batch(&self, body: &Value) -> Value {
        let one = |request: &Value| {
            let mut throttled = self.throttled.lock().unwrap();
            let id = &request["id"];
            if *throttled > 0 {
                *throttled -= 1;
                return json!({ "id": id, "status": 429, "headers": { "Retry-After": "7" }, "body": { "error": { "code": "TooManyRequests" } } });
            }
            assert_eq!(request["method"], "GET");
            let url = request["url"].as_str().unwrap();
            assert!(url.starts_with('/') && !url.starts_with("/v1.0") && !url.starts_with("/beta"), "{url}");
            let version = if url.contains("requirements") { "/beta" } else { "/v1.0" };
            match self.answer(&format!("{version}{url}")) {
                Ok(body) => json!({ "id": id, "status": 200, "body": body }),
                Err((status, message)) => {
                    json!({ "id": id, "status": status, "body": { "error": { "code": "x", "message": message } } })
                }
            }
        };
        let mut responses: Vec<Value> = body["requests"].as_array().unwrap().iter().map(one).collect();
        // The answers of a batch come in any order.
        responses.reverse();
        json!({ "responses": responses })
    }
}

#[async_trait]
impl Directory for Graph {
    async fn send(&self, request: &GraphRequest<'_>) -> Result<GraphAnswer, DirectoryError> {
        if let Some(left) = self.left.lock().unwrap().as_mut() {
            *left = left.checked_sub(1).ok_or_else(|| DirectoryError::Lost { why: "the cable".to_owned() })?;
        }
        self.asked.lock().unwrap().push(format!("{} {}", request.method, request.target));
        let target = request.target.trim_start_matches("https://graph.example");
        let answered = match request.method {
            Method::Get => self.answer(target),
            _ if target.ends_with("/$batch") => Ok(self.batch(request.body.as_ref().unwrap())),
            method => panic!("reading sent {method} {target}"),
        };
        match answered {
            Ok(body) => {
                let body = body.to_string().into_bytes();
                Ok(GraphAnswer { status: 200, body, date: None, request_id: None })
            }
            Err((status, message)) => Err(DirectoryError::Refused(Refusal {
                status,
                code: "Authorization_RequestDenied".to_owned(),
                message: message.to_owned(),
                request_id: None,
            })),
        }
    }

    fn origin(&self) -> String {
        "https://graph.example".to_owned()
    }

    async fn signed_in(&self) -> Result<SignedIn, DirectoryError> {
        Ok(SignedIn {
            who: SignedInAs::Application { app_id: "a".to_owned() },
            tenant_id: TENANT.to_owned(),
            app_id: "a".to_owned(),
            permissions: Vec::new(),
            role_template_ids: Vec::new(),
        })
    }
}

fn read(graph: &Graph, clock: &Hand, parts: &dyn Parts) -> Result<Finished, ReadError> {
    let reader = Reader { directory: graph, clock, parts, progress: &Silent };
    ready(reader.read(&BTreeSet::from(["U1@contoso.com".to_owned()])))
}

fn document(parts: &dyn Parts, finished: &Finished) -> Value {
    let mut bytes = Vec::new();
    reading::write(parts, &finished.head, "graph", &mut bytes).unwrap();
    serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&bytes)))
}

#[test]
fn everything_is_read_and_what_is_refused_is_missing() {
    let (graph, clock, parts) = (Graph::default(), Hand::new(), InMemoryParts::default());
    let finished = read(&graph, &clock, &parts).unwrap();
    let found = document(&parts, &finished);
    assert_eq!(found["users"].as_array().unwrap().len(), 4);
    // Of whoever can help nobody in, what the report says; of the others their methods and nothing else.
    let report = json!({
        "isMfaRegistered": true, "methodsRegistered": ["softwareOneTimePasscode"],
        "lastUpdatedDateTime": "2026-11-26T03:00:00Z",
    });
    assert_eq!(
        found["users"][1],
        json!({ "id": "u2", "userPrincipalName": "u2@contoso.com", "userRegistrationDetails": report })
    );
    for user in [0, 2, 3] {
        assert_eq!(found["users"][user].get("userRegistrationDetails"), None, "{user}");
    }
    let methods = json!([{
        "@odata.type": "#microsoft.graph.microsoftAuthenticatorAuthenticationMethod", "id": "m", "device": null,
    }]);
    assert_eq!(found["users"][2]["authenticationMethods"], methods);
    assert_eq!(found["users"][2]["signInActivity"]["lastSignInDateTime"], "2026-01-01T00:00:00Z");
    // Named by the configuration, by its sign-in name.
    assert_eq!(found["users"][0]["authenticationMethods"], json!([]));
    assert_eq!(found["groups"][0]["members"][0]["id"], "g2");
    assert_eq!(found["groups"][1]["members"][0]["id"], "u3");
    assert_eq!(found["groups"][2], json!({ "id": "g3", "displayName": "nobody asks" }));
    assert_eq!(found["perUserMfaStates"][0], json!({ "id": "u3", "perUserMfaState": "disabled" }));
    assert_eq!(found["federationConfigurations"][0]["domainId"], "f.com");
    assert_eq!(found["authenticationMethodsPolicy"]["id"], "authenticationMethodsPolicy");
    assert_eq!(found.get("devices"), None);
    let devices = "403 Authorization_RequestDenied: no (needs `Device.Read.All`)";
    let missing = found["missing"].as_array().unwrap();
    assert!(missing.contains(&json!({ "resource": "devices", "why": devices })), "{missing:#?}");
    // Nobody is missing for want of one property.
    let activity = json!({ "resource": "users/u1/signInActivity", "why": "403 x: no premium" });
    assert!(missing.contains(&activity), "{missing:#?}");
    let mut builder = SnapshotBuilder::default();
    let origin = Origin { file_name: "snapshot.json", folders: &[] };
    read_document(&mut builder, found.to_string().as_bytes(), &origin).unwrap();
    let snapshot = builder.finish();
    assert_eq!((snapshot.users.is_complete(), snapshot.activity_missing().count()), (true, 1));
    let asked = graph.asked.lock().unwrap();
    assert!(asked.iter().all(|one| one.starts_with("GET ") || one.ends_with("/$batch")), "{asked:?}");
    assert!(!asked.iter().any(|one| one.contains("g3")), "{asked:?}");
}

#[test]
fn a_reading_that_is_stopped_after_any_request_gives_the_same_snapshot() {
    let (graph, clock, parts) = (Graph::default(), Hand::new(), InMemoryParts::default());
    let whole = read(&graph, &clock, &parts).unwrap();
    let expected = document(&parts, &whole);
    let count = graph.asked.lock().unwrap().len();
    let mut stops = 0;
    for step in [1, 3, 7] {
        let (graph, parts) = (Graph::default(), InMemoryParts::default());
        let finished = loop {
            // What is answered before the connection breaks; counting comes first each time and costs three.
            *graph.left.lock().unwrap() = Some(step + 3);
            match read(&graph, &clock, &parts) {
                Ok(finished) => break finished,
                Err(ReadError::Directory { source: DirectoryError::Lost { .. }, .. }) => stops += 1,
                Err(error) => panic!("{error:?}"),
            }
            assert!(stops < 1_000, "it does not get on");
        };
        assert!(finished.is_resumed);
        assert_eq!(document(&parts, &finished), expected, "stopped every {step} requests");
    }
    println!("{count} requests, stopped {stops} times");
}

#[test]
fn an_old_reading_and_one_of_others_are_begun_again() {
    let (graph, clock, parts) = (Graph::default(), Hand::new(), InMemoryParts::default());
    *graph.left.lock().unwrap() = Some(12);
    read(&graph, &clock, &parts).unwrap_err();
    *graph.left.lock().unwrap() = None;
    clock.turn(reading::RESUME_MINUTES_MAX * 60 + 1);
    let finished = read(&graph, &clock, &parts).unwrap();
    assert!(!finished.is_resumed);
    assert_eq!(finished.head.taken_at, clock.now());
    let reader = Reader { directory: &graph, clock: &clock, parts: &parts, progress: &Silent };
    assert!(ready(reader.read(&BTreeSet::from(["U1@contoso.com".to_owned()]))).unwrap().is_resumed);
    assert!(!ready(reader.read(&BTreeSet::new())).unwrap().is_resumed);
}

#[test]
fn requests_of_a_batch_that_are_throttled_are_asked_again() {
    let (graph, clock, parts) = (Graph::default(), Hand::new(), InMemoryParts::default());
    let expected = {
        let parts = InMemoryParts::default();
        let finished = read(&graph, &clock, &parts).unwrap();
        document(&parts, &finished)
    };
    *graph.throttled.lock().unwrap() = 5;
    let before = clock.now();
    let finished = read(&graph, &clock, &parts).unwrap();
    assert!(clock.now().duration_since(before) >= SignedDuration::from_secs(7));
    let mut found = document(&parts, &finished);
    found["takenAt"] = expected["takenAt"].clone();
    assert_eq!(found, expected);
}
