//! Proposals, as data: what each changes, in words and in the tenant, and that it can be taken back.

use std::path::{Path, PathBuf};

use breakglass_model::proposal::{
    CHANGE_COUNT_MAX, PROPOSAL_BYTES_MAX, Proposal, ProposalError, ProposalKind, ProposalPlace, Proposed,
};
use breakglass_model::snapshot::Snapshot;
use serde_json::{Value, json};

use crate::support;

/// All files of a folder of cases, by name.
pub(crate) fn cases(folder: &str) -> Vec<(String, Value)> {
    let folder: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let mut cases: Vec<(String, Value)> = folder
        .read_dir()
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            (path.file_stem().unwrap().to_string_lossy().into_owned(), serde_json::from_str(&text).unwrap())
        })
        .collect();
    cases.sort_by(|one, other| one.0.cmp(&other.0));
    assert!(!cases.is_empty());
    cases
}

/// What a snapshot says, without the numbers that its objects happened to get.
pub(crate) fn told(snapshot: &Snapshot) -> String {
    let groups: Vec<Value> = snapshot.groups.items().iter().map(|group| snapshot.group_json(group)).collect();
    let listings = (snapshot.groups.why(), &snapshot.conditional_access_policies, &snapshot.named_locations);
    format!("{groups:#?} {listings:#?}")
}

/// Says the first line that differs.
pub(crate) fn same(one: &str, other: &str, name: &str) {
    let (mut ones, mut others) = (one.lines(), other.lines());
    loop {
        match (ones.next(), others.next()) {
            (None, None) => return,
            (one, other) => assert_eq!(one, other, "{name}"),
        }
    }
}

pub(crate) fn read_snapshot(document: &Value) -> Snapshot {
    support::snapshot(&[("snapshot.json", &document.to_string())])
}

pub(crate) fn strings(case: &Value, name: &str) -> Vec<String> {
    case[name].as_array().into_iter().flatten().map(|item| item.as_str().unwrap().to_owned()).collect()
}

fn proposal(case: &Value) -> Result<Proposal, ProposalError> {
    let mut proposal = Proposal::default();
    let documents = [
        ("locations", ProposalKind::NamedLocation),
        ("groups", ProposalKind::Group),
        ("policies", ProposalKind::Policy),
    ];
    for (name, kind) in documents {
        if let Some(document) = case.get(name) {
            proposal.read(document.to_string().as_bytes(), &format!("{name}.json"), kind)?;
        }
    }
    for name in strings(case, "remove") {
        proposal.push(ProposalPlace::new("--remove-policy", ""), Proposed::PolicyRemoved(name))?;
    }
    for name in strings(case, "removeLocation") {
        proposal.push(ProposalPlace::new("x", ""), Proposed::NamedLocationRemoved(name))?;
    }
    for name in strings(case, "removeGroup") {
        proposal.push(ProposalPlace::new("x", ""), Proposed::GroupRemoved(name))?;
    }
    Ok(proposal)
}

/// Applies a proposal and checks what the case says of it; then takes it back.
pub(crate) fn check(name: &str, case: &Value, proposal: Result<Proposal, ProposalError>) {
    let before = read_snapshot(&case["snapshot"]);
    let mut snapshot = before.clone();
    let applied = proposal.and_then(|proposal| snapshot.with_proposal(&proposal));
    if let Some(expected) = case["error"].as_str() {
        assert_eq!(applied.unwrap_err().to_string(), expected, "{name}");
        assert_eq!(snapshot, before, "{name}: an error leaves everything as it was");
        return;
    }
    let applied = applied.unwrap_or_else(|error| panic!("{name}: {error}"));
    let lines: Vec<String> = applied.iter().map(ToString::to_string).collect();
    if case.get("changes").is_some() {
        let expected = strings(case, "changes");
        assert_eq!(lines.len(), expected.len(), "{name}: {lines:#?}");
        for (line, expected) in lines.iter().zip(expected) {
            match expected.strip_suffix('…') {
                Some(beginning) => assert!(line.starts_with(beginning), "{name}: {line}"),
                None => assert_eq!(*line, expected, "{name}"),
            }
        }
    }
    for part in strings(case, "contains") {
        assert!(lines.join("\n").contains(&part), "{name}: {part} in {lines:#?}");
    }
    for list in strings(case, "partial") {
        assert_eq!(list, "conditionalAccessPolicies");
        assert!(snapshot.conditional_access_policies.is_partial(), "{name}");
    }
    if case["told"] != false {
        let mut document = case["snapshot"].clone();
        for (list, value) in case["after"].as_object().unwrap() {
            document[list] = value.clone();
        }
        same(&told(&snapshot), &told(&read_snapshot(&document)), name);
    }
    snapshot.undo(applied);
    assert_eq!(snapshot, before, "{name}: taken back");
}

#[test]
fn proposals_of_graphs_json() {
    for (name, case) in cases("proposals") {
        check(&name, &case, proposal(&case));
    }
}

