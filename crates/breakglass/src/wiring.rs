//! The surroundings: the environment, the clock, the terminal, the standard streams.
//!
//! **Invariant:** nothing else reads the environment or the clock. Everybody else is told.

use std::ffi::OsString;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use breakglass_adapters::graph::{SystemKeyStore, TokenCache};
use breakglass_tenant::clock::Clock;
use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::render::paint::{Paint, Style};
use crate::render::{fitted, visible};

/// Columns where there is no terminal to ask.
const COLUMNS_USUAL: usize = 100;

/// A wider terminal is not filled, since long lines are hard to read; `COLUMNS` may ask for more, up to this.
const COLUMNS_MAX: usize = 400;

/// What the process was started in.
#[derive(Debug, Clone)]
pub(crate) struct World {
    /// The time at which the program started.
    pub(crate) now: Timestamp,
    /// Where data goes.
    pub(crate) stdout: Screen,
    /// Where everything else goes.
    pub(crate) stderr: Screen,
    /// How many things can be done at the same time.
    pub(crate) processors: NonZeroUsize,
}

/// A stream as its reader sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Screen {
    /// Its width.
    pub(crate) columns: usize,
    /// Whether colour may be used.
    pub(crate) paint: Paint,
    /// Whether somebody looks at it.
    pub(crate) is_terminal: bool,
}

impl World {
    /// Looks around once.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    pub(crate) fn of_process() -> Self {
        Self {
            now: Timestamp::now(),
            stdout: Screen::of(io::stdout().is_terminal()),
            stderr: Screen::of(io::stderr().is_terminal()),
            processors: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
        }
    }

    /// Writes data. A reader that has gone away has seen enough: what was judged stays judged.
    pub(crate) fn print(&self, text: &str) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }

    /// Says something beside the data.
    pub(crate) fn note(&self, note: &str) {
        self.say(&noted(note, self.stderr));
    }

    /// Says something that somebody has to read, as it is.
    pub(crate) fn tell(&self, text: &str) {
        self.progress_is_over();
        self.say(&format!("{}\n", self.filled(text)));
    }

    /// Asks somebody at the terminal; nobody agrees where there is none.
    pub(crate) fn agrees(&self, question: &str) -> bool {
        self.answer(question).is_some_and(|answer| answer == "yes")
    }

    /// Whether somebody sits at a terminal and can be asked.
    pub(crate) fn can_ask(&self) -> bool {
        io::stdin().is_terminal() && self.stderr.is_terminal
    }

    /// Asks somebody at the terminal for a line; `None` where there is none, or it has ended.
    pub(crate) fn answer(&self, question: &str) -> Option<String> {
        if !self.can_ask() {
            return None;
        }
        self.progress_is_over();
        self.say(&format!("\n{} ", self.filled(question)));
        let mut answer = String::new();
        let count = io::stdin().lock().read_line(&mut answer).ok()?;
        (count > 0).then(|| answer.trim().to_owned())
    }

    /// A text whose lines are broken between words where somebody looks; each stays as far in as it is.
    pub(crate) fn filled(&self, text: &str) -> String {
        let columns = self.stderr.columns;
        if !self.stderr.is_terminal || text.lines().all(|line| line.chars().count() <= columns) {
            return text.to_owned();
        }
        let filled = text.lines().map(|line| {
            // Whoever has filled a text to this width has done so.
            if line.chars().count() <= columns {
                return format!("{line}\n");
            }
            let words = line.trim_start();
            let indent = " ".repeat(line.chars().count() - words.chars().count());
            fitted(words, &indent, &indent, columns.saturating_sub(1))
        });
        filled.collect::<String>().trim_end_matches('\n').to_owned()
    }

    /// Asks for a secret: at the terminal, which does not show it where it can be told not to, else the first line of
    /// standard input.
    pub(crate) fn secret(&self, question: &str) -> Option<String> {
        let stdin = io::stdin();
        let is_asked = stdin.is_terminal();
        if is_asked {
            self.say(&format!("{} ", self.filled(question)));
        }
        let _hidden = is_asked.then(Hidden::begin);
        let mut line = String::with_capacity(SECRET_BYTES_USUAL);
        let is_read = stdin.lock().read_line(&mut line).is_ok();
        if is_asked {
            self.say("\n");
        }
        line.truncate(line.trim_end_matches(['\r', '\n']).len());
        is_read.then_some(line)
    }

    /// Says what takes a while, if somebody looks; it is gone when the next thing is said.
    pub(crate) fn progress(&self, what: &str) {
        if self.stderr.is_terminal {
            // In one line, since only that is taken back.
            let line: String = visible(what).chars().take(self.stderr.columns.saturating_sub(2)).collect();
            self.say(&format!("\r\u{1b}[K{line}…"));
        }
    }

    /// Takes back what [`Self::progress`] said.
    pub(crate) fn progress_is_over(&self) {
        if self.stderr.is_terminal {
            self.say("\r\u{1b}[K");
        }
    }

    /// Says why the command did not end as it should.
    pub(crate) fn complain(&self, failure: &Failure) {
        self.progress_is_over();
        if self.stderr.is_terminal {
            self.say(&failure.laid_out(self.stderr.columns, self.stderr.paint));
        } else {
            self.say(&failure.plain());
        }
    }

    fn say(&self, text: &str) {
        // Nobody is left to tell when stderr is closed.
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }
}

