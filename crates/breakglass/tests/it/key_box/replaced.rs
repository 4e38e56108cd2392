//! `rotate` where it may not: another account takes the place of one, the tenant lets nobody reset a password, an application
//! is signed in, somebody else rotates, an account was deleted.

use std::fs;

use serde_json::{Value, json};

use super::front::{Fate, Kind};
use super::marked::{Marked, found_anywhere};
use super::marked_keys::sealing_keys;
use super::successions::Succession;
use super::world::{DOCUMENTS, FIRST, GLOBAL_ADMINISTRATOR, SECOND, TENANT, WRITER, WRITER_SECRET, World, other};
use crate::served::written;

/// A token of the writer, past everything that stands before the tenant.
fn token(world: &World) -> String {
    let form = written(&[
        ("client_id", WRITER),
        ("client_secret", WRITER_SECRET),
        ("grant_type", "client_credentials"),
        ("scope", "https://graph.microsoft.com/.default"),
    ]);
    let answer =
        sent(world, &format!("POST /{TENANT}/oauth2/v2.0/token"), "application/x-www-form-urlencoded", "", &form);
    answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

/// What Graph says to the writer.
pub(super) fn graph(world: &World, line: &str, body: &Value) -> Value {
    let authorization = format!("authorization: Bearer {}\r\n", token(world));
    sent(world, line, "application/json", &authorization, &body.to_string())
}

fn sent(world: &World, line: &str, kind: &str, headers: &str, body: &str) -> Value {
    let request = format!(
        "{line} HTTP/1.1\r\nhost: {}\r\ncontent-type: {kind}\r\n{headers}content-length: {}\r\n\r\n{body}",
        world.served.at,
        body.len()
    );
    let answer = world.runtime.block_on(world.front.send(&request));
    assert!(answer.starts_with("HTTP/1.1 2"), "{line}: {answer}");
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body).unwrap_or_default();
    serde_json::from_str(body).unwrap_or(Value::Null)
}

/// The configuration with other lines.
pub(super) fn configure(world: &World, change: impl Fn(String) -> String) {
    let path = world.folder.join("breakglass.toml");
    fs::write(&path, change(fs::read_to_string(&path).unwrap())).unwrap();
}

pub(super) fn declare(world: &World, name: &str) {
    configure(world, |text| {
        text.replacen("[custody]", &format!("[[account]]\nuser_principal_name = \"{name}\"\n[custody]"), 1)
    });
}

/// The group that the plan asks for; its id.
pub(super) fn group(world: &World) -> String {
    let group = json!({
        "displayName": "Emergency access - excluded from Conditional Access", "mailNickname": "emergency-access",
        "mailEnabled": false, "securityEnabled": true, "isAssignableToRole": true,
    });
    graph(world, "POST /v1.0/groups", &group)["id"].as_str().unwrap().to_owned()
}

pub(super) fn add(world: &World, group: &str, id: &str) {
    let member = json!({ "@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{id}") });
    graph(world, &format!("POST /v1.0/groups/{group}/members/$ref"), &member);
}

/// What a rotation says that has to end so.
#[track_caller]
pub(super) fn rotate(world: &World, code: i32, account: &str, more: &[&str]) -> String {
    let ended = world.ends(code, &[&["rotate", "--yes", "--account", account][..], more].concat(), "");
    format!("{}{}", ended.out, ended.err)
}

