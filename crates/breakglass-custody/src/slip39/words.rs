//! The 1024 words of SLIP-0039, in alphabetical order: of four to eight letters, the first four of which are unique.
//!
//! **Invariant:** a word of a share is looked up by looking at every word of the list, so that neither the time nor the
//! memory that is touched tells which it was.
//! **Source:** SLIP-0039, "Wordlist"; the file `words.txt` beside this one, with its NOTICE.

use std::hint::black_box;
use std::sync::LazyLock;

use zeroize::Zeroizing;

/// Letters of the longest word.
pub(super) const WORD_LETTERS_MAX: usize = 8;

/// Letters that tell a word from all others.
const LETTERS_UNIQUE: usize = 4;

/// Letters that are wrong, missing, too many or swapped, in a word that is still taken for one of the list.
const LETTERS_WRONG_MAX: usize = 2;

/// Words that are offered for one that is not in the list.
const SUGGESTION_COUNT_MAX: usize = 3;

/// The list, and each of its words as a number.
static WORDS: LazyLock<Vec<(&'static str, u64)>> = LazyLock::new(|| {
    let words = include_str!("words.txt").lines();
    words.map(|word| (word, number(word))).collect()
});

/// A word of at most eight letters as a number, the first letter highest.
fn number(word: &str) -> u64 {
    let mut bytes = [0; WORD_LETTERS_MAX];
    for (byte, letter) in bytes.iter_mut().zip(word.bytes()) {
        *byte = letter;
    }
    u64::from_be_bytes(bytes)
}

/// All bits set where both are the same, and none elsewhere.
const fn mask(one: u64, other: u64) -> u64 {
    let differs = one ^ other;
    // The highest bit of a number or of its negative is set, unless it is zero.
    ((differs | differs.wrapping_neg()) >> 63).wrapping_sub(1)
}

/// The letters of the word with a number of the list, behind which there are zeros.
pub(super) fn letters_of(index: u16) -> [u8; WORD_LETTERS_MAX] {
    let wanted = black_box(u64::from(index));
    let found = (0_u64..).zip(WORDS.iter()).fold(0, |found, (at, (_, word))| found | (word & mask(at, wanted)));
    found.to_be_bytes()
}

/// The number of a word in small letters, if it is in the list.
pub(crate) fn index_of(word: &str) -> Option<u16> {
    // A zero behind a word would be taken for its end.
    if word.len() > WORD_LETTERS_MAX || !word.bytes().all(|letter| letter.is_ascii_lowercase()) {
        return None;
    }
    let wanted = black_box(number(word));
    // Counted from 1, so that 0 is no word.
    let found = (1_u64..).zip(WORDS.iter()).fold(0, |found, (at, (_, word))| found | (at & mask(*word, wanted)));
    u16::try_from(found).ok()?.checked_sub(1)
}

/// The word with a number of the list that is no secret, or that is offered to somebody who mistyped.
pub(crate) fn offered(index: u16) -> Option<&'static str> {
    WORDS.get(usize::from(index)).map(|(word, _)| *word)
}

/// What was probably meant with a word that is not in the list: the one that begins with the same four letters, or else
/// those with the fewest wrong letters. Nothing where every word is far away.
pub(super) fn suggestions(word: &str) -> Vec<&'static str> {
    // It has room for everything, so that no copy of its beginning is left behind.
    let mut typed = Zeroizing::new(Vec::with_capacity(2 * WORD_LETTERS_MAX));
    typed.extend(word.chars().flat_map(char::to_lowercase).take(2 * WORD_LETTERS_MAX));
    let begins_alike = |word: &&str| word.chars().take(LETTERS_UNIQUE).eq(typed.iter().copied().take(LETTERS_UNIQUE));
    if let Some((word, _)) = WORDS.iter().find(|(word, _)| begins_alike(word)) {
        return vec![*word];
    }
    let letters = |word: &str| word.chars().collect::<Vec<_>>();
    let near = WORDS.iter().map(|(word, _)| (letters_wrong(&typed, &letters(word)), *word));
    let mut near: Vec<(usize, &str)> = near.filter(|(wrong, _)| *wrong <= LETTERS_WRONG_MAX).collect();
    near.sort_unstable();
    let fewest = near.first().map_or(0, |(wrong, _)| *wrong);
    near.iter().filter(|(wrong, _)| *wrong == fewest).map(|(_, word)| *word).take(SUGGESTION_COUNT_MAX).collect()
}

/// How many letters have to be changed, added, left out, or swapped with the next one.
fn letters_wrong(typed: &[char], word: &[char]) -> usize {
    // The row before the last, the last, and the one that is made: row i has the answers for i letters typed.
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=word.len()).collect();
    let mut typed_before = None;
    for (row, letter) in typed.iter().enumerate() {
        let mut next = vec![row + 1];
        for (column, meant) in word.iter().enumerate() {
            let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX - 1);
            let same = usize::from(letter != meant);
            let mut fewest = (at(&last, column) + same).min(at(&last, column + 1) + 1).min(at(&next, column) + 1);
            let is_swapped =
                column.checked_sub(1).is_some_and(|left| typed_before == Some(meant) && word.get(left) == Some(letter));
            if is_swapped {
                fewest = fewest.min(at(&before, column - 1) + 1);
            }
            next.push(fewest);
        }
        before = std::mem::replace(&mut last, next);
        typed_before = Some(letter);
    }
    last.last().copied().unwrap_or(typed.len())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_list_is_what_the_standard_promises_of_it() {
        assert_eq!(WORDS.len(), 1024);
        assert!(WORDS.is_sorted());
        assert!(WORDS.iter().all(|(word, _)| (4..=8).contains(&word.len())));
        assert!(WORDS.iter().all(|(word, _)| word.bytes().all(|letter| letter.is_ascii_lowercase())));
        let beginnings: BTreeSet<&str> = WORDS.iter().map(|(word, _)| word.split_at(4).0).collect();
        assert_eq!(beginnings.len(), 1024);
    }

    #[test]
    fn every_word_is_found_by_its_number_and_back() {
        for (at, (word, _)) in (0..).zip(WORDS.iter()) {
            assert_eq!(index_of(word), Some(at));
            assert_eq!(String::from_utf8(letters_of(at).to_vec()).unwrap().trim_end_matches('\0'), *word);
        }
        for word in ["", "academi", "academicc", "academics", "Academic", "zzzz", "acadämic", "acid\0"] {
            assert_eq!(index_of(word), None, "{word}");
        }
    }

    #[test]
    fn what_was_meant_is_offered() {
        for (typed, meant) in [
            ("acadexic", &["academic"][..]),
            ("ACADEMICS", &["academic"]),
            ("acadexmic", &["academic"]),
            ("acdemic", &["academic"]),
            ("caid", &["acid", "paid"]),
            ("kehboard", &["keyboard"]),
            ("qqqq", &[]),
            ("", &[]),
        ] {
            assert_eq!(suggestions(typed), meant, "{typed}");
        }
    }
}
