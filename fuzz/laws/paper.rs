//! What passwords on paper promise of any text: what is read is written as it stood, what is written is read again, and a
//! refusal has no group in it.

use breakglass_custody::password::{LENGTH_CHARS_MAX, Language, Password};

/// Checks it for some text, as a password on paper and as a password.
pub(crate) fn hold(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Password::of_paper(text) {
        Ok(password) => {
            let once = text.split_whitespace().collect::<Vec<_>>().join(" ");
            password.with_paper(|paper| assert_eq!(paper, once)).expect("what was read is written");
            password.with_plaintext(|plain| {
                assert!((1..=LENGTH_CHARS_MAX).contains(&plain.len()));
                assert_eq!(plain.len(), once.chars().filter(|letter| *letter != ' ').count() - 2 * groups(&once));
            });
        }
        Err(error) => {
            let message = format!("{error} {error:?}");
            // Words that messages have of their own accord have no stroke in them.
            let told = |group: &&str| group.len() > 4 && group.contains('/') && message.contains(*group);
            assert_eq!(text.split_whitespace().find(told), None, "the message has a group");
        }
    }
    let password = Password::of_text(text.to_owned());
    if let Ok(paper) = password.with_paper(str::to_owned) {
        let again = Password::of_paper(&paper).expect("what was written is read");
        assert!(again.is_same(&password));
        for language in [Language::English, Language::German] {
            let lines = password.with_spelling(language, |spelt| spelt.lines().count()).expect("each has a word");
            assert_eq!(lines, groups(&paper));
        }
    }
}

fn groups(paper: &str) -> usize {
    paper.split(' ').count()
}