#[test]
fn another_account_takes_the_place_of_one_that_goes_last() {
    let world = World::with_others("replaced", 1);
    let shares = world.new_set();
    let (third_id, third, _) = other(0);
    let group = group(&world);
    for (id, name, _) in [FIRST, SECOND] {
        add(&world, &group, id);
        rotate(&world, 0, name, &[]);
    }
    let replace = ["--replace-account", third.as_str()];
    let refused = rotate(&world, 2, FIRST.1, &replace);
    assert!(refused.contains("is no emergency account of the configuration"), "{refused}");
    declare(&world, &third);
    let refused = rotate(&world, 2, FIRST.1, &replace);
    assert!(refused.contains("of `breakglass plan` are not done"), "{refused}");
    let same = rotate(&world, 2, FIRST.1, &["--replace-account", FIRST.1]);
    assert!(same.contains("they are one account"), "{same}");
    let assignment = json!({
        "principalId": third_id, "roleDefinitionId": GLOBAL_ADMINISTRATOR, "directoryScopeId": "/",
    });
    graph(&world, "POST /v1.0/roleManagement/directory/roleAssignments", &assignment);
    add(&world, &group, &third_id);
    world.ends(0, &["plan", "--expect-none"], "");
    // What is sealed of the second cannot be had: the first would be the last that is known to get in.
    fs::rename(world.folder.join(DOCUMENTS), world.folder.join("elsewhere")).unwrap();
    fs::create_dir(world.folder.join(DOCUMENTS)).unwrap();
    let refused = rotate(&world, 2, FIRST.1, &replace);
    assert!(refused.contains("has the sealed password of `emergency-access-2"), "{refused}");
    assert!(world.course(&third_id).current().is_none(), "nothing was begun");
    fs::remove_dir(world.folder.join(DOCUMENTS)).unwrap();
    fs::rename(world.folder.join("elsewhere"), world.folder.join(DOCUMENTS)).unwrap();
    let told = rotate(&world, 0, FIRST.1, &replace);
    assert!(told.contains("is deleted"), "{told}");
    world.holds((&third_id, &third, "never"), (DOCUMENTS, &shares));
    world.holds(SECOND, (DOCUMENTS, &shares));
    let form = graph(&world, "GET /v1.0/directory/deletedItems/microsoft.graph.user?$select=id", &Value::Null);
    assert_eq!(form["value"][0]["id"], FIRST.0, "{form}");
    world.ledger_holds();
    let ledger = world.ends(0, &["ledger", "show"], "").out;
    assert!(ledger.contains("Replaced;"), "{ledger}");
    assert!(ledger.contains("Deleted;"), "{ledger}");
    // What is sealed of it counts no more, and nothing asks for it.
    let listing = world.run(&["custody", "list", "--format", "json"], "").out;
    let listing: Value = serde_json::from_str(&listing).unwrap();
    let of_it = listing["documents"].as_array().unwrap().iter().find(|one| one["accountId"] == FIRST.0).unwrap();
    assert_eq!((&of_it["stands"], &of_it["isCurrent"]), (&json!("its account is deleted"), &json!(false)));
    configure(&world, |text| text.replace(&format!("[[account]]\nuser_principal_name = \"{}\"\n", FIRST.1), ""));
    let to_do = world.run(&["custody", "list", "--format", "json"], "").out;
    let to_do: Value = serde_json::from_str::<Value>(&to_do).unwrap()["toDo"].clone();
    assert!(!to_do.to_string().contains(FIRST.1), "{to_do}");
    declare(&world, FIRST.1);
    // Whoever still names it learns that it is gone for good, and whoever does the same again that it is done.
    let gone = rotate(&world, 2, FIRST.1, &[]);
    assert!(gone.contains(&format!("`{}` is deleted: `{third}` has taken its place", FIRST.1)), "{gone}");
    assert!(!gone.contains("restore"), "{gone}");
    let by_another = rotate(&world, 2, FIRST.1, &["--replace-account", SECOND.1]);
    assert!(by_another.contains(&format!("`{third}` has taken its place")), "{by_another}");
    let done = rotate(&world, 0, FIRST.1, &replace);
    assert!(done.contains(&format!("`{}` is deleted, and `{third}` is in its place", FIRST.1)), "{done}");
    let mut marked = vec![Marked::password("the secret of the application", WRITER_SECRET)];
    marked.extend(sealing_keys(&world, &[&shares]));
    for (number, (_, _, password)) in world.opened(DOCUMENTS, &shares).iter().enumerate() {
        marked.push(Marked::password(&format!("password {number}"), password));
    }
    for (number, words) in shares.iter().enumerate() {
        marked.push(Marked::share(&format!("share {number} of set 0"), words));
    }
    let counts = found_anywhere(&world, marked);
    // Each password as it is set and proved, and the seed of each key in its file.
    assert!(counts.allowed > 8 && counts.exchanges > 50, "{counts:?}");
}

