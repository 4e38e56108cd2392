//! A live tenant: who signs in to it, and how it is read.
//!
//! Whatever is asked of a tenant goes over one client; what is read of it becomes the same snapshot that files give.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use breakglass_adapters::clock::SystemClock;
use breakglass_adapters::graph::sign_in::{AzureCli, CertificateError, ClientCertificate, DeviceCode, Prompt, Way};
use breakglass_adapters::graph::{
    Cloud, CloudError, GraphClient, Limits, Route, Settings, SettingsError, Surroundings, TenantSurfaces,
};
use breakglass_adapters::http::{Authorities, AuthoritiesError, Proxies, SecretText};
use breakglass_adapters::random::SystemRandom;
use breakglass_adapters::{LoadError, read_snapshot_stream};
use breakglass_model::snapshot::Snapshot;
use breakglass_ops::comparing::CompareError;
use breakglass_ops::ports::{Clock as _, DirectoryError, Parts, PartsError};
use breakglass_ops::reading::{self, Finished, Progress, ReadError, Reader};
use jiff::Timestamp;
use tokio::runtime::Runtime;

use crate::codes::ErrorCode;
use crate::config::{Config, Connection, SignInName};
use crate::exit::Exit;
use crate::failure::Coded;
use crate::render::visible;
use crate::terminal;
use crate::wiring::{self, World};

/// Bytes of the largest file with a certificate and a key.
const CERTIFICATE_BYTES_MAX: u64 = 256 << 10;

