//! What stands on somebody's terminal: a password or a share, on the other screen, which is emptied whatever ends the process;
//! and what is asked at it. The terminal is a pseudo-terminal, of which the other end is looked at.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};

use nix::pty::openpty;
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{LocalFlags, tcgetattr};
use nix::unistd::Pid;

use super::custody_commands::{ACCOUNT, ID, World, words};

/// What the screen is entered and left by; the last is what empties it.
const ENTER: &str = "\u{1b}[?1049h";
const LEAVE: &str = "\u{1b}[H\u{1b}[2J\u{1b}[3J\u{1b}[?1049l";

/// A command before a terminal.
struct Terminal {
    child: Child,
    other_end: File,
    seen: String,
}

impl Terminal {
    fn new(world: &World, arguments: &[&str]) -> Self {
        Self::running(world, &[&[env!("CARGO_BIN_EXE_breakglass")][..], arguments].concat())
    }

    /// Any program with its arguments.
    fn running(world: &World, words: &[&str]) -> Self {
        let pair = openpty(None, None).unwrap();
        let own = || Stdio::from(pair.slave.try_clone().unwrap());
        // In a session of its own, in which this is the terminal that passphrases are asked at.
        let mut command = Command::new("setsid");
        command.arg("--ctty").args(words).current_dir(&world.folder);
        command.env("NO_COLOR", "1").env_remove("BREAKGLASS_KEY_PASSPHRASE");
        let child = command.stdin(own()).stdout(own()).stderr(own()).spawn().unwrap();
        Self { child, other_end: File::from(pair.master), seen: String::new() }
    }

    /// Reads until a text stands there.
    fn waits_for(&mut self, text: &str) {
        while !self.seen.contains(text) {
            assert!(self.reads(), "{text:?} is not shown: {:?}", self.seen);
        }
    }

    fn reads(&mut self) -> bool {
        let mut bytes = [0; 1 << 12];
        // It is an error when nobody has the terminal any more.
        let count = self.other_end.read(&mut bytes).unwrap_or(0);
        self.seen.push_str(&String::from_utf8_lossy(&bytes[..count]));
        count > 0
    }

    /// Waits until what is typed is not repeated: what was typed before is thrown away.
    fn waits_for_silence(&self) {
        while tcgetattr(&self.other_end).unwrap().local_flags.contains(LocalFlags::ECHO) {
            std::thread::yield_now();
        }
    }

    fn types(&mut self, text: &str) {
        self.other_end.write_all(text.as_bytes()).unwrap();
    }

    /// Its end: the exit code, if it has one, and everything that was shown.
    fn ended(mut self) -> (Option<i32>, Option<i32>, String) {
        while self.reads() {}
        let status = self.child.wait().unwrap();
        (status.code(), status.signal(), self.seen)
    }

    fn is_sent(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }

