//! A passphrase or a password, asked for at the terminal and shown to nobody.
//!
//! **Invariant:** it is read from the terminal, which repeats nothing meanwhile; that of a key may stand in the environment,
//! where a service is given it. Buffers are wiped.
//! **Limit:** that of a key file.

use std::io;

use zeroize::Zeroizing;

use crate::wiring;

/// Asks for one that was chosen before.
pub(crate) fn asked(question: &str) -> io::Result<Zeroizing<String>> {
    terminal::ask(question)
}

/// That of a file with a key: from the environment, else somebody is asked.
pub(crate) fn of_key(question: &str) -> io::Result<Zeroizing<String>> {
    wiring::key_passphrase().map_or_else(|| asked(question), Ok)
}

/// A new one for a file with a key: from the environment, else somebody is asked, twice.
pub(crate) fn chosen(question: &str) -> io::Result<Zeroizing<String>> {
    if let Some(passphrase) = wiring::key_passphrase() {
        return Ok(passphrase);
    }
    let first = terminal::ask(question)?;
    let second = terminal::ask("The same once more: ")?;
    // Both are whoever's who sits there, so that there is nothing to be learnt from how long this takes.
    if first.as_bytes() == second.as_bytes() {
        Ok(first)
    } else {
        Err(io::Error::other("the two were not the same; nothing was done"))
    }
}

#[cfg(unix)]
mod terminal {
    use std::fs::{File, OpenOptions};
    use std::io::{self, Read as _, Write as _};

    use breakglass_adapters::key_file::PASSPHRASE_BYTES_MAX;
    use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
    use zeroize::Zeroizing;

    /// A terminal that repeats nothing, until it is dropped.
    struct Silent<'a>(&'a File, Termios);

    impl<'a> Silent<'a> {
        fn new(terminal: &'a File) -> io::Result<Self> {
            let before = tcgetattr(terminal)?;
            let mut silent = before.clone();
            silent.local_flags.remove(LocalFlags::ECHO);
            // What was typed ahead was not meant for this, and was shown.
            tcsetattr(terminal, SetArg::TCSAFLUSH, &silent)?;
            Ok(Self(terminal, before))
        }
    }

    impl Drop for Silent<'_> {
        fn drop(&mut self) {
            let _ = tcsetattr(self.0, SetArg::TCSAFLUSH, &self.1);
        }
    }

    pub(super) fn ask(question: &str) -> io::Result<Zeroizing<String>> {
        let terminal = OpenOptions::new().read(true).write(true).open("/dev/tty");
        let terminal = terminal.map_err(|_| io::Error::other("there is no terminal to ask at"))?;
        (&terminal).write_all(question.as_bytes())?;
        let read = Silent::new(&terminal).and_then(|silent| line(silent.0));
        (&terminal).write_all(b"\n")?;
        read
    }

    fn line(mut terminal: &File) -> io::Result<Zeroizing<String>> {
        // As long as it may be, so that it never moves.
        let mut bytes = Zeroizing::new(Vec::with_capacity(PASSPHRASE_BYTES_MAX + 1));
        let mut byte = Zeroizing::new([0_u8; 1]);
        while terminal.read(&mut *byte)? == 1 && *byte != [b'\n'] {
            if bytes.len() >= PASSPHRASE_BYTES_MAX {
                return Err(io::Error::other("it is too long"));
            }
            bytes.extend_from_slice(&*byte);
        }
        let text = std::str::from_utf8(&bytes).map_err(|_| io::Error::other("it is no text in UTF-8"))?;
        Ok(Zeroizing::new(text.to_owned()))
    }
}

#[cfg(not(unix))]
mod terminal {
    use std::io;

    use zeroize::Zeroizing;

    pub(super) fn ask(_: &str) -> io::Result<Zeroizing<String>> {
        Err(io::Error::other("this system is not asked for passphrases; keep the key where only its owner gets at it"))
    }
}
