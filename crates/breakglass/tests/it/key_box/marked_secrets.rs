//! Marked secrets that are no passwords: the PIN of a security key and the private key of a certificate.

use super::marked::{Marked, found_anywhere, misread};
use super::marked_keys::sealing_keys;
use super::world::{FIRST, World};

const KEY: &str = "20817713";
const PIN: &str = "Zq7~marked~PIN~1";
const WRONG_PIN: &str = "no";

/// A part of a private key, as it is written, for each of its lines but the first and the last.
fn parts(text: &str) -> Vec<String> {
    let (_, rest) = text.split_once("-----BEGIN PRIVATE KEY-----").unwrap();
    let (key, _) = rest.split_once("-----END PRIVATE KEY-----").unwrap();
    let parts: Vec<String> = key.split_whitespace().filter(|line| line.len() > 40).map(str::to_owned).collect();
    assert!(parts.len() > 20, "{} parts of a key", parts.len());
    parts
}

#[test]
fn marked_pins_and_private_keys_are_nowhere_they_may_not_be() {
    let world = World::new("marked-secrets").keeping_removed();
    let shares = world.new_set();
    let (id, name, _) = FIRST;
    let note = ["keys", "note", "--account", id, "--key", KEY, "--at", "safe", "--held-by", "ada"];
    world.ends(0, &[&note[..], &["--pin-held-by", "bram", "--method", "AQEB"]].concat(), "");
    let seal = ["custody", "seal", "--pin-of", KEY, "--account", name, "--id", id];
    world.ends(2, &seal, WRONG_PIN);
    world.ends(2, &["custody", "seal", "--pin-of", "1", "--account", name, "--id", id], PIN);
    world.ends(0, &seal, PIN);
    let holder = format!("{id}={name}");
    let issue = ["keys", "certificate", "issue", "--account", &holder, "--seal", "--output"];
    world.ends(0, &[&issue[..], &["certificates"]].concat(), "");
    // There already.
    world.ends(2, &[&issue[..], &["certificates"]].concat(), "");

    let listed = world.run(&["custody", "list", "--format", "json"], "");
    let listed: serde_json::Value = serde_json::from_str(&listed.out).unwrap();
    let of = |credential: &str| {
        let documents = listed["documents"].as_array().unwrap();
        documents.iter().find(|one| one["credential"] == credential).unwrap()["document"].as_str().unwrap().to_owned()
    };
    let (pin, certificate) = (of("passkey"), of("certificate"));
    let open = |code: i32, document: &str, input: &str| {
        world.ends(code, &["custody", "open", "--document", document, "--share", "-"], input)
    };
    for document in [&pin, &certificate] {
        open(2, document, &shares[0]);
        for wrong in misread(&shares[1]) {
            open(2, document, &format!("{}\n{wrong}", shares[0]));
        }
    }
    let both = shares[..2].join("\n");
    assert_eq!(open(0, &pin, &both).out.trim(), PIN);
    let opened = open(0, &certificate, &both).out;
    world.ends(1, &["keys", "list"], "");
    world.ends(1, &["keys", "list", "--format", "json"], "");
    world.ends(0, &["keys", "pin-changed", "--account", id, "--key", KEY, "--pin-held-by", "bram"], "");
    world.ends(1, &["custody", "list"], "");
    let set = world.sets()[0].id.to_string();
    world.ends(0, &["custody", "rehearse", "--set", &set, "--share", "-"], &shares.join("\n"));
    for (what, output) in [("cover", "cover.pdf"), ("runbook", "runbook.pdf")] {
        world.ends(0, &["custody", "sheet", what, "--set", &set, "--output", output], "");
    }
    world.ends(0, &["ledger", "export", "exported"], "");
    world.ends(0, &["state", "backup", "copy.db"], "");

    let mut marked = vec![Marked::password("PIN", PIN)];
    marked.extend(sealing_keys(&world, &[&shares]));
    marked.extend(parts(&opened).iter().map(|part| Marked::password("private key", part)));
    for (number, words) in shares.iter().enumerate() {
        marked.push(Marked::share(&format!("share {number} of set 0"), words));
    }
    let counts = found_anywhere(&world, marked);
    // The PIN once, each part of the private key once, and the seed of each key in its file.
    assert!(counts.allowed > 20 && counts.files > 15, "{counts:?}");
}
