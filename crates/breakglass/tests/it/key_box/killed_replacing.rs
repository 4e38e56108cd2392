//! `rotate --replace-account`, killed (SIGKILL) at one effect after another: whoever is left gets in with what opens, and the
//! same command again ends with one account in the place of the other.

use breakglass_testkit::is_full;

use super::front::{Fate, Kind};
use super::killed::{Counts, Moment, Watched, decides, entries_in, entries_one_by_one, victim};
use super::successions::Succession;

/// Accounts that can take a place, in the usual form and in the long one.
const OTHERS: [usize; 2] = [9, 90];

/// Entries that a deletion adds: that it is to be, that it is, and both in the ledger.
const DELETION: usize = 4;

/// The moments of a run that adds so many entries. In the usual form all those of the deletion, and one of the rotation.
fn moments(entries: usize) -> Vec<Moment> {
    use Fate::{KilledAfter, KilledBefore, KilledLate};
    let deletion = [KilledBefore, KilledAfter, KilledLate].map(|fate| Moment::Request(Kind::Delete, fate));
    if !is_full() {
        let entries = (entries - DELETION..entries).chain([entries / 3]);
        return deletion.into_iter().chain(entries.map(Moment::Adding)).collect();
    }
    let requests = [Kind::Set, Kind::Prove, Kind::Revoke].into_iter();
    let requests = requests.flat_map(|kind| [KilledBefore, KilledAfter].map(|fate| Moment::Request(kind, fate)));
    deletion.into_iter().chain(requests).chain(entries_one_by_one(entries)).collect()
}

#[test]
fn a_replacement_is_killed_at_every_effect_and_one_of_the_two_is_left() {
    let others = OTHERS[usize::from(is_full())];
    let mut scene = Succession::new("killed-replacing", others);
    let (state, victim) = (scene.world.state(), victim(&scene.world));
    // What a whole run adds is known before anybody is killed.
    let (old, new) = scene.declare_next();
    let before = entries_in(&state);
    scene.replace(0, (&old, &new));
    let entries = entries_in(&state) - before;
    scene.is_done((&old, &new));
    scene.forget(&old);
    let (every, mut counts) = (moments(entries), Counts::default());
    assert!(every.len() < others, "{} moments", every.len());
    for moment in every.iter().copied() {
        let (old, new) = scene.declare_next();
        let both = (&old, &new);
        let world = &scene.world;
        let arguments = ["rotate", "--yes", "--account", &old.1, "--replace-account", &new.1];
        decides(world, moment);
        let begin = || {
            let child = world.command(&arguments).spawn().unwrap();
            *victim.lock().unwrap() = Some(i32::try_from(child.id()).unwrap());
            child
        };
        let mut code = None;
        let watched = Watched { state: &state, folders: &[] };
        let more = watched.killed(moment, begin, |child| {
            let run = world.ended(&arguments, child);
            assert!(matches!(run.code, None | Some(0)), "{moment:?}: {run:?}");
            code = run.code;
        });
        *victim.lock().unwrap() = None;
        world.front.decide(|_| Fate::Passed);
        counts.ended(moment, code, more);
        counts.sign_ins += scene.holds(both);
        let again = scene.replace(0, both);
        assert!(!again.contains("restore"), "{moment:?}: {again}");
        // What was on its way arrives behind it.
        world.runtime.block_on(world.front.let_arrive());
        scene.is_done(both);
        scene.forget(&old);
    }
    counts.told("replacements");
    counts.are_at(&every, entries);
    scene.world.ledger_is_whole();
}
