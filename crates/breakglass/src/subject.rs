//! What is judged: a tenant, who its emergency accounts are, and by which settings. The arguments are the same for
//! every command that judges.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use breakglass_adapters::{LoadError, read_snapshot};
use breakglass_engine::access::{Access, AccessError, AccessSettings};
use breakglass_engine::lockout::custody::Custody;
use breakglass_engine::posture::accounts::{Accounts, Declared};
use breakglass_engine::posture::{Case, PostureSettings, Profile, Report, judge};
use breakglass_model::snapshot::Snapshot;
use breakglass_ops::ports::InMemoryParts;
use breakglass_ops::reading::{RELATED, SOURCES};
use breakglass_ops::setup::Wanted;
use clap::builder::NonEmptyStringValueParser;
use jiff::Timestamp;

use crate::accounts_from::{self, AccountsFrom};
use crate::codes::ErrorCode;
use crate::config::{CONFIG_NAME, Config, LockoutSettings, ProfileName, instant};
use crate::failure::{Coded, Failure};
use crate::live::{Live, LiveError};
use crate::wiring::World;

/// Unrecognised files that are named before the rest is counted.
const UNRECOGNISED_SHOWN_COUNT_MAX: usize = 20;

/// Which tenant, whose accounts, which settings.
#[derive(Debug, clap::Args)]
pub(crate) struct SubjectArguments {
    /// The tenant: a snapshot file, a folder of exported Graph answers, or `-` for standard input
    #[arg(long, value_name = "PATH")]
    snapshot: Option<PathBuf>,

    /// Ask the tenant itself, which the configuration names; the same as without a snapshot
    #[arg(long, conflicts_with = "snapshot")]
    live: bool,

    /// The configuration [default: breakglass.toml of the snapshot's folder or of this one, if it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// An emergency access account, or a group of them; may be given several times
    #[arg(long = "account", value_name = "UPN-or-id", value_parser = NonEmptyStringValueParser::new())]
    accounts: Vec<String>,

    /// Take the accounts from the configuration of Maester, Zero Trust Assessment or ScubaGear
    #[arg(long, value_name = "FILE")]
    accounts_from: Vec<PathBuf>,

    /// How the accounts' authentication is judged [default: current]
    #[arg(long)]
    profile: Option<ProfileName>,

    /// The instant to judge at, as 2026-06-15T00:00:00Z or 2026-06-15 [default: when the snapshot was taken, else now]
    #[arg(long, value_name = "TIME", value_parser = instant_argument)]
    at: Option<Timestamp>,
}

impl SubjectArguments {
    /// Whether the tenant comes by standard input.
    pub(crate) fn is_stream(&self) -> bool {
        self.snapshot.as_ref().is_some_and(|path| path.as_os_str() == "-")
    }

    /// The words of the command line that name the same tenant, judged in the same way.
    pub(crate) fn words(&self) -> impl Iterator<Item = String> {
        let path = |path: &PathBuf| path.display().to_string();
        let mut words = match &self.snapshot {
            Some(snapshot) => vec!["--snapshot".to_owned(), path(snapshot)],
            None => vec!["--live".to_owned()],
        };
        let mut add = |name: &str, value: String| words.extend([name.to_owned(), value]);
        self.config.iter().for_each(|config| add("--config", path(config)));
        self.accounts.iter().for_each(|account| add("--account", account.clone()));
        self.accounts_from.iter().for_each(|file| add("--accounts-from", path(file)));
        self.at.iter().for_each(|at| add("--at", at.to_string()));
        words.into_iter()
    }
}

pub(crate) fn instant_argument(text: &str) -> Result<Timestamp, &'static str> {
    instant(text).ok_or("must be a date as 2026-06-15 or an instant as 2026-06-15T00:00:00Z")
}

/// Why there is nothing to judge.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SubjectError {
    /// The snapshot cannot be read.
    #[error(transparent)]
    Snapshot(LoadError),
    /// Its policies cannot be evaluated.
    #[error(transparent)]
    Policies(AccessError),
    /// There are more objects than are numbered.
    #[error("the snapshot names more objects than one tenant has")]
    TooManyObjects,
    /// Nothing says which tenant.
    #[error("nothing says which tenant: there is neither `--snapshot` nor a configuration with `[tenant] id`")]
    NoTenant,
    /// The configuration is for another tenant.
    #[error("the configuration is for the tenant `{configured}`, and the snapshot is of `{found}`")]
    OtherTenant { configured: String, found: String },
}

