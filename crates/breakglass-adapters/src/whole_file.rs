//! A file that is there whole or not at all, is only its owner's, and takes nobody's place.
//!
//! On Linux it has no name before it is whole and durable, so that whoever is killed on the way leaves nothing behind: no half
//! key that keeps the next one from being made, no half share. Where the system or the file system has no such files, it is
//! written under its name, and taken away again if that fails.
//!
//! Where it is written under its name and the power is lost on the way, half a file can be left: whoever reads such a file has
//! to see that.
//! **Source:** open(2), `O_TMPFILE`; linkat(2).

use std::io;
use std::path::Path;

use crate::disk::{Disk, RealDisk};

/// Writes a file that is not there yet, into a folder that is. When this returns, it is whole and durable.
///
/// # Errors
/// There is something under that name ([`io::ErrorKind::AlreadyExists`]), or it cannot be written; nothing is left of it then.
pub fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_new_on(&RealDisk, path, bytes)
}

/// The same on another disk.
///
/// # Errors
/// As [`write_new`].
pub fn write_new_on(disk: &impl Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match unnamed(disk, path, folder, bytes) {
        Ok(()) => return disk.sync_folder(folder),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
        // Not here; or it fails in the other way as well, and that tells why.
        Err(_) => {}
    }
    disk.write_new(path, bytes)?;
    disk.sync(path).and_then(|()| disk.sync_folder(folder)).inspect_err(|_| {
        // It is this call's own, and half a file is in nobody's way then.
        let _ = disk.remove(path);
    })
}

/// Writes a file without a name, and gives it the name at the end.
fn unnamed(disk: &impl Disk, path: &Path, folder: &Path, bytes: &[u8]) -> io::Result<()> {
    let file = disk.write_unnamed(folder, bytes)?;
    disk.sync_unnamed(&file)?;
    disk.link(&file, path)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_is_whole_and_takes_nobodys_place() {
        let folder = std::env::temp_dir().join(format!("breakglass-whole-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("one");
        write_new(&path, b"first").unwrap();
        assert_eq!(write_new(&path, b"second").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"first");
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions()) & 0o777, 0o600);
        assert_eq!(write_new(&folder.join("none/one"), b"").unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        fs::remove_dir_all(&folder).unwrap();
    }
}
