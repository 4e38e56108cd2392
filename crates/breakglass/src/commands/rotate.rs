//! `rotate`: another password for an account, sealed before anybody's directory knows it; or another account in its place.

mod replace;

use std::collections::BTreeSet;
use std::path::PathBuf;

use breakglass_adapters::clock::SystemClock;
use breakglass_adapters::random::SystemRandom;
use breakglass_adapters::sqlite_store::SqliteStore;
use breakglass_custody::document::Account;
use breakglass_custody::sealed::SealTo;
use breakglass_custody::signing::SigningKey;
use breakglass_engine::access::Access;
use breakglass_engine::lockout::Analysis;
use breakglass_engine::lockout::goal::{Goal, Horizon, Question, Stage};
use breakglass_model::user::User;
use breakglass_ops::drill::record::Begun;
use breakglass_ops::drill::stream as drill;
use breakglass_ops::journal::catch_up;
use breakglass_ops::key_box::depositories::Depositories;
use breakglass_ops::ports::{Clock as _, Directory as _, DirectoryError, SignedInAs, Store};
use breakglass_ops::rotation::journey::{RotationError, Rotator, Sealing, course_of};
use breakglass_ops::rotation::leave::{Leave, Other, Refusal, leave};
use breakglass_ops::rotation::machine::{Step, Stop};
use breakglass_ops::rotation::record::{Course, QUIESCENCE_HOURS_USUAL};
use breakglass_ops::rotation::settling::{Settling, destroy_superseded, settle};
use breakglass_ops::setup::Wanted;
use jiff::Timestamp;

use super::checkout::CheckoutFailure;
use super::custody::desk::{Desk, DeskError, Place};
use super::drill::DrillFailure;
use super::lockout::AnalysisArguments;
use crate::codes::ErrorCode;
use crate::exit::Exit;
use crate::failure::{Coded, Failure};
use crate::live::{Live, LiveError};
use crate::render::{fitted, visible};
use crate::subject::{Subject, SubjectArguments, SubjectError, reading_permissions};
use crate::wiring::World;

/// Permissions that changing a password asks for beside those of reading.
///
/// **Source:** "Update user" and "user: revokeSignInSessions" of Graph's reference, the least that is needed.
const PERMISSIONS: [&str; 2] = ["User-PasswordProfile.ReadWrite.All", "User.RevokeSessions.All"];

/// Give an account another password, sealed to the next set of shares
///
/// The password is made, sealed, kept in every depository and read back before it is sent; it is proved by a sign-in; then
/// the account's sessions are ended. Whatever is stopped, lost or late on the way: the password that counts is sealed and can
/// be opened, and the same command goes on. It is done by whoever signs in, never as the account itself, and only while
/// another emergency account is known to get in.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The account: its sign-in name or id
    #[arg(long, value_name = "UPN|ID")]
    account: String,

    /// Another account takes its place: the other one is declared and complete, is given a sealed password if it has none, and
    /// is known to get in before this one is deleted
    #[arg(long, value_name = "UPN|ID")]
    replace_account: Option<String>,

    /// Hours after the last request in which one may still be carried out: an assumption, since Entra publishes no bound
    #[arg(long, value_name = "HOURS", default_value_t = QUIESCENCE_HOURS_USUAL)]
    quiescence: u16,

    /// Do not ask before anything is changed
    #[arg(long)]
    yes: bool,

    #[command(flatten)]
    place: Place,
}

/// Why an account is not rotated.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RotateFailure {
    /// It is none of the emergency accounts.
    #[error("`{0}` is no emergency account of the configuration; there are: {1}")]
    NotDeclared(String, String),
    /// Nobody can reset it.
    #[error(
        "`{account}` is in the administrative unit `{unit}`, whose management is restricted: the tenant lets nobody reset the \
         password of a Global Administrator there"
    )]
    Restricted {
        /// The account.
        account: String,
        /// The unit.
        unit: String,
    },
    /// No other account is known to get in.
    #[error(transparent)]
    Leave(Refusal),
    /// The account that is to take its place does not yet.
    #[error("`{new}` cannot take the place of `{old}` yet: {why}")]
    NotComplete {
        /// The one that goes.
        old: String,
        /// The one that comes.
        new: String,
        /// What is missing.
        why: String,
    },
    /// It is not deleted.
    #[error("`{account}` is not deleted, and `{new}` is complete beside it")]
    NotDeleted {
        /// The one that goes.
        account: String,
        /// The one that has come.
        new: String,
        #[source]
        source: Box<DirectoryError>,
    },
    /// Nobody agreed.
    #[error("nobody agreed to change the password of `{0}`")]
    NotAgreed(String),
    /// It was not begun.
    #[error(transparent)]
    NotBegun(RotationError),
    /// It stopped.
    #[error(transparent)]
    Stopped(RotationError),
    /// Somebody has pressed Ctrl-C.
    #[error("interrupted: what was sealed is kept, and the step under way may be done")]
    Interrupted,
}