    /// The same, and everything that it has begun.
    fn are_sent(&self, signal: Signal) {
        kill(Pid::from_raw(-i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }
}

/// Moments at which somebody is stopped behind the entering of a screen, each so many turns later than the one before: all of
/// them together are about as long as it takes until everything stands there.
const MOMENT_COUNT: usize = 100;
const MOMENT_TURNS: usize = 200;

/// Characters of a password by which it is known that it is there: fewer may be there by chance.
const PART_CHARS: usize = 8;

#[test]
fn a_signal_at_any_moment_leaves_nothing_behind_the_screen() {
    let world = World::new("signals-at-once");
    let (_, shares) = world.ready_set();
    let password = world.seal();
    for (place, share) in shares.iter().enumerate() {
        std::fs::write(world.folder.join(format!("share-{place}")), share).unwrap();
    }
    let begin = password.get(..PART_CHARS).unwrap();
    let open = ["custody", "open", "--account", ACCOUNT, "--share", "share-0", "--share", "share-1"];
    for moment in 0..MOMENT_COUNT {
        let mut terminal = Terminal::new(&world, &open);
        terminal.waits_for(ENTER);
        (0..moment * MOMENT_TURNS).for_each(|_| std::hint::spin_loop());
        terminal.is_sent(Signal::SIGTERM);
        let (code, by, seen) = terminal.ended();
        let (_, entered) = seen.split_once(ENTER).unwrap();
        let (screen, after) = entered.split_once(LEAVE).unwrap_or_else(|| panic!("{moment}: it is not left: {seen:?}"));
        let said = match code {
            Some(4) => "interrupted after it was shown; `breakglass custody list` says what is to be done",
            _ => "interrupted",
        };
        assert_eq!((after.trim_end(), by), (said, None), "{moment}: {seen:?}");
        assert!(code == Some(4) || code == Some(2) && !screen.contains(begin), "{moment}: {code:?}: {seen:?}");
    }
}

#[test]
fn the_next_question_is_not_asked_behind_the_screen() {
    let world = World::new("signals-and-enter");
    world.ready_set();
    for round in 0..MOMENT_COUNT / 4 {
        let mut terminal = Terminal::new(&world, &["custody", "rehearse"]);
        terminal.waits_for("> ");
        // Ctrl-C, and Enter while it is being ended: the line is no share, and is asked for again.
        terminal.types("\u{3}\n");
        let (code, by, seen) = terminal.ended();
        assert_eq!((code, by), (Some(2), None), "{round}: {seen:?}");
        let (_, after) = seen.split_once(LEAVE).unwrap_or_else(|| panic!("{round}: it is not left: {seen:?}"));
        // The terminal itself may repeat there what was typed.
        assert_eq!(after.replace("^C", "").trim(), "interrupted", "{round}: {seen:?}");
    }
}

#[test]
fn half_a_share_that_was_typed_is_not_read_by_whoever_comes_next() {
    let world = World::new("typed-ahead");
    let (set, shares) = world.set();
    let half: String = shares[0].split(' ').take(15).collect::<Vec<_>>().join(" ");
    // As a shell that goes on behind the program, and shows what is typed there.
    let script = r#"trap : TERM; "$@"; echo "ended: $?"; IFS= read -r left; echo "left: <$left>""#;
    let program = env!("CARGO_BIN_EXE_breakglass");
    let acknowledge = [program, "custody", "acknowledge", "--person", "eva", "--set", &set];
    let mut terminal = Terminal::running(&world, &[&["sh", "-c", script, "sh"][..], &acknowledge].concat());
    terminal.waits_for("> ");
    terminal.types(&half);
    terminal.waits_for(&half);
    terminal.are_sent(Signal::SIGTERM);
    terminal.waits_for("ended: ");
    terminal.types("\n");
    let (code, _, seen) = terminal.ended();
    assert_eq!(code, Some(0), "{seen:?}");
    assert!(seen.contains("ended: 2") && seen.contains("left: <>"), "{seen:?}");
}

#[test]
fn a_signal_that_ends_it_leaves_nothing_on_the_screen() {
    let world = World::new("signals");
    let (_, shares) = world.ready_set();
    let password = world.seal();
    for (place, share) in shares.iter().enumerate() {
        std::fs::write(world.folder.join(format!("share-{place}")), share).unwrap();
    }
    let (next, next_shares) = world.set();
    let half: String = next_shares[0].split(' ').take(15).collect::<Vec<_>>().join(" ");
    let open = ["custody", "open", "--account", ACCOUNT, "--share", "share-0", "--share", "share-1"];
    let acknowledge = ["custody", "acknowledge", "--person", "eva", "--set", &next];
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT] {
        for (command, secret) in [(&open[..], &password), (&acknowledge[..], &half)] {
            // As often as it takes to meet each thread, where they are not kept off.
            for _ in 0..3 {
                let mut terminal = Terminal::new(&world, command);
                terminal.waits_for(ENTER);
                if command == acknowledge {
                    terminal.waits_for("> ");
                    terminal.types(secret);
                }
                let last =
                    if command == acknowledge { secret.rsplit(' ').next().unwrap() } else { "empties this screen" };
                terminal.waits_for(last);
                terminal.is_sent(signal);
                let (code, by, seen) = terminal.ended();
                // What was shown is opened; of what was typed nothing is left.
                let wanted = if command == open { 4 } else { 2 };
                assert_eq!((code, by), (Some(wanted), None), "{signal}: {seen:?}");
                let (before, after) =
                    seen.rsplit_once(LEAVE).unwrap_or_else(|| panic!("{signal}: the screen is not left: {seen:?}"));
                assert!(before.contains(last) && !after.contains(last), "{signal}: {seen:?}");
            }
        }
    }
}

#[test]
fn a_password_counts_when_somebody_has_it_and_has_set_it() {
    let world = World::new("set-by-hand");
    world.ready_set();
    let seal = ["custody", "seal", "--account", ACCOUNT, "--id", ID, "--generate"];
    let standings = || -> Vec<String> {
        let listing = world.listing();
        let all = listing["documents"].as_array().unwrap().iter();
        let mut all: Vec<_> =
            all.map(|one| (one["version"].as_u64(), one["stands"].as_str().unwrap().to_owned())).collect();
        all.sort();
        all.into_iter().map(|(_, stands)| stands).collect()
    };
    // It is killed while it is shown: somebody may have seen and set it.
    let mut terminal = Terminal::new(&world, &seal);
    terminal.waits_for("empties this screen");
    terminal.is_sent(Signal::SIGKILL);
    terminal.ended();
    assert_eq!(standings(), ["may count"]);
    let refused = world.ends(2, &seal);
    assert!(refused.err.contains("has passwords that are sealed"), "{}", refused.err);
    for (before, answer, code, stands) in [(true, "no", 2, "refused, never counted"), (false, "yes", 0, "counts")] {
        let mut terminal = Terminal::new(&world, &seal);
        if before {
            terminal.waits_for("before,");
            terminal.types("no\n");
        }
        terminal.waits_for("empties this screen");
        terminal.types("\n");
        terminal.waits_for("Is it set for");
        terminal.types(&format!("{answer}\n"));
        let (ended, _, seen) = terminal.ended();
        assert_eq!(ended, Some(code), "{seen:?}");
        assert_eq!(standings().last().unwrap(), stands);
    }
    assert_eq!(standings(), ["superseded", "superseded", "counts"]);
}

#[test]
fn a_screen_that_is_left_by_the_end_of_input_was_seen_all_the_same() {
    let world = World::new("end-of-input");
    let (_, shares) = world.ready_set();
    world.seal();
    for (place, share) in shares.iter().enumerate() {
        std::fs::write(world.folder.join(format!("share-{place}")), share).unwrap();
    }
    let open = ["custody", "open", "--account", ACCOUNT, "--share", "share-0", "--share", "share-1"];
    let mut terminal = Terminal::new(&world, &open);
    terminal.waits_for("empties this screen");
    terminal.types("\u{4}");
    let (code, _, seen) = terminal.ended();
    assert_eq!(code, Some(0), "{seen:?}");
    // One that is shown nowhere is not opened.
    let mut command = Command::new(env!("CARGO_BIN_EXE_breakglass"));
    command.args(open).current_dir(&world.folder).env("NO_COLOR", "1");
    let pair = openpty(None, None).unwrap();
    let before = world.listing()["sets"][0].clone();
    command.stdin(Stdio::null()).stdout(Stdio::from(pair.slave)).stderr(Stdio::piped());
    let output = command.spawn().unwrap().wait_with_output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && told.contains("there is no terminal to show it on"), "{told}");
    assert_eq!(world.listing()["sets"][0], before);
}

