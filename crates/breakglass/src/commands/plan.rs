//! `plan`: the arrangement as it should be against the tenant as it is, as steps that somebody reads first.

use std::collections::BTreeSet;
use std::path::PathBuf;

use breakglass_adapters::sqlite_store::SqliteStore;
use breakglass_ops::setup::action::Action;
use breakglass_ops::setup::plan::{Plan, Step};
use breakglass_ops::setup::{self, Objection, Wanted};
use clap::ValueEnum;

use super::apply::PLAN_NAME;
use crate::codes::ErrorCode;
use crate::exit::Exit;
use crate::failure::{Coded, Failure};
use crate::output::{deliver, write_file};
use crate::render::plan::{Requests, text};
use crate::state::state_folder;
use crate::subject::{SubjectArguments, folder_of};
use crate::wiring::World;

/// Plan what has to be done so that the emergency access accounts work
///
/// Compares the tenant with the arrangement that the configuration declares: the accounts, their role, the group that
/// carries the exclusion, and the exclusion in every policy. Nothing is changed: the steps are shown and written into a
/// file, which `apply` carries out.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    subject: SubjectArguments,

    /// The file that the plan is written into
    #[arg(long, value_name = "FILE", default_value = PLAN_NAME)]
    output: PathBuf,

    /// The form of what is shown
    #[arg(long, value_enum, default_value_t = Form::Text)]
    format: Form,

    /// Show each request with its body
    #[arg(long)]
    requests: bool,

    /// End with exit code 1 if there is anything to do, and write no file
    #[arg(long)]
    expect_none: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For reading in a terminal
    Text,
    /// The plan itself, one document of the form breakglass-plan/1
    Json,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct PlanRefused(Objection);

pub(crate) const CODES: &[ErrorCode] = &[
    ErrorCode {
        code: "BG4001",
        title: "no plan is made for this tenant",
        explanation: "Something is in the way of the arrangement that the configuration declares, and no step would mend it: \
                      each thing is named with what to do. The usual ones: an account that is a guest or synchronised, a \
                      name that is in the bin, a domain that is federated, a group that exists and is not protected \
                      (whether it can be assigned to roles is decided when a group is made), security defaults, from which \
                      nobody can be excluded. Nothing was changed.",
    },
    ErrorCode {
        code: "BG4002",
        title: "too little is known for a plan",
        explanation: "A list without which a plan would be a guess could not be read: the reason names the permission that \
                      is missing. A plan that excludes the accounts from the policies it happens to see would look \
                      finished. Nothing was changed.",
    },
];

impl Coded for PlanRefused {
    fn code(&self) -> &'static str {
        if self.0.is_doubt() { "BG4002" } else { "BG4001" }
    }

    fn help(&self) -> Option<String> {
        Some(self.0.help())
    }

    fn exit(&self) -> Exit {
        if self.0.is_doubt() { Exit::Unknown } else { Exit::NotStarted }
    }
}

impl Arguments {
    pub(super) fn run(&self, world: &World) -> Result<Exit, Failure> {
        // Before the tenant is read, which may take minutes.
        let is_good = |wanted: &Wanted| match setup::objections_to(wanted) {
            objections if objections.is_empty() => Ok(()),
            objections => Err(refused(objections, world)),
        };
        let (subject, wanted) = self.subject.load_with_wanted(&is_good, world)?;
        let plan = match setup::plan(&subject.snapshot, &wanted, subject.now) {
            Ok(plan) => plan,
            Err(objections) => return Err(refused(objections, world)),
        };
        let shown = match self.format {
            Form::Text => {
                let requests = if self.requests { Requests::Whole } else { Requests::Short };
                text(&plan, &BTreeSet::new(), requests, (world.stdout.columns, world.stdout.paint))
            }
            Form::Json => plan.document(),
        };
        deliver(world, None, &shown)?;
        self.keep(&plan, world)
    }

    fn keep(&self, plan: &Plan, world: &World) -> Result<Exit, Failure> {
        self.tell_half_made(plan, world);
        if self.expect_none {
            return Ok(if plan.is_reached() { Exit::Good } else { Exit::Found });
        }
        if plan.steps.is_empty() {
            return Ok(Exit::Good);
        }
        write_file(&self.output, plan.document().as_bytes())?;
        let mut named = String::new();
        if self.output.as_os_str() != PLAN_NAME {
            named.push_str(&format!(" --plan {}", self.output.display()));
        }
        if let Some(config) = self.subject.named_config() {
            named.push_str(&format!(" --config {}", config.display()));
        }
        world.note(&format!(
            "written to `{}`; `breakglass apply{named}` carries out exactly this",
            self.output.display()
        ));
        Ok(Exit::Good)
    }

    /// Says of accounts that an `apply` may have made before it was stopped which password they have: this plan finds them
    /// there. What cannot be read of it is no reason to make no plan.
    fn tell_half_made(&self, plan: &Plan, world: &World) {
        let config = self.subject.config_path().map(|path| folder_of(&path.display().to_string()));
        let state = state_folder(None, &config.unwrap_or_default());
        if !SqliteStore::is_in(&state) {
            return;
        }
        let Ok(store) = SqliteStore::open(&state) else { return };
        let half = setup::half_made(&store).unwrap_or_default();
        let is_there = |name: &String| {
            let is_made = |step: &Step| matches!(&step.change, Action::CreateAccount { user_principal_name, .. } if user_principal_name == name);
            plan.accounts.contains(name) && !plan.steps.iter().any(is_made)
        };
        for name in half.into_iter().filter(is_there) {
            world.note(&format!(
                "`{name}` was made by an `apply` that was stopped: its password is one of those that were shown or sealed \
                 for it, the last or one before; sign in with it, or reset it, before you rely on the account"
            ));
        }
    }
}

/// Everything that is in the way, the last as the failure.
pub(super) fn refused(mut objections: Vec<Objection>, world: &World) -> Failure {
    // What is wrong weighs more than what is not known.
    objections.sort_by_key(|objection| !objection.is_doubt());
    let last = objections.pop().unwrap_or(Objection::TooFewAccounts { declared: 0 });
    for objection in objections {
        world.complain(&PlanRefused(objection).into());
    }
    PlanRefused(last).into()
}
