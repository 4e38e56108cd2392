//! Pages as a PDF.
//!
//! **Invariant:** the same pages give the same bytes; and nothing on a page lies outside what printers print.

use jiff::civil::Date;
use krilla::Document;
use krilla::color::luma;
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::metadata::{DateTime, Metadata};
use krilla::page::PageSettings;
use krilla::paint::Fill;
use krilla::surface::Surface;
use krilla::text::{GlyphId, KrillaGlyph};
use qrcodegen::QrCode;
use zeroize::Zeroizing;

use crate::canvas::{Area, Ink, Leaf, Mark, Style};
use crate::error::SheetError;
use crate::paper::Paper;
use crate::typeface::Typefaces;

/// Points at each edge that printers leave white.
const UNPRINTED_POINTS: f32 = 18.0;

/// How far a point may be off by the arithmetic of layout.
const ROUNDING_POINTS: f32 = 0.01;

/// What a PDF says of itself, beside its pages.
pub(crate) struct About {
    pub(crate) title: String,
    pub(crate) made_on: Date,
}

/// The bytes of a PDF. krilla keeps copies of texts and does not wipe them: docs/decisions/0014-sheets.md.
pub(crate) fn written(
    faces: &Typefaces,
    paper: Paper,
    leaves: &[Leaf],
    about: &About,
) -> Result<Zeroizing<Vec<u8>>, SheetError> {
    let mut document = Document::new();
    let (width, height) = (paper.width_points(), paper.height_points());
    for (page, leaf) in (1..).zip(leaves) {
        let is_inside = leaf.marks.iter().all(|mark| is_inside(faces, paper, mark));
        if !is_inside {
            return Err(SheetError::Outside { page });
        }
        let settings = PageSettings::from_wh(width, height).ok_or(SheetError::Written)?;
        let mut page = document.start_page_with(settings);
        let mut surface = page.surface();
        for mark in &leaf.marks {
            draw(&mut surface, faces, mark)?;
        }
        surface.finish();
        page.finish();
    }
    document.set_metadata(metadata(about)?);
    document.finish().map(Zeroizing::new).map_err(|_| SheetError::Written)
}

fn metadata(about: &About) -> Result<Metadata, SheetError> {
    let date = about.made_on;
    let year = u16::try_from(date.year()).map_err(|_| SheetError::Year(date.year()))?;
    let (month, day) = (date.month().unsigned_abs(), date.day().unsigned_abs());
    Ok(Metadata::new()
        .title(about.title.clone())
        .creator("breakglass".to_owned())
        .language("en".to_owned())
        .creation_date(DateTime::new(year).month(month).day(day)))
}

fn is_inside(faces: &Typefaces, paper: Paper, mark: &Mark) -> bool {
    let (left, top, right, bottom) = match mark {
        Mark::Text { x, y, style, text } => {
            (*x, y - style.size, x + faces.width(style.face, style.size, text), y + style.size * 0.3)
        }
        Mark::Filled(area) | Mark::Code { area, .. } => (area.x, area.y, area.x + area.width, area.y + area.height),
    };
    let edge = UNPRINTED_POINTS - ROUNDING_POINTS;
    left >= edge && top >= edge && right <= paper.width_points() - edge && bottom <= paper.height_points() - edge
}

fn draw(surface: &mut Surface<'_>, faces: &Typefaces, mark: &Mark) -> Result<(), SheetError> {
    match mark {
        Mark::Text { x, y, style, text } => {
            surface.set_fill(Some(fill(style.ink)));
            let glyphs = glyphs(faces, *style, text)?;
            let font = faces.font(style.face);
            surface.draw_glyphs(Point::from_xy(*x, *y), &glyphs, font, text, style.size, false);
        }
        Mark::Filled(area) => draw_areas(surface, std::iter::once(*area))?,
        Mark::Code { area, code } => draw_areas(surface, dots(*area, code).into_iter())?,
    }
    Ok(())
}

fn fill(ink: Ink) -> Fill {
    let color = match ink {
        Ink::Black => luma::Color::black(),
        Ink::White => luma::Color::white(),
    };
    Fill { paint: color.into(), ..Fill::default() }
}

fn glyphs(faces: &Typefaces, style: Style, text: &str) -> Result<Vec<KrillaGlyph>, SheetError> {
    let set = text.char_indices().map(|(at, character)| {
        let letter = faces.letter(style.face, character).ok_or(SheetError::Typeface)?;
        let range = at..at + character.len_utf8();
        Ok(KrillaGlyph::new(GlyphId::new(letter.glyph), letter.advance_ems, 0.0, 0.0, 0.0, range, None))
    });
    set.collect()
}

fn draw_areas(surface: &mut Surface<'_>, areas: impl Iterator<Item = Area>) -> Result<(), SheetError> {
    let mut path = PathBuilder::new();
    for Area { x, y, width, height } in areas {
        path.push_rect(Rect::from_xywh(x, y, width, height).ok_or(SheetError::Written)?);
    }
    surface.set_fill(Some(fill(Ink::Black)));
    surface.draw_path(&path.finish().ok_or(SheetError::Written)?);
    Ok(())
}

/// The dots of a picture, those that stand side by side as one.
fn dots(area: Area, code: &QrCode) -> Vec<Area> {
    let count = code.size();
    let side = area.width / f32::from(i16::try_from(count).unwrap_or(i16::MAX));
    let place = |number: i32| f32::from(i16::try_from(number).unwrap_or(i16::MAX)) * side;
    let mut all = Vec::new();
    for row in 0..count {
        let mut begun = None;
        for column in 0..=count {
            // Outside the picture it is white.
            match (code.get_module(column, row), begun) {
                (true, None) => begun = Some(column),
                (false, Some(from)) => {
                    let (x, y) = (area.x + place(from), area.y + place(row));
                    all.push(Area { x, y, width: place(column - from), height: side });
                    begun = None;
                }
                _ => {}
            }
        }
    }
    all
}
