//! Files that are there whole or not at all, on a disk that forgets: keys, and shares for custodians.

use std::io;
use std::path::Path;

use breakglass_adapters::disk::Disk as _;
use breakglass_adapters::whole_file::write_new_on;

use crate::forgetful_disk::{Careless, Forgetful};

const FILES: [(&str, &[u8]); 2] = [("state/operator.key", b"a key of three lines"), ("shares/ada.age", b"words")];

/// Writes both, until the disk crashes; how many are written.
fn worked(disk: &Forgetful) -> usize {
    for (written, (path, bytes)) in FILES.into_iter().enumerate() {
        match write_new_on(disk, Path::new(path), bytes) {
            Ok(()) => {}
            // Somebody wrote it before who was killed; it is not made durable by being there.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return 0,
            Err(_) => return written,
        }
    }
    FILES.len()
}

/// What does not hold on a disk that is found after a crash; where files have a name before they are whole, half of one may be
/// there, if nobody was told that it is written.
fn fault(found: &Forgetful, done: usize, may_be_half: bool) -> Option<String> {
    for (at, (path, bytes)) in FILES.into_iter().enumerate() {
        let is_written = at < done;
        match found.read(Path::new(path), 1_000) {
            Ok(read) if read == bytes => {
                let again = write_new_on(found, Path::new(path), b"another").map_err(|error| error.kind());
                if again != Err(io::ErrorKind::AlreadyExists) || found.read(Path::new(path), 1_000).unwrap() != bytes {
                    return Some(format!("{path} is overwritten"));
                }
            }
            Ok(_) if is_written || !may_be_half => return Some(format!("{path} is there by part")),
            Ok(_) => {}
            Err(_) if is_written => return Some(format!("{path} was written and is gone")),
            Err(_) => {
                if let Err(error) = write_new_on(found, Path::new(path), bytes) {
                    return Some(format!("{path} cannot be written after it: {error}"));
                }
            }
        }
    }
    None
}

/// Disks that were looked at, of how many half a file was on, and what did not hold on the first that is wrong.
fn every_crash(careless: Careless, has_unnamed: bool) -> (usize, usize, Option<String>) {
    let (mut count, mut halves) = (0, 0);
    for calls in 0.. {
        let disk = Forgetful::new(careless, calls);
        let disk = if has_unnamed { disk } else { disk.without_unnamed() };
        let done = worked(&disk);
        for found in disk.crashed() {
            count += 1;
            halves += usize::from(fault(&found.apart(), done, false).is_some());
            if let Some(fault) = fault(&found, done, !has_unnamed) {
                return (count, halves, Some(format!("after {calls} calls, {done} done: {fault}")));
            }
        }
        if disk.left() > 0 {
            break;
        }
    }
    (count, halves, None)
}

#[test]
fn whatever_a_crash_leaves_a_file_is_whole_or_not_there_and_what_was_written_is_there() {
    let (count, halves, fault) = every_crash(Careless::No, true);
    assert_eq!((halves, fault), (0, None));
    println!("{count} disks after a crash");
    for careless in [Careless::Bytes, Careless::Names] {
        let (count, _, fault) = every_crash(careless, true);
        println!("{careless:?}: {fault:?}, on disk {count}");
        assert!(fault.is_some(), "{careless:?} is not found out");
    }
}

#[test]
fn without_files_that_have_no_name_what_was_written_is_there_and_half_a_file_may_be_that_was_not() {
    let (count, halves, fault) = every_crash(Careless::No, false);
    assert_eq!(fault, None);
    println!("{count} disks after a crash, half a file on {halves}");
    assert!(halves > 0);
    for careless in [Careless::Bytes, Careless::Names] {
        let (_, _, fault) = every_crash(careless, false);
        assert!(fault.is_some(), "{careless:?} is not found out");
    }
}
