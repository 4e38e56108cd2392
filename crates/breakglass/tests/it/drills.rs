//! Drills with the program itself, over HTTPS, against an embedded tenant: what the shares open signs in, is elevated and
//! lowered, and is never shown.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use breakglass_adapters::clock::SystemClock;
use breakglass_adapters::folder_depository::FolderDepository;
use breakglass_adapters::key_file::{self, KeyUse};
use breakglass_adapters::random::SystemRandom;
use breakglass_adapters::sqlite_store::SqliteStore;
use breakglass_custody::document::{Account, CredentialKind, EnvelopeId, Label};
use breakglass_custody::name::Name;
use breakglass_custody::password::Password;
use breakglass_custody::quorum::Quorum;
use breakglass_custody::sealed::seal;
use breakglass_custody::sealing_key::SealingKey;
use breakglass_custody::signed_set::SignedSet;
use breakglass_custody::signing::SigningKey;
use breakglass_ops::checkout::{record as checkout, stream};
use breakglass_ops::drill::record::{Elevation, Entry as DrillEntry, Surface};
use breakglass_ops::drill::stream::{course_of, stream_of};
use breakglass_ops::key_box::record::{Entry, KeyBox};
use breakglass_ops::ports::{Clock as _, Depository as _, Random as _, Store as _};
use breakglass_ops::rotation::{journey, record};
use breakglass_tenant::profile::Profile;
use breakglass_tenant::tls;
use serde_json::{Value, json};

use super::custody_commands::words;
use super::served::Served;

const TENANT: &str = "6c1b0e0e-54a2-4d39-9d0f-b4ea6f1a5505";
const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";
/// Names, passwords and ids of the accounts.
const FIRST: (&str, &str, &str) =
    ("bg1@contoso.onmicrosoft.com", "Xyzzy-Plugh-1111-marked", "00000000-0000-4000-8000-0000000000a1");
const SECOND: (&str, &str, &str) =
    ("bg2@contoso.onmicrosoft.com", "Xyzzy-Plugh-2222-marked", "00000000-0000-4000-8000-0000000000a2");
const PEOPLE: [&str; 3] = ["ada", "bram", "cleo"];

struct World {
    folder: PathBuf,
    served: Served,
    runtime: tokio::runtime::Runtime,
}

struct Ended {
    code: i32,
    out: String,
    err: String,
}

fn seed() -> Value {
    let user = |(name, password, id): (&str, &str, &str)| {
        json!({ "id": id, "displayName": name, "accountEnabled": true, "userPrincipalName": name,
                "passwordProfile": { "password": password } })
    };
    let role = |(_, _, id): (&str, &str, &str), of: &str| json!({ "id": of, "principalId": id, "roleDefinitionId": GLOBAL_ADMINISTRATOR, "directoryScopeId": "/" });
    json!({
        "format": "breakglass-snapshot/1", "tenantId": TENANT, "takenAt": "2026-11-20T08:00:00Z", "source": "file",
        "users": [user(FIRST), user(SECOND)],
        "groups": [], "conditionalAccessPolicies": [], "namedLocations": [],
        "roleAssignments": [role(FIRST, "00000000-0000-4000-8000-0000000000e1"),
                            role(SECOND, "00000000-0000-4000-8000-0000000000e2")],
    })
}

fn name(text: &str) -> Name {
    Name::read(text).unwrap()
}

impl World {
    /// A tenant, and a key box in which the passwords of both accounts are sealed; `second` is what is sealed of the second.
    fn new(called: &str, profile: Profile, second: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let served = runtime.block_on(Served::new(&format!("drill-{called}"), &seed(), profile));
        let folder = served.folder.join("desk");
        fs::create_dir(&folder).unwrap();
        let world = Self { folder, served, runtime };
        let people: String = PEOPLE.iter().map(|id| format!("[[custody.custodian]]\nid = \"{id}\"\n")).collect();
        let config = format!(
            "[tenant]\nid = \"{TENANT}\"\nlogin = \"{0}\"\ngraph = \"{0}\"\nazure = \"{1}\"\nauthorities = [\"../{2}\"]\n\n{people}",
            world.served.origin(),
            world.served.manager_origin(),
            tls::AUTHORITY_FILE
        );
        fs::write(world.folder.join("breakglass.toml"), config).unwrap();
        world.seal(second);
        world
    }

    fn store(&self) -> SqliteStore {
        SqliteStore::open(&self.folder.join(".breakglass")).unwrap()
    }

