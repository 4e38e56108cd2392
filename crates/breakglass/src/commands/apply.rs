//! `apply`: carries out a plan, exactly, and looks afterwards whether it holds.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use breakglass_adapters::clock::SystemClock;
use breakglass_adapters::sqlite_store::SqliteStore;
use breakglass_ops::ports::{Clock as _, Directory as _, Passwords, SignedInAs, StoreError};
use breakglass_ops::setup::action::Action;
use breakglass_ops::setup::plan::{PLAN_BYTES_MAX, Plan, PlanError, Step};
use breakglass_ops::setup::{self, Applied, Applier, ApplyError};

use super::passwords::PasswordArguments;
use super::verification::verify;
use crate::codes::ErrorCode;
use crate::exit::Exit;
use crate::failure::{Coded, Failure};
use crate::live::{Live, LiveError};
use crate::output::write_file;
use crate::render::plan::{Requests, tenant, text};
use crate::render::{counted, fitted, visible};
use crate::state::state_folder;
use crate::subject::{SubjectArguments, folder_of, reading_permissions};
use crate::wiring::World;

/// Name of a plan unless another is given.
pub(crate) const PLAN_NAME: &str = "breakglass-plan.json";

/// Carry out a plan
///
/// Does exactly what the plan says, as the person who signs in, step by step, and nothing if the tenant has moved since
/// the plan was made. It may be interrupted at any time; the same again goes on, and what is done is passed over. In the
/// end the tenant is read again and judged. What takes it all back is written beside the plan, as a plan.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The plan
    #[arg(long, value_name = "FILE", default_value = PLAN_NAME)]
    plan: PathBuf,

    /// The configuration [default: breakglass.toml of this folder]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// The folder that remembers what was done [default: .breakglass beside the configuration]
    #[arg(long, value_name = "FOLDER")]
    state: Option<PathBuf>,

    #[command(flatten)]
    passwords: PasswordArguments,

    /// Do not ask before anything is changed
    #[arg(long)]
    yes: bool,
}

/// Why a plan is not carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApplyFailure {
    /// The file cannot be read.
    #[error("the plan `{}` cannot be read", path.display())]
    Unread {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// It is no plan.
    #[error("`{}` is no plan that can be carried out", path.display())]
    NoPlan {
        path: PathBuf,
        #[source]
        source: PlanError,
    },
    /// Nobody agreed.
    #[error("nobody agreed to the plan")]
    NotAgreed,
    /// It does not fit the tenant or whoever is signed in; nothing was changed.
    #[error(transparent)]
    NotBegun(ApplyError),
    /// It was begun.
    #[error(transparent)]
    Stopped(ApplyError),
    /// Somebody has pressed Ctrl-C.
    #[error("interrupted: the step under way may be done, and none after it is")]
    Interrupted,
    /// What was done is not to be found.
    #[error(transparent)]
    Store(StoreError),
    /// There is no name left for the way back.
    #[error("beside `{}` there are {UNDO_COUNT_MAX} ways back of other plans", .0.display())]
    ManyUndos(PathBuf),
}

pub(crate) const CODES: &[ErrorCode] = &[
    ErrorCode {
        code: "BG4011",
        title: "there is no plan to carry out",
        explanation: "The file is not there, is no plan, is one of another version, or was changed after it was written: \
                      what is carried out is what was shown. `breakglass plan` makes one. Nothing was changed.",
    },
    ErrorCode {
        code: "BG4012",
        title: "nobody agreed to the plan",
        explanation: "A plan is carried out when somebody at the terminal answers `yes`, or with `--yes` where there is no \
                      terminal. Nothing was changed.",
    },
    ErrorCode {
        code: "BG4013",
        title: "the plan cannot be carried out",
        explanation: "It is for another tenant, or an application is signed in (a plan is carried out by a person, so that \
                      no application needs to hold such permissions), or permissions are missing, or the tenant has moved \
                      since the plan was made: a policy is new, gone or changed, or what the plan has done was taken back. \
                      Plan again and look at it. A way back is not carried out by an account that it deletes, nor if a \
                      policy that somebody has changed or made would go on to exclude the group without the unit that \
                      protects it: the message names the policy. Nothing was changed by this command.",
    },
    ErrorCode {
        code: "BG4014",
        title: "the plan was carried out in part",
        explanation: "A step was refused, was not answered, met something that somebody else has changed, or was \
                      interrupted at the terminal. What was done is remembered, every account that could sign in before \
                      still can, and no policy is weaker than by the exclusion. The same command goes on where it \
                      stopped; where somebody else has changed something, plan again: the new plan has what is left. The \
                      file that it names beside the plan, with `undo` in its name, takes back what was done.",
    },
    ErrorCode {
        code: "BG4015",
        title: "what was done cannot be remembered",
        explanation: "The folder that remembers what was done cannot be used: it is full, not writable, of a later \
                      version, or another `apply` of the same plan is running; or the ways back of other plans take every \
                      name that this one's could have. Nothing is sent that is not written down first. Mend it (move \
                      old files away) and run the same again.",
    },
];

