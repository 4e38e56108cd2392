//! What follows a proof: settled when the directory agrees, destroyed when it can count no more.

use std::time::Duration;

use async_trait::async_trait;
use breakglass_custody::name::Name;
use breakglass_ops::ports::{
    Clock, Depository as _, Directory, DirectoryError, GraphAnswer, GraphRequest, InMemoryDepository, InMemoryStore,
    SignedIn,
};
use breakglass_ops::rotation::journey::{course_of, note};
use breakglass_ops::rotation::record::{Entry, QUIESCENCE_HOURS_USUAL, Standing};
use breakglass_ops::rotation::settling::{Destroyed, Settling, WrongClock, destroy_superseded, settle};
use futures_util::FutureExt as _;
use jiff::{SignedDuration, Timestamp};

const ACCOUNT: &str = "bg1";

/// A directory that says when the password was changed, or does not, and what time it is.
struct Says(Option<&'static str>, Option<Timestamp>);

/// A clock that stands.
struct Stands(Timestamp);

#[async_trait]
impl Clock for Stands {
    fn now(&self) -> Timestamp {
        self.0
    }

    async fn sleep(&self, _: Duration) {}
}

#[async_trait]
impl Directory for Says {
    async fn send(&self, request: &GraphRequest<'_>) -> Result<GraphAnswer, DirectoryError> {
        assert_eq!(request.target, "/v1.0/users/bg1?$select=id,lastPasswordChangeDateTime");
        let lost = || DirectoryError::Lost { why: "it is played".to_owned() };
        let body = self.0.ok_or_else(lost)?.as_bytes().to_vec();
        Ok(GraphAnswer { status: 200, body, date: self.1, request_id: None })
    }

    fn origin(&self) -> String {
        "https://graph.microsoft.com".to_owned()
    }

    async fn signed_in(&self) -> Result<SignedIn, DirectoryError> {
        Err(DirectoryError::Lost { why: "nobody asks".to_owned() })
    }
}

fn at(hours: i64) -> Timestamp {
    "2027-01-15T08:00:00Z".parse::<Timestamp>().unwrap().checked_add(SignedDuration::from_hours(hours)).unwrap()
}

fn name(text: &str) -> Name {
    Name::read(text).unwrap()
}

/// A rotation that was proved, begun at an hour.
fn rotated(candidate: &str, hour: i64) -> [Entry; 5] {
    let (candidate, at) = (name(candidate), at(hour));
    let changed = "2027-01-15T07:59:30Z".parse().unwrap();
    [
        Entry::Begun { by: None, at },
        Entry::Prepared { candidate: candidate.clone(), at },
        Entry::Sending { candidate: candidate.clone(), at },
        Entry::Proved { candidate, changed_at: Some(changed), is_answered: true, at },
        Entry::Revoked { at },
    ]
}

fn settled(says: Option<&'static str>, store: &InMemoryStore, now: Timestamp) -> Settling {
    settled_by((says, Some(now)), store, now)
}

/// The same where the tenant says that it is another time, or does not say what time it is.
fn settled_by(
    (says, tenant): (Option<&'static str>, Option<Timestamp>),
    store: &InMemoryStore,
    now: Timestamp,
) -> Settling {
    let (says, stands) = (Says(says, tenant), Stands(now));
    settle((&says, store, &stands), ACCOUNT, QUIESCENCE_HOURS_USUAL).now_or_never().unwrap().unwrap()
}

#[test]
fn it_is_settled_when_it_is_quiet_and_the_directory_agrees() {
    let store = InMemoryStore::default();
    let unchanged = Some(r#"{"lastPasswordChangeDateTime":"2027-01-15T07:59:30Z"}"#);
    assert_eq!(settled(unchanged, &store, at(0)), Settling::Nothing);
    note(&store, ACCOUNT, &rotated("one", 0)).unwrap();
    assert_eq!(settled(unchanged, &store, at(23)), Settling::Quiet { until: at(24) });
    let late = Some(r#"{"lastPasswordChangeDateTime":"2027-01-15T11:00:00Z"}"#);
    assert_eq!(settled(late, &store, at(24)), Settling::Changed { proved_at: at(0), changed_at: at(3) });
    for says in [None, Some("{}"), Some(r#"{"lastPasswordChangeDateTime":null}"#), Some("no")] {
        assert!(matches!(settled(says, &store, at(24)), Settling::Unknown(_)), "{says:?}");
    }
    assert_eq!(course_of(&store, ACCOUNT).unwrap().0.standing(&name("one")), Some(Standing::Proved));
    assert_eq!(settled(unchanged, &store, at(24)), Settling::Settled(name("one")));
    assert_eq!(course_of(&store, ACCOUNT).unwrap().0.standing(&name("one")), Some(Standing::Settled));
    assert_eq!(settled(unchanged, &store, at(25)), Settling::Nothing);
}

#[test]
fn nothing_is_settled_by_a_clock_that_is_wrong() {
    let store = InMemoryStore::default();
    let unchanged = Some(r#"{"lastPasswordChangeDateTime":"2027-01-15T07:59:30Z"}"#);
    note(&store, ACCOUNT, &rotated("one", 0)).unwrap();
    let second = |hours: i64, seconds: i64| at(hours).checked_add(SignedDuration::from_secs(seconds)).unwrap();
    let wrong = |seconds_ahead| Settling::WrongClock(WrongClock { seconds_ahead });
    let quiet = Settling::Quiet { until: at(24) };
    // This machine's clock, the tenant's, and what comes of it. The tenant's is rounded down to the second.
    for (own, tenant, expected) in [
        (at(72), at(0), wrong(72 * 3_600 - 1)),
        (at(24), at(72), wrong(-48 * 3_600)),
        (at(24), second(24, 301), wrong(-301)),
        (second(24, 302), at(24), wrong(301)),
        // By one of the two it has not passed yet.
        (at(24), second(24, -60), quiet.clone()),
        (second(24, -1), second(24, 60), quiet),
    ] {
        assert_eq!(settled_by((unchanged, Some(tenant)), &store, own), expected, "{own} {tenant}");
    }
    assert!(matches!(settled_by((unchanged, None), &store, at(24)), Settling::Unknown(_)));
    assert_eq!(course_of(&store, ACCOUNT).unwrap().0.standing(&name("one")), Some(Standing::Proved));
    assert_eq!(settled_by((unchanged, Some(second(24, 300))), &store, at(24)), Settling::Settled(name("one")));
    // It was sent while this machine's clock was three days behind, and the tenant named the change by its own.
    let store = InMemoryStore::default();
    note(&store, ACCOUNT, &rotated("one", -72)).unwrap();
    let change = second(24, -30);
    assert_eq!(settled(unchanged, &store, at(1)), Settling::Quiet { until: change });
    assert_eq!(settled(unchanged, &store, change), Settling::Settled(name("one")));
    let said = [72 * 3_600, -420].map(|seconds_ahead| WrongClock { seconds_ahead }.to_string());
    assert_eq!(
        said,
        ["this machine's clock is 72 h ahead of the tenant's", "this machine's clock is 7 min behind the tenant's"]
    );
}

#[test]
fn a_document_goes_two_rotations_after_another_took_its_place() {
    let (store, depository) = (InMemoryStore::default(), InMemoryDepository::default());
    let keep = |candidate: &str| depository.keep(&name(candidate), "sealed").now_or_never().unwrap().unwrap();
    let kept = || depository.names().now_or_never().unwrap().unwrap();
    let clean = |hour| destroy_superseded((&depository, &store), ACCOUNT, at(hour)).now_or_never().unwrap().unwrap();
    for (round, candidate) in ["one", "two", "three", "four"].into_iter().enumerate() {
        let hour = 100 * i64::try_from(round).unwrap();
        keep(candidate);
        note(&store, ACCOUNT, &rotated(candidate, hour)).unwrap();
        let destroyed = clean(hour);
        note(&store, ACCOUNT, &[Entry::Settled { candidate: name(candidate), at: at(hour + 30) }]).unwrap();
        let expected: &[&str] = if round == 3 { &["one"] } else { &[] };
        assert_eq!(destroyed.gone, expected.iter().map(|one| name(one)).collect::<Vec<_>>(), "round {round}");
    }
    assert_eq!(kept(), ["four", "three", "two"].map(name));
    // A crash between the entry and the deed: the next time finishes it.
    keep("one");
    assert_eq!(clean(500), Destroyed::default());
    assert_eq!(kept(), ["four", "three", "two"].map(name));
}
