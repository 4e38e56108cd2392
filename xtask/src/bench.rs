//! `cargo xtask bench`: makes the inputs, measures CPU time and memory, and prints the table of the README.
//!
//! What a command costs is measured from outside, in a process of its own, as the kernel counts it: user and
//! system time, and the peak of its memory. What one sign-in costs inside is asked of a small program beside the
//! engine. The machine's own speed stands beside every figure as the step of a calibration loop.
//! **Source:** the targets are those that the project set itself; the generator's arguments are in its README.

mod tenant;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeSpec;
use nix::time::{ClockId, clock_gettime};

/// Policies of the generated tenants.
const POLICY_COUNT: &str = "240";
/// Sign-ins of one file.
const REQUEST_COUNT: u32 = 1_000_000;
/// Bytes of one log, as the generator takes them.
const LOG_BYTES: &str = "2e8";
/// Runs of each command; the median counts.
const REPEATS: usize = 5;
/// The instant of the sign-ins.
const AT: &str = "2026-11-22";
/// Administrators of the tenants whose ways in are looked for.
const ADMINISTRATOR_COUNT: &str = "5000";

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BenchError {
    /// There is no generator.
    #[error("there is no generator at `{}`: name its folder with --generator", .0.display())]
    NoGenerator(PathBuf),
    /// An argument is none.
    #[error(
        "`{0}` is no argument: bench takes --users N,N --seed N --generator FOLDER --only tenant, each with a value"
    )]
    Argument(String),
    /// A program failed.
    #[error("`{0}` failed")]
    Failed(String),
    /// A file or a program cannot be used.
    #[error("`{what}` cannot be used")]
    Io {
        /// What it is.
        what: String,
        #[source]
        source: io::Error,
    },
    /// The program that was measured said something else.
    #[error("`{0}` is not in what the program for the engine said")]
    NoFigure(&'static str),
}

/// What to measure.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    users: Vec<u32>,
    seed: u64,
    generator: PathBuf,
    /// Whether nothing but the embedded tenant is measured, which needs no generator.
    is_tenant_only: bool,
}

impl Settings {
    /// Reads the arguments behind `bench`.
    pub(crate) fn read(words: &[&str], root: &Path) -> Result<Self, BenchError> {
        let generator = root.join("../shared/bench/gen");
        let mut settings = Self { users: vec![10_000, 1_000_000], seed: 1, generator, is_tenant_only: false };
        for pair in words.chunks(2) {
            let wrong = || BenchError::Argument(pair.join(" "));
            match pair {
                ["--users", list] => {
                    let users: Result<Vec<u32>, _> = list.split(',').map(str::parse).collect();
                    settings.users = users.map_err(|_| wrong())?;
                }
                ["--seed", seed] => settings.seed = seed.parse().map_err(|_| wrong())?,
                ["--generator", folder] => settings.generator = folder.into(),
                ["--only", "tenant"] => settings.is_tenant_only = true,
                _ => return Err(wrong()),
            }
        }
        Ok(settings)
    }
}

/// Small programs beside our crates that are measured, or that measure.
const EXAMPLES: [(&str, &str); 3] =
    [("breakglass-engine", "in_process"), ("breakglass-engine", "lockout_in_process"), ("breakglass-tenant", "load")];

/// What one run of a program cost.
#[derive(Debug, Clone, Copy, Default)]
struct Cost {
    cpu_ns: f64,
    /// From start to end; other programs on the machine count too.
    elapsed_ns: f64,
    peak_bytes: f64,
}

/// A row of the table.
struct Row {
    what: String,
    measured: f64,
    target: f64,
    unit: &'static str,
    calibration_ns: f64,
}

/// Measures everything and prints the table.
pub(crate) fn run(settings: &Settings, root: &Path) -> Result<(), BenchError> {
    let manifest = settings.generator.join("Cargo.toml");
    if !manifest.is_file() && !settings.is_tenant_only {
        return Err(BenchError::NoGenerator(settings.generator.clone()));
    }
    let built = root.join("target/bench-gen");
    cargo(root, &["build", "--release", "--locked", "--bin", "breakglass"], &[])?;
    for (package, example) in EXAMPLES {
        cargo(root, &["build", "--release", "--locked", "--package", package, "--example", example], &[])?;
    }
    if !settings.is_tenant_only {
        cargo(
            root,
            &["build", "--release"],
            &["--manifest-path".into(), manifest.into(), "--target-dir".into(), built.clone().into()],
        )?;
    }
    let tools = Tools {
        generator: built.join("release/gen"),
        product: root.join("target/release/breakglass"),
        engine: root.join("target/release/examples/in_process"),
        lockout: root.join("target/release/examples/lockout_in_process"),
    };
    let mut rows = Vec::new();
    let examples = root.join("target/release/examples");
    tenant::measure(
        (&tools.product, &examples.join("load")),
        &root.join("target/bench/tenant"),
        tools.calibrate()?,
        &mut rows,
    )?;
    for users in settings.users.iter().filter(|_| !settings.is_tenant_only) {
        let folder = root.join(format!("target/bench/users-{users}-seed-{}-signins-{REQUEST_COUNT}", settings.seed));
        tools.make_input(&folder, *users, settings.seed)?;
        tools.measure(&folder, *users, &mut rows)?;
        tools.measure_lockout(&folder, *users, &mut rows)?;
    }
    say(&table(&rows))
}

