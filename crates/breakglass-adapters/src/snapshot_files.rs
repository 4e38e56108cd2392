//! Reads a snapshot from a file, a folder of exported files, or a stream.
//!
//! A folder is read file by file in an order of its own (users first, then by name), so that the same folder
//! gives the same snapshot on every system. Only regular `*.json` and `*.ndjson` files are opened; hidden ones are
//! passed over. UTF-8 with or without byte order mark and UTF-16 with one are read.
//!
//! **Invariant:** what is not taken into the snapshot is named in [`LoadedSnapshot::unrecognised`],
//! [`LoadedSnapshot::unopened`] or [`LoadedSnapshot::notes`], or is an error. **Limits:** [`FILES_MAX`], [`FOLDER_DEPTH_MAX`], and those of
//! [`breakglass_model::snapshot::elements`].

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use breakglass_model::snapshot::elements::SplitError;
use breakglass_model::snapshot::read::{Origin, ReadError, Recognised, SNAPSHOT_FORMAT, rank, read_document};
use breakglass_model::snapshot::{AddError, MissingResource, Renamed, Snapshot, SnapshotBuilder};
use encoding_rs_io::DecodeReaderBytesBuilder;
use walkdir::WalkDir;

/// Most files of one folder.
pub const FILES_MAX: usize = 1_000_000;
/// Deepest folder below the one that was asked for.
pub const FOLDER_DEPTH_MAX: usize = 16;
/// How many files an error names.
const FILES_NAMED_MAX: usize = 8;
/// The path that stands for standard input.
const STREAM: &str = "-";

/// A snapshot, and what was left out of it.
#[derive(Debug)]
pub struct LoadedSnapshot {
    /// The snapshot.
    pub snapshot: Snapshot,
    /// Files that were read and hold nothing that a snapshot has.
    pub unrecognised: Vec<Unrecognised>,
    /// Files of the folder that are called neither `*.json` nor `*.ndjson` and were not opened, in order.
    pub unopened: Vec<String>,
    /// What else the owner of the files may want to know, one sentence each.
    pub notes: Vec<String>,
}

/// A file that holds nothing that a snapshot has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unrecognised {
    /// The file, relative to the folder.
    pub file: String,
    /// What it is instead.
    pub why: String,
}

/// Why there is no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file or folder cannot be opened or read.
    #[error("cannot read `{path}`")]
    Unreadable {
        /// The file or folder.
        path: String,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// The path is a device, a pipe or a socket.
    #[error("`{path}` is neither a file nor a folder")]
    NotAFile {
        /// The path.
        path: String,
    },
    /// The folder is too large.
    #[error("`{path}` has {what}")]
    TooLarge {
        /// The folder.
        path: String,
        /// More of what than the limit.
        what: String,
    },
    /// The folder has no file that could be read.
    #[error("`{path}` has no `*.json` and no `*.ndjson` file")]
    NoFiles {
        /// The folder.
        path: String,
    },
    /// No file holds anything that a snapshot has.
    #[error("nothing in `{path}` is part of a snapshot: {}", listed(seen))]
    NothingRecognised {
        /// The file or folder.
        path: String,
        /// What was seen.
        seen: Vec<Unrecognised>,
    },
    /// A file is not what it should be.
    #[error("`{file}` is not a readable export")]
    Document {
        /// The file.
        file: String,
        /// What is wrong with it.
        #[source]
        error: ReadError,
    },
}

fn listed(seen: &[Unrecognised]) -> String {
    let mut named: Vec<String> =
        seen.iter().take(FILES_NAMED_MAX).map(|seen| format!("`{}` is {}", seen.file, seen.why)).collect();
    if seen.len() > FILES_NAMED_MAX {
        named.push(format!("and {} more", seen.len() - FILES_NAMED_MAX));
    }
    named.join("; ")
}

impl LoadError {
    /// The error's code; it never changes its meaning.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "BG1001",
            Self::NotAFile { .. } => "BG1002",
            Self::TooLarge { .. } => "BG1003",
            Self::NoFiles { .. } => "BG1004",
            Self::NothingRecognised { .. } => "BG1005",
            Self::Document { error, .. } => document_code(error),
        }
    }

    fn is_of_a_missing_property(&self) -> bool {
        let Self::Document { error: ReadError::Object { error: AddError::Malformed { message, .. }, .. }, .. } = self
        else {
            return false;
        };
        message.starts_with("missing field")
    }

    /// What to do now.
    #[must_use]
    pub fn help(&self) -> String {
        match self.code() {
            "BG1001" => "check the path and that this user may read it, then run the command again".to_owned(),
            "BG1002" => "give a file or a folder; for a pipe use `--snapshot -`".to_owned(),
            "BG1003" => "give the folder of the export itself, not one above it".to_owned(),
            "BG1004" => {
                "give the folder into which the export was written; only `*.json` and `*.ndjson` are read".to_owned()
            }
            "BG1005" => format!(
                "export the tenant's users, groups, roles and Conditional \
                 Access policies as Graph's JSON; our own format starts with {{\"format\": \"{SNAPSHOT_FORMAT}\"}}"
            ),
            "BG1006" => "correct the file at that place or export it again; UTF-16 is read only with a byte order mark"
                .to_owned(),
            "BG1007" => "the export was cut off: export the file again and compare its size".to_owned(),
            "BG1008" if matches!(self, Self::Document { error: ReadError::Split(SplitError::TooDeep { .. }), .. }) => {
                "nothing that Graph writes is nested so deep: correct the file at that place, or take it out of the \
                 folder"
                    .to_owned()
            }
            "BG1008" => "split the file into several, or write one object a line into a `.ndjson` file".to_owned(),
            "BG1009" if self.is_of_a_missing_property() => {
                "export the object again with that property, or take the file out of the folder".to_owned()
            }
            "BG1009" => "correct the property at that path; if PowerShell wrote the file, export it again with \
                 `ConvertTo-Json -Depth 100`"
                .to_owned(),
            "BG1010" => "the folder holds exports of different times or tenants: keep one of them".to_owned(),
            "BG1011" => "use a version of breakglass that is as new as the one that wrote the snapshot".to_owned(),
            _ => format!("write \"format\": \"{SNAPSHOT_FORMAT}\" as the first property of the file"),
        }
    }
}

