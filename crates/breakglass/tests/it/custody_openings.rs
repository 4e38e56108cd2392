//! What is opened, by whom and in which order, and what has to stay because of it: the key box through the program itself,
//! with records as they are after somebody was stopped.

use std::fs;

use breakglass_adapters::sqlite_store::SqliteStore;
use breakglass_ops::checkout::record::Entry;
use breakglass_ops::checkout::stream::kept;
use breakglass_ops::ports::Store as _;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::custody_commands::{ACCOUNT, ID, OTHER_ID, World, two, words};

impl World {
    /// Seals another one, whatever is in the record, which is prepared in it.
    fn seal_anew(&self) -> String {
        let database = rusqlite::Connection::open(self.folder.join(".breakglass/state.db")).unwrap();
        let settled = "stream LIKE 'rotation/%' AND (entry LIKE '%\"settled\"%' OR entry LIKE '%\"sending\"%')
            OR stream = 'ledger'";
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
        self.adds(entries);
    }

    /// Adds to the record of the account, as it stands in the ledger.
    fn adds(&self, entries: &[Value]) {
        let stream = format!("rotation/{ID}");
        let store = SqliteStore::open(&self.folder.join(".breakglass")).unwrap();
        for entry in entries {
            let length = store.entries(&stream).unwrap().len();
            store.append(&stream, length, entry).unwrap();
        }
    }
}

