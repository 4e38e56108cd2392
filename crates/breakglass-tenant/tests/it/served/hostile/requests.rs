//! Requests that are malformed, too large, or sent a second time.

use std::thread;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{AZURE_CLI, GRAPH, read, text, tokens_for};
use crate::served::world::{ADMIN, Answer, Browser, Served};

/// Clients that send the same at a time.
const AT_A_TIME: usize = 8;

#[test]
fn a_form_is_whole_and_says_everything_once() {
    let served = Served::new("hostile-forms");
    let client = format!("client_id={AZURE_CLI}");
    let who = format!("username={}&password={}", ADMIN.0.replace('@', "%40"), ADMIN.1.replace('@', "%40"));
    let good = format!("{client}&grant_type=password&scope={GRAPH}/.default&{who}");
    let sent = |body: &str| served.send(("POST", "/organizations/oauth2/v2.0/token"), &[], body).unwrap();
    for (what, body, expected) in [
        ("nothing", String::new(), 900_144),
        ("an escape that is cut off", format!("{good}&x=%f"), 9_002_313),
        ("an escape of no digits", format!("{good}&x=%zz"), 9_002_313),
        ("no text", format!("{good}&x=%ff%fe"), 9_002_313),
        ("too many members", format!("{good}{}", "&x=".repeat(200)), 9_002_313),
        ("JSON", json!({ "client_id": AZURE_CLI, "grant_type": "password" }).to_string(), 900_144),
        ("two clients", format!("{good}&client_id=eve"), 9_000_411),
        ("two users", format!("{good}&username=eve"), 9_000_411),
        ("two kinds", format!("grant_type=refresh_token&{good}"), 9_000_411),
        ("a name in escapes", format!("{good}&%63lient_id=eve"), 9_000_411),
        ("no client", good.replace("client_id", "client"), 900_144),
        ("a client that is none", good.replace(AZURE_CLI, "%27%20OR%201=1--"), 700_016),
        ("no kind", good.replace("grant_type", "type"), 900_144),
        ("a kind that is none", good.replace("grant_type=password", "grant_type=implicit"), 70_003),
        ("no password", good.replace("&password", "&word"), 900_144),
        (
            "a password that is too long",
            format!(
                "{client}&grant_type=password&scope={GRAPH}/.default&username={}&password={}",
                ADMIN.0,
                "a".repeat(10_000)
            ),
            50_126,
        ),
        (
            "a name with a NUL",
            format!("{client}&grant_type=password&scope={GRAPH}/.default&username=%00&password=x"),
            50_034,
        ),
        (
            "a token of nobody",
            format!("{client}&grant_type=refresh_token&refresh_token=eyJhbGciOiJub25lIn0..&scope={GRAPH}/.default"),
            70_000,
        ),
    ] {
        let answer = sent(&body);
        assert_eq!(answer.json()["error_codes"], json!([expected]), "{what}: {}", answer.body);
        assert!(answer.status == 400 || answer.status == 401, "{what}: {}", answer.status);
        assert!(!answer.body.contains(ADMIN.1), "{what}");
    }
    assert_eq!(sent(&good).status, 200);
}

/// The code that a browser brings back.
fn code(served: &Served) -> String {
    let back = Browser::of(served).sign_in(ADMIN);
    let location = back.header("location").unwrap_or_else(|| panic!("{}", back.body));
    let (_, query) = location.split_once('?').unwrap();
    query.split('&').find_map(|member| member.strip_prefix("code=")).unwrap().to_owned()
}

