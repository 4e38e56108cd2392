//! Real policy sets, applied to the example tenants: what each does to the order.
//!
//! A set is applied as it is written; with everything in it switched on; and switched on without a map of names, so that
//! its groups exclude nobody, and whom they include cannot be told. What is recorded was read; `docs/concepts/policy-sets.md` says why it is so.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use breakglass_testkit::shared_data;
use serde_json::Value;

const BINARY: &str = env!("CARGO_BIN_EXE_breakglass");
const TENANTS: [&str; 2] = ["story-e", "contoso"];

/// A set, and the files beside its policies.
struct Set {
    name: &'static str,
    folder: PathBuf,
    groups: Option<&'static str>,
    named_locations: Option<&'static str>,
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn set(name: &'static str) -> Set {
    let folder = repository().join("tests/data/conditional-access").join(name);
    Set { name, folder, groups: None, named_locations: None }
}

/// The policies of a set as they are written, or all of them enabled.
fn policies(set: &Set, is_switched_on: bool) -> Vec<u8> {
    let mut document: Value =
        serde_json::from_slice(&std::fs::read(set.folder.join("policies.json")).unwrap()).unwrap();
    for policy in document["value"].as_array_mut().unwrap().iter_mut().filter(|_| is_switched_on) {
        policy["state"] = "enabled".into();
    }
    serde_json::to_vec(&document).unwrap()
}

/// The answer of the guard, and its exit code.
fn guard(tenant: &str, set: &Set, policies: &[u8], is_mapped: bool) -> (Value, Option<i32>) {
    let mut command = Command::new(BINARY);
    command.args(["guard", "--format", "json", "--policy", "-", "--snapshot"]);
    command.arg(repository().join("examples").join(tenant));
    for (flag, file) in [("--group", set.groups), ("--named-location", set.named_locations)] {
        if let Some(file) = file {
            command.arg(flag).arg(set.folder.join(file));
        }
    }
    if is_mapped {
        let map = format!("tests/data/name-maps/{tenant}/{}.toml", set.name);
        command.arg("--name-map").arg(repository().join(map));
    }
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let policies = policies.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&policies).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let report = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{tenant}, {}: {}", set.name, String::from_utf8_lossy(&output.stderr)));
    (report, output.status.code())
}

/// What is promised, and what is possible where that is another number.
fn order(order: &Value) -> String {
    let number = |name: &str| order[name].as_u64().map_or("none".to_owned(), |number| number.to_string());
    let (proved, possible) = (number("proved"), number("possible"));
    if proved == possible { proved } else { format!("{proved} to {possible}") }
}

/// One paragraph on what a set does to a tenant.
fn effect(text: &mut String, tenant: &str, set: &Set) {
    for (how, is_switched_on, is_mapped) in
        [("as written", false, true), ("switched on", true, true), ("switched on, no map", true, false)]
    {
        let (report, code) = guard(tenant, set, &policies(set, is_switched_on), is_mapped);
        let verdict = report["verdict"].as_str().unwrap();
        let (before, after) = (order(&report["before"]), order(&report["after"]));
        let [lost, gained] = ["lost", "gained"].map(|ways| report[ways].as_array().unwrap().len());
        writeln!(text, "{tenant}, {}, {how}:", set.name).unwrap();
        let (code, ways) = (code.unwrap(), format!("{lost} ways lost, {gained} gained"));
        writeln!(text, "    {before} -> {after}, {verdict}, exit {code}; {ways}").unwrap();
        if let Some(sentence) = report["counterexample"]["sentence"].as_str() {
            writeln!(text, "    {sentence}").unwrap();
        }
    }
}

fn effects(sets: &[Set]) -> String {
    let mut text = String::new();
    for set in sets {
        TENANTS.iter().for_each(|tenant| effect(&mut text, tenant, set));
    }
    text
}

#[test]
fn the_sets_that_may_be_copied() {
    let baseline = Set {
        groups: Some("groups.json"),
        named_locations: Some("namedLocations.json"),
        ..set("j0eyv-ConditionalAccessBaseline")
    };
    let others = ["microsoft-ConditionalAccessforZeroTrustResources-terraform", "cisagov-ScubaGear-sample-tenant"];
    let sets: Vec<Set> = std::iter::once(baseline).chain(others.map(set)).collect();
    insta::assert_snapshot!("policy_sets", effects(&sets));
}

#[test]
fn the_examples_of_the_documentation() {
    let name = "microsoft-graph-docs-examples";
    let Some(folder) = shared_data().map(|folder| folder.join("data/conditional-access").join(name)) else {
        println!("skipped: the examples of the documentation are not in a folder beside the workspace");
        return;
    };
    insta::assert_snapshot!("policy_sets_documentation", effects(&[Set { folder, ..set(name) }]));
}
