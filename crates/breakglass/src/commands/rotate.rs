//! `rotate`: another password for an account, sealed before anybody's directory knows it; or another account in its place.

mod meanwhile;
mod replace;

use std::path::PathBuf;

use breakglass_adapters::clock::SystemClock;
use breakglass_adapters::lock_file::{LockError, LockFile};
use breakglass_adapters::random::SystemRandom;
use breakglass_adapters::sqlite_store::SqliteStore;
use breakglass_custody::document::Account;
use breakglass_custody::sealed::SealTo;
use breakglass_custody::signing::SigningKey;
use breakglass_ops::checkout::record::Standing;
use breakglass_ops::checkout::stream::course_of as checkouts_of;
use breakglass_ops::key_box::accounts::replacements;
use breakglass_ops::key_box::depositories::Depositories;
use breakglass_ops::ports::{Clock as _, DirectoryError, SignedInAs, StoreError};
use breakglass_ops::rotation::journey::{RotationError, Rotator, Sealing, course_of};
use breakglass_ops::rotation::leave::{Leave, Refusal};
use breakglass_ops::rotation::machine::{Step, Stop};
use breakglass_ops::rotation::record::{Course, QUIESCENCE_HOURS_USUAL};
use breakglass_ops::rotation::settling::{Destroyed, Settling, WrongClock, agree, clocks, destroy_superseded, settle};
use breakglass_ops::setup::Wanted;
use jiff::SignedDuration;

use self::meanwhile::{account_of, accounts_of, may, missing, users_of};
use self::replace::{absent, is_named, note_gone};
use super::checkout::CheckoutFailure;
use super::custody::desk::{Desk, DeskError, Place, Sealable, courses};
use super::custody::sealing::note_to_print;
use crate::codes::ErrorCode;
use crate::exit::Exit;
use crate::failure::{Coded, Failure};
use crate::live::{Live, LiveError};
use crate::render::{fitted, visible};
use crate::subject::{Subject, SubjectArguments, reading_permissions};
use crate::wiring::World;

/// The file in the folder of the state that whoever rotates holds.
const LOCK: &str = "rotation.lock";

/// Seconds after which the tenant is read again before an answer counts.
const ANSWER_SECONDS_MAX: i64 = 60;

