//! `drill`: the accounts are opened, sign in to every surface, and what came of it is written down.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use breakglass_adapters::clock::SystemClock;
use breakglass_adapters::graph::TenantSurfaces;
use breakglass_adapters::sqlite_store::SqliteStore;
use breakglass_custody::document::{Account, Document};
use breakglass_custody::name::Name;
use breakglass_custody::password::Password;
use breakglass_ops::checkout::journey::Out;
use breakglass_ops::checkout::record::Standing;
use breakglass_ops::checkout::stream::{self, SharesUsed};
use breakglass_ops::drill::journey::{Drilled, Driller, Report, Step};
use breakglass_ops::drill::record::{Begun, Entry, Outcome, PERSON_COUNT_MIN, Surface, Vantage};
use breakglass_ops::drill::stream::{DrillStreamError, check};
use breakglass_ops::journal::catch_up;
use breakglass_ops::keys::journey as keys;
use breakglass_ops::keys::record::Key;
use breakglass_ops::ports::{Attempt, Clock as _, NotElevated, Surfaces};
use clap::builder::PossibleValuesParser;

use super::checkout::CheckoutFailure;
use super::checkout::agreed::{Known, check_outs};
use super::custody::desk::{Desk, Place, name_of};
use super::custody::opening::{Candidates, Used, half_noted, note_opening, open_together};
use super::custody::retire::reason;
use super::custody::shares::ShareArguments;
use super::custody::shown::show;
use crate::codes::ErrorCode;
use crate::config::Connection;
use crate::exit::Exit;
use crate::failure::{Coded, Failure};
use crate::live;
use crate::output::deliver;
use crate::render::drill::{AccountEvidence, Evidence, json, text};
use crate::wiring::World;

/// Rehearse an emergency: open the accounts, sign in everywhere, write down what came of it
///
/// The custodians hand in their shares, which is written down with their names; what they open goes to the sign-ins. Each
/// account signs in to Microsoft Graph and to Azure, is elevated to manage all of Azure, and lowered again. No program signs in
/// to a portal: at a terminal somebody is asked to do it in a private window, with the account's passkey if it has one, and to
/// say what came of it. An account without one signs in there with its password, which is shown at the terminal to whoever asks
/// for it, and nowhere else. Run it from outside the networks that policies trust: from elsewhere it does not show that the
/// account gets in from there, and a drill that does stays due. A drill of each surface is due every 90 days, and when
/// custodians have changed. Afterwards the passwords are to be rotated, since they were opened.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// An account: its sign-in name or id
    #[arg(long, value_name = "UPN|ID", required = true)]
    account: Vec<String>,

    /// The id of somebody who is there; at least two. Nobody signs it: they are written down as told
    #[arg(long, value_name = "ID", required = true)]
    person: Vec<String>,

    /// Why, in as many words as it takes; they need no quotes
    #[arg(long, value_name = "TEXT", num_args = 1.., default_value = "a drill")]
    reason: Vec<String>,

    /// From where it is done: outside the networks that policies trust, or inside one of them. Nobody looks: it is written down
    /// as told [default: it is asked at a terminal, else unknown]
    #[arg(long, value_name = "WHERE", value_parser = PossibleValuesParser::new(Vantage::ALL.map(Vantage::name)))]
    from: Option<String>,

    /// What to try [default: what `drill_surfaces` of the configuration names, or everything]
    #[arg(long, value_name = "SURFACE", value_parser = PossibleValuesParser::new(Surface::ALL.map(Surface::name)))]
    surface: Vec<String>,

    /// Leave Azure out this time; it stays due
    #[arg(long)]
    no_azure: bool,

    /// How it is shown
    #[arg(long, value_enum, default_value_t = DrillFormat::Text)]
    format: DrillFormat,

    #[command(flatten)]
    share: ShareArguments,

    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum DrillFormat {
    /// For people
    Text,
    /// `breakglass-drill/1`
    Json,
}

