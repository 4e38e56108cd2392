//! The files are in `tests/proposal`.

use std::path::{Path, PathBuf};

use breakglass_model::snapshot::Snapshot;
use clap::Parser as _;

use super::{After, FOLDER_DEPTH_MAX, LoadedProposal, ProposalArguments, name_map};
use crate::failure::Failure;
use crate::subject::{SubjectArguments, load_snapshot};
use crate::wiring::World;

#[derive(Debug, clap::Parser)]
struct Guard {
    #[command(flatten)]
    subject: SubjectArguments,
    #[command(flatten)]
    proposal: ProposalArguments,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/proposal")
}

/// Parses arguments; words that are files of the folder stand for their paths.
fn parse(arguments: &str) -> Guard {
    let words = arguments.split(' ').filter(|word| !word.is_empty()).map(|word| {
        let path = folder().join(word);
        if path.exists() { path.display().to_string() } else { word.to_owned() }
    });
    Guard::try_parse_from(["guard".to_owned(), "--snapshot".to_owned()].into_iter().chain(words)).unwrap()
}

fn load(arguments: &str) -> Result<(Snapshot, After), Failure> {
    let guard = parse(&format!("tenant.json {arguments}"));
    let world = World::of_process();
    let snapshot = load_snapshot(&folder().join("tenant.json"), &world)?;
    let after = guard.proposal.load(&world, &guard.subject, &snapshot)?;
    Ok((snapshot, after))
}

fn changes(arguments: &str) -> (Vec<String>, LoadedProposal) {
    let (mut snapshot, after) = load(arguments).unwrap();
    let After::Proposal(loaded) = after else { panic!("{arguments} is a proposal") };
    let before = snapshot.clone();
    let applied = snapshot.with_proposal(&loaded.proposal).unwrap();
    let lines = applied.iter().map(ToString::to_string).collect();
    snapshot.undo(applied);
    assert_eq!(snapshot, before);
    (lines, loaded)
}

#[test]
fn everything_that_can_be_proposed_at_once() {
    let arguments = "--policy patch.json --named-location location.json --group members.json";
    let expected = [
        "named location `Headquarters` changed: trusted yes -> no",
        "group `Emergency access exclusions` changed: members -1 (`anna@contoso.example`)",
        "policy `Block legacy authentication` changed: state disabled -> enabled",
    ];
    assert_eq!(changes(arguments).0, expected);
    assert_eq!(changes("--remove-policy p1").0, ["policy `Block legacy authentication` removed: it was disabled"]);
    assert_eq!(changes("--terraform-plan plan.json").0, ["named location `Headquarters` removed"]);
}

#[test]
fn a_policy_folder_in_the_names_of_the_tenant() {
    for map in ["names.toml", "names.json"] {
        let (lines, loaded) = changes(&format!("--policy policies --name-map {map}"));
        assert_eq!(lines.len(), 3, "{lines:#?}");
        assert_eq!(lines[0], "group `Emergency access exclusions` stays as it is");
        assert!(lines[1].starts_with("policy `Block legacy authentication` changed: state disabled -> enabled;"));
        for part in ["excluded users +1 (`anna@contoso.example`)", "(`Emergency access exclusions`, `somebody-else`)"] {
            assert!(lines[1].contains(part), "{part}: {}", lines[1]);
        }
        assert!(lines[1].contains("included locations +1 (`Headquarters`)"), "{}", lines[1]);
        assert!(lines[2].contains("included roles +1 (`Global Administrator`)"), "{}", lines[2]);
        // Who is excluded with the group that nobody mapped cannot be told.
        let doubt =
            "cannot be told: `conditions.users.excludeGroups` names what is neither in the tenant nor in the map";
        assert!(lines[1].contains(doubt), "{}", lines[1]);
        let unmapped: Vec<String> = loaded.unmapped.iter().map(ToString::to_string).collect();
        assert_eq!(unmapped, ["`somebody-else` in groups, named by 1 policy"]);
    }
}

#[test]
fn a_second_snapshot() {
    let (_, after) = load("--after tenant.json").unwrap();
    assert!(matches!(after, After::Snapshot(snapshot) if snapshot.users.items().len() == 1));
}

