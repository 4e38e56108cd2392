//! What sheets are put together from: headings, facts, steps, tables, and text to be copied.

use crate::canvas::{Area, Style};
use crate::flow::{Flow, HAIRLINE_POINTS};
use crate::shown::shown;
use crate::spans::{Span, size_of, spans};
use crate::typeface::Face;

/// Points of an ordinary sentence.
pub(crate) const BODY_POINTS: f32 = 10.5;

/// From one step to the next, in sizes.
const STEP_GAP: f32 = 0.28;

/// How far steps stand behind their numbers, in sizes.
const INDENT: f32 = 2.1;

/// Width of what facts are called.
const CALLED_POINTS: f32 = 116.0;

/// Lines in which the longest name is whole that somebody may have to type, if its characters can be shown.
pub(crate) const TYPED_LINES_MAX: usize = 5;

/// Points of the smallest command.
const COMMAND_POINTS_MIN: f32 = 7.9;

/// How much wider than its room a line may be by the arithmetic of layout, in points.
const ROUNDING_POINTS: f32 = 0.01;

/// What stands at the end of a line of a command that goes on in the next, as shells have it.
const GOES_ON: &str = " \\";

/// A command in the lines and the size in which it is put on paper.
struct Command {
    points: f32,
    lines: Vec<String>,
}

/// In which size texts from elsewhere are set, and in how many lines at most.
#[derive(Clone, Copy)]
pub(crate) struct Room {
    /// In points.
    pub(crate) size: f32,
    pub(crate) lines: usize,
}

/// From one line of what is copied to the next, in sizes.
pub(crate) const CODE_LEADING: f32 = 1.24;

/// A column of a table.
pub(crate) struct Column {
    pub(crate) heading: &'static str,
    /// Its part of the width of the table.
    pub(crate) part: f32,
    pub(crate) face: Face,
}

