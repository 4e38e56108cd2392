//! Shares, as they are handed in: typed at the terminal, each where nobody else sees it, or from files.

use std::fs::File;
use std::path::PathBuf;

use breakglass_custody::key_set::KeySet;
use breakglass_custody::slip39::{Share, ShareError};
use zeroize::Zeroizing;

use super::desk::DeskError;
use crate::codes::ErrorCode;
use crate::failure::Coded;
use crate::terminal::{PrivateScreen, TerminalError, line_of, stdin};
use crate::wiring::World;

/// Shares that are handed in at once.
const SHARE_COUNT_MAX: usize = 16;

/// Words from which on what is no file is taken for a share, and not repeated in an error.
const WORD_COUNT_SUSPECT: usize = 6;

/// Times that one share is asked for.
const TRY_COUNT_MAX: usize = 10;

/// Where shares come from.
#[derive(Debug, clap::Args)]
pub(crate) struct ShareArguments {
    /// A file with the words of one share, or `-` for standard input with a share on each line; without it each holder types
    /// their own at the terminal
    #[arg(long, value_name = "FILE")]
    share: Vec<PathBuf>,
}

/// Why there is no share.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ShareFailure {
    /// A file cannot be read.
    #[error("the share in `{}` cannot be read", path.display())]
    File {
        path: PathBuf,
        #[source]
        source: TerminalError,
    },
    /// The words stand where a file is to be named. They are not repeated.
    #[error("what was given with --share names no file and looks like the words of a share; it is not repeated here")]
    Words,
    /// It is none.
    #[error(transparent)]
    Share(ShareError),
    /// There are too many.
    #[error("more than {SHARE_COUNT_MAX} shares were handed in, and no set has so many")]
    Many,
    /// None was.
    #[error("no share was handed in")]
    None,
}

pub(crate) const CODES: &[ErrorCode] = &[ErrorCode {
    code: "BG4053",
    title: "a share cannot be read",
    explanation: "A share is 33 words of the list of SLIP-0039. The message says which share and which of its words; compare \
                  it with the paper, letter by letter: the first four letters of each word are like no other's. At the \
                  terminal it is said beside it what was probably meant. Nothing was opened and nothing was changed.",
}];

impl Coded for ShareFailure {
    fn code(&self) -> &'static str {
        "BG4053"
    }

    fn help(&self) -> Option<String> {
        let help = match self {
            Self::Words => {
                "the shell has kept the words, and every process here could read them: hand them in through a file or the \
                 terminal, and have the set replaced if somebody else uses this machine"
            }
            _ => "compare it with the paper and hand it in again",
        };
        Some(help.to_owned())
    }
}

impl ShareArguments {
    /// Reads them: `count` are asked for where no file is named, with what is said about each.
    pub(crate) fn read(&self, count: usize, what: &str, world: &World) -> Result<Vec<Share>, crate::failure::Failure> {
        let shares = if self.share.is_empty() { asked(count, what, world)? } else { self.in_files()? };
        Ok(shares)
    }

    /// Reads those of several sets, each once: from the files all at once, or asked for set by set with what is said about
    /// each. Shares of none of the sets are with the first, which refuses them.
    pub(crate) fn read_each(
        &self,
        sets: &[&KeySet],
        what: &dyn Fn(&KeySet) -> String,
        world: &World,
    ) -> Result<Vec<Vec<Share>>, crate::failure::Failure> {
        if self.share.is_empty() {
            let of_set = |set: &&KeySet| asked(usize::from(set.quorum.threshold()), &what(set), world);
            return sets.iter().map(of_set).collect();
        }
        let mut each: Vec<Vec<Share>> = sets.iter().map(|_| Vec::new()).collect();
        for share in self.in_files()? {
            let place = sets.iter().position(|set| set.is_of(&share)).unwrap_or(0);
            if let Some(shares) = each.get_mut(place) {
                shares.push(share);
            }
        }
        Ok(each)
    }

    fn in_files(&self) -> Result<Vec<Share>, ShareFailure> {
        let mut shares = Vec::new();
        for path in &self.share {
            let failed = |source| ShareFailure::File { path: path.clone(), source };
            let is_stream = path.as_os_str() == "-";
            let opened = if is_stream { stdin() } else { File::open(path).map_err(TerminalError::from) };
            if opened.is_err() && path.to_string_lossy().split_whitespace().count() >= WORD_COUNT_SUSPECT {
                return Err(ShareFailure::Words);
            }
            let mut file = opened.map_err(failed)?;
            loop {
                let line = match line_of(&mut file) {
                    Ok(line) => line,
                    Err(TerminalError::Ended) => break,
                    Err(error) => return Err(failed(error)),
                };
                if line.trim().is_empty() {
                    continue;
                }
                if shares.len() == SHARE_COUNT_MAX {
                    return Err(ShareFailure::Many);
                }
                shares.push(Share::read(shares.len() + 1, &line).map_err(ShareFailure::Share)?);
            }
        }
        if shares.is_empty() { Err(ShareFailure::None) } else { Ok(shares) }
    }
}

/// Asks for each share on a screen of its own.
fn asked(count: usize, what: &str, world: &World) -> Result<Vec<Share>, crate::failure::Failure> {
    let terminal = |error: TerminalError| crate::failure::Failure::from(DeskError::from(error));
    let mut shares = Vec::new();
    for number in 1..=count {
        let screen = PrivateScreen::open("type shares at", world).map_err(terminal)?;
        let mut said = String::new();
        let mut tries = 0;
        let share = loop {
            screen.clear().map_err(terminal)?;
            let head = format!(
                "{what}\n\nShare {number} of {count}. Only its holder looks at this screen; it is emptied afterwards.\n{said}\n\
                 Type the 33 words with a space between them, then Enter:\n"
            );
            let typed = screen.show(&head).and_then(|()| screen.ask("> ")).map_err(terminal)?;
            match Share::read(number, &typed) {
                Ok(share) => break share,
                Err(error) => {
                    tries += 1;
                    if tries == TRY_COUNT_MAX {
                        return Err(ShareFailure::Share(error).into());
                    }
                    said = format!("\n{}", told(&error).as_str());
                }
            }
        };
        drop(screen);
        shares.push(share);
    }
    Ok(shares)
}

/// What is wrong with a share, with what was probably meant: only for whoever typed it.
fn told(error: &ShareError) -> Zeroizing<String> {
    let mut text = Zeroizing::new(format!("{error}\n"));
    let words: Vec<&breakglass_custody::slip39::Mistyped> = match error {
        ShareError::Unlisted { words, .. } => words.iter().collect(),
        ShareError::Checksum { wrong, .. } => wrong.iter().collect(),
        _ => Vec::new(),
    };
    for word in words {
        if !word.suggestions().is_empty() {
            text.push_str(&format!("  word {}: perhaps {}\n", word.word, word.suggestions().join(", or ")));
        }
    }
    text
}