pub(crate) const CODES: &[ErrorCode] = &[
    ErrorCode {
        code: "BG4061",
        title: "the account is not rotated now",
        explanation: "A password is changed only while another emergency account is known to get in: somebody signed in with \
                      its sealed password since it was set, at most 90 days ago, nobody has changed it since, and the lockout \
                      analysis has a way in for it. It is not changed as the account itself, nor where the tenant lets \
                      nobody reset it (a restricted administrative unit: take the account out of it first, rotate, and put it \
                      back). Nothing was changed.",
    },
    ErrorCode {
        code: "BG4062",
        title: "the rotation stopped part-way",
        explanation: "Whatever is not known for certain, nothing is lost: every password that may count is sealed, and stays \
                      sealed. The message says where it stopped. The same command goes on: it draws another password, and \
                      keeps those before. `breakglass custody list` shows which document to open first.",
    },
];

impl Coded for RotateFailure {
    fn code(&self) -> &'static str {
        match self {
            Self::Stopped(_) | Self::Interrupted | Self::NotDeleted { .. } => "BG4062",
            _ => "BG4061",
        }
    }

    fn help(&self) -> Option<String> {
        Some(match self {
            Self::NotDeclared(..) => "declare it below `[[account]]` in the configuration".to_owned(),
            Self::Restricted { unit, account } => {
                format!("take `{account}` out of `{unit}`, rotate, and put it back; `breakglass plan` says so if it was forgotten")
            }
            Self::NotComplete { .. } => {
                "declare it below `[[account]]`, then `breakglass plan` and `breakglass apply`; the old one stays meanwhile".to_owned()
            }
            Self::Leave(_) => "make another account usable first: the reasons are above".to_owned(),
            Self::NotAgreed(_) => "answer `yes`, or give --yes".to_owned(),
            Self::NotBegun(RotationError::Oneself(_)) => {
                "`breakglass sign-out`, then the same again, signed in as somebody else".to_owned()
            }
            Self::NotBegun(_) => "the reason is in the message; nothing was changed".to_owned(),
            Self::Stopped(RotationError::Stopped { stop: Stop::ManyUnsettled, .. }) => {
                "open the newest with `breakglass custody open`, sign in with it, and change the password in the portal if none \
                 works"
                    .to_owned()
            }
            Self::Stopped(_) | Self::Interrupted | Self::NotDeleted { .. } => "run the same command again: it goes on where it stopped".to_owned(),
        })
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Stopped(_) | Self::Interrupted | Self::NotDeleted { .. } => Exit::Partial,
            _ => Exit::NotStarted,
        }
    }
}

/// What everything is done with.
struct Tools {
    desk: Desk,
    store: SqliteStore,
    operator: SigningKey,
    depositories: Depositories,
    live: Live,
    /// Where the configuration is.
    config: PathBuf,
}

impl Tools {
    /// Reads the tenant, over the client that is there.
    fn read(&self, world: &World) -> Result<(Subject, Wanted), Failure> {
        let config = SubjectArguments::config_of(Some(&self.config), world)?;
        SubjectArguments::load_over(&self.live, config, world)
    }
}

impl Arguments {
    pub(super) fn run(&self, world: &World) -> Result<Exit, Failure> {
        let tools = self.tools(world)?;
        let sets = tools.desk.sealable(&tools.desk.key_box(&tools.store)?, world)?;
        let (subject, wanted) = tools.read(world)?;
        let account = self.account(&subject, &self.account)?;
        if let Some(new) = &self.replace_account {
            return self.replace(&tools, (&subject, &wanted), (&account, new), world);
        }
        let meanwhile = may(&subject, &account, &tools.store, world)?;
        let who = who(&tools, &account)?;
        say_what(&account.user_principal_name, &who, (&meanwhile, &sets.names()), world);
        if !self.yes && !world.agrees("Change it? Only `yes` does:") {
            return Err(RotateFailure::NotAgreed(account.user_principal_name).into());
        }
        self.settle_all(&subject, &tools, world)?;
        self.rotate(&tools, &account, world)?;
        Ok(Exit::Good)
    }

    fn tools(&self, world: &World) -> Result<Tools, Failure> {
        let (config, name) = self.place.config(world)?.ok_or(LiveError::NoTenant)?;
        let desk = self.place.desk(world)?;
        let operator = desk.operator_key()?;
        let (store, depositories) = (desk.store()?, desk.depositories());
        let deleting = self.replace_account.as_ref().map(|_| replace::PERMISSION);
        let permissions: Vec<&str> = PERMISSIONS.into_iter().chain(deleting).chain(reading_permissions()).collect();
        let live = Live::connect(&config, &desk.folder, &permissions, world)?;
        Ok(Tools { desk, store, operator, depositories, live, config: PathBuf::from(name) })
    }

