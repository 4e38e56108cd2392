//! Every way in which a rotation can go: each step with each outcome, the process killed before and after each, requests
//! that arrive late, sign-ins and dates that a stale copy answers, time that passes, clocks that are wrong, and another rotation
//! on top; and six protocols that look right and are not, which have to be caught.
//!
//! Time passes in epochs: within one everything may still be under way, and between two all of it has arrived or never will,
//! and every copy of the directory knows the same. A process lives in one epoch; that it sends nothing after one is
//! `SENDING_MINUTES_MAX`.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher as _};

use breakglass_custody::name::Name;
use breakglass_ops::doctor::Clocks;
use breakglass_ops::rotation::machine::{Answer, Outcome, Rotation, Step};
use breakglass_ops::rotation::record::{Course, Entry, QUIESCENCE_HOURS_USUAL};
use breakglass_ops::rotation::settling::{agree, settleable};
use breakglass_testkit::{is_full, seed_for};
use jiff::{SignedDuration, Timestamp};

use crate::watching::Numbers;

fn at() -> Timestamp {
    Timestamp::UNIX_EPOCH
}

type Drawn = u8;

fn id(name: Drawn) -> Name {
    Name::read(&name.to_string()).unwrap()
}

fn name(id: &Name) -> Drawn {
    id.to_string().parse().unwrap()
}

/// What a protocol does next, in smaller steps than the product's.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Act {
    Note(Entry),
    Draw,
    Seal(Drawn),
    /// Seals it in place of everything that was sealed.
    SealOver(Drawn),
    Send(Drawn),
    Prove(Drawn),
    Revoke,
    Destroy(Vec<Drawn>),
    End,
}

/// A protocol in one process.
trait Protocol: Clone + Hash {
    /// Those that may begin, each on a machine whose clock may be wrong.
    fn begin(world: &World) -> Vec<Self>;
    /// What it does, as things stand.
    fn next(&mut self, course: &Course, now: Timestamp) -> Act;
    /// What came of it: `Ok` with the name of what was drawn or the answer, as far as there is one.
    fn on(&mut self, came: Came);
    /// Whether what else it promises of every state is so.
    fn keeps(_: &World) -> bool {
        true
    }
    /// What it settles now.
    fn settles(_: &World) -> Option<Name> {
        None
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Came {
    Good,
    Bad,
    Drawn(Drawn),
    Answered(Answer),
    /// Signed in, and what was said of the last change.
    Proved(Option<Timestamp>),
}

/// The directory, what is sealed, what is written down, and what is under way.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct World {
    /// The password that the directory knows.
    knows: Drawn,
    /// Those that it knew, of which a copy may be left.
    knew: BTreeSet<Drawn>,
    /// Requests that may still arrive, with how many of each.
    under_way: Vec<Drawn>,
    sealed: BTreeSet<Drawn>,
    /// What is written down, as far as it counts.
    course: Course,
    /// The moment of the last change: only whether it is the one that was written down matters, so that a few are enough.
    changed: u8,
    epoch: u8,
}

/// What was spent of the depth so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Spent {
    crashes: u8,
    begun: u8,
    opened: u8,
    /// Outcomes that are not what one hopes for.
    faults: u8,
}

impl Spent {
    /// Whether nothing more of anything was spent: whatever is reached with the other is reached with this one too.
    fn is_within(self, other: Self) -> bool {
        let [own, other] = [self, other].map(|spent| [spent.crashes, spent.begun, spent.opened, spent.faults]);
        own.iter().zip(other).all(|(own, other)| *own <= other)
    }
}

impl World {
    /// A name that nothing has: the names of what was drawn and is known to nobody are drawn again, so that worlds which differ
    /// only by them are one.
    fn free_name(&self) -> Drawn {
        let is_known = |drawn: &Drawn| {
            let known = [&self.sealed, &self.knew].iter().any(|names| names.contains(drawn));
            known
                || self.knows == *drawn
                || self.under_way.contains(drawn)
                || self.course.standing(&id(*drawn)).is_some()
        };
        (0..Drawn::MAX).find(|drawn| !is_known(drawn)).unwrap()
    }

    fn know(&mut self, name: Drawn) {
        let known = self.course.changed_at();
        let is_new = |moment: &u8| *moment != self.changed && known != Some(moment_of(*moment));
        self.changed = (0..UNKNOWN).find(is_new).unwrap();
        self.knew.insert(self.knows);
        self.knows = name;
    }

