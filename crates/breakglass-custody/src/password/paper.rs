//! A password on paper: groups of four characters, each followed by a stroke and a check character.
//!
//! The check characters are no part of the password and say nothing of it that does not stand beside them. They tell which
//! group was mistyped: any one wrong character of a group, any two that were swapped, a group in the wrong place, and the
//! one that was left out.

use zeroize::Zeroizing;

use super::alphabet::Alphabet;
use super::{LENGTH_CHARS_MAX, Password};

/// Characters of a group, without the check character. The last one may have fewer.
pub const GROUP_CHARS: usize = 4;

/// Characters of the longest text that is read as a password on paper.
pub const PAPER_CHARS_MAX: usize = 512;

/// What stands between a group and its check character; no password has it.
const STROKE: char = '/';

/// x^6 of the polynomial x^6 + x + 1, without its highest term.
const REDUCTION: u8 = 0b00_0011;

/// Why a password is not written in groups, or not read from them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PaperError {
    /// It is not one that this program makes.
    #[error(
        "the password was not made by this program: its character {0} is none that can be told apart on paper, so that it \
         has no groups"
    )]
    Foreign(usize),
    /// It is no password of this length.
    #[error("a password on paper has from 1 to {LENGTH_CHARS_MAX} characters in groups of {GROUP_CHARS}")]
    Length,
    /// A group is not laid out as one.
    #[error(
        "group {0} is not {GROUP_CHARS} characters, a `/` and the check character behind it, as it stands on the paper"
    )]
    Form(usize),
    /// A group has a character that no password has.
    #[error(
        "group {group}, character {place}: no password of this program has it; there is no `0`, `O`, `o`, `1`, `l` or `I` \
         in them"
    )]
    Character {
        /// Which group, from 1.
        group: usize,
        /// Which character of it, from 1.
        place: usize,
    },
    /// Groups are not what was written.
    #[error("{} mistyped; compare with the paper, capitals and small letters too", listed(.0))]
    Groups(Vec<usize>),
    /// A group was left out.
    #[error("group {0} was left out; the others are right")]
    Missing(usize),
}

fn listed(groups: &[usize]) -> String {
    let numbers: Vec<String> = groups.iter().map(usize::to_string).collect();
    match numbers.as_slice() {
        [one] => format!("group {one} is"),
        _ => format!("groups {} are", numbers.join(", ")),
    }
}

impl Password {
    /// Lends the password as it is put on paper, on one line with a space between the groups, for as long as `look`
    /// takes.
    ///
    /// # Errors
    /// It was not made by this program, and has a character that cannot be told from others on paper.
    pub fn with_paper<T>(&self, look: impl FnOnce(&str) -> T) -> Result<T, PaperError> {
        let numbers = self.with_plaintext(numbers)?;
        let groups: Vec<&[u8]> = numbers.chunks(GROUP_CHARS).collect();
        if groups.is_empty() || numbers.len() > LENGTH_CHARS_MAX {
            return Err(PaperError::Length);
        }
        let mut text = Zeroizing::new(String::with_capacity(PAPER_CHARS_MAX));
        for (place, group) in groups.iter().enumerate() {
            if place != 0 {
                text.push(' ');
            }
            text.extend(group.iter().map(|number| Alphabet::PAPER.character(*number)));
            text.push(STROKE);
            text.push(Alphabet::PAPER.character(check(group, place, groups.len())));
        }
        Ok(look(&text))
    }

    /// Reads a password that somebody typed from paper, group by group with the check characters. Wiping the text is up
    /// to the caller.
    ///
    /// # Errors
    /// A group was mistyped or left out; which one is said, and what stands in it is not.
    pub fn of_paper(typed: &str) -> Result<Self, PaperError> {
        if typed.len() > PAPER_CHARS_MAX {
            return Err(PaperError::Length);
        }
        let count = typed.split_whitespace().count();
        let mut groups = Vec::with_capacity(count);
        for (number, group) in (1..).zip(typed.split_whitespace()) {
            groups.push(Group::read(number, number == count, group)?);
        }
        let length: usize = groups.iter().map(|group| group.numbers.len()).sum();
        if !(1..=LENGTH_CHARS_MAX).contains(&length) {
            return Err(PaperError::Length);
        }
        let numbered = (0..).zip(&groups);
        let wrong = numbered.filter(|(place, group)| !group.is_right(*place, count)).map(|(place, _)| place + 1);
        let wrong: Vec<usize> = wrong.collect();
        if !wrong.is_empty() {
            return Err(left_out(&groups).map_or(PaperError::Groups(wrong), PaperError::Missing));
        }
        let mut text = Zeroizing::new(String::with_capacity(length));
        let all = groups.iter().flat_map(|group| group.numbers.iter());
        text.extend(all.map(|number| Alphabet::PAPER.character(*number)));
        Ok(Self::of_wiped(text))
    }
}

