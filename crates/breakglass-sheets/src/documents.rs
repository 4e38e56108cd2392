//! Documents in full: as text that is the same again when it is copied, and as a picture for cameras.
//!
//! Characters beyond ASCII are written as JSON writes them, `\u00fc`, so that nothing depends on a typeface. A line never
//! ends with a hyphen, which some readers of PDF take for one of theirs and leave away, nor begins or ends with a space.
//! What was copied is the document again once the ends of lines are taken out.

use breakglass_custody::document::Document;
use breakglass_custody::signed_set::SignedSet;
use qrcodegen::{QrCode, QrCodeEcc};

use crate::blocks::{BODY_POINTS, CODE_LEADING};
use crate::canvas::{Area, Mark, Style};
use crate::flow::Flow;
use crate::spans::size_of;
use crate::typeface::Face;

/// Bytes of the longest document with a picture; a larger one would have dots that no camera tells apart on paper.
const CODE_BYTES_MAX: usize = 2_000;

/// Points of a side of the picture: 6 centimetres.
const CODE_POINTS: f32 = 170.0;

/// Points of the text of a document.
const TEXT_POINTS: f32 = 8.5;

/// Lines that are kept on one page.
const LINES_MAX: usize = 48;

/// Hyphens that stand together in what is sealed.
const HYPHENS_MAX: usize = 5;

/// JSON in ASCII that means the same.
pub(crate) fn ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut before, mut hyphens) = (None, 0);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        hyphens = if character == '-' { hyphens + 1 } else { 0 };
        // So that a place to break a line is never far away.
        let is_alone = !matches!((before, characters.peek()), (Some(' ' | '-'), _) | (_, Some(' ' | '-')));
        let is_kept = match character {
            ' ' => is_alone,
            '-' => hyphens <= HYPHENS_MAX,
            _ => matches!(character, '!'..='~'),
        };
        if is_kept {
            out.push(character);
        } else {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
        before = Some(character);
    }
    out
}

/// ASCII text in lines of at most `chars` characters.
pub(crate) fn lines(text: &str, chars: usize) -> Vec<&str> {
    let mut all = Vec::new();
    let mut rest = text;
    while rest.len() > chars {
        let is_good = |at: &usize| {
            let (before, after) = rest.split_at_checked(*at).unwrap_or((rest, ""));
            !before.ends_with([' ', '-']) && !after.starts_with(' ')
        };
        let at = (1..=chars).rev().find(is_good).unwrap_or(chars);
        let (line, more) = rest.split_at_checked(at).unwrap_or((rest, ""));
        all.push(line);
        rest = more;
    }
    if !rest.is_empty() {
        all.push(rest);
    }
    all
}

impl Flow<'_> {
    /// How many characters of a document are on a line.
    fn line_chars(&self) -> usize {
        let advance = self.faces.width(Face::Mono, TEXT_POINTS, "0");
        (1_u16..).take_while(|count| advance * f32::from(*count) <= self.width - 14.0).last().map_or(1, usize::from)
    }

    /// Text that is copied whole.
    fn copied(&mut self, text: &str) {
        let chars = self.line_chars();
        if lines(text, chars).len() > LINES_MAX {
            self.say("It goes on on the next page. The feet of pages are no part of it: leave them away.", &[]);
        }
        for part in lines(text, chars).chunks(LINES_MAX) {
            self.code(TEXT_POINTS, part);
        }
    }

    /// The set as it was signed.
    pub(crate) fn signed_set(&mut self, set: &SignedSet) {
        self.heading_with("The set, as the operator signed it", 130.0);
        self.say(
            "It says to which recipient anybody may seal, and how many shares open what is sealed; every document names the \
             same. Nobody needs it to open.",
            &[],
        );
        self.copied(&ascii(set.text()));
    }

    /// Every document in full, each on one page where it fits one.
    pub(crate) fn documents(&mut self, documents: &[Document]) {
        for (number, document) in (1..).zip(documents) {
            self.document(number, documents.len(), document);
        }
    }

    fn document(&mut self, number: u8, count: usize, document: &Document) {
        let text = ascii(document.text());
        let code = (text.len() <= CODE_BYTES_MAX).then(|| QrCode::encode_text(&text, QrCodeEcc::Low).ok()).flatten();
        let text_height: f32 = lines(&text, self.line_chars()).iter().map(|_| TEXT_POINTS * CODE_LEADING).sum();
        self.heading_with(&format!("Document {number} of {count}"), CODE_POINTS + text_height + 26.0);
        let (x, y, width) = (self.x, self.y, self.width);
        if let Some(code) = code {
            let area = Area { x: x + width - CODE_POINTS, y: y + 2.0, width: CODE_POINTS, height: CODE_POINTS };
            self.width = width - CODE_POINTS - 18.0;
            self.label(document);
            self.leaf().marks.push(Mark::Code { area, code });
            self.say("The picture is the text below, on one line. Nothing of it is secret: a camera may read it.", &[]);
            (self.width, self.y) = (width, self.y.max(y + CODE_POINTS + 10.0));
        } else {
            self.label(document);
        }
        self.copied(&text);
    }

    /// What a document says of itself, a line each; long names go on.
    fn label(&mut self, document: &Document) {
        let label = document.label();
        let version =
            format!("version {}, sealed {}", label.version, label.sealed_on.strftime("%Y-%m-%d %H:%M:%S UTC"));
        for (called, face, value) in [
            ("For the account", Face::Mono, label.account.user_principal_name.as_str()),
            ("What is sealed", Face::Plain, label.credential.to_string().as_str()),
            ("Which", Face::Plain, version.as_str()),
            ("Id of the document", Face::Mono, label.envelope.to_string().as_str()),
        ] {
            let size = BODY_POINTS - 1.0;
            self.line_at(self.x, Style::new(Face::Plain, size - 0.5), called);
            self.y += size * 1.3;
            for line in self.measure(size, self.width).at_most(face, value, 3) {
                self.line_at(self.x, Style::new(face, size_of(face, size)), &line);
                self.y += size * 1.3;
            }
            self.space(4.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_copied_is_the_same_json() {
        assert_eq!(ascii(r#"{"a":"Ünal 🔑  x y"}"#), r#"{"a":"\u00dcnal \ud83d\udd11\u0020\u0020x y"}"#);
    }

    #[test]
    fn lines_end_where_nothing_is_lost() {
        let text =
            "-----BEGIN AGE ENCRYPTED FILE-----\\nYWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSBa a - - b ----------";
        let text = ascii(text);
        for chars in 12..60 {
            let all = lines(&text, chars);
            assert_eq!(all.concat(), text);
            for line in &all {
                let is_odd = line.starts_with(' ') || line.ends_with([' ', '-']) || line.len() > chars;
                assert!(!is_odd, "{chars}: {line:?}");
            }
        }
    }
}