/// What to do about a clock that is wrong.
const SET_CLOCK: &str = "set this machine's clock, have it kept by NTP, then the same again";

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
    #[arg(long, value_name = "UPN|ID", required_unless_present = "settle")]
    account: Option<String>,

    /// Change nothing: look whether the passwords that were proved are still the ones that count, of every account, and write
    /// down which are settled
    #[arg(long, conflicts_with_all = ["account", "replace_account", "despite_unproved", "yes"])]
    settle: bool,

    /// Another account takes its place: the other one is declared and complete, is given a sealed password if it has none, and
    /// is known to get in before this one is deleted
    #[arg(long, value_name = "UPN|ID")]
    replace_account: Option<String>,

    /// Hours after the last request in which one may still be carried out: an assumption, since Entra publishes no bound
    #[arg(long, value_name = "HOURS", default_value_t = QUIESCENCE_HOURS_USUAL)]
    quiescence: u16,

    /// Send another password although three were sent that no sign-in has proved: somebody knows why it failed
    #[arg(long)]
    despite_unproved: bool,

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
    /// It is declared, and not there.
    #[error("`{0}` is declared, and the tenant has no such account: somebody has deleted it")]
    NotThere(String),
    /// Another rotation is under way.
    #[error("another `breakglass rotate` is at work with `{}`: two accounts are never rotated at once", .0.display())]
    UnderWay(PathBuf),
    /// That cannot be told.
    #[error("whether another rotation is under way cannot be told: `{}`", path.display())]
    Lock {
        path: PathBuf,
        #[source]
        source: LockError,
    },
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
    /// What is written down of when it was sent would be wrong.
    #[error("{0}, and by it is counted how long what was sent may still be carried out")]
    WrongClock(WrongClock),
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
    /// Too few would be left who are known to get in.
    #[error(
        "`{old}` is not deleted: without it {usable} emergency accounts are known to get in, and there are to be two"
    )]
    FewUsable {
        /// The one that goes.
        old: String,
        /// Those that are left and known to get in.
        usable: usize,
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
    /// Nobody knows whether it is.
    #[error("whether `{account}` is deleted is not known, and `{new}` is complete beside it")]
    MaybeDeleted {
        /// The one that goes.
        account: String,
        /// The one that has come.
        new: String,
        #[source]
        source: Box<DirectoryError>,
    },
    /// It is, and the record does not have it.
    #[error("`{account}` is deleted, and that cannot be written down")]
    DeletedNotNoted {
        /// The one that went.
        account: String,
        #[source]
        source: Box<StoreError>,
    },
    /// The tenant was asked to delete it, does not list it, and nobody says that it is deleted.
    #[error("`{0}` was to be deleted, since another has taken its place, and whether it is cannot be told")]
    Untold(String),
    /// It is deleted, and another has its place.
    #[error("`{account}` is deleted: `{by}` has taken its place")]
    Replaced {
        /// The one that went.
        account: String,
        /// The one that has come.
        by: String,
    },
    /// Nobody agreed.
    #[error("nobody agreed: nothing of `{0}` is changed")]
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
            Self::Stopped(_)
            | Self::Interrupted
            | Self::NotDeleted { .. }
            | Self::MaybeDeleted { .. }
            | Self::DeletedNotNoted { .. }
            | Self::Untold(_) => "BG4062",
            _ => "BG4061",
        }
    }

    fn help(&self) -> Option<String> {
        Some(match self {
            Self::NotThere(_) => {
                "the tenant keeps a deleted user for 30 days: restore it there (Users, Deleted users); when it is gone from there, \
                 `breakglass plan` makes another"
                    .to_owned()
            }
            Self::Lock { source: LockError::Io(_), .. } => {
                "the reason is below the message: make room on the disk, or have the folder be yours; then the same again".to_owned()
            }
            Self::Replaced { account, by } => {
                format!("take `{account}` out of the configuration, below `[[account]]`, and name `{by}` from now on")
            }
            Self::MaybeDeleted { .. } | Self::Untold(_) => {
                "run the same command again: it looks whether it is deleted, and goes on".to_owned()
            }
            Self::DeletedNotNoted { .. } => {
                "make room on the disk if it is full, then run the same command again: it looks, and writes it down".to_owned()
            }
            Self::UnderWay(_) | Self::Lock { .. } => "wait for it to end, then the same again".to_owned(),
            Self::FewUsable { .. } => {
                "rotate or drill the others first: each has to be known to get in, by a sign-in with what is sealed".to_owned()
            }
            Self::Leave(Refusal::Alone) => {
                "declare another account below `[[account]]`, then `breakglass plan` and `breakglass apply`; one that was deleted is \
                 kept by the tenant for 30 days"
                    .to_owned()
            }
            Self::NotBegun(RotationError::Application(_)) => {
                "`breakglass sign-out`, then sign in as a person who may reset passwords of Global Administrators; or, where a \
                 pipeline is to rotate, `application_may_rotate = true` below `[custody]`"
                    .to_owned()
            }
            Self::Stopped(RotationError::Stopped { stop: Stop::Refused, .. }) => {
                "resetting a Global Administrator's password takes Global Administrator or Privileged Authentication \
                 Administrator: have whoever signs in given one of them, then the same again"
                    .to_owned()
            }
            Self::NotDeclared(..) => "declare it below `[[account]]` in the configuration".to_owned(),
            Self::Restricted { unit, account } => {
                format!("take `{account}` out of `{unit}`, rotate, and put it back; `breakglass plan` says so if it was forgotten")
            }
            Self::WrongClock(_) => format!("{SET_CLOCK}; nothing was changed"),
            Self::NotComplete { .. } => {
                "declare it below `[[account]]`, then `breakglass plan` and `breakglass apply`; the old one stays meanwhile".to_owned()
            }
            Self::Leave(_) => "make another account usable first: the reasons are above".to_owned(),
            Self::NotAgreed(_) => "answer `yes`, or give --yes".to_owned(),
            Self::NotBegun(RotationError::Oneself(_)) => {
                "`breakglass sign-out`, then the same again, signed in as somebody else".to_owned()
            }
            Self::NotBegun(_) => "the reason is in the message; nothing was changed".to_owned(),
            Self::Stopped(RotationError::Stopped { stop: Stop::ManyUnproved, .. }) => {
                "`breakglass custody list` names them, `breakglass custody open --document` opens each, and the sign-in log says why \
                 nobody got in; when that is mended, the same with --despite-unproved"
                    .to_owned()
            }
            Self::Stopped(RotationError::Stopped { stop: Stop::NotPrepared | Stop::NotNoted, .. }) => {
                "the reason is above: make room on the disk if it is full, or bring the place that is away; then run the same \
                 command again: it goes on where it stopped"
                    .to_owned()
            }
            Self::Stopped(_) | Self::Interrupted | Self::NotDeleted { .. } => "run the same command again: it goes on where it stopped".to_owned(),
        })
    }

    fn exit(&self) -> Exit {
        if self.code() == "BG4062" { Exit::Partial } else { Exit::NotStarted }
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
    /// Whether another is sent although many were sent without a proof.
    is_despite_unproved: bool,
    /// As long as it is held nobody else rotates anything of this state.
    _lock: LockFile,
}

