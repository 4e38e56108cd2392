//! Folders of a test's own, and the reference data.

use std::fs;
use std::path::{Path, PathBuf};

use breakglass_adapters::{LoadError, LoadedSnapshot, read_snapshot};

/// A folder that is gone after the test.
pub(crate) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// An empty folder; the name must be the test's own.
    pub(crate) fn new(test: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("snapshot-files-{}-{test}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self { path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) fn read(&self) -> LoadedSnapshot {
        read_snapshot(&self.path).unwrap_or_else(|error| panic!("{}", sentence(&error)))
    }

    pub(crate) fn fault(&self) -> LoadError {
        fault(&self.path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

pub(crate) fn fault(path: &Path) -> LoadError {
    match read_snapshot(path) {
        Ok(loaded) => panic!("{} was read: {:?}", path.display(), loaded.notes),
        Err(error) => error,
    }
}

/// The error and its causes, as the binary prints them.
pub(crate) fn sentence(error: &LoadError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Test data that lies in the repository.
pub(crate) fn own_data(set: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/conditional-access").join(set)
}

/// Reference data beside the repository, which not everybody has.
pub(crate) fn reference_data(set: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/conditional-access").join(set);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: the reference data `{set}` is not beside the repository");
    None
}