impl Coded for ApplyFailure {
    fn code(&self) -> &'static str {
        match self {
            Self::Unread { .. } | Self::NoPlan { .. } => "BG4011",
            Self::NotAgreed => "BG4012",
            Self::NotBegun(_) => "BG4013",
            Self::Stopped(ApplyError::Store(_)) | Self::Store(_) | Self::ManyUndos(_) => "BG4015",
            Self::Stopped(_) | Self::Interrupted => "BG4014",
        }
    }

    fn help(&self) -> Option<String> {
        Some(match self {
            Self::Unread { .. } | Self::NoPlan { .. } => "`breakglass plan` makes one".to_owned(),
            Self::NotAgreed => "answer `yes` to carry it out, or give --yes".to_owned(),
            Self::NotBegun(ApplyError::Permissions(_)) => {
                "sign in again and consent to them, or have an administrator consent".to_owned()
            }
            Self::NotBegun(ApplyError::Oneself(_)) => {
                "`breakglass sign-out`, then the same again, signed in as somebody else".to_owned()
            }
            Self::NotBegun(ApplyError::NotAPerson) => "set `[tenant] sign_in` to `browser` or `device-code`".to_owned(),
            Self::NotBegun(ApplyError::Directory(_)) => "`breakglass doctor` looks at the sign-in".to_owned(),
            Self::NotBegun(_) => "run `breakglass plan` again and look at it".to_owned(),
            Self::Stopped(ApplyError::Stopped { is_moved: true, .. }) => {
                "run `breakglass plan` again and look at it: it has what is left to do".to_owned()
            }
            Self::ManyUndos(_) => "move those that nobody needs any more to another folder".to_owned(),
            Self::Stopped(ApplyError::Store(error)) | Self::Store(error) => match error {
                StoreError::Conflict { .. } => "wait until the other `apply` has ended, then run the same command again",
                StoreError::Full { .. } => "make room on that disk, then run the same command again: it goes on where it stopped",
                StoreError::NotWritable { .. } => "run the same command as the owner of the state: it goes on where it stopped",
                StoreError::Unusable { .. } => {
                    "mend that (space, permissions), or move the folder away and put a backup in its place with `breakglass \
                     state restore`; then run the same command again"
                }
            }
            .to_owned(),
            Self::Stopped(_) | Self::Interrupted => {
                "run the same command again: it goes on where it stopped".to_owned()
            }
        })
    }

    fn exit(&self) -> Exit {
        if matches!(self, Self::Stopped(_) | Self::Interrupted) { Exit::Partial } else { Exit::NotStarted }
    }
}

impl From<ApplyError> for ApplyFailure {
    fn from(error: ApplyError) -> Self {
        match error {
            error @ (ApplyError::Stopped { .. } | ApplyError::Store(_) | ApplyError::Passwords(_)) => {
                Self::Stopped(error)
            }
            error => Self::NotBegun(error),
        }
    }
}