    /// Gives an account another password.
    fn rotate(&self, tools: &Tools, account: &Account, world: &World) -> Result<(), Failure> {
        let Tools { desk, store, operator, depositories, live, .. } = tools;
        let mut key_box = desk.key_box(store)?;
        let sets = desk.sealable(&key_box, world)?;
        Desk::note_sealing(&mut key_box, store, &sets)?;
        let tell = |step: &Step| tell(step, world);
        let rotator = Rotator {
            directory: &live.directory,
            proving: &live.directory,
            depository: depositories,
            store,
            clock: &SystemClock,
            random: &SystemRandom,
            tell: &tell,
        };
        let SealTo { set, reserve } = sets.signed();
        let sealing = Sealing { account, set, reserve, operator };
        let rotated = live.runtime.block_on(async {
            tokio::select! {
                rotated = rotator.rotate(sealing) => rotated.map_err(|error| stopped(error, world)),
                Ok(()) = tokio::signal::ctrl_c() => Err(RotateFailure::Interrupted),
            }
        });
        let noted = catch_up(store, SystemClock.now()).map_err(CheckoutFailure::from);
        let rotated = rotated?;
        noted?;
        let destroyed = destroy_superseded((depositories, store), &account.id, SystemClock.now());
        let destroyed = live.runtime.block_on(destroyed).map_err(DeskError::from)?;
        let done = format!(
            "`{}` has another password, proved by a sign-in. It is sealed in the document `{}`, to {}.",
            account.user_principal_name,
            rotated.document,
            sets.names()
        );
        world.tell(fitted(&visible(&done), "", "", world.stderr.columns).trim_end());
        for document in destroyed {
            world.note(&format!("the document `{document}` could count no more and is destroyed"));
        }
        if key_box.next().is_none() {
            world.note("make the next set of shares, for after the next opening: `breakglass custody new-set`");
        }
        Ok(())
    }

    /// The account that is meant, if the tenant lets somebody reset its password.
    #[expect(clippy::unused_self, reason = "it reads as what the command line means")]
    fn account(&self, subject: &Subject, named: &str) -> Result<Account, RotateFailure> {
        let users = users_of(subject);
        let is_it = |user: &&&User| {
            let id = subject.snapshot.id(user.key).to_string();
            id.eq_ignore_ascii_case(named)
                || user.user_principal_name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(named))
        };
        let names =
            || users.iter().filter_map(|user| user.user_principal_name.as_deref()).collect::<Vec<_>>().join(", ");
        let user = users.iter().find(is_it);
        let user = user.ok_or_else(|| RotateFailure::NotDeclared(named.to_owned(), names()))?;
        if let Some(unit) = subject.snapshot.restricted_units_of(user.key).next() {
            let unit = unit.display_name.as_deref().unwrap_or("without a name").to_owned();
            return Err(RotateFailure::Restricted { account: named.to_owned(), unit });
        }
        Ok(account_of(subject, user))
    }

    /// Settles what was proved long enough ago, of every account.
    fn settle_all(&self, subject: &Subject, tools: &Tools, world: &World) -> Result<(), Failure> {
        for user in users_of(subject) {
            let account = account_of(subject, user);
            let settled =
                settle((&tools.live.directory, &tools.store), &account.id, self.quiescence, SystemClock.now());
            match tools.live.runtime.block_on(settled).map_err(DeskError::from)? {
                Settling::Changed { proved_at, changed_at } => world.note(&format!(
                    "the password of `{}` was changed on {changed_at}, after it was proved on {proved_at}: what is sealed may \
                     not be it; rotate that account",
                    account.user_principal_name
                )),
                Settling::Unknown(why) => {
                    world.note(&format!("whether `{}` is settled cannot be told: {why}", account.user_principal_name));
                }
                Settling::Nothing | Settling::Settled(_) | Settling::Quiet { .. } => {}
            }
        }
        Ok(())
    }
}

