//! PINs of security keys and private keys of certificates, sealed, opened by two shares, replaced, and their sets retired: through
//! the program itself, with no network.

use std::fs;

use serde_json::Value;

use super::custody_commands::{ACCOUNT, ID, World, two, words};

const KEY: &str = "20817713";
const PIN: &str = "482915";
const OTHER_PIN: &str = "771204";

impl World {
    fn notes_key(&self) {
        let note = ["keys", "note", "--account", ID, "--key", KEY, "--at", "safe", "--held-by", "eva"];
        // Whoever is mistyped would count as another person.
        let refused = self.ends(2, &[&note[..], &["--pin-held-by", "eva2"]].concat());
        assert!(refused.err.contains("BG4051") && refused.err.contains("eva2"), "{}", refused.err);
        self.ends(0, &[&note[..], &["--pin-held-by", "max", "--method", "AQEB"]].concat());
        self.ends(0, &["keys", "drilled", "--account", ID, "--key", KEY]);
    }

    /// Seals a PIN; the name of its document.
    fn seals_pin(&self, pin: &str) -> String {
        let told = self.ends_with(0, &SEAL, &format!("{pin}\n")).err;
        assert!(!told.contains(pin), "{told}");
        let (_, rest) = told.split_once("is sealed in the document `").unwrap();
        rest.split('`').next().unwrap().to_owned()
    }

    /// Issues a certificate whose private key is sealed.
    fn issues(&self, folder: &str) {
        let account = format!("{ID}={ACCOUNT}");
        self.ends(0, &["keys", "certificate", "issue", "--account", &account, "--seal", "--output", folder]);
        assert!(self.files(folder).iter().all(|file| !file.contains(".key")), "{:?}", self.files(folder));
    }

    fn keys(&self) -> Value {
        let listed = self.run(&["keys", "list", "--format", "json"], "");
        let listed: Value = serde_json::from_str(&listed.out).unwrap();
        listed["accounts"][0].clone()
    }

    /// What is due, each in the words that tell it from others.
    fn due(&self) -> Vec<String> {
        let said = self.keys()["toDo"].as_array().unwrap().clone();
        said.iter().map(|one| one["text"].as_str().unwrap().to_owned()).collect()
    }

    /// The document of a kind that counts, and how it stands.
    fn line(&self, credential: &str) -> Value {
        let listed = self.listing();
        let of_kind = |one: &&Value| one["credential"] == credential && one["isCurrent"] == true;
        listed["documents"].as_array().unwrap().iter().find(of_kind).unwrap_or(&Value::Null).clone()
    }
}

const SEAL: [&str; 8] = ["custody", "seal", "--pin-of", KEY, "--account", ACCOUNT, "--id", ID];

