//! The ledger through the program itself: signed, checked by somebody else, and witnessed; changed, cut off and forked.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use breakglass_adapters::sqlite_store::SqliteStore;
use breakglass_ops::journal::{STREAM, STREAM_CHECKPOINTS, look};
use breakglass_ops::ports::Store;
use serde_json::{Value, json};

/// Rounds in which two processes race.
const ROUNDS: usize = 12;

struct World(PathBuf);

struct Ended {
    code: i32,
    out: String,
    err: String,
}

impl World {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("breakglass-ledger-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn started(&self, arguments: &[&str]) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_breakglass"));
        command.arg("ledger").args(arguments).current_dir(&self.0).env("COLUMNS", "80").env("NO_COLOR", "1");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        ended(self.started(arguments))
    }

    /// A run that has to end so.
    fn ends(&self, code: i32, arguments: &[&str]) -> Ended {
        let ended = self.run(arguments);
        assert_eq!(ended.code, code, "{arguments:?}\n{}\n{}", ended.out, ended.err);
        ended
    }

    fn store(&self, state: &str) -> SqliteStore {
        SqliteStore::open(&self.path(state)).unwrap()
    }

    fn add(&self, state: &str, stream: &str, count: usize) {
        let store = self.store(state);
        let length = store.entries(stream).unwrap().len();
        for at in length..length + count {
            store.append(stream, at, &json!({ "state": "prepared", "candidate": format!("env-{at}") })).unwrap();
        }
    }

    /// A copy of a state, with what somebody makes of its streams.
    fn copy(&self, from: &str, to: &str, change: &dyn Fn(&str, Vec<Value>) -> Vec<Value>) {
        let (from_store, to_store) = (self.store(from), self.store(to));
        for stream in from_store.streams("").unwrap() {
            let entries = change(&stream, from_store.entries(&stream).unwrap());
            entries.iter().enumerate().for_each(|(at, entry)| to_store.append(&stream, at, entry).unwrap());
        }
        let key = self.path(from).join("ledger.key");
        if key.exists() {
            fs::copy(key, self.path(to).join("ledger.key")).unwrap();
        }
    }

    fn public(&self, state: &str) -> String {
        let text = fs::read_to_string(self.path(state).join("ledger.key")).unwrap();
        text.lines().nth(1).unwrap().strip_prefix("public ").unwrap().to_owned()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn ended(child: Child) -> Ended {
    let output = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    Ended { code: output.status.code().unwrap(), out: text(&output.stdout), err: text(&output.stderr) }
}

/// Whether the script for people who do not believe us finds the copy as it was signed.
fn holds_elsewhere(world: &World, key: &str) -> bool {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools/check_ledger.py");
    let mut python = Command::new("python3");
    let output = python.arg(script).args(["copy", key, "eight.txt"]).current_dir(&world.0).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.success(), said == "the first 8 of 8 entries are as they were signed\n", "{said}");
    output.status.success()
}

