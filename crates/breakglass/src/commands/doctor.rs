//! `doctor`: what will and will not work with the tenant that the configuration names.

use std::collections::BTreeSet;
use std::error::Error as _;
use std::path::PathBuf;

use breakglass_adapters::clock::SystemClock;
use breakglass_adapters::graph::{Cloud, Reached, Route};
use breakglass_engine::posture::Profile;
use breakglass_ops::doctor::{self, Clocks, Consent, Line, Verdict};
use breakglass_ops::ports::{Clock as _, Directory as _};
use breakglass_ops::setup::ACCOUNT_COUNT_MIN;
use clap::ValueEnum;
use tokio::runtime::Runtime;

use crate::config::{Config, Connection, SignInName};
use crate::exit::Exit;
use crate::failure::{Coded as _, Failure};
use crate::live::{self, Live, LiveError};
use crate::output::deliver;
use crate::render::counted;
use crate::render::doctor::{json, text};
use crate::subject::{SubjectArguments, reading_permissions};
use crate::wiring::World;

/// Say what will and will not work, why it matters and what to do
///
/// Looks at the configuration, the network, the sign-in, its permissions, the clock, the licence, the sign-in log and the
/// declared accounts, and goes on after a failure as far as it can. Nothing is changed. It ends with exit code 1 if
/// something is bad, 3 if something could not be told, and 2 if nothing answered at all.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The configuration [default: breakglass.toml of this folder]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// The form of the answer
    #[arg(long, value_enum, default_value_t = Form::Text)]
    format: Form,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Form {
    /// For reading in a terminal
    Text,
    /// One document of the form breakglass-doctor/1
    Json,
}

/// What the login endpoint is called.
const LOGIN: &str = "login";

/// What was found so far.
#[derive(Default)]
struct Examination {
    lines: Vec<Line>,
    /// Whether anything of the tenant has answered.
    is_answered: bool,
    is_login_reached: bool,
    is_graph_reached: bool,
    clocks: Option<Clocks>,
}

impl Arguments {
    pub(super) fn run(&self, world: &World) -> Result<Exit, Failure> {
        let (config, folder) = SubjectArguments::config_or_usual(self.config.as_deref(), world)?;
        let connection = config.connection(&folder);
        let mut found = Examination::default();
        found.configuration(&config, &connection);
        if connection.tenant.is_some() {
            match live::cloud(&connection) {
                Ok(cloud) => found.tenant((&config, &connection, &cloud), &folder, world),
                Err(error) => found.lines.push(refused("network", &error)),
            }
        }
        world.progress_is_over();
        let shown = match self.format {
            Form::Text => text(&found.lines, (world.stdout.columns, world.stdout.paint)),
            Form::Json => json(&found.lines, connection.tenant.as_deref()),
        };
        deliver(world, None, &shown)?;
        Ok(found.exit())
    }
}

impl Examination {
    fn exit(&self) -> Exit {
        let has = |verdict| self.lines.iter().any(|line| line.verdict == verdict);
        match (self.is_answered, has(Verdict::Bad), has(Verdict::Unknown)) {
            (false, ..) => Exit::NotStarted,
            (_, true, _) => Exit::Found,
            (_, _, true) => Exit::Unknown,
            _ => Exit::Good,
        }
    }

    fn configuration(&mut self, config: &Config, connection: &Connection) {
        const TOPIC: &str = "configuration";
        let Some(tenant) = &connection.tenant else {
            let so = "no live tenant is asked: a tool that repairs tenants has to know which";
            self.lines.push(
                Line::new(TOPIC, Verdict::Bad, "no configuration names a tenant", so)
                    .with_remedy("`breakglass init --tenant ID` writes one, or name it with `--config`"),
            );
            return;
        };
        let so = "`--live`, `snapshot`, `plan` and `apply` know whom to ask";
        self.lines.push(Line::new(TOPIC, Verdict::Good, format!("it names the tenant `{tenant}`"), so));
        self.lines.push(profile_line(config.posture_settings().profile));
        let accounts = config.wanted(None).accounts.len();
        let groups = config.declared("").len().saturating_sub(accounts);
        let are = if accounts == 1 && groups == 0 { "is" } else { "are" };
        let besides = if groups == 0 { String::new() } else { format!(" and {} of them", counted(groups, "group")) };
        let what = format!("{}{besides} {are} declared", counted(accounts, "emergency account"));
        self.lines.push(if accounts >= ACCOUNT_COUNT_MIN {
            Line::new(TOPIC, Verdict::Good, what, "one may be lost")
        } else {
            let so = "`plan` refuses: if the only account is lost, nobody gets in";
            Line::new(TOPIC, Verdict::Bad, what, so).with_remedy(format!(
                "declare at least {ACCOUNT_COUNT_MIN} with `[[account]]`, whether they exist or not"
            ))
        });
    }

