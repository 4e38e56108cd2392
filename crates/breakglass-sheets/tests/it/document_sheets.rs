//! Whoever has several documents opens the right one first, and whoever has not all of them learns where the others are.

use breakglass_custody::document::CredentialKind;
use breakglass_custody::key_set::SetId;
use breakglass_sheets::{
    Absence, AbsentDocument, DOCUMENT_COUNT_MAX, DocumentStanding, Paper, SealedDocument, SheetError,
};

use crate::extracted::{Page, pages};
use crate::share_sheets::assert_documents;
use crate::support::{World, world};

fn with(standing: DocumentStanding, one: &SealedDocument) -> SealedDocument {
    SealedDocument { standing, ..one.clone() }
}

/// Every sheet that has documents, as what is written on it.
fn sheets(world: &World, paper: Paper) -> [Vec<Page>; 3] {
    let all = [world.cover_sheet().pdf(paper), world.share_sheet(1).pdf(paper), world.document_sheet().pdf(paper)];
    all.map(|pdf| pages(&pdf.unwrap()))
}

fn text(pages: &[Page]) -> String {
    pages.iter().map(Page::sentence).collect::<Vec<_>>().join(" ")
}

fn absent(world: &World, document: &str, standing: DocumentStanding, absence: Absence) -> AbsentDocument {
    let (document, account, credential) = (document.to_owned(), world.accounts[0].clone(), CredentialKind::Password);
    AbsentDocument { document, account, credential, standing, absence }
}

#[test]
fn each_document_says_whether_it_is_the_one_to_open() {
    use DocumentStanding::{Counts, MayCount, Past, Unrecorded, Unsent};
    // By account, how documents stand, and what is said of each.
    type Case<'c> = &'c [(usize, DocumentStanding, &'c str)];
    let cases: [Case<'_>; 4] = [
        &[
            (0, Counts, "counts, open it first"),
            (0, MayCount, "may count, if document 1 is not let in"),
            (0, Unsent, "never sent, if document 2 is not let in"),
            (1, Counts, "counts, open it first"),
            (1, MayCount, "may count, if document 4 is not let in"),
        ],
        &[(0, MayCount, "may count, open it first"), (0, MayCount, "may count, if document 1 is not let in")],
        &[(0, Unrecorded, "not in the record, open it first"), (1, Unsent, "never sent")],
        &[(0, Past, "counts no more")],
    ];
    for case in cases {
        let mut world = world(70);
        let documents = case.iter().map(|(account, standing, _)| with(*standing, &world.documents[*account]));
        world.documents = documents.collect();
        for paper in Paper::ALL {
            for pages in sheets(&world, paper) {
                let text = text(&pages);
                for (number, (_, _, said)) in (1..).zip(case) {
                    let heading = format!("Document {number} of {}: {said}", case.len());
                    assert!(
                        pages.iter().any(|page| page.text().lines().any(|line| line == heading)),
                        "{heading}: {text}"
                    );
                }
                pages.iter().for_each(Page::assert_inside);
                assert_documents(&world, &pages);
            }
            // It stands in the list as well.
            let [cover, _, documents] = sheets(&world, paper);
            for list in [&cover[0], &documents[0]] {
                let list = list.sentence();
                assert!(list.contains("open the document first that counts;"), "{list}");
                assert!(list.contains(case[0].2), "{list}");
            }
        }
    }
}

#[test]
fn what_is_elsewhere_or_missing_is_said_where_it_is_looked_for() {
    let mut world = world(71);
    let other = SetId::read("academic-acid").unwrap();
    let (elsewhere, missing) = ("e".repeat(32), "f".repeat(32));
    world.documents[0].standing = DocumentStanding::MayCount;
    world.absent = vec![
        absent(&world, &missing, DocumentStanding::Counts, Absence::NotFound),
        absent(&world, &elsewhere, DocumentStanding::MayCount, Absence::OtherSet(other)),
    ];
    let account = &world.accounts[0].user_principal_name;
    for paper in Paper::ALL {
        for pages in sheets(&world, paper) {
            let text = text(&pages);
            for wanted in [
                "Document 1 of 2: may count; the one that counts is not here".to_owned(),
                "Document 2 of 2: counts, open it first".to_owned(),
                format!(
                    "{missing} of {account} (a password, counts) is missing: when this sheet was made no depository had it."
                ),
                format!(
                    "{elsewhere} of {account} (a password, may count) is sealed to the set academic-acid : shares of"
                ),
            ] {
                assert!(text.contains(&wanted), "{wanted}: {text}");
            }
        }
        // Where nothing else is there, too.
        let mut sheet = world.cover_sheet();
        sheet.documents = &[];
        let text = text(&pages(&sheet.pdf(paper).unwrap()));
        assert!(text.contains(&missing) && text.contains(&elsewhere), "{text}");
    }
    let many = vec![world.absent[0].clone(); DOCUMENT_COUNT_MAX + 1];
    let mut sheet = world.cover_sheet();
    sheet.absent = &many;
    let wanted = SheetError::Many {
        things: "documents that are elsewhere",
        count: DOCUMENT_COUNT_MAX + 1,
        most: DOCUMENT_COUNT_MAX,
    };
    assert_eq!(sheet.pdf(Paper::A4).map(drop), Err(wanted));
}

#[test]
fn a_pin_that_is_missing_is_not_taken_for_the_password_that_counts() {
    let mut world = world(73);
    let pin = absent(&world, "pin", DocumentStanding::Counts, Absence::NotFound);
    world.absent = vec![AbsentDocument { credential: CredentialKind::Passkey, ..pin }];
    for pages in sheets(&world, Paper::A4) {
        let text = text(&pages);
        assert!(text.contains("Document 1 of 2: counts, open it first"), "{text}");
        assert!(text.contains("is missing:") && !text.contains("the one that counts is not here"), "{text}");
    }
}

#[test]
fn a_sheet_of_documents_opens_them_with_shares_alone_and_has_nothing_secret() {
    let world = world(72);
    assert!(world.documents.iter().all(|one| one.document.label().credential == CredentialKind::Password));
    for paper in Paper::ALL {
        let pages = pages(&world.document_sheet().pdf(paper).unwrap());
        let text = text(&pages);
        for wanted in [
            "Keep this with your share.",
            "Any 3 of the 5 shares of the set",
            "To open, with breakglass",
            "To open, without breakglass",
            &world.set.set().recipient.to_string(),
            &world.set.operator().fingerprint().to_string(),
        ] {
            assert!(text.contains(wanted), "{wanted}: {text}");
        }
        for page in &pages {
            page.assert_inside();
            assert!(page.sentence().contains("Nothing on this page is secret"));
        }
        let somebody = world.custodians.iter().find(|custodian| text.contains(&custodian.name));
        assert!(somebody.is_none(), "{somebody:?}");
        for share in 1..=5 {
            for three in world.words(share)[4..].windows(3) {
                assert!(!text.contains(&three.join(" ")), "{share}");
            }
        }
    }
}
