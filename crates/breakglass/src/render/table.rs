//! Tables for a terminal: columns as wide as they need where there is room, cells broken over lines where not.

use textwrap::core::display_width;
use textwrap::{Options, WordSeparator, WordSplitter};

use super::lines::COLUMNS_MIN;
use super::paint::{Paint, Style};
use super::visible;

/// A column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    /// What stands above it.
    pub(super) heading: &'static str,
    /// Whether its cells may be broken over lines; the others are short.
    pub(super) is_flexible: bool,
}

/// A cell.
#[derive(Debug, Clone, Default)]
pub(super) struct Cell {
    /// What stands in it; what would act on a terminal is shown.
    pub(super) text: String,
    /// How it stands out.
    pub(super) style: Option<Style>,
}

impl Cell {
    /// A cell that does not stand out.
    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), style: None }
    }

    /// A cell that does.
    pub(super) fn styled(text: impl Into<String>, style: Style) -> Self {
        Self { text: text.into(), style: Some(style) }
    }
}

/// Columns between two cells, and before the first.
const GAP: usize = 2;

/// A flexible column is not made narrower, in columns of the terminal.
const FLEXIBLE_COLUMNS_MIN: usize = 8;

/// The table within the width. Where cells of several columns take several lines, rows are set apart.
pub(super) fn table(columns: &[Column], rows: &[Vec<Cell>], (width, paint): (usize, Paint)) -> String {
    let rows: Vec<Vec<(String, Option<Style>)>> = rows
        .iter()
        .map(|row| row.iter().map(|cell| (visible(&cell.text).into_owned(), cell.style)).collect())
        .collect();
    let widths = widths(columns, &rows, width.max(COLUMNS_MIN));
    let heading: Vec<(String, Option<Style>)> =
        columns.iter().map(|column| (column.heading.to_owned(), Some(Style::Faint))).collect();
    let mut text = row(&heading, &widths, paint).0;
    let rows: Vec<(String, usize)> = rows.iter().map(|cells| row(cells, &widths, paint)).collect();
    let flexible_count = columns.iter().filter(|column| column.is_flexible).count();
    let is_loose = flexible_count > 1 && rows.iter().any(|(_, lines)| *lines > 1);
    for (lines, _) in rows {
        if is_loose {
            text.push('\n');
        }
        text.push_str(&lines);
    }
    text
}

fn widths(columns: &[Column], rows: &[Vec<(String, Option<Style>)>], width: usize) -> Vec<usize> {
    let natural: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(at, column)| {
            let cells = rows.iter().filter_map(|row| row.get(at)).map(|(text, _)| display_width(text));
            cells.chain([display_width(column.heading)]).max().unwrap_or(0)
        })
        .collect();
    let fixed: usize = columns.iter().zip(&natural).filter(|(column, _)| !column.is_flexible).map(|(_, own)| own).sum();
    let mut room = width.saturating_sub(fixed + columns.len() * GAP);
    let mut flexible: Vec<usize> =
        (0..columns.len()).filter(|at| columns.get(*at).is_some_and(|column| column.is_flexible)).collect();
    // The narrowest first: what it does not need goes to the others.
    flexible.sort_by_key(|at| natural.get(*at).copied().unwrap_or(0));
    let least = |at: &usize| longest_word(*at, columns, rows).clamp(FLEXIBLE_COLUMNS_MIN, WORD_COLUMNS_MAX);
    let mut least: Vec<usize> = flexible.iter().map(least).collect();
    if least.iter().sum::<usize>() > room {
        least.fill(FLEXIBLE_COLUMNS_MIN);
    }
    let mut widths = natural;
    for (place, at) in flexible.iter().enumerate() {
        let (own_least, later) = least.get(place..).and_then(<[usize]>::split_first).unwrap_or((&0, &[]));
        let share = (room / (later.len() + 1)).min(room.saturating_sub(later.iter().sum())).max(*own_least);
        if let Some(own) = widths.get_mut(*at) {
            *own = (*own).min(share);
            room = room.saturating_sub(*own);
        }
    }
    widths
}

