//! The cover of a safe says what is in it, and has nothing secret.

use breakglass_sheets::cover_sheet::Documents;
use breakglass_sheets::{Checkpoint, Paper, SheetError};

use crate::extracted::{Page, pages};
use crate::share_sheets::{assert_documents, copied};
use crate::support::world;

#[test]
fn everything_that_lies_there_is_on_it() {
    let world = world(20);
    let checkpoint = Checkpoint { origin: "contoso.example/log".to_owned(), size: 1_204, root: [0xfb; 32] };
    for paper in Paper::ALL {
        let mut sheet = world.cover_sheet();
        sheet.checkpoint = Some(&checkpoint);
        let pages = pages(&sheet.pdf(paper).unwrap());
        let first = pages[0].sentence();
        let mut wanted = vec![
            "Safe 2, Berlin".to_owned(),
            "3 of the 5".to_owned(),
            "contoso.example/log".to_owned(),
            "1204".to_owned(),
            "+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s=".to_owned(),
        ];
        for custodian in &world.custodians {
            let (site, phone) = (custodian.site.clone().unwrap(), custodian.phone.clone().unwrap());
            wanted.push(format!("{} {} {site} {phone}", custodian.share, custodian.name));
        }
        wanted.extend(world.documents.iter().map(|one| one.document.label().envelope.to_string()));
        for wanted in wanted {
            assert!(first.contains(&wanted), "{wanted}: {first}");
        }
        assert!(pages[1].sentence().starts_with("Log of openings"));
        assert_documents(&world, &pages);
        let operator = world.set.operator().fingerprint().to_string();
        for page in &pages {
            page.assert_inside();
            assert!(page.text().contains(&operator));
        }
    }
}

#[test]
fn documents_may_be_a_list_alone() {
    let world = world(21);
    let mut sheet = world.cover_sheet();
    sheet.detail = Documents::Listed;
    let pages = pages(&sheet.pdf(Paper::Letter).unwrap());
    assert!(copied(&pages).is_empty());
    assert!(pages[0].text().contains(&world.documents[1].document.label().envelope.to_string()));
}

#[test]
fn a_share_that_nobody_has_is_named() {
    let mut world = world(22);
    world.custodians.remove(2);
    let pages = pages(&world.cover_sheet().pdf(Paper::A4).unwrap());
    assert!(pages[0].sentence().contains("3 nobody yet 4 Tom Okafor"));
}

#[test]
fn persons_are_counted_and_not_shares() {
    let mut world = world(23);
    world.custodians[1].share = 1;
    assert_eq!(world.cover_sheet().pdf(Paper::A4).map(drop), Err(SheetError::SharedShare(1)));
    world.custodians[1].share = 6;
    assert!(matches!(world.cover_sheet().pdf(Paper::A4), Err(SheetError::NoSuchShare { share: 6, .. })));
}

#[test]
fn a_cover_has_nothing_of_a_share() {
    let world = world(24);
    let pages = pages(&world.cover_sheet().pdf(Paper::A4).unwrap());
    let all: Vec<String> = pages.iter().map(Page::sentence).collect();
    let all = all.join(" ");
    for share in 1..=5 {
        for two in world.words(share)[4..].windows(2) {
            assert!(!all.contains(&two.join(" ")));
        }
    }
}
