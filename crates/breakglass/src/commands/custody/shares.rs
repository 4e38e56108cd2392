//! Shares, as they are handed in: typed at the terminal, each where nobody else sees it, or from files.

use std::fs::File;
use std::path::PathBuf;

use breakglass_custody::key_set::{KeySet, RecoverError};
use breakglass_custody::slip39::{CombineError, Mistyped, Share, ShareError};
use zeroize::Zeroizing;

use super::CustodyFailure;
use super::desk::DeskError;
use crate::codes::ErrorCode;
use crate::failure::{Coded, Failure};
use crate::terminal::{PrivateScreen, TerminalError, line_of, stdin};
use crate::wiring::World;

/// Shares that are handed in at once.
const SHARE_COUNT_MAX: usize = 16;

/// Words from which on what is no file is taken for a share, and not repeated in an error.
const WORD_COUNT_SUSPECT: usize = 6;

/// Words of a share of a sealing key.
const SHARE_WORDS: usize = 33;

/// How files begin that are encrypted with age, in its armor and without.
const AGE_HEADS: [&str; 2] = ["-----BEGIN AGE ENCRYPTED FILE-----", "age-encryption.org/"];

/// Times that one share is asked for.
const TRY_COUNT_MAX: usize = 10;

/// Where shares come from.
#[derive(Debug, clap::Args)]
pub(crate) struct ShareArguments {
    /// A file with the words of one share, in any lines and with or without their numbers, or with a share on each line; `-`
    /// for standard input; without it each holder types their own at the terminal
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
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The words stand where a file is to be named. They are not repeated.
    #[error("what was given with --share names no file and looks like the words of a share; it is not repeated here")]
    Words,
    /// It is encrypted still.
    #[error("`{}` is encrypted with age, and only its holder opens it", .0.display())]
    Encrypted(PathBuf),
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
                  terminal it is said beside it what was probably meant. The numbers of the words may be typed as well, and a file may \
                  have the words of a share in several lines. Nothing was opened and nothing was changed.",
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
            Self::Encrypted(path) => {
                return Some(format!(
                    "its holder decrypts it, and hands in what comes out: `age -d -i KEY {}`, with the file of their own key; or \
                     they type the words at the terminal, without --share",
                    path.display()
                ));
            }
            Self::File { .. } => {
                "name a file with the words of a share, or leave --share out and type them at the terminal"
            }
            Self::Share(error) if has_suggestions(error) => {
                "compare it with the paper and hand it in again. What was probably meant is part of the share, and is shown only at a \
                 terminal, where nobody but its holder looks"
            }
            _ => "compare it with the paper and hand it in again",
        };
        Some(help.to_owned())
    }
}

impl ShareArguments {
    /// Reads shares of a set: `count` are asked for where no file is named, with what is said about each.
    pub(crate) fn read(&self, set: &KeySet, count: usize, what: &str, world: &World) -> Result<Vec<Share>, Failure> {
        if self.share.is_empty() { asked(set, count, what, world) } else { self.in_files(world) }
    }

    /// Reads those of several sets, each once: from the files all at once, or asked for set by set with what is said about
    /// each. Shares of none of the sets are with the first, which refuses them.
    pub(crate) fn read_each(
        &self,
        sets: &[&KeySet],
        what: &dyn Fn(&KeySet) -> String,
        world: &World,
    ) -> Result<Vec<Vec<Share>>, Failure> {
        if self.share.is_empty() {
            let of_set = |set: &&KeySet| asked(set, usize::from(set.quorum.threshold()), &what(set), world);
            return sets.iter().map(of_set).collect();
        }
        let mut each: Vec<Vec<Share>> = sets.iter().map(|_| Vec::new()).collect();
        for share in self.in_files(world)? {
            let place = sets.iter().position(|set| set.is_of(&share)).unwrap_or(0);
            if let Some(shares) = each.get_mut(place) {
                shares.push(share);
            }
        }
        Ok(each)
    }

    /// Those in the files. What was probably meant with a word that is mistyped there is shown to whoever sits at the terminal.
    fn in_files(&self, world: &World) -> Result<Vec<Share>, Failure> {
        self.read_files().map_err(|failure| {
            if let ShareFailure::Share(error) = &failure {
                show_suggestions(error, world);
            }
            failure.into()
        })
    }