/// A word that is longer may be broken, in columns of the terminal.
const WORD_COLUMNS_MAX: usize = 32;

fn longest_word(at: usize, columns: &[Column], rows: &[Vec<(String, Option<Style>)>]) -> usize {
    let cells = rows.iter().filter_map(|row| row.get(at)).map(|(text, _)| text.as_str());
    let texts = cells.chain(columns.get(at).map(|column| column.heading));
    texts.flat_map(|text| text.split(' ')).map(display_width).max().unwrap_or(0)
}

/// A row, and how many lines it takes.
fn row(cells: &[(String, Option<Style>)], widths: &[usize], paint: Paint) -> (String, usize) {
    let broken: Vec<Vec<String>> =
        cells.iter().zip(widths).map(|((text, _), width)| broken(text, (*width).max(1))).collect();
    let count = broken.iter().map(Vec::len).max().unwrap_or(0).max(1);
    let mut text = String::new();
    for line in 0..count {
        let mut pending = 0;
        for ((cell, width), (_, style)) in broken.iter().zip(widths).zip(cells) {
            pending += GAP;
            let words = cell.get(line).map_or("", String::as_str);
            if !words.is_empty() {
                text.push_str(&" ".repeat(pending));
                text.push_str(&style.map_or_else(|| words.to_owned(), |style| paint.apply(style, words)));
                pending = 0;
            }
            pending += width.saturating_sub(display_width(words));
        }
        text.push('\n');
    }
    (text, count)
}

/// In narrower columns lines below the first are not indented, in columns of the terminal.
const INDENTED_COLUMNS_MIN: usize = 12;

fn broken(text: &str, width: usize) -> Vec<String> {
    let indent = if width > INDENTED_COLUMNS_MIN { "  " } else { "" };
    // A word that has to be broken anyway is broken at its hyphens first.
    let is_too_long = text.split(' ').any(|word| display_width(word) > width.saturating_sub(indent.len()));
    let options = Options::new(width)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(if is_too_long { WordSplitter::HyphenSplitter } else { WordSplitter::NoHyphenation })
        .subsequent_indent(indent)
        .break_words(true);
    textwrap::wrap(text, options).into_iter().map(|line| line.trim_end().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 3] = [
        Column { heading: "What", is_flexible: true },
        Column { heading: "Left", is_flexible: false },
        Column { heading: "Who", is_flexible: true },
    ];

    fn rows() -> Vec<Vec<Cell>> {
        let who = "somebody@with-a-very-long-name-that-does-not-fit-anywhere.example.com and another";
        vec![
            vec![Cell::plain("short"), Cell::styled("NO", Style::Bad), Cell::plain("")],
            vec![Cell::plain("日本語の長い名前がここにあります"), Cell::plain("yes"), Cell::plain(who)],
        ]
    }

    #[test]
    fn no_line_is_wider_than_the_page() {
        for width in [0, 40, 60, 80, 120, 300] {
            for line in table(&COLUMNS, &rows(), (width, Paint::Plain)).lines() {
                assert!(display_width(line) <= width.max(COLUMNS_MIN), "{width}: {line}");
                assert_eq!(line, line.trim_end());
            }
        }
    }

    #[test]
    fn colour_changes_nothing_but_colour() {
        let plain = table(&COLUMNS, &rows(), (60, Paint::Plain));
        let colour = table(&COLUMNS, &rows(), (60, Paint::Colour));
        let stripped =
            ["1", "2", "0", "1;31"].iter().fold(colour, |text, code| text.replace(&format!("\u{1b}[{code}m"), ""));
        assert_eq!(stripped, plain);
    }

    #[test]
    fn a_table_that_fits_is_not_broken() {
        let text = table(&COLUMNS, &rows()[..1], (60, Paint::Plain));
        assert_eq!(text, "  What   Left  Who\n  short  NO\n");
    }
}
