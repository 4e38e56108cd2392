//! The terminal, for what nobody but whoever sits before it may see.
//!
//! What is typed or shown here stands on the terminal's other screen, which is emptied when it is left: by its end, by an
//! error, by a signal that ends the process, whatever is done meanwhile. What is read is wiped.
//! **Invariant:** everything goes to the screen by one lock, and only while it is open. Who leaves it for a signal keeps the lock
//! until the process has ended, so that nothing stands behind what leaves it.
//! **Invariant:** while the screen is open, no thread but the one that leaves it gets such a signal: the main thread keeps them
//! off, and threads of a [`runtime`] do so from their beginning.
//! **Limit:** [`LINE_BYTES_MAX`]. Who is killed leaves the screen as it is.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::runtime::{Builder, Runtime};
use zeroize::Zeroizing;

#[cfg(any(unix, test))]
use crate::exit::Exit;
use crate::wiring::World;

/// Bytes of the longest line that is typed: more than any share has.
pub(crate) const LINE_BYTES_MAX: usize = 4 << 10;

const ENTER: &str = "\u{1b}[?1049h\u{1b}[H\u{1b}[2J";
const LEAVE: &str = "\u{1b}[H\u{1b}[2J\u{1b}[3J\u{1b}[?1049l";

/// Said behind what leaves it, where a signal ends the process.
#[cfg(any(unix, test))]
const SHOWN: &str = "interrupted after it was shown; `breakglass custody list` says what is to be done\n";
#[cfg(any(unix, test))]
const INTERRUPTED: &str = "interrupted\n";

/// How the only screen of the process stands.
static STANDING: Mutex<Standing> = Mutex::new(Standing::new());

/// Nobody sits there, or nothing can be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TerminalError {
    /// There is no terminal.
    #[error("there is no terminal to {0}")]
    None(&'static str),
    /// It ended.
    #[error("nothing more was typed")]
    Ended,
    /// The line is longer than any.
    #[error("the line has more than {LINE_BYTES_MAX} bytes")]
    Long,
    /// It cannot be read or written.
    #[error("the terminal cannot be used")]
    Io(#[source] io::Error),
    /// What was typed is no text.
    #[error("what was typed is no text in UTF-8")]
    NoText,
}

impl From<io::Error> for TerminalError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// What waits, in threads that leave the signals of the process to the main one.
pub(crate) fn runtime() -> io::Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    builder.enable_all();
    #[cfg(unix)]
    {
        use nix::sys::signal::SigmaskHow;

        // A thread begins with what is kept off where it is made; those that are made later have it done by the first.
        builder.on_thread_start(|| {
            let _ = signals::ending().thread_block();
        });
        let before = signals::ending().thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        let made = builder.build();
        before.thread_set_mask()?;
        made
    }
    #[cfg(not(unix))]
    {
        builder.build()
    }
}

/// How the other screen stands. Whoever writes there, or leaves it, has it to themselves.
#[derive(Debug)]
struct Standing {
    is_open: bool,
    /// A signal ends the process: it is entered no more.
    is_left: bool,
    /// Whether somebody was shown what is written down as opened. That stays so.
    #[cfg(any(unix, test))]
    has_shown: bool,
}

/// Waits until nobody else writes to the screen: for ever, where it is left for a signal.
fn standing() -> MutexGuard<'static, Standing> {
    STANDING.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Standing {
    const fn new() -> Self {
        Self {
            is_open: false,
            is_left: false,
            #[cfg(any(unix, test))]
            has_shown: false,
        }
    }

    fn enter(&mut self, to: &mut impl Write) -> io::Result<()> {
        if self.is_left {
            return Err(io::Error::other("the screen was left"));
        }
        // What is entered by half is left as well.
        self.is_open = true;
        write(to, ENTER)
    }

    fn put(&self, text: &str, to: &mut impl Write) -> io::Result<()> {
        if self.is_open { write(to, text) } else { Err(io::Error::other("the screen was left")) }
    }

    /// Before the first byte of what was opened.
    fn begin_to_show(&mut self) {
        #[cfg(any(unix, test))]
        {
            self.has_shown = true;
        }
    }

    fn leave(&mut self, to: &mut impl Write) -> io::Result<()> {
        if std::mem::take(&mut self.is_open) { write(to, LEAVE) } else { Ok(()) }
    }

    /// Leaves it for a signal, once and for all; how the process ends. `None` if it is not open.
    #[cfg(any(unix, test))]
    fn interrupt(&mut self, to: &mut impl Write) -> Option<Exit> {
        if !std::mem::take(&mut self.is_open) {
            return None;
        }
        self.is_left = true;
        let (said, exit) = if self.has_shown { (SHOWN, Exit::Partial) } else { (INTERRUPTED, Exit::NotStarted) };
        // Who has hung up is told nothing.
        let _ = write(to, &[LEAVE, said].concat());
        Some(exit)
    }
}

