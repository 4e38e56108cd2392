//! Marked passphrases of files with keys: chosen at a terminal and mistyped there, typed to sign something, wrong and by half,
//! and handed over in the environment. They are nowhere at all, and the seeds that they encrypt are in no file as they are.

use std::fs;
use std::io;

use breakglass_adapters::key_file::{self, KeyUse};
use nix::sys::signal::Signal;
use zeroize::Zeroizing;

use super::marked::{Marked, found_anywhere};
use super::marked_keys::sealing_keys;
use super::marked_terminal::{answers, begun};
use super::world::{DOCUMENTS, FIRST, World};

/// Of the keys of two people, and of a witness.
const TYPED: &str = "Ada~locks~marked~Horses~1";
const HANDED: &str = "Bram~locks~marked~Wagons~2";
const WITNESSED: &str = "Cleo~locks~marked~Gates~3";

/// Of none: it is mistyped.
const WRONG: &str = "Nobody~locks~marked~Doors~4";

/// How much of it is typed by whoever is interrupted.
const HALF: &str = "Ada~locks~mark";

const REQUEST: [&str; 10] = [
    "checkout",
    "request",
    "--account",
    FIRST.1,
    "--person",
    "ada",
    "--key",
    "ada-locked.key",
    "--reason",
    "nobody gets in",
];
const APPROVE: [&str; 8] =
    ["checkout", "approve", "--account", FIRST.1, "--person", "bram", "--key", "bram-locked.key"];

/// Somebody has another key, with a passphrase that they type twice.
fn locks(world: &World, person: &str, passphrase: &str) {
    let file = format!("{person}-locked.key");
    let generate = ["custody", "generate", "signing-key", "--person", person, "--output", &file, "--passphrase"];
    for (again, code) in [(WRONG, 2), (passphrase, 0)] {
        let mut terminal = begun(world, &generate);
        answers(&mut terminal, "A passphrase for", passphrase);
        answers(&mut terminal, "The same once more", again);
        terminal.ends(Some(code), world);
    }
    let [before, now] =
        [format!("{person}.key"), file].map(|file| key_file::public_of(&world.folder.join(file)).unwrap());
    assert!(now.is_encrypted);
    let path = world.folder.join("breakglass.toml");
    let config = fs::read_to_string(&path).unwrap();
    assert!(config.contains(&before.public));
    fs::write(&path, config.replace(&before.public, &now.public)).unwrap();
}

/// Somebody asks and somebody agrees, each with mistakes.
fn asked_and_agreed(world: &World) {
    let mut terminal = begun(world, &REQUEST);
    terminal.waits_for("Passphrase of");
    terminal.waits_for_silence();
    terminal.types(HALF);
    terminal.is_sent(Signal::SIGINT);
    terminal.ends(None, world);
    for (typed, code) in [(WRONG, 2), (TYPED, 0)] {
        let mut terminal = begun(world, &REQUEST);
        answers(&mut terminal, "Passphrase of", typed);
        terminal.ends(Some(code), world);
    }
    let mut terminal = begun(world, &APPROVE);
    terminal.waits_for("does:");
    terminal.types("yes\n");
    answers(&mut terminal, "Passphrase of", WRONG);
    terminal.ends(Some(2), world);
    let approve = [&APPROVE[..], &["--yes"]].concat();
    for (handed, code) in [(WRONG, 2), (HANDED, 0)] {
        let child = world.command(&approve).env("BREAKGLASS_KEY_PASSPHRASE", handed).spawn().unwrap();
        let run = world.ended(&approve, child);
        assert_eq!(run.code, Some(code), "{run:?}");
    }
}

/// Somebody else signs what the ledger says, with a key that is made for it.
fn witnessed(world: &World) {
    world.ends(0, &["ledger", "checkpoint"], "");
    world.ends(0, &["ledger", "export", "exported"], "");
    let key = key_file::public_of(&world.state().join("ledger.key")).unwrap().public;
    let witness = ["ledger", "witness", "--folder", "witness", "--key", &key, "--log", "exported", "--passphrase"];
    let mut terminal = begun(world, &witness);
    answers(&mut terminal, "A passphrase for", WITNESSED);
    answers(&mut terminal, "The same once more", WITNESSED);
    terminal.ends(Some(0), world);
    for (typed, code) in [(WRONG, 2), (WITNESSED, 0)] {
        let mut terminal = begun(world, &witness);
        answers(&mut terminal, "Passphrase of", typed);
        terminal.ends(Some(code), world);
    }
}

/// The seed in a file, by its passphrase.
fn seed(world: &World, (file, of): (&str, KeyUse), passphrase: &str) -> Marked {
    let given = || Ok::<_, io::Error>(Zeroizing::new(passphrase.to_owned()));
    let seed = key_file::read(&world.folder.join(file), of, given).unwrap();
    Marked::bytes(&format!("the seed in {file}"), seed.as_slice())
}

#[test]
fn marked_passphrases_are_nowhere() {
    let world = World::new("marked-passphrases").keeping_removed();
    let shares = world.new_set();
    world.ends(0, &["custody", "seal", "--account", FIRST.1, "--id", FIRST.0, "--generate"], "");
    locks(&world, "ada", TYPED);
    locks(&world, "bram", HANDED);
    asked_and_agreed(&world);
    let open = ["checkout", "open", "--account", FIRST.1, "--share", "-"];
    world.ends(0, &open, &shares[..2].join("\n"));
    world.ends(1, &["custody", "list"], "");
    witnessed(&world);
    world.ends(0, &["state", "backup", "copy.db"], "");

    let mut marked = vec![
        Marked::password("the passphrase that is typed", TYPED),
        Marked::password("half of the passphrase that is typed", HALF),
        Marked::password("the passphrase that is handed over", HANDED),
        Marked::password("the passphrase of a witness", WITNESSED),
        Marked::password("the passphrase that is wrong", WRONG),
        seed(&world, ("ada-locked.key", KeyUse::Person), TYPED),
        seed(&world, ("bram-locked.key", KeyUse::Person), HANDED),
        seed(&world, ("witness/witness.key", KeyUse::Witness), WITNESSED),
    ];
    marked.extend(sealing_keys(&world, &[&shares]));
    for (number, (_, _, password)) in world.opened(DOCUMENTS, &shares).iter().enumerate() {
        marked.push(Marked::generated(&format!("password {number}"), password));
    }
    for (number, words) in shares.iter().enumerate() {
        marked.push(Marked::share(&format!("share {number} of set 0"), words));
    }
    let counts = found_anywhere(&world, marked);
    // The password twice, and the seeds of keys without a passphrase, each in its file.
    assert!(counts.allowed > 5 && counts.files > 10, "{counts:?}");
}
