//! Keys, and what is due, in sentences.

use breakglass_ops::keys::journey::{Difference, Method, Step};
use breakglass_ops::keys::record::{Course, DRILL_DAYS_MAX, Due, KEY_COUNT_WANTED, Key};
use jiff::Timestamp;

use crate::render::{counted, day_and_time, visible};

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
pub(super) fn account(id: &str, course: &Course, dues: &[Due], difference: &Difference) -> String {
    let mut lines = vec![format!("account {id}")];
    lines.extend(course.keys().map(|one| format!("  {}", key(one))));
    lines.extend(dues.iter().map(|one| format!("  due: {}", due(one))));
    lines.extend(difference.unknown.iter().map(|method| format!("  unknown: {}", unknown(method))));
    lines.extend(difference.missing.iter().map(|key| {
        format!("  missing: the tenant does not have `{key}` any more: whoever took it out is to say so; `breakglass keys remove`")
    }));
    lines.push(String::new());
    lines.join("\n")
}

fn key(key: &Key) -> String {
    let noted = &key.noted;
    let model = noted.model.as_deref().map(|model| format!(" ({})", visible(model))).unwrap_or_default();
    let standing = match (&noted.method, &key.attempt) {
        _ if key.is_lost => "lost",
        (Some(_), _) => "registered",
        (None, Some(_)) => "perhaps registered",
        (None, None) => "not registered",
    };
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