    fn read_files(&self) -> Result<Vec<Share>, ShareFailure> {
        let mut shares = Vec::new();
        for path in &self.share {
            let failed = |error| ShareFailure::File {
                path: path.clone(),
                source: match error {
                    TerminalError::Io(source) => source.into(),
                    other => other.into(),
                },
            };
            let is_stream = path.as_os_str() == "-";
            let opened = if is_stream { stdin() } else { File::open(path).map_err(TerminalError::from) };
            if opened.is_err() && path.to_string_lossy().split_whitespace().count() >= WORD_COUNT_SUSPECT {
                return Err(ShareFailure::Words);
            }
            let mut file = opened.map_err(failed)?;
            let (mut lines, mut is_first) = (Lines::default(), true);
            loop {
                let line = match line_of(&mut file) {
                    Ok(line) => line,
                    Err(TerminalError::Ended) => break,
                    Err(error) => return Err(failed(error)),
                };
                if std::mem::take(&mut is_first) && AGE_HEADS.iter().any(|head| line.starts_with(head)) {
                    return Err(ShareFailure::Encrypted(path.clone()));
                }
                for text in lines.with(&line) {
                    take(&mut shares, &text)?;
                }
            }
            if let Some(text) = lines.rest() {
                take(&mut shares, &text)?;
            }
        }
        if shares.is_empty() { Err(ShareFailure::None) } else { Ok(shares) }
    }
}

fn take(shares: &mut Vec<Share>, text: &str) -> Result<(), ShareFailure> {
    if shares.len() == SHARE_COUNT_MAX {
        return Err(ShareFailure::Many);
    }
    shares.push(share_of(shares.len() + 1, text).map_err(ShareFailure::Share)?);
    Ok(())
}

/// Reads a share as it stands on paper, with or without the numbers of its words. That words are missing is said before
/// anything else is.
fn share_of(number: usize, text: &str) -> Result<Share, ShareError> {
    let words = unnumbered(text);
    let count = words.split_whitespace().count();
    Share::read(number, &words).map_err(|error| match error {
        ShareError::Checksum { .. } | ShareError::Unlisted { .. } if count != SHARE_WORDS => {
            ShareError::WordCount { share: number, count }
        }
        error => error,
    })
}

/// Whether it is the number of a word, as `7`, `7.` or `7)`.
fn number_of(text: &str) -> Option<usize> {
    let digits = text.trim_end_matches(['.', ')', ':']);
    (1..=2).contains(&digits.len()).then(|| digits.parse().ok()).flatten()
}

/// The words without their numbers. Where each has one, they are in the order of the numbers: columns that were copied line by
/// line are not in that of the words.
fn unnumbered(text: &str) -> Zeroizing<String> {
    let (mut words, mut numbers) = (Vec::new(), Vec::new());
    for part in text.split_whitespace() {
        match number_of(part) {
            Some(number) => numbers.push((number, words.len())),
            None => words.push(part),
        }
    }
    let is_each = numbers.len() == words.len() && numbers.iter().enumerate().all(|(at, (_, place))| at == *place);
    numbers.sort_unstable();
    let is_whole = is_each && (1..).zip(&numbers).all(|(wanted, (number, _))| wanted == *number);
    // It has room for everything, so that no copy of its beginning is left behind.
    let mut joined = Zeroizing::new(String::with_capacity(text.len() + 1));
    let mut push = |word: &str| {
        if !joined.is_empty() {
            joined.push(' ');
        }
        joined.push_str(word);
    };
    if is_whole {
        numbers.iter().filter_map(|(_, place)| words.get(*place)).for_each(|word| push(word));
    } else {
        words.iter().for_each(|word| push(word));
    }
    joined
}

/// Shares in the lines of a file: one that has fewer words than a share goes on in the next.
#[derive(Default)]
struct Lines(Zeroizing<String>);

impl Lines {
    /// The shares that are whole with one more line.
    fn with(&mut self, line: &str) -> Vec<Zeroizing<String>> {
        let count = |text: &str| text.split_whitespace().filter(|part| number_of(part).is_none()).count();
        let mut whole = Vec::new();
        match count(line) {
            0 => {}
            SHARE_WORDS.. => {
                whole.extend(self.rest());
                whole.push(Zeroizing::new(line.to_owned()));
            }
            _ => {
                let mut both = Zeroizing::new(String::with_capacity(self.0.len() + line.len() + 1));
                both.push_str(&self.0);
                both.push(' ');
                both.push_str(line);
                self.0 = both;
                if count(&self.0) >= SHARE_WORDS {
                    whole.extend(self.rest());
                }
            }
        }
        whole
    }

