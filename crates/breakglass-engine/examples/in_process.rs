//! CPU time of the engine alone, for `cargo xtask bench`: one `name value` a line, times in nanoseconds.
//!
//! `calibrate` runs the calibration loop only. The CPU time is what the kernel says of this thread.

use std::hint::black_box;

use breakglass_engine::access::{Access, AccessSettings, Situation};
use breakglass_engine::replay::{Replay, Scratch, Tally};
use breakglass_model::sign_in::WhatIfRequest;
use breakglass_model::sign_in_record::SignInRecord;
use breakglass_testkit::bench_input::bench_input;

/// Steps of the calibration loop.
const CALIBRATION_STEPS: u32 = 200_000_000;
const SITUATION_COUNT: usize = 64;
const REPEATS: usize = 9;
/// What a run takes at least, in nanoseconds.
const RUN_MIN_NS: f64 = 2e8;
const NOW: jiff::Timestamp = jiff::Timestamp::constant(1_795_305_600, 0);

#[expect(clippy::print_stdout, reason = "the figures are for the program that started this one")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    if std::env::args().nth(1).as_deref() == Some("calibrate") {
        println!("calibration {}", calibrate()?);
        return Ok(());
    }
    let input = bench_input()?;
    let access = Access::compile(&input.snapshot, &AccessSettings::at(NOW))?;
    let read = |body: &String| access.situation(&WhatIfRequest::from_json(body.as_bytes()).ok()?).ok();
    let situations: Vec<Situation> = input.requests.iter().filter_map(read).collect();
    let first = situations.get(..SITUATION_COUNT).ok_or("there are too few sign-ins")?;

    let outcome = median(|| {
        for situation in &situations {
            black_box(access.outcome(black_box(situation)));
        }
        situations.len()
    })?;
    let users = input.snapshot.users.items().len();
    let pair = median(|| {
        black_box(access.count_outcomes(black_box(first)));
        users * SITUATION_COUNT
    })?;
    let parsing = median(|| {
        input.records.iter().for_each(|text| {
            let _ = black_box(SignInRecord::from_json(black_box(text.as_bytes())));
        });
        input.records.len()
    })?;
    let records: Vec<SignInRecord<'_>> =
        input.records.iter().filter_map(|text| SignInRecord::from_json(text.as_bytes()).ok()).collect();
    let replay = Replay::of(&access);
    let mut scratch = Scratch::default();
    let replaying = median(|| {
        let mut tally = Tally::default();
        for (number, (record, text)) in (0..).zip(records.iter().zip(&input.records)) {
            replay.judge(black_box(record), (number, text.as_bytes()), (&mut scratch, &mut tally));
        }
        black_box(tally);
        records.len()
    })?;
    println!("sign_in {outcome}\npair {pair}\nparsing {parsing}\nreplaying {replaying}");
    let counts = access.count_outcomes(first);
    let sum = |of: fn(&breakglass_engine::access::OutcomeCounts) -> u64| counts.iter().map(of).sum::<u64>();
    println!("allowed {}\nchallenge {}", sum(|count| count.allowed), sum(|count| count.challenge));
    println!("unsatisfiable {}\nblocked {}", sum(|count| count.unsatisfiable), sum(|count| count.blocked));
    println!("unknown {}", sum(|count| count.unknown));
    Ok(())
}

/// Nanoseconds per step of a chain in which every step waits for the one before; the rotation keeps it from being
/// folded into fewer steps.
fn calibrate() -> std::io::Result<f64> {
    let begin = cpu_ns()?;
    let mut value = black_box(1_u64);
    for _ in 0..CALIBRATION_STEPS {
        value = value.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407).rotate_left(1);
    }
    black_box(value);
    Ok((cpu_ns()? - begin) / f64::from(CALIBRATION_STEPS))
}

/// Nanoseconds per item, the median of some runs.
fn median(mut run: impl FnMut() -> usize) -> std::io::Result<f64> {
    let mut times = Vec::new();
    for _ in 0..REPEATS {
        let begin = cpu_ns()?;
        // The kernel counts at its ticks: a short run is repeated until there were many.
        let (mut items, mut spent) = (0_usize, 0.0);
        while spent < RUN_MIN_NS {
            items += run().max(1);
            spent = cpu_ns()? - begin;
        }
        #[expect(clippy::cast_precision_loss, reason = "some millions are exact")]
        times.push(spent / items as f64);
    }
    times.sort_by(f64::total_cmp);
    Ok(times.get(REPEATS / 2).copied().unwrap_or_default())
}

/// Nanoseconds that this thread has run, as Linux counts them.
fn cpu_ns() -> std::io::Result<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let first = text.split_ascii_whitespace().next().and_then(|text| text.parse().ok());
    first.ok_or_else(|| std::io::Error::other("the kernel does not say how long this thread has run"))
}
