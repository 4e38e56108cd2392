//! The way back: everything of a plan, what was done of one that was stopped, and whatever fails on the way.

use std::borrow::Cow;

use breakglass_ops::ports::{GraphRequest, Method};
use breakglass_ops::setup::action::{Action, Named, Ref};
use breakglass_ops::setup::plan::{Head, Plan};
use breakglass_ops::setup::{self, ApplyError, Objection, undo_of};
use serde_json::json;

use super::referee::State;
use super::script::{Ended, Fault, Kind, Script};
use super::world::{OPERATOR, SECOND, Scene, Template, World};

/// What is another than it was before the plan.
fn fault(first: &State, world: &World) -> Option<String> {
    let now = State::of(world);
    let names = |state: &State| {
        let users = state.users.values().map(ToString::to_string);
        let groups = state.groups.iter().map(|(id, (group, members))| format!("{id} {group} {members:?}"));
        let units = state.units.iter().map(|(id, (unit, members))| format!("{id} {unit} {members:?}"));
        let policies = state.policies.values().map(|policy| {
            let mut policy = policy.clone();
            // None and no list at all are the same.
            policy["conditions"]["users"].as_object_mut().unwrap().retain(|_, value| *value != serde_json::json!([]));
            policy.to_string()
        });
        let roles = state.assignments.iter().map(|one| format!("{one:?}"));
        let methods = std::iter::once(state.methods.to_string());
        users.chain(groups).chain(units).chain(policies).chain(roles).chain(methods).collect::<Vec<_>>()
    };
    let (was, is) = (names(first), names(&now));
    is.iter()
        .find(|one| !was.contains(one))
        .map(|one| format!("{one} is new"))
        .or_else(|| was.iter().find(|one| !is.contains(one)).map(|one| format!("{one} is gone")))
}

fn in_bin(world: &World) -> usize {
    let deleted = world.list("/v1.0/directory/deletedItems/microsoft.graph.user");
    deleted.iter().filter(|user| user["userPrincipalName"].as_str().unwrap().ends_with(SECOND)).count()
}

#[test]
fn what_a_plan_has_done_is_taken_back_and_every_single_fault_on_the_way_is_survived() {
    for scene in Scene::ALL {
        let template = Template::new(scene, "undo");
        let mut runs = 0;
        let mut faults: Vec<Option<(usize, Fault)>> = vec![None];
        let mut at = 0;
        while let Some(one) = faults.get(at).copied() {
            at += 1;
            let world = template.world();
            let first = State::of(&world);
            let script = Script::new(&world, None, &[]);
            assert!(matches!(script.apply(&template.plan), Ended::Whole(_)));
            let undo = undo_of(&template.plan, &script.store, world.now()).unwrap();
            assert_eq!((undo.by_hand.len(), undo.steps.len()), (0, template.plan.steps.len()), "{}", undo.document());
            let back = Script::new(&world, None, one.as_slice());
            let mut ended = back.apply(&undo);
            if one.is_some() && !matches!(ended, Ended::Whole(_)) {
                ended = back.apply(&undo);
            }
            if let Ended::Stopped(error) = ended {
                panic!("{}, {one:?}: {error}: {:?}\n{}", scene.name(), std::error::Error::source(&error), back.told());
            }
            if let Some(fault) = fault(&first, &world) {
                panic!("{}, {one:?}: {fault}\n{}", scene.name(), back.told());
            }
            assert_eq!(in_bin(&world), usize::from(scene.makes_second()));
            if one.is_none() {
                let events = back.events();
                let every = events.iter().enumerate().flat_map(|(at, kind)| {
                    let tried = kind.faults().iter().enumerate().filter(move |(number, _)| kind.is_tried(at, *number));
                    tried.map(move |(_, one)| (at, *one))
                });
                faults.extend(every.map(Some));
                taken_back_is_not_done(&template, &script);
            }
            runs += 1;
        }
        println!("{}: {runs} runs of the way back", scene.name());
    }
}

/// Whoever carries the plan out once more is told, and so is whoever plans again.
fn taken_back_is_not_done(template: &Template, script: &Script<'_>) {
    match script.apply(&template.plan) {
        Ended::Stopped(ApplyError::Moved(moved)) => assert!(moved[0].contains("taken back"), "{moved:?}"),
        _ => panic!("it is not told that it was taken back"),
    }
    let again = setup::plan(&script.world.snapshot(), &template.scene.wanted(), script.world.now());
    if template.scene.makes_second() {
        assert_eq!(again.unwrap_err(), [Objection::InBin(SECOND.to_owned())]);
    } else {
        assert_eq!(again.unwrap().steps, template.plan.steps);
    }
}

#[test]
fn what_was_done_of_a_plan_that_was_stopped_at_any_request_is_taken_back() {
    for scene in Scene::ALL {
        let template = Template::new(scene, "undo-half");
        let world = template.world();
        let whole = Script::new(&world, None, &[]);
        assert!(matches!(whole.apply(&template.plan), Ended::Whole(_)));
        let (mut runs, mut left) = (0, 0);
        for (at, kind) in whole.events().iter().enumerate() {
            let faults: &[Fault] = match kind {
                Kind::Write => &[Fault::KilledBefore, Fault::KilledAfter, Fault::Refused(403)],
                Kind::Entry => &[Fault::KilledBefore, Fault::KilledAfter],
                _ => &[Fault::KilledBefore],
            };
            for one in faults {
                let world = template.world();
                let first = State::of(&world);
                let script = Script::new(&world, None, &[(at, *one)]);
                assert!(!matches!(script.apply(&template.plan), Ended::Whole(_)));
                let undo = undo_of(&template.plan, &script.store, world.now()).unwrap();
                let back = Script::new(&world, None, &[]);
                if let Ended::Stopped(error) = back.apply(&undo) {
                    panic!("{}, {at} {one:?}: {error}\n{}", scene.name(), script.told());
                }
                match fault(&first, &world) {
                    None => {}
                    // Nobody knows its id, and somebody is told to look for it.
                    Some(_) if undo.by_hand.len() == 1 => left += 1,
                    Some(fault) => panic!("{}, {at} {one:?}: {fault}\n{}", scene.name(), script.told()),
                }
                runs += 1;
            }
        }
        println!(
            "{}: {runs} plans that were stopped and taken back, in {left} something is left to look for",
            scene.name()
        );
        assert!(left <= 8, "what is left is only what was made without an answer");
    }
}