#[test]
fn every_fault_has_its_code_and_a_way_out() {
    for (arguments, code, part) in [
        ("", "BG1601", "nothing is proposed"),
        ("--policy no-such.json", "BG1602", "cannot be read"),
        ("--policy empty", "BG1602", "has no proposed policy"),
        ("--policy broken.json", "BG1603", "trailing comma at line 1 column 14"),
        ("--policy names.json", "BG1604", "neither an `id` nor a `displayName`"),
        ("--policy tenant.json", "BG1604", "is a whole snapshot"),
        ("--policy plan.json", "BG1605", "is a Terraform plan"),
        ("--terraform-plan patch.json", "BG1605", "is no Terraform plan"),
        ("--terraform-plan old-plan.json", "BG1605", "has the plan format `9.0`"),
        ("--policy patch.json --name-map misspelt.toml", "BG1609", "unknown field `group`"),
        ("--policy patch.json --name-map misspelt.json", "BG1609", "invalid type: integer,"),
        ("--policy patch.json --name-map absent.toml", "BG1610", "did you mean `Emergency access exclusions`?"),
        ("--policy patch.json --name-map several.toml", "BG1610", "is the name of several"),
        ("--after other-tenant.json", "BG1611", "is of the tenant `fabrikam`, and the one before it of `contoso`"),
        ("--policy - --group -", "BG1505", "two of the proposed files"),
    ] {
        let failure = load(arguments).unwrap_err().plain();
        assert!(failure.starts_with(code), "{arguments}: {failure}");
        assert!(failure.contains(part), "{arguments}: {failure}");
        assert!(failure.contains("help: "), "{arguments}: {failure}");
    }
    let guard = parse("- --policy -");
    let error = guard.proposal.load(&World::of_process(), &guard.subject, &Snapshot::default()).unwrap_err();
    assert!(error.plain().contains("the snapshot and what is proposed"), "{}", error.plain());
}

#[test]
fn what_the_tenant_does_not_have_is_said_when_it_is_applied() {
    let (mut snapshot, after) = load("--remove-policy p7 --policy patch.json patch.json").unwrap();
    let After::Proposal(loaded) = after else { panic!("it is a proposal") };
    let failure = Failure::from(snapshot.with_proposal(&loaded.proposal).unwrap_err());
    assert!(failure.plain().starts_with("BG1607"), "{}", failure.plain());
    let (mut snapshot, after) = load("--remove-policy p7").unwrap();
    let After::Proposal(loaded) = after else { panic!("it is a proposal") };
    let failure = Failure::from(snapshot.with_proposal(&loaded.proposal).unwrap_err());
    assert!(failure.plain().starts_with("BG1606"), "{}", failure.plain());
}

#[test]
fn a_second_snapshot_stands_alone() {
    let words = ["guard", "--snapshot", "a", "--after", "b", "--policy", "c"];
    assert!(Guard::try_parse_from(words).is_err());
}

#[test]
fn the_place_in_a_map_of_names_is_shown() {
    let failure = Failure::from(name_map("m.json", "{\n \"groups\": 7\n}".to_owned()).unwrap_err());
    assert!(failure.plain().contains("at m.json:2:"), "{}", failure.plain());
}

#[test]
fn one_folder_too_deep_is_said() {
    let root = std::env::temp_dir().join(format!("breakglass-proposal-{}", std::process::id()));
    let mut deep = root.clone();
    (0..=FOLDER_DEPTH_MAX).for_each(|level| deep.push(level.to_string()));
    std::fs::create_dir_all(&deep).unwrap();
    let failure = load(&format!("--policy {}", root.display())).unwrap_err().plain();
    assert!(failure.starts_with("BG1608") && failure.contains("folders more than 16 deep"), "{failure}");
    std::fs::remove_dir(&deep).unwrap();
    let failure = load(&format!("--policy {}", root.display())).unwrap_err().plain();
    assert!(failure.starts_with("BG1602"), "{failure}");
    std::fs::remove_dir_all(&root).unwrap();
}
