//! Drills over played surfaces: every failure, and a kill before and after everything that is done.
//!
//! After each single effect the record is held against the world: where the account stands elevated, the record says that it
//! may, and nothing is said to be good that was not.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use breakglass_custody::document::Account;
use breakglass_custody::name::Name;
use breakglass_custody::password::Password;
use breakglass_ops::drill::journey::{Drilled, Driller, Report, Step, Stop};
use breakglass_ops::drill::record::{Due, Elevation, Outcome, SeenBy, Surface, Vantage};
use breakglass_ops::drill::stream::{DrillStreamError, course_of, stream_of};
use breakglass_ops::ports::{Attempt, Clock, InMemoryStore, NotElevated, Store, StoreError, Surfaces};
use futures_util::FutureExt as _;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const PASSWORD: &str = "Xyzzy-plugh-0000-marked";
const ID: &str = "11111111-1111-1111-1111-111111111111";

/// How the world takes it.
#[derive(Clone)]
struct Script {
    /// What a sign-in to each surface comes to.
    attempts: fn(Surface) -> Attempt,
    elevate: fn(&mut bool) -> Result<(), NotElevated>,
    lower: fn(&mut bool) -> Result<(), String>,
    /// Looks until an elevation that there is is seen, or one that is gone is not.
    lag: usize,
    is_elevated_before: bool,
    /// Whether looking at it is refused.
    look: Option<Attempt>,
    /// The append from which on none is taken, from 0.
    append_max: usize,
    /// The surface before which somebody wants to stop.
    stop_after: usize,
}

fn good() -> Script {
    Script {
        attempts: |surface| if surface.is_portal() { Attempt::SeenIn } else { Attempt::In },
        elevate: |stands| {
            *stands = true;
            Ok(())
        },
        lower: |stands| {
            *stands = false;
            Ok(())
        },
        lag: 0,
        is_elevated_before: false,
        look: None,
        append_max: usize::MAX,
        stop_after: usize::MAX,
    }
}

struct Inner {
    script: Script,
    now: Timestamp,
    stands: bool,
    /// Looks since it changed.
    looks: usize,
    effects: usize,
    /// The effect at which the process is killed, and whether it is done before.
    kill: Option<(usize, bool)>,
    sign_ins: Vec<Surface>,
    wrong: usize,
    steps: Vec<Step>,
    appends: usize,
    tries: usize,
}

struct Killed;

struct World {
    store: InMemoryStore,
    inner: Mutex<Inner>,
}