#[test]
fn what_somebody_has_changed_is_left_and_so_is_the_group_that_it_excludes() {
    let template = Template::new(Scene::Fresh, "undo-left");
    let world = template.world();
    let first = State::of(&world);
    let script = Script::new(&world, None, &[]);
    assert!(matches!(script.apply(&template.plan), Ended::Whole(_)));
    let id = first.policies.iter().find(|(_, policy)| policy["state"] == "enabled").map(|(id, _)| id).unwrap();
    let renamed = json!({ "displayName": "Somebody's now" });
    let target = format!("/v1.0/identity/conditionalAccess/policies/{id}");
    world.answer(&GraphRequest::with_body(Method::Patch, target, Cow::Borrowed(&renamed))).unwrap();
    let undo = undo_of(&template.plan, &script.store, world.now()).unwrap();
    let back = Script::new(&world, None, &[]);
    let Ended::Whole(applied) = back.apply(&undo) else { panic!("{}", back.told()) };
    let left: Vec<&String> = applied.left.keys().collect();
    assert_eq!(left, ["delete-group", &format!("include:{id}")]);
    assert!(applied.left["delete-group"].contains("policy `Somebody's now` excludes it"), "{:?}", applied.left);
    assert_eq!(applied.done.len(), undo.steps.len() - 2);
    let now = State::of(&world);
    assert_eq!((now.carriers().len(), now.users.len()), (1, first.users.len()));
    for (other, policy) in &now.policies {
        let excluded = policy["conditions"]["users"]["excludeGroups"].as_array().map_or(0, Vec::len);
        assert_eq!(excluded, usize::from(id == other), "{policy}");
    }
    // The same again looks once more, and goes to the end when the policy is put right.
    let Ended::Whole(again) = back.apply(&undo) else { panic!("{}", back.told()) };
    assert_eq!((&again.left, again.done.len()), (&applied.left, undo.steps.len() - 2));
    let was = json!({ "displayName": first.policies[id]["displayName"] });
    let target = format!("/v1.0/identity/conditionalAccess/policies/{id}");
    world.answer(&GraphRequest::with_body(Method::Patch, target, Cow::Borrowed(&was))).unwrap();
    let Ended::Whole(whole) = back.apply(&undo) else { panic!("{}", back.told()) };
    assert_eq!((whole.left.len(), whole.done.len()), (0, undo.steps.len()));
    assert_eq!(fault(&first, &world), None);
}

#[test]
fn no_unit_is_taken_from_a_group_that_somebody_excludes_meanwhile() {
    let template = Template::new(Scene::Kept, "undo-unit");
    let world = template.world();
    let script = Script::new(&world, None, &[]);
    assert!(matches!(script.apply(&template.plan), Ended::Whole(_)));
    let undo = undo_of(&template.plan, &script.store, world.now()).unwrap();
    let policy = json!({
        "displayName": "New of somebody", "state": "disabled",
        "conditions": { "clientAppTypes": ["all"], "applications": { "includeApplications": ["All"] },
                        "users": { "includeUsers": ["All"], "excludeGroups": [State::of(&world).carriers()[0]] } },
        "grantControls": { "operator": "OR", "builtInControls": ["mfa"] },
    });
    let target = "/v1.0/identity/conditionalAccess/policies";
    world.answer(&GraphRequest::with_body(Method::Post, target, Cow::Borrowed(&policy))).unwrap();
    let before = State::of(&world);
    let back = Script::new(&world, None, &[]);
    let Ended::Stopped(ApplyError::Moved(moved)) = back.apply(&undo) else { panic!("{}", back.told()) };
    assert!(
        moved[0].contains("policy `New of somebody` would go on to exclude the group without its unit"),
        "{moved:?}"
    );
    assert_eq!(fault(&before, &world), None);
}

#[test]
fn nobody_takes_back_the_account_that_they_are_signed_in_with() {
    let template = Template::new(Scene::Left, "undo-oneself");
    let world = template.world();
    let operator = world.get(&format!("/v1.0/users/{}?$select=id", OPERATOR.0)).unwrap();
    let account = Named { object: Ref::Id(operator["id"].as_str().unwrap().to_owned()), name: OPERATOR.0.to_owned() };
    let head = Head {
        tenant_id: template.plan.tenant_id.clone(),
        tenant_name: String::new(),
        made_at: world.now(),
        accounts: Vec::new(),
        policies: template.plan.policies.clone(),
        takes_back: Some(template.plan.digest.clone()),
    };
    let undo = Plan::new(head, vec![(Action::DeleteAccount { account }, "the plan made it".to_owned())], Vec::new());
    let back = Script::new(&world, None, &[]);
    let Ended::Stopped(ApplyError::Oneself(who)) = back.apply(&undo) else { panic!("{}", back.told()) };
    assert_eq!(who, OPERATOR.0);
}
