//! The record of drills: what may follow what, when one is due, and random records against somebody who only looks back.

use std::collections::BTreeSet;

use breakglass_custody::approval::REASON_CHARS_MAX;
use breakglass_custody::name::Name;
use breakglass_ops::drill::record::{
    Begun, Course, DRILL_DAYS_MAX, Due, Elevation, Entry, EntryError, Outcome, SeenBy, Surface, Tried,
};
use breakglass_testkit::tenants::random::Random;
use jiff::{SignedDuration, Timestamp};

fn names(text: &str) -> BTreeSet<Name> {
    text.split(',').filter(|text| !text.is_empty()).map(|text| Name::read(text).unwrap()).collect()
}

/// So many hours after the first.
fn hour(hours: i64) -> Timestamp {
    "2026-11-27T03:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_hours(hours)
}

const STAFF: &str = "ada,bram,cleo";
const GRAPH: Surface = Surface::MicrosoftGraph;
const ELEVATION: Surface = Surface::AzureElevation;
const PORTAL: Surface = Surface::AzurePortal;

fn surface(word: &str) -> Surface {
    *Surface::ALL.iter().find(|surface| surface.name() == word).unwrap()
}

fn begun(surfaces: &[Surface], at: i64) -> Begun {
    Begun {
        document: Name::read("document").unwrap(),
        people: names("ada,bram"),
        staff: names(STAFF),
        surfaces: surfaces.iter().copied().collect(),
        reason: "a quarter is over".to_owned(),
        at: hour(at),
    }
}

fn tried(surface: Surface, outcome: Outcome, at: i64) -> Entry {
    let (why, seen_by, milliseconds) = (String::new(), SeenBy::Program, 20);
    Entry::Tried(Tried { surface, outcome, why, seen_by, milliseconds, at: hour(at) })
}

/// Entries as `begun; trying microsoft-graph; good microsoft-graph; ended`, an hour apart. `begun` wants Graph and elevation.
fn entries(text: &str) -> Vec<Entry> {
    let mut all = Vec::new();
    for (at, one) in (0..).zip(text.split(';').map(str::trim).filter(|one| !one.is_empty())) {
        let (what, of) = one.split_once(' ').unwrap_or((one, ""));
        all.push(match what {
            "begun" => Entry::Begun(begun(&[GRAPH, ELEVATION], at)),
            "begun-graph" => Entry::Begun(begun(&[GRAPH], at)),
            "trying" => Entry::Trying { surface: surface(of), at: hour(at) },
            "good" => tried(surface(of), Outcome::Good, at),
            "bad" => tried(surface(of), Outcome::Bad, at),
            "unknown" => tried(surface(of), Outcome::Unknown, at),
            "elevating" => Entry::Elevating { at: hour(at) },
            "elevated" => Entry::Elevated { at: hour(at) },
            "lowered" => Entry::Lowered { at: hour(at) },
            "ended" => Entry::Ended { at: hour(at) },
            other => panic!("{other}"),
        });
    }
    all
}

const WHOLE: &str = "begun; trying microsoft-graph; good microsoft-graph; trying azure-elevation; elevating; elevated; \
                     lowered; good azure-elevation; ended";

