//! A password that is changed while others take their time: as the custodians type their shares, and as somebody thinks about
//! whether they agree.

use std::io::{Read as _, Write as _};
use std::process::Child;

use breakglass_ops::checkout::stream;
use serde_json::Value;

#[cfg(target_os = "linux")]
use super::terminal::Terminal;
use super::world::{DOCUMENTS, FIRST, PEOPLE, Run, SECOND, World};

const ASK: [&str; 8] =
    ["checkout", "request", "--account", FIRST.1, "--person", PEOPLE[0], "--reason", "nobody gets in"];
const AGREE: [&str; 6] = ["checkout", "approve", "--account", FIRST.1, "--person", PEOPLE[1]];
const OPEN: [&str; 6] = ["checkout", "open", "--account", FIRST.1, "--share", "-"];
const REFUSE: [&str; 6] = ["checkout", "refuse", "--account", FIRST.1, "--person", PEOPLE[1]];

/// What is said last before shares are read, where no other set is ready.
const BEFORE_SHARES: &str = "no other set of shares is ready";

/// A run that waits for shares.
struct Waiting {
    child: Child,
    err: String,
}

impl World {
    fn rotates(&self, account: &str) {
        self.ends(0, &["rotate", "--account", account, "--yes", "--quiescence", "0"], "");
    }

    /// The document of the first account that counts.
    fn counting(&self) -> String {
        self.course(FIRST.0).current().unwrap().to_string()
    }

    /// Begins to open by a check-out, up to where the shares are typed.
    fn begins_to_open(&self) -> Waiting {
        let mut child = self.command(&OPEN).spawn().unwrap();
        let (mut err, mut bytes) = (String::new(), [0; 1 << 10]);
        while !err.contains(BEFORE_SHARES) {
            let count = child.stderr.as_mut().unwrap().read(&mut bytes).unwrap();
            assert!(count > 0, "it does not come to its shares: {err}");
            err.push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
        Waiting { child, err }
    }

    /// Hands the shares in, and waits for the end.
    fn hands_in(&self, waiting: Waiting, shares: &str) -> Run {
        let Waiting { mut child, err } = waiting;
        // Who has gone by then is told nothing.
        let _ = child.stdin.take().unwrap().write_all(shares.as_bytes());
        let run = self.ended(&OPEN, child);
        Run { err: err + &run.err, ..run }
    }

    fn entries(&self) -> usize {
        stream::kept(&self.store(), FIRST.0).unwrap().len()
    }

    /// Whether the key of a set was there, by the record.
    fn has_opened(&self) -> bool {
        let listing = self.run(&["custody", "list", "--format", "json"], "").out;
        let listing: Value = serde_json::from_str(&listing).unwrap();
        listing["sets"].as_array().unwrap().iter().any(|set| set["stands"].as_str().unwrap().starts_with("opened"))
    }
}

#[test]
fn no_set_is_spent_on_a_password_that_is_changed_while_shares_are_typed() {
    let (world, shares) = World::with_set("meanwhile-opened");
    world.rotates(SECOND.1);
    world.rotates(FIRST.1);
    let both = shares[..2].join("\n");
    world.ends(0, &ASK, "");
    world.ends(0, &[&AGREE[..], &["--yes"]].concat(), "");
    let (before, entries) = (world.counting(), world.entries());
    let waiting = world.begins_to_open();
    world.rotates(FIRST.1);
    let now = world.counting();
    assert_ne!(before, now);
    let refused = world.hands_in(waiting, &both);
    assert_eq!((refused.code, refused.out.as_str()), (Some(2), ""), "{refused:?}");
    let told =
        [format!("`{before}` was asked for"), format!("`{now}` is the document that counts"), "BG4071".to_owned()];
    for told in &told {
        assert!(refused.err.contains(told), "{told}: {}", refused.err);
    }
    assert!(!world.has_opened() && world.entries() == entries, "no key was there");
    // The same for one that is refused meanwhile.
    world.ends(0, &REFUSE, "");
    world.ends(0, &ASK, "");
    world.ends(0, &[&AGREE[..], &["--yes"]].concat(), "");
    let waiting = world.begins_to_open();
    world.ends(0, &REFUSE, "");
    let refused = world.hands_in(waiting, &both);
    assert_eq!((refused.code, refused.out.as_str()), (Some(2), ""), "{refused:?}");
    assert!(!world.has_opened(), "no key was there");
    // What counts is opened, and lets in.
    world.ends(0, &ASK, "");
    world.ends(0, &[&AGREE[..], &["--yes"]].concat(), "");
    let opened = world.hands_in(world.begins_to_open(), &both);
    assert_eq!(opened.code, Some(0), "{opened:?}");
    assert!(world.lets_in(FIRST.1, opened.out.trim()));
    assert!(world.has_opened());
    let sealed = world.opened(DOCUMENTS, &shares);
    assert!(sealed.iter().any(|(name, _, password)| name.as_str() == now && password == opened.out.trim()));
    world.ledger_holds();
}

#[cfg(target_os = "linux")]
#[test]
fn nobody_agrees_to_a_password_that_is_changed_while_they_think() {
    let (world, _) = World::with_set("meanwhile-agreed");
    world.rotates(SECOND.1);
    world.rotates(FIRST.1);
    world.ends(0, &ASK, "");
    let entries = world.entries();
    let mut terminal = Terminal::new(&world.command(&AGREE));
    terminal.waits_for("does:");
    world.rotates(FIRST.1);
    terminal.types("yes\n");
    let refused = terminal.ends(Some(2), &world);
    let told: Vec<&str> = refused.err.split(['│', ' ', '\n']).filter(|word| !word.is_empty()).collect();
    let told = told.join(" ");
    assert!(told.contains("BG4071") && told.contains("is the document that counts"), "{told}");
    assert_eq!(world.entries(), entries, "nobody agreed");
    world.ends(0, &REFUSE, "");
    world.ends(0, &ASK, "");
    world.ends(0, &[&AGREE[..], &["--yes"]].concat(), "");
    world.ledger_holds();
}