impl Arguments {
    pub(super) fn run(&self, world: &World) -> Result<Exit, Failure> {
        let plan = self.plan()?;
        let found = SubjectArguments::config_of(self.config.as_deref(), world)?;
        let (config, name) = found.ok_or(LiveError::NoTenant)?;
        let folder = folder_of(&name);
        let show = |over: &BTreeSet<String>| {
            world.tell(text(&plan, over, Requests::Short, (world.stderr.columns, world.stderr.paint)).trim_end());
        };
        if plan.steps.is_empty() {
            show(&BTreeSet::new());
            return Ok(Exit::Good);
        }
        let state = state_folder(self.state.as_deref(), &folder);
        let store = SqliteStore::open(&state).map_err(ApplyFailure::Store)?;
        let over = setup::steps_over(&plan, &store).map_err(ApplyFailure::Store)?;
        let left: Vec<&Step> = plan.steps.iter().filter(|step| !over.contains(&step.key)).collect();
        if left.is_empty() {
            let count = counted(plan.steps.len(), "step");
            let live = Live::connect(&config, &folder, &reading_permissions(), world)?;
            self.stands(&plan, (&live, &store), world)?;
            world.tell(&format!("Nothing to do: what this plan says ({count}) was done before."));
            return verify(&plan, (&live, config, name), world);
        }
        show(&over);
        let makes_accounts = left.iter().any(|step| matches!(step.change, Action::CreateAccount { .. }));
        let passwords = self.passwords.keeper(makes_accounts, world)?;
        let permissions: Vec<&str> = plan.permissions().into_iter().chain(reading_permissions()).collect();
        let live = Live::connect(&config, &folder, &permissions, world)?;
        tell_who((&plan, left.len()), &live, world)?;
        if !self.yes && !world.agrees("Carry it out? Only `yes` does:") {
            return Err(ApplyFailure::NotAgreed.into());
        }
        let back = self.undo_path(&plan)?;
        let carried = carry(&plan, (&live, &store, passwords.as_ref()), back.as_deref(), world);
        let undo = write_undo(&plan, &store, back.as_deref());
        if let Ok(Some(path)) = &undo {
            world.note(&format!("`breakglass apply --plan {}{}` takes it back", path.display(), self.places()));
        }
        let applied = carried?;
        undo?;
        for step in &plan.steps {
            if let Some(why) = applied.left.get(&step.key) {
                world.note(&format!("left: {}, since {why}", step.does));
            }
        }
        let passed = if applied.passed.is_empty() {
            String::new()
        } else {
            format!(", {} of them as they were to be already", applied.passed.len())
        };
        let done = match plan.steps.len() {
            1 if applied.left.is_empty() => "The one step is done".to_owned(),
            count if applied.left.is_empty() => format!("All {} are done", counted(count, "step")),
            count => format!("{} of {} are done", count - applied.left.len(), counted(count, "step")),
        };
        world.tell(&format!("{done}{passed}."));
        if !applied.left.is_empty() {
            world.note("the same again looks once more at what is left");
            return Ok(Exit::Partial);
        }
        verify(&plan, (&live, config, name), world)
    }

    /// The words that say again where things are.
    fn places(&self) -> String {
        let word = |name: &str, path: &Option<PathBuf>| {
            path.as_ref().map(|path| format!(" --{name} {}", path.display())).unwrap_or_default()
        };
        format!("{}{}", word("config", &self.config), word("state", &self.state))
    }

    fn plan(&self) -> Result<Plan, ApplyFailure> {
        let path = &self.plan;
        let unread = |source| ApplyFailure::Unread { path: path.clone(), source };
        if fs::metadata(path).map_err(unread)?.len() > PLAN_BYTES_MAX {
            return Err(unread(io::Error::other(format!("it has more than {PLAN_BYTES_MAX} bytes"))));
        }
        let bytes = fs::read(path).map_err(unread)?;
        Plan::read(&bytes).map_err(|source| ApplyFailure::NoPlan { path: path.clone(), source })
    }

    /// Whether what a plan has done is so still.
    fn stands(&self, plan: &Plan, (live, store): (&Live, &SqliteStore), world: &World) -> Result<(), Failure> {
        // No account is made.
        let passwords = self.passwords.keeper(false, world)?;
        let (directory, passwords) = (&live.directory, passwords.as_ref());
        let applier = Applier { directory, clock: &SystemClock, store, passwords, tell: &|_, _| {} };
        let stands = live.runtime.block_on(applier.stands(plan)).map_err(ApplyFailure::from);
        Ok(stands.inspect_err(|error| list_moved(error, world))?)
    }