    fn seal(&self, second: &str) {
        let state = self.folder.join(".breakglass");
        let store = self.store();
        let fill = |buffer: &mut [u8]| SystemRandom.fill(buffer);
        let operator = SigningKey::generate(fill).unwrap();
        let public = operator.public().to_string();
        let path = state.join("operator.key");
        operator.with_seed(|seed| key_file::write(&path, KeyUse::Operator, &public, seed, None)).unwrap();
        let split = SealingKey::generate(fill).unwrap().split(Quorum::new(2, 3).unwrap(), fill).unwrap();
        let at = SystemClock.now();
        let signed = SignedSet::sign(&split.set, at, &operator).unwrap();
        let set = split.set.recipient.fingerprint();
        let mut key_box = KeyBox::of(&store, operator.public().fingerprint()).unwrap();
        let mut note = |entry: Entry| key_box.note(&store, &entry).unwrap();
        note(Entry::Made { set: signed.text().to_owned(), holders: PEOPLE.map(name).to_vec(), is_reserve: false, at });
        for (share, person) in (1..).zip(PEOPLE) {
            note(Entry::Acknowledged { set, share, person: name(person), at });
        }
        note(Entry::Rehearsed { set, shares: [1, 2, 3].into(), at });
        note(Entry::Sealed { set, at });
        for (share, person) in split.shares.iter().zip(PEOPLE) {
            share.with_words(|words| fs::write(self.folder.join(person), words)).unwrap();
        }
        let depository = FolderDepository::new(state.join("documents"));
        for ((upn, _, id), password) in [(FIRST, FIRST.1), (SECOND, second)] {
            let label = Label {
                envelope: EnvelopeId::generate(fill).unwrap(),
                set: split.set.clone(),
                reserve: None,
                account: Account { id: id.to_owned(), user_principal_name: upn.to_owned() },
                credential: CredentialKind::Password,
                version: 1,
                sealed_on: at,
            };
            let document = seal(&Password::of_text(password.to_owned()), &label, &signed, &operator).unwrap();
            let candidate = name(&label.envelope.to_string());
            self.runtime.block_on(depository.keep(&candidate, document.text())).unwrap();
            let entries = [
                record::Entry::Begun { by: None, at },
                record::Entry::Prepared { candidate: candidate.clone(), at },
                record::Entry::Settled { candidate, at },
            ];
            journey::note(&store, id, &entries).unwrap();
        }
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        let mut command = Command::new(env!("CARGO_BIN_EXE_breakglass"));
        command.args(arguments).current_dir(&self.folder).env("COLUMNS", "100").env("NO_COLOR", "1");
        let output = command.stdin(Stdio::null()).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let ended = Ended { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) };
        for secret in [FIRST.1, SECOND.1] {
            assert!(!ended.out.contains(secret) && !ended.err.contains(secret), "{arguments:?}");
        }
        ended
    }

    fn drill(&self, code: i32, more: &[&str]) -> Ended {
        let both = ["drill", "--account", FIRST.0, "--account", SECOND.0, "--person", "ada", "--person", "bram"];
        let from: &[&str] = if more.contains(&"--from") { &[] } else { &["--from", "outside"] };
        let ended = self.run(&[both.as_slice(), &["--share", "ada", "--share", "cleo"], from, more].concat());
        assert_eq!(ended.code, code, "{more:?}\n{}\n{}", ended.out, ended.err);
        ended
    }

    fn entries(&self, id: &str) -> Vec<DrillEntry> {
        let entries = self.store().entries(&stream_of(id)).unwrap();
        entries.into_iter().map(|entry| serde_json::from_value(entry).unwrap()).collect()
    }

    /// Has the configuration name what the accounts have to get into.
    fn wants(&self, surfaces: &[&str]) {
        let path = self.folder.join("breakglass.toml");
        let config = fs::read_to_string(&path).unwrap();
        let (tenant, people) = config.split_once("[[").unwrap();
        let tenant = tenant.split("[custody]").next().unwrap();
        fs::write(&path, format!("{tenant}[custody]\ndrill_surfaces = {surfaces:?}\n\n[[{people}")).unwrap();
    }

    fn due(&self) -> Vec<String> {
        let listed = self.run(&["custody", "list", "--format", "json"]);
        let listed: Value = serde_json::from_str(&listed.out).unwrap_or_else(|_| panic!("{}", listed.err));
        let lines = listed["toDo"].as_array().unwrap().iter().map(|line| line.as_str().unwrap().to_owned());
        lines.filter(|line| line.contains("breakglass drill")).collect()
    }
}