impl Tools {
    /// Reads the tenant, over the client that is there.
    fn read(&self, world: &World) -> Result<(Subject, Wanted), Failure> {
        let config = SubjectArguments::config_of(Some(&self.config), world)?;
        SubjectArguments::load_over(&self.live, config, world)
    }

    fn rotator<'t>(&'t self, tell: &'t (dyn Fn(&Step) + Sync)) -> Rotator<'t> {
        Rotator {
            directory: &self.live.directory,
            proving: &self.live.directory,
            depository: &self.depositories,
            store: &self.store,
            clock: &SystemClock,
            random: &SystemRandom,
            tell,
            is_despite_unproved: self.is_despite_unproved,
            is_application_allowed: self.desk.config.may_application_rotate(),
        }
    }

    /// The account that is meant.
    fn account(&self, subject: &Subject, named: &str) -> Result<Account, Failure> {
        let accounts = accounts_of(subject);
        if let Some(found) = accounts.iter().find(|account| is_named(account, named)) {
            return Ok(found.clone());
        }
        if self.desk.config.declared("").iter().any(|declared| declared.name.eq_ignore_ascii_case(named)) {
            return Err(absent(self, &accounts, named)?.into());
        }
        let names: Vec<&str> = accounts.iter().map(|account| account.user_principal_name.as_str()).collect();
        Err(RotateFailure::NotDeclared(named.to_owned(), names.join(", ")).into())
    }

    /// Ends the sessions of an account whose rotation was stopped after its proof, if that is what is left: it needs no set of
    /// shares and no other account.
    fn finish(&self, account: &Account, world: &World) -> Result<Option<Exit>, Failure> {
        let (course, _) = course_of(&self.store, &account.id).map_err(DeskError::from)?;
        if !course.is_revocation_due() {
            return Ok(None);
        }
        let tell = |step: &Step| tell(step, world);
        let finished = self.live.runtime.block_on(self.rotator(&tell).finish(account));
        let finished = finished.map_err(|error| stopped(error, world))?;
        self.desk.enter(&self.store, world);
        Ok(finished.map(|_| {
            world.tell(&format!(
                "The sessions of `{}` are ended; its password was set and proved before.",
                account.user_principal_name
            ));
            Exit::Good
        }))
    }
}

/// That the tenant lets somebody reset the password of an account.
fn restricted(subject: &Subject, account: &Account) -> Result<(), RotateFailure> {
    let user = users_of(subject).into_iter().find(|user| account_of(subject, user).id == account.id);
    let unit = user.and_then(|user| subject.snapshot.restricted_units_of(user.key).next());
    unit.map_or(Ok(()), |unit| {
        let unit = unit.display_name.as_deref().unwrap_or("without a name").to_owned();
        Err(RotateFailure::Restricted { account: account.user_principal_name.clone(), unit })
    })
}

impl Arguments {
    pub(super) fn run(&self, world: &World) -> Result<Exit, Failure> {
        let tools = self.tools(world)?;
        let (mut subject, wanted) = tools.read(world)?;
        let gone = note_gone(&tools, &subject, world)?;
        let Some(named) = &self.account else { return self.settle_alone(&subject, &tools, world) };
        if let Some(exit) = self.already_done(&tools, (&subject, &gone), named, world)? {
            return Ok(exit);
        }
        let account = tools.account(&subject, named)?;
        if let Some(exit) = tools.finish(&account, world)? {
            world.note("its rotation is done; for another password run the same command again");
            return Ok(exit);
        }
        agreeing(&tools, &account)?;
        let sets = tools.desk.sealable(&tools.desk.key_box(&tools.store)?, world)?;
        restricted(&subject, &account)?;
        if let Some(new) = &self.replace_account {
            return self.replace(&tools, (&subject, &wanted), (&account, new), world);
        }
        let meanwhile = may(&tools, &subject, &account, world)?;
        let who = who(&tools, &account)?;
        say_what(&account.user_principal_name, &who, (&meanwhile, &sets.names()), world);
        if !self.yes {
            let asked_at = SystemClock.now();
            if !world.agrees("Change it? Only `yes` does:") {
                return Err(RotateFailure::NotAgreed(account.user_principal_name).into());
            }
            // Whoever thinks it over may answer in another world.
            if asked_at.duration_until(SystemClock.now()) > SignedDuration::from_secs(ANSWER_SECONDS_MAX) {
                (subject, _) = tools.read(world)?;
                restricted(&subject, &account)?;
            }
            may(&tools, &subject, &account, world)?;
        }
        self.settle_all(&subject, &tools, world)?;
        self.rotate(&tools, &account, world)?;
        Ok(Exit::Good)
    }

