//! Sentences with parts that stand out, broken into lines.
//!
//! In the sentences of this crate `*` begins and ends what is bold, a backtick what is typed, and `{}` is filled with a
//! text from elsewhere, which is shown as it is whatever is in it.

use crate::shown::shown;
use crate::typeface::{Face, Typefaces};

/// What stands at the end of a text of which more was left away.
pub(crate) const SHORTENED: &str = " … (shortened)";

/// Characters of a filling of a sentence, counted as they are shown.
const FILLING_CHARS_MAX: usize = 400;

/// Part of a line in one face.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Span {
    pub(crate) face: Face,
    pub(crate) text: String,
}

/// A sentence of this crate with its fillings.
pub(crate) fn spans(sentence: &str, fillings: &[&str]) -> Vec<Span> {
    let mut all = Vec::new();
    let mut face = Face::Plain;
    let mut text = String::new();
    let mut fillings = fillings.iter();
    let mut characters = sentence.chars().peekable();
    while let Some(character) = characters.next() {
        let toggled = match character {
            '*' => Face::Bold,
            '`' => Face::Mono,
            '{' if characters.peek() == Some(&'}') => {
                characters.next();
                text.push_str(&fillings.next().map_or_else(String::new, |filling| filled(face, filling)));
                continue;
            }
            _ => {
                text.push(character);
                continue;
            }
        };
        all.push(Span { face, text: std::mem::take(&mut text) });
        face = if face == toggled { Face::Plain } else { toggled };
    }
    all.push(Span { face, text });
    all.retain(|span| !span.text.is_empty());
    all
}

/// A filling of a sentence, so short that the sentence stays one.
fn filled(face: Face, filling: &str) -> String {
    let whole = shown(face, filling);
    if whole.chars().count() <= FILLING_CHARS_MAX {
        return whole;
    }
    whole.chars().take(FILLING_CHARS_MAX).chain(SHORTENED.chars()).collect()
}

/// A measure that text is set in: faces, a size and a width, both in points.
#[derive(Clone, Copy)]
pub(crate) struct Measure<'a> {
    pub(crate) faces: &'a Typefaces,
    pub(crate) size: f32,
    pub(crate) width: f32,
}

impl Measure<'_> {
    pub(crate) fn of(&self, span: &Span) -> f32 {
        // What is typed is a little smaller, since its letters look larger.
        self.faces.width(span.face, size_of(span.face, self.size), &span.text)
    }

    /// Spans as lines, none wider than the measure. Spaces at ends of lines are kept, so that copied words stay apart.
    pub(crate) fn lines(&self, spans: &[Span]) -> Vec<Vec<Span>> {
        let mut lines: Vec<Vec<Span>> = vec![Vec::new()];
        let mut used = 0.0;
        for word in words(spans) {
            let visible: f32 = word.iter().map(|span| self.of(&trimmed(span))).sum();
            if used + visible <= self.width {
                used += word.iter().map(|span| self.of(span)).sum::<f32>();
                append(&mut lines, word);
            } else if visible <= self.width {
                used = word.iter().map(|span| self.of(span)).sum();
                lines.push(Vec::new());
                append(&mut lines, word);
            } else {
                used = self.broken(&mut lines, used, &word);
            }
        }
        lines.retain(|line| !line.is_empty());
        lines
    }

    /// A word that is wider than the measure is broken between any two characters. Gives what is used of the last line.
    fn broken(&self, lines: &mut Vec<Vec<Span>>, mut used: f32, word: &[Span]) -> f32 {
        for span in word {
            for character in span.text.chars() {
                let piece = Span { face: span.face, text: character.to_string() };
                let width = self.of(&piece);
                if used + width > self.width && character != ' ' {
                    lines.push(Vec::new());
                    used = 0.0;
                }
                used += width;
                append(lines, vec![piece]);
            }
        }
        used
    }

    /// Text from elsewhere in one face as at most `most` lines; where that is not enough, the last says so.
    pub(crate) fn at_most(&self, face: Face, text: &str, most: usize) -> Vec<String> {
        self.clipped(face, &shown(face, text), most)
    }

    /// The same for a text that was made to be shown before.
    pub(crate) fn clipped(&self, face: Face, text: &str, most: usize) -> Vec<String> {
        let whole = self.lines(&[Span { face, text: text.to_owned() }]);
        let mut lines: Vec<String> = whole.into_iter().map(joined).collect();
        if lines.len() > most {
            lines.truncate(most);
            if let Some(last) = lines.last_mut() {
                let fits = |text: &str| self.of(&Span { face, text: format!("{text}{SHORTENED}") }) <= self.width;
                while !last.is_empty() && !fits(last) {
                    last.pop();
                }
                last.push_str(SHORTENED);
            }
        }
        lines
    }
}

