//! The share of one custodian comes out of the sheet again, whole, and no other.

use breakglass_custody::document::{Account, Document};
use breakglass_custody::signed_set::SignedSet;
use breakglass_custody::slip39::Share;
use breakglass_sheets::{
    ACCOUNT_COUNT_MAX, Custodian, DOCUMENT_COUNT_MAX, FIELD_CHARS_MAX, Paper, SealedDocument, SheetError,
};

use crate::extracted::{Page, about, pages};
use crate::support::{World, world};

/// Points of the words of a share; nothing else is as large in letters that are all as wide.
const WORD_POINTS_MIN: f32 = 15.0;

fn words(page: &Page) -> Vec<String> {
    let large = page.typed().into_iter().filter(|run| run.size >= WORD_POINTS_MIN);
    large.map(|run| run.text.clone()).collect()
}

/// Points from below in which the foot of a page is.
const FOOT_POINTS: f32 = 66.0;

/// Every text in braces that stands in typed lines, with its ends of lines and feet of pages taken out.
pub(crate) fn copied(pages: &[Page]) -> Vec<String> {
    let runs = pages.iter().flat_map(Page::typed).filter(|run| run.baseline > FOOT_POINTS);
    let (mut all, mut text) = (Vec::new(), String::new());
    for line in runs.map(|run| run.text.trim().to_owned()) {
        if text.is_empty() && !line.starts_with("{\"") {
            continue;
        }
        text.push_str(&line);
        if serde_json::from_str::<serde_json::Value>(&text).is_ok() {
            all.push(std::mem::take(&mut text));
        }
    }
    assert!(text.is_empty(), "{text}");
    all
}

/// That pages have the set and every document, and that each verifies.
pub(crate) fn assert_documents(world: &World, pages: &[Page]) {
    let operator = world.set.operator().fingerprint();
    let copied = copied(pages);
    assert_eq!(copied.len(), 1 + world.documents.len());
    assert_eq!(SignedSet::read(&copied[0]).unwrap().confirmed(operator).unwrap(), world.set);
    for (text, SealedDocument { document, .. }) in copied[1..].iter().zip(&world.documents) {
        assert_eq!(&Document::read(text).unwrap().confirmed(operator).unwrap(), document);
        // A space that would be lost where a line ends, or beside another, is written as its number; nothing else is changed.
        if document.text().is_ascii() {
            assert_eq!(text.replace("\\u0020", " "), document.text());
        }
    }
}

/// What somebody has who copies each document with its heading, or the page of it, with everything that stands there.
pub(crate) fn copied_by_hand(pages: &[Page]) -> Vec<String> {
    let all: String = pages.iter().map(Page::text).collect();
    let starts: Vec<usize> = all.match_indices("\nDocument ").map(|(at, _)| at).collect();
    let ends = starts.iter().skip(1).copied().chain([all.len()]);
    starts.iter().zip(ends).map(|(from, to)| all.get(*from..to).unwrap().to_owned()).collect()
}

#[test]
fn a_document_that_is_copied_by_hand_opens_with_its_lines_and_what_is_around_it() {
    let world = world(11);
    let operator = world.set.operator().fingerprint();
    for paper in Paper::ALL {
        let (share, cover) = (world.share_sheet(1).pdf(paper), world.cover_sheet().pdf(paper));
        for pdf in [share, cover, world.document_sheet().pdf(paper)] {
            let pages = pages(&pdf.unwrap());
            let by_hand = copied_by_hand(&pages);
            assert_eq!(by_hand.len(), world.documents.len());
            for (text, SealedDocument { document, .. }) in by_hand.iter().zip(&world.documents) {
                for end in ["\n", "\r\n"] {
                    let text = text.replace('\n', end);
                    assert_eq!(&Document::read(&text).unwrap().confirmed(operator).unwrap(), document, "{text}");
                }
            }
            // The page with the set and the first document.
            let page = pages.iter().find(|page| page.text().contains("The set, as the operator signed it")).unwrap();
            assert_eq!(SignedSet::read(&page.text()).unwrap().confirmed(operator).unwrap(), world.set);
        }
    }
}