#[test]
fn whatever_becomes_of_the_deletion_it_is_looked_for_and_gone_on_with() {
    use Fate::{BrokenDone, Late, LostDone, LostUndone, Refused};
    const DONE: &str = "is in its place";
    const UNDONE: &str = "is not deleted, and";
    const UNKNOWN: &str = "is deleted is not known, and";
    // What becomes of the first request of a kind; how the run ends, and what it says.
    type Case<'c> = (&'c [(Kind, Fate)], i32, &'c str);
    let cases: [Case<'_>; 8] = [
        (&[], 0, DONE),
        (&[(Kind::Delete, LostDone)], 0, DONE),
        (&[(Kind::Delete, BrokenDone(503))], 0, DONE),
        (&[(Kind::Delete, LostUndone)], 0, DONE),
        (&[(Kind::Delete, Late)], 0, DONE),
        (&[(Kind::Delete, Refused(403))], 4, UNDONE),
        (&[(Kind::Delete, LostDone), (Kind::Look, Refused(403))], 4, UNKNOWN),
        (&[(Kind::Delete, LostUndone), (Kind::Look, Refused(403))], 4, UNKNOWN),
    ];
    let mut scene = Succession::new("deletions", cases.len() + 1);
    for (fates, code, says) in cases {
        let (old, new) = scene.declare_next();
        let mut left = fates.to_vec();
        scene.world.front.decide(move |kind| {
            let at = left.iter().position(|(of, _)| *of == kind);
            at.map_or(Fate::Passed, |at| left.remove(at).1)
        });
        let told = scene.replace(code, (&old, &new));
        for what in [DONE, UNDONE, UNKNOWN] {
            assert_eq!(told.contains(what), what == says, "{fates:?}, `{what}`: {told}");
        }
        assert!(!told.contains("restore"), "{fates:?}: {told}");
        scene.world.front.decide(|_| Fate::Passed);
        if code != 0 {
            assert!(told.contains("run the same command again"), "{fates:?}: {told}");
            let to_do = scene.to_do();
            let command = format!("breakglass rotate --account {} --replace-account {}", old.1, new.1);
            assert!(to_do.contains(&command), "{fates:?}: {to_do}");
            let again = scene.replace(0, (&old, &new));
            assert!(again.contains(DONE), "{fates:?}: {again}");
        }
        // Whatever was on its way arrives, and changes nothing any more.
        scene.world.runtime.block_on(scene.world.front.let_arrive());
        scene.is_done((&old, &new));
        scene.forget(&old);
    }
    // The same by a fault of the tenant itself, which cuts each answer to what was changed.
    let (old, new) = scene.declare_next();
    rotate(&scene.world, 0, &new.1, &[]);
    scene.world.switch("PUT", &["faults", "cut-after-write"]);
    let told = scene.replace(0, (&old, &new));
    scene.world.switch("DELETE", &["faults"]);
    assert!(told.contains(DONE), "{told}");
    scene.is_done((&old, &new));
    scene.world.ledger_is_whole();
}

#[test]
fn an_account_that_nobody_can_reset_is_left_alone_and_told_why() {
    let world = World::with_others("restricted", 0);
    world.new_set();
    for (_, name, _) in [FIRST, SECOND] {
        rotate(&world, 0, name, &[]);
    }
    let before = world.course(FIRST.0);
    let unit = json!({ "displayName": "Nobody in here", "isMemberManagementRestricted": true });
    let unit = graph(&world, "POST /v1.0/directory/administrativeUnits", &unit);
    let path = format!("POST /v1.0/directory/administrativeUnits/{}/members/$ref", unit["id"].as_str().unwrap());
    let member = json!({ "@odata.id": format!("https://graph.microsoft.com/v1.0/users/{}", FIRST.0) });
    graph(&world, &path, &member);
    let refused = rotate(&world, 2, FIRST.1, &[]);
    assert!(
        refused.contains("BG4061") && refused.contains("`Nobody in here`, whose management is restricted"),
        "{refused}"
    );
    assert!(refused.contains("take `emergency-access-1@contoso.onmicrosoft.com` out of `Nobody in here`"), "{refused}");
    assert_eq!(world.course(FIRST.0), before, "nothing was begun");
}

