//! The letters: three faces that are compiled in, how wide each character is, and which characters there are.
//!
//! Text is set character by character, without kerning and ligatures, so that what is copied out of a sheet is what was
//! put into it.
//! **Source:** IBM Plex, under the SIL Open Font License; `fonts/NOTICE`.

use krilla::text::Font;
use skrifa::charmap::Charmap;
use skrifa::instance::{LocationRef, Size};
use skrifa::metrics::GlyphMetrics;
use skrifa::{FontRef, MetadataProvider as _};

use crate::error::SheetError;

/// Units of an em in each of the fonts.
const UNITS_PER_EM: f32 = 1000.0;

static PLAIN: &[u8] = include_bytes!("../fonts/IBMPlexSans-Regular.ttf");
static BOLD: &[u8] = include_bytes!("../fonts/IBMPlexSans-SemiBold.ttf");
static MONO: &[u8] = include_bytes!("../fonts/IBMPlexMono-Regular.ttf");

/// One of the faces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Face {
    /// Sentences.
    Plain,
    /// What is seen first.
    Bold,
    /// What is typed or compared: every character as wide as the others, and none like another.
    Mono,
}

/// A character of a face: its number in the font, and how far the next one is, in ems.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Letter {
    pub(crate) glyph: u32,
    pub(crate) advance_ems: f32,
}

/// A face that was read.
struct Cut {
    font: Font,
    characters: Charmap<'static>,
    metrics: GlyphMetrics<'static>,
}

/// All faces.
pub(crate) struct Typefaces {
    plain: Cut,
    bold: Cut,
    mono: Cut,
}

impl Cut {
    fn read(bytes: &'static [u8]) -> Result<Self, SheetError> {
        let font = FontRef::new(bytes).map_err(|_| SheetError::Typeface)?;
        Ok(Self {
            font: Font::new(bytes.into(), 0).ok_or(SheetError::Typeface)?,
            characters: font.charmap(),
            metrics: font.glyph_metrics(Size::unscaled(), LocationRef::default()),
        })
    }
}

impl Typefaces {
    /// Reads them.
    pub(crate) fn read() -> Result<Self, SheetError> {
        Ok(Self { plain: Cut::read(PLAIN)?, bold: Cut::read(BOLD)?, mono: Cut::read(MONO)? })
    }

    const fn cut(&self, face: Face) -> &Cut {
        match face {
            Face::Plain => &self.plain,
            Face::Bold => &self.bold,
            Face::Mono => &self.mono,
        }
    }

    pub(crate) fn font(&self, face: Face) -> Font {
        self.cut(face).font.clone()
    }

    /// A character, if the face has it.
    pub(crate) fn letter(&self, face: Face, character: char) -> Option<Letter> {
        let cut = self.cut(face);
        let glyph = cut.characters.map(character)?;
        let advance = cut.metrics.advance_width(glyph)?;
        Some(Letter { glyph: glyph.to_u32(), advance_ems: advance / UNITS_PER_EM })
    }

    /// How wide a text is in a size, both in points. A character that the face has not is refused when it is drawn.
    pub(crate) fn width(&self, face: Face, size: f32, text: &str) -> f32 {
        let letters = text.chars().filter_map(|character| self.letter(face, character));
        letters.map(|letter| letter.advance_ems).sum::<f32>() * size
    }
}
