//! Records of the logs that are past their retention are deleted, a part at a time.
//!
//! **Promise:** what is shown is never deleted, and neither is, for [`BACKLOG_DAYS_MAX`], what an export has not taken. A clock that a fault moves
//! destroys nothing by being moved: a record is old when it is past its retention by the clock of the machine *and* by the
//! moved one. So what was logged while the clock was moved back is deleted soon after it stands right again, as Entra would
//! not show it either.
//! **Limits:** [`PART_COUNT_MAX`] records in one transaction; [`PAUSE_SECONDS`] between passes that found nothing more.
//! **Source:** "Microsoft Entra data retention": by licence; what a tenant loses with its licence does not come back.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::clock::written;
use crate::export::backlog;
use crate::graph::audit::retention_days;
use crate::state::{Log, StateError};
use crate::tenant::Tenant;

/// Records of one log that are deleted in one transaction.
pub const PART_COUNT_MAX: usize = 2_000;
/// Days for which a record is kept that an export has not taken; one that is switched off takes nothing.
pub const BACKLOG_DAYS_MAX: i64 = 90;
/// Seconds until the logs are looked at again.
pub const PAUSE_SECONDS: u64 = 60;
/// Milliseconds for which others get at the database between two parts.
const PART_PAUSE_MS: u64 = 50;
const HOURS_OF_DAY: i64 = 24;

/// Deletes old records as long as the tenant is served.
pub(crate) async fn run(tenant: Arc<Tenant>) -> Infallible {
    loop {
        let seen = Arc::clone(&tenant);
        // What cannot be deleted now is old in a minute as well.
        let count = spawn_blocking(move || pass(&seen)).await.ok().and_then(Result::ok).unwrap_or(0);
        let pause = if count == 0 { Duration::from_secs(PAUSE_SECONDS) } else { Duration::from_millis(PART_PAUSE_MS) };
        sleep(pause).await;
    }
}

/// Deletes a part of what is past its retention; how many records it had, 0 if nothing is left.
///
/// # Errors
/// When the database of the tenant cannot be used.
pub fn pass(tenant: &Tenant) -> Result<usize, StateError> {
    let (days, kept) = {
        let directory = tenant.state.read();
        (retention_days(&directory), backlog::first_not_delivered(&directory))
    };
    let now = tenant.clock.earlier();
    let days_ago = |days| written(now.checked_sub(SignedDuration::from_hours(HOURS_OF_DAY * days)).unwrap_or(now));
    let bounds = [(days_ago(days), kept), (days_ago(BACKLOG_DAYS_MAX.max(days)), None)];
    let mut count = 0;
    for log in [Log::SignIns, Log::DirectoryAudits, Log::Outbox] {
        for (before, kept) in &bounds {
            count += tenant.state.forget_records((log, before), *kept, PART_COUNT_MAX)?;
        }
    }
    Ok(count)
}
