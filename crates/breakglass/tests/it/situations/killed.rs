//! `apply`, the process killed at one step after another and run again: a sample of what `apply/crashes.rs` enumerates.

use std::fs;

use breakglass_tenant::profile::Profile;
use breakglass_testkit::is_full;
use serde_json::json;

use super::keys::app;
use super::product::{Ended, Stop};
use super::seed::{ADA, ADA_ID, FIRST, GLOBAL_ADMINISTRATOR, SECOND, Seed, declared, policy};
use super::stage::Stage;

/// Steps of the plan at which the process is killed, each in a tenant of its own: in the usual form, and in the long one.
const KILLED_AT: [usize; 2] = [3, 6];
const KILLED_AT_FULL: [usize; 8] = [1, 2, 3, 4, 5, 6, 7, 8];

fn company(name: &str) -> Stage {
    let seed = Seed::contoso()
        .user(ADA_ID, &ADA, ("Ada", json!([app()])))
        .role(ADA_ID, GLOBAL_ADMINISTRATOR)
        .with("conditionalAccessPolicies", policy(("d1", "Everybody shows two factors", "enabled"), &[], "mfa"));
    let stage = Stage::new(name, &seed.0, Profile::Classic);
    stage.configure("profile = \"classic\"", &declared());
    stage
}

#[test]
fn apply_is_killed_at_one_step_after_another_and_goes_on() {
    let key = age::x25519::Identity::generate().to_public().to_string();
    let apply = ["apply", "--config", "writer.toml", "--yes", "--passwords-to", "safe", "--recipient", key.as_str()];
    for at in if is_full() { KILLED_AT_FULL.as_slice() } else { &KILLED_AT } {
        let stage = company(&format!("killed-{at}"));
        let planned = stage.run(&["plan", "--live"]);
        assert_eq!(planned.code, 0, "{planned:?}");
        // As the step is announced; how far it came is whatever it is.
        let is_step = |line: &str| line.trim_start().starts_with(&format!("{at}/8 "));
        let Ended::Killed(said) = stage.run_until((&ADA, Stop::Kill), &apply, is_step) else {
            panic!("nobody was killed at {at}")
        };
        assert!(said.contains(&format!("{at}/8 ")) && !said.contains(&format!("{}/8 ", at + 1)), "{said}");
        let undo = fs::read_to_string(stage.folder().join("breakglass-plan.undo.json"));
        assert!(*at == 1 || undo.is_ok_and(|undo| undo.contains("\"steps\"")), "the way back is there after {at}");
        let again = stage.run_as(&ADA, &apply);
        assert_eq!(again.code, 0, "killed at {at}: {again:?}");
        assert!(again.stderr.contains("All 8 steps are done"), "killed at {at}: {again:?}");
        let (done, head) = (again.stderr.matches(" (done)\n").count(), "8 steps, ");
        assert!(done == at - 1 || done == *at, "killed at {at}: {again:?}");
        assert!(
            done == 0 || again.stderr.contains(&format!("{head}{done} of them done,")),
            "killed at {at}: {again:?}"
        );
        let once_more = stage.run_as(&ADA, &apply);
        assert_eq!(once_more.code, 0, "{once_more:?}");
        for said in ["Nothing to do: what this plan says (8 steps) was done before.", "no request is left to send"] {
            assert!(once_more.stderr.contains(said), "{once_more:?}");
        }
        let left = stage.run(&["plan", "--live", "--expect-none"]);
        assert!(left.code == 0 && left.stdout.starts_with("Nothing to do"), "killed at {at}: {left:?}");
        // One account of each name, and its password is kept.
        for person in [&FIRST, &SECOND] {
            let kept = stage.folder().join("safe").join(format!("{}.age", person.name));
            assert!(fs::metadata(&kept).is_ok_and(|kept| kept.len() > 0), "killed at {at}: {}", kept.display());
        }
        let undone =
            stage.run_as(&ADA, &["apply", "--config", "writer.toml", "--yes", "--plan", "breakglass-plan.undo.json"]);
        assert_eq!(undone.code, 0, "killed at {at}: {undone:?}");
        // Everything is taken back: the accounts are where Entra keeps deleted ones, and nothing else is in the way.
        let planned = stage.run(&["plan", "--live"]);
        assert_eq!(
            (planned.code, planned.stderr.matches("is in the bin").count()),
            (2, 2),
            "killed at {at}: {planned:?}"
        );
        assert_eq!(planned.stderr.matches("BG4001").count(), 2, "killed at {at}: {planned:?}");
        // The store still has it as done, and the tenant does not.
        let once_more = stage.run_as(&ADA, &apply);
        assert_eq!(once_more.code, 2, "killed at {at}: {once_more:?}");
        for said in ["BG4013", "what a step did was taken back", "policy `Everybody shows two factors` was taken back"]
        {
            assert!(once_more.stderr.contains(said), "{said}: {once_more:?}");
        }
        assert!(!once_more.stderr.contains("Nothing to do"), "{once_more:?}");
    }
}