impl World {
    fn new() -> Self {
        let inner = Inner {
            script: good(),
            now: "2026-11-27T03:00:00Z".parse().unwrap(),
            stands: false,
            looks: 0,
            effects: 0,
            kill: None,
            sign_ins: Vec::new(),
            wrong: 0,
            steps: Vec::new(),
            appends: 0,
            tries: 0,
        };
        Self { store: InMemoryStore::default(), inner: Mutex::new(inner) }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Does something, unless the process is killed before it, or after.
    fn effect<T>(&self, done: impl FnOnce(&mut Inner) -> T) -> T {
        let mut inner = self.inner();
        let number = inner.effects;
        inner.effects += 1;
        let kill = inner.kill.filter(|(at, _)| *at == number);
        if kill.is_some_and(|(_, is_done)| !is_done) {
            drop(inner);
            resume_unwind(Box::new(Killed));
        }
        let came = done(&mut inner);
        let stands = inner.stands && !inner.script.is_elevated_before;
        drop(inner);
        let (course, _) = course_of(&self.store, ID).unwrap();
        assert!(!stands || course.elevation() != Elevation::None, "it stands and the record does not say so");
        if kill.is_some() {
            resume_unwind(Box::new(Killed));
        }
        came
    }

    /// Drills; `None` if it is killed.
    fn drill(
        &self,
        script: Script,
        kill: Option<(usize, bool)>,
        wanted: &[Surface],
    ) -> Option<Result<Report, DrillStreamError>> {
        {
            let mut inner = self.inner();
            inner.stands |= script.is_elevated_before;
            inner.script = script;
            (inner.kill, inner.effects, inner.appends, inner.tries) = (kill, 0, 0, 0);
            inner.sign_ins.clear();
            inner.wrong = 0;
            inner.looks = usize::MAX / 2;
        }
        let name = |text: &str| Name::read(text).unwrap();
        let account = Account { user_principal_name: "bg1@contoso.onmicrosoft.com".to_owned(), id: ID.to_owned() };
        let password = Password::of_text(PASSWORD.to_owned());
        let drilled = Drilled {
            account: &account,
            document: &name("document"),
            password: &password,
            people: &[name("ada"), name("bram")].into(),
            staff: &staff(),
            surfaces: &wanted.iter().copied().collect::<BTreeSet<_>>(),
            from: Vantage::Outside,
            reason: "a quarter is over",
        };
        let tell = |step: Step| {
            let mut inner = self.inner();
            inner.tries += usize::from(matches!(step, Step::Try(_)));
            inner.steps.push(step);
        };
        let is_stopped = || {
            let inner = self.inner();
            inner.tries >= inner.script.stop_after
        };
        let driller = Driller { surfaces: self, store: self, clock: self, tell: &tell, is_stopped: &is_stopped };
        let run = || driller.drill(drilled).now_or_never().expect("nothing waits here");
        catch_unwind(AssertUnwindSafe(run)).map_err(|why| assert!(why.is::<Killed>(), "a real panic")).ok()
    }

    fn stands(&self) -> bool {
        self.inner().stands
    }

    fn elevation(&self) -> Elevation {
        course_of(&self.store, ID).unwrap().0.elevation()
    }

    fn due(&self) -> Option<Due> {
        let (now, course) = (self.inner().now, course_of(&self.store, ID).unwrap().0);
        // What somebody has tried here is what the account has to get into.
        let wanted = Surface::ALL.into_iter().filter(|surface| course.seen(*surface).is_some()).collect();
        course.due(now, &wanted, &staff())
    }
}

fn staff() -> BTreeSet<Name> {
    ["ada", "bram", "cleo"].into_iter().map(|text| Name::read(text).unwrap()).collect()
}

#[async_trait]
impl Clock for World {
    fn now(&self) -> Timestamp {
        let mut inner = self.inner();
        inner.now += SignedDuration::from_millis(7);
        inner.now
    }

    async fn sleep(&self, duration: Duration) {
        self.inner().now += duration;
    }
}

impl Store for World {
    fn append(&self, stream: &str, at: usize, entry: &Value) -> Result<(), StoreError> {
        assert_eq!(stream, stream_of(ID));
        assert!(!entry.to_string().contains(PASSWORD));
        self.effect(|inner| {
            inner.appends += 1;
            if inner.appends > inner.script.append_max {
                return Err(StoreError::Conflict { stream: stream.to_owned() });
            }
            self.store.append(stream, at, entry)
        })
    }

    fn entries(&self, stream: &str) -> Result<Vec<Value>, StoreError> {
        self.store.entries(stream)
    }

    fn streams(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.store.streams(prefix)
    }
}

#[async_trait]
impl Surfaces for World {
    async fn sign_in(&self, surface: Surface, account: &Account, password: &Password) -> Attempt {
        assert_eq!(account.id, ID);
        password.with_plaintext(|text| assert_eq!(text, PASSWORD));
        self.effect(|inner| {
            inner.sign_ins.push(surface);
            let attempt = (inner.script.attempts)(surface);
            inner.wrong += usize::from(matches!(attempt, Attempt::Wrong { .. }));
            attempt
        })
    }

    async fn is_elevated(&self, _: &Account, _: &Password) -> Result<bool, Attempt> {
        self.effect(|inner| {
            if let Some(attempt) = &inner.script.look {
                inner.wrong += usize::from(matches!(attempt, Attempt::Wrong { .. }));
                return Err(attempt.clone());
            }
            inner.looks = inner.looks.saturating_add(1);
            let is_seen = inner.looks > inner.script.lag;
            Ok(if is_seen { inner.stands } else { !inner.stands })
        })
    }

    async fn elevate(&self, _: &Account, _: &Password) -> Result<(), NotElevated> {
        self.effect(|inner| {
            inner.looks = 0;
            (inner.script.elevate)(&mut inner.stands)
        })
    }

