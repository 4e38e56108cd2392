//! What went wrong, for somebody tired: a code, one sentence, the place, the reasons below it, and what to do.
//!
//! Libraries give errors; here they meet the terminal. Everything that came from outside is made harmless first.
//! **Invariant:** an error shows itself only; its sources are shown here, once.

use std::error::Error;
use std::fmt;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};

use crate::exit::Exit;
use crate::render::paint::Paint;
use crate::render::visible;

/// Sources of an error that are shown.
const CAUSE_COUNT_MAX: usize = 8;

/// Where in a file something is wrong.
#[derive(Debug, Clone)]
pub(crate) struct Excerpt {
    /// The file as it was named.
    pub(crate) name: String,
    /// All of its text.
    pub(crate) text: String,
    /// Bytes of the text that are meant.
    pub(crate) span: std::ops::Range<usize>,
}

/// An error with a code that `explain` knows.
pub(crate) trait Coded: Error + 'static {
    /// Its code, `BG####`.
    fn code(&self) -> &'static str;

    /// What to do: a command to run, or a sentence.
    fn help(&self) -> Option<String> {
        None
    }

    /// The place in the text that was read.
    fn excerpt(&self) -> Option<Excerpt> {
        None
    }

    /// How the command ends.
    fn exit(&self) -> Exit {
        Exit::NotStarted
    }
}

/// A command that did not end as it should.
#[derive(Debug)]
pub(crate) struct Failure(Box<Details>);

#[derive(Debug)]
struct Details {
    code: &'static str,
    message: String,
    help: Option<String>,
    place: Option<(String, miette::SourceSpan)>,
    source: Option<NamedSource<String>>,
    cause: Option<Cause>,
    exit: Exit,
}

impl<E: Coded> From<E> for Failure {
    fn from(error: E) -> Self {
        let excerpt = error.excerpt();
        Self(Box::new(Details {
            code: error.code(),
            message: visible(&error.to_string()).into_owned(),
            help: error.help().map(|help| visible(&help).into_owned()),
            place: excerpt.as_ref().map(|excerpt| {
                let (line, column) = line_and_column(&excerpt.text, excerpt.span.start);
                (format!("{}:{line}:{column}", visible(&excerpt.name)), excerpt.span.clone().into())
            }),
            source: excerpt.map(|excerpt| NamedSource::new(visible(&excerpt.name), blanked(&excerpt.text))),
            cause: Cause::of(error.source(), CAUSE_COUNT_MAX),
            exit: error.exit(),
        }))
    }
}

impl Failure {
    /// How the command ends.
    pub(crate) fn exit(&self) -> Exit {
        self.0.exit
    }

    /// As a few plain lines, for logs and pipes.
    pub(crate) fn plain(&self) -> String {
        let mut text = format!("{}: {}\n", self.0.code, self.0.message);
        if let Some((place, _)) = &self.0.place {
            text.push_str(&format!("  at {place}\n"));
        }
        let mut next = self.0.cause.as_ref();
        while let Some(cause) = next {
            text.push_str(&format!("  because {}\n", cause.message));
            next = cause.next.as_deref();
        }
        if let Some(help) = &self.0.help {
            text.push_str(&format!("  help: {help}\n"));
        }
        text
    }

    /// Laid out for a terminal, with the place in its surroundings.
    pub(crate) fn laid_out(&self, columns: usize, paint: Paint) -> String {
        let theme = match paint {
            Paint::Plain => GraphicalTheme::unicode_nocolor(),
            Paint::Colour => GraphicalTheme::unicode(),
        };
        let handler = GraphicalReportHandler::new_themed(theme).with_width(columns).with_links(false);
        let mut text = String::new();
        match handler.render_report(&mut text, self) {
            Ok(()) => text,
            Err(_) => self.plain(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.cause.as_ref().map(|cause| cause as _)
    }
}

impl Diagnostic for Failure {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.0.code))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.0.help.as_ref().map(|help| Box::new(help) as _)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.0.source.as_ref().map(|source| source as _)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let (_, span) = self.0.place.as_ref()?;
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(Some("here".to_owned()), *span))))
    }
}

/// A source of an error, made harmless.
#[derive(Debug)]
struct Cause {
    message: String,
    next: Option<Box<Self>>,
}

impl Cause {
    fn of(error: Option<&(dyn Error + 'static)>, left: usize) -> Option<Self> {
        let error = error.filter(|_| left > 0)?;
        let next = Self::of(error.source(), left - 1).map(Box::new);
        Some(Self { message: visible(&error.to_string()).into_owned(), next })
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Cause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.next.as_deref().map(|next| next as _)
    }
}

/// Line and column of a byte, from 1, the column in characters.
fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..text.floor_char_boundary(at)).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

/// The text with everything harmful blanked, byte for byte, so that places in it stay where they are.
fn blanked(text: &str) -> String {
    let mut blanked = String::with_capacity(text.len());
    for character in text.chars() {
        let is_harmless = matches!(character, '\n' | '\t')
            || visible(character.encode_utf8(&mut [0; 4])).len() == character.len_utf8();
        if is_harmless {
            blanked.push(character);
        } else {
            blanked.extend(std::iter::repeat_n(' ', character.len_utf8()));
        }
    }
    blanked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("`{0}` is broken")]
    struct Broken(&'static str, #[source] std::io::Error);

    impl Coded for Broken {
        fn code(&self) -> &'static str {
            "BG1999"
        }

        fn help(&self) -> Option<String> {
            Some("mend it".to_owned())
        }

        fn excerpt(&self) -> Option<Excerpt> {
            Some(Excerpt { name: "a.toml".to_owned(), text: "é = 1\nxü\u{1b}[31m = 2\n".to_owned(), span: 8..9 })
        }
    }

    fn failure() -> Failure {
        Failure::from(Broken("na\u{1b}me", std::io::Error::other("the disk\u{7} is full")))
    }

    #[test]
    fn plain_says_everything_in_order() {
        let expected =
            "BG1999: `na\\u{1b}me` is broken\n  at a.toml:2:2\n  because the disk\\u{7} is full\n  help: mend it\n";
        assert_eq!(failure().plain(), expected);
    }

    #[test]
    fn laid_out_shows_the_place_and_no_escape_of_others() {
        let text = failure().laid_out(80, Paint::Plain);
        assert!(!text.contains('\u{1b}'), "{text}");
        for part in ["BG1999", "is broken", "the disk", "mend it", "a.toml:2:2", "here"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn places_are_counted_in_characters() {
        assert_eq!(line_and_column("é = 1\nxü = 2", 9), (2, 2));
        assert_eq!(line_and_column("", 0), (1, 1));
        assert_eq!(line_and_column("a", 99), (1, 2));
    }
}