    /// Everything that needs the network.
    fn tenant(
        &mut self,
        (config, connection, cloud): (&Config, &Connection, &Cloud),
        folder: &std::path::Path,
        world: &World,
    ) {
        self.proxy(connection);
        match (live::route(connection), Runtime::new()) {
            (Ok(route), Ok(runtime)) => self.network(connection, cloud, (&route, &runtime), world),
            (Err(error), _) => self.lines.push(refused("network", &error)),
            (_, Err(error)) => self.lines.push(refused("network", &LiveError::Runtime(error))),
        }
        self.lines.push(doctor::clock(self.clocks));
        // The Azure CLI finds its own way to login.
        if !self.is_login_reached && connection.sign_in != SignInName::AzureCli {
            self.unasked();
            return;
        }
        match Live::connect(config, folder, &reading_permissions(), world) {
            Ok(live) => self.signed_in((config, connection, cloud), &live, world),
            Err(error) => {
                self.lines.push(refused("sign-in", &error));
                self.unasked();
            }
        }
    }

    /// Everything that needs a sign-in, which asks for what every command that reads asks for.
    fn signed_in(&mut self, (config, connection, cloud): (&Config, &Connection, &Cloud), live: &Live, world: &World) {
        world.progress("signing in");
        let began_at = SystemClock.now();
        let signed_in = live.runtime.block_on(live.directory.signed_in());
        world.progress_is_over();
        let mut consent = Consent {
            login: cloud.login(),
            graph: cloud.graph(),
            tenant: connection.tenant.as_deref().unwrap_or_default(),
            app_id: &connection.client_id,
            is_for_people: !matches!(connection.sign_in, SignInName::ClientSecret | SignInName::ClientCertificate),
        };
        let signed_in = match signed_in {
            Ok(signed_in) => signed_in,
            Err(error) => {
                let why = error.to_string();
                let line = Line::new("sign-in", Verdict::Bad, &why, "nothing of the tenant can be asked");
                self.lines
                    .push(line.with_remedy("mend what the reason names, or sign in another way: `[tenant] sign_in`"));
                self.lines.extend(doctor::unconsented(&why, consent));
                self.unasked();
                return;
            }
        };
        self.is_answered = true;
        consent.app_id = &signed_in.app_id;
        let name = match self.is_graph_reached {
            true => live.runtime.block_on(doctor::application_name(&live.directory, &signed_in.app_id)),
            false => None,
        };
        self.lines.extend(doctor::signed_in(&signed_in, name.as_deref()));
        self.lines.extend(doctor::permissions(&signed_in, consent));
        if !self.is_graph_reached {
            self.unasked();
            return;
        }
        let accounts: Vec<String> = config.wanted(None).accounts.into_iter().map(|account| account.name).collect();
        let custody = config.custody();
        let users: BTreeSet<String> = custody.depositories.values().flat_map(|one| one.signs_in.clone()).collect();
        world.progress("asking about licence, log and accounts");
        let asked = doctor::ask((&live.directory, &SystemClock), began_at, &accounts, &users);
        let asked = live.runtime.block_on(asked);
        world.progress_is_over();
        let profile = config.posture_settings().profile;
        self.lines.push(doctor::licence(&asked.licences));
        self.lines.push(doctor::security_defaults(&asked.security_defaults, profile));
        self.lines.push(doctor::logs(&asked.logs, &signed_in));
        for account in &asked.accounts {
            self.lines.push(doctor::account(account, profile, demands_mfa(connection)));
            self.lines.extend(doctor::role(account));
        }
        self.lines.extend(doctor::depositories(&custody, &asked.users));
    }

    /// What nobody is there to ask for.
    fn unasked(&mut self) {
        let what = "licence, security defaults, sign-in log and accounts were not asked for";
        let line = Line::new("tenant", Verdict::Unknown, what, "each of them may keep somebody out");
        self.lines.push(line.with_remedy("mend what is bad first, and run it again"));
    }