const fn document_code(error: &ReadError) -> &'static str {
    match error {
        ReadError::Split(SplitError::Io(_)) => "BG1001",
        ReadError::Split(SplitError::Unexpected { .. }) => "BG1006",
        ReadError::Object { error: AddError::Syntax { is_cut_off: false, .. }, .. } => "BG1006",
        ReadError::Split(SplitError::CutOff { .. }) => "BG1007",
        ReadError::Object { error: AddError::Syntax { .. }, .. } => "BG1007",
        ReadError::Split(SplitError::TooLarge { .. } | SplitError::TooDeep { .. }) => "BG1008",
        ReadError::Object { error: AddError::Full(_), .. } => "BG1008",
        ReadError::Object { error: AddError::Malformed { .. }, .. } | ReadError::Snapshot { .. } => "BG1009",
        ReadError::Object { error: AddError::Duplicate { .. }, .. } => "BG1010",
        ReadError::Version { .. } => "BG1011",
        ReadError::NoFormat { .. } => "BG1012",
    }
}

/// Reads the snapshot at a path: a file, a folder of exported files, or `-` for standard input.
///
/// # Errors
/// When it cannot be read, a file is malformed, or nothing in it is part of a snapshot.
pub fn read_snapshot(path: &Path) -> Result<LoadedSnapshot, LoadError> {
    if path.as_os_str() == STREAM {
        return read_snapshot_stream(io::stdin().lock());
    }
    let shown = path.display().to_string();
    let metadata = fs::metadata(path).map_err(|error| LoadError::Unreadable { path: shown.clone(), error })?;
    if metadata.is_dir() {
        read_folder(path, &shown)
    } else if metadata.is_file() {
        let file = ExportedFile::alone(path);
        let mut reading = Reading::new();
        reading.file(&file)?;
        reading.finish(shown)
    } else {
        Err(LoadError::NotAFile { path: shown })
    }
}

/// Reads a snapshot from a stream, such as standard input.
///
/// # Errors
/// Those of [`read_snapshot`].
pub fn read_snapshot_stream<R: Read>(stream: R) -> Result<LoadedSnapshot, LoadError> {
    let mut reading = Reading::new();
    reading.document(stream, &Origin { file_name: "", folders: &[] }, STREAM)?;
    reading.finish(STREAM.to_owned())
}

/// One file of an export.
struct ExportedFile {
    path: PathBuf,
    shown: String,
    name: String,
    folders: Vec<String>,
}

impl ExportedFile {
    fn alone(path: &Path) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self { path: path.to_owned(), shown: path.display().to_string(), name, folders: Vec::new() }
    }

    fn below(root: &Path, path: &Path) -> Self {
        let relative = path.strip_prefix(root).unwrap_or(path);
        let root_name = root.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut folders: Vec<String> =
            std::iter::once(root_name).chain(relative.iter().map(|part| part.to_string_lossy().into_owned())).collect();
        let name = folders.pop().unwrap_or_default();
        Self { path: path.to_owned(), shown: relative.display().to_string(), name, folders }
    }

    fn origin(&self) -> Origin<'_> {
        Origin { file_name: &self.name, folders: &self.folders }
    }
}

/// A snapshot that is being read.
struct Reading {
    builder: SnapshotBuilder,
    recognised: usize,
    unrecognised: Vec<Unrecognised>,
    unopened: Vec<String>,
    notes: Vec<String>,
}

impl Reading {
    fn new() -> Self {
        let mut builder = SnapshotBuilder::default();
        builder.source("file");
        Self { builder, recognised: 0, unrecognised: Vec::new(), unopened: Vec::new(), notes: Vec::new() }
    }

    fn file(&mut self, file: &ExportedFile) -> Result<(), LoadError> {
        let opened = File::open(&file.path)
            .map_err(|error| LoadError::Unreadable { path: file.path.display().to_string(), error })?;
        self.document(opened, &file.origin(), &file.shown)
    }