#[test]
fn everything_that_opens_is_text_and_in_order() {
    let world = world(1);
    for paper in Paper::ALL {
        for share in 1..=5 {
            let pages = pages(&world.share_sheet(share).pdf(paper).unwrap());
            assert_eq!(words(&pages[0]), world.words(share));
            let numbers = pages[0].runs.iter().filter_map(|run| run.text.trim().parse::<u8>().ok());
            assert_eq!(numbers.collect::<Vec<_>>(), (1..=33).collect::<Vec<_>>());
            assert_documents(&world, &pages);
            let first = pages[0].sentence();
            let set = world.set.set();
            for wanted in [
                format!("Share {share} of 5"),
                "3 of the 5".to_owned(),
                set.id.to_string(),
                set.recipient.to_string(),
                set.recipient.fingerprint().to_string(),
                world.custodians[share - 1].name.clone(),
                world.accounts[1].user_principal_name.clone(),
                world.tenant.id.clone(),
                "2026-11-27".to_owned(),
            ] {
                assert!(first.contains(&wanted), "{wanted}: {first}");
            }
            let operator = world.set.operator().fingerprint().to_string();
            for page in &pages {
                page.assert_inside();
                assert!(page.text().contains(&operator));
            }
        }
    }
}

#[test]
fn words_are_on_the_first_page_and_of_one_share_alone() {
    let world = world(2);
    for share in 1..=5 {
        let pages = pages(&world.share_sheet(share).pdf(Paper::A4).unwrap());
        assert!(pages[0].sentence().contains("SECRET: the words of a share are on this page"));
        for page in &pages[1..] {
            assert!(page.sentence().contains("Nothing on this page is secret"));
            assert!(words(page).is_empty());
        }
        let all: Vec<String> = pages.iter().map(Page::sentence).collect();
        let all = all.join(" ").to_lowercase();
        let seen: Vec<&str> = all.split(|letter: char| !letter.is_ascii_lowercase()).collect();
        for other in (1..=5).filter(|other| *other != share) {
            // The first four words are nearly the same on all; after them any three in a row would be no coincidence.
            for three in world.words(other)[4..].windows(3) {
                assert!(!seen.windows(3).any(|window| window == three), "{other}");
            }
        }
    }
}

#[test]
fn the_same_sheet_has_the_same_bytes() {
    let world = world(3);
    for paper in Paper::ALL {
        let sheet = world.share_sheet(2);
        assert!(*sheet.pdf(paper).unwrap() == *sheet.pdf(paper).unwrap());
    }
}

#[test]
fn a_pdf_says_of_itself_what_it_is_and_nothing_of_where_it_was_made() {
    let world = world(4);
    let about = about(&world.share_sheet(1).pdf(Paper::A4).unwrap());
    let title = format!("Share 1 of 5 of the set {}: secret", world.set.set().id);
    let wanted = [
        ("CreationDate", "D:20261127000000Z"),
        ("Creator", "breakglass"),
        ("ModDate", "D:20261127000000Z"),
        ("Title", title.as_str()),
    ];
    assert_eq!(about.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>(), wanted);
}

#[test]
fn a_new_set_has_no_documents_yet() {
    let mut world = world(5);
    world.documents.clear();
    for paper in Paper::ALL {
        let pages = pages(&world.share_sheet(1).pdf(paper).unwrap());
        assert_documents(&world, &pages);
        let last = pages.last().unwrap().sentence();
        for wanted in [
            "when this sheet was made nothing was sealed to the set.",
            "After each rotation you are given a new sheet of documents, which breakglass custody sheet documents makes:",
            "If you have none, the cover in the safe has the documents too.",
            "Kept with this sheet: the documents, printed on by",
            "It says to which recipient anybody may seal, and how many shares open what is sealed; every document names the same.",
        ] {
            assert!(last.contains(wanted), "{wanted}: {last}");
        }
    }
}

#[test]
fn a_sheet_with_anything_of_somebody_else_is_refused() {
    let (world, other) = (world(6), world(7));
    let refused = |sheet: breakglass_sheets::share_sheet::ShareSheet<'_>| sheet.pdf(Paper::A4).unwrap_err();

    let mut sheet = world.share_sheet(1);
    sheet.share = &other.shares[0];
    assert_eq!(refused(sheet), SheetError::AlienShare(world.set.set().id.clone()));

    let mut sheet = world.share_sheet(1);
    sheet.share = &world.shares[1];
    let custodian = world.custodians[0].name.clone();
    assert_eq!(refused(sheet), SheetError::OtherShare { custodian, wanted: 1, found: 2 });

    let mut sheet = world.share_sheet(1);
    sheet.documents = &other.documents;
    assert!(matches!(refused(sheet), SheetError::OtherSet { .. }));

    let short = Share::read(
        1,
        "duckling enlarge academic academic agency result length solution fridge kidney coal piece deal husband erode \
         duke ajar critical decision keyboard",
    );
    let short = short.unwrap();
    let mut sheet = world.share_sheet(1);
    sheet.share = &short;
    assert!(matches!(refused(sheet), SheetError::AlienShare(_)));

    let error = SheetError::OtherShare { custodian: "A".to_owned(), wanted: 1, found: 2 };
    assert_eq!(error.to_string(), "the custodian `A` is to have share 1, and this is share 2; give each their own");
}