#[test]
fn a_share_that_is_encrypted_still_is_told_as_that_and_not_as_words() {
    let world = World::new("encrypted-share");
    let (_, shares) = world.ready_set();
    let password = world.seal();
    let (own, file) = (age::x25519::Identity::generate(), world.folder.join("mine.age"));
    let binary = age::encrypt(&own.to_public(), shares[0].as_bytes()).unwrap();
    let armored = age::encrypt_and_armor(&own.to_public(), shares[0].as_bytes()).unwrap();
    let open = ["custody", "open", "--account", ACCOUNT, "--share", "mine.age"];
    for bytes in [binary.as_slice(), armored.as_bytes()] {
        fs::write(&file, bytes).unwrap();
        let refused = world.ends_with(2, &open, "");
        let said = words(&refused.err);
        assert!(said.contains("`mine.age` is encrypted with age, and only its holder opens it"), "{said}");
        assert!(said.contains("`age -d -i KEY mine.age`"), "{said}");
    }
    let opened = String::from_utf8(age::decrypt(&own, armored.as_bytes()).unwrap()).unwrap();
    let open = ["custody", "open", "--account", ACCOUNT, "--share", "-"];
    assert_eq!(world.ends_with(0, &open, &format!("{opened}\n{}", shares[1])).out.trim(), password);
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
    let other = ["custody", "seal", "--account", "bg2@contoso.onmicrosoft.com", "--id", OTHER_ID, "--generate"];
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
fn an_opening_is_written_down_with_whose_shares_it_took_and_waits_for_its_reason() {
    let world = World::new("whose");
    let (_, shares) = world.ready_set();
    world.seal();
    let document = world.listing()["documents"][0]["document"].as_str().unwrap().to_owned();
    let open = ["custody", "open", "--account", ACCOUNT, "--share", "-"];
    let kept = || -> Vec<Value> {
        let database = rusqlite::Connection::open(world.folder.join(".breakglass/state.db")).unwrap();
        let mut entries =
            database.prepare("SELECT entry FROM entries WHERE stream LIKE 'checkout/%' ORDER BY at").unwrap();
        let entries = entries.query_map((), |row| row.get::<_, String>(0)).unwrap();
        entries.map(|entry| serde_json::from_str(&entry.unwrap()).unwrap()).collect()
    };
    let refused = world.ends_with(2, &[&open[..], &["--reason", " "]].concat(), &two(&shares, 0, 2));
    assert!(refused.err.contains("a reason has"), "{}", refused.err);
    assert!(kept().is_empty(), "nothing was opened");
    let opened = world.ends_with(0, &open, &two(&shares, 0, 2));
    let name = format!("custody record-opening --document {document}");
    let told = |text: &str| words(text).contains(&name);
    assert!(told(&opened.err), "{}", opened.err);
    assert!(told(&world.listing()["toDo"].to_string()));
    let [entry] = &kept()[..] else { panic!("{:?}", kept()) };
    assert_eq!((&entry["entry"]["people"], &entry["entry"]["reason"]), (&json!(["eva", "ida"]), &json!("")));
    let used = &entry["shares"];
    assert_eq!(
        (&used["shares"], &used["holders"], &used["isReserve"]),
        (&json!([1, 3]), &json!(["eva", "ida"]), &json!(false))
    );
    assert_eq!(used["set"], world.listing()["sets"][0]["fingerprint"]);
    world.ends(
        0,
        &[
            "custody",
            "record-opening",
            "--document",
            &document,
            "--person",
            "eva",
            "--person",
            "ida",
            "--reason",
            "a fire",
        ],
    );
    assert!(!told(&world.listing()["toDo"].to_string()), "somebody has said why");
    let opened = world.ends_with(0, &[&open[..], &["--reason", "locked", "out"]].concat(), &two(&shares, 1, 2));
    assert!(!told(&opened.err) && !told(&world.listing()["toDo"].to_string()), "{}", opened.err);
    assert_eq!(kept().last().unwrap()["shares"]["holders"], json!(["ida", "max"]));
    assert_eq!(kept().last().unwrap()["entry"]["reason"], json!("locked out"));
    // By a check-out as well.
    world.ends(0, &["checkout", "request", "--account", ACCOUNT, "--person", "eva", "--reason", "locked out"]);
    world.ends(0, &["checkout", "approve", "--account", ACCOUNT, "--yes", "--person", "max"]);
    world.ends_with(0, &["checkout", "open", "--account", ACCOUNT, "--share", "-"], &two(&shares, 0, 1));
    let all = kept();
    let last = all.last().unwrap();
    assert_eq!((&last["entry"]["state"], &last["shares"]["holders"]), (&json!("opened"), &json!(["eva", "max"])));
    assert!(world.ends(0, &["ledger", "show"]).out.contains("openedOffline"));
}

#[test]
fn what_was_sent_is_opened_before_what_was_not_and_others_are_named() {
    let world = World::new("order");
    let (_, shares) = world.ready_set();
    let passwords: Vec<String> = (0..3).map(|_| world.seal_anew()).collect();
    // The first two were sent and the last was not; nobody has signed in with any of them.
    let documents = world.listing()["documents"].as_array().unwrap().clone();
    let of_version = |version: u64| {
        documents.iter().find(|one| one["version"] == version).unwrap()["document"].as_str().unwrap().to_owned()
    };
    let sent =
        |version: u64| json!({ "state": "sending", "candidate": of_version(version), "at": "2026-11-27T03:00:00Z" });
    world.write_record(&[sent(1), sent(2)]);
    let open = ["custody", "open", "--account", ACCOUNT, "--share", "-"];
    let opened = world.ends_with(0, &open, &two(&shares, 0, 1));
    assert_eq!(opened.out.trim(), passwords[1], "not the newest of all");
    let told = words(&opened.err);
    assert!(told.contains(&format!("--document {}`, version 1 of", of_version(1))), "{told}");
    assert!(!told.contains(&format!("--document {}`, version", of_version(3))), "{told}");
    let refused = world.ends(2, &open);
    assert!(refused.err.contains(&of_version(1)), "before anybody types a share: {}", refused.err);
    // Where there is no state, nobody knows, and all are named.
    fs::rename(world.folder.join(".breakglass/state.db"), world.folder.join("away")).unwrap();
    let opened = world.ends_with(0, &open, &two(&shares, 0, 1));
    assert_eq!(opened.out.trim(), passwords[2]);
    assert!(opened.err.contains(&of_version(1)) && opened.err.contains(&of_version(2)), "{}", opened.err);
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
    let other = ["custody", "seal", "--account", "bg2@contoso.onmicrosoft.com", "--id", OTHER_ID, "--generate"];
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
    let known = listing["documents"].as_array().unwrap().iter().find(|one| one["accountId"] == OTHER_ID).unwrap();
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

/// A document of an account that somebody signed in with.
fn proved(document: &str) -> [Value; 2] {
    ["sending", "proved"].map(|state| json!({ "state": state, "candidate": document, "at": "2026-11-27T03:00:00Z" }))
}

impl World {
    /// Seals three, none of which was sent; their names, and their passwords.
    fn three(&self) -> [(String, String); 3] {
        let passwords = [(); 3].map(|()| self.seal_anew());
        let documents = self.listing()["documents"].as_array().unwrap().clone();
        let of_version = |version: usize| {
            let of_it = documents.iter().find(|one| one["version"] == version).unwrap();
            of_it["document"].as_str().unwrap().to_owned()
        };
        [1, 2, 3].map(|version| (of_version(version), passwords[version - 1].clone()))
    }
}

#[test]
fn a_copy_that_is_missing_or_damaged_in_one_place_is_told_and_put_back() {
    let world = World::new("copies");
    let (_, shares) = world.ready_set();
    let path = world.folder.join("breakglass.toml");
    let config = fs::read_to_string(&path).unwrap();
    let places = ["one", "two"].map(|name| format!("[[custody.depository]]\nid = \"{name}\"\nfolder = \"{name}\"\n"));
    fs::write(&path, format!("{config}{}", places.concat())).unwrap();
    let password = world.seal();
    // A folder that has none of what counts may be another medium's, and nothing is put there.
    world.ends(0, &["custody", "seal", "--account", "bg2@contoso.onmicrosoft.com", "--id", OTHER_ID, "--generate"]);
    let listing = world.listing();
    let of_it = listing["documents"].as_array().unwrap().iter().find(|one| one["accountId"] == ID).unwrap();
    let document = of_it["document"].as_str().unwrap().to_owned();
    let to_do = || world.listing()["toDo"].to_string();
    assert!(!to_do().contains("replicate"), "{}", to_do());
    let found = |folder: &str| {
        let entries = fs::read_dir(world.folder.join(folder)).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.file_name().unwrap().to_str().unwrap().contains(&document)).collect::<Vec<_>>()
    };
    let copy = found("two").pop().unwrap();
    let whole = fs::read(&copy).unwrap();
    let flipped = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        bytes
    };
    let cases: [(&str, Option<Vec<u8>>); 5] = [
        ("is damaged", Some(flipped(whole.len() / 2))),
        ("is damaged", Some(flipped(0))),
        ("is damaged", Some(Vec::new())),
        ("is damaged", Some(vec![0xff; 100])),
        ("is missing", None),
    ];
    for (what, bytes) in cases {
        match &bytes {
            Some(bytes) => fs::write(&copy, bytes).unwrap(),
            None => fs::remove_file(&copy).unwrap(),
        }
        let told = to_do();
        assert!(told.contains(&format!("`{document}` of {ACCOUNT} {what} in")) && told.contains("two"), "{told}");
        let put = world.ends(0, &["custody", "replicate"]);
        assert!(words(&put.err).contains(&format!("has `{document}` again")), "{}", put.err);
        assert_eq!(fs::read(&copy).unwrap(), whole);
        assert!(!to_do().contains("replicate"), "{}", to_do());
    }
    assert!(words(&world.ends(0, &["custody", "replicate"]).err).contains("each of them whole"));
    // With none that is whole each place is named, and nothing is taken away.
    for folder in ["one", "two"] {
        fs::write(found(folder).pop().unwrap(), flipped(whole.len() / 2)).unwrap();
    }
    let told = words(&world.run(&["custody", "list"], "").err);
    assert!(told.contains("one") && told.contains(&document), "{told}");
    world.run(&["custody", "replicate"], "");
    assert_eq!(fs::read(&copy).unwrap(), flipped(whole.len() / 2));
    fs::write(&copy, &whole).unwrap();
    let open = ["custody", "open", "--account", ACCOUNT, "--share", "-"];
    assert_eq!(world.ends_with(0, &open, &two(&shares, 0, 1)).out.trim(), password);
}

