//! Marked secrets of `apply`: passwords of accounts that are made, in each of the three ways in which somebody gets them or
//! nobody does, killed, refused and unanswered on the way, and then rotated. Nobody chooses them, so that they are learnt
//! afterwards: from the requests that set them, from what is sealed, and from the terminal.

use std::fs;

use breakglass_tenant::profile::Profile;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use super::front::{Fate, Kind};
use super::marked::{Marked, found_anywhere};
use super::marked_keys::sealing_keys;
use super::person::{begun, ended_as, enters_code, of_person};
use super::terminal::Terminal;
use super::world::{DOCUMENTS, FIRST, Run, SECOND, WRITER_SECRET, World, decrypted, files_below, seed};

/// Who carries the plan out: id, sign-in name and password.
const OPERATOR: (&str, &str, &str) =
    ("00000000-0000-4000-8000-0000000000a1", "ada@contoso.onmicrosoft.com", "Ada-Walks-Home-1");

/// The accounts that are made, in the order of the plan.
const NAMES: [&str; 4] =
    [FIRST.1, SECOND.1, "emergency-access-3@contoso.onmicrosoft.com", "emergency-access-4@contoso.onmicrosoft.com"];

/// A tenant with nobody but the operator, who is in no policy.
fn company() -> Value {
    let (id, name, password) = OPERATOR;
    let mut seed = seed(0);
    seed["users"] = json!([{
        "id": id, "displayName": "Ada", "accountEnabled": true, "userPrincipalName": name, "userType": "Member",
        "mailNickname": "ada", "passwordPolicies": "DisablePasswordExpiration",
        "passwordProfile": { "password": password }, "authenticationMethods": [],
    }]);
    let roles = seed["roleAssignments"].as_array_mut().unwrap();
    roles.remove(1);
    roles[0]["principalId"] = json!(id);
    seed["conditionalAccessPolicies"] = json!([{
        "id": "00000000-0000-4000-8000-0000000000d1", "displayName": "Everybody shows two factors", "state": "enabled",
        "createdDateTime": "2026-01-01T00:00:00Z",
        "conditions": { "clientAppTypes": ["all"], "applications": { "includeApplications": ["All"] },
                        "users": { "includeUsers": ["All"], "excludeUsers": [id] } },
        "grantControls": { "operator": "OR", "builtInControls": ["mfa"] },
    }]);
    seed
}

/// Declares all accounts, and adds the configuration of a person who signs in with a code.
fn configured(world: &World) {
    let path = world.folder.join("breakglass.toml");
    let more = NAMES[2..].iter().map(|name| format!("[[account]]\nuser_principal_name = \"{name}\"\n"));
    let config = format!("profile = \"classic\"\n{}", fs::read_to_string(&path).unwrap());
    let config = config.replace("[custody]\n", &format!("{}[custody]\n", more.collect::<String>()));
    fs::write(&path, &config).unwrap();
    fs::write(world.folder.join("writer.toml"), of_person(&config)).unwrap();
}

/// What becomes of the accounts that are made from now on, one after the other; everything else is passed on.
fn fare(world: &World, fates: Vec<Fate>) {
    let mut fates = fates.into_iter();
    world.front.decide(move |kind| match kind {
        Kind::Make => fates.next().unwrap_or(Fate::Passed),
        _ => Fate::Passed,
    });
}

/// Carries the plan out with nobody at a terminal.
fn applies(world: &World, more: &[&str]) -> Run {
    let arguments = [&["apply", "--config", "writer.toml", "--yes"][..], more].concat();
    let child = begun(world, &arguments);
    let id = Pid::from_raw(i32::try_from(child.id()).unwrap());
    world.front.kill_by(move || kill(id, Signal::SIGKILL).unwrap());
    let (_, name, password) = OPERATOR;
    ended_as(world, (name, password), &arguments, child)
}

/// The same with the operator at a terminal, who is asked and is shown passwords; it has to end so.
fn applies_at_terminal(world: &World, code: i32) -> Run {
    let mut command = world.command(&["apply", "--config", "writer.toml"]);
    let mut terminal = Terminal::new(command.env_remove("HOME"));
    terminal.waits_for("enter the code");
    let shown = terminal.waits_for("and sign in");
    let (_, name, password) = OPERATOR;
    enters_code(world, (name, password), shown.trim());
    terminal.waits_for("Only `yes` does:");
    terminal.types("yes\n");
    terminal.ends(Some(code), world)
}

/// Makes the accounts. Gives the passwords that somebody was given in files, and the run at the terminal.
fn made(world: &World) -> (Vec<String>, Run) {
    let key = age::x25519::Identity::generate();
    let recipient = key.to_public().to_string();
    world.ends(0, &["plan", "--live"], "");
    fare(world, vec![Fate::Passed, Fate::KilledAfter]);
    let killed = applies(world, &["--passwords-to", "safe", "--recipient", &recipient]);
    assert_eq!(killed.code, None, "{killed:?}");
    // The second is there, and gets another password; the third is refused.
    fare(world, vec![Fate::Refused(403)]);
    let at_terminal = applies_at_terminal(world, 4);
    // Nobody has their passwords: the third is made, and the fourth without an answer.
    fare(world, vec![Fate::Passed, Fate::LostDone]);
    let whole = applies(world, &["--password-by-rotation"]);
    assert!(whole.err.contains("steps are done"), "{whole:?}");
    let files = files_below(&world.folder.join("safe"));
    (files.iter().map(|path| decrypted(&fs::read(path).unwrap(), &key)).collect(), at_terminal)
}

#[test]
fn marked_passwords_of_accounts_that_are_made_are_nowhere_they_may_not_be() {
    let world = World::of("marked-apply", &company(), Profile::Classic).keeping_removed();
    configured(&world);
    let shares = world.new_set();
    let (handed, at_terminal) = made(&world);
    for name in &NAMES[2..] {
        world.ends(0, &["rotate", "--account", name, "--yes", "--quiescence", "0"], "");
    }
    let sealed: Vec<String> = world.opened(DOCUMENTS, &shares).into_iter().map(|(_, _, password)| password).collect();
    let open = ["custody", "open", "--account", NAMES[2], "--share", "-"];
    let shown = world.ends(0, &open, &shares[..2].join("\n")).out;
    assert!(sealed.iter().any(|password| shown.trim() == password));
    world.ends(0, &["ledger", "export", "exported"], "");
    world.ends(0, &["state", "backup", "copy.db"], "");

    let mut passwords = world.front.set_passwords();
    passwords.sort();
    passwords.dedup();
    let is_sent = |all: &[String]| all.iter().filter(|one| passwords.contains(one)).count();
    let is_shown = passwords.iter().filter(|one| at_terminal.err.contains(one.as_str())).count();
    // One for each account that was to be made, one more for the second and the third, and one for each that was rotated.
    assert_eq!((passwords.len(), is_sent(&handed), is_shown, is_sent(&sealed)), (8, 2, 2, 2));

    let mut marked = vec![Marked::password("the secret of the application", WRITER_SECRET)];
    marked.extend(sealing_keys(&world, &[&shares]));
    for (number, password) in passwords.iter().enumerate() {
        marked.push(Marked::generated(&format!("password {number}"), password));
    }
    for (number, words) in shares.iter().enumerate() {
        marked.push(Marked::share(&format!("share {number} of set 0"), words));
    }
    let counts = found_anywhere(&world, marked);
    // As each is set, as two are proved, as two are shown at the terminal and one when it is opened.
    assert!(counts.allowed > 14 && counts.exchanges > 40 && counts.files > 15, "{counts:?}");
}
