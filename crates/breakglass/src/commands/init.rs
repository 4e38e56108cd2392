//! `init`: a first configuration, from what the tenant shows and from what somebody answers.

mod against;
mod given;
mod group;

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
use clap::builder::PossibleValuesParser;
use jiff::Timestamp;

use self::against::against;
use self::given::{client_id, generic, origin, pattern, sign_in_name, tenant};
use super::application::is_guid;
use super::applications::{self, Language, Place};
use super::suggested::shell_word;
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
    /// The tenant: its id, or a domain of it where it is asked
    #[arg(long, value_name = "ID", value_parser = tenant, required_unless_present = "applications")]
    tenant: Option<String>,

    /// The cloud that it is in [default: public]
    #[arg(long, value_name = "CLOUD", value_parser = PossibleValuesParser::new(CLOUDS.map(|(name, ..)| name)), conflicts_with_all = ["login", "graph"])]
    cloud: Option<String>,

    /// Where to sign in, in a cloud of its own, as an embedded tenant has
    #[arg(long, value_name = "ORIGIN", value_parser = origin, requires = "graph")]
    login: Option<String>,

    /// Where Microsoft Graph is, in a cloud of its own
    #[arg(long, value_name = "ORIGIN", value_parser = origin, requires = "login")]
    graph: Option<String>,

    /// A file with certificate authorities to trust besides the public ones
    #[arg(long, value_name = "FILE")]
    authority: Vec<PathBuf>,

    /// How you sign in
    #[arg(long, value_enum, default_value_t = SignInName::DeviceCode)]
    sign_in: SignInName,

    /// The application to sign in to [default: Microsoft Graph Command Line Tools]
    #[arg(long, value_name = "ID", value_parser = client_id)]
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

    /// The group that carries the exclusion, there or to be made [default: one that is there and fit, if you say so; else
    /// Emergency access - excluded from Conditional Access]
    #[arg(long, value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    group: Option<String>,

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
    /// The same account, given more than once.
    #[error("`{0}` is given twice, and one account is no second way in")]
    Twice(String),
    /// Nobody can be asked for the id that belongs to a domain.
    #[error("`{0}` is a domain, and nobody is asked for the tenant's id with --offline")]
    Domain(String),
}

pub(crate) const CODES: &[ErrorCode] = &[ErrorCode {
    code: "BG4031",
    title: "no configuration is written",
    explanation: "The file is there already (nothing is overwritten), it cannot be written, or the tenant's initial domain \
                  cannot be told, in which new accounts belong; or an account is given twice, or the tenant by a domain \
                  where nobody asks it for its id. The message says which. Name another file with `--output`, give each \
                  account once with `--account`, by its whole sign-in name, and the tenant by its id.",
}];

impl Coded for InitError {
    fn code(&self) -> &'static str {
        "BG4031"
    }

    fn help(&self) -> Option<String> {
        Some(match self {
            Self::Exists(_) | Self::Unwritten { .. } => "name another file with --output".to_owned(),
            Self::NoDomain => "give each account with --account, by its whole sign-in name".to_owned(),
            Self::Twice(_) => "give another account, or leave one out and let `init` find a name".to_owned(),
            Self::Domain(_) => "give --tenant the id; the Entra admin center shows it under Overview".to_owned(),
        })
    }
}

/// An account as it is written.
struct Written {
    key: &'static str,
    value: String,
    comment: String,
    /// What speaks against it, a sentence each.
    against: Vec<String>,
}

impl Written {
    fn of_name(value: String, comment: &str) -> Self {
        Self { key: "user_principal_name", value, comment: comment.to_owned(), against: Vec::new() }
    }

    /// Says it to somebody. What speaks against a candidate was said when it was asked about.
    fn tell(&self, world: &World) {
        let is_candidate = self.key == "id";
        let line = if is_candidate { self.comment.clone() } else { format!("{}  {}", self.value, self.comment) };
        world.tell(fitted(&visible(&line), "  ", "    ", world.stderr.columns).trim_end());
        for why in self.against.iter().filter(|_| !is_candidate) {
            world.tell(fitted(&visible(why), "    - ", "      ", world.stderr.columns).trim_end());
        }
    }
}

/// What is written.
struct Proposed {
    tenant: String,
    accounts: Vec<Written>,
    group: String,
}