#[test]
fn what_is_too_long_or_not_there_is_refused() {
    let world = world(8);
    let named = |name: String| Custodian { name, ..world.custodians[0].clone() };
    for (name, wanted) in [
        ("x".repeat(FIELD_CHARS_MAX), Ok(())),
        ("ü".repeat(FIELD_CHARS_MAX), Ok(())),
        (
            "x".repeat(FIELD_CHARS_MAX + 1),
            Err(SheetError::Long { field: "name of a custodian", chars: FIELD_CHARS_MAX + 1 }),
        ),
        (String::new(), Err(SheetError::Empty { field: "name of a custodian" })),
    ] {
        let custodian = named(name);
        let mut sheet = world.share_sheet(1);
        sheet.custodian = &custodian;
        assert_eq!(sheet.pdf(Paper::A4).map(drop), wanted);
    }
    let mut sheet = world.share_sheet(1);
    sheet.accounts = &[];
    assert_eq!(sheet.pdf(Paper::A4).map(drop), Err(SheetError::Empty { field: "accounts" }));
    let many: Vec<Account> = std::iter::repeat_with(|| world.accounts[0].clone()).take(ACCOUNT_COUNT_MAX + 1).collect();
    sheet.accounts = &many[..ACCOUNT_COUNT_MAX];
    assert!(sheet.pdf(Paper::Letter).is_ok());
    sheet.accounts = &many;
    let wanted = SheetError::Many { things: "accounts", count: ACCOUNT_COUNT_MAX + 1, most: ACCOUNT_COUNT_MAX };
    assert_eq!(sheet.pdf(Paper::A4).map(drop), Err(wanted));
    let many: Vec<SealedDocument> =
        std::iter::repeat_with(|| world.documents[0].clone()).take(DOCUMENT_COUNT_MAX + 1).collect();
    let mut sheet = world.share_sheet(1);
    sheet.documents = &many[..DOCUMENT_COUNT_MAX];
    assert!(sheet.pdf(Paper::A4).is_ok());
    sheet.documents = &many;
    let wanted = SheetError::Many { things: "documents", count: DOCUMENT_COUNT_MAX + 1, most: DOCUMENT_COUNT_MAX };
    assert_eq!(sheet.pdf(Paper::A4).map(drop), Err(wanted));
}

#[test]
fn the_words_stay_on_one_page_that_says_so_whatever_the_names_are() {
    let mut world = world(10);
    world.tenant.name = "\u{10ffff}".repeat(FIELD_CHARS_MAX);
    world.custodians[0].name = "\u{10ffff}".repeat(FIELD_CHARS_MAX);
    let report_to = "\u{10ffff}".repeat(FIELD_CHARS_MAX);
    for paper in Paper::ALL {
        let mut sheet = world.share_sheet(1);
        sheet.report_to = &report_to;
        let pages = pages(&sheet.pdf(paper).unwrap());
        assert_eq!(words(&pages[0]), world.words(1));
        assert!(pages[0].sentence().contains("SECRET: the words of a share are on this page"));
        for page in &pages[1..] {
            page.assert_inside();
            assert!(words(page).is_empty() && page.sentence().contains("Nothing on this page is secret"));
        }
    }
}

#[test]
fn a_name_that_misleads_is_shown_as_what_it_is() {
    let mut world = world(9);
    "Bob\u{202e}alone\n\u{200b}".clone_into(&mut world.custodians[0].name);
    "contoso `x` *y* {}".clone_into(&mut world.tenant.name);
    let pages = pages(&world.share_sheet(1).pdf(Paper::A4).unwrap());
    let first = pages[0].sentence();
    assert!(first.contains(r"for Bob\u{202e}alone\u{a}\u{200b} alone"), "{first}");
    assert!(first.contains("emergency passwords of contoso `x` *y* {}."), "{first}");
}
