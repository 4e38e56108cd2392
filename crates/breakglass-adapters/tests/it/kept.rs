//! What is remembered and what is half read: the contracts of the ports `Store` and `Parts`, held by every implementation,
//! and what files add to them.

use std::fs;
use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use breakglass_adapters::file_parts::FileParts;
use breakglass_adapters::sqlite_store::{ENTRY_BYTES_MAX, FILE_NAME, SqliteStore};
use breakglass_ops::ports::{InMemoryParts, InMemoryStore, Parts, Store, StoreError};
use serde_json::json;

/// A folder of its own for each test.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("breakglass-kept-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    folder
}

fn store_contract(store: &dyn Store) {
    assert!(store.entries("a").unwrap().is_empty());
    assert!(matches!(store.append("a", 1, &json!(1)), Err(StoreError::Conflict { .. })));
    store.append("a", 0, &json!({ "step": "ü\n" })).unwrap();
    store.append("a", 1, &json!([1, 2])).unwrap();
    // Of two who append at the same place one is refused.
    assert!(matches!(store.append("a", 1, &json!("late")), Err(StoreError::Conflict { .. })));
    assert!(matches!(store.append("a", 3, &json!("early")), Err(StoreError::Conflict { .. })));
    store.append("b/1", 0, &json!(null)).unwrap();
    assert_eq!(store.entries("a").unwrap(), [json!({ "step": "ü\n" }), json!([1, 2])]);
    assert_eq!(store.streams("").unwrap(), ["a", "b/1"]);
    assert_eq!(store.streams("b/").unwrap(), ["b/1"]);
}

fn parts_contract(parts: &dyn Parts) {
    let whole = |part: &str| {
        parts.open(part).unwrap().map(|mut reader| {
            let mut text = String::new();
            reader.read_to_string(&mut text).unwrap();
            text
        })
    };
    assert_eq!(whole("users"), None);
    parts.append("users", b"one\n").unwrap();
    parts.append("users", b"two").unwrap();
    parts.append("groups", b"").unwrap();
    assert_eq!(whole("users").as_deref(), Some("one\ntwo"));
    assert_eq!(whole("groups").as_deref(), Some(""));
    parts.clear().unwrap();
    parts.clear().unwrap();
    assert_eq!((whole("users"), whole("groups")), (None, None));
    parts.append("users", b"three").unwrap();
    assert_eq!(whole("users").as_deref(), Some("three"));
}

#[test]
fn every_store_keeps_the_contract() {
    store_contract(&InMemoryStore::default());
    let folder = folder("store");
    store_contract(&SqliteStore::open(&folder).unwrap());
    // Opened again, everything is there.
    let again = SqliteStore::open(&folder).unwrap();
    assert_eq!(again.streams("").unwrap(), ["a", "b/1"]);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn all_parts_keep_the_contract() {
    parts_contract(&InMemoryParts::default());
    let folder = folder("parts");
    parts_contract(&FileParts::new(folder.clone()));
    // What is not a part is left alone.
    fs::write(folder.join("notes.txt"), "mine").unwrap();
    FileParts::new(folder.clone()).clear().unwrap();
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    fs::remove_dir_all(folder).unwrap();
}

#[cfg(unix)]
#[test]
fn only_their_owner_reads_the_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder("owner");
    SqliteStore::open(&folder).unwrap();
    FileParts::new(folder.clone()).append("users", b"x").unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn of_many_who_append_at_one_place_one_succeeds() {
    let folder = folder("race");
    let stores: Vec<Arc<SqliteStore>> = (0..4).map(|_| Arc::new(SqliteStore::open(&folder).unwrap())).collect();
    for place in 0..20 {
        let racers: Vec<_> = stores
            .iter()
            .map(|store| {
                let store = Arc::clone(store);
                thread::spawn(move || store.append("race", place, &json!(place)).is_ok())
            })
            .collect();
        let won = racers.into_iter().map(|racer| racer.join().unwrap()).filter(|won| *won).count();
        assert_eq!(won, 1, "place {place}");
    }
    assert_eq!(stores[0].entries("race").unwrap().len(), 20);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_backup_is_put_back_and_nothing_is_overwritten() {
    let (folder, other) = (folder("backup"), folder("restored"));
    let store = SqliteStore::open(&folder).unwrap();
    store.append("a", 0, &json!("kept")).unwrap();
    let copy = folder.join("copy.db");
    store.back_up(&copy).unwrap();
    store.append("a", 1, &json!("later")).unwrap();
    assert!(store.back_up(&copy).unwrap_err().to_string().contains("nothing is overwritten"));
    SqliteStore::restore(&copy, &other).unwrap();
    assert_eq!(SqliteStore::open(&other).unwrap().entries("a").unwrap(), [json!("kept")]);
    assert!(SqliteStore::restore(&copy, &other).unwrap_err().to_string().contains("there is a state already"));
    // What is damaged, or no state, is refused and leaves nothing behind.
    for (name, bytes) in [("text", b"not a database at all".to_vec()), ("empty", Vec::new())] {
        let bad = folder.join(name);
        fs::write(&bad, bytes).unwrap();
        let place = folder.join(format!("{name}-place"));
        assert!(SqliteStore::restore(&bad, &place).is_err(), "{name}");
        assert!(!place.exists(), "{name}");
    }
    fs::remove_dir_all(folder).unwrap();
    fs::remove_dir_all(other).unwrap();
}

#[test]
fn one_byte_past_the_limit_and_a_later_form_are_refused() {
    let folder = folder("limits");
    let store = SqliteStore::open(&folder).unwrap();
    let text = |bytes: usize| json!("x".repeat(bytes - 2));
    store.append("a", 0, &text(ENTRY_BYTES_MAX)).unwrap();
    assert!(matches!(store.append("a", 1, &text(ENTRY_BYTES_MAX + 1)), Err(StoreError::Unusable { .. })));
    drop(store);
    let path = folder.join(FILE_NAME);
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let error = SqliteStore::open(&folder).unwrap_err().to_string();
    assert!(error.contains("form 99"), "{error}");
    fs::remove_dir_all(folder).unwrap();
}

/// Whoever closes a file drops every lock that the process has on it. Another process would take the log away under the first
/// connection then, and what that one adds would be gone.
#[cfg(target_os = "linux")]
#[test]
fn a_store_that_is_opened_once_more_keeps_the_locks_of_the_first() {
    use std::os::unix::fs::MetadataExt as _;

    let folder = folder("locks");
    let store = SqliteStore::open(&folder).unwrap();
    store.append("a", 0, &json!(1)).unwrap();
    let inode = format!(":{} ", fs::metadata(folder.join(FILE_NAME)).unwrap().ino());
    let locks = || fs::read_to_string("/proc/locks").unwrap().lines().filter(|line| line.contains(&inode)).count();
    let before = locks();
    assert!(before > 0, "a connection holds one for as long as it is there");
    for at in 1..3 {
        let again = SqliteStore::open(&folder).unwrap();
        again.append("a", at, &json!(at)).unwrap();
        drop(again);
        assert_eq!(locks(), before);
    }
    assert_eq!(store.entries("a").unwrap().len(), 3);
    fs::remove_dir_all(folder).unwrap();
}
