//! Rotations over HTTPS with a tenant that throttles, is away, loses answers, is late, and with whoever rotates killed at any
//! request: sealed for real, combined for real, and signed in for real.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use breakglass_adapters::clock::SystemClock;
use breakglass_adapters::folder_depository::FolderDepository;
use breakglass_adapters::graph::sign_in::{DeviceCode, Prompt, Way};
use breakglass_adapters::graph::{Cloud, GraphClient, Limits, Settings, Surroundings};
use breakglass_adapters::http::{Authorities, Proxies, SecretText};
use breakglass_adapters::key_file::{self, KeyUse};
use breakglass_adapters::random::SystemRandom;
use breakglass_adapters::sqlite_store::SqliteStore;
use breakglass_custody::document::Account;
use breakglass_custody::signed_set::SignedSet;
use breakglass_custody::signing::SigningKey;
use breakglass_ops::key_box::record::Entry;
use breakglass_ops::ports::{Clock, Store as _};
use breakglass_ops::rotation::journey::{RotationError, Rotator, Sealing};
use breakglass_ops::rotation::record::UNPROVED_COUNT_MAX;
use breakglass_tenant::tls;
use breakglass_testkit::is_full;
use jiff::Timestamp;
use tokio::sync::Notify;
use zeroize::Zeroizing;

use super::front::{Fate, Kind};
use super::world::{TENANT, WRITER, WRITER_SECRET, World, other};

/// Rotations that are tried, in the usual form and in the long one.
const SAMPLES: usize = 15;
const SAMPLES_FULL: usize = 500;

/// Runs of one rotation until it has to be at its end.
const RUN_COUNT_MAX: usize = 12;

/// Faults of the tenant itself, of which one may be on.
const FAULTS: [&str; 4] = ["cut-after-write", "graph-503", "graph-429", "token-service-down"];

/// Numbers that look random, from a seed (SplitMix64).
#[derive(Clone)]
pub(super) struct Numbers(pub(super) u64);

impl Numbers {
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (number ^ (number >> 31)) % end
    }

    pub(super) fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }
}

/// A clock that does not wait.
struct Hasty;

#[async_trait]
impl Clock for Hasty {
    fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    async fn sleep(&self, _: Duration) {
        tokio::task::yield_now().await;
    }
}

/// Nobody is asked to sign in.
struct Nobody;

impl Prompt for Nobody {
    fn open(&self, address: &str) {
        panic!("{address}");
    }

    fn enter_code(&self, _: &DeviceCode<'_>) {
        panic!("nobody enters a code");
    }

    fn note(&self, text: &str) {
        panic!("{text}");
    }
}

/// Our client with a tenant, signed in as the application, with a clock that does not wait.
pub(super) fn client_of(world: &World) -> GraphClient {
    let origin = format!("https://{}", world.at);
    let settings = Settings {
        cloud: Cloud::custom(&origin, &origin).unwrap(),
        tenant: TENANT.to_owned(),
        client_id: WRITER.to_owned(),
        way: Way::ClientSecret(SecretText::new(WRITER_SECRET.to_owned())),
        permissions: Vec::new(),
        proxies: Proxies::default(),
        authorities: Authorities::from_pem_files(&[world.served.folder.join(tls::AUTHORITY_FILE)]).unwrap(),
        cache: None,
        limits: Limits::default(),
    };
    let prompt = Arc::new(Nobody);
    let surroundings = Surroundings { clock: Arc::new(Hasty), random: Arc::new(SystemRandom), prompt };
    GraphClient::new(settings, surroundings).unwrap()
}

/// What the rotations of this test have in common.
struct Bench {
    world: World,
    shares: Vec<String>,
    set: SignedSet,
    operator: SigningKey,
    store: SqliteStore,
    killed: Arc<Notify>,
    /// What became of requests, but for those that were passed on.
    fates: Arc<Mutex<BTreeMap<(Kind, Fate), usize>>>,
}

impl Bench {
    fn new() -> Self {
        let world = World::with_others("sampled", if is_full() { SAMPLES_FULL } else { SAMPLES });
        let shares = world.new_set();
        let path = world.state().join("operator.key");
        let seed = key_file::read(&path, KeyUse::Operator, || Ok::<Zeroizing<String>, String>(Zeroizing::default()));
        let operator = SigningKey::of_seed(seed.unwrap());
        let store = world.store();
        let entries = store.entries(breakglass_ops::key_box::record::STREAM).unwrap();
        let Entry::Made { set, .. } = serde_json::from_value(entries[0].clone()).unwrap() else {
            panic!("{entries:?}")
        };
        let set = SignedSet::read(&set).unwrap().confirmed(operator.public().fingerprint()).unwrap();
        let killed = Arc::new(Notify::new());
        let notify = Arc::clone(&killed);
        world.front.kill_by(move || notify.notify_one());
        Self { world, shares, set, operator, store, killed, fates: Arc::default() }
    }

    /// One process; none if it was killed.
    fn run(&self, account: &Account, folder: &str) -> Option<Result<(), RotationError>> {
        let client = client_of(&self.world);
        let depository = FolderDepository::new(self.world.folder.join(folder));
        let rotator = Rotator {
            directory: &client,
            proving: &client,
            depository: &depository,
            store: &self.store,
            clock: &Hasty,
            random: &SystemRandom,
            tell: &|_| {},
            is_despite_unproved: false,
            is_application_allowed: true,
        };
        let sealing = Sealing { account, set: &self.set, reserve: None, operator: &self.operator };
        self.world.runtime.block_on(async {
            tokio::select! {
                biased;
                () = self.killed.notified() => None,
                ended = rotator.rotate(sealing) => Some(ended.map(drop)),
            }
        })
    }