#[test]
fn what_counts_and_is_not_there_is_not_replaced_by_an_older_one() {
    let world = World::new("older");
    let (_, shares) = world.ready_set();
    let [(first, password), (second, _), _] = world.three();
    world.write_record(&[proved(&first), proved(&second)].concat());
    let path = world.folder.join(".breakglass/documents").join(format!("{second}.txt"));
    let text = fs::read_to_string(&path).unwrap();
    let open = ["custody", "open", "--account", ACCOUNT, "--share", "-"];
    let ask = ["checkout", "request", "--account", ACCOUNT, "--person", "eva", "--reason", "locked out"];
    for damage in [None, Some(text.replacen("\"version\":2", "\"version\":3", 1))] {
        match damage {
            None => fs::remove_file(&path).unwrap(),
            Some(text) => fs::write(&path, text).unwrap(),
        }
        for command in [&open[..], &ask] {
            let refused = world.ends_with(2, command, &two(&shares, 0, 1));
            let told = words(&refused.err);
            assert!(told.contains(&format!("to be opened first (`{second}`)")) && told.contains(&first), "{told}");
        }
    }
    // Whoever names it has it.
    let named = ["custody", "open", "--document", &first, "--share", "-"];
    assert_eq!(world.ends_with(0, &named, &two(&shares, 0, 1)).out.trim(), password);
}

