//! Small text files: configurations, ours and other tools'.
//!
//! UTF-8 with or without a byte order mark, and UTF-16 with one, as editors and PowerShell write them.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// Why a text file cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TextError {
    /// The system refuses.
    #[error("`{}` cannot be read", path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// It is larger than such a file is.
    #[error("`{}` is larger than {bytes_max} bytes", path.display())]
    TooLarge { path: PathBuf, bytes_max: u64 },
    /// It is not text.
    #[error("`{}` is not text in UTF-8 or UTF-16", path.display())]
    NotText { path: PathBuf },
}

/// Reads a text of at most so many bytes.
pub(crate) fn read_text(path: &Path, bytes_max: u64) -> Result<String, TextError> {
    let file = File::open(path).map_err(|source| TextError::Io { path: path.into(), source })?;
    text_of(file, path, bytes_max)
}

/// Reads a text of at most so many bytes from what was opened; `path` is its name in errors.
pub(crate) fn text_of(source: impl io::Read, path: &Path, bytes_max: u64) -> Result<String, TextError> {
    let failed = |source| TextError::Io { path: path.into(), source };
    let mut bytes = Vec::new();
    source.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > bytes_max {
        return Err(TextError::TooLarge { path: path.into(), bytes_max });
    }
    decoded(bytes).ok_or_else(|| TextError::NotText { path: path.into() })
}

fn decoded(bytes: Vec<u8>) -> Option<String> {
    match bytes.as_slice() {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8(rest.to_vec()).ok(),
        _ => String::from_utf8(bytes).ok(),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<String> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
    String::from_utf16(&units).ok().filter(|_| rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_told_by_their_marks() {
        let cases: [(&[u8], Option<&str>); 8] = [
            (b"", Some("")),
            ("é".as_bytes(), Some("é")),
            (b"\xef\xbb\xbfa", Some("a")),
            (b"\xff\xfea\0\xe9\0", Some("aé")),
            (b"\xfe\xff\0a\0\xe9", Some("aé")),
            (b"\xff\xfea", None),
            (b"\xff\xfe\x00\xd8", None),
            (b"\xe9", None),
        ];
        for (bytes, expected) in cases {
            assert_eq!(decoded(bytes.to_vec()).as_deref(), expected, "{bytes:?}");
        }
    }
}
