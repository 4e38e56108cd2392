//! Every distinct state in which rotations can come to rest, come to for real: the way there is played with real sealing and
//! by an embedded tenant in this process; enough shares are combined, every document is opened, and exactly one password signs
//! in.

mod played;
mod ways;

use std::collections::BTreeSet;

use breakglass_testkit::is_full;

use self::played::{Company, played};
use self::ways::{Depth, End, Event, Fare, walked};
use super::sampled::Numbers;

const SEED: u64 = 20_261_130;

/// Two rotations, and how many distinct ends they have.
const PLAIN: (Depth, usize) = (Depth { kills: 0, processes: 2, epochs: 1, openings: 0 }, 1_633);

/// The same with two processes killed: that leads to no end to which nothing else leads.
const KILLED: (Depth, usize) = (Depth { kills: 2, ..PLAIN.0 }, PLAIN.1);

/// The same with a document that custodians open at any moment.
const OPENED: (Depth, usize) = (Depth { openings: 1, ..PLAIN.0 }, 9_467);

/// One rotation with such an opening.
const OPENED_ONCE: (Depth, usize) = (Depth { processes: 1, ..OPENED.0 }, 215);

/// Ends that are come to in the usual form.
const SAMPLES: usize = 100;

/// The same with an opening.
const SAMPLES_OPENED: usize = 60;

/// Accounts of one tenant.
const ACCOUNT_COUNT: usize = 400;

/// What was played.
#[derive(Debug, Default)]
struct Counts {
    ways: usize,
    sign_ins: usize,
    kills: usize,
    late: usize,
    stale: usize,
    openings: usize,
    /// Ends at which another password counts than the one that is to be opened first.
    others: usize,
}

impl Counts {
    fn add(&mut self, end: &End, way: &[Event], sign_ins: usize) {
        let count = |is: fn(&Event) -> bool| way.iter().filter(|event| is(event)).count();
        self.ways += 1;
        self.sign_ins += sign_ins;
        self.kills += count(|event| matches!(event, Event::KilledBefore | Event::KilledAfter(_)));
        self.late += count(|event| matches!(event, Event::Arrives));
        self.stale += count(|event| matches!(event, Event::Steps(Fare::Stale | Fare::StaleUndated)));
        self.openings += count(|event| matches!(event, Event::Opens(_)));
        self.others += usize::from(end.current != Some(end.knows));
    }
}

/// Comes to ends: all of them, or so many by chance.
fn come_to(name: &str, (depth, ends): (Depth, usize), samples: Option<usize>) -> Counts {
    let walked = walked(depth);
    println!(
        "seed {SEED}: {depth:?}: {} states, {} steps, {} distinct ends",
        walked.states,
        walked.steps,
        walked.ends.len()
    );
    assert_eq!(walked.ends.len(), ends, "the protocol has changed, or what is looked at of it");
    let all: Vec<(&End, &Vec<Event>)> = walked.ends.iter().collect();
    let mut numbers = Numbers(SEED);
    let chosen = match samples {
        Some(samples) => (0..samples).map(|_| numbers.one_of(&all)).collect(),
        None => all,
    };
    let (mut counts, mut reached) = (Counts::default(), BTreeSet::new());
    for some in chosen.chunks(ACCOUNT_COUNT) {
        let company = Company::new(name, some.len());
        for (number, (end, way)) in some.iter().enumerate() {
            let played = played(&company, number, way);
            assert_eq!(&played.end, *end, "another end is come to by {way:?}");
            counts.add(end, way, played.sign_ins);
            reached.insert(*end);
        }
    }
    println!("  {} ends come to: {counts:?}", reached.len());
    assert!(samples.is_some() || reached.len() == ends, "an end was not come to");
    counts
}

#[test]
fn at_every_distinct_end_by_seed_one_sealed_password_signs_in() {
    let (depth, samples) = if is_full() { (KILLED, None) } else { (PLAIN, Some(SAMPLES)) };
    let counts = come_to("plain", depth, samples);
    assert!(counts.late > 0 && counts.others > 0 && counts.sign_ins > 2 * counts.ways, "{counts:?}");
    assert!(!is_full() || counts.kills > 0 && counts.stale > 0, "{counts:?}");
}

#[test]
fn at_ends_with_an_opening_by_seed_one_sealed_password_signs_in() {
    let (depth, samples) = if is_full() { (OPENED, None) } else { (OPENED_ONCE, Some(SAMPLES_OPENED)) };
    let counts = come_to("opened", depth, samples);
    assert!(counts.openings > counts.ways / 2, "{counts:?}");
}
