//! Files that are gone: whatever appears below a folder is linked under another name at once, so that what is in it stays when
//! its own name goes.
//!
//! **Leaves out:** what has come and gone before it could be linked. How often that was is counted, and said.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor};

use super::world::files_below;

/// Looks after which a file that was written is believed not to be seen.
const LOOK_COUNT: usize = 1_000_000;

/// What was linked of everything below a folder.
pub(super) struct Removed {
    folder: PathBuf,
    links: PathBuf,
    missed: Arc<AtomicUsize>,
}

impl Removed {
    /// Begins with a folder, which is looked at until it is gone itself.
    pub(super) fn below(folder: &Path) -> Self {
        let links = folder.with_extension("removed");
        drop(fs::remove_dir_all(&links));
        fs::create_dir_all(&links).unwrap();
        let missed = Arc::<AtomicUsize>::default();
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC).unwrap();
        let mut watch =
            Watch { inotify, folders: BTreeMap::new(), links: links.clone(), count: 0, missed: Arc::clone(&missed) };
        // From here on nothing is missed that is there when this returns.
        watch.looks_into(folder);
        std::thread::spawn(move || watch.goes_on());
        Self { folder: folder.to_owned(), links, missed }
    }

    /// Files that are gone, each once, with its name and what was in it last.
    pub(super) fn files(&self) -> Vec<(String, Vec<u8>)> {
        let number = |path: &Path| fs::metadata(path).unwrap().ino();
        let mut known: BTreeSet<u64> = files_below(&self.folder).iter().map(|path| number(path)).collect();
        let mut links = files_below(&self.links);
        links.retain(|link| known.insert(number(link)));
        println!("{} files are gone, and {} were before they were seen", links.len(), self.missed());
        let file = |link: &PathBuf| (link.file_name().unwrap().display().to_string(), fs::read(link).unwrap());
        links.iter().map(file).collect()
    }

    fn missed(&self) -> usize {
        self.missed.load(Ordering::SeqCst)
    }

    /// Waits until a file was seen that is there.
    fn has_seen(&self, path: &Path) {
        let number = fs::metadata(path).unwrap().ino();
        let is_there = || files_below(&self.links).iter().any(|link| fs::metadata(link).unwrap().ino() == number);
        let is_seen = (0..LOOK_COUNT).any(|_| {
            std::thread::yield_now();
            is_there()
        });
        assert!(is_seen, "{}", path.display());
    }
}

impl Drop for Removed {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            drop(fs::remove_dir_all(&self.links));
        }
    }
}

/// Whoever looks, and links.
struct Watch {
    inotify: Inotify,
    folders: BTreeMap<WatchDescriptor, PathBuf>,
    links: PathBuf,
    count: usize,
    missed: Arc<AtomicUsize>,
}

impl Watch {
    fn looks_into(&mut self, folder: &Path) {
        let wanted = AddWatchFlags::IN_CREATE | AddWatchFlags::IN_MOVED_TO | AddWatchFlags::IN_ONLYDIR;
        match self.inotify.add_watch(folder, wanted) {
            Ok(watched) => drop(self.folders.insert(watched, folder.to_owned())),
            Err(_) => self.misses(),
        }
        // What has come before it was looked at.
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            self.sees(&entry.path());
        }
    }

    fn sees(&mut self, path: &Path) {
        match fs::symlink_metadata(path) {
            Ok(about) if about.is_dir() => self.looks_into(path),
            Ok(about) if about.is_file() => {
                self.count += 1;
                let name = path.file_name().unwrap().to_string_lossy();
                if fs::hard_link(path, self.links.join(format!("{:06}-{name}", self.count))).is_err() {
                    self.misses();
                }
            }
            Ok(_) => {}
            Err(_) => self.misses(),
        }
    }

    fn misses(&self) {
        self.missed.fetch_add(1, Ordering::SeqCst);
    }

    /// Until no folder is left.
    fn goes_on(mut self) {
        while !self.folders.is_empty() {
            let events = match self.inotify.read_events() {
                Ok(events) => events,
                Err(Errno::EINTR) => continue,
                Err(error) => panic!("nobody sees what is taken away: {error}"),
            };
            for event in events {
                if event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW) {
                    self.misses();
                } else if event.mask.contains(AddWatchFlags::IN_IGNORED) {
                    self.folders.remove(&event.wd);
                } else if let (Some(folder), Some(name)) = (self.folders.get(&event.wd).cloned(), event.name) {
                    self.sees(&folder.join(name));
                }
            }
        }
    }
}

#[test]
fn what_is_taken_away_is_there_still() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("key-box-taken-away");
    drop(fs::remove_dir_all(&folder));
    fs::create_dir_all(folder.join("early")).unwrap();
    let removed = Removed::below(&folder);
    fs::create_dir(folder.join("late")).unwrap();
    let files = [("one", "first"), ("early/two", "second"), ("late/three", "third"), ("four", "it stays")];
    for (name, text) in files {
        let path = folder.join(name);
        fs::write(&path, "").unwrap();
        removed.has_seen(&path);
        // What is written after it was seen is seen as well.
        fs::write(&path, text).unwrap();
    }
    fs::remove_file(folder.join("one")).unwrap();
    fs::remove_file(folder.join("early/two")).unwrap();
    fs::remove_dir_all(folder.join("late")).unwrap();
    // Another in its place is another.
    fs::rename(folder.join("four"), folder.join("five")).unwrap();
    let mut found: Vec<String> =
        removed.files().into_iter().map(|(_, bytes)| String::from_utf8(bytes).unwrap()).collect();
    found.sort();
    assert_eq!(found, ["first", "second", "third"]);
    drop(removed);
    fs::remove_dir_all(&folder).unwrap();
}