/// What a program signs in to.
const PROGRAM: [&str; 6] =
    ["--surface", "microsoft-graph", "--surface", "azure-resource-manager", "--surface", "azure-elevation"];

#[test]
fn both_accounts_sign_in_everywhere_and_are_elevated_and_lowered() {
    let world = World::new("good", Profile::Classic, SECOND.1);
    assert_eq!(world.due().len(), 2);
    assert!(world.due().iter().all(|line| line.ends_with("it was never drilled")));
    let ended = world.drill(0, &[PROGRAM.as_slice(), &["--format", "json", "--reason", "a quarter is over"]].concat());
    let portals = "entra-admin-center, azure-portal, microsoft-365-admin-center";
    assert!(
        world.due().iter().all(|line| line.ends_with(&format!("could not be told: {portals}"))),
        "{:?}",
        world.due()
    );
    world.wants(&["microsoft-graph", "azure-resource-manager", "azure-elevation"]);
    let evidence: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!((&evidence["format"], &evidence["people"]), (&json!("breakglass-drill/1"), &json!(["ada", "bram"])));
    assert_eq!(evidence["from"], "outside");
    for (place, (account, _, id)) in [FIRST, SECOND].into_iter().enumerate() {
        let seen = &evidence["accounts"][place];
        assert_eq!((&seen["account"], &seen["outcome"]), (&json!(account), &json!("good")), "{seen}");
        assert_eq!((&seen["elevation"], &seen["stopped"]), (&Value::Null, &Value::Null));
        let surfaces: Vec<&Value> = seen["surfaces"].as_array().unwrap().iter().map(|one| &one["surface"]).collect();
        assert_eq!(
            surfaces,
            [Surface::MicrosoftGraph, Surface::AzureResourceManager, Surface::AzureElevation].map(Surface::name)
        );
        assert!(ended.err.contains(&format!("breakglass rotate --account {account}")), "{}", ended.err);
        let entries = world.entries(id);
        let is_there = |is: fn(&DrillEntry) -> bool| entries.iter().filter(|entry| is(entry)).count();
        assert_eq!(is_there(|entry| matches!(entry, DrillEntry::Elevated { .. })), 1);
        assert_eq!(is_there(|entry| matches!(entry, DrillEntry::Lowered { .. })), 1);
        let checkouts = world.store().entries(&format!("checkout/{id}")).unwrap();
        assert_eq!((checkouts.len(), &checkouts[0]["entry"]["reason"]), (1, &json!("drill")));
        assert_eq!(checkouts[0]["shares"]["holders"], json!(["ada", "cleo"]), "whose shares it took");
        assert!(!format!("{entries:?}").contains("marked"));
    }
    assert_eq!(world.due(), Vec::<String>::new());
    assert!(world.store().entries("ledger").unwrap().len() > 20, "it is in the ledger");
    // Somebody is a custodian no more.
    let path = world.folder.join("breakglass.toml");
    let config = fs::read_to_string(&path).unwrap().replace("id = \"bram\"", "id = \"dan\"");
    fs::write(&path, config).unwrap();
    assert!(world.due().iter().all(|line| line.contains("new: dan; gone: bram")), "{:?}", world.due());
    assert_eq!(world.due().len(), 2);
}

#[test]
fn a_password_alone_does_not_elevate_now_and_portals_are_not_known_without_somebody() {
    let world = World::new("current", Profile::Current, SECOND.1);
    let ended = world.drill(3, &[]);
    for surface in Surface::ALL {
        assert_eq!(ended.out.contains(surface.name()), !surface.is_portal(), "{}", ended.out);
    }
    assert!(ended.out.contains("a second proof is asked for"), "{}", ended.out);
    assert!(ended.err.contains("there is no terminal to ask somebody at"), "{}", ended.err);
    let (course, _) = course_of(&world.store(), FIRST.2).unwrap();
    assert_eq!(course.elevation(), Elevation::None);
    let untold = "azure-elevation, entra-admin-center, azure-portal, microsoft-365-admin-center";
    assert!(world.due().iter().all(|line| line.ends_with(untold)), "{:?}", world.due());
    // What is named is tried all the same, and written down as not told.
    let ended = world.drill(3, &["--surface", "azure-portal"]);
    assert!(ended.out.contains("azure-portal") && ended.out.contains("nobody could be asked"), "{}", ended.out);
    // With everything that they have to get into it is good, and stays so whatever is left out the next time.
    world.wants(&["microsoft-graph", "azure-resource-manager"]);
    world.drill(0, &[]);
    world.drill(0, &["--no-azure"]);
    assert_eq!(world.due(), Vec::<String>::new());
    world.wants(&["entra-admin-center"]);
    let ended = world.run(&["drill", "--account", FIRST.0, "--person", "ada", "--person", "bram"]);
    assert!(ended.code == 2 && ended.err.contains("run it at a terminal"), "{} {}", ended.code, ended.err);
}

