//! Who is watched, which sign-ins are ours, and whether a password was changed since somebody knew it.

use std::collections::BTreeMap;

use async_trait::async_trait;
use breakglass_custody::name::Name;
use breakglass_model::sign_in_record::SignInRecord;
use breakglass_ops::ports::{
    Directory, DirectoryError, GraphAnswer, GraphRequest, InMemoryWatch, Refusal, SignedIn, Store as _,
};
use breakglass_ops::rotation::correlation::correlation_id;
use breakglass_ops::rotation::journey::stream_of as rotation_of;
use breakglass_ops::rotation::record::Entry as Rotated;
use breakglass_ops::watching::accounts::{Looked, look_up};
use breakglass_ops::watching::answering::{answer, entries};
use breakglass_ops::watching::event::{Event, Reached};
use breakglass_ops::watching::incident::{Because, Class, Entry, Incident, Via};
use breakglass_ops::watching::ladder::{Ladder, Route};
use breakglass_ops::watching::own::OWN_MINUTES_MAX;
use breakglass_ops::watching::resealing::{is_resealed, right_at};
use breakglass_ops::watching::sources::graph_sign_ins::{ACCOUNT_COUNT_MAX, Watched};
use breakglass_ops::watching::taking::{Watcher, stream_of};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::readings::{Hand, ready};

const FIRST: &str = "00000000-0000-4000-8000-0000000000b1";
const SECOND: &str = "00000000-0000-4000-8000-0000000000b2";

fn name(text: &str) -> Name {
    Name::read(text).unwrap()
}