#[test]
fn an_application_rotates_only_where_that_is_declared_and_two_never_at_once() {
    let world = World::with_others("who-rotates", 0);
    world.new_set();
    configure(&world, |text| text.replace("application_may_rotate = true\n", ""));
    let refused = rotate(&world, 2, FIRST.1, &[]);
    assert!(refused.contains("a password is changed by a person who answers for it"), "{refused}");
    configure(&world, |text| text.replacen("[custody]\n", "[custody]\napplication_may_rotate = true\n", 1));
    let lock = breakglass_adapters::lock_file::LockFile::take(&world.state().join("rotation.lock")).unwrap();
    let refused = rotate(&world, 2, FIRST.1, &[]);
    assert!(refused.contains("two accounts are never rotated at once"), "{refused}");
    drop(lock);
    rotate(&world, 0, FIRST.1, &[]);
    let entries = breakglass_ops::ports::Store::entries(&world.store(), &format!("rotation/{}", FIRST.0)).unwrap();
    assert_eq!((&entries[0]["state"], &entries[0]["by"]), (&json!("begun"), &json!(WRITER)));
    assert!(entries.iter().any(|entry| entry["state"] == "probing"), "each sign-in is written down before it is tried");
    let proved = entries.iter().find(|entry| entry["state"] == "proved").unwrap();
    assert!(proved["is_answered"] == true && proved["changed_at"].is_string(), "{proved}");
}

#[test]
fn an_account_that_was_made_anew_is_another_one() {
    let world = World::with_others("anew", 0);
    let shares = world.new_set();
    let group = group(&world);
    for (id, name, _) in [FIRST, SECOND] {
        add(&world, &group, id);
        rotate(&world, 0, name, &[]);
    }
    for line in [format!("users/{}", FIRST.0), format!("directory/deletedItems/{}", FIRST.0)] {
        graph(&world, &format!("DELETE /v1.0/{line}"), &Value::Null);
    }
    // Nobody has its name yet: it may be restored, and nothing is written down of it.
    let refused = rotate(&world, 2, FIRST.1, &[]);
    assert!(refused.contains("somebody has deleted it"), "{refused}");
    let user = json!({
        "accountEnabled": true, "displayName": "Emergency access", "mailNickname": "anew", "userPrincipalName": FIRST.1,
        "passwordProfile": { "password": "Only-For-Trying-Things-Out-7", "forceChangePasswordNextSignIn": false },
    });
    let id = graph(&world, "POST /v1.0/users", &user)["id"].as_str().unwrap().to_owned();
    let assignment = json!({ "principalId": id, "roleDefinitionId": GLOBAL_ADMINISTRATOR, "directoryScopeId": "/" });
    graph(&world, "POST /v1.0/roleManagement/directory/roleAssignments", &assignment);
    add(&world, &group, &id);
    let told = rotate(&world, 0, FIRST.1, &[]);
    assert!(told.contains(&format!("no account with the id {} any more", FIRST.0)), "{told}");
    world.holds((&id, FIRST.1, "never"), (DOCUMENTS, &shares));
    let listing = world.run(&["custody", "list", "--format", "json"], "").out;
    let listing: Value = serde_json::from_str(&listing).unwrap();
    let of_it = listing["documents"].as_array().unwrap().iter().find(|one| one["accountId"] == FIRST.0).unwrap();
    assert_eq!(of_it["stands"], "its account is deleted");
    let open = ["custody", "open", "--account", FIRST.1, "--share", "-"];
    let opened = world.ends(0, &open, &shares[1..].join("\n"));
    assert!(world.lets_in(FIRST.1, opened.out.trim()));
}

#[test]
fn where_the_state_is_lost_no_password_is_taken_for_the_first() {
    let world = World::with_others("state-lost", 0);
    world.new_set();
    for (_, name, _) in [FIRST, SECOND] {
        rotate(&world, 0, name, &[]);
    }
    for entry in fs::read_dir(world.state()).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_string_lossy().starts_with("state.db") {
            fs::remove_file(path).unwrap();
        }
    }
    // What lies there is named, though nothing here says what it is.
    for state in [".breakglass", "nowhere"] {
        let listed = world.ends(1, &["custody", "list", "--state", state], "").out;
        let names: Vec<_> =
            fs::read_dir(world.folder.join(DOCUMENTS)).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(names.len(), 2, "{names:?}");
        for name in names {
            let name = name.file_stem().unwrap().to_str().unwrap().to_owned();
            assert!(listed.contains(&name), "{state}: {name}: {listed}");
        }
        assert!(!listed.contains("new-set") || state == ".breakglass", "{listed}");
    }
    world.ends(0, &["custody", "new-set", "--threshold", "2", "--output", "later"], "");
    let shares = world.shares_in("later");
    world.ends(0, &["custody", "rehearse", "--acknowledge", "--share", "-"], &shares.join("\n"));
    let seal = ["custody", "seal", "--account", FIRST.1, "--id", FIRST.0, "--generate"];
    let refused = world.ends(2, &seal, "");
    assert!(refused.out.is_empty() && refused.err.contains("is in no record here"), "{refused:?}");
    let listed = world.run(&["custody", "list"], "").out;
    let words: String = listed.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("no sealed password of it is in the record"), "{listed}");
    let refused = rotate(&world, 2, FIRST.1, &[]);
    assert!(refused.contains("is in no record here") && refused.contains("no other emergency account"), "{refused}");
}