struct Tools {
    generator: PathBuf,
    product: PathBuf,
    engine: PathBuf,
    lockout: PathBuf,
}

impl Tools {
    /// Makes the tenant and its sign-ins, unless they are there.
    fn make_input(&self, folder: &Path, users: u32, seed: u64) -> Result<(), BenchError> {
        let (done, logs) = (folder.join("one.ndjson"), folder.join("logs.ndjson"));
        fs::create_dir_all(folder).map_err(unusable(folder))?;
        let (seed, users) = (seed.to_string(), users.to_string());
        let generate = |kind: &str, option: (&str, &str), out: &Path| {
            let mut command = Command::new(&self.generator);
            command.args([kind, "--seed", &seed, "--users", &users, option.0, option.1, "--out"]).arg(out);
            finish(&mut command)
        };
        if !logs.is_file() {
            generate("logs", ("--bytes", LOG_BYTES), &logs)?;
        }
        if done.is_file() {
            return Ok(());
        }
        let requests = folder.join("signins.ndjson");
        generate("tenant", ("--policies", POLICY_COUNT), &folder.join("tenant"))?;
        generate("signins", ("--count", &REQUEST_COUNT.to_string()), &requests)?;
        let mut line = String::new();
        let file = File::open(&requests).map_err(unusable(&requests))?;
        BufReader::new(file).read_line(&mut line).map_err(unusable(&requests))?;
        fs::write(&done, line).map_err(unusable(&done))
    }

    fn measure(&self, folder: &Path, users: u32, rows: &mut Vec<Row>) -> Result<(), BenchError> {
        let tenant = folder.join("tenant");
        let what_if = |requests: &str| -> Vec<OsString> {
            let requests = folder.join(requests);
            let [verb, at, at_value, name, file] =
                ["what-if", "--at", AT, "--snapshot", "--requests"].map(OsString::from);
            vec![verb, at, at_value, name, tenant.clone().into(), file, requests.into()]
        };
        let show: Vec<OsString> = vec!["snapshot".into(), "show".into(), "--snapshot".into(), tenant.clone().into()];
        say(&format!(
            "{users} users, outcomes of {REQUEST_COUNT} lines: {}",
            self.outcomes(&what_if("signins.ndjson"))?
        ))?;

        let mut add = |what: &str, (measured, target), unit, calibration_ns| {
            rows.push(Row { what: format!("{what}, {users} users"), measured, target, unit, calibration_ns });
        };
        let loading = self.median(&show)?;
        let step = self.calibrate()?;
        add("loading a folder, CPU", (loading.cpu_ns / 1e9, 3.0), "s", step);
        add("loading a folder, peak memory", (loading.peak_bytes / f64::from(1 << 30), 1.5), "GiB", step);
        let (all, one) = (self.median(&what_if("signins.ndjson"))?, self.median(&what_if("one.ndjson"))?);
        let per_line = (all.cpu_ns - one.cpu_ns) / f64::from(REQUEST_COUNT - 1);
        let target = if users > 100_000 { 1.5 } else { 1.0 };
        add("what-if, line to line", (per_line / 1e3, target), "µs", self.calibrate()?);

        let output =
            Command::new(&self.engine).env("BREAKGLASS_BENCH", folder).output().map_err(unusable(&self.engine))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let step = self.calibrate()?;
        add("one sign-in from interned ids", (figure(&text, "sign_in")?, 25.0), "ns", step);
        add("every user x 64 situations, per pair", (figure(&text, "pair")?, 0.5), "ns", step);
        add("replay, a record beyond parsing", (figure(&text, "replaying")? / 1e3, 3.0), "µs", step);
        let counts = text.lines().skip(4).collect::<Vec<_>>().join(", ");
        say(&format!("{users} users x 64 situations: {counts}"))
    }