    /// From now on as many requests as that fare badly, by chance.
    fn fares(&self, mut numbers: Numbers, count: usize) {
        let (fates, mut left) = (Arc::clone(&self.fates), count);
        self.world.front.decide(move |kind| {
            let all: &[Fate] = match kind {
                Kind::Set => &[
                    Fate::LostDone,
                    Fate::LostUndone,
                    Fate::Late,
                    Fate::Refused(403),
                    Fate::Refused(429),
                    Fate::Refused(503),
                    Fate::BrokenDone(504),
                    Fate::KilledBefore,
                    Fate::KilledAfter,
                    Fate::KilledLate,
                ],
                Kind::Prove => {
                    &[Fate::LostDone, Fate::LostUndone, Fate::Refused(503), Fate::KilledBefore, Fate::KilledAfter]
                }
                Kind::Revoke => {
                    &[Fate::LostDone, Fate::LostUndone, Fate::Refused(403), Fate::KilledBefore, Fate::KilledAfter]
                }
                Kind::Read | Kind::Look | Kind::SignIn | Kind::Make | Kind::Delete => {
                    &[Fate::LostUndone, Fate::Refused(503), Fate::KilledBefore]
                }
            };
            let tenths = match kind {
                Kind::Set => 8,
                Kind::Prove | Kind::Revoke => 4,
                Kind::Read | Kind::Look | Kind::SignIn | Kind::Make | Kind::Delete => 1,
            };
            let is_bad = left > 0 && numbers.below(10) < tenths;
            if !is_bad {
                return Fate::Passed;
            }
            left -= 1;
            let fate = numbers.one_of(all);
            *fates.lock().unwrap().entry((kind, fate)).or_default() += 1;
            fate
        });
    }
}

/// How runs ended, by their words.
type Ends = BTreeMap<String, usize>;

/// One account: a first rotation that is left alone, and a second one that is not.
fn sample(bench: &Bench, number: usize, seed: u64, ends: &mut Ends) {
    let mut numbers = Numbers(seed);
    let (id, name, before) = other(number);
    let (account, folder) =
        (Account { id: id.clone(), user_principal_name: name.clone() }, format!("documents-{number}"));
    let whose = (id.as_str(), name.as_str(), before.as_str());
    let holds = || bench.world.holds(whose, (&folder, &bench.shares));
    bench.world.front.decide(|_| Fate::Passed);
    if numbers.below(4) > 0 {
        bench.run(&account, &folder).unwrap().unwrap_or_else(|error| panic!("seed {seed}: {error:?}"));
    }
    let fault = (numbers.below(3) == 0).then(|| numbers.one_of(&FAULTS));
    if let Some(fault) = fault {
        bench.world.switch("PUT", &["faults", fault]);
        *ends.entry(format!("the tenant's fault {fault}")).or_default() += 1;
    }
    bench.fares(numbers.clone(), usize::try_from(1 + numbers.below(4)).unwrap());
    let mut last = String::new();
    for run in 1..=RUN_COUNT_MAX {
        let ended = bench.run(&account, &folder);
        if run == 1 && fault.is_some() {
            bench.world.switch("DELETE", &["faults"]);
        }
        if numbers.below(2) == 0 {
            bench.world.runtime.block_on(bench.world.front.let_arrive());
        }
        holds();
        last = match ended {
            None => "killed".to_owned(),
            Some(Err(RotationError::Stopped { stop, .. })) => format!("stopped: {stop:?}"),
            Some(Err(error)) => format!("not begun: {}", error.to_string().split(':').next().unwrap_or_default()),
            Some(Ok(())) => format!("whole after {run} runs"),
        };
        *ends.entry(last.clone()).or_default() += 1;
        if last.starts_with("whole") || last.ends_with("ManyUnproved") {
            break;
        }
    }
    let is_at_its_end = last.starts_with("whole") || last.ends_with("ManyUnproved");
    assert!(is_at_its_end, "seed {seed}: it does not come to its end: {last}");
    // Whatever is on its way arrives after everything.
    let late = bench.world.runtime.block_on(bench.world.front.let_arrive());
    let (counts, _) = holds();
    let course = bench.world.course(&id);
    if last.starts_with("whole") && late == 0 && course.current() != counts.as_ref() {
        *ends.entry("something late counts, and is sealed".to_owned()).or_default() += 1;
    }
    assert!(course.sent_since().len() <= UNPROVED_COUNT_MAX, "seed {seed}");
}

#[test]
fn rotations_over_https_by_seed_lose_nothing() {
    const SEED: u64 = 20_261_127;
    let bench = Bench::new();
    let count = if is_full() { SAMPLES_FULL } else { SAMPLES };
    let mut ends = Ends::new();
    for number in 0..count {
        sample(&bench, number, SEED + number as u64, &mut ends);
    }
    println!("seed {SEED}: {count} rotations over HTTPS, each sealed, combined and signed in with");
    ends.iter().for_each(|(end, count)| println!("  {count:>5} {end}"));
    let fates = bench.fates.lock().unwrap();
    fates.iter().for_each(|((kind, fate), count)| println!("  {count:>5} {kind:?} {fate:?}"));
    assert!(fates.keys().any(|(kind, _)| *kind == Kind::Set));
}
