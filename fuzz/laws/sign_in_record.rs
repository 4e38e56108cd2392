//! What reading and judging a record promises: what is read `serde_json` takes for an object, the words of a record
//! have one meaning, what is sure is among what may be, and a record from which something is taken says no more than
//! before.

use std::cell::LazyCell;

use breakglass_engine::access::Access;
use breakglass_engine::access::recorded::{Recorded, Recording};
use breakglass_engine::replay::{Replay, Scratch, Tally};
use breakglass_model::sign_in_record::{SIGN_IN_RECORD_BYTES_MAX, SignInRecord};
use serde_json::Value;

use super::answers;

thread_local! {
    static ACCESS: LazyCell<&'static Access<'static>> = LazyCell::new(|| Box::leak(Box::new(access())));
}

/// The small tenant with policies of every kind, compiled once and kept as long as the program runs.
fn access() -> Access<'static> {
    let policies: Vec<Value> = serde_json::from_str(include_str!("policies.json")).expect("the policies are readable");
    let policies: Vec<Vec<u8>> = policies.iter().map(|policy| policy.to_string().into_bytes()).collect();
    answers::compiled(Box::leak(Box::new(answers::tenant(&policies).expect("the policies are taken"))))
}

/// Checks it for records of one line each.
pub(crate) fn hold(bytes: &[u8]) {
    ACCESS.with(|access| {
        let replay = Replay::of(access);
        let recording = Recording::of(access);
        for line in bytes.split(|byte| *byte == b'\n') {
            hold_one(line, &replay, &recording);
        }
    });
}

/// Whether a surrogate is escaped, which is half a character.
fn has_half_character(line: &[u8]) -> bool {
    line.to_ascii_lowercase().windows(4).any(|window| matches!(window, [b'\\', b'u', b'd', b'8'..=b'9' | b'a'..=b'f']))
}

fn hold_one(line: &[u8], replay: &Replay<'_>, recording: &Recording<'_>) {
    let record = match SignInRecord::from_json(line) {
        Ok(record) => record,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    assert!(line.len() <= SIGN_IN_RECORD_BYTES_MAX);
    assert!(std::str::from_utf8(line).is_ok());
    // A member that nobody reads may have an escape that stands for no character.
    assert!(serde_json::from_slice(line).is_ok_and(|value: Value| value.is_object()) || has_half_character(line));
    let mut recorded = Recorded::default();
    if recording.read(&record, &mut recorded).is_ok() {
        assert!(recorded.sure.iter().zip(&recorded.may).all(|(sure, may)| sure & !may == 0), "{record:?}");
        // Without its risk the record leaves open at least as much.
        let less = SignInRecord { risk_level_during_sign_in: None, country: None, device: None, ..record.clone() };
        let mut wider = Recorded::default();
        if recording.read(&less, &mut wider).is_ok() {
            let (known, unknown) = (recorded.sure.iter().zip(&recorded.may), wider.sure.iter().zip(&wider.may));
            for ((sure, may), (less_sure, less_may)) in known.zip(unknown) {
                assert!(less_sure & !sure == 0 && may & !less_may == 0, "{record:?}");
            }
        }
    }
    let (mut scratch, mut tally) = (Scratch::default(), Tally::default());
    replay.judge(&record, (0, line), (&mut scratch, &mut tally));
    assert!(tally.agree <= tally.judged && tally.judged <= tally.records);
}