/// Why there is no drill.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DrillFailure {
    /// Two people at least have to be there.
    #[error("a drill has at least {PERSON_COUNT_MIN} people: name each of them with --person")]
    FewPeople,
    /// Nothing is left to try.
    #[error("nothing is left to try: all of it is of Azure, which --no-azure leaves out")]
    Nothing,
    /// Only portals are to be tried, and there is nobody to be asked.
    #[error(
        "only portals are to be tried, into which no program signs in, and there is no terminal to ask somebody at"
    )]
    Nobody,
    /// There is no way to the tenant.
    #[error("the tenant does not answer, and nobody could sign in: {0}")]
    Unreached(String),
    /// Somebody has what was opened of the account.
    #[error(transparent)]
    Out(#[from] Out),
    /// What is remembered is of no use, or nothing can be written down.
    #[error(transparent)]
    Stream(#[from] DrillStreamError),
}

pub(crate) const CODES: &[ErrorCode] = &[
    ErrorCode {
        code: "BG4081",
        title: "the drill is not begun",
        explanation: "A drill has two people at least of those whom the configuration knows, accounts whose passwords are \
                      sealed, something to try, and a state to be written down in. The message says what is missing. Nothing \
                      was opened and nobody signed in.",
    },
    ErrorCode {
        code: "BG4082",
        title: "the account is out, and not drilled meanwhile",
        explanation: "Two people have agreed that something of the account is opened, it was, and it is not returned: one uses it \
                      at a time, and a drill waits for its end. The message says who asked, and since when. Return it, rotate, and \
                      drill then. Nobody signed in. In an emergency `breakglass custody open` waits for nobody.",
    },
];

impl Coded for DrillFailure {
    fn code(&self) -> &'static str {
        match self {
            Self::Out(_) => "BG4082",
            _ => "BG4081",
        }
    }

    fn help(&self) -> Option<String> {
        Some(
            match self {
                Self::Out(out) => {
                    return Some(format!(
                        "return it first: `breakglass checkout return --account {} --person {}`",
                        out.account, out.person
                    ));
                }
                Self::FewPeople => "they are declared below `[[custody.custodian]]` or `[[custody.person]]`",
                Self::Nothing => "leave out --no-azure, or name another --surface",
                Self::Nobody => "run it at a terminal",
                Self::Unreached(_) => "`breakglass doctor` looks at the way there; nothing was opened",
                Self::Stream(DrillStreamError::Line(_)) => {
                    "everybody of the configuration is written down with a drill: declare fewer people, or with shorter ids"
                }
                Self::Stream(_) => "`breakglass ledger verify` says whether the record was changed",
            }
            .to_owned(),
        )
    }
}

/// Who is there, and what for.
struct Plan {
    people: BTreeSet<Name>,
    staff: BTreeSet<Name>,
    surfaces: BTreeSet<Surface>,
    from: Vantage,
    /// Portals are left out, since there is nobody to be asked.
    is_unasked: bool,
    reason: String,
}

impl Arguments {
    pub(super) fn run(&self, world: &World) -> Result<Exit, Failure> {
        let desk = self.place.desk(world)?;
        let plan = self.plan(&desk, world)?;
        let store = desk.store()?;
        let documents = self.documents((&desk, &store), &plan, world)?;
        let connection = desk.config.connection(&desk.folder);
        let https = live::surfaces(&connection, world)?;
        let (with_key, refused) = (with_key(&store, &documents), Mutex::default());
        let surfaces = Asked { https, world, connection: &connection, with_key, refused };
        if plan.is_unasked {
            world.note("there is no terminal to ask somebody at: the portals are left out, and stay due");
        }
        if plan.surfaces.iter().any(|surface| !surface.is_portal()) {
            // An opening for nothing costs a set of shares.
            desk.runtime.block_on(surfaces.https.answers()).map_err(DrillFailure::Unreached)?;
        }
        let look = |document: &Document| may_drill(&store, document);
        let mut remember = |document: &Document, used: &Used| {
            remember((&desk, &store), (document, used), &plan.people)
                .map_err(|why| half_noted((&desk, &store), &used.set, why))?;
            desk.enter(&store, world);
            Ok(())
        };
        let passwords = open_together(&documents, &self.share, &look, &mut remember, world)?;
        let is_stopped = stopped_by_interrupt(&desk, world);
        let mut accounts = Vec::new();
        for (document, password) in documents.iter().zip(passwords) {
            let account = &document.label().account;
            let name = name_of(&document.label().envelope.to_string())?;
            let tell = |step: Step| tell(step, account, world);
            let drilled = Drilled {
                account,
                document: &name,
                password: &password,
                people: &plan.people,
                staff: &plan.staff,
                surfaces: &plan.surfaces,
                from: plan.from,
                reason: &plan.reason,
            };
            let driller = Driller {
                surfaces: &surfaces,
                store: &store,
                clock: &SystemClock,
                tell: &tell,
                is_stopped: &|| is_stopped.load(Ordering::Relaxed),
            };
            let came = desk.runtime.block_on(driller.drill(drilled));
            world.progress_is_over();
            accounts.push((document, came));
        }
        let exit = self.told(&accounts, &plan, world);
        desk.enter(&store, world);
        exit
    }

