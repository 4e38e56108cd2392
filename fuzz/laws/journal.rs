//! What reading a line of the ledger and a request to a witness promises of any text: it is one in a single way, which is how
//! it is written.

use breakglass_ledger::log;
use breakglass_ops::journal::{FORMAT, Line, WitnessRequest};
use serde_json::Value;

/// Checks it for some text.
pub(crate) fn hold(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(line) = Line::read(text) {
        assert_eq!(line.written().as_deref(), Ok(text));
        assert!(log::entry(bytes).is_ok(), "it is no entry of a log");
        let value: Value = serde_json::from_str(text).expect("a line is JSON");
        assert_eq!(value["format"], FORMAT);
        assert_eq!((&value["stream"], &value["index"]), (&line.stream.clone().into(), &line.index.into()));
        assert_eq!(value["entry"], line.entry);
        let again = Line::new(line.at, (&line.stream, line.index), &line.entry);
        assert_eq!(again, line, "its members are sorted");
    } else if let Ok(value) = serde_json::from_str::<Value>(text) {
        // Whatever can be written as a line is read again.
        let line = Line::new(jiff::Timestamp::UNIX_EPOCH, ("drill/a", 0), &value);
        if let Ok(written) = line.written() {
            assert_eq!(Line::read(&written), Ok(line));
        }
    }
    if let Ok(request) = WitnessRequest::read(text) {
        assert_eq!(request.written(), text);
    }
}
