//! What `custody list` asks for accounts whose place others have taken.

use breakglass_custody::document::Document;
use breakglass_ops::key_box::accounts::Replacement;

use crate::render::custody::DocumentLine;

/// Whether an account of the configuration is deleted since another has its place, so that nothing is asked for it any more. One
/// that was made anew by that name, and of which something is sealed that counts, is another account.
pub(super) fn is_replaced(name: &str, all: &[Replacement], documents: &[DocumentLine]) -> bool {
    let is_of =
        |line: &DocumentLine| line.account_id.eq_ignore_ascii_case(name) || line.account.eq_ignore_ascii_case(name);
    let last = all.iter().rev().find(|one| one.is_named(name));
    last.is_some_and(|one| one.is_deleted) && !documents.iter().any(|line| line.is_current && is_of(line))
}

/// Deletions that the tenant was, or was to be, asked for, and that nobody knows to be done.
pub(super) fn unseen_deletions(all: &[Replacement], documents: &[Document]) -> Vec<String> {
    let name_of = |id: &str| {
        let of_it = documents.iter().map(|document| &document.label().account).find(|account| account.id == id);
        of_it.map_or_else(|| id.to_owned(), |account| account.user_principal_name.clone())
    };
    let said = |one: &Replacement| {
        let (old, new) = (one.name.as_ref().unwrap_or(&one.account), name_of(&one.by));
        format!(
            "`breakglass rotate --account {old} --replace-account {new}`: it was begun, and whether {old} is deleted nobody has seen"
        )
    };
    all.iter().filter(|one| !one.is_deleted).map(said).collect()
}

#[cfg(test)]
mod tests {
    use breakglass_custody::document::CredentialKind;
    use jiff::Timestamp;

    use super::*;

    const OLD: (&str, &str) = ("bg1@contoso.com", "00000000-0000-4000-8000-0000000000a1");
    const NEW: &str = "00000000-0000-4000-8000-0000000000a3";

    fn replacement(id: &str, is_deleted: bool) -> Replacement {
        Replacement { account: id.to_owned(), name: Some(OLD.0.to_owned()), by: NEW.to_owned(), is_deleted }
    }

    fn line(account_id: &str, is_current: bool) -> DocumentLine {
        DocumentLine {
            document: "document".to_owned(),
            account: OLD.0.to_owned(),
            account_id: account_id.to_owned(),
            credential: CredentialKind::Password,
            secret_of: None,
            version: 1,
            set: "set".to_owned(),
            reserve: None,
            sealed_on: Timestamp::UNIX_EPOCH,
            stands: String::new(),
            is_current,
            is_opened: false,
            check_out: None,
        }
    }

    #[test]
    fn nothing_is_asked_for_an_account_whose_place_another_has() {
        let anew = "00000000-0000-4000-8000-0000000000b1";
        let (begun, deleted) = (replacement(OLD.1, false), replacement(OLD.1, true));
        let another_begun = replacement(anew, false);
        let (past, of_another) = (line(OLD.1, false), line(anew, true));
        type Case<'c> = (&'c str, &'c [&'c Replacement], &'c [&'c DocumentLine], bool);
        let cases: [Case<'_>; 9] = [
            (OLD.0, &[&deleted], &[&past], true),
            (OLD.1, &[&deleted], &[], true),
            ("BG1@contoso.com", &[&deleted], &[], true),
            ("bg2@contoso.com", &[&deleted], &[], false),
            (OLD.0, &[], &[&past], false),
            (OLD.0, &[&begun], &[&past], false),
            // It was made anew by the same name, and something is sealed of that one.
            (OLD.0, &[&deleted], &[&past, &of_another], false),
            // That one is replaced as well, or is about to be: the last counts.
            (OLD.0, &[&deleted, &another_begun], &[&past], false),
            (OLD.0, &[&another_begun, &deleted], &[&past], true),
        ];
        for (number, (name, all, documents, expected)) in cases.into_iter().enumerate() {
            let all: Vec<Replacement> = all.iter().map(|&one| one.clone()).collect();
            let documents: Vec<DocumentLine> =
                documents.iter().map(|one| line(&one.account_id, one.is_current)).collect();
            assert_eq!(is_replaced(name, &all, &documents), expected, "{number}");
        }
    }

    #[test]
    fn a_deletion_that_nobody_has_seen_is_gone_on_with() {
        let all = [replacement(OLD.1, true), replacement("b1", false)];
        let said = unseen_deletions(&all, &[]);
        let [said] = &said[..] else { panic!("{said:?}") };
        let command = format!("`breakglass rotate --account {} --replace-account {NEW}`", OLD.0);
        assert!(said.starts_with(&command) && said.contains("nobody has seen"), "{said}");
    }
}