#[test]
fn a_pin_and_a_private_key_are_sealed_opened_by_two_shares_and_replaced() {
    let world = World::new("secrets");
    // Nothing to seal to, no such key, no PIN.
    world.notes_key();
    world.ends_with(2, &SEAL, PIN);
    let (set, shares) = world.ready_set();
    let unknown = ["custody", "seal", "--pin-of", "1", "--account", ACCOUNT, "--id", ID];
    assert!(world.ends_with(2, &unknown, PIN).err.contains("BG4041"));
    assert!(world.ends_with(2, &SEAL, "").err.contains("BG4046"));
    assert!(world.ends_with(2, &SEAL, "123\n").err.contains("BG4055"));
    assert!(world.files(".breakglass/documents").is_empty());

    let pin = world.seals_pin(PIN);
    world.issues("certificates");
    let password = world.seal();
    let (certificate, document) = world.lists(&pin);

    // All of them are rehearsed, and by the account the password is opened.
    let rehearse = ["custody", "rehearse", "--count", "2", "--share", "-"];
    assert!(world.ends_with(0, &rehearse, &two(&shares, 0, 2)).err.contains("3 documents that are sealed to it"));
    let open = |document: &str, input: &str, code: i32| {
        world.ends_with(code, &["custody", "open", "--document", document, "--share", "-"], input)
    };
    assert_eq!(open(&pin, &shares[0], 2).out, "");
    let opened = open(&pin, &two(&shares, 0, 1), 0);
    assert_eq!(opened.out, format!("{PIN}\n"));
    assert!(!opened.err.contains(PIN), "{}", opened.err);
    let opened = open(&document, &two(&shares, 1, 2), 0).out;
    let own = fs::read_to_string(world.folder.join("certificates/account-1.pem")).unwrap();
    assert!(opened.starts_with("-----BEGIN PRIVATE KEY-----\n") && opened.ends_with(&own), "it is not whole");
    let by_account = ["custody", "open", "--account", ACCOUNT, "--share", "-"];
    assert_eq!(world.ends_with(0, &by_account, &two(&shares, 0, 2)).out.trim(), password);

    // What is due then, in both lists; and nothing is sealed to the set any more.
    let replace = [format!("the PIN of the key `{KEY}` was opened"), format!("certificate `{certificate}` was opened")];
    let due = world.due();
    let to_do = world.listing()["toDo"].to_string();
    for what in &replace {
        assert!(due.iter().any(|one| one.contains(what)) && to_do.contains(what), "{what}: {due:?} {to_do}");
    }
    assert!(world.line("passkey")["stands"].as_str().unwrap().starts_with("counts, opened"));
    assert!(world.ends_with(2, &SEAL, PIN).err.contains("BG4052"));
    let record =
        ["custody", "record-opening", "--document", &pin, "--person", "eva", "--person", "max", "--reason", "x"];
    assert!(words(&world.ends(0, &record).err).contains(&format!("keys pin-changed --account {ID} --key {KEY}")));

    world.ready_set();
    world.is_replaced(&set, (&certificate, &document), &replace[0]);
}

impl World {
    /// Both lists say what is sealed, and where; the certificate, and the document of its private key.
    fn lists(&self, pin: &str) -> (String, String) {
        let certificate = self.keys()["certificates"][0]["certificate"].as_str().unwrap().to_owned();
        assert_eq!(self.keys()["keys"][0]["pinSealedIn"], pin);
        let (of_pin, of_certificate) = (self.line("passkey"), self.line("certificate"));
        for (line, of) in [(&of_pin, KEY), (&of_certificate, certificate.as_str())] {
            assert_eq!((&line["stands"], &line["secretOf"]), (&"counts".into(), &of.into()), "{line}");
        }
        let text = self.run(&["custody", "list"], "").out;
        for what in [format!("PIN of key {KEY}, version 1"), format!("key of certificate {certificate}, version 1")] {
            assert!(words(&text).contains(&what), "{text}");
        }
        assert_eq!(self.due().len(), 1, "one key is too few, and nothing else: {:?}", self.due());
        let text = self.run(&["keys", "list"], "").out;
        assert!(text.contains(&format!("PIN sealed in `{pin}`")) && text.contains("private key sealed in `"), "{text}");
        (certificate, of_certificate["document"].as_str().unwrap().to_owned())
    }

    /// Another PIN and another certificate take the place of those that were opened.
    fn is_replaced(&self, set: &str, (certificate, document): (&str, &str), replace: &str) {
        // The same PIN in another document is known all the same.
        self.seals_pin(PIN);
        assert!(self.due().iter().any(|one| one.contains(replace)));
        let retire = ["custody", "retire", "--set", set, "--reason", "opened", "--destroyed"];
        let refused = words(&self.ends(2, &retire).err);
        assert!(refused.contains("may count") && refused.contains(document), "{refused}");
        self.ends(0, &["keys", "pin-changed", "--account", ID, "--key", KEY, "--pin-held-by", "max"]);
        self.ends(0, &["keys", "drilled", "--account", ID, "--key", KEY]);
        let anew = self.seals_pin(OTHER_PIN);
        assert_eq!(self.line("passkey")["document"], anew.as_str());
        assert_eq!(self.line("passkey")["version"], 3);
        self.issues("again");
        assert!(self.due().iter().any(|one| one.contains(&format!("newer certificate than `{certificate}`"))));
        for (verb, code) in [("used", 0), ("revoked", 0), ("used", 2), ("revoked", 2)] {
            self.ends(code, &["keys", "certificate", verb, "--account", ACCOUNT, "--certificate", certificate]);
        }
        assert_eq!(self.due().len(), 1, "{:?}", self.due());
        assert!(self.ends(0, &["ledger", "show"]).out.contains("keys/"));
    }
}