/// What a face is set in, where sentences are set in `size`.
pub(crate) fn size_of(face: Face, size: f32) -> f32 {
    if face == Face::Mono { size * 0.93 } else { size }
}

fn trimmed(span: &Span) -> Span {
    Span { face: span.face, text: span.text.trim_end_matches(' ').to_owned() }
}

fn joined(line: Vec<Span>) -> String {
    line.into_iter().map(|span| span.text).collect()
}

/// Puts a word at the end of the last line.
fn append(lines: &mut [Vec<Span>], word: Vec<Span>) {
    let Some(line) = lines.last_mut() else { return };
    for span in word {
        match line.last_mut() {
            Some(last) if last.face == span.face => last.text.push_str(&span.text),
            _ => line.push(span),
        }
    }
}

/// Spans cut after each space that does not stand between digits, as in a telephone number, and before what follows the
/// name in an address; a word may be of several faces.
fn words(spans: &[Span]) -> Vec<Vec<Span>> {
    let mut all: Vec<Vec<Span>> = vec![Vec::new()];
    for span in spans {
        let mut pieces = span.text.split_inclusive(' ').peekable();
        while let Some(piece) = pieces.next() {
            let is_digit = |letter: char| letter.is_ascii_digit();
            let goes_on = pieces.peek().is_some_and(|next| next.starts_with(is_digit));
            let ends = piece.ends_with(' ') && !(goes_on && piece.trim_end_matches(' ').ends_with(is_digit));
            let (name, domain) = piece.split_at_checked(piece.find('@').unwrap_or(0)).unwrap_or((piece, ""));
            if !name.is_empty() {
                append(&mut all, vec![Span { face: span.face, text: name.to_owned() }]);
                all.push(Vec::new());
            }
            append(&mut all, vec![Span { face: span.face, text: domain.to_owned() }]);
            if ends {
                all.push(Vec::new());
            }
        }
    }
    all.retain(|word| !word.is_empty());
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(width: f32, text: &str) -> Vec<String> {
        let faces = Typefaces::read().unwrap();
        let measure = Measure { faces: &faces, size: 10.0, width };
        measure.lines(&spans(text, &[])).into_iter().map(joined).collect()
    }

    #[test]
    fn a_sentence_has_its_faces_and_what_fills_it_has_none() {
        let all = spans("Run `open {}` *now*, {}.", &["a", "*b* `c` {}"]);
        let seen: Vec<(Face, &str)> = all.iter().map(|span| (span.face, span.text.as_str())).collect();
        assert_eq!(
            seen,
            [
                (Face::Plain, "Run "),
                (Face::Mono, "open a"),
                (Face::Plain, " "),
                (Face::Bold, "now"),
                (Face::Plain, ", *b* `c` {}.")
            ]
        );
    }

    #[test]
    fn lines_are_broken_at_spaces_and_long_words_anywhere() {
        assert_eq!(lines(60.0, "one two three four"), ["one two ", "three four"]);
        assert_eq!(lines(60.0, "call me at +49 30 55"), ["call me at ", "+49 30 55"]);
        let all = lines(40.0, "a wwwwwwwwwwwwwwwwwwww b");
        assert_eq!(all.concat(), "a wwwwwwwwwwwwwwwwwwww b");
        assert!(all.len() > 3, "{all:?}");
    }

    #[test]
    fn what_is_left_away_is_said() {
        let faces = Typefaces::read().unwrap();
        let measure = Measure { faces: &faces, size: 10.0, width: 120.0 };
        let all = measure.at_most(Face::Plain, &"name ".repeat(40), 2);
        assert_eq!(all.len(), 2);
        assert!(all[1].ends_with(SHORTENED));
        assert_eq!(measure.at_most(Face::Plain, "short", 2), ["short"]);
    }
}