    fn now(&self) -> Timestamp {
        ahead(at(), EPOCH_HOURS * i64::from(self.epoch))
    }

    /// What a machine's clock and the tenant's say.
    fn clocks(&self, hours_ahead: i64) -> Clocks {
        let own = ahead(self.now(), hours_ahead);
        Clocks { before: own, after: own, tenant: self.now() }
    }
}

fn ahead(at: Timestamp, hours: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_hours(hours)).unwrap()
}

/// Hours by which a machine's clock is ahead of the tenant's: behind and ahead by more than anything is under way, and right.
const CLOCKS: [i64; 3] = [-EPOCH_HOURS, EPOCH_HOURS, 0];

/// What a copy says of the last change that does not know it.
const UNKNOWN: u8 = 3;

fn moment_of(moment: u8) -> Timestamp {
    at().checked_add(SignedDuration::from_secs(i64::from(moment))).unwrap()
}

/// Hours from one epoch to the next: longer than anything is under way.
const EPOCH_HOURS: i64 = 48;

/// The product's own machine; what it calls preparing is drawn and sealed here. Two more are wrong. The one that is `HASTY`
/// settles what is proved when all is quiet and the directory names no later change, and does not ask whether another could
/// have come in between. The one that is `TRUSTING` begins whatever its machine's clock shows, and so writes down that it sent
/// something long before it did.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Machine<const WHICH: u8> {
    rotation: Rotation,
    drawn: Option<Drawn>,
    hours_ahead: i64,
}

const RIGHT: u8 = 0;
const HASTY: u8 = 5;
const TRUSTING: u8 = 6;

type Ours = Machine<RIGHT>;

impl<const WHICH: u8> Protocol for Machine<WHICH> {
    fn begin(world: &World) -> Vec<Self> {
        let rotation = Rotation::finish(&world.course).unwrap_or_else(|| Rotation::begin(&world.course));
        let may_begin = |hours: &i64| WHICH == TRUSTING || agree(world.clocks(*hours)).is_ok();
        let begun = |hours_ahead| Self { rotation: rotation.clone(), drawn: None, hours_ahead };
        CLOCKS.into_iter().filter(may_begin).map(begun).collect()
    }

    fn next(&mut self, course: &Course, now: Timestamp) -> Act {
        match (self.rotation.next(course, ahead(now, self.hours_ahead)), self.drawn) {
            (Step::Prepare, None) => Act::Draw,
            (Step::Prepare, Some(drawn)) => Act::Seal(drawn),
            (Step::Note(entry), _) => Act::Note(entry),
            (Step::Send(candidate), _) => Act::Send(name(&candidate)),
            (Step::Prove(candidate), _) => Act::Prove(name(&candidate)),
            (Step::Revoke, _) => Act::Revoke,
            (Step::Done | Step::Stop(_), _) => Act::End,
        }
    }

    fn on(&mut self, came: Came) {
        let outcome = match (came, self.drawn) {
            (Came::Drawn(name), _) => {
                self.drawn = Some(name);
                return;
            }
            (Came::Good, Some(drawn)) => Outcome::Prepared(id(drawn)),
            (Came::Good, None) => Outcome::Good,
            (Came::Bad, _) => Outcome::Bad,
            (Came::Answered(answer), _) => Outcome::Answered(answer),
            (Came::Proved(changed_at), _) => Outcome::Proved(changed_at),
        };
        self.drawn = None;
        self.rotation.on(&outcome);
    }

    /// Whoever tries the documents that may count by the record has the one that does.
    fn keeps(world: &World) -> bool {
        let may_count = || world.course.may_count().map(name);
        may_count().any(|name| name == world.knows) && may_count().all(|name| world.sealed.contains(&name))
    }

    fn settles(world: &World) -> Option<Name> {
        let course = &world.course;
        let is_unchanged = course.changed_at() == Some(moment_of(world.changed));
        let is_quiet = course.quiet_at(QUIESCENCE_HOURS_USUAL).is_some_and(|quiet_at| quiet_at <= world.now());
        let settled = match WHICH {
            HASTY => course.proved().filter(|_| is_quiet),
            TRUSTING => course.settleable(QUIESCENCE_HOURS_USUAL, world.now()),
            _ => {
                let by = |hours| settleable(course, QUIESCENCE_HOURS_USUAL, world.clocks(hours));
                let settled = CLOCKS.into_iter().find_map(by);
                assert!(settled.is_none() || is_quiet, "it is settled before the time has passed: {world:?}");
                settled
            }
        };
        settled.filter(|_| is_unchanged).cloned()
    }
}

