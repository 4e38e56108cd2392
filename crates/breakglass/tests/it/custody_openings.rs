//! What is opened, by whom and in which order, and what has to stay because of it: the key box through the program itself,
//! with records as they are after somebody was stopped.

use std::fs;

use breakglass_adapters::sqlite_store::SqliteStore;
use breakglass_ops::ports::Store as _;
use serde_json::Value;

use super::custody_commands::{ACCOUNT, ID, World, two};

/// The text in one line, without what frames it.
fn words(text: &str) -> String {
    text.replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

impl World {
    /// Seals another one, whatever is in the record, which is prepared in it.
    fn seal_anew(&self) -> String {
        let database = rusqlite::Connection::open(self.folder.join(".breakglass/state.db")).unwrap();
        let settled = "stream LIKE 'rotation/%' AND entry LIKE '%\"settled\"%' OR stream = 'ledger'";
        let password = self.seal();
        database.execute(&format!("DELETE FROM entries WHERE {settled}"), ()).unwrap();
        password
    }

    /// Adds to the record of the account; with nothing to add it is emptied.
    fn write_record(&self, entries: &[Value]) {
        let database = rusqlite::Connection::open(self.folder.join(".breakglass/state.db")).unwrap();
        database.execute("DELETE FROM entries WHERE stream = 'ledger'", ()).unwrap();
        let stream = format!("rotation/{ID}");
        if entries.is_empty() {
            database.execute("DELETE FROM entries WHERE stream = ?1", [&stream]).unwrap();
        }
        drop(database);
        let store = SqliteStore::open(&self.folder.join(".breakglass")).unwrap();
        for entry in entries {
            let length = store.entries(&stream).unwrap().len();
            store.append(&stream, length, entry).unwrap();
        }
    }
}

#[test]
fn a_set_is_not_dead_while_what_may_be_sealed_to_it_is_away() {
    let world = World::new("away");
    let path = world.folder.join("breakglass.toml");
    let config = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{config}[[custody.depository]]\nid = \"usb\"\nfolder = \"usb\"\n")).unwrap();
    let (set, shares) = world.ready_set();
    let password = world.seal();
    let open = ["custody", "open", "--account", ACCOUNT, "--share", "-"];
    world.ends_with(0, &open, &two(&shares, 0, 1));
    world.ready_set();
    let retire = ["custody", "retire", "--set", &set, "--reason", "it was opened", "--destroyed"];
    assert!(world.ends(2, &retire).err.contains("may count"));
    let (usb, away) = (world.folder.join("usb"), world.folder.join("away"));
    fs::rename(&usb, &away).unwrap();
    let other = ["custody", "seal", "--account", "bg2@contoso.onmicrosoft.com", "--id", "22222222", "--generate"];
    for command in [&retire[..], &other, &open] {
        let refused = world.ends_with(2, command, &two(&shares, 0, 1));
        let told = words(&refused.err);
        assert!(told.contains("is the medium plugged in?"), "{told}");
        assert!(!usb.exists(), "{command:?}");
    }
    // The folder that it is mounted on.
    fs::create_dir(&usb).unwrap();
    let refused = world.ends(2, &retire);
    assert!(
        words(&refused.err).contains("it cannot be told whether something that counts is sealed to"),
        "{}",
        refused.err
    );
    assert!(words(&world.ends(2, &other).err).contains("is the medium plugged in?"));
    assert_eq!(fs::read_dir(&usb).unwrap().count(), 0);
    fs::remove_dir(&usb).unwrap();
    fs::rename(&away, &usb).unwrap();
    world.ends(0, &other);
    assert_eq!(world.ends_with(0, &open, &two(&shares, 1, 2)).out.trim(), password);
    // Without a declaration they lie in the state; where they are missing there, nobody can tell either.
    fs::write(&path, config).unwrap();
    let refused = world.ends(2, &retire);
    assert!(
        words(&refused.err).contains("it cannot be told whether something that counts is sealed to"),
        "{}",
        refused.err
    );
}

#[test]
fn a_document_in_no_record_keeps_its_set_until_somebody_knows_that_it_counts_for_nothing() {
    let world = World::new("orphan");
    let (set, shares) = world.ready_set();
    world.seal_anew();
    let orphan = world.listing()["documents"][0]["document"].as_str().unwrap().to_owned();
    // As if it had been killed before anything was written down of it.
    world.write_record(&[]);
    world.ends_with(0, &["custody", "rehearse", "--set", &set, "--share", "-"], &shares.join("\n"));
    world.ready_set();
    let other = ["custody", "seal", "--account", "bg2@contoso.onmicrosoft.com", "--id", "22222222", "--generate"];
    let refused = world.ends(2, &["custody", "retire", "--set", &set, "--reason", "x", "--destroyed"]);
    assert!(
        words(&refused.err).contains("these documents are in no record here") && refused.err.contains(&orphan),
        "{}",
        refused.err
    );
    world.ends(0, &["custody", "retire", "--set", &set, "--reason", "max left"]);
    let counting = world.ends(0, &other).out;
    assert_eq!(counting.trim().len(), 28);
    let listing = world.listing();
    assert!(listing["toDo"].to_string().contains(&format!("--never-set {orphan}")), "{}", listing["toDo"]);
    let known = listing["documents"].as_array().unwrap().iter().find(|one| one["accountId"] == "22222222").unwrap();
    let retire = |names: &[&str]| {
        let mut arguments = vec!["custody", "retire", "--set", &set, "--reason", "it never was sent", "--destroyed"];
        names.iter().for_each(|name| arguments.extend(["--never-set", name]));
        world.run(&arguments, "")
    };
    assert!(words(&retire(&[]).err).contains("in no record here"));
    let refused = retire(&[&orphan, known["document"].as_str().unwrap()]);
    assert!(words(&refused.err).contains("the record knows the document"), "{}", refused.err);
    let retired = retire(&[&orphan]);
    assert_eq!(retired.code, 0, "{}", retired.err);
    assert_eq!(world.listing()["sets"][0]["stands"], "dead, destroy the shares");
    assert!(world.ends(0, &["ledger", "show", "--format", "json"]).out.contains("never set, as told"));
}