#[test]
fn what_cannot_follow_is_refused_and_says_why() {
    let to_elevation = "begun; trying azure-elevation;";
    let cases = [
        ("trying microsoft-graph", EntryError::NotUnderWay),
        ("good microsoft-graph", EntryError::NotUnderWay),
        ("elevating", EntryError::NotUnderWay),
        ("elevated", EntryError::NotElevated),
        ("lowered", EntryError::NotElevated),
        ("ended", EntryError::NotUnderWay),
        ("begun; good microsoft-graph", EntryError::OutOfTurn(GRAPH)),
        ("begun; trying azure-portal", EntryError::OutOfTurn(PORTAL)),
        ("begun; trying microsoft-graph; trying azure-elevation", EntryError::Trying(GRAPH)),
        ("begun; trying microsoft-graph; good azure-elevation", EntryError::OutOfTurn(ELEVATION)),
        ("begun; trying microsoft-graph; ended", EntryError::Trying(GRAPH)),
        ("begun; trying microsoft-graph; elevating", EntryError::OutOfTurn(ELEVATION)),
        ("begun; trying microsoft-graph; bad microsoft-graph; trying microsoft-graph", EntryError::OutOfTurn(GRAPH)),
        (&format!("{to_elevation} good azure-elevation"), EntryError::NotElevated),
        (&format!("{to_elevation} elevating; elevating"), EntryError::MayStand),
        (&format!("{to_elevation} elevating; good azure-elevation"), EntryError::MayStand),
        (&format!("{to_elevation} elevating; elevated; good azure-elevation"), EntryError::MayStand),
        (&format!("{to_elevation} elevating; lowered; good azure-elevation"), EntryError::NotElevated),
        (&format!("{to_elevation} elevating; elevated; elevated"), EntryError::NotElevated),
        // What a drill that was stopped left is not elevated once more before it is taken back.
        (&format!("{to_elevation} elevating; {to_elevation} elevating"), EntryError::MayStand),
        (&format!("{to_elevation} elevating; begun; elevated"), EntryError::OutOfTurn(ELEVATION)),
    ];
    for (text, error) in cases {
        let all = entries(text);
        let (last, before) = all.split_last().unwrap();
        let mut course = Course::of(before).unwrap();
        let was = course.clone();
        assert_eq!(course.add(last), Err(error), "{text}");
        assert_eq!(course, was, "{text}");
    }
}

#[test]
fn a_beginning_that_is_none_is_refused() {
    type Change = fn(&mut Begun);
    let cases: [(Change, EntryError); 5] = [
        (|one| one.people = names("ada"), EntryError::Nobody),
        (|one| one.people = names(""), EntryError::Nobody),
        (|one| one.surfaces.clear(), EntryError::Nobody),
        (|one| one.reason = " \n".to_owned(), EntryError::Reason),
        (|one| one.reason = "x".repeat(REASON_CHARS_MAX + 1), EntryError::Reason),
    ];
    for (change, error) in cases {
        let mut one = begun(&[GRAPH], 0);
        change(&mut one);
        assert_eq!(Course::default().add(&Entry::Begun(one)), Err(error));
    }
}

#[test]
fn a_clock_that_once_was_wrong_stops_no_drill() {
    let of_staff: BTreeSet<Name> = names(STAFF);
    let ahead = 24 * 365;
    let drill = |begun_at: i64, ended_at: i64| {
        [
            Entry::Begun(begun(&[GRAPH], begun_at)),
            Entry::Trying { surface: GRAPH, at: hour(begun_at) },
            tried(GRAPH, Outcome::Good, ended_at),
            Entry::Ended { at: hour(ended_at) },
        ]
    };
    let mut course = Course::of(&drill(0, ahead)).unwrap();
    assert_eq!(course.due(hour(ahead), &of_staff), None);
    assert_eq!(
        course.due(hour(1), &of_staff),
        Some(Due::Ahead { ended_at: hour(ahead) }),
        "nobody knows how old it is"
    );
    for entry in &drill(2, 1) {
        course.add(entry).unwrap();
    }
    assert_eq!(course.due(hour(1), &of_staff), None);
}

