//! The splitter: it finds the same elements as `serde_json`, wherever the reads end.

use breakglass_model::snapshot::elements::{Elements, Expected, Shape};
use proptest::prelude::*;
use serde_json::Value;

use crate::support::Dripping;

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1000_i32..1000).prop_map(|n| Value::from(f64::from(n) / 8.0)),
        "[a-z\"\\\\{}\\[\\],:\u{e9}\u{1f512}\n]{0,24}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec(("[a-z\"\\\\{\\]]{0,8}", inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn elements_of(bytes: &[u8], piece: usize) -> Vec<Value> {
    let mut elements = Elements::new(Dripping { bytes, piece }).unwrap();
    let mut members = elements.array().unwrap();
    let mut found = Vec::new();
    while let Some(json) = elements.element(&mut members).unwrap() {
        found.push(serde_json::from_slice(json).unwrap());
    }
    elements.end().unwrap();
    found
}

proptest! {
    #[test]
    fn a_list_is_split_as_it_is_parsed(list in prop::collection::vec(json(), 0..6), piece in 1_usize..40) {
        for text in [serde_json::to_string(&list).unwrap(), serde_json::to_string_pretty(&list).unwrap()] {
            prop_assert_eq!(elements_of(text.as_bytes(), piece), list.clone());
        }
    }

    #[test]
    fn an_object_is_split_as_it_is_parsed(
        object in prop::collection::vec(("[a-z\"\\\\{\\]]{0,8}", json()), 0..6),
        piece in 1_usize..40,
    ) {
        let object: serde_json::Map<String, Value> = object.into_iter().collect();
        let text = serde_json::to_string_pretty(&object).unwrap();
        let mut elements = Elements::new(Dripping { bytes: text.as_bytes(), piece }).unwrap();
        prop_assert_eq!(elements.shape(Expected::Anything).unwrap(), Shape::Object);
        let mut members = elements.object().unwrap();
        let mut found = serde_json::Map::new();
        while let Some(key) = elements.key(&mut members).unwrap() {
            let key: String = serde_json::from_slice(&key).unwrap();
            found.insert(key, serde_json::from_slice(elements.value().unwrap()).unwrap());
        }
        elements.end().unwrap();
        prop_assert_eq!(found, object);
    }

    #[test]
    fn lines_and_values_are_split_alike(objects in prop::collection::vec(json(), 2..6), piece in 1_usize..40) {
        let objects: Vec<Value> = objects.into_iter().map(|value| serde_json::json!({ "v": value })).collect();
        let lines: String = objects.iter().map(|object| format!("{object}\r\n\n")).collect();
        let mut elements = Elements::new(Dripping { bytes: lines.as_bytes(), piece }).unwrap();
        prop_assert_eq!(elements.shape(Expected::Anything).unwrap(), Shape::Lines);
        let mut found = Vec::new();
        while let Some(line) = elements.line().unwrap() {
            found.push(serde_json::from_slice::<Value>(line).unwrap());
            prop_assert_eq!(elements.place().line as usize, found.len() * 2 - 1);
        }
        prop_assert_eq!(&found, &objects);

        let pretty: String = objects.iter().map(|object| format!("{object:#} ")).collect();
        let mut elements = Elements::new(Dripping { bytes: pretty.as_bytes(), piece }).unwrap();
        prop_assert_eq!(elements.shape(Expected::Anything).unwrap(), Shape::Values);
        let mut found = Vec::new();
        while let Some(json) = elements.next_value().unwrap() {
            found.push(serde_json::from_slice::<Value>(json).unwrap());
        }
        prop_assert_eq!(&found, &objects);
    }

    #[test]
    fn any_bytes_end_in_an_answer(bytes in "[\\[\\]{}\",: a1\\\\tn\u{e9}]{0,60}", piece in 1_usize..20) {
        let is_json = serde_json::from_str::<Value>(&bytes).is_ok();
        let whole = || -> Result<bool, breakglass_model::snapshot::elements::SplitError> {
            let mut elements = Elements::new(Dripping { bytes: bytes.as_bytes(), piece })?;
            let mut all = true;
            match elements.shape(Expected::Anything)? {
                Shape::Array => {
                    let mut members = elements.array()?;
                    while let Some(json) = elements.element(&mut members)? {
                        all &= serde_json::from_slice::<Value>(json).is_ok();
                    }
                }
                Shape::Object => {
                    let mut members = elements.object()?;
                    while let Some(key) = elements.key(&mut members)? {
                        all &= serde_json::from_slice::<Value>(&key).is_ok();
                        all &= serde_json::from_slice::<Value>(elements.value()?).is_ok();
                    }
                }
                _ => return Ok(is_json),
            }
            elements.end()?;
            Ok(all)
        };
        prop_assert_eq!(whole().unwrap_or(false), is_json, "{}", bytes);
    }
}

#[test]
fn an_element_that_is_longer_than_the_buffer_is_given_whole() {
    let long = "x".repeat(3 << 20);
    let text = serde_json::json!(["short", { "long": long }, "short"]).to_string();
    let found = elements_of(text.as_bytes(), 100_000);
    assert_eq!(found[1]["long"].as_str().map(str::len), Some(3 << 20));
    assert_eq!((&found[0], &found[2]), (&Value::from("short"), &Value::from("short")));
}

#[test]
fn the_shape_is_told_from_the_beginning() {
    for (text, expected, shape) in [
        ("", Expected::Anything, Shape::Empty),
        (" \r\n\t", Expected::Anything, Shape::Empty),
        ("\u{feff}", Expected::Anything, Shape::Empty),
        ("\u{feff}[]", Expected::Anything, Shape::Array),
        ("{}", Expected::Anything, Shape::Object),
        ("{}\n", Expected::Lines, Shape::Lines),
        ("{\n}\n", Expected::Lines, Shape::Object),
        ("{}\n{}", Expected::Anything, Shape::Lines),
        ("{} {}", Expected::Anything, Shape::Values),
        ("{\n}\n{}", Expected::Anything, Shape::Values),
        ("{}]", Expected::Anything, Shape::Object),
        ("\"text\"", Expected::Anything, Shape::Scalar),
        ("null", Expected::Anything, Shape::Scalar),
    ] {
        let found = Elements::new(text.as_bytes()).unwrap().shape(expected).unwrap();
        assert_eq!(found, shape, "{text:?}");
    }
}

#[test]
fn a_first_line_longer_than_the_look_ahead_is_a_line_where_lines_are_expected() {
    let text = format!("{{\"a\":\"{}\"}}\n{{}}\n", "x".repeat(2 << 20));
    let mut elements = Elements::new(text.as_bytes()).unwrap();
    assert_eq!(elements.shape(Expected::Lines).unwrap(), Shape::Lines);
    assert_eq!(elements.line().unwrap().map(<[u8]>::len), Some((2 << 20) + 8));
    assert_eq!(elements.line().unwrap(), Some(b"{}".as_slice()));
    assert_eq!(elements.line().unwrap(), None);
}

#[test]
fn faults_are_named_with_their_place() {
    let fault = |text: &str| {
        let mut elements = Elements::new(text.as_bytes()).unwrap();
        let mut members = elements.array().unwrap();
        loop {
            match elements.element(&mut members) {
                Ok(Some(_)) => {}
                Ok(None) => break elements.end().unwrap_err().to_string(),
                Err(error) => break error.to_string(),
            }
        }
    };
    for (text, message) in [
        ("[1,\n2", "the text ends in the middle of the document (line 2, byte 5)"),
        ("[1 2]", "`2` where a comma or `]` should be (line 1, byte 3)"),
        ("[1,]", "`]` where another element should be (line 1, byte 3)"),
        ("[,1]", "`,` where a JSON value should be (line 1, byte 1)"),
        ("[\n{\"a\":[}]", "`}` where the bracket that closes the one that is open should be (line 2, byte 8)"),
        ("[{\"a\":\"", "the text ends in the middle of a text (line 1, byte 7)"),
        ("[{\"a\":1", "the text ends in the middle of an object or a list (line 1, byte 7)"),
        ("[1]\n\n]", "`]` where the end of the document should be (line 3, byte 5)"),
        ("[\0]", "the byte 0x00 where a JSON value should be (line 1, byte 1)"),
    ] {
        assert_eq!(fault(text), message, "{text:?}");
    }
    let deep = |levels: usize| format!("[\n{}{}]", "[".repeat(levels), "]".repeat(levels));
    assert_eq!(fault(&format!("{}]", deep(127))), "`]` where the end of the document should be (line 2, byte 257)");
    assert_eq!(fault(&deep(128)), "an element is nested deeper than 127 levels (line 2, byte 129)");
}

#[test]
fn a_name_without_end_is_given_up_early() {
    let text = format!("{{\"{}", "x".repeat(4 << 20));
    let mut elements = Elements::new(text.as_bytes()).unwrap();
    let mut members = elements.object().unwrap();
    assert!(elements.key(&mut members).unwrap_err().to_string().contains("longer than 4 KiB"));
}