    fn proxy(&mut self, connection: &Connection) {
        const TOPIC: &str = "proxy";
        let proxies = live::proxies(connection);
        self.lines.push(match proxies.host() {
            None => Line::new(TOPIC, Verdict::Good, "none is used", "the tenant is asked without a stop on the way"),
            Some(host) => {
                let by = if connection.proxy.is_some() { "`[tenant] proxy`" } else { "the variable HTTPS_PROXY" };
                let besides = match proxies.no_proxy.as_str() {
                    "" => String::new(),
                    hosts => format!(", except to {hosts}"),
                };
                let what = format!("`{host}` is used, by {by}{besides}");
                let so = "if it is down in the emergency, so is this way; and one that looks into connections is trusted \
                          only by `[tenant] authorities`";
                Line::new(TOPIC, Verdict::Look, what, so).with_remedy("know a way out without it")
            }
        });
    }

    fn network(&mut self, connection: &Connection, cloud: &Cloud, (route, runtime): (&Route, &Runtime), world: &World) {
        let tenant = connection.tenant.as_deref().unwrap_or_default();
        let login = format!("{}/{tenant}/v2.0/.well-known/openid-configuration", cloud.login());
        let graph = format!("{}/v1.0/", cloud.graph());
        for (what, origin, address) in [(LOGIN, cloud.login(), &login), ("Microsoft Graph", cloud.graph(), &graph)] {
            world.progress(&format!("asking {what}"));
            let before = SystemClock.now();
            let reached = runtime.block_on(route.reach(address));
            let after = SystemClock.now();
            let reached = match reached {
                Ok(reached) => reached,
                Err(why) => {
                    let so = match what {
                        LOGIN => "nobody can sign in from here",
                        _ => "nothing of the tenant can be read or changed from here",
                    };
                    let line =
                        Line::new("network", Verdict::Bad, format!("{what} at `{origin}` is not reached: {why}"), so);
                    self.lines.push(line.with_remedy(
                        "look at the name, the firewall and the proxy; behind a proxy that looks into connections name \
                         its authority with `[tenant] authorities`",
                    ));
                    continue;
                }
            };
            self.is_answered = true;
            *(if what == LOGIN { &mut self.is_login_reached } else { &mut self.is_graph_reached }) = true;
            self.clocks = self.clocks.or(reached.date.map(|tenant| Clocks { before, after, tenant }));
            self.lines.push(answered((what, origin), reached));
            if what == LOGIN && (400..500).contains(&reached.status) {
                let what = format!("login does not know the tenant `{tenant}` (status {})", reached.status);
                let line = Line::new("network", Verdict::Bad, what, "nobody can sign in to it");
                self.lines.push(line.with_remedy("look at `[tenant] id` and at the cloud"));
            }
        }
    }
}

/// By which profile the accounts are judged.
fn profile_line(profile: Profile) -> Line {
    let (what, so) = match profile {
        Profile::Classic => (
            "accounts are judged by the profile `classic`: a password alone is what they have",
            "advice here is about passwords in a safe; what Microsoft demands beside all policies it demands all the same",
        ),
        Profile::Current => (
            "accounts are judged by the profile `current`: each has a passkey or another proof that nobody is tricked out of",
            "an account with a password alone is called bad, since portals do not let it in",
        ),
    };
    Line::new("configuration", Verdict::Good, what, so)
}

fn answered((what, origin): (&str, &str), reached: Reached) -> Line {
    let what = format!("{what} at `{origin}` answers");
    if reached.is_of_own_authority {
        let so = "its certificate is trusted only by `[tenant] authorities`: an embedded tenant, or a proxy that reads \
                  along";
        Line::new("network", Verdict::Look, what, so).with_remedy("be sure that it is meant")
    } else {
        Line::new("network", Verdict::Good, what, "its certificate is of a public authority")
    }
}

/// Something that could not even be begun.
fn refused(topic: &'static str, error: &LiveError) -> Line {
    let what = match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    };
    let line = Line::new(topic, Verdict::Bad, what, "the tenant is not asked");
    match error.help() {
        Some(help) => line.with_remedy(help),
        None => line,
    }
}

/// Whether Microsoft demands multifactor authentication outside Conditional Access: not in sovereign clouds.
fn demands_mfa(connection: &Connection) -> bool {
    connection.cloud.as_deref().is_none_or(|cloud| cloud == "public")
}
