//! The watcher at work: a thread that reads the log, one that looks what is due, and one for each channel.
//!
//! None of them waits for another, and none ends before it is told to: what fails is said once, and tried again. Whoever stops
//! one anywhere loses nothing, since what was taken in is kept whole.
//! **Limits:** [`POLL_SECONDS`], [`LOOK_UP_SECONDS`], [`GRACE_SECONDS`].

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use breakglass_adapters::clock::SystemClock;
use breakglass_adapters::graph::GraphClient;
use breakglass_adapters::random::SystemRandom;
use breakglass_adapters::sqlite_store::SqliteStore;
use breakglass_custody::name::Name;
use breakglass_ops::ports::{Channel, Clock as _, Tried};
use breakglass_ops::watching::accounts::{Looked, look_up};
use breakglass_ops::watching::delivering::{Delivered, deliver_next};
use breakglass_ops::watching::polling::{Polled, poll};
use breakglass_ops::watching::sources::graph_sign_ins::GraphSignIns;
use breakglass_ops::watching::taking::{Damaged, Watcher};
use jiff::{SignedDuration, Timestamp};
use tokio::runtime::Runtime;
use tokio::sync::{Notify, watch};

use super::timeline::Timeline;
use crate::commands::custody::desk::enter;
use crate::wiring::World;

/// Seconds between two readings of the log: three questions each, of five that Graph allows in that time.
const POLL_SECONDS: u64 = 10;

/// Seconds between two looks at what is due.
const TICK_SECONDS: u64 = 2;

/// Seconds after which the accounts are looked up again.
const LOOK_UP_SECONDS: i64 = 3_600;

/// Seconds after which a channel looks whether something is due that nobody has told it of: another try, another watcher's.
const CHANNEL_SECONDS: u64 = 1;

/// Seconds after which a channel goes on that could not use the state.
const AFTER_FAILURE_SECONDS: u64 = 5;

/// Seconds that a delivery under way is given when the watcher is stopped.
const GRACE_SECONDS: u64 = 5;

/// Findings that are remembered, so that each is said once.
const FINDING_COUNT_MAX: usize = 1_000;

/// Tries of one delivery between two lines about it.
const TRIES_BETWEEN_LINES: u32 = 20;

/// The watcher.
pub(super) struct Running<'r> {
    pub(super) world: &'r World,
    pub(super) store: &'r SqliteStore,
    pub(super) directory: &'r GraphClient,
    pub(super) watcher: Watcher<'r>,
    pub(super) source: Name,
    pub(super) declared: (Vec<String>, Vec<String>),
    pub(super) channels: &'r [Box<dyn Channel>],
    pub(super) timeline: Timeline<'r>,
    pub(super) said: Mutex<BTreeSet<String>>,
    pub(super) is_due: Notify,
}

/// What came of one pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pass {
    /// Whether the log was read to its end.
    pub(super) is_whole: bool,
    /// Deliveries that were not taken.
    pub(super) untaken_count: usize,
}