    /// The ways in and what a change does to them, of the same tenant with administrators.
    fn measure_lockout(&self, folder: &Path, users: u32, rows: &mut Vec<Row>) -> Result<(), BenchError> {
        let with_administrators = folder.join("administrators");
        let mut command = Command::new(&self.lockout);
        let output = command.arg(folder).arg(ADMINISTRATOR_COUNT).arg(&with_administrators).output();
        let output = output.map_err(unusable(&self.lockout))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let step = self.calibrate()?;
        let snapshot: [OsString; 2] = ["--snapshot".into(), with_administrators.join("tenant").into()];
        let loading =
            self.median(&["snapshot".into(), "show".into()].into_iter().chain(snapshot.clone()).collect::<Vec<_>>())?;
        let policy: [OsString; 4] =
            ["--at".into(), AT.into(), "--policy".into(), with_administrators.join("proposal.json").into()];
        let arguments: Vec<OsString> = std::iter::once("guard".into()).chain(snapshot).chain(policy).collect();
        let guard = self.median(&arguments)?;
        let guard_step = self.calibrate()?;
        let mut add = |what: &str, (measured, target), unit, calibration_ns| {
            let what = format!("{what}, {ADMINISTRATOR_COUNT} administrators, {users} users");
            rows.push(Row { what, measured, target, unit, calibration_ns });
        };
        add("lockout, compiling and cuts up to 3", (figure(&text, "cuts")?, 1.0), "s", step);
        add("guard, the questions alone", (figure(&text, "guard")?, 0.3), "s", step);
        add("guard, the command from start to end", (guard.elapsed_ns / 1e9, 0.3), "s", guard_step);
        add("guard, the command, CPU of all processors", (guard.cpu_ns / 1e9, 0.3), "s", guard_step);
        add("guard, loading in that (`snapshot show`)", (loading.cpu_ns / 1e9, 0.3), "s", guard_step);
        for (name, services) in [("core", 100), ("gated", 4)] {
            rows.push(Row {
                what: format!("cuts up to 4 of 10,000 ways over 1,000 components, {services} of them services"),
                measured: figure(&text, name)? * 1e3,
                target: 2.0,
                unit: "ms",
                calibration_ns: step,
            });
        }
        let told = text.lines().filter(|line| ["told", "verdict", "found"].iter().any(|name| line.starts_with(name)));
        say(&format!("{users} users, {ADMINISTRATOR_COUNT} administrators: {}", told.collect::<Vec<_>>().join(", ")))
    }

    /// How often each outcome was answered: a figure for wrong answers would mean nothing.
    fn outcomes(&self, arguments: &[OsString]) -> Result<String, BenchError> {
        let mut command = Command::new(&self.product);
        let mut child = command.args(arguments).stdout(Stdio::piped()).spawn().map_err(unusable(&self.product))?;
        let mut counts = std::collections::BTreeMap::<String, u32>::new();
        for line in child.stdout.take().into_iter().flat_map(|out| BufReader::new(out).lines()) {
            let line = line.map_err(unusable(&self.product))?;
            let value: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
            let outcome = value.get("outcome").and_then(serde_json::Value::as_str).unwrap_or("none");
            *counts.entry(outcome.to_owned()).or_default() += 1;
        }
        child.wait().map_err(unusable(&self.product))?;
        Ok(counts.iter().map(|(outcome, count)| format!("{outcome} {count}")).collect::<Vec<_>>().join(", "))
    }

    fn median(&self, arguments: &[OsString]) -> Result<Cost, BenchError> {
        let mut costs = Vec::new();
        for _ in 0..REPEATS {
            costs.push(cost_apart(&self.product, arguments)?);
        }
        costs.sort_by(|one, other| one.cpu_ns.total_cmp(&other.cpu_ns));
        Ok(costs.get(REPEATS / 2).copied().unwrap_or_default())
    }

    fn calibrate(&self) -> Result<f64, BenchError> {
        let output = Command::new(&self.engine).arg("calibrate").output().map_err(unusable(&self.engine))?;
        figure(&String::from_utf8_lossy(&output.stdout), "calibration")
    }
}

/// Measures a program from a process that has no other child, so that the peak of its memory is its own.
fn cost_apart(program: &Path, arguments: &[OsString]) -> Result<Cost, BenchError> {
    let own = std::env::current_exe().map_err(unusable(Path::new("xtask")))?;
    let output = Command::new(&own).arg("cost-of").arg(program).args(arguments).output().map_err(unusable(&own))?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(Cost {
        cpu_ns: figure(&text, "cpu_ns")?,
        elapsed_ns: figure(&text, "elapsed_ns")?,
        peak_bytes: figure(&text, "peak_bytes")?,
    })
}