#[test]
fn where_nobody_says_whether_it_is_set_it_may_count() {
    let world = World::new("not-said");
    world.ready_set();
    let mut terminal = Terminal::new(&world, &["custody", "seal", "--account", ACCOUNT, "--id", ID, "--generate"]);
    terminal.waits_for("empties this screen");
    terminal.types("\n");
    terminal.waits_for("Is it set for");
    terminal.types("perhaps\n");
    assert_eq!(terminal.ended().0, Some(3));
    assert_eq!(world.listing()["documents"][0]["stands"], "may count");
}

#[test]
fn a_pin_is_typed_twice_and_a_private_key_is_gone_from_the_screen() {
    let world = World::new("typed-pin");
    let (_, shares) = world.ready_set();
    for (place, share) in shares.iter().enumerate() {
        std::fs::write(world.folder.join(format!("share-{place}")), share).unwrap();
    }
    let note =
        ["keys", "note", "--account", ID, "--key", "1", "--at", "safe", "--held-by", "eva", "--pin-held-by", "max"];
    world.ends(0, &note);
    let seal = ["custody", "seal", "--pin-of", "1", "--account", ACCOUNT, "--id", ID];
    for (typed, code, told) in
        [(["482915", "482951"], 2, "not the same both times"), (["482915", "482915"], 0, "is sealed in the document")]
    {
        let mut terminal = Terminal::new(&world, &seal);
        for (question, typed) in ["PIN of the security key", "The same once more"].iter().zip(typed) {
            terminal.waits_for(question);
            terminal.waits_for_silence();
            terminal.types(&format!("{typed}\n"));
        }
        let (ended, _, seen) = terminal.ended();
        assert_eq!(ended, Some(code), "{seen:?}");
        assert!(!seen.contains("4829") && words(&seen).contains(told), "{seen:?}");
    }
    let account = format!("{ID}={ACCOUNT}");
    world.ends(0, &["keys", "certificate", "issue", "--account", &account, "--seal", "--output", "certificates"]);
    for (credential, head) in [("passkey", "482915"), ("certificate", "-----BEGIN PRIVATE KEY-----")] {
        let listing = world.listing();
        let mut documents = listing["documents"].as_array().unwrap().iter();
        let document = documents.find(|one| one["credential"] == credential).unwrap()["document"].as_str().unwrap();
        let open = ["custody", "open", "--document", document, "--share", "share-0", "--share", "share-1"];
        let mut terminal = Terminal::new(&world, &open);
        terminal.waits_for("empties this screen");
        terminal.types("\n");
        let (ended, _, seen) = terminal.ended();
        assert_eq!(ended, Some(0), "{seen:?}");
        let (before, after) = seen.rsplit_once(LEAVE).unwrap();
        assert!(before.split_once(ENTER).unwrap().1.contains(head) && !after.contains(head), "{seen:?}");
        let is_told = before.split_once(ENTER).unwrap().0.contains("longer than a screen");
        assert_eq!(is_told, credential == "certificate", "{seen:?}");
    }
}

