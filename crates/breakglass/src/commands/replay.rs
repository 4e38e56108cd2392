//! Recorded sign-ins: decided again (`what-if --replay`), and under a change (`guard --replay`).

use std::path::PathBuf;

use breakglass_adapters::record_files::LogError;
use breakglass_engine::access::Access;
use breakglass_engine::access::recorded::Unjudged;
use breakglass_engine::replay::forecast::{Forecast, ForecastScratch, ForecastTally};
use breakglass_engine::replay::{Replay, Scratch, Tally, Why};
use breakglass_model::sign_in_record::SignInRecord;

use crate::commands::logs::{self, ReadLogs, Records};
use crate::exit::Exit;
use crate::wiring::World;

impl Records for Replay<'_> {
    type Scratch = Scratch;
    type Sum = Tally;

    fn judge(&self, record: &SignInRecord<'_>, origin: (u64, &[u8]), work: (&mut Scratch, &mut Tally)) {
        Replay::judge(self, record, origin, work);
    }

    fn join(sum: &mut Tally, later: Tally) {
        sum.join(later);
    }
}

impl Records for Forecast<'_> {
    type Scratch = ForecastScratch;
    type Sum = ForecastTally;

    fn judge(&self, record: &SignInRecord<'_>, origin: (u64, &[u8]), work: (&mut ForecastScratch, &mut ForecastTally)) {
        Forecast::judge(self, record, origin.0, work);
    }

    fn join(sum: &mut ForecastTally, later: ForecastTally) {
        sum.join(later);
    }
}

/// What a change would have done to the sign-ins of some logs.
pub(crate) struct Forecasted<'a> {
    /// The two states, to look up names.
    pub(crate) forecast: Forecast<'a>,
    /// What was found.
    pub(crate) read: ReadLogs<ForecastTally>,
}

/// Reads the logs and says what the change from one state of the tenant to the other would have done.
///
/// # Errors
/// When a log is not there or may not be read.
pub(crate) fn forecast<'a>(
    before: &'a Access<'a>,
    after: &'a Access<'a>,
    paths: &[PathBuf],
    world: &World,
) -> Result<Forecasted<'a>, LogError> {
    let files = logs::find(paths)?;
    let forecast = Forecast::of(before, after);
    let read = logs::read(&files, &forecast, world);
    Ok(Forecasted { forecast, read })
}

/// Whether nothing was read, or not everything.
pub(crate) fn is_partial<S>(read: &ReadLogs<S>, records: u64) -> bool {
    read.malformed > 0 || records == 0
}

/// How a replay ends: what was rightly not judged, since Conditional Access was not asked, is nothing unknown.
pub(crate) fn exit(read: &ReadLogs<Tally>) -> Exit {
    let is_nothing = |why: &Why| matches!(why, Why::Record(Unjudged::BeforeConditionalAccess | Unjudged::NotASignIn));
    if read.sum.disagrees() {
        Exit::Found
    } else if is_partial(read, read.sum.records) || read.sum.unknown.keys().any(|why| !is_nothing(why)) {
        Exit::Unknown
    } else {
        Exit::Good
    }
}
