use std::io::Read;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Piece, RECORD_BYTES_MAX, Splitter};

/// Gives a few bytes at a time.
struct Dripping<'a> {
    bytes: &'a [u8],
    piece: usize,
}

impl Read for Dripping<'_> {
    fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
        let count = self.piece.min(room.len()).min(self.bytes.len());
        room[..count].copy_from_slice(&self.bytes[..count]);
        self.bytes = &self.bytes[count..];
        Ok(count)
    }
}

/// Records with their lines, and faults with theirs.
type Split = (Vec<(String, u64)>, Vec<(u64, String)>);

fn split(text: &str, piece: usize) -> Split {
    let mut splitter = Splitter::new(Dripping { bytes: text.as_bytes(), piece });
    let (mut records, mut faults) = (Vec::new(), Vec::new());
    while let Some(next) = splitter.next() {
        match next {
            Piece::Record { bytes, line } => records.push((String::from_utf8(bytes.to_vec()).unwrap(), line)),
            Piece::Fault { line, what } => faults.push((line, what)),
        }
    }
    assert_eq!(splitter.bytes_read(), text.len() as u64, "everything was read");
    (records, faults)
}

#[test]
fn every_form_gives_its_records_with_their_lines() {
    let two = ["{\"a\":1}", "{\"b\":[{}]}"];
    for (text, lines) in [
        ("{\"a\":1}\n{\"b\":[{}]}", [1, 2]),
        ("{\"a\":1}\r\n\r\n{\"b\":[{}]}\r\n", [1, 3]),
        ("{\"a\":1},\n{\"b\":[{}]},\n", [1, 2]),
        ("{\"a\":1}{\"b\":[{}]}", [1, 1]),
        ("[{\"a\":1},{\"b\":[{}]}]", [1, 1]),
        ("[\n{\"a\":1},\n{\"b\":[{}]}\n]\n", [2, 3]),
        ("{\"records\":[{\"a\":1},{\"b\":[{}]}]}", [1, 1]),
        ("{ \"records\" : [\n{\"a\":1}\n, {\"b\":[{}]}\n], \"count\" : [2, {}] }\n", [2, 3]),
        ("{\"records\":[{\"a\":1}]}\n{\"records\":[{\"b\":[{}]}]}\n", [1, 2]),
        ("{\"records\":[{\"a\":1}]}\n{\"records\":[]}\n{\"b\":[{}]}\n", [1, 3]),
        ("{\"@odata.context\":\"x\",\"@odata.nextLink\":null,\"value\":[{\"a\":1},{\"b\":[{}]}]}", [1, 1]),
        ("[{\"records\":[{\"a\":1}]},{\"records\":[{\"b\":[{}]}]}]", [1, 1]),
    ] {
        let expected: Vec<_> = two.iter().zip(lines).map(|(bytes, line)| ((*bytes).to_owned(), line)).collect();
        for piece in [1, 2, 7, 4096] {
            assert_eq!(split(text, piece), (expected.clone(), vec![]), "{text} in pieces of {piece}");
        }
    }
}

#[test]
fn an_object_that_is_not_around_a_list_of_records_is_one() {
    for text in [
        "{\"@odata.context\":\"signIns/$entity\",\"id\":\"1\"}",
        "{\"value\":\"1\",\"id\":\"2\"}",
        "{\"value\":[1,2]}",
        "{\n  \"id\": \"1\",\n  \"list\": [\n    {\n    }\n  ]\n}",
    ] {
        assert_eq!(split(text, 3), (vec![(text.to_owned(), 1)], vec![]), "{text}");
    }
}