#[test]
fn a_drill_is_due() {
    let staff = |text: &str| Due::Staff { new: names(text), gone: BTreeSet::new() };
    let days = |days: i64| 24 * days;
    let ended = 8;
    let again = format!("{WHOLE}; begun-graph; trying microsoft-graph; bad microsoft-graph; ended");
    let cases = [
        ("", STAFF, 0, Some(Due::Never)),
        ("begun", STAFF, 1, Some(Due::Stopped { begun_at: hour(0) })),
        (WHOLE, STAFF, ended, None),
        (WHOLE, STAFF, ended + days(DRILL_DAYS_MAX) - 1, None),
        (WHOLE, STAFF, ended + days(DRILL_DAYS_MAX), Some(Due::Old { ended_at: hour(ended) })),
        (WHOLE, "ada,bram,cleo,dan", ended, Some(staff("dan"))),
        (WHOLE, "ada,bram", ended, Some(Due::Staff { new: names(""), gone: names("cleo") })),
        (WHOLE, "ada,bram,dan", ended, Some(Due::Staff { new: names("dan"), gone: names("cleo") })),
        (&again, STAFF, 13, Some(Due::NotGood { ended_at: hour(12) })),
        ("begun-graph; ended", STAFF, 2, Some(Due::NotGood { ended_at: hour(1) })),
        (
            "begun-graph; trying microsoft-graph; unknown microsoft-graph; ended",
            STAFF,
            4,
            Some(Due::NotGood { ended_at: hour(3) }),
        ),
        ("begun; trying azure-elevation; elevating", STAFF, 4, Some(Due::Elevated)),
        (
            "begun; trying azure-elevation; elevating; elevated; bad azure-elevation; ended",
            STAFF,
            9,
            Some(Due::Elevated),
        ),
        // What was good stays so until the next has ended, which may have been begun by mistake.
        (&format!("{WHOLE}; begun-graph"), STAFF, 10, Some(Due::Stopped { begun_at: hour(9) })),
    ];
    for (text, now_known, at, due) in cases {
        let course = Course::of(&entries(text)).unwrap();
        assert_eq!(course.due(hour(at), &names(now_known)), due, "{text}");
    }
    let course = Course::of(&entries(&again)).unwrap();
    assert_eq!(course.last_good().unwrap().ended_at, hour(ended));
}

#[test]
fn entries_are_written_under_their_names() {
    let written: Vec<String> = entries(WHOLE).iter().map(|entry| serde_json::to_string(entry).unwrap()).collect();
    let begun = r#"{"state":"begun","document":"document","people":["ada","bram"],"staff":["ada","bram","cleo"],"surfaces":["microsoft-graph","azure-elevation"],"reason":"a quarter is over","at":"2026-11-27T03:00:00Z"}"#;
    let good = r#"{"state":"tried","surface":"microsoft-graph","outcome":"good","why":"","seenBy":"program","milliseconds":20,"at":"2026-11-27T05:00:00Z"}"#;
    assert_eq!((written[0].as_str(), written[2].as_str()), (begun, good));
    for (text, entry) in written.iter().zip(entries(WHOLE)) {
        assert_eq!(serde_json::from_str::<Entry>(text).unwrap(), entry);
    }
    for surface in Surface::ALL {
        assert_eq!(serde_json::to_string(&surface).unwrap(), format!("\"{}\"", surface.name()));
    }
}

/// Whoever only looks back over what is written down.
struct Referee<'e>(&'e [Entry]);

