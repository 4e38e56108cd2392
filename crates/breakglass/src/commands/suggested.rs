//! Suggestions for `guard`: each that is one of a policy or a group with the line that has `guard` try it, and as a
//! file, where a folder for that is named.
//!
//! **Invariant:** a line can be pasted into a shell as it stands, whatever the tenant calls its objects: what comes from
//! the tenant is in it as JSON of printable ASCII without quotes of the shell.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use breakglass_engine::lockout::report::{EditKind, LockoutReport, ProposedEdit, Suggestion};

/// Characters of a name of a file that come from the words of the change.
const SLUG_LENGTH_MAX: usize = 60;

/// Why no suggestions are written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SuggestedError {
    /// Files of an earlier run would be taken for those of this one.
    #[error("the folder `{0}` for the suggestions is not empty")]
    NotEmpty(String),
    /// A file or the folder cannot be written.
    #[error("the suggestions cannot be written to `{path}`")]
    Write {
        path: String,
        #[source]
        source: io::Error,
    },
}

/// What `guard` is asked with, beside the change.
pub(super) struct Asking {
    /// Words of the command line, the tenant first.
    pub(super) words: Vec<String>,
    /// Whether standard input is the tenant's, so that no change can come by it.
    pub(super) is_stream_taken: bool,
}

/// Says of each suggestion how `guard` tries it, and writes those that are files into a folder if there is one.
///
/// Those of several reports are in folders of their own, by the goal and horizon.
pub(super) fn suggested(
    reports: &mut [LockoutReport],
    folder: Option<&Path>,
    asking: impl Fn(&LockoutReport) -> Asking,
) -> Result<(), SuggestedError> {
    if let Some(folder) = folder {
        empty_folder(folder)?;
    }
    let is_several = reports.len() > 1;
    for report in reports {
        let asking = asking(report);
        let own = |folder: &Path| match is_several {
            true => folder.join(format!("{}-{}", report.goal.name(), report.horizon.name())),
            false => folder.to_owned(),
        };
        let folder = folder.map(own);
        if let Some(folder) = &folder {
            fs::create_dir_all(folder).map_err(|source| unwritten(folder, source))?;
        }
        for (number, suggestion) in (1..).zip(&mut report.suggestions) {
            let Some(edit) = &suggestion.edit else { continue };
            let file = folder.as_ref().map(|folder| folder.join(file_name(number, suggestion)));
            if let Some(file) = &file {
                fs::write(file, format!("{:#}\n", edit.body)).map_err(|source| unwritten(file, source))?;
            }
            suggestion.verify = line(edit, file.as_deref(), &asking);
        }
    }
    Ok(())
}

fn unwritten(path: &Path, source: io::Error) -> SuggestedError {
    SuggestedError::Write { path: path.display().to_string(), source }
}

fn empty_folder(folder: &Path) -> Result<(), SuggestedError> {
    fs::create_dir_all(folder).map_err(|source| unwritten(folder, source))?;
    let mut found = fs::read_dir(folder).map_err(|source| unwritten(folder, source))?;
    if found.next().is_some() {
        return Err(SuggestedError::NotEmpty(folder.display().to_string()));
    }
    Ok(())
}

/// `03-exclude-the-emergency-accounts.json`.
fn file_name(number: usize, suggestion: &Suggestion) -> PathBuf {
    let mut slug = String::new();
    for letter in suggestion.change.chars() {
        match letter {
            letter if letter.is_ascii_alphanumeric() => slug.push(letter.to_ascii_lowercase()),
            _ if slug.ends_with('-') || slug.is_empty() => {}
            _ => slug.push('-'),
        }
        if slug.len() >= SLUG_LENGTH_MAX {
            break;
        }
    }
    format!("{number:02}-{}.json", slug.trim_matches('-')).into()
}

/// The line that has `guard` try a change; `None` where it would have to come by a stream that is taken.
fn line(edit: &ProposedEdit, file: Option<&Path>, asking: &Asking) -> Option<String> {
    let option = match edit.kind {
        EditKind::Policy => "--policy",
        EditKind::Group => "--group",
    };
    let words: Vec<String> = asking.words.iter().map(|word| shell_word(word)).collect();
    let guard = format!("breakglass guard {} {option}", words.join(" "));
    match file {
        Some(file) => Some(format!("{guard} {}", shell_word(&file.display().to_string()))),
        None if asking.is_stream_taken => None,
        None => Some(format!("printf %s '{}' | {guard} -", plain_json(&edit.body.to_string()))),
    }
}

/// A JSON text in printable ASCII, with nothing that means something between single quotes or in our own reports.
fn plain_json(text: &str) -> String {
    let mut plain = String::new();
    for letter in text.chars() {
        match letter {
            ' '..='~' if !matches!(letter, '\'' | '`') => plain.push(letter),
            _ => {
                let mut units = [0; 2];
                for unit in letter.encode_utf16(&mut units) {
                    plain.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    plain
}

/// A word as a shell takes it for one.
pub(super) fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./_-".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_line_is_one_word_for_the_shell_whatever_is_in_it() {
        let hostile = "it's; $(reboot) `id` \u{202e}\u{1f511}\n";
        let body = json!({ "id": hostile });
        let plain = plain_json(&body.to_string());
        assert!(plain.chars().all(|c| (' '..='~').contains(&c) && c != '\'' && c != '`'), "{plain}");
        assert_eq!(serde_json::from_str::<Value>(&plain).unwrap(), body);
        for (word, expected) in [("a/b-1", "a/b-1"), ("", "''"), ("a b", "'a b'"), ("it's", r"'it'\''s'")] {
            assert_eq!(shell_word(word), expected);
        }
    }

    #[test]
    fn no_line_where_the_stream_is_taken() {
        let edit = ProposedEdit { kind: EditKind::Group, body: json!({ "id": "g" }) };
        let asking = |is_stream_taken| Asking { words: vec!["--snapshot".to_owned(), "-".to_owned()], is_stream_taken };
        assert_eq!(line(&edit, None, &asking(true)), None);
        let file = line(&edit, Some(Path::new("a b/1.json")), &asking(true));
        assert_eq!(file.as_deref(), Some("breakglass guard --snapshot - --group 'a b/1.json'"));
        let piped = line(&edit, None, &asking(false));
        assert_eq!(piped.as_deref(), Some(r#"printf %s '{"id":"g"}' | breakglass guard --snapshot - --group -"#));
    }
}