#[test]
fn two_people_agree_to_the_opening_of_a_pin() {
    let world = World::new("agreed-pin");
    world.notes_key();
    let (_, shares) = world.ready_set();
    let pin = world.seals_pin(PIN);
    let person = |command: &'static str, id: &'static str| ["checkout", command, "--account", ACCOUNT, "--person", id];
    let request = ["checkout", "request", "--document", &pin, "--person", "eva", "--reason", "the portal wants it"];
    assert!(world.ends(0, &request).err.contains("asks for the PIN of a passkey"));
    let told = world.ends(0, &[&person("approve", "max")[..], &["--yes"]].concat()).err;
    assert!(told.contains(&format!("asks for the PIN of the key `{KEY}`")), "{told}");
    assert_eq!(world.line("passkey")["checkOut"], "approved");
    let open = ["checkout", "open", "--account", ACCOUNT, "--share", "-"];
    assert_eq!(world.ends_with(0, &open, &two(&shares, 0, 2)).out, format!("{PIN}\n"));
    world.ends_with(2, &open, &two(&shares, 0, 2));
    let told = words(&world.ends(0, &person("return", "eva")).err);
    assert!(told.contains("give the key another PIN"), "{told}");
    // There is no password, and none is opened in its place.
    let by_account = ["custody", "open", "--account", ACCOUNT, "--share", "-"];
    assert!(words(&world.ends_with(2, &by_account, &two(&shares, 0, 2)).err).contains("no password of"));
}

#[test]
fn what_counts_and_is_nowhere_keeps_its_set_and_is_looked_for() {
    let world = World::new("secret-away");
    world.notes_key();
    let (set, _) = world.ready_set();
    let pin = world.seals_pin(PIN);
    let path = world.folder.join(format!(".breakglass/documents/{pin}.txt"));
    let text = fs::read_to_string(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let find = format!("nobody can tell whether others know the PIN of the key `{KEY}`: bring the document `{pin}`");
    assert!(world.due().iter().any(|one| one.contains(&find)), "{:?}", world.due());
    assert!(world.listing()["toDo"].to_string().contains(&find));
    let retire = ["custody", "retire", "--set", &set, "--reason", "max has left"];
    world.ends(0, &retire);
    world.ready_set();
    let destroy = [&retire[..], &["--destroyed"]].concat();
    assert!(words(&world.ends(2, &destroy).err).contains("no depository has them"));
    fs::write(&path, text).unwrap();
    assert!(words(&world.ends(2, &destroy).err).contains("may count"));
    let due = world.due();
    assert!(due.iter().any(|one| one.contains("is sealed to a set of shares that is retired")), "{due:?}");
    world.ends(0, &["keys", "pin-changed", "--account", ID, "--key", KEY, "--pin-held-by", "max"]);
    world.seals_pin(OTHER_PIN);
    world.ends(0, &destroy);
}

#[test]
fn certificates_are_written_down_where_there_is_a_state() {
    let world = World::new("certificates");
    let account = format!("{ID}={ACCOUNT}");
    let issue = ["keys", "certificate", "issue", "--account", &account, "--output"];
    assert!(world.ends(2, &[&issue[..], &["none"]].concat()).err.contains("--recipient"));
    let recipient = age::x25519::Identity::generate().to_public().to_string();
    let to = ["--recipient", &recipient];
    assert!(words(&world.ends(0, &[&issue[..], &["first"], &to].concat()).err).contains("there is no state here"));
    assert!(!world.folder.join(".breakglass").exists());
    world.notes_key();
    world.ends(0, &[&issue[..], &["second"], &to].concat());
    let certificates = world.keys()["certificates"].clone();
    assert_eq!(certificates.as_array().unwrap().len(), 1);
    assert_eq!(certificates[0]["sealedIn"], Value::Null);
    assert!(world.files("second").contains(&"account-1.key.age".to_owned()));
    // With no set of shares nothing is made that would have to be sealed.
    world.ends(2, &[&issue[..], &["third", "--seal"]].concat());
    assert!(!world.folder.join("third").exists());
}
