//! Text that somebody else chose, made so that it looks like what it is.
//!
//! A name may be made to turn the text around it, to look like another, or to have characters that the typeface has not.
//! **Invariant:** what comes out is on one line, runs from left to right, and has no character that is not seen. Two texts
//! that differ come out different.

use std::fmt::Write as _;

use crate::typeface::Face;

/// A writing of which the letters look alike those of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Writing {
    Latin,
    Greek,
    Cyrillic,
}

/// A text as it is put on paper. What cannot be shown as it is, is shown as its number: `\u{202e}`. In [`Face::Mono`], in
/// which addresses are, there are Latin letters alone, and in the others no word that mixes them with those of another
/// writing.
pub(crate) fn shown(face: Face, text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut word = Vec::new();
    let mut before = None;
    for character in text.chars() {
        if writing(character).is_some() && is_shown(face, character) {
            word.push(character);
            before = Some(character);
            continue;
        }
        finish(&mut out, &mut word);
        match character {
            '\\' => out.push_str("\\\\"),
            // One space beside another, or at an end, is not seen.
            ' ' if before.is_some_and(|before| before != ' ') => out.push(' '),
            _ if character != ' ' && is_shown(face, character) => out.push(character),
            _ => escape(&mut out, character),
        }
        before = Some(character);
    }
    finish(&mut out, &mut word);
    if out.ends_with(' ') {
        out.pop();
        escape(&mut out, ' ');
    }
    out
}

/// Writes letters that stand together.
fn finish(out: &mut String, word: &mut Vec<char>) {
    let has_latin = word.iter().any(|letter| writing(*letter) == Some(Writing::Latin));
    let kept = if has_latin { Some(Writing::Latin) } else { word.first().copied().and_then(writing) };
    for letter in word.drain(..) {
        if writing(letter) == kept {
            out.push(letter);
        } else {
            escape(out, letter);
        }
    }
}

fn escape(out: &mut String, character: char) {
    // Writing to a text cannot fail.
    let _ = write!(out, "\\u{{{:x}}}", u32::from(character));
}

/// The writing that a letter is of, of those that the typeface has.
const fn writing(character: char) -> Option<Writing> {
    match character {
        'A'..='Z' | 'a'..='z' | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{17e}' => {
            Some(Writing::Latin)
        }
        '\u{386}' | '\u{388}'..='\u{38a}' | '\u{38c}' | '\u{38e}'..='\u{3a1}' | '\u{3a3}'..='\u{3ce}' => {
            Some(Writing::Greek)
        }
        '\u{400}'..='\u{45f}' => Some(Writing::Cyrillic),
        _ => None,
    }
}

/// Whether a character is shown as it is. The typeface has all of these; a test looks each of them up.
pub(crate) fn is_shown(face: Face, character: char) -> bool {
    match writing(character) {
        Some(Writing::Greek | Writing::Cyrillic) => face != Face::Mono,
        Some(Writing::Latin) => true,
        None => matches!(character, '!'..='~' | '\u{a1}'..='\u{ac}' | '\u{ae}'..='\u{bf}' | '×' | '÷'
            | '–' | '—' | '‘' | '’' | '“' | '”' | '€'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::typeface::Typefaces;

    #[test]
    fn what_is_shown_is_in_the_typeface() {
        let faces = Typefaces::read().unwrap();
        for face in [Face::Plain, Face::Bold, Face::Mono] {
            let mut count = 0;
            for character in (' '..=char::MAX).filter(|character| is_shown(face, *character)) {
                let letter = faces.letter(face, character);
                assert!(letter.is_some_and(|letter| letter.glyph != 0 && letter.advance_ems > 0.0), "{character:?}");
                count += 1;
            }
            assert!(count > 300, "{count}");
        }
    }

    #[test]
    fn names_are_left_as_they_are() {
        for name in ["Jürgen Groß", "Łukasz Żółw-Nowak", "O’Neill & Sons (Ltd.)", "Алексей Иванов", "Ελένη 2", "a`b*c"]
        {
            assert_eq!(shown(Face::Plain, name), name);
        }
    }

    #[test]
    fn what_misleads_is_shown_as_its_number() {
        for (text, wanted) in [
            ("a\u{202e}b", r"a\u{202e}b"),
            ("a\nb\tc\0", r"a\u{a}b\u{9}c\u{0}"),
            (" a  b ", r"\u{20}a \u{20}b\u{20}"),
            ("a\u{a0}\u{200b}\u{ad}b", r"a\u{a0}\u{200b}\u{ad}b"),
            ("u\u{308}", r"u\u{308}"),
            (r"\u{61}", r"\\u{61}"),
            ("שלום", r"\u{5e9}\u{5dc}\u{5d5}\u{5dd}"),
            ("B\u{43e}b и Bob", r"B\u{43e}b и Bob"),
            ("ﬁ 🔑", r"\u{fb01} \u{1f511}"),
        ] {
            assert_eq!(shown(Face::Plain, text), wanted);
        }
        assert_eq!(shown(Face::Mono, "и@contoso.com"), r"\u{438}@contoso.com");
    }
}
