//! A file that is there whole or not at all, is only its owner's, and takes nobody's place.
//!
//! On Linux it has no name before it is whole and durable, so that whoever is killed on the way leaves nothing behind: no half
//! key that keeps the next one from being made, no half share. Where the system or the file system has no such files, it is
//! written under its name, and taken away again if that fails.
//! **Source:** open(2), `O_TMPFILE`; linkat(2).

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use crate::file_parts::{private, sync_folder};

/// Writes a file that is not there yet, into a folder that is. When this returns, it is whole and durable.
///
/// # Errors
/// There is something under that name ([`io::ErrorKind::AlreadyExists`]), or it cannot be written; nothing is left of it then.
pub fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    #[cfg(target_os = "linux")]
    match unnamed(path, folder, bytes) {
        Ok(()) => return sync_folder(folder),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
        // Not here; or it fails in the other way as well, and that tells why.
        Err(_) => {}
    }
    let mut file = private(OpenOptions::new().write(true).create_new(true)).open(path)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| sync_folder(folder));
    written.inspect_err(|_| {
        // It is this call's own, and half a file is in nobody's way then.
        let _ = fs::remove_file(path);
    })
}

/// Writes a file without a name, and gives it the name at the end.
#[cfg(target_os = "linux")]
fn unnamed(path: &Path, folder: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::os::fd::AsRawFd as _;
    use std::os::unix::fs::OpenOptionsExt as _;

    use nix::fcntl::{AT_FDCWD, AtFlags, OFlag};
    use nix::unistd::linkat;

    let mut file = private(OpenOptions::new().write(true)).custom_flags(OFlag::O_TMPFILE.bits()).open(folder)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    let own = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(linkat(AT_FDCWD, own.as_str(), AT_FDCWD, path, AtFlags::AT_SYMLINK_FOLLOW)?)
}

#[cfg(test)]
mod tests {
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
