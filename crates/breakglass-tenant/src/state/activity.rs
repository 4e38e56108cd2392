//! When users signed in last, as `signInActivity` has it: kept with the records of sign-ins, in the same transaction, and
//! longer than those.
//!
//! **Source:** "signInActivity resource type": the last interactive sign-in, whatever came of it; the last of a client in the
//! name of the user; the last that succeeded.

use serde_json::{Value, json};

use super::{Change, Directory, Log, Object, Shelf, text};

/// The id that records have of somebody who is not known.
const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

/// The user whom a record of a log is about, if it is a sign-in.
pub(super) fn user_of(log: Log, record: &Object) -> Option<&str> {
    text(record, "userId").filter(|id| log == Log::SignIns && !id.is_empty() && *id != NOBODY)
}

/// What is known of a user after a sign-in. In whatever order two sign-ins come, the result is the same.
pub(super) fn after(known: Option<&Object>, user: &str, record: &Object) -> Object {
    let mut activity = known.cloned().unwrap_or_default();
    activity.insert("id".to_owned(), json!(user));
    let Some(at) = text(record, "createdDateTime") else { return activity };
    let is_good = record.get("status").and_then(|status| status.get("errorCode")?.as_i64()) == Some(0);
    let is_interactive = record.get("isInteractive").and_then(Value::as_bool) != Some(false);
    let kinds = [(is_interactive, "last"), (!is_interactive, "lastNonInteractive"), (is_good, "lastSuccessful")];
    for (_, kind) in kinds.into_iter().filter(|(is_one, _)| *is_one) {
        let (time, id) = (format!("{kind}SignInDateTime"), format!("{kind}SignInRequestId"));
        // Instants are written in one way, so that they are in order as texts.
        if text(&activity, &time).is_none_or(|known| known <= at) {
            activity.insert(time, json!(at));
            activity.insert(id, json!(text(record, "id")));
        }
    }
    activity
}

impl Directory {
    /// When a user signed in last; `None` if that was never seen.
    pub(crate) fn sign_in_activity(&self, user: &str) -> Option<Object> {
        let mut activity = self.shelved(Shelf::SignInActivity, user)?.clone();
        activity.remove("id");
        Some(activity)
    }

    /// Takes note of a sign-in that is in the database.
    pub(super) fn note_sign_in(&mut self, user: &str, record: &Object) {
        let activity = after(self.shelved(Shelf::SignInActivity, user), user, record);
        self.apply(Change::shelve(Shelf::SignInActivity, activity));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Object, after};

    fn object(value: Value) -> Object {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn the_order_of_sign_ins_does_not_matter() {
        let record = |id: &str, at: &str, code: u32, is_interactive: bool| {
            object(
                json!({ "id": id, "createdDateTime": at, "status": { "errorCode": code }, "isInteractive": is_interactive }),
            )
        };
        let records = [
            record("a", "2026-11-26T09:00:00Z", 0, true),
            record("b", "2026-11-26T10:00:00Z", 50_126, true),
            record("c", "2026-11-26T08:00:00Z", 0, false),
        ];
        let there = records.iter().fold(None, |known, record| Some(after(known.as_ref(), "u", record)));
        let back = records.iter().rev().fold(None, |known, record| Some(after(known.as_ref(), "u", record)));
        assert_eq!(there, back);
        let expected = json!({
            "id": "u", "lastSignInDateTime": "2026-11-26T10:00:00Z", "lastSignInRequestId": "b",
            "lastNonInteractiveSignInDateTime": "2026-11-26T08:00:00Z", "lastNonInteractiveSignInRequestId": "c",
            "lastSuccessfulSignInDateTime": "2026-11-26T09:00:00Z", "lastSuccessfulSignInRequestId": "a",
        });
        assert_eq!(there, Some(object(expected)));
    }
}
