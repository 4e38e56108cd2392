//! Change notifications on their way: taken from the queue, posted to whoever subscribed, tried again, given up.
//!
//! **Promise:** a notification leaves the queue when it was accepted, when its subscription is over, or when it was tried
//! for [`RETRY_SECONDS_MAX`]; until then it survives the end of the process. It may arrive twice.
//! **Limits:** [`POST_SECONDS_MAX`], [`VALIDATION_SECONDS_MAX`], [`BATCH_COUNT_MAX`], [`POST_COUNT_MAX`].
//! **Source:** "Receive change notifications through webhooks" (three and ten seconds, four hours); how long is waited
//! between two tries is not documented.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderValue, header};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::timeout;

use crate::call::encoded;
use crate::outgoing::{self, Address, Sending};
use crate::random;
use crate::state::{Change, Object, Shelf, StateError, text};
use crate::tenant::Tenant;

/// Seconds in which an endpoint has to accept a notification.
const POST_SECONDS_MAX: u64 = 3;
/// Seconds in which an endpoint has to show that it is one.
const VALIDATION_SECONDS_MAX: u64 = 10;
/// Seconds for which a notification is tried again: four hours.
const RETRY_SECONDS_MAX: i64 = 4 * 3_600;
/// Seconds after which it is tried again for the first time, twice as many each time from then on.
const BACK_OFF_SECONDS: i64 = 10;
/// Seconds after which it is tried again at most.
const BACK_OFF_SECONDS_MAX: i64 = 600;
/// Notifications that are posted together.
const BATCH_COUNT_MAX: usize = 100;
/// Posts at a time.
const POST_COUNT_MAX: usize = 16;
/// Milliseconds after which the queue is looked at though nothing was added to it.
const LOOK_MS: u64 = 500;

/// Notifications of one subscription, by their numbers in the queue.
struct Batch {
    subscription: Object,
    notices: BTreeMap<String, Object>,
}

/// Whether a subscription is over.
pub(crate) fn is_over(subscription: &Object, now: Timestamp) -> bool {
    let until = text(subscription, "expirationDateTime").and_then(|until| until.parse::<Timestamp>().ok());
    until.is_none_or(|until| until <= now)
}

/// Delivers notifications as long as the tenant is served.
pub(crate) async fn deliver(tenant: Arc<Tenant>) {
    loop {
        let seen = Arc::clone(&tenant);
        let batches = spawn_blocking(move || due(&seen)).await.ok().and_then(Result::ok).unwrap_or_default();
        let is_idle = batches.is_empty();
        let mut posts = JoinSet::new();
        for batch in batches {
            let tenant = Arc::clone(&tenant);
            posts.spawn(async move {
                let is_accepted = post(&tenant, &batch).await;
                // What cannot be written down now is delivered once more.
                drop(spawn_blocking(move || settle(&tenant, &batch, is_accepted)).await);
            });
        }
        posts.join_all().await;
        if is_idle {
            drop(timeout(Duration::from_millis(LOOK_MS), tenant.state.noticed.notified()).await);
        }
    }
}

/// What is to be posted now. What nobody waits for any more is taken out.
fn due(tenant: &Tenant) -> Result<Vec<Batch>, StateError> {
    let now = tenant.clock.now();
    let (mut batches, mut changes) = (BTreeMap::<String, Batch>::new(), Vec::new());
    let directory = tenant.state.read();
    for (name, subscription) in directory.all_shelved(Shelf::Subscriptions) {
        if is_over(subscription, now) {
            changes.push(Change::Unshelve(Shelf::Subscriptions, name.to_owned()));
        }
    }
    for (number, notice) in directory.all_shelved(Shelf::ChangeNotifications) {
        let name = text(notice, "subscriptionId").unwrap_or_default();
        let subscription = directory.shelved(Shelf::Subscriptions, name).filter(|one| !is_over(one, now));
        let Some(subscription) = subscription else {
            changes.push(Change::Unshelve(Shelf::ChangeNotifications, number.to_owned()));
            continue;
        };
        let is_due = instant(notice, "nextDateTime").is_none_or(|next| next <= now);
        let is_full = batches.len() >= POST_COUNT_MAX && !batches.contains_key(name);
        if !is_due || is_full {
            continue;
        }
        let batch = batches.entry(name.to_owned());
        let batch = batch.or_insert_with(|| Batch { subscription: subscription.clone(), notices: BTreeMap::new() });
        if batch.notices.len() < BATCH_COUNT_MAX {
            batch.notices.insert(number.to_owned(), notice.clone());
        }
    }
    drop(directory);
    if !changes.is_empty() {
        tenant.state.write(|_| Ok::<_, StateError>((changes, ())))?;
    }
    Ok(batches.into_values().collect())
}