#[test]
#[cfg(unix)]
fn apply_is_interrupted_and_says_how_to_go_on() {
    let key = age::x25519::Identity::generate().to_public().to_string();
    let apply = ["apply", "--config", "writer.toml", "--yes", "--passwords-to", "safe", "--recipient", key.as_str()];
    let stage = company("interrupted");
    stage.run(&["plan", "--live"]);
    let is_step = |line: &str| line.trim_start().starts_with("2/8 ");
    let Ended::Whole(run) = stage.run_until((&ADA, Stop::Interrupt), &apply, is_step) else { panic!("it was killed") };
    assert_eq!(run.code, 4, "{run:?}");
    for said in [
        "BG4014: interrupted",
        "help: run the same command again",
        "breakglass-plan.undo.json --config writer.toml` takes it back",
    ] {
        assert!(run.stderr.contains(said), "{said}: {run:?}");
    }
    let again = stage.run_as(&ADA, &apply);
    assert_eq!((again.code, again.stderr.contains("All 8 steps are done")), (0, true), "{again:?}");
}

#[test]
#[cfg(unix)]
fn the_way_back_of_a_plan_outlasts_the_next_plan() {
    let key = age::x25519::Identity::generate().to_public().to_string();
    let apply = ["apply", "--config", "writer.toml", "--yes", "--passwords-to", "safe", "--recipient", key.as_str()];
    let stage = company("planned-anew");
    stage.run(&["plan", "--live"]);
    let is_step = |line: &str| line.trim_start().starts_with("4/8 ");
    let Ended::Whole(run) = stage.run_until((&ADA, Stop::Interrupt), &apply, is_step) else { panic!("it was killed") };
    assert_eq!(run.code, 4, "{run:?}");
    let undo = |name: &str| fs::read_to_string(stage.folder().join(name));
    let first = undo("breakglass-plan.undo.json").unwrap();
    let planned = stage.run(&["plan"]);
    assert_eq!(planned.code, 0, "without --live the tenant of the configuration is asked: {planned:?}");
    let applied = stage.run_as(&ADA, &apply);
    assert_eq!(applied.code, 0, "{applied:?}");
    assert!(
        applied.stderr.contains("--plan breakglass-plan.undo-2.json --config writer.toml` takes it back"),
        "{applied:?}"
    );
    assert_eq!(undo("breakglass-plan.undo.json").unwrap(), first, "it is as it was");
    for name in ["breakglass-plan.undo-2.json", "breakglass-plan.undo.json"] {
        let undone = stage.run_as(&ADA, &["apply", "--config", "writer.toml", "--yes", "--plan", name]);
        assert_eq!(undone.code, 0, "{name}: {undone:?}");
    }
    let planned = stage.run(&["plan", "--live"]);
    assert_eq!((planned.code, planned.stderr.matches("is in the bin").count()), (2, 2), "{planned:?}");
}
