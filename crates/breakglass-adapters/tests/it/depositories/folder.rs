//! A folder: files that other programs read, and every crash on a disk that forgets.

use std::fs;
use std::path::PathBuf;

use breakglass_adapters::folder_depository::{Expected, FolderDepository};
use breakglass_ops::ports::{Depository, DepositoryError};

use super::{keeps_its_promises, name};
use crate::forgetful_disk::{Careless, Forgetful};

fn folder(test: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("depository-{test}"));
    drop(fs::remove_dir_all(&folder));
    folder.join("below").join("safe")
}

#[tokio::test]
async fn a_folder_keeps_its_promises() {
    keeps_its_promises(&FolderDepository::new(folder("promises"))).await;
}

#[tokio::test]
async fn a_document_is_a_file_as_it_is_and_others_are_passed_over() {
    let folder = folder("files");
    let depository = FolderDepository::new(folder.clone());
    depository.keep(&name("one"), "text\n").await.unwrap();
    assert_eq!(fs::read_to_string(folder.join("one.txt")).unwrap(), "text\n");
    for other in ["two.partial", "Three.txt", "four", ".txt", "README.md"] {
        fs::write(folder.join(other), "no document").unwrap();
    }
    assert_eq!(depository.names().await.unwrap(), [name("one")]);
    depository.keep(&name("two"), "whole").await.unwrap();
    assert!(!folder.join("two.partial").exists(), "what an interrupted writer left is used up");
    fs::write(folder.join("one.txt"), [0xff, 0xfe]).unwrap();
    let damaged = depository.read(&name("one")).await.unwrap_err();
    assert!(matches!(damaged, DepositoryError::Damaged { .. }), "{damaged}");
    assert!(depository.keep(&name("one"), "text\n").await.is_err(), "it is not overwritten");
}

#[tokio::test]
async fn a_declared_folder_is_made_at_first_and_is_missed_afterwards() {
    let folder = folder("declared");
    let first = FolderDepository::declared(folder.clone(), Expected::Nothing);
    assert_eq!((first.names().await, first.read(&name("one")).await), (Ok(Vec::new()), Ok(None)));
    let refused = first.keep(&name("one"), "text").await.unwrap_err();
    assert!(refused.to_string().contains("is the medium plugged in?"), "the folder around it is missing: {refused}");
    assert!(!folder.parent().unwrap().exists(), "nothing is made");
    fs::create_dir_all(folder.parent().unwrap()).unwrap();
    keeps_its_promises(&first).await;
    first.keep(&name("one"), "text").await.unwrap();

    let later = FolderDepository::declared(folder.clone(), Expected::OneOf([name("one"), name("gone")].into()));
    assert!(later.names().await.unwrap().contains(&name("one")));
    later.keep(&name("two"), "text").await.unwrap();
    later.destroy(&name("two")).await.unwrap();
    assert_eq!(later.read(&name("two")).await, Ok(None));
    // The medium is taken out: nothing is there, or the folder that it is mounted on.
    let away = folder.with_extension("away");
    fs::rename(&folder, &away).unwrap();
    let said = |error: DepositoryError| assert!(error.to_string().contains("is the medium plugged in?"), "{error}");
    said(later.names().await.unwrap_err());
    said(later.read(&name("one")).await.unwrap_err());
    said(later.read(&name("two")).await.unwrap_err());
    said(later.destroy(&name("one")).await.unwrap_err());
    said(later.keep(&name("two"), "text").await.unwrap_err());
    assert!(!folder.exists(), "it is not made again");
    fs::create_dir(&folder).unwrap();
    said(later.keep(&name("two"), "text").await.unwrap_err());
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    let unknown = FolderDepository::declared(away, Expected::Unknown("the state is damaged".to_owned()));
    let refused = unknown.keep(&name("two"), "text").await.unwrap_err();
    assert!(refused.to_string().contains("the state is damaged"), "{refused}");
    assert_eq!(unknown.read(&name("one")).await.unwrap().as_deref(), Some("text"), "it is read all the same");
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_reads_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder("owner");
    FolderDepository::new(folder.clone()).keep(&name("one"), "text").await.unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(&folder.join("one.txt"))), (0o700, 0o600));
}

#[tokio::test]
async fn where_nothing_can_be_written_that_is_said_and_nothing_is_lost() {
    let folder = folder("refused");
    fs::create_dir_all(folder.parent().unwrap()).unwrap();
    fs::write(&folder, "a file").unwrap();
    let refused = FolderDepository::new(folder.clone()).keep(&name("one"), "text").await.unwrap_err();
    assert!(matches!(refused, DepositoryError::Refused { .. }), "{refused}");
    assert!(refused.to_string().contains(&folder.display().to_string()), "{refused}");
}

const TEXTS: [(&str, &str); 2] = [("one", "the first document"), ("two", "the second, which is another")];

/// Keeps two documents, the first of them twice, and destroys that, until the disk crashes; how far it came.
async fn worked(disk: &Forgetful) -> usize {
    let depository = FolderDepository::on(PathBuf::from("safe"), disk.clone());
    let [(one, first), (two, second)] = TEXTS;
    for (step, document) in [(one, first), (one, first), (two, second)].into_iter().enumerate() {
        if depository.keep(&name(document.0), document.1).await.is_err() {
            return step;
        }
    }
    if depository.destroy(&name(one)).await.is_err() { 3 } else { 4 }
}

/// What does not hold on a disk that is found after a crash.
async fn fault(found: Forgetful, done: usize) -> Option<String> {
    let depository = FolderDepository::on(PathBuf::from("safe"), found);
    for (at, (document, text)) in TEXTS.into_iter().enumerate() {
        let read = match depository.read(&name(document)).await {
            Ok(read) => read,
            Err(error) => return Some(error.to_string()),
        };
        if read.as_deref().is_some_and(|read| read != text) {
            return Some(format!("{document} is there by part"));
        }
        let is_kept = if at == 0 { (1..3).contains(&done) } else { done >= 3 };
        if is_kept && read.is_none() {
            return Some(format!("{document} was kept and is gone"));
        }
        if at == 0 && done == 4 && read.is_some() {
            return Some(format!("{document} was destroyed and is there"));
        }
        if let Err(error) = depository.keep(&name(document), text).await {
            return Some(format!("{document} cannot be kept after it: {error}"));
        }
    }
    None
}

/// Disks that were looked at, and what did not hold on the first that is wrong.
async fn every_crash(careless: Careless) -> (usize, Option<String>) {
    let mut count = 0;
    for calls in 0.. {
        let disk = Forgetful::new(careless, calls);
        let done = worked(&disk).await;
        for found in disk.crashed() {
            count += 1;
            if let Some(fault) = fault(found, done).await {
                return (count, Some(format!("after {calls} calls, {done} done: {fault}")));
            }
        }
        if disk.left() > 0 {
            break;
        }
    }
    (count, None)
}

#[tokio::test]
async fn whatever_a_crash_leaves_a_document_is_whole_or_not_there_and_what_was_kept_is_kept() {
    let (count, fault) = every_crash(Careless::No).await;
    assert_eq!(fault, None);
    println!("{count} disks after a crash");
    for careless in Careless::EACH {
        let (count, fault) = every_crash(careless).await;
        println!("{careless:?}: {fault:?}, on disk {count}");
        assert!(fault.is_some(), "{careless:?} is not found out");
    }
}