#[test]
fn what_was_asked_for_before_the_password_was_changed_opens_nothing() {
    let world = World::new("changed");
    let (_, shares) = world.ready_set();
    let [(first, _), (second, _), (third, password)] = world.three();
    world.write_record(&proved(&first));
    let ask = ["checkout", "request", "--account", ACCOUNT, "--person", "eva", "--reason", "locked out"];
    let agree = ["checkout", "approve", "--account", ACCOUNT, "--yes", "--person", "max"];
    let open = ["checkout", "open", "--account", ACCOUNT, "--share", "-"];
    let asked = |document: &str| {
        let listing = world.listing();
        let documents = listing["documents"].as_array().unwrap().clone();
        documents.into_iter().find(|one| one["document"] == document).unwrap()["checkOut"].clone()
    };
    let refuse = ["checkout", "refuse", "--account", ACCOUNT, "--person", "max"];
    world.ends(0, &ask);
    world.adds(&proved(&second));
    assert_eq!((asked(&first), asked(&second)), (json!("asked for, 1 agree"), Value::Null));
    let refused = world.ends(2, &agree);
    assert!(words(&refused.err).contains(&format!("`{second}` is the document that counts")), "{}", refused.err);
    world.ends(0, &refuse);
    // And the other way round: agreed, and changed then.
    world.ends(0, &ask);
    world.ends(0, &agree);
    world.adds(&proved(&third));
    let refused = world.ends_with(2, &open, &two(&shares, 0, 1));
    assert!(
        words(&refused.err).contains(&format!("`{second}` was asked for")) && refused.out.is_empty(),
        "{}",
        refused.err
    );
    world.ends(0, &refuse);
    world.ends(0, &ask);
    world.ends(0, &agree);
    assert_eq!(world.ends_with(0, &open, &two(&shares, 0, 1)).out.trim(), password);
}

#[test]
fn a_sheet_is_of_the_set_that_opens_what_counts() {
    let world = World::new("sheets");
    let (set, shares) = world.ready_set();
    world.seal();
    let sheet = |code: i32, what: &str, more: &[&str]| {
        let arguments = [&["custody", "sheet", what, "--output", "sheet.pdf"][..], more].concat();
        let ended = world.ends_with(code, &arguments, &shares[0]);
        let _ = fs::remove_file(world.folder.join("sheet.pdf"));
        words(&ended.err)
    };
    let (next, next_shares) = world.set();
    let nothing = |set: &str| format!("the set `{set}` opens nothing that counts");
    for what in ["cover", "runbook"] {
        let told = sheet(0, what, &[]);
        assert!(!told.contains("opens nothing"), "{told}");
        assert!(sheet(0, what, &["--set", &next]).contains(&nothing(&next)));
        assert!(!sheet(0, what, &["--set", &set]).contains("opens nothing"));
    }
    sheet(0, "share", &["--share", "-"]);
    // After an opening it is the same set, until the account is rotated.
    let open = ["custody", "open", "--account", ACCOUNT, "--share", "-"];
    world.ends_with(0, &open, &two(&shares, 0, 1));
    sheet(0, "runbook", &[]);
    // Another account is sealed to another one.
    let ready = ["custody", "rehearse", "--acknowledge", "--set", &next, "--share", "-"];
    world.ends_with(0, &ready, &next_shares.join("\n"));
    world.ends(0, &["custody", "seal", "--account", "bg2@contoso.onmicrosoft.com", "--id", OTHER_ID, "--generate"]);
    let told = sheet(2, "runbook", &[]);
    for part in [format!("`{set}` opens {ACCOUNT}"), format!("`{next}` opens bg2@contoso.onmicrosoft.com")] {
        assert!(told.contains(&part), "{told}");
    }
    sheet(0, "runbook", &["--set", &set]);
    sheet(0, "cover", &["--set", &next]);
}