/// Why a live tenant cannot be asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LiveError {
    /// It is not said which.
    #[error("it is not said which tenant is meant")]
    NoTenant,
    /// The settings are of no use.
    #[error("the tenant cannot be reached as the configuration says")]
    Settings(#[source] SettingsError),
    /// There is no such cloud.
    #[error(transparent)]
    Cloud(CloudError),
    /// A file with authorities is of no use.
    #[error(transparent)]
    Authorities(AuthoritiesError),
    /// An application signs in, and what it does that with is not there.
    #[error("an application is to sign in, and {0}")]
    NoSecret(String),
    /// The certificate is of no use.
    #[error("the certificate in `{}` cannot be used", path.display())]
    Certificate {
        path: PathBuf,
        #[source]
        source: CertificateError,
    },
    /// There is no runtime.
    #[error("nothing can be waited for on this machine")]
    Runtime(#[source] io::Error),
    /// Nobody could sign in.
    #[error("nobody is signed in")]
    SignIn(#[source] DirectoryError),
    /// It does not answer.
    #[error("the tenant cannot be read")]
    Read(#[source] ReadError),
    /// Part of it was read, and it can be gone on with.
    #[error("the tenant was read in part")]
    ReadInPart(#[source] ReadError),
    /// What was read cannot be kept.
    #[error(transparent)]
    Parts(PartsError),
    /// Its What If is not answered.
    #[error("the tenant's own What If cannot be asked")]
    WhatIf(#[source] DirectoryError),
    /// Some of it was.
    #[error("the tenant's own What If was asked in part: {answered} answers are kept")]
    WhatIfInPart {
        answered: usize,
        #[source]
        source: DirectoryError,
    },
    /// What was read is no snapshot.
    #[error("what the tenant answered cannot be used")]
    Snapshot(#[source] LoadError),
}

pub(crate) const CODES: &[ErrorCode] = &[
    ErrorCode {
        code: "BG2001",
        title: "it is not said which tenant is meant",
        explanation: "A live tenant is asked only if the configuration names it: a tool that repairs tenants has to know \
                      which. `breakglass init` writes one, or write it yourself:\n\n    \
                      [tenant]\n    id = \"11111111-2222-3333-4444-555555555555\"",
    },
    ErrorCode {
        code: "BG2002",
        title: "the tenant cannot be reached as the configuration says",
        explanation: "A setting below `[tenant]` is of no use: a cloud that is not known, an address that is no origin, a \
                      file with certificate authorities or with the application's certificate that cannot be read, a \
                      proxy that is none. The reason is below the message. Nothing was sent.",
    },
    ErrorCode {
        code: "BG2003",
        title: "there is nothing to sign in with",
        explanation: "The configuration says that an application signs in, by its secret or its certificate, and that is \
                      not there. A secret stands in the variable BREAKGLASS_CLIENT_SECRET and never in a file of the \
                      configuration; a certificate, with its key, in the PEM file that `[tenant] certificate` names.",
    },
    ErrorCode {
        code: "BG2004",
        title: "nobody is signed in",
        explanation: "The sign-in to the tenant failed, for the reason below the message. A code that begins with AADSTS is \
                      Entra's; 50076, 50079 and 53003 come from Conditional Access, 65001 says that nobody has consented to \
                      the permissions, 700016 that the application is not known in the tenant.",
    },
    ErrorCode {
        code: "BG2005",
        title: "the tenant cannot be read",
        explanation: "Graph was not reached or did not answer, after waiting and asking again. If part of the tenant was \
                      read already (exit code 4), that is kept for an hour, and the same command goes on from there.",
    },
    ErrorCode {
        code: "BG2006",
        title: "what was read cannot be kept",
        explanation: "The folder in which a reading is kept cannot be written or read, or what the tenant answered is no \
                      snapshot. Make room, or name another file with `--output`.",
    },
    ErrorCode {
        code: "BG2007",
        title: "the tenant's own What If cannot be asked",
        explanation: "Graph was not reached, or refuses `conditionalAccess/evaluate`, for the reason below the message. \
                      Asking needs the permission `Policy.Read.All` and a licence for Conditional Access. What was \
                      answered before (exit code 4) is kept for an hour, and the same command goes on from there.",
    },
];

impl Coded for LiveError {
    fn code(&self) -> &'static str {
        match self {
            Self::NoTenant => "BG2001",
            Self::Settings(_) | Self::Cloud(_) | Self::Authorities(_) | Self::Certificate { .. } | Self::Runtime(_) => {
                "BG2002"
            }
            Self::NoSecret(_) => "BG2003",
            Self::SignIn(_) => "BG2004",
            Self::Read(_) | Self::ReadInPart(_) => "BG2005",
            Self::Parts(_) | Self::Snapshot(_) => "BG2006",
            Self::WhatIf(_) | Self::WhatIfInPart { .. } => "BG2007",
        }
    }

    fn help(&self) -> Option<String> {
        Some(match self {
            Self::NoTenant => "run `breakglass init`, or write `[tenant] id` into breakglass.toml".to_owned(),
            Self::Settings(_) | Self::Cloud(_) | Self::Authorities(_) | Self::Certificate { .. } => {
                "mend it below `[tenant]` in the configuration".to_owned()
            }
            Self::NoSecret(_) => "`breakglass explain BG2003` says where it belongs".to_owned(),
            Self::SignIn(_) => "`breakglass doctor` says what each way to sign in needs".to_owned(),
            Self::WhatIf(_) => "`breakglass doctor` says which permissions and which licence are there".to_owned(),
            Self::ReadInPart(_) | Self::WhatIfInPart { .. } => {
                "run the same command within an hour: it goes on where it stopped".to_owned()
            }
            Self::Read(_) | Self::Runtime(_) => {
                "`breakglass doctor` looks at the network, the proxy and the sign-in one by one".to_owned()
            }
            Self::Parts(_) => "make room, or name another file".to_owned(),
            Self::Snapshot(_) => "keep the file and report it: a tenant that answers is one we read".to_owned(),
        })
    }

    fn exit(&self) -> Exit {
        if matches!(self, Self::ReadInPart(_) | Self::WhatIfInPart { .. }) { Exit::Partial } else { Exit::NotStarted }
    }
}

impl From<CompareError> for LiveError {
    fn from(error: CompareError) -> Self {
        match error {
            CompareError::Parts(error) => Self::Parts(error),
            CompareError::Directory { source: source @ DirectoryError::NotSignedIn { .. }, .. } => Self::SignIn(source),
            CompareError::Directory { answered: 0, source } => Self::WhatIf(source),
            CompareError::Directory { answered, source } => Self::WhatIfInPart { answered, source },
        }
    }
}

/// A tenant that can be asked.
pub(crate) struct Live {
    /// What waits.
    pub(crate) runtime: Runtime,
    /// The tenant.
    pub(crate) directory: GraphClient,
    /// What a snapshot of it says that it is of.
    pub(crate) source: &'static str,
}

impl Live {
    /// Makes what is needed to ask; nothing is sent. `permissions` are what a person is asked to consent to.
    pub(crate) fn connect(
        config: &Config,
        folder: &Path,
        permissions: &[&str],
        world: &World,
    ) -> Result<Self, LiveError> {
        let connection = config.connection(folder);
        let tenant = connection.tenant.clone().ok_or(LiveError::NoTenant)?;
        let source = if connection.origins.is_some() { "embedded" } else { "graph" };
        let settings = Settings {
            cloud: cloud(&connection)?,
            tenant,
            client_id: connection.client_id.clone(),
            way: way(&connection)?,
            permissions: permissions.iter().map(|name| (*name).to_owned()).collect(),
            proxies: proxies(&connection),
            authorities: Authorities::from_pem_files(&connection.authorities).map_err(LiveError::Authorities)?,
            cache: wiring::token_cache(),
            limits: Limits::default(),
        };
        let runtime = terminal::runtime().map_err(LiveError::Runtime)?;
        let directory = GraphClient::new(settings, surroundings(world)).map_err(LiveError::Settings)?;
        Ok(Self { runtime, directory, source })
    }

    /// Reads the tenant into parts.
    pub(crate) fn read(
        &self,
        parts: &dyn Parts,
        named: &BTreeSet<String>,
        world: &World,
    ) -> Result<Finished, LiveError> {
        let progress = Steps::of("reading", world);
        let reader = Reader { directory: &self.directory, clock: &SystemClock, parts, progress: &progress };
        let finished = self.runtime.block_on(reader.read(named));
        world.progress_is_over();
        let has_read = progress.has_read.load(Ordering::Relaxed);
        finished.map_err(|error| match error {
            ReadError::Parts(error) => LiveError::Parts(error),
            ReadError::SignIn(source @ DirectoryError::NotSignedIn { .. })
            | ReadError::Directory { source: source @ DirectoryError::NotSignedIn { .. }, .. } => {
                LiveError::SignIn(source)
            }
            error if has_read => LiveError::ReadInPart(error),
            error => LiveError::Read(error),
        })
    }

    /// What was read, as the engines want it.
    pub(crate) fn snapshot(&self, parts: &dyn Parts, finished: &Finished) -> Result<Snapshot, LiveError> {
        let mut document = Vec::new();
        reading::write(parts, &finished.head, self.source, &mut document).map_err(LiveError::Parts)?;
        let loaded = read_snapshot_stream(document.as_slice()).map_err(LiveError::Snapshot)?;
        Ok(loaded.snapshot)
    }
}

/// The cloud that the configuration names.
pub(crate) fn cloud(connection: &Connection) -> Result<Cloud, LiveError> {
    let cloud = match (&connection.cloud, &connection.origins) {
        (_, Some((login, graph))) => Cloud::custom(login, graph).and_then(|cloud| match &connection.azure {
            Some(azure) => cloud.with_azure(azure),
            None => Ok(cloud),
        }),
        (name, None) => Cloud::named(name.as_deref().unwrap_or("public")),
    };
    cloud.map_err(LiveError::Cloud)
}

/// The surfaces of the tenant, tried with passwords; nobody else signs in, and nothing is sent before that.
pub(crate) fn surfaces(connection: &Connection, world: &World) -> Result<TenantSurfaces, LiveError> {
    let settings = Settings {
        cloud: cloud(connection)?,
        tenant: connection.tenant.clone().ok_or(LiveError::NoTenant)?,
        client_id: connection.client_id.clone(),
        way: Way::DeviceCode,
        permissions: Vec::new(),
        proxies: proxies(connection),
        authorities: Authorities::from_pem_files(&connection.authorities).map_err(LiveError::Authorities)?,
        cache: None,
        limits: Limits::default(),
    };
    let client = GraphClient::new(settings, surroundings(world)).map_err(LiveError::Settings)?;
    Ok(TenantSurfaces::of(&client))
}

fn surroundings(world: &World) -> Surroundings {
    Surroundings {
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
        prompt: Arc::new(Screen { world: world.clone() }),
    }
}

/// The way out that the configuration and the environment name, without a sign-in.
pub(crate) fn route(connection: &Connection) -> Result<Route, LiveError> {
    let authorities = Authorities::from_pem_files(&connection.authorities).map_err(LiveError::Authorities)?;
    let route = Route::new(&Limits::default(), &proxies(connection), &authorities);
    route.map_err(|error| LiveError::Settings(error.into()))
}

fn way(connection: &Connection) -> Result<Way, LiveError> {
    Ok(match connection.sign_in {
        SignInName::DeviceCode => Way::DeviceCode,
        SignInName::Browser => Way::Browser,
        SignInName::AzureCli => Way::AzureCli(AzureCli::default()),
        SignInName::ClientSecret => {
            let secret = wiring::client_secret();
            let missing = || LiveError::NoSecret("the variable BREAKGLASS_CLIENT_SECRET is not set".to_owned());
            Way::ClientSecret(SecretText::new(secret.ok_or_else(missing)?))
        }
        SignInName::ClientCertificate => {
            let missing = || LiveError::NoSecret("`[tenant] certificate` does not name its certificate".to_owned());
            let path = connection.certificate.clone().ok_or_else(missing)?;
            let unread = |why: String| LiveError::NoSecret(format!("`{}` cannot be read: {why}", path.display()));
            let size = fs::metadata(&path).map_err(|error| unread(error.to_string()))?.len();
            if size > CERTIFICATE_BYTES_MAX {
                return Err(unread(format!("it has more than {CERTIFICATE_BYTES_MAX} bytes")));
            }
            let pem = fs::read(&path).map_err(|error| unread(error.to_string()))?;
            let certificate = ClientCertificate::from_pem(&pem);
            Way::ClientCertificate(certificate.map_err(|source| LiveError::Certificate { path: path.clone(), source })?)
        }
    })
}

/// The proxy of the configuration, else that of the environment.
pub(crate) fn proxies(connection: &Connection) -> Proxies {
    let (https, no_proxy) = wiring::proxies();
    Proxies { https: connection.proxy.clone().or(https).map(SecretText::new), no_proxy: no_proxy.unwrap_or_default() }
}

/// Whoever sits before the terminal.
struct Screen {
    world: World,
}

impl Prompt for Screen {
    fn open(&self, address: &str) {
        self.world
            .tell(&format!("Open this address in a browser of this machine and sign in:\n\n  {}\n", visible(address)));
    }

    fn enter_code(&self, code: &DeviceCode<'_>) {
        self.world.tell(&format!(
            "Open {} on any machine, enter the code\n\n  {}\n\nand sign in. The code is good for {} minutes.\n",
            visible(code.address),
            visible(code.code),
            code.seconds / 60
        ));
    }

    fn note(&self, text: &str) {
        self.world.note(text);
    }
}

/// Requests that have to be done before it is said how long the others take.
const REQUEST_COUNT_BEFORE_ESTIMATE: u64 = 8;

/// Shows how far something is that takes many requests.
pub(crate) struct Steps<'w> {
    world: &'w World,
    verb: &'static str,
    begun: Timestamp,
    has_read: AtomicBool,
}

impl<'w> Steps<'w> {
    /// Nothing is done so far.
    pub(crate) fn of(verb: &'static str, world: &'w World) -> Self {
        Self { world, verb, begun: SystemClock.now(), has_read: AtomicBool::new(false) }
    }
}

impl Progress for Steps<'_> {
    fn step(&self, what: &str, done: u64, expected: u64) {
        if done > 1 {
            self.has_read.store(true, Ordering::Relaxed);
        }
        let elapsed = SystemClock.now().duration_since(self.begun).as_millis().max(0);
        let left = i128::from(expected.saturating_sub(done)) * elapsed / i128::from(done.max(1)) / 1_000;
        let estimate = match (done, left) {
            (..REQUEST_COUNT_BEFORE_ESTIMATE, _) => String::new(),
            (_, ..=1) => ", nearly there".to_owned(),
            (_, seconds @ ..120) => format!(", about {seconds} s left"),
            (_, seconds) => format!(", about {} min left", seconds / 60),
        };
        self.world.progress(&format!("{} {what}: {done} of about {expected} requests{estimate}", self.verb));
    }
}

/// Writes a file so that it is whole or not there.
pub(crate) fn replace(
    path: &Path,
    write: impl FnOnce(&mut dyn io::Write) -> Result<(), PartsError>,
) -> Result<(), PartsError> {
    let failed = |source: io::Error| PartsError { place: path.display().to_string(), source };
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    let partial = PathBuf::from(name);
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = io::BufWriter::new(options.open(&partial).map_err(failed)?);
    write(&mut file)?;
    file.flush().map_err(failed)?;
    file.get_ref().sync_all().map_err(failed)?;
    fs::rename(&partial, path).map_err(failed)
}