#[test]
fn what_is_settled_is_told_without_a_change() {
    let world = World::with_others("settled", 0);
    let shares = world.new_set();
    for (_, name, _) in [FIRST, SECOND] {
        rotate(&world, 0, name, &["--quiescence", "0"]);
    }
    let settle = |hours: &str| world.ends(0, &["rotate", "--settle", "--quiescence", hours], "").err;
    let current = world.course(FIRST.0).current().unwrap().to_string();
    let early = settle("24");
    assert!(early.contains("is not settled: these documents may count"), "{early}");
    // By a clock that is wrong everything would be long past.
    let unsettled = || world.course(SECOND.0).unsettled().map(ToString::to_string).collect::<Vec<_>>();
    let second = world.course(SECOND.0).current().unwrap().to_string();
    for (by, side) in [("-72h", "72 h ahead of the tenant's"), ("72h", "72 h behind the tenant's")] {
        world.switch_with(&["faults", "clock"], &json!({ "by": by }));
        let (before, words) = (world.course(FIRST.0), ["rotate", "--settle", "--quiescence", "0"]);
        let wrong = world.ends(3, &words, "").err;
        let said = wrong.split_whitespace().collect::<Vec<_>>().join(" ");
        // Some seconds may be missing from the last hour.
        let near = side.replace("72", "71");
        assert!(said.contains("nothing is settled: this machine's clock is"), "{by}: {wrong}");
        assert!(said.contains(side) || said.contains(&near), "{by}: {wrong}");
        assert!(said.contains("set this machine's clock") && said.contains("is not settled"), "{by}: {wrong}");
        assert_eq!(unsettled(), [second.as_str()], "{by}");
        let refused = rotate(&world, 2, FIRST.1, &["--quiescence", "0"]);
        assert!(refused.contains("BG4061") && refused.contains("this machine's clock is"), "{by}: {refused}");
        assert_eq!(world.course(FIRST.0), before, "{by}: nothing was begun");
    }
    world.switch("DELETE", &["faults"]);
    let settled = settle("0");
    assert!(unsettled().is_empty(), "{settled}");
    assert!(settled.contains(&format!("is settled: the document `{current}` counts, and no other")), "{settled}");
    world.holds(FIRST, (DOCUMENTS, &shares));
}

#[test]
fn an_account_that_is_deleted_is_named_where_others_are_settled() {
    let world = World::with_others("settled-and-deleted", 0);
    world.new_set();
    for (_, name, _) in [FIRST, SECOND] {
        rotate(&world, 0, name, &["--quiescence", "0"]);
    }
    graph(&world, &format!("DELETE /v1.0/users/{}", SECOND.0), &Value::Null);
    let told = world.ends(1, &["rotate", "--settle", "--quiescence", "0"], "").err;
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    let [first, second] = [FIRST, SECOND].map(|(_, name, _)| format!("`{name}` is"));
    assert!(told.contains(&format!("{first} settled")), "{told}");
    assert!(told.contains(&format!("{second} not settled: the tenant has no such account")), "{told}");
    assert!(told.contains("restore it there"), "{told}");
}

#[test]
fn another_account_without_a_sealed_password_is_said_to_have_none() {
    let world = World::with_others("unsealed", 0);
    world.new_set();
    rotate(&world, 0, FIRST.1, &[]);
    let refused = rotate(&world, 2, FIRST.1, &[]);
    let refused = refused.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(refused.contains(&format!("`{}` has no sealed password yet: rotate it first", SECOND.1)), "{refused}");
    assert!(!refused.contains("nobody has signed in as"), "{refused}");
}