/// A protocol that is wrong: which, how far, and with which candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Wrong<const WHICH: u8> {
    at: u8,
    drawn: Drawn,
    older: [Drawn; 8],
}

const SET_THEN_SEAL: u8 = 1;
const SEAL_OVER_THEN_SET: u8 = 2;
const ABORT_DESTROYS: u8 = 3;
const ACKNOWLEDGED_DESTROYS_OLD: u8 = 4;

impl<const WHICH: u8> Protocol for Wrong<WHICH> {
    fn begin(world: &World) -> Vec<Self> {
        let mut older = [Drawn::MAX; 8];
        older.iter_mut().zip(&world.sealed).for_each(|(older, sealed)| *older = *sealed);
        vec![Self { at: 0, drawn: 0, older }]
    }

    fn next(&mut self, _: &Course, _: Timestamp) -> Act {
        let drawn = self.drawn;
        let older = || self.older.iter().copied().filter(|name| *name != drawn).collect();
        match (WHICH, self.at) {
            (_, 0) => Act::Draw,
            (SET_THEN_SEAL, 1) => Act::Send(drawn),
            (SET_THEN_SEAL, 2) => Act::Seal(drawn),
            (SEAL_OVER_THEN_SET, 1) => Act::SealOver(drawn),
            (ABORT_DESTROYS | ACKNOWLEDGED_DESTROYS_OLD, 1) => Act::Seal(drawn),
            (SEAL_OVER_THEN_SET | ABORT_DESTROYS | ACKNOWLEDGED_DESTROYS_OLD, 2) => Act::Send(drawn),
            (ABORT_DESTROYS, 3) => Act::Prove(drawn),
            (ABORT_DESTROYS, 4) => Act::Destroy(vec![drawn]),
            (ACKNOWLEDGED_DESTROYS_OLD, 3) => Act::Destroy(older()),
            _ => Act::End,
        }
    }

    fn on(&mut self, came: Came) {
        if let Came::Drawn(name) = came {
            self.drawn = name;
        }
        self.at = match (WHICH, self.at, came) {
            // The same again, until somebody says yes.
            (ACKNOWLEDGED_DESTROYS_OLD, 2, Came::Answered(Answer::Perhaps)) => 2,
            (ACKNOWLEDGED_DESTROYS_OLD, 2, Came::Answered(Answer::No | Answer::NotByPolicy)) => 9,
            (ABORT_DESTROYS, 3, Came::Proved(_)) => 9,
            (_, at, _) => at + 1,
        };
    }
}

/// How far is enumerated.
#[derive(Debug, Clone, Copy)]
struct Depth {
    crashes: u8,
    begins: u8,
    epochs: u8,
    under_way: usize,
    /// Documents that custodians open, at any moment.
    opened: u8,
    /// Outcomes that are not what one hopes for, over all processes; each of them is tried everywhere.
    faults: u8,
}

#[derive(Debug, Default)]
struct Counts {
    states: usize,
    steps: usize,
    crashes: usize,
    late: usize,
    opened: usize,
    contested: usize,
    settled: usize,
    destroyed: usize,
    ends: usize,
}

/// The world, what was spent of the depth, and the process that runs.
type State<P> = (World, Spent, Option<P>);

/// Before anything: one password, sealed and settled.
fn first() -> World {
    World {
        knows: 0,
        knew: BTreeSet::new(),
        under_way: Vec::new(),
        sealed: BTreeSet::from([0]),
        course: Course::of(&[
            Entry::Prepared { candidate: id(0), at: at() },
            Entry::Settled { candidate: id(0), at: at() },
        ])
        .unwrap(),
        changed: 0,
        epoch: 0,
    }
}

/// Whether the password that counts is sealed, and what else is promised is so.
fn is_kept<P: Protocol>(world: &World) -> bool {
    world.sealed.contains(&world.knows) && P::keeps(world)
}

