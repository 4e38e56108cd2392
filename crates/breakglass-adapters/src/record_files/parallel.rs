//! Reading, judging and adding up at the same time, with the same result for any number of workers.
//!
//! One thread reads and cuts, the workers judge batches, and the caller adds up what they found in the order of the
//! batches. A fixed number of batches is on its way at any time.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};

use super::{LogFiles, RecordBatch};

/// Batches on their way for each worker.
const BATCHES_PER_WORKER: usize = 4;

/// Judges batches of records.
pub trait Judge: Sync {
    /// What one worker keeps between batches.
    type Scratch;
    /// What was found in one batch.
    type Tally: Send;

    /// Made once for each worker.
    fn scratch(&self) -> Self::Scratch;

    /// Judges a batch; the answer depends on nothing but the batch.
    fn judge(&self, batch: &RecordBatch, scratch: &mut Self::Scratch) -> Self::Tally;
}

/// How far the reading is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Batches that were added up.
    pub batches: u64,
    /// Records in them.
    pub records: u64,
    /// Bytes in them, decompressed.
    pub bytes: u64,
}

/// Reads the files, judges every batch and hands what was found to `add`, in the order of the batches.
pub fn judge_records<J: Judge>(
    files: &LogFiles,
    workers: NonZeroUsize,
    judge: &J,
    mut add: impl FnMut(&RecordBatch, J::Tally, Progress),
) {
    let (give_empty, take_empty) = channel();
    let (give_full, take_full) = channel();
    let (give_tally, take_tally) = channel();
    for _ in 0..workers.get() * BATCHES_PER_WORKER {
        // The other end lives as long as the scope below.
        let _ = give_empty.send(RecordBatch::default());
    }
    let take_full = Mutex::new(take_full);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            files.read(|full| {
                if let Some(full) = full {
                    give_full.send(full).ok()?;
                }
                take_empty.recv().ok()
            });
        });
        for _ in 0..workers.get() {
            let give_tally = give_tally.clone();
            let take_full = &take_full;
            scope.spawn(move || work(judge, take_full, &give_tally));
        }
        drop(give_tally);
        let mut progress = Progress::default();
        let mut waiting = BTreeMap::new();
        for (batch, tally) in take_tally {
            waiting.insert(batch.number, (batch, tally));
            while let Some((batch, tally)) = waiting.remove(&progress.batches) {
                progress.batches += 1;
                progress.records += batch.len() as u64;
                progress.bytes += batch.bytes_read;
                add(&batch, tally, progress);
                // The reader may have come to its end.
                let _ = give_empty.send(batch);
            }
        }
    });
}

fn work<J: Judge>(judge: &J, take_full: &Mutex<Receiver<RecordBatch>>, give: &Sender<(RecordBatch, J::Tally)>) {
    let mut scratch = judge.scratch();
    loop {
        // A worker that panicked left the queue as it was.
        let next = take_full.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(batch) = next else { return };
        let tally = judge.judge(&batch, &mut scratch);
        if give.send((batch, tally)).is_err() {
            return;
        }
    }
}
