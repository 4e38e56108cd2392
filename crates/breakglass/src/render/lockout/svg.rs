//! The picture: ways in as columns, what they need as rows, a dot where it is needed.
//!
//! A single point of failure is a row that is framed, barred from end to end and labelled so: it tells itself apart
//! without colour. Texts stand where they belong and none is cut off; no line crosses another. Colours are attributes,
//! so that any program shows the picture, and classes, so that a page may give it its own.
//!
//! **Invariant:** places come from our own widths of characters, and from nothing else.

use std::fmt::Write as _;

use breakglass_engine::lockout::report::{Cause, LockoutReport};

use super::super::escape::markup;
use super::super::{Format, Page, counted, day_and_time, visible};
use super::listed::{ListedExtent, counted_people};
use super::metrics::Font;
use super::picture::{Column, JOIN, Picture, Row};
use super::words;

pub(super) const FORMAT: Format<[LockoutReport]> =
    Format { name: "svg", about: "The picture alone: ways in, and what they need", render };

const INK: &str = "#1b1f24";
const SOFT: &str = "#59636e";
const TINT: &str = "#f0f3f6";
const ALARM: &str = "#a40e26";

const HEADING: Font = Font { size: 17, is_bold: true };
const LABEL: Font = Font { size: 12, is_bold: false };
const LABEL_STRONG: Font = Font { size: 12, is_bold: true };
const SMALL: Font = Font { size: 11, is_bold: false };

/// Around the picture, in pixels.
const MARGIN: u32 = 20;

/// From row to row, in pixels.
const ROW_HEIGHT: u32 = 24;

/// Widest label of a row, in pixels.
const ROW_LABEL_WIDTH_MAX: u32 = 450;

/// Widest line of the label of a column, in pixels.
const COLUMN_LABEL_WIDTH_MAX: u32 = 360;

/// From column to column, in pixels: two slanted lines stand side by side.
const COLUMN_PITCH: u32 = 36;

/// Between the columns of two people where somebody has several, in pixels.
const PERSON_GAP: u32 = 10;

/// Label of the row of ways that need nothing.
const NOTHING: &str = "nothing that can fail";

/// Narrowest picture, in pixels: a heading has to be read.
const WIDTH_MIN: u32 = 640;

/// Labels of columns lean by so many degrees.
const SLANT_DEGREES: u32 = 55;

/// Sine and cosine of that, in hundredths, rounded up.
const SLANT_SINE: u32 = 82;
const SLANT_COSINE: u32 = 58;

fn render(reports: &[LockoutReport], page: &Page) -> String {
    let drawings: Vec<Drawing> =
        reports.iter().enumerate().map(|(at, report)| Drawing::of(report, at, Some(page))).collect();
    if let [only] = drawings.as_slice() {
        return only.document();
    }
    let width = drawings.iter().map(|drawing| drawing.width).max().unwrap_or(WIDTH_MIN);
    let height: u32 = drawings.iter().map(|drawing| drawing.height).sum();
    let mut body = String::new();
    let mut top = 0;
    for drawing in &drawings {
        let _ = writeln!(body, "<g transform=\"translate(0 {top})\">\n{}</g>", drawing.body);
        top += drawing.height;
    }
    let title = "Ways in, and what they need".to_owned();
    Drawing {
        width,
        height,
        body,
        title,
        description: format!("{} pictures, one below the other.", drawings.len()),
        id: 0,
    }
    .document()
}

/// A picture that is drawn.
pub(super) struct Drawing {
    width: u32,
    height: u32,
    body: String,
    title: String,
    description: String,
    id: usize,
}

