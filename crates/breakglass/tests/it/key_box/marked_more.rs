//! Marked secrets on ways of their own: a reserve that is held outside, drills, and certificates.

use std::fs;

use super::marked::{Marked, found_anywhere, misread};
use super::marked_keys::sealing_keys;
use super::world::{DOCUMENTS, FIRST, SECOND, WRITER_SECRET, World, decrypted};

/// Who holds the reserve.
const OUTSIDE: [&str; 3] = ["bank", "board", "notary"];

/// A reserve, and the words of each of its shares.
fn reserve(world: &World) -> Vec<String> {
    let path = world.folder.join("breakglass.toml");
    let mut config = fs::read_to_string(&path).unwrap();
    // Nobody has one key for two.
    let keys = OUTSIDE.map(|_| age::x25519::Identity::generate());
    for (id, key) in OUTSIDE.iter().zip(&keys) {
        let age = key.to_public();
        config.push_str(&format!("[[custody.reserve]]\nid = \"{id}\"\nphone = \"+49 30 2\"\nage = \"{age}\"\n"));
    }
    fs::write(&path, config).unwrap();
    world.ends(0, &["custody", "new-set", "--reserve", "--threshold", "2", "--output", "reserve"], "");
    let mut shares = Vec::new();
    for path in super::world::files_below(&world.folder.join("reserve")) {
        let at = OUTSIDE.iter().position(|id| path.file_stem().unwrap().to_str().unwrap().ends_with(id)).unwrap();
        shares.push(decrypted(&fs::read(&path).unwrap(), &keys[at]));
    }
    let set = world.sets().last().unwrap().id.to_string();
    let rehearse = ["custody", "rehearse", "--acknowledge", "--set", &set, "--share", "-"];
    world.ends(0, &rehearse, &shares.join("\n"));
    shares
}

/// Certificates of both accounts; a part of each private key, as it is written in its file.
fn certificates(world: &World) -> Vec<String> {
    let recipient = world.custodians[0].age.to_public().to_string();
    let [first, second] = [FIRST, SECOND].map(|(id, name, _)| format!("{id}={name}"));
    let issue = ["keys", "certificate", "issue", "--account", &first, "--account", &second, "--recipient", &recipient];
    let list = ["--list-address", "http://lists.contoso.com/breakglass.crl", "--output"];
    world.ends(0, &[&issue[..], &list, &["certificates"]].concat(), "");
    // There already.
    world.ends(2, &[&issue[..], &list, &["certificates"]].concat(), "");
    let mut keys = Vec::new();
    for path in super::world::files_below(&world.folder.join("certificates")) {
        if path.extension().is_some_and(|ending| ending == "age") {
            let text = decrypted(&fs::read(path).unwrap(), &world.custodians[0].age);
            let (_, rest) = text.split_once("-----BEGIN PRIVATE KEY-----").unwrap();
            let (key, _) = rest.split_once("-----END PRIVATE KEY-----").unwrap();
            keys.extend(key.split_whitespace().filter(|line| line.len() > 40).map(str::to_owned));
        }
    }
    assert!(keys.len() >= 2, "{} parts of keys", keys.len());
    keys
}

#[test]
fn marked_secrets_of_a_reserve_of_drills_and_of_certificates_are_nowhere_they_may_not_be() {
    let world = World::new("marked-more").keeping_removed();
    let shares = world.new_set();
    let outside = reserve(&world);
    for (_, name, _) in [FIRST, SECOND] {
        world.ends(0, &["rotate", "--account", name, "--yes", "--quiescence", "0"], "");
    }
    let mut passwords: Vec<String> = world.opened(DOCUMENTS, &shares).into_iter().map(|(_, _, one)| one).collect();
    assert_eq!(passwords.len(), 2);

    let open = ["custody", "open", "--account", FIRST.1, "--reserve", "--share", "-"];
    world.ends(2, &open, &outside[0]);
    world.ends(2, &open, &format!("{}\n{}", shares[0], outside[1]));
    for wrong in misread(&outside[1]) {
        world.ends(2, &open, &format!("{}\n{wrong}", outside[0]));
    }
    let opened = world.ends(0, &open, &outside[1..].join("\n"));
    assert!(passwords.contains(&opened.out.trim().to_owned()));

    let drill = ["drill", "--account", FIRST.1, "--account", SECOND.1, "--person", "ada", "--person", "bram"];
    let rest = ["--surface", "microsoft-graph", "--no-azure", "--share", "-"];
    let drill = [drill.as_slice(), &rest].concat();
    let both = shares[..2].join("\n");
    world.ends(2, &drill, &shares[0]);
    world.ends(2, &drill, &outside.join("\n"));
    for wrong in misread(&shares[1]) {
        world.ends(2, &drill, &format!("{}\n{wrong}", shares[0]));
    }
    world.ends(0, &drill, &both);
    let told = world.ends(0, &[drill.as_slice(), &["--format", "json"]].concat(), &both);
    assert!(told.out.contains("microsoft-graph"), "{told:?}");
    // Nobody answers.
    world.front.decide(|_| super::front::Fate::LostUndone);
    let away = world.run(&drill, &both);
    assert!(away.code.is_some_and(|code| code != 0), "{away:?}");
    world.front.decide(|_| super::front::Fate::Passed);

    let keys = certificates(&world);
    passwords.push(WRITER_SECRET.to_owned());
    let mut marked: Vec<Marked> = sealing_keys(&world, &[&shares, &outside]);
    for (number, password) in passwords.iter().enumerate() {
        let is_last = number + 1 == passwords.len();
        let what = if is_last { "the secret of the application".to_owned() } else { format!("password {number}") };
        marked.push(Marked::password(&what, password));
    }
    for (set, shares) in [&shares, &outside].into_iter().enumerate() {
        let share = |(number, words): (usize, &String)| Marked::share(&format!("share {number} of set {set}"), words);
        marked.extend(shares.iter().enumerate().map(share));
    }
    marked.extend(keys.iter().map(|part| Marked::password("a private key", part)));
    let counts = found_anywhere(&world, marked);
    assert!(counts.allowed > 4 && counts.exchanges > 20 && counts.files > 15, "{counts:?}");
}
