//! `lockout`: who could still get in, and what is the smallest set of failures that leaves nobody?

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use breakglass_engine::access::Access;
use breakglass_engine::agreement::of_ways;
use breakglass_engine::lockout::certificate::CertificateError;
use breakglass_engine::lockout::component::Component;
use breakglass_engine::lockout::custody::{CustodyError, Holds};
use breakglass_engine::lockout::goal::{Goal, Horizon};
use breakglass_engine::lockout::nobody::{Nobody, somebody};
use breakglass_engine::lockout::report::{LockoutReport, Way};
use breakglass_engine::lockout::scenarios::{BuiltIn, ScenarioError};
use breakglass_engine::lockout::settings::{
    ASSUMPTIONS, LockoutSettings, MAX_ORDER_DEFAULT, MAX_ORDER_MAX, OnPremisesAuthentication, OwnScenario,
};
use breakglass_engine::lockout::{analyse, certificate};
use breakglass_engine::posture::accounts::Unresolved;
use breakglass_model::snapshot::Snapshot;
use breakglass_model::user::User;
use clap::builder::{NonEmptyStringValueParser, PossibleValue, PossibleValuesParser};
use serde_json::Value;

use super::agreement::{self, Beside};
use super::failures;
use super::suggested::{Asking, SuggestedError, suggested};
use crate::codes::ErrorCode;
use crate::config::OnPremisesAuthentication as ConfiguredAuthentication;
use crate::exit::Exit;
use crate::failure::{Coded, Failure};
use crate::output::deliver;
use crate::render::agreement::Asked;
use crate::render::lockout::{FORMATS, certificate as certificate_page, format_named};
use crate::render::paint::Paint;
use crate::render::{self, Extent, Page};
use crate::subject::{Subject, SubjectArguments, SubjectError, missing};
use crate::wiring::World;

/// The order that must be reached where nothing else is said.
pub(super) const FLOOR_DEFAULT: usize = 2;

/// Find who could still get in, and the smallest set of failures that locks everybody out
///
/// Works out every way in to repair the tenant: accounts, passwords and how they are kept, authentication methods and
/// the services behind them, devices, networks, role activation and its approvers, resets by others. Then it finds the
/// smallest sets of failures that no way survives, and plays known emergencies through. What the snapshot does not tell
/// is not promised.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    subject: SubjectArguments,

    #[command(flatten)]
    pub(super) analysis: AnalysisArguments,

    /// A scenario to play through, instead of all of them; may be given several times
    #[arg(long = "scenario", value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    scenarios: Vec<String>,

    /// The order that must be reached [default: 2, or `floor` of the configuration]
    #[arg(long, value_name = "N", value_parser = failures)]
    floor: Option<usize>,

    /// Write a proof of the order that another program can check
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,

    /// Write each suggestion that changes a policy or a group into this folder, as a file that `guard` takes
    #[arg(long, value_name = "FOLDER")]
    suggestions: Option<PathBuf>,

    /// The form of the report
    #[arg(long, default_value = "text", value_parser = formats())]
    format: String,

    /// Write into a file instead of to standard output
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Show everything, not the first of each table
    #[arg(long)]
    all: bool,

    /// Put every sign-in on which the ways in rest to the tenant's own What If, and show every difference
    #[arg(long, conflicts_with_all = ["scenarios", "floor", "certificate", "suggestions", "all"])]
    compare_live: bool,

    /// Requests that --compare-live may spend at once; what is left is asked by the same command later [default: 300]
    #[arg(long, value_name = "N", requires = "compare_live", value_parser = agreement::budget)]
    budget: Option<usize>,
}

/// What is asked, the same for every command that asks about the ways in.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct AnalysisArguments {
    /// What somebody must be able to do [default: full-repair]
    #[arg(long = "goal", value_parser = goals())]
    goals: Vec<String>,

    /// How long after the last sign-in: whether sessions may still be open [default: 24h]
    #[arg(long = "horizon", value_parser = horizons())]
    horizons: Vec<String>,

    /// Largest number of failures to look at [default: 5]
    #[arg(long, value_name = "K", value_parser = failures)]
    max_order: Option<usize>,

    /// Count applications with repair permissions as ways in
    #[arg(long)]
    applications: bool,

    /// Something that is otherwise held up and may fail here, such as svc:fido-verify or net:elsewhere
    #[arg(long = "fail-assumption", value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    fail_assumptions: Vec<String>,
}