impl Arguments {
    pub(super) fn run(&self, world: &World) -> Result<Exit, Failure> {
        if let Some(language) = self.applications {
            let cloud = self.cloud().map_err(LiveError::Cloud)?;
            let named = self.login.is_none().then(|| self.cloud.as_deref().unwrap_or(CLOUDS[0].0));
            let (tenant, client_id) = (self.tenant.as_deref(), self.client_id.as_deref());
            let place = Place { cloud: named, login: cloud.login(), tenant, client_id };
            world.print(&applications::text(language, &place)).ok();
            return Ok(Exit::Good);
        }
        if self.output.exists() {
            return Err(InitError::Exists(self.output.clone()).into());
        }
        let mut seen = BTreeSet::new();
        if let Some(twice) = self.accounts.iter().find(|name| !seen.insert(name.to_lowercase())) {
            return Err(InitError::Twice(twice.clone()).into());
        }
        let mut proposed = if self.offline { self.given()? } else { self.proposed(world)? };
        proposed.accounts.iter_mut().for_each(named_plainly);
        if proposed.accounts.len() < ACCOUNT_COUNT_MIN {
            world.note("one account is not enough: if it is lost, nobody gets in; declare a second before `plan`");
        }
        let text = self.text(&proposed);
        let write = || -> io::Result<()> {
            let mut file = OpenOptions::new().write(true).create_new(true).open(&self.output)?;
            file.write_all(text.as_bytes())
        };
        write().map_err(|source| InitError::Unwritten { path: self.output.clone(), source })?;
        proposed.accounts.iter().for_each(|account| account.tell(world));
        world.note(&format!(
            "written to `{}`; look at it, then run `breakglass doctor`, which says what has to be consented to and where, and \
             `breakglass plan --live`",
            self.output.display()
        ));
        Ok(Exit::Good)
    }

    fn cloud(&self) -> Result<Cloud, CloudError> {
        match (&self.login, &self.graph) {
            (Some(login), Some(graph)) => Cloud::custom(login, graph),
            _ => Cloud::named(self.cloud.as_deref().unwrap_or(CLOUDS[0].0)),
        }
    }

    /// What the command line says, where nobody is asked.
    fn given(&self) -> Result<Proposed, InitError> {
        let tenant = self.tenant.clone().unwrap_or_default();
        if !is_guid(&tenant) {
            return Err(InitError::Domain(tenant));
        }
        let comment = "not looked for in the tenant: `plan` takes it over if it is there, and makes it if not";
        Ok(Proposed {
            tenant,
            accounts: self.accounts.iter().map(|name| Written::of_name(name.clone(), comment)).collect(),
            group: self.group.clone().unwrap_or_else(|| GROUP_USUAL.to_owned()),
        })
    }

