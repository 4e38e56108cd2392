//! Many requests: every line is answered in its place, wherever the chunks that are read end.

use std::io::Write as _;
use std::process::{Command, Stdio};

const BINARY: &str = env!("CARGO_BIN_EXE_breakglass");
const TENANT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cmd/what-if.in/tenant.json");

fn answers(requests: &[u8]) -> Vec<String> {
    let mut child = Command::new(BINARY)
        .args(["what-if", "--snapshot", TENANT, "--requests", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let requests = requests.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&requests).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn request(user: &str, padding: usize) -> String {
    format!(
        r#"{{"signInIdentity":{{"userId":"{user}"}},"signInContext":{{"includeApplications":["{}"]}}}}"#,
        "a".repeat(padding)
    )
}

#[test]
fn lines_that_cross_chunks_are_answered_as_others_are() {
    let users = ["bg1", "alex", "nobody"];
    let single: Vec<Vec<String>> = users.iter().map(|user| answers(request(user, 9).as_bytes())).collect();
    let mut many = String::new();
    let mut expected = Vec::new();
    for index in 0..9_000_usize {
        let user = index % users.len();
        many.push_str(&request(users[user], 1 + index % 911));
        many.push_str(if index % 7 == 0 { "\r\n" } else { "\n" });
        expected.push(single[user][0].replace("line 1:", &format!("line {}:", index + 1)));
    }
    assert!(many.len() > 3 << 20, "the requests fill several chunks");
    assert_eq!(answers(many.as_bytes()), expected);
}

#[test]
fn a_line_without_end_is_refused_in_constant_memory_and_the_next_one_is_answered() {
    let mut requests = vec![b'x'; 5 << 20];
    requests.push(b'\n');
    requests.extend_from_slice(request("bg1", 1).as_bytes());
    let answers = answers(&requests);
    assert_eq!(answers.len(), 2);
    assert!(answers[0].contains("at most 1048576 are read"), "{}", answers[0]);
    assert!(answers[1].starts_with("{\"outcome\":\"allowed\""), "{}", answers[1]);
}

#[test]
fn empty_lines_are_answered_in_their_places_but_for_those_at_the_end() {
    let body = request("bg1", 1);
    let answers = answers(format!("\u{feff}{body}\r\n\n \r\n{body}\n{{\n\n\r\n").as_bytes());
    let expected = [
        "{\"outcome\":\"allowed\"",
        "{\"error\":\"line 2: the line is empty\"}",
        "{\"error\":\"line 3: the line is empty\"}",
        "{\"outcome\":\"allowed\"",
        "{\"error\":\"line 5: the JSON breaks off at column 1\"}",
    ];
    assert_eq!(answers.len(), expected.len(), "{answers:?}");
    for (answer, expected) in answers.iter().zip(expected) {
        assert!(answer.starts_with(expected), "{answer}");
    }
}

#[test]
fn what_was_misspelt_is_refused_also_where_the_lines_before_had_the_same_shape() {
    let plain = |conditions: &str| {
        format!(
            r#"{{"signInIdentity":{{"userId":"alex"}},"signInContext":{{"includeApplications":["a"]}},"signInConditions":{{{conditions}}}}}"#
        )
    };
    let faults = [
        (r#""signInRisklevel":"high""#, "has no member `signInRisklevel`; did you mean `signInRiskLevel`?"),
        (r#""ipAdress":"192.0.2.1""#, "has no member `ipAdress`; did you mean `ipAddress`?"),
        (r#""devicePlatfrom":"iOS""#, "has no member `devicePlatfrom`; did you mean `devicePlatform`?"),
        (r#""country":"FRA""#, "`FRA` is not a country"),
        (r#""signInRiskLevel":"High""#, "`High` is not a sign-in risk level; it is one of none, low, medium, high"),
    ];
    for (fault, message) in faults {
        let good = plain(r#""signInRiskLevel":"high""#);
        let answers = answers(format!("{good}\n{good}\n{}\n{good}\n", plain(fault)).as_bytes());
        assert!(answers[1].starts_with("{\"outcome\":\"blocked\""), "{}", answers[1]);
        assert!(answers[2].starts_with("{\"error\":\"line 3: ") && answers[2].contains(message), "{}", answers[2]);
        assert_eq!(answers[3], answers[1]);
    }
}
