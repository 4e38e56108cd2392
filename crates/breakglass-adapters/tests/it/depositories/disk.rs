//! A disk that forgets: after a crash, of what was not made durable any part may be there, in any order.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use breakglass_adapters::folder_depository::Disk;

/// What a program may leave out that is careless; each has to be found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Careless {
    /// Nothing is left out.
    No,
    /// The bytes are not made durable.
    Bytes,
    /// The names are not.
    Names,
    /// It is written under its own name at once.
    Rename,
}

/// A change of names that may be forgotten.
#[derive(Debug, Clone)]
enum Change {
    Link(PathBuf, usize),
    Rename(PathBuf, PathBuf, usize),
    Unlink(PathBuf),
}

#[derive(Debug, Clone, Default)]
struct Contents {
    /// Bytes of each file as they are durable, and as they are.
    files: Vec<(Vec<u8>, Vec<u8>)>,
    /// Names as they are durable.
    kept: BTreeMap<PathBuf, usize>,
    /// Names as they are.
    names: BTreeMap<PathBuf, usize>,
    changes: Vec<Change>,
}

impl Contents {
    fn change(&mut self, change: Change) {
        Self::apply(&mut self.names, &change);
        self.changes.push(change);
    }

    fn apply(names: &mut BTreeMap<PathBuf, usize>, change: &Change) {
        match change {
            Change::Link(path, file) => {
                names.insert(path.clone(), *file);
            }
            Change::Rename(from, to, file) => {
                if names.get(from) == Some(file) {
                    names.remove(from);
                }
                names.insert(to.clone(), *file);
            }
            Change::Unlink(path) => {
                names.remove(path);
            }
        }
    }
}

/// A disk, which can be shared.
#[derive(Debug, Clone)]
pub(super) struct Forgetful {
    contents: Arc<Mutex<Contents>>,
    careless: Careless,
    /// Calls that are carried out; then it crashes.
    left: Arc<Mutex<usize>>,
}

impl Forgetful {
    pub(super) fn new(careless: Careless, calls: usize) -> Self {
        Self { contents: Arc::default(), careless, left: Arc::new(Mutex::new(calls)) }
    }

    /// Calls that are left until it crashes.
    pub(super) fn left(&self) -> usize {
        *self.left.lock().unwrap()
    }

    /// Every disk that may be found after the crash.
    pub(super) fn crashed(&self) -> Vec<Self> {
        let contents = self.contents.lock().unwrap();
        let mut found = Vec::new();
        for chosen in 0..1_u32 << contents.changes.len() {
            let mut names = contents.kept.clone();
            let changes = contents.changes.iter().enumerate().filter(|(at, _)| chosen & (1 << at) != 0);
            changes.for_each(|(_, change)| Contents::apply(&mut names, change));
            let mut all = vec![Vec::new()];
            for (kept, bytes) in &contents.files {
                let mut forms =
                    vec![kept.clone(), bytes.clone(), bytes[..bytes.len() / 2].to_vec(), vec![0; bytes.len()]];
                if kept == bytes {
                    forms.truncate(1);
                }
                all = all
                    .into_iter()
                    .flat_map(|files| forms.iter().map(move |form| [files.clone(), vec![form.clone()]].concat()))
                    .collect();
            }
            found.extend(all.into_iter().map(|files| Self {
                contents: Arc::new(Mutex::new(Contents {
                    files: files.into_iter().map(|bytes| (bytes.clone(), bytes)).collect(),
                    kept: names.clone(),
                    names: names.clone(),
                    changes: Vec::new(),
                })),
                careless: self.careless,
                left: Arc::new(Mutex::new(usize::MAX)),
            }));
        }
        found
    }

    fn call(&self) -> io::Result<std::sync::MutexGuard<'_, Contents>> {
        let mut left = self.left.lock().unwrap();
        *left = left.checked_sub(1).ok_or_else(|| io::Error::other("it has crashed"))?;
        Ok(self.contents.lock().unwrap())
    }
}

fn missing() -> io::Error {
    io::ErrorKind::NotFound.into()
}

impl Disk for Forgetful {
    fn make_folder(&self, _: &Path) -> io::Result<()> {
        self.call().map(|_| ())
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut contents = self.call()?;
        let whole = path.with_extension("txt");
        let path = if self.careless == Careless::Rename { whole.as_path() } else { path };
        let file = match contents.names.get(path) {
            Some(file) => *file,
            None => {
                contents.files.push((Vec::new(), Vec::new()));
                let file = contents.files.len() - 1;
                contents.change(Change::Link(path.to_owned(), file));
                file
            }
        };
        contents.files[file].1 = bytes.to_vec();
        Ok(())
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        let mut contents = self.call()?;
        let whole = path.with_extension("txt");
        let path = if self.careless == Careless::Rename { whole.as_path() } else { path };
        let file = *contents.names.get(path).ok_or_else(missing)?;
        if self.careless != Careless::Bytes {
            contents.files[file].0 = contents.files[file].1.clone();
        }
        Ok(())
    }

    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        let mut contents = self.call()?;
        if self.careless != Careless::Names {
            contents.kept = contents.names.clone();
            contents.changes.clear();
        }
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut contents = self.call()?;
        if self.careless == Careless::Rename {
            return Ok(());
        }
        let file = *contents.names.get(from).ok_or_else(missing)?;
        contents.change(Change::Rename(from.to_owned(), to.to_owned(), file));
        Ok(())
    }

    fn read(&self, path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
        let contents = self.call()?;
        let file = *contents.names.get(path).ok_or_else(missing)?;
        let bytes = &contents.files[file].1;
        Ok(bytes[..bytes.len().min(usize::try_from(bytes_max).unwrap())].to_vec())
    }

    fn names(&self, _: &Path) -> io::Result<Vec<String>> {
        let contents = self.call()?;
        Ok(contents.names.keys().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut contents = self.call()?;
        contents.names.get(path).ok_or_else(missing)?;
        contents.change(Change::Unlink(path.to_owned()));
        Ok(())
    }
}
