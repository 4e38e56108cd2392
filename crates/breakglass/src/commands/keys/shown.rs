//! Keys, and what is due, in sentences.

use breakglass_ops::keys::journey::{Method, Step};
use breakglass_ops::keys::record::{DRILL_DAYS_MAX, Due, KEY_COUNT_WANTED, Key};
use jiff::Timestamp;
use serde::Serialize;

use super::list::AccountKeys;
use crate::render::{counted, day_and_time, visible};

/// Name and version of the form in JSON.
const FORMAT: &str = "breakglass-keys/1";

/// What is being done, for whoever waits.
pub(super) fn step(step: Step) -> &'static str {
    match step {
        Step::Look => "Looking at what is written down and what the tenant has…",
        Step::Touch => "Touch the security key when it blinks.",
        Step::Send => "Sending…",
        Step::Confirm => "No answer came; looking whether the tenant has it…",
    }
}

/// What is to be done.
pub(super) fn due(due: &Due) -> String {
    match due {
        Due::FewKeys(count) => {
            format!(
                "{} to sign in with, and an account needs {KEY_COUNT_WANTED}: register another",
                counted(*count, "key")
            )
        }
        Due::Decide(key) => format!(
            "it is not known whether the tenant has `{key}`: `breakglass keys register` with it once more finds out"
        ),
        Due::Remove(key) => format!("`{key}` is lost: take it out with `breakglass keys remove`, today"),
        Due::Pin(key) => format!("`{key}` was used: give it another PIN, then `breakglass keys pin-changed`"),
        Due::Drill(key, None) => {
            format!("nobody has signed in with `{key}` yet: do so, then `breakglass keys drilled`")
        }
        Due::Drill(key, Some(last)) => format!(
            "sign in with `{key}`, then `breakglass keys drilled`: the last time was {}, and its PIN was changed since or \
             that is more than {DRILL_DAYS_MAX} days ago",
            day_and_time(*last)
        ),
        Due::OnePerson(key, person) => {
            format!("`{person}` can take `{key}` and has its PIN: give one of them to somebody else")
        }
        Due::OnePlace(place) => format!("every key lies in `{place}`: bring one elsewhere"),
        Due::Register(key) => format!("`{key}` is not registered: `breakglass keys register`"),
    }
}

/// A passkey of the tenant that is not written down.
pub(super) fn unknown(method: &Method) -> String {
    let word = |what: &str, text: &Option<String>| {
        text.as_deref()
            .filter(|text| !text.is_empty())
            .map(|text| format!(", {what} `{}`", visible(text)))
            .unwrap_or_default()
    };
    format!(
        "the tenant has a passkey that is not written down: `{}`{}{}{}; find out whose it is, and note it or delete it in the \
         Entra admin center",
        visible(&method.id),
        word("named", &method.display_name),
        word("model", &method.model),
        word("from", &method.created_date_time)
    )
}

/// Everything about one account.
pub(super) fn account(account: &AccountKeys) -> String {
    let mut lines = vec![match (&account.name, &account.id) {
        (Some(name), Some(id)) => format!("account {} ({id})", visible(name)),
        (Some(only), None) | (None, Some(only)) => format!("account {}", visible(only)),
        (None, None) => "account".to_owned(),
    }];
    lines.extend(account.course.keys().map(|one| format!("  {}", key(one))));
    lines.extend(said(account).into_iter().map(|(kind, text)| format!("  {kind}: {text}")));
    lines.push(String::new());
    lines.join("\n")
}

/// What is to be done for an account, each with its kind.
fn said(account: &AccountKeys) -> Vec<(&'static str, String)> {
    let unmatched = account.is_unmatched.then(|| {
        "which id it has is not known, so the keys of another id below may be its own: declare it by its id, or `breakglass \
         keys list --live` asks the tenant"
            .to_owned()
    });
    let dues = unmatched.into_iter().chain(account.due.iter().map(due)).map(|text| ("due", text));
    let unknowns = account.difference.unknown.iter().map(|method| ("unknown", unknown(method)));
    let missing = account.difference.missing.iter().map(|key| {
        let text = format!(
            "the tenant does not have `{key}` any more: whoever took it out is to say so; `breakglass keys remove`"
        );
        ("missing", text)
    });
    dues.chain(unknowns).chain(missing).collect()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'l> {
    format: &'static str,
    accounts: Vec<AccountLine<'l>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AccountLine<'l> {
    id: Option<&'l str>,
    name: Option<&'l str>,
    keys: Vec<KeyLine<'l>>,
    to_do: Vec<ToDo>,
}

#[derive(Serialize)]
struct ToDo {
    kind: &'static str,
    text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KeyLine<'l> {
    key: String,
    model: Option<&'l str>,
    standing: &'static str,
    place: String,
    held_by: String,
    pin_held_by: String,
    method: Option<&'l str>,
    drilled_at: Option<Timestamp>,
    used_at: Option<Timestamp>,
    pin_changed_at: Option<Timestamp>,
}

/// As JSON.
pub(super) fn json(accounts: &[AccountKeys]) -> String {
    let lines = accounts.iter().map(|account| AccountLine {
        id: account.id.as_deref(),
        name: account.name.as_deref(),
        keys: account.course.keys().map(key_line).collect(),
        to_do: said(account).into_iter().map(|(kind, text)| ToDo { kind, text }).collect(),
    });
    let document = Document { format: FORMAT, accounts: lines.collect() };
    serde_json::to_string_pretty(&document).map(|text| text + "\n").unwrap_or_default()
}

fn key_line(key: &Key) -> KeyLine<'_> {
    let noted = &key.noted;
    KeyLine {
        key: noted.key.to_string(),
        model: noted.model.as_deref(),
        standing: standing(key),
        place: noted.place.to_string(),
        held_by: noted.held_by.to_string(),
        pin_held_by: noted.pin_held_by.to_string(),
        method: noted.method.as_deref(),
        drilled_at: key.drilled_at,
        used_at: key.used_at,
        pin_changed_at: key.pin_changed_at,
    }
}

const fn standing(key: &Key) -> &'static str {
    match (&key.noted.method, &key.attempt) {
        _ if key.is_lost => "lost",
        (Some(_), _) => "registered",
        (None, Some(_)) => "perhaps registered",
        (None, None) => "not registered",
    }
}

fn key(key: &Key) -> String {
    let noted = &key.noted;
    let model = noted.model.as_deref().map(|model| format!(" ({})", visible(model))).unwrap_or_default();
    let standing = standing(key);
    let when =
        |what: &str, at: Option<Timestamp>| at.map(|at| format!(", {what} {}", day_and_time(at))).unwrap_or_default();
    format!(
        "{}{model}: {standing}, in `{}`, held by `{}`, PIN with `{}`{}{}{}",
        noted.key,
        noted.place,
        noted.held_by,
        noted.pin_held_by,
        when("tried", key.drilled_at),
        when("used", key.used_at),
        when("PIN changed", key.pin_changed_at)
    )
}
