//! `tenant serve`: the embedded tenant alone; `tenant fault`: what fails in it; `tenant rotate-keys`: a new signing key.

mod export;
mod fault;
mod files;
mod rotate_keys;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use breakglass_tenant::backstage::{self, AskError};
use breakglass_tenant::profile::Profile;
use breakglass_tenant::seed::{SeedError, check};
use breakglass_tenant::tenant::{Addresses, OpenError, Tenant};
use breakglass_tenant::tls::{AUTHORITY_FILE, BEYOND_AUTHORITY_FILE, TlsError};
use breakglass_tenant::{demo, serve, tls};
use clap::builder::{OsStringValueParser, TypedValueParser as _};
use clap::{Subcommand, ValueEnum};
use tokio::net::TcpListener;

use crate::codes::ErrorCode;
use crate::exit::Exit;
use crate::failure::{Coded, Failure};
use crate::output::deliver;
use crate::render::visible;
use crate::wiring::{SystemClock, World};

/// Serve an embedded tenant that real clients sign in to, and make things fail in it
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Serve(Serve),
    Fault(fault::Fault),
    RotateKeys(rotate_keys::RotateKeys),
}

/// Serve the login endpoints, Microsoft Graph and a corner of Azure Resource Manager over TLS
///
/// The tenant makes a certificate authority of its own, which clients are told to trust by the variables that are
/// printed, and keeps its state in a folder. It runs until it is interrupted.
#[derive(Debug, clap::Args)]
struct Serve {
    /// Where the login endpoints and Microsoft Graph are served; port 0 takes one that is free
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8443")]
    listen: SocketAddr,

    /// Where Azure Resource Manager is served [default: the next port]
    #[arg(long, value_name = "ADDRESS")]
    listen_manager: Option<SocketAddr>,

    /// Take addresses to listen on that other machines can reach
    ///
    /// Whoever reaches them can sign in with the tenant's passwords, of which those of the demo are public. They get a
    /// certificate authority of their own, for these addresses alone; the outbox and the faults stay for this machine.
    #[arg(long)]
    beyond_loopback: bool,

    /// Answer plain HTTP as well, to clients on this machine, for programs that speak no TLS
    #[arg(long)]
    allow_loopback_http: bool,

    /// Where a proxy is served that leads every CONNECT to the tenant, for clients that insist on port 443
    #[arg(long, value_name = "ADDRESS")]
    connect_proxy: Option<SocketAddr>,

    /// The folder that keeps the tenant
    #[arg(long, value_name = "FOLDER", default_value = "breakglass-tenant")]
    data: PathBuf,

    /// What a new tenant begins with: `demo` is a company of 200 accounts, anything else a snapshot file, in which
    /// passwords and secrets may stand
    #[arg(long, value_name = "demo|SNAPSHOT", value_parser = OsStringValueParser::new().map(Seed::from))]
    seed: Option<Seed>,

    #[command(flatten)]
    export: export::Export,

    /// Which of Microsoft's own rules are in force
    #[arg(long, value_name = "PROFILE", default_value = "current")]
    profile: Rules,
}

/// Microsoft's own rules, beside what the tenant arranges.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Rules {
    /// No mandatory multifactor authentication; refresh tokens are good for 24 hours
    Classic,
    /// Multifactor authentication is mandatory in the portals and for writes to Azure Resource Manager; refresh tokens are
    /// good for 90 days
    Current,
}

impl From<Rules> for Profile {
    fn from(rules: Rules) -> Self {
        match rules {
            Rules::Classic => Self::Classic,
            Rules::Current => Self::Current,
        }
    }
}

#[derive(Debug, Clone)]
enum Seed {
    Demo,
    File(PathBuf),
}

impl From<OsString> for Seed {
    fn from(word: OsString) -> Self {
        if word == DEMO { Self::Demo } else { Self::File(word.into()) }
    }
}

/// The folder, in that of a tenant, in which the Azure CLI keeps what it knows of it.
const AZURE_CLI_FOLDER: &str = "azure-cli";

/// The word for the company of the demo.
const DEMO: &str = "demo";

