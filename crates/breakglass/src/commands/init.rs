//! `init`: a first configuration, from what the tenant shows and from what somebody answers.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use breakglass_adapters::graph::{CLOUDS, Cloud, CloudError};
use breakglass_engine::access::{Access, AccessSettings};
use breakglass_engine::posture::accounts::Accounts;
use breakglass_engine::posture::{Case, PostureSettings, judge};
use breakglass_model::property::Property;
use breakglass_model::snapshot::Snapshot;
use breakglass_ops::ports::InMemoryParts;
use breakglass_ops::setup::ACCOUNT_COUNT_MIN;
use clap::builder::{NonEmptyStringValueParser, PossibleValuesParser};

use super::applications::{self, Language, Place};
use crate::codes::ErrorCode;
use crate::config::{CONFIG_NAME, Config, GROUP_USUAL, ProfileName, SignInName};
use crate::exit::Exit;
use crate::failure::{Coded, Failure};
use crate::live::{Live, LiveError};
use crate::render::{counted, fitted, visible};
use crate::subject::{SubjectError, reading_permissions};
use crate::wiring::World;

/// Accounts that may be asked for at once.
const COUNT_MAX: u8 = 9;

/// Write a first configuration
///
/// Signs in to the tenant, reads it, and proposes: accounts that look like emergency access accounts already are shown with
/// the reasons and taken over if you say so, others get names for `plan` to make. Nothing in the tenant is changed, and no
/// file is overwritten.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The tenant: its id
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new(), required_unless_present = "applications")]
    tenant: Option<String>,

    /// The cloud that it is in [default: public]
    #[arg(long, value_name = "CLOUD", value_parser = PossibleValuesParser::new(CLOUDS.map(|(name, ..)| name)), conflicts_with_all = ["login", "graph"])]
    cloud: Option<String>,

    /// Where to sign in, in a cloud of its own, as an embedded tenant has
    #[arg(long, value_name = "ORIGIN", requires = "graph")]
    login: Option<String>,

    /// Where Microsoft Graph is, in a cloud of its own
    #[arg(long, value_name = "ORIGIN", requires = "login")]
    graph: Option<String>,

    /// A file with certificate authorities to trust besides the public ones
    #[arg(long, value_name = "FILE")]
    authority: Vec<PathBuf>,

    /// How you sign in
    #[arg(long, value_enum, default_value_t = SignInName::DeviceCode)]
    sign_in: SignInName,

    /// The application to sign in to [default: Microsoft Graph Command Line Tools]
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,

    /// An emergency access account, there or to be made, by its sign-in name; may be given several times
    #[arg(long = "account", value_name = "UPN", value_parser = sign_in_name)]
    accounts: Vec<String>,

    /// How many accounts there are to be
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(2..=i64::from(COUNT_MAX)))]
    count: u8,

    /// The names of accounts that are to be made; the braces stand for their number
    #[arg(long, value_name = "PATTERN", default_value = "emergency-access-{n}", value_parser = pattern)]
    name: String,

    /// The group that carries the exclusion, there or to be made
    #[arg(long, value_name = "NAME", default_value = GROUP_USUAL)]
    group: String,

    /// How the accounts sign in
    #[arg(long, value_enum, default_value_t = ProfileName::Current)]
    profile: ProfileName,

    /// Do not ask the tenant; all accounts have to be given
    #[arg(long, requires = "accounts")]
    offline: bool,

    /// Print instead how to register the two applications, for reading and for changing, and what to consent to
    #[arg(long, value_name = "LANGUAGE", value_enum)]
    applications: Option<Language>,

    /// The file that is written
    #[arg(long, value_name = "FILE", default_value = CONFIG_NAME)]
    output: PathBuf,
}

fn sign_in_name(text: &str) -> Result<String, &'static str> {
    match text.split_once('@') {
        Some((local, domain)) if !local.is_empty() && domain.contains('.') => Ok(text.to_owned()),
        _ => Err("must be a whole sign-in name, as emergency-access-1@contoso.onmicrosoft.com"),
    }
}

fn pattern(text: &str) -> Result<String, &'static str> {
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    let rest = text.replace("{n}", "");
    if text.contains("{n}") && rest.chars().all(is_name) {
        Ok(text.to_owned())
    } else {
        Err("must be letters, digits, `-`, `_` and `.` with `{n}` for the number, as emergency-access-{n}")
    }
}

