//! The runbook is one page, whatever is put on it.

use breakglass_sheets::{
    Custodian, FIELD_CHARS_MAX, NAMED_COUNT_MAX, OnRecord, PLACE_COUNT_MAX, Paper, SecondFactor, SheetError,
};

use crate::extracted::{Page, pages};
use crate::support::{FOLDER, MADE_ON, REPORT_TO, World, world};

/// Points of the smallest sentence on it.
const POINTS_MIN: f32 = 8.4;

fn page(world: &World, paper: Paper) -> Page {
    let mut pages = pages(&world.runbook().pdf(paper).unwrap());
    assert_eq!(pages.len(), 1);
    pages.remove(0)
}

#[test]
fn five_custodians_and_two_accounts_are_one_page_that_is_read_at_arm_s_length() {
    let world = world(40);
    for paper in Paper::ALL {
        let page = page(&world, paper);
        page.assert_inside();
        // A command that takes several lines is one.
        let text = page.sentence().replace(" \\ ", " ");
        for custodian in &world.custodians {
            assert!(text.contains(&format!("{} {}", custodian.name, custodian.phone.clone().unwrap())), "{text}");
        }
        for wanted in [
            world.tenant.name.as_str(),
            &world.tenant.id,
            &world.tenant.sign_in_address,
            &world.accounts[0].user_principal_name,
            &world.accounts[1].user_principal_name,
            "Call, until 3 of these say yes",
            REPORT_TO,
            "Emergency access: excluded",
            "security key 7, in safe 2",
            "Documents are here: in safe 2, Berlin.",
            &format!("type all commands in the folder {FOLDER} on the machine where it is set up"),
            "ids of two people whose key files, YOU.key and OTHER.key , are there",
            "breakglass checkout request --account break-glass-1@contoso.onmicrosoft.com --person YOU --reason WHY",
            "breakglass checkout approve --account break-glass-1@contoso.onmicrosoft.com --person OTHER",
            "breakglass checkout open --account break-glass-1@contoso.onmicrosoft.com",
            "breakglass custody record-opening --document ID --opened-at TIME --person YOU --person OTHER --reason WHY",
            "the time when it was opened, as 2026-11-27T03:00:00Z",
            &format!("breakglass custody open --document FILE --operator {}", world.set.operator().fingerprint()),
            "Copy the text of the document that counts into a file, here FILE .",
            "Then the next document, then another account.",
            &world.set.operator().fingerprint().to_string(),
            &MADE_ON.to_string(),
        ] {
            assert!(text.contains(wanted), "{wanted}: {text}");
        }
        assert!(page.runs.iter().all(|run| run.size * 1.08 >= POINTS_MIN));
        let body = page.runs.iter().find(|run| run.text.contains("In a ")).unwrap();
        assert!(body.size >= 9.0, "{}", body.size);
    }
}

#[test]
fn whoever_reaches_too_few_learns_who_has_the_reserve() {
    let (world, outside) = (world(42), world_of_reserve());
    for paper in Paper::ALL {
        let mut runbook = world.runbook();
        assert!(!pages(&runbook.pdf(paper).unwrap())[0].sentence().contains("Too few can be reached?"));
        runbook.reserve = Some((&outside.set, &outside.custodians));
        let found = pages(&runbook.pdf(paper).unwrap());
        assert_eq!(found.len(), 1);
        let text = found[0].sentence();
        let set = outside.set.set();
        assert!(text.contains(&format!("The reserve {} opens as well, with any 3 of:", set.id)), "{text}");
        for holder in &outside.custodians {
            assert!(text.contains(&format!("{} {}", holder.name, holder.phone.clone().unwrap())), "{text}");
        }
    }
}

/// A security key, named by a letter and a number.
fn key(name: &str, pin_document: Option<&str>) -> SecondFactor {
    SecondFactor::Key {
        name: format!("YubiKey {name}"),
        place: "safe-berlin".to_owned(),
        held_by: "Ada Lind".to_owned(),
        pin_held_by: "Bram Okafor".to_owned(),
        pin_document: pin_document.map(str::to_owned),
    }
}

fn certificate(document: Option<&str>) -> SecondFactor {
    SecondFactor::Certificate { name: "4f1a".to_owned(), document: document.map(str::to_owned) }
}