impl Flow<'_> {
    /// A black bar with white text: what is seen first.
    pub(crate) fn banner(&mut self, left: &str, right: &str) {
        let height = 30.0;
        let style = Style::new(Face::Bold, 14.0).white();
        let area = Area { x: self.x, y: self.y, width: self.width, height };
        self.leaf().filled(area);
        self.y += 7.0;
        self.line_at(self.x + 12.0, style, left);
        let room = self.width - 36.0 - self.faces.width(Face::Bold, style.size, left);
        let right = self.measure(style.size, room).at_most(Face::Bold, right, 1).concat();
        let width = self.faces.width(Face::Bold, style.size, &right);
        self.line_at(self.x + self.width - 12.0 - width, style, &right);
        self.y += height - 7.0 + 10.0;
    }

    /// The name of a sheet, in large letters.
    pub(crate) fn title(&mut self, text: &str) {
        let style = Style::new(Face::Bold, 25.0);
        for line in self.measure(style.size, self.width).at_most(Face::Bold, text, 2) {
            self.line_at(self.x, style, &line);
            self.y += style.size * 1.22;
        }
        self.y += 4.0;
    }

    /// What a part of a sheet is about. It stays together with what comes after it.
    pub(crate) fn heading(&mut self, text: &str) {
        self.heading_with(text, 60.0);
    }

    /// A heading that stays together with so much of what comes after it.
    pub(crate) fn heading_with(&mut self, text: &str, after: f32) {
        let style = Style::new(Face::Bold, 14.0);
        self.need(style.leading() + 18.0 + after);
        if !self.is_top() {
            self.space(12.0);
        }
        self.line_at(self.x, style, text);
        self.y += style.leading() + 1.0;
        self.rule(1.2);
        self.space(7.0);
    }

    /// A sentence, with what is in it.
    pub(crate) fn say(&mut self, sentence: &str, fillings: &[&str]) {
        self.paragraph(0.0, &spans(sentence, fillings));
        self.space(5.0);
    }

    /// What something is called, and what it is.
    pub(crate) fn fact(&mut self, called: &str, face: Face, value: &str) {
        self.fact_in(Room { size: self.size, lines: TYPED_LINES_MAX }, called, face, value);
        self.space(2.0);
    }

    /// The same in another size, and with room for more or fewer lines.
    pub(crate) fn fact_in(&mut self, room: Room, called: &str, face: Face, value: &str) {
        let set = size_of(face, room.size);
        let lines = self.measure(room.size, self.width - CALLED_POINTS).at_most(face, value, room.lines);
        let style = Style::new(Face::Plain, room.size);
        self.need(lines.iter().map(|_| style.leading()).sum());
        self.line_at(self.x, style, called);
        for line in &lines {
            self.line_at(self.x + CALLED_POINTS, Style::new(face, set), line);
            self.y += style.leading();
        }
    }

    /// A step with its number, or with a box to be ticked. It stays on one page.
    pub(crate) fn step(&mut self, number: &str, text: &[Span]) {
        let size = self.size;
        let indent = size * INDENT;
        let height = self.paragraph_height(indent, text);
        self.need(height);
        if number.is_empty() {
            self.box_to_tick();
        } else {
            self.line_at(self.x, Style::new(Face::Bold, size), number);
        }
        self.paragraph(indent, text);
        self.space(size * STEP_GAP);
    }

    fn box_to_tick(&mut self) {
        let side = self.size * 0.82;
        let area = Area { x: self.x + 1.0, y: self.y + self.size * 0.22, width: side, height: side };
        self.leaf().framed(area, 0.9);
    }

    /// Commands below a step, each on one page, with what fills their `{}`. None is broken within a word or a filling: it is
    /// set smaller where a word takes that, and where it takes several lines each but the last ends with a backslash, so that
    /// it is typed and copied as it stands.
    pub(crate) fn typed(&mut self, commands: &[&str], filling: &str) {
        for command in commands {
            let command = self.command(command, filling);
            self.put_command(&command);
        }
        self.space(self.size * STEP_GAP);
    }

    /// The same as a step, with a box to be ticked.
    pub(crate) fn typed_step(&mut self, command: &str, filling: &str) {
        let command = self.command(command, filling);
        self.need(self.command_height(&command));
        self.box_to_tick();
        self.put_command(&command);
        self.space(self.size * STEP_GAP);
    }

    /// Whether a filling of a command fits a line here.
    pub(crate) fn has_room_for(&self, filling: &str) -> bool {
        let widest = format!("{}{GOES_ON}", shown(Face::Mono, filling));
        self.faces.width(Face::Mono, COMMAND_POINTS_MIN, &widest) <= self.command_room()
    }

    fn command_room(&self) -> f32 {
        self.width - self.size * INDENT + ROUNDING_POINTS
    }

    fn command(&self, command: &str, filling: &str) -> Command {
        let (usual, room) = (size_of(Face::Mono, self.size), self.command_room());
        let words: Vec<String> =
            command.split(' ').map(|word| word.replace("{}", &shown(Face::Mono, filling))).collect();
        let width = |points: f32, text: &str| self.faces.width(Face::Mono, points, text);
        let widest = words.iter().map(|word| width(usual, &format!("{word}{GOES_ON}"))).fold(0.0, f32::max);
        let points = if widest > room { usual.min(COMMAND_POINTS_MIN.max(usual * room / widest)) } else { usual };
        let (mut lines, mut line) = (Vec::new(), String::new());
        for (place, word) in words.iter().enumerate() {
            let end = if place + 1 == words.len() { "" } else { GOES_ON };
            if line.is_empty() {
                line.push_str(word);
            } else if width(points, &format!("{line} {word}{end}")) <= room {
                line.push(' ');
                line.push_str(word);
            } else {
                line.push_str(GOES_ON);
                lines.push(std::mem::replace(&mut line, word.clone()));
            }
        }
        lines.push(line);
        Command { points, lines }
    }

    fn command_height(&self, command: &Command) -> f32 {
        command.lines.iter().map(|_| Style::new(Face::Plain, self.size).leading()).sum()
    }

    fn put_command(&mut self, command: &Command) {
        self.need(self.command_height(command));
        let (style, indent) = (Style::new(Face::Mono, command.points), self.size * INDENT);
        for line in &command.lines {
            let at = (self.x + indent, self.y + self.size);
            self.leaf().text(at, style, line);
            self.y += Style::new(Face::Plain, self.size).leading();
        }
    }

    /// Numbered steps.
    pub(crate) fn steps(&mut self, sentences: &[(&str, &[&str])]) {
        for (number, (sentence, fillings)) in (1..).zip(sentences) {
            self.step(&format!("{number}."), &spans(sentence, fillings));
        }
    }

    /// One step of several, between which something else stands.
    pub(crate) fn numbered(&mut self, number: u8, sentence: &str, fillings: &[&str]) {
        let text = spans(sentence, fillings);
        // It stays together with what is typed for it.
        self.need(self.paragraph_height(self.size * INDENT, &text) + 24.0);
        self.step(&format!("{number}."), &text);
    }

    /// Points that have no order.
    pub(crate) fn bullets(&mut self, sentences: &[(&str, &[&str])]) {
        for (sentence, fillings) in sentences {
            self.step("\u{2022}", &spans(sentence, fillings));
        }
    }

    /// Text to be typed or copied as it is, with a bar at its left, on one page.
    pub(crate) fn code(&mut self, size: f32, lines: &[&str]) {
        let style = Style::new(Face::Mono, size);
        let leading = size * CODE_LEADING;
        let height = lines.iter().map(|_| leading).sum::<f32>();
        self.need(height + 3.0);
        self.space(1.0);
        let area = Area { x: self.x + 2.0, y: self.y, width: 2.0, height: height + 2.0 };
        self.leaf().filled(area);
        self.space(1.0);
        for line in lines {
            self.line_at(self.x + 12.0, style, line);
            self.y += leading;
        }
        self.space(6.0);
    }

    /// A table; the rows are as high as what is in them, and none goes over a page.
    pub(crate) fn table(&mut self, room: Room, columns: &[Column], rows: &[Vec<String>]) {
        let size = room.size;
        let style = Style::new(Face::Bold, size - 1.0);
        self.need(style.leading() + 4.0 + size * 2.0);
        let mut x = self.x;
        for column in columns {
            self.line_at(x, style, column.heading);
            x += column.part * self.width;
        }
        self.y += style.leading() + 1.0;
        self.rule(HAIRLINE_POINTS);
        for row in rows {
            self.row(room, columns, row);
        }
    }

    fn row(&mut self, room: Room, columns: &[Column], row: &[String]) {
        let size = room.size;
        let style = Style::new(Face::Plain, size);
        let mut cells = Vec::new();
        for (column, text) in columns.iter().zip(row) {
            cells.push(self.measure(size, column.part * self.width - 8.0).at_most(column.face, text, room.lines));
        }
        let most = cells.iter().map(Vec::len).max().unwrap_or(1);
        let height: f32 = (0..most).map(|_| style.leading()).sum();
        self.need(height + size * 0.6);
        self.space(size * 0.3);
        let (top, mut x) = (self.y, self.x);
        for (column, lines) in columns.iter().zip(&cells) {
            self.y = top;
            for line in lines {
                self.line_at(x, Style::new(column.face, size_of(column.face, size)), line);
                self.y += style.leading();
            }
            x += column.part * self.width;
        }
        self.y = top + height + size * 0.15;
        self.rule(HAIRLINE_POINTS);
    }
}
