//! Documents on paper: which is opened first, which are elsewhere, and each in full, as text that is the same again when it is
//! copied, and as a picture for cameras.
//!
//! Characters beyond ASCII are written as JSON writes them, `\u00fc`, so that nothing depends on a typeface. A line never
//! ends with a hyphen, which some readers of PDF take for one of theirs and leave away, nor begins or ends with a space.
//! What was copied is the document again once the ends of lines are taken out.

use std::collections::BTreeMap;

use breakglass_custody::document::{Account, CredentialKind, Document};
use breakglass_custody::key_set::SetId;
use breakglass_custody::signed_set::SignedSet;
use qrcodegen::{QrCode, QrCodeEcc};

use crate::blocks::{BODY_POINTS, CODE_LEADING, Column, Room};
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

/// Lines of a name in the list of documents.
const LIST_LINES: usize = 5;

/// Hyphens that stand together in what is sealed.
const HYPHENS_MAX: usize = 5;

/// What is opened first where there are several.
const FIRST: &str =
    "Of an account open the document first that *counts;* the next is for when its password is not let in.";

/// How a document stands by the record; what is opened first comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DocumentStanding {
    /// What is in it counts.
    Counts,
    /// What is in it was sent, and may count.
    MayCount,
    /// Nothing is remembered of it.
    Unrecorded,
    /// What is in it was never sent.
    Unsent,
    /// What is in it counts no more.
    Past,
}

impl DocumentStanding {
    /// Whether what is in it may be what counts.
    #[must_use]
    pub const fn may_count(self) -> bool {
        matches!(self, Self::Counts | Self::MayCount | Self::Unrecorded)
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Counts => "counts",
            Self::MayCount => "may count",
            Self::Unrecorded => "not in the record",
            Self::Unsent => "never sent",
            Self::Past => "counts no more",
        }
    }
}

/// A document that is on a sheet, and how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedDocument {
    /// Which.
    pub document: Document,
    /// How it stands.
    pub standing: DocumentStanding,
}

/// A document that is not on a sheet and may count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AbsentDocument {
    /// Its id.
    pub document: String,
    /// Of which account.
    pub account: Account,
    /// What is sealed in it.
    pub credential: CredentialKind,
    /// How it stands.
    pub standing: DocumentStanding,
    /// Why it is not there.
    pub absence: Absence,
}

/// Why a document is not on a sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Absence {
    /// It is sealed to another set of shares.
    OtherSet(SetId),
    /// No depository has it.
    NotFound,
}

/// What is said of each document beside its number: how it stands, and of a password when it is opened.
fn turns(documents: &[SealedDocument], absent: &[AbsentDocument]) -> Vec<String> {
    let counting =
        |one: &&AbsentDocument| one.credential == CredentialKind::Password && one.standing == DocumentStanding::Counts;
    let counts_elsewhere = |account: &Account| absent.iter().filter(counting).any(|one| one.account.id == account.id);
    let mut last: BTreeMap<&str, usize> = BTreeMap::new();
    let mut all = Vec::new();
    for (number, SealedDocument { document, standing }) in (1..).zip(documents) {
        let (label, words) = (document.label(), standing.words());
        if label.credential != CredentialKind::Password {
            all.push(words.to_owned());
            continue;
        }
        all.push(match last.insert(label.account.id.as_str(), number) {
            Some(before) => format!("{words}, if document {before} is not let in"),
            None if counts_elsewhere(&label.account) => format!("{words}; the one that counts is not here"),
            None if standing.may_count() => format!("{words}, open it first"),
            None => words.to_owned(),
        });
    }
    all
}

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

    /// The documents as a list, in the order in which they are opened.
    pub(crate) fn listed(&mut self, documents: &[SealedDocument], absent: &[AbsentDocument]) {
        self.say(FIRST, &[]);
        let columns = [
            Column { heading: "No.", part: 0.05, face: Face::Bold },
            Column { heading: "Id of the document", part: 0.35, face: Face::Mono },
            Column { heading: "Account", part: 0.24, face: Face::Mono },
            Column { heading: "Version", part: 0.14, face: Face::Plain },
            Column { heading: "To open", part: 0.22, face: Face::Plain },
        ];
        let turns = turns(documents, absent);
        let rows: Vec<Vec<String>> = (1..)
            .zip(documents.iter().zip(turns))
            .map(|(number, (one, turn)): (usize, _)| {
                let label = one.document.label();
                let version = format!("{}, {}", label.version, label.sealed_on.strftime("%Y-%m-%d"));
                let account = label.account.user_principal_name.clone();
                vec![number.to_string(), label.envelope.to_string(), account, version, turn]
            })
            .collect();
        self.table(Room { size: BODY_POINTS - 1.5, lines: LIST_LINES }, &columns, &rows);
    }

    /// What may count and is not on the sheet.
    pub(crate) fn absent(&mut self, absent: &[AbsentDocument]) {
        if absent.is_empty() {
            return;
        }
        self.heading("Not on this sheet");
        for AbsentDocument { document, account, credential, standing, absence } in absent {
            let (account, words) = (account.user_principal_name.as_str(), standing.words());
            let kind = credential.to_string();
            match absence {
                Absence::OtherSet(set) => self.bullets(&[(
                    "`{}` of `{}` *({}, {})* is sealed to the set *{}*: shares of that one open it, and a cover of that one \
                     has it.",
                    &[document, account, &kind, words, &set.to_string()],
                )]),
                Absence::NotFound => self.bullets(&[(
                    "`{}` of `{}` *({}, {})* *is missing:* when this sheet was made no depository had it. Find it, and have \
                     this sheet made again.",
                    &[document, account, &kind, words],
                )]),
            }
        }
    }

    /// Every document in full, each on one page where it fits one.
    pub(crate) fn documents(&mut self, documents: &[SealedDocument], absent: &[AbsentDocument]) {
        let count = documents.len();
        for (number, (one, turn)) in (1..).zip(documents.iter().zip(turns(documents, absent))) {
            self.document(&format!("Document {number} of {count}: {turn}"), &one.document);
        }
    }

    fn document(&mut self, heading: &str, document: &Document) {
        let text = ascii(document.text());
        let code = (text.len() <= CODE_BYTES_MAX).then(|| QrCode::encode_text(&text, QrCodeEcc::Low).ok()).flatten();
        let text_height: f32 = lines(&text, self.line_chars()).iter().map(|_| TEXT_POINTS * CODE_LEADING).sum();
        self.heading_with(heading, CODE_POINTS + text_height + 26.0);
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