fn name_of(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A state with eight entries, signed at five and at eight.
fn signed(world: &World) -> String {
    world.add("state", "rotation/bg1", 3);
    world.add("state", "checkout/7", 2);
    let first = world.ends(0, &["checkpoint", "--state", "state", "--name", "breakglass/a", "--output", "five.txt"]);
    let key = world.public("state");
    assert!(
        first.err.contains(&format!("    {key}\n")) && first.err.contains("where this machine is not"),
        "{}",
        first.err
    );
    world.add("state", "rotation/bg1", 3);
    let second = world.ends(0, &["checkpoint", "--state", "state"]);
    assert!(!second.err.contains(&key), "{}", second.err);
    fs::write(world.path("eight.txt"), &second.out).unwrap();
    assert!(second.out.starts_with("breakglass/a\n8\n"), "{}", second.out);
    key
}

#[test]
fn a_ledger_is_shown_signed_and_checked() {
    let world = World::new("shown");
    let nothing = world.ends(2, &["verify", "--state", "state"]);
    assert!(nothing.err.starts_with("BG4036: there is no record in `state`"), "{}", nothing.err);
    world.add("state", "rotation/bg1", 1);
    let nameless = world.ends(2, &["checkpoint", "--state", "state"]);
    assert!(nameless.err.starts_with("BG4034: nothing says what the key of this ledger is called"), "{}", nameless.err);
    world.copy("state", "fresh", &|_, entries| entries);
    let world = World::new("shown-signed");
    let key = signed(&world);
    let good = world.ends(0, &["verify", "--state", "state"]);
    assert!(good.out.starts_with("Good: the first 8 entries are as they were signed.\n"), "{}", good.out);
    world.ends(0, &["verify", "--state", "state", "--checkpoint", "five.txt", "--checkpoint", "eight.txt"]);
    // What is done afterwards is not in it at first, and nobody vouches for it then.
    world.add("state", "drill/1", 2);
    let later = world.ends(0, &["verify", "--state", "state"]);
    assert!(later.out.contains("Not yet: 2 entries of the record"), "{}", later.out);
    world.ends(0, &["export", "copy", "--state", "state"]);
    let unsigned = world.ends(3, &["verify", "--state", "state"]);
    assert!(unsigned.out.contains("Not signed: entries 9 to 10 are behind the last checkpoint"), "{}", unsigned.out);
    let taken = world.ends(2, &["export", "copy", "--state", "state"]);
    assert!(taken.err.starts_with("BG4037: `copy` cannot be written"), "{}", taken.err);
    let shown = world.ends(0, &["show", "--state", "state", "--stream", "rotation/"]);
    assert!(shown.out.contains("rotation/bg1 5\n       Prepared; candidate: env-5\n"), "{}", shown.out);
    assert!(!shown.out.contains("checkout"), "{}", shown.out);
    assert!(shown.out.lines().all(|line| line.chars().count() <= 80), "{}", shown.out);
    let document: Value =
        serde_json::from_str(&world.ends(0, &["show", "--state", "state", "--format", "json"]).out).unwrap();
    assert_eq!((&document["format"], &document["size"]), (&json!("breakglass-ledger/1"), &json!(10)));
    assert_eq!(document["entries"].as_array().unwrap().len(), 10);
    // Somebody else has the copy, and the key from elsewhere or not at all.
    world.ends(3, &["verify", "copy"]);
    world.ends(3, &["verify", "copy", "--key", &key]);
    let document = world.ends(3, &["verify", "copy", "--key", &key, "--format", "json"]);
    let document: Value = serde_json::from_str(&document.out).unwrap();
    assert_eq!(document["format"], "breakglass-ledger-verification/1");
    assert_eq!((&document["signed"], &document["unsigned"]), (&json!(8), &json!(2)));
    world.ends(2, &["verify", "nowhere"]);
    world.ends(2, &["verify", "copy", "--key", "nonsense"]);
    world.ends(2, &["verify", "copy", "--checkpoint", "nowhere.txt", "--key", &key]);
}

#[test]
fn a_record_that_was_changed_in_the_database_shows() {
    let world = World::new("changed");
    signed(&world);
    world.copy("state", "changed", &|stream, mut entries| {
        if stream == "rotation/bg1" {
            entries[1]["candidate"] = json!("env-9");
        }
        entries
    });
    let found = world.ends(1, &["verify", "--state", "changed"]);
    let expected = "entry 1 of `rotation/bg1` is not what line 4 of the ledger says";
    assert!(found.out.replace("\n  ", " ").contains(expected), "{}", found.out);
    for command in ["checkpoint", "show"] {
        let refused = world.ends(1, &[command, "--state", "changed"]);
        assert!(refused.err.starts_with("BG4033: ") && refused.err.contains(expected), "{}", refused.err);
    }
    // Ledger and record agree, and both are shorter than what somebody has kept.
    world.copy("state", "cut", &|stream, mut entries| {
        match stream {
            "rotation/bg1" => entries.truncate(3),
            STREAM => entries.truncate(5),
            STREAM_CHECKPOINTS => entries.truncate(1),
            _ => {}
        }
        entries
    });
    let blind = world.ends(0, &["verify", "--state", "cut"]);
    assert!(blind.out.contains("Mind: no checkpoint from elsewhere was given"), "{}", blind.out);
    let cut = world.ends(1, &["verify", "--state", "cut", "--checkpoint", "eight.txt"]);
    assert!(cut.out.replace("\n  ", " ").contains("entries were removed"), "{}", cut.out);
    // A past of its own, signed with the same key.
    world.copy("cut", "forked", &|_, entries| entries);
    world.add("forked", "keys/x", 3);
    world.ends(0, &["checkpoint", "--state", "forked", "--output", "forked.txt"]);
    let forked = world.ends(1, &["verify", "--state", "forked", "--checkpoint", "eight.txt"]);
    assert!(forked.out.replace("\n  ", " ").contains("two checkpoints of 8 entries were signed"), "{}", forked.out);
}

#[test]
fn every_way_to_change_a_copy_shows() {
    let world = World::new("copy");
    let key = signed(&world);
    world.ends(0, &["export", "copy", "--state", "state"]);
    let entries = world.path("copy").join("entries.ndjson");
    let whole = fs::read_to_string(&entries).unwrap();
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    world.ends(0, &["verify", "copy", "--key", &key]);
    assert!(holds_elsewhere(&world, &key));
    let found = |text: &[u8]| {
        fs::write(&entries, text).unwrap();
        world.ends(1, &["verify", "copy", "--key", &key]);
    };
    for number in 0..lines.len() {
        let without: String = lines.iter().enumerate().filter(|(at, _)| *at != number).map(|(_, line)| *line).collect();
        found(without.as_bytes());
        let mut swapped = lines.clone();
        swapped.swap(number, (number + 1) % lines.len());
        found(swapped.concat().as_bytes());
        let start: usize = lines[..number].iter().map(|line| line.len()).sum();
        for bit in [0, 3, 8 * 40 + 6, 8 * lines[number].len() - 1] {
            let mut bytes = whole.clone().into_bytes();
            bytes[start + bit / 8] ^= 1 << (bit % 8);
            found(&bytes);
        }
    }
    assert!(!holds_elsewhere(&world, &key));
    found(b"");
    assert!(!holds_elsewhere(&world, &key));
    fs::write(&entries, &whole).unwrap();
    // A checkpoint is changed, or of another key.
    let checkpoint = world.path("copy").join("checkpoints/000002.txt");
    let note = fs::read_to_string(&checkpoint).unwrap();
    for changed in
        [note.replace("\n8\n", "\n7\n"), note.replace("breakglass/a", "breakglass/b"), note.replace("— ", "")]
    {
        fs::write(&checkpoint, changed).unwrap();
        let wrong = world.ends(1, &["verify", "copy", "--key", &key]);
        assert!(wrong.out.contains("000002.txt"), "{}", wrong.out);
    }
    fs::write(&checkpoint, &note).unwrap();
    world.add("other", "rotation/bg1", 1);
    world.ends(0, &["checkpoint", "--state", "other", "--name", "breakglass/a"]);
    world.ends(1, &["verify", "copy", "--key", &world.public("other")]);
}

/// A log that grew from five entries in two ways, as `one` and as `two`.
fn forked(world: &World) -> String {
    let key = signed(world);
    world.copy("state", "other", &|stream, mut entries| {
        match stream {
            "rotation/bg1" => entries.truncate(3),
            STREAM => entries.truncate(5),
            STREAM_CHECKPOINTS => entries.truncate(1),
            _ => {}
        }
        entries
    });
    world.ends(0, &["export", "five", "--state", "other"]);
    world.add("other", "drill/2", 3);
    world.ends(0, &["checkpoint", "--state", "other"]);
    world.ends(0, &["export", "one", "--state", "state"]);
    world.ends(0, &["export", "two", "--state", "other"]);
    key
}

#[test]
fn a_witness_signs_what_grew_and_keeps_what_was_forked() {
    let world = World::new("witness");
    let key = forked(&world);
    let see = |code, log: &str| world.ends(code, &["witness", "--folder", "witness", "--key", &key, "--log", log]);
    let first = see(0, "five");
    assert!(first.err.contains("this ledger was never seen here: its 5 entries are believed"), "{}", first.err);
    let grown = see(0, "one");
    assert!(grown.err.contains("the ledger only grew, from 5 entries to 8 entries"), "{}", grown.err);
    assert!(see(0, "one").err.contains("the ledger is as it was: 8 entries"));
    let fork = see(1, "two");
    assert!(
        fork.err.starts_with("BG4038: this checkpoint is not signed: another log of 8 entries was seen"),
        "{}",
        fork.err
    );
    assert!(fork.err.matches("8 entries with the root ").count() == 2 && fork.out.is_empty(), "{}", fork.err);
    let old = see(2, "five");
    assert!(old.err.starts_with("BG4040: "), "{}", old.err);
    assert!(old.err.contains("it is older than what is known, or the log was cut off"), "{}", old.err);
    let kept = fs::read_dir(world.path("witness/evidence")).unwrap().count();
    assert_eq!(kept, 1);
    // What the witness signed is worth something to whoever checks, and a witness that signed nothing shows.
    fs::write(world.path("cosigned.txt"), &grown.out).unwrap();
    fs::write(world.path("early.txt"), &first.out).unwrap();
    let witness = fs::read_to_string(world.path("witness/witness.key")).unwrap();
    let witness = witness.lines().nth(1).unwrap().strip_prefix("public ").unwrap().to_owned();
    let verify = ["verify", "one", "--key", &key, "--witness", &witness];
    let bare = world.ends(1, &verify);
    let expected = "no checkpoint that was given is signed by the witness `breakglass-witness`";
    assert!(bare.out.replace("\n  ", " ").contains(expected), "{}", bare.out);
    let good = world.ends(0, &[&verify[..], &["--checkpoint", "cosigned.txt"]].concat());
    assert!(good.out.contains("Witness: `breakglass-witness` signed 8 entries on "), "{}", good.out);
    let late = world.ends(3, &[&verify[..], &["--checkpoint", "early.txt"]].concat());
    assert!(late.out.replace("\n  ", " ").contains("has signed 5 of the 8 entries"), "{}", late.out);
    // Another ledger's key, entries of another log, and damage to what is remembered.
    let other = ["witness", "--folder", "witness", "--key", &witness, "--log", "one"];
    assert!(world.ends(1, &other).err.contains("is not a key for this"));
    fs::copy(world.path("two/entries.ndjson"), world.path("one/entries.ndjson")).unwrap();
    assert!(see(1, "one").err.starts_with("BG4038: the entries are not those"));
    for entry in fs::read_dir(world.path("witness")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "seen") {
            fs::write(path, "").unwrap();
        }
    }
    assert!(see(2, "two").err.starts_with("BG4039: "));
}

