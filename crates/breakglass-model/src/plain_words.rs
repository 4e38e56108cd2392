//! What `serde` and its formats say of a document, in the words of JSON: no names of Rust's types, no abbreviations.
//!
//! **Invariant:** a value of another type than it should have is not repeated: it may be a secret, or somebody's number.
//! A complaint that is not known here is given as it is; where a place follows it, the place stays.

/// Beginnings of what was expected, and what they are in JSON.
const EXPECTED: [(&[&str], &str); 6] = [
    (&["struct ", "a map", "map", "internally tagged enum"], "an object"),
    (&["a sequence", "sequence", "tuple ", "an array"], "a list"),
    (&["a boolean"], "true or false"),
    (&["a borrowed string"], "a string"),
    (&["u8", "u16", "u32", "u64", "u128", "usize", "a nonzero u"], "a whole number that is not negative"),
    (&["i8", "i16", "i32", "i64", "i128", "isize", "f32", "f64"], "a number"),
];

/// Complaints of the parser, by how they begin.
const COMPLAINTS: [(&str, &str); 8] = [
    ("data did not match any variant", "it has none of the forms that Graph writes"),
    ("EOF while parsing a value", "it ends where a value is expected"),
    ("EOF while parsing an object", "it ends in the middle of an object"),
    ("EOF while parsing a list", "it ends in the middle of a list"),
    ("EOF while parsing a string", "it ends in the middle of a text"),
    ("recursion limit exceeded", "objects and lists lie too deep in one another"),
    ("expected ident", "expected `true`, `false` or `null`"),
    ("trailing characters", "something follows behind its end"),
];

/// Says in JSON's words what `serde` says in Rust's.
#[must_use]
pub fn in_plain_words(message: &str) -> String {
    let (complaint, place) = match message.rfind(" at line ") {
        Some(at) => message.split_at(at),
        None => (message, ""),
    };
    if let Some((_, plain)) = COMPLAINTS.iter().find(|(known, _)| complaint.starts_with(known)) {
        return format!("{plain}{place}");
    }
    let Some((before, expected)) = complaint.rsplit_once("expected ") else { return format!("{complaint}{place}") };
    let is_known = |names: &[&str]| names.iter().any(|name| expected.starts_with(name));
    let plain = EXPECTED.iter().find(|(names, _)| is_known(names)).map_or(expected, |(_, plain)| plain);
    let found = WRONG.iter().find_map(|wrong| Some((*wrong, before.strip_prefix(wrong)?)));
    let Some((wrong, found)) = found else { return format!("{before}expected {plain}{place}") };
    format!("{wrong}{}, expected {plain}{place}", type_of(found))
}

/// How complaints about a value begin, before the value.
const WRONG: [&str; 2] = ["invalid type: ", "invalid value: "];

/// The type of a value, in JSON's words, of what `serde` says that it found.
#[must_use]
pub fn type_of(found: &str) -> &str {
    let without_value = found.split(['"', '`', ',']).next().unwrap_or(found).trim_end();
    match without_value {
        "sequence" => "list",
        "map" => "object",
        "unit value" => "null",
        "floating point" => "number",
        "boolean" => "true or false",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::in_plain_words;

    #[test]
    fn nothing_of_rust_is_left() {
        for (said, plain) in [
            ("invalid type: map, expected a sequence", "invalid type: object, expected a list"),
            (
                "invalid type: string \"x, expected y\", expected struct ResourceChange at line 1 column 3",
                "invalid type: string, expected an object at line 1 column 3",
            ),
            ("invalid type: sequence, expected a map", "invalid type: list, expected an object"),
            ("invalid type: integer `7`, expected a boolean", "invalid type: integer, expected true or false"),
            ("invalid type: boolean `true`, expected a map", "invalid type: true or false, expected an object"),
            ("invalid type: null, expected a borrowed string", "invalid type: null, expected a string"),
            (
                "invalid value: integer `-1`, expected u64",
                "invalid value: integer, expected a whole number that is not negative",
            ),
            ("EOF while parsing a value at line 1 column 0", "it ends where a value is expected at line 1 column 0"),
            (
                "recursion limit exceeded at line 1 column 128",
                "objects and lists lie too deep in one another at line 1 column 128",
            ),
            ("trailing comma at line 1 column 14", "trailing comma at line 1 column 14"),
            (
                "unknown field `group`, expected one of `users`, `groups`",
                "unknown field `group`, expected one of `users`, `groups`",
            ),
            ("an id must not be empty", "an id must not be empty"),
            ("data did not match any variant of untagged enum X", "it has none of the forms that Graph writes"),
        ] {
            assert_eq!(in_plain_words(said), plain);
        }
    }
}