impl Drawing {
    /// The picture of a report; `id` tells it apart from others in the same document. With a page it has a heading,
    /// for where nothing stands around it.
    pub(super) fn of(report: &LockoutReport, id: usize, page: Option<&Page>) -> Self {
        let picture = Picture::of(report);
        let title = words::sentence(report).replace('`', "");
        let asked = format!("Can somebody get in {}?", words::question(report.goal, report.horizon));
        let description = description(&picture, &asked);
        let layout = Layout::of(&picture);
        let mut pen = Pen { body: String::new(), y: MARGIN };
        if let Some(page) = page {
            let judged = format!("{asked} As of {}.", day_and_time(page.judged_at));
            pen.paragraph(&title, HEADING, (layout.width, INK));
            pen.paragraph(&judged, SMALL, (layout.width, SOFT));
            pen.y += 10;
        }
        if picture.columns.is_empty() {
            pen.no_way(report, &layout);
        } else {
            pen.matrix(&picture, &layout);
        }
        for note in &picture.notes {
            pen.paragraph(note, SMALL, (layout.width, SOFT));
        }
        Self { width: layout.width, height: pen.y + MARGIN, body: pen.body, title, description, id }
    }

    /// How wide it is, in pixels.
    pub(super) const fn width(&self) -> u32 {
        self.width
    }

    /// The picture as an element of a page.
    pub(super) fn element(&self) -> String {
        let Self { width, height, id, .. } = self;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"picture\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" role=\"img\" aria-labelledby=\"title-{id} desc-{id}\" direction=\"ltr\" \
             font-family=\"Arial, Helvetica, 'Liberation Sans', 'DejaVu Sans', sans-serif\">\n\
             <title id=\"title-{id}\">{}</title>\n<desc id=\"desc-{id}\">{}</desc>\n\
             <rect class=\"paper\" width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n{}</svg>\n",
            markup(&self.title),
            markup(&self.description),
            self.body,
        )
    }

    fn document(&self) -> String {
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}", self.element())
    }
}

/// What the picture shows, for those who cannot see it.
fn description(picture: &Picture, asked: &str) -> String {
    let rows = picture.rows.iter().map(|row| {
        let mark = if row.is_single_point { ", a single point of failure" } else { "" };
        format!("{} ({}{mark})", row.label, needed_by(row, picture))
    });
    let rows: Vec<String> = rows.collect();
    match picture.columns.len() {
        0 => format!("{asked} There is no way in."),
        _ if rows.is_empty() => format!("{asked} The ways in need nothing that can fail."),
        _ => format!("{asked} Each column is a way in, each row something that ways need: {}.", rows.join("; ")),
    }
}

/// Where things stand.
struct Layout {
    width: u32,
    /// Right edge of the labels of rows.
    labels: u32,
    /// Middle of each column.
    columns: Vec<u32>,
    /// Left edge of what is said of each row.
    remarks: u32,
    /// Height of the labels of columns.
    head: u32,
}

impl Layout {
    fn of(picture: &Picture) -> Self {
        let labels = picture.rows.iter().map(|row| LABEL_STRONG.width(&row_label(row))).max().unwrap_or(0);
        let labels = MARGIN + labels.max(LABEL_STRONG.width(NOTHING));
        let gap = if picture.columns.iter().all(|column| column.starts_person) { 0 } else { PERSON_GAP };
        let mut columns: Vec<u32> = Vec::new();
        let mut x = labels + 18;
        for column in &picture.columns {
            let is_first = columns.is_empty();
            x += if is_first { 0 } else { COLUMN_PITCH + if column.starts_person { gap } else { 0 } };
            columns.push(x);
        }
        let remarks = x + 22;
        let remark = picture.rows.iter().map(|row| remark_font(row).width(&remark(row, picture))).max().unwrap_or(0);
        let lengths: Vec<u32> = picture.columns.iter().map(column_length).collect();
        let overhang = columns.iter().zip(&lengths).map(|(x, length)| x + length * SLANT_COSINE / 100 + 12).max();
        let head = lengths.iter().map(|length| length * SLANT_SINE / 100 + 14).max().unwrap_or(0);
        let width = (remarks + remark).max(overhang.unwrap_or(0)).max(WIDTH_MIN) + MARGIN;
        Self { width, labels, columns, remarks, head }
    }
}

