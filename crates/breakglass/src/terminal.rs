//! The terminal, for what nobody but whoever sits before it may see.
//!
//! What is typed or shown here stands on the terminal's other screen, which is emptied when it is left: by its end, by an
//! error, by a signal that ends the process. What is read is wiped.
//! **Invariant:** while the screen is open, no thread but the one that leaves it gets such a signal: the main thread keeps them
//! off, and threads of a [`runtime`] do so from their beginning.
//! **Limit:** [`LINE_BYTES_MAX`].

use std::fs::File;
use std::io::{self, IsTerminal as _, Read, Write as _};

use tokio::runtime::{Builder, Runtime};
use zeroize::Zeroizing;

use crate::wiring::World;

/// Bytes of the longest line that is typed: more than any share has.
pub(crate) const LINE_BYTES_MAX: usize = 4 << 10;

const ENTER: &str = "\u{1b}[?1049h\u{1b}[H\u{1b}[2J";
const LEAVE: &str = "\u{1b}[H\u{1b}[2J\u{1b}[3J\u{1b}[?1049l";

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
        screen.put(ENTER)?;
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
        #[cfg(unix)]
        signals::HAS_SHOWN.store(true, std::sync::atomic::Ordering::SeqCst);
    }

    /// Empties it.
    pub(crate) fn clear(&self) -> Result<(), TerminalError> {
        self.put("\u{1b}[H\u{1b}[2J\u{1b}[3J")
    }

    /// Shows a text, and no line end.
    #[expect(clippy::unused_self, reason = "nothing is written there before it is opened")]
    pub(crate) fn put(&self, text: &str) -> Result<(), TerminalError> {
        let mut stderr = io::stderr().lock();
        Ok(stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush())?)
    }
}

impl Drop for PrivateScreen {
    fn drop(&mut self) {
        let _ = self.put(LEAVE);
    }
}

/// Signals that end the process, which have the screen left first.
#[cfg(unix)]
mod signals {
    use std::io::{self, Write as _};
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill};
    use nix::unistd::Pid;

    use super::LEAVE;
    use crate::exit::Exit;

    static IS_OPEN: AtomicBool = AtomicBool::new(false);
    /// Whether somebody was shown what is written down as opened.
    pub(super) static HAS_SHOWN: AtomicBool = AtomicBool::new(false);
    const SHOWN: &str = "interrupted after it was shown; `breakglass custody list` says what is to be done\n";
    const INTERRUPTED: &str = "interrupted\n";
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
            IS_OPEN.store(true, Ordering::SeqCst);
            if !IS_WATCHED.swap(true, Ordering::SeqCst) {
                thread::Builder::new().spawn(watch).inspect_err(|_| IS_WATCHED.store(false, Ordering::SeqCst))?;
            }
            Ok(kept_off)
        }
    }

    impl Drop for KeptOff {
        fn drop(&mut self) {
            IS_OPEN.store(false, Ordering::SeqCst);
            let _ = self.0.thread_set_mask();
        }
    }

    fn watch() {
        while let Ok(signal) = ending().wait() {
            if IS_OPEN.load(Ordering::SeqCst) {
                let has_shown = HAS_SHOWN.load(Ordering::SeqCst);
                let said = if has_shown { SHOWN } else { INTERRUPTED };
                let _ = io::stderr().write_all([LEAVE, said].concat().as_bytes());
                std::process::exit(if has_shown { Exit::Partial } else { Exit::NotStarted }.code().into());
            }
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