/// A group as it was typed.
struct Group {
    numbers: Zeroizing<Vec<u8>>,
    check: u8,
}

impl Group {
    fn read(group: usize, is_last: bool, typed: &str) -> Result<Self, PaperError> {
        let (characters, check) = typed.split_once(STROKE).ok_or(PaperError::Form(group))?;
        let mut numbers = Zeroizing::new(Vec::with_capacity(GROUP_CHARS + 1));
        for (place, character) in (1..).zip(characters.chars().take(GROUP_CHARS + 1)) {
            let number = Alphabet::PAPER.number(character).ok_or(PaperError::Character { group, place })?;
            numbers.push(number);
        }
        let is_long_enough = if is_last { !numbers.is_empty() } else { numbers.len() == GROUP_CHARS };
        let mut check = check.chars();
        let (Some(only), None) = (check.next(), check.next()) else { return Err(PaperError::Form(group)) };
        if !is_long_enough || numbers.len() > GROUP_CHARS {
            return Err(PaperError::Form(group));
        }
        let check = Alphabet::PAPER.number(only);
        Ok(Self { numbers, check: check.ok_or(PaperError::Character { group, place: GROUP_CHARS + 2 })? })
    }

    fn is_right(&self, place: usize, count: usize) -> bool {
        check(&self.numbers, place, count) == self.check
    }
}

/// The one group that is missing, from 1, if all others are right with it in its place.
fn left_out(groups: &[Group]) -> Option<usize> {
    let count = groups.len() + 1;
    let fits = |missing: &usize| {
        let places = (0..count).filter(|place| place != missing);
        places.zip(groups).all(|(place, group)| group.is_right(place, count))
    };
    (0..count).find(fits).map(|missing| missing + 1)
}

fn numbers(text: &str) -> Result<Zeroizing<Vec<u8>>, PaperError> {
    let mut numbers = Zeroizing::new(Vec::with_capacity(text.len()));
    for (place, character) in (1..).zip(text.chars()) {
        numbers.push(Alphabet::PAPER.number(character).ok_or(PaperError::Foreign(place))?);
    }
    Ok(numbers)
}

/// The check character of a group: a sum over GF(64) in which each character, the place of the group, how many groups
/// there are and how long it is have a weight of their own, so that no single one of them can be wrong unnoticed, and no
/// two characters swapped.
fn check(group: &[u8], place: usize, count: usize) -> u8 {
    let mut sum = 0;
    let mut weight = 1;
    let small = |number: usize| u8::try_from(number).unwrap_or(u8::MAX) & 0x3f;
    let characters = group.iter().copied().chain(std::iter::repeat(0)).take(GROUP_CHARS);
    for term in characters.chain([small(place), small(count), small(group.len())]) {
        sum ^= product(term, weight);
        weight = product(weight, 2);
    }
    sum
}

