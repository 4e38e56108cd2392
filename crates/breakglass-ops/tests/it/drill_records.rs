//! The record of drills: what may follow what, when one is due, and random records against somebody who only looks back.

use std::collections::BTreeSet;

use breakglass_custody::approval::REASON_CHARS_MAX;
use breakglass_custody::name::Name;
use breakglass_ops::drill::record::{
    Begun, Course, DRILL_DAYS_MAX, Due, Elevation, Entry, EntryError, Outcome, SeenBy, Surface, Tried, Vantage,
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
        from: Vantage::Outside,
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
    let wanted = BTreeSet::from([GRAPH]);
    assert_eq!(course.due(hour(ahead), &wanted, &of_staff), None);
    assert_eq!(
        course.due(hour(1), &wanted, &of_staff),
        Some(Due::Ahead { ended_at: hour(ahead) }),
        "nobody knows how old it is"
    );
    for entry in &drill(2, 1) {
        course.add(entry).unwrap();
    }
    assert_eq!(course.due(hour(1), &wanted, &of_staff), None);
}

#[test]
fn a_drill_is_due() {
    let staff = |new: &str, gone: &str| Some(Due::Staff { new: names(new), gone: names(gone) });
    let untold = |surfaces: &[Surface]| Some(Due::Untold { surfaces: surfaces.iter().copied().collect() });
    let not_good = |surface| Some(Due::NotGood { surfaces: BTreeSet::from([surface]) });
    let both = [GRAPH, ELEVATION];
    let days = |days: i64| 24 * days;
    let (ended, then) = (8, format!("{WHOLE}; begun-graph; trying microsoft-graph;"));
    type Case<'c> = (&'c str, &'c [Surface], &'c str, i64, Option<Due>);
    let cases: [Case<'_>; 20] = [
        ("", &both, STAFF, 0, Some(Due::Never)),
        ("begun", &both, STAFF, 1, Some(Due::Stopped { begun_at: hour(0) })),
        (WHOLE, &both, STAFF, ended, None),
        (WHOLE, &both, STAFF, ended + days(DRILL_DAYS_MAX) - 1, None),
        (WHOLE, &both, STAFF, ended + days(DRILL_DAYS_MAX), Some(Due::Old { ended_at: hour(ended) })),
        (WHOLE, &both, "ada,bram,cleo,dan", ended, staff("dan", "")),
        (WHOLE, &both, "ada,bram", ended, staff("", "cleo")),
        (WHOLE, &both, "ada,bram,dan", ended, staff("dan", "cleo")),
        // What nobody has tried is not known.
        (WHOLE, &[GRAPH, PORTAL], STAFF, ended, untold(&[PORTAL])),
        ("begun-graph; trying microsoft-graph; good microsoft-graph; ended", &both, STAFF, 4, untold(&[ELEVATION])),
        ("begun-graph; ended", &both, STAFF, 2, untold(&both)),
        ("begun-graph; trying microsoft-graph; unknown microsoft-graph; ended", &[GRAPH], STAFF, 4, untold(&[GRAPH])),
        // The last drill that tried a surface counts for it, and for no other.
        (&format!("{then} bad microsoft-graph; ended"), &both, STAFF, 13, not_good(GRAPH)),
        (&format!("{then} bad microsoft-graph; ended"), &[ELEVATION], STAFF, 13, None),
        (&format!("{then} unknown microsoft-graph; ended"), &both, STAFF, 13, untold(&[GRAPH])),
        (&format!("{then} good microsoft-graph; ended"), &both, STAFF, 13, None),
        (
            &format!("{then} good microsoft-graph; ended"),
            &both,
            STAFF,
            ended + days(DRILL_DAYS_MAX),
            Some(Due::Old { ended_at: hour(ended) }),
        ),
        ("begun; trying azure-elevation; elevating", &both, STAFF, 4, Some(Due::Elevated)),
        (
            "begun; trying azure-elevation; elevating; elevated; bad azure-elevation; ended",
            &both,
            STAFF,
            9,
            Some(Due::Elevated),
        ),
        // What was good stays so until the next has ended, which may have been begun by mistake.
        (&format!("{WHOLE}; begun-graph"), &both, STAFF, 10, Some(Due::Stopped { begun_at: hour(9) })),
    ];
    for (text, wanted, now_known, at, due) in cases {
        let course = Course::of(&entries(text)).unwrap();
        let wanted = wanted.iter().copied().collect();
        assert_eq!(course.due(hour(at), &wanted, &names(now_known)), due, "{text}, {wanted:?}");
    }
}

/// A whole drill of Graph, from somewhere.
fn drill_of_graph(from: Vantage, outcome: Outcome, at: i64) -> [Entry; 4] {
    [
        Entry::Begun(Begun { from, ..begun(&[GRAPH], at) }),
        Entry::Trying { surface: GRAPH, at: hour(at) },
        tried(GRAPH, outcome, at),
        Entry::Ended { at: hour(at) },
    ]
}

