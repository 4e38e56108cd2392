//! Commands of the key box that ask no tenant, killed (SIGKILL) at one entry after another: the same command again does it, or
//! says that it is done, and the ledger takes everything.

use breakglass_testkit::is_full;

use super::killed::{Counts, Moment, Watched, entries_in, entries_one_by_one};
use super::world::{DOCUMENTS, FIRST, PEOPLE, World, other};

/// A command that is killed.
struct Deed<'d> {
    name: &'d str,
    /// Brings about what has to be before it, and gives its words; the number is that of the try.
    prepare: &'d dyn Fn(usize) -> Vec<String>,
    /// What it is given.
    input: &'d str,
    /// What the same again says where it is done and cannot be done twice.
    says: &'d [&'d str],
    /// What the killed run may not have shown; nothing where it may show everything.
    hides: &'d str,
    /// Ends it, so that it can be done again.
    after: &'d dyn Fn(),
}

/// The moments of a run that adds so many entries; in the usual form the first, the last, and one between.
fn moments(entries: usize) -> Vec<Moment> {
    if is_full() {
        return entries_one_by_one(entries).collect();
    }
    let mut few: Vec<usize> = [0, entries / 2, entries - 1].into();
    few.dedup();
    few.into_iter().map(Moment::Adding).collect()
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

impl Deed<'_> {
    /// One try, with what has to be before and after it.
    fn tried(&self, number: usize, does: &mut dyn FnMut(&[&str])) {
        let words = (self.prepare)(number);
        does(&words.iter().map(String::as_str).collect::<Vec<_>>());
        (self.after)();
    }

    /// Kills it at one moment after another, and does the same again each time.
    fn is_killed(&self, world: &World) {
        let state = world.state();
        // What a whole run adds is known before anybody is killed.
        let mut entries = 0;
        self.tried(0, &mut |words: &[&str]| {
            let before = entries_in(&state);
            world.ends(0, words, self.input);
            entries = entries_in(&state) - before;
        });
        let (every, mut counts) = (moments(entries), Counts::default());
        for (number, moment) in (1..).zip(every.iter().copied()) {
            self.tried(number, &mut |words: &[&str]| {
                let mut code = None;
                let watched = Watched { state: &state, folders: &[] };
                let begin = || world.started(words, self.input);
                let more = watched.killed(moment, begin, |child| {
                    let killed = world.ended(words, child);
                    let is_shown = !self.hides.is_empty() && killed.out.contains(self.hides);
                    assert!(killed.code == Some(0) || !is_shown, "{}, {moment:?}: it is shown", self.name);
                    code = killed.code;
                });
                counts.ended(moment, code, more);
                let again = world.run(words, self.input);
                let is_done = again.code == Some(2) && self.says.iter().any(|said| again.err.contains(said));
                assert!(again.code == Some(0) || is_done, "{}, {moment:?}: {again:?}", self.name);
            });
            world.ledger_is_whole();
        }
        counts.told(self.name);
        counts.are_at(&every, entries);
    }
}

#[test]
fn check_outs_are_killed_at_every_entry_and_gone_on_with() {
    let (world, shares) = World::with_set("killed-check-outs");
    world.ends(0, &["custody", "seal", "--account", FIRST.1, "--id", FIRST.0, "--generate"], "");
    let password = world.opened(DOCUMENTS, &shares)[0].2.clone();
    let both = shares[1..].join("\n");
    let ask = ["checkout", "request", "--account", FIRST.1, "--person", PEOPLE[0], "--reason", "a test"];
    let agree = ["checkout", "approve", "--account", FIRST.1, "--person", PEOPLE[1], "--yes"];
    let open = ["checkout", "open", "--account", FIRST.1, "--share", "-"];
    let give_back = ["checkout", "return", "--account", FIRST.1, "--person", PEOPLE[0]];
    let refuse = ["checkout", "refuse", "--account", FIRST.1, "--person", PEOPLE[0]];
    let ends = |words: &[&str], input: &str| drop(world.ends(0, words, input));
    let deeds = [
        Deed {
            name: "checkout request",
            prepare: &|_| owned(&ask),
            input: "",
            says: &["is under way"],
            hides: "",
            after: &|| ends(&refuse, ""),
        },
        Deed {
            name: "checkout approve",
            prepare: &|_| {
                ends(&ask, "");
                owned(&agree)
            },
            input: "",
            says: &["has approved it already"],
            hides: "",
            after: &|| ends(&refuse, ""),
        },
        Deed {
            name: "checkout return",
            prepare: &|_| {
                [ask.as_slice(), &agree].into_iter().for_each(|words| ends(words, ""));
                ends(&open, &both);
                owned(&give_back)
            },
            input: "",
            says: &["nothing is asked for"],
            hides: "",
            after: &|| {},
        },
        // Whoever has enough shares opens as often as they like; what was not written down was not shown.
        Deed {
            name: "custody open",
            prepare: &|_| owned(&["custody", "open", "--account", FIRST.1, "--reason", "a test", "--share", "-"]),
            input: &both,
            says: &[],
            hides: &password,
            after: &|| {},
        },
    ];
    deeds.iter().for_each(|deed| deed.is_killed(&world));
}

#[test]
fn sealing_and_retiring_are_killed_at_every_entry_and_gone_on_with() {
    let (world, shares) = World::with_set("killed-sealing");
    // Another account each time, which nobody asks the tenant for.
    let seal = |number: usize| {
        let (id, name, _) = other(number);
        owned(&["custody", "seal", "--account", &name, "--id", &id, "--generate"])
    };
    Deed {
        name: "custody seal",
        prepare: &seal,
        input: "",
        // Between the document and its entry it is taken for one of another machine, so that nobody seals beside it.
        says: &["has passwords that are sealed", "is in no record here"],
        hides: "",
        after: &|| {},
    }
    .is_killed(&world);
    // Whatever was shown is sealed, and what is sealed opens.
    let runs = world.runs.lock().unwrap().clone();
    let shown = runs.iter().filter(|run| run.arguments.iter().any(|word| word == "seal"));
    let shown: Vec<&str> = shown.map(|run| run.out.trim()).filter(|out| !out.is_empty()).collect();
    let opened = world.opened(DOCUMENTS, &shares);
    assert!(!shown.is_empty());
    for password in shown {
        assert!(opened.iter().any(|(.., opened)| opened == password), "it was shown, and is not sealed");
    }
    // Another set each time, which is the next one: by its name, since without it the same again means the one before.
    let retire = |number: usize| {
        world.ends(0, &["custody", "new-set", "--threshold", "2", "--output", &format!("retired-{number}")], "");
        let set = world.sets().last().unwrap().id.to_string();
        owned(&["custody", "retire", "--set", &set, "--reason", "a share is lost"])
    };
    Deed { name: "custody retire", prepare: &retire, input: "", says: &[], hides: "", after: &|| {} }.is_killed(&world);
}
