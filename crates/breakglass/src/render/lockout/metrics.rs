//! How wide a text is drawn, so that a picture has room for all of it whatever sans-serif font draws it.
//!
//! **Source:** the widths of DejaVu Sans, the widest of the usual fonts (Arial, Helvetica, Segoe UI, Roboto, Noto
//! Sans, Liberation Sans); characters outside ASCII are taken to be as wide as the widest of their kind there.

use textwrap::core::display_width;

/// Hundredths of the font size, from the space to the tilde.
const REGULAR: [u8; 95] = [
    32, 41, 46, 84, 64, 96, 78, 28, 40, 40, 50, 84, 32, 37, 32, 34, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 34, 34, 84,
    84, 84, 54, 100, 69, 69, 70, 78, 64, 58, 78, 76, 30, 30, 66, 56, 87, 75, 79, 61, 79, 70, 64, 62, 74, 69, 99, 69,
    62, 69, 40, 34, 40, 84, 50, 50, 62, 64, 55, 64, 62, 36, 64, 64, 28, 28, 58, 28, 98, 64, 62, 64, 64, 42, 53, 40, 64,
    60, 82, 60, 60, 53, 64, 34, 64, 84,
];

/// The same in bold.
const BOLD: [u8; 95] = [
    35, 46, 53, 84, 70, 101, 88, 31, 46, 46, 53, 84, 38, 42, 38, 37, 70, 70, 70, 70, 70, 70, 70, 70, 70, 70, 40, 40,
    84, 84, 84, 59, 100, 78, 77, 74, 84, 69, 69, 83, 84, 38, 38, 78, 64, 100, 84, 86, 74, 86, 78, 73, 69, 82, 78, 111,
    78, 73, 73, 46, 37, 46, 84, 50, 50, 68, 72, 60, 72, 68, 44, 72, 72, 35, 35, 67, 35, 105, 72, 69, 72, 72, 50, 60,
    48, 72, 66, 93, 65, 66, 59, 72, 37, 72, 84,
];

/// Of a letter outside ASCII that takes one column of a terminal.
const OTHER: u16 = 100;

/// Of one that takes two, such as an ideograph or a pictogram.
const WIDE: u16 = 140;

/// How a text is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Font {
    /// Size in pixels.
    pub(crate) size: u16,
    /// Whether it is bold.
    pub(crate) is_bold: bool,
}

impl Font {
    /// Width of a text in pixels, rounded up.
    pub(crate) fn width(self, text: &str) -> u32 {
        let hundredths: u32 = text.chars().map(|character| u32::from(self.hundredths(character))).sum();
        (hundredths * u32::from(self.size)).div_ceil(100)
    }

    fn hundredths(self, character: char) -> u16 {
        let table = if self.is_bold { &BOLD } else { &REGULAR };
        let known = u32::from(character).checked_sub(32).and_then(|at| table.get(usize::try_from(at).ok()?));
        match (known, display_width(character.encode_utf8(&mut [0; 4]))) {
            (Some(width), _) => u16::from(*width),
            (None, 0) => 0,
            (None, 1) => OTHER,
            (None, _) => WIDE,
        }
    }

    /// The text if it fits into so many pixels, else its beginning and its end with an ellipsis between them.
    pub(crate) fn fitted(self, text: &str, width_max: u32) -> String {
        if self.width(text) <= width_max {
            return text.to_owned();
        }
        let room = width_max.saturating_sub(self.width("…"));
        let end_room = room * 2 / 5;
        let end: Vec<char> = self.taken(text.chars().rev(), end_room);
        let start: String = self.taken(text.chars(), room - end_room).into_iter().collect();
        let end: String = end.into_iter().rev().collect();
        format!("{}…{}", start.trim_end(), end.trim_start())
    }

    fn taken(self, characters: impl Iterator<Item = char>, room: u32) -> Vec<char> {
        let mut taken = String::new();
        characters
            .take_while(|character| {
                taken.push(*character);
                self.width(&taken) <= room
            })
            .collect()
    }

    /// The text in lines of at most so many pixels, broken between words; a word that is wider is shortened.
    pub(crate) fn wrapped(self, text: &str, width_max: u32) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            let word = self.fitted(word, width_max);
            match lines.last_mut() {
                Some(line) if self.width(&format!("{line} {word}")) <= width_max => {
                    line.push(' ');
                    line.push_str(&word);
                }
                _ => lines.push(word),
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::Font;

    const FONT: Font = Font { size: 12, is_bold: false };

    #[test]
    fn widths_of_texts() {
        for (text, width) in [("", 0), ("a", 8), ("Ab1", 24), ("é", 12), ("e\u{301}", 8), ("日", 17)] {
            assert_eq!(FONT.width(text), width, "{text}");
        }
        assert!(Font { is_bold: true, ..FONT }.width("wide") > FONT.width("wide"));
    }

    #[test]
    fn what_is_fitted_fits() {
        let long = "somebody.with.a.very.long.name@contoso.onmicrosoft.example.com";
        for width in 12..400 {
            assert!(FONT.width(&FONT.fitted(long, width)) <= width, "{width}");
            let lines = FONT.wrapped(&format!("{long} and some more words"), width);
            assert!(lines.iter().all(|line| FONT.width(line) <= width), "{width}");
        }
        assert_eq!(FONT.fitted("short", 100), "short");
        assert_eq!(FONT.fitted(long, 150), "somebody.wi…ple.com");
    }
}