    /// The accounts of the command line, else those that look like it and are agreed to, and names for the rest.
    fn proposed(&self, world: &World) -> Result<Proposed, Failure> {
        let head = self.head(self.tenant.as_deref().unwrap_or_default());
        let config = Config::parse(&head, &"the answers so far")?;
        let live = Live::connect(&config, Path::new(""), &reading_permissions(), world)?;
        let parts = InMemoryParts::default();
        let finished = live.read(&parts, &self.accounts.iter().cloned().collect(), world)?;
        let snapshot = live.snapshot(&parts, &finished)?;
        world.note(&format!("the tenant was read with {} requests", finished.request_count));
        let mut accounts = match self.accounts.as_slice() {
            [] => self.candidates(&snapshot, world)?,
            names => known(&snapshot, names, world)?,
        };
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
            accounts.extend(free.map(|value| Written::of_name(value, TO_BE_MADE)));
        }
        let names: Vec<&str> = accounts.iter().map(|account| account.value.as_str()).collect();
        let group = self.carrier(&snapshot, &names, world);
        Ok(Proposed { tenant: finished.head.tenant_id, accounts, group })
    }

    /// Accounts that look like emergency accounts, each asked about; a likeness alone takes nobody over.
    fn candidates(&self, snapshot: &Snapshot, world: &World) -> Result<Vec<Written>, Failure> {
        let now = time_of(snapshot, world);
        let access = Access::compile(snapshot, &AccessSettings::at(now)).map_err(SubjectError::from)?;
        let report = judge(&Case {
            snapshot,
            access: &access,
            accounts: &Accounts::default(),
            settings: &PostureSettings::default(),
            now,
        });
        let found = report.findings.iter().filter(|finding| finding.rule == "BG0102");
        let mut found: Vec<_> = found.filter_map(|finding| Some((finding.objects.first()?, finding))).collect();
        found.sort_by(|(one, _), (other, _)| one.name.cmp(&other.name));
        let ids: Vec<&str> = found.iter().map(|(object, _)| object.id.as_str()).collect();
        let against = against(snapshot, &ids, now)?;
        let mut taken = Vec::new();
        for ((object, finding), against) in found.iter().zip(against) {
            let said = fitted(&visible(&finding.message), "", "", world.stderr.columns);
            world.tell(&format!("\n{}", said.trim_end()));
            for why in &against {
                world.tell(fitted(&visible(why), "  - ", "    ", world.stderr.columns).trim_end());
            }
            if world.agrees(&format!("Take `{}` over? Only `yes` does:", visible(&object.name))) {
                let comment = format!("{}, which is there and taken over", object.name);
                taken.push(Written { key: "id", value: object.id.clone(), comment, against });
            }
        }
        if found.len() > taken.len() {
            let left = counted(found.len() - taken.len(), "candidate");
            world.note(&format!(
                "{left} not taken over; to take one over, answer `yes` at a terminal or give --account"
            ));
        }
        Ok(taken)
    }

    /// The group that carries the exclusion: one that is there and is agreed to, or the name of one to be made.
    fn carrier(&self, snapshot: &Snapshot, accounts: &[&str], world: &World) -> String {
        if let Some(why) = snapshot.groups.why() {
            world.note(&format!("whether a group is there that carries the exclusion cannot be told: {why}"));
        }
        let named = self.group.as_deref().unwrap_or(GROUP_USUAL);
        let of_name = group::groups(snapshot, Some(named), accounts);
        for found in &of_name {
            world.note(&match (&found.unfit, of_name.len()) {
                (Some(why), _) => {
                    format!("group `{named}` is there, and `plan` may refuse it: {why}; --group names another")
                }
                (None, 1) => format!("group `{named}` is there, can carry the exclusion, and is taken"),
                (None, _) => format!("several groups are called `{named}`; give --group the id of the right one"),
            });
        }
        if self.group.is_some() || !of_name.is_empty() {
            return named.to_owned();
        }
        let mut is_refused = false;
        for found in group::groups(snapshot, None, accounts) {
            let policies = match found.policy_count {
                1 => "1 enforced policy excludes".to_owned(),
                count => format!("{count} enforced policies exclude"),
            };
            let what = format!("group `{}`, which {policies},", visible(&found.name));
            match found.unfit {
                Some(why) => {
                    is_refused = true;
                    world.note(&format!("{what} is not taken for the exclusion: {why}"));
                }
                None if world.agrees(&format!("Take {what} for the exclusion? Only `yes` does:")) => {
                    return found.value;
                }
                None => world.note(&format!(
                    "{what} can carry the exclusion; to take it, answer `yes` at a terminal or give --group {}",
                    shell_word(&found.value)
                )),
            }
        }
        if is_refused {
            world.note(&format!(
                "`plan` makes the group `{named}` and has the policies exclude it; when that is done, the old one can go"
            ));
        }
        named.to_owned()
    }

    /// The sections about the tenant.
    fn head(&self, tenant: &str) -> String {
        let mut text = String::new();
        text.push_str(match self.profile {
            ProfileName::Current => "profile = \"current\"\n",
            ProfileName::Classic => "profile = \"classic\"\n",
        });
        text.push_str("\n[tenant]\n");
        let mut line = |name: &str, value: &str| text.push_str(&format!("{name} = {}\n", quoted(value)));
        line("id", tenant);
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

    fn text(&self, proposed: &Proposed) -> String {
        let mut text = String::from(
            "# The emergency access of this tenant as it is to be. `breakglass plan --live` compares the tenant with it.\n\n",
        );
        text.push_str(&self.head(&proposed.tenant));
        text.push_str("\n# The group that every policy excludes.\n[exclusion]\n");
        text.push_str(&format!("group = {}\n", quoted(&proposed.group)));
        for account in &proposed.accounts {
            text.push('\n');
            let against = account.against.iter().map(|why| format!("Against it: {why}"));
            for comment in std::iter::once(account.comment.clone()).chain(against) {
                let comment: String = comment.chars().filter(|letter| !letter.is_control()).collect();
                text.push_str(&format!("# {comment}\n"));
            }
            text.push_str(&format!("[[account]]\n{} = {}\n", account.key, quoted(&account.value)));
        }
        text
    }
}

/// What is said of an account that is not there.
const TO_BE_MADE: &str = "is to be made";

/// Accounts that somebody names: whether each is there, and what speaks against it.
fn known(snapshot: &Snapshot, names: &[String], world: &World) -> Result<Vec<Written>, Failure> {
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    let against = against(snapshot, &all, time_of(snapshot, world))?;
    let written = names.iter().zip(against).map(|(name, against)| {
        let comment = match (snapshot.find_user(name), snapshot.users.why()) {
            (Some(_), _) => "is there, and taken over",
            (None, None) => TO_BE_MADE,
            (None, Some(_)) => "not found among the users that were read, which are not all",
        };
        Written { against, ..Written::of_name(name.clone(), comment) }
    });
    Ok(written.collect())
}

/// Says so where a name is a generic one and nothing else has said it.
fn named_plainly(account: &mut Written) {
    let is_said = account.against.iter().any(|why| why.contains("generic name"));
    if let Some(generic) = generic(&account.value).filter(|_| !is_said) {
        account.against.push(format!(
            "Its name is a generic one, `{generic}`, which attackers try first and which says to nobody that it must be left \
             alone (A2); `emergency-access-1` would."
        ));
    }
}

fn time_of(snapshot: &Snapshot, world: &World) -> Timestamp {
    snapshot.taken_at.unwrap_or(world.now)
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