    /// What is left.
    fn rest(&mut self) -> Option<Zeroizing<String>> {
        let rest = std::mem::take(&mut self.0);
        (!rest.trim().is_empty()).then_some(rest)
    }
}

/// Why what was typed is not taken.
enum Untaken {
    /// It is no share.
    Share(ShareError),
    /// It is none of those that are asked for.
    Set(RecoverError),
}

impl From<Untaken> for Failure {
    fn from(untaken: Untaken) -> Self {
        match untaken {
            Untaken::Share(error) => ShareFailure::Share(error).into(),
            Untaken::Set(error) => CustodyFailure::Recover(error).into(),
        }
    }
}

/// A share that can be one of the set, and is none of those that are there.
fn next_share(set: &KeySet, shares: &[Share], typed: &str) -> Result<Share, Untaken> {
    let number = shares.len() + 1;
    let share = share_of(number, typed).map_err(Untaken::Share)?;
    set.look_at(number, &share).map_err(Untaken::Set)?;
    let same = shares.iter().position(|other| other.header().member == share.header().member);
    same.map_or(Ok(share), |at| Err(Untaken::Set(CombineError::Twice(at + 1, number).into())))
}

/// Asks for each share on a screen of its own.
fn asked(set: &KeySet, count: usize, what: &str, world: &World) -> Result<Vec<Share>, Failure> {
    let terminal = |error: TerminalError| Failure::from(DeskError::from(error));
    let mut shares = Vec::new();
    for number in 1..=count {
        let screen = PrivateScreen::open("type shares at", world).map_err(terminal)?;
        let mut said = String::new();
        let mut tries = 0;
        let share = loop {
            screen.clear().map_err(terminal)?;
            let head = format!(
                "{what}\n\nShare {number} of {count}. Only its holder looks at this screen; it is emptied afterwards.\n{said}\n\
                 Type the {SHARE_WORDS} words with a space between them, on one line, then Enter:\n"
            );
            let typed = screen.show(&world.filled(&head)).and_then(|()| screen.ask("> ")).map_err(terminal)?;
            match next_share(set, &shares, &typed) {
                Ok(share) => break share,
                Err(untaken) => {
                    tries += 1;
                    if tries == TRY_COUNT_MAX {
                        return Err(untaken.into());
                    }
                    said = match &untaken {
                        Untaken::Share(error) => format!("\n{}", told(error).as_str()),
                        Untaken::Set(error) => format!("\n{error}\n"),
                    };
                }
            }
        };
        drop(screen);
        shares.push(share);
    }
    Ok(shares)
}

/// The words that are probably wrong.
fn mistyped(error: &ShareError) -> Vec<&Mistyped> {
    match error {
        ShareError::Unlisted { words, .. } => words.iter().collect(),
        ShareError::Checksum { wrong, .. } => wrong.iter().collect(),
        _ => Vec::new(),
    }
}

/// Whether it can be said what was probably meant.
fn has_suggestions(error: &ShareError) -> bool {
    mistyped(error).iter().any(|word| !word.suggestions().is_empty())
}

/// Shows what was probably meant on a screen that is emptied afterwards. Where there is none it is shown nowhere, and the
/// error says as much as anybody may read.
fn show_suggestions(error: &ShareError, world: &World) {
    if !has_suggestions(error) {
        return;
    }
    if let Ok(screen) = PrivateScreen::open("show it on", world) {
        // It is an aid: whatever becomes of it, the share is refused.
        drop(screen.show(&told(error)).and_then(|()| screen.ask("Enter empties this screen: ")));
    }
}