impl Referee<'_> {
    /// The entries since the last beginning, which is the first of them; none if that drill has ended.
    fn drill(&self) -> Option<&[Entry]> {
        let at = self.0.iter().rposition(|entry| matches!(entry, Entry::Begun(_)))?;
        let drill = &self.0[at..];
        if drill.iter().any(|entry| matches!(entry, Entry::Ended { .. })) { None } else { Some(drill) }
    }

    fn elevation(&self) -> Elevation {
        let about =
            |entry: &&Entry| matches!(entry, Entry::Elevating { .. } | Entry::Elevated { .. } | Entry::Lowered { .. });
        match self.0.iter().rev().find(about) {
            Some(Entry::Elevating { .. }) => Elevation::Perhaps,
            Some(Entry::Elevated { .. }) => Elevation::Stands,
            _ => Elevation::None,
        }
    }

    fn may_follow(&self, entry: &Entry) -> bool {
        let drill = self.drill().unwrap_or_default();
        let count = |is: &dyn Fn(&Entry) -> bool| drill.iter().filter(|entry| is(entry)).count();
        let tries = |of: Surface| count(&|one| matches!(one, Entry::Trying { surface, .. } if *surface == of));
        let ends = |of: Surface| count(&|one| matches!(one, Entry::Tried(tried) if tried.surface == of));
        let is_tried_now = |of: Surface| tries(of) > ends(of);
        let is_any_tried_now = Surface::ALL.into_iter().any(is_tried_now);
        let is_wanted =
            |of: Surface| matches!(drill.first(), Some(Entry::Begun(begun)) if begun.surfaces.contains(&of));
        let was_elevated = count(&|one| matches!(one, Entry::Elevated { .. })) > 0;
        let stands = self.elevation();
        match entry {
            Entry::Begun(_) => true,
            Entry::Trying { surface, .. } => is_wanted(*surface) && tries(*surface) == 0 && !is_any_tried_now,
            Entry::Tried(tried) => {
                let is_elevation_good = tried.surface == ELEVATION && tried.outcome == Outcome::Good;
                is_tried_now(tried.surface) && (!is_elevation_good || was_elevated && stands == Elevation::None)
            }
            Entry::Elevating { .. } => is_tried_now(ELEVATION) && stands == Elevation::None,
            Entry::Elevated { .. } => is_tried_now(ELEVATION) && stands == Elevation::Perhaps,
            Entry::Lowered { .. } => stands != Elevation::None,
            Entry::Ended { .. } => !drill.is_empty() && !is_any_tried_now,
        }
    }

    /// When the last good drill ended.
    fn last_good(&self) -> Option<Timestamp> {
        let is_end = |entry: &Entry| matches!(entry, Entry::Ended { .. });
        let ends = self.0.iter().enumerate().rev().filter(|(_, entry)| is_end(entry));
        for (end, entry) in ends {
            let before = &self.0[..end];
            let begin = before.iter().rposition(|entry| matches!(entry, Entry::Begun(_))).unwrap();
            let Entry::Begun(begun) = &before[begin] else { unreachable!() };
            let is_good = |of: &Surface| {
                before[begin..].iter().any(
                    |one| matches!(one, Entry::Tried(tried) if tried.surface == *of && tried.outcome == Outcome::Good),
                )
            };
            if begun.surfaces.iter().all(is_good) {
                let Entry::Ended { at } = entry else { unreachable!() };
                return Some(*at);
            }
        }
        None
    }
}

#[test]
fn random_records_agree_with_the_referee_seed() {
    const SEED: u64 = 0xd211;
    let mut random = Random::new(SEED);
    let outcomes = [Outcome::Good, Outcome::Good, Outcome::Good, Outcome::Unknown, Outcome::Bad];
    let (mut taken, mut refused, mut good, mut elevated) = (0, 0, 0, 0);
    for _ in 0..3_000 {
        let (mut all, mut course) = (Vec::<Entry>::new(), Course::default());
        for at in 0..40 {
            let some = [GRAPH, ELEVATION, PORTAL][random.below(3)];
            let at = i64::from(at);
            let entry = match random.below(16) {
                0 => Entry::Begun(begun(&[GRAPH, ELEVATION][..=random.below(2)], at)),
                1..=4 => Entry::Trying { surface: some, at: hour(at) },
                5..=8 => tried(some, outcomes[random.below(outcomes.len())], at),
                9 | 10 => Entry::Elevating { at: hour(at) },
                11 | 12 => Entry::Elevated { at: hour(at) },
                13 | 14 => Entry::Lowered { at: hour(at) },
                _ => Entry::Ended { at: hour(at) },
            };
            let expected = Referee(&all).may_follow(&entry);
            let was = course.clone();
            assert_eq!(course.add(&entry).is_ok(), expected, "seed {SEED}: {entry:?} after {all:?}");
            if expected {
                all.push(entry);
                taken += 1;
            } else {
                assert_eq!(course, was);
                refused += 1;
            }
            let referee = Referee(&all);
            assert_eq!(course.elevation(), referee.elevation());
            assert_eq!(course.under_way().is_some(), referee.drill().is_some());
            assert_eq!(course.last_good().map(|good| good.ended_at), referee.last_good(), "{all:?}");
            good += usize::from(course.last_good().is_some());
            elevated += usize::from(course.elevation() != Elevation::None);
        }
        assert_eq!(Course::of(&all), Ok(course));
    }
    println!(
        "seed {SEED}: {taken} entries taken, {refused} refused, {good} times after a good drill, {elevated} elevated"
    );
    assert!(taken > 0 && refused > 0 && good > 0 && elevated > 0);
}