    /// Settles, and says how each account stands then.
    fn settle_alone(&self, subject: &Subject, tools: &Tools, world: &World) -> Result<Exit, Failure> {
        let is_known = match accounts_of(subject).first().map_or(Ok(()), |account| agreeing(tools, account)) {
            Ok(()) => self.settle_all(subject, tools, world)?,
            Err(wrong) => {
                world.note(&format!("nothing is settled: {wrong}; {SET_CLOCK}"));
                false
            }
        };
        tools.desk.enter(&tools.store, world);
        for user in users_of(subject) {
            let account = account_of(subject, user);
            let (course, _) = course_of(&tools.store, &account.id).map_err(DeskError::from)?;
            let name = &account.user_principal_name;
            let unsettled: Vec<&str> = course.unsettled().map(|document| document.as_str()).collect();
            world.tell(&match (course.current(), unsettled.is_empty()) {
                (None, true) => format!("`{name}` has no sealed password."),
                (Some(current), true) => format!("`{name}` is settled: the document `{current}` counts, and no other."),
                (_, false) => format!("`{name}` is not settled: these documents may count: {}.", unsettled.join(", ")),
            });
        }
        let missing = missing(tools, subject)?;
        for name in &missing {
            world.tell(&format!(
                "`{name}` is not settled: the tenant has no such account, and nobody is let in as it. If it was deleted, restore it \
                 there (Users, Deleted users) within 30 days; else `breakglass plan` makes it."
            ));
        }
        Ok(match (is_known, missing.is_empty()) {
            (false, _) => Exit::Unknown,
            (true, false) => Exit::Found,
            (true, true) => Exit::Good,
        })
    }

    fn tools(&self, world: &World) -> Result<Tools, Failure> {
        let (config, name) = self.place.config(world)?.ok_or(LiveError::NoTenant)?;
        let desk = self.place.desk(world)?;
        let operator = desk.operator_key()?;
        let path = desk.state.join(LOCK);
        let lock = LockFile::take(&path).map_err(|source| match source {
            LockError::Held => RotateFailure::UnderWay(path.clone()),
            source => RotateFailure::Lock { path: path.clone(), source },
        })?;
        let (store, depositories) = (desk.store()?, desk.depositories());
        // Before anybody signs in: to end sessions it needs no set of shares, nor where another has the place of the account.
        let is_due = |(_, course): &(String, Course)| course.is_revocation_due();
        let replaced = replacements(&store).map_err(DeskError::from)?;
        let is_replaced = self.account.as_ref().is_some_and(|named| replaced.iter().any(|one| one.is_named(named)));
        if !self.settle && !is_replaced && !courses(&store)?.iter().any(is_due) {
            Sealable::of(&desk.key_box(&store)?)?;
        }
        let deleting = self.replace_account.as_ref().map(|_| replace::PERMISSION);
        let permissions: Vec<&str> = PERMISSIONS.into_iter().chain(deleting).chain(reading_permissions()).collect();
        let live = Live::connect(&config, &desk.folder, &permissions, world)?;
        Ok(Tools {
            desk,
            store,
            operator,
            depositories,
            live,
            config: PathBuf::from(name),
            is_despite_unproved: self.despite_unproved,
            _lock: lock,
        })
    }