#[test]
fn what_lies_under_another_s_name_is_not_taken_for_it() {
    let world = World::new("misplaced");
    let (_, shares) = world.ready_set();
    let [(first, password), (second, _), _] = world.three();
    world.write_record(&[proved(&first), proved(&second)].concat());
    let documents = world.folder.join(".breakglass/documents");
    let path = |name: &str| documents.join(format!("{name}.txt"));
    let ask = ["checkout", "request", "--account", ACCOUNT, "--person", "eva", "--reason", "locked out"];
    world.ends(0, &ask);
    world.ends(0, &["checkout", "approve", "--account", ACCOUNT, "--yes", "--person", "max"]);
    fs::copy(path(&first), path(&second)).unwrap();
    let before = world.listing()["sets"].clone();
    for command in [
        ["custody", "open", "--document", &second, "--share", "-"],
        ["custody", "open", "--account", ACCOUNT, "--share", "-"],
        ["checkout", "open", "--account", ACCOUNT, "--share", "-"],
    ] {
        let refused = world.ends_with(2, &command, &two(&shares, 0, 1));
        let told = format!("under the name `{second}` is another document: `{first}`");
        assert!(words(&refused.err).contains(&told) && refused.out.is_empty(), "{command:?}: {}", refused.err);
    }
    // No set of shares was spent on it.
    assert_eq!(world.listing()["sets"], before);
    fs::remove_file(path(&second)).unwrap();
    let named = ["custody", "open", "--document", &first, "--share", "-"];
    assert_eq!(world.ends_with(0, &named, &two(&shares, 0, 1)).out.trim(), password);
}

#[test]
fn of_accounts_with_one_name_the_last_is_meant() {
    let world = World::new("one-name");
    let (_, shares) = world.ready_set();
    let old = world.seal();
    let new = world.ends(0, &["custody", "seal", "--account", ACCOUNT, "--id", OTHER_ID, "--generate"]);
    let open = |account: &str| {
        let opened =
            world.ends_with(0, &["custody", "open", "--account", account, "--share", "-"], &two(&shares, 0, 1));
        (opened.out.trim().to_owned(), words(&opened.err))
    };
    let (opened, told) = open(ACCOUNT);
    assert_eq!(opened, new.out.trim());
    assert!(told.contains(&format!("`--account {ID}` means that one")), "{told}");
    assert_eq!(open(ID).0, old);
    // The tenant does not have the later one any more.
    let store = SqliteStore::open(&world.folder.join(".breakglass")).unwrap();
    let gone = json!({ "state": "deleted", "account": OTHER_ID, "at": "2026-11-29T03:00:00Z" });
    store.append("custody/accounts", 0, &gone).unwrap();
    assert_eq!(open(ACCOUNT).0, old);
}

#[test]
fn what_is_out_is_returned_where_no_document_can_be_had() {
    let world = World::new("returned");
    let (_, shares) = world.ready_set();
    world.seal();
    let check_out = |words: &[&str]| world.ends_with(0, &[&["checkout"], words].concat(), &two(&shares, 0, 1));
    for end in ["refuse", "return"] {
        check_out(&["request", "--account", ACCOUNT, "--person", "eva", "--reason", "locked out"]);
        if end == "return" {
            check_out(&["approve", "--account", ACCOUNT, "--yes", "--person", "max"]);
            check_out(&["open", "--account", ACCOUNT, "--share", "-"]);
        }
        let (documents, away) = (world.folder.join(".breakglass/documents"), world.folder.join("away"));
        fs::rename(&documents, &away).unwrap();
        check_out(&[end, "--account", ACCOUNT, "--person", "max"]);
        fs::rename(&away, &documents).unwrap();
    }
}

