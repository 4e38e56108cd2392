//! The embedded tenant: sign-ins and reads of Graph in a second, its memory, and how long it takes to start.
//!
//! The load comes from a small program beside the tenant, over real connections on this machine: it costs processors too.
//! A sign-in with a password is an Argon2id hash above all; one with a refresh token has none, and is everything else: the
//! decision, a record in the log, a session, two tokens.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::{BenchError, Row, figure, monotonic, nanoseconds, unusable};

/// Users of the large tenant.
const USER_COUNT: u32 = 100_000;
/// Clients at a time, few and many.
const CLIENT_COUNTS: [u32; 2] = [1, 64];
/// Seconds of each load.
const LOAD_SECONDS: &str = "5";
/// Who signs in: to the company of the demo, and to the large tenant.
const DEMO: (&str, &str) = ("emergency-access-1@contoso.onmicrosoft.com", "Only-For-Trying-Things-Out-1");
const LARGE: (&str, &str) = ("emergency@contoso.onmicrosoft.com", "Only-For-Measuring-1");

/// What is asked: the word of the load program, what it is called, and how many a second there should be of one client and
/// of many, in the company of the demo and in the large tenant.
const LOADS: [(&str, &str, [[f64; 2]; 2]); 4] = [
    ("password", "sign-ins with a password", [[15.0, 20.0], [15.0, 20.0]]),
    ("refresh", "sign-ins with a refresh token", [[50.0, 100.0], [50.0, 100.0]]),
    ("me", "reads of one user", [[300.0, 600.0], [300.0, 600.0]]),
    ("users", "reads of 100 users", [[50.0, 100.0], [20.0, 40.0]]),
];

/// A tenant that is served.
struct Served {
    child: Child,
    address: String,
    seconds: f64,
}

impl Drop for Served {
    fn drop(&mut self) {
        // It is gone already where that fails.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Served {
    /// Serves a tenant from a new folder, and waits until it says so.
    fn start(product: &Path, data: &Path, seed: &Path) -> Result<Self, BenchError> {
        if data.exists() {
            fs::remove_dir_all(data).map_err(unusable(data))?;
        }
        let begun = monotonic()?;
        let mut command = Command::new(product);
        command.args(["tenant", "serve", "--listen", "127.0.0.1:0", "--listen-manager", "127.0.0.1:0", "--data"]);
        command.arg(data).arg("--seed").arg(seed).stdout(Stdio::piped()).stderr(Stdio::null());
        let child = command.spawn().map_err(unusable(product))?;
        let mut served = Self { child, address: String::new(), seconds: 0.0 };
        for line in served.child.stdout.take().into_iter().flat_map(|out| BufReader::new(out).lines()) {
            let line = line.map_err(unusable(product))?;
            if let Some(base) = line.trim().strip_prefix("Login and Microsoft Graph") {
                base.trim().trim_start_matches("https://").clone_into(&mut served.address);
            }
            if line.starts_with("Ctrl-C") {
                #[expect(clippy::cast_precision_loss, reason = "a few seconds are exact")]
                let nanoseconds = (nanoseconds(monotonic()?) - nanoseconds(begun)) as f64;
                served.seconds = nanoseconds / 1e9;
                return Ok(served);
            }
        }
        Err(BenchError::Failed(format!("{} tenant serve", product.display())))
    }

    /// Bytes of memory that it has.
    fn memory_bytes(&self) -> Result<f64, BenchError> {
        let path = format!("/proc/{}/status", self.child.id());
        let status = fs::read_to_string(&path).map_err(unusable(Path::new(&path)))?;
        Ok(figure(&status.replace(" kB", ""), "VmRSS:")? * 1024.0)
    }

    fn load(
        &self,
        program: &Path,
        data: &Path,
        (who, kind, clients): ((&str, &str), &str, u32),
    ) -> Result<f64, BenchError> {
        let mut command = Command::new(program);
        command.arg(&self.address).arg(data.join("ca.pem")).args([
            who.0,
            who.1,
            kind,
            &clients.to_string(),
            LOAD_SECONDS,
        ]);
        let output = command.stderr(Stdio::inherit()).output().map_err(unusable(program))?;
        figure(&String::from_utf8_lossy(&output.stdout), "per_second")
    }
}

/// Measures the company of the demo and a large tenant.
pub(super) fn measure(
    (product, load): (&Path, &Path),
    folder: &Path,
    calibration_ns: f64,
    rows: &mut Vec<Row>,
) -> Result<(), BenchError> {
    fs::create_dir_all(folder).map_err(unusable(folder))?;
    let large = folder.join("users.json");
    write_seed(&large).map_err(unusable(&large))?;
    let tenants = [("the demo".to_owned(), Path::new("demo"), DEMO), (format!("{USER_COUNT} users"), &large, LARGE)];
    for (number, (of, seed, who)) in tenants.into_iter().enumerate() {
        let data = folder.join("data");
        let served = Served::start(product, &data, seed)?;
        let mut add = |what: String, (measured, target), unit| {
            rows.push(Row { what: format!("tenant, {what}, {of}"), measured, target, unit, calibration_ns });
        };
        let is_large = number > 0;
        add(
            "from start until it is served, seeding".to_owned(),
            (served.seconds, if is_large { 20.0 } else { 1.0 }),
            "s",
        );
        for (kind, name, targets) in LOADS {
            for (place, clients) in CLIENT_COUNTS.into_iter().enumerate() {
                let per_second = served.load(load, &data, (who, kind, clients))?;
                let target = targets.get(number).and_then(|targets| targets.get(place)).copied().unwrap_or(1.0);
                add(format!("{name}, {clients} clients"), (per_second, target), "/s");
            }
        }
        let memory = served.memory_bytes()? / f64::from(1 << 30);
        add("memory after all that".to_owned(), (memory, if is_large { 1.0 } else { 0.5 }), "GiB");
    }
    Ok(())
}

/// A tenant of many users, one of whom is an administrator with a password.
fn write_seed(path: &Path) -> std::io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    let (name, password) = LARGE;
    write!(
        file,
        "{{\"format\":\"breakglass-snapshot/1\",\"tenantId\":\"6c1b0e0e-54a2-4d39-9d0f-b4ea6f1a5501\",\
         \"takenAt\":\"2026-11-01T00:00:00Z\",\"source\":\"file\",\"users\":[{{\"id\":\
         \"00000000-0000-4000-8000-0000000000a1\",\"displayName\":\"Emergency\",\"accountEnabled\":true,\
         \"userPrincipalName\":\"{name}\",\"passwordProfile\":{{\"password\":\"{password}\"}}}}"
    )?;
    for number in 0..USER_COUNT {
        write!(
            file,
            ",{{\"id\":\"00000000-0000-4000-9000-{number:012}\",\"displayName\":\"User {number}\",\"accountEnabled\":true,\
             \"userPrincipalName\":\"user{number}@contoso.onmicrosoft.com\",\"givenName\":\"User\",\"surname\":\"{number}\",\
             \"jobTitle\":\"Engineer\",\"department\":\"Department {}\",\"userType\":\"Member\"}}",
            number % 50
        )?;
    }
    write!(
        file,
        "],\"roleAssignments\":[{{\"id\":\"00000000-0000-4000-8000-0000000000e1\",\"principalId\":\
         \"00000000-0000-4000-8000-0000000000a1\",\"roleDefinitionId\":\"62e90394-69f5-4237-9190-012177145e10\",\
         \"directoryScopeId\":\"/\"}}]}}"
    )?;
    file.flush()
}