/// Runs a program, lets its output go, and prints what it cost.
pub(crate) fn cost_of(program: &str, arguments: &[&str]) -> Result<(), BenchError> {
    let begun = monotonic()?;
    let mut command = Command::new(program);
    let mut child = command.args(arguments).stdout(Stdio::piped()).spawn().map_err(unusable(Path::new(program)))?;
    // What is written is read, as a program behind it would; the buffer is reused.
    let mut buffer = vec![0; 1 << 20];
    if let Some(out) = &mut child.stdout {
        while out.read(&mut buffer).map_err(unusable(Path::new(program)))? > 0 {}
    }
    let status = child.wait().map_err(unusable(Path::new(program)))?;
    // 1 and 3 are verdicts of the product.
    if !matches!(status.code(), Some(0 | 1 | 3)) {
        return Err(BenchError::Failed(program.to_owned()));
    }
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)
        .map_err(|source| BenchError::Io { what: program.to_owned(), source: source.into() })?;
    let seconds = [usage.user_time(), usage.system_time()];
    let cpu_ns: i64 = seconds.iter().map(|time| time.tv_sec() * 1_000_000_000 + time.tv_usec() * 1_000).sum();
    let elapsed_ns = nanoseconds(monotonic()?) - nanoseconds(begun);
    say(&format!("cpu_ns {cpu_ns}\nelapsed_ns {elapsed_ns}\npeak_bytes {}", usage.max_rss() * 1024))
}

fn monotonic() -> Result<TimeSpec, BenchError> {
    clock_gettime(ClockId::CLOCK_MONOTONIC)
        .map_err(|source| BenchError::Io { what: "the clock".to_owned(), source: source.into() })
}

fn nanoseconds(time: TimeSpec) -> i64 {
    time.tv_sec() * 1_000_000_000 + time.tv_nsec()
}

/// The value behind a name, one `name value` a line.
fn figure(text: &str, name: &'static str) -> Result<f64, BenchError> {
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    value.ok_or(BenchError::NoFigure(name))
}

fn table(rows: &[Row]) -> String {
    let mut text = String::from(
        "| what | measured | target | of the target | in calibration steps |\n| --- | ---: | ---: | ---: | ---: |\n",
    );
    for row in rows {
        let Row { what, measured, target, unit, calibration_ns } = row;
        let ns = match *unit {
            "s" => Some(measured * 1e9),
            "ms" => Some(measured * 1e6),
            "µs" => Some(measured * 1e3),
            "ns" => Some(*measured),
            _ => None,
        };
        let steps = ns.map_or("-".to_owned(), |ns| format!("{:.2} of {calibration_ns:.3} ns", ns / calibration_ns));
        // Of what is counted in a second there may be more, and of everything else less.
        let part = if *unit == "/s" { target / measured } else { measured / target };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "| {what} | {measured:.3} {unit} | {target} {unit} | {part:.2} | {steps} |");
    }
    text
}

fn say(text: &str) -> Result<(), BenchError> {
    writeln!(io::stdout(), "{text}").map_err(unusable(Path::new("standard output")))
}

fn unusable(what: &Path) -> impl Fn(io::Error) -> BenchError + '_ {
    move |source| BenchError::Io { what: what.display().to_string(), source }
}

fn cargo(root: &Path, arguments: &[&str], more: &[OsString]) -> Result<(), BenchError> {
    finish(Command::new("cargo").args(arguments).args(more).current_dir(root))
}

fn finish(command: &mut Command) -> Result<(), BenchError> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command.status().map_err(unusable(Path::new(&name)))?;
    if status.success() { Ok(()) } else { Err(BenchError::Failed(name)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_read() {
        let root = Path::new("/r");
        let settings = Settings::read(&["--users", "10,20", "--seed", "3"], root).unwrap();
        assert_eq!((settings.users, settings.seed), (vec![10, 20], 3));
        for wrong in [&["--users"][..], &["--users", "ten"], &["--seed", "-1"], &["--speed", "1"]] {
            assert!(matches!(Settings::read(wrong, root), Err(BenchError::Argument(_))), "{wrong:?}");
        }
    }

    #[test]
    fn a_missing_generator_is_named() {
        let settings = Settings::read(&["--generator", "/nowhere"], Path::new("/r")).unwrap();
        let error = run(&settings, Path::new("/r")).unwrap_err();
        assert_eq!(error.to_string(), "there is no generator at `/nowhere`: name its folder with --generator");
    }

    #[test]
    fn a_row_tells_the_ratios() {
        let row = Row { what: "x".into(), measured: 0.5, target: 1.0, unit: "µs", calibration_ns: 2.0 };
        assert!(table(&[row]).contains("| x | 0.500 µs | 1 µs | 0.50 | 250.00 of 2.000 ns |"));
    }

    #[test]
    fn figures_are_found_by_name() {
        assert_eq!(figure("a 1\nb 2.5\n", "b").unwrap(), 2.5);
        assert!(figure("a 1\n", "b").is_err());
    }
}
