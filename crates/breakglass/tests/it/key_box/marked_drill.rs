//! Marked secrets of a drill before a terminal: shares that their holders type for it, with mistakes and a signal in the middle,
//! and a password that somebody asks for to sign in to a portal. Both are on the other screen alone.

use nix::sys::signal::Signal;

use super::marked::{Marked, found_anywhere};
use super::marked_keys::sealing_keys;
use super::marked_terminal::{begun, half_of, hands_in};
use super::terminal::Terminal;
use super::world::{DOCUMENTS, FIRST, SECOND, WRITER_SECRET, World};

const DRILL: [&str; 15] = [
    "drill",
    "--account",
    FIRST.1,
    "--account",
    SECOND.1,
    "--person",
    "ada",
    "--person",
    "bram",
    "--from",
    "outside",
    "--surface",
    "microsoft-graph",
    "--surface",
    "entra-admin-center",
];

/// A word that is only in the question whether a password is needed, and one that is only in the question what came of it.
const IS_NEEDED: &str = "Enter;";
const IS_IN: &str = "told:";

/// Answers a question.
fn says(terminal: &mut Terminal, question: &str, answer: &str) {
    terminal.waits_for(question);
    terminal.types(&format!("{answer}\n"));
}

/// Two shares are handed in, and the password of the first account is asked for and shown.
fn shown(world: &World, shares: &[String]) -> Terminal {
    let mut terminal = hands_in(world, &DRILL, shares);
    says(&mut terminal, IS_NEEDED, "yes");
    terminal.waits_for("empties this screen");
    terminal
}

#[test]
fn marked_secrets_of_a_drill_at_a_terminal_are_nowhere_they_may_not_be() {
    let world = World::new("marked-drill").keeping_removed();
    let shares = world.new_set();
    for (_, name, _) in [FIRST, SECOND] {
        world.ends(0, &["rotate", "--account", name, "--yes", "--quiescence", "0"], "");
    }
    let sealed = world.opened(DOCUMENTS, &shares);
    assert_eq!(sealed.len(), 2);
    let [first, second] =
        [FIRST, SECOND].map(|(id, ..)| &sealed.iter().find(|(_, account, _)| account == id).unwrap().2);

    let half = half_of(&shares[1]);
    let mut terminal = begun(&world, &DRILL);
    terminal.waits_for("> ");
    terminal.types(&half);
    terminal.waits_for(&half);
    terminal.is_sent(Signal::SIGTERM);
    assert!(terminal.ends(Some(2), &world).screen.unwrap().contains(&half), "it is on the other screen");

    // Who is sent away has seen it.
    let terminal = shown(&world, &shares);
    terminal.is_sent(Signal::SIGTERM);
    assert!(terminal.ends(Some(4), &world).screen.unwrap().contains(first), "it is shown there");

    let mut terminal = shown(&world, &shares);
    terminal.types("\n");
    says(&mut terminal, IS_IN, "yes");
    says(&mut terminal, IS_NEEDED, "no");
    says(&mut terminal, IS_IN, "yes");
    let screen = terminal.ends(Some(0), &world).screen.unwrap();
    assert!(screen.contains(first) && !screen.contains(second), "what is asked for is shown");
    world.ends(1, &["custody", "list"], "");
    world.ends(0, &["ledger", "export", "exported"], "");
    world.ends(0, &["state", "backup", "copy.db"], "");

    let mut marked = vec![
        Marked::generated("password 0", first),
        Marked::generated("password 1", second),
        Marked::password("the secret of the application", WRITER_SECRET),
    ];
    marked.extend(sealing_keys(&world, &[&shares]));
    for (number, words) in shares.iter().enumerate() {
        marked.push(Marked::share(&format!("share {number} of set 0"), words));
    }
    let counts = found_anywhere(&world, marked);
    // Each share that is typed, the password as it is shown, and both as they are set and proved.
    assert!(counts.allowed > 12 && counts.exchanges > 20 && counts.files > 15, "{counts:?}");
}
