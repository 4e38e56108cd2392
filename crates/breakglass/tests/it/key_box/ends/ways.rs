//! Every way on which rotations can go, walked through with the product's own machine and record, and the distinct states
//! in which they can come to rest, each with a shortest way to it.
//!
//! Candidates are numbered in the order in which they were sealed; 0 is what counted before. Time passes in epochs: within
//! one everything may still be under way, and between two all of it has arrived or never will.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher as _};

use breakglass_custody::name::Name;
use breakglass_ops::rotation::machine::{Answer, Outcome, Rotation, Step};
use breakglass_ops::rotation::record::{Course, Entry, QUIESCENCE_HOURS_USUAL, Standing};
use jiff::{SignedDuration, Timestamp};

pub(super) type Number = u8;

/// Hours from one epoch to the next: longer than anything is under way.
pub(super) const EPOCH_HOURS: i64 = 48;

/// How a step fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fare {
    Done,
    Undone,
    /// It is done, and nobody is told.
    DoneUntold,
    /// Nobody is told, and it is done later or never.
    UnderWay,
    Refused,
    RefusedByPolicy,
    /// It is done, and the directory does not say when the password was changed.
    DoneUndated,
    /// A copy of the directory answers that knows an older password.
    Stale,
    /// The same, and nothing is said of the time of the change.
    StaleUndated,
}

/// What happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Event {
    /// A process begins.
    Begins,
    /// The process that runs takes its next step.
    Steps(Fare),
    /// It is killed before its next step.
    KilledBefore,
    /// It takes it, and is killed before it hears of it.
    KilledAfter(Fare),
    /// What is under way arrives.
    Arrives,
    /// It never does.
    Vanishes,
    /// Custodians open a document.
    Opens(Number),
    /// An epoch ends.
    Waits,
    /// What is proved is settled.
    Settles,
    /// Documents go that can count no more.
    Destroys,
}

/// How far is walked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Depth {
    pub(super) kills: u8,
    pub(super) processes: u8,
    pub(super) epochs: u8,
    pub(super) openings: u8,
}

/// The directory, the documents, the record, and what is under way.
#[derive(Debug, Clone, Hash)]
struct World {
    knows: Number,
    knew: BTreeSet<Number>,
    under_way: Option<Number>,
    /// Those whose request arrived when nobody waited for it any more.
    late: BTreeSet<Number>,
    sealed: BTreeSet<Number>,
    course: Course,
    next: Number,
    /// The moment of the last change: only whether it is the one that was written down matters, so that a few are enough.
    changed: u8,
    epoch: u8,
    kills: u8,
    processes: u8,
    openings: u8,
}

type State = (World, Option<Rotation>);

/// How one candidate stands at an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Candidate {
    /// `None` where its document is there and the record does not speak of it.
    pub(super) standing: Option<Standing>,
    pub(super) is_sealed: bool,
    pub(super) is_opened: bool,
    pub(super) is_late: bool,
}

/// Where nothing runs and nothing is under way: what custodians may find.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct End {
    pub(super) knows: Number,
    pub(super) candidates: Vec<Candidate>,
    /// Which is to be opened first.
    pub(super) current: Option<Number>,
    /// Whether nothing was sent since the last proof.
    pub(super) is_proved: bool,
    /// Whether the time of the change was said at that proof.
    pub(super) is_dated: bool,
    /// Whether another may have come after what was proved.
    pub(super) is_contested: bool,
    pub(super) is_revocation_due: bool,
}

impl End {
    /// As the record has it, with the numbers that names stand for.
    pub(super) fn of(
        (knows, course): (Number, &Course),
        names: &[Name],
        (sealed, late): (&BTreeSet<Number>, &BTreeSet<Number>),
    ) -> Self {
        let number = |name: &Name| Number::try_from(names.iter().position(|other| other == name).unwrap()).unwrap();
        let candidate = |(at, name): (Number, &Name)| Candidate {
            standing: course.standing(name),
            is_sealed: sealed.contains(&at),
            is_opened: course.is_opened(name),
            is_late: late.contains(&at),
        };
        Self {
            knows,
            candidates: (0..).zip(names).map(candidate).collect(),
            current: course.current().map(number),
            is_proved: course.proved().is_some(),
            is_dated: course.changed_at().is_some(),
            is_contested: course.rival(QUIESCENCE_HOURS_USUAL).is_some(),
            is_revocation_due: course.is_revocation_due(),
        }
    }
}

/// What was walked through.
#[derive(Debug, Default)]
pub(super) struct Walked {
    pub(super) states: usize,
    pub(super) steps: usize,
    /// Each end with a way to it.
    pub(super) ends: BTreeMap<End, Vec<Event>>,
}