pub(crate) const CODES: &[ErrorCode] = &[
    ErrorCode {
        code: "BG1051",
        title: "the policies cannot be evaluated",
        explanation: "The snapshot has more Conditional Access policies than are evaluated. Entra allows 240 in a \
                      tenant, so several tenants were probably exported into one folder: export them apart.",
    },
    ErrorCode {
        code: "BG1052",
        title: "the configuration is for another tenant",
        explanation: "`[tenant] id` of the configuration is not the tenant of the snapshot. Nothing is judged, because \
                      the accounts of one tenant say nothing about another. Give the configuration or the snapshot of \
                      the same tenant.",
    },
    ErrorCode {
        code: "BG1053",
        title: "nothing says which tenant",
        explanation: "A tenant is judged by a snapshot of it (`--snapshot`: a file, or a folder of exported Graph answers), or \
                      it is asked itself, if a configuration names it: `breakglass.toml` in this folder, or the one that \
                      `--config` gives. `breakglass init` writes one.",
    },
];

impl Coded for SubjectError {
    fn code(&self) -> &'static str {
        match self {
            Self::Snapshot(error) => error.code(),
            Self::Policies(_) => "BG1051",
            Self::TooManyObjects => "BG1008",
            Self::OtherTenant { .. } => "BG1052",
            Self::NoTenant => "BG1053",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Snapshot(error) => Some(error.help()),
            Self::Policies(_) | Self::TooManyObjects => Some("export one tenant into one folder".to_owned()),
            Self::OtherTenant { .. } => Some("give the configuration or the snapshot of the same tenant".to_owned()),
            Self::NoTenant => Some(
                "give `--snapshot PATH`; or `breakglass init --tenant ID`, and the tenant itself is asked".to_owned(),
            ),
        }
    }
}

impl From<AccessError> for SubjectError {
    fn from(error: AccessError) -> Self {
        Self::Policies(error)
    }
}

/// A tenant, ready to be judged.
#[derive(Debug)]
pub(crate) struct Subject {
    /// The tenant.
    pub(crate) snapshot: Snapshot,
    /// The snapshot as it was named.
    pub(crate) source: String,
    /// Who was declared an emergency account, and where.
    pub(crate) declared: Vec<Declared>,
    /// Who that is in this tenant.
    pub(crate) accounts: Accounts,
    /// How the rules judge.
    pub(crate) posture: PostureSettings,
    /// How sign-ins are decided.
    pub(crate) access: AccessSettings,
    /// Who and what keeps which secret.
    pub(crate) custody: Custody,
    /// How the lockout analysis judges.
    pub(crate) lockout: LockoutSettings,
    /// The instant of judgement.
    pub(crate) now: Timestamp,
}

impl Subject {
    /// What the rules say of it, with its policies compiled.
    pub(crate) fn judged(&self, access: &Access<'_>) -> Report {
        judge(&Case {
            snapshot: &self.snapshot,
            access,
            accounts: &self.accounts,
            settings: &self.posture,
            now: self.now,
        })
    }
}

/// Lists that every judgement wants and that are not all there.
pub(crate) fn missing(subject: &Subject) -> Vec<&'static str> {
    let counts = subject.snapshot.summary(subject.now).resources;
    let wanted = counts.into_iter().filter(|count| !count.resource.is_optional() && count.why.is_some());
    let methods = subject.snapshot.methods_missing().next().map(|_| "authenticationMethods");
    wanted.map(|count| count.resource.name()).chain(methods).collect()
}

impl Subject {
    /// Reckons with the users that the snapshot names and does not have, for questions of who could still get in.
    pub(crate) fn name_users(&mut self) -> Result<(), SubjectError> {
        self.snapshot.add_named_users().map_err(|_| SubjectError::TooManyObjects)
    }

    /// Looks the declared accounts up again, after the tenant became another.
    pub(crate) fn resolve_accounts(&mut self) {
        self.accounts = Accounts::resolve(&self.snapshot, &self.declared);
    }
}

impl SubjectArguments {
    /// The live tenant of a configuration.
    pub(crate) fn live(config: Option<PathBuf>) -> Self {
        Self {
            snapshot: None,
            live: true,
            config,
            accounts: Vec::new(),
            accounts_from: Vec::new(),
            profile: None,
            at: None,
        }
    }

