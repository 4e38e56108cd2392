//! CPU time of the lockout analysis, for `cargo xtask bench`: one `name value` a line, times in seconds.
//!
//! The arguments are the folder that `cargo xtask bench` made, the number of administrators, and the folder into which
//! the tenant with these is written, beside a policy to propose, for whoever measures a command. The CPU time is what
//! the kernel says of this thread, in steps of some milliseconds, so that what is shorter is repeated.

use std::hint::black_box;
use std::path::Path;

use breakglass_engine::access::{Access, AccessSettings};
use breakglass_engine::guard::{Before, Change, compare};
use breakglass_engine::lockout::cuts::{Family, Limits, minimal_cuts};
use breakglass_engine::lockout::goal::{Goal, Question, Stage};
use breakglass_engine::lockout::minimal_cuts_of;
use breakglass_engine::lockout::scenarios::trusted_network_policy;
use breakglass_engine::lockout::settings::{LockoutSettings, Mode};
use breakglass_testkit::bench_lockout::{family, with_administrators, write_with_administrators};

/// Runs of each measurement; the median counts.
const REPEATS: usize = 5;
/// Searches of one run of the core.
const SEARCHES: u32 = 400;
const NOW: jiff::Timestamp = jiff::Timestamp::constant(1_795_305_600, 0);
/// Seed of roles and methods, and of the family of ways.
const SEED: u64 = 1;

#[expect(clippy::print_stdout, reason = "the figures are for the program that started this one")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("name the folder of the benchmark tenant")?;
    let administrators: usize = arguments.next().ok_or("say how many administrators")?.parse()?;
    let out = arguments.next().ok_or("name the folder for the tenant with administrators")?;
    let (folder, out) = (Path::new(&folder), Path::new(&out));
    let snapshot = with_administrators(folder, administrators, SEED)?;
    write_with_administrators(folder, &out.join("tenant"), administrators, SEED)?;
    let settings = LockoutSettings { max_order: 3, ..LockoutSettings::default() };
    let question = Question { goal: Goal::FullRepair, surface: None, stage: Stage::Direct };
    let mut told = String::new();
    let cuts = median(|| {
        let access = Access::compile(&snapshot, &AccessSettings::at(NOW)).map_err(|error| error.to_string())?;
        let (cuts, order) = minimal_cuts_of(&access, &settings, Mode::Promised, question);
        told = format!("{} cuts, searched to {:?}", cuts.len(), order.searched_to);
        Ok(())
    })?;
    println!("cuts {cuts}\ntold {told}");

    let policies = snapshot.conditional_access_policies.items();
    let proposed = trusted_network_policy(policies).ok_or("no policy to propose")?;
    std::fs::write(out.join("proposal.json"), proposed.source.to_string())?;
    let after: Vec<_> = policies.iter().cloned().chain([proposed]).collect();
    let mut verdict = String::new();
    let guard = median(|| {
        let access = Access::compile(&snapshot, &AccessSettings::at(NOW)).map_err(|error| error.to_string())?;
        let before = Before::of(&access, &settings, Goal::FullRepair).map_err(|error| error.to_string())?;
        let changed =
            Access::compile_with(&snapshot, &after, &AccessSettings::at(NOW)).map_err(|error| error.to_string())?;
        let report = compare(&before, &changed, &settings, Change::default(), 2);
        verdict =
            format!("{} -> {:?} {}", report.before.proved.unwrap_or(99), report.after.proved, report.verdict.name());
        Ok(())
    })?;
    println!("guard {guard}\nverdict {verdict}");

    // A hundred services, of which no four carry every way; and four, which do.
    for (name, services) in [("core", 100), ("gated", 4)] {
        let mut known = Family { component_count: 1_000, ways: family(SEED, (1_000, services), 10_000) };
        let limits = Limits { size_max: 4, node_count_max: 1_000_000, smallest_only: false };
        let mut found = 0;
        let core = median(|| {
            for _ in 0..SEARCHES {
                found = black_box(minimal_cuts(black_box(&mut known), limits)).cuts.len();
            }
            Ok(())
        })? / f64::from(SEARCHES);
        println!("{name} {core}\nfound_{name} {found}");
    }
    Ok(())
}

/// Seconds, the median of some runs.
fn median(mut run: impl FnMut() -> Result<(), String>) -> Result<f64, Box<dyn std::error::Error>> {
    let mut times = Vec::new();
    for _ in 0..REPEATS {
        let begin = cpu_seconds()?;
        run()?;
        times.push(cpu_seconds()? - begin);
    }
    times.sort_by(f64::total_cmp);
    Ok(times.get(REPEATS / 2).copied().unwrap_or_default())
}

/// CPU time of this thread so far.
fn cpu_seconds() -> std::io::Result<f64> {
    let line = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let spent = line.split_whitespace().next().and_then(|word| word.parse::<f64>().ok());
    spent.map(|ns| ns / 1e9).ok_or_else(|| std::io::Error::other("the kernel does not tell the CPU time"))
}