/// A tenant of a few users; whoever is asked for by `broken` cannot be told of, and `gone` ends the sign-in.
struct Users(BTreeMap<&'static str, Value>);

impl Users {
    fn new() -> Self {
        let user = |id: &str, name: &str| json!({ "id": id.to_ascii_uppercase(), "userPrincipalName": name });
        let mut users = BTreeMap::from([
            ("bg1@contoso.com", user(FIRST, "bg1@contoso.com")),
            (FIRST, user(FIRST, "bg1@contoso.com")),
            (SECOND, user(SECOND, "o'bg2@contoso.com")),
            ("nameless", json!({ "userPrincipalName": "nameless" })),
        ]);
        users.insert("group", json!({ "value": [{ "id": FIRST }, { "id": SECOND }, { "displayName": "no id" }] }));
        Self(users)
    }
}

#[async_trait]
impl Directory for Users {
    async fn send(&self, request: &GraphRequest<'_>) -> Result<GraphAnswer, DirectoryError> {
        let asked = request.target.split('?').next().unwrap();
        let asked = asked.trim_start_matches("/v1.0/users/").trim_start_matches("/v1.0/groups/");
        let asked = asked.trim_end_matches("/members");
        let refused = |status| {
            let refusal = Refusal { status, code: String::new(), message: "a test".to_owned(), request_id: None };
            Err(DirectoryError::Refused(refusal))
        };
        match (asked, self.0.get(asked)) {
            ("gone", _) => Err(DirectoryError::NotSignedIn { why: "revoked".to_owned() }),
            ("broken", _) => refused(503),
            (_, None) => refused(404),
            (_, Some(user)) => {
                let body = user.to_string().into_bytes();
                Ok(GraphAnswer { status: 200, body, date: None, request_id: None })
            }
        }
    }

    fn origin(&self) -> String {
        "https://graph.example".to_owned()
    }

    async fn signed_in(&self) -> Result<SignedIn, DirectoryError> {
        Err(DirectoryError::NotSignedIn { why: "nobody asks".to_owned() })
    }
}

fn looked(accounts: &[&str], groups: &[&str], known: &[Watched]) -> Result<Looked, DirectoryError> {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    ready(look_up(&Users::new(), (&owned(accounts), &owned(groups)), known))
}

#[test]
fn accounts_are_watched_by_their_ids_and_what_is_not_is_said() {
    let ids = |looked: &Looked| looked.accounts.iter().map(|account| account.id.clone()).collect::<Vec<_>>();
    let known = [Watched { id: SECOND.to_owned(), user_principal_name: Some("Broken".to_owned()) }];
    let nobody = "00000000-0000-4000-8000-0000000000B9";
    for (accounts, groups, expected, findings) in [
        (vec!["bg1@contoso.com"], vec![], vec![FIRST], vec![]),
        // One account by both of its names is one.
        (vec!["bg1@contoso.com", FIRST], vec![], vec![FIRST], vec![]),
        (vec![], vec!["group"], vec![FIRST, SECOND], vec![]),
        (
            vec!["nobody@contoso.com"],
            vec![],
            vec![],
            vec!["`nobody@contoso.com` is NOT watched: the tenant does not have it"],
        ),
        (vec![nobody], vec![], vec!["00000000-0000-4000-8000-0000000000b9"], vec!["by its id alone"]),
        // What was known of it holds on.
        (vec!["broken"], vec![], vec![SECOND], vec!["`broken` cannot be looked up, and is watched as it was"]),
        (vec!["nameless"], vec![], vec![], vec!["`nameless` is NOT watched: the answer has no id"]),
        (vec![FIRST], vec!["nobody"], vec![FIRST], vec!["members of the group `nobody` cannot be looked up"]),
    ] {
        let looked = looked(&accounts, &groups, &known).unwrap();
        assert_eq!(ids(&looked), expected, "{accounts:?} {groups:?}");
        assert_eq!(looked.findings.len(), findings.len(), "{:?}", looked.findings);
        for (found, wanted) in looked.findings.iter().zip(findings) {
            assert!(found.contains(wanted), "{found}");
        }
    }
    assert!(looked(&["gone"], &[], &known).is_err(), "nobody is signed in");
    let many: Vec<String> = (0..=ACCOUNT_COUNT_MAX).map(|at| format!("00000000-0000-4000-8000-{at:012}")).collect();
    let looked = looked(&many.iter().map(String::as_str).collect::<Vec<_>>(), &[], &[]).unwrap();
    assert_eq!(looked.accounts.len(), ACCOUNT_COUNT_MAX);
    assert!(looked.findings.iter().any(|finding| finding.contains("at most 20")), "{:?}", looked.findings);
}

fn second(seconds: i64) -> Timestamp {
    "2026-11-28T03:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(seconds)
}

fn event(id: &str, at: Timestamp, code: i64, correlation: &str) -> Event {
    let record = json!({
        "id": id, "userId": FIRST, "createdDateTime": at, "status": { "errorCode": code }, "correlationId": correlation,
    });
    let text = record.to_string();
    Event::of_sign_in(&SignInRecord::from_json(text.as_bytes()).unwrap(), Some(true), |_| true).unwrap()
}

/// A watcher's world in which a rotation has announced one sign-in; the id of that.
fn announced(store: &InMemoryWatch, at: Timestamp) -> String {
    let candidate = name("candidate-1");
    for (index, entry) in [
        Rotated::Begun { by: None, at },
        Rotated::Prepared { candidate: candidate.clone(), at },
        Rotated::Sending { candidate: candidate.clone(), at },
        Rotated::Probing { candidate: candidate.clone(), at },
    ]
    .iter()
    .enumerate()
    {
        store.append(&rotation_of(FIRST), index, &serde_json::to_value(entry).unwrap()).unwrap();
    }
    correlation_id(&candidate, 3)
}

fn ladder() -> Ladder {
    Ladder { routes: vec![Route { channel: name("post"), recipient: name("eva"), from_step: 0 }], wait_seconds: 300 }
}

#[test]
fn only_what_a_rotation_has_announced_is_ours() {
    let hand = Hand::new();
    let ladder = ladder();
    let far = OWN_MINUTES_MAX * 60;
    for (at, correlation, expected) in [
        (1, None, Reached::Own),
        (far, None, Reached::Own),
        (-far, None, Reached::Own),
        (far + 1, None, Reached::Token),
        (-far - 1, None, Reached::Token),
        (1, Some("00000000-0000-8000-8000-000000000000"), Reached::Token),
        (1, Some(""), Reached::Token),
    ] {
        let store = InMemoryWatch::new(second(0));
        let id = announced(&store, second(0));
        let watcher = Watcher::new(&store, &hand, &ladder);
        let correlation = correlation.unwrap_or(&id);
        watcher.take(&[event("one", second(at), 0, correlation)], None).unwrap();
        let kept = breakglass_ops::ports::WatchStore::events(&store, &stream_of(1), 0, 10).unwrap();
        assert_eq!(kept[0].event.reached, expected, "{at} {correlation}");
        // Told again it is the same.
        let taken = watcher.take(&[event("one", second(at), 0, correlation)], None).unwrap();
        assert_eq!((taken.new_count, taken.raised_count, taken.alert_count), (0, 0, 0), "{at} {correlation}");
    }
}

#[test]
fn the_proof_of_a_rotation_is_told_and_asks_for_no_answer_that_was_given() {
    let (store, hand, ladder) = (InMemoryWatch::new(second(0)), Hand::new(), ladder());
    let id = announced(&store, second(100));
    let watcher = Watcher::new(&store, &hand, &ladder);
    watcher.take(&[event("one", second(0), 0, "x")], None).unwrap();
    let by = || name("eva");
    let at = second(0);
    let acknowledge = |one: &Incident| Entry::Acknowledged { by: by(), via: Via::Command, covers: one.covered(), at };
    let classify = |one: &Incident| {
        let (covers, reason) = (one.covered(), "it was".to_owned());
        Entry::Classified { class: Class::Real, by: by(), covers, reason, at }
    };
    answer(&store, 1, acknowledge).unwrap();
    answer(&store, 1, classify).unwrap();
    let taken = watcher.take(&[event("two", second(101), 0, &id)], None).unwrap();
    assert_eq!(taken.alert_count, 1, "it is told");
    let (entries_now, incident) = entries(&store, 1).unwrap();
    assert!(matches!(entries_now.last(), Some(Entry::Alerted { because: Because::Own, .. })), "{entries_now:?}");
    assert!(incident.is_answered() && incident.class() == Some(Class::Real));
    assert!(incident.is_reseal_due(), "the first sign-in had the old password");

    // The last with the right password that was not ours is what has to be over.
    let right = right_at(&store, &stream_of(1), incident.covered()).unwrap();
    assert_eq!(right, Some(second(0)));
    assert!(is_resealed(right, Some(second(1))));
    for changed_at in [None, Some(second(0)), Some(second(-1))] {
        assert!(!is_resealed(right, changed_at), "{changed_at:?}");
    }
    assert!(!is_resealed(None, Some(second(1))), "nobody knows when it was right");

    // Somebody else's is told as theirs, and nothing that was said holds of it.
    watcher.take(&[event("three", second(200), 0, "y"), event("four", second(102), 0, &id)], None).unwrap();
    let (_, incident) = entries(&store, 1).unwrap();
    assert!(!incident.is_answered() && incident.class().is_none());
    assert_eq!(right_at(&store, &stream_of(1), incident.covered()).unwrap(), Some(second(200)));
}

#[test]
fn a_rotation_that_nobody_knows_of_opens_an_incident() {
    let (store, hand, ladder) = (InMemoryWatch::new(second(0)), Hand::new(), ladder());
    let id = announced(&store, second(100));
    let watcher = Watcher::new(&store, &hand, &ladder);
    watcher.take(&[event("one", second(101), 0, &id)], None).unwrap();
    let (said, incident) = entries(&store, 1).unwrap();
    assert!(matches!(said.last(), Some(Entry::Alerted { because: Because::Opened, .. })), "{said:?}");
    assert!(!incident.is_answered() && !incident.is_closed() && !incident.is_reseal_due());
}
