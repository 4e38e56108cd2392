//! Sealed documents as files of a folder: the port [`Depository`].
//!
//! A document is the file `NAME.txt`, as it is: whoever has no program of ours reads it with other people's. A new one is
//! written under another name, made durable, renamed, and the name is made durable; so under a name there is a whole document
//! or none. What an interrupted writer left is passed over, and overwritten by the next that keeps the same.
//! **Invariant:** a folder that was named as a depository and is not there is never taken for one without documents, and is
//! never made again once documents were kept: it may be a medium that is not plugged in.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;

use async_trait::async_trait;
use breakglass_custody::name::Name;
use breakglass_ops::ports::{DOCUMENT_BYTES_MAX, Depository, DepositoryError, check_length};

use crate::disk::{Disk, NAME_COUNT_MAX, RealDisk};

/// What the name of a document's file ends with.
const ENDING: &str = "txt";

/// What the name of a file ends with that is being written.
const ENDING_PARTIAL: &str = "partial";

/// Documents that a folder may have; others are an error, since nobody reads so many.
pub const DOCUMENT_COUNT_MAX: usize = NAME_COUNT_MAX;

/// What has to be found in a folder that was named as a depository, by which it is known from another that lies in its place:
/// the empty folder that a medium is mounted on, above all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// No document was kept so far: the folder may be made, in one that is there.
    Nothing,
    /// The folder, and if documents are named, one of them at least.
    OneOf(BTreeSet<Name>),
    /// It cannot be told; with the reason. Nothing is kept there.
    Unknown(String),
}

/// A folder with documents.
#[derive(Debug)]
pub struct FolderDepository<D = RealDisk> {
    folder: PathBuf,
    disk: D,
    /// `None` of one that is made whenever it is missing.
    expected: Option<Expected>,
}

impl FolderDepository {
    /// The documents in a folder, which is made as the first is kept.
    #[must_use]
    pub const fn new(folder: PathBuf) -> Self {
        Self::on(folder, RealDisk)
    }

    /// The documents in a folder that somebody named: where it lies on a medium, that may be missing.
    #[must_use]
    pub const fn declared(folder: PathBuf, expected: Expected) -> Self {
        Self { folder, disk: RealDisk, expected: Some(expected) }
    }
}

impl<D: Disk> FolderDepository<D> {
    /// The same on another disk.
    pub const fn on(folder: PathBuf, disk: D) -> Self {
        Self { folder, disk, expected: None }
    }

    fn missing(&self) -> DepositoryError {
        let why = "the folder is not there: is the medium plugged in? If it is a new place, make the folder, and copy the \
                   documents into it that lie in another";
        DepositoryError::Refused { place: self.place(), why: why.to_owned() }
    }

    /// Whether it may be missing: where nobody named it, or nothing was kept.
    const fn may_be_missing(&self) -> bool {
        matches!(self.expected, None | Some(Expected::Nothing))
    }

