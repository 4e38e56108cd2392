//! A page as a list of what is on it, before it is a PDF.
//!
//! Places are in points from the upper left corner of the paper; a text stands on its baseline.

use qrcodegen::QrCode;
use zeroize::Zeroizing;

use crate::typeface::Face;

/// How something looks: black, or white where it lies on black. There is nothing else, since printers have nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ink {
    Black,
    White,
}

/// How a text looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Style {
    pub(crate) face: Face,
    /// In points.
    pub(crate) size: f32,
    pub(crate) ink: Ink,
}

/// A rectangle, in points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Area {
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) width: f32,
    pub(crate) height: f32,
}

/// One thing on a page.
pub(crate) enum Mark {
    /// Text on one line. Any of it may be a word of a share.
    Text { x: f32, y: f32, style: Style, text: Zeroizing<String> },
    /// A black rectangle.
    Filled(Area),
    /// A picture for cameras, as wide as it is high.
    Code { area: Area, code: QrCode },
}

/// What is on one page, in the order in which it is read.
#[derive(Default)]
pub(crate) struct Leaf {
    pub(crate) marks: Vec<Mark>,
    /// Whether words of a share are on it.
    pub(crate) is_secret: bool,
}

impl Style {
    pub(crate) const fn new(face: Face, size: f32) -> Self {
        Self { face, size, ink: Ink::Black }
    }

    pub(crate) const fn white(self) -> Self {
        Self { ink: Ink::White, ..self }
    }

    /// From one line to the next.
    pub(crate) fn leading(self) -> f32 {
        self.size * 1.36
    }
}

impl Leaf {
    pub(crate) fn text(&mut self, (x, y): (f32, f32), style: Style, text: &str) {
        if !text.is_empty() {
            self.marks.push(Mark::Text { x, y, style, text: Zeroizing::new(text.to_owned()) });
        }
    }

    pub(crate) fn filled(&mut self, area: Area) {
        self.marks.push(Mark::Filled(area));
    }

    /// Four lines around an area, inside it.
    pub(crate) fn framed(&mut self, area: Area, line: f32) {
        let Area { x, y, width, height } = area;
        self.filled(Area { height: line, ..area });
        self.filled(Area { y: y + height - line, height: line, ..area });
        self.filled(Area { width: line, ..area });
        self.filled(Area { x: x + width - line, width: line, ..area });
    }
}
