//! Lines for a terminal: broken between words, indented as wished.

use textwrap::{Options, WordSeparator, WordSplitter};

use super::{Segment, segments};

/// Narrower than this nothing is wrapped any further, in columns.
pub(super) const COLUMNS_MIN: usize = 40;

/// Bytes of the longest name that is not broken over lines.
pub(super) const HELD_NAME_BYTES_MAX: usize = 32;

/// Stands for the spaces of a short name while lines are broken.
const HELD_SPACE: char = '\u{a0}';

/// Lines within the width, the first after `first`, the others after `below`. Words are never broken, so that ids and
/// addresses can be copied, nor are short names in backticks.
pub(crate) fn fitted(text: &str, first: &str, below: &str, columns: usize) -> String {
    let options = Options::new(columns.max(COLUMNS_MIN))
        .initial_indent(first)
        .subsequent_indent(below)
        .break_words(false)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation);
    let mut lines = textwrap::wrap(&names_held(text), options).join("\n").replace(HELD_SPACE, " ");
    lines.push('\n');
    lines
}

fn names_held(text: &str) -> String {
    segments(text)
        .iter()
        .map(|segment| match segment {
            Segment::Plain(text) => (*text).to_owned(),
            Segment::Code(name) if name.len() > HELD_NAME_BYTES_MAX => format!("`{name}`"),
            Segment::Code(name) => format!("`{}`", name.replace(' ', &HELD_SPACE.to_string())),
        })
        .collect()
}