/// Whether another account is known to get in meanwhile.
fn may(subject: &Subject, account: &Account, store: &SqliteStore, world: &World) -> Result<Leave, Failure> {
    let (course, _) = course_of(store, &account.id).map_err(DeskError::from)?;
    let with_way = accounts_with_ways(subject, world)?;
    let mut others = Vec::new();
    for user in users_of(subject) {
        let other = account_of(subject, user);
        if other.id == account.id {
            continue;
        }
        let (course, _) = course_of(store, &other.id).map_err(DeskError::from)?;
        let changed = user.detail().last_password_change_date_time.value().and_then(|text| text.parse().ok());
        others.push(Other {
            proved_at: course.proved_at().max(drilled_at(store, &other.id, &course)?),
            changed_at: changed,
            is_rotating: course.unsettled().next().is_some() && course.proved().is_none(),
            has_way: with_way.contains(&other.id),
            name: other.user_principal_name,
        });
    }
    let read_at: Timestamp = subject.snapshot.taken_at.unwrap_or(subject.now);
    match leave(course.current().is_none(), &others, (read_at, SystemClock.now())) {
        Ok(leave) => Ok(leave),
        Err(refusal) => {
            if let Refusal::NoneUsable(objections) = &refusal {
                objections.iter().for_each(|objection| world.note(&objection.to_string()));
            }
            Err(RotateFailure::Leave(refusal).into())
        }
    }
}

/// Who signs in, who is not the account itself.
fn who(tools: &Tools, account: &Account) -> Result<String, RotateFailure> {
    let signed_in = tools.live.runtime.block_on(tools.live.directory.signed_in());
    let signed_in = signed_in.map_err(|error| RotateFailure::NotBegun(RotationError::NotSignedIn(error)))?;
    match signed_in.who {
        SignedInAs::User { id, user_principal_name } if id.eq_ignore_ascii_case(&account.id) => {
            Err(RotateFailure::NotBegun(RotationError::Oneself(user_principal_name)))
        }
        SignedInAs::User { user_principal_name, .. } => Ok(user_principal_name),
        SignedInAs::Application { app_id } => Ok(format!("application {app_id}")),
    }
}

fn users_of(subject: &Subject) -> Vec<&User> {
    subject.accounts.keys.iter().filter_map(|key| subject.snapshot.user(*key)).collect()
}

fn account_of(subject: &Subject, user: &User) -> Account {
    let id = subject.snapshot.id(user.key).to_string();
    let name = user.user_principal_name.as_deref().unwrap_or(&id).to_owned();
    Account { user_principal_name: name, id }
}

/// Ids of the emergency accounts that get in by themselves to repair everything.
fn accounts_with_ways(subject: &Subject, world: &World) -> Result<BTreeSet<String>, Failure> {
    let access = Access::compile(&subject.snapshot, &subject.access).map_err(SubjectError::from)?;
    let settings = AnalysisArguments::default().settings(subject, Horizon::Day, world)?;
    let question = Question { goal: Goal::FullRepair, surface: None, stage: Stage::Direct };
    let mut analysis = Analysis::of_question(&access, &settings, question);
    let answer = analysis.answer(question);
    analysis.end();
    let alone = answer.ways.iter().filter(|way| way.sessions.iter().all(|session| session.user == way.user));
    Ok(alone.map(|way| way.user.clone()).collect())
}

/// When the password that counts was drilled last, all the way to a sign-in with it and to a good end.
fn drilled_at(store: &dyn Store, account: &str, course: &Course) -> Result<Option<Timestamp>, Failure> {
    let (drills, _) = drill::course_of(store, account).map_err(DrillFailure::from)?;
    let has_signed_in = |begun: &Begun| begun.surfaces.iter().any(|surface| !surface.is_portal());
    let good = drills.last_good().filter(|good| course.current() == Some(&good.begun.document));
    Ok(good.filter(|good| has_signed_in(&good.begun)).map(|good| good.begun.at))
}

fn say_what(name: &str, who: &str, (meanwhile, sets): (&Leave, &str), world: &World) {
    let meanwhile = match meanwhile {
        Leave::Other(other) => format!("`{other}` is known to get in meanwhile."),
        Leave::First => {
            "No sealed password of it is known to count yet; no other account is needed meanwhile.".to_owned()
        }
    };
    let text = format!("The password of `{name}` is changed by `{who}` and sealed to {sets}. {meanwhile}");
    world.tell(&format!("\n{}", fitted(&visible(&text), "", "", world.stderr.columns).trim_end()));
}

fn tell(step: &Step, world: &World) {
    let what = match step {
        Step::Prepare => "making and sealing a password",
        Step::Send(_) => "sending it to the tenant",
        Step::Prove(_) => "signing in with it",
        Step::Revoke => "ending the sessions of the account",
        Step::Note(_) | Step::Done | Step::Stop(_) => return,
    };
    world.progress(what);
}

fn stopped(error: RotationError, world: &World) -> RotateFailure {
    world.progress_is_over();
    match error {
        RotationError::Stopped { stop, why } => {
            why.iter().for_each(|why| world.note(why));
            RotateFailure::Stopped(RotationError::Stopped { stop, why: Vec::new() })
        }
        error => RotateFailure::NotBegun(error),
    }
}