#[test]
fn what_this_machine_has_seen_is_explained_and_no_second_opening() {
    let world = World::new("explained");
    let (_, shares) = world.ready_set();
    world.seal();
    let document = world.listing()["documents"][0]["document"].as_str().unwrap().to_owned();
    world.ends_with(0, &["custody", "open", "--document", &document, "--share", "-"], &two(&shares, 0, 1));
    let record = ["custody", "record-opening", "--document", &document, "--person", "eva", "--person", "max"];
    let record = [&record[..], &["--reason", "locked out"]].concat();
    let told = world.ends(0, &record);
    assert!(words(&told.err).contains("which this machine has seen"), "{}", told.err);
    let openings = || -> Vec<Timestamp> {
        let store = SqliteStore::open(&world.folder.join(".breakglass")).unwrap();
        let all = kept(&store, ID).unwrap().into_iter();
        let opened = all.filter_map(|one| match one.entry {
            Entry::OpenedOffline { opened_at, .. } => Some(opened_at),
            _ => None,
        });
        opened.collect()
    };
    let found = openings();
    assert_eq!((found.len(), &found[0]), (2, &found[1]), "{found:?}");
    // Another time is another opening, and nobody makes one up.
    let refused = world.ends(2, &record);
    assert!(words(&refused.err).contains("nobody says when it was"), "{}", refused.err);
    assert_eq!(openings().len(), 2);
    world.ends(0, &[&record[..], &["--opened-at", "2026-01-27T03:00:00Z"]].concat());
    assert_ne!(openings()[2], found[0]);
}

#[test]
fn each_opening_has_a_reason_of_its_own() {
    let world = World::new("reasons");
    let (_, shares) = world.ready_set();
    world.seal();
    let document = world.listing()["documents"][0]["document"].as_str().unwrap().to_owned();
    let open = |more: &[&str]| {
        let open = ["custody", "open", "--document", &document, "--share", "-"];
        world.ends_with(0, &[&open[..], more].concat(), &two(&shares, 0, 1));
    };
    let waiting = || {
        let to_do = world.listing()["toDo"].as_array().unwrap().clone();
        to_do.iter().filter(|line| line.as_str().unwrap().contains("nobody has said why")).count()
    };
    open(&[]);
    open(&[]);
    assert_eq!(waiting(), 2);
    // Neither one with a reason nor a time that is none of theirs explains another.
    open(&["--reason", "locked out"]);
    let record = ["custody", "record-opening", "--document", &document, "--person", "eva", "--person", "max"];
    let record = [&record[..], &["--reason", "a test of the sheets"]].concat();
    world.ends(0, &[&record[..], &["--opened-at", "2026-01-27T03:00:00Z"]].concat());
    assert_eq!(waiting(), 2);
    for left in [1, 0] {
        let told = words(&world.ends(0, &record).err);
        assert!(told.contains("which this machine has seen"), "{told}");
        let is_left =
            told.contains(&format!("1 of the openings of `{document}` that this machine has seen waits for a reason"));
        assert_eq!((waiting(), is_left), (left, left > 0), "{told}");
    }
    assert!(words(&world.ends(2, &record).err).contains("nobody says when it was"));
}

#[test]
fn what_is_out_is_told_to_whoever_opens_it_without_asking() {
    let world = World::new("out");
    let (_, shares) = world.ready_set();
    world.seal();
    let emergency = || {
        let open = ["custody", "open", "--account", ACCOUNT, "--reason", "a fire", "--share", "-"];
        words(&world.ends_with(0, &open, &two(&shares, 0, 1)).err)
    };
    let returns = format!("checkout return --account {ACCOUNT} --person eva");
    let is_told = |told: &str| (told.contains("enough people agree"), told.contains(&returns));
    world.ends(0, &["checkout", "request", "--account", ACCOUNT, "--person", "eva", "--reason", "locked out"]);
    assert_eq!(is_told(&emergency()), (false, false));
    world.ends(0, &["checkout", "approve", "--account", ACCOUNT, "--yes", "--person", "max"]);
    assert_eq!(is_told(&emergency()), (true, false));
    let opened = world.ends_with(0, &["checkout", "open", "--account", ACCOUNT, "--share", "-"], &two(&shares, 0, 1));
    assert!(!words(&opened.err).contains("it is out since"), "{}", opened.err);
    let told = emergency();
    assert_eq!(is_told(&told), (false, true), "{told}");
    assert!(told.contains("it is out since") && told.contains("by the request of EVA (eva)"), "{told}");
    world.ends(0, &["checkout", "return", "--account", ACCOUNT, "--person", "eva"]);
    assert_eq!(is_told(&emergency()), (false, false));
}

