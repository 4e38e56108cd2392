//! Channels over HTTP, and a server that answers what it is told to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use breakglass_adapters::channels::pager_duty::{PagerDuty, PagerDutyError};
use breakglass_adapters::channels::posting::{PostingError, WayOut};
use breakglass_adapters::channels::slack::Slack;
use breakglass_adapters::channels::sms::{Sms, SmsError};
use breakglass_adapters::channels::standard_webhook::{StandardWebhook, WebhookError};
use breakglass_adapters::channels::teams::Teams;
use breakglass_adapters::http::{Authorities, Proxies, SecretText};
use breakglass_ops::ports::{Channel, Clock};
use jiff::Timestamp;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::{HOSTILE, HOSTILE_SHOWN, KEY, key, message, name, outcome};

/// Part of each secret.
const HUSH: &str = "hush";

/// A routing key of PagerDuty, and behind `whsec_` the secret of a webhook.
const HUSHES: &str = "hushhushhushhushhushhushhushhush";

/// Each channel, with the answer that says that it was taken.
const CHANNELS: [(&str, u16, &str); 5] = [
    ("webhook", 204, ""),
    ("slack", 200, "ok"),
    ("teams", 202, ""),
    ("pager-duty", 202, r#"{"status":"success","message":"Event processed","dedup_key":"k"}"#),
    ("sms", 201, r#"{"sid":"SM0","status":"queued"}"#),
];

struct StandingClock;

#[async_trait]
impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_795_834_870).unwrap()
    }

    async fn sleep(&self, _: Duration) {}
}

fn channel(kind: &str, origin: &str, answer: Option<Duration>) -> Box<dyn Channel> {
    let (proxies, authorities) = (Proxies::default(), Authorities::default());
    let mut way = WayOut::new(&proxies, &authorities);
    way.answer = answer.unwrap_or(way.answer);
    let address = format!("{origin}/{HUSH}?sig={HUSH}");
    let post = name("post");
    match kind {
        "webhook" => {
            let key = SecretText::new(format!("whsec_{HUSHES}"));
            Box::new(StandardWebhook::new((post, StandingClock), (address.as_str(), &key), &way).unwrap())
        }
        "slack" => Box::new(Slack::new(post, &SecretText::new(address), &way).unwrap()),
        "teams" => Box::new(Teams::new(post, &SecretText::new(address), &way).unwrap()),
        "pager-duty" => {
            Box::new(PagerDuty::new(post, (address.as_str(), SecretText::new(HUSHES.to_owned())), &way).unwrap())
        }
        "sms" => {
            let contacts = BTreeMap::from([(name("eva"), "+15557122661".to_owned())]);
            let token = SecretText::new(HUSH.to_owned());
            let sender = ("AC0", &token, "+15550006789".to_owned());
            Box::new(Sms::new(post, origin, sender, contacts, &way).unwrap())
        }
        kind => panic!("no channel is a {kind}"),
    }
}

/// A request as it came.
#[derive(Debug, Clone, Default)]
struct Seen {
    head: String,
    body: String,
}

impl Seen {
    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/json"));
        serde_json::from_str(&self.body).unwrap()
    }
}

/// What a server does with a request.
#[derive(Debug, Clone)]
enum Does {
    /// It sends these bytes, and closes the connection.
    Sends(String),
    /// It says nothing.
    Hangs,
}