/// The label of a row, shortened part by part: two names that are cut as one would read as one name.
fn row_label(row: &Row) -> String {
    let label = visible(&row.label);
    if LABEL_STRONG.width(&label) <= ROW_LABEL_WIDTH_MAX {
        return label.into_owned();
    }
    let parts: Vec<&str> = label.split(JOIN).collect();
    let count = u32::try_from(parts.len()).unwrap_or(u32::MAX);
    let room = ROW_LABEL_WIDTH_MAX.saturating_sub(LABEL_STRONG.width(JOIN) * (count - 1));
    // What a short part leaves over is for the long ones.
    let short: Vec<u32> =
        parts.iter().map(|part| LABEL_STRONG.width(part)).filter(|width| *width <= room / count).collect();
    let long = count.saturating_sub(u32::try_from(short.len()).unwrap_or(0)).max(1);
    let share = room.saturating_sub(short.iter().sum()) / long;
    parts.iter().map(|part| LABEL_STRONG.fitted(part, share.max(room / count))).collect::<Vec<_>>().join(JOIN)
}

fn remark(row: &Row, picture: &Picture) -> String {
    match row.is_single_point {
        true => "single point of failure: all ways".to_owned(),
        false => needed_by(row, picture),
    }
}

/// `4 of 12 ways`, `20 of 60 people`: of all where all are listed, and else it says of which.
fn needed_by(row: &Row, picture: &Picture) -> String {
    let count = row.count;
    match picture.extent {
        ListedExtent::All => format!("{count} of {}", counted(picture.way_count, "way")),
        ListedExtent::Some => format!("{count} of the {} listed", counted(picture.way_count, "way")),
        ListedExtent::People { listed, all } if listed < all => {
            format!("{count} of the {} listed", counted_people(listed))
        }
        ListedExtent::People { all, .. } => format!("{count} of {}", counted_people(all)),
    }
}

fn remark_font(row: &Row) -> Font {
    if row.is_single_point { LABEL_STRONG } else { SMALL }
}

/// The label of a column: the person, and below that how.
fn column_label(column: &Column) -> (String, String) {
    (
        LABEL_STRONG.fitted(&visible(&column.person), COLUMN_LABEL_WIDTH_MAX),
        SMALL.fitted(&visible(&column.how), COLUMN_LABEL_WIDTH_MAX),
    )
}

fn column_length(column: &Column) -> u32 {
    let (person, how) = column_label(column);
    LABEL_STRONG.width(&person).max(SMALL.width(&how))
}

/// Draws from the top down.
struct Pen {
    body: String,
    /// How far down it is.
    y: u32,
}

impl Pen {
    fn paragraph(&mut self, text: &str, font: Font, (width, colour): (u32, &str)) {
        for line in font.wrapped(&visible(text), width - 2 * MARGIN) {
            self.y += u32::from(font.size);
            let place = format!("x=\"{MARGIN}\" y=\"{}\"", self.y);
            self.text(&line, font, (&place, colour));
            self.y += u32::from(font.size) * 2 / 5;
        }
        self.y += 3;
    }

    fn text(&mut self, text: &str, font: Font, (place, colour): (&str, &str)) {
        let weight = if font.is_bold { " font-weight=\"bold\"" } else { "" };
        let class = class_of(colour);
        let size = font.size;
        let text = markup(text);
        let _ = writeln!(
            self.body,
            "<text {place} class=\"{class}\" fill=\"{colour}\" font-size=\"{size}\"{weight}>{text}</text>"
        );
    }