/// Why no tenant is served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TenantError {
    /// Others could reach it.
    #[error("`{0}` can be reached from other machines")]
    NotLoopback(SocketAddr),
    /// It stands for all addresses, and clients need one.
    #[error("`{0}` stands for every address of this machine, and a certificate is for one")]
    Unspecified(SocketAddr),
    /// The address cannot be had.
    #[error("`{address}` cannot be listened on")]
    Listen {
        address: SocketAddr,
        #[source]
        source: io::Error,
    },
    /// The folder cannot be used.
    #[error("the tenant in `{folder}` cannot be opened")]
    Open {
        folder: String,
        #[source]
        source: OpenError,
    },
    /// The certificate cannot be made.
    #[error("the tenant's certificate cannot be made")]
    Tls(#[source] TlsError),
    /// The seed cannot be read.
    #[error("the seed `{path}` cannot be read")]
    ReadSeed {
        path: String,
        #[source]
        source: io::Error,
    },
    /// The seed cannot be used.
    #[error("the seed `{path}` cannot be used")]
    Seed {
        path: String,
        #[source]
        source: SeedError,
    },
    /// There is no tenant to ask.
    #[error("the embedded tenant cannot be asked")]
    NotServed(#[source] AskError),
    /// It refuses.
    #[error("the fault is not switched: {0}")]
    Fault(String),
    /// It makes no key.
    #[error("no key is made: {0}")]
    Keys(String),
    /// Settings of nothing.
    #[error("settings are given, and no fault that they are of")]
    NoFault,
    /// It cannot be written down where it is served.
    #[error("the folder `{folder}` cannot be written")]
    Folder {
        folder: String,
        #[source]
        source: io::Error,
    },
    /// The logs cannot be sent anywhere.
    #[error("the logs cannot be exported to a broker")]
    Export(#[from] export::ExportError),
    /// The server stopped.
    #[error("the server stopped")]
    Server(#[source] io::Error),
}

pub(crate) const CODES: &[ErrorCode] = &[
    ErrorCode {
        code: "BG5001",
        title: "an embedded tenant is served on this machine only",
        explanation: "The address that was given can be reached from other machines, and an embedded tenant is for this \
                      one: its certificate authority is constrained to loopback names, and its demo passwords are known. \
                      Give an address of 127.0.0.0/8, or ::1. If others shall reach it all the same, give one address \
                      of this machine (not 0.0.0.0) together with --beyond-loopback, in a network of which you trust \
                      everybody.",
    },
    ErrorCode {
        code: "BG5002",
        title: "the address cannot be listened on",
        explanation: "Another program listens there, or this user may not: ports below 1024 are for administrators on \
                      most systems. Give another address with --listen; port 0 takes one that is free.",
    },
    ErrorCode {
        code: "BG5003",
        title: "the embedded tenant cannot be opened",
        explanation: "The folder given with --data cannot be made or written, or holds a tenant of another version, or \
                      one that is damaged. A new folder begins a new tenant; nothing in the old one is changed.",
    },
    ErrorCode {
        code: "BG5004",
        title: "the seed cannot be used",
        explanation: "The file given with --seed cannot be read, is no snapshot in the form `breakglass-snapshot/1`, or \
                      the tenant in the folder has been seeded before: a seed is for a new one. Leave --seed out to go \
                      on with the tenant that is there, or name an empty folder with --data. The word `demo` is no file \
                      but a company that comes with the program; a file of that name is `./demo`.",
    },
    ErrorCode {
        code: "BG5005",
        title: "the embedded tenant cannot be asked",
        explanation: "`tenant fault` and `tenant rotate-keys` ask the tenant that is being served from the folder given with --data, at the \
                      address that `tenant serve` has written into that folder. None is, or it does not answer. Serve it \
                      in another shell, and name the same folder here.",
    },
    ErrorCode {
        code: "BG5006",
        title: "the fault is not switched",
        explanation: "There is no fault of that name, it is about somebody or something that the tenant does not have, \
                      a setting does not belong to it or is out of its limits, it contradicts another one that is on, or \
                      it is not on and cannot be switched off. Nothing was changed. `breakglass tenant fault --help` \
                      lists the names and settings, `breakglass tenant fault` what is on.",
    },
    ErrorCode {
        code: "BG5007",
        title: "the logs cannot be exported to a broker",
        explanation: "With --export-kafka-user a password is shown to the broker. It is read from the file given with                       --export-kafka-password-file, else from the variable BREAKGLASS_EXPORT_KAFKA_PASSWORD, and is                       sent to a broker on another machine over TLS only: give --export-kafka-tls, or the broker's own                       certificate authority with --export-kafka-ca. No tenant was opened. A broker that cannot be                       reached is no error: the logs are kept until it can.",
    },
];

impl Coded for TenantError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotLoopback(_) | Self::Unspecified(_) => "BG5001",
            Self::Listen { .. } | Self::Server(_) => "BG5002",
            Self::Open { .. } | Self::Tls(_) | Self::Folder { .. } | Self::Keys(_) => "BG5003",
            Self::NotServed(_) => "BG5005",
            Self::Fault(_) | Self::NoFault => "BG5006",
            Self::ReadSeed { .. } | Self::Seed { .. } => "BG5004",
            Self::Export(_) => "BG5007",
        }
    }

    fn help(&self) -> Option<String> {
        Some(match self {
            Self::NotLoopback(_) => {
                "give an address of 127.0.0.0/8, or ::1; --beyond-loopback takes others, and says what that means"
                    .to_owned()
            }
            Self::Unspecified(_) => "give the address under which other machines reach this one".to_owned(),
            Self::Listen { .. } | Self::Server(_) => {
                "stop the other program, or give another address; port 0 takes one that is free".to_owned()
            }
            Self::Keys(_) => {
                "see to it that the tenant's folder can be written, and that its disk is not full".to_owned()
            }
            Self::Open { .. } | Self::Tls(_) | Self::Folder { .. } => {
                "name a folder that may be written with --data, and with --export".to_owned()
            }
            Self::NotServed(_) => {
                "run `breakglass tenant serve` in another shell, and name its folder with --data".to_owned()
            }
            Self::Fault(_) | Self::NoFault => {
                "`breakglass tenant fault --help` lists the faults and their settings".to_owned()
            }
            Self::Export(_) => {
                "give the password with --export-kafka-password-file, and --export-kafka-tls if the broker is elsewhere"
                    .to_owned()
            }
            Self::Seed { source: SeedError::NotNew, .. } => {
                "leave --seed out to go on with the tenant that is there, or name a new folder with --data".to_owned()
            }
            Self::Seed { source: SeedError::Unusable { .. }, .. } => {
                "mend the seed there, and run the same again: nothing was begun in the folder".to_owned()
            }
            Self::ReadSeed { .. } | Self::Seed { .. } => {
                "name a file in the form breakglass-snapshot/1 with --seed, or the company of the demo: --seed demo"
                    .to_owned()
            }
        })
    }
}