/// What came of the same request, sent by several clients at a time: how many got tokens, and what the others were told.
fn raced(served: &Served, form: &[(&str, &str)]) -> (usize, Vec<Value>) {
    let answers: Vec<Answer> = thread::scope(|scope| {
        let sent: Vec<_> = (0..AT_A_TIME).map(|_| scope.spawn(|| served.token(&[], form))).collect();
        sent.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let answers: Vec<Value> = answers.iter().map(Answer::json).collect();
    let (got, refused): (Vec<Value>, Vec<Value>) =
        answers.into_iter().partition(|answer| answer["access_token"].is_string());
    (got.len(), refused.into_iter().map(|answer| answer["error_codes"][0].clone()).collect())
}

#[test]
fn a_code_is_redeemed_once_though_many_try_at_a_time() {
    let served = Served::new("hostile-codes");
    let redeemed = |code: &str, redirect: &str| {
        let form = [
            ("client_id", AZURE_CLI),
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect),
        ];
        served.token(&[], &form).json()["error_codes"][0].clone()
    };
    for redirect in
        ["http://localhost:4001", "http://localhost:4000/", "https://localhost:4000", "http://localhost.evil.example"]
    {
        assert_eq!(redeemed(&code(&served), redirect), json!(500_112), "{redirect}");
    }
    let good = code(&served);
    let form = [
        ("client_id", AZURE_CLI),
        ("grant_type", "authorization_code"),
        ("code", good.as_str()),
        ("redirect_uri", "http://localhost:4000"),
    ];
    let (got, refused) = raced(&served, &form);
    assert_eq!((got, refused), (1, vec![json!(54_005); AT_A_TIME - 1]));
    assert_eq!(redeemed(&good, "http://localhost:4000"), json!(54_005), "and never again");
}

#[test]
fn a_device_is_let_in_once_though_many_ask_at_a_time() {
    let served = Served::new("hostile-devices");
    let asked = [("client_id", AZURE_CLI), ("scope", "https://graph.microsoft.com/.default offline_access")];
    let mut browser = Browser::of(&served);
    let codes = browser.send(("POST", "/organizations/oauth2/v2.0/devicecode"), &asked).json();
    let form = [
        ("client_id", AZURE_CLI),
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("device_code", text(&codes, "device_code")),
    ];
    assert_eq!(raced(&served, &form), (0, vec![json!(70_016); AT_A_TIME]));
    let page = browser.send(("POST", "/devicelogin"), &[("otc", text(&codes, "user_code"))]);
    let page = browser.go_on(&page, &[("login", ADMIN.0), ("passwd", ADMIN.1)]);
    browser.go_on(&page, &[("do", "continue")]);
    assert_eq!(raced(&served, &form), (1, vec![json!(54_005); AT_A_TIME - 1]));
    let again = browser.send(("POST", "/devicelogin"), &[("otc", text(&codes, "user_code"))]);
    assert!(again.body.contains("didn&#39;t work"), "{}", again.body);
}

#[test]
fn what_a_client_sends_along_stays_in_its_place() {
    let served = Served::new("hostile-redirects");
    for redirect in [
        "https://evil.example/",
        "http://localhost@evil.example",
        "http://localhost:4000@evil.example",
        "http://localhost:4000/../evil",
        "http://localhost%00.evil.example",
        "javascript:alert(1)",
        "//evil.example",
        "http://LOCALHOST:4000",
        "http://localhost:4000\r\nset-cookie: a=b",
    ] {
        let answer = Browser::of(&served).authorize_with(&[("redirect_uri", redirect)]);
        assert!(answer.body.contains("AADSTS9000411"), "it stands twice: {}", answer.body);
        let query = format!(
            "client_id={AZURE_CLI}&response_type=code&scope=openid&redirect_uri={}",
            redirect.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>()
        );
        let answer = served.send(("GET", &format!("/organizations/oauth2/v2.0/authorize?{query}")), &[], "").unwrap();
        assert!(
            answer.body.contains("AADSTS50011") && answer.header("location").is_none(),
            "{redirect}: {}",
            answer.body
        );
        assert!(answer.header("set-cookie").is_none_or(|cookie| !cookie.contains("a=b")), "{redirect}");
    }
    let state = "x\r\nset-cookie: a=b\r\n\r\n<script>";
    let answer = Browser::of(&served).authorize_with(&[("state", state), ("prompt", "none")]);
    let location = answer.header("location").unwrap();
    assert!(location.starts_with("http://localhost:4000?") && location.contains("%0D%0A"), "{location}");
    assert!(answer.header("set-cookie").is_none());
}

/// Sends bytes as they are, and gives back what comes until the connection ends.
async fn exchanged(served: &Served, request: &[u8]) -> String {
    let mut stream = served.secured().await.unwrap();
    // The tenant may have said what it has to say before everything is sent.
    drop(stream.write_all(request).await);
    drop(stream.flush().await);
    let mut answer = Vec::new();
    let mut buffer = [0; 4_096];
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        answer.extend_from_slice(&buffer[..count]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn what_is_too_large_or_no_request_is_refused() {
    let served = Served::new("hostile-sizes");
    let post = "POST /organizations/oauth2/v2.0/token HTTP/1.1\r\nhost: x\r\nconnection: close\r\n";
    let get = "GET /common/discovery/keys HTTP/1.1\r\nhost: x\r\nconnection: close\r\n";
    let headers: String = (0..101).map(|number| format!("x-{number}: y\r\n")).collect();
    for (what, request, expected) in [
        ("a body that says that it is too large", format!("{post}content-length: 4194305\r\n\r\n"), "413"),
        ("one that says that it is endless", format!("{post}content-length: 18446744073709551615\r\n\r\n"), "4"),
        ("one that says more than can be said", format!("{post}content-length: 99999999999999999999\r\n\r\n"), "400"),
        ("two lengths", format!("{post}content-length: 1\r\ncontent-length: 2\r\n\r\na"), "400"),
        ("a length that is none", format!("{post}content-length: -1\r\n\r\n"), "400"),
        ("chunks that are none", format!("{post}transfer-encoding: chunked\r\n\r\nzz\r\n"), "400"),
        ("another encoding", format!("{post}transfer-encoding: gzip\r\n\r\n"), "400"),
        ("a long header", format!("{get}x: {}\r\n\r\n", "y".repeat(200_000)), "431"),
        ("many headers", format!("{get}{headers}\r\n"), "431"),
        ("a long address", format!("GET /{} HTTP/1.1\r\n\r\n", "y".repeat(200_000)), "4"),
        ("a header with a line in it", format!("{get}x y: z\r\n\r\n"), "400"),
        ("another protocol", "HALLO x\r\n\r\n".to_owned(), "400"),
        ("another version", "GET / HTTP/9.9\r\n\r\n".to_owned(), "400"),
        ("a method that is none", "G(T / HTTP/1.1\r\n\r\n".to_owned(), "400"),
    ] {
        let answer = served.run(exchanged(&served, request.as_bytes()));
        assert!(answer.starts_with(&format!("HTTP/1.1 {expected}")), "{what}: {answer}");
    }
    let chunk = format!("10000\r\n{}\r\n", "a".repeat(0x10000));
    let endless = format!("{post}transfer-encoding: chunked\r\n\r\n{}", chunk.repeat(80));
    let answer = served.run(exchanged(&served, endless.as_bytes()));
    // Whoever goes on sending may not get to read it.
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 413"), "{answer}");
    let token = text(&tokens_for(&served, GRAPH), "access_token").to_owned();
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    for (what, body) in [
        ("brackets", "[".repeat(1 << 20)),
        ("objects", "{\"a\":".repeat(100_000)),
        ("no JSON", "displayName=x".to_owned()),
        ("a list", "[]".to_owned()),
        ("nothing", String::new()),
    ] {
        let answer = served.send(("POST", "/v1.0/users"), &headers, &body).unwrap();
        let code = answer.json()["error"]["code"].to_string();
        assert!(answer.status == 400 && code.contains("BadRequest"), "{what}: {}", answer.body);
    }
    assert_eq!(read(&served, &token, "/v1.0/me").status, 200);
}

#[test]
fn queries_are_never_more_than_questions() {
    let served = Served::new("hostile-odata");
    let token = text(&tokens_for(&served, GRAPH), "access_token").to_owned();
    let users = || read(&served, &token, "/v1.0/users?$select=id,displayName").json();
    let before = users();
    let escaped = |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
    for filter in [
        "userPrincipalName eq 'x' or '1' eq '1'",
        "userPrincipalName eq 'x'; DROP TABLE object; --",
        "userPrincipalName eq 'x' --",
        "userPrincipalName eq 'x' UNION SELECT body FROM secret",
        "userPrincipalName eq ''x'",
        "userPrincipalName eq \"x\"",
        "userPrincipalName eq 'x\0' or true",
        "startswith(userPrincipalName,'x') or substringof('x',",
    ] {
        for path in ["/v1.0/users", "/v1.0/auditLogs/signIns"] {
            let answer = read(&served, &token, &format!("{path}?$filter={}", escaped(filter)));
            assert_eq!(answer.status, 400, "{path} {filter}: {}", answer.body);
            assert!(answer.json()["error"]["code"].is_string(), "{path} {filter}");
        }
    }
    for (filter, expected) in [
        ("displayName eq 'x'' or ''1'' eq ''1'", 0),
        ("displayName eq 'Robert''); DROP TABLE object;--'", 0),
        ("passwordProfile/password eq 'Gl@ss-Hammer-1'", 0),
        ("displayName eq 'Ada'", 1),
    ] {
        let answer = read(&served, &token, &format!("/v1.0/users?$filter={}", escaped(filter)));
        assert_eq!(answer.json()["value"].as_array().map(Vec::len), Some(expected), "{filter}: {}", answer.body);
    }
    for query in [
        "$top=-1",
        "$top=99999999999999999999",
        "$skiptoken=%27%3b--",
        "$select=id,%2e%2e/secret",
        "$orderby=id;--",
        "$expand=*(",
        "$filter=a&$filter=b",
        "$fil%00ter=a",
    ] {
        let answer = read(&served, &token, &format!("/v1.0/users?{query}"));
        assert_eq!(answer.status, 400, "{query}: {}", answer.body);
    }
    for path in
        ["/v1.0/users('x'%20or%201%20eq%201)", "/v1.0/users/'%20or%20''='", "/v1.0/users/1;DROP%20TABLE%20object"]
    {
        let answer = read(&served, &token, path);
        assert!(answer.status == 400 || answer.status == 404, "{path}: {}", answer.body);
    }
    assert_eq!(users(), before);
}
