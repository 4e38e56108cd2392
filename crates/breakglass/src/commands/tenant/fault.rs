//! `tenant fault`: switches failures of an embedded tenant that is being served on and off.
//!
//! What a fault is called and which settings it takes, the tenant knows: it is asked, and its refusal is shown.

use std::fmt::Write as _;
use std::path::PathBuf;

use breakglass_tenant::backstage;
use clap::ValueEnum;
use serde_json::{Map, Value, json};

use super::TenantError;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::deliver;
use crate::render::visible;
use crate::wiring::World;

/// List the faults of an embedded tenant that is being served, or switch one on or off
///
/// Without a name, lists the faults that are on. They stay on when the tenant is stopped and served again.
///
/// mfa-outage, telephony-outage, push-outage: text messages and notifications fail.
/// federation-down: nobody of a federated domain can be checked.
/// on-premises-down: the same; with --pass-through, synchronised users of other domains as well.
/// intune-down: no device counts as compliant.
/// token-service-down: nobody can begin a session; open ones are carried on.
/// risk:USER: the user is at risk, or the sign-in is.
/// network:LOCATION: whoever is in that named location gets no answer.
/// graph-429, graph-503, slow: Graph throttles, is not available, or is late.
/// graph-limits: Graph takes no more requests a second than Microsoft documents.
/// cut-after-write: Graph does what it is asked to, and the connection is cut before the answer.
/// log-lag, log-late, log-duplicates: Graph shows records of the logs later, every second one later, or all twice.
/// pim-down: nobody activates a role; whoever has one keeps it.
/// clock: the tenant's clock is moved.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Fault {
    /// Which fault, as `mfa-outage` or `risk:emma.devries@contoso.com`
    #[arg(value_name = "NAME")]
    name: Option<String>,

    /// Switch it off; without a name, switch all off
    #[arg(long, conflicts_with_all = ["pass_through", "user_risk", "sign_in_risk", "retry_after", "seconds", "by"])]
    off: bool,

    /// The folder that keeps the tenant
    #[arg(long, value_name = "FOLDER", default_value = "breakglass-tenant")]
    data: PathBuf,

    /// on-premises-down: agents on premises check the passwords of synchronised users, not the cloud
    #[arg(long)]
    pass_through: bool,

    /// risk: of the user [default: high, unless the other one is given]
    #[arg(long, value_name = "LEVEL")]
    user_risk: Option<Level>,

    /// risk: of sign-ins of the user [default: high, unless the other one is given]
    #[arg(long, value_name = "LEVEL")]
    sign_in_risk: Option<Level>,

    /// graph-429: how long clients are told to wait [default: they are not told]
    #[arg(long, value_name = "SECONDS")]
    retry_after: Option<u64>,

    /// slow, log-lag, log-late: how long answers or records are kept back [default: 10, 300, 900]
    #[arg(long, value_name = "SECONDS")]
    seconds: Option<u64>,

    /// clock: by how much it is moved, as `3h` or `-10m`
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    by: Option<String>,
}

/// A level of risk.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Level {
    None,
    Low,
    Medium,
    High,
}

impl Level {
    const fn graph(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

impl Fault {
    pub(super) async fn run(&self, world: &World) -> Result<Exit, Failure> {
        let settings = self.settings();
        match &self.name {
            Some(name) if self.off => self.ask("DELETE", &["faults", name], None).await?,
            Some(name) => self.ask("PUT", &["faults", name], Some(&settings)).await?,
            None if self.off => self.ask("DELETE", &["faults"], None).await?,
            None if settings.as_object().is_some_and(|settings| !settings.is_empty()) => {
                return Err(TenantError::NoFault.into());
            }
            None => Value::Null,
        };
        let faults = self.ask("GET", &["faults"], None).await?;
        let faults = faults.get("value").and_then(Value::as_array).cloned().unwrap_or_default();
        deliver(world, None, &listed(&faults))?;
        Ok(Exit::Good)
    }

    fn settings(&self) -> Value {
        let given = [
            ("signIn", self.pass_through.then(|| json!("passThrough"))),
            ("userRisk", self.user_risk.map(|level| json!(level.graph()))),
            ("signInRisk", self.sign_in_risk.map(|level| json!(level.graph()))),
            ("retryAfterSeconds", self.retry_after.map(|seconds| json!(seconds))),
            ("seconds", self.seconds.map(|seconds| json!(seconds))),
            ("by", self.by.as_ref().map(|by| json!(by))),
        ];
        let given = given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Value::Object(given.collect::<Map<_, _>>())
    }

    async fn ask(&self, method: &str, parts: &[&str], body: Option<&Value>) -> Result<Value, TenantError> {
        let (status, answer) =
            backstage::ask(&self.data, (method, parts), body).await.map_err(TenantError::NotServed)?;
        if status < 400 {
            return Ok(answer);
        }
        let why = answer.get("error").and_then(|error| error.get("message")?.as_str());
        Err(TenantError::Fault(why.unwrap_or("the tenant does not say why").to_owned()))
    }
}

/// The faults that are on, one a line.
fn listed(faults: &[Value]) -> String {
    if faults.is_empty() {
        return "No fault is on.\n".to_owned();
    }
    let mut text = String::new();
    for fault in faults {
        let of = |name: &str| fault.get(name).and_then(Value::as_str).unwrap_or_default();
        let settings = fault.get("settings").and_then(Value::as_object).into_iter().flatten();
        let settings = settings.filter(|(name, _)| *name != "bySeconds").map(|(name, value)| match value {
            Value::String(value) => format!(" {name}={value}"),
            value => format!(" {name}={value}"),
        });
        let settings: String = settings.collect();
        // A `String` takes all that is written.
        let _ = writeln!(text, "{}", visible(&format!("{}{settings} since {}", of("name"), of("since"))));
    }
    text
}
