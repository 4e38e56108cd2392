//! The disk as a port: what is written, what is made durable, and in which order, is told apart here, so that a test can have
//! a disk that forgets whatever was not made durable.
//!
//! **Limit:** [`NAME_COUNT_MAX`].
//! **Source:** open(2), `O_TMPFILE`; linkat(2); fsync(2): the bytes of a file and its name are made durable one by one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use crate::file_parts::{private, private_folder, sync_folder};
use crate::lock_file::{LockError, LockFile};

/// Names in a folder that are read.
pub const NAME_COUNT_MAX: usize = 100_000;

/// Whether something could not be written since the disk, or what one may have of it, takes no more.
#[must_use]
pub fn is_want_of_room(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// What a disk is asked for.
pub trait Disk: Send + Sync {
    /// A file that has no name yet.
    type Unnamed;

    /// What is locked until it is dropped.
    type Lock;

    /// Makes a folder that only its owner enters, if there is none, durably.
    ///
    /// # Errors
    /// As the system says.
    fn make_folder(&self, folder: &Path) -> io::Result<()>;

    /// Writes a file that only its owner reads, in place of one that is there. Nothing of it is durable.
    ///
    /// # Errors
    /// As the system says.
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;

    /// Writes a file that only its owner reads, where there is none. Nothing of it is durable; nothing is left of it where it
    /// fails.
    ///
    /// # Errors
    /// There is something under that name ([`io::ErrorKind::AlreadyExists`]); or as the system says.
    fn write_new(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;

    /// Writes a file that only its owner reads and that has no name, into a folder. Nothing of it is durable.
    ///
    /// # Errors
    /// As the system says; [`io::ErrorKind::Unsupported`] where there are no such files.
    fn write_unnamed(&self, folder: &Path, bytes: &[u8]) -> io::Result<Self::Unnamed>;

    /// Makes the bytes of such a file durable.
    ///
    /// # Errors
    /// As the system says.
    fn sync_unnamed(&self, file: &Self::Unnamed) -> io::Result<()>;

    /// Gives such a file a name, which is not durable.
    ///
    /// # Errors
    /// There is something under that name ([`io::ErrorKind::AlreadyExists`]); or as the system says.
    fn link(&self, file: &Self::Unnamed, path: &Path) -> io::Result<()>;

    /// Locks a file that only its owner reads, which is made if there is none, and waits for nobody.
    ///
    /// # Errors
    /// Somebody else has it ([`io::ErrorKind::WouldBlock`]); or as the system says.
    fn lock(&self, path: &Path) -> io::Result<Self::Lock>;

    /// Makes the bytes of a file durable.
    ///
    /// # Errors
    /// As the system says.
    fn sync(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in a folder durable.
    ///
    /// # Errors
    /// As the system says.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;

    /// Gives a file another name.
    ///
    /// # Errors
    /// As the system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// At most so many bytes of a file.
    ///
    /// # Errors
    /// As the system says.
    fn read(&self, path: &Path, bytes_max: u64) -> io::Result<Vec<u8>>;

    /// Names of what is in a folder, at most [`NAME_COUNT_MAX`] and one.
    ///
    /// # Errors
    /// As the system says.
    fn names(&self, folder: &Path) -> io::Result<Vec<String>>;

    /// Takes a file away.
    ///
    /// # Errors
    /// As the system says.
    fn remove(&self, path: &Path) -> io::Result<()>;
}

/// The disk of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    type Unnamed = File;
    type Lock = LockFile;

    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        let is_missing = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
        let missing: Vec<&Path> = folder.ancestors().take_while(is_missing).collect();
        private_folder(folder)?;
        let parents = missing.into_iter().filter_map(Path::parent);
        parents
            .map(|parent| if parent.as_os_str().is_empty() { Path::new(".") } else { parent })
            .try_for_each(sync_folder)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        private(OpenOptions::new().write(true).create(true).truncate(true)).open(path)?.write_all(bytes)
    }

    fn write_new(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = private(OpenOptions::new().write(true).create_new(true)).open(path)?;
        file.write_all(bytes).inspect_err(|_| {
            // It is this call's own, and half a file is in nobody's way then.
            let _ = fs::remove_file(path);
        })
    }

    #[cfg(target_os = "linux")]
    fn write_unnamed(&self, folder: &Path, bytes: &[u8]) -> io::Result<File> {
        use std::os::unix::fs::OpenOptionsExt as _;

        let flags = nix::fcntl::OFlag::O_TMPFILE.bits();
        let mut file = private(OpenOptions::new().write(true)).custom_flags(flags).open(folder)?;
        file.write_all(bytes)?;
        Ok(file)
    }

    #[cfg(not(target_os = "linux"))]
    fn write_unnamed(&self, _: &Path, _: &[u8]) -> io::Result<File> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn sync_unnamed(&self, file: &File) -> io::Result<()> {
        file.sync_all()
    }

    #[cfg(target_os = "linux")]
    fn link(&self, file: &File, path: &Path) -> io::Result<()> {
        use std::os::fd::AsRawFd as _;

        use nix::fcntl::{AT_FDCWD, AtFlags};
        use nix::unistd::linkat;

        let own = format!("/proc/self/fd/{}", file.as_raw_fd());
        Ok(linkat(AT_FDCWD, own.as_str(), AT_FDCWD, path, AtFlags::AT_SYMLINK_FOLLOW)?)
    }

    #[cfg(not(target_os = "linux"))]
    fn link(&self, _: &File, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn lock(&self, path: &Path) -> io::Result<LockFile> {
        LockFile::take(path).map_err(|error| match error {
            LockError::Held => io::ErrorKind::WouldBlock.into(),
            LockError::Io(error) => error,
        })
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        // Windows makes durable only what may be written.
        OpenOptions::new().write(true).open(path)?.sync_all()
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        sync_folder(folder)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn read(&self, path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(path)?.take(bytes_max).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<String>> {
        let names = fs::read_dir(folder)?.take(NAME_COUNT_MAX + 1);
        names.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }
}