/// The product in GF(64), in a time that does not hang on the values.
fn product(left: u8, right: u8) -> u8 {
    let mask = |bit: u8| std::hint::black_box(0_u8.wrapping_sub(bit & 1));
    let mut sum = 0;
    let mut shifted = left;
    for place in 0..6 {
        sum ^= shifted & mask(right >> place);
        let carried = mask(shifted >> 5);
        shifted = ((shifted << 1) & 0x3f) ^ (REDUCTION & carried);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_text(text: &str) -> Password {
        Password::of_text(text.to_owned())
    }

    fn on_paper(text: &str) -> String {
        of_text(text).with_paper(str::to_owned).unwrap()
    }

    fn typed(text: &str) -> Result<String, PaperError> {
        Password::of_paper(text).map(|password| password.with_plaintext(str::to_owned))
    }

    const TEXT: &str = "Xk7m9a#bTTTTwvA?3=Qr%Rz@cd";

    #[test]
    fn what_is_on_paper_is_read_again() {
        let paper = on_paper(TEXT);
        assert_eq!(paper.split(' ').count(), 7);
        assert_eq!(paper.split(' ').map(|group| group.split('/').next().unwrap()).collect::<String>(), TEXT);
        assert_eq!(typed(&paper).unwrap(), TEXT);
        assert_eq!(typed(&paper.replace(' ', "\n\t ")).unwrap(), TEXT);
        for length in 1..=LENGTH_CHARS_MAX {
            let text: String = TEXT.chars().cycle().take(length).collect();
            let paper = on_paper(&text);
            assert!(paper.len() <= PAPER_CHARS_MAX);
            assert_eq!(typed(&paper).unwrap(), text);
        }
    }

    #[test]
    fn every_wrong_character_is_noticed_in_its_group() {
        let paper = on_paper(TEXT);
        let characters: Vec<char> = (0..64).map(|number| Alphabet::PAPER.character(number)).collect();
        let mut count = 0;
        for (at, right) in paper.char_indices().filter(|(_, right)| !" /".contains(*right)) {
            let group = at / (GROUP_CHARS + 3);
            for wrong in characters.iter().filter(|wrong| **wrong != right) {
                let mut other: Vec<char> = paper.chars().collect();
                other[at] = *wrong;
                let refused = typed(&other.iter().collect::<String>()).unwrap_err();
                assert_eq!(refused, PaperError::Groups(vec![group + 1]));
                count += 1;
            }
        }
        println!("wrong characters noticed: {count}");
    }

    #[test]
    fn characters_and_groups_that_are_swapped_are_noticed() {
        let paper = on_paper(TEXT);
        for one in 0..4 {
            for other in one + 1..4 {
                let mut swapped: Vec<char> = paper.chars().collect();
                swapped.swap(one, other);
                assert_eq!(typed(&swapped.iter().collect::<String>()), Err(PaperError::Groups(vec![1])));
            }
        }
        for one in 0..6 {
            for other in one + 1..6 {
                let mut groups: Vec<&str> = paper.split(' ').collect();
                groups.swap(one, other);
                assert_eq!(typed(&groups.join(" ")), Err(PaperError::Groups(vec![one + 1, other + 1])));
            }
        }
    }

    #[test]
    fn a_group_that_is_left_out_is_named() {
        let paper = on_paper(TEXT);
        for missing in 0..6 {
            let mut groups: Vec<&str> = paper.split(' ').collect();
            groups.remove(missing);
            assert_eq!(typed(&groups.join(" ")), Err(PaperError::Missing(missing + 1)));
        }
        let twice = paper.replacen("Xk7m", "Xk7m/Q Xk7m", 1);
        assert!(matches!(typed(&twice), Err(PaperError::Groups(_))));
        // The last one is shorter by a character that counts for nothing.
        let (full, cut) = (on_paper("Xk7m9a#A"), on_paper("Xk7m9a#"));
        assert!(full.ends_with(|check| !cut.ends_with(check)));
    }

    #[test]
    fn what_is_no_group_is_refused_without_being_told() {
        for (text, refused) in [
            ("", PaperError::Length),
            ("/A", PaperError::Form(1)),
            ("Xk7m", PaperError::Form(1)),
            ("Xk7m/", PaperError::Form(1)),
            ("Xk7m/AB", PaperError::Form(1)),
            ("Xk7/A Xk7m/B", PaperError::Form(1)),
            ("Xk7mm/A", PaperError::Form(1)),
            ("Xk7m/A X07m/B", PaperError::Character { group: 2, place: 2 }),
            ("Xk7m/0", PaperError::Character { group: 1, place: 6 }),
            ("Xä7m/A", PaperError::Character { group: 1, place: 2 }),
        ] {
            assert_eq!(typed(text), Err(refused), "{text}");
        }
        let long = vec!["Xk7m/A"; LENGTH_CHARS_MAX / GROUP_CHARS + 1].join(" ");
        assert_eq!(typed(&long), Err(PaperError::Length));
        assert_eq!(typed(&" ".repeat(PAPER_CHARS_MAX + 1)), Err(PaperError::Length));
        let foreign = of_text("Xk7m 9a").with_paper(str::to_owned);
        assert_eq!(foreign, Err(PaperError::Foreign(5)));
        assert_eq!(of_text("").with_paper(str::to_owned), Err(PaperError::Length));
    }
}
