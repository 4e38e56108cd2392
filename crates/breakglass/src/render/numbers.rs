//! Numbers in sentences.

/// Words of the first numbers.
const WORDS: [&str; 13] =
    ["none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];

/// With commas between the thousands: `4,105`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Small numbers as words.
pub(crate) fn in_words(number: u64) -> String {
    let word = usize::try_from(number).ok().and_then(|number| WORDS.get(number));
    word.map_or_else(|| grouped(number), |word| (*word).to_owned())
}

/// A number with what is counted, which has an `s` where it is not one.
pub(crate) fn counted(number: u64, what: &str) -> String {
    format!("{} {what}{}", grouped(number), if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written() {
        let written = [0, 7, 999, 1_000, 4_105, 1_234_567].map(grouped);
        assert_eq!(written, ["0", "7", "999", "1,000", "4,105", "1,234,567"]);
        assert_eq!([0, 2, 12, 13].map(in_words), ["none", "two", "twelve", "13"]);
        assert_eq!(
            [0, 1, 1_200].map(|number| counted(number, "sign-in")),
            ["0 sign-ins", "1 sign-in", "1,200 sign-ins"]
        );
    }
}