/// Walks through everything, and says where the password that counts is sealed nowhere. What was come to before with as
/// much of the depth left is not walked through again.
fn enumerate<P: Protocol>(depth: Depth) -> Result<Counts, Box<World>> {
    let mut counts = Counts::default();
    let mut seen: BTreeMap<u128, Vec<Spent>> = BTreeMap::new();
    let mut left: Vec<State<P>> = vec![(first(), Spent::default(), None)];
    while let Some(state) = left.pop() {
        let (world, spent, process) = &state;
        if !is_kept::<P>(world) {
            return Err(Box::new(world.clone()));
        }
        let before = seen.entry(digest(&(world, process))).or_default();
        if before.iter().any(|before| before.is_within(*spent)) {
            continue;
        }
        counts.states += usize::from(before.is_empty());
        before.retain(|before| !spent.is_within(*before));
        before.push(*spent);
        let before = left.len();
        follow(&state, depth, (&mut left, &mut counts));
        counts.ends += usize::from(left.len() == before);
    }
    Ok(counts)
}

/// Everything that can come next.
fn follow<P: Protocol>(state: &State<P>, depth: Depth, (left, counts): (&mut Vec<State<P>>, &mut Counts)) {
    meanwhile(state, depth, (left, counts));
    match &state.2 {
        Some(process) => acted((&state.0, state.1), process, depth, (left, counts)),
        None => apart((&state.0, state.1), depth, (left, counts)),
    }
}

/// Goes one way after another to its end, each step drawn among all that can come next.
fn walk<P: Protocol>(depth: Depth, walks: usize, random: &mut Numbers) -> Result<Counts, Box<World>> {
    let mut counts = Counts::default();
    for _ in 0..walks {
        let mut state: State<P> = (first(), Spent::default(), None);
        loop {
            if !is_kept::<P>(&state.0) {
                return Err(Box::new(state.0));
            }
            counts.states += 1;
            let mut left = Vec::new();
            follow(&state, depth, (&mut left, &mut counts));
            if left.is_empty() {
                counts.ends += 1;
                break;
            }
            // Else everything would be killed, opened and refused at the very beginning.
            let before = Spent { begun: 0, ..state.1 };
            let is_calm = |after: &State<P>| Spent { begun: 0, ..after.1 } == before;
            if random.below(8) != 0 && left.iter().any(is_calm) {
                left.retain(is_calm);
            }
            state = left.swap_remove(random.below(left.len()));
        }
    }
    Ok(counts)
}

/// A state made short, so that millions fit; two of a hundred and twenty-eight bits are not alike by chance.
fn digest(state: &impl Hash) -> u128 {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        salt.hash(&mut hasher);
        state.hash(&mut hasher);
        u128::from(hasher.finish())
    };
    half(0) << 64 | half(1)
}

/// What is under way arrives, or never does; custodians open a document.
fn meanwhile<P: Protocol>(
    (world, spent, process): &State<P>,
    depth: Depth,
    (left, counts): (&mut Vec<State<P>>, &mut Counts),
) {
    for name in world.sealed.iter().filter(|_| spent.opened < depth.opened) {
        let mut opened = world.clone();
        // Of a document that is sealed and not written down yet nobody knows.
        if opened.course.take(&Entry::Opened { candidate: id(*name), at: world.now() }).is_ok() {
            counts.opened += 1;
            left.push((opened, Spent { opened: spent.opened + 1, ..*spent }, process.clone()));
        }
    }
    for at in 0..world.under_way.len() {
        let mut lost = world.clone();
        let name = lost.under_way.remove(at);
        let mut arrived = lost.clone();
        arrived.know(name);
        counts.late += 1;
        left.extend([(lost, *spent, process.clone()), (arrived, *spent, process.clone())]);
    }
}

/// No process runs: another is begun, time passes, documents go.
fn apart<P: Protocol>(
    (world, spent): (&World, Spent),
    depth: Depth,
    (left, counts): (&mut Vec<State<P>>, &mut Counts),
) {
    if spent.begun < depth.begins {
        let begun = Spent { begun: spent.begun + 1, ..spent };
        left.extend(P::begin(world).into_iter().map(|process| (world.clone(), begun, Some(process))));
    }
    let course = &world.course;
    if world.under_way.is_empty() && world.epoch < depth.epochs && course.unsettled().next().is_some() {
        left.push((World { epoch: world.epoch + 1, knew: BTreeSet::new(), ..world.clone() }, spent, None));
    }
    counts.contested += usize::from(course.rival(QUIESCENCE_HOURS_USUAL).is_some());
    if let Some(candidate) = P::settles(world) {
        let mut settled = world.clone();
        settled.noted(&Entry::Settled { candidate, at: world.now() });
        counts.settled += 1;
        left.push((settled, spent, None));
    }
    for candidate in course.destroyable() {
        let mut destroyed = world.clone();
        destroyed.sealed.remove(&name(candidate));
        destroyed.noted(&Entry::Destroyed { candidate: candidate.clone(), at: world.now() });
        counts.destroyed += 1;
        left.push((destroyed, spent, None));
    }
}