/// What is wrong with a share, with what was probably meant: only for whoever typed it.
fn told(error: &ShareError) -> Zeroizing<String> {
    let mut text = Zeroizing::new(format!("{error}\n"));
    for word in mistyped(error) {
        if !word.suggestions().is_empty() {
            text.push_str(&format!("  word {}: perhaps {}\n", word.word, word.suggestions().join(", or ")));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use breakglass_custody::quorum::Quorum;
    use breakglass_custody::sealing_key::{SealingKey, SplitKey};

    use super::*;

    const WORDS: [&str; 33] = ["acid"; 33];

    fn numbered(separator: &str, order: &[usize]) -> String {
        let all = order
            .iter()
            .map(|number| format!("{number}{separator} {}", ["one", "two", "three", "four", "five"][*number]));
        all.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn numbers_are_left_away_and_say_the_order_where_each_word_has_one() {
        for separator in ["", ".", ")"] {
            assert_eq!(*unnumbered(&numbered(separator, &[1, 3, 2, 4])), "two three four five");
        }
        for (typed, wanted) in [
            ("1 a 2 b c", "a b c"),
            ("a 1 b 2", "a b"),
            ("1 a 1 b", "a b"),
            ("  a\tb  ", "a b"),
            ("1 2 3", ""),
            ("123 a", "123 a"),
            ("", ""),
        ] {
            assert_eq!(*unnumbered(typed), wanted, "{typed}");
        }
    }

    #[test]
    fn a_share_that_is_broken_into_lines_is_one() {
        let whole = WORDS.join(" ");
        let parts: Vec<String> = WORDS.chunks(3).map(|words| format!("7 {}", words.join(" "))).collect();
        for (lines, wanted) in [
            (vec![whole.clone(), String::new(), whole.clone()], vec![33, 33]),
            (parts.iter().cloned().chain(["  ".to_owned(), whole.clone()]).collect(), vec![33, 33]),
            // What has too few words is not taken for the beginning of the next.
            (vec![WORDS[1..].join(" "), whole.clone()], vec![32, 33]),
            (vec![whole, WORDS[1..].join(" ")], vec![33, 32]),
            (vec![WORDS[..20].join(" "), WORDS[..20].join(" ")], vec![40]),
            (vec![String::new()], vec![]),
        ] {
            let mut read = Lines::default();
            let mut found: Vec<Zeroizing<String>> = lines.iter().flat_map(|line| read.with(line)).collect();
            found.extend(read.rest());
            let counts: Vec<usize> = found.iter().map(|text| unnumbered(text).split_whitespace().count()).collect();
            assert_eq!(counts, wanted, "{lines:?}");
        }
    }

    #[test]
    fn a_share_that_does_not_count_is_refused_where_it_is_typed() {
        let mut next = 0_u8;
        let mut fill = |bytes: &mut [u8]| {
            bytes.fill_with(|| {
                next = next.wrapping_mul(5).wrapping_add(1);
                next
            });
            Ok::<(), ()>(())
        };
        let key = SealingKey::generate(&mut fill).unwrap();
        let SplitKey { set, shares } = key.split(Quorum::new(2, 3).unwrap(), &mut fill).unwrap();
        let typed: Vec<String> = shares.iter().map(|share| share.with_words(str::to_owned)).collect();
        let first = vec![next_share(&set, &[], &typed[1]).ok().unwrap()];
        let told = |typed: &str| match next_share(&set, &first, typed) {
            Ok(_) => "taken".to_owned(),
            Err(Untaken::Share(error)) => error.to_string(),
            Err(Untaken::Set(error)) => error.to_string(),
        };
        assert_eq!(told(&typed[0]), "taken");
        assert!(told(&typed[1]).starts_with("shares 1 and 2 are the same share of the set"), "{}", told(&typed[1]));
        let other = "duckling enlarge academic academic agency result length solution fridge kidney coal piece deal husband \
                     erode duke ajar critical decision keyboard";
        assert!(told(other).starts_with("share 2 is of the set `duckling-enlarge`, and "), "{}", told(other));
        assert!(told(other.trim_end_matches("keyboard")).contains("has 19 words"));
    }

    #[test]
    fn what_was_probably_meant_is_told_beside_the_error_and_not_in_it() {
        let mut words = WORDS;
        words[6] = "acidq";
        let error = share_of(2, &words.join(" ")).err().unwrap();
        assert!(has_suggestions(&error) && !error.to_string().contains("acid"), "{error}");
        assert!(told(&error).ends_with("  word 7: perhaps acid\n"), "{}", told(&error).as_str());
        let failure = Failure::from(ShareFailure::Share(error)).plain();
        assert!(failure.contains("word 7 is not") && failure.contains("only at a terminal"), "{failure}");
        assert!(!failure.contains("acid"), "{failure}");
        // Nothing is promised where there is nothing to show.
        let short = share_of(1, "acid").err().unwrap();
        assert!(!has_suggestions(&short));
        assert!(!Failure::from(ShareFailure::Share(short)).plain().contains("terminal"));
    }

    #[test]
    fn that_words_are_missing_is_said_first() {
        let error = share_of(2, &WORDS[..20].join(" ")).err().unwrap();
        assert!(error.to_string().starts_with("share 2 has 20 words, and a share of a sealing key has 33"), "{error}");
        assert!(matches!(share_of(1, &WORDS.join(" ")), Err(ShareError::Checksum { .. })));
        assert!(matches!(share_of(1, "x"), Err(ShareError::WordCount { count: 1, .. })));
    }
}