#[test]
fn what_is_asked_for_besides_the_password_is_told_by_the_record() {
    const DOCUMENT: &str = "0123456789abcdef0123456789abcdef";
    let has = |letter: &str, count: usize| {
        OnRecord::Has((1..=count).map(|number| key(&format!("{letter}{number}"), None)).collect())
    };
    let lacks = "Microsoft’s portals demand more than the password and will refuse it; Graph and the Azure CLI may too. A key \
                 has to be registered: breakglass keys register";
    let asked = "Asked for more than the password:";
    let lacking = "On record there is no security key";
    let cases: [(Vec<OnRecord>, &[&str], &[&str]); 9] = [
        (
            vec![has("a", 1)],
            &["password: YubiKey a1 at safe-berlin with Ada Lind, PIN with Bram Okafor."],
            &["account 1", "keys list", "--document ID .", lacking],
        ),
        (
            vec![OnRecord::Has(vec![key("a1", Some(DOCUMENT)), certificate(None)])],
            &[
                "Ada Lind, PIN with Bram Okafor or in 01234567… ; certificate 4f1a.",
                "A document is asked for with checkout request --document ID",
            ],
            &["012345678", "keys list", "private key"],
        ),
        (
            vec![OnRecord::Has(vec![certificate(Some(DOCUMENT))])],
            &["certificate 4f1a, private key in 01234567…", "checkout request --document ID"],
            &["012345678", "PIN"],
        ),
        (vec![OnRecord::Lacks], &["no security key and no certificate of the account:", lacks], &[asked]),
        (vec![OnRecord::Lacks; 2], &["no security key and no certificate of any account:", lacks], &[asked]),
        (
            vec![has("a", 1), OnRecord::Lacks],
            &["account 1: YubiKey a1 at", "no security key and no certificate of account 2:", lacks],
            &["account 2: YubiKey"],
        ),
        (
            vec![OnRecord::Untold, OnRecord::Lacks],
            &["which security keys are those of account 1: breakglass keys list", "no certificate of account 2:"],
            &[asked],
        ),
        (
            vec![has("a", 3), has("b", 3)],
            &["account 1: YubiKey a1 ", "account 2: YubiKey b2 ", "and 2 more, see breakglass keys list"],
            &["YubiKey a3", "YubiKey b3", lacking],
        ),
        (vec![has("a", 0), has("b", 0)], &["It fails:"], &[asked, lacking, "breakglass keys"]),
    ];
    for (each, wanted, unwanted) in cases {
        let mut world = world(45);
        world.accounts.truncate(each.len());
        world.on_record = Some(each);
        for paper in Paper::ALL {
            let text = page(&world, paper).sentence();
            for wanted in wanted {
                assert!(text.contains(wanted), "{wanted}: {text}");
            }
            for unwanted in unwanted {
                assert!(!text.contains(unwanted), "{unwanted}: {text}");
            }
        }
    }
}

#[test]
fn keys_that_do_not_fit_are_counted() {
    let long = |factor: SecondFactor| match factor {
        SecondFactor::Key { name, .. } => {
            let [place, held_by, pin_held_by] = ["a-long-place", "Name ", "Other "].map(|text| text.repeat(20));
            SecondFactor::Key { name, place, held_by, pin_held_by, pin_document: None }
        }
        other => other,
    };
    let mut world = world(46);
    let names = ["k1", "k2", "k3", "k4"];
    assert_eq!(names.len(), NAMED_COUNT_MAX);
    world.on_record =
        Some(vec![OnRecord::Has(names.map(|name| long(key(name, None))).to_vec()), OnRecord::Has(Vec::new())]);
    for paper in Paper::ALL {
        let text = page(&world, paper).sentence();
        let named = names.iter().filter(|name| text.contains(&format!("YubiKey {name}"))).count();
        assert!(named < NAMED_COUNT_MAX, "{text}");
        let said = match named {
            0 => format!("there are {NAMED_COUNT_MAX}, see breakglass keys list"),
            _ => format!("and {} more, see breakglass keys list", NAMED_COUNT_MAX - named),
        };
        assert!(text.contains(&said), "{said}: {text}");
        let called = world.custodians.iter().filter(|custodian| text.contains(&custodian.name)).count();
        assert_eq!(called, 3, "{text}");
    }
}

fn world_of_reserve() -> World {
    world(43)
}

