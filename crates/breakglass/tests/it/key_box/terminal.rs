//! A run before a terminal, a pseudo-terminal of which the other end is looked at: what is typed there, and what stands on
//! either of its screens.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};

use nix::pty::openpty;
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{LocalFlags, tcgetattr};
use nix::unistd::Pid;

use super::world::{Run, World};

/// What the other screen is entered by, and what it is emptied and left by.
const ENTER: &str = "\u{1b}[?1049h";
const LEAVE: &str = "\u{1b}[H\u{1b}[2J\u{1b}[3J\u{1b}[?1049l";

/// A command before a terminal.
pub(super) struct Terminal {
    child: Child,
    other_end: File,
    arguments: Vec<String>,
    seen: String,
    /// Up to where it was waited for.
    at: usize,
}

impl Terminal {
    /// Begins a command as it would be begun without a terminal.
    pub(super) fn new(of: &Command) -> Self {
        let pair = openpty(None, None).unwrap();
        let own = || Stdio::from(pair.slave.try_clone().unwrap());
        // In a session of its own, in which this is the terminal that passwords are asked at.
        let mut command = Command::new("setsid");
        command.arg("--ctty").arg(of.get_program()).args(of.get_args()).current_dir(of.get_current_dir().unwrap());
        command.env_clear().env("PATH", "/usr/bin:/bin");
        command.envs(of.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let child = command.stdin(own()).stdout(own()).stderr(own()).spawn().unwrap();
        let arguments = of.get_args().map(|argument| argument.to_str().unwrap().to_owned()).collect();
        Self { child, other_end: File::from(pair.master), arguments, seen: String::new(), at: 0 }
    }

    /// Reads until a text stands there, behind all that was waited for before; what stands between them.
    #[track_caller]
    pub(super) fn waits_for(&mut self, text: &str) -> String {
        loop {
            let new = self.seen.get(self.at..).unwrap();
            if let Some((before, _)) = new.split_once(text) {
                let before = before.to_owned();
                self.at += before.len() + text.len();
                return before;
            }
            assert!(self.reads(), "{text:?} is not shown by {:?}: {:?}", self.arguments, self.seen);
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
    pub(super) fn waits_for_silence(&self) {
        while tcgetattr(&self.other_end).unwrap().local_flags.contains(LocalFlags::ECHO) {
            std::thread::yield_now();
        }
    }

    pub(super) fn types(&mut self, text: &str) {
        self.other_end.write_all(text.as_bytes()).unwrap();
    }

    pub(super) fn is_sent(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }

    /// Waits for its end, which has to be this, none where it is killed; keeps what stood on both screens.
    #[track_caller]
    pub(super) fn ends(mut self, code: Option<i32>, world: &World) -> Run {
        while self.reads() {}
        let ended = self.child.wait().unwrap().code();
        assert_eq!(ended, code, "{:?}: {:?}", self.arguments, self.seen);
        let (err, screen) = screens(&self.seen.replace('\r', ""));
        world.kept(Run { arguments: self.arguments, code: ended, out: String::new(), err, screen: Some(screen) })
    }
}

/// What stood on the usual screen, and on the other one.
fn screens(seen: &str) -> (String, String) {
    let (mut usual, mut other, mut rest) = (String::new(), String::new(), seen);
    while let Some((before, entered)) = rest.split_once(ENTER) {
        // Who is killed never leaves it.
        let (inside, after) = entered.split_once(LEAVE).unwrap_or((entered, ""));
        usual.push_str(before);
        other.push_str(inside);
        rest = after;
    }
    usual.push_str(rest);
    (usual, other)
}

#[test]
fn the_screens_of_a_terminal_are_told_apart() {
    for (seen, usual, other) in [
        ("", "", ""),
        ("a\n", "a\n", ""),
        (&*format!("a{ENTER}b{LEAVE}c{ENTER}d{LEAVE}e"), "ace", "bd"),
        (&*format!("a{ENTER}b"), "a", "b"),
    ] {
        assert_eq!(screens(seen), (usual.to_owned(), other.to_owned()), "{seen:?}");
    }
}