#[test]
fn a_drill_from_elsewhere_does_not_show_that_it_gets_in_from_outside() {
    use Outcome::{Bad, Good, Unknown as Untold};
    use Vantage::{Inside, Outside, Unknown};
    let graph = BTreeSet::from([GRAPH]);
    let (not_outside, not_good) =
        (Due::NotOutside { surfaces: graph.clone() }, Due::NotGood { surfaces: graph.clone() });
    let day = 24;
    type Case<'c> = (&'c [(Vantage, Outcome, i64)], i64, Option<&'c Due>);
    let cases: [Case<'_>; 11] = [
        (&[(Outside, Good, 0)], 0, None),
        (&[(Inside, Good, 0)], 0, Some(&not_outside)),
        (&[(Unknown, Good, 0)], 0, Some(&not_outside)),
        // What was seen from outside stays so, whatever is seen from elsewhere besides, for as long as any drill counts.
        (&[(Outside, Good, 0), (Inside, Good, 60 * day)], 60 * day, None),
        (&[(Outside, Good, 0), (Unknown, Good, 60 * day)], DRILL_DAYS_MAX * day - 1, None),
        (&[(Outside, Good, 0), (Inside, Good, 60 * day)], DRILL_DAYS_MAX * day, Some(&not_outside)),
        // What was seen from elsewhere mends nothing that was not good from outside.
        (&[(Outside, Bad, 0)], 0, Some(&not_good)),
        (&[(Outside, Bad, 0), (Inside, Good, 1)], 1, Some(&not_outside)),
        (&[(Outside, Good, 0), (Outside, Untold, 1), (Inside, Good, 2)], 2, Some(&not_outside)),
        (&[(Inside, Good, 0), (Outside, Good, 1)], 1, None),
        // Of one that ended in a time to come nobody knows how old it is.
        (&[(Outside, Good, 9), (Inside, Good, 0)], 0, Some(&not_outside)),
    ];
    for (drills, now, due) in cases {
        let all: Vec<Entry> =
            drills.iter().flat_map(|(from, outcome, at)| drill_of_graph(*from, *outcome, *at)).collect();
        let course = Course::of(&all).unwrap();
        assert_eq!(course.due(hour(now), &graph, &names(STAFF)).as_ref(), due, "{drills:?} at {now}");
    }
}

#[test]
fn entries_are_written_under_their_names() {
    let written: Vec<String> = entries(WHOLE).iter().map(|entry| serde_json::to_string(entry).unwrap()).collect();
    let begun = r#"{"state":"begun","document":"document","people":["ada","bram"],"staff":["ada","bram","cleo"],"surfaces":["microsoft-graph","azure-elevation"],"from":"outside","reason":"a quarter is over","at":"2026-11-27T03:00:00Z"}"#;
    let good = r#"{"state":"tried","surface":"microsoft-graph","outcome":"good","why":"","seenBy":"program","milliseconds":20,"at":"2026-11-27T05:00:00Z"}"#;
    assert_eq!((written[0].as_str(), written[2].as_str()), (begun, good));
    for (text, entry) in written.iter().zip(entries(WHOLE)) {
        assert_eq!(serde_json::from_str::<Entry>(text).unwrap(), entry);
    }
    for surface in Surface::ALL {
        assert_eq!(serde_json::to_string(&surface).unwrap(), format!("\"{}\"", surface.name()));
    }
    for from in Vantage::ALL {
        assert_eq!(serde_json::to_string(&from).unwrap(), format!("\"{}\"", from.name()));
    }
    // Older entries do not say from where.
    let older = written[0].replace(r#""from":"outside","#, "");
    let read: Entry = serde_json::from_str(&older).unwrap();
    assert!(matches!(&read, Entry::Begun(begun) if begun.from == Vantage::Unknown), "{read:?}");
    assert_eq!(serde_json::to_string(&read).unwrap(), older);
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

    /// How a surface was seen by the last drill from these places that was to try it and has ended, and when that was.
    fn seen(&self, surface: Surface, from: &[Vantage]) -> Option<(Outcome, Timestamp)> {
        let ends = (0..self.0.len()).rev().filter_map(|end| match &self.0[end] {
            Entry::Ended { at } => Some((end, *at)),
            _ => None,
        });
        for (end, at) in ends {
            let before = &self.0[..end];
            let begin = before.iter().rposition(|entry| matches!(entry, Entry::Begun(_))).unwrap();
            let Entry::Begun(begun) = &before[begin] else { unreachable!() };
            if begun.surfaces.contains(&surface) && from.contains(&begun.from) {
                let outcome = before[begin..].iter().find_map(|entry| match entry {
                    Entry::Tried(tried) if tried.surface == surface => Some(tried.outcome),
                    _ => None,
                });
                return Some((outcome.unwrap_or(Outcome::Unknown), at));
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
    let (mut taken, mut refused, mut good, mut elevated, mut from_outside) = (0, 0, 0, 0, 0);
    for _ in 0..3_000 {
        let (mut all, mut course) = (Vec::<Entry>::new(), Course::default());
        for at in 0..40 {
            let some = [GRAPH, ELEVATION, PORTAL][random.below(3)];
            let at = i64::from(at);
            let entry = match random.below(16) {
                0 => {
                    let from = Vantage::ALL[random.below(3)];
                    Entry::Begun(Begun { from, ..begun(&[GRAPH, ELEVATION][..=random.below(2)], at) })
                }
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
            for surface in [GRAPH, ELEVATION, PORTAL] {
                let seen = course.seen(surface).map(|seen| (seen.outcome, seen.ended_at));
                assert_eq!(seen, referee.seen(surface, &Vantage::ALL), "{all:?}");
                let outside = course.seen_outside(surface).map(|seen| (seen.outcome, seen.ended_at));
                assert_eq!(outside, referee.seen(surface, &[Vantage::Outside]), "{all:?}");
                from_outside += usize::from(outside.is_some() && outside != seen);
                good += usize::from(seen.is_some_and(|(outcome, _)| outcome == Outcome::Good));
            }
            elevated += usize::from(course.elevation() != Elevation::None);
        }
        assert_eq!(Course::of(&all), Ok(course));
    }
    println!(
        "seed {SEED}: {taken} entries taken, {refused} refused, {good} times a surface was seen to be good, \
         {elevated} elevated, {from_outside} times another drill was the last from outside"
    );
    assert!(taken > 0 && refused > 0 && good > 0 && elevated > 0 && from_outside > 0);
}