    fn matrix(&mut self, picture: &Picture, layout: &Layout) {
        self.y += layout.head;
        for (column, x) in picture.columns.iter().zip(&layout.columns) {
            self.column(column, *x);
        }
        let place = format!("x=\"{}\" y=\"{}\" text-anchor=\"end\"", layout.labels, self.y - 6);
        self.text("what it needs", SMALL, (&place, SOFT));
        for (at, row) in picture.rows.iter().enumerate() {
            self.row(row, at, picture, layout);
        }
        if picture.columns.iter().any(|column| column.needs_nothing) {
            self.nothing(picture, layout);
        }
        self.y += 14;
        self.legend(picture, layout);
    }

    fn column(&mut self, column: &Column, x: u32) {
        let (person, how) = column_label(column);
        let (x, y) = (x - 2, self.y - 10);
        let count = if column.way_count > 1 { format!(" ({} ways)", column.way_count) } else { String::new() };
        let _ = writeln!(
            self.body,
            "<g transform=\"translate({x} {y}) rotate(-{SLANT_DEGREES})\"><title>{}: {}{count}</title>",
            markup(&column.name),
            markup(&column.how),
        );
        self.text(&person, LABEL_STRONG, ("x=\"0\" y=\"0\"", INK));
        self.text(&how, SMALL, ("x=\"0\" y=\"12\"", SOFT));
        self.body.push_str("</g>\n");
    }

    fn row(&mut self, row: &Row, at: usize, picture: &Picture, layout: &Layout) {
        let middle = self.y + ROW_HEIGHT / 2;
        let (first, last) = (layout.columns.first().copied().unwrap_or(0), layout.columns.last().copied().unwrap_or(0));
        let names = markup(&row.names.join(", "));
        let _ = writeln!(self.body, "<g><title>{names}</title>");
        let (top, wide, high) = (self.y, layout.width - 2 * MARGIN + 12, ROW_HEIGHT);
        if row.is_single_point {
            let _ = writeln!(
                self.body,
                "<rect class=\"alarm-frame\" x=\"{}\" y=\"{}\" width=\"{wide}\" height=\"{}\" fill=\"none\" stroke=\"{ALARM}\" stroke-width=\"2\"/>\n\
                 <rect class=\"alarm\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"6\" fill=\"{ALARM}\"/>",
                MARGIN - 6,
                top + 1,
                high - 2,
                first - 8,
                middle - 3,
                last - first + 16,
            );
        } else if at.is_multiple_of(2) {
            let _ = writeln!(
                self.body,
                "<rect class=\"tint\" x=\"{}\" y=\"{top}\" width=\"{wide}\" height=\"{high}\" fill=\"{TINT}\"/>",
                MARGIN - 6,
            );
        }
        for (is_needed, x) in row.cells.iter().zip(&layout.columns) {
            let _ = match (is_needed, row.is_single_point) {
                (true, true) => writeln!(
                    self.body,
                    "<rect class=\"alarm\" x=\"{}\" y=\"{}\" width=\"14\" height=\"14\" fill=\"{ALARM}\"/>",
                    x - 7,
                    middle - 7,
                ),
                (true, false) => {
                    writeln!(self.body, "<circle class=\"ink\" cx=\"{x}\" cy=\"{middle}\" r=\"6\" fill=\"{INK}\"/>")
                }
                (false, _) => {
                    writeln!(self.body, "<circle class=\"soft\" cx=\"{x}\" cy=\"{middle}\" r=\"1.2\" fill=\"{SOFT}\"/>")
                }
            };
        }
        let (colour, font) = if row.is_single_point { (ALARM, LABEL_STRONG) } else { (INK, LABEL) };
        let place = format!("x=\"{}\" y=\"{}\" text-anchor=\"end\"", layout.labels, middle + 4);
        self.text(&row_label(row), font, (&place, colour));
        let place = format!("x=\"{}\" y=\"{}\"", layout.remarks, middle + 4);
        let colour = if row.is_single_point { ALARM } else { SOFT };
        self.text(&remark(row, picture), remark_font(row), (&place, colour));
        self.body.push_str("</g>\n");
        self.y += ROW_HEIGHT;
    }

