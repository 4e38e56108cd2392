//! Check-outs whose time is over, through the program: requests that nobody agreed to or opened in time, and what is out for
//! longer than was agreed. What is hours old was signed and written down at a time of its own, as it would have been then.

use std::fs;

use breakglass_adapters::clock::SystemClock;
use breakglass_adapters::key_file::{self, KeyUse};
use breakglass_adapters::random::SystemRandom;
use breakglass_adapters::sqlite_store::SqliteStore;
use breakglass_custody::approval::{Approval, Request, SignedRequest};
use breakglass_custody::document::{Document, EnvelopeId};
use breakglass_custody::fingerprint::Fingerprint;
use breakglass_custody::name::Name;
use breakglass_custody::signing::SigningKey;
use breakglass_ops::checkout::record::{self, Entry};
use breakglass_ops::checkout::stream::{kept, note, stream_of};
use breakglass_ops::journal::catch_up;
use breakglass_ops::ports::{Clock as _, Random as _};
use jiff::SignedDuration;
use serde_json::Value;
use zeroize::Zeroizing;

use super::custody_commands::{ACCOUNT, ID, World, two, words};

/// Whoever asks, and whoever agrees.
const ASKS: &str = "eva";
const AGREES: &str = "max";

/// Where documents are, in the folder of a world.
const DOCUMENTS: &str = ".breakglass/documents";

/// How far a check-out had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Came {
    Asked,
    Agreed,
    Opened,
}

/// A check-out that was begun earlier.
#[derive(Debug, Clone, Copy)]
struct Begun {
    /// Minutes since then; fewer than none where the clock was set back since.
    minutes_ago: i64,
    /// Hours for which it could be agreed to and opened.
    stands_hours: i64,
    /// Hours for which it may be out.
    out_hours: u16,
    /// How far it came, within its first two minutes.
    came: Came,
}

fn name(text: &str) -> Name {
    Name::read(text).unwrap()
}

impl World {
    fn key_of(&self, person: &str) -> SigningKey {
        let path = self.folder.join(format!("{person}.key"));
        let none = || Err::<Zeroizing<String>, _>("it was made without a passphrase");
        SigningKey::of_seed(key_file::read(&path, KeyUse::Person, none).unwrap())
    }

    fn store(&self) -> SqliteStore {
        SqliteStore::open(&self.folder.join(".breakglass")).unwrap()
    }

    /// How many entries the check-outs of the account have.
    fn entries(&self) -> usize {
        kept(&self.store(), ID).unwrap().len()
    }

    /// The only document that is sealed.
    fn document(&self) -> Document {
        let operator = Fingerprint::read(self.listing()["operator"].as_str().unwrap()).unwrap();
        let files = self.files(DOCUMENTS);
        let [file] = &files[..] else { panic!("{files:?}") };
        let text = fs::read_to_string(self.folder.join(DOCUMENTS).join(file)).unwrap();
        Document::read(&text).unwrap().confirmed(operator).unwrap()
    }

    /// Writes down, with the signatures of the people, what they did then.
    fn begins(&self, begun: Begun) {
        let (document, store) = (self.document(), self.store());
        let label = document.label();
        let asked_on = SystemClock.now() + SignedDuration::from_mins(-begun.minutes_ago);
        let minutes = |minutes: i64| asked_on + SignedDuration::from_mins(minutes);
        let request = Request {
            id: EnvelopeId::generate(|buffer: &mut [u8]| SystemRandom.fill(buffer)).unwrap(),
            account: label.account.clone(),
            document: label.envelope,
            person: ASKS.to_owned(),
            reason: "locked out".to_owned(),
            asked_on,
            expires_on: asked_on + SignedDuration::from_hours(begun.stands_hours),
            out_hours: begun.out_hours,
        };
        let signed = SignedRequest::sign(&request, &self.key_of(ASKS)).unwrap();
        let (id, document) = (name(&request.id.to_string()), name(&label.envelope.to_string()));
        let asked = Entry::Requested(record::Request {
            request: id.clone(),
            person: name(ASKS),
            document: document.clone(),
            reason: request.reason.clone(),
            at: asked_on,
            expires_at: request.expires_on,
            out_hours: i64::from(begun.out_hours),
        });
        let place = note(&store, ID, &asked, Some(signed.text())).unwrap();
        let journal = catch_up(&store, asked_on).unwrap();
        if begun.came >= Came::Agreed {
            let leaf = journal.leaf_of(&stream_of(ID), place as u64).unwrap();
            let approval = Approval::sign((&signed, leaf), AGREES, minutes(1), &self.key_of(AGREES)).unwrap();
            let agreed = Entry::Approved { request: id.clone(), person: name(AGREES), at: minutes(1) };
            note(&store, ID, &agreed, Some(approval.text())).unwrap();
        }
        if begun.came >= Came::Opened {
            note(&store, ID, &Entry::Opened { request: id, document, at: minutes(2) }, None).unwrap();
        }
        catch_up(&store, minutes(2)).unwrap();
    }
}