#[test]
fn a_drill_from_elsewhere_leaves_one_from_outside_due() {
    let world = World::new("from", Profile::Classic, SECOND.1);
    world.wants(&["microsoft-graph"]);
    let from = || match world.entries(FIRST.2).iter().rev().find(|entry| matches!(entry, DrillEntry::Begun(_))) {
        Some(DrillEntry::Begun(begun)) => begun.from.name(),
        _ => "none",
    };
    for elsewhere in ["inside", "unknown"] {
        let ended = world.drill(0, &["--from", elsewhere]);
        assert!(words(&ended.out).contains("a drill with `--from outside` stays due"), "{}", ended.out);
        assert_eq!(from(), elsewhere);
        let due = world.due();
        assert!(due.len() == 2 && due.iter().all(|line| line.contains("`--from outside`")), "{due:?}");
    }
    let account = ["drill", "--account", FIRST.0, "--person", "ada", "--person", "bram"];
    // Without a terminal nobody is asked, and nobody is taken to be outside.
    let unsaid = world.run(&[account.as_slice(), &["--share", "ada", "--share", "cleo"]].concat());
    assert_eq!((unsaid.code, from()), (0, "unknown"), "{}", unsaid.err);
    let ended = world.drill(0, &["--from", "outside"]);
    assert!(!words(&ended.out).contains("stays due"), "{}", ended.out);
    assert_eq!(world.due(), Vec::<String>::new());
    // What was seen from outside stays so.
    world.drill(0, &["--from", "inside"]);
    assert_eq!(world.due(), Vec::<String>::new());
    assert_eq!(world.run(&[account.as_slice(), &["--from", "moon"]].concat()).code, 2);
}

#[test]
fn a_password_that_is_not_the_one_is_bad_and_tried_once() {
    let world = World::new("wrong", Profile::Classic, "Xyzzy-Plugh-3333-marked");
    world.wants(&["microsoft-graph", "azure-resource-manager", "azure-elevation"]);
    let ended = world.drill(1, &[]);
    assert!(ended.out.contains("AADSTS50126") && ended.out.contains("not tried, since"), "{}", ended.out);
    let outcomes: Vec<String> = world
        .entries(SECOND.2)
        .iter()
        .filter_map(|entry| match entry {
            DrillEntry::Tried(tried) => Some(format!("{:?}", tried.outcome)),
            _ => None,
        })
        .collect();
    assert_eq!(outcomes, ["Bad", "Unknown", "Unknown"]);
    let due = world.due();
    assert!(due.len() == 1 && due[0].contains(SECOND.0), "{due:?}");
}

#[test]
fn what_cannot_be_a_drill_opens_nothing() {
    let world = World::new("refused", Profile::Classic, SECOND.1);
    let account = ["drill", "--account", FIRST.0, "--share", "ada", "--share", "cleo"];
    let cases: [(&[&str], &str); 5] = [
        (&["--person", "ada"], "BG4081"),
        (&["--person", "ada", "--person", "ada"], "BG4081"),
        (&["--person", "ada", "--person", "eve"], "BG4051"),
        (&["--person", "ada", "--person", "bram", "--surface", "azure-portal", "--no-azure"], "BG4081"),
        (&["--person", "ada", "--person", "bram", "--reason", " "], "BG4055"),
    ];
    for (more, code) in cases {
        let ended = world.run(&[account.as_slice(), more].concat());
        assert!(ended.code == 2 && ended.err.contains(code), "{more:?}: {} {}", ended.code, ended.err);
    }
    // One share is too few.
    let few = ["drill", "--account", FIRST.0, "--share", "ada", "--person", "ada", "--person", "bram"];
    let ended = world.run(&few);
    assert!(ended.code == 2 && ended.err.contains("BG4054"), "{}", ended.err);
    assert!(world.entries(FIRST.2).is_empty());
    assert!(world.store().entries(&format!("checkout/{}", FIRST.2)).unwrap().is_empty());
}

