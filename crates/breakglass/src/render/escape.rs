//! Making names harmless: what would act instead of being shown is written as its escape.
//!
//! **Source:** Unicode 17, general categories Cc, Zl, Zp and those of Cf that reorder or hide text; XML 1.0, section
//! 2.2, for the characters that XML forbids, all of which are among them.

use std::borrow::Cow;

/// The text with control characters, line separators, and characters that reorder or hide text written as escapes
/// (`\n`, `\u{202e}`), so that what is shown is what is there.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(acts) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if acts(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

/// Whether a character does something to the text around it, or is nothing that may be written at all.
fn acts(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{e0000}'..='\u{e0fff}')
}

/// The text for an XML or HTML document, in an element or in a quoted attribute.
pub(super) fn markup(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in visible(text).chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            character => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_is_shown() {
        let cases = [
            ("Jörg O’Neil 日本 👩‍🚀", "Jörg O’Neil 日本 👩‍🚀"),
            ("a\u{1b}[31mb", "a\\u{1b}[31mb"),
            ("a\nb\tc\rd", "a\\nb\\tc\\rd"),
            ("\u{9b}2J", "\\u{9b}2J"),
            ("bg\u{202e}nimda", "bg\\u{202e}nimda"),
            ("a\u{200b}b\u{feff}", "a\\u{200b}b\\u{feff}"),
            ("\u{2028}", "\\u{2028}"),
            ("\u{e0041}", "\\u{e0041}"),
        ];
        for (text, expected) in cases {
            assert_eq!(visible(text), expected);
        }
    }

    #[test]
    fn markup_is_text() {
        assert_eq!(markup("<b a='x'>&\"\u{0}"), "&lt;b a=&#39;x&#39;&gt;&amp;&quot;\\u{0}");
    }
}