    /// The row of the ways that need nothing: a ring for each.
    fn nothing(&mut self, picture: &Picture, layout: &Layout) {
        let middle = self.y + ROW_HEIGHT / 2;
        for (_, x) in picture.columns.iter().zip(&layout.columns).filter(|(column, _)| column.needs_nothing) {
            let _ = writeln!(
                self.body,
                "<circle class=\"ring\" cx=\"{x}\" cy=\"{middle}\" r=\"5\" fill=\"none\" stroke=\"{INK}\" \
                 stroke-width=\"2\"/>",
            );
        }
        let place = format!("x=\"{}\" y=\"{}\" text-anchor=\"end\"", layout.labels, middle + 4);
        self.text(NOTHING, LABEL_STRONG, (&place, INK));
        let place = format!("x=\"{}\" y=\"{}\"", layout.remarks, middle + 4);
        self.text("rests on the assumptions alone", SMALL, (&place, SOFT));
        self.y += ROW_HEIGHT;
    }

    /// What the marks mean.
    fn legend(&mut self, picture: &Picture, layout: &Layout) {
        let dots = "Each column is a way in, each row something that ways need: a dot where the way needs it.";
        if !picture.rows.is_empty() {
            self.paragraph(dots, SMALL, (layout.width, SOFT));
        }
        if let ListedExtent::People { .. } = picture.extent {
            let people = "Behind a row stands how many people have a way, of those that are listed, that needs it.";
            self.paragraph(people, SMALL, (layout.width, SOFT));
        } else if picture.columns.iter().any(|column| column.way_count > 1) {
            let folded = "A column that stands for several people counts as a way of each of them.";
            self.paragraph(folded, SMALL, (layout.width, SOFT));
        }
        if picture.rows.iter().any(|row| row.is_single_point) {
            let bar = "A framed row with a bar is a single point of failure: if it alone fails, nobody gets in.";
            self.paragraph(bar, SMALL, (layout.width, SOFT));
        }
    }

    /// What is drawn when there is no way in: what stands in the way.
    fn no_way(&mut self, report: &LockoutReport, layout: &Layout) {
        let causes: Vec<&Cause> = report.direct.cuts.iter().flat_map(|cut| &cut.because).collect();
        let mut names: Vec<String> = causes.into_iter().map(|cause| words::cause(cause).replace('`', "")).collect();
        names.sort();
        names.dedup();
        let (x, wide) = (MARGIN, layout.width - 2 * MARGIN);
        let rest = names.len().saturating_sub(super::picture::ROW_COUNT_MAX);
        names.truncate(super::picture::ROW_COUNT_MAX);
        if rest > 0 {
            names.push(format!("and {rest} more"));
        }
        let high = 58 + 20 * u32::try_from(names.len()).unwrap_or(0);
        let top = self.y;
        let _ = writeln!(
            self.body,
            "<rect class=\"alarm-frame\" x=\"{x}\" y=\"{top}\" width=\"{wide}\" height=\"{high}\" fill=\"none\" stroke=\"{ALARM}\" stroke-width=\"3\"/>\n\
             <rect class=\"alarm\" x=\"{}\" y=\"{}\" width=\"44\" height=\"12\" fill=\"{ALARM}\"/>",
            x + 20,
            top + 18,
        );
        let place = format!("x=\"{}\" y=\"{}\"", x + 80, top + 30);
        let said = match names.is_empty() {
            true => "No way in.",
            false => "No way in. In the way stand:",
        };
        self.text(said, HEADING, (&place, ALARM));
        for (at, name) in (0..).zip(&names) {
            let place = format!("x=\"{}\" y=\"{}\"", x + 80, top + 56 + 20 * at);
            let name = LABEL.fitted(&visible(name), wide - 100);
            self.text(&name, LABEL, (&place, INK));
        }
        self.y = top + high + 12;
    }
}

fn class_of(colour: &str) -> &'static str {
    match colour {
        ALARM => "alarm",
        SOFT => "soft",
        _ => "ink",
    }
}
