//! Reading logs for a command: every record read, judged on all processors and added up, with the progress shown and
//! what is malformed named.

use std::path::PathBuf;

use breakglass_adapters::record_files::{Fault, Judge, LogError, LogFiles, Progress, RecordBatch, judge_records};
use breakglass_model::sign_in_record::SignInRecord;

use crate::wiring::World;

/// Malformed records that are named; the others are counted.
const FAULTS_NAMED_COUNT_MAX: usize = 20;
/// Files without records that are named; the others are counted.
const LEFT_OUT_NAMED_COUNT_MAX: usize = 20;
/// Batches between two words on how far it is.
const BATCHES_PER_PROGRESS: u64 = 16;

/// What a command makes of records.
pub(crate) trait Records: Sync {
    /// What one thread keeps between records.
    type Scratch: Default;
    /// What was found.
    type Sum: Default + Send;

    /// Judges one record; `origin` is its number among all and its bytes.
    fn judge(&self, record: &SignInRecord<'_>, origin: (u64, &[u8]), work: (&mut Self::Scratch, &mut Self::Sum));

    /// Adds what was found in later records.
    fn join(sum: &mut Self::Sum, later: Self::Sum);
}

/// What came of reading logs.
#[derive(Debug, Default)]
pub(crate) struct ReadLogs<S> {
    /// What was found in the records.
    pub(crate) sum: S,
    /// Records that are malformed.
    pub(crate) malformed: u64,
}

/// What came of one batch.
struct Batch<S> {
    sum: S,
    faults: Vec<Fault>,
    fault_count: u64,
}

struct Reading<'r, R>(&'r R);

impl<R: Records> Judge for Reading<'_, R> {
    type Scratch = R::Scratch;
    type Tally = Batch<R::Sum>;

    fn scratch(&self) -> R::Scratch {
        R::Scratch::default()
    }

    fn judge(&self, batch: &RecordBatch, scratch: &mut R::Scratch) -> Self::Tally {
        let mut found = Batch { sum: R::Sum::default(), faults: Vec::new(), fault_count: 0 };
        for raw in batch.records() {
            match SignInRecord::from_json(raw.bytes) {
                Ok(record) => self.0.judge(&record, (raw.number, raw.bytes), (scratch, &mut found.sum)),
                Err(error) => {
                    found.fault_count += 1;
                    if found.faults.len() < FAULTS_NAMED_COUNT_MAX {
                        found.faults.push(batch.fault(&raw, error.to_string()));
                    }
                }
            }
        }
        found
    }
}

/// Finds the files before anything else is done, so that a misspelt path is said at once.
pub(crate) fn find(paths: &[PathBuf]) -> Result<LogFiles, LogError> {
    LogFiles::find(paths)
}

/// Reads every record.
pub(crate) fn read<R: Records>(files: &LogFiles, records: &R, world: &World) -> ReadLogs<R::Sum> {
    let mut read = ReadLogs { sum: R::Sum::default(), malformed: 0 };
    let (mut named, mut left_out) = (0, 0);
    judge_records(files, world.processors, &Reading(records), |batch, found, progress: Progress| {
        R::join(&mut read.sum, found.sum);
        read.malformed += batch.fault_count + found.fault_count;
        let mut faults: Vec<&Fault> = batch.faults.iter().chain(&found.faults).collect();
        faults.sort_by_key(|fault| fault.line);
        for fault in faults {
            if named < FAULTS_NAMED_COUNT_MAX {
                world.note(&format!("malformed record {fault}"));
            }
            named += 1;
        }
        for file in &batch.left_out {
            if left_out < LEFT_OUT_NAMED_COUNT_MAX {
                world.note(&format!("`{file}` is left out: it does not begin as JSON does"));
            }
            left_out += 1;
        }
        if progress.batches.is_multiple_of(BATCHES_PER_PROGRESS) {
            world.progress(&format!("{} records, {} MiB read", progress.records, progress.bytes >> 20));
        }
    });
    world.progress_is_over();
    if read.malformed > FAULTS_NAMED_COUNT_MAX as u64 {
        world.note(&format!("{} records are malformed; the first are named above", read.malformed));
    }
    if left_out > LEFT_OUT_NAMED_COUNT_MAX {
        world.note(&format!("{left_out} files are left out; the first are named above"));
    }
    read
}
