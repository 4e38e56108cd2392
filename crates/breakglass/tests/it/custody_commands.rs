//! The key box through the program itself, with no network: sets, shares, sealing, opening, check-outs by two people, and
//! what is wrong with any of it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

const PEOPLE: [&str; 3] = ["eva", "max", "ida"];
pub(super) const ACCOUNT: &str = "bg1@contoso.onmicrosoft.com";
pub(super) const ID: &str = "11111111-2222-3333-4444-555555555555";
pub(super) const OTHER_ID: &str = "11111111-2222-3333-4444-666666666666";

pub(super) struct World {
    pub(super) folder: PathBuf,
    identities: Vec<age::x25519::Identity>,
}

pub(super) struct Ended {
    pub(super) code: i32,
    pub(super) out: String,
    pub(super) err: String,
}

impl World {
    /// A folder with a configuration in which three custodians have keys of their own.
    pub(super) fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("breakglass-key-box-{}-{name}", std::process::id()));
        drop(fs::remove_dir_all(&folder));
        fs::create_dir(&folder).unwrap();
        let identities = PEOPLE.iter().map(|_| age::x25519::Identity::generate()).collect();
        let world = Self { folder, identities };
        let mut config =
            format!("[tenant]\nid = \"{ID}\"\nname = \"Contoso\"\n[[account]]\nid = \"{ID}\"\n[custody]\n");
        for (person, identity) in PEOPLE.iter().zip(&world.identities) {
            let key = world.ends(0, &["custody", "generate", "signing-key", "--person", person]).out;
            let (key, age) = (key.trim(), identity.to_public());
            config.push_str(&format!(
                "[[custody.custodian]]\nid = \"{person}\"\nname = \"{}\"\nphone = \"+49 30 1\"\nkey = \"{key}\"\nage = \"{age}\"\n",
                person.to_uppercase()
            ));
        }
        fs::write(world.folder.join("breakglass.toml"), config).unwrap();
        world
    }

    pub(super) fn run(&self, arguments: &[&str], input: &str) -> Ended {
        let mut command = Command::new(env!("CARGO_BIN_EXE_breakglass"));
        command.args(arguments).current_dir(&self.folder).env("COLUMNS", "80").env("NO_COLOR", "1");
        command.env_remove("BREAKGLASS_KEY_PASSPHRASE");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // Whoever reads nothing has gone by then.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ended { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }

    /// A run that has to end so.
    pub(super) fn ends(&self, code: i32, arguments: &[&str]) -> Ended {
        self.ends_with(code, arguments, "")
    }

    pub(super) fn ends_with(&self, code: i32, arguments: &[&str], input: &str) -> Ended {
        let ended = self.run(arguments, input);
        assert_eq!(ended.code, code, "{arguments:?}\n{}\n{}", ended.out, ended.err);
        ended
    }

    /// Makes a set, and gives its name and its shares.
    pub(super) fn set(&self) -> (String, Vec<String>) {
        self.set_by(&["custody", "new-set"], &self.identities)
    }

    fn set_by(&self, arguments: &[&str], identities: &[age::x25519::Identity]) -> (String, Vec<String>) {
        let before = self.files("shares");
        self.ends(0, arguments);
        let mut made: Vec<String> = self.files("shares").into_iter().filter(|file| !before.contains(file)).collect();
        made.sort();
        assert_eq!(made.len(), 3);
        let set = made[0].split('-').take(2).collect::<Vec<_>>().join("-");
        let shares = made.iter().zip(identities).map(|(file, identity)| {
            let sealed = fs::read(self.folder.join("shares").join(file)).unwrap();
            let armored = age::armor::ArmoredReader::new(sealed.as_slice());
            let decryptor = age::Decryptor::new(armored).unwrap();
            let mut words = String::new();
            let identity: &dyn age::Identity = identity;
            decryptor.decrypt(std::iter::once(identity)).unwrap().read_to_string(&mut words).unwrap();
            words
        });
        (set, shares.collect())
    }

    /// A set that may be sealed to.
    pub(super) fn ready_set(&self) -> (String, Vec<String>) {
        let (set, shares) = self.set();
        let told = self.ends_with(0, &["custody", "rehearse", "--acknowledge", "--share", "-"], &shares.join("\n"));
        assert!(told.err.contains("the set can be sealed to"), "{}", told.err);
        (set, shares)
    }

    pub(super) fn files(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.folder.join(folder)) else { return Vec::new() };
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    pub(super) fn seal(&self) -> String {
        let sealed = self.ends(0, &["custody", "seal", "--account", ACCOUNT, "--id", ID, "--generate"]);
        sealed.out.trim().to_owned()
    }

    pub(super) fn listing(&self) -> Value {
        serde_json::from_str(&self.run(&["custody", "list", "--format", "json"], "").out).unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// The text in one line, without what frames it.
pub(super) fn words(text: &str) -> String {
    text.replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

pub(super) fn two(shares: &[String], first: usize, second: usize) -> String {
    format!("{}\n{}\n", shares[first], shares[second])
}

/// Whether two neighbouring words of `share` stand in `text`. One alone says nothing: the word list has `dominant`, but
/// also words that our own sentences are made of.
fn tells_of(text: &str, share: &str) -> bool {
    let words: Vec<&str> = share.split(' ').collect();
    words.windows(2).any(|pair| text.contains(&pair.join(" ")))
}

#[test]
fn what_is_sealed_opens_with_any_two_shares_and_with_nothing_else() {
    let world = World::new("opens");
    let (set, shares) = world.ready_set();
    let password = world.seal();
    assert_eq!(password.len(), 28);
    let open = ["custody", "open", "--account", ACCOUNT, "--share", "-"];
    for (first, second) in [(0, 1), (1, 2), (2, 0)] {
        assert_eq!(world.ends_with(0, &open, &two(&shares, first, second)).out.trim(), password);
    }
    // As they stand on paper: with numbers, in lines, row by row of three columns.
    let words: Vec<&str> = shares[2].split_whitespace().collect();
    let cell = |at: usize| format!("{:>2} {}", at + 1, words[at]);
    let rows = (0..11).map(|row| format!("{} {} {}\r\n", cell(row), cell(row + 11), cell(row + 22)));
    let on_paper = format!("{}{}", rows.collect::<String>(), shares[0].replace(' ', "\n"));
    assert_eq!(world.ends_with(0, &open, &on_paper).out.trim(), password);
    let mistyped = shares[1].replacen(shares[1].split(' ').nth(6).unwrap(), "zebra7", 1);
    let (_, others) = world.set();
    for (input, code, told) in [
        (shares[0].clone(), "BG4054", "1 of the 2 shares that are needed are here"),
        (two(&shares, 0, 0), "BG4054", "the same share"),
        (format!("{}\n{}", shares[0], others[1]), "BG4054", "share 2 is of the set"),
        (format!("{}\n{mistyped}", shares[0]), "BG4053", "share 2: word 7 is not in the word list"),
        (shares[0].splitn(2, ' ').last().unwrap().to_owned(), "BG4053", "share 1 has 32 words"),
        (String::new(), "BG4053", "no share was handed in"),
        ("\u{0}".repeat(9_000), "BG4053", "more than 4096 bytes"),
    ] {
        let refused = world.ends_with(2, &open, &input);
        assert!(refused.err.contains(code) && refused.err.contains(told), "{input:?}: {}", refused.err);
        assert_eq!(refused.out, "");
        assert!(!tells_of(&refused.err, &shares[0]), "no words of a share are told: {}", refused.err);
    }
    // A document that somebody changed, or that another operator signed.
    let name = world.files(".breakglass/documents").pop().unwrap();
    let path = world.folder.join(".breakglass/documents").join(&name);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("\"version\":1", "\"version\":2", 1)).unwrap();
    let refused = world.ends_with(2, &open, &two(&shares, 0, 1));
    assert!(refused.err.contains("this is not as it was signed"), "{}", refused.err);
    fs::write(world.folder.join("sheet.txt"), &text).unwrap();
    let from_sheet = ["custody", "open", "--document", "sheet.txt", "--share", "-"];
    assert_eq!(world.ends_with(0, &from_sheet, &two(&shares, 0, 1)).out.trim(), password);
    let other = ["--operator", "0000-0000-0000-0000-0000-0000-0000-0000"];
    let refused = world.ends_with(2, &[&from_sheet[..], &other].concat(), &two(&shares, 0, 1));
    assert!(refused.err.contains("was to sign it"), "{}", refused.err);
    fs::write(&path, text).unwrap();
    assert!(world.listing()["sets"][0]["set"] == set.as_str());
}

#[test]
fn a_machine_that_knows_nothing_opens_with_a_sheet() {
    let world = World::new("offline");
    let (_, shares) = world.ready_set();
    let password = world.seal();
    let operator = world.listing()["operator"].as_str().unwrap().to_owned();
    let name = world.files(".breakglass/documents").pop().unwrap();
    let document = fs::read(world.folder.join(".breakglass/documents").join(name)).unwrap();
    let elsewhere = World::new("offline-elsewhere");
    fs::remove_file(elsewhere.folder.join("breakglass.toml")).unwrap();
    fs::write(elsewhere.folder.join("sheet.txt"), document).unwrap();
    let open = ["custody", "open", "--document", "sheet.txt", "--operator", &operator, "--share", "-"];
    let opened = elsewhere.ends_with(0, &open, &two(&shares, 1, 2));
    assert_eq!(opened.out.trim(), password);
    assert!(opened.err.contains("this opening is not written down"), "{}", opened.err);
    assert!(!elsewhere.folder.join(".breakglass").exists(), "nothing is left there");
}

#[test]
fn nothing_is_sealed_to_a_set_that_is_not_ready_or_was_opened() {
    let world = World::new("ready");
    let seal = ["custody", "seal", "--account", ACCOUNT, "--id", ID, "--generate"];
    assert!(world.ends(2, &seal).err.contains("BG4051"));
    let (_, shares) = world.set();
    assert!(world.ends(2, &seal).err.contains("shares to be delivered and acknowledged: 1, 2, 3"));
    let rehearse = ["custody", "rehearse", "--share", "-"];
    assert!(
        world.ends_with(2, &rehearse, &two(&shares, 0, 1)).err.contains("no custodian has acknowledged the share 1")
    );
    let acknowledge =
        |person: &str, share: &str| world.run(&["custody", "acknowledge", "--person", person, "--share", "-"], share);
    let refused = acknowledge("max", &shares[0]);
    assert!(refused.code == 2 && refused.err.contains("was given to `eva`, and not to `max`"), "{}", refused.err);
    for (person, share) in PEOPLE.iter().zip(&shares) {
        assert_eq!(acknowledge(person, share).code, 0);
    }
    assert!(world.ends_with(0, &rehearse, &two(&shares, 0, 1)).err.contains("shares to be rehearsed: 3"));
    assert!(world.ends(2, &seal).err.contains("shares to be rehearsed: 3"));
    world.ends_with(0, &rehearse, &two(&shares, 1, 2));
    world.ends(0, &seal);
    assert!(world.ends(2, &seal).err.contains("has passwords that are sealed"));
    world.ends_with(0, &["custody", "open", "--account", ACCOUNT, "--share", "-"], &two(&shares, 0, 2));
    let other = ["custody", "seal", "--account", "bg2@contoso.onmicrosoft.com", "--id", OTHER_ID, "--generate"];
    assert!(world.ends(2, &other).err.contains("BG4052"));
    world.ready_set();
    let by_name = ["custody", "seal", "--account", "bg2@contoso.onmicrosoft.com", "--id", "bg2", "--generate"];
    assert!(world.ends(2, &by_name).err.contains("expected an object id"));
    world.ends(0, &other);
    // Two sets are kept, one of them opened; the other is the one that is sealed to.
    let listing = world.listing();
    assert_eq!(listing["sets"][0]["stands"], "opened, kept until nothing counts");
    assert_eq!(listing["sets"][1]["stands"], "current");
    let refused = world.ends(
        2,
        &["custody", "retire", "--set", listing["sets"][0]["set"].as_str().unwrap(), "--reason", "x", "--destroyed"],
    );
    assert!(refused.err.contains("may count"), "{}", refused.err);
}

#[test]
fn two_people_agree_once_and_the_record_holds_what_they_signed() {
    let world = World::new("checkout");
    let (_, shares) = world.ready_set();
    let password = world.seal();
    let request = ["checkout", "request", "--account", ACCOUNT, "--person", "eva", "--reason", "locked out"];
    let approve = |person: &'static str, key: &'static str| {
        ["checkout", "approve", "--account", ACCOUNT, "--yes", "--person", person, "--key", key]
    };
    let open = ["checkout", "open", "--account", ACCOUNT, "--share", "-"];
    let giving = two(&shares, 0, 1);
    assert!(world.ends_with(2, &open, &giving).err.contains("nothing is asked for"));
    world.ends(0, &request);
    assert!(world.ends(2, &request).err.contains("is under way"));
    assert!(world.ends_with(2, &open, &giving).err.contains("1 of 2 people agree so far"));
    assert!(world.ends(2, &approve("eva", "eva.key")).err.contains("somebody else has to approve"));
    assert!(world.ends(2, &approve("max", "ida.key")).err.contains("BG4072"), "with somebody else's key");
    world.ends(0, &approve("max", "max.key"));
    assert!(world.ends(2, &approve("max", "max.key")).err.contains("a person counts once"));
    // Wrong shares use nothing up.
    assert!(world.ends_with(2, &open, &shares[0]).err.contains("BG4054"));
    let opened = world.ends_with(0, &open, &giving);
    assert_eq!(opened.out.trim(), password);
    assert!(world.ends_with(2, &open, &giving).err.contains("good for once"));
    let refused = words(&world.ends(2, &request).err);
    assert!(refused.contains("return it first") && !refused.contains("expires"), "{refused}");
    let listing = world.listing();
    assert_eq!(
        (&listing["documents"][0]["checkOut"], &listing["documents"][0]["isOpened"]),
        (&"out".into(), &true.into())
    );
    world.ends(0, &["checkout", "return", "--account", ACCOUNT, "--person", "eva"]);
    let shown = world.ends(0, &["ledger", "show"]).out;
    for state in ["requested", "approved", "opened", "returned"] {
        assert!(shown.contains(state), "{state}: {shown}");
    }
    assert!(!shown.contains(&password));
}

#[test]
fn a_state_that_somebody_changed_opens_nothing_by_check_out() {
    let world = World::new("changed");
    let (_, shares) = world.ready_set();
    world.seal();
    world.ends(0, &["checkout", "request", "--account", ACCOUNT, "--person", "eva", "--reason", "locked out"]);
    let database = world.folder.join(".breakglass/state.db");
    let before = fs::read(&database).unwrap();
    let run = |sql: &str| assert!(rusqlite::Connection::open(&database).unwrap().execute(sql, ()).unwrap() > 0);
    let change = |from: &str, to: &str| {
        run(&format!("UPDATE entries SET entry = replace(entry, '{from}', '{to}') WHERE stream LIKE 'checkout/%'"));
    };
    let approve = ["checkout", "approve", "--account", ACCOUNT, "--yes", "--person", "max"];
    change("locked out", "a party");
    let refused = world.ends(2, &approve);
    assert!(refused.err.contains("it was changed in the database"), "{}", refused.err);
    // Whoever takes the ledger away as well meets the signatures.
    run("DELETE FROM entries WHERE stream = 'ledger'");
    let refused = world.ends(2, &approve);
    assert!(refused.err.contains("BG4072"), "{}", refused.err);
    fs::write(&database, &before).unwrap();
    world.ends(0, &approve);
    // An approval in somebody else's name.
    change("\"person\":\"max\"", "\"person\":\"ida\"");
    run("DELETE FROM entries WHERE stream = 'ledger'");
    let refused = world.ends_with(2, &["checkout", "open", "--account", ACCOUNT, "--share", "-"], &two(&shares, 0, 1));
    assert!(refused.err.contains("BG4072"), "{}", refused.err);
}

#[test]
fn whoever_is_left_opens_with_the_reserve_that_is_held_outside() {
    let world = World::new("reserve");
    let path = world.folder.join("breakglass.toml");
    let mut config = fs::read_to_string(&path).unwrap();
    let identities = ["bank", "board", "notary"].map(|_| age::x25519::Identity::generate());
    for (person, identity) in ["bank", "board", "notary"].iter().zip(&identities) {
        let age = identity.to_public();
        config.push_str(&format!("[[custody.reserve]]\nid = \"{person}\"\nphone = \"+49 30 2\"\nage = \"{age}\"\n"));
    }
    fs::write(&path, config).unwrap();
    let (_, shares) = world.ready_set();
    assert!(world.listing()["toDo"].to_string().contains("custody new-set --reserve"));
    let (reserve, outside) = world.set_by(&["custody", "new-set", "--reserve"], &identities);
    let seal = ["custody", "seal", "--account", ACCOUNT, "--id", ID, "--generate"];
    let rehearse = ["custody", "rehearse", "--acknowledge", "--set", &reserve, "--share", "-"];
    world.ends_with(0, &rehearse, &outside.join("\n"));
    let password = world.ends(0, &seal).out.trim().to_owned();
    let listing = world.listing();
    assert_eq!(listing["documents"][0]["reserve"], reserve.as_str());
    assert_eq!(listing["sets"][1]["stands"], "reserve, current");
    // Each opens alone, and no mixture does.
    let open = ["custody", "open", "--account", ACCOUNT, "--share", "-"];
    let mixed = world.ends_with(2, &open, &format!("{}\n{}", shares[0], outside[1]));
    assert!(mixed.err.contains("share 1 is of the set"), "{}", mixed.err);
    world.ends_with(0, &rehearse, &outside.join("\n"));
    let opened = world.ends_with(0, &[&open[..], &["--reserve"]].concat(), &two(&outside, 2, 0));
    assert_eq!(opened.out.trim(), password);
    let listing = world.listing();
    assert_eq!(listing["sets"][0]["stands"], "current", "the custodians' key was not there");
    assert_eq!(listing["sets"][1]["stands"], "reserve, opened, kept until nothing counts");
    assert!(world.listing()["toDo"].to_string().contains("custody new-set --reserve"));
    assert!(words(&opened.err).contains("no other reserve is ready"), "{}", opened.err);
    assert!(!words(&opened.err).contains("no other set of shares is ready"), "{}", opened.err);
    // Whoever says why it was opened burns no other set, with the words of the list and without them.
    let document = listing["documents"][0]["document"].as_str().unwrap().to_owned();
    let wanted = format!("record-opening --document {document} --reserve --person");
    assert!(listing["toDo"].to_string().contains(&wanted), "{}", listing["toDo"]);
    let record = ["custody", "record-opening", "--document", &document, "--person", "bank", "--person", "board"];
    let told = world.ends(0, &[&record[..], &["--reason", "a", "fire"]].concat());
    assert!(words(&told.err).contains("with shares of the reserve, which this machine has seen"), "{}", told.err);
    let listing = world.listing();
    assert_eq!(listing["sets"][0]["stands"], "current", "the custodians' key was not there");
    assert!(!listing["toDo"].to_string().contains("record-opening"), "{}", listing["toDo"]);
    let refused = world.ends(2, &["custody", "retire", "--set", &reserve, "--reason", "it was opened", "--destroyed"]);
    assert!(refused.err.contains("may count"), "{}", refused.err);
    // Another account is sealed without it, and that is told.
    let other = ["custody", "seal", "--account", "bg2@contoso.onmicrosoft.com", "--id", OTHER_ID, "--generate"];
    let sealed = world.ends(0, &other);
    assert!(sealed.err.contains("it is not sealed to the reserve"), "{}", sealed.err);
    let document = world.listing()["documents"].as_array().unwrap().clone();
    let bare = document.iter().find(|one| one["accountId"] == OTHER_ID).unwrap();
    assert_eq!(bare["reserve"], Value::Null);
    let name = bare["document"].as_str().unwrap();
    let refused =
        world.ends_with(2, &["custody", "open", "--document", name, "--reserve", "--share", "-"], &two(&outside, 0, 1));
    assert!(refused.err.contains("is sealed to no reserve"), "{}", refused.err);
}

#[test]
fn openings_elsewhere_are_written_down_by_two_people() {
    let world = World::new("record");
    world.ready_set();
    world.seal();
    let document = world.listing()["documents"][0]["document"].as_str().unwrap().to_owned();
    let record = |people: &[&'static str]| {
        let mut arguments = vec!["custody", "record-opening", "--document", &document, "--reason", "a fire"];
        let (people, when) =
            people.split_at(people.iter().position(|word| word.starts_with('-')).unwrap_or(people.len()));
        people.iter().for_each(|person| arguments.extend(["--person", person]));
        arguments.extend(when);
        world.run(&arguments, "")
    };
    assert!(record(&["eva"]).err.contains("at least two people"));
    assert!(record(&["eva", "eva"]).err.contains("at least two people"));
    assert!(record(&["eva", "nobody"]).err.contains("`nobody` is no custodian"));
    let unsaid = record(&["eva", "ida"]);
    assert_eq!((unsaid.code, unsaid.err.contains("nobody says when it was")), (2, true), "{}", unsaid.err);
    assert_eq!(record(&["eva", "ida", "--opened-at", "2026-01-27T03:00:00Z"]).code, 0);
    let listing = world.listing();
    assert_eq!(listing["documents"][0]["stands"], "counts, opened: rotate");
    assert_eq!(listing["sets"][0]["stands"], "opened, kept until nothing counts");
}

#[test]
fn nobody_is_given_two_shares_by_having_one_key_under_two_names() {
    let world = World::new("one-key");
    let path = world.folder.join("breakglass.toml");
    let config = fs::read_to_string(&path).unwrap();
    let age = |place: usize| world.identities[place].to_public().to_string();
    fs::write(&path, config.replace(&age(2), &age(0))).unwrap();
    for more in [&[][..], &["--custodian", "eva", "--custodian", "max", "--custodian", "ida"]] {
        let refused = world.ends(2, &[&["custody", "new-set"][..], more].concat());
        assert!(refused.err.contains("BG1103") && refused.err.contains("one `age` key"), "{}", refused.err);
    }
    assert!(world.files("shares").is_empty() && !world.folder.join(".breakglass").exists());
}

#[test]
fn a_custodian_without_a_key_of_their_own_gets_a_sheet_with_one_share() {
    let world = World::new("sheets");
    let path = world.folder.join("breakglass.toml");
    let config = fs::read_to_string(&path).unwrap();
    let without: Vec<&str> = config.lines().filter(|line| !line.starts_with("age =")).collect();
    fs::write(&path, without.join("\n")).unwrap();
    world.ends(0, &["custody", "new-set", "--output", "sheets", "--paper", "letter"]);
    let mut sheets = world.files("sheets");
    sheets.sort();
    assert_eq!(sheets.len(), 3);
    for sheet in &sheets {
        assert!(fs::read(world.folder.join("sheets").join(sheet)).unwrap().starts_with(b"%PDF-"), "{sheet}");
        #[cfg(unix)]
        {
            let about = fs::metadata(world.folder.join("sheets").join(sheet)).unwrap();
            assert_eq!(std::os::unix::fs::PermissionsExt::mode(&about.permissions()) & 0o777, 0o600, "{sheet}");
        }
    }
    for (what, more) in [("cover", vec![]), ("runbook", vec!["--second-factor", "a key in safe 2"])] {
        let output = format!("{what}.pdf");
        world.ends(0, &[&["custody", "sheet", what, "--output", &output][..], &more].concat());
        let refused = world.ends(2, &["custody", "sheet", what, "--output", &output]);
        assert!(refused.err.contains("cannot be written"), "{}", refused.err);
    }
    let nowhere = world.ends(2, &["custody", "sheet", "cover", "--output", "nowhere/cover.pdf"]);
    assert!(nowhere.err.contains("`nowhere/cover.pdf` cannot be written"), "{}", nowhere.err);
    assert!(!world.folder.join("nowhere").exists(), "only a set of shares makes a folder");
}

#[test]
fn a_copy_of_the_state_says_what_is_not_in_it_and_no_other_operator_goes_on_with_it() {
    let world = World::new("copies");
    world.ready_set();
    world.seal();
    let copied = world.ends(0, &["state", "backup", "copy.db"]);
    for beside in ["operator.key", "documents"] {
        assert!(copied.err.contains(&format!("`.breakglass/{beside}` is not in it")), "{}", copied.err);
    }
    assert!(!copied.err.contains("ledger.key"), "{}", copied.err);
    let key = fs::read(world.folder.join(".breakglass/operator.key")).unwrap();
    fs::remove_dir_all(world.folder.join(".breakglass")).unwrap();
    let restored = world.ends(0, &["state", "restore", "copy.db"]);
    assert!(restored.err.contains("`.breakglass/operator.key` is not there, and is in no copy"), "{}", restored.err);
    let listed = world.ends(1, &["custody", "list"]);
    let told = listed.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("bring the operator's key from where it was"), "{told}");
    assert!(!told.contains("new-set"), "{told}");
    let refused = world.ends(2, &["custody", "new-set"]);
    assert!(refused.err.contains("sets of shares were signed with the operator's key"), "{}", refused.err);
    assert!(!world.folder.join(".breakglass/operator.key").exists(), "no other key is made");
    fs::write(world.folder.join(".breakglass/operator.key"), key).unwrap();
    #[cfg(unix)]
    {
        let only_its_owner = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(world.folder.join(".breakglass/operator.key"), only_its_owner).unwrap();
    }
    world.ends(0, &["custody", "new-set"]);
}

#[test]
fn a_set_that_cannot_be_leaves_nothing_behind() {
    let world = World::new("twice");
    let twice = ["--custodian", "eva", "--custodian", "eva", "--custodian", "max"];
    let refused = world.ends(2, &[&["custody", "new-set"][..], &twice].concat());
    assert!(refused.err.contains("`eva` would hold two shares of one set"), "{}", refused.err);
    assert!(!world.folder.join(".breakglass/operator.key").exists());
}

#[test]
fn a_password_is_spelled_where_there_is_no_terminal_as_well() {
    let world = World::new("spelled");
    let (_, shares) = world.ready_set();
    let password = world.seal();
    let open = ["custody", "open", "--account", ACCOUNT, "--spell", "en", "--share", "-"];
    let opened = world.ends_with(0, &open, &two(&shares, 0, 1)).out;
    let (first, spelled) = opened.split_once('\n').unwrap();
    assert_eq!(first, password);
    assert_eq!(spelled.split([',', '\n']).filter(|word| !word.trim().is_empty()).count(), password.len(), "{spelled}");
}
