//! Laws of all sheets, over random names and counts: nothing panics or lies outside the page, what is on paper opens, and
//! what is refused is refused for a reason.

use breakglass_sheets::{Paper, SheetError};
use breakglass_testkit::{is_full, seed_for};

use crate::extracted::pages;
use crate::share_sheets::assert_documents;
use crate::support::Dice;

/// Tenants that are put on paper.
const WORLD_COUNT: usize = 8;
const WORLD_COUNT_FULL: usize = 400;

#[test]
fn whatever_people_are_called_their_sheets_are_whole_by_seed() {
    let mut dice = Dice::new(seed_for("whatever_people_are_called_their_sheets_are_whole_by_seed"));
    let (mut made, mut full) = (0, 0);
    for _ in 0..if is_full() { WORLD_COUNT_FULL } else { WORLD_COUNT } {
        let world = dice.odd_world();
        for paper in Paper::ALL {
            let share = 1 + dice.below(world.shares.len());
            let sheet = pages(&world.share_sheet(share).pdf(paper).unwrap());
            let words: Vec<String> =
                sheet[0].typed().iter().filter(|run| run.size >= 15.0).map(|run| run.text.clone()).collect();
            assert_eq!(words, world.words(share));
            assert_documents(&world, &sheet);
            let cover = pages(&world.cover_sheet().pdf(paper).unwrap());
            assert_documents(&world, &cover);
            let documents = pages(&world.document_sheet().pdf(paper).unwrap());
            assert_documents(&world, &documents);
            let runbook = match world.runbook().pdf(paper) {
                Ok(pdf) => pages(&pdf),
                Err(error) => {
                    assert!(matches!(error, SheetError::Full { .. }), "{error}");
                    full += 1;
                    Vec::new()
                }
            };
            assert!(runbook.len() <= 1);
            made += 3 + runbook.len();
            for page in sheet.iter().chain(&cover).chain(&documents).chain(&runbook) {
                page.assert_inside();
                let unseen = |letter: char| letter.is_control() || ('\u{590}'..='\u{8ff}').contains(&letter);
                assert!(!page.runs.iter().any(|run| run.text.contains(unseen)));
            }
        }
    }
    println!("sheets that were made: {made}, runbooks that were too full for a page: {full}");
    assert!(made > 0 && full > 0);
}