fn at() -> Timestamp {
    Timestamp::UNIX_EPOCH
}

fn moment(changed: u8) -> Timestamp {
    at().checked_add(SignedDuration::from_secs(i64::from(changed))).unwrap()
}

fn name(number: Number) -> Name {
    Name::read(&number.to_string()).unwrap()
}

fn number(name: &Name) -> Number {
    name.as_str().parse().unwrap()
}

/// Walks on every way, those first that are short.
pub(super) fn walked(depth: Depth) -> Walked {
    let mut walked = Walked::default();
    // How each state was come to: from which, and by what.
    let mut came: Vec<(usize, Event)> = Vec::new();
    let mut seen: BTreeSet<u128> = BTreeSet::new();
    let mut left: VecDeque<(State, usize)> = VecDeque::from([((World::new(), None), usize::MAX)]);
    while let Some((state, from)) = left.pop_front() {
        walked.states += 1;
        let (world, process) = &state;
        if process.is_none() && world.under_way.is_none() {
            walked.ends.entry(world.end()).or_insert_with(|| way(&came, from));
        }
        for (event, after) in followers(&state, depth) {
            walked.steps += 1;
            if seen.insert(digest(&after)) {
                came.push((from, event));
                left.push_back((after, came.len() - 1));
            }
        }
    }
    walked
}

fn way(came: &[(usize, Event)], mut from: usize) -> Vec<Event> {
    let mut events = Vec::new();
    while let Some((before, event)) = came.get(from) {
        events.push(*event);
        from = *before;
    }
    events.reverse();
    events
}

/// A state made short; two of a hundred and twenty-eight bits are not alike by chance.
fn digest(state: &State) -> u128 {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, state).hash(&mut hasher);
        u128::from(hasher.finish())
    };
    half(0) << 64 | half(1)
}

/// Everything that may happen next.
fn followers((world, process): &State, depth: Depth) -> Vec<(Event, State)> {
    let mut all = Vec::new();
    for number in world.sealed.iter().filter(|_| world.openings < depth.openings) {
        let mut after = World { openings: world.openings + 1, ..world.clone() };
        if after.course.take(&Entry::Opened { candidate: name(*number), at: world.now() }).is_ok() {
            let process = process.clone().and_then(|process| running(process, &after));
            all.push((Event::Opens(*number), (after, process)));
        }
    }
    if let Some(number) = world.under_way {
        let lost = World { under_way: None, ..world.clone() };
        let mut arrived = lost.clone();
        arrived.know(number);
        arrived.late.insert(number);
        all.push((Event::Vanishes, (lost, process.clone())));
        all.push((Event::Arrives, (arrived, process.clone())));
    }
    match process {
        Some(process) => stepped(world, process, depth, &mut all),
        None => apart(world, depth, &mut all),
    }
    all
}

/// A process that has something left to do.
fn running(process: Rotation, world: &World) -> Option<Rotation> {
    let is_over = matches!(process.clone().next(&world.course, world.now()), Step::Done | Step::Stop(_));
    (!is_over).then_some(process)
}

/// No process runs.
fn apart(world: &World, depth: Depth, all: &mut Vec<(Event, State)>) {
    if world.processes < depth.processes {
        let machine = Rotation::finish(&world.course).unwrap_or_else(|| Rotation::begin(&world.course));
        let after = World { processes: world.processes + 1, ..world.clone() };
        let process = running(machine, &after);
        all.push((Event::Begins, (after, process)));
    }
    let course = &world.course;
    if world.under_way.is_none() && world.epoch < depth.epochs && course.unsettled().next().is_some() {
        // Every copy knows the same then.
        all.push((Event::Waits, (World { epoch: world.epoch + 1, knew: BTreeSet::new(), ..world.clone() }, None)));
    }
    let is_unchanged = course.changed_at() == Some(moment(world.changed));
    let settled = course.settleable(QUIESCENCE_HOURS_USUAL, world.now()).filter(|_| is_unchanged);
    if let Some(candidate) = settled.cloned() {
        let mut after = world.clone();
        after.note(&Entry::Settled { candidate, at: world.now() });
        all.push((Event::Settles, (after, None)));
    }
    let gone: Vec<Name> = world.course.destroyable().cloned().collect();
    if !gone.is_empty() {
        let mut after = world.clone();
        for candidate in gone {
            after.sealed.remove(&number(&candidate));
            after.note(&Entry::Destroyed { candidate, at: world.now() });
        }
        all.push((Event::Destroys, (after, None)));
    }
}