#[test]
fn a_broken_record_costs_itself_and_no_other() {
    for (text, left, fault_lines) in [
        // In lines the reader of the record says what is wrong with it.
        ("{\"a\":1}\n{\"b\":\n{\"c\":3}\n", &["{\"a\":1}", "{\"b\":", "{\"c\":3}"][..], &[][..]),
        ("{\"a\":1}\nnot json\n{\"c\":3}\n", &["{\"a\":1}", "{\"c\":3}"], &[2]),
        // The first line is broken, so that nobody knows yet that they are lines.
        ("{\"a\":\n{\"b\":2}\n{\"c\":3}\n", &["{\"b\":2}", "{\"c\":3}"], &[1]),
        ("{\"a\":\"x\n{\"b\":2}\n{\"c\":3}\n", &["{\"b\":2}", "{\"c\":3}"], &[1]),
        ("[\n{\"a\":1},\n{\"b\":[}],\n{\"c\":3}\n]", &["{\"a\":1}", "{\"c\":3}"], &[3]),
        ("[\n{\"a\":1},\n{\"b\",\n{\"c\":3}\n]", &["{\"a\":1}", "{\"c\":3}"], &[3]),
        ("{\"records\":[\n{\"a\":1},\n7,\n{\"c\":3}\n]}", &["{\"a\":1}", "{\"c\":3}"], &[3]),
        ("[{\"a\":1},{\"b\":2}", &["{\"a\":1}", "{\"b\":2}"], &[1]),
        ("[{\"a\":1},{\"b\":2", &["{\"a\":1}"], &[1, 1]),
        ("{\"records\":[{\"a\":1}]", &["{\"a\":1}"], &[1]),
        ("]\n{\"a\":1}", &["{\"a\":1}"], &[1]),
    ] {
        for piece in [1, 5, 4096] {
            let (records, faults) = split(text, piece);
            let records: Vec<&str> = records.iter().map(|(bytes, _)| bytes.as_str()).collect();
            let lines: Vec<u64> = faults.iter().map(|(line, _)| *line).collect();
            assert_eq!((records.as_slice(), lines.as_slice()), (left, fault_lines), "{text}: {faults:?}");
        }
    }
}

#[test]
fn records_are_as_long_as_the_limit_and_no_longer() {
    let of_length = |length: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(length - 8));
    for (before, behind) in [("", "\n{}"), ("{}\n", "\n{}"), ("[", "\n,{}]"), ("{\"records\":[", "\n,{}]}")] {
        let text = format!("{before}{}{behind}", of_length(RECORD_BYTES_MAX));
        let (records, faults) = split(&text, 1 << 16);
        assert!(records.iter().any(|(bytes, _)| bytes.len() == RECORD_BYTES_MAX), "{before}");
        assert!(faults.is_empty(), "{faults:?}");
        let text = format!("{before}{}{behind}", of_length(RECORD_BYTES_MAX + 1));
        let (records, faults) = split(&text, 1 << 16);
        assert!(faults.iter().any(|(_, what)| what.contains("longer than 4194304 bytes")), "{before}: {faults:?}");
        assert_eq!(records.last().map(|(bytes, _)| bytes.as_str()), Some("{}"), "{before}: reading goes on");
    }
}

#[test]
fn a_list_in_an_object_may_be_longer_than_a_record() {
    let record = json!({ "a": "x".repeat(1 << 20) }).to_string();
    let text = format!("{{\"records\":[{}]}}", [record.as_str(); 6].join(","));
    let (records, faults) = split(&text, 1 << 16);
    assert_eq!((records.len(), faults), (6, vec![]));
}

#[test]
fn nesting_ends_somewhere() {
    let nested = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
    assert_eq!(split(&nested(120), 64).0.len(), 1);
    let (records, faults) = split(&nested(121), 64);
    assert!(records.is_empty() && faults[0].1.contains("nested too deep"), "{faults:?}");
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[a-z\"\\\\{}\\[\\],:\u{e9}\n]{0,16}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[a-z\"\\\\]{0,6}", inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_cut_apart_again(
        records in prop::collection::vec(prop::collection::vec(("[b-z]{0,6}", value()), 0..4), 0..6),
        form in 0_usize..6,
        piece in 1_usize..40,
    ) {
        let records: Vec<Value> =
            records.into_iter().map(|members| Value::Object(members.into_iter().collect())).collect();
        let lines: Vec<String> = records.iter().map(ToString::to_string).collect();
        let text = match form {
            0 => lines.join("\n"),
            1 => format!("[{}]", lines.join(",")),
            2 => serde_json::to_string_pretty(&records).unwrap(),
            3 => json!({ "records": records }).to_string(),
            4 => serde_json::to_string_pretty(&json!({ "value": records, "count": {} })).unwrap(),
            _ => records.iter().map(|record| format!("{record:#}\n")).collect(),
        };
        let (found, faults) = split(&text, piece);
        let found: Vec<Value> = found.iter().map(|(bytes, _)| serde_json::from_str(bytes).unwrap()).collect();
        // An object that looks like one around a list of records is taken for one.
        prop_assert_eq!(found, records, "{}", text);
        prop_assert!(faults.is_empty(), "{:?}", faults);
    }

    #[test]
    fn whatever_comes_there_is_an_end(text in "[\\[\\]{}\",:a1\n\\\\ ]{0,60}", piece in 1_usize..9) {
        split(&text, piece);
    }
}