#[test]
fn what_is_out_is_not_drilled_until_it_is_returned() {
    let world = World::new("out", Profile::Classic, SECOND.1);
    let store = world.store();
    let document = journey::course_of(&store, FIRST.2).unwrap().0.current().unwrap().clone();
    let (request, at) = (name("request"), SystemClock.now());
    let add = |entry: checkout::Entry| {
        stream::note(&store, FIRST.2, &entry, None).unwrap();
    };
    add(checkout::Entry::Requested(checkout::Request {
        request: request.clone(),
        person: name("ada"),
        document: document.clone(),
        reason: "locked out".to_owned(),
        at,
        expires_at: at + jiff::SignedDuration::from_hours(4),
        out_hours: 1,
    }));
    add(checkout::Entry::Approved { request: request.clone(), person: name("bram"), at });
    add(checkout::Entry::Opened { request: request.clone(), document, at });
    let before = world.store().entries("custody/sets").unwrap();
    let ended = world.drill(2, &PROGRAM);
    let told = words(&ended.err);
    let parts = [
        "BG4082".to_owned(),
        format!("something of `{}` is out since", FIRST.0),
        "by the request of `ada`".to_owned(),
        format!("return it first: `breakglass checkout return --account {} --person ada`", FIRST.0),
    ];
    for part in &parts {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(world.entries(FIRST.2).is_empty() && world.entries(SECOND.2).is_empty());
    assert_eq!(world.store().entries("custody/sets").unwrap(), before, "no key was there");
    // The other account is not out.
    let alone =
        ["drill", "--account", SECOND.0, "--person", "ada", "--person", "bram", "--share", "ada", "--share", "cleo"];
    let ended = world.run(&[&alone[..], &PROGRAM].concat());
    assert_eq!(ended.code, 0, "{}", ended.err);
    add(checkout::Entry::Returned { request, person: name("ada"), at: SystemClock.now() });
    world.drill(0, &PROGRAM);
}

#[test]
fn what_a_drill_that_was_killed_left_is_taken_back() {
    let world = World::new("left", Profile::Classic, SECOND.1);
    // A drill that was killed between the elevation and its end: the account stands elevated, and the record says so.
    world.drill(0, &PROGRAM);
    let store = world.store();
    let (mut course, mut length) = course_of(&store, FIRST.2).unwrap();
    let at = SystemClock.now();
    let begun = course.seen(Surface::MicrosoftGraph).unwrap().begun.clone();
    let surface = Surface::AzureElevation;
    for entry in [
        DrillEntry::Begun(breakglass_ops::drill::record::Begun { at, ..begun }),
        DrillEntry::Trying { surface, at },
        DrillEntry::Elevating { at },
    ] {
        breakglass_ops::drill::stream::note(&store, FIRST.2, (&mut course, &mut length), &entry).unwrap();
    }
    assert!(world.due().iter().any(|line| line.contains("left it elevated")), "{:?}", world.due());
    let ended = world.drill(0, &["--surface", "microsoft-graph"]);
    assert!(ended.err.contains("is not elevated any more"), "{}", ended.err);
    let (course, _) = course_of(&store, FIRST.2).unwrap();
    assert_eq!(course.elevation(), Elevation::None);
}

#[test]
fn a_drill_that_the_ledger_could_not_take_opens_nothing() {
    let world = World::new("many", Profile::Classic, SECOND.1);
    let path = world.folder.join("breakglass.toml");
    let before = fs::read_to_string(&path).unwrap();
    let person = |number: usize| format!("[[custody.person]]\nid = \"{number:060}\"\n");
    let people: String = (0..400).map(person).collect();
    fs::write(&path, before.clone() + &people).unwrap();
    let ended = world.drill(2, &["--surface", "microsoft-graph"]);
    assert!(ended.err.contains("BG4081") && ended.err.contains("bytes in the ledger"), "{}", ended.err);
    assert!(world.entries(FIRST.2).is_empty());
    assert!(world.store().entries(&format!("checkout/{}", FIRST.2)).unwrap().is_empty());
    fs::write(&path, before).unwrap();
    world.drill(0, &["--surface", "microsoft-graph"]);
}
