//! A source, read to its present end, and taken in page by page.
//!
//! **Invariant:** a page is kept together with where its source goes on; whoever is stopped between two pages goes on with the
//! next. A source that fails keeps no other from being read.
//! **Limits:** [`PAGE_COUNT_MAX`].

use super::taking::{Taken, WatchError, Watcher};
use crate::ports::{Clock, EventSource, MovedCursor, SourceError, SourcePage, WatchStore};

/// Pages that are read at once; the rest is read the next time.
pub const PAGE_COUNT_MAX: usize = 100;

/// Why a source was not read to its end.
#[derive(Debug, thiserror::Error)]
pub enum PollError {
    /// It does not answer, or not so that it is understood.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// What it told cannot be kept.
    #[error(transparent)]
    Kept(#[from] WatchError),
}

/// What came of reading a source.
#[derive(Debug, Default)]
pub struct Polled {
    /// What was taken in, of all pages together.
    pub taken: Taken,
    /// What could not be read, for people; each once.
    pub findings: Vec<String>,
    /// Whether it was read to its end, and all of it understood.
    pub is_whole: bool,
    /// Why it was not.
    pub error: Option<PollError>,
}

/// Reads a source until there is no more, and takes in what it tells.
pub async fn poll(
    source: &dyn EventSource,
    (store, watcher): (&dyn WatchStore, &Watcher<'_>),
    clock: &dyn Clock,
) -> Polled {
    let mut polled = Polled::default();
    for _ in 0..PAGE_COUNT_MAX {
        match page(source, (store, watcher), clock, &mut polled).await {
            Ok(true) => {}
            Ok(false) => {
                polled.is_whole = polled.findings.is_empty();
                break;
            }
            Err(error) => {
                polled.error = Some(error);
                break;
            }
        }
    }
    polled
}

/// Takes one page in; whether there is more.
async fn page(
    source: &dyn EventSource,
    (store, watcher): (&dyn WatchStore, &Watcher<'_>),
    clock: &dyn Clock,
    polled: &mut Polled,
) -> Result<bool, PollError> {
    let before = store.cursor(source.name()).map_err(WatchError::from)?;
    let SourcePage { events, cursor, has_more, findings } = source.read(before.as_ref(), clock.now()).await?;
    for finding in findings {
        if !polled.findings.contains(&finding) {
            polled.findings.push(finding);
        }
    }
    let moved = (before.as_ref() != Some(&cursor)).then(|| MovedCursor {
        source: source.name().clone(),
        before,
        after: cursor,
    });
    let Taken { new_count, raised_count, enriched_count, alert_count, damaged } = watcher.take(&events, moved)?;
    let all = &mut polled.taken;
    all.new_count += new_count;
    all.raised_count += raised_count;
    all.enriched_count += enriched_count;
    all.alert_count += alert_count;
    all.damaged = damaged;
    Ok(has_more)
}