/// A process takes its next step: with everything that may come of it, and killed before and after.
fn stepped(world: &World, process: &Rotation, depth: Depth, all: &mut Vec<(Event, State)>) {
    let mut process = process.clone();
    let step = process.next(&world.course, world.now());
    let may_kill = world.kills < depth.kills;
    let killed = |world: &World| (World { kills: world.kills + 1, ..world.clone() }, None);
    if may_kill {
        all.push((Event::KilledBefore, killed(world)));
    }
    for (fare, after, outcome) in world.fares(&step) {
        // What is not done is as before it.
        if may_kill && !matches!(fare, Fare::Undone | Fare::Refused | Fare::RefusedByPolicy) {
            all.push((Event::KilledAfter(fare), killed(&after)));
        }
        let mut process = process.clone();
        process.on(&outcome);
        let process = running(process, &after);
        all.push((Event::Steps(fare), (after, process)));
    }
}

impl World {
    fn new() -> Self {
        let first = [Entry::Prepared { candidate: name(0), at: at() }, Entry::Settled { candidate: name(0), at: at() }];
        Self {
            knows: 0,
            knew: BTreeSet::new(),
            under_way: None,
            late: BTreeSet::new(),
            sealed: BTreeSet::from([0]),
            course: Course::of(&first).unwrap(),
            next: 1,
            changed: 0,
            epoch: 0,
            kills: 0,
            processes: 0,
            openings: 0,
        }
    }

    fn know(&mut self, number: Number) {
        let known = self.course.changed_at();
        let is_new = |one: &u8| *one != self.changed && known != Some(moment(*one));
        self.changed = (0..3).find(is_new).unwrap();
        self.knew.insert(self.knows);
        self.knows = number;
    }

    fn now(&self) -> Timestamp {
        at().checked_add(SignedDuration::from_hours(EPOCH_HOURS * i64::from(self.epoch))).unwrap()
    }

    fn note(&mut self, entry: &Entry) {
        self.course.take(entry).unwrap_or_else(|error| panic!("{error}: {self:?}"));
    }

    fn end(&self) -> End {
        let names: Vec<Name> = (0..self.next).map(name).collect();
        End::of((self.knows, &self.course), &names, (&self.sealed, &self.late))
    }

    fn with(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut after = self.clone();
        change(&mut after);
        after
    }

    /// Everything that may come of a step.
    fn fares(&self, step: &Step) -> Vec<(Fare, Self, Outcome)> {
        let same = || self.clone();
        match step {
            Step::Note(entry) => vec![
                (Fare::Done, self.with(|world| world.note(entry)), Outcome::Good),
                (Fare::Undone, same(), Outcome::Bad),
                (Fare::DoneUntold, self.with(|world| world.note(entry)), Outcome::Bad),
            ],
            Step::Prepare => {
                let sealed = || {
                    self.with(|world| {
                        world.sealed.insert(world.next);
                        world.next += 1;
                    })
                };
                vec![
                    (Fare::Done, sealed(), Outcome::Prepared(name(self.next))),
                    (Fare::Undone, same(), Outcome::Bad),
                    (Fare::DoneUntold, sealed(), Outcome::Bad),
                ]
            }
            Step::Send(candidate) => self.sent(number(candidate)),
            Step::Prove(candidate) => {
                let number = number(candidate);
                let dated = Outcome::Proved(Some(moment(self.changed)));
                let proved = |fares: [Fare; 2]| {
                    [(fares[0], self.clone(), dated.clone()), (fares[1], self.clone(), Outcome::Proved(None))]
                };
                let mut all = vec![(Fare::Undone, self.clone(), Outcome::Bad)];
                if self.knows == number {
                    all.extend(proved([Fare::Done, Fare::DoneUndated]));
                } else if self.knew.contains(&number) {
                    all.extend(proved([Fare::Stale, Fare::StaleUndated]));
                }
                all
            }
            Step::Revoke => vec![(Fare::Done, same(), Outcome::Good), (Fare::Undone, same(), Outcome::Bad)],
            Step::Done | Step::Stop(_) => Vec::new(),
        }
    }

    fn sent(&self, number: Number) -> Vec<(Fare, Self, Outcome)> {
        assert!(!self.course.is_opened(&name(number)), "what was opened is sent: {self:?}");
        let answered = Outcome::Answered;
        let done = || self.with(|world| world.know(number));
        let mut all = vec![
            (Fare::Done, done(), answered(Answer::Yes)),
            (Fare::DoneUntold, done(), answered(Answer::Perhaps)),
            (Fare::Undone, self.clone(), answered(Answer::Perhaps)),
            (Fare::Refused, self.clone(), answered(Answer::No)),
            (Fare::RefusedByPolicy, self.clone(), answered(Answer::NotByPolicy)),
        ];
        if self.under_way.is_none() {
            let under_way = self.with(|world| world.under_way = Some(number));
            all.push((Fare::UnderWay, under_way, answered(Answer::Perhaps)));
        }
        all
    }
}