impl Arguments {
    pub(super) fn run(&self, world: &World) -> Result<Exit, Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(TenantError::Server)?;
        match &self.what {
            What::Serve(serve) => runtime.block_on(serve.run(world)),
            What::Fault(fault) => runtime.block_on(fault.run(world)),
            What::RotateKeys(rotate) => runtime.block_on(rotate.run(world)),
        }
    }
}

impl Serve {
    async fn run(&self, world: &World) -> Result<Exit, Failure> {
        // Before anything is made: whoever mistypes a file is left with no tenant that is not the one they wanted.
        let seed = self.seed.as_ref().map(Seed::read).transpose()?;
        let broker = self.export.broker().map_err(TenantError::Export)?;
        let next_port = match self.listen.port() {
            0 => 0,
            port => port.checked_add(1).unwrap_or(0),
        };
        let manager = self.listen_manager.unwrap_or(SocketAddr::new(self.listen.ip(), next_port));
        let (own, manager) =
            (listening(self.listen, self.beyond_loopback).await?, listening(manager, self.beyond_loopback).await?);
        let proxy = match self.connect_proxy {
            Some(address) => Some(listening(address, self.beyond_loopback).await?),
            None => None,
        };
        let at = |listener: &TcpListener| listener.local_addr().map_err(TenantError::Server);
        let (own_at, manager_at) = (at(&own)?, at(&manager)?);
        let addresses = Addresses { base: origin(own_at), manager: origin(manager_at) };
        let folder = self.data.display().to_string();
        let open = |source| TenantError::Open { folder: folder.clone(), source };
        let mut tenant = Tenant::open(&self.data, addresses.clone(), Arc::new(SystemClock))
            .map_err(open)?
            .with_profile(self.profile.into());
        if let Some(seed) = &seed {
            world.progress("seeding the tenant");
            seed.put(&mut tenant)?;
            world.progress_is_over();
        }
        if self.allow_loopback_http {
            tenant = tenant.with_loopback_http();
        }
        let tenant = Arc::new(self.export.to_files(tenant)?);
        let backlog = export::backlog(&tenant, broker).map_err(open)?;
        let ips: Vec<IpAddr> = vec![own_at.ip(), manager_at.ip()];
        let config = tls::server_config(&self.data, &ips, world.now).map_err(TenantError::Tls)?;
        let proxy_at = proxy.as_ref().map(at).transpose()?;
        let unwritable = |source| TenantError::Folder { folder: folder.clone(), source };
        backstage::served_at(&self.data, &addresses.base).map_err(unwritable)?;
        let cast = if matches!(seed, Some(ReadSeed::Demo)) { cast(world) } else { String::new() };
        deliver(world, None, &self.announcement((&tenant, &cast), &addresses, proxy_at))?;
        let tunnels = async {
            match proxy {
                Some(proxy) => serve::serve_proxy(proxy, (own_at, manager_at)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            ended = serve::serve_within(tenant, Arc::new(config), (own, manager), files::limits()) => ended.map_err(TenantError::Server)?,
            never = export::sent(backlog, world) => match never {},
            ended = tunnels => ended.map_err(TenantError::Server)?,
            _ = tokio::signal::ctrl_c() => {}
        }
        Ok(Exit::Good)
    }

    /// Where the tenant is, and what clients have to be told.
    fn announcement(
        &self,
        (tenant, cast): (&Tenant, &str),
        addresses: &Addresses,
        proxy: Option<SocketAddr>,
    ) -> String {
        let others: Vec<&str> = [&addresses.base, &addresses.manager]
            .into_iter()
            .filter(|origin| !is_of_loopback(origin))
            .map(String::as_str)
            .collect();
        let file = if others.is_empty() { AUTHORITY_FILE } else { BEYOND_AUTHORITY_FILE };
        let authority = fs::canonicalize(self.data.join(file)).unwrap_or_else(|_| self.data.join(file));
        let authority = authority.display();
        let mut text = format!(
            "Tenant {} is served.\n\n  Login and Microsoft Graph  {}\n  Azure Resource Manager     {}\n",
            tenant.id(),
            addresses.base,
            addresses.manager,
        );
        if let Some(proxy) = proxy {
            text.push_str(&format!("  CONNECT proxy              http://{proxy}\n"));
        }
        let warning = if others.is_empty() {
            String::new()
        } else {
            format!(
                "OTHER MACHINES CAN REACH {}.\nWhoever does can sign in with the tenant's passwords, of which those of the demo \
                 are public.\nThe certificate authority is for these addresses, and another one each time. The outbox and the\n\
                 faults are for this machine alone.\n\n",
                others.join(" AND "),
            )
        };
        let faults = tenant.faults();
        let faults = if faults.is_empty() {
            String::new()
        } else {
            let faults: Vec<String> = faults.iter().map(|fault| visible(fault).into_owned()).collect();
            format!("Faults that are on: {}.\n\n", faults.join(", "))
        };
        text.push_str(&format!(
            "  Certificate authority      {authority}\n\n{warning}Tell clients to trust it:\n\n  \
             export REQUESTS_CA_BUNDLE='{authority}' SSL_CERT_FILE='{authority}' NODE_EXTRA_CA_CERTS='{authority}'\n\n\
             {}{cast}{faults}Ctrl-C stops it; its state stays in `{}`.\n",
            self.azure_cli(addresses, tenant),
            self.data.display(),
        ));
        text
    }

    /// The lines that sign in with the Azure CLI, which has a configuration of its own for it. It asks for the password.
    fn azure_cli(&self, addresses: &Addresses, tenant: &Tenant) -> String {
        let folder = fs::canonicalize(&self.data).unwrap_or_else(|_| self.data.clone());
        let is_demo = tenant.id() == demo::TENANT;
        let name = demo::sign_ins().into_iter().next().filter(|_| is_demo).map_or("NAME".to_owned(), |one| one.name);
        let Addresses { base, manager } = addresses;
        format!(
            "Sign in with the Azure CLI in that shell:\n\n  export AZURE_CONFIG_DIR='{}' AZURE_CORE_INSTANCE_DISCOVERY=false \
             AZURE_CORE_COLLECT_TELEMETRY=no AZURE_CORE_LOGIN_EXPERIENCE_V2=off\n  az cloud register --name box \
             --endpoint-resource-manager {manager} --endpoint-active-directory {base}/adfs && az cloud set --name box\n  \
             az login --username {name} --allow-no-subscriptions\n\n",
            folder.join(AZURE_CLI_FOLDER).display(),
        )
    }
}

impl Seed {
    fn read(&self) -> Result<ReadSeed, TenantError> {
        match self {
            Self::Demo => Ok(ReadSeed::Demo),
            Self::File(path) => {
                let path_text = path.display().to_string();
                let snapshot = match fs::read(path) {
                    Ok(snapshot) => snapshot,
                    Err(source) => return Err(TenantError::ReadSeed { path: path_text, source }),
                };
                // Before there is a folder: one that is begun and has no tenant helps nobody.
                match check(&snapshot) {
                    Ok(()) => Ok(ReadSeed::Snapshot(path_text, snapshot)),
                    Err(source) => Err(TenantError::Seed { path: path_text, source }),
                }
            }
        }
    }
}

/// A seed, as it is put into a tenant.
#[derive(Debug)]
enum ReadSeed {
    Demo,
    /// Of a file, what is in it.
    Snapshot(String, Vec<u8>),
}

impl ReadSeed {
    fn put(&self, tenant: &mut Tenant) -> Result<(), TenantError> {
        let (path, put) = match self {
            Self::Demo => (DEMO, tenant.seed_demo()),
            Self::Snapshot(path, snapshot) => (path.as_str(), tenant.seed(snapshot)),
        };
        put.map_err(|source| TenantError::Seed { path: path.to_owned(), source })
    }
}

/// Who can sign in to the company of the demo. Passwords are shown to whoever looks, and kept out of files.
fn cast(world: &World) -> String {
    let people = demo::sign_ins();
    let widest = |text: fn(&demo::SignIn) -> &str| people.iter().map(|one| text(one).len()).max().unwrap_or_default();
    let (names, passwords) = (widest(|one| &one.name), widest(|one| one.password));
    let mut text = String::from("Contoso, a company that is made up. Some to sign in as:\n\n");
    for one in &people {
        // A `String` takes all that is written.
        let _ = match world.stdout.is_terminal {
            true => writeln!(text, "  {:names$}  {:passwords$}  {}", one.name, one.password, one.who),
            false => writeln!(text, "  {:names$}  {}", one.name, one.who),
        };
    }
    text.push_str("\nThe others, and their passwords: docs/guide/tenant.md\n\n");
    text
}

async fn listening(address: SocketAddr, is_beyond_taken: bool) -> Result<TcpListener, TenantError> {
    if !address.ip().is_loopback() && !is_beyond_taken {
        return Err(TenantError::NotLoopback(address));
    }
    if address.ip().is_unspecified() {
        return Err(TenantError::Unspecified(address));
    }
    TcpListener::bind(address).await.map_err(|source| TenantError::Listen { address, source })
}

/// Whether only this machine reaches an origin.
fn is_of_loopback(origin: &str) -> bool {
    let host = origin.trim_start_matches("https://");
    host.parse::<SocketAddr>()
        .map(|address| address.ip())
        .or_else(|_| host.trim_matches(['[', ']']).parse())
        .is_ok_and(|address| address.is_loopback())
}

/// The origin of an address; the usual port is left out.
fn origin(address: SocketAddr) -> String {
    match address.port() {
        443 if address.is_ipv4() => format!("https://{}", address.ip()),
        _ => format!("https://{address}"),
    }
}