/// A process does what it does next: with every outcome, and killed before and after.
fn acted<P: Protocol>(
    (world, spent): (&World, Spent),
    process: &P,
    depth: Depth,
    (left, counts): (&mut Vec<State<P>>, &mut Counts),
) {
    let mut process = process.clone();
    let act = process.next(&world.course, world.now());
    if act == Act::End {
        left.push((world.clone(), spent, None));
        return;
    }
    let may_crash = spent.crashes < depth.crashes;
    let killed = |world: &World, spent: Spent| (world.clone(), Spent { crashes: spent.crashes + 1, ..spent }, None);
    if may_crash {
        left.push(killed(world, spent));
        counts.crashes += 1;
    }
    for (at, (after, came)) in outcomes(world, &act, depth).into_iter().enumerate() {
        // The first is what one hopes for.
        let faults = spent.faults + u8::from(at > 0 && depth.faults != ANY);
        if faults > depth.faults {
            break;
        }
        let spent = Spent { faults, ..spent };
        counts.steps += 1;
        if may_crash {
            left.push(killed(&after, spent));
            counts.crashes += 1;
        }
        let mut process = process.clone();
        process.on(came);
        left.push((after, spent, Some(process)));
    }
}

fn outcomes(world: &World, act: &Act, depth: Depth) -> Vec<(World, Came)> {
    let with = |change: &dyn Fn(&mut World)| {
        let mut after = world.clone();
        change(&mut after);
        after
    };
    let same = || world.clone();
    match act {
        Act::Note(entry) => vec![
            (with(&|world| world.noted(entry)), Came::Good),
            (same(), Came::Bad),
            // Written, and told otherwise.
            (with(&|world| world.noted(entry)), Came::Bad),
        ],
        Act::Draw => vec![(same(), Came::Drawn(world.free_name()))],
        Act::Seal(name) => vec![
            (with(&|world| world.sealed.extend([*name])), Came::Good),
            (same(), Came::Bad),
            (with(&|world| world.sealed.extend([*name])), Came::Bad),
        ],
        Act::SealOver(name) => vec![(with(&|world| world.sealed = BTreeSet::from([*name])), Came::Good)],
        Act::Send(name) => {
            assert!(!world.course.is_opened(&id(*name)), "what was opened is sent: {world:?}");
            let mut all = vec![
                (with(&|world| world.know(*name)), Came::Answered(Answer::Yes)),
                (with(&|world| world.know(*name)), Came::Answered(Answer::Perhaps)),
                (same(), Came::Answered(Answer::Perhaps)),
                (same(), Came::Answered(Answer::No)),
                (same(), Came::Answered(Answer::NotByPolicy)),
            ];
            if world.under_way.len() < depth.under_way {
                let under_way = with(&|world| {
                    world.under_way.push(*name);
                    world.under_way.sort_unstable();
                });
                all.push((under_way, Came::Answered(Answer::Perhaps)));
            }
            all
        }
        Act::Prove(name) => {
            let mut all = Vec::new();
            // A copy may be left that knows an older one.
            if world.knows == *name || world.knew.contains(name) {
                // What is so is said of the last change, or what a copy knows that lacks it.
                let said = [world.changed, UNKNOWN].map(|moment| Some(moment_of(moment)));
                all.extend(said.map(|said| (same(), Came::Proved(said))));
            }
            all.push((same(), Came::Bad));
            all
        }
        Act::Revoke => vec![(same(), Came::Good), (same(), Came::Bad)],
        Act::Destroy(names) => vec![(with(&|world| world.sealed.retain(|name| !names.contains(name))), Came::Good)],
        Act::End => Vec::new(),
    }
}

impl World {
    fn noted(&mut self, entry: &Entry) {
        self.course.take(entry).unwrap_or_else(|error| panic!("{error}: {self:?}"));
    }
}

/// Any number of faults.
const ANY: u8 = u8::MAX;

/// Two processes, each of which may be killed, with every outcome at every step.
const DEEP: Depth = Depth { crashes: 2, begins: 2, epochs: 2, under_way: 1, opened: 0, faults: ANY };