#[test]
fn who_does_not_fit_is_said() {
    let mut world = world(41);
    world.places = vec!["a safe in a house at a street in a town ".repeat(4); PLACE_COUNT_MAX - 1];
    let page = page(&world, Paper::Letter);
    let text = page.sentence();
    let shown = world.custodians.iter().filter(|custodian| text.contains(&custodian.name)).count();
    assert!((3..5).contains(&shown), "{shown}");
    assert!(text.contains(&format!("{} more custodians did not fit here", 5 - shown)), "{text}");
}

#[test]
fn what_never_fits_is_refused() {
    let mut world = world(42);
    world.places = vec!["\u{202e}".repeat(FIELD_CHARS_MAX); PLACE_COUNT_MAX];
    let refused = world.runbook().pdf(Paper::A4).unwrap_err();
    assert_eq!(refused, SheetError::Full { custodians: 3 });
    assert_eq!(
        refused.to_string(),
        "the runbook does not fit one page even with 3 custodians and every long name shortened; give fewer accounts or \
         places"
    );
    world.places = vec!["in safe 2".to_owned(); PLACE_COUNT_MAX + 1];
    let many = SheetError::Many { things: "places of documents", count: PLACE_COUNT_MAX + 1, most: PLACE_COUNT_MAX };
    assert_eq!(world.runbook().pdf(Paper::A4).map(drop), Err(many));
    world.places.clear();
    assert_eq!(world.runbook().pdf(Paper::A4).map(drop), Err(SheetError::Empty { field: "places of documents" }));
    world.folder.clear();
    let nowhere = SheetError::Empty { field: "folder of the configuration" };
    assert_eq!(world.runbook().pdf(Paper::A4).map(drop), Err(nowhere));
}

#[test]
fn what_has_to_be_typed_is_whole() {
    let mut world = world(44);
    world.accounts[0].user_principal_name = format!("{}@{}", "a-long-name-".repeat(8), "contoso".repeat(20));
    let name: String = page(&world, Paper::A4).typed().iter().map(|run| run.text.as_str()).collect();
    assert!(name.contains(&world.accounts[0].user_principal_name), "{name}");
}

#[test]
fn commands_are_broken_between_words_and_can_be_copied_as_they_stand() {
    const NARROW: [&str; 2] =
        ["breakglass checkout return --account {} --person YOU", "breakglass rotate --account {}"];
    const WIDE: [&str; 3] = [
        "breakglass checkout request --account {} --person YOU --reason WHY",
        "breakglass checkout approve --account {} --person OTHER",
        "breakglass checkout open --account {}",
    ];
    let names = [
        ("bg1@contoso.com", true),
        ("bg1@contoso.onmicrosoft.com", true),
        ("emergency-access-1@contoso.onmicrosoft.com", true),
        // Half a page has no room for these in a size that is read.
        ("emergency-access-account-01@contoso-holding.onmicrosoft.com", false),
        ("emergency-access-account-0001@contoso-holdings.onmicrosoft.comxy", false),
    ];
    let mut world = world(47);
    for (name, fits_half) in names {
        world.accounts[0].user_principal_name = name.to_owned();
        for paper in Paper::ALL {
            let page = page(&world, paper);
            let lines: Vec<&str> = page.typed().iter().map(|run| run.text.as_str()).collect();
            let typed = lines.join("\n").replace(" \\\n", " ");
            let is_there = |command: &str, account: &str| {
                let wanted = command.replace("{}", account);
                typed.lines().any(|line| line == wanted)
            };
            for command in WIDE {
                assert!(is_there(command, name), "{name}: {command}: {typed}");
            }
            for command in NARROW {
                let account = if fits_half { name } else { "ACCOUNT" };
                assert!(is_there(command, account), "{name}: {command}: {typed}");
            }
            let operator = world.set.operator().fingerprint().to_string();
            assert!(is_there("breakglass custody open --document FILE --operator {}", &operator), "{typed}");
            let opened = "breakglass custody record-opening --document ID --opened-at TIME --person YOU --person OTHER \
                          --reason WHY";
            assert!(is_there(opened, ""), "{typed}");
        }
    }
}

#[test]
fn a_long_name_is_shortened_where_it_is_seen() {
    let mut world = world(43);
    world.custodians[0] = Custodian { name: "Anna Long ".repeat(20).trim().to_owned(), ..world.custodians[0].clone() };
    let text = page(&world, Paper::A4).text();
    assert!(text.lines().any(|line| line.contains("Anna Long") && line.ends_with(" … (shortened)")), "{text}");
}
