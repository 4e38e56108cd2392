//! Counts lines: files and functions that have grown too long to read in one go.
//!
//! A warning, never a refusal: length is a hint, not a fault. Works on formatted text only, where
//! a function ends at the first closing brace that stands as deep as its first line.
//! **Absent:** any understanding of Rust; a function inside a macro or a raw string is counted as
//! it looks.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Lines in a file.
pub(crate) const FILE_LINE_COUNT_MAX: usize = 600;

/// Lines in a function, from its first to its closing brace.
pub(crate) const FUNCTION_LINE_COUNT_MAX: usize = 70;

/// One sentence for each file and function below `folders` that is over its limit.
pub(crate) fn warnings(root: &Path, folders: &[&str]) -> io::Result<Vec<String>> {
    let mut files = Vec::new();
    for folder in folders {
        rust_files(&root.join(folder), &mut files)?;
    }
    files.sort();

    let mut lines = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file)?;
        let name = file.strip_prefix(root).unwrap_or(&file).display();
        lines.extend(over_limit(&text).into_iter().map(|line| format!("{name}{line}")));
    }
    Ok(lines)
}

fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            rust_files(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

fn over_limit(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    if lines.len() > FILE_LINE_COUNT_MAX {
        found.push(format!(": {} lines, more than {FILE_LINE_COUNT_MAX}", lines.len()));
    }
    for (index, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else {
            continue;
        };
        let count = lines.get(index..).map_or(0, function_line_count);
        if count > FUNCTION_LINE_COUNT_MAX {
            found.push(format!(":{}: `{name}` has {count} lines, more than {FUNCTION_LINE_COUNT_MAX}", index + 1));
        }
    }
    found
}

/// The name of the function that begins on `line`, if one does.
fn function_name(line: &str) -> Option<&str> {
    let (before, after) = line.trim_start().split_once("fn ")?;
    let is_modifier =
        |word: &str| matches!(word, "pub" | "const" | "async" | "extern" | "\"C\"") || word.starts_with("pub(");
    if !before.split_whitespace().all(is_modifier) {
        return None;
    }
    let name = after.split(['(', '<']).next()?;
    (!name.is_empty()).then_some(name)
}

/// How many lines the function that begins on the first of `lines` takes; one without a body, 0.
fn function_line_count(lines: &[&str]) -> usize {
    let Some(first) = lines.first() else {
        return 0;
    };
    let indent = first.len() - first.trim_start().len();
    let mut has_body = false;
    for (index, line) in lines.iter().enumerate() {
        let stands_as_deep = line.len() - line.trim_start().len() == indent;
        if !has_body {
            let end = line.trim_end();
            if end.ends_with(';') || end.ends_with('}') {
                return if end.ends_with('}') { index + 1 } else { 0 };
            }
            has_body = end.ends_with('{');
        } else if stands_as_deep && line.trim_start().starts_with('}') {
            return index + 1;
        }
    }
    lines.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(body_lines: usize) -> String {
        format!("    pub(crate) fn long() {{\n{}    }}\n", "        x();\n".repeat(body_lines))
    }

    #[test]
    fn a_function_at_the_limit_is_not_listed() {
        assert_eq!(over_limit(&function(68)), Vec::<String>::new());
    }

    #[test]
    fn a_function_one_past_the_limit_is_listed() {
        assert_eq!(over_limit(&format!("\n{}", function(69))), [":2: `long` has 71 lines, more than 70"]);
    }

    #[test]
    fn a_file_at_the_limit_is_not_listed() {
        assert_eq!(over_limit(&"x\n".repeat(600)), Vec::<String>::new());
    }

    #[test]
    fn a_file_one_past_the_limit_is_listed() {
        assert_eq!(over_limit(&"x\n".repeat(601)), [": 601 lines, more than 600"]);
    }

    #[test]
    fn a_signature_without_a_body_does_not_swallow_what_follows() {
        let text = format!("    fn now(\n        &self,\n    ) -> u8;\n{}", "x\n".repeat(99));
        assert_eq!(over_limit(&text), Vec::<String>::new());
    }

    #[test]
    fn a_signature_over_several_lines_counts_to_its_closing_brace() {
        let text = format!("fn f<T>(\n    a: T,\n) -> u8 {{\n{}}}\n", "    x\n".repeat(67));
        assert_eq!(over_limit(&text), [":1: `f` has 71 lines, more than 70"]);
    }

    #[test]
    fn words_that_only_contain_fn_begin_no_function() {
        for line in ["// fn x() {", "let f: fn () = g;", "impl Fn for X {", "fn () -> u8"] {
            assert_eq!(function_name(line), None, "{line}");
        }
    }

    #[test]
    fn modifiers_are_passed_over() {
        for line in ["fn x()", "pub fn x()", "    pub(super) const fn x<T>()", "async fn x()"] {
            assert_eq!(function_name(line), Some("x"), "{line}");
        }
    }
}
