//! Keys, certificates, and what is due, in sentences.

use breakglass_custody::name::Name;
use breakglass_custody::succession::Spent;
use breakglass_ops::keys::certificates::Certificate;
use breakglass_ops::keys::due::{DRILL_DAYS_MAX, Due, KEY_COUNT_WANTED, Why};
use breakglass_ops::keys::journey::{Method, Step};
use breakglass_ops::keys::record::Key;
use breakglass_ops::keys::sealing::Sealed;
use jiff::Timestamp;
use serde::Serialize;

use super::list::AccountKeys;
use crate::commands::custody::key_secrets::called;
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
pub(crate) fn due(due: &Due) -> String {
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
        Due::Replace(sealed, spent) => replace(sealed, *spent),
        Due::Issue(certificate, why) => {
            let why = match why {
                Why::Used => "was used".to_owned(),
                Why::Ended(until) => format!("has ended, {}", day_and_time(*until)),
                Why::Ends(until) => format!("ends {}", day_and_time(*until)),
            };
            format!("the certificate `{certificate}` {why}: issue anew with `breakglass keys certificate issue`")
        }
        Due::Revoke(certificate) => format!(
            "a newer certificate than `{certificate}` was issued: when that is in the tenant, revoke this one there, then `breakglass \
             keys certificate revoked`"
        ),
        Due::Find(sealed, document) => format!(
            "nobody can tell whether others know {}: bring the document `{document}` from where it lies, in which it is sealed and \
             which no depository that answers has, or the state in which its set of shares is",
            called(sealed)
        ),
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

fn replace(sealed: &Sealed, spent: Spent) -> String {
    let why = match spent {
        Spent::Opened => "was opened, or the key of its set of shares was there",
        Spent::Retired => "is sealed to a set of shares that is retired",
    };
    let to_do = match sealed {
        Sealed::Pin(key) => format!(
            "give the key another PIN, then `breakglass keys pin-changed`, and `breakglass custody seal --pin-of {key}` seals that"
        ),
        Sealed::Certificate(_) => {
            "issue anew with `breakglass keys certificate issue`, then revoke this one".to_owned()
        }
    };
    format!("{} {why}: {to_do}", called(sealed))
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
    let good = account.course.certificates().iter().filter(|one| one.revoked_at.is_none());
    lines.extend(good.map(|one| format!("  {}", certificate(one))));
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
    certificates: Vec<CertificateLine>,
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
    pin_sealed_in: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CertificateLine {
    certificate: String,
    until: Timestamp,
    sealed_in: Option<String>,
    used_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
}

/// As JSON.
pub(super) fn json(accounts: &[AccountKeys]) -> String {
    let lines = accounts.iter().map(|account| AccountLine {
        id: account.id.as_deref(),
        name: account.name.as_deref(),
        keys: account.course.keys().map(key_line).collect(),
        certificates: account.course.certificates().iter().map(certificate_line).collect(),
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
        pin_sealed_in: key.pin_sealed_in.last().map(ToString::to_string),
    }
}

fn certificate_line(certificate: &Certificate) -> CertificateLine {
    CertificateLine {
        certificate: certificate.certificate.to_string(),
        until: certificate.until,
        sealed_in: certificate.document.as_ref().map(ToString::to_string),
        used_at: certificate.used_at,
        revoked_at: certificate.revoked_at,
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

/// What happened, and when, if it did.
fn when(what: &str, at: Option<Timestamp>) -> String {
    at.map(|at| format!(", {what} {}", day_and_time(at))).unwrap_or_default()
}

/// Where something lies sealed, if it does.
fn sealed_in(what: &str, document: Option<&Name>) -> String {
    document.map(|document| format!(", {what} sealed in `{document}`")).unwrap_or_default()
}

fn certificate(one: &Certificate) -> String {
    let Certificate { certificate, until, document, used_at, .. } = one;
    format!(
        "certificate {certificate}: until {}{}{}",
        day_and_time(*until),
        sealed_in("private key", document.as_ref()),
        when("used", *used_at)
    )
}

fn key(key: &Key) -> String {
    let noted = &key.noted;
    let model = noted.model.as_deref().map(|model| format!(" ({})", visible(model))).unwrap_or_default();
    let standing = standing(key);
    format!(
        "{}{model}: {standing}, in `{}`, held by `{}`, PIN with `{}`{}{}{}{}",
        noted.key,
        noted.place,
        noted.held_by,
        noted.pin_held_by,
        when("tried", key.drilled_at),
        when("used", key.used_at),
        when("PIN changed", key.pin_changed_at),
        sealed_in("PIN", key.pin_sealed_in.last())
    )
}