#[test]
fn a_password_whose_key_was_there_for_another_is_no_plain_one_that_counts() {
    let world = World::new("key-was-there");
    let (_, shares) = world.ready_set();
    world.seal();
    let other = "bg2@contoso.onmicrosoft.com";
    world.ends(0, &["custody", "seal", "--account", other, "--id", OTHER_ID, "--generate"]);
    let stands = || -> [String; 2] {
        let documents = world.listing()["documents"].as_array().unwrap().clone();
        [ID, OTHER_ID].map(|id| {
            let of_it = documents.iter().find(|one| one["accountId"] == id).unwrap();
            of_it["stands"].as_str().unwrap().to_owned()
        })
    };
    assert_eq!(stands(), ["counts", "counts"]);
    let open = ["custody", "open", "--account", ACCOUNT, "--share", "-"];
    world.ends_with(0, &open, &two(&shares, 0, 1));
    assert_eq!(stands(), ["counts, opened: rotate", "counts; its key was there: rotate"]);
    let told = words(&world.listing()["toDo"].to_string());
    assert!(told.contains(&format!("rotate --account {other}`: its set of shares was opened")), "{told}");
}

#[test]
fn a_file_that_is_none_is_told_as_it_is() {
    let world = World::new("no-file");
    let (_, shares) = world.ready_set();
    world.seal();
    world.ends(0, &["custody", "sheet", "cover", "--output", "cover.pdf"]);
    for (named, told) in [
        ("nothere.txt", "there is no file `nothere.txt`, and no document in a depository is called so"),
        ("cover.pdf", "`cover.pdf` is a PDF: open it, copy the text of one document into a file"),
    ] {
        let open = ["custody", "open", "--document", named, "--share", "-"];
        let refused = world.ends_with(2, &open, &two(&shares, 0, 1));
        assert!(words(&refused.err).contains(told), "{}", refused.err);
    }
    let elsewhere = ["checkout", "request", "--account", ACCOUNT, "--person", "eva", "--reason", "x", "--config"];
    fs::create_dir(world.folder.join("empty")).unwrap();
    fs::write(world.folder.join("empty/breakglass.toml"), "").unwrap();
    let refused = world.ends(2, &[&elsewhere[..], &["empty/breakglass.toml"]].concat());
    assert!(words(&refused.err).contains("run it in the folder of breakglass.toml"), "{}", refused.err);
}

#[test]
fn a_cover_lists_what_may_count_and_nothing_that_counts_no_more() {
    let world = World::new("covers");
    world.ready_set();
    let [(first, _), (second, _), (third, _)] = world.three();
    let listed = || {
        world.ends(0, &["custody", "sheet", "cover", "--output", "cover.pdf"]);
        let path = world.folder.join("cover.pdf");
        let cover = lopdf::Document::load(&path).unwrap();
        fs::remove_file(path).unwrap();
        let pages: Vec<u32> = cover.get_pages().into_keys().collect();
        let text = words(&cover.extract_text(&pages).unwrap());
        [&first, &second, &third].map(|name| text.contains(name.as_str()))
    };
    assert_eq!(listed(), [true; 3]);
    world.write_record(&proved(&first));
    world.adds(&proved(&second));
    assert_eq!(listed(), [true; 3]);
    world.adds(&[json!({ "state": "settled", "candidate": second, "at": "2026-11-29T03:00:00Z" })]);
    // What was only prepared by then is superseded as well.
    assert_eq!(listed(), [false, true, false]);
}

impl World {
    /// Makes a sheet that ends so, and gives what is written on it and what was said.
    fn on_paper(&self, code: i32, what: &[&str]) -> (String, String) {
        let arguments = [&["custody", "sheet"][..], what, &["--output", "sheet.pdf"]].concat();
        let told = words(&self.ends(code, &arguments).err);
        let path = self.folder.join("sheet.pdf");
        let sheet = lopdf::Document::load(&path).unwrap();
        fs::remove_file(path).unwrap();
        let pages: Vec<u32> = sheet.get_pages().into_keys().collect();
        (words(&sheet.extract_text(&pages).unwrap()), told)
    }
}

