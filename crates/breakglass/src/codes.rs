//! Every code that `explain` knows: those of the rules, and those of errors.
//!
//! An error's codes stand beside the error, in a `CODES`, and each such list is one line in [`LISTS`].
//! **Invariant:** a code is used once and never again, not even after what it stood for is gone.

use breakglass_engine::posture::Rule;
use breakglass_engine::posture::rules::RULES;

use crate::{accounts_from, commands, config, live, output, proposal, snapshot_codes, subject};

/// A code of an error.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ErrorCode {
    /// `BG####`.
    pub(crate) code: &'static str,
    /// What is wrong, without the particulars.
    pub(crate) title: &'static str,
    /// What it means and what to do: Markdown.
    pub(crate) explanation: &'static str,
}

/// Every list of error codes.
const LISTS: &[&[ErrorCode]] = &[
    snapshot_codes::CODES,
    subject::CODES,
    config::CODES,
    accounts_from::CODES,
    output::CODES,
    commands::CODES,
    commands::what_if::CODES,
    proposal::CODES,
    commands::lockout::CODES,
    live::CODES,
    commands::sign_out::CODES,
    commands::plan::CODES,
    commands::apply::CODES,
    commands::passwords::CODES,
    commands::state::CODES,
    commands::init::CODES,
    commands::ledger::CODES,
    commands::keys::CODES,
    commands::keys::CERTIFICATE_CODES,
    commands::custody::desk::CODES,
    commands::custody::shares::CODES,
    commands::custody::CODES,
    commands::rotate::CODES,
    commands::checkout::CODES,
    commands::drill::CODES,
    commands::watch::CODES,
    commands::incident::CODES,
    commands::alert::CODES,
    commands::tenant::CODES,
];

/// What a code stands for.
pub(crate) enum Entry {
    /// A rule.
    Rule(&'static dyn Rule),
    /// An error.
    Error(ErrorCode),
}

impl Entry {
    /// The code itself.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Rule(rule) => rule.code(),
            Self::Error(error) => error.code,
        }
    }

    /// What it is about.
    pub(crate) fn title(&self) -> &'static str {
        match self {
            Self::Rule(rule) => rule.title(),
            Self::Error(error) => error.title,
        }
    }
}

/// Everything that has a code, rules first.
pub(crate) fn all() -> Vec<Entry> {
    let rules = RULES.iter().map(|rule| Entry::Rule(*rule));
    let errors = LISTS.iter().flat_map(|list| list.iter()).map(|error| Entry::Error(*error));
    rules.chain(errors).collect()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn codes_are_distinct_and_in_order() {
        let codes: Vec<&str> = all().iter().map(Entry::code).collect();
        assert!(codes.is_sorted_by(|a, b| a < b), "{codes:?}");
    }

    #[test]
    fn codes_are_bg_and_four_digits_in_their_range() {
        for entry in all() {
            let digits = entry.code().strip_prefix("BG").unwrap();
            assert_eq!(digits.len(), 4, "{digits}");
            let number: u16 = digits.parse().unwrap();
            // Of errors the first digit is the place: 1 what is read, 2 a live tenant, 4 duties, 5 the embedded tenant.
            let is_rule = matches!(entry, Entry::Rule(_));
            let ranges = if is_rule { vec![101..=799] } else { vec![1000..=2999, 4000..=5999] };
            assert!(ranges.iter().any(|range| range.contains(&number)), "{digits}");
        }
    }

    #[test]
    fn no_explanation_sends_anybody_to_a_command_that_is_not_there() {
        let cli = crate::Cli::command();
        let names: Vec<&str> = cli.get_subcommands().map(clap::Command::get_name).collect();
        let mut count = 0;
        for entry in all() {
            let explanation = match &entry {
                Entry::Rule(rule) => rule.explanation(),
                Entry::Error(error) => error.explanation,
            };
            for command in explanation.split("`breakglass ").skip(1) {
                let name = command.split([' ', '`']).next().unwrap();
                assert!(names.contains(&name), "{}: `breakglass {name}`", entry.code());
                count += 1;
            }
        }
        assert!(count > 0, "some explanation names a command");
    }

    #[test]
    fn everything_is_explained() {
        for entry in all() {
            let explanation = match &entry {
                Entry::Rule(rule) => rule.explanation(),
                Entry::Error(error) => error.explanation,
            };
            assert!(explanation.split_whitespace().count() > 8, "{}", entry.code());
            assert!(!entry.title().is_empty());
        }
    }
}