impl Running<'_> {
    /// Watches until it is stopped.
    pub(super) fn until_stopped(&self, looked: Looked, runtime: &Runtime) {
        let (stopper, stop) = watch::channel(false);
        std::thread::scope(|scope| {
            for channel in self.channels {
                let stop = stop.clone();
                scope.spawn(move || runtime.block_on(self.deliver_on(channel.as_ref(), stop)));
            }
            let of_tick = stop.clone();
            scope.spawn(move || runtime.block_on(self.tick_on(of_tick)));
            scope.spawn(move || runtime.block_on(self.poll_on(looked, stop)));
            runtime.block_on(interrupted());
            stopper.send_replace(true);
        });
        self.timeline.show(self.store, self.world);
    }

    /// Reads the log once, and tries everything that is due once.
    pub(super) async fn once(&self, looked: &Looked) -> Pass {
        let mut is_whole = self.poll_once(looked).await;
        if let Err(error) = self.watcher.tick() {
            self.finding(&error.to_string());
            is_whole = false;
        }
        let mut untaken_count = 0;
        for channel in self.channels {
            let mut keys = BTreeSet::new();
            while let Some(delivered) = self.deliver_once(channel.as_ref()).await {
                let Some(Delivered { key, tried, .. }) = delivered else {
                    untaken_count += 1;
                    break;
                };
                // What is due a second time is left for later.
                if !keys.insert(key) {
                    break;
                }
                untaken_count += usize::from(tried != Tried::Delivered);
            }
        }
        self.timeline.show(self.store, self.world);
        enter(self.store, self.world);
        Pass { is_whole, untaken_count }
    }

    async fn poll_on(&self, mut looked: Looked, mut stop: watch::Receiver<bool>) {
        let mut looked_at = SystemClock.now();
        while !*stop.borrow() {
            let work = async {
                if is_over(looked_at, SystemClock.now()) {
                    let (accounts, groups) = &self.declared;
                    match look_up(self.directory, (accounts, groups), &looked.accounts).await {
                        Ok(now) => {
                            looked = now;
                            self.findings(&looked.findings);
                        }
                        Err(error) => self.finding(&format!("the accounts cannot be looked up: {error}")),
                    }
                    looked_at = SystemClock.now();
                }
                self.poll_once(&looked).await;
                tokio::time::sleep(Duration::from_secs(POLL_SECONDS)).await;
            };
            tokio::select! {
                () = work => {}
                _ = stop.changed() => return,
            }
        }
    }

    /// Reads what is new; whether it was read to its end.
    async fn poll_once(&self, looked: &Looked) -> bool {
        let source = GraphSignIns::new(self.source.clone(), self.directory, looked.accounts.clone());
        let Polled { taken, findings, is_whole, error } =
            poll(&source, (self.store, &self.watcher), &SystemClock).await;
        self.findings(&findings);
        self.damaged(&taken.damaged);
        if taken.alert_count > 0 {
            self.is_due.notify_waiters();
        }
        match error {
            Some(error) => self.trouble(&error.to_string()),
            None => self.trouble_is_over(),
        }
        is_whole
    }

    /// Says that the log cannot be read, once as long as it is for the same reason.
    fn trouble(&self, why: &str) {
        self.finding(&format!(
            "{TROUBLE}{why}; it is tried again every {POLL_SECONDS} seconds, and nothing is left out"
        ));
    }

    fn trouble_is_over(&self) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let before = said.len();
        said.retain(|finding| !finding.starts_with(TROUBLE));
        if said.len() < before {
            self.world.note("the sign-in log is read again");
        }
    }

    async fn tick_on(&self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            match self.watcher.tick() {
                Ok(taken) if taken.alert_count > 0 => self.is_due.notify_waiters(),
                Ok(_) => {}
                Err(error) => self.finding(&format!("what is due cannot be looked up: {error}")),
            }
            if self.timeline.show(self.store, self.world) {
                enter(self.store, self.world);
            }
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(TICK_SECONDS)) => {}
                _ = stop.changed() => return,
            }
        }
    }

    async fn deliver_on(&self, channel: &dyn Channel, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            // Whoever is told while nobody waits is not told: hence it is waited for before one looks.
            let due = self.is_due.notified();
            let delivered = {
                let mut stopped = stop.clone();
                let grace = async {
                    if stopped.changed().await.is_ok() {
                        tokio::time::sleep(Duration::from_secs(GRACE_SECONDS)).await;
                    }
                };
                tokio::select! {
                    delivered = self.deliver_once(channel) => delivered,
                    () = grace => return,
                }
            };
            let wait = match delivered {
                Some(Some(_)) => continue,
                Some(None) => AFTER_FAILURE_SECONDS,
                None => CHANNEL_SECONDS,
            };
            tokio::select! {
                () = due => {}
                () = tokio::time::sleep(Duration::from_secs(wait)) => {}
                _ = stop.changed() => return,
            }
        }
    }

    /// Tries what is due first; `None` if nothing is, `Some(None)` if nobody knows.
    async fn deliver_once(&self, channel: &dyn Channel) -> Option<Option<Delivered>> {
        match deliver_next(self.store, channel, &SystemRandom).await {
            Ok(None) => None,
            Ok(Some(delivered)) => {
                self.tell(&delivered);
                Some(Some(delivered))
            }
            Err(error) => {
                self.finding(&format!("`{}`: {error}", channel.name()));
                Some(None)
            }
        }
    }

    fn tell(&self, delivered: &Delivered) {
        let Delivered { key, attempt, tried, is_refused } = delivered;
        let number = key.incident.rsplit('/').next().unwrap_or_default();
        let (recipient, channel, alert) = (&key.recipient, &key.channel, key.alert);
        let said = match tried {
            Tried::Delivered => format!("{recipient} is told by {channel} (alert {alert})"),
            Tried::Expired { why } => format!("{recipient} was NOT told by {channel}, and it is given up: {why}"),
            Tried::Again { .. } if *attempt > 1 && attempt % TRIES_BETWEEN_LINES != 0 => return,
            Tried::Again { why, .. } if *is_refused => {
                format!("{recipient} is NOT told by {channel}, and somebody has to mend it: {why}")
            }
            Tried::Again { why, .. } => format!("{recipient} is not told by {channel} yet: {why}"),
        };
        // What it is about comes first.
        self.timeline.show(self.store, self.world);
        self.timeline.line(number, &said, self.world);
    }

    fn damaged(&self, damaged: &[Damaged]) {
        for Damaged { stream, why } in damaged {
            self.finding(&format!("what is remembered of `{stream}` cannot be used, and is left alone: {why}"));
        }
    }

    pub(super) fn findings(&self, findings: &[String]) {
        findings.iter().for_each(|finding| self.finding(finding));
    }

    /// Says something once.
    fn finding(&self, finding: &str) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.len() >= FINDING_COUNT_MAX {
            said.clear();
        }
        if said.insert(finding.to_owned()) {
            self.world.note(finding);
        }
    }
}

/// How a finding begins that says that the log is not read.
const TROUBLE: &str = "the log is not read: ";

fn is_over(looked_at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(looked_at).abs() >= SignedDuration::from_secs(LOOK_UP_SECONDS)
}

/// Ends when somebody stops the process.
async fn interrupted() {
    #[cfg(unix)]
    {
        let terminated = async {
            match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
                Ok(mut signal) => {
                    signal.recv().await;
                }
                // It ends the process then, which loses nothing.
                Err(_) => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            () = terminated => {}
        }
    }
    #[cfg(not(unix))]
    {
        let _ = tokio::signal::ctrl_c().await;
    }
}
