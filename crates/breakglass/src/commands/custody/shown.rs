//! What was opened, before the eyes of somebody, and nowhere else.

use std::io::{self, Write as _};

use breakglass_custody::password::{Language, Password};
use breakglass_custody::secret::Secret;

use crate::terminal::{PrivateScreen, TerminalError};
use crate::wiring::World;

/// A language to spell in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Spelling {
    /// English
    En,
    /// German
    De,
}

/// Said where no spelling can be.
const UNSPELLED: &str = "It has characters without a word to read them by.";

impl From<Spelling> for Language {
    fn from(spelling: Spelling) -> Self {
        match spelling {
            Spelling::En => Self::English,
            Spelling::De => Self::German,
        }
    }
}

/// Shows it on the terminal until somebody has read it; where stdout is none, writes it there, on a line of its own, and how
/// it is spelled behind it if that is asked for.
pub(crate) fn show(
    password: &Password,
    head: &str,
    spelling: Option<Spelling>,
    world: &World,
) -> Result<(), TerminalError> {
    if !world.stdout.is_terminal {
        let write = |text: &str| {
            let mut stdout = io::stdout().lock();
            stdout.write_all(text.as_bytes()).and_then(|()| stdout.write_all(b"\n")).and_then(|()| stdout.flush())
        };
        password.with_plaintext(write)?;
        let spelled = spelling.map(|spelling| password.with_spelling(spelling.into(), |text| write(text)));
        match spelled {
            Some(Err(_)) => world.note(UNSPELLED),
            Some(Ok(written)) => written?,
            None => {}
        }
        return Ok(());
    }
    let screen = PrivateScreen::open("show the password on", world)?;
    screen.show(&world.filled(&format!("{head}\n")))?;
    screen.begin_to_show();
    password.with_plaintext(|text| indented(&screen, text))?;
    let groups = password.with_paper(|text| {
        screen.show(
            &world.filled("In groups of four, each with its check character behind the stroke (which is not typed):\n"),
        )?;
        indented(&screen, text)
    });
    match groups {
        Ok(shown) => shown?,
        // Another program made it.
        Err(_) => screen.show("It was not made by this program, and is not shown in groups.\n")?,
    }
    if let Some(spelling) = spelling {
        match password.with_spelling(spelling.into(), |text| screen.show(text)) {
            Ok(shown) => shown?,
            Err(_) => screen.show(UNSPELLED)?,
        }
        screen.show("")?;
    }
    // It was seen, however the line ends.
    drop(screen.ask("Enter empties this screen: "));
    Ok(())
}

/// Shows a private key on the terminal until somebody is done with it; where stdout is none, writes it there as it is.
pub(crate) fn show_private_key(secret: &Secret, head: &str, world: &World) -> Result<(), TerminalError> {
    if !world.stdout.is_terminal {
        let mut stdout = io::stdout().lock();
        secret.with_plaintext(|text| stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()))?;
        return Ok(());
    }
    let screen = PrivateScreen::open("show the private key on", world)?;
    screen.show(&format!("{head}\n"))?;
    screen.begin_to_show();
    secret.with_plaintext(|text| screen.put(text))?;
    drop(screen.ask("\nEnter empties this screen: "));
    Ok(())
}

/// In parts, so that no other text is made with it.
fn indented(screen: &PrivateScreen, text: &str) -> Result<(), TerminalError> {
    screen.put("    ")?;
    screen.put(text)?;
    screen.put("\n\n")
}
