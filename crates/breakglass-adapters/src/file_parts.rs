//! Parts of something long, as files of a folder: the port [`Parts`].
//!
//! Each part is one file that only grows; what `append` has taken is on the disk. Only the owner may read them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};

use breakglass_ops::ports::{Parts, PartsError};

/// What the name of a part's file ends with.
const ENDING: &str = "part";

/// A folder with parts.
#[derive(Debug)]
pub struct FileParts(PathBuf);

impl FileParts {
    /// The parts in a folder, which is made as the first is added.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    fn path(&self, part: &str) -> PathBuf {
        self.0.join(format!("{part}.{ENDING}"))
    }
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> PartsError {
    let place = path.display().to_string();
    |source| PartsError { place, source }
}

impl Parts for FileParts {
    fn append(&self, part: &str, bytes: &[u8]) -> Result<(), PartsError> {
        let path = self.path(part);
        let write = || -> io::Result<()> {
            private_folder(&self.0)?;
            let is_new = !path.exists();
            let mut file = private(OpenOptions::new().append(true).create(true)).open(&path)?;
            file.write_all(bytes)?;
            file.sync_data()?;
            if is_new { sync_folder(&self.0) } else { Ok(()) }
        };
        write().map_err(failed(&path))
    }

    fn open(&self, part: &str) -> Result<Option<Box<dyn BufRead + Send>>, PartsError> {
        let path = self.path(part);
        match File::open(&path) {
            Ok(file) => Ok(Some(Box::new(BufReader::new(file)))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(&path)(error)),
        }
    }

    /// Removes the parts, and the folder if nothing else is in it.
    fn clear(&self) -> Result<(), PartsError> {
        let remove = || -> io::Result<()> {
            let entries = match fs::read_dir(&self.0) {
                Ok(entries) => entries,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                Err(error) => return Err(error),
            };
            let mut is_left = false;
            for entry in entries {
                let path = entry?.path();
                if path.extension().is_some_and(|ending| ending == ENDING) {
                    fs::remove_file(path)?;
                } else {
                    is_left = true;
                }
            }
            if is_left { Ok(()) } else { fs::remove_dir(&self.0) }
        };
        remove().map_err(failed(&self.0))
    }
}

/// Makes a folder that only its owner enters, if there is none.
pub(crate) fn private_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// A file that is made is only its owner's.
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    // Only Unix has folders that are synchronised.
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}
