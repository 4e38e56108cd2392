//! Log records from files, folders and streams, one at a time and in constant memory.
//!
//! A file is plain, gzip or zstd, told by its first bytes and not by its name. It holds one record a line, a list of
//! them, or objects around such a list (`{"records": […]}` as a diagnostic setting sends them, `{"value": […]}` as Graph
//! answers). A record is handed out as the bytes that stand in the file. What is no record is a [`Fault`] with file and
//! line, and reading goes on behind it.
//!
//! **Invariant:** the same files give the same batches, whatever the system's reads are; memory does not grow with
//! their size. **Limits:** [`RECORD_BYTES_MAX`], [`BATCH_BYTES`], [`LOG_FILES_MAX`], [`LOG_FOLDER_DEPTH_MAX`].

mod compression;
mod parallel;
mod splitter;

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use walkdir::WalkDir;

pub use parallel::{Judge, Progress, judge_records};
pub use splitter::RECORD_BYTES_MAX;
use splitter::{Piece, Splitter};

/// Most files that are read in one go.
pub const LOG_FILES_MAX: usize = 1_000_000;
/// Deepest folder below one that was named; storage accounts nest by year, month, day, hour and minute.
pub const LOG_FOLDER_DEPTH_MAX: usize = 24;
/// Bytes of records that are handed out together, a last record more.
pub const BATCH_BYTES: usize = 1 << 20;
/// Faults of one batch that are kept with their words; the others are counted.
pub const FAULTS_OF_BATCH_MAX: usize = 32;
/// The path that stands for standard input.
const STREAM: &str = "-";

/// Why records cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// A file or folder is not there or may not be read.
    #[error("cannot read `{path}`")]
    Unreadable {
        /// The file or folder.
        path: String,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// There are too many files, or they lie too deep.
    #[error("`{path}` has {what}")]
    TooLarge {
        /// The folder.
        path: String,
        /// More of what than the limit.
        what: String,
    },
    /// A folder has no files.
    #[error("`{path}` has no file with log records")]
    NoFiles {
        /// The folder.
        path: String,
    },
    /// Standard input was named twice.
    #[error("standard input can be read only once")]
    TwoStreams,
}

impl LogError {
    /// What to do now.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "check the path and that this user may read it, then run the command again",
            Self::TooLarge { .. } => "give the folder of the logs itself, not one above it",
            Self::NoFiles { .. } => "give the folder into which the sign-in logs were exported, as JSON",
            Self::TwoStreams => "give `-` once, and files for the rest",
        }
    }
}

/// One source of records.
#[derive(Debug, Clone, PartialEq, Eq)]
struct LogFile {
    /// Where it is; `None` is standard input.
    path: Option<PathBuf>,
    /// How it is shown.
    shown: Arc<str>,
    /// Whether it was found in a folder, so that it need not be a log at all.
    is_found: bool,
}

/// Files with log records, in the order in which they are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFiles {
    files: Vec<LogFile>,
}

/// Bytes that are no record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file.
    pub file: Arc<str>,
    /// The line at which it begins, from one.
    pub line: u64,
    /// What is wrong.
    pub what: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.what)
    }
}

/// Records of one file that are handed out together.
#[derive(Debug, Default)]
pub struct RecordBatch {
    /// Which batch it is, from zero, over all files.
    pub number: u64,
    /// How many records were handed out before it.
    pub records_before: u64,
    /// The file.
    file: Arc<str>,
    bytes: Vec<u8>,
    /// Where each record ends in the bytes, and its line.
    ends: Vec<(usize, u64)>,
    /// The first faults that lie between the records.
    pub faults: Vec<Fault>,
    /// How many faults there are.
    pub fault_count: u64,
    /// Files that hold no log, where they were found in a folder.
    pub left_out: Vec<Arc<str>>,
    /// Bytes that were read for it from the file, decompressed.
    pub bytes_read: u64,
}

/// One record as it stands in its file.
#[derive(Debug, Clone, Copy)]
pub struct RawRecord<'b> {
    /// Its bytes.
    pub bytes: &'b [u8],
    /// The line at which it begins, from one.
    pub line: u64,
    /// Which record it is, from zero, over all files.
    pub number: u64,
}

impl RecordBatch {
    /// The file that the records are of.
    #[must_use]
    pub fn file(&self) -> &Arc<str> {
        &self.file
    }

    /// How many records it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether it has no record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The records in order.
    pub fn records(&self) -> impl Iterator<Item = RawRecord<'_>> {
        let starts = std::iter::once(0).chain(self.ends.iter().map(|(end, _)| *end));
        starts.zip(&self.ends).zip(self.records_before..).map(|((start, (end, line)), number)| RawRecord {
            bytes: self.bytes.get(start..*end).unwrap_or_default(),
            line: *line,
            number,
        })
    }

    /// A fault in one of its records.
    #[must_use]
    pub fn fault(&self, record: &RawRecord<'_>, what: String) -> Fault {
        Fault { file: Arc::clone(&self.file), line: record.line, what }
    }

    fn clear(&mut self, number: u64, records_before: u64, file: &Arc<str>) {
        *self = Self {
            number,
            records_before,
            file: Arc::clone(file),
            bytes: std::mem::take(&mut self.bytes),
            ends: std::mem::take(&mut self.ends),
            ..Self::default()
        };
        self.bytes.clear();
        self.ends.clear();
    }

    fn push_fault(&mut self, line: u64, what: String) {
        self.fault_count += 1;
        if self.faults.len() < FAULTS_OF_BATCH_MAX {
            self.faults.push(Fault { file: Arc::clone(&self.file), line, what });
        }
    }

    const fn has_something(&self) -> bool {
        !self.ends.is_empty() || self.fault_count > 0 || !self.left_out.is_empty()
    }
}