#[test]
fn a_witness_is_asked_with_a_proof_alone() {
    let world = World::new("request");
    let key = forked(&world);
    let witness = ["witness", "--folder", "witness", "--key", &key];
    world.ends(0, &[&witness[..], &["--log", "five"]].concat());
    let since = |code, state: &str, since: &str| {
        let _ = fs::remove_file(world.path("request.txt"));
        world.ends(code, &["checkpoint", "--state", state, "--since", since, "--output", "request.txt"])
    };
    let request = [&witness[..], &["--request", "request.txt"]].concat();
    since(0, "state", "4");
    let early = world.ends(2, &request);
    assert!(early.err.contains("the proof begins at 4 entries, and 5 were seen"), "{}", early.err);
    since(0, "state", "5");
    let grown = world.ends(0, &request);
    assert!(grown.err.contains("the ledger only grew, from 5 entries to 8 entries"), "{}", grown.err);
    // The answer was lost, and the same is asked again.
    let again = world.ends(0, &request);
    assert!(again.err.contains("the ledger is as it was: 8 entries"), "{}", again.err);
    assert_eq!(again.out.lines().next(), grown.out.lines().next());
    assert!(!world.path("witness/evidence").exists());
    let taken = ["checkpoint", "--state", "state", "--output", "request.txt"];
    assert!(world.ends(2, &taken).err.starts_with("BG4037: `request.txt` cannot be written"));
    since(0, "other", "5");
    assert!(world.ends(1, &request).err.contains("the log was forked"));
    assert!(since(1, "state", "9").err.starts_with("BG4036: the ledger has 8 entries"));
    fs::write(world.path("request.txt"), "nonsense").unwrap();
    assert!(world.ends(2, &request).err.starts_with("BG4036: `request.txt` cannot be used"));
}