    /// Gives an account another password.
    fn rotate(&self, tools: &Tools, account: &Account, world: &World) -> Result<(), Failure> {
        let Tools { desk, store, operator, live, .. } = tools;
        let mut key_box = desk.key_box(store)?;
        let sets = Sealable::of(&key_box)?;
        Desk::note_sealing(&mut key_box, store, &sets)?;
        let tell = |step: &Step| tell(step, world);
        let rotator = tools.rotator(&tell);
        let SealTo { set, reserve } = sets.signed();
        let sealing = Sealing { account, set, reserve, operator };
        let rotated = live.runtime.block_on(async {
            tokio::select! {
                rotated = rotator.rotate(sealing) => rotated.map_err(|error| stopped(error, world)),
                Ok(()) = tokio::signal::ctrl_c() => Err(RotateFailure::Interrupted),
            }
        });
        let rotated = rotated.inspect_err(|_| desk.enter(store, world))?;
        let done = format!(
            "`{}` has another password, proved by a sign-in. It is sealed in the document `{}`, to {}.",
            account.user_principal_name,
            rotated.document,
            sets.names()
        );
        world.tell(fitted(&visible(&done), "", "", world.stderr.columns).trim_end());
        // It is done, whatever cannot be written down any more: the next rotation and the next command make up for that.
        let destroyed = destroy_superseded((&tools.depositories, store), &account.id, SystemClock.now());
        let destroyed = live.runtime.block_on(destroyed).unwrap_or_else(|error| {
            world.complain(&DeskError::from(error).into());
            Destroyed::default()
        });
        desk.enter(store, world);
        for document in destroyed.gone {
            world.note(&format!("the document `{document}` could count no more and is destroyed"));
        }
        if let Some(why) = destroyed.left {
            world.note(&format!(
                "what could count no more is not destroyed everywhere, and the next rotation tries it again: {why}"
            ));
        }
        match checkouts_of(store, &account.id).map(|(out, _)| out.standing(SystemClock.now())) {
            Ok(Standing::Requested(_) | Standing::Approved) => world.note(&format!(
                "what was asked for before opens nothing any more: `breakglass checkout refuse --account {} --person …`",
                account.user_principal_name
            )),
            Ok(_) => {}
            Err(error) => world.complain(&CheckoutFailure::from(error).into()),
        }
        note_to_print(world);
        if key_box.next().is_none() {
            world.note("make the next set of shares, for after the next opening: `breakglass custody new-set`");
        }
        Ok(())
    }

    /// Settles what was proved long enough ago, of every account. Whether nothing speaks against it is said.
    fn settle_all(&self, subject: &Subject, tools: &Tools, world: &World) -> Result<bool, Failure> {
        let mut is_known = true;
        for user in users_of(subject) {
            let account = account_of(subject, user);
            let settled = settle((&tools.live.directory, &tools.store, &SystemClock), &account.id, self.quiescence);
            let settled = tools.live.runtime.block_on(settled).map_err(DeskError::from)?;
            is_known &= matches!(settled, Settling::Nothing | Settling::Settled(_) | Settling::Quiet { .. });
            match settled {
                Settling::Changed { proved_at, changed_at } => world.note(&format!(
                    "the password of `{}` was changed on {changed_at}, after it was proved on {proved_at}: what is sealed may \
                     not be it; rotate that account",
                    account.user_principal_name
                )),
                Settling::Contested { other } => world.note(&format!(
                    "which password of `{}` counts cannot be told yet: that in `{other}` was sent before, and may have come after it. \
                     Both are sealed; rotate it again when {} h are over",
                    account.user_principal_name, self.quiescence
                )),
                Settling::WrongClock(wrong) => {
                    world.note(&format!("`{}` is not settled: {wrong}; {SET_CLOCK}", account.user_principal_name));
                }
                Settling::Unknown(why) => {
                    world.note(&format!("whether `{}` is settled cannot be told: {why}", account.user_principal_name));
                }
                Settling::Nothing | Settling::Settled(_) | Settling::Quiet { .. } => {}
            }
        }
        Ok(is_known)
    }
}

/// That this machine's clock is right enough to write down when something is sent. Where the tenant does not say what time it is,
/// nothing is settled later.
fn agreeing(tools: &Tools, account: &Account) -> Result<(), RotateFailure> {
    match tools.live.runtime.block_on(clocks((&tools.live.directory, &SystemClock), &account.id)) {
        Ok(Some(clocks)) => agree(clocks).map_err(RotateFailure::WrongClock),
        Ok(None) | Err(_) => Ok(()),
    }
}

/// Who signs in, who is not the account itself.
fn who(tools: &Tools, account: &Account) -> Result<String, RotateFailure> {
    let who = tools.live.runtime.block_on(tools.rotator(&|_| {}).who(account)).map_err(RotateFailure::NotBegun)?;
    Ok(match who {
        SignedInAs::User { user_principal_name, .. } => user_principal_name,
        SignedInAs::Application { app_id } => format!("application {app_id}"),
    })
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
