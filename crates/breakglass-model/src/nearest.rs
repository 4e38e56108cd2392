//! The known word that somebody probably meant, for error messages.
//!
//! **Limits:** words of more than `WORD_LENGTH_MAX` characters have no neighbour.

/// Characters of a word that is compared.
const WORD_LENGTH_MAX: usize = 64;

/// The known words by how far they are from a word, the nearest first; only those that may have been meant: at most
/// a third of the letters differ, or one contains the other. The case of letters does not count.
#[must_use]
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Vec<&'k str> {
    let wanted = letters(word);
    if wanted.is_empty() || wanted.len() > WORD_LENGTH_MAX {
        return Vec::new();
    }
    let mut near: Vec<(usize, &str)> = Vec::new();
    for candidate in known {
        let other = letters(candidate);
        if other.is_empty() || other.len() > WORD_LENGTH_MAX {
            continue;
        }
        let away = distance(&wanted, &other);
        let is_part = |long: &[char], short: &[char]| short.len() > 3 && long.windows(short.len()).any(|w| w == short);
        if away * 3 <= wanted.len().max(other.len()) || is_part(&wanted, &other) || is_part(&other, &wanted) {
            near.push((away, candidate));
        }
    }
    near.sort_by_key(|(away, _)| *away);
    near.into_iter().map(|(_, candidate)| candidate).collect()
}

fn letters(word: &str) -> Vec<char> {
    word.chars().take(WORD_LENGTH_MAX + 1).flat_map(char::to_lowercase).collect()
}

/// How many letters have to be put in, left out or changed (Levenshtein).
fn distance(one: &[char], other: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.iter().enumerate() {
        let mut diagonal = at;
        let mut left = at + 1;
        for (cell, candidate) in row.iter_mut().skip(1).zip(other) {
            let changed = diagonal + usize::from(letter != candidate);
            diagonal = *cell;
            left = changed.min(left + 1).min(*cell + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = at + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{distance, letters, nearest};

    #[test]
    fn distances() {
        for (one, other, away) in [("", "", 0), ("a", "", 1), ("", "ab", 2), ("kitten", "sitting", 3), ("ab", "ba", 2)]
        {
            assert_eq!(distance(&letters(one), &letters(other)), away, "{one} {other}");
        }
    }

    #[test]
    fn what_was_probably_meant() {
        let known = ["ipAddress", "devicePlatform", "signInRiskLevel", "userRiskLevel", "country"];
        for (word, first) in [
            ("ipAdress", Some("ipAddress")),
            ("devicePlatfrom", Some("devicePlatform")),
            ("signInRisklevel", Some("signInRiskLevel")),
            ("platform", Some("devicePlatform")),
            ("moonPhase", None),
            ("", None),
            ("c", None),
        ] {
            assert_eq!(nearest(word, known).first().copied(), first, "{word}");
        }
        assert_eq!(nearest(&"x".repeat(1_000), known), Vec::<&str>::new());
    }
}