fn instant(notice: &Object, name: &str) -> Option<Timestamp> {
    text(notice, name)?.parse().ok()
}

/// Posts notifications; whether they were accepted.
async fn post(tenant: &Tenant, batch: &Batch) -> bool {
    let address = text(&batch.subscription, "notificationUrl").and_then(Address::read);
    let (Some(address), Ok(Some(trusted))) = (address, outgoing::trusting(&tenant.folder)) else { return false };
    let value: Vec<Value> = batch.notices.values().map(|one| written(tenant, &batch.subscription, one)).collect();
    let sending = Sending {
        method: "POST",
        headers: vec![(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"))],
        body: json!({ "value": value }).to_string().into_bytes(),
    };
    let sent = timeout(Duration::from_secs(POST_SECONDS_MAX), outgoing::send(&address, trusted, sending)).await;
    sent.is_ok_and(|sent| sent.is_ok_and(|answer| (200..300).contains(&answer.status)))
}

/// A notification as Graph writes it.
fn written(tenant: &Tenant, subscription: &Object, notice: &Object) -> Value {
    let (list, id) = (text(notice, "list").unwrap_or_default(), text(notice, "objectId").unwrap_or_default());
    let (list, kind) = if list == "users" { ("Users", "User") } else { ("Groups", "Group") };
    let place = format!("{list}/{id}");
    let subscribed = text(subscription, "id").unwrap_or_default();
    json!({
        "id": notice.get("id"), "subscriptionId": subscribed, "clientState": subscription.get("clientState"),
        "subscriptionExpirationDateTime": subscription.get("expirationDateTime"),
        "changeType": notice.get("changeType"), "tenantId": tenant.id, "resource": place,
        "resourceData": { "@odata.type": format!("#Microsoft.Graph.{kind}"), "@odata.id": place, "id": id },
    })
}

/// Takes out what was accepted or tried for too long, and says when the rest is tried again.
fn settle(tenant: &Tenant, batch: &Batch, is_accepted: bool) -> Result<(), StateError> {
    let now = tenant.clock.now();
    let settled = |(number, notice): (&String, &Object)| match again(notice, now).filter(|_| !is_accepted) {
        Some(again) => Change::Shelve(Shelf::ChangeNotifications, number.clone(), again),
        None => Change::Unshelve(Shelf::ChangeNotifications, number.clone()),
    };
    tenant.state.write(|directory| {
        // A subscription that is gone has taken its notifications with it.
        let waits = |number: &str| directory.shelved(Shelf::ChangeNotifications, number).is_some();
        let known = batch.notices.iter().filter(|(number, _)| waits(number));
        Ok::<_, StateError>((known.map(settled).collect(), ()))
    })
}

/// A notification that was not accepted, with when it is tried again; `None` if that would be too late.
fn again(notice: &Object, now: Timestamp) -> Option<Object> {
    let first = instant(notice, "firstDateTime").unwrap_or(now);
    let tries = notice.get("tries").and_then(Value::as_i64).unwrap_or(0);
    let wait = (0..tries).try_fold(BACK_OFF_SECONDS, |wait, _| (wait < BACK_OFF_SECONDS_MAX).then_some(wait * 2));
    let wait = wait.unwrap_or(BACK_OFF_SECONDS_MAX).min(BACK_OFF_SECONDS_MAX);
    let next = now.checked_add(SignedDuration::from_secs(wait)).ok()?;
    if next.duration_since(first) > SignedDuration::from_secs(RETRY_SECONDS_MAX) {
        return None;
    }
    let mut notice = notice.clone();
    notice.insert("firstDateTime".to_owned(), json!(first.to_string()));
    notice.insert("nextDateTime".to_owned(), json!(next.to_string()));
    notice.insert("tries".to_owned(), json!(tries + 1));
    Some(notice)
}

/// Why an address is none to which notifications are posted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotValidated {
    #[error("the endpoint was not reached or did not answer in time")]
    Unreached,
    #[error("Notification endpoint must respond with 200 OK to validation request.")]
    Status,
    #[error("Notification endpoint must respond with the validation token, decoded, as text/plain.")]
    Token,
    #[error("the tenant is not served, and asks nobody")]
    NotServed,
}

impl From<io::Error> for NotValidated {
    fn from(_: io::Error) -> Self {
        Self::Unreached
    }
}

/// Lets an endpoint show that it wants notifications: it has to send back what it is sent.
pub(crate) fn validated(tenant: &Tenant, address: &Address) -> Result<(), NotValidated> {
    let runtime = tokio::runtime::Handle::try_current().map_err(|_| NotValidated::NotServed)?;
    let token = format!(
        "Validation: Testing client application reachability for subscription. Request-Id: {}",
        random::uuid().map_err(|_| NotValidated::NotServed)?
    );
    let address = address.clone().with_member(&format!("validationToken={}", encoded(&token)));
    let trusted = outgoing::trusting(&tenant.folder)?.ok_or(NotValidated::NotServed)?;
    let sending = Sending {
        method: "POST",
        headers: vec![(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"))],
        body: Vec::new(),
    };
    let limit = Duration::from_secs(VALIDATION_SECONDS_MAX);
    let answer = runtime.block_on(async { timeout(limit, outgoing::send(&address, trusted, sending)).await });
    let answer = answer.map_err(|_| NotValidated::Unreached)??;
    if answer.status != 200 {
        return Err(NotValidated::Status);
    }
    let kind = answer.content_type.split(';').next().unwrap_or_default().trim();
    let is_same = answer.body == token.as_bytes();
    if is_same && kind.eq_ignore_ascii_case("text/plain") { Ok(()) } else { Err(NotValidated::Token) }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::Value;

    use super::{BACK_OFF_SECONDS_MAX, Object, RETRY_SECONDS_MAX, again, instant, is_over};

    #[test]
    fn tries_are_further_apart_each_time_and_end() {
        let begun: Timestamp = "2026-11-26T09:00:00Z".parse().unwrap();
        let (mut notice, mut now, mut waits) = (Object::new(), begun, Vec::new());
        while let Some(next) = again(&notice, now) {
            let at = instant(&next, "nextDateTime").unwrap();
            waits.push(at.duration_since(now).as_secs());
            (notice, now) = (next, at);
        }
        assert_eq!(waits[..7], [10, 20, 40, 80, 160, 320, 600]);
        assert!(waits[7..].iter().all(|wait| *wait == BACK_OFF_SECONDS_MAX), "{waits:?}");
        let whole = now.duration_since(begun).as_secs();
        assert!(whole <= RETRY_SECONDS_MAX && whole > RETRY_SECONDS_MAX - BACK_OFF_SECONDS_MAX, "{whole}");
        assert_eq!(notice.get("tries").and_then(Value::as_u64), Some(waits.len() as u64));
    }

    #[test]
    fn what_has_no_end_that_is_understood_is_over() {
        let now = "2026-11-26T09:00:00Z".parse().unwrap();
        for (until, expected) in
            [("2026-11-26T09:00:01Z", false), ("2026-11-26T09:00:00Z", true), ("soon", true), ("", true)]
        {
            let subscription = Object::from_iter([("expirationDateTime".to_owned(), until.into())]);
            assert_eq!(is_over(&subscription, now), expected, "{until}");
        }
    }
}