    fn document<R: Read>(&mut self, bytes: R, origin: &Origin<'_>, shown: &str) -> Result<(), LoadError> {
        self.builder.document(shown);
        let text = DecodeReaderBytesBuilder::new().bom_sniffing(true).utf8_passthru(true).strip_bom(true).build(bytes);
        let recognised = read_document(&mut self.builder, text, origin)
            .map_err(|error| LoadError::Document { file: shown.to_owned(), error })?;
        match recognised {
            Recognised::Nothing { why } => self.unrecognised.push(Unrecognised { file: shown.to_owned(), why }),
            Recognised::Snapshot { unread } => {
                self.recognised += 1;
                self.notes.extend(unread.iter().map(|name| format!("`{name}` in `{shown}` is not read")));
            }
            Recognised::Collection { .. } | Recognised::Parts { .. } | Recognised::ScubaGear => self.recognised += 1,
        }
        Ok(())
    }

    fn finish(mut self, path: String) -> Result<LoadedSnapshot, LoadError> {
        if self.recognised == 0 {
            return Err(LoadError::NothingRecognised { path, seen: self.unrecognised });
        }
        for (resource, count) in self.builder.repeated() {
            self.notes.push(format!("{count} of `{}` came again with the same content", resource.name()));
        }
        for Renamed { resource, id, first, second } in self.builder.renamed() {
            let [first, second] = [first, second].map(|(name, document)| match name {
                Some(name) => format!("`{name}` in `{document}`"),
                None => format!("none in `{document}`"),
            });
            let list = resource.name();
            self.notes
                .push(format!("`{list}` has the id `{id}` under two names: {first}, then {second}; the first is kept"));
        }
        let snapshot = self.builder.finish();
        for missing in snapshot.missing_without_list() {
            let MissingResource { resource, why } = missing;
            self.notes.push(format!("`missing` names `{resource}` ({why}), which is no list of a snapshot"));
        }
        self.unopened.sort();
        let Self { unrecognised, unopened, notes, .. } = self;
        Ok(LoadedSnapshot { snapshot, unrecognised, unopened, notes })
    }
}

fn read_folder(root: &Path, shown: &str) -> Result<LoadedSnapshot, LoadError> {
    // `.` and `..` have no name of their own, and the name may say what is in the folder.
    let root = fs::canonicalize(root).map_err(|error| LoadError::Unreadable { path: shown.to_owned(), error })?;
    let mut reading = Reading::new();
    let mut files = files_below(&root, shown, &mut reading)?;
    files.sort_by_cached_key(|file| (rank(&file.origin()), file.path.clone()));
    if files.is_empty() && reading.unrecognised.is_empty() {
        return Err(LoadError::NoFiles { path: shown.to_owned() });
    }
    for file in &files {
        reading.file(file)?;
    }
    reading.finish(shown.to_owned())
}

/// The files of a folder that may be part of an export, in no order.
fn files_below(root: &Path, shown: &str, reading: &mut Reading) -> Result<Vec<ExportedFile>, LoadError> {
    let is_hidden = |name: &OsStr| name.as_encoded_bytes().starts_with(b".");
    let walk = WalkDir::new(root).follow_links(true).max_depth(FOLDER_DEPTH_MAX + 1);
    let mut files = Vec::new();
    for entry in walk.into_iter().filter_entry(|entry| entry.depth() == 0 || !is_hidden(entry.file_name())) {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) if error.loop_ancestor().is_some() => {
                let link = error.path().unwrap_or(root).strip_prefix(root).unwrap_or(root).display().to_string();
                reading.notes.push(format!("the link `{link}` leads back to a folder above it and was not followed"));
                continue;
            }
            Err(error) => return Err(unreadable(error, shown)),
        };
        let is_export = Path::new(entry.file_name())
            .extension()
            .is_some_and(|kind| kind.eq_ignore_ascii_case("json") || kind.eq_ignore_ascii_case("ndjson"));
        if entry.depth() > FOLDER_DEPTH_MAX && (is_export || entry.file_type().is_dir()) {
            let what = format!("folders more than {FOLDER_DEPTH_MAX} deep");
            return Err(LoadError::TooLarge { path: shown.to_owned(), what });
        }
        if entry.file_type().is_dir() {
            continue;
        }
        let file = ExportedFile::below(root, entry.path());
        if files.len() + reading.unopened.len() == FILES_MAX {
            let what = format!("more than {FILES_MAX} files");
            return Err(LoadError::TooLarge { path: shown.to_owned(), what });
        }
        if !is_export {
            reading.unopened.push(file.shown);
            continue;
        }
        if !entry.file_type().is_file() {
            reading.unrecognised.push(Unrecognised { file: file.shown, why: "not a regular file".to_owned() });
            continue;
        }
        files.push(file);
    }
    Ok(files)
}

fn unreadable(error: walkdir::Error, shown: &str) -> LoadError {
    let path = error.path().map_or_else(|| shown.to_owned(), |path| path.display().to_string());
    let error = error.into_io_error().unwrap_or_else(|| io::Error::other("the folder cannot be walked"));
    LoadError::Unreadable { path, error }
}
