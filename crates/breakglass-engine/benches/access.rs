//! Benchmarks of the Conditional Access engine, on the input that `BREAKGLASS_BENCH` names or a small random one.
//! They measure elapsed time; `cargo xtask bench` measures CPU time and holds it against the targets.

use breakglass_engine::access::{Access, AccessSettings, Situation};
use breakglass_engine::replay::{Replay, Scratch, Tally};
use breakglass_model::sign_in::WhatIfRequest;
use breakglass_model::sign_in_record::SignInRecord;
use breakglass_testkit::bench_input::{BenchInput, bench_input};
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};

const SITUATION_COUNT: usize = 64;
const NOW: jiff::Timestamp = jiff::Timestamp::constant(1_795_305_600, 0);

fn main() {
    divan::main();
}

#[expect(clippy::panic, reason = "a benchmark without its input has nothing to measure")]
fn input() -> BenchInput {
    bench_input().unwrap_or_else(|error| panic!("{error}"))
}

#[expect(clippy::panic, reason = "a benchmark without its input has nothing to measure")]
fn access(input: &BenchInput) -> Access<'_> {
    Access::compile(&input.snapshot, &AccessSettings::at(NOW)).unwrap_or_else(|error| panic!("{error}"))
}

fn requests(input: &BenchInput) -> Vec<WhatIfRequest<'_>> {
    input.requests.iter().filter_map(|body| WhatIfRequest::from_json(body.as_bytes()).ok()).collect()
}

fn situations(access: &Access<'_>, input: &BenchInput) -> Vec<Situation> {
    requests(input).iter().filter_map(|request| access.situation(request).ok()).collect()
}

#[divan::bench]
fn outcome(bencher: Bencher<'_, '_>) {
    let input = input();
    let access = access(&input);
    let situations = situations(&access, &input);
    bencher.counter(ItemsCount::new(situations.len())).bench_local(|| {
        for situation in &situations {
            black_box(access.outcome(situation));
        }
    });
}

#[divan::bench]
fn situation(bencher: Bencher<'_, '_>) {
    let input = input();
    let access = access(&input);
    let requests = requests(&input);
    bencher.counter(ItemsCount::new(requests.len())).bench_local(|| {
        for request in &requests {
            let _ = black_box(access.situation(request));
        }
    });
}

#[divan::bench]
fn count_outcomes(bencher: Bencher<'_, '_>) {
    let input = input();
    let access = access(&input);
    let mut situations = situations(&access, &input);
    situations.truncate(SITUATION_COUNT);
    let pairs = situations.len() * input.snapshot.users.items().len();
    bencher.counter(ItemsCount::new(pairs)).bench_local(|| black_box(access.count_outcomes(&situations)));
}

#[divan::bench]
fn replay(bencher: Bencher<'_, '_>) {
    let input = input();
    let access = access(&input);
    let replay = Replay::of(&access);
    let records: Vec<SignInRecord<'_>> =
        input.records.iter().filter_map(|text| SignInRecord::from_json(text.as_bytes()).ok()).collect();
    let mut scratch = Scratch::default();
    bencher.counter(ItemsCount::new(records.len())).bench_local(|| {
        let mut tally = Tally::default();
        for (number, record) in (0..).zip(&records) {
            replay.judge(record, (number, b"{}"), (&mut scratch, &mut tally));
        }
        tally
    });
}

#[divan::bench(sample_count = 10)]
fn compile(bencher: Bencher<'_, '_>) {
    let input = input();
    bencher.bench_local(|| black_box(access(&input)).classes().count());
}