fn write(to: &mut impl Write, text: &str) -> io::Result<()> {
    to.write_all(text.as_bytes())?;
    to.flush()
}

/// The other screen, for as long as this lives.
pub(crate) struct PrivateScreen {
    #[cfg(unix)]
    _kept_off: signals::KeptOff,
}

impl PrivateScreen {
    /// Whether there is one, before anything is done for it. `what` completes "there is no terminal to".
    pub(crate) fn check(what: &'static str, world: &World) -> Result<(), TerminalError> {
        let is_terminal = world.stderr.is_terminal && io::stdin().is_terminal();
        if is_terminal { Ok(()) } else { Err(TerminalError::None(what)) }
    }

    /// Goes over to it. `what` completes "there is no terminal to".
    pub(crate) fn open(what: &'static str, world: &World) -> Result<Self, TerminalError> {
        Self::check(what, world)?;
        let screen = Self {
            #[cfg(unix)]
            _kept_off: signals::KeptOff::begin()?,
        };
        standing().enter(&mut io::stderr().lock())?;
        Ok(screen)
    }

    /// Shows a text and a line end.
    pub(crate) fn show(&self, text: &str) -> Result<(), TerminalError> {
        self.put(text)?;
        self.put("\n")
    }

    /// Shows a question and reads a line.
    pub(crate) fn ask(&self, question: &str) -> Result<Zeroizing<String>, TerminalError> {
        self.put(question)?;
        line_of(&mut stdin()?)
    }

    /// What comes next is written down as opened: whoever is stopped from here on has seen it.
    #[expect(clippy::unused_self, reason = "nothing is shown there before it is opened")]
    pub(crate) fn begin_to_show(&self) {
        standing().begin_to_show();
    }

    /// Empties it.
    pub(crate) fn clear(&self) -> Result<(), TerminalError> {
        self.put("\u{1b}[H\u{1b}[2J\u{1b}[3J")
    }

    /// Shows a text, and no line end.
    #[expect(clippy::unused_self, reason = "nothing is written there before it is opened")]
    pub(crate) fn put(&self, text: &str) -> Result<(), TerminalError> {
        Ok(standing().put(text, &mut io::stderr().lock())?)
    }
}

impl Drop for PrivateScreen {
    fn drop(&mut self) {
        let _ = standing().leave(&mut io::stderr().lock());
    }
}

/// Signals that end the process, which have the screen left first.
#[cfg(unix)]
mod signals {
    use std::io;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill};
    use nix::sys::termios::{FlushArg, tcflush};
    use nix::unistd::Pid;

    use super::standing;

    static IS_WATCHED: AtomicBool = AtomicBool::new(false);

    /// Those that end it.
    pub(super) fn ending() -> SigSet {
        [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT].into_iter().collect()
    }

    /// They are kept off the main thread, until it is dropped; with what was kept off before.
    pub(super) struct KeptOff(SigSet);

    impl KeptOff {
        pub(super) fn begin() -> io::Result<Self> {
            let mut signals = ending();
            // Whoever stops the process would leave the screen as it is; that waits.
            signals.add(Signal::SIGTSTP);
            let kept_off = Self(signals.thread_swap_mask(SigmaskHow::SIG_BLOCK)?);
            if !IS_WATCHED.swap(true, Ordering::SeqCst) {
                thread::Builder::new().spawn(watch).inspect_err(|_| IS_WATCHED.store(false, Ordering::SeqCst))?;
            }
            Ok(kept_off)
        }
    }

    impl Drop for KeptOff {
        fn drop(&mut self) {
            let _ = self.0.thread_set_mask();
        }
    }

    fn watch() {
        // To throw away what was typed stops nobody, also where the terminal is somebody else's meanwhile.
        let _ = [Signal::SIGTTOU].into_iter().collect::<SigSet>().thread_block();
        while let Ok(signal) = ending().wait() {
            let mut standing = standing();
            if standing.is_open {
                // What was typed and not read would be repeated on the usual screen, by whoever reads there next.
                let _ = tcflush(io::stdin(), FlushArg::TCIFLUSH);
            }
            if let Some(exit) = standing.interrupt(&mut io::stderr()) {
                // Whoever wants to write waits, until nobody is left.
                std::process::exit(exit.code().into());
            }
            drop(standing);
            // It was meant for the others, who are there again.
            let _ = kill(Pid::this(), signal);
            thread::yield_now();
        }
    }
}