#[test]
fn what_is_no_json_is_said_with_its_place() {
    let fault = |json: &[u8]| Proposal::default().read(json, "p.json", ProposalKind::Policy).unwrap_err().to_string();
    assert_eq!(fault(b"{"), "`p.json` is not JSON: it ends in the middle of an object at line 1 column 1");
    assert_eq!(fault(b""), "`p.json` is not JSON: it ends where a value is expected at line 1 column 0");
    assert_eq!(fault(b"{} {}"), "`p.json` is not JSON: something follows behind its end at line 1 column 4");
    assert_eq!(
        fault(br#"{"id":"p","state":"enabled","state":"disabled"}"#),
        "`p.json` is not JSON: the key `state` is there twice at line 1 column 35"
    );
    let deep = "[".repeat(200);
    assert!(fault(deep.as_bytes()).contains("lie too deep in one another"), "{}", fault(deep.as_bytes()));
}

#[test]
fn what_an_object_of_a_folder_is_the_tenant_tells() {
    let case = &cases("proposals").into_iter().find(|(name, _)| name == "bad-twice").unwrap().1;
    let snapshot = read_snapshot(&case["snapshot"]);
    let left_out = |what: &str| {
        Err(format!("left out: `f.json`, $: it is {what}, and a proposal has policies, named locations and groups"))
    };
    for (object, expected) in [
        (json!({ "id": "p1", "description": "x" }), Ok(ProposalKind::Policy)),
        (json!({ "Id": "P1", "Description": "x" }), Ok(ProposalKind::Policy)),
        (json!({ "displayName": "Require MFA", "description": "x" }), Ok(ProposalKind::Policy)),
        (json!({ "id": "nobody's", "state": "enabled" }), Ok(ProposalKind::Policy)),
        (json!({ "displayName": "Office", "isTrusted": false }), Ok(ProposalKind::NamedLocation)),
        (json!({ "id": "g1", "members@odata.bind": [] }), Ok(ProposalKind::Group)),
        (json!({ "id": "nobody's", "state": "sent" }), left_out("of no known kind, with `id`, `state`")),
        (json!("x"), left_out("neither an object nor a list")),
    ] {
        let mut proposal = Proposal::default();
        proposal.read_among(object.to_string().as_bytes(), "f.json", ProposalKind::Policy, &snapshot).unwrap();
        let kinds: Vec<ProposalKind> = proposal.changes().iter().map(|change| change.proposed.kind()).collect();
        match expected {
            Ok(kind) => assert_eq!((kinds, proposal.notes().len()), (vec![kind], 0), "{object}"),
            Err(note) => assert_eq!((kinds, proposal.notes()), (vec![], &[note][..]), "{object}"),
        }
    }
    let mut proposal = Proposal::default();
    let list = json!([{ "id": "p1", "state": "disabled" }, { "name": "x" }, { "id": "p2", "state": "disabled" }]);
    proposal.read_among(list.to_string().as_bytes(), "f.json", ProposalKind::Policy, &snapshot).unwrap();
    assert_eq!((proposal.changes().len(), proposal.notes().len()), (2, 1));
}

#[test]
fn one_past_each_limit_is_said() {
    let mut document = br#"{"id":"p","state":"enabled"}"#.to_vec();
    document.resize(PROPOSAL_BYTES_MAX, b' ');
    Proposal::default().read(&document, "p.json", ProposalKind::Policy).unwrap();
    document.push(b' ');
    let error = Proposal::default().read(&document, "p.json", ProposalKind::Policy).unwrap_err();
    assert_eq!(error.to_string(), format!("`p.json` has more than {PROPOSAL_BYTES_MAX} bytes"));

    let policies: Vec<Value> =
        (0..CHANGE_COUNT_MAX).map(|number| json!({ "id": number.to_string(), "state": "x" })).collect();
    let text = Value::from(policies).to_string();
    let mut proposal = Proposal::default();
    proposal.read(text.as_bytes(), "p.json", ProposalKind::Policy).unwrap();
    let whole = proposal.clone();
    let one = br#"{"id":"p","state":"enabled"}"#;
    let error = proposal.read(one, "q.json", ProposalKind::Policy).unwrap_err();
    assert_eq!(error.to_string(), format!("`q.json` has changes beyond the {CHANGE_COUNT_MAX} of one proposal"));
    assert_eq!(proposal, whole, "nothing of a refused document is taken");
    let error = proposal.push(ProposalPlace::new("r", ""), Proposed::PolicyRemoved("p".into())).unwrap_err();
    assert_eq!(error.to_string(), format!("`r` has changes beyond the {CHANGE_COUNT_MAX} of one proposal"));
}

#[test]
fn a_later_error_takes_back_what_was_done_before_it() {
    let case = &cases("proposals").into_iter().find(|(name, _)| name == "new-policy").unwrap().1;
    let before = read_snapshot(&case["snapshot"]);
    let mut snapshot = before.clone();
    let mut proposal = proposal(case).unwrap();
    let group = json!({ "id": "g9", "displayName": "New", "members": ["someone-new"] });
    proposal.read(group.to_string().as_bytes(), "g.json", ProposalKind::Group).unwrap();
    proposal.push(ProposalPlace::new("x", ""), Proposed::PolicyRemoved("no such".into())).unwrap();
    assert!(snapshot.with_proposal(&proposal).is_err());
    assert_eq!(snapshot, before);
    assert!(snapshot.objects.find("someone-new").is_none(), "ids are forgotten as well");
}

#[test]
fn before_and_after_can_be_asked_in_turn() {
    let case = &cases("proposals").into_iter().find(|(name, _)| name == "new-group").unwrap().1;
    let before = read_snapshot(&case["snapshot"]);
    let mut snapshot = before.clone();
    let proposal = proposal(case).unwrap();
    let mut after = None;
    for _ in 0..3 {
        let applied = snapshot.with_proposal(&proposal).unwrap();
        assert_ne!(snapshot, before);
        assert_eq!(snapshot.find_user("eins@contoso.example").unwrap().key, before.find_user("u1").unwrap().key);
        let once = after.get_or_insert_with(|| snapshot.clone());
        assert_eq!(*once, snapshot);
        snapshot.undo(applied);
        assert_eq!(snapshot, before);
    }
}
