//! A disk that forgets: after a crash, of what was not made durable any part may be there, in any order.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use breakglass_adapters::disk::Disk;

/// What a program may leave out that is careless; each has to be found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Careless {
    /// Nothing is left out.
    No,
    /// The bytes are not made durable.
    Bytes,
    /// The names are not.
    Names,
    /// It is written under its own name at once.
    Rename,
}

impl Careless {
    /// Each way of being careless.
    pub(crate) const EACH: [Self; 3] = [Self::Bytes, Self::Names, Self::Rename];
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
pub(crate) struct Forgetful {
    contents: Arc<Mutex<Contents>>,
    careless: Careless,
    /// What the name of a whole file ends with.
    ending: &'static str,
    /// Whether there are files without a name.
    has_unnamed: bool,
    /// Calls that are carried out; then it crashes.
    left: Arc<Mutex<usize>>,
}

impl Forgetful {
    pub(crate) fn new(careless: Careless, calls: usize) -> Self {
        let (contents, left) = (Arc::default(), Arc::new(Mutex::new(calls)));
        Self { contents, careless, ending: "txt", has_unnamed: true, left }
    }

    /// The same with whole files of another ending.
    pub(crate) fn with_ending(self, ending: &'static str) -> Self {
        Self { ending, ..self }
    }

    /// The same without files that have no name.
    pub(crate) fn without_unnamed(self) -> Self {
        Self { has_unnamed: false, ..self }
    }

    /// The same disk for whoever comes after a process that was killed: nothing is forgotten, and this many calls are
    /// carried out.
    pub(crate) fn goes_on(&self, calls: usize) -> Self {
        Self { left: Arc::new(Mutex::new(calls)), ..self.clone() }
    }

    /// The same disk for whoever is careless.
    pub(crate) fn with_care(self, careless: Careless) -> Self {
        Self { careless, ..self }
    }

    /// A copy of which nothing comes back here.
    pub(crate) fn apart(&self) -> Self {
        let contents = Arc::new(Mutex::new(self.contents.lock().unwrap().clone()));
        Self { contents, left: Arc::new(Mutex::new(self.left())), ..self.clone() }
    }

    /// Something beside it takes one of the calls; whether that is carried out.
    pub(crate) fn is_there(&self) -> bool {
        self.call().is_ok()
    }

    /// Calls that are left until it crashes.
    pub(crate) fn left(&self) -> usize {
        *self.left.lock().unwrap()
    }

    /// Every disk that may be found after the crash.
    pub(crate) fn crashed(&self) -> Vec<Self> {
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
                ending: self.ending,
                has_unnamed: self.has_unnamed,
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
    type Unnamed = usize;
    type Lock = ();

    fn write_new(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut contents = self.call()?;
        if contents.names.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        contents.files.push((Vec::new(), bytes.to_vec()));
        let file = contents.files.len() - 1;
        contents.change(Change::Link(path.to_owned(), file));
        Ok(())
    }

    fn write_unnamed(&self, _: &Path, bytes: &[u8]) -> io::Result<usize> {
        let mut contents = self.call()?;
        if !self.has_unnamed {
            return Err(io::ErrorKind::Unsupported.into());
        }
        contents.files.push((Vec::new(), bytes.to_vec()));
        Ok(contents.files.len() - 1)
    }

    fn sync_unnamed(&self, file: &usize) -> io::Result<()> {
        let mut contents = self.call()?;
        if self.careless != Careless::Bytes {
            contents.files[*file].0 = contents.files[*file].1.clone();
        }
        Ok(())
    }

    fn link(&self, file: &usize, path: &Path) -> io::Result<()> {
        let mut contents = self.call()?;
        if contents.names.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        contents.change(Change::Link(path.to_owned(), *file));
        Ok(())
    }

    fn lock(&self, _: &Path) -> io::Result<()> {
        self.call().map(drop)
    }

    fn make_folder(&self, _: &Path) -> io::Result<()> {
        self.call().map(|_| ())
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut contents = self.call()?;
        let whole = path.with_extension(self.ending);
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
        let whole = path.with_extension(self.ending);
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