fn answers(status: u16, headers: &str, body: &str) -> Does {
    Does::Sends(format!(
        "HTTP/1.1 {status} X\r\n{headers}connection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    ))
}

struct Peer {
    origin: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Peer {
    /// A server that does the same with each request.
    async fn that(does: Does) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(served(stream, does.clone(), Arc::clone(&shared)));
            }
        });
        Self { origin, seen }
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn served(mut stream: TcpStream, does: Does, seen: Arc<Mutex<Vec<Seen>>>) {
    let Some(request) = read(&mut stream).await else { return };
    seen.lock().unwrap().push(request);
    match does {
        Does::Sends(text) => drop(stream.write_all(text.as_bytes()).await),
        // Until whoever asked goes away.
        Does::Hangs => drop(stream.read(&mut [0; 1]).await),
    }
}

async fn read(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let (head, body) = (String::from_utf8_lossy(&bytes[..end]).into_owned(), &bytes[end + 4..]);
            let seen = Seen { head, body: String::from_utf8_lossy(body).into_owned() };
            let length: usize = seen.header("content-length").unwrap_or("0").parse().unwrap();
            if body.len() >= length {
                return Some(seen);
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

#[tokio::test]
async fn each_answer_is_understood_by_each_channel() {
    let cut = |text: &str| Does::Sends(text.to_owned());
    let echo = format!("{HUSH} {HUSHES}");
    let cases = [
        (answers(400, "", &echo), "refused", "answers 400", None),
        (answers(401, "", &echo), "refused", "has to be renewed", None),
        (answers(403, "", &echo), "refused", "has to be renewed", None),
        (answers(404, "", &echo), "refused", "nobody at the address", None),
        (answers(410, "", ""), "refused", "nobody at the address", None),
        (answers(302, "location: http://127.0.0.1:1/hush\r\n", ""), "refused", "no redirect is followed", None),
        (answers(307, "location: /elsewhere\r\n", ""), "refused", "no redirect is followed", None),
        (answers(408, "", ""), "later", "answers 408", None),
        (answers(425, "", ""), "later", "answers 425", None),
        (answers(429, "retry-after: 7\r\n", &echo), "later", "answers 429", Some(7)),
        (answers(429, "", ""), "later", "answers 429", None),
        (answers(500, "", &echo), "later", "answers 500", None),
        (answers(503, "retry-after: Wed, 21 Oct 2026 07:28:00 GMT\r\n", ""), "later", "answers 503", None),
        (cut(""), "later", "broke", None),
        (cut("HTTP/1.1 200 OK\r\n"), "later", "broke", None),
        (cut("HTTP/1.1 202 Accepted\r\ncontent-length: 100\r\n\r\nok"), "later", "broke", None),
        (cut("SSH-2.0-server\r\n"), "later", "broke", None),
    ];
    for (does, expected, why_expected, seconds_expected) in cases {
        let peer = Peer::that(does.clone()).await;
        for (kind, ..) in CHANNELS {
            let channel = channel(kind, &peer.origin, None);
            let (word, why, seconds) = outcome(channel.deliver(&key("eva"), &message("eva@contoso.com")).await);
            assert_eq!((word, seconds), (expected, seconds_expected), "{kind} {does:?}: {why}");
            assert!(why.contains(why_expected), "{kind} {does:?}: {why}");
            assert!(!why.contains(HUSH), "{kind} {does:?}: {why}");
        }
        assert_eq!(peer.seen().len(), CHANNELS.len(), "nothing is sent twice, nor elsewhere: {does:?}");
    }
}

#[tokio::test]
async fn what_was_taken_is_what_the_provider_says_it_has_taken() {
    for (kind, status, body) in CHANNELS {
        let peer = Peer::that(answers(status, "", body)).await;
        let taken = channel(kind, &peer.origin, None).deliver(&key("eva"), &message("eva@contoso.com")).await;
        assert_eq!(taken, Ok(()), "{kind}");
    }
    // Something in between says yes to everything.
    let peer = Peer::that(answers(200, "", "<html>Please sign in</html>")).await;
    for kind in ["slack", "pager-duty", "sms"] {
        let taken = channel(kind, &peer.origin, None).deliver(&key("eva"), &message("eva@contoso.com")).await;
        assert_eq!(outcome(taken).0, "later", "{kind}");
    }
}

#[tokio::test]
async fn a_word_or_a_number_of_a_provider_is_repeated() {
    for (kind, status, body, expected) in [
        ("slack", 403, "action_prohibited", "(action_prohibited)"),
        ("slack", 410, "channel_is_archived", "(channel_is_archived)"),
        ("sms", 400, r#"{"code":21211,"message":"hush"}"#, "(error 21211)"),
        ("sms", 429, r#"{"code":20429,"message":"hush"}"#, "(error 20429)"),
    ] {
        let peer = Peer::that(answers(status, "", body)).await;
        let taken = channel(kind, &peer.origin, None).deliver(&key("eva"), &message("eva@contoso.com")).await;
        let (_, why, _) = outcome(taken);
        assert!(why.contains(expected) && !why.contains(HUSH), "{kind}: {why}");
    }
}

#[tokio::test]
async fn nobody_is_waited_for_without_end() {
    let peer = Peer::that(Does::Hangs).await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for (kind, ..) in CHANNELS {
        let hanging = channel(kind, &peer.origin, Some(Duration::from_millis(100)));
        let (word, why, _) = outcome(hanging.deliver(&key("eva"), &message("eva@contoso.com")).await);
        assert_eq!(word, "later", "{kind}: {why}");
        let absent = channel(kind, &format!("http://{closed}"), None);
        let (word, why, _) = outcome(absent.deliver(&key("eva"), &message("eva@contoso.com")).await);
        assert_eq!(word, "later", "{kind}: {why}");
        assert!(why.contains("there is no connection") && !why.contains(HUSH), "{kind}: {why}");
    }
}

/// What the channels post of an alert with names that an adversary chose, in the order of [`CHANNELS`].
async fn posted() -> Vec<Seen> {
    let mut all = Vec::new();
    for (kind, status, body) in CHANNELS {
        let peer = Peer::that(answers(status, "", body)).await;
        let channel = channel(kind, &peer.origin, None);
        for _ in 0..2 {
            assert_eq!(channel.deliver(&key("eva"), &message(HOSTILE)).await, Ok(()), "{kind}");
        }
        let [first, second] = <[Seen; 2]>::try_from(peer.seen()).unwrap();
        assert_eq!(first.body, second.body, "{kind}: the second try says the same");
        assert!(first.head.starts_with("POST /"), "{}", first.head);
        all.push(first);
    }
    all
}

fn acts(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{200b}' | '\u{202e}')
}

/// All texts in a document, but for those of which the name is in `beside`.
fn texts(value: &Value, beside: &[&str]) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(values) => values.iter().flat_map(|value| texts(value, beside)).collect(),
        Value::Object(members) => {
            let told = members.iter().filter(|(name, _)| !beside.contains(&name.as_str()));
            told.flat_map(|(_, value)| texts(value, beside)).collect()
        }
        _ => Vec::new(),
    }
}

#[tokio::test]
async fn each_channel_sends_its_own_form_and_names_are_only_text_in_it() {
    let [webhook, slack, teams, pager_duty, sms] = <[Seen; 5]>::try_from(posted().await).unwrap();
    is_webhook(&webhook);
    is_slack(&slack);
    is_teams(&teams);
    is_pager_duty(&pager_duty);
    is_sms(&sms);
}

fn is_webhook(seen: &Seen) {
    assert_eq!(seen.header("webhook-id"), Some(KEY));
    assert_eq!(seen.header("webhook-timestamp"), Some("1795834870"));
    assert!(seen.header("webhook-signature").unwrap().starts_with("v1,"));
    let body = seen.json();
    assert_eq!(body["type"], "incident.alert");
    assert_eq!(body["timestamp"], "2026-11-28T03:01:00Z");
    // A program reads it: as it came, and within its value.
    assert_eq!(body["data"]["userPrincipalName"], HOSTILE);
    assert!(!seen.body.contains(char::is_control));
}

fn is_slack(seen: &Seen) {
    let body = seen.json();
    let escaped = HOSTILE_SHOWN.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let texts = texts(&body, &[]);
    assert!(texts.iter().any(|text| text.contains(&escaped)), "{texts:?}");
    assert!(!texts.iter().any(|text| text.contains(['<', '>'])), "{texts:?}");
    assert!(!texts.iter().any(|text| text.contains(|letter: char| letter != '\n' && acts(letter))), "{texts:?}");
    for block in body["blocks"].as_array().unwrap() {
        assert_eq!(block["type"], "section");
        assert_eq!(block["text"]["type"], "plain_text");
        assert_eq!(block["text"]["emoji"], false);
    }
    for property in ["mrkdwn", "link_names", "unfurl_links", "unfurl_media"] {
        assert_eq!(body[property], false, "{property}");
    }
}

fn is_teams(seen: &Seen) {
    let body = seen.json();
    let attachment = &body["attachments"][0];
    assert_eq!(attachment["contentType"], "application/vnd.microsoft.card.adaptive");
    assert_eq!(attachment["content"]["type"], "AdaptiveCard");
    let lines = attachment["content"]["body"].as_array().unwrap();
    for line in lines {
        assert_eq!(line["type"], "RichTextBlock");
        assert_eq!(line["inlines"][0]["type"], "TextRun");
    }
    let texts = texts(&body, &[]);
    assert!(texts.iter().any(|text| text.contains(&HOSTILE_SHOWN.replace("{{", "{ {"))), "{texts:?}");
    assert!(!texts.iter().any(|text| text.contains("{{") || text.contains(acts)), "{texts:?}");
}

fn is_pager_duty(seen: &Seen) {
    let body = seen.json();
    let payload = &body["payload"];
    for (value, expected) in [
        (&body["routing_key"], HUSHES),
        (&body["event_action"], "trigger"),
        (&body["dedup_key"], KEY),
        (&payload["severity"], "critical"),
        (&payload["timestamp"], "2026-11-28T03:01:00Z"),
        (&payload["group"], "incident 7"),
    ] {
        assert_eq!(value, expected);
    }
    let summary = payload["summary"].as_str().unwrap();
    assert!(summary.starts_with("CRITICAL, somebody is IN: <!channel>") && summary.len() <= 1_024, "{summary}");
    let texts = texts(&body, &["what_happened"]);
    assert!(!texts.iter().any(|text| text.contains(acts)), "{texts:?}");
}

fn is_sms(seen: &Seen) {
    assert!(seen.head.starts_with("POST /2010-04-01/Accounts/AC0/Messages.json HTTP/1.1\r\n"), "{}", seen.head);
    assert_eq!(seen.header("authorization"), Some("Basic QUMwOmh1c2g="));
    assert_eq!(seen.header("content-type"), Some("application/x-www-form-urlencoded"));
    let url = reqwest::Url::parse(&format!("http://x/?{}", seen.body)).unwrap();
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let [to, from, body] = <[(String, String); 3]>::try_from(pairs).unwrap();
    assert_eq!(to, ("To".to_owned(), "+15557122661".to_owned()));
    assert_eq!(from, ("From".to_owned(), "+15550006789".to_owned()));
    let (name, text) = body;
    assert_eq!(name, "Body");
    assert!(text.is_ascii() && text.chars().count() <= 300 && !text.contains(acts), "{text}");
    assert!(text.starts_with("CRITICAL, somebody is IN: <!channel>"), "{text}");
    assert!(text.ends_with("breakglass incident acknowledge 7"), "{text}");
}

#[tokio::test]
async fn an_escalation_is_another_incident_for_pager_duty() {
    let peer = Peer::that(answers(202, "", "{}")).await;
    let channel = channel("pager-duty", &peer.origin, None);
    let mut key = key("eva");
    for (alert, step) in [(2, 0), (2, 0), (3, 0), (3, 1)] {
        (key.alert, key.step) = (alert, step);
        assert_eq!(channel.deliver(&key, &message("eva@contoso.com")).await, Ok(()));
    }
    let keys: Vec<Value> = peer.seen().iter().map(|seen| seen.json()["dedup_key"].clone()).collect();
    assert_eq!(keys[0], keys[1]);
    assert!(keys[1] != keys[2] && keys[2] != keys[3], "{keys:?}");
}

#[tokio::test]
async fn whoever_has_no_number_is_named() {
    let peer = Peer::that(answers(201, "", r#"{"sid":"SM0"}"#)).await;
    let (word, why, _) = outcome(channel("sms", &peer.origin, None).deliver(&key("max"), &message("eva")).await);
    assert_eq!(word, "refused");
    assert!(why.starts_with("`max` has no address"), "{why}");
    assert!(peer.seen().is_empty());
}

#[test]
fn settings_that_are_of_no_use_are_refused_without_repeating_them() {
    let (proxies, authorities) = (Proxies::default(), Authorities::default());
    let way = WayOut::new(&proxies, &authorities);
    let secret = |text: &str| SecretText::new(text.to_owned());
    let plain = "http://hush.example.com/hush";
    let good = "https://hush.example.com";
    let post = || name("post");
    let of_webhook = |address: &str, key: &str| {
        StandardWebhook::new((post(), StandingClock), (address, &secret(key)), &way).err().unwrap()
    };
    let of_pager_duty = |address: &str, key: &str| PagerDuty::new(post(), (address, secret(key)), &way).err().unwrap();
    let of_sms = |address: &str, account: &str, token: &str| {
        let sender = (account, &secret(token), "+15550006789".to_owned());
        Sms::new(post(), address, sender, BTreeMap::new(), &way).err().unwrap()
    };
    assert!(matches!(Slack::new(post(), &secret(plain), &way), Err(PostingError::Address)));
    assert!(matches!(Teams::new(post(), &secret(plain), &way), Err(PostingError::Address)));
    let key = format!("whsec_{HUSHES}");
    assert!(matches!(of_webhook(plain, &key), WebhookError::Posting(PostingError::Address)));
    assert!(matches!(of_webhook(good, "hush"), WebhookError::Secret));
    assert!(matches!(of_pager_duty(plain, HUSHES), PagerDutyError::Posting(PostingError::Address)));
    assert!(matches!(of_pager_duty(good, "hush"), PagerDutyError::RoutingKey));
    assert!(matches!(of_pager_duty(good, &HUSHES.replace('s', "-")), PagerDutyError::RoutingKey));
    assert!(matches!(of_sms("http://hush.example.com", "AC0", "hush"), SmsError::Posting(PostingError::Address)));
    assert!(matches!(of_sms("https://hush.example.com/hush", "AC0", "hush"), SmsError::Posting(PostingError::Address)));
    assert!(matches!(of_sms(good, "../AC0", "hush"), SmsError::Account));
    assert!(matches!(of_sms(good, "AC0", "hu\r\nsh"), SmsError::Token));
    for error in [
        of_webhook(plain, &key).to_string(),
        of_webhook(good, "hush").to_string(),
        of_pager_duty(good, "hush").to_string(),
        of_sms(good, "hush/", "hush").to_string(),
    ] {
        assert!(!error.contains(HUSH), "{error}");
    }
}
