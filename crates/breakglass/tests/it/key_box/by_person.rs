//! Rotations by a person, who signs in with a code: one goes through with their token and under their name; and one of the
//! account that has signed in itself is refused, which changes nothing.

use std::fs;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use breakglass_ops::ports::Store as _;
use breakglass_ops::rotation::journey::stream_of;
use breakglass_ops::rotation::record::{Course, Entry};
use breakglass_tenant::profile::Profile;
use serde_json::{Value, json};

use super::front::{Exchange, Kind};
use super::person::{begun, configured, ended_as};
use super::world::{DOCUMENTS, FIRST, GLOBAL_ADMINISTRATOR, Run, SECOND, World, files_below, seed};
use crate::custody_commands::words;

/// An administrator with an account of her own: id, sign-in name and password.
const ADA: (&str, &str, &str) =
    ("00000000-0000-4000-8000-0000000000a1", "ada@contoso.onmicrosoft.com", "Ada-Walks-Home-1");

/// A company of whose people one administers the tenant, and a set of shares that can be sealed to.
fn company(name: &str) -> (World, Vec<String>) {
    let (id, sign_in_name, password) = ADA;
    let mut seed = seed(0);
    seed["users"].as_array_mut().unwrap().push(json!({
        "id": id, "displayName": "Ada", "accountEnabled": true, "userPrincipalName": sign_in_name, "userType": "Member",
        "mailNickname": "ada", "passwordPolicies": "DisablePasswordExpiration",
        "passwordProfile": { "password": password }, "authenticationMethods": [],
    }));
    seed["roleAssignments"].as_array_mut().unwrap().push(json!({
        "id": "00000000-0000-4000-8000-0000000000e9", "principalId": id, "roleDefinitionId": GLOBAL_ADMINISTRATOR,
        "directoryScopeId": "/",
    }));
    let world = World::of(name, &seed, Profile::default());
    let shares = world.new_set();
    configured(&world);
    (world, shares)
}

/// A rotation of an account, by whoever signs in with this name and password.
fn rotated(world: &World, by: (&str, &str), account: &str) -> Run {
    let arguments = ["rotate", "--account", account, "--yes", "--quiescence", "0"];
    ended_as(world, by, &arguments, begun(world, &arguments))
}

/// The same, which has to go through.
#[track_caller]
fn rotates(world: &World, by: (&str, &str), account: &str) {
    let run = rotated(world, by, account);
    assert_eq!(run.code, Some(0), "{}", run.err);
    let said = words(&run.err);
    assert!(said.contains(&format!("is changed by `{}`", by.0)), "{said}");
    assert!(said.contains("has another password, proved by a sign-in"), "{said}");
}