    /// Refuses a folder that is missing though documents lie in it.
    fn is_there(&self) -> Result<(), DepositoryError> {
        if self.may_be_missing() {
            return Ok(());
        }
        match self.disk.names(&self.folder) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(self.missing()),
            Err(error) => Err(self.refused(&error)),
        }
    }

    /// Refuses a folder that is another than the one that is meant.
    fn is_the_one(&self) -> Result<(), DepositoryError> {
        let refused = |why: String| Err(DepositoryError::Refused { place: self.place(), why });
        match &self.expected {
            None => Ok(()),
            Some(Expected::Unknown(why)) => {
                refused(format!("it cannot be told whether it is the folder that is meant: {why}"))
            }
            Some(Expected::Nothing) => match self.folder.parent() {
                Some(parent) if !parent.as_os_str().is_empty() => match self.disk.names(parent) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => Err(self.missing()),
                    _ => Ok(()),
                },
                _ => Ok(()),
            },
            Some(Expected::OneOf(names)) => {
                self.is_there()?;
                for name in names {
                    if self.found(name)?.is_some() {
                        return Ok(());
                    }
                }
                if names.is_empty() {
                    return Ok(());
                }
                let names = names.iter().map(Name::as_str).collect::<Vec<_>>().join(", ");
                refused(format!(
                    "none of the documents that count lies there ({names}): is the medium plugged in? If it is a new place, \
                     copy them into it from another first"
                ))
            }
        }
    }

    fn path(&self, name: &Name, ending: &str) -> PathBuf {
        self.folder.join(format!("{name}.{ending}"))
    }

    fn refused(&self, error: &io::Error) -> DepositoryError {
        DepositoryError::Refused { place: self.place(), why: error.to_string() }
    }

    fn found(&self, name: &Name) -> Result<Option<String>, DepositoryError> {
        let bytes_max = DOCUMENT_BYTES_MAX as u64 + 1;
        let bytes = match self.disk.read(&self.path(name, ENDING), bytes_max) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.refused(&error)),
        };
        if bytes.len() as u64 == bytes_max {
            return Err(DepositoryError::TooLarge { name: name.clone(), bytes: bytes_max });
        }
        let text = String::from_utf8(bytes).map_err(|error| DepositoryError::Damaged {
            place: self.place(),
            name: name.clone(),
            why: format!("it is no text: {error}"),
        });
        text.map(Some)
    }

    fn written(&self, name: &Name, text: &str) -> io::Result<()> {
        let (partial, whole) = (self.path(name, ENDING_PARTIAL), self.path(name, ENDING));
        self.disk.make_folder(&self.folder)?;
        let write = || {
            self.disk.write(&partial, text.as_bytes())?;
            self.disk.sync(&partial)?;
            self.disk.rename(&partial, &whole)
        };
        write().inspect_err(|_| {
            // Nobody keeps the same again: it would lie there for good, where there may be no room.
            let _ = self.disk.remove(&partial);
        })?;
        self.disk.sync_folder(&self.folder)
    }
}

#[async_trait]
impl<D: Disk> Depository for FolderDepository<D> {
    fn place(&self) -> String {
        self.folder.display().to_string()
    }

    async fn keep(&self, name: &Name, text: &str) -> Result<(), DepositoryError> {
        check_length(name, text)?;
        self.is_the_one()?;
        match self.found(name)? {
            // Whoever kept it before may have been stopped before its name was durable.
            Some(found) if found == text => {
                self.disk.sync_folder(&self.folder).map_err(|error| self.refused(&error))?
            }
            Some(_) => return Err(DepositoryError::Taken { place: self.place(), name: name.clone() }),
            None => self.written(name, text).map_err(|error| self.refused(&error))?,
        }
        let damaged =
            |why: &str| DepositoryError::Damaged { place: self.place(), name: name.clone(), why: why.to_owned() };
        match self.found(name)? {
            Some(found) if found == text => Ok(()),
            Some(_) => Err(damaged("another text is read back")),
            None => Err(damaged("nothing is read back")),
        }
    }

    async fn read(&self, name: &Name) -> Result<Option<String>, DepositoryError> {
        let found = self.found(name)?;
        if found.is_none() {
            self.is_there()?;
        }
        Ok(found)
    }

    async fn names(&self) -> Result<Vec<Name>, DepositoryError> {
        let found = match self.disk.names(&self.folder) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.may_be_missing() => return Ok(Vec::new()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(self.missing()),
            Err(error) => return Err(self.refused(&error)),
        };
        if found.len() > DOCUMENT_COUNT_MAX {
            let why = format!("it has more than {DOCUMENT_COUNT_MAX} files");
            return Err(DepositoryError::Refused { place: self.place(), why });
        }
        let stems = found.iter().filter_map(|file| file.strip_suffix(ENDING)?.strip_suffix('.'));
        let mut names: Vec<Name> = stems.filter_map(|stem| Name::read(stem).ok()).collect();
        names.sort();
        Ok(names)
    }

    async fn destroy(&self, name: &Name) -> Result<(), DepositoryError> {
        self.is_there()?;
        match self.disk.remove(&self.path(name, ENDING)) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(self.refused(&error)),
        }
        match self.disk.sync_folder(&self.folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.refused(&error)),
            _ => Ok(()),
        }
    }
}