    /// The configuration that was named, or the one of this folder, or the usual values; and the folder that its paths
    /// are from.
    pub(crate) fn config_or_usual(config: Option<&Path>, world: &World) -> Result<(Config, PathBuf), Failure> {
        let found = Self::live(config.map(Path::to_path_buf)).config(world)?;
        let folder = found.as_ref().map(|(_, name)| folder_of(name)).unwrap_or_default();
        Ok((found.map(|(config, _)| config).unwrap_or_default(), folder))
    }

    /// The configuration that was named, or the one of this folder, with its name.
    pub(crate) fn config_of(config: Option<&Path>, world: &World) -> Result<Option<(Config, String)>, Failure> {
        Self::live(config.map(Path::to_path_buf)).config(world)
    }

    /// Reads everything that was named, and the arrangement that is declared for it, if that is good for something.
    pub(crate) fn load_with_wanted(
        &self,
        is_good: &dyn Fn(&Wanted) -> Result<(), Failure>,
        world: &World,
    ) -> Result<(Subject, Wanted), Failure> {
        let found = self.config(world)?;
        self.has_tenant(found.as_ref())?;
        is_good(&self.wanted(found.as_ref()))?;
        self.load_of(found, None, world)
    }

    /// Whether anything says which tenant.
    fn has_tenant(&self, found: Option<&(Config, String)>) -> Result<(), Failure> {
        match found.and_then(|(config, _)| config.tenant_id()) {
            None if self.live => Err(LiveError::NoTenant.into()),
            None if self.snapshot.is_none() => Err(SubjectError::NoTenant.into()),
            _ => Ok(()),
        }
    }

    fn wanted(&self, found: Option<&(Config, String)>) -> Wanted {
        let usual = Config::default();
        found.map_or(&usual, |(config, _)| config).wanted(self.profile)
    }

    /// Reads the tenant of a configuration over a client that is there.
    pub(crate) fn load_over(
        live: &Live,
        found: Option<(Config, String)>,
        world: &World,
    ) -> Result<(Subject, Wanted), Failure> {
        Self::live(None).load_of(found, Some(live), world)
    }

    fn load_of(
        &self,
        found: Option<(Config, String)>,
        live: Option<&Live>,
        world: &World,
    ) -> Result<(Subject, Wanted), Failure> {
        let wanted = self.wanted(found.as_ref());
        Ok((self.load_with(found, live, world)?, wanted))
    }

    /// Reads everything that was named.
    pub(crate) fn load(&self, world: &World) -> Result<Subject, Failure> {
        self.load_with(self.config(world)?, None, world)
    }

    /// The same with a configuration that was read, over a client that is there.
    pub(crate) fn load_with(
        &self,
        config: Option<(Config, String)>,
        live: Option<&Live>,
        world: &World,
    ) -> Result<Subject, Failure> {
        self.has_tenant(config.as_ref())?;
        let mut declared: Vec<Declared> = self
            .accounts
            .iter()
            .map(|name| Declared { name: name.trim().to_owned(), origin: "--account".to_owned() })
            .collect();
        for path in &self.accounts_from {
            let AccountsFrom { declared: from, notes } = accounts_from::read(path)?;
            declared.extend(from);
            notes.iter().for_each(|note| world.note(note));
        }
        if let Some((config, name)) = &config {
            declared.extend(config.declared(name));
        }
        let folder = config.as_ref().map(|(_, name)| folder_of(name)).unwrap_or_default();
        let config = config.map(|(config, _)| config).unwrap_or_default();

        let (snapshot, source) = match &self.snapshot {
            Some(path) => (load_snapshot(path, world)?, path.display().to_string()),
            None => {
                let connected = match live {
                    Some(_) => None,
                    None => Some(Live::connect(&config, &folder, &reading_permissions(), world)?),
                };
                let live = live.or(connected.as_ref()).ok_or(LiveError::NoTenant)?;
                (ask(live, &named(&config, &declared), world)?, "the tenant".to_owned())
            }
        };
        let found = snapshot.tenant_id.as_ref().map(ToString::to_string);
        if let (Some(configured), Some(found)) = (config.tenant_id(), found)
            && !configured.eq_ignore_ascii_case(&found)
        {
            return Err(SubjectError::OtherTenant { configured: configured.to_owned(), found }.into());
        }
        let now = self.at.or(snapshot.taken_at).unwrap_or(world.now);
        let mut posture = config.posture_settings();
        posture.profile = self.profile.map_or(posture.profile, Profile::from);
        Ok(Subject {
            accounts: Accounts::resolve(&snapshot, &declared),
            snapshot,
            source,
            declared,
            posture,
            access: config.access_settings(now),
            custody: config.custody(),
            lockout: config.lockout_settings(),
            now,
        })
    }