/// What the token of a request says of whoever sent it.
fn claims(exchange: &Exchange) -> Value {
    let text = String::from_utf8_lossy(&exchange.request);
    let token = text.lines().find_map(|line| line.strip_prefix("authorization: Bearer ")).unwrap();
    let claims = token.trim().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

/// The password that opens what counts of an account.
fn opened(world: &World, account: &str, shares: &[String]) -> String {
    let current = world.course(account).current().unwrap().clone();
    let all = world.opened(DOCUMENTS, shares);
    all.into_iter().find(|(name, ..)| *name == current).unwrap().2
}

/// All that a rotation may change on this machine.
#[derive(Debug, PartialEq)]
struct Kept {
    /// How both accounts stand.
    courses: [Course; 2],
    /// Every stream, and how many entries it has.
    streams: Vec<(String, usize)>,
    /// Every document.
    documents: Vec<(PathBuf, Vec<u8>)>,
}

fn kept(world: &World) -> Kept {
    let (store, folder) = (world.store(), world.folder.join(DOCUMENTS));
    let counted = |stream: String| {
        let count = store.entries(&stream).unwrap().len();
        (stream, count)
    };
    let streams = store.streams("").unwrap().into_iter().map(counted).collect();
    let files = if folder.exists() { files_below(&folder) } else { Vec::new() };
    let read = |path: PathBuf| {
        let bytes = fs::read(&path).unwrap();
        (path, bytes)
    };
    let documents = files.into_iter().map(read).collect();
    Kept { courses: [FIRST, SECOND].map(|(id, ..)| world.course(id)), streams, documents }
}

#[test]
fn a_person_rotates_with_their_own_token_and_under_their_own_name() {
    let (world, shares) = company("by-person");
    let ada = (ADA.1, ADA.2);
    // One after the other, and then one again: for that the other has to be known to get in.
    for (account, before) in [(FIRST, FIRST.2), (SECOND, SECOND.2), (FIRST, "")] {
        drop(world.front.exchanges());
        rotates(&world, ada, account.1);
        let exchanges = world.front.exchanges();
        for kind in [Kind::Set, Kind::Revoke] {
            let own: Vec<&Exchange> = exchanges.iter().filter(|exchange| exchange.kind == kind).collect();
            assert_eq!(own.len(), 1, "{kind:?}");
            let claims = claims(own[0]);
            assert_eq!((claims["oid"].as_str(), claims["idtyp"].as_str()), (Some(ADA.0), Some("user")), "{kind:?}");
        }
        let entries = world.store().entries(&stream_of(account.0)).unwrap();
        let by: Vec<Option<String>> = entries
            .into_iter()
            .filter_map(|entry| match serde_json::from_value(entry).unwrap() {
                Entry::Begun { by, .. } => Some(by),
                _ => None,
            })
            .collect();
        assert_eq!(by.last(), Some(&Some(ADA.0.to_owned())), "who has begun it is written down");
        let (counts, _) = world.holds(account, (DOCUMENTS, &shares));
        assert_eq!(counts.as_ref(), world.course(account.0).current());
        assert!(before.is_empty() || !world.lets_in(account.1, before), "the password from before is gone");
    }
    world.ledger_holds();
    let runs = world.runs.lock().unwrap();
    assert!(runs.iter().all(|run| !run.err.contains(ADA.2) && !run.out.contains(ADA.2)));
}

/// The rotation of an account that has signed in itself is refused, leaves everything as it was, and says how to go on.
#[track_caller]
fn is_refused(world: &World, account: (&str, &str, &str), password: &str) {
    let (id, name, _) = account;
    let before = kept(world);
    drop(world.front.exchanges());
    for named in [name, id] {
        let run = rotated(world, (name, password), named);
        assert_eq!(run.code, Some(2), "{}", run.err);
        let said = words(&run.err);
        for part in [
            "BG4061",
            &format!("`{name}` is signed in, and an account does not rotate its own password"),
            "`breakglass sign-out`, then the same again, signed in as somebody else",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert!(!said.contains(password), "{said}");
    }
    let writing = [Kind::Make, Kind::Set, Kind::Prove, Kind::Revoke];
    let sent = world.front.exchanges();
    assert!(sent.iter().any(|exchange| exchange.kind == Kind::Read), "the tenant is read");
    assert!(sent.iter().all(|exchange| !writing.contains(&exchange.kind)), "and not changed");
    assert_eq!(kept(world), before);
    assert!(world.lets_in(name, password), "the password that counted counts");
}

#[test]
fn an_account_that_signs_in_itself_is_not_rotated_and_loses_nothing() {
    let (world, shares) = company("by-itself");
    let ada = (ADA.1, ADA.2);
    // With no sealed password at all.
    is_refused(&world, FIRST, FIRST.2);
    rotates(&world, ada, FIRST.1);
    rotates(&world, ada, SECOND.1);
    // With the password that is sealed, as after an emergency.
    let sealed = opened(&world, FIRST.0, &shares);
    is_refused(&world, FIRST, &sealed);
    assert_eq!(world.holds(FIRST, (DOCUMENTS, &shares)).0.as_ref(), world.course(FIRST.0).current());
    // It may rotate the other account, and somebody else may rotate it: that is the way on.
    rotates(&world, (FIRST.1, &sealed), SECOND.1);
    let mut command = world.command(&["sign-out"]);
    let signed_out = world.ended(&["sign-out"], command.env_remove("HOME").spawn().unwrap());
    assert_eq!(signed_out.code, Some(0), "{}", signed_out.err);
    rotates(&world, ada, FIRST.1);
    assert!(!world.lets_in(FIRST.1, &sealed), "what somebody has seen counts no more");
    for account in [FIRST, SECOND] {
        assert!(world.holds(account, (DOCUMENTS, &shares)).0.is_some());
    }
    world.ledger_holds();
}