#[test]
fn a_password_that_is_typed_is_one_to_rely_on() {
    let world = World::new("typed");
    world.ready_set();
    let seal = ["custody", "seal", "--account", ACCOUNT, "--id", ID];
    for (typed, lacks) in [
        ("Short-1", "fewer than 16 characters"),
        ("correct-horse-battery", "no capital letter, no digit"),
        ("Correct horse 1 battery", ""),
    ] {
        let mut terminal = Terminal::new(&world, &seal);
        terminal.waits_for("The password of");
        terminal.waits_for_silence();
        terminal.types(&format!("{typed}\n"));
        let (code, _, seen) = terminal.ended();
        assert!(!seen.contains(typed), "it is repeated: {seen:?}");
        assert_eq!(code, Some(if lacks.is_empty() { 0 } else { 2 }), "{seen:?}");
        assert!(words(&seen).contains(lacks), "{seen:?}");
    }
    assert_eq!(world.listing()["documents"].as_array().unwrap().len(), 1);
}

#[test]
fn what_was_meant_with_a_word_of_a_file_is_shown_to_whoever_sits_there() {
    let world = World::new("mistyped-file");
    let (_, shares) = world.ready_set();
    let password = world.seal();
    let written = |name: &str, text: &str| std::fs::write(world.folder.join(name), text).unwrap();
    let mut mistyped: Vec<String> = shares[0].split(' ').map(str::to_owned).collect();
    // The first four letters tell which word is meant; the list has none with this end.
    let meant = format!("word 10: perhaps {}", mistyped[9]);
    mistyped[9].push_str("qq");
    written("share-0", &mistyped.join(" "));
    written("share-1", &shares[1]);
    let open = ["custody", "open", "--account", ACCOUNT, "--share", "share-0", "--share", "share-1"];

    let mut terminal = Terminal::new(&world, &open);
    terminal.waits_for("empties this screen");
    terminal.types("\n");
    let (code, _, seen) = terminal.ended();
    assert_eq!(code, Some(2), "{seen:?}");
    let (before, after) = seen.rsplit_once(LEAVE).unwrap();
    let (usual, other) = before.split_once(ENTER).unwrap();
    assert!(other.contains("word 10 is not in the word list") && other.contains(&meant), "{seen:?}");
    assert!(!usual.contains("perhaps") && !after.contains("perhaps"), "it is on the other screen alone: {seen:?}");
    assert!(after.contains("BG4053") && words(after).contains("word 10 is not in the word list"), "{seen:?}");

    // Where nobody sits at a terminal it may be read by anybody: the place is said, and where more is said.
    let refused = world.ends(2, &open).err;
    assert!(refused.contains("word 10 is not in the word list"), "{refused}");
    assert!(!refused.contains("perhaps") && words(&refused).contains("shown only at a terminal"), "{refused}");

    written("share-0", &shares[0]);
    assert_eq!(world.ends(0, &open).out.trim(), password);
}
