//! `explain`: what a code means, why it matters, what to do.

use clap::builder::NonEmptyStringValueParser;

use super::CommandError;
use crate::codes::{self, Entry};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::deliver;
use crate::render::fitted;
use crate::render::paint::{Paint, Style};
use crate::wiring::World;

/// Codes that are offered when there is no such code.
const NEAR_COUNT_MAX: usize = 5;

/// Explain a code: what it means, why it matters, what to do
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Code of a rule or of an error, as BG0401
    #[arg(value_name = "CODE", required_unless_present = "list", value_parser = NonEmptyStringValueParser::new())]
    code: Option<String>,

    /// List every code
    #[arg(long, conflicts_with = "code")]
    list: bool,
}

impl Arguments {
    pub(super) fn run(&self, world: &World) -> Result<Exit, Failure> {
        let entries = codes::all();
        let (columns, paint) = (world.stdout.columns, world.stdout.paint);
        let text = match &self.code {
            None => list(&entries, columns, paint),
            Some(asked) => {
                let wanted = normal(asked);
                let entry = entries.iter().find(|entry| entry.code() == wanted);
                let entry = entry
                    .ok_or_else(|| CommandError::UnknownCode { asked: asked.clone(), near: near(&wanted, &entries) })?;
                explanation(entry, columns, paint)
            }
        };
        deliver(world, None, &text)?;
        Ok(Exit::Good)
    }
}

/// `bg0401`, ` 0401 ` and `401` all mean `BG0401`.
fn normal(asked: &str) -> String {
    let upper = asked.trim().to_ascii_uppercase();
    let digits = upper.strip_prefix("BG").unwrap_or(&upper);
    format!("BG{digits:0>4}")
}

/// Codes that differ in few characters, the nearest first.
fn near(wanted: &str, entries: &[Entry]) -> Vec<&'static str> {
    let distance = |code: &str| {
        let differing = code.chars().zip(wanted.chars()).filter(|(a, b)| a != b).count();
        differing + code.len().abs_diff(wanted.len())
    };
    let mut near: Vec<(usize, &'static str)> = entries
        .iter()
        .map(|entry| (distance(entry.code()), entry.code()))
        .filter(|(distance, _)| *distance <= 2)
        .collect();
    near.sort_unstable();
    near.into_iter().take(NEAR_COUNT_MAX).map(|(_, code)| code).collect()
}

fn list(entries: &[Entry], columns: usize, paint: Paint) -> String {
    let mut text = String::new();
    for entry in entries {
        let severity = match entry {
            Entry::Rule(rule) => rule.severity().name(),
            Entry::Error(_) => "error",
        };
        let head = format!("{}  {severity:8}  ", entry.code());
        let line = fitted(entry.title(), &head, &" ".repeat(head.len()), columns);
        text.push_str(&line.replacen(entry.code(), &paint.apply(Style::Strong, entry.code()), 1));
    }
    text
}

fn explanation(entry: &Entry, columns: usize, paint: Paint) -> String {
    let (kind, body) = match entry {
        Entry::Rule(rule) => {
            let requirements = rule.requirements().join(", ");
            let of = if requirements.is_empty() { String::new() } else { format!("; requirements {requirements}") };
            (format!("A rule of `check`; at worst {}{of}.", rule.severity().name()), rule.explanation())
        }
        Entry::Error(error) => ("An error.".to_owned(), error.explanation),
    };
    let title = paint.apply(Style::Strong, &format!("{}: {}", entry.code(), entry.title()));
    format!("{title}\n\n{}\n{}", fitted(&kind, "", "", columns), body_lines(body, columns, paint))
}

/// Markdown for a terminal: paragraphs and items are wrapped, headings stand out, what is laid out stays so.
fn body_lines(body: &str, columns: usize, paint: Paint) -> String {
    let mut text = String::new();
    let mut paragraph = String::new();
    let mut is_fenced = false;
    for line in body.trim().lines() {
        let is_fence = line.trim_start().starts_with("```");
        is_fenced ^= is_fence;
        let is_laid_out = is_fenced || is_fence || line.starts_with("    ") || line.starts_with('|');
        let begins_anew = line.trim().is_empty() || is_laid_out || line.starts_with('#') || is_item(line);
        if begins_anew {
            end(&mut text, &mut paragraph, columns, paint);
        }
        if line.starts_with('#') {
            text.push_str(&paint.apply(Style::Strong, line.trim_start_matches('#').trim()));
            text.push('\n');
        } else if is_laid_out || line.trim().is_empty() {
            text.push_str(line.trim_end());
            text.push('\n');
        } else {
            paragraph.push_str(if paragraph.is_empty() { "" } else { " " });
            paragraph.push_str(line.trim());
        }
    }
    end(&mut text, &mut paragraph, columns, paint);
    text
}

/// Whether a line begins an item: `- `, `* ` or `1. `.
fn is_item(line: &str) -> bool {
    let line = line.trim_start();
    let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
    line.starts_with("- ") || line.starts_with("* ") || (number.len() < line.len() && number.starts_with(". "))
}

fn end(text: &mut String, paragraph: &mut String, columns: usize, paint: Paint) {
    if !paragraph.is_empty() {
        let below = if is_item(paragraph) { "  " } else { "" };
        text.push_str(&fitted(&strong(paragraph, paint), "", below, columns));
        paragraph.clear();
    }
}

/// What stands between two pairs of asterisks, word by word, so that no line break falls into it.
fn strong(text: &str, paint: Paint) -> String {
    let parts: Vec<&str> = text.split("**").collect();
    if parts.len().is_multiple_of(2) {
        return text.to_owned();
    }
    let painted = |words: &str| {
        let words: Vec<String> = words.split(' ').map(|word| paint.apply(Style::Strong, word)).collect();
        words.join(" ")
    };
    let is_inside = |at: usize| !at.is_multiple_of(2);
    parts.iter().enumerate().map(|(at, part)| if is_inside(at) { painted(part) } else { (*part).to_owned() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_understood_as_people_write_them() {
        for (asked, expected) in [("BG0401", "BG0401"), (" bg0401 ", "BG0401"), ("401", "BG0401"), ("0401", "BG0401")] {
            assert_eq!(normal(asked), expected);
        }
    }

    #[test]
    fn near_codes_are_offered_nearest_first() {
        let near = near("BG1109", &codes::all());
        assert!(near.contains(&"BG1101"), "{near:?}");
        assert!(near.len() <= NEAR_COUNT_MAX);
        assert!(super::near("nonsense", &codes::all()).is_empty());
    }

    #[test]
    fn markdown_is_laid_out() {
        let body = "**One\ntwo** `a b`.\n\n## What to do\n\n- first item that is long enough to be wrapped\n- second\n\n    code  kept\n";
        let expected = "One two `a b`.\n\nWhat to do\n\n- first item that is long enough to be\n  wrapped\n- second\n\n    code  kept\n";
        assert_eq!(body_lines(body, 40, Paint::Plain), expected);
    }

    #[test]
    fn every_explanation_keeps_within_the_width() {
        for entry in codes::all() {
            let text = explanation(&entry, 100, Paint::Plain);
            assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{}", entry.code());
        }
    }
}
