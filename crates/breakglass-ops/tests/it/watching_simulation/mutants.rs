//! Watchers that are wrong in one way each, which the referee has to notice.

use std::sync::Mutex;

use async_trait::async_trait;
use breakglass_custody::name::Name;
use breakglass_ops::ports::{
    Batch, Channel, Clock, Directory, DirectoryError, EventSource, GraphAnswer, GraphRequest, MovedCursor, SignedIn,
    SourceError, SourcePage, Tried, WatchStore,
};
use breakglass_ops::watching::delivering::{DeliverError, LENT_SECONDS};
use breakglass_ops::watching::polling::{PAGE_COUNT_MAX, PollError, Polled};
use breakglass_ops::watching::sources::graph_sign_ins::LOOK_BACK_HOURS;
use breakglass_ops::watching::taking::{WatchError, Watcher};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::hours;
use super::log::NON_INTERACTIVE;
use super::world::{World, answered, decoded};

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// Where the source goes on is kept before what it told.
    CursorFirst,
    /// It goes on at the last sign-in that was told, and never back.
    Watermark,
    /// What nobody sat at is not asked for.
    InteractiveOnly,
    /// A delivery is over before the provider has taken it.
    DeliveredFirst,
    /// Accounts are known by their names.
    Names,
}

impl Wrong {
    pub(crate) const EACH: [Self; 5] =
        [Self::CursorFirst, Self::Watermark, Self::InteractiveOnly, Self::DeliveredFirst, Self::Names];
}

/// The tenant, as the watcher asks it: as it is, unless that is what is wrong.
pub(crate) struct Asked<'w> {
    pub(crate) world: &'w World,
    pub(crate) wrong: Option<Wrong>,
}

impl Asked<'_> {
    /// The same question by names, and its answer as if it had been by ids.
    async fn by_names(&self, target: &str) -> Result<GraphAnswer, DirectoryError> {
        let accounts = &self.world.log.accounts;
        let by_name = |question: String, account: usize| {
            let (id, name) = (&accounts[account].id, accounts[account].user_principal_name.as_deref().unwrap());
            let name = format!("userPrincipalName eq '{}'", name.replace('\'', "''"));
            question.replace(&format!("userId eq '{id}'"), &name)
        };
        let question = (0..accounts.len()).fold(decoded(target), by_name);
        let mut answer = self.world.send(&GraphRequest::get(question)).await?;
        let Ok(mut page) = serde_json::from_slice::<Value>(&answer.body) else { return Ok(answer) };
        for record in page["value"].as_array_mut().into_iter().flatten() {
            let name = record["userPrincipalName"].as_str();
            if let Some(account) = accounts.iter().find(|account| account.user_principal_name.as_deref() == name) {
                record["userId"] = json!(account.id);
            }
        }
        answer.body = page.to_string().into_bytes();
        Ok(answer)
    }
}

#[async_trait]
impl Directory for Asked<'_> {
    async fn send(&self, request: &GraphRequest<'_>) -> Result<GraphAnswer, DirectoryError> {
        match self.wrong {
            Some(Wrong::InteractiveOnly) if request.target.contains(NON_INTERACTIVE) => {
                Ok(answered(b"{\"value\": []}".to_vec(), self.world.graph_now()))
            }
            Some(Wrong::Names) => self.by_names(&request.target).await,
            _ => self.world.send(request).await,
        }
    }

    fn origin(&self) -> String {
        self.world.origin()
    }

    async fn signed_in(&self) -> Result<SignedIn, DirectoryError> {
        self.world.signed_in().await
    }
}

/// A source that goes on at the last sign-in that it has told.
pub(crate) struct Watermark<'g> {
    source: &'g dyn EventSource,
    last: Mutex<Option<Timestamp>>,
}

impl<'g> Watermark<'g> {
    pub(crate) fn new(source: &'g dyn EventSource) -> Self {
        Self { source, last: Mutex::new(None) }
    }
}

#[async_trait]
impl EventSource for Watermark<'_> {
    fn name(&self) -> &Name {
        self.source.name()
    }

    async fn read(&self, cursor: Option<&Value>, now: Timestamp) -> Result<SourcePage, SourceError> {
        let mut page = self.source.read(cursor, now).await?;
        let mut last = self.last.lock().unwrap();
        *last = (*last).max(page.events.iter().map(|event| event.at).max());
        // A link that has expired leaves everything where it was.
        if let Some(last) = *last
            && !page.has_more
            && page.findings.is_empty()
        {
            let until = last + hours(LOOK_BACK_HOURS);
            page.cursor = json!({ "until": until, "swept": until });
        }
        Ok(page)
    }
}

/// Reads a source to its end, and keeps where it goes on before what it told.
pub(crate) async fn poll_cursor_first(
    source: &dyn EventSource,
    (store, watcher): (&dyn WatchStore, &Watcher<'_>),
    clock: &dyn Clock,
) -> Polled {
    let mut polled = Polled::default();
    for _ in 0..PAGE_COUNT_MAX {
        match page_cursor_first(source, (store, watcher), clock).await {
            Ok(page) => {
                polled.findings.extend(page.findings);
                polled.is_whole = !page.has_more;
            }
            Err(error) => polled.error = Some(error),
        }
        if polled.is_whole || polled.error.is_some() {
            break;
        }
    }
    polled
}

async fn page_cursor_first(
    source: &dyn EventSource,
    (store, watcher): (&dyn WatchStore, &Watcher<'_>),
    clock: &dyn Clock,
) -> Result<SourcePage, PollError> {
    let before = store.cursor(source.name()).map_err(WatchError::from)?;
    let page = source.read(before.as_ref(), clock.now()).await?;
    let cursor = Some(MovedCursor { source: source.name().clone(), before, after: page.cursor.clone() });
    store.keep(&Batch { cursor, ..Batch::default() }).map_err(WatchError::from)?;
    watcher.take(&page.events, None)?;
    Ok(page)
}

/// Tries the delivery that is due first, and says that it was taken before it was; whether there was one.
pub(crate) async fn deliver_delivered_first(
    store: &dyn WatchStore,
    channel: &dyn Channel,
) -> Result<bool, DeliverError> {
    let Some(lent) = store.lend(channel.name(), LENT_SECONDS)? else { return Ok(false) };
    store.tried(&lent, &Tried::Delivered)?;
    let message = serde_json::from_value(lent.delivery.message.clone()).unwrap();
    let _ = channel.deliver(&lent.delivery.key, &message).await;
    Ok(true)
}
