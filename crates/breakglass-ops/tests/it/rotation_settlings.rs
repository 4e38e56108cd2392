//! What follows a proof: settled when the directory agrees, destroyed when it can count no more.

use async_trait::async_trait;
use breakglass_custody::name::Name;
use breakglass_ops::ports::{
    Depository as _, Directory, DirectoryError, GraphAnswer, GraphRequest, InMemoryDepository, InMemoryStore, SignedIn,
};
use breakglass_ops::rotation::journey::{course_of, note};
use breakglass_ops::rotation::record::{Entry, QUIESCENCE_HOURS_USUAL, Standing};
use breakglass_ops::rotation::settling::{Destroyed, Settling, destroy_superseded, settle};
use futures_util::FutureExt as _;
use jiff::{SignedDuration, Timestamp};

const ACCOUNT: &str = "bg1";

/// A directory that says when the password was changed, or does not.
struct Says(Option<&'static str>);

#[async_trait]
impl Directory for Says {
    async fn send(&self, request: &GraphRequest<'_>) -> Result<GraphAnswer, DirectoryError> {
        assert_eq!(request.target, "/v1.0/users/bg1?$select=id,lastPasswordChangeDateTime");
        let lost = || DirectoryError::Lost { why: "it is played".to_owned() };
        let body = self.0.ok_or_else(lost)?.as_bytes().to_vec();
        Ok(GraphAnswer { status: 200, body, date: None, request_id: None })
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
    let changed = "2027-01-15T08:00:30Z".parse().unwrap();
    [
        Entry::Begun { by: None, at },
        Entry::Prepared { candidate: candidate.clone(), at },
        Entry::Sending { candidate: candidate.clone(), at },
        Entry::Proved { candidate, changed_at: Some(changed), is_answered: true, at },
        Entry::Revoked { at },
    ]
}

fn settled(says: Option<&'static str>, store: &InMemoryStore, now: Timestamp) -> Settling {
    let says = Says(says);
    settle((&says, store), ACCOUNT, QUIESCENCE_HOURS_USUAL, now).now_or_never().unwrap().unwrap()
}

#[test]
fn it_is_settled_when_it_is_quiet_and_the_directory_agrees() {
    let store = InMemoryStore::default();
    let unchanged = Some(r#"{"lastPasswordChangeDateTime":"2027-01-15T08:00:30Z"}"#);
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
