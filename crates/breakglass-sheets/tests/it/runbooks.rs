//! The runbook is one page, whatever is put on it.

use breakglass_sheets::{Custodian, FIELD_CHARS_MAX, PLACE_COUNT_MAX, Paper, SheetError};

use crate::extracted::{Page, pages};
use crate::support::{MADE_ON, REPORT_TO, World, world};

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
        let text = page.sentence();
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
            "in safe 2, Berlin",
            "breakglass checkout request --account break-glass-1@contoso.onmicrosoft.com --person YOU --reason WHY",
            "breakglass checkout approve --account break-glass-1@contoso.onmicrosoft.com --person OTHER",
            "breakglass checkout open --account break-glass-1@contoso.onmicrosoft.com",
            &format!("breakglass custody open --document FILE --operator {}", world.set.operator().fingerprint()),
            "Then take another account.",
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

fn world_of_reserve() -> World {
    world(43)
}

#[test]
fn who_does_not_fit_is_said() {
    let mut world = world(41);
    world.places = vec!["a safe in a house at a street in a town ".repeat(5); PLACE_COUNT_MAX];
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
    world.places.clear();
    assert_eq!(world.runbook().pdf(Paper::A4).map(drop), Err(SheetError::Empty { field: "places of documents" }));
}

#[test]
fn what_has_to_be_typed_is_whole() {
    let mut world = world(44);
    world.accounts[0].user_principal_name = format!("{}@{}", "a-long-name-".repeat(8), "contoso".repeat(20));
    let name: String = page(&world, Paper::A4).typed().iter().map(|run| run.text.as_str()).collect();
    assert!(name.contains(&world.accounts[0].user_principal_name), "{name}");
}

#[test]
fn a_long_name_is_shortened_where_it_is_seen() {
    let mut world = world(43);
    world.custodians[0] = Custodian { name: "Anna Long ".repeat(20).trim().to_owned(), ..world.custodians[0].clone() };
    let text = page(&world, Paper::A4).text();
    assert!(text.lines().any(|line| line.contains("Anna Long") && line.ends_with(" … (shortened)")), "{text}");
}