#[test]
fn two_processes_put_every_entry_in_once() {
    let world = World::new("processes");
    world.add("state", "rotation/bg1", 60);
    world.add("state", "checkout/7", 60);
    let arguments = ["checkpoint", "--state", "state", "--name", "breakglass/a"];
    let children = [world.started(&arguments), world.started(&arguments), world.started(&arguments)];
    for child in children {
        let ended = ended(child);
        assert_eq!(ended.code, 0, "{}", ended.err);
        assert!(ended.out.starts_with("breakglass/a\n120\n"), "{}", ended.out);
    }
    let looked = look(&world.store("state")).unwrap();
    assert_eq!((looked.journal.size(), looked.missing.len()), (120, 0));
    world.ends(0, &["verify", "--state", "state"]);
}

#[test]
fn two_witnesses_of_one_folder_never_sign_two_pasts() {
    let world = World::new("race");
    let key = forked(&world);
    let mut busy = 0;
    for round in 0..ROUNDS {
        let folder = world.path(&format!("witness-{round}"));
        let witness = ["witness", "--folder", name_of(&folder), "--key", &key, "--log"];
        world.ends(0, &[&witness[..], &["five"]].concat());
        let children = ["one", "two"].map(|log| world.started(&[&witness[..], &[log]].concat()));
        let ended = children.map(ended);
        let codes = [ended[0].code, ended[1].code];
        // Whoever is first signs; the other one is told that somebody is at work, or sees that the log was forked.
        assert!(matches!(codes, [0, 1 | 2] | [1 | 2, 0]), "round {round}: {}\n{}", ended[0].err, ended[1].err);
        assert!(ended.iter().all(|ended| ended.out.is_empty() == (ended.code != 0)));
        busy += codes.iter().filter(|code| **code == 2).count();
        let late = if codes[0] == 0 { "two" } else { "one" };
        let told = world.ends(1, &[&witness[..], &[late]].concat());
        assert!(told.err.contains("the log was forked"), "round {round}: {}", told.err);
        assert!(fs::read_dir(folder.join("evidence")).unwrap().next().is_some(), "round {round}");
    }
    println!("{ROUNDS} rounds, each signed once, {busy} told that another is at work");
}