/// Why no configuration is written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InitError {
    /// There is a file.
    #[error("`{}` is there already, and nothing is overwritten", .0.display())]
    Exists(PathBuf),
    /// It cannot be written.
    #[error("`{}` cannot be written", path.display())]
    Unwritten {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The tenant does not say which domain is its own.
    #[error("the tenant's initial domain cannot be told")]
    NoDomain,
}

pub(crate) const CODES: &[ErrorCode] = &[ErrorCode {
    code: "BG4031",
    title: "no configuration is written",
    explanation: "The file is there already (nothing is overwritten), it cannot be written, or the tenant's initial domain \
                  cannot be told, in which new accounts belong. Name another file with `--output`, or give the accounts \
                  with `--account`.",
}];

impl Coded for InitError {
    fn code(&self) -> &'static str {
        "BG4031"
    }

    fn help(&self) -> Option<String> {
        Some(match self {
            Self::Exists(_) | Self::Unwritten { .. } => "name another file with --output".to_owned(),
            Self::NoDomain => "give each account with --account, by its whole sign-in name".to_owned(),
        })
    }
}

/// An account as it is written.
struct Written {
    key: &'static str,
    value: String,
    comment: String,
}

impl Arguments {
    pub(super) fn run(&self, world: &World) -> Result<Exit, Failure> {
        if let Some(language) = self.applications {
            let cloud = self.cloud().map_err(LiveError::Cloud)?;
            let named = self.login.is_none().then(|| self.cloud.as_deref().unwrap_or(CLOUDS[0].0));
            let place = Place { cloud: named, login: cloud.login() };
            world.print(&applications::text(language, self.tenant.as_deref(), &place)).ok();
            return Ok(Exit::Good);
        }
        if self.output.exists() {
            return Err(InitError::Exists(self.output.clone()).into());
        }
        let head = self.head();
        let accounts = if self.offline { self.given() } else { self.proposed(&head, world)? };
        if accounts.len() < ACCOUNT_COUNT_MIN {
            world.note("one account is not enough: if it is lost, nobody gets in; declare a second before `plan`");
        }
        let text = self.text(&head, &accounts);
        let write = || -> io::Result<()> {
            let mut file = OpenOptions::new().write(true).create_new(true).open(&self.output)?;
            file.write_all(text.as_bytes())
        };
        write().map_err(|source| InitError::Unwritten { path: self.output.clone(), source })?;
        for account in &accounts {
            let line = format!("{}  {}", visible(&account.value), visible(&account.comment));
            world.tell(fitted(&line, "  ", "    ", world.stderr.columns).trim_end());
        }
        world.note(&format!("written to `{}`; look at it, then run `breakglass plan --live`", self.output.display()));
        Ok(Exit::Good)
    }

    fn cloud(&self) -> Result<Cloud, CloudError> {
        match (&self.login, &self.graph) {
            (Some(login), Some(graph)) => Cloud::custom(login, graph),
            _ => Cloud::named(self.cloud.as_deref().unwrap_or(CLOUDS[0].0)),
        }
    }

    /// The accounts of the command line.
    fn given(&self) -> Vec<Written> {
        let written = |name: &String| Written {
            key: "user_principal_name",
            value: name.clone(),
            comment: "as you said".to_owned(),
        };
        self.accounts.iter().map(written).collect()
    }

    /// Those, those that look like it and are agreed to, and names for the rest.
    fn proposed(&self, head: &str, world: &World) -> Result<Vec<Written>, Failure> {
        let config = Config::parse(head, &"the answers so far")?;
        let live = Live::connect(&config, Path::new(""), &reading_permissions(), world)?;
        let parts = InMemoryParts::default();
        let finished = live.read(&parts, &self.accounts.iter().cloned().collect(), world)?;
        let snapshot = live.snapshot(&parts, &finished)?;
        world.note(&format!("the tenant was read with {} requests", finished.request_count));
        let mut accounts = self.given();
        for account in &mut accounts {
            let is_there = snapshot.find_user(&account.value).is_some();
            account.comment = if is_there { "is there, and taken over" } else { "is to be made" }.to_owned();
        }
        if accounts.is_empty() {
            accounts = self.candidates(&snapshot, world)?;
        }
        let wanted = usize::from(self.count);
        if self.accounts.is_empty() && accounts.len() < wanted {
            let domain = initial_domain(&snapshot).ok_or(InitError::NoDomain)?;
            let taken: BTreeSet<String> = snapshot
                .users
                .items()
                .iter()
                .filter_map(|user| user.user_principal_name.as_deref().map(str::to_lowercase))
                .collect();
            let names = (1..).map(|n: u32| format!("{}@{domain}", self.name.replace("{n}", &n.to_string())));
            let free = names.filter(|name| !taken.contains(&name.to_lowercase())).take(wanted - accounts.len());
            accounts.extend(free.map(|value| Written {
                key: "user_principal_name",
                value,
                comment: "is to be made".to_owned(),
            }));
        }
        Ok(accounts)
    }