    fn plan(&self, desk: &Desk, world: &World) -> Result<Plan, Failure> {
        let reason = reason(&self.reason)?;
        let people: BTreeSet<Name> = self.person.iter().map(|id| name_of(id)).collect::<Result<_, _>>()?;
        if people.len() < PERSON_COUNT_MIN {
            return Err(DrillFailure::FewPeople.into());
        }
        for person in &people {
            desk.person(person.as_str())?;
        }
        let named: BTreeSet<Surface> = if self.surface.is_empty() {
            desk.config.drill_surfaces()
        } else {
            Surface::ALL.into_iter().filter(|surface| self.surface.iter().any(|name| name == surface.name())).collect()
        };
        let mut surfaces: BTreeSet<Surface> =
            named.into_iter().filter(|surface| !(self.no_azure && surface.is_azure())).collect();
        // What somebody names is tried, and written down as not told.
        let is_unasked =
            self.surface.is_empty() && !world.can_ask() && surfaces.iter().any(|surface| surface.is_portal());
        if is_unasked {
            surfaces.retain(|surface| !surface.is_portal());
        }
        if surfaces.is_empty() {
            return Err(if is_unasked { DrillFailure::Nobody } else { DrillFailure::Nothing }.into());
        }
        let staff = desk.staff()?;
        Ok(Plan { people, staff, surfaces, from: self.vantage(world), is_unasked, reason })
    }

    /// From where it is done, as somebody says.
    fn vantage(&self, world: &World) -> Vantage {
        let said = self.from.clone().or_else(|| {
            world.answer(
                "From where is this drill done: `outside` the networks that policies trust, `inside` one of them, or `unknown`?",
            )
        });
        let Some(said) = said else { return Vantage::Unknown };
        let named = Vantage::ALL.into_iter().find(|from| from.name() == said);
        if named.is_none() {
            world.note("that is none of them: from where it is done is written down as unknown");
        }
        named.unwrap_or(Vantage::Unknown)
    }

    /// What counts of each account, which is there once however often it is named.
    fn documents(
        &self,
        (desk, store): (&Desk, &SqliteStore),
        plan: &Plan,
        world: &World,
    ) -> Result<Vec<Document>, Failure> {
        let mut documents: Vec<Document> = Vec::new();
        for named in &self.account {
            let candidates = Candidates::of(desk, named, world)?;
            candidates.counts(desk)?;
            let id = &candidates.first().label().account.id;
            if documents.iter().any(|other| other.label().account.id == *id) {
                continue;
            }
            // Before anybody types a share.
            let begun = Begun {
                document: name_of(&candidates.first().label().envelope.to_string())?,
                people: plan.people.clone(),
                staff: plan.staff.clone(),
                surfaces: plan.surfaces.clone(),
                from: plan.from,
                reason: plan.reason.clone(),
                at: SystemClock.now(),
            };
            check(store, id, &Entry::Begun(begun)).map_err(DrillFailure::from)?;
            may_drill(store, candidates.first())?;
            warn_of_request((desk, store), candidates.first(), world)?;
            candidates.tell_others(candidates.first(), world);
            documents.push(candidates.into_first());
        }
        Ok(documents)
    }

