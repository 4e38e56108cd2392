//! Marked secrets before a terminal: shares that their holders are shown and type, passwords and PINs that are typed and not
//! repeated, and whatever is shown there, with mistakes, a signal and a kill in the middle. Of the terminal they are on the
//! other screen alone, and there only where they are typed or shown.

use std::fs;

use nix::sys::signal::Signal;

use super::marked::{Marked, found_anywhere, misread};
use super::marked_keys::sealing_keys;
use super::terminal::Terminal;
use super::world::{DOCUMENTS, FIRST, SECOND, World};

const KEY: &str = "20817713";

/// What is typed and sealed.
const PASSWORD: &str = "Typed~marked~Horse~7";
const PIN: &str = "Zq7~marked~PIN~2";

/// What is typed and refused: it has no capital letter; it is another than the one before.
const WEAK: &str = "typed~marked~horse~8";
const OTHER_PIN: &str = "Xw4~marked~PIN~3";

/// Words of half a share.
const HALF_WORDS: usize = 15;

/// The first half of a share.
pub(super) fn half_of(share: &str) -> String {
    share.split(' ').take(HALF_WORDS).collect::<Vec<_>>().join(" ")
}

pub(super) fn begun(world: &World, arguments: &[&str]) -> Terminal {
    Terminal::new(&world.command(arguments))
}

/// Types a line each time that a share is asked for.
fn types_each<'l>(terminal: &mut Terminal, lines: impl IntoIterator<Item = &'l String>) {
    for line in lines {
        terminal.waits_for("> ");
        terminal.types(&format!("{line}\n"));
    }
}