    /// Accounts that look like emergency accounts, each asked about; a likeness alone takes nobody over.
    fn candidates(&self, snapshot: &Snapshot, world: &World) -> Result<Vec<Written>, Failure> {
        let settings = AccessSettings::at(snapshot.taken_at.unwrap_or(world.now));
        let access = Access::compile(snapshot, &settings).map_err(SubjectError::from)?;
        let report = judge(&Case {
            snapshot,
            access: &access,
            accounts: &Accounts::default(),
            settings: &PostureSettings::default(),
            now: snapshot.taken_at.unwrap_or(world.now),
        });
        let found = report.findings.iter().filter(|finding| finding.rule == "BG0102");
        let mut found: Vec<_> = found.filter_map(|finding| Some((finding.objects.first()?, finding))).collect();
        found.sort_by(|(one, _), (other, _)| one.name.cmp(&other.name));
        let mut taken = Vec::new();
        for (object, finding) in &found {
            let said = fitted(&visible(&finding.message), "", "", world.stderr.columns);
            world.tell(&format!("\n{}", said.trim_end()));
            if world.agrees(&format!("Take `{}` over? Only `yes` does:", visible(&object.name))) {
                taken.push(Written {
                    key: "id",
                    value: object.id.clone(),
                    comment: format!("{}, which is there and taken over", object.name),
                });
            }
        }
        if found.len() > taken.len() {
            let left = counted(found.len() - taken.len(), "candidate");
            world.note(&format!("{left} not taken over; to take one over, run it at a terminal or give --account"));
        }
        Ok(taken)
    }

    /// The sections about the tenant.
    fn head(&self) -> String {
        let mut text = String::new();
        text.push_str(match self.profile {
            ProfileName::Current => "profile = \"current\"\n",
            ProfileName::Classic => "profile = \"classic\"\n",
        });
        text.push_str("\n[tenant]\n");
        let mut line = |name: &str, value: &str| text.push_str(&format!("{name} = {}\n", quoted(value)));
        line("id", self.tenant.as_deref().unwrap_or_default());
        for (name, value) in [("cloud", &self.cloud), ("login", &self.login), ("graph", &self.graph)] {
            if let Some(value) = value {
                line(name, value);
            }
        }
        if self.sign_in != SignInName::DeviceCode {
            let value = clap::ValueEnum::to_possible_value(&self.sign_in);
            line("sign_in", value.as_ref().map(clap::builder::PossibleValue::get_name).unwrap_or_default());
        }
        if let Some(id) = &self.client_id {
            line("client_id", id);
        }
        if !self.authority.is_empty() {
            let files: Vec<String> = self.authority.iter().map(|path| quoted(&path.display().to_string())).collect();
            text.push_str(&format!("authorities = [{}]\n", files.join(", ")));
        }
        text
    }

    fn text(&self, head: &str, accounts: &[Written]) -> String {
        let mut text = String::from(
            "# The emergency access of this tenant as it is to be. `breakglass plan --live` compares the tenant with it.\n\n",
        );
        text.push_str(head);
        text.push_str("\n# The group that every policy excludes.\n[exclusion]\n");
        text.push_str(&format!("group = {}\n", quoted(&self.group)));
        for account in accounts {
            let comment: String = account.comment.chars().filter(|letter| !letter.is_control()).collect();
            text.push_str(&format!("\n# {comment}\n[[account]]\n{} = {}\n", account.key, quoted(&account.value)));
        }
        text
    }
}

fn initial_domain(snapshot: &Snapshot) -> Option<&str> {
    let domains = snapshot.domains.items().iter();
    let mut initial = domains.filter(|domain| domain.is_initial == Property::Value(true));
    initial.next().map(|domain| domain.id.as_str())
}

/// A string of TOML.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}