    /// Where the way back of a plan is written: the first name beside it that is free or its own. A way back has none
    /// itself: what it took away is planned anew.
    fn undo_path(&self, plan: &Plan) -> Result<Option<PathBuf>, ApplyFailure> {
        if plan.takes_back.is_some() {
            return Ok(None);
        }
        let is_free = |path: &PathBuf| match fs::metadata(path) {
            Ok(about) if about.len() <= PLAN_BYTES_MAX => {
                let found = fs::read(path).ok().and_then(|bytes| Plan::read(&bytes).ok());
                found.is_some_and(|undo| undo.takes_back.as_ref() == Some(&plan.digest))
            }
            Ok(_) => false,
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        let name = |at: usize| match at {
            1 => self.plan.with_extension("undo.json"),
            at => self.plan.with_extension(format!("undo-{at}.json")),
        };
        let found = (1..=UNDO_COUNT_MAX).map(name).find(is_free);
        found.map(Some).ok_or_else(|| ApplyFailure::ManyUndos(self.plan.clone()))
    }
}

/// Says before anybody agrees who acts, where, and how much it is: the plan may fill several screens.
fn tell_who((plan, count): (&Plan, usize), live: &Live, world: &World) -> Result<(), ApplyFailure> {
    let signed_in = live.runtime.block_on(live.directory.signed_in());
    let signed_in = signed_in.map_err(|source| ApplyFailure::NotBegun(ApplyError::Directory(source)))?;
    let who = match signed_in.who {
        SignedInAs::User { user_principal_name, .. } => user_principal_name,
        SignedInAs::Application { app_id } => format!("application {app_id}"),
    };
    let line = format!("{} in {}, as `{who}`.", counted(count, "step"), tenant(plan));
    world.tell(&format!("\n{}", fitted(&visible(&line), "", "", world.stderr.columns).trim_end()));
    Ok(())
}

/// Carries a plan out, telling of each step.
fn carry(
    plan: &Plan,
    (live, store, passwords): (&Live, &SqliteStore, &dyn Passwords),
    back: Option<&Path>,
    world: &World,
) -> Result<Applied, ApplyFailure> {
    let total = plan.steps.len();
    let tell = |step: &Step, at: usize| {
        // Whoever is killed has the way back of what was done before this step; at the end it is written again.
        drop(write_undo(plan, store, back));
        let (head, columns) = (format!("{:>4}/{total}  ", at + 1), world.stderr.columns);
        world.tell(fitted(&visible(&step.does), &head, &" ".repeat(head.len()), columns).trim_end());
    };
    let applier = Applier { directory: &live.directory, clock: &SystemClock, store, passwords, tell: &tell };
    let carried = live.runtime.block_on(async {
        tokio::select! {
            carried = applier.apply(plan) => carried.map_err(ApplyFailure::from),
            Ok(()) = tokio::signal::ctrl_c() => Err(ApplyFailure::Interrupted),
        }
    });
    carried.inspect_err(|error| list_moved(error, world))
}

/// Lists all that has moved, of which the error names the first.
fn list_moved(error: &ApplyFailure, world: &World) {
    if let ApplyFailure::NotBegun(ApplyError::Moved(places)) = error {
        world.tell(&shortened(places, world.stderr.columns));
    }
}

/// Writes the way back beside the plan, if it has one and anything was done, and says where.
fn write_undo(plan: &Plan, store: &SqliteStore, path: Option<&Path>) -> Result<Option<PathBuf>, Failure> {
    let Some(path) = path else { return Ok(None) };
    let undo = setup::undo_of(plan, store, SystemClock.now()).map_err(ApplyFailure::Store)?;
    if undo.steps.is_empty() {
        return Ok(None);
    }
    write_file(path, undo.document().as_bytes())?;
    Ok(Some(path.to_path_buf()))
}

/// Ways back beside one plan's name.
const UNDO_COUNT_MAX: usize = 99;

/// Lines of a list that are shown.
const LINE_COUNT_MAX: usize = 20;

/// A list, a line each, and how many more there are.
fn shortened(list: &[String], columns: usize) -> String {
    let filled = |line: &String| fitted(&visible(line), "  ", "    ", columns).trim_end().to_owned();
    let mut lines: Vec<String> = list.iter().take(LINE_COUNT_MAX).map(filled).collect();
    if list.len() > LINE_COUNT_MAX {
        lines.push(format!("  and {} more", list.len() - LINE_COUNT_MAX));
    }
    lines.join("\n")
}