    async fn lower(&self, _: &Account, _: &Password) -> Result<(), String> {
        self.effect(|inner| {
            let was = inner.stands;
            let lowered = (inner.script.lower)(&mut inner.stands);
            if was != inner.stands {
                inner.looks = 0;
            }
            lowered
        })
    }
}

fn why() -> String {
    "AADSTS1: said so".to_owned()
}

/// What is seen of each surface, in few words.
fn seen(report: &Report) -> Vec<(&'static str, Outcome)> {
    report.seen.iter().map(|tried| (tried.surface.name(), tried.outcome)).collect()
}

fn report(world: &World, script: Script, wanted: &[Surface]) -> Report {
    world.drill(script, None, wanted).unwrap().unwrap()
}

#[test]
fn everything_is_tried_in_order_and_the_elevation_is_taken_back() {
    let world = World::new();
    assert_eq!(world.due(), Some(Due::Never));
    let report = report(&world, good(), &Surface::ALL);
    assert_eq!(report.outcome(), Outcome::Good);
    assert_eq!(seen(&report), Surface::ALL.map(|surface| (surface.name(), Outcome::Good)));
    let by_person = report.seen.iter().filter(|tried| tried.seen_by == SeenBy::Person);
    assert!(by_person.map(|tried| tried.surface).eq(Surface::ALL.into_iter().filter(|surface| surface.is_portal())));
    assert!(report.seen.iter().all(|tried| tried.milliseconds > 0));
    assert_eq!((report.elevation, world.stands(), world.due()), (Elevation::None, false, None));
    let steps = world.inner().steps.clone();
    let at = |step| steps.iter().position(|one| *one == step).unwrap();
    assert!(at(Step::Elevate) < at(Step::Lower) && at(Step::Lower) < at(Step::Try(Surface::EntraAdminCenter)));
}

#[test]
fn what_a_sign_in_comes_to_is_told_apart() {
    type Attempts = fn(Surface) -> Attempt;
    let cases: [(Attempts, Outcome, &str); 5] = [
        (|_| Attempt::SecondProof { why: why() }, Outcome::Unknown, "a second proof is asked for"),
        (|_| Attempt::KeptOut { why: why() }, Outcome::Bad, "is kept out"),
        (|_| Attempt::Wrong { why: why() }, Outcome::Bad, "was refused"),
        (|_| Attempt::Unknown { why: why() }, Outcome::Unknown, "said so"),
        (|_| Attempt::SeenOut, Outcome::Bad, "did not get in"),
    ];
    for (attempts, outcome, said) in cases {
        let world = World::new();
        let report = report(&world, Script { attempts, ..good() }, &[Surface::MicrosoftGraph]);
        assert_eq!((report.outcome(), report.seen[0].outcome), (outcome, outcome));
        assert!(report.seen[0].why.contains(said), "{}", report.seen[0].why);
        match world.due() {
            Some(Due::NotGood { surfaces }) => assert!(outcome == Outcome::Bad && surfaces.len() == 1),
            Some(Due::Untold { surfaces }) => assert!(outcome == Outcome::Unknown && surfaces.len() == 1),
            other => panic!("{other:?}"),
        }
    }
    let long: fn(Surface) -> Attempt = |_| Attempt::Unknown { why: "ü".repeat(5_000) };
    let report = report(&World::new(), Script { attempts: long, ..good() }, &[Surface::MicrosoftGraph]);
    assert_eq!(report.seen[0].why.chars().count(), breakglass_ops::drill::record::WHY_CHARS_MAX);
}

#[test]
fn a_refused_password_is_not_tried_again() {
    let attempts: fn(Surface) -> Attempt =
        |surface| if surface.is_portal() { Attempt::SeenIn } else { Attempt::Wrong { why: why() } };
    let world = World::new();
    let first = report(&world, Script { attempts, ..good() }, &Surface::ALL);
    let outcomes: Vec<Outcome> = first.seen.iter().map(|tried| tried.outcome).collect();
    use Outcome::{Bad, Good, Unknown};
    assert_eq!(outcomes, [Bad, Unknown, Unknown, Good, Good, Good]);
    assert_eq!(world.inner().wrong, 1);
    assert!(!world.stands());
    assert!(first.seen[1].why.contains("not tried"));
    // The same where it is elevation that shows it.
    let world = World::new();
    let look = Some(Attempt::Wrong { why: why() });
    let second = report(&world, Script { look, ..good() }, &[Surface::AzureElevation]);
    assert_eq!((second.seen[0].outcome, world.inner().wrong, world.elevation()), (Bad, 1, Elevation::None));
}

/// How an elevation goes, and what is left of it.
type Case = (&'static str, Script, Outcome, Elevation, bool);

fn elevations() -> Vec<Case> {
    use Outcome::{Bad, Good, Unknown};
    let perhaps_done: fn(&mut bool) -> Result<(), NotElevated> = |stands| {
        *stands = true;
        Err(NotElevated::Perhaps { why: why() })
    };
    let script = good;
    vec![
        ("good", script(), Good, Elevation::None, false),
        ("late", Script { lag: 3, ..script() }, Good, Elevation::None, false),
        ("never seen", Script { lag: 9, ..script() }, Unknown, Elevation::Perhaps, true),
        (
            "refused",
            Script { elevate: |_| Err(NotElevated::Refused { why: why() }), ..script() },
            Bad,
            Elevation::None,
            false,
        ),
        (
            "second proof",
            Script { elevate: |_| Err(NotElevated::SecondProof { why: why() }), ..script() },
            Unknown,
            Elevation::None,
            false,
        ),
        ("lost and done", Script { elevate: perhaps_done, ..script() }, Good, Elevation::None, false),
        (
            "lost and not done",
            Script { elevate: |_| Err(NotElevated::Perhaps { why: why() }), ..script() },
            Unknown,
            Elevation::Perhaps,
            false,
        ),
        ("yes and not done", Script { elevate: |_| Ok(()), ..script() }, Unknown, Elevation::Perhaps, false),
        ("not taken back", Script { lower: |_| Err(why()), ..script() }, Bad, Elevation::Stands, true),
        ("said to be taken back", Script { lower: |_| Ok(()), ..script() }, Bad, Elevation::Stands, true),
        (
            "taken back with no answer",
            Script {
                lower: |stands| {
                    *stands = false;
                    Err(why())
                },
                ..script()
            },
            Good,
            Elevation::None,
            false,
        ),
        ("stood before", Script { is_elevated_before: true, ..script() }, Unknown, Elevation::None, true),
        (
            "not to be seen",
            Script { look: Some(Attempt::Unknown { why: why() }), ..script() },
            Unknown,
            Elevation::None,
            false,
        ),
        ("not written down", Script { append_max: 2, ..script() }, Unknown, Elevation::None, false),
        ("done and not written down", Script { append_max: 3, ..script() }, Good, Elevation::Perhaps, false),
        ("taken back and not written down", Script { append_max: 4, ..script() }, Good, Elevation::Stands, false),
    ]
}

#[test]
fn every_elevation_is_taken_back_or_told() {
    for (name, script, outcome, elevation, stands) in elevations() {
        let world = World::new();
        let is_noted = script.append_max == usize::MAX;
        let was_before = script.is_elevated_before;
        let first = report(&world, script, &[Surface::AzureElevation]);
        assert_eq!((first.seen[0].outcome, first.elevation), (outcome, elevation), "{name}: {}", first.seen[0].why);
        assert_eq!((world.stands(), world.elevation()), (stands, elevation), "{name}");
        assert_eq!(first.stop.is_some(), !is_noted, "{name}");
        if elevation != Elevation::None {
            assert_eq!((first.outcome(), world.due()), (Outcome::Bad, Some(Due::Elevated)), "{name}");
        }
        if was_before {
            continue;
        }
        // The next run takes back what was left, and is good.
        let next = report(&world, good(), &[Surface::AzureElevation]);
        assert_eq!((next.outcome(), world.stands(), world.due()), (Outcome::Good, false, None), "{name}");
        let is_told = world.inner().steps.contains(&Step::LoweredEarlier);
        assert_eq!(is_told, elevation != Elevation::None, "{name}");
    }
}

#[test]
fn what_an_earlier_drill_left_and_cannot_be_taken_back_is_bad() {
    let world = World::new();
    let left: fn(&mut bool) -> Result<(), String> = |_| Err(why());
    report(&world, Script { lower: left, ..good() }, &[Surface::AzureElevation]);
    let next = report(&world, Script { lower: left, ..good() }, &Surface::ALL);
    assert_eq!((next.seen[2].outcome, next.outcome()), (Outcome::Bad, Outcome::Bad));
    assert_eq!((next.left_by_earlier, next.seen.len()), (Some(why()), 6));
    // Whoever does not want Azure is told all the same.
    let graph = report(&world, Script { lower: left, ..good() }, &[Surface::MicrosoftGraph]);
    assert_eq!((graph.seen[0].outcome, graph.outcome()), (Outcome::Good, Outcome::Bad));
}

#[test]
fn somebody_who_wants_to_stop_is_heard_between_steps() {
    for stop_after in 0..Surface::ALL.len() {
        let world = World::new();
        let stopped = report(&world, Script { stop_after, ..good() }, &Surface::ALL);
        assert_eq!((stopped.seen.len(), &stopped.stop), (stop_after, &Some(Stop::Interrupted)));
        assert_eq!((stopped.outcome(), world.stands()), (Outcome::Unknown, false));
        assert!(matches!(world.due(), Some(Due::Stopped { .. })));
        assert_eq!(report(&world, good(), &Surface::ALL).outcome(), Outcome::Good);
    }
}

#[test]
fn what_cannot_be_noted_is_not_begun() {
    let world = World::new();
    let begun = world.drill(Script { append_max: 0, ..good() }, None, &Surface::ALL).unwrap();
    assert!(matches!(begun, Err(DrillStreamError::Store(_))));
    assert!(world.inner().sign_ins.is_empty());
    world.store.append(&stream_of(ID), 0, &json!({ "state": "lowered", "at": "2026-11-27T03:00:00Z" })).unwrap();
    let damaged = world.drill(good(), None, &Surface::ALL).unwrap();
    assert!(matches!(damaged, Err(DrillStreamError::Damaged { number: 1, .. })));
    assert!(world.inner().sign_ins.is_empty());
}

#[test]
fn a_drill_is_killed_before_and_after_everything_it_does() {
    let (mut kills, mut lingering, mut again) = (0, 0, 0);
    for (name, script, ..) in elevations().into_iter().filter(|(_, script, ..)| !script.is_elevated_before) {
        for is_done in [false, true] {
            for at in 0.. {
                let world = World::new();
                if world.drill(script.clone(), Some((at, is_done)), &Surface::ALL).is_some() {
                    break;
                }
                kills += 1;
                lingering += usize::from(world.elevation() != Elevation::None);
                truthful(&world, name);
                // The next one is killed as well, wherever it is.
                for second in [1, 2, 3, 5, 8] {
                    if world.drill(script.clone(), Some((second, is_done)), &Surface::ALL).is_none() {
                        again += 1;
                        truthful(&world, name);
                    }
                }
                let next = report(&world, good(), &Surface::ALL);
                assert_eq!((next.outcome(), world.due()), (Outcome::Good, None), "{name} {at} {is_done}");
                assert_eq!((world.stands(), world.elevation()), (false, Elevation::None), "{name} {at} {is_done}");
            }
        }
    }
    println!("{kills} kills and {again} of those that went on; an elevation may have stood after {lingering}");
    assert!(kills > 200 && lingering > 20 && again > kills);
}

/// Nothing was tried that the record does not know, and a drill that was killed does not count.
fn truthful(world: &World, name: &str) {
    let entries = world.store.entries(&stream_of(ID)).unwrap();
    let has = |state: &str, surface: Surface| {
        entries.iter().any(|entry| entry["state"] == state && entry["surface"] == surface.name())
    };
    for surface in &world.inner().sign_ins {
        assert!(has("trying", *surface), "{name}: {surface:?}");
    }
    let (course, _) = course_of(&world.store, ID).unwrap();
    let is_over = entries.last().is_some_and(|entry| entry["state"] == "ended");
    assert!(is_over || course.due(world.inner().now, &Surface::ALL.into(), &staff()).is_some(), "{name}");
}