impl LogFiles {
    /// Finds the files behind some paths: a file is itself, a folder every regular file below it that is not hidden, in
    /// the order of their paths, and `-` standard input.
    ///
    /// # Errors
    /// When a path is not there, a folder has no files or too many, or standard input is named twice.
    pub fn find(paths: &[PathBuf]) -> Result<Self, LogError> {
        let mut files = Vec::new();
        for path in paths {
            let shown = path.display().to_string();
            if path.as_os_str() == STREAM {
                if files.iter().any(|file: &LogFile| file.path.is_none()) {
                    return Err(LogError::TwoStreams);
                }
                files.push(LogFile { path: None, shown: "standard input".into(), is_found: false });
                continue;
            }
            let metadata = fs::metadata(path).map_err(|error| LogError::Unreadable { path: shown.clone(), error })?;
            if metadata.is_dir() {
                add_folder(path, &shown, &mut files)?;
            } else {
                // A pipe is as good as a file: it is read once, from its beginning.
                File::open(path).map_err(|error| LogError::Unreadable { path: shown.clone(), error })?;
                files.push(LogFile { path: Some(path.clone()), shown: shown.into(), is_found: false });
            }
        }
        Ok(Self { files })
    }

    /// Whether standard input is among them.
    #[must_use]
    pub fn has_stream(&self) -> bool {
        self.files.iter().any(|file| file.path.is_none())
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Reads every record, batch by batch. `next` gives an empty batch to be filled, whose room is reused, and takes a
    /// filled one; it ends the reading with `None`.
    fn read(&self, mut next: impl FnMut(Option<RecordBatch>) -> Option<RecordBatch>) {
        let Some(mut batch) = next(None) else { return };
        let (mut number, mut records) = (0, 0);
        for file in &self.files {
            batch.clear(number, records, &file.shown);
            let mut splitter = match file.open() {
                Ok(reader) => Splitter::new(reader),
                Err(error) => {
                    batch.push_fault(1, format!("the file cannot be opened: {error}"));
                    Splitter::new(Box::new(io::empty()) as Box<dyn Read + Send>)
                }
            };
            let mut is_first = true;
            loop {
                let is_over = fill(&mut batch, &mut splitter, file.is_found && is_first);
                is_first = false;
                if batch.has_something() {
                    records += batch.len() as u64;
                    number += 1;
                    let Some(empty) = next(Some(batch)) else { return };
                    batch = empty;
                    batch.clear(number, records, &file.shown);
                }
                if is_over {
                    break;
                }
            }
        }
    }
}

impl LogFile {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        match &self.path {
            Some(path) => compression::plain(File::open(path)?),
            None => compression::plain(io::stdin()),
        }
    }
}

/// Fills a batch; `true` at the end of the file.
fn fill(batch: &mut RecordBatch, splitter: &mut Splitter<Box<dyn Read + Send>>, may_be_no_log: bool) -> bool {
    if may_be_no_log && !splitter.begins_as_log() {
        batch.left_out.push(Arc::clone(&batch.file));
        return true;
    }
    let before = splitter.bytes_read();
    let is_over = loop {
        match splitter.next() {
            None => break true,
            Some(Piece::Record { bytes, line }) => {
                batch.bytes.extend_from_slice(bytes);
                batch.ends.push((batch.bytes.len(), line));
            }
            Some(Piece::Fault { line, what }) => batch.push_fault(line, what),
        }
        if batch.bytes.len() >= BATCH_BYTES || batch.faults.len() >= FAULTS_OF_BATCH_MAX {
            break false;
        }
    };
    batch.bytes_read = splitter.bytes_read() - before;
    is_over
}

fn add_folder(root: &Path, shown: &str, files: &mut Vec<LogFile>) -> Result<(), LogError> {
    let before = files.len();
    let is_hidden = |name: &std::ffi::OsStr| name.as_encoded_bytes().starts_with(b".");
    let walk = WalkDir::new(root).follow_links(true).max_depth(LOG_FOLDER_DEPTH_MAX + 1).sort_by_file_name();
    for entry in walk.into_iter().filter_entry(|entry| entry.depth() == 0 || !is_hidden(entry.file_name())) {
        let entry = match entry {
            Ok(entry) => entry,
            // What lies behind a link that leads back was or will be read where it is.
            Err(error) if error.loop_ancestor().is_some() => continue,
            Err(error) => {
                let path = error.path().unwrap_or(root).display().to_string();
                return Err(LogError::Unreadable { path, error: error.into() });
            }
        };
        if entry.depth() > LOG_FOLDER_DEPTH_MAX {
            let what = format!("folders more than {LOG_FOLDER_DEPTH_MAX} deep");
            return Err(LogError::TooLarge { path: shown.to_owned(), what });
        }
        if !entry.file_type().is_file() {
            continue;
        }
        if files.len() == LOG_FILES_MAX {
            return Err(LogError::TooLarge {
                path: shown.to_owned(),
                what: format!("more than {LOG_FILES_MAX} files"),
            });
        }
        let name = entry.path().display().to_string();
        files.push(LogFile { path: Some(entry.into_path()), shown: name.into(), is_found: true });
    }
    if files.len() == before {
        return Err(LogError::NoFiles { path: shown.to_owned() });
    }
    Ok(())
}