    /// Shows what was seen, and says what is next.
    fn told(
        &self,
        accounts: &[(&Document, Result<Report, DrillStreamError>)],
        plan: &Plan,
        world: &World,
    ) -> Result<Exit, Failure> {
        let of = |(document, came): &(&Document, Result<Report, DrillStreamError>)| {
            let label = document.label();
            AccountEvidence::of(&label.account, &label.envelope.to_string(), came.as_ref().map_err(ToString::to_string))
        };
        let evidence = Evidence {
            reason: plan.reason.clone(),
            people: plan.people.iter().map(ToString::to_string).collect(),
            from: plan.from,
            accounts: accounts.iter().map(of).collect(),
        };
        let shown = match self.format {
            DrillFormat::Text => text(&evidence, (world.stdout.columns, world.stdout.paint)),
            DrillFormat::Json => json(&evidence),
        };
        deliver(world, None, &shown)?;
        for (document, _) in accounts {
            let name = &document.label().account.user_principal_name;
            world.note(&format!("next: `breakglass rotate --account {name}`, since its password was opened"));
        }
        let is_stopped = |(_, came): &(&Document, Result<Report, DrillStreamError>)| {
            came.as_ref().map_or(true, |report| report.stop.is_some())
        };
        if accounts.iter().any(is_stopped) {
            return Ok(Exit::Partial);
        }
        let worst = accounts.iter().filter_map(|(_, came)| came.as_ref().ok()).map(Report::outcome).max();
        Ok(match worst {
            Some(Outcome::Good) if !plan.is_unasked => Exit::Good,
            Some(Outcome::Bad) => Exit::Found,
            Some(Outcome::Good | Outcome::Unknown) | None => Exit::Unknown,
        })
    }
}

/// That nothing of its account is out, and that it counts: before anybody types a share, and behind that, before a key is there.
fn may_drill(store: &SqliteStore, document: &Document) -> Result<(), Failure> {
    let enter = |at| catch_up(store, at);
    let name = name_of(&document.label().envelope.to_string())?;
    Ok(check_outs(store, &document.label().account, &enter).may_drill(&name)?)
}

/// Says that a request is used up by the drill, where enough people agree to one for the same document.
fn warn_of_request((desk, store): (&Desk, &SqliteStore), document: &Document, world: &World) -> Result<(), Failure> {
    let (label, now) = (document.label(), SystemClock.now());
    let name = label.envelope.to_string();
    let (course, _) = stream::course_of(store, &label.account.id).map_err(CheckoutFailure::from)?;
    let agreed = course.request_at(now).filter(|request| request.document.as_str() == name);
    if let Some(request) = agreed.filter(|_| course.standing(now) == Standing::Approved) {
        world.note(&format!(
            "enough people agree to the request of {} for `{name}`: the drill uses it up, and is to be returned as `checkout open` is",
            desk.called(&request.person)
        ));
    }
    Ok(())
}

/// Writes down that a document was opened and whose shares it took, before anything signs in with what was in it.
fn remember(
    (desk, store): (&Desk, &SqliteStore),
    (document, used): (&Document, &Used),
    people: &BTreeSet<Name>,
) -> Result<(), Failure> {
    let account = &document.label().account;
    let name = name_of(&document.label().envelope.to_string())?;
    let enter = |at| catch_up(store, at);
    let check_outs = check_outs(store, account, &enter);
    let entry = |_: &SharesUsed| check_outs.drill_entry(&Known { desk, account }, &name, people);
    note_opening(desk, store, (document, used), entry)
}

/// Whether somebody has pressed Ctrl-C: what is under way is done first, so that no elevation is left.
fn stopped_by_interrupt(desk: &Desk, world: &World) -> Arc<AtomicBool> {
    let is_stopped = Arc::new(AtomicBool::new(false));
    let (told, world) = (Arc::clone(&is_stopped), world.clone());
    desk.runtime.spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            told.store(true, Ordering::Relaxed);
            world.note("interrupted: the step under way is ended first");
        }
    });
    is_stopped
}

fn tell(step: Step, account: &Account, world: &World) {
    let name = &account.user_principal_name;
    match step {
        Step::LowerEarlier => world.note(&format!(
            "an earlier drill may have left `{name}` elevated to manage all of Azure: it is taken back"
        )),
        Step::LoweredEarlier => world.note(&format!("`{name}` is not elevated any more")),
        Step::Try(surface) => world.progress(&format!("{name}: {}", surface.name())),
        Step::Elevate => world.progress(&format!("{name}: elevating")),
        Step::Lower => world.progress(&format!("{name}: taking the elevation back")),
    }
}