/// A note, filled to the width where somebody looks. Whoever reads a file of notes looks for whole sentences.
fn noted(note: &str, screen: Screen) -> String {
    const HEAD: &str = "note:";
    let note = visible(note);
    let said = match screen.is_terminal {
        true => fitted(&note, &format!("{HEAD} "), "      ", screen.columns),
        false => format!("{HEAD} {note}\n"),
    };
    said.replacen(HEAD, &screen.paint.apply(Style::Strong, HEAD), 1)
}

/// Bytes that a secret which somebody types fits into, so that no copy of its beginning is left behind.
const SECRET_BYTES_USUAL: usize = 512;

/// A terminal that does not show what is typed, until this is dropped.
#[cfg(target_os = "linux")]
struct Hidden(Option<nix::sys::termios::Termios>);

#[cfg(target_os = "linux")]
impl Hidden {
    fn begin() -> Self {
        use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};
        let before = tcgetattr(io::stdin()).ok();
        if let Some(mut hidden) = before.clone() {
            hidden.local_flags.remove(LocalFlags::ECHO);
            // Where it does not hide, it shows: the secret is asked for all the same.
            let _ = tcsetattr(io::stdin(), SetArg::TCSAFLUSH, &hidden);
        }
        Self(before)
    }
}

#[cfg(target_os = "linux")]
impl Drop for Hidden {
    fn drop(&mut self) {
        use nix::sys::termios::{SetArg, tcsetattr};
        if let Some(before) = &self.0 {
            let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, before);
        }
    }
}

/// Nothing here tells a terminal to hide what is typed.
#[cfg(not(target_os = "linux"))]
struct Hidden;

#[cfg(not(target_os = "linux"))]
impl Hidden {
    fn begin() -> Self {
        Self
    }
}

/// The system's clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "a server reads the clock for as long as it runs")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

impl Screen {
    fn of(is_terminal: bool) -> Self {
        let is_plain = variable("NO_COLOR").is_some_and(|value| !value.is_empty())
            || variable("TERM").is_some_and(|value| value == "dumb");
        let asked = variable("COLUMNS").and_then(|value| value.to_str()?.parse().ok()).filter(|columns| *columns > 0);
        let measured = terminal_size::terminal_size().filter(|_| is_terminal).map(|(width, _)| usize::from(width.0));
        Self {
            columns: asked.map_or_else(
                || measured.unwrap_or(COLUMNS_USUAL).min(COLUMNS_USUAL),
                |columns: usize| columns.min(COLUMNS_MAX),
            ),
            paint: if is_terminal && !is_plain { Paint::Colour } else { Paint::Plain },
            is_terminal,
        }
    }
}

/// The password for the broker that logs are exported to, if the environment has one.
pub(crate) fn password_of_broker() -> Option<String> {
    variable("BREAKGLASS_EXPORT_KAFKA_PASSWORD").and_then(|password| password.into_string().ok())
}

/// The secret that an application signs in with, if the environment has one.
pub(crate) fn client_secret() -> Option<String> {
    variable("BREAKGLASS_CLIENT_SECRET")
        .and_then(|secret| secret.into_string().ok())
        .filter(|secret| !secret.is_empty())
}

/// The token that a vault is asked with, if the environment has one.
pub(crate) fn vault_token() -> Option<String> {
    variable("BREAKGLASS_VAULT_TOKEN").and_then(|token| token.into_string().ok()).filter(|token| !token.is_empty())
}

/// The variable that has the secret of a channel, and the secret, if the environment has one.
pub(crate) fn channel_secret(id: &str) -> (String, Option<String>) {
    let name = format!("BREAKGLASS_CHANNEL_{}", id.to_ascii_uppercase().replace('-', "_"));
    let secret = variable(&name).and_then(|secret| secret.into_string().ok()).filter(|secret| !secret.is_empty());
    (name, secret)
}

/// The folder in which systemd has put the credentials of the service, if it has.
pub(crate) fn credentials_folder() -> Option<PathBuf> {
    variable("CREDENTIALS_DIRECTORY").map(PathBuf::from).filter(|path| path.is_absolute())
}

/// The passphrase of files with keys, if the environment has one.
pub(crate) fn key_passphrase() -> Option<Zeroizing<String>> {
    let text = variable("BREAKGLASS_KEY_PASSPHRASE").and_then(|text| text.into_string().ok());
    text.filter(|text| !text.is_empty()).map(Zeroizing::new)
}

/// The proxy for what is secured, and what is reached without it.
pub(crate) fn proxies() -> (Option<String>, Option<String>) {
    let text = |names: [&str; 2]| {
        let mut found = names.into_iter().filter_map(|name| variable(name)?.into_string().ok());
        found.find(|value| !value.is_empty())
    };
    (text(["HTTPS_PROXY", "https_proxy"]), text(["NO_PROXY", "no_proxy"]))
}

/// Where sign-ins are remembered, encrypted: in the user's folder for what can be had again.
pub(crate) fn token_cache() -> Option<TokenCache> {
    let of_system = variable("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let of_home = || variable("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let folder = of_system.or_else(of_home)?.join("breakglass");
    Some(TokenCache::new(folder, Arc::new(SystemKeyStore)))
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_filled_to_the_width_of_a_terminal() {
        let screen = |is_terminal| Screen { columns: 40, paint: Paint::Plain, is_terminal };
        let note = "written to `a`; look at it, then run `breakglass plan --live`";
        let filled = "note: written to `a`; look at it, then\n      run `breakglass plan --live`\n";
        assert_eq!(noted(note, screen(true)), filled);
        assert_eq!(noted(note, screen(false)), format!("note: {note}\n"));
    }
}
