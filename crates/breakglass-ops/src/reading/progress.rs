//! How far a reading is, for whoever watches.

use std::sync::atomic::{AtomicU64, Ordering};

/// Somebody who watches a long journey.
pub trait Progress: Send + Sync {
    /// What is done now, and of how many requests so many are done. The number expected grows as more becomes known.
    fn step(&self, what: &str, done: u64, expected: u64);

    /// It is over.
    fn end(&self) {}
}

/// Nobody watches.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Progress for Silent {
    fn step(&self, _: &str, _: u64, _: u64) {}
}

/// Counts requests.
pub(super) struct Tally<'p> {
    progress: &'p dyn Progress,
    done: AtomicU64,
    expected: AtomicU64,
}

impl<'p> Tally<'p> {
    pub(super) fn new(progress: &'p dyn Progress) -> Self {
        Self { progress, done: AtomicU64::new(0), expected: AtomicU64::new(0) }
    }

    pub(super) fn expect(&self, more: u64) {
        self.expected.fetch_add(more, Ordering::Relaxed);
    }

    pub(super) fn step(&self, what: &str, requests: u64) {
        let done = self.done.fetch_add(requests, Ordering::Relaxed) + requests;
        let expected = self.expected.fetch_max(done, Ordering::Relaxed).max(done);
        self.progress.step(what, done, expected);
    }

    pub(super) fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    pub(super) fn end(&self) {
        self.progress.end();
    }
}