/// Ids of accounts that have a security key to sign in with, as far as that can be told.
fn with_key(store: &SqliteStore, documents: &[Document]) -> BTreeSet<String> {
    let ids = documents.iter().map(|document| &document.label().account.id);
    let has_key = |id: &&String| keys::course_of(store, id).is_ok_and(|(course, _)| course.keys().any(Key::is_usable));
    ids.filter(has_key).cloned().collect()
}

/// Surfaces over HTTPS, and portals by asking whoever sits before the terminal.
struct Asked<'w> {
    https: TenantSurfaces,
    world: &'w World,
    connection: &'w Connection,
    /// Ids of accounts that sign in to portals with a security key.
    with_key: BTreeSet<String>,
    /// Ids of accounts whose password was refused, which nobody is to type.
    refused: Mutex<BTreeSet<String>>,
}

impl Asked<'_> {
    /// Notes that a password was refused.
    fn noted(&self, account: &Account, attempt: Attempt) -> Attempt {
        if matches!(attempt, Attempt::Wrong { .. }) {
            self.refused.lock().unwrap_or_else(PoisonError::into_inner).insert(account.id.clone());
        }
        attempt
    }

    /// Shows the password to whoever wants to sign in to a portal with it, and says what else there is.
    fn offer(&self, what: &str, account: &Account, password: &Password) {
        let (name, world) = (&account.user_principal_name, self.world);
        if self.with_key.contains(&account.id) || !world.can_ask() {
            return;
        }
        if self.refused.lock().unwrap_or_else(PoisonError::into_inner).contains(&account.id) {
            world.note(&format!(
                "the password of `{name}` was refused, and is not shown: each try counts towards the lock of the account"
            ));
            return;
        }
        // Where standard output is a file it would stand there.
        if !world.stdout.is_terminal {
            world.note(&format!(
                "by the record `{name}` has no security key, and its password is not shown while standard output is a file: if it \
                 is needed, run the drill once more without a redirection, with --surface for each portal"
            ));
            return;
        }
        let question = format!(
            "By the record `{name}` has no security key. Is its password needed to sign in to {what}? `yes` shows it on a screen \
             of its own, until Enter; anything else goes on without it:"
        );
        if !world.agrees(&question) {
            return;
        }
        let head = format!(
            "This is the password of {name}. Type it in a private window, at the sign-in to {what}; do not copy it anywhere."
        );
        if let Err(error) = show(password, &head, None, world) {
            world.note(&format!("the password is not shown: {error}"));
        }
    }

    fn portal(&self, surface: Surface, account: &Account, password: &Password) -> Attempt {
        let what = match surface {
            Surface::AzurePortal => "the Azure portal".to_owned(),
            Surface::Microsoft365AdminCenter => "the Microsoft 365 admin center".to_owned(),
            _ => format!("the Microsoft Entra admin center, {}", self.connection.portal()),
        };
        self.offer(&what, account, password);
        let has_key = self.with_key.contains(&account.id);
        let by = if has_key { "its passkey" } else { "its passkey if it has one, else its password" };
        let question = format!(
            "Sign in to {what} as {} in a private window, with {by}. Is it in? `yes` or `no`, anything else if it cannot be told:",
            account.user_principal_name
        );
        match self.world.answer(&question).as_deref() {
            Some("yes") => Attempt::SeenIn,
            Some("no") => Attempt::SeenOut,
            Some(_) => Attempt::Unknown { why: "whoever was asked could not tell".to_owned() },
            None => Attempt::Unknown { why: "no program signs in to a portal, and nobody could be asked".to_owned() },
        }
    }
}

#[async_trait]
impl Surfaces for Asked<'_> {
    async fn sign_in(&self, surface: Surface, account: &Account, password: &Password) -> Attempt {
        if surface.is_portal() {
            return self.portal(surface, account, password);
        }
        self.noted(account, self.https.sign_in(surface, account, password).await)
    }

    async fn is_elevated(&self, account: &Account, password: &Password) -> Result<bool, Attempt> {
        self.https.is_elevated(account, password).await.map_err(|attempt| self.noted(account, attempt))
    }

    async fn elevate(&self, account: &Account, password: &Password) -> Result<(), NotElevated> {
        self.https.elevate(account, password).await
    }

    async fn lower(&self, account: &Account, password: &Password) -> Result<(), String> {
        self.https.lower(account, password).await
    }
}