/// Two killed, and two that go on after them or rotate anew, with one outcome more that nobody hopes for.
const RECOVERED: Depth = Depth { crashes: 2, begins: 4, epochs: 2, under_way: 1, opened: 0, faults: 1 };

/// None killed in two rotations, and one document opened.
const OPENED: Depth = Depth { crashes: 0, begins: 2, epochs: 1, under_way: 1, opened: 1, faults: ANY };

/// In the long form: two killed and two that go on, with two such outcomes; two killed and one that goes on, or three rotations,
/// with every outcome at every step; one of two killed with a document opened. One more of anything is a hundred million states.
const LONG: [Depth; 3] = [
    Depth { faults: 2, ..RECOVERED },
    Depth { crashes: 2, begins: 3, epochs: 1, under_way: 1, opened: 0, faults: ANY },
    Depth { crashes: 1, begins: 2, epochs: 1, under_way: 1, opened: 1, faults: ANY },
];

/// What no enumeration reaches: six processes, four of them killed, everything late, two documents opened.
const FAR: Depth = Depth { crashes: 4, begins: 6, epochs: 3, under_way: 2, opened: 2, faults: 200 };

#[test]
fn whatever_happens_the_password_that_counts_is_sealed() {
    let mut depths = vec![DEEP, RECOVERED, OPENED];
    depths.extend(LONG.iter().filter(|_| is_full()));
    for depth in depths {
        let counts = enumerate::<Ours>(depth).unwrap_or_else(|world| panic!("lost: {world:#?}"));
        println!("{depth:?}: {counts:?}");
        assert!(counts.states > 100_000 && counts.settled > 500 && counts.contested > 500, "{counts:?}");
        assert!(depth.crashes == 0 || counts.crashes > 100_000, "{counts:?}");
        assert!(depth.begins < 3 || counts.destroyed > 0, "{counts:?}");
        assert!(depth.opened == 0 || counts.opened > 1_000, "{counts:?}");
    }
}

#[test]
fn ways_far_beyond_that_lose_nothing_by_seed() {
    let seed = seed_for("ways far beyond");
    let walks = if is_full() { 400_000 } else { 4_000 };
    let counts = walk::<Ours>(FAR, walks, &mut Numbers(seed)).unwrap_or_else(|world| panic!("lost: {world:#?}"));
    println!("seed {seed}: {counts:?}");
    assert_eq!(counts.ends, walks);
    let rare = [counts.settled, counts.contested, counts.destroyed, counts.late, counts.opened];
    assert!(rare.iter().all(|count| *count > 50), "{counts:?}");
}

#[test]
fn protocols_that_are_wrong_are_caught_on_such_ways_by_seed() {
    let seed = seed_for("wrong ways far beyond");
    println!("seed {seed}");
    let random = &mut Numbers(seed);
    for (which, lost) in [
        ("set, then seal", walk::<Wrong<SET_THEN_SEAL>>(FAR, 2_000, random).err()),
        ("seal over the old one, then set", walk::<Wrong<SEAL_OVER_THEN_SET>>(FAR, 2_000, random).err()),
        ("an abort destroys", walk::<Wrong<ABORT_DESTROYS>>(FAR, 2_000, random).err()),
        ("a yes destroys the old ones", walk::<Wrong<ACKNOWLEDGED_DESTROYS_OLD>>(FAR, 2_000, random).err()),
    ] {
        assert!(lost.is_some(), "{which} loses nothing");
    }
}

#[test]
fn protocols_that_are_wrong_are_caught() {
    for (which, lost) in [
        ("set, then seal", enumerate::<Wrong<SET_THEN_SEAL>>(DEEP).err()),
        ("seal over the old one, then set", enumerate::<Wrong<SEAL_OVER_THEN_SET>>(DEEP).err()),
        ("an abort destroys", enumerate::<Wrong<ABORT_DESTROYS>>(DEEP).err()),
        ("a yes destroys the old ones", enumerate::<Wrong<ACKNOWLEDGED_DESTROYS_OLD>>(DEEP).err()),
        ("a proof settles in spite of another", enumerate::<Machine<HASTY>>(DEEP).err()),
        ("a clock that is behind is believed", enumerate::<Machine<TRUSTING>>(DEEP).err()),
    ] {
        assert!(lost.is_some(), "{which} loses nothing");
    }
}