fn goals() -> PossibleValuesParser {
    Goal::ALL.iter().map(|goal| PossibleValue::new(goal.name()).help(goal.words())).collect::<Vec<_>>().into()
}

fn horizons() -> PossibleValuesParser {
    Horizon::ALL.iter().map(|horizon| PossibleValue::new(horizon.name())).collect::<Vec<_>>().into()
}

fn formats() -> PossibleValuesParser {
    FORMATS.iter().map(|format| PossibleValue::new(format.name).help(format.about)).collect::<Vec<_>>().into()
}

/// Why the ways in cannot be worked out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LockoutError {
    /// A scenario does not exist, or does not fit the tenant.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// What is declared about custody cannot be.
    #[error("the custody that is declared cannot be")]
    Custody(#[source] CustodyError),
    /// A named location of the configuration is not in the snapshot.
    #[error("the configuration names the location `{0}`, which the snapshot does not have")]
    UnknownLocation(String),
    /// Something may fail that is no assumption.
    #[error("`{0}` is not among what is held up, so that nothing would change")]
    NoAssumption(String),
    /// There is no proof.
    #[error("no certificate is written: {0}")]
    Certificate(CertificateError),
    /// A comparison is text or JSON.
    #[error("a comparison with the tenant has no form `{0}`")]
    NoSuchComparison(String),
    /// A certificate is for one question.
    #[error("a certificate is for one goal and one horizon, and {0} were asked for")]
    SeveralCertificates(usize),
    /// What answers one question was asked several.
    #[error("{command} answers for one {what}, and {} were asked for: {}", asked.len(), asked.join(", "))]
    SeveralQuestions { command: &'static str, what: &'static str, asked: Vec<&'static str> },
    /// The certificate cannot be written.
    #[error("the certificate cannot be written to `{path}`")]
    WriteCertificate {
        path: String,
        #[source]
        source: std::io::Error,
    },
    /// The suggestions cannot be written.
    #[error(transparent)]
    Suggestions(#[from] SuggestedError),
    /// There is nobody of whom it could be asked.
    #[error("{nobody}{}", unknowns(nobody))]
    Nobody { nobody: Nobody },
    /// A declared emergency account that is not there.
    #[error("the emergency account `{name}`, declared by {origin}, is not in the snapshot")]
    UnknownDeclared { name: String, origin: String },
    /// The envelope of somebody who is not there.
    #[error("the configuration has an envelope for `{0}`, who is not in the snapshot")]
    UnknownAccount(String),
    /// The envelope of a method that is not there.
    #[error("the configuration has an envelope for the method `{method}` of `{account}`, who has no such method")]
    UnknownMethod { account: String, method: String },
}

pub(crate) const CODES: &[ErrorCode] = &[
    ErrorCode {
        code: "BG1701",
        title: "there is no such scenario, or it does not fit the tenant",
        explanation: "`--scenario` names neither a scenario that is built in nor one of the configuration; or a scenario \
                      of the configuration has the name of a built-in one, or makes something fail on which nothing in \
                      this tenant depends, so that it would test nothing. The built-in ones are: mfa-outage, \
                      mfa-outage-telephony, mfa-outage-push, trusted-network-only, last-global-administrator-deleted, \
                      credentials-changed-by-insider, federation-or-on-premises-down, pim-down, intune-down, \
                      risk-false-positives, one-emergency-account-lost, safe-or-custodian-lost. The ids of components \
                      are in the report with `--format json`.",
    },
    ErrorCode {
        code: "BG1702",
        title: "what the configuration says of the tenant does not fit it",
        explanation: "An emergency account is declared, by the configuration or by `--account`, or an envelope is for \
                      somebody, or for an authentication method that its account does not have, or a network is for a \
                      named location, that is not in the snapshot; or the custody contradicts itself. Nothing was \
                      judged, because an arrangement that exists on paper only would count as one that exists. Correct \
                      the declaration. Where the snapshot does not have all users, groups or methods, what is not found \
                      is reported as unknown instead.",
    },
    ErrorCode {
        code: "BG1703",
        title: "this is not among what is held up",
        explanation: "`--fail-assumption` takes svc:fido-verify, net:elsewhere and what `assume` in the configuration \
                      names. Everything else can fail without being asked for, so that an id with a slip of the pen \
                      would change nothing, unseen.",
    },
    ErrorCode {
        code: "BG1704",
        title: "no certificate can be written",
        explanation: "The search was cut short, so that nothing is proved; or no way in can be promised, and facts that \
                      the snapshot does not tell leave open whether there is one; or several goals or horizons were \
                      asked for, and a certificate is for one; or the file cannot be written. Ask for one goal and one \
                      horizon, with a smaller --max-order, and export what the report lists as unknown.",
    },
    ErrorCode {
        code: "BG1705",
        title: "nobody is known who could do what is asked",
        explanation: "The question is how many failures it takes until nobody can do something, and the snapshot names \
                      nobody who can: no user holds one of the roles, active or eligible, directly or through a group. \
                      Every tenant has a Global Administrator, so the export is most likely not whole, and no order was \
                      worked out from it. Export users, role assignments (`roleAssignments` or \
                      `roleAssignmentScheduleInstances`), `roleEligibilityScheduleInstances`, and the members of groups \
                      that hold roles. With --applications this is not asked.",
    },
    ErrorCode {
        code: "BG1706",
        title: "one question at a time",
        explanation: "A guard's verdict, and its exit code, are about one goal and one horizon, and several were given. \
                      Nothing was judged, since an answer to one of them would pass for an answer to all. Run it once \
                      for each. `breakglass lockout` takes several, and reports on each.",
    },
    ErrorCode {
        code: "BG1707",
        title: "the suggestions cannot be written",
        explanation: "`--suggestions` names a folder that has something in it already, so that files of an earlier run \
                      could be taken for those of this one, or one that cannot be written. Name a folder that is empty \
                      or not there yet.",
    },
];

/// What is not known, behind an error.
fn unknowns(nobody: &Nobody) -> String {
    match nobody.unknowns.as_slice() {
        [] => String::new(),
        all => format!(" ({})", all.join("; ")),
    }
}

impl Coded for LockoutError {
    fn code(&self) -> &'static str {
        match self {
            Self::Scenario(_) => "BG1701",
            Self::Custody(_)
            | Self::UnknownLocation(_)
            | Self::UnknownDeclared { .. }
            | Self::UnknownAccount(_)
            | Self::UnknownMethod { .. } => "BG1702",
            Self::NoAssumption(_) => "BG1703",
            Self::Certificate(_) | Self::SeveralCertificates(_) | Self::WriteCertificate { .. } => "BG1704",
            Self::Nobody { .. } => "BG1705",
            Self::Suggestions(_) => "BG1707",
            Self::SeveralQuestions { .. } | Self::NoSuchComparison(_) => "BG1706",
        }
    }

    fn help(&self) -> Option<String> {
        Some(match self {
            Self::Scenario(ScenarioError::Unknown(_)) => {
                let ids: Vec<&str> = BuiltIn::ALL.iter().map(|one| one.id()).collect();
                format!("built in are {}", ids.join(", "))
            }
            Self::Scenario(_) => "`breakglass explain BG1701` says more".to_owned(),
            Self::UnknownDeclared { .. } => {
                "correct the declaration, or give a snapshot that has the account; if it was deleted, there is one \
                 emergency account less, and the declaration has to go"
                    .to_owned()
            }
            Self::Custody(_) | Self::UnknownLocation(_) | Self::UnknownAccount(_) | Self::UnknownMethod { .. } => {
                "correct the configuration, or give a snapshot that has it".to_owned()
            }
            Self::Nobody { .. } => {
                "export users, role assignments, eligible ones too, and the members of groups that hold \
                                roles; every tenant has a Global Administrator"
                    .to_owned()
            }
            Self::NoAssumption(_) => format!(
                "held up are {}, and what `assume` in the configuration names; everything else can fail as it is",
                ASSUMPTIONS.join(", ")
            ),
            Self::Certificate(CertificateError::NotCertain) => {
                "without --certificate the report lists what is unknown; export that too".to_owned()
            }
            Self::Certificate(_) => "ask for a smaller --max-order".to_owned(),
            Self::NoSuchComparison(_) => "give `--format text` or `--format json`".to_owned(),
            Self::SeveralCertificates(_) => "ask for one --goal and one --horizon".to_owned(),
            Self::SeveralQuestions { what, .. } => format!("give one --{what}, and run it once for each"),
            Self::Suggestions(_) => "name a folder that is empty, or not there yet, and may be written".to_owned(),
            Self::WriteCertificate { .. } => "name a file in a folder that may be written".to_owned(),
        })
    }
}

impl AnalysisArguments {
    /// The words of the command line that ask the same about one goal and horizon.
    fn words(&self, goal: Goal, horizon: Horizon) -> impl Iterator<Item = String> {
        let mut words = Vec::new();
        let mut add = |name: &str, value: String| words.extend([name.to_owned(), value]);
        if goal != Goal::FullRepair {
            add("--goal", goal.name().to_owned());
        }
        if horizon != Horizon::Day {
            add("--horizon", horizon.name().to_owned());
        }
        self.max_order.iter().for_each(|size| add("--max-order", size.to_string()));
        self.fail_assumptions.iter().for_each(|id| add("--fail-assumption", id.clone()));
        words.extend(self.applications.then(|| "--applications".to_owned()));
        words.into_iter()
    }

    /// The goals that are asked for.
    pub(super) fn goals(&self) -> Vec<Goal> {
        let wanted: Vec<Goal> =
            Goal::ALL.into_iter().filter(|goal| self.goals.iter().any(|name| name == goal.name())).collect();
        if wanted.is_empty() { vec![Goal::FullRepair] } else { wanted }
    }

    /// The horizons that are asked for.
    pub(super) fn horizons(&self) -> Vec<Horizon> {
        let is_wanted = |horizon: &Horizon| self.horizons.iter().any(|name| name == horizon.name());
        let wanted: Vec<Horizon> = Horizon::ALL.into_iter().filter(is_wanted).collect();
        if wanted.is_empty() { vec![Horizon::Day] } else { wanted }
    }

    /// The one goal and the one horizon that are asked for, for a command that answers for no more.
    pub(super) fn single(&self, command: &'static str) -> Result<(Goal, Horizon), LockoutError> {
        let several = |what, asked| Err(LockoutError::SeveralQuestions { command, what, asked });
        match (self.goals().as_slice(), self.horizons().as_slice()) {
            ([goal], [horizon]) => Ok((*goal, *horizon)),
            ([_], horizons) => several("horizon", horizons.iter().map(|horizon| horizon.name()).collect()),
            (goals, _) => several("goal", goals.iter().map(|goal| goal.name()).collect()),
        }
    }

    /// The settings of the analysis of a tenant.
    pub(super) fn settings(
        &self,
        subject: &Subject,
        horizon: Horizon,
        world: &World,
    ) -> Result<LockoutSettings, LockoutError> {
        let configured = &subject.lockout;
        let snapshot = &subject.snapshot;
        subject.custody.check().map_err(LockoutError::Custody)?;
        for envelope in &subject.custody.envelopes {
            let user = snapshot.find_user(&envelope.account);
            if user.is_none() && snapshot.users.is_complete() {
                return Err(LockoutError::UnknownAccount(envelope.account.clone()));
            }
            // Of methods that are all exported, one that is not there is a slip of the pen or was registered anew.
            let detail = user.map(User::detail);
            let known = detail.filter(|detail| detail.authentication_methods_next_link.value().is_none());
            let methods = known.and_then(|detail| detail.authentication_methods.value());
            if let (Holds::Method(method), Some(methods)) = (&envelope.holds, methods)
                && !methods.iter().any(|known| known.id.as_deref() == Some(method))
            {
                let (account, method) = (envelope.account.clone(), method.clone());
                return Err(LockoutError::UnknownMethod { account, method });
            }
        }
        let mut fallible: BTreeSet<Component> = configured.fail_assumption.iter().cloned().collect();
        for id in &self.fail_assumptions {
            fallible.insert(id.parse().map_err(|_| LockoutError::NoAssumption(id.clone()))?);
        }
        // What the configuration holds up may be asked about as well; anything else can fail as it is.
        let mut assumed: BTreeSet<Component> = configured.assume.iter().cloned().collect();
        for component in &fallible {
            if !assumed.remove(component) && !ASSUMPTIONS.contains(&component.id()) {
                return Err(LockoutError::NoAssumption(component.to_string()));
            }
        }
        let max_order = self.max_order.or(configured.max_order);
        let scenario = |one: &crate::config::OwnScenario| OwnScenario {
            id: one.id.clone(),
            title: one.title.clone(),
            failed: one.failed.clone(),
        };
        Ok(LockoutSettings {
            horizon,
            max_order: max_order.unwrap_or(MAX_ORDER_DEFAULT).min(MAX_ORDER_MAX),
            with_applications: self.applications,
            assumed,
            fallible,
            custody: subject.custody.clone(),
            on_premises: configured.on_premises_authentication.map(|how| match how {
                ConfiguredAuthentication::Phs => OnPremisesAuthentication::PasswordHash,
                ConfiguredAuthentication::Pta => OnPremisesAuthentication::PassThrough,
            }),
            network_countries: countries(snapshot, &configured.countries)?,
            mandatory_mfa_postponed_until: subject.posture.mandatory_mfa_postponed_until,
            accounts: subject.accounts.keys.clone(),
            unresolved_accounts: subject.accounts.unresolved.iter().map(unresolved).collect(),
            scenarios: configured.scenarios.iter().map(scenario).collect(),
            processors: world.processors,
            ..LockoutSettings::default()
        })
    }
}

/// Looks whether everybody who is declared an emergency account is there, before the tenant is changed.
///
/// Somebody who is not would silently count as not declared.
pub(super) fn declared_are_there(subject: &Subject) -> Result<(), LockoutError> {
    let snapshot = &subject.snapshot;
    // A sign-in name is a user's; an id may be a group's as well.
    let could_be_left_out =
        |name: &str| !snapshot.users.is_complete() || !(name.contains('@') || snapshot.groups.is_complete());
    // Of a declared group that is there it may be unknown who is in it.
    let is_group =
        |name: &str| subject.accounts.groups.iter().any(|group| snapshot.objects.id(*group).eq_ignore_ascii_case(name));
    let gone = subject.accounts.unresolved.iter().map(|unresolved| &unresolved.declared);
    match gone.into_iter().find(|declared| !is_group(&declared.name) && !could_be_left_out(&declared.name)) {
        Some(gone) => Err(LockoutError::UnknownDeclared { name: gone.name.clone(), origin: gone.origin.clone() }),
        None => Ok(()),
    }
}

/// Countries by the ids of the locations.
fn countries(
    snapshot: &Snapshot,
    written: &std::collections::BTreeMap<String, String>,
) -> Result<std::collections::BTreeMap<String, String>, LockoutError> {
    let locations = snapshot.named_locations.items();
    let mut found = std::collections::BTreeMap::new();
    for (name, country) in written {
        let is_meant = |location: &&breakglass_model::named_location::NamedLocation| {
            location.id.as_str() == name || location.display_name == *name
        };
        match locations.iter().find(is_meant) {
            Some(location) => {
                found.insert(location.id.as_str().to_owned(), country.clone());
            }
            None if snapshot.named_locations.is_complete() => return Err(LockoutError::UnknownLocation(name.clone())),
            None => {}
        }
    }
    Ok(found)
}

fn unresolved(one: &Unresolved) -> String {
    format!("who the declared emergency account `{}` ({}) is: {}", one.declared.name, one.declared.origin, one.why)
}

impl Arguments {
    pub(super) fn run(&self, world: &World) -> Result<Exit, Failure> {
        if self.compare_live {
            return self.compare(world);
        }
        let mut subject = self.subject.load(world)?;
        declared_are_there(&subject)?;
        subject.name_users()?;
        world.progress("working out the ways in");
        let access = Access::compile(&subject.snapshot, &subject.access).map_err(SubjectError::from)?;
        let mut reports: Vec<LockoutReport> = Vec::new();
        for horizon in self.analysis.horizons() {
            let settings = self.analysis.settings(&subject, horizon, world)?;
            for goal in self.analysis.goals() {
                somebody(&access, &settings, goal).map_err(|nobody| LockoutError::Nobody { nobody })?;
                reports.push(analyse(&access, &settings, goal, &self.scenarios).map_err(LockoutError::Scenario)?);
            }
        }
        world.progress_is_over();
        let asking = |report: &LockoutReport| Asking {
            words: self.subject.words().chain(self.analysis.words(report.goal, report.horizon)).collect(),
            is_stream_taken: self.subject.is_stream(),
        };
        suggested(&mut reports, self.suggestions.as_deref(), asking).map_err(LockoutError::Suggestions)?;
        if let Some(path) = &self.certificate {
            write_certificate(path, &reports, &subject)?;
        }
        let page = page(&subject, world, (self.output.as_deref(), self.all));
        if let Some(format) = format_named(&self.format) {
            deliver(world, self.output.as_deref(), &(format.render)(&reports, &page))?;
        }
        let floor = self.floor.or(subject.lockout.floor).unwrap_or(FLOOR_DEFAULT);
        Ok(exit(&reports, floor, !self.scenarios.is_empty()))
    }
}

impl Arguments {
    /// What the proof rests on, put to the tenant.
    fn compare(&self, world: &World) -> Result<Exit, Failure> {
        let (goal, horizon) = self.analysis.single("lockout --compare-live")?;
        let is_json = match self.format.as_str() {
            "json" => true,
            "text" => false,
            other => return Err(LockoutError::NoSuchComparison(other.to_owned()).into()),
        };
        let mut beside = Beside::of(&self.subject, "lockout", world)?;
        declared_are_there(&beside.subject)?;
        beside.subject.name_users()?;
        world.progress("working out the ways in");
        let subject = &beside.subject;
        let access = Access::compile(&subject.snapshot, &subject.access).map_err(SubjectError::from)?;
        let settings = self.analysis.settings(subject, horizon, world)?;
        somebody(&access, &settings, goal).map_err(|nobody| LockoutError::Nobody { nobody })?;
        let report = analyse(&access, &settings, goal, &[]).map_err(LockoutError::Scenario)?;
        // A certificate names the ways that the order rests on; where there can be none, every way that is known counts.
        let proof = certificate::certificate(&report).ok();
        let is_every_way = proof.is_some() || !report.direct.are_ways_truncated;
        let ways: Vec<&Way> = proof.map_or_else(|| report.direct.ways.iter().collect(), |proof| proof.ways);
        let ways = of_ways(&access, &ways);
        let questions: Vec<Value> = ways.iter().filter_map(|way| way.body.clone()).collect();
        let comparison = beside.compare(&access, &questions, self.budget, world)?;
        let asked = Asked::Ways { ways: &ways, is_every_way };
        let text = if is_json {
            render::agreement::document(&access, asked, &comparison)
        } else {
            let paint = if self.output.is_some() { Paint::Plain } else { world.stdout.paint };
            render::agreement::text(&access, asked, (&questions, &comparison), (world.stdout.columns, paint))
        };
        deliver(world, self.output.as_deref(), &text)?;
        Ok(agreement::exit(&comparison, questions.len() == ways.len() && is_every_way))
    }
}

/// The page of a report about ways in.
pub(super) fn page(subject: &Subject, world: &World, (output, is_all): (Option<&Path>, bool)) -> Page {
    Page {
        columns: world.stdout.columns,
        paint: if output.is_some() { Paint::Plain } else { world.stdout.paint },
        extent: if is_all { Extent::All } else { Extent::Worst },
        judged_at: subject.now,
        source: subject.source.clone(),
        missing: missing(subject),
    }
}

fn write_certificate(path: &Path, reports: &[LockoutReport], subject: &Subject) -> Result<(), LockoutError> {
    let [report] = reports else { return Err(LockoutError::SeveralCertificates(reports.len())) };
    let proof = certificate::certificate(report).map_err(LockoutError::Certificate)?;
    let tenant = subject.snapshot.tenant_id.as_ref().map(ToString::to_string);
    let text = certificate_page::document(report, &proof, tenant.as_deref(), subject.now);
    fs::write(path, text).map_err(|source| LockoutError::WriteCertificate { path: path.display().to_string(), source })
}

/// Found something if the order is below the floor for sure, or a scenario that was asked for is not survived; could
/// not tell where the order depends on facts that are not known.
fn exit(reports: &[LockoutReport], floor: usize, were_scenarios_asked: bool) -> Exit {
    let is_below = |report: &LockoutReport| report.direct.order.proved.is_some_and(|order| order < floor);
    let is_lost =
        |report: &LockoutReport| were_scenarios_asked && report.scenarios.iter().any(|scenario| !scenario.survives);
    let is_unknown = |report: &LockoutReport| {
        let order = report.direct.order;
        let searched = order.searched_to.map_or(0, |searched| searched + 1);
        order.proved.is_none() && searched < floor && !order.is_exhausted
    };
    if reports.iter().any(|report| is_below(report) || is_lost(report)) {
        Exit::Found
    } else if reports.iter().any(is_unknown) {
        Exit::Unknown
    } else {
        Exit::Good
    }
}

#[cfg(test)]
mod tests {
    use super::{BuiltIn, CODES};

    #[test]
    fn the_code_names_every_scenario_that_is_built_in() {
        let explained = CODES.iter().find(|code| code.code == "BG1701").unwrap().explanation;
        for scenario in BuiltIn::ALL {
            assert!(explained.contains(scenario.id()), "{}", scenario.id());
        }
    }
}
