//! Pages that fill from top to bottom.
//!
//! Everything that is put on a page moves down by what it takes, and goes to the next page whole where it does not fit.

use crate::canvas::{Area, Leaf, Style};
use crate::paper::{BOTTOM_POINTS, Paper, SIDE_POINTS, TOP_POINTS};
use crate::spans::{Measure, Span, size_of};
use crate::typeface::{Face, Typefaces};

/// A line that is as thin as every printer prints.
pub(crate) const HAIRLINE_POINTS: f32 = 0.6;

/// Where things are put.
pub(crate) struct Flow<'a> {
    pub(crate) faces: &'a Typefaces,
    pub(crate) paper: Paper,
    pages: Vec<Leaf>,
    leaf: Leaf,
    /// How far down the page it is, in points.
    pub(crate) y: f32,
    /// The left edge of what is put next.
    pub(crate) x: f32,
    /// How wide it may be.
    pub(crate) width: f32,
    /// Points of a sentence.
    pub(crate) size: f32,
}

impl<'a> Flow<'a> {
    pub(crate) fn new(faces: &'a Typefaces, paper: Paper, size: f32) -> Self {
        let width = paper.width_points() - 2.0 * SIDE_POINTS;
        Self { faces, paper, pages: Vec::new(), leaf: Leaf::default(), y: TOP_POINTS, x: SIDE_POINTS, width, size }
    }

    /// The pages, first to last.
    pub(crate) fn finished(mut self) -> Vec<Leaf> {
        self.pages.push(self.leaf);
        self.pages
    }

    /// The page that is being filled.
    pub(crate) const fn leaf(&mut self) -> &mut Leaf {
        &mut self.leaf
    }

    /// How far down things may go.
    pub(crate) fn bottom(&self) -> f32 {
        self.paper.height_points() - BOTTOM_POINTS
    }

    /// Pages so far.
    pub(crate) const fn page_count(&self) -> usize {
        self.pages.len() + 1
    }

    pub(crate) fn next_page(&mut self) {
        self.pages.push(std::mem::take(&mut self.leaf));
        self.y = TOP_POINTS;
    }

    /// Goes to the next page if there is not so much room.
    pub(crate) fn need(&mut self, height: f32) {
        if self.y + height > self.bottom() {
            self.next_page();
        }
    }

    pub(crate) const fn space(&mut self, height: f32) {
        self.y += height;
    }

    pub(crate) const fn measure(&self, size: f32, width: f32) -> Measure<'a> {
        Measure { faces: self.faces, size, width }
    }

    /// One line of text, with its top where the flow is; the flow stays there.
    pub(crate) fn line_at(&mut self, x: f32, style: Style, text: &str) {
        let y = self.y + style.size;
        self.leaf.text((x, y), style, text);
    }

    /// Whether nothing is on the page yet.
    pub(crate) const fn is_top(&self) -> bool {
        self.leaf.marks.is_empty()
    }

    /// A line across.
    pub(crate) fn rule(&mut self, height: f32) {
        let area = Area { x: self.x, y: self.y, width: self.width, height };
        self.leaf.filled(area);
        self.y += height;
    }

    /// Spans in lines, from `indent` to the right edge.
    pub(crate) fn paragraph(&mut self, indent: f32, spans: &[Span]) {
        let size = self.size;
        let style = Style::new(Face::Plain, size);
        for line in self.measure(size, self.width - indent).lines(spans) {
            self.need(style.leading());
            let mut x = self.x + indent;
            for span in &line {
                let y = self.y + size;
                let width = self.measure(size, self.width).of(span);
                self.leaf.text((x, y), Style { size: size_of(span.face, size), face: span.face, ..style }, &span.text);
                x += width;
            }
            self.y += style.leading();
        }
    }

    /// How high a paragraph is.
    pub(crate) fn paragraph_height(&self, indent: f32, spans: &[Span]) -> f32 {
        let lines = self.measure(self.size, self.width - indent).lines(spans);
        lines.iter().map(|_| Style::new(Face::Plain, self.size).leading()).sum()
    }

    /// Puts one thing on the left and another on the right of it, with a gap between them. Neither goes to another page.
    pub(crate) fn beside(&mut self, gap: f32, left: impl FnOnce(&mut Self), right: impl FnOnce(&mut Self)) {
        let (x, y, width) = (self.x, self.y, self.width);
        self.width = (width - gap) / 2.0;
        left(self);
        let end = self.y;
        (self.x, self.y) = (x + self.width + gap, y);
        right(self);
        (self.x, self.y, self.width) = (x, self.y.max(end), width);
    }
}