/// Whether these stand in a text one behind the other.
fn are_in_order(text: &str, parts: &[&str]) -> bool {
    let mut rest = text;
    parts.iter().all(|part| match rest.split_once(*part) {
        Some((_, after)) => {
            rest = after;
            true
        }
        None => false,
    })
}

#[test]
fn the_document_that_counts_comes_first_on_paper_and_says_so() {
    let world = World::new("paper-order");
    world.ready_set();
    let [(first, _), (second, _), (third, _)] = world.three();
    world.write_record(&[proved(&first), proved(&third), proved(&second)].concat());
    for what in [["cover"], ["documents"]] {
        let (text, told) = world.on_paper(0, &what);
        let wanted = [
            "Document 1 of 3: counts, open it first",
            &second,
            "Document 2 of 3: may count, if document 1 is not let in",
            &third,
            "Document 3 of 3: may count, if document 2 is not let in",
            &first,
        ];
        assert!(are_in_order(&text, &wanted), "{what:?}: {text}");
        assert!(!text.contains("Not on this sheet") && !told.contains("no depository has it"), "{told}");
    }
}

#[test]
fn what_counts_and_is_missing_is_said_on_paper_and_by_the_exit_code() {
    let world = World::new("paper-missing");
    world.ready_set();
    let [(first, _), (second, _), _] = world.three();
    world.write_record(&[proved(&first), proved(&second)].concat());
    fs::remove_file(world.folder.join(".breakglass/documents").join(format!("{second}.txt"))).unwrap();
    for what in [["cover"], ["documents"]] {
        let (text, told) = world.on_paper(4, &what);
        assert!(text.contains("Not on this sheet") && text.contains(&second), "{what:?}: {text}");
        let wanted = ["Document 1 of 2: may count; the one that counts is not here", &first];
        assert!(are_in_order(&text, &wanted), "{what:?}: {text}");
        let missing = format!("the document `{second}` of `{ACCOUNT}` counts, and no depository has it");
        assert!(told.contains(&missing), "{told}");
    }
}

#[test]
fn what_may_count_and_is_sealed_to_another_set_is_named_with_it() {
    let world = World::new("paper-sets");
    let (old_set, _) = world.ready_set();
    world.seal_anew();
    let sealed = world.listing()["documents"].as_array().unwrap().clone();
    let old = sealed[0]["document"].as_str().unwrap().to_owned();
    let (new_set, _) = world.ready_set();
    world.ends(0, &["custody", "retire", "--set", &old_set, "--reason", "a sheet was lost"]);
    world.seal_anew();
    let sealed = world.listing()["documents"].as_array().unwrap().clone();
    let new = sealed.iter().filter_map(|one| one["document"].as_str()).find(|name| *name != old).unwrap().to_owned();
    world.write_record(&[proved(&old), proved(&new)].concat());
    let cases = [
        (&new_set, &new, "counts, open it first", &old, &old_set),
        (&old_set, &old, "may count; the one that counts is not here", &new, &new_set),
    ];
    for (set, here, said, elsewhere, other_set) in cases {
        for what in ["cover", "documents"] {
            let (text, _) = world.on_paper(0, &[what, "--set", set]);
            let wanted = ["Not on this sheet", elsewhere, other_set, &format!("Document 1 of 1: {said}"), here];
            assert!(are_in_order(&text, &wanted), "{what} {set}: {text}");
        }
    }
}

#[test]
fn whoever_seals_is_told_what_to_print_for_whom() {
    let world = World::new("paper-next");
    world.ready_set();
    let told = words(&world.ends(0, &["custody", "seal", "--account", ACCOUNT, "--id", ID, "--generate"]).err);
    for part in ["sheet cover` for the safe", "`breakglass custody sheet documents` for each custodian"] {
        assert!(told.contains(part), "{told}");
    }
    let (_, told) = world.on_paper(0, &["documents"]);
    assert!(told.contains("print it for everybody who has a share"), "{told}");
}
