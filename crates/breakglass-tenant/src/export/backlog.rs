//! What a destination has not taken so far: read from the tenant's own log, delivered in batches, and remembered as
//! delivered when the destination has said so.
//!
//! **Promise:** every record that is logged from when a destination was first named is delivered at least once, across
//! restarts and crashes, if it takes it within [`crate::retention::BACKLOG_DAYS_MAX`] days: how far it got is in the
//! database. A record may come twice. The tenant never waits for it.
//! **Limits:** [`BATCH_COUNT_MAX`] records at a time; [`PAUSE_SECONDS_MIN`] to [`PAUSE_SECONDS_MAX`] between attempts.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use super::{DeliveryError, Destination, Exported};
use crate::state::{Change, Directory, Object, Shelf, StateError};
use crate::tenant::Tenant;

/// Records of one batch.
pub const BATCH_COUNT_MAX: usize = 500;
/// Seconds until a delivery is tried again, the first time.
pub const PAUSE_SECONDS_MIN: u64 = 1;
/// The same, after it has failed for long; each pause is twice as long as the one before.
pub const PAUSE_SECONDS_MAX: u64 = 60;

/// The member that has the number of the last record that was delivered.
const POSITION: &str = "position";

/// What whoever serves the tenant has to know. Each is told once.
#[derive(Debug)]
pub enum Told<'a> {
    /// Records are not taken any more; they are kept.
    Down(&'a BacklogError),
    /// They are again.
    Up,
}

/// The backlog cannot be worked off now.
#[derive(Debug, thiserror::Error)]
pub enum BacklogError {
    /// The destination does not take records.
    #[error("records of the logs are not taken where they are exported to")]
    Delivery(#[from] DeliveryError),
    /// The tenant's own state cannot be used.
    #[error("records of the logs cannot be read to be exported")]
    State(#[from] StateError),
    /// The server is being stopped.
    #[error("the export was stopped")]
    Stopped,
}

/// What a destination has not taken so far.
#[derive(Debug)]
pub struct Backlog {
    tenant: Arc<Tenant>,
    name: &'static str,
    destination: Arc<dyn Destination>,
}

impl Backlog {
    /// The backlog of the destination of a name: from where it got to, or from now on if it is named for the first time.
    ///
    /// # Errors
    /// When the state of the tenant cannot be used.
    pub fn open(
        tenant: Arc<Tenant>,
        name: &'static str,
        destination: Arc<dyn Destination>,
    ) -> Result<Self, StateError> {
        let newest = tenant.state.newest_number()?;
        tenant.state.write(|directory| -> Result<_, StateError> {
            let is_new = directory.shelved(Shelf::Exports, name).is_none();
            Ok((is_new.then(|| at(name, newest)).into_iter().collect(), ()))
        })?;
        Ok(Self { tenant, name, destination })
    }

    /// Delivers whatever is logged, until it is dropped.
    pub async fn run(self, tell: impl Fn(Told<'_>)) -> std::convert::Infallible {
        let this = Arc::new(self);
        let (mut is_down, mut pause) = (false, PAUSE_SECONDS_MIN);
        loop {
            let step = tokio::task::spawn_blocking({
                let this = Arc::clone(&this);
                move || this.step()
            });
            match step.await.unwrap_or(Err(BacklogError::Stopped)) {
                Ok(count) => {
                    if is_down {
                        (is_down, pause) = (false, PAUSE_SECONDS_MIN);
                        tell(Told::Up);
                    }
                    if count == 0 {
                        this.tenant.state.logged().await;
                    }
                }
                Err(error) => {
                    if !is_down {
                        is_down = true;
                        tell(Told::Down(&error));
                    }
                    sleep(Duration::from_secs(pause)).await;
                    pause = (pause * 2).min(PAUSE_SECONDS_MAX);
                }
            }
        }
    }

    /// Delivers one batch; how many records it had.
    ///
    /// # Errors
    /// When it is not taken, or cannot be read or remembered.
    pub fn step(&self) -> Result<usize, BacklogError> {
        let position = self.position(&self.tenant.state.read());
        let records = self.tenant.state.records_after(position, BATCH_COUNT_MAX)?;
        let Some(last) = records.last().map(|(number, ..)| *number) else { return Ok(0) };
        let id = self.tenant.id();
        let exported: Vec<Exported> =
            records.iter().filter_map(|(_, log, record)| Exported::of(id, *log, record)).collect();
        self.destination.deliver(&exported)?;
        self.tenant.state.write(|_| -> Result<_, StateError> { Ok((vec![at(self.name, last)], ())) })?;
        Ok(records.len())
    }

    fn position(&self, directory: &Directory) -> i64 {
        let kept = directory.shelved(Shelf::Exports, self.name);
        kept.and_then(|kept| kept.get(POSITION)?.as_i64()).unwrap_or(0)
    }
}

/// The number from which on records have to stay, as there is a destination that has not taken them; `None` if no
/// destination was ever named.
pub(crate) fn first_not_delivered(directory: &Directory) -> Option<i64> {
    let positions = directory.all_shelved(Shelf::Exports).map(|(_, kept)| kept.get(POSITION)?.as_i64());
    positions.map(|position| position.unwrap_or(0).saturating_add(1)).min()
}

fn at(name: &str, position: i64) -> Change {
    let kept: Object = [(POSITION.to_owned(), json!(position))].into_iter().collect();
    Change::Shelve(Shelf::Exports, name.to_owned(), kept)
}