/// Standard input without a buffer of its own, which nobody would wipe.
pub(crate) fn stdin() -> Result<File, TerminalError> {
    #[cfg(unix)]
    let own = std::os::fd::AsFd::as_fd(&io::stdin()).try_clone_to_owned()?;
    #[cfg(windows)]
    let own = std::os::windows::io::AsHandle::as_handle(&io::stdin()).try_clone_to_owned()?;
    Ok(File::from(own))
}

/// One line, without its end.
pub(crate) fn line_of(source: &mut impl Read) -> Result<Zeroizing<String>, TerminalError> {
    // It never grows, so that there is one copy to wipe.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LINE_BYTES_MAX));
    let mut byte = Zeroizing::new([0_u8; 1]);
    loop {
        match source.read(&mut *byte) {
            Ok(0) if bytes.is_empty() => return Err(TerminalError::Ended),
            Ok(0) => break,
            Ok(_) if *byte == [b'\n'] => break,
            Ok(_) if bytes.len() == LINE_BYTES_MAX => return Err(TerminalError::Long),
            Ok(_) => bytes.extend_from_slice(&*byte),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    if bytes.last() == Some(&b'\r') {
        bytes.pop();
    }
    std::str::from_utf8(&bytes).map(|text| Zeroizing::new(text.to_owned())).map_err(|_| TerminalError::NoText)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_stands_behind_what_leaves_the_screen_for_a_signal() {
        for (has_shown, exit, said) in [(false, Exit::NotStarted, INTERRUPTED), (true, Exit::Partial, SHOWN)] {
            let (mut standing, mut to) = (Standing::new(), Vec::<u8>::new());
            standing.enter(&mut to).unwrap();
            standing.put("before", &mut to).unwrap();
            if has_shown {
                // It has to be known before anything of it can be seen.
                standing.begin_to_show();
            }
            assert_eq!(standing.interrupt(&mut to), Some(exit));
            // Whoever is in the middle of something goes on: with it, with its end, and with the next screen.
            standing.begin_to_show();
            assert!(standing.put("after", &mut to).is_err());
            standing.leave(&mut to).unwrap();
            assert!(standing.enter(&mut to).is_err());
            assert!(standing.put("after", &mut to).is_err());
            assert_eq!(standing.interrupt(&mut to), None);
            assert_eq!(String::from_utf8(to).unwrap(), [ENTER, "before", LEAVE, said].concat());
        }
    }

    #[test]
    fn a_screen_that_is_not_open_keeps_no_signal_and_what_was_shown_stays_shown() {
        let (mut standing, mut to) = (Standing::new(), Vec::<u8>::new());
        assert_eq!(standing.interrupt(&mut to), None);
        assert!(standing.put("before it is entered", &mut to).is_err() && to.is_empty());
        standing.enter(&mut to).unwrap();
        standing.begin_to_show();
        standing.leave(&mut to).unwrap();
        assert_eq!(standing.interrupt(&mut to), None);
        standing.enter(&mut to).unwrap();
        assert_eq!(standing.interrupt(&mut to), Some(Exit::Partial));
        assert_eq!(String::from_utf8(to).unwrap(), [ENTER, LEAVE, ENTER, LEAVE, SHOWN].concat());
    }

    #[test]
    fn a_screen_that_is_entered_by_half_is_left() {
        let (mut standing, mut to) = (Standing::new(), Vec::<u8>::new());
        let mut half = [0; ENTER.len() / 2];
        assert!(standing.enter(&mut half.as_mut_slice()).is_err());
        standing.leave(&mut to).unwrap();
        assert_eq!(String::from_utf8(to).unwrap(), LEAVE);
    }

    #[test]
    fn lines_are_read_one_by_one_and_within_the_limit() {
        let mut source: &[u8] = b"one\r\n\ntwo";
        assert_eq!(line_of(&mut source).unwrap().as_str(), "one");
        assert_eq!(line_of(&mut source).unwrap().as_str(), "");
        assert_eq!(line_of(&mut source).unwrap().as_str(), "two");
        assert!(matches!(line_of(&mut source), Err(TerminalError::Ended)));
        let most = "a".repeat(LINE_BYTES_MAX);
        assert_eq!(line_of(&mut format!("{most}\n").as_bytes()).unwrap().len(), LINE_BYTES_MAX);
        assert!(matches!(line_of(&mut format!("{most}a\n").as_bytes()), Err(TerminalError::Long)));
        assert!(matches!(line_of(&mut [0xff, b'\n'].as_slice()), Err(TerminalError::NoText)));
    }
}