/// What is to be done, in one text.
fn to_do(listing: &Value) -> String {
    listing["toDo"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect::<Vec<_>>().join("\n")
}

fn ask() -> [&'static str; 9] {
    ["checkout", "request", "--account", ACCOUNT, "--person", ASKS, "--reason", "locked", "out"]
}

fn agree() -> [&'static str; 7] {
    ["checkout", "approve", "--account", ACCOUNT, "--yes", "--person", AGREES]
}

fn open() -> [&'static str; 6] {
    ["checkout", "open", "--account", ACCOUNT, "--share", "-"]
}

fn end(what: &'static str, account: &'static str) -> [&'static str; 6] {
    ["checkout", what, "--account", account, "--person", AGREES]
}

#[test]
fn a_request_that_has_expired_is_neither_agreed_to_nor_opened() {
    let world = World::new("expired");
    let (_, shares) = world.ready_set();
    let password = world.seal();
    let both = two(&shares, 0, 1);
    // Minutes since it was asked for, hours for which it stands, how far it came, and why it is over.
    for (minutes_ago, stands_hours, came, why) in [
        (24 * 60, 4, Came::Asked, "expired on"),
        (24 * 60, 4, Came::Agreed, "expired on"),
        (60, 1, Came::Agreed, "expired on"),
        (73 * 60, 72, Came::Agreed, "expired on"),
        (-60, 4, Came::Asked, "the clock was set back while the request"),
        (-60, 4, Came::Agreed, "the clock was set back while the request"),
    ] {
        world.begins(Begun { minutes_ago, stands_hours, out_hours: 8, came });
        let (before, listing) = (world.entries(), world.listing());
        assert_eq!(listing["documents"][0]["checkOut"], Value::Null, "{minutes_ago} {came:?}");
        for command in [&agree()[..], &open(), &end("refuse", ACCOUNT), &end("return", ACCOUNT)] {
            let refused = world.ends_with(2, command, &both);
            let told = words(&refused.err);
            for part in ["BG4071", why, "ask again", "`breakglass checkout request` asks for it anew"] {
                assert!(told.contains(part), "{minutes_ago} {came:?} {command:?}: {told}");
            }
            assert_eq!(refused.out, "", "{command:?}");
        }
        // Nothing is written down, and no set of shares is spent.
        assert_eq!((world.entries(), &world.listing()["sets"]), (before, &listing["sets"]));
        // It is in nobody's way.
        world.ends(0, &ask());
        assert_eq!(world.listing()["documents"][0]["checkOut"], "asked for, 1 agree");
        world.ends(0, &end("refuse", ACCOUNT));
    }
    // One that stands still goes on, whenever it was asked for.
    for (minutes_ago, stands_hours, came) in [(3 * 60, 4, Came::Asked), (71 * 60, 72, Came::Agreed)] {
        world.begins(Begun { minutes_ago, stands_hours, out_hours: 8, came });
        if came == Came::Asked {
            world.ends(0, &agree());
        }
        assert_eq!(world.listing()["documents"][0]["checkOut"], "approved");
        assert_eq!(world.ends_with(0, &open(), &both).out.trim(), password);
        world.ends(0, &end("return", ACCOUNT));
    }
    assert_eq!(world.run(&["ledger", "show"], "").code, 0);
}

#[test]
fn what_is_out_for_too_long_is_overdue_until_it_is_returned() {
    let world = World::new("overdue");
    let (_, shares) = world.ready_set();
    world.seal();
    let both = two(&shares, 0, 1);
    // Minutes since it was asked for, two of them before it was opened; hours for which it may be out; how it stands.
    for (minutes_ago, out_hours, stands) in [
        (60, 8, "out"),
        (24 * 60, 48, "out"),
        (8 * 60 - 10, 8, "out"),
        (8 * 60 + 10, 8, "overdue"),
        (24 * 60, 8, "overdue"),
        (-60, 8, "overdue"),
    ] {
        world.begins(Begun { minutes_ago, stands_hours: 4, out_hours, came: Came::Opened });
        let is_overdue = stands == "overdue";
        let is_told = |text: &str, account: &str| {
            let said = format!("`breakglass checkout return --account {account} --person …`: it is overdue");
            assert_eq!(text.contains(&said), is_overdue, "{minutes_ago} {out_hours}: {text}");
            assert_eq!(text.contains("overdue"), is_overdue, "{minutes_ago} {out_hours}: {text}");
        };
        let listing = world.listing();
        assert_eq!(listing["documents"][0]["checkOut"], stands, "{minutes_ago} {out_hours}");
        is_told(&to_do(&listing), ACCOUNT);
        // Something is to be done whether it is overdue or not: what was opened is rotated.
        let shown = words(&world.ends(1, &["custody", "list"]).out);
        assert_eq!(shown.contains("it is overdue"), is_overdue, "{shown}");
        // Where its document is away it is overdue all the same, and known by its id.
        let (documents, away) = (world.folder.join(DOCUMENTS), world.folder.join("away"));
        fs::rename(&documents, &away).unwrap();
        is_told(&to_do(&world.listing()), ID);
        fs::rename(&away, &documents).unwrap();
        // It is out: nobody opens it once more, and nobody asks for it until it is returned.
        let before = world.entries();
        for (command, told) in [
            (&open()[..], "a request is good for once"),
            (&agree()[..], "it was opened on"),
            (&end("refuse", ACCOUNT)[..], "it was opened on"),
            (&ask()[..], "return it first"),
        ] {
            let refused = world.ends_with(2, command, &both);
            let said = words(&refused.err);
            assert!(said.contains("BG4071") && said.contains(told), "{minutes_ago} {command:?}: {said}");
            assert_eq!(refused.out, "", "{command:?}");
        }
        assert_eq!(world.entries(), before);
        let returned = words(&world.ends(0, &end("return", if is_overdue { ID } else { ACCOUNT })).err);
        assert!(returned.contains("is returned") && returned.contains("next:"), "{returned}");
        let listing = world.listing();
        assert_eq!(listing["documents"][0]["checkOut"], Value::Null);
        assert!(!to_do(&listing).contains("overdue"), "{listing}");
        // Once, too.
        assert!(world.ends(2, &end("return", ACCOUNT)).err.contains("nothing is asked for"));
    }
    world.ends(0, &ask());
    assert_eq!(world.run(&["ledger", "show"], "").code, 0);
}