#[test]
fn what_is_written_down_of_keys_is_in_the_ledger_at_once() {
    let world = World::new("keys");
    let note = |key: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_breakglass"));
        let account = "11111111-2222-3333-4444-555555555555";
        command.args(["keys", "note", "--account", account, "--key", key]);
        command.args(["--at", "hq", "--held-by", "eva", "--pin-held-by", "max"]).current_dir(&world.0);
        command.env("COLUMNS", "80").env("NO_COLOR", "1").output().unwrap()
    };
    let entered = || {
        let looked = look(&world.store(".breakglass")).unwrap();
        assert!(looked.missing.is_empty(), "{:?}", looked.missing);
        looked.journal.size()
    };
    assert!(note("1234").status.success());
    assert_eq!(entered(), 1);
    assert!(note("5678").status.success());
    assert_eq!(entered(), 2);
}

#[test]
fn what_stands_on_a_cover_is_enough_to_see_what_was_changed_or_removed() {
    let world = World::new("paper");
    world.add("kept", "rotation/a", 5);
    world.ends(0, &["checkpoint", "--state", "kept", "--name", "a/b"]);
    let root_of = |state: &str| {
        let shown = world.ends(0, &["show", "--state", state]).out;
        let words: String = shown.split_whitespace().collect::<Vec<_>>().join(" ");
        words.split("the root is ").nth(1).unwrap().split_whitespace().next().unwrap().trim_end_matches('.').to_owned()
    };
    let root = root_of("kept");
    let then = format!("5:{root}");
    world.ends(0, &["verify", "--state", "kept", "--root", &then]);
    world.add("kept", "rotation/a", 1);
    world.ends(0, &["checkpoint", "--state", "kept"]);
    world.ends(0, &["verify", "--state", "kept", "--root", &then]);
    // A copy from elsewhere, with no key and no checkpoint: what is behind the paper nobody vouches for.
    world.ends(0, &["export", "entries.ndjson", "--state", "kept"]);
    let alone = ["verify", "entries.ndjson", "--state", "nowhere", "--root", &then];
    let told = world.ends(3, &alone);
    assert!(told.out.contains("the first 5 entries"), "{}", told.out);

    world.copy("kept", "changed", &|stream, mut entries| {
        if stream == "rotation/a" {
            entries[2]["candidate"] = json!("another");
        }
        if stream.starts_with("ledger") { Vec::new() } else { entries }
    });
    world.ends(0, &["checkpoint", "--state", "changed"]);
    let found = world.ends(1, &["verify", "--state", "changed", "--root", &then]);
    assert!(found.out.replace("\n  ", " ").contains("are not those of the root that was given"), "{}", found.out);
    world.copy("kept", "short", &|stream, mut entries| {
        entries.truncate(3);
        if stream.starts_with("ledger") { Vec::new() } else { entries }
    });
    world.ends(0, &["checkpoint", "--state", "short"]);
    let found = world.ends(1, &["verify", "--state", "short", "--root", &then]);
    assert!(found.out.replace("\n  ", " ").contains("entries were removed"), "{}", found.out);
    for wrong in ["5", "5:", "x:aaaa", &format!("{root}:5")] {
        world.ends(2, &["verify", "--state", "kept", "--root", wrong]);
    }
}