/// A set of shares that its holders are shown, since none of them has a key; the words of each.
fn shown(world: &World) -> Vec<String> {
    let path = world.folder.join("breakglass.toml");
    let config = fs::read_to_string(&path).unwrap();
    let lines = config.lines().filter(|line| !line.starts_with("age = "));
    fs::write(&path, lines.map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    let mut terminal = begun(world, &["custody", "new-set", "--threshold", "2", "--show"]);
    for _ in &world.custodians {
        terminal.waits_for("Enter shows the share: ");
        terminal.types("\n");
        terminal.waits_for("Enter empties this screen");
        terminal.types("\n");
    }
    let screen = terminal.ends(Some(0), world).screen.unwrap();
    let shares: Vec<String> = screen.split("the 33 words:").skip(1).map(share_in).collect();
    assert_eq!(shares.len(), world.custodians.len());
    shares
}

/// The words of the share that stands at the beginning of a text, each behind its number.
fn share_in(text: &str) -> String {
    let (rows, _) = text.split_once("Enter empties").unwrap();
    let cells: Vec<&str> = rows.split_whitespace().collect();
    let mut words: Vec<(usize, &str)> = cells.chunks(2).map(|cell| (cell[0].parse().unwrap(), cell[1])).collect();
    words.sort_unstable();
    assert_eq!(words.len(), 33, "{rows}");
    words.into_iter().map(|(_, word)| word).collect::<Vec<_>>().join(" ")
}

/// The holders acknowledge their shares, one with mistakes and one interrupted, and rehearse.
fn acknowledged(world: &World, shares: &[String]) {
    let set = world.sets()[0].id.to_string();
    let acknowledge = |person| ["custody", "acknowledge", "--person", person, "--set", set.as_str()];
    let mut terminal = begun(world, &acknowledge("ada"));
    types_each(&mut terminal, misread(&shares[0]).iter().filter(|wrong| **wrong != shares[0]));
    types_each(&mut terminal, &shares[..1]);
    terminal.ends(Some(0), world);
    let half = half_of(&shares[1]);
    let mut terminal = begun(world, &acknowledge("bram"));
    terminal.waits_for("> ");
    terminal.types(&half);
    // It stands there, as it is typed.
    terminal.waits_for(&half);
    terminal.is_sent(Signal::SIGINT);
    assert!(terminal.ends(Some(2), world).screen.unwrap().contains(&half), "it is on the other screen");
    let mut terminal = begun(world, &["custody", "rehearse", "--acknowledge", "--set", &set]);
    types_each(&mut terminal, shares);
    terminal.ends(Some(0), world);
}

/// Answers a question whose answer is not repeated.
pub(super) fn answers(terminal: &mut Terminal, question: &str, answer: &str) {
    terminal.waits_for(question);
    terminal.waits_for_silence();
    terminal.types(&format!("{answer}\n"));
}

/// Passwords and a PIN are sealed that are typed, or made and shown. Gives the passwords that were made.
fn sealed(world: &World, shares: &[String]) -> Vec<String> {
    for (typed, code) in [(WEAK, 2), (PASSWORD, 0)] {
        let mut terminal = begun(world, &["custody", "seal", "--account", SECOND.1, "--id", SECOND.0]);
        answers(&mut terminal, "The password of", typed);
        terminal.ends(Some(code), world);
    }
    let seal = ["custody", "seal", "--account", FIRST.1, "--id", FIRST.0, "--generate", "--spell", "en"];
    let mut terminal = begun(world, &seal);
    terminal.waits_for("empties this screen");
    terminal.is_sent(Signal::SIGKILL);
    terminal.ends(None, world);
    let mut terminal = begun(world, &seal);
    terminal.waits_for("before,");
    terminal.types("no\n");
    terminal.waits_for("empties this screen");
    terminal.types("\n");
    terminal.waits_for("Is it set for");
    terminal.types("yes\n");
    let screen = terminal.ends(Some(0), world).screen.unwrap();
    let mut made: Vec<String> = world.opened(DOCUMENTS, shares).into_iter().map(|(_, _, password)| password).collect();
    made.retain(|password| password != PASSWORD);
    assert_eq!((made.len(), made.iter().filter(|one| screen.contains(*one)).count()), (2, 1));

    let note = ["keys", "note", "--account", FIRST.0, "--key", KEY, "--at", "safe", "--held-by", "ada"];
    world.ends(0, &[&note[..], &["--pin-held-by", "bram", "--method", "AQEB"]].concat(), "");
    for (again, code) in [(OTHER_PIN, 2), (PIN, 0)] {
        let seal = ["custody", "seal", "--pin-of", KEY, "--account", FIRST.1, "--id", FIRST.0];
        let mut terminal = begun(world, &seal);
        answers(&mut terminal, "PIN of the security key", PIN);
        answers(&mut terminal, "The same once more", again);
        terminal.ends(Some(code), world);
    }
    made
}

/// The holders of two shares hand them in: one mistypes theirs, the other types the first once more.
pub(super) fn hands_in(world: &World, arguments: &[&str], shares: &[String]) -> Terminal {
    let mut terminal = begun(world, arguments);
    let [_, wrong] = misread(&shares[0]);
    types_each(&mut terminal, [&wrong, &shares[0], &shares[0], &shares[2]]);
    terminal
}

/// The same for something that is shown.
fn opens(world: &World, arguments: &[&str], shares: &[String]) -> Terminal {
    let mut terminal = hands_in(world, arguments, shares);
    terminal.waits_for("empties this screen");
    terminal
}

/// Everything that is sealed is opened, and what was written down of it is copied.
fn opened(world: &World, shares: &[String], made: &[String]) {
    let (account, person) = (FIRST.1, "bram");
    let request = ["checkout", "request", "--account", account, "--person", "ada", "--reason", "nobody gets in"];
    world.ends(0, &request, "");
    world.ends(0, &["checkout", "approve", "--account", account, "--person", person, "--yes"], "");
    let mut terminal = opens(world, &["checkout", "open", "--account", account], shares);
    terminal.types("\n");
    let screen = terminal.ends(Some(0), world).screen.unwrap();
    assert!(made.iter().any(|password| screen.contains(password)), "it is shown there");

    let listed = world.run(&["custody", "list", "--format", "json"], "");
    let listed: serde_json::Value = serde_json::from_str(&listed.out).unwrap();
    let pin = listed["documents"].as_array().unwrap().iter().find(|one| one["credential"] == "passkey").unwrap();
    let open = ["custody", "open", "--document", pin["document"].as_str().unwrap()];
    let mut terminal = opens(world, &open, shares);
    terminal.types("\n");
    assert!(terminal.ends(Some(0), world).screen.unwrap().contains(PIN), "it is shown there");

    // Who is sent away has seen it.
    let terminal = opens(world, &["custody", "open", "--account", SECOND.1], shares);
    terminal.is_sent(Signal::SIGTERM);
    assert!(terminal.ends(Some(4), world).screen.unwrap().contains(PASSWORD), "it is shown there");
    world.ends(1, &["custody", "list"], "");
    world.ends(0, &["ledger", "export", "exported"], "");
    world.ends(0, &["state", "backup", "copy.db"], "");
}

#[test]
fn marked_secrets_at_a_terminal_are_nowhere_they_may_not_be() {
    let world = World::new("marked-terminal").keeping_removed();
    let shares = shown(&world);
    acknowledged(&world, &shares);
    let made = sealed(&world, &shares);
    opened(&world, &shares, &made);

    let mut marked = vec![
        Marked::password("password that is typed", PASSWORD),
        Marked::password("the password that is refused", WEAK),
        Marked::password("PIN", PIN),
        Marked::password("the PIN that is mistyped", OTHER_PIN),
    ];
    marked.extend(sealing_keys(&world, &[&shares]));
    for (number, password) in made.iter().enumerate() {
        marked.push(Marked::generated(&format!("password {number}"), password));
    }
    for (number, words) in shares.iter().enumerate() {
        marked.push(Marked::share(&format!("share {number} of set 0"), words));
    }
    let counts = found_anywhere(&world, marked);
    // Each share as it is shown and each time that it is typed; passwords and the PIN as they are shown.
    assert!(counts.allowed > 20 && counts.files > 10, "{counts:?}");
}