    /// The configuration that was named, or the one in the snapshot's folder or the current one, with its name.
    pub(crate) fn config(&self, world: &World) -> Result<Option<(Config, String)>, Failure> {
        let Some(path) = self.config_path() else { return Ok(None) };
        if self.config.is_none() {
            // Once, however often it is read.
            static TOLD: std::sync::Once = std::sync::Once::new();
            TOLD.call_once(|| world.note(&format!("using the configuration `{}`", path.display())));
        }
        Ok(Some((Config::read(&path)?, path.display().to_string())))
    }

    /// The one that was named.
    pub(crate) fn named_config(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    /// Where that is.
    pub(crate) fn config_path(&self) -> Option<PathBuf> {
        if self.config.is_some() {
            return self.config.clone();
        }
        let of_snapshot = self.snapshot.iter().map(|folder| folder.join(CONFIG_NAME));
        of_snapshot.chain([PathBuf::from(CONFIG_NAME)]).find(|path| path.is_file())
    }
}

/// The folder that a configuration lies in, from which its paths are.
pub(crate) fn folder_of(config: &str) -> PathBuf {
    Path::new(config).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// Reads the live tenant.
fn ask(live: &Live, named: &BTreeSet<String>, world: &World) -> Result<Snapshot, Failure> {
    let parts = InMemoryParts::default();
    let finished = live.read(&parts, named, world)?;
    Ok(live.snapshot(&parts, &finished)?)
}

/// Permissions that reading a tenant asks for.
pub(crate) fn reading_permissions() -> Vec<&'static str> {
    let lists = SOURCES.iter().flat_map(|source| source.permissions);
    let related = RELATED.iter().flat_map(|(_, _, permissions)| *permissions);
    let all: BTreeSet<&'static str> = lists.chain(related).copied().collect();
    all.into_iter().collect()
}

/// Those on whom an answer depends, by the declarations and the custody.
pub(crate) fn named(config: &Config, declared: &[Declared]) -> BTreeSet<String> {
    let depositories = config.custody().depositories.into_values().flat_map(|one| one.signs_in);
    declared.iter().map(|one| one.name.clone()).chain(depositories).chain([config.wanted(None).group]).collect()
}

/// Reads a snapshot and says beside it what was not understood.
pub(crate) fn load_snapshot(path: &Path, world: &World) -> Result<Snapshot, Failure> {
    world.progress(&format!("reading `{}`", path.display()));
    let loaded = read_snapshot(path).map_err(SubjectError::Snapshot)?;
    world.progress_is_over();
    loaded.notes.iter().for_each(|note| world.note(note));
    for file in loaded.unrecognised.iter().take(UNRECOGNISED_SHOWN_COUNT_MAX) {
        world.note(&format!("`{}` is left out: {}", file.file, file.why));
    }
    let rest = loaded.unrecognised.len().saturating_sub(UNRECOGNISED_SHOWN_COUNT_MAX);
    if rest > 0 {
        world.note(&format!("{rest} more files are left out"));
    }
    let is_ours = |file: &&str| Path::new(file).file_name().is_some_and(|name| name == CONFIG_NAME);
    let unopened: Vec<&str> = loaded.unopened.iter().map(String::as_str).filter(|file| !is_ours(file)).collect();
    if let Some(files) = listed(&unopened) {
        world.note(&format!("not opened, since only `*.json` and `*.ndjson` are: {files}"));
    }
    Ok(loaded.snapshot)
}

/// The first files by name, and how many more there are; `None` for none.
fn listed(files: &[&str]) -> Option<String> {
    let shown: Vec<String> = files.iter().take(UNRECOGNISED_SHOWN_COUNT_MAX).map(|file| format!("`{file}`")).collect();
    let rest = files.len() - shown.len();
    match (shown.is_empty(), rest) {
        (true, _) => None,
        (_, 0) => Some(shown.join(", ")),
        _ => Some(format!("{} and {rest} more", shown.join(", "))),
    }
}
